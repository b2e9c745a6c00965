//! What the template shows.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::base::error::{Error, Result};
use crate::base::sourced::Counts;
use crate::present::output::{Provenance, file};
use crate::present::plot::Figure;
use crate::present::report::{LIMITS, influence};

/// A paragraph of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paragraph {
    /// Its first words, set off; may be empty.
    pub lead: String,
    /// The rest.
    pub text: String,
}

/// A table of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What it tells.
    pub title: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// How to read it; may be empty.
    pub note: String,
}

/// A figure with its picture inside.
#[derive(Debug, Clone, Serialize)]
pub struct Picture {
    stem: String,
    title: String,
    caption: String,
    folder: String,
    data: String,
}

/// How many numbers rest on what.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceSummary {
    sentence: String,
    parts: Vec<EvidenceCount>,
    numbers: Vec<NumberRow>,
    /// The assumed ones that matter most.
    strongest: Vec<influence::Strong>,
}

#[derive(Debug, Clone, Serialize)]
struct EvidenceCount {
    name: &'static str,
    count: usize,
}

#[derive(Debug, Clone, Serialize)]
struct NumberRow {
    name: String,
    what: String,
    value: String,
    standing: &'static str,
    checked: bool,
    source: String,
}

/// A report.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    /// What kind of report it is.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// The question in the user's words; may be empty.
    pub question: String,
    /// The answer in plain words.
    pub answer: Vec<Paragraph>,
    /// The figures.
    pub figures: Vec<Picture>,
    /// The tables.
    pub tables: Vec<Table>,
    /// What the numbers rest on, if that is known.
    pub evidence: Option<EvidenceSummary>,
    /// How it was made: names and values.
    pub made: Vec<(String, String)>,
    /// What to keep in mind.
    pub limits: Vec<&'static str>,
    /// Version of the program.
    pub version: &'static str,
}

impl EvidenceSummary {
    /// Counts and lists the numbers; none if none are known.
    pub fn of(provenance: &Provenance) -> Option<Self> {
        let Counts { total, measured, derived, tuned, assumed, unchecked } = provenance.counts();
        if total == 0 {
            return None;
        }
        let counted = [
            ("measured", measured),
            ("derived", derived),
            ("tuned", tuned),
            ("assumed", assumed),
            ("unchecked", unchecked),
        ];
        let parts =
            counted.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| EvidenceCount { name, count });
        let numbers = provenance.numbers.iter().map(|number| NumberRow {
            name: number.name.clone(),
            what: number.what.clone(),
            value: number.value.clone(),
            standing: number.standing(),
            checked: number.checked,
            source: number.source.clone(),
        });
        let share = 100.0 * measured as f64 / total as f64;
        let sentence = format!(
            "Of {total} numbers that went into this, {measured} ({share:.0} %) were measured and read in their source, \
             {derived} derived from others, {tuned} tuned to observations, {assumed} assumed, and {unchecked} recalled as \
             measured but not read again."
        );
        let strongest = influence::strongest(provenance);
        Some(Self { sentence, parts: parts.collect(), numbers: numbers.collect(), strongest })
    }
}

impl Picture {
    /// A picture of a figure whose files lie in `folder`.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn of(figure: &Figure, folder: &Path) -> Result<Self> {
        let load = |ending: &str| {
            let path = folder.join(format!("{}.{ending}", figure.stem));
            std::fs::read(&path).map_err(|cause| Error::file(path, "read", cause))
        };
        // Lines are smaller and sharper as SVG, maps of many cells as PNG.
        let (svg, png) = (load("svg")?, load("png")?);
        let (kind, bytes) = if svg.len() <= png.len() { ("svg+xml", svg) } else { ("png", png) };
        let Figure { stem, title, caption } = figure.clone();
        let folder = folder.file_name().map_or_else(|| ".".into(), |name| name.to_string_lossy().into_owned());
        Ok(Self { stem, title, caption, folder, data: format!("data:image/{kind};base64,{}", STANDARD.encode(bytes)) })
    }
}

impl Document {
    /// A report of these figures, otherwise empty.
    ///
    /// # Errors
    /// A figure cannot be read.
    pub fn new(figures: &[Figure], folder: &Path) -> Result<Self> {
        Ok(Self {
            kind: String::new(),
            title: String::new(),
            question: String::new(),
            answer: Vec::new(),
            figures: figures.iter().map(|figure| Picture::of(figure, folder)).collect::<Result<_>>()?,
            tables: Vec::new(),
            evidence: None,
            made: Vec::new(),
            limits: LIMITS.to_vec(),
            version: env!("CARGO_PKG_VERSION"),
        })
    }

    /// Fills the template and writes it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |cause: minijinja::Error| Error::file(path, "write", io::Error::other(cause));
        let mut environment = super::environment();
        // The name decides that everything is escaped: a question may hold any signs.
        environment.add_template("report.html", include_str!("report.html")).map_err(failed)?;
        let filled = environment
            .get_template("report.html")
            .and_then(|template| template.render(minijinja::value::Serde(self)))
            .map_err(failed)?;
        file::write(path, filled)
    }
}
