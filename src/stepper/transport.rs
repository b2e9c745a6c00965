//! Spreading: the finite-volume flux balance, and the one-dimensional solves (I − θA) k = r along each axis.
//!
//! For a field u with diffusivity D and reference density ρ,
//!
//! (A u)ᵢ = 1/(ρᵢVᵢ) Σ_faces g (u_neighbour − uᵢ), g = area·ρD/distance.
//!
//! Along depth ρD jumps at layers: g takes the harmonic mean, which is exact for a steady flux through two layers. Where D
//! depends on fields the mean inside a layer is arithmetic, else a field that opens its own way (D → 0 ahead of a front) would
//! be pinned. At a face with a condition, g joins the cell's centre to the value outside, in series with the exchange there.
//!
//! The directions are solved one after the other (approximate factorisation): each solve keeps Σ ρVu, and all keep a
//! uniform field as it is.

use std::ops::Range;

use rayon::prelude::*;

use crate::grid::{Ends, Grid};
use crate::language::{Boundary, Diffusion, Face, VolumeField};
use crate::skin::Layout;

/// The condition on a face now: speed of exchange [m/s] (infinite where the value is given) and value outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outside {
    exchange: f64,
    value: f64,
}

/// Conditions on the faces top, bottom, x low, x high, y low, y high.
pub type Outsides = [Option<Outside>; 6];

/// Evaluates the conditions of a field; `number` runs a program of signals and time.
pub fn outsides(boundary: &Boundary, mut number: impl FnMut(&crate::language::Program) -> f64) -> Outsides {
    let mut outside = |face: &Face| match face {
        Face::NoFlux => None,
        Face::Value(value) => Some(Outside { exchange: f64::INFINITY, value: number(value) }),
        Face::Exchange { exchange, outside } => {
            Some(Outside { exchange: number(exchange).max(0.0), value: number(outside) })
        }
    };
    let mut all = [outside(&boundary.top), outside(&boundary.bottom), None, None, None, None];
    for (slot, side) in all[2..].iter_mut().zip(&boundary.sides) {
        *slot = side.as_ref().and_then(&mut outside);
    }
    all
}

impl Outside {
    /// Conductance from a cell centre to the outside; `inner` is the conductance from the centre to the face.
    fn conductance(&self, inner: f64, area: f64) -> f64 {
        if self.exchange.is_infinite() {
            inner
        } else if inner > 0.0 && self.exchange > 0.0 {
            1.0 / (1.0 / inner + 1.0 / (self.exchange * area))
        } else {
            0.0
        }
    }
}

/// How one field spreads on one grid.
#[derive(Debug, Clone)]
pub struct Mover {
    /// The volume field.
    pub field: usize,
    /// Diffusivity at each depth; where it depends on fields, zero.
    pub diffusivity: Vec<f64>,
    /// Index into the arrays of state-dependent diffusivities.
    pub dependent: Option<usize>,
    /// Reference density at each depth.
    density: Vec<f64>,
    /// Whether the field moves at each depth.
    pub moves: Vec<bool>,
    /// Depth indices between which it moves.
    pub range: Range<usize>,
    /// Conductance per area between depth k − 1 and k, for diffusivities by layer.
    depth: Vec<f64>,
    layer: Vec<usize>,
}

impl Mover {
    /// A mover for volume field `field`, if it spreads.
    pub fn new(grid: &Grid, field: usize, of: &VolumeField, dependent: &mut usize) -> Option<Self> {
        let nz = grid.z.len();
        let (diffusivity, index, moves): (Vec<f64>, _, Vec<bool>) = match of.diffusion.as_ref()? {
            Diffusion::Layered(values) => {
                let at: Vec<f64> =
                    grid.layer.iter().map(|&layer| if of.lives[layer] { values[layer] } else { 0.0 }).collect();
                let moves = at.iter().map(|d| *d > 0.0).collect();
                (at, None, moves)
            }
            Diffusion::Dependent(programs) => {
                let moves = grid.layer.iter().map(|&layer| of.lives[layer] && programs[layer].is_some()).collect();
                *dependent += 1;
                (vec![0.0; nz], Some(*dependent - 1), moves)
            }
        };
        let first = moves.iter().position(|moves| *moves)?;
        let last = moves.iter().rposition(|moves| *moves)? + 1;
        let density: Vec<f64> = grid.layer.iter().map(|&layer| of.density[layer]).collect();
        let mut depth = vec![0.0; nz + 1];
        for k in 1..nz {
            let resistance = |k: usize| 0.5 * grid.z.width(k) / (density[k] * diffusivity[k]);
            if diffusivity[k - 1] > 0.0 && diffusivity[k] > 0.0 {
                depth[k] = 1.0 / (resistance(k - 1) + resistance(k));
            }
        }
        let layer = grid.layer.clone();
        Some(Self { field, diffusivity, dependent: index, density, moves, range: first..last, depth, layer })
    }

    /// Whether neighbours in depth k − 1 and k exchange.
    fn joined(&self, k: usize) -> bool {
        k > 0 && k < self.moves.len() && self.moves[k - 1] && self.moves[k]
    }

    /// Conductance per area of face k between cells of these diffusivities, where they depend on fields.
    fn face(&self, grid: &Grid, k: usize, above: f64, below: f64) -> f64 {
        let (upper, lower) = (self.density[k - 1] * above, self.density[k] * below);
        let (h, l) = (0.5 * grid.z.width(k - 1), 0.5 * grid.z.width(k));
        if self.layer[k - 1] == self.layer[k] {
            0.5 * (upper + lower) / (h + l)
        } else if upper > 0.0 && lower > 0.0 {
            1.0 / (h / upper + l / lower)
        } else {
            0.0
        }
    }

    /// Rates of exchange \[1/s\] of a cell at depth `k` with a neighbour along x, along y, above and below, for diffusivities
    /// by layer and even lateral axes; zero above the first cell and below the last.
    pub fn exchange_rates(&self, grid: &Grid, k: usize) -> [f64; 4] {
        let lateral = |axis: &crate::grid::Axis| {
            if axis.len() > 1 { self.diffusivity[k] * axis.conductance[1] / axis.volume[0] } else { 0.0 }
        };
        let depth = |face: usize| {
            if self.joined(face) { self.depth[face] / (self.density[k] * grid.z.width(k)) } else { 0.0 }
        };
        [lateral(&grid.x), lateral(&grid.y), depth(k), depth(k + 1)]
    }

    /// Adds the flux balance of depth `k` to `out`. `rows(k)` is the field's row at a depth, `spread(k)` that of its
    /// diffusivity where it depends on fields.
    pub fn balance<'a>(
        &self,
        grid: &Grid,
        k: usize,
        rows: &dyn Fn(usize) -> &'a [f64],
        spread: &dyn Fn(usize) -> &'a [f64],
        outsides: &Outsides,
        out: &mut [f64],
    ) {
        if !self.moves[k] {
            return;
        }
        let own = rows(k);
        let measure = self.density[k] * grid.z.width(k);
        for (face, other) in [(k, k.wrapping_sub(1)), (k + 1, k + 1)] {
            if !self.joined(face) {
                continue;
            }
            let neighbour = rows(other);
            if self.dependent.is_some() {
                let (above, below) = (spread(face - 1), spread(face));
                for (p, out) in out.iter_mut().enumerate() {
                    *out += self.face(grid, face, above[p], below[p]) / measure * (neighbour[p] - own[p]);
                }
            } else {
                let rate = self.depth[face] / measure;
                for ((out, neighbour), own) in out.iter_mut().zip(neighbour).zip(own) {
                    *out += rate * (neighbour - own);
                }
            }
        }
        let half = 0.5 * grid.z.width(k);
        for (side, at) in [(0, 0), (1, self.moves.len() - 1)] {
            let Some(outside) = outsides[side].filter(|_| k == at) else { continue };
            for (p, (out, own)) in out.iter_mut().zip(own).enumerate() {
                let diffusivity = self.at(k, p, spread);
                let g = outside.conductance(self.density[k] * diffusivity / half, 1.0);
                *out += g / measure * (outside.value - own);
            }
        }
        self.lateral(grid, k, own, spread, outsides, out);
    }

    fn at<'a>(&self, k: usize, p: usize, spread: &dyn Fn(usize) -> &'a [f64]) -> f64 {
        if self.dependent.is_some() { spread(k)[p] } else { self.diffusivity[k] }
    }

    fn lateral<'a>(
        &self,
        grid: &Grid,
        k: usize,
        own: &[f64],
        spread: &dyn Fn(usize) -> &'a [f64],
        outsides: &Outsides,
        out: &mut [f64],
    ) {
        let (nx, ny) = (grid.x.len(), grid.y.len());
        let d = self.diffusivity[k];
        let spread = self.dependent.map(|_| spread(k));
        let mean = |p: usize, q: usize| spread.map_or(d, |values| 0.5 * (values[p] + values[q]));
        if nx > 1 {
            let volume = &grid.x.volume;
            for j in 0..ny {
                let row = j * nx;
                for i in 0..nx - 1 {
                    let (p, q) = (row + i, row + i + 1);
                    let flux = grid.x.conductance[i + 1] * mean(p, q) * (own[q] - own[p]);
                    out[p] += flux / volume[i];
                    out[q] -= flux / volume[i + 1];
                }
                if grid.x.ends == Ends::Periodic {
                    let (p, q) = (row + nx - 1, row);
                    let flux = grid.x.conductance[0] * mean(p, q) * (own[q] - own[p]);
                    out[p] += flux / volume[nx - 1];
                    out[q] -= flux / volume[0];
                }
            }
        }
        if let Some(exchange) = &grid.exchange {
            let ring = |j: usize| j * nx + nx - 1;
            let over = |values: &dyn Fn(usize) -> f64| -> f64 {
                exchange.weights.iter().enumerate().map(|(j, weight)| weight * values(ring(j))).sum()
            };
            let mean = over(&|p| own[p]);
            let rate = exchange.rate * spread.map_or(d, |values| over(&|p| values[p]));
            for j in 0..ny {
                out[ring(j)] += rate * (mean - own[ring(j)]);
            }
        } else if ny > 1 {
            let volume = &grid.y.volume;
            let mut pass = |j: usize, next: usize, conductance: f64| {
                for i in 0..nx {
                    let (p, q) = (j * nx + i, next * nx + i);
                    let flux = conductance * mean(p, q) * (own[q] - own[p]);
                    out[p] += flux / volume[j];
                    out[q] -= flux / volume[next];
                }
            };
            for j in 0..ny - 1 {
                pass(j, j + 1, grid.y.conductance[j + 1]);
            }
            if grid.y.ends == Ends::Periodic {
                pass(ny - 1, 0, grid.y.conductance[0]);
            }
        }
        for (side, outside) in outsides[2..].iter().enumerate() {
            let Some(outside) = outside else { continue };
            let (axis, n) = if side < 2 { (&grid.x, nx) } else { (&grid.y, ny) };
            let at = if side % 2 == 0 { 0 } else { n - 1 };
            for other in 0..nx * ny / n {
                let p = if side < 2 { other * nx + at } else { at * nx + other };
                out[p] += self.side(axis, side % 2, outside, mean(p, p)) / axis.volume[at] * (outside.value - own[p]);
            }
        }
    }

    /// Conductance through a lateral face of the domain.
    fn side(&self, axis: &crate::grid::Axis, end: usize, outside: &Outside, diffusivity: f64) -> f64 {
        let half = 0.5 * axis.width(if end == 0 { 0 } else { axis.len() - 1 });
        outside.conductance(axis.end_conductance[end] * diffusivity, axis.end_conductance[end] * half)
    }
}

/// The factors of one tridiagonal line: I − θA.
#[derive(Debug, Clone, Default)]
struct Line {
    sub: Vec<f64>,
    inverse: Vec<f64>,
    upper: Vec<f64>,
    /// For a line whose ends meet: the solution for the corner column, the share of the last value, and the correction.
    wrap: Option<(Vec<f64>, f64, f64)>,
}

impl Line {
    /// `rates(i)` gives θ times the rates of exchange of cell i with its lower neighbour, its upper one, and the outside.
    fn prepare(&mut self, n: usize, periodic: bool, rates: &dyn Fn(usize) -> [f64; 3]) {
        for row in [&mut self.sub, &mut self.inverse, &mut self.upper] {
            row.clear();
            row.resize(n, 0.0);
        }
        let [low, high, out] = rates(0);
        let (first, corner) = (1.0 + low + high + out, -low);
        let last_up = rates(n - 1)[1];
        // Sherman–Morrison: take the corners off as a rank-one matrix u vᵀ, u = (γ, …, −last_up), v = (1, …, corner/γ).
        let gamma = -first;
        for i in 0..n {
            let [low, high, out] = rates(i);
            let mut diagonal = 1.0 + low + high + out;
            if periodic && i == 0 {
                diagonal -= gamma;
            }
            if periodic && i == n - 1 {
                diagonal -= -last_up * corner / gamma;
            }
            self.sub[i] = if i > 0 { -low } else { 0.0 };
            let carried = if i > 0 { self.upper[i - 1] } else { 0.0 };
            self.inverse[i] = 1.0 / (diagonal - self.sub[i] * carried);
            self.upper[i] = if i < n - 1 { -high * self.inverse[i] } else { 0.0 };
        }
        self.wrap = None;
        if periodic {
            let mut q = vec![0.0; n];
            q[0] = gamma;
            q[n - 1] += -last_up;
            self.eliminate(&mut q);
            let share = corner / gamma;
            let correction = 1.0 / (1.0 + q[0] + share * q[n - 1]);
            self.wrap = Some((q, share, correction));
        }
    }

    fn eliminate(&self, row: &mut [f64]) {
        let n = row.len();
        let mut carried = 0.0;
        for ((value, sub), inverse) in row.iter_mut().zip(&self.sub).zip(&self.inverse) {
            carried = (*value - sub * carried) * inverse;
            *value = carried;
        }
        for i in (0..n - 1).rev() {
            row[i] -= self.upper[i] * row[i + 1];
        }
    }

    /// Solves along a contiguous row.
    fn solve(&self, row: &mut [f64]) {
        self.eliminate(row);
        if let Some((q, share, correction)) = &self.wrap {
            let amount = (row[0] + share * row[row.len() - 1]) * correction;
            for (value, q) in row.iter_mut().zip(q) {
                *value -= amount * q;
            }
        }
    }

    /// Solves across rows of `width` values: row i follows row i − 1 after `width`.
    fn solve_across(&self, slab: &mut [f64], width: usize) {
        let n = self.inverse.len();
        for i in 0..n {
            let (before, own) = slab.split_at_mut(i * width);
            let own = &mut own[..width];
            let inverse = self.inverse[i];
            if i == 0 {
                own.iter_mut().for_each(|value| *value *= inverse);
            } else {
                let sub = self.sub[i];
                for (value, before) in own.iter_mut().zip(&before[(i - 1) * width..]) {
                    *value = (*value - sub * before) * inverse;
                }
            }
        }
        for i in (0..n - 1).rev() {
            let upper = self.upper[i];
            let (own, after) = slab[i * width..].split_at_mut(width);
            for (value, after) in own.iter_mut().zip(after) {
                *value -= upper * *after;
            }
        }
        if let Some((q, share, correction)) = &self.wrap {
            for p in 0..width {
                let amount = (slab[p] + share * slab[(n - 1) * width + p]) * correction;
                for (i, q) in q.iter().enumerate() {
                    slab[i * width + p] -= amount * q;
                }
            }
        }
    }
}

/// Factors of all lines of a grid for one θ.
#[derive(Debug, Default)]
pub struct Sweeps {
    theta: f64,
    /// One line a mover and layer along x and y, for diffusivities by layer.
    x: Vec<Line>,
    y: Vec<Line>,
    /// One line a mover along depth.
    z: Vec<Line>,
}

/// A piece of a field's columns, handed to one thread.
#[derive(Debug, Clone)]
pub struct Piece {
    mover: usize,
    places: Range<usize>,
}

/// Places of a column piece: enough for vectors and few enough to stay in cache over the depth.
const PIECE: usize = 512;

/// The pieces of all movers.
pub fn pieces(movers: &[Mover], layout: Layout) -> Vec<Piece> {
    (0..movers.len())
        .flat_map(|mover| {
            (0..layout.plane)
                .step_by(PIECE)
                .map(move |start| Piece { mover, places: start..(start + PIECE).min(layout.plane) })
        })
        .collect()
}

impl Sweeps {
    /// Factors for θ = γ·step. `outsides` are the conditions of each mover.
    pub fn prepare(&mut self, grid: &Grid, movers: &[Mover], outsides: &[Outsides], theta: f64) {
        self.theta = theta;
        let layers = grid.layers.len();
        self.x.resize(movers.len() * layers, Line::default());
        self.y.resize(movers.len() * layers, Line::default());
        self.z.resize(movers.len(), Line::default());
        for (m, mover) in movers.iter().enumerate() {
            if mover.dependent.is_some() {
                continue;
            }
            let outside = &outsides[m];
            for layer in 0..layers {
                let Some(k) = mover.layer.iter().position(|&l| l == layer) else { continue };
                let d = mover.diffusivity[k];
                if d <= 0.0 {
                    continue;
                }
                let at = m * layers + layer;
                if grid.x.len() > 1 {
                    lateral_line(&mut self.x[at], &grid.x, mover, &outside[2..4], theta, &|_| d, &|_| d);
                }
                if grid.y.len() > 1 && grid.exchange.is_none() {
                    lateral_line(&mut self.y[at], &grid.y, mover, &outside[4..6], theta, &|_| d, &|_| d);
                }
            }
            depth_line(&mut self.z[m], grid, mover, outside, theta, &|k| mover.depth[k], &|k| mover.diffusivity[k]);
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
        scratch: &mut Scratch,
    ) {
        let (nx, ny) = (grid.x.len(), grid.y.len());
        for (m, mover) in movers.iter().enumerate().filter(|(_, mover)| mover.moves[k]) {
            let row = &mut slab[mover.field * layout.stride..][..layout.plane];
            let at = m * grid.layers.len() + mover.layer[k];
            let own = mover.dependent.map(|index| &spread[(index * layout.nz + k) * layout.stride..][..layout.plane]);
            if nx > 1 {
                for (j, row) in row.chunks_mut(nx).enumerate() {
                    match own {
                        None => self.x[at].solve(row),
                        Some(own) => {
                            let own = &own[j * nx..][..nx];
                            let face = |i: usize| mean_at(own, i, grid.x.ends);
                            let line = &mut scratch.line;
                            lateral_line(line, &grid.x, mover, &outsides[m][2..4], self.theta, &face, &|i| own[i]);
                            line.solve(row);
                        }
                    }
                }
            }
            if let Some(exchange) = &grid.exchange {
                let ring = |j: usize| j * nx + nx - 1;
                let weights = || exchange.weights.iter().enumerate();
                let d = own.map_or(mover.diffusivity[k], |own| weights().map(|(j, w)| w * own[ring(j)]).sum());
                let alpha = self.theta * exchange.rate * d;
                let mean: f64 = weights().map(|(j, weight)| weight * row[ring(j)]).sum();
                for j in 0..ny {
                    row[ring(j)] = (row[ring(j)] + alpha * mean) / (1.0 + alpha);
                }
            } else if ny > 1 {
                match own {
                    None => self.y[at].solve_across(row, nx),
                    Some(own) => {
                        let Scratch { line, column, values } = scratch;
                        for i in 0..nx {
                            column.clear();
                            column.extend((0..ny).map(|j| row[j * nx + i]));
                            values.clear();
                            values.extend((0..ny).map(|j| own[j * nx + i]));
                            let face = |j: usize| mean_at(values, j, grid.y.ends);
                            lateral_line(line, &grid.y, mover, &outsides[m][4..6], self.theta, &face, &|j| values[j]);
                            line.solve(column);
                            (0..ny).for_each(|j| row[j * nx + i] = column[j]);
                        }
                    }
                }
            }
        }
    }

    /// Solves along depth, in place, for every mover; `volume` is the volume part of a state.
    pub fn depth(
        &self,
        grid: &Grid,
        layout: Layout,
        movers: &[Mover],
        outsides: &[Outsides],
        spread: &[f64],
        pieces: &[Piece],
        volume: &mut [f64],
    ) {
        if layout.nz == 1 && outsides.iter().all(|outside| outside[0].is_none() && outside[1].is_none()) {
            return;
        }
        assert!(volume.len() >= layout.volume());
        let shared = Shared(volume.as_mut_ptr());
        pieces.par_iter().for_each(|piece| {
            let mover = &movers[piece.mover];
            // Safety: a piece is one field and a range of places; no two pieces share a value, and rows lie inside `volume`.
            let row = |k: usize| unsafe { shared.row(layout.row(k, mover.field).start, &piece.places) };
            match mover.dependent {
                None => {
                    let line = &self.z[piece.mover];
                    let mut before: Option<&mut [f64]> = None;
                    for k in mover.range.clone() {
                        let own = row(k);
                        across(own, before.as_deref(), line.sub[k], line.inverse[k]);
                        before = Some(own);
                    }
                    for k in mover.range.clone().rev().skip(1) {
                        let (own, after) = (row(k), row(k + 1));
                        back(own, after, line.upper[k]);
                    }
                }
                Some(index) => {
                    let value = |k: usize, p: usize| spread[(index * layout.nz + k) * layout.stride + p];
                    let mut line = Line::default();
                    let mut column = vec![0.0; layout.nz];
                    for (i, p) in piece.places.clone().enumerate() {
                        let face = |k: usize| {
                            if mover.joined(k) { mover.face(grid, k, value(k - 1, p), value(k, p)) } else { 0.0 }
                        };
                        depth_line(&mut line, grid, mover, &outsides[piece.mover], self.theta, &face, &|k| value(k, p));
                        (0..layout.nz).for_each(|k| column[k] = row(k)[i]);
                        line.solve(&mut column);
                        (0..layout.nz).for_each(|k| row(k)[i] = column[k]);
                    }
                }
            }
        });
    }
}

/// Mean of the diffusivity on lower face i of a line; face 0 is the one that joins the ends.
fn mean_at(values: &[f64], i: usize, ends: Ends) -> f64 {
    let n = values.len();
    match (i, ends) {
        (0, Ends::Closed) => 0.0,
        (i, Ends::Closed) if i == n => 0.0,
        (i, _) => 0.5 * (values[(i + n - 1) % n] + values[i % n]),
    }
}

/// Buffers of the lateral solves of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    line: Line,
    column: Vec<f64>,
    values: Vec<f64>,
}

/// `face(i)` is the diffusivity on face i, `cell(i)` that of a cell, for conditions at the ends.
fn lateral_line(
    line: &mut Line,
    axis: &crate::grid::Axis,
    mover: &Mover,
    ends: &[Option<Outside>],
    theta: f64,
    face: &dyn Fn(usize) -> f64,
    cell: &dyn Fn(usize) -> f64,
) {
    let n = axis.len();
    line.prepare(n, axis.ends == Ends::Periodic, &|i| {
        let over = theta / axis.volume[i];
        let mut outside = 0.0;
        for (end, at) in [(0, 0), (1, n - 1)] {
            if let Some(condition) = ends[end].as_ref().filter(|_| i == at) {
                outside += over * mover.side(axis, end, condition, cell(i));
            }
        }
        [over * axis.conductance[i] * face(i), over * axis.conductance[i + 1] * face(i + 1), outside]
    });
}

/// `face(k)` is the conductance per area of face k, `cell(k)` the diffusivity of a cell, for conditions at the ends.
fn depth_line(
    line: &mut Line,
    grid: &Grid,
    mover: &Mover,
    outsides: &Outsides,
    theta: f64,
    face: &dyn Fn(usize) -> f64,
    cell: &dyn Fn(usize) -> f64,
) {
    let n = grid.z.len();
    line.prepare(n, false, &|k| {
        let over = theta / (mover.density[k] * grid.z.width(k));
        let mut outside = 0.0;
        for (side, at) in [(0, 0), (1, n - 1)] {
            if let Some(condition) = outsides[side].filter(|_| k == at && mover.moves[k]) {
                outside += over * condition.conductance(mover.density[k] * cell(k) / (0.5 * grid.z.width(k)), 1.0);
            }
        }
        [over * face(k), if k + 1 < n { over * face(k + 1) } else { 0.0 }, outside]
    });
}

#[inline(always)]
fn across_body(own: &mut [f64], before: Option<&[f64]>, sub: f64, inverse: f64) {
    match before {
        None => own.iter_mut().for_each(|value| *value *= inverse),
        Some(before) => {
            for (value, before) in own.iter_mut().zip(before) {
                *value = (*value - sub * before) * inverse;
            }
        }
    }
}

#[inline(always)]
fn back_body(own: &mut [f64], after: &[f64], upper: f64) {
    for (value, after) in own.iter_mut().zip(after) {
        *value -= upper * after;
    }
}

crate::stepper::wide! {
    fn across(own: &mut [f64], before: Option<&[f64]>, sub: f64, inverse: f64) = across_body;
    fn back(own: &mut [f64], after: &[f64], upper: f64) = back_body;
}

/// A state that several threads write, each its own places.
struct Shared(*mut f64);

// Safety: only `row` reaches the values, and its callers hand every thread places of its own.
unsafe impl Sync for Shared {}

impl Shared {
    /// # Safety
    /// `start + places` lies inside the array, and nobody else uses those values meanwhile.
    #[allow(clippy::mut_from_ref)]
    unsafe fn row(&self, start: usize, places: &Range<usize>) -> &mut [f64] {
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start + places.start), places.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn residual(line: &Line, n: usize, periodic: bool, rates: &dyn Fn(usize) -> [f64; 3]) -> f64 {
        let right: Vec<f64> = (0..n).map(|i| ((i * 7 + 3) % 5) as f64 - 1.0).collect();
        let mut u = right.clone();
        line.solve(&mut u);
        let mut wide: Vec<f64> = right.iter().flat_map(|v| [*v, 2.0 * v]).collect();
        line.solve_across(&mut wide, 2);
        (0..n)
            .map(|i| {
                let [low, high, out] = rates(i);
                let before = if i > 0 {
                    u[i - 1]
                } else if periodic {
                    u[n - 1]
                } else {
                    0.0
                };
                let after = if i + 1 < n {
                    u[i + 1]
                } else if periodic {
                    u[0]
                } else {
                    0.0
                };
                let left = (1.0 + low + high + out) * u[i] - low * before - high * after;
                (left - right[i]).abs().max((wide[2 * i + 1] - 2.0 * u[i]).abs())
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn lines_are_solved_closed_and_periodic() {
        for n in [2, 3, 8, 33] {
            for periodic in [false, true] {
                let rates = |i: usize| {
                    let low = if i == 0 && !periodic { 0.0 } else { 0.4 + 0.1 * (i % 3) as f64 };
                    let high = if i + 1 == n && !periodic { 0.0 } else { 3.0 + 0.2 * (i % 4) as f64 };
                    [low, high, 0.05]
                };
                let mut line = Line::default();
                line.prepare(n, periodic, &rates);
                let worst = residual(&line, n, periodic, &rates);
                assert!(worst < 1e-12, "n {n} periodic {periodic}: {worst}");
            }
        }
    }
}
