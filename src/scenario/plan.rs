//! What a scenario means: every option decided, every number in SI units.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::sourced::Traits;
use crate::engine::grid::{Geometry, Layer};
use crate::engine::language::Model;
use crate::engine::stepper::Stepping;
use crate::scenario::estimate::Estimate;
use crate::scenario::expect::Expectation;
use crate::scenario::files::{ModelFile, ModelNumber};
use crate::skin::catalogue::{Cost, Overlay, Rules, Tissue};
use crate::skin::needling::{self, Needling, Single, Subject};
use crate::skin::protocol::Protocol;

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

    /// Who is needled.
    pub fn subject(&self) -> Subject<'_> {
        let (tissue, layers, traits) = (&*self.tissue, &*self.layers, &self.traits);
        Subject { tissue, layers, traits, age: self.age, seed: self.seed }
    }

    /// What session number `session` (from 0) does mechanically, with `strata` classes of depth.
    ///
    /// # Errors
    /// The plan has no needling; else as [`needling::treat`].
    pub fn needle(&self, session: usize, strata: usize) -> Result<Needling> {
        needling::treat(self.needled()?, &self.subject(), session, strata)
    }

    /// What every session does mechanically, with `strata` classes of depth.
    ///
    /// # Errors
    /// As [`Plan::needle`].
    pub fn needle_all(&self, strata: usize) -> Result<Vec<Needling>> {
        if self.sessions.is_empty() {
            return Ok(Vec::new());
        }
        needling::treat_all(self.needled()?, &self.subject(), self.sessions.len(), strata)
    }

    /// One strike on new skin, everything at its mean, on the grid.
    ///
    /// # Errors
    /// The plan has no needling; else as [`needling::single`].
    pub fn strike(&self) -> Result<Single> {
        needling::single(self.needled()?, &self.subject())
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
    pub numbers: Vec<ModelNumber>,
    /// What is allowed and perhaps not meant, in sentences: numbers outside the range that their file gives them, events that never
    /// happen.
    pub warnings: Vec<String>,
    /// What the scenario expects of its answer.
    pub expected: Vec<Expectation>,
    /// What the run will cost.
    pub estimate: Estimate,
}
