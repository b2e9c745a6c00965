//! `dermasim run`: from a scenario to an answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::interrupt::Interrupt;
use super::keep;
use super::progress::Progress;
use super::terminal::{number, say, short, table, tell, wrapped};
use crate::base::error::{Error, Result};
use crate::base::folder::Draft;
use crate::run;
use crate::run::answer::Answers;
use crate::scenario::{Change, Plan, Scenario, Verdict, shown_duration};
use crate::study::practice::Practice;

#[derive(Args)]
pub struct Arguments {
    /// The scenario file
    scenario: PathBuf,
    /// Where the answer goes [default: output/NAME]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Threads to use [default: all]
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<usize>,
    /// Change an option of the scenario or a number of a model, as "needling.length=1 mm" or "response.d_T=7 1/d"
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Use these vector instructions only: plain, avx2 or avx512 [default: the widest there are]
    #[arg(long, value_name = "SET")]
    instructions: Option<String>,
    /// Show no progress and no table
    #[arg(long, short)]
    pub quiet: bool,
    /// Replace the answer of another scenario, or to other settings
    #[arg(long)]
    pub force: bool,
}

pub fn command(arguments: &Arguments) -> Result<()> {
    super::instructions(arguments.instructions.as_deref())?;
    let changes = arguments.set.iter().map(|change| Change::parse(change)).collect::<Result<Vec<_>>>()?;
    let scenario = Scenario::read(&arguments.scenario)?.with(changes);
    let plan = Arc::new(scenario.plan()?);
    let points = scenario.points()?;
    let (draws, samples) = scenario.samples(&plan)?;
    plan.origin.warnings.iter().for_each(|warning| tell(format!("warning: {warning}")));
    match (points.is_empty(), samples.is_empty()) {
        (true, true) => single(arguments, &plan),
        (false, _) => super::sweep::sweep(arguments, &plan, &scenario, &points),
        (true, false) => super::sweep::ensemble(arguments, &plan, &scenario, &draws, &samples),
    }
}

fn single(arguments: &Arguments, plan: &Arc<Plan>) -> Result<()> {
    let folder = keep::folder(arguments.out.as_deref(), &plan.name);
    let draft = Draft::begin(&folder, keep::identity("run", plan), arguments.force, false)?;
    let interrupt = Interrupt::listen();
    let mut progress = Progress::new(arguments.quiet);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(super::threads(arguments.threads)?).build();
    let pool = pool.map_err(|error| Error::simulation(format!("the system gives no threads: {error}")))?;
    let seconds = {
        let outcome = pool.install(|| {
            run::run(plan, &mut |at| {
                progress.show(at);
                !interrupt.asked()
            })
        });
        let seconds = progress.finish();
        let outcome = outcome?;
        let about = pool.install(|| keep::keep(&outcome, &draft.folder()?))?;
        keep::finish(draft, about)?;
        seconds
    };
    let verdicts = keep::judge(plan, &folder)?;
    if !arguments.quiet {
        show(plan, &folder, seconds)?;
    }
    let met = expectations(&[(String::new(), verdicts)], arguments.quiet);
    unsound(&keep::faults(&folder)?)?;
    met
}

/// Tells what of an answer is wrong.
///
/// # Errors
/// Something is.
pub fn unsound(faults: &[String]) -> Result<()> {
    const MOST: usize = 20;
    faults.iter().take(MOST).for_each(|fault| tell(format!("not sound: {fault}")));
    match faults.len() {
        0 => Ok(()),
        count => {
            let more = if count > MOST { format!(", {} of them not shown", count - MOST) } else { String::new() };
            let s = if count == 1 { " is" } else { "s are" };
            Err(Error::simulation(format!("{count} number{s} not sound{more}; the answer is kept, and says so")))
        }
    }
}

/// The answer in a table, and where the rest is.
fn show(plan: &Plan, folder: &Path, seconds: f64) -> Result<()> {
    let mut summary = keep::summary(folder)?;
    let damaged = |cause: serde_json::Error| Error::file(folder.join("summary.json"), "read", cause.into());
    let kept: Answers = serde_json::from_value(summary["observables"].take()).map_err(damaged)?;
    let practice: Practice = serde_json::from_value(summary["practice"].take()).map_err(damaged)?;
    if !plan.question.is_empty() {
        say(format!("{}\n", plan.question));
    }
    let rows: Vec<Vec<String>> = kept
        .iter()
        .map(|(name, answer)| {
            let unit = if answer.unit == "1" { String::new() } else { answer.unit.clone() };
            let numbers = [answer.rest, answer.peak, answer.peak_day, answer.end, answer.resolved_day].map(number);
            [vec![name.clone(), unit], numbers.to_vec()].concat()
        })
        .collect();
    let header = ["observable", "unit", "rest", "peak change", "on day", "at the end", "resolved on day"];
    say(table(&header, &rows));
    let doubts: Vec<String> = serde_json::from_value(summary["doubts"].take()).map_err(damaged)?;
    for doubt in doubts {
        say(wrapped(&format!("\nDoubtful: {doubt}")));
    }
    let told = practice.told();
    if !told.is_empty() {
        let lines: Vec<String> = told.into_iter().map(|(lead, text)| wrapped(&format!("{lead} {text}"))).collect();
        say(format!("\n{}", lines.join("\n")));
    }
    say(format!("\n{} in {}", short(folder), shown_duration(seconds)));
    Ok(())
}

/// Shows which expectations were met.
///
/// # Errors
/// One was not.
pub fn expectations(verdicts: &[(String, Vec<Verdict>)], quiet: bool) -> Result<()> {
    let all: Vec<(&String, &Verdict)> =
        verdicts.iter().flat_map(|(run, own)| own.iter().map(move |one| (run, one))).collect();
    let missed = all.iter().filter(|(_, verdict)| !verdict.met).count();
    if all.is_empty() {
        return Ok(());
    }
    if !quiet || missed > 0 {
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|(run, verdict)| {
                let met = if verdict.met { "met" } else { "NOT MET" };
                vec![
                    verdict.key.clone(),
                    number(verdict.value),
                    verdict.unit.clone(),
                    verdict.expected.clone(),
                    met.into(),
                    (*run).clone(),
                ]
            })
            .collect();
        say(format!("\n{}", table(&["expected", "is", "unit", "should be", "", ""], &rows)));
    }
    match missed {
        0 => Ok(()),
        _ => Err(Error::simulation(format!("{missed} of {} expectations were not met", all.len()))),
    }
}
