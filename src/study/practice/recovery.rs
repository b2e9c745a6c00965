//! When skin may be treated again, and what one session leaves for the next.
//!
//! Symptoms and the barrier gate a new session; gains do not, for they are meant to last. A symptom is over when its
//! deviation from rest stays within 5 % of its largest value ([`crate::present::output`] tells the same day as `resolved_day`).

use serde::{Deserialize, Serialize};

use crate::base::units::DAY;
use crate::engine::observe::Record;

/// The part of its peak within which a symptom counts as over.
const WITHIN: f64 = 0.05;
/// Deviations smaller than this part of the rest are rounding.
const ROUNDING: f64 = 1e-12;
/// Observables that gate a session although they are no symptoms.
const GATES: [&str; 2] = ["barrier", "inflammation"];

/// When the skin may be treated again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Days after the last session from which every symptom and the barrier are over; `None` if not within the run.
    pub days: Option<f64>,
    /// What takes longest, or is not over at the end.
    pub slowest: Vec<String>,
    /// Each observable that gates, with its days after the last session; `None` if not within the run.
    pub each: Vec<(String, Option<f64>)>,
}

/// What a session finds of the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarriedOver {
    /// Day of the later session.
    pub day: f64,
    /// The observable.
    pub observable: String,
    /// Its deviation just before that session, against its largest since the session before.
    pub share: f64,
}

/// The columns that gate a session.
fn gates(record: &Record) -> Vec<usize> {
    let gates = |name: &str, group: &str| group == "symptom" || GATES.contains(&name);
    let all = record.headings.iter().enumerate();
    all.filter(|(_, heading)| gates(&heading.name, &heading.group)).map(|(column, _)| column).collect()
}

fn deviation(record: &Record, row: usize, column: usize) -> f64 {
    let (rest, value) = (record.headings[column].rest, record.values[row][column]);
    let difference = value - rest;
    if difference.abs() <= ROUNDING * rest.abs() { 0.0 } else { difference.abs() }
}

/// When the skin may be treated again after the last session; `None` if nothing was needled.
pub fn recovery(record: &Record) -> Option<Recovery> {
    let last = *record.acts.last()?;
    let first = record.times.iter().rposition(|time| *time <= last)?;
    let mut each: Vec<(String, Option<f64>)> = Vec::new();
    for column in gates(record) {
        let deviations: Vec<f64> = (first..record.times.len()).map(|row| deviation(record, row, column)).collect();
        let peak = deviations.iter().copied().fold(0.0, f64::max);
        let large = deviations.iter().rposition(|own| own.is_nan() || *own > WITHIN * peak);
        let settled = first + large.map_or(0, |large| large + 1);
        let day = record.times.get(settled).map(|time| (time - last) / DAY);
        each.push((record.headings[column].name.clone(), day));
    }
    let open: Vec<String> = each.iter().filter(|(_, day)| day.is_none()).map(|(name, _)| name.clone()).collect();
    let longest = each.iter().filter_map(|(_, day)| *day).fold(0.0, f64::max);
    let (days, slowest) = if open.is_empty() {
        let last = each.iter().filter(|(_, day)| *day == Some(longest)).map(|(name, _)| name.clone());
        (Some(longest), last.collect())
    } else {
        (None, open)
    };
    Some(Recovery { days, slowest, each })
}

/// What each session finds of the one before, for every observable that gates and moved at all.
pub fn carried_over(record: &Record) -> Vec<CarriedOver> {
    let mut all = Vec::new();
    for pair in record.acts.windows(2) {
        // A session is recorded twice: the last row of one is after it, the first row of the next before it.
        let after = record.times.iter().rposition(|time| *time <= pair[0]);
        let before = record.times.iter().position(|time| *time >= pair[1]);
        let (Some(after), Some(before)) = (after, before) else { continue };
        for column in gates(record) {
            let peak = (after..=before).map(|row| deviation(record, row, column)).fold(0.0, f64::max);
            if peak > 0.0 {
                let share = deviation(record, before, column) / peak;
                let observable = record.headings[column].name.clone();
                all.push(CarriedOver { day: pair[1] / DAY, observable, share });
            }
        }
    }
    all
}
