//! `dermasim evidence`: published observations, run and held against the model.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::Map;

use super::common::Common;
use super::interrupt::Interrupt;
use super::keep;
use super::terminal::{number, say, short, table, tell};
use crate::error::Result;
use crate::evidence::{self, Board, Kind, Observation, Reading, Row, Tally, Tuning};
use crate::folder::{Draft, Identity};
use crate::output;
use crate::plot;
use crate::scenario::shown_duration;

#[derive(Args)]
pub struct Arguments {
    /// Observations, as V8; all if none is named
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Where the table goes
    #[arg(long, value_name = "FOLDER", default_value = "output/evidence")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub fn command(arguments: &Arguments) -> Result<()> {
    let common = &arguments.common;
    let observations = evidence::chosen(&arguments.ids, &common.changes()?)?;
    let draft = Draft::begin(&arguments.out, identity(&observations), common.force, false)?;
    let begun = Instant::now();
    let board = Watcher::new(common.quiet);
    let findings = evidence::run_all(&observations, common.threads()?, &board)?;
    board.finish();
    let rows = observations
        .iter()
        .zip(&findings)
        .map(|(one, found)| evidence::judge(one, found))
        .collect::<Result<Vec<_>>>()?;
    let tally = evidence::tally(&rows);
    let text = format!("{}\n\n{}\n", shown(&rows), counted(&tally));
    let fresh = draft.folder()?;
    output::file::write(&fresh.join("evidence.txt"), &text)?;
    let json = serde_json::json!({ "observations": rows, "tally": tally });
    output::file::write(&fresh.join("evidence.json"), format!("{json:#}\n"))?;
    write_csv(&fresh.join("evidence.csv"), &rows)?;
    plot::draw_evidence(&rows, &fresh.join("figures"))?;
    keep::finish(draft, Map::new())?;
    if !common.quiet {
        let seconds = begun.elapsed().as_secs_f64();
        say(format!("{text}\n{} in {}", short(&arguments.out), shown_duration(seconds)));
    }
    Ok(())
}

/// The observations that are asked for, with all that decides their runs.
fn identity(observations: &[Observation]) -> Identity {
    let one =
        |own: &Observation| own.runs.iter().map(|run| keep::settings(&run.plan)).chain([own.id.clone()]).collect();
    let texts: Vec<String> = observations.iter().flat_map(one as fn(&Observation) -> Vec<String>).collect();
    Identity::of("evidence", "evidence", texts.iter().map(String::as_str))
}

/// The band of a reading in words.
fn band(reading: &Reading) -> String {
    let of = |value: f64| number(Some(value));
    match (reading.at_least, reading.at_most) {
        (Some(low), Some(high)) if low == high => of(low),
        (Some(low), Some(high)) => format!("{} to {}", of(low), of(high)),
        (Some(low), None) => format!("≥ {}", of(low)),
        (None, Some(high)) => format!("≤ {}", of(high)),
        (None, None) => String::new(),
    }
}

/// Whether a row was used to choose constants, in a word.
fn tuning(tuning: Tuning) -> &'static str {
    match tuning {
        Tuning::No => "no",
        Tuning::ByHand => "by hand",
        Tuning::Fit => "fit",
    }
}

/// All rows, a line for each reading.
fn shown(rows: &[Row]) -> String {
    let lines: Vec<Vec<String>> = rows
        .iter()
        .flat_map(|row| {
            row.readings.iter().enumerate().map(move |(index, reading)| {
                let first = |text: String| if index == 0 { text } else { String::new() };
                let unit = if reading.unit == "1" { String::new() } else { reading.unit.clone() };
                let kind = match row.kind {
                    Kind::Observation => tuning(row.used_in_tuning),
                    Kind::Fit => "is a fit",
                    Kind::Identity => "identity",
                };
                vec![
                    first(row.id.clone()),
                    first(format!("{:?}", row.grade)),
                    reading.what.clone(),
                    number(reading.value),
                    unit,
                    band(reading),
                    if reading.met { "met".into() } else { "MISSED".into() },
                    first(kind.to_owned()),
                ]
            })
        })
        .collect();
    table(&["id", "grade", "reading", "simulated", "unit", "accepted", "", "used in tuning"], &lines)
}

/// How many rows are met.
fn counted(tally: &[Tally]) -> String {
    let lines: Vec<String> = tally
        .iter()
        .map(|one| {
            let apart = if one.of.starts_with("fits") { " (left out of every share)" } else { "" };
            let [met, all] = one.held_out;
            format!("{}: {} of {} met{apart}; outside the fit {met} of {all}", one.of, one.met, one.all)
        })
        .collect();
    lines.join("\n")
}

/// A row for each reading.
fn write_csv(path: &Path, rows: &[Row]) -> Result<()> {
    let header = [
        "id",
        "what",
        "source",
        "grade",
        "group",
        "kind",
        "used_in_tuning",
        "dose",
        "reading",
        "formula",
        "unit",
        "simulated",
        "measured",
        "at_least",
        "at_most",
        "met",
        "note",
    ];
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let lines = rows.iter().flat_map(|row| {
        row.readings.iter().map(move |reading| {
            let numbers = [reading.value, reading.measured, reading.at_least, reading.at_most];
            let [value, measured, low, high] = numbers.map(output::table::optional);
            vec![
                row.id.clone(),
                row.what.clone(),
                row.source.clone(),
                word(serde_json::json!(row.grade)),
                word(serde_json::json!(row.group)),
                word(serde_json::json!(row.kind)),
                tuning(row.used_in_tuning).to_owned(),
                row.dose.join("; "),
                reading.what.clone(),
                reading.formula.clone(),
                reading.unit.clone(),
                value,
                measured,
                low,
                high,
                if reading.met { "met" } else { "missed" }.to_owned(),
                row.note.clone(),
            ]
        })
    });
    output::table::write_csv(path, &header, lines)
}

/// Shows how many runs are done.
pub(super) struct Watcher {
    bar: Option<ProgressBar>,
    quiet: bool,
    interrupt: Interrupt,
}

impl Watcher {
    pub(super) fn new(quiet: bool) -> Self {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let bar = (!quiet && terminal).then(|| super::progress::bar("{bar:24} {pos} of {len} runs {msg}", 1));
        Self { bar, quiet, interrupt: Interrupt::listen() }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Board for Watcher {
    fn ended(&self, id: &str, done: usize, of: usize) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
                bar.set_message(id.to_owned());
            }
            None if !self.quiet && done.is_multiple_of(10) => tell(format!("{done} of {of} runs")),
            None => {}
        }
    }

    fn stop(&self) -> bool {
        self.interrupt.asked()
    }
}
