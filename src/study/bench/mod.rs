//! What this machine can do, and how much of it the kernels use.
//!
//! All is measured by this program, in one run and on the same threads: memory bandwidth, arithmetic, and the kernels that
//! steps are made of, called as a step calls them. A time is the median of several; its spread is the median absolute
//! deviation. `bytes_per_update` is the least that a kernel's passes over its data have to move, counted, so the fraction of
//! the bandwidth says how near a kernel is to the memory's limit; above 1 it works in the caches.

mod kernel;
mod kinetics;
mod machine;
mod report;
mod step;
mod target;
mod timing;

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

pub use kernel::{DiffusionKernel, GrayScott};
pub use kinetics::Kinetics;
pub use machine::{Machine, MachineLimits};
pub use report::{Difference, Kernel, KernelWork, Language, Phase, Report, ScenarioTiming, Target, compare};
pub use step::Healing;
pub use target::targets;
pub use timing::Timing;

use crate::base::error::{Error, Result};
use crate::scenario::Plan;

/// What is measured.
#[derive(Debug, Clone)]
pub struct BenchSetting {
    /// Cells along x, y and depth of the kernels of transport.
    pub cells: [usize; 3],
    /// Fields of the implicit diffusion.
    pub fields: usize,
    /// Numbers of threads.
    pub threads: Vec<usize>,
    /// Shortest time for one measurement \[s\].
    pub seconds: f64,
    /// A scenario to be timed too.
    pub scenario: Option<Arc<Plan>>,
}

/// Measures everything. `tell` hears what is being measured.
///
/// # Errors
/// The system gives no threads, or a simulation failed.
pub fn measure(setting: &BenchSetting, tell: &mut (dyn FnMut(&str) + Send)) -> Result<Report> {
    let mut report = Report::new(Machine::here());
    for &threads in &setting.threads {
        let plural = if threads == 1 { "" } else { "s" };
        let mut say = |what: &str| tell(&format!("{what}, {threads} thread{plural}"));
        pool(threads)?.install(|| on_threads(setting, threads, &mut say, &mut report))?;
    }
    report.targets = targets(&report);
    Ok(report)
}

fn on_threads(
    setting: &BenchSetting,
    threads: usize,
    say: &mut (dyn FnMut(&str) + Send),
    report: &mut Report,
) -> Result<()> {
    let seconds = setting.seconds;
    say("memory and arithmetic");
    let limits = MachineLimits::measure(threads, seconds);
    report.limits.push(limits);
    let cells: usize = setting.cells.iter().product();

    say("implicit diffusion");
    let mut diffusion = DiffusionKernel::new(setting.cells, setting.fields)?;
    let timing = Timing::of(seconds, || diffusion.run());
    let size = (cells, setting.fields);
    report.kernels.push(Kernel::new(&DIFFUSION, size, size.0 * size.1, &limits, &timing));
    drop(diffusion);

    say("explicit Gray–Scott");
    let mut gray_scott = GrayScott::new(setting.cells)?;
    let timing = Timing::of(seconds, || gray_scott.run());
    report.kernels.push(Kernel::new(&GRAY_SCOTT, (cells, 2), cells * gray_scott.steps(), &limits, &timing));
    drop(gray_scott);

    say("kinetics");
    let mut kinetics = Kinetics::healing()?;
    let size = (kinetics.cells(), kinetics.fields());
    let timing = Timing::of(seconds, || kinetics.by_language());
    report.kernels.push(Kernel::new(&kinetics.work(), size, size.0 * size.1, &limits, &timing));
    report.language.push(kinetics.language(seconds, &limits, &timing));

    say("the coupled step");
    let mut healing = Healing::new()?;
    let size = (healing.cells(), healing.fields());
    let whole = healing.step(seconds)?;
    report.kernels.push(Kernel::new(&STEP, size, size.0 * size.1, &limits, &whole));
    report.phases.extend(healing.phases(seconds, threads, &whole)?);

    if let Some(plan) = &setting.scenario {
        say(&format!("scenario {}", plan.name));
        report.courses.push(ScenarioTiming::of(plan, threads)?);
    }
    Ok(())
}

/// The lateral pass and the pass over depth read and write each value. Along each axis a value takes two multiply-adds and a
/// multiplication.
const DIFFUSION: KernelWork = KernelWork {
    name: "diffusion_implicit",
    update: "one field of one cell, one solve",
    bytes: 32.0,
    operations: 15.0,
};
/// Two fields are read from one state and written to the other, once every six steps. The differences to the neighbours of a
/// field take eleven operations, the kinetics and the sums of both nine.
const GRAY_SCOTT: KernelWork = KernelWork {
    name: "gray_scott_explicit",
    update: "both fields of one cell, one step",
    bytes: 2.0 * 16.0 / 6.0,
    operations: 2.0 * 11.0 + 9.0,
};
/// In stage i (from 0) the state and i increments are read, a state and the stage's increment are written, and that is read and
/// written once more by the solve over depth, which also reads them all at the end for the result and its error. The
/// operations depend on the model and were not counted.
const STEP: KernelWork = KernelWork {
    name: "step_default",
    update: "one field of one cell, one step of four stages",
    bytes: 8.0 * (4.0 * 5.0 + 6.0 + 6.0),
    operations: 0.0,
};

/// Threads of their own for a measurement.
///
/// # Errors
/// The system gives none.
pub fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::simulation(format!("the system gives no threads: {error}")))
}
