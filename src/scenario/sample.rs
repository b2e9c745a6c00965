//! Persons drawn from a population, and numbers drawn within their ranges: the points of an ensemble.
//!
//! The design is a Latin hypercube: in every dimension each of N equal strata of probability is met once, in an order that
//! depends on the seed and on the name of the dimension alone, so that one more dimension leaves the others as they were.
//!
//! - A trait with shares takes the alternative under its quantile; an age is normal and cut off at the ends of its range.
//! - A thickness with a spread (`sd`) is normal between persons, as a factor, cut off at its range and at a third.
//! - A number with a range is triangular with its mode at the value of the file, in the logarithm if the range spans a
//!   factor of three or more. A range is the whole of what is held possible; that the file's value is the likeliest is an
//!   assumption, and so is that numbers are independent. What a file calls `drawn = false` is a definition or a weight and stays.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal};
use toml_edit::Value;

use crate::base::error::{Error, Result, read_toml, suggestion};
use crate::base::sourced::{Choice, Evidence, Sourced};
use crate::base::units::{self, DAY, Quantity, Unit};
use crate::scenario::change::{Change, path};
use crate::scenario::decide::Decider;
use crate::scenario::files::ModelNumber;
use crate::scenario::written::{self, WrittenScenario};
use crate::scenario::{MOST_POINTS, Plan, Scenario, SweepRun};
use crate::skin::catalogue::{self, CatalogueKind, Population};

/// Ranges that span this factor are drawn in the logarithm.
pub const WIDE: f64 = 3.0;
/// Kinds of files whose numbers are drawn unless a scenario names its own: what a device is, is known.
const DRAWN: [&str; 4] = ["response", "mechanics", "tissue", "operator"];
/// A sample may take this many times the steps that are expected of it: chance brings together numbers that make a run stiff
/// beyond any use, and one such sample must not hold up the others. Counted in steps, so the same on every machine.
const PATIENCE: f64 = 20.0;
/// No thickness falls below this part of its value.
const THINNEST: f64 = 1.0 / 3.0;

/// One dimension of an ensemble.
#[derive(Debug, Clone)]
pub struct Draw {
    /// The key that is changed, as "person.age" or "response.constant.d_T".
    pub key: String,
    /// What the number rests on; `None` for what differs between persons.
    pub evidence: Option<Evidence>,
    /// What it is, in words.
    pub what: String,
    law: Distribution,
}

#[derive(Debug, Clone)]
enum Distribution {
    Shares(Vec<(String, f64)>),
    Normal { mean: f64, sd: f64, low: f64, high: f64, unit: String },
    Triangle { low: f64, mode: f64, high: f64, logarithmic: bool, unit: Option<Unit> },
}

impl Draw {
    /// The value at a quantile between 0 and 1, as a scenario writes it.
    fn at(&self, quantile: f64) -> Value {
        match &self.law {
            Distribution::Shares(shares) => {
                let mut left = quantile;
                let found = shares.iter().find(|(_, share)| {
                    left -= share;
                    left < 0.0
                });
                let (name, _) = found.or(shares.last()).cloned().unwrap_or_default();
                name.into()
            }
            Distribution::Normal { mean, sd, low, high, unit } => {
                let normal = Normal::standard();
                let below = |value: f64| normal.cdf((value - mean) / sd);
                let (first, last) = (below(*low), below(*high));
                let inside = (first + quantile * (last - first)).clamp(1e-12, 1.0 - 1e-12);
                let value = (mean + sd * normal.inverse_cdf(inside)).clamp(*low, *high);
                match unit.as_str() {
                    "" => format!("{value:.5}").parse::<f64>().unwrap_or(value).into(),
                    unit => format!("{value:.5} {unit}").into(),
                }
            }
            Distribution::Triangle { low, mode, high, logarithmic, unit } => {
                let map = |value: f64| if *logarithmic { value.ln() } else { value };
                let (a, c, b) = (map(*low), map(*mode), map(*high));
                let turn = (c - a) / (b - a);
                let place = if quantile < turn {
                    a + (quantile * (b - a) * (c - a)).sqrt()
                } else {
                    b - ((1.0 - quantile) * (b - a) * (b - c)).sqrt()
                };
                let value = (if *logarithmic { place.exp() } else { place }).clamp(*low, *high);
                match unit {
                    Some(unit) => format!("{:.6e} {unit}", unit.of(value)).into(),
                    None => format!("{value:.6e}").parse::<f64>().unwrap_or(value).into(),
                }
            }
        }
    }
}

/// A Latin hypercube: for each of `names` one number between 0 and 1 for each of `count` points, every stratum once.
pub fn design(names: &[String], count: usize, seed: u64) -> Vec<Vec<f64>> {
    let column = |name: &String| -> Vec<f64> {
        let mut hash = blake3::Hasher::new();
        hash.update(&seed.to_le_bytes());
        hash.update(name.as_bytes());
        let mut generator = ChaCha8Rng::from_seed(*hash.finalize().as_bytes());
        let mut even = || ((generator.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, (even() * (last + 1) as f64) as usize);
        }
        order.into_iter().map(|stratum| (stratum as f64 + even()) / count as f64).collect()
    };
    names.iter().map(column).collect()
}

impl Scenario {
    /// The dimensions and the points of the scenario's ensemble; none if it has neither `[population]` nor `[uncertainty]`.
    ///
    /// # Errors
    /// The tables make no sense, or there is a sweep too.
    pub fn samples(&self, plan: &Plan) -> Result<(Vec<Draw>, Vec<SweepRun>)> {
        let own = self.own_changes()?;
        let changes: Vec<&Change> = own.iter().chain(&self.changes).filter(|change| !change.in_model()).collect();
        let source = self.changed(&changes)?;
        let typed: WrittenScenario = read_toml(&source)?;
        let decide = Decider::new(&source);
        let place =
            (typed.population.as_ref().map(|own| own.span())).or(typed.uncertainty.as_ref().map(|own| own.span()));
        let Some(place) = place else { return Ok((Vec::new(), Vec::new())) };
        if !self.axes()?.is_empty() {
            return Err(decide.refuse(place, "a scenario has a sweep or an ensemble, not both"));
        }
        let (mut draws, mut count, mut seed) = (Vec::new(), None, 1);
        if let Some(form) = &typed.population {
            draws.extend(self.persons(&decide, form.get_ref(), &typed, plan)?);
            let form = form.get_ref();
            count = form.number.as_ref().map(|own| decide.whole_of("number", own, &(2..=MOST_POINTS))).transpose()?;
            count = count.or(Some(24));
            seed = form.seed.as_ref().map_or(Ok(1), |own| decide.whole_of("seed", own, &(0..=i64::MAX as usize)))?;
        }
        if let Some(form) = &typed.uncertainty {
            let form = form.get_ref();
            let taken: Vec<String> = draws.iter().map(|draw: &Draw| draw.key.clone()).collect();
            let numbers = self.numbers(&decide, form, plan)?;
            draws.extend(numbers.into_iter().filter(|draw| !taken.contains(&draw.key)));
            let own =
                form.samples.as_ref().map(|own| decide.whole_of("samples", own, &(2..=MOST_POINTS))).transpose()?;
            if let (Some(persons), Some(samples)) = (count, own)
                && persons != samples
            {
                let span = form.samples.as_ref().map_or(0..0, |own| own.span());
                return Err(decide
                    .refuse(span, format!("{samples} samples, but {persons} persons"))
                    .help("each person has numbers of their own: leave `samples` away"));
            }
            count = count.or(own).or(Some(32));
            if let Some(own) = &form.seed {
                seed = decide.whole_of("seed", own, &(0..=i64::MAX as usize))?;
            }
        }
        let count = count.unwrap_or(2);
        let names: Vec<String> = draws.iter().map(|draw| draw.key.clone()).collect();
        let quantiles = design(&names, count, seed as u64);
        let digits = count.to_string().len();
        let origin = (self.source.clone(), place);
        let point = |number: usize| {
            let mut changes = Vec::with_capacity(draws.len());
            let mut budget = Vec::new();
            for (draw, column) in draws.iter().zip(&quantiles) {
                changes.push(Change::new(path(&draw.key)?, draw.at(column[number]), origin.clone())?);
            }
            if plan.most_steps.is_none() {
                let most = (PATIENCE * plan.origin.estimate.steps).ceil() as i64;
                budget = vec![Change::new(path("stepping.most_steps")?, most.into(), origin.clone())?];
            }
            let text =
                |value: &Value| value.as_str().map_or_else(|| value.to_string().trim().to_owned(), str::to_owned);
            let values = changes.iter().map(|change| (change.key.clone(), text(&change.value))).collect();
            Ok(SweepRun {
                name: format!("sample-{:0digits$}", number + 1),
                values,
                scenario: self.point(changes.into_iter().chain(budget)),
            })
        };
        let points = (0..count).map(point).collect::<Result<_>>()?;
        Ok((draws, points))
    }

    /// What differs between persons: traits, and the thickness of their skin.
    fn persons(
        &self,
        decide: &Decider,
        form: &written::WrittenPersons,
        typed: &WrittenScenario,
        plan: &Plan,
    ) -> Result<Vec<Draw>> {
        let word = form.of.as_ref().map_or("adults", |word| word.get_ref().as_str());
        let at = |error: Error| match &form.of {
            Some(word) => error.at(&decide.source, word.span()),
            None => error,
        };
        let population =
            Population::read(&catalogue::find(CatalogueKind::Population, word, Some(&self.folder)).map_err(at)?)?;
        let mut draws = Vec::new();
        // What the scenario says of the person holds for all.
        let fixed = |name: &str| typed.person.keys().any(|own| own.get_ref() == name);
        for (name, number) in population.traits.iter().filter(|(name, _)| !fixed(name)) {
            let law = match &number.value {
                Choice::By(_, table) => {
                    Distribution::Shares(table.iter().map(|(name, share)| (name.clone(), share.value)).collect())
                }
                Choice::One(mean) => {
                    let years = |seconds: f64| seconds / (365.25 * DAY);
                    let [low, high] = number.range.unwrap_or([mean.value; 2]).map(years);
                    let (mean, sd) = (years(mean.value), years(number.sd.unwrap_or(0.0)));
                    Distribution::Normal { mean, sd, low, high, unit: "y".into() }
                }
            };
            draws.push(Draw { key: format!("person.{name}"), evidence: None, what: number.what.clone(), law });
        }
        if form.spread.unwrap_or(true) {
            for (name, layer) in &plan.tissue.layer {
                draws.extend(thickness(name, &layer.mesh.thickness, plan)?);
            }
        }
        Ok(draws)
    }

    /// Numbers of the models that are not measured, or those that the scenario names.
    fn numbers(&self, decide: &Decider, form: &written::Uncertainty, plan: &Plan) -> Result<Vec<Draw>> {
        let all = &plan.origin.numbers;
        let key = |number: &ModelNumber| format!("{}.{}", number.root, number.key);
        let Some(wanted) = &form.numbers else {
            return Ok(drawn(all, |number| matches!(number.evidence, Evidence::Assumed | Evidence::Tuned)));
        };
        match wanted.get_ref() {
            toml::Value::String(word) => {
                const WORDS: [&str; 4] = ["assumed and tuned", "assumed", "tuned", "all"];
                let rests = |number: &ModelNumber, on: Evidence| number.evidence == on;
                match word.as_str() {
                    "assumed and tuned" => Ok(drawn(all, |n| rests(n, Evidence::Assumed) || rests(n, Evidence::Tuned))),
                    "assumed" => Ok(drawn(all, |n| rests(n, Evidence::Assumed))),
                    "tuned" => Ok(drawn(all, |n| rests(n, Evidence::Tuned))),
                    "all" => Ok(drawn(all, |_| true)),
                    other => Err(decide
                        .refuse(wanted.span(), format!("no numbers are called `{other}`"))
                        .help(suggestion(other, WORDS))),
                }
            }
            toml::Value::Array(list) => {
                let mut draws = Vec::new();
                for word in list {
                    let word = word.as_str().unwrap_or_default();
                    let long = word.replacen("response.", "response.constant.", 1);
                    let number =
                        all.iter().find(|number| key(number) == word || key(number) == long).ok_or_else(|| {
                            let known: Vec<String> = all.iter().map(key).collect();
                            decide
                                .refuse(wanted.span(), format!("no number is called `{word}`"))
                                .help(suggestion(word, known.iter().map(String::as_str)))
                        })?;
                    if !number.drawn {
                        return Err(decide
                            .refuse(
                                wanted.span(),
                                format!("`{word}` is chosen, not uncertain: its file says `drawn = false`"),
                            )
                            .help("vary it with [set] or [sweep], or say `drawn = true` in a model file of yours"));
                    }
                    draws.push(draw(number).ok_or_else(|| {
                        decide.refuse(wanted.span(), format!("`{word}` has no range, or more than one value"))
                    })?);
                }
                Ok(draws)
            }
            _ => Err(decide
                .refuse(wanted.span(), "`numbers` is a list of keys, or words")
                .help("write numbers = \"assumed and tuned\", or [\"response.d_T\", \"mechanics.dome.height\"]")),
        }
    }
}

/// Those numbers of the usual files that can be drawn and rest on what is asked for.
fn drawn(all: &[ModelNumber], wanted: impl Fn(&ModelNumber) -> bool) -> Vec<Draw> {
    all.iter()
        .filter(|number| DRAWN.contains(&number.root) && number.drawn && wanted(number))
        .filter_map(draw)
        .collect()
}

/// A number that has one value and a range.
fn draw(number: &ModelNumber) -> Option<Draw> {
    let [low, high] = number.range.as_ref()?;
    let quantity = |text: &str| text.parse::<Quantity>().ok().map(|quantity| quantity.value);
    let (low, mode, high) = (quantity(low)?, quantity(&number.text)?, quantity(high)?);
    let numbered = number.key.split('.').any(|part| part.chars().all(|letter| letter.is_ascii_digit()));
    if !(low < high && (low..=high).contains(&mode)) || numbered {
        return None;
    }
    let unit = match units::split(&number.text).ok()?.1 {
        "" => None,
        unit => Some(unit.parse::<Unit>().ok()?),
    };
    let law = Distribution::Triangle { low, mode, high, logarithmic: low > 0.0 && high / low >= WIDE, unit };
    let key = format!("{}.{}", number.root, number.key);
    Some(Draw { key, evidence: Some(number.evidence), what: number.what.clone(), law })
}

/// The thickness of a layer between persons.
fn thickness(name: &str, number: &Sourced, plan: &Plan) -> Result<Option<Draw>> {
    let (mean, Some(sd)) = (number.alone(&plan.traits)?, number.sd) else { return Ok(None) };
    let [low, high] = number.range.unwrap_or([0.0, f64::INFINITY]).map(|end| end / mean);
    let (low, high) = (low.clamp(THINNEST, 1.0), high.max(1.0));
    // A factor, so that what else the thickness depends on keeps its effect.
    let law = Distribution::Normal { mean: 1.0, sd: sd / mean, low, high, unit: String::new() };
    let what = format!("thickness of the {}, against the mean", name.replace('_', " "));
    let key = format!("tissue.layer.{name}.thickness.times.between_persons");
    Ok((sd > 0.0).then_some(Draw { key, evidence: None, what, law }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stratum_is_met_once_and_names_keep_their_draws() {
        let names = ["a".to_owned(), "b".to_owned()];
        let two = design(&names, 40, 7);
        for column in &two {
            let mut strata: Vec<usize> = column.iter().map(|value| (value * 40.0) as usize).collect();
            strata.sort_unstable();
            assert_eq!(strata, (0..40).collect::<Vec<_>>());
        }
        assert_eq!(design(&names[1..], 40, 7)[0], two[1]);
        assert_ne!(design(&names[1..], 40, 8)[0], two[1]);
    }

    #[test]
    fn laws_stay_in_their_ranges_and_have_their_medians() {
        let draw = |law| Draw { key: "k".into(), evidence: None, what: String::new(), law };
        let number = |value: Value| value.as_float().unwrap();
        let even = draw(Distribution::Triangle { low: 1.0, mode: 2.0, high: 3.0, logarithmic: false, unit: None });
        assert!((number(even.at(0.5)) - 2.0).abs() < 1e-5);
        let wide = draw(Distribution::Triangle { low: 1.0, mode: 10.0, high: 100.0, logarithmic: true, unit: None });
        assert!((number(wide.at(0.5)) - 10.0).abs() < 1e-4);
        for quantile in [1e-9, 0.1, 0.9, 1.0 - 1e-9] {
            assert!((1.0..=100.0).contains(&number(wide.at(quantile))));
        }
        let shares = draw(Distribution::Shares(vec![("no".into(), 0.9), ("yes".into(), 0.1)]));
        assert_eq!(shares.at(0.89).as_str(), Some("no"));
        assert_eq!(shares.at(0.91).as_str(), Some("yes"));
        let age = draw(Distribution::Normal { mean: 40.0, sd: 12.0, low: 22.0, high: 75.0, unit: "y".into() });
        assert_eq!(age.at(0.0).as_str().map(|text| text.starts_with("22")), Some(true));
    }
}
