//! What a scenario means: every option decided, every number in SI units.

use std::sync::Arc;

pub use crate::grid::Geometry;

use crate::catalogue::{Cost, Device, Layer, Mechanics, Operator, Overlay, Rules, Tissue};
use crate::error::{Error, Result};
use crate::language::Model;
use crate::scenario::estimate::Estimate;
use crate::scenario::expect::Expectation;
use crate::scenario::files::{ModelFile, Number};
use crate::sourced::Traits;

/// A run, fully decided. Nobody past this point asks whether something was given.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Short name, that of the scenario file.
    pub name: String,
    /// The question in the user's words; may be empty.
    pub question: String,
    /// The response model.
    pub model: Arc<Model>,
    /// The skin.
    pub tissue: Arc<Tissue>,
    /// Layers for this person, from the surface down.
    pub layers: Vec<Layer>,
    /// The person.
    pub traits: Traits,
    /// Age of the person in years.
    pub age: f64,
    /// What is wrong with the skin; `None` if it is healthy.
    pub lesion: Option<Arc<Overlay>>,
    /// What is put on the skin.
    pub agents: Vec<Arc<Overlay>>,
    /// Rules that the protocol is measured by.
    pub rules: Vec<Arc<Rules>>,
    /// Prices.
    pub cost: Option<Arc<Cost>>,
    /// How the skin is needled; `None` for a control or a model without punctures.
    pub protocol: Option<Protocol>,
    /// The grid.
    pub geometry: Geometry,
    /// Multiplies the number of cells along each axis.
    pub resolution: f64,
    /// End of the run \[s\].
    pub end: f64,
    /// Times of sessions \[s\], ascending.
    pub sessions: Vec<f64>,
    /// Times at which observables are recorded \[s\], ascending; the start, each session and each event (just before it) and the
    /// end are among them.
    pub looks: Vec<f64>,
    /// Times at which fields are kept \[s\].
    pub snapshots: Vec<f64>,
    /// Fields kept in snapshots; empty for all.
    pub snapshot_fields: Vec<String>,
    /// Events of the model: time \[s\] and position among them, ascending.
    pub events: Vec<(f64, usize)>,
    /// Changes of signals: time \[s\], name, new value (SI).
    pub signals: Vec<(f64, String, f64)>,
    /// How time is stepped.
    pub stepping: Stepping,
    /// Steps after which a run is given up; `None` lets it take what it needs.
    pub most_steps: Option<u64>,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Where all this is from.
    pub origin: Origin,
}

impl Plan {
    /// How the skin is needled.
    ///
    /// # Errors
    /// It is not.
    pub fn needled(&self) -> Result<&Protocol> {
        self.protocol
            .as_ref()
            .ok_or_else(|| Error::input("this scenario needles nothing").help("add [needling] with a device"))
    }
}

/// What a plan was made of: for the run's folder, its manifest and its report.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The scenario with every option decided. It names the model files by their copies beside it
    /// ([`ModelFile::path`]); run again from there it gives the same run.
    pub scenario: String,
    /// The model files used.
    pub files: Vec<ModelFile>,
    /// Every number of those files, changed ones as changed.
    pub numbers: Vec<Number>,
    /// What is allowed and perhaps not meant, in sentences: numbers outside the range that their file gives them, events that never
    /// happen.
    pub warnings: Vec<String>,
    /// What the scenario expects of its answer.
    pub expected: Vec<Expectation>,
    /// What the run will cost.
    pub estimate: Estimate,
}

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

/// How time is stepped.
#[derive(Debug, Clone, PartialEq)]
pub struct Stepping {
    /// Which method.
    pub method: Method,
    /// Relative error that a short step may make; of a long one less is allowed (`stepper::implicit`).
    pub tolerance: f64,
    /// Absolute part of the error, relative to the size that a field has had (`stepper::judge`).
    pub absolute: f64,
    /// Longest step \[s\].
    pub longest: f64,
    /// A fixed step \[s\] instead of an adaptive one.
    pub fixed: Option<f64>,
}

/// A method of stepping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Implicit, adaptive, the default.
    Implicit,
    /// Explicit with as many stages as stability demands, adaptive: for what is hardly stiff.
    Explicit,
    /// Explicit Euler with fixed steps and without control: for comparisons of kernels, and no choice of a scenario.
    Euler,
}
