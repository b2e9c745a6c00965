//! Which of the assumed numbers behind a run matter most.
//!
//! One run cannot tell. What is shown was found with the scenario `uncertainty`, which draws every assumed and tuned number within
//! its range: the rank correlation of each with the readings of the answer, if it is larger than chance makes the largest of all
//! pairs that were looked at. In another course the order may differ.

use serde::{Deserialize, Serialize};

use crate::base::sourced::Evidence;
use crate::present::output::Provenance;
use crate::skin::catalogue;
use crate::study::chance;

/// How many are named.
const SHOWN: usize = 8;

/// An assumed number and what it moves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Strong {
    /// Where it belongs and its name.
    pub name: String,
    /// What it is, in words.
    pub what: String,
    /// The reading it moves most.
    pub reading: String,
    /// Its rank correlation with that reading, as text.
    pub correlation: String,
}

/// The stored table.
#[derive(Deserialize)]
struct InfluenceTable {
    /// Samples that were run.
    samples: usize,
    /// Pairs of a number and a reading that were looked at.
    pairs: usize,
    number: Vec<InfluenceRow>,
}

#[derive(Deserialize)]
struct InfluenceRow {
    key: String,
    observable: String,
    reading: String,
    rank_correlation: f64,
}

/// The assumed numbers of a run that moved readings most, the strongest first.
pub fn strongest(provenance: &Provenance) -> Vec<Strong> {
    let Ok(InfluenceTable { samples, pairs, number: mut known }) = toml::from_str(catalogue::influence()) else {
        return Vec::new();
    };
    let by_chance = chance(samples, pairs);
    known.retain(|own| own.rank_correlation.abs() > by_chance);
    let mut found: Vec<(f64, Strong)> = provenance
        .numbers
        .iter()
        .filter(|number| number.evidence == Evidence::Assumed)
        .filter_map(|number| {
            let (file, key) = number.name.split_once(": ")?;
            let kind = file.split(' ').next()?;
            let key = format!("{kind}.{}", key.trim_start_matches("constant."));
            let own = known.iter().filter(|own| own.key == key);
            let InfluenceRow { observable, reading, rank_correlation: correlation, .. } =
                own.max_by(|a, b| a.rank_correlation.abs().total_cmp(&b.rank_correlation.abs()))?;
            let strong = Strong {
                name: number.name.clone(),
                what: number.what.clone(),
                reading: format!("{} ({reading})", observable.replace('_', " ")),
                correlation: format!("{correlation:+.2}").replace('-', "−"),
            };
            Some((correlation.abs(), strong))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(SHOWN).map(|(_, strong)| strong).collect()
}
