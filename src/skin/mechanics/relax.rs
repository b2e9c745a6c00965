//! Relaxation: stress that fades while a strain is held, as a sum of fading parts (a Prony series).
//!
//! ```text
//! g(t) = g_∞ + Σ_i g_i e^(−t/τ_i),   g(0) = 1
//! ```
//!
//! Skin stiffens as a power of the strain rate over six decades, so g follows (t/τ)^(−n) between a shortest and a longest time
//! with one part for each half decade, found by asking for the power law at those times. A strain history S(t) of an elastic
//! response then gives the force F = ∫ g(t − s) dS(s) (quasi-linear viscoelasticity, Fung): its parts are carried from step to
//! step exactly for an S that grows linearly within the step.
//!
//! Where it fails: relaxation that depends on strain; nothing relaxes faster than the shortest or slower than the longest time.

use nalgebra::{DMatrix, DVector};

/// Parts per decade of time.
const PER_DECADE: f64 = 2.0;

/// A reduced relaxation function.
#[derive(Debug, Clone, PartialEq)]
pub struct Relaxation {
    /// g_∞.
    pub rest: f64,
    /// (g_i, τ_i \[s]).
    pub parts: Vec<(f64, f64)>,
}

/// A force that remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    parts: Vec<f64>,
    elastic: f64,
}

impl Relaxation {
    /// Nothing relaxes.
    pub fn none() -> Self {
        Self { rest: 1.0, parts: Vec::new() }
    }

    /// The power law (t/shortest)^(−exponent) between two times [s], 1 before and level after.
    pub fn power(exponent: f64, shortest: f64, longest: f64) -> Self {
        if exponent <= 0.0 || longest <= shortest {
            return Self::none();
        }
        let count = (PER_DECADE * (longest / shortest).log10()).round().max(1.0) as usize;
        let time = |i: usize| shortest * (longest / shortest).powf(i as f64 / count as f64);
        Self::through(&(0..=count).map(|i| (time(i), (time(i) / shortest).powf(-exponent))).collect::<Vec<_>>())
    }

    /// The series with one part for each time that passes through these values, (t \[s], g(t)), times ascending.
    pub fn through(wanted: &[(f64, f64)]) -> Self {
        let Some((last, _)) = wanted.split_last() else { return Self::none() };
        // The last value is the level that is left; each other time fades on its own scale.
        let rest = last.1;
        let count = wanted.len() - 1;
        let system = DMatrix::from_fn(count, count, |i, j| (-wanted[i].0 / wanted[j].0).exp());
        let right = DVector::from_iterator(count, wanted[..count].iter().map(|(_, g)| g - rest));
        let solved = system.lu().solve(&right);
        let Some(solved) = solved.filter(|all| all.iter().all(|one| one.is_finite())) else { return Self::none() };
        let parts: Vec<(f64, f64)> = solved.iter().zip(wanted).map(|(g, (time, _))| (g.max(0.0), *time)).collect();
        let total = rest + parts.iter().map(|(g, _)| g).sum::<f64>();
        Self { rest: rest / total, parts: parts.into_iter().map(|(g, time)| (g / total, time)).collect() }
    }

    /// g(t).
    pub fn at(&self, time: f64) -> f64 {
        self.rest + self.parts.iter().map(|(g, tau)| g * (-time / tau).exp()).sum::<f64>()
    }

    /// Mean of g over a time [s]: what a strain that grows evenly over it meets.
    ///
    /// Example: 1 for a time of zero.
    pub fn ramp(&self, time: f64) -> f64 {
        self.rest + self.parts.iter().map(|(g, tau)| g * faded(time / tau)).sum::<f64>()
    }

    /// Nothing has happened yet.
    pub fn begin(&self) -> Memory {
        Memory { parts: vec![0.0; self.parts.len()], elastic: 0.0 }
    }

    /// The force after a step [s] as a straight line of the elastic response S then: (slope, force at S = 0).
    pub fn line(&self, memory: &Memory, step: f64) -> (f64, f64) {
        let (mut slope, mut offset) = (self.rest, 0.0);
        for ((g, tau), own) in self.parts.iter().zip(&memory.parts) {
            let share = g * faded(step / tau);
            slope += share;
            offset += own * (-step / tau).exp() - share * memory.elastic;
        }
        (slope, offset)
    }

    /// Carries the memory over a step [s] to the elastic response S; returns the force.
    pub fn advance(&self, memory: &mut Memory, step: f64, elastic: f64) -> f64 {
        let change = elastic - memory.elastic;
        for ((g, tau), own) in self.parts.iter().zip(&mut memory.parts) {
            *own = *own * (-step / tau).exp() + g * faded(step / tau) * change;
        }
        memory.elastic = elastic;
        self.rest * elastic + memory.parts.iter().sum::<f64>()
    }
}

/// (1 − e^(−x))/x.
fn faded(x: f64) -> f64 {
    if x < 1e-8 { 1.0 - 0.5 * x } else { -(-x).exp_m1() / x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A single Maxwell element, stretched at once and held: F = S e^(−t/τ); stretched evenly: F = Ṡ τ (1 − e^(−t/τ)).
    #[test]
    fn one_maxwell_element() {
        let maxwell = Relaxation { rest: 0.0, parts: vec![(1.0, 2.0)] };
        let mut held = maxwell.begin();
        maxwell.advance(&mut held, 1e-12, 3.0);
        for step in 1..=50 {
            let force = maxwell.advance(&mut held, 0.1, 3.0);
            let exact = 3.0 * (-0.05 * f64::from(step)).exp();
            assert!((force / exact - 1.0).abs() < 1e-9, "{force} {exact}");
        }
        let mut ramp = maxwell.begin();
        for step in 1..=50 {
            let (slope, offset) = maxwell.line(&ramp, 0.1);
            let wanted = 0.1 * f64::from(step);
            let force = maxwell.advance(&mut ramp, 0.1, wanted);
            assert!((slope * wanted + offset - force).abs() < 1e-12);
            let exact = 2.0 * (1.0 - (-0.05 * f64::from(step)).exp());
            assert!((force / exact - 1.0).abs() < 1e-12);
        }
        assert!((maxwell.ramp(5.0) * 5.0 - 2.0 * (1.0 - (-2.5f64).exp())).abs() < 1e-12);
    }

    #[test]
    fn follows_its_power_law_and_only_fades() {
        let skin = Relaxation::power(0.21, 2.5e-4, 250.0);
        assert!((skin.at(0.0) - 1.0).abs() < 1e-12);
        let ratio = |long: f64, short: f64| skin.at(short) / skin.at(long);
        for time in [1e-3, 1e-2, 0.1, 1.0, 10.0] {
            assert!((ratio(10.0 * time, time) / 10f64.powf(0.21) - 1.0).abs() < 0.04, "{time}");
        }
        let times: Vec<f64> = (0..200).map(|i| 1e-5 * 1.1f64.powi(i)).collect();
        assert!(times.windows(2).all(|pair| skin.at(pair[1]) <= skin.at(pair[0])));
        assert_eq!(Relaxation::power(0.0, 1e-3, 1.0).at(5.0), 1.0);
    }
}
