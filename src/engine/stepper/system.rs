//! The right-hand side: spreading, drift, chemotaxis, kinetics and surface, evaluated from a state.
//!
//! ∂(ρu)/∂t = ∇·(ρD∇u − ρvu − ρχu∇s) + ρR(u). Quasi-steady fields and column reductions are recomputed for every state that is
//! evaluated, so a constraint never lags.
//!
//! [`System::rate`] is plain: it visits every term for every field. [`System::stage`] does the same and the local part of the
//! linear solve in one pass over each depth, block by block, while values are in cache.
#![expect(unsafe_code, reason = "tasks write their own rows of shared arrays")]

mod carry;
mod faces;
mod part;
mod passing;

use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::base::error::Result;
use crate::base::memory;
use crate::engine::grid::Grid;
use crate::engine::language::{
    self, Compiled, Diffusion, FollowedField, Operand, Operands, Passage, Program, Rates, StageInput,
};
use crate::engine::medium::{self, Layout, Medium, View};
use crate::engine::stepper::buffers::{Buffers, Closure};
use crate::engine::stepper::follow::{FollowerRows, Tracks};
use crate::engine::stepper::prefetch;
use crate::engine::stepper::quasi::{Quasi, impossible};
use crate::engine::stepper::shared::Shared;
use crate::engine::stepper::sparse::{BLOCK, EliminationPlan};
use crate::engine::stepper::sweep::{Piece, Sweeps, pieces};
use crate::engine::stepper::system::passing::{Coated, Passing, Prescribed, TransportCoefficient};
use crate::engine::stepper::transport::{Lateral, Mover, Outsides, outsides};

/// A field that follows another.
#[derive(Debug)]
struct Follower {
    field: usize,
    along: FollowedField,
    /// Index of χ among the state-dependent arrays.
    sensitivity: usize,
    moves: Vec<bool>,
}

/// What changes in the cells of one layer.
#[derive(Debug)]
struct Active {
    /// Fields: first those with a rate, in the order of the program's outputs, then those that only move.
    fields: Vec<usize>,
    plan: EliminationPlan,
    /// Right-hand sides of them, after so many other stages.
    stages: Vec<Program>,
}

impl Active {
    /// Of `count` fields those with a rate, and others that drive them or are `moving`.
    fn new(rates: &Rates, count: usize, moving: impl Fn(usize) -> bool) -> Self {
        let known = flags(count, &rates.fields);
        let drives = flags(count, rates.pattern.iter().map(|(_, column)| column));
        let mut fields = rates.fields.clone();
        // Fields that only move, and those that only drive others.
        fields.extend((0..count).filter(|f| !known[*f] && (drives[*f] || moving(*f))));
        let moves: Vec<bool> = fields.iter().map(|&field| moving(field)).collect();
        let stages = (0..=EARLIER).map(|done| language::stage(rates, &fields, &moves, done)).collect();
        Self { plan: EliminationPlan::new(&fields, &rates.pattern), stages, fields }
    }
}

/// The right-hand side on one grid, with its buffers.
#[derive(Debug)]
pub struct System {
    grid: Arc<Grid>,
    compiled: Arc<Compiled>,
    layout: Layout,
    pub(super) movers: Vec<Mover>,
    lateral: Lateral,
    tracks: Tracks,
    followers: Vec<Follower>,
    spreads: Vec<TransportCoefficient>,
    quasi: Vec<Quasi>,
    columns: medium::ReductionScratch,
    active: Vec<Active>,
    surface: Active,
    /// What observables ask of faces, and what is added up on the surface.
    gauges: Vec<Passing>,
    sums: Vec<(usize, Passing)>,
    /// Films, and fluxes that are prescribed.
    coated: Vec<Coated>,
    prescribed: Vec<Prescribed>,
    /// What comes to the surface through faces, the rows of its fields.
    arriving: Vec<f64>,
    pieces: Vec<Piece>,
    sweeps: Sweeps,
    /// Where the factors of each depth begin; those of the surface are last.
    factor_starts: Vec<usize>,
    /// Factors of the local solve, by depth and block.
    factors: Vec<f32>,
    /// Of the state last evaluated.
    pub(super) now: Closure,
    /// Of the state from which steps start.
    pub(super) base: Closure,
    buffers: Vec<Mutex<Buffers>>,
}

/// What stays the same while a step is computed.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The medium; its state is not read.
    pub medium: &'a Medium,
}

impl<'a> Frame<'a> {
    fn view(&self, state: &'a [f64], closure: &'a Closure) -> View<'a> {
        View {
            state,
            quasi: &closure.quasi,
            columns: &closure.columns,
            time: closure.time,
            since_act: closure.time - self.medium.last_act,
            ..self.medium.view()
        }
    }
}

/// One stage of a linearly implicit method.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// The state at which the right-hand side is evaluated.
    pub state: &'a [f64],
    /// Whether that is the state from which the step starts; then the Jacobian is evaluated and factorised.
    pub first: bool,
    /// Stages done, and their weights.
    pub done: &'a [Vec<f64>],
    /// Weights of the stages done.
    pub weights: &'a [f64],
    /// γ.
    pub gamma: f64,
    /// Length of the step [s].
    pub step: f64,
}

impl System {
    /// The right-hand side of a medium's model on its grid.
    ///
    /// # Errors
    /// A quasi-steady field cannot be solved for here.
    pub fn new(medium: &Medium) -> Result<Self> {
        let (grid, compiled, layout) = (medium.grid.clone(), medium.compiled.clone(), medium.layout);
        let mut movers = Vec::new();
        let mut spreads = Vec::new();
        let mut dependent = 0;
        for (f, field) in compiled.volume.iter().enumerate() {
            if let Some(mover) = Mover::new(&grid, f, field, &mut dependent) {
                movers.push(mover);
            }
            for spread in field.spreads() {
                if let Diffusion::Dependent(programs) = spread
                    && spreads.len() < dependent
                {
                    spreads.push(TransportCoefficient { programs: programs.clone(), only: None });
                }
            }
        }
        let prescribed = Prescribed::all(&grid, &compiled, &movers, &mut spreads);
        let mut followers = Vec::new();
        for (f, field) in compiled.volume.iter().enumerate() {
            for chemotaxis in &field.chemotaxis {
                let along = match chemotaxis.along {
                    FollowedField::Volume(along) => &compiled.volume[along].lives,
                    FollowedField::Quasi(along) => &compiled.quasi[along].lives,
                };
                let moves =
                    |layer: usize| field.lives[layer] && along[layer] && chemotaxis.sensitivity[layer].is_some();
                followers.push(Follower {
                    field: f,
                    along: chemotaxis.along,
                    sensitivity: spreads.len(),
                    moves: grid.layer.iter().map(|&layer| moves(layer)).collect(),
                });
                spreads.push(TransportCoefficient { programs: chemotaxis.sensitivity.clone(), only: None });
            }
        }
        let count = compiled.quasi.len();
        let quasi = compiled.quasi.iter().enumerate().map(|(q, field)| Quasi::new(&grid, layout, (q, count), field));
        let quasi = quasi.collect::<Result<Vec<_>>>()?;
        let active: Vec<Active> = (0..grid.layers.len())
            .map(|layer| {
                let z = grid.layer.iter().position(|&own| own == layer);
                let at = |moves: &[bool]| z.is_some_and(|z| moves[z]);
                let mut moving = vec![false; layout.fields];
                movers.iter().for_each(|mover| moving[mover.field] |= at(&mover.moves));
                followers.iter().for_each(|follower| moving[follower.field] |= at(&follower.moves));
                Active::new(&compiled.layers[layer], layout.fields, |field| moving[field])
            })
            .collect();
        let changes: Vec<Vec<bool>> = active.iter().map(|active| flags(layout.fields, &active.fields)).collect();
        let coated = Coated::all(&compiled, &movers);
        let mut adds_up: Vec<bool> = compiled.surface.iter().map(|field| field.adds_up.is_some()).collect();
        coated.iter().for_each(|coated| adds_up[coated.film.of] = true);
        let surface = Active::new(&compiled.surface_rates, layout.surface, |field| adds_up[field]);
        let passing = |passage: &Passage| Passing::new(&grid, &movers, passage);
        let sums = compiled.surface.iter().enumerate();
        let sums: Vec<_> = sums.filter_map(|(f, field)| Some((f, passing(field.adds_up.as_ref()?)))).collect();
        let gauges = compiled.fluxes.iter().map(passing).collect();
        let blocks = layout.plane.div_ceil(BLOCK);
        let mut factor_starts = vec![0];
        for &layer in &grid.layer {
            factor_starts.push(factor_starts[factor_starts.len() - 1] + blocks * active[layer].plan.kept());
        }
        let factors = memory::zeros(factor_starts[layout.nz] + blocks * surface.plan.kept());
        let now = Closure {
            quasi: medium.quasi.clone(),
            columns: vec![0.0; compiled.columns.len() * layout.stride],
            spread: vec![0.0; spreads.len() * layout.nz * layout.stride],
            outsides: vec![Outsides::default(); movers.len()],
            time: medium.time,
        };
        Ok(Self {
            pieces: pieces(&grid, &movers, layout, |field, z| changes[grid.layer[z]][field]),
            buffers: (0..rayon::current_num_threads().max(1)).map(|_| Mutex::default()).collect(),
            lateral: Lateral::new(&grid),
            tracks: Tracks::new(&grid),
            columns: medium::ReductionScratch::default(),
            sweeps: Sweeps::new(&grid),
            base: now.clone(),
            arriving: vec![0.0; if sums.len() + coated.len() > 0 { layout.surface * layout.stride } else { 0 }],
            gauges,
            sums,
            coated,
            prescribed,
            movers,
            followers,
            spreads,
            quasi,
            active,
            surface,
            factor_starts,
            factors,
            now,
            grid,
            compiled,
            layout,
        })
    }

    /// Whether something of a volume field passes between the cells at a depth and others.
    pub fn moves(&self, field: usize, z: usize) -> bool {
        self.movers.iter().any(|mover| mover.field == field && mover.moves[z])
            || self.followers.iter().any(|follower| follower.field == field && follower.moves[z])
    }

    /// Solves for quasi-steady fields to no more than a relative accuracy from now on.
    pub fn ask(&mut self, accuracy: f64) {
        self.quasi.iter_mut().for_each(|quasi| quasi.ask(accuracy));
    }

    /// Finds the quasi-steady fields at rest and stores them in the medium, then those of its present state.
    ///
    /// # Errors
    /// They have no balance.
    pub fn settle(&mut self, medium: &mut Medium) -> Result<()> {
        if !self.quasi.is_empty() || !self.gauges.is_empty() {
            let rested = medium.at_rest();
            self.close(&Frame { medium: &rested }, &rested.state, medium.time)?;
            self.gauge(&rested, &self.now, &mut medium.fluxes[1]);
            for (rest, row) in medium.quasi_rest.iter_mut().zip(self.now.quasi.chunks(self.layout.stride)) {
                *rest = row[0];
            }
        }
        self.refresh(medium)
    }

    /// Brings the quasi-steady fields of the medium up to date with its state, from which steps will start.
    ///
    /// # Errors
    /// They have no balance.
    pub fn refresh(&mut self, medium: &mut Medium) -> Result<()> {
        self.now.quasi.copy_from_slice(&medium.quasi);
        self.close(&Frame { medium }, &medium.state, medium.time)?;
        self.adopt();
        self.show(medium);
        Ok(())
    }

    /// Lets a medium see what belongs to its state: quasi-steady fields, and what passes faces.
    pub fn show(&self, medium: &mut Medium) {
        medium.quasi.copy_from_slice(&self.base.quasi);
        let mut fluxes = std::mem::take(&mut medium.fluxes[0]);
        self.gauge(medium, &self.base, &mut fluxes);
        medium.fluxes[0] = fluxes;
    }

    /// What was closed last belongs to the state from which steps start.
    pub fn adopt(&mut self) {
        std::mem::swap(&mut self.now, &mut self.base);
        // The next balance is sought from here.
        self.now.quasi.copy_from_slice(&self.base.quasi);
    }

    /// A step was rejected: what was closed last says nothing about the next one.
    pub fn forget(&mut self) {
        self.now.quasi.copy_from_slice(&self.base.quasi);
    }

    /// Computes what the right-hand side needs besides the fields, into `now`.
    ///
    /// # Errors
    /// A quasi-steady field has no balance.
    pub fn close(&mut self, frame: &Frame<'_>, state: &[f64], time: f64) -> Result<()> {
        let layout = self.layout;
        let mut now = std::mem::take(&mut self.now);
        now.time = time;
        let mut result = Ok(());
        if !self.compiled.columns.is_empty() {
            let mut columns = std::mem::take(&mut now.columns);
            medium::columns(&self.compiled.columns, &frame.view(state, &now), &mut columns, &mut self.columns);
            now.columns = columns;
        }
        let mut solvers = std::mem::take(&mut self.quasi);
        for (solver, field) in solvers.iter_mut().zip(&self.compiled.quasi) {
            if result.is_ok() {
                let mut values = std::mem::take(solver.values());
                values.copy_from_slice(&now.quasi);
                let buffers = || self.buffers();
                result = solver.solve(&self.grid, field, &frame.view(state, &now), &mut values, &buffers);
                std::mem::swap(&mut now.quasi, &mut values);
                *solver.values() = values;
            }
        }
        self.quasi = solvers;
        for m in 0..self.movers.len() {
            let field = &self.compiled.volume[self.movers[m].field];
            let number = |program: &Program| frame.view(state, &now).number(program, &mut self.buffers().registers);
            match outsides(&field.boundary, number) {
                Ok(outsides) => now.outsides[m] = outsides,
                Err(what) => result = result.and(Err(impossible(&field.name, &what, time))),
            }
        }
        if !self.spreads.is_empty() && result.is_ok() {
            let mut spread = std::mem::take(&mut now.spread);
            let view = frame.view(state, &now);
            spread.par_chunks_mut(layout.stride).enumerate().for_each(|(row, out)| {
                let (index, z) = (row / layout.nz, row % layout.nz);
                let own = &self.spreads[index];
                if let Some(program) = &own.programs[self.grid.layer[z]]
                    && own.only.is_none_or(|only| only == z)
                {
                    view.run(program, z, 0..layout.stride, out, &mut self.buffers().registers, &|_| None);
                }
            });
            now.spread = spread;
        }
        self.now = now;
        result
    }

    pub(super) fn buffers(&self) -> std::sync::MutexGuard<'_, Buffers> {
        let own = rayon::current_thread_index().unwrap_or(0) % self.buffers.len();
        // Buffers hold nothing between calls, so a panic elsewhere leaves nothing wrong in them.
        match self.buffers[own].try_lock() {
            Ok(guard) => guard,
            Err(_) => self.buffers[own].lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        }
    }

    /// The right-hand side at a state for which [`System::close`] was called, into `out`.
    pub fn rate(&self, frame: &Frame<'_>, state: &[f64], out: &mut [f64]) {
        let layout = self.layout;
        let view = frame.view(state, &self.now);
        let (volume, surface) = out.split_at_mut(layout.volume());
        if layout.fields > 0 {
            volume.par_chunks_mut(layout.slab()).enumerate().for_each(|(z, slab)| {
                let buffers = &mut *self.buffers();
                slab.fill(0.0);
                let layer = self.grid.layer[z];
                let fields = &self.active[layer].fields;
                self.kinetics(&view, z, (&fields[..], &self.compiled.layers[layer].rate), slab, buffers);
                let grid = &*self.grid;
                for (m, mover) in self.movers.iter().enumerate() {
                    let rows = |k: usize| &view.state[layout.row(k, mover.field)];
                    let spread = |axis: usize, k: usize| self.spread_row(&self.now, mover.index(axis), k);
                    let out = &mut slab[mover.field * layout.stride..][..layout.plane];
                    mover.balance(grid, z, &rows, &spread, &self.now.outsides[m], out);
                }
                self.enter(&view, &self.now, z, slab);
                self.follow(&view, &self.now, z, slab, buffers);
                self.carry(&view, &self.now, z, slab, &mut buffers.carried);
            });
        }
        surface.fill(0.0);
        let program = (&self.surface.fields[..], &self.compiled.surface_rates.rate);
        let buffers = &mut *self.buffers();
        self.kinetics(&view, 0, program, surface, buffers);
        self.arrive(&view, &self.now, surface, buffers);
    }

    /// Writes the rates of one depth, or of the surface, into the rows of their fields.
    fn kinetics(
        &self,
        view: &View<'_>,
        z: usize,
        (fields, program): (&[usize], &Program),
        rows: &mut [f64],
        buffers: &mut Buffers,
    ) {
        let layout = self.layout;
        buffers.values.resize((program.outputs * BLOCK).max(buffers.values.len()), 0.0);
        for start in (0..layout.plane).step_by(BLOCK) {
            let places = start..(start + BLOCK).min(layout.plane);
            view.run_into(program, z, places.clone(), &mut buffers.values, BLOCK, &mut buffers.registers, &|_| None);
            for (field, values) in fields.iter().zip(buffers.values.chunks(BLOCK)).take(program.outputs) {
                rows[field * layout.stride..][places.clone()].copy_from_slice(&values[..places.len()]);
            }
        }
    }

    fn spread_row<'a>(&self, closure: &'a Closure, index: usize, z: usize) -> &'a [f64] {
        &closure.spread[(index * self.layout.nz + z) * self.layout.stride..][..self.layout.plane]
    }

    /// Adds chemotaxis at depth `z` to the rows of its fields.
    fn follow(&self, view: &View<'_>, closure: &Closure, z: usize, slab: &mut [f64], buffers: &mut Buffers) {
        let layout = self.layout;
        for follower in self.followers.iter().filter(|follower| follower.moves[z]) {
            let out = &mut slab[follower.field * layout.stride..][..layout.plane];
            self.rows(view, closure, follower, |rows| {
                self.tracks.balance(&self.grid, rows, z, out, &mut buffers.tracks);
            });
        }
    }

    /// Hands the rows of a follower to `use_them`.
    fn rows(&self, view: &View<'_>, closure: &Closure, follower: &Follower, use_them: impl FnOnce(&FollowerRows<'_>)) {
        let layout = self.layout;
        let density = &self.compiled.volume[follower.field].density;
        use_them(&FollowerRows {
            own: &|k| &view.state[layout.row(k, follower.field)],
            signal: &|k| match follower.along {
                FollowedField::Volume(along) => &view.state[layout.row(k, along)],
                FollowedField::Quasi(along) => &view.quasi[(along * layout.nz + k) * layout.stride..][..layout.plane],
            },
            sensitivity: &|k| self.spread_row(closure, follower.sensitivity, k),
            moves: &follower.moves,
            density: &|k| density[self.grid.layer[k]],
        });
    }

    /// One stage but for the solve along depth: out ← (I − θA_y)⁻¹(I − θA_x)⁻¹(I − θJ)⁻¹ γ(step·F(state) + Σ weights·done),
    /// θ = γ·step. The closure of a first stage is `base`, of others `now`; [`System::prepare`] was called for θ.
    pub fn stage(&mut self, frame: &Frame<'_>, stage: &Stage<'_>, out: &mut [f64]) {
        let layout = self.layout;
        let mut factors = std::mem::take(&mut self.factors);
        let mut arriving = std::mem::take(&mut self.arriving);
        let (of_volume, of_surface) = factors.split_at_mut(self.factor_starts[layout.nz]);
        let closure = if stage.first { &self.base } else { &self.now };
        let view = frame.view(stage.state, closure);
        let (volume, surface) = out.split_at_mut(layout.volume());
        // Films come first: the solve in the cells begins with what they answer.
        if layout.surface > 0 {
            let buffers = &mut *self.buffers();
            arriving.fill(0.0);
            self.arrive(&view, closure, &mut arriving, buffers);
            let before = Before { stage, offset: layout.volume(), moved: &arriving };
            let programs = (&self.surface, &self.compiled.surface_rates.jacobian);
            self.local(&view, 0, programs, &before, surface, of_surface, buffers);
        }
        let surface = &*surface;
        if layout.fields > 0 {
            let shared = Shared::new(of_volume);
            volume.par_chunks_mut(layout.slab()).enumerate().with_max_len(1).for_each(|(z, slab)| {
                let buffers = &mut *self.buffers();
                let (start, end) = (self.factor_starts[z], self.factor_starts[z + 1]);
                // SAFETY: the ranges of depths do not overlap, and each depth is one task.
                let factors = unsafe { shared.row(start..end) };
                let mut moved = std::mem::take(&mut buffers.moved);
                moved.resize(layout.slab(), 0.0);
                self.transport(&view, closure, z, &mut moved, buffers);
                let layer = self.grid.layer[z];
                let before = Before { stage, offset: z * layout.slab(), moved: &moved };
                let programs = (&self.active[layer], &self.compiled.layers[layer].jacobian);
                self.local(&view, z, programs, &before, slab, factors, buffers);
                buffers.moved = moved;
                let (movers, base) = (&self.movers, &self.base);
                let lines = &mut buffers.lines;
                self.meet(z, slab, surface);
                self.sweeps.lateral(&self.grid, layout, movers, &base.outsides, &base.spread, z, slab, lines);
            });
        }
        (self.factors, self.arriving) = (factors, arriving);
    }

    /// Writes what moves at depth `z` to the rows of the fields that do.
    fn transport(&self, view: &View<'_>, closure: &Closure, z: usize, moved: &mut [f64], buffers: &mut Buffers) {
        let (layout, grid) = (self.layout, &*self.grid);
        for (m, mover) in self.movers.iter().enumerate().filter(|(_, mover)| mover.moves[z]) {
            let rows = |k: usize| &view.state[layout.row(k, mover.field)];
            let out = &mut moved[mover.field * layout.stride..][..layout.plane];
            if mover.dependent.is_none() && mover.drift.is_none() {
                mover.spread(grid, &self.lateral, z, &rows, &closure.outsides[m], out);
            } else {
                out.fill(0.0);
                let spread = |axis: usize, k: usize| self.spread_row(closure, mover.index(axis), k);
                mover.balance(grid, z, &rows, &spread, &closure.outsides[m], out);
            }
        }
        for follower in self.followers.iter().filter(|follower| follower.moves[z]) {
            if !self.movers.iter().any(|mover| mover.field == follower.field && mover.moves[z]) {
                moved[follower.field * layout.stride..][..layout.plane].fill(0.0);
            }
        }
        self.enter(view, closure, z, moved);
        self.follow(view, closure, z, moved, buffers);
        self.carry(view, closure, z, moved, &mut buffers.carried);
    }

    /// Kinetics, the combination with what moves and earlier stages, and the local solve, for the rows of one depth or of the
    /// surface.
    fn local(
        &self,
        view: &View<'_>,
        z: usize,
        (active, jacobian): (&Active, &Program),
        before: &Before<'_>,
        rows: &mut [f64],
        factors: &mut [f32],
        buffers: &mut Buffers,
    ) {
        let (layout, stage) = (self.layout, before.stage);
        let Buffers { values, jacobian: entries, work, registers, more, .. } = buffers;
        let grow = |buffer: &mut Vec<f64>, blocks: usize| buffer.resize(buffer.len().max(blocks * BLOCK), 0.0);
        grow(values, active.fields.len());
        grow(entries, jacobian.outputs);
        grow(work, active.plan.work() / BLOCK);
        let size = active.plan.kept();
        let given = |input| match StageInput::of(input)? {
            StageInput::Moved(field) => Some(Operand::Block(&before.moved[field * layout.stride..][..layout.stride])),
            StageInput::Stage(field, j) => {
                let start = before.offset + field * layout.stride;
                Some(Operand::Block(&stage.done[j][start..][..layout.stride]))
            }
            StageInput::Scale => Some(Operand::Value(stage.gamma * stage.step)),
            StageInput::Weight(j) => Some(Operand::Value(stage.gamma * stage.weights[j])),
        };
        // Rows are padded, so vectors may run over their end.
        let all = 0..layout.stride;
        let [room, room_of_entries] = &mut [Operands::default(), Operands::default()];
        let program = &active.stages[stage.done.len()];
        let out = rows.as_ptr();
        let mut right = view.bind(program, z, all.clone(), room, registers, &given);
        let mut slopes = stage.first.then(|| view.bind(jacobian, z, all, room_of_entries, more, &|_| None));
        for (block, start) in (0..layout.plane).step_by(BLOCK).enumerate() {
            let places = start..(start + BLOCK).min(layout.stride);
            let length = places.len();
            let factors = &mut factors[block * size..][..size];
            // Of the next cells: there are more rows than memory can watch.
            for &field in active.fields.iter().filter(|_| places.end < layout.stride) {
                let next = field * layout.stride + places.end;
                let done = stage.done.iter().map(|done| done[before.offset..].as_ptr());
                for row in done.chain([view.state[before.offset..].as_ptr(), out]) {
                    (0..BLOCK).step_by(8).for_each(|at| prefetch(row.wrapping_add(next + at)));
                }
            }
            right.run(places.clone(), values, BLOCK);
            if let Some(slopes) = &mut slopes {
                slopes.run(places, entries, BLOCK);
                active.plan.factorise(stage.gamma * stage.step, entries, work, factors);
            }
            active.plan.solve(factors, values);
            let (values, _) = values.as_chunks::<BLOCK>();
            for (field, values) in active.fields.iter().zip(values) {
                let row = &mut rows[field * layout.stride + start..][..length];
                // So many at a time need no call.
                match row.as_mut_array::<BLOCK>() {
                    Some(row) => *row = *values,
                    None => row.copy_from_slice(&values[..length]),
                }
            }
        }
    }

    /// Factors of the line solves for θ and the conditions at the start of the step.
    pub fn prepare(&mut self, theta: f64) {
        self.sweeps.prepare(&self.grid, &self.movers, &self.base.outsides, theta);
    }

    /// Solves along depth, in place, and hands every finished row to `done` (sum of the piece, field, range of the state, row),
    /// rows of the surface included. There is a sum for each of [`System::tasks`], in a fixed order.
    pub fn finish<S: Send>(
        &self,
        k: &mut [f64],
        sums: &mut [S],
        done: impl Fn(&mut S, usize, std::ops::Range<usize>, &mut [f64]) + Sync,
    ) {
        let layout = self.layout;
        let (volume, surface) = k.split_at_mut(layout.volume());
        let (of_volume, of_surface) = sums.split_at_mut(self.pieces.len());
        let shared = Shared::new(volume);
        let base = &self.base;
        self.pieces.par_iter().zip(of_volume).with_max_len(1).for_each(|(piece, sum)| {
            let buffers = &mut *self.buffers();
            let finished = |z: usize, row: &mut [f64]| {
                let start = layout.row(z, piece.field).start;
                done(sum, piece.field, start + piece.places.start..start + piece.places.end, row);
            };
            // SAFETY: no two pieces share a value.
            unsafe {
                let (movers, outsides, spread) = (&self.movers, &base.outsides, &base.spread);
                self.sweeps.depth(
                    &self.grid,
                    layout,
                    movers,
                    outsides,
                    spread,
                    piece,
                    &shared,
                    &mut buffers.lines,
                    finished,
                );
            }
        });
        self.add_up(volume, surface);
        for (f, sum) in of_surface.iter_mut().enumerate() {
            let range = layout.surface_row(f);
            let row = &mut surface[f * layout.stride..][..layout.plane];
            done(sum, layout.fields + f, range, row);
        }
    }

    /// How many tasks [`System::finish`] has.
    pub fn tasks(&self) -> usize {
        self.pieces.len() + self.layout.surface
    }

    /// The field of each task, volume fields first.
    pub fn task_fields(&self) -> impl Iterator<Item = usize> + '_ {
        let surface = (0..self.layout.surface).map(|f| self.layout.fields + f);
        self.pieces.iter().map(|piece| piece.field).chain(surface)
    }
}

/// Which of `count` fields are listed.
fn flags<'a>(count: usize, listed: impl IntoIterator<Item = &'a usize>) -> Vec<bool> {
    let mut flags = vec![false; count];
    listed.into_iter().for_each(|field| flags[*field] = true);
    flags
}

/// Earlier stages, or sums of them, that a stage may look at.
pub const EARLIER: usize = 2;

/// Earlier stages, as the rows of one depth see them.
struct Before<'a> {
    stage: &'a Stage<'a>,
    /// Where the depth begins in a state.
    offset: usize,
    /// What moves there, where something does.
    moved: &'a [f64],
}
