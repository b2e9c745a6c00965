//! What can be proved about the sign of an expression: interval arithmetic, and monotonicity where that is not enough.
//!
//! Fields that are not declared signed lie in [0, ∞). An expression is **proved** not negative if its interval is, or if it
//! is so where some field is zero and never falls as that field grows. A failed proof says nothing about the expression.

use std::collections::HashMap;

use crate::engine::language::graph::{Function, Graph, Id, Op};

/// A closed interval; its ends may be infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    pub(super) const ALL: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };
    pub(super) const POSITIVE: Self = Self { low: 0.0, high: f64::INFINITY };
    pub(super) const UNIT: Self = Self { low: 0.0, high: 1.0 };

    pub(super) fn point(value: f64) -> Self {
        // Infinity is a division by zero: nothing is known of it.
        if value.is_finite() { Self { low: value, high: value } } else { Self::ALL }
    }

    /// The smallest interval around some numbers.
    pub(super) fn around(values: impl IntoIterator<Item = f64>) -> Self {
        let start = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };
        let mut all = start;
        for value in values {
            if value.is_nan() {
                return Self::ALL;
            }
            all = Self { low: all.low.min(value), high: all.high.max(value) };
        }
        if all == start { Self::ALL } else { all }
    }

    pub(super) fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    fn map(self, rising: impl Fn(f64) -> f64) -> Self {
        Self::around([rising(self.low), rising(self.high)])
    }

    pub(super) fn times(self, other: Self) -> Self {
        // A zero factor wins over an infinite one: infinity stands for "as large as you like", never for a value.
        let product = |x: f64, y: f64| if x == 0.0 || y == 0.0 { 0.0 } else { x * y };
        let corners = [
            product(self.low, other.low),
            product(self.low, other.high),
            product(self.high, other.low),
            product(self.high, other.high),
        ];
        Self::around(corners)
    }

    fn inverse(self) -> Self {
        match (self.low, self.high) {
            (low, high) if low > 0.0 || high < 0.0 => Self { low: 1.0 / high, high: 1.0 / low },
            (0.0, high) if high > 0.0 => Self { low: 1.0 / high, high: f64::INFINITY },
            (low, 0.0) if low < 0.0 => Self { low: f64::NEG_INFINITY, high: 1.0 / low },
            _ => Self::ALL,
        }
    }

    fn plus(self, other: Self) -> Self {
        let (low, high) = (self.low + other.low, self.high + other.high);
        Self {
            low: if low.is_nan() { f64::NEG_INFINITY } else { low },
            high: if high.is_nan() { f64::INFINITY } else { high },
        }
    }

    fn negated(self) -> Self {
        Self { low: -self.high, high: -self.low }
    }

    fn power(self, n: i32) -> Self {
        if n < 0 {
            return self.power(n.checked_neg().unwrap_or(i32::MAX)).inverse();
        }
        let ends = self.map(|x| x.powi(n));
        match (n % 2 == 0, self.low <= 0.0 && self.high >= 0.0) {
            (true, true) => Self { low: 0.0, high: ends.high },
            _ => ends,
        }
    }

    fn apply(self, function: Function) -> Self {
        match function {
            Function::Exp => self.map(f64::exp),
            Function::Log if self.low >= 0.0 => self.map(f64::ln),
            Function::Log => Self::ALL,
            Function::Sqrt => Self { low: self.low.max(0.0).sqrt(), high: self.high.max(0.0).sqrt() },
            Function::Tanh => self.map(f64::tanh),
            Function::Sin | Function::Cos => Self { low: -1.0, high: 1.0 },
            Function::Abs if self.low >= 0.0 => self,
            Function::Abs if self.high <= 0.0 => self.negated(),
            Function::Abs => Self { low: 0.0, high: self.high.max(-self.low) },
        }
    }
}

/// How many fields may be eliminated one after the other in a proof, and how large a graph a proof may grow.
const DEPTH: usize = 3;
const GROWTH: usize = 200_000;
const FIELDS: usize = 12;
/// How many expressions may be tried in a proof.
const ATTEMPTS: usize = 300;

impl Graph {
    /// Where the values of `root` lie, given where those of the leaves lie.
    pub(super) fn interval(&self, root: Id, leaf: &dyn Fn(Op) -> Interval) -> Interval {
        self.intervals(root, leaf)[&root]
    }

    /// The same for every node that `root` needs.
    pub(super) fn intervals(&self, root: Id, leaf: &dyn Fn(Op) -> Interval) -> HashMap<Id, Interval> {
        let mut known: HashMap<Id, Interval> = HashMap::new();
        for id in self.reachable(&[root]) {
            let i = |id: Id| known[&id];
            let interval = match self.op(id) {
                Op::Number(bits) => Interval::point(f64::from_bits(bits)),
                op @ (Op::Input(_) | Op::Symbol(_)) => leaf(op),
                Op::Add(a, b) => i(a).plus(i(b)),
                Op::Subtract(a, b) => i(a).plus(i(b).negated()),
                Op::Multiply(a, b) => i(a).times(i(b)),
                Op::Divide(a, b) => self.quotient(a, b, &i),
                Op::Negate(a) => i(a).negated(),
                Op::Power(a, n) => i(a).power(n),
                Op::RealPower(a, b) => {
                    let (base, exponent) = (i(a), i(b));
                    match (base.low >= 0.0, base.high <= 1.0 && exponent.low >= 0.0) {
                        (true, true) => Interval::UNIT,
                        (true, false) => Interval::POSITIVE,
                        _ => Interval::ALL,
                    }
                }
                Op::Apply(function, a) => i(a).apply(function),
                Op::Minimum(a, b) => Interval { low: i(a).low.min(i(b).low), high: i(a).high.min(i(b).high) },
                Op::Maximum(a, b) => Interval { low: i(a).low.max(i(b).low), high: i(a).high.max(i(b).high) },
                Op::Less(..) | Op::LessEqual(..) | Op::And(..) | Op::Or(..) | Op::Not(_) => Interval::UNIT,
                Op::Choose(_, a, b) => i(a).hull(i(b)),
            };
            known.insert(id, interval);
        }
        known
    }

    /// a/b, where a share x/(x + …) of numbers that are not negative is known to lie between 0 and 1.
    fn quotient(&self, a: Id, b: Id, i: &dyn Fn(Id) -> Interval) -> Interval {
        let plain = i(a).times(i(b).inverse());
        if i(a).low >= 0.0 && self.has_part(a, b, i) {
            return Interval { low: plain.low.max(0.0), high: plain.high.min(1.0) };
        }
        plain
    }

    /// Whether the sum `whole` has `part` as a term and all its other terms are not negative.
    fn has_part(&self, part: Id, whole: Id, i: &dyn Fn(Id) -> Interval) -> bool {
        let (mut stack, mut found) = (vec![whole], false);
        while let Some(id) = stack.pop() {
            match self.op(id) {
                _ if id == part => found = true,
                Op::Add(x, y) => stack.extend([x, y]),
                _ if i(id).low < 0.0 => return false,
                _ => {}
            }
        }
        found
    }

    /// Whether nothing in `root` can be singular, so that its derivatives tell how it grows.
    fn regular(&self, root: Id, leaf: &dyn Fn(Op) -> Interval) -> bool {
        let known = self.intervals(root, leaf);
        let apart = |id: Id| known[&id].low > 0.0 || known[&id].high < 0.0;
        known.keys().all(|&id| match self.op(id) {
            Op::Divide(_, below) => apart(below),
            Op::Power(base, n) if n < 0 => apart(base),
            Op::Apply(Function::Log, a) => known[&a].low > 0.0,
            Op::Apply(Function::Sqrt, a) | Op::RealPower(a, _) => known[&a].low >= 0.0,
            // A jump.
            Op::Choose(..) => false,
            _ => true,
        })
    }

    /// Whether `root` is proved not to be negative.
    pub(super) fn proved_positive(&mut self, root: Id, leaf: &dyn Fn(Op) -> Interval) -> bool {
        self.prove(root, leaf, DEPTH, &mut { ATTEMPTS })
    }

    fn prove(&mut self, root: Id, leaf: &dyn Fn(Op) -> Interval, depth: usize, left: &mut usize) -> bool {
        let Some(fewer) = left.checked_sub(1) else { return false };
        *left = fewer;
        if self.interval(root, leaf).low >= 0.0 {
            return true;
        }
        // A sum of expressions that are each not negative.
        if let Op::Add(a, b) = self.op(root)
            && depth > 0
            && self.prove(a, leaf, depth - 1, left)
            && self.prove(b, leaf, depth - 1, left)
        {
            return true;
        }
        if depth == 0 || self.len() > GROWTH || !self.regular(root, leaf) {
            return false;
        }
        // Every field costs a derivative; a proof that needs many would be hard to follow for people, too.
        let fields: Vec<Id> = self
            .reachable(&[root])
            .into_iter()
            .filter(|&id| matches!(self.op(id), op @ Op::Input(_) if leaf(op) == Interval::POSITIVE))
            .take(FIELDS)
            .collect();
        let zero = self.number(0.0);
        fields.into_iter().any(|field| {
            let slope = self.derivatives(&[root], field)[0];
            if !self.prove(slope, leaf, depth.min(2) - 1, left) {
                return false;
            }
            let start = self.substitute(root, field, zero);
            self.prove(start, leaf, depth - 1, left)
        })
    }
}
