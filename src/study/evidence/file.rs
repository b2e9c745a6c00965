//! One observation, read from its file and checked without running anything.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;

use crate::base::error::{Error, Result, Source, read_toml};
use crate::base::folder::name::names;
use crate::base::units::{Quantity, Unit};
use crate::engine::language::{Formula, FormulaScope};
use crate::scenario::{Change, Scenario};
use crate::study::evidence::aside::{self, Split};
use crate::study::evidence::reading::{ReadingEvaluator, Run, Seen};

/// How good the evidence of an observation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObservationGrade {
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
    /// A number that was measured, with its spread, on either side (Q1 and so on).
    Quantity,
}

/// What of a source was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Read {
    /// All of it, or the part where the number stands.
    #[serde(rename = "full text")]
    FullText,
    /// Its abstract.
    #[serde(rename = "abstract")]
    Abstract,
    /// What a review or another paper says of it.
    #[serde(rename = "review")]
    Review,
    /// Nothing again: somebody remembers it.
    #[serde(rename = "recalled")]
    Recalled,
}

/// What meeting it proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObservationKind {
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
struct WrittenEvidence {
    id: Spanned<String>,
    what: String,
    source: String,
    reference: Option<Spanned<String>>,
    read: Option<Read>,
    #[serde(default)]
    dose: String,
    #[serde(default)]
    depth: String,
    subjects: Option<Spanned<u32>>,
    set_aside: Option<Spanned<bool>>,
    #[serde(default)]
    in_view: bool,
    grade: ObservationGrade,
    group: Group,
    kind: ObservationKind,
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
    spread: Option<Spanned<toml::Value>>,
    standard_error: Option<Spanned<toml::Value>>,
    subjects: Option<Spanned<u32>>,
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
struct EvidenceFile {
    evidence: WrittenEvidence,
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
    /// Standard deviation between subjects, if the source gives one.
    pub spread: Option<f64>,
    /// How many subjects, if the source tells.
    pub subjects: Option<u32>,
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
    /// The one name of the source: a DOI, else `pmid:` or `pmc` with a number.
    pub reference: Option<String>,
    /// What of the source was read.
    pub read: Option<Read>,
    /// The dose as the source tells it.
    pub measured_dose: String,
    /// The depth of needles as the source tells it.
    pub measured_depth: String,
    /// How far its numbers can have reached the constants.
    pub split: Split,
    /// Whether its source was in view before some were set aside.
    pub in_view: bool,
    /// How good the evidence is.
    pub grade: ObservationGrade,
    /// What it is about.
    pub group: Group,
    /// What meeting it proves.
    pub kind: ObservationKind,
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
        let EvidenceFile { evidence: written } = read_toml(source)?;
        names(source, "an observation", [&written.id])?;
        let scenario = scenario(source, changes);
        let name = scenario.name.clone();
        let mut runs = runs(source, &scenario, &written.runs)?;
        let split = split(source, &written)?;
        let subjects = written.subjects.as_ref();
        let band = |band: &WrittenBand| Band::read(source, band, band.subjects.as_ref().or(subjects));
        let bands = written.band.iter().map(band).collect::<Result<Vec<_>>>()?;
        if bands.is_empty() {
            return Err(source.refuse(0..0, "the observation reads nothing").help("add [[evidence.band]]"));
        }
        look(source, &mut runs, &|reader| {
            bands.iter().try_for_each(|band| measures(source, &band.formula, &band.unit, reader).map(drop))
        })?;
        let WrittenEvidence { grade, group, kind, .. } = written;
        Ok(Self {
            name,
            id: written.id.into_inner(),
            what: written.what,
            source: written.source,
            reference: written.reference.map(Spanned::into_inner),
            read: written.read,
            measured_dose: written.dose,
            measured_depth: written.depth,
            split,
            in_view: written.in_view,
            grade,
            group,
            kind,
            tuning: written.used_in_tuning,
            note: written.note,
            runs,
            bands,
        })
    }

    /// Whether something two-sided was measured, that can be held against a number.
    pub fn is_quantitative(&self) -> bool {
        self.kind != ObservationKind::Identity && self.bands.iter().any(|band| band.measured.is_some())
    }
}

/// Where an observation belongs, and what a quantity must say of its source.
fn split(source: &Arc<Source>, written: &WrittenEvidence) -> Result<Split> {
    let place = || written.reference.as_ref().map_or_else(|| written.id.span(), Spanned::span);
    if let Some(reference) = &written.reference
        && let Some(wrong) = aside::malformed(reference.get_ref())
    {
        let help = "write reference = \"10.1117/1.3463002\", or \"pmid:33656167\", or \"pmc4119956\"";
        return Err(source.refuse(reference.span(), wrong).help(help));
    }
    if written.group == Group::Quantity {
        let told = [!written.dose.is_empty(), !written.depth.is_empty(), written.read.is_some()];
        if written.reference.is_none() || told.contains(&false) {
            let message = "a quantity says `reference`, `read`, `dose` and `depth`";
            return Err(source
                .refuse(place(), message)
                .help("as the source tells them; write \"not told in what was read\" where it does not"));
        }
    }
    let rule = written.reference.as_ref().is_some_and(|own| !written.in_view && aside::set_aside(own.get_ref()));
    if let Some(said) = &written.set_aside
        && *said.get_ref() != rule
    {
        let message = format!("the rule says set_aside = {rule} for this source");
        return Err(source.refuse(said.span(), message).help("see the documentation of `evidence::aside`"));
    }
    match (rule, written.used_in_tuning) {
        (true, Tuning::No) => Ok(Split::SetAside),
        (true, _) => Err(source
            .refuse(place(), "this source is set aside, and nothing may be tuned with it in view")
            .help("write used_in_tuning = \"no\"")),
        (false, Tuning::No) => Ok(Split::Seen),
        (false, _) => Ok(Split::Used),
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
    read: &dyn Fn(&ReadingEvaluator<'_>) -> Result<()>,
) -> Result<BTreeSet<String>> {
    let seen: Vec<RefCell<Seen>> = runs.iter().map(|_| RefCell::default()).collect();
    read(&ReadingEvaluator::dry(runs, &seen))?;
    let mut observables = BTreeSet::new();
    for (run, seen) in runs.iter_mut().zip(seen) {
        let Seen { moments, response, observables: own, .. } = seen.into_inner();
        observables.extend(own);
        run.response |= response;
        let plan = Arc::make_mut(&mut run.plan);
        for moment in moments {
            if moment > plan.end {
                let (moment, end) = (moment / crate::base::units::DAY, plan.end / crate::base::units::DAY);
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
pub(crate) fn measures(
    source: &Arc<Source>,
    formula: &Formula,
    unit: &Unit,
    scope: &dyn FormulaScope,
) -> Result<Quantity> {
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

/// A number or a text with a unit, in a unit.
fn in_unit(source: &Arc<Source>, given: &Spanned<toml::Value>, unit: &Unit) -> Result<f64> {
    let at = |error: Error| error.at(source, given.span());
    match given.get_ref() {
        toml::Value::Integer(whole) => Ok(*whole as f64),
        toml::Value::Float(number) if number.is_finite() => Ok(*number),
        toml::Value::String(text) => {
            let quantity: Quantity = text.parse().map_err(at)?;
            Ok(unit.of(quantity.expect(&unit.text).map_err(at)?))
        }
        _ => Err(source.refuse(given.span(), "a bound is a finite number or a text with a unit")),
    }
}

impl Band {
    fn read(source: &Arc<Source>, written: &WrittenBand, subjects: Option<&Spanned<u32>>) -> Result<Self> {
        let (formula, unit) = reading(source, &written.value, &written.unit)?;
        let number = |given: &Option<Spanned<toml::Value>>| {
            given.as_ref().map(|given| in_unit(source, given, &unit).map(|value| (value, given.span()))).transpose()
        };
        let positive = |given: &Option<Spanned<toml::Value>>, what: &str| match number(given)? {
            Some((value, place)) if value <= 0.0 => Err(source.refuse(place, format!("the {what} must be above zero"))),
            other => Ok(other.map(|(value, _)| value)),
        };
        let value = |given| Ok::<_, Error>(number(given)?.map(|(value, _)| value));
        let scatter = positive(&written.scatter, "scatter")?;
        let (measured, spread) = (value(&written.measured)?, positive(&written.spread, "spread")?);
        let error = positive(&written.standard_error, "standard error")?;
        let subjects = subjects.map(|own| *own.get_ref());
        let spread = match (spread, error, subjects) {
            (Some(_), Some(_), _) => {
                return Err(source.refuse(formula.span(), "a spread is told once: `spread` or `standard_error`"));
            }
            (None, Some(error), Some(subjects)) => Some(error * f64::from(subjects).sqrt()),
            (None, Some(_), None) => {
                return Err(source.refuse(formula.span(), "a standard error means nothing without `subjects`"));
            }
            (spread, None, _) => spread,
        };
        if spread.is_some() && measured.is_none() {
            return Err(source.refuse(formula.span(), "a spread without a centre").help("write measured = …"));
        }
        let (at_least, at_most) = match (value(&written.at_least)?, value(&written.at_most)?, measured, spread) {
            (None, None, Some(centre), Some(spread)) => (Some(centre - spread), Some(centre + spread)),
            (None, None, ..) => {
                return Err(source
                    .refuse(formula.span(), "the band has no bounds")
                    .help("write at_least = 1.0, or at_most, or both; or `measured` and `spread`"));
            }
            (Some(low), Some(high), ..) if low > high => {
                return Err(source.refuse(formula.span(), format!("nothing is at least {low} and at most {high}")));
            }
            (low, high, ..) => (low, high),
        };
        let what = written.what.clone();
        Ok(Self { what, formula, unit, measured, spread, subjects, scatter, at_least, at_most })
    }

    /// Whether a value [`Band::unit`] lies in the band.
    pub fn holds(&self, value: f64) -> bool {
        !value.is_nan() && self.at_least.is_none_or(|low| value >= low) && self.at_most.is_none_or(|high| value <= high)
    }
}

impl Band {
    /// How far off counts as one standard deviation \[its unit\]: as the file says; else the spread between subjects; else half
    /// the band, or a tenth of its one bound.
    pub fn scatter(&self) -> f64 {
        let usual = match (self.at_least, self.at_most) {
            (Some(low), Some(high)) if high > low => 0.5 * (high - low),
            (Some(bound), _) | (None, Some(bound)) if bound != 0.0 => 0.1 * bound.abs(),
            _ => 1.0,
        };
        self.scatter.or(self.spread).unwrap_or(usual)
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
