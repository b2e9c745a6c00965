//! The equations of an elastic body: second derivatives of its discrete energy, cell by cell and corner by corner, as
//! [`elastic`](super::elastic) gives it.

use super::band::BandMatrix;
use super::elastic::{Body, Edge, Elastic, place};
use crate::base::error::Result;

/// Shear at a corner: γ = Σ shape · (u above, u below, w inside, w outside).
struct Corner {
    volume: f64,
    shear: f64,
    tension: f64,
    shape: [f64; 4],
}

impl Body {
    /// Builds and factorises the equations.
    ///
    /// # Errors
    /// The body is not held.
    pub fn factorise(self) -> Result<Elastic> {
        let (inner, by_radius) = self.order();
        let (rings, rows) = (self.rings(), self.rows());
        let at = |i: usize, k: usize, vertical: usize| place(inner, by_radius, i, k, vertical);
        let mut band = BandMatrix::new(2 * self.radii.len() * self.depths.len(), 2 * inner + 3);
        let mut add = |weight: f64, dofs: &[(usize, usize, usize)], shape: &[f64]| {
            for (a, first) in dofs.iter().enumerate() {
                if self.absent(first.0, first.1, first.2) {
                    continue;
                }
                for (b, second) in dofs.iter().enumerate().skip(a) {
                    if !self.absent(second.0, second.1, second.2) {
                        let (row, column) = (at(first.0, first.1, first.2), at(second.0, second.1, second.2));
                        band.add(row, column, weight * shape[a] * shape[b]);
                    }
                }
            }
        };
        for k in 0..rows {
            let high = self.depths[k + 1] - self.depths[k];
            for i in 0..rings {
                let (wide, middle) = (self.radii[i + 1] - self.radii[i], self.middle(i));
                let stuff = self.of(i, k);
                let volume = self.area(i) * high;
                let dofs = [(i, k, 0), (i + 1, k, 0), (i, k, 1), (i, k + 1, 1)];
                let radial = [-1.0 / wide, 1.0 / wide, 0.0, 0.0];
                let hoop = [0.5 / middle, 0.5 / middle, 0.0, 0.0];
                let vertical = [0.0, 0.0, -1.0 / high, 1.0 / high];
                let swelling: Vec<f64> = (0..4).map(|d| radial[d] + hoop[d] + vertical[d]).collect();
                // ε_r² + ε_θ² + 2/3 ε_r ε_θ = 2/3 (ε_r² + ε_θ²) + 1/3 (ε_r + ε_θ)².
                let plane: Vec<f64> = (0..4).map(|d| radial[d] + hoop[d]).collect();
                let straight = volume * (2.0 * stuff.shear + stuff.fibres * 2.0 / 3.0);
                add(straight, &dofs, &radial);
                add(straight, &dofs, &hoop);
                add(volume * 2.0 * stuff.shear, &dofs, &vertical);
                add(volume * stuff.lame(), &dofs, &swelling);
                add(volume * stuff.fibres / 3.0, &dofs, &plane);
            }
        }
        for (i, k, corner) in self.corners() {
            let dofs = [(i, k.wrapping_sub(1), 0), (i, k, 0), (i.wrapping_sub(1), k, 1), (i, k, 1)];
            let shape = corner.shape;
            let kept: Vec<usize> = (0..4).filter(|d| shape[*d] != 0.0).collect();
            let dofs: Vec<(usize, usize, usize)> = kept.iter().map(|d| dofs[*d]).collect();
            let shape: Vec<f64> = kept.iter().map(|d| shape[*d]).collect();
            add(corner.volume * corner.shear, &dofs, &shape);
            if corner.tension > 0.0 && i > 0 && i < rings {
                let slope = corner.shape[3];
                add(corner.volume * corner.tension, &[(i - 1, k, 1), (i, k, 1)], &[-slope, slope]);
            }
        }
        for i in 1..rings {
            // The surface itself bears no shear, but its fibres are taut too.
            let across = 0.5 * (self.radii[i + 1] - self.radii[i - 1]);
            let tension = 0.5 * (self.of(i - 1, 0).tension + self.of(i, 0).tension);
            if tension > 0.0 {
                let volume = 0.5 * self.radii[i] * across * self.depths[1];
                add(volume * tension, &[(i - 1, 0, 1), (i, 0, 1)], &[-1.0 / across, 1.0 / across]);
            }
        }
        for k in 0..self.depths.len() {
            for i in 0..self.radii.len() {
                for vertical in 0..2 {
                    if self.absent(i, k, vertical) {
                        let own = at(i, k, vertical);
                        band.add(own, own, 1.0);
                    }
                }
            }
        }
        Ok(Elastic { factors: band.factorise()?, body: self })
    }

    /// Corners at which shear acts: inside, and on held edges.
    fn corners(&self) -> Vec<(usize, usize, Corner)> {
        let (rings, rows) = (self.rings(), self.rows());
        let mut corners = Vec::new();
        for k in 1..=rows {
            for i in 0..=rings {
                let (above, below) = (self.depths[k] - self.depths[k - 1], self.depths.get(k + 1));
                let (wide_in, wide_out) = (
                    if i > 0 { 0.5 * (self.radii[i] - self.radii[i - 1]) } else { 0.0 },
                    if i < rings { 0.5 * (self.radii[i + 1] - self.radii[i]) } else { 0.0 },
                );
                let across = wide_in + wide_out;
                // Beside each other the rings carry their shares, above each other the same stress.
                let shear = |k: usize| {
                    let inside = if i > 0 { wide_in * self.of(i - 1, k).shear } else { 0.0 };
                    let outside = if i < rings { wide_out * self.of(i, k).shear } else { 0.0 };
                    (inside + outside) / across
                };
                let tension = |k: usize| {
                    let inside = if i > 0 { self.of(i - 1, k).tension } else { 0.0 };
                    let outside = if i < rings { self.of(i, k).tension } else { 0.0 };
                    0.5 * (inside + outside)
                };
                let (down, shear, tension) = match below {
                    Some(next) => {
                        let low = next - self.depths[k];
                        let down = 0.5 * (above + low);
                        let taut = (above * tension(k - 1) + low * tension(k)) / (above + low);
                        (down, 2.0 * down / (above / shear(k - 1) + low / shear(k)), taut)
                    }
                    None if self.bottom == Edge::Held => (0.5 * above, shear(rows - 1), 0.0),
                    None => continue,
                };
                let inside = i > 0 && i < rings;
                if !(inside || i == rings && self.rim == Edge::Held) {
                    continue;
                }
                // At a held edge the displacement beyond it is zero.
                let beyond = if k < rows { 1.0 / down } else { 0.0 };
                let outside = if i < rings { 1.0 / across } else { 0.0 };
                let shape = [-1.0 / down, beyond, -1.0 / across, outside];
                corners.push((i, k, Corner { volume: self.radii[i] * across * down, shear, tension, shape }));
            }
        }
        corners
    }
}
