//! Tables of an ensemble: one protocol for many persons, or one model with numbers drawn within their ranges.
//!
//! | file | holds |
//! |---|---|
//! | `samples.csv` | what was drawn, as numbers with the unit in the header, and whether the sample ended: a row for each |
//! | `failed.csv` | which samples failed and why; not there if none did |
//! | `answers.csv` | what each sample answered |
//! | `distribution.csv` | quantiles of every reading over the samples that ended |
//! | `bands.csv` | quantiles of every observable, and of its change, at every recorded time |
//! | `sensitivity.csv` | rank correlations of drawn numbers with readings, those beyond chance |
//! | `groups.csv` | the readings of persons by trait |
//!
//! Samples differ in where they rest, so a **change** counts from the sample's own rest: u − u₀, or 100 (u − u₀)/u₀ in per cent
//! of it where the observable is a plain number that rests well above zero in every sample. The quantiles are of these
//! changes. (The change of a mean, or from a mean rest, would tell a sample that gained half as one that lost.)

use std::path::Path;

use crate::base::error::Result;
use crate::base::sourced::Evidence;
use crate::base::units::{DAY, Dimension, Quantity};
use crate::engine::observe::{Heading, Record};
use crate::present::output::sweep::{AxisValues, Failed, write_failed};
use crate::present::output::table::{self, optional};
use crate::run::answer::{Answer, Answers, deviation};
use crate::study::{correlations, quantile};

/// The quantiles that are told: the middle, half of the samples, nine in ten.
pub const SHARES: [(&str, f64); 5] = [("p05", 0.05), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95)];
/// The unit of a change in per cent of the rest.
pub const OF_REST: &str = "% of rest";
/// A rest below this part of the largest change is none that the change could be told in per cent of.
const TRACE: f64 = 1e-3;

/// What differs between samples.
#[derive(Debug, Clone, Default)]
pub struct DrawnInput {
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

/// How values lie over the samples that have one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The quantiles of [`SHARES`]; not a number where no sample has a value.
    pub quantiles: [f64; 5],
    /// How many samples have a value.
    pub samples: usize,
}

impl Spread {
    /// The spread of those values that are finite.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut known: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        known.sort_by(f64::total_cmp);
        let at = |share: f64| if known.is_empty() { f64::NAN } else { quantile(&known, share) };
        Self { quantiles: SHARES.map(|(_, share)| at(share)), samples: known.len() }
    }

    fn cells(&self) -> Vec<String> {
        std::iter::once(self.samples.to_string()).chain(self.quantiles.map(told)).collect()
    }
}

/// The observables at one time, over the samples.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleBand {
    /// Time \[s\].
    pub time: f64,
    /// Each observable.
    pub values: Vec<Spread>,
    /// The change of each from the sample's own rest.
    pub changes: Vec<Spread>,
}

/// What one drawn number does to one reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Influence {
    /// Which of what was drawn.
    pub dimension: usize,
    /// Which of the readings.
    pub reading: usize,
    /// Rank correlation.
    pub correlation: f64,
}

/// The influences that chance does not explain.
#[derive(Debug, Clone, Default)]
pub struct Influences {
    /// The largest first.
    pub found: Vec<Influence>,
    /// The largest correlation of all pairs stays below this by chance in 19 of 20 ensembles.
    pub chance: f64,
    /// Pairs that were looked at.
    pub pairs: usize,
}

/// A finished ensemble.
#[derive(Debug, Clone, Default)]
pub struct Ensemble {
    /// Its name.
    pub name: String,
    /// The question in the user's words; may be empty.
    pub question: String,
    /// What differs.
    pub drawn: Vec<DrawnInput>,
    /// The samples that ended.
    pub samples: Vec<Sample>,
    /// Those that failed.
    pub failed: Vec<Failed>,
    /// The observables.
    pub headings: Vec<Heading>,
    /// The observables over time.
    pub bands: Vec<EnsembleBand>,
    /// What the readings depend on.
    pub influences: Influences,
}

/// A number that is read off each sample.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleReading {
    /// The observable, or "recovery".
    pub observable: String,
    /// Which of its numbers: "rest", "end", "peak" (a difference from rest), "end_change", "peak_change", "resolved_day", or
    /// "days" of the recovery.
    pub number: &'static str,
    /// Its unit.
    pub unit: String,
    /// Its group.
    pub group: String,
    /// The value of each sample; `None` where there is none.
    pub values: Vec<Option<f64>>,
}

impl EnsembleReading {
    /// How its values lie.
    pub fn spread(&self) -> Spread {
        Spread::of(self.values.iter().copied().flatten())
    }

    /// Whether samples differ in it.
    pub fn varies(&self) -> bool {
        self.values.iter().any(|value| *value != self.values[0])
    }

    /// Whether it counts from each sample's own rest, or in days: what influences are looked for in.
    fn counts(&self) -> bool {
        ["end_change", "peak_change", "resolved_day", "days"].contains(&self.number)
    }

    /// Its values for ranking: what is not over by the end of the run comes after all that is.
    fn ranked(&self) -> Vec<Option<f64>> {
        let late = ["resolved_day", "days"].contains(&self.number).then_some(f64::INFINITY);
        self.values.iter().map(|value| value.or(late)).collect()
    }
}

/// The change from rest, in per cent of it if `relative`.
fn change(value: f64, rest: f64, relative: bool) -> f64 {
    let own = deviation(value, rest);
    if relative { 100.0 * own / rest } else { own }
}

impl Ensemble {
    /// Fills in headings, bands and influences, given the record of each sample.
    pub fn sum_up(&mut self, records: &[Record]) {
        self.headings = records.first().map(|record| record.headings.clone()).unwrap_or_default();
        self.bands = self.bands_of(records);
        self.influences = self.influences_of();
    }

    /// Whether changes of an observable are told in per cent of the rest.
    pub fn is_relative(&self, heading: &Heading) -> bool {
        let plain = heading.unit.dimension == Dimension::NONE && heading.unit.factor == 1.0;
        let mut answers = self.samples.iter().filter_map(|sample| sample.answers.get(&heading.name)).peekable();
        let above = |answer: &Answer| {
            answer.rest.is_none_or(|rest| rest > 0.0 && rest > TRACE * answer.peak.unwrap_or(0.0).abs())
        };
        plain && answers.peek().is_some() && answers.all(above)
    }

    /// The unit in which changes of an observable are told.
    pub fn unit_of_change(&self, heading: &Heading) -> String {
        if self.is_relative(heading) { OF_REST.into() } else { heading.unit.to_string() }
    }

    /// The samples in words: "30 samples", or "28 of 30 samples (2 failed)".
    pub fn count(&self) -> String {
        match (self.samples.len(), self.failed.len()) {
            (1, 0) => "1 sample".into(),
            (ended, 0) => format!("{ended} samples"),
            (ended, failed) => format!("{ended} of {} samples ({failed} failed)", ended + failed),
        }
    }

    fn bands_of(&self, records: &[Record]) -> Vec<EnsembleBand> {
        let Some(first) = records.first() else { return Vec::new() };
        let columns: Vec<Vec<Option<usize>>> = (first.headings.iter())
            .map(|heading| records.iter().map(|own| own.headings.iter().position(|o| o.name == heading.name)).collect())
            .collect();
        let relative: Vec<bool> = first.headings.iter().map(|heading| self.is_relative(heading)).collect();
        let rows = first.times.iter().enumerate();
        rows.map(|(row, time)| {
            let pairs = |column: usize| {
                records.iter().zip(&columns[column]).filter_map(move |(record, own)| {
                    let own = (*own)?;
                    Some((value_at(record, row, *time, own)?, record.headings[own].rest))
                })
            };
            let all = 0..first.headings.len();
            EnsembleBand {
                time: *time,
                values: all.clone().map(|column| Spread::of(pairs(column).map(|(value, _)| value))).collect(),
                changes: all
                    .map(|column| Spread::of(pairs(column).map(|(value, rest)| change(value, rest, relative[column]))))
                    .collect(),
            }
        })
        .collect()
    }

    /// Every number that is read off the samples.
    pub fn readings(&self) -> Vec<EnsembleReading> {
        let mut all = Vec::new();
        for heading in &self.headings {
            let numbers: &[&'static str] = match heading.group.as_str() {
                "symptom" => &["peak_change", "peak", "resolved_day", "rest"],
                "gain" => &["end_change", "end", "peak_change", "peak", "rest"],
                _ => &["peak_change", "peak", "end_change", "end", "rest"],
            };
            let relative = self.is_relative(heading);
            for number in numbers {
                let of = |answer: &Answer| match *number {
                    "rest" => answer.rest,
                    "end" => answer.end,
                    "peak" => answer.peak,
                    "resolved_day" => answer.resolved_day,
                    "end_change" => answer.end.zip(answer.rest).map(|(end, rest)| change(end, rest, relative)),
                    _ => answer
                        .peak
                        .zip(answer.rest)
                        .map(|(peak, rest)| if relative { 100.0 * peak / rest } else { peak }),
                };
                let values = self.samples.iter().map(|sample| sample.answers.get(&heading.name).and_then(of)).collect();
                let unit = match *number {
                    "resolved_day" => "d".into(),
                    "end_change" | "peak_change" => self.unit_of_change(heading),
                    _ => heading.unit.to_string(),
                };
                let (observable, group) = (heading.name.clone(), heading.group.clone());
                all.push(EnsembleReading { observable, number, unit, group, values });
            }
        }
        if self.samples.iter().any(|sample| sample.recovery.is_some()) {
            let values = self.samples.iter().map(|sample| sample.recovery).collect();
            let (observable, unit, group) = ("recovery".into(), "d".into(), "symptom".into());
            all.push(EnsembleReading { observable, number: "days", unit, group, values });
        }
        all
    }

    /// The rank correlations of what was drawn with the readings that are beyond chance, see [`crate::study::correlations`].
    fn influences_of(&self) -> Influences {
        let readings = self.readings();
        let looked_at: Vec<usize> =
            (0..readings.len()).filter(|index| readings[*index].counts() && readings[*index].varies()).collect();
        let answers: Vec<_> = looked_at.iter().map(|index| readings[*index].ranked()).collect();
        let numbers: Vec<Vec<Option<f64>>> =
            (0..self.drawn.len()).map(|own| self.numbers(own).into_iter().map(Some).collect()).collect();
        let correlations = correlations(&numbers, &answers);
        let mut found = Vec::new();
        for (dimension, row) in correlations.each.iter().enumerate() {
            for (reading, correlation) in looked_at.iter().zip(row) {
                if correlation.abs() > correlations.chance {
                    found.push(Influence { dimension, reading: *reading, correlation: *correlation });
                }
            }
        }
        found.sort_by(|a, b| b.correlation.abs().total_cmp(&a.correlation.abs()));
        Influences { found, chance: correlations.chance, pairs: numbers.len() * answers.len() }
    }

    /// What was drawn in one dimension, for the samples that ended and then those that failed.
    fn axis(&self, dimension: usize) -> (AxisValues, Vec<&str>) {
        let lists = self.samples.iter().map(|own| &own.values).chain(self.failed.iter().map(|own| &own.values));
        let texts: Vec<&str> = lists.map(|list| list.get(dimension).map_or("", String::as_str)).collect();
        (AxisValues::of(&self.drawn[dimension].key, &texts), texts)
    }

    /// What was drawn in one dimension as numbers; words count by their order.
    pub fn numbers(&self, dimension: usize) -> Vec<f64> {
        let (axis, texts) = self.axis(dimension);
        let mut numbers = axis.numbers.unwrap_or_else(|| {
            let mut words = texts.clone();
            words.sort_unstable();
            words.dedup();
            texts.iter().map(|text| words.iter().position(|word| word == text).unwrap_or(0) as f64).collect()
        });
        numbers.truncate(self.samples.len());
        numbers
    }

    /// Writes the tables into a folder.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let axes: Vec<(AxisValues, Vec<&str>)> = (0..self.drawn.len()).map(|dimension| self.axis(dimension)).collect();
        let header: Vec<String> = ["sample".to_owned(), "ended".to_owned()]
            .into_iter()
            .chain(axes.iter().map(|(axis, _)| axis.label()))
            .collect();
        let ended = self.samples.iter().map(|own| (&own.name, "yes"));
        let all = ended.chain(self.failed.iter().map(|own| (&own.name, "failed"))).enumerate();
        let mut rows: Vec<Vec<String>> = all
            .map(|(row, (name, ended))| {
                let cell = |(axis, texts): &(AxisValues, Vec<&str>)| match &axis.numbers {
                    Some(numbers) => table::number(numbers[row]),
                    None => texts[row].to_owned(),
                };
                [name.clone(), ended.to_owned()].into_iter().chain(axes.iter().map(cell)).collect()
            })
            .collect();
        rows.sort();
        table::write_csv(&folder.join("samples.csv"), &header, rows)?;
        write_failed(&folder.join("failed.csv"), &self.failed)?;

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
        let head = |reading: &EnsembleReading| {
            vec![reading.observable.clone(), reading.number.to_owned(), reading.unit.clone(), reading.group.clone()]
        };
        let shares = SHARES.map(|(name, _)| name);
        let header = [&["observable", "reading", "unit", "group", "samples"][..], &shares].concat();
        let rows = readings.iter().map(|reading| [head(reading), reading.spread().cells()].concat());
        table::write_csv(&folder.join("distribution.csv"), &header, rows)?;

        let header = [&["day", "observable", "reading", "unit", "samples"][..], &shares].concat();
        let rows = self.headings.iter().enumerate().flat_map(|(column, heading)| {
            let of_change = self.unit_of_change(heading);
            self.bands.iter().flat_map(move |band| {
                let row = |reading: &str, unit: String, spread: &Spread| {
                    let place = vec![table::number(band.time / DAY), heading.name.clone(), reading.to_owned(), unit];
                    [place, spread.cells()].concat()
                };
                let value = row("value", heading.unit.to_string(), &band.values[column]);
                [value, row("change", of_change.clone(), &band.changes[column])]
            })
        });
        table::write_csv(&folder.join("bands.csv"), &header, rows)?;

        let header =
            ["observable", "reading", "unit", "group", "key", "what", "evidence", "rank_correlation", "chance"];
        let rows = self.influences.found.iter().map(|own| {
            let DrawnInput { key, what, evidence } = &self.drawn[own.dimension];
            let evidence = evidence.map_or("differs between persons".into(), |on| format!("{on:?}").to_lowercase());
            let numbers = [own.correlation, self.influences.chance].map(told);
            [head(&readings[own.reading]), vec![key.clone(), what.clone(), evidence], numbers.to_vec()].concat()
        });
        table::write_csv(&folder.join("sensitivity.csv"), &header, rows)?;

        let header = [&["trait", "value", "observable", "reading", "unit", "group", "samples"][..], &shares].concat();
        let rows = self.groups().into_iter().flat_map(|(dimension, word, members)| {
            let key = self.drawn[dimension].key.clone();
            readings
                .iter()
                .map(move |reading| {
                    let values = members.iter().map(|index| reading.values[*index]).collect();
                    let spread = EnsembleReading { values, ..reading.clone() }.spread();
                    [vec![key.clone(), word.clone()], head(reading), spread.cells()].concat()
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

/// The value of a column at a time, which is that of `row` in the record of the first sample. A sample that was recorded at
/// other times is read between them.
fn value_at(record: &Record, row: usize, time: f64, column: usize) -> Option<f64> {
    let near = |other: f64| (other - time).abs() <= 1e-9 * time.abs().max(1.0);
    let value = |row: usize| record.values.get(row)?.get(column).copied();
    if record.times.get(row).is_some_and(|own| near(*own)) {
        return value(row);
    }
    let after = record.times.partition_point(|own| *own < time && !near(*own));
    let end = *record.times.get(after)?;
    if near(end) || after == 0 {
        return near(end).then(|| value(after))?;
    }
    let start = record.times[after - 1];
    let share = (time - start) / (end - start);
    Some(value(after - 1)? * (1.0 - share) + value(after)? * share)
}

fn told(value: f64) -> String {
    optional(Some(value).filter(|value| value.is_finite()))
}
