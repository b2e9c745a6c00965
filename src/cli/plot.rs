//! `dermasim plot`: the figures of finished runs, drawn again.

use std::path::PathBuf;

use clap::Args;

use super::terminal::{say, short};
use crate::error::{Error, Result};
use crate::output::Kept;
use crate::plot;

#[derive(Args)]
pub struct Arguments {
    /// Folders of finished runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
}

pub fn command(arguments: &Arguments) -> Result<()> {
    for folder in &arguments.runs {
        if !folder.join("summary.json").is_file() {
            return Err(Error::input(format!("`{}` is not the folder of a finished run", short(folder)))
                .help("give folders that `dermasim run` wrote"));
        }
        let figures = folder.join("figures");
        let drawn = plot::draw_run(&Kept::read(folder)?, &figures)?;
        say(format!("{} figures in {}", drawn.len(), short(&figures)));
    }
    Ok(())
}
