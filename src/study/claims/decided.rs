//! What was read and decided, with its spread over the samples.

use serde::{Deserialize, Serialize};

use crate::base::typeset::brief;

/// A reading with its spread over the samples. Numbers are in `unit`; a time that never comes is infinite, and written as
/// `null`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadingSpread {
    /// Its name.
    pub name: String,
    /// What it is.
    pub what: String,
    /// How it was read.
    pub formula: String,
    /// Its unit.
    pub unit: String,
    /// What is written behind the number.
    pub shown: String,
    /// As written.
    #[serde(with = "open")]
    pub value: f64,
    /// A tenth of the samples lie below.
    #[serde(with = "open")]
    pub low: f64,
    /// Half of the samples lie below.
    #[serde(with = "open")]
    pub middle: f64,
    /// A tenth of the samples lie above.
    #[serde(with = "open")]
    pub high: f64,
}

impl ReadingSpread {
    /// Value and spread as in a sentence: "12 %" and "8 to 15 %".
    pub fn told(&self) -> (String, String) {
        (told(self.value, &self.shown), band(self.low, self.high, &self.shown))
    }
}

/// Infinite numbers, which JSON has not.
mod open {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Some(*value).filter(|value| value.is_finite()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
    }
}

/// What became of a part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decided {
    /// Its name.
    pub name: String,
    /// The part, in words.
    pub what: String,
    /// The condition, or empty.
    pub formula: String,
    /// Why the model cannot tell, if it cannot.
    pub outside: Option<String>,
    /// Whether it holds as written.
    pub holds: bool,
    /// In how many samples it holds …
    pub held: usize,
    /// … of how many.
    pub of: usize,
}

/// A number with its unit, as in a sentence.
pub(super) fn told(value: f64, shown: &str) -> String {
    if value == f64::INFINITY {
        return "never".into();
    }
    let number = brief(value);
    if shown.is_empty() { number } else { format!("{number} {shown}") }
}

/// A band with its unit; empty if its ends look the same.
pub(super) fn band(low: f64, high: f64, shown: &str) -> String {
    match (told(low, shown), told(high, shown)) {
        (low, high) if low == high => String::new(),
        (_, high) => {
            let low = if low.is_finite() { brief(low) } else { told(low, "") };
            format!("{low} to {high}")
        }
    }
}
