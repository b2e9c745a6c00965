//! Figures: what a run, a sweep or a comparison looks like.
//!
//! Every figure is drawn once, as a [`sheet::Sheet`], and written as PNG and SVG; its numbers lie beside it as CSV with
//! the same stem. Fonts are embedded, so a figure has the same bytes on every machine. To add one: a function in a file
//! here that returns [`DrawnFigure`] figures, and its line in [`draw_run`], [`draw_sweep`] or [`draw_compare`].

mod claim;
mod compare;
mod course;
mod ensemble;
mod evidence;
mod grade;
mod needling;
mod panel;
mod practice;
mod precision;
mod profile;
mod roofline;
mod section;
pub mod sheet;
mod strike;
pub mod style;
mod sweep;

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use crate::base::error::Result;
use crate::base::folder::name::distinct;
use crate::present::output::ensemble::Ensemble;
use crate::present::output::sweep::Sweep;
use crate::present::output::{KeptRun, file, table};
use crate::study::bench::Report;
use crate::study::claims::{Claim, ClaimAnswer, ClaimFindings};
use crate::study::evidence::ObservationRow;
pub use course::{columns, group_of, is_part, main_ones};
pub use precision::Precision;
use sheet::Sheet;

/// A figure on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// Name of its files without ending.
    pub stem: String,
    /// What it shows, in a few words.
    pub title: String,
    /// What to see, and how it was made.
    pub caption: String,
}

/// A figure before it is written.
#[derive(Debug, Clone)]
pub struct DrawnFigure {
    /// Its names and caption.
    pub figure: Figure,
    /// The marks.
    pub sheet: Sheet,
    /// Header of the table of its numbers.
    pub header: Vec<String>,
    /// Rows of that table.
    pub rows: Vec<Vec<String>>,
}

/// Draws all figures of a run into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn draw_run(kept: &KeptRun<'_>, folder: &Path) -> Result<Vec<Figure>> {
    let draw: [fn(&KeptRun<'_>) -> Vec<DrawnFigure>; 9] = [
        |kept| course::benefit_and_risk(kept).into_iter().collect(),
        |kept| course::after_session(kept).into_iter().collect(),
        |kept| grade::timeline(kept).into_iter().collect(),
        course::whole,
        |kept| needling::depths(kept).into_iter().collect(),
        |kept| needling::ruptures(kept).into_iter().collect(),
        |kept| practice::carried_off(kept).into_iter().collect(),
        section::maps,
        |kept| profile::profiles(kept).into_iter().collect(),
    ];
    let drawn = draw.par_iter().flat_map_iter(|draw| draw(kept)).collect();
    write(drawn, folder)
}

/// Draws the figures of a sweep into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn draw_sweep(sweep: &Sweep, folder: &Path) -> Result<Vec<Figure>> {
    write(sweep::figures(sweep), folder)
}

/// Draws the figures of an ensemble into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn draw_ensemble(ensemble: &Ensemble, folder: &Path) -> Result<Vec<Figure>> {
    write(ensemble::figures(ensemble), folder)
}

/// Draws the figures that compare runs, each under a name, into a folder. Differences are to the first run.
///
/// # Errors
/// A file cannot be written.
pub fn draw_compare(runs: &[(String, &KeptRun<'_>)], folder: &Path) -> Result<Vec<Figure>> {
    write(compare::figures(runs), folder)
}

/// Draws the table of evidence into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn draw_evidence(rows: &[ObservationRow], folder: &Path) -> Result<Vec<Figure>> {
    write(vec![evidence::figure(rows)], folder)
}

/// Draws what a claim rests on into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn draw_claim(claim: &Claim, findings: &ClaimFindings, answer: &ClaimAnswer, folder: &Path) -> Result<Vec<Figure>> {
    write(claim::figure(claim, findings, answer).into_iter().collect(), folder)
}

/// Draws the figures of a benchmark into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn draw_bench(report: &Report, folder: &Path) -> Result<Vec<Figure>> {
    write(vec![roofline::roofline(report)], folder)
}

/// Draws work and precision of integrators into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn draw_precision(points: &[Precision], folder: &Path) -> Result<Vec<Figure>> {
    write(vec![precision::figure(points)], folder)
}

/// Draws a single strike into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn draw_strike(strike: &crate::skin::needling::Single, folder: &Path) -> Result<Vec<Figure>> {
    write(vec![strike::course(strike), strike::maps(strike)], folder)
}

fn write(drawn: Vec<DrawnFigure>, folder: &Path) -> Result<Vec<Figure>> {
    file::make_folder(folder)?;
    let mut drawn = drawn;
    let stems = distinct(drawn.iter().map(|drawn| drawn.figure.stem.as_str()), &[]);
    for (drawn, stem) in drawn.iter_mut().zip(stems) {
        drawn.figure.stem = stem;
        number(&mut drawn.header);
    }
    drawn
        .into_par_iter()
        .map(|DrawnFigure { figure, sheet, header, rows }| {
            sheet.write(folder, &figure.stem)?;
            table::write_csv(&folder.join(format!("{}.csv", figure.stem)), &header, rows)?;
            Ok(figure)
        })
        .collect()
}

/// Tells apart columns of one name, as of an observable that is called like an axis.
fn number(header: &mut [String]) {
    for index in 1..header.len() {
        let (before, own) = header.split_at_mut(index);
        let plain = own[0].clone();
        let mut count = 1;
        while before.contains(&own[0]) {
            count += 1;
            own[0] = format!("{plain}_{count}");
        }
    }
}

/// A header from plain texts.
fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Where the panels of a figure with several go: the inside of each, row by row, and the height of the sheet.
fn layout(count: usize, top: f64) -> (Vec<[f64; 4]>, f64) {
    let columns = match count {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    };
    let height = match columns {
        1 => 520.0,
        2 => 330.0,
        _ => 250.0,
    };
    let (left, gap, below) = (110.0, 110.0, 150.0);
    let width = (sheet::WIDTH - left - 40.0 - gap * (columns - 1) as f64) / columns as f64;
    let inside = (0..count).map(|index| {
        let (row, column) = ((index / columns) as f64, (index % columns) as f64);
        let (x, y) = (left + column * (width + gap), top + row * (height + below));
        [x, y, x + width, y + height]
    });
    let rows = count.div_ceil(columns).max(1) as f64;
    (inside.collect(), top + rows * (height + below) - below + 90.0)
}
