//! Solving (I − θJ) k = r in every cell, by a sparse elimination planned once.
//!
//! J is the Jacobian of the kinetics of one layer. Its pattern is the same in all cells, so the order of elimination, the
//! fill-in and the list of operations are found once; the operations then run over blocks of cells. No pivoting: θ is
//! chosen by the step control, which rejects a step whose result is not finite.

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

/// Which entry of the right-hand side is changed by which.
#[derive(Debug, Clone, Copy)]
enum Substitution {
    /// r\[row] ← r\[row] − entry · r\[other].
    Subtract { row: u32, entry: u32, other: u32 },
    /// r\[row] ← r\[row] · entry.
    Multiply { row: u32, entry: u32 },
}

/// The plan of an elimination.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Fields that take part, as (field index); the right-hand side is ordered like this.
    pub fields: Vec<usize>,
    /// Entry that receives each output of the Jacobian program.
    scatter: Vec<u32>,
    /// Entries that are diagonal.
    diagonal: Vec<u32>,
    entries: usize,
    operations: Vec<Operation>,
    substitutions: Vec<Substitution>,
}

impl Plan {
    /// Plans the elimination of the pattern (row, column), whose indices are field indices.
    pub fn new(pattern: &[(usize, usize)]) -> Self {
        let mut fields: Vec<usize> = pattern.iter().flat_map(|&(row, column)| [row, column]).collect();
        fields.sort_unstable();
        fields.dedup();
        let n = fields.len();
        let local = |field: usize| fields.binary_search(&field).expect("field is in the pattern");
        let mut entry = vec![vec![None; n]; n];
        let mut entries = 0;
        let mut place = |slot: &mut Option<u32>| {
            *slot.get_or_insert_with(|| {
                entries += 1;
                entries - 1
            })
        };
        let diagonal: Vec<u32> = (0..n).map(|i| place(&mut entry[i][i])).collect();
        let scatter = pattern.iter().map(|&(row, column)| place(&mut entry[local(row)][local(column)])).collect();
        // Markowitz: next the pivot with the smallest bound on fill-in.
        let mut left: Vec<usize> = (0..n).collect();
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
            operations.push(Operation::Invert(diagonal[pivot]));
            for &i in &left {
                let Some(factor) = entry[i][pivot] else { continue };
                operations.push(Operation::Scale(factor, diagonal[pivot]));
                for &j in &left {
                    let Some(upper) = entry[pivot][j] else { continue };
                    let target = place(&mut entry[i][j]);
                    operations.push(Operation::Eliminate(target, factor, upper));
                }
            }
        }
        let mut substitutions = Vec::new();
        for (at, &pivot) in order.iter().enumerate() {
            for &i in &order[at + 1..] {
                if let Some(factor) = entry[i][pivot] {
                    substitutions.push(Substitution::Subtract { row: i as u32, entry: factor, other: pivot as u32 });
                }
            }
        }
        for (at, &pivot) in order.iter().enumerate().rev() {
            for &j in &order[at + 1..] {
                if let Some(upper) = entry[pivot][j] {
                    substitutions.push(Substitution::Subtract { row: pivot as u32, entry: upper, other: j as u32 });
                }
            }
            substitutions.push(Substitution::Multiply { row: pivot as u32, entry: diagonal[pivot] });
        }
        Self { fields, scatter, diagonal, entries: entries as usize, operations, substitutions }
    }

    /// Length of the work array that [`Plan::factorise`] needs.
    pub fn work(&self) -> usize {
        self.entries * BLOCK
    }

    /// Factorises I − θJ for up to [`BLOCK`] cells. `jacobian[k * length + i]` is output k of the Jacobian program in cell i.
    pub fn factorise(&self, theta: f64, jacobian: &[f64], length: usize, work: &mut [f64]) {
        work[..self.work()].fill(0.0);
        for (&target, values) in self.scatter.iter().zip(jacobian.chunks_exact(length)) {
            let row = &mut work[target as usize * BLOCK..][..length];
            for (entry, value) in row.iter_mut().zip(values) {
                *entry = -theta * value;
            }
        }
        for &entry in &self.diagonal {
            for value in &mut work[entry as usize * BLOCK..][..BLOCK] {
                *value += 1.0;
            }
        }
        dispatch_factorise(&self.operations, work);
    }

    /// Solves for up to [`BLOCK`] cells; `rows[k * BLOCK + i]` is the right-hand side of `fields[k]` in cell i, and becomes
    /// the solution.
    pub fn solve(&self, work: &[f64], rows: &mut [f64]) {
        dispatch_solve(&self.substitutions, work, rows);
    }
}

/// Two different rows of one array, the second to be written.
#[inline(always)]
fn rows(values: &mut [f64], read: u32, write: u32) -> (&[f64; BLOCK], &mut [f64; BLOCK]) {
    let (read, write) = (read as usize * BLOCK, write as usize * BLOCK);
    let (low, high) = values.split_at_mut(read.max(write));
    let (a, b) = if read < write {
        (&mut low[read..read + BLOCK], &mut high[..BLOCK])
    } else {
        (&mut high[..BLOCK], &mut low[write..write + BLOCK])
    };
    let fixed = |slice: &mut [f64]| -> *mut [f64; BLOCK] { slice.as_mut_ptr().cast() };
    let (a, b) = (fixed(a), fixed(b));
    // Safety: both slices have exactly BLOCK elements and come from the two sides of a split.
    unsafe { (&*a, &mut *b) }
}

#[inline(always)]
fn factorise(operations: &[Operation], work: &mut [f64]) {
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
}

#[inline(always)]
fn solve(substitutions: &[Substitution], work: &[f64], right: &mut [f64]) {
    for substitution in substitutions {
        match *substitution {
            Substitution::Subtract { row, entry, other } => {
                let entry = &work[entry as usize * BLOCK..][..BLOCK];
                let (other, row) = rows(right, other, row);
                for ((row, entry), other) in row.iter_mut().zip(entry).zip(other) {
                    *row -= entry * other;
                }
            }
            Substitution::Multiply { row, entry } => {
                let entry = &work[entry as usize * BLOCK..][..BLOCK];
                for (row, entry) in right[row as usize * BLOCK..][..BLOCK].iter_mut().zip(entry) {
                    *row *= entry;
                }
            }
        }
    }
}

crate::stepper::wide! {
    fn dispatch_factorise(operations: &[Operation], work: &mut [f64]) = factorise;
    fn dispatch_solve(substitutions: &[Substitution], work: &[f64], right: &mut [f64]) = solve;
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    #[test]
    fn agrees_with_dense_elimination() {
        let pattern = [(0, 0), (0, 3), (3, 0), (3, 3), (5, 3), (5, 5), (0, 5), (2, 5), (2, 2)];
        let plan = Plan::new(&pattern);
        assert_eq!(plan.fields, [0, 2, 3, 5]);
        let (theta, length) = (0.7, 3);
        let jacobian: Vec<f64> = (0..pattern.len() * length).map(|k| ((k * 37 % 11) as f64 - 5.0) * 0.3).collect();
        let mut work = vec![0.0; plan.work()];
        plan.factorise(theta, &jacobian, length, &mut work);
        let mut right = vec![0.0; 4 * BLOCK];
        (0..4 * BLOCK).for_each(|k| right[k] = (k % 7) as f64 - 2.0);
        let before = right.clone();
        plan.solve(&work, &mut right);
        for cell in 0..length {
            let mut matrix = DMatrix::<f64>::identity(4, 4);
            for (k, (row, column)) in pattern.iter().enumerate() {
                let at = |field| plan.fields.iter().position(|f| f == field).unwrap();
                matrix[(at(row), at(column))] -= theta * jacobian[k * length + cell];
            }
            let rhs = DVector::from_fn(4, |k, _| before[k * BLOCK + cell]);
            let exact = matrix.lu().solve(&rhs).unwrap();
            for k in 0..4 {
                assert!((exact[k] - right[k * BLOCK + cell]).abs() < 1e-12 * exact.norm(), "cell {cell}");
            }
        }
    }
}
