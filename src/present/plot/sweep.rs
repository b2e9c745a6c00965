//! What a sweep found: every answer against the swept axis.

use indexmap::IndexMap;

use crate::present::output::sweep::{AxisValues, Sweep};
use crate::present::output::table;
use crate::present::plot::course::{GROUPS, is_part};
use crate::present::plot::panel::{Key, Panel, PlotAxis, headline, legend, spread};
use crate::present::plot::sheet::{Align, Mark, Sheet, WIDTH, shortened};
use crate::present::plot::style::{DASHES, GREY, INK, LINES, PALE, SMALL, font, plain, title, unit, with_unit};
use crate::present::plot::{DrawnFigure, Figure, header, layout};
use crate::run::answer::Answer;
use crate::run::session::ToldNumber;

const PANELS: usize = 12;

/// One curve: its name and its places.
type Curve = (String, Vec<(f64, f64)>);

/// One panel: the observable, its title with unit, and a curve for each combination of the other axes.
struct CurvePanel {
    name: String,
    title: String,
    curves: Vec<Curve>,
}

/// How the points of a sweep lie along its horizontal axis.
struct Abscissa {
    label: String,
    words: Option<Vec<String>>,
    /// Points of each curve: (place along the axis, number of the point), ascending.
    curves: IndexMap<String, Vec<(f64, usize)>>,
    /// Combinations that did not fit into the colours there are.
    left_out: usize,
}

/// All figures of a sweep.
pub fn figures(sweep: &Sweep) -> Vec<DrawnFigure> {
    let Some(along) = along(sweep) else { return Vec::new() };
    let mut drawn: Vec<DrawnFigure> = benefit_and_risk(sweep, &along).into_iter().collect();
    for (group, stem, _) in GROUPS.into_iter().filter(|(group, ..)| *group != "grade") {
        let gain = group == "gain";
        let (what, told) = if gain { ("at the end", "at the end of the run") } else { ("peak", "at its peak") };
        let pick = |answer: &Answer| if gain { answer.end } else { answer.rest.zip(answer.peak).map(|(r, p)| r + p) };
        let shown =
            panels(sweep, &along, group, pick, |name, unit| with_unit(&format!("{}, {what}", title(name)), unit));
        let heading = format!("{} against {}", title(stem), axis_name(&along.label));
        let caption = format!("Each observable {told}, with its own axis.");
        drawn.extend(multiples(&along, shown, &format!("sweep_{stem}"), &heading, &caption));
    }
    let shown =
        panels(sweep, &along, "symptom", |answer| answer.resolved_day, |name, _| format!("{} [d]", title(name)));
    let caption = "Day from which each symptom stays within 5 % of its peak; no mark where it does not within the run.";
    drawn.extend(multiples(&along, shown, "sweep_resolution", "When symptoms are over", caption));
    drawn.extend(multiples(
        &along,
        needling(sweep, &along),
        "sweep_needling",
        "What the needles did in the first session",
        "Numbers of the needling model for the first session that change along the sweep.",
    ));
    drawn
}

fn axis_name(label: &str) -> String {
    plain(label.split(" [").next().unwrap_or(label))
}

fn along(sweep: &Sweep) -> Option<Abscissa> {
    let axes: Vec<AxisValues> = (0..sweep.axes.len()).map(|index| sweep.axis(index)).collect();
    let varied = |numbers: &Vec<f64>| numbers.iter().any(|number| *number != numbers[0]);
    let main =
        axes.iter().position(|axis| axis.numbers.as_ref().is_some_and(varied)).or((!axes.is_empty()).then_some(0))?;
    let mut words: Vec<String> = Vec::new();
    let mut curves: IndexMap<String, Vec<(f64, usize)>> = IndexMap::new();
    for (index, point) in sweep.points.iter().enumerate() {
        let text = |axis: usize| point.values.get(axis).cloned().unwrap_or_default();
        let place = match &axes[main].numbers {
            Some(numbers) => numbers[index],
            None => {
                let word = text(main);
                let known = words.iter().position(|other| *other == word);
                known.unwrap_or_else(|| {
                    words.push(word);
                    words.len() - 1
                }) as f64
            }
        };
        let others = (0..axes.len()).filter(|axis| *axis != main);
        let short = |axis: usize| axes[axis].key.rsplit('.').next().unwrap_or_default().to_owned();
        let name: Vec<String> = others.map(|axis| format!("{} {}", plain(&short(axis)), text(axis))).collect();
        curves.entry(name.join(", ")).or_default().push((place, index));
    }
    let left_out = curves.len().saturating_sub(LINES.len());
    curves.truncate(LINES.len());
    for points in curves.values_mut() {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let words = axes[main].numbers.is_none().then_some(words);
    let label = axes[main].label();
    (!curves.is_empty()).then_some(Abscissa { label, words, curves, left_out })
}

fn panels(
    sweep: &Sweep,
    along: &Abscissa,
    group: &str,
    pick: impl Fn(&Answer) -> Option<f64>,
    titled: impl Fn(&str, &str) -> String,
) -> Vec<CurvePanel> {
    let known = |name: &str| GROUPS.iter().any(|(known, ..)| *known == name);
    let mine = sweep.headings.iter().filter(|(_, of, _)| of == group || (group == "state" && !known(of)));
    mine.filter_map(|(name, ..)| {
        let unit = sweep.points.iter().find_map(|point| point.answers.get(name)).map(|answer| answer.unit.clone())?;
        let value = |index: usize| sweep.points[index].answers.get(name).and_then(&pick).unwrap_or(f64::NAN);
        let curves = along.curves.iter().map(|(curve, points)| {
            (curve.clone(), points.iter().map(|(place, index)| (*place, value(*index))).collect())
        });
        Some(CurvePanel { name: name.clone(), title: titled(name, &unit), curves: curves.collect() })
    })
    .collect()
}

fn needling(sweep: &Sweep, along: &Abscissa) -> Vec<CurvePanel> {
    let first = |index: usize| sweep.points[index].needling.first();
    let mut quantities: Vec<ToldNumber> = Vec::new();
    for session in sweep.points.iter().filter_map(|point| point.needling.first()) {
        for told in session.told() {
            if !quantities.iter().any(|known| known.key == told.key) {
                quantities.push(told);
            }
        }
    }
    quantities
        .into_iter()
        .filter_map(|quantity| {
            let value = |index: usize| {
                let found = first(index)?.told().into_iter().find(|told| told.key == quantity.key);
                Some(found?.value)
            };
            let curves: Vec<Curve> = along
                .curves
                .iter()
                .map(|(curve, points)| {
                    let place = |(place, index): &(f64, usize)| (*place, value(*index).unwrap_or(f64::NAN));
                    (curve.clone(), points.iter().map(place).collect())
                })
                .collect();
            // What the sweep does not change is in the table; here it would be a flat line.
            let mut values = curves.iter().flat_map(|(_, values)| values).map(|(_, value)| *value);
            let flat = values.next().is_none_or(|first| values.all(|value| value == first || value.is_nan()));
            let titled = with_unit(&title(&quantity.words), quantity.unit);
            (!flat).then_some(CurvePanel { title: titled, curves, name: quantity.key })
        })
        .collect()
}

impl Abscissa {
    fn axis(&self, count: usize) -> PlotAxis {
        match &self.words {
            Some(words) => PlotAxis::words(words),
            None => {
                let places = || self.curves.values().flatten().map(|(place, _)| *place);
                let (low, high) = places().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p), h.max(p)));
                let room = 0.04 * (high - low);
                PlotAxis::exact(low - room, high + room, count)
            }
        }
    }
}

/// Draws a curve with a mark at each point; words are not joined by lines.
fn draw(sheet: &mut Sheet, panel: &Panel, values: &[(f64, f64)], index: usize, joined: bool) {
    let (colour, dash) = (LINES[index % LINES.len()], DASHES[index % DASHES.len()]);
    if joined {
        panel.curve(sheet, values, colour, 4.0, dash);
    }
    for (x, y) in values.iter().filter(|(_, y)| y.is_finite()) {
        sheet.marks.push(Mark::Disc(panel.at(*x, *y), if joined { 6.0 } else { 9.0 }, colour));
    }
}

fn multiples(along: &Abscissa, shown: Vec<CurvePanel>, stem: &str, heading: &str, caption: &str) -> Vec<DrawnFigure> {
    let known = |shown: &CurvePanel| shown.curves.iter().flat_map(|(_, values)| values).any(|(_, y)| y.is_finite());
    let shown: Vec<CurvePanel> = shown.into_iter().filter(known).collect();
    let many = along.curves.len() > 1;
    shown
        .chunks(PANELS)
        .enumerate()
        .map(|(part, shown)| {
            let mut sheet = Sheet::new(0.0);
            headline(&mut sheet, heading);
            let keys: Vec<Key> = along
                .curves
                .keys()
                .enumerate()
                .map(|(i, name)| Key { text: name.clone(), colour: LINES[i], dash: DASHES[i], upright: false })
                .collect();
            let top = if many { legend(&mut sheet, 30.0, 84.0, &keys) + 90.0 } else { 130.0 };
            let (places, height) = layout(shown.len(), top);
            sheet.height = height;
            let mut rows = Vec::new();
            for (CurvePanel { name, title, curves }, [left, top, right, bottom]) in shown.iter().zip(&places) {
                let values = curves.iter().flat_map(|(_, values)| values).map(|(_, y)| *y);
                let count = if places.len() > 4 { 3 } else { 4 };
                let panel = Panel {
                    left: *left,
                    top: *top,
                    right: *right,
                    bottom: *bottom,
                    x: along.axis(if places.len() > 4 { 4 } else { 6 }),
                    y: PlotAxis::holding(values, count),
                    down: false,
                };
                panel.frame(&mut sheet, title, &plain(&along.label));
                for (index, (curve, values)) in curves.iter().enumerate() {
                    draw(&mut sheet, &panel, values, index, along.words.is_none());
                    for (x, y) in values {
                        let place = match &along.words {
                            Some(words) => words.get(*x as usize).cloned().unwrap_or_default(),
                            None => table::number(*x),
                        };
                        rows.push(vec![name.clone(), curve.clone(), place, table::number(*y)]);
                    }
                }
            }
            let mut caption = caption.to_owned();
            if along.left_out > 0 {
                caption += &format!(" {} more curves are in the table of the sweep only.", along.left_out);
            }
            let stem = if part == 0 { stem.to_owned() } else { format!("{stem}_{}", part + 1) };
            let figure = Figure { stem, title: heading.to_owned(), caption };
            let header = vec!["quantity".into(), "curve".into(), along.label.clone(), "value".into()];
            DrawnFigure { figure, sheet, header, rows }
        })
        .collect()
}

/// Gains and risks against the axis, side by side; for sweeps of one curve, where the lines can be told apart.
fn benefit_and_risk(sweep: &Sweep, along: &Abscissa) -> Option<DrawnFigure> {
    if along.curves.len() != 1 || along.words.is_some() {
        return None;
    }
    let changed =
        |shown: &CurvePanel| shown.curves.iter().flat_map(|(_, v)| v).any(|(_, y)| y.is_finite() && *y != 0.0);
    let plain_only = |shown: &CurvePanel| {
        let answer = sweep.points.iter().find_map(|point| point.answers.get(&shown.name));
        answer.is_some_and(|answer| unit(&answer.unit).is_empty())
    };
    let gain =
        |answer: &Answer| answer.rest.filter(|rest| *rest > 0.0).zip(answer.end).map(|(r, e)| 100.0 * (e / r - 1.0));
    let named = |name: &str, _: &str| title(name);
    let gains = panels(sweep, along, "gain", gain, named);
    let risks = panels(sweep, along, "risk", |answer| answer.peak, named);
    let few = |all: Vec<CurvePanel>| -> Vec<CurvePanel> {
        let names: Vec<String> = all.iter().map(|shown| shown.name.clone()).collect();
        let main = |shown: &CurvePanel| !is_part(&shown.name, names.iter().map(String::as_str));
        all.into_iter().filter(|shown| main(shown) && plain_only(shown) && changed(shown)).take(LINES.len()).collect()
    };
    let (gains, risks) = (few(gains), few(risks));
    if gains.is_empty() || risks.is_empty() {
        return None;
    }
    let mut sheet = Sheet::new(760.0);
    headline(&mut sheet, &format!("Benefit beside risk, against {}", axis_name(&along.label)));
    let mut rows = Vec::new();
    for (shown, name, [left, top, right, bottom]) in [
        (&gains, "Gain at the end, from rest [%]", [110.0, 130.0, 530.0, 650.0]),
        (&risks, "Risk, largest change", [950.0, 130.0, 1370.0, 650.0]),
    ] {
        let values = shown.iter().flat_map(|shown| &shown.curves[0].1).map(|(_, y)| *y).chain([0.0]);
        let panel = Panel { left, top, right, bottom, x: along.axis(5), y: PlotAxis::holding(values, 5), down: false };
        panel.frame(&mut sheet, name, &plain(&along.label));
        panel.level(&mut sheet, 0.0, GREY, 1.5);
        let ends: Vec<f64> = shown
            .iter()
            .map(|shown| shown.curves[0].1.iter().rev().find(|(_, y)| y.is_finite()))
            .map(|last| last.map_or(bottom, |(x, y)| panel.at(*x, *y).1))
            .collect();
        let labels = spread(&ends, 31.0, top + 8.0, bottom - 8.0);
        for (index, shown) in shown.iter().enumerate() {
            let values = &shown.curves[0].1;
            draw(&mut sheet, &panel, values, index, true);
            let y = labels[index];
            sheet.line(vec![(right + 4.0, ends[index]), (right + 34.0, y)], PALE, 1.5);
            sheet.marks.push(Mark::Disc((right + 46.0, y), 6.0, LINES[index]));
            let room = if left < 500.0 { 950.0 - 75.0 } else { WIDTH } - right - 64.0;
            sheet.text((right + 60.0, y), shortened(&shown.title, SMALL, false, room), font(SMALL, INK, Align::Start));
            for (x, y) in values {
                rows.push(vec![shown.name.clone(), table::number(*x), table::number(*y)]);
            }
        }
    }
    let figure = Figure {
        stem: "sweep_benefit_and_risk".into(),
        title: "Benefit beside risk".into(),
        caption: "Left: gains at the end of each run as change from rest. Right: the largest change of risks (plain \
                  indices)."
            .into(),
    };
    let mut header = header(&["observable", "", "change"]);
    header[1] = along.label.clone();
    Some(DrawnFigure { figure, sheet, header, rows })
}
