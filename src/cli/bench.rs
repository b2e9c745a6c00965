//! `dermasim bench`: what this machine can do, and how much of it the program uses.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::Map;

use super::keep;
use super::terminal::{number, say, short, table, tell};
use crate::base::error::{Error, Result};
use crate::base::folder::{Draft, Identity};
use crate::present::output::file;
use crate::present::plot;
use crate::scenario::Scenario;
use crate::study::bench::{self, BenchSetting, Report, Target};

#[derive(Args)]
pub struct BenchArguments {
    /// Cells of the kernels of transport, along x, y and depth
    #[arg(long, value_name = "NXxNYxNZ", default_value = "128x128x128")]
    cells: String,
    /// Fields of the implicit diffusion
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    fields: usize,
    /// Numbers of threads to measure with, as 2 or 1,2,4 [default: one, and all]
    #[arg(long, value_name = "COUNTS")]
    threads: Option<String>,
    /// Shortest time for one measurement, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
    seconds: f64,
    /// Time a scenario too
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Run the default scenario, a sweep of it over twelve depths and a tile of 96 × 96 × 96 cells too (some ten minutes)
    #[arg(long)]
    long: bool,
    /// Use these vector instructions only: plain, avx2 or avx512 [default: the widest there are]
    #[arg(long, value_name = "SET")]
    instructions: Option<String>,
    /// Write what was measured as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Compare with what an earlier run wrote
    #[arg(long, value_name = "OLD.json")]
    compare: Option<PathBuf>,
    /// Draw how far the kernels are from the limits of the machine
    #[arg(long, value_name = "FOLDER")]
    figure: Option<PathBuf>,
}

pub fn command(arguments: &BenchArguments) -> Result<()> {
    super::instructions(arguments.instructions.as_deref())?;
    let old = arguments.compare.as_deref().map(Report::read).transpose()?;
    let scenario = arguments.scenario.as_deref().map(|path| Ok(Arc::new(Scenario::read(path)?.plan()?))).transpose()?;
    // Where it goes is looked at before minutes are spent.
    let drafts = arguments.figure.as_deref().map(|folder| {
        let identity = Identity::of("benchmark", "bench", []);
        Ok::<_, Error>((Draft::begin(folder, identity, false, false)?, folder))
    });
    let draft = drafts.transpose()?;
    if let Some(path) = arguments.json.as_deref().filter(|path| path.exists()) {
        Report::read(path).map_err(|_| {
            Error::input(format!("`{}` is no report of `dermasim bench --json`, and is left alone", short(path)))
                .help("choose another file with --json")
        })?;
    }
    let setting = BenchSetting {
        cells: cells(&arguments.cells)?,
        fields: within("--fields", arguments.fields, 1000)?,
        threads: threads(arguments.threads.as_deref())?,
        seconds: seconds(arguments.seconds)?,
        scenario,
    };
    let mut report = bench::measure(&setting, &mut |what| tell(format!("measuring {what}")))?;
    if arguments.long {
        report.targets.extend(runs()?);
    }
    show(&report);
    busy(&report);
    if let Some(old) = &old {
        changes(&report, old);
    }
    if let Some(path) = &arguments.json {
        file::write_alone(path, report.json())?;
    }
    if let Some((draft, folder)) = draft {
        let drawn = plot::draw_bench(&report, &draft.folder()?)?;
        keep::finish(draft, Map::new())?;
        for figure in drawn {
            say(format!("\n{} in {}", figure.title, short(&folder.join(format!("{}.png", figure.stem)))));
        }
    }
    Ok(())
}

fn show(report: &Report) {
    let machine = &report.machine;
    let threads = if machine.threads == 1 { "thread" } else { "threads" };
    say(format!("{}, {} {threads}, {}\n", machine.processor, machine.threads, machine.instructions));
    let giga = |value: f64| number(Some(1e-9 * value));
    let rows: Vec<Vec<String>> = report
        .limits
        .iter()
        .map(|limits| {
            let numbers = [limits.in_place, limits.triad, limits.operations, limits.divisions];
            [vec![limits.threads.to_string()], numbers.map(giga).to_vec()].concat()
        })
        .collect();
    let header = ["threads", "in place [GB/s]", "triad [GB/s]", "multiply-add [GFLOP/s]", "divide [G/s]"];
    say(format!("{}\n", table(&header, &rows)));
    let rows: Vec<Vec<String>> = report
        .kernels
        .iter()
        .map(|kernel| {
            vec![
                kernel.name.clone(),
                kernel.threads.to_string(),
                kernel.cells.to_string(),
                kernel.fields.to_string(),
                number(Some(1e-6 * kernel.updates_per_second)),
                number(Some(100.0 * kernel.spread)),
                number(Some(kernel.bytes_per_update)),
                number(Some(100.0 * kernel.bandwidth_fraction)),
                alone(report, kernel).map_or("–".into(), |scaling| number(Some(scaling))),
            ]
        })
        .collect();
    let header = [
        "kernel",
        "threads",
        "cells",
        "fields",
        "M updates/s",
        "± %",
        "bytes/update",
        "% of memory",
        "over one thread",
    ];
    say(table(&header, &rows));
    let mut told: Vec<&str> = Vec::new();
    for kernel in
        report.kernels.iter().filter(|kernel| kernel.name.starts_with("gray") || kernel.name.starts_with("kin"))
    {
        if !told.contains(&kernel.name.as_str()) {
            say(format!("An update of {} is {}.", kernel.name, kernel.update));
            told.push(&kernel.name);
        }
    }
    say("");
    let rows: Vec<Vec<String>> = report
        .language
        .iter()
        .map(|language| {
            let ratio = language.by_hand.map(|hand| language.by_language / hand);
            let limit = language.by_hand.map(|hand| hand / language.least);
            let numbers = [Some(language.by_language), language.by_hand, ratio, limit].map(number);
            [vec![language.threads.to_string()], numbers.to_vec(), vec![language.agreement.clone()]].concat()
        })
        .collect();
    let header =
        ["threads", "kinetics by language [ns/cell]", "by hand [ns/cell]", "ratio", "hand over its limits", ""];
    say(format!("{}\n", table(&header, &rows)));
    let rows: Vec<Vec<String>> = report
        .phases
        .iter()
        .map(|phase| {
            vec![
                phase.name.clone(),
                phase.threads.to_string(),
                phase.calls.to_string(),
                number(Some(phase.nanoseconds)),
                number(Some(100.0 * phase.share)),
            ]
        })
        .collect();
    let header =
        ["part of the coupled step", "threads", "times a step", "ns per cell, field and step", "% of the step"];
    say(table(&header, &rows));
    let rows: Vec<Vec<String>> = report
        .courses
        .iter()
        .map(|course| {
            let numbers =
                [course.seconds, 100.0 * course.spread, course.steps as f64, 1e-6 * course.updates_per_second];
            let numbers = numbers.map(|value| number(Some(value)));
            [vec![course.name.clone(), course.threads.to_string()], numbers.to_vec()].concat()
        })
        .collect();
    if !rows.is_empty() {
        say(format!("\n{}", table(&["scenario", "threads", "seconds", "± %", "steps", "M updates/s"], &rows)));
    }
    let rows: Vec<Vec<String>> = report
        .targets
        .iter()
        .map(|target| {
            let numbers = [target.wanted, target.reached].map(|value| number(Some(value)));
            let sign = if target.more { "≥" } else { "≤" };
            let met = if target.met() { "met" } else { "missed" };
            let [wanted, reached] = numbers;
            let threads = target.threads.to_string();
            vec![target.work.clone(), threads, format!("{sign} {wanted}"), reached, target.unit.clone(), met.into()]
        })
        .collect();
    if !rows.is_empty() {
        say(format!("\n{}", table(&["aim", "threads", "aimed at", "reached", "unit", ""], &rows)));
    }
}

/// What is run as a user would run it, the time aimed at on two threads \[s\].
const RUNS: [(&str, &str, f64); 3] = [
    ("cheek-three-sessions", include_str!("../../scenarios/cheek-three-sessions.toml"), 3.0),
    ("depth-sweep", include_str!("../../benches/depth-sweep.toml"), 20.0),
    ("tile", include_str!("../../benches/tile.toml"), 480.0),
];

/// Copies of the state that a run in three dimensions may hold.
const COPIES: f64 = 8.0;

/// Runs whole scenarios in a program of their own, with everything that is written, on two threads.
///
/// # Errors
/// A run failed.
fn runs() -> Result<Vec<Target>> {
    let failed = |cause| Error::file(Path::new("dermasim"), "run", cause);
    let folder = tempfile::tempdir().map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let mut targets = Vec::new();
    for (name, text, wanted) in RUNS {
        tell(format!("running {name}"));
        let (scenario, out) = (folder.path().join(format!("{name}.toml")), folder.path().join(name));
        file::write(&scenario, text)?;
        let begun = std::time::Instant::now();
        let mut command = std::process::Command::new(&program);
        command.arg("run").arg(&scenario).args(["--quiet", "--threads", "2", "--out"]).arg(&out);
        if !command.status().map_err(failed)?.success() {
            return Err(Error::simulation(format!("`{name}` could not be run")));
        }
        let seconds = begun.elapsed().as_secs_f64();
        let aim = |work: String, unit: &str, wanted, reached| Target {
            work,
            threads: 2,
            unit: unit.into(),
            wanted,
            reached,
            more: false,
        };
        targets.push(aim(format!("{name}, with all that is written"), "s", wanted, seconds));
        if name == "tile" {
            let about = file::read(&out.join("manifest.json"))?;
            let about: serde_json::Value =
                serde_json::from_str(&about).map_err(|cause| Error::file(&out, "read", cause.into()))?;
            let number = |key: &str| about[key].as_f64().unwrap_or(f64::NAN);
            let state = 8.0 * number("cells") * number("fields");
            let work = format!("{name}, peak of memory over the state");
            targets.push(aim(work, "times", COPIES, number("peak_memory_bytes") / state));
        }
    }
    Ok(targets)
}

/// Says so where others used the machine: one thread that computes all the time has one processor.
fn busy(report: &Report) {
    let had = report.kernels.iter().filter(|kernel| kernel.threads == 1).filter_map(|kernel| kernel.processors);
    let least = had.fold(1.0, f64::min);
    if least < 0.9 {
        say(format!(
            "\nThe machine was busy: one thread had {:.0} % of a processor. These figures are too low; measure again when it is quiet.",
            100.0 * least
        ));
    }
}

/// How much faster than on one thread.
fn alone(report: &Report, kernel: &bench::Kernel) -> Option<f64> {
    let same = |other: &&bench::Kernel| other.name == kernel.name && other.threads == 1;
    report.kernels.iter().find(same).map(|one| kernel.updates_per_second / one.updates_per_second)
}

fn changes(report: &Report, old: &Report) {
    if report.machine != old.machine {
        say(format!(
            "\nThe older report is from another machine: {}, {}.",
            old.machine.processor, old.machine.instructions
        ));
    }
    let rows: Vec<Vec<String>> = bench::compare(report, old)
        .into_iter()
        .map(|change| {
            let word = match (change.faster, change.certain) {
                (None, _) => "not in the older report",
                (Some(_), false) => "within the spread",
                (Some(faster), true) if faster > 1.0 => "faster",
                (Some(_), true) => "slower",
            };
            vec![change.name, change.threads.to_string(), number(change.faster), word.into()]
        })
        .collect();
    say(format!("\n{}", table(&["compared with the older report", "threads", "times as fast", ""], &rows)));
}

fn cells(text: &str) -> Result<[usize; 3]> {
    let wrong = || {
        Error::input(format!("`--cells {text}` is not possible"))
            .help("give three counts, as 128x128x128, of 1 to 10000 each and no more than 1e9 together")
    };
    let counts: Vec<usize> =
        text.split(['x', '×']).map(|count| count.trim().parse().map_err(|_| wrong())).collect::<Result<_>>()?;
    let counts: [usize; 3] = counts.try_into().map_err(|_| wrong())?;
    let sound =
        counts.iter().all(|count| (1..=10_000).contains(count)) && counts.iter().product::<usize>() <= 1_000_000_000;
    if sound { Ok(counts) } else { Err(wrong()) }
}

fn within(option: &str, count: usize, most: usize) -> Result<usize> {
    if (1..=most).contains(&count) {
        return Ok(count);
    }
    Err(Error::input(format!("`{option} {count}` is not possible")).help(format!("use 1 to {most}")))
}

fn seconds(asked: f64) -> Result<f64> {
    if (0.0..=60.0).contains(&asked) {
        return Ok(asked);
    }
    Err(Error::input(format!("`--seconds {asked}` is not possible")).help("use 0 to 60"))
}

fn threads(asked: Option<&str>) -> Result<Vec<usize>> {
    let Some(text) = asked else {
        let all = super::threads(None)?;
        return Ok(if all > 1 { vec![1, all] } else { vec![1] });
    };
    text.split(',')
        .map(|count| match count.trim().parse() {
            Ok(count) => super::threads(Some(count)),
            Err(_) => Err(Error::input(format!("`--threads {text}` is not possible")).help("write 2, or 1,2,4")),
        })
        .collect()
}
