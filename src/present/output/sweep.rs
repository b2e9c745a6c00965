//! Tidy tables of many runs: a row per point and observable.

use std::path::Path;

use crate::base::error::Result;
use crate::base::units::{self, Unit};
use crate::present::output::table::{self, optional};
use crate::run::answer::{Answer, Answers};
use crate::run::session::{Session, ToldNumber};

/// One point of a sweep.
#[derive(Debug, Clone, Default)]
pub struct SweepPoint {
    /// The values of the axes, as written in the scenario ("1.5 mm", "skinpen").
    pub values: Vec<String>,
    /// What came out.
    pub answers: Answers,
    /// What the sessions did mechanically.
    pub needling: Vec<Session>,
}

/// A finished sweep.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    /// Name of the sweep.
    pub name: String,
    /// The question in the user's words; may be empty.
    pub question: String,
    /// The keys that were swept, as "protocol.length".
    pub axes: Vec<String>,
    /// The points, in order.
    pub points: Vec<SweepPoint>,
    /// The part of the answer each observable belongs to, and what it means: name, group, meaning.
    pub headings: Vec<(String, String, String)>,
}

/// An axis whose values are numbers of one unit, or words.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisValues {
    /// The key that was swept.
    pub key: String,
    /// The unit of the first value, in which the others are told too; empty for plain numbers and words.
    pub unit: String,
    /// The numbers, one for each point; `None` if a value is not a number or measures something else.
    pub numbers: Option<Vec<f64>>,
}

impl AxisValues {
    /// How texts read: as numbers if all measure the same.
    pub fn of(key: &str, texts: &[&str]) -> Self {
        let words = Self { key: key.to_owned(), unit: String::new(), numbers: None };
        let split = texts.iter().map(|text| number_and_unit(text)).collect::<Option<Vec<_>>>();
        let Some(parts) = split else { return words };
        let Some((_, first)) = parts.first().cloned() else { return words };
        if parts.iter().any(|(_, unit)| unit.dimension != first.dimension) {
            return words;
        }
        let in_first = |(number, unit): &(f64, Unit)| match unit.factor == first.factor {
            // Exact, as written.
            true => *number,
            false => number * unit.factor / first.factor,
        };
        let unit = if first.text == "1" { String::new() } else { first.text.clone() };
        Self { unit, numbers: Some(parts.iter().map(in_first).collect()), ..words }
    }

    /// The name of the axis with its unit, for headers: "protocol.length [mm]".
    pub fn label(&self) -> String {
        if self.unit.is_empty() { self.key.clone() } else { format!("{} [{}]", self.key, self.unit) }
    }
}

impl Sweep {
    /// How the values of axis `index` read: as numbers if all measure the same.
    pub fn axis(&self, index: usize) -> AxisValues {
        let texts = self.points.iter().map(|point| point.values.get(index).map_or("", String::as_str));
        AxisValues::of(self.axes.get(index).map_or("", String::as_str), &texts.collect::<Vec<_>>())
    }

    fn axis_cells(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let axes: Vec<AxisValues> = (0..self.axes.len()).map(|index| self.axis(index)).collect();
        let rows = self.points.iter().enumerate().map(|(row, point)| {
            let cell = |(index, axis): (usize, &AxisValues)| match &axis.numbers {
                Some(numbers) => table::number(numbers[row]),
                None => point.values.get(index).cloned().unwrap_or_default(),
            };
            axes.iter().enumerate().map(cell).collect()
        });
        let rows = rows.collect();
        (axes.iter().map(AxisValues::label).collect(), rows)
    }

    /// Writes `sweep.csv`: the axes, then observable, unit, rest, peak, peak_day, end, resolved_day.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let (mut header, cells) = self.axis_cells();
        header.extend(ANSWER.map(str::to_owned));
        let rows = self.points.iter().zip(cells).flat_map(|(point, cells)| {
            answer_rows(&point.answers).into_iter().map(move |row| [cells.clone(), row].concat())
        });
        table::write_csv(path, &header, rows)
    }

    /// Writes what the sessions did mechanically: the axes, then session, day, quantity, unit, value.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_needling(&self, path: &Path) -> Result<()> {
        let (mut header, cells) = self.axis_cells();
        header.extend(["session", "day", "quantity", "unit", "value"].map(str::to_owned));
        let rows = self.points.iter().zip(cells).flat_map(|(point, cells)| {
            point.needling.iter().enumerate().flat_map(move |(index, session)| {
                let head = [cells.clone(), vec![(index + 1).to_string(), table::number(session.day)]].concat();
                let row = move |told: ToldNumber| {
                    [head.clone(), vec![told.key, told.unit.into(), table::number(told.value)]].concat()
                };
                session.told().into_iter().map(row).collect::<Vec<_>>()
            })
        });
        table::write_csv(path, &header, rows)
    }
}

const ANSWER: [&str; 7] = ["observable", "unit", "rest", "peak", "peak_day", "end", "resolved_day"];

fn answer_rows(answers: &Answers) -> Vec<Vec<String>> {
    let row = |(name, answer): (&String, &Answer)| {
        let numbers = [answer.rest, answer.peak, answer.peak_day, answer.end, answer.resolved_day];
        [name.clone(), answer.unit.clone()].into_iter().chain(numbers.map(optional)).collect()
    };
    answers.iter().map(row).collect()
}

/// Writes `compare.csv`: run, observable and its answer, then how peak and end differ from those of the first run.
///
/// # Errors
/// The file cannot be written.
pub fn write_compare(path: &Path, runs: &[(String, &Answers)]) -> Result<()> {
    let mut header = vec!["run"];
    header.extend(ANSWER);
    header.extend(["peak_difference", "end_difference"]);
    let first = runs.first().map(|(_, answers)| *answers);
    let rows = runs.iter().flat_map(|(name, answers)| {
        answers.iter().zip(answer_rows(answers)).map(move |((observable, answer), row)| {
            let other = first.and_then(|first| first.get(observable));
            let difference = |this: Option<f64>, other: Option<f64>| optional(this.zip(other).map(|(a, b)| a - b));
            let differences = vec![
                difference(answer.peak, other.and_then(|other| other.peak)),
                difference(answer.end, other.and_then(|other| other.end)),
            ];
            [vec![name.clone()], row, differences].concat()
        })
    });
    table::write_csv(path, &header, rows)
}

/// A run that failed, as `failed.csv` tells it.
#[derive(Debug, Clone, Default)]
pub struct Failed {
    /// Its name, as "sample-07".
    pub name: String,
    /// What was swept or drawn, as written.
    pub values: Vec<String>,
    /// Why.
    pub message: String,
}

/// Writes which runs failed, and why. There is no such table where none did.
///
/// # Errors
/// The file cannot be written.
pub fn write_failed(path: &Path, failed: &[Failed]) -> Result<()> {
    if failed.is_empty() {
        return Ok(());
    }
    table::write_csv(path, &["run", "message"], failed.iter().map(|own| vec![own.name.clone(), own.message.clone()]))
}

/// Splits "1.5 mm" into 1.5 and "mm".
pub fn number_and_unit(text: &str) -> Option<(f64, Unit)> {
    let (digits, unit) = units::split(text).ok()?;
    let number: f64 = digits.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())?;
    Some((number, if unit.is_empty() { Unit::one() } else { unit.parse().ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(values: &[&str]) -> Sweep {
        let point = |value: &&str| SweepPoint { values: vec![(*value).to_owned()], ..SweepPoint::default() };
        Sweep { axes: vec!["protocol.length".into()], points: values.iter().map(point).collect(), ..Sweep::default() }
    }

    #[test]
    fn an_axis_is_numbers_only_when_all_share_a_unit() {
        let axis = sweep(&["0.5 mm", "1.5mm", "1e1 mm"]).axis(0);
        assert_eq!((axis.label().as_str(), axis.numbers), ("protocol.length [mm]", Some(vec![0.5, 1.5, 10.0])));
        let mixed = sweep(&["0.5 mm", "250 µm"]).axis(0);
        assert_eq!((mixed.unit.as_str(), mixed.numbers), ("mm", Some(vec![0.5, 0.25])));
        assert_eq!(sweep(&["0.5 mm", "3 d"]).axis(0).numbers, None);
        assert_eq!(sweep(&["skinpen", "dermapen"]).axis(0).numbers, None);
        assert_eq!(sweep(&["1", "2.5"]).axis(0).numbers, Some(vec![1.0, 2.5]));
        assert_eq!(sweep(&["nan", "inf", ""]).axis(0).numbers, None);
        assert_eq!(sweep(&["3rd", "4th"]).axis(0).numbers, None);
    }
}
