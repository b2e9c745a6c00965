//! Runs behind claims: each computed once, however many claims read it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::error::{Error, Result};
use crate::run::{self, Outcome};
use crate::scenario::{Plan, Scenario};
use crate::skin::needling::Needling;
use crate::study;
use crate::study::claims::Claim;
use crate::study::evidence::reading::RunAnswer;
use crate::study::evidence::{self, Run, Runner};
use crate::study::store::Store;

/// What came out of the runs of a claim: first as written, then the samples.
#[derive(Debug, Clone)]
pub struct ClaimFindings {
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
    /// The observation that it misses although the claim takes it as given; it is not run then, and does not count.
    pub aside: Option<String>,
    /// Answers of the runs, in their order, or why one failed.
    pub answers: std::result::Result<Vec<RunAnswer>, String>,
}

/// A run as written, to be kept.
#[derive(Debug, Clone, Copy)]
pub enum FollowedRun<'a> {
    /// It was followed in time.
    Response(&'a Outcome),
    /// Only its needles are read.
    Needles(&'a Arc<Plan>, &'a Needling),
}

/// Who keeps each run as written.
pub trait Keep: Sync {
    /// Whether it is kept already.
    fn has(&self, claim: &Claim, run: &Run) -> bool;
    /// Keeps it.
    ///
    /// # Errors
    /// It cannot be kept.
    fn keep(&self, claim: &Claim, run: &Run, followed: FollowedRun<'_>) -> Result<()>;
}

/// One run, for all who read it.
struct ClaimJob {
    scenario: Scenario,
    looks: Vec<f64>,
    response: bool,
    /// Claims and their runs of which this is the run as written.
    written: Vec<(usize, usize)>,
}

/// The place of the job of each run of one sample.
struct SampleJobs {
    name: String,
    drawn: Vec<[String; 3]>,
    jobs: Vec<usize>,
}

#[derive(Default)]
struct Jobs {
    all: Vec<ClaimJob>,
    known: BTreeMap<(String, bool), usize>,
}

impl Jobs {
    /// The job of a scenario that is read as `run` is.
    fn add(&mut self, scenario: &Scenario, run: &Run) -> Result<usize> {
        let next = self.all.len();
        let number = *self.known.entry((scenario.key()?, run.response)).or_insert(next);
        if number == next {
            let (scenario, response) = (scenario.clone(), run.response);
            self.all.push(ClaimJob { scenario, looks: Vec::new(), response, written: Vec::new() });
        }
        self.all[number].looks.extend(&run.plan.looks);
        Ok(number)
    }
}

/// Runs whatever the claims read, `threads` threads in all, and hands every run as written to `keep`. What samples must meet
/// is looked at first, so that those that miss it cost no more.
///
/// # Errors
/// A scenario makes no sense, something could not be kept, or it was stopped. A run that fails is an answer.
pub fn run_all(claims: &[Claim], runner: Runner<'_>, keep: &dyn Keep) -> Result<Vec<ClaimFindings>> {
    let mut asides = asides(claims, runner)?;
    let mut jobs = Jobs::default();
    let mut places = Vec::new();
    for (number, claim) in claims.iter().enumerate() {
        let own = samples(&claim.id, &claim.runs, &asides[number], &mut jobs)?;
        for (index, job) in own[0].jobs.iter().enumerate() {
            jobs.all[*job].written.push((number, index));
        }
        places.push(own);
    }
    let own = |(claim, run): &(usize, usize)| (&claims[*claim], &claims[*claim].runs[*run]);
    let has = |job: &ClaimJob| job.written.iter().map(own).all(|(claim, run)| keep.has(claim, run));
    let kept = |job: &ClaimJob, followed: FollowedRun<'_>| {
        job.written.iter().map(own).try_for_each(|(claim, run)| keep.keep(claim, run, followed))
    };
    let answers = jobs.run(runner, &has, &kept)?;
    let findings = claims.iter().zip(places).zip(&mut asides).map(|((claim, places), asides)| {
        let samples = places.into_iter().enumerate().map(|(index, place)| {
            let aside = asides.get_mut(index).and_then(Option::take);
            let answers = of_runs(&claim.runs, &place.jobs, &answers);
            Sampled { aside, answers, name: place.name, drawn: place.drawn }
        });
        ClaimFindings { samples: samples.collect() }
    });
    Ok(findings.collect())
}

/// For each sample of each claim, the observation that it misses although it is taken as given. The run as written comes
/// first, and is never set aside.
fn asides(claims: &[Claim], runner: Runner<'_>) -> Result<Vec<Vec<Option<String>>>> {
    let mut jobs = Jobs::default();
    let mut places = Vec::new();
    for claim in claims {
        let own = claim.given.iter().map(|given| samples(&given.id, &given.runs, &[], &mut jobs));
        places.push(own.collect::<Result<Vec<_>>>()?);
    }
    let answers = jobs.run(runner, &|_| true, &|_, _| Ok(()))?;
    claims
        .iter()
        .zip(&places)
        .map(|(claim, places)| {
            let count = places.iter().map(Vec::len).max().unwrap_or(0);
            let missed = |sample: usize| -> Result<Option<String>> {
                for (given, places) in claim.given.iter().zip(places) {
                    let met = match of_runs(&given.runs, &places[sample].jobs, &answers) {
                        Ok(answers) => evidence::judge(given, &evidence::ObservationFindings { answers })?.met,
                        Err(_) => false,
                    };
                    if !met && sample > 0 {
                        return Ok(Some(given.id.clone()));
                    }
                }
                Ok(None)
            };
            (0..count).map(missed).collect()
        })
        .collect()
}

/// The answers of some runs, each as its own file sees it, or why one failed.
fn of_runs(
    runs: &[Run],
    jobs: &[usize],
    answers: &[std::result::Result<RunAnswer, String>],
) -> std::result::Result<Vec<RunAnswer>, String> {
    runs.iter()
        .zip(jobs)
        .map(|(run, job)| Ok(answers[*job].as_ref().map_err(String::clone)?.seen_by(&run.plan)))
        .collect()
}

/// The jobs of some runs: as written, then every sample that is not set aside.
fn samples(id: &str, runs: &[Run], asides: &[Option<String>], jobs: &mut Jobs) -> Result<Vec<SampleJobs>> {
    let mut places = vec![SampleJobs { name: "as written".into(), drawn: Vec::new(), jobs: Vec::new() }];
    for (index, run) in runs.iter().enumerate() {
        let job = jobs.add(&run.scenario, run)?;
        places[0].jobs.push(job);
        let (_, points) = run.scenario.samples(&run.plan)?;
        for (sample, point) in points.iter().enumerate() {
            if index == 0 {
                places.push(SampleJobs { name: point.name.clone(), drawn: Vec::new(), jobs: Vec::new() });
            }
            let Some(place) = places.get_mut(sample + 1) else {
                return Err(Error::input(format!("the runs of {id} have different numbers of samples")));
            };
            for (key, value) in &point.values {
                let known = place.drawn.iter().any(|[_, own, text]| own == key && text == value);
                if !known {
                    place.drawn.push([run.name.clone(), key.clone(), value.clone()]);
                }
            }
            if asides.get(sample + 1).is_none_or(Option::is_none) {
                place.jobs.push(jobs.add(&point.scenario, run)?);
            }
        }
    }
    if places.len() == 1 {
        return Err(Error::input(format!("{id} has no samples, so nothing says how sure it is"))
            .help("add [population] or [uncertainty], see the other files"));
    }
    Ok(places)
}

impl Jobs {
    /// Runs them, and hands each that ended to `keep`. A run that is stored is not run again if `has` says that it was kept.
    fn run(
        &self,
        Runner { threads, board, store }: Runner<'_>,
        has: &(dyn Fn(&ClaimJob) -> bool + Sync),
        keep: &(dyn Fn(&ClaimJob, FollowedRun<'_>) -> Result<()> + Sync),
    ) -> Result<Vec<std::result::Result<RunAnswer, String>>> {
        let done = AtomicUsize::new(0);
        let count = self.all.len();
        let answers = study::each(count, threads, count, &|number, pool| {
            if board.stop() {
                return Err(Error::Interrupted);
            }
            let job = &self.all[number];
            let keep = |followed: FollowedRun<'_>| keep(job, followed);
            let answer = pool.install(|| answer(job, store, has(job), &|| !board.stop(), &keep));
            board.ended("", 1 + done.fetch_add(1, Ordering::Relaxed), count);
            match answer {
                // Numbers may be drawn that make no sense together, as more holes than fit on the skin.
                Err(error @ (Error::Simulation(_) | Error::Input(_))) => Ok(Err(error.message().into_owned())),
                other => other.map(Ok),
            }
        })?;
        answers.into_iter().collect()
    }
}

/// Runs one run, the response only if it is read.
fn answer(
    job: &ClaimJob,
    store: &Store,
    may_reuse: bool,
    goes_on: &dyn Fn() -> bool,
    keep: &dyn Fn(FollowedRun<'_>) -> Result<()>,
) -> Result<RunAnswer> {
    let mut plan = job.scenario.plan()?;
    plan.looks = job.looks.clone();
    plan.looks.sort_by(f64::total_cmp);
    plan.looks.dedup();
    plan.snapshots.clear();
    let plan = Arc::new(plan);
    store.answer(&plan, job.response, may_reuse, || {
        if job.response {
            let outcome = run::run(&plan, &mut |_| goes_on())?;
            keep(FollowedRun::Response(&outcome))?;
            return RunAnswer::of(outcome);
        }
        let needling = plan.needle(0, 1)?;
        keep(FollowedRun::Needles(&plan, &needling))?;
        RunAnswer::of_needles(&plan, needling)
    })
}
