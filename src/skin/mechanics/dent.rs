//! Skin under one load on the grid, with media that stiffen and let go.
//!
//! The shear modulus of a cell is the secant of its law at the strain it has, fibres are taut as the skin is dented, and the surface
//! leaves a barrel where it would be pulled; all three are iterated to rest. The equations stand in [`support`](super::support).

use std::ops::Range;

use super::contact::Surface;
use super::elastic::{Body, Displaced, Edge, Elastic, Stuff, graded};
use super::ground::{Drum, Ground, Mesh, WIDTH};
use crate::base::error::{Error, Result};

/// A solution on the grid.
#[derive(Debug, Clone)]
pub struct Dent {
    /// The body with the moduli it ended with.
    pub elastic: Elastic,
    /// Its displacements.
    pub moved: Displaced,
    /// Force [N].
    pub force: f64,
    /// Deflection of the patch [m].
    pub deflection: f64,
    /// Layer of each row.
    pub layer: Vec<usize>,
    /// s of each cell, `[row][ring]`.
    pub strained: Vec<f64>,
    /// Pressure on the innermost loaded ring [Pa].
    pub pressure: f64,
}

/// What is known of a load.
#[derive(Clone, Copy)]
enum GivenLoad<'a> {
    /// Mean displacement of the loaded rings [m].
    Deflection(f64),
    /// Force [N].
    Force(f64),
    /// Force [N] on a rigid body of this profile, which touches where it must.
    Rigid(f64, &'a dyn Fn(f64) -> f64),
}

/// What the surface beside the load does.
struct Beside {
    /// Rings that do not move.
    clamped: Vec<bool>,
    /// Pressure [Pa] of a barrel on rings that may let go of it.
    bears: f64,
    /// Those rings.
    loose: Range<usize>,
}

impl Beside {
    /// Nothing is held.
    fn free(rings: usize) -> Self {
        Self { clamped: vec![false; rings], bears: 0.0, loose: 0..0 }
    }

    /// Lets the surface go where it pulls at the barrel and stops it where it would run through; whether anything changed.
    fn lets_go(&mut self, elastic: &Elastic, moved: &Displaced) -> bool {
        // From within outwards the skin lets go and touches again once.
        let touches = |i: usize, clamped: bool| {
            if clamped { self.bears + elastic.lifted(moved, i) >= 0.0 } else { moved.vertical(i, 0) < 0.0 }
        };
        let next: Vec<bool> = self.loose.clone().map(|i| touches(i, self.clamped[i])).collect();
        let changed = next[..] != self.clamped[self.loose.clone()];
        self.clamped[self.loose.clone()].copy_from_slice(&next);
        changed
    }
}

/// Iterations stop when the force changes by less than this share.
const SETTLED: f64 = 4e-3;
const MOST_ITERATIONS: usize = 40;

impl Ground {
    /// Solves for one deflection of the patch [m], with moduli after a time [s], in skin that a nose or a drum may press already
    /// ([`Ground::pressed`]); `linear` stops before any stiffening.
    ///
    /// # Errors
    /// The layers are not held, or the iteration does not settle.
    pub fn dent(&self, deflection: f64, time: f64, pressed: Option<&Dent>, linear: bool) -> Result<Dent> {
        let mesh = self.mesh(self.patch(deflection));
        let within = |radius: f64| (mesh.inside.end..mesh.rings()).filter(|i| mesh.radii[*i] < radius).count();
        let rings_to = |radius: f64| mesh.inside.end + within(radius);
        let held = self.surroundings.held.map_or(mesh.rings(), rings_to);
        let mut beside = Beside { clamped: (0..mesh.rings()).map(|i| i >= held).collect(), bears: 0.0, loose: 0..0 };
        if let Some(drum) = &self.surroundings.drum {
            beside.loose = rings_to(drum.base)..rings_to(drum.cell);
            beside.clamped = (0..mesh.rings()).map(|i| i >= beside.loose.start).collect();
            let fade = self.scale(&self.plies[0], time) / self.scale(&self.plies[0], drum.time);
            beside.bears = fade * drum.share * pressed.map_or(0.0, |pressed| pressed.pressure);
        }
        self.settle(&mesh, beside, GivenLoad::Deflection(deflection), time, pressed, linear)
    }

    /// Skin as the nose or the drum around the needle presses it, if there is one.
    ///
    /// # Errors
    /// As [`Ground::dent`].
    pub fn pressed(&self) -> Result<Option<Dent>> {
        match (&self.surroundings.nose, &self.surroundings.drum) {
            (Some(nose), _) => self.nose(nose.radius, nose.breadth, nose.force, nose.time).map(Some),
            (None, Some(drum)) if drum.share > 0.0 => self.rolled(drum).map(Some),
            (None, _) => Ok(None),
        }
    }

    /// Skin under a ring that is pressed with a force [N], the nose of a device of this radius and breadth [m], after a time [s].
    ///
    /// # Errors
    /// As [`Ground::dent`].
    pub fn nose(&self, radius: f64, breadth: f64, force: f64, time: f64) -> Result<Dent> {
        let growth = self.growth();
        let cells = (8.0 * self.resolution).round().max(3.0) as usize;
        let mut radii: Vec<f64> = (0..cells).map(|i| radius * i as f64 / cells as f64).collect();
        let under = (3.0 * self.resolution).round().max(2.0) as usize;
        radii.extend((0..under).map(|i| radius + breadth * i as f64 / under as f64));
        radii.extend(graded(radius + breadth, WIDTH, breadth / under as f64, growth));
        let (depths, layer) = self.depths();
        let mesh = Mesh { radii, depths, layer, inside: cells..cells + under };
        self.settle(&mesh, Beside::free(mesh.rings()), GivenLoad::Force(force), time, None, false)
    }

    /// Skin under a drum that bears on it with all of its force.
    fn rolled(&self, drum: &Drum) -> Result<Dent> {
        let growth = self.growth();
        let cells = (16.0 * self.resolution).round().max(6.0) as usize;
        let reach = drum.reach.min(0.5 * WIDTH);
        let mut radii: Vec<f64> = (0..cells).map(|i| reach * i as f64 / cells as f64).collect();
        radii.extend(graded(reach, WIDTH, reach / cells as f64, growth));
        let (depths, layer) = self.depths();
        let mesh = Mesh { radii, depths, layer, inside: 0..cells };
        let given = GivenLoad::Rigid(drum.force, &|r| drum.profile(r));
        self.settle(&mesh, Beside::free(mesh.rings()), given, drum.time, None, false)
    }

    /// Iterates the non-linear media to rest.
    fn settle(
        &self,
        mesh: &Mesh,
        mut beside: Beside,
        given: GivenLoad<'_>,
        time: f64,
        pressed: Option<&Dent>,
        linear: bool,
    ) -> Result<Dent> {
        let (rings, rows, layer) = (mesh.rings(), mesh.layer.len(), &mesh.layer);
        let base: Vec<Stuff> =
            layer.iter().map(|l| self.plies[*l].medium.stuff(self.scale(&self.plies[*l], time))).collect();
        let mut strained = vec![0.0; rings * rows];
        let mut taut = vec![0.0; rings * rows];
        if let Some(pressed) = pressed {
            for cell in 0..rings * rows {
                let at = pressed.elastic.body.ring(0.5 * (mesh.radii[cell % rings] + mesh.radii[cell % rings + 1]));
                let own = cell / rings * pressed.elastic.body.rings() + at;
                (strained[cell], taut[cell]) = (pressed.strained[own], pressed.elastic.body.stuff[own].tension);
            }
        }
        let firm = |cell: usize, s: f64| {
            let medium = &self.plies[layer[cell / rings]].medium;
            1.0 + 2.0 * medium.stiffening * s.min(medium.most())
        };
        let mut firmer: Vec<f64> = (0..rings * rows).map(|cell| firm(cell, strained[cell])).collect();
        let mut extra = vec![0.0; rings * rows];
        let mut tension = vec![0.0; rings * rows];
        let mut before = f64::NAN;
        for round in 1..=MOST_ITERATIONS {
            let stuff = (0..rings * rows).map(|cell| {
                let own = base[cell / rings];
                Stuff { shear: own.shear * firmer[cell], tension: tension[cell] + taut[cell], ..own }
            });
            let (radii, depths, clamped) = (mesh.radii.clone(), mesh.depths.clone(), beside.clamped.clone());
            let body = Body { radii, depths, stuff: stuff.collect(), rim: Edge::Smooth, bottom: Edge::Held, clamped };
            let elastic = body.factorise()?;
            let body = &elastic.body;
            let area: f64 = mesh.inside.clone().map(|i| body.area(i)).sum();
            let mean = |moved: &Displaced| {
                mesh.inside.clone().map(|i| body.area(i) * moved.vertical(i, 0)).sum::<f64>() / area
            };
            let mut pulled = body.unloaded();
            elastic.stretch(&mut pulled, &extra);
            // The barrel's pressure is gone where it does not touch.
            let free = (0..beside.loose.end).filter(|i| !beside.clamped[*i]);
            free.for_each(|i| elastic.press(&mut pulled, i, -beside.bears));
            let pressure: Vec<f64> = match given {
                GivenLoad::Force(force) => vec![force / (std::f64::consts::TAU * area); mesh.inside.len()],
                GivenLoad::Deflection(wanted) => {
                    let own = mean(&elastic.solve(&pulled));
                    let mut unit = body.unloaded();
                    mesh.inside.clone().for_each(|i| elastic.press(&mut unit, i, 1.0));
                    vec![(wanted - own) / mean(&elastic.solve(&unit)); mesh.inside.len()]
                }
                GivenLoad::Rigid(force, profile) => {
                    let own = elastic.solve(&pulled);
                    let profile = |r: f64| profile(r) + own.vertical(body.ring(r), 0);
                    Surface::of(&elastic, mesh.radii[mesh.inside.end]).carries(force, &profile)?.pressure
                }
            };
            mesh.inside.clone().zip(&pressure).for_each(|(i, p)| elastic.press(&mut pulled, i, *p));
            let moved = elastic.solve(&pulled);
            let force = mesh.inside.clone().zip(&pressure).map(|(i, p)| std::f64::consts::TAU * body.area(i) * p).sum();
            let deflection = mean(&moved);
            let now = if let GivenLoad::Deflection(_) = given { force } else { deflection };
            // A ring at the edge of the contact may go on flickering; the force does not notice.
            let rests = !beside.lets_go(&elastic, &moved) || round > MOST_ITERATIONS / 2;
            let settled = rests && (linear || (round > 2 && f64::abs(now - before) < SETTLED * f64::abs(now)));
            before = now;
            let mut total = strained.clone();
            for cell in 0..rings * rows {
                let (i, k) = (cell % rings, cell / rings);
                let medium = &self.plies[layer[k]].medium;
                let strain = elastic.strain(&moved, i, k);
                total[cell] += strain.invariant();
                if settled {
                    continue;
                }
                firmer[cell] = (firmer[cell] * firm(cell, total[cell])).sqrt();
                if base[k].fibres > 0.0 {
                    let stretched = (0.5 * elastic.slope_squared(&moved, i, k)).min(medium.failure - 1.0);
                    let pull = base[k].fibres * (strain.radial + extra[cell] + strain.hoop / 3.0);
                    let most = base[k].fibres * (medium.failure - 1.0);
                    extra[cell] = 0.5 * (extra[cell] + stretched);
                    tension[cell] = 0.5 * (tension[cell] + pull.clamp(0.0, most));
                }
            }
            if settled {
                let (layer, pressure) = (layer.clone(), pressure[0]);
                return Ok(Dent { elastic, moved, force, deflection, layer, strained: total, pressure });
            }
        }
        Err(Error::simulation(format!("skin under load did not come to rest within {MOST_ITERATIONS} iterations")))
    }
}

impl Dent {
    /// Height [m] by which the middle stands above what is loaded.
    pub(super) fn domed(&self) -> f64 {
        (self.deflection - self.surface(0.0)).max(0.0)
    }

    /// Vertical displacement of the surface at a radius [m].
    pub fn surface(&self, radius: f64) -> f64 {
        let body = &self.elastic.body;
        let rings = body.rings();
        let above = (0..rings).find(|i| body.middle(*i) >= radius);
        match above {
            Some(0) => self.moved.vertical(0, 0),
            Some(i) => {
                let part = (radius - body.middle(i - 1)) / (body.middle(i) - body.middle(i - 1));
                let (inner, outer) = (self.moved.vertical(i - 1, 0), self.moved.vertical(i, 0));
                inner + part * (outer - inner)
            }
            None => 0.0,
        }
    }
}
