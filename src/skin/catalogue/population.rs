//! Populations: who comes to be treated, as distributions of traits.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;

use super::stem;
use crate::base::error::{Result, Source, read_toml};
use crate::base::sourced::{Choice, Sourced, WrittenNumber};

/// Who comes to be treated.
#[derive(Debug, Clone)]
pub struct Population {
    /// Name of the file without its ending.
    pub name: String,
    /// Who these are, in a sentence.
    pub what: String,
    /// The traits by name: a number with `sd` and `range` for an age (a normal distribution, cut off at the ends), else a
    /// share for each alternative.
    pub traits: IndexMap<String, Sourced>,
    /// The text it was read from.
    pub source: Arc<Source>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPopulation {
    what: String,
    #[serde(rename = "trait")]
    traits: IndexMap<String, WrittenNumber>,
}

impl Population {
    /// Reads a population file.
    ///
    /// # Errors
    /// The text is not TOML, a key is unknown or missing, a number lacks its source, an age has no spread or no range, or
    /// shares do not sum to one.
    pub fn read(source: &Arc<Source>) -> Result<Self> {
        let written: WrittenPopulation = read_toml(source)?;
        let mut traits = IndexMap::new();
        for (name, one) in written.traits {
            let one = one.check(source)?;
            let refuse = |message: String| Err(source.refuse(one.place.1.clone(), message));
            match &one.value {
                Choice::One(value) => {
                    value.expect("y").map_err(|error| error.at(source, one.place.1.clone()))?;
                    if one.sd.is_none() || one.range.is_none() {
                        return refuse(format!("`{name}` needs `sd` and `range`"));
                    }
                }
                Choice::By(by, _) if *by != name => {
                    return refuse(format!("shares of `{name}` are by = \"{name}\", not by = \"{by}\""));
                }
                Choice::By(..) => {
                    let sum: f64 = one.values().sum();
                    if (sum - 1.0).abs() > 1e-6 || one.values().any(|share| share < 0.0) {
                        return refuse(format!("the shares of `{name}` sum to {sum}, not to 1"));
                    }
                }
            }
            traits.insert(name, one);
        }
        Ok(Self { name: stem(source), what: written.what, traits, source: source.clone() })
    }
}
