//! What is kept of a run: its folder, and the tables of sweeps and comparisons.
//!
//! | file | holds |
//! |---|---|
//! | `scenario.toml` | the scenario as resolved; running it again gives the same answer |
//! | `manifest.json` | version, seed, hashes of the model files and of every file here, steps, wall time by phase, peak memory |
//! | `summary.json` | `{"observables": {NAME: {"unit", "rest", "peak", "peak_day", "end", "resolved_day"}}, "needling": {"sessions": […]}, "provenance": {…}, "practice": {…}}`, see [`crate::run::answer`] and [`crate::study::practice`] |
//! | `timecourse.csv`, `.parquet` | every observable at every recorded time; a session appears twice, before and after; what is set at a moment holds in its row |
//! | `timecourse_control.csv`, `.parquet` | the same without needling, if there was needling |
//! | `observables.csv` | unit, group, rest and meaning of each observable |
//! | `needling.csv` | what each session did mechanically, as one tidy table |
//! | `provenance.csv` | every number the run used, with its source and kind of evidence |
//! | `fields.zarr` | snapshots of fields for xarray, see [`zarr`] |
//! | `paraview/` | the same for ParaView, see [`vtk`] |
//! | `holes.csv` | where the holes are in each snapshot |
//! | `figures/`, `report.html` | drawn by `plot` and `report` |
//!
//! The folder appears whole or not at all, see [`crate::base::folder`]. Apart from
//! the manifest (which tells wall times and memory) the bytes depend on the scenario alone.

pub mod ensemble;
mod kept;
mod manifest;
pub mod needling;
mod provenance;
pub mod sweep;
pub mod table;
pub mod vtk;
pub mod zarr;

use std::path::Path;

use serde_json::{Map, Value, json};

pub use crate::base::folder::file;
pub use kept::KeptRun;
pub use manifest::About;
pub use provenance::{Provenance, ProvenanceNumber};

use crate::base::error::Result;
use crate::base::folder::{self, Identity};
use crate::run::{Outcome, RunCost};

/// What a run was made from, to be kept beside its answer.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The scenario as resolved.
    pub scenario: &'a str,
    /// The files that were read: kind and name, as "tissue/cheek", and text.
    pub models: &'a [(String, String)],
    /// The numbers that were used.
    pub provenance: &'a Provenance,
}

/// Writes everything but figures and report into a run's folder.
///
/// # Errors
/// A file cannot be written.
pub fn write_run(outcome: &Outcome, inputs: &Inputs<'_>, folder: &Path) -> Result<()> {
    write_kept(&KeptRun::of(outcome)?, &outcome.cost, inputs, folder)
}

/// As [`write_run`], from the view of a run.
///
/// # Errors
/// A file cannot be written.
pub fn write_kept(kept: &KeptRun<'_>, cost: &RunCost, inputs: &Inputs<'_>, folder: &Path) -> Result<()> {
    let about = write_tables(kept, cost, inputs, folder)?;
    let texts = inputs.models.iter().map(|(_, text)| text.as_str());
    folder::seal(folder, &Identity::of("run", &kept.about.name, [inputs.scenario].into_iter().chain(texts)), about)
}

/// Writes the tables and fields of a run into a draft, and gives what its manifest says.
///
/// # Errors
/// A file cannot be written.
pub fn write_tables(
    kept: &KeptRun<'_>,
    cost: &RunCost,
    inputs: &Inputs<'_>,
    folder: &Path,
) -> Result<Map<String, Value>> {
    file::write(&folder.join("scenario.toml"), inputs.scenario)?;
    let control = Some(("timecourse_control", &kept.control)).filter(|(_, control)| !control.times.is_empty());
    for (name, record) in [("timecourse", &kept.record)].into_iter().chain(control) {
        table::write_course_csv(&folder.join(format!("{name}.csv")), record)?;
        table::write_course_parquet(&folder.join(format!("{name}.parquet")), record)?;
    }
    table::write_headings(&folder.join("observables.csv"), &kept.record.headings)?;
    needling::write(&folder.join("needling.csv"), &kept.needling)?;
    inputs.provenance.write(&folder.join("provenance.csv"))?;
    if !kept.snapshots.is_empty() {
        zarr::write(&folder.join("fields.zarr"), &kept.shape, &kept.snapshots)?;
        vtk::write(&folder.join("paraview"), &kept.shape, &kept.snapshots)?;
        kept::write_holes(&folder.join("holes.csv"), &kept.snapshots)?;
    }
    let contract = kept::Contract {
        observables: kept.answers.clone(),
        needling: kept::Sessions { sessions: kept.needling.clone() },
        provenance: json!(inputs.provenance.counts()),
        practice: kept.practice.clone(),
        faults: kept.faults.clone(),
        doubts: kept.doubts.clone(),
    };
    file::write(&folder.join("summary.json"), format!("{:#}\n", json!(contract)))?;
    let mut manifest = manifest::manifest(&kept.about, cost, inputs.scenario, inputs.models);
    manifest["faults"] = json!(kept.faults);
    Ok(manifest.as_object().cloned().unwrap_or_default())
}
