//! Symmetric positive definite systems whose entries lie in a band: A = Lᵀ D L, factorised once, solved often.
//!
//! No pivots are needed: the energy of a held elastic body is positive. Work n b² for the factors, 2 n b for a solution, with
//! b the half width of the band.

use crate::error::{Error, Result};

/// A symmetric matrix with a band, upper half by rows: `row(i)[m]` is the entry (i, i + m).
#[derive(Debug, Clone)]
pub struct Band {
    width: usize,
    entries: Vec<f64>,
}

/// The factors of a [`Band`].
#[derive(Debug, Clone)]
pub struct Factors {
    width: usize,
    entries: Vec<f64>,
}

impl Band {
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
        for i in 0..size {
            let (done, rest) = entries.split_at_mut((i + 1) * width);
            let row = &mut done[i * width..];
            let pivot = row[0];
            if !(pivot.is_finite() && pivot > 0.0) {
                return Err(Error::simulation("an elastic body is not held: its equations have no one solution"));
            }
            let below = (size - 1 - i).min(width - 1);
            for m in 1..=below {
                let factor = row[m] / pivot;
                if factor != 0.0 {
                    let target = &mut rest[(m - 1) * width..(m - 1) * width + below + 1 - m];
                    for (out, entry) in target.iter_mut().zip(&row[m..=below]) {
                        *out -= factor * entry;
                    }
                }
            }
            for entry in &mut row[1..=below] {
                *entry /= pivot;
            }
        }
        Ok(Factors { width, entries })
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
        let mut band = Band::new(size, half);
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
        assert!(Band::new(3, 1).factorise().is_err());
    }
}
