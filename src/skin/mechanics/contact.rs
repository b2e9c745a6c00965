//! Rigid bodies of revolution pressed into the surface of an elastic body, without friction and without adhesion.
//!
//! The displacement of ring i of the surface is Σ_j c_ij p_j with the compliance c of the body, one solution for each ring. Where
//! the rigid body touches, w_i = δ − f(r_i) with its profile f; elsewhere p_i = 0. The rings that touch are found by adding those
//! that would be run through and releasing those that would be pulled (an active set).
//!
//! Half space: F = 2 E* a δ for a flat punch (Sneddon), 4/3 E* √R δ^(3/2) for a sphere (Hertz), 2/π E* tan α δ² for a cone of half
//! angle α, with E* = E/(1 − ν²). For a tip of micrometres these small-strain laws end long before it pierces; there the deep
//! law of [`support`](super::support) holds.

use nalgebra::{DMatrix, DVector};

use super::elastic::{Displaced, Elastic};
use crate::base::error::{Error, Result};

/// How the surface answers to pressure.
#[derive(Debug, Clone)]
pub struct Surface {
    /// Middles of the rings [m].
    pub middles: Vec<f64>,
    /// Areas of the rings [m²].
    pub areas: Vec<f64>,
    /// Outer radii of the rings [m].
    pub edges: Vec<f64>,
    /// Displacement of a ring [m] per pressure on another [Pa]; columns are loaded rings.
    pub compliance: DMatrix<f64>,
    /// Displacements of the whole body for a unit of pressure on each loaded ring.
    fields: Vec<Displaced>,
}

/// A contact.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Force [N].
    pub force: f64,
    /// Pressure on each ring that can touch [Pa].
    pub pressure: Vec<f64>,
    /// Outer radius of the rings that touch [m].
    pub radius: f64,
}

impl Surface {
    /// The answer of all rings to pressure on those within `reach` [m].
    pub fn of(body: &Elastic, reach: f64) -> Self {
        let rings = body.body.rings();
        let loaded = (0..rings).filter(|i| body.body.radii[*i] < reach).count().max(1);
        let fields: Vec<Displaced> = (0..loaded)
            .map(|ring| {
                let mut load = body.body.unloaded();
                body.press(&mut load, ring, 1.0);
                body.solve(&load)
            })
            .collect();
        let compliance = DMatrix::from_fn(rings, loaded, |i, j| fields[j].vertical(i, 0));
        let middles = (0..rings).map(|i| body.body.middle(i)).collect();
        let areas = (0..rings).map(|i| std::f64::consts::TAU * body.body.area(i)).collect();
        let edges = (0..rings).map(|i| body.body.radii[i + 1]).collect();
        Self { middles, areas, edges, compliance, fields }
    }

    /// Displacement of each ring [m] under pressures on the loaded ones.
    pub fn displaced(&self, pressure: &[f64]) -> Vec<f64> {
        let rings = self.middles.len();
        (0..rings).map(|i| pressure.iter().enumerate().map(|(j, p)| self.compliance[(i, j)] * p).sum()).collect()
    }

    /// Displacements of the whole body under pressures on the loaded rings.
    pub fn field(&self, pressure: &[f64], body: &Elastic) -> Displaced {
        let mut load = body.body.unloaded();
        for (ring, own) in pressure.iter().enumerate().take(self.fields.len()) {
            body.press(&mut load, ring, *own);
        }
        body.solve(&load)
    }

    /// Presses a rigid profile f(r) [m] (0 at the lowest point) by δ [m].
    ///
    /// # Errors
    /// The rings that touch are not found: the profile reaches beyond those that can be loaded.
    pub fn press(&self, depth: f64, profile: &dyn Fn(f64) -> f64) -> Result<Contact> {
        let loaded = self.compliance.ncols();
        let gap: Vec<f64> = self.middles[..loaded].iter().map(|r| depth - profile(*r)).collect();
        let mut touching: Vec<bool> = gap.iter().map(|gap| *gap > 0.0).collect();
        for _ in 0..4 * loaded {
            let rings: Vec<usize> = (0..loaded).filter(|i| touching[*i]).collect();
            if rings.is_empty() {
                return Ok(Contact { force: 0.0, pressure: vec![0.0; loaded], radius: 0.0 });
            }
            let small = DMatrix::from_fn(rings.len(), rings.len(), |a, b| self.compliance[(rings[a], rings[b])]);
            let wanted = DVector::from_iterator(rings.len(), rings.iter().map(|i| gap[*i]));
            let solved = small.lu().solve(&wanted).ok_or_else(|| Error::simulation("a contact has no solution"))?;
            let mut pressure = vec![0.0; loaded];
            for (i, p) in rings.iter().zip(solved.iter()) {
                pressure[*i] = *p;
            }
            let moved = self.displaced(&pressure);
            let next: Vec<bool> = (0..loaded)
                .map(|i| if touching[i] { pressure[i] >= 0.0 } else { moved[i] < gap[i] - 1e-12 * depth.abs() })
                .collect();
            if next == touching {
                let force = pressure.iter().zip(&self.areas).map(|(p, a)| p * a).sum();
                let radius = self.edges[rings[rings.len() - 1]];
                return Ok(Contact { force, pressure, radius });
            }
            touching = next;
        }
        Err(Error::simulation("the rings that touch a needle were not found"))
    }

    /// Presses a rigid profile f(r) [m] with a force [N].
    ///
    /// # Errors
    /// As [`Surface::press`].
    pub fn carries(&self, force: f64, profile: &dyn Fn(f64) -> f64) -> Result<Contact> {
        let loaded = self.compliance.ncols();
        let heights = || self.middles[..loaded].iter().map(|r| profile(*r));
        let (mut low, mut high) = (heights().fold(f64::INFINITY, f64::min), heights().fold(0.0, f64::max));
        // Beyond the whole profile everything touches.
        while self.press(high, profile)?.force < force {
            high += (high - low).max(1e-6);
        }
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if self.press(middle, profile)?.force < force {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.press(high, profile)
    }

    /// Presses a flat punch whose edge lies on the outer edge of ring `last` by 1 m; its force is the stiffness [N/m].
    ///
    /// # Errors
    /// The equations have no solution.
    pub fn punch(&self, last: usize) -> Result<Contact> {
        let edge = self.edges[last];
        // What is within the edge touches; a punch of this radius never lets go inside.
        let small = self.compliance.view((0, 0), (last + 1, last + 1)).into_owned();
        let solved = small
            .lu()
            .solve(&DVector::from_element(last + 1, 1.0))
            .ok_or_else(|| Error::simulation("a contact has no solution"))?;
        let mut pressure = vec![0.0; self.compliance.ncols()];
        pressure[..=last].copy_from_slice(solved.as_slice());
        let force = pressure.iter().zip(&self.areas).map(|(p, a)| p * a).sum();
        Ok(Contact { force, pressure, radius: edge })
    }
}
