//! A run's folder: what is written into it, and which folders may be replaced.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::output::{self, Inputs, Kept, Provenance};
use crate::plot;
use crate::report;
use crate::scenario::{Plan, Verdict};
use crate::simulate::Outcome;
use crate::study::Job;

use super::terminal::short;

/// Where answers go unless somebody says otherwise.
const OUTPUT: &str = "output";
/// The file by which a sweep's folder is known.
pub const SWEEP_MARK: &str = "sweep.json";

/// The folder of a scenario's answer.
pub fn folder(asked: Option<&Path>, name: &str) -> PathBuf {
    asked.map_or_else(|| Path::new(OUTPUT).join(output::file::safe_name(name)), Path::to_path_buf)
}

/// Whether the answer of scenario `name` may replace what is in `folder`: nothing, or an earlier answer of the same scenario.
/// With `force` it may be another scenario's; a folder that holds anything but an answer is never touched.
///
/// # Errors
/// The folder holds something that must stay.
pub fn may_replace(folder: &Path, name: &str, mark: &str, force: bool) -> Result<()> {
    let shown = short(folder);
    if folder.is_file() {
        return Err(Error::input(format!("`{shown}` is a file, not a folder")).help("choose another place with --out"));
    }
    let empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if empty {
        return Ok(());
    }
    let own = |mark: &str| -> Option<String> {
        let text = std::fs::read_to_string(folder.join(mark)).ok()?;
        let json: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(json["run"]["name"].as_str()?.to_owned())
    };
    let (run, sweep) = (own("manifest.json"), own(SWEEP_MARK));
    let kind = if run.is_some() { "manifest.json" } else { SWEEP_MARK };
    match run.or(sweep) {
        None => {
            Err(Error::input(format!("`{shown}` holds something that is no answer of dermasim, and is left alone"))
                .help("choose another place with --out"))
        }
        Some(_) if force => Ok(()),
        Some(other) if other != name => {
            Err(Error::input(format!("`{shown}` holds the answer of another scenario, `{other}`"))
                .help("choose another place with --out, or replace it with --force"))
        }
        Some(_) if kind != mark => {
            let held = if kind == SWEEP_MARK { "a sweep" } else { "a single run" };
            Err(Error::input(format!("`{shown}` holds {held} of this scenario"))
                .help("choose another place with --out, or replace it with --force"))
        }
        Some(_) => Ok(()),
    }
}

/// Writes the whole folder of a run, in one piece: tables, fields, model files, figures, report.
///
/// # Errors
/// Something cannot be written.
pub fn keep(outcome: &Outcome, folder: &Path, job: Option<&Job>) -> Result<()> {
    let origin = &outcome.plan.origin;
    let models: Vec<(String, String)> = origin
        .files
        .iter()
        .map(|file| (format!("{}/{}", file.kind.folder(), file.name), file.original.text.clone()))
        .collect();
    let provenance = Provenance::of(&outcome.plan);
    let inputs = Inputs { scenario: &origin.scenario, models: &models, provenance: &provenance };
    let kept = Kept::of(outcome)?;
    output::file::write_folder(folder, |fresh| {
        let figures = fresh.join("figures");
        let tables = || {
            output::write_kept(&kept, &outcome.cost, &inputs, fresh)?;
            origin.files.iter().try_for_each(|file| output::file::write(&fresh.join(file.path()), &file.original.text))
        };
        let (written, drawn) = rayon::join(tables, || plot::draw_run(&kept, &figures));
        written?;
        let drawn = drawn?;
        report::write_run(&fresh.join("report.html"), &kept, &provenance, &drawn, &figures)?;
        job.map_or(Ok(()), |job| job.mark(fresh))
    })
}

/// Writes the tables of one sample of an ensemble: no fields, no figures, no model files of its own.
///
/// # Errors
/// Something cannot be written.
pub fn keep_tables(outcome: &Outcome, job: &Job) -> Result<()> {
    output::file::write_folder(&job.folder, |fresh| {
        write_tables(outcome, fresh)?;
        job.mark(fresh)
    })
}

/// Writes the tables of a run into a folder.
///
/// # Errors
/// Something cannot be written.
pub fn write_tables(outcome: &Outcome, folder: &Path) -> Result<()> {
    let provenance = Provenance::of(&outcome.plan);
    let inputs = Inputs { scenario: &outcome.plan.origin.scenario, models: &[], provenance: &provenance };
    output::write_kept(&Kept::of(outcome)?, &outcome.cost, &inputs, folder)
}

/// Compares an answer with what its scenario expects.
///
/// # Errors
/// The summary cannot be read, or an expectation measures something else than its number.
pub fn judge(plan: &Plan, folder: &Path) -> Result<Vec<Verdict>> {
    if plan.origin.expected.is_empty() {
        return Ok(Vec::new());
    }
    let summary = summary(folder)?;
    plan.origin.expected.iter().map(|expected| expected.judge(&summary)).collect()
}

/// The content of a run's `summary.json`.
///
/// # Errors
/// It is missing or damaged.
pub fn summary(folder: &Path) -> Result<serde_json::Value> {
    let path = folder.join("summary.json");
    serde_json::from_str(&output::file::read(&path)?).map_err(|cause| Error::file(path, "read", cause.into()))
}
