//! The explicit methods, with a step that is stable by the sizes of the cells.
//!
//! * The classical Runge–Kutta method of order four is the reference to which the implicit method answers: short and obvious.
//! * Euler's method u ← u + h F(u), of order one, for verification models. Where nothing but layered diffusion and kinetics
//!   acts, `wavefront` computes several of its steps while the values are in cache.

use crate::error::{Error, Result};
use crate::memory;
use crate::skin::Skin;
use crate::stepper::Count;
use crate::stepper::system::{Frame, System};
use crate::stepper::wavefront::Wavefront;

/// Which method.
#[derive(Debug)]
enum Rule {
    RungeKutta,
    /// With the fast kernel where it applies.
    Euler(Option<Box<Wavefront>>),
}

/// A method with its buffers.
#[derive(Debug)]
pub struct Explicit {
    rule: Rule,
    rate: Vec<f64>,
    sum: Vec<f64>,
    stage: Vec<f64>,
}

impl Explicit {
    /// The method of order four.
    pub fn runge_kutta(skin: &Skin) -> Self {
        let buffer = || memory::zeros(skin.state.len());
        Self { rule: Rule::RungeKutta, rate: buffer(), sum: buffer(), stage: buffer() }
    }

    /// Euler's method.
    pub fn euler(system: &System, skin: &Skin) -> Self {
        let fast = Wavefront::new(system, skin);
        let rate = if fast.is_some() { Vec::new() } else { memory::zeros(skin.state.len()) };
        Self { rule: Rule::Euler(fast.map(Box::new)), rate, sum: Vec::new(), stage: Vec::new() }
    }

    /// The longest step that is surely stable [s].
    pub fn stable(&self, system: &System, skin: &Skin) -> f64 {
        // The real stability intervals are 2.78 and 2; some is left for the kinetics. Below 1 pure diffusion by Euler's
        // method makes no new extremes.
        stable(system, skin, if matches!(self.rule, Rule::RungeKutta) { 2.0 } else { 1.0 })
    }

    /// Advances by `span` in steps of `fixed`, or of the longest stable one.
    pub fn advance(
        &mut self,
        system: &mut System,
        skin: &mut Skin,
        span: f64,
        fixed: Option<f64>,
        count: &mut Count,
    ) -> Result<()> {
        let longest = fixed.unwrap_or_else(|| self.stable(system, skin));
        let steps = (span / longest * (1.0 - 1e-12)).ceil().max(1.0);
        if steps > 1e9 {
            return Err(Error::simulation(format!("the explicit method would need {steps:.1e} steps"))
                .help("use method = \"implicit\""));
        }
        let (start, step) = (skin.time, span / steps);
        if let Rule::Euler(Some(fast)) = &mut self.rule {
            fast.advance(skin, step, steps as u64)?;
        } else {
            for n in 0..steps as u64 {
                self.step(system, skin, start + step * n as f64, step)?;
            }
        }
        count.accepted += steps as u64;
        skin.time = start + span;
        system.refresh(skin)
    }

    fn step(&mut self, system: &mut System, skin: &mut Skin, time: f64, step: f64) -> Result<()> {
        let mut state = std::mem::take(&mut skin.state);
        let frame = Frame { skin };
        if let Rule::Euler(_) = self.rule {
            system.close(&frame, &state, time)?;
            system.rate(&frame, &state, &mut self.rate);
            for (value, rate) in state.iter_mut().zip(&self.rate) {
                *value += step * rate;
            }
        } else {
            self.sum.copy_from_slice(&state);
            self.stage.copy_from_slice(&state);
            // (share of the step the stage looks ahead, share it moves, weight of its rate)
            for (ahead, next, weight) in
                [(0.0, 0.5, 1.0 / 6.0), (0.5, 0.5, 1.0 / 3.0), (0.5, 1.0, 1.0 / 3.0), (1.0, 0.0, 1.0 / 6.0)]
            {
                system.close(&frame, &self.stage, time + ahead * step)?;
                system.rate(&frame, &self.stage, &mut self.rate);
                for (((sum, stage), rate), old) in self.sum.iter_mut().zip(&mut self.stage).zip(&self.rate).zip(&state)
                {
                    *sum += weight * step * rate;
                    *stage = old + next * step * rate;
                }
            }
            state.copy_from_slice(&self.sum);
        }
        skin.state = state;
        skin.time = time + step;
        Ok(())
    }
}

/// The longest step for which the fastest diffusion stays inside an interval of stability [s].
fn stable(system: &System, skin: &Skin, interval: f64) -> f64 {
    let grid = &skin.grid;
    let finest = |axis: &crate::grid::Axis| {
        if axis.len() == 1 { 0.0 } else { (0..axis.len()).map(|i| 1.0 / axis.width(i).powi(2)).fold(0.0, f64::max) }
    };
    let cell = 4.0 * (finest(&grid.x) + finest(&grid.z) + if grid.exchange.is_none() { finest(&grid.y) } else { 0.0 });
    let spread = system.movers.iter().flat_map(|mover| mover.diffusivity.iter().copied()).fold(0.0, f64::max);
    let dependent = system.now.spread.iter().copied().fold(0.0, f64::max);
    let fastest = spread.max(dependent) * cell;
    if fastest > 0.0 { interval / fastest } else { f64::INFINITY }
}
