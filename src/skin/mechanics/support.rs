//! How skin holds against one needle before it is pierced: force by deflection, from the layers and what lies behind them.
//!
//! A tip of micrometres pushes skin in by tenths of a millimetre before it pierces. There the force no longer depends on the tip:
//! F = β E δ² in a homogeneous medium (deep indentation, δ ≫ r). Linear theory gives the same for a needle that bears on a patch
//! whose radius grows with the deflection,
//!
//! ```text
//! F = (3π²/16) E* a δ,  a = (4/π²) β δ,  E* = 4/3 E
//! ```
//!
//! so the patch carries the finite strain at the tip, and the grid carries what surrounds it: layers, backing, neighbours. On the
//! grid the media are non-linear. Their shear modulus is the secant of W = C₁ s + C₂ s², s = I₁ − 3 ≈ 2 e:e, up to the strain at
//! which they fail,
//!
//! ```text
//! G = G₀ (1 + 2 (C₂/C₁) s)
//! ```
//!
//! and the fibres in the plane are stretched by ½(∂w/∂r)² as the skin is dented; both are iterated. Every needle of a device is
//! pushed into the dents of the others: δ = δ_own + Σ_j w(r_j). Where a nose or a plate touches the skin it is held.
//!
//! A drum follows the skin down until needles and barrel together carry the force on it ([`Drum`](super::ground::Drum)). What its barrel carries is a
//! pressure p on the skin between the needles. Around each needle that skin lets go of the barrel where the dent would pull it off,
//!
//! ```text
//! p + q ≥ 0 where it touches (w = 0),   w ≥ 0 where it does not (q = −p),   q the change of pressure around the needle
//! ```
//!
//! so that a harder press leaves the needle less skin to dent. p and the sink of the drum are a contact of their own on the same
//! grid ([`contact`](super::contact)), of the body of revolution that covers the same area at the same depth.
//!
//! Moduli are those of the shortest time; F(δ) is the elastic response of quasi-linear viscoelasticity, and the reduced relaxation
//! of the site comes from the same grid with relaxed moduli.
//!
//! Where it fails: slopes of order one near the tip are outside the theory of moderate rotations; the skin's own tension is not
//! known and left out; inertia is neglected (at 1 m/s the force on a needle of 0.1 mm is below a millinewton, but shear waves
//! cross fat only some millimetres in a stroke, so deep layers hold better than computed).

use std::sync::Arc;

use rayon::prelude::*;

use super::dent::Dent;
use super::ground::Ground;
use super::memo::Memo;
use super::relax::Relaxation;
use crate::base::error::Result;

/// Force by deflection.
#[derive(Debug, Clone, PartialEq)]
pub struct SupportCurve {
    /// Deflections [m], ascending from 0.
    pub deflection: Vec<f64>,
    /// Elastic response at each [N].
    pub force: Vec<f64>,
    /// How it relaxes.
    pub relaxation: Relaxation,
    /// Height of the dome of skin in the nose under its force and under half of it [m]; 0 without one.
    pub dome: [f64; 2],
    /// Power of the deflection by which the force grows from each point of the curve to the next.
    power: Vec<f64>,
}

/// The smallest deflection at which the curve is computed [m], and the ratio of each to the next. They are the same for all lengths
/// of a needle, so that a curve serves several.
const SHALLOWEST: f64 = 2e-5;
const LADDER: f64 = 1.45;
/// Curves that are kept.
static CURVES: Memo<Ground, Arc<SupportCurve>> = Memo::new(64);
/// Domes that are kept.
static DOMES: Memo<Ground, f64> = Memo::new(64);

impl Ground {
    /// The curve of force by deflection.
    ///
    /// # Errors
    /// The layers are not held, or an iteration does not settle.
    pub fn support(&self) -> Result<Arc<SupportCurve>> {
        // Up the ladder until it reaches as deep as is asked.
        let count = ((self.deepest / SHALLOWEST).ln() / LADDER.ln()).ceil().max(1.0) as usize + 1;
        let levels: Vec<f64> = (0..count).map(|level| SHALLOWEST * LADDER.powi(level as i32)).collect();
        let question = Self { deepest: levels[count - 1], ..self.clone() };
        CURVES.of(&question, || question.curve(levels).map(Arc::new))
    }

    /// The curve at these deflections of the patch [m].
    fn curve(&self, levels: Vec<f64>) -> Result<SupportCurve> {
        let pressed = self.pressed()?;
        let along = |level: f64| {
            let dent = self.dent(level, self.times.shortest, pressed.as_ref(), false)?;
            let shared: f64 = self.surroundings.neighbours.iter().map(|(r, count)| count * dent.surface(*r)).sum();
            Ok((level + shared.max(0.0), dent.force))
        };
        let (solved, dome) = rayon::join(
            || levels.into_par_iter().map(along).collect::<Result<Vec<(f64, f64)>>>(),
            || pressed.as_ref().map_or(Ok([0.0; 2]), |dent| self.domed(dent)),
        );
        let (solved, dome) = (solved?, dome?);
        let (mut deflection, mut force) = (vec![0.0], vec![0.0]);
        for (delta, newtons) in solved {
            // More deflection never needs less force.
            if delta > deflection[deflection.len() - 1] && newtons > force[force.len() - 1] {
                deflection.push(delta);
                force.push(newtons);
            }
        }
        let steps = deflection.windows(2).zip(force.windows(2));
        // Before the first point the force is that of a deep dent in one medium.
        let power =
            steps.map(|(x, y)| if x[0] > 0.0 { (y[1] / y[0]).ln() / (x[1] / x[0]).ln() } else { 2.0 }).collect();
        Ok(SupportCurve { deflection, force, relaxation: self.relaxation()?, dome, power })
    }

    /// Heights to which the skin domes into the nose [m]: under its whole force, with the skin as it is then pressed, and under half of
    /// it.
    fn domed(&self, pressed: &Dent) -> Result<[f64; 2]> {
        let Some(nose) = &self.surroundings.nose else { return Ok([0.0; 2]) };
        let half = self.nose(nose.radius, nose.breadth, 0.5 * nose.force, nose.time)?;
        Ok([pressed, &half].map(Dent::domed))
    }

    /// Height of the dome under the whole force [m], without the curve; zero without a nose.
    ///
    /// # Errors
    /// An iteration does not settle.
    pub fn dome(&self) -> Result<f64> {
        let Some(nose) = &self.surroundings.nose else { return Ok(0.0) };
        DOMES.of(self, || Ok(self.nose(nose.radius, nose.breadth, nose.force, nose.time)?.domed()))
    }

    /// How the site relaxes: its stiffness with the moduli after each time, relative to that of the shortest.
    fn relaxation(&self) -> Result<Relaxation> {
        let first = self.plies[0].medium.exponent;
        if self.plies.iter().all(|ply| ply.medium.exponent == first) {
            return Ok(Relaxation::power(first, self.times.shortest, self.times.longest));
        }
        let decades = (self.times.longest / self.times.shortest).log10();
        let count = (2.0 * decades).round().max(1.0) as usize;
        let time =
            |i: usize| self.times.shortest * (self.times.longest / self.times.shortest).powf(i as f64 / count as f64);
        let stiffness =
            (0..=count).map(|i| Ok(self.dent(1e-4, time(i), None, true)?.force)).collect::<Result<Vec<f64>>>()?;
        let curve: Vec<(f64, f64)> = (0..=count).map(|i| (time(i), stiffness[i] / stiffness[0])).collect();
        Ok(Relaxation::through(&curve))
    }
}

impl SupportCurve {
    /// Elastic response [N] at a deflection [m]: a power law between the points of the curve, the last one carried on.
    pub fn elastic(&self, deflection: f64) -> f64 {
        let last = self.deflection.len() - 1;
        if deflection <= 0.0 || last == 0 {
            return 0.0;
        }
        let above = self.deflection.partition_point(|own| *own < deflection).clamp(1, last);
        // The first point is the origin.
        let from = if above == 1 { 1 } else { above - 1 };
        self.force[from] * (deflection / self.deflection[from]).powf(self.power[above - 1])
    }

    /// Deflection [m] at which the elastic response is this force [N].
    pub fn deflection(&self, force: f64) -> f64 {
        let last = self.deflection.len() - 1;
        if force <= 0.0 || last == 0 {
            return 0.0;
        }
        let above = self.force.partition_point(|own| *own < force).clamp(1, last);
        let from = if above == 1 { 1 } else { above - 1 };
        self.deflection[from] * (force / self.force[from]).powf(1.0 / self.power[above - 1])
    }

    /// Secant stiffness [N/m] of a steady push to a deflection [m] over a time [s].
    pub fn stiffness(&self, deflection: f64, time: f64) -> f64 {
        self.elastic(deflection) * self.relaxation.ramp(time) / deflection
    }
}
