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
//! | `needling(NAME)`, `needling(NAME, PART)` | a number of the first session, with its unit |
//! | `dose()` | holes per area of the first session |
//! | `least_step(…)` | smallest difference of a reading between a run and the next: above zero, it rises over the runs |
//! | `lowest(…)`, `highest(…)` | extremes of a reading over the runs |
//! | `puncture_force(tip radius, speed)` | a law of one needle, in `evidence::needle` |
//!
//! Where an observation has several runs, the last argument names the run, as in `at(erythema, [2 h], long)`; inside
//! `least_step`, `lowest` and `highest` it is left out.

use std::cell::{Cell, RefCell};

use crate::error::{Error, Result, suggestion};
use crate::evidence::file::Run;
use crate::evidence::needle;
use crate::language::{Argument, Scope};
use crate::needling::Needling;
use crate::observe::Record;
use crate::output::needling::Session;
use crate::output::summary::deviation;
use crate::units::{Dimension, Quantity, Unit};

/// What came out of a run, as far as it is read.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Time courses; empty if only the needles are read.
    pub record: Record,
    /// What the first session did.
    pub session: Option<Session>,
}

impl Answer {
    /// What is read of a run.
    pub fn of(record: Record, needling: Option<&Needling>) -> Self {
        Self { record, session: needling.map(|needling| Session::of(needling, 0.0)) }
    }
}

/// What a reading asks of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Moments at which somebody has to look \[s\].
    pub moments: Vec<f64>,
    /// Whether the response is read at all.
    pub response: bool,
}

/// Evaluates readings over the runs of one observation, or finds out what they would need.
pub(super) struct Reader<'a> {
    runs: &'a [Run],
    answers: Answers<'a>,
    /// The run that is read inside `least_step` and its kin.
    current: Cell<Option<usize>>,
}

enum Answers<'a> {
    Known(&'a [Answer]),
    Asked(&'a [RefCell<Seen>]),
}

const FUNCTIONS: [&str; 14] = [
    "at",
    "rest",
    "peak",
    "peak_time",
    "largest",
    "smallest",
    "falls_to",
    "rises_to",
    "needling",
    "dose",
    "least_step",
    "lowest",
    "highest",
    "puncture_force",
];

impl<'a> Reader<'a> {
    /// Reads finished runs.
    pub fn of(runs: &'a [Run], answers: &'a [Answer]) -> Self {
        Self { runs, answers: Answers::Known(answers), current: Cell::new(None) }
    }

    /// Notes what would be read; every number is one.
    pub fn dry(runs: &'a [Run], seen: &'a [RefCell<Seen>]) -> Self {
        Self { runs, answers: Answers::Asked(seen), current: Cell::new(None) }
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
        read: impl Fn(&Course<'_>) -> f64,
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
            Answers::Asked(seen) => {
                let mut seen = seen[run].borrow_mut();
                seen.response = true;
                seen.moments.extend(moments);
                Ok((unit.factor, unit))
            }
            Answers::Known(answers) => {
                let record = &answers[run].record;
                let Some(column) = record.headings.iter().position(|heading| heading.name == word) else {
                    return Err(Error::simulation(format!("the run kept no `{word}`")));
                };
                Ok((read(&Course { record, column }) * unit.factor, unit))
            }
        }
    }

    /// A number of the first session.
    fn needling(&self, run: usize, name: &str, part: Option<&str>) -> Result<Quantity> {
        let key = part.map_or_else(|| name.to_owned(), |part| format!("{name}.{part}"));
        match &self.answers {
            // Which numbers there are is only known from a session.
            Answers::Asked(_) => {
                let told = crate::evidence::judge::needles(&self.runs[run])?;
                Self::told(&told, &key).map(|q| Quantity { value: 1.0, ..q })
            }
            Answers::Known(answers) => match &answers[run].session {
                Some(session) => Self::told(session, &key),
                None => Err(Error::input("nothing is needled in this run")),
            },
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

    /// A reading in every run.
    fn over_runs(&self, reading: &Argument<'_>) -> Result<Vec<Quantity>> {
        let before = self.current.get();
        let all = (0..self.runs.len())
            .map(|run| {
                self.current.set(Some(run));
                reading.value(self)
            })
            .collect();
        self.current.set(before);
        all
    }

    fn time(&self, argument: &Argument<'_>) -> Result<f64> {
        argument.value(self)?.expect("d")
    }
}

/// A dimension with the value one.
fn seconds(value: f64) -> Result<Quantity> {
    let unit: Unit = "s".parse()?;
    Ok(Quantity { value, dimension: unit.dimension })
}

impl Scope for Reader<'_> {
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
struct Course<'a> {
    record: &'a Record,
    column: usize,
}

impl Course<'_> {
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
