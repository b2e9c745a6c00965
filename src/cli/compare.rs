//! `dermasim compare`: finished runs side by side.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Map;

use super::keep;
use super::terminal::{number, say, short, table};
use crate::base::error::{Error, Result};
use crate::base::folder::{AnswerFolder, Draft, Identity};
use crate::base::units::DAY;
use crate::present::output::{self, KeptRun};
use crate::present::plot;
use crate::present::report;
use crate::study::{Pair, pair};

#[derive(Args)]
pub struct CompareArguments {
    /// Folders of finished runs; differences are taken from the first
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Where the comparison goes [default: output/compare-A-B]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print no table
    #[arg(long, short)]
    quiet: bool,
    /// Replace the comparison of other runs
    #[arg(long)]
    force: bool,
}

pub fn command(arguments: &CompareArguments) -> Result<()> {
    let runs = named(&arguments.runs)?;
    let folder = arguments.out.clone().unwrap_or_else(|| {
        let names: Vec<&str> = runs.iter().map(|(name, _)| name.as_str()).take(4).collect();
        Path::new("output").join(output::file::safe_name(&format!("compare-{}", names.join("-"))))
    });
    let shown = short(&folder);
    let settings =
        arguments.runs.iter().map(|run| AnswerFolder::open(run).map(|answer| answer.identity().2).unwrap_or_default());
    let settings: Vec<String> = runs.iter().map(|(name, _)| name.clone()).chain(settings).collect();
    let identity = Identity::of("comparison", "", settings.iter().map(String::as_str));
    let draft = Draft::begin(&folder, identity, arguments.force, false)?;
    let answers: Vec<_> = runs.iter().map(|(name, kept)| (name.clone(), &kept.answers)).collect();
    let views: Vec<_> = runs.iter().map(|(name, kept)| (name.clone(), kept)).collect();
    let fresh = draft.folder()?;
    output::sweep::write_compare(&fresh.join("compare.csv"), &answers)?;
    courses(&fresh.join("timecourse.csv"), &runs)?;
    let figures = fresh.join("figures");
    let drawn = plot::draw_compare(&views, &figures)?;
    report::write_compare(&fresh.join("report.html"), &views, &drawn, &figures)?;
    keep::finish(draft, Map::new())?;
    if !arguments.quiet {
        say(differences(&runs));
        say(format!("\n{shown}"));
    }
    Ok(())
}

/// The runs with names that tell them apart.
fn named(folders: &[PathBuf]) -> Result<Vec<(String, KeptRun<'static>)>> {
    let mut runs: Vec<(String, KeptRun)> = Vec::new();
    for folder in folders {
        if !folder.join("summary.json").is_file() {
            return Err(Error::input(format!("`{}` is not the folder of a finished run", short(folder)))
                .help("give folders that `dermasim run` wrote"));
        }
        let last = folder.canonicalize().ok().and_then(|whole| Some(whole.file_name()?.to_string_lossy().into_owned()));
        let plain = last.unwrap_or_else(|| short(folder));
        // A run that is called like a column of the table gets a number, too.
        let columns = ["day", "observable", "unit"];
        let taken = |name: &str| columns.contains(&name) || runs.iter().any(|(own, _)| own == name);
        let name = (1..).map(|i| if i == 1 { plain.clone() } else { format!("{plain}-{i}") }).find(|name| !taken(name));
        let mut kept = KeptRun::read(folder)?;
        if let Some((_, first)) = runs.first() {
            kept = kept.in_units_of(first)?;
        }
        runs.push((name.unwrap_or(plain), kept));
    }
    Ok(runs)
}

/// Writes the time courses side by side at the times of the first run: day, observable, unit, a column a run, and a column of
/// differences for each run but the first.
fn courses(path: &Path, runs: &[(String, KeptRun)]) -> Result<()> {
    let mut header: Vec<String> = ["day", "observable", "unit"].map(str::to_owned).to_vec();
    header.extend(runs.iter().map(|(name, _)| name.clone()));
    header.extend(runs[1..].iter().map(|(name, _)| format!("{name} − {}", runs[0].0)));
    let first = &runs[0].1.record;
    let pairs: Vec<Vec<Pair>> = runs.iter().map(|(_, kept)| pair(first, &kept.record)).collect();
    let rows = first.headings.iter().flat_map(|heading| {
        let pairs = &pairs;
        first.times.iter().enumerate().map(move |(row, time)| {
            let values: Vec<Option<f64>> = pairs
                .iter()
                .zip(runs)
                .map(|(pairs, (_, kept))| {
                    let own = kept.record.headings.iter().position(|own| own.name == heading.name)?;
                    pairs[row].of(&kept.record, own)
                })
                .collect();
            let differences = values[1..].iter().map(|value| Some(value.as_ref()? - values[0]?)).collect::<Vec<_>>();
            let texts = values.iter().copied().chain(differences).map(output::table::optional);
            [output::table::number(time / DAY), heading.name.clone(), heading.unit.to_string()]
                .into_iter()
                .chain(texts)
                .collect()
        })
    });
    output::table::write_csv(path, &header, rows)
}

/// Peak and end of each observable in each run.
fn differences(runs: &[(String, KeptRun)]) -> String {
    let mut header = vec!["observable".to_owned(), "unit".to_owned()];
    header.extend(runs.iter().flat_map(|(name, _)| [format!("peak {name}"), format!("end {name}")]));
    let rows: Vec<Vec<String>> = runs[0]
        .1
        .answers
        .iter()
        .map(|(name, answer)| {
            let unit = if answer.unit == "1" { String::new() } else { answer.unit.clone() };
            let numbers = runs.iter().flat_map(|(_, kept)| {
                let own = kept.answers.get(name);
                [own.and_then(|own| own.peak), own.and_then(|own| own.end)].map(number)
            });
            [name.clone(), unit].into_iter().chain(numbers).collect()
        })
        .collect();
    table(&header.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}
