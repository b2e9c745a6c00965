//! How deep a needle goes in the lumped model: skin as a spring in series with a needle that cuts.
//!
//! The skin under a needle gives way like a spring of stiffness k until the tip pierces at the force F. From there on the
//! needle meets a resistance that grows by κ with depth:
//!
//! ```text
//! k (L′ − d) = F + κ d          first stroke
//! ```
//!
//! with L′ the reach of the needle beyond the undeformed surface. F is a local property of tip and skin; it does not depend
//! on k (the energy stored in the whole spring is more than a tip needs, so it is no criterion).
//!
//! Where this fails: the spring is linear and lumped, the deflection before piercing is many tip radii, and one number per
//! site stands for backing, tension and layers. It is kept to compare with; [`mechanics`](crate::skin::mechanics) computes the tissue.

pub use crate::skin::mechanics::puncture::PunctureLaw;

/// Stiffness of skin under a needle that comes at a speed v: k = k₀ (1 + β v/(v + v_s)).
///
/// Skin is viscoelastic: fast strikes meet it stiffer, by at most 1 + β.
///
/// Example: 0.17 N/mm at rest is 0.43 N/mm at 1 m/s (β = 2, v_s = 0.3 m/s).
pub fn stiffness(relaxed: f64, stiffening: f64, scale: f64, speed: f64) -> f64 {
    relaxed * (1.0 + stiffening * speed / (speed + scale))
}

/// Stiffness per needle where needles stand at a pitch p: k₀ (p/p₀)^q. Example: q = 0 leaves k₀.
pub fn crowded(relaxed: f64, pitch: f64, at_pitch: f64, exponent: f64) -> f64 {
    relaxed * (pitch / at_pitch).powf(exponent)
}

/// Height [m] of the dome of skin in the nose of a pressed device: h = h_max (1 − exp(−F/F_c)).
///
/// Example: 0.14 mm at 1 N with 0.5 mm and 3 N.
pub fn dome(highest: f64, press: f64, scale: f64) -> f64 {
    highest * (1.0 - (-press / scale).exp())
}

/// Radius [m] of a tip after some treatments n: r = r_worn − (r_worn − r_new) exp(−n/n_w).
///
/// Example: 5 µm new and 17 µm worn give 12.6 µm after three treatments with n_w = 3.
pub fn worn(new: f64, worn: f64, treatments: f64, scale: f64) -> f64 {
    worn - (worn - new) * (-treatments / scale).exp()
}

/// What a needle meets at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LumpedGround {
    /// k, stiffness of the support at the speed of the needle [N/m].
    pub stiffness: f64,
    /// κ, resistance per depth [N/m].
    pub slope: f64,
    /// φ, share of κ left in an open hole: spreading and friction, no tearing.
    pub open_share: f64,
    /// F, force at which the tip pierces [N].
    pub force: f64,
}

impl LumpedGround {
    /// Shortest reach [m] that pierces: F/k.
    ///
    /// Example: 0.11 mm for 18 mN and 0.17 N/mm.
    pub fn shortest(&self) -> f64 {
        self.force / self.stiffness
    }

    /// Depth [m] of a hole after a stroke of reach L′ [m] into a hole of depth D [m] (0: intact skin), at most what a force
    /// `limit` [N] on the needle can drive:
    ///
    /// ```text
    /// within the hole the needle meets φ κ; below, it must pierce again and meets κ:
    /// k (L′ − d) = F + φ κ D + κ (d − D)     =>   d = (k L′ − F + (1 − φ) κ D) / (k + κ),   never less than D
    /// ```
    ///
    /// Repeated strokes converge on (k L′ − F)/(k + φ κ).
    ///
    /// Example: L′ = 1.5 mm, k = 0.378 N/mm, κ = 0.1 N/mm, φ = 0.39, F = 14.5 mN: 1.16 mm, then 1.30 mm, at last 1.32 mm.
    pub fn stroke(&self, hole: f64, reach: f64, limit: Option<f64>) -> f64 {
        let spared = (1.0 - self.open_share) * self.slope * hole;
        let free = (self.stiffness * reach - self.force + spared) / (self.stiffness + self.slope);
        let driven = match limit {
            Some(force) if self.slope > 0.0 => free.min((force - self.force + spared) / self.slope),
            Some(force) if force < self.force => 0.0,
            _ => free,
        };
        driven.clamp(0.0, reach.max(0.0)).max(hole)
    }
}

/// Force [N] a needle bears at a depth d [m]: F + κ d. Example: 0.13 N at 1.1 mm.
pub fn needle_force(force: f64, slope: f64, depth: f64) -> f64 {
    force + slope * depth
}
