//! Values at the start: averages over cells, as the fields of a finite-volume grid are.
//!
//! uᵢ = 1/|Vᵢ| ∫_{Vᵢ} u₀ dV, by Gauss–Legendre quadrature along every coordinate that u₀ depends on, so that a film thinner than a
//! cell, or a peak between two centres, begins with its own content. Where u₀ jumps along one coordinate the grid has a face
//! (`language::Turns`), so cells see smooth functions; a jump across a cell, as at the rim of a round drop, is met to the
//! distance of the nodes. Random numbers are drawn once a cell.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::base::error::{Error, Result};
use crate::engine::grid::{Axis, Grid};
use crate::engine::language::{Input, Operand, Program};
use crate::engine::medium::Medium;

/// Nodes and weights of Gauss and Legendre on (−1, 1), exact for polynomials of degree 7.
const NODES: [(f64, f64); 4] = [
    (-0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
    (-0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
    (0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
    (0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
];
/// Equal pieces of a cell along each coordinate, where so many coordinates matter.
const PIECES: [usize; 4] = [1, 8, 2, 1];

/// One node in every cell of an axis: its places, and its weight in each, which together make 1 in a cell.
struct QuadratureNode {
    places: Vec<f64>,
    weights: Vec<f64>,
}

/// The nodes of an axis in so many pieces a cell; the centre alone for none.
fn nodes(axis: &Axis, pieces: usize, radial: bool) -> Vec<QuadratureNode> {
    if pieces == 0 {
        return vec![QuadratureNode { places: axis.centres.clone(), weights: vec![1.0; axis.len()] }];
    }
    let one = |piece: usize, (at, weight): (f64, f64)| {
        let share = (piece as f64 + 0.5 * (1.0 + at)) / pieces as f64;
        let places: Vec<f64> = (0..axis.len()).map(|i| axis.faces[i] + share * axis.width(i)).collect();
        let part = 0.5 * weight / pieces as f64;
        // Rings: r dr.
        let weights = places.iter().zip(&axis.centres).map(|(r, c)| if radial { part * r / c } else { part }).collect();
        QuadratureNode { places, weights }
    };
    (0..pieces).flat_map(|piece| NODES.map(|node| one(piece, node))).collect()
}

/// The nodes of all cells for one program.
struct Quadrature {
    /// In a plane: coordinates of every place, and the weight there.
    lateral: Vec<([Vec<f64>; 2], Vec<f64>)>,
    depth: Vec<QuadratureNode>,
}

impl Quadrature {
    fn new(grid: &Grid, program: &Program) -> Self {
        // The second axis of unit cells counts classes.
        let varies = |input: Input| program.inputs.contains(&input) && !(input == Input::Y && grid.exchange.is_some());
        let by = [Input::X, Input::Y, Input::Depth].map(varies);
        let pieces = PIECES[by.iter().filter(|varies| **varies).count()];
        let along = |axis: usize| if by[axis] { pieces } else { 0 };
        let [x, y] = [nodes(&grid.x, along(0), grid.kind == "cells"), nodes(&grid.y, along(1), false)];
        let mut lateral = Vec::with_capacity(x.len() * y.len());
        for (x, y) in y.iter().flat_map(|y| x.iter().map(move |x| (x, y))) {
            let nx = x.places.len();
            let all =
                |of: &dyn Fn(usize, usize) -> f64| (0..grid.plane()).map(|p| of(p % nx, p / nx)).collect::<Vec<_>>();
            let places = [all(&|i, _| x.places[i]), all(&|_, j| y.places[j])];
            lateral.push((places, all(&|i, j| x.weights[i] * y.weights[j])));
        }
        Self { lateral, depth: nodes(&grid.z, along(2), false) }
    }

    /// The averages of depth `z` into `out`; a random number for each place is drawn already.
    fn average(&self, medium: &Medium, program: &Program, z: usize, draws: &UniformDraws, out: &mut [f64]) {
        let (mut values, mut scratch) = (vec![0.0; out.len()], Vec::new());
        out.fill(0.0);
        for node in &self.depth {
            for ([x, y], weights) in &self.lateral {
                let own = |input| match input {
                    Input::Random(number) => draws.row(number),
                    Input::X => Some(Operand::Block(x)),
                    Input::Y => Some(Operand::Block(y)),
                    Input::Depth => Some(Operand::Value(node.places[z])),
                    _ => None,
                };
                medium.view().run(program, z, 0..out.len(), &mut values, &mut scratch, &own);
                for ((out, value), weight) in out.iter_mut().zip(&values).zip(weights) {
                    *out += node.weights[z] * weight * value;
                }
            }
        }
    }
}

impl Medium {
    /// Puts fields with an initial value to it.
    pub(super) fn begin(&mut self, seed: u64) -> Result<()> {
        let layout = self.layout;
        let compiled = self.compiled.clone();
        let rested = self.clone();
        let mut out = vec![0.0; layout.plane];
        for (f, field) in compiled.volume.iter().enumerate() {
            let Some(programs) = &field.initial else { continue };
            let quadrature: Vec<_> =
                programs.iter().map(|own| own.as_ref().map(|own| Quadrature::new(&self.grid, own))).collect();
            let mut draws = UniformDraws::of(programs.iter().flatten(), seed, layout.plane);
            for z in 0..layout.nz {
                draws.next();
                let layer = self.grid.layer[z];
                let (Some(program), Some(quadrature), true) =
                    (&programs[layer], &quadrature[layer], field.lives[layer])
                else {
                    continue;
                };
                quadrature.average(&rested, program, z, &draws, &mut out);
                check(&field.name, &out, field.signed)?;
                self.state[layout.row(z, f)].copy_from_slice(&out);
            }
        }
        for (f, field) in compiled.surface.iter().enumerate() {
            let Some(program) = &field.initial else { continue };
            let mut draws = UniformDraws::of([program], seed, layout.plane);
            draws.next();
            Quadrature::new(&self.grid, program).average(&rested, program, 0, &draws, &mut out);
            check(&field.name, &out, field.signed)?;
            self.state[layout.surface_row(f)].copy_from_slice(&out);
        }
        Ok(())
    }
}

/// Numbers drawn evenly from 0 to 1, a stream for each `random()` of the model and a row of a plane at a time. A stream depends on
/// the seed and on the number of its `random()` only, so two fields that share one get the same draws.
struct UniformDraws {
    streams: Vec<(usize, ChaCha8Rng, Vec<f64>)>,
}

impl UniformDraws {
    fn of<'a>(programs: impl IntoIterator<Item = &'a Program>, seed: u64, plane: usize) -> Self {
        let inputs = programs.into_iter().flat_map(|program| &program.inputs);
        let mut numbers: Vec<usize> =
            inputs.filter_map(|input| if let Input::Random(number) = input { Some(*number) } else { None }).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let stream = |number: usize| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(number as u64);
            (number, random, vec![0.0; plane])
        };
        Self { streams: numbers.into_iter().map(stream).collect() }
    }

    /// Draws the next row of each stream.
    fn next(&mut self) {
        for (_, random, row) in &mut self.streams {
            row.iter_mut().for_each(|draw| *draw = random.random());
        }
    }

    /// The row of a stream.
    fn row(&self, number: usize) -> Option<Operand<'_>> {
        self.streams.iter().find(|(own, ..)| *own == number).map(|(.., row)| Operand::Block(row))
    }
}

fn check(name: &str, values: &[f64], signed: bool) -> Result<()> {
    match values.iter().find(|value| !value.is_finite() || (!signed && **value < 0.0)) {
        None => Ok(()),
        Some(value) if value.is_finite() => {
            Err(Error::input(format!("the initial value of `{name}` is negative ({value})"))
                .help("declare the field signed = true, or begin with values that are not negative"))
        }
        Some(value) => Err(Error::input(format!("the initial value of `{name}` is {value}"))),
    }
}
