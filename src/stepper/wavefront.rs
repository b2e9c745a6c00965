//! Several explicit Euler steps in one pass over the state.
//!
//! uⁿ⁺¹ = uⁿ + h (∇·(D∇uⁿ) + R(uⁿ)) with D by layer and R from the model language.
//!
//! A step that reads and writes all of a large state is bound by memory. Here a tile of rows and depths is taken through
//! `levels` steps while it is in cache: as the front moves down, plane z − t of level t is computed from planes z − t − 1 …
//! z − t + 1 of level t − 1, of which no more than three are kept. Each level needs a row and a plane more around it than the
//! next, so neighbouring tiles compute some cells twice, by the same operations: the bits depend neither on the tiles nor on
//! the threads. Within a plane the kinetics of a few rows are computed by the program, then the differences to the
//! neighbours are added, while all of it is in the nearest cache.
//!
//! Where it does not apply ([`Wavefront::new`] says so): chemotaxis, diffusivities that depend on fields, quasi-steady and
//! surface fields, conditions on the faces of the domain, uneven lateral axes, unit cells that touch.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::grid::{Axis, Ends, Grid};
use crate::language::{Compiled, Face, Input, Operand};
use crate::processor::{Instructions, instructions};
use crate::skin::{Layout, Skin};
use crate::stepper::system::System;

/// Values of a vector; rows begin at multiples of it.
const LANES: usize = 8;
/// Cells whose kinetics are computed at once are a multiple of this, since programs run slower on what is left over.
const ROUND: usize = 64;
/// Most steps of one pass.
const LEVELS: usize = 6;
/// Values of one field whose kinetics are computed at once: inputs, results and registers stay in the nearest cache.
const GROUP: usize = 1100;
/// What the planes of a tile may take of the shared cache [bytes]. Tiles for the private cache are so narrow that computing
/// cells twice costs more than it saves.
const CACHE: usize = 6 << 20;
/// Rows of a tile below which too much is computed twice.
const FEWEST_ROWS: usize = 12;

/// The kernel with its second state.
#[derive(Debug)]
pub struct Wavefront {
    shape: Shape,
    /// Rates of exchange of each depth and field: x, y, above, below [1/s].
    exchange: Vec<[f64; 4]>,
    next: Vec<f64>,
    spaces: Vec<Mutex<Space>>,
}

/// Sizes of the grid and of the buffers.
#[derive(Debug, Clone, Copy)]
struct Shape {
    layout: Layout,
    nx: usize,
    ny: usize,
    /// Whether the ends meet along x and y.
    periodic: [bool; 2],
    /// Distance between rows of a buffer: a vector that holds the neighbours beyond the ends, then the row.
    stride: usize,
}

/// Buffers of one thread.
#[derive(Debug, Default)]
struct Space {
    planes: Aligned,
    rates: Aligned,
    registers: Vec<f64>,
}

/// Numbers that begin at a cache line.
#[derive(Debug, Default)]
struct Aligned(Vec<f64>);

impl Aligned {
    fn of(&mut self, length: usize) -> &mut [f64] {
        if self.0.len() < length + LANES {
            self.0 = vec![0.0; length + LANES];
        }
        let skip = self.0.as_ptr().align_offset(LANES * size_of::<f64>()).min(LANES);
        &mut self.0[skip..skip + length]
    }
}

/// A piece of the state that one thread takes through some steps.
#[derive(Debug, Clone)]
struct Tile {
    rows: Range<usize>,
    depths: Range<usize>,
}

/// What the kinetics read besides fields.
#[derive(Debug, Clone, Copy)]
struct Moment<'a> {
    skin: &'a Skin,
    step: f64,
    levels: usize,
}

impl Wavefront {
    /// The kernel for a skin, if it applies to its model and grid.
    pub fn new(system: &System, skin: &Skin) -> Option<Self> {
        let (grid, compiled, layout): (&Grid, &Compiled, _) = (&skin.grid, &skin.compiled, skin.layout);
        let even = |axis: &Axis| {
            let first = axis.width(0);
            axis.volume.iter().all(|volume| (volume / first - 1.0).abs() < 1e-9)
        };
        let known = |input: &Input| {
            matches!(input, Input::Volume(_) | Input::Signal(_) | Input::Time | Input::SinceSession | Input::Depth)
        };
        let closed = |face: &Face| matches!(face, Face::NoFlux);
        let applies = layout.surface == 0
            && layout.fields > 0
            && compiled.quasi.is_empty()
            && compiled.columns.is_empty()
            && compiled.layers.iter().all(|rates| rates.rate.inputs.iter().all(known))
            && grid.exchange.is_none()
            && even(&grid.x)
            && even(&grid.y)
            && system.movers.iter().all(|mover| mover.dependent.is_none())
            && compiled.volume.iter().all(|field| {
                let boundary = &field.boundary;
                field.chemotaxis.is_empty()
                    && closed(&boundary.top)
                    && closed(&boundary.bottom)
                    && boundary.sides.iter().flatten().all(closed)
            });
        if !applies {
            return None;
        }
        let mut exchange = vec![[0.0; 4]; layout.nz * layout.fields];
        for mover in &system.movers {
            for z in 0..layout.nz {
                exchange[z * layout.fields + mover.field] = mover.exchange_rates(grid, z);
            }
        }
        let (nx, ny) = (grid.x.len(), grid.y.len());
        let periodic = [&grid.x, &grid.y].map(|axis| axis.ends == Ends::Periodic);
        let stride = nx.next_multiple_of(LANES) + LANES;
        Some(Self {
            shape: Shape { layout, nx, ny, periodic, stride },
            exchange,
            next: skin.state.clone(),
            spaces: (0..rayon::current_num_threads().max(1)).map(|_| Mutex::default()).collect(),
        })
    }

    /// Advances a skin by so many steps; its time too.
    pub fn advance(&mut self, skin: &mut Skin, step: f64, steps: u64) {
        let mut left = steps;
        while left > 0 {
            let levels = left.min(LEVELS as u64) as usize;
            self.pass(skin, step, levels);
            std::mem::swap(&mut skin.state, &mut self.next);
            skin.time += step * levels as f64;
            left -= levels as u64;
        }
    }

    fn pass(&mut self, skin: &Skin, step: f64, levels: usize) {
        let exchange: Vec<[f64; 4]> = self.exchange.iter().map(|rates| rates.map(|rate| step * rate)).collect();
        let tiles = self.shape.tiles(levels, rayon::current_num_threads());
        let moment = Moment { skin, step, levels };
        let out = Shared { first: self.next.as_mut_ptr(), length: self.next.len() };
        let (shape, spaces) = (self.shape, &self.spaces);
        tiles.par_iter().for_each(|tile| {
            let own = rayon::current_thread_index().unwrap_or(0) % spaces.len();
            // A space holds nothing between tiles, so a panic elsewhere leaves nothing wrong in it.
            let mut space = spaces[own].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            shape.advance(tile, moment, &exchange, &mut space, &out);
        });
    }
}

impl Shape {
    /// Rows of a buffer for a tile: its own, those that are computed twice, and one more on each side.
    fn buffer_rows(&self, rows: usize, levels: usize) -> usize {
        rows + 2 * levels + 2
    }

    /// Length of one field's plane in a buffer. What is beyond the last row holds its last neighbour, and rounding.
    fn plane(&self, rows: usize, levels: usize) -> usize {
        self.buffer_rows(rows, levels) * self.stride + ROUND
    }

    /// Tiles that fit the cache, at least two a thread where the grid is large enough.
    fn tiles(&self, levels: usize, threads: usize) -> Vec<Tile> {
        let bytes = |rows: usize| 3 * levels * self.layout.fields * self.plane(rows, levels) * size_of::<f64>();
        let fitting = (1..=self.ny).rev().find(|&rows| bytes(rows) <= CACHE).unwrap_or(1);
        let rows = fitting.max(FEWEST_ROWS).min(self.ny);
        let across = self.ny.div_ceil(rows);
        let wanted = if threads > 1 { 2 * threads } else { 1 };
        let down = wanted.div_ceil(across).min(self.layout.nz.div_ceil(8 * levels)).max(1);
        let even = |count: usize, parts: usize, part: usize| count * part / parts..count * (part + 1) / parts;
        (0..across)
            .flat_map(|a| (0..down).map(move |d| (a, d)))
            .map(|(a, d)| Tile { rows: even(self.ny, across, a), depths: even(self.layout.nz, down, d) })
            .collect()
    }

    /// The rows that level `t` of a tile needs, in rows of the buffer; row 0 of the buffer is `levels` + 1 above the tile.
    fn rows(&self, tile: &Tile, levels: usize, t: usize) -> Range<usize> {
        let (around, shift) = (levels - t, levels + 1);
        let (mut first, mut last) = (tile.rows.start + shift - around, tile.rows.end + shift + around);
        if !self.periodic[1] || self.ny == 1 {
            first = first.max(shift);
            last = last.min(self.ny + shift);
        }
        // In rows of the grid, `first − shift` may be negative; from here on rows count from the tile's buffer.
        first - tile.rows.start..last - tile.rows.start
    }

    fn depths(&self, tile: &Tile, levels: usize, t: usize) -> Range<usize> {
        tile.depths.start.saturating_sub(levels - t)..(tile.depths.end + levels - t).min(self.layout.nz)
    }

    /// Takes a tile through the steps.
    fn advance(&self, tile: &Tile, moment: Moment<'_>, exchange: &[[f64; 4]], space: &mut Space, out: &Shared) {
        let (levels, fields) = (moment.levels, self.layout.fields);
        let plane = self.plane(tile.rows.len(), levels).next_multiple_of(LANES);
        let level = 3 * fields * plane;
        let Space { planes, rates, registers } = space;
        let planes = planes.of(levels * level);
        let group = (GROUP / self.stride).max(1);
        let chunk = (group * self.stride).next_multiple_of(ROUND);
        let rates = rates.of((fields + 1) * chunk);
        rates[fields * chunk..].fill(0.0);
        let begin = self.depths(tile, levels, 0);
        for front in begin.start..tile.depths.end + levels {
            if begin.contains(&front) {
                let to = &mut planes[front % 3 * fields * plane..][..fields * plane];
                self.load(tile, levels, &moment.skin.state, front, plane, to);
            }
            for t in 1..=levels {
                let Some(z) = front.checked_sub(t).filter(|z| self.depths(tile, levels, t).contains(z)) else {
                    continue;
                };
                let (before, after) = planes.split_at_mut(t * level);
                let source = &before[(t - 1) * level..];
                let at = |z: usize| &source[z % 3 * fields * plane..][..fields * plane];
                // Beyond the ends nothing is exchanged, and the plane itself stands in.
                let three = [at(z.saturating_sub(1)), at(z), at((z + 1).min(self.layout.nz - 1))];
                let rows = self.rows(tile, levels, t);
                let own = &exchange[z * fields..][..fields];
                let target = if t < levels {
                    Target::Buffer(&mut after[z % 3 * fields * plane..][..fields * plane])
                } else {
                    Target::State(out, tile)
                };
                self.step(z, t, three, plane, rows, moment, own, (rates, group, registers), target);
            }
        }
    }

    /// Copies a plane of the state into a buffer.
    fn load(&self, tile: &Tile, levels: usize, state: &[f64], z: usize, plane: usize, to: &mut [f64]) {
        let rows = self.rows(tile, levels, 0);
        for (field, to) in to.chunks_mut(plane).enumerate() {
            let from = &state[self.layout.row(z, field)];
            for row in rows.clone() {
                let y = (tile.rows.start + row + self.ny * (levels + 1) - levels - 1) % self.ny;
                to[row * self.stride + LANES..][..self.nx].copy_from_slice(&from[y * self.nx..][..self.nx]);
            }
            self.surround(to, rows.clone());
        }
    }

    /// Puts the neighbours beyond the ends of rows, and rows beyond the first and the last.
    fn surround(&self, plane: &mut [f64], rows: Range<usize>) {
        for row in rows.clone() {
            let first = row * self.stride + LANES;
            let last = first + self.nx - 1;
            let (low, high) = if self.periodic[0] { (last, first) } else { (first, last) };
            plane[first - 1] = plane[low];
            plane[last + 1] = plane[high];
        }
        if self.periodic[1] && self.ny > 1 {
            return;
        }
        // At a closed end the row itself stands in for its neighbour; elsewhere nobody reads what is put here.
        let first = |row: usize| row * self.stride + LANES;
        let row = |row: usize| first(row)..first(row) + self.nx;
        plane.copy_within(row(rows.start), first(rows.start - 1));
        plane.copy_within(row(rows.end - 1), first(rows.end));
    }

    /// One step of one plane.
    fn step(
        &self,
        z: usize,
        t: usize,
        three: [&[f64]; 3],
        plane: usize,
        rows: Range<usize>,
        moment: Moment<'_>,
        exchange: &[[f64; 4]],
        (rates, group, registers): (&mut [f64], usize, &mut Vec<f64>),
        mut target: Target<'_>,
    ) {
        let skin = moment.skin;
        let kinetics = &skin.compiled.layers[skin.grid.layer[z]];
        let time = skin.time + moment.step * (t - 1) as f64;
        let [above, own, below] = three;
        let mut operands = Vec::with_capacity(kinetics.rate.inputs.len());
        let zeros = exchange.len() * (group * self.stride).next_multiple_of(ROUND);
        for first in rows.clone().step_by(group) {
            let count = group.min(rows.end - first);
            let places = first * self.stride..(first + count) * self.stride;
            let length = places.len().next_multiple_of(ROUND);
            operands.clear();
            operands.extend(kinetics.rate.inputs.iter().map(|input| match *input {
                Input::Volume(field) => Operand::Block(&own[field * plane + places.start..][..length]),
                Input::Signal(signal) => Operand::Value(skin.signals[signal]),
                Input::Time => Operand::Value(time),
                Input::SinceSession => Operand::Value(time - skin.last_session),
                _ => Operand::Value(skin.grid.z.centres[z]),
            }));
            kinetics.rate.run(&operands, length, rates, registers);
            for (field, exchange) in exchange.iter().enumerate() {
                let rate = kinetics.fields.iter().position(|own| *own == field).map_or(zeros, |at| at * length);
                let around = &own[field * plane..][places.start - self.stride..places.end + self.stride + LANES];
                let above = &above[field * plane..][places.clone()];
                let below = &below[field * plane..][places.clone()];
                let work = Work { count, nx: self.nx, stride: self.stride, exchange: *exchange, step: moment.step };
                let rate = &rates[rate..][..length];
                match &mut target {
                    Target::Buffer(to) => {
                        let out = &mut to[field * plane..][places.clone()];
                        balance(work, (self.stride, LANES), around, above, below, rate, out);
                    }
                    Target::State(shared, tile) => {
                        let start = self.layout.row(z, field).start;
                        let y = tile.rows.start + first - (moment.levels + 1);
                        // Safety: a tile's own rows and depths are written by nobody else.
                        let out = unsafe { shared.piece(start + y * self.nx, count * self.nx) };
                        balance(work, (self.nx, 0), around, above, below, rate, out);
                    }
                }
            }
        }
        if let Target::Buffer(to) = target {
            to.chunks_mut(plane).for_each(|plane| self.surround(plane, rows.clone()));
        }
    }
}

/// Where a level goes.
enum Target<'a> {
    Buffer(&'a mut [f64]),
    State(&'a Shared, &'a Tile),
}

/// What is done to some rows of a field.
#[derive(Debug, Clone, Copy)]
struct Work {
    count: usize,
    nx: usize,
    stride: usize,
    exchange: [f64; 4],
    step: f64,
}

/// The new values of some rows. `around` holds the rows and one more on each side; `to` says the distance of rows in `out`
/// and where the first value of a row is.
#[inline(always)]
fn balance_body<const FUSED: bool>(
    work: Work,
    to: (usize, usize),
    around: &[f64],
    above: &[f64],
    below: &[f64],
    rate: &[f64],
    out: &mut [f64],
) {
    let Work { count, nx, stride, exchange: [x, y, up, down], step } = work;
    let fused = |a: f64, b: f64, c: f64| if FUSED { a.mul_add(b, c) } else { a * b + c };
    for row in 0..count {
        let at = row * stride + LANES;
        let here = at + stride;
        let (own, west, east) = (&around[here..][..nx], &around[here - 1..][..nx], &around[here + 1..][..nx]);
        let (north, south) = (&around[here - stride..][..nx], &around[here + stride..][..nx]);
        let (above, below, rate) = (&above[at..][..nx], &below[at..][..nx], &rate[at..][..nx]);
        let out = &mut out[row * to.0 + to.1..][..nx];
        for i in 0..nx {
            let u = own[i];
            // A uniform field gives exactly zero.
            let across = fused(-2.0, u, west[i] + east[i]);
            let along = fused(-2.0, u, north[i] + south[i]);
            let sum = fused(x, across, step * rate[i]);
            let sum = fused(y, along, sum);
            let sum = fused(up, above[i] - u, sum);
            let sum = fused(down, below[i] - u, sum);
            out[i] = u + sum;
        }
    }
}

/// As [`balance_body`], with the instructions in use.
fn balance(
    work: Work,
    to: (usize, usize),
    around: &[f64],
    above: &[f64],
    below: &[f64],
    rate: &[f64],
    out: &mut [f64],
) {
    // Functions of their own, so that the compiler knows `out` to be apart from what is read.
    macro_rules! compiled {
        ($name:ident, $fused:literal, $(#[$attribute:meta])*) => {
            $(#[$attribute])*
            fn $name(w: Work, to: (usize, usize), a: &[f64], u: &[f64], d: &[f64], r: &[f64], out: &mut [f64]) {
                balance_body::<$fused>(w, to, a, u, d, r, out);
            }
        };
    }
    compiled!(plain, false, #[inline(never)]);
    #[cfg(target_arch = "x86_64")]
    compiled!(avx2, true, #[target_feature(enable = "avx2,fma")]);
    #[cfg(target_arch = "x86_64")]
    compiled!(avx512, true, #[target_feature(enable = "avx512f,avx2,fma")]);
    match instructions() {
        Instructions::Plain => plain(work, to, around, above, below, rate, out),
        // Safety: the processor has what is in use.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => unsafe { avx2(work, to, around, above, below, rate, out) },
        // Safety: as above.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => unsafe { avx512(work, to, around, above, below, rate, out) },
    }
}

/// A state that several threads write, each its own places.
struct Shared {
    first: *mut f64,
    length: usize,
}

// Safety: only `piece` reaches the values, and its callers hand every thread places of its own.
unsafe impl Sync for Shared {}

impl Shared {
    /// # Safety
    /// Nobody else uses those values meanwhile.
    #[allow(clippy::mut_from_ref)]
    unsafe fn piece(&self, start: usize, length: usize) -> &mut [f64] {
        assert!(start + length <= self.length);
        unsafe { std::slice::from_raw_parts_mut(self.first.add(start), length) }
    }
}
