//! Fields in balance at every moment: 0 = ∇·(D∇u) + R(u, …).
//!
//! Newton's method on the balance; each linear system (−∇·(D∇) + s) δ = r with s = −∂R/∂u ≥ 0 is solved by conjugate
//! gradients. The preconditioner replaces s by its lateral mean: then the system falls apart into one tridiagonal solve in
//! depth for each lateral mode, and the modes are those of the grid's own lateral operator (fast diagonalisation, Lynch,
//! Rice & Thomas 1964). It is exact for laterally even skin. Classes of unit cells are split into their mean and the
//! deviations from it, which see the exchange between rings.
//!
//! Where it fails: ∂R/∂u > 0 (the balance is then not unique); such a model is stopped with its name.

use std::ops::Range;
use std::sync::MutexGuard;

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::grid::{Axis, Ends, Grid};
use crate::language::{Face, Input, Operand, QuasiField};
use crate::skin::{Layout, View};
use crate::stepper::system::Buffers;

/// Eigenvectors of a lateral operator, scaled so that both transforms are plain products.
#[derive(Debug, Clone)]
struct Basis {
    n: usize,
    values: Vec<f64>,
    /// Row i: what cell i contributes to each mode.
    forward: Vec<f64>,
    /// Row m: what mode m contributes to each cell.
    backward: Vec<f64>,
}

impl Basis {
    /// The modes of diffusion along an axis, with `extra` added to the diagonal of the last cell.
    fn new(axis: &Axis, extra: f64) -> Self {
        let n = axis.len();
        let scale = |i: usize| axis.volume[i].sqrt();
        let mut matrix = DMatrix::<f64>::zeros(n, n);
        let mut join = |i: usize, j: usize, conductance: f64| {
            matrix[(i, i)] += conductance / axis.volume[i];
            matrix[(j, j)] += conductance / axis.volume[j];
            matrix[(i, j)] -= conductance / (scale(i) * scale(j));
            matrix[(j, i)] -= conductance / (scale(i) * scale(j));
        };
        for i in 1..n {
            join(i - 1, i, axis.conductance[i]);
        }
        if axis.ends == Ends::Periodic && n > 1 {
            join(n - 1, 0, axis.conductance[0]);
        }
        matrix[(n - 1, n - 1)] += extra;
        let eigen = SymmetricEigen::new(matrix);
        let vectors = &eigen.eigenvectors;
        Self {
            n,
            values: eigen.eigenvalues.iter().map(|value| value.max(0.0)).collect(),
            forward: (0..n * n).map(|k| vectors[(k / n, k % n)] * scale(k / n)).collect(),
            backward: (0..n * n).map(|k| vectors[(k % n, k / n)] / scale(k % n)).collect(),
        }
    }

    /// out\[m] = Σᵢ matrix\[i]\[m] input\[i] for one contiguous row.
    fn apply(&self, matrix: &[f64], input: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (value, row) in input.iter().zip(matrix.chunks_exact(self.n)) {
            for (out, coefficient) in out.iter_mut().zip(row) {
                *out += value * coefficient;
            }
        }
    }

    /// The same across rows of `width` values.
    fn apply_across(&self, matrix: &[f64], input: &[f64], out: &mut [f64], width: usize) {
        out.fill(0.0);
        for (row, coefficients) in input.chunks_exact(width).zip(matrix.chunks_exact(self.n)) {
            for (out, coefficient) in out.chunks_exact_mut(width).zip(coefficients) {
                for (out, value) in out.iter_mut().zip(row) {
                    *out += coefficient * value;
                }
            }
        }
    }
}

/// The lateral modes of a grid.
#[derive(Debug, Clone)]
enum Modes {
    /// Modes along x times modes along y.
    Lines(Basis, Basis),
    /// Radial modes of the mean over classes, and of the deviations from it, which see the exchange between rings.
    Classes {
        /// Of the mean.
        mean: Basis,
        /// Of the deviations.
        deviation: Basis,
        /// Of the classes.
        weights: Vec<f64>,
    },
}

impl Modes {
    fn new(grid: &Grid) -> Self {
        match &grid.exchange {
            Some(exchange) => Self::Classes {
                mean: Basis::new(&grid.x, 0.0),
                deviation: Basis::new(&grid.x, exchange.rate),
                weights: exchange.weights.clone(),
            },
            None => Self::Lines(Basis::new(&grid.x, 0.0), Basis::new(&grid.y, 0.0)),
        }
    }

    /// The eigenvalue of each mode of a plane.
    fn values(&self) -> Vec<f64> {
        match self {
            Self::Lines(x, y) => y.values.iter().flat_map(|b| x.values.iter().map(move |a| a + b)).collect(),
            Self::Classes { mean, deviation, weights } => {
                let deviations = weights.iter().flat_map(|_| deviation.values.iter());
                mean.values.iter().chain(deviations).copied().collect()
            }
        }
    }

    /// The modes of a plane of values.
    fn forward(&self, row: &[f64], modes: &mut [f64], spare: &mut [f64]) {
        match self {
            Self::Lines(x, y) => {
                for (row, out) in row.chunks_exact(x.n).zip(spare.chunks_exact_mut(x.n)) {
                    x.apply(&x.forward, row, out);
                }
                y.apply_across(&y.forward, &spare[..row.len()], modes, x.n);
            }
            Self::Classes { mean, deviation, weights } => {
                let n = mean.n;
                let (average, other) = spare.split_at_mut(n);
                average.fill(0.0);
                for (row, weight) in row.chunks_exact(n).zip(weights) {
                    average.iter_mut().zip(row).for_each(|(average, value)| *average += weight * value);
                }
                mean.apply(&mean.forward, average, &mut modes[..n]);
                for (row, out) in row.chunks_exact(n).zip(modes[n..].chunks_exact_mut(n)) {
                    let other = &mut other[..n];
                    other.iter_mut().zip(row).zip(&*average).for_each(|((o, value), mean)| *o = value - mean);
                    deviation.apply(&deviation.forward, other, out);
                }
            }
        }
    }

    /// The plane of values that modes make.
    fn backward(&self, modes: &[f64], row: &mut [f64], spare: &mut [f64]) {
        match self {
            Self::Lines(x, y) => {
                y.apply_across(&y.backward, modes, &mut spare[..modes.len()], x.n);
                for (modes, out) in spare.chunks_exact(x.n).zip(row.chunks_exact_mut(x.n)) {
                    x.apply(&x.backward, modes, out);
                }
            }
            Self::Classes { mean, deviation, .. } => {
                let n = mean.n;
                mean.apply(&mean.backward, &modes[..n], &mut spare[..n]);
                for (modes, out) in modes[n..].chunks_exact(n).zip(row.chunks_exact_mut(n)) {
                    deviation.apply(&deviation.backward, modes, out);
                    out.iter_mut().zip(&spare[..n]).for_each(|(out, mean)| *out += mean);
                }
            }
        }
    }
}

/// One quasi-steady field on one grid.
#[derive(Debug)]
pub struct Quasi {
    index: usize,
    name: String,
    /// Depth indices in which it lives.
    range: Range<usize>,
    diffusivity: Vec<f64>,
    /// Conductance per area of each face in depth.
    depth: Vec<f64>,
    modes: Modes,
    mode_values: Vec<f64>,
    /// Height of each cell in depth.
    widths: Vec<f64>,
    /// Measure of each place.
    lateral: Vec<f64>,
    /// Accuracy asked of the field, in its own unit.
    tolerance: f64,
    slope: Vec<f64>,
    residual: Vec<f64>,
    direction: Vec<f64>,
    image: Vec<f64>,
    preconditioned: Vec<f64>,
    change: Vec<f64>,
    modal: Vec<f64>,
    spare: Vec<f64>,
    /// Diagonals in depth of the preconditioner.
    diagonals: Vec<f64>,
    /// The quasi-steady fields, while this one is solved for.
    values: Vec<f64>,
}

/// Gives a thread its buffers.
pub type Lend<'a> = &'a (dyn Fn() -> MutexGuard<'a, Buffers> + Sync);

/// Relative accuracy to which balances are solved.
const ACCURACY: f64 = 1e-9;
const NEWTON_STEPS: usize = 60;
const GRADIENT_STEPS: usize = 400;

impl Quasi {
    /// The solver of quasi-steady field `index` of `count`.
    pub fn new(grid: &Grid, layout: Layout, (index, count): (usize, usize), field: &QuasiField) -> Result<Self> {
        let lives: Vec<bool> = grid.layer.iter().map(|&layer| field.lives[layer]).collect();
        let first = lives.iter().position(|lives| *lives).unwrap_or(0);
        let last = lives.iter().rposition(|lives| *lives).map_or(0, |k| k + 1);
        if lives[first..last].iter().any(|lives| !lives) {
            return Err(Error::input(format!(
                "the quasi-steady field `{}` lives in layers that do not touch",
                field.name
            )));
        }
        let diffusivity: Vec<f64> = grid.layer.iter().map(|&layer| field.diffusivity[layer]).collect();
        let mut depth = vec![0.0; grid.z.len() + 1];
        for k in first + 1..last {
            let resistance = |k: usize| 0.5 * grid.z.width(k) / diffusivity[k];
            depth[k] = 1.0 / (resistance(k - 1) + resistance(k));
        }
        if field.boundary.sides.iter().any(Option::is_some) {
            return Err(Error::input(format!(
                "the quasi-steady field `{}` cannot have lateral conditions",
                field.name
            )));
        }
        let modes = Modes::new(grid);
        let buffer = || vec![0.0; (last - first) * layout.stride];
        let mode_values = modes.values();
        let modal = || vec![0.0; (last - first) * mode_values.len()];
        Ok(Self {
            index,
            name: field.name.clone(),
            range: first..last,
            diffusivity,
            depth,
            widths: (0..grid.z.len()).map(|k| grid.z.width(k)).collect(),
            modal: modal(),
            spare: modal(),
            mode_values,
            modes,
            lateral: grid.lateral_weights(),
            tolerance: ACCURACY * field.scale,
            diagonals: vec![0.0; last - first],
            values: vec![0.0; layout.nz * layout.stride * count],
            slope: buffer(),
            residual: buffer(),
            direction: buffer(),
            image: buffer(),
            preconditioned: buffer(),
            change: buffer(),
        })
    }

    /// Solves the balance; `quasi` holds the first guess and receives the result. Other fields come from `view`, whose own
    /// quasi-steady fields are not read for this one.
    ///
    /// # Errors
    /// No balance was found.
    pub fn solve(
        &mut self,
        grid: &Grid,
        field: &QuasiField,
        view: &View<'_>,
        quasi: &mut [f64],
        lend: Lend<'_>,
    ) -> Result<()> {
        if self.range.is_empty() {
            return Ok(());
        }
        let ends = self.ends(grid, field, view, &mut lend().registers);
        let mut last = f64::INFINITY;
        for _ in 0..NEWTON_STEPS {
            self.evaluate(grid, field, view, quasi, &ends, lend);
            let (residual, slope) = self.size(grid);
            if !(residual.is_finite() && slope.is_finite()) {
                break;
            }
            // r / s is the size of the change that is still to come.
            let error = residual / slope.max(f64::MIN_POSITIVE);
            if error <= self.tolerance || (error <= 1e3 * self.tolerance && error >= 0.5 * last) {
                return Ok(());
            }
            last = error;
            self.gradients(grid, &ends, 0.05 * self.tolerance * slope)?;
            let layout = view.layout;
            for (k, change) in self.range.clone().zip(self.change.chunks_exact(layout.stride)) {
                let start = (self.index * layout.nz + k) * layout.stride;
                for (value, change) in quasi[start..start + layout.plane].iter_mut().zip(change) {
                    let moved = *value + change;
                    // Balances of rational kinetics have poles below zero: go at most nine tenths of the way there.
                    *value = if moved > 0.0 || *value <= 0.0 { moved } else { 0.1 * *value };
                }
            }
        }
        Err(Error::simulation(format!(
            "the quasi-steady field `{}` has no balance on day {:.4}",
            self.name,
            view.time / crate::units::DAY
        )))
    }

    /// Room for the quasi-steady fields while this one is solved for.
    pub fn values(&mut self) -> &mut Vec<f64> {
        &mut self.values
    }

    /// Conductance per area and outside value at top and bottom.
    fn ends(
        &self,
        grid: &Grid,
        field: &QuasiField,
        view: &View<'_>,
        scratch: &mut Vec<f64>,
    ) -> [(f64, f64); 2] {
        let mut end = |face: &Face, k: usize| {
            let inner = 2.0 * self.diffusivity[k] / grid.z.width(k);
            match face {
                Face::NoFlux => (0.0, 0.0),
                Face::Value(value) => (inner, view.number(value, scratch)),
                Face::Exchange { exchange, outside } => {
                    let exchange = view.number(exchange, scratch);
                    let g = if exchange > 0.0 { 1.0 / (1.0 / inner + 1.0 / exchange) } else { 0.0 };
                    (g, view.number(outside, scratch))
                }
            }
        };
        let top = end(&field.boundary.top, self.range.start);
        let bottom = end(&field.boundary.bottom, self.range.end - 1);
        // A condition belongs to the face of the domain, not to the end of the layers in which the field lives.
        let at_top = self.range.start == 0;
        let at_bottom = self.range.end == grid.z.len();
        [if at_top { top } else { (0.0, 0.0) }, if at_bottom { bottom } else { (0.0, 0.0) }]
    }

    /// Residual and slope at the present values.
    fn evaluate(
        &mut self,
        grid: &Grid,
        field: &QuasiField,
        view: &View<'_>,
        quasi: &[f64],
        ends: &[(f64, f64); 2],
        lend: Lend<'_>,
    ) {
        let layout = view.layout;
        let (range, index, stride, plane) = (self.range.clone(), self.index, layout.stride, layout.plane);
        let values = |k: usize| &quasi[(index * layout.nz + k) * stride..][..stride];
        let (diffusivity, depth) = (&self.diffusivity, &self.depth);
        self.residual.par_chunks_mut(stride).zip(self.slope.par_chunks_mut(stride)).enumerate().for_each(
            |(at, (residual, slope))| {
                let k = range.start + at;
                let own = values(k);
                match &field.balance[grid.layer[k]] {
                    None => {
                        residual.fill(0.0);
                        slope.fill(0.0);
                    }
                    Some(program) => {
                        let Buffers { values: out, registers, .. } = &mut *lend();
                        out.resize(out.len().max(2 * stride), 0.0);
                        view.run(program, k, 0..stride, out, registers, &|input| match input {
                            Input::Quasi(q) if q == index => Some(Operand::Block(own)),
                            _ => None,
                        });
                        residual.copy_from_slice(&out[..stride]);
                        for (slope, out) in slope.iter_mut().zip(&out[stride..]) {
                            *slope = (-out).max(0.0);
                        }
                    }
                }
                spread(grid, &range, diffusivity, depth, ends, k, &values, true, &mut residual[..plane]);
            },
        );
    }

    /// Root mean square of the residual, and mean slope plus the weakest diffusion, by volume.
    fn size(&self, grid: &Grid) -> (f64, f64) {
        let stride = self.residual.len() / self.range.len();
        let (mut square, mut slope, mut volume) = (0.0, 0.0, 0.0);
        for (at, k) in self.range.clone().enumerate() {
            let width = grid.z.width(k);
            for (p, weight) in self.lateral.iter().enumerate() {
                let own = weight * width;
                square += own * self.residual[at * stride + p].powi(2);
                slope += own * self.slope[at * stride + p];
                volume += own;
            }
        }
        // Across the whole depth L the field relaxes at least at D/L².
        let thickness = grid.z.faces[self.range.end] - grid.z.faces[self.range.start];
        let slowest = self.diffusivity[self.range.clone()].iter().copied().fold(f64::INFINITY, f64::min);
        ((square / volume).sqrt(), slope / volume + slowest / (thickness * thickness))
    }

    fn dot(&self, grid: &Grid, a: &[f64], b: &[f64]) -> f64 {
        let stride = a.len() / self.range.len();
        let plane = self.lateral.len();
        self.range
            .clone()
            .zip(a.chunks_exact(stride).zip(b.chunks_exact(stride)))
            .map(|(k, (a, b))| {
                let row: f64 = (0..plane).map(|p| self.lateral[p] * a[p] * b[p]).sum();
                row * grid.z.width(k)
            })
            .sum()
    }

    /// Conjugate gradients for the change, until the residual is below `target` in root mean square.
    fn gradients(&mut self, grid: &Grid, ends: &[(f64, f64); 2], target: f64) -> Result<()> {
        let stride = self.residual.len() / self.range.len();
        let volume: f64 = self.range.clone().map(|k| grid.z.width(k)).sum();
        let enough = target * target * volume;
        self.factors(grid, ends);
        self.change.fill(0.0);
        self.precondition();
        self.direction.copy_from_slice(&self.preconditioned);
        let mut energy = self.dot(grid, &self.residual, &self.preconditioned);
        for _ in 0..GRADIENT_STEPS {
            // −∇·(D∇p) + s p
            let (range, diffusivity, depth, direction, slope) =
                (&self.range, &self.diffusivity, &self.depth, &self.direction, &self.slope);
            let plane = self.lateral.len();
            let values = |k: usize| &direction[(k - range.start) * stride..][..plane];
            self.image.par_chunks_mut(stride).enumerate().for_each(|(at, image)| {
                image.fill(0.0);
                let k = range.start + at;
                spread(grid, range, diffusivity, depth, ends, k, &values, false, &mut image[..plane]);
                for (p, image) in image[..plane].iter_mut().enumerate() {
                    *image = slope[at * stride + p] * direction[at * stride + p] - *image;
                }
            });
            let curvature = self.dot(grid, &self.direction, &self.image);
            if curvature <= 0.0 || !curvature.is_finite() {
                return Ok(());
            }
            let length = energy / curvature;
            for (change, direction) in self.change.iter_mut().zip(&self.direction) {
                *change += length * direction;
            }
            for (residual, image) in self.residual.iter_mut().zip(&self.image) {
                *residual -= length * image;
            }
            if self.dot(grid, &self.residual, &self.residual) <= enough {
                return Ok(());
            }
            self.precondition();
            let next = self.dot(grid, &self.residual, &self.preconditioned);
            let turn = next / energy;
            energy = next;
            for (direction, preconditioned) in self.direction.iter_mut().zip(&self.preconditioned) {
                *direction = preconditioned + turn * *direction;
            }
        }
        Err(Error::simulation(format!("the balance of `{}` did not converge", self.name)))
    }

    /// Diagonals in depth of the preconditioner, without the lateral modes, for mean slopes.
    fn factors(&mut self, grid: &Grid, ends: &[(f64, f64); 2]) {
        let stride = self.slope.len() / self.range.len();
        for (at, k) in self.range.clone().enumerate() {
            let mean: f64 = self.lateral.iter().zip(&self.slope[at * stride..]).map(|(w, s)| w * s).sum();
            let top = if k == self.range.start { ends[0].0 } else { 0.0 };
            let bottom = if k + 1 == self.range.end { ends[1].0 } else { 0.0 };
            self.diagonals[at] = mean + (self.depth[k] + self.depth[k + 1] + top + bottom) / grid.z.width(k);
        }
    }

    /// preconditioned ← P⁻¹ residual.
    fn precondition(&mut self) {
        let stride = self.residual.len() / self.range.len();
        let plane = self.lateral.len();
        let m = self.mode_values.len();
        let modes = &self.modes;
        self.modal
            .par_chunks_mut(m)
            .zip(self.spare.par_chunks_mut(m))
            .zip(self.residual.par_chunks(stride))
            .for_each(|((out, spare), row)| modes.forward(&row[..plane], out, spare));
        // One tridiagonal solve in depth for each mode, all modes side by side; `spare` keeps the upper factors.
        for at in 0..self.range.len() {
            let k = self.range.start + at;
            let (up, down) = (self.depth[k] / self.widths[k], self.depth[k + 1] / self.widths[k]);
            let (before, own) = self.modal.split_at_mut(at * m);
            let (factors, own_factors) = self.spare.split_at_mut(at * m);
            let last = (at.max(1) - 1) * m;
            let diffusivity = self.diffusivity[k];
            for p in 0..m {
                let (carried, factor) = if at == 0 { (0.0, 0.0) } else { (before[last + p], factors[last + p]) };
                let inverse = 1.0 / (self.diagonals[at] + diffusivity * self.mode_values[p] - up * factor);
                own[p] = (own[p] + up * carried) * inverse;
                own_factors[p] = down * inverse;
            }
        }
        for at in (0..self.range.len() - 1).rev() {
            let (own, after) = self.modal[at * m..].split_at_mut(m);
            let factors = &self.spare[at * m..][..m];
            for ((own, after), factor) in own.iter_mut().zip(after).zip(factors) {
                *own += factor * *after;
            }
        }
        self.preconditioned
            .par_chunks_mut(stride)
            .zip(self.spare.par_chunks_mut(m))
            .zip(self.modal.par_chunks(m))
            .for_each(|((row, spare), modal)| modes.backward(modal, &mut row[..plane], spare));
    }
}

/// Adds ∇·(D∇u) at depth `k` to `out`; with `outside` the values beyond the ends count, else they are zero.
fn spread<'a>(
    grid: &Grid,
    range: &Range<usize>,
    diffusivity: &[f64],
    depth: &[f64],
    ends: &[(f64, f64); 2],
    k: usize,
    rows: &dyn Fn(usize) -> &'a [f64],
    outside: bool,
    out: &mut [f64],
) {
    let own = rows(k);
    let width = grid.z.width(k);
    for (face, other, inside) in [(k, k.wrapping_sub(1), k > range.start), (k + 1, k + 1, k + 1 < range.end)] {
        if inside {
            let rate = depth[face] / width;
            for ((out, neighbour), own) in out.iter_mut().zip(rows(other)).zip(own) {
                *out += rate * (neighbour - own);
            }
        } else {
            let (conductance, value) = ends[usize::from(face != k)];
            let value = if outside { value } else { 0.0 };
            for (out, own) in out.iter_mut().zip(own) {
                *out += conductance / width * (value - own);
            }
        }
    }
    let d = diffusivity[k];
    let (nx, ny) = (grid.x.len(), grid.y.len());
    let mut pass = |p: usize, q: usize, conductance: f64, volume: [f64; 2]| {
        let flux = d * conductance * (own[q] - own[p]);
        out[p] += flux / volume[0];
        out[q] -= flux / volume[1];
    };
    let wraps = |axis: &Axis| axis.ends == Ends::Periodic && axis.len() > 1;
    for j in 0..ny {
        for i in 1..nx {
            let volume = [grid.x.volume[i - 1], grid.x.volume[i]];
            pass(j * nx + i - 1, j * nx + i, grid.x.conductance[i], volume);
        }
        if wraps(&grid.x) {
            pass(j * nx + nx - 1, j * nx, grid.x.conductance[0], [grid.x.volume[nx - 1], grid.x.volume[0]]);
        }
    }
    if let Some(exchange) = &grid.exchange {
        let ring = |j: usize| j * nx + nx - 1;
        let mean: f64 = exchange.weights.iter().enumerate().map(|(j, weight)| weight * own[ring(j)]).sum();
        for j in 0..ny {
            out[ring(j)] += d * exchange.rate * (mean - own[ring(j)]);
        }
    } else {
        for j in 1..ny {
            let volume = [grid.y.volume[j - 1], grid.y.volume[j]];
            (0..nx).for_each(|i| pass((j - 1) * nx + i, j * nx + i, grid.y.conductance[j], volume));
        }
        if wraps(&grid.y) {
            let volume = [grid.y.volume[ny - 1], grid.y.volume[0]];
            (0..nx).for_each(|i| pass((ny - 1) * nx + i, i, grid.y.conductance[0], volume));
        }
    }
}
