//! The model language: response models are files, and this module turns them into programs.
//!
//! A **response model** is a TOML file with constants, fields, processes, effects and observables. [`Model::read`] checks it:
//! names, units through every expression, cycles, and that fields which are not declared signed stay non-negative.
//! [`Model::compile`] makes it ready for one tissue and one person: for each layer a [`Program`] for the net rates
//!
//! ∂u/∂t = ∇·(D∇u − χu∇s) + Σ gives − Σ takes,
//!
//! and one for the entries of their Jacobian, found by symbolic differentiation. Programs compute blocks of cells.
//!
//! The steps, a file each: [`mod@file`] and [`mod@read`] (the form of the file), [`mod@syntax`] (expressions), [`mod@names`],
//! [`mod@measure`] and [`mod@check`] (what names mean and measure), [`mod@graph`], [`mod@derivative`] and [`mod@interval`]
//! (expressions as mathematics), [`mod@positivity`], [`mod@lower`] and [`mod@compile`] (a model for a tissue),
//! [`mod@program`] and [`mod@kernel`] (instructions, and the loop that runs them), [`mod@explain`].

mod check;
mod compile;
mod compiled;
mod derivative;
mod explain;
mod file;
mod graph;
mod interval;
mod kernel;
mod latex;
mod lower;
mod measure;
mod model;
mod names;
mod positivity;
mod program;
mod read;
mod syntax;
#[cfg(test)]
mod tests;

pub use compiled::*;
pub use kernel::Operand;
pub use model::*;
pub use program::{MAX_INPUTS, Program};
pub use syntax::Expression;

use crate::sourced::Traits;

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
