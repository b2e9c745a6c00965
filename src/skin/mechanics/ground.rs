//! What holds a needle: layers on their backing, and what a device adds around it. A question to the grid.

use std::ops::Range;

use super::elastic::{Stuff, graded};

/// What a layer is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlyMaterial {
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
    pub medium: PlyMaterial,
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

/// A grid and the rings that are loaded.
pub(super) struct Mesh {
    pub radii: Vec<f64>,
    pub depths: Vec<f64>,
    pub layer: Vec<usize>,
    pub inside: Range<usize>,
}

impl Mesh {
    pub fn rings(&self) -> usize {
        self.radii.len() - 1
    }
}

/// Width of the grid [m].
pub(super) const WIDTH: f64 = 30e-3;
/// Cells under the patch.
const UNDER: f64 = 5.0;
/// Thickness of the uppermost cell [m], and growth from cell to cell downwards and outwards.
const FIRST: f64 = 5e-6;
const GROWTH: f64 = 1.22;

impl PlyMaterial {
    /// The largest s: that of a stretch to failure.
    pub(super) fn most(&self) -> f64 {
        self.failure * self.failure + 2.0 / self.failure - 3.0
    }

    pub(super) fn stuff(&self, scale: f64) -> Stuff {
        Stuff { fibres: self.fibres * scale, ..Stuff::isotropic(self.young * scale, self.poisson) }
    }
}

impl Ground {
    /// Modulus of a ply after a time [s], relative to that at the reference time.
    pub(super) fn scale(&self, ply: &Ply, time: f64) -> f64 {
        (time.clamp(self.times.shortest, self.times.longest) / self.times.reference).powf(-ply.medium.exponent)
    }

    /// Faces in depth and the ply of each row.
    pub(super) fn depths(&self) -> (Vec<f64>, Vec<usize>) {
        let growth = self.growth();
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
    pub(super) fn mesh(&self, patch: f64) -> Mesh {
        let cells = (UNDER * self.resolution).round().max(2.0);
        let growth = self.growth();
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

    /// Growth from cell to cell at this resolution.
    pub(super) fn growth(&self) -> f64 {
        GROWTH.powf(1.0 / self.resolution)
    }
}
