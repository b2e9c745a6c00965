//! Functions that series of exact solutions are made of.

use std::f64::consts::PI;

/// Jₙ(x) = 1/π ∫₀^π cos(nτ − x sin τ) dτ; of a periodic function the mean of even samples is exact.
pub fn bessel(n: f64, x: f64) -> f64 {
    let samples = 200;
    let at = |i: usize| PI * (i as f64 + 0.5) / samples as f64;
    (0..samples).map(|i| (n * at(i) - x * at(i).sin()).cos()).sum::<f64>() / samples as f64
}

/// I₀(x).
pub fn grown(x: f64) -> f64 {
    let terms = (1..60).scan(1.0, |term, k| {
        *term *= (0.5 * x / f64::from(k)).powi(2);
        Some(*term)
    });
    1.0 + terms.sum::<f64>()
}

/// I₁(x) = I₀′(x).
pub fn grown_slope(x: f64) -> f64 {
    (grown(x + 1e-5) - grown(x - 1e-5)) / 2e-5
}

/// The zeros of a function between 0 and 100.
pub fn zeros(f: impl Fn(f64) -> f64) -> Vec<f64> {
    let (step, mut found) = (0.05, Vec::new());
    for i in 1..2000 {
        let (mut low, mut high) = (step * f64::from(i), step * f64::from(i + 1));
        if f(low) * f(high) < 0.0 {
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if f(low) * f(middle) <= 0.0 { high = middle } else { low = middle }
            }
            found.push(low);
        }
    }
    found
}

/// Mean of a function between two places.
pub fn mean_of(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    let n = 4000;
    (0..n).map(|i| f(from + (to - from) * (f64::from(i) + 0.5) / f64::from(n))).sum::<f64>() / f64::from(n)
}

/// 2/√π ∫₀ˣ e^(−s²) ds.
pub fn erf(x: f64) -> f64 {
    let end = x.clamp(-6.0, 6.0);
    2.0 / PI.sqrt() * end * mean_of(0.0, 1.0, |s| (-(s * end).powi(2)).exp())
}
