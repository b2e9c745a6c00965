//! Options that commands with many runs share.

use std::path::Path;

use clap::Args;

use super::terminal::short;
use crate::error::{Error, Result};
use crate::scenario::Change;

#[derive(Args)]
pub struct Common {
    /// Threads to use [default: all]
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
    /// Change an option or a number of every scenario first, as "response=mine.toml" or "grid.resolution=1"
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Show no progress and no table
    #[arg(long, short)]
    pub quiet: bool,
}

impl Common {
    /// The threads to use.
    pub fn threads(&self) -> Result<usize> {
        super::threads(self.threads)
    }

    /// The changes asked for.
    pub fn changes(&self) -> Result<Vec<Change>> {
        self.set.iter().map(|change| Change::parse(change)).collect()
    }
}

/// Whether a folder holds nothing but an earlier answer of the same kind, known by the file `mark`.
pub fn may_replace(folder: &Path, mark: &str, what: &str) -> Result<()> {
    let occupied = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if folder.is_file() || (occupied && !folder.join(mark).is_file()) {
        let shown = short(folder);
        return Err(Error::input(format!("`{shown}` holds something that is no {what}, and is left alone"))
            .help("choose another place with --out"));
    }
    Ok(())
}
