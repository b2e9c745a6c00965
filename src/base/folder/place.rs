//! Where an answer may lie. A path is resolved once; what is made of it later uses the resolved one.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::short;
use crate::base::error::{Error, Result};

/// The longest name of a folder in bytes: most systems take 255, and `.NAME.lock` must fit.
const LONGEST_NAME: usize = 240;

/// A folder for an answer, and the folder above it, as they really are.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    target: PathBuf,
    parent: PathBuf,
    name: OsString,
}

impl Destination {
    /// Resolves a path that somebody gave.
    ///
    /// # Errors
    /// It leads through what is no folder, or to one that cannot be replaced.
    pub(super) fn resolve(given: &Path) -> Result<Self> {
        let shown = given.display();
        let refuse = |why: String, help: String| Err(Error::input(why).help(help));
        if given.as_os_str().is_empty() {
            return refuse("the name of the folder is empty".into(), "write --out output/mine".into());
        }
        let mut real = match given.is_absolute() {
            true => PathBuf::new(),
            false => std::env::current_dir()
                .and_then(|here| here.canonicalize())
                .map_err(|cause| Error::file(".", "find", cause))?,
        };
        for component in given.components() {
            match component {
                Component::Prefix(_) | Component::RootDir => real.push(component),
                Component::CurDir => {}
                Component::ParentDir => {
                    // What `..` means depends on where the folder before it really is.
                    let Some(known) = real.canonicalize().ok().filter(|known| known.is_dir()) else {
                        let (lost, plain) = (short(&real), plain(given));
                        let what = if real.exists() { "no folder" } else { "not there" };
                        return refuse(
                            format!("`{shown}` goes up from `{lost}`, which is {what}"),
                            format!("write --out {plain}"),
                        );
                    };
                    real = known;
                    real.pop();
                }
                Component::Normal(name) => {
                    if real.symlink_metadata().is_ok() && !real.is_dir() {
                        let what = if real.exists() { "a file, not a folder" } else { "a link to what is not there" };
                        return refuse(
                            format!("`{}` is {what}", short(&real)),
                            "choose another place with --out".into(),
                        );
                    }
                    real.push(name);
                }
            }
        }
        let (Some(name), Some(parent)) = (real.file_name().map(OsString::from), real.parent()) else {
            return refuse(format!("`{shown}` is the root of all folders"), "write --out output/mine".into());
        };
        if name.len() > LONGEST_NAME {
            let help = format!("take one of at most {LONGEST_NAME} bytes");
            return refuse("the name of the folder is too long".into(), help);
        }
        let parent = whole(parent);
        let place = Self { target: parent.join(&name), parent, name };
        place.check()?;
        Ok(place)
    }

    /// Whether what is there now could be replaced by renaming.
    ///
    /// # Errors
    /// It is a link, a file, a place where another disk is mounted, or the folder that somebody stands in.
    pub(super) fn check(&self) -> Result<()> {
        let shown = short(&self.target);
        let Ok(known) = self.target.symlink_metadata() else { return Ok(()) };
        let refuse = |why: String, help: String| Err(Error::input(why).help(help));
        if known.is_symlink() {
            return match self.target.canonicalize() {
                Ok(real) => refuse(
                    format!("`{shown}` is a link to `{}`", short(&real)),
                    format!("write --out {}", short(&real)),
                ),
                Err(_) => refuse(
                    format!("`{shown}` is a link to what is not there"),
                    "choose another place with --out".into(),
                ),
            };
        }
        if !known.is_dir() {
            return refuse(format!("`{shown}` is a file, not a folder"), "choose another place with --out".into());
        }
        if let Some(mounted) = mounts(&self.target, &self.parent) {
            return match mounted == self.target {
                true => refuse(
                    format!("`{shown}` is a place where another disk is mounted, and cannot be replaced in one piece"),
                    format!("write into a folder of it, as --out {}", short(&self.target.join("answer"))),
                ),
                false => refuse(
                    format!("in `{shown}` another disk is mounted, at `{}`", short(&mounted)),
                    "choose another place with --out".into(),
                ),
            };
        }
        let here = std::env::current_dir().and_then(|here| here.canonicalize());
        if here.is_ok_and(|here| here.starts_with(&self.target)) {
            let name = self.name.to_string_lossy();
            return refuse(
                format!("`{name}` is the folder you stand in, and would go away under you when it is replaced"),
                format!("leave it first: `cd {}`, then write --out {name}", short_up(&self.target)),
            );
        }
        Ok(())
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    pub(super) fn parent(&self) -> &Path {
        &self.parent
    }

    pub(super) fn fresh(&self) -> PathBuf {
        self.beside("new")
    }

    pub(super) fn old(&self) -> PathBuf {
        self.beside("old")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.beside("lock")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(".");
        name.push(ending);
        self.parent.join(name)
    }

    /// The first of `NAME-2`, `NAME-3` … that is not there.
    pub(super) fn free(&self) -> Option<PathBuf> {
        (2..1000).map(|count| self.numbered(count)).find(|path| path.symlink_metadata().is_err())
    }

    fn numbered(&self, count: usize) -> PathBuf {
        let mut name = self.name.clone();
        name.push(format!("-{count}"));
        self.parent.join(name)
    }

    /// Makes the folders above and tells which it made, the innermost first.
    pub(super) fn make_parent(&self) -> io::Result<Vec<PathBuf>> {
        let missing = self.parent.ancestors().take_while(|path| !path.exists());
        let made: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        fs::create_dir_all(&self.parent)?;
        Ok(made)
    }
}

/// The real path of a folder of which the last parts may not be there yet.
fn whole(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), _, _) => real,
        (Err(_), Some(parent), Some(name)) => whole(parent).join(name),
        _ => path.to_path_buf(),
    }
}

/// The path without `.` and without `..` and what it takes back.
fn plain(given: &Path) -> String {
    let mut plain = PathBuf::new();
    for component in given.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    if plain.as_os_str().is_empty() { "output/mine".into() } else { plain.display().to_string() }
}

/// The way up from where somebody stands to the folder above `target`.
fn short_up(target: &Path) -> String {
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let depth = here.strip_prefix(target).map_or(0, |below| below.components().count());
    vec![".."; depth + 1].join("/")
}

/// Where another file system is mounted, at `target` or below.
#[cfg(target_os = "linux")]
fn mounts(target: &Path, parent: &Path) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let points = table.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    let mut points = points.map(|point| PathBuf::from(OsString::from_vec(unescaped(point))));
    points.find(|point| point.starts_with(target)).or_else(|| other_device(target, parent))
}

#[cfg(not(target_os = "linux"))]
fn mounts(target: &Path, parent: &Path) -> Option<PathBuf> {
    other_device(target, parent)
}

#[cfg(unix)]
fn other_device(target: &Path, parent: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| path.symlink_metadata().ok().map(|known| known.dev());
    (device(target)? != device(parent)?).then(|| target.to_path_buf())
}

#[cfg(not(unix))]
fn other_device(_: &Path, _: &Path) -> Option<PathBuf> {
    None
}

/// The table of mounts writes blanks and backslashes as three octal digits.
#[cfg(target_os = "linux")]
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, more)) = rest.split_first() {
        let octal =
            more.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|digit| (b'0'..b'8').contains(digit)));
        match octal {
            Some(digits) => {
                out.push(digits.iter().fold(0u8, |sum, digit| sum.wrapping_mul(8).wrapping_add(digit - b'0')));
                rest = &more[3..];
            }
            None => {
                out.push(*first);
                rest = more;
            }
        }
    }
    out
}

/// What the system said, without its number.
pub(super) fn said(cause: &io::Error) -> String {
    let text = cause.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
