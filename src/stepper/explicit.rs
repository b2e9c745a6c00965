//! The plain explicit reference: the classical Runge–Kutta method of order four with a step that is stable by the sizes of
//! the cells. Short and obvious; the implicit method answers to it.

use crate::error::{Error, Result};
use crate::skin::Skin;
use crate::stepper::Count;
use crate::stepper::system::{Frame, System};

/// The method with its buffers.
#[derive(Debug)]
pub struct Explicit {
    rate: Vec<f64>,
    sum: Vec<f64>,
    stage: Vec<f64>,
}

/// The real stability interval of the method is 2.78; some is left for the kinetics.
const STABLE: f64 = 2.0;

impl Explicit {
    /// Buffers for a skin.
    pub fn new(skin: &Skin) -> Self {
        let buffer = || vec![0.0; skin.state.len()];
        Self { rate: buffer(), sum: buffer(), stage: buffer() }
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
        let longest = fixed.unwrap_or_else(|| stable(system, skin));
        let steps = (span / longest).ceil().max(1.0);
        if steps > 1e9 {
            return Err(Error::simulation(format!("the explicit method would need {steps:.1e} steps"))
                .help("use method = \"implicit\""));
        }
        let (start, step) = (skin.time, span / steps);
        for n in 0..steps as u64 {
            self.step(system, skin, start + step * n as f64, step)?;
            count.accepted += 1;
        }
        skin.time = start + span;
        system.refresh(skin)
    }

    fn step(&mut self, system: &mut System, skin: &mut Skin, time: f64, step: f64) -> Result<()> {
        let mut state = std::mem::take(&mut skin.state);
        self.sum.copy_from_slice(&state);
        self.stage.copy_from_slice(&state);
        // (share of the step the stage looks ahead, weight of its rate)
        for (ahead, next, weight) in
            [(0.0, 0.5, 1.0 / 6.0), (0.5, 0.5, 1.0 / 3.0), (0.5, 1.0, 1.0 / 3.0), (1.0, 0.0, 1.0 / 6.0)]
        {
            let frame = Frame { skin };
            system.close(&frame, &self.stage, time + ahead * step)?;
            system.rate(&frame, &self.stage, &mut self.rate);
            for (((sum, stage), rate), old) in self.sum.iter_mut().zip(&mut self.stage).zip(&self.rate).zip(&state) {
                *sum += weight * step * rate;
                *stage = old + next * step * rate;
            }
        }
        state.copy_from_slice(&self.sum);
        skin.state = state;
        skin.time = time + step;
        Ok(())
    }
}

/// The longest step that diffusion allows [s].
fn stable(system: &System, skin: &Skin) -> f64 {
    let grid = &skin.grid;
    let finest = |axis: &crate::grid::Axis| {
        if axis.len() == 1 { 0.0 } else { (0..axis.len()).map(|i| 1.0 / axis.width(i).powi(2)).fold(0.0, f64::max) }
    };
    let cell = 4.0 * (finest(&grid.x) + finest(&grid.z) + if grid.exchange.is_none() { finest(&grid.y) } else { 0.0 });
    let spread = system.movers.iter().flat_map(|mover| mover.diffusivity.iter().copied()).fold(0.0, f64::max);
    let dependent = system.now.spread.iter().copied().fold(0.0, f64::max);
    let fastest = spread.max(dependent) * cell;
    if fastest > 0.0 { STABLE / fastest } else { f64::INFINITY }
}
