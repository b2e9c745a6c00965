//! Units at the door: "1.5 mm", "9.1 1/d", "6000 rpm" on the way in, SI inside, a chosen unit on the way out.
//!
//! A **quantity** is a number with a dimension. Inside the engine every number is in SI units (metre, kilogram, second,
//! kelvin, mole); counts of things (cells, colony-forming units, punctures) are numbers without dimension, and money is a
//! dimension of its own so that it cannot be added to anything else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result, suggestion};

/// Exponents of the base dimensions: length, mass, time, temperature, amount of substance, money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// Every unit that can be written: name, SI factor, dimension. A micro sign, either of the two, is read as `u`.
const TABLE: &[(&str, f64, Dimension)] = &[
    ("1", 1.0, Dimension::NONE),
    ("%", 0.01, Dimension::NONE),
    ("m", 1.0, L),
    ("dm", 1e-1, L),
    ("cm", 1e-2, L),
    ("mm", 1e-3, L),
    ("um", 1e-6, L),
    ("nm", 1e-9, L),
    ("angstrom", 1e-10, L),
    ("in", 0.0254, L),
    ("s", 1.0, T),
    ("sec", 1.0, T),
    ("ms", 1e-3, T),
    ("us", 1e-6, T),
    ("min", 60.0, T),
    ("h", 3600.0, T),
    ("hr", 3600.0, T),
    ("hour", 3600.0, T),
    ("hours", 3600.0, T),
    ("d", DAY, T),
    ("day", DAY, T),
    ("days", DAY, T),
    ("wk", 7.0 * DAY, T),
    ("week", 7.0 * DAY, T),
    ("weeks", 7.0 * DAY, T),
    ("mo", YEAR / 12.0, T),
    ("month", YEAR / 12.0, T),
    ("months", YEAR / 12.0, T),
    ("y", YEAR, T),
    ("yr", YEAR, T),
    ("year", YEAR, T),
    ("years", YEAR, T),
    ("kg", 1.0, Dimension::MASS),
    ("g", 1e-3, Dimension::MASS),
    ("mg", 1e-6, Dimension::MASS),
    ("ug", 1e-9, Dimension::MASS),
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

    /// Reads "mm^2/d", "N/mm", "g/(cells d)", "1/(mm^2 s)", "kJ/m2". A power may be written with or without `^`. A number in
    /// front counts units together, as in "1000 mg/L" or "1e6 cells".
    fn from_str(text: &str) -> Result<Self> {
        let counted = text.trim_start().starts_with(|first: char| first.is_ascii_digit()) && !is_inverse(text.trim());
        let (count, units) = if counted { split(text)? } else { ("1", text) };
        let count = number(count, text)?;
        let (factor, dimension) = if units.trim().is_empty() && counted {
            (1.0, Dimension::NONE)
        } else {
            let mut reader = UnitReader { text: units, at: 0, depth: 0 };
            let found = reader.product()?;
            reader.skip();
            if reader.at < units.len() {
                return Err(Error::input(format!("`{text}` is not a unit: `{}` is left over", &units[reader.at..])));
            }
            found
        };
        let factor = count * factor;
        if !(factor.is_normal() && factor > 0.0) {
            return Err(Error::input(format!("`{text}` is too large or too small a unit to compute with")));
        }
        Ok(Self { factor, dimension, text: text.trim().to_owned() })
    }
}

impl FromStr for Quantity {
    type Err = Error;

    /// Reads a number and, behind it, a unit: "1.5 mm", "9.1 1/d", "1e-7 cm^2/s", "40". All of the text is read or it is refused.
    fn from_str(text: &str) -> Result<Self> {
        let (digits, unit) = split(text)?;
        let number = number(digits, text)?;
        let unit: Unit = match unit {
            "" => Unit::one(),
            unit if unit.starts_with(|first: char| first.is_ascii_digit()) && !is_inverse(unit) => {
                return Err(two_numbers(digits, unit, text));
            }
            unit => unit.parse()?,
        };
        let value = number * unit.factor;
        if !value.is_finite() {
            return Err(Error::input(format!("`{text}` is too large to compute with")));
        }
        if value == 0.0 && number != 0.0 {
            return Err(too_small(text));
        }
        Ok(Self { value, dimension: unit.dimension })
    }
}

/// The number at the start of a text and the unit behind it, as written: "1e-2 1/d" is ("1e-2", "1/d").
///
/// # Errors
/// The text does not begin with a decimal number, or goes on with more of one.
pub fn split(text: &str) -> Result<(&str, &str)> {
    let trimmed = text.trim();
    let end = number_length(trimmed);
    let (digits, rest) = trimmed.split_at(end);
    if !digits.contains(|c: char| c.is_ascii_digit()) {
        return Err(Error::input(format!("`{text}` is not a number with a unit"))
            .help("write it like \"1.5 mm\", \"4 weeks\" or \"9.1 1/d\""));
    }
    let goes_on = |mark: char| rest.strip_prefix(mark).filter(|more| more.starts_with(|c: char| c.is_ascii_digit()));
    if let Some(more) = goes_on(',') {
        let point = format!("{digits}.{more}");
        let (three, behind) =
            (more.find(|c: char| !c.is_ascii_digit()).unwrap_or(more.len()), format!("{digits}{more}"));
        let help = match three {
            3 if digits != "0" => format!("write `{point}`, or `{behind}` if the comma separates thousands"),
            _ => format!("write `{point}`"),
        };
        return Err(Error::input(format!("`{text}` has a comma where a decimal point belongs")).help(help));
    }
    if let Some(more) = goes_on('\'').or(goes_on('’')) {
        return Err(Error::input(format!("`{text}` has a mark between its digits"))
            .help(format!("write `{digits}{more}`, or `{digits}_{more}`")));
    }
    if rest.starts_with('.') {
        return Err(Error::input(format!("`{text}` is not a number with a unit: it has two points")));
    }
    let unit = rest.trim_start();
    if let Some(inverse) = unit.strip_prefix('/') {
        let help = format!("write `{digits} 1/{}`", inverse.trim_start());
        return Err(Error::input(format!("`{text}` lacks the 1 above the `/` of its unit")).help(help));
    }
    if unit.starts_with(['×', 'x', '*']) && unit.contains("10^") {
        return Err(Error::input(format!("`{text}` has a power of ten that is not part of the number"))
            .help(format!("write it like `{digits}e3`")));
    }
    Ok((digits, unit))
}

/// Whether a unit begins with the 1 of an inverse, as in "1/d", or is nothing but that.
fn is_inverse(unit: &str) -> bool {
    unit.strip_prefix('1').is_some_and(|rest| rest.trim_start().starts_with('/'))
}

/// The number that `digits` write.
fn number(digits: &str, text: &str) -> Result<f64> {
    let plain = digits.replace('−', "-").replace('_', "");
    let sound = !(digits.contains("__") || digits.starts_with('_') || digits.ends_with('_'));
    match plain.parse::<f64>().ok().filter(|value| sound && value.is_finite()) {
        Some(0.0) if plain.split(['e', 'E']).next().is_some_and(|m| m.contains(|c| ('1'..='9').contains(&c))) => {
            Err(too_small(text))
        }
        Some(number) => Ok(number),
        None => Err(Error::input(format!("`{digits}` in `{text}` is not a number to compute with"))),
    }
}

fn too_small(text: &str) -> Error {
    Error::input(format!("`{text}` is too small to compute with"))
}

/// What is said of "1 100 h" and "2 10 mm".
fn two_numbers(digits: &str, rest: &str, text: &str) -> Error {
    let more = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let help = match more {
        3 if digits.chars().all(|c| c.is_ascii_digit()) => format!("write `{digits}{rest}`"),
        _ => "write one number and then its unit, as in `1.5 mm` or `250 1/cm^2`".to_owned(),
    };
    Error::input(format!("`{text}` has two numbers, `{digits}` and `{}`", &rest[..more])).help(help)
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
    let mut at = text.chars().next().filter(|first| matches!(first, '+' | '-' | '−')).map_or(0, char::len_utf8);
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

struct UnitReader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl UnitReader<'_> {
    fn skip(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
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
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let lone = !rest[digits..].starts_with(|c: char| c.is_alphabetic() || matches!(c, '.' | ','));
        let end = match rest.chars().next() {
            Some('%') => 1,
            Some(first) if first.is_ascii_digit() => {
                if &rest[..digits] != "1" || !lone {
                    return Err(Error::input(format!("`{}` has a number inside its unit", self.text))
                        .help("write one number and then its unit, as in `1.5 mm` or `250 1/cm^2`"));
                }
                1
            }
            _ => rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len()),
        };
        let name = &rest[..end];
        self.at += end;
        let plain = name.replace(['µ', 'μ'], "u");
        let found = TABLE.iter().find(|(known, ..)| *known == plain);
        found.map(|(_, factor, dimension)| (*factor, *dimension)).ok_or_else(|| {
            let shown = if name.is_empty() { self.text } else { name };
            let help = match shown.trim_start_matches('°') {
                "C" | "F" => "temperatures are in kelvin: write `310 K`".to_owned(),
                _ => suggestion(&plain, TABLE.iter().map(|(known, ..)| *known)),
            };
            Error::input(format!("`{shown}` is not a unit known here")).help(help)
        })
    }

    /// The power behind a factor, 1 if there is none. Without `^` it follows at once, for "mm 2" may mean anything.
    fn exponent(&mut self) -> Result<i8> {
        const SUPERSCRIPTS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
        let rest = &self.text[self.at..];
        let raised: String = rest.chars().take_while(|c| *c == '⁻' || SUPERSCRIPTS.contains(*c)).collect();
        let (written, length) = if raised.is_empty() {
            let marked = rest.trim_start().strip_prefix('^').map(str::trim_start);
            let digits = marked.unwrap_or(rest);
            let sign = usize::from(digits.starts_with('-'));
            let end = digits[sign..].find(|c: char| !c.is_ascii_digit()).map_or(digits.len(), |n| n + sign);
            if marked.is_none() && end == sign {
                return Ok(1);
            }
            (digits[..end].to_owned(), rest.len() - digits.len() + end)
        } else {
            let plain = |c: char| SUPERSCRIPTS.chars().position(|own| own == c).map_or("-".into(), |n| n.to_string());
            (raised.chars().map(plain).collect(), raised.len())
        };
        match written.parse::<i8>() {
            Ok(power) if power.abs() <= 9 => {
                self.at += length;
                Ok(power)
            }
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
            ("1100 h", 3.96e6, "s"),
            ("1_100 h", 3.96e6, "s"),
            ("1e-2 1/d", 0.01 / DAY, "1/s"),
            ("1E3 1 / d", 1e3 / DAY, "1/s"),
            ("250 1/cm2", 2.5e6, "1/m^2"),
            ("2 wk", 14.0 * DAY, "s"),
            ("6 mo", 0.5 * YEAR, "s"),
            ("1 in", 0.0254, "m"),
            ("3 µL", 3e-9, "m^3"),
            ("3 μmol/L", 3e-3, "mol/m^3"),
            ("−5 K", -5.0, "K"),
            (".5 mm", 5e-4, "m"),
            ("5\u{a0}mm", 5e-3, "m"),
            ("1.5mm", 1.5e-3, "m"),
            ("2 mm^-2", 2e6, "1/m^2"),
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
            "1 100 h",
            "1 000 h",
            "1\u{202f}000 h",
            "2 10 mm",
            "1 100 1/cm^2",
            "1 100",
            "3 1",
            "2 1 h",
            "1 h 30 min",
            "5 mm 2",
            "5 mg 1000/L",
            "0,2",
            "0,2 mm",
            "1,100 h",
            "1'000 h",
            "1.5.2 mm",
            "5×10^3 mm",
            "3/d",
            "1e-400 m",
            "1e-320 angstrom^2",
            "1__0 m",
            "1_ m",
            "- 5 mm",
            "1-2 mm",
            "37 °C",
            "37 C",
            "5 mm^2.5",
            "1 1.5 mm",
            "1 11/d",
            "1 1mm",
        ] {
            assert!(text.parse::<Quantity>().is_err(), "{text:?} was accepted");
        }
        let said = |text: &str| text.parse::<Quantity>().unwrap_err().to_string();
        for (text, remedy) in [
            ("1.5 mmm", "did you mean `mm`?"),
            ("1 100 h", "write `1100 h`"),
            ("1 100 1/cm^2", "write `1100 1/cm^2`"),
            ("0,2", "write `0.2`"),
            ("1,100 h", "write `1.100 h`, or `1100 h` if the comma separates thousands"),
            ("3/d", "write `3 1/d`"),
            ("2 weaks", "did you mean `weeks`?"),
        ] {
            assert!(said(text).contains(remedy), "{text}: {}", said(text));
        }
    }

    #[test]
    fn units_may_be_counted_together() {
        for (text, factor, dimension) in [
            ("1000 mg/L", 1.0, "kg/m^3"),
            ("10 mg/L", 1e-2, "kg/m^3"),
            ("1e6 cells/mL", 1e12, "1/m^3"),
            ("10", 10.0, "1"),
            ("100 %", 1.0, "1"),
            ("1", 1.0, "1"),
            ("1/d", 1.0 / DAY, "1/s"),
            ("1e3 1/d", 1e3 / DAY, "1/s"),
        ] {
            let unit: Unit = text.parse().expect(text);
            assert!((unit.factor - factor).abs() <= 1e-12 * factor, "{text}: {}", unit.factor);
            assert_eq!(unit.dimension.to_string(), dimension, "{text}");
        }
        for text in ["", "0 mm", "-1 mm", "10 100 mg", "mg 10", "1,5 mg", "m 1000"] {
            assert!(text.parse::<Unit>().is_err(), "{text:?} was accepted");
        }
    }
}
