//! Where the conditions of expressions turn: the places at which a law jumps, and where a grid had better have a face.
//!
//! A condition a < b in which one coordinate is the only input turns where a − b changes its sign. Intervals of the coordinate in
//! which the ranges of a and b overlap are halved until they are as short as rounding allows; what is left are the turns. A
//! condition that turns without end, as sin(depth) > 0, has none that are listed.

use crate::engine::language::Input;
use crate::engine::language::graph::{Graph, Id, Op};
use crate::engine::language::interval::Interval;

/// The coordinates, in the order of the axes.
const COORDINATES: [Input; 3] = [Input::X, Input::Y, Input::Depth];
/// Where turns are looked for \[m]: no piece of a medium is wider.
const FARTHEST: f64 = 1e3;
/// How exactly they are found, relatively, and the shortest length there is \[m].
const EXACT: f64 = 1e-13;
const SHORTEST: f64 = 1e-12;
/// How many intervals a condition is worth.
const ATTEMPTS: usize = 4000;

/// Places where conditions turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turns {
    /// Along x (or the radius), y and depth \[m], ascending.
    pub along: [Vec<f64>; 3],
}

impl Turns {
    /// One list an axis.
    pub fn each(&self) -> [&[f64]; 3] {
        self.along.each_ref().map(Vec::as_slice)
    }

    /// Adds others.
    pub(super) fn join<'a>(&mut self, others: impl IntoIterator<Item = &'a Self>) {
        for other in others {
            self.along.iter_mut().zip(&other.along).for_each(|(own, more)| own.extend(more));
        }
        for own in &mut self.along {
            own.sort_by(f64::total_cmp);
            own.dedup_by(|a, b| *a - *b <= 1e2 * EXACT * *a);
        }
    }
}

impl Graph {
    /// Where the conditions among some nodes turn; the nodes ascend and are complete.
    pub(super) fn turns(&self, reachable: &[Id]) -> Turns {
        let mut turns = Turns::default();
        let is_condition = |id: &&Id| matches!(self.op(**id), Op::Less(..) | Op::LessEqual(..));
        if !reachable.iter().any(|id| is_condition(&id)) {
            return turns;
        }
        // What a node depends on: a bit for each coordinate, and one for all else.
        const ELSE: u8 = 8;
        let mut by = vec![0u8; self.len()];
        for &id in reachable {
            by[id.0 as usize] = match self.op(id) {
                Op::Input(input) => COORDINATES.iter().position(|own| *own == input).map_or(ELSE, |axis| 1 << axis),
                Op::Symbol(_) => ELSE,
                op => op.operands().fold(0, |all, operand| all | by[operand.0 as usize]),
            };
        }
        for &id in reachable.iter().filter(is_condition) {
            let (Op::Less(a, b) | Op::LessEqual(a, b)) = self.op(id) else { continue };
            if let Some(axis) = (0..3).find(|axis| by[id.0 as usize] == 1 << axis) {
                turns.along[axis].extend(self.crossings(a, b, COORDINATES[axis]).unwrap_or_default());
            }
        }
        turns.join([]);
        turns
    }

    /// Where a − b may change its sign; `None` if there are too many such places.
    fn crossings(&self, a: Id, b: Id, coordinate: Input) -> Option<Vec<f64>> {
        let (mut found, mut left) = (Vec::new(), ATTEMPTS);
        let mut open = vec![Interval { low: 0.0, high: FARTHEST }];
        while let Some(own) = open.pop() {
            left = left.checked_sub(1)?;
            let leaf = |op: Op| if op == Op::Input(coordinate) { own } else { Interval::ALL };
            let (a, b) = (self.interval(a, &leaf), self.interval(b, &leaf));
            if a.high < b.low || a.low > b.high {
                continue;
            }
            let middle = 0.5 * (own.low + own.high);
            if own.high <= SHORTEST || own.high - own.low <= EXACT * own.high {
                found.push(middle);
            } else {
                open.push(Interval { low: middle, high: own.high });
                open.push(Interval { low: own.low, high: middle });
            }
        }
        found.retain(|place| *place > SHORTEST);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_of_conditions_are_found() {
        let mut graph = Graph::default();
        let depth = graph.input(Input::Depth);
        let x = graph.input(Input::X);
        let [five, one] = [5e-6, 1e-4].map(|value| graph.number(value));
        // depth < 5 µm; (depth − 0.1 mm)² ≤ (5 µm)²; exp(x / 0.1 mm) < x / 5 µm, at two places.
        let film = graph.less(depth, five);
        let away = graph.subtract(depth, one);
        let [squared, limit] = [graph.power(away, 2), graph.power(five, 2)];
        let band = graph.less_equal(squared, limit);
        let ratio = graph.divide(x, one);
        let [grown, line] = [graph.apply(crate::engine::language::graph::Function::Exp, ratio), graph.divide(x, five)];
        let curve = graph.less(grown, line);
        // One that also depends on a field, and one that turns without end.
        let field = graph.input(Input::Volume(0));
        let moving = graph.less(depth, field);
        let wave = graph.divide(depth, five);
        let wave = graph.apply(crate::engine::language::graph::Function::Sin, wave);
        let endless = graph.less(wave, five);
        let turns = graph.turns(&graph.reachable(&[film, band, curve, moving, endless]));
        let near = |found: &[f64], expected: &[f64]| {
            assert_eq!(found.len(), expected.len(), "{found:?}");
            assert!(found.iter().zip(expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-9), "{found:?}");
        };
        near(&turns.along[2], &[5e-6, 95e-6, 105e-6]);
        assert_eq!(turns.along[0].len(), 2);
        assert!(turns.along[0].iter().all(|x| ((x / 1e-4).exp() / (x / 5e-6) - 1.0).abs() < 1e-6));
        assert!(turns.along[1].is_empty());
    }
}
