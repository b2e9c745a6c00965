//! When a tip pierces.
//!
//! ```text
//! F = (F₀ + σ π r²) g(v)              all of it depends on the speed, or
//! F = F₀ + σ π r² g(v)                only what blunts the tip does (the lumped model)
//!
//! g(v) = g_fast + (g_slow − g_fast) / (1 + (v/v_t)^n)
//! ```
//!
//! The criterion is local: a property of tip and skin, whatever holds the skin. The area law is that of Davis 2004 (force linear
//! in the area of the tip); F₀ is what an ideal tip needs. g falls between two levels. A plain power law through the fall by 28 %
//! from 0.5 to 1 mm/s (Olatunji 2013) would leave a thousandth of the strength at 1 m/s and make skin infinitely strong at rest.
//!
//! Where it fails: the edge of a bevel and the state of the tip are one radius; hydration, which changes the strength of the
//! stratum corneum by a factor of seven, is not an input.

use std::f64::consts::PI;

/// Force at which a tip pierces, see [`PunctureLaw::force`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PunctureLaw {
    /// F₀ [N].
    pub base_force: f64,
    /// σ [Pa].
    pub strength: f64,
    /// g of a very slow tip.
    pub slow_factor: f64,
    /// g of a very fast tip.
    pub fast_factor: f64,
    /// v_t, speed halfway between the two [m/s].
    pub transition_speed: f64,
    /// n.
    pub exponent: f64,
}

impl PunctureLaw {
    /// g(v), the strength of the skin at a speed relative to that at about 1 mm/s.
    ///
    /// Example: with 1.61, 0.64, 0.7 mm/s and 1.5, g is 1.25 at 0.5 mm/s, 1.00 at 1 mm/s and 0.64 at 1 m/s.
    pub fn factor(&self, speed: f64) -> f64 {
        let ratio = (speed.max(0.0) / self.transition_speed).powf(self.exponent);
        self.fast_factor + (self.slow_factor - self.fast_factor) / (1.0 + ratio)
    }

    /// Force [N] at which a tip of radius r [m] pierces at a speed v [m/s], if only the part of the tip depends on the speed.
    ///
    /// Example: 18 mN for r = 5 µm and 0.27 N for r = 25 µm at 1 mm/s (F₀ = 8 mN, σ = 130 MPa).
    pub fn force(&self, tip_radius: f64, speed: f64) -> f64 {
        self.base_force + self.strength * PI * tip_radius * tip_radius * self.factor(speed)
    }

    /// Force [N] at which a tip of radius r [m] pierces at a speed v [m/s], if all of it depends on the speed.
    ///
    /// Example: 18.2 mN × g for r = 5 µm.
    pub fn local(&self, tip_radius: f64, speed: f64) -> f64 {
        (self.base_force + self.strength * PI * tip_radius * tip_radius) * self.factor(speed)
    }
}
