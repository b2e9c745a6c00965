//! What expressions mean in one layer for one person: the values of constants, which fields live there, which cells a
//! reduction looks at.

use crate::base::error::{Error, Result, suggestion};
use crate::base::sourced::{Choice, Sourced};
use crate::engine::language::check;
use crate::engine::language::clock::Gatherer;
use crate::engine::language::compiled::{Crossing, Passage, Reduction, ReductionKind, Region, SurfaceField};
use crate::engine::language::graph::{Graph, Id, Op};
use crate::engine::language::interval::Interval;
use crate::engine::language::lower::{FluxCall, Leaves, Lowering, Reduced};
use crate::engine::language::model::{Definition, FACES, Field, FieldKind, Layered, Mention, Model, Scale};
use crate::engine::language::names::Meaning;
use crate::engine::language::names::dimension;
use crate::engine::language::syntax::{Expression, Form, Node};
use crate::engine::language::{Input, LayerName, Program, Setting};

/// What is collected while programs are made.
pub(super) struct Compiler<'a> {
    pub model: &'a Model,
    pub setting: &'a Setting,
    /// Value of each constant in each layer, and last where there is no layer. `None`: it has none there.
    constants: Vec<Vec<Option<f64>>>,
    /// The processes that change each field, in the order of the file.
    pub touching: Vec<Vec<usize>>,
    /// Whether each field lives in each layer.
    pub lives: Vec<Vec<bool>>,
    /// Value at rest of each field in each layer; surface fields have one.
    pub rest: Vec<Vec<f64>>,
    pub columns: Vec<Reduction>,
    pub reductions: Vec<Reduction>,
    /// Fluxes that observables ask for, now and added up.
    pub fluxes: Vec<Passage>,
    pub sums: Vec<SurfaceField>,
    pub clock: Gatherer,
}

/// The leaves of expressions in one layer, or where there is none.
pub(super) struct LayerLeaves<'c, 'a> {
    pub compiler: &'c mut Compiler<'a>,
    pub layer: Option<usize>,
    /// Whether reductions go over the whole domain.
    pub whole: bool,
}

impl Leaves for LayerLeaves<'_, '_> {
    fn constant(&mut self, graph: &mut Graph, index: usize, node: &Node) -> Result<Id> {
        let value = self.compiler.constant(index, self.layer, node)?;
        Ok(graph.number(value))
    }

    fn field(&mut self, graph: &mut Graph, index: usize, node: &Node) -> Result<Id> {
        let field = &self.compiler.model.fields[index];
        Ok(match (field.kind, self.layer) {
            (FieldKind::Surface, _) => graph.input(Input::Surface(field.index)),
            (_, Some(layer)) if !self.compiler.lives[index][layer] => graph.number(0.0),
            (FieldKind::Volume, Some(_)) => graph.input(Input::Volume(field.index)),
            (FieldKind::QuasiSteady, Some(_)) => graph.input(Input::Quasi(field.index)),
            (_, None) => return Err(self.compiler.refuse(node, "a field of the cells has no value here")),
        })
    }

    fn rest(&mut self, graph: &mut Graph, index: usize, node: &Node) -> Result<Id> {
        let field = &self.compiler.model.fields[index];
        let rest = &self.compiler.rest[index];
        Ok(match (field.kind, self.layer) {
            (FieldKind::Surface, _) => graph.number(rest[0]),
            (_, Some(layer)) if !self.compiler.lives[index][layer] => graph.number(0.0),
            (FieldKind::QuasiSteady, Some(_)) => graph.input(Input::QuasiRest(field.index)),
            (FieldKind::Volume, Some(layer)) => graph.number(rest[layer]),
            (FieldKind::Volume, None) => {
                // The check has made sure that it is the same in all layers where the field lives.
                let lives = self.compiler.lives[index].iter().position(|lives| *lives);
                graph.number(lives.map_or(0.0, |layer| rest[layer]))
            }
            (FieldKind::QuasiSteady, None) => return Err(self.compiler.refuse(node, "there is no such rest here")),
        })
    }

    fn range(&self, leaf: Op) -> Interval {
        let kind_and_index = match leaf {
            Op::Input(Input::Volume(index)) => (FieldKind::Volume, index),
            Op::Input(Input::Surface(index)) => (FieldKind::Surface, index),
            Op::Input(Input::Quasi(index)) => (FieldKind::QuasiSteady, index),
            _ => return Interval::ALL,
        };
        let unsigned = |field: &Field| (field.kind, field.index) == kind_and_index && !field.signed;
        if self.compiler.model.fields.values().any(unsigned) { Interval::POSITIVE } else { Interval::ALL }
    }

    fn variable(&mut self, graph: &mut Graph, input: Input) -> Id {
        if input == Input::Depth && self.layer.is_none() {
            // On the surface.
            return graph.number(0.0);
        }
        let id = graph.input(input);
        let Some(scale) = self.compiler.model.scale else { return id };
        let exponents = dimension(self.compiler.model.symbols.host, input).0;
        let unit = scale.length.powi(exponents[0].into()) * scale.time.powi(exponents[2].into());
        let factor = graph.number(1.0 / unit);
        graph.multiply(factor, id)
    }

    fn reduction(&mut self, graph: &mut Graph, reduced: Reduced<'_>) -> Result<Id> {
        let made = self.compiler.reduce(reduced, self.whole)?;
        let list = if self.whole { &mut self.compiler.reductions } else { &mut self.compiler.columns };
        let index = list.iter().position(|other| *other == made).unwrap_or_else(|| {
            list.push(made);
            list.len() - 1
        });
        let id = graph.input(if self.whole { Input::Reduction(index) } else { Input::Column(index) });
        Ok(match (self.compiler.model.scale, reduced.kind) {
            (Some(scale), ReductionKind::Integral) => {
                let factor = graph.number(1.0 / scale.length);
                graph.multiply(factor, id)
            }
            _ => id,
        })
    }

    fn passage(&mut self, graph: &mut Graph, passed: FluxCall<'_>) -> Result<Id> {
        let compiler = &mut *self.compiler;
        let passage = compiler.passed(passed)?;
        let Scale { length, time } = compiler.model.scale.unwrap_or(Scale { length: 1.0, time: 1.0 });
        let (id, factor) = if passed.added_up {
            (graph.input(Input::Reduction(compiler.sum_of(passed, passage)?)), 1.0 / length)
        } else {
            let index = compiler.fluxes.iter().position(|other| *other == passage).unwrap_or_else(|| {
                compiler.fluxes.push(passage);
                compiler.fluxes.len() - 1
            });
            (graph.input(Input::Flux(index)), time / length)
        };
        let factor = graph.number(factor);
        Ok(graph.multiply(factor, id))
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn new(model: &'a Model, setting: &'a Setting) -> Result<Self> {
        if setting.layers.is_empty() {
            return Err(Error::input("a medium has at least one layer"));
        }
        let mut compiler = Self {
            model,
            setting,
            constants: vec![vec![None; setting.layers.len() + 1]; model.constants.len()],
            touching: vec![Vec::new(); model.fields.len()],
            lives: Vec::new(),
            rest: Vec::new(),
            columns: Vec::new(),
            reductions: Vec::new(),
            fluxes: Vec::new(),
            sums: Vec::new(),
            clock: Gatherer::default(),
        };
        compiler.evaluate_constants()?;
        for (index, process) in model.processes.values().enumerate() {
            for (target, _) in process.takes.iter().chain(&process.gives).chain(&process.changes) {
                if let Some(own) = model.fields.get_index_of(&target.name).map(|field| &mut compiler.touching[field])
                    && own.last() != Some(&index)
                {
                    own.push(index);
                }
            }
        }
        for field in model.fields.values() {
            let lives = match &field.lives_in {
                None => vec![true; setting.layers.len()],
                Some(list) => compiler.layers(list)?,
            };
            compiler.lives.push(lives);
        }
        for (index, (name, field)) in model.fields.iter().enumerate() {
            let rest = compiler.rest_of(index, name, field)?;
            compiler.rest.push(rest);
        }
        Ok(compiler)
    }

    pub(super) fn refuse(&self, node: &Node, message: impl Into<String>) -> Error {
        self.model.source.refuse(node.span.clone(), message)
    }

    pub(super) fn place(&mut self, layer: Option<usize>) -> Lowering<'a, LayerLeaves<'_, 'a>> {
        let model = self.model;
        Lowering::new(model, LayerLeaves { compiler: self, layer, whole: false })
    }

    // Constants.

    fn evaluate_constants(&mut self) -> Result<()> {
        for &index in &self.model.symbols.constant_order {
            for layer in (0..self.setting.layers.len()).map(Some).chain([None]) {
                let slot = layer.unwrap_or(self.setting.layers.len());
                self.constants[index][slot] = match &self.model.constants[index].definition {
                    Definition::Number(number) => self.number(number, layer)?,
                    Definition::Expression(expression) => self.derived(expression, layer)?,
                };
            }
        }
        Ok(())
    }

    /// A constant computed from others; none where one of those has none.
    fn derived(&mut self, expression: &Expression, layer: Option<usize>) -> Result<Option<f64>> {
        let slot = layer.unwrap_or(self.setting.layers.len());
        let mut missing = false;
        let model = self.model;
        check::names(&expression.root, &mut |name| {
            if let Some(Meaning::Constant(index)) = model.symbols.meaning(name, None) {
                missing |= self.constants[index][slot].is_none();
            }
        });
        if missing { Ok(None) } else { self.constant_expression(expression, layer).map(Some) }
    }

    /// A number for this person, in a layer; none if it has no value for the layer.
    fn number(&self, number: &Sourced, layer: Option<usize>) -> Result<Option<f64>> {
        match &number.value {
            Choice::By(by, _) if by.split('/').any(|name| name == "layer") => {
                let Some(layer) = layer else { return Ok(None) };
                let mut traits = self.setting.traits.clone();
                for name in self.specific(layer) {
                    traits.insert("layer".into(), name.to_owned());
                    if let Ok(value) = number.of(&traits) {
                        return Ok(Some(value));
                    }
                }
                // Only the layer may be missing; for anything else the number's own complaint is the right one.
                match by.split('/').all(|name| traits.contains_key(name)) {
                    true => Ok(None),
                    false => number.of(&traits).map(Some),
                }
            }
            _ => number.of(&self.setting.traits).map(Some),
        }
    }

    fn constant(&self, index: usize, layer: Option<usize>, node: &Node) -> Result<f64> {
        let slot = layer.unwrap_or(self.setting.layers.len());
        self.constants[index][slot].ok_or_else(|| {
            let name = self.model.constants.get_index(index).map_or("", |(name, _)| name);
            match layer {
                Some(layer) => {
                    let layer = &self.setting.layers[layer].name;
                    self.refuse(node, format!("`{name}` has no value in the layer `{layer}`"))
                        .help("add one to its table, or restrict the process with layers = […]")
                }
                None => self.refuse(node, format!("`{name}` depends on the layer, and there is no layer here")),
            }
        })
    }

    pub(super) fn constant_expression(&mut self, expression: &Expression, layer: Option<usize>) -> Result<f64> {
        let mut place = self.place(layer);
        let id = place.expression(expression)?;
        match place.graph.value(id) {
            Some(value) if value.is_finite() => Ok(value),
            Some(value) => Err(self.refuse(&expression.root, format!("the value is {value}, not a finite number"))),
            None => Err(self.refuse(&expression.root, "a constant expression is needed here")),
        }
    }

    // Layers and regions.

    /// Which layers a list of layers and groups means.
    pub(super) fn layers(&self, list: &[Mention]) -> Result<Vec<bool>> {
        let mut chosen = vec![false; self.setting.layers.len()];
        for place in list {
            let mut found = false;
            for (slot, layer) in chosen.iter_mut().zip(&self.setting.layers) {
                let is = place.name == "all" || names_of(layer).any(|name| name == place.name);
                *slot |= is;
                found |= is;
            }
            if !found {
                self.absent(&place.name, place.span.clone())?;
            }
        }
        Ok(chosen)
    }

    /// A layer the medium lacks: wrong, unless the model lists it among those it knows.
    fn absent(&self, name: &str, span: std::ops::Range<usize>) -> Result<()> {
        if self.model.layers.as_ref().is_some_and(|layers| layers.iter().any(|layer| layer == name)) {
            return Ok(());
        }
        let known: Vec<&str> = self.setting.layers.iter().flat_map(names_of).collect();
        Err(self.model.source.refuse(span, format!("there is no layer `{name}` here")).help(format!(
            "{}; a model for media with and without it lists its layers: layers = [\"{name}\", …]",
            suggestion(name, known.iter().copied())
        )))
    }

    /// All names by which a table may speak of a layer, the most specific first: its own, its groups from the smallest to
    /// the largest, and `all`.
    fn specific(&self, layer: usize) -> impl Iterator<Item = &str> {
        let own = &self.setting.layers[layer];
        let size =
            |group: &str| self.setting.layers.iter().filter(|other| names_of(other).any(|name| name == group)).count();
        let mut groups: Vec<&str> = own.groups.iter().map(String::as_str).filter(|group| *group != own.name).collect();
        groups.sort_by_key(|group| size(group));
        std::iter::once(own.name.as_str()).chain(groups).chain(["all"])
    }

    /// The expression of a table for a layer: that of the most specific name, wherever it stands.
    pub(super) fn chosen<'e>(&self, layered: &'e Layered, layer: usize) -> Option<&'e Expression> {
        match layered {
            Layered::One(one) => Some(one),
            Layered::Table(table) => self
                .specific(layer)
                .find_map(|name| table.iter().find(|(place, _)| place.name == name))
                .map(|(_, expression)| expression),
        }
    }

    /// Refuses a table that names layers unknown to the medium and to the model, that says two things of a layer, or something
    /// of layers in which the field does not live.
    pub(super) fn check_table(&self, index: usize, layered: &Layered) -> Result<()> {
        let Layered::Table(table) = layered else { return Ok(()) };
        let refuse = |place: &Mention, message: String| self.model.source.refuse(place.span.clone(), message);
        let meant = table
            .iter()
            .map(|(place, _)| self.layers(std::slice::from_ref(place)))
            .collect::<Result<Vec<Vec<bool>>>>()?;
        let name = self.model.fields.get_index(index).map_or("", |(name, _)| name);
        for (layer, own) in self.setting.layers.iter().enumerate() {
            let own_name = table.iter().any(|(place, _)| place.name == own.name);
            let groups: Vec<usize> =
                (0..table.len()).filter(|&at| meant[at][layer] && table[at].0.name != "all").collect();
            let within = |a: usize, b: usize| meant[a].iter().zip(&meant[b]).all(|(a, b)| !a || *b);
            for (&a, &b) in groups.iter().flat_map(|a| groups.iter().map(move |b| (a, b))) {
                let decided = own_name || groups.iter().any(|&c| c != a && c != b && within(c, a) && within(c, b));
                if a < b && !decided && within(a, b) == within(b, a) {
                    let (a, b) = (&table[a].0, &table[b].0);
                    let message = format!("`{}` and `{}` both say what `{name}` has in `{}`", a.name, b.name, own.name);
                    return Err(refuse(b, message).help(format!("add one for it: `{} = …`", own.name)));
                }
            }
        }
        let lives = &self.lives[index];
        for ((place, _), meant) in table.iter().zip(&meant) {
            let somewhere = meant.iter().any(|meant| *meant);
            if somewhere
                && place.name != "all"
                && lives.iter().any(|l| *l)
                && !meant.iter().zip(lives).any(|(m, l)| *m && *l)
            {
                let message = format!("`{name}` does not live in `{}`, so this is never used", place.name);
                return Err(
                    refuse(place, message).help(format!("add \"{}\" to its lives_in, or take it away", place.name))
                );
            }
        }
        Ok(())
    }

    fn region(&self, name: &str, span: std::ops::Range<usize>) -> Result<Region> {
        let all = vec![true; self.setting.layers.len()];
        if name == "surface" {
            return Ok(Region::Surface);
        }
        if let Some(own) = self.model.regions.get(name) {
            let layers = own.layers.as_ref().map_or(Ok(all), |list| self.layers(list))?;
            return Ok(Region::Depth { layers, from: own.from, to: own.to });
        }
        let known = self.setting.layers.iter().flat_map(names_of).any(|layer| layer == name);
        if !known && name != "all" && !self.model.layers.iter().flatten().any(|layer| layer == name) {
            let known: Vec<&str> = self.setting.layers.iter().flat_map(names_of).collect();
            let own = self.model.regions.keys().map(String::as_str);
            let known: Vec<&str> = own.chain(known).chain(["all", "surface"]).collect();
            return Err(self
                .model
                .source
                .refuse(span, format!("unknown region `{name}`"))
                .help(suggestion(name, known)));
        }
        let layers = self.layers(&[Mention { name: name.to_owned(), span }])?;
        Ok(Region::Depth { layers, from: 0.0, to: f64::INFINITY })
    }

    fn reduce(&mut self, reduced: Reduced<'_>, strict: bool) -> Result<Reduction> {
        let region = self.region(reduced.region, reduced.node.span.clone())?;
        let places: Vec<Option<Option<usize>>> = match &region {
            Region::Surface => vec![Some(None)],
            Region::Depth { layers, .. } => {
                layers.iter().enumerate().map(|(layer, inside)| inside.then_some(Some(layer))).collect()
            }
        };
        let programs = places
            .into_iter()
            .map(|place| {
                let Some(layer) = place else { return Ok(None) };
                let mut place = self.place(layer);
                place.graph.strict = strict;
                let value = place.tree(reduced.value)?;
                let weight = match reduced.weight {
                    Some(weight) => place.tree(weight)?,
                    None => place.graph.number(1.0),
                };
                place.leaves.compiler.clock.watch(&place.graph, &[value, weight], "a reduction");
                program(&place.graph, &[value, weight], self.model, reduced.node).map(Some)
            })
            .collect::<Result<_>>()?;
        Ok(Reduction { kind: reduced.kind, region, programs })
    }

    // Fluxes.

    /// The face of `flux(F, FACE)` or `flux(F, A, B)` in this medium.
    fn passed(&self, passed: FluxCall<'_>) -> Result<Passage> {
        let field = self.model.fields[passed.field].index;
        let words = passed.faces.iter().filter_map(|face| match &face.form {
            Form::Name(name) => Some(Mention { name: name.clone(), span: face.span.clone() }),
            _ => None,
        });
        let words: Vec<Mention> = words.collect();
        let way = match &words[..] {
            [face] => Crossing::Out(FACES.iter().position(|own| *own == face.name).unwrap_or(0)),
            [from, into] => {
                let [above, below] = [from, into].map(|one| self.layers(std::slice::from_ref(one)));
                let (above, below) = (above?, below?);
                let last = self.setting.layers.len() - 1;
                let down = (0..last).filter(|&layer| above[layer] && below[layer + 1]).map(Crossing::Down);
                let up = (0..last).filter(|&layer| below[layer] && above[layer + 1]).map(Crossing::Up);
                let all: Vec<Crossing> = down.chain(up).collect();
                match all[..] {
                    [one] => one,
                    _ if ![&above, &below].iter().all(|layers| layers.contains(&true)) => Crossing::Nowhere,
                    [] => {
                        return Err(
                            self.refuse(passed.node, format!("`{}` and `{}` do not touch", from.name, into.name))
                        );
                    }
                    _ => {
                        let message = format!("`{}` and `{}` touch at more than one depth", from.name, into.name);
                        return Err(self
                            .refuse(passed.node, message)
                            .help("name the two layers on both sides of a face"));
                    }
                }
            }
            _ => Crossing::Nowhere,
        };
        if let Crossing::Down(layer) | Crossing::Up(layer) = way
            && let Some(missing) = [layer, layer + 1].iter().find(|layer| !self.lives[passed.field][**layer])
        {
            let (name, at) = (&passed.faces[0], &self.setting.layers[*missing].name);
            return Err(self.refuse(name, format!("the field does not live in `{at}`, so nothing passes this face")));
        }
        Ok(Passage { field, way })
    }

    /// The reduction that reads a flux added up over time, which is a field on the surface of its own.
    fn sum_of(&mut self, passed: FluxCall<'_>, passage: Passage) -> Result<usize> {
        let model = self.model;
        let own = model.fields.values().filter(|field| field.kind == FieldKind::Surface).count();
        let found = self.sums.iter().position(|sum| sum.adds_up == Some(passage));
        let at = found.unwrap_or_else(|| {
            let (name, field) = model.fields.get_index(passed.field).expect("the check has found the field");
            let faces = passed.faces.iter().map(|face| model.source.text.get(face.span.clone()).unwrap_or("?"));
            // What a millimetre holds: a length of the medium as such is not known here, and only what is negligible follows from it.
            let depth = model.scale.map_or(1e-3, |scale| scale.length);
            self.sums.push(SurfaceField {
                name: format!("through({name}, {})", faces.collect::<Vec<_>>().join(", ")),
                unit: field.unit.clone(),
                signed: true,
                scale: field.scale.map(|scale| scale * depth),
                rest: 0.0,
                initial: None,
                adds_up: Some(passage),
            });
            self.sums.len() - 1
        });
        let mut graph = Graph::default();
        let (value, weight) = (graph.input(Input::Surface(own + at)), graph.number(1.0));
        let programs = vec![Some(program(&graph, &[value, weight], model, passed.node)?)];
        let made = Reduction { kind: ReductionKind::Mean, region: Region::Surface, programs };
        Ok(self.reductions.iter().position(|other| *other == made).unwrap_or_else(|| {
            self.reductions.push(made);
            self.reductions.len() - 1
        }))
    }

    // Values of fields.

    pub(super) fn rest_of(&mut self, index: usize, name: &str, field: &Field) -> Result<Vec<f64>> {
        let places: Vec<Option<usize>> = match field.kind {
            FieldKind::Surface => vec![None],
            _ => (0..self.setting.layers.len()).map(Some).collect(),
        };
        let Some(rest) = &field.rest else { return Ok(vec![0.0; places.len()]) };
        self.check_table(index, rest)?;
        places
            .into_iter()
            .map(|layer| {
                if layer.is_some_and(|layer| !self.lives[index][layer]) {
                    return Ok(0.0);
                }
                let chosen = match (layer, rest) {
                    (Some(layer), rest) => self.chosen(rest, layer),
                    (None, Layered::One(one)) => Some(one),
                    (None, Layered::Table(_)) => None,
                };
                let Some(expression) = chosen else {
                    let at = layer.map_or("on the surface".to_owned(), |layer| {
                        format!("in the layer `{}`", self.setting.layers[layer].name)
                    });
                    return Err(self
                        .model
                        .source
                        .refuse(field.span.clone(), format!("`{name}` has no value at rest {at}")));
                };
                let value = self.constant_expression(expression, layer)?;
                if value < 0.0 && !field.signed {
                    return Err(self
                        .refuse(
                            &expression.root,
                            format!("the rest of `{name}` is {value}, and it is not declared signed"),
                        )
                        .help("write signed = true if the field may be negative"));
                }
                Ok(value)
            })
            .collect()
    }

    /// A program with one output, for field `index`.
    pub(super) fn one(
        &mut self,
        index: usize,
        expression: &Expression,
        layer: Option<usize>,
        factor: Option<f64>,
    ) -> Result<Program> {
        let what = self.model.fields.get_index(index).map_or("", |(name, _)| name);
        let mut place = self.place(layer);
        let mut id = place.expression(expression)?;
        if let Some(factor) = factor {
            let factor = place.graph.number(factor);
            id = place.graph.multiply(factor, id);
        }
        place.leaves.compiler.clock.watch(&place.graph, &[id], what);
        program(&place.graph, &[id], self.model, &expression.root)
    }

    /// One program for each layer where a field lives and the table has an entry.
    pub(super) fn table(
        &mut self,
        index: usize,
        layered: &Layered,
        factor: Option<f64>,
    ) -> Result<Vec<Option<Program>>> {
        self.check_table(index, layered)?;
        (0..self.setting.layers.len())
            .map(|layer| match self.chosen(layered, layer).filter(|_| self.lives[index][layer]) {
                Some(expression) => self.one(index, expression, Some(layer), factor).map(Some),
                None => Ok(None),
            })
            .collect()
    }

    /// The values of a table that depends on constants only; zero where it has no entry.
    pub(super) fn fixed(&mut self, index: usize, layered: &Layered, other: f64) -> Result<Vec<f64>> {
        self.check_table(index, layered)?;
        (0..self.setting.layers.len())
            .map(|layer| match self.chosen(layered, layer).filter(|_| self.lives[index][layer]) {
                Some(expression) => self.constant_expression(expression, Some(layer)),
                None => Ok(other),
            })
            .collect()
    }
}

/// All names a layer goes by, its own first.
fn names_of(layer: &LayerName) -> impl Iterator<Item = &str> {
    std::iter::once(layer.name.as_str()).chain(layer.groups.iter().map(String::as_str))
}

/// Compiles expressions, refusing values that are not numbers.
pub(super) fn program(graph: &Graph, roots: &[Id], model: &Model, node: &Node) -> Result<Program> {
    finite(graph, roots, model, node.span.clone())?;
    Ok(Program::compile(graph, roots))
}

pub(super) fn finite(graph: &Graph, roots: &[Id], model: &Model, span: std::ops::Range<usize>) -> Result<()> {
    for id in graph.reachable(roots) {
        if let Op::Number(bits) = graph.op(id)
            && !f64::from_bits(bits).is_finite()
        {
            return Err(model
                .source
                .refuse(span, format!("a part of this is {}, whatever the fields are", f64::from_bits(bits)))
                .help("is a constant zero that divides something?"));
        }
    }
    Ok(())
}
