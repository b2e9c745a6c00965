//! What needles carry off from a lesion and leave along their way.
//!
//! A needle that passed through the lesion is loaded. Of what it carries it leaves the share r in each hole, so hole number
//! k after the lesion gets r(1 − r)^k of the load, and starts a new lesion while that is at least the infective share s:
//!
//! k ≤ ln(s/r) / ln(1 − r),  reach = k Δ
//!
//! with Δ the distance between the holes of one needle: the way of a pen between two strokes, the circumference of a roller.
//! Passes alternate in direction and cross each other, as protocols ask for, so up to four strips as wide as the lesion are
//! inoculated. It fails where a needle is wiped or loses nothing, and it knows nothing of the immunity of the skin.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::anybody;
use crate::base::error::Result;
use crate::scenario::Plan;
use crate::skin::catalogue::{Drive, Overlay};
use crate::skin::needling::Needling;

/// Most points of the profile.
const POINTS: usize = 41;

/// What is carried off in a session. SI units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LesionSpread {
    /// The lesion.
    pub lesion: String,
    /// Width of the lesion [m].
    pub diameter: f64,
    /// Share of a fresh load that suffices to start a new lesion.
    pub infective: f64,
    /// Distance between two holes of one needle [m].
    pub step: f64,
    /// Holes after the lesion that still get enough to start a new one.
    pub holes: f64,
    /// How far beyond the lesion that is [m].
    pub reach: f64,
    /// Strips that leave the lesion, by the passes of the session.
    pub strips: usize,
    /// Inoculated area beyond the lesion [m²].
    pub area: f64,
    /// Holes in that area.
    pub inoculated_holes: f64,
    /// Distances beyond the lesion [m] …
    pub distance: Vec<f64>,
    /// … and the share of a fresh load that a hole gets there.
    pub deposit: Vec<f64>,
}

/// What is carried off in a session; `None` if the lesion has nothing to carry.
///
/// # Errors
/// A number depends on traits.
pub fn spread(plan: &Plan, lesion: &Overlay, needling: &Needling) -> Result<Option<LesionSpread>> {
    let (Some(carriage), Some(protocol)) = (&lesion.carriage, &plan.protocol) else { return Ok(None) };
    let none = anybody();
    let (diameter, release, infective) =
        (carriage.diameter.of(&none)?, carriage.release.of(&none)?, carriage.infective.of(&none)?);
    let summary = &needling.summary;
    let step = match &protocol.device.drive {
        Drive::Roller(roller) => 2.0 * PI * (roller.radius.of(&none)? + protocol.length),
        Drive::Plate(plate) => plate.area.of(&none)?.sqrt(),
        Drive::Pen(..) | Drive::Hand(_) => summary.glide / summary.frequency.max(1e-9),
    };
    let holes = if infective < release { ((infective / release).ln() / (1.0 - release).ln()).floor() } else { 0.0 };
    // A needle cannot carry anything out of the treated area.
    let reach = (holes * step).min(summary.treated_area.sqrt());
    let strips = (summary.passes.ceil().max(1.0) as usize).min(4);
    let area = (strips as f64 * diameter * reach).min(summary.treated_area);
    let distance: Vec<f64> = (0..POINTS).map(|i| 1.5 * reach.max(step) * i as f64 / (POINTS - 1) as f64).collect();
    let deposit = distance.iter().map(|distance| release * (1.0 - release).powf((distance / step).floor())).collect();
    Ok(Some(LesionSpread {
        lesion: lesion.name.clone(),
        diameter,
        infective,
        step,
        holes,
        reach,
        strips,
        area,
        inoculated_holes: area * summary.holes_per_area,
        distance,
        deposit,
    }))
}
