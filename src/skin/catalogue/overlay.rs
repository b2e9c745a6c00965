//! What is laid over the models of a run: lesions, agents and traits of persons.
//!
//! Such a file has tables named after the kinds of model file (`tissue`, `response`, …). Their content is laid over the files
//! that the scenario uses ([`super::compose()`]) before anything is read from them, so what is absent costs nothing, and what
//! is present is checked like everything else. An agent says in `dose` when it is put on; a lesion with something that
//! needles can carry off says so in `carriage`.

use std::sync::Arc;

use serde::Deserialize;
use serde_spanned::Spanned;

use super::number::{Sign, checked, table};
use super::{CatalogueKind, stem};
use crate::base::error::{Result, Source, read_toml, suggestion};
use crate::base::sourced::{Sourced, WrittenNumber};

/// A lesion, an agent or a trait.
#[derive(Debug, Clone)]
pub struct Overlay {
    /// Name of the file without its ending.
    pub name: String,
    /// What it is, in a sentence.
    pub what: String,
    /// When it is put on; agents only.
    pub dose: Option<AgentDose>,
    /// What needles carry off; lesions only.
    pub carriage: Option<Carriage>,
    /// The text it was read from.
    pub source: Arc<Source>,
}

/// When an agent is put on, and how much.
#[derive(Debug, Clone)]
pub struct AgentDose {
    /// The signal it sets.
    pub signal: String,
    /// Whether times count from each session, or from the start of the run.
    pub each_session: bool,
    /// Time from there to the first application [s]; negative before it.
    pub after: Sourced,
    /// How long an application lasts [s].
    pub lasts: Sourced,
    /// Time from one application to the next [s], if there are several.
    pub every: Option<Sourced>,
    /// How many applications.
    pub count: Option<Sourced>,
    /// Value of the signal meanwhile, in its own unit.
    pub strength: Sourced,
}

table! {
    /// What needles that passed through a lesion carry along.
    Carriage from WrittenCarriage {
        /// Width of the lesion [m].
        diameter: "mm" Positive,
        /// Share of what a needle carries that it leaves in each hole.
        release: "1" Positive,
        /// Share of the load of a needle fresh from the lesion that suffices to start a new one in a hole.
        infective: "1" Positive,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOverlay {
    what: String,
    #[serde(default, rename = "source")]
    _source: Option<String>,
    #[serde(rename = "tissue")]
    _tissue: Option<toml::Table>,
    #[serde(rename = "device")]
    _device: Option<toml::Table>,
    #[serde(rename = "operator")]
    _operator: Option<toml::Table>,
    #[serde(rename = "mechanics")]
    _mechanics: Option<toml::Table>,
    #[serde(rename = "response")]
    _response: Option<toml::Table>,
    dose: Option<Spanned<WrittenAgentDose>>,
    carriage: Option<Spanned<WrittenCarriage>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAgentDose {
    signal: String,
    at: Spanned<String>,
    after: WrittenNumber,
    lasts: WrittenNumber,
    every: Option<WrittenNumber>,
    count: Option<WrittenNumber>,
    strength: WrittenNumber,
}

impl WrittenAgentDose {
    fn check(self, source: &Arc<Source>) -> Result<AgentDose> {
        const ANCHORS: [&str; 2] = ["session", "start"];
        if !ANCHORS.contains(&self.at.get_ref().as_str()) {
            return Err(source
                .refuse(self.at.span(), format!("a dose cannot count from `{}`", self.at.get_ref()))
                .help(suggestion(self.at.get_ref(), ANCHORS)));
        }
        Ok(AgentDose {
            signal: self.signal,
            each_session: self.at.get_ref() == "session",
            after: checked(self.after, source, "h", Sign::Either)?,
            lasts: checked(self.lasts, source, "h", Sign::Positive)?,
            every: self.every.map(|every| checked(every, source, "h", Sign::Positive)).transpose()?,
            count: self.count.map(|count| checked(count, source, "1", Sign::Positive)).transpose()?,
            strength: self.strength.check(source)?,
        })
    }
}

impl Overlay {
    /// Reads the file of a lesion, an agent or a trait. What it lays over other files is checked there.
    ///
    /// # Errors
    /// The text is not TOML, a key is unknown, or a number lacks its source or has another unit or sign.
    pub fn read(kind: CatalogueKind, source: &Arc<Source>) -> Result<Self> {
        let written: WrittenOverlay = read_toml(source)?;
        if let (Some(dose), false) = (&written.dose, kind == CatalogueKind::Agent) {
            return Err(source.refuse(dose.span(), "only an agent has a dose"));
        }
        if let (Some(carriage), false) = (&written.carriage, kind == CatalogueKind::Lesion) {
            return Err(source.refuse(carriage.span(), "only a lesion has something that needles carry off"));
        }
        let carriage = written.carriage.map(|carriage| carriage.into_inner().check(source)).transpose()?;
        let none = crate::base::sourced::Traits::new();
        for share in carriage.iter().flat_map(|carriage| [&carriage.release, &carriage.infective]) {
            if share.of(&none)? >= 1.0 {
                return Err(source.refuse(share.place.1.clone(), "this share is below one"));
            }
        }
        Ok(Self {
            name: stem(source),
            what: written.what,
            dose: written.dose.map(|dose| dose.into_inner().check(source)).transpose()?,
            carriage,
            source: source.clone(),
        })
    }
}
