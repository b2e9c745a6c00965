//! Deciding one option: what was typed if it is sound, else the default, and a note of it for the run's folder.
//!
//! An option that is wrong is a fault. It is kept, the default stands for it, and the others are decided too, so that all that is
//! wrong with a file is told at once; a plan is made of sound options only.

use std::sync::Arc;

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use crate::base::error::{Error, Result, Source, suggestion};
use crate::base::units::Quantity;
use crate::scenario::written::{Amount, Word};

/// Reads options and keeps the text of everything decided, so that the decided scenario can be run again.
pub(super) struct Decider {
    pub source: Arc<Source>,
    pub decided: DocumentMut,
    faults: Vec<Error>,
}

/// What a number may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// A unit of the right dimension.
    pub unit: &'static str,
    /// Smallest value in SI units, and as people say it.
    pub low: (f64, &'static str),
    /// Largest value in SI units, and as people say it.
    pub high: (f64, &'static str),
}

/// Lengths from which a piece of skin or of any medium is made.
pub(super) const LENGTH: Limits = Limits { unit: "mm", low: (1e-9, "1 nm"), high: (1e3, "1 km") };

impl Decider {
    pub fn new(source: &Arc<Source>) -> Self {
        Self { source: source.clone(), decided: DocumentMut::new(), faults: Vec::new() }
    }

    /// A part of what is decided, on which others may not depend if it is wrong; its error is kept.
    pub fn part<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T>) -> Option<T> {
        part(self).map_err(|error| self.faults.push(error)).ok()
    }

    /// Whether nothing was wrong yet. What two options say of each other means nothing where one is a default that stands for
    /// a wrong one.
    pub fn sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Nothing if all was sound.
    ///
    /// # Errors
    /// All that was wrong.
    pub fn faults(&mut self) -> Result<()> {
        Error::all(std::mem::take(&mut self.faults))
    }

    pub fn refuse(&self, span: std::ops::Range<usize>, message: impl Into<String>) -> Error {
        self.source.refuse(span, message)
    }

    /// Notes a decided option; `table` is empty for options that belong to the whole scenario.
    pub fn note(&mut self, table: &str, key: &str, value: Value) {
        let root = self.decided.as_table_mut();
        let table = if table.is_empty() {
            root
        } else {
            match root.entry(table).or_insert(Item::Table(Table::new())).as_table_mut() {
                Some(table) => table,
                None => return,
            }
        };
        table.insert(key, Item::Value(value));
    }

    /// A word, noted.
    pub fn word(&mut self, table: &str, key: &str, given: Option<&Word>, default: &str) -> String {
        let word = given.map_or(default, |word| word.get_ref().as_str()).to_owned();
        self.note(table, key, word.as_str().into());
        word
    }

    /// One of a few words, noted.
    pub fn choice(&mut self, table: &str, key: &str, given: Option<&Word>, known: &[&'static str]) -> &'static str {
        let find = |word: &Word| {
            known.iter().find(|own| *own == word.get_ref()).ok_or_else(|| {
                self.refuse(word.span(), format!("unknown {key} `{}`", word.get_ref()))
                    .help(suggestion(word.get_ref(), known.iter().copied()))
            })
        };
        let chosen = given.map(find).and_then(|found| found.map_err(|error| self.faults.push(error)).ok());
        let chosen = chosen.unwrap_or(&known[0]);
        self.note(table, key, (*chosen).into());
        chosen
    }

    /// A number in SI units, noted. Without a default it may be absent.
    pub fn amount(
        &mut self,
        table: &str,
        key: &str,
        given: Option<&Amount>,
        default: Option<&str>,
        limits: Limits,
    ) -> Result<Option<f64>> {
        if let Some(given) = given
            && let Some(value) = self.part(|own| own.read(key, given, limits))
        {
            self.note(table, key, as_written(given.get_ref()));
            return Ok(Some(value));
        }
        let Some(default) = default else { return Ok(None) };
        self.note(table, key, default_value(default));
        Ok(Some(default.parse::<Quantity>()?.value))
    }

    /// A list of numbers in SI units, noted.
    pub fn amounts(&mut self, table: &str, key: &str, given: &[Amount], limits: Limits) -> Result<Vec<f64>> {
        let values = given.iter().map(|one| self.read(key, one, limits));
        let (values, wrong): (Vec<_>, Vec<_>) = values.partition(Result::is_ok);
        Error::all(wrong.into_iter().filter_map(Result::err).collect())?;
        let values = values.into_iter().flatten().collect();
        self.note(table, key, Value::Array(given.iter().map(|one| as_written(one.get_ref())).collect::<Array>()));
        Ok(values)
    }

    /// A whole number, noted.
    pub fn whole(
        &mut self,
        table: &str,
        key: &str,
        given: Option<&Amount>,
        default: usize,
        allowed: std::ops::RangeInclusive<usize>,
    ) -> usize {
        let typed = given.and_then(|given| self.part(|own| own.whole_of(key, given, &allowed)));
        let value = typed.unwrap_or(default);
        self.note(table, key, Value::from(value as i64));
        value
    }

    /// Reads a whole number.
    pub fn whole_of(&self, key: &str, given: &Amount, allowed: &std::ops::RangeInclusive<usize>) -> Result<usize> {
        let whole = match given.get_ref() {
            toml::Value::Integer(whole) => *whole,
            toml::Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => *number as i64,
            _ => return Err(self.refuse(given.span(), format!("`{key}` must be a whole number"))),
        };
        usize::try_from(whole).ok().filter(|whole| allowed.contains(whole)).ok_or_else(|| {
            let message = format!("`{key}` must be from {} to {}, not {whole}", allowed.start(), allowed.end());
            self.refuse(given.span(), message)
        })
    }

    /// Reads a number in SI units.
    pub fn read(&self, key: &str, given: &Amount, limits: Limits) -> Result<f64> {
        let at = |error: Error| error.at(&self.source, given.span());
        let value = quantity(given.get_ref()).and_then(|quantity| quantity.expect(limits.unit)).map_err(at)?;
        if (limits.low.0..=limits.high.0).contains(&value) {
            return Ok(value);
        }
        let message = if limits.high.0.is_finite() || value > limits.high.0 {
            format!("`{key}` must be from {} to {}", limits.low.1, limits.high.1)
        } else {
            format!("`{key}` must be at least {}", limits.low.1)
        };
        Err(self.refuse(given.span(), message))
    }
}

/// A number or a text with a unit.
pub(super) fn quantity(value: &toml::Value) -> Result<Quantity> {
    match value {
        toml::Value::String(text) => text.parse(),
        toml::Value::Integer(whole) => Ok(Quantity::number(*whole as f64)),
        toml::Value::Float(number) if number.is_finite() => Ok(Quantity::number(*number)),
        toml::Value::Float(_) => Err(Error::input("a number must be finite")),
        other => Err(Error::input(format!("a number is needed here, not {}", kind(other)))
            .help("write a number, or a text with a unit such as \"1.5 mm\"")),
    }
}

/// The kind of a TOML value in words.
fn kind(value: &toml::Value) -> &'static str {
    match value {
        toml::Value::Boolean(_) => "true or false",
        toml::Value::Array(_) => "a list",
        toml::Value::Table(_) => "a table",
        toml::Value::Datetime(_) => "a date",
        _ => "a text",
    }
}

/// A number or text as it was typed.
pub(super) fn as_written(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(whole) => (*whole).into(),
        toml::Value::Float(number) => (*number).into(),
        other => other.to_string().parse().unwrap_or_else(|_| Value::from(other.to_string())),
    }
}

/// The text of a default; a number without unit is written as a number.
fn default_value(text: &str) -> Value {
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) => whole.into(),
        (_, Ok(number)) => number.into(),
        _ => text.into(),
    }
}
