//! The model files a scenario uses: found by name or path, changed where the scenario says so, and walked for the numbers
//! and traits they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use toml_edit::{DocumentMut, Item, TableLike, Value};

use crate::base::error::{Error, Result, Source};
use crate::base::folder::name::distinct;
use crate::base::sourced::Evidence;
use crate::base::units::Quantity;
use crate::scenario::change::Change;
use crate::scenario::keyed;
use crate::skin::catalogue::{self, CatalogueKind};

/// A model file as a scenario uses it.
#[derive(Debug, Clone)]
pub struct ModelFile {
    /// What it describes.
    pub kind: CatalogueKind,
    /// Its name without ending, as "cheek".
    pub name: String,
    /// Name of its copy in a run's folder.
    copy: String,
    /// The text as it stands in the file, before any change.
    pub original: Arc<Source>,
    /// The text with the changes of the scenario.
    pub used: Arc<Source>,
    /// What was laid over it: the name of its text, and how it is called.
    laid: Vec<(String, String)>,
}

/// A number of a model file, for the account of what a run rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelNumber {
    /// The file it is in, as "tissue cheek".
    pub file: String,
    /// The first word of keys that lead to it, as "tissue".
    pub root: &'static str,
    /// Its key, as "constant.d_T".
    pub key: String,
    /// The value as written.
    pub text: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// Whether its source was read for this number.
    pub checked: bool,
    /// Whether ensembles may draw it.
    pub drawn: bool,
    /// Where it is from.
    pub source: String,
    /// What it is, in words; may be empty.
    pub what: String,
    /// The smallest and largest value it may have, as written.
    pub range: Option<[String; 2]>,
}

impl ModelNumber {
    /// Whether this counts as a measurement: measured, and read rather than recalled.
    pub fn counts_as_measured(&self) -> bool {
        self.evidence == Evidence::Measured && self.checked
    }
}

impl ModelFile {
    /// Finds a file by its name in the catalogue, or by a path that ends in `.toml`, taken from `folder`.
    ///
    /// # Errors
    /// As [`catalogue::find`].
    pub fn open(kind: CatalogueKind, word: &str, folder: &Path) -> Result<Self> {
        let original = catalogue::find(kind, word, Some(folder))?;
        let name = stem(Path::new(word));
        Ok(Self {
            kind,
            copy: distinct([name.as_str()], &[]).remove(0),
            name,
            used: original.clone(),
            original,
            laid: Vec::new(),
        })
    }

    /// Lays over it what `upper` says of files of this kind. What lies there already stays as it is.
    pub(super) fn lay(&mut self, upper: &Self) -> Result<()> {
        let composed = catalogue::compose(&self.original, &upper.original, root(self.kind))?;
        if composed == self.original {
            return Ok(());
        }
        self.original = composed;
        self.used = self.original.clone();
        self.laid.push((upper.original.name.clone(), format!("{} {}", root(upper.kind), upper.name)));
        Ok(())
    }

    /// A file made up by the scenario itself.
    pub(super) fn made(kind: CatalogueKind, name: &str, text: String) -> Self {
        let original = Source::new(format!("{name}.toml"), text);
        Self { kind, name: name.to_owned(), copy: name.to_owned(), used: original.clone(), original, laid: Vec::new() }
    }

    /// Whether `upper` was laid over it.
    pub(super) fn has(&self, upper: &Self) -> bool {
        self.laid.iter().any(|(name, _)| *name == upper.original.name)
    }

    /// The path of its copy inside a run's folder, as "models/tissues/cheek.toml".
    pub fn path(&self) -> String {
        format!("models/{}/{}.toml", self.kind.folder(), self.copy)
    }

    /// Gives its copy a name that none of the others has, as two files of rules in two folders may have one.
    pub(super) fn tell_apart(&mut self, others: &[Self]) {
        let others: Vec<&str> =
            others.iter().filter(|other| other.kind == self.kind).map(|other| other.copy.as_str()).collect();
        self.copy = distinct([self.name.as_str()], &others).remove(0);
    }

    /// Applies those of `changes` that concern this kind of file.
    pub(super) fn change(&mut self, changes: &[&Change]) -> Result<()> {
        let own: Vec<_> = changes.iter().filter(|change| change.path[0] == root(self.kind)).collect();
        if own.is_empty() {
            return Ok(());
        }
        let mut document = self.document()?;
        for change in own {
            change.apply_to_model(&mut document)?;
        }
        self.use_document(&document)
    }

    /// Replaces the text used by that of `document`.
    pub(super) fn use_document(&mut self, document: &DocumentMut) -> Result<()> {
        self.used = catalogue::changed(&self.original, document.to_string())?;
        Ok(())
    }

    /// The text used, as a document that can be changed.
    pub(super) fn document(&self) -> Result<DocumentMut> {
        keyed::document(&self.used)
    }

    /// The numbers it holds, in the order of the file, each with the file it was written in.
    ///
    /// # Errors
    /// The text is not TOML.
    pub fn numbers(&self) -> Result<Vec<ModelNumber>> {
        let mut numbers = Vec::new();
        let places = keyed::places(&self.original)?;
        walk(self.document()?.as_table(), "", &mut |key, table| {
            let text = |name: &str| table.get(name).and_then(Item::as_str);
            let written = table.get("value").or(table.get("expression"));
            let (Some(written), Some(evidence), Some(source)) = (written, text("evidence"), text("source")) else {
                return;
            };
            let evidence = match evidence {
                "measured" => Evidence::Measured,
                "derived" => Evidence::Derived,
                "tuned" => Evidence::Tuned,
                _ => Evidence::Assumed,
            };
            let plain =
                |value: &Value| value.as_str().map_or_else(|| value.to_string().trim().to_owned(), str::to_owned);
            let ends: Vec<String> =
                table.get("range").and_then(Item::as_array).into_iter().flatten().map(plain).collect();
            numbers.push(ModelNumber {
                range: <[String; 2]>::try_from(ends).ok(),
                root: root(self.kind),
                file: self
                    .written_in(["value", "expression"].iter().find_map(|own| places.get(&format!("{key}.{own}")))),
                key: key.to_owned(),
                text: written.as_str().map_or_else(|| written.to_string().trim().to_owned(), str::to_owned),
                evidence,
                checked: table.get("checked").and_then(Item::as_bool).unwrap_or(true),
                drawn: table.get("drawn").and_then(Item::as_bool).unwrap_or(true),
                source: source.to_owned(),
                what: text("what").unwrap_or_default().to_owned(),
            });
        });
        Ok(numbers)
    }

    /// Numbers that were set outside the range that the file gives them, in sentences.
    ///
    /// # Errors
    /// A number was set below zero that the file knows as one that is not.
    pub(super) fn outside(&self, changes: &[&Change]) -> Result<Vec<String>> {
        if self.used == self.original {
            return Ok(Vec::new());
        }
        let (mut before, mut ranges) = (BTreeMap::new(), BTreeMap::new());
        walk(keyed::document(&self.original)?.as_table(), "", &mut |key, table| {
            for (path, quantity) in values(key, table) {
                let ends = table.get("range").and_then(Item::as_array).map(|ends| ends.iter().map(measured).collect());
                let shown = table.get("range").map_or_else(String::new, |range| range.to_string().trim().to_owned());
                ranges.insert(path.clone(), shown);
                before.insert(path, (quantity, <[Option<Quantity>; 2]>::try_from(ends.unwrap_or_else(Vec::new)).ok()));
            }
        });
        let mut after = Vec::new();
        walk(self.document()?.as_table(), "", &mut |key, table| after.extend(values(key, table)));
        let mut outside = Vec::new();
        for (key, new) in after {
            let Some((old, range)) = before.get(&key).filter(|(old, _)| *old != new) else { continue };
            let ends = range.and_then(|[low, high]| low.zip(high));
            let whole = format!("{}.{key}", root(self.kind));
            let change = || {
                let asked = |change: &&&Change| {
                    let last = change.path.last().map(String::as_str);
                    change.path.first().is_some_and(|first| first == root(self.kind))
                        && key.split('.').any(|part| Some(part) == last)
                };
                changes.iter().find(asked)
            };
            let shown = change().map_or_else(|| whole.clone(), |change| change.shown());
            let low = ends.map_or(old.value, |(low, _)| low.value);
            if new.value < 0.0 && low >= 0.0 && old.value > 0.0 {
                let message = format!("`{shown}` is below zero, which `{whole}` cannot be");
                return Err(match change() {
                    Some(change) => change.refuse(message),
                    None => Error::input(message),
                });
            }
            if ends.is_some_and(|(low, high)| !(low.value..=high.value).contains(&new.value)) {
                outside
                    .push(format!("`{shown}` lies outside the range that `{}` gives it: {}", self.name, ranges[&key]));
            }
        }
        Ok(outside)
    }

    /// How the file is called in which something of the original was written.
    fn written_in(&self, place: Option<&std::ops::Range<usize>>) -> String {
        let own = format!("{} {}", root(self.kind), self.name);
        let Some(place) = place else { return own };
        let (source, _) = self.original.origin(place.clone());
        let laid = self.laid.iter().find(|(name, _)| *name == source.name);
        match laid {
            Some((_, label)) => label.clone(),
            None if source.name == self.original.name => own,
            None => source.name.clone(),
        }
    }

    /// The traits that choose between its numbers, each with the alternatives it knows.
    pub(super) fn traits(&self) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let mut traits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        walk(self.document()?.as_table(), "", &mut |_, table| {
            let Some(by) = table.get("by").and_then(Item::as_str) else { return };
            let values = table.get("value").and_then(Item::as_table_like);
            for (place, name) in by.split('/').enumerate() {
                let known = traits.entry(name.to_owned()).or_default();
                let alternatives = values.iter().flat_map(|values| values.iter());
                known.extend(alternatives.filter_map(|(key, _)| key.split('/').nth(place)).map(str::to_owned));
            }
        });
        Ok(traits)
    }
}

/// The first word of the keys that lead into files of this kind.
pub(super) fn root(kind: CatalogueKind) -> &'static str {
    match kind {
        CatalogueKind::Tissue => "tissue",
        CatalogueKind::Device => "device",
        CatalogueKind::Operator => "operator",
        CatalogueKind::Response => "response",
        CatalogueKind::Mechanics => "mechanics",
        CatalogueKind::Lesion => "lesion",
        CatalogueKind::Wound => "wound",
        CatalogueKind::Agent => "agent",
        CatalogueKind::Person => "person",
        CatalogueKind::Rules => "rules",
        CatalogueKind::Cost => "cost",
        CatalogueKind::Population => "population",
    }
}

/// Calls `see` with the key and the table of every table, outermost first.
fn walk(table: &dyn TableLike, above: &str, see: &mut dyn FnMut(&str, &dyn TableLike)) {
    see(above, table);
    for (key, item) in table.iter() {
        let path = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
        if let Some(inner) = item.as_table_like() {
            walk(inner, &path, see);
        } else if let Some(array) = item.as_array_of_tables() {
            for (i, inner) in array.iter().enumerate() {
                walk(inner, &format!("{path}.{}", i + 1), see);
            }
        }
    }
}

/// A number or a text with a unit.
fn measured(value: &Value) -> Option<Quantity> {
    match value {
        Value::Integer(whole) => Some(Quantity::number(*whole.value() as f64)),
        Value::Float(number) => Some(Quantity::number(*number.value())),
        Value::String(text) => text.value().parse().ok(),
        _ => None,
    }
}

/// The values of a number by their keys: one, or one for each alternative.
fn values(key: &str, table: &dyn TableLike) -> Vec<(String, Quantity)> {
    let Some(value) = table.get("value").filter(|_| table.contains_key("evidence")) else { return Vec::new() };
    match value.as_table_like() {
        Some(all) => all
            .iter()
            .filter_map(|(name, item)| Some((format!("{key}.value.{name}"), measured(item.as_value()?)?)))
            .collect(),
        None => value.as_value().and_then(measured).map(|one| (key.to_owned(), one)).into_iter().collect(),
    }
}

/// The name of a file without folder and ending.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "scenario".into(), |stem| stem.to_string_lossy().into_owned())
}

/// The largest text that is read as a scenario or a model \[bytes\].
const MOST_TEXT: u64 = 4 << 20;

/// Reads a text file, named in messages as it was given.
pub(super) fn read_text(path: &Path) -> Result<Arc<Source>> {
    let shown = path.display().to_string();
    let size = std::fs::metadata(path).map_err(|cause| unreadable(&shown, &cause))?.len();
    if size > MOST_TEXT {
        return Err(Error::input(format!("`{shown}` is too large to be a scenario or a model ({size} bytes)")));
    }
    let bytes = std::fs::read(path).map_err(|cause| unreadable(&shown, &cause))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Error::input(format!("`{shown}` is not a text file")).help("a scenario or model is a TOML text in UTF-8")
    })?;
    Ok(Source::new(shown, text))
}

fn unreadable(shown: &str, cause: &std::io::Error) -> Error {
    match cause.kind() {
        std::io::ErrorKind::NotFound => Error::input(format!("there is no file `{shown}`")),
        _ => Error::input(format!("could not read `{shown}`: {cause}")),
    }
}
