//! The shape of the house: rooms in one order, no circles between the files of a room, an engine that knows no skin, one place
//! that moves and removes files, and one meaning for the name of a type.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the ground up, as in `lib.rs`.
fn rooms() -> Vec<String> {
    let library = fs::read_to_string(root().join("lib.rs")).expect("lib.rs");
    let rooms = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    rooms.map(str::to_owned).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// The text of a file without its tests: items behind `#[cfg(test)]` at the start of a line, wherever they stand.
fn without_tests(text: &str) -> String {
    let mut lines = text.lines();
    let mut kept = Vec::new();
    while let Some(line) = lines.next() {
        if line != "#[cfg(test)]" {
            kept.push(line);
        } else if lines.next().is_some_and(|item| item.ends_with('{')) {
            lines.by_ref().find(|line| *line == "}");
        }
    }
    kept.join("\n")
}

/// A module: its path from the crate's root.
type Module = Vec<String>;

/// Every source file with its module and its code, comments and tests left out.
fn modules() -> BTreeMap<Module, (String, String)> {
    let one = |file: PathBuf| {
        let inside = file.strip_prefix(root()).expect("below src").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).expect("a file");
        let code = without_tests(&text);
        let code: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        let mut module: Module = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        (module, (inside, code.join("\n")))
    };
    rust_files(&root()).into_iter().filter(|file| !file.ends_with("main.rs")).map(one).collect()
}

/// The paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn leaves(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for letter in rest.trim_end().trim_end_matches('}').chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("one at least").push(letter);
    }
    let full = parts.iter().filter(|part| !part.trim().is_empty());
    full.flat_map(|part| leaves(part)).map(|leaf| format!("{}{leaf}", head.trim())).collect()
}

/// The trees of the `use` items of some code: whether each is public, and what it says.
fn items(code: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let (before, after) = rest.split_at(at);
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
        let end = after.find(';').unwrap_or(after.len());
        if line.is_empty() || line.starts_with("pub") {
            found.push((!line.is_empty(), after[4..end].split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        rest = &after[end..];
    }
    found
}

/// Every path that some code names: those of its `use` items, and those written out that begin at the root or above.
fn named(code: &str) -> Vec<String> {
    let mut found: Vec<String> = items(code).iter().flat_map(|(_, tree)| leaves(tree)).collect();
    for word in ["crate::", "super::"] {
        for (at, _) in code.match_indices(word) {
            let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            if !code[..at].ends_with(is_path) {
                found.push(code[at..].chars().take_while(|c| is_path(*c)).collect());
            }
        }
    }
    found
}

struct House {
    modules: BTreeMap<Module, (String, String)>,
}

impl House {
    /// The module that defines what a module calls by this path; through what a `mod.rs` hands on.
    fn defines(&self, from: &Module, path: &str) -> Option<Module> {
        let mut words: Vec<&str> = path.split("::").filter(|word| !word.is_empty() && *word != "self").collect();
        let mut at: Module = match words.first().copied() {
            Some("crate") => {
                words.remove(0);
                Vec::new()
            }
            _ => from.clone(),
        };
        while words.first() == Some(&"super") {
            at.pop();
            words.remove(0);
        }
        if at == *from && words.first().is_none_or(|word| self.below(&at, word).is_none()) {
            return None;
        }
        while let Some(next) = words.first().and_then(|word| self.below(&at, word)) {
            at = next;
            words.remove(0);
        }
        if let Some(word) = words.first()
            && let Some((_, code)) = self.modules.get(&at)
        {
            let handed = items(code).into_iter().filter(|(public, _)| *public).flat_map(|(_, tree)| leaves(&tree));
            let mut own = handed.filter(|leaf| leaf.rsplit("::").next() == Some(word) && leaf.contains("::"));
            if let Some(origin) = own.next().and_then(|leaf| self.defines(&at, &leaf)) {
                return Some(origin);
            }
        }
        Some(at)
    }

    fn below(&self, at: &Module, word: &str) -> Option<Module> {
        let below: Module = at.iter().cloned().chain([word.to_owned()]).collect();
        self.modules.contains_key(&below).then_some(below)
    }

    /// Which modules each one names; a `mod.rs` is the face of its folder and stands for no file.
    fn arrows(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let is_file = |module: &Module| {
            self.modules.get(module).is_some_and(|(file, _)| !file.ends_with("mod.rs") && !file.ends_with("lib.rs"))
        };
        let own = self.modules.iter().filter(|(module, _)| is_file(module));
        own.map(|(module, (_, code))| {
            let all = named(code).into_iter().filter_map(|path| self.defines(module, &path));
            (module.clone(), all.filter(|other| other != module && is_file(other)).collect())
        })
        .collect()
    }
}

/// Whether one can walk along arrows from a module to another, and how.
fn walk(arrows: &BTreeMap<Module, BTreeSet<Module>>, from: &Module, to: &Module) -> Option<Vec<Module>> {
    let mut ways: Vec<Vec<Module>> = vec![vec![from.clone()]];
    let mut seen = BTreeSet::from([from.clone()]);
    while let Some(way) = ways.pop() {
        for next in arrows.get(&way[way.len() - 1]).into_iter().flatten() {
            if next == to {
                return Some([way, vec![to.clone()]].concat());
            }
            if seen.insert(next.clone()) {
                ways.push([way.clone(), vec![next.clone()]].concat());
            }
        }
    }
    None
}

#[test]
fn rooms_look_only_downhill() {
    let rooms = rooms();
    assert_eq!(rooms, ["base", "engine", "skin", "scenario", "run", "study", "present", "cli"]);
    let mut uphill = Vec::new();
    for (module, (file, code)) in modules() {
        let Some(level) = module.first().and_then(|own| rooms.iter().position(|room| room == own)) else { continue };
        for path in named(&code) {
            let other = path.strip_prefix("crate::").and_then(|path| path.split("::").next());
            if rooms.iter().position(|room| Some(room.as_str()) == other).is_some_and(|other| other > level) {
                uphill.push(format!("{file} uses {path}"));
            }
        }
    }
    assert!(uphill.is_empty(), "{uphill:#?}");
}

#[test]
fn the_files_of_a_room_stand_in_no_circle() {
    let arrows = House { modules: modules() }.arrows();
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > 300, "few arrows: are imports read?");
    let mut circles = BTreeSet::new();
    for module in arrows.keys() {
        if let Some(way) = walk(&arrows, module, module) {
            let mut sorted = way.clone();
            sorted.sort();
            sorted.dedup();
            let names: Vec<String> = way.iter().map(|module| module.join("::")).collect();
            circles.insert((sorted, names.join(" -> ")));
        }
    }
    let told: BTreeMap<_, _> = circles.into_iter().collect();
    assert!(told.is_empty(), "{:#?}", told.values().collect::<Vec<_>>());
}

/// Any reaction–drift–diffusion system in layers is solved there; what is done to it, and to what, is the host's to say.
#[test]
fn the_engine_knows_no_skin() {
    let words = ["needl", "session", "tissue", "skin", "punctur", "hole", "derm", "wound", "blood", "pain"];
    let mut found = Vec::new();
    for file in rust_files(&root().join("engine")) {
        let text = fs::read_to_string(&file).expect("a file");
        let code = without_tests(&text).to_lowercase();
        for (number, line) in code.lines().enumerate() {
            // The whole is no hole, asking no skin, and the program is called as it is.
            let line = line.replace("whole", "").replace("dermasim", "").replace("asking", "");
            found.extend(words.iter().filter(|word| line.contains(**word)).map(|word| {
                format!("{}:{}: {word}", file.strip_prefix(root()).expect("below src").display(), number + 1)
            }));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Files that may say `unsafe`; the crate denies it everywhere else. Shorter is better.
const UNSAFE: [&str; 19] = [
    "base/memory.rs",
    "base/processor.rs",
    "engine/language/bound.rs",
    "engine/language/kernel.rs",
    "engine/language/native.rs",
    "engine/language/translate.rs",
    "engine/stepper/implicit.rs",
    "engine/stepper/line.rs",
    "engine/stepper/mod.rs",
    "engine/stepper/modes.rs",
    "engine/stepper/quasi.rs",
    "engine/stepper/shared.rs",
    "engine/stepper/sparse.rs",
    "engine/stepper/sweep.rs",
    "engine/stepper/system/part.rs",
    "engine/stepper/system.rs",
    "engine/stepper/wavefront.rs",
    "study/bench/kinetics.rs",
    "study/bench/machine.rs",
];

#[test]
fn only_these_files_are_unsafe() {
    let allowing = |file: &PathBuf| fs::read_to_string(file).expect("a file").contains("(unsafe_code");
    let own = |file: PathBuf| file.strip_prefix(root()).expect("below src").to_string_lossy().replace('\\', "/");
    let found: Vec<String> = rust_files(&root()).into_iter().filter(allowing).map(own).collect();
    assert_eq!(found, UNSAFE);
}

#[test]
fn every_room_says_what_it_is() {
    for room in rooms() {
        let text = fs::read_to_string(root().join(&room).join("mod.rs")).expect("each room has a mod.rs");
        let page = text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!(page >= 5, "{room}/mod.rs says hardly what it is for, its words, and what it may use");
    }
}

#[test]
fn only_one_place_moves_and_removes() {
    let words = ["remove_dir", "remove_file", "fs::rename", "hard_link", "fs::copy", "write_folder"];
    let mut found = Vec::new();
    for file in rust_files(&root()) {
        let inside = file.strip_prefix(root()).expect("below src").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).expect("a file");
        let code = without_tests(&text);
        if !inside.starts_with("base/folder/") {
            found.extend(words.iter().filter(|word| code.contains(**word)).map(|word| format!("{inside}: {word}")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The type that a line declares: at the start of a line, or by `table!` as "Name from WrittenName {".
fn declared(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let name = match words[..] {
        [name, "from", written, "{"] if written.starts_with("Written") => name,
        _ if line.starts_with(char::is_whitespace) => return None,
        [word, "struct" | "enum" | "trait" | "type", name, ..] if word.starts_with("pub") => name,
        ["struct" | "enum" | "trait" | "type", name, ..] => name,
        _ => return None,
    };
    let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
    Some(&name[..end]).filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// Who meets a name should not have to ask which of several it is.
#[test]
fn a_type_name_has_one_meaning() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in rust_files(&root()) {
        let inside = file.strip_prefix(root()).expect("below src").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).expect("a file");
        // What stands inside a module of tests is indented, and so not counted.
        for name in text.lines().filter(|_| !inside.ends_with("tests.rs")).filter_map(declared) {
            places.entry(name.to_owned()).or_default().push(inside.clone());
        }
    }
    assert!(places.len() > 500, "few types: are declarations read?");
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "these names are declared more than once: {places:#?}");
}
