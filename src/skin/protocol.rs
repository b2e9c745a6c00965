//! How the skin is needled: what is meant, every choice made, in SI units.

use std::sync::Arc;

use crate::skin::catalogue::{Device, Mechanics, Operator};

/// How the skin is needled.
#[derive(Debug, Clone)]
pub struct Protocol {
    /// The device.
    pub device: Arc<Device>,
    /// Who holds it.
    pub operator: Arc<Operator>,
    /// Constants of needle mechanics.
    pub mechanics: Arc<Mechanics>,
    /// How the mechanics are computed.
    pub solver: Solver,
    /// Set length of the needles \[m\].
    pub length: f64,
    /// Strokes per second; `None` takes the device's own.
    pub frequency: Option<f64>,
    /// Speed of the device over the skin \[m/s\]; `None` takes the operator's own.
    pub glide: Option<f64>,
    /// Force on the device \[N\]; `None` takes the operator's own.
    pub press: Option<f64>,
    /// Treatments the needles have seen before the first session; `None` takes the device's own.
    pub wear: Option<f64>,
    /// Treated area \[m²\]; `None` takes the tissue's own.
    pub area: Option<f64>,
    /// Dose: how much needling a session is.
    pub dose: Dose,
}

/// How the mechanics of needles are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Solver {
    /// From a table of strikes on the grid.
    Surrogate,
    /// Every strike in time, on a finer grid.
    Grid,
    /// As a spring and a cutting needle, one number each.
    Lumped,
}

/// How much needling a session is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dose {
    /// The device's own dose, as its file states it.
    Device,
    /// Distinct holes per area \[1/m²\].
    Density(f64),
    /// Passes over each place.
    Passes(f64),
    /// Time on the skin per area \[s/m²\].
    Coverage(f64),
}
