//! Money: a session costs a lognormal amount, and the sessions of a course are paid at one place.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::anybody;
use crate::base::error::Result;
use crate::engine::observe::Record;
use crate::skin::catalogue::Cost;

/// z of the 5th and 95th percentile of a normal distribution.
const NINE_IN_TEN: f64 = 1.644_853_627;

/// What a course costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoursePrice {
    /// Where these prices are paid.
    pub place: String,
    /// The money, as "USD".
    pub currency: String,
    /// One session.
    pub session: PriceSpread,
    /// All sessions.
    pub course: PriceSpread,
    /// Median price of one per cent of gain at the end, by observable.
    pub per_percent: IndexMap<String, f64>,
}

/// A price with its spread: five in a hundred pay less than `p05`, half less than `median`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PriceSpread {
    /// 5th percentile.
    pub p05: f64,
    /// Median.
    pub median: f64,
    /// Mean.
    pub mean: f64,
    /// 95th percentile.
    pub p95: f64,
}

/// The price of the sessions of a record, and of what they gained.
///
/// # Errors
/// A price depends on traits.
pub fn price(cost: &Cost, record: &Record) -> Result<CoursePrice> {
    let (median, spread) = (cost.session.median.of(&anybody())?, cost.session.spread.of(&anybody())?);
    let sessions = record.acts.len() as f64;
    let of = |count: f64| PriceSpread {
        p05: count * median * (-NINE_IN_TEN * spread).exp(),
        median: count * median,
        mean: count * median * (0.5 * spread * spread).exp(),
        p95: count * median * (NINE_IN_TEN * spread).exp(),
    };
    let course = of(sessions);
    let mut per_percent = IndexMap::new();
    for (column, heading) in record.headings.iter().enumerate().filter(|(_, heading)| heading.group == "gain") {
        let end = record.values.last().and_then(|row| row.get(column).copied());
        // A gain is told against rest, and one that rests at zero (a restored share) against the whole.
        let whole = if heading.rest > 1e-9 { heading.rest } else { 1.0 };
        let gain = end.map(|end| 100.0 * (end - heading.rest) / whole).filter(|gain| *gain > 1e-3);
        if let (Some(gain), true) = (gain, heading.unit.to_string() == "1") {
            per_percent.insert(heading.name.clone(), course.median / gain);
        }
    }
    let (place, currency) = (cost.what.clone(), cost.currency.clone());
    Ok(CoursePrice { place, currency, session: of(1.0), course, per_percent })
}
