//! From what came out to a verdict, by the rule in [`crate::study::claims`].

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::base::error::Result;
use crate::base::sourced::Counts;
use crate::base::units::Quantity;
use crate::study::claims::decided::{Decided, ReadingSpread};
use crate::study::claims::file::{Claim, Named, holds};
use crate::study::claims::run::{ClaimFindings, Sampled};
use crate::study::claims::words;
use crate::study::evidence::reading::ReadingEvaluator;
use crate::study::evidence::{ObservationGrade, ObservationKind, ObservationRow};
use crate::study::quantile;

/// Nearly all samples.
const NEARLY_ALL: f64 = 0.9;
/// Fewer than this share of the samples says nothing.
const ENOUGH: f64 = 0.75;
/// Fewer samples than these say nothing.
const LEAST: usize = 3;
/// Beyond this share of assumed numbers hardly anything else is left.
const MOSTLY: f64 = 2.0 / 3.0;
/// The band that is told.
const SHARES: [f64; 3] = [0.1, 0.5, 0.9];

/// What becomes of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds, and the evidence is good.
    Supported,
    /// It does not hold, or not in all samples.
    Contested,
    /// It holds, on weak evidence.
    Weak,
    /// The model cannot tell.
    #[serde(rename = "not decidable")]
    NotDecidable,
}

impl Verdict {
    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Contested => "contested",
            Self::Weak => "weak",
            Self::NotDecidable => "not decidable",
        }
    }
}

/// How good the evidence behind an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AnswerGrade {
    /// Controlled or measured in people, met, and nothing against it.
    A,
    /// Series or animals, met.
    B,
    /// Little.
    C,
    /// Nothing that was observed.
    D,
}

impl AnswerGrade {
    fn of(rank: usize) -> Self {
        [Self::A, Self::B, Self::C, Self::D][rank.min(3)]
    }
}

/// A linked observation and what the model makes of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Linked {
    /// Its id.
    pub id: String,
    /// What was seen.
    pub what: String,
    /// By whom.
    pub source: String,
    /// Its grade.
    pub grade: String,
    /// "observation", "fit" or "identity".
    pub kind: String,
    /// Whether the model meets it.
    pub met: bool,
    /// Its file.
    pub file: String,
}

/// A sample and its readings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClaimSample {
    /// Its name.
    pub name: String,
    /// Whether the claim holds in it; `None` if it failed or was set aside.
    pub holds: Option<bool>,
    /// Readings in their units, in the order of the bands; `null` where infinite.
    pub values: Vec<Option<f64>>,
    /// The observation for which it was set aside.
    pub aside: Option<String>,
    /// Why it failed; empty if it did not.
    pub failed: String,
}

/// A claim answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClaimAnswer {
    /// Short name, as "C15".
    pub id: String,
    /// What people say.
    pub statement: String,
    /// The question of the scenario.
    pub question: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The grade of the evidence.
    pub grade: AnswerGrade,
    /// Why it is that grade.
    pub grade_why: Vec<String>,
    /// The answer in words.
    pub answer: String,
    /// In how many samples the claim holds …
    pub held: usize,
    /// … of how many that ran.
    pub of: usize,
    /// How many samples were set aside.
    pub aside: usize,
    /// Whether it holds as written.
    pub holds: bool,
    /// Its parts.
    pub parts: Vec<Decided>,
    /// Its readings.
    pub readings: Vec<ReadingSpread>,
    /// Observations that bear on it.
    pub observations: Vec<Linked>,
    /// What the numbers of the run rest on.
    pub numbers: Counts,
    /// Observables that are read and whose definition is assumed.
    pub heuristics: Vec<String>,
    /// What to keep in mind; may be empty.
    pub limits: String,
    /// Its file.
    pub file: String,
    /// Names of its runs; one empty name if there is only one.
    pub runs: Vec<String>,
    /// The samples, the first as written.
    pub samples: Vec<ClaimSample>,
    /// Changes made to the scenario from outside.
    pub changes: Vec<String>,
}

impl ClaimAnswer {
    /// The letter of the grade.
    pub fn grade_letter(&self) -> String {
        format!("{:?}", self.grade)
    }
}

/// What one sample says.
struct Said {
    values: Vec<f64>,
    parts: Vec<bool>,
}

/// Judges a claim: its readings, parts, evidence, verdict and words. `rows` hold the linked observations among others.
///
/// # Errors
/// A reading cannot be taken, or the answer cannot be worded.
pub fn judge(claim: &Claim, findings: &ClaimFindings, rows: &[ObservationRow], numbers: Counts) -> Result<ClaimAnswer> {
    let said = findings.samples.iter().map(|sample| read(claim, sample)).collect::<Result<Vec<_>>>()?;
    let drawn: Vec<&Said> = said.iter().skip(1).flatten().collect();
    let aside = findings.samples.iter().filter(|sample| sample.aside.is_some()).count();
    let written = said.first().and_then(Option::as_ref);
    let readings = bands(claim, written, &drawn);
    let parts: Vec<Decided> = claim
        .parts
        .iter()
        .enumerate()
        .map(|(index, part)| Decided {
            name: part.name.clone(),
            what: part.what.clone(),
            formula: part.holds.as_ref().map_or_else(|_| String::new(), |formula| formula.text().to_owned()),
            outside: part.holds.as_ref().err().cloned(),
            holds: written.is_some_and(|said| said.parts[index]),
            held: drawn.iter().filter(|said| said.parts[index]).count(),
            of: drawn.len(),
        })
        .collect();
    // Parts outside the model decide nothing.
    let whole = |said: &Said| said.parts.iter().zip(&claim.parts).all(|(holds, part)| *holds || part.holds.is_err());
    let held = drawn.iter().filter(|said| whole(said)).count();
    let holds = written.is_some_and(whole);
    let observations = linked(claim, rows);
    let (grade, grade_why) = graded(claim, &observations, numbers);
    let enough = written.is_some()
        && drawn.len() >= LEAST
        && drawn.len() as f64 >= ENOUGH * (findings.samples.len() - 1 - aside) as f64;
    let nearly = holds && held as f64 >= NEARLY_ALL * drawn.len() as f64;
    let decided = parts.iter().any(|part| part.outside.is_none());
    let verdict = match (enough, decided && !nearly, parts.iter().any(|part| part.outside.is_some())) {
        (false, ..) => Verdict::NotDecidable,
        (true, true, _) => Verdict::Contested,
        (true, false, true) => Verdict::NotDecidable,
        (true, false, false) if grade > AnswerGrade::B => Verdict::Weak,
        (true, false, false) => Verdict::Supported,
    };
    let answer = match written {
        Some(_) => words::render(&claim.id, &claim.answer, &readings, &parts, held, drawn.len())?,
        None => "The run as written failed, so there is no answer.".into(),
    };
    let samples = findings.samples.iter().zip(&said).map(|(sample, said)| ClaimSample {
        name: sample.name.clone(),
        holds: said.as_ref().map(whole),
        values: match said {
            Some(said) => said.values.iter().map(|value| Some(*value).filter(|value| value.is_finite())).collect(),
            None => vec![None; claim.readings.len()],
        },
        aside: sample.aside.clone(),
        failed: sample.answers.as_ref().err().cloned().unwrap_or_default(),
    });
    Ok(ClaimAnswer {
        id: claim.id.clone(),
        statement: claim.statement.clone(),
        question: claim.runs.first().map(|run| run.plan.question.clone()).unwrap_or_default(),
        verdict,
        grade,
        grade_why,
        answer,
        held,
        of: drawn.len(),
        aside,
        holds,
        parts,
        readings,
        observations,
        numbers,
        heuristics: claim.heuristics.clone(),
        limits: claim.limits.clone(),
        file: claim.path().display().to_string(),
        runs: claim.runs.iter().map(|run| run.name.clone()).collect(),
        samples: samples.collect(),
        changes: claim.changes.clone(),
    })
}

/// The readings and parts of one sample; none if it failed.
fn read(claim: &Claim, sample: &Sampled) -> Result<Option<Said>> {
    let (Ok(answers), None) = (&sample.answers, &sample.aside) else { return Ok(None) };
    let reader = ReadingEvaluator::of(&claim.runs, answers);
    let mut known: IndexMap<String, Quantity> = IndexMap::new();
    for reading in &claim.readings {
        let value = reading.formula.value(&Named { reader: Some(&reader), known: &known })?;
        known.insert(reading.name.clone(), value);
    }
    let values = claim.readings.iter().map(|reading| reading.unit.of(known[&reading.name].value)).collect();
    let parts = claim.parts.iter().map(|part| part.holds.as_ref().is_ok_and(|formula| holds(formula, &known)));
    Ok(Some(Said { values, parts: parts.collect() }))
}

fn bands(claim: &Claim, written: Option<&Said>, drawn: &[&Said]) -> Vec<ReadingSpread> {
    let band = |(index, reading): (usize, &crate::study::claims::Reading)| {
        let mut values: Vec<f64> =
            drawn.iter().map(|said| said.values[index]).filter(|value| !value.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let [low, middle, high] =
            SHARES.map(|share| if values.is_empty() { f64::NAN } else { between(&values, share) });
        ReadingSpread {
            name: reading.name.clone(),
            what: reading.what.clone(),
            formula: reading.formula.text().to_owned(),
            unit: reading.unit.to_string(),
            shown: reading.shown.clone(),
            value: written.map_or(f64::NAN, |said| said.values[index]),
            low,
            middle,
            high,
        }
    };
    claim.readings.iter().enumerate().map(band).collect()
}

/// A quantile of values some of which may be infinite: between a number and infinity lies infinity.
fn between(ascending: &[f64], share: f64) -> f64 {
    let value = quantile(ascending, share);
    if value.is_nan() { f64::INFINITY } else { value }
}

fn linked(claim: &Claim, rows: &[ObservationRow]) -> Vec<Linked> {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let own = claim.observations.iter().filter_map(|id| rows.iter().find(|row| row.id == *id));
    own.map(|row| Linked {
        id: row.id.clone(),
        what: row.what.clone(),
        source: row.source.clone(),
        grade: word(serde_json::json!(row.grade)),
        kind: word(serde_json::json!(row.kind)),
        met: row.met,
        file: row.file.clone(),
    })
    .collect()
}

/// The grade and why, by the rule of the module.
fn graded(claim: &Claim, observations: &[Linked], numbers: Counts) -> (AnswerGrade, Vec<String>) {
    let identity = serde_json::json!(ObservationKind::Identity);
    let fit = serde_json::json!(ObservationKind::Fit);
    let rank = |own: &&Linked| {
        let grades =
            [ObservationGrade::A, ObservationGrade::B, ObservationGrade::C].map(|grade| serde_json::json!(grade));
        let grade = grades.iter().position(|grade| *grade == own.grade).unwrap_or(3);
        (grade + usize::from(fit == own.kind)).min(3)
    };
    let best = observations.iter().filter(|own| own.met && identity != own.kind).min_by_key(rank);
    let mut why = Vec::new();
    let mut grade = match best {
        Some(best) => {
            let kind = if fit == best.kind { "a fit" } else { "an observation" };
            why.push(format!("{} of grade {} is met, {kind}", best.id, best.grade));
            rank(&best)
        }
        None => {
            why.push("no observation that bears on it is met".into());
            3
        }
    };
    let missed: Vec<&str> = observations.iter().filter(|own| !own.met).map(|own| own.id.as_str()).collect();
    let assumed = numbers.assumed as f64 / numbers.total.max(1) as f64;
    for (falls, reason) in [
        (!missed.is_empty(), format!("one grade less: {} missed", missed.join(", "))),
        (
            !claim.heuristics.is_empty(),
            format!("one grade less: {} defined by assumption", claim.heuristics.join(", ").replace('_', " ")),
        ),
        (assumed > MOSTLY, format!("one grade less: {:.0} % of the numbers are assumed", 100.0 * assumed)),
    ] {
        if falls {
            grade += 1;
            why.push(reason);
        }
    }
    (AnswerGrade::of(grade), why)
}
