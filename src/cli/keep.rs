//! A run's folder: where it is, what is written into it, and what it answers.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::base::error::{Error, Result};
use crate::base::folder::{Draft, Identity, hash};
use crate::present::output::{self, Inputs, KeptRun, Provenance};
use crate::present::plot;
use crate::present::report;
use crate::run::Outcome;
use crate::scenario::{ExpectationVerdict, Plan};

use super::terminal::{short, tell};

/// Where answers go unless somebody says otherwise.
const OUTPUT: &str = "output";
/// The points of a sweep.
pub const SWEEP_MARK: &str = "sweep.json";

/// The folder of a scenario's answer.
pub fn folder(asked: Option<&Path>, name: &str) -> PathBuf {
    asked.map_or_else(|| Path::new(OUTPUT).join(output::file::safe_name(name)), Path::to_path_buf)
}

/// What a plan answers: the scenario as decided and the model files as used, apart from what is only said or expected of it.
pub fn identity(kind: &str, plan: &Plan) -> Identity {
    Identity { kind: kind.to_owned(), name: plan.name.clone(), settings: settings(plan) }
}

/// Hash of all that decides the answer of a plan.
pub fn settings(plan: &Plan) -> String {
    let mut decided: toml::Table = plan.origin.scenario.parse().unwrap_or_default();
    for said in ["question", "expect"] {
        decided.remove(said);
    }
    let decided = decided.to_string();
    let files = plan.origin.files.iter().map(|file| file.used.text.as_str());
    hash(std::iter::once(decided.as_str()).chain(files))
}

/// Writes the whole folder of a run: tables, fields, model files, figures, report. Gives what its manifest says.
///
/// # Errors
/// Something cannot be written.
pub fn keep(outcome: &Outcome, fresh: &Path) -> Result<Map<String, Value>> {
    let origin = &outcome.plan.origin;
    let shown = |path: String| path.trim_start_matches("models/").trim_end_matches(".toml").to_owned();
    let models: Vec<(String, String)> =
        origin.files.iter().map(|file| (shown(file.path()), file.original.text.clone())).collect();
    let provenance = Provenance::of(&outcome.plan);
    let inputs = Inputs { scenario: &origin.scenario, models: &models, provenance: &provenance };
    let kept = KeptRun::of(outcome)?;
    let figures = fresh.join("figures");
    let tables = || {
        let about = output::write_tables(&kept, &outcome.cost, &inputs, fresh)?;
        origin.files.iter().try_for_each(|file| output::file::write(&fresh.join(file.path()), &file.original.text))?;
        Ok::<_, Error>(about)
    };
    let (about, drawn) = rayon::join(tables, || plot::draw_run(&kept, &figures));
    let (about, drawn) = (about?, drawn?);
    report::write_run(&fresh.join("report.html"), &kept, &provenance, &drawn, &figures)?;
    Ok(about)
}

/// Writes the tables of a run into a folder: no figures, no model files. Gives what its manifest says.
///
/// # Errors
/// Something cannot be written.
pub fn tables(outcome: &Outcome, folder: &Path) -> Result<Map<String, Value>> {
    let provenance = Provenance::of(&outcome.plan);
    let inputs = Inputs { scenario: &outcome.plan.origin.scenario, models: &[], provenance: &provenance };
    output::write_tables(&KeptRun::of(outcome)?, &outcome.cost, &inputs, folder)
}

/// Puts a finished draft in its place, and tells what of the user's lies there under another name.
///
/// # Errors
/// As [`Draft::finish`].
pub fn finish(draft: Draft, about: Map<String, Value>) -> Result<()> {
    let target = draft.target().to_path_buf();
    for note in draft.finish(about)? {
        tell(format!("note: {}: {note}", short(&target)));
    }
    Ok(())
}

/// Compares an answer with what its scenario expects.
///
/// # Errors
/// The summary cannot be read, or an expectation measures something else than its number.
pub fn judge(plan: &Plan, folder: &Path) -> Result<Vec<ExpectationVerdict>> {
    if plan.origin.expected.is_empty() {
        return Ok(Vec::new());
    }
    let summary = summary(folder)?;
    plan.origin.expected.iter().map(|expected| expected.judge(&summary)).collect()
}

/// What of an answer is wrong, in sentences.
///
/// # Errors
/// The summary cannot be read.
pub fn faults(folder: &Path) -> Result<Vec<String>> {
    let faults = summary(folder)?["faults"].take();
    Ok(serde_json::from_value(faults).unwrap_or_default())
}

/// The content of a run's `summary.json`.
///
/// # Errors
/// It is missing or damaged.
pub fn summary(folder: &Path) -> Result<serde_json::Value> {
    let path = folder.join("summary.json");
    serde_json::from_str(&output::file::read(&path)?).map_err(|cause| Error::file(path, "read", cause.into()))
}
