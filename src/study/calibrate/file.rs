//! The file of a calibration: which constants, which observations, how hard to search.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::base::error::{Error, Result, Source, read_toml, suggestion};
use crate::base::sourced::Choice;
use crate::base::units::{self, Unit};
use crate::engine::language::{Definition, Model};
use crate::scenario::Change;
use crate::skin::catalogue::{self, CatalogueKind};
use crate::study::evidence::{self, Observation, Split};

/// A calibration file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCalibration {
    name: Spanned<String>,
    #[serde(default)]
    what: String,
    #[serde(default = "usual_model")]
    response: Spanned<String>,
    constants: Vec<Spanned<String>>,
    observations: IndexMap<Spanned<String>, Spanned<f64>>,
    #[serde(default = "usual_iterations")]
    iterations: Spanned<u64>,
    #[serde(default = "usual_prior")]
    prior: Spanned<f64>,
    #[serde(default = "usual_step")]
    step: Spanned<f64>,
}

fn usual_model() -> Spanned<String> {
    Spanned::new(0..0, "default".into())
}

fn usual_iterations() -> Spanned<u64> {
    Spanned::new(0..0, 10)
}

fn usual_prior() -> Spanned<f64> {
    Spanned::new(0..0, 0.25)
}

fn usual_step() -> Spanned<f64> {
    Spanned::new(0..0, 0.2)
}

/// A constant that is to be chosen.
#[derive(Debug, Clone)]
pub struct FreeConstant {
    /// Its name in the response model.
    pub name: String,
    /// Value it has now \[its unit\].
    pub start: f64,
    /// Range in which it stays \[its unit\].
    pub range: [f64; 2],
    /// Its unit as the file writes it.
    pub unit: Unit,
}

impl FreeConstant {
    /// σ, a quarter of the logarithm of the range.
    pub fn sigma(&self) -> f64 {
        0.25 * (self.range[1] / self.range[0]).ln()
    }

    /// The value at z, to four digits that count.
    pub fn value(&self, z: f64) -> f64 {
        let value = (self.start.ln() + z * self.sigma()).exp().clamp(self.range[0], self.range[1]);
        format!("{value:.3e}").parse().unwrap_or(value)
    }

    /// The value as a model file writes it.
    pub fn text(&self, value: f64) -> String {
        if self.unit.text == "1" { format!("{value}") } else { format!("{value} {}", self.unit) }
    }

    /// The change that puts a value into the model of every scenario.
    ///
    /// # Errors
    /// Never for a finite value.
    pub fn change(&self, value: f64) -> Result<Change> {
        Change::parse(&format!("response.constant.{}.value={:?}", self.name, self.text(value)))
    }
}

/// What is to be fitted to what.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// Short name; the fitted model is called so.
    pub name: String,
    /// What it is, in words.
    pub what: String,
    /// Name or path of the response model.
    pub response: String,
    /// The text of that model.
    pub model: Arc<Source>,
    /// The constants.
    pub constants: Vec<FreeConstant>,
    /// Ids and weights of the observations.
    pub observations: Vec<(String, f64)>,
    /// Most steps of the search.
    pub iterations: u64,
    /// λ.
    pub prior: f64,
    /// Step of the differences, in σ.
    pub step: f64,
    /// Changes made to every scenario before the constants.
    pub changes: Vec<Change>,
}

/// Refuses observations that are set aside: they judge what was tuned, and may not tune it.
fn untouched(source: &Arc<Source>, named: &IndexMap<Spanned<String>, Spanned<f64>>) -> Result<()> {
    let ids: Vec<String> = named.keys().map(|id| id.get_ref().clone()).collect();
    for one in evidence::chosen(&ids, &[])? {
        if one.split == Split::SetAside
            && let Some(id) = named.keys().find(|id| id.get_ref().eq_ignore_ascii_case(&one.id))
        {
            let message = format!("observation `{}` is set aside, and nothing may be tuned to it", one.id);
            return Err(source.refuse(id.span(), message).help("name one that is not; `dermasim evidence` lists them"));
        }
    }
    Ok(())
}

impl Calibration {
    /// Reads a calibration file; `changes` are made to every scenario.
    ///
    /// # Errors
    /// The file makes no sense, or names a constant or an observation that is not there or cannot be fitted.
    pub fn read(source: &Arc<Source>, folder: &std::path::Path, changes: Vec<Change>) -> Result<Self> {
        let written: WrittenCalibration = read_toml(source)?;
        let plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
        if !plain(written.name.get_ref()) {
            return Err(source.refuse(written.name.span(), "a name has letters, digits, _ and - only"));
        }
        let response = written.response.get_ref();
        let model = catalogue::find(CatalogueKind::Response, response, Some(folder))
            .map_err(|error| error.at(source, written.response.span()))?;
        let parsed = crate::skin::model(&model)?;
        let constants = written
            .constants
            .iter()
            .map(|name| constant(&parsed, name.get_ref()).map_err(|error| error.at(source, name.span())))
            .collect::<Result<Vec<_>>>()?;
        let known = evidence::ids()?;
        for (id, weight) in &written.observations {
            if !known.contains(id.get_ref()) {
                return Err(source
                    .refuse(id.span(), format!("there is no observation `{}`", id.get_ref()))
                    .help(suggestion(id.get_ref(), known.iter().map(String::as_str))));
            }
            positive(source, weight, "a weight")?;
        }
        untouched(source, &written.observations)?;
        if constants.is_empty() || written.observations.is_empty() {
            return Err(source.refuse(0..0, "a calibration needs constants and observations"));
        }
        positive(source, &written.prior, "the prior")?;
        positive(source, &written.step, "the step")?;
        if !(1..=200).contains(written.iterations.get_ref()) {
            return Err(source.refuse(written.iterations.span(), "`iterations` is a whole number from 1 to 200"));
        }
        let observations = written.observations.iter().map(|(id, w)| (id.get_ref().clone(), *w.get_ref())).collect();
        Ok(Self {
            name: written.name.into_inner(),
            what: written.what,
            response: response.clone(),
            model,
            constants,
            observations,
            iterations: written.iterations.into_inner(),
            prior: written.prior.into_inner(),
            step: written.step.into_inner(),
            changes,
        })
    }

    /// The observations with the constants at z.
    ///
    /// # Errors
    /// A scenario makes no sense with these constants.
    pub fn observations(&self, z: &[f64]) -> Result<Vec<Observation>> {
        let ids: Vec<String> = self.observations.iter().map(|(id, _)| id.clone()).collect();
        let mut changes = self.changes.clone();
        if self.response != "default" {
            changes.push(Change::parse(&format!("response={:?}", self.response))?);
        }
        for (constant, z) in self.constants.iter().zip(z) {
            changes.push(constant.change(constant.value(*z))?);
        }
        evidence::chosen(&ids, &changes)
    }

    /// The weight of an observation.
    pub fn weight(&self, id: &str) -> f64 {
        self.observations.iter().find(|(own, _)| own == id).map_or(0.0, |(_, weight)| *weight)
    }
}

fn positive(source: &Arc<Source>, number: &Spanned<f64>, what: &str) -> Result<()> {
    let value = *number.get_ref();
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(source.refuse(number.span(), format!("{what} is a number above zero, not {value}")))
}

/// A constant of the model that can be fitted: one number with a range above zero.
fn constant(model: &Model, name: &str) -> Result<FreeConstant> {
    let Some(constant) = model.constants.get(name) else {
        return Err(Error::input(format!("the model has no constant `{name}`"))
            .help(suggestion(name, model.constants.keys().map(String::as_str).collect::<Vec<_>>())));
    };
    let Definition::Number(number) = &constant.definition else {
        return Err(Error::input(format!("`{name}` is computed from other constants")).help("fit those"));
    };
    let (Choice::One(one), Some(range)) = (&number.value, number.range) else {
        return Err(Error::input(format!("`{name}` has several values or no range"))
            .help("a constant that is fitted has one value and a range"));
    };
    if range[0] <= 0.0 || one.value <= 0.0 {
        return Err(Error::input(format!("the range of `{name}` reaches zero, its logarithm cannot be fitted")));
    }
    let unit = unit_of(&number.text)?;
    let of = |si: f64| unit.of(si);
    Ok(FreeConstant {
        name: name.to_owned(),
        start: of(one.value),
        range: [of(range[0]), of(range[1])],
        unit: unit.clone(),
    })
}

/// The unit behind a number as written, "1" if there is none.
fn unit_of(text: &str) -> Result<Unit> {
    match units::split(text.trim().trim_matches(['"', '\'']))?.1 {
        "" => Ok(Unit::one()),
        unit => unit.parse(),
    }
}
