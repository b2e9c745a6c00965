//! Observables and their record: what is looked at, when, and what was seen. Looking changes nothing.

use ndarray::Array3;

use crate::language::{Compiled, Input, Operand};
use crate::skin::{Skin, View, over_tissue};
use crate::units::Unit;

/// What is known of an observable besides its values.
#[derive(Debug, Clone)]
pub struct Heading {
    /// As in the model file.
    pub name: String,
    /// What it means, in words.
    pub what: String,
    /// The unit it is shown in.
    pub unit: Unit,
    /// The part of the answer it belongs to: "symptom", "grade", "gain", "risk", "state".
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
    /// Field names and values in their own units, `[z][y][x]`; surface fields have one z. In axisymmetric cells x is the
    /// radius and y the depth class.
    pub fields: Vec<(String, Unit, Array3<f64>)>,
    /// Holes of the sessions so far: lateral place and depth [m], for drawing channels.
    pub holes: Vec<[f64; 3]>,
}

/// Evaluates the observables of a model on a skin.
#[derive(Debug, Default)]
pub struct Observer {
    lateral: Vec<f64>,
    registers: Vec<f64>,
}

impl Observer {
    /// The observables of a skin, each in its own unit.
    pub fn look(&mut self, skin: &Skin) -> Vec<f64> {
        if self.lateral.len() != skin.layout.plane {
            self.lateral = skin.grid.lateral_weights();
        }
        let compiled: &Compiled = &skin.compiled;
        let view = skin.view();
        let reductions: Vec<f64> =
            compiled.reductions.iter().map(|r| over_tissue(r, &view, &self.lateral, &mut self.registers)).collect();
        let view = View { reductions: &reductions, ..view };
        let registers = &mut self.registers;
        compiled
            .observables
            .iter()
            .map(|observable| {
                let mut out = [0.0];
                view.run(&observable.value, 0, 0..1, &mut out, registers, &|input| match input {
                    // Observables combine reductions; a place of their own they do not have.
                    Input::X | Input::Y | Input::Depth => Some(Operand::Value(0.0)),
                    _ => None,
                });
                observable.unit.of(out[0])
            })
            .collect()
    }
}

impl Record {
    /// Records the observables now.
    pub fn observe(&mut self, observer: &mut Observer, skin: &Skin) {
        self.times.push(skin.time);
        self.values.push(observer.look(skin));
    }
}

impl Snapshot {
    /// Keeps the named fields of a skin, or all if none is named.
    pub fn of(skin: &Skin, wanted: &[String]) -> Self {
        let mut fields = skin.fields();
        fields.retain(|(name, ..)| wanted.is_empty() || wanted.contains(name));
        Self { time: skin.time, fields, holes: skin.holes.all.clone() }
    }
}
