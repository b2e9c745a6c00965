//! How exact an answer is: the same run on finer grids and at tighter tolerances, and what that says of the first.
//!
//! With u₁, u₂, u₃ the courses of an observable at spacings h, h/q, h/q² (or tolerances), dᵢⱼ = max over time |uᵢ − uⱼ|:
//!
//! p = ln(d₁₂/d₂₃) / ln q, error of u₁ ≈ F d₁₂ / (1 − q⁻ᵖ),
//!
//! Richardson's extrapolation with the observed order p; F = 1.25 where p is believable, as in the grid convergence index
//! (Roache 1994, J. Fluids Eng. 116:405). Where the differences do not fall as a power (p below ½, or beyond what the methods
//! have), the first difference to the finest run counts threefold. Both errors are told as a share of the largest deviation from
//! rest. It fails where all three runs miss the same thing, as a layer thinner than every cell.

use crate::observe::Record;
use crate::study::pair;

/// Orders that are believed: from slower than first order, at limiters and thresholds, to the highest of the methods.
const BELIEVED: [f64; 2] = [0.5, 4.0];
/// Safety of a believed order, and of the difference alone.
const SAFETY: [f64; 2] = [1.25, 3.0];

/// What refinement says of one observable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refinement {
    /// Error of the first run, in the unit of the observable.
    pub error: f64,
    /// Observed order, if it is believable.
    pub order: Option<f64>,
}

/// The error of the first of three courses, each finer than the last by `ratio`; `column` is an observable.
pub fn refined(runs: [&Record; 3], column: usize, ratio: f64) -> Refinement {
    let [first, second, third] = runs;
    let apart = |one: &Record, other: &Record| {
        let values = pair(one, other)
            .into_iter()
            .enumerate()
            .filter_map(|(row, pair)| Some((one.values.get(row)?.get(column)? - pair.of(other, column)?).abs()));
        values.fold(0.0, f64::max)
    };
    judged(apart(first, second), apart(second, third), apart(first, third), ratio)
}

fn judged(coarse: f64, fine: f64, whole: f64, ratio: f64) -> Refinement {
    if coarse == 0.0 && whole == 0.0 {
        return Refinement { error: 0.0, order: None };
    }
    let order = (coarse / fine).ln() / ratio.ln();
    if (BELIEVED[0]..=BELIEVED[1]).contains(&order) {
        return Refinement { error: SAFETY[0] * coarse / (1.0 - ratio.powf(-order)), order: Some(order) };
    }
    Refinement { error: SAFETY[1] * coarse.max(whole), order: None }
}

/// The largest deviation of an observable from its rest.
pub fn deviation(record: &Record, column: usize) -> f64 {
    let rest = record.headings[column].rest;
    record.values.iter().filter_map(|row| row.get(column)).map(|value| (value - rest).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Heading;
    use crate::units::Unit;

    #[test]
    fn the_error_of_a_power_law_is_found_with_its_order() {
        let heading =
            Heading { name: "u".into(), what: String::new(), unit: Unit::one(), group: String::new(), rest: 1.0 };
        for exact in [1.0f64, 2.0, 3.0] {
            let run = |h: f64| Record {
                headings: vec![heading.clone()],
                times: vec![0.0, 1.0, 2.0],
                values: [0.0, 1.0, 0.5].iter().map(|share| vec![2.0 + 0.1 * share * h.powf(exact)]).collect(),
                sessions: Vec::new(),
            };
            let ratio = 2.0f64.sqrt();
            let runs = [run(1.0), run(1.0 / ratio), run(0.5)];
            let found = refined([&runs[0], &runs[1], &runs[2]], 0, ratio);
            assert!((found.order.expect("an order") - exact).abs() < 1e-9);
            assert!((found.error / (1.25 * 0.1) - 1.0).abs() < 1e-9, "{found:?}");
            assert!((deviation(&runs[0], 0) - 1.1).abs() < 1e-12);
        }
    }

    #[test]
    fn differences_that_do_not_fall_count_threefold() {
        assert_eq!(judged(0.125, 0.25, 0.375, 2.0), Refinement { error: 1.125, order: None });
        assert_eq!(judged(0.0, 0.0, 0.0, 2.0), Refinement { error: 0.0, order: None });
        assert_eq!(judged(0.1, 0.0, 0.1, 2.0).order, None);
    }
}
