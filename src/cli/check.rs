//! `dermasim check`: whether files make sense, and what running them would cost.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rayon::prelude::*;

use super::terminal::{complain, say, short};
use crate::base::error::{Result, Source};
use crate::base::units::DAY;
use crate::run;
use crate::scenario::{Change, Estimate, Plan, Scenario, SweepRun, shown_bytes, shown_duration};
use crate::skin::catalogue::{
    self, CatalogueKind, Cost, Device, Mechanics, Operator, Overlay, Population, Rules, Tissue,
};
use crate::study::calibrate::Calibration;
use crate::study::claims::Claim;
use crate::study::evidence::Observation;
use crate::study::practice;

#[derive(Args)]
pub struct CheckArguments {
    /// Scenarios or model files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change an option or a number of every scenario first
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub fn command(arguments: &CheckArguments) -> Result<()> {
    let changes = arguments.set.iter().map(|change| Change::parse(change)).collect::<Result<Vec<_>>>()?;
    let mut wrong = None;
    for file in &arguments.files {
        match check(file, &changes) {
            Ok(text) => say(format!("{}: {text}", short(file))),
            Err(error) => {
                // All files are looked at; the last complaint is told by the caller.
                if let Some(earlier) = wrong.replace(error) {
                    complain(&earlier);
                }
            }
        }
    }
    wrong.map_or(Ok(()), Err)
}

fn check(file: &Path, changes: &[Change]) -> Result<String> {
    let scenario = Scenario::read(file)?;
    match kind_of(file, &scenario.source) {
        Some(kind) => model(kind, file),
        None if has(&scenario.source, "constants") && has(&scenario.source, "observations") => {
            let folder = file.parent().unwrap_or(Path::new(""));
            let calibration = Calibration::read(&scenario.source, folder, changes.to_vec())?;
            let (constants, observations) = (calibration.constants.len(), calibration.observations.len());
            Ok(format!("a calibration of {constants} constants to {observations} observations: {}", calibration.what))
        }
        None => {
            // A claim or an observation is a scenario that is asked something.
            if has(&scenario.source, "claim") {
                Claim::read(&scenario.source, changes)?;
            }
            if has(&scenario.source, "evidence") {
                Observation::read(&scenario.source, changes)?;
            }
            let scenario = scenario.with(changes.iter().cloned());
            let plan = scenario.plan()?;
            begins(&plan)?;
            let mut points = scenario.points()?;
            points.extend(scenario.samples(&plan)?.1);
            if points.is_empty() {
                let warnings = plan.origin.warnings.iter().map(|warning| format!("warning: {warning}"));
                let advice = warnings.chain(rules(&plan)?).map(|line| format!("\n  {line}"));
                return Ok(cost(&plan) + &advice.collect::<String>());
            }
            // A plan at a time for each thread: the largest study takes no more memory than a small one.
            let each = |point: &SweepRun| {
                let plan = point.scenario.plan()?;
                let Estimate { seconds, bytes, .. } = plan.origin.estimate;
                Ok((seconds, bytes, cost(&plan)))
            };
            let nothing = || (0.0, 0.0, String::new());
            let together = |a: (f64, f64, String), b: (f64, f64, String)| {
                let (bytes, cost) = if b.1 > a.1 { (b.1, b.2) } else { (a.1, a.2) };
                Ok((a.0 + b.0, bytes, cost))
            };
            let (seconds, _, largest) = points.par_iter().map(each).try_reduce(nothing, together)?;
            Ok(format!("{} points, {} in all; the largest: {largest}", points.len(), shown_duration(seconds)))
        }
    }
}

/// Whether the fields of a plan have sound values at its start. They are computed for that, unless they are very many.
fn begins(plan: &Plan) -> Result<()> {
    const MOST: f64 = 1e9;
    if plan.origin.estimate.bytes > MOST {
        return Ok(());
    }
    // The radius of unit cells follows the hole density of the first session, which takes a session to know.
    let first = if plan.sessions.is_empty() { None } else { Some(plan.needle(0, 1)?) };
    run::begin(plan, first.as_ref()).map(drop)
}

/// What the rules of a plan say of it. A session is computed for that, which takes a moment.
fn rules(plan: &Plan) -> Result<Vec<String>> {
    if plan.rules.is_empty() || plan.sessions.is_empty() {
        return Ok(Vec::new());
    }
    let advice = practice::advice(plan, &[plan.needle(0, 1)?], None)?;
    Ok(advice.into_iter().map(|one| format!("{}: {} ({})", one.authority, one.says, one.source)).collect())
}

/// What a run would cost, in a sentence.
fn cost(plan: &Plan) -> String {
    let estimate = plan.origin.estimate;
    let [nx, ny, nz] = estimate.cells;
    let sessions = match plan.sessions.len() {
        0 => "no session".into(),
        1 => "1 session".into(),
        count => format!("{count} sessions"),
    };
    format!(
        "{nx} × {ny} × {nz} = {} cells, {} fields, {sessions} over {} days, about {} of memory and {} on two cores",
        estimate.total_cells(),
        estimate.fields,
        (plan.end / DAY * 100.0).round() / 100.0,
        shown_bytes(estimate.bytes),
        shown_duration(estimate.seconds)
    )
}

/// Checks a model file.
fn model(kind: CatalogueKind, file: &Path) -> Result<String> {
    let source = catalogue::find(kind, &file.to_string_lossy(), None)?;
    let text = match kind {
        CatalogueKind::Tissue => {
            let tissue = Tissue::read(&source)?;
            tissue.suits(&Mechanics::read(&catalogue::find(CatalogueKind::Mechanics, "default", None)?)?)?;
            format!("a tissue of {} layers", tissue.layer.len())
        }
        CatalogueKind::Device => format!("a device, {}", Device::read(&source)?.what),
        CatalogueKind::Operator => format!("an operator, {}", Operator::read(&source)?.what),
        CatalogueKind::Mechanics => format!("mechanics with {} numbers", Mechanics::read(&source)?.numbers().len()),
        CatalogueKind::Lesion | CatalogueKind::Wound | CatalogueKind::Agent | CatalogueKind::Person => {
            format!("{kind}: {}", Overlay::read(kind, &source)?.what)
        }
        CatalogueKind::Rules => format!("{} rules: {}", Rules::read(&source)?.rule.len(), Rules::read(&source)?.what),
        CatalogueKind::Cost => format!("prices in {}: {}", Cost::read(&source)?.currency, Cost::read(&source)?.what),
        CatalogueKind::Population => format!("a population: {}", Population::read(&source)?.what),
        CatalogueKind::Response => {
            let model = crate::skin::model(&source)?;
            model.known_regions(&known_layers(file)?)?;
            let (fields, processes) = (model.fields.len(), model.processes.len());
            format!(
                "a response model of {fields} fields, {processes} processes, {} observables",
                model.observables.len()
            )
        }
    };
    Ok(text)
}

/// The layers and groups of all tissues that a model may be meant for: those of the catalogue, and those that lie beside it.
fn known_layers(file: &Path) -> Result<Vec<String>> {
    let mut known = vec!["medium".to_owned()];
    let mut learn = |source: &Arc<Source>| {
        if let Ok(tissue) = Tissue::read(source) {
            known.extend(
                tissue
                    .layer
                    .iter()
                    .flat_map(|(name, own)| own.groups.iter().chain([name]).cloned().collect::<Vec<_>>()),
            );
        }
    };
    for entry in catalogue::list(CatalogueKind::Tissue) {
        learn(&catalogue::find(CatalogueKind::Tissue, &entry.name, None)?);
    }
    let beside = file.parent().map(Path::to_path_buf).unwrap_or_default();
    let folder = if beside.as_os_str().is_empty() { Path::new(".").to_path_buf() } else { beside };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "toml")
            && let Ok(scenario) = Scenario::read(&path)
        {
            learn(&scenario.source);
        }
    }
    Ok(known)
}

/// Whether a text has a table or a value of that name.
fn has(source: &Source, key: &str) -> bool {
    toml_edit::Document::parse(source.text.as_str()).is_ok_and(|document| document.get(key).is_some())
}

/// What a file describes: by the folder it lies in, else by the tables only such a file has. `None` is a scenario.
fn kind_of(file: &Path, source: &Source) -> Option<CatalogueKind> {
    let folder = file.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let by_folder = CatalogueKind::ALL.into_iter().find(|kind| folder.as_deref() == Some(kind.folder()));
    let document = toml_edit::Document::parse(source.text.as_str()).ok();
    let has = |key: &str| document.as_ref().is_some_and(|document| document.get(key).is_some());
    let by_content = match () {
        () if ["tissue", "slab", "needling", "course"].iter().any(|key| has(key)) => None,
        () if ["field", "process", "constant"].iter().any(|key| has(key)) => Some(CatalogueKind::Response),
        () if has("layer") => Some(CatalogueKind::Tissue),
        () if has("needle") => Some(CatalogueKind::Device),
        () if has("hands") => Some(CatalogueKind::Operator),
        () if has("rule") => Some(CatalogueKind::Rules),
        () if has("currency") => Some(CatalogueKind::Cost),
        () if has("trait") => Some(CatalogueKind::Population),
        () if has("carriage") => Some(CatalogueKind::Lesion),
        () if has("dose") => Some(CatalogueKind::Agent),
        () => None,
    };
    by_folder.or(by_content)
}
