//! The command line: a file for each command.
//!
//! * `terminal` is all that is written to it, `progress` what moves there, `interrupt` what a Ctrl-C does;
//! * `keep` puts the answer of a run on disk, `told` is what all kinds of runs are asked and how they end;
//! * the other files are a command each, thin: they ask a room below and tell what it says.
//!
//! It uses every room. Nothing uses it.
//!
//! Answers go to standard output, progress and complaints to standard error. The exit code is 0 when all is done, 1 when the
//! simulation failed or an expectation was not met, 2 when the input is wrong, 130 when somebody stopped the program.

mod bench;
mod calibrate;
mod check;
mod claims;
mod common;
mod compare;
mod docs;
mod ensemble;
mod evidence;
mod explain;
mod init;
mod interrupt;
mod keep;
mod list;
mod plot;
mod progress;
mod refine;
mod run;
mod strike;
mod sweep;
mod terminal;
mod told;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::base::error::{Error, Result};
use crate::base::processor::{self, Instructions};

#[derive(Parser)]
#[command(name = "dermasim", version, about, long_about = None, max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = "Research software: nothing it computes is medical advice.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a scenario, or all points of its sweep
    Run(told::RunArguments),
    /// Compare finished runs: time courses side by side, differences, one table
    Compare(compare::CompareArguments),
    /// Check scenarios and model files without running them, and estimate what a run would cost
    Check(check::CheckArguments),
    /// List tissues, devices, operators, models, and what a response model holds
    List(list::ListArguments),
    /// Explain a name: meaning, equation, unit, constants with their sources, where it is used
    Explain(explain::ExplainArguments),
    /// Follow a single strike of a scenario's needles: force and depth in time, strain and risk of rupture around the channel
    Strike(strike::StrikeArguments),
    /// Run published observations and hold the model against them
    Evidence(evidence::EvidenceArguments),
    /// Answer what people say about needling: verdicts with numbers, spread and evidence, on one page
    Claims(claims::ClaimsArguments),
    /// Fit constants of a model to observations and write a new model file
    Calibrate(calibrate::CalibrateArguments),
    /// Write a commented scenario to start from
    Init(init::InitArguments),
    /// Draw the figures of finished runs again
    Plot(plot::PlotArguments),
    /// Tell the numerical error of every observable: finer grids, smaller steps
    Refine(refine::RefineArguments),
    /// Measure this machine, the kernels of the program, and a scenario
    Bench(bench::BenchArguments),
    /// Print a page of the documentation, or list the pages
    Docs(docs::DocsArguments),
}

/// Reads the arguments, does what they say, and tells how it ended.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        Command::Run(arguments) => run::command(arguments),
        Command::Compare(arguments) => compare::command(arguments),
        Command::Check(arguments) => check::command(arguments),
        Command::List(arguments) => list::command(arguments),
        Command::Explain(arguments) => explain::command(arguments),
        Command::Strike(arguments) => strike::command(arguments),
        Command::Evidence(arguments) => evidence::command(arguments),
        Command::Claims(arguments) => claims::command(arguments),
        Command::Calibrate(arguments) => calibrate::command(arguments),
        Command::Init(arguments) => init::command(arguments),
        Command::Plot(arguments) => plot::command(arguments),
        Command::Refine(arguments) => refine::command(arguments),
        Command::Bench(arguments) => bench::command(arguments),
        Command::Docs(arguments) => docs::command(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(&error);
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
        }
    }
}

/// Makes all kernels use the vector instructions asked for.
fn instructions(asked: Option<&str>) -> Result<()> {
    asked.map_or(Ok(()), |name| processor::force(Instructions::named(name)?))
}

/// The threads to use: as many as asked for, else as many as there are.
fn threads(asked: Option<usize>) -> Result<usize> {
    match asked {
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        Some(count @ 1..=1024) => Ok(count),
        Some(count) => Err(Error::input(format!("`--threads {count}` is not possible")).help("use 1 to 1024")),
    }
}
