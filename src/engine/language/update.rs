//! Programs put together from those of a model.
//!
//! **A stage** of a linearly implicit method: its right-hand side
//!
//! γ (h (R(u) + m) + Σⱼ wⱼ kⱼ)
//!
//! with what moves m, and earlier stages kⱼ with their weights.
//!
//! **An explicit Euler step** of a cell: kinetics and the exchange with its six neighbours,
//!
//! u ← u + x (u_west + u_east − 2u) + y (u_north + u_south − 2u) + a (u_above − u) + b (u_below − u) + h R(u)
//!
//! with the step h and x, y, a, b the step times the rates of exchange. Numbers are part of the program: what is not exchanged
//! costs nothing, and neighbours with the same rate are added before they are weighed. Differences come before weights, so a
//! uniform field stays as it is to the last bit.
//!
//! **Reductions** over one region: the programs of all, joined.

use std::collections::HashMap;

use crate::engine::language::graph::{Graph, Id};
use crate::engine::language::{Input, Program, Rates};

/// What a stage reads besides what the rates do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageInput {
    /// What moves of a field.
    Moved(usize),
    /// A field's row of an earlier stage: field, stage.
    Stage(usize, usize),
    /// γ h.
    Scale,
    /// γ times the weight of an earlier stage.
    Weight(usize),
}

/// Fields and signals of a model have smaller numbers.
const BEYOND: usize = 1 << 20;

impl StageInput {
    fn input(self) -> Input {
        match self {
            Self::Moved(field) => Input::Volume(BEYOND + field),
            Self::Stage(field, stage) => Input::Volume((stage + 2) * BEYOND + field),
            Self::Scale => Input::Signal(BEYOND),
            Self::Weight(stage) => Input::Signal(BEYOND + 1 + stage),
        }
    }

    /// What an input of a stage's program is, if it is not one of the rates.
    pub fn of(input: Input) -> Option<Self> {
        match input {
            Input::Volume(at) if at >= 2 * BEYOND => Some(Self::Stage(at % BEYOND, at / BEYOND - 2)),
            Input::Volume(at) if at >= BEYOND => Some(Self::Moved(at - BEYOND)),
            Input::Signal(BEYOND) => Some(Self::Scale),
            Input::Signal(at) if at > BEYOND => Some(Self::Weight(at - BEYOND - 1)),
            _ => None,
        }
    }
}

/// The right-hand side of a stage after `done` others, an output for each of `fields`, of which `moves` says whether they move.
pub fn stage(rates: &Rates, fields: &[usize], moves: &[bool], done: usize) -> Program {
    let mut graph = Graph::default();
    let net = net(rates, &mut graph, &|input| input);
    let scale = graph.input(StageInput::Scale.input());
    let mut roots = Vec::with_capacity(fields.len());
    for (&field, &moves) in fields.iter().zip(moves) {
        let zero = graph.number(0.0);
        let rate = net.get(&field).copied().unwrap_or(zero);
        let moved = if moves { graph.input(StageInput::Moved(field).input()) } else { zero };
        let change = graph.add(rate, moved);
        let mut sum = graph.multiply(scale, change);
        for j in 0..done {
            let weight = graph.input(StageInput::Weight(j).input());
            let earlier = graph.input(StageInput::Stage(field, j).input());
            let part = graph.multiply(weight, earlier);
            sum = graph.add(sum, part);
        }
        roots.push(sum);
    }
    Program::compile(&graph, &roots)
}

/// The rate of each field that has one.
fn net(rates: &Rates, graph: &mut Graph, renamed: &dyn Fn(Input) -> Input) -> HashMap<usize, Id> {
    rates.fields.iter().copied().zip(rates.rate.lift(graph, renamed)).collect()
}

/// One program with the outputs of several.
pub fn joined(programs: &[&Program]) -> Program {
    let mut graph = Graph::strict();
    let roots: Vec<Id> = programs.iter().flat_map(|program| program.lift(&mut graph, &|input| input)).collect();
    Program::compile(&graph, &roots)
}

/// Values that an explicit step reads of each field.
pub const AROUND: usize = 7;

/// The step of a cell. Outputs are the new values of fields 0 … `exchange.len()` − 1; the input `Volume(n * AROUND + k)` is field n
/// in the cell (k = 0) and in its neighbours west, east, north, south, above, below. `exchange` has step times rate of exchange of
/// each field along x, along y, with the cell above and with the cell below. Rows of a plane follow each other at a distance of
/// `stride` cells.
pub fn update(rates: &Rates, exchange: &[[f64; 4]], step: f64, stride: usize) -> Program {
    let mut graph = Graph::default();
    let net = net(rates, &mut graph, &|input| match input {
        Input::Volume(field) => Input::Volume(field * AROUND),
        other => other,
    });
    let mut roots = Vec::with_capacity(exchange.len());
    for (field, weights) in exchange.iter().enumerate() {
        let around: [Id; AROUND] = std::array::from_fn(|k| graph.input(Input::Volume(field * AROUND + k)));
        let mut new = spread(&mut graph, &around, weights);
        if let Some(&rate) = net.get(&field) {
            let step = graph.number(step);
            let change = graph.multiply(step, rate);
            new = graph.add(new, change);
        }
        roots.push(new);
    }
    let mut program = Program::compile(&graph, &roots);
    // Inputs are in order.
    let place = |input: Input| program.inputs.binary_search(&input).ok();
    let mut beside = Vec::new();
    for field in 0..exchange.len() {
        let stride = stride as i32;
        for (k, cells) in [(1, -1), (2, 1), (3, -stride), (4, stride)] {
            let places = [k, 0].map(|k| place(Input::Volume(field * AROUND + k)));
            if let [Some(own), Some(base)] = places {
                beside.push((own as u32, base as u32, cells));
            }
        }
    }
    program.beside = beside;
    program
}

/// u and what it exchanges.
fn spread(graph: &mut Graph, around: &[Id; AROUND], &[x, y, above, below]: &[f64; 4]) -> Id {
    let [own, west, east, north, south, over, under] = *around;
    // Sums of pairs of equal values are exact, so what is taken off leaves exactly nothing of a uniform field.
    let less = |graph: &mut Graph, sum: Id, times: f64| {
        let times = graph.number(times);
        let part = graph.multiply(times, own);
        graph.subtract(sum, part)
    };
    let mut terms = Vec::new();
    let mut lateral = |graph: &mut Graph, weight: f64, pairs: &[[Id; 2]]| {
        let sums: Vec<Id> = pairs.iter().map(|[a, b]| graph.add(*a, *b)).collect();
        let sum = sums.iter().skip(1).fold(sums[0], |sum, pair| graph.add(sum, *pair));
        let sum = less(graph, sum, 2.0 * pairs.len() as f64);
        terms.push((weight, sum));
    };
    if x == y {
        lateral(graph, x, &[[west, east], [north, south]]);
    } else {
        lateral(graph, x, &[[west, east]]);
        lateral(graph, y, &[[north, south]]);
    }
    if above == below {
        let sum = graph.add(over, under);
        if above == x && x == y {
            let (_, all) = terms.remove(0);
            let all = graph.add(all, sum);
            terms.push((above, less(graph, all, 2.0)));
        } else {
            terms.push((above, less(graph, sum, 2.0)));
        }
    } else {
        terms.push((above, graph.subtract(over, own)));
        terms.push((below, graph.subtract(under, own)));
    }
    let mut new = own;
    for (weight, difference) in terms {
        let weight = graph.number(weight);
        let change = graph.multiply(weight, difference);
        new = graph.add(new, change);
    }
    new
}
