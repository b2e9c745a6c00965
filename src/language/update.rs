//! One explicit Euler step of a cell as a program: kinetics and the exchange with its six neighbours.
//!
//! u ← u + x (u_west + u_east − 2u) + y (u_north + u_south − 2u) + a (u_above − u) + b (u_below − u) + h R(u)
//!
//! with the step h and x, y, a, b the step times the rates of exchange. Numbers are part of the program: what is not exchanged
//! costs nothing, and neighbours with the same rate are added before they are weighed. Differences come before weights, so a
//! uniform field stays as it is to the last bit.

use crate::error::Result;
use crate::language::graph::{Graph, Id};
use crate::language::{Input, Program, Rates};

/// Values that a step reads of each field.
pub const AROUND: usize = 7;

/// The step of a cell. Outputs are the new values of fields 0 … `exchange.len()` − 1; the input `Volume(n * AROUND + k)` is field n
/// in the cell (k = 0) and in its neighbours west, east, north, south, above, below. `exchange` has step times rate of exchange of
/// each field along x, along y, with the cell above and with the cell below. Rows of a plane follow each other at a distance of
/// `stride` cells.
///
/// # Errors
/// More inputs than a program may have.
pub fn update(rates: &Rates, exchange: &[[f64; 4]], step: f64, stride: usize) -> Result<Program> {
    let mut graph = Graph::default();
    let net = rates.rate.lift(&mut graph, &|input| match input {
        Input::Volume(field) => Input::Volume(field * AROUND),
        other => other,
    });
    let mut roots = Vec::with_capacity(exchange.len());
    for (field, weights) in exchange.iter().enumerate() {
        let around: [Id; AROUND] = std::array::from_fn(|k| graph.input(Input::Volume(field * AROUND + k)));
        let mut new = spread(&mut graph, &around, weights);
        if let Some(at) = rates.fields.iter().position(|own| *own == field) {
            let step = graph.number(step);
            let change = graph.multiply(step, net[at]);
            new = graph.add(new, change);
        }
        roots.push(new);
    }
    let mut program = Program::compile(&graph, &roots)?;
    let place = |input: Input| program.inputs.iter().position(|own| *own == input);
    let mut beside = Vec::new();
    for field in 0..exchange.len() {
        let stride = stride as i32;
        for (k, cells) in [(1, -1), (2, 1), (3, -stride), (4, stride)] {
            let places = [k, 0].map(|k| place(Input::Volume(field * AROUND + k)));
            if let [Some(own), Some(base)] = places {
                beside.push((own as u16, base as u16, cells));
            }
        }
    }
    program.beside = beside;
    Ok(program)
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
