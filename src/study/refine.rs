//! How exact an answer is: the same run with smaller steps and on finer grids, and what that says of the first.
//!
//! With u₁, u₂, u₃ the courses of an observable at spacings h, h/q, h/q² (or tolerances), dᵢⱼ = max over time |uᵢ − uⱼ|:
//!
//! p = ln(d₁₂/d₂₃) / ln q, error of u₁ ≈ F d₁₂ / (1 − q⁻ᵖ),
//!
//! Richardson's extrapolation with the observed order p, but no higher one than the method has; F = 1.25, as in the grid convergence
//! index (Roache 1994, J. Fluids Eng. 116:405). Three kinds of differences tell no order:
//!
//! - u₂ − u₃ has the other sign than u₁ − u₂, or is smaller than the method can make it: errors cross zero between the runs, and
//!   the largest difference counts as if it fell with the order of the method;
//! - the differences hardly fall: the grid does not yet see what is there, and the largest difference counts threefold, as if it
//!   fell with the first power (of a grid) or the root (of a tolerance).
//!
//! **Grids are compared at the tightest tolerance**, that of the last run in time, so that what is left of the error in time is a
//! small part of the difference between them. Both errors are told as a share of the largest deviation from rest. It fails where all
//! three runs miss the same thing, as a layer thinner than every cell.

use std::sync::Arc;

use crate::base::error::Result;
use crate::engine::observe::Record;
use crate::engine::stepper::Method;
use crate::scenario::{Change, Plan, Scenario};
use crate::study::{Pair, pair};

/// How much tighter each of the two further tolerances is, or shorter each fixed step.
const TIGHTER: f64 = 4.0;
/// Safety of an extrapolation, and of differences that hardly fall.
const SAFETY: [f64; 2] = [1.25, 3.0];
/// Deviations below this part of the rest are rounding.
const FLAT: f64 = 1e-9;

/// Orders a method can show: below the first differences do not fall as they should; the second is its own; beyond the last they
/// fall by accident.
#[derive(Debug, Clone, Copy)]
struct Orders {
    least: f64,
    own: f64,
    most: f64,
}

/// In the spacing of the grid.
const OF_GRID: Orders = Orders { least: 1.0, own: 2.0, most: 2.5 };
/// In the tolerance, to which the error is proportional.
const OF_TOLERANCE: Orders = Orders { least: 0.5, own: 1.0, most: 1.5 };
/// In a fixed step.
const OF_STEP: Orders = Orders { least: 1.0, own: 3.0, most: 3.5 };

/// What refinement says of one observable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refinement {
    /// Error of the first run, in the unit of the observable.
    pub error: f64,
    /// Observed order, if it is believable.
    pub order: Option<f64>,
}

/// The runs that tell the error of a scenario. Everything is planned before anything is run, so that a grid too large for the
/// machine is told at once.
#[derive(Debug, Clone)]
pub struct Levels {
    /// As it is.
    first: Arc<Plan>,
    /// With smaller steps, if they can be made smaller: explicit methods choose theirs by the grid.
    times: Option<[Arc<Plan>; 2]>,
    /// On finer grids, and how much finer each is, if there is an axis to refine.
    grids: Option<(f64, [Arc<Plan>; 2])>,
    of_time: Orders,
}

/// One observable.
#[derive(Debug, Clone, PartialEq)]
pub struct Errors {
    /// As in the model file.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Largest deviation from rest: of the first run, or of the others where that one has none.
    pub peak: f64,
    /// Whether it stays at rest in the first run and does not in another.
    pub missed: bool,
    /// By the grid.
    pub grid: Option<Refinement>,
    /// By the steps.
    pub time: Option<Refinement>,
}

/// What the runs say together.
#[derive(Debug, Clone, Default)]
pub struct RefinementVerdict {
    /// Observables that move in some run.
    pub moving: Vec<Errors>,
    /// Those that stay at rest in every run: nothing is known of their error.
    pub still: Vec<String>,
    /// Those that are not finite in some run.
    pub not_finite: Vec<String>,
}

impl Errors {
    /// Whole error as a share of the peak.
    pub fn share(&self) -> f64 {
        [self.grid, self.time].into_iter().flatten().map(|part| part.error / self.peak).sum()
    }
}

impl Levels {
    /// Plans the runs; each finer grid has `ratio` times as many cells along each axis.
    ///
    /// # Errors
    /// The scenario cannot be planned, or a finer grid is too large for the machine.
    pub fn of(scenario: &Scenario, ratio: f64) -> Result<Self> {
        let first = scenario.plan()?;
        let part = |parts: i32| TIGHTER.powi(-parts);
        let tighter = |plan: &Plan, parts: i32| -> Option<Arc<Plan>> {
            let mut own = plan.clone();
            match (plan.stepping.fixed, plan.stepping.method) {
                (Some(fixed), _) => own.stepping.fixed = Some(fixed * part(parts)),
                (None, Method::Implicit) => own.stepping.tolerance *= part(parts),
                (None, _) => return None,
            }
            Some(Arc::new(own))
        };
        let times = tighter(&first, 1).zip(tighter(&first, 2)).map(|(one, two)| [one, two]);
        let finer = |parts: i32| -> Result<Plan> {
            let resolution = first.resolution * ratio.powi(parts);
            scenario.with([Change::parse(&format!("grid.resolution={resolution:?}"))?]).plan()
        };
        let plans = [finer(1)?, finer(2)?];
        let cells = |plan: &Plan| plan.origin.estimate.cells;
        // Classes of depth stay as they are, and so do axes of a single cell.
        let axes: Vec<usize> = (0..3).filter(|&axis| cells(&plans[1])[axis] > cells(&first)[axis]).collect();
        let count = |plan: &Plan| axes.iter().map(|&axis| cells(plan)[axis] as f64).product::<f64>();
        // Counts are whole numbers, so grids are not finer by exactly what was asked for.
        let grids = (!axes.is_empty()).then(|| {
            let reached = (count(&plans[1]) / count(&first)).powf(0.5 / axes.len() as f64);
            (reached, plans.map(|plan| tighter(&plan, 2).unwrap_or_else(|| Arc::new(plan))))
        });
        let of_time = if first.stepping.fixed.is_some() { OF_STEP } else { OF_TOLERANCE };
        Ok(Self { first: Arc::new(first), times, grids, of_time })
    }

    /// Carries them out, each by `run`, which is told what it is.
    ///
    /// # Errors
    /// A run fails.
    pub fn judge(&self, run: &mut dyn FnMut(&str, &Arc<Plan>) -> Result<Record>) -> Result<RefinementVerdict> {
        let first = run("as it is", &self.first)?;
        let mut both = |what: &str, plans: &[Arc<Plan>; 2]| -> Result<[Record; 2]> {
            Ok([run(what, &plans[0])?, run(what, &plans[1])?])
        };
        let times = self.times.as_ref().map(|plans| both("smaller steps", plans)).transpose()?;
        let grids = match &self.grids {
            Some((ratio, plans)) => Some((*ratio, both("a finer grid", plans)?)),
            None => None,
        };
        let mut verdict = RefinementVerdict::default();
        for (column, heading) in first.headings.iter().enumerate() {
            let of_time = times.as_ref().map(|[second, third]| ([&first, second, third], TIGHTER, self.of_time));
            let exact = times.as_ref().map_or(&first, |[_, third]| third);
            let of_grid = grids.as_ref().map(|(ratio, [second, third])| ([exact, second, third], *ratio, OF_GRID));
            let all = [&of_time, &of_grid].into_iter().flatten().flat_map(|(runs, ..)| runs.iter().copied());
            let peaks: Vec<f64> = [&first].into_iter().chain(all).map(|run| deviation(run, column)).collect();
            if peaks.iter().any(|peak| !peak.is_finite()) {
                verdict.not_finite.push(heading.name.clone());
                continue;
            }
            let moves = |peak: &f64| *peak > FLAT * heading.rest.abs().max(f64::MIN_POSITIVE);
            let Some(peak) = peaks.iter().copied().find(moves) else {
                verdict.still.push(heading.name.clone());
                continue;
            };
            let of = |(runs, ratio, orders): ([&Record; 3], f64, Orders)| refined(runs, column, ratio, orders);
            verdict.moving.push(Errors {
                name: heading.name.clone(),
                unit: heading.unit.to_string(),
                peak,
                missed: !moves(&peaks[0]),
                grid: of_grid.map(of),
                time: of_time.map(of),
            });
        }
        Ok(verdict)
    }
}

/// The error of the first of three courses, each finer than the last by `ratio`; `column` is an observable.
fn refined(runs: [&Record; 3], column: usize, ratio: f64, orders: Orders) -> Refinement {
    let [first, second, third] = runs;
    // Where the first differs most from another: the difference and the moment.
    let differences = |one: &Record, other: &Record| -> Vec<f64> {
        let value = |row: usize| one.values.get(row)?.get(column).copied();
        let pairs = pair(one, other).into_iter().enumerate();
        let apart = |(row, pair): (usize, Pair)| Some(value(row)? - pair.of(other, column)?);
        pairs.map(|both| apart(both).unwrap_or(0.0)).collect()
    };
    let largest = |values: &[f64]| values.iter().map(|value| value.abs()).fold(0.0, f64::max);
    let [coarse, whole] = [differences(first, second), differences(first, third)];
    // At the moments of the first.
    let fine: Vec<f64> = whole.iter().zip(&coarse).map(|(whole, coarse)| whole - coarse).collect();
    let at = (0..coarse.len()).max_by(|a, b| coarse[*a].abs().total_cmp(&coarse[*b].abs()));
    let crosses = at.is_some_and(|at| coarse[at] * fine[at] < 0.0);
    judged([largest(&coarse), largest(&fine), largest(&whole)], crosses, ratio, orders)
}

fn judged([coarse, fine, whole]: [f64; 3], crosses: bool, ratio: f64, orders: Orders) -> Refinement {
    let most = coarse.max(whole).max(fine);
    if most == 0.0 {
        return Refinement { error: 0.0, order: None };
    }
    let extrapolated = |difference: f64, order: f64| difference / (1.0 - ratio.powf(-order));
    let order = (coarse / fine).ln() / ratio.ln();
    if order < orders.least {
        return Refinement { error: SAFETY[1] * extrapolated(most, orders.least), order: None };
    }
    if crosses || order > orders.most {
        return Refinement { error: SAFETY[0] * extrapolated(most, orders.own), order: None };
    }
    Refinement { error: SAFETY[0] * extrapolated(coarse, order.min(orders.own)), order: Some(order) }
}

/// The largest deviation of an observable from its rest; not finite if a value is not.
fn deviation(record: &Record, column: usize) -> f64 {
    let rest = record.headings[column].rest;
    let values = record.values.iter().filter_map(|row| row.get(column));
    // A maximum would drop what is no number.
    let larger = |most: f64, own: f64| {
        if most >= own {
            most
        } else if most.is_finite() {
            own
        } else {
            most
        }
    };
    values.map(|value| (value - rest).abs()).fold(0.0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Unit;
    use crate::engine::observe::Heading;

    fn record(values: [f64; 3]) -> Record {
        let heading =
            Heading { name: "u".into(), what: String::new(), unit: Unit::one(), group: String::new(), rest: 1.0 };
        Record {
            headings: vec![heading],
            times: vec![0.0, 1.0, 2.0],
            values: values.iter().map(|value| vec![*value]).collect(),
            acts: Vec::new(),
        }
    }

    #[test]
    fn the_error_of_a_power_law_is_found_with_its_order() {
        for exact in [1.0f64, 1.5, 2.0] {
            let run = |h: f64| record([0.0, 1.0, 0.5].map(|share| 2.0 + 0.1 * share * h.powf(exact)));
            let ratio = 2.0f64.sqrt();
            let runs = [run(1.0), run(1.0 / ratio), run(0.5)];
            let found = refined([&runs[0], &runs[1], &runs[2]], 0, ratio, OF_GRID);
            assert!((found.order.expect("an order") - exact).abs() < 1e-9);
            assert!((found.error / (1.25 * 0.1) - 1.0).abs() < 1e-9, "{found:?}");
            assert!((deviation(&runs[0], 0) - 1.1).abs() < 1e-12);
        }
    }

    #[test]
    fn differences_without_an_order_count_more() {
        // They grow; they cross; they fall by accident; there are none.
        let grown = judged([0.125, 0.25, 0.375], false, 2.0, OF_GRID);
        assert_eq!(grown, Refinement { error: 3.0 * 0.375 / 0.5, order: None });
        let crossed = judged([0.2, 0.1, 0.1], true, 2.0, OF_GRID);
        assert!((crossed.error - 1.25 * 0.2 / 0.75).abs() < 1e-12 && crossed.order.is_none());
        assert_eq!(judged([0.1, 0.0, 0.1], false, 2.0, OF_GRID).order, None);
        assert_eq!(judged([0.0; 3], false, 2.0, OF_GRID), Refinement { error: 0.0, order: None });
    }

    #[test]
    fn a_value_that_is_not_finite_is_no_deviation() {
        assert!(!deviation(&record([1.0, f64::NAN, 2.0]), 0).is_finite());
        assert!(!deviation(&record([f64::INFINITY, 1.0, 2.0]), 0).is_finite());
    }
}
