//! Where observations lie: in `./scenarios/evidence/`, else in the program.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result, Source, suggestion};
use crate::evidence::Observation;
use crate::scenario::Change;

include!(concat!(env!("OUT_DIR"), "/observations.rs"));

/// The folder of observations, from the project's folder.
const FOLDER: &str = "scenarios/evidence";

/// Every observation, in the order of the ids, with `changes` made to each scenario.
///
/// # Errors
/// A file makes no sense, or two have one id.
pub fn all(changes: &[Change]) -> Result<Vec<Observation>> {
    let mut found = sources()?.iter().map(|source| Observation::read(source, changes)).collect::<Result<Vec<_>>>()?;
    found.sort_by(|a, b| order(&a.id).cmp(&order(&b.id)));
    if let Some(pair) = found.windows(2).find(|pair| pair[0].id == pair[1].id) {
        let message = format!("two observations are called `{}`: {} and {}", pair[0].id, pair[0].name, pair[1].name);
        return Err(Error::input(message));
    }
    Ok(found)
}

/// The observations of these ids; all if none is named.
///
/// # Errors
/// As [`all`], or an id is unknown.
pub fn chosen(ids: &[String], changes: &[Change]) -> Result<Vec<Observation>> {
    let found = all(changes)?;
    if ids.is_empty() {
        return Ok(found);
    }
    let known: Vec<String> = found.iter().map(|one| one.id.clone()).collect();
    for id in ids {
        if !known.iter().any(|own| own.eq_ignore_ascii_case(id)) {
            return Err(Error::input(format!("there is no observation `{id}`"))
                .help(suggestion(id, known.iter().map(String::as_str))));
        }
    }
    Ok(found.into_iter().filter(|one| ids.iter().any(|id| id.eq_ignore_ascii_case(&one.id))).collect())
}

/// The texts of the local folder if it is there, else those of the program.
fn sources() -> Result<Vec<Arc<Source>>> {
    let Ok(entries) = std::fs::read_dir(FOLDER) else {
        return Ok(OBSERVATIONS.iter().map(|(path, text)| Source::new(*path, *text)).collect());
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    paths.sort();
    paths.iter().map(|path| text(path)).collect()
}

fn text(path: &Path) -> Result<Arc<Source>> {
    let text = std::fs::read_to_string(path).map_err(|cause| Error::file(path, "read", cause))?;
    Ok(Source::new(path.display().to_string(), text))
}

/// `V2` before `V10`: letters, then the number.
fn order(id: &str) -> (String, u64, String) {
    let letters: String = id.chars().take_while(|letter| !letter.is_ascii_digit()).collect();
    let digits: String = id[letters.len()..].chars().take_while(char::is_ascii_digit).collect();
    (letters, digits.parse().unwrap_or(0), id.to_owned())
}
