//! `dermasim run` on a scenario with a sweep or an ensemble: all its points, one table, figures that compare.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::ProgressBar;

use super::interrupt::Interrupt;
use super::keep::{self, SWEEP_MARK};
use super::run::{Arguments, expectations};
use super::terminal::{complain, say, short, tell};
use crate::error::{Error, Result};
use crate::output::sweep::{Point as Row, Sweep};
use crate::output::{self, Provenance, table};
use crate::plot;
use crate::report;
use crate::scenario::{Draw, Plan, Point, Scenario};
use crate::simulate;
use crate::study::{self, Board, Ended, Job};

/// Runs the points of a sweep.
///
/// # Errors
/// A point makes no sense (nothing is run then), a run failed, or somebody stopped it.
pub fn sweep(arguments: &Arguments, plan: &Plan, scenario: &Scenario, points: &[Point]) -> Result<()> {
    let gather = |folder: &Path, jobs: &[Job]| gather(folder, plan, points, jobs);
    let study = Study { plan, scenario, points, whole: true, table: "sweep.csv" };
    study.run(arguments, &gather)
}

/// Runs the samples of an ensemble. Only tables are kept of each.
///
/// # Errors
/// As [`sweep`].
pub fn ensemble(
    arguments: &Arguments,
    plan: &Plan,
    scenario: &Scenario,
    draws: &[Draw],
    points: &[Point],
) -> Result<()> {
    let gather = |folder: &Path, jobs: &[Job]| {
        let ensemble = super::ensemble::gather(plan, draws, points, jobs)?;
        super::ensemble::write(folder, plan, &ensemble, arguments.quiet)
    };
    let study = Study { plan, scenario, points, whole: false, table: "distribution.csv" };
    study.run(arguments, &gather)
}

/// Many runs of one scenario.
struct Study<'a> {
    plan: &'a Plan,
    scenario: &'a Scenario,
    points: &'a [Point],
    /// Whether each run keeps fields, figures and a report of its own.
    whole: bool,
    /// The table in which they are together.
    table: &'a str,
}

impl Study<'_> {
    fn run(&self, arguments: &Arguments, gather: &dyn Fn(&Path, &[Job]) -> Result<()>) -> Result<()> {
        let folder = keep::folder(arguments.out.as_deref(), &self.plan.name);
        keep::may_replace(&folder, &self.plan.name, SWEEP_MARK, arguments.force)?;
        let program = program();
        let jobs = self
            .points
            .iter()
            .map(|point| {
                let mut plan = point.scenario.plan()?;
                if !self.whole {
                    plan.snapshots.clear();
                }
                Ok(Job::new(point.name.clone(), folder.join("runs").join(&point.name), Arc::new(plan), &program))
            })
            .collect::<Result<Vec<Job>>>()?;
        begin(&folder, self.plan, self.scenario, &jobs)?;

        let interrupt = Interrupt::listen();
        let board = Watcher::new(&jobs, arguments.quiet, interrupt.clone());
        let ended = study::run_all(&jobs, super::threads(arguments.threads)?, &board, &|job| {
            let outcome = simulate::run(&job.plan, &mut |_| !interrupt.asked())?;
            if self.whole { keep::keep(&outcome, &job.folder, Some(job)) } else { keep::keep_tables(&outcome, job) }
        })?;
        board.finish();
        let failed = ended.iter().filter(|how| matches!(how, Ended::Failed(_))).count();
        for (job, how) in jobs.iter().zip(&ended) {
            if let Ended::Failed(error) = how {
                tell(format!("{}:", job.name));
                complain(error);
            }
        }
        if interrupt.asked() {
            // Samples are exchangeable: those that are done say something already.
            if !self.whole && jobs.iter().filter(|job| job.is_done()).count() > 1 {
                gather(&folder, &jobs)?;
            }
            let shown = short(&folder);
            tell(format!("stopped; run it again and it goes on with the points not yet in {shown}"));
            return Err(Error::Interrupted);
        }
        gather(&folder, &jobs)?;
        if !arguments.quiet {
            say(format!(
                "{} points in {}, together in {}",
                jobs.len() - failed,
                short(&folder),
                short(&folder.join(self.table))
            ));
        }
        let verdicts = jobs
            .iter()
            .filter(|job| job.is_done())
            .map(|job| Ok((job.name.clone(), keep::judge(&job.plan, &job.folder)?)))
            .collect::<Result<Vec<_>>>()?;
        let met = expectations(&verdicts, arguments.quiet);
        if failed > 0 {
            return Err(Error::simulation(format!("{failed} of {} points failed", jobs.len())));
        }
        met
    }
}

/// Makes the folder of a sweep ready: its mark, its scenario, and no runs of points it no longer has.
fn begin(folder: &Path, plan: &Plan, scenario: &Scenario, jobs: &[Job]) -> Result<()> {
    let mark = serde_json::json!({ "run": { "name": plan.name }, "points": jobs.iter().map(|job| &job.name).collect::<Vec<_>>() });
    output::file::write(&folder.join(SWEEP_MARK), format!("{mark:#}\n"))?;
    output::file::write(&folder.join("scenario.toml"), &scenario.source.text)?;
    for entry in std::fs::read_dir(folder.join("runs")).into_iter().flatten().flatten() {
        let own = jobs.iter().any(|job| job.folder.file_name() == Some(&entry.file_name()));
        // Only what a sweep wrote is taken away.
        if !own && entry.path().join("done.json").is_file() {
            std::fs::remove_dir_all(entry.path()).map_err(|cause| Error::file(entry.path(), "remove", cause))?;
        }
    }
    Ok(())
}

/// One table and one set of figures from all finished points.
fn gather(folder: &Path, plan: &Plan, points: &[Point], jobs: &[Job]) -> Result<()> {
    let mut sweep = Sweep { name: plan.name.clone(), question: plan.question.clone(), ..Sweep::default() };
    sweep.axes =
        points.first().map(|point| point.values.iter().map(|(key, _)| key.clone()).collect()).unwrap_or_default();
    for (point, job) in points.iter().zip(jobs).filter(|(_, job)| job.is_done()) {
        let mut summary = keep::summary(&job.folder)?;
        let damaged = |cause: serde_json::Error| Error::file(job.folder.join("summary.json"), "read", cause.into());
        sweep.points.push(Row {
            values: point.values.iter().map(|(_, value)| value.clone()).collect(),
            answers: serde_json::from_value(summary["observables"].take()).map_err(damaged)?,
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

/// What tells this program from others that may compute differently: its version and its own bytes.
fn program() -> String {
    let own = std::env::current_exe().and_then(std::fs::read).map(|bytes| blake3::hash(&bytes).to_hex().to_string());
    format!("{} {}", env!("CARGO_PKG_VERSION"), own.unwrap_or_default())
}

/// Shows which points are done.
struct Watcher {
    bar: Option<ProgressBar>,
    quiet: bool,
    interrupt: Interrupt,
    count: Mutex<(usize, usize)>,
}

impl Watcher {
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

impl Board for Watcher {
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
