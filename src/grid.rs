//! The grid: where the cells are, how large they are, and how easily things pass from one to the next.
//!
//! All geometries are one structure of `nz × ny × nx` cells with x fastest:
//!
//! * **tile** — x, y and depth are lines of cells;
//! * **section** — one cell in y;
//! * **cells** — axisymmetric unit cells: x is the radius, and y counts the classes of puncture depth. Classes do not touch
//!   along y; their outermost rings touch each other at random, so a ring exchanges with the mean of all rings;
//! * **point** — a single cell.
//!
//! A finite-volume flux through a face is `conductance · D · (u₂ − u₁)` with conductance = area / distance, counted once for
//! the cell it leaves and once for the cell it enters, so transport conserves by its form. Depth is graded so that the
//! stratum corneum is resolved; layer boundaries lie on faces.

use crate::catalogue::Layer;
use crate::error::{Error, Result};

/// The shape of the computed piece of skin.
#[derive(Debug, Clone, PartialEq)]
pub enum Geometry {
    /// A single cell: ordinary differential equations of one layer.
    Point {
        /// The layer whose kinetics apply.
        layer: String,
    },
    /// Axisymmetric unit cells (r, z), one for each class of puncture depth, advanced together. The radius follows the
    /// density of holes unless it is given.
    Cells {
        /// How many depth classes.
        strata: usize,
        /// Radius of a cell [m]; `None` follows the density of holes.
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
    /// A tile (x, y, z), many punctures.
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
    /// Share of the skin that each class covers; sums to 1.
    pub weights: Vec<f64>,
    /// Area / distance between touching outermost rings, over the ring's measure [1/m²]. Multiplied with a diffusivity it is
    /// the rate at which a ring relaxes to the mean of all rings.
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

impl Grid {
    /// Builds the cells of a geometry in layered tissue; `resolution` multiplies their number along each axis. `radius` \[m]
    /// and `weights` are those of the unit cells where the geometry leaves them to the density and the depths of holes; other
    /// geometries do not use them.
    ///
    /// # Errors
    /// There can be no such grid.
    pub fn new(
        geometry: &Geometry,
        layers: &[Layer],
        resolution: f64,
        radius: Option<f64>,
        weights: &[f64],
    ) -> Result<Self> {
        let fine = resolution;
        let count = |cells: usize| ((cells as f64 * fine).round() as usize).max(1);
        let ends = |periodic: bool| if periodic { Ends::Periodic } else { Ends::Closed };
        let single = Axis::even(1.0, 1, Ends::Closed);
        match geometry {
            Geometry::Point { layer } => {
                let found = layers.iter().find(|own| own.name == *layer || own.groups.contains(layer));
                let mut own = found
                    .or(layers.first())
                    .ok_or_else(|| Error::input(format!("the tissue has no layer `{layer}`")))?
                    .clone();
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
                    return Err(Error::input("unit cells without needling need a radius")
                        .help("write radius = \"0.36 mm\" under [grid]"));
                };
                let x = Axis::new(radial_faces(radius, spacing / fine), Ends::Closed, true);
                let last = x.len() - 1;
                let even = [1.0];
                let weights = if weights.is_empty() { &even[..] } else { weights };
                let exchange = (weights.len() > 1).then(|| Exchange {
                    weights: weights.to_vec(),
                    rate: std::f64::consts::TAU * radius / (x.width(last) * x.volume[last]),
                });
                let mut y = Axis::even(weights.len() as f64, weights.len(), Ends::Closed);
                y.conductance.fill(0.0);
                y.volume = weights.to_vec();
                Self { kind: "cells", x, y, exchange, ..Self::columns(layers, fine, single) }.checked()
            }
            Geometry::Section { width, cells, periodic } => {
                let x = Axis::even(*width, count(*cells), ends(*periodic));
                Self { kind: "section", x, ..Self::columns(layers, fine, single) }.checked()
            }
            Geometry::Tile { width, cells, periodic } => {
                let x = Axis::even(width[0], count(cells[0]), ends(*periodic));
                let y = Axis::even(width[1], count(cells[1]), ends(*periodic));
                Self { kind: "tile", x, y, ..Self::columns(layers, fine, single) }.checked()
            }
        }
    }

    fn columns(layers: &[Layer], resolution: f64, single: Axis) -> Self {
        let (faces, layer) = graded_depth(layers, resolution);
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

/// Faces in depth and the layer of each cell. Spacing goes linearly from the layer's upper to its lower value.
pub fn graded_depth(layers: &[Layer], resolution: f64) -> (Vec<f64>, Vec<usize>) {
    let mut faces = vec![0.0];
    let mut layer_of = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let thickness = layer.bottom - layer.top;
        let [first, last] = layer.spacing.map(|spacing| spacing.min(thickness));
        let ratio = last / first;
        // Cells per unit of ∫dz/h.
        let wanted =
            if (ratio - 1.0).abs() < 1e-9 { thickness / first } else { thickness * ratio.ln() / (last - first) };
        let cells = ((wanted * resolution).round() as usize).max(1);
        for i in 1..=cells {
            let share = i as f64 / cells as f64;
            let depth = if (ratio - 1.0).abs() < 1e-9 { share } else { (ratio.powf(share) - 1.0) / (ratio - 1.0) };
            faces.push(if i == cells { layer.bottom } else { layer.top + thickness * depth });
            layer_of.push(index);
        }
    }
    (faces, layer_of)
}

/// Faces of a radius: an even core around the channel, then cells that widen.
fn radial_faces(radius: f64, spacing: f64) -> Vec<f64> {
    let core = (CORE_CELLS * spacing).min(radius);
    // Index of a radius: r/h in the core, then the logarithm that a steady growth gives.
    let outer = (1.0 + GROWTH * (radius - core) / spacing).ln() / GROWTH;
    let total = core / spacing + outer;
    let cells = total.ceil().max(1.0) as usize;
    (0..=cells)
        .map(|i| {
            let index = total * i as f64 / cells as f64;
            let beyond = index - core / spacing;
            if i == cells {
                radius
            } else if beyond <= 0.0 {
                index * spacing
            } else {
                core + spacing * ((GROWTH * beyond).exp() - 1.0) / GROWTH
            }
        })
        .collect()
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
        let (faces, layer_of) = graded_depth(&layers, 1.0);
        assert_eq!(faces.len(), layer_of.len() + 1);
        assert!(faces.contains(&15e-6) && *faces.last().unwrap() == 1e-3);
        assert!(faces.windows(2).all(|pair| pair[1] > pair[0]));
        let first_of_b = layer_of.iter().position(|&l| l == 1).unwrap();
        let width = faces[first_of_b + 1] - faces[first_of_b];
        assert!((6e-6..12e-6).contains(&width), "{width}");
    }

    #[test]
    fn rings_fill_the_disc() {
        let x = Axis::new(radial_faces(0.357e-3, 5e-6), Ends::Closed, true);
        let disc = std::f64::consts::PI * 0.357e-3_f64.powi(2);
        assert!((x.total() / disc - 1.0).abs() < 1e-14);
        assert!(x.len() < 45 && x.width(0) < 5.1e-6, "{} cells of {}", x.len(), x.width(0));
    }
}
