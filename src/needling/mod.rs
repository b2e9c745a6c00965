//! Needling (interface; the implementation is being written).
use crate::error::Result;
use crate::scenario::Plan;
use serde::Serialize;

/// One hole in the skin, as handed to the response model. SI units.
#[derive(Debug, Clone, PartialEq)]
pub struct Puncture {
    /// Place of the entry.
    pub x: f64,
    /// Place of the entry.
    pub y: f64,
    /// Depth of the tip below the surface.
    pub depth: f64,
    /// Angle against the normal of the skin [rad].
    pub tilt: f64,
    /// Direction of the tilt in the plane of the skin [rad].
    pub azimuth: f64,
    /// Radius of the tip.
    pub tip_radius: f64,
    /// Half angle of the cone behind the tip [rad].
    pub half_angle: f64,
    /// Radius of the shank.
    pub shank_radius: f64,
    /// Lateral drag while the needle is in.
    pub drag: f64,
    /// Shed blood that stays in the tissue: (centre depth, spread in depth, volume) of each vessel layer.
    pub blood: Vec<[f64; 3]>,
}

/// What a session does mechanically.
#[derive(Debug, Clone)]
pub struct Needling {
    /// Distinct holes per area [1/m²].
    pub hole_density: f64,
    /// Distinct holes per area that reach the dermis [1/m²].
    pub dermal_hole_density: f64,
    /// Representative punctures (at the origin, upright) with weights that sum to 1, for unit cells: strata of the distribution of depths.
    pub strata: Vec<(f64, Puncture)>,
    /// Explicit punctures of a patch of skin.
    pub punctures: Vec<Puncture>,
    /// Size of that patch, periodic [m].
    pub patch: [f64; 2],
    /// Numbers for tables and reports.
    pub summary: Summary,
}

/// Numbers for tables and reports (extended by the implementation).
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Mean depth of the final holes [m].
    pub mean_depth: f64,
    /// Mean tear index.
    pub tear_index: f64,
}

impl Puncture {
    /// Radius of the needle at a depth [m]; zero below the tip.
    pub fn radius_at(&self, depth: f64) -> f64 {
        let above_tip = self.depth - depth;
        if above_tip < 0.0 { 0.0 } else { (self.tip_radius + above_tip * self.half_angle.tan()).min(self.shank_radius) }
    }

    /// Blood that stays in the tissue per length of channel at a depth [m²].
    pub fn blood_at(&self, depth: f64) -> f64 {
        self.blood
            .iter()
            .map(|[centre, spread, volume]| {
                let u = (depth - centre) / spread;
                volume * (-0.5 * u * u).exp() / (spread * (2.0 * std::f64::consts::PI).sqrt())
            })
            .sum()
    }
}

/// Computes what session number `session` of the plan does mechanically, with `strata` classes of depth.
/// # Errors
/// The device cannot do what the protocol asks.
pub fn injure(_plan: &Plan, _session: usize, _strata: usize) -> Result<Needling> {
    Err(crate::error::Error::input("not yet"))
}
