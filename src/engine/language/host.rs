//! What a host adds to the language. Between steps a host may act on the medium; a model file says in a table of its own what
//! each act does to the fields, by numbers that the host hands over.

use crate::base::units::Dimension;

/// The acts of a host and the numbers that it hands over.
#[derive(Debug)]
pub struct Host {
    /// What it does.
    pub acts: &'static [Act],
    /// What it hands over, in the order of [`crate::engine::medium::Handed::values`].
    pub variables: &'static [Variable],
    /// Name and meaning of the time since it last acted, if rates may ask for that.
    pub since: Option<(&'static str, &'static str)>,
}

impl Host {
    /// Nobody acts.
    pub const NONE: Self = Self { acts: &[], variables: &[], since: None };
}

/// Something that a host does.
#[derive(Debug)]
pub struct Act {
    /// The table of a model file that says what it does to the fields, and its name in messages.
    pub table: &'static str,
    /// What it is called with an article, and close to a place.
    pub words: [&'static str; 2],
}

/// A number that a host hands over.
#[derive(Debug)]
pub struct Variable {
    /// Its name in a model file.
    pub name: &'static str,
    /// What it measures.
    pub dimension: Dimension,
    /// When there is one.
    pub when: When,
    /// Whether it may be negative.
    pub signed: bool,
    /// What it is where nothing was done, in SI units.
    pub untouched: f64,
    /// What it is, in words.
    pub what: &'static str,
}

/// When a variable has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// While this act is at work, the same for all cells.
    Once(usize),
    /// While this act is at work, one for each cell.
    Around(usize),
    /// As [`When::Around`]; of the nearest place at which it was, observables may ask later.
    Nearest(usize),
}

impl When {
    /// The act.
    pub fn act(self) -> usize {
        match self {
            Self::Once(act) | Self::Around(act) | Self::Nearest(act) => act,
        }
    }
}

/// A variable of a host in a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Own {
    /// Its place among the variables.
    pub index: usize,
    /// Whether each cell has its own.
    pub varies: bool,
    /// Whether it may be negative.
    pub signed: bool,
}

impl Host {
    /// A variable by its name.
    pub(super) fn variable(&self, name: &str) -> Option<(Own, &'static Variable)> {
        let index = self.variables.iter().position(|variable| variable.name == name)?;
        let variable = &self.variables[index];
        let varies = !matches!(variable.when, When::Once(_));
        Some((Own { index, varies, signed: variable.signed }, variable))
    }
}
