//! Time courses.

use crate::base::units::DAY;
use crate::engine::observe::{Heading, Record};
use crate::present::output::{KeptRun, table};
use crate::present::plot::panel::{Key, Panel, PlotAxis, headline, legend, spread};
use crate::present::plot::sheet::{Align, Sheet, WIDTH, shortened};
use crate::present::plot::style::{DASHES, GREY, INK, LINES, PALE, SMALL, font, title, unit, with_unit};
use crate::present::plot::{DrawnFigure, Figure, header, layout};
use crate::run::answer::deviation;

/// Panels in one figure; more go into a second one.
const PANELS: usize = 12;

/// The parts of an answer in the order in which they are shown: group, stem, title.
pub const GROUPS: [(&str, &str, &str); 5] = [
    ("symptom", "symptoms", "Symptoms over the whole course"),
    ("grade", "grades_whole", "Symptoms by grade over the whole course"),
    ("gain", "gains", "Gains over the whole course"),
    ("risk", "risks", "Risks over the whole course"),
    ("state", "states", "States of the skin over the whole course"),
];

/// The part of the answer an observable is shown with; what the model file does not place is a state.
pub fn group_of(heading: &Heading) -> &str {
    let known = GROUPS.iter().any(|(group, ..)| *group == heading.group);
    if known { &heading.group } else { "state" }
}

/// The observables of a group: their columns in the record.
pub fn columns(record: &Record, group: &str) -> Vec<usize> {
    (0..record.headings.len()).filter(|column| group_of(&record.headings[*column]) == group).collect()
}

/// Those of some observables that stand for themselves; parts of others (see [`is_part`]) are left out.
pub fn main_ones(record: &Record, columns: &[usize]) -> Vec<usize> {
    let name = |column: &usize| record.headings[*column].name.as_str();
    columns.iter().copied().filter(|column| !is_part(name(column), columns.iter().map(name))).collect()
}

/// Whether a name extends another of them: `collagen_I_papillary` is a part of `collagen_I` where that is there.
pub fn is_part<'a>(name: &str, mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|other| name.strip_prefix(other).is_some_and(|rest| rest.starts_with('_')))
}

/// The course of one observable: days and values.
pub fn course(record: &Record, column: usize) -> Vec<(f64, f64)> {
    let value = |row: &Vec<f64>| row.get(column).copied().unwrap_or(f64::NAN);
    record.times.iter().zip(&record.values).map(|(time, row)| (time / DAY, value(row))).collect()
}

fn session_days(record: &Record) -> Vec<f64> {
    record.acts.iter().map(|time| time / DAY).collect()
}

/// Every group over the whole run, a panel for each observable.
pub fn whole(kept: &KeptRun<'_>) -> Vec<DrawnFigure> {
    let end = kept.record.times.last().map_or(1.0, |time| time / DAY);
    let start = kept.record.times.first().map_or(0.0, |time| time / DAY);
    let mut drawn = Vec::new();
    // Grades have a time line of their own.
    for (group, stem, name) in GROUPS.into_iter().filter(|(group, ..)| *group != "grade") {
        let all = columns(&kept.record, group);
        for (part, chosen) in all.chunks(PANELS).enumerate() {
            let stem = if part == 0 { stem.to_owned() } else { format!("{stem}_{}", part + 1) };
            let caption = format!(
                "Each panel is one observable with its own axis: {}. Dashed grey: the same skin without needling. \
                 Vertical lines: sessions.",
                meanings(&kept.record, chosen)
            );
            drawn.push(multiples(kept, chosen, &stem, name, caption, (start, end)));
        }
    }
    drawn
}

/// Symptoms in the weeks after the first session, where a whole course shows only spikes.
pub fn after_session(kept: &KeptRun<'_>) -> Option<DrawnFigure> {
    let days = session_days(&kept.record);
    let first = *days.first()?;
    let end = kept.record.times.last()? / DAY;
    let next = days.get(1).copied().unwrap_or(end).min(end);
    let until = next.min(first + 28.0);
    let chosen: Vec<usize> = columns(&kept.record, "symptom").into_iter().take(PANELS).collect();
    // Worth a figure only if the course goes on for much longer.
    if chosen.is_empty() || until <= first || end - first < 2.0 * (until - first) {
        return None;
    }
    let caption = format!(
        "The symptoms of the figure below, from the first session to day {}: {}.",
        crate::present::plot::style::day(until),
        meanings(&kept.record, &chosen)
    );
    Some(multiples(kept, &chosen, "symptoms_first_weeks", "Symptoms after the first session", caption, (first, until)))
}

fn meanings(record: &Record, chosen: &[usize]) -> String {
    let said = chosen.iter().map(|column| {
        let Heading { name, what, .. } = &record.headings[*column];
        let name = title(name);
        if what.is_empty() || what.eq_ignore_ascii_case(&name) { name } else { format!("{name} ({what})") }
    });
    said.collect::<Vec<_>>().join("; ")
}

fn multiples(
    kept: &KeptRun<'_>,
    chosen: &[usize],
    stem: &str,
    name: &str,
    caption: String,
    (start, end): (f64, f64),
) -> DrawnFigure {
    let record = &kept.record;
    let (places, height) = layout(chosen.len(), 170.0);
    let mut sheet = Sheet::new(height);
    headline(&mut sheet, name);
    let sessions = session_days(record);
    let mut keys = vec![key("needled", LINES[0], None)];
    if !kept.control.times.is_empty() {
        keys.push(key("without needling", GREY, Some([10.0, 8.0])));
    }
    if !sessions.is_empty() {
        keys.push(Key { upright: true, ..key("session", PALE, None) });
    }
    legend(&mut sheet, 30.0, 84.0, &keys);
    let mut rows = Vec::new();
    for (column, [left, top, right, bottom]) in chosen.iter().zip(&places) {
        let heading = &record.headings[*column];
        let shown = |record: &Record| -> Vec<(f64, f64)> {
            course(record, *column).into_iter().filter(|(day, _)| (start..=end).contains(day)).collect()
        };
        let (ours, control) = (shown(record), shown(&kept.control));
        let values = ours.iter().chain(&control).map(|(_, value)| *value).chain([heading.rest]);
        let count = if places.len() > 4 { 3 } else { 4 };
        let panel = Panel {
            left: *left,
            top: *top,
            right: *right,
            bottom: *bottom,
            x: PlotAxis::days(start, end, if chosen.len() > 4 { 4 } else { 8 }),
            y: PlotAxis::holding(values, count),
            down: false,
        };
        panel.frame(&mut sheet, &with_unit(&title(&heading.name), &heading.unit.to_string()), "time [d]");
        for day in &sessions {
            panel.upright(&mut sheet, *day, PALE, 2.0);
        }
        panel.curve(&mut sheet, &control, GREY, 2.5, Some([10.0, 8.0]));
        panel.curve(&mut sheet, &ours, LINES[0], 4.0, None);
        for (run, values) in [("needled", &ours), ("control", &control)] {
            for (day, value) in values {
                let head = [heading.name.clone(), heading.unit.to_string(), run.to_owned()];
                rows.push(head.into_iter().chain([table::number(*day), table::number(*value)]).collect());
            }
        }
    }
    let figure = Figure { stem: stem.into(), title: name.into(), caption };
    DrawnFigure { figure, sheet, header: header(&["observable", "unit", "run", "day", "value"]), rows }
}

fn key(text: &str, colour: crate::present::plot::sheet::Colour, dash: Option<[f64; 2]>) -> Key {
    Key { text: text.into(), colour, dash, upright: false }
}

/// What is gained, beside what is risked for it, on one time axis.
pub fn benefit_and_risk(kept: &KeptRun<'_>) -> Option<DrawnFigure> {
    let record = &kept.record;
    // Only plain numbers share an axis: gains as change from rest, risks and symptoms as index.
    let plain = |column: &usize| unit(&record.headings[*column].unit.to_string()).is_empty();
    let changes = |column: &usize| {
        let rest = record.headings[*column].rest;
        course(record, *column).iter().any(|(_, value)| deviation(*value, rest) != 0.0)
    };
    let gains: Vec<usize> = main_ones(record, &columns(record, "gain"))
        .into_iter()
        .filter(|column| plain(column) && record.headings[*column].rest > 0.0 && changes(column))
        .take(LINES.len())
        .collect();
    // Symptoms pass in days and have their own figures; they stand in only where a model has no risks.
    let changing = |group: &str| -> Vec<usize> {
        let columns = main_ones(record, &columns(record, group));
        columns.into_iter().filter(|c| plain(c) && changes(c)).take(LINES.len()).collect()
    };
    let (risks, risk_name) = match changing("risk") {
        none if none.is_empty() => (changing("symptom"), "Symptoms: change from rest"),
        risks => (risks, "Risk: change from rest"),
    };
    if gains.is_empty() || risks.is_empty() {
        return None;
    }
    let (start, end) = (record.times.first()? / DAY, record.times.last()? / DAY);
    let mut sheet = Sheet::new(760.0);
    headline(&mut sheet, "Benefit beside risk");
    let mut rows = Vec::new();
    let sides = [
        (&gains, "Benefit: change from rest [%]", 100.0, [110.0, 130.0, 510.0, 650.0]),
        (&risks, risk_name, 1.0, [950.0, 130.0, 1350.0, 650.0]),
    ];
    for (chosen, name, factor, [left, top, right, bottom]) in sides {
        let courses: Vec<Vec<(f64, f64)>> = chosen
            .iter()
            .map(|column| {
                let rest = record.headings[*column].rest;
                let by = if factor == 100.0 { factor / rest } else { factor };
                course(record, *column).into_iter().map(|(day, value)| (day, by * deviation(value, rest))).collect()
            })
            .collect();
        let values = courses.iter().flatten().map(|(_, value)| *value).chain([0.0]);
        let (x, y) = (PlotAxis::days(start, end, 5), PlotAxis::holding(values, 5));
        let panel = Panel { left, top, right, bottom, x, y, down: false };
        panel.frame(&mut sheet, name, "time [d]");
        panel.level(&mut sheet, 0.0, GREY, 1.5);
        for day in session_days(record) {
            panel.upright(&mut sheet, day, PALE, 2.0);
        }
        let ends: Vec<f64> = courses
            .iter()
            .map(|course| course.last().map_or(bottom, |(day, value)| panel.at(*day, *value).1))
            .map(|y| if y.is_finite() { y } else { bottom })
            .collect();
        let labels = spread(&ends, 31.0, top + 8.0, bottom - 8.0);
        for (index, (column, values)) in chosen.iter().zip(&courses).enumerate() {
            let (colour, dash) = (LINES[index], DASHES[index]);
            panel.curve(&mut sheet, values, colour, 4.0, dash);
            let name = &record.headings[*column].name;
            let y = labels[index];
            let sample = [(right + 40.0, y), (right + 84.0, y)];
            sheet.line(vec![(right + 6.0, ends[index].clamp(top, bottom)), (right + 34.0, y)], PALE, 1.5);
            match dash {
                None => sheet.line(sample.to_vec(), colour, 4.0),
                Some(pattern) => sheet.dashed(&sample, colour, 4.0, pattern),
            }
            let room = if left < 500.0 { 950.0 - 75.0 } else { WIDTH } - right - 102.0;
            sheet.text((right + 94.0, y), shortened(&title(name), SMALL, false, room), font(SMALL, INK, Align::Start));
            for (day, value) in values {
                let side = if factor == 100.0 { "benefit [%]" } else { "risk" };
                rows.push(vec![side.to_owned(), name.clone(), table::number(*day), table::number(*value)]);
            }
        }
    }
    let figure = Figure {
        stem: "benefit_and_risk".into(),
        title: "Benefit beside risk".into(),
        caption: "Left: gains as change from rest in per cent. Right: risks (plain indices) as change from rest. \
                  Vertical lines: sessions. Observables with a unit are in the figures of their group."
            .into(),
    };
    Some(DrawnFigure { figure, sheet, header: header(&["side", "observable", "day", "change_from_rest"]), rows })
}
