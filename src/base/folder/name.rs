//! Names that become names of files: they are names, not paths, on every system.

use std::collections::HashMap;
use std::sync::Arc;

use serde_spanned::Spanned;

use crate::base::error::{Result, Source, printable};

/// The longest name in bytes.
const LONGEST: usize = 100;
/// Names that Windows keeps for devices, with or without an ending.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Why a text is no name; `None` if it is one.
fn fault(name: &str) -> Option<String> {
    let odd = |letter: &char| !(letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '+'));
    let stem = name.split('.').next().unwrap_or(name).to_lowercase();
    let numbered = ["com", "lpt"].iter().any(|port| stem.strip_prefix(port).is_some_and(|rest| rest.len() == 1));
    if name.is_empty() {
        Some("is empty".into())
    } else if name.len() > LONGEST {
        Some(format!("is longer than {LONGEST} bytes"))
    } else if let Some(letter) = name.chars().find(odd) {
        Some(format!("has `{}` in it", printable(&letter.to_string())))
    } else if name.starts_with(['.', '-', '+']) || name.ends_with('.') {
        Some("begins or ends with a sign".into())
    } else if DEVICES.contains(&stem.as_str()) || numbered {
        Some("is kept for a device on Windows".into())
    } else {
        None
    }
}

/// Whether the texts are names, and tell apart what they name on every disk.
///
/// # Errors
/// One is no name, or two differ in nothing but capitals.
pub fn names<'a>(source: &Arc<Source>, what: &str, names: impl IntoIterator<Item = &'a Spanned<String>>) -> Result<()> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for name in names {
        let text = name.get_ref().as_str();
        if let Some(fault) = fault(text) {
            return Err(source
                .refuse(name.span(), format!("`{text}` is no name for {what}: it {fault}"))
                .help("use letters, digits, _ and -; a name becomes the name of a folder"));
        }
        if let Some(other) = seen.insert(text.to_lowercase(), text) {
            return Err(source
                .refuse(name.span(), format!("`{other}` and `{text}` are one name on many disks"))
                .help("call one of them otherwise"));
        }
    }
    Ok(())
}

/// Names of files for some texts, one each: the texts themselves where they are plain, else spelt with plain letters; a number
/// tells apart what would be one file on some disk. `taken` are names that are in use.
pub fn distinct<'a>(texts: impl IntoIterator<Item = &'a str>, taken: &[&str]) -> Vec<String> {
    let texts: Vec<&str> = texts.into_iter().collect();
    let mut used: Vec<String> = taken.iter().map(|name| name.to_lowercase()).collect();
    let mut names = vec![String::new(); texts.len()];
    // What is plain keeps its name, whoever comes first.
    for plain in [true, false] {
        for (index, text) in texts.iter().enumerate() {
            let spelt = spelt(text);
            let own = spelt == **text && !used.contains(&spelt.to_lowercase());
            if names[index].is_empty() && (own || !plain) {
                let numbered = |count: usize| if count == 1 { spelt.clone() } else { format!("{spelt}_{count}") };
                let name = (1..).map(numbered).find(|name| !used.contains(&name.to_lowercase())).unwrap_or_default();
                used.push(name.to_lowercase());
                names[index] = name;
            }
        }
    }
    names
}

/// A text in plain letters: others become their numbers, as `u3b1` for α.
fn spelt(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '_' | '-' => out.push(letter),
            '.' if !out.is_empty() => out.push('.'),
            letter if letter.is_ascii_alphanumeric() => out.push(letter),
            letter => out.push_str(&format!("u{:x}", u32::from(letter))),
        }
    }
    match fault(&out) {
        None => out,
        Some(_) => format!("n_{}", out.chars().take(LONGEST - 10).collect::<String>().trim_end_matches('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_what_no_disk_takes_are_no_names() {
        for name in [
            "",
            "a/b",
            "..",
            "../../victim",
            ".hidden",
            "-rf",
            "a\\b",
            "c:",
            "nul",
            "COM1.txt",
            "a.",
            "a b",
            "\u{1b}[2J",
            "a\u{202e}b",
            "javascript:x",
        ] {
            assert!(fault(name).is_some(), "{name}");
        }
        assert!(fault(&"x".repeat(101)).is_some());
        for name in ["C15", "long_fresh", "Réglage", "1.5mm", "company"] {
            assert_eq!(fault(name), None, "{name}");
        }
    }

    #[test]
    fn every_text_gets_a_file_of_its_own() {
        let names =
            distinct(["α", "β", "x", "x_field", "X", "u3b1", "time", "a b", "a/b", "..", "time_2"], &["time", "x"]);
        let mut lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        lower.sort();
        lower.dedup();
        assert_eq!(lower.len(), names.len(), "{names:?}");
        assert!(names.iter().all(|name| fault(name).is_none()), "{names:?}");
        assert_eq!((names[3].as_str(), names[5].as_str(), names[10].as_str()), ("x_field", "u3b1", "time_2"));
    }
}
