//! Files that are there whole or not at all: each is written under another name beside its place and renamed when it is complete.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::base::error::{Error, Result};

/// Writes a file in one piece: `fill` writes the contents; the file appears at `path` once they are written. Missing folders are
/// made. It is synced with the folder of its answer, see [`seal`](super::seal).
///
/// # Errors
/// The file or its folder cannot be written.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    try_write(path, fill).map_err(|cause| Error::file(path, "write", cause))
}

/// Writes a file of known contents in one piece.
///
/// # Errors
/// As [`write_with`].
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    write_with(path, |file| file.write_all(contents.as_ref()))
}

/// Writes a file that stands alone, in one piece and to the disk.
///
/// # Errors
/// As [`write_with`].
pub fn write_alone(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    // Where a link leads to a file, the file is written and the link stays.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    write(&real, contents)?;
    sync(&real).map_err(|cause| Error::file(path, "write", cause))
}

/// Writes a file that must not be there yet, in one piece and to the disk.
///
/// # Errors
/// It is there, or cannot be written; what the system says of it is kept.
pub fn write_first(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut fresh = wide(tempfile::Builder::new().prefix(".part-"), 0o666).tempfile_in(parent(path))?;
    fresh.write_all(contents)?;
    fresh.persist_noclobber(path)?;
    sync(path)
}

fn sync(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()?;
    sync_folder(parent(path))
}

/// Lets the names in a folder survive a loss of power.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    match fs::File::open(folder)?.sync_all() {
        // Some file systems cannot sync folders.
        Err(cause) if matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {}
        other => return other,
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Makes a folder and those above it.
///
/// # Errors
/// It cannot be made.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|cause| Error::file(path, "make", cause))
}

/// Reads a whole text.
///
/// # Errors
/// The file is missing, cannot be read, or is not text.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|cause| Error::file(path, "read", cause))
}

fn try_write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let parent = parent(path);
    fs::create_dir_all(parent)?;
    let mut fresh = wide(tempfile::Builder::new().prefix(".part-"), 0o666).tempfile_in(parent)?;
    {
        let mut buffered = BufWriter::new(fresh.as_file_mut());
        fill(&mut buffered)?;
        buffered.flush()?;
    }
    fresh.persist(path)?;
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Temporary files are private by default; results are for everybody the umask allows.
#[cfg(unix)]
fn wide<'a, 'b>(builder: &'a mut tempfile::Builder<'b, 'b>, mode: u32) -> &'a mut tempfile::Builder<'b, 'b> {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn wide<'a, 'b>(builder: &'a mut tempfile::Builder<'b, 'b>, _mode: u32) -> &'a mut tempfile::Builder<'b, 'b> {
    builder
}

/// A name that is safe as a file name on every system: letters, digits, `_`, `-` and `.` stay, the rest becomes `_`.
pub fn safe_name(name: &str) -> String {
    let kept = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let safe: String = name.chars().map(|letter| if kept(letter) { letter } else { '_' }).collect();
    if safe.trim_matches('.').is_empty() { "unnamed".into() } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/a.txt");
        write(&path, "old").unwrap();
        let failed = write_with(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(failed.unwrap_err().message().contains("the disk is full"));
        assert_eq!(read(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "the half-written file stayed");
    }

    #[test]
    #[cfg(unix)]
    fn files_are_readable_by_whom_the_umask_allows() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write(&ours, "").unwrap();
        fs::write(&plain, "").unwrap();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn names_from_models_cannot_leave_the_folder() {
        assert_eq!(safe_name("../a b/µ"), ".._a_b__");
        assert_eq!(safe_name(".."), "unnamed");
    }
}
