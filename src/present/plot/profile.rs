//! Depth profiles: lateral means of fields against depth, at several moments.

use crate::base::units::DAY;
use crate::engine::grid::Shape;
use crate::engine::observe::Snapshot;
use crate::present::output::{KeptRun, table};
use crate::present::plot::panel::{Key, Panel, PlotAxis, headline, legend};
use crate::present::plot::section::{chosen, moment_name, moments, shown_depth};
use crate::present::plot::sheet::{Align, Sheet, WIDTH, shortened};
use crate::present::plot::style::{GREY, INK, LABEL, PALE, SMALL, font, plain, sequence, title, with_unit};
use crate::present::plot::{DrawnFigure, Figure, header};

/// One figure with a panel for each field that changes.
pub fn profiles(kept: &KeptRun<'_>) -> Option<DrawnFigure> {
    let shape = &kept.shape;
    let fields: Vec<usize> = chosen(kept, 6);
    if fields.is_empty() || shape.z.len() < 3 {
        return None;
    }
    let snapshots = &kept.snapshots;
    let moments = moments(snapshots);
    let depth = shown_depth(kept, &fields);
    let columns = fields.len().min(3);
    let rows_of = fields.len().div_ceil(columns);
    let keys: Vec<Key> = moments
        .iter()
        .enumerate()
        .map(|(index, moment)| Key {
            text: moment_name(kept, *moment),
            colour: sequence(index, moments.len()),
            dash: None,
            upright: false,
        })
        .collect();
    let (left, right, gap, tall, below) = (130.0, 1330.0, 90.0, 560.0, 160.0);
    let width = (right - left - gap * (columns - 1) as f64) / columns as f64;
    let mut sheet = Sheet::new(0.0);
    headline(&mut sheet, "Depth profiles, mean across the skin");
    let top = legend(&mut sheet, 30.0, 84.0, &keys) + 90.0;
    sheet.height = top + rows_of as f64 * (tall + below) - below + 90.0;
    let mut rows = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        let (name, unit, _) = &snapshots[0].fields[*field];
        let curves: Vec<Vec<(f64, f64)>> =
            moments.iter().map(|moment| profile(shape, &snapshots[*moment], *field)).collect();
        let (x, y) = (left + (place % columns) as f64 * (width + gap), top + (place / columns) as f64 * (tall + below));
        let panel = Panel {
            left: x,
            top: y,
            right: x + width,
            bottom: y + tall,
            x: PlotAxis::holding(curves.iter().flatten().map(|(value, _)| *value), 3),
            y: PlotAxis::exact(0.0, depth * 1e3, 6),
            down: true,
        };
        let unit = unit.to_string();
        panel.frame(&mut sheet, &title(name), &with_unit("mean", &unit));
        if place % columns == 0 {
            let font = crate::present::plot::sheet::Font { upright: true, ..font(LABEL, INK, Align::Middle) };
            sheet.text((x - 96.0, y + 0.5 * tall), "depth [mm]", font);
        }
        layers(&mut sheet, &panel, shape, place % columns + 1 == columns || place + 1 == fields.len());
        for (index, (moment, curve)) in moments.iter().zip(&curves).enumerate() {
            panel.curve(&mut sheet, curve, keys[index].colour, 4.0, keys[index].dash);
            for (value, depth) in curve {
                let day = table::number(snapshots[*moment].time / DAY);
                rows.push(vec![name.clone(), unit.clone(), day, table::number(*depth), table::number(*value)]);
            }
        }
    }
    let figure = Figure {
        stem: "profiles".into(),
        title: "Depth profiles".into(),
        caption: "Means across the skin at each depth (by area, over all classes of depth), from early (dark) to late \
                  (light). Grey lines: where layers begin."
            .into(),
    };
    Some(DrawnFigure { figure, sheet, header: header(&["field", "unit", "day", "depth_mm", "mean"]), rows })
}

/// The mean of each depth: (value, depth [mm]).
fn profile(shape: &Shape, snapshot: &Snapshot, field: usize) -> Vec<(f64, f64)> {
    let values = &snapshot.fields[field].2;
    let (_, classes, cells) = values.dim();
    let round = shape.kind == "cells";
    let area = |j: usize, i: usize| {
        let (from, to) = (shape.x[i], shape.x[i + 1]);
        let across = if round { to * to - from * from } else { to - from };
        let share = match round {
            true => shape.weights.get(j).copied().unwrap_or(1.0),
            false => shape.y.get(j + 1).zip(shape.y.get(j)).map_or(1.0, |(to, from)| to - from),
        };
        across * share
    };
    let places = || (0..classes).flat_map(|j| (0..cells).map(move |i| (j, i)));
    let total: f64 = places().map(|(j, i)| area(j, i)).sum();
    shape
        .z
        .windows(2)
        .enumerate()
        .map(|(k, faces)| {
            let sum: f64 = places().map(|(j, i)| area(j, i) * values[[k, j, i]]).sum();
            (sum / total, 0.5e3 * (faces[0] + faces[1]))
        })
        .collect()
}

/// Boundaries of layers, and their names to the right of the last panel of a row.
pub fn layers(sheet: &mut Sheet, panel: &Panel, shape: &Shape, named: bool) {
    let shown: Vec<_> = shape.layers.iter().filter(|(_, top, _)| top * 1e3 < panel.y.high).collect();
    for (_, top, _) in shown.iter().skip(1) {
        panel.level(sheet, top * 1e3, PALE, 1.5);
    }
    if !named {
        return;
    }
    let middles: Vec<f64> = shown
        .iter()
        .map(|(_, top, bottom)| panel.at(panel.x.low, 0.5 * (top * 1e3 + (bottom * 1e3).min(panel.y.high))).1)
        .collect();
    let placed = crate::present::plot::panel::spread(&middles, 30.0, panel.top, panel.bottom);
    for (((name, ..), wish), y) in shown.iter().zip(middles).zip(placed) {
        sheet.line(vec![(panel.right, wish.min(panel.bottom)), (panel.right + 22.0, y)], PALE, 1.5);
        let text = shortened(&plain(name), SMALL, false, WIDTH - panel.right - 34.0);
        sheet.text((panel.right + 28.0, y), text, font(SMALL, GREY, Align::Start));
    }
}
