//! `dermasim calibrate`: constants fitted to observations by the engine itself, and a new model file.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::Args;
use serde_json::Map;

use super::common::Common;
use super::evidence::EvidenceWatcher;
use super::keep;
use super::terminal::{number, say, short, table, tell};
use crate::base::error::{Error, Result, Source};
use crate::base::folder::{Draft, Identity};
use crate::present::output;
use crate::scenario::Change;
use crate::study::Store;
use crate::study::calibrate::{self, Calibration, Fitted};
use crate::study::evidence::{self, Observation, ObservationBoard, ObservationRow, Runner};

#[derive(Args)]
pub struct CalibrateArguments {
    /// The file that names constants and observations
    file: PathBuf,
    /// Where the model and the account of the fit go [default: output/calibrate-NAME]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

pub fn command(arguments: &CalibrateArguments) -> Result<()> {
    let common = &arguments.common;
    let text = std::fs::read_to_string(&arguments.file).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => Error::input(format!("there is no file `{}`", short(&arguments.file))),
        _ => Error::file(&arguments.file, "read", cause),
    })?;
    let source = Source::new(short(&arguments.file), text);
    let beside = arguments.file.parent().unwrap_or(Path::new(""));
    let calibration = Calibration::read(&source, beside, common.changes()?)?;
    let folder =
        arguments.out.clone().unwrap_or_else(|| Path::new("output").join(format!("calibrate-{}", calibration.name)));
    let changes: Vec<String> = common.changes()?.iter().map(Change::shown).collect();
    let asked = std::iter::once(source.text.as_str()).chain(changes.iter().map(String::as_str));
    let identity = Identity::of("calibration", &calibration.name, asked);
    let draft = Draft::begin(&folder, identity, common.force, true)?;
    let shown = short(&folder);
    let threads = common.threads()?;
    let board =
        CalibrationWatcher { runs: EvidenceWatcher::new(true), quiet: common.quiet, least: Mutex::new(f64::INFINITY) };
    let store = Store::in_folder(draft.workshop()?);
    let fitted = calibrate::fit(&calibration, threads, &board, &store)?;
    let runner = Runner { threads, board: &board, store: &store };
    let rows = [vec![0.0; fitted.z.len()], fitted.z.clone()]
        .iter()
        .map(|z| judged(&calibration.observations(z)?, runner))
        .collect::<Result<Vec<_>>>()?;
    let model = calibrate::model_text(&calibration, &fitted)?;
    let account = format!("{}\n\n{}\n", constants(&fitted), readings(&rows));
    let fresh = draft.folder()?;
    output::file::write(&fresh.join(format!("{}.toml", calibration.name)), &model)?;
    output::file::write(&fresh.join("calibration.txt"), &account)?;
    let json = serde_json::json!({
        "name": calibration.name,
        "what": calibration.what,
        "observations": calibration.observations,
        "fitted": fitted,
        "before": rows[0],
        "after": rows[1],
    });
    output::file::write(&fresh.join("calibration.json"), format!("{json:#}\n"))?;
    keep::finish(draft, Map::new())?;
    if !common.quiet {
        say(format!(
            "{account}\n{shown}: try it with dermasim evidence --set response={shown}/{}.toml",
            calibration.name
        ));
    }
    Ok(())
}

fn judged(observations: &[Observation], runner: Runner<'_>) -> Result<Vec<ObservationRow>> {
    let findings = evidence::run_all(observations, runner)?;
    observations.iter().zip(&findings).map(|(one, found)| evidence::judge(one, found)).collect()
}

/// What was found of each constant.
fn constants(fitted: &Fitted) -> String {
    let rows: Vec<Vec<String>> = fitted
        .constants
        .iter()
        .map(|one| {
            let unit = if one.unit == "1" { String::new() } else { one.unit.clone() };
            let range = one.range.map(|end| number(Some(end))).join(" to ");
            let trades = one
                .trades_with
                .as_ref()
                .map_or(String::new(), |(name, correlation)| format!("{name} ({correlation:+.2})"));
            vec![
                one.name.clone(),
                number(Some(one.before)),
                number(Some(one.value)),
                unit,
                range,
                format!("{:.2}", one.factor),
                format!("{:.0} %", 100.0 * one.learned),
                trades,
            ]
        })
        .collect();
    let header = ["constant", "before", "found", "unit", "range", "within a factor", "learned", "trades with"];
    let eigenvalues = fitted.eigenvalues.iter().map(|value| number(Some(*value))).collect::<Vec<_>>().join(", ");
    format!(
        "{}\n\n{} of {} directions are decided by the observations (eigenvalues {eigenvalues}).\nMisfit {} before, {} after, \
         {} places looked at.",
        table(&header, &rows),
        fitted.identifiable,
        fitted.constants.len(),
        number(Some(fitted.misfit[0])),
        number(Some(fitted.misfit[1])),
        fitted.evaluations,
    )
}

/// Readings before and after.
fn readings(rows: &[Vec<ObservationRow>]) -> String {
    let lines: Vec<Vec<String>> = rows[0]
        .iter()
        .zip(&rows[1])
        .flat_map(|(before, after)| {
            before.readings.iter().zip(&after.readings).map(move |(old, new)| {
                let met = if new.met { "met" } else { "MISSED" };
                let [before_value, after_value] = [old.value, new.value].map(number);
                vec![before.id.clone(), new.what.clone(), before_value, after_value, number(new.measured), met.into()]
            })
        })
        .collect();
    table(&["id", "reading", "before", "after", "measured", ""], &lines)
}

/// Tells of places rather than of runs.
struct CalibrationWatcher {
    runs: EvidenceWatcher,
    quiet: bool,
    least: Mutex<f64>,
}

impl ObservationBoard for CalibrationWatcher {
    fn ended(&self, _: &str, _: usize, _: usize) {}

    fn stop(&self) -> bool {
        self.runs.stop()
    }
}

impl calibrate::SearchBoard for CalibrationWatcher {
    fn evaluated(&self, evaluations: usize, least: f64) {
        let mut known = self.least.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *known = known.min(least);
        if !self.quiet {
            tell(format!("{evaluations} places, misfit {}", number(Some(least))));
        }
    }
}
