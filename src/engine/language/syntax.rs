//! Expressions as people write them: text to a tree whose every node knows its place in the file.
//!
//! Operators from the loosest to the tightest: `or`, `and`, `not`, comparisons, `+ -`, `* /`, unary `-`, `^` (to the right).
//! So `-x^2` is `-(x^2)` and `2^-1` is one half. A quantity stands in brackets: `[0.3 mm]`.
//!
//! The height of a tree is bounded, so that every later walk over it may recurse.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use crate::base::error::{Error, Result, Source};
use crate::base::units::Quantity;

/// Deepest tree; a deeper nesting has to be named in parts.
const HEIGHT: usize = 400;
/// Terms of a sum that are added from left to right; longer sums are sums of such parts, so that their trees stay low.
const PART: usize = 64;
/// Longest text of one expression in bytes.
const LENGTH: usize = 100_000;

/// An expression of a model file.
#[derive(Debug, Clone)]
pub struct Expression {
    /// As written.
    pub text: String,
    /// Where it stands in its file.
    pub span: Range<usize>,
    pub(super) root: Arc<Node>,
}

/// A node of the tree.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub form: Form,
    pub span: Range<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum Form {
    Number(f64),
    Quantity(Quantity),
    Name(String),
    Negate(Box<Node>),
    Not(Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    Call(String, Vec<Node>),
    /// `random()`, by its number among all of them in the model.
    Random(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
}

impl Binary {
    fn adds(self) -> bool {
        matches!(self, Self::Add | Self::Subtract)
    }

    /// Binding strength, and that of the operand on the right.
    fn strength(self) -> (u8, u8) {
        match self {
            Self::Or => (1, 2),
            Self::And => (2, 3),
            Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual => (4, 5),
            Self::Add | Self::Subtract => (5, 6),
            Self::Multiply | Self::Divide => (6, 7),
            Self::Power => (8, 8),
        }
    }

    pub(super) fn compares(self) -> bool {
        matches!(self, Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual)
    }
}

/// Strength of the operand of `not` and of unary minus.
const NOT: u8 = 3;
const NEGATE: u8 = 7;

impl Expression {
    /// Reads the text of an expression that stands at `span` of `source`.
    pub(super) fn read(source: &Arc<Source>, span: Range<usize>, text: &str) -> Result<Self> {
        let place = SpanMap::of(source, &span, text);
        if text.len() > LENGTH {
            return Err(source
                .refuse(span, format!("an expression of {} bytes is too long", text.len()))
                .help("name its parts as intermediates"));
        }
        let mut parser = Parser { text, place: &place, at: 0, token: Token::End, span: 0..0, depth: 0 };
        parser.advance()?;
        if parser.token == Token::End {
            return Err(source.refuse(span, "the expression is empty"));
        }
        let (root, _) = parser.expression(0)?;
        if parser.token != Token::End {
            return Err(parser.unexpected("an operator or the end"));
        }
        Ok(Self { text: text.trim().to_owned(), span, root: Arc::new(root) })
    }

    /// Numbers each `random()` of the expression in the order in which they are written: each is a draw of its own.
    pub(super) fn number_draws(&mut self, next: &Cell<usize>) {
        fn walk(node: &mut Node, next: &Cell<usize>) {
            match &mut node.form {
                Form::Call(name, arguments) if name == "random" && arguments.is_empty() => {
                    node.form = Form::Random(next.replace(next.get() + 1));
                }
                Form::Call(_, arguments) => arguments.iter_mut().for_each(|argument| walk(argument, next)),
                Form::Negate(inner) | Form::Not(inner) => walk(inner, next),
                Form::Binary(_, a, b) => {
                    walk(a, next);
                    walk(b, next);
                }
                Form::Number(_) | Form::Quantity(_) | Form::Name(_) | Form::Random(_) => {}
            }
        }
        if let Some(root) = Arc::get_mut(&mut self.root) {
            walk(root, next);
        }
    }

    /// A number or a quantity written in place of an expression.
    pub(super) fn quantity(span: Range<usize>, text: String, quantity: Quantity) -> Self {
        let form = match quantity.dimension {
            crate::base::units::Dimension::NONE => Form::Number(quantity.value),
            _ => Form::Quantity(quantity),
        };
        Self { text, span: span.clone(), root: Arc::new(Node { form, span }) }
    }
}

/// Maps places in an expression to places in its file.
struct SpanMap<'a> {
    source: &'a Arc<Source>,
    span: Range<usize>,
    /// Where the text begins in the file, if it stands there letter by letter (an escape in the string prevents that).
    offset: Option<usize>,
}

impl<'a> SpanMap<'a> {
    fn of(source: &'a Arc<Source>, span: &Range<usize>, text: &str) -> Self {
        let raw = source.text.get(span.clone()).unwrap_or("");
        let quote = ["\"\"\"", "'''", "\"", "'"].iter().find(|quote| raw.starts_with(**quote));
        let begin = quote.map_or(0, |quote| quote.len());
        let rest = &raw[begin..];
        let begin = begin + if begin == 3 && rest.starts_with('\n') { 1 } else { 0 };
        let offset = raw[begin..].starts_with(text).then_some(span.start + begin);
        Self { source, span: span.clone(), offset }
    }

    fn map(&self, local: Range<usize>) -> Range<usize> {
        self.offset.map_or_else(|| self.span.clone(), |offset| offset + local.start..offset + local.end)
    }

    fn refuse(&self, local: Range<usize>, message: impl Into<String>) -> Error {
        self.source.refuse(self.map(local), message)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Quantity(Quantity),
    Name(String),
    Operator(Binary),
    Not,
    Open,
    Close,
    Comma,
    End,
}

struct Parser<'a> {
    text: &'a str,
    place: &'a SpanMap<'a>,
    at: usize,
    token: Token,
    span: Range<usize>,
    depth: usize,
}

impl Parser<'_> {
    fn unexpected(&self, wanted: &str) -> Error {
        let found = match &self.token {
            Token::End => "the end".to_owned(),
            _ => format!("`{}`", &self.text[self.span.clone()]),
        };
        let error = self.place.refuse(self.span.clone(), format!("{wanted} is expected here, not {found}"));
        match (&self.token, wanted.starts_with("an operator")) {
            (Token::Name(_) | Token::Number(_) | Token::Open, true) => error.help("a product is written with `*`"),
            _ => error,
        }
    }

    /// Reads the next token.
    fn advance(&mut self) -> Result<()> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else {
            let end = self.text.trim_end().len();
            (self.at, self.token, self.span) = (self.text.len(), Token::End, end.saturating_sub(1)..end);
            return Ok(());
        };
        let (token, length) = if first.is_ascii_digit() || first == '.' {
            self.number(start)?
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let token = match &rest[..end] {
                "and" => Token::Operator(Binary::And),
                "or" => Token::Operator(Binary::Or),
                "not" => Token::Not,
                name => Token::Name(name.to_owned()),
            };
            (token, end)
        } else if first == '[' {
            self.bracket(start)?
        } else {
            self.sign(start, first)?
        };
        (self.at, self.token, self.span) = (start + length, token, start..start + length);
        Ok(())
    }

    fn number(&self, start: usize) -> Result<(Token, usize)> {
        let bytes = &self.text.as_bytes()[start..];
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let last = digits(sign);
            if last > sign {
                end = last;
            }
        }
        let written = &self.text[start..start + end];
        match written.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok((Token::Number(value), end)),
            _ => Err(self
                .place
                .refuse(start..start + end, format!("`{written}` is not a number that can be computed with"))),
        }
    }

    fn bracket(&self, start: usize) -> Result<(Token, usize)> {
        let rest = &self.text[start..];
        let Some(end) = rest.find(']') else {
            return Err(self.place.refuse(start..start + 1, "this bracket is not closed"));
        };
        let quantity: Quantity = rest[1..end]
            .parse()
            .map_err(|error: Error| error.at(self.place.source, self.place.map(start..start + end + 1)))?;
        Ok((Token::Quantity(quantity), end + 1))
    }

    fn sign(&self, start: usize, first: char) -> Result<(Token, usize)> {
        let rest = &self.text[start..];
        let token = match first {
            '+' => Token::Operator(Binary::Add),
            '-' | '−' => Token::Operator(Binary::Subtract),
            '*' if rest.starts_with("**") => {
                return Err(self
                    .place
                    .refuse(start..start + 2, "`**` is not an operator here")
                    .help("write a power with `^`"));
            }
            '*' | '·' | '×' => Token::Operator(Binary::Multiply),
            '/' => Token::Operator(Binary::Divide),
            '^' => Token::Operator(Binary::Power),
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '<' if rest.starts_with("<=") => return Ok((Token::Operator(Binary::LessEqual), 2)),
            '>' if rest.starts_with(">=") => return Ok((Token::Operator(Binary::GreaterEqual), 2)),
            '<' => Token::Operator(Binary::Less),
            '>' => Token::Operator(Binary::Greater),
            other => {
                let end = start + other.len_utf8();
                let error = self.place.refuse(start..end, format!("`{other}` has no meaning in an expression"));
                return Err(match other {
                    '=' => error.help("compare with `<`, `<=`, `>` or `>=` inside if(…)"),
                    '&' => error.help("write `and`"),
                    '|' => error.help("write `or`"),
                    '!' => error.help("write `not`"),
                    _ => error,
                });
            }
        };
        Ok((token, first.len_utf8()))
    }

    /// Reads an expression whose operators bind at least as tightly as `least`; returns it with its height.
    fn expression(&mut self, least: u8) -> Result<(Node, usize)> {
        self.depth += 1;
        self.guard(self.depth)?;
        let (mut left, mut height) = self.operand()?;
        // The parts of a long sum, and how many terms the last one has.
        let (mut parts, mut terms) = (Vec::new(), 1);
        while let Token::Operator(operator) = self.token {
            let (own, right) = operator.strength();
            if own < least {
                break;
            }
            if operator.compares() && matches!(&left.form, Form::Binary(other, ..) if other.compares()) {
                return Err(self
                    .place
                    .refuse(self.span.clone(), "comparisons do not chain")
                    .help("join two comparisons with `and`"));
            }
            self.advance()?;
            let (mut other, other_height) = self.expression(right)?;
            if operator.adds() {
                terms += 1;
            } else {
                (left, height) = together(std::mem::take(&mut parts), (left, height));
                terms = 1;
            }
            if terms > PART {
                if operator == Binary::Subtract {
                    let span = other.span.clone();
                    other = Node { form: Form::Negate(Box::new(other)), span };
                }
                parts.push((std::mem::replace(&mut left, other), height));
                (height, terms) = (other_height + 1, 1);
            } else {
                (left, height) = joined(operator, (left, height), (other, other_height));
            }
            self.guard(height)?;
        }
        (left, height) = together(parts, (left, height));
        self.guard(height)?;
        self.depth -= 1;
        Ok((left, height))
    }

    fn guard(&self, height: usize) -> Result<()> {
        if height <= HEIGHT {
            return Ok(());
        }
        Err(self
            .place
            .refuse(self.span.clone(), format!("the expression is nested more than {HEIGHT} levels deep"))
            .help("name its parts as intermediates"))
    }

    fn operand(&mut self) -> Result<(Node, usize)> {
        let local = self.span.clone();
        let start = self.place.map(local.clone());
        let leaf = |form| (Node { form, span: start.clone() }, 1);
        match self.token.clone() {
            Token::Number(value) => {
                self.advance()?;
                Ok(leaf(Form::Number(value)))
            }
            Token::Quantity(quantity) => {
                self.advance()?;
                Ok(leaf(Form::Quantity(quantity)))
            }
            Token::Operator(Binary::Add) => {
                self.advance()?;
                self.expression(NEGATE)
            }
            Token::Operator(Binary::Subtract) => {
                self.advance()?;
                let (inner, height) = self.expression(NEGATE)?;
                let span = start.start..inner.span.end.max(start.end);
                Ok((Node { form: Form::Negate(Box::new(inner)), span }, height + 1))
            }
            Token::Not => {
                self.advance()?;
                let (inner, height) = self.expression(NOT)?;
                let span = start.start..inner.span.end.max(start.end);
                Ok((Node { form: Form::Not(Box::new(inner)), span }, height + 1))
            }
            Token::Open => {
                self.advance()?;
                let (mut inner, height) = self.expression(0)?;
                let end = self.close(&local)?;
                inner.span = start.start..end;
                Ok((inner, height))
            }
            Token::Name(name) => {
                self.advance()?;
                if self.token != Token::Open {
                    return Ok(leaf(Form::Name(name)));
                }
                let open = self.span.clone();
                self.advance()?;
                let (mut arguments, mut height) = (Vec::new(), 0);
                while self.token != Token::Close {
                    let (argument, own) = self.expression(0)?;
                    height = height.max(own);
                    arguments.push(argument);
                    if self.token != Token::Comma {
                        break;
                    }
                    self.advance()?;
                }
                let end = self.close(&open)?;
                Ok((Node { form: Form::Call(name, arguments), span: start.start..end }, height + 1))
            }
            Token::Operator(_) | Token::Close | Token::Comma | Token::End => {
                Err(self.unexpected("a number, a name or a parenthesis"))
            }
        }
    }

    /// Expects the parenthesis that closes the one at `open`; returns where it ends in the file.
    fn close(&mut self, open: &Range<usize>) -> Result<usize> {
        match self.token {
            Token::Close => {
                let end = self.place.map(self.span.clone()).end;
                self.advance()?;
                Ok(end)
            }
            Token::End => Err(self.place.refuse(open.clone(), "this parenthesis is not closed")),
            _ => Err(self.unexpected("an operator, `,` or `)`")),
        }
    }
}

/// An operation and the height of its tree.
fn joined(operator: Binary, (left, high): (Node, usize), (right, other): (Node, usize)) -> (Node, usize) {
    let span = left.span.start.min(right.span.start)..left.span.end.max(right.span.end);
    (Node { form: Form::Binary(operator, Box::new(left), Box::new(right)), span }, 1 + high.max(other))
}

/// The sum of parts, added in pairs.
fn together(mut parts: Vec<(Node, usize)>, last: (Node, usize)) -> (Node, usize) {
    parts.push(last);
    while parts.len() > 1 {
        let mut pairs = parts.into_iter();
        parts = std::iter::from_fn(|| {
            let left = pairs.next()?;
            Some(match pairs.next() {
                Some(right) => joined(Binary::Add, left, right),
                None => left,
            })
        })
        .collect();
    }
    // There is one: the last.
    parts.swap_remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Expression> {
        let file = format!("rate = \"{text}\"\n");
        Expression::read(&Source::new("m.toml", file.clone()), 7..file.len() - 1, text)
    }

    /// The tree in prefix notation.
    fn shape(node: &Node) -> String {
        match &node.form {
            Form::Number(value) => value.to_string(),
            Form::Quantity(quantity) => format!("{}{}", quantity.value, quantity.dimension),
            Form::Name(name) => name.clone(),
            Form::Negate(inner) => format!("(neg {})", shape(inner)),
            Form::Not(inner) => format!("(not {})", shape(inner)),
            Form::Binary(operator, a, b) => format!("({operator:?} {} {})", shape(a), shape(b)),
            Form::Random(number) => format!("random{number}"),
            Form::Call(name, list) => format!("({name} {})", list.iter().map(shape).collect::<Vec<_>>().join(" ")),
        }
    }

    #[test]
    fn operators_bind_as_in_mathematics() {
        for (text, expected) in [
            ("a + b * c", "(Add a (Multiply b c))"),
            ("a - b - c", "(Subtract (Subtract a b) c)"),
            ("a / b / c", "(Divide (Divide a b) c)"),
            ("a ^ b ^ c", "(Power a (Power b c))"),
            ("-x^2", "(neg (Power x 2))"),
            ("2^-1", "(Power 2 (neg 1))"),
            ("-a*b", "(Multiply (neg a) b)"),
            ("a*-b", "(Multiply a (neg b))"),
            ("1e-3 − .5·x", "(Subtract 0.001 (Multiply 0.5 x))"),
            (
                "if(not a < b and c >= d or e > f, 1, 0)",
                "(if (Or (And (not (Less a b)) (GreaterEqual c d)) (Greater e f)) 1 0)",
            ),
            ("hill(T, [2 mm], 2)", "(hill T 0.002m 2)"),
            ("random()", "(random )"),
        ] {
            assert_eq!(shape(&read(text).expect(text).root), expected, "{text}");
        }
    }

    #[test]
    fn places_point_into_the_file() {
        let expression = read("a + βeta * c").expect("reads");
        let Form::Binary(_, _, product) = &expression.root.form else { panic!("a sum") };
        assert_eq!(product.span, 12..12 + "βeta * c".len());
        let source = Source::new("m.toml", "rate = \"a\\u0020+ %\"");
        let error = Expression::read(&source, 7..19, "a + %").unwrap_err();
        assert_eq!(error.line(), Some(1));
    }

    /// What a model of thousands of species asks for in one line: their total.
    #[test]
    fn long_sums_make_low_trees() {
        fn measured(node: &Node) -> (f64, usize) {
            match &node.form {
                Form::Number(value) => (*value, 1),
                Form::Negate(inner) => (-measured(inner).0, 1 + measured(inner).1),
                Form::Binary(operator, a, b) => {
                    let ((a, left), (b, right)) = (measured(a), measured(b));
                    let value = match operator {
                        Binary::Add => a + b,
                        Binary::Subtract => a - b,
                        Binary::Multiply => a * b,
                        other => f64::from(*other == Binary::Less && a < b),
                    };
                    (value, 1 + left.max(right))
                }
                other => panic!("{other:?}"),
            }
        }
        for terms in [1, 2, 63, 64, 65, 66, 128, 129, 5000] {
            let text = (0..terms).map(|i| format!("{} 2*{i} ", if i % 3 == 1 { "-" } else { "+" })).collect::<String>();
            let exact: i64 = (0..terms).map(|i| if i % 3 == 1 { -2 * i } else { 2 * i }).sum();
            let (value, height) = measured(&read(&format!("0 {text}")).expect("a sum").root);
            assert_eq!(value, exact as f64, "{terms} terms");
            assert!(height <= PART + 20, "{terms} terms make a tree of {height}");
            let (less, _) = measured(&read(&format!("0 {text} < {}", exact + 1)).expect("a comparison").root);
            assert_eq!(less, 1.0, "{terms} terms in a comparison");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let deep = "(".repeat(100_000);
        let powers = "2^".repeat(5000) + "2";
        let minus = "-".repeat(50_000) + "1";
        for text in [
            "",
            " ",
            "a +",
            "a b",
            "2x",
            "a ** b",
            "(a",
            "a)",
            "f(a",
            "f(a b)",
            "[3 mm",
            "[3 mmm]",
            "a = b",
            "a < b < c",
            "1e999",
            "$",
            "a,b",
            "f(,)",
            ".",
            &deep,
            &powers,
            &minus,
        ] {
            assert!(read(text).is_err(), "{text:.30?} was accepted");
        }
        assert!(read("2x").unwrap_err().to_string().contains("a product is written with `*`"));
    }
}
