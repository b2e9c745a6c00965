//! What was measured, as it is written, read and compared.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::run;
use crate::scenario::Plan;
use crate::study::bench::machine::{Machine, MachineLimits};
use crate::study::bench::timing::Timing;

/// Everything one run of the benchmark found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The program's version.
    pub version: String,
    /// Where.
    pub machine: Machine,
    /// What the machine reaches, by threads.
    pub limits: Vec<MachineLimits>,
    /// What the kernels reach, by name and threads.
    pub kernels: Vec<Kernel>,
    /// What the language costs.
    pub language: Vec<Language>,
    /// The parts of the coupled step.
    pub phases: Vec<Phase>,
    /// Scenarios that were timed.
    pub courses: Vec<ScenarioTiming>,
    /// What was aimed at.
    #[serde(default)]
    pub targets: Vec<Target>,
}

/// One aim and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The work.
    pub work: String,
    /// Threads.
    pub threads: usize,
    /// The unit of both numbers.
    pub unit: String,
    /// What is aimed at.
    pub wanted: f64,
    /// What was measured.
    pub reached: f64,
    /// Whether more is better.
    pub more: bool,
}

impl Target {
    /// Whether the aim is met.
    pub fn met(&self) -> bool {
        if self.more { self.reached >= self.wanted } else { self.reached <= self.wanted }
    }
}

/// One kernel on some threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kernel {
    /// Which.
    pub name: String,
    /// Cells.
    pub cells: usize,
    /// Fields in each.
    pub fields: usize,
    /// Threads.
    pub threads: usize,
    /// What one update is.
    pub update: String,
    /// Median of updates \[1/s\].
    pub updates_per_second: f64,
    /// Median absolute deviation over the median.
    pub spread: f64,
    /// How many measurements.
    pub samples: usize,
    /// Processors that were really had, on average, where the system tells; the figures of a busy machine are too low.
    pub processors: Option<f64>,
    /// Least bytes that an update moves.
    pub bytes_per_update: f64,
    /// Additions, multiplications and divisions of an update; zero where they were not counted.
    pub operations_per_update: f64,
    /// Those bytes over what the memory moves in place on as many threads; above 1 where caches hold the data.
    pub bandwidth_fraction: f64,
}

impl Kernel {
    /// A kernel of so many cells and fields that does so many updates in the time measured.
    pub fn new(
        work: &KernelWork,
        (cells, fields): (usize, usize),
        updates: usize,
        limits: &MachineLimits,
        timing: &Timing,
    ) -> Self {
        let rate = updates as f64 / timing.seconds;
        Self {
            name: work.name.into(),
            cells,
            fields,
            threads: limits.threads,
            update: work.update.into(),
            updates_per_second: rate,
            spread: timing.spread / timing.seconds,
            samples: timing.samples,
            processors: timing.processors,
            bytes_per_update: work.bytes,
            operations_per_update: work.operations,
            bandwidth_fraction: rate * work.bytes / limits.in_place,
        }
    }

    fn key(&self) -> (&str, usize, usize, usize) {
        (&self.name, self.cells, self.fields, self.threads)
    }
}

/// What an update of a kernel is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KernelWork {
    /// The kernel.
    pub name: &'static str,
    /// In words.
    pub update: &'static str,
    /// Least bytes it moves.
    pub bytes: f64,
    /// Additions, multiplications and divisions; zero if not counted.
    pub operations: f64,
}

/// The kinetics of the largest layer by the language against the same written by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Language {
    /// Threads.
    pub threads: usize,
    /// A cell by the language \[ns\].
    pub by_language: f64,
    /// A cell by hand \[ns\]; `None` where the model has changed since it was written.
    pub by_hand: Option<f64>,
    /// The least that divisions and memory allow the kinetics by hand \[ns\].
    pub least: f64,
    /// Largest relative difference of the two, or why they cannot be compared.
    pub agreement: String,
}

/// One part of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Which.
    pub name: String,
    /// Threads.
    pub threads: usize,
    /// How often a step does it.
    pub calls: usize,
    /// Wall time of all calls by cell and field \[ns\].
    pub nanoseconds: f64,
    /// Share of the step.
    pub share: f64,
}

/// How long a scenario takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioTiming {
    /// Which.
    pub name: String,
    /// Threads.
    pub threads: usize,
    /// Wall time without what is written \[s\].
    pub seconds: f64,
    /// Median absolute deviation over the median; zero for a single measurement.
    pub spread: f64,
    /// How many measurements.
    pub samples: usize,
    /// Accepted and rejected steps of one run.
    pub steps: u64,
    /// Cells times fields times steps, over the time \[1/s\].
    pub updates_per_second: f64,
}

/// A scenario that takes longer is measured once.
const LONG: f64 = 20.0;

impl ScenarioTiming {
    /// Times a plan on the threads it is called on.
    ///
    /// # Errors
    /// The simulation failed.
    pub fn of(plan: &Arc<Plan>, threads: usize) -> Result<Self> {
        let mut times = Vec::new();
        let mut cost = run::RunCost::default();
        while times.is_empty() || (times.len() < 3 && times[0] < LONG) {
            let begun = Instant::now();
            cost = run::run(plan, &mut |_| true)?.cost;
            times.push(begun.elapsed().as_secs_f64());
        }
        let timing = Timing::from(times);
        let steps = cost.steps + cost.rejected;
        Ok(Self {
            name: plan.name.clone(),
            threads,
            seconds: timing.seconds,
            spread: timing.spread / timing.seconds,
            samples: timing.samples,
            steps,
            updates_per_second: (cost.cells * cost.fields) as f64 * steps as f64 / timing.seconds,
        })
    }
}

/// How one kernel or scenario changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Which.
    pub name: String,
    /// Threads.
    pub threads: usize,
    /// New over old speed; `None` if the old report has no such measurement.
    pub faster: Option<f64>,
    /// Whether it is more than three times the spread of both together.
    pub certain: bool,
}

impl Report {
    /// A report without measurements.
    pub fn new(machine: Machine) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self {
            version,
            machine,
            limits: Vec::new(),
            kernels: Vec::new(),
            language: Vec::new(),
            phases: Vec::new(),
            courses: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Reads a report that was written as JSON.
    ///
    /// # Errors
    /// There is no such file, or it holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| Error::file(path, "read", cause))?;
        serde_json::from_str(&text).map_err(|cause| {
            Error::input(format!("{} is not a report of `dermasim bench --json`: {cause}", path.display()))
        })
    }

    /// The report as JSON.
    pub fn json(&self) -> String {
        format!("{:#}\n", serde_json::json!(self))
    }
}

/// How a report differs from an older one, kernel by kernel and scenario by scenario.
pub fn compare(new: &Report, old: &Report) -> Vec<Difference> {
    let judged = |name: &str, threads: usize, now: (f64, f64), before: Option<(f64, f64)>| {
        let faster = before.map(|(speed, _)| now.0 / speed);
        let noise = 3.0 * before.map_or(0.0, |(_, spread)| spread.hypot(now.1));
        Difference { name: name.into(), threads, faster, certain: faster.is_some_and(|f| f.ln().abs() > noise) }
    };
    let kernels = new.kernels.iter().map(|kernel| {
        let before = old.kernels.iter().find(|other| other.key() == kernel.key());
        let speed = |kernel: &Kernel| (kernel.updates_per_second, kernel.spread);
        judged(&kernel.name, kernel.threads, speed(kernel), before.map(speed))
    });
    let courses = new.courses.iter().map(|course| {
        let same = |other: &&ScenarioTiming| other.name == course.name && other.threads == course.threads;
        let speed = |course: &ScenarioTiming| (1.0 / course.seconds, course.spread);
        judged(&course.name, course.threads, speed(course), old.courses.iter().find(same).map(speed))
    });
    kernels.chain(courses).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_within_the_spread_is_not_certain() {
        let kernel = |rate: f64, spread: f64| {
            let timing = Timing { seconds: 1.0 / rate, spread: spread / rate, samples: 9, processors: None };
            let limits = MachineLimits { threads: 1, in_place: 1e9, triad: 1e9, operations: 1e9, divisions: 1e9 };
            Kernel::new(
                &KernelWork { name: "a", update: "b", bytes: 32.0, operations: 15.0 },
                (8, 2),
                1,
                &limits,
                &timing,
            )
        };
        let machine = Machine { processor: "a".into(), threads: 1, instructions: "b".into() };
        let report = |kernel: Kernel| Report { kernels: vec![kernel], ..Report::new(machine.clone()) };
        let old = report(kernel(1e9, 0.02));
        let same = compare(&report(kernel(1.05e9, 0.02)), &old);
        let faster = compare(&report(kernel(1.5e9, 0.02)), &old);
        assert!(!same[0].certain && faster[0].certain);
        assert!((faster[0].faster.unwrap() - 1.5).abs() < 1e-9);
        let read: Report = serde_json::from_str(&old.json()).unwrap();
        assert_eq!(read, old);
    }
}
