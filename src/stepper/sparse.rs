//! Solving (I − θJ) k = r in every cell, by a sparse elimination planned once.
//!
//! J is the Jacobian of the kinetics of one layer. Its pattern is the same in all cells, so the order of elimination, the
//! fill-in and the list of operations are found once; the operations then run over blocks of cells. No pivoting: θ is
//! chosen by the step control, which rejects a step whose result is not finite.
//!
//! Factors are computed once a step in double precision and kept for its other stages in single precision, which halves what
//! has to be read. A W-method keeps its order with any matrix, so the rounding costs nothing but an error of 1e-7 in W.

use crate::stepper::multiply_add;

/// Cells that are eliminated together.
pub const BLOCK: usize = 64;

/// One elementary operation on rows of the work array; indices are entries.
#[derive(Debug, Clone, Copy)]
enum Operation {
    /// inverse ← 1 / pivot, in place.
    Invert(u32),
    /// entry ← entry · pivot.
    Scale(u32, u32),
    /// target ← target − left · right.
    Eliminate(u32, u32, u32),
}

/// r\[row] ← (r\[row] − Σ entry · r\[other]) · scale, over the terms of `from..to`.
#[derive(Debug, Clone, Copy)]
struct Substitution {
    row: u32,
    from: u32,
    to: u32,
    scale: Option<u32>,
}

/// The plan of an elimination.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Entry that receives each output of the Jacobian program.
    scatter: Vec<u32>,
    /// Entries that are diagonal.
    diagonal: Vec<u32>,
    /// Entries that receive nothing, as fill-in.
    empty: Vec<u32>,
    entries: usize,
    operations: Vec<Operation>,
    substitutions: Vec<Substitution>,
    /// (entry, other row) of all substitutions.
    terms: Vec<[u32; 2]>,
}

impl Plan {
    /// Plans the elimination of the pattern (row, column) of field indices; right-hand sides come in the order of `fields`.
    ///
    /// # Panics
    /// A field of the pattern is not among `fields`: a mistake of the caller.
    pub fn new(fields: &[usize], pattern: &[(usize, usize)]) -> Self {
        let n = fields.len();
        let local = |field: usize| fields.iter().position(|&own| own == field).expect("field is in the pattern");
        let mut entry = vec![vec![None; n]; n];
        let mut entries = 0;
        let mut place = |slot: &mut Option<u32>| {
            *slot.get_or_insert_with(|| {
                entries += 1;
                entries - 1
            })
        };
        // Rows and columns outside the pattern are those of the identity.
        let mut left: Vec<usize> = pattern.iter().flat_map(|&(row, column)| [local(row), local(column)]).collect();
        left.sort_unstable();
        left.dedup();
        let diagonal: Vec<u32> = left.iter().map(|&i| place(&mut entry[i][i])).collect();
        let scatter: Vec<u32> =
            pattern.iter().map(|&(row, column)| place(&mut entry[local(row)][local(column)])).collect();
        // Markowitz: next the pivot with the smallest bound on fill-in.
        let mut order = Vec::with_capacity(n);
        let mut operations = Vec::new();
        while !left.is_empty() {
            let cost = |&p: &usize| {
                let row = left.iter().filter(|&&j| j != p && entry[p][j].is_some()).count();
                let column = left.iter().filter(|&&i| i != p && entry[i][p].is_some()).count();
                (row * column, p)
            };
            let pivot = *left.iter().min_by_key(|p| cost(p)).expect("rows are left");
            left.retain(|&i| i != pivot);
            order.push(pivot);
            let on_diagonal = entry[pivot][pivot].expect("a pivot has an entry");
            operations.push(Operation::Invert(on_diagonal));
            for &i in &left {
                let Some(factor) = entry[i][pivot] else { continue };
                operations.push(Operation::Scale(factor, on_diagonal));
                for &j in &left {
                    let Some(upper) = entry[pivot][j] else { continue };
                    let target = place(&mut entry[i][j]);
                    operations.push(Operation::Eliminate(target, factor, upper));
                }
            }
        }
        let (mut substitutions, mut terms) = (Vec::new(), Vec::new());
        let mut substitute = |row: usize, others: &[usize], scale: Option<u32>| {
            let from = terms.len();
            terms.extend(others.iter().filter_map(|&other| entry[row][other].map(|entry| [entry, other as u32])));
            if terms.len() > from || scale.is_some() {
                substitutions.push(Substitution { row: row as u32, from: from as u32, to: terms.len() as u32, scale });
            }
        };
        for (at, &row) in order.iter().enumerate() {
            substitute(row, &order[..at], None);
        }
        for (at, &row) in order.iter().enumerate().rev() {
            substitute(row, &order[at + 1..], entry[row][row]);
        }
        let empty = (0..entries).filter(|entry| !scatter.contains(entry)).collect();
        Self { empty, scatter, diagonal, entries: entries as usize, operations, substitutions, terms }
    }

    /// Length of the factors of one block, and of the work array of [`Plan::factorise`].
    pub fn work(&self) -> usize {
        self.entries * BLOCK
    }

    /// Factorises I − θJ for up to [`BLOCK`] cells. `jacobian[k * BLOCK + i]` is output k of the Jacobian program in cell i.
    pub fn factorise(&self, theta: f64, jacobian: &[f64], work: &mut [f64], factors: &mut [f32]) {
        let work = &mut work[..self.work()];
        for &entry in &self.empty {
            work[entry as usize * BLOCK..][..BLOCK].fill(0.0);
        }
        for (&target, values) in self.scatter.iter().zip(jacobian.chunks_exact(BLOCK)) {
            for (entry, value) in work[target as usize * BLOCK..][..BLOCK].iter_mut().zip(values) {
                *entry = -theta * value;
            }
        }
        for &entry in &self.diagonal {
            for value in &mut work[entry as usize * BLOCK..][..BLOCK] {
                *value += 1.0;
            }
        }
        dispatch_factorise(&self.operations, work, factors);
    }

    /// Solves for up to [`BLOCK`] cells; `rows[k * BLOCK + i]` is the right-hand side of field k in cell i, and becomes the
    /// solution.
    pub fn solve(&self, factors: &[f32], rows: &mut [f64]) {
        dispatch_solve(self, factors, rows);
    }
}

/// Two different rows of one array, the second to be written.
#[inline(always)]
fn rows(values: &mut [f64], read: u32, write: u32) -> (&[f64; BLOCK], &mut [f64; BLOCK]) {
    let (read, write) = (read as usize * BLOCK, write as usize * BLOCK);
    let [read, write] = values.get_disjoint_mut([read..read + BLOCK, write..write + BLOCK]).expect("rows differ");
    (read.as_array().expect("as long"), write.as_mut_array().expect("as long"))
}

#[inline(always)]
fn factorise<const LEVEL: u8>(operations: &[Operation], work: &mut [f64], factors: &mut [f32]) {
    for operation in operations {
        match *operation {
            Operation::Invert(entry) => {
                for value in &mut work[entry as usize * BLOCK..][..BLOCK] {
                    *value = 1.0 / *value;
                }
            }
            Operation::Scale(entry, pivot) => {
                let (pivot, entry) = rows(work, pivot, entry);
                for (entry, pivot) in entry.iter_mut().zip(pivot) {
                    *entry *= pivot;
                }
            }
            Operation::Eliminate(target, left, right) => {
                let mut product = [0.0; BLOCK];
                let left = &work[left as usize * BLOCK..][..BLOCK];
                let right = &work[right as usize * BLOCK..][..BLOCK];
                for ((product, left), right) in product.iter_mut().zip(left).zip(right) {
                    *product = left * right;
                }
                for (value, product) in work[target as usize * BLOCK..][..BLOCK].iter_mut().zip(&product) {
                    *value -= product;
                }
            }
        }
    }
    for (factor, value) in factors.iter_mut().zip(work) {
        *factor = *value as f32;
    }
}

#[inline(always)]
fn solve<const LEVEL: u8>(plan: &Plan, factors: &[f32], right: &mut [f64]) {
    let (factors, _) = factors.as_chunks::<BLOCK>();
    let (right, _) = right.as_chunks_mut::<BLOCK>();
    #[cfg(target_arch = "x86_64")]
    if LEVEL == 2 {
        // Safety: level 2 is compiled for processors with these instructions and chosen only on them.
        return unsafe { solve_512(plan, factors, right) };
    }
    for &Substitution { row, from, to, scale } in &plan.substitutions {
        let mut sum = right[row as usize];
        for &[entry, other] in &plan.terms[from as usize..to as usize] {
            let (entry, other) = (&factors[entry as usize], &right[other as usize]);
            for ((sum, entry), other) in sum.iter_mut().zip(entry).zip(other) {
                *sum = multiply_add::<LEVEL>(-f64::from(*entry), *other, *sum);
            }
        }
        if let Some(scale) = scale {
            for (sum, scale) in sum.iter_mut().zip(&factors[scale as usize]) {
                *sum *= f64::from(*scale);
            }
        }
        right[row as usize] = sum;
    }
}

/// The same with sums kept in registers; the compiler does not find that.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn solve_512(plan: &Plan, factors: &[[f32; BLOCK]], right: &mut [[f64; BLOCK]]) {
    use std::arch::x86_64::*;
    const LANES: usize = 8;
    const TOGETHER: usize = 4;
    for &Substitution { row, from, to, scale } in &plan.substitutions {
        for at in (0..BLOCK).step_by(LANES * TOGETHER) {
            let mut sums = [_mm512_setzero_pd(); TOGETHER];
            for (c, sum) in sums.iter_mut().enumerate() {
                // Safety: rows have BLOCK values, and at + c · LANES stays below.
                *sum = unsafe { _mm512_loadu_pd(right[row as usize].as_ptr().add(at + c * LANES)) };
            }
            for &[entry, other] in &plan.terms[from as usize..to as usize] {
                let (entry, other) = (&factors[entry as usize], &right[other as usize]);
                for (c, sum) in sums.iter_mut().enumerate() {
                    // Safety: as above.
                    unsafe {
                        let entry = _mm512_cvtps_pd(_mm256_loadu_ps(entry.as_ptr().add(at + c * LANES)));
                        *sum = _mm512_fnmadd_pd(entry, _mm512_loadu_pd(other.as_ptr().add(at + c * LANES)), *sum);
                    }
                }
            }
            for (c, sum) in sums.iter_mut().enumerate() {
                // Safety: as above.
                unsafe {
                    if let Some(scale) = scale {
                        let scale = _mm256_loadu_ps(factors[scale as usize].as_ptr().add(at + c * LANES));
                        *sum = _mm512_mul_pd(*sum, _mm512_cvtps_pd(scale));
                    }
                    _mm512_storeu_pd(right[row as usize].as_mut_ptr().add(at + c * LANES), *sum);
                }
            }
        }
    }
}

crate::stepper::wide! {
    fn dispatch_factorise(operations: &[Operation], work: &mut [f64], factors: &mut [f32]) = factorise;
    fn dispatch_solve(plan: &Plan, factors: &[f32], right: &mut [f64]) = solve;
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    #[test]
    fn agrees_with_dense_elimination() {
        let pattern = [(0, 0), (0, 3), (3, 0), (3, 3), (5, 3), (5, 5), (0, 5), (2, 5), (2, 2)];
        let fields = [0, 2, 3, 5];
        let plan = Plan::new(&fields, &pattern);
        let theta = 0.7;
        let jacobian: Vec<f64> = (0..pattern.len() * BLOCK).map(|k| ((k * 37 % 11) as f64 - 5.0) * 0.3).collect();
        let (mut work, mut factors) = (vec![0.0; plan.work()], vec![0.0; plan.work()]);
        plan.factorise(theta, &jacobian, &mut work, &mut factors);
        let mut right = vec![0.0; 4 * BLOCK];
        (0..4 * BLOCK).for_each(|k| right[k] = (k % 7) as f64 - 2.0);
        let before = right.clone();
        plan.solve(&factors, &mut right);
        for cell in 0..BLOCK {
            let mut matrix = DMatrix::<f64>::identity(4, 4);
            for (k, (row, column)) in pattern.iter().enumerate() {
                let at = |field| fields.iter().position(|f| f == field).unwrap();
                matrix[(at(row), at(column))] -= theta * jacobian[k * BLOCK + cell];
            }
            let rhs = DVector::from_fn(4, |k, _| before[k * BLOCK + cell]);
            let condition = matrix.clone().try_inverse().unwrap().norm() * matrix.norm();
            let exact = matrix.lu().solve(&rhs).unwrap();
            for k in 0..4 {
                // The factors are rounded to single precision; without pivoting they may grow by a little.
                let allowed = 10.0 * f64::from(f32::EPSILON) * condition * exact.norm();
                assert!((exact[k] - right[k * BLOCK + cell]).abs() < allowed, "cell {cell}");
            }
        }
    }
}
