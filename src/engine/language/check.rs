//! The checks that look at a model as a whole: cycles, names, units.

use crate::base::error::{Error, Result, suggestion};
use crate::base::units::Dimension;
use crate::engine::language::lower::kind_of;
use crate::engine::language::measure::ExpressionScope;
use crate::engine::language::model::{self, Condition, FieldKind, Layered, Mention, Model, RegionOf, Reservoir};
use crate::engine::language::names::{IntermediateEntry, LocalAct, Meaning, Measure, Needs, PASSAGES, order};
use crate::engine::language::syntax::{Expression, Form, Node};

const DIFFUSIVITY: Dimension = Dimension([2, 0, -1, 0, 0, 0]);
const SPEED: Dimension = Dimension([1, 0, -1, 0, 0, 0]);

/// Calls `visit` for every name in a tree.
pub(super) fn names<'a>(node: &'a Node, visit: &mut impl FnMut(&'a str)) {
    match &node.form {
        Form::Number(_) | Form::Quantity(_) | Form::Random(_) => {}
        Form::Name(name) => visit(name),
        Form::Negate(inner) | Form::Not(inner) => names(inner, visit),
        Form::Binary(_, a, b) => {
            names(a, visit);
            names(b, visit);
        }
        // Faces and layers are no names of the model.
        Form::Call(name, arguments) if PASSAGES.contains(&name.as_str()) => {
            arguments.iter().take(1).for_each(|argument| names(argument, visit));
        }
        Form::Call(_, arguments) => arguments.iter().for_each(|argument| names(argument, visit)),
    }
}

impl Model {
    /// The regions of the model that something is read from.
    pub fn regions_read(&self) -> Vec<&RegionOf> {
        let named = self.tables().flat_map(|(_, table)| table.values()).map(|one| &one.value);
        let reported = self.observables.values().map(|one| &one.value);
        let effects = self.acts.iter().flat_map(|act| &act.effects).map(|(_, value)| value);
        let changed = self.processes.values().flat_map(|process| {
            let lists = process.takes.iter().chain(&process.gives).chain(&process.changes);
            process.rate.iter().chain(lists.map(|(_, factor)| factor))
        });
        let mut read = vec![false; self.regions.len()];
        for expression in named.chain(reported).chain(effects).chain(changed) {
            names(&expression.root, &mut |name| {
                if let Some(index) = self.regions.get_index_of(name) {
                    read[index] = true;
                }
            });
        }
        self.regions.values().zip(read).filter(|(_, read)| *read).map(|(region, _)| region).collect()
    }

    /// The fields that an observable names.
    pub fn fields_named(&self, observable: &str) -> Vec<&str> {
        let mut named = Vec::new();
        if let Some(observable) = self.observables.get(observable) {
            names(&observable.value.root, &mut |name| {
                named.extend(self.fields.get_key_value(name).map(|(name, _)| name.as_str()));
            });
        }
        named
    }

    /// Refuses regions from which observables read and that are none of the model, of its layers, or of those known elsewhere.
    ///
    /// # Errors
    /// The first such region, where it is named.
    pub fn known_regions(&self, layers: &[String]) -> Result<()> {
        fn walk<'a>(node: &'a Node, visit: &mut impl FnMut(&'a str, &'a Node)) {
            match &node.form {
                Form::Call(name, list) => {
                    if let (Some(_), [_, region @ Node { form: Form::Name(name), .. }, ..]) = (kind_of(name), &list[..])
                    {
                        visit(name, region);
                    }
                    list.iter().for_each(|inner| walk(inner, visit));
                }
                Form::Negate(inner) | Form::Not(inner) => walk(inner, visit),
                Form::Binary(_, a, b) => {
                    walk(a, visit);
                    walk(b, visit);
                }
                Form::Number(_) | Form::Quantity(_) | Form::Name(_) | Form::Random(_) => {}
            }
        }
        let own = self.regions.keys().chain(self.layers.iter().flatten()).map(String::as_str);
        let known: Vec<&str> = own.chain(layers.iter().map(String::as_str)).chain(["all", "surface"]).collect();
        let reported = self.observables.values().map(|one| &one.value);
        let mut wrong = None;
        for expression in reported.chain(self.intermediates.values().map(|one| &one.value)) {
            walk(&expression.root, &mut |name, node| {
                if !known.contains(&name) && wrong.is_none() {
                    wrong = Some((name, node));
                }
            });
        }
        let Some((name, node)) = wrong else { return Ok(()) };
        let help =
            format!("{}; layers of a medium of your own are listed as layers = [\"{name}\"]", suggestion(name, known));
        Err(self.source.refuse(node.span.clone(), format!("no layer and no region is called `{name}`")).help(help))
    }

    /// Checks everything that needs more than one entry of the file.
    pub(super) fn check(&mut self) -> Result<()> {
        self.check_constants()?;
        self.check_definitions()?;
        // What is wrong in one entry says nothing of the others.
        let layers = self.layer_mentions().map(|place| self.known_layer(place));
        let fields = self.fields.values().map(|field| self.check_field(field));
        let processes = self.processes.iter().map(|(name, process)| self.check_process(name, process));
        let observables = self.observables.iter().map(|(name, observable)| {
            let whose = format!("the observable `{name}`");
            self.expect(&observable.value, ExpressionScope::OBSERVABLE, observable.unit.dimension, &whose)
        });
        let all = layers.chain(fields).chain(processes).chain(observables);
        Error::all(all.filter_map(Result::err).collect())?;
        for (event, local) in self.all_events() {
            for (target, value) in &event.effects {
                let field = self.target(target)?;
                if field.kind == FieldKind::QuasiSteady {
                    return Err(self
                        .source
                        .refuse(target.span.clone(), "a quasi-steady field follows the others at once"));
                }
                self.expect(
                    value,
                    ExpressionScope::effect(local, field.kind),
                    field.unit.dimension,
                    "the new value of the field",
                )?;
            }
        }
        self.check_signs()
    }

    /// What acts of the host do, and what happens at times of its own; with whose names each knows.
    pub(super) fn all_events(&self) -> impl Iterator<Item = (&model::Event, Option<LocalAct>)> {
        let own = self.acts.iter().enumerate().map(|(act, event)| (event, Some(LocalAct(act))));
        own.chain(self.events.values().map(|timed| (&timed.event, None)))
    }

    fn cycle(&self, place: &Expression, path: &[&str]) -> Error {
        let mut path = path.to_vec();
        path.extend(path.first().copied());
        let shown = path.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → ");
        self.source.refuse(
            place.span.clone(),
            format!("{} depends on itself: {shown}", &shown[..shown.find(' ').unwrap_or(0)]),
        )
    }

    fn check_constants(&mut self) -> Result<()> {
        let uses: Vec<Vec<usize>> = self
            .constants
            .values()
            .map(|constant| {
                let mut list = Vec::new();
                if let model::Definition::Expression(expression) = &constant.definition {
                    names(&expression.root, &mut |name| {
                        if let Some(Meaning::Constant(index)) = self.symbols.meaning(name, None) {
                            list.push(index);
                        }
                    });
                }
                list
            })
            .collect();
        let order = order(&uses).map_err(|cycle| {
            let path: Vec<&str> = cycle
                .iter()
                .filter_map(|&index| self.constants.get_index(index))
                .map(|(name, _)| name.as_str())
                .collect();
            match &self.constants[cycle[0]].definition {
                model::Definition::Expression(expression) => self.cycle(expression, &path),
                model::Definition::Number(_) => Error::input("a constant depends on itself"),
            }
        })?;
        self.symbols.constants = vec![Measure::Any; self.constants.len()];
        for &index in &order {
            self.symbols.constants[index] = match &self.constants[index].definition {
                model::Definition::Number(number) => Measure::Of(number.dimension()),
                model::Definition::Expression(expression) => {
                    match self.measure(expression, ExpressionScope::CONSTANT)?.0 {
                        Measure::Truth => {
                            return Err(self
                                .source
                                .refuse(expression.span.clone(), "a constant is a number, not a condition"));
                        }
                        measure => measure,
                    }
                }
            };
        }
        self.symbols.constant_order = order;
        Ok(())
    }

    /// The expression of an intermediate by its position among all definitions.
    pub(super) fn definition(&self, index: usize) -> &Expression {
        let IntermediateEntry { local, index, .. } = &self.symbols.definitions[index];
        &self.table(*local)[*index].value
    }

    fn check_definitions(&mut self) -> Result<()> {
        let (mut definitions, mut known) = (Vec::new(), Vec::new());
        for (local, table) in self.tables() {
            for (index, (name, intermediate)) in table.iter().enumerate() {
                let mut uses = Vec::new();
                names(&intermediate.value.root, &mut |name| {
                    if let Some(Meaning::Intermediate(index)) = self.symbols.meaning(name, local) {
                        uses.push(index);
                    }
                });
                known.push(name.as_str());
                definitions.push(IntermediateEntry { local, index, measure: Measure::Any, needs: Needs::NONE, uses });
            }
        }
        let uses: Vec<Vec<usize>> = definitions.iter().map(|definition| definition.uses.clone()).collect();
        let names: Vec<String> = known.into_iter().map(str::to_owned).collect();
        self.symbols.definitions = definitions;
        let order = order(&uses).map_err(|cycle| {
            let path: Vec<&str> = cycle.iter().map(|&index| names[index].as_str()).collect();
            self.cycle(self.definition(cycle[0]), &path)
        })?;
        for &index in &order {
            let scope = self.symbols.definitions[index].local.map_or(ExpressionScope::ANY, ExpressionScope::local);
            let (measure, needs) = self.measure(self.definition(index), scope)?;
            let definition = &mut self.symbols.definitions[index];
            (definition.measure, definition.needs) = (measure, needs);
        }
        self.symbols.definition_rank = vec![0; order.len()];
        order.iter().enumerate().for_each(|(rank, &index)| self.symbols.definition_rank[index] = rank);
        Ok(())
    }

    /// Every place where a layer or a group of layers is named.
    fn layer_mentions(&self) -> impl Iterator<Item = &Mention> {
        let fields = self.fields.values().flat_map(|field| {
            let tables = [&field.rest, &field.initial, &field.diffusivity, &field.reference_density]
                .into_iter()
                .flatten()
                .chain(field.across.iter().chain(&field.drift).map(|along| &along.value))
                .chain(field.chemotaxis.iter().map(|(_, sensitivity)| sensitivity))
                .filter_map(|layered| match layered {
                    Layered::Table(table) => Some(table.iter().map(|(place, _)| place)),
                    Layered::One(_) => None,
                });
            field.lives_in.iter().flatten().chain(tables.flatten())
        });
        let processes = self.processes.values().flat_map(|process| process.layers.iter().flatten());
        let regions = self.regions.values().flat_map(|region| region.layers.iter().flatten());
        fields.chain(processes).chain(regions)
    }

    pub(super) fn known_layer(&self, place: &Mention) -> Result<()> {
        match &self.layers {
            Some(layers) if !layers.contains(&place.name) => Err(self
                .source
                .refuse(place.span.clone(), format!("unknown layer `{}`", place.name))
                .help(suggestion(&place.name, layers.iter().map(String::as_str)))),
            _ => Ok(()),
        }
    }

    /// Checks the name of a region against those the file knows, if it lists its layers.
    pub(super) fn known_region(&self, name: &str, span: std::ops::Range<usize>) -> Result<()> {
        let Some(layers) = &self.layers else { return Ok(()) };
        let known = || {
            let own = self.regions.keys().map(String::as_str);
            own.chain(layers.iter().map(String::as_str)).chain(["all", "surface"])
        };
        if known().any(|other| other == name) {
            return Ok(());
        }
        let known: Vec<&str> = known().collect();
        Err(self.source.refuse(span, format!("unknown region `{name}`")).help(suggestion(name, known)))
    }

    /// The field a process or an effect changes.
    pub(super) fn target(&self, place: &Mention) -> Result<&model::Field> {
        self.fields.get(&place.name).ok_or_else(|| {
            self.source
                .refuse(place.span.clone(), format!("unknown field `{}`", place.name))
                .help(suggestion(&place.name, self.fields.keys().map(String::as_str)))
        })
    }

    fn check_field(&self, field: &model::Field) -> Result<()> {
        let each = |layered: &Option<Layered>, scope: ExpressionScope, wanted: Dimension, whose: &str| -> Result<()> {
            layered.iter().flat_map(Layered::expressions).try_for_each(|one| self.expect(one, scope, wanted, whose))
        };
        let own = field.unit.dimension;
        each(&field.rest, ExpressionScope::CONSTANT, own, "the field")?;
        each(&field.initial, ExpressionScope::INITIAL, own, "the field")?;
        each(&field.reference_density, ExpressionScope::CONSTANT, Dimension::NONE, "a reference density")?;
        let transport =
            if field.kind == FieldKind::Volume { ExpressionScope::TRANSPORT } else { ExpressionScope::CONSTANT };
        let diffusivity = self.physical(DIFFUSIVITY);
        each(&field.diffusivity, transport, diffusivity, "a diffusivity")?;
        for one in field.across.iter().flat_map(|along| along.value.expressions()) {
            self.expect(one, transport, diffusivity, "a diffusivity")?;
        }
        for one in field.drift.iter().flat_map(|along| along.value.expressions()) {
            self.expect(one, ExpressionScope::DRIFT, self.physical(SPEED), "a drift")?;
        }
        for (along, sensitivity) in &field.chemotaxis {
            let followed = self.target(along)?;
            if followed.kind == FieldKind::Surface {
                return Err(self
                    .source
                    .refuse(along.span.clone(), "a field of the surface has no gradient in the cells to follow"));
            }
            let wanted = diffusivity.over(followed.unit.dimension);
            for one in sensitivity.expressions() {
                self.expect(one, ExpressionScope::TRANSPORT, wanted, "a sensitivity (flux = sensitivity u ∇s)")?;
            }
        }
        self.check_faces(field)?;
        for on_face in field.boundary.iter().flatten() {
            match &on_face.condition {
                Condition::NoFlux | Condition::Periodic => {}
                Condition::Value(value) => self.expect(value, ExpressionScope::BOUNDARY, own, "the field")?,
                Condition::Exchange { exchange, outside } => {
                    self.expect(exchange, ExpressionScope::BOUNDARY, self.physical(SPEED), "a speed of exchange")?;
                    self.expect(outside, ExpressionScope::BOUNDARY, own, "the field")?;
                }
                Condition::Flux(flux) => {
                    let wanted = own.times(self.physical(SPEED));
                    self.expect(flux, ExpressionScope::FLUX, wanted, "a flux into the cells")?;
                }
                Condition::Reservoir(film) => self.check_reservoir(field, film)?,
            }
        }
        Ok(())
    }

    /// Refuses conditions that no medium and no grid lets act.
    fn check_faces(&self, field: &model::Field) -> Result<()> {
        for (side, on_face) in field.boundary.iter().enumerate() {
            let Some(on_face) = on_face.as_ref().filter(|on_face| on_face.condition.acts()) else { continue };
            let refuse = |message: &str| self.source.refuse(on_face.span.clone(), message);
            if field.diffusivity.is_none() && field.drift.is_empty() {
                return Err(refuse("the field has no diffusivity, so nothing passes this face")
                    .help("give it a diffusivity, or take the condition away"));
            }
            let film = matches!(on_face.condition, Condition::Reservoir(_));
            if film && side > 1 {
                return Err(refuse("a reservoir lies on the top or the bottom")
                    .help("what lies beside the cells is { exchange = \"…\", outside = \"…\" }"));
            }
            if field.kind == FieldKind::QuasiSteady && (film || matches!(on_face.condition, Condition::Flux(_))) {
                return Err(refuse("a quasi-steady field has a value or an exchange on its faces")
                    .help("write { value = … } or { exchange = …, outside = … }, or make it kind = \"volume\""));
            }
            if field.kind == FieldKind::QuasiSteady && side > 1 {
                return Err(refuse("a quasi-steady field has conditions on the top and the bottom only")
                    .help("write boundary.top or boundary.bottom, or make it kind = \"volume\""));
            }
        }
        Ok(())
    }

    /// A film that exchanges with a field.
    fn check_reservoir(&self, field: &model::Field, film: &Reservoir) -> Result<()> {
        let of = self.target(&film.of)?;
        let refuse = |message: String| self.source.refuse(film.of.span.clone(), message);
        if of.kind != FieldKind::Surface {
            return Err(refuse(format!("`{}` lives in the cells, and a reservoir lies on it", film.of.name))
                .help("name a field with kind = \"surface\""));
        }
        if of.signed != field.signed {
            return Err(refuse(format!(
                "either both or none of `{}` and the field that it exchanges with may be negative",
                film.of.name
            ))
            .help("write signed = true for both, or for none"));
        }
        let named = |other: &model::Field| {
            let films = other.boundary.iter().flatten().filter_map(|on_face| match &on_face.condition {
                Condition::Reservoir(film) => Some(&film.of.name),
                _ => None,
            });
            films.filter(|name| **name == film.of.name).count()
        };
        if self.fields.values().map(named).sum::<usize>() > 1 {
            return Err(refuse(format!("`{}` is the reservoir of more than one face", film.of.name))
                .help("what one face takes would be missing at the other: give each a field of its own"));
        }
        self.expect(&film.thickness, ExpressionScope::CONSTANT, self.physical(Dimension::LENGTH), "a thickness")?;
        let ratio = field.unit.dimension.over(of.unit.dimension);
        match &film.partition {
            Some(partition) => {
                self.expect(partition, ExpressionScope::CONSTANT, ratio, "this partition coefficient")?
            }
            None if ratio != Dimension::NONE => {
                return Err(refuse(format!(
                    "`{}` is in {}, the field that it exchanges with in {}",
                    film.of.name, of.unit.dimension, field.unit.dimension
                ))
                .help("give both the same unit, or write partition = value in the cells / value in the film"));
            }
            None => {}
        }
        film.exchange.iter().try_for_each(|exchange| {
            self.expect(exchange, ExpressionScope::BOUNDARY, self.physical(SPEED), "a speed of exchange")
        })
    }

    fn check_process(&self, name: &str, process: &model::Process) -> Result<()> {
        let time = self.physical(Dimension::TIME);
        self.check_kinds(name, process)?;
        for (target, coefficient) in process.takes.iter().chain(&process.gives) {
            let field = self.target(target)?;
            let Some(rate) = &process.rate else { continue };
            let factor = match self.measure(coefficient, ExpressionScope::CONSTANT)?.0 {
                Measure::Of(dimension) => dimension,
                Measure::Any => continue,
                Measure::Truth => {
                    return Err(self
                        .source
                        .refuse(coefficient.span.clone(), "a coefficient is a number, not a condition"));
                }
            };
            let wanted = field.unit.dimension.over(time).over(factor);
            let whose = format!("the rate of this process, which changes `{}`,", target.name);
            self.expect(rate, scope_of(field.kind), wanted, &whose)?;
        }
        for (target, change) in &process.changes {
            let field = self.target(target)?;
            let whose = format!("the rate of change of `{}`", target.name);
            self.expect(change, scope_of(field.kind), field.unit.dimension.over(time), &whose)?;
        }
        Ok(())
    }
}

impl Model {
    /// Refuses a process that turns something on the surface into something in the cells: an amount per area is none per volume.
    fn check_kinds(&self, name: &str, process: &model::Process) -> Result<()> {
        let mut first: Option<(&Mention, bool)> = None;
        for (target, _) in process.takes.iter().chain(&process.gives).chain(&process.changes) {
            let surface = self.target(target)?.kind == FieldKind::Surface;
            let (other, on_surface) = *first.get_or_insert((target, surface));
            if surface == on_surface {
                continue;
            }
            let (outer, inner) = if surface { (target, other) } else { (other, target) };
            let message = format!(
                "the process `{name}` changes `{}`, which lies on the surface, and `{}`, which lives in the cells",
                outer.name, inner.name
            );
            return Err(self
                .source
                .refuse(target.span.clone(), message)
                .help("an amount per area is none per volume: write a process for each of them"));
        }
        Ok(())
    }
}

fn scope_of(kind: FieldKind) -> ExpressionScope {
    if kind == FieldKind::Surface { ExpressionScope::SURFACE_RATE } else { ExpressionScope::RATE }
}
