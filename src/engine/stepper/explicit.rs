//! Explicit methods.
//!
//! **[`Explicit`]** is the stabilised Runge–Kutta–Chebyshev method of order two of Sommeijer, Shampine & Verwer (RKC, Journal of
//! Computational and Applied Mathematics 88, 1998, 315–326): s stages, stable along the real axis to about 0.65 s², so that a
//! step of error-controlled length takes as many stages as the spectral radius ρ of the right-hand side demands,
//! s = 1 + √(1 + 1.54 h ρ). The right-hand side is the plain one of `System::rate`, with all that acts in it, so ρ knows kinetics as
//! well as diffusion. ρ is estimated by power iterations with differences of the right-hand side, and is never taken below
//! what diffusion alone asks for. With ε = 2/13, w₀ = 1 + ε/s², w₁ = T′ₛ(w₀)/T″ₛ(w₀), bⱼ = T″ⱼ(w₀)/T′ⱼ(w₀)²:
//!
//! Y₁ = u + b₁w₁ h F₀, Yⱼ = (1 − μⱼ − νⱼ) u + μⱼYⱼ₋₁ + νⱼYⱼ₋₂ + μ̃ⱼ h Fⱼ₋₁ + γ̃ⱼ h F₀, u₁ = Yₛ,
//! error ≈ 0.8 (u − u₁) + 0.4 h (F₀ + F₁)
//!
//! Drift has eigenvalues off the real axis, as far as Σ|v|/Δx, or half as much again with its correction. All ellipses from zero to
//! −ρ whose half-width is at most 0.8 of the step's inverse lie in the region of stability, for two and more stages; so a step is no
//! longer than 0.5/(Σ|v|/Δx).
//!
//! Where it fails: along the imaginary axis it is hardly stable, so fast undamped oscillations cost short steps; kinetics much
//! faster than the course take so many stages that it says so and stops.
//!
//! **[`Euler`]**, u ← u + h F(u), with steps of a fixed length and without control, is no method for answers. It is there for
//! comparisons of kernels: where nothing but layered diffusion and kinetics acts, `wavefront` computes several of its steps
//! while the values are in cache.

use crate::base::error::{Error, Result};
use crate::base::memory;
use crate::engine::medium::Medium;
use crate::engine::stepper::judge::{Judge, JudgedRow, Sums, rest_of, rows};
use crate::engine::stepper::system::{Frame, System};
use crate::engine::stepper::wavefront::Wavefront;
use crate::engine::stepper::{Count, Demand, Trial};

/// Most stages of a step.
const MOST_STAGES: f64 = 500.0;
/// Evaluations of the right-hand side after which a run is hopeless.
const HOPELESS: f64 = 1e9;
/// Accepted steps after which ρ is estimated again.
const TRUSTED: u32 = 20;
/// Cells that anything may drift through in a step.
const WIDTH: f64 = 0.5;
const POWER_STEPS: usize = 60;
const SAFETY: f64 = 0.8;

/// The stabilised method with its buffers.
#[derive(Debug)]
pub struct Explicit {
    judge: Judge,
    /// F₀, Fⱼ₋₁, and three stages.
    first: Vec<f64>,
    rate: Vec<f64>,
    stages: [Vec<f64>; 3],
    /// The direction in which the right-hand side is steepest, as far as is known.
    steepest: Vec<f64>,
    /// Spectral radius [1/s], and steps since it was estimated.
    radius: f64,
    age: u32,
}

impl Explicit {
    /// Buffers for a medium.
    pub fn new(medium: &Medium, system: &System, absolute: f64) -> Self {
        let buffer = || memory::zeros(medium.state.len());
        Self {
            judge: Judge::new(medium, system, absolute),
            first: buffer(),
            rate: buffer(),
            stages: std::array::from_fn(|_| buffer()),
            steepest: buffer(),
            radius: 0.0,
            age: TRUSTED,
        }
    }

    /// Who judges its steps.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The same, to be told something.
    pub fn judge_mut(&mut self) -> &mut Judge {
        &mut self.judge
    }

    /// Forgets how large deviations were, and how stiff the system is.
    pub fn restart(&mut self, medium: &Medium) {
        self.judge.restart(medium);
        self.age = TRUSTED;
    }

    /// Tries one step of at most `step` [s] with an error of no more than `allowed`; `left` \[s\] are to go.
    ///
    /// # Errors
    /// So many stages are needed that there is no end to it, or a quasi-steady field has no balance.
    pub fn step(
        &mut self,
        system: &mut System,
        medium: &mut Medium,
        step: f64,
        allowed: f64,
        demand: Demand,
        left: f64,
    ) -> Result<Trial> {
        let time = medium.time;
        system.close(&Frame { medium }, &medium.state, time)?;
        system.rate(&Frame { medium }, &medium.state, &mut self.first);
        if self.age >= TRUSTED {
            self.radius = self.spectral_radius(system, medium)?;
            self.age = 0;
        }
        let turning = drift_rate(system, medium);
        let stiff = MOST_STAGES * MOST_STAGES / (1.54 * self.radius.max(f64::MIN_POSITIVE));
        let longest = stiff.min(WIDTH / turning.max(f64::MIN_POSITIVE));
        if left / stiff * MOST_STAGES > HOPELESS {
            let message = format!(
                "the explicit method would need more than {HOPELESS:.0e} evaluations: something changes within {:.1e} s",
                1.0 / self.radius
            );
            return Err(
                Error::simulation(message).help("write method = \"implicit\" under [stepping], or leave it out")
            );
        }
        let step = if demand == Demand::Trial { step.min(longest) } else { step };
        if step > longest {
            // Stability has the last word; the error has not been asked.
            return Ok(Trial { accepted: false, next: 0.99 * longest });
        }
        let count = (1.0 + (1.0 + 1.54 * step * self.radius).sqrt()).ceil().max(2.0) as usize;
        if let Err(error) = self.chebyshev(system, medium, step, count) {
            // A stage far outside is a step too long.
            self.age = TRUSTED;
            return if demand != Demand::Finite { Ok(Trial { accepted: false, next: 0.2 * step }) } else { Err(error) };
        }
        self.judge.allow(allowed);
        self.conclude(system, medium, step)?;
        let worst = self.judge.worst(allowed);
        let growth = if worst.is_finite() { (SAFETY * worst.max(1e-12).powf(-0.3)).clamp(0.15, 4.0) } else { 0.15 };
        let accepted = demand.met(&self.judge);
        if accepted {
            std::mem::swap(&mut medium.state, &mut self.stages[0]);
            self.judge.accept();
            self.age += 1;
            system.close(&Frame { medium }, &medium.state, time + step)?;
            system.adopt();
            system.show(medium);
        } else {
            // It may be unstable.
            self.age = TRUSTED;
            system.forget();
        }
        Ok(Trial { accepted, next: step * growth })
    }

    /// Computes the stages; the last is `stages[0]`.
    fn chebyshev(&mut self, system: &mut System, medium: &Medium, step: f64, count: usize) -> Result<()> {
        let s = count as f64;
        let w0 = 1.0 + 2.0 / 13.0 / (s * s);
        // T, T′ and T″ at w₀ by recurrence.
        let mut chebyshev = vec![[1.0, 0.0, 0.0], [w0, 1.0, 0.0]];
        for j in 2..=count {
            let ([t1, d1, e1], [t2, d2, e2]) = (chebyshev[j - 1], chebyshev[j - 2]);
            chebyshev.push([2.0 * w0 * t1 - t2, 2.0 * (t1 + w0 * d1) - d2, 4.0 * d1 + 2.0 * w0 * e1 - e2]);
        }
        let w1 = chebyshev[count][1] / chebyshev[count][2];
        let b = |j: usize| chebyshev[j.max(2)][2] / chebyshev[j.max(2)][1].powi(2);
        let ahead = |j: usize| match j {
            0 => 0.0,
            1 => w1 * b(1),
            _ => w1 * chebyshev[j][2] / chebyshev[j][1],
        };
        let base = &medium.state;
        // Rows that never change are not written again.
        self.stages.iter_mut().for_each(|stage| stage.copy_from_slice(base));
        for ((stage, u), first) in self.stages[0].iter_mut().zip(base).zip(&self.first) {
            *stage = u + b(1) * w1 * step * first;
        }
        for j in 2..=count {
            system.close(&Frame { medium }, &self.stages[0], medium.time + ahead(j - 1) * step)?;
            system.rate(&Frame { medium }, &self.stages[0], &mut self.rate);
            let (mu, nu) = (2.0 * b(j) * w0 / b(j - 1), -b(j) / b(j - 2));
            let slope = 2.0 * b(j) * w1 / b(j - 1);
            let a = 1.0 - b(j - 1) * chebyshev[j - 1][0];
            let [last, before, out] = &mut self.stages;
            for i in 0..out.len() {
                // In this form what stays, stays to the last bit.
                out[i] = base[i]
                    + mu * (last[i] - base[i])
                    + nu * (before[i] - base[i])
                    + slope * step * (self.rate[i] - a * self.first[i]);
            }
            self.stages.rotate_right(1);
        }
        Ok(())
    }

    /// Judges the new state, `stages[0]`, and repairs it.
    fn conclude(&mut self, system: &mut System, medium: &Medium, step: f64) -> Result<()> {
        if self.stages[0].iter().any(|value| !value.is_finite()) {
            // The judge sees it.
            self.rate.fill(0.0);
        } else {
            system.close(&Frame { medium }, &self.stages[0], medium.time + step)?;
            system.rate(&Frame { medium }, &self.stages[0], &mut self.rate);
        }
        let (new, old) = (&self.stages[0], &medium.state);
        let (rate, first) = (&self.rate, &self.first);
        let found: Vec<(usize, Sums)> = rows(medium)
            .map(|(f, unsigned, range, measure)| {
                let mut sums = Sums::default();
                let weights = &self.judge.lateral;
                let row = JudgedRow { field: f, rest: rest_of(medium, f, range.start), measure, weights };
                let error = |i: usize| {
                    let i = range.start + i;
                    0.8 * (old[i] - new[i]) + 0.4 * step * (first[i] + rate[i])
                };
                let places = range.start..range.start + weights.len();
                self.judge.row(&mut sums, row, &new[places], error, !unsigned);
                (f, sums)
            })
            .collect();
        self.judge.gather(found.iter().map(|(f, sums)| (*f, sums)));
        self.judge.repair(medium, &mut self.stages[0]);
        Ok(())
    }

    /// The largest rate at which a small difference grows or fades [1/s], a fifth more than found.
    fn spectral_radius(&mut self, system: &mut System, medium: &Medium) -> Result<f64> {
        let least = diffusion_radius(system, medium);
        // Differences are relative to the size of a field; one that is zero throughout takes the size of the largest.
        let mut sizes = vec![0.0_f64; medium.layout.fields + medium.layout.surface];
        for (f, _, row, _) in rows(medium) {
            sizes[f] = medium.state[row].iter().fold(sizes[f], |size, u| size.max(u.abs()));
        }
        let largest = sizes.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        sizes.iter_mut().for_each(|size| *size = if *size > 0.0 { *size } else { largest });
        if self.steepest.iter().all(|x| *x == 0.0) {
            // Any direction will do that no symmetry forbids.
            for (i, x) in self.steepest.iter_mut().enumerate() {
                *x = ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / (1u64 << 23) as f64 - 1.0;
            }
        }
        let places: Vec<(usize, bool, std::ops::Range<usize>)> =
            rows(medium).map(|(f, u, row, _)| (f, u, row)).collect();
        let (mut radius, mut steady) = (0.0_f64, false);
        for _ in 0..POWER_STEPS {
            let length =
                places.iter().flat_map(|(.., row)| &self.steepest[row.clone()]).map(|x| x * x).sum::<f64>().sqrt();
            if !(length > 0.0 && length.is_finite()) {
                self.steepest.fill(0.0);
                break;
            }
            let small = f64::EPSILON.sqrt() / length * (self.steepest.len() as f64).sqrt();
            self.stages[0].copy_from_slice(&medium.state);
            for (f, unsigned, row) in &places {
                for i in row.clone() {
                    let change = small * sizes[*f] * self.steepest[i];
                    // Nothing may be asked about negative values of a field that has none.
                    let change = if *unsigned && medium.state[i] + change < 0.0 { -change } else { change };
                    self.stages[0][i] += change;
                    self.steepest[i] = change / sizes[*f];
                }
            }
            system.close(&Frame { medium }, &self.stages[0], medium.time)?;
            system.rate(&Frame { medium }, &self.stages[0], &mut self.rate);
            let (mut before, mut after) = (0.0, 0.0);
            for (f, _, row) in &places {
                for i in row.clone() {
                    let turned = (self.rate[i] - self.first[i]) / sizes[*f];
                    before += self.steepest[i] * self.steepest[i];
                    after += turned * turned;
                    self.steepest[i] = turned;
                }
            }
            let found = (after / before).sqrt();
            if !found.is_finite() {
                self.steepest.fill(0.0);
                break;
            }
            steady = (found - radius).abs() <= 0.02 * found;
            radius = found.max(0.5 * radius);
            if steady {
                break;
            }
        }
        system.forget();
        Ok((if steady { 1.2 } else { 1.5 }) * radius.max(least))
    }
}

/// Euler's method.
#[derive(Debug)]
pub struct Euler {
    /// The fast kernel, where it applies.
    fast: Option<Box<Wavefront>>,
    rate: Vec<f64>,
}

/// Steps that are taken before anybody looks at the state.
const SPAN: f64 = 48.0;

impl Euler {
    /// Buffers for a medium.
    pub fn new(system: &System, medium: &Medium) -> Self {
        let fast = Wavefront::new(system, medium);
        let rate = if fast.is_some() { Vec::new() } else { memory::zeros(medium.state.len()) };
        Self { fast: fast.map(Box::new), rate }
    }

    /// How long somebody may look away \[s\].
    pub fn span(fixed: f64) -> f64 {
        SPAN * fixed
    }

    /// Advances by `span` in steps of `fixed` \[s\].
    ///
    /// # Errors
    /// A quasi-steady field has no balance.
    pub fn advance(
        &mut self,
        system: &mut System,
        medium: &mut Medium,
        span: f64,
        fixed: f64,
        count: &mut Count,
    ) -> Result<()> {
        let steps = (span / fixed * (1.0 - 1e-12)).ceil().max(1.0);
        let (start, step) = (medium.time, span / steps);
        if let Some(fast) = &mut self.fast {
            fast.advance(medium, step, steps as u64)?;
        } else {
            for n in 0..steps as u64 {
                let mut state = std::mem::take(&mut medium.state);
                system.close(&Frame { medium }, &state, start + step * n as f64)?;
                system.rate(&Frame { medium }, &state, &mut self.rate);
                state.iter_mut().zip(&self.rate).for_each(|(value, rate)| *value += step * rate);
                medium.state = state;
            }
        }
        count.accepted += steps as u64;
        medium.time = start + span;
        system.refresh(medium)
    }
}

/// A bound of the spectral radius of diffusion alone [1/s].
fn diffusion_radius(system: &System, medium: &Medium) -> f64 {
    let grid = &medium.grid;
    let finest = |axis: &crate::engine::grid::Axis| {
        if axis.len() == 1 { 0.0 } else { (0..axis.len()).map(|i| 1.0 / axis.width(i).powi(2)).fold(0.0, f64::max) }
    };
    let cell = 4.0 * (finest(&grid.x) + finest(&grid.z) + if grid.exchange.is_none() { finest(&grid.y) } else { 0.0 });
    let across = system.movers.iter().flat_map(|mover| mover.across.iter().flat_map(|across| across.iter().flatten()));
    let along = system.movers.iter().flat_map(|mover| &mover.diffusivity);
    let spread = along.chain(across).copied().fold(0.0, f64::max);
    let dependent = system.now.spread.iter().copied().fold(0.0, f64::max);
    spread.max(dependent) * cell + 2.0 * drift_rate(system, medium)
}

/// How many cells what drifts fastest passes in a second [1/s].
fn drift_rate(system: &System, medium: &Medium) -> f64 {
    let grid = &medium.grid;
    let finest = |axis: &crate::engine::grid::Axis| (0..axis.len()).map(|i| 1.0 / axis.width(i)).fold(0.0, f64::max);
    let drifts = system.movers.iter().filter_map(|mover| mover.drift.as_ref()).map(|drift| {
        let axes = [&grid.x, &grid.y, &grid.z].into_iter().zip(&drift.speed);
        axes.map(|(axis, speed)| finest(axis) * speed.iter().fold(0.0, |most: f64, own| most.max(own.abs()))).sum()
    });
    drifts.fold(0.0, f64::max)
}
