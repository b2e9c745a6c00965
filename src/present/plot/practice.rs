//! What needles carry off from a lesion: where it lands, and how fast it falls along their way.

use crate::present::output::{KeptRun, table};
use crate::present::plot::panel::{Panel, PlotAxis, headline};
use crate::present::plot::sheet::{Align, Mark, Point, Sheet};
use crate::present::plot::style::{ColourScale, GREY, INK, LINES, SMALL, brief, font, plain};
use crate::present::plot::{DrawnFigure, Figure, header};

/// Corners of a disc as a shape.
const CORNERS: usize = 48;

/// The inoculated strips around the lesion, and the share of a fresh load by distance.
pub fn carried_off(kept: &KeptRun<'_>) -> Option<DrawnFigure> {
    let spread = kept.practice.spread.as_ref()?;
    let lesion = plain(&spread.lesion);
    let mut sheet = Sheet::new(760.0);
    headline(&mut sheet, &format!("What needles carry off from the {lesion}"));
    let millimetre = 1e3;
    let half = (0.5 * spread.diameter + 1.5 * spread.reach.max(spread.step)) * millimetre;
    let map = Panel {
        left: 120.0,
        top: 130.0,
        right: 640.0,
        bottom: 650.0,
        x: PlotAxis::exact(-half, half, 5),
        y: PlotAxis::exact(-half, half, 5),
        down: false,
    };
    map.frame(&mut sheet, "Seen from above [mm]", "along the first pass [mm]");
    let load = spread.deposit.first().copied().unwrap_or(1.0);
    let scale = ColourScale { low: -load, high: load, diverging: true };
    let (edge, width) = (0.5 * spread.diameter * millimetre, 0.5 * spread.diameter * millimetre);
    for (turn, points) in
        (0..spread.strips).flat_map(|turn| spread.distance.windows(2).map(move |points| (turn, points)))
    {
        let index = spread.distance.iter().position(|distance| *distance == points[0]).unwrap_or(0);
        let (near, far) = (edge + points[0] * millimetre, edge + points[1] * millimetre);
        let at = |along: f64, across: f64| -> Point {
            match turn {
                0 => map.at(along, across),
                1 => map.at(-along, across),
                2 => map.at(across, along),
                _ => map.at(across, -along),
            }
        };
        let corners = vec![at(near, -width), at(far, -width), at(far, width), at(near, width)];
        sheet.marks.push(Mark::Shape(corners, scale.colour(spread.deposit[index])));
    }
    let disc = (0..CORNERS).map(|corner| {
        let angle = corner as f64 / CORNERS as f64 * std::f64::consts::TAU;
        map.at(edge * angle.cos(), edge * angle.sin())
    });
    sheet.marks.push(Mark::Shape(disc.collect(), INK));
    sheet.text(map.at(0.0, 0.0), lesion, font(SMALL, (255, 255, 255), Align::Middle));

    let profile = Panel {
        left: 860.0,
        top: 130.0,
        right: 1540.0,
        bottom: 650.0,
        x: PlotAxis::holding(spread.distance.iter().map(|distance| distance * millimetre), 5),
        y: PlotAxis::holding(spread.deposit.iter().map(|share| 100.0 * share).chain([0.0]), 5),
        down: false,
    };
    profile.frame(&mut sheet, "Left in a hole, of a fresh load [%]", "beyond the lesion [mm]");
    let values: Vec<(f64, f64)> = spread
        .distance
        .iter()
        .zip(&spread.deposit)
        .map(|(distance, share)| (distance * millimetre, 100.0 * share))
        .collect();
    profile.curve(&mut sheet, &values, LINES[1], 4.0, None);
    profile.level(&mut sheet, 100.0 * spread.infective, GREY, 2.0);
    profile.upright(&mut sheet, spread.reach * millimetre, GREY, 2.0);
    let note = format!("infective above {} %", brief(100.0 * spread.infective));
    sheet.text((1530.0, 150.0), note, font(SMALL, GREY, Align::End));
    sheet.text(
        (1530.0, 182.0),
        format!("so up to {} mm", brief(spread.reach * millimetre)),
        font(SMALL, GREY, Align::End),
    );
    let rows = spread.distance.iter().zip(&spread.deposit);
    let rows =
        rows.map(|(distance, share)| vec![table::number(distance * millimetre), table::number(*share)]).collect();
    let figure = Figure {
        stem: "carried_off".into(),
        title: "What needles carry off".into(),
        caption: format!(
            "Left: strips along the passes in which holes get something of the lesion (darker: more). Right: what a hole gets, \
             as a share of what a needle fresh from the lesion carries; grey: the share that is taken to be infective, and \
             how far it reaches. About {} cm² are inoculated by a session. Release and infective share are assumed.",
            brief(spread.area * 1e4)
        ),
    };
    Some(DrawnFigure { figure, sheet, header: header(&["distance_mm", "share_of_load"]), rows })
}
