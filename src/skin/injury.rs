//! What a session does to the fields.
//!
//! A puncture hands over its place, depth, local radius, tilt and bleeding; the response model says what each does to each
//! field. Fields are modified, never reset, so sessions add up. A cell that a channel only grazes gets the mean of the
//! effect over points inside it, so that the injured volume does not depend on where the faces lie.
//!
//! Unit cells stand for all holes of a class. A later session does not hit the old holes: seen from its punctures the old
//! pattern lies anywhere. So before the second and every later session each depth is replaced by its lateral mean over
//! places and classes, which keeps every content, and the new channel goes into the middle. A tile needs no such step; it is
//! the judge of this one.

use rayon::prelude::*;

use crate::base::error::Result;
use crate::engine::grid::{Ends, Grid};
use crate::engine::language::{Input, Operand, Program};
use crate::engine::medium::Medium;
use crate::skin::host::{NeedlingVariable, PUNCTURE, SESSION, SessionNumbers};
use crate::skin::needling::{Needling, Puncture};

/// How many shank radii from the axis a puncture is felt …
const REACH: f64 = 6.0;
/// … and within how many the inside of cells is sampled.
const SAMPLED: f64 = 2.0;
/// Samples inside a cell lie no further apart than this [m], up to [`MOST_SAMPLES`] a direction.
const SAMPLE_SPACING: f64 = 5e-6;
const MOST_SAMPLES: usize = 6;

/// Applies a session: every puncture, then what the session does as a whole.
///
/// # Errors
/// A field is no longer finite.
pub fn receive(skin: &mut Medium, needling: &Needling) -> Result<()> {
    let punctures = place(skin, needling);
    pierce(
        skin,
        &punctures,
        &SessionNumbers {
            hole_density: needling.hole_density,
            dermal_hole_density: needling.dermal_hole_density,
            mean_depth: needling.summary.mean_depth,
            tear_index: needling.summary.tear_index,
            deep_hole_density: needling.summary.exit_share * needling.hole_density,
            deep_path: needling.summary.deep_path * needling.hole_density,
            torn_area: needling.summary.torn_area,
            blood_loss: needling.summary.blood_per_area,
            pain: needling.summary.pain,
        },
    )
}

/// Applies punctures, each with the y index it is confined to (the class of a unit cell, else none), and then what the
/// session does as a whole.
///
/// # Errors
/// A field is no longer finite.
pub fn pierce(skin: &mut Medium, punctures: &[(Option<usize>, Puncture)], numbers: &SessionNumbers) -> Result<()> {
    let repeated = !skin.marks.is_empty();
    if repeated && skin.grid.kind == "cells" {
        skin.homogenise();
    }
    for puncture in punctures {
        apply(skin, puncture);
    }
    skin.marks.extend(punctures.iter().map(|(_, p)| [p.x, p.y, p.depth]));
    locate(skin, punctures);
    let compiled = skin.compiled.clone();
    skin.apply(&compiled.acts[SESSION], &numbers.values());
    skin.last_act = skin.time;
    skin.check()
}

/// The punctures that fall into the computed skin, each with the y index it is confined to (unit cells).
fn place(skin: &Medium, needling: &Needling) -> Vec<(Option<usize>, Puncture)> {
    let (x, y) = (&skin.grid.x, &skin.grid.y);
    match skin.grid.kind {
        "tile" => {
            let size = [x.faces[x.len()], y.faces[y.len()]];
            window(needling, size).into_iter().map(|puncture| (None, puncture)).collect()
        }
        "section" => {
            // A plane through a row of holes at their mean spacing, depths taken from the classes in turn.
            let width = x.faces[x.len()];
            let count = ((width * needling.hole_density.sqrt()).round() as usize).max(1);
            (0..count)
                .map(|i| {
                    let (_, class) = &needling.strata[i % needling.strata.len()];
                    let place = width * (i as f64 + 0.5) / count as f64;
                    (None, Puncture { x: place, y: y.centres[0], ..class.clone() })
                })
                .collect()
        }
        _ => {
            let classes = needling.strata.iter().take(y.len()).enumerate();
            classes.map(|(class, (_, p))| (Some(class), Puncture { x: 0.0, y: 0.0, ..p.clone() })).collect()
        }
    }
}

/// Applies one puncture: depths side by side, then the surface.
fn apply(skin: &mut Medium, (class, puncture): &(Option<usize>, Puncture)) {
    let compiled = skin.compiled.clone();
    let grid = skin.grid.clone();
    let rows = match class {
        Some(class) => *class..class + 1,
        None => 0..grid.y.len(),
    };
    let own = &*skin;
    let at = |z: Option<usize>, work: &mut EffectBuffers| -> Vec<Effect> {
        let (fields, program) = match z {
            Some(z) => &compiled.acts[PUNCTURE].layers[grid.layer[z]],
            None => &compiled.acts[PUNCTURE].surface,
        };
        let effect = |j| effect(own, puncture, program, fields.len(), z, j, *class, work);
        rows.clone().filter_map(effect).collect()
    };
    let depths: Vec<Vec<Effect>> =
        (0..grid.z.len()).into_par_iter().map_init(EffectBuffers::default, |work, z| at(Some(z), work)).collect();
    let surface = at(None, &mut EffectBuffers::default());
    for (z, effects) in depths.iter().enumerate() {
        for (k, field) in compiled.acts[PUNCTURE].layers[grid.layer[z]].0.iter().enumerate() {
            let row = &mut skin.state[skin.layout.row(z, *field)];
            effects.iter().for_each(|effect| effect.write(row, k));
        }
    }
    for (k, field) in compiled.acts[PUNCTURE].surface.0.iter().enumerate() {
        let row = &mut skin.state[skin.layout.surface_row(*field)];
        surface.iter().for_each(|effect| effect.write(row, k));
    }
}

/// Mean new values of the cells of one row of x that the puncture can reach, if there are any. `z` is `None` for the
/// surface.
fn effect(
    skin: &Medium,
    puncture: &Puncture,
    program: &Program,
    outputs: usize,
    z: Option<usize>,
    j: usize,
    class: Option<usize>,
    work: &mut EffectBuffers,
) -> Option<Effect> {
    let grid = &skin.grid;
    let (x, nx) = (&grid.x, grid.x.len());
    if outputs == 0 || z.is_some_and(|z| grid.z.faces[z] > puncture.depth + REACH * puncture.needle.shank_radius) {
        return None;
    }
    let reach = REACH * puncture.needle.shank_radius;
    let near = SAMPLED * puncture.needle.shank_radius;
    // The row of cells that the puncture can reach; a channel across a periodic end reaches the whole row.
    let row_distance = if class.is_some() { 0.0 } else { lateral(grid, 1, grid.y.centres[j], puncture.y).abs() };
    if row_distance > reach + grid.y.width(j) && class.is_none() && grid.y.len() > 1 {
        return None;
    }
    let within = |i: usize| lateral(grid, 0, x.centres[i], puncture.x).abs() <= reach + x.width(i);
    let first = (0..nx).find(|&i| within(i));
    let last = (0..nx).rev().find(|&i| within(i));
    let range = first?..last? + 1;
    let length = range.len();
    let samples = |width: f64| ((width / SAMPLE_SPACING).ceil() as usize).clamp(1, MOST_SAMPLES);
    let close = row_distance <= near + grid.y.width(j);
    let across = if close { samples((range.clone()).map(|i| x.width(i)).fold(0.0, f64::max).min(30e-6)) } else { 1 };
    let along = if close && class.is_none() && grid.y.len() > 1 { samples(grid.y.width(j)) } else { 1 };
    let (top, thickness) = z.map_or((0.0, 0.0), |z| (grid.z.faces[z], grid.z.width(z)));
    let deep = if z.is_some() { samples(thickness) } else { 1 };
    work.begin(length);
    let mut mean = vec![0.0; outputs * length];
    work.out.resize(outputs * length, 0.0);
    let start = j * nx + range.start;
    let view = skin.view();
    for d in 0..deep {
        let depth = top + thickness * (d as f64 + 0.5) / deep as f64;
        let shift = depth * puncture.tilt.tan();
        let axis = match class {
            // In a unit cell the channel is the axis.
            Some(_) => [0.0, 0.0],
            None => [puncture.x + shift * puncture.azimuth.cos(), puncture.y + shift * puncture.azimuth.sin()],
        };
        let radius = puncture.radius_at(depth);
        let blood = puncture.blood_at(depth);
        let cut = puncture.cut.at(depth);
        for b in 0..along {
            let dy = if class.is_some() || grid.y.len() == 1 {
                0.0
            } else {
                let y = grid.y.faces[j] + grid.y.width(j) * (b as f64 + 0.5) / along as f64;
                lateral(grid, 1, y, axis[1])
            };
            for a in 0..across {
                let share = (a as f64 + 0.5) / across as f64;
                for (k, i) in range.clone().enumerate() {
                    let place = x.faces[i] + x.width(i) * share;
                    work.distance[k] = lateral(grid, 0, place, axis[0]).hypot(dy);
                    // Rings further out are larger.
                    work.weight[k] =
                        if class.is_some() { place / (x.centres[i] * across as f64) } else { 1.0 / across as f64 };
                }
                for (stretch, distance) in work.stretch.iter_mut().zip(&work.distance) {
                    *stretch = puncture.residual_stretch(*distance, depth);
                }
                let (distance, stretch) = (&work.distance, &work.stretch);
                view.run(program, z.unwrap_or(0), start..start + length, &mut work.out, &mut work.scratch, &|input| {
                    let own = match input {
                        Input::Depth => return Some(Operand::Value(depth)),
                        Input::Own(own) => NeedlingVariable::ALL[own.index],
                        _ => return None,
                    };
                    Some(match own {
                        NeedlingVariable::Distance => Operand::Block(distance),
                        NeedlingVariable::NeedleRadius => Operand::Value(radius),
                        NeedlingVariable::ResidualStretch => Operand::Block(stretch),
                        NeedlingVariable::TipDepth => Operand::Value(puncture.depth),
                        NeedlingVariable::Blood => Operand::Value(blood),
                        NeedlingVariable::Tilt => Operand::Value(puncture.tilt),
                        NeedlingVariable::CutLength => Operand::Value(cut),
                        NeedlingVariable::TipRadius => Operand::Value(puncture.needle.tip_radius),
                        _ => return None,
                    })
                });
                let share = 1.0 / (deep * along) as f64;
                for (mean, out) in mean.chunks_mut(length).zip(work.out.chunks(length)) {
                    for ((mean, out), weight) in mean.iter_mut().zip(out).zip(&work.weight) {
                        *mean += out * weight * share;
                    }
                }
            }
        }
    }
    Some(Effect { places: start..start + length, mean })
}

/// Remembers for each place the nearest hole of this session.
fn locate(skin: &mut Medium, punctures: &[(Option<usize>, Puncture)]) {
    let nx = skin.grid.x.len();
    for place in 0..skin.layout.plane {
        let (i, j) = (place % nx, place / nx);
        let nearest = punctures
            .iter()
            .filter(|(class, _)| class.is_none_or(|class| class == j))
            .map(|(class, p)| {
                let dx = lateral(&skin.grid, 0, skin.grid.x.centres[i], p.x);
                let dy = if class.is_some() || skin.grid.y.len() == 1 {
                    0.0
                } else {
                    lateral(&skin.grid, 1, skin.grid.y.centres[j], p.y)
                };
                (dx.hypot(dy), p.depth)
            })
            .min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((distance, depth)) = nearest {
            skin.nearest[NeedlingVariable::Distance as usize][place] = distance;
            skin.nearest[NeedlingVariable::TipDepth as usize][place] = depth;
        }
    }
}

/// Windows that are tried along each side of the patch.
const WINDOWS: usize = 16;

/// The punctures of the most representative window of the patch: of all windows tried, the one whose number of holes and mean
/// depth lie nearest to those of the patch. A small tile so stands for the session with less error by chance, and the pattern
/// inside it, clusters and all, is that of the device.
fn window(needling: &Needling, size: [f64; 2]) -> Vec<Puncture> {
    let patch = needling.patch;
    let all = &needling.punctures;
    let count = all.len() as f64;
    let mean = all.iter().map(|p| p.depth).sum::<f64>() / count.max(1.0);
    let spread = (all.iter().map(|p| (p.depth - mean).powi(2)).sum::<f64>() / count.max(1.0)).sqrt();
    let expected = count * size[0] * size[1] / (patch[0] * patch[1]);
    let cut = |i: usize, j: usize| -> Vec<Puncture> {
        let corner = [patch[0] * i as f64 / WINDOWS as f64, patch[1] * j as f64 / WINDOWS as f64];
        let tiles = |axis: usize| (size[axis] / patch[axis]).ceil().max(1.0) as usize;
        let mut inside = Vec::new();
        for p in all {
            let first = [(p.x - corner[0]).rem_euclid(patch[0]), (p.y - corner[1]).rem_euclid(patch[1])];
            for a in 0..tiles(0) {
                for b in 0..tiles(1) {
                    let (x, y) = (first[0] + a as f64 * patch[0], first[1] + b as f64 * patch[1]);
                    if x < size[0] && y < size[1] {
                        inside.push(Puncture { x, y, ..p.clone() });
                    }
                }
            }
        }
        inside
    };
    let misfit = |inside: &[Puncture]| {
        let n = inside.len() as f64;
        let depth = inside.iter().map(|p| p.depth).sum::<f64>() / n.max(1.0);
        let scatter = if spread > 0.0 { (depth - mean).abs() * n.sqrt() / spread } else { 0.0 };
        (n - expected).abs() / expected.max(1.0).sqrt() + scatter
    };
    let windows = (0..WINDOWS * WINDOWS).map(|k| cut(k % WINDOWS, k / WINDOWS));
    windows.min_by(|a, b| misfit(a).total_cmp(&misfit(b))).unwrap_or_default()
}

/// The signed lateral distance between two coordinates along x (0) or y (1), the short way round if the ends meet.
fn lateral(grid: &Grid, axis: usize, a: f64, b: f64) -> f64 {
    let axis = if axis == 0 { &grid.x } else { &grid.y };
    let distance = a - b;
    match axis.ends {
        Ends::Closed => distance,
        Ends::Periodic => {
            let width = axis.faces[axis.len()] - axis.faces[0];
            distance - width * (distance / width).round()
        }
    }
}

/// Buffers of [`Medium::effect`].
#[derive(Default)]
struct EffectBuffers {
    distance: Vec<f64>,
    stretch: Vec<f64>,
    weight: Vec<f64>,
    out: Vec<f64>,
    scratch: Vec<f64>,
}

impl EffectBuffers {
    fn begin(&mut self, length: usize) {
        self.distance.resize(length, 0.0);
        self.stretch.resize(length, 1.0);
        self.weight.resize(length, 0.0);
    }
}

/// What a puncture makes of some cells beside each other: the values of one output after the other.
struct Effect {
    places: std::ops::Range<usize>,
    mean: Vec<f64>,
}

impl Effect {
    /// Copies output `k` into the row of a field.
    fn write(&self, row: &mut [f64], k: usize) {
        let length = self.places.len();
        row[self.places.clone()].copy_from_slice(&self.mean[k * length..(k + 1) * length]);
    }
}
