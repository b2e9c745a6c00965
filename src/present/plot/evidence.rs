//! Evidence at a glance: every reading against its band.

use crate::present::output::table;
use crate::present::plot::panel::headline;
use crate::present::plot::sheet::{Align, Mark, Point, Sheet, WIDTH, shortened};
use crate::present::plot::style::{FAINT, GREY, INK, LINES, PALE, SMALL, bold, font, short, unit};
use crate::present::plot::{DrawnFigure, Figure, header};
use crate::study::evidence::{ObservationKind, ObservationRow, ReadingOutcome};

/// Height of the line of a reading.
const LINE: f64 = 36.0;
/// Where the accepted band is drawn, and how far beyond it readings are shown.
const BAND: [f64; 2] = [850.0, 1010.0];
const BEYOND: f64 = 100.0;
/// Met and missed, as colour-blind people tell them apart; the form differs too.
const MET: crate::present::plot::sheet::Colour = LINES[0];
const MISSED: crate::present::plot::sheet::Colour = LINES[1];

/// One figure of all rows.
pub fn figure(rows: &[ObservationRow]) -> DrawnFigure {
    let mut sheet = Sheet::new(0.0);
    headline(&mut sheet, "Simulation against published observations");
    let mut y = 110.0;
    legend(&mut sheet, y);
    y += 62.0;
    let mut table_rows = Vec::new();
    for (heading, chosen) in parts(rows) {
        sheet.text((30.0, y), heading, bold(SMALL));
        y += LINE;
        for row in chosen {
            let top = y - 0.5 * LINE;
            for (index, reading) in row.readings.iter().enumerate() {
                line(&mut sheet, y, if index == 0 { &row.id } else { "" }, reading);
                y += LINE;
                table_rows.push(vec![
                    row.id.clone(),
                    reading.what.clone(),
                    table::optional(reading.value),
                    table::optional(reading.at_least),
                    table::optional(reading.at_most),
                    if reading.met { "met" } else { "missed" }.to_owned(),
                ]);
            }
            sheet.line(vec![(30.0, top), (WIDTH - 30.0, top)], FAINT, 1.0);
        }
        y += 0.5 * LINE;
    }
    sheet.height = y + 20.0;
    let met = rows.iter().filter(|row| row.met && row.kind == ObservationKind::Observation).count();
    let all = rows.iter().filter(|row| row.kind == ObservationKind::Observation).count();
    let figure = Figure {
        stem: "evidence".into(),
        title: "Simulation against published observations".into(),
        caption: format!(
            "Each reading against the band in which it has to lie (grey). {met} of {all} observations are met; fits and \
             identities are shown apart and not counted."
        ),
    };
    let header = header(&["id", "reading", "simulated", "at_least", "at_most", "verdict"]);
    DrawnFigure { figure, sheet, header, rows: table_rows }
}

/// Rows under the headings that belong together.
fn parts(rows: &[ObservationRow]) -> Vec<(String, Vec<&ObservationRow>)> {
    use crate::study::evidence::Group;
    let groups = [
        ("Response of the skin", Some(Group::Response)),
        ("Response, direction only", Some(Group::Sign)),
        ("Needles", Some(Group::Needling)),
        ("Measured quantities", Some(Group::Quantity)),
        ("Fits and identities, not counted", None),
    ];
    groups
        .into_iter()
        .map(|(heading, group)| {
            let own: Vec<&ObservationRow> = rows
                .iter()
                .filter(|row| (row.kind == ObservationKind::Observation) == group.is_some())
                .filter(|row| group.is_none_or(|group| row.group == group))
                .collect();
            let met = own.iter().filter(|row| row.met).count();
            (format!("{heading}: {met} of {} met", own.len()), own)
        })
        .filter(|(_, own)| !own.is_empty())
        .collect()
}

fn legend(sheet: &mut Sheet, y: f64) {
    let mut x = 30.0;
    for (met, words) in [(true, "met"), (false, "missed")] {
        mark(sheet, (x + 10.0, y), met);
        sheet.text((x + 32.0, y), words, font(SMALL, INK, Align::Start));
        x += 150.0;
    }
    sheet.marks.push(Mark::Fill((x, y - 12.0), (x + 60.0, y + 12.0), PALE));
    sheet.text((x + 72.0, y), "accepted band (open where it has one end)", font(SMALL, INK, Align::Start));
    sheet.text((WIDTH - 270.0, y), "simulated", font(SMALL, GREY, Align::End));
    sheet.text((WIDTH - 40.0, y), "accepted", font(SMALL, GREY, Align::End));
}

fn line(sheet: &mut Sheet, y: f64, id: &str, reading: &ReadingOutcome) {
    sheet.text((30.0, y), id, bold(SMALL));
    let width = BAND[0] - BEYOND - 120.0;
    sheet.text((110.0, y), shortened(&reading.what, SMALL, false, width), font(SMALL, INK, Align::Start));
    let (from, to) = (BAND[0] - if reading.at_least.is_none() { BEYOND } else { 0.0 }, BAND[1]);
    let to = to + if reading.at_most.is_none() { BEYOND } else { 0.0 };
    sheet.marks.push(Mark::Fill((from, y - 11.0), (to, y + 11.0), PALE));
    if let Some(value) = reading.value {
        mark(sheet, (place(reading, value), y), reading.met);
    }
    let told = match unit(&reading.unit) {
        unit if unit.is_empty() => reading.value.map_or("never".into(), short),
        unit => format!("{} {unit}", reading.value.map_or("never".into(), short)),
    };
    sheet.text((WIDTH - 270.0, y), told, font(SMALL, if reading.met { INK } else { MISSED }, Align::End));
    let accepted = match (reading.at_least, reading.at_most) {
        (Some(low), Some(high)) if low == high => short(low),
        (Some(low), Some(high)) => format!("{} to {}", short(low), short(high)),
        (Some(low), None) => format!("≥ {}", short(low)),
        (None, Some(high)) => format!("≤ {}", short(high)),
        (None, None) => String::new(),
    };
    sheet.text((WIDTH - 40.0, y), accepted, font(SMALL, GREY, Align::End));
}

/// Where a value stands: bands are drawn equally wide, so that all readings share one scale. With one end, the distance to it
/// is told in parts of it.
fn place(reading: &ReadingOutcome, value: f64) -> f64 {
    let width = BAND[1] - BAND[0];
    let part = match (reading.at_least, reading.at_most) {
        (Some(low), Some(high)) if high > low => (value - low) / (high - low),
        (Some(low), Some(_)) => 0.5 + (value - low) / low.abs().max(1e-300),
        (Some(low), None) => (value - low) / low.abs().max(value.abs()).max(1e-300),
        (None, Some(high)) => 1.0 - (high - value) / high.abs().max(value.abs()).max(1e-300),
        (None, None) => 0.5,
    };
    (BAND[0] + part * width).clamp(BAND[0] - BEYOND + 10.0, BAND[1] + BEYOND - 10.0)
}

fn mark(sheet: &mut Sheet, (x, y): Point, met: bool) {
    if met {
        sheet.marks.push(Mark::Disc((x, y), 8.0, MET));
    } else {
        let r = 11.0;
        sheet.marks.push(Mark::Shape(vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y)], MISSED));
    }
}
