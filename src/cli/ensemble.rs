//! What many samples of one scenario say together.

use std::path::Path;

use super::terminal::{number, say, table};
use crate::base::error::{Error, Result};
use crate::present::output::ensemble::{DrawnInput, Ensemble, Sample, Spread};
use crate::present::output::sweep::Failed;
use crate::present::output::{KeptRun, Provenance};
use crate::present::plot;
use crate::present::report;
use crate::scenario::{Draw, Plan, SweepRun};
use crate::study::Job;

/// Reads the finished samples back; those that failed are told as such.
///
/// # Errors
/// The folder of a sample is damaged.
pub fn gather(plan: &Plan, draws: &[Draw], points: &[SweepRun], jobs: &[Job], failed: &[Failed]) -> Result<Ensemble> {
    let drawn =
        draws.iter().map(|draw| DrawnInput { key: draw.key.clone(), what: draw.what.clone(), evidence: draw.evidence });
    let mut ensemble = Ensemble {
        name: plan.name.clone(),
        question: plan.question.clone(),
        drawn: drawn.collect(),
        failed: failed.to_vec(),
        ..Ensemble::default()
    };
    let mut records = Vec::new();
    for (point, job) in points.iter().zip(jobs).filter(|(_, job)| job.is_done()) {
        let kept = KeptRun::read(&job.folder)?;
        ensemble.samples.push(Sample {
            name: point.name.clone(),
            values: point.values.iter().map(|(_, value)| value.clone()).collect(),
            answers: kept.answers,
            recovery: kept.practice.recovery.and_then(|recovery| recovery.days),
        });
        records.push(kept.record.into_owned());
    }
    if records.is_empty() {
        return Err(Error::simulation(format!("none of the {} samples ended", points.len())));
    }
    ensemble.sum_up(&records);
    Ok(ensemble)
}

/// Writes the tables, figures and the report of an ensemble, and shows its distribution.
///
/// # Errors
/// A file cannot be written.
pub fn write(folder: &Path, plan: &Plan, ensemble: &Ensemble, quiet: bool) -> Result<()> {
    ensemble.write(folder)?;
    let figures = folder.join("figures");
    let drawn = plot::draw_ensemble(ensemble, &figures)?;
    report::write_ensemble(&folder.join("report.html"), ensemble, &Provenance::of(plan), &drawn, &figures)?;
    if quiet {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = ensemble
        .readings()
        .iter()
        .filter(|reading| reading.group != "state" && !["rest", "peak"].contains(&reading.number))
        .map(|reading| {
            let Spread { quantiles: [low, _, middle, _, high], samples } = reading.spread();
            let numbers = [low, middle, high].map(|value| number(Some(value).filter(|value| value.is_finite())));
            let unit = if reading.unit == "1" { String::new() } else { reading.unit.clone() };
            let place = vec![reading.observable.clone(), reading.number.replace('_', " "), unit];
            [place, numbers.to_vec(), vec![samples.to_string()]].concat()
        })
        .collect();
    say(format!("{}; changes count from each sample's own rest\n", ensemble.count()));
    say(table(&["observable", "reading", "unit", "5 %", "median", "95 %", "samples"], &rows));
    Ok(())
}
