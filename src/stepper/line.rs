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

use crate::stepper::multiply_add;

/// The factors of one line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// 1/p.
    inverse: Vec<f64>,
    carry: Vec<f64>,
    upper: Vec<f64>,
    wrap: Option<Wrap>,
    /// l, d, h, for lines with something added to the diagonal.
    rows: [Vec<f64>; 3],
}

/// What a line whose ends meet needs besides.
#[derive(Debug, Clone)]
struct Wrap {
    /// Solution for the corner column.
    column: Vec<f64>,
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
        let mut column = self.wrap.take().map(|wrap| wrap.column).unwrap_or_default();
        column.clear();
        column.resize(n, 0.0);
        column[0] = gamma;
        column[n - 1] -= last_up;
        self.eliminate(&mut column);
        let share = corner / gamma;
        let correction = 1.0 / (1.0 + column[0] + share * column[n - 1]);
        self.wrap = Some(Wrap { column, share, correction });
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
            for (value, column) in row.iter_mut().zip(&wrap.column) {
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
        let n = self.inverse.len();
        for i in 0..n {
            let (before, own) = slab.split_at_mut(i * width);
            self.forward(i, &mut own[..width], if i > 0 { Some(&before[(i - 1) * width..]) } else { None });
        }
        for i in (0..n - 1).rev() {
            let (own, after) = slab[i * width..].split_at_mut(width);
            self.backward(i, own, after);
        }
        if let Some(wrap) = &self.wrap {
            let amounts = &mut room(scratch, width)[..width];
            let last = &slab[(n - 1) * width..];
            for ((amount, first), last) in amounts.iter_mut().zip(&*slab).zip(last) {
                *amount = -(first + wrap.share * last) * wrap.correction;
            }
            for (row, &column) in slab.chunks_exact_mut(width).zip(&wrap.column) {
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
    fn forward_modes(
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
            let block = turn::<LEVEL>(starts.map(|start| rows[start + at..][..TURN].as_array().expect("as long")));
            for (own, column) in turned[at..].iter_mut().zip(&block) {
                own[first..first + TURN].copy_from_slice(column);
            }
        }
        for at in whole..n {
            for (own, start) in turned[at][first..].iter_mut().zip(starts) {
                *own = rows[start + at];
            }
        }
    }
    let mut carried = [0.0; R];
    for ((own, inverse), carry) in turned.iter_mut().zip(&line.inverse).zip(&line.carry) {
        for (carried, own) in carried.iter_mut().zip(own) {
            *carried = multiply_add::<LEVEL>(*carry, *carried, *own * inverse);
            *own = *carried;
        }
    }
    for (own, upper) in turned[..n - 1].iter_mut().zip(&line.upper).rev() {
        for (carried, own) in carried.iter_mut().zip(own) {
            *carried = multiply_add::<LEVEL>(*upper, *carried, *own);
            *own = *carried;
        }
    }
    if let Some(wrap) = &line.wrap {
        let (first, last) = (turned[0], turned[n - 1]);
        let amounts: [f64; R] = std::array::from_fn(|r| -(first[r] + wrap.share * last[r]) * wrap.correction);
        for (own, column) in turned.iter_mut().zip(&wrap.column) {
            for (own, amount) in own.iter_mut().zip(&amounts) {
                *own = multiply_add::<LEVEL>(*column, *amount, *own);
            }
        }
    }
    for first in (0..count).step_by(TURN) {
        let whole = n / TURN * TURN;
        let here = TURN.min(count - first);
        for at in (0..whole).step_by(TURN) {
            let columns: [&[f64; TURN]; TURN] =
                std::array::from_fn(|c| turned[at + c][first..first + TURN].as_array().expect("as long"));
            let block = turn::<LEVEL>(columns);
            for (r, row) in block[..here].iter().enumerate() {
                rows[(first + r) * n + at..][..TURN].copy_from_slice(row);
            }
        }
        for at in whole..n {
            for r in 0..here {
                rows[(first + r) * n + at] = turned[at][first + r];
            }
        }
    }
}

#[inline(always)]
fn solve_8_body<const LEVEL: u8>(line: &Line, rows: &mut [f64], scratch: &mut [f64]) {
    solve_group::<LEVEL, 8>(line, rows, scratch);
}

#[inline(always)]
fn solve_16_body<const LEVEL: u8>(line: &Line, rows: &mut [f64], scratch: &mut [f64]) {
    solve_group::<LEVEL, 16>(line, rows, scratch);
}

/// The transposed block.
#[inline(always)]
fn turn<const LEVEL: u8>(rows: [&[f64; TURN]; TURN]) -> [[f64; TURN]; TURN] {
    #[cfg(target_arch = "x86_64")]
    if LEVEL == 2 {
        // Safety: level 2 is compiled for processors with these instructions and chosen only on them.
        return unsafe { turn_512(rows) };
    }
    std::array::from_fn(|c| std::array::from_fn(|r| rows[r][c]))
}

/// The transposed block, in 24 shuffles: pairs within rows of two, then quarters.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn turn_512(rows: [&[f64; TURN]; TURN]) -> [[f64; TURN]; TURN] {
    use std::arch::x86_64::*;
    // Safety: each array has eight values, and no alignment is asked for.
    let row = rows.map(|row| unsafe { _mm512_loadu_pd(row.as_ptr()) });
    let mut out = [[0.0; TURN]; TURN];
    for odd in 0..2 {
        let pair = |r: usize| {
            if odd == 0 { _mm512_unpacklo_pd(row[r], row[r + 1]) } else { _mm512_unpackhi_pd(row[r], row[r + 1]) }
        };
        let (ab, cd, ef, gh) = (pair(0), pair(2), pair(4), pair(6));
        let (even_left, even_right) = (_mm512_shuffle_f64x2::<0x88>(ab, cd), _mm512_shuffle_f64x2::<0x88>(ef, gh));
        let (odd_left, odd_right) = (_mm512_shuffle_f64x2::<0xdd>(ab, cd), _mm512_shuffle_f64x2::<0xdd>(ef, gh));
        let columns = [
            (0, _mm512_shuffle_f64x2::<0x88>(even_left, even_right)),
            (4, _mm512_shuffle_f64x2::<0xdd>(even_left, even_right)),
            (2, _mm512_shuffle_f64x2::<0x88>(odd_left, odd_right)),
            (6, _mm512_shuffle_f64x2::<0xdd>(odd_left, odd_right)),
        ];
        for (column, values) in columns {
            // Safety: as above.
            unsafe { _mm512_storeu_pd(out[column + odd].as_mut_ptr(), values) };
        }
    }
    out
}

crate::stepper::wide! {
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
