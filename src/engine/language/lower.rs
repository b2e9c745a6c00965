//! From the tree of an expression to the graph: names become what they mean in one place of the model.

use std::collections::{BTreeSet, HashMap};

use crate::base::error::{Error, Result};
use crate::engine::language::Input;
use crate::engine::language::compiled::ReductionKind;
use crate::engine::language::graph::{Function, Graph, Id, Op};
use crate::engine::language::interval::Interval;
use crate::engine::language::model::Model;
use crate::engine::language::names::{LocalAct, Meaning, PASSAGES};
use crate::engine::language::syntax::{Binary, Expression, Form, Node};

/// Largest graph, so that no file can use up the memory.
const LARGEST: usize = 4_000_000;

/// What the leaves of expressions are in some place: a layer, the surface, a check.
pub(super) trait Leaves {
    fn constant(&mut self, graph: &mut Graph, index: usize, node: &Node) -> Result<Id>;
    fn field(&mut self, graph: &mut Graph, index: usize, node: &Node) -> Result<Id>;
    /// The value of a field at rest.
    fn rest(&mut self, graph: &mut Graph, index: usize, node: &Node) -> Result<Id>;
    /// A variable in units of the model.
    fn variable(&mut self, graph: &mut Graph, input: Input) -> Id;
    fn reduction(&mut self, graph: &mut Graph, reduction: Reduced<'_>) -> Result<Id>;
    /// What passes a face.
    fn passage(&mut self, graph: &mut Graph, passed: FluxCall<'_>) -> Result<Id>;
    /// Where a leaf lies by its meaning, if that is known.
    fn range(&self, _leaf: Op) -> Interval {
        Interval::ALL
    }
}

/// `flux(F, FACE)` and the like as they are written.
#[derive(Clone, Copy)]
pub(super) struct FluxCall<'a> {
    /// Whether it is added up over time.
    pub added_up: bool,
    /// Position of the field.
    pub field: usize,
    /// A face, or two layers.
    pub faces: &'a [Node],
    pub node: &'a Node,
}

/// A reduction as it is written.
#[derive(Clone, Copy)]
pub(super) struct Reduced<'a> {
    pub kind: ReductionKind,
    pub value: &'a Node,
    pub region: &'a str,
    pub weight: Option<&'a Node>,
    pub node: &'a Node,
}

/// Lowers expressions of one place into one graph.
pub(super) struct Lowering<'a, L> {
    pub model: &'a Model,
    pub graph: Graph,
    pub leaves: L,
    pub local: Option<LocalAct>,
    /// Intermediates that were lowered before.
    made: HashMap<usize, Id>,
}

impl<'a, L: Leaves> Lowering<'a, L> {
    pub(super) fn new(model: &'a Model, leaves: L) -> Self {
        Self { model, graph: Graph::default(), leaves, local: None, made: HashMap::new() }
    }

    pub(super) fn expression(&mut self, expression: &Expression) -> Result<Id> {
        self.tree(&expression.root)
    }

    /// Lowers a tree. The intermediates it uses come first, in their order, so that depth does not add up.
    pub(super) fn tree(&mut self, root: &Node) -> Result<Id> {
        let model = self.model;
        // Reductions are lowered apart, in cells; what only they use must not be lowered here.
        let mut wanted = Vec::new();
        self.direct(root, &mut wanted);
        let mut needed = BTreeSet::new();
        while let Some(index) = wanted.pop() {
            if !self.made.contains_key(&index) && needed.insert((model.symbols.definition_rank[index], index)) {
                self.direct(&model.definition(index).root, &mut wanted);
            }
        }
        for (_, index) in needed {
            let id = self.node(&model.definition(index).root)?;
            self.made.insert(index, id);
        }
        let id = self.node(root)?;
        if self.graph.len() > LARGEST {
            return Err(Error::input(format!("the expressions of {} are too large together", model.source.name)));
        }
        Ok(id)
    }

    /// The base of a root, or of a power that need not be whole. Rounding and the stages of a step put values just below zero that
    /// by their meaning are not negative; their root is that of zero, not none.
    fn base(&mut self, x: Id) -> Id {
        let (graph, leaves) = (&mut self.graph, &self.leaves);
        let always = graph.interval(x, &|_| Interval::ALL).low >= 0.0;
        if always || graph.interval(x, &|leaf| leaves.range(leaf)).low < 0.0 {
            return x;
        }
        let zero = graph.number(0.0);
        graph.maximum(x, zero)
    }

    /// A power, by what is known of its exponent.
    fn power(&mut self, base: Id, exponent: Id) -> Id {
        let whole = self.graph.value(exponent).is_some_and(|n| n.fract() == 0.0);
        let base = if whole { base } else { self.base(base) };
        self.graph.real_power(base, exponent)
    }

    /// Lists the intermediates a tree uses outside of reductions.
    fn direct(&self, node: &Node, used: &mut Vec<usize>) {
        match &node.form {
            Form::Number(_) | Form::Quantity(_) | Form::Random(_) => {}
            Form::Name(name) => {
                if let Some(Meaning::Intermediate(index)) = self.model.symbols.meaning(name, self.local) {
                    used.push(index);
                }
            }
            Form::Negate(inner) | Form::Not(inner) => self.direct(inner, used),
            Form::Binary(_, a, b) => {
                self.direct(a, used);
                self.direct(b, used);
            }
            Form::Call(name, _) if kind_of(name).is_some() || PASSAGES.contains(&name.as_str()) => {}
            Form::Call(_, arguments) => arguments.iter().for_each(|argument| self.direct(argument, used)),
        }
    }

    fn node(&mut self, node: &Node) -> Result<Id> {
        match &node.form {
            Form::Number(value) => Ok(self.graph.number(*value)),
            Form::Quantity(quantity) => Ok(self.graph.number(quantity.value)),
            Form::Name(name) => self.name(node, name),
            Form::Negate(inner) => {
                let inner = self.node(inner)?;
                Ok(self.graph.negate(inner))
            }
            Form::Not(inner) => {
                let inner = self.node(inner)?;
                Ok(self.graph.not(inner))
            }
            Form::Binary(operator, a, b) => {
                let (a, b) = (self.node(a)?, self.node(b)?);
                let graph = &mut self.graph;
                Ok(match operator {
                    Binary::Add => graph.add(a, b),
                    Binary::Subtract => graph.subtract(a, b),
                    Binary::Multiply => graph.multiply(a, b),
                    Binary::Divide => graph.divide(a, b),
                    Binary::Power => self.power(a, b),
                    Binary::Less => graph.less(a, b),
                    Binary::LessEqual => graph.less_equal(a, b),
                    Binary::Greater => graph.less(b, a),
                    Binary::GreaterEqual => graph.less_equal(b, a),
                    Binary::And => graph.and(a, b),
                    Binary::Or => graph.or(a, b),
                })
            }
            Form::Random(number) => Ok(self.graph.input(Input::Random(*number))),
            Form::Call(name, arguments) => self.call(node, name, arguments),
        }
    }

    fn name(&mut self, node: &Node, name: &str) -> Result<Id> {
        match self.model.symbols.meaning(name, self.local) {
            Some(Meaning::Constant(index)) => self.leaves.constant(&mut self.graph, index, node),
            Some(Meaning::Signal(index)) => Ok(self.graph.input(Input::Signal(index))),
            Some(Meaning::Field(index)) => self.leaves.field(&mut self.graph, index, node),
            Some(Meaning::Intermediate(index)) => match self.made.get(&index) {
                Some(&id) => Ok(id),
                None => self.node(&self.model.definition(index).root),
            },
            Some(Meaning::Variable(input)) => Ok(self.leaves.variable(&mut self.graph, input)),
            Some(Meaning::Pi) => Ok(self.graph.number(std::f64::consts::PI)),
            None => Err(self.model.source.refuse(node.span.clone(), format!("unknown name `{name}`"))),
        }
    }

    fn call(&mut self, node: &Node, name: &str, arguments: &[Node]) -> Result<Id> {
        if let Some(kind) = kind_of(name) {
            let refuse = || self.model.source.refuse(node.span.clone(), "a reduction needs a value and a region");
            let [value, region, weight @ ..] = arguments else { return Err(refuse()) };
            let Form::Name(region) = &region.form else { return Err(refuse()) };
            let reduced = Reduced { kind, value, region, weight: weight.first(), node };
            return self.leaves.reduction(&mut self.graph, reduced);
        }
        if let (true, [Node { form: Form::Name(field), .. }, faces @ ..]) = (PASSAGES.contains(&name), arguments)
            && let Some(Meaning::Field(field)) = self.model.symbols.meaning(field, self.local)
        {
            let passed = FluxCall { added_up: name == "through", field, faces, node };
            return self.leaves.passage(&mut self.graph, passed);
        }
        if let ("rest", [Node { form: Form::Name(field), .. }]) = (name, arguments)
            && let Some(Meaning::Field(index)) = self.model.symbols.meaning(field, self.local)
        {
            return self.leaves.rest(&mut self.graph, index, node);
        }
        let list = arguments.iter().map(|argument| self.node(argument)).collect::<Result<Vec<Id>>>()?;
        let graph = &mut self.graph;
        let (zero, one) = (graph.number(0.0), graph.number(1.0));
        Ok(match (name, &list[..]) {
            ("hill", &[x, half]) => share(graph, x, half),
            ("hill", &[x, half, n]) => match graph.value(n) {
                // Whole powers as they are; others of the ratio, whose base is a plain number.
                Some(whole) if whole.fract() == 0.0 => {
                    let (x, half) = (graph.real_power(x, n), graph.real_power(half, n));
                    share(graph, x, half)
                }
                _ => {
                    let ratio = graph.divide(x, half);
                    let power = self.power(ratio, n);
                    share(&mut self.graph, power, one)
                }
            },
            ("positive", &[x]) => graph.maximum(x, zero),
            ("min", [first, rest @ ..]) => rest.iter().fold(*first, |all, &next| graph.minimum(all, next)),
            ("max", [first, rest @ ..]) => rest.iter().fold(*first, |all, &next| graph.maximum(all, next)),
            ("pow", &[base, exponent]) => self.power(base, exponent),
            ("sigmoid", &[x]) => {
                let minus = graph.negate(x);
                let power = graph.apply(Function::Exp, minus);
                let below = graph.add(one, power);
                graph.divide(one, below)
            }
            ("if", &[condition, a, b]) => graph.choose(condition, a, b),
            ("exp", &[x]) => graph.apply(Function::Exp, x),
            ("log", &[x]) => graph.apply(Function::Log, x),
            ("sqrt", &[x]) => {
                let base = self.base(x);
                self.graph.apply(Function::Sqrt, base)
            }
            ("tanh", &[x]) => graph.apply(Function::Tanh, x),
            ("sin", &[x]) => graph.apply(Function::Sin, x),
            ("cos", &[x]) => graph.apply(Function::Cos, x),
            ("abs", &[x]) => graph.apply(Function::Abs, x),
            _ => return Err(self.model.source.refuse(node.span.clone(), format!("`{name}` cannot be computed here"))),
        })
    }
}

/// x/(k + x), the saturating share.
fn share(graph: &mut Graph, x: Id, k: Id) -> Id {
    let below = graph.add(k, x);
    graph.divide(x, below)
}

/// The reduction of that name.
pub(super) fn kind_of(name: &str) -> Option<ReductionKind> {
    Some(match name {
        "mean" => ReductionKind::Mean,
        "integral" => ReductionKind::Integral,
        "maximum" => ReductionKind::Maximum,
        "minimum" => ReductionKind::Minimum,
        _ => return None,
    })
}
