//! Rules that speak up about a protocol. They advise; nothing is blocked.

use serde::{Deserialize, Serialize};

use super::{names, number};
use crate::base::error::{Result, suggestion};
use crate::engine::observe::Record;
use crate::scenario::Plan;
use crate::skin::catalogue::Rule;
use crate::skin::needling::Needling;

/// A rule that a protocol runs into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Whose rule it is.
    pub authority: String,
    /// Its name.
    pub rule: String,
    /// What it says.
    pub says: String,
    /// Where it is written.
    pub source: String,
    /// Whether that was read, not recalled.
    pub checked: bool,
}

/// The rules of the plan that speak up. A session is judged by each of its numbers; the first session that a rule speaks of
/// is enough. Without a record nobody knows what was left of one session at the next, and no rule speaks of it.
///
/// # Errors
/// A rule speaks of a number that no session has.
pub fn advice(plan: &Plan, needling: &[Needling], record: Option<&Record>) -> Result<Vec<Advice>> {
    let mut all = Vec::new();
    for rules in &plan.rules {
        for (name, rule) in &rules.rule {
            if !concerns(plan, rule) {
                continue;
            }
            let mut speaks = rule.bounds.is_empty();
            for (count, session) in needling.iter().enumerate() {
                let mut within = !rule.bounds.is_empty();
                for bound in &rule.bounds {
                    let value = number(plan, count, session, record, &bound.number).ok_or_else(|| {
                        let known = names(session);
                        rules
                            .source
                            .refuse(bound.span.clone(), format!("a session has no number `{}`", bound.number))
                            .help(suggestion(&bound.number, known.iter().map(String::as_str)))
                    })?;
                    within &= bound.above.is_none_or(|above| value > above * (1.0 + 1e-9));
                    within &= bound.below.is_none_or(|below| value < below * (1.0 - 1e-9));
                }
                speaks |= within;
            }
            if speaks {
                all.push(Advice {
                    authority: rules.what.clone(),
                    rule: name.clone(),
                    says: rule.what.clone(),
                    source: rule.origin.clone(),
                    checked: rule.checked,
                });
            }
        }
    }
    Ok(all)
}

/// Whether a rule speaks of the operator, the device and the tissue of a plan; a plan without needling breaks no rule.
fn concerns(plan: &Plan, rule: &Rule) -> bool {
    let Some(protocol) = &plan.protocol else { return false };
    let among = |list: &[String], name: &str| list.is_empty() || list.iter().any(|own| own == name);
    among(&rule.operator, &protocol.operator.name)
        && among(&rule.device, &protocol.device.name)
        && among(&rule.tissue, &plan.tissue.name)
}
