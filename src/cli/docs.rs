//! `dermasim docs`: the pages of the documentation, which travel inside the program.

use clap::Args;

use super::terminal::say;
use crate::base::error::{Error, Result, suggestion};

/// Every page: its topic, and its text.
const PAGES: [(&str, &str); 11] = [
    ("first-answer", include_str!("../../docs/first-answer.md")),
    ("depth-sweep", include_str!("../../docs/depth-sweep.md")),
    ("own-model", include_str!("../../docs/own-model.md")),
    ("scenarios", include_str!("../../docs/scenarios.md")),
    ("models", include_str!("../../docs/models.md")),
    ("reference", include_str!("../../docs/reference.md")),
    ("numerics", include_str!("../../docs/numerics.md")),
    ("evidence", include_str!("../../docs/evidence.md")),
    ("performance", include_str!("../../docs/performance.md")),
    ("architecture", include_str!("../../docs/architecture.md")),
    ("contributing", include_str!("../../docs/contributing.md")),
];

#[derive(Args)]
pub struct DocsArguments {
    /// The page; without one, all topics are listed
    topic: Option<String>,
}

pub fn command(arguments: &DocsArguments) -> Result<()> {
    let Some(topic) = &arguments.topic else {
        PAGES.iter().for_each(|(topic, page)| say(format!("{topic:<14}{}", title(page))));
        return Ok(());
    };
    let (_, page) = PAGES.iter().find(|(own, _)| own == topic).ok_or_else(|| {
        let topics = PAGES.map(|(own, _)| own);
        Error::input(format!("there is no page `{topic}`")).help(suggestion(topic, topics))
    })?;
    say(page.trim_end());
    Ok(())
}

/// The heading of a page.
fn title(page: &str) -> &str {
    page.lines().next().map_or("", |line| line.trim_start_matches('#').trim())
}
