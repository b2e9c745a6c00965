//! What passes faces in depth: for observables, and added up on the surface.
//!
//! A sum q of what passes a face, q′ = J(u), is a field on the surface. It is advanced as the fields are: the right-hand side adds
//! the very flux J that the cells on both sides exchange, and the solve answers with the slope of the same J,
//! (I − θA_z) gives k_q = r_q + θ J′(k) with the k just solved for. So what a sum says was lost is missing in the cells to the last
//! digits, whatever the length of the steps, and its error is estimated like that of any field.

use super::{Closure, System};
use crate::grid::Grid;
use crate::language::{Passage, Way};
use crate::skin::{Skin, View};
use crate::stepper::follow;
use crate::stepper::transport::Mover;

/// A face that a field passes on one grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passing {
    field: usize,
    mover: Option<usize>,
    face: Face,
}

#[derive(Debug, Clone, Copy)]
enum Face {
    /// So many cells from the top; what goes down counts so many times.
    Depth(usize, f64),
    /// Left, right, front, back; what goes out counts.
    Side(usize),
    Nowhere,
}

impl Passing {
    pub(super) fn new(grid: &Grid, movers: &[Mover], passage: &Passage) -> Self {
        // The first cell below a layer.
        let below = |layer: usize| grid.layer.iter().position(|own| *own > layer);
        let face = match passage.way {
            Way::Out(0) => Face::Depth(0, -1.0),
            Way::Out(1) => Face::Depth(grid.z.len(), 1.0),
            Way::Out(side) => Face::Side(side - 2),
            Way::Down(layer) => below(layer).map_or(Face::Nowhere, |k| Face::Depth(k, 1.0)),
            Way::Up(layer) => below(layer).map_or(Face::Nowhere, |k| Face::Depth(k, -1.0)),
            Way::Nowhere => Face::Nowhere,
        };
        let mover = movers.iter().position(|mover| mover.field == passage.field);
        Self { field: passage.field, mover, face }
    }
}

impl System {
    /// Adds `factor` times the flux through a face in depth, downwards, to `out`.
    fn flux(
        &self,
        view: &View<'_>,
        closure: &Closure,
        passing: &Passing,
        (k, factor): (usize, f64),
        out: &mut [f64],
        tracks: &mut follow::Scratch,
    ) {
        let layout = self.layout;
        if let Some(m) = passing.mover {
            let mover = &self.movers[m];
            let rows = |k: usize| &view.state[layout.row(k, passing.field)];
            let spread = |k: usize| self.spread_row(closure, mover.dependent.unwrap_or(0), k);
            mover.through(&self.grid, k, &rows, &spread, &closure.outsides[m], [factor, 1.0], out);
        }
        for follower in self.followers.iter().filter(|follower| follower.field == passing.field) {
            self.rows(view, closure, follower, |rows| self.tracks.through(&self.grid, rows, k, factor, out, tracks));
        }
    }

    /// Adds what comes to the fields of the surface through faces to their rows.
    pub(super) fn arrive(&self, view: &View<'_>, closure: &Closure, surface: &mut [f64], tracks: &mut follow::Scratch) {
        let layout = self.layout;
        for (field, passing) in &self.sums {
            if let Face::Depth(k, sign) = passing.face {
                let out = &mut surface[field * layout.stride..][..layout.plane];
                self.flux(view, closure, passing, (k, sign), out, tracks);
            }
        }
    }

    /// What the solve along depth means for sums: they gain what the cells beside their face exchange in it.
    pub(super) fn add_up(&self, volume: &[f64], surface: &mut [f64]) {
        let (layout, base, theta) = (self.layout, &self.base, self.sweeps.theta());
        for (field, passing) in &self.sums {
            let (Face::Depth(k, sign), Some(m)) = (passing.face, passing.mover) else { continue };
            let mover = &self.movers[m];
            let rows = |k: usize| &volume[layout.row(k, passing.field)];
            let spread = |k: usize| self.spread_row(base, mover.dependent.unwrap_or(0), k);
            let out = &mut surface[field * layout.stride..][..layout.plane];
            mover.through(&self.grid, k, &rows, &spread, &base.outsides[m], [theta * sign, 0.0], out);
        }
    }

    /// Writes what observables ask of faces, means over each face.
    pub(super) fn gauge(&self, skin: &Skin, closure: &Closure, fluxes: &mut [f64]) {
        if self.gauges.is_empty() {
            return;
        }
        let (layout, grid) = (self.layout, &*self.grid);
        let view = View { quasi: &closure.quasi, ..skin.view() };
        let buffers = &mut *self.buffers();
        let total = grid.x.total() * grid.y.total();
        for (passing, flux) in self.gauges.iter().zip(fluxes) {
            *flux = match passing.face {
                Face::Nowhere => 0.0,
                Face::Depth(k, sign) => {
                    buffers.values.clear();
                    buffers.values.resize(layout.plane, 0.0);
                    self.flux(&view, closure, passing, (k, sign), &mut buffers.values, &mut buffers.tracks);
                    let rows = buffers.values.chunks(grid.x.len()).zip(&grid.y.volume);
                    let along = |row: &[f64]| row.iter().zip(&grid.x.volume).map(|(own, x)| own * x).sum::<f64>();
                    rows.map(|(row, y)| y * along(row)).sum::<f64>() / total
                }
                Face::Side(side) => passing.mover.map_or(0.0, |m| {
                    let mover = &self.movers[m];
                    let rows = |k: usize| &view.state[layout.row(k, passing.field)];
                    let spread = |k: usize| self.spread_row(closure, mover.dependent.unwrap_or(0), k);
                    mover.outwards(grid, side, &rows, &spread, &closure.outsides[m])
                }),
            };
        }
    }
}
