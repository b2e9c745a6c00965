//! The factorised solve: (I − θA_x)(I − θA_y)(I − θA_z) k = r, one direction after the other.
//!
//! Each direction keeps Σ ρVk, and all keep a uniform field as it is. Along x and y a depth is solved at a time, while its rows
//! are in cache; along z a piece of a field's columns. So a value moves to and from memory twice a solve.
//!
//! Where two directions are both much faster than the step, the product barely damps short wavelengths. Unit cells resolve channels finely enough for that to matter, and their radius has few cells. So there the
//! lateral solve goes through the modes of the radius (`modes`) and is exact: (I − θ(A_x + A_y + A_z)) k = r is one line in depth
//! for each mode. Diffusivities that depend on fields are always solved direction by direction.
#![expect(unsafe_code, reason = "tasks write their own rows of shared arrays")]

use std::ops::Range;

use crate::engine::grid::{Axis, Ends, Grid};
use crate::engine::medium::Layout;
use crate::engine::stepper::line::{self, LINE, LineFactors};
use crate::engine::stepper::modes::Modes;
use crate::engine::stepper::shared::Shared;
use crate::engine::stepper::transport::{Mover, Outside, Outsides};

/// Factors of all lines of a grid for one θ.
#[derive(Debug, Default)]
pub struct Sweeps {
    theta: f64,
    /// One line a mover and layer along x and y, for diffusivities by layer.
    x: Vec<LineFactors>,
    y: Vec<LineFactors>,
    /// One line a mover along depth.
    z: Vec<LineFactors>,
    /// For unit cells.
    modes: Option<Modes>,
    /// Whether a mover is solved by them: asked at every depth, so found once a step.
    modal: Vec<bool>,
}

/// A piece of a field's columns, handed to one thread.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The volume field.
    pub field: usize,
    /// How it spreads, as an index into the movers.
    mover: Option<usize>,
    /// Depths in which it changes.
    pub depths: Vec<bool>,
    /// Places.
    pub places: Range<usize>,
}

/// Values of a column piece: half of a second cache of 1 MiB, in which it is eliminated and substituted.
const PIECE: usize = 1 << 16;
/// Fewest and most places of one: runs that memory can follow, and pieces enough for all threads.
const PLACES: [usize; 2] = [256, 1024];
/// Rows of a piece that are asked for ahead of the one that is worked on.
const AHEAD: usize = 2;

/// Buffers of the lateral solves of one thread.
#[derive(Debug, Default)]
pub struct LateralScratch {
    line: LineFactors,
    turned: Vec<f64>,
    column: Vec<f64>,
    values: Vec<f64>,
    plane: Vec<f64>,
    uppers: Vec<f64>,
}

/// The pieces of all fields; `changes(f, z)` says whether field f changes at depth z.
pub fn pieces(grid: &Grid, movers: &[Mover], layout: Layout, changes: impl Fn(usize, usize) -> bool) -> Vec<Piece> {
    let mut all = Vec::new();
    // Modes are those of a whole plane.
    let [fewest, most] = PLACES;
    let even = (PIECE / layout.nz / LINE * LINE).clamp(fewest, most);
    let size = if grid.kind == "cells" { layout.plane } else { even };
    let mut mover_of = vec![None; layout.fields];
    movers.iter().enumerate().for_each(|(m, mover)| mover_of[mover.field] = Some(m));
    for field in 0..layout.fields {
        let depths: Vec<bool> = (0..layout.nz).map(|z| changes(field, z)).collect();
        if depths.iter().all(|changes| !changes) {
            continue;
        }
        let mover = mover_of[field];
        for start in (0..layout.plane).step_by(size) {
            let places = start..(start + size).min(layout.plane);
            all.push(Piece { field, mover, depths: depths.clone(), places });
        }
    }
    all
}

impl Sweeps {
    /// No factors yet.
    pub fn new(grid: &Grid) -> Self {
        let modes = (grid.kind == "cells").then(|| Modes::new(grid));
        Self { theta: 0.0, x: Vec::new(), y: Vec::new(), z: Vec::new(), modes, modal: Vec::new() }
    }

    /// θ = γ·step of the factors.
    pub fn theta(&self) -> f64 {
        self.theta
    }

    /// The modes by which a mover is solved.
    fn modes(&self, m: usize) -> Option<&Modes> {
        self.modes.as_ref().filter(|_| self.modal[m])
    }

    /// Factors for θ = γ·step. `outsides` are the conditions of each mover.
    pub fn prepare(&mut self, grid: &Grid, movers: &[Mover], outsides: &[Outsides], theta: f64) {
        self.theta = theta;
        self.modal.clear();
        if self.modes.is_some() {
            let even = |mover: &Mover| mover.dependent.is_none() && mover.moves[mover.range.clone()].iter().all(|m| *m);
            let modal =
                movers.iter().zip(outsides).map(|(m, outside)| even(m) && outside[2..].iter().all(Option::is_none));
            self.modal.extend(modal);
        }
        let layers = grid.layers.len();
        self.x.resize(movers.len() * layers, LineFactors::default());
        self.y.resize(movers.len() * layers, LineFactors::default());
        self.z.resize(movers.len(), LineFactors::default());
        for (m, mover) in movers.iter().enumerate().filter(|(_, mover)| mover.dependent.is_none()) {
            let outside = &outsides[m];
            for layer in 0..layers {
                let Some(k) = mover.layer.iter().position(|&l| l == layer) else { continue };
                if !mover.moves[k] {
                    continue;
                }
                let at = m * layers + layer;
                let [d, e] = [mover.along(0, k), mover.along(1, k)];
                if coupled(&grid.x, &outside[2..4]) {
                    lateral_line(&mut self.x[at], grid, (mover, 0, k), &outside[2..4], theta, |_| d, |_| d);
                }
                if coupled(&grid.y, &outside[4..6]) && grid.exchange.is_none() {
                    lateral_line(&mut self.y[at], grid, (mover, 1, k), &outside[4..6], theta, |_| e, |_| e);
                }
            }
            let face = |k: usize| mover.drift.as_ref().map_or([mover.depth[k]; 2], |drift| drift.depth[k]);
            depth_line(&mut self.z[m], grid, mover, outside, theta, face, |k| mover.diffusivity[k]);
        }
    }

    /// Solves along x and y at depth `k`, in place, for every mover. `slab` holds the rows of all fields at that depth.
    pub fn lateral(
        &self,
        grid: &Grid,
        layout: Layout,
        movers: &[Mover],
        outsides: &[Outsides],
        spread: &[f64],
        k: usize,
        slab: &mut [f64],
        scratch: &mut LateralScratch,
    ) {
        let (nx, ny) = (grid.x.len(), grid.y.len());
        for (m, mover) in movers.iter().enumerate().filter(|(_, mover)| mover.moves[k]) {
            let row = &mut slab[mover.field * layout.stride..][..layout.plane];
            if let Some(modes) = self.modes(m) {
                scratch.plane.resize(layout.plane, 0.0);
                modes.forward(row, &mut scratch.plane);
                continue;
            }
            let at = m * grid.layers.len() + mover.layer[k];
            if mover.dependent.is_none() && nx > 1 && ny > 1 && grid.exchange.is_none() {
                self.y[at].solve_plane(&self.x[at], row, &mut scratch.turned);
                continue;
            }
            let own = |axis: usize| {
                let row = || &spread[(mover.index(axis) * layout.nz + k) * layout.stride..][..layout.plane];
                mover.dependent.map(|_| row())
            };
            if coupled(&grid.x, &outsides[m][2..4]) {
                match own(0) {
                    None if nx == 1 => row.chunks_mut(1).for_each(|row| self.x[at].solve(row)),
                    None => self.x[at].solve_rows(row, &mut scratch.turned),
                    Some(own) => {
                        for (row, own) in row.chunks_mut(nx).zip(own.chunks(nx)) {
                            let face = |i: usize| mean_at(mover, &grid.x, own, i);
                            let line = &mut scratch.line;
                            let at = (mover, 0, k);
                            lateral_line(line, grid, at, &outsides[m][2..4], self.theta, face, |i| own[i]);
                            line.solve(row);
                        }
                    }
                }
            }
            if let Some(exchange) = &grid.exchange {
                let ring = |j: usize| j * nx + nx - 1;
                let weights = || exchange.weights.iter().enumerate();
                let d = own(0).map_or(mover.along(0, k), |own| weights().map(|(j, w)| w * own[ring(j)]).sum());
                let alpha = self.theta * exchange.rate * d;
                let mean: f64 = weights().map(|(j, weight)| weight * row[ring(j)]).sum();
                for j in 0..ny {
                    row[ring(j)] = (row[ring(j)] + alpha * mean) / (1.0 + alpha);
                }
            } else if coupled(&grid.y, &outsides[m][4..6]) {
                match own(1) {
                    None => self.y[at].solve_across(row, nx, &mut scratch.turned),
                    Some(own) => {
                        let LateralScratch { line, column, values, .. } = scratch;
                        for i in 0..nx {
                            column.clear();
                            column.extend((0..ny).map(|j| row[j * nx + i]));
                            values.clear();
                            values.extend((0..ny).map(|j| own[j * nx + i]));
                            let face = |j: usize| mean_at(mover, &grid.y, values, j);
                            let at = (mover, 1, k);
                            lateral_line(line, grid, at, &outsides[m][4..6], self.theta, face, |j| values[j]);
                            line.solve(column);
                            (0..ny).for_each(|j| row[j * nx + i] = column[j]);
                        }
                    }
                }
            }
        }
    }

    /// Solves along depth, in place, for the places of a piece, and hands each finished row to `done` (depth, row), from the
    /// bottom up. `volume` is the volume part of a state.
    ///
    /// # Safety
    /// Nobody else uses the piece's values meanwhile.
    pub unsafe fn depth(
        &self,
        grid: &Grid,
        layout: Layout,
        movers: &[Mover],
        outsides: &[Outsides],
        spread: &[f64],
        piece: &Piece,
        volume: &Shared<'_, f64>,
        scratch: &mut LateralScratch,
        mut done: impl FnMut(usize, &mut [f64]),
    ) {
        // SAFETY: the caller hands out the places of the piece, and rows of different depths do not overlap.
        let row = |k: usize| unsafe {
            let start = layout.row(k, piece.field).start;
            volume.row(start + piece.places.start..start + piece.places.end)
        };
        let mover = piece.mover.map(|m| (m, &movers[m]));
        let still = layout.nz == 1 && piece.mover.is_none_or(|m| outsides[m][0].is_none() && outsides[m][1].is_none());
        match mover {
            Some((m, mover)) if self.modes(m).is_some() => {
                let modes = self.modes(m).expect("just asked");
                let LateralScratch { plane, uppers, .. } = scratch;
                let (width, range) = (layout.plane, mover.range.clone());
                plane.resize(width, 0.0);
                uppers.resize(uppers.len().max(width * range.len()), 0.0);
                let line = &self.z[m];
                for k in range.clone() {
                    let i = k - range.start;
                    let (above, own) = uppers.split_at_mut(i * width);
                    let before = if i > 0 { Some((&*row(k - 1), &above[(i - 1) * width..])) } else { None };
                    let stretch = self.theta * mover.along(0, k);
                    line.forward_modes(i, row(k), before, &mut own[..width], &modes.values, stretch);
                }
                let finish = |k: usize, plane: &mut [f64], done: &mut dyn FnMut(usize, &mut [f64])| {
                    modes.backward(row(k), plane);
                    done(k, row(k));
                };
                for k in range.clone().rev() {
                    if k + 1 < range.end {
                        line::backward_modes(row(k), row(k + 1), &uppers[(k - range.start) * width..][..width]);
                        finish(k + 1, plane, &mut done);
                    }
                }
                finish(range.start, plane, &mut done);
                let others = (0..layout.nz).rev().filter(|k| piece.depths[*k] && !range.contains(k));
                others.for_each(|k| done(k, row(k)));
                return;
            }
            Some((m, mover)) if !still && mover.dependent.is_none() => {
                let line = &self.z[m];
                let mut before: Option<&mut [f64]> = None;
                for k in mover.range.clone() {
                    let own = row(k);
                    // Rows of a column lie far apart: memory cannot guess the next one.
                    let ahead = if k + AHEAD < mover.range.end { row(k + AHEAD).as_ptr() } else { own.as_ptr() };
                    line.forward(k - mover.range.start, own, before.as_deref(), ahead);
                    before = Some(own);
                }
                for k in (0..layout.nz).rev().filter(|&k| piece.depths[k]) {
                    let own = row(k);
                    if mover.range.contains(&k) && mover.range.contains(&(k + 1)) {
                        line.backward(k - mover.range.start, own, row(k + 1));
                    }
                    done(k, own);
                }
                return;
            }
            Some((m, mover)) if !still => {
                let value =
                    |k: usize, p: usize| spread[(mover.dependent.unwrap_or(0) * layout.nz + k) * layout.stride + p];
                let LateralScratch { line, column, .. } = scratch;
                for (i, p) in piece.places.clone().enumerate() {
                    let face = |k: usize| {
                        if mover.joined(k) { mover.pair(grid, k, |k| value(k, p)) } else { [0.0; 2] }
                    };
                    depth_line(line, grid, mover, &outsides[m], self.theta, face, |k| value(k, p));
                    column.clear();
                    column.extend(mover.range.clone().map(|k| row(k)[i]));
                    line.solve(column);
                    mover.range.clone().zip(&*column).for_each(|(k, value)| row(k)[i] = *value);
                }
            }
            _ => {}
        }
        (0..layout.nz).rev().filter(|&k| piece.depths[k]).for_each(|k| done(k, row(k)));
    }
}

/// Whether something passes along an axis: between its cells, or through its ends.
fn coupled(axis: &Axis, ends: &[Option<Outside>]) -> bool {
    axis.len() > 1 || ends.iter().any(Option::is_some)
}

/// Mean of the diffusivity on lower face i of a line; face 0 is the one that joins the ends.
fn mean_at(mover: &Mover, axis: &Axis, values: &[f64], i: usize) -> f64 {
    let n = values.len();
    let (before, after) = ((i + n - 1) % n, i % n);
    match (i, axis.ends) {
        (0, Ends::Closed) => 0.0,
        (i, Ends::Closed) if i == n => 0.0,
        _ => mover.between([axis.width(before), axis.width(after)], [values[before], values[after]]),
    }
}

/// A line along x (0) or y (1) at a depth; `face(i)` is the diffusivity on face i, `cell(i)` that of a cell, for conditions at the
/// ends.
fn lateral_line(
    line: &mut LineFactors,
    grid: &Grid,
    (mover, along, k): (&Mover, usize, usize),
    ends: &[Option<Outside>],
    theta: f64,
    face: impl Fn(usize) -> f64,
    cell: impl Fn(usize) -> f64,
) {
    let axis = if along == 0 { &grid.x } else { &grid.y };
    let n = axis.len();
    line.prepare(n, axis.ends == Ends::Periodic, |i| {
        let over = theta / axis.volume[i];
        let mut outside = 0.0;
        for (end, at) in [(0, 0), (1, n - 1)] {
            if let Some(condition) = ends[end].as_ref().filter(|_| i == at) {
                outside += over * mover.side(grid, 2 * along + end, condition, k, cell(i))[0];
            }
        }
        if mover.drift.is_some() {
            let pair = |i: usize| if n > 1 { mover.pair_across(grid, along, k, i, face(i)) } else { [0.0; 2] };
            let closed = axis.ends == Ends::Closed && i + 1 == n;
            return carried(over, pair(i), if closed { [0.0; 2] } else { pair(i + 1) }, outside);
        }
        [over * axis.conductance[i] * face(i), over * axis.conductance[i + 1] * face(i + 1), outside]
    });
}

/// A row of a line whose faces have the coefficients a, b: what comes from both neighbours, and what goes outside. What leaves
/// for a neighbour is not what comes from it, and the difference is as if it went outside.
fn carried(over: f64, [a, b]: [f64; 2], [c, d]: [f64; 2], outside: f64) -> [f64; 3] {
    [over * a, over * d, outside + over * ((b - a) + (c - d))]
}

/// `face(k)` are the coefficients per area of face k, `cell(k)` the diffusivity of a cell, for conditions at the ends.
fn depth_line(
    line: &mut LineFactors,
    grid: &Grid,
    mover: &Mover,
    outsides: &Outsides,
    theta: f64,
    face: impl Fn(usize) -> [f64; 2],
    cell: impl Fn(usize) -> f64,
) {
    let (n, first) = (grid.z.len(), mover.range.start);
    line.prepare(mover.range.len(), false, |i| {
        let k = first + i;
        let over = theta / (mover.density[k] * grid.z.width(k));
        let mut outside = 0.0;
        for (side, at) in [(0, 0), (1, n - 1)] {
            if let Some(condition) = outsides[side].filter(|_| k == at && mover.moves[k]) {
                let speed = if side == 0 { mover.speed(2, k) } else { -mover.speed(2, k) };
                let pair = condition.pair(mover.density[k] * cell(k) / (0.5 * grid.z.width(k)), speed, 1.0);
                outside += over * condition.held(theta, pair)[0];
            }
        }
        let [above, below] = [face(k), face(k + 1)];
        match mover.drift {
            None => [over * above[0], over * below[0], outside],
            Some(_) => carried(over, above, below, outside),
        }
    });
}
