//! The right-hand side: spreading, chemotaxis, kinetics and surface, evaluated from a state.
//!
//! ∂(ρu)/∂t = ∇·(ρD∇u − ρχu∇s) + ρR(u). Chemotactic fluxes are upwind with a van Leer limited slope: order two where the
//! fields are smooth, no new extremes at fronts. Quasi-steady fields and column reductions are recomputed for every state
//! that is evaluated, so a constraint never lags.

use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::error::Result;
use crate::grid::{Ends, Grid};
use crate::language::{Compiled, Diffusion, Program};
use crate::skin::{self, Layout, SessionNumbers, Skin, View};
use crate::stepper::quasi::Quasi;
use crate::stepper::sparse::{BLOCK, Plan};
use crate::stepper::transport::{Mover, Outsides, Piece, Scratch, Sweeps, outsides, pieces};

/// A field that follows another.
#[derive(Debug)]
struct Follower {
    field: usize,
    along: usize,
    /// Index of χ among the state-dependent arrays.
    sensitivity: usize,
    moves: Vec<bool>,
}

/// A program whose values are needed at every place before fluxes can be formed: D or χ.
#[derive(Debug)]
struct Spread {
    /// The program of each layer.
    programs: Vec<Option<Program>>,
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub struct Buffers {
    values: Vec<f64>,
    jacobian: Vec<f64>,
    factors: Vec<f64>,
    right: Vec<f64>,
    registers: Vec<f64>,
    lines: Scratch,
}

/// Everything but the fields that the right-hand side depends on at one state.
#[derive(Debug, Clone, Default)]
pub struct Closure {
    /// Quasi-steady fields.
    pub quasi: Vec<f64>,
    /// Column reductions.
    pub columns: Vec<f64>,
    /// State-dependent diffusivities and sensitivities, `[index][z][stride]`.
    pub spread: Vec<f64>,
    /// Conditions on the faces, for each mover.
    pub outsides: Vec<Outsides>,
    /// Time [s].
    pub time: f64,
}

/// The right-hand side on one grid, with its buffers.
#[derive(Debug)]
pub struct System {
    grid: Arc<Grid>,
    compiled: Arc<Compiled>,
    layout: Layout,
    pub(super) movers: Vec<Mover>,
    followers: Vec<Follower>,
    spreads: Vec<Spread>,
    quasi: Vec<Quasi>,
    plans: Vec<Plan>,
    surface_plan: Plan,
    pieces: Vec<Piece>,
    sweeps: Sweeps,
    pub(super) now: Closure,
    buffers: Vec<Mutex<Buffers>>,
}

/// What stays the same while a step is computed.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The skin; its state is not read.
    pub skin: &'a Skin,
}

impl<'a> Frame<'a> {
    fn view(&self, state: &'a [f64], closure: &'a Closure) -> View<'a> {
        View {
            state,
            quasi: &closure.quasi,
            columns: &closure.columns,
            time: closure.time,
            since_session: closure.time - self.skin.last_session,
            session: SessionNumbers::default(),
            ..self.skin.view()
        }
    }
}

impl System {
    /// The right-hand side of a skin's model on its grid.
    ///
    /// # Errors
    /// A quasi-steady field cannot be solved for here.
    pub fn new(skin: &Skin) -> Result<Self> {
        let (grid, compiled, layout) = (skin.grid.clone(), skin.compiled.clone(), skin.layout);
        let mut movers = Vec::new();
        let mut spreads = Vec::new();
        let mut dependent = 0;
        for (f, field) in compiled.volume.iter().enumerate() {
            if let Some(mover) = Mover::new(&grid, f, field, &mut dependent) {
                movers.push(mover);
            }
            if let Some(Diffusion::Dependent(programs)) = &field.diffusion
                && spreads.len() < dependent
            {
                spreads.push(Spread { programs: programs.clone() });
            }
        }
        let mut followers = Vec::new();
        for (f, field) in compiled.volume.iter().enumerate() {
            for chemotaxis in &field.chemotaxis {
                let along = &compiled.volume[chemotaxis.along];
                let moves =
                    |layer: usize| field.lives[layer] && along.lives[layer] && chemotaxis.sensitivity[layer].is_some();
                followers.push(Follower {
                    field: f,
                    along: chemotaxis.along,
                    sensitivity: spreads.len(),
                    moves: grid.layer.iter().map(|&layer| moves(layer)).collect(),
                });
                spreads.push(Spread { programs: chemotaxis.sensitivity.clone() });
            }
        }
        let quasi = compiled.quasi.iter().enumerate().map(|(q, field)| Quasi::new(&grid, layout, q, field));
        let quasi = quasi.collect::<Result<Vec<_>>>()?;
        let plans = compiled.layers.iter().map(|rates| Plan::new(&rates.pattern)).collect();
        let now = Closure {
            quasi: skin.quasi.clone(),
            columns: vec![0.0; compiled.columns.len() * layout.stride],
            spread: vec![0.0; spreads.len() * layout.nz * layout.stride],
            outsides: vec![Outsides::default(); movers.len()],
            time: skin.time,
        };
        Ok(Self {
            pieces: pieces(&movers, layout),
            surface_plan: Plan::new(&compiled.surface_rates.pattern),
            buffers: (0..rayon::current_num_threads().max(1)).map(|_| Mutex::default()).collect(),
            sweeps: Sweeps::default(),
            movers,
            followers,
            spreads,
            quasi,
            plans,
            now,
            grid,
            compiled,
            layout,
        })
    }

    /// Finds the quasi-steady fields at rest and stores them in the skin, then those of its present state.
    ///
    /// # Errors
    /// They have no balance.
    pub fn settle(&mut self, skin: &mut Skin) -> Result<()> {
        if !self.quasi.is_empty() {
            let rested = skin.at_rest();
            self.close(&Frame { skin: &rested }, &rested.state, skin.time)?;
            for (rest, row) in skin.quasi_rest.iter_mut().zip(self.now.quasi.chunks(self.layout.stride)) {
                *rest = row[0];
            }
        }
        self.refresh(skin)
    }

    /// Brings the quasi-steady fields of the skin up to date with its state.
    ///
    /// # Errors
    /// They have no balance.
    pub fn refresh(&mut self, skin: &mut Skin) -> Result<()> {
        self.now.quasi.copy_from_slice(&skin.quasi);
        self.close(&Frame { skin }, &skin.state, skin.time)?;
        skin.quasi.copy_from_slice(&self.now.quasi);
        Ok(())
    }

    /// Computes what the right-hand side needs besides the fields, into `now`.
    ///
    /// # Errors
    /// A quasi-steady field has no balance.
    pub fn close(&mut self, frame: &Frame<'_>, state: &[f64], time: f64) -> Result<()> {
        let layout = self.layout;
        self.now.time = time;
        let mut registers = Vec::new();
        if !self.compiled.columns.is_empty() {
            let mut columns = std::mem::take(&mut self.now.columns);
            skin::columns(&self.compiled.columns, &frame.view(state, &self.now), &mut columns, &mut registers);
            self.now.columns = columns;
        }
        if !self.quasi.is_empty() {
            let mut values = std::mem::take(&mut self.now.quasi);
            let before = Closure { quasi: values.clone(), ..std::mem::take(&mut self.now) };
            let view = frame.view(state, &before);
            let solved = self
                .quasi
                .iter_mut()
                .zip(&self.compiled.quasi)
                .try_for_each(|(solver, field)| solver.solve(&self.grid, field, &view, &mut values));
            self.now = Closure { quasi: values, ..before };
            solved?;
        }
        let view = frame.view(state, &self.now);
        let outside: Vec<Outsides> = self
            .movers
            .iter()
            .map(|mover| {
                let boundary = &self.compiled.volume[mover.field].boundary;
                outsides(boundary, |program| view.number(program, &mut registers))
            })
            .collect();
        if !self.spreads.is_empty() {
            let mut spread = std::mem::take(&mut self.now.spread);
            let view = frame.view(state, &self.now);
            spread.par_chunks_mut(layout.stride).enumerate().for_each(|(row, out)| {
                let (index, z) = (row / layout.nz, row % layout.nz);
                let out = &mut out[..layout.plane];
                match &self.spreads[index].programs[self.grid.layer[z]] {
                    None => out.fill(0.0),
                    Some(program) => {
                        let mut buffers = self.buffers();
                        view.run(program, z, 0..layout.plane, out, &mut buffers.registers, &|_| None);
                    }
                }
            });
            self.now.spread = spread;
        }
        self.now.outsides = outside;
        Ok(())
    }

    fn buffers(&self) -> std::sync::MutexGuard<'_, Buffers> {
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
                self.slab_rate(&view, z, slab, &mut self.buffers());
            });
        }
        self.surface_rate(&view, surface, &mut self.buffers());
    }

    /// The right-hand side of one depth.
    pub(super) fn slab_rate(&self, view: &View<'_>, z: usize, slab: &mut [f64], buffers: &mut Buffers) {
        let layout = self.layout;
        slab.fill(0.0);
        let rates = &self.compiled.layers[self.grid.layer[z]];
        buffers.values.resize(rates.fields.len().max(1) * BLOCK, 0.0);
        for start in (0..layout.plane).step_by(BLOCK) {
            let places = start..(start + BLOCK).min(layout.plane);
            let length = places.len();
            view.run(&rates.rate, z, places.clone(), &mut buffers.values, &mut buffers.registers, &|_| None);
            for (field, values) in rates.fields.iter().zip(buffers.values.chunks(length)) {
                slab[field * layout.stride..][places.clone()].copy_from_slice(values);
            }
        }
        let grid = &*self.grid;
        for (m, mover) in self.movers.iter().enumerate() {
            let rows = |k: usize| &view.state[layout.row(k, mover.field)];
            let spread = |k: usize| {
                let index = mover.dependent.unwrap_or(0);
                &self.now.spread[(index * layout.nz + k) * layout.stride..][..layout.plane]
            };
            let out = &mut slab[mover.field * layout.stride..][..layout.plane];
            mover.balance(grid, z, &rows, &spread, &self.now.outsides[m], out);
        }
        for follower in &self.followers {
            self.follow(view, follower, z, slab);
        }
    }

    /// Adds −∇·(ρχu∇s)/ρ at depth `z`.
    fn follow(&self, view: &View<'_>, follower: &Follower, z: usize, slab: &mut [f64]) {
        if !follower.moves[z] {
            return;
        }
        let (layout, grid) = (self.layout, &*self.grid);
        let (nx, ny) = (grid.x.len(), grid.y.len());
        let density = &self.compiled.volume[follower.field].density;
        let u = |k: usize| &view.state[layout.row(k, follower.field)];
        let s = |k: usize| &view.state[layout.row(k, follower.along)];
        let chi = |k: usize| &self.now.spread[(follower.sensitivity * layout.nz + k) * layout.stride..][..layout.plane];
        let out = &mut slab[follower.field * layout.stride..][..layout.plane];
        let moves = |k: isize| k >= 0 && (k as usize) < layout.nz && follower.moves[k as usize];
        let rho = |k: usize| density[grid.layer[k]];
        // Depth: the flux through the upper and the lower face, each as the neighbour computes it.
        for (face, sign) in [(z, 1.0), (z + 1, -1.0)] {
            if face == 0 || face >= layout.nz || !follower.moves[face - 1] || !follower.moves[face] {
                continue;
            }
            let centres = &grid.z.centres;
            let distance = centres[face] - centres[face - 1];
            let measure = rho(z) * grid.z.width(z);
            let weight = 0.5 * (rho(face - 1) + rho(face)) * sign / measure;
            for (p, out) in out.iter_mut().enumerate() {
                let speed = 0.5 * (chi(face - 1)[p] + chi(face)[p]) * (s(face)[p] - s(face - 1)[p]) / distance;
                let point = |k: isize| moves(k).then(|| (centres[k as usize], u(k as usize)[p]));
                *out += weight * speed * upwind(speed, face as isize, &point, grid.z.faces[face]);
            }
        }
        let (own, signal, chi) = (u(z), s(z), chi(z));
        let mut line = |n: usize, axis: &crate::grid::Axis, index: &dyn Fn(usize) -> usize| {
            let periodic = axis.ends == Ends::Periodic;
            let length = axis.faces[n] - axis.faces[0];
            let last = if periodic { n } else { n - 1 };
            for i in 0..last {
                let (p, q) = (index(i), index((i + 1) % n));
                let gradient = axis.conductance[i + 1] * (signal[q] - signal[p]);
                let speed = 0.5 * (chi[p] + chi[q]) * gradient;
                let point = |k: isize| {
                    let wrapped = k.rem_euclid(n as isize) as usize;
                    let inside = (0..n as isize).contains(&k);
                    let turns = (k - wrapped as isize) as f64 / n as f64;
                    (inside || periodic).then(|| (axis.centres[wrapped] + turns * length, own[index(wrapped)]))
                };
                let flux = speed * upwind(speed, i as isize + 1, &point, axis.faces[i + 1]);
                out[p] -= flux / axis.volume[i];
                out[q] += flux / axis.volume[(i + 1) % n];
            }
        };
        if nx > 1 {
            (0..ny).for_each(|j| line(nx, &grid.x, &|i| j * nx + i));
        }
        if ny > 1 && grid.exchange.is_none() {
            (0..nx).for_each(|i| line(ny, &grid.y, &|j| j * nx + i));
        }
    }

    fn surface_rate(&self, view: &View<'_>, out: &mut [f64], buffers: &mut Buffers) {
        let layout = self.layout;
        out.fill(0.0);
        let rates = &self.compiled.surface_rates;
        if rates.fields.is_empty() {
            return;
        }
        buffers.values.resize(rates.fields.len() * BLOCK, 0.0);
        for start in (0..layout.plane).step_by(BLOCK) {
            let places = start..(start + BLOCK).min(layout.plane);
            let length = places.len();
            view.run(&rates.rate, 0, places.clone(), &mut buffers.values, &mut buffers.registers, &|_| None);
            for (field, values) in rates.fields.iter().zip(buffers.values.chunks(length)) {
                out[field * layout.stride..][places.clone()].copy_from_slice(values);
            }
        }
    }

    /// One stage of a linearly implicit method: out ← W⁻¹ γ(step·F(state) + out), W ≈ I − θ∂F/∂u at `base`, θ = γ·step.
    ///
    /// [`System::close`] was called for `state`, [`System::prepare`] for θ. `out` holds the combination of earlier stages.
    pub fn stage(
        &self,
        frame: &Frame<'_>,
        state: &[f64],
        base: (&[f64], &Closure),
        gamma: f64,
        step: f64,
        out: &mut [f64],
    ) {
        let layout = self.layout;
        let view = frame.view(state, &self.now);
        let linear = frame.view(base.0, base.1);
        let theta = gamma * step;
        let (volume, surface) = out.split_at_mut(layout.volume());
        if layout.fields > 0 {
            volume.par_chunks_mut(layout.slab()).enumerate().for_each(|(z, slab)| {
                let buffers = &mut *self.buffers();
                let mut rate = std::mem::take(&mut buffers.right);
                rate.resize(layout.slab(), 0.0);
                self.slab_rate(&view, z, &mut rate, buffers);
                for (out, rate) in slab.iter_mut().zip(&rate) {
                    *out = gamma * (step * rate + *out);
                }
                buffers.right = rate;
                let layer = self.grid.layer[z];
                let rates = &self.compiled.layers[layer];
                local(&linear, z, &rates.jacobian, &self.plans[layer], theta, slab, buffers);
                let lines = &mut buffers.lines;
                let (movers, outsides) = (&self.movers, &base.1.outsides);
                self.sweeps.lateral(&self.grid, layout, movers, outsides, &base.1.spread, z, slab, lines);
            });
        }
        if layout.surface > 0 {
            let buffers = &mut *self.buffers();
            let mut rate = vec![0.0; surface.len()];
            self.surface_rate(&view, &mut rate, buffers);
            for (out, rate) in surface.iter_mut().zip(&rate) {
                *out = gamma * (step * rate + *out);
            }
            local(&linear, 0, &self.compiled.surface_rates.jacobian, &self.surface_plan, theta, surface, buffers);
        }
        let (movers, outsides, spread) = (&self.movers, &base.1.outsides, &base.1.spread);
        self.sweeps.depth(&self.grid, layout, movers, outsides, spread, &self.pieces, volume);
    }

    /// Factors of the line solves for θ and the conditions now.
    pub fn prepare(&mut self, theta: f64) {
        self.sweeps.prepare(&self.grid, &self.movers, &self.now.outsides, theta);
    }
}

/// The parts of a step one by one, for benchmarks and for tests against plain references.
impl System {
    /// Applies the prepared line solves along all axes in place, as every stage of a step does. `volume` is the volume part of
    /// a state.
    pub fn sweep(&self, volume: &mut [f64]) {
        self.sweep_lateral(volume);
        self.sweep_depth(volume);
    }

    /// The line solves along x and y.
    pub fn sweep_lateral(&self, volume: &mut [f64]) {
        let (layout, now) = (self.layout, &self.now);
        volume.par_chunks_mut(layout.slab().max(1)).take(layout.nz).enumerate().for_each(|(z, slab)| {
            let lines = &mut self.buffers().lines;
            self.sweeps.lateral(&self.grid, layout, &self.movers, &now.outsides, &now.spread, z, slab, lines);
        });
    }

    /// The line solves along depth.
    pub fn sweep_depth(&self, volume: &mut [f64]) {
        let (movers, outsides, spread) = (&self.movers, &self.now.outsides, &self.now.spread);
        self.sweeps.depth(&self.grid, self.layout, movers, outsides, spread, &self.pieces, volume);
    }

    /// The right-hand side of a skin for which [`System::refresh`] was called, into `out`, as long as its state.
    pub fn rates(&self, skin: &Skin, out: &mut [f64]) {
        self.rate(&Frame { skin }, &skin.state, out);
    }

    /// The solve with the Jacobian of the kinetics in each cell, in place.
    pub fn eliminate(&self, skin: &Skin, theta: f64, volume: &mut [f64]) {
        let frame = Frame { skin };
        let view = frame.view(&skin.state, &self.now);
        volume.par_chunks_mut(self.layout.slab().max(1)).take(self.layout.nz).enumerate().for_each(|(z, slab)| {
            let layer = self.grid.layer[z];
            local(
                &view,
                z,
                &self.compiled.layers[layer].jacobian,
                &self.plans[layer],
                theta,
                slab,
                &mut self.buffers(),
            );
        });
    }
}

/// Solves (I − θJ) k = r for the rows of one depth, or of the surface.
fn local(
    view: &View<'_>,
    z: usize,
    jacobian: &Program,
    plan: &Plan,
    theta: f64,
    rows: &mut [f64],
    buffers: &mut Buffers,
) {
    if plan.fields.is_empty() {
        return;
    }
    let layout = view.layout;
    let Buffers { values, jacobian: entries, factors, registers, .. } = buffers;
    entries.resize(jacobian.outputs * BLOCK, 0.0);
    factors.resize(plan.work(), 0.0);
    values.resize(plan.fields.len().max(values.len() / BLOCK) * BLOCK, 0.0);
    for start in (0..layout.plane).step_by(BLOCK) {
        let places = start..(start + BLOCK).min(layout.plane);
        let length = places.len();
        view.run(jacobian, z, places.clone(), entries, registers, &|_| None);
        plan.factorise(theta, &entries[..jacobian.outputs * length], length, factors);
        for (field, values) in plan.fields.iter().zip(values.chunks_mut(BLOCK)) {
            values[..length].copy_from_slice(&rows[field * layout.stride..][places.clone()]);
        }
        plan.solve(factors, values);
        for (field, values) in plan.fields.iter().zip(values.chunks(BLOCK)) {
            rows[field * layout.stride..][places.clone()].copy_from_slice(&values[..length]);
        }
    }
}

/// The value on a face between points `face − 1` and `face` that comes from upwind, with a van Leer limited slope.
fn upwind(speed: f64, face: isize, point: &dyn Fn(isize) -> Option<(f64, f64)>, at: f64) -> f64 {
    let own = if speed > 0.0 { face - 1 } else { face };
    let Some((x, u)) = point(own) else { return 0.0 };
    let (Some((x0, u0)), Some((x1, u1))) = (point(own - 1), point(own + 1)) else { return u };
    let (left, right) = ((u - u0) / (x - x0), (u1 - u) / (x1 - x));
    if left * right <= 0.0 {
        return u;
    }
    u + 2.0 * left * right / (left + right) * (at - x)
}
