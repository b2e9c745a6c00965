//! What a name of a model means, for people: words, equation, unit, the numbers behind it and where it is used.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::engine::language::check;
use crate::engine::language::model::{
    Along, Condition, Constant, Definition, Event, FACES, Field, FieldKind, Layered, Mention, Model, Process, Timed,
};
use crate::engine::language::names::{self, FUNCTIONS, LocalAct, Meaning};
use crate::engine::language::syntax::Expression;

impl Model {
    /// Every name the model knows, for suggestions: constants, signals, fields, intermediates, processes, observables and
    /// regions.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let own = self.constants.keys().chain(self.signals.keys()).chain(self.fields.keys());
        let more = self.tables().flat_map(|(_, table)| table.keys());
        let rest = self.processes.keys().chain(self.events.keys());
        let last = self.observables.keys().chain(self.regions.keys());
        own.chain(more).chain(rest).chain(last).map(String::as_str)
    }

    /// What a name means: words, equation, unit, constants with value, source, evidence and range, and where it is used.
    /// `None` if the model does not know it.
    pub fn explain(&self, name: &str) -> Option<String> {
        let mut text = String::new();
        if let Some(constant) = self.constants.get(name) {
            self.explain_constant(&mut text, name, constant);
        } else if let Some(signal) = self.signals.get(name) {
            heading(&mut text, name, &signal.what, "signal, set by the scenario");
            line(&mut text, "unit", &signal.unit.text);
            line(&mut text, "default", &format!("{}", signal.unit.of(signal.default)));
        } else if let Some(field) = self.fields.get(name) {
            self.explain_field(&mut text, name, field);
        } else if let Some((what, value)) = self.named(name) {
            heading(&mut text, name, what, "intermediate");
            let _ = writeln!(text, "\n  {name} = {}", value.text);
            self.behind(&mut text, &[value]);
        } else if let Some(process) = self.processes.get(name) {
            self.explain_process(&mut text, name, process);
        } else if let Some(timed) = self.events.get(name) {
            self.explain_event(&mut text, name, timed);
        } else if let Some(observable) = self.observables.get(name) {
            heading(&mut text, name, &observable.what, &format!("observable ({})", observable.group));
            line(&mut text, "unit", &observable.unit.text);
            line(&mut text, "source", &observable.source);
            let _ = writeln!(text, "\n  {name} = {}", observable.value.text);
            self.behind(&mut text, &[&observable.value]);
        } else if let Some(region) = self.regions.get(name) {
            heading(&mut text, name, &region.what, "region");
            if let Some(layers) = &region.layers {
                line(&mut text, "layers", &list(layers));
            }
            line(&mut text, "depth", &format!("{} m to {} m", region.from, region.to));
        } else if let Some((dimension, _, what)) = names::variable(self.symbols.host, name) {
            heading(&mut text, name, what, &format!("variable, in {}", self.physical(dimension)));
        } else if let Some(function) = FUNCTIONS.iter().find(|function| function.0 == name) {
            heading(&mut text, name, function.3, "function");
        } else {
            return None;
        }
        self.users(&mut text, name);
        Some(text)
    }

    fn explain_constant(&self, text: &mut String, name: &str, constant: &Constant) {
        heading(text, name, &constant.what, "constant");
        line(text, "value", &self.value_of(constant));
        self.provenance(text, constant);
        if let Definition::Expression(expression) = &constant.definition {
            self.behind(text, &[expression]);
        }
    }

    fn provenance(&self, text: &mut String, constant: &Constant) {
        line(text, "evidence", &evidence(constant));
        line(text, "source", &constant.source);
        if let Some(range) = constant.number().and_then(|number| self.range_of(number)) {
            line(text, "range", &range);
        }
    }

    fn value_of(&self, constant: &Constant) -> String {
        match &constant.definition {
            Definition::Number(number) => match &number.value {
                crate::base::sourced::Choice::One(_) => number.text.clone(),
                crate::base::sourced::Choice::By(by, _) => format!("{} (by {by})", number.text),
            },
            Definition::Expression(expression) => expression.text.clone(),
        }
    }

    /// The range as it stands in the file, else in SI units.
    fn range_of(&self, number: &crate::base::sourced::Sourced) -> Option<String> {
        let [low, high] = number.range?;
        let unit = number.text.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.eE".contains(c)).trim();
        let factor = unit.parse::<crate::base::units::Unit>().map_or(1.0, |unit| unit.factor);
        let shown = |value: f64| {
            let rounded = format!("{:.6e}", value / factor).parse::<f64>().unwrap_or(value);
            format!("{rounded}")
        };
        Some(format!("{} to {} {unit}", shown(low), shown(high)).trim_end().to_owned())
    }

    fn explain_field(&self, text: &mut String, name: &str, field: &Field) {
        let kind = match field.kind {
            FieldKind::Volume => "field in the cells",
            FieldKind::Surface => "field on the surface",
            FieldKind::QuasiSteady => "field in the cells, in balance at every moment",
        };
        heading(text, name, &field.what, kind);
        line(text, "unit", &field.unit.text);
        if let Some(layers) = &field.lives_in {
            line(text, "lives in", &list(layers));
        }
        match (&field.rest, field.kind) {
            (Some(rest), _) => line(text, "at rest", &layered(rest)),
            (None, FieldKind::QuasiSteady) => line(text, "at rest", "solved from its balance"),
            (None, _) => line(text, "at rest", "0"),
        }
        if let Some(initial) = &field.initial {
            line(text, "at start", &layered(initial));
        }
        if field.signed {
            line(text, "sign", "may be negative");
        }
        line(text, "source", &field.source);
        let mut used: Vec<&Expression> = Vec::new();
        text.push('\n');
        let left = if field.kind == FieldKind::QuasiSteady { "0".to_owned() } else { format!("d{name}/dt") };
        let _ = write!(text, "  {left} =");
        let mut empty = true;
        if let Some(diffusivity) = &field.diffusivity {
            let own = if field.across.is_empty() {
                wrapped(&layered(diffusivity))
            } else {
                by_axis(diffusivity, &field.across)
            };
            let _ = write!(text, " div({own} * grad {name})");
            used.extend(diffusivity.expressions());
            used.extend(field.across.iter().flat_map(|along| along.value.expressions()));
            empty = false;
        }
        for along in &field.drift {
            let _ = write!(text, " - d({} * {name})/d{}", wrapped(&layered(&along.value)), along.axis.name);
            used.extend(along.value.expressions());
            empty = false;
        }
        for (along, sensitivity) in &field.chemotaxis {
            let _ = write!(text, " - div({} * {name} * grad {})", wrapped(&layered(sensitivity)), along.name);
            used.extend(sensitivity.expressions());
            empty = false;
        }
        let terms = self.terms(name);
        for term in &terms {
            let sign = if term.gain { '+' } else { '-' };
            let parts: Vec<String> =
                [term.factor, term.rate].into_iter().flatten().map(|part| wrapped(&part.text)).collect();
            let (process_name, process) = term.process;
            let only = process.layers.as_ref().map(|layers| format!(", in {}", list(layers))).unwrap_or_default();
            let _ = write!(text, "\n    {sign} {}    ({process_name}{only})", parts.join(" * "));
            used.extend([term.factor, term.rate].into_iter().flatten());
        }
        text.push_str(if empty && terms.is_empty() { " 0\n" } else { "\n" });
        for (face, on_face) in FACES.iter().zip(&field.boundary) {
            match on_face.as_ref().map(|on_face| &on_face.condition) {
                Some(Condition::Value(value)) => {
                    line(text, face, &format!("{name} = {}", value.text));
                    used.push(value);
                }
                Some(Condition::Exchange { exchange, outside }) => {
                    line(
                        text,
                        face,
                        &format!("flux inwards = {} * ({} - {name})", wrapped(&exchange.text), outside.text),
                    );
                    used.extend([exchange, outside]);
                }
                Some(Condition::Flux(flux)) => {
                    line(text, face, &format!("flux inwards = {}", flux.text));
                    used.push(flux);
                }
                Some(Condition::Reservoir(film)) => {
                    let partition =
                        film.partition.as_ref().map_or(String::new(), |one| format!("{} * ", wrapped(&one.text)));
                    let of = &film.of.name;
                    line(
                        text,
                        face,
                        &match &film.exchange {
                            Some(exchange) => {
                                format!("flux inwards = {} * ({partition}{of} - {name})", wrapped(&exchange.text))
                            }
                            None => format!("{name} = {partition}{of}"),
                        },
                    );
                    line(text, "", &format!("what comes in leaves `{of}`, a film of {}", film.thickness.text));
                    used.extend(on_face.iter().flat_map(|on_face| on_face.condition.expressions()));
                }
                Some(Condition::NoFlux | Condition::Periodic) | None => {}
            }
        }
        for (event, what) in self.happening() {
            for (_, value) in event.effects.iter().filter(|(target, _)| target.name == name) {
                line(text, &what, &format!("{name} becomes {}", value.text));
                used.push(value);
            }
        }
        used.extend(field.rest.iter().flat_map(Layered::expressions));
        self.behind(text, &used);
    }

    /// What changes fields at a moment, each with its name.
    fn happening(&self) -> impl Iterator<Item = (&Event, String)> {
        let own = self.acts.iter().zip(self.symbols.host.acts).map(|(event, act)| (event, act.table.to_owned()));
        own.chain(self.events.iter().map(|(name, timed)| (&timed.event, format!("event {name}"))))
    }

    fn explain_event(&self, text: &mut String, name: &str, timed: &Timed) {
        heading(text, name, &timed.event.what, "event");
        line(text, "source", &timed.event.source);
        let mut times: Vec<String> = timed.at.iter().map(|time| format!("{time} s")).collect();
        if let Some(every) = timed.every {
            let until = if timed.until.is_finite() { format!(" until {} s", timed.until) } else { String::new() };
            times.push(format!("every {every} s from {} s{until}", timed.from));
        }
        line(text, "at", &times.join(", "));
        for (target, value) in &timed.event.effects {
            line(text, "sets", &format!("{} = {}", target.name, value.text));
        }
        self.behind(text, &timed.event.effects.iter().map(|(_, value)| value).collect::<Vec<_>>());
    }

    fn explain_process(&self, text: &mut String, name: &str, process: &Process) {
        heading(text, name, &process.what, "process");
        line(text, "source", &process.source);
        if let Some(layers) = &process.layers {
            line(text, "layers", &list(layers));
        }
        let mut used: Vec<&Expression> = Vec::new();
        if let Some(rate) = &process.rate {
            line(text, "rate", &rate.text);
            used.push(rate);
        }
        for (what, table) in [("takes", &process.takes), ("gives", &process.gives), ("changes", &process.changes)] {
            for (target, value) in table {
                line(text, what, &format!("{}: {}", target.name, value.text));
                used.push(value);
            }
        }
        self.behind(text, &used);
    }

    /// The intermediates and constants that expressions rest on, each once, with their numbers.
    fn behind(&self, text: &mut String, expressions: &[&Expression]) {
        let (mut constants, mut intermediates) = (BTreeSet::new(), BTreeSet::new());
        let mut open: Vec<(&Expression, Option<LocalAct>)> = Vec::new();
        // A name of an act's own means the same everywhere: names are declared once.
        for (local, _) in self.tables() {
            open.extend(expressions.iter().map(|expression| (*expression, local)));
        }
        while let Some((expression, local)) = open.pop() {
            check::names(&expression.root, &mut |name| match self.symbols.meaning(name, local) {
                Some(Meaning::Constant(index)) => {
                    if constants.insert(index)
                        && let Some((_, Constant { definition: Definition::Expression(inner), .. })) =
                            self.constants.get_index(index)
                    {
                        open.push((inner, None));
                    }
                }
                Some(Meaning::Intermediate(index)) if intermediates.insert(index) => {
                    open.push((self.definition(index), self.symbols.definitions[index].local));
                }
                _ => {}
            });
        }
        if !intermediates.is_empty() {
            text.push_str("\nwhere\n");
        }
        for index in intermediates {
            let definition = &self.symbols.definitions[index];
            if let Some((name, intermediate)) = self.table(definition.local).get_index(definition.index) {
                let what =
                    if intermediate.what.is_empty() { String::new() } else { format!("    ({})", intermediate.what) };
                let _ = writeln!(text, "  {name} = {}{what}", intermediate.value.text);
            }
        }
        if !constants.is_empty() {
            text.push_str("\nconstants\n");
        }
        for index in constants {
            let Some((name, constant)) = self.constants.get_index(index) else { continue };
            let what = if constant.what.is_empty() { String::new() } else { format!("    {}", constant.what) };
            let _ = writeln!(text, "  {name} = {}{what}", self.value_of(constant));
            let range = constant.number().and_then(|number| self.range_of(number));
            let range = range.map(|range| format!(", range {range}")).unwrap_or_default();
            let _ = writeln!(text, "      {}{range}; {}", evidence(constant), constant.source);
        }
    }

    /// Where a name is used.
    fn users(&self, text: &mut String, name: &str) {
        let mentions = |expression: &Expression| {
            let mut found = false;
            check::names(&expression.root, &mut |other| found |= other == name);
            found
        };
        let mut users: Vec<String> = Vec::new();
        for (user, constant) in &self.constants {
            if matches!(&constant.definition, Definition::Expression(expression) if mentions(expression)) {
                users.push(format!("constant {user}"));
            }
        }
        for (user, field) in &self.fields {
            let tables = [&field.rest, &field.initial, &field.diffusivity, &field.reference_density];
            let sensitivities = field.chemotaxis.iter().map(|(_, sensitivity)| sensitivity);
            let follows = field.chemotaxis.iter().any(|(along, _)| along.name == name);
            let conditions = field.boundary.iter().flatten();
            let faces = conditions.flat_map(|on_face| on_face.condition.expressions()).any(mentions);
            let along = field.across.iter().chain(&field.drift).map(|along| &along.value);
            let all = tables.into_iter().flatten().chain(sensitivities).chain(along);
            if follows || faces || all.flat_map(Layered::expressions).any(mentions) {
                users.push(format!("field {user}"));
            }
        }
        for (event, what) in self.happening() {
            let named = event.intermediates.values().map(|intermediate| &intermediate.value);
            if named.chain(event.effects.iter().map(|(_, value)| value)).any(mentions) {
                users.push(what);
            }
        }
        for (user, intermediate) in &self.intermediates {
            if mentions(&intermediate.value) {
                users.push(format!("intermediate {user}"));
            }
        }
        for (user, process) in &self.processes {
            let lists = process.takes.iter().chain(&process.gives).chain(&process.changes).map(|(_, value)| value);
            if process.rate.iter().chain(lists).any(mentions) {
                users.push(format!("process {user}"));
            }
        }
        for (user, observable) in &self.observables {
            if mentions(&observable.value) {
                users.push(format!("observable {user}"));
            }
        }
        if !users.is_empty() {
            let _ = writeln!(text, "\nused in {}", users.join(", "));
        }
    }
}

fn heading(text: &mut String, name: &str, what: &str, kind: &str) {
    let what = if what.is_empty() { String::new() } else { format!(": {what}") };
    let _ = writeln!(text, "{name}{what}");
    let _ = writeln!(text, "  {kind}");
}

fn line(text: &mut String, key: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(text, "  {key}: {value}");
    }
}

fn list(mentions: &[Mention]) -> String {
    mentions.iter().map(|mention| mention.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn layered(layered: &Layered) -> String {
    match layered {
        Layered::One(one) => one.text.clone(),
        Layered::Table(table) => {
            let entries = table.iter().map(|(place, value)| format!("{}: {}", place.name, value.text));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What holds along depth, and along other axes.
fn by_axis(depth: &Layered, across: &[Along]) -> String {
    let others = across.iter().map(|along| format!("{}: {}", along.axis.name, layered(&along.value)));
    let all: Vec<String> = std::iter::once(format!("depth: {}", layered(depth))).chain(others).collect();
    format!("{{{}}}", all.join(", "))
}

/// In parentheses, if it is a sum.
fn wrapped(text: &str) -> String {
    let mut depth = 0_i32;
    let sum = text.chars().enumerate().any(|(position, letter)| {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '+' | '-' | '<' | '>' => return depth == 0 && position > 0,
            _ => {}
        }
        false
    });
    if sum { format!("({text})") } else { text.to_owned() }
}

fn evidence(constant: &Constant) -> String {
    let kind = format!("{:?}", constant.evidence).to_lowercase();
    let kind = if constant.checked { kind } else { format!("{kind}, recalled and not read again") };
    let chosen = matches!(&constant.definition, Definition::Number(number) if !number.drawn);
    if chosen { format!("{kind}, chosen and not drawn") } else { kind }
}
