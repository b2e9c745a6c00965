//! Random expressions: the graph, its derivatives, its intervals and the compiled program answer to a plain walk over the
//! tree.

use proptest::prelude::*;

use crate::base::processor::Instructions;
use crate::engine::language::graph::{Function, Graph, Id, Op};
use crate::engine::language::interval::Interval;
use crate::engine::language::program::Program;
use crate::engine::language::{Input, Operand};

/// Number of variables.
const VARIABLES: usize = 4;

#[derive(Debug, Clone)]
enum Tree {
    Number(f64),
    Variable(usize),
    Unary(&'static str, Box<Tree>),
    Binary(&'static str, Box<Tree>, Box<Tree>),
    /// If the first is less than the second the third, else the fourth.
    Choose(Box<[Tree; 4]>),
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        prop_oneof![Just(0.0), Just(1.0), Just(-1.0), Just(2.0), -3.0..3.0].prop_map(Tree::Number),
        (0..VARIABLES).prop_map(Tree::Variable),
        (0..VARIABLES).prop_map(Tree::Variable),
    ];
    leaf.prop_recursive(6, 60, 4, |inner| {
        let unary =
            prop::sample::select(vec!["neg", "square", "cube", "inverse", "tanh", "sin", "cos", "exp", "abs", "sqrt"]);
        let binary = prop::sample::select(vec!["+", "+", "-", "-", "*", "*", "*", "/", "share", "min", "max"]);
        prop_oneof![
            (unary, inner.clone()).prop_map(|(name, a)| Tree::Unary(name, Box::new(a))),
            (binary, inner.clone(), inner.clone()).prop_map(|(name, a, b)| Tree::Binary(
                name,
                Box::new(a),
                Box::new(b)
            )),
            prop::array::uniform4(inner).prop_map(|all| Tree::Choose(Box::new(all))),
        ]
    })
}

fn build(graph: &mut Graph, tree: &Tree) -> Id {
    match tree {
        Tree::Number(value) => graph.number(*value),
        Tree::Variable(index) => graph.input(Input::Volume(*index)),
        Tree::Unary(name, a) => {
            let a = build(graph, a);
            match *name {
                "neg" => graph.negate(a),
                "square" => graph.multiply(a, a),
                "cube" => graph.power(a, 3),
                "inverse" => graph.power(a, -1),
                "tanh" => graph.apply(Function::Tanh, a),
                "sin" => graph.apply(Function::Sin, a),
                "cos" => graph.apply(Function::Cos, a),
                "exp" => graph.apply(Function::Exp, a),
                "abs" => graph.apply(Function::Abs, a),
                _ => graph.apply(Function::Sqrt, a),
            }
        }
        Tree::Binary(name, a, b) => {
            let (a, b) = (build(graph, a), build(graph, b));
            match *name {
                "+" => graph.add(a, b),
                "-" => graph.subtract(a, b),
                "*" => graph.multiply(a, b),
                "/" => graph.divide(a, b),
                "share" => {
                    let sum = graph.add(b, a);
                    graph.divide(a, sum)
                }
                "min" => graph.minimum(a, b),
                _ => graph.maximum(a, b),
            }
        }
        Tree::Choose(all) => {
            let [a, b, c, d] = [0, 1, 2, 3].map(|part| build(graph, &all[part]));
            let condition = graph.less(a, b);
            graph.choose(condition, c, d)
        }
    }
}

/// A value with a bound of its rounding error and a derivative with the same. NaN where the result hangs on rounding.
#[derive(Debug, Clone, Copy)]
struct Known {
    value: f64,
    error: f64,
    slope: f64,
    slope_error: f64,
}

const ROUND: f64 = 4.0 * f64::EPSILON;
const NOTHING: Known = Known { value: f64::NAN, error: 0.0, slope: f64::NAN, slope_error: 0.0 };

impl Known {
    fn exact(value: f64, slope: f64) -> Self {
        Self { value, error: 0.0, slope, slope_error: 0.0 }
    }

    fn rounded(self) -> Self {
        let error = self.error + ROUND * self.value.abs();
        Self { error, slope_error: self.slope_error + ROUND * self.slope.abs(), ..self }
    }

    fn times(self, o: Self) -> Self {
        let cross = |a: f64, ea: f64, b: f64, eb: f64| a.abs() * eb + b.abs() * ea + ea * eb + ROUND * (a * b).abs();
        Self {
            value: self.value * o.value,
            error: cross(self.value, self.error, o.value, o.error),
            slope: self.slope * o.value + self.value * o.slope,
            slope_error: cross(self.slope, self.slope_error, o.value, o.error)
                + cross(self.value, self.error, o.slope, o.slope_error),
        }
        .rounded()
    }

    fn plus(self, o: Self, sign: f64) -> Self {
        Self {
            value: self.value + sign * o.value,
            error: self.error + o.error,
            slope: self.slope + sign * o.slope,
            slope_error: self.slope_error + o.slope_error,
        }
        .rounded()
    }

    /// f(self) for f with the given value, slope and curvature at this point.
    fn through(self, value: f64, slope: f64, curvature: f64) -> Self {
        let outer = Self::exact(slope, 0.0);
        let outer = Self { error: curvature.abs() * self.error + ROUND * slope.abs(), ..outer };
        let inner = Self { value: self.slope, error: self.slope_error, slope: 0.0, slope_error: 0.0 };
        let product = outer.times(inner);
        let error = 1.5 * slope.abs() * self.error + curvature.abs() * self.error * self.error + ROUND * value.abs();
        Self { value, error, slope: product.value, slope_error: product.error }
    }

    fn inverse(self) -> Self {
        if self.value.abs() <= 1e3 * self.error {
            return NOTHING;
        }
        let inverse = 1.0 / self.value;
        self.through(inverse, -inverse * inverse, 4.0 * inverse.powi(3))
    }

    /// Whether it is certain which of two is smaller.
    fn apart(self, o: Self) -> bool {
        (self.value - o.value).abs() > 100.0 * (self.error + o.error) + 1e-300
    }
}

fn walk(tree: &Tree, at: &[f64], by: usize) -> Known {
    match tree {
        Tree::Number(value) => Known::exact(*value, 0.0),
        Tree::Variable(index) => Known::exact(at[*index], f64::from(*index == by)),
        Tree::Unary(name, a) => {
            let a = walk(a, at, by);
            let x = a.value;
            match *name {
                "neg" => Known { value: -x, slope: -a.slope, ..a },
                "square" => a.times(a),
                "cube" => a.times(a).times(a),
                "inverse" => a.inverse(),
                "tanh" => {
                    // 1 - tanh² as it is computed: far out its own rounding is all there is.
                    let known = a.through(x.tanh(), 1.0 - x.tanh().powi(2), 1.0);
                    Known { slope_error: known.slope_error + ROUND * a.slope.abs(), ..known }
                }
                "sin" => a.through(x.sin(), x.cos(), 1.0),
                "cos" => a.through(x.cos(), -x.sin(), 1.0),
                "exp" if x < 50.0 => a.through(x.exp(), x.exp(), x.exp()),
                "abs" if a.apart(Known::exact(0.0, 0.0)) => a.through(x.abs(), x.signum(), 0.0),
                "sqrt" if x > 1e3 * a.error && x > 0.0 => a.through(x.sqrt(), 0.5 / x.sqrt(), 1.0 / x.powf(1.5)),
                _ => NOTHING,
            }
        }
        Tree::Binary(name, a, b) => {
            let (a, b) = (walk(a, at, by), walk(b, at, by));
            match *name {
                "+" => a.plus(b, 1.0),
                "-" => a.plus(b, -1.0),
                "*" => a.times(b),
                "/" => a.times(b.inverse()),
                "share" => {
                    let share = a.times(b.plus(a, 1.0).inverse());
                    // The slope is computed in another form with its own rounding.
                    Known { slope_error: 16.0 * share.slope_error, ..share }
                }
                _ if !a.apart(b) => NOTHING,
                "min" => {
                    if a.value < b.value {
                        a
                    } else {
                        b
                    }
                }
                _ => {
                    if a.value > b.value {
                        a
                    } else {
                        b
                    }
                }
            }
        }
        Tree::Choose(all) => {
            let [a, b, c, d] = [0, 1, 2, 3].map(|part| walk(&all[part], at, by));
            match (a.apart(b), a.value < b.value) {
                (false, _) => NOTHING,
                (true, true) => c,
                (true, false) => d,
            }
        }
    }
}

/// Whether something is close to a value with a bound of its error; what hangs on rounding or is huge is not judged.
fn agrees(found: f64, value: f64, error: f64) -> bool {
    !(value.is_finite() && error.is_finite() && value.abs() < 1e100) || (found - value).abs() <= 64.0 * error + 1e-290
}

/// Points in the box of all variables between 0 and 3, cell by cell.
fn points(cells: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut state = seed | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 3.0
    };
    (0..VARIABLES).map(|_| (0..cells).map(|_| next()).collect()).collect()
}

fn levels() -> Vec<Instructions> {
    Instructions::ALL.iter().copied().filter(|set| set.available()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_compute_what_expressions_say(forest in prop::collection::vec(trees(), 1..4), cells in 1_usize..200, seed: u64) {
        let mut graph = Graph::default();
        let roots: Vec<Id> = forest.iter().map(|tree| build(&mut graph, tree)).collect();
        let program = Program::compile(&graph, &roots);
        let blocks = points(cells, seed);
        // The last variable has one value for all cells.
        let values: Vec<Operand> = program.inputs.iter().map(|input| match input {
            Input::Volume(index) if index + 1 == VARIABLES => Operand::Value(blocks[*index][0]),
            Input::Volume(index) => Operand::Block(&blocks[*index]),
            other => panic!("{other:?}"),
        }).collect();
        let mut wide: Option<Vec<f64>> = None;
        for level in levels() {
            let mut out = vec![f64::NAN; roots.len() * cells];
            program.run_at(level, &values, cells, &mut out, cells, &mut vec![1.0; 3]);
            for cell in 0..cells {
                let at: Vec<f64> = (0..VARIABLES).map(|v| blocks[v][if v + 1 == VARIABLES { 0 } else { cell }]).collect();
                for (tree, found) in forest.iter().zip(out.chunks(cells)) {
                    let known = walk(tree, &at, 0);
                    prop_assert!(agrees(found[cell], known.value, known.error), "{level:?}: {} is not {known:?}", found[cell]);
                }
            }
            // Machine code, where there is any, computes to the last bit what the loop does.
            let mut plain = vec![f64::NAN; roots.len() * cells];
            program.interpret(level, &values, cells, &mut plain, cells, &mut vec![1.0; 3]);
            let bits = |list: &[f64]| list.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&plain), bits(&out), "{:?}", level);
            if level != Instructions::Plain {
                let bits = |list: &[f64]| list.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                let same = wide.as_ref().is_none_or(|wide| bits(wide) == bits(&out));
                prop_assert!(same, "vectors of different width give different bits");
                wide = Some(out);
            }
        }
    }

    #[test]
    fn a_cell_does_not_depend_on_its_block(tree in trees(), cells in 1_usize..150, seed: u64) {
        let mut graph = Graph::default();
        let root = build(&mut graph, &tree);
        let program = Program::compile(&graph, &[root]);
        let blocks = points(cells, seed);
        let input = |index: &Input| match index { Input::Volume(index) => *index, other => panic!("{other:?}") };
        let run = |range: std::ops::Range<usize>| {
            let values: Vec<Operand> =
                program.inputs.iter().map(|i| Operand::Block(&blocks[input(i)][range.clone()])).collect();
            let mut out = vec![0.0; range.len()];
            program.run(&values, range.len(), &mut out, &mut Vec::new());
            out
        };
        let whole = run(0..cells);
        for (cell, value) in whole.iter().enumerate() {
            prop_assert_eq!(run(cell..cell + 1)[0].to_bits(), value.to_bits());
        }
    }

    #[test]
    fn derivatives_are_those_of_the_expression(tree in trees(), seed: u64) {
        let mut graph = Graph::default();
        let root = build(&mut graph, &tree);
        for by in 0..VARIABLES {
            let variable = graph.input(Input::Volume(by));
            let slope = graph.derivatives(&[root], variable)[0];
            let at: Vec<f64> = points(1, seed ^ by as u64).into_iter().map(|list| list[0]).collect();
            let leaf = |op: Op| match op { Op::Input(Input::Volume(index)) => at[index], other => panic!("{other:?}") };
            let found = graph.evaluate(&[slope], leaf)[0];
            let known = walk(&tree, &at, by);
            let judged = known.value.is_finite() && found.is_finite() && known.slope_error < 1e-3 * (1.0 + known.slope.abs());
            prop_assert!(
                !judged || agrees(found, known.slope, 100.0 * known.slope_error),
                "{found} is not {known:?}"
            );
        }
    }

    #[test]
    fn intervals_hold_all_values(tree in trees(), seed: u64) {
        let mut graph = Graph::default();
        let root = build(&mut graph, &tree);
        let interval = graph.interval(root, &|_| Interval { low: 0.0, high: 3.0 });
        let positive = graph.proved_positive(root, &|_| Interval::POSITIVE);
        for cell in 0..20 {
            let at: Vec<f64> = points(20, seed).into_iter().map(|list| list[cell]).collect();
            let known = walk(&tree, &at, 0);
            if known.value.is_finite() && known.error.is_finite() {
                let slack = 64.0 * known.error + 1e-290;
                prop_assert!(interval.low <= known.value + slack && known.value <= interval.high + slack, "{known:?} in {interval:?}");
                prop_assert!(!positive || known.value >= -slack, "{known:?}");
            }
        }
    }
}

/// The value of one text expression for one cell.
fn rest_rate(terms: impl Fn(&mut Graph) -> Id, at: &[f64]) -> f64 {
    let mut graph = Graph::default();
    let root = terms(&mut graph);
    let program = Program::compile(&graph, &[root]);
    let values: Vec<Operand> = program
        .inputs
        .iter()
        .map(|input| match input {
            Input::Volume(index) => Operand::Value(at[*index]),
            other => panic!("{other:?}"),
        })
        .collect();
    let mut out = [f64::NAN];
    program.run(&values, 1, &mut out, &mut Vec::new());
    out[0]
}

proptest! {
    #[test]
    fn logistic_growth_is_exactly_zero_at_rest(s in 1e-9..1e3, h in 0.0..10.0, k in 1e-6..1e3) {
        // s K - s K² / (1 + h P/(k + P)) at K = 1, P = 0.
        let rate = |graph: &mut Graph| {
            let (big, small) = (graph.input(Input::Volume(0)), graph.input(Input::Volume(1)));
            let (s, h, k, one) = (graph.number(s), graph.number(h), graph.number(k), graph.number(1.0));
            let sum = graph.add(k, small);
            let hill = graph.divide(small, sum);
            let hill = graph.multiply(h, hill);
            let ceiling = graph.add(one, hill);
            let gain = graph.multiply(s, big);
            let loss = graph.multiply(gain, big);
            let loss = graph.divide(loss, ceiling);
            graph.subtract(gain, loss)
        };
        prop_assert_eq!(rest_rate(rate, &[1.0, 0.0]), 0.0);
    }

    #[test]
    fn equal_gains_and_losses_cancel_exactly(a in 1e-9..1e3, u in 1e-3..1e3) {
        // a (1 - u/v) and a u - a v for u = v.
        let tie = |graph: &mut Graph| {
            let (u, v) = (graph.input(Input::Volume(0)), graph.input(Input::Volume(1)));
            let a = graph.number(a);
            let (gain, loss) = (graph.multiply(a, u), graph.multiply(a, v));
            graph.subtract(gain, loss)
        };
        prop_assert_eq!(rest_rate(tie, &[u, u]), 0.0);
        let ratio = |graph: &mut Graph| {
            let (u, v) = (graph.input(Input::Volume(0)), graph.input(Input::Volume(1)));
            let (a, one) = (graph.number(a), graph.number(1.0));
            let share = graph.divide(u, v);
            let left = graph.subtract(one, share);
            graph.multiply(a, left)
        };
        prop_assert_eq!(rest_rate(ratio, &[u, u]), 0.0);
    }
}

#[test]
fn quotients_with_one_divisor_share_it() {
    let mut graph = Graph::default();
    let [a, b, c] = [0, 1, 2].map(|index| graph.input(Input::Volume(index)));
    let roots = [graph.divide(a, c), graph.divide(b, c)];
    let program = Program::compile(&graph, &roots);
    let divisions =
        program.code.iter().filter(|one| one.code == crate::engine::language::program::Code::Divide).count();
    assert_eq!(divisions, 1);
}

#[test]
fn registers_are_used_again() {
    let mut graph = Graph::default();
    let mut sum = graph.number(0.0);
    for index in 0..100 {
        let x = graph.input(Input::Volume(index));
        let y = graph.apply(Function::Sqrt, x);
        let y = graph.minimum(y, x);
        sum = graph.add(sum, y);
    }
    let program = Program::compile(&graph, &[sum]);
    assert!(program.registers <= 4, "{} registers", program.registers);
}

/// A program whose results are needed again and again, more of them than any processor has registers, between calls of
/// functions that leave nothing in those.
#[test]
fn machine_code_puts_values_away_where_registers_run_out() {
    const COUNT: usize = 60;
    for called in [false, true] {
        let mut graph = Graph::default();
        let x: Vec<Id> = (0..COUNT).map(|index| graph.input(Input::Volume(index))).collect();
        let depth = graph.input(Input::Depth);
        let sums: Vec<Id> = (0..COUNT)
            .map(|i| {
                let product = graph.multiply(x[i], x[(i + 1) % COUNT]);
                graph.add(product, x[(i + 7) % COUNT])
            })
            .collect();
        let one = graph.number(1.0);
        let roots: Vec<Id> = (0..COUNT)
            .map(|i| {
                let other = sums[(7 * i + 3) % COUNT];
                let square = graph.power(x[(i + 11) % COUNT], 2);
                let below = graph.add(one, square);
                let sum = graph.add(sums[i], other);
                let mut root = graph.divide(sum, below);
                if called && i % 5 == 0 {
                    let less = graph.negate(root);
                    let small = graph.apply(Function::Exp, less);
                    root = graph.real_power(small, depth);
                }
                let larger = graph.less(other, sums[i]);
                let least = graph.minimum(root, x[i]);
                let chosen = graph.choose(larger, least, sums[(i + 31) % COUNT]);
                let product = graph.multiply(chosen, depth);
                graph.subtract(product, sums[(i + 41) % COUNT])
            })
            .collect();
        let program = Program::compile(&graph, &roots);
        let cells = 19;
        let blocks: Vec<Vec<f64>> =
            (0..COUNT).map(|i| (0..cells).map(|c| 1.5 + ((i * 31 + c * 17) as f64).sin()).collect()).collect();
        let value = |input: &Input| match input {
            Input::Volume(index) => Operand::Block(&blocks[*index]),
            _ => Operand::Value(0.8),
        };
        let values: Vec<Operand> = program.inputs.iter().map(value).collect();
        for level in levels() {
            #[cfg(target_arch = "x86_64")]
            assert_eq!(program.native(level).is_some(), level != Instructions::Plain);
            let run = |by_loop: bool| {
                let mut out = vec![f64::NAN; COUNT * cells];
                if by_loop {
                    program.interpret(level, &values, cells, &mut out, cells, &mut Vec::new());
                } else {
                    program.run_at(level, &values, cells, &mut out, cells, &mut Vec::new());
                }
                out.into_iter().map(f64::to_bits).collect::<Vec<_>>()
            };
            assert_eq!(run(true), run(false), "{level:?}, with calls: {called}");
        }
        // Range by range from what is bound once, the last one incomplete.
        let (mut scratch, mut whole) = (Vec::new(), vec![0.0; COUNT * cells]);
        program.run(&values, cells, &mut whole, &mut scratch);
        let mut bound = program.bind(&values, cells, &mut scratch);
        for range in [0..8, 8..cells] {
            let mut part = vec![0.0; COUNT * range.len()];
            bound.run(range.clone(), &mut part, range.len());
            for (whole, part) in whole.chunks(cells).zip(part.chunks(range.len())) {
                assert_eq!(&whole[range.clone()], part);
            }
        }
    }
}

#[test]
fn neighbours_are_found_at_the_end_of_a_row_too() {
    let mut graph = Graph::default();
    let [own, next] = [0, 1].map(|index| graph.input(Input::Volume(index)));
    let root = graph.subtract(next, own);
    let mut program = Program::compile(&graph, &[root]);
    program.beside = vec![(1, 0, 1)];
    let row: Vec<f64> = (0..40).map(|i| f64::from(i * i)).collect();
    for cells in [8, 13, 16, 21] {
        let values = [Operand::Block(&row[..cells]), Operand::Block(&row[1..=cells])];
        let known: Vec<f64> = row.windows(2).take(cells).map(|pair| pair[1] - pair[0]).collect();
        let (mut out, mut scratch) = (vec![f64::NAN; cells], Vec::new());
        program.run(&values, cells, &mut out, &mut scratch);
        assert_eq!(out, known);
        let mut bound = program.bind(&values, cells, &mut scratch);
        out.fill(f64::NAN);
        bound.run(0..cells, &mut out, cells);
        assert_eq!(out, known);
    }
}

#[test]
fn any_number_of_inputs_is_read() {
    // More than sixteen bits count.
    let (count, cells) = (70_000, 13);
    let mut graph = Graph::default();
    let mut sum = graph.number(0.0);
    for index in 0..count {
        let input = graph.input(Input::Volume(index));
        sum = graph.add(sum, input);
    }
    let program = Program::compile(&graph, &[sum]);
    let rows: Vec<Vec<f64>> = (0..count).map(|index| vec![(index % 7) as f64; cells]).collect();
    let inputs: Vec<Operand> = rows.iter().map(|row| Operand::Block(row)).collect();
    let known: f64 = rows.iter().map(|row| row[0]).sum();
    for level in Instructions::ALL.iter().filter(|level| level.available()) {
        let (mut out, mut scratch) = (vec![f64::NAN; cells], Vec::new());
        program.run_at(*level, &inputs, cells, &mut out, cells, &mut scratch);
        assert_eq!(out, vec![known; cells]);
        out.fill(f64::NAN);
        program.interpret(*level, &inputs, cells, &mut out, cells, &mut scratch);
        assert_eq!(out, vec![known; cells]);
    }
}
