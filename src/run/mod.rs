//! One run: the main loop, and what it answers.
//!
//! * an **event** is whatever happens at a moment: a session, a look, a change of a signal, a jump of rates; the loop advances to the
//!   next one and lets it happen ([`run()`]);
//! * a **look** reads the observables off the state on the way there, between steps where need be;
//! * an **outcome** is what was recorded, what the needles did, and what is doubtful about it ([`Outcome`]);
//! * an **answer** is an observable in five numbers: rest, peak, when, end, resolved ([`answer`]).
//!
//! It uses every room up to [`scenario`](crate::scenario). It writes nothing: that is for [`present`](crate::present).

pub mod answer;
pub mod session;

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use crate::base::error::{Error, Result};
use crate::engine::grid::Geometry;
use crate::engine::grid::{Grid, Shape};
use crate::engine::language::{LayerName, Setting};
use crate::engine::medium::Medium;
use crate::engine::observe::{Heading, Observer, Record, Snapshot, Track};
use crate::engine::stepper::{Count, Landing, Stepper};
use crate::scenario::Plan;
use crate::skin::injury;
use crate::skin::needling::Needling;

/// Everything a run produced.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was asked.
    pub plan: Arc<Plan>,
    /// The grid, for coordinates of snapshots.
    pub shape: Shape,
    /// Time courses.
    pub record: Record,
    /// Time courses of the same skin without needling; empty if nothing was needled.
    pub control: Record,
    /// Fields kept.
    pub snapshots: Vec<Snapshot>,
    /// What each session did mechanically.
    pub needling: Vec<Needling>,
    /// What it cost.
    pub cost: RunCost,
    /// What of the answer is wrong, in sentences: numbers that are not finite, contents below zero. Usually nothing.
    pub faults: Vec<String>,
    /// Why the answer may be less exact than was asked, in sentences; usually there is no reason.
    pub doubts: Vec<String>,
}

/// What a run cost.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunCost {
    /// Accepted steps.
    pub steps: u64,
    /// Rejected steps.
    pub rejected: u64,
    /// Steps that could not be shortened until their error was allowed.
    pub beyond: u64,
    /// What repairs of negative values moved, as a part of the largest content of the field.
    pub repaired: Vec<(String, f64)>,
    /// Threads used.
    pub threads: usize,
    /// Cells of the grid.
    pub cells: usize,
    /// Fields.
    pub fields: usize,
    /// Wall time in seconds by phase, as ("stepping", 3.2).
    pub seconds: Vec<(String, f64)>,
}

/// How far a run is, for a progress bar.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Simulated time [s].
    pub time: f64,
    /// End of the run [s].
    pub end: f64,
    /// Current step [s].
    pub step: f64,
}

/// Something that happens at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Occurrence {
    /// A signal gets a new value.
    Signal(usize, f64),
    /// An event of the model happens.
    Event(usize),
    /// The skin is needled, for the given time.
    Session(usize),
    /// Fields are kept.
    Snapshot,
    /// Nothing is left to do.
    End,
}

/// Runs a plan. `watch` is told how far it is after every step and may stop it by returning false.
///
/// # Errors
/// The plan cannot be carried out, the simulation cannot be carried on, or it was stopped.
pub fn run(plan: &Arc<Plan>, watch: &mut dyn FnMut(Progress) -> bool) -> Result<Outcome> {
    let mut clock = Stopwatch::default();
    let strata = if let Geometry::Cells { strata, .. } = plan.geometry { strata } else { 1 };
    let needling = plan.needle_all(strata)?;
    clock.lap("needling");
    let mut skin = begin(plan, needling.first())?;
    let mut outcome = follow(plan, &mut skin, needling, &mut clock, watch)?;
    if !plan.sessions.is_empty() {
        let geometry = untouched(plan, &skin);
        let control = Arc::new(Plan { sessions: Vec::new(), snapshots: Vec::new(), geometry, ..(**plan).clone() });
        let mut untouched = begin(&control, None)?;
        let mut aside = Stopwatch::default();
        outcome.control = follow(&control, &mut untouched, Vec::new(), &mut aside, &mut |_| watch(end(plan)))?.record;
        let faults = outcome.control.faults().into_iter().map(|fault| format!("without needling, {fault}"));
        outcome.faults.extend(faults);
        clock.lap("control");
    }
    outcome.cost.seconds = clock.laps;
    Ok(outcome)
}

/// Follows one skin from the start to the end of a plan.
fn follow(
    plan: &Arc<Plan>,
    skin: &mut Medium,
    needling: Vec<Needling>,
    clock: &mut Stopwatch,
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Result<Outcome> {
    let mut stepper = Stepper::new(skin, &plan.stepping)?;
    stepper.looks(skin, &plan.looks)?;
    let mut track = Track::default();
    let mut record = Record { headings: headings(plan, skin), acts: plan.sessions.clone(), ..Record::default() };
    let timeline = timeline(plan, skin);
    // What is set from the start holds at the start, and what happens there has happened.
    let begins = |kind: &Occurrence| matches!(kind, Occurrence::Signal(..) | Occurrence::Event(_));
    let at_start = timeline.iter().take_while(|(time, kind)| *time <= 0.0 && begins(kind)).count();
    for (_, kind) in &timeline[..at_start] {
        match kind {
            Occurrence::Signal(index, value) => skin.signals[*index] = *value,
            Occurrence::Event(event) => skin.happen(*event)?,
            _ => {}
        }
    }
    if at_start > 0 {
        stepper.restart(skin)?;
    }
    let mut snapshots = Vec::new();
    let mut looks = plan.looks.iter().copied().peekable();
    track.begin(skin);
    let most = plan.most_steps.unwrap_or(u64::MAX);
    let mut taken = 0;
    // Times that differ by rounding are one moment.
    let near = 1e-12 * plan.end;
    for moment in timeline[at_start..].chunk_by(|a, b| a.0 == b.0) {
        let time = moment[0].0;
        loop {
            let landed = stepper.leg(skin, time, &mut |skin, step| {
                track.see(skin);
                taken += 1;
                taken <= most && watch(Progress { time: skin.time, end: plan.end, step })
            });
            if taken > most {
                let message = format!("given up after {most} steps on day {:.3}", skin.time / crate::base::units::DAY);
                return Err(Error::simulation(message));
            }
            if landed? == Landing::Target {
                break;
            }
            // Courses bend where rates jump: nothing is read off across the moment.
            while let Some(look) = looks.next_if(|look| *look < skin.time) {
                record.push(look, track.at(skin, look));
            }
            track.begin(skin);
        }
        let jumps = moment.iter().any(|(_, kind)| matches!(kind, Occurrence::Session(_) | Occurrence::Event(_)));
        // Sessions and events are seen before and after, all else that happens at a moment only after.
        let before = if jumps { time + near } else { time - near };
        while let Some(look) = looks.next_if(|look| *look < before) {
            record.push(look, track.at(skin, look));
        }
        for (_, kind) in moment {
            match kind {
                Occurrence::Snapshot => snapshots.push(Snapshot::of(skin, &plan.snapshot_fields)),
                Occurrence::Signal(index, value) => skin.signals[*index] = *value,
                Occurrence::Event(event) => skin.happen(*event)?,
                Occurrence::Session(session) => injury::receive(skin, &needling[*session])?,
                Occurrence::End => {}
            }
            if matches!(kind, Occurrence::Signal(..) | Occurrence::Event(_) | Occurrence::Session(_)) {
                stepper.restart(skin)?;
                track.begin(skin);
            }
        }
        while let Some(look) = looks.next_if(|look| *look <= time + near) {
            record.push(look, track.at(skin, look));
        }
        if jumps {
            record.push(time, track.at(skin, time));
        }
    }
    clock.lap("stepping");
    let Count { accepted, rejected, beyond } = stepper.count;
    let repaired = stepper.repaired(skin);
    let doubts = doubts(beyond, (stepper.excess, stepper.leapt), &repaired);
    let (cells, fields) = (skin.grid.cells(), skin.layout.fields + skin.layout.surface + skin.compiled.quasi.len());
    let threads = rayon::current_num_threads();
    let cost = RunCost { steps: accepted, rejected, beyond, repaired, threads, cells, fields, seconds: Vec::new() };
    Ok(Outcome {
        plan: plan.clone(),
        shape: skin.grid.shape(),
        faults: [record.faults(), skin.negative()].concat(),
        record,
        control: Record::default(),
        snapshots,
        needling,
        cost,
        doubts,
    })
}

/// What of a field may be moved by repairs before it is worth a word.
const REPAIRED: f64 = 1e-3;

/// What there is to say about how a run was stepped.
fn doubts(beyond: u64, (excess, leapt): (f64, bool), repaired: &[(String, f64)]) -> Vec<String> {
    let moved = repaired.iter().filter(|(_, part)| *part > REPAIRED);
    let mut doubts: Vec<String> = moved
        .map(|(name, part)| {
            format!(
                "Values of {name} that fell below zero were put right, and {:.2} % of its content was moved for that: \
                 a smaller tolerance or a finer grid moves less.",
                100.0 * part
            )
        })
        .collect();
    if excess > 1.0 {
        doubts.push(format!(
            "Steps of a fixed length erred by up to {excess:.1} times what the tolerance allows: leave out `fixed` to have \
             their length chosen, or make them shorter."
        ));
    }
    if leapt {
        doubts.push(
            "Steps of a fixed length leapt over what something does with time alone: leave out `fixed`, or make them shorter."
                .into(),
        );
    }
    if beyond > JUMPS {
        doubts.push(format!(
            "{beyond} steps could not be made short enough for the error that was asked: something jumps again and \
             again as soon as the fields pass a threshold."
        ));
    }
    doubts
}

/// Steps of the shortest length that a few jumps need, or fields that begin at nothing as a high power of time.
const JUMPS: u64 = 1000;

/// Skin at rest on the grid of a plan; the radius of unit cells follows the hole density of the first session.
///
/// # Errors
/// The grid or the model does not fit the plan.
pub fn begin(plan: &Plan, first: Option<&Needling>) -> Result<Medium> {
    let radius = first.map(|needling| 1.0 / (std::f64::consts::PI * needling.hole_density).sqrt());
    let weights: Vec<f64> = first.map(|n| n.strata.iter().map(|(weight, _)| *weight).collect()).unwrap_or_default();
    // A point has one layer, and a model may know other fields there.
    let layers = Grid::layers(&plan.geometry, &plan.layers)?;
    let names = layers.iter().map(|layer| LayerName { name: layer.name.clone(), groups: layer.groups.clone() });
    let setting = Setting { layers: names.collect(), traits: plan.traits.clone() };
    let compiled = Arc::new(plan.model.compile(&setting)?);
    let turns = compiled.turns.each();
    let grid = Arc::new(Grid::new(&plan.geometry, &plan.layers, plan.resolution, radius, &weights, turns)?);
    Medium::new(grid, compiled, plan.seed)
}

/// The geometry for skin that is not needled: a single column, unless the model itself tells one place from another.
fn untouched(plan: &Plan, skin: &Medium) -> Geometry {
    if skin.compiled.is_even() {
        return Geometry::Section { width: 1e-3, cells: 1, periodic: false };
    }
    match plan.geometry {
        Geometry::Cells { spacing, .. } => {
            Geometry::Cells { strata: 1, radius: skin.grid.x.faces.last().copied(), spacing }
        }
        ref other => other.clone(),
    }
}

fn end(plan: &Plan) -> Progress {
    Progress { time: plan.end, end: plan.end, step: 0.0 }
}

/// All that happens, in order. At one moment signals change first, then events of the model happen, then the skin is needled, then
/// it is kept.
fn timeline(plan: &Plan, skin: &Medium) -> Vec<(f64, Occurrence)> {
    let mut events = Vec::new();
    for (time, name, value) in &plan.signals {
        if let Some(index) = skin.compiled.signals.iter().position(|(own, _)| own == name) {
            events.push((*time, Occurrence::Signal(index, *value)));
        }
    }
    events.extend(plan.events.iter().map(|(time, event)| (*time, Occurrence::Event(*event))));
    for (session, time) in plan.sessions.iter().enumerate() {
        events.push((*time, Occurrence::Session(session)));
    }
    events.extend(plan.snapshots.iter().map(|time| (*time, Occurrence::Snapshot)));
    events.push((plan.end, Occurrence::End));
    // A stable sort keeps the order in which things at one moment were entered.
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    events
}

/// The observables' names and their values at rest.
fn headings(plan: &Plan, skin: &Medium) -> Vec<Heading> {
    let rest = Observer::default().look(&skin.at_rest());
    let described = skin.compiled.observables.iter().zip(rest);
    described
        .map(|(observable, rest)| {
            let about = plan.model.observables.get(&observable.name);
            Heading {
                name: observable.name.clone(),
                what: about.map(|about| about.what.clone()).unwrap_or_default(),
                unit: observable.unit.clone(),
                group: about.map(|about| about.group.clone()).unwrap_or_default(),
                rest,
            }
        })
        .collect()
}

/// Wall time by phase.
struct Stopwatch {
    last: Instant,
    laps: Vec<(String, f64)>,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }
}

impl Stopwatch {
    fn lap(&mut self, name: &str) {
        let now = Instant::now();
        self.laps.push((name.into(), now.duration_since(self.last).as_secs_f64()));
        self.last = now;
    }
}
