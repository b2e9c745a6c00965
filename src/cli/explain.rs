//! `dermasim explain`: one name, told from its declaration. Nothing here is written a second time.

use std::path::Path;

use clap::Args;

use super::terminal::{say, table};
use crate::base::error::{Error, Result, suggestion};
use crate::base::sourced::{Choice, Sourced};
use crate::engine::language::{Constant, Definition, Model};
use crate::scenario::ModelFile;
use crate::skin::catalogue::{self, CatalogueKind};

#[derive(Args)]
pub struct ExplainArguments {
    /// A field, constant, process, observable … of the response model, or a file of the catalogue
    name: String,
    /// The response model, by name or path
    #[arg(long, default_value = "default")]
    model: String,
    /// The equation as LaTeX, for papers
    #[arg(long)]
    latex: bool,
}

pub fn command(arguments: &ExplainArguments) -> Result<()> {
    let name = arguments.name.as_str();
    let model = read(&arguments.model)?;
    if arguments.latex {
        let equation = model.latex(name).ok_or_else(|| {
            let known: Vec<&str> = (model.fields.keys().chain(model.constants.keys()))
                .chain(model.intermediates.keys())
                .chain(model.observables.keys())
                .map(String::as_str)
                .collect();
            Error::input(format!("nothing with an equation is called `{name}`")).help(suggestion(name, known))
        })?;
        say(equation);
        return Ok(());
    }
    let told: Vec<String> = model.explain(name).into_iter().chain(file(name)?).collect();
    if told.is_empty() {
        let files: Vec<String> = CatalogueKind::ALL
            .into_iter()
            .flat_map(|kind| catalogue::list(kind).into_iter().map(|entry| entry.name))
            .collect();
        let all: Vec<&str> = model.names().chain(files.iter().map(String::as_str)).collect();
        return Err(Error::input(format!("nothing is called `{name}`")).help(suggestion(name, all)));
    }
    say(told.iter().map(|text| text.trim_end()).collect::<Vec<_>>().join("\n\n"));
    Ok(())
}

/// The value of a constant in a word.
pub fn value(constant: &Constant) -> String {
    match &constant.definition {
        Definition::Number(number) => shown(number),
        Definition::Expression(expression) => format!("= {}", expression.text),
    }
}

fn shown(number: &Sourced) -> String {
    match &number.value {
        Choice::One(_) => number.text.clone(),
        Choice::By(by, _) => format!("by {by}: {}", number.text.trim()),
    }
}

/// A file of the catalogue.
fn file(name: &str) -> Result<Option<String>> {
    let known = |kind: &CatalogueKind| catalogue::list(*kind).into_iter().find(|entry| entry.name == name);
    let Some((kind, entry)) = CatalogueKind::ALL.into_iter().find_map(|kind| Some((kind, known(&kind)?))) else {
        return Ok(None);
    };
    let head = format!("{name} — {kind}\n  {}", entry.what);
    if kind == CatalogueKind::Response {
        return Ok(Some(format!("{head}\n\n`dermasim list fields --model {name}` shows what it holds")));
    }
    let file = ModelFile::open(kind, name, Path::new(""))?;
    let rows: Vec<Vec<String>> = file
        .numbers()?
        .into_iter()
        .map(|number| {
            let checked = if number.checked { "" } else { ", unchecked" };
            let checked = if number.drawn { checked.to_owned() } else { format!("{checked}, not drawn") };
            let evidence = format!("{:?}{checked}", number.evidence).to_lowercase();
            vec![format!("  {}", number.key), number.text, evidence, number.source]
        })
        .collect();
    Ok(Some(format!("{head}\n\n{}", table(&["  number", "value", "evidence", "source"], &rows))))
}

/// The response model of a name or a path.
pub fn read(name: &str) -> Result<Model> {
    crate::skin::model(&catalogue::find(CatalogueKind::Response, name, Some(Path::new("")))?)
}
