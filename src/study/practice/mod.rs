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

use crate::base::error::Result;
use crate::base::sourced::{Sourced, Traits};
use crate::base::units::DAY;
use crate::engine::observe::Record;
use crate::run::Outcome;
use crate::scenario::Plan;
use crate::skin::catalogue::Drive;
use crate::skin::needling::Needling;
use crate::skin::protocol::Protocol;

pub use advice::{Advice, advice};
pub use price::{CoursePrice, PriceSpread, price};
pub use recovery::{CarriedOver, Recovery, carried_over, recovery};
pub use spread::{LesionSpread, spread};

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
    pub pain: Vec<SessionPain>,
    /// What needles carry off from a lesion.
    pub spread: Option<LesionSpread>,
    /// Rules that speak up.
    #[serde(default)]
    pub advice: Vec<Advice>,
    /// Money.
    pub price: Option<CoursePrice>,
}

/// Pain of a session relative to a 26G needle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SessionPain {
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
            advice: advice(plan, &outcome.needling, Some(record))?,
            price: plan.cost.as_ref().map(|cost| price(cost, record)).transpose()?,
        })
    }
}

/// The pain of each session, with what the anaesthetic takes away just before it.
fn pain(outcome: &Outcome) -> Vec<SessionPain> {
    let record = &outcome.record;
    let column = record.headings.iter().position(|heading| heading.name == ANALGESIA);
    let sessions = outcome.plan.sessions.iter().zip(&outcome.needling);
    sessions
        .map(|(time, needling)| {
            let row = record.times.iter().position(|own| own >= time);
            let share = row.zip(column).and_then(|(row, column)| record.values.get(row)?.get(column).copied());
            let taken_away = share.unwrap_or(0.0).clamp(0.0, 1.0);
            let plain = needling.summary.pain;
            SessionPain { day: time / DAY, plain, taken_away, felt: plain * (1.0 - taken_away) }
        })
        .collect()
}

/// A number of a session by the name it has in `summary.json` (SI), or one of [`OF_PLAN`].
fn number(plan: &Plan, session: usize, needling: &Needling, record: Option<&Record>, name: &str) -> Option<f64> {
    if OF_PLAN.contains(&name) {
        // What a plan cannot tell, as what is left at the first session, no bound is about.
        return Some(of_plan(plan, session, record, name).unwrap_or(f64::NAN));
    }
    let all = serde_json::to_value(&needling.summary).ok()?;
    let mut value = &all;
    for part in name.split('.') {
        value = value.get(part)?;
    }
    value.as_f64()
}

/// Numbers that rules may speak of and that are none of a session's own: the age [s]; the set length over the thickness of
/// epidermis and dermis; the time since the session before [s]; the largest part that is left of the barrier's opening or of the
/// inflammation of that session; and how many times press, glide and frequency lie outside what is known of operator and device.
const OF_PLAN: [&str; 5] = ["age", "length_over_skin", "gap", "unhealed", "beyond_known"];

fn of_plan(plan: &Plan, session: usize, record: Option<&Record>, name: &str) -> Option<f64> {
    let before = session.checked_sub(1);
    match name {
        "age" => Some(plan.age * 365.25 * DAY),
        "length_over_skin" => {
            let dermis = plan.layers.iter().filter(|layer| layer.groups.iter().any(|group| group == "dermis"));
            let bottom = dermis.map(|layer| layer.bottom).fold(0.0, f64::max);
            (bottom > 0.0).then(|| plan.protocol.as_ref().map_or(0.0, |protocol| protocol.length / bottom))
        }
        "gap" => Some(plan.sessions.get(session)? - plan.sessions.get(before?)?),
        "unhealed" => {
            let day = plan.sessions.get(session)? / DAY;
            let wounds = ["barrier", "wound_open", "inflammation"];
            let left = carried_over(record?).into_iter().filter(|own| (own.day - day).abs() < 1e-9);
            left.filter(|own| wounds.contains(&own.observable.as_str())).map(|own| own.share).reduce(f64::max)
        }
        _ => plan.protocol.as_ref().map(beyond_known),
    }
}

/// How many times the largest known value, or how many times less than the smallest, the hand and the motor are at.
fn beyond_known(protocol: &Protocol) -> f64 {
    let (press, glide) = (&protocol.operator.press, &protocol.operator.glide);
    let (press, glide, frequency) = match &protocol.device.drive {
        Drive::Pen(pen, _) => (&press.pen, Some(&glide.pen), Some(&pen.frequency)),
        Drive::Roller(_) => (&press.roller, Some(&glide.roller), None),
        Drive::Plate(plate) => (&press.hand, None, Some(&plate.frequency)),
        Drive::Hand(hand) => (&press.hand, None, Some(&hand.frequency)),
    };
    let set = [(protocol.press, Some(press)), (protocol.glide, glide), (protocol.frequency, frequency)];
    let beyond = |(given, known): (Option<f64>, Option<&Sourced>)| {
        let (given, [low, high]) = (given?, known?.range?);
        Some((given / high).max(low / given))
    };
    set.into_iter().filter_map(beyond).fold(0.0, f64::max)
}

/// Names of the numbers of a session.
fn names(needling: &Needling) -> Vec<String> {
    let all = serde_json::to_value(&needling.summary).unwrap_or_default();
    let plain = all.as_object().into_iter().flatten().filter(|(_, value)| value.is_number());
    plain.map(|(name, _)| name.clone()).chain(OF_PLAN.map(str::to_owned)).collect()
}

/// Nobody in particular: numbers of practice are the same for all.
fn anybody() -> Traits {
    Traits::new()
}
