//! The grid: where the cells are, how large they are, and how easily things pass from one to the next.
//!
//! All geometries are one structure of `nz × ny × nx` cells with x fastest:
//!
//! * **tile** — x, y and depth are lines of cells;
//! * **section** — one cell in y;
//! * **cells** — axisymmetric unit cells: x is the radius, and y counts classes that differ in what is done at their axes. Classes do not touch
//!   along y; they share one outer wall, at which the field has one value and what leaves one class enters the others;
//! * **point** — a single cell.
//!
//! A finite-volume flux through a face is `conductance · D · (u₂ − u₁)` with conductance = area / distance, counted once for
//! the cell it leaves and once for the cell it enters, so transport conserves by its form. Depth is graded so that the
//! stratum corneum is resolved; layer boundaries lie on faces.
//!
//! Each axis is one family: its faces are values of a fixed map s ↦ x at n + 1 even steps of s, and a finer grid has more steps of
//! the same map. So the widths of neighbours become alike as n grows, and errors fall with 1/n². Along the radius dr/ds = h up to
//! a core radius a, then h + g (r − a).

use crate::base::error::{Error, Result};

/// A layer of a medium, for one person.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Its name, as "clay".
    pub name: String,
    /// Groups it belongs to, as "soil".
    pub groups: Vec<String>,
    /// Depth of its upper boundary [m].
    pub top: f64,
    /// Depth of its lower boundary [m].
    pub bottom: f64,
    /// Wanted spacing of the grid at the top and the bottom of the layer at resolution 1 [m].
    pub spacing: [f64; 2],
}

/// The shape of the computed piece of a medium.
#[derive(Debug, Clone, PartialEq)]
pub enum Geometry {
    /// A single cell: ordinary differential equations of one layer.
    Point {
        /// The layer whose kinetics apply.
        layer: String,
    },
    /// Axisymmetric unit cells (r, z), one for each class of what is done at their axes, advanced together. The radius follows the
    /// density of those axes unless it is given.
    Cells {
        /// How many classes.
        strata: usize,
        /// Radius of a cell [m]; `None` follows the density of axes.
        radius: Option<f64>,
        /// Finest radial spacing [m].
        spacing: f64,
    },
    /// A planar section (x, z).
    Section {
        /// Width [m].
        width: f64,
        /// Cells across.
        cells: usize,
        /// Whether the sides meet, else nothing passes them.
        periodic: bool,
    },
    /// A tile (x, y, z).
    Tile {
        /// Widths in x and y [m].
        width: [f64; 2],
        /// Cells in x and y.
        cells: [usize; 2],
        /// Whether opposite sides meet, else nothing passes them.
        periodic: bool,
    },
}

/// Coordinates of the grid for drawing and output [m].
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// "point", "cells", "section" or "tile".
    pub kind: String,
    /// Faces along x (or the radius), one more than cells.
    pub x: Vec<f64>,
    /// Faces along y; for unit cells the index of the class, 0, 1, 2 …
    pub y: Vec<f64>,
    /// Faces in depth, from 0 down.
    pub z: Vec<f64>,
    /// Layer boundaries: name, top and bottom depth.
    pub layers: Vec<(String, f64, f64)>,
    /// Weight of each class of unit cells (sums to 1); empty otherwise.
    pub weights: Vec<f64>,
}

/// What happens at the two ends of a lateral axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Nothing passes, unless a field has its own condition there.
    Closed,
    /// The ends meet.
    Periodic,
}

/// A line of cells.
#[derive(Debug, Clone)]
pub struct Axis {
    /// Face coordinates [m], one more than cells.
    pub faces: Vec<f64>,
    /// Cell centres [m].
    pub centres: Vec<f64>,
    /// Measure of each cell along this axis: length, or ring area for a radius.
    pub volume: Vec<f64>,
    /// Area / distance of each face. Outer faces are zero for closed ends; for periodic ends both hold the face that joins
    /// the last cell to the first.
    pub conductance: Vec<f64>,
    /// Area / half a cell at the first and the last face, for fields with a condition there.
    pub end_conductance: [f64; 2],
    /// What happens at the ends.
    pub ends: Ends,
}

impl Axis {
    /// A line with the given faces; `radial` makes it a radius around the axis x = 0.
    pub fn new(faces: Vec<f64>, ends: Ends, radial: bool) -> Self {
        let n = faces.len() - 1;
        let centres: Vec<f64> = (0..n).map(|i| 0.5 * (faces[i] + faces[i + 1])).collect();
        let area = |face: f64| if radial { std::f64::consts::TAU * face } else { 1.0 };
        let volume = (0..n)
            .map(|i| {
                let length = faces[i + 1] - faces[i];
                if radial { std::f64::consts::PI * (faces[i] + faces[i + 1]) * length } else { length }
            })
            .collect();
        let mut conductance = vec![0.0; n + 1];
        for i in 1..n {
            conductance[i] = area(faces[i]) / (centres[i] - centres[i - 1]);
        }
        let half = [centres[0] - faces[0], faces[n] - centres[n - 1]];
        if ends == Ends::Periodic && n > 1 {
            conductance[0] = 1.0 / (half[0] + half[1]);
            conductance[n] = conductance[0];
        }
        let end_conductance = [area(faces[0]) / half[0], area(faces[n]) / half[1]];
        Self { faces, centres, volume, conductance, end_conductance, ends }
    }

    /// `cells` equal cells over `width`.
    pub fn even(width: f64, cells: usize, ends: Ends) -> Self {
        Self::new((0..=cells).map(|i| width * i as f64 / cells as f64).collect(), ends, false)
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.centres.len()
    }

    /// Never true; an axis has at least one cell.
    pub fn is_empty(&self) -> bool {
        self.centres.is_empty()
    }

    /// Length of cell `i` [m].
    pub fn width(&self, i: usize) -> f64 {
        self.faces[i + 1] - self.faces[i]
    }

    /// Sum of the cells' measures.
    pub fn total(&self) -> f64 {
        self.volume.iter().sum()
    }
}

/// How the classes of unit cells touch.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Share of the area that each class covers; sums to 1.
    pub weights: Vec<f64>,
    /// Area / distance to the shared outer wall, over the measure of the outermost ring [1/m²]. No class keeps what passes the
    /// wall, so there the field has the mean of all rings; times a diffusivity this is the rate at which a ring relaxes to it.
    pub rate: f64,
}

/// The cells of a run.
#[derive(Debug, Clone)]
pub struct Grid {
    /// "point", "cells", "section" or "tile".
    pub kind: &'static str,
    /// Lateral axis x, or the radius.
    pub x: Axis,
    /// Lateral axis y; for unit cells one entry a class, of measure equal to its weight.
    pub y: Axis,
    /// Depth.
    pub z: Axis,
    /// Exchange between classes of unit cells; then y is no line.
    pub exchange: Option<Exchange>,
    /// The layer of each cell in depth, an index into `layers`.
    pub layer: Vec<usize>,
    /// The layers from the surface down.
    pub layers: Vec<Layer>,
}

/// Radial cells of the finest spacing around the channel, before they widen.
const CORE_CELLS: f64 = 20.0;
/// How much wider each radial cell may be than the last, beyond the core.
const GROWTH: f64 = 0.12;
/// The finest radial spacing up to which cells widen so much [m]. Finer ones widen less, in a core as wide as that of this
/// spacing: a smaller spacing is a finer grid everywhere, not around the channel alone.
const WIDENING: f64 = 5e-6;

impl Grid {
    /// Builds the cells of a geometry in layers; `resolution` multiplies their number along each axis. `radius` \[m]
    /// and `weights` are those of the unit cells where the geometry leaves them to what is done at their axes; other
    /// geometries do not use them. `turns` are the places along x, y and depth \[m] where a model changes its laws: there are
    /// faces there.
    ///
    /// # Errors
    /// There can be no such grid.
    pub fn new(
        geometry: &Geometry,
        layers: &[Layer],
        resolution: f64,
        radius: Option<f64>,
        weights: &[f64],
        turns: [&[f64]; 3],
    ) -> Result<Self> {
        let fine = resolution;
        let ends = |periodic: bool| if periodic { Ends::Periodic } else { Ends::Closed };
        let count = |cells: usize| ((cells as f64 * fine).round() as usize).max(1);
        let columns = |single| Self::columns(layers, fine, turns[2], single);
        let even = |width: f64, cells: usize, turns: &[f64], periodic: bool| {
            Axis::new(even_faces(width, count(cells), turns), ends(periodic), false)
        };
        let single = Axis::even(1.0, 1, Ends::Closed);
        match geometry {
            Geometry::Point { layer } => {
                let mut own = layer_of_point(layers, layer)?.clone();
                (own.top, own.bottom) = (0.0, own.bottom - own.top);
                let z = Axis::new(vec![0.0, own.bottom], Ends::Closed, false);
                Ok(Self {
                    kind: "point",
                    x: single.clone(),
                    y: single,
                    z,
                    exchange: None,
                    layer: vec![0],
                    layers: vec![own],
                })
            }
            Geometry::Cells { radius: given, spacing, .. } => {
                let Some(radius) = given.or(radius) else {
                    return Err(Error::input("unit cells need a radius where nothing is done at their axes")
                        .help("write radius = \"0.36 mm\" under [grid]"));
                };
                let x = Axis::new(radial_faces(radius, *spacing, fine, turns[0]), Ends::Closed, true);
                let alone = [1.0];
                let weights = if weights.is_empty() { &alone[..] } else { weights };
                let exchange = (weights.len() > 1).then(|| Exchange {
                    weights: weights.to_vec(),
                    rate: x.end_conductance[1] / x.volume[x.len() - 1],
                });
                let mut y = Axis::even(weights.len() as f64, weights.len(), Ends::Closed);
                y.conductance.fill(0.0);
                y.volume = weights.to_vec();
                Self { kind: "cells", x, y, exchange, ..columns(single) }.checked()
            }
            Geometry::Section { width, cells, periodic } => {
                let x = even(*width, *cells, turns[0], *periodic);
                Self { kind: "section", x, ..columns(single) }.checked()
            }
            Geometry::Tile { width, cells, periodic } => {
                let x = even(width[0], cells[0], turns[0], *periodic);
                let y = even(width[1], cells[1], turns[1], *periodic);
                Self { kind: "tile", x, y, ..columns(single) }.checked()
            }
        }
    }

    /// The layers that a geometry resolves.
    ///
    /// # Errors
    /// There are none.
    pub fn layers<'a>(geometry: &Geometry, layers: &'a [Layer]) -> Result<&'a [Layer]> {
        match geometry {
            Geometry::Point { layer } => layer_of_point(layers, layer).map(std::slice::from_ref),
            _ => Ok(layers),
        }
    }

    fn columns(layers: &[Layer], resolution: f64, turns: &[f64], single: Axis) -> Self {
        let (faces, layer) = graded_depth(layers, resolution, turns);
        Self {
            kind: "section",
            x: single.clone(),
            y: single,
            z: Axis::new(faces, Ends::Closed, false),
            exchange: None,
            layer,
            layers: layers.to_vec(),
        }
    }

    fn checked(self) -> Result<Self> {
        let sound = [&self.x, &self.y, &self.z]
            .iter()
            .all(|axis| !axis.is_empty() && axis.volume.iter().all(|measure| measure.is_finite() && *measure > 0.0));
        if sound { Ok(self) } else { Err(Error::input("the grid has cells without extent")) }
    }

    /// Cells in a plane of equal depth.
    pub fn plane(&self) -> usize {
        self.x.len() * self.y.len()
    }

    /// All cells.
    pub fn cells(&self) -> usize {
        self.plane() * self.z.len()
    }

    /// Lateral measure of each cell of a plane, normalised to sum to 1.
    pub fn lateral_weights(&self) -> Vec<f64> {
        let total = self.x.total() * self.y.total();
        let mut weights = Vec::with_capacity(self.plane());
        for y in &self.y.volume {
            weights.extend(self.x.volume.iter().map(|x| x * y / total));
        }
        weights
    }

    /// Coordinates for drawing and output.
    pub fn shape(&self) -> Shape {
        Shape {
            kind: self.kind.into(),
            x: self.x.faces.clone(),
            y: self.y.faces.clone(),
            z: self.z.faces.clone(),
            layers: self.layers.iter().map(|layer| (layer.name.clone(), layer.top, layer.bottom)).collect(),
            weights: self.exchange.as_ref().map(|exchange| exchange.weights.clone()).unwrap_or_default(),
        }
    }
}

/// The layer of a point, by its name or a group of its.
fn layer_of_point<'a>(layers: &'a [Layer], name: &str) -> Result<&'a Layer> {
    let found = layers.iter().find(|own| own.name == name || own.groups.iter().any(|group| group == name));
    found.or(layers.first()).ok_or_else(|| Error::input(format!("there is no layer `{name}` here")))
}

/// A turn nearer to another face than this part of the axis is that face.
const SAME: f64 = 1e-9;

/// `from`, the turns between, `to`.
fn pieces(from: f64, to: f64, turns: &[f64]) -> Vec<f64> {
    let near = SAME * to.abs();
    let mut inside: Vec<f64> = turns.iter().copied().filter(|turn| *turn > from + near && *turn < to - near).collect();
    inside.sort_by(f64::total_cmp);
    inside.dedup_by(|a, b| *a - *b <= near);
    [vec![from], inside, vec![to]].concat()
}

/// Faces in depth and the layer of each cell, with a face at each turn. Spacing goes linearly from the layer's upper to its lower
/// value.
pub fn graded_depth(layers: &[Layer], resolution: f64, turns: &[f64]) -> (Vec<f64>, Vec<usize>) {
    let mut faces = vec![0.0];
    let mut layer_of = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let thickness = layer.bottom - layer.top;
        let [first, last] = layer.spacing.map(|spacing| spacing.min(thickness));
        let spacing = |depth: f64| first + (last - first) * (depth - layer.top) / thickness;
        for pair in pieces(layer.top, layer.bottom, turns).windows(2) {
            let [top, bottom] = [pair[0], pair[1]];
            let length = bottom - top;
            let [first, last] = [spacing(top), spacing(bottom)];
            let ratio = last / first;
            let alike = (ratio - 1.0).abs() < 1e-9;
            // Cells per unit of ∫dz/h.
            let wanted = if alike { length / first } else { length * ratio.ln() / (last - first) };
            // What is thinner than a cell is one, and refines with the others.
            let cells = ((wanted.max(1.0) * resolution).round() as usize).max(1);
            for i in 1..=cells {
                let share = i as f64 / cells as f64;
                let depth = if alike { share } else { (ratio.powf(share) - 1.0) / (ratio - 1.0) };
                faces.push(if i == cells { bottom } else { top + length * depth });
                layer_of.push(index);
            }
        }
    }
    (faces, layer_of)
}

/// Faces of `cells` equal cells over a width; where there are turns, about as many, with a face at each.
fn even_faces(width: f64, cells: usize, turns: &[f64]) -> Vec<f64> {
    let mut faces = vec![0.0];
    for pair in pieces(0.0, width, turns).windows(2) {
        let own = ((cells as f64 * (pair[1] - pair[0]) / width).round() as usize).max(1);
        faces.extend((1..=own).map(|i| pair[0] + (pair[1] - pair[0]) * i as f64 / own as f64));
    }
    faces
}

/// Faces of a radius: an even core around the channel, then cells that widen.
fn radial_faces(radius: f64, spacing: f64, resolution: f64, turns: &[f64]) -> Vec<f64> {
    let map = Widening::new(radius, spacing);
    let mut faces = vec![0.0];
    for pair in pieces(0.0, radius, turns).windows(2) {
        let [from, to] = [map.index(pair[0]), map.index(pair[1])];
        let cells = map.cells(pair, resolution);
        let face =
            |i: usize| if i == cells { pair[1] } else { map.radius(from + (to - from) * i as f64 / cells as f64) };
        faces.extend((1..=cells).map(face));
    }
    faces
}

/// Cells along a radius, without making them.
pub fn radial_cells(radius: f64, spacing: f64, resolution: f64, turns: &[f64]) -> usize {
    let map = Widening::new(radius, spacing);
    pieces(0.0, radius, turns).windows(2).map(|pair| map.cells(pair, resolution)).sum()
}

/// The map from even steps to radii: dr/ds = h up to the core radius a, then h + g (r − a).
struct Widening {
    core: f64,
    spacing: f64,
    growth: f64,
}

impl Widening {
    fn new(radius: f64, spacing: f64) -> Self {
        let core = (CORE_CELLS * spacing.max(WIDENING)).min(radius);
        Self { core, spacing, growth: GROWTH * (spacing / WIDENING).min(1.0) }
    }

    /// s of a radius.
    fn index(&self, r: f64) -> f64 {
        let Self { core, spacing, growth } = *self;
        r.min(core) / spacing + (1.0 + growth * (r - core).max(0.0) / spacing).ln() / growth
    }

    /// The radius of an s.
    fn radius(&self, s: f64) -> f64 {
        let Self { core, spacing, growth } = *self;
        let beyond = s - core / spacing;
        if beyond <= 0.0 { s * spacing } else { core + spacing * ((growth * beyond).exp() - 1.0) / growth }
    }

    fn cells(&self, pair: &[f64], resolution: f64) -> usize {
        ((self.index(pair[1]) - self.index(pair[0])) * resolution).ceil().max(1.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, top: f64, bottom: f64, spacing: [f64; 2]) -> Layer {
        Layer { name: name.into(), groups: vec![], top, bottom, spacing }
    }

    #[test]
    fn layer_boundaries_lie_on_faces() {
        let layers = [layer("a", 0.0, 15e-6, [4e-6, 4e-6]), layer("b", 15e-6, 1e-3, [8e-6, 60e-6])];
        let (faces, layer_of) = graded_depth(&layers, 1.0, &[]);
        assert_eq!(faces.len(), layer_of.len() + 1);
        assert!(faces.contains(&15e-6) && *faces.last().unwrap() == 1e-3);
        assert!(faces.windows(2).all(|pair| pair[1] > pair[0]));
        let first_of_b = layer_of.iter().position(|&l| l == 1).unwrap();
        let width = faces[first_of_b + 1] - faces[first_of_b];
        assert!((6e-6..12e-6).contains(&width), "{width}");
    }

    #[test]
    fn rings_fill_the_disc() {
        let x = Axis::new(radial_faces(0.357e-3, 5e-6, 1.0, &[]), Ends::Closed, true);
        let disc = std::f64::consts::PI * 0.357e-3_f64.powi(2);
        assert!((x.total() / disc - 1.0).abs() < 1e-14);
        assert!(x.len() < 45 && x.width(0) < 5.1e-6, "{} cells of {}", x.len(), x.width(0));
    }
    /// Neighbours become alike and the last ring thin, with the resolution and with the spacing.
    #[test]
    fn the_radius_refines_as_one_family() {
        let widest = |spacing: f64, resolution: f64| {
            let faces = radial_faces(0.3e-3, spacing, resolution, &[]);
            let widths: Vec<f64> = faces.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let ratio = widths.windows(2).map(|pair| pair[1] / pair[0]).fold(1.0, f64::max);
            (ratio - 1.0, *widths.last().unwrap())
        };
        for step in 0..3 {
            let [coarse, fine] = [step, step + 1].map(|step| 2f64.powi(step));
            for ((ratio, last), (next_ratio, next_last)) in
                [(widest(5e-6, coarse), widest(5e-6, fine)), (widest(5e-6 / coarse, 1.0), widest(5e-6 / fine, 1.0))]
            {
                assert!((1.8..2.2).contains(&(ratio / next_ratio)), "{ratio} then {next_ratio}");
                assert!((1.8..2.2).contains(&(last / next_last)), "{last} then {next_last}");
            }
        }
    }

    #[test]
    fn turns_lie_on_faces() {
        let layers = [layer("a", 0.0, 15e-6, [4e-6, 4e-6]), layer("b", 15e-6, 1e-3, [8e-6, 60e-6])];
        let turns = [1e-6, 15e-6 * (1.0 + 1e-12), 0.4e-3, 2e-3];
        let (faces, layer_of) = graded_depth(&layers, 1.0, &turns);
        assert_eq!(faces.len(), layer_of.len() + 1);
        assert!(faces.contains(&1e-6) && faces.contains(&0.4e-3) && faces.contains(&15e-6), "{faces:?}");
        assert!(faces.windows(2).all(|pair| pair[1] > pair[0] + 1e-7), "{faces:?}");
        for faces in [even_faces(1e-3, 10, &turns), radial_faces(1e-3, 5e-6, 1.0, &turns)] {
            assert!(faces.contains(&1e-6) && faces.contains(&0.4e-3) && faces.last() == Some(&1e-3), "{faces:?}");
            assert!(faces.windows(2).all(|pair| pair[1] > pair[0]), "{faces:?}");
        }
        assert_eq!(even_faces(1.0, 4, &[]), [0.0, 0.25, 0.5, 0.75, 1.0]);
    }
}
