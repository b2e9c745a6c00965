//! Prices of a region: a session costs a lognormal amount.

use std::sync::Arc;

use serde::Deserialize;

use super::number::table;
use super::stem;
use crate::base::error::{Result, Source, read_toml};

/// Prices of a region.
#[derive(Debug, Clone)]
pub struct Cost {
    /// Name of the file without its ending.
    pub name: String,
    /// Where these prices are paid.
    pub what: String,
    /// The money, as "USD".
    pub currency: String,
    /// What a session costs.
    pub session: Price,
    /// The text it was read from.
    pub source: Arc<Source>,
}

table! {
    /// A lognormal price.
    Price from WrittenPrice {
        /// Half of the sessions cost less.
        median: "1" Positive,
        /// Standard deviation of the logarithm of the price.
        spread: "1" NotNegative,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCost {
    what: String,
    currency: String,
    session: WrittenPrice,
}

impl Cost {
    /// Reads a file of prices.
    ///
    /// # Errors
    /// The text is not TOML, a key is unknown or missing, or a number lacks its source.
    pub fn read(source: &Arc<Source>) -> Result<Self> {
        let written: WrittenCost = read_toml(source)?;
        let session = written.session.check(source)?;
        Ok(Self { name: stem(source), what: written.what, currency: written.currency, session, source: source.clone() })
    }
}
