//! Lists every file below `models/`, `scenarios/evidence/` and `scenarios/claims/` so that the catalogue, the observations and the
//! claims are part of the program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=models");
    println!("cargo::rerun-if-changed=scenarios/evidence");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    embed(&root, "models", "Every model file", "EMBEDDED", "embedded.rs")?;
    println!("cargo::rerun-if-changed=scenarios/claims");
    embed(&root, "scenarios/evidence", "Every observation", "OBSERVATIONS", "observations.rs")?;
    embed(&root, "scenarios/claims", "Every claim", "CLAIMS", "claims.rs")
}

/// Writes a list of the files below a folder: paths from the project's folder, and texts.
fn embed(root: &Path, folder: &str, what: &str, name: &str, to: &str) -> io::Result<()> {
    let mut files = Vec::new();
    gather(&root.join(folder), &mut files)?;
    files.sort();
    let mut list = format!("/// {what}: its path from the project's folder, and its text.\n");
    let _ = writeln!(list, "pub(crate) const {name}: &[(&str, &str)] = &[");
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let short = file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let _ = writeln!(list, "    ({short:?}, include_str!({:?})),", file.to_string_lossy());
    }
    list.push_str("];\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join(to), list)
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    // Cargo looks at the times of a watched folder's own entries only, so each one is named.
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
