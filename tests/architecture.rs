//! The shape of the house: a module uses only those above it in `lib.rs`.

use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            found.push(entry);
        }
    }
    found
}

/// Every `crate::name` in a text, without its comments.
fn used(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let after = code.split("crate::").skip(1);
    after.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn only_one_room_moves_and_removes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let words = ["remove_dir", "remove_file", "fs::rename", "hard_link", "fs::copy", "write_folder"];
    let mut found = Vec::new();
    for file in rust_files(&root) {
        let inside = file.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).expect("a file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if !inside.starts_with("folder/") {
            found.extend(words.iter().filter(|word| code.contains(**word)).map(|word| format!("{inside}: {word}")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn modules_look_only_downhill() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let library = fs::read_to_string(root.join("lib.rs")).expect("lib.rs");
    let modules: Vec<&str> =
        library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(modules.len() > 12, "{modules:?}");
    let mut uphill = Vec::new();
    for file in rust_files(&root) {
        let inside = file.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
        let own = inside.split('/').next().expect("a name").trim_end_matches(".rs").to_owned();
        let Some(level) = modules.iter().position(|module| *module == own) else { continue };
        let text = fs::read_to_string(&file).expect("a file");
        for name in used(&text) {
            if modules.iter().position(|module| *module == name).is_some_and(|other| other > level) {
                uphill.push(format!("{inside} uses {name}"));
            }
        }
    }
    assert!(uphill.is_empty(), "{uphill:#?}");
}
