//! Solving (I − θJ) k = r in every cell, by a sparse elimination planned once.
//!
//! J is the Jacobian of the kinetics of one layer. Its pattern is the same in all cells, so the order of elimination, the
//! fill-in and the list of operations are found once; the operations then run over blocks of cells. No pivoting: θ is
//! chosen by the step control, which rejects a step whose result is not finite.
//!
//! **Order.** The next pivot is the one with the smallest bound on fill-in, entries of its row times entries of its column
//! (Markowitz 1957). Only places that hold an entry are looked at, so a plan costs as much as the operations it lists.
//!
//! **Networks without structure** fill in whatever the order: where a plan would list more operations than [`MOST`] allows, pivots
//! with many neighbours make no new entries. What they would put at (i, j) goes to the diagonal of column j, so the sums of
//! columns stay what they are (a modified incomplete factorisation, Gustafsson 1978): what kinetics conserve the solve
//! conserves, and a matrix with negative entries off the diagonal and positive sums of columns keeps both, so no pivot
//! vanishes. A W-method keeps its order with any matrix; the step control sees what is left out.
//!
//! **Precision.** Factors are computed once a step in double precision and kept for its other stages: the inverse pivots in
//! double precision, for they are of the size of 1/(θ times a rate) and may be as small as rates are large; all others,
//! which are ratios as rows and columns are divided by their pivot, in single precision, which halves what has to be read.
//! The rounding costs an error of 1e-7 in W. Where a pivot is what is left of a difference of numbers [`CANCELLED`] times
//! larger, rounding has made it up: it becomes NaN, and the step is rejected.
#![expect(unsafe_code, reason = "the local solves use the vector instructions there are")]

use std::collections::{BTreeSet, HashMap};

use crate::engine::stepper::multiply_add;

/// Cells that are eliminated together.
pub const BLOCK: usize = 64;
/// Operations of a plan with all its fill-in: so many for each row, or in all where there are few rows.
const MOST: [usize; 2] = [200, 300_000];
/// Entries of a pivot's row times those of its column beyond which it makes no fill-in; the next where that is not enough.
const CROWDED: [usize; 6] = [usize::MAX, 1024, 256, 64, 16, 0];
/// Ratio of a diagonal entry to what elimination leaves of it at which a hundredth of the rest is rounding.
const CANCELLED: f64 = 1e14;

/// One elementary operation on rows of the work array; indices are entries.
#[derive(Debug, Clone, Copy)]
enum EliminationStep {
    /// inverse ← 1 / pivot, in place.
    Invert(u32),
    /// entry ← entry · pivot.
    Scale(u32, u32),
    /// target ← target − left · right.
    Eliminate(u32, u32, u32),
}

/// r\[row] ← r\[row] · pivot − Σ factor · r\[other], over the terms of `from..to`.
#[derive(Debug, Clone, Copy)]
struct Substitution {
    row: u32,
    from: u32,
    to: u32,
    pivot: Option<u32>,
}

/// The plan of an elimination.
#[derive(Debug, Clone)]
pub struct EliminationPlan {
    /// Entry that receives each output of the Jacobian program.
    scatter: Vec<u32>,
    /// Entries that are diagonal, in the order of elimination.
    diagonal: Vec<u32>,
    /// Entries that receive nothing, as fill-in.
    empty: Vec<u32>,
    entries: usize,
    operations: Vec<EliminationStep>,
    substitutions: Vec<Substitution>,
    /// (place of the factor, other row) of all substitutions.
    terms: Vec<[u32; 2]>,
    /// The entry of each factor, and the inverse pivot that it is multiplied with.
    kept: Vec<(u32, Option<u32>)>,
}

/// An elimination as it is planned.
#[derive(Debug, Default)]
struct Elimination {
    /// The number of each entry, by row and column.
    entry: HashMap<[u32; 2], u32>,
    /// Columns in which a row has entries, and rows in which a column has, off the diagonal, of what is not yet eliminated.
    columns: Vec<BTreeSet<u32>>,
    rows: Vec<BTreeSet<u32>>,
    operations: Vec<EliminationStep>,
    order: Vec<u32>,
}

impl Elimination {
    /// The matrix with a pattern and its diagonal; the diagonal of `own` has the first entries.
    fn of(n: usize, own: &[u32], pattern: &[[u32; 2]]) -> Self {
        let mut new = Self { columns: vec![BTreeSet::new(); n], rows: vec![BTreeSet::new(); n], ..Self::default() };
        own.iter().for_each(|&row| new.place(row, row));
        pattern.iter().for_each(|&[row, column]| new.place(row, column));
        new
    }

    /// Makes an entry where there is none.
    fn place(&mut self, row: u32, column: u32) {
        let next = self.entry.len() as u32;
        self.entry.entry([row, column]).or_insert(next);
        if row != column {
            self.columns[row as usize].insert(column);
            self.rows[column as usize].insert(row);
        }
    }

    fn cost(&self, pivot: u32) -> usize {
        self.columns[pivot as usize].len() * self.rows[pivot as usize].len()
    }

    /// Eliminates all of `own`; pivots that cost more than `crowded` make no fill-in. Says whether it took no more than `most`
    /// operations, and stops if it does.
    fn run(&mut self, own: &[u32], crowded: usize, most: usize) -> bool {
        let mut costs: HashMap<u32, usize> = own.iter().map(|&row| (row, self.cost(row))).collect();
        let mut queue: BTreeSet<(usize, u32)> = costs.iter().map(|(&row, &cost)| (cost, row)).collect();
        while let Some((cost, pivot)) = queue.pop_first() {
            let rows = std::mem::take(&mut self.rows[pivot as usize]);
            let columns = std::mem::take(&mut self.columns[pivot as usize]);
            let on_diagonal = self.entry[&[pivot, pivot]];
            self.order.push(pivot);
            self.operations.push(EliminationStep::Invert(on_diagonal));
            rows.iter().for_each(|&row| _ = self.columns[row as usize].remove(&pivot));
            columns.iter().for_each(|&column| _ = self.rows[column as usize].remove(&pivot));
            for &row in &rows {
                let factor = self.entry[&[row, pivot]];
                self.operations.push(EliminationStep::Scale(factor, on_diagonal));
                for &column in &columns {
                    let upper = self.entry[&[pivot, column]];
                    if cost <= crowded {
                        self.place(row, column);
                    }
                    // What makes no entry of its own is left in its column.
                    let target = self.entry.get(&[row, column]).unwrap_or_else(|| &self.entry[&[column, column]]);
                    self.operations.push(EliminationStep::Eliminate(*target, factor, upper));
                }
            }
            if self.operations.len() > most {
                return false;
            }
            for &row in rows.union(&columns) {
                let cost = self.cost(row);
                if let Some(before) = costs.insert(row, cost)
                    && before != cost
                {
                    queue.remove(&(before, row));
                    queue.insert((cost, row));
                }
            }
        }
        true
    }
}

impl EliminationPlan {
    /// Plans the elimination of the pattern (row, column) of field indices; right-hand sides come in the order of `fields`.
    ///
    /// # Panics
    /// A field of the pattern is not among `fields`: a mistake of the caller.
    pub fn new(fields: &[usize], pattern: &[(usize, usize)]) -> Self {
        let [each, few] = MOST;
        Self::within(fields, pattern, (each * fields.len()).max(few))
    }

    /// The same with so many operations, if that can be.
    fn within(fields: &[usize], pattern: &[(usize, usize)], most: usize) -> Self {
        let n = fields.len();
        let local: HashMap<usize, u32> = fields.iter().zip(0..).map(|(&field, at)| (field, at)).collect();
        let pattern: Vec<[u32; 2]> = pattern.iter().map(|(row, column)| [local[row], local[column]]).collect();
        // Rows and columns outside the pattern are those of the identity.
        let mut own: Vec<u32> = pattern.iter().flatten().copied().collect();
        own.sort_unstable();
        own.dedup();
        let attempt = |crowded: usize, most: usize| {
            let mut elimination = Elimination::of(n, &own, &pattern);
            elimination.run(&own, crowded, most).then_some(elimination)
        };
        let within = CROWDED.iter().find_map(|&crowded| attempt(crowded, most));
        let elimination = within.or_else(|| attempt(0, usize::MAX)).expect("any number of operations is allowed");
        let Elimination { entry, operations, order, .. } = elimination;
        let mut position = vec![0; n];
        order.iter().zip(0..).for_each(|(&row, at)| position[row as usize] = at);
        // Factors of each row, below and above the diagonal: (position of the other row, its number, entry).
        let mut factors = [vec![Vec::new(); n], vec![Vec::new(); n]];
        for (&[row, column], &entry) in entry.iter().filter(|([row, column], _)| row != column) {
            let at = position[column as usize];
            factors[usize::from(at > position[row as usize])][row as usize].push((at, column, entry));
        }
        factors.iter_mut().flatten().for_each(|list| list.sort_unstable());
        let diagonal: Vec<u32> = order.iter().map(|&row| entry[&[row, row]]).collect();
        let (mut substitutions, mut terms, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        let mut substitute = |row: u32, upper: bool| {
            let from = terms.len() as u32;
            let pivot = upper.then(|| position[row as usize]);
            for &(_, other, entry) in &factors[usize::from(upper)][row as usize] {
                terms.push([(2 * diagonal.len() + kept.len()) as u32, other]);
                kept.push((entry, pivot.map(|at| diagonal[at as usize])));
            }
            let to = terms.len() as u32;
            if to > from || upper {
                substitutions.push(Substitution { row, from, to, pivot });
            }
        };
        order.iter().for_each(|&row| substitute(row, false));
        order.iter().rev().for_each(|&row| substitute(row, true));
        let scatter: Vec<u32> = pattern.iter().map(|place| entry[place]).collect();
        let entries = entry.len();
        let mut received = vec![false; entries];
        scatter.iter().for_each(|&entry| received[entry as usize] = true);
        let empty = (0..entries as u32).filter(|&entry| !received[entry as usize]).collect();
        Self { scatter, diagonal, empty, entries, operations, substitutions, terms, kept }
    }

    /// Length of the work array of [`EliminationPlan::factorise`]: entries, and the diagonal as it was.
    pub fn work(&self) -> usize {
        (self.entries + self.diagonal.len()) * BLOCK
    }

    /// Length of the factors of one block: two places for each inverse pivot, one for each other factor.
    pub fn kept(&self) -> usize {
        (2 * self.diagonal.len() + self.kept.len()) * BLOCK
    }

    /// Operations of a factorisation, and of a solve, in each cell.
    pub fn operations(&self) -> [usize; 2] {
        [self.scatter.len() + self.operations.len() + self.kept.len(), self.terms.len() + self.diagonal.len()]
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
        let (work, before) = work.split_at_mut(self.entries * BLOCK);
        for (&entry, before) in self.diagonal.iter().zip(before.chunks_exact_mut(BLOCK)) {
            for (value, before) in work[entry as usize * BLOCK..][..BLOCK].iter_mut().zip(before) {
                *value += 1.0;
                *before = value.abs();
            }
        }
        dispatch_factorise(self, work, before, factors);
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
fn factorise<const LEVEL: u8>(plan: &EliminationPlan, work: &mut [f64], before: &[f64], factors: &mut [f32]) {
    let (mut before, _) = before.as_chunks::<BLOCK>();
    for operation in &plan.operations {
        match *operation {
            EliminationStep::Invert(entry) => {
                let (first, others) = before.split_first().expect("a pivot has a diagonal");
                for (value, before) in work[entry as usize * BLOCK..][..BLOCK].iter_mut().zip(first) {
                    *value = if value.abs() * CANCELLED < *before { f64::NAN } else { 1.0 / *value };
                }
                before = others;
            }
            EliminationStep::Scale(entry, pivot) => {
                let (pivot, entry) = rows(work, pivot, entry);
                for (entry, pivot) in entry.iter_mut().zip(pivot) {
                    *entry *= pivot;
                }
            }
            EliminationStep::Eliminate(target, left, right) => {
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
    let (work, _) = work.as_chunks::<BLOCK>();
    let (factors, _) = factors.as_chunks_mut::<BLOCK>();
    let (pivots, factors) = factors.split_at_mut(2 * plan.diagonal.len());
    for (pivot, &entry) in pivots.chunks_exact_mut(2).zip(&plan.diagonal) {
        // SAFETY: two places have room for as many numbers of twice the size.
        unsafe { pivot.as_mut_ptr().cast::<[f64; BLOCK]>().write_unaligned(work[entry as usize]) };
    }
    for (factor, &(entry, pivot)) in factors.iter_mut().zip(&plan.kept) {
        let values = &work[entry as usize];
        match pivot {
            None => factor.iter_mut().zip(values).for_each(|(factor, value)| *factor = *value as f32),
            Some(pivot) => {
                for ((factor, value), pivot) in factor.iter_mut().zip(values).zip(&work[pivot as usize]) {
                    *factor = (value * pivot) as f32;
                }
            }
        }
    }
}

#[inline(always)]
fn solve<const LEVEL: u8>(plan: &EliminationPlan, factors: &[f32], right: &mut [f64]) {
    let (factors, _) = factors.as_chunks::<BLOCK>();
    let (right, _) = right.as_chunks_mut::<BLOCK>();
    #[cfg(target_arch = "x86_64")]
    if LEVEL == 2 {
        // SAFETY: level 2 is compiled for processors with these instructions and chosen only on them.
        return unsafe { solve_512(plan, factors, right) };
    }
    for &Substitution { row, from, to, pivot } in &plan.substitutions {
        let mut sum = right[row as usize];
        if let Some(pivot) = pivot {
            // SAFETY: so it was written.
            let inverse = unsafe { pivot_at(factors, pivot).cast::<[f64; BLOCK]>().read_unaligned() };
            sum.iter_mut().zip(&inverse).for_each(|(sum, inverse)| *sum *= inverse);
        }
        for &[factor, other] in &plan.terms[from as usize..to as usize] {
            let (factor, other) = (&factors[factor as usize], &right[other as usize]);
            for ((sum, factor), other) in sum.iter_mut().zip(factor).zip(other) {
                *sum = multiply_add::<LEVEL>(-f64::from(*factor), *other, *sum);
            }
        }
        right[row as usize] = sum;
    }
}

/// Where an inverse pivot stands, of which there are as many as cells of a block.
#[inline(always)]
fn pivot_at(factors: &[[f32; BLOCK]], pivot: u32) -> *const f64 {
    factors[2 * pivot as usize..][..2].as_ptr().cast()
}

/// The same with sums kept in registers; the compiler does not find that.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn solve_512(plan: &EliminationPlan, factors: &[[f32; BLOCK]], right: &mut [[f64; BLOCK]]) {
    use std::arch::x86_64::*;
    const LANES: usize = 8;
    const TOGETHER: usize = 4;
    for &Substitution { row, from, to, pivot } in &plan.substitutions {
        for at in (0..BLOCK).step_by(LANES * TOGETHER) {
            let mut sums = [_mm512_setzero_pd(); TOGETHER];
            for (c, sum) in sums.iter_mut().enumerate() {
                // SAFETY: rows have BLOCK values, as have pivots, and at + c · LANES stays below.
                unsafe {
                    *sum = _mm512_loadu_pd(right[row as usize].as_ptr().add(at + c * LANES));
                    if let Some(pivot) = pivot {
                        *sum = _mm512_mul_pd(*sum, _mm512_loadu_pd(pivot_at(factors, pivot).add(at + c * LANES)));
                    }
                }
            }
            for &[factor, other] in &plan.terms[from as usize..to as usize] {
                let (factor, other) = (&factors[factor as usize], &right[other as usize]);
                for (c, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: as above.
                    unsafe {
                        let factor = _mm512_cvtps_pd(_mm256_loadu_ps(factor.as_ptr().add(at + c * LANES)));
                        *sum = _mm512_fnmadd_pd(factor, _mm512_loadu_pd(other.as_ptr().add(at + c * LANES)), *sum);
                    }
                }
            }
            for (c, sum) in sums.iter().enumerate() {
                // SAFETY: as above.
                unsafe { _mm512_storeu_pd(right[row as usize].as_mut_ptr().add(at + c * LANES), *sum) };
            }
        }
    }
}

crate::base::processor::wide! {
    fn dispatch_factorise(plan: &EliminationPlan, work: &mut [f64], before: &[f64], factors: &mut [f32]) = factorise;
    fn dispatch_solve(plan: &EliminationPlan, factors: &[f32], right: &mut [f64]) = solve;
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    #[test]
    fn agrees_with_dense_elimination() {
        let pattern = [(0, 0), (0, 3), (3, 0), (3, 3), (5, 3), (5, 5), (0, 5), (2, 5), (2, 2)];
        let fields = [0, 2, 3, 5];
        let plan = EliminationPlan::new(&fields, &pattern);
        let theta = 0.7;
        let jacobian: Vec<f64> = (0..pattern.len() * BLOCK).map(|k| ((k * 37 % 11) as f64 - 5.0) * 0.3).collect();
        let (mut work, mut factors) = (vec![0.0; plan.work()], vec![0.0; plan.kept()]);
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

    /// Solves with one Jacobian in all cells.
    fn solved(plan: &EliminationPlan, theta: f64, jacobian: &[f64], right: &[f64]) -> Vec<f64> {
        let repeated = |values: &[f64]| values.iter().flat_map(|value| [*value; BLOCK]).collect::<Vec<f64>>();
        let (mut work, mut factors) = (vec![0.0; plan.work()], vec![0.0; plan.kept()]);
        plan.factorise(theta, &repeated(jacobian), &mut work, &mut factors);
        let mut rows = repeated(right);
        plan.solve(&factors, &mut rows);
        rows.chunks(BLOCK).map(|row| row[BLOCK - 1]).collect()
    }

    /// First-order conversions between `n` species, `each` from every one: pattern and entries of the Jacobian.
    fn conversions(n: usize, each: usize, rate: impl Fn(usize) -> f64) -> (Vec<(usize, usize)>, Vec<f64>) {
        let mut entries = std::collections::BTreeMap::new();
        let mut state = 1_u64;
        for k in 0..n * each {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (from, to) = (k % n, (state >> 33) as usize % n);
            *entries.entry((from, from)).or_insert(0.0) -= rate(k);
            *entries.entry((to, from)).or_insert(0.0) += rate(k);
        }
        entries.into_iter().unzip()
    }

    #[test]
    fn a_plan_without_room_for_its_fill_in_conserves_what_kinetics_do_and_damps_what_they_damp() {
        let n = 300;
        let (pattern, jacobian) = conversions(n, 4, |k| 1.0 + (k % 5) as f64);
        let fields: Vec<usize> = (0..n).collect();
        let most = 60_000;
        let (whole, part) =
            (EliminationPlan::within(&fields, &pattern, usize::MAX), EliminationPlan::within(&fields, &pattern, most));
        assert!(part.operations.len() <= most && whole.operations.len() > 4 * most, "{:?}", whole.operations());
        let right: Vec<f64> = (0..n).map(|k| if k == 7 { 1.0 } else { 0.0 }).collect();
        for theta in [1e-3, 1.0, 1e3] {
            let x = solved(&part, theta, &jacobian, &right);
            let sum: f64 = x.iter().sum();
            // Single precision of some thousand factors, none of which makes a value grow.
            assert!((sum - 1.0).abs() < 1e-5, "{theta}: {sum}");
            assert!(x.iter().all(|x| (-1e-6..=1.0 + 1e-6).contains(x)), "{theta}");
        }
        let exact = solved(&whole, 1e-3, &jacobian, &right);
        let near = solved(&part, 1e-3, &jacobian, &right);
        assert!(exact.iter().zip(&near).all(|(a, b)| (a - b).abs() < 1e-4), "what is left out is of second order in θ");
    }

    #[test]
    fn a_chain_of_rates_of_any_size_is_solved_or_refused() {
        // a → b → c with rates over sixty orders of magnitude, and back again.
        let pattern = [(0, 0), (1, 0), (1, 1), (2, 1)];
        let fields = [0, 1, 2];
        let plan = EliminationPlan::new(&fields, &pattern);
        for [k, l] in [[1e-30, 1e30], [1e30, 1e-30], [1e30, 1.0], [1.0, 1e30], [1e45, 1.0], [1e60, 1e60]] {
            for theta in [1e-9, 1.0, 1e6] {
                let x = solved(&plan, theta, &[-k, k, -l, l], &[theta * k, 0.0, 1.0]);
                let (p, q) = (theta * k / (1.0 + theta * k), theta * k);
                let b = p * theta * k / (1.0 + theta * l);
                let c = 1.0 + theta * l * b;
                let near = |value: f64, exact: f64| (value - exact).abs() <= 1e-5 * exact.abs();
                assert!(near(x[0], p) && near(x[1], b) && near(x[2], c), "{k} {l} {theta}: {x:?} {p} {b} {c} {q}");
            }
        }
        // a ⇌ b faster than rounding lets the sum be known.
        let pattern = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let plan = EliminationPlan::new(&[0, 1], &pattern);
        for k in [1.0, 1e6, 1e12, 1e18, 1e30] {
            let x = solved(&plan, 1.0, &[-k, k, k, -k], &[1.0, 0.0]);
            let refused = x.iter().any(|x| x.is_nan());
            assert_eq!(refused, k > 1e14, "{k}: {x:?}");
            assert!(refused || (x[0] + x[1] - 1.0).abs() < 2e-16 * k + 1e-6, "{k}: {x:?}");
        }
    }

    #[test]
    fn plans_of_modular_networks_grow_with_their_species() {
        // Cascades of ten species that pass signals to the next, and now and then to a far one.
        let operations = |modules: usize| {
            let mut pattern = std::collections::BTreeSet::new();
            for s in 0..10 * modules {
                let upstream = [s, s.saturating_sub(1), s / 10 * 10, s.saturating_sub(s % 7 + 10)];
                pattern.extend(upstream.map(|other| (s, other)));
                pattern.insert((s / 10 * 10, s));
            }
            let fields: Vec<usize> = (0..10 * modules).collect();
            let plan = EliminationPlan::new(&fields, &pattern.into_iter().collect::<Vec<_>>());
            plan.operations().map(|count| count as f64 / fields.len() as f64)
        };
        let (small, large) = (operations(10), operations(200));
        println!("operations a species: {small:?} of 100, {large:?} of 2,000");
        assert!(small.iter().zip(large).all(|(small, large)| large < 1.5 * small), "{small:?} {large:?}");
    }
}
