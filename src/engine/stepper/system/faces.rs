//! What passes faces in depth: from films and by prescription, for observables, and added up on the surface.
//!
//! **Films.** A film of thickness H on the top or the bottom holds a field c of the surface, well mixed. With the partition
//! coefficient K and the conductance g from the cell's centre to it, J = g (K c − u) comes into the cells and H c′ = −J. Both sides
//! get the very same J. In the solve along depth the film is one more cell of each column, of capacity H/K for v = K c. It is
//! eliminated before the others and substituted after them,
//!
//! r₀ ← r₀ + a r_v/(1 + b), a = θg/(ρ₀Δz₀), b = θgK/H, the cell keeps g/(1 + b), k_v = (r_v + b k₀)/(1 + b),
//!
//! so content is kept to rounding, and a thin film shortens no step.
//!
//! **Prescribed fluxes** J(u, …) are evaluated in the cells at the face, in every stage; the solve does not know them.
//!
//! **Sums.** A sum q of what passes a face, q′ = J(u), is a field on the surface. It is advanced as the fields are: the right-hand side adds
//! the very flux J that the cells on both sides exchange, and the solve answers with the slope of the same J,
//! (I − θA_z) gives k_q = r_q + θ J′(k) with the k just solved for. So what a sum says was lost is missing in the cells to the last
//! digits, whatever the length of the steps, and its error is estimated like that of any field.

use super::System;
use crate::engine::medium::{Medium, View};
use crate::engine::stepper::buffers::{Buffers, Carried, Closure};
use crate::engine::stepper::follow;
use crate::engine::stepper::system::passing::{CrossedFace, Passing, Prescribed};

impl System {
    /// Adds `factor` times the flux through a face in depth, downwards, to `out`.
    fn flux(
        &self,
        view: &View<'_>,
        closure: &Closure,
        passing: &Passing,
        (k, factor): (usize, f64),
        out: &mut [f64],
        tracks: &mut follow::FollowScratch,
        carried: &mut Carried,
    ) {
        let layout = self.layout;
        if let Some(m) = passing.mover {
            let mover = &self.movers[m];
            let rows = |k: usize| &view.state[layout.row(k, passing.field)];
            let spread = |axis: usize, k: usize| self.spread_row(closure, mover.index(axis), k);
            let film = |f: usize| &view.state[layout.surface_row(f)];
            mover.through(&self.grid, k, &rows, &spread, &film, &closure.outsides[m], [factor, 1.0], out);
            self.carried_through(view, closure, m, (k, factor), out, carried);
        }
        self.given(closure, passing.field, (k, factor), out);
        for follower in self.followers.iter().filter(|follower| follower.field == passing.field) {
            self.rows(view, closure, follower, |rows| self.tracks.through(&self.grid, rows, k, factor, out, tracks));
        }
    }

    /// Adds `factor` times the flux of a field that is prescribed on a face in depth, downwards, to `out`.
    pub(super) fn given(&self, closure: &Closure, field: usize, (k, factor): (usize, f64), out: &mut [f64]) {
        for own in self.prescribed.iter().filter(|own| own.field == field && own.side < 2) {
            let (face, inwards) = [(0, 1.0), (self.layout.nz, -1.0)][own.side];
            if k == face {
                let values = self.spread_row(closure, own.index, k.saturating_sub(own.side));
                out.iter_mut().zip(values).for_each(|(out, flux)| *out += inwards * factor * flux);
            }
        }
    }

    /// The flux of a field that is prescribed at a place of a lateral face of the domain.
    pub(super) fn given_aside(&self, closure: &Closure, field: usize, (side, z): (usize, usize), p: usize) -> f64 {
        let own = self.prescribed.iter().filter(|own| own.field == field && own.side == side + 2);
        own.map(|own| self.spread_row(closure, own.index, z)[p]).sum()
    }

    /// Adds what comes from films and by prescription to the rows of depth `z`.
    pub(super) fn enter(&self, view: &View<'_>, closure: &Closure, z: usize, slab: &mut [f64]) {
        let (layout, grid) = (self.layout, &*self.grid);
        for coated in self.coated.iter().filter(|coated| coated.beside(layout.nz) == z) {
            let mover = &self.movers[coated.mover];
            let rows = |k: usize| &view.state[layout.row(k, mover.field)];
            let spread = |axis: usize, k: usize| self.spread_row(closure, mover.index(axis), k);
            let film = |f: usize| &view.state[layout.surface_row(f)];
            let factor = coated.inwards() / (mover.density[z] * grid.z.width(z));
            let out = &mut slab[mover.field * layout.stride..][..layout.plane];
            let (face, outsides) = (coated.face(layout.nz), &closure.outsides[coated.mover]);
            mover.through(grid, face, &rows, &spread, &film, outsides, [factor, 1.0], out);
        }
        for own in &self.prescribed {
            let mover = &self.movers[own.mover];
            if !mover.moves[z] {
                continue;
            }
            let density = mover.density[z];
            let out = &mut slab[own.field * layout.stride..][..layout.plane];
            let values = || self.spread_row(closure, own.index, z);
            let (nx, ny) = (grid.x.len(), grid.y.len());
            let Some(side) = own.side.checked_sub(2) else {
                if z == [0, layout.nz - 1][own.side] {
                    let factor = 1.0 / (density * grid.z.width(z));
                    out.iter_mut().zip(values()).for_each(|(out, flux)| *out += factor * flux);
                }
                continue;
            };
            let (axis, end) = (if side < 2 { &grid.x } else { &grid.y }, side % 2);
            let at = if end == 0 { 0 } else { axis.len() - 1 };
            let area = axis.end_conductance[end] * 0.5 * axis.width(at);
            let factor = area / (density * axis.volume[at]);
            for other in 0..nx * ny / axis.len() {
                let p = if side < 2 { other * nx + at } else { at * nx + other };
                out[p] += factor * values()[p];
            }
        }
    }

    /// Adds what comes to the fields of the surface through faces to their rows.
    pub(super) fn arrive(&self, view: &View<'_>, closure: &Closure, surface: &mut [f64], buffers: &mut Buffers) {
        let layout = self.layout;
        for coated in &self.coated {
            let mover = &self.movers[coated.mover];
            let rows = |k: usize| &view.state[layout.row(k, mover.field)];
            let spread = |axis: usize, k: usize| self.spread_row(closure, mover.index(axis), k);
            let film = |f: usize| &view.state[layout.surface_row(f)];
            let out = &mut surface[coated.film.of * layout.stride..][..layout.plane];
            let (face, outsides) = (coated.face(layout.nz), &closure.outsides[coated.mover]);
            let factor = -coated.inwards() / coated.film.thickness;
            mover.through(&self.grid, face, &rows, &spread, &film, outsides, [factor, 1.0], out);
        }
        for (field, passing) in &self.sums {
            if let CrossedFace::Depth(k, sign) = passing.face {
                let out = &mut surface[field * layout.stride..][..layout.plane];
                self.flux(view, closure, passing, (k, sign), out, &mut buffers.tracks, &mut buffers.carried);
            }
        }
    }

    /// Before the solve in the cells: what films answer reaches the cells beside them.
    pub(super) fn meet(&self, z: usize, slab: &mut [f64], surface: &[f64]) {
        let (layout, theta) = (self.layout, self.sweeps.theta());
        for coated in self.coated.iter().filter(|coated| coated.beside(layout.nz) == z) {
            let (mover, film) = (&self.movers[coated.mover], coated.film);
            let Some(outside) = &self.base.outsides[coated.mover][coated.side] else { continue };
            let spread = |axis: usize, k: usize| self.spread_row(&self.base, mover.index(axis), k);
            let over = theta / (mover.density[z] * self.grid.z.width(z));
            let held = &surface[film.of * layout.stride..][..layout.plane];
            let out = &mut slab[mover.field * layout.stride..][..layout.plane];
            for (p, (out, held)) in out.iter_mut().zip(held).enumerate() {
                let [_, g] = outside.held(theta, mover.end(&self.grid, coated.side, outside, p, &spread));
                *out += over * g * film.partition * held;
            }
        }
    }

    /// After the solve in the cells: films follow the cells beside them, and sums gain what the cells beside their face
    /// exchange in it.
    pub(super) fn add_up(&self, volume: &[f64], surface: &mut [f64]) {
        let (layout, base, theta) = (self.layout, &self.base, self.sweeps.theta());
        for coated in &self.coated {
            let (mover, film) = (&self.movers[coated.mover], coated.film);
            let Some(outside) = &base.outsides[coated.mover][coated.side] else { continue };
            let spread = |axis: usize, k: usize| self.spread_row(base, mover.index(axis), k);
            let beside = &volume[layout.row(coated.beside(layout.nz), mover.field)];
            let held = &mut surface[film.of * layout.stride..][..layout.plane];
            for (p, (held, beside)) in held.iter_mut().zip(beside).enumerate() {
                let [leaves, enters] = mover.end(&self.grid, coated.side, outside, p, &spread);
                let b = film.damping(theta, enters);
                *held = match leaves == enters {
                    true => (*held + b / film.partition * beside) / (1.0 + b),
                    false => (*held + theta * leaves / film.thickness * beside) / (1.0 + b),
                };
            }
        }
        if self.sums.is_empty() {
            return;
        }
        let buffers = &mut *self.buffers();
        let gained = &mut buffers.values;
        for (field, passing) in &self.sums {
            let (CrossedFace::Depth(k, sign), Some(m)) = (passing.face, passing.mover) else { continue };
            let mover = &self.movers[m];
            gained.clear();
            gained.resize(layout.plane, 0.0);
            {
                let held = &*surface;
                let rows = |k: usize| &volume[layout.row(k, passing.field)];
                let spread = |axis: usize, k: usize| self.spread_row(base, mover.index(axis), k);
                let film = |f: usize| &held[f * layout.stride..][..layout.plane];
                let weights = [theta * sign, 0.0];
                mover.through(&self.grid, k, &rows, &spread, &film, &base.outsides[m], weights, gained);
            }
            let out = &mut surface[field * layout.stride..][..layout.plane];
            out.iter_mut().zip(&*gained).for_each(|(out, gained)| *out += gained);
        }
    }

    /// Writes what observables ask of faces, means over each face.
    pub(super) fn gauge(&self, medium: &Medium, closure: &Closure, fluxes: &mut [f64]) {
        if self.gauges.is_empty() {
            return;
        }
        let (layout, grid) = (self.layout, &*self.grid);
        let view = View { quasi: &closure.quasi, ..medium.view() };
        let buffers = &mut *self.buffers();
        let total = grid.x.total() * grid.y.total();
        for (passing, flux) in self.gauges.iter().zip(fluxes) {
            *flux = match passing.face {
                CrossedFace::Nowhere => 0.0,
                CrossedFace::Depth(k, sign) => {
                    buffers.values.clear();
                    buffers.values.resize(layout.plane, 0.0);
                    let Buffers { values, tracks, carried, .. } = &mut *buffers;
                    self.flux(&view, closure, passing, (k, sign), values, tracks, carried);
                    let rows = buffers.values.chunks(grid.x.len()).zip(&grid.y.volume);
                    let along = |row: &[f64]| row.iter().zip(&grid.x.volume).map(|(own, x)| own * x).sum::<f64>();
                    rows.map(|(row, y)| y * along(row)).sum::<f64>() / total
                }
                CrossedFace::Side(side) => {
                    let given = self.prescribed.iter().filter(|own| own.field == passing.field && own.side == side + 2);
                    let values = |own: &Prescribed, k: usize| {
                        self.movers[own.mover].moves[k].then(|| self.spread_row(closure, own.index, k))
                    };
                    let given: f64 = given.map(|own| self.mean_over(side, &|k| values(own, k))).sum();
                    passing.mover.map_or(0.0, |m| {
                        let mover = &self.movers[m];
                        let rows = |k: usize| &view.state[layout.row(k, passing.field)];
                        let spread = |axis: usize, k: usize| self.spread_row(closure, mover.index(axis), k);
                        mover.outwards(grid, side, &rows, &spread, &closure.outsides[m])
                    }) - given
                }
            };
        }
    }

    /// Mean of values over a lateral face of the domain: left, right, front, back.
    fn mean_over<'a>(&self, side: usize, values: &dyn Fn(usize) -> Option<&'a [f64]>) -> f64 {
        let grid = &*self.grid;
        let (axis, across) = if side < 2 { (&grid.x, &grid.y) } else { (&grid.y, &grid.x) };
        let at = if side.is_multiple_of(2) { 0 } else { axis.len() - 1 };
        let mut sum = 0.0;
        for (k, row) in (0..grid.z.len()).filter_map(|k| Some((k, values(k)?))) {
            for (other, measure) in across.volume.iter().enumerate() {
                let p = if side < 2 { other * grid.x.len() + at } else { at * grid.x.len() + other };
                sum += measure * grid.z.width(k) * row[p];
            }
        }
        sum / (across.total() * grid.z.total())
    }
}
