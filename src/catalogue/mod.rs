//! Catalogue (interface; being written).
use crate::error::Result;
use crate::sourced::{Sourced, Traits};

/// A tissue site (interface; more is being written).
#[derive(Debug, Clone)]
pub struct Tissue {
    /// Name of the file without its ending.
    pub name: String,
}

/// A layer of a tissue for one person.
#[derive(Debug, Clone)]
pub struct Layer {
    /// As in the tissue file, as "papillary_dermis".
    pub name: String,
    /// Groups it belongs to, as "dermis", "epidermis".
    pub groups: Vec<String>,
    /// Depth of its upper boundary [m].
    pub top: f64,
    /// Depth of its lower boundary [m].
    pub bottom: f64,
    /// Wanted spacing of the grid at the top and the bottom of the layer at resolution 1 [m].
    pub spacing: [f64; 2],
}

impl Tissue {
    /// The layers from the surface down for a person.
    /// # Errors
    /// A number is not known for this person.
    pub fn layers(&self, _traits: &Traits) -> Result<Vec<Layer>> {
        Ok(Vec::new())
    }
}

/// A device (interface).
#[derive(Debug, Clone)]
pub struct Device {
    /// Name of the file without its ending.
    pub name: String,
    #[allow(missing_docs)]
    pub placeholder: Option<Sourced>,
}

/// An operator (interface).
#[derive(Debug, Clone)]
pub struct Operator {
    /// Name of the file without its ending.
    pub name: String,
}
