//! Several explicit Euler steps in one pass over the state.
//!
//! uⁿ⁺¹ = uⁿ + h (∇·(D∇uⁿ) + R(uⁿ)) with D by layer and R from the model language.
//!
//! A step that reads and writes all of a large state is bound by memory. Here a tile of rows and depths is taken through
//! `levels` steps while it is in cache: as the front moves down, plane z − t of level t is computed from planes z − t − 1 …
//! z − t + 1 of level t − 1, of which no more than three are kept. Each level needs a row and a plane more around it than the
//! next, so neighbouring tiles compute some cells twice, by the same operations: the bits depend neither on the tiles nor on
//! the threads. A plane is one run of a program that computes kinetics and differences to the neighbours together
//! ([`crate::engine::language::update`]).
//!
//! Where it does not apply ([`Wavefront::new`] says so): chemotaxis, drift, diffusivities that depend on fields, quasi-steady and
//! surface fields, conditions on the faces of the domain, uneven lateral axes, unit cells that touch.
#![expect(unsafe_code, reason = "tasks write their own rows of shared arrays")]

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::base::error::Result;
use crate::base::memory;
use crate::engine::grid::{Axis, Ends, Grid};
use crate::engine::language::{AROUND, Compiled, Face, Input, Operand, Operands, Program, update};
use crate::engine::medium::{Layout, Medium};
use crate::engine::stepper::prefetch;
use crate::engine::stepper::shared::Shared;
use crate::engine::stepper::system::System;

/// Values of a vector; rows begin at multiples of it.
const LANES: usize = 8;
/// Most steps of one pass.
const LEVELS: usize = 6;
/// What the planes of a tile may take of the second cache and a thread's share of the third [bytes]. What comes from there costs
/// less than rows that are computed twice: 3 MiB took four fifths of the time of 1.5 MiB where the second cache has one.
const CACHE: usize = 3 << 20;
/// Cells after which something is fetched ahead, how many lines, and bytes of a line.
const PIECE: usize = 512;
const REQUESTS: usize = 48;
const LINE: usize = 64;
/// Rows of a tile below which too much is computed twice.
const FEWEST_ROWS: usize = 12;

/// The kernel with its second state.
#[derive(Debug)]
pub struct Wavefront {
    shape: WavefrontSizes,
    /// Rates of exchange of each depth and field: x, y, above, below [1/s].
    exchange: Vec<[f64; 4]>,
    /// A step, one program for all depths of a layer that exchange alike; and which one a depth has.
    programs: Vec<Program>,
    program: Vec<usize>,
    /// The length of step that they are for [s].
    step: f64,
    next: Vec<f64>,
    spaces: Vec<Mutex<Space>>,
}

/// Sizes of the grid and of the buffers.
#[derive(Debug, Clone, Copy)]
struct WavefrontSizes {
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
    /// A plane of the last level.
    last: Aligned,
    registers: Vec<f64>,
    ahead: Ahead,
}

/// What will be needed when the front has moved by a plane: asked for bit by bit while there is something to compute, for a
/// core keeps no more than so many requests in flight.
#[derive(Debug, Default)]
struct Ahead(Vec<Range<usize>>);

impl Ahead {
    fn add(&mut self, values: &[f64]) {
        let start = values.as_ptr() as usize;
        match self.0.last_mut() {
            Some(last) if last.end == start => last.end += size_of_val(values),
            _ => self.0.push(start..start + size_of_val(values)),
        }
    }

    fn fetch(&mut self) {
        let mut left = REQUESTS;
        while left > 0
            && let Some(range) = self.0.last_mut()
        {
            if range.start >= range.end {
                self.0.pop();
                continue;
            }
            prefetch(range.start as *const f64);
            range.start += LINE;
            left -= 1;
        }
    }
}

/// Numbers on large pages, where the system grants them: small ones compete by chance for the same places of the cache.
#[derive(Debug, Default)]
struct Aligned(Vec<f64>);

impl Aligned {
    fn of(&mut self, length: usize) -> &mut [f64] {
        const PAGE: usize = memory::LARGE / 2;
        let room = length.next_multiple_of(PAGE / size_of::<f64>());
        if self.0.len() < room {
            self.0 = memory::zeros(room + PAGE / size_of::<f64>());
        }
        let skip = self.0.as_ptr().align_offset(PAGE).min(self.0.len() - room);
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
struct KineticsContext<'a> {
    medium: &'a Medium,
    step: f64,
    levels: usize,
    programs: &'a [Program],
    program: &'a [usize],
}

impl Wavefront {
    /// The kernel for a medium, if it applies to its model and grid.
    pub fn new(system: &System, medium: &Medium) -> Option<Self> {
        let (grid, compiled, layout): (&Grid, &Compiled, _) = (&medium.grid, &medium.compiled, medium.layout);
        let even = |axis: &Axis| {
            let first = axis.width(0);
            axis.volume.iter().all(|volume| (volume / first - 1.0).abs() < 1e-9)
        };
        let known = |input: &Input| {
            matches!(input, Input::Volume(_) | Input::Signal(_) | Input::Time | Input::SinceAct | Input::Depth)
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
            && system.movers.iter().all(|mover| mover.dependent.is_none() && mover.drift.is_none())
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
        let mut next = memory::zeros(medium.state.len());
        next.copy_from_slice(&medium.state);
        Some(Self {
            shape: WavefrontSizes { layout, nx, ny, periodic, stride },
            exchange,
            programs: Vec::new(),
            program: Vec::new(),
            step: f64::NAN,
            next,
            spaces: (0..rayon::current_num_threads().max(1)).map(|_| Mutex::default()).collect(),
        })
    }

    /// Makes the programs for a length of step.
    fn prepare(&mut self, medium: &Medium, step: f64) -> Result<()> {
        let (fields, layer) = (self.shape.layout.fields, &medium.grid.layer);
        self.programs.clear();
        self.program.clear();
        let of = |z: usize| &self.exchange[z * fields..][..fields];
        for z in 0..layer.len() {
            if let Some(alike) = (0..z).find(|&other| layer[other] == layer[z] && of(other) == of(z)) {
                self.program.push(self.program[alike]);
                continue;
            }
            let exchange: Vec<[f64; 4]> = of(z).iter().map(|rates| rates.map(|rate| step * rate)).collect();
            self.program.push(self.programs.len());
            self.programs.push(update(&medium.compiled.layers[layer[z]], &exchange, step, self.shape.stride));
        }
        self.step = step;
        Ok(())
    }

    /// Advances a medium by so many steps; its time too.
    ///
    /// # Errors
    /// A step has no program, which [`Wavefront::new`] excludes.
    pub fn advance(&mut self, medium: &mut Medium, step: f64, steps: u64) -> Result<()> {
        if step != self.step {
            self.prepare(medium, step)?;
        }
        let mut left = steps;
        while left > 0 {
            let levels = left.min(LEVELS as u64) as usize;
            self.pass(medium, step, levels);
            std::mem::swap(&mut medium.state, &mut self.next);
            medium.time += step * levels as f64;
            left -= levels as u64;
        }
        Ok(())
    }

    fn pass(&mut self, medium: &Medium, step: f64, levels: usize) {
        let tiles = self.shape.tiles(levels, rayon::current_num_threads());
        let moment = KineticsContext { medium, step, levels, programs: &self.programs, program: &self.program };
        let out = Shared::new(&mut self.next);
        let (shape, spaces) = (self.shape, &self.spaces);
        tiles.par_iter().for_each(|tile| {
            let own = rayon::current_thread_index().unwrap_or(0) % spaces.len();
            // A space holds nothing between tiles, so a panic elsewhere leaves nothing wrong in it.
            let mut space = spaces[own].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            shape.advance(tile, moment, &mut space, &out);
        });
    }
}

impl WavefrontSizes {
    /// Rows of a buffer for a tile: its own, those that are computed twice, and one more on each side.
    fn buffer_rows(&self, rows: usize, levels: usize) -> usize {
        rows + 2 * levels + 2
    }

    /// Length of one field's plane in a buffer. What is beyond the last row holds its last neighbour, and rounding.
    fn plane(&self, rows: usize, levels: usize) -> usize {
        self.buffer_rows(rows, levels) * self.stride + LANES
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
    fn advance(&self, tile: &Tile, moment: KineticsContext<'_>, space: &mut Space, out: &Shared<'_, f64>) {
        let (levels, fields) = (moment.levels, self.layout.fields);
        let plane = self.plane(tile.rows.len(), levels);
        let size = fields * plane;
        let Space { planes, last, registers, ahead } = space;
        let (planes, last) = (planes.of(3 * levels * size), last.of(size));
        let begin = self.depths(tile, levels, 0);
        for front in begin.start..tile.depths.end + levels {
            if begin.contains(&front) {
                let to = &mut planes[front % 3 * size..][..size];
                self.load(tile, levels, &moment.medium.state, front, plane, to);
            }
            ahead.0.clear();
            // A state that fits into the cache lies there.
            let large = size_of_val(&moment.medium.state[..]) > CACHE;
            if large && begin.contains(&(front + 1)) {
                for field in 0..fields {
                    let from = &moment.medium.state[self.layout.row(front + 1, field)];
                    self.sources(tile, levels).for_each(|y| ahead.add(&from[y * self.nx..][..self.nx]));
                }
            }
            if let Some(z) = (front + 1).checked_sub(levels).filter(|z| large && tile.depths.contains(z)) {
                for field in 0..fields {
                    // SAFETY: nobody else writes there, and nothing is read.
                    ahead.add(unsafe { out.row(self.target(tile, z, field)) });
                }
            }
            for t in 1..=levels {
                let Some(z) = front.checked_sub(t).filter(|z| self.depths(tile, levels, t).contains(z)) else {
                    continue;
                };
                let (before, after) = planes.split_at_mut(3 * t * size);
                let source = &before[3 * (t - 1) * size..];
                let at = |z: usize| &source[z % 3 * size..][..size];
                // Beyond the ends nothing is exchanged, and the plane itself stands in.
                let three = [at(z), at(z.saturating_sub(1)), at((z + 1).min(self.layout.nz - 1))];
                let rows = self.rows(tile, levels, t);
                if t < levels {
                    let to = &mut after[z % 3 * size..][..size];
                    self.step(z, t, three, plane, &rows, moment, registers, ahead, to);
                    to.chunks_mut(plane).for_each(|plane| self.surround(plane, rows.clone()));
                } else {
                    self.step(z, t, three, plane, &rows, moment, registers, ahead, last);
                    self.store(tile, &rows, z, last.chunks(plane), out);
                }
            }
        }
    }

    /// Copies a plane of the state into a buffer.
    fn load(&self, tile: &Tile, levels: usize, state: &[f64], z: usize, plane: usize, to: &mut [f64]) {
        let rows = self.rows(tile, levels, 0);
        for (field, to) in to.chunks_mut(plane).enumerate() {
            let from = &state[self.layout.row(z, field)];
            for (row, y) in rows.clone().zip(self.sources(tile, levels)) {
                to[row * self.stride + LANES..][..self.nx].copy_from_slice(&from[y * self.nx..][..self.nx]);
            }
            self.surround(to, rows.clone());
        }
    }

    /// The rows of the state that a tile begins from, in the order of those of its buffer.
    fn sources(&self, tile: &Tile, levels: usize) -> impl Iterator<Item = usize> {
        let (start, ny) = (tile.rows.start, self.ny);
        self.rows(tile, levels, 0).map(move |row| (start + row + ny * (levels + 1) - levels - 1) % ny)
    }

    /// Where a tile's plane of a field goes.
    fn target(&self, tile: &Tile, z: usize, field: usize) -> Range<usize> {
        let start = self.layout.row(z, field).start;
        start + tile.rows.start * self.nx..start + tile.rows.end * self.nx
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

    /// One step of one plane: its new values from those of the plane, the one above and the one below.
    fn step(
        &self,
        z: usize,
        t: usize,
        three: [&[f64]; 3],
        plane: usize,
        rows: &Range<usize>,
        moment: KineticsContext<'_>,
        registers: &mut Vec<f64>,
        ahead: &mut Ahead,
        to: &mut [f64],
    ) {
        let medium = moment.medium;
        let time = medium.time + moment.step * (t - 1) as f64;
        // From the first cell of the first row to the last one of the last, and what lies between rows.
        let first = rows.start * self.stride + LANES;
        let length = ((rows.len() - 1) * self.stride + self.nx).next_multiple_of(LANES);
        let program = &moment.programs[moment.program[z]];
        let operand = |input: &Input| match *input {
            Input::Volume(at) => {
                let [own, above, below] = three.map(|three| &three[at / AROUND * plane..][..plane]);
                let block = match at % AROUND {
                    0 => &own[first..],
                    1 => &own[first - 1..],
                    2 => &own[first + 1..],
                    3 => &own[first - self.stride..],
                    4 => &own[first + self.stride..],
                    5 => &above[first..],
                    _ => &below[first..],
                };
                Operand::Block(&block[..length])
            }
            Input::Signal(signal) => Operand::Value(medium.signals[signal]),
            Input::Time => Operand::Value(time),
            Input::SinceAct => Operand::Value(time - medium.last_act),
            _ => Operand::Value(medium.grid.z.centres[z]),
        };
        let mut operands = Operands::default();
        let mut bound = program.bind(operands.fill(program.inputs.iter().map(operand)), length, registers);
        let piece = if ahead.0.is_empty() { length } else { PIECE };
        for start in (0..length).step_by(piece) {
            bound.run(start..(start + piece).min(length), &mut to[first + start..], plane);
            ahead.fetch();
        }
    }

    /// Copies the rows of a finished plane to the new state.
    fn store<'a>(
        &self,
        tile: &Tile,
        rows: &Range<usize>,
        z: usize,
        planes: impl Iterator<Item = &'a [f64]>,
        out: &Shared<'_, f64>,
    ) {
        for (field, plane) in planes.enumerate() {
            // SAFETY: a tile's own rows and depths are written by nobody else.
            let out = unsafe { out.row(self.target(tile, z, field)) };
            for (row, out) in rows.clone().zip(out.chunks_exact_mut(self.nx)) {
                out.copy_from_slice(&plane[row * self.stride + LANES..][..self.nx]);
            }
        }
    }
}
