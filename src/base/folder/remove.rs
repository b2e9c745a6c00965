//! What moves and removes. Nothing else in the program does.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::file::sync_folder;
use super::list::{AnswerFolder, KnownPath, MANIFEST, flat, named, tree};
use super::place::Destination;
use super::{DRAFT, short};

/// How often what came meanwhile is looked for.
const ROUNDS: usize = 4;

/// What lies beside a place under one of the names of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aside {
    /// Nothing, or empty folders.
    None,
    /// A draft that was not finished.
    Draft,
    /// A whole answer, or what is left of one that is being removed.
    Answer,
    /// Something else.
    Other,
}

/// What `path` is; empty folders are removed.
pub(super) fn aside(path: &Path, draft: &str) -> Aside {
    match path.symlink_metadata() {
        Err(_) => Aside::None,
        Ok(known) if !known.is_dir() => Aside::Other,
        Ok(_) if path.join(draft).is_file() => Aside::Draft,
        Ok(_) if AnswerFolder::open(path).is_some() => Aside::Answer,
        Ok(_) => {
            rid_of_empty(path);
            if path.symlink_metadata().is_err() { Aside::None } else { Aside::Other }
        }
    }
}

/// Removes a draft or a part of one, which only this program writes.
pub(super) fn discard(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(known) if known.is_dir() => {
            // What tells that it is a draft goes last, so that a kill in between leaves a draft.
            for entry in fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()? {
                match entry.file_type()?.is_dir() {
                    true => fs::remove_dir_all(entry.path())?,
                    false if entry.file_name() == DRAFT => {}
                    false => fs::remove_file(entry.path())?,
                }
            }
            fs::remove_dir_all(path)
        }
        Ok(_) => fs::remove_file(path),
    }
}

/// Removes everything from a draft but the finished answers in it: the rest may have come from the user's folder on the way to
/// its place, where it still is.
pub(super) fn only_answers(path: &Path, draft: &str) -> io::Result<()> {
    let all = tree(path)?;
    let answers: HashSet<&Path> = all
        .iter()
        .filter(|(own, kind)| kind.is_dir() && AnswerFolder::open(&path.join(own)).is_some())
        .map(|(own, _)| own.as_path())
        .collect();
    for (own, kind) in all.iter().rev() {
        if own == Path::new(draft) || own.ancestors().any(|above| answers.contains(above)) {
            continue;
        }
        match kind.is_dir() {
            true => drop(fs::remove_dir(path.join(own))),
            false => fs::remove_file(path.join(own))?,
        }
    }
    Ok(())
}

/// Whether a draft holds finished answers.
pub(super) fn holds_answers(path: &Path) -> bool {
    tree(path)
        .is_ok_and(|all| all.iter().any(|(own, kind)| kind.is_dir() && AnswerFolder::open(&path.join(own)).is_some()))
}

/// Removes those of some folders that are empty.
pub(super) fn empty_folders(folders: &[PathBuf]) {
    for folder in folders {
        let _kept = fs::remove_dir(folder);
    }
}

/// Removes a folder and those in it, as long as they are empty.
fn rid_of_empty(path: &Path) {
    let inside = tree(path).unwrap_or_default();
    for (own, _) in inside.iter().rev().filter(|(_, kind)| kind.is_dir()) {
        let _kept = fs::remove_dir(path.join(own));
    }
    let _kept = fs::remove_dir(path);
}

/// Gives the files of the user's in one folder a second name in another, at the same paths. Tells of those that are there under
/// other names. Files that have their second name already are left as they are.
pub(super) fn carry(from: &Path, to: &Path) -> io::Result<Vec<String>> {
    let own = AnswerFolder::open(from).map(|answer| flat(&answer)).unwrap_or_default();
    let all = tree(from)?;
    let known = |path: &Path| named(path).and_then(|name| own.get(&name));
    let mut told = Vec::new();
    // Files that were changed by hand go last: they are those that must give way.
    for changed in [false, true] {
        for (path, kind) in &all {
            let listed = known(path);
            if listed.is_some() != changed || listed.is_some_and(|listed| listed.is(&from.join(path))) {
                continue;
            }
            if kind.is_dir() {
                let ours = named(path).is_some_and(|name| {
                    let start = format!("{name}/");
                    own.range(start.clone()..).next().is_some_and(|(first, _)| first.starts_with(&start))
                });
                if !ours && !to.join(path).exists() {
                    fs::create_dir_all(to.join(path))?;
                }
                continue;
            }
            let there = carry_one(&from.join(path), &to.join(path))?;
            if there != to.join(path) {
                let kept = there.strip_prefix(to).unwrap_or(&there).display();
                told.push(format!("`{}` was not as it was written, and is kept as `{kept}`", path.display()));
            }
        }
    }
    Ok(told)
}

/// Gives one file a second name; the first of `NAME`, `NAME.kept`, `NAME.kept-2` … that is free, or is this file.
fn carry_one(from: &Path, wanted: &Path) -> io::Result<PathBuf> {
    // A new file may stand where the user had a folder.
    let mut wanted = wanted.to_path_buf();
    while let Some(blocked) = wanted.ancestors().skip(1).find(|above| above.is_file()) {
        let rest = wanted.strip_prefix(blocked).unwrap_or(Path::new("")).to_path_buf();
        wanted = kept(blocked, 1).join(rest);
    }
    for count in 0.. {
        let to = if count == 0 { wanted.clone() } else { kept(&wanted, count) };
        match second_name(from, &to) {
            Ok(()) => return Ok(to),
            Err(_) if same(from, &to) => return Ok(to),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(cause),
        }
    }
    unreachable!("a name is free in the end")
}

fn kept(path: &Path, count: usize) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".kept");
    if count > 1 {
        name.push(format!("-{count}"));
    }
    path.with_file_name(name)
}

/// A second name for a file, or a copy where the file system has none. Nothing is overwritten.
pub(super) fn second_name(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let linked = fs::hard_link(from, to);
    match linked {
        Err(cause) if !matches!(cause.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => copy(from, to),
        other => other,
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.symlink_metadata()?.is_symlink() {
        #[cfg(unix)]
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
        #[cfg(not(unix))]
        return Err(io::Error::from(io::ErrorKind::Unsupported));
    }
    let mut file = File::options().write(true).create_new(true).open(to)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.set_permissions(from.metadata()?.permissions())?;
    file.sync_all()
}

/// Whether two paths are one file, or hold the same.
fn same(one: &Path, other: &Path) -> bool {
    let (Ok(a), Ok(b)) = (one.symlink_metadata(), other.symlink_metadata()) else { return false };
    if one_file(&a, &b) {
        return true;
    }
    match (a.is_symlink(), b.is_symlink()) {
        (true, true) => fs::read_link(one).ok() == fs::read_link(other).ok(),
        (false, false) => a.is_file() && b.is_file() && a.len() == b.len() && equal(one, other).unwrap_or(false),
        _ => false,
    }
}

fn equal(one: &Path, other: &Path) -> io::Result<bool> {
    let hash = |path: &Path| -> io::Result<blake3::Hash> {
        let mut hash = blake3::Hasher::new();
        io::copy(&mut File::open(path)?, &mut hash)?;
        Ok(hash.finalize())
    };
    Ok(hash(one)? == hash(other)?)
}

#[cfg(unix)]
fn one_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    a.dev() == b.dev() && a.ino() == b.ino()
}

#[cfg(not(unix))]
fn one_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}

/// Whether an open file is the one at `path`.
#[cfg(unix)]
pub(super) fn same_file(file: &File, path: &Path) -> bool {
    matches!((file.metadata(), path.symlink_metadata()), (Ok(a), Ok(b)) if one_file(&a, &b))
}

#[cfg(not(unix))]
pub(super) fn same_file(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Carries the user's files into the sealed draft and lets it take the place of the old answer.
pub(super) fn swap(place: &Destination, draft: &str) -> io::Result<Vec<String>> {
    let (new, old, target) = (place.fresh(), place.old(), place.target());
    let mut told = Vec::new();
    if target.exists() {
        told = carry(target, &new)?;
    }
    fs::remove_file(new.join(draft))?;
    sync_folder(&new)?;
    if target.symlink_metadata().is_ok() {
        let exchanged = exchange(&new, target);
        if exchanged.is_err() {
            fs::rename(target, &old)?;
            fs::rename(&new, target).inspect_err(|_| drop(fs::rename(&old, target)))?;
        }
    } else {
        fs::rename(&new, target)?;
    }
    sync_folder(place.parent())?;
    Ok(told)
}

/// Lets two folders change their names, in one call.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Removes an old answer: each listed file that is as it was written, after what is the user's has its name in `target`. The
/// manifest goes last, so that a kill in between leaves what can be told from anything else.
pub(super) fn clear(aside: &Path, target: &Path) -> io::Result<Vec<String>> {
    let mut told = Vec::new();
    for _ in 0..ROUNDS {
        if aside.symlink_metadata().is_err() {
            return Ok(told);
        }
        told.extend(carry(aside, target)?);
        let own = AnswerFolder::open(aside).map(|answer| flat(&answer)).unwrap_or_default();
        let last = |path: &Path| path.file_name().is_some_and(|name| name == MANIFEST);
        let all = tree(aside)?;
        // The manifests of answers inside go after their files, and the outermost after all.
        for manifests in [false, true] {
            let files = all.iter().rev().filter(|(path, kind)| !kind.is_dir() && last(path) == manifests);
            for (path, _) in files.filter(|(path, _)| path != Path::new(MANIFEST)) {
                remove_one(aside, path, target, &own)?;
            }
        }
        for (path, _) in all.iter().rev().filter(|(_, kind)| kind.is_dir()) {
            let _kept = fs::remove_dir(aside.join(path));
        }
        if fs::read_dir(aside)?.count() == 1 && aside.join(MANIFEST).is_file() {
            remove_one(aside, Path::new(MANIFEST), target, &own)?;
        }
        let _kept = fs::remove_dir(aside);
    }
    rid_of_empty(aside);
    if aside.symlink_metadata().is_ok() {
        told.push(format!("what is left of the old answer is in {}", short(aside)));
    }
    Ok(told)
}

/// Whether every file in a folder is at its place in `target` too, as the user's are after a swap.
pub(super) fn stands(aside: &Path, target: &Path) -> bool {
    tree(aside)
        .is_ok_and(|all| all.iter().all(|(path, kind)| kind.is_dir() || same(&aside.join(path), &target.join(path))))
}

/// Removes one file, if it is still what was written, or has its second name in `target`.
fn remove_one(aside: &Path, path: &Path, target: &Path, own: &BTreeMap<String, KnownPath>) -> io::Result<()> {
    let place = aside.join(path);
    let written = named(path).and_then(|name| own.get(&name)).is_some_and(|known| known.is(&place));
    if !written {
        carry_one(&place, &target.join(path))?;
    }
    fs::remove_file(place)
}
