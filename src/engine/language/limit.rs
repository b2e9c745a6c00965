//! What an expression tends to as a field falls to zero.
//!
//! Where a loss has a factor such as u·log(K/u) or u/√u, putting u = 0 gives 0·∞, while the limit is zero. So every node gets an
//! **order** as u → 0⁺ with all else fixed: |x| ≤ C uᵖ (1 + |log u|)^q, and |x| ≥ c uʳ where that is known. What is of an order
//! p > 0 vanishes. Orders that are not known say nothing.

use std::collections::{HashMap, HashSet};

use crate::engine::language::graph::{Function, Graph, Id, Op};
use crate::engine::language::interval::Interval;

/// The order of a node as a field falls to zero.
#[derive(Debug, Clone, Copy)]
struct Order {
    /// Powers p of u and q of its logarithm that bound it from above.
    upper: Option<(f64, f64)>,
    /// Power r of u that bounds it from below.
    lower: Option<f64>,
}

impl Order {
    const UNKNOWN: Self = Self { upper: None, lower: None };

    fn vanishes(self) -> bool {
        self.upper.is_some_and(|(p, q)| p > 0.0 || p == 0.0 && q < 0.0)
    }

    fn bounded(self) -> bool {
        self.upper.is_some_and(|(p, q)| p > 0.0 || p == 0.0 && q <= 0.0)
    }

    /// Both powers times a number above zero.
    fn times(self, n: f64) -> Self {
        Self { upper: self.upper.map(|(p, q)| (n * p, n * q)), lower: self.lower.map(|r| n * r) }
    }

    /// The inverse.
    fn inverse(self) -> Self {
        let exact = self.upper.filter(|(_, q)| *q <= 0.0);
        Self { upper: self.lower.map(|r| (-r, 0.0)), lower: exact.map(|(p, _)| -p) }
    }

    fn product(self, other: Self) -> Self {
        let upper = self.upper.zip(other.upper).map(|((p, q), (s, t))| (p + s, q + t));
        Self { upper, lower: self.lower.zip(other.lower).map(|(r, s)| r + s) }
    }
}

/// The larger of two bounds: of the smaller power.
fn dominating(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> Option<(f64, f64)> {
    a.zip(b).map(|((p, q), (s, t))| if p < s || p == s && q > t { (p, q) } else { (s, t) })
}

fn least(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

impl Graph {
    /// The orders of all nodes that `root` needs as `own` falls to zero; none for those that do not depend on it.
    fn orders(&self, root: Id, own: Id, leaf: &dyn Fn(Op) -> Interval) -> HashMap<Id, Order> {
        let ranges = self.intervals(root, leaf);
        let positive = |id: Id| ranges[&id].low >= 0.0;
        let mut orders: HashMap<Id, Order> = HashMap::new();
        for id in self.reachable(&[root]) {
            let op = self.op(id);
            if id == own {
                orders.insert(id, Order { upper: Some((1.0, 0.0)), lower: Some(1.0) });
                continue;
            }
            if !op.operands().any(|operand| orders.contains_key(&operand)) {
                continue;
            }
            // What does not depend on the field is a number, which may be zero.
            let of = |id: Id| {
                let apart = ranges[&id].low > 0.0 || ranges[&id].high < 0.0;
                orders.get(&id).copied().unwrap_or(Order { upper: Some((0.0, 0.0)), lower: apart.then_some(0.0) })
            };
            let order = match op {
                Op::Number(_) | Op::Input(_) | Op::Symbol(_) => Order::UNKNOWN,
                Op::Add(a, b) | Op::Subtract(a, b) => {
                    let (x, y) = (of(a), of(b));
                    let outgrows = |x: Order, y: Order| x.lower.filter(|r| y.upper.is_some_and(|(p, _)| p > *r));
                    let both = matches!(op, Op::Add(..)) && positive(a) && positive(b);
                    let together = if both { least(x.lower, y.lower) } else { None };
                    let lower = together.or(outgrows(x, y)).or(outgrows(y, x));
                    Order { upper: dominating(x.upper, y.upper), lower }
                }
                Op::Multiply(a, b) => of(a).product(of(b)),
                Op::Divide(a, b) => of(a).product(of(b).inverse()),
                Op::Negate(a) => of(a),
                Op::Power(a, n) if n > 0 => of(a).times(f64::from(n)),
                Op::Power(a, n) => of(a).inverse().times(f64::from(n.checked_neg().unwrap_or(i32::MAX))),
                Op::RealPower(a, b) => {
                    let Interval { low, high } = ranges[&b];
                    let (base, fixed) = (of(a), !orders.contains_key(&b) && low.is_finite() && high.is_finite());
                    let base = if low >= 0.0 { base } else { base.inverse() };
                    let (least, most) = if low >= 0.0 { (low, high) } else { (-high, -low) };
                    let upper = base.upper.map(|(p, q)| (p * if p >= 0.0 { least } else { most }, q.max(0.0) * most));
                    let lower = base.lower.map(|r| r * if r >= 0.0 { most } else { least });
                    if fixed && least >= 0.0 { Order { upper, lower } } else { Order::UNKNOWN }
                }
                Op::Apply(Function::Log, a) => match of(a) {
                    Order { upper: Some((p, q)), lower: Some(r) } if positive(a) => {
                        let constant = p == 0.0 && q == 0.0 && r == 0.0;
                        let upper = Some((0.0, if constant { 0.0 } else { 1.0 }));
                        Order { upper, lower: (p > 0.0 || r < 0.0 && p == r).then_some(0.0) }
                    }
                    _ => Order::UNKNOWN,
                },
                Op::Apply(Function::Sqrt, a) => of(a).times(0.5),
                Op::Apply(Function::Exp, a) if of(a).bounded() => Order { upper: Some((0.0, 0.0)), lower: Some(0.0) },
                Op::Apply(Function::Exp, a) if ranges[&a].high <= 0.0 => Order { upper: Some((0.0, 0.0)), lower: None },
                Op::Apply(Function::Exp, _) => Order::UNKNOWN,
                Op::Apply(Function::Abs, a) => of(a),
                Op::Apply(Function::Tanh | Function::Sin, a) if of(a).vanishes() => of(a),
                Op::Apply(Function::Tanh | Function::Sin | Function::Cos, _) => {
                    Order { upper: Some((0.0, 0.0)), lower: None }
                }
                Op::Minimum(a, b) if positive(a) && positive(b) => {
                    let (x, y) = (of(a), of(b));
                    let smaller =
                        |(p, q): (f64, f64), (s, t): (f64, f64)| if (p, t) > (s, q) { (p, q) } else { (s, t) };
                    let upper = match (x.upper, y.upper) {
                        (Some(a), Some(b)) => Some(smaller(a, b)),
                        (one, other) => one.or(other),
                    };
                    Order { upper, lower: x.lower.zip(y.lower).map(|(r, s)| r.max(s)) }
                }
                Op::Maximum(a, b) if positive(a) && positive(b) => {
                    let (x, y) = (of(a), of(b));
                    Order { upper: dominating(x.upper, y.upper), lower: least(x.lower, y.lower) }
                }
                Op::Minimum(a, b) | Op::Maximum(a, b) => {
                    Order { upper: dominating(of(a).upper, of(b).upper), lower: None }
                }
                Op::Choose(_, a, b) => {
                    let (x, y) = (of(a), of(b));
                    let lower = x.lower.zip(y.lower).map(|(r, s)| r.max(s));
                    Order { upper: dominating(x.upper, y.upper), lower }
                }
                Op::Less(..) | Op::LessEqual(..) | Op::And(..) | Op::Or(..) | Op::Not(_) => {
                    Order { upper: Some((0.0, 0.0)), lower: None }
                }
            };
            orders.insert(id, order);
        }
        orders
    }

    /// The expression as the field `own` falls to zero. Where that is not known it holds a number that is none.
    pub(super) fn at_zero(&mut self, root: Id, own: Id, leaf: &dyn Fn(Op) -> Interval) -> Id {
        let orders = self.orders(root, own, leaf);
        let zero = self.number(0.0);
        let mut made: HashMap<Id, Id> = HashMap::new();
        for id in self.reachable(&[root]) {
            let op = self.op(id);
            let result = match orders.get(&id) {
                None => id,
                Some(order) if order.vanishes() => zero,
                Some(_) => match op {
                    Op::Multiply(a, b) if self.is_indefinite(made[&a], made[&b]) => self.number(f64::NAN),
                    _ => self.remake(op, |operand| made[&operand]),
                },
            };
            made.insert(id, result);
        }
        made[&root]
    }

    /// Whether a product has a factor of zero and one that is infinite.
    fn is_indefinite(&self, a: Id, b: Id) -> bool {
        (self.is(a, 0.0) && self.is_singular(b)) || (self.is(b, 0.0) && self.is_singular(a))
    }

    /// Whether something in it is divided by zero, or is no finite number.
    fn is_singular(&self, root: Id) -> bool {
        self.reachable(&[root]).into_iter().any(|id| match self.op(id) {
            Op::Number(bits) => !f64::from_bits(bits).is_finite(),
            Op::Divide(_, below) => self.is(below, 0.0),
            _ => false,
        })
    }

    /// An expression that vanishes with fields but is indefinite where they are zero, made zero there: u·log(u).
    pub(super) fn guarded(&mut self, root: Id, leaf: &dyn Fn(Op) -> Interval) -> Id {
        let risky =
            |op: Op| matches!(op, Op::Apply(Function::Log, _) | Op::RealPower(..) | Op::Power(_, i32::MIN..=-1));
        // Work in proportion to the term, for a network has many and few of these.
        let (mut seen, mut stack, mut found) = (HashSet::new(), vec![root], false);
        while let Some(id) = stack.pop().filter(|_| !found) {
            found = risky(self.op(id));
            stack.extend(self.op(id).operands().filter(|operand| seen.insert(*operand)));
        }
        if !found {
            return root;
        }
        let fields: Vec<Id> = (self.reachable(&[root]).into_iter())
            .filter(|&id| matches!(self.op(id), op @ Op::Input(_) if leaf(op) == Interval::POSITIVE))
            .collect();
        let zero = self.number(0.0);
        fields.into_iter().fold(root, |guarded, field| {
            let orders = self.orders(root, field, leaf);
            let vanishes = |id: &Id| orders.get(id).is_some_and(|one| one.vanishes());
            let unbounded = |id: &Id| orders.get(id).is_some_and(|one| !one.bounded());
            let infinite = |id: &Id| match self.op(*id) {
                Op::Apply(Function::Log, a) => vanishes(&a) || unbounded(&a),
                Op::Power(a, n) => n < 0 && vanishes(&a),
                Op::RealPower(..) => unbounded(id),
                _ => false,
            };
            if !vanishes(&root) || !orders.keys().any(infinite) {
                return guarded;
            }
            let some = self.less(zero, field);
            self.choose(some, guarded, zero)
        })
    }
}
