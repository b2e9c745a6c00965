//! The lateral modes of a grid: where a diffusivity is even over a plane, lateral diffusion only stretches them, and what is left
//! is one line in depth for each mode (fast diagonalisation, Lynch, Rice & Thomas 1964).
//!
//! Modes of lines along x and y are products of the modes of each. Classes of unit cells are split into their mean, which does
//! not see the exchange between outermost rings, and the deviations from it, which do. The mean takes the place of the first
//! class, whose deviation follows from the others.

use nalgebra::{DMatrix, SymmetricEigen};

use crate::grid::{Axis, Ends, Grid};
use crate::stepper::multiply_add;

/// Eigenvectors of the diffusion along one axis, scaled so that both transforms are plain products.
#[derive(Debug, Clone)]
struct Basis {
    n: usize,
    /// n, rounded up to whole vectors.
    padded: usize,
    values: Vec<f64>,
    /// Row i: what cell i contributes to each mode.
    forward: Vec<f64>,
    /// Row m: what mode m contributes to each cell.
    backward: Vec<f64>,
}

/// Values of a vector.
const LANES: usize = 8;

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
        let padded = n.next_multiple_of(LANES);
        let table = |entry: &dyn Fn(usize, usize) -> f64| {
            let mut table = vec![0.0; n * padded];
            for row in 0..n {
                (0..n).for_each(|column| table[row * padded + column] = entry(row, column));
            }
            table
        };
        Self {
            n,
            padded,
            values: eigen.eigenvalues.iter().map(|value| value.max(0.0)).collect(),
            forward: table(&|i, m| vectors[(i, m)] * scale(i)),
            backward: table(&|m, i| vectors[(i, m)] / scale(i)),
        }
    }

    /// out\[r]\[m] = Σᵢ table\[i]\[m] input\[r]\[i] for contiguous rows.
    fn along(&self, table: &[f64], input: &[f64], out: &mut [f64]) {
        product(table, [self.n, self.padded], input, out);
    }

    /// The same across rows of `width` values.
    fn across(&self, table: &[f64], input: &[f64], out: &mut [f64], width: usize) {
        out.fill(0.0);
        for (row, coefficients) in input.chunks_exact(width).zip(table.chunks_exact(self.padded)) {
            for (out, coefficient) in out.chunks_exact_mut(width).zip(coefficients) {
                add(out, row, *coefficient);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Kind {
    /// Modes along x times modes along y.
    Lines(Basis, Basis),
    /// Radial modes of the mean over classes, of the deviations from it, and the weights of the classes.
    Classes(Basis, Basis, Vec<f64>),
}

/// The lateral modes of a grid.
#[derive(Debug, Clone)]
pub struct Modes {
    kind: Kind,
    /// The eigenvalue of each mode for unit diffusivity [1/m²], as many as places.
    pub values: Vec<f64>,
}

impl Modes {
    /// The modes of a grid.
    pub fn new(grid: &Grid) -> Self {
        match &grid.exchange {
            Some(exchange) => {
                let (mean, deviation) = (Basis::new(&grid.x, 0.0), Basis::new(&grid.x, exchange.rate));
                let deviations = exchange.weights[1..].iter().flat_map(|_| &deviation.values);
                let values = mean.values.iter().chain(deviations).copied().collect();
                Self { kind: Kind::Classes(mean, deviation, exchange.weights.clone()), values }
            }
            None => {
                let (x, y) = (Basis::new(&grid.x, 0.0), Basis::new(&grid.y, 0.0));
                let values = y.values.iter().flat_map(|b| x.values.iter().map(move |a| a + b)).collect();
                Self { kind: Kind::Lines(x, y), values }
            }
        }
    }

    /// Replaces a plane of values by its modes; `spare` is as long.
    pub fn forward(&self, row: &mut [f64], spare: &mut [f64]) {
        let spare = &mut spare[..row.len()];
        match &self.kind {
            Kind::Lines(x, y) => {
                x.along(&x.forward, row, spare);
                if y.n > 1 { y.across(&y.forward, spare, row, x.n) } else { row.copy_from_slice(spare) }
            }
            Kind::Classes(mean, deviation, weights) => {
                let n = mean.n;
                split(row, weights);
                mean.along(&mean.forward, &row[..n], &mut spare[..n]);
                deviation.along(&deviation.forward, &row[n..], &mut spare[n..]);
                row.copy_from_slice(spare);
            }
        }
    }

    /// Replaces modes by the plane of values they make; `spare` is as long.
    pub fn backward(&self, row: &mut [f64], spare: &mut [f64]) {
        let spare = &mut spare[..row.len()];
        match &self.kind {
            Kind::Lines(x, y) => {
                if y.n > 1 {
                    y.across(&y.backward, row, spare, x.n)
                } else {
                    spare.copy_from_slice(row)
                }
                x.along(&x.backward, spare, row);
            }
            Kind::Classes(mean, deviation, weights) => {
                let n = mean.n;
                mean.along(&mean.backward, &row[..n], &mut spare[..n]);
                deviation.along(&deviation.backward, &row[n..], &mut spare[n..]);
                join(row, spare, weights);
            }
        }
    }
}

/// Replaces the rows of classes by their mean, in place of the first, and the deviations of the others from it.
#[inline(always)]
fn split_body<const LEVEL: u8>(rows: &mut [f64], weights: &[f64]) {
    let n = rows.len() / weights.len();
    let (first, others) = rows.split_at_mut(n);
    first.iter_mut().for_each(|mean| *mean *= weights[0]);
    for (row, weight) in others.chunks_exact(n).zip(&weights[1..]) {
        add_body::<LEVEL>(first, row, *weight);
    }
    for row in others.chunks_exact_mut(n) {
        row.iter_mut().zip(&*first).for_each(|(own, mean)| *own -= mean);
    }
}

/// The rows of classes from their mean and the deviations of all but the first, whose own follows from the others.
#[inline(always)]
fn join_body<const LEVEL: u8>(rows: &mut [f64], parts: &[f64], weights: &[f64]) {
    let n = rows.len() / weights.len();
    let (first, others) = rows.split_at_mut(n);
    let (mean, deviations) = parts.split_at(n);
    first.copy_from_slice(mean);
    for ((row, deviation), weight) in others.chunks_exact_mut(n).zip(deviations.chunks_exact(n)).zip(&weights[1..]) {
        add_body::<LEVEL>(first, deviation, -weight / weights[0]);
        row.iter_mut().zip(mean).zip(deviation).for_each(|((own, mean), deviation)| *own = mean + deviation);
    }
}

/// R rows times C vectors of columns of a table, from column `at`: all sums stay in registers.
#[inline(always)]
fn patch<const LEVEL: u8, const R: usize, const C: usize>(
    table: &[f64],
    [n, padded]: [usize; 2],
    at: usize,
    input: &[f64],
    out: &mut [f64],
) {
    #[cfg(target_arch = "x86_64")]
    if LEVEL == 2 {
        // Safety: level 2 is compiled for processors with these instructions and chosen only on them.
        return unsafe { patch_512::<R, C>(table, [n, padded], at, input, out) };
    }
    let rows: [&[f64]; R] = std::array::from_fn(|r| &input[r * n..][..n]);
    let mut sums = [[[0.0; LANES]; C]; R];
    for i in 0..n {
        let (entries, _) = table[i * padded + at..][..C * LANES].as_chunks::<LANES>();
        for r in 0..R {
            for c in 0..C {
                for lane in 0..LANES {
                    sums[r][c][lane] = multiply_add::<LEVEL>(rows[r][i], entries[c][lane], sums[r][c][lane]);
                }
            }
        }
    }
    let here = (C * LANES).min(n - at);
    for (r, sums) in sums.iter().enumerate() {
        out[r * n + at..][..here].copy_from_slice(&sums.as_flattened()[..here]);
    }
}

/// The same with the vectors written out: the compiler does not find them.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn patch_512<const R: usize, const C: usize>(
    table: &[f64],
    [n, padded]: [usize; 2],
    at: usize,
    input: &[f64],
    out: &mut [f64],
) {
    use std::arch::x86_64::*;
    assert!(input.len() >= R * n && table.len() >= n * padded && at + C * LANES <= padded && out.len() >= R * n);
    let mut sums = [[_mm512_setzero_pd(); C]; R];
    for i in 0..n {
        let mut entries = [_mm512_setzero_pd(); C];
        for (c, entry) in entries.iter_mut().enumerate() {
            // Safety: i < n, and the columns end before `padded`.
            *entry = unsafe { _mm512_loadu_pd(table.as_ptr().add(i * padded + at + c * LANES)) };
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // Safety: there are R rows of n values.
            let value = _mm512_set1_pd(unsafe { *input.get_unchecked(r * n + i) });
            for c in 0..C {
                sums[c] = _mm512_fmadd_pd(value, entries[c], sums[c]);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        for (c, sum) in sums.iter().enumerate() {
            let column = at + c * LANES;
            let here = LANES.min(n.saturating_sub(column));
            // Safety: the mask keeps to the row.
            unsafe { _mm512_mask_storeu_pd(out.as_mut_ptr().add(r * n + column), ((1_u16 << here) - 1) as u8, *sum) };
        }
    }
}

/// R rows times a table. As many sums run side by side as hide the latency of a multiplication.
#[inline(always)]
fn rows_times<const LEVEL: u8, const R: usize>(table: &[f64], size: [usize; 2], input: &[f64], out: &mut [f64]) {
    let mut at = 0;
    while at < size[1] {
        match (size[1] - at) / LANES {
            5.. if R == 1 => {
                patch::<LEVEL, R, 5>(table, size, at, input, out);
                at += 5 * LANES;
            }
            4.. if R <= 4 => {
                patch::<LEVEL, R, 4>(table, size, at, input, out);
                at += 4 * LANES;
            }
            3.. if R <= 4 => {
                patch::<LEVEL, R, 3>(table, size, at, input, out);
                at += 3 * LANES;
            }
            2.. => {
                patch::<LEVEL, R, 2>(table, size, at, input, out);
                at += 2 * LANES;
            }
            _ => {
                patch::<LEVEL, R, 1>(table, size, at, input, out);
                at += LANES;
            }
        }
    }
}

#[inline(always)]
fn product_body<const LEVEL: u8>(table: &[f64], size: [usize; 2], input: &[f64], out: &mut [f64]) {
    let n = size[0];
    let (mut input, mut out) = (input, out);
    while !input.is_empty() {
        let rows = match input.len() / n {
            8.. => 8,
            4.. => 4,
            _ => 1,
        };
        let (here, after) = out.split_at_mut(rows * n);
        match rows {
            8 => rows_times::<LEVEL, 8>(table, size, input, here),
            4 => rows_times::<LEVEL, 4>(table, size, input, here),
            _ => rows_times::<LEVEL, 1>(table, size, input, here),
        }
        (input, out) = (&input[rows * n..], after);
    }
}

#[inline(always)]
fn add_body<const LEVEL: u8>(out: &mut [f64], values: &[f64], weight: f64) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = multiply_add::<LEVEL>(weight, *value, *out);
    }
}

crate::stepper::wide! {
    fn product(table: &[f64], size: [usize; 2], input: &[f64], out: &mut [f64]) = product_body;
    fn add(out: &mut [f64], values: &[f64], weight: f64) = add_body;
    fn split(rows: &mut [f64], weights: &[f64]) = split_body;
    fn join(rows: &mut [f64], parts: &[f64], weights: &[f64]) = join_body;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Exchange;

    fn grid(x: Axis, y: Axis, exchange: Option<Exchange>) -> Grid {
        let z = Axis::even(1.0, 1, Ends::Closed);
        Grid { kind: "tile", x, y, z, exchange, layer: vec![0], layers: Vec::new() }
    }

    /// Lateral diffusion of a plane, term by term.
    fn spread(grid: &Grid, u: &[f64]) -> Vec<f64> {
        let (nx, ny) = (grid.x.len(), grid.y.len());
        let mut out = vec![0.0; u.len()];
        let mut line = |axis: &Axis, index: &dyn Fn(usize) -> usize| {
            let n = axis.len();
            for face in if axis.ends == Ends::Periodic { 0..n } else { 1..n } {
                let (p, q) = ((face + n - 1) % n, face);
                let flux = axis.conductance[face] * (u[index(q)] - u[index(p)]);
                out[index(p)] += flux / axis.volume[p];
                out[index(q)] -= flux / axis.volume[q];
            }
        };
        (0..ny).for_each(|j| line(&grid.x, &|i| j * nx + i));
        match &grid.exchange {
            None if ny > 1 => (0..nx).for_each(|i| line(&grid.y, &|j| j * nx + i)),
            None => {}
            Some(exchange) => {
                let ring = |j: usize| u[j * nx + nx - 1];
                let mean: f64 = exchange.weights.iter().enumerate().map(|(j, w)| w * ring(j)).sum();
                (0..ny).for_each(|j| out[j * nx + nx - 1] += exchange.rate * (mean - ring(j)));
            }
        }
        out
    }

    #[test]
    fn diffusion_stretches_modes_by_their_values() {
        let radius = Axis::new(vec![0.0, 0.1, 0.25, 0.5, 1.0], Ends::Closed, true);
        let exchange = Exchange { weights: vec![0.2, 0.5, 0.3], rate: 7.0 };
        let grids = [
            grid(Axis::even(1.0, 11, Ends::Periodic), Axis::even(1.0, 6, Ends::Periodic), None),
            grid(Axis::even(1.0, 9, Ends::Closed), Axis::even(1.0, 1, Ends::Closed), None),
            grid(radius, Axis::even(3.0, 3, Ends::Closed), Some(exchange)),
        ];
        for grid in grids {
            let modes = Modes::new(&grid);
            let plane = grid.plane();
            let u: Vec<f64> = (0..plane).map(|p| ((p * 7 + 3) % 11) as f64 - 4.0).collect();
            let mut spare = vec![0.0; plane];
            let mut modal = u.clone();
            modes.forward(&mut modal, &mut spare);
            let mut again = modal.clone();
            modes.backward(&mut again, &mut spare);
            assert!(again.iter().zip(&u).all(|(a, b)| (a - b).abs() < 1e-12));
            modal.iter_mut().zip(&modes.values).for_each(|(mode, value)| *mode *= -value);
            modes.backward(&mut modal, &mut spare);
            let largest = modes.values.iter().copied().fold(1.0, f64::max);
            assert!(modal.iter().zip(spread(&grid, &u)).all(|(a, b)| (a - b).abs() < 1e-13 * largest * 10.0));
        }
    }
}
