//! All claims on one page: a table, then a section each.

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::base::error::{Error, Result};
use crate::present::output::file;
use crate::present::plot::Figure;
use crate::present::report::document::Picture;
use crate::study::claims::{ClaimAnswer, ReadingSpread, first_sentence};

/// What stands at the end of the page.
const LIMITS: [&str; 5] = [
    "This is research software, not medical advice. Nobody should be treated, or not treated, because of it.",
    "Supported means: it holds in this model for nearly all samples, and published observations that bear on it are met. It \
     does not mean proven.",
    "Bands hold eight in ten of a few samples, in which persons, or assumed and tuned numbers within their ranges, differ. \
     They do not hold what the model leaves out.",
    "Indices without a unit (redness, itch, scar, appearance and others) order situations; they are not clinical scores.",
    "Grids and tolerances are coarser here than in a single run, to answer all claims within minutes.",
];

/// The folder of an answer and its figures, which lie in `figures/` there.
pub type IllustratedAnswer<'a> = (&'a ClaimAnswer, Vec<Figure>);

#[derive(Serialize)]
struct Section<'a> {
    answer: &'a ClaimAnswer,
    verdict: &'static str,
    class: &'static str,
    first: &'a str,
    figures: Vec<Picture>,
    readings: Vec<[String; 3]>,
    runs: Vec<(String, String)>,
    failed: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Page<'a> {
    sections: Vec<Section<'a>>,
    counted: Vec<(&'static str, usize)>,
    limits: [&'static str; 5],
    version: &'static str,
}

/// Writes the page of all claims into `folder`, where each has a folder of its own.
///
/// # Errors
/// A figure cannot be read, or the page cannot be written.
pub fn write_claims(folder: &Path, answers: &[IllustratedAnswer<'_>]) -> Result<()> {
    let sections =
        answers.iter().map(|(answer, figures)| section(folder, answer, figures)).collect::<Result<Vec<_>>>()?;
    let words = ["supported", "weak", "contested", "not decidable"];
    let count = |word: &str| answers.iter().filter(|(answer, _)| answer.verdict.word() == word).count();
    let counted = words.map(|word| (word, count(word))).to_vec();
    let page = Page { sections, counted, limits: LIMITS, version: env!("CARGO_PKG_VERSION") };
    let path = folder.join("index.html");
    let failed = |cause: minijinja::Error| Error::file(&path, "write", io::Error::other(cause));
    let mut environment = super::environment();
    environment.add_template("claims.html", include_str!("claims.html")).map_err(failed)?;
    let filled = environment
        .get_template("claims.html")
        .and_then(|template| template.render(minijinja::value::Serde(&page)))
        .map_err(failed)?;
    file::write(&path, filled)
}

fn section<'a>(folder: &Path, answer: &'a ClaimAnswer, figures: &[Figure]) -> Result<Section<'a>> {
    let own = folder.join(&answer.id);
    let told = |band: &ReadingSpread| {
        let (value, spread) = band.told();
        [band.what.clone(), value, spread]
    };
    let run = |name: &String| {
        let folder = run_folder(name);
        (name.replace('_', " "), format!("{}/runs/{folder}", answer.id))
    };
    let failed = answer.samples.iter().filter(|sample| !sample.failed.is_empty());
    Ok(Section {
        answer,
        verdict: answer.verdict.word(),
        class: match answer.verdict.word() {
            "not decidable" => "open",
            word => word,
        },
        first: first_sentence(&answer.answer),
        figures: figures.iter().map(|figure| Picture::of(figure, &own.join("figures"))).collect::<Result<_>>()?,
        readings: answer.readings.iter().map(told).collect(),
        runs: answer.runs.iter().map(run).collect(),
        failed: failed.map(|sample| (sample.name.clone(), sample.failed.clone())).collect(),
    })
}

/// The folder of a run below `runs/`.
pub fn run_folder(name: &str) -> &str {
    if name.is_empty() { "run" } else { name }
}
