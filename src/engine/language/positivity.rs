//! Fields that are not declared signed must stay non-negative, and this is proved when the model is read.
//!
//! For du/dt = f(u, v, …) a state stays in u ≥ 0 exactly if f ≥ 0 wherever u = 0 and the other unsigned fields are not
//! negative. The condition is asked of every process by itself, for then it holds however processes are combined: where the
//! field is zero, a process that takes from it must take nothing, and one that gives must not take. A net rate such as
//! s u (1 - u/K) needs no special form: where u = 0 it is zero, so its loss vanishes with u, and the loss in a u log(K/u) does
//! as u falls to zero (`limit`); a rate that stays indefinite there is refused.
//!
//! Effects of the host's acts must give non-negative values, diffusivities must not be negative.

use std::cell::OnceCell;

use crate::base::error::Result;
use crate::base::sourced::{Choice, Sourced};
use crate::engine::language::graph::{Graph, Id, Op};
use crate::engine::language::interval::Interval;
use crate::engine::language::lower::{FluxCall, Leaves, Lowering, Reduced};
use crate::engine::language::model::{Condition, Definition, Field, FieldKind, Layered, Model};
use crate::engine::language::syntax::{Expression, Node};
use crate::engine::language::{Input, ReductionKind};

/// What is known once for all claims.
#[derive(Clone, Copy)]
struct KnownRanges<'a> {
    /// Where constants lie.
    constants: &'a [Interval],
    /// Where the fields of each kind lie.
    fields: &'a [Vec<Interval>; 3],
}

/// Leaves whose values are known only to lie somewhere.
struct Ranges<'a> {
    model: &'a Model,
    known: KnownRanges<'a>,
    /// Where reductions lie, in the order in which they were met.
    reductions: Vec<Interval>,
}

impl Ranges<'_> {
    fn of(&self, op: Op) -> Interval {
        match op {
            Op::Symbol(index) => {
                let index = index as usize;
                match index.checked_sub(self.known.constants.len()) {
                    None => self.known.constants[index],
                    Some(field) => own_range(&self.model.fields[field]),
                }
            }
            Op::Input(input) => match input {
                Input::Volume(index) => self.kind(FieldKind::Volume, index),
                Input::Surface(index) => self.kind(FieldKind::Surface, index),
                Input::Quasi(index) | Input::QuasiRest(index) => self.kind(FieldKind::QuasiSteady, index),
                Input::Signal(index) => {
                    let [low, high] = self.model.signals[index].range;
                    Interval { low, high }
                }
                Input::Column(index) | Input::Reduction(index) => {
                    self.reductions.get(index).copied().unwrap_or(Interval::ALL)
                }
                Input::X | Input::Y | Input::Flux(_) => Interval::ALL,
                Input::Own(own) if own.signed => Interval::ALL,
                Input::Random(_) => Interval::UNIT,
                Input::Time | Input::SinceAct | Input::Depth | Input::Own(_) => Interval::POSITIVE,
            },
            _ => Interval::ALL,
        }
    }

    fn kind(&self, kind: FieldKind, index: usize) -> Interval {
        self.known.fields[kind as usize].get(index).copied().unwrap_or(Interval::ALL)
    }
}

fn own_range(field: &Field) -> Interval {
    if field.signed { Interval::ALL } else { Interval::POSITIVE }
}

fn input_of(field: &Field) -> Input {
    match field.kind {
        FieldKind::Volume => Input::Volume(field.index),
        FieldKind::Surface => Input::Surface(field.index),
        FieldKind::QuasiSteady => Input::Quasi(field.index),
    }
}

impl Leaves for Ranges<'_> {
    fn constant(&mut self, graph: &mut Graph, index: usize, _: &Node) -> Result<Id> {
        let Interval { low, high } = self.known.constants[index];
        Ok(if low == high { graph.number(low) } else { graph.symbol(index) })
    }

    fn field(&mut self, graph: &mut Graph, index: usize, _: &Node) -> Result<Id> {
        Ok(graph.input(input_of(&self.model.fields[index])))
    }

    fn rest(&mut self, graph: &mut Graph, index: usize, _: &Node) -> Result<Id> {
        Ok(graph.symbol(self.known.constants.len() + index))
    }

    fn variable(&mut self, graph: &mut Graph, input: Input) -> Id {
        graph.input(input)
    }

    fn reduction(&mut self, graph: &mut Graph, reduced: Reduced<'_>) -> Result<Id> {
        let inner = Ranges { model: self.model, known: self.known, reductions: Vec::new() };
        let mut body = Lowering::new(self.model, inner);
        let value = body.tree(reduced.value)?;
        let leaves = &body.leaves;
        let mut range = body.graph.interval(value, &|op| leaves.of(op));
        if reduced.kind == ReductionKind::Integral {
            // The depth it goes over is not known here: only the sign is.
            range = Interval {
                low: if range.low >= 0.0 { 0.0 } else { f64::NEG_INFINITY },
                high: if range.high <= 0.0 { 0.0 } else { f64::INFINITY },
            };
        }
        self.reductions.push(range);
        Ok(graph.input(Input::Column(self.reductions.len() - 1)))
    }

    fn passage(&mut self, graph: &mut Graph, _: FluxCall<'_>) -> Result<Id> {
        Ok(graph.input(Input::Flux(0)))
    }
}

/// Where a number lies for a person with some traits, its factors included.
fn number_range(number: &Sourced, person: &[(&str, &str)]) -> Interval {
    let own = match &number.value {
        Choice::One(quantity) => Interval::point(quantity.value),
        Choice::By(by, table) => {
            let value = |name| person.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
            let key: Option<Vec<&str>> = by.split('/').map(value).collect();
            match key.and_then(|key| table.get(&key.join("/"))) {
                Some(quantity) => Interval::point(quantity.value),
                None => Interval::around(number.values()),
            }
        }
    };
    number.times.values().fold(own, |range, factor| range.times(number_range(factor, person)))
}

/// Makes the expression that is claimed not to be negative.
type SignClaim<'a> = dyn Fn(&mut Lowering<'_, Ranges<'_>>) -> Result<Id> + 'a;

/// The alternatives of traits that constants know are tried one by one up to this number.
const ALTERNATIVES: usize = 64;

impl Model {
    pub(super) fn check_signs(&self) -> Result<()> {
        let mut fields = [const { Vec::new() }; 3];
        self.fields.values().for_each(|field| fields[field.kind as usize].push(own_range(field)));
        let everybody = self.ranges(&[], &fields);
        let persons = OnceCell::new();
        let proved = |expression: &SignClaim<'_>| -> Result<bool> {
            if self.prove(KnownRanges { constants: &everybody, fields: &fields }, expression)? {
                return Ok(true);
            }
            // What fails for ranges of constants may hold for each alternative.
            let ranges = || self.persons().iter().map(|person| self.ranges(person, &fields)).collect::<Vec<_>>();
            let persons = persons.get_or_init(ranges);
            for constants in persons {
                if !self.prove(KnownRanges { constants, fields: &fields }, expression)? {
                    return Ok(false);
                }
            }
            Ok(!persons.is_empty())
        };
        self.check_process_signs(&proved)?;
        for (event, local) in self.all_events() {
            for (target, value) in &event.effects {
                if self.target(target)?.signed {
                    continue;
                }
                let fine = proved(&|lowering| {
                    lowering.local = local;
                    lowering.expression(value)
                })?;
                if !fine {
                    return Err(self
                        .source
                        .refuse(value.span.clone(), format!("this may make `{}` negative", target.name))
                        .help(format!(
                            "write it as something that cannot, such as `{0} * (1 - w)` with w between 0 and 1, or positive(…); or declare signed = true for `{0}`",
                            target.name
                        )));
                }
            }
        }
        for (name, field) in self.fields.iter().filter(|(_, field)| !field.signed) {
            for (expression, when) in (field.rest.iter().flat_map(Layered::expressions).map(|one| (one, "at rest")))
                .chain(field.initial.iter().flat_map(Layered::expressions).map(|one| (one, "at the start")))
            {
                let known = KnownRanges { constants: &everybody, fields: &fields };
                let leaves = Ranges { model: self, known, reductions: Vec::new() };
                let mut lowering = Lowering::new(self, leaves);
                let root = lowering.expression(expression)?;
                if lowering.graph.interval(root, &|op| lowering.leaves.of(op)).high < 0.0 {
                    return Err(self
                        .source
                        .refuse(
                            expression.span.clone(),
                            format!("`{name}` is below zero {when}, and is not declared signed"),
                        )
                        .help("write signed = true if the field may be negative"));
                }
            }
        }
        for field in self.fields.values() {
            let across = field.across.iter().map(|along| &along.value);
            for expression in field.diffusivity.iter().chain(across).flat_map(Layered::expressions) {
                if !proved(&|lowering| lowering.expression(expression))? {
                    return Err(self
                        .source
                        .refuse(expression.span.clone(), "this diffusivity may be negative")
                        .help("wrap what may be negative in positive(…)"));
                }
            }
            for on_face in field.boundary.iter().flatten() {
                let (exchange, outside) = match &on_face.condition {
                    Condition::NoFlux | Condition::Periodic => continue,
                    Condition::Value(value) => (None, Some(value)),
                    Condition::Exchange { exchange, outside } => (Some(exchange), Some(outside)),
                    Condition::Reservoir(film) => (film.exchange.as_ref(), None),
                    Condition::Flux(flux) => {
                        let own = |lowering: &mut Lowering<'_, Ranges<'_>>| {
                            let term = lowering.expression(flux)?;
                            let (own, zero) = (lowering.graph.input(input_of(field)), lowering.graph.number(0.0));
                            Ok(lowering.graph.substitute(term, own, zero))
                        };
                        if !field.signed && !proved(&own)? {
                            return Err(self
                                .source
                                .refuse(
                                    flux.span.clone(),
                                    "this flux may take what is not there: it may be negative where the field is zero",
                                )
                                .help("every flux outwards needs a factor that vanishes with the field; inwards is positive: wrap it in positive(…)"));
                        }
                        continue;
                    }
                };
                let negative = |expression: &Expression| Ok(!proved(&|lowering| lowering.expression(expression))?);
                if let Some(exchange) = exchange
                    && negative(exchange)?
                {
                    return Err(self
                        .source
                        .refuse(exchange.span.clone(), "this speed of exchange may be negative")
                        .help("wrap what may be negative in positive(…)"));
                }
                if let Some(outside) = outside
                    && !field.signed
                    && negative(outside)?
                {
                    let message = "the value outside may be negative, and the field is not declared signed";
                    return Err(self
                        .source
                        .refuse(outside.span.clone(), message)
                        .help("wrap what may be negative in positive(…), or declare signed = true for the field"));
                }
            }
        }
        Ok(())
    }

    fn check_process_signs(&self, proved: &dyn Fn(&SignClaim<'_>) -> Result<bool>) -> Result<()> {
        for process in self.processes.values() {
            for (position, list) in [&process.takes, &process.gives, &process.changes].into_iter().enumerate() {
                for (target, factor) in list {
                    let field = self.target(target)?;
                    if field.signed {
                        continue;
                    }
                    let rate = process.rate.as_ref().filter(|_| position < 2);
                    let fine = proved(&|lowering| self.where_zero(lowering, field, factor, rate, position == 0))?;
                    if fine {
                        continue;
                    }
                    let name = &target.name;
                    let at = rate.unwrap_or(factor);
                    let signed = format!("if `{name}` may be negative, declare signed = true for it");
                    return Err(match position {
                        0 => self
                            .source
                            .refuse(
                                at.span.clone(),
                                format!("what takes `{name}` must vanish where `{name}` is zero, and this does not"),
                            )
                            .help(format!("multiply by `{name}`, hill({name}, K) or the like; {signed}")),
                        1 => self
                            .source
                            .refuse(
                                at.span.clone(),
                                format!("this gives to `{name}`, but it may be negative where `{name}` is zero"),
                            )
                            .help(format!(
                                "split it into a process that gives and one that takes, or use positive(…); {signed}"
                            )),
                        _ => self
                            .source
                            .refuse(
                                at.span.clone(),
                                format!(
                                    "this may be negative where `{name}` is zero, so `{name}` would become negative"
                                ),
                            )
                            .help(format!("every loss of `{name}` needs a factor that vanishes with it; {signed}")),
                    });
                }
            }
        }
        Ok(())
    }

    /// What a process adds to a field where that field is zero.
    fn where_zero(
        &self,
        lowering: &mut Lowering<'_, Ranges<'_>>,
        field: &Field,
        factor: &Expression,
        rate: Option<&Expression>,
        takes: bool,
    ) -> Result<Id> {
        let mut term = lowering.expression(factor)?;
        if let Some(rate) = rate {
            let rate = lowering.expression(rate)?;
            term = lowering.graph.multiply(term, rate);
        }
        if takes {
            term = lowering.graph.negate(term);
        }
        let own = lowering.graph.input(input_of(field));
        let leaves = &lowering.leaves;
        Ok(lowering.graph.at_zero(term, own, &|op| leaves.of(op)))
    }

    fn prove(&self, known: KnownRanges<'_>, expression: &SignClaim<'_>) -> Result<bool> {
        let mut lowering = Lowering::new(self, Ranges { model: self, known, reductions: Vec::new() });
        let root = expression(&mut lowering)?;
        let Lowering { mut graph, leaves, .. } = lowering;
        Ok(graph.proved_positive(root, &|op| leaves.of(op)))
    }

    /// Where constants lie, for a person with some traits; over all alternatives of the others.
    fn ranges(&self, person: &[(&str, &str)], fields: &[Vec<Interval>; 3]) -> Vec<Interval> {
        let mut ranges = vec![Interval::ALL; self.constants.len()];
        for &index in &self.symbols.constant_order {
            let range = match &self.constants[index].definition {
                Definition::Number(number) => number_range(number, person),
                Definition::Expression(expression) => {
                    let known = KnownRanges { constants: &ranges, fields };
                    let leaves = Ranges { model: self, known, reductions: Vec::new() };
                    let mut lowering = Lowering::new(self, leaves);
                    match lowering.expression(expression) {
                        Ok(root) => lowering.graph.interval(root, &|op| lowering.leaves.of(op)),
                        Err(_) => Interval::ALL,
                    }
                }
            };
            ranges[index] = range;
        }
        ranges
    }

    /// All combinations of the traits that constants depend on; none if there are too many.
    fn persons(&self) -> Vec<Vec<(&str, &str)>> {
        let mut traits: indexmap::IndexMap<&str, Vec<&str>> = indexmap::IndexMap::new();
        for number in self.constants.values().filter_map(|constant| constant.number()) {
            if let Choice::By(by, table) = &number.value {
                for (name, value) in table.keys().flat_map(|key| by.split('/').zip(key.split('/'))) {
                    let known = traits.entry(name).or_default();
                    if !known.contains(&value) {
                        known.push(value);
                    }
                }
            }
        }
        let mut persons: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
        for (by, alternatives) in &traits {
            if persons.len() * alternatives.len() > ALTERNATIVES {
                return Vec::new();
            }
            persons = persons
                .iter()
                .flat_map(|person| {
                    alternatives.iter().map(|value| person.iter().copied().chain([(*by, *value)]).collect())
                })
                .collect();
        }
        if traits.is_empty() { Vec::new() } else { persons }
    }
}
