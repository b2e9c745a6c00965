//! Fields in balance at every moment: 0 = ∇·(D∇u) + R(u, …).
//!
//! Newton's method on the balance; each linear system (−∇·(D∇) + s) δ = r with s = −∂R/∂u ≥ 0 is solved by conjugate
//! gradients. The preconditioner replaces s by its lateral mean: then the system falls apart into one tridiagonal solve in
//! depth for each lateral mode, and the modes are those of the grid's own lateral operator (fast diagonalisation, Lynch,
//! Rice & Thomas 1964). It is exact for a laterally even medium. Classes of unit cells are split into their mean and the
//! deviations from it, which see the exchange between rings.
//!
//! Where it fails: ∂R/∂u > 0 (the balance is then not unique); such a model is stopped with its name.
#![expect(unsafe_code, reason = "tasks write their own rows of shared arrays")]

use std::ops::Range;
use std::sync::MutexGuard;

use rayon::prelude::*;

use crate::base::error::{Error, Result};
use crate::engine::grid::Grid;
use crate::engine::language::{Boundary, FACES, Input, Operand, QuasiField};
use crate::engine::medium::{Layout, View};
use crate::engine::stepper::buffers::Buffers;
use crate::engine::stepper::line::{backward_modes, forward_modes};
use crate::engine::stepper::modes::Modes;
use crate::engine::stepper::multiply_add;
use crate::engine::stepper::shared::Shared;
use crate::engine::stepper::transport::{Lateral, Outside};

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
    rates: Lateral,
    /// Height of each cell in depth.
    widths: Vec<f64>,
    /// Measure of each place.
    lateral: Vec<f64>,
    /// A typical value, where the model names one.
    scale: Option<f64>,
    ones: Vec<f64>,
    zeros: Vec<f64>,
    /// Relative accuracy asked of the field.
    accuracy: f64,
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
    /// What each depth contributes to a sum over all; added up in order, whoever computed them.
    sums: Vec<f64>,
    /// Mean slope of each depth, and mean square of its residual.
    means: Vec<[f64; 2]>,
    /// The quasi-steady fields, while this one is solved for.
    values: Vec<f64>,
}

/// Gives a thread its buffers.
pub type Lend<'a> = &'a (dyn Fn() -> MutexGuard<'a, Buffers> + Sync);

/// Relative accuracy to which balances are solved, unless less is asked.
const ACCURACY: f64 = 1e-9;
/// Values of a loop that are worth a thread.
const GRAIN: usize = 8192;
/// Modes that are solved side by side by one thread.
const PIECE: usize = 256;
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
        let modes = Modes::new(grid);
        let buffer = || vec![0.0; (last - first) * layout.stride];
        let modal = || vec![0.0; (last - first) * layout.plane];
        Ok(Self {
            index,
            name: field.name.clone(),
            range: first..last,
            diffusivity,
            depth,
            widths: (0..grid.z.len()).map(|k| grid.z.width(k)).collect(),
            modal: modal(),
            spare: modal(),
            modes,
            rates: Lateral::new(grid),
            lateral: grid.lateral_weights(),
            scale: field.scale,
            ones: vec![1.0; layout.plane],
            zeros: vec![0.0; layout.plane],
            accuracy: ACCURACY,
            diagonals: vec![0.0; last - first],
            sums: vec![0.0; last - first],
            means: vec![[0.0; 2]; last - first],
            values: vec![0.0; layout.nz * layout.stride * count],
            slope: buffer(),
            residual: buffer(),
            direction: buffer(),
            image: buffer(),
            preconditioned: buffer(),
            change: buffer(),
        })
    }

    /// Asks for no more than a relative accuracy.
    pub fn ask(&mut self, accuracy: f64) {
        self.accuracy = accuracy.max(ACCURACY);
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
        let ends = self.ends(grid, field, view, &mut lend().registers)?;
        let (mut last, mut largest) = (f64::INFINITY, 0.0_f64);
        for _ in 0..NEWTON_STEPS {
            self.evaluate(grid, field, view, quasi, &ends, lend);
            let (residual, slope) = self.size(grid);
            if !(residual.is_finite() && slope.is_finite()) {
                break;
            }
            // r / s is the size of the change that is still to come.
            let error = residual / slope.max(f64::MIN_POSITIVE);
            let size = self.scale.unwrap_or_else(|| self.mean_size(grid, view.layout, quasi));
            largest = largest.max(size);
            // Where the balance is at zero, what is left of the first guess is as good.
            let tolerance = (self.accuracy * size).max(f64::EPSILON * largest);
            if error <= tolerance || (error <= 1e3 * tolerance && error >= 0.5 * last) {
                return Ok(());
            }
            last = error;
            // Far from the balance the system is a guess itself: a tenth of the residual is as good as all of it.
            self.gradients(grid, &ends, (0.05 * tolerance * slope).max(0.1 * residual))?;
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
            view.time / crate::base::units::DAY
        )))
    }

    /// Root mean square of the values, by volume.
    fn mean_size(&self, grid: &Grid, layout: Layout, quasi: &[f64]) -> f64 {
        let (mut square, mut volume) = (0.0, 0.0);
        for k in self.range.clone() {
            let row = &quasi[(self.index * layout.nz + k) * layout.stride..][..layout.plane];
            square += grid.z.width(k) * row.iter().zip(&self.lateral).map(|(u, weight)| weight * u * u).sum::<f64>();
            volume += grid.z.width(k);
        }
        (square / volume).sqrt()
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
    ) -> Result<[(f64, f64); 2]> {
        let mut ends = [(0.0, 0.0); 2];
        let Boundary { top, bottom, .. } = &field.boundary;
        let faces = [(top, 0), (bottom, grid.z.len() - 1)];
        for ((end, (face, k)), name) in ends.iter_mut().zip(faces).zip(FACES) {
            // A condition belongs to the face of the domain, not to the end of the layers in which the field lives.
            if !self.range.contains(&k) {
                continue;
            }
            let outside = Outside::new(face, &mut |program| view.number(program, scratch));
            let outside =
                outside.map_err(|what| impossible(&self.name, &format!("{what} at the {name}"), view.time))?;
            if let Some(outside) = outside {
                let inner = 2.0 * self.diffusivity[k] / grid.z.width(k);
                *end = (outside.conductance(inner, 1.0), outside.value());
            }
        }
        Ok(ends)
    }

    /// Residual and slope at the present values, and their means.
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
        let Self { diffusivity, depth, rates, lateral, ones, residual, slope, means, .. } = self;
        let rows = residual.par_chunks_mut(stride).zip(slope.par_chunks_mut(stride)).zip(means);
        rows.enumerate().with_min_len(grain(stride)).for_each(|(at, ((residual, slope), [mean, square]))| {
            let k = range.start + at;
            let own = values(k);
            spread(grid, rates, &range, diffusivity, depth, ends, k, &values, true, &mut residual[..plane]);
            match &field.balance[grid.layer[k]] {
                None => slope.fill(0.0),
                Some(program) => {
                    let Buffers { values: out, registers, .. } = &mut *lend();
                    out.resize(out.len().max(2 * stride), 0.0);
                    view.run(program, k, 0..stride, out, registers, &|input| match input {
                        Input::Quasi(q) if q == index => Some(Operand::Block(own)),
                        _ => None,
                    });
                    mix(&mut residual[..plane], 1.0, 1.0, &out[..plane]);
                    for (slope, out) in slope.iter_mut().zip(&out[stride..]) {
                        *slope = (-out).max(0.0);
                    }
                }
            }
            dot_row(mean, lateral, &slope[..plane], ones);
            dot_row(square, lateral, &residual[..plane], &residual[..plane]);
        });
    }

    /// Root mean square of the residual, and mean slope plus the weakest diffusion, by volume.
    fn size(&self, grid: &Grid) -> (f64, f64) {
        let (mut square, mut slope, mut volume) = (0.0, 0.0, 0.0);
        for (k, [mean, of_square]) in self.range.clone().zip(&self.means) {
            let width = grid.z.width(k);
            square += width * of_square;
            slope += width * mean;
            volume += width;
        }
        // Across the whole depth L the field relaxes at least at D/L².
        let thickness = grid.z.faces[self.range.end] - grid.z.faces[self.range.start];
        let slowest = self.diffusivity[self.range.clone()].iter().copied().fold(f64::INFINITY, f64::min);
        ((square / volume).sqrt(), slope / volume + slowest / (thickness * thickness))
    }

    /// Conjugate gradients for the change, until the residual is below `target` in root mean square.
    fn gradients(&mut self, grid: &Grid, ends: &[(f64, f64); 2], target: f64) -> Result<()> {
        let stride = self.residual.len() / self.range.len();
        let volume: f64 = self.range.clone().map(|k| grid.z.width(k)).sum();
        let enough = target * target * volume;
        self.factors(grid, ends);
        self.change.fill(0.0);
        let mut energy = self.precondition();
        self.direction.copy_from_slice(&self.preconditioned);
        for _ in 0..GRADIENT_STEPS {
            // −∇·(D∇p) + s p
            let Self { range, diffusivity, depth, direction, slope, rates, lateral, widths, image, sums, .. } = self;
            let direction = &*direction;
            let plane = lateral.len();
            let values = |k: usize| &direction[(k - range.start) * stride..][..plane];
            let rows = image.par_chunks_mut(stride).zip(&mut *sums).enumerate().with_min_len(grain(stride));
            rows.for_each(|(at, (image, sum))| {
                let (k, image) = (range.start + at, &mut image[..plane]);
                spread(grid, rates, range, diffusivity, depth, ends, k, &values, false, image);
                let (slope, direction) = (&slope[at * stride..][..plane], values(k));
                mix_product(image, -1.0, slope, direction);
                dot_row(sum, lateral, direction, image);
                *sum *= widths[k];
            });
            let curvature: f64 = sums.iter().sum();
            if curvature <= 0.0 || !curvature.is_finite() {
                return Ok(());
            }
            let length = energy / curvature;
            let Self { change, residual, .. } = self;
            let image = &*image;
            let changes = change.par_chunks_mut(stride).zip(residual.par_chunks_mut(stride));
            changes.zip(&mut *sums).enumerate().with_min_len(grain(stride)).for_each(
                |(at, ((change, residual), sum))| {
                    let row = at * stride..(at + 1) * stride;
                    mix(change, 1.0, length, &direction[row.clone()]);
                    mix(residual, 1.0, -length, &image[row]);
                    dot_row(sum, lateral, &residual[..plane], &residual[..plane]);
                    *sum *= widths[range.start + at];
                },
            );
            if sums.iter().sum::<f64>() <= enough {
                return Ok(());
            }
            let next = self.precondition();
            let turn = next / energy;
            energy = next;
            let preconditioned = self.preconditioned.par_chunks(stride);
            self.direction.par_chunks_mut(stride).zip(preconditioned).with_min_len(grain(stride)).for_each(
                |(direction, own)| {
                    mix(direction, turn, 1.0, own);
                },
            );
        }
        Err(Error::simulation(format!("the balance of `{}` did not converge", self.name)))
    }

    /// Diagonals in depth of the preconditioner, without the lateral modes, for mean slopes.
    fn factors(&mut self, grid: &Grid, ends: &[(f64, f64); 2]) {
        for (at, k) in self.range.clone().enumerate() {
            let top = if k == self.range.start { ends[0].0 } else { 0.0 };
            let bottom = if k + 1 == self.range.end { ends[1].0 } else { 0.0 };
            self.diagonals[at] =
                self.means[at][0] + (self.depth[k] + self.depth[k + 1] + top + bottom) / grid.z.width(k);
        }
    }

    /// preconditioned ← P⁻¹ residual; returns the product of both, by volume.
    fn precondition(&mut self) -> f64 {
        let stride = self.residual.len() / self.range.len();
        let plane = self.lateral.len();
        let m = plane;
        let Self { modes, range, depth, widths, diagonals, diffusivity, lateral, residual, .. } = self;
        let Self { modal, spare, zeros, preconditioned, sums, .. } = self;
        let residual = &*residual;
        let rows = modal.par_chunks_mut(m).zip(spare.par_chunks_mut(m)).zip(residual.par_chunks(stride));
        rows.with_min_len(grain(stride)).for_each(|((out, spare), row)| {
            out.copy_from_slice(&row[..plane]);
            modes.forward(out, spare);
        });
        // One tridiagonal solve in depth for each mode, all modes of a piece side by side; `spare` keeps the upper factors.
        let (shared, factors, count) = (Shared::new(modal), Shared::new(spare), range.len());
        (0..m.div_ceil(PIECE)).into_par_iter().with_min_len(grain(PIECE * count)).for_each(|piece| {
            let own = piece * PIECE..((piece + 1) * PIECE).min(m);
            // SAFETY: a piece's places are used by nobody else, and rows of different depths do not overlap.
            let row = |at: usize| unsafe { shared.row(at * m + own.start..at * m + own.end) };
            // SAFETY: as above.
            let upper = |at: usize| unsafe { factors.row(at * m + own.start..at * m + own.end) };
            for at in 0..count {
                let k = range.start + at;
                let (up, down) = (depth[k] / widths[k], depth[k + 1] / widths[k]);
                let weights = [if at == 0 { 0.0 } else { up }, diagonals[at], down, diffusivity[k]];
                // The first row has nothing before it, and no weight for it.
                let (before, factors) = match at.checked_sub(1) {
                    None => (&zeros[..own.len()], &zeros[..own.len()]),
                    Some(last) => (&*row(last), &*upper(last)),
                };
                forward_modes(row(at), before, factors, upper(at), &modes.values[own.clone()], weights);
            }
            for at in (0..count - 1).rev() {
                backward_modes(row(at), row(at + 1), upper(at));
            }
        });
        let rows = preconditioned.par_chunks_mut(stride).zip(spare.par_chunks_mut(m));
        rows.zip(modal.par_chunks(m)).zip(&mut *sums).enumerate().with_min_len(grain(stride)).for_each(
            |(at, (((row, spare), modal), sum))| {
                row[..plane].copy_from_slice(modal);
                modes.backward(&mut row[..plane], spare);
                dot_row(sum, lateral, &residual[at * stride..][..plane], &row[..plane]);
                *sum *= widths[range.start + at];
            },
        );
        sums.iter().sum()
    }
}

/// How many pieces of so many values are worth another thread: waking one costs about what computing [`GRAIN`] values does.
fn grain(piece: usize) -> usize {
    (GRAIN / piece.max(1)).max(1)
}

/// ∇·(D∇u) at depth `k`, into `out`; with `outside` the values beyond the ends count, else they are zero.
fn spread<'a>(
    grid: &Grid,
    lateral: &Lateral,
    range: &Range<usize>,
    diffusivity: &[f64],
    depth: &[f64],
    ends: &[(f64, f64); 2],
    k: usize,
    rows: &dyn Fn(usize) -> &'a [f64],
    outside: bool,
    out: &mut [f64],
) {
    let (own, width, d) = (rows(k), grid.z.width(k), diffusivity[k]);
    // A neighbour that is not there is the cell itself, with weight zero.
    let (above, up) = if k > range.start { (rows(k - 1), depth[k] / width) } else { (own, 0.0) };
    let (below, down) = if k + 1 < range.end { (rows(k + 1), depth[k + 1] / width) } else { (own, 0.0) };
    lateral.spread(out, [own, above, below], [up, down], [d; 2]);
    for (at, (conductance, value)) in [(range.start, ends[0]), (range.end - 1, ends[1])] {
        if k == at && conductance > 0.0 {
            let value = if outside { value } else { 0.0 };
            out.iter_mut().zip(own).for_each(|(out, own)| *out += conductance / width * (value - own));
        }
    }
    if let Some(exchange) = &grid.exchange {
        let (nx, ny) = (grid.x.len(), grid.y.len());
        let ring = |j: usize| j * nx + nx - 1;
        let mean: f64 = exchange.weights.iter().enumerate().map(|(j, weight)| weight * own[ring(j)]).sum();
        (0..ny).for_each(|j| out[ring(j)] += d * exchange.rate * (mean - own[ring(j)]));
    }
}

/// Σ weights·a·b, lane by lane.
#[inline(always)]
fn dot_body<const LEVEL: u8>(sum: &mut f64, weights: &[f64], a: &[f64], b: &[f64]) {
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let ((weights, weights_left), (a, a_left), (b, b_left)) =
        (weights.as_chunks::<LANES>(), a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for ((weights, a), b) in weights.iter().zip(a).zip(b) {
        for lane in 0..LANES {
            lanes[lane] = multiply_add::<LEVEL>(weights[lane] * a[lane], b[lane], lanes[lane]);
        }
    }
    for ((weight, a), b) in weights_left.iter().zip(a_left).zip(b_left) {
        lanes[0] = multiply_add::<LEVEL>(weight * a, *b, lanes[0]);
    }
    *sum = lanes.iter().sum();
}

/// out ← scale·out + a·b
#[inline(always)]
fn mix_product_body<const LEVEL: u8>(out: &mut [f64], scale: f64, a: &[f64], b: &[f64]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = multiply_add::<LEVEL>(*a, *b, scale * *out);
    }
}

/// out ← scale·out + factor·other
#[inline(always)]
fn mix_body<const LEVEL: u8>(out: &mut [f64], scale: f64, factor: f64, other: &[f64]) {
    for (out, other) in out.iter_mut().zip(other) {
        *out = multiply_add::<LEVEL>(factor, *other, scale * *out);
    }
}

crate::base::processor::wide! {
    fn dot_row(sum: &mut f64, weights: &[f64], a: &[f64], b: &[f64]) = dot_body;
    fn mix_product(out: &mut [f64], scale: f64, a: &[f64], b: &[f64]) = mix_product_body;
    fn mix(out: &mut [f64], scale: f64, factor: f64, other: &[f64]) = mix_body;
}

/// A condition that cannot be met.
pub(super) fn impossible(field: &str, what: &str, time: f64) -> Error {
    Error::simulation(format!("`{field}` has {what} on day {:.4}", time / crate::base::units::DAY))
}
