//! `dermasim list`: what there is to choose from, taken from the declarations themselves.

use clap::Args;

use super::explain;
use super::terminal::{say, table};
use crate::base::error::{Error, Result, suggestion};
use crate::engine::language::{FieldKind, Model};
use crate::skin::catalogue::{self, CatalogueKind};

#[derive(Args)]
pub struct ListArguments {
    /// tissues, devices, operators, responses, mechanics, lesions, wounds, agents, persons, populations, rules, costs; or fields, constants, signals, processes, intermediates,
    /// regions, observables of a response model
    kind: Option<String>,
    /// The response model, by name or path
    #[arg(long, default_value = "default")]
    model: String,
}

/// The kinds of files, as people call them.
const FILES: [(&str, CatalogueKind); 12] = [
    ("tissues", CatalogueKind::Tissue),
    ("devices", CatalogueKind::Device),
    ("operators", CatalogueKind::Operator),
    ("responses", CatalogueKind::Response),
    ("mechanics", CatalogueKind::Mechanics),
    ("lesions", CatalogueKind::Lesion),
    ("wounds", CatalogueKind::Wound),
    ("agents", CatalogueKind::Agent),
    ("persons", CatalogueKind::Person),
    ("populations", CatalogueKind::Population),
    ("rules", CatalogueKind::Rules),
    ("costs", CatalogueKind::Cost),
];
/// What a response model holds.
const PARTS: [&str; 7] = ["fields", "constants", "signals", "processes", "intermediates", "regions", "observables"];

pub fn command(arguments: &ListArguments) -> Result<()> {
    let Some(kind) = &arguments.kind else {
        for (name, kind) in FILES {
            say(format!("{name}\n{}\n", indented(&files(kind))));
        }
        say(format!("Also: {} (of the response model, --model NAME)", PARTS.join(", ")));
        return Ok(());
    };
    // "tissue" is as good as "tissues".
    let wanted =
        |name: &str| name == kind || name.strip_suffix('s') == Some(kind) || (name == "processes" && kind == "process");
    if let Some((_, kind)) = FILES.into_iter().find(|(name, _)| wanted(name)) {
        say(files(kind));
        return Ok(());
    }
    if let Some(part) = PARTS.into_iter().find(|name| wanted(name)) {
        say(parts(&explain::read(&arguments.model)?, part));
        return Ok(());
    }
    let known: Vec<&str> = FILES.iter().map(|(name, _)| *name).chain(PARTS).collect();
    Err(Error::input(format!("there is no list of `{kind}`")).help(suggestion(kind, known)))
}

fn files(kind: CatalogueKind) -> String {
    let entries = catalogue::list(kind);
    let row = |entry: &catalogue::CatalogueEntry| {
        let local = if entry.local { "(local)" } else { "" };
        vec![entry.name.clone(), entry.what.clone(), local.into()]
    };
    table(&["name", "what it is", ""], &entries.iter().map(row).collect::<Vec<_>>())
}

fn parts(model: &Model, part: &str) -> String {
    let (header, rows): (&[&str], Vec<Vec<String>>) = match part {
        "fields" => (
            &["name", "unit", "kind", "what it is"],
            model
                .fields
                .iter()
                .map(|(name, field)| {
                    let kind = match field.kind {
                        FieldKind::Volume => "volume",
                        FieldKind::Surface => "surface",
                        FieldKind::QuasiSteady => "quasi-steady",
                    };
                    vec![name.clone(), field.unit.to_string(), kind.into(), field.what.clone()]
                })
                .collect(),
        ),
        "constants" => (
            &["name", "value", "evidence", "what it is"],
            model
                .constants
                .iter()
                .map(|(name, constant)| {
                    let evidence = format!("{:?}", constant.evidence).to_lowercase();
                    let checked = if constant.checked { "" } else { ", unchecked" };
                    vec![name.clone(), explain::value(constant), evidence + checked, constant.what.clone()]
                })
                .collect(),
        ),
        "signals" => (
            &["name", "unit", "what it is"],
            model
                .signals
                .iter()
                .map(|(name, one)| vec![name.clone(), one.unit.to_string(), one.what.clone()])
                .collect(),
        ),
        "processes" => (
            &["name", "what happens"],
            model.processes.iter().map(|(name, one)| vec![name.clone(), one.what.clone()]).collect(),
        ),
        "intermediates" => (
            &["name", "value", "what it is"],
            model
                .intermediates
                .iter()
                .map(|(name, one)| vec![name.clone(), one.value.text.clone(), one.what.clone()])
                .collect(),
        ),
        "regions" => (
            &["name", "what it is"],
            model.regions.iter().map(|(name, one)| vec![name.clone(), one.what.clone()]).collect(),
        ),
        _ => (
            &["name", "unit", "group", "what it means"],
            model
                .observables
                .iter()
                .map(|(name, one)| vec![name.clone(), one.unit.to_string(), one.group.clone(), one.what.clone()])
                .collect(),
        ),
    };
    table(header, &rows)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
