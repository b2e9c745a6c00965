//! One error type that speaks to a biologist: which file, which line, what was written, what would be right.
//!
//! There is a single type because a wrong scenario, a wrong model file and a failed step end in the same place,
//! the terminal of somebody who does not write Rust.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// What every fallible function of the crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A text somebody wrote, and the short name it is known by in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Short relative path, or the name of an embedded file.
    pub name: String,
    /// The whole text, as read.
    pub text: String,
    /// Which parts of a composed text were written elsewhere.
    parts: Vec<SourcePart>,
}

/// A stretch of a composed text and the place where somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePart {
    /// Where it stands in the composed text.
    pub here: Range<usize>,
    /// The text it comes from.
    pub source: Arc<Source>,
    /// Where it stands there.
    pub there: Range<usize>,
}

impl Source {
    /// A named text, shareable by everything that was read from it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Self::composed(name, text, Vec::new())
    }

    /// A text put together from others. What is wrong in it is shown where it was written.
    pub fn composed(name: impl Into<String>, text: impl Into<String>, parts: Vec<SourcePart>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), parts })
    }

    /// The same text under another name.
    #[must_use]
    pub fn named(&self, name: &str) -> Arc<Self> {
        Self::composed(name, self.text.clone(), self.parts.clone())
    }

    /// The text and the place where `span` of this text was written: its own unless it was composed.
    pub fn origin(self: &Arc<Self>, span: Range<usize>) -> (Arc<Self>, Range<usize>) {
        let around = |part: &&SourcePart| part.here.start <= span.start && span.end <= part.here.end;
        let Some(part) = self.parts.iter().filter(around).min_by_key(|part| part.here.len()) else {
            return (self.clone(), span);
        };
        let there = if part.here.len() == part.there.len() {
            let shifted = |place: usize| place - part.here.start + part.there.start;
            shifted(span.start)..shifted(span.end)
        } else {
            part.there.clone()
        };
        part.source.origin(there)
    }

    /// An error that points at `span` of this text.
    pub fn refuse(self: &Arc<Self>, span: Range<usize>, message: impl Into<String>) -> Error {
        let source = Some(self.origin(span));
        Error::Input(Box::new(Complaint { source, message: message.into(), help: None, also: Vec::new() }))
    }
}

/// What is wrong with something a person wrote.
#[derive(Debug, Clone)]
pub struct Complaint {
    source: Option<(Arc<Source>, Range<usize>)>,
    message: String,
    help: Option<String>,
    /// What else is wrong there.
    also: Vec<Complaint>,
}

/// The most complaints that are shown together.
const TOGETHER: usize = 20;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// The input is wrong; nothing was run.
    Input(Box<Complaint>),
    /// The input was right, but the simulation could not be carried on: what happened, where and when.
    Simulation(String),
    /// A file could not be read or written.
    File {
        /// Which file, as a short relative path.
        path: PathBuf,
        /// What was being done to it, as in "write the table".
        action: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The user stopped the program.
    Interrupted,
}

impl Error {
    /// Wrong input that has no place in a file, as a wrong command-line value.
    pub fn input(message: impl Into<String>) -> Self {
        Self::Input(Box::new(Complaint { source: None, message: message.into(), help: None, also: Vec::new() }))
    }

    /// A simulation that cannot go on.
    pub fn simulation(message: impl Into<String>) -> Self {
        Self::Simulation(message.into())
    }

    /// A file that could not be read or written.
    pub fn file(path: impl Into<PathBuf>, action: impl Into<String>, cause: std::io::Error) -> Self {
        Self::File { path: path.into(), action: action.into(), cause }
    }

    /// All that is wrong as one error, or nothing if nothing is.
    ///
    /// # Errors
    /// The first, with the others behind it.
    pub fn all(errors: Vec<Self>) -> Result<()> {
        let mut errors = errors.into_iter();
        let Some(mut first) = errors.next() else { return Ok(()) };
        for other in errors {
            match (&mut first, other) {
                (Self::Input(first), Self::Input(mut other)) => {
                    let more = std::mem::take(&mut other.also);
                    first.also.push(*other);
                    first.also.extend(more);
                }
                (Self::Input(_), other) => return Err(other),
                _ => break,
            }
        }
        Err(first)
    }

    /// Adds what would be right. Leaves other kinds of error as they are.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        if let Self::Input(complaint) = &mut self {
            complaint.help = Some(text.into());
        }
        self
    }

    /// The same remedy for a complaint told in other words at another place, as when a change is the reason.
    #[must_use]
    pub fn retold(&self, source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
        let help = if let Self::Input(complaint) = self { complaint.help.clone() } else { None };
        Self::Input(Box::new(Complaint {
            source: Some(source.origin(span)),
            message: message.into(),
            help,
            also: Vec::new(),
        }))
    }

    /// Names the place of an error that had none, as when a value was parsed away from its file.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, span: Range<usize>) -> Self {
        if let Self::Input(complaint) = &mut self {
            complaint.source.get_or_insert_with(|| source.origin(span));
        }
        self
    }

    /// The exit code of the program: 1 the simulation failed, 2 the input is wrong, 130 interrupted.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Input(_) => 2,
            Self::Simulation(_) | Self::File { .. } => 1,
            Self::Interrupted => 130,
        }
    }

    /// The message without its snippet, on one line.
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Self::Input(complaint) => Cow::Borrowed(&complaint.message),
            Self::Simulation(message) => Cow::Borrowed(message),
            Self::File { path, action, cause } => Cow::Owned(format!("could not {action} {}: {cause}", path.display())),
            Self::Interrupted => Cow::Borrowed("interrupted"),
        }
    }

    /// The line (counted from 1) of the text the error points at, if it points at one.
    pub fn line(&self) -> Option<usize> {
        let Self::Input(complaint) = self else { return None };
        let (source, span) = complaint.source.as_ref()?;
        Some(1 + source.text.bytes().take(span.start).filter(|&byte| byte == b'\n').count())
    }

    /// The message as shown on a terminal, with colours if `coloured`.
    pub fn render(&self, coloured: bool) -> String {
        let Self::Input(complaint) = self else { return format!("error: {}", printable(&self.message())) };
        let mut all: Vec<String> = std::iter::once(&**complaint)
            .chain(&complaint.also)
            .take(TOGETHER)
            .map(|one| Self::render_one(one, coloured))
            .collect();
        let left = (1 + complaint.also.len()).saturating_sub(TOGETHER);
        if left > 0 {
            all.push(format!("and {left} more"));
        }
        all.join("\n\n")
    }

    fn render_one(complaint: &Complaint, coloured: bool) -> String {
        let title = printable(&complaint.message);
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let help = complaint.help.as_deref().map(printable);
        let mut group = Level::ERROR.primary_title(title.as_str()).elements(Vec::<annotate_snippets::Message>::new());
        let (text, name);
        if let Some((source, span)) = &complaint.source {
            // Escapes a stranger put into a file must not reach the terminal; the replacement keeps byte offsets.
            text = quiet(&source.text);
            name = printable(&source.name);
            let end = span.end.min(text.len());
            let start = span.start.min(end);
            group = group.element(
                Snippet::source(text.as_str()).path(name.as_str()).annotation(AnnotationKind::Primary.span(start..end)),
            );
        }
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Error {}

/// The text with signs spelt out that would act instead of being seen: escapes of a terminal, and marks that turn the direction
/// of what follows. Line ends and tabs stay.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if acts(letter) { out.extend(letter.escape_default()) } else { out.push(letter) }
    }
    out
}

/// Whether a sign acts instead of being seen.
fn acts(letter: char) -> bool {
    let turns =
        matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(letter, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    turns || breaks || (letter.is_control() && !matches!(letter, '\n' | '\t'))
}

/// The text with control characters (but line ends and tabs) replaced by as many bytes of filler.
fn quiet(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if acts(letter) && letter != '\r' {
            out.extend(std::iter::repeat_n('?', letter.len_utf8()));
        } else {
            out.push(letter);
        }
    }
    out
}

/// The entries that are right; what is wrong in the others goes to `wrong`.
pub fn gathered<K: std::hash::Hash + Eq, V>(
    entries: impl Iterator<Item = Result<(K, V)>>,
    wrong: &mut Vec<Error>,
) -> indexmap::IndexMap<K, V> {
    entries.filter_map(|entry| entry.map_err(|error| wrong.push(error)).ok()).collect()
}

/// The nearest of `known` to `name`, if any is near enough to be what was meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + name.len().max(candidate.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The help of a refused name: the nearest known one, else the known ones.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let mut names: Vec<&str> = known.into_iter().collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(20);
    names.truncate(20);
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match (list.is_empty(), more) {
        (true, _) => "there are none to choose from".into(),
        (false, 0) => format!("known: {list}"),
        (false, more) => format!("known: {list} and {more} more"),
    }
}

/// Reads a TOML text into `T`, turning serde's complaint into one that points at the line and, for an unknown key,
/// names the nearest known one.
///
/// # Errors
/// The text is not TOML, has an unknown key, lacks one, or has a value of another type.
pub fn read_toml<T: serde::de::DeserializeOwned>(source: &Arc<Source>) -> Result<T> {
    toml::from_str(&source.text).map_err(|error| in_words(source, &error, &|_| &[]))
}

/// As [`read_toml`], with further tables that stand beside those of `T`, each the default of its form where it is left out.
///
/// # Errors
/// As of [`read_toml`].
pub fn read_toml_beside<T, E>(source: &Arc<Source>, tables: &[&str]) -> Result<(T, Vec<E>)>
where
    T: serde::de::DeserializeOwned,
    E: serde::de::DeserializeOwned + Default,
{
    let mut all = toml::de::DeTable::parse(&source.text).map_err(|error| in_words(source, &error, &|_| &[]))?;
    let top: Vec<String> = all.get_ref().keys().map(|key| key.get_ref().to_string()).collect();
    let beside = |unknown: &str| if top.iter().any(|key| key == unknown) { tables } else { &[] };
    let wrong = |error: toml::de::Error| in_words(source, &error, &beside);
    let taken: Vec<_> = tables.iter().map(|table| all.get_mut().remove(*table)).collect();
    let own = T::deserialize(toml::de::Deserializer::from(all)).map_err(wrong)?;
    let form = |table: Option<_>| {
        table.map_or_else(
            || Ok(E::default()),
            |table| E::deserialize(toml::de::ValueDeserializer::from(table)).map_err(wrong),
        )
    };
    Ok((own, taken.into_iter().map(form).collect::<Result<_>>()?))
}

/// A complaint of the TOML reader; `beside` tells which keys are known beside those that it names, where a key is not.
fn in_words<'a>(source: &Arc<Source>, error: &toml::de::Error, beside: &dyn Fn(&str) -> &'a [&'a str]) -> Error {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().to_owned();
    let refused = source.refuse(span, message.trim_end().to_owned());
    let mut quoted = message.split('`').skip(1).step_by(2);
    let expects = message.contains("expected one of") || message.contains(", expected `");
    match (message.starts_with("unknown"), expects, quoted.next()) {
        (true, true, Some(unknown)) => {
            let known: Vec<&str> = quoted.chain(beside(unknown).iter().copied()).collect();
            let kind = if message.starts_with("unknown variant") { "value" } else { "key" };
            source
                .refuse(error.span().unwrap_or(0..0), format!("unknown {kind} `{unknown}`"))
                .help(suggestion(unknown, known))
        }
        _ => plainly(source, error.span().unwrap_or(0..0), message.trim_end()).unwrap_or(refused),
    }
}

/// What is wrong with a text that is no TOML, at a place of it.
pub fn grammar(source: &Arc<Source>, span: Range<usize>, message: &str) -> Error {
    plainly(source, span.clone(), message).unwrap_or_else(|| source.refuse(span, message.to_owned()))
}

/// A complaint of the TOML reader in the words of somebody who writes TOML, with what to write.
fn plainly(source: &Arc<Source>, span: Range<usize>, message: &str) -> Option<Error> {
    let written = source.text.get(span.clone()).unwrap_or("").trim();
    let short = written.len() <= 60 && !written.contains('\n');
    if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        let help = match name {
            "evidence" => "add evidence = \"measured\", \"derived\", \"tuned\" or \"assumed\"".to_owned(),
            "source" => "add source = \"…\" that says where this is from; for an assumption, why this value".to_owned(),
            "name" => "add name = \"…\" at the top".to_owned(),
            name => format!("add {name} = …"),
        };
        return Some(source.refuse(span, format!("`{name}` is missing here")).help(help));
    }
    if let Some((found, wanted)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        let found = match found.split([' ', '`']).next().unwrap_or("") {
            "integer" | "floating" => "a number",
            "string" => "a text",
            "boolean" => "true or false",
            "sequence" => "a list",
            "map" => "a table",
            _ => "this",
        };
        let (needed, help) = match wanted {
            "struct ConstantForm" | "struct WrittenNumber" if short && !written.is_empty() => (
                "a number with its source",
                format!("write {{ value = {written}, evidence = \"assumed\", source = \"…\" }}"),
            ),
            "a string" if short => ("a text", format!("write \"{}\"", written.trim_matches('"'))),
            "a sequence" if short => ("a list", format!("write [{written}]")),
            "a boolean" => ("true or false", "write true or false, without quotes".to_owned()),
            "a string" => ("a text", "write it between quotes".to_owned()),
            "a sequence" => ("a list", "write it between [ and ]".to_owned()),
            wanted if wanted.starts_with("struct ") || wanted == "a map" => {
                ("a table", "write { key = value }, or its keys below a header between [ and ]".to_owned())
            }
            wanted if ["u8", "u32", "u64", "usize", "i32", "i64", "an integer"].contains(&wanted) => {
                ("a whole number", "write digits, without quotes".to_owned())
            }
            "f64" | "f32" | "a float" => ("a number", "write digits, without quotes".to_owned()),
            wanted if wanted.starts_with("an array of length") => ("a list", format!("write {}", &wanted[3..])),
            wanted => (wanted, String::new()),
        };
        let error = source.refuse(span, format!("{needed} is needed here, not {found}"));
        return Some(if help.is_empty() { error } else { error.help(help) });
    }
    if let Some((found, wanted)) =
        message.strip_prefix("invalid length ").and_then(|rest| rest.split_once(", expected "))
    {
        let count = wanted.rsplit(' ').next().unwrap_or("");
        return Some(source.refuse(span, format!("a list of {count} values is needed here, not of {found}")));
    }
    // A decimal comma ends the value, and what follows makes no sense.
    let before = source.text.get(..span.start)?;
    let rest = source.text.get(span.start..)?;
    let more = rest.strip_prefix(',').filter(|more| more.starts_with(|c: char| c.is_ascii_digit()));
    if let (Some(more), true) = (more, before.ends_with(|c: char| c.is_ascii_digit())) {
        let whole = &before[before.rfind(|c: char| !c.is_ascii_digit() && c != '-').map_or(0, |at| at + 1)..];
        let places = &more[..more.find(|c: char| !c.is_ascii_digit()).unwrap_or(more.len())];
        return Some(
            source.refuse(span, "a decimal number is written with a point").help(format!("write {whole}.{places}")),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_file_line_and_remedy() {
        let source = Source::new("skin.toml", "a = 1\nlenth = \"1 mm\"\n");
        let error = source.refuse(6..11, "unknown key `lenth`").help(suggestion("lenth", ["length", "speed"]));
        let shown = error.to_string();
        assert_eq!(error.line(), Some(2));
        assert!(shown.contains("skin.toml:2:1") && shown.contains("did you mean `length`?"), "{shown}");
    }

    #[test]
    fn escapes_in_a_file_do_not_reach_the_terminal() {
        let source = Source::new("x.toml", "\u{1b}[31m = 1");
        let shown = source.refuse(0..1, "unknown key `\u{1b}[31m`").to_string();
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Small {
            #[allow(dead_code)]
            length: f64,
        }
        let source = Source::new("x.toml", "lenght = 1.0\n");
        let error = read_toml::<Small>(&source).unwrap_err();
        assert!(error.to_string().contains("unknown key `lenght`"), "{error}");
        assert_eq!(error.line(), Some(1));
    }
}
