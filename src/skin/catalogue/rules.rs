//! Rules of jurisdictions and authorities: what a protocol is measured by. They advise; no rule keeps a simulation from
//! running.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_spanned::Spanned;

use super::stem;
use crate::base::error::{Result, Source, read_toml};
use crate::base::units::Quantity;

/// The rules of one file.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Name of the file without its ending.
    pub name: String,
    /// Whose rules these are.
    pub what: String,
    /// The rules by name.
    pub rule: IndexMap<String, Rule>,
    /// The text they were read from.
    pub source: Arc<Source>,
}

/// One rule: it speaks up if everything it asks for is so.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it says, in a sentence.
    pub what: String,
    /// Where it is written.
    pub origin: String,
    /// Whether that was read, not recalled.
    pub checked: bool,
    /// Operators it speaks of; empty: everybody.
    pub operator: Vec<String>,
    /// Devices it speaks of; empty: all.
    pub device: Vec<String>,
    /// Tissues it speaks of; empty: all.
    pub tissue: Vec<String>,
    /// Numbers of the protocol or of a session, each with the values at which the rule speaks.
    pub bounds: Vec<Bound>,
}

/// A number and where it must lie for a rule to speak.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The number, as "set_length", "dermal_holes_per_area" or "age".
    pub number: String,
    /// It must be above this (SI).
    pub above: Option<f64>,
    /// It must be below this (SI).
    pub below: Option<f64>,
    /// Where it is written.
    pub span: std::ops::Range<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRules {
    what: String,
    rule: IndexMap<String, WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    what: String,
    source: Spanned<String>,
    #[serde(default = "yes")]
    checked: bool,
    #[serde(default)]
    operator: Vec<String>,
    #[serde(default)]
    device: Vec<String>,
    #[serde(default)]
    tissue: Vec<String>,
    #[serde(default, rename = "if")]
    bounds: IndexMap<Spanned<String>, WrittenBound>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBound {
    above: Option<Spanned<toml::Value>>,
    below: Option<Spanned<toml::Value>>,
}

impl Rules {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// The text is not TOML, a key is unknown or missing, a source is empty, or a bound is no number.
    pub fn read(source: &Arc<Source>) -> Result<Self> {
        let written: WrittenRules = read_toml(source)?;
        let mut rule = IndexMap::new();
        for (name, one) in written.rule {
            if one.source.get_ref().trim().is_empty() {
                return Err(source
                    .refuse(one.source.span(), "the source is empty")
                    .help("say where the rule is written"));
            }
            let mut bounds = Vec::new();
            for (number, bound) in one.bounds {
                let value = |end: Option<Spanned<toml::Value>>| -> Result<Option<f64>> {
                    let Some(end) = end else { return Ok(None) };
                    let quantity: Result<Quantity> = match end.get_ref() {
                        toml::Value::String(text) => text.parse(),
                        toml::Value::Integer(whole) => Ok(Quantity::number(*whole as f64)),
                        toml::Value::Float(number) => Ok(Quantity::number(*number)),
                        _ => Err(source.refuse(end.span(), "a bound is a number")),
                    };
                    Ok(Some(quantity.map_err(|error| error.at(source, end.span()))?.value))
                };
                let (above, below) = (value(bound.above)?, value(bound.below)?);
                if above.is_none() && below.is_none() {
                    return Err(source.refuse(number.span(), "a bound says `above` or `below`"));
                }
                bounds.push(Bound { span: number.span(), number: number.into_inner(), above, below });
            }
            let (what, origin, checked) = (one.what, one.source.into_inner(), one.checked);
            let (operator, device, tissue) = (one.operator, one.device, one.tissue);
            rule.insert(name, Rule { what, origin, checked, operator, device, tissue, bounds });
        }
        Ok(Self { name: stem(source), what: written.what, rule, source: source.clone() })
    }
}
