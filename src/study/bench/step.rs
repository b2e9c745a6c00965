//! The coupled step: the default model on a small tile, an hour after a session.

use crate::base::error::Result;
use crate::engine::medium::Medium;
use crate::engine::stepper::Stepping;
use crate::engine::stepper::{BALANCE, ROS34PW2, Stepper, System};
use crate::run;
use crate::scenario::{Plan, Scenario};
use crate::skin::injury;
use crate::study::bench::report::Phase;
use crate::study::bench::timing::Timing;

/// What is asked: sizes and times only, everything else as the catalogue has it.
const SCENARIO: &str =
    "tissue = \"cheek\"\n[needling]\nlength = \"1.5 mm\"\n[course]\nsessions = 1\nfollowed = \"1 d\"\n
    [grid]\ngeometry = \"tile\"\nwidth = \"1 mm\"\ncells = 32\n";
/// Time since the session [s].
const SINCE: f64 = 3600.0;
/// The step that is measured [s]: of the length that the error allows at that time.
const STEP: f64 = 240.0;

/// A tile of skin an hour after its session.
///
/// # Errors
/// The simulation failed.
pub fn healing_skin() -> Result<(Plan, Medium)> {
    let plan = Scenario::from_text("bench", SCENARIO).plan()?;
    let needling = plan.needle(0, 1)?;
    let mut skin = run::begin(&plan, Some(&needling))?;
    let mut stepper = Stepper::new(&mut skin, &plan.stepping)?;
    injury::receive(&mut skin, &needling)?;
    stepper.restart(&mut skin)?;
    stepper.advance(&mut skin, SINCE, &mut |_, _| true)?;
    Ok((plan, skin))
}

/// Healing skin and its stepper.
#[derive(Debug)]
pub struct Healing {
    skin: Medium,
    stepping: Stepping,
}

impl Healing {
    /// A tile an hour after a session.
    ///
    /// # Errors
    /// The simulation failed.
    pub fn new() -> Result<Self> {
        let (plan, skin) = healing_skin()?;
        Ok(Self { skin, stepping: plan.stepping })
    }

    /// Cells of the tile.
    pub fn cells(&self) -> usize {
        self.skin.grid.cells()
    }

    /// Fields of all kinds.
    pub fn fields(&self) -> usize {
        self.skin.layout.fields + self.skin.layout.surface + self.skin.compiled.quasi.len()
    }

    /// The time of one step.
    ///
    /// # Errors
    /// A step failed.
    pub fn step(&mut self, seconds: f64) -> Result<Timing> {
        let mut stepper = Stepper::new(&mut self.skin.clone(), &self.stepping)?;
        let mut failed = None;
        let timing = Timing::with(
            seconds,
            || self.skin.clone(),
            |mut skin| {
                if let Err(error) = stepper.force(&mut skin, STEP) {
                    failed = Some(error);
                }
            },
        );
        failed.map_or(Ok(timing), Err)
    }

    /// The parts of a step, each measured alone; what is left of the whole step goes to the last.
    ///
    /// # Errors
    /// A quasi-steady field has no balance.
    pub fn phases(&mut self, seconds: f64, threads: usize, whole: &Timing) -> Result<Vec<Phase>> {
        let mut skin = self.skin.clone();
        let mut system = System::new(&skin)?;
        system.settle(&mut skin)?;
        system.ask(BALANCE * self.stepping.tolerance);
        let theta = ROS34PW2.gamma * STEP;
        system.prepare(theta);
        let seconds = 0.3 * seconds;
        let volume = skin.layout.volume();
        let mut out = skin.state.clone();
        let mut failed = None;
        // A stage begins from another state, else the quasi-steady solve would find its work done.
        let mut other = skin.state.clone();
        let mut moved = false;
        let closing = Timing::of(seconds, || {
            moved = !moved;
            let share = if moved { 1.0 - 1e-3 } else { 1.0 / (1.0 - 1e-3) };
            other.iter_mut().for_each(|value| *value *= share);
            std::mem::swap(&mut skin.state, &mut other);
            if let Err(error) = system.refresh(&mut skin) {
                failed = Some(error);
            }
            std::mem::swap(&mut skin.state, &mut other);
        });
        system.refresh(&mut skin)?;
        let gamma = ROS34PW2.gamma;
        let first = Timing::of(seconds, || system.stage_of(&skin, true, gamma, STEP, &mut out));
        let later = Timing::of(seconds, || system.stage_of(&skin, false, gamma, STEP, &mut out));
        out.copy_from_slice(&skin.state);
        let lateral = Timing::of(seconds, || system.sweep_lateral(&mut out[..volume]));
        let depth = Timing::of(seconds, || system.sweep_depth(&mut out[..volume]));
        if let Some(error) = failed {
            return Err(error);
        }
        let updates = (self.cells() * self.fields()) as f64;
        let phase = |name: &str, calls: usize, seconds: f64| Phase {
            name: name.into(),
            threads,
            calls,
            nanoseconds: 1e9 * calls as f64 * seconds / updates,
            share: calls as f64 * seconds / whole.seconds,
        };
        // A stage ends with its lateral sweeps.
        let in_cells = |stage: &Timing| (stage.seconds - lateral.seconds).max(0.0);
        let again = in_cells(&later);
        let mut phases = vec![
            phase("quasi-steady fields, columns, diffusivities", 4, closing.seconds),
            phase("rates and local solve of all stages", 4, again),
            phase("Jacobian and its elimination", 1, (in_cells(&first) - again).max(0.0)),
            phase("sweeps along x and y", 4, lateral.seconds),
            phase("sweeps along depth", 4, depth.seconds),
        ];
        let left = whole.seconds - phases.iter().map(|phase| phase.share * whole.seconds).sum::<f64>();
        phases.push(phase("combinations, error, repair (what is left)", 1, left));
        Ok(phases)
    }
}
