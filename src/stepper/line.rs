//! One-dimensional solves (I − θA) k = r.
//!
//! I − θA is tridiagonal with rows (−lᵢ, 1 + lᵢ + hᵢ + oᵢ, −hᵢ), where l, h, o are θ times the rates of exchange with the lower
//! and the upper neighbour and with the outside. It is diagonally dominant, so elimination needs no pivoting:
//!
//! wᵢ = rᵢ/pᵢ + cᵢ wᵢ₋₁, kᵢ = wᵢ + uᵢ kᵢ₊₁, pᵢ = dᵢ − lᵢuᵢ₋₁, cᵢ = lᵢ/pᵢ, uᵢ = hᵢ/pᵢ,
//!
//! with 1/p, c and u computed once for each θ: a multiplication and two fused operations a value. Lines whose ends meet are
//! solved with the corners taken off as a rank-one matrix (Sherman–Morrison).
//!
//! [`Line::solve`] is the plain reference. [`Line::solve_rows`] does the same for contiguous rows, several at a time: a block of
//! rows is turned so that one vector holds the same cell of every row, for vectors cannot run along a recurrence.

use crate::stepper::{multiply_add, prefetch};

/// The factors of one line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// 1/p.
    inverse: Vec<f64>,
    carry: Vec<f64>,
    upper: Vec<f64>,
    wrap: Option<Wrap>,
    /// Solution for the corner column, for lines whose ends meet.
    column: Vec<f64>,
    /// l, d, h, for lines with something added to the diagonal.
    rows: [Vec<f64>; 3],
}

/// What a line whose ends meet needs besides.
#[derive(Debug, Clone, Copy)]
struct Wrap {
    /// Share of the last value.
    share: f64,
    correction: f64,
}

/// Rows that are turned and solved together.
const ROWS: usize = 16;

impl Line {
    /// `rates(i)` gives θ times the rates of exchange of cell i with its lower neighbour, its upper one, and the outside.
    pub fn prepare(&mut self, n: usize, periodic: bool, rates: impl Fn(usize) -> [f64; 3]) {
        let [low, diagonal, high] = &mut self.rows;
        for row in [&mut self.inverse, &mut self.carry, &mut self.upper, low, diagonal, high] {
            row.clear();
            row.resize(n, 0.0);
        }
        let [low, high, out] = rates(0);
        let (first, corner) = (1.0 + low + high + out, -low);
        let last_up = rates(n - 1)[1];
        // The corners as u vᵀ: u = (γ, …, −last_up), v = (1, …, corner/γ).
        let gamma = -first;
        let mut carried = 0.0;
        for i in 0..n {
            let [low, high, out] = rates(i);
            let mut diagonal = 1.0 + low + high + out;
            if periodic && i == 0 {
                diagonal -= gamma;
            }
            if periodic && i == n - 1 {
                diagonal += last_up * corner / gamma;
            }
            let low = if i > 0 { low } else { 0.0 };
            let inverse = 1.0 / (diagonal - low * carried);
            carried = if i < n - 1 { high * inverse } else { 0.0 };
            (self.rows[0][i], self.rows[1][i], self.rows[2][i]) = (low, diagonal, high);
            self.inverse[i] = inverse;
            self.carry[i] = low * inverse;
            self.upper[i] = carried;
        }
        if !periodic {
            self.wrap = None;
            return;
        }
        let mut column = std::mem::take(&mut self.column);
        column.clear();
        column.resize(n, 0.0);
        column[0] = gamma;
        column[n - 1] -= last_up;
        self.eliminate(&mut column);
        let share = corner / gamma;
        let correction = 1.0 / (1.0 + column[0] + share * column[n - 1]);
        self.wrap = Some(Wrap { share, correction });
        self.column = column;
    }

    fn eliminate(&self, row: &mut [f64]) {
        let n = row.len();
        let mut carried = 0.0;
        for (i, value) in row.iter_mut().enumerate() {
            carried = *value * self.inverse[i] + self.carry[i] * carried;
            *value = carried;
        }
        for i in (0..n - 1).rev() {
            row[i] += self.upper[i] * row[i + 1];
        }
    }

    /// Solves along one contiguous row: the plain reference.
    pub fn solve(&self, row: &mut [f64]) {
        self.eliminate(row);
        if let Some(wrap) = &self.wrap {
            let amount = (row[0] + wrap.share * row[row.len() - 1]) * wrap.correction;
            for (value, column) in row.iter_mut().zip(&self.column) {
                *value -= amount * column;
            }
        }
    }

    /// Solves along each contiguous row of `values`; `scratch` is grown as needed.
    pub fn solve_rows(&self, values: &mut [f64], scratch: &mut Vec<f64>) {
        let n = self.inverse.len();
        let scratch = room(scratch, n * ROWS);
        for group in values.chunks_mut(n * ROWS) {
            if group.len() > n * ROWS / 2 { solve_16(self, group, scratch) } else { solve_8(self, group, scratch) }
        }
    }

    /// Solves across rows, in a slab whose row i of `width` values follows row i − 1 at once.
    pub fn solve_across(&self, slab: &mut [f64], width: usize, scratch: &mut Vec<f64>) {
        eliminate_rows(self, 0, slab, width);
        self.substitute_across(slab, width, scratch);
    }

    /// Solves along each contiguous row of a plane by `along`, then across the rows by this line: rows are eliminated while they
    /// are in the nearest cache.
    pub fn solve_plane(&self, along: &Line, plane: &mut [f64], scratch: &mut Vec<f64>) {
        let width = along.inverse.len();
        for first in (0..self.inverse.len()).step_by(ROWS) {
            let end = (first + ROWS).min(self.inverse.len());
            along.solve_rows(&mut plane[first * width..end * width], scratch);
            eliminate_rows(self, first, &mut plane[first.saturating_sub(1) * width..end * width], width);
        }
        self.substitute_across(plane, width, scratch);
    }

    fn substitute_across(&self, slab: &mut [f64], width: usize, scratch: &mut Vec<f64>) {
        substitute_rows(self, slab, width);
        if let Some(wrap) = &self.wrap {
            let n = self.inverse.len();
            let amounts = &mut room(scratch, width)[..width];
            let last = &slab[(n - 1) * width..];
            for ((amount, first), last) in amounts.iter_mut().zip(&*slab).zip(last) {
                *amount = -(first + wrap.share * last) * wrap.correction;
            }
            for (row, &column) in slab.chunks_exact_mut(width).zip(&self.column) {
                backward(row, amounts, column);
            }
        }
    }

    /// Row i of the elimination across rows; `before` is row i − 1.
    pub fn forward(&self, i: usize, own: &mut [f64], before: Option<&[f64]>) {
        forward(own, before, self.inverse[i], self.carry[i]);
    }

    /// Row i of the substitution across rows; `after` is row i + 1.
    pub fn backward(&self, i: usize, own: &mut [f64], after: &[f64]) {
        backward(own, after, self.upper[i]);
    }
}

impl Line {
    /// Row i of the elimination across rows, with `stretch` times `values` added to the diagonal of each column. `before` is
    /// row i − 1 and its factors; this row's go to `uppers`.
    pub fn forward_modes(
        &self,
        i: usize,
        own: &mut [f64],
        before: Option<(&[f64], &[f64])>,
        uppers: &mut [f64],
        values: &[f64],
        stretch: f64,
    ) {
        let row = [self.rows[0][i], self.rows[1][i], self.rows[2][i], stretch];
        match before {
            Some((before, factors)) => forward_modes(own, before, factors, uppers, values, row),
            None => {
                for ((own, upper), value) in own.iter_mut().zip(uppers).zip(values) {
                    let inverse = 1.0 / (row[1] + stretch * value);
                    *own *= inverse;
                    *upper = row[2] * inverse;
                }
            }
        }
    }
}

#[inline(always)]
fn forward_modes_body<const LEVEL: u8>(
    own: &mut [f64],
    before: &[f64],
    factors: &[f64],
    uppers: &mut [f64],
    values: &[f64],
    [low, diagonal, high, stretch]: [f64; 4],
) {
    let n = own.len();
    let (before, factors, values, uppers) = (&before[..n], &factors[..n], &values[..n], &mut uppers[..n]);
    for p in 0..n {
        let pivot = multiply_add::<LEVEL>(-low, factors[p], multiply_add::<LEVEL>(stretch, values[p], diagonal));
        let inverse = 1.0 / pivot;
        own[p] = multiply_add::<LEVEL>(low, before[p], own[p]) * inverse;
        uppers[p] = high * inverse;
    }
}

/// A row of the substitution across rows, with the factors that [`Line::forward_modes`] left.
#[inline(always)]
fn backward_modes_body<const LEVEL: u8>(own: &mut [f64], after: &[f64], uppers: &[f64]) {
    for ((own, after), upper) in own.iter_mut().zip(after).zip(uppers) {
        *own = multiply_add::<LEVEL>(*upper, *after, *own);
    }
}

crate::stepper::wide! {
    pub fn forward_modes(
        own: &mut [f64],
        before: &[f64],
        factors: &[f64],
        uppers: &mut [f64],
        values: &[f64],
        row: [f64; 4],
    ) = forward_modes_body;
    pub fn backward_modes(own: &mut [f64], after: &[f64], uppers: &[f64]) = backward_modes_body;
}

#[inline(always)]
fn forward_body<const LEVEL: u8>(own: &mut [f64], before: Option<&[f64]>, inverse: f64, carry: f64) {
    match before {
        None => own.iter_mut().for_each(|value| *value *= inverse),
        Some(before) => {
            for (value, before) in own.iter_mut().zip(before) {
                *value = multiply_add::<LEVEL>(carry, *before, *value * inverse);
            }
        }
    }
}

#[inline(always)]
fn backward_body<const LEVEL: u8>(own: &mut [f64], after: &[f64], upper: f64) {
    for (value, after) in own.iter_mut().zip(after) {
        *value = multiply_add::<LEVEL>(upper, *after, *value);
    }
}

/// Eliminates across rows from row `first` on. `slab` begins with the row before it, if there is one.
#[inline(always)]
fn eliminate_rows_body<const LEVEL: u8>(line: &Line, first: usize, slab: &mut [f64], width: usize) {
    let held = first.min(1);
    for at in held..slab.len() / width {
        let i = first + at - held;
        let (before, own) = slab.split_at_mut(at * width);
        let before = (at > 0).then(|| &before[(at - 1) * width..]);
        forward_body::<LEVEL>(&mut own[..width], before, line.inverse[i], line.carry[i]);
    }
}

/// Substitutes across all rows, from the last one up.
#[inline(always)]
fn substitute_rows_body<const LEVEL: u8>(line: &Line, slab: &mut [f64], width: usize) {
    for i in (0..line.inverse.len() - 1).rev() {
        let (own, after) = slab[i * width..].split_at_mut(width);
        backward_body::<LEVEL>(own, after, line.upper[i]);
    }
}

/// Room for `length` values that begins on a cache line.
fn room(scratch: &mut Vec<f64>, length: usize) -> &mut [f64] {
    if scratch.len() < length + TURN {
        scratch.resize(length + TURN, 0.0);
    }
    let skip = scratch.as_ptr().align_offset(64).min(TURN);
    &mut scratch[skip..skip + length]
}

/// Rows and columns that are turned at a time.
const TURN: usize = 8;

/// Solves up to R contiguous rows.
#[inline(always)]
fn solve_group<const LEVEL: u8, const R: usize>(line: &Line, rows: &mut [f64], scratch: &mut [f64]) {
    let n = line.inverse.len();
    let count = rows.len() / n;
    let (turned, _) = scratch[..n * R].as_chunks_mut::<R>();
    // Rows that are not there repeat the last one.
    for first in (0..R).step_by(TURN) {
        let starts: [usize; TURN] = std::array::from_fn(|r| (first + r).min(count - 1) * n);
        let whole = n / TURN * TURN;
        for at in (0..whole).step_by(TURN) {
            let columns = std::array::from_fn(|c| (at + c) * R + first);
            turn::<LEVEL>(rows, starts.map(|start| start + at), turned.as_flattened_mut(), columns);
            // Of the next group, which memory could not guess.
            starts.iter().for_each(|start| prefetch(rows.as_ptr().wrapping_add(n * R + start + at)));
        }
        for at in whole..n {
            for (own, start) in turned[at][first..].iter_mut().zip(starts) {
                *own = rows[start + at];
            }
        }
    }
    recur::<LEVEL, R>(line, turned);
    if let Some(wrap) = &line.wrap {
        let (first, last) = (turned[0], turned[n - 1]);
        let amounts: [f64; R] = std::array::from_fn(|r| -(first[r] + wrap.share * last[r]) * wrap.correction);
        for (own, column) in turned.iter_mut().zip(&line.column) {
            for (own, amount) in own.iter_mut().zip(&amounts) {
                *own = multiply_add::<LEVEL>(*column, *amount, *own);
            }
        }
    }
    for first in (0..count).step_by(TURN) {
        let whole = n / TURN * TURN;
        let here = TURN.min(count - first);
        for at in (0..whole).step_by(TURN) {
            let columns = std::array::from_fn(|c| (at + c) * R + first);
            if here == TURN {
                let starts = std::array::from_fn(|r| (first + r) * n + at);
                turn::<LEVEL>(turned.as_flattened(), columns, rows, starts);
                continue;
            }
            for (c, r) in (0..TURN).flat_map(|c| (0..here).map(move |r| (c, r))) {
                rows[(first + r) * n + at + c] = turned[at + c][first + r];
            }
        }
        for at in whole..n {
            for r in 0..here {
                rows[(first + r) * n + at] = turned[at][first + r];
            }
        }
    }
}

/// Elimination and substitution over columns of R rows.
#[inline(always)]
fn recur<const LEVEL: u8, const R: usize>(line: &Line, turned: &mut [[f64; R]]) {
    #[cfg(target_arch = "x86_64")]
    if LEVEL > 0 && R == 16 {
        let turned = turned.as_flattened_mut();
        // Safety: these levels are compiled for processors with these instructions and chosen only on them.
        return unsafe { if LEVEL == 2 { recur_512(line, turned) } else { recur_256(line, turned) } };
    }
    let n = turned.len();
    turned[0].iter_mut().for_each(|own| *own *= line.inverse[0]);
    for i in 1..n {
        // What is carried is read back from the column before: as registers, compilers leave it scalar.
        let (before, own) = turned[i - 1..=i].split_at_mut(1);
        for (own, before) in own[0].iter_mut().zip(&before[0]) {
            *own = multiply_add::<LEVEL>(line.carry[i], *before, *own * line.inverse[i]);
        }
    }
    for i in (0..n - 1).rev() {
        let (own, after) = turned[i..i + 2].split_at_mut(1);
        for (own, after) in own[0].iter_mut().zip(&after[0]) {
            *own = multiply_add::<LEVEL>(line.upper[i], *after, *own);
        }
    }
}

/// [`recur`] for sixteen rows, with what is carried in so many registers of so many values.
#[cfg(target_arch = "x86_64")]
macro_rules! recur_in {
    ($name:ident, $features:literal, $count:literal of $width:literal,
     $zero:ident, $all:ident, $load:ident, $store:ident, $times:ident, $multiply_add:ident) => {
        #[cfg(target_arch = "x86_64")]
        #[inline]
        #[target_feature(enable = $features)]
        fn $name(line: &Line, turned: &mut [f64]) {
            use std::arch::x86_64::*;
            let (columns, _) = turned.as_chunks_mut::<16>();
            let mut carried = [$zero(); $count];
            for ((own, inverse), carry) in columns.iter_mut().zip(&line.inverse).zip(&line.carry) {
                let (inverse, carry) = ($all(*inverse), $all(*carry));
                for (part, carried) in carried.iter_mut().enumerate() {
                    // Safety: a column has sixteen values, and no alignment is asked for.
                    unsafe {
                        let own = own.as_mut_ptr().add($width * part);
                        *carried = $multiply_add(carry, *carried, $times($load(own), inverse));
                        $store(own, *carried);
                    }
                }
            }
            let last = columns.len() - 1;
            for (own, upper) in columns[..last].iter_mut().zip(&line.upper).rev() {
                let upper = $all(*upper);
                for (part, carried) in carried.iter_mut().enumerate() {
                    // Safety: as above.
                    unsafe {
                        let own = own.as_mut_ptr().add($width * part);
                        *carried = $multiply_add(upper, *carried, $load(own));
                        $store(own, *carried);
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
recur_in!(
    recur_512, "avx512f", 2 of 8,
    _mm512_setzero_pd, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_mul_pd, _mm512_fmadd_pd
);
#[cfg(target_arch = "x86_64")]
recur_in!(
    recur_256, "avx2,fma", 4 of 4,
    _mm256_setzero_pd, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_mul_pd, _mm256_fmadd_pd
);

#[inline(always)]
fn solve_8_body<const LEVEL: u8>(line: &Line, rows: &mut [f64], scratch: &mut [f64]) {
    solve_group::<LEVEL, 8>(line, rows, scratch);
}

#[inline(always)]
fn solve_16_body<const LEVEL: u8>(line: &Line, rows: &mut [f64], scratch: &mut [f64]) {
    solve_group::<LEVEL, 16>(line, rows, scratch);
}

/// Transposes a block: row r of eight values begins at `starts[r]` of `from`, column c at `columns[c]` of `to`.
#[inline(always)]
fn turn<const LEVEL: u8>(from: &[f64], starts: [usize; TURN], to: &mut [f64], columns: [usize; TURN]) {
    assert!(starts.iter().all(|start| start + TURN <= from.len()));
    assert!(columns.iter().all(|column| column + TURN <= to.len()));
    #[cfg(target_arch = "x86_64")]
    if LEVEL > 0 {
        let (from, to) = (from.as_ptr(), to.as_mut_ptr());
        // Safety: these levels are compiled for processors with these instructions and chosen only on them; rows and columns
        // lie inside their arrays.
        return unsafe {
            if LEVEL == 2 { turn_512(from, starts, to, columns) } else { turn_256(from, starts, to, columns) }
        };
    }
    for (c, column) in columns.into_iter().enumerate() {
        for (r, start) in starts.into_iter().enumerate() {
            to[column + r] = from[start + c];
        }
    }
}

/// [`turn`] in four blocks of four rows and columns: pairs within halves, then halves.
///
/// # Safety
/// Eight values can be read from each start and written to each column.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn turn_256(from: *const f64, starts: [usize; TURN], to: *mut f64, columns: [usize; TURN]) {
    use std::arch::x86_64::*;
    for (row, column) in [(0, 0), (0, 4), (4, 0), (4, 4)] {
        // Safety: the caller's; no alignment is asked for.
        unsafe {
            let [a, b, c, d] = [0, 1, 2, 3].map(|r| _mm256_loadu_pd(from.add(starts[row + r] + column)));
            let (even_ab, odd_ab) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (even_cd, odd_cd) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            _mm256_storeu_pd(to.add(columns[column] + row), _mm256_permute2f128_pd::<0x20>(even_ab, even_cd));
            _mm256_storeu_pd(to.add(columns[column + 1] + row), _mm256_permute2f128_pd::<0x20>(odd_ab, odd_cd));
            _mm256_storeu_pd(to.add(columns[column + 2] + row), _mm256_permute2f128_pd::<0x31>(even_ab, even_cd));
            _mm256_storeu_pd(to.add(columns[column + 3] + row), _mm256_permute2f128_pd::<0x31>(odd_ab, odd_cd));
        }
    }
}

/// [`turn`] in 24 shuffles: pairs within rows of two, then quarters.
///
/// # Safety
/// Eight values can be read from each start and written to each column.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn turn_512(from: *const f64, starts: [usize; TURN], to: *mut f64, columns: [usize; TURN]) {
    use std::arch::x86_64::*;
    // Safety: the caller's; no alignment is asked for.
    unsafe {
        let [a, b, c, d, e, f, g, h] = starts.map(|start| _mm512_loadu_pd(from.add(start)));
        macro_rules! half {
            ($unpack:ident, $odd:literal) => {
                let (ab, cd, ef, gh) = ($unpack(a, b), $unpack(c, d), $unpack(e, f), $unpack(g, h));
                let (left, right) = (_mm512_shuffle_f64x2::<0x88>(ab, cd), _mm512_shuffle_f64x2::<0x88>(ef, gh));
                _mm512_storeu_pd(to.add(columns[$odd]), _mm512_shuffle_f64x2::<0x88>(left, right));
                _mm512_storeu_pd(to.add(columns[4 + $odd]), _mm512_shuffle_f64x2::<0xdd>(left, right));
                let (left, right) = (_mm512_shuffle_f64x2::<0xdd>(ab, cd), _mm512_shuffle_f64x2::<0xdd>(ef, gh));
                _mm512_storeu_pd(to.add(columns[2 + $odd]), _mm512_shuffle_f64x2::<0x88>(left, right));
                _mm512_storeu_pd(to.add(columns[6 + $odd]), _mm512_shuffle_f64x2::<0xdd>(left, right));
            };
        }
        half!(_mm512_unpacklo_pd, 0);
        half!(_mm512_unpackhi_pd, 1);
    }
}

crate::stepper::wide! {
    fn eliminate_rows(line: &Line, first: usize, slab: &mut [f64], width: usize) = eliminate_rows_body;
    fn substitute_rows(line: &Line, slab: &mut [f64], width: usize) = substitute_rows_body;
    fn forward(own: &mut [f64], before: Option<&[f64]>, inverse: f64, carry: f64) = forward_body;
    fn backward(own: &mut [f64], after: &[f64], upper: f64) = backward_body;
    fn solve_8(line: &Line, rows: &mut [f64], scratch: &mut [f64]) = solve_8_body;
    fn solve_16(line: &Line, rows: &mut [f64], scratch: &mut [f64]) = solve_16_body;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest entry of (I − θA) k − r, and the largest difference of the fast solves from the plain one.
    fn misfit(n: usize, periodic: bool) -> [f64; 2] {
        let rates = |i: usize| {
            let low = if i == 0 && !periodic { 0.0 } else { 0.4 + 0.1 * (i % 3) as f64 };
            let high = if i + 1 == n && !periodic { 0.0 } else { 3.0 + 0.2 * (i % 4) as f64 };
            [low, high, 0.05]
        };
        let mut line = Line::default();
        line.prepare(n, periodic, rates);
        let right: Vec<f64> = (0..n).map(|i| ((i * 7 + 3) % 5) as f64 - 1.0).collect();
        let mut u = right.clone();
        line.solve(&mut u);
        let neighbour = |i: isize| match usize::try_from(i) {
            Ok(i) if i < n => u[i],
            _ if periodic => u[i.rem_euclid(n as isize) as usize],
            _ => 0.0,
        };
        let residual = (0..n)
            .map(|i| {
                let [low, high, out] = rates(i);
                let (before, after) = (neighbour(i as isize - 1), neighbour(i as isize + 1));
                ((1.0 + low + high + out) * u[i] - low * before - high * after - right[i]).abs()
            })
            .fold(0.0, f64::max);
        let mut difference = 0.0_f64;
        let mut scratch = Vec::new();
        for count in [1, 3, 8, 9, 16, 21] {
            let factor = |row: usize| 1.0 + row as f64;
            let mut along: Vec<f64> = (0..count).flat_map(|row| right.iter().map(move |r| factor(row) * r)).collect();
            line.solve_rows(&mut along, &mut scratch);
            let mut across: Vec<f64> = right.iter().flat_map(|r| (0..count).map(move |row| factor(row) * r)).collect();
            line.solve_across(&mut across, count, &mut scratch);
            for row in 0..count {
                for (i, u) in u.iter().enumerate() {
                    let plain = factor(row) * u;
                    let (a, b) = (along[row * n + i] - plain, across[i * count + row] - plain);
                    difference = difference.max(a.abs() / factor(row)).max(b.abs() / factor(row));
                }
            }
        }
        [residual, difference]
    }

    #[test]
    fn lines_are_solved_closed_and_periodic_plain_and_turned() {
        for n in [2, 3, 7, 8, 9, 33, 64] {
            for periodic in [false, true] {
                let [residual, difference] = misfit(n, periodic);
                assert!(residual < 1e-12, "n {n} periodic {periodic}: {residual}");
                assert!(difference < 1e-13, "n {n} periodic {periodic}: {difference}");
            }
        }
    }
}
