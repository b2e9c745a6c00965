//! Records (interface; the evaluation of observables is being written).
use crate::units::Unit;
use ndarray::Array3;

/// What is known of an observable besides its values.
#[derive(Debug, Clone)]
pub struct Heading {
    /// As in the model file.
    pub name: String,
    /// What it means, in words.
    pub what: String,
    /// The unit it is shown in.
    pub unit: Unit,
    /// The part of the answer it belongs to: "symptom", "gain", "risk", "state".
    pub group: String,
    /// Value at rest, in `unit`.
    pub rest: f64,
}

/// The time course of every observable.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// The observables.
    pub headings: Vec<Heading>,
    /// Times [s], ascending; a session appears twice, before and after.
    pub times: Vec<f64>,
    /// Values in the unit of the heading, `values[time][observable]`.
    pub values: Vec<Vec<f64>>,
    /// Times of sessions [s].
    pub sessions: Vec<f64>,
}

/// Fields kept at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Time [s].
    pub time: f64,
    /// Field names and values in their own units, `[z][y][x]`; surface fields have one z. In axisymmetric cells x is the radius and y the depth class.
    pub fields: Vec<(String, Unit, Array3<f64>)>,
    /// Holes of the sessions so far: lateral place and depth [m], for drawing channels.
    pub holes: Vec<[f64; 3]>,
}
