//! `dermasim refine`: the numerical error of every observable of a scenario.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::Map;

use super::interrupt::Interrupt;
use super::keep;
use super::progress::ProgressDisplay;
use super::terminal::{number, say, short, table, tell};
use crate::base::error::{Error, Result};
use crate::base::folder::{Draft, Identity};
use crate::engine::observe::Record;
use crate::present::output;
use crate::run;
use crate::scenario::{Change, Plan, Scenario};
use crate::study::bench::pool;
use crate::study::{Errors, Levels, Refinement, RefinementVerdict};

#[derive(Args)]
pub struct RefineArguments {
    /// The scenario file; a sweep in it is left aside
    scenario: PathBuf,
    /// Where the table goes [default: output/refine-NAME]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Threads to use [default: all]
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
    /// How many times as many cells along each axis each of the two finer grids has
    #[arg(long, value_name = "RATIO", default_value_t = std::f64::consts::SQRT_2)]
    ratio: f64,
    /// Change an option of the scenario or a number of a model, as in `run`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Use these vector instructions only: plain, avx2 or avx512 [default: the widest there are]
    #[arg(long, value_name = "SET")]
    instructions: Option<String>,
    /// Show no progress and no table
    #[arg(long, short)]
    quiet: bool,
    /// Replace the table of another scenario, or with other settings
    #[arg(long)]
    force: bool,
}

pub fn command(arguments: &RefineArguments) -> Result<()> {
    super::instructions(arguments.instructions.as_deref())?;
    if !(1.1..=4.0).contains(&arguments.ratio) {
        return Err(Error::input(format!("`--ratio {}` is not possible", arguments.ratio)).help("use 1.1 to 4"));
    }
    let changes = arguments.set.iter().map(|change| Change::parse(change)).collect::<Result<Vec<_>>>()?;
    let scenario = Scenario::read(&arguments.scenario)?.with(changes);
    let plan = scenario.plan()?;
    let folder = arguments
        .out
        .clone()
        .unwrap_or_else(|| Path::new("output").join(output::file::safe_name(&format!("refine-{}", plan.name))));
    let (settings, ratio) = (keep::settings(&plan), arguments.ratio.to_string());
    let identity = Identity::of("refinement", &plan.name, [settings.as_str(), ratio.as_str()]);
    let draft = Draft::begin(&folder, identity, arguments.force, false)?;
    let levels = Levels::of(&scenario, arguments.ratio)?;
    let runner = RefineRunner {
        pool: pool(super::threads(arguments.threads)?)?,
        quiet: arguments.quiet,
        interrupt: Interrupt::listen(),
    };
    let verdict = levels.judge(&mut |what, plan| runner.run(what, plan))?;
    write(&draft.folder()?.join("refine.csv"), &verdict.moving)?;
    keep::finish(draft, Map::new())?;
    if !arguments.quiet {
        show(&verdict, &folder.join("refine.csv"));
    }
    Ok(())
}

/// Runs plans one after the other.
struct RefineRunner {
    pool: rayon::ThreadPool,
    quiet: bool,
    interrupt: Interrupt,
}

impl RefineRunner {
    fn run(&self, what: &str, plan: &Arc<Plan>) -> Result<Record> {
        if !self.quiet {
            let [x, y, z] = plan.origin.estimate.cells;
            tell(format!("{what}: {x} × {y} × {z} cells, tolerance {}", plan.stepping.tolerance));
        }
        let mut progress = ProgressDisplay::new(self.quiet);
        let outcome = self.pool.install(|| {
            run::run(plan, &mut |at| {
                progress.show(at);
                !self.interrupt.asked()
            })
        });
        progress.finish();
        Ok(outcome?.record)
    }
}

fn percent(row: &Errors, part: Option<Refinement>) -> Option<f64> {
    part.map(|part| 100.0 * part.error / row.peak)
}

fn whole(row: &Errors) -> f64 {
    100.0 * row.share()
}

fn write(path: &Path, rows: &[Errors]) -> Result<()> {
    let header = [
        "observable",
        "unit",
        "peak_deviation",
        "grid_error",
        "grid_order",
        "time_error",
        "time_order",
        "grid_percent",
        "time_percent",
        "percent",
        "missed",
    ];
    let text = |value: Option<f64>| value.map_or_else(String::new, output::table::number);
    let rows = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            row.unit.clone(),
            text(Some(row.peak)),
            text(row.grid.map(|part| part.error)),
            text(row.grid.and_then(|part| part.order)),
            text(row.time.map(|part| part.error)),
            text(row.time.and_then(|part| part.order)),
            text(percent(row, row.grid)),
            text(percent(row, row.time)),
            text(Some(whole(row))),
            row.missed.to_string(),
        ]
    });
    output::table::write_csv(path, &header, rows)
}

fn show(verdict: &RefinementVerdict, path: &Path) {
    let lines: Vec<Vec<String>> = verdict
        .moving
        .iter()
        .map(|row| {
            let unit = if row.unit == "1" { String::new() } else { row.unit.clone() };
            let order =
                |part: Option<Refinement>| part.and_then(|part| part.order).map(|order| (10.0 * order).round() / 10.0);
            let numbers = [
                Some(row.peak),
                percent(row, row.grid),
                order(row.grid),
                percent(row, row.time),
                order(row.time),
                Some(whole(row)),
            ];
            [vec![row.name.clone(), unit], numbers.map(number).to_vec()].concat()
        })
        .collect();
    let header = [
        "observable",
        "unit",
        "largest change",
        "± % by grid",
        "order",
        "± % by time",
        "order in tolerance",
        "± % together",
    ];
    say(table(&header, &lines));
    say(format!(
        "\nErrors are shares of the largest change; where no order is seen they are larger by a safety factor. {}",
        short(path)
    ));
    let missed = verdict.moving.iter().filter(|row| row.missed).map(|row| row.name.clone()).collect();
    let lists: [(Vec<String>, &str); 3] = [
        (missed, "At rest in the run as it is, but not with finer cells or steps, which the answer therefore misses"),
        (verdict.still.clone(), "At rest in every run, so that nothing is known of their error"),
        (verdict.not_finite.clone(), "Not finite in some run"),
    ];
    for (names, what) in lists.iter().filter(|(names, _)| !names.is_empty()) {
        say(format!("{what}: {}", names.join(", ")));
    }
}
