//! The answer in words: a template that is filled with what came out.
//!
//! | in the template | is |
//! |---|---|
//! | `NAME.value`, `.low`, `.middle`, `.high` | a reading as the file has it, and the 10, 50 and 90 % quantiles of the samples, in its unit |
//! | `NAME.text` | the value with its unit: "12 %"; "never" if infinite |
//! | `NAME.band` | the quantiles: "8 to 15 %" |
//! | `NAME.told` | both: "12 % (8 to 15 %)" |
//! | `part.NAME.holds`, `.held`, `.of` | whether a part holds as written; in how many of how many samples |
//! | `held`, `samples` | in how many samples the whole claim holds, of how many |
//!
//! Beside names a template has conditions (`if`, `elif`, `else`, `endif`), comparisons and numbers; no loops, filters or macros.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::{Map, Value, json};
use serde_spanned::Spanned;

use crate::base::error::{Error, Result, Source, suggestion};
use crate::study::claims::decided::{Decided, ReadingSpread, band, told};

/// What a template may ask of a reading.
const OF_READING: [&str; 7] = ["value", "low", "middle", "high", "text", "band", "told"];
/// What it may ask of a part.
const OF_PART: [&str; 3] = ["holds", "held", "of"];

/// Work that filling a template may cost.
const FUEL: u64 = 100_000;

/// Nothing but names, conditions and numbers: a claim may come from anybody, so there is nothing in it that loops, grows or calls.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment
}

/// What keeps a template from being plain: a tag other than a condition, or an operator that makes texts longer.
fn beyond_conditions(template: &str) -> Option<String> {
    let mut rest = template;
    while let Some(start) = rest.find("{") {
        rest = &rest[start + 1..];
        let (close, tag) = match rest.chars().next() {
            Some('{') => ("}}", false),
            Some('%') => ("%}", true),
            Some('#') => {
                rest = rest.split_once("#}").map_or("", |(_, rest)| rest);
                continue;
            }
            _ => continue,
        };
        let inside = rest[1..].trim_start_matches(['-', '+']);
        if tag {
            let word = inside.trim_start();
            let word =
                &word[..word.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(word.len())];
            if !["if", "elif", "else", "endif"].contains(&word) {
                return Some(format!("`{word}`"));
            }
        }
        let mut quote = None;
        let mut letters = inside.char_indices();
        while let Some((index, letter)) = letters.next() {
            match (quote, letter) {
                (Some(_), '\\') => drop(letters.next()),
                (Some(open), letter) if open == letter => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(letter),
                (None, '|' | '*' | '~' | '[') => return Some(format!("`{letter}`")),
                (None, _) if inside[index..].starts_with(close) => {
                    rest = &inside[index..];
                    break;
                }
                (None, _) => {}
            }
        }
    }
    None
}

/// Whether a template is sound and speaks of nothing but readings and parts. Of a reading its name and what is written behind its
/// number are told, of a part its name.
pub(super) fn check(
    source: &Arc<Source>,
    template: &Spanned<String>,
    readings: &[(&str, &str)],
    parts: &[&str],
) -> Result<()> {
    let refuse = |message: String| source.refuse(template.span(), message);
    let environment = environment();
    let parsed = environment.template_from_str(template.get_ref()).map_err(|error| {
        let line = error.line().map_or(String::new(), |line| format!(" in its line {line}"));
        let detail = error.detail().unwrap_or("it cannot be read");
        refuse(format!("the answer is no template{line}: {detail}"))
    })?;
    if let Some(word) = beyond_conditions(template.get_ref()) {
        return Err(refuse(format!("the answer may not use {word}: it words what was read, and does nothing else"))
            .help("use {{ NAME.told }} and {% if … %}, {% elif … %}, {% else %}, {% endif %}; compute under [claim.reading.NAME]"));
    }
    for path in parsed.undeclared_variables(true) {
        let words: Vec<&str> = path.split('.').collect();
        let (known, word): (BTreeSet<&str>, &str) = match words[..] {
            ["samples" | "held"] => continue,
            ["part", name] | ["part", name, _] if !parts.contains(&name) => (parts.iter().copied().collect(), name),
            ["part", _, own] if !OF_PART.contains(&own) => (OF_PART.into(), own),
            ["part", _, _] => continue,
            [name, ..] if !readings.iter().any(|(own, _)| *own == name) => {
                (readings.iter().map(|(own, _)| *own).collect(), name)
            }
            [_, own] if OF_READING.contains(&own) => continue,
            [_, own, ..] => (OF_READING.into(), own),
            [name] => {
                return Err(refuse(format!("the answer uses `{name}` without saying which number of it"))
                    .help(format!("write {name}.told, or one of {}", OF_READING.join(", "))));
            }
            [] => continue,
        };
        return Err(refuse(format!("the answer speaks of `{path}`, and nothing here is called `{word}`"))
            .help(suggestion(word, known)));
    }
    // What fails when it is filled fails now, and not when all runs are done.
    for holds in [true, false] {
        let bands: Vec<ReadingSpread> = readings.iter().map(|own| unread(*own)).collect();
        let decided = parts.iter().map(|own| Decided {
            name: (*own).to_owned(),
            what: String::new(),
            formula: String::new(),
            outside: None,
            holds,
            held: usize::from(holds),
            of: 1,
        });
        render("this claim", template.get_ref(), &bands, &decided.collect::<Vec<_>>(), 1, 1)
            .map_err(|error| refuse(error.message().into_owned()))?;
    }
    Ok(())
}

/// A reading before anything was read: it is one.
fn unread((name, shown): (&str, &str)) -> ReadingSpread {
    ReadingSpread {
        name: name.to_owned(),
        what: String::new(),
        formula: String::new(),
        unit: String::new(),
        shown: shown.to_owned(),
        value: 1.0,
        low: 1.0,
        middle: 1.0,
        high: 1.0,
    }
}

/// What a name in a template stands for.
#[derive(Serialize)]
#[serde(untagged)]
enum Spoken {
    Reading { value: f64, low: f64, middle: f64, high: f64, text: String, band: String, told: String },
    Parts(Map<String, Value>),
    Count(usize),
}

/// Fills the template of an answer.
///
/// # Errors
/// It asks for what is not there.
pub(super) fn render(
    name: &str,
    template: &str,
    bands: &[ReadingSpread],
    parts: &[Decided],
    held: usize,
    samples: usize,
) -> Result<String> {
    let mut context: IndexMap<&str, Spoken> = IndexMap::new();
    for own in bands {
        let (text, band) = (told(own.value, &own.shown), band(own.low, own.high, &own.shown));
        let both = if band.is_empty() { text.clone() } else { format!("{text} ({band})") };
        let ReadingSpread { value, low, middle, high, .. } = *own;
        context.insert(&own.name, Spoken::Reading { value, low, middle, high, text, band, told: both });
    }
    let of_parts =
        parts.iter().map(|part| (part.name.clone(), json!({ "holds": part.holds, "held": part.held, "of": part.of })));
    context.insert("part", Spoken::Parts(of_parts.collect()));
    context.insert("held", Spoken::Count(held));
    context.insert("samples", Spoken::Count(samples));
    let environment = environment();
    let filled = environment
        .template_from_str(template)
        .and_then(|template| template.render(minijinja::value::Serde(&context)))
        .map_err(|error| Error::simulation(format!("the answer of {name} cannot be worded: {error}")))?;
    Ok(filled.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The first sentence of an answer.
pub fn first_sentence(answer: &str) -> &str {
    let end = answer.match_indices(". ").map(|(index, _)| index + 1);
    let whole = |index: &usize| answer[*index..].trim_start().starts_with(|letter: char| letter.is_uppercase());
    &answer[..end.into_iter().find(whole).unwrap_or(answer.len())]
}
