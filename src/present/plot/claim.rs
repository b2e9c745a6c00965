//! What a claim rests on at a glance: courses, readings and trends, with their spread over the samples.

use crate::base::units::{DAY, Unit};
use crate::engine::language::Formula;
use crate::present::output::table;
use crate::present::plot::panel::{Key, Panel, PlotAxis, headline, legend};
use crate::present::plot::sheet::{Align, Colour, Mark, Sheet, shortened};
use crate::present::plot::style::{DASHES, GREY, INK, LINES, PALE, SMALL, font, plain, with_unit};
use crate::present::plot::{DrawnFigure, Figure, header, layout};
use crate::study::claims::{Claim, ClaimAnswer, ClaimFindings, ClaimPanel, Look, ReadingSpread};
use crate::study::evidence::reading::{ReadingEvaluator, RunAnswer};
use crate::study::quantile;

/// The ends of the band that is shown.
const ENDS: [f64; 2] = [0.1, 0.9];
/// The most runs whose bands are filled: more would hide each other.
const FILLED: usize = 2;

/// Rows of the table beside a figure: panel, series, x, value, low, high.
type TableRows = Vec<Vec<String>>;

/// The figure of a claim; none if its file asks for none or the run as written failed.
pub fn figure(claim: &Claim, findings: &ClaimFindings, answer: &ClaimAnswer) -> Option<DrawnFigure> {
    let all: Vec<&Vec<RunAnswer>> = findings
        .samples
        .iter()
        .filter(|sample| sample.aside.is_none())
        .filter_map(|sample| sample.answers.as_ref().ok())
        .collect();
    let sound = findings.samples.first().is_some_and(|sample| sample.answers.is_ok());
    let (written, drawn) = all.split_first().filter(|_| sound && !claim.panels.is_empty())?;
    let mut keys: Vec<Key> = Vec::new();
    let mut shown: Vec<usize> = Vec::new();
    for panel in claim.panels.iter().filter(|panel| matches!(panel.look, Look::Course(..))) {
        shown.extend(panel.runs.iter().filter(|run| !claim.runs[**run].name.is_empty()));
    }
    shown.sort_unstable();
    shown.dedup();
    for run in shown {
        let (colour, dash) = style(run);
        keys.push(Key { text: plain(&claim.runs[run].name), colour, dash, upright: false });
    }
    keys.push(Key { text: "eight in ten samples".into(), colour: pale(GREY), dash: None, upright: false });
    let mut sheet = Sheet::new(0.0);
    let title = format!("{}: {}", claim.id, claim.statement);
    headline(&mut sheet, &title);
    let below = legend(&mut sheet, 30.0, 84.0, &keys);
    let (places, height) = layout(claim.panels.len(), below + 90.0);
    sheet.height = height;
    let mut rows = Vec::new();
    for (panel, place) in claim.panels.iter().zip(&places) {
        match &panel.look {
            Look::Course(name, until) => {
                course(&mut sheet, place, claim, panel, (name, *until), written, drawn, &mut rows)
            }
            Look::Readings(chosen) => {
                let bands: Vec<&ReadingSpread> = chosen.iter().map(|index| &answer.readings[*index]).collect();
                readings(&mut sheet, place, panel, &bands, &mut rows);
            }
            Look::Across(pair, what) => {
                across(&mut sheet, place, claim, panel, (pair, what), written, drawn, &mut rows)
            }
        }
    }
    let figure = Figure {
        stem: "claim".into(),
        title,
        caption: format!(
            "Lines and dots: the run as written. Bands: eight in ten of {} samples, in which persons, or assumed and tuned \
             numbers, differ.",
            drawn.len()
        ),
    };
    Some(DrawnFigure { figure, sheet, header: header(&["panel", "series", "x", "value", "p10", "p90"]), rows })
}

/// How the line of a run looks.
fn style(run: usize) -> (Colour, Option<[f64; 2]>) {
    (LINES[run % LINES.len()], DASHES[run % DASHES.len()])
}

/// A colour on its way to paper.
fn pale((r, g, b): Colour) -> Colour {
    let of = |part: u8| 255 - (255 - part) / 4;
    (of(r), of(g), of(b))
}

/// Low and high of some values, some of which may be missing.
fn ends(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let mut known: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    known.sort_by(f64::total_cmp);
    ENDS.map(|share| if known.is_empty() { f64::NAN } else { quantile(&known, share) })
}

fn framed(place: &[f64; 4], x: PlotAxis, y: PlotAxis) -> Panel {
    let [left, top, right, bottom] = *place;
    Panel { left, top, right, bottom, x, y, down: false }
}

/// A band between two courses.
fn ribbon(panel: &Panel, sheet: &mut Sheet, points: &[(f64, [f64; 2])], colour: Colour) {
    let known: Vec<&(f64, [f64; 2])> =
        points.iter().filter(|(_, [low, high])| low.is_finite() && high.is_finite()).collect();
    let inside = |value: f64| value.clamp(panel.y.low, panel.y.high);
    let low = known.iter().map(|(x, [low, _])| panel.at(*x, inside(*low)));
    let high = known.iter().rev().map(|(x, [_, high])| panel.at(*x, inside(*high)));
    sheet.marks.push(Mark::Shape(low.chain(high).collect(), colour));
}

#[allow(clippy::too_many_arguments)]
fn course(
    sheet: &mut Sheet,
    place: &[f64; 4],
    claim: &Claim,
    asked: &ClaimPanel,
    (name, until): (&str, f64),
    written: &[RunAnswer],
    drawn: &[&Vec<RunAnswer>],
    rows: &mut TableRows,
) {
    struct Line {
        run: usize,
        values: Vec<(f64, f64)>,
        band: Vec<(f64, [f64; 2])>,
    }
    let column = |read: &RunAnswer| read.record.headings.iter().position(|heading| heading.name == name);
    let mut lines = Vec::new();
    for run in &asked.runs {
        let record = &written[*run].record;
        let Some(own) = column(&written[*run]) else { continue };
        let moments = || record.times.iter().enumerate().filter(|(_, time)| **time <= until * (1.0 + 1e-9));
        let values = moments().map(|(row, time)| (time / DAY, record.values[row][own])).collect();
        let at = |sample: &[RunAnswer], row: usize| {
            sample[*run].record.values.get(row).zip(column(&sample[*run])).map_or(f64::NAN, |(row, own)| row[own])
        };
        let band = moments().map(|(row, time)| (time / DAY, ends(drawn.iter().map(|sample| at(sample, row)))));
        lines.push(Line { run: *run, values, band: band.collect() });
    }
    let all = lines.iter().flat_map(|line| {
        line.values.iter().map(|(_, value)| *value).chain(line.band.iter().flat_map(|(_, ends)| *ends))
    });
    let panel = framed(place, PlotAxis::days(0.0, until / DAY, 6), PlotAxis::holding(all, 4));
    for line in &lines {
        let (colour, _) = style(line.run);
        if lines.len() <= FILLED {
            ribbon(&panel, sheet, &line.band, pale(colour));
        } else {
            for end in 0..2 {
                let edge: Vec<(f64, f64)> = line.band.iter().map(|(x, ends)| (*x, ends[end])).collect();
                panel.curve(sheet, &edge, pale(colour), 2.0, None);
            }
        }
    }
    let unit = claim.runs.first().and_then(|run| run.plan.model.observables.get(name)).map(|own| own.unit.to_string());
    panel.frame(sheet, &with_unit(&asked.title, &unit.unwrap_or_default()), "day");
    for line in &lines {
        let (colour, dash) = style(line.run);
        panel.curve(sheet, &line.values, colour, 3.5, dash);
        for ((x, value), (_, [low, high])) in line.values.iter().zip(&line.band) {
            let numbers = [*x, *value, *low, *high].map(told);
            rows.push([vec![asked.title.clone(), claim.runs[line.run].name.clone()], numbers.to_vec()].concat());
        }
    }
}

fn readings(sheet: &mut Sheet, place: &[f64; 4], asked: &ClaimPanel, bands: &[&ReadingSpread], rows: &mut TableRows) {
    let all = bands.iter().flat_map(|band| [band.value, band.low, band.high]).chain([0.0]);
    let unit = bands.first().map_or("", |band| band.shown.as_str());
    let count = bands.len() as f64;
    let y = PlotAxis { low: 0.0, high: count, ticks: Vec::new() };
    let panel = framed(place, PlotAxis::holding(all.filter(|value| value.is_finite()), 5), y);
    panel.frame(sheet, &asked.title, unit);
    panel.upright(sheet, 0.0, PALE, 2.0);
    let line = (place[3] - place[1]) / count;
    for (index, band) in bands.iter().enumerate() {
        let (top, colour) = (place[1] + line * index as f64, LINES[0]);
        let middle = top + 0.68 * line;
        let words = shortened(&band.what, SMALL, false, place[2] - place[0] - 20.0);
        sheet.text((place[0] + 12.0, top + 0.28 * line), words, font(SMALL, INK, Align::Start));
        let x = |value: f64| panel.at(value.clamp(panel.x.low, panel.x.high), 0.0).0;
        if band.low.is_finite() && band.high.is_finite() {
            sheet.marks.push(Mark::Fill(
                (x(band.low), middle - 7.0),
                (x(band.high).max(x(band.low) + 2.0), middle + 7.0),
                pale(colour),
            ));
        }
        if band.value.is_finite() {
            sheet.marks.push(Mark::Disc((x(band.value), middle), 8.0, colour));
        } else {
            sheet.text((place[2] - 12.0, middle), "never", font(SMALL, GREY, Align::End));
        }
        let numbers = [band.value, band.low, band.high].map(told);
        rows.push([vec![asked.title.clone(), band.name.clone(), String::new()], numbers.to_vec()].concat());
    }
}

#[allow(clippy::too_many_arguments)]
fn across(
    sheet: &mut Sheet,
    place: &[f64; 4],
    claim: &Claim,
    asked: &ClaimPanel,
    (pair, what): (&[(Formula, Unit); 2], &str),
    written: &[RunAnswer],
    drawn: &[&Vec<RunAnswer>],
    rows: &mut TableRows,
) {
    let value = |answers: &[RunAnswer], run: usize, (formula, unit): &(Formula, Unit)| {
        let reader = ReadingEvaluator::of(&claim.runs, answers);
        reader.in_run(run, || formula.value(&reader)).map_or(f64::NAN, |value| unit.of(value.value))
    };
    let mut points: Vec<(f64, f64, [f64; 2], &str)> = asked
        .runs
        .iter()
        .map(|run| {
            let spread = ends(drawn.iter().map(|sample| value(sample, *run, &pair[0])));
            (value(written, *run, &pair[1]), value(written, *run, &pair[0]), spread, claim.runs[*run].name.as_str())
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all =
        points.iter().flat_map(|(_, value, [low, high], _)| [*value, *low, *high]).filter(|value| value.is_finite());
    let panel = framed(place, PlotAxis::holding(points.iter().map(|point| point.0), 6), PlotAxis::holding(all, 4));
    let band: Vec<(f64, [f64; 2])> = points.iter().map(|(x, _, ends, _)| (*x, *ends)).collect();
    ribbon(&panel, sheet, &band, pale(LINES[0]));
    panel.frame(sheet, &with_unit(&asked.title, &pair[0].1.text), &with_unit(what, &pair[1].1.text));
    let line: Vec<(f64, f64)> = points.iter().map(|(x, value, ..)| (*x, *value)).collect();
    panel.curve(sheet, &line, LINES[0], 3.5, None);
    for (x, value, [low, high], name) in points {
        if x.is_finite() && value.is_finite() {
            sheet.marks.push(Mark::Disc(panel.at(x, value), 7.0, LINES[0]));
        }
        let numbers = [x, value, low, high].map(told);
        rows.push([vec![asked.title.clone(), name.to_owned()], numbers.to_vec()].concat());
    }
}

fn told(value: f64) -> String {
    table::optional(Some(value).filter(|value| value.is_finite()))
}
