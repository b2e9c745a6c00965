//! Numbers that know where they come from.
//!
//! Every number of a model file carries its value with a unit, the **source** it was taken from, the kind of **evidence**
//! behind it and the range in which it may lie. A number recalled from memory and not read again is `checked = false`; it
//! never counts as measured.
//!
//! What is chosen and not unknown says `drawn = false`: the definition of a state (healthy skin, a clean needle) or the weight of
//! a reading. Ensembles draw every other number within its range.
//!
//! A number may be multiplied by factors (`times`), each a plain number with its own source, as when smoking slows what a
//! constant describes; and by age it is read off a line between the ages that are given.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;

use crate::base::error::{Error, Result, Source, suggestion};
use crate::base::units::Quantity;

/// What a number rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Read off a measurement that the source reports.
    Measured,
    /// Computed from other numbers.
    Derived,
    /// Chosen so that the model meets observations.
    Tuned,
    /// Chosen without data.
    Assumed,
}

/// What is known of the person and the place: "sex" → "female", "fitzpatrick" → "III", "layer" → "papillary_dermis".
pub type Traits = BTreeMap<String, String>;

/// A number as it stands in a model file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenNumber {
    pub(crate) what: Option<String>,
    pub(crate) value: Spanned<toml::Value>,
    pub(crate) by: Option<Spanned<String>>,
    pub(crate) sd: Option<Spanned<toml::Value>>,
    pub(crate) evidence: Spanned<Evidence>,
    pub(crate) source: Spanned<String>,
    pub(crate) range: Option<Spanned<Vec<toml::Value>>>,
    pub(crate) checked: Option<bool>,
    pub(crate) drawn: Option<bool>,
    #[serde(default)]
    pub(crate) times: IndexMap<String, WrittenNumber>,
}

/// One value, or one for each alternative of a trait.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// The same for everybody and everywhere.
    One(Quantity),
    /// By a trait, as `by = "sex"` with values for `female` and `male`; or by several, as `by = "sex/method"` with values
    /// for `female/ultrasound`, `male/histology` … With `by = "age"` the keys are years, and between them the value lies on
    /// a straight line.
    By(String, IndexMap<String, Quantity>),
}

/// A number with its source, its evidence and its range. All values are in SI units.
#[derive(Debug, Clone)]
pub struct Sourced {
    /// What the number is, in words; may be empty.
    pub what: String,
    /// The value or values.
    pub value: Choice,
    /// The value as it was written, for reports.
    pub text: String,
    /// Standard deviation between persons or places.
    pub sd: Option<f64>,
    /// What it rests on.
    pub evidence: Evidence,
    /// Where it is from.
    pub source: String,
    /// The smallest and largest value it may have.
    pub range: Option<[f64; 2]>,
    /// Whether the source was read for this number, not recalled.
    pub checked: bool,
    /// Whether it is uncertain, so that ensembles may draw it within its range. A definition of a state and the weight of a
    /// reading are chosen, not unknown.
    pub drawn: bool,
    /// Factors by name; the number is their product with its value.
    pub times: IndexMap<String, Sourced>,
    /// Where it stands in its file.
    pub place: (Arc<Source>, Range<usize>),
}

/// The trait that is a number of years.
const AGE: &str = "age";

/// The value at `at` on straight lines between ascending points; beyond the ends that of the end.
fn between(points: &[(f64, f64)], at: f64) -> f64 {
    let after = points.partition_point(|(place, _)| *place <= at);
    match (after.checked_sub(1).map(|before| points[before]), points.get(after)) {
        (Some((left, low)), Some((right, high))) => low + (high - low) * (at - left) / (right - left),
        (Some((_, value)), None) => value,
        (None, Some((_, value))) => *value,
        (None, None) => f64::NAN,
    }
}

fn quantity(value: &toml::Value) -> Result<Quantity> {
    match value {
        toml::Value::String(text) => text.parse(),
        toml::Value::Integer(whole) => Ok(Quantity::number(*whole as f64)),
        toml::Value::Float(number) if number.is_finite() => Ok(Quantity::number(*number)),
        toml::Value::Float(_) => Err(Error::input("a number must be finite")),
        other => Err(Error::input(format!("a number is needed here, not {}", other.type_str()))
            .help("write a number, or a text with a unit such as \"1.5 mm\"")),
    }
}

impl WrittenNumber {
    /// Checks the number: finite, one dimension throughout, a source that says something, the value inside its range.
    ///
    /// # Errors
    /// Any of these fails; the message points at the line.
    pub fn check(self, source: &Arc<Source>) -> Result<Sourced> {
        let span = self.value.span();
        let at = |error: Error| error.at(source, span.clone());
        if self.source.get_ref().trim().is_empty() {
            return Err(source
                .refuse(self.source.span(), "the source is empty")
                .help("say where the number is from; for an assumption, say why this value"));
        }
        let value = match (self.by, self.value.get_ref()) {
            (Some(by), toml::Value::Table(table)) => {
                let values = table
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), quantity(value)?)))
                    .collect::<Result<IndexMap<_, _>>>()
                    .map_err(at)?;
                if values.is_empty() {
                    return Err(source.refuse(span, "a table of values needs at least one value"));
                }
                let parts = by.get_ref().split('/').count();
                if let Some(key) = values.keys().find(|key| key.split('/').count() != parts) {
                    return Err(source
                        .refuse(span, format!("`{key}` does not name one value for each of `{}`", by.get_ref()))
                        .help("with by = \"sex/method\" a key reads \"female/ultrasound\""));
                }
                if by.get_ref() == AGE {
                    let ages: Option<Vec<f64>> = values.keys().map(|key| key.parse().ok()).collect();
                    if !ages.is_some_and(|ages| ages.windows(2).all(|pair| pair[0] < pair[1])) {
                        return Err(source
                            .refuse(span, "ages are numbers of years, the youngest first")
                            .help("write value = { 20 = 1, 80 = 0.6 }"));
                    }
                }
                Choice::By(by.into_inner(), values)
            }
            (None, toml::Value::Table(_)) => {
                return Err(source
                    .refuse(span, "several values, but nothing says what chooses between them")
                    .help("add by = \"sex\", by = \"fitzpatrick\" or by = \"layer\""));
            }
            (Some(by), _) => {
                return Err(source
                    .refuse(by.span(), "`by` needs a table of values")
                    .help("write value = { female = \"1 mm\", male = \"1.2 mm\" }"));
            }
            (None, one) => Choice::One(quantity(one).map_err(at)?),
        };
        let values: Vec<Quantity> = match &value {
            Choice::One(one) => vec![*one],
            Choice::By(_, table) => table.values().copied().collect(),
        };
        let dimension = values[0].dimension;
        let same = |other: Quantity, span: Range<usize>, name: &str| {
            if other.dimension == dimension {
                return Ok(other.value);
            }
            Err(source.refuse(span, format!("the {name} is in {}, the value in {dimension}", other.dimension)))
        };
        for other in &values {
            same(*other, span.clone(), "alternative")?;
        }
        let sd = match self.sd {
            None => None,
            Some(written) => {
                let spread = quantity(written.get_ref()).map_err(|error| error.at(source, written.span()))?;
                let spread = same(spread, written.span(), "standard deviation")?;
                if spread < 0.0 {
                    return Err(source.refuse(written.span(), "a standard deviation cannot be negative"));
                }
                Some(spread)
            }
        };
        let range = match self.range {
            None => None,
            Some(written) => {
                let span = written.span();
                let ends = written
                    .get_ref()
                    .iter()
                    .map(|end| same(quantity(end)?, span.clone(), "range"))
                    .collect::<Result<Vec<f64>>>()
                    .map_err(|error| error.at(source, span.clone()))?;
                let [low, high] = ends[..] else {
                    return Err(source.refuse(span, "a range has two ends, the smallest and the largest value"));
                };
                if let Some(outside) = values.iter().find(|v| !(low..=high).contains(&v.value)) {
                    let message =
                        format!("the value {} lies outside its range {low} to {high} (SI units)", outside.value);
                    return Err(source.refuse(span, message));
                }
                Some([low, high])
            }
        };
        let mut times = IndexMap::new();
        for (name, factor) in self.times {
            let place = factor.value.span();
            let factor = factor.check(source)?;
            let low = factor.values().fold(f64::INFINITY, f64::min);
            if factor.dimension() != crate::base::units::Dimension::NONE || low < 0.0 {
                return Err(source.refuse(place, format!("the factor `{name}` is a plain number, not below zero")));
            }
            times.insert(name, factor);
        }
        let text = match self.value.get_ref() {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Ok(Sourced {
            what: self.what.unwrap_or_default(),
            value,
            text,
            sd,
            evidence: self.evidence.into_inner(),
            source: self.source.into_inner(),
            range,
            checked: self.checked.unwrap_or(true),
            drawn: self.drawn.unwrap_or(true),
            times,
            place: (source.clone(), span),
        })
    }
}

impl Sourced {
    /// The dimension, the same for all alternatives.
    pub fn dimension(&self) -> crate::base::units::Dimension {
        match &self.value {
            Choice::One(one) => one.dimension,
            Choice::By(_, table) => table.values().next().map(|q| q.dimension).unwrap_or_default(),
        }
    }

    /// All values it knows, in SI units, without factors.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let (one, table) = match &self.value {
            Choice::One(one) => (Some(one.value), None),
            Choice::By(_, table) => (None, Some(table)),
        };
        one.into_iter().chain(table.into_iter().flatten().map(|(_, quantity)| quantity.value))
    }

    /// The value in SI units for somebody with these traits, factors included.
    ///
    /// # Errors
    /// A trait that chooses is not among them, or has a value this number does not know.
    pub fn of(&self, traits: &Traits) -> Result<f64> {
        let mut value = self.alone(traits)?;
        for factor in self.times.values() {
            value *= factor.of(traits)?;
        }
        Ok(value)
    }

    /// The value in SI units without factors.
    ///
    /// # Errors
    /// As [`Sourced::of`].
    pub fn alone(&self, traits: &Traits) -> Result<f64> {
        match &self.value {
            Choice::One(one) => Ok(one.value),
            Choice::By(by, table) if by == AGE => {
                let (source, span) = &self.place;
                let age = traits.get(AGE).and_then(|age| age.trim().parse::<f64>().ok());
                let age = age.ok_or_else(|| source.refuse(span.clone(), "this number needs to know `age`"))?;
                let points = table.iter().filter_map(|(key, quantity)| Some((key.parse().ok()?, quantity.value)));
                Ok(between(&points.collect::<Vec<(f64, f64)>>(), age))
            }
            Choice::By(by, table) => {
                let (source, span) = &self.place;
                let mut chosen = String::new();
                for (number, name) in by.split('/').enumerate() {
                    let Some(value) = traits.get(name) else {
                        return Err(source.refuse(span.clone(), format!("this number needs to know `{name}`")));
                    };
                    if number > 0 {
                        chosen.push('/');
                    }
                    chosen.push_str(value);
                }
                table.get(&chosen).map(|q| q.value).ok_or_else(|| {
                    source
                        .refuse(span.clone(), format!("no value for {by} `{chosen}`"))
                        .help(suggestion(&chosen, table.keys().map(String::as_str)))
                })
            }
        }
    }

    /// The value in SI units, checked to measure what `unit` measures.
    ///
    /// # Errors
    /// As [`Sourced::of`], or the dimension is another.
    pub fn in_unit(&self, traits: &Traits, unit: &str) -> Result<f64> {
        let value = self.of(traits)?;
        Quantity { value, dimension: self.dimension() }
            .expect(unit)
            .map_err(|error| error.at(&self.place.0, self.place.1.clone()))
    }

    /// Whether this counts as a measurement: measured, and read rather than recalled.
    pub fn counts_as_measured(&self) -> bool {
        self.evidence == Evidence::Measured && self.checked
    }
}
/// How many numbers rest on what. `measured` counts only those that were read in their source: a number recalled from
/// memory is `unchecked`, whatever it is said to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// Read off a measurement.
    pub measured: usize,
    /// Computed from others.
    pub derived: usize,
    /// Chosen to meet observations.
    pub tuned: usize,
    /// Chosen without data.
    pub assumed: usize,
    /// Said to be measured, but recalled and not read again.
    pub unchecked: usize,
}
