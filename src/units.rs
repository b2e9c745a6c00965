//! Units at the door: "1.5 mm", "9.1 1/d", "6000 rpm" on the way in, SI inside, a chosen unit on the way out.
//!
//! A **quantity** is a number with a dimension. Inside the engine every number is in SI units (metre, kilogram, second,
//! kelvin, mole); counts of things (cells, colony-forming units, punctures) are numbers without dimension, and money is a
//! dimension of its own so that it cannot be added to anything else.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result, suggestion};

/// Exponents of the base dimensions: length, mass, time, temperature, amount of substance, money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dimension(pub [i8; 6]);

impl Dimension {
    /// A plain number.
    pub const NONE: Self = Self([0; 6]);
    /// Length.
    pub const LENGTH: Self = Self([1, 0, 0, 0, 0, 0]);
    /// Mass.
    pub const MASS: Self = Self([0, 1, 0, 0, 0, 0]);
    /// Time.
    pub const TIME: Self = Self([0, 0, 1, 0, 0, 0]);

    /// The dimension of a product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].saturating_add(other.0[i])))
    }

    /// The dimension of a quotient.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].saturating_sub(other.0[i])))
    }

    /// The dimension of a whole power.
    #[must_use]
    pub fn power(self, exponent: i8) -> Self {
        Self(self.0.map(|own| own.saturating_mul(exponent)))
    }

    /// The dimension of a square root, if it has whole exponents.
    pub fn root(self) -> Option<Self> {
        self.0.iter().all(|own| own % 2 == 0).then(|| Self(self.0.map(|own| own / 2)))
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 6] = ["m", "kg", "s", "K", "mol", "USD"];
        let part = |wanted: fn(i8) -> bool| {
            NAMES
                .iter()
                .zip(self.0)
                .filter(|(_, exponent)| wanted(*exponent))
                .map(|(name, exponent)| match exponent.abs() {
                    1 => (*name).to_owned(),
                    n => format!("{name}^{n}"),
                })
                .collect::<Vec<_>>()
        };
        let (above, below) = (part(|e| e > 0), part(|e| e < 0));
        match (above.is_empty(), below.len()) {
            (true, 0) => formatter.write_str("1"),
            (false, 0) => formatter.write_str(&above.join(" ")),
            (empty, n) => {
                let above = if empty { "1".to_owned() } else { above.join(" ") };
                let below = below.join(" ");
                if n == 1 { write!(formatter, "{above}/{below}") } else { write!(formatter, "{above}/({below})") }
            }
        }
    }
}

/// A unit as somebody wrote it: how many SI units it is, and of what dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// SI units in one of this unit.
    pub factor: f64,
    /// What it measures.
    pub dimension: Dimension,
    /// As written, as in "mm^2/d".
    pub text: String,
}

impl Unit {
    /// The unit of plain numbers.
    pub fn one() -> Self {
        Self { factor: 1.0, dimension: Dimension::NONE, text: "1".into() }
    }

    /// The value of `si` in this unit.
    pub fn of(&self, si: f64) -> f64 {
        si / self.factor
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A number with its dimension, in SI units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// In SI units.
    pub value: f64,
    /// What it measures.
    pub dimension: Dimension,
}

impl Quantity {
    /// A plain number.
    pub fn number(value: f64) -> Self {
        Self { value, dimension: Dimension::NONE }
    }

    /// The value in SI units, if the quantity measures what `unit` measures.
    ///
    /// # Errors
    /// The dimensions differ; the message names both.
    pub fn expect(self, unit: &str) -> Result<f64> {
        let wanted: Unit = unit.parse()?;
        if self.dimension == wanted.dimension {
            return Ok(self.value);
        }
        Err(Error::input(format!("this is in {}, but {} is needed here", self.dimension, wanted.dimension))
            .help(format!("write it in a unit such as `{unit}`")))
    }
}

/// One year, as astronomers count it.
const YEAR: f64 = 365.25 * DAY;
/// One day in seconds.
pub const DAY: f64 = 86_400.0;

const L: Dimension = Dimension::LENGTH;
const T: Dimension = Dimension::TIME;
const FORCE: Dimension = Dimension([1, 1, -2, 0, 0, 0]);
const PRESSURE: Dimension = Dimension([-1, 1, -2, 0, 0, 0]);
const ENERGY: Dimension = Dimension([2, 1, -2, 0, 0, 0]);
const VOLUME: Dimension = Dimension([3, 0, 0, 0, 0, 0]);
const CONCENTRATION: Dimension = Dimension([-3, 0, 0, 0, 1, 0]);
const VISCOSITY: Dimension = Dimension([-1, 1, -1, 0, 0, 0]);

/// Every unit that can be written: name, SI factor, dimension.
const TABLE: &[(&str, f64, Dimension)] = &[
    ("1", 1.0, Dimension::NONE),
    ("%", 0.01, Dimension::NONE),
    ("m", 1.0, L),
    ("dm", 1e-1, L),
    ("cm", 1e-2, L),
    ("mm", 1e-3, L),
    ("um", 1e-6, L),
    ("µm", 1e-6, L),
    ("μm", 1e-6, L),
    ("nm", 1e-9, L),
    ("angstrom", 1e-10, L),
    ("s", 1.0, T),
    ("ms", 1e-3, T),
    ("us", 1e-6, T),
    ("min", 60.0, T),
    ("h", 3600.0, T),
    ("hour", 3600.0, T),
    ("hours", 3600.0, T),
    ("d", DAY, T),
    ("day", DAY, T),
    ("days", DAY, T),
    ("week", 7.0 * DAY, T),
    ("weeks", 7.0 * DAY, T),
    ("month", YEAR / 12.0, T),
    ("months", YEAR / 12.0, T),
    ("y", YEAR, T),
    ("year", YEAR, T),
    ("years", YEAR, T),
    ("kg", 1.0, Dimension::MASS),
    ("g", 1e-3, Dimension::MASS),
    ("mg", 1e-6, Dimension::MASS),
    ("ug", 1e-9, Dimension::MASS),
    ("µg", 1e-9, Dimension::MASS),
    ("ng", 1e-12, Dimension::MASS),
    ("pg", 1e-15, Dimension::MASS),
    ("Hz", 1.0, Dimension([0, 0, -1, 0, 0, 0])),
    ("kHz", 1e3, Dimension([0, 0, -1, 0, 0, 0])),
    ("rpm", 1.0 / 60.0, Dimension([0, 0, -1, 0, 0, 0])),
    ("N", 1.0, FORCE),
    ("mN", 1e-3, FORCE),
    ("uN", 1e-6, FORCE),
    ("kN", 1e3, FORCE),
    ("Pa", 1.0, PRESSURE),
    ("kPa", 1e3, PRESSURE),
    ("MPa", 1e6, PRESSURE),
    ("GPa", 1e9, PRESSURE),
    ("mmHg", 133.322_387_415, PRESSURE),
    ("J", 1.0, ENERGY),
    ("mJ", 1e-3, ENERGY),
    ("kJ", 1e3, ENERGY),
    ("L", 1e-3, VOLUME),
    ("l", 1e-3, VOLUME),
    ("ml", 1e-6, VOLUME),
    ("mL", 1e-6, VOLUME),
    ("ul", 1e-9, VOLUME),
    ("uL", 1e-9, VOLUME),
    ("µL", 1e-9, VOLUME),
    ("nl", 1e-12, VOLUME),
    ("nL", 1e-12, VOLUME),
    ("pL", 1e-15, VOLUME),
    ("K", 1.0, Dimension([0, 0, 0, 1, 0, 0])),
    ("mol", 1.0, Dimension([0, 0, 0, 0, 1, 0])),
    ("mmol", 1e-3, Dimension([0, 0, 0, 0, 1, 0])),
    ("umol", 1e-6, Dimension([0, 0, 0, 0, 1, 0])),
    ("nmol", 1e-9, Dimension([0, 0, 0, 0, 1, 0])),
    ("M", 1e3, CONCENTRATION),
    ("mM", 1.0, CONCENTRATION),
    ("uM", 1e-3, CONCENTRATION),
    ("µM", 1e-3, CONCENTRATION),
    ("nM", 1e-6, CONCENTRATION),
    ("pM", 1e-9, CONCENTRATION),
    ("P", 0.1, VISCOSITY),
    ("cP", 1e-3, VISCOSITY),
    ("Da", 1.660_539_068_92e-27, Dimension::MASS),
    ("kDa", 1.660_539_068_92e-24, Dimension::MASS),
    ("cell", 1.0, Dimension::NONE),
    ("cells", 1.0, Dimension::NONE),
    ("CFU", 1.0, Dimension::NONE),
    ("molecules", 1.0, Dimension::NONE),
    ("rad", 1.0, Dimension::NONE),
    ("deg", std::f64::consts::PI / 180.0, Dimension::NONE),
    ("USD", 1.0, Dimension([0, 0, 0, 0, 0, 1])),
];

impl FromStr for Unit {
    type Err = Error;

    /// Reads "mm^2/d", "N/mm", "g/(cells d)", "1/(mm^2 s)", "kJ/m2". A power may be written with or without `^`.
    fn from_str(text: &str) -> Result<Self> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let (factor, dimension) = reader.product()?;
        reader.skip();
        if reader.at < text.len() {
            return Err(Error::input(format!("`{text}` is not a unit: `{}` is left over", &text[reader.at..])));
        }
        Ok(Self { factor, dimension, text: text.trim().to_owned() })
    }
}

impl FromStr for Quantity {
    type Err = Error;

    /// Reads a number and, behind it, a unit: "1.5 mm", "9.1 1/d", "1e-7 cm^2/s", "40".
    fn from_str(text: &str) -> Result<Self> {
        let trimmed = text.trim();
        let end = number_length(trimmed);
        let number = trimmed[..end].parse::<f64>().ok().filter(|value| value.is_finite());
        let Some(number) = number else {
            return Err(Error::input(format!("`{text}` is not a number with a unit"))
                .help("write it like \"1.5 mm\", \"4 weeks\" or \"9.1 1/d\""));
        };
        let unit: Unit = match trimmed[end..].trim() {
            "" => Unit::one(),
            unit => unit.parse()?,
        };
        let value = number * unit.factor;
        if !value.is_finite() {
            return Err(Error::input(format!("`{text}` is too large to compute with")));
        }
        Ok(Self { value, dimension: unit.dimension })
    }
}

/// The length of the decimal number at the start of `text`.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while at < bytes.len() && (bytes[at].is_ascii_digit() || bytes[at] == b'_') {
            at += 1;
        }
        at
    };
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    at = digits(at);
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let end = digits(sign);
        if end > sign {
            at = end;
        }
    }
    at
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn skip(&mut self) {
        while self.text[self.at..].starts_with([' ', '\t']) {
            self.at += 1;
        }
    }

    fn take(&mut self, letter: char) -> bool {
        self.skip();
        let found = self.text[self.at..].starts_with(letter);
        if found {
            self.at += letter.len_utf8();
        }
        found
    }

    /// A product of factors: juxtaposed, by `*` or `·`, with one or several `/`.
    fn product(&mut self) -> Result<(f64, Dimension)> {
        let (mut factor, mut dimension) = self.factor()?;
        loop {
            if self.take('/') {
                let (f, d) = self.factor()?;
                (factor, dimension) = (factor / f, dimension.over(d));
                continue;
            }
            let marked = self.take('*') || self.take('·');
            self.skip();
            let more = self.text[self.at..].starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '%'));
            if !more && !marked {
                return Ok((factor, dimension));
            }
            let (f, d) = self.factor()?;
            (factor, dimension) = (factor * f, dimension.times(d));
        }
    }

    fn factor(&mut self) -> Result<(f64, Dimension)> {
        let (factor, dimension) = if self.take('(') {
            self.depth += 1;
            if self.depth > 16 {
                return Err(Error::input(format!("`{}` is nested too deeply to be a unit", self.text)));
            }
            let inner = self.product()?;
            if !self.take(')') {
                return Err(Error::input(format!("`{}` lacks a closing parenthesis", self.text)));
            }
            self.depth -= 1;
            inner
        } else {
            self.name()?
        };
        let power = self.exponent()?;
        Ok((factor.powi(power.into()), dimension.power(power)))
    }

    fn name(&mut self) -> Result<(f64, Dimension)> {
        self.skip();
        let rest = &self.text[self.at..];
        let end = match rest.chars().next() {
            Some('%') => 1,
            Some('1') => 1,
            _ => rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len()),
        };
        let name = &rest[..end];
        self.at += end;
        let found = TABLE.iter().find(|(known, ..)| *known == name);
        found.map(|(_, factor, dimension)| (*factor, *dimension)).ok_or_else(|| {
            let shown = if name.is_empty() { self.text } else { name };
            Error::input(format!("`{shown}` is not a unit known here"))
                .help(suggestion(name, TABLE.iter().map(|(known, ..)| *known)))
        })
    }

    fn exponent(&mut self) -> Result<i8> {
        let superscript = |c: char| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|s| s == c);
        let rest = &self.text[self.at..];
        if let Some(minus) = rest.strip_prefix('⁻')
            && let Some(digit) = minus.chars().next().and_then(superscript)
        {
            self.at = self.text.len() - minus.len() + minus.chars().next().map_or(0, char::len_utf8);
            return Ok(-(digit as i8));
        }
        if let Some(first) = rest.chars().next()
            && let Some(digit) = superscript(first)
        {
            self.at += first.len_utf8();
            return Ok(digit as i8);
        }
        let marked = self.take('^');
        let rest = &self.text[self.at..];
        let sign = usize::from(rest.starts_with('-'));
        let end = rest[sign..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| n + sign);
        match rest[..end].parse::<i8>() {
            Ok(power) if power.abs() <= 9 => {
                self.at += end;
                Ok(power)
            }
            Err(_) if !marked && end == 0 => Ok(1),
            _ => Err(Error::input(format!("`{}` has a power that is not a whole number up to 9", self.text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn si(text: &str) -> (f64, String) {
        let quantity: Quantity = text.parse().expect(text);
        (quantity.value, quantity.dimension.to_string())
    }

    #[test]
    fn quantities_become_si() {
        for (text, value, dimension) in [
            ("1.5 mm", 1.5e-3, "m"),
            ("9.1 1/d", 9.1 / DAY, "1/s"),
            ("1e-7 cm^2/s", 1e-11, "m^2/s"),
            ("6000 rpm", 100.0, "1/s"),
            ("4 weeks", 28.0 * DAY, "s"),
            ("0.17 N/mm", 170.0, "kg/s^2"),
            ("30 kJ/m2", 3e4, "kg/s^2"),
            ("250 1/cm^2", 2.5e6, "1/m^2"),
            ("4e-13 g/(cells d)", 4e-16 / DAY, "kg/s"),
            ("50 %", 0.5, "1"),
            ("40", 40.0, "1"),
            ("-3 µm²", -3e-12, "m^2"),
            ("2 mm⁻²", 2e6, "1/m^2"),
            ("7 cm5/(cells d)", 7e-10 / DAY, "m^5/s"),
        ] {
            let (got, unit) = si(text);
            assert!((got - value).abs() <= 1e-12 * value.abs(), "{text}: {got} is not {value}");
            assert_eq!(unit, dimension, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_remedy() {
        for text in [
            "",
            "mm",
            "1.5 mmm",
            "nan mm",
            "1e999 m",
            "3 mm/",
            "1 (m",
            "1 mm^99",
            "inf",
            "1 m)",
            "1 ((((((((((((((((((m",
        ] {
            assert!(text.parse::<Quantity>().is_err(), "{text:?} was accepted");
        }
        assert!("1.5 mmm".parse::<Quantity>().unwrap_err().to_string().contains("did you mean `mm`?"));
    }
}
