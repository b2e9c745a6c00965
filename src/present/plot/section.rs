//! Maps of skin: a field on a section, at several moments, with the layers and the channels.

use ndarray::Array3;

use crate::base::units::DAY;
use crate::engine::grid::Shape;
use crate::engine::observe::Snapshot;
use crate::present::output::{KeptRun, table};
use crate::present::plot::panel::{Panel, PlotAxis, headline, spread};
use crate::present::plot::sheet::{Align, Colour, Mark, Point, Sheet, WIDTH, shortened};
use crate::present::plot::style::{
    ColourScale, GREY, INK, LABEL, PAPER, SMALL, font, moment, plain, title, unit, with_unit,
};
use crate::present::plot::{DrawnFigure, Figure, header};

/// Figures at most; a file may keep every field.
const FIGURES: usize = 8;
/// Moments in a figure at most.
const MOMENTS: usize = 6;

/// A figure for each field kept that changes, those that change most first.
pub fn maps(kept: &KeptRun<'_>) -> Vec<DrawnFigure> {
    let shape = &kept.shape;
    if kept.snapshots.is_empty() || shape.x.len() < 3 || shape.z.len() < 3 {
        return Vec::new();
    }
    let moments = moments(&kept.snapshots);
    chosen(kept, FIGURES).into_iter().filter_map(|field| map(kept, field, &moments)).collect()
}

/// Volume fields that change over the snapshots: half of them those that keep most of their change to the end, half the
/// first of the others, which come and go; in the order kept.
pub fn chosen(kept: &KeptRun<'_>, most: usize) -> Vec<usize> {
    let Some(first) = kept.snapshots.first() else { return Vec::new() };
    let deep = |field: &usize| first.fields[*field].2.dim().0 + 1 == kept.shape.z.len();
    // The largest change a field ever shows, and the part of it that is left at the end.
    let change = |field: usize| -> Option<(usize, f64)> {
        let start = &first.fields[field].2;
        let size = start.iter().fold(1e-12f64, |size, value| size.max(value.abs()));
        let far = |snapshot: &Snapshot| {
            let now = snapshot.fields[field].2.iter();
            now.zip(start).map(|(a, b)| (a - b).abs()).fold(0.0f64, f64::max)
        };
        let largest = kept.snapshots.iter().map(far).fold(0.0, f64::max);
        let left = kept.snapshots.last().map_or(0.0, far) / largest;
        (largest > 1e-6 * size).then_some((field, left))
    };
    let mut lasting: Vec<(usize, f64)> = (0..first.fields.len()).filter(deep).filter_map(change).collect();
    lasting.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut passing = lasting.split_off(lasting.len().min(most / 2));
    passing.sort_by_key(|(field, _)| *field);
    let chosen = lasting.iter().chain(passing.iter().take(most - most / 2));
    let mut chosen: Vec<usize> = chosen.map(|(field, _)| *field).collect();
    chosen.sort_unstable();
    chosen
}

/// Which snapshots are shown: all, or a choice spread over them, the first and the last always.
pub fn moments(snapshots: &[Snapshot]) -> Vec<usize> {
    let last = snapshots.len().saturating_sub(1);
    let count = snapshots.len().min(MOMENTS);
    let mut chosen: Vec<usize> =
        (0..count).map(|k| (k as f64 * last as f64 / (count.max(2) - 1) as f64).round() as usize).collect();
    chosen.dedup();
    chosen
}

/// "day 28", "1 h"; at a session it is told whether the holes of that session are there.
pub fn moment_name(kept: &KeptRun<'_>, index: usize) -> String {
    let (snapshots, sessions) = (&kept.snapshots, &kept.record.acts);
    let snapshot = &snapshots[index];
    let name = moment(snapshot.time / DAY);
    if !sessions.iter().any(|session| (session - snapshot.time).abs() < 1.0) {
        return name;
    }
    let before = index.checked_sub(1).map_or(0, |before| snapshots[before].marks.len());
    if snapshot.marks.len() > before { format!("{name}, after") } else { format!("{name}, before") }
}

/// How far down to look [m]: as deep as these fields change or holes reach, and a little more.
pub fn shown_depth(kept: &KeptRun<'_>, fields: &[usize]) -> f64 {
    let (shape, snapshots) = (&kept.shape, &kept.snapshots);
    let Some(bottom) = shape.z.last() else { return 0.0 };
    let deepest = snapshots.iter().flat_map(|snapshot| &snapshot.marks).map(|hole| hole[2]).fold(0.0, f64::max);
    let active = |field: usize| -> f64 {
        let start = &snapshots[0].fields[field].2;
        let mut changes = vec![0.0f64; start.dim().0];
        for snapshot in snapshots.iter() {
            let now = snapshot.fields[field].2.outer_iter();
            for ((now, start), change) in now.zip(start.outer_iter()).zip(&mut changes) {
                *change = now.iter().zip(start).map(|(a, b)| (a - b).abs()).fold(*change, f64::max);
            }
        }
        let largest = changes.iter().copied().fold(0.0, f64::max);
        changes.iter().rposition(|change| *change > 0.03 * largest).map_or(0.0, |k| shape.z[k + 1])
    };
    let active = fields.iter().map(|field| active(*field)).fold(deepest, f64::max);
    if active > 0.0 { (1.25 * active).min(*bottom) } else { *bottom }
}

/// Where the section is cut: the row along y, and its words.
fn cut(shape: &Shape, snapshots: &[Snapshot]) -> (usize, String) {
    let rows = shape.y.len().saturating_sub(1).max(1);
    match shape.kind.as_str() {
        "cells" => {
            // Classes come shallow first: the one in the middle of the holes.
            let mut below = 0.0;
            let middle = shape.weights.iter().position(|weight| {
                below += weight;
                below > 0.5 - 1e-9
            });
            let row = middle.unwrap_or(0);
            let which = match shape.weights.len() {
                0 | 1 => String::new(),
                classes => format!(", in class {} of {classes} classes of depth (shallow first)", row + 1),
            };
            (row, format!("around one channel{which}"))
        }
        "tile" => {
            let holes = snapshots.iter().map(|snapshot| &snapshot.marks).max_by_key(|holes| holes.len());
            let near = |row: usize| {
                holes.map_or(0, |holes| {
                    holes.iter().filter(|hole| (shape.y[row]..shape.y[row + 1]).contains(&hole[1])).count()
                })
            };
            // The row with the most holes, the middle one if there is none.
            let row = (0..rows).max_by_key(|row| (near(*row), usize::from(*row == rows / 2))).unwrap_or(rows / 2);
            let at = 0.5e3 * (shape.y[row] + shape.y[row + 1]);
            (row, format!("through the tile at y = {at:.2} mm"))
        }
        _ => (0, "through the section".into()),
    }
}

/// The values on a section, `[z][x]`.
fn slice(values: &Array3<f64>, row: usize) -> ndarray::ArrayView2<'_, f64> {
    values.index_axis(ndarray::Axis(1), row.min(values.dim().1.saturating_sub(1)))
}

fn map(kept: &KeptRun<'_>, field: usize, moments: &[usize]) -> Option<DrawnFigure> {
    let (shape, snapshots) = (&kept.shape, &kept.snapshots);
    let (name, unit_of, start) = &snapshots[0].fields[field];
    let (row, where_cut) = cut(shape, snapshots);
    // The first snapshot shows unwounded skin if it is not later than the first session and has no holes: with a rest
    // that is not zero, what matters is the deviation from it.
    let unwounded = snapshots[0].marks.is_empty() && start.iter().any(|value| value.abs() > 1e-9);
    let value = |moment: usize, k: usize, i: usize| {
        let now = slice(&snapshots[moment].fields[field].2, row)[[k, i]];
        if unwounded { now - slice(start, row)[[k, i]] } else { now }
    };
    let (cells_z, _, cells_x) = start.dim();
    let cells = || (0..cells_z).flat_map(|k| (0..cells_x).map(move |i| (k, i)));
    let all = || moments.iter().flat_map(|moment| cells().map(|(k, i)| value(*moment, k, i)));
    let (low, high) = all()
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let size = low.abs().max(high.abs());
    if !size.is_finite() || size == 0.0 || high <= low {
        return None;
    }
    let diverging = unwounded || low < -1e-9 * size;
    let scale = if diverging {
        ColourScale { low: -size, high: size, diverging }
    } else {
        ColourScale { low: low.min(0.0), high, diverging }
    };

    let depth = shown_depth(kept, &[field]);
    let mirrored = shape.kind == "cells";
    let (from, to) = (if mirrored { -shape.x[cells_x] } else { shape.x[0] }, shape.x[cells_x]);
    let frames = frames(moments.len(), (to - from) / depth);
    let height = frames.iter().map(|frame| frame[3]).fold(0.0, f64::max) + 90.0;
    let mut sheet = Sheet::new(height);
    let quantity = if unwounded { format!("{}, change from rest", title(name)) } else { title(name) };
    headline(&mut sheet, &with_unit(&quantity, &unit_of.to_string()));
    let mut rows = Vec::new();
    let top_row = frames[0][1];
    for (index, (moment, [left, top, right, below])) in moments.iter().zip(&frames).enumerate() {
        let panel = Panel {
            left: *left,
            top: *top,
            right: *right,
            bottom: *below,
            x: if mirrored { radial(to * 1e3) } else { PlotAxis::exact(from * 1e3, to * 1e3, 4) },
            y: PlotAxis::exact(0.0, depth * 1e3, 5),
            down: true,
        };
        paint(&mut sheet, &panel, shape, scale, &|k, i| value(*moment, k, i));
        let first_in_row = index == 0 || frames[index - 1][1] < *top;
        axes(&mut sheet, &panel, first_in_row, mirrored);
        let text = moment_name(kept, *moment);
        sheet.text(((left + right) / 2.0, top - 24.0), text, font(LABEL, INK, Align::Middle));
        let last_in_row = frames.get(index + 1).is_none_or(|next| next[1] > *top);
        let line = if diverging { GREY } else { PAPER };
        boundaries(&mut sheet, &panel, shape, line, last_in_row && *top == top_row);
        channels(&mut sheet, &panel, shape, &snapshots[*moment], row, mirrored);
        for (k, i) in cells().filter(|(k, _)| shape.z[*k] < depth) {
            let middle = |faces: &[f64], at: usize| table::number(0.5e3 * (faces[at] + faces[at + 1]));
            rows.push(vec![
                table::number(snapshots[*moment].time / DAY),
                middle(&shape.x, i),
                middle(&shape.z, k),
                table::number(value(*moment, k, i)),
            ]);
        }
    }
    bar(&mut sheet, scale, frames[0], &unit(&unit_of.to_string()));
    let caption = format!(
        "{} {where_cut}{}. All moments share one scale of colour{}. Thin lines: layers; thick dark lines: channels.",
        quantity,
        if mirrored { ", mirrored at the axis" } else { "" },
        if diverging { ", white where nothing changed" } else { "" },
    );
    let stem = format!("map_{name}");
    let figure = Figure { stem, title: format!("Map of {}", plain(name)), caption };
    let column = if mirrored { "r_mm" } else { "x_mm" };
    Some(DrawnFigure { figure, sheet, header: header(&["day", column, "depth_mm", "value"]), rows })
}

/// The insides of the panels: one row if they are narrow, else two; the proportions of the skin are kept unless the
/// panels would become slits.
fn frames(count: usize, proportion: f64) -> Vec<[f64; 4]> {
    let rows = if proportion < 0.45 || count <= 3 { 1 } else { 2 };
    let columns = count.div_ceil(rows);
    let (left, right, gap, top, below) = (110.0, 1240.0, 34.0, 130.0, 140.0);
    let room = (right - left - gap * (columns - 1) as f64) / columns as f64;
    let tallest = if rows == 1 { 720.0 } else { 440.0 };
    let (width, height) = if proportion * tallest > room {
        (room, (room / proportion).max(200.0))
    } else {
        ((proportion * tallest).max(room.min(150.0)), tallest)
    };
    // Narrow panels are drawn wider apart, so that the figure is filled evenly.
    let pitch = (room + gap).min(width + 110.0);
    (0..count)
        .map(|index| {
            let (row, column) = ((index / columns) as f64, (index % columns) as f64);
            let (x, y) = (left + column * pitch, top + row * (height + below));
            [x, y, x + width, y + height]
        })
        .collect()
}

/// The axis of a mirrored cell: the axis in the middle and one round distance on both sides.
fn radial(radius: f64) -> PlotAxis {
    let power = 10f64.powf(radius.log10().floor());
    let mark = (0.9 * radius / power).floor().max(0.5) * power;
    let text = crate::present::plot::style::short(mark);
    PlotAxis { low: -radius, high: radius, ticks: vec![(-mark, text.clone()), (0.0, "0".into()), (mark, text)] }
}

/// Paints the cells; equal neighbours along a row become one rectangle.
fn paint(sheet: &mut Sheet, panel: &Panel, shape: &Shape, scale: ColourScale, value: &dyn Fn(usize, usize) -> f64) {
    let (cells_x, mirrored, depth) = (shape.x.len() - 1, shape.kind == "cells", panel.y.high * 1e-3);
    for k in (0..shape.z.len() - 1).filter(|k| shape.z[*k] < depth) {
        let (top, bottom) = (shape.z[k] * 1e3, shape.z[k + 1].min(depth) * 1e3);
        let mut i = 0;
        while i < cells_x {
            let colour = scale.colour(value(k, i));
            let begin = i;
            while i < cells_x && scale.colour(value(k, i)) == colour {
                i += 1;
            }
            let (from, to) = (shape.x[begin] * 1e3, shape.x[i] * 1e3);
            // The first run of a mirrored row goes through the axis in one piece.
            let spans = match (mirrored, begin) {
                (true, 0) => vec![(-to, to)],
                (true, _) => vec![(from, to), (-to, -from)],
                _ => vec![(from, to)],
            };
            for (from, to) in spans {
                sheet.marks.push(Mark::Fill(panel.at(from, top), panel.at(to, bottom), colour));
            }
        }
    }
}

fn axes(sheet: &mut Sheet, panel: &Panel, first_in_row: bool, mirrored: bool) {
    let corners: Vec<Point> = vec![
        (panel.left, panel.top),
        (panel.right, panel.top),
        (panel.right, panel.bottom),
        (panel.left, panel.bottom),
        (panel.left, panel.top),
    ];
    sheet.line(corners, GREY, 1.5);
    for (value, text) in &panel.y.ticks {
        let (x, y) = panel.at(panel.x.low, *value);
        sheet.line(vec![(x - 7.0, y), (x, y)], GREY, 1.5);
        if first_in_row {
            sheet.text((x - 12.0, y), text.clone(), font(SMALL, GREY, Align::End));
        }
    }
    for (value, text) in &panel.x.ticks {
        let (x, y) = panel.at(*value, panel.y.high);
        sheet.line(vec![(x, y), (x, y + 7.0)], GREY, 1.5);
        let inside = x - panel.left > 6.0 && panel.right - x > 6.0;
        if inside {
            sheet.text((x, y + 24.0), text.clone(), font(SMALL, GREY, Align::Middle));
        }
    }
    let middle = 0.5 * (panel.left + panel.right);
    let name = if mirrored { "r [mm]" } else { "x [mm]" };
    sheet.text((middle, panel.bottom + 56.0), name, font(SMALL, INK, Align::Middle));
    if first_in_row {
        let place = (34.0, 0.5 * (panel.top + panel.bottom));
        sheet.text(
            place,
            "depth [mm]",
            crate::present::plot::sheet::Font { upright: true, ..font(LABEL, INK, Align::Middle) },
        );
    }
}

fn boundaries(sheet: &mut Sheet, panel: &Panel, shape: &Shape, colour: Colour, named: bool) {
    let shown: Vec<_> = shape.layers.iter().filter(|(_, top, _)| top * 1e3 < panel.y.high).collect();
    for (_, top, _) in shown.iter().skip(1) {
        let (_, y) = panel.at(0.0, top * 1e3);
        sheet.line(vec![(panel.left, y), (panel.right, y)], colour, 1.5);
    }
    if !named {
        return;
    }
    let middles: Vec<f64> =
        shown.iter().map(|(_, top, bottom)| panel.at(0.0, 0.5e3 * (top + bottom.min(panel.y.high * 1e-3))).1).collect();
    let placed = spread(&middles, 30.0, panel.top, panel.bottom);
    for (((name, ..), wish), y) in shown.iter().zip(middles).zip(placed) {
        sheet.line(vec![(panel.right, wish), (panel.right + 22.0, y)], GREY, 1.5);
        let text = shortened(&plain(name), SMALL, false, 1240.0 + 216.0 - panel.right - 30.0);
        sheet.text((panel.right + 28.0, y), text, font(SMALL, GREY, Align::Start));
    }
}

/// Channels as dark lines with a light edge, seen on every colour.
fn channels(sheet: &mut Sheet, panel: &Panel, shape: &Shape, snapshot: &Snapshot, row: usize, mirrored: bool) {
    let pitch = |axis: &[f64]| axis.get(row + 1).zip(axis.get(row)).map_or(0.0, |(to, from)| to - from);
    let classes = shape.weights.len().max(1);
    let holes = snapshot.marks.len();
    for (number, [x, y, depth]) in snapshot.marks.iter().enumerate() {
        let (x, here) = match shape.kind.as_str() {
            // Each session leaves a hole for each class; the old ones are no longer in the middle.
            "cells" => (0.0, number % classes == row && number + classes >= holes),
            "tile" => (*x, (0.5 * (shape.y[row] + shape.y[row + 1]) - y).abs() <= pitch(&shape.y)),
            _ => (*x, true),
        };
        let x = x * 1e3;
        if !here || !(panel.x.low..=panel.x.high).contains(&x) {
            continue;
        }
        let line = vec![panel.at(x, 0.0), panel.at(x, (depth * 1e3).min(panel.y.high))];
        let wide = if mirrored { 1.0 } else { 0.8 };
        sheet.line(line.clone(), PAPER, 5.0 * wide);
        sheet.line(line, INK, 2.5 * wide);
    }
}

/// The bar that tells what the colours mean.
fn bar(sheet: &mut Sheet, scale: ColourScale, [_, top, _, bottom]: [f64; 4], unit: &str) {
    let (left, right) = (1462.0, 1496.0);
    let bottom = bottom.max(top + 300.0);
    let axis = PlotAxis::exact(scale.low, scale.high, 5);
    let panel = Panel { left, top, right, bottom, x: PlotAxis::exact(0.0, 1.0, 1), y: axis, down: false };
    for step in 0..129 {
        let value = |part: f64| scale.low + (scale.high - scale.low) * part / 129.0;
        let (from, to) = (panel.at(0.0, value(f64::from(step))), panel.at(1.0, value(f64::from(step) + 1.0)));
        sheet.marks.push(Mark::Fill((from.0, to.1), (to.0, from.1), scale.colour(value(f64::from(step) + 0.5))));
    }
    for (value, text) in &panel.y.ticks {
        let (_, y) = panel.at(0.0, *value);
        sheet.line(vec![(right, y), (right + 7.0, y)], GREY, 1.5);
        let text = shortened(text, SMALL, false, WIDTH - right - 14.0);
        sheet.text((right + 12.0, y), text, font(SMALL, GREY, Align::Start));
    }
    if !unit.is_empty() {
        sheet.text((left, top - 24.0), unit, font(SMALL, INK, Align::Start));
    }
}
