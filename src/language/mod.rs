//! The model language (interface; the implementation is being written).
mod compiled;
pub use compiled::*;

use crate::error::{Result, Source};
use crate::sourced::Traits;
use std::sync::Arc;

/// Most inputs a program may have.
pub const MAX_INPUTS: usize = 256;

/// A compiled expression program. Values are computed over blocks of cells.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// What it reads, in the order in which [`Program::run`] is handed the values.
    pub inputs: Vec<Input>,
    /// How many values it computes for each cell.
    pub outputs: usize,
}

/// The values of one input for a block of cells.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// One value for each cell.
    Block(&'a [f64]),
    /// The same value for all cells.
    Value(f64),
}

impl Program {
    /// Computes `length` cells; output k of cell i goes to `out[k * length + i]`.
    pub fn run(&self, _inputs: &[Operand<'_>], _length: usize, _out: &mut [f64], _scratch: &mut Vec<f64>) {}
}

/// A parsed and checked response model.
#[derive(Debug, Clone)]
pub struct Model {
    /// Observables.
    pub observables: indexmap::IndexMap<String, ObservableText>,
    /// Its name.
    pub name: String,
}

/// A layer of the tissue the model is compiled for.
#[derive(Debug, Clone)]
pub struct LayerName {
    /// As in the tissue file.
    pub name: String,
    /// Groups it belongs to, as "dermis".
    pub groups: Vec<String>,
}

/// What a model is compiled for.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The layers from the surface down.
    pub layers: Vec<LayerName>,
    /// The person.
    pub traits: Traits,
}

impl Model {
    /// Reads and checks a model file.
    /// # Errors
    /// Anything wrong in the file, with its line.
    pub fn read(_source: &Arc<Source>) -> Result<Self> {
        Ok(Self { name: String::new(), observables: Default::default() })
    }
    /// Compiles the model for a tissue and a person.
    /// # Errors
    /// A number lacks the value for this person or layer.
    pub fn compile(&self, _setting: &Setting) -> Result<Compiled> {
        Err(crate::error::Error::input("not yet"))
    }
}

/// An observable as declared.
#[derive(Debug, Clone)]
pub struct ObservableText {
    /// What it means.
    pub what: String,
    /// "gain", "symptom", "risk" or "state".
    pub group: String,
}
