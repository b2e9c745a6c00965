//! The parts of a step one by one, for benchmarks and for tests against plain references. They call what a step calls.
#![expect(unsafe_code, reason = "tasks write their own rows of shared arrays")]

use rayon::prelude::*;

use super::{Active, Frame, Stage, System};
use crate::engine::medium::Medium;
use crate::engine::stepper::shared::Shared;
use crate::engine::stepper::sparse::BLOCK;

impl System {
    /// Solves (I − θA_x)(I − θA_y)(I − θA_z) k = r in place for the volume part of a state: the linear solve of every stage,
    /// without kinetics. [`System::prepare`] was called for θ.
    pub fn sweep(&self, volume: &mut [f64]) {
        self.sweep_lateral(volume);
        self.sweep_depth(volume);
    }

    /// The part of [`System::sweep`] that solves a depth at a time.
    pub fn sweep_lateral(&self, volume: &mut [f64]) {
        let (layout, base) = (self.layout, &self.base);
        volume.par_chunks_mut(layout.slab().max(1)).take(layout.nz).enumerate().for_each(|(z, slab)| {
            let lines = &mut self.buffers().lines;
            self.sweeps.lateral(&self.grid, layout, &self.movers, &base.outsides, &base.spread, z, slab, lines);
        });
    }

    /// The part of [`System::sweep`] that solves columns.
    pub fn sweep_depth(&self, volume: &mut [f64]) {
        let (layout, base) = (self.layout, &self.base);
        let shared = Shared::new(volume);
        self.pieces.par_iter().with_max_len(1).for_each(|piece| {
            let lines = &mut self.buffers().lines;
            // SAFETY: no two pieces share a value.
            unsafe {
                let (movers, outsides, spread) = (&self.movers, &base.outsides, &base.spread);
                self.sweeps.depth(&self.grid, layout, movers, outsides, spread, piece, &shared, lines, |_, _| {});
            }
        });
    }

    /// Solves (I − θJ)(I − θA_x)(I − θA_y)(I − θA_z) k = r in place, with the Jacobian that the last first stage factorised and
    /// the θ of [`System::prepare`].
    pub fn solve(&mut self, k: &mut [f64]) {
        let layout = self.layout;
        let mut factors = std::mem::take(&mut self.factors);
        let (of_volume, of_surface) = factors.split_at_mut(self.factor_starts[layout.nz]);
        let local = |active: &Active, rows: &mut [f64], factors: &[f32]| {
            let values = &mut self.buffers().values;
            values.resize(values.len().max(active.fields.len() * BLOCK), 0.0);
            for (block, start) in (0..layout.plane).step_by(BLOCK).enumerate() {
                let length = BLOCK.min(layout.stride - start);
                for (field, values) in active.fields.iter().zip(values.chunks_exact_mut(BLOCK)) {
                    values[..length].copy_from_slice(&rows[field * layout.stride + start..][..length]);
                }
                active.plan.solve(&factors[block * active.plan.kept()..][..active.plan.kept()], values);
                for (field, values) in active.fields.iter().zip(values.chunks_exact(BLOCK)) {
                    rows[field * layout.stride + start..][..length].copy_from_slice(&values[..length]);
                }
            }
        };
        let (volume, surface) = k.split_at_mut(layout.volume());
        for (z, slab) in volume.chunks_mut(layout.slab().max(1)).take(layout.nz).enumerate() {
            let own = self.factor_starts[z]..self.factor_starts[z + 1];
            local(&self.active[self.grid.layer[z]], slab, &of_volume[own]);
        }
        local(&self.surface, surface, of_surface);
        for (z, slab) in volume.chunks_mut(layout.slab().max(1)).take(layout.nz).enumerate() {
            self.meet(z, slab, surface);
        }
        self.sweep(volume);
        self.add_up(volume, surface);
        self.factors = factors;
    }

    /// Operations that one step takes in each cell of a layer for kinetics and their solve: of the Jacobian and its factors, and
    /// of the four stages.
    pub fn operations(&self, layer: usize) -> usize {
        let (active, rates) = (&self.active[layer], &self.compiled.layers[layer]);
        let [factorise, solve] = active.plan.operations();
        let stages: usize = [0, 1, 2, 1].iter().map(|done| active.stages[*done].instructions() + solve).sum();
        rates.jacobian.instructions() + factorise + stages
    }

    /// The right-hand side of a medium for which [`System::refresh`] was called, into `out`, as long as its state.
    pub fn rates(&mut self, medium: &Medium, out: &mut [f64]) {
        std::mem::swap(&mut self.now, &mut self.base);
        self.rate(&Frame { medium }, &medium.state, out);
        std::mem::swap(&mut self.now, &mut self.base);
    }

    /// A stage of a step from a medium for which [`System::refresh`] was called, but for the solve along depth. The first one
    /// evaluates and factorises the Jacobian.
    pub fn stage_of(&mut self, medium: &Medium, first: bool, gamma: f64, step: f64, out: &mut [f64]) {
        if !first {
            self.now.clone_from(&self.base);
        }
        let stage = Stage { state: &medium.state, first, done: &[], weights: &[], gamma, step };
        self.stage(&Frame { medium }, &stage, out);
    }
}
