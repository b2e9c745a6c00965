//! `dermasim strike`: one needle, one strike, closely.

use std::path::PathBuf;

use clap::Args;
use serde_json::Map;

use super::keep;
use super::terminal::{number, print, say, short, table};
use crate::base::error::{Error, Result};
use crate::base::folder::Draft;
use crate::present::output::file;
use crate::present::plot;
use crate::scenario::{Change, Plan, Scenario};
use crate::skin::catalogue::Mechanics;
use crate::skin::needling::Single;

#[derive(Args)]
pub struct StrikeArguments {
    /// The scenario file
    scenario: PathBuf,
    /// Where the figures go [default: output/strike-NAME]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Change an option of the scenario or a number of a model, as "needling.length=1 mm"
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print everything as JSON, in SI units, and draw nothing
    #[arg(long)]
    json: bool,
    /// Replace the strike of another scenario, or with other settings
    #[arg(long)]
    force: bool,
}

pub fn command(arguments: &StrikeArguments) -> Result<()> {
    let changes = arguments.set.iter().map(|change| Change::parse(change)).collect::<Result<Vec<_>>>()?;
    let plan = Scenario::read(&arguments.scenario)?.with(changes).plan()?;
    let strike = plan.strike()?;
    let json = || {
        serde_json::to_string_pretty(&strike)
            .map_err(|cause| Error::simulation(format!("a strike could not be told as JSON: {cause}")))
    };
    if arguments.json {
        print(&json()?);
        return Ok(());
    }
    let folder = keep::folder(arguments.out.as_deref(), &format!("strike-{}", plan.name));
    let draft = Draft::begin(&folder, keep::identity("strike", &plan), arguments.force, false)?;
    let fresh = draft.folder()?;
    file::write(&fresh.join("strike.json"), json()?)?;
    plot::draw_strike(&strike, &fresh)?;
    keep::finish(draft, Map::new())?;
    say(told(&plan, &strike));
    say(format!("\n{}", short(&folder)));
    Ok(())
}

/// A strike in words and tables.
fn told(plan: &Plan, strike: &Single) -> String {
    let millimetres = |value: f64| format!("{:.3} mm", value * 1e3);
    let newtons = |value: f64| format!("{:.1} mN", value * 1e3);
    let mut lines = vec![format!(
        "{} at {}, on {}: mean needle, hand and skin\n",
        plan.protocol.as_ref().map_or("a needle", |protocol| protocol.device.name.as_str()),
        millimetres(strike.length),
        plan.tissue.name,
    )];
    let mut rows = vec![
        ["dome of skin in the device".to_owned(), millimetres(strike.dome)],
        ["reach beyond the skin".into(), millimetres(strike.reach)],
    ];
    match strike.pierced {
        Some(pierced) => rows.extend([
            ["the tip pierces after".into(), format!("{:.3} ms", pierced.time * 1e3)],
            ["  at a dent of".into(), millimetres(pierced.deflection)],
            ["  under".into(), newtons(pierced.force)],
        ]),
        None => rows.push(["the tip pierces".into(), "not".into()]),
    }
    let [tearing, spreading, friction] = strike.parts;
    rows.extend([
        ["depth of the hole".into(), millimetres(strike.depth)],
        ["radius at the surface, needle in".into(), format!("{:.0} µm", strike.radius[0] * 1e6)],
        ["radius of the torn opening".into(), format!("{:.0} µm", strike.radius[1] * 1e6)],
        ["largest force".into(), newtons(strike.peak_force)],
        ["  tearing, at the deepest".into(), newtons(tearing)],
        ["  spreading".into(), newtons(spreading)],
        ["  friction".into(), newtons(friction)],
        ["largest pull on the way out".into(), newtons(strike.peak_pull)],
    ]);
    if let Some(limit) = strike.limit {
        let met = if strike.limited { "met" } else { "not met" };
        rows.push(["limit of force, each needle".into(), format!("{}, {met}", newtons(limit))]);
    }
    let wide = rows.iter().map(|[name, _]| name.chars().count()).max().unwrap_or(0);
    lines.extend(rows.iter().map(|[name, value]| format!("{name:<wide$}  {value:>10}")));
    let mut header = vec!["layer", "from mm", "to mm", "channel mm", "needle µm", "strain"];
    header.extend(["loops", "plexus", "mid dermis", "deep"]);
    let rows: Vec<Vec<String>> = strike
        .layers
        .iter()
        .map(|layer| {
            let mut row = vec![layer.name.clone()];
            let numbers = [layer.top * 1e3, layer.bottom * 1e3, layer.path * 1e3, layer.radius * 1e6, layer.strain];
            row.extend(numbers.map(|value| number(Some((value * 1e4).round() / 1e4))));
            row.extend(layer.ruptures.map(|value| number(Some((value * 1e4).round() / 1e4))));
            row
        })
        .collect();
    lines.push(format!("\n{}", table(&header, &rows)));
    let mut sums = [0.0; Mechanics::CLASSES.len()];
    for layer in &strike.layers {
        for (sum, own) in sums.iter_mut().zip(layer.ruptures) {
            *sum += own;
        }
    }
    let risks = Mechanics::CLASSES
        .iter()
        .zip(sums)
        .map(|(name, mean)| format!("{} {:.1} %", name.replace('_', " "), 100.0 * (1.0 - (-mean).exp())));
    lines.push(format!(
        "\nstrain: largest just before the tip pierces, 0.1 mm and more from the axis; vessels: ruptures expected.\n\
         Probability that this strike ruptures at least one: {}.",
        risks.collect::<Vec<_>>().join(", ")
    ));
    lines.join("\n")
}
