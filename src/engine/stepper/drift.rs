//! Drift: fluxes ρ(vu − D ∂u/∂x) by exponential fitting.
//!
//! Between two points at a distance l the flux J that does not change on the way is, with g = ρD/l and x = ρv/g,
//!
//! J = a u₁ − b u₂, a = g B(−x), b = g B(x), B(x) = x/(eˣ − 1)
//!
//! (Scharfetter & Gummel, IEEE Transactions on Electron Devices 16, 1969, 64–77): central differences where v is slow, upwind where
//! it is fast, and v alone where nothing spreads. Two such pieces with different ρ, D and v are in series,
//! J = (a₁a₂u₁ − b₁b₂u₂)/(a₂ + b₁), so a steady profile with the same flux through all faces is exact in every layer: that of
//! sedimentation with J = 0, and that between two given values. No coefficient is negative, so what is positive stays so. At a face
//! with a condition the piece reaches from the cell's centre to the face; a value outside, an exchange and a film act on the flux
//! as a whole.
//!
//! **Correction.** Where v is fast this is of order one, since J does change along the way when something piles up there. The flux
//! between two points with ∂J/∂x = s is J + κ d s, κ = ½ coth(P/2) − 1/P, P = ln(a/b), d the way between the centres (the complete
//! flux of ten Thije Boonkkamp & Anthonissen, Journal of Scientific Computing 46, 2011, 47–70). s is van Leer's mean of ΔJ/Δx in the
//! cells on both sides, so nothing is corrected where J is steady, and for D → 0 this is the limited slope of `follow`. The correction
//! is taken to be no larger than ΔJ of either cell; then it multiplies each cell's own rate −ΔJ by a number between 0 and 2, and a
//! cell that is empty cannot lose. It is evaluated with the right-hand side; the solve knows a and b.

use crate::engine::grid::{Axis, Ends, Grid};

/// Beyond this only what comes from upwind counts.
const FAST: f64 = 600.0;

/// The flux a u₁ − b u₂ through a piece of conductance `g` in which things move at `v`, both for one area and with the density.
pub(super) fn fitted(g: f64, v: f64) -> [f64; 2] {
    let x = v / g;
    if g <= 0.0 || x.abs() > FAST {
        return [v.max(0.0), (-v).max(0.0)];
    }
    [g * bernoulli(-x), g * bernoulli(x)]
}

/// x/(eˣ − 1)
fn bernoulli(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { x / x.exp_m1() }
}

/// Two pieces one after the other. Where both flow to the face between them and nothing spreads, nothing passes.
pub(super) fn series([a, b]: [f64; 2], [c, d]: [f64; 2]) -> [f64; 2] {
    let sum = c + b;
    if sum > 0.0 { [a * c / sum, b * d / sum] } else { [0.0; 2] }
}

/// κ of a face with these coefficients.
fn share([a, b]: [f64; 2]) -> f64 {
    match (a > 0.0, b > 0.0) {
        (true, true) => {
            let p = (a / b).ln();
            // The next term of the series is P⁵/30240.
            if p.abs() < 0.05 { p / 12.0 - p.powi(3) / 720.0 } else { 0.5 / (0.5 * p).tanh() - 1.0 / p }
        }
        (true, false) => 0.5,
        (false, true) => -0.5,
        (false, false) => 0.0,
    }
}

/// What a face with these coefficients passes besides, where so much more leaves the cells on both sides than enters them. Widths
/// are those of the cells.
pub(super) fn correction(pair: [f64; 2], [before, after]: [f64; 2], [width, next]: [f64; 2]) -> f64 {
    if before * after <= 0.0 {
        return 0.0;
    }
    let (l, r) = (before / width, after / next);
    let most = before.abs().min(after.abs());
    (share(pair) * (width + next) * l * r / (l + r)).clamp(-most, most)
}

/// How a field drifts on one grid.
#[derive(Debug, Clone)]
pub struct Drift {
    /// Speed at each depth along x, y and depth [m/s].
    pub speed: [Vec<f64>; 3],
    /// For diffusivities by layer, the coefficients of each face in depth, …
    pub depth: Vec<[f64; 2]>,
    /// … and of each lower face along x and y, at each depth: as far as something passes there.
    pub across: [Vec<Vec<[f64; 2]>>; 2],
}

impl Drift {
    /// Half of a cell in depth that has this density and diffusivity.
    pub(super) fn half(&self, grid: &Grid, k: usize, density: f64, d: f64) -> [f64; 2] {
        fitted(density * d / (0.5 * grid.z.width(k)), density * self.speed[2][k])
    }

    /// Lower face i of a lateral axis, over the density.
    pub(super) fn face(&self, line: &Axis, i: usize, d: f64, axis: usize, k: usize) -> [f64; 2] {
        match i == 0 && line.ends == Ends::Closed {
            true => [0.0; 2],
            false => fitted(line.conductance[i] * d, self.speed[axis][k]),
        }
    }

    /// Whether something drifts along a lateral axis at a depth.
    pub fn is_along(&self, axis: usize, k: usize) -> bool {
        self.speed[axis][k] != 0.0
    }
}
