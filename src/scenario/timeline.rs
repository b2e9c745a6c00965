//! When things happen: sessions, looks, snapshots, changes of signals, and how time is stepped between them.

use indexmap::IndexMap;
use serde_spanned::Spanned;
use toml_edit::Value;

use crate::base::error::{Result, suggestion};
use crate::base::units::DAY;
use crate::engine::language::{Accuracy, Model};
use crate::engine::stepper::{Method, Stepping};
use crate::scenario::decide::{Decider, Limits, as_written, quantity};
use crate::scenario::schedule::{MOST_MOMENTS, SAME, Schedule, latest, ordered, settle};
use crate::scenario::written::{self, Amount, Word, WrittenSignal};

const DURATION: Limits = Limits { unit: "d", low: (1e-9, "1 ns"), high: (100.0 * 365.25 * DAY, "100 years") };
pub(super) const MOMENT: Limits = Limits { low: (0.0, "0 d"), ..DURATION };
const TOLERANCES: Limits = Limits { unit: "1", low: (1e-12, "1e-12"), high: (0.1, "0.1") };

/// The most sessions of a course.
const MOST_SESSIONS: usize = 500;

/// Times of sessions and the end of the run.
pub(super) fn course(
    decide: &mut Decider,
    typed: Option<&Spanned<written::WrittenCourse>>,
    needled: bool,
) -> Result<(Vec<f64>, f64)> {
    let course = typed.map(|course| course.get_ref().clone()).unwrap_or_default();
    let given = [&course.sessions, &course.spacing, &course.first].into_iter().flatten().next();
    let mut sessions = Vec::new();
    if !needled {
        if let Some(place) = given.map(Amount::span).or(course.at.as_ref().map(Spanned::span)) {
            return Err(decide.refuse(place, "there are sessions, but nothing is needled").help("add [needling]"));
        }
    } else if let Some(at) = &course.at {
        if let Some(given) = given {
            return Err(decide
                .refuse(given.span(), "the sessions are given twice")
                .help("keep either `at` or `sessions`"));
        }
        if at.get_ref().is_empty() || at.get_ref().len() > MOST_SESSIONS {
            return Err(decide.refuse(at.span(), format!("a course has 1 to {MOST_SESSIONS} sessions")));
        }
        sessions = decide.amounts("course", "at", at.get_ref(), MOMENT)?;
        if sessions.windows(2).any(|pair| pair[1] <= pair[0]) {
            return Err(decide.refuse(at.span(), "the sessions must follow each other in time"));
        }
    } else {
        let count = decide.whole("course", "sessions", course.sessions.as_ref(), 1, 1..=MOST_SESSIONS);
        let spacing = decide.amount("course", "spacing", course.spacing.as_ref(), Some("4 weeks"), DURATION)?;
        let first = decide.amount("course", "first", course.first.as_ref(), Some("0 d"), MOMENT)?;
        let (first, spacing) = (first.unwrap_or(0.0), spacing.unwrap_or(0.0));
        sessions.extend((0..count).map(|i| first + i as f64 * spacing));
    }
    let default = if needled { "6 months" } else { "28 d" };
    let end = decide.amount("course", "followed", course.followed.as_ref(), Some(default), DURATION)?.unwrap_or(DAY);
    match sessions.last() {
        Some(last) if *last >= end * (1.0 - SAME) && decide.sound() => {
            let message = format!(
                "the last session, on day {:.4}, does not come before the end, day {:.4}",
                last / DAY,
                end / DAY
            );
            let place = course.followed.as_ref().or(course.sessions.as_ref()).map(Amount::span);
            let place = place.or(course.at.as_ref().map(Spanned::span)).unwrap_or(0..0);
            Err(decide
                .refuse(place, message)
                .help("`followed` counts from the start of the run, not from the last session"))
        }
        _ => Ok((sessions, end)),
    }
}

/// When the events of a model happen, as times and positions.
///
/// # Errors
/// One happens too often.
pub(super) fn events(model: &Model, sessions: &[f64], end: f64) -> Result<Vec<(f64, usize)>> {
    let anchors: Vec<f64> = sessions.iter().copied().chain([0.0, end]).collect();
    let mut all: Vec<(f64, usize)> = Vec::new();
    for (index, (name, timed)) in model.events.iter().enumerate() {
        let count = timed.count(end);
        if count > MOST_MOMENTS as f64 {
            let message =
                format!("the event `{name}` happens {count:.0} times in this run; at most {MOST_MOMENTS} are possible");
            return Err(model.source.refuse(timed.span.clone(), message));
        }
        let mut moments = timed.moments(end);
        settle(&mut moments, &anchors, end);
        moments.retain(|time| *time < end);
        let known: Vec<f64> = all.iter().map(|(time, _)| *time).collect();
        settle(&mut moments, &known, end);
        moments.sort_by(f64::total_cmp);
        moments.dedup_by(|later, earlier| *later - *earlier <= SAME * end);
        all.extend(moments.into_iter().map(|time| (time, index)));
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(all)
}

/// Events that this run does not reach, in sentences.
pub(super) fn idle_events(model: &Model, happening: &[(f64, usize)], end: f64) -> Vec<String> {
    let never = model.events.iter().enumerate().filter(|(index, _)| !happening.iter().any(|(_, own)| own == index));
    never
        .map(|(_, (name, _))| format!("the event `{name}` of the model never happens before the end, day {}", Day(end)))
        .collect()
}

pub(super) fn looks(
    decide: &mut Decider,
    typed: Option<&written::WrittenSchedule>,
    sessions: &[f64],
    events: &[(f64, usize)],
    end: f64,
) -> Result<Vec<f64>> {
    let mut schedule = Schedule::default();
    match typed {
        None if sessions.is_empty() => {
            schedule.every = Some(end / 200.0);
            decide.note("observe", "every", format!("{} s", end / 200.0).into());
        }
        None => {
            (schedule.every, schedule.log) = (Some(DAY), Some((900.0, DAY, 12)));
            decide.note("observe", "every", "1 d".into());
            decide.note(
                "observe",
                "log",
                inline(&[("from", "15 min".into()), ("until", "1 d".into()), ("points", 12.into())]),
            );
        }
        Some(typed) => {
            schedule.every = decide.amount("observe", "every", typed.every.as_ref(), None, DURATION)?;
            if let Some(at) = &typed.at {
                schedule.at = decide.amounts("observe", "at", at.get_ref(), MOMENT)?;
                not_after(decide, at.get_ref(), &schedule.at, end, "this moment")?;
            }
            if let Some(log) = &typed.log {
                let own = log.get_ref();
                let (from, until) =
                    (decide.read("from", &own.from, DURATION)?, decide.read("until", &own.until, DURATION)?);
                let points = decide.whole_of("points", &own.points, &(2..=1000))?;
                if from >= until {
                    return Err(decide.refuse(log.span(), "`from` must come before `until`"));
                }
                schedule.log = Some((from, until, points));
                let written = |amount: &Amount| as_written(amount.get_ref());
                let entries =
                    [("from", written(&own.from)), ("until", written(&own.until)), ("points", (points as i64).into())];
                decide.note("observe", "log", inline(&entries));
            }
        }
    }
    let place = typed.and_then(|typed| typed.every.as_ref()).map_or(0..0, Amount::span);
    let mut moments = schedule.moments(sessions, end).map_err(|error| error.at(&decide.source, place))?;
    moments.extend(sessions.iter().copied().chain(events.iter().map(|(time, _)| *time)).chain([0.0, end]));
    settle(&mut moments, sessions, end);
    Ok(ordered(moments, end))
}

/// Refuses a listed moment that the run does not reach.
fn not_after(decide: &Decider, written: &[Amount], times: &[f64], end: f64, what: &str) -> Result<()> {
    match written.iter().zip(times).find(|(_, time)| **time > latest(end) && decide.sound()) {
        None => Ok(()),
        Some((late, _)) => Err(decide
            .refuse(late.span(), format!("{what} lies after the end of the run, day {}", Day(end)))
            .help("follow the run for longer: `followed` under [course]")),
    }
}

/// A time in days without the rounding of its last places.
struct Day(f64);

impl std::fmt::Display for Day {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", (self.0 / DAY * 1e4).round() / 1e4)
    }
}

pub(super) fn snapshots(
    decide: &mut Decider,
    typed: Option<&written::Snapshots>,
    fields: &[&str],
    sessions: &[f64],
    end: f64,
) -> Result<(Vec<f64>, Vec<String>)> {
    let default = written::Snapshots::default();
    let given = typed.unwrap_or(&default);
    let mut schedule = Schedule::default();
    if given.every.is_none() && given.at.is_none() {
        // Bleeding, inflammation, proliferation and the end.
        let first = sessions.first().copied().unwrap_or(0.0);
        let days: &[f64] = if sessions.is_empty() { &[0.0] } else { &[1.0 / 24.0, 1.0, 3.0, 7.0, 28.0] };
        schedule.at = days.iter().map(|day| first + day * DAY).filter(|time| *time < end).chain([end]).collect();
        decide.note("snapshots", "at", Value::Array(schedule.at.iter().map(|time| format!("{time} s")).collect()));
    } else {
        schedule.every = decide.amount("snapshots", "every", given.every.as_ref(), None, DURATION)?;
        if let Some(at) = &given.at {
            schedule.at = decide.amounts("snapshots", "at", at.get_ref(), MOMENT)?;
            not_after(decide, at.get_ref(), &schedule.at, end, "this snapshot")?;
        }
    }
    let mut chosen = Vec::new();
    for field in given.fields.iter().flatten() {
        if !fields.contains(&field.get_ref().as_str()) {
            return Err(decide
                .refuse(field.span(), format!("the model has no field `{}`", field.get_ref()))
                .help(suggestion(field.get_ref(), fields.iter().copied())));
        }
        chosen.push(field.get_ref().clone());
    }
    if !chosen.is_empty() {
        decide.note("snapshots", "fields", Value::Array(chosen.iter().map(String::as_str).collect()));
    }
    let place = given.every.as_ref().map_or(0..0, Amount::span);
    let mut moments = schedule.moments(sessions, end).map_err(|error| error.at(&decide.source, place))?;
    settle(&mut moments, sessions, end);
    Ok((moments, chosen))
}

/// Changes of signals over time. Between its stretches a signal has the model's own value.
pub(super) fn signals(
    decide: &mut Decider,
    typed: &IndexMap<Word, WrittenSignal>,
    known: &IndexMap<String, crate::engine::language::Signal>,
    end: f64,
) -> Result<Vec<(f64, String, f64)>> {
    let mut events: Vec<(f64, String, f64)> = Vec::new();
    for (name, signal) in typed {
        let Some(own) = known.get(name.get_ref().as_str()) else {
            return Err(decide
                .refuse(name.span(), format!("the model has no signal `{}`", name.get_ref()))
                .help(suggestion(name.get_ref(), known.keys().map(String::as_str))));
        };
        let level = |value: &toml::Value, span| {
            let measured = quantity(value).and_then(|one| one.expect(&own.unit.text));
            let measured = measured.map_err(|error| error.at(&decide.source, std::ops::Range::clone(&span)))?;
            let [low, high] = own.range;
            if (low..=high).contains(&measured) {
                return Ok(measured);
            }
            // That no field goes negative was proved for signals inside their range.
            let message = format!("`{}` cannot be {} {}", name.get_ref(), own.unit.of(measured), own.unit.text);
            let range = format!("the model allows {} to {}", own.unit.of(low), own.unit.of(high));
            Err(decide.refuse(span, message).help(range))
        };
        let stretches = match signal {
            WrittenSignal::Constant(value) => {
                events.push((0.0, name.get_ref().clone(), level(value, name.span())?));
                continue;
            }
            WrittenSignal::Stretches(stretches) => stretches,
        };
        let mut last = 0.0;
        for (i, stretch) in stretches.iter().enumerate() {
            let moment = |key: &str, given: &Option<Amount>, default: f64| {
                given.as_ref().map_or(Ok(default), |given| decide.read(key, given, MOMENT))
            };
            let typed = stretch.get_ref();
            let from = moment("from", &typed.from, 0.0)?;
            let until = moment("until", &typed.until, f64::INFINITY)?;
            if from < last {
                let message = format!("the stretches of `{}` must follow each other", name.get_ref());
                return Err(decide.refuse(stretch.span(), message));
            }
            if until <= from {
                return Err(decide.refuse(stretch.span(), "a stretch must end after it begins"));
            }
            if i > 0 && from == last {
                events.pop();
            }
            events.push((from, name.get_ref().clone(), level(typed.value.get_ref(), typed.value.span())?));
            events.push((until, name.get_ref().clone(), own.default));
            last = until;
        }
    }
    events.retain(|(time, ..)| *time < end);
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(events)
}

pub(super) fn stepping(decide: &mut Decider, typed: &written::WrittenStepping, model: Accuracy) -> Result<Stepping> {
    let method = match decide.choice("stepping", "method", typed.method.as_ref(), &["implicit", "explicit"]) {
        "explicit" => Method::Explicit,
        _ => Method::Implicit,
    };
    let mut part = |key: &str, given: &Option<Amount>, own: f64, limits: Limits| {
        decide
            .amount("stepping", key, given.as_ref(), Some(&format!("{own}")), limits)
            .map(|value| value.unwrap_or(own))
    };
    let tolerance = part("tolerance", &typed.tolerance, model.tolerance, TOLERANCES)?;
    let absolute = part("absolute", &typed.absolute, model.absolute, Limits { high: (1.0, "1"), ..TOLERANCES })?;
    let longest = decide.amount("stepping", "longest", typed.longest.as_ref(), Some("7 d"), DURATION)?;
    let fixed = decide.amount("stepping", "fixed", typed.fixed.as_ref(), None, DURATION)?;
    Ok(Stepping { method, tolerance, absolute, longest: longest.unwrap_or(DAY), fixed })
}

/// Steps after which a run is given up.
pub(super) fn most_steps(decide: &mut Decider, typed: &written::WrittenStepping) -> Result<Option<u64>> {
    let Some(given) = &typed.most_steps else { return Ok(None) };
    let most = decide.whole("stepping", "most_steps", Some(given), 1, 1..=1_000_000_000_000);
    Ok(Some(most as u64))
}

fn inline(entries: &[(&str, Value)]) -> Value {
    Value::InlineTable(entries.iter().cloned().collect())
}
