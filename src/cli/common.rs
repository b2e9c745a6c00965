//! Options that commands with many runs share.

use clap::Args;

use crate::base::error::Result;
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
    /// Replace an answer to something else
    #[arg(long)]
    pub force: bool,
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
