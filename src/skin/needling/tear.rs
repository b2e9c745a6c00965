//! Tears: the cut along the skin that a needle leaves when it moves sideways while it is in.
//!
//! Three motions at right angles or at random to each other move a needle sideways: the way of the device while the needle is in
//! the skin, the needle's own play, and the slip of dented skin along a tilted needle when it springs back. Skin follows a needle by
//! the give g, then it is cut. A depth z feels only the time for which the tip is deeper than z, which for a cam (and for any
//! turning point that is smooth in time) is as √(1 − z/d) of the time at the surface:
//!
//! ```text
//! s = √(drag² + play² + (dent tan tilt)²)
//! cut at z      s √(1 − z/d) − g, above zero
//! at the top    ℓ = s − g
//! down to       z_c = d (1 − (g/s)²)
//! ```
//!
//! Between the two the cut is taken as a wedge, ℓ (1 − z/z_c), which is a little less than the curve.
//!
//! Where it fails: cuts of neighbouring needles do not know of each other, and the skin gives alike in all directions, whereas it
//! tears more easily along its lines of tension.

use std::f64::consts::PI;

/// A cut along the skin, longest at the surface. SI units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cut {
    /// Length at the surface, beyond the width of the needle.
    pub length: f64,
    /// Depth at which it ends.
    pub depth: f64,
}

impl Cut {
    /// The cut that is left when a needle at a depth moves sideways by `way` [m] in skin that follows it by `give` [m].
    ///
    /// Example: 92 µm long at the surface and 0.80 mm deep for 217 µm in a hole of 1.2 mm, with a give of 125 µm.
    pub fn of(way: f64, give: f64, depth: f64) -> Self {
        if way <= give || depth <= 0.0 {
            return Self::default();
        }
        Self { length: way - give, depth: depth * (1.0 - (give / way).powi(2)) }
    }

    /// Its length at a depth [m].
    pub fn at(&self, depth: f64) -> f64 {
        if depth < self.depth { self.length * (1.0 - depth / self.depth) } else { 0.0 }
    }

    /// Its area [m²].
    pub fn area(&self) -> f64 {
        0.5 * self.length * self.depth
    }

    /// Its mean width across a vessel of any horizontal direction, at a depth [m]: 2/π of its length.
    pub fn across(&self, depth: f64) -> f64 {
        2.0 / PI * self.at(depth)
    }

    /// The cut that stands for some: of their mean length, and of their mean area.
    pub fn mean(cuts: impl Iterator<Item = Self> + Clone) -> Self {
        let count = cuts.clone().count().max(1) as f64;
        let length = cuts.clone().map(|cut| cut.length).sum::<f64>() / count;
        let area = cuts.map(|cut| cut.area()).sum::<f64>() / count;
        if length > 0.0 { Self { length, depth: 2.0 * area / length } } else { Self::default() }
    }
}
