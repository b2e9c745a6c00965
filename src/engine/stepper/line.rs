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
//! [`LineFactors::solve`] is the plain reference. [`LineFactors::solve_rows`] does the same for contiguous rows, several at a time: a block of
//! rows is turned so that one vector holds the same cell of every row, for vectors cannot run along a recurrence.
#![expect(unsafe_code, reason = "the tridiagonal solves use the vector instructions there are")]

use crate::engine::stepper::{multiply_add, prefetch};

/// The factors of one line.
#[derive(Debug, Clone, Default)]
pub struct LineFactors {
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

impl LineFactors {
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
        solve_rows(self, values, room(scratch, n.max(LINE) * ROWS));
    }

    /// Solves across rows, in a slab whose row i of `width` values follows row i − 1 at once.
    pub fn solve_across(&self, slab: &mut [f64], width: usize, scratch: &mut Vec<f64>) {
        eliminate_rows(self, 0, slab, width);
        self.substitute_across(slab, width, scratch);
    }

    /// Solves along each contiguous row of a plane by `along`, then across the rows by this line: rows are eliminated while they
    /// are in registers.
    pub fn solve_plane(&self, along: &LineFactors, plane: &mut [f64], scratch: &mut Vec<f64>) {
        let width = along.inverse.len();
        eliminate_plane(along, self, plane, room(scratch, width.max(LINE) * ROWS));
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

    /// Row i of the elimination across rows; `before` is row i − 1, and `ahead` begins a row that will be needed soon.
    pub fn forward(&self, i: usize, own: &mut [f64], before: Option<&[f64]>, ahead: *const f64) {
        forward(own, before, ahead, self.inverse[i], self.carry[i]);
    }

    /// Row i of the substitution across rows; `after` is row i + 1.
    pub fn backward(&self, i: usize, own: &mut [f64], after: &[f64]) {
        backward(own, after, self.upper[i]);
    }
}

impl LineFactors {
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

/// A row of the substitution across rows, with the factors that [`LineFactors::forward_modes`] left.
#[inline(always)]
fn backward_modes_body<const LEVEL: u8>(own: &mut [f64], after: &[f64], uppers: &[f64]) {
    for ((own, after), upper) in own.iter_mut().zip(after).zip(uppers) {
        *own = multiply_add::<LEVEL>(*upper, *after, *own);
    }
}

crate::base::processor::wide! {
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
fn forward_body<const LEVEL: u8>(own: &mut [f64], before: Option<&[f64]>, ahead: *const f64, inverse: f64, carry: f64) {
    let Some(before) = before else {
        own.iter_mut().for_each(|value| *value *= inverse);
        return;
    };
    let ((own, rest), (before, rest_before)) = (own.as_chunks_mut::<LINE>(), before.as_chunks::<LINE>());
    for (at, (own, before)) in own.iter_mut().zip(before).enumerate() {
        // Bit by bit, while there is something to compute: a core keeps no more than so many requests in flight.
        prefetch(ahead.wrapping_add(at * LINE));
        eliminate_body::<LEVEL>(own, before, inverse, carry);
    }
    eliminate_body::<LEVEL>(rest, rest_before, inverse, carry);
}

#[inline(always)]
fn eliminate_body<const LEVEL: u8>(own: &mut [f64], before: &[f64], inverse: f64, carry: f64) {
    for (value, before) in own.iter_mut().zip(before) {
        *value = multiply_add::<LEVEL>(carry, *before, *value * inverse);
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
fn eliminate_rows_body<const LEVEL: u8>(line: &LineFactors, first: usize, slab: &mut [f64], width: usize) {
    let held = first.min(1);
    for at in held..slab.len() / width {
        let i = first + at - held;
        let (before, own) = slab.split_at_mut(at * width);
        let before = (at > 0).then(|| &before[(at - 1) * width..]);
        let own = &mut own[..width];
        match before {
            Some(before) => eliminate_body::<LEVEL>(own, before, line.inverse[i], line.carry[i]),
            None => own.iter_mut().for_each(|value| *value *= line.inverse[i]),
        }
    }
}

/// Substitutes across all rows, from the last one up.
#[inline(always)]
fn substitute_rows_body<const LEVEL: u8>(line: &LineFactors, slab: &mut [f64], width: usize) {
    for i in (0..line.inverse.len() - 1).rev() {
        let (own, after) = slab[i * width..].split_at_mut(width);
        backward_body::<LEVEL>(own, after, line.upper[i]);
    }
}

/// Room for `length` values that begins on a cache line.
fn room(scratch: &mut Vec<f64>, length: usize) -> &mut [f64] {
    if scratch.len() < length + LINE {
        scratch.resize(length + LINE, 0.0);
    }
    let skip = scratch.as_ptr().align_offset(64).min(LINE);
    &mut scratch[skip..skip + length]
}

/// Values of a cache line.
pub const LINE: usize = 8;
/// Rows that are turned at a time where vectors are short.
const TURN: usize = 8;

/// Solves contiguous rows, sixteen at a time and what is left by eight.
#[inline(always)]
fn solve_rows_body<const LEVEL: u8>(line: &LineFactors, rows: &mut [f64], scratch: &mut [f64]) {
    let n = line.inverse.len();
    let mut groups = rows.chunks_exact_mut(n * ROWS);
    for group in &mut groups {
        #[cfg(target_arch = "x86_64")]
        if LEVEL > 0 {
            solve_sixteen::<LEVEL>(line, None, group, scratch);
            continue;
        }
        solve_group::<LEVEL, ROWS>(line, group, scratch);
    }
    for group in groups.into_remainder().chunks_mut(n * TURN) {
        solve_group::<LEVEL, TURN>(line, group, scratch);
    }
}

/// Solves contiguous rows of a plane and eliminates across them.
#[inline(always)]
fn eliminate_plane_body<const LEVEL: u8>(
    along: &LineFactors,
    across: &LineFactors,
    plane: &mut [f64],
    scratch: &mut [f64],
) {
    let (n, count) = (along.inverse.len(), across.inverse.len());
    for first in (0..count).step_by(ROWS) {
        let end = (first + ROWS).min(count);
        let above = first.saturating_sub(1);
        #[cfg(target_arch = "x86_64")]
        if LEVEL > 0 && end - first == ROWS {
            solve_sixteen::<LEVEL>(along, Some((across, first)), &mut plane[above * n..end * n], scratch);
            continue;
        }
        solve_rows_body::<LEVEL>(along, &mut plane[first * n..end * n], scratch);
        eliminate_rows_body::<LEVEL>(across, first, &mut plane[above * n..end * n], n);
    }
}

/// [`solve_group`] for sixteen rows in registers. With a line across, rows `first` … `first` + 15 of that line are eliminated, too,
/// and `rows` begins with the row before them, if there is one.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn solve_sixteen<const LEVEL: u8>(
    line: &LineFactors,
    across: Option<(&LineFactors, usize)>,
    rows: &mut [f64],
    scratch: &mut [f64],
) {
    let n = line.inverse.len();
    let (across, first) = across.map_or((None, 0), |(across, first)| (Some(across), first));
    let above = if across.is_some() { first.min(1) } else { 0 };
    assert!(rows.len() >= (above + ROWS) * n && scratch.len() >= LINE * ROWS);
    assert!([&line.inverse, &line.carry, &line.upper].map(Vec::len) == [n; 3]);
    assert!(line.wrap.is_none() || line.column.len() == n);
    assert!(across.is_none_or(|across| across.inverse.len().min(across.carry.len()) >= first + ROWS));
    // From the start of the slice, for the row before the first is read, too.
    let (rows, rest) = (rows.as_mut_ptr().wrapping_add(above * n), scratch.as_mut_ptr());
    let solve = match (LEVEL, across.is_some(), line.wrap.is_some()) {
        (2, true, false) => solve_512::<true, false>,
        (2, true, true) => solve_512::<true, true>,
        (2, false, false) => solve_512::<false, false>,
        (2, false, true) => solve_512::<false, true>,
        (_, true, false) => solve_256::<true, false>,
        (_, true, true) => solve_256::<true, true>,
        (_, false, false) => solve_256::<false, false>,
        (_, false, true) => solve_256::<false, true>,
    };
    // SAFETY: these levels are compiled for processors with these instructions and chosen only on them; the sizes were just
    // checked.
    unsafe { solve(line, across.unwrap_or(line), first, rows, rest) }
}

/// Solves up to R contiguous rows side by side.
#[inline(always)]
fn solve_group<const LEVEL: u8, const R: usize>(line: &LineFactors, rows: &mut [f64], scratch: &mut [f64]) {
    let n = line.inverse.len();
    let (turned, _) = scratch[..n * R].as_chunks_mut::<R>();
    for (r, row) in rows.chunks_exact(n).enumerate() {
        turned.iter_mut().zip(row).for_each(|(column, value)| column[r] = *value);
    }
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
    if let Some(wrap) = &line.wrap {
        let (first, last) = (turned[0], turned[n - 1]);
        for (own, column) in turned.iter_mut().zip(&line.column) {
            for (r, own) in own.iter_mut().enumerate() {
                let amount = -multiply_add::<LEVEL>(wrap.share, last[r], first[r]) * wrap.correction;
                *own = multiply_add::<LEVEL>(*column, amount, *own);
            }
        }
    }
    for (r, row) in rows.chunks_exact_mut(n).enumerate() {
        turned.iter().zip(row).for_each(|(column, value)| *value = column[r]);
    }
}

/// Transposes a block of vectors held in registers.
#[cfg(target_arch = "x86_64")]
macro_rules! transpose_512 {
    ($block:ident) => {{
        let [a, b, c, d, e, f, g, h] = $block;
        macro_rules! half {
            ($unpack:ident) => {{
                let (ab, cd, ef, gh) = ($unpack(a, b), $unpack(c, d), $unpack(e, f), $unpack(g, h));
                let (left, right) = (_mm512_shuffle_f64x2::<0x88>(ab, cd), _mm512_shuffle_f64x2::<0x88>(ef, gh));
                let (first, third) =
                    (_mm512_shuffle_f64x2::<0x88>(left, right), _mm512_shuffle_f64x2::<0xdd>(left, right));
                let (left, right) = (_mm512_shuffle_f64x2::<0xdd>(ab, cd), _mm512_shuffle_f64x2::<0xdd>(ef, gh));
                [first, _mm512_shuffle_f64x2::<0x88>(left, right), third, _mm512_shuffle_f64x2::<0xdd>(left, right)]
            }};
        }
        let ([a, c, e, g], [b, d, f, h]) = (half!(_mm512_unpacklo_pd), half!(_mm512_unpackhi_pd));
        [a, b, c, d, e, f, g, h]
    }};
}
#[cfg(target_arch = "x86_64")]
macro_rules! transpose_256 {
    ($block:ident) => {{
        let [a, b, c, d] = $block;
        let (even_ab, odd_ab) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let (even_cd, odd_cd) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        [
            _mm256_permute2f128_pd::<0x20>(even_ab, even_cd),
            _mm256_permute2f128_pd::<0x20>(odd_ab, odd_cd),
            _mm256_permute2f128_pd::<0x31>(even_ab, even_cd),
            _mm256_permute2f128_pd::<0x31>(odd_ab, odd_cd),
        ]
    }};
}

/// [`solve_sixteen`] with an instruction set: blocks of as many rows as a vector has values are turned in registers, eliminated
/// there and put back where they were, turned: so nothing else takes room in the first cache. On the way back they are
/// substituted, turned back and eliminated across, in registers, too. Columns beyond the last whole block lie in the scratch
/// meanwhile. Loops over blocks have constant bounds, so blocks stay in registers; functions that take closures would not be
/// compiled for these instructions.
///
/// # Safety
/// The processor has the instructions; the line has n factors of each kind and wraps as said; there are sixteen rows of n values
/// and scratch for a block; the line across has factors of rows `first` … `first` + 15, and a row lies before the first, unless that
/// is 0.
#[cfg(target_arch = "x86_64")]
macro_rules! sixteen {
    ($name:ident, $features:literal, $width:literal, $transpose:ident,
     $zero:ident, $all:ident, $load:ident, $store:ident, $times:ident, $multiply_add:ident) => {
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $name<const ACROSS: bool, const WRAP: bool>(
            line: &LineFactors,
            across: &LineFactors,
            first: usize,
            rows: *mut f64,
            rest: *mut f64,
        ) {
            use std::arch::x86_64::*;
            const PARTS: usize = ROWS / $width;
            let n = line.inverse.len();
            let whole = n / $width * $width;
            // Where column i of a part lies while it is turned.
            macro_rules! column {
                ($i:expr, $part:ident) => {
                    if $i < whole {
                        rows.add(($part * $width + $i % $width) * n + $i / $width * $width)
                    } else {
                        rest.add(($i - whole) * ROWS + $part * $width)
                    }
                };
            }
            // SAFETY: the caller's; no alignment is asked for.
            unsafe {
                let mut carried = [$zero(); PARTS];
                macro_rules! eliminate {
                    ($i:expr, $part:ident, $value:expr) => {
                        let (inverse, carry) =
                            ($all(*line.inverse.get_unchecked($i)), $all(*line.carry.get_unchecked($i)));
                        carried[$part] = $multiply_add(carry, carried[$part], $times($value, inverse));
                    };
                }
                for at in (0..whole).step_by($width) {
                    for part in 0..PARTS {
                        let block_at = rows.add(part * $width * n + at);
                        let mut block = [$zero(); $width];
                        for r in 0..$width {
                            let row = block_at.add(r * n);
                            block[r] = $load(row);
                            // Of the next rows, which memory could not guess, and of these, into the first cache: sixteen
                            // rows are more than it follows.
                            prefetch(row.wrapping_add(ROWS * n));
                            _mm_prefetch::<_MM_HINT_T0>(row.wrapping_add(2 * LINE).cast());
                        }
                        let block = $transpose!(block);
                        for c in 0..$width {
                            eliminate!(at + c, part, block[c]);
                            $store(block_at.add(c * n), carried[part]);
                        }
                    }
                }
                for i in whole..n {
                    for part in 0..PARTS {
                        let mut column = [0.0; $width];
                        for r in 0..$width {
                            column[r] = *rows.add((part * $width + r) * n + i);
                        }
                        eliminate!(i, part, $load(column.as_ptr()));
                        $store(column!(i, part), carried[part]);
                    }
                }
                // The last value has no upper neighbour, and its factor is 0.
                let mut carried = [$zero(); PARTS];
                macro_rules! substitute {
                    ($i:expr, $part:ident, $own:expr) => {
                        carried[$part] = $multiply_add($all(*line.upper.get_unchecked($i)), carried[$part], $own);
                    };
                }
                // What is corrected at the end is turned back later.
                let kept = if WRAP { 0 } else { whole };
                for i in (kept..n).rev() {
                    for part in 0..PARTS {
                        let own = column!(i, part);
                        substitute!(i, part, $load(own));
                        $store(own, carried[part]);
                    }
                }
                if let Some(wrap) = &line.wrap {
                    for part in 0..PARTS {
                        let (first, last) = ($load(column!(0, part)), $load(column!(n - 1, part)));
                        let ends = $multiply_add($all(wrap.share), last, first);
                        let amount = $times(ends, $all(-wrap.correction));
                        for (i, column) in line.column.iter().enumerate() {
                            let own = column!(i, part);
                            $store(own, $multiply_add($all(*column), amount, $load(own)));
                        }
                    }
                }
                for i in whole..n {
                    let mut above = if ACROSS && first > 0 { *rows.sub(n).add(i) } else { 0.0 };
                    for r in 0..ROWS {
                        let mut value = *rest.add((i - whole) * ROWS + r);
                        if ACROSS {
                            value *= *across.inverse.get_unchecked(first + r);
                            value = across.carry.get_unchecked(first + r).mul_add(above, value);
                            above = value;
                        }
                        *rows.add(r * n + i) = value;
                    }
                }
                for at in (0..whole).step_by($width).rev() {
                    let mut above = if ACROSS && first > 0 { $load(rows.sub(n).add(at)) } else { $zero() };
                    for part in 0..PARTS {
                        let block_at = rows.add(part * $width * n + at);
                        let mut block = [$zero(); $width];
                        for c in (0..$width).rev() {
                            block[c] = $load(block_at.add(c * n));
                            if !WRAP {
                                substitute!(at + c, part, block[c]);
                                block[c] = carried[part];
                            }
                        }
                        let block = $transpose!(block);
                        for r in 0..$width {
                            let mut value = block[r];
                            if ACROSS {
                                let row = first + part * $width + r;
                                let (inverse, carry) =
                                    ($all(*across.inverse.get_unchecked(row)), $all(*across.carry.get_unchecked(row)));
                                value = $multiply_add(carry, above, $times(value, inverse));
                                above = value;
                            }
                            $store(block_at.add(r * n), value);
                        }
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
sixteen!(
    solve_512,
    "avx512f",
    8,
    transpose_512,
    _mm512_setzero_pd,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_mul_pd,
    _mm512_fmadd_pd
);
#[cfg(target_arch = "x86_64")]
sixteen!(
    solve_256,
    "avx2,fma",
    4,
    transpose_256,
    _mm256_setzero_pd,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd
);

crate::base::processor::wide! {
    fn eliminate_rows(line: &LineFactors, first: usize, slab: &mut [f64], width: usize) = eliminate_rows_body;
    fn substitute_rows(line: &LineFactors, slab: &mut [f64], width: usize) = substitute_rows_body;
    fn forward(own: &mut [f64], before: Option<&[f64]>, ahead: *const f64, inverse: f64, carry: f64) = forward_body;
    fn backward(own: &mut [f64], after: &[f64], upper: f64) = backward_body;
    fn solve_rows(line: &LineFactors, rows: &mut [f64], scratch: &mut [f64]) = solve_rows_body;
    fn eliminate_plane(along: &LineFactors, across: &LineFactors, plane: &mut [f64], scratch: &mut [f64]) = eliminate_plane_body;
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
        let mut line = LineFactors::default();
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
        // Along both axes the solution for a product is the product of solutions.
        let mut plane: Vec<f64> = right.iter().flat_map(|a| right.iter().map(move |b| a * b)).collect();
        line.solve_plane(&line, &mut plane, &mut scratch);
        for (row, a) in plane.chunks(n).zip(&u) {
            row.iter().zip(&u).for_each(|(value, b)| difference = difference.max((value - a * b).abs()));
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
