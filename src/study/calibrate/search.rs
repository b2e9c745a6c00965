//! The search for the least misfit.

use std::cell::RefCell;

use argmin::core::{CostFunction, Executor, Gradient, Hessian, State};
use argmin::solver::trustregion::{Steihaug, TrustRegion};
use nalgebra::{DMatrix, DVector};

use crate::base::error::{Error, Result};
use crate::study::Store;
use crate::study::calibrate::file::Calibration;
use crate::study::calibrate::outcome::Fitted;
use crate::study::evidence::{self, Observation, ObservationBoard, Runner};

/// A misfit for readings that do not exist, as of an event that never happens.
const NEVER: f64 = 5.0;
/// How hard the ends of a range push back, per σ beyond them.
const WALL: f64 = 10.0;

/// Told how a search goes.
pub trait SearchBoard: ObservationBoard {
    /// Something was evaluated: how often, and the least misfit so far.
    fn evaluated(&self, evaluations: usize, least: f64);
}

/// Finds the constants of the least misfit.
///
/// # Errors
/// A run failed, or somebody stopped it.
pub fn fit(calibration: &Calibration, threads: usize, progress: &dyn SearchBoard, store: &Store) -> Result<Fitted> {
    let problem =
        Problem { calibration, threads, progress, store, known: RefCell::default(), failed: RefCell::new(None) };
    let count = calibration.constants.len();
    let start = vec![0.0; count];
    let solver: TrustRegion<_, f64> = TrustRegion::new(Steihaug::new().with_max_iters(2 * count as u64 + 2));
    let solver = solver.with_radius(2.0).and_then(|solver| solver.with_max_radius(6.0)).map_err(said)?;
    let executor = Executor::new(&problem, solver)
        .configure(|state| state.param(start).max_iters(calibration.iterations).target_cost(1e-6));
    // Only to leave the search early: what it found is taken from the evaluations themselves.
    let ran = executor.run().map(|result| result.state().get_iter());
    if let Some(error) = problem.failed.take() {
        return Err(error);
    }
    let iterations = ran.map_err(said)?;
    problem.fitted(iterations)
}

fn said(error: argmin::core::Error) -> Error {
    Error::simulation(format!("the search failed: {error}"))
}

/// A place that was looked at.
#[derive(Debug, Clone)]
struct Evaluation {
    z: Vec<f64>,
    misfits: Vec<f64>,
    jacobian: Option<DMatrix<f64>>,
}

struct Problem<'a> {
    calibration: &'a Calibration,
    threads: usize,
    progress: &'a dyn SearchBoard,
    store: &'a Store,
    known: RefCell<Vec<Evaluation>>,
    failed: RefCell<Option<Error>>,
}

impl Problem<'_> {
    /// Misfits at several places, all runs side by side: those of readings, then the prior, then the walls.
    fn misfits(&self, places: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        let sets = places.iter().map(|z| self.calibration.observations(z)).collect::<Result<Vec<_>>>()?;
        let all: Vec<Observation> = sets.iter().flatten().cloned().collect();
        let findings =
            evidence::run_all(&all, Runner { threads: self.threads, board: self.progress, store: self.store })?;
        let mut readings = all.iter().zip(&findings).map(|(one, found)| {
            let weight = self.calibration.weight(&one.id).sqrt();
            let values = evidence::values(one, found)?;
            let misfit = |(band, value): (&evidence::Band, f64)| {
                let misfit = band.misfit(value);
                weight * if misfit.is_finite() { misfit.clamp(-NEVER, NEVER) } else { NEVER }
            };
            Ok(one.bands.iter().zip(values).map(misfit).collect::<Vec<f64>>())
        });
        let per_place = sets.first().map_or(0, Vec::len);
        places
            .iter()
            .map(|z| {
                let own = readings.by_ref().take(per_place).collect::<Result<Vec<_>>>()?;
                Ok(own.into_iter().flatten().chain(self.own(z)).collect())
            })
            .collect()
    }

    /// The misfits that the constants have of themselves.
    fn own(&self, z: &[f64]) -> impl Iterator<Item = f64> {
        let prior = self.calibration.prior.sqrt();
        let walls: Vec<f64> = self
            .calibration
            .constants
            .iter()
            .zip(z)
            .map(|(constant, z)| {
                let at = |bound: f64| (bound / constant.start).ln() / constant.sigma();
                let [low, high] = constant.range.map(at);
                WALL * ((z - high).max(0.0) - (low - z).max(0.0))
            })
            .collect();
        let priors: Vec<f64> = z.iter().map(|z| prior * z).collect();
        priors.into_iter().chain(walls)
    }

    /// A place, looked at if it is not known, with its Jacobian if asked.
    fn place(&self, z: &[f64], with_jacobian: bool) -> Result<Evaluation> {
        let known = self.known.borrow().iter().find(|place| place.z == z).cloned();
        if let Some(place) = known.clone()
            && (place.jacobian.is_some() || !with_jacobian)
        {
            return Ok(place);
        }
        let step = self.calibration.step;
        let mut places: Vec<Vec<f64>> = Vec::new();
        if known.is_none() {
            places.push(z.to_vec());
        }
        let mut steps = Vec::new();
        if with_jacobian {
            for (index, constant) in self.calibration.constants.iter().enumerate() {
                // Inwards, so that differences are not taken across the end of a range.
                let high = (constant.range[1] / constant.start).ln() / constant.sigma();
                let step = if z[index] + step > high { -step } else { step };
                let mut moved = z.to_vec();
                moved[index] += step;
                places.push(moved);
                steps.push(step);
            }
        }
        let mut found = self.misfits(&places)?.into_iter();
        let misfits = match &known {
            Some(place) => place.misfits.clone(),
            None => found.next().unwrap_or_default(),
        };
        let jacobian = with_jacobian.then(|| {
            let mut jacobian = DMatrix::zeros(misfits.len(), steps.len());
            for (column, (moved, step)) in found.zip(&steps).enumerate() {
                for (row, (after, before)) in moved.iter().zip(&misfits).enumerate() {
                    jacobian[(row, column)] = (after - before) / step;
                }
            }
            jacobian
        });
        let place = Evaluation { z: z.to_vec(), misfits, jacobian };
        let mut all = self.known.borrow_mut();
        all.retain(|other| other.z != z);
        all.push(place.clone());
        let least = all.iter().map(|place| cost(&place.misfits)).fold(f64::INFINITY, f64::min);
        self.progress.evaluated(all.len(), least);
        Ok(place)
    }

    /// As [`Problem::place`] for the search, which knows no errors of ours.
    fn looked(&self, z: &[f64], with_jacobian: bool) -> std::result::Result<Evaluation, argmin::core::Error> {
        self.place(z, with_jacobian).map_err(|error| {
            let told = argmin::core::Error::msg(error.message().into_owned());
            self.failed.borrow_mut().get_or_insert(error);
            told
        })
    }

    /// The best place, and what is learned there.
    fn fitted(&self, iterations: u64) -> Result<Fitted> {
        let best = self
            .known
            .borrow()
            .iter()
            .min_by(|a, b| cost(&a.misfits).total_cmp(&cost(&b.misfits)))
            .map(|place| place.z.clone())
            .unwrap_or_else(|| vec![0.0; self.calibration.constants.len()]);
        let place = self.place(&best, true)?;
        let start = self.place(&vec![0.0; best.len()], false)?;
        let readings = place.misfits.len() - 2 * best.len();
        let jacobian = place.jacobian.unwrap_or_else(|| DMatrix::zeros(readings, best.len()));
        let data = jacobian.rows(0, readings).into_owned();
        Ok(Fitted::new(
            self.calibration,
            best,
            [cost(&start.misfits[..readings]), cost(&place.misfits[..readings])],
            &data,
            iterations,
            self.known.borrow().len(),
        ))
    }
}

fn cost(misfits: &[f64]) -> f64 {
    0.5 * misfits.iter().map(|misfit| misfit * misfit).sum::<f64>()
}

impl CostFunction for &Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, z: &Vec<f64>) -> std::result::Result<f64, argmin::core::Error> {
        Ok(cost(&self.looked(z, false)?.misfits))
    }
}

impl Gradient for &Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, z: &Vec<f64>) -> std::result::Result<Vec<f64>, argmin::core::Error> {
        let place = self.looked(z, true)?;
        let misfits = DVector::from_vec(place.misfits);
        Ok(place
            .jacobian
            .map_or_else(|| vec![0.0; z.len()], |own| (own.transpose() * misfits).iter().copied().collect()))
    }
}

impl Hessian for &Problem<'_> {
    type Param = Vec<f64>;
    type Hessian = Vec<Vec<f64>>;

    fn hessian(&self, z: &Vec<f64>) -> std::result::Result<Vec<Vec<f64>>, argmin::core::Error> {
        let place = self.looked(z, true)?;
        let jacobian = place.jacobian.unwrap_or_else(|| DMatrix::zeros(0, z.len()));
        let square = jacobian.transpose() * jacobian;
        Ok((0..z.len()).map(|row| square.row(row).iter().copied().collect()).collect())
    }
}
