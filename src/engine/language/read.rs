//! From the form of a model file to a model: every text becomes an expression with its place, every name is declared once.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_spanned::Spanned;

use crate::base::error::{Error, Result, Source, gathered, printable, read_toml_beside, suggestion};
use crate::base::units::{Dimension, Quantity, Unit};
use crate::engine::language::TIME_COLUMN;
use crate::engine::language::file::{
    BoundaryForm, ByAxis, ConstantForm, EventForm, FaceForm, FieldForm, File, KindForm, ObservableForm, OneOr,
    ProcessForm, RegionForm, Scalar, SignalForm, SpannedTable, SteppingForm, TextOr, TimedForm,
};
use crate::engine::language::host::Host;
use crate::engine::language::model::{
    Accuracy, Along, Condition, Constant, DRIFTS, Definition, Event, FaceCondition, Field, FieldKind, Intermediate,
    Layered, Mention, Model, Process, RegionOf, Reported, Reservoir, SPREADS, Scale, Signal, Timed,
};
use crate::engine::language::names::{LocalAct, Meaning, Names, reserved, writable};
use crate::engine::language::syntax::Expression;

/// Largest model file in bytes.
const LARGEST: usize = 64_000_000;

/// Reads the parts of a file.
struct ModelReader<'a> {
    source: &'a Arc<Source>,
    scale: Option<Scale>,
    /// How many `random()` were read.
    draws: Cell<usize>,
    /// The typical size of a field that names none, in its unit.
    size: Option<f64>,
}

impl Model {
    /// Reads and checks a model file.
    ///
    /// # Errors
    /// Anything wrong in the file, with its line: an unknown key or name, a unit that does not fit, a cycle, a number without
    /// a source, a field that could become negative.
    pub fn read(source: &Arc<Source>, host: &'static Host) -> Result<Self> {
        if source.text.len() > LARGEST {
            return Err(Error::input(format!("{} has more than {LARGEST} bytes; that is no model", source.name)));
        }
        let tables: Vec<&str> = host.acts.iter().map(|act| act.table).collect();
        let (file, acts) = read_toml_beside(source, &tables)?;
        let mut model = Self::assemble(source, host, file, acts)?;
        model.check()?;
        Ok(model)
    }

    /// Builds the model; nothing is checked yet that needs more than one entry.
    fn assemble(source: &Arc<Source>, host: &'static Host, file: File, acts: Vec<EventForm>) -> Result<Self> {
        let mut reader = ModelReader { source, scale: None, size: None, draws: Cell::new(0) };
        reader.scale = match &file.scale {
            None => None,
            Some(form) => Some(Scale {
                length: reader.positive(&form.length, "mm", "the length unit")?,
                time: reader.positive(&form.time, "d", "the time unit")?,
            }),
        };
        let stepping = reader.stepping(&file.stepping)?;
        if file.name.get_ref().trim().is_empty() {
            return Err(source.refuse(file.name.span(), "the model needs a name"));
        }
        let symbols = reader.declare(host, &file, &acts)?;
        let mut kinds = [0_usize; 3];
        let each = |(key, form): (Spanned<String>, FieldForm)| {
            let kind = &mut kinds[form.kind as usize];
            *kind += 1;
            let index = *kind - 1;
            Ok((key.get_ref().clone(), reader.field(key.span(), form, index)?))
        };
        let mut wrong = Vec::new();
        let fields = gathered(file.field.into_iter().map(each), &mut wrong);
        let each = |(key, form): (Spanned<String>, ConstantForm)| {
            Ok((key.get_ref().clone(), reader.constant(key.span(), form)?))
        };
        let constants = gathered(file.constant.into_iter().map(each), &mut wrong);
        let each = |(key, form): (Spanned<String>, SignalForm)| Ok((key.into_inner(), reader.signal(form)?));
        let signals = gathered(file.signal.into_iter().map(each), &mut wrong);
        let each = |(key, form): (Spanned<String>, ProcessForm)| {
            Ok((key.get_ref().clone(), reader.process(key.span(), form)?))
        };
        let processes = gathered(file.process.into_iter().map(each), &mut wrong);
        let each =
            |(key, form): (Spanned<String>, TimedForm)| Ok((key.get_ref().clone(), reader.timed(key.span(), form)?));
        let events = gathered(file.event.into_iter().map(each), &mut wrong);
        let each = |(key, form): (Spanned<String>, RegionForm)| {
            let (name, span) = (key.get_ref().clone(), key.span());
            if !writable(&name) || name == "all" || name == "surface" {
                return Err(source.refuse(span, format!("a region cannot be called `{name}`")));
            }
            Ok((name, reader.region(form, span)?))
        };
        let regions = gathered(file.region.into_iter().map(each), &mut wrong);
        let each = |(key, form): (Spanned<String>, ObservableForm)| {
            let name = key.get_ref();
            if name.eq_ignore_ascii_case(TIME_COLUMN) {
                return Err(source
                    .refuse(
                        key.span(),
                        format!("`{name}` is the column of time in every table, and no observable can be called so"),
                    )
                    .help("write another name, as [observable.time_in_days]"));
            }
            if name.trim() != name || name.is_empty() || *name != printable(name) || name.contains(['\n', '\t']) {
                let message = format!("`{}` is no name for an observable", name.escape_default());
                return Err(source.refuse(key.span(), message).help("use letters, digits and signs that can be seen"));
            }
            let group = match &form.group {
                None => "state".to_owned(),
                Some(group) => {
                    const GROUPS: [&str; 5] = ["gain", "symptom", "grade", "risk", "state"];
                    if !GROUPS.contains(&group.get_ref().as_str()) {
                        return Err(source
                            .refuse(group.span(), format!("unknown group `{}`", group.get_ref()))
                            .help(suggestion(group.get_ref(), GROUPS)));
                    }
                    group.get_ref().clone()
                }
            };
            let value = reader.expression(&form.value)?;
            let unit = reader.unit(form.unit)?;
            let (what, evidence, source) = (form.what, form.evidence, form.source);
            Ok((key.into_inner(), Reported { what, value, unit, group, evidence, source }))
        };
        let observables = gathered(file.observable.into_iter().map(each), &mut wrong);
        Error::all(wrong)?;
        Ok(Self {
            name: file.name.into_inner(),
            what: file.what,
            origin: file.source,
            source: source.clone(),
            layers: file.layers.map(|list| list.into_iter().map(Spanned::into_inner).collect()),
            scale: reader.scale,
            stepping,
            constants,
            signals,
            fields,
            intermediates: reader.intermediates(file.intermediate)?,
            processes,
            acts: acts.into_iter().map(|act| reader.event(act)).collect::<Result<_>>()?,
            events,
            regions,
            observables,
            symbols,
        })
    }
}

fn mention(key: &Spanned<String>) -> Mention {
    Mention { name: key.get_ref().clone(), span: key.span() }
}

fn mentions(list: Option<Spanned<Vec<Spanned<String>>>>) -> Option<Vec<Mention>> {
    list.map(|list| list.get_ref().iter().map(mention).collect())
}

impl ModelReader<'_> {
    /// Gives every name one meaning.
    fn declare(&self, host: &'static Host, file: &File, acts: &[EventForm]) -> Result<Names> {
        let mut names = Names::of(host);
        let mut seen: IndexMap<String, String> = IndexMap::new();
        let mut add = |key: &Spanned<String>, kind: &str| -> Result<String> {
            let name = key.get_ref().clone();
            let refuse = |message: String| Err(self.source.refuse(key.span(), message));
            if !writable(&name) {
                return refuse(format!("`{name}` cannot be written in an expression")).map_err(|error: Error| {
                    error.help("a name is made of letters, digits and `_`, and begins with a letter")
                });
            }
            if reserved(host, &name) {
                return refuse(format!("`{name}` has a meaning of its own in the model language"))
                    .map_err(|error| error.help(format!("choose another name, such as `{name}_0`")));
            }
            if let Some(other) = seen.insert(name.clone(), kind.to_owned()) {
                return refuse(format!("the name `{name}` is taken: there is {other} of that name"));
            }
            Ok(name)
        };
        let declared = &mut names.declared;
        for (index, key) in file.constant.keys().enumerate() {
            declared.insert(add(key, "a constant")?, Meaning::Constant(index));
        }
        for (index, key) in file.signal.keys().enumerate() {
            declared.insert(add(key, "a signal")?, Meaning::Signal(index));
        }
        for (index, key) in file.field.keys().enumerate() {
            declared.insert(add(key, "a field")?, Meaning::Field(index));
        }
        for (index, key) in file.intermediate.keys().enumerate() {
            declared.insert(add(key, "an intermediate")?, Meaning::Intermediate(index));
        }
        let mut next = file.intermediate.len();
        for (act, form) in acts.iter().enumerate() {
            let kind = format!("an intermediate of the {}", host.acts[act].table);
            for key in form.intermediate.keys() {
                names.locals.insert((LocalAct(act), add(key, &kind)?), next);
                next += 1;
            }
        }
        Ok(names)
    }

    fn positive(&self, text: &Spanned<String>, unit: &str, what: &str) -> Result<f64> {
        let value = text
            .get_ref()
            .parse::<Quantity>()
            .and_then(|quantity| quantity.expect(unit))
            .map_err(|error| error.at(self.source, text.span()))?;
        if value > 0.0 { Ok(value) } else { Err(self.source.refuse(text.span(), format!("{what} must be positive"))) }
    }

    fn expression(&self, text: &Spanned<String>) -> Result<Expression> {
        self.numbered(Expression::read(self.source, text.span(), text.get_ref())?)
    }

    /// The expression with its `random()` counted on from those read before.
    fn numbered(&self, mut expression: Expression) -> Result<Expression> {
        expression.number_draws(&self.draws);
        Ok(expression)
    }

    /// A number, a quantity or an expression. A bare number is in `unit`.
    fn scalar(&self, span: Range<usize>, scalar: &Scalar, unit: &Unit) -> Result<Expression> {
        match scalar {
            Scalar::Number(value) => {
                let quantity = Quantity { value: value * unit.factor, dimension: unit.dimension };
                let quantity = if *value == 0.0 { Quantity::number(0.0) } else { quantity };
                Ok(Expression::quantity(span, value.to_string(), quantity))
            }
            Scalar::Text(text) => match text.parse::<Quantity>() {
                Ok(quantity) => Ok(Expression::quantity(span, text.clone(), quantity)),
                Err(wrong) => Expression::read(self.source, span.clone(), text)
                    .and_then(|one| self.numbered(one))
                    .map_err(|error| {
                        // "1.5 mmm" is a misspelt quantity rather than a misspelt expression.
                        let looks = text.trim_start().starts_with(|c: char| c.is_ascii_digit())
                            && text.trim_end().ends_with(char::is_alphanumeric)
                            && !text.contains(['+', '*', '(']);
                        if looks { wrong.at(self.source, span) } else { error }
                    }),
            },
        }
    }

    fn layered(&self, form: Option<Spanned<OneOr<Scalar>>>, unit: &Unit) -> Result<Option<Layered>> {
        let Some(form) = form else { return Ok(None) };
        self.by_layer(form.span(), form.get_ref(), unit).map(Some)
    }

    fn by_layer(&self, span: Range<usize>, form: &OneOr<Scalar>, unit: &Unit) -> Result<Layered> {
        Ok(match form {
            OneOr::One(one) => Layered::One(self.scalar(span, one, unit)?),
            OneOr::Table(table) if table.is_empty() => {
                return Err(self.source.refuse(span, "a table by layer needs at least one layer"));
            }
            OneOr::Table(table) => Layered::Table(
                table
                    .iter()
                    .map(|(key, value)| Ok((mention(key), self.scalar(value.span(), value.get_ref(), unit)?)))
                    .collect::<Result<_>>()?,
            ),
        })
    }

    fn along(&self, table: &SpannedTable<Spanned<OneOr<Scalar>>>, unit: &Unit) -> Result<Vec<Along>> {
        let each = |(key, value): (&Spanned<String>, &Spanned<OneOr<Scalar>>)| {
            Ok(Along { axis: mention(key), value: self.by_layer(value.span(), value.get_ref(), unit)? })
        };
        table.iter().map(each).collect()
    }

    /// A diffusivity: along depth or all axes, and along others.
    fn diffusivity(&self, form: Option<Spanned<ByAxis>>, unit: &Unit) -> Result<(Option<Layered>, Vec<Along>)> {
        let Some(form) = form else { return Ok((None, Vec::new())) };
        let span = form.span();
        let table = match form.into_inner() {
            ByAxis::One(one) => return Ok((Some(Layered::One(self.scalar(span, &one, unit)?)), Vec::new())),
            ByAxis::Table(table) if table.is_empty() => {
                return Err(self.source.refuse(span, "a table by layer needs at least one layer"));
            }
            ByAxis::Table(table) => table,
        };
        let is_axis = |key: &Spanned<String>| SPREADS.contains(&key.get_ref().as_str());
        if !table.keys().any(is_axis) {
            let each = |(key, value): (&Spanned<String>, &Spanned<OneOr<Scalar>>)| match value.get_ref() {
                OneOr::One(one) => Ok((mention(key), self.scalar(value.span(), one, unit)?)),
                OneOr::Table(_) => Err(self
                    .source
                    .refuse(key.span(), format!("`{}` is no axis, so it has one diffusivity", key.get_ref()))
                    .help(format!("axes are {}; layers stand inside of them", SPREADS.join(", ")))),
            };
            return Ok((Some(Layered::Table(table.iter().map(each).collect::<Result<_>>()?)), Vec::new()));
        }
        if let Some(other) = table.keys().find(|key| !is_axis(key)) {
            let message = format!("`{}` is no axis, and other keys of this diffusivity are", other.get_ref());
            return Err(self.source.refuse(other.span(), message).help(format!(
                "{}; layers stand inside of an axis: depth = {{ {} = \"…\" }}",
                suggestion(other.get_ref(), SPREADS),
                other.get_ref()
            )));
        }
        let has = |axis: &str| table.keys().any(|key| key.get_ref() == axis);
        let named = [has("depth"), has("lateral"), has("x"), has("y")];
        if !matches!(named, [true, true, false, false] | [true, false, true, true]) {
            return Err(self
                .source
                .refuse(span, "a diffusivity by axis says each axis once")
                .help("write { depth = \"…\", lateral = \"…\" } or { depth = \"…\", x = \"…\", y = \"…\" }; 0 spreads nothing"));
        }
        let (depth, across) = self.along(&table, unit)?.into_iter().partition(|own| own.axis.name == "depth");
        let depth: Vec<Along> = depth;
        Ok((depth.into_iter().next().map(|own| own.value), across))
    }

    /// A drift along axes.
    fn drift(&self, form: Option<Spanned<ByAxis>>, unit: &Unit) -> Result<Vec<Along>> {
        let Some(form) = form else { return Ok(Vec::new()) };
        const HELP: &str =
            "write drift = { depth = \"1 um/s\" }, which goes down; x and y are axes of a tile, x of a section";
        let table = match form.get_ref() {
            ByAxis::Table(table) if !table.is_empty() => table,
            _ => return Err(self.source.refuse(form.span(), "a drift says along which axis").help(HELP)),
        };
        if let Some(other) = table.keys().find(|key| !DRIFTS.contains(&key.get_ref().as_str())) {
            let name = other.get_ref().as_str();
            return Err(match name {
                "lateral" | "r" | "radius" => self
                    .source
                    .refuse(other.span(), "nothing drifts along a radius: what leaves the axis would be missing there")
                    .help(HELP),
                "z" => self.source.refuse(other.span(), "the axis `z` is written `depth`").help(HELP),
                _ => self.source.refuse(other.span(), format!("`{name}` is no axis along which a field drifts")).help(
                    format!(
                        "{}; layers stand inside of an axis: depth = {{ {name} = \"…\" }}",
                        suggestion(name, DRIFTS)
                    ),
                ),
            });
        }
        self.along(table, unit)
    }

    fn unit(&self, text: Option<Spanned<String>>) -> Result<Unit> {
        let Some(text) = text else { return Ok(Unit::one()) };
        let unit: Unit = text.get_ref().parse().map_err(|error: Error| error.at(self.source, text.span()))?;
        if self.scale.is_some() && unit.dimension != Dimension::NONE {
            return Err(self
                .source
                .refuse(text.span(), "a unit in a dimensionless model")
                .help("the model has a [scale]: its numbers have no units"));
        }
        Ok(unit)
    }

    /// A fixed number; a bare one is in `unit`.
    fn fixed(&self, scalar: &Spanned<Scalar>, unit: &Unit, what: &str) -> Result<f64> {
        self.fixed_at(scalar.span(), scalar.get_ref(), unit, what)
    }

    fn fixed_at(&self, span: Range<usize>, scalar: &Scalar, unit: &Unit, what: &str) -> Result<f64> {
        match scalar {
            Scalar::Number(value) => Ok(value * unit.factor),
            Scalar::Text(text) => {
                let quantity: Quantity = text.parse().map_err(|error: Error| error.at(self.source, span.clone()))?;
                if quantity.dimension != unit.dimension {
                    let message = format!("{what} is in {}, not in {}", unit.dimension, quantity.dimension);
                    return Err(self.source.refuse(span, message));
                }
                Ok(quantity.value)
            }
        }
    }

    fn constant(&self, span: Range<usize>, form: ConstantForm) -> Result<Constant> {
        if form.source.get_ref().trim().is_empty() {
            return Err(self
                .source
                .refuse(form.source.span(), "the source is empty")
                .help("say where the number is from; for an assumption, say why this value"));
        }
        let what = form.what.clone().unwrap_or_default();
        let (evidence, source) = (*form.evidence.get_ref(), form.source.get_ref().clone());
        let checked = form.checked.unwrap_or(true);
        let definition = match (&form.value, &form.expression) {
            (Some(_), Some(expression)) => {
                return Err(self.source.refuse(expression.span(), "a constant has a value or an expression, not both"));
            }
            (None, None) => {
                return Err(self
                    .source
                    .refuse(span, "a constant needs a value")
                    .help("write value = \"1.5 mm\", or expression = \"a * b\" for one computed from others"));
            }
            (None, Some(expression)) => {
                let factor = form.times.keys().next().map(Spanned::span);
                let idle = [form.by.as_ref().map(Spanned::span), form.sd.as_ref().map(Spanned::span), factor];
                if let Some(idle) = idle.into_iter().flatten().next() {
                    return Err(self.source.refuse(idle, "this belongs to a value, and here is an expression"));
                }
                Definition::Expression(self.expression(expression)?)
            }
            (Some(value), None) => {
                let place = value.span();
                let Some(written) = form.written() else { return Err(self.source.refuse(place, "no value")) };
                let sourced = written.check(self.source)?;
                if self.scale.is_some() && sourced.dimension() != Dimension::NONE {
                    return Err(self
                        .source
                        .refuse(place, "a quantity with a unit in a dimensionless model")
                        .help("the model has a [scale]: write plain numbers, in units of the scale"));
                }
                Definition::Number(Box::new(sourced))
            }
        };
        Ok(Constant { what, definition, evidence, source, checked })
    }

    fn signal(&self, form: SignalForm) -> Result<Signal> {
        let unit = self.unit(form.unit)?;
        let default = match &form.default {
            None => 0.0,
            Some(default) => self.fixed(default, &unit, "the signal")?,
        };
        let range = match &form.range {
            None => [default.min(0.0), f64::INFINITY],
            Some(range) => {
                let [low, high] = range.get_ref();
                let low = self.fixed_at(range.span(), low, &unit, "the signal")?;
                let high = self.fixed_at(range.span(), high, &unit, "the signal")?;
                if !(low..=high).contains(&default) {
                    return Err(self.source.refuse(range.span(), "the default lies outside the range"));
                }
                [low, high]
            }
        };
        Ok(Signal { what: form.what, unit, default, range })
    }

    /// How exactly the model wants to be solved, and the size of fields that name none.
    fn stepping(&mut self, form: &SteppingForm) -> Result<Accuracy> {
        let mut accuracy = Accuracy::default();
        let part = |given: &Option<Spanned<Scalar>>, what: &str, into: &mut f64| -> Result<()> {
            let Some(given) = given else { return Ok(()) };
            *into = self.fixed(given, &Unit::one(), what)?;
            match *into > 0.0 && *into <= 1.0 {
                true => Ok(()),
                false => Err(self.source.refuse(given.span(), format!("{what} is more than 0 and at most 1"))),
            }
        };
        part(&form.tolerance, "the tolerance", &mut accuracy.tolerance)?;
        part(&form.absolute, "the absolute part of the tolerance", &mut accuracy.absolute)?;
        if let Some(size) = &form.scale {
            let value = self.fixed(size, &Unit::one(), "the typical size of fields")?;
            if value <= 0.0 {
                return Err(self.source.refuse(size.span(), "the typical size of fields must be positive"));
            }
            self.size = Some(value);
        }
        Ok(accuracy)
    }

    fn field(&self, span: Range<usize>, form: FieldForm, index: usize) -> Result<Field> {
        let kind = match form.kind {
            KindForm::Volume => FieldKind::Volume,
            KindForm::Surface => FieldKind::Surface,
            KindForm::QuasiSteady => FieldKind::QuasiSteady,
        };
        let unit = self.unit(form.unit)?;
        let scale = match &form.scale {
            None => self.size.map(|size| size * unit.factor),
            Some(scale) => {
                let value = self.fixed(scale, &unit, "the scale of the field")?;
                if value <= 0.0 {
                    return Err(self.source.refuse(scale.span(), "the typical size of a field must be positive"));
                }
                Some(value)
            }
        };
        let idle = |place: Option<Range<usize>>, what: &str| match place {
            Some(place) => Err(self.source.refuse(place, what.to_owned())),
            None => Ok(()),
        };
        if kind == FieldKind::Surface {
            let only = "this is for fields in the cells, and here is one on the surface";
            idle(form.lives_in.as_ref().map(Spanned::span), only)?;
            idle(form.diffusivity.as_ref().map(Spanned::span), only)?;
            idle(form.drift.as_ref().map(Spanned::span), only)?;
            idle(form.reference_density.as_ref().map(Spanned::span), only)?;
            idle(form.boundary.first(), only)?;
        }
        if kind != FieldKind::Volume {
            let only = "only fields of the kind \"volume\" can follow another";
            idle(form.chemotaxis.first().map(|first| first.along.span()), only)?;
            idle(form.drift.as_ref().map(Spanned::span), "only fields of the kind \"volume\" can drift")?;
        }
        let rest = match (kind, &form.rest) {
            (FieldKind::QuasiSteady, Some(rest)) => match rest.get_ref() {
                OneOr::One(Scalar::Text(text)) if text == "solve" => None,
                _ => {
                    return Err(self
                        .source
                        .refuse(rest.span(), "the rest of a quasi-steady field follows from its balance")
                        .help("write rest = \"solve\""));
                }
            },
            (_, Some(rest)) if matches!(rest.get_ref(), OneOr::One(Scalar::Text(text)) if text == "solve") => {
                return Err(self
                    .source
                    .refuse(rest.span(), "only the rest of a quasi-steady field can be solved for")
                    .help("write its value at rest, or make it kind = \"quasi_steady\""));
            }
            _ => self.layered(form.rest, &unit)?,
        };
        if kind == FieldKind::QuasiSteady {
            let why = "a quasi-steady field is in balance from the start";
            idle(form.initial.as_ref().map(Spanned::span), why)?;
            idle(form.reference_density.as_ref().map(Spanned::span), "a quasi-steady field has no reference density")?;
            if form.diffusivity.is_none() {
                return Err(self
                    .source
                    .refuse(span, "a quasi-steady field needs a diffusivity")
                    .help("one that only reacts is an intermediate, or a volume field"));
            }
        }
        let area = Unit::one();
        let (diffusivity, across) = self.diffusivity(form.diffusivity, &area)?;
        if let (FieldKind::QuasiSteady, Some(own)) = (kind, across.first()) {
            idle(Some(own.axis.span.clone()), "a quasi-steady field spreads alike along all axes")?;
        }
        Ok(Field {
            what: form.what,
            source: form.source,
            symbol: form.symbol,
            kind,
            index,
            lives_in: mentions(form.lives_in),
            rest,
            initial: self.layered(form.initial, &unit)?,
            signed: form.signed,
            scale,
            diffusivity,
            across,
            drift: self.drift(form.drift, &area)?,
            reference_density: self.layered(form.reference_density, &area)?,
            chemotaxis: form
                .chemotaxis
                .into_iter()
                .map(|one| {
                    let along = mention(&one.along);
                    let sensitivity = self.layered(Some(one.sensitivity), &area)?;
                    Ok(sensitivity.map(|sensitivity| (along, sensitivity)))
                })
                .filter_map(Result::transpose)
                .collect::<Result<_>>()?,
            boundary: self.boundary(form.boundary, &unit)?,
            unit,
            span,
        })
    }

    fn boundary(&self, form: BoundaryForm, unit: &Unit) -> Result<[Option<FaceCondition>; 6]> {
        let face = |form: Option<Spanned<TextOr<FaceForm>>>, lateral: bool| -> Result<Option<FaceCondition>> {
            let Some(form) = form else { return Ok(None) };
            let span = form.span();
            let made = |condition| Ok(Some(FaceCondition { condition, span: span.clone() }));
            let form = match form.into_inner() {
                TextOr::Text(text) => {
                    return match text.get_ref().as_str() {
                        "no_flux" => made(Condition::NoFlux),
                        "periodic" if lateral => made(Condition::Periodic),
                        "periodic" => Err(self
                            .source
                            .refuse(text.span(), "the surface and the deep end are not periodic")
                            .help("lateral faces can be; they then follow the grid")),
                        other => Err(self
                            .source
                            .refuse(text.span(), format!("unknown boundary condition `{other}`"))
                            .help("known: \"no_flux\", { value = \"…\" }, { exchange = \"…\", outside = \"…\" }, { flux = \"…\" }, { reservoir = \"…\", thickness = \"…\" }")),
                    };
                }
                TextOr::Table(form) => form,
            };
            let read = |scalar: &Spanned<Scalar>, unit: &Unit| self.scalar(scalar.span(), scalar.get_ref(), unit);
            let one = &Unit::one();
            let idle = [&form.thickness, &form.partition].into_iter().flatten().next().map(Spanned::span);
            if let (Some(place), None) = (idle, &form.reservoir) {
                return Err(self
                    .source
                    .refuse(place, "this belongs to a reservoir")
                    .help("write reservoir = \"FIELD\", with a field of the kind \"surface\""));
            }
            match (form.value, form.exchange, form.outside, form.flux, form.reservoir) {
                (Some(value), None, None, None, None) => made(Condition::Value(read(&value, unit)?)),
                (None, Some(exchange), Some(outside), None, None) => {
                    made(Condition::Exchange { exchange: read(&exchange, one)?, outside: read(&outside, unit)? })
                }
                (None, None, None, Some(flux), None) => made(Condition::Flux(read(&flux, one)?)),
                (None, exchange, None, None, Some(of)) => {
                    let Some(thickness) = form.thickness else {
                        return Err(self
                            .source
                            .refuse(span.clone(), "a reservoir needs a thickness")
                            .help("write thickness = \"0.1 mm\""));
                    };
                    made(Condition::Reservoir(Box::new(Reservoir {
                        of: mention(&of),
                        thickness: read(&thickness, one)?,
                        partition: form.partition.as_ref().map(|partition| read(partition, one)).transpose()?,
                        exchange: exchange.as_ref().map(|exchange| read(exchange, one)).transpose()?,
                    })))
                }
                _ => Err(self
                    .source
                    .refuse(
                        span.clone(),
                        "a boundary condition has either a `value`, or `exchange` and `outside`, or a `flux`, or a `reservoir`",
                    )
                    .help("a reservoir has a `thickness`, and may have a `partition` and an `exchange`")),
            }
        };
        Ok([
            face(form.top, false)?,
            face(form.bottom, false)?,
            face(form.left, true)?,
            face(form.right, true)?,
            face(form.front, true)?,
            face(form.back, true)?,
        ])
    }

    fn intermediates(
        &self,
        table: SpannedTable<TextOr<crate::engine::language::file::IntermediateForm>>,
    ) -> Result<IndexMap<String, Intermediate>> {
        table
            .into_iter()
            .map(|(key, form)| {
                let (what, source, value) = match form {
                    TextOr::Text(text) => (String::new(), String::new(), text),
                    TextOr::Table(form) => (form.what, form.source, form.value),
                };
                Ok((key.into_inner(), Intermediate { what, source, value: self.expression(&value)? }))
            })
            .collect()
    }

    fn list(&self, table: &SpannedTable<Spanned<Scalar>>) -> Result<Vec<(Mention, Expression)>> {
        let each = |(key, value): (&Spanned<String>, &Spanned<Scalar>)| {
            Ok((mention(key), self.scalar(value.span(), value.get_ref(), &Unit::one())?))
        };
        table.iter().map(each).collect()
    }

    fn process(&self, span: Range<usize>, form: ProcessForm) -> Result<Process> {
        let coefficients = !form.takes.is_empty() || !form.gives.is_empty();
        match (&form.rate, coefficients, form.changes.is_empty()) {
            (None, true, _) => {
                return Err(self
                    .source
                    .refuse(span, "the process takes and gives, but has no rate")
                    .help("add rate = \"…\""));
            }
            (Some(rate), false, _) => {
                return Err(self
                    .source
                    .refuse(rate.span(), "the process has a rate, but takes and gives nothing")
                    .help("add gives = { FIELD = 1 } or takes = { FIELD = 1 }"));
            }
            (None, false, true) => {
                return Err(self
                    .source
                    .refuse(span, "the process does nothing")
                    .help("give it a rate with `takes` and `gives`, or `changes`"));
            }
            _ => {}
        }
        Ok(Process {
            what: form.what,
            source: form.source,
            rate: form.rate.as_ref().map(|rate| self.expression(rate)).transpose()?,
            takes: self.list(&form.takes)?,
            gives: self.list(&form.gives)?,
            changes: self.list(&form.changes)?,
            layers: mentions(form.layers),
            span,
        })
    }

    fn event(&self, form: EventForm) -> Result<Event> {
        Ok(Event {
            what: form.what,
            source: form.source,
            intermediates: self.intermediates(form.intermediate)?,
            effects: self.list(&form.effect)?,
        })
    }

    fn timed(&self, span: Range<usize>, form: TimedForm) -> Result<Timed> {
        let second = Unit { factor: 1.0, dimension: Dimension::TIME, text: "s".into() };
        let moment = |span: Range<usize>, scalar: &Scalar| -> Result<f64> {
            let time = match (self.scale, scalar) {
                (Some(scale), Scalar::Number(value)) => value * scale.time,
                (None, Scalar::Number(value)) if *value != 0.0 => {
                    return Err(self.source.refuse(span, "a time needs a unit").help("write it like \"6 h\""));
                }
                _ => self.fixed_at(span.clone(), scalar, &second, "a time")?,
            };
            if time < 0.0 {
                return Err(self.source.refuse(span, "this lies before the start of the run, which is time 0"));
            }
            Ok(time)
        };
        let of = |scalar: &Spanned<Scalar>| moment(scalar.span(), scalar.get_ref());
        let at: Vec<f64> = match &form.at {
            None => Vec::new(),
            Some(list) => list.get_ref().0.iter().map(|one| moment(list.span(), one)).collect::<Result<_>>()?,
        };
        let every = form.every.as_ref().map(of).transpose()?;
        if let (Some(0.0), Some(place)) = (every, &form.every) {
            return Err(self.source.refuse(place.span(), "the time between two events must be positive"));
        }
        if let (None, Some(idle)) = (every, form.from.as_ref().or(form.until.as_ref())) {
            return Err(self
                .source
                .refuse(idle.span(), "this says from when to when an event repeats, and it does not")
                .help("add every = \"24 h\", or write the time under `at`"));
        }
        if at.is_empty() && every.is_none() {
            return Err(self
                .source
                .refuse(span, "the event has no time")
                .help("write at = \"6 h\", at = [\"6 h\", \"12 h\"] or every = \"24 h\""));
        }
        if form.set.is_empty() {
            return Err(self
                .source
                .refuse(span, "the event changes nothing")
                .help("write set = { FIELD = 0 }, with a value or an expression of the fields"));
        }
        let from = form.from.as_ref().map(of).transpose()?.or(every).unwrap_or(0.0);
        let until = form.until.as_ref().map(of).transpose()?.unwrap_or(f64::INFINITY);
        if let Some(place) = form.until.as_ref().filter(|_| until < from) {
            return Err(self
                .source
                .refuse(place.span(), "the event ends before it begins")
                .help("the first time is `from`, or one `every` after the start"));
        }
        let effects = self.list(&form.set)?;
        let event = Event { what: form.what, source: form.source, effects, ..Event::default() };
        Ok(Timed { event, at, every, from, until, span })
    }

    fn region(&self, form: RegionForm, span: Range<usize>) -> Result<RegionOf> {
        let metre = Unit { factor: 1.0, dimension: Dimension::LENGTH, text: "m".into() };
        let depth = |scalar: &Spanned<Scalar>| match (self.scale, scalar.get_ref()) {
            (Some(scale), Scalar::Number(value)) => Ok(value * scale.length),
            (None, Scalar::Number(value)) if *value != 0.0 => {
                Err(self.source.refuse(scalar.span(), "a depth needs a unit").help("write it like \"0.5 mm\""))
            }
            _ => self.fixed(scalar, &metre, "a depth"),
        };
        let from = form.from.as_ref().map_or(Ok(0.0), depth)?;
        let to = form.to.as_ref().map_or(Ok(f64::INFINITY), depth)?;
        if let Some(place) = form.to.as_ref().or(form.from.as_ref())
            && !(from >= 0.0 && from < to)
        {
            return Err(self.source.refuse(place.span(), "a region reaches from a smaller to a larger depth"));
        }
        Ok(RegionOf { what: form.what, layers: mentions(form.layers), from, to, span })
    }
}
