//! What all kinds of runs are asked, and how they end.

use std::path::PathBuf;

use clap::Args;

use super::terminal::{number, say, table, tell};
use crate::base::error::{Error, Result};
use crate::scenario::ExpectationVerdict;

/// What is asked of a run.
#[derive(Args)]
pub struct RunArguments {
    /// The scenario file
    pub scenario: PathBuf,
    /// Where the answer goes [default: output/NAME]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Threads to use [default: all]
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<usize>,
    /// Change an option of the scenario or a number of a model, as "needling.length=1 mm" or "response.d_T=7 1/d"
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Use these vector instructions only: plain, avx2 or avx512 [default: the widest there are]
    #[arg(long, value_name = "SET")]
    pub instructions: Option<String>,
    /// Show no progress and no table
    #[arg(long, short)]
    pub quiet: bool,
    /// Replace the answer of another scenario, or to other settings
    #[arg(long)]
    pub force: bool,
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

/// Shows which expectations were met.
///
/// # Errors
/// One was not.
pub fn expectations(verdicts: &[(String, Vec<ExpectationVerdict>)], quiet: bool) -> Result<()> {
    let all: Vec<(&String, &ExpectationVerdict)> =
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
