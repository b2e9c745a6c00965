//! What an observable did, in six numbers.
//!
//! With u(t) the observable and u₀ its value at rest, the **deviation** is d(t) = u(t) − u₀.
//!
//! | number | meaning |
//! |---|---|
//! | `rest` | u₀ |
//! | `peak` | d at the moment of the largest |d|, with its sign |
//! | `peak_day` | when that was, in days since the start of the run (the first of several) |
//! | `end` | u at the end of the run |
//! | `resolved_day` | the first recorded day, at or after the last session, from which on |d| ≤ 5 % of |peak| |
//!
//! `resolved_day` is missing when the deviation never settles within the run: a lasting gain has none, and so has a symptom
//! that is still there at the end. Where it stands between two recorded times, the later one counts, so the record must look
//! often enough. Deviations below 1e-12 of u₀ are rounding and count as none. A number that cannot be told (not finite, or
//! no rest to compare with) is `null`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::base::units::{DAY, Unit};
use crate::engine::observe::Record;

/// The part of the peak within which an observable counts as back at rest.
pub const RESOLVED_WITHIN: f64 = 0.05;

/// Deviations smaller than this part of the rest are rounding.
const ROUNDING: f64 = 1e-12;

/// The answer of one observable; see the module for what the numbers mean. Values are in `unit`, days since the start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The unit of `rest`, `peak` and `end`.
    pub unit: String,
    /// Value at rest.
    pub rest: Option<f64>,
    /// Extreme deviation from rest, signed.
    pub peak: Option<f64>,
    /// Day of the peak.
    pub peak_day: Option<f64>,
    /// Value at the end.
    pub end: Option<f64>,
    /// Day from which the deviation stays small.
    pub resolved_day: Option<f64>,
}

impl Answer {
    /// Tells it in another unit, `factor` of which are one of its own.
    pub fn change_unit(&mut self, unit: &Unit, factor: f64) {
        self.unit = unit.to_string();
        for value in [&mut self.rest, &mut self.peak, &mut self.end].into_iter().flatten() {
            *value *= factor;
        }
    }
}

/// The answers of all observables by name, in the order of the record.
pub type Answers = IndexMap<String, Answer>;

/// Sums up every observable of a record.
pub fn answers(record: &Record) -> Answers {
    let days: Vec<f64> = record.times.iter().map(|time| time / DAY).collect();
    let last_session = record.acts.iter().copied().fold(f64::NEG_INFINITY, f64::max) / DAY;
    record
        .headings
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            let values: Vec<f64> =
                record.values.iter().map(|row| row.get(column).copied().unwrap_or(f64::NAN)).collect();
            (heading.name.clone(), answer(heading.unit.to_string(), heading.rest, &days, &values, last_session))
        })
        .collect()
}

fn answer(unit: String, rest: f64, days: &[f64], values: &[f64], last_session: f64) -> Answer {
    let deviations: Vec<f64> = values.iter().map(|value| deviation(*value, rest)).collect();
    let peak = deviations.iter().zip(days).filter(|(deviation, _)| deviation.is_finite()).fold(
        None,
        |best: Option<(f64, f64)>, (deviation, day)| match best {
            Some((largest, _)) if largest.abs() >= deviation.abs() => best,
            _ => Some((*deviation, *day)),
        },
    );
    let resolved = peak.and_then(|(peak, _)| {
        let band = RESOLVED_WITHIN * peak.abs();
        // A deviation that is not a number is not small either.
        let large = deviations.iter().rposition(|deviation| deviation.is_nan() || deviation.abs() > band);
        let settled = large.map_or(0, |last| last + 1);
        // A session is recorded twice at its time, before and after: the later one shows what it did.
        let healing = days.iter().rposition(|day| *day <= last_session).unwrap_or(0);
        days.get(settled.max(healing)).copied()
    });
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    Answer {
        unit,
        rest: finite(rest),
        peak: peak.map(|(deviation, _)| deviation),
        peak_day: peak.map(|(_, day)| day),
        end: values.last().copied().and_then(finite),
        resolved_day: resolved,
    }
}

/// The deviation from rest, without rounding noise.
pub fn deviation(value: f64, rest: f64) -> f64 {
    let difference = value - rest;
    if difference.abs() <= ROUNDING * rest.abs() { 0.0 } else { difference }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::observe::Heading;

    fn record(rest: f64, sessions: &[f64], course: &[(f64, f64)]) -> Record {
        Record {
            headings: vec![Heading {
                name: "u".into(),
                what: "test".into(),
                unit: Unit::one(),
                group: "symptom".into(),
                rest,
            }],
            times: course.iter().map(|(day, _)| day * DAY).collect(),
            values: course.iter().map(|(_, value)| vec![*value]).collect(),
            acts: sessions.iter().map(|day| day * DAY).collect(),
        }
    }

    fn one(rest: f64, sessions: &[f64], course: &[(f64, f64)]) -> Answer {
        answers(&record(rest, sessions, course))["u"].clone()
    }

    #[test]
    fn a_symptom_that_comes_and_goes() {
        let course = [(0.0, 1.0), (0.0, 1.5), (1.0, 3.0), (2.0, 1.5), (3.0, 1.09), (4.0, 1.0)];
        let got = one(1.0, &[0.0], &course);
        assert_eq!((got.rest, got.peak, got.peak_day), (Some(1.0), Some(2.0), Some(1.0)));
        assert_eq!(
            (got.end, got.resolved_day),
            (Some(1.0), Some(3.0)),
            "0.09 is less than 5 % of 2: resolved on day 3"
        );
    }

    #[test]
    fn the_peak_is_signed_and_the_first_of_equals() {
        let got = one(1.0, &[], &[(0.0, 1.0), (1.0, 0.5), (2.0, 1.5), (3.0, 1.2)]);
        assert_eq!((got.peak, got.peak_day, got.resolved_day), (Some(-0.5), Some(1.0), None));
    }

    #[test]
    fn resolution_counts_from_the_last_session() {
        let course = [(0.0, 0.0), (0.0, 1.0), (5.0, 0.0), (7.0, 0.0), (7.0, 0.01), (9.0, 0.0)];
        assert_eq!(one(0.0, &[0.0, 7.0], &course).resolved_day, Some(7.0));
        let relapse = [(0.0, 0.0), (0.0, 1.0), (5.0, 0.0), (7.0, 0.0), (7.0, 0.8), (9.0, 0.0)];
        assert_eq!(one(0.0, &[0.0, 7.0], &relapse).resolved_day, Some(9.0));
    }

    #[test]
    fn a_lasting_gain_is_never_resolved() {
        let got = one(1.0, &[0.0], &[(0.0, 1.0), (0.0, 1.0), (90.0, 1.4), (270.0, 1.3)]);
        assert_eq!((got.peak_day, got.resolved_day), (Some(90.0), None));
    }

    #[test]
    fn nothing_happened_is_resolved_at_once_and_rounding_is_nothing() {
        let got = one(1.0, &[0.0], &[(0.0, 1.0), (0.0, 1.0 + 1e-15), (1.0, 1.0 - 2e-16)]);
        assert_eq!((got.peak, got.resolved_day), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn what_cannot_be_told_is_null() {
        let got = one(f64::NAN, &[0.0], &[(0.0, 1.0), (1.0, 2.0)]);
        assert_eq!((got.rest, got.peak, got.peak_day, got.resolved_day), (None, None, None, None));
        let got = one(0.0, &[0.0], &[(0.0, 1.0), (1.0, f64::INFINITY), (2.0, f64::NAN)]);
        assert_eq!((got.peak, got.end, got.resolved_day), (Some(1.0), None, None));
        let got = one(0.0, &[], &[]);
        assert_eq!((got.peak, got.end, got.resolved_day), (None, None, None));
        let text = serde_json::to_string(&got).unwrap();
        assert!(text.contains("\"peak\":null"), "{text}");
    }
}
