//! Elastic bodies of revolution: layered, nearly incompressible, small strain, on a staggered grid.
//!
//! Radial displacement u lives on the radial faces of a cell, vertical displacement w (downwards) on its upper and lower faces,
//! volume change and pressure in its middle, shear at its corners. The discrete equations are the minimum of the discrete energy
//!
//! ```text
//! Π = Σ_cells V [G (ε_r² + ε_θ² + ε_z²) + λ/2 θ² + C/2 (ε_r² + ε_θ² + 2/3 ε_r ε_θ)] + Σ_corners V_c G_c γ²/2 − work of the loads
//!
//! ε_r = ∂u/∂r   ε_θ = u/r   ε_z = ∂w/∂z   θ = ε_r + ε_θ + ε_z   γ = ∂u/∂z + ∂w/∂r   λ = 2 G ν/(1 − 2ν)
//! ```
//!
//! Deflections that are large against the thickness of a layer stretch its fibres by ½(∂w/∂r)². The tension N that they are
//! then under adds V_c N (∂w/∂r)²/2 (a taut skin resists a point), and their stretch pulls inwards as an initial stress
//! ([`Elastic::stretch`]); iterated, both make a layer under large deflection (von Kármán).
//!
//! C is the stiffness of a network of fibres in the plane of the layer (affine, hence 1/3), 0 for an isotropic medium; G_c the
//! harmonic mean of the layers that meet at a corner, so that shear stress is continuous. This is the mixed form in displacement
//! and pressure p = −λ θ with the pressure eliminated cell by cell. One pressure to each cell and a velocity to each face is
//! the marker-and-cell arrangement, which is stable as ν → 1/2, so that 0.4999 does not lock. The matrix is symmetric and
//! positive definite; it is factorised once and serves every load.
//!
//! Boundaries: the axis; the surface z = 0, loaded by pressures; the bottom, held (bonded to bone or to a far field); the rim,
//! on which nothing moves radially and no shear acts, or which is loaded by a pressure.
//!
//! Order 2 in the grid spacing for smooth solutions. Where it fails: strains beyond some ten per cent, wherever they occur.

use super::band::Factors;

/// What a cell is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stuff {
    /// Shear modulus G [Pa]; higher values give way less.
    pub shear: f64,
    /// Poisson's ratio ν, below 0.5.
    pub poisson: f64,
    /// Stiffness C of the fibres in the plane [Pa].
    pub fibres: f64,
    /// Tension N of the fibres along the radius [Pa], not below 0.
    pub tension: f64,
}

impl Stuff {
    /// An isotropic medium of this Young's modulus [Pa].
    pub fn isotropic(young: f64, poisson: f64) -> Self {
        Self { shear: young / (2.0 * (1.0 + poisson)), poisson, fibres: 0.0, tension: 0.0 }
    }

    /// λ [Pa].
    pub fn lame(&self) -> f64 {
        2.0 * self.shear * self.poisson / (1.0 - 2.0 * self.poisson)
    }
}

/// What happens at an edge of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Nothing moves.
    Held,
    /// Nothing moves across it, no shear acts.
    Smooth,
    /// A pressure acts, or none.
    Loaded,
}

/// A grid of rings, the stuff of each cell, and the edges.
#[derive(Debug, Clone)]
pub struct Body {
    /// Radii of the faces [m], ascending; the first is 0 for a body that includes the axis.
    pub radii: Vec<f64>,
    /// Depths of the faces [m], from 0 down.
    pub depths: Vec<f64>,
    /// What each cell is made of, `[row][ring]`.
    pub stuff: Vec<Stuff>,
    /// The rim.
    pub rim: Edge,
    /// The bottom.
    pub bottom: Edge,
    /// Rings of the surface that do not move vertically.
    pub clamped: Vec<bool>,
}

/// Loads: forces over 2π, so pressures times r Δr.
#[derive(Debug, Clone, PartialEq)]
pub struct Load(Vec<f64>);

/// A body whose equations are factorised.
#[derive(Debug, Clone)]
pub struct Elastic {
    /// The body.
    pub body: Body,
    pub(super) factors: Factors,
}

/// Displacements of a body.
#[derive(Debug, Clone, PartialEq)]
pub struct Displaced {
    values: Vec<f64>,
    inner: usize,
    by_radius: bool,
}

/// Strain in the middle of a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Strain {
    /// ε_r.
    pub radial: f64,
    /// ε_θ.
    pub hoop: f64,
    /// ε_z.
    pub vertical: f64,
    /// γ, mean of the corners.
    pub shear: f64,
}

impl Strain {
    /// I₁ − 3 to second order: 2 e:e.
    pub fn invariant(&self) -> f64 {
        2.0 * (self.radial.powi(2) + self.hoop.powi(2) + self.vertical.powi(2)) + self.shear.powi(2)
    }

    /// The largest principal strain.
    pub fn largest(&self) -> f64 {
        let middle = 0.5 * (self.radial + self.vertical);
        let half = 0.5 * (self.radial - self.vertical);
        (middle + half.hypot(0.5 * self.shear)).max(self.hoop)
    }
}

impl Displaced {
    fn at(&self, i: usize, k: usize, vertical: usize) -> f64 {
        self.values[place(self.inner, self.by_radius, i, k, vertical)]
    }

    /// Radial displacement [m] of radial face i in row k.
    pub fn radial(&self, i: usize, k: usize) -> f64 {
        self.at(i, k, 0)
    }

    /// Vertical displacement [m], downwards, of depth face k in ring i.
    pub fn vertical(&self, i: usize, k: usize) -> f64 {
        self.at(i, k, 1)
    }
}

/// The unknown of node (i, k): the shorter direction runs fastest, which keeps the band narrow.
pub(super) fn place(inner: usize, by_radius: bool, i: usize, k: usize, vertical: usize) -> usize {
    let (fast, slow) = if by_radius { (i, k) } else { (k, i) };
    2 * (slow * inner + fast) + vertical
}

impl Body {
    /// Rings.
    pub fn rings(&self) -> usize {
        self.radii.len() - 1
    }

    /// Middle of ring i [m].
    pub fn middle(&self, i: usize) -> f64 {
        0.5 * (self.radii[i] + self.radii[i + 1])
    }

    /// Middle of row k [m].
    pub fn depth(&self, k: usize) -> f64 {
        0.5 * (self.depths[k] + self.depths[k + 1])
    }

    /// Area of ring i over 2π [m²].
    pub fn area(&self, i: usize) -> f64 {
        self.middle(i) * (self.radii[i + 1] - self.radii[i])
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.depths.len() - 1
    }

    /// What cell (i, k) is made of.
    pub fn of(&self, i: usize, k: usize) -> Stuff {
        self.stuff[k * self.rings() + i]
    }

    /// The ring that holds a radius [m]; the last one beyond all.
    pub fn ring(&self, radius: f64) -> usize {
        self.radii.partition_point(|face| *face <= radius).clamp(1, self.rings()) - 1
    }

    pub(super) fn order(&self) -> (usize, bool) {
        let by_radius = self.radii.len() <= self.depths.len();
        (if by_radius { self.radii.len() } else { self.depths.len() }, by_radius)
    }

    /// Whether an unknown is held at zero or does not exist.
    pub(super) fn absent(&self, i: usize, k: usize, vertical: usize) -> bool {
        let (rings, rows) = (self.rings(), self.rows());
        match vertical {
            0 => k >= rows || (i == 0 && self.radii[0] == 0.0) || (i == rings && self.rim != Edge::Loaded),
            _ => i >= rings || (k == rows && self.bottom != Edge::Loaded) || (k == 0 && self.clamped[i]),
        }
    }

    /// No load.
    pub fn unloaded(&self) -> Load {
        Load(vec![0.0; 2 * self.radii.len() * self.depths.len()])
    }
}

impl Elastic {
    fn at(&self, i: usize, k: usize, vertical: usize) -> usize {
        let (inner, by_radius) = self.body.order();
        place(inner, by_radius, i, k, vertical)
    }

    /// Adds a pressure [Pa] on ring i of the surface, pushing down.
    pub fn press(&self, load: &mut Load, i: usize, pressure: f64) {
        if !self.body.absent(i, 0, 1) {
            load.0[self.at(i, 0, 1)] += pressure * self.body.area(i);
        }
    }

    /// Adds a pressure [Pa] on radial face i of row k, pushing outwards.
    pub fn push(&self, load: &mut Load, i: usize, k: usize, pressure: f64) {
        let high = self.body.depths[k + 1] - self.body.depths[k];
        if !self.body.absent(i, k, 0) {
            load.0[self.at(i, k, 0)] += pressure * self.body.radii[i] * high;
        }
    }

    /// Adds a body force [N/m³]: its radial and its downward part at a place (r, z).
    pub fn pull(&self, load: &mut Load, force: &dyn Fn(f64, f64) -> [f64; 2]) {
        let body = &self.body;
        let (rings, rows) = (body.rings(), body.rows());
        let half = |faces: &[f64], at: usize| {
            let before = if at > 0 { faces[at] - faces[at - 1] } else { 0.0 };
            0.5 * (before + faces.get(at + 1).map_or(0.0, |next| next - faces[at]))
        };
        for k in 0..=rows {
            for i in 0..=rings {
                if !body.absent(i, k, 0) {
                    let volume = body.radii[i] * half(&body.radii, i) * (body.depths[k + 1] - body.depths[k]);
                    load.0[self.at(i, k, 0)] += volume * force(body.radii[i], body.depth(k))[0];
                }
                if !body.absent(i, k, 1) {
                    let volume = body.area(i) * half(&body.depths, k);
                    load.0[self.at(i, k, 1)] += volume * force(body.middle(i), body.depths[k])[1];
                }
            }
        }
    }

    /// Adds the pull of fibres that are stretched along the radius by an extra strain in each cell, `[row][ring]`.
    pub fn stretch(&self, load: &mut Load, extra: &[f64]) {
        let body = &self.body;
        for k in 0..body.rows() {
            let high = body.depths[k + 1] - body.depths[k];
            for i in 0..body.rings() {
                let stress = body.of(i, k).fibres * extra[k * body.rings() + i];
                if stress == 0.0 {
                    continue;
                }
                let volume = body.area(i) * high;
                let (wide, middle) = (body.radii[i + 1] - body.radii[i], body.middle(i));
                for (face, sign) in [(i, -1.0), (i + 1, 1.0)] {
                    if !body.absent(face, k, 0) {
                        load.0[self.at(face, k, 0)] -= volume * stress * (sign / wide + 1.0 / (6.0 * middle));
                    }
                }
            }
        }
    }

    /// Mean square of the slope ∂w/∂r in cell (i, k).
    pub fn slope_squared(&self, moved: &Displaced, i: usize, k: usize) -> f64 {
        let body = &self.body;
        let slope = |i: usize, k: usize| {
            if i == 0 || i == body.rings() {
                return 0.0;
            }
            (moved.vertical(i, k) - moved.vertical(i - 1, k)) / (0.5 * (body.radii[i + 1] - body.radii[i - 1]))
        };
        0.25 * [(i, k), (i + 1, k), (i, k + 1), (i + 1, k + 1)].map(|(i, k)| slope(i, k).powi(2)).iter().sum::<f64>()
    }

    /// Displacements under a load.
    pub fn solve(&self, load: &Load) -> Displaced {
        let mut values = load.0.clone();
        self.factors.solve(&mut values);
        let (inner, by_radius) = self.body.order();
        Displaced { values, inner, by_radius }
    }

    /// Strain in the middle of cell (i, k).
    pub fn strain(&self, moved: &Displaced, i: usize, k: usize) -> Strain {
        let body = &self.body;
        let (wide, high) = (body.radii[i + 1] - body.radii[i], body.depths[k + 1] - body.depths[k]);
        let (west, east) = (moved.radial(i, k), moved.radial(i + 1, k));
        let slope = |i: usize, k: usize| {
            // Shear at a corner, zero on the axis and on free edges.
            if i == 0 || i == body.rings() || k == 0 || k == body.rows() {
                return 0.0;
            }
            let down = 0.5 * (body.depths[k + 1] - body.depths[k - 1]);
            let across = 0.5 * (body.radii[i + 1] - body.radii[i - 1]);
            (moved.radial(i, k) - moved.radial(i, k - 1)) / down
                + (moved.vertical(i, k) - moved.vertical(i - 1, k)) / across
        };
        Strain {
            radial: (east - west) / wide,
            hoop: 0.5 * (west + east) / body.middle(i),
            vertical: (moved.vertical(i, k + 1) - moved.vertical(i, k)) / high,
            shear: 0.25 * (slope(i, k) + slope(i + 1, k) + slope(i, k + 1) + slope(i + 1, k + 1)),
        }
    }

    /// Pressure [Pa] under which ring i of the surface stands where it is: what holds a clamped one, from its uppermost cell. The
    /// pull of taut fibres at an edge is not in it.
    pub fn lifted(&self, moved: &Displaced, i: usize) -> f64 {
        let (strain, stuff) = (self.strain(moved, i, 0), self.body.of(i, 0));
        -(stuff.lame() * (strain.radial + strain.hoop + strain.vertical) + 2.0 * stuff.shear * strain.vertical)
    }

    /// Pressure [Pa] in the middle of cell (i, k): p = −λ θ.
    pub fn pressure(&self, moved: &Displaced, i: usize, k: usize) -> f64 {
        let strain = self.strain(moved, i, k);
        -self.body.of(i, k).lame() * (strain.radial + strain.hoop + strain.vertical)
    }
}

/// Faces from `from` that begin with steps of `first` [m] and widen by `growth` each until `to`; the last lies on `to`.
pub fn graded(from: f64, to: f64, first: f64, growth: f64) -> Vec<f64> {
    let mut steps = vec![first.min(to - from)];
    while steps.iter().sum::<f64>() < (to - from) * (1.0 - 1e-12) {
        steps.push(steps[steps.len() - 1] * growth);
    }
    let scale = (to - from) / steps.iter().sum::<f64>();
    let mut faces = vec![from];
    let mut place = from;
    for step in &steps {
        place += step * scale;
        faces.push(place);
    }
    let last = faces.len() - 1;
    faces[last] = to;
    faces
}
