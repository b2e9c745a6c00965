//! Expressions as a graph: every different expression once, so that what is shared is computed once.
//!
//! Nodes are numbered in the order of their making and refer to older nodes only. Every algorithm on the graph is therefore
//! one pass over numbers in ascending order and needs no recursion.
//!
//! The makers simplify what is true for real numbers without moving terms past each other: at rest, gains and losses cancel
//! to rounding only as long as they are computed in the grouping in which they were written.

use std::collections::HashMap;

use crate::engine::language::Input;

/// A node of a [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Id(pub u32);

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Function {
    Exp,
    Log,
    Sqrt,
    Tanh,
    Sin,
    Cos,
    Abs,
}

impl Function {
    pub(super) fn of(self, x: f64) -> f64 {
        match self {
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Tanh => x.tanh(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Abs => x.abs(),
        }
    }
}

/// What a node computes. Conditions are numbers, 1 for true and 0 for false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Op {
    /// The bits of a number.
    Number(u64),
    Input(Input),
    /// Something whose value is not known while a model is checked, as a constant.
    Symbol(u32),
    Add(Id, Id),
    Subtract(Id, Id),
    Multiply(Id, Id),
    Divide(Id, Id),
    Negate(Id),
    /// A whole power other than 0 and 1.
    Power(Id, i32),
    RealPower(Id, Id),
    Apply(Function, Id),
    Minimum(Id, Id),
    Maximum(Id, Id),
    Less(Id, Id),
    LessEqual(Id, Id),
    And(Id, Id),
    Or(Id, Id),
    Not(Id),
    /// If the first is true the second, else the third.
    Choose(Id, Id, Id),
}

impl Op {
    /// The nodes it refers to.
    pub(super) fn operands(self) -> impl Iterator<Item = Id> {
        let list = match self {
            Self::Number(_) | Self::Input(_) | Self::Symbol(_) => [None; 3],
            Self::Negate(a) | Self::Power(a, _) | Self::Apply(_, a) | Self::Not(a) => [Some(a), None, None],
            Self::Add(a, b)
            | Self::Subtract(a, b)
            | Self::Multiply(a, b)
            | Self::Divide(a, b)
            | Self::RealPower(a, b)
            | Self::Minimum(a, b)
            | Self::Maximum(a, b)
            | Self::Less(a, b)
            | Self::LessEqual(a, b)
            | Self::And(a, b)
            | Self::Or(a, b) => [Some(a), Some(b), None],
            Self::Choose(a, b, c) => [Some(a), Some(b), Some(c)],
        };
        list.into_iter().flatten()
    }
}

/// The largest whole exponent that is computed by multiplications.
pub(super) const WHOLE: i32 = 64;

/// An arena of expressions.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    nodes: Vec<Op>,
    known: HashMap<Op, Id>,
    /// Whether a quotient of equals stays, for it is no number where both are zero. What is reported says so; in kinetics the limit
    /// is what is meant.
    pub(super) strict: bool,
}

impl Graph {
    /// A graph in which a quotient of equals stays.
    pub(super) fn strict() -> Self {
        Self { strict: true, ..Self::default() }
    }

    pub(super) fn op(&self, id: Id) -> Op {
        self.nodes[id.0 as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn intern(&mut self, op: Op) -> Id {
        if let Some(&id) = self.known.get(&op) {
            return id;
        }
        let id = Id(self.nodes.len() as u32);
        self.nodes.push(op);
        self.known.insert(op, id);
        id
    }

    /// The number a node is, if it is one.
    pub(super) fn value(&self, id: Id) -> Option<f64> {
        match self.op(id) {
            Op::Number(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    pub(super) fn is(&self, id: Id, number: f64) -> bool {
        self.value(id) == Some(number)
    }

    pub(super) fn number(&mut self, value: f64) -> Id {
        // Adding zero turns -0 into 0, so that both are one node.
        self.intern(Op::Number((value + 0.0).to_bits()))
    }

    pub(super) fn input(&mut self, input: Input) -> Id {
        self.intern(Op::Input(input))
    }

    pub(super) fn symbol(&mut self, index: usize) -> Id {
        self.intern(Op::Symbol(index as u32))
    }

    pub(super) fn add(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => return self.number(x + y),
            (Some(0.0), _) => return b,
            (_, Some(0.0)) => return a,
            _ => {}
        }
        match (self.op(a), self.op(b)) {
            (_, Op::Negate(inner)) => self.subtract(a, inner),
            (Op::Negate(inner), _) => self.subtract(b, inner),
            // A loss stays a loss: gain - loss is exactly zero where both are equal, gain + (-loss) may be fused.
            (_, Op::Multiply(factor, _)) if self.value(factor).is_some_and(|x| x < 0.0) => {
                let loss = self.negate(b);
                self.subtract(a, loss)
            }
            (Op::Multiply(factor, _), _) if self.value(factor).is_some_and(|x| x < 0.0) => {
                let loss = self.negate(a);
                self.subtract(b, loss)
            }
            _ if a == b => {
                let two = self.number(2.0);
                self.multiply(two, a)
            }
            _ => self.intern(Op::Add(a.min(b), a.max(b))),
        }
    }

    pub(super) fn subtract(&mut self, a: Id, b: Id) -> Id {
        if a == b {
            return self.number(0.0);
        }
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => return self.number(x - y),
            (Some(0.0), _) => return self.negate(b),
            (_, Some(0.0)) => return a,
            _ => {}
        }
        match (self.op(a), self.op(b)) {
            (_, Op::Negate(inner)) => self.add(a, inner),
            (Op::Add(x, y), _) if x == b => y,
            (Op::Add(x, y), _) if y == b => x,
            (_, Op::Multiply(factor, _)) if self.value(factor).is_some_and(|x| x < 0.0) => {
                let gain = self.negate(b);
                self.add(a, gain)
            }
            _ => self.intern(Op::Subtract(a, b)),
        }
    }

    pub(super) fn negate(&mut self, a: Id) -> Id {
        match self.op(a) {
            Op::Number(bits) => self.number(-f64::from_bits(bits)),
            Op::Negate(inner) => inner,
            Op::Subtract(x, y) => self.intern(Op::Subtract(y, x)),
            Op::Multiply(x, y) if self.value(x).is_some() => {
                let x = self.negate(x);
                self.multiply(x, y)
            }
            _ => self.intern(Op::Negate(a)),
        }
    }

    /// A product. A number comes first, and the numbers of nested products become one.
    pub(super) fn multiply(&mut self, a: Id, b: Id) -> Id {
        let (a, b) = if self.value(b).is_some() && self.value(a).is_none() { (b, a) } else { (a, b) };
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => return self.number(x * y),
            (Some(0.0), _) => return a,
            (Some(1.0), _) => return b,
            (Some(-1.0), _) => return self.negate(b),
            _ => {}
        }
        match (self.op(a), self.op(b)) {
            (Op::Number(x), Op::Multiply(y, rest)) if self.value(y).is_some() => {
                let factor = f64::from_bits(x) * self.value(y).unwrap_or(1.0);
                let factor = self.number(factor);
                self.multiply(factor, rest)
            }
            (Op::Number(x), Op::Divide(y, below)) if self.value(y).is_some() => {
                let above = f64::from_bits(x) * self.value(y).unwrap_or(1.0);
                let above = self.number(above);
                self.divide(above, below)
            }
            (Op::Number(_), Op::Negate(inner)) => {
                let a = self.negate(a);
                self.multiply(a, inner)
            }
            (Op::Number(_), _) => self.intern(Op::Multiply(a, b)),
            (Op::Negate(x), Op::Negate(y)) => self.multiply(x, y),
            (Op::Negate(x), _) => {
                let product = self.multiply(x, b);
                self.negate(product)
            }
            (_, Op::Negate(y)) => {
                let product = self.multiply(a, y);
                self.negate(product)
            }
            (Op::Multiply(x, rest), _) if self.value(x).is_some() => {
                let product = self.multiply(rest, b);
                self.multiply(x, product)
            }
            (_, Op::Multiply(x, rest)) if self.value(x).is_some() => {
                let product = self.multiply(a, rest);
                self.multiply(x, product)
            }
            _ if a == b => self.power(a, 2),
            (Op::Power(base, n), _) if base == b && (2..WHOLE).contains(&n) => self.power(base, n + 1),
            (_, Op::Power(base, n)) if base == a && (2..WHOLE).contains(&n) => self.power(base, n + 1),
            _ => self.intern(Op::Multiply(a.min(b), a.max(b))),
        }
    }

    pub(super) fn divide(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => return self.number(x / y),
            (Some(0.0), _) => return a,
            (_, Some(1.0)) => return a,
            (_, Some(-1.0)) => return self.negate(a),
            _ => {}
        }
        if a == b && !self.strict {
            return self.number(1.0);
        }
        match (self.op(a), self.op(b)) {
            (Op::Negate(x), Op::Negate(y)) => self.divide(x, y),
            (Op::Negate(x), _) => {
                let quotient = self.divide(x, b);
                self.negate(quotient)
            }
            (_, Op::Negate(y)) => {
                let quotient = self.divide(a, y);
                self.negate(quotient)
            }
            _ if self.strict => self.intern(Op::Divide(a, b)),
            (Op::Multiply(x, y), _) if x == b => y,
            (Op::Multiply(x, y), _) if y == b => x,
            (Op::Power(base, n), _) if base == b && n > 1 => self.power(base, n - 1),
            _ => self.intern(Op::Divide(a, b)),
        }
    }

    /// A whole power.
    pub(super) fn power(&mut self, base: Id, n: i32) -> Id {
        match (n, self.op(base)) {
            (0, _) => self.number(1.0),
            (1, _) => base,
            (_, Op::Number(bits)) => self.number(f64::from_bits(bits).powi(n)),
            (_, Op::Negate(inner)) => {
                let power = self.power(inner, n);
                if n % 2 == 0 { power } else { self.negate(power) }
            }
            (_, Op::Power(inner, m)) if m > 0 && n > 0 && m * n <= WHOLE => self.power(inner, m * n),
            _ => self.intern(Op::Power(base, n)),
        }
    }

    /// A power with any exponent; a whole one, where it is known, becomes multiplications.
    pub(super) fn real_power(&mut self, base: Id, exponent: Id) -> Id {
        match (self.value(base), self.value(exponent)) {
            (Some(x), Some(n)) => self.number(x.powf(n)),
            (_, Some(n)) if n.fract() == 0.0 && n.abs() <= f64::from(WHOLE) => self.power(base, n as i32),
            (_, Some(0.5)) => self.apply(Function::Sqrt, base),
            _ => self.intern(Op::RealPower(base, exponent)),
        }
    }

    pub(super) fn apply(&mut self, function: Function, a: Id) -> Id {
        match (function, self.op(a)) {
            (_, Op::Number(bits)) => self.number(function.of(f64::from_bits(bits))),
            (Function::Abs, Op::Negate(inner)) => self.apply(Function::Abs, inner),
            (Function::Abs, Op::Apply(Function::Abs | Function::Exp | Function::Sqrt, _)) => a,
            (Function::Log, Op::Apply(Function::Exp, inner)) => inner,
            _ => self.intern(Op::Apply(function, a)),
        }
    }

    pub(super) fn minimum(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.number(x.min(y)),
            _ if a == b => a,
            _ => self.intern(Op::Minimum(a.min(b), a.max(b))),
        }
    }

    pub(super) fn maximum(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.number(x.max(y)),
            _ if a == b => a,
            _ => self.intern(Op::Maximum(a.min(b), a.max(b))),
        }
    }

    pub(super) fn less(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.number(f64::from(x < y)),
            _ => self.intern(Op::Less(a, b)),
        }
    }

    pub(super) fn less_equal(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.number(f64::from(x <= y)),
            _ => self.intern(Op::LessEqual(a, b)),
        }
    }

    pub(super) fn and(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(0.0), _) | (_, Some(0.0)) => self.number(0.0),
            (Some(_), _) => b,
            (_, Some(_)) => a,
            _ if a == b => a,
            _ => self.intern(Op::And(a.min(b), a.max(b))),
        }
    }

    pub(super) fn or(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(0.0), _) => b,
            (_, Some(0.0)) => a,
            (Some(_), _) | (_, Some(_)) => self.number(1.0),
            _ if a == b => a,
            _ => self.intern(Op::Or(a.min(b), a.max(b))),
        }
    }

    pub(super) fn not(&mut self, a: Id) -> Id {
        match self.op(a) {
            Op::Number(bits) => self.number(f64::from(f64::from_bits(bits) == 0.0)),
            Op::Not(inner) => inner,
            _ => self.intern(Op::Not(a)),
        }
    }

    pub(super) fn choose(&mut self, condition: Id, yes: Id, no: Id) -> Id {
        match self.value(condition) {
            Some(0.0) => no,
            Some(_) => yes,
            None if yes == no => yes,
            None => match self.op(condition) {
                Op::Not(inner) => self.intern(Op::Choose(inner, no, yes)),
                _ => self.intern(Op::Choose(condition, yes, no)),
            },
        }
    }

    /// Makes the node of `op` with other operands.
    pub(super) fn remake(&mut self, op: Op, with: impl Fn(Id) -> Id) -> Id {
        match op {
            Op::Number(_) | Op::Input(_) | Op::Symbol(_) => self.intern(op),
            Op::Add(a, b) => self.add(with(a), with(b)),
            Op::Subtract(a, b) => self.subtract(with(a), with(b)),
            Op::Multiply(a, b) => self.multiply(with(a), with(b)),
            Op::Divide(a, b) => self.divide(with(a), with(b)),
            Op::Negate(a) => self.negate(with(a)),
            Op::Power(a, n) => self.power(with(a), n),
            Op::RealPower(a, b) => self.real_power(with(a), with(b)),
            Op::Apply(function, a) => self.apply(function, with(a)),
            Op::Minimum(a, b) => self.minimum(with(a), with(b)),
            Op::Maximum(a, b) => self.maximum(with(a), with(b)),
            Op::Less(a, b) => self.less(with(a), with(b)),
            Op::LessEqual(a, b) => self.less_equal(with(a), with(b)),
            Op::And(a, b) => self.and(with(a), with(b)),
            Op::Or(a, b) => self.or(with(a), with(b)),
            Op::Not(a) => self.not(with(a)),
            Op::Choose(a, b, c) => self.choose(with(a), with(b), with(c)),
        }
    }

    /// All nodes that `roots` need, ascending, so that operands come before what uses them.
    pub(super) fn reachable(&self, roots: &[Id]) -> Vec<Id> {
        let mut seen = vec![false; self.nodes.len()];
        let mut stack: Vec<Id> = roots.to_vec();
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut seen[id.0 as usize], true) {
                stack.extend(self.op(id).operands());
            }
        }
        (0..seen.len()).filter(|&index| seen[index]).map(|index| Id(index as u32)).collect()
    }

    /// The expression with `new` in place of `old`.
    pub(super) fn substitute(&mut self, root: Id, old: Id, new: Id) -> Id {
        let mut made: HashMap<Id, Id> = HashMap::new();
        for id in self.reachable(&[root]) {
            let op = self.op(id);
            let same = op.operands().all(|operand| made[&operand] == operand);
            let result = if id == old {
                new
            } else if same {
                id
            } else {
                self.remake(op, |operand| made[&operand])
            };
            made.insert(id, result);
        }
        made[&root]
    }

    /// The values of `roots`, with leaves valued by `leaf`. The plain evaluation that compiled programs
    /// answer to.
    #[cfg(test)]
    pub(super) fn evaluate(&self, roots: &[Id], leaf: impl Fn(Op) -> f64) -> Vec<f64> {
        let mut values = vec![f64::NAN; self.nodes.len()];
        for id in self.reachable(roots) {
            let v = |id: Id| values[id.0 as usize];
            let truth = f64::from;
            values[id.0 as usize] = match self.op(id) {
                Op::Number(bits) => f64::from_bits(bits),
                op @ (Op::Input(_) | Op::Symbol(_)) => leaf(op),
                Op::Add(a, b) => v(a) + v(b),
                Op::Subtract(a, b) => v(a) - v(b),
                Op::Multiply(a, b) => v(a) * v(b),
                Op::Divide(a, b) => v(a) / v(b),
                Op::Negate(a) => -v(a),
                Op::Power(a, n) => v(a).powi(n),
                Op::RealPower(a, b) => v(a).powf(v(b)),
                Op::Apply(function, a) => function.of(v(a)),
                Op::Minimum(a, b) => v(a).min(v(b)),
                Op::Maximum(a, b) => v(a).max(v(b)),
                Op::Less(a, b) => truth(v(a) < v(b)),
                Op::LessEqual(a, b) => truth(v(a) <= v(b)),
                Op::And(a, b) => v(a) * v(b),
                Op::Or(a, b) => v(a).max(v(b)),
                Op::Not(a) => 1.0 - v(a),
                Op::Choose(c, a, b) => {
                    if v(c) != 0.0 {
                        v(a)
                    } else {
                        v(b)
                    }
                }
            };
        }
        roots.iter().map(|root| values[root.0 as usize]).collect()
    }
}
