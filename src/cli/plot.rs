//! `dermasim plot`: the figures and reports of finished runs, drawn again.

use std::path::PathBuf;

use clap::Args;

use super::terminal::{say, short};
use crate::error::{Error, Result};
use crate::output::{Kept, Provenance};
use crate::plot;
use crate::report;

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
        let kept = Kept::read(folder)?;
        let drawn = plot::draw_run(&kept, &figures)?;
        let provenance = Provenance::read(&folder.join("provenance.csv"))?;
        report::write_run(&folder.join("report.html"), &kept, &provenance, &drawn, &figures)?;
        say(format!("{} figures in {}", drawn.len(), short(&figures)));
    }
    Ok(())
}
