//! One claim, read from its file and checked without running anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::base::error::{Error, Result, Source, read_toml, suggestion};
use crate::base::folder::name::names;
use crate::base::units::{Dimension, Quantity, Unit};
use crate::engine::language::{Argument, Formula, FormulaScope};
use crate::scenario::Change;
use crate::study::claims::words;
use crate::study::evidence::file::{Variations, look, measures, one, reading, runs, scenario};
use crate::study::evidence::reading::ReadingEvaluator;
use crate::study::evidence::{self, Observation, Run};

/// The file apart from the scenario in it.
#[derive(Debug, Deserialize)]
struct ClaimFile {
    claim: WrittenClaim,
}

/// The table `[claim]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClaim {
    id: Spanned<String>,
    statement: String,
    #[serde(default)]
    observations: Vec<Spanned<String>>,
    #[serde(default)]
    given: Vec<Spanned<String>>,
    #[serde(default)]
    limits: String,
    answer: Spanned<String>,
    #[serde(default)]
    runs: Variations,
    reading: IndexMap<Spanned<String>, WrittenReading>,
    part: IndexMap<Spanned<String>, WrittenPart>,
    #[serde(default)]
    panel: Vec<Spanned<WrittenPanel>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReading {
    what: String,
    value: Spanned<String>,
    #[serde(default = "one")]
    unit: Spanned<String>,
    #[serde(default)]
    shown: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPart {
    what: String,
    holds: Option<Spanned<String>>,
    outside: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPanel {
    title: String,
    course: Option<Spanned<String>>,
    until: Option<Spanned<String>>,
    readings: Option<Vec<Spanned<String>>>,
    value: Option<Spanned<String>>,
    #[serde(default = "one")]
    unit: Spanned<String>,
    across: Option<Spanned<String>>,
    #[serde(default = "one")]
    across_unit: Spanned<String>,
    #[serde(default)]
    across_what: String,
    runs: Option<Vec<Spanned<String>>>,
}

/// A number that is read off the runs.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its name.
    pub name: String,
    /// What is read, in words.
    pub what: String,
    /// How.
    pub formula: Formula,
    /// The unit in which it is told.
    pub unit: Unit,
    /// What is written behind the number: the unit, or a word such as a currency.
    pub shown: String,
}

/// A part of a statement.
#[derive(Debug, Clone)]
pub struct StatementPart {
    /// Its name.
    pub name: String,
    /// The part, in words.
    pub what: String,
    /// When it holds, as a condition on readings; or why the model cannot tell.
    pub holds: std::result::Result<Formula, String>,
}

/// Something to draw.
#[derive(Debug, Clone)]
pub struct ClaimPanel {
    /// Its title.
    pub title: String,
    /// What is drawn.
    pub look: Look,
    /// Runs that are drawn, by their places.
    pub runs: Vec<usize>,
}

/// What a panel shows.
#[derive(Debug, Clone)]
pub enum Look {
    /// An observable in time, until a moment \[s\]: a line for each run.
    Course(String, f64),
    /// Readings side by side, by their places.
    Readings(Vec<usize>),
    /// A reading of each run across another: value and its unit, across and its unit, and what that is in words.
    Across(Box<[(Formula, Unit); 2]>, String),
}

/// A claim.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Name of its file.
    pub name: String,
    /// Short name, as "C15".
    pub id: String,
    /// What people say.
    pub statement: String,
    /// Observations that bear on it.
    pub observations: Vec<String>,
    /// Observations that a sample must meet to count.
    pub given: Vec<Observation>,
    /// What to keep in mind; may be empty.
    pub limits: String,
    /// The answer as a template.
    pub answer: String,
    /// What is run.
    pub runs: Vec<Run>,
    /// What is read.
    pub readings: Vec<Reading>,
    /// What the statement says.
    pub parts: Vec<StatementPart>,
    /// What is drawn.
    pub panels: Vec<ClaimPanel>,
    /// Observables that are read and whose definition is assumed.
    pub heuristics: Vec<String>,
    /// Changes made to the scenario from outside.
    pub changes: Vec<String>,
}

/// Names are readings; functions read runs, if there are any.
pub(super) struct Named<'a> {
    pub reader: Option<&'a ReadingEvaluator<'a>>,
    pub known: &'a IndexMap<String, Quantity>,
}

impl FormulaScope for Named<'_> {
    fn name(&self, name: &str) -> Result<Quantity> {
        self.known.get(name).copied().ok_or_else(|| {
            Error::input(format!("there is no reading `{name}` before this"))
                .help(suggestion(name, self.known.keys().map(String::as_str)))
        })
    }

    fn call(&self, function: &str, arguments: &[Argument<'_>]) -> Result<Quantity> {
        match self.reader {
            Some(reader) => reader.call(function, arguments),
            None => Err(Error::input(format!("`{function}` cannot be used here"))
                .help("read it under [claim.reading.NAME] and use the name")),
        }
    }
}

impl Claim {
    /// Reads a claim; `changes` are made to its scenario before those of its runs.
    ///
    /// # Errors
    /// The scenario or the table makes no sense, a reading asks for what is not there, or there are no samples.
    pub fn read(source: &Arc<Source>, changes: &[Change]) -> Result<Self> {
        let ClaimFile { claim: written } = read_toml(source)?;
        names(source, "a claim", [&written.id])?;
        names(source, "a reading", written.reading.keys())?;
        names(source, "a part", written.part.keys())?;
        if let Some(name) = written.reading.keys().find(|name| ["sample", "holds"].contains(&name.get_ref().as_str())) {
            let message =
                format!("`{}` is a column of the table of samples, and no reading can be called so", name.get_ref());
            return Err(source.refuse(name.span(), message).help("call the reading otherwise"));
        }
        let scenario = scenario(source, changes);
        let mut runs = runs(source, &scenario, &written.runs)?;
        let readings = written
            .reading
            .iter()
            .map(|(name, own)| {
                let (formula, unit) = reading(source, &own.value, &own.unit)?;
                let shown =
                    if own.shown.is_empty() { crate::base::typeset::unit(&unit.text) } else { own.shown.clone() };
                Ok(Reading { name: name.get_ref().clone(), what: own.what.clone(), formula, unit, shown })
            })
            .collect::<Result<Vec<_>>>()?;
        let parts = written
            .part
            .iter()
            .map(|(name, own)| StatementPart::read(source, name, own))
            .collect::<Result<Vec<_>>>()?;
        if parts.is_empty() {
            return Err(source
                .refuse(0..0, "the claim has no parts, so nothing decides it")
                .help("add [claim.part.NAME] with what and holds"));
        }
        let observables = look(source, &mut runs, &|reader| dry(source, &readings, &parts, reader))?;
        let panels = written
            .panel
            .iter()
            .map(|panel| ClaimPanel::read(source, panel, &runs, &readings))
            .collect::<Result<Vec<_>>>()?;
        look(source, &mut runs, &|reader| panels.iter().try_for_each(|panel| panel.dry(source, reader)))?;
        let named: Vec<_> = readings.iter().map(|own| (own.name.as_str(), own.shown.as_str())).collect();
        let of_parts: Vec<_> = parts.iter().map(|own| own.name.as_str()).collect();
        words::check(source, &written.answer, &named, &of_parts)?;
        let known = evidence::ids()?;
        for id in written.observations.iter().chain(&written.given) {
            if !known.iter().any(|own| own == id.get_ref()) {
                return Err(source
                    .refuse(id.span(), format!("there is no observation `{}`", id.get_ref()))
                    .help(suggestion(id.get_ref(), known.iter().map(String::as_str))));
            }
        }
        let heuristics = heuristics(&runs, &observables);
        let observations = written.observations.into_iter().map(Spanned::into_inner).collect();
        let given: Vec<String> = written.given.into_iter().map(Spanned::into_inner).collect();
        let given = match given.is_empty() {
            true => Vec::new(),
            false => evidence::chosen(&given, &[changes, &ensemble(source)?].concat())?,
        };
        let WrittenClaim { id, statement, limits, answer, .. } = written;
        let changes = changes.iter().map(Change::shown).collect();
        let (name, answer) = (scenario.name, answer.into_inner());
        Ok(Self {
            name,
            id: id.into_inner(),
            statement,
            observations,
            given,
            limits,
            answer,
            runs,
            readings,
            parts,
            panels,
            heuristics,
            changes,
        })
    }

    /// Where its file lies, from the project's folder.
    pub fn path(&self) -> PathBuf {
        Path::new("scenarios/claims").join(format!("{}.toml", self.name))
    }
}

/// The tables of a scenario that give it samples, as changes to another.
fn ensemble(source: &Arc<Source>) -> Result<Vec<Change>> {
    let all: toml::Table = read_toml(source)?;
    let tables = ["population", "uncertainty"].into_iter().filter_map(|name| Some((name, all.get(name)?.as_table()?)));
    let changes =
        tables.flat_map(|(name, table)| table.iter().map(move |(key, value)| format!("{name}.{key}={value}")));
    changes.map(|change| Change::parse(&change)).collect()
}

/// Evaluates readings and parts where every number is one.
fn dry(
    source: &Arc<Source>,
    readings: &[Reading],
    parts: &[StatementPart],
    reader: &ReadingEvaluator<'_>,
) -> Result<()> {
    let mut known = IndexMap::new();
    for own in readings {
        let value = measures(source, &own.formula, &own.unit, &Named { reader: Some(reader), known: &known })?;
        if known.insert(own.name.clone(), value).is_some() {
            return Err(source.refuse(own.formula.span(), format!("two readings are called `{}`", own.name)));
        }
    }
    for formula in parts.iter().filter_map(|part| part.holds.as_ref().ok()) {
        measures(source, formula, &Unit::one(), &Named { reader: None, known: &known })?;
    }
    Ok(())
}

/// Those observables whose definition is assumed in a run that has them.
fn heuristics(runs: &[Run], observables: &BTreeSet<String>) -> Vec<String> {
    let assumed = |name: &&String| {
        let mut definitions = runs.iter().filter_map(|run| run.plan.model.observables.get(name.as_str()));
        definitions.any(|own| own.evidence == Some(crate::base::sourced::Evidence::Assumed))
    };
    observables.iter().filter(assumed).cloned().collect()
}

impl StatementPart {
    fn read(source: &Arc<Source>, name: &Spanned<String>, own: &WrittenPart) -> Result<Self> {
        let holds = match (&own.holds, &own.outside) {
            (Some(holds), None) => Ok(Formula::read(source, holds.span(), holds.get_ref())?),
            (None, Some(why)) => Err(why.clone()),
            _ => {
                return Err(source
                    .refuse(name.span(), "a part either holds under a condition or is outside the model")
                    .help("write holds = \"reading > 1\", or outside = \"why\""));
            }
        };
        Ok(Self { name: name.get_ref().clone(), what: own.what.clone(), holds })
    }
}

impl ClaimPanel {
    fn read(source: &Arc<Source>, written: &Spanned<WrittenPanel>, all: &[Run], readings: &[Reading]) -> Result<Self> {
        let own = written.get_ref();
        let place = |names: &[Spanned<String>], known: Vec<&str>, what: &str| {
            let find = |name: &Spanned<String>| {
                known.iter().position(|own| *own == name.get_ref()).ok_or_else(|| {
                    source
                        .refuse(name.span(), format!("there is no {what} `{}`", name.get_ref()))
                        .help(suggestion(name.get_ref(), known.iter().copied()))
                })
            };
            names.iter().map(find).collect::<Result<Vec<usize>>>()
        };
        let runs = match &own.runs {
            Some(names) => place(names, all.iter().map(|run| run.name.as_str()).collect(), "run")?,
            None => (0..all.len()).collect(),
        };
        let look = match (&own.course, &own.readings, &own.value, &own.across) {
            (Some(course), None, None, None) => {
                for known in runs.iter().map(|run| &all[*run].plan.model.observables) {
                    if !known.contains_key(course.get_ref()) {
                        return Err(source
                            .refuse(course.span(), format!("the model has no observable `{}`", course.get_ref()))
                            .help(suggestion(course.get_ref(), known.keys().map(String::as_str))));
                    }
                }
                let end = runs.iter().map(|run| all[*run].plan.end).fold(0.0, f64::max);
                let until = own.until.as_ref().map(|text| {
                    let at = |error: Error| error.at(source, text.span());
                    text.get_ref().parse::<Quantity>().and_then(|quantity| quantity.expect("d")).map_err(at)
                });
                Look::Course(course.get_ref().clone(), until.transpose()?.unwrap_or(end).min(end))
            }
            (None, Some(names), None, None) => {
                let places = place(names, readings.iter().map(|own| own.name.as_str()).collect(), "reading")?;
                let first = places.first().map(|index| readings[*index].unit.dimension);
                if places.is_empty() || places.iter().any(|index| Some(readings[*index].unit.dimension) != first) {
                    return Err(source.refuse(written.span(), "readings side by side measure the same"));
                }
                Look::Readings(places)
            }
            (None, None, Some(value), Some(across)) => {
                let pair = [reading(source, value, &own.unit)?, reading(source, across, &own.across_unit)?];
                Look::Across(Box::new(pair), own.across_what.clone())
            }
            _ => {
                return Err(source
                    .refuse(written.span(), "this panel does not say what it shows")
                    .help("write course = …, or readings = […], or value = … and across = …"));
            }
        };
        Ok(Self { title: own.title.clone(), look, runs })
    }

    /// Evaluates what it draws where every number is one.
    fn dry(&self, source: &Arc<Source>, reader: &ReadingEvaluator<'_>) -> Result<()> {
        match &self.look {
            Look::Readings(_) => Ok(()),
            Look::Course(..) => {
                self.runs.iter().for_each(|run| reader.followed(*run));
                Ok(())
            }
            Look::Across(pair, _) => self.runs.iter().try_for_each(|run| {
                pair.iter().try_for_each(|(formula, unit)| {
                    let none = IndexMap::new();
                    reader.in_run(*run, || {
                        measures(source, formula, unit, &Named { reader: Some(reader), known: &none }).map(drop)
                    })
                })
            }),
        }
    }
}

/// A condition: one where it holds.
pub(super) fn holds(formula: &Formula, known: &IndexMap<String, Quantity>) -> bool {
    let value = formula.value(&Named { reader: None, known });
    value.is_ok_and(|value| value.dimension == Dimension::NONE && value.value != 0.0 && !value.value.is_nan())
}
