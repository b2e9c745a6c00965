//! Formulas: expressions over names and functions to which somebody else gives a meaning.
//!
//! Model files compile their expressions to programs over cells. A reading of finished runs, such as
//! `at(erythema, [48 h]) / peak(erythema)`, is evaluated once; it shares the syntax and the care for units, and its names
//! belong to whoever reads. Comparisons and logic give 1 and 0.

use std::ops::Range;
use std::sync::Arc;

use crate::base::error::{Result, Source};
use crate::base::units::{Dimension, Quantity};
use crate::engine::language::syntax::{Binary, Expression, Form, Node};

/// An expression whose names mean what a [`FormulaScope`] says.
#[derive(Debug, Clone)]
pub struct Formula {
    source: Arc<Source>,
    expression: Expression,
}

/// What names and functions of a formula mean.
pub trait FormulaScope {
    /// The value of a name.
    ///
    /// # Errors
    /// The name means nothing here.
    fn name(&self, name: &str) -> Result<Quantity>;

    /// The value of a function of `arguments`; `min`, `max`, `abs`, `log` and `exp` never come here.
    ///
    /// # Errors
    /// There is no such function, or it cannot take these arguments.
    fn call(&self, function: &str, arguments: &[Argument<'_>]) -> Result<Quantity>;
}

/// One argument of a function, not yet evaluated: a function may want its name rather than its value.
#[derive(Debug, Clone, Copy)]
pub struct Argument<'a> {
    source: &'a Arc<Source>,
    node: &'a Node,
}

impl Formula {
    /// Reads the text of a formula that stands at `span` of `source`.
    ///
    /// # Errors
    /// The text is no expression.
    pub fn read(source: &Arc<Source>, span: Range<usize>, text: &str) -> Result<Self> {
        Ok(Self { source: source.clone(), expression: Expression::read(source, span, text)? })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.expression.text
    }

    /// Where it stands in its file.
    pub fn span(&self) -> Range<usize> {
        self.expression.span.clone()
    }

    /// Its value.
    ///
    /// # Errors
    /// A name or function is unknown to the scope, or units do not fit; the message points at the place.
    pub fn value(&self, scope: &dyn FormulaScope) -> Result<Quantity> {
        Argument { source: &self.source, node: &self.expression.root }.value(scope)
    }
}

impl<'a> Argument<'a> {
    /// The name, if the argument is nothing but a name.
    pub fn word(&self) -> Option<&'a str> {
        if let Form::Name(name) = &self.node.form { Some(name) } else { None }
    }

    /// Its value in a scope.
    ///
    /// # Errors
    /// As [`Formula::value`].
    pub fn value(&self, scope: &dyn FormulaScope) -> Result<Quantity> {
        let of = |node: &'a Node| Argument { source: self.source, node }.value(scope);
        let refuse = |message: String| self.source.refuse(self.node.span.clone(), message);
        let at = |error: crate::base::error::Error| error.at(self.source, self.node.span.clone());
        match &self.node.form {
            Form::Number(value) => Ok(Quantity::number(*value)),
            Form::Quantity(quantity) => Ok(*quantity),
            Form::Name(name) => scope.name(name).map_err(at),
            Form::Negate(inner) => of(inner).map(|q| Quantity { value: -q.value, ..q }),
            Form::Not(inner) => Ok(truth(of(inner)?.value == 0.0)),
            Form::Binary(operator, left, right) => binary(*operator, of(left)?, of(right)?).map_err(refuse),
            Form::Random(_) => scope.call("random", &[]).map_err(at),
            Form::Call(name, nodes) => {
                let arguments: Vec<Argument<'a>> =
                    nodes.iter().map(|node| Argument { source: self.source, node }).collect();
                match (name.as_str(), arguments.as_slice()) {
                    ("min" | "max", [first, second]) => {
                        let (a, b) = (first.value(scope)?, second.value(scope)?);
                        same(a, b).map_err(refuse)?;
                        let value = if name == "min" { a.value.min(b.value) } else { a.value.max(b.value) };
                        Ok(Quantity { value, ..a })
                    }
                    ("abs", [one]) => one.value(scope).map(|q| Quantity { value: q.value.abs(), ..q }),
                    ("log" | "exp", [one]) => {
                        let plain = one.value(scope)?.expect("1").map_err(at)?;
                        Ok(Quantity::number(if name == "log" { plain.ln() } else { plain.exp() }))
                    }
                    _ => scope.call(name, &arguments).map_err(at),
                }
            }
        }
    }
}

fn truth(value: bool) -> Quantity {
    Quantity::number(f64::from(u8::from(value)))
}

fn same(a: Quantity, b: Quantity) -> std::result::Result<(), String> {
    if a.dimension == b.dimension {
        return Ok(());
    }
    Err(format!("one side is in {}, the other in {}", a.dimension, b.dimension))
}

fn binary(operator: Binary, a: Quantity, b: Quantity) -> std::result::Result<Quantity, String> {
    let (x, y) = (a.value, b.value);
    if matches!(operator, Binary::Add | Binary::Subtract) || operator.compares() {
        same(a, b)?;
    }
    Ok(match operator {
        Binary::Add => Quantity { value: x + y, ..a },
        Binary::Subtract => Quantity { value: x - y, ..a },
        Binary::Multiply => Quantity { value: x * y, dimension: a.dimension.times(b.dimension) },
        Binary::Divide => Quantity { value: x / y, dimension: a.dimension.over(b.dimension) },
        Binary::Power => {
            if b.dimension != Dimension::NONE {
                return Err("an exponent has no unit".into());
            }
            let whole = y.fract() == 0.0 && y.abs() <= 8.0;
            match (a.dimension == Dimension::NONE, whole) {
                (true, _) => Quantity::number(x.powf(y)),
                (false, true) => Quantity { value: x.powf(y), dimension: a.dimension.power(y as i8) },
                (false, false) => return Err(format!("{} cannot be raised to {y}", a.dimension)),
            }
        }
        Binary::Less => truth(x < y),
        Binary::LessEqual => truth(x <= y),
        Binary::Greater => truth(x > y),
        Binary::GreaterEqual => truth(x >= y),
        Binary::And => truth(x != 0.0 && y != 0.0),
        Binary::Or => truth(x != 0.0 || y != 0.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Error;

    struct Two;

    impl FormulaScope for Two {
        fn name(&self, name: &str) -> Result<Quantity> {
            if name == "two" { Ok(Quantity::number(2.0)) } else { Err(Error::input(format!("no `{name}`"))) }
        }

        fn call(&self, function: &str, arguments: &[Argument<'_>]) -> Result<Quantity> {
            match (function, arguments) {
                ("letters", [only]) => Ok(Quantity::number(only.word().map_or(0, str::len) as f64)),
                _ => Err(Error::input("no such function")),
            }
        }
    }

    fn value(text: &str) -> Result<Quantity> {
        let source = Source::new("x.toml", format!("v = \"{text}\"\n"));
        Formula::read(&source, 4..6 + text.len(), text)?.value(&Two)
    }

    #[test]
    fn names_functions_and_units() {
        for (text, wanted) in [
            ("two^3 - 1", 7.0),
            ("[1 h] / [30 min]", 2.0),
            ("min(two, 1) + letters(word)", 5.0),
            ("two > 1 and not (two > 3)", 1.0),
            ("log(exp(two))", 2.0),
        ] {
            assert_eq!(value(text).unwrap(), Quantity::number(wanted), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_pointed_at() {
        for (text, message) in
            [("[1 h] + [1 mm]", "one side is in"), ("three", "no `three`"), ("f(1)", "no such function")]
        {
            let error = value(text).unwrap_err();
            assert!(error.message().contains(message) && error.line() == Some(1), "{error}");
        }
    }
}
