//! Changes to a scenario or a model file: `--set key=value`, the `[set]` table, the axes of a sweep.
//!
//! A **key** is a path with dots. `needling.length` is an option of the scenario; `tissue.`, `device.`, `operator.`,
//! `mechanics.` and `response.` lead into the model file that the scenario uses. Constants of the response model need not
//! be spelt out: `response.d_T` means `response.constant.d_T.value`, and `response.d_T.times.mine` a factor of it. A number that is changed forgets its source and its
//! range: they spoke of another value.

use std::ops::Range;
use std::sync::Arc;

use toml_edit::{DocumentMut, InlineTable, Item, Key, TableLike, Value};

use crate::base::error::{Error, Result, Source, suggestion};
use crate::skin::catalogue::is_number;

/// The kinds of model file a scenario uses, by the first word of a key.
pub const ROOTS: [&str; 5] = ["tissue", "device", "operator", "mechanics", "response"];

/// One value to be put in the place of another.
#[derive(Debug, Clone)]
pub struct Change {
    /// The key as written.
    pub key: String,
    /// Its parts.
    pub path: Vec<String>,
    /// The new value.
    pub value: Value,
    /// Where it was asked for: a line of the scenario, or the argument of `--set`.
    pub place: (Arc<Source>, Range<usize>),
}

impl Change {
    /// Reads `key=value` as given on the command line. A value that is not TOML is taken as a text, so that
    /// `--set "needling.length=1 mm"` needs no second quotes.
    ///
    /// # Errors
    /// There is no `=`, or the key is not a path.
    pub fn parse(argument: &str) -> Result<Self> {
        let source = Source::new("--set", argument);
        let Some((key, value)) = argument.split_once('=') else {
            return Err(source
                .refuse(0..argument.len(), "a change is written key=value")
                .help("as in --set \"needling.length=1 mm\" or --set \"response.d_T=7 1/d\""));
        };
        let (key, text) = (key.trim(), value.trim());
        let path = path(key).map_err(|error| error.at(&source, 0..key.len()))?;
        if text.is_empty() {
            return Err(source.refuse(0..argument.len(), format!("`{key}` is given no value")));
        }
        let value = text.parse::<Value>().unwrap_or_else(|_| Value::from(text));
        let place = (source, 0..argument.len());
        Self { key: key.to_owned(), path, value, place }.finite()
    }

    /// A change asked for by a line of a file.
    ///
    /// # Errors
    /// The value holds a number that is not finite.
    pub fn new(path: Vec<String>, value: Value, place: (Arc<Source>, Range<usize>)) -> Result<Self> {
        Self { key: path.join("."), path, value: plain(value), place }.finite()
    }

    /// Whether the change concerns a model file rather than the scenario itself.
    pub fn in_model(&self) -> bool {
        self.path.len() > 1 && ROOTS.contains(&self.path[0].as_str())
    }

    /// The change on one line, for messages and tables.
    pub fn shown(&self) -> String {
        format!("{} = {}", self.key, self.value.to_string().trim())
    }

    /// An error that points at this change.
    pub(super) fn refuse(&self, message: impl Into<String>) -> Error {
        self.place.0.refuse(self.place.1.clone(), message)
    }

    fn finite(self) -> Result<Self> {
        if finite(&self.value) {
            return Ok(self);
        }
        Err(self.refuse(format!("`{}` must be a finite number", self.key)))
    }

    /// Says that this change is why something is refused.
    pub(super) fn blame(&self, error: &Error) -> Error {
        error.retold(&self.place.0, self.place.1.clone(), format!("with {}: {}", self.shown(), error.message()))
    }

    /// Changes an option of a scenario.
    pub(super) fn apply_to_scenario(&self, document: &mut DocumentMut) -> Result<()> {
        let refuse = |message: String| self.refuse(message);
        if ["set", "sweep", "expect", "evidence", "claim"].contains(&self.path[0].as_str()) {
            return Err(refuse(format!("`{}` cannot be changed from here", self.path[0])));
        }
        let mut table: &mut dyn TableLike = document.as_table_mut();
        let Some((last, parents)) = self.path.split_last() else { return Ok(()) };
        for part in parents {
            let next = table.entry(part).or_insert_with(toml_edit::table);
            table = next
                .as_table_like_mut()
                .ok_or_else(|| refuse(format!("`{part}` in `{}` is a value, it has no keys", self.key)))?;
        }
        table.insert(last, Item::Value(self.value.clone()));
        Ok(())
    }

    /// Changes a number of a model file; the path's first part, the kind of file, is left aside.
    pub(super) fn apply_to_model(&self, document: &mut DocumentMut) -> Result<()> {
        let mut parts: &[String] = &self.path[1..];
        let mut table: &mut dyn TableLike = document.as_table_mut();
        // `response.d_T` for `response.constant.d_T`.
        let short =
            |name: &str| table.get(name).is_none() && table.get("constant").is_some_and(|all| all.get(name).is_some());
        if parts.first().is_some_and(|name| short(name)) {
            table = match table.get_mut("constant").and_then(Item::as_table_like_mut) {
                Some(constants) => constants,
                None => return Err(self.unknown(&parts[0], document.as_table())),
            };
        }
        loop {
            if is_number(table) && matches!(parts, [only] if only == "value" || only == "expression") {
                parts = &[];
            }
            let Some((part, rest)) = parts.split_first() else {
                if !is_number(table) {
                    let keys: Vec<String> = table.iter().map(|(key, _)| format!("`{key}`")).collect();
                    let message = format!("`{}` is not one value", self.key);
                    let help = format!("its keys: {}", keys.join(", "));
                    return Err(self.refuse(message).help(help));
                }
                self.replace(table, None);
                return Ok(());
            };
            if is_number(table) && part == "value" {
                let chosen = table.get("value").and_then(Item::as_table_like).map(|by| by.get(&rest[0]).is_some());
                return match (chosen, rest) {
                    (Some(true), [alternative]) => {
                        self.replace(table, Some(alternative));
                        Ok(())
                    }
                    (Some(_), _) => {
                        let by = table.get("value").and_then(Item::as_table_like);
                        Err(by.map_or_else(|| self.unknown(&rest[0], table), |by| self.unknown(&rest[0], by)))
                    }
                    (None, _) => Err(self.unknown(&rest[0], table)),
                };
            }
            if let (true, "times", [name]) = (is_number(table), part.as_str(), rest) {
                return self.multiply(table, name);
            }
            match table.get(part) {
                None => return Err(self.unknown(part, table)),
                Some(item) if !item.is_table_like() => {
                    if !rest.is_empty() {
                        let message = format!("`{part}` in `{}` is a value, it has no keys", self.key);
                        return Err(self.refuse(message));
                    }
                    table.insert(part, Item::Value(self.value.clone()));
                    return Ok(());
                }
                Some(_) => {}
            }
            parts = rest;
            table = match table.get_mut(part).and_then(Item::as_table_like_mut) {
                Some(inner) => inner,
                None => return Err(Error::input(format!("`{part}` is not a table"))),
            };
        }
    }

    /// Gives a sourced number a factor, or changes one it has.
    fn multiply(&self, number: &mut dyn TableLike, name: &str) -> Result<()> {
        let factors = number.entry("times").or_insert_with(|| Item::Value(InlineTable::new().into()));
        let Some(factors) = factors.as_table_like_mut() else {
            return Err(self.refuse(format!("the factors of `{}` are no table", self.key)));
        };
        if let Some(own) = factors.get_mut(name).and_then(Item::as_table_like_mut) {
            self.replace(own, None);
            return Ok(());
        }
        let mut own = InlineTable::new();
        own.insert("value", self.value.clone());
        own.insert("evidence", "assumed".into());
        own.insert("source", "a factor set by the scenario".into());
        factors.insert(name, Item::Value(own.into()));
        Ok(())
    }

    /// Puts the value into a sourced number, whole or for one alternative.
    fn replace(&self, number: &mut dyn TableLike, alternative: Option<&str>) {
        let was = number.get("value").or(number.get("expression")).map(|old| old.to_string().trim().to_owned());
        match (alternative, number.get_mut("value").and_then(Item::as_table_like_mut)) {
            (Some(alternative), Some(by)) => {
                by.insert(alternative, Item::Value(self.value.clone()));
            }
            _ => {
                number.insert("value", Item::Value(self.value.clone()));
                if !self.value.is_inline_table() {
                    number.remove("by");
                }
            }
        }
        for gone in ["expression", "range", "checked"] {
            number.remove(gone);
        }
        number.insert("evidence", toml_edit::value("assumed"));
        let source = format!("set by the scenario; the file says {}", was.unwrap_or_default());
        number.insert("source", toml_edit::value(source));
    }

    fn unknown(&self, part: &str, table: &dyn TableLike) -> Error {
        let file = &self.path[0];
        let known: Vec<&str> = table.iter().map(|(key, _)| key).collect();
        let mut all = known.clone();
        let constants = table.get("constant").and_then(Item::as_table_like);
        if let Some(constants) = constants {
            all.extend(constants.iter().map(|(key, _)| key));
        }
        let message = format!("the {file} file has no `{part}` where `{}` looks for it", self.key);
        self.refuse(message).help(suggestion(part, all))
    }
}

/// The parts of a key with dots.
pub(super) fn path(key: &str) -> Result<Vec<String>> {
    let parts = Key::parse(key).map_err(|_| {
        Error::input(format!("`{key}` is not a key")).help("a key is a path with dots, as in needling.length")
    })?;
    Ok(parts.iter().map(|part| part.get().to_owned()).collect())
}

fn finite(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.value().is_finite(),
        Value::Array(array) => array.iter().all(finite),
        Value::InlineTable(table) => table.iter().all(|(_, value)| finite(value)),
        _ => true,
    }
}

/// The value without the blanks and comments that stood around it.
fn plain(mut value: Value) -> Value {
    value.decor_mut().clear();
    value
}
