//! What a reading may say.
//!
//! | function | meaning |
//! |---|---|
//! | `at(NAME, time)` | observable at a time since the start; at a session, just after it |
//! | `rest(NAME)` | its value at rest |
//! | `peak(NAME)` | its largest deviation from rest, with its sign |
//! | `peak_time(NAME)` | when that was |
//! | `largest(NAME, from, to)`, `smallest(NAME, from, to)` | its extremes between two times |
//! | `falls_to(NAME, share)` | first time after the peak at which the deviation is this share of it; `inf` if never |
//! | `rises_to(NAME, value)` | first time after its lowest at which the observable reaches a value again; `inf` if never |
//! | `stays_below(NAME, value)` | time after the last session from which the observable stays at or below a value; `inf` if it does not |
//! | `needling(NAME)`, `needling(NAME, PART)` | a number of the first session, with its unit |
//! | `dose()` | holes per area of the first session |
//! | `resolved(NAME)` | time after the last session from which the deviation stays within 5 % of its peak; `inf` if it does not |
//! | `recovery()` | time after the last session from which every symptom and the barrier are over |
//! | `carried_over(NAME)` | deviation just before the last session, against its largest since the one before |
//! | `price(WORD)` | price of a session in the money of the place: `p05`, `median`, `mean`, `p95` |
//! | `spread(WORD)` | what needles carry off from a lesion: `reach`, `area`, `step`, `holes`, `inoculated_holes` |
//! | `advice()`, `advice(RULE)` | rules that speak up: how many, or whether this one does |
//! | `least_step(…)` | smallest difference of a reading between a run and the next: above zero, it rises over the runs |
//! | `lowest(…)`, `highest(…)` | extremes of a reading over the runs |
//! | `puncture_force(tip radius, speed)` | a law of one needle, in `evidence::needle` |
//!
//! Where an observation has several runs, the last argument names the run, as in `at(erythema, [2 h], long)`; inside
//! `least_step`, `lowest` and `highest` it is left out.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::error::{Error, Result, suggestion};
use crate::base::units::{Dimension, Quantity, Unit};
use crate::engine::language::{Argument, FormulaScope};
use crate::engine::observe::Record;
use crate::run::Outcome;
use crate::run::answer::{answers, deviation};
use crate::run::session::Session;
use crate::scenario::{Plan, Scenario};
use crate::skin::needling::Needling;
use crate::skin::protocol::Solver;
use crate::study::evidence::needle;
use crate::study::practice::{self, Practice};

/// What came out of a run, as far as it is read.
#[derive(Debug, Clone)]
pub struct RunAnswer {
    /// Time courses; empty if only the needles are read.
    pub record: Record,
    /// What the first session did.
    pub session: Option<Session>,
    /// What it means in practice.
    pub practice: Practice,
}

impl RunAnswer {
    /// What is read of a run that was followed.
    ///
    /// # Errors
    /// A rule speaks of a number that no session has.
    pub fn of(outcome: Outcome) -> Result<Self> {
        let practice = Practice::of(&outcome)?;
        let session = outcome.needling.first().map(|needling| Session::of(needling, 0.0));
        Ok(Self { record: outcome.record, session, practice })
    }

    /// What is read of needles alone.
    ///
    /// # Errors
    /// As [`RunAnswer::of`].
    pub fn of_needles(plan: &Arc<Plan>, needling: Needling) -> Result<Self> {
        let session = Session::of(&needling, 0.0);
        let sessions = vec![needling; plan.sessions.len()];
        let record = Record { acts: plan.sessions.clone(), ..Record::default() };
        let practice = Practice {
            advice: practice::advice(plan, &sessions, None)?,
            price: plan.cost.as_ref().map(|cost| practice::price(cost, &record)).transpose()?,
            spread: match (&plan.lesion, sessions.first()) {
                (Some(lesion), Some(needling)) => practice::spread(plan, lesion, needling)?,
                _ => None,
            },
            ..Practice::default()
        };
        Ok(Self { record, session: Some(session), practice })
    }

    /// The answer as it would be with the looks of this plan and no others: a run that several files read is looked at by all
    /// of them, and what one reads must not depend on the others.
    #[must_use]
    pub fn seen_by(&self, plan: &Plan) -> Self {
        let own = |time: &f64| {
            plan.looks.binary_search_by(|look| look.total_cmp(time)).is_ok() || plan.sessions.contains(time)
        };
        let (times, values) = self
            .record
            .times
            .iter()
            .zip(&self.record.values)
            .filter(|(time, _)| own(time))
            .map(|(time, row)| (*time, row.clone()))
            .unzip();
        let record = Record { times, values, headings: self.record.headings.clone(), acts: self.record.acts.clone() };
        Self { record, session: self.session.clone(), practice: self.practice.clone() }
    }
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

/// What a reading asks of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Moments at which somebody has to look \[s\].
    pub moments: Vec<f64>,
    /// Whether the response is read at all.
    pub response: bool,
    /// Observables that are read.
    pub observables: BTreeSet<String>,
    /// What the first session does, once somebody asked.
    session: Option<Session>,
}

/// Evaluates readings over the runs of one observation, or finds out what they would need.
pub(crate) struct ReadingEvaluator<'a> {
    runs: &'a [Run],
    answers: RunAnswers<'a>,
    /// The run that is read inside `least_step` and its kin.
    current: Cell<Option<usize>>,
}

enum RunAnswers<'a> {
    Known(&'a [RunAnswer]),
    Asked(&'a [RefCell<Seen>]),
}

const FUNCTIONS: [&str; 21] = [
    "at",
    "rest",
    "peak",
    "peak_time",
    "largest",
    "smallest",
    "falls_to",
    "rises_to",
    "stays_below",
    "needling",
    "dose",
    "resolved",
    "recovery",
    "carried_over",
    "price",
    "spread",
    "advice",
    "least_step",
    "lowest",
    "highest",
    "puncture_force",
];

impl<'a> ReadingEvaluator<'a> {
    /// Reads finished runs.
    pub fn of(runs: &'a [Run], answers: &'a [RunAnswer]) -> Self {
        Self { runs, answers: RunAnswers::Known(answers), current: Cell::new(None) }
    }

    /// Notes what would be read; every number is one.
    pub fn dry(runs: &'a [Run], seen: &'a [RefCell<Seen>]) -> Self {
        Self { runs, answers: RunAnswers::Asked(seen), current: Cell::new(None) }
    }

    /// What `read` gives where the run may be left out, since it is this one.
    pub fn in_run<T>(&self, run: usize, read: impl FnOnce() -> T) -> T {
        let before = self.current.replace(Some(run));
        let out = read();
        self.current.set(before);
        out
    }

    /// The run an argument list speaks of, and the arguments without its name.
    fn run<'b>(&self, arguments: &'b [Argument<'b>]) -> Result<(usize, &'b [Argument<'b>])> {
        if let Some((last, rest)) = arguments.split_last()
            && let Some(word) = last.word()
            && let Some(run) = self.runs.iter().position(|run| run.name == word)
        {
            return Ok((run, rest));
        }
        match (self.current.get(), self.runs) {
            (Some(run), _) => Ok((run, arguments)),
            (None, [_]) => Ok((0, arguments)),
            (None, runs) => {
                let names = runs.iter().map(|run| format!("`{}`", run.name)).collect::<Vec<_>>().join(", ");
                Err(Error::input("this does not say which run it reads").help(format!("end it with one of {names}")))
            }
        }
    }

    /// A reading of an observable of a run.
    fn observable(
        &self,
        run: usize,
        name: &Argument<'_>,
        moments: &[f64],
        read: impl Fn(&TimeCourse<'_>) -> f64,
    ) -> Result<(f64, Unit)> {
        let Some(word) = name.word() else {
            return Err(Error::input("the first argument is the name of an observable"));
        };
        let known = &self.runs[run].plan.model.observables;
        let Some(about) = known.get(word) else {
            return Err(Error::input(format!("the model has no observable `{word}`"))
                .help(suggestion(word, known.keys().map(String::as_str))));
        };
        let unit = about.unit.clone();
        match &self.answers {
            RunAnswers::Asked(seen) => {
                let mut seen = seen[run].borrow_mut();
                seen.response = true;
                seen.moments.extend(moments);
                seen.observables.insert(word.to_owned());
                Ok((unit.factor, unit))
            }
            RunAnswers::Known(answers) => {
                let record = &answers[run].record;
                let Some(column) = record.headings.iter().position(|heading| heading.name == word) else {
                    return Err(Error::simulation(format!("the run kept no `{word}`")));
                };
                Ok((read(&TimeCourse { record, column }) * unit.factor, unit))
            }
        }
    }

    /// A number of the first session.
    fn needling(&self, run: usize, name: &str, part: Option<&str>) -> Result<Quantity> {
        let key = part.map_or_else(|| name.to_owned(), |part| format!("{name}.{part}"));
        match &self.answers {
            // Which numbers there are is only known from a session.
            RunAnswers::Asked(seen) => {
                let known = seen[run].borrow().session.clone();
                let session = match known {
                    Some(session) => session,
                    None => Session::of(&roughly(&self.runs[run].plan)?, 0.0),
                };
                let told = Self::told(&session, &key).map(|q| Quantity { value: 1.0, ..q });
                seen[run].borrow_mut().session = Some(session);
                told
            }
            RunAnswers::Known(answers) => match &answers[run].session {
                Some(session) => Self::told(session, &key),
                None => Err(Error::input("nothing is needled in this run")),
            },
        }
    }

    /// Prices, what is carried off, and rules.
    fn of_practice(&self, run: usize, function: &str, words: &[Argument<'_>]) -> Result<Quantity> {
        let plan = &self.runs[run].plan;
        let word = match words {
            [] if function == "advice" => {
                return self.practice(run, "1", |answer| Some(answer.practice.advice.len() as f64));
            }
            [only] => only.word(),
            _ => None,
        };
        let Some(word) = word else {
            return Err(Error::input(format!("`{function}` takes one name")));
        };
        let known =
            |known: &[&str]| match known.contains(&word) {
                true => Ok(()),
                false => Err(Error::input(format!("`{function}` knows no `{word}`"))
                    .help(suggestion(word, known.iter().copied()))),
            };
        match function {
            "price" => {
                if plan.cost.is_none() {
                    return Err(Error::input("the scenario names no prices").help("write cost = \"united_states\""));
                }
                known(&["p05", "median", "mean", "p95"])?;
                self.practice(run, "1", |answer| {
                    let practice::PriceSpread { p05, median, mean, p95 } = answer.practice.price.as_ref()?.session;
                    Some(match word {
                        "p05" => p05,
                        "median" => median,
                        "mean" => mean,
                        _ => p95,
                    })
                })
            }
            "spread" => {
                if plan.lesion.as_ref().is_none_or(|lesion| lesion.carriage.is_none()) {
                    return Err(Error::input("nothing in this run can be carried off by needles"));
                }
                known(&["reach", "area", "step", "holes", "inoculated_holes"])?;
                let unit = match word {
                    "reach" | "step" => "m",
                    "area" => "m^2",
                    _ => "1",
                };
                self.practice(run, unit, |answer| {
                    let spread = answer.practice.spread.as_ref()?;
                    Some(match word {
                        "reach" => spread.reach,
                        "step" => spread.step,
                        "area" => spread.area,
                        "holes" => spread.holes,
                        _ => spread.inoculated_holes,
                    })
                })
            }
            _ => {
                let rules: Vec<&str> =
                    plan.rules.iter().flat_map(|rules| rules.rule.keys().map(String::as_str)).collect();
                known(&rules)?;
                let speaks = |answer: &RunAnswer| answer.practice.advice.iter().any(|advice| advice.rule == word);
                self.practice(run, "1", |answer| Some(f64::from(u8::from(speaks(answer)))))
            }
        }
    }

    fn told(session: &Session, key: &str) -> Result<Quantity> {
        let told = session.told();
        let Some(one) = told.iter().find(|one| one.key == key) else {
            let known: Vec<&str> = told.iter().map(|one| one.key.as_str()).collect();
            return Err(Error::input(format!("a session has no number `{key}`")).help(suggestion(key, known)));
        };
        let unit: Unit = one.unit.parse()?;
        Ok(Quantity { value: one.value * unit.factor, dimension: unit.dimension })
    }

    /// A number of practice: `read` of what is known of a run, one where nothing is known yet.
    fn practice(&self, run: usize, unit: &str, read: impl Fn(&RunAnswer) -> Option<f64>) -> Result<Quantity> {
        let unit: Unit = unit.parse()?;
        let value = match &self.answers {
            RunAnswers::Asked(_) => 1.0,
            RunAnswers::Known(answers) => read(&answers[run]).map_or(f64::INFINITY, |value| value * unit.factor),
        };
        Ok(Quantity { value, dimension: unit.dimension })
    }

    /// Notes that the response of a run is read.
    pub fn followed(&self, run: usize) {
        if let RunAnswers::Asked(seen) = &self.answers {
            seen[run].borrow_mut().response = true;
        }
    }

    /// A reading in every run.
    fn over_runs(&self, reading: &Argument<'_>) -> Result<Vec<Quantity>> {
        (0..self.runs.len()).map(|run| self.in_run(run, || reading.value(self))).collect()
    }

    fn time(&self, argument: &Argument<'_>) -> Result<f64> {
        argument.value(self)?.expect("d")
    }
}

/// A session whose numbers have the right names and units, and little more: the quickest mechanics.
fn roughly(plan: &Arc<Plan>) -> Result<Needling> {
    let mut plan = Plan::clone(plan);
    if let Some(protocol) = &mut plan.protocol {
        protocol.solver = Solver::Lumped;
    }
    plan.needle(0, 1)
}

/// A time.
fn seconds(value: f64) -> Result<Quantity> {
    let unit: Unit = "s".parse()?;
    Ok(Quantity { value, dimension: unit.dimension })
}

impl FormulaScope for ReadingEvaluator<'_> {
    fn name(&self, name: &str) -> Result<Quantity> {
        Err(Error::input(format!("`{name}` alone means nothing here")).help("write at(NAME, [2 h]) or peak(NAME)"))
    }

    fn call(&self, function: &str, arguments: &[Argument<'_>]) -> Result<Quantity> {
        let over = |reading: &Argument<'_>, of: fn(&[f64]) -> f64| {
            let all = self.over_runs(reading)?;
            let dimension = all.first().map_or(Dimension::NONE, |one| one.dimension);
            Ok(Quantity { value: of(&all.iter().map(|one| one.value).collect::<Vec<_>>()), dimension })
        };
        match (function, arguments) {
            ("least_step", [reading]) => {
                return over(reading, |all| all.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min));
            }
            ("lowest", [reading]) => return over(reading, |all| all.iter().copied().fold(f64::INFINITY, f64::min)),
            ("highest", [reading]) => {
                return over(reading, |all| all.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            }
            _ => {}
        }
        let (run, arguments) = match self.run(arguments) {
            // One needle in given skin: the runs of an observation share its laws.
            Err(_) if needle::LAWS.contains(&function) => (0, arguments),
            found => found?,
        };
        let of_unit = |(value, unit): (f64, Unit)| Ok(Quantity { value, dimension: unit.dimension });
        match (function, arguments) {
            ("at", [name, time]) => {
                let time = self.time(time)?;
                of_unit(self.observable(run, name, &[time], |course| course.at(time))?)
            }
            ("rest", [name]) => of_unit(self.observable(run, name, &[], |course| course.rest())?),
            ("peak", [name]) => of_unit(self.observable(run, name, &[], |course| course.peak().1)?),
            ("peak_time", [name]) => self
                .observable(run, name, &[], |course| course.peak().0)
                .and_then(|(value, unit)| seconds(value / unit.factor)),
            ("largest" | "smallest", [name, from, to]) => {
                let (from, to) = (self.time(from)?, self.time(to)?);
                let largest = function == "largest";
                of_unit(self.observable(run, name, &[from, to], |course| course.extreme(from, to, largest))?)
            }
            ("falls_to", [name, share]) => {
                let share = share.value(self)?.expect("1")?;
                self.observable(run, name, &[], |course| course.falls_to(share))
                    .and_then(|(value, unit)| seconds(value / unit.factor))
            }
            ("rises_to", [name, value]) => {
                let value = value.value(self)?;
                self.observable(run, name, &[], |course| {
                    let unit = &course.record.headings[course.column].unit;
                    course.rises_to(unit.of(value.value))
                })
                .and_then(|(value, unit)| seconds(value / unit.factor))
            }
            ("stays_below", [name, value]) => {
                let value = value.value(self)?;
                let last = self.runs[run].plan.sessions.last().copied().unwrap_or(0.0);
                self.observable(run, name, &[], |course| {
                    let unit = &course.record.headings[course.column].unit;
                    course.stays_below(unit.of(value.value), last) - last
                })
                .and_then(|(value, unit)| seconds(value / unit.factor))
            }
            ("resolved", [name]) => {
                let last = self.runs[run].plan.sessions.last().copied().unwrap_or(0.0);
                self.observable(run, name, &[], |course| course.resolved() - last)
                    .and_then(|(value, unit)| seconds(value / unit.factor))
            }
            ("recovery", []) => {
                self.followed(run);
                self.practice(run, "d", |answer| answer.practice.recovery.as_ref()?.days)
            }
            ("carried_over", [name]) => {
                self.observable(run, name, &[], |course| course.rest())?;
                let name = name.word().unwrap_or_default();
                let last = |answer: &RunAnswer| {
                    let all = answer.practice.carried_over.iter().rev();
                    all.into_iter().find(|one| one.observable == name).map(|one| one.share)
                };
                self.practice(run, "1", last)
            }
            ("price" | "spread" | "advice", words) => self.of_practice(run, function, words),
            ("needling", [name]) => match name.word() {
                Some(name) => self.needling(run, name, None),
                None => Err(Error::input("`needling` takes the name of a number of the session")),
            },
            ("needling", [name, part]) => match (name.word(), part.word()) {
                (Some(name), Some(part)) => self.needling(run, name, Some(part)),
                _ => Err(Error::input("`needling` takes the names of a number of the session and of a part of it")),
            },
            ("dose", []) => self.needling(run, "holes_per_area", None),
            _ => match needle::law(function, &self.runs[run].plan) {
                Some(law) => {
                    let values = arguments.iter().map(|one| one.value(self)).collect::<Result<Vec<_>>>()?;
                    law?.of(&values)
                }
                None if FUNCTIONS.contains(&function) => {
                    Err(Error::input(format!("`{function}` does not take {} arguments here", arguments.len())))
                }
                None => Err(Error::input(format!("there is no reading `{function}`"))
                    .help(suggestion(function, FUNCTIONS.into_iter().chain(needle::LAWS)))),
            },
        }
    }
}

/// One observable of a record, in the unit of its heading, times in seconds.
struct TimeCourse<'a> {
    record: &'a Record,
    column: usize,
}

impl TimeCourse<'_> {
    fn rest(&self) -> f64 {
        self.record.headings[self.column].rest
    }

    fn points(&self) -> impl DoubleEndedIterator<Item = (f64, f64)> + Clone + '_ {
        self.record.times.iter().zip(&self.record.values).map(|(time, row)| (*time, row[self.column]))
    }

    /// The value at a time, the later one of two.
    fn at(&self, time: f64) -> f64 {
        let after = self.record.times.partition_point(|own| *own <= time * (1.0 + 1e-12) + 1e-6);
        let of = |row: usize| self.record.values[row][self.column];
        match (after.checked_sub(1), self.record.times.get(after)) {
            (Some(before), Some(later)) => {
                let from = self.record.times[before];
                let part = ((time - from) / (later - from)).clamp(0.0, 1.0);
                of(before) + part * (of(after) - of(before))
            }
            (Some(before), None) => of(before),
            (None, _) => f64::NAN,
        }
    }

    /// When the deviation from rest was largest, and how large.
    fn peak(&self) -> (f64, f64) {
        let rest = self.rest();
        let deviations = self.points().map(|(time, value)| (time, deviation(value, rest)));
        deviations.fold((0.0, 0.0), |best: (f64, f64), own| if own.1.abs() > best.1.abs() { own } else { best })
    }

    fn extreme(&self, from: f64, to: f64, largest: bool) -> f64 {
        let inside = self.points().filter(|(time, _)| (from - 1e-6..=to + 1e-6).contains(time)).map(|(_, value)| value);
        if largest { inside.fold(f64::NEG_INFINITY, f64::max) } else { inside.fold(f64::INFINITY, f64::min) }
    }

    /// Time since the start from which the deviation stays small; infinite if it does not.
    fn resolved(&self) -> f64 {
        let name = &self.record.headings[self.column].name;
        let day = answers(self.record).get(name).and_then(|answer| answer.resolved_day);
        day.map_or(f64::INFINITY, |day| day * crate::base::units::DAY)
    }

    /// First time after the peak at which the deviation is `share` of it.
    fn falls_to(&self, share: f64) -> f64 {
        let (moment, peak) = self.peak();
        let rest = self.rest();
        let after = self.points().map(|(time, value)| (time, (value - rest) / peak)).skip_while(|(time, part)| {
            // Of the two looks at a session the peak is the later one.
            *time < moment || *part < 1.0
        });
        crossing(after, share, |value, level| value <= level)
    }

    /// From when on it is at or below `level` for good, not before `from`; infinite if it never is.
    fn stays_below(&self, level: f64, from: f64) -> f64 {
        let Some(above) = self.points().filter(|(_, value)| *value > level).map(|(time, _)| time).next_back() else {
            return from;
        };
        crossing(self.points().skip_while(|(time, value)| *time < above || *value <= level), level, |own, level| {
            own <= level
        })
        .max(from)
    }

    /// First time after its lowest at which it reaches `level`.
    fn rises_to(&self, level: f64) -> f64 {
        let lowest = self.points().map(|(_, value)| value).fold(f64::INFINITY, f64::min);
        crossing(self.points().skip_while(move |(_, value)| *value > lowest), level, |value, level| value >= level)
    }
}

/// The first moment at which a course has crossed a level, straight between two looks.
fn crossing(points: impl Iterator<Item = (f64, f64)>, level: f64, past: fn(f64, f64) -> bool) -> f64 {
    let mut last: Option<(f64, f64)> = None;
    for (time, value) in points {
        if past(value, level) {
            return match last {
                Some((before, old)) if value != old => before + (time - before) * (level - old) / (value - old),
                _ => time,
            };
        }
        last = Some((time, value));
    }
    f64::INFINITY
}
