//! A model for one medium and one person: every expression becomes a program for every layer.
//!
//! In a layer the constants are numbers, fields that do not live there are zero, and what follows from that is simplified
//! away. The rate of a field is the sum of its processes in the order of the file; each is computed as it was written, so
//! that gains and losses which are equal at rest cancel to rounding.

use crate::base::error::Result;
use crate::engine::language::compiled::{
    Boundary, Bundle, Chemotaxis, Compiled, Diffusion, Effects, Face, FollowedField, Observable, QuasiField, Rates,
    SurfaceField, VolumeField,
};
use crate::engine::language::graph::{Id, Op};
use crate::engine::language::interval::Interval;
use crate::engine::language::lower::Lowering;
use crate::engine::language::model::{
    Condition, DRIFTS, Event, FACES, FaceCondition, Field, FieldKind, Layered, Mention, Model,
};
use crate::engine::language::names::LocalAct;
use crate::engine::language::place::{Compiler, LayerLeaves, finite, program};
use crate::engine::language::syntax::Expression;
use crate::engine::language::update::joined;
use crate::engine::language::{Input, Program, Reduction, Setting, Turns};

impl Model {
    /// Compiles the model for a medium and a person.
    ///
    /// # Errors
    /// A number lacks the value for this person or layer, a layer is not one of the medium, a value is not finite.
    pub fn compile(&self, setting: &Setting) -> Result<Compiled> {
        Compiler::new(self, setting)?.compile()
    }
}

impl Compiler<'_> {
    fn compile(mut self) -> Result<Compiled> {
        let model = self.model;
        let mut volume = Vec::new();
        let mut surface = Vec::new();
        let mut quasi = Vec::new();
        for (index, (name, field)) in model.fields.iter().enumerate() {
            match field.kind {
                FieldKind::Volume => volume.push(self.volume_field(index, name, field)?),
                FieldKind::QuasiSteady => quasi.push(self.quasi_field(index, name, field)?),
                FieldKind::Surface => {
                    let initial = match &field.initial {
                        None => None,
                        Some(Layered::One(one)) => Some(self.one(index, one, None, None)?),
                        Some(Layered::Table(_)) => {
                            return Err(model.source.refuse(field.span.clone(), "the surface has no layers"));
                        }
                    };
                    surface.push(SurfaceField {
                        name: name.clone(),
                        unit: field.unit.clone(),
                        signed: field.signed,
                        scale: field.scale,
                        rest: self.rest[index][0],
                        initial,
                        adds_up: None,
                    });
                }
            }
        }
        let layers = (0..self.setting.layers.len()).map(|layer| self.rates(Some(layer))).collect::<Result<_>>()?;
        let surface_rates = self.rates(None)?;
        self.nothing_is_lost()?;
        let acts = model.acts.iter().enumerate().map(|(act, event)| self.effects(event, Some(LocalAct(act))));
        let acts = acts.collect::<Result<_>>()?;
        let events = model.events.values().map(|timed| self.effects(&timed.event, None)).collect::<Result<_>>()?;
        let observables = model
            .observables
            .iter()
            .map(|(name, observable)| {
                let mut place = self.place(None);
                place.leaves.whole = true;
                let id = place.expression(&observable.value)?;
                let value = program(&place.graph, &[id], model, &observable.value.root)?;
                Ok(Observable { name: name.clone(), unit: observable.unit.clone(), value })
            })
            .collect::<Result<_>>()?;
        let signals = model.signals.iter().map(|(name, signal)| (name.clone(), signal.default)).collect();
        let Self { columns, reductions, fluxes, sums, clock, .. } = self;
        surface.extend(sums);
        let bundles = bundles(&reductions);
        Ok(Compiled {
            volume,
            surface,
            quasi,
            layers,
            surface_rates,
            columns,
            host: model.symbols.host,
            acts,
            events,
            observables,
            reductions,
            bundles,
            fluxes,
            signals,
            turns: Turns::default(),
            clock: clock.clock(),
        }
        .with_turns())
    }

    /// m²/s in one unit of diffusivity of the model.
    fn spread(&self) -> f64 {
        self.model.scale.map_or(1.0, |scale| scale.length * scale.length / scale.time)
    }

    fn volume_field(&mut self, index: usize, name: &str, field: &Field) -> Result<VolumeField> {
        let density = match &field.reference_density {
            None => vec![1.0; self.setting.layers.len()],
            Some(density) => self.fixed(index, density, 1.0)?,
        };
        if density.iter().any(|density| *density <= 0.0) {
            return Err(self.model.source.refuse(field.span.clone(), "a reference density must be positive"));
        }
        let chemotaxis = field
            .chemotaxis
            .iter()
            .map(|(along, sensitivity)| {
                let followed = self.model.target(along)?;
                let along = match followed.kind {
                    FieldKind::QuasiSteady => FollowedField::Quasi(followed.index),
                    _ => FollowedField::Volume(followed.index),
                };
                Ok(Chemotaxis { along, sensitivity: self.table(index, sensitivity, Some(self.spread()))? })
            })
            .collect::<Result<_>>()?;
        let mut diffusion = match &field.diffusivity {
            None => None,
            Some(diffusivity) => self.diffusion(index, name, field, diffusivity, false)?,
        };
        let mut across = self.across(index, name, field, false)?;
        // Where one of several depends on fields, all are computed as if they did.
        let open = |own: &Diffusion| matches!(own, Diffusion::Dependent(_));
        if !field.across.is_empty() && diffusion.iter().chain(across.iter().flatten()).any(open) {
            if let Some(diffusivity) = &field.diffusivity {
                diffusion = self.diffusion(index, name, field, diffusivity, true)?;
            }
            across = self.across(index, name, field, true)?;
        }
        let drift = self.drift(index, field)?;
        let across = across.filter(|both| diffusion.is_some() || both.iter().any(|own| own.passes().contains(&true)));
        if across.is_some() || drift.is_some() {
            // It moves, if not by spreading along depth.
            diffusion = diffusion.or_else(|| Some(Diffusion::Layered(vec![0.0; self.setting.layers.len()])));
        }
        let initial = match &field.initial {
            None => None,
            Some(initial) => Some(self.table(index, initial, None)?),
        };
        let passes = self.passes(diffusion.as_ref(), across.as_ref(), drift.as_ref());
        Ok(VolumeField {
            name: name.to_owned(),
            unit: field.unit.clone(),
            lives: self.lives[index].clone(),
            signed: field.signed,
            scale: field.scale,
            diffusion,
            across,
            drift,
            chemotaxis,
            density,
            boundary: self.boundary(index, field, &passes)?,
            rest: self.rest[index].clone(),
            initial,
        })
    }

    /// How a field spreads; `open` leaves programs where numbers would do.
    fn diffusion(
        &mut self,
        index: usize,
        name: &str,
        field: &Field,
        layered: &Layered,
        open: bool,
    ) -> Result<Option<Diffusion>> {
        self.check_table(index, layered)?;
        let factor = self.spread();
        let (mut values, mut programs, mut fixed) = (Vec::new(), Vec::new(), true);
        for layer in 0..self.setting.layers.len() {
            let Some(expression) = self.chosen(layered, layer).filter(|_| self.lives[index][layer]) else {
                values.push(0.0);
                programs.push(None);
                continue;
            };
            let mut place = self.place(Some(layer));
            let id = place.expression(expression)?;
            let factor = place.graph.number(factor);
            let id = place.graph.multiply(factor, id);
            place.leaves.compiler.clock.watch(&place.graph, &[id], name);
            let value = place.graph.value(id);
            programs.push(Some(program(&place.graph, &[id], self.model, &expression.root)?));
            if let Some(value) = value
                && value < 0.0
            {
                return Err(
                    self.refuse(&expression.root, format!("a diffusivity cannot be negative, and this is {value}"))
                );
            }
            values.push(value.unwrap_or(0.0));
            fixed &= value.is_some();
        }
        let moves = !fixed || open || values.iter().any(|value| *value > 0.0);
        if field.kind == FieldKind::Volume && !moves {
            return Ok(None);
        }
        Ok(Some(if fixed && !open { Diffusion::Layered(values) } else { Diffusion::Dependent(programs) }))
    }

    /// How a field spreads along x and y, where the model says that.
    fn across(&mut self, index: usize, name: &str, field: &Field, open: bool) -> Result<Option<[Diffusion; 2]>> {
        if field.across.is_empty() {
            return Ok(None);
        }
        let none = || Diffusion::Layered(vec![0.0; self.setting.layers.len()]);
        let mut both = [none(), none()];
        for along in &field.across {
            let own = self.diffusion(index, name, field, &along.value, open)?;
            for (slot, axis) in both.iter_mut().zip(["x", "y"]) {
                if let Some(own) = own.as_ref().filter(|_| along.axis.name == axis || along.axis.name == "lateral") {
                    *slot = own.clone();
                }
            }
        }
        Ok(Some(both))
    }

    /// How fast a field drifts in each layer; none if it does not.
    fn drift(&mut self, index: usize, field: &Field) -> Result<Option<[Vec<f64>; 3]>> {
        let factor = self.model.scale.map_or(1.0, |scale| scale.length / scale.time);
        let mut drift: [Vec<f64>; 3] = std::array::from_fn(|_| vec![0.0; self.setting.layers.len()]);
        for along in &field.drift {
            let speeds = self.fixed(index, &along.value, 0.0)?;
            if let Some(axis) = DRIFTS.iter().position(|axis| *axis == along.axis.name) {
                drift[axis] = speeds.into_iter().map(|speed| factor * speed).collect();
            }
        }
        Ok(drift.iter().flatten().any(|speed| *speed != 0.0).then_some(drift))
    }

    /// In which layers something passes between cells along x, y and depth.
    fn passes(
        &self,
        diffusion: Option<&Diffusion>,
        across: Option<&[Diffusion; 2]>,
        drift: Option<&[Vec<f64>; 3]>,
    ) -> [Vec<bool>; 3] {
        std::array::from_fn(|axis| {
            let own = across.and_then(|across| across.get(axis)).or(diffusion);
            let mut passes = own.map_or_else(|| vec![false; self.setting.layers.len()], Diffusion::passes);
            for (passes, speed) in passes.iter_mut().zip(drift.iter().flat_map(|drift| &drift[axis])) {
                *passes |= *speed != 0.0;
            }
            passes
        })
    }

    fn quasi_field(&mut self, index: usize, name: &str, field: &Field) -> Result<QuasiField> {
        let diffusivity = match &field.diffusivity {
            None => None,
            Some(diffusivity) => self.diffusion(index, name, field, diffusivity, false)?,
        };
        let Some(Diffusion::Layered(diffusivity)) = diffusivity else {
            return Err(self.model.source.refuse(field.span.clone(), "a quasi-steady field needs a fixed diffusivity"));
        };
        let balance = (0..self.setting.layers.len())
            .map(|layer| {
                if !self.lives[index][layer] {
                    return Ok(None);
                }
                let model = self.model;
                let mut place = self.place(Some(layer));
                let sum = net(&mut place, index)?;
                let sum = sum.unwrap_or_else(|| place.graph.number(0.0));
                let own = place.graph.input(Input::Quasi(field.index));
                let slope = place.graph.derivatives(&[sum], own)[0];
                finite(&place.graph, &[sum, slope], model, field.span.clone())?;
                place.leaves.compiler.clock.watch(&place.graph, &[sum], name);
                Ok(Some(Program::compile(&place.graph, &[sum, slope])))
            })
            .collect::<Result<_>>()?;
        Ok(QuasiField {
            name: name.to_owned(),
            unit: field.unit.clone(),
            lives: self.lives[index].clone(),
            scale: field.scale,
            boundary: self.boundary(
                index,
                field,
                &std::array::from_fn(|_| diffusivity.iter().map(|d| *d > 0.0).collect()),
            )?,
            diffusivity,
            balance,
        })
    }

    /// Conditions on the faces; `passes` says in which layers the field moves along x, y and depth.
    fn boundary(&mut self, index: usize, field: &Field, passes: &[Vec<bool>; 3]) -> Result<Boundary> {
        let last = self.setting.layers.len() - 1;
        let speed = self.model.scale.map(|scale| scale.length / scale.time);
        let mut faces = Vec::with_capacity(6);
        for (side, on_face) in field.boundary.iter().enumerate() {
            let layer = [Some(0), Some(last)].get(side).copied().flatten();
            let Some(FaceCondition { condition, span }) = on_face else {
                faces.push(None);
                continue;
            };
            if condition.acts() {
                self.reaches(index, side, layer, &passes[[2, 2, 0, 0, 1, 1][side]], span)?;
            }
            faces.push(match condition {
                Condition::NoFlux | Condition::Periodic => None,
                Condition::Value(value) => Some(Face::Value(self.one(index, value, layer, None)?)),
                Condition::Exchange { exchange, outside } => Some(Face::Exchange {
                    exchange: self.one(index, exchange, layer, speed)?,
                    outside: Box::new(self.one(index, outside, layer, None)?),
                }),
                Condition::Flux(flux) => {
                    let here = |own: &usize| layer.is_none_or(|layer| layer == *own) && self.lives[index][*own];
                    let here: Vec<bool> = (0..=last).map(|own| here(&own)).collect();
                    let programs = here.into_iter().enumerate();
                    let programs =
                        programs.map(|(own, here)| here.then(|| self.one(index, flux, Some(own), speed)).transpose());
                    Some(Face::Flux(programs.collect::<Result<_>>()?))
                }
                Condition::Reservoir(film) => {
                    let length = self.model.scale.map_or(1.0, |scale| scale.length);
                    let mut above_zero =
                        |expression: &Expression, what: &str| -> Result<f64> {
                            match self.constant_expression(expression, layer)? {
                                value if value > 0.0 => Ok(value),
                                value => Err(self
                                    .refuse(&expression.root, format!("{what} must be positive, and this is {value}"))),
                            }
                        };
                    Some(Face::Reservoir {
                        thickness: length * above_zero(&film.thickness, "a thickness")?,
                        partition: match &film.partition {
                            Some(partition) => above_zero(partition, "a partition coefficient")?,
                            None => 1.0,
                        },
                        of: self.model.target(&film.of)?.index,
                        exchange: match &film.exchange {
                            Some(exchange) => Some(self.one(index, exchange, layer, speed)?),
                            None => None,
                        },
                    })
                }
            });
        }
        let mut faces = faces.into_iter();
        let mut next = || faces.next().flatten();
        Ok(Boundary {
            top: next().unwrap_or(Face::NoFlux),
            bottom: next().unwrap_or(Face::NoFlux),
            sides: [next(), next(), next(), next()],
        })
    }

    /// Refuses a condition on a face at which the field does not live or does not spread. A field that lives nowhere in this
    /// medium has no conditions.
    fn reaches(
        &self,
        index: usize,
        side: usize,
        layer: Option<usize>,
        passes: &[bool],
        span: &std::ops::Range<usize>,
    ) -> Result<()> {
        let lives = &self.lives[index];
        if passes.iter().zip(lives).any(|(passes, lives)| *passes && *lives && layer.is_none())
            || layer.is_some_and(|layer| lives[layer] && passes[layer])
            || lives.iter().all(|lives| !lives)
        {
            return Ok(());
        }
        let name = self.model.fields.get_index(index).map_or("", |(name, _)| name);
        let source = &self.model.source;
        Err(match layer.map(|layer| (&self.setting.layers[layer].name, lives[layer])) {
            Some((at, false)) => source
                .refuse(span.clone(), format!("`{name}` does not live in `{at}`, the layer at the {}", FACES[side]))
                .help(format!("add \"{at}\" to its lives_in, or take the condition away")),
            Some((at, true)) => source
                .refuse(
                    span.clone(),
                    format!("`{name}` has no diffusivity in `{at}`, so nothing passes the {}", FACES[side]),
                )
                .help(format!("give it one: diffusivity = {{ {at} = \"…\" }}")),
            None => source
                .refuse(span.clone(), format!("`{name}` has no diffusivity, so nothing passes the {}", FACES[side])),
        })
    }

    // Kinetics.

    /// Rates in a layer, or of the surface fields.
    fn rates(&mut self, layer: Option<usize>) -> Result<Rates> {
        let model = self.model;
        let kind = if layer.is_some() { FieldKind::Volume } else { FieldKind::Surface };
        let mut place = self.place(layer);
        let (mut fields, mut roots, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        for (index, (name, field)) in model.fields.iter().enumerate() {
            let lives = layer.is_none_or(|layer| place.leaves.compiler.lives[index][layer]);
            if field.kind != kind || !lives {
                continue;
            }
            if let Some(sum) = net(&mut place, index)? {
                place.leaves.compiler.clock.watch(&place.graph, &[sum], name);
                fields.push(field.index);
                roots.push(sum);
                spans.push(&field.span);
            }
        }
        // What they share is looked at once; only where something is wrong, one after the other to find where.
        if finite(&place.graph, &roots, model, 0..0).is_err() {
            for (root, span) in roots.iter().zip(spans) {
                finite(&place.graph, &[*root], model, span.clone())?;
            }
        }
        let rate = Program::compile(&place.graph, &roots);
        let own = |field: usize| if layer.is_some() { Input::Volume(field) } else { Input::Surface(field) };
        let of_kind = model.fields.values().filter(|field| field.kind == kind).map(|field| field.index);
        let columns: Vec<usize> = of_kind.filter(|field| rate.inputs.binary_search(&own(*field)).is_ok()).collect();
        let leaves: Vec<Id> = columns.iter().map(|column| place.graph.input(own(*column))).collect();
        let mut entries: Vec<((usize, usize), Id)> = Vec::new();
        for (column, by_row) in columns.into_iter().zip(place.graph.jacobian(&roots, &leaves)) {
            entries.extend(by_row.into_iter().map(|(row, entry)| ((fields[row], column), entry)));
        }
        entries.sort_by_key(|(place, _)| *place);
        let (pattern, entries): (Vec<_>, Vec<Id>) = entries.into_iter().unzip();
        Ok(Rates { fields, rate, pattern, jacobian: Program::compile(&place.graph, &entries) })
    }

    /// Refuses processes that in some layer do half of what they say: they change a field that lives there, and would change one
    /// that does not, so what the one loses the other does not get.
    fn nothing_is_lost(&mut self) -> Result<()> {
        let model = self.model;
        let columns = self.columns.len();
        for (name, process) in &model.processes {
            let only = process.layers.as_ref().map(|list| self.layers(list)).transpose()?;
            let lists = [(&process.takes, "takes from"), (&process.gives, "gives to"), (&process.changes, "changes")];
            let targets: Vec<_> = (lists.iter())
                .flat_map(|(list, does)| list.iter().map(move |(target, factor)| (target, factor, *does)))
                .filter_map(|(target, factor, does)| {
                    let (index, _, field) = model.fields.get_full(&target.name)?;
                    (field.kind != FieldKind::Surface).then_some((target, factor, does, index))
                })
                .collect();
            let listed = |layer: usize| only.as_ref().is_none_or(|only| only[layer]);
            let anywhere = |within: &dyn Fn(usize) -> bool| {
                let all = (0..self.setting.layers.len()).filter(|layer| within(*layer));
                let mut lives = all.flat_map(|layer| targets.iter().map(move |(.., index)| (layer, *index)));
                lives.any(|(layer, index)| self.lives[index][layer])
            };
            if let Some(list) = process.layers.as_ref().filter(|_| (0..self.setting.layers.len()).any(listed))
                && anywhere(&|_| true)
                && !anywhere(&listed)
            {
                let names: Vec<&str> = list.iter().map(|place| place.name.as_str()).collect();
                let message =
                    format!("the process `{name}` acts nowhere: what it changes does not live in {}", names.join(", "));
                return Err(model.source.refuse(list[0].span.clone(), message));
            }
            for layer in (0..self.setting.layers.len()).filter(|layer| listed(*layer)) {
                let (here, lost): (Vec<_>, Vec<_>) = targets.iter().partition(|(.., index)| self.lives[*index][layer]);
                if here.is_empty() || lost.is_empty() {
                    continue;
                }
                let mut place = self.place(Some(layer));
                let mut acts = |(_, factor, does, _): &(&Mention, &Expression, &str, usize)| -> Result<bool> {
                    let mut term = place.expression(factor)?;
                    if let (Some(rate), true) = (&process.rate, *does != "changes") {
                        let rate = place.expression(rate)?;
                        term = place.graph.multiply(term, rate);
                    }
                    Ok(!place.graph.is(term, 0.0))
                };
                let mut first = |list: &[&(&'_ Mention, &'_ Expression, &'_ str, usize)]| -> Result<Option<usize>> {
                    for (at, one) in list.iter().enumerate() {
                        if acts(one)? {
                            return Ok(Some(at));
                        }
                    }
                    Ok(None)
                };
                let (Some(done), Some(missed)) = (first(&here)?, first(&lost)?) else { continue };
                let ((does, field), (target, would)) =
                    ((here[done].2, &here[done].0.name), (lost[missed].0, lost[missed].2));
                let at = &self.setting.layers[layer].name;
                let both = (0..self.setting.layers.len())
                    .filter(|layer| listed(*layer) && targets.iter().all(|(.., index)| self.lives[*index][*layer]))
                    .map(|layer| format!("\"{}\"", self.setting.layers[layer].name))
                    .collect::<Vec<_>>()
                    .join(", ");
                let message = format!(
                    "in `{at}` the process `{name}` {does} `{field}`, but `{}`, which it {would}, does not live there",
                    target.name
                );
                return Err(model.source.refuse(target.span.clone(), message).help(match both.is_empty() {
                    true => format!("let `{}` live in `{at}`, or write a process for each of them", target.name),
                    false => format!(
                        "write layers = [{both}] to let it act where all of its fields live; what else becomes of `{field}` in `{at}` is a process of its own"
                    ),
                }));
            }
        }
        self.columns.truncate(columns);
        Ok(())
    }

    fn effects(&mut self, event: &Event, local: Option<LocalAct>) -> Result<Effects> {
        let model = self.model;
        let count = self.setting.layers.len();
        let mut one = |layer: Option<usize>| -> Result<(Vec<usize>, Program)> {
            let mut place = self.place(layer);
            place.local = local;
            let (mut fields, mut roots) = (Vec::new(), Vec::new());
            for (target, value) in &event.effects {
                let Some((index, _, field)) = model.fields.get_full(&target.name) else { continue };
                let here = match (layer, field.kind) {
                    (Some(layer), FieldKind::Volume) => place.leaves.compiler.lives[index][layer],
                    (None, FieldKind::Surface) => true,
                    _ => false,
                };
                if here {
                    let id = place.expression(value)?;
                    finite(&place.graph, &[id], model, value.span.clone())?;
                    fields.push(field.index);
                    roots.push(id);
                }
            }
            Ok((fields, Program::compile(&place.graph, &roots)))
        };
        let layers = (0..count).map(|layer| one(Some(layer))).collect::<Result<_>>()?;
        Ok(Effects { layers, surface: one(None)? })
    }
}

/// Most reductions of a bundle: their values are added up while they are in the first cache.
const TOGETHER: usize = 16;

/// Reductions over the same region become one program: what they share is computed once.
fn bundles(reductions: &[Reduction]) -> Vec<Bundle> {
    let mut bundles: Vec<Bundle> = Vec::new();
    for (index, Reduction { kind, region, .. }) in reductions.iter().enumerate() {
        let member = (*kind, index);
        match bundles.iter_mut().find(|bundle| bundle.region == *region && bundle.members.len() < TOGETHER) {
            Some(bundle) => bundle.members.push(member),
            None => bundles.push(Bundle { region: region.clone(), members: vec![member], programs: Vec::new() }),
        }
    }
    for Bundle { members, programs, .. } in &mut bundles {
        let places = reductions[members[0].1].programs.len();
        let at = |place: usize| -> Option<Vec<&Program>> {
            members.iter().map(|&(_, member)| reductions[member].programs[place].as_ref()).collect()
        };
        *programs = (0..places).map(|place| at(place).map(|own| joined(&own))).collect();
    }
    bundles
}

/// The net rate of a field in a place \[per second\]: the sum of what its processes do, in the order of the file.
fn net(place: &mut Lowering<'_, LayerLeaves<'_, '_>>, index: usize) -> Result<Option<Id>> {
    let model = place.model;
    let Some((name, _)) = model.fields.get_index(index) else { return Ok(None) };
    let signed = |kind: FieldKind, own: usize| {
        model.fields.values().any(|field| field.kind == kind && field.index == own && field.signed)
    };
    let signs = |op: Op| match op {
        Op::Input(Input::Volume(own)) if !signed(FieldKind::Volume, own) => Interval::POSITIVE,
        Op::Input(Input::Surface(own)) if !signed(FieldKind::Surface, own) => Interval::POSITIVE,
        _ => Interval::ALL,
    };
    let mut sum: Option<Id> = None;
    for process in place.leaves.compiler.touching[index].clone() {
        let process = &model.processes[process];
        if let (Some(list), Some(layer)) = (&process.layers, place.leaves.layer)
            && !place.leaves.compiler.layers(list)?[layer]
        {
            continue;
        }
        let lists = [(&process.gives, true), (&process.takes, false), (&process.changes, true)];
        for (position, (list, gain)) in lists.into_iter().enumerate() {
            for (_, factor) in list.iter().filter(|(target, _)| target.name == *name) {
                let mut term = place.expression(factor)?;
                if let (Some(rate), true) = (&process.rate, position < 2) {
                    let rate = place.expression(rate)?;
                    term = place.graph.multiply(term, rate);
                }
                term = place.graph.guarded(term, &signs);
                sum = Some(match (sum, gain) {
                    (None, true) => term,
                    (None, false) => place.graph.negate(term),
                    (Some(sum), true) => place.graph.add(sum, term),
                    (Some(sum), false) => place.graph.subtract(sum, term),
                });
            }
        }
    }
    let Some(mut sum) = sum else { return Ok(None) };
    if let Some(scale) = model.scale {
        let factor = place.graph.number(1.0 / scale.time);
        sum = place.graph.multiply(factor, sum);
    }
    Ok((!place.graph.is(sum, 0.0)).then_some(sum))
}
