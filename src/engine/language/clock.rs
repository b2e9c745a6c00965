//! What a model makes of time alone: found when it is compiled, so that no step leaps over it.
//!
//! Two kinds of expressions depend on nothing but `time` and the time since the host last acted:
//!
//! * a **turn** is a comparison of two of them, as `time > [5 d]` or `sin(time) > 0.9`. Rates may jump where it changes, so such
//!   a moment is an event: a step ends there and the next one begins there;
//! * a **course** is any other, as the dose in `dose * exp(-time/tau)`. It is smooth, or nearly so, and a step may not be so long
//!   that its stages do not see what a course does meanwhile.
//!
//! Where it fails: a jump without a comparison, and what happens between two samples of [`crate::engine::stepper`]'s watch, which lie
//! closer than a hundredth of the interval at which observables are recorded.

use std::collections::HashMap;

use crate::engine::language::graph::{Graph, Id, Op};
use crate::engine::language::kernel::Operand;
use crate::engine::language::{Input, Program};

/// What a model makes of time alone. Programs read two blocks: time and time since the host last acted \[s\].
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Both sides of each turn.
    turns: Program,
    /// Whether each turn asks for less, rather than for less or equal.
    strict: Vec<bool>,
    /// The courses.
    courses: Program,
    /// The fields that each course drives, as words.
    pub driven: Vec<String>,
}

/// Collects them while programs are made.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    graph: Graph,
    turns: Vec<(Id, Id, bool)>,
    courses: Vec<(Id, String)>,
}

impl Gatherer {
    /// Looks at expressions that drive `what`.
    pub fn watch(&mut self, graph: &Graph, roots: &[Id], what: &str) {
        let reachable = graph.reachable(roots);
        let of_time = |op| matches!(op, Op::Input(Input::Time | Input::SinceAct));
        if !reachable.iter().any(|&id| of_time(graph.op(id))) {
            return;
        }
        // For each node that depends on time at most: whether it does, and its copy here, where time is a block.
        let mut alone: HashMap<Id, (bool, Id)> = HashMap::new();
        let mut used: HashMap<Id, bool> = roots.iter().map(|&root| (root, true)).collect();
        for &id in &reachable {
            let op = graph.op(id);
            let own = match op {
                Op::Input(Input::Time) => Some((true, self.graph.input(TIME))),
                Op::Input(Input::SinceAct) => Some((true, self.graph.input(SINCE_ACT))),
                Op::Input(_) | Op::Symbol(_) => None,
                _ if op.operands().all(|operand| alone.contains_key(&operand)) => {
                    let moves = op.operands().any(|operand| alone[&operand].0);
                    Some((moves, self.graph.remake(op, |operand| alone[&operand].1)))
                }
                _ => None,
            };
            match own {
                Some(own) => {
                    alone.insert(id, own);
                    if let (Op::Less(a, b) | Op::LessEqual(a, b), true) = (op, own.0) {
                        let turn = (alone[&a].1, alone[&b].1, matches!(op, Op::Less(..)));
                        if !self.turns.contains(&turn) {
                            self.turns.push(turn);
                        }
                    }
                }
                // The largest parts that depend on time alone are the courses.
                None => op.operands().for_each(|operand| {
                    used.insert(operand, true);
                }),
            }
        }
        for id in reachable.iter().filter(|id| used.contains_key(id)) {
            if let Some((true, own)) = alone.get(id)
                && !self.courses.iter().any(|(course, _)| course == own)
            {
                self.courses.push((*own, what.to_owned()));
            }
        }
    }

    /// What was found.
    pub fn clock(self) -> Clock {
        let sides: Vec<Id> = self.turns.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
        // A condition is a course of steps, and its steps are turns.
        let smooth = |id: &Id| {
            !matches!(self.graph.op(*id), Op::Less(..) | Op::LessEqual(..) | Op::And(..) | Op::Or(..) | Op::Not(..))
        };
        let (courses, driven): (Vec<Id>, Vec<String>) = self.courses.into_iter().filter(|(id, _)| smooth(id)).unzip();
        Clock {
            turns: Program::compile(&self.graph, &sides),
            strict: self.turns.iter().map(|turn| turn.2).collect(),
            courses: Program::compile(&self.graph, &courses),
            driven,
        }
    }
}

/// Inputs that take a value for each moment, as cells have places.
const TIME: Input = Input::X;
const SINCE_ACT: Input = Input::Y;

impl Clock {
    /// Whether there are turns.
    pub fn turns(&self) -> usize {
        self.strict.len()
    }

    /// Whether each turn holds at each of some moments: `[turn][moment]`.
    pub fn holds(&self, moments: &[f64], last_act: f64, scratch: &mut Vec<f64>) -> Vec<Vec<bool>> {
        let sides = evaluate(&self.turns, moments, last_act, scratch);
        (self.strict.iter().zip(sides.chunks_exact(2 * moments.len())))
            .map(|(strict, sides)| {
                let (a, b) = sides.split_at(moments.len());
                a.iter().zip(b).map(|(a, b)| if *strict { a < b } else { a <= b }).collect()
            })
            .collect()
    }

    /// The courses at some moments, one after the other.
    pub fn courses(&self, moments: &[f64], last_act: f64, scratch: &mut Vec<f64>) -> Vec<f64> {
        evaluate(&self.courses, moments, last_act, scratch)
    }
}

fn evaluate(program: &Program, moments: &[f64], last_act: f64, scratch: &mut Vec<f64>) -> Vec<f64> {
    let since: Vec<f64> = moments.iter().map(|time| time - last_act).collect();
    let given = |input: &Input| if *input == TIME { Operand::Block(moments) } else { Operand::Block(&since) };
    let inputs: Vec<Operand<'_>> = program.inputs.iter().map(given).collect();
    let mut out = vec![0.0; program.outputs * moments.len()];
    program.run(&inputs, moments.len(), &mut out, scratch);
    out
}
