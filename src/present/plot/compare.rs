//! Runs side by side: their courses, and how they differ from the first.

use crate::base::units::DAY;
use crate::engine::observe::Record;
use crate::present::output::{KeptRun, table};
use crate::present::plot::course::{GROUPS, columns, course};
use crate::present::plot::panel::{Key, Panel, PlotAxis, headline, legend};
use crate::present::plot::sheet::Sheet;
use crate::present::plot::style::{DASHES, GREY, LINES, title, with_unit};
use crate::present::plot::{DrawnFigure, Figure, header};

/// Panels in one figure.
const PANELS: usize = 6;

/// A figure for each group of observables that all runs have.
pub fn figures(runs: &[(String, &KeptRun<'_>)]) -> Vec<DrawnFigure> {
    let Some((first, _)) = runs.split_first() else { return Vec::new() };
    let mut drawn = Vec::new();
    for (group, stem, name) in GROUPS.into_iter().filter(|(group, ..)| *group != "grade") {
        let everywhere = |column: &usize| {
            let heading = &first.1.record.headings[*column];
            runs.iter().all(|(_, run)| {
                place(&run.record, &heading.name)
                    .is_some_and(|other| run.record.headings[other].unit.text == heading.unit.text)
            })
        };
        let chosen: Vec<usize> = columns(&first.1.record, group).into_iter().filter(everywhere).collect();
        for (part, chosen) in chosen.chunks(PANELS).enumerate() {
            let stem = if part == 0 { format!("compare_{stem}") } else { format!("compare_{stem}_{}", part + 1) };
            // Symptoms pass within days: a whole course would show them as needles.
            let weeks = group == "symptom";
            let name = if weeks { "Symptoms after the first session" } else { name };
            drawn.push(figure(runs, chosen, stem, name, weeks));
        }
    }
    drawn
}

fn place(record: &Record, name: &str) -> Option<usize> {
    record.headings.iter().position(|heading| heading.name == name)
}

/// The days that are shown: the whole course, or the weeks after the first session of the first run that has one.
fn window(runs: &[(String, &KeptRun<'_>)], weeks: bool) -> (f64, f64) {
    let end = runs.iter().filter_map(|(_, run)| run.record.times.last()).fold(0.0f64, |end, time| end.max(*time)) / DAY;
    let sessions = runs.iter().map(|(_, run)| &run.record.acts).find(|sessions| !sessions.is_empty());
    match sessions.filter(|_| weeks) {
        None => (0.0, end),
        Some(sessions) => {
            let first = sessions[0] / DAY;
            let next = sessions.get(1).map_or(end, |next| next / DAY);
            (first, next.min(first + 28.0).min(end).max(first))
        }
    }
}

fn figure(runs: &[(String, &KeptRun<'_>)], chosen: &[usize], stem: String, name: &str, weeks: bool) -> DrawnFigure {
    let runs = &runs[..runs.len().min(LINES.len())];
    let mut sheet = Sheet::new(0.0);
    headline(&mut sheet, name);
    let keys: Vec<Key> = runs
        .iter()
        .enumerate()
        .map(|(i, (name, _))| Key { text: name.clone(), colour: LINES[i], dash: DASHES[i], upright: false })
        .collect();
    let top = legend(&mut sheet, 30.0, 84.0, &keys) + 90.0;
    let columns = chosen.len().clamp(1, 3);
    let (left, gap, upper, between, lower, below) = (110.0, 110.0, 300.0, 72.0, 150.0, 150.0);
    let width = (crate::present::plot::sheet::WIDTH - left - 40.0 - gap * (columns - 1) as f64) / columns as f64;
    let pitch = upper + between + lower + below;
    sheet.height = top + chosen.len().div_ceil(columns) as f64 * pitch - below + 90.0;
    let (start, end) = window(runs, weeks);
    let mut rows = Vec::new();
    for (index, column) in chosen.iter().enumerate() {
        let heading = &runs[0].1.record.headings[*column];
        let courses: Vec<Vec<(f64, f64)>> = runs
            .iter()
            .map(|(_, run)| place(&run.record, &heading.name).map(|at| course(&run.record, at)).unwrap_or_default())
            .map(|course| course.into_iter().filter(|(day, _)| (start..=end).contains(day)).collect())
            .collect();
        let differences: Vec<Vec<(f64, f64)>> = courses.iter().map(|other| difference(other, &courses[0])).collect();
        let x = left + (index % columns) as f64 * (width + gap);
        let y = top + (index / columns) as f64 * pitch;
        let days = || PlotAxis::days(start, end, if columns > 1 { 4 } else { 9 });
        let above = Panel {
            left: x,
            top: y,
            right: x + width,
            bottom: y + upper,
            x: days(),
            y: PlotAxis::holding(courses.iter().flatten().map(|(_, value)| *value), 4),
            down: false,
        };
        above.frame(&mut sheet, &with_unit(&title(&heading.name), &heading.unit.to_string()), "");
        let under = Panel {
            top: y + upper + between + 30.0,
            bottom: y + upper + between + lower,
            y: PlotAxis::holding(differences.iter().flatten().map(|(_, value)| *value).chain([0.0]), 2),
            ..above.clone()
        };
        under.frame(&mut sheet, &format!("difference to {}", runs[0].0), "time [d]");
        under.level(&mut sheet, 0.0, GREY, 1.5);
        for (number, (values, difference)) in courses.iter().zip(&differences).enumerate() {
            above.curve(&mut sheet, values, LINES[number], 4.0, DASHES[number]);
            if number > 0 {
                under.curve(&mut sheet, difference, LINES[number], 4.0, DASHES[number]);
            }
            for ((day, value), (_, difference)) in values.iter().zip(difference) {
                let numbers = [*day, *value, *difference].map(table::number);
                rows.push([heading.name.clone(), runs[number].0.clone()].into_iter().chain(numbers).collect());
            }
        }
    }
    let figure = Figure {
        stem,
        title: name.to_owned(),
        caption: format!(
            "Upper panels: the runs. Lower panels: how each differs from {} (which is read off between its recorded times).",
            runs[0].0
        ),
    };
    DrawnFigure { figure, sheet, header: header(&["observable", "run", "day", "value", "difference"]), rows }
}

/// A course minus another, at the times of the first.
fn difference(course: &[(f64, f64)], other: &[(f64, f64)]) -> Vec<(f64, f64)> {
    course
        .iter()
        .enumerate()
        .map(|(index, (day, value))| {
            // At a session a time occurs twice, before and after; the second one is compared with the second one.
            let again = index > 0 && course[index - 1].0 == *day;
            (*day, value - interpolated(other, *day, again))
        })
        .collect()
}

fn interpolated(course: &[(f64, f64)], day: f64, later: bool) -> f64 {
    let next = course.partition_point(|(other, _)| if later { *other <= day } else { *other < day });
    if later && next > 0 && course[next - 1].0 == day {
        return course[next - 1].1;
    }
    match (next.checked_sub(1).and_then(|before| course.get(before)), course.get(next)) {
        (_, Some((other, value))) if *other == day => *value,
        (Some((from, low)), Some((to, high))) if to > from => low + (high - low) * (day - from) / (to - from),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_compared_before_with_before_and_after_with_after() {
        let one = [(0.0, 1.0), (0.0, 5.0), (2.0, 3.0)];
        let other = [(0.0, 0.0), (0.0, 2.0), (1.0, 2.0), (4.0, 5.0)];
        let got: Vec<f64> = difference(&one, &other).into_iter().map(|(_, value)| value).collect();
        assert_eq!(got, [1.0, 3.0, 0.0]);
        assert!(interpolated(&other, 9.0, false).is_nan());
    }
}
