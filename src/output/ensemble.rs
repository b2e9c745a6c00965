//! Tables of an ensemble: one protocol for many persons, or one model with numbers drawn within their ranges.
//!
//! | file | holds |
//! |---|---|
//! | `samples.csv` | what was drawn: a row for each sample |
//! | `answers.csv` | what each sample answered |
//! | `distribution.csv` | quantiles of every answer over the samples |
//! | `bands.csv` | quantiles of every observable at every recorded time |
//! | `sensitivity.csv` | rank correlation of every drawn number with every answer |
//! | `groups.csv` | the answers of persons by trait |

use std::path::Path;

use crate::error::Result;
use crate::observe::{Heading, Record};
use crate::output::summary::{Answer, Answers};
use crate::output::table::{self, optional};
use crate::sourced::Evidence;
use crate::study::{quantile, rank_correlation};
use crate::units::{DAY, Quantity};

/// The quantiles that are told: the middle, half of the samples, nine in ten.
pub const SHARES: [(&str, f64); 5] = [("p05", 0.05), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95)];

/// What differs between samples.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Its key, as "person.age".
    pub key: String,
    /// What it is, in words.
    pub what: String,
    /// What it rests on; `None` for what differs between persons.
    pub evidence: Option<Evidence>,
}

/// One sample.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Its name, as "sample-07".
    pub name: String,
    /// What was drawn, as written.
    pub values: Vec<String>,
    /// What came out.
    pub answers: Answers,
    /// Days until the skin may be treated again.
    pub recovery: Option<f64>,
}

/// A finished ensemble.
#[derive(Debug, Clone, Default)]
pub struct Ensemble {
    /// Its name.
    pub name: String,
    /// The question in the user's words; may be empty.
    pub question: String,
    /// What differs.
    pub drawn: Vec<Drawn>,
    /// The samples.
    pub samples: Vec<Sample>,
    /// The observables.
    pub headings: Vec<Heading>,
    /// Times \[s\] and, at each, for each observable, the quantiles of [`SHARES`].
    pub bands: Vec<(f64, Vec<[f64; 5]>)>,
}

/// A number that is read off each sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The observable, or "recovery".
    pub observable: String,
    /// Which of its numbers: "end", "peak" or "resolved_day".
    pub number: &'static str,
    /// Its unit.
    pub unit: String,
    /// Its group.
    pub group: String,
    /// Value of the observable at rest, mean over the samples.
    pub rest: f64,
    /// The value of each sample; `None` where there is none.
    pub values: Vec<Option<f64>>,
}

impl Reading {
    /// The quantiles of those samples that have a value, and how many these are.
    pub fn quantiles(&self) -> ([f64; 5], usize) {
        let mut known: Vec<f64> = self.values.iter().copied().flatten().collect();
        known.sort_by(f64::total_cmp);
        (SHARES.map(|(_, share)| if known.is_empty() { f64::NAN } else { quantile(&known, share) }), known.len())
    }
}

impl Ensemble {
    /// The quantiles of the observables over records with the same times.
    pub fn bands(records: &[Record]) -> Vec<(f64, Vec<[f64; 5]>)> {
        let Some(first) = records.first() else { return Vec::new() };
        let rows = first.times.iter().enumerate();
        rows.map(|(row, time)| {
            let each = (0..first.headings.len()).map(|column| {
                let value = |record: &Record| record.values.get(row)?.get(column).copied();
                let mut values: Vec<f64> = records.iter().filter_map(value).filter(|value| value.is_finite()).collect();
                values.sort_by(f64::total_cmp);
                SHARES.map(|(_, share)| if values.is_empty() { f64::NAN } else { quantile(&values, share) })
            });
            (*time, each.collect())
        })
        .collect()
    }

    /// Every number that is read off the samples: ends of gains, peaks and ends of symptoms of the rest, and the recovery.
    pub fn readings(&self) -> Vec<Reading> {
        let mut all = Vec::new();
        for heading in &self.headings {
            let numbers: &[&'static str] = match heading.group.as_str() {
                "symptom" => &["peak", "resolved_day"],
                "gain" => &["end", "peak"],
                _ => &["peak", "end"],
            };
            let rests: Vec<f64> =
                self.samples.iter().filter_map(|sample| sample.answers.get(&heading.name)?.rest).collect();
            let rest = rests.iter().sum::<f64>() / rests.len().max(1) as f64;
            for number in numbers {
                let of = |answer: &Answer| match *number {
                    "end" => answer.end,
                    "peak" => answer.peak,
                    _ => answer.resolved_day,
                };
                let values = self.samples.iter().map(|sample| sample.answers.get(&heading.name).and_then(of)).collect();
                let unit = if *number == "resolved_day" { "d".into() } else { heading.unit.to_string() };
                let (observable, group) = (heading.name.clone(), heading.group.clone());
                all.push(Reading { observable, number, unit, group, rest, values });
            }
        }
        if self.samples.iter().any(|sample| sample.recovery.is_some()) {
            let values = self.samples.iter().map(|sample| sample.recovery).collect();
            let (observable, unit, group) = ("recovery".into(), "d".into(), "symptom".into());
            all.push(Reading { observable, number: "days", unit, group, rest: 0.0, values });
        }
        all
    }

    /// What was drawn in one dimension as numbers; words count by their order.
    pub fn numbers(&self, dimension: usize) -> Vec<f64> {
        let texts: Vec<&str> =
            self.samples.iter().map(|sample| sample.values.get(dimension).map_or("", String::as_str)).collect();
        let plain: Option<Vec<f64>> =
            texts.iter().map(|text| text.parse::<Quantity>().ok().map(|quantity| quantity.value)).collect();
        plain.unwrap_or_else(|| {
            let mut words: Vec<&str> = texts.clone();
            words.sort_unstable();
            words.dedup();
            texts.iter().map(|text| words.iter().position(|word| word == text).unwrap_or(0) as f64).collect()
        })
    }

    /// Rank correlations of what was drawn with a reading, the largest first: dimension and correlation. Samples without
    /// the reading are left out.
    pub fn sensitivity(&self, reading: &Reading) -> Vec<(usize, f64)> {
        let known: Vec<(usize, f64)> =
            reading.values.iter().enumerate().filter_map(|(index, value)| Some((index, (*value)?))).collect();
        let values: Vec<f64> = known.iter().map(|(_, value)| *value).collect();
        let mut all: Vec<(usize, f64)> = (0..self.drawn.len())
            .map(|dimension| {
                let numbers = self.numbers(dimension);
                let own: Vec<f64> = known.iter().map(|(index, _)| numbers[*index]).collect();
                (dimension, rank_correlation(&own, &values))
            })
            .collect();
        all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        all
    }

    /// Writes the tables into a folder.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let header: Vec<String> =
            std::iter::once("sample".to_owned()).chain(self.drawn.iter().map(|drawn| drawn.key.clone())).collect();
        let rows = self.samples.iter().map(|sample| [vec![sample.name.clone()], sample.values.clone()].concat());
        table::write_csv(&folder.join("samples.csv"), &header, rows)?;

        let header = ["sample", "observable", "unit", "rest", "peak", "peak_day", "end", "resolved_day"];
        let rows = self.samples.iter().flat_map(|sample| {
            sample.answers.iter().map(|(name, answer)| {
                let numbers =
                    [answer.rest, answer.peak, answer.peak_day, answer.end, answer.resolved_day].map(optional);
                [vec![sample.name.clone(), name.clone(), answer.unit.clone()], numbers.to_vec()].concat()
            })
        });
        table::write_csv(&folder.join("answers.csv"), &header, rows)?;

        let readings = self.readings();
        let head = |reading: &Reading| {
            vec![reading.observable.clone(), reading.number.to_owned(), reading.unit.clone(), reading.group.clone()]
        };
        let shares = SHARES.map(|(name, _)| name);
        let header = [&["observable", "reading", "unit", "group", "samples"][..], &shares].concat();
        let rows = readings.iter().map(|reading| {
            let (quantiles, count) = reading.quantiles();
            [head(reading), vec![count.to_string()], quantiles.map(told).to_vec()].concat()
        });
        table::write_csv(&folder.join("distribution.csv"), &header, rows)?;

        let header = [&["day", "observable", "unit"][..], &shares].concat();
        let rows = self.headings.iter().enumerate().flat_map(|(column, heading)| {
            self.bands.iter().map(move |(time, bands)| {
                let place = vec![table::number(time / DAY), heading.name.clone(), heading.unit.to_string()];
                [place, bands[column].map(told).to_vec()].concat()
            })
        });
        table::write_csv(&folder.join("bands.csv"), &header, rows)?;

        let header = ["observable", "reading", "unit", "group", "key", "what", "evidence", "rank_correlation"];
        let rows = readings.iter().flat_map(|reading| {
            let all = self.sensitivity(reading).into_iter().map(|(dimension, correlation)| {
                let Drawn { key, what, evidence } = &self.drawn[dimension];
                let evidence = evidence.map_or("differs between persons".into(), |on| format!("{on:?}").to_lowercase());
                [head(reading), vec![key.clone(), what.clone(), evidence, told(correlation)]].concat()
            });
            all.collect::<Vec<_>>()
        });
        table::write_csv(&folder.join("sensitivity.csv"), &header, rows)?;

        let header = [&["trait", "value", "observable", "reading", "unit", "group", "samples"][..], &shares].concat();
        let rows = self.groups().into_iter().flat_map(|(dimension, word, members)| {
            let key = self.drawn[dimension].key.clone();
            readings
                .iter()
                .map(move |reading| {
                    let values = members.iter().map(|index| reading.values[*index]).collect();
                    let (quantiles, count) = Reading { values, ..reading.clone() }.quantiles();
                    let place = vec![key.clone(), word.clone()];
                    [place, head(reading), vec![count.to_string()], quantiles.map(told).to_vec()].concat()
                })
                .collect::<Vec<_>>()
        });
        table::write_csv(&folder.join("groups.csv"), &header, rows)
    }

    /// The alternatives of traits that are words: dimension, word and the samples that have it.
    pub fn groups(&self) -> Vec<(usize, String, Vec<usize>)> {
        let mut all = Vec::new();
        for dimension in 0..self.drawn.len() {
            let text = |index: usize| self.samples[index].values.get(dimension).map_or("", String::as_str);
            let mut words: Vec<&str> = (0..self.samples.len()).map(text).collect();
            words.sort_unstable();
            words.dedup();
            if words.iter().any(|word| word.parse::<Quantity>().is_ok()) {
                continue;
            }
            for word in words {
                let members = (0..self.samples.len()).filter(|index| text(*index) == word).collect();
                all.push((dimension, word.to_owned(), members));
            }
        }
        all
    }
}

fn told(value: f64) -> String {
    optional(Some(value).filter(|value| value.is_finite()))
}
