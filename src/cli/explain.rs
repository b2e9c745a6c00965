//! `dermasim explain`: one name, told from its declaration. Nothing here is written a second time.

use std::path::Path;

use clap::Args;

use super::terminal::{say, table};
use crate::catalogue::{self, Device, Kind, Mechanics, Operator, Tissue};
use crate::error::{Error, Result, suggestion};
use crate::language::{Condition, Constant, Definition, Expression, Field, FieldKind, Layered, Mention, Model};
use crate::sourced::{Choice, Sourced};

#[derive(Args)]
pub struct Arguments {
    /// A field, constant, process, observable … of the response model, or a file of the catalogue
    name: String,
    /// The response model, by name or path
    #[arg(long, default_value = "default")]
    model: String,
    /// Equations as LaTeX, for papers
    #[arg(long)]
    latex: bool,
}

pub fn command(arguments: &Arguments) -> Result<()> {
    let name = arguments.name.as_str();
    let model = super::list::read(&arguments.model)?;
    let teller = Teller { model: &model, latex: arguments.latex };
    let told = [teller.part(name), file(name)?].into_iter().flatten().collect::<Vec<_>>();
    if told.is_empty() {
        let known = teller.names();
        let files: Vec<String> =
            Kind::ALL.into_iter().flat_map(|kind| catalogue::list(kind).into_iter().map(|entry| entry.name)).collect();
        let all: Vec<&str> = known.iter().copied().chain(files.iter().map(String::as_str)).collect();
        return Err(Error::input(format!("nothing is called `{name}`")).help(suggestion(name, all)));
    }
    say(told.join("\n\n"));
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

/// Tells about the parts of one response model.
struct Teller<'a> {
    model: &'a Model,
    latex: bool,
}

impl Teller<'_> {
    /// Everything that has a name.
    fn names(&self) -> Vec<&str> {
        let model = self.model;
        let maps: [Vec<&String>; 7] = [
            model.fields.keys().collect(),
            model.constants.keys().collect(),
            model.signals.keys().collect(),
            model.intermediates.keys().collect(),
            model.processes.keys().collect(),
            model.regions.keys().collect(),
            model.observables.keys().collect(),
        ];
        maps.into_iter().flatten().map(String::as_str).collect()
    }

    /// What there is to say of a part of the model.
    fn part(&self, name: &str) -> Option<String> {
        let model = self.model;
        let mut lines = Vec::new();
        if let Some(field) = model.fields.get(name) {
            lines = self.field(name, field);
        } else if let Some(constant) = model.constants.get(name) {
            lines.push(format!("{name} — constant of the model `{}`", model.name));
            lines.extend(said(&constant.what));
            lines.push(format!("  value     {}", value(constant)));
            if let Some([low, high]) = constant.number().and_then(|number| number.range) {
                lines.push(format!("  range     {low} to {high} (SI units)"));
            }
            lines.push(format!("  evidence  {}", standing(constant)));
            lines.push(format!("  source    {}", constant.source));
        } else if let Some(signal) = model.signals.get(name) {
            lines.push(format!(
                "{name} — signal, set by the scenario, in {}; {} unless set",
                signal.unit, signal.default
            ));
            lines.extend(said(&signal.what));
        } else if let Some(intermediate) = model.intermediates.get(name) {
            lines.push(format!("{name} — named expression"));
            lines.extend(said(&intermediate.what));
            lines.push(format!("  {name} = {}", self.formula(&intermediate.value)));
            lines.extend(from(&intermediate.source));
        } else if let Some(process) = model.processes.get(name) {
            lines.push(format!("{name} — process"));
            lines.extend(said(&process.what));
            lines.extend(process.rate.iter().map(|rate| format!("  rate = {}", self.formula(rate))));
            for (verb, list) in [("takes", &process.takes), ("gives", &process.gives), ("changes", &process.changes)] {
                lines.extend(
                    list.iter()
                        .map(|(field, expression)| format!("  {verb} {}: {}", field.name, self.formula(expression))),
                );
            }
            lines.extend(process.layers.iter().map(|layers| format!("  only in {}", listed(layers))));
            lines.extend(from(&process.source));
        } else if let Some(observable) = model.observables.get(name) {
            lines.push(format!("{name} — observable ({}), in {}", observable.group, observable.unit));
            lines.extend(said(&observable.what));
            lines.push(format!("  {name} = {}", self.formula(&observable.value)));
            lines.extend(from(&observable.source));
        } else if let Some(region) = model.regions.get(name) {
            let to = if region.to.is_finite() { format!("{} mm", region.to * 1e3) } else { "the bottom".into() };
            lines.push(format!("{name} — region, from {} mm to {to}", region.from * 1e3));
            lines.extend(said(&region.what));
            lines.extend(region.layers.iter().map(|layers| format!("  in {}", listed(layers))));
        } else {
            return None;
        }
        lines.extend(self.constants_of(name));
        let users = self.users(name);
        if !users.is_empty() {
            lines.push(format!("\nUsed by {}", users.join(", ")));
        }
        Some(lines.join("\n"))
    }

    fn field(&self, name: &str, field: &Field) -> Vec<String> {
        let kind = match field.kind {
            FieldKind::Volume => "field in the tissue",
            FieldKind::Surface => "field on the skin's surface",
            FieldKind::QuasiSteady => "field in balance at every moment",
        };
        let mut lines = vec![format!("{name} — {kind}, in {}", field.unit)];
        lines.extend(said(&field.what));
        lines.extend(field.symbol.iter().map(|symbol| format!("  symbol    {symbol}")));
        lines.push(format!("  lives in  {}", field.lives_in.as_deref().map_or("all layers".into(), listed)));
        lines.extend(field.rest.iter().map(|rest| format!("  at rest   {}", self.layered(rest))));
        lines.extend(from(&field.source));
        lines.push(String::new());
        lines.extend(self.equation(name, field));
        lines
    }

    /// The equation of a field: transport, then one line for each process.
    fn equation(&self, name: &str, field: &Field) -> Vec<String> {
        let symbol = if self.latex { self.symbol(name) } else { name.to_owned() };
        let left = match (field.kind, self.latex) {
            (FieldKind::QuasiSteady, _) => "0".to_owned(),
            (_, true) => format!(r"\frac{{\partial {symbol}}}{{\partial t}}"),
            (_, false) => format!("∂{symbol}/∂t"),
        };
        let mut terms: Vec<(String, String)> = Vec::new();
        if let Some(diffusivity) = &field.diffusivity {
            let diffusivity = self.layered(diffusivity);
            terms.push(match self.latex {
                true => (format!(r"+ \nabla\!\cdot\!\left({diffusivity}\,\nabla {symbol}\right)"), "diffusion".into()),
                false => (format!("+ ∇·(({diffusivity}) ∇{symbol})"), "diffusion".into()),
            });
        }
        for (along, sensitivity) in &field.chemotaxis {
            let sensitivity = self.layered(sensitivity);
            let followed = if self.latex { self.symbol(&along.name) } else { along.name.clone() };
            terms.push(match self.latex {
                true => (
                    format!(r"- \nabla\!\cdot\!\left({sensitivity}\,{symbol}\,\nabla {followed}\right)"),
                    format!("follows {}", along.name),
                ),
                false => (format!("− ∇·(({sensitivity}) {symbol} ∇{followed})"), format!("follows {}", along.name)),
            });
        }
        for (process_name, process) in &self.model.processes {
            let rate = process.rate.as_ref().map(|rate| self.formula(rate)).unwrap_or_default();
            for (sign, list) in [("−", &process.takes), ("+", &process.gives)] {
                for (_, coefficient) in list.iter().filter(|(own, _)| own.name == name) {
                    let sign = if self.latex && sign == "−" { "-" } else { sign };
                    let term = match (coefficient.text.trim(), self.latex) {
                        ("1" | "1.0", true) => format!("{sign} {rate}"),
                        ("1" | "1.0", false) => format!("{sign} ({rate})"),
                        (_, true) => format!(r"{sign} {} \left({rate}\right)", self.formula(coefficient)),
                        (text, false) => format!("{sign} ({text}) ({rate})"),
                    };
                    terms.push((term, process_name.clone()));
                }
            }
            for (_, change) in process.changes.iter().filter(|(own, _)| own.name == name) {
                terms.push((format!("+ {}", self.formula(change)), process_name.clone()));
            }
        }
        let mut lines = Vec::new();
        if self.latex {
            lines.push(r"\begin{aligned}".into());
            let last = terms.len().saturating_sub(1);
            for (i, (term, what)) in terms.iter().enumerate() {
                let head = if i == 0 { format!("{left} &= ") } else { "&\\quad ".into() };
                let end = if i == last { "" } else { r" \\" };
                lines.push(format!("{head}{term}{end} % {what}"));
            }
            lines.push(r"\end{aligned}".into());
        } else {
            lines.push(format!("{left} ="));
            let rows: Vec<Vec<String>> =
                terms.into_iter().map(|(term, what)| vec![format!("    {term}"), what]).collect();
            lines.extend(table(&["", ""], &rows).lines().skip(1).map(str::to_owned));
        }
        for (face, condition) in ["top", "bottom", "left", "right", "front", "back"].iter().zip(&field.boundary) {
            match condition {
                Some(Condition::Value(value)) => {
                    lines.push(format!("  at the {face}: {name} = {}", self.formula(value)))
                }
                Some(Condition::Exchange { exchange, outside }) => {
                    lines.push(format!(
                        "  at the {face}: flux in = {} · ({} − {name})",
                        self.formula(exchange),
                        self.formula(outside)
                    ));
                }
                Some(Condition::NoFlux) | None => {}
            }
        }
        lines
    }

    /// The constants in the formulas of a name, with their sources.
    fn constants_of(&self, name: &str) -> Vec<String> {
        let texts = self.formulas(name);
        let used: Vec<Vec<String>> = self
            .model
            .constants
            .iter()
            .filter(|(own, _)| *own != name && texts.iter().any(|text| mentions(text, own)))
            .map(|(own, constant)| {
                vec![format!("  {own}"), value(constant), standing(constant), constant.source.clone()]
            })
            .collect();
        if used.is_empty() {
            Vec::new()
        } else {
            vec![String::new(), table(&["  constant", "value", "evidence", "source"], &used)]
        }
    }

    /// The formulas that belong to a name: its own, and those of the processes that change it.
    fn formulas(&self, name: &str) -> Vec<&str> {
        let model = self.model;
        let mut all: Vec<&Expression> = Vec::new();
        if let Some(field) = model.fields.get(name) {
            all.extend(
                field.diffusivity.iter().chain(&field.rest).chain(&field.initial).flat_map(Layered::expressions),
            );
            all.extend(field.chemotaxis.iter().flat_map(|(_, sensitivity)| sensitivity.expressions()));
        }
        for (own, process) in &model.processes {
            let changed = process.takes.iter().chain(&process.gives).chain(&process.changes);
            let mine: Vec<&(Mention, Expression)> =
                changed.filter(|(field, _)| own == name || field.name == name).collect();
            if !mine.is_empty() {
                all.extend(&process.rate);
                all.extend(mine.into_iter().map(|(_, expression)| expression));
            }
        }
        all.extend(model.intermediates.get(name).map(|one| &one.value));
        all.extend(model.observables.get(name).map(|one| &one.value));
        if let Some(Definition::Expression(expression)) = model.constants.get(name).map(|constant| &constant.definition)
        {
            all.push(expression);
        }
        all.into_iter().map(|expression| expression.text.as_str()).collect()
    }

    /// What uses a name in its formulas.
    fn users(&self, name: &str) -> Vec<String> {
        let model = self.model;
        let others = (model.fields.keys().chain(model.processes.keys()))
            .chain(model.intermediates.keys())
            .chain(model.observables.keys())
            .chain(model.constants.keys());
        let mut users: Vec<String> = others
            .filter(|other| *other != name && self.own_formulas(other).iter().any(|text| mentions(text, name)))
            .cloned()
            .collect();
        for (event, own) in [("a puncture", &model.puncture), ("a session", &model.session)] {
            let texts =
                own.intermediates.values().map(|one| &one.value).chain(own.effects.iter().map(|(_, effect)| effect));
            let changed = own.effects.iter().any(|(field, _)| field.name == name);
            if changed || texts.into_iter().any(|expression| mentions(&expression.text, name)) {
                users.push(event.into());
            }
        }
        users
    }

    /// The formulas that stand under a name itself.
    fn own_formulas(&self, name: &str) -> Vec<&str> {
        match self.model.processes.contains_key(name) || !self.model.fields.contains_key(name) {
            true => self.formulas(name),
            false => {
                let field = &self.model.fields[name];
                let all =
                    field.diffusivity.iter().chain(&field.rest).chain(&field.initial).flat_map(Layered::expressions);
                all.chain(field.chemotaxis.iter().flat_map(|(_, own)| own.expressions()))
                    .map(|one| one.text.as_str())
                    .collect()
            }
        }
    }

    fn layered(&self, layered: &Layered) -> String {
        match layered {
            Layered::One(expression) => self.formula(expression),
            Layered::Table(table) => {
                let parts =
                    table.iter().map(|(layer, expression)| format!("{}: {}", layer.name, self.formula(expression)));
                parts.collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn formula(&self, expression: &Expression) -> String {
        expression.text.clone()
    }

    fn symbol(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// A file of the catalogue.
fn file(name: &str) -> Result<Option<String>> {
    for kind in Kind::ALL {
        if !catalogue::list(kind).iter().any(|entry| entry.name == name) || kind == Kind::Response {
            continue;
        }
        let source = catalogue::find(kind, name, Some(Path::new("")))?;
        let (what, numbers) = match kind {
            Kind::Tissue => told(Tissue::read(&source)?, |own| own.what.clone(), Tissue::numbers),
            Kind::Device => told(Device::read(&source)?, |own| own.what.clone(), Device::numbers),
            Kind::Operator => told(Operator::read(&source)?, |own| own.what.clone(), Operator::numbers),
            _ => told(Mechanics::read(&source)?, |_| String::new(), Mechanics::numbers),
        };
        let header = ["  number", "value", "evidence", "source"];
        return Ok(Some(format!("{name} — {kind}\n  {what}\n\n{}", table(&header, &numbers))));
    }
    let models = catalogue::list(Kind::Response);
    let found = models.iter().find(|entry| entry.name == name);
    Ok(found.map(|entry| {
        format!(
            "{name} — response model\n  {}\n\n`dermasim list fields --model {name}` shows what it holds",
            entry.what
        )
    }))
}

/// What a file says of itself, and its numbers in rows.
fn told<T>(
    own: T,
    what: impl Fn(&T) -> String,
    numbers: impl for<'a> Fn(&'a T) -> Vec<(String, &'a Sourced)>,
) -> (String, Vec<Vec<String>>) {
    let row = |(key, number): (String, &Sourced)| {
        let checked = if number.checked { "" } else { ", unchecked" };
        let evidence = format!("{:?}{checked}", number.evidence).to_lowercase();
        vec![format!("  {key}"), shown(number), evidence, number.source.clone()]
    };
    (what(&own), numbers(&own).into_iter().map(row).collect())
}

fn standing(constant: &Constant) -> String {
    let checked = if constant.checked { "" } else { ", recalled and not read again" };
    format!("{:?}{checked}", constant.evidence).to_lowercase()
}

fn said(what: &str) -> Option<String> {
    (!what.is_empty()).then(|| format!("  {what}"))
}

fn from(source: &str) -> Option<String> {
    (!source.is_empty()).then(|| format!("  source    {source}"))
}

fn listed(mentions: &[Mention]) -> String {
    mentions.iter().map(|own| own.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Whether a formula has this name in it, as a whole word.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_whole_words() {
        assert!(mentions("d_T * T", "T") && !mentions("d_T * K_TC", "T"));
    }
}
