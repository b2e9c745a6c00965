//! What stands in a scenario file: every option as it was typed, or absent. Nothing is decided here.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_spanned::Spanned;

/// A number or a text with a unit, not yet read.
pub(super) type Amount = Spanned<toml::Value>;
/// A word.
pub(super) type Word = Spanned<String>;

/// A scenario file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenScenario {
    pub name: Option<Word>,
    pub question: Option<String>,
    pub tissue: Option<Word>,
    pub slab: Option<Spanned<Slab>>,
    pub response: Option<Word>,
    pub lesion: Option<Word>,
    pub wound: Option<Spanned<Wound>>,
    #[serde(default)]
    pub agents: Vec<Word>,
    #[serde(default)]
    pub agent: IndexMap<Word, IndexMap<Word, Amount>>,
    #[serde(default)]
    pub rules: Option<Vec<Word>>,
    pub cost: Option<Word>,
    pub mechanics: Option<Word>,
    pub seed: Option<Amount>,
    #[serde(default)]
    pub person: IndexMap<Word, Amount>,
    pub needling: Option<Spanned<WrittenNeedling>>,
    pub course: Option<Spanned<WrittenCourse>>,
    #[serde(default)]
    pub grid: WrittenGrid,
    pub observe: Option<WrittenSchedule>,
    pub snapshots: Option<Snapshots>,
    #[serde(default)]
    pub probe: IndexMap<Word, Probe>,
    #[serde(default)]
    pub signals: IndexMap<Word, WrittenSignal>,
    #[serde(default)]
    pub stepping: WrittenStepping,
    // Read with their places from the document, since their keys are paths.
    #[serde(rename = "set")]
    pub _set: Option<toml::Table>,
    #[serde(rename = "sweep")]
    pub _sweep: Option<toml::Table>,
    #[serde(rename = "expect")]
    pub _expect: Option<toml::Table>,
    pub population: Option<Spanned<WrittenPersons>>,
    pub uncertainty: Option<Spanned<Uncertainty>>,
    // What was observed where this scenario was real: read by `evidence`, refused there if it makes no sense.
    #[serde(rename = "evidence")]
    pub _evidence: Option<toml::Table>,
    // What people say that this scenario answers: read by `claims`.
    #[serde(rename = "claim")]
    pub _claim: Option<toml::Table>,
}

/// A wound that no needle made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wound {
    pub kind: Word,
    pub width: Option<Amount>,
    pub depth: Option<Amount>,
}

/// Persons drawn from a population.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPersons {
    pub of: Option<Word>,
    pub number: Option<Amount>,
    pub seed: Option<Amount>,
    pub spread: Option<bool>,
}

/// Numbers drawn within their ranges.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Uncertainty {
    pub samples: Option<Amount>,
    pub seed: Option<Amount>,
    pub numbers: Option<Spanned<toml::Value>>,
}

/// One uniform layer in place of a tissue, for models that know no skin.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slab {
    pub layer: Option<Word>,
    pub thickness: Option<Amount>,
    pub cells: Option<Amount>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenNeedling {
    pub device: Option<Word>,
    pub operator: Option<Word>,
    pub mechanics: Option<Word>,
    pub length: Option<Amount>,
    pub frequency: Option<Amount>,
    pub glide: Option<Amount>,
    pub press: Option<Amount>,
    pub wear: Option<Amount>,
    pub area: Option<Amount>,
    pub dose: Option<Amount>,
    pub passes: Option<Amount>,
    pub coverage: Option<Amount>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCourse {
    pub sessions: Option<Amount>,
    pub spacing: Option<Amount>,
    pub first: Option<Amount>,
    pub at: Option<Spanned<Vec<Amount>>>,
    pub followed: Option<Amount>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGrid {
    pub geometry: Option<Word>,
    pub strata: Option<Amount>,
    pub radius: Option<Amount>,
    pub spacing: Option<Amount>,
    pub width: Option<Amount>,
    pub cells: Option<Amount>,
    pub periodic: Option<Spanned<bool>>,
    pub layer: Option<Word>,
    pub resolution: Option<Amount>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSchedule {
    pub every: Option<Amount>,
    pub at: Option<Spanned<Vec<Amount>>>,
    pub log: Option<Spanned<Log>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub from: Amount,
    pub until: Amount,
    pub points: Amount,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snapshots {
    pub every: Option<Amount>,
    pub at: Option<Spanned<Vec<Amount>>>,
    pub fields: Option<Vec<Word>>,
}

/// An extra observable.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Probe {
    pub value: Word,
    pub unit: Option<Word>,
    pub what: Option<Word>,
    pub from: Option<Amount>,
    pub to: Option<Amount>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenStepping {
    pub method: Option<Word>,
    pub tolerance: Option<Amount>,
    pub absolute: Option<Amount>,
    pub longest: Option<Amount>,
    pub fixed: Option<Amount>,
    pub most_steps: Option<Amount>,
}

/// A signal: one value throughout, or stretches of time with values.
#[derive(Debug, Clone)]
pub(super) enum WrittenSignal {
    Constant(toml::Value),
    Stretches(Vec<Spanned<Stretch>>),
}

impl<'de> Deserialize<'de> for WrittenSignal {
    /// Told apart by what stands there, since serde's untagged enums lose the places of what they hold.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SignalVisitor;
        impl<'de> Visitor<'de> for SignalVisitor {
            type Value = WrittenSignal;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value, or a list such as [{ value = 1, from = \"0 h\", until = \"48 h\" }]")
            }

            fn visit_i64<E: serde::de::Error>(self, whole: i64) -> Result<WrittenSignal, E> {
                Ok(WrittenSignal::Constant(toml::Value::Integer(whole)))
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<WrittenSignal, E> {
                Ok(WrittenSignal::Constant(toml::Value::Float(number)))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<WrittenSignal, E> {
                Ok(WrittenSignal::Constant(toml::Value::String(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WrittenSignal, A::Error> {
                let mut stretches = Vec::new();
                while let Some(stretch) = list.next_element()? {
                    stretches.push(stretch);
                }
                Ok(WrittenSignal::Stretches(stretches))
            }
        }
        deserializer.deserialize_any(SignalVisitor)
    }
}

/// A stretch of time in which a signal has a value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stretch {
    pub value: Amount,
    pub from: Option<Amount>,
    pub until: Option<Amount>,
}
