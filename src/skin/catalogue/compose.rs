//! Model files made of others: one text laid over another.
//!
//! A file that `extends` another holds only what differs. Lesions, agents and traits of persons hold such differences too,
//! in tables named after the kind of file they change. The rule is the same everywhere:
//!
//! - tables meet key by key, and what the upper text says replaces what the lower one says;
//! - a number replaces a number whole, for a value without its own source and range would lie;
//! - factors (`times`) of a number stay, and more may be added to them. A table with nothing but factors needs a number to
//!   multiply;
//! - what a field has by layer, what holds on one of its faces, and what a process takes, gives or changes replace those of the
//!   lower text whole, for each is one statement. A process with a rate and its fields, or with `changes` alone, is a new one
//!   and keeps nothing of the old but words and layers.
//!
//! Laying the same text over twice changes nothing. The composed text remembers where each of its parts was written, so a
//! complaint about it points at the right file and line.

use std::sync::Arc;

use toml_edit::{Document, DocumentMut, Item, Key, Table, TableLike, Value};

use crate::base::error::{Error, Result, Source, SourcePart, grammar};

/// Lays `upper`, or its table `section` if that is not empty, over `lower`. The result is known by the name of `lower`.
///
/// # Errors
/// One of them is not TOML, or `upper` multiplies a number that `lower` has not.
pub fn compose(lower: &Arc<Source>, upper: &Arc<Source>, section: &str) -> Result<Arc<Source>> {
    let (below, above) = (parse(lower)?, parse(upper)?);
    let mut merged: DocumentMut = below.clone().into_mut();
    let unplaced = above.clone().into_mut();
    let (Some(spoken), Some(laid)) = (part(above.as_table(), section), part(unplaced.as_table(), section)) else {
        return Ok(lower.clone());
    };
    let mut lay = Lay { upper, lower: &lower.name, overlay: section.is_empty(), spoken, path: Vec::new() };
    lay.over(merged.as_table_mut(), laid)?;
    merged.remove("extends");
    let text = merged.to_string();
    let whole = Source::new(lower.name.clone(), text.clone());
    let mut parts = Vec::new();
    let texts = [(upper, spoken), (lower, below.as_table() as &dyn TableLike)];
    gather(parse(&whole)?.as_table(), &texts, &mut parts);
    Ok(Source::composed(lower.name.clone(), text, parts))
}

/// A text that was made by changing values of `original`: what stands under the same keys is known to come from there.
///
/// # Errors
/// The text is not TOML.
pub fn changed(original: &Arc<Source>, text: String) -> Result<Arc<Source>> {
    let before = parse(original)?;
    let whole = Source::new(original.name.clone(), text.clone());
    let mut parts = Vec::new();
    gather(parse(&whole)?.as_table(), &[(original, before.as_table() as &dyn TableLike)], &mut parts);
    Ok(Source::composed(original.name.clone(), text, parts))
}

/// The text as a document that knows its places.
fn parse(source: &Arc<Source>) -> Result<Document<String>> {
    Document::parse(source.text.clone())
        .map_err(|error| grammar(source, error.span().unwrap_or(0..0), error.message().trim_end()))
}

fn part<'a>(table: &'a Table, section: &str) -> Option<&'a dyn TableLike> {
    if section.is_empty() { Some(table) } else { table.get(section)?.as_table_like() }
}

/// Whether a table is a number with its source.
pub fn is_number(table: &dyn TableLike) -> bool {
    (table.contains_key("value") || table.contains_key("expression")) && table.contains_key("evidence")
}

/// A text being laid over another.
struct Lay<'a> {
    upper: &'a Arc<Source>,
    /// The name of the text below.
    lower: &'a str,
    /// Whether both are whole files, which may be overlays themselves.
    overlay: bool,
    spoken: &'a dyn TableLike,
    path: Vec<String>,
}

impl Lay<'_> {
    fn over(&mut self, lower: &mut dyn TableLike, upper: &dyn TableLike) -> Result<()> {
        for (key, item) in upper.iter() {
            self.path.push(key.to_owned());
            self.one(lower, key, item)?;
            self.path.pop();
        }
        Ok(())
    }

    fn one(&mut self, lower: &mut dyn TableLike, key: &str, item: &Item) -> Result<()> {
        if lower.get(key).is_some_and(|own| same(own, item)) {
            return Ok(());
        }
        let Some(inner) = item.as_table_like() else {
            lower.insert(key, item.clone());
            return Ok(());
        };
        let only_factors = inner.contains_key("times") && inner.iter().count() == 1;
        if self.is_statement() {
            lower.insert(key, unplaced(item));
            return Ok(());
        }
        match self.inside()[..] {
            ["process", _] => forget_process(lower.get_mut(key).and_then(Item::as_table_like_mut), inner),
            ["event", _] => forget_event(lower.get_mut(key).and_then(Item::as_table_like_mut), inner),
            _ => {}
        }
        let own = lower.get_mut(key).and_then(Item::as_table_like_mut);
        match own {
            // Factors somewhere inside need numbers, and there is nothing here.
            None if !self.waits() && !only_factors && !is_number(inner) && has_factors(inner) => {
                let mut table = toml_edit::table();
                if let Some(own) = table.as_table_like_mut() {
                    self.over(own, inner)?;
                }
                lower.insert(key, table);
                Ok(())
            }
            Some(own) if !is_number(inner) => {
                if only_factors && !is_number(own) && !self.waits() {
                    return Err(self.nothing_to_multiply(key));
                }
                self.over(own, inner)
            }
            None if only_factors && !self.waits() => Err(self.nothing_to_multiply(key)),
            own => {
                let factors = own.and_then(|own| own.get("times").cloned());
                lower.insert(key, unplaced(item));
                let number = lower.get_mut(key).and_then(Item::as_table_like_mut);
                if let (Some(factors), Some(number)) = (factors, number) {
                    let mut all = unplaced(&factors);
                    if let (Some(new), Some(all)) = (number.get("times").cloned(), all.as_table_like_mut())
                        && let Some(new) = new.as_table_like()
                    {
                        self.over(all, new)?;
                    }
                    number.insert("times", all);
                }
                Ok(())
            }
        }
    }

    /// Whether what is laid is for a model that is not there yet, as where a lesion extends another.
    fn waits(&self) -> bool {
        const MODELS: [&str; 5] = ["tissue", "device", "operator", "mechanics", "response"];
        self.overlay && self.path.first().is_some_and(|root| MODELS.contains(&root.as_str()))
    }

    /// The path inside of its model.
    fn inside(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).skip(usize::from(self.waits())).collect()
    }

    /// Whether what stands at the path is one statement, to be replaced whole.
    fn is_statement(&self) -> bool {
        const BY_LAYER: [&str; 5] = ["rest", "initial", "diffusivity", "drift", "reference_density"];
        match self.inside()[..] {
            ["field", _, key] => BY_LAYER.contains(&key),
            ["field", _, "boundary", _] => true,
            ["process", _, key] => STOICHIOMETRY.contains(&key),
            ["event", _, key] => key == "set",
            _ => false,
        }
    }

    fn nothing_to_multiply(&self, key: &str) -> Error {
        let place = find(self.spoken, &self.path).and_then(|(key, item)| key.span().or(item.span())).unwrap_or(0..0);
        let help = format!("`{}` has no `{}`, so this is not for it", self.lower, self.path.join("."));
        self.upper.refuse(place, format!("there is no number `{key}` to multiply")).help(help)
    }
}

/// What a process does to fields.
const STOICHIOMETRY: [&str; 3] = ["takes", "gives", "changes"];

/// Takes away what a process did, if the text laid over it says anew what it does.
fn forget_process(own: Option<&mut dyn TableLike>, new: &dyn TableLike) {
    let has = |key: &str| new.contains_key(key);
    let whole =
        if has("rate") { has("takes") || has("gives") } else { has("changes") && !has("takes") && !has("gives") };
    if let Some(own) = own.filter(|_| whole) {
        ["rate"].iter().chain(&STOICHIOMETRY).for_each(|key| drop(own.remove(key)));
    }
}

/// Takes away when an event happened, if the text laid over it says anew when it does.
fn forget_event(own: Option<&mut dyn TableLike>, new: &dyn TableLike) {
    const WHEN: [&str; 4] = ["at", "every", "from", "until"];
    if let Some(own) = own.filter(|_| new.contains_key("at") || new.contains_key("every")) {
        WHEN.iter().for_each(|key| drop(own.remove(key)));
    }
}

/// Whether a table holds factors of numbers that stand elsewhere.
fn has_factors(table: &dyn TableLike) -> bool {
    table.iter().filter_map(|(_, item)| item.as_table_like()).any(|inner| {
        !is_number(inner) && ((inner.contains_key("times") && inner.iter().count() == 1) || has_factors(inner))
    })
}

/// Whether `own` says already what `item` says; factors of its own do not matter.
fn same(own: &Item, item: &Item) -> bool {
    fn values(own: &Value, item: &Value) -> bool {
        match (own, item) {
            (Value::Array(own), Value::Array(item)) => {
                own.len() == item.len() && own.iter().zip(item).all(|(own, item)| values(own, item))
            }
            (Value::InlineTable(own), Value::InlineTable(item)) => tables(own, item),
            _ => own.clone().decorated("", "").to_string() == item.clone().decorated("", "").to_string(),
        }
    }
    fn tables(own: &dyn TableLike, item: &dyn TableLike) -> bool {
        item.iter().all(|(key, item)| own.get(key).is_some_and(|own| same(own, item)))
            && own.iter().all(|(key, _)| key == "times" || item.contains_key(key))
    }
    match (own.as_table_like(), item.as_table_like()) {
        (Some(own), Some(item)) => tables(own, item),
        (None, None) => own.as_value().zip(item.as_value()).is_some_and(|(own, item)| values(own, item)),
        _ => false,
    }
}

/// The item without its place in another document, so that it is written where it now belongs.
fn unplaced(item: &Item) -> Item {
    fn forget(table: &mut Table) {
        table.set_position(None);
        for (_, item) in table.iter_mut() {
            match item {
                Item::Table(table) => forget(table),
                Item::ArrayOfTables(array) => array.iter_mut().for_each(forget),
                _ => {}
            }
        }
    }
    let mut item = item.clone();
    if let Item::Table(table) = &mut item {
        forget(table);
    }
    item
}

/// The key and the item at a path.
fn find<'a>(table: &'a dyn TableLike, path: &[String]) -> Option<(&'a Key, &'a Item)> {
    let (last, above) = path.split_last()?;
    let mut table = table;
    for key in above {
        table = table.get(key)?.as_table_like()?;
    }
    Some((table.key(last)?, table.get(last)?))
}

/// Tells for every key and value of `merged` where it was written: in the first of `texts` that has it.
fn gather(merged: &dyn TableLike, texts: &[(&Arc<Source>, &dyn TableLike)], parts: &mut Vec<SourcePart>) {
    for (key, item) in merged.iter() {
        let here_key = merged.key(key).and_then(Key::span);
        let written = texts.iter().find_map(|(source, table)| Some((*source, table.key(key)?, table.get(key)?)));
        let Some((source, there_key, there)) = written else { continue };
        let mut note = |here: Option<std::ops::Range<usize>>, there: Option<std::ops::Range<usize>>| {
            if let (Some(here), Some(there)) = (here, there) {
                parts.push(SourcePart { here, source: source.clone(), there });
            }
        };
        note(here_key, there_key.span());
        note(item.span(), there.span());
        if let Item::Value(Value::Array(array)) = item
            && let Some(other) = there.as_array()
        {
            for (here, there) in array.iter().zip(other) {
                note(here.span(), there.span());
            }
        }
        if let Some(inner) = item.as_table_like() {
            // A number that was replaced has nothing of the lower one but its factors.
            let inside: Vec<(&Arc<Source>, &dyn TableLike)> =
                texts.iter().filter_map(|(source, table)| Some((*source, table.get(key)?.as_table_like()?))).collect();
            gather(inner, &inside, parts);
        }
    }
}
