//! One observation, read from its file and checked without running anything.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;

use crate::error::{Error, Result, Source, read_toml};
use crate::evidence::reading::{Reader, Seen};
use crate::folder::name::names;
use crate::language::{Formula, Scope};
use crate::scenario::{Change, Plan, Scenario};
use crate::units::{Quantity, Unit};

/// How good the evidence of an observation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grade {
    /// Controlled or measured in people.
    A,
    /// Series without control, biopsies of few, animals.
    B,
    /// In vitro, other wounds, expert opinion.
    C,
}

/// What an observation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// How skin responds (V1 to V14).
    Response,
    /// How skin responds, direction only.
    Sign,
    /// What needles do: force, depth, holes, bleeding, pain.
    Needling,
}

/// What meeting it proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It can fail.
    Observation,
    /// Constants were chosen by its very number.
    Fit,
    /// It holds by construction.
    Identity,
}

/// Whether constants were chosen with it in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tuning {
    /// It was not.
    #[serde(rename = "no")]
    No,
    /// Somebody chose constants with it in view.
    #[serde(rename = "by hand")]
    ByHand,
    /// `dermasim calibrate` used it.
    #[serde(rename = "fit")]
    Fit,
}

/// Runs by name, each as changes to a scenario.
pub(crate) type Variations = IndexMap<Spanned<String>, IndexMap<Spanned<String>, toml::Value>>;

/// The table `[evidence]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Spanned<String>,
    what: String,
    source: String,
    grade: Grade,
    group: Group,
    kind: Kind,
    used_in_tuning: Tuning,
    #[serde(default)]
    note: String,
    #[serde(default)]
    runs: Variations,
    band: Vec<WrittenBand>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBand {
    what: String,
    value: Spanned<String>,
    #[serde(default = "one")]
    unit: Spanned<String>,
    measured: Option<Spanned<toml::Value>>,
    scatter: Option<Spanned<toml::Value>>,
    at_least: Option<Spanned<toml::Value>>,
    at_most: Option<Spanned<toml::Value>>,
}

/// The unit of plain numbers.
pub(crate) fn one() -> Spanned<String> {
    Spanned::new(0..0, "1".into())
}

/// The file apart from the scenario in it.
#[derive(Debug, Deserialize)]
struct Outer {
    evidence: Written,
}

/// A run that an observation reads.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its name; empty if there is only one.
    pub name: String,
    /// The scenario with the changes of this run.
    pub scenario: Scenario,
    /// What is run, with a look at every moment a reading asks for.
    pub plan: Arc<Plan>,
    /// Whether the response is read, or only what the needles do.
    pub response: bool,
}

/// A reading and where it has to lie. Numbers are in `unit`.
#[derive(Debug, Clone)]
pub struct Band {
    /// What is read, in words.
    pub what: String,
    /// How.
    pub formula: Formula,
    /// The unit in which it is told.
    pub unit: Unit,
    /// Best estimate of what was seen, if the source gives one.
    pub measured: Option<f64>,
    /// How far a value has to be off to count for one standard deviation; `None` for the usual, see [`Band::scatter`].
    scatter: Option<f64>,
    /// Smallest accepted value.
    pub at_least: Option<f64>,
    /// Largest accepted value.
    pub at_most: Option<f64>,
}

/// A published observation.
#[derive(Debug, Clone)]
pub struct Observation {
    /// Name of its file.
    pub name: String,
    /// Short name, as "V8".
    pub id: String,
    /// What was seen.
    pub what: String,
    /// By whom.
    pub source: String,
    /// How good the evidence is.
    pub grade: Grade,
    /// What it is about.
    pub group: Group,
    /// What meeting it proves.
    pub kind: Kind,
    /// Whether constants were chosen with it in view.
    pub tuning: Tuning,
    /// How it was read, or why it is missed; may be empty.
    pub note: String,
    /// What is run.
    pub runs: Vec<Run>,
    /// What is read.
    pub bands: Vec<Band>,
}

impl Observation {
    /// Reads an observation; `changes` are made to its scenario before those of its runs.
    ///
    /// # Errors
    /// The scenario or the table makes no sense, or a reading asks for what is not there.
    pub fn read(source: &Arc<Source>, changes: &[Change]) -> Result<Self> {
        let Outer { evidence: written } = read_toml(source)?;
        names(source, "an observation", [&written.id])?;
        let scenario = scenario(source, changes);
        let name = scenario.name.clone();
        let mut runs = runs(source, &scenario, &written.runs)?;
        let bands = written.band.into_iter().map(|band| Band::read(source, band)).collect::<Result<Vec<_>>>()?;
        if bands.is_empty() {
            return Err(source.refuse(0..0, "the observation reads nothing").help("add [[evidence.band]]"));
        }
        look(source, &mut runs, &|reader| {
            bands.iter().try_for_each(|band| measures(source, &band.formula, &band.unit, reader).map(drop))
        })?;
        let Written { id, what, source: by, grade, group, kind, used_in_tuning, note, .. } = written;
        let id = id.into_inner();
        Ok(Self { name, id, what, source: by, grade, group, kind, tuning: used_in_tuning, note, runs, bands })
    }
}

/// The scenario in a file that says more than a scenario.
pub(crate) fn scenario(source: &Arc<Source>, changes: &[Change]) -> Scenario {
    let path = Path::new(&source.name);
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Scenario { name, folder, source: source.clone(), changes: changes.to_vec(), sound: false }
}

/// The runs of a file, planned.
pub(crate) fn runs(source: &Arc<Source>, scenario: &Scenario, written: &Variations) -> Result<Vec<Run>> {
    let run = |name: &str, scenario: Scenario| -> Result<Run> {
        Ok(Run { name: name.to_owned(), plan: Arc::new(scenario.plan()?), scenario, response: false })
    };
    if written.is_empty() {
        return Ok(vec![run("", scenario.clone())?]);
    }
    names(source, "a run", written.keys())?;
    written
        .iter()
        .map(|(name, changes)| {
            let changes = changes.iter().map(|(key, value)| {
                let place = (source.clone(), key.span());
                let change = Change::parse(&format!("{}={value}", key.get_ref()));
                change.map(|change| Change { place, ..change }).map_err(|error| error.at(source, key.span()))
            });
            run(name.get_ref(), scenario.with(changes.collect::<Result<Vec<_>>>()?))
        })
        .collect()
}

/// Evaluates readings without results: finds what is wrong with them, which runs have to be simulated, and the moments
/// at which somebody has to look.
pub(crate) fn look(
    source: &Arc<Source>,
    runs: &mut [Run],
    read: &dyn Fn(&Reader<'_>) -> Result<()>,
) -> Result<BTreeSet<String>> {
    let seen: Vec<RefCell<Seen>> = runs.iter().map(|_| RefCell::default()).collect();
    read(&Reader::dry(runs, &seen))?;
    let mut observables = BTreeSet::new();
    for (run, seen) in runs.iter_mut().zip(seen) {
        let Seen { moments, response, observables: own, .. } = seen.into_inner();
        observables.extend(own);
        run.response |= response;
        let plan = Arc::make_mut(&mut run.plan);
        for moment in moments {
            if moment > plan.end {
                let (moment, end) = (moment / crate::units::DAY, plan.end / crate::units::DAY);
                return Err(source
                    .refuse(0..0, format!("day {moment} is read, but the run ends on day {end}"))
                    .help("let `followed` reach further"));
            }
            plan.looks.push(moment);
        }
        plan.looks.sort_by(f64::total_cmp);
        plan.looks.dedup();
    }
    Ok(observables)
}

/// A reading, if it measures what its unit measures.
pub(crate) fn measures(source: &Arc<Source>, formula: &Formula, unit: &Unit, scope: &dyn Scope) -> Result<Quantity> {
    let value = formula.value(scope)?;
    if value.dimension == unit.dimension {
        return Ok(value);
    }
    let message = format!("the reading is in {}, its unit is {unit}", value.dimension);
    Err(source.refuse(formula.span(), message).help("say the unit with `unit = …`"))
}

/// A formula and the unit in which it is told.
pub(crate) fn reading(
    source: &Arc<Source>,
    value: &Spanned<String>,
    unit: &Spanned<String>,
) -> Result<(Formula, Unit)> {
    let formula = Formula::read(source, value.span(), value.get_ref())?;
    let unit: Unit = unit.get_ref().parse().map_err(|error: Error| error.at(source, unit.span()))?;
    Ok((formula, unit))
}

impl Band {
    fn read(source: &Arc<Source>, written: WrittenBand) -> Result<Self> {
        let (formula, unit) = reading(source, &written.value, &written.unit)?;
        let read = |given: &Option<Spanned<toml::Value>>| -> Result<Option<f64>> {
            let Some(given) = given else { return Ok(None) };
            let at = |error: Error| error.at(source, given.span());
            match given.get_ref() {
                toml::Value::Integer(whole) => Ok(Some(*whole as f64)),
                toml::Value::Float(number) if number.is_finite() => Ok(Some(*number)),
                toml::Value::String(text) => {
                    let quantity: Quantity = text.parse().map_err(at)?;
                    Ok(Some(unit.of(quantity.expect(&unit.text).map_err(at)?)))
                }
                _ => Err(source.refuse(given.span(), "a bound is a finite number or a text with a unit")),
            }
        };
        let (at_least, at_most, measured, scatter) =
            (read(&written.at_least)?, read(&written.at_most)?, read(&written.measured)?, read(&written.scatter)?);
        if let (Some(scatter), Some(given)) = (scatter, &written.scatter)
            && scatter <= 0.0
        {
            return Err(source.refuse(given.span(), "the scatter must be above zero"));
        }
        match (at_least, at_most) {
            (None, None) => {
                return Err(source
                    .refuse(formula.span(), "the band has no bounds")
                    .help("write at_least = 1.0, or at_most, or both"));
            }
            (Some(low), Some(high)) if low > high => {
                return Err(source.refuse(formula.span(), format!("nothing is at least {low} and at most {high}")));
            }
            _ => {}
        }
        Ok(Self { what: written.what, formula, unit, measured, scatter, at_least, at_most })
    }

    /// Whether a value [`Band::unit`] lies in the band.
    pub fn holds(&self, value: f64) -> bool {
        !value.is_nan() && self.at_least.is_none_or(|low| value >= low) && self.at_most.is_none_or(|high| value <= high)
    }
}

impl Band {
    /// How far off counts as one standard deviation \[its unit\]: as the file says; else half the band, or a tenth of its one
    /// bound.
    pub fn scatter(&self) -> f64 {
        let usual = match (self.at_least, self.at_most) {
            (Some(low), Some(high)) if high > low => 0.5 * (high - low),
            (Some(bound), _) | (None, Some(bound)) if bound != 0.0 => 0.1 * bound.abs(),
            _ => 1.0,
        };
        self.scatter.unwrap_or(usual)
    }

    /// How far a value \[its unit\] is from what was seen, in standard deviations: from the best estimate, else from the middle
    /// of a band with two ends, else from its one end, zero on the right side of it.
    pub fn misfit(&self, value: f64) -> f64 {
        let middle = || Some(0.5 * (self.at_least? + self.at_most?));
        if let Some(middle) = self.measured.or_else(middle) {
            return (value - middle) / self.scatter();
        }
        let below = self.at_least.map_or(0.0, |low| (low - value).max(0.0));
        let above = self.at_most.map_or(0.0, |high| (value - high).max(0.0));
        (above - below) / self.scatter()
    }
}

impl Observation {
    /// Where its file lies, from the project's folder.
    pub fn path(&self) -> PathBuf {
        Path::new("scenarios/evidence").join(format!("{}.toml", self.name))
    }
}
