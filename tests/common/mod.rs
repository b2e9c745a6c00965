//! What the verification tests share: small pieces of skin made from a model text.
#![allow(dead_code)]

pub mod figures;
pub mod harm;
pub mod series;

use std::sync::Arc;

use dermasim::base::error::Source;
use dermasim::engine::grid::Geometry;
use dermasim::engine::grid::Grid;
use dermasim::engine::grid::Layer;
use dermasim::engine::language::{Compiled, LayerName, Setting};
use dermasim::engine::medium::Medium;
use dermasim::engine::stepper::Stepper;
use dermasim::engine::stepper::{Method, Stepping};

/// A layer of equal cells.
pub fn layer(name: &str, top: f64, bottom: f64, cells: usize) -> Layer {
    let spacing = (bottom - top) / cells as f64;
    Layer { name: name.into(), groups: Vec::new(), top, bottom, spacing: [spacing; 2] }
}

/// A slab one metre deep in one layer "medium": models with `[scale]` of one metre see the unit interval.
pub fn medium(cells: usize) -> Vec<Layer> {
    vec![layer("medium", 0.0, 1.0, cells)]
}

/// A section of `nx` cells over one metre.
pub fn section(nx: usize, periodic: bool) -> Geometry {
    Geometry::Section { width: 1.0, cells: nx, periodic }
}

/// Skin in the initial state of a model.
pub fn skin(text: &str, geometry: &Geometry, layers: &[Layer], seed: u64) -> Medium {
    finer(text, geometry, layers, 1.0, seed)
}

/// The same with so many times the cells along each axis.
pub fn finer(text: &str, geometry: &Geometry, layers: &[Layer], resolution: f64, seed: u64) -> Medium {
    let compiled = compiled(text, layers);
    let grid = Grid::new(geometry, layers, resolution, None, &[], compiled.turns.each()).expect("the grid is sound");
    Medium::new(Arc::new(grid), compiled, seed).unwrap_or_else(|error| panic!("{error}"))
}

/// The same on a given grid.
pub fn skin_on(text: &str, grid: Arc<Grid>, seed: u64) -> Medium {
    let compiled = compiled(text, &grid.layers);
    Medium::new(grid, compiled, seed).unwrap_or_else(|error| panic!("{error}"))
}

fn compiled(text: &str, layers: &[Layer]) -> Arc<Compiled> {
    let model = dermasim::skin::model(&Source::new("test.toml", text)).unwrap_or_else(|error| panic!("{error}"));
    let layers = layers.iter().map(|own| LayerName { name: own.name.clone(), groups: own.groups.clone() });
    let setting = Setting { layers: layers.collect(), traits: Default::default() };
    Arc::new(model.compile(&setting).unwrap_or_else(|error| panic!("{error}")))
}

/// Adaptive stepping at a tolerance.
pub fn adaptive(tolerance: f64) -> Stepping {
    Stepping { method: Method::Implicit, tolerance, absolute: 1.0, longest: 1e9, fixed: None }
}

/// Stepping with a fixed step [s].
pub fn fixed(step: f64) -> Stepping {
    Stepping { method: Method::Implicit, tolerance: 1.0, absolute: 1.0, longest: 1e9, fixed: Some(step) }
}

/// Advances to `end` [s].
pub fn advance(skin: &mut Medium, stepping: &Stepping, end: f64) -> Stepper {
    let mut stepper = Stepper::new(skin, stepping).unwrap_or_else(|error| panic!("{error}"));
    stepper.advance(skin, end, &mut |_, _| true).unwrap_or_else(|error| panic!("{error}"));
    stepper
}

/// Content of volume field `field`: its integral over depth, mean over the plane.
pub fn content(skin: &Medium, field: usize) -> f64 {
    let lateral = skin.grid.lateral_weights();
    (0..skin.layout.nz)
        .map(|z| {
            let row = &skin.state[skin.layout.row(z, field)];
            let density = skin.compiled.volume[field].density[skin.grid.layer[z]];
            row.iter().zip(&lateral).map(|(u, w)| u * w).sum::<f64>() * density * skin.grid.z.width(z)
        })
        .sum()
}

/// Mean |u − exact| of volume field `field`; `exact(x, y, depth)`.
pub fn error(skin: &Medium, field: usize, exact: impl Fn(f64, f64, f64) -> f64) -> f64 {
    let lateral = skin.grid.lateral_weights();
    let places = skin.places();
    let total = skin.grid.z.faces[skin.layout.nz];
    (0..skin.layout.nz)
        .map(|z| {
            let row = &skin.state[skin.layout.row(z, field)];
            let depth = skin.grid.z.centres[z];
            let sum: f64 =
                (0..row.len()).map(|p| lateral[p] * (row[p] - exact(places[0][p], places[1][p], depth)).abs()).sum();
            sum * skin.grid.z.width(z) / total
        })
        .sum()
}

/// The order seen in errors of which each belongs to a spacing half as large as the one before: the last pair.
pub fn order(errors: &[f64]) -> f64 {
    let [.., coarse, fine] = errors else { panic!("two errors are needed") };
    (coarse / fine).log2()
}
