//! `dermasim init`: a commented scenario to start from.

use std::path::PathBuf;

use clap::Args;

use super::terminal::{say, short};
use crate::base::error::{Error, Result};
use crate::base::folder::file;

/// The scenario that is written.
pub const SCENARIO: &str = include_str!("init.toml");

#[derive(Args)]
pub struct InitArguments {
    /// Where to write it; "-" prints it
    #[arg(default_value = "scenario.toml")]
    file: PathBuf,
}

pub fn command(arguments: &InitArguments) -> Result<()> {
    if arguments.file.as_os_str() == "-" {
        say(SCENARIO.trim_end());
        return Ok(());
    }
    let shown = short(&arguments.file);
    file::write_first(&arguments.file, SCENARIO.as_bytes()).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::AlreadyExists => Error::input(format!("`{shown}` is there already"))
            .help("give another name, as in `dermasim init mine.toml`"),
        _ => Error::file(&shown, "write", cause),
    })?;
    say(format!("{shown} written; run it with `dermasim run {shown}`"));
    Ok(())
}
