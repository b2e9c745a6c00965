//! Symbolic derivatives of expressions.
//!
//! Where a function has a corner (min, max, abs) or a jump (if), the derivative is that of the side on which the point lies;
//! on the corner itself it is one of the two one-sided derivatives, so a Newton iteration sees a slope that exists.

use std::collections::HashMap;

use crate::engine::language::graph::{Function, Graph, Id, Op};

impl Graph {
    /// The derivatives of `roots` by the leaf `by`.
    pub(super) fn derivatives(&mut self, roots: &[Id], by: Id) -> Vec<Id> {
        let (zero, one) = (self.number(0.0), self.number(1.0));
        let mut known: HashMap<Id, Id> = HashMap::new();
        for id in self.reachable(roots) {
            let op = self.op(id);
            let result = if id == by {
                one
            } else if op.operands().all(|operand| known[&operand] == zero) {
                zero
            } else {
                self.differentiate(id, op, |operand| known[&operand])
            };
            known.insert(id, result);
        }
        roots.iter().map(|root| known[root]).collect()
    }

    /// The derivatives of `roots` by each of the leaves `by`: which root, and its derivative, where that is not zero. For every
    /// leaf only what depends on it is visited, so sparse systems cost as much as they have entries.
    pub(super) fn jacobian(&mut self, roots: &[Id], by: &[Id]) -> Vec<Vec<(usize, Id)>> {
        let (zero, one) = (self.number(0.0), self.number(1.0));
        let count = self.len();
        // The users of node i are users[starts[i]..starts[i + 1]].
        let reachable = self.reachable(roots);
        let mut starts = vec![0; count + 1];
        let uses = |graph: &Self, visit: &mut dyn FnMut(Id, Id)| {
            reachable.iter().for_each(|&id| graph.op(id).operands().for_each(|operand| visit(operand, id)));
        };
        uses(self, &mut |operand, _| starts[operand.0 as usize + 1] += 1);
        (0..count).for_each(|i| starts[i + 1] += starts[i]);
        let (mut users, mut next) = (vec![zero; starts[count]], starts.clone());
        uses(self, &mut |operand, id| {
            let place = &mut next[operand.0 as usize];
            users[*place] = id;
            *place += 1;
        });
        let mut rows: HashMap<Id, Vec<usize>> = HashMap::new();
        for (row, root) in roots.iter().enumerate() {
            rows.entry(*root).or_default().push(row);
        }
        let (mut known, mut seen) = (vec![zero; count], vec![false; count]);
        let mut of_leaf = |&leaf: &Id| {
            let mut dependent = vec![leaf];
            seen[leaf.0 as usize] = true;
            let mut at = 0;
            while let Some(id) = dependent.get(at).map(|id| id.0 as usize) {
                for user in &users[starts[id]..starts[id + 1]] {
                    if !std::mem::replace(&mut seen[user.0 as usize], true) {
                        dependent.push(*user);
                    }
                }
                at += 1;
            }
            dependent.sort_unstable();
            let mut entries = Vec::new();
            for &id in &dependent {
                let op = self.op(id);
                let result = if id == leaf {
                    one
                } else if op.operands().all(|operand| known[operand.0 as usize] == zero) {
                    zero
                } else {
                    self.differentiate(id, op, |operand| known[operand.0 as usize])
                };
                known[id.0 as usize] = result;
                if let Some(rows) = rows.get(&id).filter(|_| result != zero) {
                    entries.extend(rows.iter().map(|row| (*row, result)));
                }
            }
            for id in dependent {
                (known[id.0 as usize], seen[id.0 as usize]) = (zero, false);
            }
            entries
        };
        by.iter().map(&mut of_leaf).collect()
    }

    /// The derivative of one node from those of its operands.
    fn differentiate(&mut self, id: Id, op: Op, d: impl Fn(Id) -> Id) -> Id {
        match op {
            Op::Add(a, b) => self.add(d(a), d(b)),
            Op::Subtract(a, b) => self.subtract(d(a), d(b)),
            Op::Negate(a) => self.negate(d(a)),
            Op::Multiply(a, b) => {
                let left = self.multiply(d(a), b);
                let right = self.multiply(a, d(b));
                self.add(left, right)
            }
            Op::Divide(a, b) => self.quotient_rule(id, a, b, d),
            Op::Power(a, n) => {
                let lower = self.power(a, n - 1);
                let n = self.number(n.into());
                let outer = self.multiply(n, lower);
                self.multiply(outer, d(a))
            }
            Op::RealPower(a, b) => {
                // b a^(b-1) a' + a^b log(a) b'; the second part only where the exponent varies, for log needs a > 0. At a = 0 the slope
                // of a root is infinite: a Jacobian with that in it would hold the field where it is, and 0 lets it leave.
                let one = self.number(1.0);
                let less = self.subtract(b, one);
                let lower = self.real_power(a, less);
                let outer = self.multiply(b, lower);
                let steep = self.value(b).is_none_or(|b| b < 1.0);
                let outer = if steep { self.where_positive(a, outer) } else { outer };
                let first = self.multiply(outer, d(a));
                if self.is(d(b), 0.0) {
                    return first;
                }
                let log = self.apply(Function::Log, a);
                let scaled = self.multiply(id, log);
                let scaled = self.where_positive(a, scaled);
                let second = self.multiply(scaled, d(b));
                self.add(first, second)
            }
            Op::Apply(function, a) => {
                let outer = self.slope(id, function, a);
                self.multiply(outer, d(a))
            }
            Op::Minimum(a, b) => {
                let condition = self.less(a, b);
                self.choose(condition, d(a), d(b))
            }
            Op::Maximum(a, b) => {
                let condition = self.less(b, a);
                self.choose(condition, d(a), d(b))
            }
            Op::Choose(condition, a, b) => self.choose(condition, d(a), d(b)),
            Op::Number(_)
            | Op::Input(_)
            | Op::Symbol(_)
            | Op::Less(..)
            | Op::LessEqual(..)
            | Op::And(..)
            | Op::Or(..)
            | Op::Not(_) => self.number(0.0),
        }
    }

    /// (a/b)'. For a/(k + a) the form (k a' - a k')/(k + a)² is used: it has no cancellation, and its sign can be seen.
    fn quotient_rule(&mut self, id: Id, a: Id, b: Id, d: impl Fn(Id) -> Id) -> Id {
        if self.is(d(b), 0.0) {
            return self.divide(d(a), b);
        }
        if let Op::Add(x, y) = self.op(b)
            && (x == a || y == a)
        {
            let k = if x == a { y } else { x };
            let slope_k = if x == a { d(y) } else { d(x) };
            let gain = self.multiply(k, d(a));
            let loss = self.multiply(a, slope_k);
            let above = self.subtract(gain, loss);
            let square = self.power(b, 2);
            return self.divide(above, square);
        }
        if self.is(d(a), 0.0) {
            let square = self.power(b, 2);
            let scaled = self.multiply(a, d(b));
            let quotient = self.divide(scaled, square);
            return self.negate(quotient);
        }
        let slope = self.multiply(id, d(b));
        let above = self.subtract(d(a), slope);
        self.divide(above, b)
    }

    /// A value where `a` is positive, 0 elsewhere.
    fn where_positive(&mut self, a: Id, value: Id) -> Id {
        let zero = self.number(0.0);
        let positive = self.less(zero, a);
        self.choose(positive, value, zero)
    }

    /// The derivative of a function at `a`, where `id` is its value there.
    fn slope(&mut self, id: Id, function: Function, a: Id) -> Id {
        let one = self.number(1.0);
        match function {
            Function::Exp => id,
            Function::Log => self.divide(one, a),
            Function::Sqrt => {
                let half = self.number(0.5);
                let slope = self.divide(half, id);
                self.where_positive(a, slope)
            }
            Function::Tanh => {
                let square = self.power(id, 2);
                self.subtract(one, square)
            }
            Function::Sin => self.apply(Function::Cos, a),
            Function::Cos => {
                let sine = self.apply(Function::Sin, a);
                self.negate(sine)
            }
            Function::Abs => {
                let zero = self.number(0.0);
                let negative = self.less(a, zero);
                let minus = self.number(-1.0);
                self.choose(negative, minus, one)
            }
        }
    }
}
