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
//! The method is stiffly accurate: m₄ = 1 and mⱼ = a₄ⱼ for the others, so u₁ is the state of the last stage plus k₄. All that
//! this stage and the error want of k₁, k₂ and k₃ are three sums, formed while the rows of k₃ are in cache. Two of them take the
//! place of k₁ and k₂, and k₄ that of k₃: three buffers, and a step reads a tenth less.
//!
//! **Step control.** The step is accepted if the error of no field exceeds 1, by the norms of `judge`. What `positive` moves
//! counts as error.
//!
//! Allowed is the tolerance, and less where a step is long: × (s/h)^⅓ beyond s = longest/8000. An error of a signal fades as
//! fast as the solution changes, within a few steps; until then it feeds what changes slowly, so what it leaves there grows
//! with the step. Measured on whole courses: asking eight times more of the first hour after an act of the host moved no observable by
//! more than 0.02 % of its peak, asking it of the second to fourth week took its largest error from 0.9 to 0.3 %.
//!
//! Where it fails: where kinetics and diffusion are both much faster than the step, the factorised W answers too slowly, and
//! the error estimate shortens the step.
#![expect(unsafe_code, reason = "tasks write their own rows of shared arrays")]

use crate::base::error::Result;
use crate::base::memory;
use crate::engine::medium::Medium;
use crate::engine::stepper::Stepping;
use crate::engine::stepper::judge::{Judge, JudgedRow, Sums, rest_of};
use crate::engine::stepper::shared::Shared;
use crate::engine::stepper::system::{Frame, Stage, System};
use crate::engine::stepper::{Demand, Trial, multiply_add};

/// Coefficients of a stiffly accurate method with four stages, as published.
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
            e: std::array::from_fn(|i| m[i] - embedded[i]),
            ahead: std::array::from_fn(|i| tableau.alpha[i].iter().sum()),
        }
    }
}

/// The method with its buffers: stages and the stage's state.
#[derive(Debug)]
pub struct Implicit {
    stages: Stages,
    /// The first three stages; from the third on, the sum of them that the fourth looks at, their part of the error, and the
    /// last stage.
    k: [Vec<f64>; 3],
    state: Vec<f64>,
    /// Sums of each task of a step.
    sums: Vec<Sums>,
    /// Field of each task, volume fields first.
    fields: Vec<usize>,
    judge: Judge,
}

/// Values this small are flushed to zero, as subnormal numbers would stall the processor. No observable can see them.
const NOTHING: f64 = 1e-200;
const SAFETY: f64 = 0.85;
/// Share of the longest step up to which a step may use the whole tolerance.
const SHORT: f64 = 1.0 / 8000.0;
/// Power of the length of a longer step by which what is allowed falls. Of 0, ¼, ⅓ and ½ it takes the fewest steps for an
/// error, over four courses (lip, roller, pens of 0.5 and 1.5 mm).
const LASTING: f64 = 1.0 / 3.0;
const LARGEST_GROWTH: f64 = 4.0;
const SMALLEST_GROWTH: f64 = 0.15;

impl Implicit {
    /// Buffers for a medium.
    pub fn new(medium: &Medium, system: &System, tableau: Tableau, absolute: f64) -> Self {
        let buffer = || memory::zeros(medium.state.len());
        let mut own = Self {
            stages: Stages::new(&tableau),
            k: std::array::from_fn(|_| buffer()),
            state: buffer(),
            sums: vec![Sums::default(); system.tasks()],
            fields: system.task_fields().collect(),
            judge: Judge::new(medium, system, absolute),
        };
        own.restart(medium);
        own
    }

    /// Who judges its steps.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The same, to be told something.
    pub fn judge_mut(&mut self) -> &mut Judge {
        &mut self.judge
    }

    /// Forgets how large deviations were.
    pub fn restart(&mut self, medium: &Medium) {
        // Rows that never change are not written again.
        self.state.copy_from_slice(&medium.state);
        self.judge.restart(medium);
    }

    /// Tries one step of length `step` [s] with an error of no more than `allowed`.
    ///
    /// # Errors
    /// A quasi-steady field has no balance at the end of the step.
    pub fn step(
        &mut self,
        system: &mut System,
        medium: &mut Medium,
        step: f64,
        allowed: f64,
        demand: Demand,
    ) -> Result<Trial> {
        let stages = self.stages;
        self.judge.allow(allowed);
        system.prepare(stages.gamma * step);
        for i in 0..4 {
            if i > 0 {
                // A stage far outside is a step too long.
                let closed = system.close(&Frame { medium }, &self.state, medium.time + stages.ahead[i] * step);
                if let Err(error) = closed {
                    system.forget();
                    let next = SMALLEST_GROWTH * step;
                    return if demand != Demand::Finite { Ok(Trial { accepted: false, next }) } else { Err(error) };
                }
            }
            let (done, out) = self.k.split_at_mut(i.min(2));
            let (done, weights) = if i < 3 { (&*done, &stages.c[i][..i]) } else { (&done[..1], &[1.0][..]) };
            let state = if i == 0 { &medium.state } else { &self.state };
            let stage = Stage { state, first: i == 0, done, weights, gamma: stages.gamma, step };
            system.stage(&Frame { medium }, &stage, &mut out[0]);
            match i {
                0 | 1 => self.advance(system, medium, i),
                2 => self.gather(system, medium),
                _ => self.conclude(system, medium),
            }
        }
        let worst = self.judge.worst(allowed);
        let growth = if worst.is_finite() {
            (SAFETY * worst.max(1e-12).powf(-1.0 / (3.0 + LASTING))).clamp(SMALLEST_GROWTH, LARGEST_GROWTH)
        } else {
            SMALLEST_GROWTH
        };
        let accepted = demand.met(&self.judge);
        if accepted {
            std::mem::swap(&mut medium.state, &mut self.state);
            self.judge.accept();
            system.close(&Frame { medium }, &medium.state, medium.time + step)?;
            system.adopt();
            system.show(medium);
        } else {
            system.forget();
        }
        Ok(Trial { accepted, next: step * growth })
    }

    /// Finishes the first or second stage and forms the state of the next one.
    fn advance(&mut self, system: &System, medium: &Medium, i: usize) {
        let (done, rest) = self.k.split_at_mut(i);
        let weights = &self.stages.a[i + 1][..=i];
        let state = Shared::new(&mut self.state);
        let base = &medium.state;
        system.finish(&mut rest[0], &mut self.sums, |_, _, range, k| {
            // SAFETY: each value belongs to one task.
            let out = unsafe { state.row(range.clone()) };
            combine(out, &base[range.clone()], done.first().map_or(&[], |k| &k[range]), k, weights);
        });
    }

    /// Finishes the third stage, forms the state of the last one, and puts what is wanted of the three where two of them were.
    fn gather(&mut self, system: &System, medium: &Medium) {
        let [first, second, third] = &mut self.k;
        let [state, first, second] = [&mut self.state, first, second].map(|values| Shared::new(values));
        let Stages { a, c, e, .. } = &self.stages;
        let weights: [[f64; 3]; 3] = [&a[3], &c[3], e].map(|row| [row[0], row[1], row[2]]);
        let base = &medium.state;
        system.finish(third, &mut self.sums, |_, _, range, k| {
            // SAFETY: each value belongs to one task.
            let [out, first, second] = [&state, &first, &second].map(|values| unsafe { values.row(range.clone()) });
            sum_up(out, &base[range], first, second, k, &weights);
        });
    }

    /// Finishes the last stage, forms the new state and adds up its error.
    fn conclude(&mut self, system: &System, medium: &Medium) {
        let [_, estimate, last] = &mut self.k;
        let e = self.stages.e[3];
        let state = Shared::new(&mut self.state);
        let (judge, layout) = (&self.judge, medium.layout);
        self.sums.fill(Sums::default());
        system.finish(last, &mut self.sums, |sums, f, range, k| {
            // SAFETY: each value belongs to one task.
            let out = unsafe { state.row(range.clone()) };
            let (place, measure, signed) = match f.checked_sub(layout.fields) {
                Some(surface) => {
                    (range.start - layout.surface_row(surface).start, 1.0, medium.compiled.surface[surface].signed)
                }
                None => {
                    let (z, field) = (range.start / layout.slab(), &medium.compiled.volume[f]);
                    let measure = field.density[medium.grid.layer[z]] * medium.grid.z.width(z);
                    (range.start - layout.row(z, f).start, measure, field.signed)
                }
            };
            let weights = &judge.lateral[place..place + range.len()];
            let (mut row, rest, estimate) = ([0.0; 3], rest_of(medium, f, range.start), &estimate[range]);
            weigh(&mut row, out, estimate, k, e, weights, rest);
            sums.error += row[0] * measure;
            sums.deviation += row[1] * measure;
            sums.negative |= !signed && row[2] < 0.0;
            if judge.by_place(f) {
                let row = JudgedRow { field: f, rest, measure, weights };
                judge.places(sums, row, out, |i| estimate[i] + e * k[i]);
            }
        });
        self.judge.gather(self.fields.iter().copied().zip(&self.sums));
        self.judge.repair(medium, &mut self.state);
    }
}

/// The relative error that a step of this length [s] may make.
pub fn allowed(stepping: &Stepping, step: f64) -> f64 {
    stepping.tolerance * (SHORT * stepping.longest / step).powf(LASTING).min(1.0)
}

/// out ← base + Σ weights·(earlier, k); `earlier` is empty where there is one weight.
#[inline(always)]
fn combine_body<const LEVEL: u8>(out: &mut [f64], base: &[f64], earlier: &[f64], k: &[f64], weights: &[f64]) {
    let n = out.len();
    let (base, k) = (&base[..n], &k[..n]);
    if let [first, last] = *weights {
        let earlier = &earlier[..n];
        for i in 0..n {
            out[i] = multiply_add::<LEVEL>(last, k[i], multiply_add::<LEVEL>(first, earlier[i], base[i]));
        }
    } else {
        (0..n).for_each(|i| out[i] = multiply_add::<LEVEL>(weights[0], k[i], base[i]));
    }
}

/// out ← base + Σ weights[0]·k, first ← Σ weights[1]·k, second ← Σ weights[2]·k, over k = (first, second, k).
#[inline(always)]
fn sum_up_body<const LEVEL: u8>(
    out: &mut [f64],
    base: &[f64],
    first: &mut [f64],
    second: &mut [f64],
    k: &[f64],
    weights: &[[f64; 3]; 3],
) {
    let n = out.len();
    let (base, first, second, k) = (&base[..n], &mut first[..n], &mut second[..n], &k[..n]);
    let [state, next, error] = weights;
    for i in 0..n {
        let k = [first[i], second[i], k[i]];
        let sum = multiply_add::<LEVEL>(state[1], k[1], multiply_add::<LEVEL>(state[0], k[0], base[i]));
        out[i] = multiply_add::<LEVEL>(state[2], k[2], sum);
        first[i] = multiply_add::<LEVEL>(next[2], k[2], multiply_add::<LEVEL>(next[1], k[1], next[0] * k[0]));
        second[i] = multiply_add::<LEVEL>(error[2], k[2], multiply_add::<LEVEL>(error[1], k[1], error[0] * k[0]));
    }
}

/// values ← values + k, and sums over the row: weighted (estimate + e·k)², weighted (value − rest)², and the smallest value.
#[inline(always)]
fn weigh_body<const LEVEL: u8>(
    sums: &mut [f64; 3],
    values: &mut [f64],
    estimate: &[f64],
    k: &[f64],
    e: f64,
    weights: &[f64],
    rest: f64,
) {
    const LANES: usize = 8;
    let (mut error, mut deviation, mut least) = ([0.0; LANES], [0.0; LANES], [0.0_f64; LANES]);
    let n = values.len();
    let (estimate, k, weights) = (&estimate[..n], &k[..n], &weights[..n]);
    for (i, value) in values.iter_mut().enumerate() {
        let sum = *value + k[i];
        // Subnormal numbers would stall the processor.
        *value = if sum.abs() < NOTHING { 0.0 } else { sum };
    }
    for start in (0..n).step_by(LANES) {
        // The last lanes see the last value again, without weight.
        let whole = start + LANES <= n;
        for lane in 0..LANES {
            let i = if whole { start + lane } else { (start + lane).min(n - 1) };
            let weight = if whole || start + lane < n { weights[i] } else { 0.0 };
            let estimate = multiply_add::<LEVEL>(e, k[i], estimate[i]);
            let away = values[i] - rest;
            error[lane] = multiply_add::<LEVEL>(weight * estimate, estimate, error[lane]);
            deviation[lane] = multiply_add::<LEVEL>(weight * away, away, deviation[lane]);
            least[lane] = if values[i] < least[lane] { values[i] } else { least[lane] };
        }
    }
    *sums = [error.iter().sum(), deviation.iter().sum(), least.iter().copied().fold(0.0, f64::min)];
}

crate::base::processor::wide! {
    fn combine(out: &mut [f64], base: &[f64], earlier: &[f64], k: &[f64], weights: &[f64]) = combine_body;
    fn sum_up(
        out: &mut [f64],
        base: &[f64],
        first: &mut [f64],
        second: &mut [f64],
        k: &[f64],
        weights: &[[f64; 3]; 3]
    ) = sum_up_body;
    fn weigh(
        sums: &mut [f64; 3],
        values: &mut [f64],
        estimate: &[f64],
        k: &[f64],
        e: f64,
        weights: &[f64],
        rest: f64
    ) = weigh_body;
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

    #[test]
    fn the_last_stage_ends_the_step() {
        let t = ROS34PW2;
        for (j, weight) in t.weights.iter().enumerate() {
            assert!((weight - t.alpha[3][j] - t.coupling[3][j]).abs() < 1e-15, "stiffly accurate: {j}");
        }
    }
}
