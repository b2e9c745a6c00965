//! What programs see: the fields of a state, bound to the inputs of a program.

use std::ops::Range;

use crate::engine::grid::Grid;
use crate::engine::language::{BoundProgram, Input, Operand, Operands, Program};
use crate::engine::medium::{Handed, Layout};

/// Borrowed fields at one moment.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The cells.
    pub grid: &'a Grid,
    /// Where values stand in `state`.
    pub layout: Layout,
    /// Volume and surface fields.
    pub state: &'a [f64],
    /// Quasi-steady fields.
    pub quasi: &'a [f64],
    /// Quasi-steady fields at rest.
    pub quasi_rest: &'a [f64],
    /// Column reductions, `[reduction][stride]`.
    pub columns: &'a [f64],
    /// Reductions over the whole domain.
    pub reductions: &'a [f64],
    /// What passes faces.
    pub fluxes: &'a [f64],
    /// Signals, now.
    pub signals: &'a [f64],
    /// Time since the start [s].
    pub time: f64,
    /// Time since the host last acted [s].
    pub since_act: f64,
    /// Lateral coordinates of each place.
    pub places: &'a [Vec<f64>; 2],
    /// What the host hands over.
    pub handed: Handed<'a>,
}

impl<'a> View<'a> {
    /// The values of one input at depth index `z` for the places of `range`.
    pub fn operand(&self, input: Input, z: usize, range: &Range<usize>) -> Operand<'a> {
        let row = |values: &'a [f64], start: usize| &values[start + range.start..start + range.end];
        let layout = self.layout;
        match input {
            Input::Volume(f) => Operand::Block(row(self.state, layout.row(z, f).start)),
            Input::Surface(f) => Operand::Block(row(self.state, layout.surface_row(f).start)),
            Input::Quasi(q) => Operand::Block(row(self.quasi, (q * layout.nz + z) * layout.stride)),
            Input::QuasiRest(q) => Operand::Value(self.quasi_rest[q * layout.nz + z]),
            Input::Signal(s) => Operand::Value(self.signals[s]),
            Input::Column(c) => Operand::Block(row(self.columns, c * layout.stride)),
            Input::Reduction(r) => Operand::Value(self.reductions[r]),
            Input::Flux(f) => Operand::Value(self.fluxes[f]),
            Input::Time => Operand::Value(self.time),
            Input::SinceAct => Operand::Value(self.since_act),
            Input::X => Operand::Block(row(&self.places[0], 0)),
            Input::Y => Operand::Block(row(&self.places[1], 0)),
            Input::Depth => Operand::Value(self.grid.z.centres[z]),
            Input::Own(own) => match self.handed.nearest.get(own.index).filter(|values| !values.is_empty()) {
                Some(values) => Operand::Block(row(values, 0)),
                // Programs that are not of an act at work do not ask.
                None => Operand::Value(self.handed.values.get(own.index).copied().unwrap_or(0.0)),
            },
            // Drawn in initial values only.
            Input::Random(_) => Operand::Value(0.0),
        }
    }

    /// Runs a program for the places of `range` at depth index `z`; `own` may replace inputs. Output k of place i goes to
    /// `out[k * range.len() + i]`.
    pub fn run<'b>(
        &self,
        program: &Program,
        z: usize,
        range: Range<usize>,
        out: &mut [f64],
        scratch: &mut Vec<f64>,
        own: &dyn Fn(Input) -> Option<Operand<'b>>,
    ) where
        'a: 'b,
    {
        self.run_into(program, z, range.clone(), out, range.len(), scratch, own);
    }

    /// As [`View::run`], with output k of place i at `out[k * stride + i]`.
    pub fn run_into<'b>(
        &self,
        program: &Program,
        z: usize,
        range: Range<usize>,
        out: &mut [f64],
        stride: usize,
        scratch: &mut Vec<f64>,
        own: &dyn Fn(Input) -> Option<Operand<'b>>,
    ) where
        'a: 'b,
    {
        let mut operands = Operands::default();
        let operand = |input: &Input| own(*input).unwrap_or_else(|| self.operand(*input, z, &range));
        let operands = operands.fill(program.inputs.iter().map(operand));
        program.run_into(operands, range.len(), out, stride, scratch);
    }

    /// Binds a program for the places of `range` at depth index `z`; `own` may replace inputs. `operands` and `scratch` are kept
    /// as long as the program is bound.
    pub fn bind<'b>(
        &self,
        program: &'b Program,
        z: usize,
        range: Range<usize>,
        operands: &'b mut Operands<'b>,
        scratch: &'b mut Vec<f64>,
        own: &dyn Fn(Input) -> Option<Operand<'b>>,
    ) -> BoundProgram<'b>
    where
        'a: 'b,
    {
        let operand = |input: &Input| own(*input).unwrap_or_else(|| self.operand(*input, z, &range));
        program.bind(operands.fill(program.inputs.iter().map(operand)), range.len(), scratch)
    }

    /// Runs a program that depends on signals and time only.
    pub fn number(&self, program: &Program, scratch: &mut Vec<f64>) -> f64 {
        let mut out = [0.0];
        self.run(program, 0, 0..1, &mut out, scratch, &|_| None);
        out[0]
    }
}
