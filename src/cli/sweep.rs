//! `dermasim run` on a scenario with a sweep or an ensemble: all its points, one table, figures that compare.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde_json::json;

use super::interrupt::Interrupt;
use super::keep::{self, SWEEP_MARK};
use super::terminal::{complain, say, short, tell};
use super::told::{RunArguments, expectations, unsound};
use crate::base::error::{Error, Result};
use crate::base::folder::{self, Draft, Identity};
use crate::base::units::Unit;
use crate::present::output::sweep::{Failed, Sweep, SweepPoint, write_failed};
use crate::present::output::{self, Provenance, table};
use crate::present::plot;
use crate::present::report;
use crate::run;
use crate::run::answer::Answers;
use crate::scenario::{Draw, Plan, Scenario, SweepRun};
use crate::study::{self, Ended, Job, JobBoard};

/// Runs the points of a sweep.
///
/// # Errors
/// A point makes no sense (nothing is run then), a run failed, or somebody stopped it.
pub fn sweep(arguments: &RunArguments, plan: &Plan, scenario: &Scenario, points: &[SweepRun]) -> Result<()> {
    let gather = |folder: &Path, jobs: &[Job], failed: &[Failed]| {
        write_failed(&folder.join("failed.csv"), failed)?;
        gather(folder, plan, points, jobs)
    };
    let study = Study { plan, scenario, points, whole: true, table: "sweep.csv" };
    study.run(arguments, &gather)
}

/// Runs the samples of an ensemble. Only tables are kept of each.
///
/// # Errors
/// As [`sweep`].
pub fn ensemble(
    arguments: &RunArguments,
    plan: &Plan,
    scenario: &Scenario,
    draws: &[Draw],
    points: &[SweepRun],
) -> Result<()> {
    let gather = |folder: &Path, jobs: &[Job], failed: &[Failed]| {
        let ensemble = super::ensemble::gather(plan, draws, points, jobs, failed)?;
        super::ensemble::write(folder, plan, &ensemble, arguments.quiet)
    };
    let study = Study { plan, scenario, points, whole: false, table: "distribution.csv" };
    study.run(arguments, &gather)
}

/// Makes one answer of all runs, given its folder, the runs, and which of them failed.
type Gather<'a> = dyn Fn(&Path, &[Job], &[Failed]) -> Result<()> + 'a;

/// Many runs of one scenario.
struct Study<'a> {
    plan: &'a Plan,
    scenario: &'a Scenario,
    points: &'a [SweepRun],
    /// Whether each run keeps fields, figures and a report of its own.
    whole: bool,
    /// The table in which they are together.
    table: &'a str,
}

impl Study<'_> {
    fn run(&self, arguments: &RunArguments, gather: &Gather<'_>) -> Result<()> {
        let folder = keep::folder(arguments.out.as_deref(), &self.plan.name);
        let draft = Draft::begin(&folder, self.identity(), arguments.force, true)?;
        let program: Arc<str> = study::program().into();
        let root = draft.folder()?;
        self.try_first()?;
        let job = |point: &SweepRun| {
            let folder = root.join("runs").join(&point.name);
            Job::new(point.name.clone(), folder, point.scenario.clone(), self.whole, &program)
        };
        let jobs: Vec<Job> = self.points.iter().map(job).collect();
        begin(&draft, self.plan, self.scenario, &jobs)?;

        let interrupt = Interrupt::listen();
        let board = SweepWatcher::new(&jobs, arguments.quiet, interrupt.clone());
        let ended = study::run_all(&jobs, super::threads(arguments.threads)?, &board, &|job| {
            let plan = job.plan()?;
            let outcome = run::run(&plan, &mut |_| !interrupt.asked())?;
            folder::write_part(&job.folder, &keep::identity("run", &plan), |fresh| {
                let about = if self.whole { keep::keep(&outcome, fresh)? } else { keep::tables(&outcome, fresh)? };
                job.mark(fresh)?;
                Ok(about)
            })
        })?;
        board.finish();
        let failed: Vec<Failed> = jobs
            .iter()
            .zip(self.points)
            .zip(&ended)
            .filter_map(|((job, point), how)| {
                let Ended::Failed(error) = how else { return None };
                tell(format!("{}:", job.name));
                complain(error);
                let values = point.values.iter().map(|(_, value)| value.clone()).collect();
                Some(Failed { name: job.name.clone(), values, message: error.message().into_owned() })
            })
            .collect();
        let names: Vec<&str> = failed.iter().map(|own| own.name.as_str()).collect();
        let done = jobs.iter().filter(|job| job.is_done()).count();
        let about = |complete: bool| {
            let about = json!({
                "run": { "name": self.plan.name, "question": self.plan.question },
                "points": jobs.len(),
                "complete": complete,
                "failed": names,
            });
            about.as_object().cloned().unwrap_or_default()
        };
        if interrupt.asked() {
            let shown = short(draft.target());
            // What stands there already is whole, and stays until this is.
            if draft.old().is_none() && done > 0 {
                // Samples are exchangeable: those that are done say something already.
                if !self.whole && done > 1 {
                    gather(&root, &jobs, &failed)?;
                }
                keep::finish(draft, about(false))?;
            }
            tell(format!("stopped with {done} of {} points done; run it again and it goes on to {shown}", jobs.len()));
            return Err(Error::Interrupted);
        }
        gather(&root, &jobs, &failed)?;
        let verdicts = jobs
            .iter()
            .filter(|job| job.is_done())
            .map(|job| Ok((job.name.clone(), keep::judge(self.plan, &job.folder)?)))
            .collect::<Result<Vec<_>>>();
        let mut faults = Vec::new();
        for job in jobs.iter().filter(|job| job.is_done()) {
            faults.extend(keep::faults(&job.folder)?.into_iter().map(|fault| format!("{}: {fault}", job.name)));
        }
        let target = draft.target().to_path_buf();
        keep::finish(draft, about(failed.is_empty()))?;
        if !arguments.quiet {
            let (all, table) = (short(&target), short(&target.join(self.table)));
            say(format!("{} {} in {all}, together in {table}", jobs.len() - failed.len(), self.word()));
        }
        let met = expectations(&verdicts?, arguments.quiet);
        if !failed.is_empty() {
            let (count, all, table) = (failed.len(), jobs.len(), short(&target.join("failed.csv")));
            let mut shown = names[..count.min(NAMED)].join(", ");
            if count > NAMED {
                shown += &format!(" and {} more", count - NAMED);
            }
            let message = format!("{count} of {all} {} failed: {shown}; why stands in {table}", self.word());
            return Err(Error::simulation(message));
        }
        unsound(&faults)?;
        met
    }

    /// What its runs are called.
    fn word(&self) -> &'static str {
        if self.whole { "points" } else { "samples" }
    }

    /// Looks at some points before the first is run. Points were written by the user, so one that makes no sense is refused.
    /// Samples were drawn: one that cannot be run fails alone, unless none can.
    fn try_first(&self) -> Result<()> {
        let mut refused = None;
        for point in first_points(self.points) {
            match point.scenario.plan() {
                Ok(_) if !self.whole => return Ok(()),
                Ok(_) => {}
                Err(error) if self.whole => return Err(error),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// The scenario and all its points.
    fn identity(&self) -> Identity {
        let base = keep::settings(self.plan);
        let values = self.points.iter().flat_map(|point| &point.values);
        let texts = values.flat_map(|(key, value)| [key.as_str(), value.as_str()]);
        let kind = if self.whole { "sweep" } else { "ensemble" };
        Identity::of(kind, &self.plan.name, std::iter::once(base.as_str()).chain(texts))
    }
}

/// Failed runs that are named in the last line; all are in the table.
const NAMED: usize = 10;
/// The most points that are all looked at before the first is run.
const FEW: usize = 100;

/// Points that are looked at before the first is run, so that what is wrong in most of them is told at once: all of a few, and the
/// first and the last of many.
fn first_points(points: &[SweepRun]) -> impl Iterator<Item = &SweepRun> {
    let early = if points.len() <= FEW { points.len() } else { FEW / 2 };
    points[..early].iter().chain(&points[points.len().saturating_sub(FEW / 2).max(early)..])
}

/// Makes the draft of a sweep ready: its points, its scenario, and what was computed before.
fn begin(draft: &Draft, plan: &Plan, scenario: &Scenario, jobs: &[Job]) -> Result<()> {
    let root = draft.folder()?;
    jobs.par_iter().try_for_each(|job| {
        let part = format!("runs/{}", job.name);
        let before = draft.old().is_some_and(|old| job.is_done_in(&old.root().join(&part)));
        if before || job.is_done() {
            draft.take_over(&part)?;
        }
        Ok::<_, Error>(())
    })?;
    let mark = json!({ "run": { "name": plan.name }, "points": jobs.iter().map(|job| &job.name).collect::<Vec<_>>() });
    output::file::write(&root.join(SWEEP_MARK), format!("{mark:#}\n"))?;
    output::file::write(&root.join("scenario.toml"), &scenario.source.text)
}

/// One table and one set of figures from all finished points.
fn gather(folder: &Path, plan: &Plan, points: &[SweepRun], jobs: &[Job]) -> Result<()> {
    let mut sweep = Sweep { name: plan.name.clone(), question: plan.question.clone(), ..Sweep::default() };
    sweep.axes =
        points.first().map(|point| point.values.iter().map(|(key, _)| key.clone()).collect()).unwrap_or_default();
    let mut units = IndexMap::new();
    for (point, job) in points.iter().zip(jobs).filter(|(_, job)| job.is_done()) {
        let mut summary = keep::summary(&job.folder)?;
        let damaged = |cause: serde_json::Error| Error::file(job.folder.join("summary.json"), "read", cause.into());
        let mut answers: Answers = serde_json::from_value(summary["observables"].take()).map_err(damaged)?;
        same_units(&mut answers, &mut units, &job.name)?;
        sweep.points.push(SweepPoint {
            values: point.values.iter().map(|(_, value)| value.clone()).collect(),
            answers,
            needling: serde_json::from_value(summary["needling"]["sessions"].take()).map_err(damaged)?,
        });
        if sweep.headings.is_empty() {
            let headings = table::read_headings(&job.folder.join("observables.csv"))?;
            sweep.headings = headings.into_iter().map(|heading| (heading.name, heading.group, heading.what)).collect();
        }
    }
    sweep.write(&folder.join("sweep.csv"))?;
    sweep.write_needling(&folder.join("sweep_needling.csv"))?;
    let figures = folder.join("figures");
    let drawn = plot::draw_sweep(&sweep, &figures)?;
    report::write_sweep(&folder.join("report.html"), &sweep, &Provenance::of(plan), &drawn, &figures)
}

/// Tells answers in the units in which observables of their names were told first.
///
/// # Errors
/// One measures something else.
fn same_units(answers: &mut Answers, units: &mut IndexMap<String, Unit>, run: &str) -> Result<()> {
    for (name, answer) in answers {
        let own: Unit = answer.unit.parse()?;
        let first = units.entry(name.clone()).or_insert_with(|| own.clone());
        if first.dimension != own.dimension {
            let message =
                format!("`{name}` is in {first} in some points and in {own} in {run}: they are not one table");
            return Err(Error::simulation(message));
        }
        if own.factor != first.factor {
            answer.change_unit(first, own.factor / first.factor);
        }
    }
    Ok(())
}

/// Shows which points are done.
struct SweepWatcher {
    bar: Option<ProgressBar>,
    quiet: bool,
    interrupt: Interrupt,
    count: Mutex<(usize, usize)>,
}

impl SweepWatcher {
    fn new(jobs: &[Job], quiet: bool, interrupt: Interrupt) -> Self {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let bar = (!quiet && terminal)
            .then(|| super::progress::bar("{bar:24} {pos} of {len} points, {eta} left {msg}", jobs.len() as u64));
        Self { bar, quiet, interrupt, count: Mutex::new((0, jobs.len())) }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl JobBoard for SweepWatcher {
    fn begins(&self, job: &Job) {
        if let Some(bar) = &self.bar {
            bar.set_message(job.name.clone());
        }
    }

    fn ended(&self, job: &Job, how: &Ended) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.0 += 1;
        let word = match how {
            Ended::Before => "was there",
            Ended::Now => "done",
            Ended::Failed(_) => "failed",
            Ended::Left => return,
        };
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if !self.quiet => tell(format!("{} of {}: {} {word}", count.0, count.1, job.name)),
            None => {}
        }
    }

    fn stop(&self) -> bool {
        self.interrupt.asked()
    }
}
