//! What is kept between evaluations of the right-hand side: what it depends on beside the fields, and room to compute in.

use crate::engine::stepper::transport::Outsides;
use crate::engine::stepper::{follow, sweep};

/// Everything but the fields that the right-hand side depends on at one state.
#[derive(Debug, Clone, Default)]
pub struct Closure {
    /// Quasi-steady fields.
    pub quasi: Vec<f64>,
    /// Column reductions.
    pub columns: Vec<f64>,
    /// State-dependent diffusivities and sensitivities, `[index][z][stride]`.
    pub spread: Vec<f64>,
    /// Conditions on the faces, for each mover.
    pub outsides: Vec<Outsides>,
    /// Time [s].
    pub time: f64,
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub struct Buffers {
    pub(super) values: Vec<f64>,
    pub(super) jacobian: Vec<f64>,
    pub(super) work: Vec<f64>,
    pub(super) registers: Vec<f64>,
    /// The same, for a second program beside the first.
    pub(super) more: Vec<f64>,
    /// What moves, the rows of a depth.
    pub(super) moved: Vec<f64>,
    pub(super) lines: sweep::LateralScratch,
    pub(super) tracks: follow::FollowScratch,
    pub(super) carried: Carried,
}

/// Rows of fluxes of one thread.
#[derive(Debug, Default)]
pub(super) struct Carried(pub(super) [Vec<f64>; 4]);
