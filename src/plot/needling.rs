//! What the needles did.

use crate::output::needling::Session;
use crate::output::{Kept, table};
use crate::plot::panel::{Axis, Panel, headline};
use crate::plot::profile::layers;
use crate::plot::sheet::{Align, Font, Mark, Sheet};
use crate::plot::style::{INK, LABEL, LINES, font, short};
use crate::plot::{Drawn, Figure, header};

/// The distribution of hole depths of the first session, with the layers of the skin.
pub fn depths(kept: &Kept<'_>) -> Option<Drawn> {
    let Session { depths, .. } = kept.needling.first()?;
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
        x: Axis::exact(0.0, 108.0 * most, 6),
        y: Axis::exact(0.0, end, 7),
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
    Some(Drawn { figure, sheet, header: header(&["depth_from_mm", "depth_to_mm", "share_percent"]), rows })
}
