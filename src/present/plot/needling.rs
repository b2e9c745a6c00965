//! What the needles did.

use crate::present::output::{KeptRun, table};
use crate::present::plot::panel::{Panel, PlotAxis, headline};
use crate::present::plot::profile::layers;
use crate::present::plot::sheet::{Align, Font, Mark, Point, Sheet};
use crate::present::plot::style::{GREY, INK, LABEL, LINES, SMALL, brief, font, short, title};
use crate::present::plot::{DrawnFigure, Figure, header};
use crate::run::session::RupturesByDepth;

/// The distribution of hole depths of the first session, with the layers of the skin.
pub fn depths(kept: &KeptRun<'_>) -> Option<DrawnFigure> {
    let depths = kept.needling.first()?.depths();
    let deepest = *depths.edges_mm.last()?;
    let set = kept.about.needle_length_mm;
    let end = deepest.max(set.unwrap_or(0.0)) * 1.1;
    let mut sheet = Sheet::new(900.0);
    headline(&mut sheet, "How deep the needles went");
    let most = depths.share.iter().copied().fold(0.0, f64::max);
    let panel = Panel {
        left: 140.0,
        top: 90.0,
        right: 1300.0,
        bottom: 800.0,
        x: PlotAxis::exact(0.0, 108.0 * most, 6),
        y: PlotAxis::exact(0.0, end, 7),
        down: true,
    };
    panel.frame(&mut sheet, "", "share of holes [%]");
    sheet.text((40.0, 445.0), "depth [mm]", Font { upright: true, ..font(LABEL, INK, Align::Middle) });
    let mut rows = Vec::new();
    for (edges, share) in depths.edges_mm.windows(2).zip(&depths.share) {
        let (from, to) = (panel.at(0.0, edges[0]), panel.at(100.0 * share, edges[1]));
        sheet.marks.push(Mark::Fill((from.0, from.1 + 1.0), (to.0, to.1 - 1.0), LINES[5]));
        rows.push(vec![table::number(edges[0]), table::number(edges[1]), table::number(100.0 * share)]);
    }
    layers(&mut sheet, &panel, &kept.shape, true);
    if let Some(set) = set {
        let (_, y) = panel.at(0.0, set);
        sheet.dashed(&[(panel.left, y), (panel.right, y)], LINES[1], 4.0, [14.0, 8.0]);
        let text = format!("set length {} mm", short(set));
        sheet.text((panel.right - 12.0, y - 20.0), text, font(LABEL, INK, Align::End));
    }
    let mean = depths.edges_mm.windows(2).zip(&depths.share).map(|(edges, share)| 0.5 * (edges[0] + edges[1]) * share);
    let caption = format!(
        "Depths of the holes of the first session, {} mm on average. Grey lines: where the layers of the skin begin.{}",
        short(mean.sum()),
        if set.is_some() { " Dashed: the length the device was set to." } else { "" }
    );
    let figure = Figure { stem: "needle_depths".into(), title: "How deep the needles went".into(), caption };
    Some(DrawnFigure { figure, sheet, header: header(&["depth_from_mm", "depth_to_mm", "share_percent"]), rows })
}

/// Ruptures by depth for each class of vessels, in the first session.
pub fn ruptures(kept: &KeptRun<'_>) -> Option<DrawnFigure> {
    let session = kept.needling.first()?;
    let RupturesByDepth { edges, per_puncture } = &session.rupture_by_depth;
    let end = edges.last()? * 1e3 * 1.05;
    if per_puncture.is_empty() || per_puncture.values().flatten().all(|value| *value == 0.0) {
        return None;
    }
    let told = session.told();
    let holes = session.number("holes_per_area").unwrap_or(0.0) * 1e-4;
    let mut sheet = Sheet::new(900.0);
    headline(&mut sheet, "Which vessels rupture, and where");
    sheet.text((40.0, 480.0), "depth [mm]", Font { upright: true, ..font(LABEL, INK, Align::Middle) });
    let (left, right, gap) = (130.0, 1330.0, 56.0);
    let width = (right - left - gap * (per_puncture.len() - 1) as f64) / per_puncture.len() as f64;
    let mut rows = Vec::new();
    for (index, (class, values)) in per_puncture.iter().enumerate() {
        // Per area and depth, so that the width of the slices does not matter.
        let density: Vec<f64> =
            edges.windows(2).zip(values).map(|(pair, value)| value * holes / (1e3 * (pair[1] - pair[0]))).collect();
        let x = left + index as f64 * (width + gap);
        let mut panel = Panel {
            left: x,
            top: 170.0,
            right: x + width,
            bottom: 800.0,
            x: PlotAxis::holding(density.iter().copied().chain([0.0]), 2),
            y: PlotAxis::exact(0.0, end, 7),
            down: true,
        };
        if index > 0 {
            for tick in &mut panel.y.ticks {
                tick.1.clear();
            }
        }
        panel.frame(&mut sheet, "", "");
        let mut outline: Vec<Point> = vec![panel.at(0.0, edges[0] * 1e3)];
        for (pair, value) in edges.windows(2).zip(&density) {
            outline.extend([panel.at(*value, pair[0] * 1e3), panel.at(*value, pair[1] * 1e3)]);
            let numbers = [pair[0] * 1e3, pair[1] * 1e3, *value].map(table::number);
            rows.push(std::iter::once(class.clone()).chain(numbers).collect());
        }
        outline.push(panel.at(0.0, end.min(edges[edges.len() - 1] * 1e3)));
        sheet.marks.push(Mark::Shape(outline, LINES[index % LINES.len()]));
        layers(&mut sheet, &panel, &kept.shape, index + 1 == per_puncture.len());
        let name = title(class);
        sheet.text((x, 102.0), name, Font { bold: true, ..font(SMALL, INK, Align::Start) });
        let key = format!("rupture_probability.{class}");
        if let Some(probability) = told.iter().find(|told| told.key == key) {
            let text = format!("{} % of punctures", brief(probability.value));
            sheet.text((x, 138.0), text, font(SMALL, GREY, Align::Start));
        }
    }
    let middle = 0.5 * (left + right);
    sheet.text((middle, 862.0), "ruptures per cm² and mm of depth", font(LABEL, INK, Align::Middle));
    let bleeding = told.iter().find(|told| told.key == "visible_bleeding_probability");
    let bleeding =
        bleeding.map_or(String::new(), |told| format!(" {} % of the punctures bleed visibly.", brief(told.value)));
    let figure = Figure {
        stem: "ruptures".into(),
        title: "Which vessels rupture, and where".into(),
        caption: format!(
            "Ruptures in one session by depth, for each class of vessels with its own axis; above, the share of punctures \
             that rupture at least one.{bleeding} Grey lines: where the layers of the skin begin."
        ),
    };
    let header = header(&["class", "depth_from_mm", "depth_to_mm", "ruptures_per_cm2_and_mm"]);
    Some(DrawnFigure { figure, sheet, header, rows })
}
