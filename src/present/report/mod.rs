//! A report that is one file: it reads on a phone, offline, in the dark; pictures and style are inside it.
//!
//! The three reports (run, sweep, comparison) are one template filled with a `document::Document`; what is said in words
//! is in `words`, what is told in tables in `table`.

mod claims;
mod document;
mod influence;
mod table;
mod words;

use std::path::Path;

use crate::base::error::{Result, printable};
use crate::present::output::ensemble::Ensemble;
use crate::present::output::sweep::Sweep;
use crate::present::output::{KeptRun, Provenance};
use crate::present::plot::Figure;
pub use claims::{IllustratedAnswer, run_folder, write_claims};
use document::{Document, EvidenceSummary};

/// Templates that are filled with what others wrote: signs that act are spelt out, and names that end in `.html` are escaped.
fn environment() -> minijinja::Environment<'static> {
    let mut environment = minijinja::Environment::new();
    environment.set_formatter(|out, state, value| match value.as_str().filter(|_| !value.is_safe()) {
        Some(text) => minijinja::escape_formatter(out, state, &minijinja::Value::from(printable(text))),
        None => minijinja::escape_formatter(out, state, value),
    });
    environment
}

/// What every report ends with.
const LIMITS: [&str; 5] = [
    "This is research software, not medical advice. Nobody should be treated, or not treated, because of it.",
    "The answer is that of one model and one set of constants. What was tuned or assumed may be wrong, and a different \
     model may answer differently.",
    "It describes an average piece of skin of the person named above. People differ; the spread between persons is not in \
     these numbers unless the question asks for it.",
    "Indices (redness, itch, scar and others without a unit) order situations; they are not clinical scores.",
    "A symptom counts as over from the first recorded day after the last session on which its deviation stays within 5 % \
     of its peak.",
];

/// Writes the report of a run to `path`. The figures are those that `plot::draw_run` left in `figures_folder`.
///
/// # Errors
/// A figure cannot be read, or the report cannot be written.
pub fn write_run(
    path: &Path,
    kept: &KeptRun<'_>,
    provenance: &Provenance,
    figures: &[Figure],
    figures_folder: &Path,
) -> Result<()> {
    let about = &kept.about;
    Document {
        kind: "A run of dermasim".into(),
        title: crate::present::plot::style::title(&about.name.replace('-', " ")),
        question: about.question.clone(),
        answer: words::of_run(kept),
        tables: table::of_run(kept),
        evidence: EvidenceSummary::of(provenance),
        made: vec![
            ("Tissue".into(), about.tissue.clone()),
            ("Response model".into(), about.model.clone()),
            ("Grid".into(), about.geometry.clone()),
            ("Seed".into(), about.seed.to_string()),
            ("Version".into(), format!("dermasim {}", env!("CARGO_PKG_VERSION"))),
            ("Run it again".into(), "scenario.toml in this folder; cost and hashes are in manifest.json".into()),
        ],
        ..Document::new(figures, figures_folder)?
    }
    .write(path)
}

/// Writes the report of a sweep to `path`. The figures are those that `plot::draw_sweep` left in `figures_folder`.
///
/// # Errors
/// A figure cannot be read, or the report cannot be written.
pub fn write_sweep(
    path: &Path,
    sweep: &Sweep,
    provenance: &Provenance,
    figures: &[Figure],
    figures_folder: &Path,
) -> Result<()> {
    Document {
        kind: format!("A sweep of {} runs of dermasim", sweep.points.len()),
        title: crate::present::plot::style::title(&sweep.name.replace('-', " ")),
        question: sweep.question.clone(),
        answer: words::of_sweep(sweep),
        tables: table::of_sweep(sweep),
        evidence: EvidenceSummary::of(provenance),
        made: vec![
            ("Swept".into(), sweep.axes.join(", ")),
            ("Random numbers".into(), "the same at every point".into()),
            ("Version".into(), format!("dermasim {}", env!("CARGO_PKG_VERSION"))),
        ],
        ..Document::new(figures, figures_folder)?
    }
    .write(path)
}

/// Writes the report of an ensemble to `path`. The figures are those that `plot::draw_ensemble` left in `figures_folder`.
///
/// # Errors
/// A figure cannot be read, or the report cannot be written.
pub fn write_ensemble(
    path: &Path,
    ensemble: &Ensemble,
    provenance: &Provenance,
    figures: &[Figure],
    figures_folder: &Path,
) -> Result<()> {
    Document {
        kind: format!("An ensemble of dermasim: {}", ensemble.count()),
        title: crate::present::plot::style::title(&ensemble.name.replace('-', " ")),
        question: ensemble.question.clone(),
        answer: words::of_ensemble(ensemble),
        tables: table::of_ensemble(ensemble),
        evidence: EvidenceSummary::of(provenance),
        made: vec![
            ("Drawn".into(), format!("{} numbers and traits, as a Latin hypercube", ensemble.drawn.len())),
            ("Version".into(), format!("dermasim {}", env!("CARGO_PKG_VERSION"))),
        ],
        ..Document::new(figures, figures_folder)?
    }
    .write(path)
}

/// Writes the report of a comparison to `path`; differences are to the first run. The figures are those that
/// `plot::draw_compare` left in `figures_folder`.
///
/// # Errors
/// A figure cannot be read, or the report cannot be written.
pub fn write_compare(
    path: &Path,
    runs: &[(String, &KeptRun<'_>)],
    figures: &[Figure],
    figures_folder: &Path,
) -> Result<()> {
    let names: Vec<&str> = runs.iter().map(|(name, _)| name.as_str()).collect();
    Document {
        kind: format!("A comparison of {} runs of dermasim", runs.len()),
        title: names.join(" · "),
        question: String::new(),
        answer: words::of_compare(runs),
        tables: table::of_compare(runs),
        evidence: None,
        made: vec![("Version".into(), format!("dermasim {}", env!("CARGO_PKG_VERSION")))],
        ..Document::new(figures, figures_folder)?
    }
    .write(path)
}
