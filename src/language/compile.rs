//! A model for one tissue and one person: every expression becomes a program for every layer.
//!
//! In a layer the constants are numbers, fields that do not live there are zero, and what follows from that is simplified
//! away. The rate of a field is the sum of its processes in the order of the file; each is computed as it was written, so
//! that gains and losses which are equal at rest cancel to rounding.

use crate::error::{Error, Result, suggestion};
use crate::language::compiled::{
    Boundary, Chemotaxis, Compiled, Diffusion, Effects, Face, Kind, Observable, QuasiField, Rates, Reduction, Region,
    SurfaceField, VolumeField,
};
use crate::language::graph::{Graph, Id, Op};
use crate::language::lower::{Leaves, Lowering, Reduced};
use crate::language::measure::variable;
use crate::language::model::{Condition, Definition, Event, Field, FieldKind, Layered, Mention, Model};
use crate::language::names::Local;
use crate::language::syntax::{Expression, Node};
use crate::language::{Input, LayerName, Program, Setting};
use crate::sourced::{Choice, Sourced};

impl Model {
    /// Compiles the model for a tissue and a person.
    ///
    /// # Errors
    /// A number lacks the value for this person or layer, a layer is not one of the tissue, a value is not finite.
    pub fn compile(&self, setting: &Setting) -> Result<Compiled> {
        Compiler::new(self, setting)?.compile()
    }
}

/// What is collected while programs are made.
struct Compiler<'a> {
    model: &'a Model,
    setting: &'a Setting,
    /// Value of each constant in each layer, and last where there is no layer. `None`: it has none there.
    constants: Vec<Vec<Option<f64>>>,
    /// Whether each field lives in each layer.
    lives: Vec<Vec<bool>>,
    /// Value at rest of each field in each layer; surface fields have one.
    rest: Vec<Vec<f64>>,
    columns: Vec<Reduction>,
    reductions: Vec<Reduction>,
}

/// The leaves of expressions in one layer, or where there is none.
struct Place<'c, 'a> {
    compiler: &'c mut Compiler<'a>,
    layer: Option<usize>,
    /// Whether reductions go over the whole tissue.
    tissue: bool,
}

impl Leaves for Place<'_, '_> {
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
            (_, None) => return Err(self.compiler.refuse(node, "a field of the tissue has no value here")),
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

    fn variable(&mut self, graph: &mut Graph, input: Input) -> Id {
        if input == Input::Depth && self.layer.is_none() {
            // On the surface.
            return graph.number(0.0);
        }
        let id = graph.input(input);
        let Some(scale) = self.compiler.model.scale else { return id };
        let exponents = variable(input).0.0;
        let unit = scale.length.powi(exponents[0].into()) * scale.time.powi(exponents[2].into());
        let factor = graph.number(1.0 / unit);
        graph.multiply(factor, id)
    }

    fn reduction(&mut self, graph: &mut Graph, reduced: Reduced<'_>) -> Result<Id> {
        let made = self.compiler.reduce(reduced)?;
        let list = if self.tissue { &mut self.compiler.reductions } else { &mut self.compiler.columns };
        let index = list.iter().position(|other| *other == made).unwrap_or_else(|| {
            list.push(made);
            list.len() - 1
        });
        let id = graph.input(if self.tissue { Input::Reduction(index) } else { Input::Column(index) });
        Ok(match (self.compiler.model.scale, reduced.kind) {
            (Some(scale), Kind::Integral) => {
                let factor = graph.number(1.0 / scale.length);
                graph.multiply(factor, id)
            }
            _ => id,
        })
    }
}

impl<'a> Compiler<'a> {
    fn new(model: &'a Model, setting: &'a Setting) -> Result<Self> {
        if setting.layers.is_empty() {
            return Err(Error::input("a tissue has at least one layer"));
        }
        let mut compiler = Self {
            model,
            setting,
            constants: vec![vec![None; setting.layers.len() + 1]; model.constants.len()],
            lives: Vec::new(),
            rest: Vec::new(),
            columns: Vec::new(),
            reductions: Vec::new(),
        };
        compiler.evaluate_constants()?;
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

    fn refuse(&self, node: &Node, message: impl Into<String>) -> Error {
        self.model.source.refuse(node.span.clone(), message)
    }

    fn place(&mut self, layer: Option<usize>) -> Lowering<'a, Place<'_, 'a>> {
        let model = self.model;
        Lowering::new(model, Place { compiler: self, layer, tissue: false })
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
        crate::language::check::names(&expression.root, &mut |name| {
            if let Some(crate::language::names::Meaning::Constant(index)) = model.symbols.meaning(name, None) {
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
                let layer = &self.setting.layers[layer];
                let mut traits = self.setting.traits.clone();
                for name in names_of(layer) {
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

    fn constant_expression(&mut self, expression: &Expression, layer: Option<usize>) -> Result<f64> {
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
    fn layers(&self, list: &[Mention]) -> Result<Vec<bool>> {
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

    /// A layer the tissue lacks: wrong, unless the model lists it among those it knows.
    fn absent(&self, name: &str, span: std::ops::Range<usize>) -> Result<()> {
        if self.model.layers.as_ref().is_some_and(|layers| layers.iter().any(|layer| layer == name)) {
            return Ok(());
        }
        let known: Vec<&str> = self.setting.layers.iter().flat_map(names_of).collect();
        Err(self.model.source.refuse(span, format!("the tissue has no layer `{name}`")).help(format!(
            "{}; a model for tissues with and without it lists its layers: layers = [\"{name}\", …]",
            suggestion(name, known.iter().copied())
        )))
    }

    /// The expression of a table for a layer.
    fn chosen<'e>(&self, layered: &'e Layered, layer: usize) -> Option<&'e Expression> {
        match layered {
            Layered::One(one) => Some(one),
            Layered::Table(table) => names_of(&self.setting.layers[layer])
                .find_map(|name| table.iter().find(|(place, _)| place.name == name || place.name == "all"))
                .map(|(_, expression)| expression),
        }
    }

    /// Refuses a table that names layers unknown to the tissue and to the model.
    fn check_table(&self, layered: &Layered) -> Result<()> {
        match layered {
            Layered::One(_) => Ok(()),
            Layered::Table(table) => {
                table.iter().try_for_each(|(place, _)| self.layers(std::slice::from_ref(place)).map(|_| ()))
            }
        }
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

    fn reduce(&mut self, reduced: Reduced<'_>) -> Result<Reduction> {
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
                let value = place.tree(reduced.value)?;
                let weight = match reduced.weight {
                    Some(weight) => place.tree(weight)?,
                    None => place.graph.number(1.0),
                };
                program(&place.graph, &[value, weight], self.model, reduced.node).map(Some)
            })
            .collect::<Result<_>>()?;
        Ok(Reduction { kind: reduced.kind, region, programs })
    }

    // Fields.

    fn rest_of(&mut self, index: usize, name: &str, field: &Field) -> Result<Vec<f64>> {
        let places: Vec<Option<usize>> = match field.kind {
            FieldKind::Surface => vec![None],
            _ => (0..self.setting.layers.len()).map(Some).collect(),
        };
        let Some(rest) = &field.rest else { return Ok(vec![0.0; places.len()]) };
        self.check_table(rest)?;
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
                        Some(Layered::One(one)) => Some(self.one(one, None, None)?),
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
                    });
                }
            }
        }
        let layers = (0..self.setting.layers.len()).map(|layer| self.rates(Some(layer))).collect::<Result<_>>()?;
        let surface_rates = self.rates(None)?;
        let puncture = self.effects(&model.puncture, Local::Puncture)?;
        let session = self.effects(&model.session, Local::Session)?;
        let observables = model
            .observables
            .iter()
            .map(|(name, observable)| {
                let mut place = self.place(None);
                place.leaves.tissue = true;
                let id = place.expression(&observable.value)?;
                let value = program(&place.graph, &[id], model, &observable.value.root)?;
                Ok(Observable { name: name.clone(), unit: observable.unit.clone(), value })
            })
            .collect::<Result<_>>()?;
        let signals = model.signals.iter().map(|(name, signal)| (name.clone(), signal.default)).collect();
        let Self { columns, reductions, .. } = self;
        Ok(Compiled {
            volume,
            surface,
            quasi,
            layers,
            surface_rates,
            columns,
            puncture,
            session,
            observables,
            reductions,
            signals,
        })
    }

    /// A program with one output.
    fn one(&mut self, expression: &Expression, layer: Option<usize>, factor: Option<f64>) -> Result<Program> {
        let mut place = self.place(layer);
        let mut id = place.expression(expression)?;
        if let Some(factor) = factor {
            let factor = place.graph.number(factor);
            id = place.graph.multiply(factor, id);
        }
        program(&place.graph, &[id], self.model, &expression.root)
    }

    /// One program for each layer where a field lives and the table has an entry.
    fn table(&mut self, index: usize, layered: &Layered, factor: Option<f64>) -> Result<Vec<Option<Program>>> {
        self.check_table(layered)?;
        (0..self.setting.layers.len())
            .map(|layer| match self.chosen(layered, layer).filter(|_| self.lives[index][layer]) {
                Some(expression) => self.one(expression, Some(layer), factor).map(Some),
                None => Ok(None),
            })
            .collect()
    }

    /// The values of a table that depends on constants only; zero where it has no entry.
    fn fixed(&mut self, index: usize, layered: &Layered, other: f64) -> Result<Vec<f64>> {
        self.check_table(layered)?;
        (0..self.setting.layers.len())
            .map(|layer| match self.chosen(layered, layer).filter(|_| self.lives[index][layer]) {
                Some(expression) => self.constant_expression(expression, Some(layer)),
                None => Ok(other),
            })
            .collect()
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
                let along = self.model.target(along)?.index;
                Ok(Chemotaxis { along, sensitivity: self.table(index, sensitivity, Some(self.spread()))? })
            })
            .collect::<Result<_>>()?;
        let diffusion = match &field.diffusivity {
            None => None,
            Some(diffusivity) => self.diffusion(index, field, diffusivity)?,
        };
        let initial = match &field.initial {
            None => None,
            Some(initial) => Some(self.table(index, initial, None)?),
        };
        Ok(VolumeField {
            name: name.to_owned(),
            unit: field.unit.clone(),
            lives: self.lives[index].clone(),
            signed: field.signed,
            scale: field.scale,
            diffusion,
            chemotaxis,
            density,
            boundary: self.boundary(field)?,
            rest: self.rest[index].clone(),
            initial,
        })
    }

    fn diffusion(&mut self, index: usize, field: &Field, layered: &Layered) -> Result<Option<Diffusion>> {
        self.check_table(layered)?;
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
        let moves = !fixed || values.iter().any(|value| *value > 0.0);
        if field.kind == FieldKind::Volume && !moves {
            return Ok(None);
        }
        Ok(Some(if fixed { Diffusion::Layered(values) } else { Diffusion::Dependent(programs) }))
    }

    fn quasi_field(&mut self, index: usize, name: &str, field: &Field) -> Result<QuasiField> {
        let diffusivity = match &field.diffusivity {
            None => None,
            Some(diffusivity) => self.diffusion(index, field, diffusivity)?,
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
                Program::compile(&place.graph, &[sum, slope]).map(Some)
            })
            .collect::<Result<_>>()?;
        Ok(QuasiField {
            name: name.to_owned(),
            unit: field.unit.clone(),
            lives: self.lives[index].clone(),
            scale: field.scale,
            diffusivity,
            balance,
            boundary: self.boundary(field)?,
        })
    }

    fn boundary(&mut self, field: &Field) -> Result<Boundary> {
        let last = self.setting.layers.len() - 1;
        let speed = self.model.scale.map(|scale| scale.length / scale.time);
        let mut faces = Vec::with_capacity(6);
        for (side, condition) in field.boundary.iter().enumerate() {
            let layer = [Some(0), Some(last)].get(side).copied().flatten();
            faces.push(match condition {
                None => None,
                Some(Condition::NoFlux) => Some(Face::NoFlux),
                Some(Condition::Value(value)) => Some(Face::Value(self.one(value, layer, None)?)),
                Some(Condition::Exchange { exchange, outside }) => Some(Face::Exchange {
                    exchange: self.one(exchange, layer, speed)?,
                    outside: self.one(outside, layer, None)?,
                }),
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

    // Kinetics.

    /// Rates in a layer, or of the surface fields.
    fn rates(&mut self, layer: Option<usize>) -> Result<Rates> {
        let model = self.model;
        let kind = if layer.is_some() { FieldKind::Volume } else { FieldKind::Surface };
        let mut place = self.place(layer);
        let (mut fields, mut roots) = (Vec::new(), Vec::new());
        for (index, field) in model.fields.values().enumerate() {
            let lives = layer.is_none_or(|layer| place.leaves.compiler.lives[index][layer]);
            if field.kind != kind || !lives {
                continue;
            }
            if let Some(sum) = net(&mut place, index)? {
                finite(&place.graph, &[sum], model, field.span.clone())?;
                fields.push(field.index);
                roots.push(sum);
            }
        }
        let rate = Program::compile(&place.graph, &roots)?;
        let (mut pattern, mut entries) = (Vec::new(), Vec::new());
        for field in model.fields.values().filter(|field| field.kind == kind) {
            let input = if layer.is_some() { Input::Volume(field.index) } else { Input::Surface(field.index) };
            if !rate.inputs.contains(&input) {
                continue;
            }
            let by = place.graph.input(input);
            for (row, entry) in place.graph.derivatives(&roots, by).into_iter().enumerate() {
                if !place.graph.is(entry, 0.0) {
                    pattern.push((fields[row], field.index));
                    entries.push(entry);
                }
            }
        }
        let mut sorted: Vec<usize> = (0..pattern.len()).collect();
        sorted.sort_by_key(|&entry| pattern[entry]);
        let entries: Vec<Id> = sorted.iter().map(|&entry| entries[entry]).collect();
        let pattern = sorted.iter().map(|&entry| pattern[entry]).collect();
        Ok(Rates { fields, rate, pattern, jacobian: Program::compile(&place.graph, &entries)? })
    }

    fn effects(&mut self, event: &Event, local: Local) -> Result<Effects> {
        let model = self.model;
        let count = self.setting.layers.len();
        let mut one = |layer: Option<usize>| -> Result<(Vec<usize>, Program)> {
            let mut place = self.place(layer);
            place.local = Some(local);
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
            Ok((fields, Program::compile(&place.graph, &roots)?))
        };
        let layers = (0..count).map(|layer| one(Some(layer))).collect::<Result<_>>()?;
        Ok(Effects { layers, surface: one(None)? })
    }
}

/// All names a layer goes by, its own first.
fn names_of(layer: &LayerName) -> impl Iterator<Item = &str> {
    std::iter::once(layer.name.as_str()).chain(layer.groups.iter().map(String::as_str))
}

/// Compiles expressions, refusing values that are not numbers.
fn program(graph: &Graph, roots: &[Id], model: &Model, node: &Node) -> Result<Program> {
    finite(graph, roots, model, node.span.clone())?;
    Program::compile(graph, roots).map_err(|error| error.at(&model.source, node.span.clone()))
}

fn finite(graph: &Graph, roots: &[Id], model: &Model, span: std::ops::Range<usize>) -> Result<()> {
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

/// The net rate of a field in a place [per second]: the sum of what its processes do, in the order of the file.
fn net(place: &mut Lowering<'_, Place<'_, '_>>, index: usize) -> Result<Option<Id>> {
    let model = place.model;
    let Some((name, _)) = model.fields.get_index(index) else { return Ok(None) };
    let mut sum: Option<Id> = None;
    for process in model.processes.values() {
        let touched = |list: &[(Mention, Expression)]| list.iter().any(|(target, _)| target.name == *name);
        if !(touched(&process.gives) || touched(&process.takes) || touched(&process.changes)) {
            continue;
        }
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
