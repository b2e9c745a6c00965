//! The lateral modes of a grid: where a diffusivity is even over a plane, lateral diffusion only stretches them, and what is left
//! is one line in depth for each mode (fast diagonalisation, Lynch, Rice & Thomas 1964).
//!
//! Modes of lines along x and y are products of the modes of each. Classes of unit cells are split into their mean, which does
//! not see the exchange between outermost rings, and the deviations from it, which do. The mean takes the place of the first
//! class, whose deviation follows from the others.
#![expect(unsafe_code, reason = "the products with modes use the vector instructions there are")]

use nalgebra::{DMatrix, SymmetricEigen};

use crate::engine::grid::{Axis, Ends, Grid};
use crate::engine::stepper::multiply_add;

/// Eigenvectors of the diffusion along one axis, scaled so that both transforms are plain products.
#[derive(Debug, Clone)]
struct Basis {
    n: usize,
    /// n, rounded up to whole vectors.
    padded: usize,
    values: Vec<f64>,
    /// Row i: what cell i contributes to each mode; and its transpose, rows without padding.
    forward: [Vec<f64>; 2],
    /// Row m: what mode m contributes to each cell; and its transpose.
    backward: [Vec<f64>; 2],
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
            let (mut table, mut turned) = (vec![0.0; n * padded], vec![0.0; n * n]);
            for (row, column) in (0..n).flat_map(|row| (0..n).map(move |column| (row, column))) {
                table[row * padded + column] = entry(row, column);
                turned[column * n + row] = entry(row, column);
            }
            [table, turned]
        };
        Self {
            n,
            padded,
            values: eigen.eigenvalues.iter().map(|value| value.max(0.0)).collect(),
            forward: table(&|i, m| vectors[(i, m)] * scale(i)),
            backward: table(&|m, i| vectors[(i, m)] / scale(i)),
        }
    }

    /// Sums over the cells of each contiguous row: out\[r]\[m] = Σᵢ input\[r]\[i] table\[i]\[m].
    fn along(&self, [table, _]: &[Vec<f64>; 2], input: &[f64], out: &mut [f64]) {
        product(input, table, [self.n, self.padded, self.n], out);
    }

    /// Sums across rows of `width` values: out\[m]\[i] = Σᵣ table\[r]\[m] input\[r]\[i].
    fn across(&self, [_, turned]: &[Vec<f64>; 2], input: &[f64], out: &mut [f64], width: usize) {
        product(turned, input, [self.n, width, width], out);
    }
}

#[derive(Debug, Clone)]
enum ModeKind {
    /// Modes along x times modes along y.
    Lines(Basis, Basis),
    /// Radial modes of the mean over classes, of the deviations from it, and the weights of the classes.
    Classes(Basis, Basis, Vec<f64>),
}

/// The lateral modes of a grid.
#[derive(Debug, Clone)]
pub struct Modes {
    kind: ModeKind,
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
                Self { kind: ModeKind::Classes(mean, deviation, exchange.weights.clone()), values }
            }
            None => {
                let (x, y) = (Basis::new(&grid.x, 0.0), Basis::new(&grid.y, 0.0));
                let values = y.values.iter().flat_map(|b| x.values.iter().map(move |a| a + b)).collect();
                Self { kind: ModeKind::Lines(x, y), values }
            }
        }
    }

    /// Replaces a plane of values by its modes; `spare` is as long.
    pub fn forward(&self, row: &mut [f64], spare: &mut [f64]) {
        let spare = &mut spare[..row.len()];
        match &self.kind {
            ModeKind::Lines(x, y) => {
                x.along(&x.forward, row, spare);
                if y.n > 1 { y.across(&y.forward, spare, row, x.n) } else { row.copy_from_slice(spare) }
            }
            ModeKind::Classes(mean, deviation, weights) => {
                let n = mean.n;
                split(row, spare, weights);
                mean.along(&mean.forward, &spare[..n], &mut row[..n]);
                deviation.along(&deviation.forward, &spare[n..], &mut row[n..]);
            }
        }
    }

    /// Replaces modes by the plane of values they make; `spare` is as long.
    pub fn backward(&self, row: &mut [f64], spare: &mut [f64]) {
        let spare = &mut spare[..row.len()];
        match &self.kind {
            ModeKind::Lines(x, y) => {
                if y.n > 1 {
                    y.across(&y.backward, row, spare, x.n)
                } else {
                    spare.copy_from_slice(row)
                }
                x.along(&x.backward, spare, row);
            }
            ModeKind::Classes(mean, deviation, weights) => {
                let n = mean.n;
                mean.along(&mean.backward, &row[..n], &mut spare[..n]);
                deviation.along(&deviation.backward, &row[n..], &mut spare[n..]);
                join(row, spare, weights);
            }
        }
    }
}

/// The mean of the rows of classes, in place of the first, and the deviations of the others from it.
#[inline(always)]
fn split_body<const LEVEL: u8>(rows: &[f64], parts: &mut [f64], weights: &[f64]) {
    let n = rows.len() / weights.len();
    let (first, others) = rows.split_at(n);
    let (mean, deviations) = parts.split_at_mut(n);
    mean.iter_mut().zip(first).for_each(|(mean, own)| *mean = own * weights[0]);
    for (row, weight) in others.chunks_exact(n).zip(&weights[1..]) {
        add_body::<LEVEL>(mean, row, *weight);
    }
    for (deviation, row) in deviations.chunks_exact_mut(n).zip(others.chunks_exact(n)) {
        deviation.iter_mut().zip(row).zip(&*mean).for_each(|((deviation, own), mean)| *deviation = own - mean);
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

/// R rows of the left factor times C vectors of columns of the right one, from column `at`: all sums stay in registers.
/// `size` is as in [`product`]. Rows of the right factor hold C whole vectors from there, or with PART what they hold is read.
#[inline(always)]
fn patch<const LEVEL: u8, const R: usize, const C: usize, const PART: bool>(
    left: &[f64],
    right: &[f64],
    [n, stride, columns]: [usize; 3],
    at: usize,
    out: &mut [f64],
) {
    assert!(left.len() >= R * n && right.len() + stride >= n * stride + columns && columns <= stride);
    assert!(at < columns && out.len() >= R * columns);
    assert!(PART || right.len() >= (n - 1) * stride + at + C * if LEVEL == 1 { LANES / 2 } else { LANES });
    #[cfg(target_arch = "x86_64")]
    if LEVEL > 0 {
        // SAFETY: these levels are compiled for processors with these instructions and chosen only on them; the sizes were
        // just checked.
        return unsafe {
            match LEVEL {
                1 => patch_256::<R, C, PART>(left.as_ptr(), right.as_ptr(), [n, stride, columns], at, out.as_mut_ptr()),
                _ => patch_512::<R, C, PART>(left.as_ptr(), right.as_ptr(), [n, stride, columns], at, out.as_mut_ptr()),
            }
        };
    }
    let here = (C * LANES).min(columns - at);
    for (row, out) in left.chunks_exact(n).zip(out.chunks_exact_mut(columns)).take(R) {
        let out = &mut out[at..at + here];
        out.fill(0.0);
        for (value, entries) in row.iter().zip(right.chunks(stride)) {
            out.iter_mut()
                .zip(&entries[at..])
                .for_each(|(out, entry)| *out = multiply_add::<LEVEL>(*value, *entry, *out));
        }
    }
}

/// The same with the vectors written out: the compiler does not find them.
#[cfg(target_arch = "x86_64")]
macro_rules! patch_in {
    ($name:ident, $features:literal, $lanes:literal, $mask:ident, $zero:ident, $all:ident, $load:ident,
     $load_part:ident, $store:ident, $multiply_add:ident) => {
        /// # Safety
        /// The sizes of [`patch`] hold, and the processor has the instructions.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $name<const R: usize, const C: usize, const PART: bool>(
            left: *const f64,
            right: *const f64,
            [n, stride, columns]: [usize; 3],
            at: usize,
            out: *mut f64,
        ) {
            use std::arch::x86_64::*;
            // Columns that are not there are not written.
            let mut masks = [$mask(0); C];
            for (c, mask) in masks.iter_mut().enumerate() {
                *mask = $mask($lanes.min(columns.saturating_sub(at + c * $lanes)));
            }
            let mut sums = [[$zero(); C]; R];
            // SAFETY: the caller's; masks keep to the rows, and addresses behind them are not used.
            unsafe {
                for i in 0..n {
                    let mut entries = [$zero(); C];
                    for (c, entry) in entries.iter_mut().enumerate() {
                        let entries = right.wrapping_add(i * stride + at + c * $lanes);
                        *entry = if PART { $load_part(entries, masks[c]) } else { $load(entries) };
                    }
                    for (r, sums) in sums.iter_mut().enumerate() {
                        let value = $all(*left.add(r * n + i));
                        for c in 0..C {
                            sums[c] = $multiply_add(value, entries[c], sums[c]);
                        }
                    }
                }
                for (r, sums) in sums.iter().enumerate() {
                    for (c, sum) in sums.iter().enumerate() {
                        $store(out.wrapping_add(r * columns + at + c * $lanes), masks[c], *sum);
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
patch_in!(
    patch_512,
    "avx512f",
    8,
    mask_512,
    _mm512_setzero_pd,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    load_512,
    _mm512_mask_storeu_pd,
    _mm512_fmadd_pd
);
#[cfg(target_arch = "x86_64")]
patch_in!(
    patch_256,
    "avx2,fma",
    4,
    mask_256,
    _mm256_setzero_pd,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_maskload_pd,
    _mm256_maskstore_pd,
    _mm256_fmadd_pd
);

/// The first so many values of a vector.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn mask_512(count: usize) -> std::arch::x86_64::__mmask8 {
    ((1_u16 << count) - 1) as u8
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load_512(at: *const f64, mask: std::arch::x86_64::__mmask8) -> std::arch::x86_64::__m512d {
    // SAFETY: the caller's.
    unsafe { std::arch::x86_64::_mm512_maskz_loadu_pd(mask, at) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn mask_256(count: usize) -> std::arch::x86_64::__m256i {
    use std::arch::x86_64::{_mm256_cmpgt_epi64, _mm256_set_epi64x, _mm256_set1_epi64x};
    _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), _mm256_set_epi64x(3, 2, 1, 0))
}

/// Parts of rows times parts of tables. As many sums run side by side as hide the latency of a multiplication and fit into
/// the registers.
#[inline(always)]
fn rows_times<const LEVEL: u8, const R: usize>(left: &[f64], right: &[f64], size: [usize; 3], out: &mut [f64]) {
    let lanes = if LEVEL == 1 { LANES / 2 } else { LANES };
    let mut at = 0;
    while at < size[2] {
        // Rows of the right factor may be padded.
        let count = match (size[1].min(size[2].next_multiple_of(lanes)) - at) / lanes {
            0 => {
                patch::<LEVEL, R, 1, true>(left, right, size, at, out);
                return;
            }
            5.. if R == 1 => 5,
            4.. if R == 1 || R == 4 && LEVEL == 2 => 4,
            3.. if R <= 4 => 3,
            2.. => 2,
            _ => 1,
        };
        match count {
            5 => patch::<LEVEL, R, 5, false>(left, right, size, at, out),
            4 => patch::<LEVEL, R, 4, false>(left, right, size, at, out),
            3 => patch::<LEVEL, R, 3, false>(left, right, size, at, out),
            2 => patch::<LEVEL, R, 2, false>(left, right, size, at, out),
            _ => patch::<LEVEL, R, 1, false>(left, right, size, at, out),
        }
        at += count * lanes;
    }
}

/// out ← left·right for rows of n values of the left factor; rows of the right one are `stride` apart, and `columns` of each
/// count.
#[inline(always)]
fn product_body<const LEVEL: u8>(left: &[f64], right: &[f64], [n, stride, columns]: [usize; 3], out: &mut [f64]) {
    let (mut left, mut out) = (left, out);
    while !left.is_empty() {
        let rows = match left.len() / n {
            8.. if LEVEL != 1 => 8,
            4.. => 4,
            _ => 1,
        };
        let (here, after) = out.split_at_mut(rows * columns);
        match rows {
            8 => rows_times::<LEVEL, 8>(left, right, [n, stride, columns], here),
            4 => rows_times::<LEVEL, 4>(left, right, [n, stride, columns], here),
            _ => rows_times::<LEVEL, 1>(left, right, [n, stride, columns], here),
        }
        (left, out) = (&left[rows * n..], after);
    }
}

#[inline(always)]
fn add_body<const LEVEL: u8>(out: &mut [f64], values: &[f64], weight: f64) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = multiply_add::<LEVEL>(weight, *value, *out);
    }
}

crate::base::processor::wide! {
    fn product(left: &[f64], right: &[f64], size: [usize; 3], out: &mut [f64]) = product_body;
    fn split(rows: &[f64], parts: &mut [f64], weights: &[f64]) = split_body;
    fn join(rows: &mut [f64], parts: &[f64], weights: &[f64]) = join_body;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::grid::Exchange;

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
