//! What a course means in practice, beside what it does to the skin: when the skin may be treated again, what one session
//! leaves for the next, pain under an anaesthetic, what needles carry off from a lesion, rules that speak up, and money.
//!
//! Everything here is read off the answer of a run and off data files; nothing feeds back into the simulation.

mod advice;
mod price;
mod recovery;
mod spread;
mod words;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::needling::Needling;
use crate::scenario::Plan;
use crate::simulate::Outcome;
use crate::sourced::Traits;
use crate::units::DAY;

pub use advice::{Advice, advice};
pub use price::{Course, Price, price};
pub use recovery::{CarriedOver, Recovery, carried_over, recovery};
pub use spread::{Spread, spread};

/// The observable that tells which share of the pain of a puncture is taken away.
const ANALGESIA: &str = "analgesia";

/// What a course means in practice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Practice {
    /// When the skin may be treated again.
    pub recovery: Option<Recovery>,
    /// What each session leaves for the next.
    #[serde(default)]
    pub carried_over: Vec<CarriedOver>,
    /// Pain of each session.
    #[serde(default)]
    pub pain: Vec<Pain>,
    /// What needles carry off from a lesion.
    pub spread: Option<Spread>,
    /// Rules that speak up.
    #[serde(default)]
    pub advice: Vec<Advice>,
    /// Money.
    pub price: Option<Price>,
}

/// Pain of a session relative to a 26G needle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pain {
    /// Day of the session.
    pub day: f64,
    /// Without an anaesthetic.
    pub plain: f64,
    /// Share that the anaesthetic takes away at that moment.
    pub taken_away: f64,
    /// What is left.
    pub felt: f64,
}

impl Practice {
    /// Reads the practice off a run that ended.
    ///
    /// # Errors
    /// A rule speaks of a number that a session has not.
    pub fn of(outcome: &Outcome) -> Result<Self> {
        let (plan, record) = (&outcome.plan, &outcome.record);
        Ok(Self {
            recovery: recovery(record),
            carried_over: carried_over(record),
            pain: pain(outcome),
            spread: match (&plan.lesion, outcome.needling.first()) {
                (Some(lesion), Some(needling)) => spread(plan, lesion, needling)?,
                _ => None,
            },
            advice: advice(plan, &outcome.needling)?,
            price: plan.cost.as_ref().map(|cost| price(cost, record)).transpose()?,
        })
    }
}

/// The pain of each session, with what the anaesthetic takes away just before it.
fn pain(outcome: &Outcome) -> Vec<Pain> {
    let record = &outcome.record;
    let column = record.headings.iter().position(|heading| heading.name == ANALGESIA);
    let sessions = outcome.plan.sessions.iter().zip(&outcome.needling);
    sessions
        .map(|(time, needling)| {
            let row = record.times.iter().position(|own| own >= time);
            let share = row.zip(column).and_then(|(row, column)| record.values.get(row)?.get(column).copied());
            let taken_away = share.unwrap_or(0.0).clamp(0.0, 1.0);
            let plain = needling.summary.pain;
            Pain { day: time / DAY, plain, taken_away, felt: plain * (1.0 - taken_away) }
        })
        .collect()
}

/// A number of a session by the name it has in `summary.json` (SI), or `age` in seconds.
fn number(plan: &Plan, needling: &Needling, name: &str) -> Option<f64> {
    if name == "age" {
        return Some(plan.age * 365.25 * DAY);
    }
    let all = serde_json::to_value(&needling.summary).ok()?;
    let mut value = &all;
    for part in name.split('.') {
        value = value.get(part)?;
    }
    value.as_f64()
}

/// Names of the numbers of a session.
fn names(needling: &Needling) -> Vec<String> {
    let all = serde_json::to_value(&needling.summary).unwrap_or_default();
    let plain = all.as_object().into_iter().flatten().filter(|(_, value)| value.is_number());
    plain.map(|(name, _)| name.clone()).chain(["age".to_owned()]).collect()
}

/// Nobody in particular: numbers of practice are the same for all.
fn anybody() -> Traits {
    Traits::new()
}
