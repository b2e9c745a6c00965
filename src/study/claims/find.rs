//! Where claims lie: in `./scenarios/claims/`, else in the program.

use crate::base::error::Result;
use crate::scenario::Change;
use crate::study::claims::Claim;
use crate::study::evidence::Shelf;

include!(concat!(env!("OUT_DIR"), "/claims.rs"));

/// What people say.
const SAID: Shelf = Shelf { what: "claim", table: "claim", folder: "scenarios/claims", embedded: CLAIMS };

/// Every claim, in the order of the ids, with `changes` made to each scenario.
///
/// # Errors
/// A file makes no sense, or two have one id.
pub fn all(changes: &[Change]) -> Result<Vec<Claim>> {
    chosen(&[], changes)
}

/// The claims of these ids; all if none is named.
///
/// # Errors
/// A file makes no sense, two have one id, or an id is unknown.
pub fn chosen(ids: &[String], changes: &[Change]) -> Result<Vec<Claim>> {
    SAID.chosen(ids)?.iter().map(|source| Claim::read(source, changes)).collect()
}

/// The ids of all claims, without reading more of their files.
///
/// # Errors
/// A file has none.
pub fn ids() -> Result<Vec<String>> {
    SAID.ids()
}
