//! Chemotaxis: −∇·(ρχu∇s)/ρ as a finite-volume flux balance.
//!
//! The flux through a face is v·u with v = χ̄ ∂s/∂n, χ̄ the mean of both sides, and u the value that comes from upwind: that of
//! the cell before the face, carried to the face with a van Leer limited slope 2lr/(l + r), l and r the slopes to both
//! neighbours; zero where they differ in sign or a neighbour is missing. Order two where u is smooth, no new extremes at fronts.
//! Each face is computed alike from both of its sides, so nothing is made or lost.

use crate::engine::grid::{Axis, Ends, Grid};
use crate::engine::stepper::multiply_add;

/// Distances along one axis.
#[derive(Debug, Clone)]
struct Spacing {
    /// 1 / distance of centre i to the one before; where ends meet, entry 0 joins them.
    near: Vec<f64>,
    /// Half the conductance of the lower face i, and one more.
    weight: Vec<f64>,
    /// From the centre before face i to the face, from the centre after it (negative).
    ahead: [Vec<f64>; 2],
    /// 1 / measure of cell i.
    measure: Vec<f64>,
    periodic: bool,
}

impl Spacing {
    fn new(axis: &Axis) -> Self {
        let n = axis.len();
        let periodic = axis.ends == Ends::Periodic && n > 1;
        let half = |i: usize| axis.faces[i + 1] - axis.centres[i];
        let lower = |i: usize| axis.faces[i] - axis.centres[i];
        let distance = |i: usize| half((i + n - 1) % n) - lower(i % n);
        Self {
            near: (0..n).map(|i| if i > 0 || periodic { 1.0 / distance(i) } else { 0.0 }).collect(),
            weight: (0..=n).map(|i| 0.5 * axis.conductance[i]).collect(),
            ahead: [(0..=n).map(|i| half((i + n - 1) % n)).collect(), (0..=n).map(|i| lower(i % n)).collect()],
            measure: axis.volume.iter().map(|volume| 1.0 / volume).collect(),
            periodic,
        }
    }

    /// So many axes in a row that do not touch: over the gaps nothing flows, and slopes are zero.
    fn repeated(&self, times: usize) -> Self {
        let n = self.near.len();
        let faces = |values: &[f64]| {
            let mut all = values[..n].repeat(times);
            all.push(values[n]);
            all
        };
        Self {
            near: self.near.repeat(times),
            weight: faces(&self.weight),
            ahead: self.ahead.each_ref().map(|way| faces(way)),
            measure: self.measure.repeat(times),
            periodic: false,
        }
    }
}

/// The lateral axes of a grid, as chemotaxis needs them.
#[derive(Debug, Clone)]
pub struct Tracks {
    x: Spacing,
    y: Spacing,
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub struct FollowScratch {
    slopes: [Vec<f64>; 3],
    fluxes: [Vec<f64>; 2],
}

/// The rows of one follower, by depth.
pub struct FollowerRows<'a> {
    /// The follower.
    pub own: &'a dyn Fn(usize) -> &'a [f64],
    /// What it follows.
    pub signal: &'a dyn Fn(usize) -> &'a [f64],
    /// χ.
    pub sensitivity: &'a dyn Fn(usize) -> &'a [f64],
    /// Whether it moves.
    pub moves: &'a [bool],
    /// Reference density of the follower.
    pub density: &'a dyn Fn(usize) -> f64,
}

impl Tracks {
    /// The tracks of a grid. Rows that do not touch each other, as those of unit cells, are one row with gaps.
    pub fn new(grid: &Grid) -> Self {
        let (mut x, y) = (Spacing::new(&grid.x), Spacing::new(&grid.y));
        if grid.exchange.is_some() && !x.periodic {
            x = x.repeated(grid.y.len());
        }
        Self { x, y }
    }

    /// Adds the balance of depth `z` to `out`.
    pub fn balance(
        &self,
        grid: &Grid,
        rows: &FollowerRows<'_>,
        z: usize,
        out: &mut [f64],
        scratch: &mut FollowScratch,
    ) {
        if !rows.moves[z] {
            return;
        }
        let plane = out.len();
        scratch.slopes.iter_mut().for_each(|row| row.resize(plane, 0.0));
        scratch.fluxes.iter_mut().for_each(|row| row.resize(plane + 1, 0.0));
        self.depth(grid, rows, z, out, scratch);
        let nx = self.x.near.len();
        let ny = plane / nx;
        let (own, signal, sensitivity) = ((rows.own)(z), (rows.signal)(z), (rows.sensitivity)(z));
        if nx > 1 {
            for j in 0..ny {
                let row = j * nx..(j + 1) * nx;
                let (slopes, fluxes) = (&mut scratch.slopes[0][..nx], &mut scratch.fluxes[0][..nx + 1]);
                let (own, signal, sensitivity) = (&own[row.clone()], &signal[row.clone()], &sensitivity[row.clone()]);
                self.x.along(own, signal, sensitivity, slopes, fluxes, &mut out[row]);
            }
        }
        if ny > 1 && grid.exchange.is_none() {
            self.y.across(own, signal, sensitivity, nx, scratch, out);
        }
    }

    fn depth(&self, grid: &Grid, rows: &FollowerRows<'_>, z: usize, out: &mut [f64], scratch: &mut FollowScratch) {
        let mut known = [false; 3];
        for (face, sign) in [(z, 1.0), (z + 1, -1.0)] {
            if !rows.joined(face) {
                continue;
            }
            // Slopes of the depths z − 1, z, z + 1, as far as they are needed.
            for k in [face - 1, face] {
                let slot = k + 1 - z;
                if !std::mem::replace(&mut known[slot], true) {
                    rows.slopes(grid, k, &mut scratch.slopes[slot]);
                }
            }
            let [first, second] = [face - z, face - z + 1].map(|slot| &scratch.slopes[slot][..]);
            let density = rows.flux(grid, face, [first, second], &mut scratch.fluxes[0]);
            let weight = sign * density / ((rows.density)(z) * grid.z.width(z));
            add(out, &scratch.fluxes[0], weight);
        }
    }

    /// Adds `factor` times the flux through face `face` in depth, downwards, to `out`.
    pub fn through(
        &self,
        grid: &Grid,
        rows: &FollowerRows<'_>,
        face: usize,
        factor: f64,
        out: &mut [f64],
        scratch: &mut FollowScratch,
    ) {
        if !rows.joined(face) {
            return;
        }
        let plane = out.len();
        scratch.slopes.iter_mut().for_each(|row| row.resize(plane, 0.0));
        scratch.fluxes.iter_mut().for_each(|row| row.resize(plane + 1, 0.0));
        let FollowScratch { slopes: [before, after, _], fluxes: [fluxes, _] } = scratch;
        rows.slopes(grid, face - 1, before);
        rows.slopes(grid, face, after);
        let density = rows.flux(grid, face, [before, after], fluxes);
        add(out, fluxes, factor * density);
    }
}

impl FollowerRows<'_> {
    fn moves(&self, k: usize) -> bool {
        k < self.moves.len() && self.moves[k]
    }

    /// Whether something passes face `face` in depth.
    fn joined(&self, face: usize) -> bool {
        face > 0 && self.moves(face - 1) && self.moves(face)
    }

    /// Limited slopes along depth at depth `k`.
    fn slopes(&self, grid: &Grid, k: usize, slopes: &mut [f64]) {
        if k > 0 && self.moves(k - 1) && self.moves(k + 1) {
            let own = &self.own;
            slope_across(slopes, [own(k - 1), own(k), own(k + 1)], [near(grid, k), near(grid, k + 1)]);
        } else {
            slopes.fill(0.0);
        }
    }

    /// Writes the flux through face `face` in depth, downwards, but for the density that it returns.
    fn flux(&self, grid: &Grid, face: usize, slopes: [&[f64]; 2], fluxes: &mut [f64]) -> f64 {
        let [before, after] = [face - 1, face];
        let ahead = [before, after].map(|k| grid.z.faces[face] - grid.z.centres[k]);
        flux_across(
            fluxes,
            [(self.sensitivity)(before), (self.sensitivity)(after)],
            [(self.signal)(before), (self.signal)(after)],
            [(self.own)(before), (self.own)(after)],
            slopes,
            [0.5 * near(grid, face), ahead[0], ahead[1]],
        );
        0.5 * ((self.density)(before) + (self.density)(after))
    }
}

/// 1 / distance of the centres on both sides of face `k` in depth.
fn near(grid: &Grid, k: usize) -> f64 {
    1.0 / (grid.z.centres[k] - grid.z.centres[k - 1])
}

impl Spacing {
    /// Adds the balance along one contiguous row.
    fn along(
        &self,
        own: &[f64],
        signal: &[f64],
        sensitivity: &[f64],
        slopes: &mut [f64],
        fluxes: &mut [f64],
        out: &mut [f64],
    ) {
        let n = own.len();
        slope_along(slopes, own, &self.near);
        flux_along(fluxes, [sensitivity, signal, own, slopes], &self.weight, [&self.ahead[0], &self.ahead[1]]);
        for end in [0, n - 1] {
            let (before, after) = ((end + n - 1) % n, (end + 1) % n);
            slopes[end] = if self.periodic {
                let (l, r) = ((own[end] - own[before]) * self.near[end], (own[after] - own[end]) * self.near[after]);
                limited(l, r)
            } else {
                0.0
            };
        }
        // The faces next to the ends see the slopes just set.
        for face in [0, 1, n - 1, n] {
            let (p, q) = ((face + n - 1) % n, face % n);
            let speed = self.weight[face] * (sensitivity[p] + sensitivity[q]) * (signal[q] - signal[p]);
            let value = if speed > 0.0 {
                own[p] + slopes[p] * self.ahead[0][face]
            } else {
                own[q] + slopes[q] * self.ahead[1][face]
            };
            let joined = (face > 0 && face < n) || self.periodic;
            fluxes[face] = if joined { speed * value } else { 0.0 };
        }
        for (i, out) in out.iter_mut().enumerate() {
            *out += (fluxes[i] - fluxes[i + 1]) * self.measure[i];
        }
    }

    /// Adds the balance across rows of `width` values.
    fn across(
        &self,
        own: &[f64],
        signal: &[f64],
        sensitivity: &[f64],
        width: usize,
        scratch: &mut FollowScratch,
        out: &mut [f64],
    ) {
        let n = self.measure.len();
        fn row(values: &[f64], j: usize, width: usize) -> &[f64] {
            &values[j * width..][..width]
        }
        let FollowScratch { slopes: [slopes, ..], fluxes: [flux, _] } = scratch;
        for j in 0..n {
            let (before, after) = ((j + n - 1) % n, (j + 1) % n);
            let slopes = &mut slopes[j * width..][..width];
            if self.periodic || (j > 0 && j < n - 1) {
                let near = [self.near[j], self.near[after]];
                slope_across(slopes, [before, j, after].map(|j| row(own, j, width)), near);
            } else {
                slopes.fill(0.0);
            }
        }
        for face in if self.periodic { 0..n } else { 1..n } {
            let (p, q) = ((face + n - 1) % n, face);
            let pair = |values| [row(values, p, width), row(values, q, width)];
            let (of_slopes, factors) = (pair(slopes), [self.weight[face], self.ahead[0][face], self.ahead[1][face]]);
            flux_across(&mut flux[..width], pair(sensitivity), pair(signal), pair(own), of_slopes, factors);
            add(&mut out[p * width..][..width], &flux[..width], -self.measure[p]);
            add(&mut out[q * width..][..width], &flux[..width], self.measure[q]);
        }
    }
}

/// van Leer's mean of two slopes.
#[inline(always)]
fn limited(l: f64, r: f64) -> f64 {
    let product = l * r;
    let mean = 2.0 * product / (l + r);
    if product > 0.0 { mean } else { 0.0 }
}

#[inline(always)]
fn slope_across_body<const LEVEL: u8>(out: &mut [f64], [before, own, after]: [&[f64]; 3], near: [f64; 2]) {
    let n = out.len();
    let (before, own, after) = (&before[..n], &own[..n], &after[..n]);
    for i in 0..n {
        out[i] = limited((own[i] - before[i]) * near[0], (after[i] - own[i]) * near[1]);
    }
}

/// The flux through the face between two rows; `factors` are half the conductance and the ways from both centres.
#[inline(always)]
fn flux_across_body<const LEVEL: u8>(
    out: &mut [f64],
    sensitivity: [&[f64]; 2],
    signal: [&[f64]; 2],
    own: [&[f64]; 2],
    slopes: [&[f64]; 2],
    [weight, before, after]: [f64; 3],
) {
    let n = signal[0].len().min(out.len());
    let [sensitivity, signal, own, slopes] = [sensitivity, signal, own, slopes].map(|pair| pair.map(|row| &row[..n]));
    let out = &mut out[..n];
    for i in 0..n {
        let speed = weight * (sensitivity[0][i] + sensitivity[1][i]) * (signal[1][i] - signal[0][i]);
        let low = multiply_add::<LEVEL>(slopes[0][i], before, own[0][i]);
        let high = multiply_add::<LEVEL>(slopes[1][i], after, own[1][i]);
        out[i] = speed * if speed > 0.0 { low } else { high };
    }
}

/// Slopes of all but the first and the last cell of a row.
#[inline(always)]
fn slope_along_body<const LEVEL: u8>(out: &mut [f64], own: &[f64], near: &[f64]) {
    let n = own.len();
    let (out, near) = (&mut out[..n], &near[..n]);
    for i in 1..n - 1 {
        out[i] = limited((own[i] - own[i - 1]) * near[i], (own[i + 1] - own[i]) * near[i + 1]);
    }
}

/// Fluxes through the faces between cells of a row.
#[inline(always)]
fn flux_along_body<const LEVEL: u8>(
    out: &mut [f64],
    [sensitivity, signal, own, slopes]: [&[f64]; 4],
    weight: &[f64],
    ahead: [&[f64]; 2],
) {
    let n = own.len();
    let (sensitivity, signal, slopes) = (&sensitivity[..n], &signal[..n], &slopes[..n]);
    let (weight, ahead, out) = (&weight[..n], ahead.map(|row| &row[..n]), &mut out[..n]);
    for i in 1..n {
        let speed = weight[i] * (sensitivity[i - 1] + sensitivity[i]) * (signal[i] - signal[i - 1]);
        let low = multiply_add::<LEVEL>(slopes[i - 1], ahead[0][i], own[i - 1]);
        let high = multiply_add::<LEVEL>(slopes[i], ahead[1][i], own[i]);
        out[i] = speed * if speed > 0.0 { low } else { high };
    }
}

#[inline(always)]
fn add_body<const LEVEL: u8>(out: &mut [f64], values: &[f64], weight: f64) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = multiply_add::<LEVEL>(weight, *value, *out);
    }
}

crate::base::processor::wide! {
    fn slope_across(out: &mut [f64], rows: [&[f64]; 3], near: [f64; 2]) = slope_across_body;
    fn flux_across(
        out: &mut [f64],
        sensitivity: [&[f64]; 2],
        signal: [&[f64]; 2],
        own: [&[f64]; 2],
        slopes: [&[f64]; 2],
        factors: [f64; 3],
    ) = flux_across_body;
    fn slope_along(out: &mut [f64], own: &[f64], near: &[f64]) = slope_along_body;
    fn flux_along(out: &mut [f64], rows: [&[f64]; 4], weight: &[f64], ahead: [&[f64]; 2]) = flux_along_body;
    fn add(out: &mut [f64], values: &[f64], weight: f64) = add_body;
}
