//! What the needles did.

use crate::output::needling::Session;
use crate::output::{Kept, table};
use crate::plot::panel::{Axis, Panel, headline, spread};
use crate::plot::sheet::{Align, Sheet, shortened};
use crate::plot::style::{GREY, INK, LABEL, LINES, PALE, SMALL, font, plain, short};
use crate::plot::{Drawn, Figure, header};

/// The distribution of puncture depths of the first session, with the layers of the skin.
pub fn depths(kept: &Kept<'_>) -> Option<Drawn> {
    let Session { depths, .. } = kept.needling.first()?;
    let deepest = *depths.edges_mm.last()?;
    let layers: Vec<(&str, f64)> = kept.shape.layers.iter().map(|(name, top, _)| (name.as_str(), top * 1e3)).collect();
    let set = kept.about.needle_length_mm;
    let end = deepest.max(set.unwrap_or(0.0)) * 1.08;
    let mut sheet = Sheet::new(860.0);
    headline(&mut sheet, "How deep the needles went");
    let panel = Panel {
        left: 120.0,
        top: 210.0,
        right: 1560.0,
        bottom: 750.0,
        x: Axis::exact(0.0, end, 8),
        y: Axis::exact(0.0, 100.0 * depths.share.iter().copied().fold(0.0, f64::max) * 1.08, 5),
        down: false,
    };
    panel.frame(&mut sheet, "Share of holes [%]", "depth of the hole [mm]");
    let mut rows = Vec::new();
    for (edges, share) in depths.edges_mm.windows(2).zip(&depths.share) {
        let (from, to) = (panel.at(edges[0], 100.0 * share), panel.at(edges[1], 0.0));
        sheet.marks.push(crate::plot::sheet::Mark::Fill((from.0 + 1.0, from.1), (to.0 - 1.0, to.1), LINES[0]));
        rows.push(vec![table::number(edges[0]), table::number(edges[1]), table::number(100.0 * share)]);
    }
    let shown: Vec<(&str, f64)> = layers.into_iter().filter(|(_, top)| *top < end).collect();
    // Names stand at the top boundary of their layer; thin layers share the room, in two rows.
    let wishes: Vec<f64> = shown.iter().map(|(_, top)| panel.at(*top, 0.0).0).collect();
    let rows_of: Vec<f64> = spread(&wishes, 150.0, panel.left, panel.right - 190.0);
    for (index, (name, top)) in shown.iter().enumerate() {
        panel.upright(&mut sheet, *top, PALE, 2.0);
        let (y, x) = (if index % 2 == 0 { 98.0 } else { 132.0 }, rows_of[index]);
        sheet.line(vec![(wishes[index], panel.top), (x + 6.0, y + 16.0)], PALE, 1.5);
        sheet.text((x, y), shortened(&plain(name), SMALL, false, 290.0), font(SMALL, GREY, Align::Start));
    }
    if let Some(set) = set {
        let (x, _) = panel.at(set, 0.0);
        sheet.dashed(&[(x, panel.top), (x, panel.bottom)], LINES[1], 4.0, [14.0, 8.0]);
        let text = format!("set length {} mm", short(set));
        let right = x + 14.0 + crate::plot::sheet::width_of(&text, LABEL, false) > panel.right;
        let align = if right { Align::End } else { Align::Start };
        let x = if right { x - 14.0 } else { x + 14.0 };
        sheet.text((x, panel.top + 20.0), text, font(LABEL, INK, align));
    }
    let mean = depths.edges_mm.windows(2).zip(&depths.share).map(|(edges, share)| 0.5 * (edges[0] + edges[1]) * share);
    let caption = format!(
        "Depths of the holes of the first session, {} mm on average. Grey lines: where the layers of the skin begin.{}",
        short(mean.sum()),
        if set.is_some() { " Dashed: the length the device was set to." } else { "" }
    );
    let figure = Figure { stem: "needle_depths".into(), title: "How deep the needles went".into(), caption };
    Some(Drawn { figure, sheet, header: header(&["depth_from_mm", "depth_to_mm", "share_percent"]), rows })
}
