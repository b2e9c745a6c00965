//! The list of files in a `manifest.json`: what this program wrote, to be told from what others wrote or changed.
//!
//! ```json
//! { "program": "dermasim", "kind": "run", "run": { "name": "cheek", … }, "settings": "HASH of what was asked", …,
//!   "files": { "timecourse.csv": { "blake3": "…", "bytes": 1234 }, … },
//!   "answers": ["runs/1-length-0.5mm", …],
//!   "manifest_blake3": "HASH of this text without this line" }
//! ```
//!
//! `answers` are folders inside that are answers with a list of their own. A folder inside that is not named there is the
//! user's, even if it holds an answer: somebody may have copied one there.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{DRAFT, Identity, file, short};
use crate::base::error::{Error, Result};

/// The file that makes a folder an answer.
pub const MANIFEST: &str = "manifest.json";
/// The key of its own hash.
const OWN_HASH: &str = "manifest_blake3";

/// A file as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    blake3: String,
    bytes: u64,
}

/// What is known of a path inside an answer.
#[derive(Debug, Clone)]
pub(super) enum KnownPath {
    /// A file of this size and hash.
    File(Listed),
    /// A manifest that vouches for itself.
    Manifest,
}

impl Listed {
    fn of(path: &Path) -> io::Result<Self> {
        let mut hash = blake3::Hasher::new();
        let bytes = io::copy(&mut File::open(path)?, &mut hash)?;
        Ok(Self { blake3: hash.finalize().to_hex().to_string(), bytes })
    }
}

impl KnownPath {
    /// Whether the file is there as it was written.
    pub(super) fn is(&self, path: &Path) -> bool {
        let Ok(found) = path.symlink_metadata() else { return false };
        match self {
            Self::File(listed) => {
                found.is_file() && found.len() == listed.bytes && Listed::of(path).is_ok_and(|own| own == *listed)
            }
            Self::Manifest => found.is_file() && read(path).is_some_and(|(_, sound)| sound),
        }
    }
}

/// An answer of this program, as its manifest tells.
#[derive(Debug)]
pub struct AnswerFolder {
    root: PathBuf,
    about: Value,
    files: BTreeMap<String, Listed>,
    answers: Vec<String>,
    /// Whether the manifest is as it was written.
    sound: bool,
}

impl AnswerFolder {
    /// The answer in a folder, if there is one with a list of its files.
    pub fn open(folder: &Path) -> Option<Self> {
        let (about, sound) = read(&folder.join(MANIFEST))?;
        if about["program"] != "dermasim" {
            return None;
        }
        let files = serde_json::from_value(about["files"].clone()).ok()?;
        let answers = serde_json::from_value(about["answers"].clone()).unwrap_or_default();
        Some(Self { root: folder.to_path_buf(), about, files, answers, sound })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the manifest says.
    pub fn about(&self) -> &Value {
        &self.about
    }

    /// What the manifest says beside the list, to be said again.
    pub fn retold(&self) -> Map<String, Value> {
        let mut about = self.about.as_object().cloned().unwrap_or_default();
        for own in ["files", "answers", OWN_HASH] {
            about.shift_remove(own);
        }
        about
    }

    /// Kind, name and settings.
    pub fn identity(&self) -> (String, String, String) {
        let text = |value: &'_ Value| value.as_str().map(str::to_owned).unwrap_or_default();
        (text(&self.about["kind"]), text(&self.about["run"]["name"]), text(&self.about["settings"]))
    }

    /// Whether a file belongs to the answer.
    pub fn holds(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Whether anything below a folder belongs to the answer.
    pub fn holds_below(&self, folder: &str) -> bool {
        self.files.keys().any(|path| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Whether every file is there as it was written.
    pub fn is_whole(&self) -> bool {
        self.verify(|_| true).is_ok()
    }

    /// Whether every file is there, changed or not: nobody began to remove it.
    pub(super) fn has_all(&self) -> bool {
        let there = |path: &str| self.root.join(path).symlink_metadata().is_ok();
        let inside = |path: &String| Self::open(&self.root.join(path)).is_some_and(|own| own.has_all());
        self.files.keys().all(|path| there(path)) && self.answers.iter().all(inside)
    }

    /// Looks whether the files that are wanted are there as they were written. What was changed by hand was not computed.
    ///
    /// # Errors
    /// One is missing or was changed.
    pub fn verify(&self, wanted: impl Fn(&str) -> bool + Sync) -> Result<()> {
        let refuse = |path: &str, what: &str| {
            Error::input(format!("`{}` {what}, so it is not taken for computed", short(&self.root.join(path))))
                .help("run the scenario again; a changed file is kept beside the new one")
        };
        if !self.sound {
            return Err(refuse(MANIFEST, "was changed after it was written"));
        }
        self.files.par_iter().filter(|(path, _)| wanted(path)).try_for_each(|(path, listed)| {
            let place = self.root.join(path);
            match (place.symlink_metadata().is_ok(), KnownPath::File(listed.clone()).is(&place)) {
                (true, true) => Ok(()),
                (true, false) => Err(refuse(path, "was changed after it was written")),
                (false, _) => Err(refuse(path, "is missing")),
            }
        })
    }
}

/// A manifest, and whether it is as it was written.
fn read(path: &Path) -> Option<(Value, bool)> {
    let mut about: Value = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
    let own = about.as_object_mut()?.shift_remove(OWN_HASH);
    let sound = own.is_some_and(|own| own == json!(hash(&about)));
    Some((about, sound))
}

fn hash(about: &Value) -> String {
    blake3::hash(about.to_string().as_bytes()).to_hex().to_string()
}

/// Every path that an answer lists, with those of the answers inside it.
pub(super) fn flat(answer: &AnswerFolder) -> BTreeMap<String, KnownPath> {
    let mut all: BTreeMap<String, KnownPath> =
        answer.files.iter().map(|(path, listed)| (path.clone(), KnownPath::File(listed.clone()))).collect();
    all.insert(MANIFEST.into(), KnownPath::Manifest);
    for inside in &answer.answers {
        if let Some(own) = AnswerFolder::open(&answer.root.join(inside)) {
            all.extend(flat(&own).into_iter().map(|(path, known)| (format!("{inside}/{path}"), known)));
        }
    }
    all
}

/// The paths that an answer lists at or below `part`.
pub(super) fn below(answer: &AnswerFolder, part: &str) -> BTreeMap<String, KnownPath> {
    // An answer inside knows its own files; the lists of the others need not be read.
    if answer.answers.iter().any(|inside| inside == part) {
        let own = AnswerFolder::open(&answer.root.join(part)).map(|own| flat(&own)).unwrap_or_default();
        return own.into_iter().map(|(path, known)| (format!("{part}/{path}"), known)).collect();
    }
    let inside = |path: &str| path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    flat(answer).into_iter().filter(|(path, _)| inside(path)).collect()
}

/// Everything below a folder, as paths from there, folders before what is in them. Links are not followed.
pub(super) fn tree(folder: &Path) -> io::Result<Vec<(PathBuf, fs::FileType)>> {
    fn walk(root: &Path, below: &Path, out: &mut Vec<(PathBuf, fs::FileType)>) -> io::Result<()> {
        let mut entries = fs::read_dir(root.join(below))?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, kind) = (below.join(entry.file_name()), entry.file_type()?);
            out.push((path.clone(), kind));
            if kind.is_dir() {
                walk(root, &path, out)?;
            }
        }
        Ok(())
    }
    let mut out = Vec::new();
    walk(folder, Path::new(""), &mut out)?;
    Ok(out)
}

/// A path inside an answer as the list names it; `None` for one that is no text, which this program never wrote.
pub(super) fn named(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

/// Makes a folder an answer: hashes and syncs all that is in it, and writes the manifest last.
///
/// # Errors
/// Something cannot be read or written.
pub fn seal(folder: &Path, identity: &Identity, about: Map<String, Value>) -> Result<()> {
    let failed = |cause: io::Error| Error::file(folder, "write", cause);
    let all = tree(folder).map_err(failed)?;
    let answers: HashSet<&Path> = all
        .iter()
        .filter(|(path, kind)| kind.is_dir() && AnswerFolder::open(&folder.join(path)).is_some())
        .map(|(path, _)| path.as_path())
        .collect();
    let inside = |path: &Path| path.ancestors().any(|above| answers.contains(above));
    let own = |path: &Path| path == Path::new(MANIFEST) || path == Path::new(DRAFT);
    let files = all.par_iter().filter(|(path, kind)| kind.is_file() && !own(path) && !inside(path));
    let files: BTreeMap<String, Listed> = files
        .map(|(path, _)| {
            let place = folder.join(path);
            let failed = |cause: io::Error| Error::file(&place, "write", cause);
            let name = named(path).ok_or_else(|| Error::simulation(format!("`{}` is no text", path.display())))?;
            let listed = Listed::of(&place).map_err(failed)?;
            File::open(&place).and_then(|file| file.sync_all()).map_err(failed)?;
            Ok((name, listed))
        })
        .collect::<Result<_>>()?;
    let Identity { kind, name, settings } = identity;
    let mut whole =
        json!({ "program": "dermasim", "version": env!("CARGO_PKG_VERSION"), "kind": kind, "run": { "name": name } });
    if let Some(own) = whole.as_object_mut() {
        own.extend(about);
        own.insert("kind".into(), json!(kind));
        own.insert("settings".into(), json!(settings));
        own.insert("files".into(), json!(files));
        own.insert("answers".into(), json!(answers.iter().filter_map(|path| named(path)).collect::<BTreeSet<_>>()));
    }
    // As it will be read: numbers are hashed as they come back.
    let mut whole: Value = serde_json::from_str(&whole.to_string()).map_err(|cause| failed(cause.into()))?;
    let own = hash(&whole);
    whole[OWN_HASH] = json!(own);
    file::write(&folder.join(MANIFEST), format!("{whole:#}\n"))?;
    for (path, _) in all.iter().filter(|(path, kind)| kind.is_dir() && !inside(path)) {
        file::sync_folder(&folder.join(path)).map_err(failed)?;
    }
    file::sync_folder(folder).map_err(failed)
}
