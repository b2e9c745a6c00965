//! Runs observations side by side and holds their readings against their bands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::error::{Error, Result};
use crate::run;
use crate::scenario::Change;
use crate::study;
use crate::study::evidence::file::Observation;
use crate::study::evidence::reading::{ReadingEvaluator, Run, RunAnswer};
use crate::study::evidence::row::{ObservationRow, ReadingOutcome};
use crate::study::store::Store;

/// What came out of the runs of one observation, in their order.
#[derive(Debug, Clone)]
pub struct ObservationFindings {
    /// Answers of the runs.
    pub answers: Vec<RunAnswer>,
}

/// Told of the runs of observations, from any thread.
pub trait ObservationBoard: Sync {
    /// A run ended; so many of so many are done.
    fn ended(&self, id: &str, done: usize, of: usize);
    /// Whether to stop.
    fn stop(&self) -> bool;
}

/// With what runs are done.
#[derive(Clone, Copy)]
pub struct Runner<'a> {
    /// Threads in all.
    pub threads: usize,
    /// Who is told.
    pub board: &'a dyn ObservationBoard,
    /// Where finished runs are.
    pub store: &'a Store,
}

/// Runs whatever the observations read.
///
/// # Errors
/// A run failed, or it was stopped.
pub fn run_all(observations: &[Observation], runner: Runner<'_>) -> Result<Vec<ObservationFindings>> {
    let Runner { threads, board, store } = runner;
    let jobs: Vec<(&Observation, &Run)> =
        observations.iter().flat_map(|one| one.runs.iter().map(move |run| (one, run))).collect();
    let done = AtomicUsize::new(0);
    let mut answers = study::each(jobs.len(), threads, jobs.len(), &|number, pool| {
        let (observation, run) = jobs[number];
        if board.stop() {
            return Err(Error::Interrupted);
        }
        let answer = pool.install(|| answer(run, store, &|| !board.stop())).map_err(|error| match error {
            Error::Simulation(message) => Error::simulation(format!("{}: {message}", observation.id)),
            other => other,
        });
        board.ended(&observation.id, 1 + done.fetch_add(1, Ordering::Relaxed), jobs.len());
        answer
    })?
    .into_iter();
    observations
        .iter()
        .map(|one| {
            Ok(ObservationFindings { answers: answers.by_ref().take(one.runs.len()).collect::<Result<Vec<_>>>()? })
        })
        .collect()
}

/// Runs one run, the response only if it is read.
fn answer(run: &Run, store: &Store, goes_on: &dyn Fn() -> bool) -> Result<RunAnswer> {
    store.answer(&run.plan, run.response, true, || match run.response {
        true => RunAnswer::of(run::run(&run.plan, &mut |_| goes_on())?),
        false => RunAnswer::of_needles(&run.plan, run.plan.needle(0, 1)?),
    })
}

/// The readings of an observation, each in the unit of its band.
///
/// # Errors
/// A reading cannot be taken.
pub fn values(observation: &Observation, findings: &ObservationFindings) -> Result<Vec<f64>> {
    let reader = ReadingEvaluator::of(&observation.runs, &findings.answers);
    observation.bands.iter().map(|band| Ok(band.unit.of(band.formula.value(&reader)?.value))).collect()
}

/// Holds the readings of an observation against their bands.
///
/// # Errors
/// A reading cannot be taken.
pub fn judge(observation: &Observation, findings: &ObservationFindings) -> Result<ObservationRow> {
    let values = values(observation, findings)?;
    let readings = observation
        .bands
        .iter()
        .zip(values)
        .map(|(band, value)| ReadingOutcome {
            what: band.what.clone(),
            formula: band.formula.text().to_owned(),
            unit: band.unit.to_string(),
            value: Some(value).filter(|value| value.is_finite()),
            value_spread: None,
            measured: band.measured,
            spread: band.spread,
            subjects: band.subjects,
            at_least: band.at_least,
            at_most: band.at_most,
            met: band.holds(value),
        })
        .collect();
    let dose = observation.runs.iter().zip(&findings.answers).map(|(run, answer)| dose(run, answer));
    Ok(ObservationRow::new(observation, distinct(dose), readings))
}

/// How far the readings of each observation differ between `number` draws, in which the person and every assumed and tuned number
/// differ; `None` where too few draws give a number. An observation of which no number was measured is not drawn.
///
/// # Errors
/// The draws make no sense, or it was stopped.
pub fn spreads(observations: &[Observation], number: usize, runner: Runner<'_>) -> Result<Vec<Vec<Option<f64>>>> {
    let Runner { threads, board, store } = runner;
    let drawn = observations.iter().map(|one| drawn(one, number)).collect::<Result<Vec<_>>>()?;
    let jobs: Vec<(&str, &Run)> = (observations.iter().zip(&drawn))
        .flat_map(|(one, samples)| samples.iter().flatten().map(|run| (one.id.as_str(), run)))
        .collect();
    let done = AtomicUsize::new(0);
    let mut answers = study::each(jobs.len(), threads, jobs.len(), &|place, pool| {
        if board.stop() {
            return Err(Error::Interrupted);
        }
        let (id, run) = jobs[place];
        let answer = pool.install(|| answer(run, store, &|| !board.stop()));
        board.ended(id, 1 + done.fetch_add(1, Ordering::Relaxed), jobs.len());
        match answer {
            // Numbers may be drawn that make no sense together.
            Err(Error::Simulation(_) | Error::Input(_)) => Ok(None),
            other => other.map(Some),
        }
    })?
    .into_iter();
    observations
        .iter()
        .zip(&drawn)
        .map(|(one, samples)| {
            let mut values: Vec<Vec<f64>> = vec![Vec::new(); one.bands.len()];
            for runs in samples {
                let own = answers.by_ref().take(runs.len()).collect::<Result<Vec<_>>>()?;
                let Some(answers) = own.into_iter().collect::<Option<Vec<_>>>() else { continue };
                let reader = ReadingEvaluator::of(runs, &answers);
                for (band, values) in one.bands.iter().zip(&mut values) {
                    values.push(band.unit.of(band.formula.value(&reader)?.value));
                }
            }
            Ok(values.iter().map(|values| deviation(values)).collect())
        })
        .collect()
}

/// Fewest draws that tell a spread.
const FEWEST: usize = 3;

/// Standard deviation of those that are numbers.
fn deviation(values: &[f64]) -> Option<f64> {
    let told: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let count = told.len() as f64;
    let mean = told.iter().sum::<f64>() / count;
    let squares: f64 = told.iter().map(|value| (value - mean).powi(2)).sum();
    (told.len() >= FEWEST).then(|| (squares / (count - 1.0)).sqrt())
}

/// The runs of an observation, once for each draw.
fn drawn(observation: &Observation, number: usize) -> Result<Vec<Vec<Run>>> {
    let quantitative = observation.bands.iter().any(|band| band.measured.is_some());
    if number == 0 || !quantitative {
        return Ok(Vec::new());
    }
    let tables = [format!("population.number={number}"), "uncertainty.numbers=\"assumed and tuned\"".to_owned()];
    let changes = tables.iter().map(|text| Change::parse(text)).collect::<Result<Vec<_>>>()?;
    let mut samples: Vec<Vec<Run>> = vec![Vec::new(); number];
    for run in &observation.runs {
        let (_, points) = run.scenario.with(changes.clone()).samples(&run.plan)?;
        for (sample, point) in samples.iter_mut().zip(points) {
            // A sample that makes no sense is left out with the others of its draw.
            let Ok(mut plan) = point.scenario.plan() else { continue };
            plan.looks.clone_from(&run.plan.looks);
            let name = run.name.clone();
            sample.push(Run { name, plan: Arc::new(plan), scenario: point.scenario, response: run.response });
        }
    }
    samples.retain(|sample| sample.len() == observation.runs.len());
    Ok(samples)
}

/// The dose of a run in words: device, length, holes per area, depth, sessions.
fn dose(run: &Run, answer: &RunAnswer) -> String {
    let (Some(protocol), Some(session)) = (&run.plan.protocol, &answer.session) else { return "not needled".into() };
    let number = |name: &str| session.number(name).unwrap_or(f64::NAN);
    let sessions = match run.plan.sessions.as_slice() {
        [] | [_] => String::new(),
        [first, .., last] => {
            let count = run.plan.sessions.len();
            let gap = (last - first) / (count - 1) as f64 / crate::base::units::DAY;
            format!("{count} × every {} d, ", (gap * 10.0).round() / 10.0)
        }
    };
    format!(
        "{sessions}{} at {} mm: {:.0} holes/cm², {:.2} mm deep",
        protocol.device.name,
        (protocol.length * 1e5).round() / 1e2,
        number("holes_per_area") / 1e4,
        number("mean_depth") * 1e3,
    )
}

/// Each of some texts once.
fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}
