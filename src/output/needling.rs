//! What each session did mechanically, as it is kept: plain numbers, the distribution of depths, rupture by depth.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::needling::Needling;
use crate::output::table;
use crate::units::DAY;

const MILLIMETRE: f64 = 1e-3;
const PER_SQUARE_CENTIMETRE: f64 = 1e4;

/// Bins of the histogram of depths.
const BINS: usize = 40;

/// One session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// When it was [d since the start].
    pub day: f64,
    /// Distinct holes per area [1/cm²].
    pub holes_per_cm2: f64,
    /// Distinct holes per area that reach the dermis [1/cm²].
    pub dermal_holes_per_cm2: f64,
    /// How deep the holes are.
    pub depths: Histogram,
    /// Everything the needling model itself sums up, by name (SI units unless the name tells another).
    #[serde(flatten)]
    pub numbers: Map<String, Value>,
}

/// A histogram of hole depths.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Edges of the bins [mm], one more than bins.
    pub edges_mm: Vec<f64>,
    /// Share of holes in each bin; sums to 1.
    pub share: Vec<f64>,
}

impl Session {
    /// What is kept of a session that was at `time` [s].
    pub fn of(needling: &Needling, time: f64) -> Self {
        let depths: Vec<(f64, f64)> = if needling.punctures.is_empty() {
            needling.strata.iter().map(|(weight, puncture)| (puncture.depth / MILLIMETRE, *weight)).collect()
        } else {
            needling.punctures.iter().map(|puncture| (puncture.depth / MILLIMETRE, 1.0)).collect()
        };
        let numbers = match serde_json::to_value(&needling.summary) {
            Ok(Value::Object(numbers)) => numbers,
            _ => Map::new(),
        };
        Self {
            day: time / DAY,
            holes_per_cm2: needling.hole_density / PER_SQUARE_CENTIMETRE,
            dermal_holes_per_cm2: needling.dermal_hole_density / PER_SQUARE_CENTIMETRE,
            depths: Histogram::of(&depths),
            numbers,
        }
    }

    /// All plain numbers by name, those of the needling model included.
    pub fn scalars(&self) -> Vec<(String, f64)> {
        let own = [("holes_per_cm2", self.holes_per_cm2), ("dermal_holes_per_cm2", self.dermal_holes_per_cm2)];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        own.chain(self.numbers.iter().filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))).collect()
    }
}

impl Histogram {
    /// Bins depths [mm] with weights, from the surface to the deepest.
    pub fn of(depths: &[(f64, f64)]) -> Self {
        let known = || depths.iter().filter(|(depth, weight)| depth.is_finite() && *weight > 0.0);
        let deepest = known().map(|(depth, _)| *depth).fold(0.0, f64::max);
        let total: f64 = known().map(|(_, weight)| weight).sum();
        if deepest <= 0.0 || total <= 0.0 {
            return Self::default();
        }
        // Bins of a round width, so that the axis reads well.
        let width = round_up(deepest / BINS as f64);
        let bins = (deepest / width).floor() as usize + 1;
        let mut share = vec![0.0; bins];
        for (depth, weight) in known() {
            share[((depth / width).max(0.0) as usize).min(bins - 1)] += weight / total;
        }
        Self { edges_mm: (0..=bins).map(|edge| edge as f64 * width).collect(), share }
    }
}

/// The next number of the series 1, 2, 2.5, 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0].into_iter().find(|step| step * power >= value * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

/// Writes all sessions as one tidy table: session, day, quantity, depths from and to [mm], value.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, sessions: &[Session]) -> Result<()> {
    let header = ["session", "day", "quantity", "depth_from_mm", "depth_to_mm", "value"];
    let rows = sessions.iter().enumerate().flat_map(|(index, session)| {
        let row = move |quantity: String, from: Option<f64>, to: Option<f64>, value: f64| {
            vec![
                (index + 1).to_string(),
                table::number(session.day),
                quantity,
                table::optional(from),
                table::optional(to),
                table::number(value),
            ]
        };
        let plain = session.scalars().into_iter().map(move |(name, value)| row(name, None, None, value));
        let edges = session.depths.edges_mm.windows(2).zip(&session.depths.share);
        let bins = edges.map(move |(pair, share)| row("share_of_holes".into(), Some(pair[0]), Some(pair[1]), *share));
        plain.chain(bins).collect::<Vec<_>>()
    });
    table::write_csv(path, &header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_keeps_every_hole() {
        let depths: Vec<(f64, f64)> = (0..1000).map(|i| (0.2 + 0.0013 * f64::from(i), 1.0)).collect();
        let histogram = Histogram::of(&depths);
        assert_eq!(histogram.edges_mm.len(), histogram.share.len() + 1);
        assert!((histogram.share.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(*histogram.edges_mm.last().unwrap() >= 0.2 + 0.0013 * 999.0);
        assert_eq!(Histogram::of(&[]), Histogram::default());
        assert_eq!(Histogram::of(&[(f64::NAN, 1.0), (0.0, 1.0)]), Histogram::default());
    }
}
