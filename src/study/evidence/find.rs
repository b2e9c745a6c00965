//! Where observations and other files that say more than a scenario lie: in their local folder, else in the program.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_spanned::Spanned;

use crate::base::error::{Error, Result, Source, grammar, suggestion};
use crate::base::folder::name::names;
use crate::scenario::Change;
use crate::study::evidence::Observation;

include!(concat!(env!("OUT_DIR"), "/observations.rs"));

/// Files of one kind: scenarios with a table that says more.
pub(crate) struct Shelf {
    /// What a file is, in a word.
    pub what: &'static str,
    /// The table that holds its id.
    pub table: &'static str,
    /// Their folder, from the project's folder.
    pub folder: &'static str,
    /// Their texts in the program.
    pub embedded: &'static [(&'static str, &'static str)],
}

/// Published observations.
const OBSERVED: Shelf =
    Shelf { what: "observation", table: "evidence", folder: "scenarios/evidence", embedded: OBSERVATIONS };

/// Every observation, in the order of the ids, with `changes` made to each scenario.
///
/// # Errors
/// A file makes no sense, or two have one id.
pub fn all(changes: &[Change]) -> Result<Vec<Observation>> {
    chosen(&[], changes)
}

/// The observations of these ids; all if none is named.
///
/// # Errors
/// A file makes no sense, two have one id, or an id is unknown.
pub fn chosen(ids: &[String], changes: &[Change]) -> Result<Vec<Observation>> {
    OBSERVED.chosen(ids)?.iter().map(|source| Observation::read(source, changes)).collect()
}

/// The ids of all observations, without reading more of their files.
///
/// # Errors
/// A file has none.
pub fn ids() -> Result<Vec<String>> {
    OBSERVED.ids()
}

impl Shelf {
    /// The texts of these ids, all if none is named, in the order of the ids.
    ///
    /// # Errors
    /// A file has no id, two have one, or an id is unknown.
    pub fn chosen(&self, ids: &[String]) -> Result<Vec<Arc<Source>>> {
        let what = self.what;
        let files = self.sources()?.into_iter().map(|source| Ok((self.id(&source)?, source)));
        let mut files = files.collect::<Result<Vec<_>>>()?;
        files.sort_by_key(|(id, _)| order(id));
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (id, source) in &files {
            if let Some(other) = seen.insert(id.to_lowercase(), &source.name) {
                return Err(Error::input(format!("two {what}s are called `{id}`: {other} and {}", source.name)));
            }
        }
        for id in ids {
            if !files.iter().any(|(own, _)| own.eq_ignore_ascii_case(id)) {
                return Err(Error::input(format!("there is no {what} `{id}`"))
                    .help(suggestion(id, files.iter().map(|(own, _)| own.as_str()))));
            }
        }
        files.retain(|(own, _)| ids.is_empty() || ids.iter().any(|id| id.eq_ignore_ascii_case(own)));
        Ok(files.into_iter().map(|(_, source)| source).collect())
    }

    /// The ids of all files, without reading more of them.
    ///
    /// # Errors
    /// A file has none.
    pub fn ids(&self) -> Result<Vec<String>> {
        self.sources()?.iter().map(|source| self.id(source)).collect()
    }

    /// The id in a file, without looking at the rest.
    fn id(&self, source: &Arc<Source>) -> Result<String> {
        let text = toml_edit::Document::parse(source.text.as_str())
            .map_err(|error| grammar(source, error.span().unwrap_or(0..0), error.message().trim_end()))?;
        let item = text.get(self.table).and_then(|table| table.get("id"));
        let (what, table) = (self.what, self.table);
        let Some((item, id)) = item.and_then(|item| Some((item, item.as_str()?))) else {
            return Err(source
                .refuse(0..0, format!("the {what} has no id"))
                .help(format!("write [{table}] and id = \"…\", see the other files")));
        };
        let article = if what.starts_with('o') { "an" } else { "a" };
        names(source, &format!("{article} {what}"), [&Spanned::new(item.span().unwrap_or(0..0), id.to_owned())])?;
        Ok(id.to_owned())
    }

    /// The texts of the local folder if it is there, else those of the program.
    fn sources(&self) -> Result<Vec<Arc<Source>>> {
        let Ok(entries) = std::fs::read_dir(self.folder) else {
            return Ok(self.embedded.iter().map(|(path, text)| Source::new(*path, *text)).collect());
        };
        let paths = entries.flatten().map(|entry| entry.path());
        let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
        paths.sort();
        paths.iter().map(|path| text(path)).collect()
    }
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
