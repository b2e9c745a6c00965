//! `dermasim plot`: the figures and reports of finished runs, drawn again.

use std::path::PathBuf;

use clap::Args;

use super::keep;
use super::terminal::{say, short};
use crate::base::error::{Error, Result};
use crate::base::folder::Draft;
use crate::present::output::{KeptRun, Provenance};
use crate::present::plot;
use crate::present::report;

#[derive(Args)]
pub struct PlotArguments {
    /// Folders of finished runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
}

pub fn command(arguments: &PlotArguments) -> Result<()> {
    for folder in &arguments.runs {
        if !folder.join("summary.json").is_file() {
            return Err(Error::input(format!("`{}` is not the folder of a finished run", short(folder)))
                .help("give folders that `dermasim run` wrote"));
        }
        let kept = KeptRun::read(folder)?;
        let provenance = Provenance::read(&folder.join("provenance.csv"))?;
        let draft = Draft::again(folder)?;
        let about = draft.take_over_all(|path| !path.starts_with("figures/") && path != "report.html")?;
        let fresh = draft.folder()?;
        let figures = fresh.join("figures");
        let drawn = plot::draw_run(&kept, &figures)?;
        report::write_run(&fresh.join("report.html"), &kept, &provenance, &drawn, &figures)?;
        keep::finish(draft, about)?;
        let figures = folder.join("figures");
        say(format!("{} figures in {}", drawn.len(), short(&figures)));
    }
    Ok(())
}
