//! What each session did mechanically, as a table.

use std::path::Path;

use crate::base::error::Result;
use crate::present::output::table;
use crate::run::session::{Histogram, MILLIMETRE, RupturesByDepth, Session, ToldNumber};

/// Writes all sessions as one tidy table: session, day, quantity, depths from and to [mm], unit, value.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, sessions: &[Session]) -> Result<()> {
    let header = ["session", "day", "quantity", "depth_from_mm", "depth_to_mm", "unit", "value"];
    let mut rows = Vec::new();
    for (index, session) in sessions.iter().enumerate() {
        let mut row = |quantity: &str, ends: Option<[f64; 2]>, unit: &str, value: f64| {
            rows.push(vec![
                (index + 1).to_string(),
                table::number(session.day),
                quantity.to_owned(),
                table::optional(ends.map(|ends| ends[0])),
                table::optional(ends.map(|ends| ends[1])),
                unit.to_owned(),
                table::number(value),
            ]);
        };
        for ToldNumber { key, unit, value, .. } in session.told() {
            row(&key, None, unit, value);
        }
        let Histogram { edges_mm, share } = session.depths();
        for (edges, share) in edges_mm.windows(2).zip(&share) {
            row("share_of_holes", Some([edges[0], edges[1]]), "1", *share);
        }
        let RupturesByDepth { edges, per_puncture } = &session.rupture_by_depth;
        for (class, values) in per_puncture {
            for (edges, value) in edges.windows(2).zip(values) {
                let ends = [edges[0] / MILLIMETRE, edges[1] / MILLIMETRE];
                row(&format!("ruptures_per_puncture.{class}"), Some(ends), "1", *value);
            }
        }
    }
    table::write_csv(path, &header, rows)
}
