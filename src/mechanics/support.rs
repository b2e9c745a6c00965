//! How skin holds against one needle before it is pierced: force by deflection, from the layers and what lies behind them.
//!
//! A tip of micrometres pushes skin in by tenths of a millimetre before it pierces. There the force no longer depends on the tip:
//! F = β E δ² in a homogeneous medium (deep indentation, δ ≫ r). Linear theory gives the same for a needle that bears on a patch
//! whose radius grows with the deflection,
//!
//! ```text
//! F = (3π²/16) E* a δ,  a = (4/π²) β δ,  E* = 4/3 E
//! ```
//!
//! so the patch carries the finite strain at the tip, and the grid carries what surrounds it: layers, backing, neighbours. On the
//! grid the media are non-linear. Their shear modulus is the secant of W = C₁ s + C₂ s², s = I₁ − 3 ≈ 2 e:e, up to the strain at
//! which they fail,
//!
//! ```text
//! G = G₀ (1 + 2 (C₂/C₁) s)
//! ```
//!
//! and the fibres in the plane are stretched by ½(∂w/∂r)² as the skin is dented; both are iterated. Every needle of a device is
//! pushed into the dents of the others: δ = δ_own + Σ_j w(r_j). Where a nose or a plate touches the skin it is held.
//!
//! A drum follows the skin down until needles and barrel together carry the force on it ([`Drum`]). What its barrel carries is a
//! pressure p on the skin between the needles. Around each needle that skin lets go of the barrel where the dent would pull it off,
//!
//! ```text
//! p + q ≥ 0 where it touches (w = 0),   w ≥ 0 where it does not (q = −p),   q the change of pressure around the needle
//! ```
//!
//! so that a harder press leaves the needle less skin to dent. p and the sink of the drum are a contact of their own on the same
//! grid ([`contact`](super::contact)), of the body of revolution that covers the same area at the same depth.
//!
//! Moduli are those of the shortest time; F(δ) is the elastic response of quasi-linear viscoelasticity, and the reduced relaxation
//! of the site comes from the same grid with relaxed moduli.
//!
//! Where it fails: slopes of order one near the tip are outside the theory of moderate rotations; the skin's own tension is not
//! known and left out; inertia is neglected (at 1 m/s the force on a needle of 0.1 mm is below a millinewton, but shear waves
//! cross fat only some millimetres in a stroke, so deep layers hold better than computed).

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::contact::Surface;
use super::elastic::{Body, Displaced, Edge, Elastic, Stuff, graded};
use super::memo::Memo;
use super::relax::Relaxation;
use crate::error::{Error, Result};

/// What a layer is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Medium {
    /// Young's modulus at the reference time [Pa].
    pub young: f64,
    /// Poisson's ratio.
    pub poisson: f64,
    /// Stiffness of fibres in the plane at the reference time [Pa].
    pub fibres: f64,
    /// C₂/C₁.
    pub stiffening: f64,
    /// Stretch at which it fails.
    pub failure: f64,
    /// Exponent of its power-law relaxation.
    pub exponent: f64,
}

/// A layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ply {
    /// Thickness [m].
    pub thickness: f64,
    /// What it is made of.
    pub medium: Medium,
}

/// Times of relaxation [s].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Nothing relaxes faster.
    pub shortest: f64,
    /// Nothing relaxes slower.
    pub longest: f64,
    /// Time of loading at which the moduli of the layers were measured.
    pub reference: f64,
}

/// What surrounds a needle.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surroundings {
    /// Nose that is pressed around the needle, if any.
    pub nose: Option<Nose>,
    /// Distances of other needles that press at the same time [m], each with the number of needles that stand there; those that
    /// are less deep count less.
    pub neighbours: Vec<(f64, f64)>,
    /// Radius from which on a nose or a plate holds the surface [m].
    pub held: Option<f64>,
    /// Drum on which the needle stands, if any.
    pub drum: Option<Drum>,
}

/// A drum, or a plate if its radius is infinite, that bears on the skin between its needles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drum {
    /// Its radius [m].
    pub radius: f64,
    /// Its width [m].
    pub width: f64,
    /// Radius of the largest patch of surface that it can touch [m], as a disc.
    pub reach: f64,
    /// Force on it [N].
    pub force: f64,
    /// Share of that force that its needles leave to the barrel.
    pub share: f64,
    /// Time for which it presses on a place [s].
    pub time: f64,
    /// Radius of the piece of surface that belongs to one needle [m]; beyond, the next needle begins.
    pub cell: f64,
    /// Radius of the needle at its base [m]: no skin touches the barrel there.
    pub base: f64,
}

impl Drum {
    /// Height [m] above its lowest point at which a body of revolution covers the area π r² that the drum covers there: a drum
    /// sunk by h touches on 2 W √(2 R h).
    ///
    /// Example: 0.013 mm at 3 mm, 1 mm at 8.9 mm for R = 10 mm and W = 20 mm.
    pub fn profile(&self, r: f64) -> f64 {
        let half = std::f64::consts::PI * r * r / (2.0 * self.width);
        half * half / (2.0 * self.radius)
    }
}

/// The nose of a device, a ring that is pressed on the skin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nose {
    /// Radius of its opening [m].
    pub radius: f64,
    /// Breadth of the ring [m].
    pub breadth: f64,
    /// Force on it [N].
    pub force: f64,
    /// Time for which it has pressed [s].
    pub time: f64,
}

/// A question to the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// Layers from the surface down to what does not move.
    pub plies: Vec<Ply>,
    /// Times of relaxation.
    pub times: Times,
    /// β.
    pub deep: f64,
    /// What surrounds the needle.
    pub surroundings: Surroundings,
    /// Largest deflection asked for [m].
    pub deepest: f64,
    /// Cells along an axis, relative to the usual grid.
    pub resolution: f64,
}

/// Force by deflection.
#[derive(Debug, Clone, PartialEq)]
pub struct Support {
    /// Deflections [m], ascending from 0.
    pub deflection: Vec<f64>,
    /// Elastic response at each [N].
    pub force: Vec<f64>,
    /// How it relaxes.
    pub relaxation: Relaxation,
    /// Height of the dome of skin in the nose under its force and under half of it [m]; 0 without one.
    pub dome: [f64; 2],
    /// Power of the deflection by which the force grows from each point of the curve to the next.
    power: Vec<f64>,
}

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

/// A grid and the rings that are loaded.
struct Mesh {
    radii: Vec<f64>,
    depths: Vec<f64>,
    layer: Vec<usize>,
    inside: Range<usize>,
}

impl Mesh {
    fn rings(&self) -> usize {
        self.radii.len() - 1
    }
}

/// What is known of a load.
#[derive(Clone, Copy)]
enum Given<'a> {
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

/// Width of the grid [m].
const WIDTH: f64 = 30e-3;
/// Cells under the patch.
const UNDER: f64 = 5.0;
/// Thickness of the uppermost cell [m], and growth from cell to cell downwards and outwards.
const FIRST: f64 = 5e-6;
const GROWTH: f64 = 1.22;
/// The smallest deflection at which the curve is computed [m], and the ratio of each to the next. They are the same for all lengths
/// of a needle, so that a curve serves several.
const SHALLOWEST: f64 = 2e-5;
const LADDER: f64 = 1.45;
/// Curves that are kept.
static CURVES: Memo<Ground, Arc<Support>> = Memo::new(64);
/// Iterations stop when the force changes by less than this share.
const SETTLED: f64 = 4e-3;
const MOST_ITERATIONS: usize = 40;

impl Medium {
    /// The largest s: that of a stretch to failure.
    fn most(&self) -> f64 {
        self.failure * self.failure + 2.0 / self.failure - 3.0
    }

    fn stuff(&self, scale: f64) -> Stuff {
        Stuff { fibres: self.fibres * scale, ..Stuff::isotropic(self.young * scale, self.poisson) }
    }
}

impl Ground {
    /// Modulus of a ply after a time [s], relative to that at the reference time.
    fn scale(&self, ply: &Ply, time: f64) -> f64 {
        (time.clamp(self.times.shortest, self.times.longest) / self.times.reference).powf(-ply.medium.exponent)
    }

    /// Faces in depth and the ply of each row.
    fn depths(&self) -> (Vec<f64>, Vec<usize>) {
        let growth = GROWTH.powf(1.0 / self.resolution);
        let mut step = FIRST / self.resolution;
        let (mut faces, mut layer) = (vec![0.0], Vec::new());
        for (index, ply) in self.plies.iter().enumerate() {
            let top = faces[faces.len() - 1];
            let own = graded(0.0, ply.thickness, step.min(0.5 * ply.thickness), growth);
            step = own[own.len() - 1] - own[own.len() - 2];
            faces.extend(own[1..].iter().map(|depth| top + depth));
            layer.extend(std::iter::repeat_n(index, own.len() - 1));
        }
        (faces, layer)
    }

    /// Radius of the patch at a deflection [m].
    pub fn patch(&self, deflection: f64) -> f64 {
        4.0 / std::f64::consts::PI.powi(2) * self.deep * deflection
    }

    /// A grid around a patch of this radius [m].
    fn mesh(&self, patch: f64) -> Mesh {
        let cells = (UNDER * self.resolution).round().max(2.0);
        let growth = GROWTH.powf(1.0 / self.resolution);
        let mut radii: Vec<f64> = (0..cells as usize).map(|i| patch * i as f64 / cells).collect();
        // The edge of what holds the skin lies on a face.
        let outer = self.surroundings.held.filter(|held| (patch * 1.1..0.5 * WIDTH).contains(held)).unwrap_or(WIDTH);
        radii.extend(graded(patch, outer, patch / cells, growth));
        if outer < WIDTH {
            let last = radii.len() - 1;
            let step = radii[last] - radii[last - 1];
            radii.pop();
            radii.extend(graded(outer, WIDTH, step, growth));
        }
        let (depths, layer) = self.depths();
        Mesh { radii, depths, layer, inside: 0..cells as usize }
    }

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
        self.settle(&mesh, beside, Given::Deflection(deflection), time, pressed, linear)
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
        let growth = GROWTH.powf(1.0 / self.resolution);
        let cells = (8.0 * self.resolution).round().max(3.0) as usize;
        let mut radii: Vec<f64> = (0..cells).map(|i| radius * i as f64 / cells as f64).collect();
        let under = (3.0 * self.resolution).round().max(2.0) as usize;
        radii.extend((0..under).map(|i| radius + breadth * i as f64 / under as f64));
        radii.extend(graded(radius + breadth, WIDTH, breadth / under as f64, growth));
        let (depths, layer) = self.depths();
        let mesh = Mesh { radii, depths, layer, inside: cells..cells + under };
        self.settle(&mesh, Beside::free(mesh.rings()), Given::Force(force), time, None, false)
    }

    /// Skin under a drum that bears on it with all of its force.
    fn rolled(&self, drum: &Drum) -> Result<Dent> {
        let growth = GROWTH.powf(1.0 / self.resolution);
        let cells = (16.0 * self.resolution).round().max(6.0) as usize;
        let reach = drum.reach.min(0.5 * WIDTH);
        let mut radii: Vec<f64> = (0..cells).map(|i| reach * i as f64 / cells as f64).collect();
        radii.extend(graded(reach, WIDTH, reach / cells as f64, growth));
        let (depths, layer) = self.depths();
        let mesh = Mesh { radii, depths, layer, inside: 0..cells };
        let given = Given::Rigid(drum.force, &|r| drum.profile(r));
        self.settle(&mesh, Beside::free(mesh.rings()), given, drum.time, None, false)
    }

    /// Iterates the non-linear media to rest.
    fn settle(
        &self,
        mesh: &Mesh,
        mut beside: Beside,
        given: Given<'_>,
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
                Given::Force(force) => vec![force / (std::f64::consts::TAU * area); mesh.inside.len()],
                Given::Deflection(wanted) => {
                    let own = mean(&elastic.solve(&pulled));
                    let mut unit = body.unloaded();
                    mesh.inside.clone().for_each(|i| elastic.press(&mut unit, i, 1.0));
                    vec![(wanted - own) / mean(&elastic.solve(&unit)); mesh.inside.len()]
                }
                Given::Rigid(force, profile) => {
                    let own = elastic.solve(&pulled);
                    let profile = |r: f64| profile(r) + own.vertical(body.ring(r), 0);
                    Surface::of(&elastic, mesh.radii[mesh.inside.end]).carries(force, &profile)?.pressure
                }
            };
            mesh.inside.clone().zip(&pressure).for_each(|(i, p)| elastic.press(&mut pulled, i, *p));
            let moved = elastic.solve(&pulled);
            let force = mesh.inside.clone().zip(&pressure).map(|(i, p)| std::f64::consts::TAU * body.area(i) * p).sum();
            let deflection = mean(&moved);
            let now = if let Given::Deflection(_) = given { force } else { deflection };
            let settled = !beside.lets_go(&elastic, &moved)
                && (linear || (round > 2 && f64::abs(now - before) < SETTLED * f64::abs(now)));
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

    /// The curve of force by deflection.
    ///
    /// # Errors
    /// The layers are not held, or an iteration does not settle.
    pub fn support(&self) -> Result<Arc<Support>> {
        // Up the ladder until it reaches as deep as is asked.
        let count = ((self.deepest / SHALLOWEST).ln() / LADDER.ln()).ceil().max(1.0) as usize + 1;
        let levels: Vec<f64> = (0..count).map(|level| SHALLOWEST * LADDER.powi(level as i32)).collect();
        let question = Self { deepest: levels[count - 1], ..self.clone() };
        CURVES.of(&question, || question.curve(levels).map(Arc::new))
    }

    /// The curve at these deflections of the patch [m].
    fn curve(&self, levels: Vec<f64>) -> Result<Support> {
        let pressed = self.pressed()?;
        let solved: Vec<(f64, f64)> = levels
            .into_par_iter()
            .map(|level| {
                let dent = self.dent(level, self.times.shortest, pressed.as_ref(), false)?;
                let shared: f64 = self.surroundings.neighbours.iter().map(|(r, count)| count * dent.surface(*r)).sum();
                Ok((level + shared.max(0.0), dent.force))
            })
            .collect::<Result<_>>()?;
        let (mut deflection, mut force) = (vec![0.0], vec![0.0]);
        for (delta, newtons) in solved {
            // More deflection never needs less force.
            if delta > deflection[deflection.len() - 1] && newtons > force[force.len() - 1] {
                deflection.push(delta);
                force.push(newtons);
            }
        }
        let mut dome = [0.0; 2];
        if let (Some(nose), Some(dent)) = (&self.surroundings.nose, pressed) {
            let half = self.nose(nose.radius, nose.breadth, 0.5 * nose.force, nose.time)?;
            dome = [dent, half].map(|dent| (dent.deflection - dent.surface(0.0)).max(0.0));
        }
        let steps = deflection.windows(2).zip(force.windows(2));
        // Before the first point the force is that of a deep dent in one medium.
        let power = steps.map(|(x, y)| if x[0] > 0.0 { (y[1] / y[0]).ln() / (x[1] / x[0]).ln() } else { 2.0 }).collect();
        Ok(Support { deflection, force, relaxation: self.relaxation()?, dome, power })
    }

    /// How the site relaxes: its stiffness with the moduli after each time, relative to that of the shortest.
    fn relaxation(&self) -> Result<Relaxation> {
        let first = self.plies[0].medium.exponent;
        if self.plies.iter().all(|ply| ply.medium.exponent == first) {
            return Ok(Relaxation::power(first, self.times.shortest, self.times.longest));
        }
        let decades = (self.times.longest / self.times.shortest).log10();
        let count = (2.0 * decades).round().max(1.0) as usize;
        let time =
            |i: usize| self.times.shortest * (self.times.longest / self.times.shortest).powf(i as f64 / count as f64);
        let stiffness =
            (0..=count).map(|i| Ok(self.dent(1e-4, time(i), None, true)?.force)).collect::<Result<Vec<f64>>>()?;
        let curve: Vec<(f64, f64)> = (0..=count).map(|i| (time(i), stiffness[i] / stiffness[0])).collect();
        Ok(Relaxation::through(&curve))
    }
}

impl Dent {
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

impl Support {
    /// Elastic response [N] at a deflection [m]: a power law between the points of the curve, the last one carried on.
    pub fn elastic(&self, deflection: f64) -> f64 {
        let last = self.deflection.len() - 1;
        if deflection <= 0.0 || last == 0 {
            return 0.0;
        }
        let above = self.deflection.partition_point(|own| *own < deflection).clamp(1, last);
        // The first point is the origin.
        let from = if above == 1 { 1 } else { above - 1 };
        self.force[from] * (deflection / self.deflection[from]).powf(self.power[above - 1])
    }

    /// Deflection [m] at which the elastic response is this force [N].
    pub fn deflection(&self, force: f64) -> f64 {
        let last = self.deflection.len() - 1;
        if force <= 0.0 || last == 0 {
            return 0.0;
        }
        let above = self.force.partition_point(|own| *own < force).clamp(1, last);
        let from = if above == 1 { 1 } else { above - 1 };
        self.deflection[from] * (force / self.force[from]).powf(1.0 / self.power[above - 1])
    }

    /// Secant stiffness [N/m] of a steady push to a deflection [m] over a time [s].
    pub fn stiffness(&self, deflection: f64, time: f64) -> f64 {
        self.elastic(deflection) * self.relaxation.ramp(time) / deflection
    }
}
