//! Symmetric positive definite systems whose entries lie in a band: A = Lᵀ D L, factorised once, solved often.
//!
//! No pivots are needed: the energy of a held elastic body is positive. Work n b² for the factors, 2 n b for a solution, with
//! b the half width of the band.

use crate::base::error::{Error, Result};

/// A symmetric matrix with a band, upper half by rows: `row(i)[m]` is the entry (i, i + m).
#[derive(Debug, Clone)]
pub struct BandMatrix {
    width: usize,
    entries: Vec<f64>,
}

/// The factors of a [`BandMatrix`].
#[derive(Debug, Clone)]
pub struct Factors {
    width: usize,
    entries: Vec<f64>,
}

/// Rows that are taken from those below them in one go.
const PANEL: usize = 4;

impl BandMatrix {
    /// A matrix of zeros with `size` rows whose entries lie within `half` of the diagonal.
    pub fn new(size: usize, half: usize) -> Self {
        Self { width: half + 1, entries: vec![0.0; size * (half + 1)] }
    }

    /// Adds to the entries (i, j) and (j, i).
    pub fn add(&mut self, i: usize, j: usize, value: f64) {
        let (row, column) = (i.min(j), i.max(j));
        self.entries[row * self.width + column - row] += value;
    }

    /// Factorises.
    ///
    /// # Errors
    /// The matrix is not positive definite.
    pub fn factorise(self) -> Result<Factors> {
        let Self { width, mut entries } = self;
        let size = entries.len() / width;
        let mut from = 0;
        while from < size {
            let to = (from + PANEL).min(size);
            let (done, rest) = entries.split_at_mut(to * width);
            let panel = &mut done[from * width..];
            for own in 0..to - from {
                let (above, below) = panel.split_at_mut((own + 1) * width);
                let row = &above[own * width..];
                if !(row[0].is_finite() && row[0] > 0.0) {
                    return Err(Error::simulation("an elastic body is not held: its equations have no one solution"));
                }
                for m in 1..(to - from - own).min(width) {
                    subtract(&mut below[(m - 1) * width..m * width], row[m] / row[0], &row[m..]);
                }
            }
            for j in to..(to + width - 1).min(size) {
                let out = &mut rest[(j - to) * width..(j - to + 1) * width];
                // Each row of the panel from column j on; the first ends before the others.
                let common = (from + width).saturating_sub(j);
                if to - from == PANEL && common > 0 {
                    let row = |own: usize| &panel[own * width + j - from - own..(own + 1) * width];
                    let rows = [row(0), row(1), row(2), row(3)];
                    let factor = |own: usize| rows[own][0] / panel[own * width];
                    let factors = [factor(0), factor(1), factor(2), factor(3)];
                    subtract_four(&mut out[..common], factors, rows);
                    for own in 1..PANEL {
                        subtract(&mut out[common..], factors[own], &rows[own][common..]);
                    }
                    continue;
                }
                for own in (0..to - from).filter(|own| j - from - own < width) {
                    let row = &panel[own * width + j - from - own..(own + 1) * width];
                    subtract(out, row[0] / panel[own * width], row);
                }
            }
            for row in panel.chunks_exact_mut(width) {
                let pivot = row[0];
                row[1..].iter_mut().for_each(|entry| *entry /= pivot);
            }
            from = to;
        }
        Ok(Factors { width, entries })
    }
}

/// Takes a multiple of a row from another.
fn subtract(out: &mut [f64], factor: f64, row: &[f64]) {
    if factor != 0.0 {
        out.iter_mut().zip(row).for_each(|(out, entry)| *out -= factor * entry);
    }
}

/// Takes multiples of four rows from another, in their order: the bits of four times [`subtract`] for a quarter of the traffic.
fn subtract_four(out: &mut [f64], factors: [f64; PANEL], rows: [&[f64]; PANEL]) {
    let [p, q, r, s] = factors;
    let [a, b, c, d] = rows;
    for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *out = *out - p * a - q * b - r * c - s * d;
    }
}

impl Factors {
    /// Replaces the right-hand side by the solution.
    pub fn solve(&self, x: &mut [f64]) {
        let (size, width) = (x.len(), self.width);
        for i in 0..size {
            let below = (size - 1 - i).min(width - 1);
            let (done, rest) = x.split_at_mut(i + 1);
            let own = done[i];
            if own != 0.0 {
                for (out, entry) in rest[..below].iter_mut().zip(&self.entries[i * width + 1..]) {
                    *out -= own * entry;
                }
            }
            done[i] = own / self.entries[i * width];
        }
        for i in (0..size).rev() {
            let below = (size - 1 - i).min(width - 1);
            let row = &self.entries[i * width + 1..i * width + 1 + below];
            let known = &x[i + 1..i + 1 + below];
            // Four sums side by side: a single one would wait for itself.
            let mut sums = [0.0; 4];
            let (fours, more) = (row.chunks_exact(4), known.chunks_exact(4));
            let tail: f64 = fours.remainder().iter().zip(more.remainder()).map(|(a, b)| a * b).sum();
            for (a, b) in fours.zip(more) {
                for lane in 0..4 {
                    sums[lane] += a[lane] * b[lane];
                }
            }
            x[i] -= sums[0] + sums[1] + sums[2] + sums[3] + tail;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_it_is_given() {
        let (size, half) = (40, 7);
        let mut band = BandMatrix::new(size, half);
        let mut full = nalgebra::DMatrix::<f64>::zeros(size, size);
        for i in 0..size {
            for j in i..(i + half + 1).min(size) {
                let value = if i == j { 20.0 } else { ((i * 7 + j * 13) % 11) as f64 / 11.0 - 0.5 };
                band.add(i, j, value);
                full[(i, j)] = value;
                full[(j, i)] = value;
            }
        }
        let wanted: Vec<f64> = (0..size).map(|i| (i as f64).sin()).collect();
        let mut x: Vec<f64> = (&full * nalgebra::DVector::from_vec(wanted.clone())).iter().copied().collect();
        band.factorise().unwrap().solve(&mut x);
        assert!(x.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn refuses_what_is_not_held() {
        assert!(BandMatrix::new(3, 1).factorise().is_err());
    }
}
