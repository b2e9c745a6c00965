//! `dermasim refine`: the numerical error of every observable of a scenario.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::Map;

use super::interrupt::Interrupt;
use super::keep;
use super::progress::Progress;
use super::terminal::{number, say, short, table, tell};
use crate::bench::pool;
use crate::error::{Error, Result};
use crate::folder::{Draft, Identity};
use crate::observe::Record;
use crate::output;
use crate::scenario::{Change, Method, Plan, Scenario};
use crate::simulate;
use crate::study::{Refinement, deviation, refined};

#[derive(Args)]
pub struct Arguments {
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

/// How much tighter each of the two further tolerances is, or shorter each fixed step.
const TIGHTER: f64 = 4.0;
/// Deviations below this part of the rest are rounding.
const FLAT: f64 = 1e-9;

/// One observable.
struct Row {
    name: String,
    unit: String,
    peak: f64,
    grid: Option<Refinement>,
    time: Option<Refinement>,
}

pub fn command(arguments: &Arguments) -> Result<()> {
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
    let changed =
        |key: &str, value: f64| -> Result<Plan> { scenario.with([Change::parse(&format!("{key}={value:?}"))?]).plan() };
    // Everything is planned before anything is run, so that a grid too large for the machine is told at once.
    let grids = grids(&plan, arguments.ratio, &changed)?;
    let times = times(&plan, &changed)?;
    let runner = Runner {
        pool: pool(super::threads(arguments.threads)?)?,
        quiet: arguments.quiet,
        interrupt: Interrupt::listen(),
    };
    let first = runner.run("as it is", Arc::new(plan))?;
    let grids = grids.map(|(ratio, plans)| Ok::<_, Error>((ratio, runner.both("a finer grid", plans)?))).transpose()?;
    let times = times.map(|plans| runner.both("smaller steps", plans)).transpose()?;
    let rows: Vec<Row> = (0..first.headings.len())
        .map(|column| Row {
            name: first.headings[column].name.clone(),
            unit: first.headings[column].unit.to_string(),
            peak: deviation(&first, column),
            grid: grids.as_ref().map(|(ratio, [second, third])| refined([&first, second, third], column, *ratio)),
            time: times.as_ref().map(|[second, third]| refined([&first, second, third], column, TIGHTER)),
        })
        .filter(|row| {
            let rest =
                first.headings.iter().find(|heading| heading.name == row.name).map_or(0.0, |heading| heading.rest);
            row.peak > FLAT * rest.abs().max(f64::MIN_POSITIVE)
        })
        .collect();
    write(&draft.folder()?.join("refine.csv"), &rows)?;
    keep::finish(draft, Map::new())?;
    if !arguments.quiet {
        show(&rows, &folder.join("refine.csv"));
    }
    Ok(())
}

/// Two finer grids and how much finer each is, if there is an axis to refine.
fn grids(plan: &Plan, ratio: f64, changed: &dyn Fn(&str, f64) -> Result<Plan>) -> Result<Option<(f64, [Plan; 2])>> {
    let plans = [
        changed("grid.resolution", plan.resolution * ratio)?,
        changed("grid.resolution", plan.resolution * ratio * ratio)?,
    ];
    // Classes of depth stay as they are, and so do axes of a single cell.
    let axes: Vec<usize> =
        (0..3).filter(|&axis| plans[1].origin.estimate.cells[axis] > plan.origin.estimate.cells[axis]).collect();
    if axes.is_empty() {
        return Ok(None);
    }
    let cells = |plan: &Plan| axes.iter().map(|&axis| plan.origin.estimate.cells[axis] as f64).product::<f64>();
    // Counts are whole numbers, so grids are not finer by exactly what was asked for.
    let reached = (cells(&plans[1]) / cells(plan)).powf(0.5 / axes.len() as f64);
    Ok(Some((reached, plans)))
}

/// Two runs with smaller steps, if steps can be made smaller: explicit methods choose theirs by the grid.
fn times(plan: &Plan, changed: &dyn Fn(&str, f64) -> Result<Plan>) -> Result<Option<[Plan; 2]>> {
    let stepping = &plan.stepping;
    let step = |part: f64| -> Result<Plan> {
        let mut own = plan.clone();
        own.stepping.fixed = stepping.fixed.map(|fixed| fixed * part);
        Ok(own)
    };
    match (stepping.fixed, stepping.method) {
        (Some(_), _) => Ok(Some([step(1.0 / TIGHTER)?, step(1.0 / (TIGHTER * TIGHTER))?])),
        (None, Method::Implicit) => {
            let tolerance = |part: f64| changed("stepping.tolerance", stepping.tolerance * part);
            Ok(Some([tolerance(1.0 / TIGHTER)?, tolerance(1.0 / (TIGHTER * TIGHTER))?]))
        }
        (None, _) => Ok(None),
    }
}

/// Runs plans one after the other.
struct Runner {
    pool: rayon::ThreadPool,
    quiet: bool,
    interrupt: Interrupt,
}

impl Runner {
    fn run(&self, what: &str, plan: Arc<Plan>) -> Result<Record> {
        if !self.quiet {
            let [x, y, z] = plan.origin.estimate.cells;
            tell(format!("{what}: {x} × {y} × {z} cells, tolerance {}", plan.stepping.tolerance));
        }
        let mut progress = Progress::new(self.quiet);
        let outcome = self.pool.install(|| {
            simulate::run(&plan, &mut |at| {
                progress.show(at);
                !self.interrupt.asked()
            })
        });
        progress.finish();
        Ok(outcome?.record)
    }

    fn both(&self, what: &str, plans: [Plan; 2]) -> Result<[Record; 2]> {
        let [second, third] = plans;
        Ok([self.run(what, Arc::new(second))?, self.run(what, Arc::new(third))?])
    }
}

fn percent(row: &Row, part: Option<Refinement>) -> Option<f64> {
    part.map(|part| 100.0 * part.error / row.peak)
}

fn whole(row: &Row) -> f64 {
    percent(row, row.grid).unwrap_or(0.0) + percent(row, row.time).unwrap_or(0.0)
}

fn write(path: &Path, rows: &[Row]) -> Result<()> {
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
        ]
    });
    output::table::write_csv(path, &header, rows)
}

fn show(rows: &[Row], path: &Path) {
    let lines: Vec<Vec<String>> = rows
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
        "\nErrors are shares of the largest change; without an order they are threefold differences. {}",
        short(path)
    ));
}
