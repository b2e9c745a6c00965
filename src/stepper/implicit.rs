//! The default method: a linearly implicit Runge–Kutta method of Rosenbrock type with an inexact Jacobian (a W-method).
//!
//! (I − θW) kᵢ = γ (h F(u + Σⱼ aᵢⱼkⱼ) + Σⱼ cᵢⱼkⱼ), θ = γh, u₁ = u + Σ mᵢkᵢ, error ≈ Σ eᵢkᵢ
//!
//! F is evaluated unsplit, with chemotaxis, quasi-steady fields and column reductions up to date. Only the solve is
//! factorised: I − θW = (I − θJ)(I − θA_x)(I − θA_y)(I − θA_z) with the Jacobian J of the kinetics of each cell and diffusion
//! A along each axis. The order conditions of a W-method hold for every W, so the factorisation, frozen diffusivities and what
//! W leaves out cost accuracy only through the size of the error, not its order, and a state with F = 0 stays where it is to
//! the last bit. Coefficients: ROS34PW2 of Rang & Angermann (BIT 45, 2005, 761–787): four stages, order 3 for every W,
//! embedded order 2, L-stable with the exact Jacobian.
//!
//! **Step control.** The error of a field is its volume-weighted mean |error| over the tolerance times the largest mean
//! deviation from rest the field has had since the last restart; the step is accepted if no field exceeds 1. What
//! `positive` moves counts as error.
//!
//! Where it fails: where kinetics and diffusion are both much faster than the step, the factorised W answers too slowly, and
//! the error estimate shortens the step.

use rayon::prelude::*;

use crate::error::Result;
use crate::skin::Skin;
use crate::stepper::positive;
use crate::stepper::system::{Closure, Frame, System};

/// Coefficients of a method with four stages, as published.
#[derive(Debug, Clone, Copy)]
pub struct Tableau {
    /// Diagonal of Γ.
    pub gamma: f64,
    /// α, strictly lower triangular.
    pub alpha: [[f64; 4]; 4],
    /// Γ, lower triangular with `gamma` on the diagonal.
    pub coupling: [[f64; 4]; 4],
    /// Weights of the result.
    pub weights: [f64; 4],
    /// Weights of the embedded result of one order less.
    pub embedded: [f64; 4],
}

#[allow(clippy::excessive_precision)]
const G: f64 = 4.358_665_215_084_590_0e-1;

/// ROS34PW2, Rang & Angermann 2005, with all digits as published.
#[allow(clippy::excessive_precision)]
pub const ROS34PW2: Tableau = Tableau {
    gamma: G,
    alpha: [
        [0.0; 4],
        [8.717_330_430_169_180_1e-1, 0.0, 0.0, 0.0],
        [8.445_706_001_536_942_3e-1, -1.129_906_423_648_418_5e-1, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
    ],
    coupling: [
        [G, 0.0, 0.0, 0.0],
        [-8.717_330_430_169_180_1e-1, G, 0.0, 0.0],
        [-9.033_805_701_304_408_2e-1, 5.418_067_238_809_532_6e-2, G, 0.0],
        [2.421_238_070_609_534_6e-1, -1.223_250_583_904_514_7, 5.452_602_553_351_021_4e-1, G],
    ],
    weights: [2.421_238_070_609_534_6e-1, -1.223_250_583_904_514_7, 1.545_260_255_335_102_0, G],
    embedded: [3.781_090_314_581_936_9e-1, -9.604_229_221_242_317_8e-2, 0.5, 2.179_332_607_542_295_0e-1],
};

/// The coefficients in the form that needs no product with the Jacobian.
#[derive(Debug, Clone, Copy)]
struct Stages {
    gamma: f64,
    a: [[f64; 4]; 4],
    c: [[f64; 4]; 4],
    m: [f64; 4],
    e: [f64; 4],
    /// Share of the step at which each stage looks.
    ahead: [f64; 4],
}

impl Stages {
    fn new(tableau: &Tableau) -> Self {
        // Γ⁻¹ by forward substitution; Γ is lower triangular.
        let mut inverse = [[0.0; 4]; 4];
        for j in 0..4 {
            for i in j..4 {
                let identity = if i == j { 1.0 } else { 0.0 };
                let sum: f64 = (j..i).map(|k| tableau.coupling[i][k] * inverse[k][j]).sum();
                inverse[i][j] = (identity - sum) / tableau.coupling[i][i];
            }
        }
        let times =
            |row: &[f64; 4]| -> [f64; 4] { std::array::from_fn(|j| (0..4).map(|k| row[k] * inverse[k][j]).sum()) };
        let m = times(&tableau.weights);
        let embedded = times(&tableau.embedded);
        Self {
            gamma: tableau.gamma,
            a: std::array::from_fn(|i| times(&tableau.alpha[i])),
            c: std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 0.0 } else { -inverse[i][j] })),
            m,
            e: std::array::from_fn(|i| m[i] - embedded[i]),
            ahead: std::array::from_fn(|i| tableau.alpha[i].iter().sum()),
        }
    }
}

/// The method with its buffers: the state, four stages, the stage's state.
#[derive(Debug)]
pub struct Implicit {
    stages: Stages,
    k: [Vec<f64>; 4],
    state: Vec<f64>,
    base: Closure,
    /// Largest mean deviation from rest of each field since the last restart; volume fields, then surface fields.
    largest: Vec<f64>,
    /// Error of each field in the last step, relative to what is allowed.
    errors: Vec<f64>,
    /// Measure of each place, sum 1.
    lateral: Vec<f64>,
    /// Quasi-steady fields when the step began.
    quasi: Vec<f64>,
}

/// Part of a field's scale below which deviations do not matter.
const NEGLIGIBLE: f64 = 1e-7;
/// Values this small are flushed to zero, as subnormal numbers would stall the processor. No observable can see them.
const NOTHING: f64 = 1e-200;
const SAFETY: f64 = 0.85;
const LARGEST_GROWTH: f64 = 4.0;
const SMALLEST_GROWTH: f64 = 0.15;

impl Implicit {
    /// Buffers for a skin.
    pub fn new(skin: &Skin, tableau: Tableau) -> Self {
        let fields = skin.layout.fields + skin.layout.surface;
        let buffer = || vec![0.0; skin.state.len()];
        Self {
            stages: Stages::new(&tableau),
            k: std::array::from_fn(|_| buffer()),
            state: buffer(),
            base: Closure::default(),
            largest: vec![0.0; fields],
            errors: vec![0.0; fields],
            lateral: skin.grid.lateral_weights(),
            quasi: skin.quasi.clone(),
        }
    }

    /// Forgets how large deviations were.
    pub fn restart(&mut self, skin: &Skin) {
        self.largest.fill(0.0);
        self.measure(skin, &skin.state);
    }

    /// The field that last limited the step.
    pub fn worst(&self, skin: &Skin) -> String {
        let at = (0..self.errors.len()).max_by(|&a, &b| self.errors[a].total_cmp(&self.errors[b])).unwrap_or(0);
        let volume = skin.compiled.volume.iter().map(|field| &field.name);
        let surface = skin.compiled.surface.iter().map(|field| &field.name);
        volume.chain(surface).nth(at).cloned().unwrap_or_default()
    }

    /// Tries one step of length `step` [s]. Returns whether it was accepted, and the length recommended next.
    ///
    /// # Errors
    /// A quasi-steady field has no balance at the start of the step.
    pub fn step(
        &mut self,
        system: &mut System,
        skin: &mut Skin,
        step: f64,
        tolerance: f64,
        adaptive: bool,
    ) -> Result<(bool, f64)> {
        let stages = self.stages;
        self.quasi.copy_from_slice(&skin.quasi);
        for i in 0..4 {
            self.combine(&skin.state, &stages.a[i][..i]);
            let time = skin.time + stages.ahead[i] * step;
            let frame = Frame { skin };
            let closed = system.close(&frame, &self.state, time);
            if let Err(error) = closed {
                // A stage far outside is a step too long, unless it is the start itself.
                if i == 0 || !adaptive {
                    return Err(error);
                }
                system.now.quasi.copy_from_slice(&self.quasi);
                return Ok((false, SMALLEST_GROWTH * step));
            }
            if i == 0 {
                self.base.clone_from(&system.now);
                system.prepare(stages.gamma * step);
            }
            let (done, rest) = self.k.split_at_mut(i);
            let out = &mut rest[0];
            combination(out, done, &stages.c[i]);
            system.stage(&frame, &self.state, (&skin.state, &self.base), stages.gamma, step, out);
        }
        self.combine(&skin.state, &stages.m);
        let moved = self.repair(skin);
        let worst = self.error(skin, &moved, tolerance);
        let growth = if worst.is_finite() {
            (SAFETY * worst.max(1e-12).powf(-1.0 / 3.0)).clamp(SMALLEST_GROWTH, LARGEST_GROWTH)
        } else {
            SMALLEST_GROWTH
        };
        let accepted = if adaptive { worst <= 1.0 } else { worst.is_finite() };
        if accepted {
            std::mem::swap(&mut skin.state, &mut self.state);
            self.measure(skin, &skin.state);
            // The last stage's balance is the next step's first guess; the skin shows the balance of its own state.
            let frame = Frame { skin };
            system.close(&frame, &skin.state, skin.time + step)?;
            skin.quasi.copy_from_slice(&system.now.quasi);
        } else {
            system.now.quasi.copy_from_slice(&self.quasi);
        }
        Ok((accepted, step * growth))
    }

    /// state ← base + Σ weights·k.
    fn combine(&mut self, base: &[f64], weights: &[f64]) {
        self.state.copy_from_slice(base);
        let k = &self.k;
        self.state.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, state)| {
            for (k, weight) in k.iter().zip(weights).filter(|(_, weight)| **weight != 0.0) {
                for (state, k) in state.iter_mut().zip(&k[chunk * CHUNK..]) {
                    *state += weight * k;
                }
            }
        });
    }

    /// Visits the rows of each field: (field index, whether unsigned, range of the state, measure per lateral area).
    fn rows(skin: &Skin) -> impl Iterator<Item = (usize, bool, std::ops::Range<usize>, f64)> + '_ {
        let layout = skin.layout;
        let volume = (0..layout.fields).flat_map(move |f| {
            let field = &skin.compiled.volume[f];
            (0..layout.nz).filter_map(move |z| {
                let layer = skin.grid.layer[z];
                let measure = field.density[layer] * skin.grid.z.width(z);
                field.lives[layer].then(|| (f, !field.signed, layout.row(z, f), measure))
            })
        });
        let surface = (0..layout.surface).map(move |f| {
            let field = &skin.compiled.surface[f];
            (layout.fields + f, !field.signed, layout.surface_row(f), 1.0)
        });
        volume.chain(surface)
    }

    /// Makes the new state positive; returns what was moved of each field, by volume.
    fn repair(&mut self, skin: &Skin) -> Vec<f64> {
        let fields = self.errors.len();
        let mut negative = vec![false; fields];
        for (f, unsigned, row, _) in Self::rows(skin) {
            let values = &mut self.state[row];
            let mut below = false;
            for value in values.iter_mut() {
                if value.abs() < NOTHING {
                    *value = 0.0;
                }
                below |= *value < 0.0;
            }
            negative[f] |= unsigned && below;
        }
        let mut moved = vec![0.0; fields];
        for f in (0..fields).filter(|&f| negative[f]) {
            let mut rows = Vec::new();
            let mut rest = self.state.as_mut_slice();
            let mut taken = 0;
            for (_, _, row, measure) in Self::rows(skin).filter(|(own, ..)| *own == f) {
                let (_, after) = rest.split_at_mut(row.start - taken);
                let (own, after) = after.split_at_mut(row.len());
                taken = row.end;
                rest = after;
                rows.push((&skin.state[row], own, measure));
            }
            moved[f] = positive::repair(&mut rows, &self.lateral);
        }
        moved
    }

    /// The largest error of a field relative to what is allowed; NaN or infinite if a value is not finite.
    fn error(&mut self, skin: &Skin, moved: &[f64], tolerance: f64) -> f64 {
        let stages = self.stages;
        let fields = self.errors.len();
        let (mut error, mut deviation) = (moved.to_vec(), vec![0.0; fields]);
        for (f, _, row, measure) in Self::rows(skin) {
            let rest = rest_of(skin, f, row.start);
            let (mut own_error, mut own_deviation) = (0.0, 0.0);
            for (p, weight) in row.zip(&self.lateral) {
                let estimate: f64 = self.k.iter().zip(&stages.e).map(|(k, e)| e * k[p]).sum();
                own_error += weight * estimate.abs();
                own_deviation += weight * (self.state[p] - rest).abs();
            }
            error[f] += own_error * measure;
            deviation[f] += own_deviation * measure;
        }
        let mut worst = 0.0_f64;
        for f in 0..fields {
            let size = self.largest[f].max(deviation[f]).max(NEGLIGIBLE * scale_of(skin, f));
            self.errors[f] = error[f] / (tolerance * size);
            if !self.errors[f].is_finite() {
                return f64::INFINITY;
            }
            worst = worst.max(self.errors[f]);
        }
        worst
    }

    /// Updates the largest deviations from rest.
    fn measure(&mut self, skin: &Skin, state: &[f64]) {
        let mut deviation = vec![0.0; self.largest.len()];
        for (f, _, row, measure) in Self::rows(skin) {
            let rest = rest_of(skin, f, row.start);
            let own: f64 =
                state[row].iter().zip(&self.lateral).map(|(value, weight)| weight * (value - rest).abs()).sum();
            deviation[f] += own * measure;
        }
        for (largest, deviation) in self.largest.iter_mut().zip(deviation) {
            *largest = largest.max(deviation);
        }
    }
}

/// Values that one task combines.
const CHUNK: usize = 4096;

fn combination(out: &mut [f64], k: &[Vec<f64>], weights: &[f64; 4]) {
    out.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, out)| {
        out.fill(0.0);
        for (k, weight) in k.iter().zip(weights) {
            for (out, k) in out.iter_mut().zip(&k[chunk * CHUNK..]) {
                *out += weight * k;
            }
        }
    });
}

/// Value at rest of field `f` (volume, then surface) in the row that starts at `start`.
fn rest_of(skin: &Skin, f: usize, start: usize) -> f64 {
    let layout = skin.layout;
    match f.checked_sub(layout.fields) {
        Some(surface) => skin.compiled.surface[surface].rest,
        None => skin.compiled.volume[f].rest[skin.grid.layer[start / layout.slab()]],
    }
}

/// A typical content of field `f` per area: its scale times the depth in which it lives.
fn scale_of(skin: &Skin, f: usize) -> f64 {
    match f.checked_sub(skin.layout.fields) {
        Some(surface) => skin.compiled.surface[surface].scale,
        None => {
            let depth = skin.grid.z.faces[skin.grid.z.len()];
            skin.compiled.volume[f].scale * depth
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order conditions of a W-method: they hold for every W.
    #[test]
    fn coefficients_have_order_three_for_every_jacobian_and_the_embedded_ones_two() {
        let t = ROS34PW2;
        let sums = |matrix: &[[f64; 4]; 4]| -> [f64; 4] { std::array::from_fn(|i| matrix[i].iter().sum()) };
        let (alpha, gamma) = (sums(&t.alpha), sums(&t.coupling));
        let weigh = |b: &[f64; 4], values: &[f64; 4]| -> f64 { b.iter().zip(values).map(|(b, v)| b * v).sum() };
        let through = |matrix: &[[f64; 4]; 4], values: &[f64; 4]| -> [f64; 4] {
            std::array::from_fn(|i| (0..4).map(|j| matrix[i][j] * values[j]).sum())
        };
        let close = |left: f64, right: f64, name: &str| assert!((left - right).abs() < 1e-14, "{name}: {left} {right}");
        for (name, b) in [("result", &t.weights), ("embedded", &t.embedded)] {
            close(weigh(b, &[1.0; 4]), 1.0, name);
            close(weigh(b, &alpha), 0.5, name);
            close(weigh(b, &gamma), 0.0, name);
        }
        let b = &t.weights;
        close(weigh(b, &alpha.map(|a| a * a)), 1.0 / 3.0, "order 3");
        close(weigh(b, &through(&t.alpha, &alpha)), 1.0 / 6.0, "order 3");
        close(weigh(b, &through(&t.alpha, &gamma)), 0.0, "order 3");
        close(weigh(b, &through(&t.coupling, &alpha)), 0.0, "order 3");
        close(weigh(b, &through(&t.coupling, &gamma)), 0.0, "order 3");
    }
}
