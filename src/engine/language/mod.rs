//! The model language: response models are files, and this module turns them into programs.
//!
//! A **response model** is a TOML file with constants, fields, processes, effects and observables. [`Model::read`] checks it:
//! names, units through every expression, cycles, and that fields which are not declared signed stay non-negative.
//! [`Model::compile`] makes it ready for one medium and one person: for each layer a [`Program`] for the net rates
//!
//! ∂u/∂t = ∇·(D∇u − χu∇s) + Σ gives − Σ takes,
//!
//! and one for the entries of their Jacobian, found by symbolic differentiation. Programs compute blocks of cells.
//!
//! The steps, a file each: `file` and `read` (the form of the file), `syntax` (expressions), `names`,
//! `measure` and `check` (what names mean and measure), `clock` (what depends on time alone), `graph`, `derivative`, `limit` and `interval`
//! (expressions as mathematics), `host` (who acts between steps), `turns` (where their conditions do), `positivity`, `lower`, `place` and `compile` (a model for a medium),
//! `program` and `kernel` (instructions, and the loop that runs them), `native`, `translate` and `assembler` (the same as machine code), `bound` (either with its inputs), `update` (a whole explicit step as a program), `explain` and `latex`.

#[cfg(target_arch = "x86_64")]
mod assembler;
mod bound;
mod check;
mod clock;
mod compile;
mod compiled;
mod derivative;
mod explain;
mod file;
mod formula;
mod graph;
mod host;
mod interval;
mod kernel;
mod latex;
mod limit;
mod lower;
mod measure;
mod model;
mod names;
#[cfg(target_arch = "x86_64")]
mod native;
mod place;
mod positivity;
mod program;
mod read;
mod syntax;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod translate;
mod turns;
mod update;

/// The column of time [d] in tables of observables.
pub const TIME_COLUMN: &str = "time_d";

pub use bound::BoundProgram;
pub use clock::Clock;
pub use compiled::*;
pub use formula::{Argument, Formula, FormulaScope};
pub use host::{Act, Host, Own, Variable, When};
pub use kernel::{Operand, Operands};
pub use model::*;
pub use program::Program;
pub use syntax::Expression;
pub use turns::Turns;
pub use update::{AROUND, StageInput, stage, update};

use crate::base::sourced::Traits;

/// A layer of the medium the model is compiled for.
#[derive(Debug, Clone)]
pub struct LayerName {
    /// As in the file of the medium.
    pub name: String,
    /// Groups it belongs to, as "soil".
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
