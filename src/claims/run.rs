//! Runs behind claims: each computed once, however many claims read it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::claims::Claim;
use crate::error::{Error, Result};
use crate::evidence::reading::Answer;
use crate::evidence::{Board, Run};
use crate::needling::{self, Needling};
use crate::scenario::{Plan, Scenario};
use crate::simulate::{self, Outcome};
use crate::study;

/// What came out of the runs of a claim: first as written, then the samples.
#[derive(Debug, Clone)]
pub struct Findings {
    /// The samples, the first as written.
    pub samples: Vec<Sampled>,
}

/// What came out of one sample.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// Its name: "as written", or "sample-3".
    pub name: String,
    /// What was drawn: run, key and value; what several runs share is told once, under the first.
    pub drawn: Vec<[String; 3]>,
    /// Answers of the runs, in their order, or why one failed.
    pub answers: std::result::Result<Vec<Answer>, String>,
}

/// A run as written, to be kept.
#[derive(Debug, Clone, Copy)]
pub enum Followed<'a> {
    /// It was followed in time.
    Response(&'a Outcome),
    /// Only its needles are read.
    Needles(&'a Arc<Plan>, &'a Needling),
}

/// What is done with each run as written.
pub type Keep<'a> = dyn Fn(&Claim, &Run, Followed<'_>) -> Result<()> + Sync + 'a;

/// One run, for all who read it.
struct Job {
    scenario: Scenario,
    looks: Vec<f64>,
    response: bool,
    /// Claims and their runs of which this is the run as written.
    written: Vec<(usize, usize)>,
}

/// The place of the job of each run of one sample.
struct Place {
    name: String,
    drawn: Vec<[String; 3]>,
    jobs: Vec<usize>,
}

#[derive(Default)]
struct Jobs {
    all: Vec<Job>,
    known: BTreeMap<(String, bool), usize>,
}

impl Jobs {
    /// The job of a scenario that is read as `run` is.
    fn add(&mut self, scenario: &Scenario, run: &Run) -> Result<usize> {
        let next = self.all.len();
        let number = *self.known.entry((scenario.key()?, run.response)).or_insert(next);
        if number == next {
            let (scenario, response) = (scenario.clone(), run.response);
            self.all.push(Job { scenario, looks: Vec::new(), response, written: Vec::new() });
        }
        self.all[number].looks.extend(&run.plan.looks);
        Ok(number)
    }
}

/// Runs whatever the claims read, `threads` threads in all, and hands every run as written to `keep`.
///
/// # Errors
/// A scenario makes no sense, something could not be kept, or it was stopped. A run that fails is an answer.
pub fn run_all(claims: &[Claim], threads: usize, board: &dyn Board, keep: &Keep<'_>) -> Result<Vec<Findings>> {
    let mut jobs = Jobs::default();
    let places =
        claims.iter().enumerate().map(|(number, claim)| places(number, claim, &mut jobs)).collect::<Result<Vec<_>>>()?;
    let done = AtomicUsize::new(0);
    let count = jobs.all.len();
    let answers = study::each(count, threads, count, &|number, pool| {
        if board.stop() {
            return Err(Error::Interrupted);
        }
        let job = &jobs.all[number];
        let kept = |followed: Followed<'_>| {
            job.written.iter().try_for_each(|(claim, run)| {
                let claim = &claims[*claim];
                keep(claim, &claim.runs[*run], followed)
            })
        };
        let answer = pool.install(|| answer(job, &|| !board.stop(), &kept));
        board.ended("", 1 + done.fetch_add(1, Ordering::Relaxed), count);
        match answer {
            Err(Error::Simulation(message)) => Ok(Err(message)),
            other => other.map(Ok),
        }
    })?;
    let answers = answers.into_iter().collect::<Result<Vec<_>>>()?;
    let findings = claims.iter().zip(places).map(|(claim, places)| {
        let samples = places.into_iter().map(|place| {
            let runs = claim.runs.iter().zip(&place.jobs);
            let answers = runs.map(|(run, job)| Ok(answers[*job].as_ref().map_err(String::clone)?.seen_by(&run.plan)));
            Sampled { answers: answers.collect(), name: place.name, drawn: place.drawn }
        });
        Findings { samples: samples.collect() }
    });
    Ok(findings.collect())
}

/// The jobs of a claim: as written, then every sample.
fn places(number: usize, claim: &Claim, jobs: &mut Jobs) -> Result<Vec<Place>> {
    let mut places = vec![Place { name: "as written".into(), drawn: Vec::new(), jobs: Vec::new() }];
    for (index, run) in claim.runs.iter().enumerate() {
        let job = jobs.add(&run.scenario, run)?;
        jobs.all[job].written.push((number, index));
        places[0].jobs.push(job);
        let (_, points) = run.scenario.samples(&run.plan)?;
        for (sample, point) in points.iter().enumerate() {
            if index == 0 {
                places.push(Place { name: point.name.clone(), drawn: Vec::new(), jobs: Vec::new() });
            }
            let Some(place) = places.get_mut(sample + 1) else {
                let message = format!("the runs of {} have different numbers of samples", claim.id);
                return Err(Error::input(message));
            };
            place.jobs.push(jobs.add(&point.scenario, run)?);
            for (key, value) in &point.values {
                let known = place.drawn.iter().any(|[_, own, text]| own == key && text == value);
                if !known {
                    place.drawn.push([run.name.clone(), key.clone(), value.clone()]);
                }
            }
        }
    }
    if places.len() == 1 {
        return Err(Error::input(format!("the claim {} has no samples, so nothing says how sure it is", claim.id))
            .help("add [population] or [uncertainty], see the other files"));
    }
    if let Some(short) = places.iter().find(|place| place.jobs.len() != claim.runs.len()) {
        return Err(Error::input(format!("`{}` of {} lacks a run", short.name, claim.id)));
    }
    Ok(places)
}

/// Runs one run, the response only if it is read.
fn answer(job: &Job, goes_on: &dyn Fn() -> bool, keep: &dyn Fn(Followed<'_>) -> Result<()>) -> Result<Answer> {
    let mut plan = job.scenario.plan()?;
    plan.looks = job.looks.clone();
    plan.looks.sort_by(f64::total_cmp);
    plan.looks.dedup();
    plan.snapshots.clear();
    let plan = Arc::new(plan);
    if job.response {
        let outcome = simulate::run(&plan, &mut |_| goes_on())?;
        keep(Followed::Response(&outcome))?;
        return Answer::of(outcome);
    }
    let needling = needling::injure(&plan, 0, 1)?;
    keep(Followed::Needles(&plan, &needling))?;
    Answer::of_needles(&plan, needling)
}
