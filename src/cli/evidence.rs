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
use crate::base::error::{Error, Result};
use crate::base::folder::{Draft, Identity};
use crate::present::output;
use crate::present::plot;
use crate::scenario::shown_duration;
use crate::study::Store;
use crate::study::evidence::{
    self, Observation, ObservationBoard, ObservationKind, ObservationRow, ReadingOutcome, Runner, Split, Tally, Tuning,
};

#[derive(Args)]
pub struct EvidenceArguments {
    /// Observations, as V8; all if none is named
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Show also what is set aside, once nothing is tuned any more
    #[arg(long)]
    set_aside: bool,
    /// Draws of persons and numbers for the spread of predictions; 0 for none
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    draws: usize,
    /// Where the table goes
    #[arg(long, value_name = "FOLDER", default_value = "output/evidence")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub fn command(arguments: &EvidenceArguments) -> Result<()> {
    let common = &arguments.common;
    let observations = asked(arguments)?;
    let draft = Draft::begin(&arguments.out, identity(&observations, arguments.draws), common.force, true)?;
    let begun = Instant::now();
    let board = EvidenceWatcher::new(common.quiet);
    let store = Store::in_folder(draft.workshop()?);
    let runner = Runner { threads: common.threads()?, board: &board, store: &store };
    let findings = evidence::run_all(&observations, runner)?;
    let spreads = evidence::spreads(&observations, arguments.draws, runner)?;
    board.finish();
    let judged = observations.iter().zip(&findings).map(|(one, found)| evidence::judge(one, found));
    let mut rows = judged.collect::<Result<Vec<_>>>()?;
    for (row, spreads) in rows.iter_mut().zip(spreads) {
        row.readings.iter_mut().zip(spreads).for_each(|(reading, spread)| reading.value_spread = spread);
    }
    let tally = evidence::tally(&rows);
    let text = format!("{}\n\n{}\n\n{}\n", shown(&rows), quantities(&rows), counted(&tally));
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

/// The observations that are asked for; those set aside only if that was asked, too.
fn asked(arguments: &EvidenceArguments) -> Result<Vec<Observation>> {
    let mut all = evidence::chosen(&arguments.ids, &arguments.common.changes()?)?;
    if arguments.set_aside {
        return Ok(all);
    }
    match all.iter().find(|one| one.split == Split::SetAside) {
        Some(first) if !arguments.ids.is_empty() => {
            return Err(Error::input(format!("{} is set aside until nothing is tuned any more", first.id))
                .help("`--set-aside` shows it"));
        }
        _ => all.retain(|one| one.split != Split::SetAside),
    }
    Ok(all)
}

/// The observations that are asked for, with all that decides their runs.
fn identity(observations: &[Observation], draws: usize) -> Identity {
    let one =
        |own: &Observation| own.runs.iter().map(|run| keep::settings(&run.plan)).chain([own.id.clone()]).collect();
    let mut texts: Vec<String> = observations.iter().flat_map(one as fn(&Observation) -> Vec<String>).collect();
    if draws > 0 {
        texts.push(format!("draws={draws}"));
    }
    Identity::of("evidence", "evidence", texts.iter().map(String::as_str))
}

/// The band of a reading in words.
fn band(reading: &ReadingOutcome) -> String {
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
fn shown(rows: &[ObservationRow]) -> String {
    let lines: Vec<Vec<String>> = rows
        .iter()
        .flat_map(|row| {
            row.readings.iter().enumerate().map(move |(index, reading)| {
                let first = |text: String| if index == 0 { text } else { String::new() };
                let unit = if reading.unit == "1" { String::new() } else { reading.unit.clone() };
                let kind = match row.kind {
                    ObservationKind::Observation => tuning(row.used_in_tuning),
                    ObservationKind::Fit => "is a fit",
                    ObservationKind::Identity => "identity",
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

/// Predicted against observed, for everything that was measured as a number: with both spreads, and what is known of it apart
/// from what is set aside.
fn quantities(rows: &[ObservationRow]) -> String {
    let with = |value: Option<f64>, spread: Option<f64>| match spread {
        Some(spread) => format!("{} ± {}", number(value), number(Some(spread))),
        None => number(value),
    };
    let own = |split: Split| {
        let own = rows.iter().filter(move |row| row.split == split && row.kind != ObservationKind::Identity);
        own.flat_map(|row| row.readings.iter().filter(|reading| reading.measured.is_some()).map(move |own| (row, own)))
    };
    let line = |(row, reading): (&ObservationRow, &ReadingOutcome)| {
        let unit = if reading.unit == "1" { String::new() } else { reading.unit.clone() };
        vec![
            row.split.word().to_owned(),
            row.id.clone(),
            reading.what.clone(),
            with(reading.value, reading.value_spread),
            with(reading.measured, reading.spread),
            unit,
            reading.subjects.map_or_else(|| "–".into(), |count| count.to_string()),
            reading.deviation().map_or_else(|| "–".into(), |far| format!("{far:+.1}")),
        ]
    };
    let splits = [Split::Used, Split::Seen, Split::SetAside];
    let lines: Vec<Vec<String>> = splits.into_iter().flat_map(|split| own(split).map(line)).collect();
    let header = ["", "id", "reading", "predicted", "observed", "unit", "subjects", "off by (sd)"];
    let sums = splits.into_iter().filter_map(|split| {
        let far: Vec<f64> = own(split).filter_map(|(_, reading)| reading.deviation()).collect();
        let within = |most: f64| far.iter().filter(|own| own.abs() <= most).count();
        let count = own(split).count();
        (count > 0).then(|| {
            let (one, two, told) = (within(1.0), within(2.0), far.len());
            format!(
                "{}: {count} readings, {told} with a spread; {one} within one standard deviation, {two} within two",
                split.word()
            )
        })
    });
    let sums: Vec<String> = sums.collect();
    format!("{}\n\n{}", table(&header, &lines), sums.join("\n"))
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
fn write_csv(path: &Path, rows: &[ObservationRow]) -> Result<()> {
    let header = [
        "id",
        "what",
        "source",
        "reference",
        "read",
        "measured_dose",
        "measured_depth",
        "split",
        "grade",
        "group",
        "kind",
        "used_in_tuning",
        "dose",
        "reading",
        "formula",
        "unit",
        "simulated",
        "simulated_spread",
        "measured",
        "spread",
        "subjects",
        "at_least",
        "at_most",
        "met",
        "note",
    ];
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let lines = rows.iter().flat_map(|row| {
        row.readings.iter().map(move |reading| {
            let numbers = [reading.value, reading.value_spread, reading.measured, reading.spread];
            let [value, own_spread, measured, spread] = numbers.map(output::table::optional);
            let [low, high] = [reading.at_least, reading.at_most].map(output::table::optional);
            vec![
                row.id.clone(),
                row.what.clone(),
                row.source.clone(),
                row.reference.clone().unwrap_or_default(),
                word(serde_json::json!(row.read)),
                row.measured_dose.clone(),
                row.measured_depth.clone(),
                row.split.word().to_owned(),
                word(serde_json::json!(row.grade)),
                word(serde_json::json!(row.group)),
                word(serde_json::json!(row.kind)),
                tuning(row.used_in_tuning).to_owned(),
                row.dose.join("; "),
                reading.what.clone(),
                reading.formula.clone(),
                reading.unit.clone(),
                value,
                own_spread,
                measured,
                spread,
                reading.subjects.map_or_else(String::new, |count| count.to_string()),
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
pub(super) struct EvidenceWatcher {
    bar: Option<ProgressBar>,
    quiet: bool,
    interrupt: Interrupt,
}

impl EvidenceWatcher {
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

impl ObservationBoard for EvidenceWatcher {
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
