//! The outcome of a run (interface; the main loop is being written).
use crate::grid::Shape;
use crate::needling::Needling;
use crate::observe::{Record, Snapshot};
use crate::scenario::Plan;
use serde::Serialize;
use std::sync::Arc;

/// Everything a run produced.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was asked.
    pub plan: Arc<Plan>,
    /// The grid, for coordinates of snapshots.
    pub shape: Shape,
    /// Time courses.
    pub record: Record,
    /// Time courses without needling.
    pub control: Record,
    /// Fields kept.
    pub snapshots: Vec<Snapshot>,
    /// What each session did mechanically.
    pub needling: Vec<Needling>,
    /// What it cost.
    pub cost: Cost,
}

/// What a run cost.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cost {
    /// Accepted steps.
    pub steps: u64,
    /// Rejected steps.
    pub rejected: u64,
    /// Threads used.
    pub threads: usize,
    /// Cells of the grid.
    pub cells: usize,
    /// Fields.
    pub fields: usize,
    /// Wall time in seconds by phase, as ("stepping", 3.2).
    pub seconds: Vec<(String, f64)>,
}

/// How far a run is, for a progress bar.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Simulated time [s].
    pub time: f64,
    /// End of the run [s].
    pub end: f64,
    /// Current step [s].
    pub step: f64,
}

/// Runs a plan. `watch` is told how far it is after every step and may stop it by returning false.
/// # Errors
/// The simulation cannot be carried on, or was stopped.
pub fn run(_plan: &Arc<Plan>, _watch: &mut dyn FnMut(Progress) -> bool) -> crate::error::Result<Outcome> {
    Err(crate::error::Error::simulation("not yet"))
}
