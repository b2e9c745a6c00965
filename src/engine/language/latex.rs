//! Expressions as formulas for papers.

use crate::engine::language::model::{Constant, Definition, Field, FieldKind, Layered, Model, Process};
use crate::engine::language::syntax::{Binary, Expression, Form, Node};

const GREEK: [&str; 24] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
];

/// A term of a rate of change: whether it adds, the coefficient unless it is 1, the rate, the process.
pub(super) struct Term<'a> {
    pub gain: bool,
    pub factor: Option<&'a Expression>,
    pub rate: Option<&'a Expression>,
    pub process: (&'a str, &'a Process),
}

impl Model {
    /// The equation of a field, an intermediate, a constant or an observable in LaTeX, without surrounding `$`.
    pub fn latex(&self, name: &str) -> Option<String> {
        if let Some(field) = self.fields.get(name) {
            return Some(self::field(self, name, field, &self.terms(name)));
        }
        let own = symbol(self, name);
        let value = match self.constants.get(name) {
            Some(Constant { definition: Definition::Number(number), .. }) => {
                return Some(format!("{own} = \\text{{{}}}", escape(&number.text)));
            }
            Some(Constant { definition: Definition::Expression(expression), .. }) => expression,
            None => match (self.named(name), self.observables.get(name)) {
                (Some((_, value)), _) => value,
                (None, Some(observable)) => &observable.value,
                (None, None) => return None,
            },
        };
        Some(format!("{own} = {}", expression(self, value)))
    }

    /// The terms of a field's rate of change, in the order of the file.
    pub(super) fn terms(&self, name: &str) -> Vec<Term<'_>> {
        let mut terms = Vec::new();
        for (process_name, process) in &self.processes {
            let rate = process.rate.as_ref();
            let lists = [(&process.gives, true, rate), (&process.takes, false, rate), (&process.changes, true, None)];
            for (list, gain, rate) in lists {
                for (_, factor) in list.iter().filter(|(target, _)| target.name == name) {
                    let factor = (rate.is_none() || factor.text != "1").then_some(factor);
                    terms.push(Term { gain, factor, rate, process: (process_name, process) });
                }
            }
        }
        terms
    }
}

/// The symbol of a name: its own, if it is a field with one; else Greek letters, and subscripts at `_`.
pub(super) fn symbol(model: &Model, name: &str) -> String {
    if let Some(symbol) = model.fields.get(name).and_then(|field| field.symbol.as_ref()) {
        return symbol.clone();
    }
    let part = |part: &str| {
        let lower = part.to_lowercase();
        match (GREEK.contains(&lower.as_str()), part.chars().count()) {
            (true, _) => format!("\\{part}"),
            (false, 0 | 1) => part.to_owned(),
            (false, _) => format!("\\mathrm{{{}}}", escape(part)),
        }
    };
    match name.split_once('_') {
        Some((head, tail)) if !head.is_empty() && !tail.is_empty() => {
            let tail: Vec<String> = tail.split('_').map(part).collect();
            format!("{}_{{{}}}", part(head), tail.join(","))
        }
        _ => part(name),
    }
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '_' | '%' | '&' | '#' | '$' | '{' | '}' => out.extend(['\\', letter]),
            '^' => out.push_str("\\textasciicircum{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            other => out.push(other),
        }
    }
    out
}

pub(super) fn expression(model: &Model, expression: &Expression) -> String {
    node(model, &expression.root, 0)
}

/// The equation of a field.
pub(super) fn field(model: &Model, name: &str, field: &Field, terms: &[Term<'_>]) -> String {
    let symbol = symbol(model, name);
    let mut text = match field.kind {
        FieldKind::Volume => format!("\\frac{{\\partial {symbol}}}{{\\partial t}} ="),
        FieldKind::Surface => format!("\\frac{{\\mathrm{{d}} {symbol}}}{{\\mathrm{{d}} t}} ="),
        FieldKind::QuasiSteady => "0 =".to_owned(),
    };
    let mut first = true;
    if let Some(diffusivity) = &field.diffusivity {
        match &field.across[..] {
            [] => {
                let own = layered(model, diffusivity);
                text.push_str(&format!(" \\nabla\\cdot\\left({own}\\,\\nabla {symbol}\\right)"));
            }
            across => {
                let across = across.iter().map(|along| (along.axis.name.as_str(), &along.value));
                let terms = std::iter::once(("depth", diffusivity)).chain(across).map(|(axis, value)| {
                    let (axis, value) = (coordinate(axis), layered(model, value));
                    format!(" \\partial_{{{axis}}}\\left({value}\\,\\partial_{{{axis}}} {symbol}\\right)")
                });
                text.push_str(&terms.collect::<Vec<_>>().join(" +"));
            }
        }
        first = false;
    }
    for along in &field.drift {
        let (speed, axis) = (layered(model, &along.value), coordinate(&along.axis.name));
        text.push_str(&format!(" - \\partial_{{{axis}}}\\left({speed}\\,{symbol}\\right)"));
        first = false;
    }
    for (along, sensitivity) in &field.chemotaxis {
        let (sensitivity, along) = (layered(model, sensitivity), self::symbol(model, &along.name));
        text.push_str(&format!(" - \\nabla\\cdot\\left({sensitivity}\\,{symbol}\\,\\nabla {along}\\right)"));
        first = false;
    }
    for term in terms {
        let parts: Vec<String> =
            [term.factor, term.rate].into_iter().flatten().map(|part| node(model, &part.root, PRODUCT)).collect();
        let sign = match (term.gain, first) {
            (true, true) => " ",
            (true, false) => " + ",
            (false, _) => " - ",
        };
        text.push_str(sign);
        text.push_str(&parts.join("\\,"));
        first = false;
    }
    if first {
        text.push_str(" 0");
    }
    text
}

/// The letter of an axis.
fn coordinate(axis: &str) -> &str {
    match axis {
        "depth" => "z",
        "lateral" => "\\perp",
        other => other,
    }
}

fn layered(model: &Model, layered: &Layered) -> String {
    match layered {
        Layered::One(one) => node(model, &one.root, PRODUCT),
        Layered::Table(table) => {
            // What differs between layers is written once for each different expression.
            let mut different: Vec<String> = table.iter().map(|(_, value)| node(model, &value.root, PRODUCT)).collect();
            different.dedup();
            match &different[..] {
                [one] => one.clone(),
                several => format!("\\left\\{{{}\\right\\}}", several.join(";\\ ")),
            }
        }
    }
}

/// Strengths: what is weaker than its place gets parentheses.
const SUM: u8 = 1;
const PRODUCT: u8 = 2;
const POWER: u8 = 3;

fn node(model: &Model, this: &Node, least: u8) -> String {
    let inner = |node_: &Node, least| node(model, node_, least);
    let (text, strength) = match &this.form {
        Form::Number(value) => number(*value),
        Form::Quantity(quantity) => {
            let unit = escape(&quantity.dimension.to_string());
            (format!("{}\\,\\text{{{unit}}}", number(quantity.value).0), PRODUCT)
        }
        Form::Name(name) => (symbol(model, name), POWER + 1),
        Form::Negate(a) => (format!("-{}", inner(a, PRODUCT)), SUM),
        Form::Not(a) => (format!("\\lnot {}", inner(a, POWER)), SUM),
        Form::Binary(operator, a, b) => match operator {
            Binary::Add => (format!("{} + {}", inner(a, SUM), inner(b, SUM)), SUM),
            Binary::Subtract => (format!("{} - {}", inner(a, SUM), inner(b, PRODUCT)), SUM),
            Binary::Multiply => (format!("{}\\,{}", inner(a, PRODUCT), inner(b, PRODUCT)), PRODUCT),
            Binary::Divide => (format!("\\frac{{{}}}{{{}}}", inner(a, 0), inner(b, 0)), PRODUCT),
            Binary::Power => (format!("{}^{{{}}}", inner(a, POWER + 1), inner(b, 0)), POWER),
            Binary::Less => (format!("{} < {}", inner(a, SUM), inner(b, SUM)), 0),
            Binary::LessEqual => (format!("{} \\le {}", inner(a, SUM), inner(b, SUM)), 0),
            Binary::Greater => (format!("{} > {}", inner(a, SUM), inner(b, SUM)), 0),
            Binary::GreaterEqual => (format!("{} \\ge {}", inner(a, SUM), inner(b, SUM)), 0),
            Binary::And => (format!("{} \\land {}", inner(a, SUM), inner(b, SUM)), 0),
            Binary::Or => (format!("{} \\lor {}", inner(a, SUM), inner(b, SUM)), 0),
        },
        Form::Random(_) => call(model, "random", &[]),
        Form::Call(name, list) => call(model, name, list),
    };
    if strength < least { format!("\\left({text}\\right)") } else { text }
}

fn number(value: f64) -> (String, u8) {
    let text =
        if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) { format!("{value:e}") } else { value.to_string() };
    match text.split_once('e') {
        Some(("1", exponent)) => (format!("10^{{{exponent}}}"), POWER),
        Some((mantissa, exponent)) => (format!("{mantissa}\\times 10^{{{exponent}}}"), PRODUCT),
        None => (text, POWER + 1),
    }
}

fn call(model: &Model, name: &str, list: &[Node]) -> (String, u8) {
    let inner = |node_: &Node, least| node(model, node_, least);
    let all = || list.iter().map(|argument| inner(argument, 0)).collect::<Vec<_>>().join(", ");
    match (name, list) {
        ("hill", [x, half]) => (format!("\\frac{{{0}}}{{{1} + {0}}}", inner(x, SUM), inner(half, SUM)), PRODUCT),
        ("hill", [x, half, n]) => {
            let (x, half, n) = (inner(x, POWER + 1), inner(half, POWER + 1), inner(n, 0));
            (format!("\\frac{{{x}^{{{n}}}}}{{{half}^{{{n}}} + {x}^{{{n}}}}}"), PRODUCT)
        }
        ("positive", [x]) => (format!("\\left({}\\right)_+", inner(x, 0)), POWER),
        ("exp", [x]) => (format!("e^{{{}}}", inner(x, 0)), POWER),
        ("sqrt", [x]) => (format!("\\sqrt{{{}}}", inner(x, 0)), POWER + 1),
        ("abs", [x]) => (format!("\\left|{}\\right|", inner(x, 0)), POWER + 1),
        ("pow", [x, n]) => (format!("{}^{{{}}}", inner(x, POWER + 1), inner(n, 0)), POWER),
        ("sigmoid", [x]) => (format!("\\frac{{1}}{{1 + e^{{-{}}}}}", inner(x, PRODUCT)), PRODUCT),
        ("if", [condition, a, b]) => (
            format!(
                "\\begin{{cases}} {} & {} \\\\ {} & \\text{{else}} \\end{{cases}}",
                inner(a, 0),
                inner(condition, 0),
                inner(b, 0)
            ),
            POWER + 1,
        ),
        ("rest", [x]) => (format!("{}^{{*}}", inner(x, POWER + 1)), POWER),
        ("mean", [x, Node { form: Form::Name(region), .. }, ..]) => {
            (format!("\\left\\langle {} \\right\\rangle_{{\\text{{{}}}}}", inner(x, 0), escape(region)), POWER + 1)
        }
        ("integral", [x, Node { form: Form::Name(region), .. }]) => {
            (format!("\\int_{{\\text{{{}}}}} {}\\,\\mathrm{{d}}z", escape(region), inner(x, PRODUCT)), PRODUCT)
        }
        ("maximum" | "minimum", [x, Node { form: Form::Name(region), .. }]) => {
            let which = if name == "maximum" { "max" } else { "min" };
            (format!("\\{which}_{{\\text{{{}}}}} {}", escape(region), inner(x, PRODUCT)), PRODUCT)
        }
        ("log" | "tanh" | "sin" | "cos" | "min" | "max", _) => {
            let known = if name == "log" { "ln" } else { name };
            (format!("\\{known}\\left({}\\right)", all()), POWER + 1)
        }
        _ => (format!("\\operatorname{{{}}}\\left({}\\right)", escape(name), all()), POWER + 1),
    }
}
