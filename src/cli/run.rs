//! `dermasim run`: from a scenario to an answer.

use std::path::Path;
use std::sync::Arc;

use super::interrupt::Interrupt;
use super::keep;
use super::progress::ProgressDisplay;
use super::terminal::{number, say, short, table, tell, wrapped};
use super::told::{RunArguments, expectations, unsound};
use crate::base::error::{Error, Result};
use crate::base::folder::Draft;
use crate::run;
use crate::run::answer::Answers;
use crate::scenario::{Change, Plan, Scenario, shown_duration};
use crate::study::practice::Practice;

pub fn command(arguments: &RunArguments) -> Result<()> {
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

fn single(arguments: &RunArguments, plan: &Arc<Plan>) -> Result<()> {
    let folder = keep::folder(arguments.out.as_deref(), &plan.name);
    let draft = Draft::begin(&folder, keep::identity("run", plan), arguments.force, false)?;
    let interrupt = Interrupt::listen();
    let mut progress = ProgressDisplay::new(arguments.quiet);
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
