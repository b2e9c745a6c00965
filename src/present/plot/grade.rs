//! Symptoms as people live through them: when each is there, and how marked.

use crate::base::units::DAY;
use crate::present::output::{KeptRun, table};
use crate::present::plot::course::{columns, course};
use crate::present::plot::panel::headline;
use crate::present::plot::sheet::{Align, Colour, Mark, Sheet, WIDTH, shortened};
use crate::present::plot::style::{FAINT, GREY, INK, PAPER, SMALL, bold, font, title};
use crate::present::plot::{DrawnFigure, Figure, header};

/// Height of the line of a symptom.
const LINE: f64 = 52.0;
/// Where time begins and ends on the sheet.
const TIME: [f64; 2] = [330.0, WIDTH - 300.0];
/// Grades 1 to 3, dark for severe; the same order in grey.
const GRADES: [(Colour, &str); 3] = [((253, 219, 150), "mild"), ((224, 130, 50), "moderate"), ((127, 39, 4), "severe")];

/// The time line of the observables of group "grade", from the first session to the next or for four weeks.
pub fn timeline(kept: &KeptRun<'_>) -> Option<DrawnFigure> {
    let record = &kept.record;
    let chosen = columns(record, "grade");
    let first = record.acts.first()? / DAY;
    let last = record.times.last()? / DAY;
    let until = record.acts.get(1).map_or(last, |next| next / DAY).min(first + 28.0).min(last) - first;
    if chosen.is_empty() || until <= 0.1 {
        return None;
    }
    let mut sheet = Sheet::new(0.0);
    headline(&mut sheet, "Symptoms by grade after the first session");
    let mut x = 30.0;
    for (colour, word) in GRADES {
        sheet.marks.push(Mark::Fill((x, 74.0), (x + 40.0, 98.0), colour));
        sheet.text((x + 52.0, 86.0), word, font(SMALL, INK, Align::Start));
        x += 190.0;
    }
    // Hours and weeks on one axis: even in the logarithm of one hour more than the time.
    let place = |days: f64| {
        let part = (1.0 + 24.0 * days.clamp(0.0, until)).ln() / (1.0 + 24.0 * until).ln();
        TIME[0] + part * (TIME[1] - TIME[0])
    };
    let (top, bottom) = (150.0, 150.0 + LINE * chosen.len() as f64);
    for (days, word) in [
        (0.0, "0"),
        (1.0 / 24.0, "1 h"),
        (0.25, "6 h"),
        (1.0, "1 d"),
        (2.0, "2 d"),
        (4.0, "4 d"),
        (7.0, "7 d"),
        (14.0, "14 d"),
        (28.0, "28 d"),
    ]
    .into_iter()
    .filter(|(days, _)| *days <= until + 1e-9)
    {
        sheet.line(vec![(place(days), top - 10.0), (place(days), bottom)], FAINT, 1.5);
        sheet.text((place(days), bottom + 22.0), word, font(SMALL, GREY, Align::Middle));
    }
    sheet.text((WIDTH - 40.0, top - 30.0), "gone after", font(SMALL, GREY, Align::End));
    let mut rows = Vec::new();
    for (index, column) in chosen.iter().enumerate() {
        let heading = &record.headings[*column];
        let y = top + LINE * (index as f64 + 0.5);
        let name = title(heading.name.trim_start_matches("grade_"));
        let whole = !heading.name.starts_with("grade_");
        let style = if whole { bold(SMALL) } else { font(SMALL, INK, Align::Start) };
        sheet.text((30.0, y), shortened(&name, SMALL, whole, TIME[0] - 50.0), style);
        let points: Vec<(f64, f64)> = course(record, *column)
            .into_iter()
            .map(|(day, grade)| (day - first, grade))
            .filter(|(day, _)| (0.0..=until).contains(day))
            .collect();
        let mut gone = 0.0;
        for pair in points.windows(2) {
            // A grade holds until somebody looks again; the look just before a session is not part of what follows it.
            let ((from, grade), (to, _)) = (pair[0], pair[1]);
            let grade = if from == to { continue } else { grade };
            if let Some((colour, _)) = (grade as usize).checked_sub(1).and_then(|grade| GRADES.get(grade)) {
                sheet.marks.push(Mark::Fill((place(from), y - 16.0), (place(to), y + 16.0), *colour));
                gone = to;
            }
            rows.push(vec![heading.name.clone(), table::number(from), table::number(to), table::number(grade)]);
        }
        let told = match gone {
            0.0 => "never there".to_owned(),
            gone if gone >= until => "still there".to_owned(),
            gone if gone < 2.0 => format!("{:.0} h", (24.0 * gone).ceil()),
            gone => format!("{:.0} d", gone.ceil()),
        };
        sheet.text((WIDTH - 40.0, y), told, font(SMALL, INK, Align::End));
    }
    sheet.height = bottom + 70.0;
    sheet.marks.insert(0, Mark::Fill((0.0, 0.0), (WIDTH, sheet.height), PAPER));
    let figure = Figure {
        stem: "grades".into(),
        title: "Symptoms by grade after the first session".into(),
        caption: "When each symptom is there and how marked, on an axis that gives hours and weeks their room. The thresholds \
                  of the grades are chosen; they stand in the model file."
            .into(),
    };
    Some(DrawnFigure { figure, sheet, header: header(&["symptom", "from_day", "to_day", "grade"]), rows })
}
