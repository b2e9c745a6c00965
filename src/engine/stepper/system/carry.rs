//! The correction of drift (`stepper::drift`), beside the fluxes of the movers: it is a part of the right-hand side that the solve
//! does not know.

use super::System;
use crate::engine::grid::Ends;
use crate::engine::medium::View;
use crate::engine::stepper::buffers::{Carried, Closure};
use crate::engine::stepper::drift::correction;
use crate::engine::stepper::transport::Mover;

impl System {
    /// Adds the correction at depth `z` to the rows of the fields that drift.
    pub(super) fn carry(&self, view: &View<'_>, closure: &Closure, z: usize, slab: &mut [f64], fluxes: &mut Carried) {
        let layout = self.layout;
        for (m, mover) in self.movers.iter().enumerate().filter(|(_, mover)| mover.moves[z]) {
            let Some(drift) = &mover.drift else { continue };
            let out = &mut slab[mover.field * layout.stride..][..layout.plane];
            let measure = mover.density[z] * self.grid.z.width(z);
            // Faces z − 1 … z + 2, as far as there are.
            let rows = self.downwards(view, closure, m, z, fluxes);
            for (face, weight) in [(z, 1.0 / measure), (z + 1, -1.0 / measure)] {
                let at = |k: usize| rows[k + 1 - z].as_slice();
                self.correct(closure, mover, face, [at(face - face.min(1)), at(face), at(face + 1)], weight, out);
            }
            for axis in (0..2).filter(|axis| drift.is_along(*axis, z)) {
                self.carry_across(view, closure, m, (axis, z), &mut fluxes.0[0], out);
            }
        }
    }

    /// Adds `factor` times the correction of a face in depth, downwards, to `out`.
    pub(super) fn carried_through(
        &self,
        view: &View<'_>,
        closure: &Closure,
        m: usize,
        (face, factor): (usize, f64),
        out: &mut [f64],
        fluxes: &mut Carried,
    ) {
        let mover = &self.movers[m];
        if mover.drift.is_none() || !mover.joined(face) {
            return;
        }
        let [before, own, after, _] = self.downwards(view, closure, m, face, fluxes);
        self.correct(closure, mover, face, [before, own, after], factor, out);
    }

    /// What passes faces z − 1 … z + 2 downwards, before it is corrected.
    fn downwards<'b>(
        &self,
        view: &View<'_>,
        closure: &Closure,
        m: usize,
        z: usize,
        Carried(rows): &'b mut Carried,
    ) -> &'b [Vec<f64>; 4] {
        let (layout, mover) = (self.layout, &self.movers[m]);
        for (row, face) in rows.iter_mut().zip(z..) {
            row.clear();
            row.resize(layout.plane, 0.0);
            if let Some(face) = face.checked_sub(1).filter(|face| *face <= layout.nz) {
                let of_field = |k: usize| &view.state[layout.row(k, mover.field)];
                let spread = |axis: usize, k: usize| self.spread_row(closure, mover.index(axis), k);
                let film = |f: usize| &view.state[layout.surface_row(f)];
                let outsides = &closure.outsides[m];
                mover.through(&self.grid, face, &of_field, &spread, &film, outsides, [1.0, 1.0], row);
                self.given(closure, mover.field, (face, 1.0), row);
            }
        }
        rows
    }

    /// Adds `factor` times the correction of face `k` in depth to `out`, for what passes the face before it, the face itself and
    /// the one after it.
    fn correct(
        &self,
        closure: &Closure,
        mover: &Mover,
        k: usize,
        [before, own, after]: [&[f64]; 3],
        factor: f64,
        out: &mut [f64],
    ) {
        if !mover.joined(k) {
            return;
        }
        let widths = [self.grid.z.width(k - 1), self.grid.z.width(k)];
        for (p, out) in out.iter_mut().enumerate() {
            let pair = mover.pair(&self.grid, k, |k| self.spread_row(closure, mover.index(2), k)[p]);
            *out += factor * correction(pair, [own[p] - before[p], after[p] - own[p]], widths);
        }
    }

    /// Adds the correction along x or y.
    fn carry_across(
        &self,
        view: &View<'_>,
        closure: &Closure,
        m: usize,
        (along, z): (usize, usize),
        fluxes: &mut Vec<f64>,
        out: &mut [f64],
    ) {
        let (layout, mover, nx) = (self.layout, &self.movers[m], self.grid.x.len());
        let (axis, step, across) = match along {
            0 => (&self.grid.x, 1, (nx, self.grid.y.len())),
            _ => (&self.grid.y, nx, (1, nx)),
        };
        let n = axis.len();
        if n == 1 {
            return;
        }
        let own = &view.state[layout.row(z, mover.field)];
        let spread = mover.dependent.map(|_| self.spread_row(closure, mover.index(along), z));
        let wraps = axis.ends == Ends::Periodic;
        for line in 0..across.1 {
            let place = |i: usize| line * across.0 + i % n * step;
            let pair = |face: usize| {
                let (i, j) = ((face + n - 1) % n, face % n);
                let d = spread.map_or(0.0, |values| {
                    mover.between([axis.width(i), axis.width(j)], [values[place(i)], values[place(j)]])
                });
                mover.pair_across(&self.grid, along, z, j, d)
            };
            fluxes.clear();
            fluxes.extend((0..=n).map(|face| match face % n == 0 && !wraps {
                true => self.entering(closure, m, (2 * along + face / n, z), place(face.saturating_sub(1)), own),
                false => {
                    let [a, b] = pair(face);
                    a * own[place(face + n - 1)] - b * own[place(face)]
                }
            }));
            let more = |i: usize| fluxes[i % n + 1] - fluxes[i % n];
            for face in if wraps { 0..n } else { 1..n } {
                let (i, j) = ((face + n - 1) % n, face);
                let gained = correction(pair(face), [more(i), more(j)], [axis.width(i), axis.width(j)]);
                out[place(i)] -= gained / axis.volume[i];
                out[place(j)] += gained / axis.volume[j];
            }
        }
    }

    /// What passes a lateral face of the domain at a place along its axis, over the density.
    fn entering(&self, closure: &Closure, m: usize, (side, z): (usize, usize), p: usize, own: &[f64]) -> f64 {
        let mover = &self.movers[m];
        let d = match mover.dependent {
            Some(_) => self.spread_row(closure, mover.index(side / 2), z)[p],
            None => mover.along(side / 2, z),
        };
        let passes = closure.outsides[m][2 + side].map_or(0.0, |outside| {
            let [leaves, enters] = mover.side(&self.grid, side, &outside, z, d);
            enters * outside.value() - leaves * own[p]
        });
        let given = self.given_aside(closure, mover.field, (side, z), p) / mover.density[z];
        if side.is_multiple_of(2) { passes + given } else { -passes - given }
    }
}
