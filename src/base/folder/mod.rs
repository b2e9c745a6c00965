//! Folders of answers: where they may lie, how they are written, and the only place that removes anything.
//!
//! An answer is a folder `NAME` with a `manifest.json` that lists every file this program wrote there, with its size and its
//! BLAKE3 hash (see `list`). Whatever is not listed, or no longer has the hash in the list, is the user's.
//!
//! # How an answer is replaced
//!
//! A [`Draft`] is begun before anything is computed and finished when all is computed. Everything happens beside the folder:
//!
//! | beside `NAME` | is |
//! |---|---|
//! | `.NAME.lock` | an empty file, locked by the run that is writing; a second one is refused |
//! | `.NAME.new` | the new answer while it is written; a file `.draft` in it says so |
//! | `.NAME.old` | the old answer on its way out |
//!
//! 1. *Begin.* The path is resolved once (`place`), the lock is taken, what a killed run left is cleared, the old answer is
//!    looked at, and the draft is begun with a trial of writing.
//! 2. *Seal.* All files are hashed and synced, `manifest.json` is written last, then the folders are synced.
//! 3. *Carry.* Each file of the user's in the old folder gets a second name (a hard link, or a copy where there are none) at the
//!    same path in the draft. A listed file that was changed by hand goes beside its new version, as `report.html.kept`.
//! 4. *Swap.* `.draft` is removed, and draft and old answer change their names in one call of the system. Where the system has
//!    no such call they do so in two, and the next run finishes what a kill left between them.
//! 5. *Clear.* The old files are removed one by one; each is looked at again just before. What is the user's is carried once
//!    more if it came meanwhile. Folders are removed when they are empty, never with what is in them.
//!
//! So a kill at any moment leaves at `NAME` the old answer or the new one, whole, with the user's files in it.

pub mod file;
mod list;
pub mod name;
mod place;
mod remove;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::base::error::{Error, Result};
pub use list::{AnswerFolder, MANIFEST, seal};
use list::{below, flat, tree};
use place::Destination;
use remove::{Aside, aside, clear, discard, swap};

/// The file that tells a draft from an answer.
const DRAFT: &str = ".draft";
/// Bytes that are written to see whether the disk takes any.
const TRIAL: usize = 1 << 16;

/// What an answer answers. A folder is replaced without asking only by an answer to the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What kind of answer it is: "run", "sweep", "claims".
    pub kind: String,
    /// Name of the scenario.
    pub name: String,
    /// Hash of everything that was asked: scenario as decided, model files, points.
    pub settings: String,
}

impl Identity {
    /// An answer of this kind and name that is decided by these texts.
    pub fn of<'a>(kind: &str, name: &str, settings: impl IntoIterator<Item = &'a str>) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned(), settings: hash(settings) }
    }
}

/// Hash of some texts in their order.
pub fn hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = blake3::Hasher::new();
    for text in texts {
        // Lengths keep the texts apart.
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().to_hex().to_string()
}

/// An answer that is being made. Dropped before it is finished, it leaves everything as it was.
#[derive(Debug)]
pub struct Draft {
    place: Destination,
    identity: Identity,
    /// Whether what is there of it stays for a later run if it is not finished.
    resumes: bool,
    /// Folders above the place that were made for it, the innermost first.
    made: Vec<PathBuf>,
    old: Option<AnswerFolder>,
    lock: Option<Lock>,
    /// Whether what is at the place are files of the user's that a killed run had not brought back.
    restored: bool,
    /// Whether the draft's folder is there and ours.
    opened: bool,
    finished: bool,
}

impl Draft {
    /// Begins an answer at the path that somebody gave. With `force` it may take the place of an answer to something else. With
    /// `resumes`, parts that an earlier draft of the same answer finished are kept.
    ///
    /// # Errors
    /// The path cannot hold an answer, holds something else, cannot be written, or another run is writing there.
    pub fn begin(given: &Path, identity: Identity, force: bool, resumes: bool) -> Result<Self> {
        let place = Destination::resolve(given)?;
        let unwritable = |cause: io::Error| {
            Error::input(format!("nothing can be written in `{}`: {}", short(place.parent()), place::said(&cause)))
                .help("choose another place with --out")
        };
        let made = place.make_parent().map_err(unwritable)?;
        let lock = match Lock::take(&place, &unwritable) {
            Ok(lock) => lock,
            Err(error) => {
                remove::empty_folders(&made);
                return Err(error);
            }
        };
        let mut draft = Self {
            place,
            identity,
            resumes,
            made,
            old: None,
            lock: Some(lock),
            restored: false,
            opened: false,
            finished: false,
        };
        draft.settle(force)?;
        draft.old = AnswerFolder::open(draft.place.target());
        draft.may_replace(force)?;
        draft.opened = true;
        draft.open().map_err(|cause| {
            Error::input(format!("nothing can be written at `{}`: {}", short(given), place::said(&cause)))
                .help("choose another place with --out")
        })?;
        Ok(draft)
    }

    /// Begins the answer that is at a path once more, to change how it looks.
    ///
    /// # Errors
    /// As [`Draft::begin`]; there is no answer.
    pub fn again(given: &Path) -> Result<Self> {
        let (kind, name, settings) = AnswerFolder::open(given).map(|answer| answer.identity()).unwrap_or_default();
        Self::begin(given, Identity { kind, name, settings }, false, false)
    }

    /// Takes over those files of the old answer that are wanted, and gives what its manifest says.
    ///
    /// # Errors
    /// A file was changed, or cannot be linked or copied.
    pub fn take_over_all(&self, wanted: impl Fn(&str) -> bool + Sync) -> Result<Map<String, Value>> {
        let (folder, Some(old)) = (self.folder()?, self.old()) else { return Ok(Map::new()) };
        old.verify(&wanted)?;
        for (path, _) in flat(old).iter().filter(|(path, _)| path.as_str() != MANIFEST && wanted(path)) {
            let (from, to) = (old.root().join(path), folder.join(path));
            remove::second_name(&from, &to).map_err(|cause| Error::file(&to, "write", cause))?;
        }
        Ok(old.retold())
    }

    /// The folder of the draft. It is made again if somebody removed it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn folder(&self) -> Result<PathBuf> {
        let folder = self.place.fresh();
        if !folder.join(DRAFT).is_file() {
            self.open().map_err(|cause| Error::file(&folder, "make", cause))?;
        }
        Ok(folder)
    }

    /// A folder in the draft for what is needed until the answer is finished, and goes then.
    ///
    /// # Errors
    /// As [`Draft::folder`].
    pub fn workshop(&self) -> Result<PathBuf> {
        Ok(self.folder()?.join(format!("{PART}jobs")))
    }

    /// Where the answer will be.
    pub fn target(&self) -> &Path {
        self.place.target()
    }

    /// The answer that was there when this one was begun.
    pub fn old(&self) -> Option<&AnswerFolder> {
        self.old.as_ref()
    }

    /// Whether the old answer answers the same.
    pub fn is_of_old(&self) -> bool {
        self.old().is_some_and(|old| old.identity().2 == self.identity.settings)
    }

    /// Takes over what the old answer (or an earlier draft) has below `part`, without computing it again. Whether it was there,
    /// whole and unchanged.
    ///
    /// # Errors
    /// A file cannot be linked or copied.
    pub fn take_over(&self, part: &str) -> Result<bool> {
        let folder = self.folder()?;
        let here = folder.join(part);
        if AnswerFolder::open(&here).is_some_and(|own| own.is_whole()) {
            return Ok(true);
        }
        discard(&here).map_err(|cause| Error::file(&here, "remove", cause))?;
        let Some(old) = self.old() else { return Ok(false) };
        let files = below(old, part);
        if files.is_empty() || !files.iter().all(|(path, listed)| listed.is(&old.root().join(path))) {
            return Ok(false);
        }
        for path in files.keys() {
            let (from, to) = (old.root().join(path), folder.join(path));
            remove::second_name(&from, &to).map_err(|cause| Error::file(&to, "write", cause))?;
        }
        Ok(true)
    }

    /// Puts the finished draft in its place. `about` is what the manifest says beside the list of files. Tells of files of
    /// the user's that could not stay under their names.
    ///
    /// # Errors
    /// Something cannot be written or moved; the old answer stays.
    pub fn finish(mut self, about: Map<String, Value>) -> Result<Vec<String>> {
        let folder = self.folder()?;
        let parts = tree(&folder).map_err(|cause| Error::file(&folder, "read", cause))?;
        for (path, _) in parts.iter().filter(|(path, _)| is_part(path)) {
            let path = folder.join(path);
            discard(&path).map_err(|cause| Error::file(path, "remove", cause))?;
        }
        seal(&folder, &self.identity, about)?;
        let target = self.place.target().to_owned();
        let moved = self
            .place
            .check()
            .and_then(|()| swap(&self.place, DRAFT).map_err(|cause| Error::file(&target, "write", cause)));
        let mut told = match moved {
            Ok(told) => told,
            Err(error) => {
                // Hours of work are not thrown away because something came into the way meanwhile.
                if let Some(other) = self.place.free().filter(|other| {
                    let _gone = fs::remove_file(folder.join(DRAFT));
                    fs::rename(&folder, other).is_ok()
                }) {
                    self.finished = true;
                    let (why, there) = (error.message().into_owned(), short(&other));
                    return Err(Error::simulation(format!("{why}; the answer is in `{there}`")));
                }
                return Err(error);
            }
        };
        self.finished = true;
        for aside in [self.place.fresh(), self.place.old()] {
            told.extend(clear(&aside, &target).map_err(|cause| Error::file(aside, "clear", cause))?);
        }
        told.sort();
        told.dedup();
        Ok(told)
    }

    /// Makes the folder with the file that tells what it is; once more if somebody removes it at that moment.
    fn open(&self) -> io::Result<()> {
        match self.try_open() {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => self.try_open(),
            other => other,
        }
    }

    fn try_open(&self) -> io::Result<()> {
        let folder = self.place.fresh();
        fs::create_dir_all(&folder)?;
        let mark = folder.join(DRAFT);
        let mut file = File::create(&mark)?;
        file.write_all(&[b' '; TRIAL])?;
        file.sync_all()?;
        let own = json!({ "program": "dermasim", "resumes": self.resumes, "settings": self.identity.settings });
        fs::write(&mark, format!("{own}\n"))
    }

    /// Clears what a killed run left.
    fn settle(&mut self, force: bool) -> Result<()> {
        let (new, old, target) = (self.place.fresh(), self.place.old(), self.place.target());
        for path in [&new, &old] {
            let failed = |cause: io::Error| Error::file(path, "clear", cause);
            match aside(path, DRAFT) {
                Aside::None => {}
                Aside::Draft if self.resumes && mark(path).1 == self.identity.settings => {
                    remove::only_answers(path, DRAFT).map_err(failed)?;
                }
                // Hours of another study are an answer too, though not a whole one.
                Aside::Draft if !force && mark(path).0 && remove::holds_answers(path) => {
                    let shown = short(target);
                    return Err(Error::input(format!(
                        "a study with other settings was stopped before it could write to `{shown}`; what it has done is in `{}`",
                        short(path)
                    ))
                    .help(format!("go on with it, write this one elsewhere with {}, or give that one up with --force", self.another())));
                }
                Aside::Draft => discard(path).map_err(failed)?,
                // What was on its way in or out and lost nothing is the answer, if there is no other.
                Aside::Answer if !target.exists() && AnswerFolder::open(path).is_some_and(|own| own.has_all()) => {
                    fs::rename(path, target).map_err(failed)?;
                }
                Aside::Answer => {
                    self.restored |= !target.exists();
                    clear(path, target).map_err(failed)?;
                }
                Aside::Other if path.is_dir() && remove::stands(path, target) => {
                    drop(clear(path, target).map_err(failed)?)
                }
                Aside::Other => {
                    return Err(Error::input(format!("`{}` is in the way, and not dermasim's", short(path)))
                        .help("move it, or choose another place with --out"));
                }
            }
        }
        Ok(())
    }

    /// Where else the answer could go, as an option.
    fn another(&self) -> String {
        self.place.free().map_or_else(|| "--out NAME".into(), |free| format!("--out {}", short(&free)))
    }

    /// Whether the answer may take the place of what is there: nothing, an answer to the same, or with `force` to something else.
    fn may_replace(&self, force: bool) -> Result<()> {
        let (target, Identity { kind, name, settings }) = (self.place.target(), &self.identity);
        let shown = short(target);
        let empty = fs::read_dir(target).map_or(true, |mut entries| entries.next().is_none());
        if empty || self.restored {
            return Ok(());
        }
        let Some(old) = &self.old else {
            return Err(Error::input(format!(
                "`{shown}` holds something that is no answer of dermasim, and is left alone"
            ))
            .help(format!("choose another place, as {}", self.another())));
        };
        let held = old.identity();
        let what = match &held {
            (own, _, _) if own != kind => format!("{} of dermasim, not a {kind}", with_article(own)),
            (_, other, _) if !other.is_empty() && other != name => format!("the answer of another scenario, `{other}`"),
            (_, _, own) if own != settings => "the answer to other settings".into(),
            _ => return Ok(()),
        };
        if force {
            return Ok(());
        }
        Err(Error::input(format!("`{shown}` holds {what}"))
            .help(format!("write this one elsewhere with {}, or replace the other with --force", self.another())))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let new = self.place.fresh();
        let ours = self.opened && !self.finished && aside(&new, DRAFT) == Aside::Draft;
        if ours && !(self.resumes && remove::holds_answers(&new)) {
            // What cannot be removed now is cleared by the next run.
            let _left = discard(&new);
        }
        drop(self.lock.take());
        if !self.finished {
            remove::empty_folders(&self.made);
        }
    }
}

/// Writes an answer that is a part of a larger draft, in one piece: `fill` fills an empty folder, which is sealed and then
/// takes its name.
///
/// # Errors
/// `fill` fails, or something cannot be written.
pub fn write_part(
    path: &Path,
    identity: &Identity,
    fill: impl FnOnce(&Path) -> Result<Map<String, Value>>,
) -> Result<()> {
    let failed = |cause: io::Error| Error::file(path, "write", cause);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!("{PART}{name}"));
    discard(&fresh).map_err(failed)?;
    fs::create_dir_all(&fresh).map_err(failed)?;
    let about = fill(&fresh).inspect_err(|_| drop(discard(&fresh)))?;
    seal(&fresh, identity, about)?;
    discard(path).map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)?;
    file::sync_folder(path.parent().unwrap_or(Path::new("."))).map_err(failed)
}

/// How the name of an unfinished part begins.
const PART: &str = ".part-";

fn is_part(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PART))
}

/// Whether a draft is kept for a later run, and the settings it answers.
fn mark(path: &Path) -> (bool, String) {
    let text = fs::read_to_string(path.join(DRAFT)).unwrap_or_default();
    let own: Value = serde_json::from_str(&text).unwrap_or_default();
    (own["resumes"] == json!(true), own["settings"].as_str().unwrap_or_default().to_owned())
}

fn with_article(word: &str) -> String {
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {word}", if vowel { "an" } else { "a" })
}

/// The lock of a place. The system gives it up when the program ends, however it ends.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    fn take(place: &Destination, unwritable: &dyn Fn(io::Error) -> Error) -> Result<Self> {
        let path = place.lock();
        loop {
            // Nothing of the user's is opened, and nothing that a link leads to.
            if fs::symlink_metadata(&path).is_ok_and(|own| !own.is_file() || own.len() > 0) {
                return Err(Error::input(format!("`{}` is in the way, and not dermasim's", short(&path)))
                    .help("move it, or choose another place with --out"));
            }
            let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(unwritable)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::input(format!("another run is writing to `{}`", short(place.target())))
                        .help("wait until it has ended, or choose another place with --out"));
                }
                // A file system without locks is no reason not to compute.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            // The run before may have removed the file between opening and locking it.
            if remove::same_file(&file, &path) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.path);
    }
}

/// A path as short as it can be said: from the current folder if it lies below.
pub fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let real = here.canonicalize().unwrap_or_default();
    let below = |start: &Path| path.strip_prefix(start).ok().filter(|_| !start.as_os_str().is_empty());
    let short = below(&here).or_else(|| below(&real)).unwrap_or(path);
    let shown = short.strip_prefix(".").unwrap_or(short).display().to_string();
    if shown.is_empty() { ".".into() } else { shown }
}

#[cfg(test)]
mod tests;
