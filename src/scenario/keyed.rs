//! The tables of a scenario whose keys are paths: `[set]`, `[sweep]` and `[expect]`.
//!
//! A path may be one quoted key, `"needling.length" = …`, or be typed as TOML's own dotted key, which makes nested tables.
//! Both are read alike.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use toml_edit::{Document, DocumentMut, Item, TableLike, Value};

use crate::base::error::{Result, Source, grammar};
use crate::scenario::change::path;

/// A path, its value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct KeyedEntry {
    pub path: Vec<String>,
    pub value: Value,
    pub span: Range<usize>,
}

/// The entries of one table of a scenario. A table is a value of its own if `leaf` says so.
pub(super) fn entries(source: &Arc<Source>, name: &str, leaf: fn(&dyn TableLike) -> bool) -> Result<Vec<KeyedEntry>> {
    let document = parse(source)?;
    let mut found = Vec::new();
    if let Some(table) = document.get(name).and_then(Item::as_table_like) {
        collect(source, table, &[], leaf, &mut found)?;
    }
    Ok(found)
}

/// The scenario as a document that can be changed.
pub(super) fn document(source: &Arc<Source>) -> Result<DocumentMut> {
    parse(source).map(Document::into_mut)
}

/// Where each table and value of a text stands, by its dotted key.
pub(super) fn places(source: &Arc<Source>) -> Result<HashMap<String, Range<usize>>> {
    fn collect(table: &dyn TableLike, above: &str, found: &mut HashMap<String, Range<usize>>) {
        for (key, item) in table.iter() {
            let path = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
            if let Some(span) = table.key(key).and_then(toml_edit::Key::span).or(item.span()) {
                found.insert(path.clone(), span);
            }
            if let Some(inner) = item.as_table_like() {
                collect(inner, &path, found);
            }
        }
    }
    let mut found = HashMap::new();
    collect(parse(source)?.as_table(), "", &mut found);
    Ok(found)
}

fn parse(source: &Arc<Source>) -> Result<Document<String>> {
    Document::parse(source.text.clone())
        .map_err(|error| grammar(source, error.span().unwrap_or(0..0), error.message().trim_end()))
}

fn collect(
    source: &Arc<Source>,
    table: &dyn TableLike,
    above: &[String],
    leaf: fn(&dyn TableLike) -> bool,
    found: &mut Vec<KeyedEntry>,
) -> Result<()> {
    for (key, item) in table.iter() {
        let span = table.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
        let whole = span.start..item.span().map_or(span.end, |value| value.end.max(span.end));
        let mut parts = above.to_vec();
        parts.extend(path(key).map_err(|error| error.at(source, span.clone()))?);
        match item.as_table_like() {
            Some(inner) if !leaf(inner) => collect(source, inner, &parts, leaf, found)?,
            _ => {
                let Some(value) = item.clone().into_value().ok() else {
                    return Err(source.refuse(whole, format!("`{}` is not a value", parts.join("."))));
                };
                found.push(KeyedEntry { path: parts, value, span: whole });
            }
        }
    }
    Ok(())
}
