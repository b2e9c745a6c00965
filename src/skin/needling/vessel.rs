//! Vessels: which a needle meets, how many rupture, how much they bleed.
//!
//! Four classes, in this order in every array: capillary loops, superficial plexus, mid dermis, deep plexus. Ruptures of a
//! class in one puncture are counts with a Poisson distribution about p_r H, where H is the number of vessels met:
//!
//! ```text
//! loops      H = (n/h) ∫ π ((D(z) + w)/2)² dz                  upright, from the epidermis down to h below it
//! the others H = ∫ c Λ(z) (D(z) + d_v) dz                      c = 1 for horizontal vessels, π/4 for any direction
//! blood      V = Q₀ τ,  Q₀ = π (d_v/2)⁴ Δp / (8 μ ℓ)           clotting lets the flow decay as exp(−t/τ)
//! ```
//!
//! Beside the channel vessels are stretched as the tissue is ([`cavity`](crate::skin::mechanics::cavity)); one that is not cut tears if
//! its own strength, normally distributed, lies below the stretch λ(r) there. That widens the swath by 2 ∫ P(λ(r)) dr from the wall on:
//!
//! ```text
//! H′ = ∫ c Λ(z) 2 ∫ Φ((λ(r, z) − λ_v)/s_v) dr dz
//! ```
//!
//! A cut along the skin ([`tear`](super::tear)) parts vessels that cross it: a horizontal vessel of any direction meets 2/π of its
//! length s(z), a loop all of it:
//!
//! ```text
//! H″ = p_c ∫ c Λ(z) (2/π) s(z) dz,   loops  p_c (n/h) ∫ (D(z) + w) s(z) dz
//! ```
//!
//! D(z) is the diameter of the needle at the depth z. Nothing of a vessel lies in the epidermis, so a needle that ends there
//! ruptures none. Where it fails: vessels are met independently, as if scattered at random; every vessel of a class has the
//! same calibre; pressure ruptures none (pressed skin is compressed, which lowers the pressure across a wall, and no suction is
//! modelled).

use std::f64::consts::PI;

use super::Puncture;
use super::tear::Cut;
use crate::skin::mechanics::cavity::stretch_at;

/// Classes of vessels.
pub const CLASSES: usize = 4;

/// Spacing of the integration over depth [m].
pub(super) const STEP: f64 = 1e-5;

/// One class of vessels for one person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bed {
    /// Where its vessels lie.
    pub place: VesselPlace,
    /// Bore, for the flow, and width, for the crossing [m].
    pub diameter: f64,
    /// Blood shed by one rupture [m³].
    pub shed: f64,
    /// Share of it that stays in the tissue.
    pub retained: f64,
}

/// Where the vessels of a class lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum VesselPlace {
    /// Upright loops: number per area [1/m²], width [m], height below the epidermis [m].
    Loops(f64, f64, f64),
    /// Length per volume at the centre [1/m²], depth of the centre below the surface [m], spread [m].
    Around(f64, f64, f64),
    /// Length per volume [1/m²] anywhere in the dermis below the loops, which reach this far below the epidermis [m];
    /// crossing coefficient.
    Through(f64, f64, f64),
    /// Length per volume at the centre [1/m²], depth of the centre below the dermis [m], spread [m].
    Below(f64, f64, f64),
}

/// The skin at a hole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SkinDepths {
    /// Depth of the bottom of the epidermis [m].
    pub epidermis: f64,
    /// Depth of the bottom of the dermis [m].
    pub dermis: f64,
}

impl Bed {
    /// Vessels that tear beside a needle of this diameter [m], per depth [1/m]: `beside` as [`Strength::beside`] gives it.
    fn torn(&self, depth: f64, needle: f64, beside: [f64; 2], skin: SkinDepths) -> f64 {
        let (radius, [first, second]) = (0.5 * needle, beside);
        match self.place {
            // ∫ P over the rings around which a loop stands, wider by half a loop.
            VesselPlace::Loops(density, width, height) if (0.0..height).contains(&(depth - skin.epidermis)) => {
                density / height * 2.0 * PI * (radius * radius * second + 0.5 * width * radius * first)
            }
            VesselPlace::Loops(..) => 0.0,
            _ => self.met(depth, needle, skin) / (needle + self.diameter) * 2.0 * radius * first,
        }
    }

    /// Vessels that a cut parts beside the channel, per depth [1/m].
    fn parted(&self, depth: f64, needle: f64, cut: Cut, skin: SkinDepths) -> f64 {
        match self.place {
            // A loop is parted within half its width of the cut, which is as wide as the needle.
            VesselPlace::Loops(density, width, height) if (0.0..height).contains(&(depth - skin.epidermis)) => {
                density / height * (needle + width) * cut.at(depth)
            }
            VesselPlace::Loops(..) => 0.0,
            // A tissue without vessels has beds of no width.
            _ if self.diameter <= 0.0 => 0.0,
            _ => self.met(depth, 0.0, skin) / self.diameter * cut.across(depth),
        }
    }

    /// Vessels per volume [1/m³] at a depth whose nearest side lies at a distance from the axis [m].
    pub fn crowd(&self, depth: f64, distance: f64, skin: SkinDepths) -> f64 {
        match self.place {
            VesselPlace::Loops(density, width, height) if (0.0..height).contains(&(depth - skin.epidermis)) => {
                density / height * (distance + 0.5 * width) / distance
            }
            VesselPlace::Loops(..) => 0.0,
            // Of straight vessels as many pass at each distance: a ring further out holds fewer.
            _ => self.met(depth, 0.0, skin) / self.diameter / (PI * distance),
        }
    }

    /// Vessels met per depth [1/m] at a depth by a needle of this diameter there.
    pub fn met(&self, depth: f64, needle: f64, skin: SkinDepths) -> f64 {
        if depth < skin.epidermis {
            return 0.0;
        }
        let swath = needle + self.diameter;
        let bell = |centre: f64, spread: f64| (-0.5 * ((depth - centre) / spread).powi(2)).exp();
        match self.place {
            VesselPlace::Loops(density, width, height) if depth < skin.epidermis + height => {
                density / height * PI * (0.5 * (needle + width)).powi(2)
            }
            VesselPlace::Loops(..) => 0.0,
            VesselPlace::Around(density, centre, spread) => density * bell(centre, spread) * swath,
            VesselPlace::Through(density, top, crossing) if (skin.epidermis + top..skin.dermis).contains(&depth) => {
                crossing * density * swath
            }
            VesselPlace::Through(..) => 0.0,
            VesselPlace::Below(density, offset, spread) => density * bell(skin.dermis + offset, spread) * swath,
        }
    }
}

/// Flow [m³/s] from a cut vessel of bore d: Q₀ = π (d/2)⁴ Δp / (8 μ ℓ) (Poiseuille), Δp the pressure, ℓ the length of vessel
/// that feeds the cut, μ the viscosity.
///
/// Example: 5.5 nL/s for 25 µm, 15 mmHg, 1 mm, 3.5 cP.
pub fn flow(diameter: f64, pressure: f64, feeding: f64, viscosity: f64) -> f64 {
    PI * (0.5 * diameter).powi(4) * pressure / (8.0 * viscosity * feeding)
}

/// Blood [m³] shed by a cut whose flow decays with clotting: Q₀ τ. Example: 33 nL for 5.5 nL/s and 6 s.
pub fn shed(flow: f64, clotting: f64) -> f64 {
    flow * clotting
}

/// Flow [m³/s] in an intact capillary: v π (d/2)². Example: 33 pL/s at 0.65 mm/s through 8 µm.
pub fn resting_flow(velocity: f64, diameter: f64) -> f64 {
    velocity * PI * (0.5 * diameter).powi(2)
}

/// Ruptures expected of a puncture, by class.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ruptures {
    /// Mean number of ruptures.
    pub mean: [f64; CLASSES],
    /// Mean depth of the ruptures [m]; 0 where there are none.
    pub centre: [f64; CLASSES],
    /// Standard deviation of that depth [m].
    pub spread: [f64; CLASSES],
}

/// How vessels tear that are stretched beside a needle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strength {
    /// Stretch at which half of them have torn.
    pub stretch: f64,
    /// Standard deviation between vessels.
    pub spread: f64,
    /// Share of the vessels across a cut that it parts.
    pub parting: f64,
}

impl Strength {
    /// Probability that a vessel tears at a stretch.
    ///
    /// Example: 0.023 at 1.4 for 1.6 ± 0.1.
    pub fn tears(&self, stretch: f64) -> f64 {
        if self.spread <= 0.0 {
            return f64::from(u8::from(stretch >= self.stretch));
        }
        0.5 * statrs::function::erf::erfc((self.stretch - stretch) / (self.spread * std::f64::consts::SQRT_2))
    }

    /// ∫ P(λ(r)) dr and ∫ P(λ(r)) r dr from the wall on, in radii of the needle, with the wall stretched by `wall`.
    pub fn beside(&self, wall: f64) -> [f64; 2] {
        // Stretch fades within a few radii; the substitution r = e^u spaces points evenly in it.
        let (points, longest) = (60, 1.6);
        let step = longest / f64::from(points);
        let mut sums = [0.0; 2];
        for point in 0..points {
            let r = ((f64::from(point) + 0.5) * step).exp();
            let torn = self.tears(stretch_at(1.0, 1.0 / wall, r)) * r * step;
            sums[0] += torn;
            sums[1] += torn * r;
        }
        sums
    }
}

/// Ruptures expected of a puncture in this skin, and their share in each slice of depth `STEP` added to `profile`.
pub(super) fn ruptures(
    beds: &[Bed; CLASSES],
    rupture: f64,
    strength: Strength,
    puncture: &Puncture,
    skin: SkinDepths,
    profile: &mut Vec<[f64; CLASSES]>,
) -> Ruptures {
    let mut sums = [[0.0; 3]; CLASSES];
    let slices = (puncture.depth / STEP).ceil() as usize;
    let beside = strength.beside(puncture.wall_stretch);
    if profile.len() < slices {
        profile.resize(slices, [0.0; CLASSES]);
    }
    for (slice, share) in profile.iter_mut().enumerate().take(slices) {
        let top = slice as f64 * STEP;
        let height = (puncture.depth - top).min(STEP);
        let depth = top + 0.5 * height;
        let needle = 2.0 * puncture.radius_at(depth);
        for (class, bed) in beds.iter().enumerate() {
            let torn = bed.torn(depth, needle, beside, skin);
            let parted = strength.parting * bed.parted(depth, needle, puncture.cut, skin);
            let mean = (rupture * bed.met(depth, needle, skin) + torn + parted) * height;
            share[class] += mean;
            for (power, sum) in sums[class].iter_mut().enumerate() {
                *sum += mean * depth.powi(power as i32);
            }
        }
    }
    let mut ruptures = Ruptures::default();
    for (class, [count, first, second]) in sums.into_iter().enumerate() {
        ruptures.mean[class] = count;
        if count > 0.0 {
            let centre = first / count;
            ruptures.centre[class] = centre;
            ruptures.spread[class] = (second / count - centre * centre).max(0.0).sqrt();
        }
    }
    ruptures
}
