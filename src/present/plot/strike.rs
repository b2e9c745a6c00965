//! A single strike: its course in time, and maps around its channel.

use crate::present::output::table;
use crate::present::plot::panel::{Key, Panel, PlotAxis, headline, legend, spread};
use crate::present::plot::sheet::{Align, Font, Mark, Sheet, WIDTH, shortened};
use crate::present::plot::style::{
    ColourScale, DASHES, GREY, INK, LABEL, LINES, PAPER, SMALL, font, plain, short, unit,
};
use crate::present::plot::{DrawnFigure, Figure, header};
use crate::skin::needling::{Map, Single};

/// Force, depth and deflection in time.
pub fn course(strike: &Single) -> DrawnFigure {
    let mut sheet = Sheet::new(760.0);
    headline(&mut sheet, "One strike");
    let end = strike.moments.last().map_or(1e-3, |moment| moment.time) * 1e3;
    let curve = |of: &dyn Fn(&crate::skin::mechanics::strike::StrikeMoment) -> f64| -> Vec<(f64, f64)> {
        strike.moments.iter().map(|moment| (moment.time * 1e3, of(moment))).collect()
    };
    let force = curve(&|moment| moment.force * 1e3);
    let (depth, dent) = (curve(&|moment| moment.depth * 1e3), curve(&|moment| moment.deflection * 1e3));
    let tip = curve(&|moment| moment.tip.max(0.0) * 1e3);
    let axis = |curves: &[&Vec<(f64, f64)>]| {
        PlotAxis::holding(curves.iter().flat_map(|curve| curve.iter().map(|pair| pair.1)).chain([0.0]), 6)
    };
    let (top, bottom) = (150.0, 620.0);
    let left = Panel {
        left: 110.0,
        top,
        right: 760.0,
        bottom,
        x: PlotAxis::exact(0.0, end, 6),
        y: axis(&[&force]),
        down: false,
    };
    left.frame(&mut sheet, "force on the needle [mN]", "time since the tip touches [ms]");
    left.level(&mut sheet, 0.0, GREY, 1.5);
    left.curve(&mut sheet, &force, LINES[0], 4.0, None);
    let right = Panel {
        left: 900.0,
        top,
        right: 1550.0,
        bottom,
        x: PlotAxis::exact(0.0, end, 6),
        y: axis(&[&depth, &dent, &tip]),
        down: true,
    };
    right.frame(&mut sheet, "below the undeformed surface [mm]", "time since the tip touches [ms]");
    let kinds = [("tip of the needle", &tip), ("depth in the skin", &depth), ("dent of the skin", &dent)];
    let mut keys = Vec::new();
    for (index, (text, values)) in kinds.into_iter().enumerate() {
        right.curve(&mut sheet, values, LINES[index], 4.0, DASHES[index]);
        keys.push(Key { text: text.into(), colour: LINES[index], dash: DASHES[index], upright: false });
    }
    for panel in [&left, &right] {
        if let Some(pierced) = strike.pierced {
            panel.upright(&mut sheet, pierced.time * 1e3, GREY, 2.0);
        }
    }
    if let Some(pierced) = strike.pierced {
        let (x, y) = left.at(pierced.time * 1e3, left.y.high);
        sheet.text((x + 10.0, y + 18.0), "the tip pierces", font(SMALL, GREY, Align::Start));
    }
    legend(&mut sheet, 110.0, 718.0, &keys);
    let rows = strike.moments.iter().map(|moment| {
        [moment.time * 1e3, moment.tip * 1e3, moment.deflection * 1e3, moment.depth * 1e3, moment.force * 1e3]
            .map(table::number)
            .to_vec()
    });
    let caption = format!(
        "A needle set to {} mm at the mean of the site. Below zero the needle is pulled out of skin that sticks to it.",
        short(strike.length * 1e3)
    );
    DrawnFigure {
        figure: Figure { stem: "strike_course".into(), title: "One strike".into(), caption },
        rows: rows.collect(),
        sheet,
        header: header(&["time_ms", "tip_mm", "dent_mm", "depth_mm", "force_mN"]),
    }
}

/// Strain and risk around the channel.
pub fn maps(strike: &Single) -> DrawnFigure {
    let mut sheet = Sheet::new(900.0);
    headline(&mut sheet, "Around one strike");
    let mut rows = Vec::new();
    let (top, bottom, width, pitch) = (170.0, 780.0, 310.0, 450.0);
    let deepest = strike.maps.iter().filter_map(|map| map.depths.last()).copied().fold(f64::INFINITY, f64::min);
    for (index, map) in strike.maps.iter().enumerate() {
        let left = 110.0 + pitch * index as f64;
        let wide = map.radii.last().copied().unwrap_or(1e-3) * 1e3;
        let panel = Panel {
            left,
            top,
            right: left + width,
            bottom,
            x: PlotAxis { low: -wide, high: wide, ticks: [-0.4, 0.0, 0.4].map(|r: f64| (r, short(r.abs()))).to_vec() },
            y: PlotAxis::exact(0.0, deepest * 1e3, 6),
            down: true,
        };
        let scale = scale(map);
        paint(&mut sheet, &panel, map, scale);
        frame(&mut sheet, &panel, index == 0);
        boundaries(&mut sheet, &panel, strike, index + 1 == strike.maps.len());
        if index > 0 {
            let outline = outline(strike);
            for side in [-1.0, 1.0] {
                let places = outline.iter().map(|(r, z)| panel.at(side * r, *z)).collect();
                sheet.line(places, PAPER, 2.5);
            }
        }
        titles(&mut sheet, &panel, map);
        bar(&mut sheet, scale, left, top - 62.0, width);
        for (k, row) in map.values.iter().enumerate() {
            for (i, value) in row.iter().enumerate() {
                let middle = |faces: &[f64], at: usize| table::number(0.5e3 * (faces[at] + faces[at + 1]));
                if !value.is_finite() {
                    continue;
                }
                rows.push(vec![map.name.clone(), middle(&map.radii, i), middle(&map.depths, k), table::number(*value)]);
            }
        }
    }
    let caption = "Left: how far the skin is strained when the tip is about to pierce; the scale ends at 1, beyond which theory of \
                   moderate strain does not reach. Middle: hoop strain around the needle (grey) when it stands deepest. Right: vessels expected to rupture, by volume of skin."
        .to_owned();
    DrawnFigure {
        figure: Figure { stem: "strike_maps".into(), title: "Around one strike".into(), caption },
        sheet,
        header: header(&["map", "r_mm", "depth_mm", "value"]),
        rows,
    }
}

/// Colours of a map: strains up to 1, else up to the largest value that is not alone.
fn scale(map: &Map) -> ColourScale {
    let mut values: Vec<f64> = map.values.iter().flatten().copied().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let high = values.get(values.len() * 995 / 1000).copied().unwrap_or(1.0);
    let high = if map.unit == "1" { high.min(1.0) } else { high };
    ColourScale { low: 0.0, high: if high > 0.0 { high } else { 1.0 }, diverging: false }
}

fn paint(sheet: &mut Sheet, panel: &Panel, map: &Map, scale: ColourScale) {
    for (k, row) in map.values.iter().enumerate() {
        let (from, to) = (map.depths[k] * 1e3, (map.depths[k + 1] * 1e3).min(panel.y.high));
        if from >= panel.y.high {
            break;
        }
        let mut i = 0;
        while i < row.len() {
            let (begin, colour) = (i, scale.colour(row[i]));
            while i < row.len() && scale.colour(row[i]) == colour {
                i += 1;
            }
            let (near, far) = (map.radii[begin] * 1e3, (map.radii[i] * 1e3).min(panel.x.high));
            if near >= far {
                continue;
            }
            for (a, b) in if begin == 0 { vec![(-far, far)] } else { vec![(near, far), (-far, -near)] } {
                sheet.marks.push(Mark::Fill(panel.at(a, from), panel.at(b, to), colour));
            }
        }
    }
}

fn frame(sheet: &mut Sheet, panel: &Panel, first: bool) {
    let (l, t, r, b) = (panel.left, panel.top, panel.right, panel.bottom);
    sheet.line(vec![(l, t), (r, t), (r, b), (l, b), (l, t)], GREY, 1.5);
    for (value, text) in &panel.y.ticks {
        let (_, y) = panel.at(0.0, *value);
        sheet.line(vec![(l - 7.0, y), (l, y)], GREY, 1.5);
        sheet.text((l - 12.0, y), text.clone(), font(SMALL, GREY, Align::End));
    }
    for (value, text) in &panel.x.ticks {
        let (x, _) = panel.at(*value, panel.y.high);
        sheet.line(vec![(x, b), (x, b + 7.0)], GREY, 1.5);
        sheet.text((x, b + 24.0), text.clone(), font(SMALL, GREY, Align::Middle));
    }
    sheet.text((0.5 * (l + r), b + 58.0), "distance from the axis [mm]", font(LABEL, INK, Align::Middle));
    if first {
        let place = (28.0, 0.5 * (t + b));
        sheet.text(place, "depth [mm]", Font { upright: true, ..font(LABEL, INK, Align::Middle) });
    }
}

fn boundaries(sheet: &mut Sheet, panel: &Panel, strike: &Single, named: bool) {
    let shown: Vec<_> = strike.layers.iter().filter(|layer| layer.top * 1e3 < panel.y.high).collect();
    for layer in shown.iter().skip(1) {
        let (_, y) = panel.at(0.0, layer.top * 1e3);
        sheet.line(vec![(panel.left, y), (panel.right, y)], PAPER, 1.5);
    }
    if !named {
        return;
    }
    let middle = |top: f64, bottom: f64| panel.at(0.0, 0.5 * (top + bottom.min(panel.y.high))).1;
    let wishes: Vec<f64> = shown.iter().map(|layer| middle(layer.top * 1e3, layer.bottom * 1e3)).collect();
    let placed = spread(&wishes, 30.0, panel.top, panel.bottom);
    for ((layer, wish), y) in shown.iter().zip(wishes).zip(placed) {
        sheet.line(vec![(panel.right, wish), (panel.right + 20.0, y)], GREY, 1.5);
        let text = shortened(&plain(&layer.name), SMALL, false, WIDTH - panel.right - 30.0);
        sheet.text((panel.right + 26.0, y), text, font(SMALL, GREY, Align::Start));
    }
}

/// The needle's outline in millimetres, from the surface to the tip.
fn outline(strike: &Single) -> Vec<(f64, f64)> {
    let layers = &strike.layers;
    let mut places = vec![(strike.radius[0] * 1e3, 0.0)];
    places.extend(
        layers
            .iter()
            .map(|layer| (layer.radius * 1e3, 0.5e3 * (layer.top + layer.bottom)))
            .filter(|(r, z)| *r > 0.0 && *z < strike.depth * 1e3),
    );
    places.push((0.0, strike.depth * 1e3));
    places
}

fn titles(sheet: &mut Sheet, panel: &Panel, map: &Map) {
    let own = unit(&map.unit);
    let text = if own.is_empty() { map.name.clone() } else { format!("{} [{own}]", map.name) };
    let text = shortened(&text, SMALL, false, panel.right - panel.left + 110.0);
    sheet.text((panel.left, panel.top - 84.0), text, font(SMALL, INK, Align::Start));
}

fn bar(sheet: &mut Sheet, scale: ColourScale, left: f64, top: f64, width: f64) {
    let axis = PlotAxis::exact(scale.low, scale.high, 3);
    let at = |part: f64| left + width * part;
    for step in 0..129 {
        let value = scale.low + (scale.high - scale.low) * (f64::from(step) + 0.5) / 129.0;
        let (from, to) = (at(f64::from(step) / 129.0), at(f64::from(step + 1) / 129.0));
        sheet.marks.push(Mark::Fill((from, top), (to, top + 16.0), scale.colour(value)));
    }
    for (value, text) in &axis.ticks {
        let x = at((value - scale.low) / (scale.high - scale.low));
        sheet.text((x, top + 34.0), text.clone(), font(SMALL, GREY, Align::Middle));
    }
}
