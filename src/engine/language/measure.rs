//! What every expression measures: names, dimensions, arguments of functions, and whether what it needs is there.

use crate::base::error::{Error, Result, suggestion};
use crate::base::units::Dimension;
use crate::engine::language::model::{FACES, FieldKind, Mention, Model};
use crate::engine::language::names::{FUNCTIONS, LocalAct, Meaning, Measure, Needs, variable, variables};
use crate::engine::language::syntax::{Binary, Expression, Form, Node};

/// Where an expression stands: what it is given there.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExpressionScope {
    /// In words, for messages: "a constant".
    pub place: &'static str,
    pub given: Needs,
    /// What is given inside a reduction over cells, if there may be reductions.
    pub inside: Needs,
    pub local: Option<LocalAct>,
}

const FIELDS: Needs = Needs::VOLUME.with(Needs::SURFACE).with(Needs::QUASI);
const SPACE: Needs = Needs::LATERAL.with(Needs::DEPTH);
const OUTSIDE: Needs = Needs::SIGNAL.with(Needs::TIME);
const CELL: Needs = FIELDS.with(SPACE).with(OUTSIDE);

impl ExpressionScope {
    const fn new(place: &'static str, given: Needs) -> Self {
        Self { place, given, inside: Needs::NONE, local: None }
    }

    pub(super) const CONSTANT: Self = Self::new("a constant expression", Needs::NONE);
    pub(super) const DRIFT: Self = Self::new("a drift", Needs::NONE);
    pub(super) const INITIAL: Self = Self::new("an initial value", SPACE.with(Needs::RANDOM));
    pub(super) const BOUNDARY: Self = Self::new("a boundary condition", OUTSIDE);
    pub(super) const FLUX: Self = Self::new("a flux through a face", CELL);
    pub(super) const TRANSPORT: Self = Self::new("a diffusivity or sensitivity", CELL);
    pub(super) const RATE: Self = Self { inside: CELL, ..Self::new("a rate in the cells", CELL.with(Needs::COLUMN)) };
    pub(super) const SURFACE_RATE: Self = Self {
        inside: CELL,
        ..Self::new("a rate on the surface", Needs::SURFACE.with(OUTSIDE).with(Needs::LATERAL).with(Needs::COLUMN))
    };
    pub(super) const OBSERVABLE: Self = Self {
        inside: CELL.with(Needs::NEAR),
        ..Self::new("an observable", OUTSIDE.with(Needs::COLUMN).with(Needs::WHOLE))
    };
    /// An intermediate: what it needs is checked where it is used.
    pub(super) const ANY: Self = Self { inside: Needs(u32::MAX), ..Self::new("an intermediate", Needs(u32::MAX)) };

    pub(super) const fn effect(local: Option<LocalAct>, kind: FieldKind) -> Self {
        let own = match local {
            // What is known of a place nearby is known while something acts there.
            Some(LocalAct(act)) => Needs::NEAR.with(Needs::act(act)),
            None => Needs::NONE,
        };
        let (place, fields) = match kind {
            FieldKind::Surface => ("an effect on the surface", Needs::SURFACE.with(SPACE)),
            _ => ("an effect in the cells", FIELDS.with(SPACE)),
        };
        Self { local, ..Self::new(place, own.with(OUTSIDE).with(fields)) }
    }

    /// An intermediate of an act of the host.
    pub(super) const fn local(local: LocalAct) -> Self {
        Self { local: Some(local), ..Self::ANY }
    }

    /// Inside a reduction over a region.
    pub(super) fn body(self, surface: bool) -> Self {
        let given = if surface { Needs(self.inside.0 & !(Needs::VOLUME.0 | Needs::QUASI.0)) } else { self.inside };
        // No reduction inside a reduction.
        let given = Needs(given.0 & !(Needs::COLUMN.0 | Needs::WHOLE.0));
        Self { place: "a reduction", given, inside: Needs::NONE, local: self.local }
    }
}

impl Model {
    /// The text of a node, for messages.
    fn shown(&self, node: &Node) -> String {
        let text = self.source.text.get(node.span.clone()).unwrap_or("");
        if text.len() <= 60 && !text.contains('\n') { format!("`{text}`") } else { "this part".to_owned() }
    }

    fn refuse(&self, node: &Node, message: impl Into<String>) -> Error {
        self.source.refuse(node.span.clone(), message)
    }

    /// Checks an expression and returns what it measures and needs.
    pub(super) fn measure(&self, expression: &Expression, scope: ExpressionScope) -> Result<(Measure, Needs)> {
        let mut needs = Needs::NONE;
        let measure = self.node(&expression.root, scope, &mut needs)?;
        Ok((measure, needs))
    }

    /// Checks that an expression measures `wanted`; `whose` says what that is: "a diffusivity".
    pub(super) fn expect(
        &self,
        expression: &Expression,
        scope: ExpressionScope,
        wanted: Dimension,
        whose: &str,
    ) -> Result<()> {
        match self.measure(expression, scope)?.0 {
            Measure::Any => Ok(()),
            Measure::Of(found) if found == wanted => Ok(()),
            Measure::Of(found) => {
                let message = format!("{whose} is in {wanted}, but this is in {found}");
                Err(self
                    .refuse(&expression.root, message)
                    .help("check the units of the constants, fields and coefficients in it"))
            }
            Measure::Truth => {
                Err(self.refuse(&expression.root, format!("{whose} is a number, but this is a condition")))
            }
        }
    }

    /// The dimension of physical quantities; in a dimensionless model nothing has one.
    pub(super) fn physical(&self, dimension: Dimension) -> Dimension {
        if self.scale.is_some() { Dimension::NONE } else { dimension }
    }

    fn number(&self, node: &Node, scope: ExpressionScope, needs: &mut Needs) -> Result<Option<Dimension>> {
        match self.node(node, scope, needs)? {
            Measure::Any => Ok(None),
            Measure::Of(dimension) => Ok(Some(dimension)),
            Measure::Truth => Err(self
                .refuse(node, format!("{} is a condition, a number is needed here", self.shown(node)))
                .help("turn a condition into a number with if(condition, 1, 0)")),
        }
    }

    fn plain(&self, node: &Node, scope: ExpressionScope, needs: &mut Needs, whose: &str) -> Result<()> {
        match self.number(node, scope, needs)? {
            Some(dimension) if dimension != Dimension::NONE => Err(self
                .refuse(node, format!("{whose} is a plain number, but {} is in {dimension}", self.shown(node)))
                .help("divide it by a constant of the same unit")),
            _ => Ok(()),
        }
    }

    /// The common dimension of numbers that are added or compared.
    fn common(&self, nodes: &[&Node], scope: ExpressionScope, needs: &mut Needs, what: &str) -> Result<Measure> {
        let mut first: Option<(&Node, Dimension)> = None;
        for node in nodes {
            let Some(dimension) = self.number(node, scope, needs)? else { continue };
            match first {
                Some((other, wanted)) if wanted != dimension => {
                    return Err(self.refuse(
                        node,
                        format!("{} is in {wanted}, {} in {dimension}: {what}", self.shown(other), self.shown(node)),
                    ));
                }
                Some(_) => {}
                None => first = Some((node, dimension)),
            }
        }
        Ok(first.map_or(Measure::Any, |(_, dimension)| Measure::Of(dimension)))
    }

    fn node(&self, node: &Node, scope: ExpressionScope, needs: &mut Needs) -> Result<Measure> {
        match &node.form {
            Form::Number(value) if *value == 0.0 => Ok(Measure::Any),
            Form::Number(_) => Ok(Measure::Of(Dimension::NONE)),
            Form::Quantity(quantity) => match self.scale {
                Some(_) if quantity.dimension != Dimension::NONE => Err(self
                    .refuse(node, "a quantity with a unit in a dimensionless model")
                    .help("the model has a [scale]: write plain numbers, in units of the scale")),
                _ => Ok(Measure::Of(quantity.dimension)),
            },
            Form::Name(name) => self.name(node, name, scope, needs),
            Form::Negate(inner) => match self.number(inner, scope, needs)? {
                None => Ok(Measure::Any),
                Some(dimension) => Ok(Measure::Of(dimension)),
            },
            Form::Not(inner) => {
                self.truth(inner, scope, needs)?;
                Ok(Measure::Truth)
            }
            Form::Binary(operator, a, b) => self.binary(*operator, a, b, scope, needs),
            Form::Random(_) => {
                self.need(node, Needs::RANDOM, scope, needs)?;
                Ok(Measure::Of(Dimension::NONE))
            }
            Form::Call(name, arguments) => self.call(node, name, arguments, scope, needs),
        }
    }

    fn truth(&self, node: &Node, scope: ExpressionScope, needs: &mut Needs) -> Result<()> {
        match self.node(node, scope, needs)? {
            Measure::Truth => Ok(()),
            _ => Err(self
                .refuse(node, format!("a condition is needed here, {} is a number", self.shown(node)))
                .help("compare it with something: `x > 0`")),
        }
    }

    fn need(&self, node: &Node, wanted: Needs, scope: ExpressionScope, needs: &mut Needs) -> Result<()> {
        *needs = needs.with(wanted);
        let Some(missing) = wanted.missing(scope.given, self.symbols.host) else { return Ok(()) };
        let error = self.refuse(node, format!("{} needs {missing}, and {} has none", self.shown(node), scope.place));
        let reducible = scope.inside != Needs::NONE && wanted.among(scope.given.with(scope.inside));
        Err(if reducible {
            error.help(format!("say over which cells: mean({}, REGION)", self.shown(node).replace('`', "")))
        } else {
            error
        })
    }

    fn name(&self, node: &Node, name: &str, scope: ExpressionScope, needs: &mut Needs) -> Result<Measure> {
        let Some(meaning) = self.symbols.meaning(name, scope.local) else {
            if FUNCTIONS.iter().any(|function| function.0 == name) {
                return Err(self.refuse(node, format!("`{name}` is a function")).help(format!("write {name}(…)")));
            }
            let locals = self.symbols.locals.keys().filter(|(local, _)| Some(*local) == scope.local);
            let mut known: Vec<&str> = self.symbols.declared.keys().map(String::as_str).collect();
            known.extend(locals.map(|(_, name)| name.as_str()));
            let host = self.symbols.host;
            let is_given = |name: &&str| variable(host, name).is_some_and(|(_, needs, _)| needs.among(scope.given));
            for own in variables(host).filter(is_given) {
                known.push(own);
            }
            return Err(self
                .refuse(node, format!("unknown name `{name}`"))
                .help(suggestion(name, known.iter().copied())));
        };
        let (measure, wanted) = match meaning {
            Meaning::Constant(index) => (self.symbols.constants[index], Needs::NONE),
            Meaning::Signal(index) => (Measure::Of(self.signals[index].unit.dimension), Needs::SIGNAL),
            Meaning::Field(index) => {
                let field = &self.fields[index];
                (Measure::Of(field.unit.dimension), need_of(field.kind))
            }
            Meaning::Intermediate(index) => {
                let definition = &self.symbols.definitions[index];
                (definition.measure, definition.needs)
            }
            Meaning::Pi => (Measure::Of(Dimension::NONE), Needs::NONE),
            Meaning::Variable(_) => {
                let (dimension, wanted, _) = variable(self.symbols.host, name).unwrap_or_default();
                (Measure::Of(self.physical(dimension)), wanted)
            }
        };
        self.need(node, wanted, scope, needs)?;
        Ok(measure)
    }

    fn binary(
        &self,
        operator: Binary,
        a: &Node,
        b: &Node,
        scope: ExpressionScope,
        needs: &mut Needs,
    ) -> Result<Measure> {
        match operator {
            Binary::Add | Binary::Subtract => self.common(&[a, b], scope, needs, "they cannot be added or subtracted"),
            Binary::Multiply => {
                let (x, y) = (self.number(a, scope, needs)?, self.number(b, scope, needs)?);
                Ok(x.zip(y).map_or(Measure::Any, |(x, y)| Measure::Of(x.times(y))))
            }
            Binary::Divide => {
                let (x, y) = (self.number(a, scope, needs)?, self.number(b, scope, needs)?);
                let Some(below) = y else { return Err(self.refuse(b, "division by zero")) };
                Ok(x.map_or(Measure::Any, |above| Measure::Of(above.over(below))))
            }
            Binary::Power => self.power(a, b, scope, needs),
            Binary::And | Binary::Or => {
                self.truth(a, scope, needs)?;
                self.truth(b, scope, needs)?;
                Ok(Measure::Truth)
            }
            Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => {
                self.common(&[a, b], scope, needs, "they cannot be compared")?;
                Ok(Measure::Truth)
            }
        }
    }

    fn power(&self, base: &Node, exponent: &Node, scope: ExpressionScope, needs: &mut Needs) -> Result<Measure> {
        let dimension = self.number(base, scope, needs)?.unwrap_or_default();
        self.plain(exponent, scope, needs, "an exponent")?;
        if dimension == Dimension::NONE {
            return Ok(Measure::Of(Dimension::NONE));
        }
        match self.fixed(exponent) {
            Some(n) if n.fract() == 0.0 && n.abs() <= 9.0 => Ok(Measure::Of(dimension.power(n as i8))),
            Some(0.5) if dimension.root().is_some() => Ok(Measure::Of(dimension.root().unwrap_or_default())),
            _ => Err(self
                .refuse(
                    exponent,
                    format!("{} is in {dimension}, so its exponent must be a fixed whole number", self.shown(base)),
                )
                .help("divide the base by a constant of the same unit, then any exponent will do")),
        }
    }

    /// The value of a number, or of a constant that is one number for everybody.
    pub(super) fn fixed(&self, node: &Node) -> Option<f64> {
        match &node.form {
            Form::Number(value) => Some(*value),
            Form::Negate(inner) => self.fixed(inner).map(|value| -value),
            Form::Name(name) => match self.symbols.meaning(name, None)? {
                Meaning::Constant(index) => match &self.constants[index].number()?.value {
                    crate::base::sourced::Choice::One(quantity) => Some(quantity.value),
                    crate::base::sourced::Choice::By(..) => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    fn call(
        &self,
        node: &Node,
        name: &str,
        list: &[Node],
        scope: ExpressionScope,
        needs: &mut Needs,
    ) -> Result<Measure> {
        let Some((_, fewest, most, meaning)) = FUNCTIONS.iter().find(|function| function.0 == name) else {
            let error = self.refuse(node, format!("unknown function `{name}`"));
            if self.symbols.meaning(name, scope.local).is_some() {
                return Err(error.help(format!("`{name}` is not a function; a product is written with `*`")));
            }
            return Err(error.help(suggestion(name, FUNCTIONS.iter().map(|function| function.0))));
        };
        if list.len() < *fewest || list.len() > *most {
            let message =
                format!("`{name}` does not take {} argument{}", list.len(), if list.len() == 1 { "" } else { "s" });
            return Err(self.refuse(node, message).help(*meaning));
        }
        let number = Measure::Of(Dimension::NONE);
        match (name, list) {
            ("hill", [x, half, rest @ ..]) => {
                self.common(&[x, half], scope, needs, "the two of hill() must measure the same")?;
                if let [exponent] = rest {
                    self.plain(exponent, scope, needs, "the exponent of hill()")?;
                }
                Ok(number)
            }
            ("positive" | "abs", [x]) => Ok(self.number(x, scope, needs)?.map_or(Measure::Any, Measure::Of)),
            ("min" | "max", all) => {
                self.common(&all.iter().collect::<Vec<_>>(), scope, needs, "they cannot be compared")
            }
            ("exp" | "log" | "tanh" | "sin" | "cos" | "sigmoid", [x]) => {
                self.plain(x, scope, needs, &format!("the argument of {name}()"))?;
                Ok(number)
            }
            ("sqrt", [x]) => match self.number(x, scope, needs)? {
                None => Ok(Measure::Any),
                Some(dimension) => dimension.root().map(Measure::Of).ok_or_else(|| {
                    self.refuse(x, format!("{} is in {dimension}, which has no square root", self.shown(x)))
                }),
            },
            ("pow", [base, exponent]) => self.power(base, exponent, scope, needs),
            ("if", [condition, a, b]) => {
                self.truth(condition, scope, needs)?;
                self.common(&[a, b], scope, needs, "the two of if() must measure the same")
            }
            ("rest", [field]) => self.rest(field, scope, needs),
            ("flux" | "through", [field, faces @ ..]) => self.passage(node, name, field, faces, scope, needs),
            (_, [value, region, weight @ ..]) => self.reduction(node, name, value, region, weight, scope, needs),
            _ => Err(self.refuse(node, *meaning)),
        }
    }

    /// `rest(F)`: needs what F needs, if it is computed, and the layer, if it differs between layers.
    fn rest(&self, field: &Node, scope: ExpressionScope, needs: &mut Needs) -> Result<Measure> {
        let Form::Name(name) = &field.form else {
            return Err(self.refuse(field, "rest() takes the name of a field"));
        };
        let Some(Meaning::Field(index)) = self.symbols.meaning(name, scope.local) else {
            return Err(self
                .refuse(field, format!("`{name}` is not a field"))
                .help(suggestion(name, self.fields.keys().map(String::as_str))));
        };
        let declared = &self.fields[index];
        let constant = declared.kind == FieldKind::Surface
            || declared.kind == FieldKind::Volume
                && !matches!(declared.rest, Some(crate::engine::language::Layered::Table(_)));
        if !constant {
            self.need(field, need_of(declared.kind), scope, needs)?;
        }
        Ok(Measure::Of(declared.unit.dimension))
    }

    /// `flux(F, FACE)` and `through(F, FACE)`: the field moves, and the face lets something pass.
    fn passage(
        &self,
        node: &Node,
        name: &str,
        field: &Node,
        faces: &[Node],
        scope: ExpressionScope,
        needs: &mut Needs,
    ) -> Result<Measure> {
        let Some((named, own)) = (match &field.form {
            Form::Name(named) => self.fields.get(named).map(|own| (named, own)),
            _ => None,
        }) else {
            return Err(self
                .refuse(field, format!("{} is no field: {name}() asks what passes a face", self.shown(field)))
                .help(format!("write {name}(FIELD, bottom), with the name of a field")));
        };
        if own.kind != FieldKind::Volume {
            let message = format!("{name}() is for fields of the kind \"volume\", and `{named}` is none");
            return Err(self.refuse(field, message));
        }
        if own.diffusivity.is_none() && own.chemotaxis.is_empty() && own.drift.is_empty() {
            return Err(self
                .refuse(field, format!("`{named}` does not move, so nothing of it passes a face"))
                .help("give it a diffusivity"));
        }
        let words = faces.iter().map(|face| match &face.form {
            Form::Name(word) => Ok(word.as_str()),
            _ => Err(self.refuse(face, format!("{} is neither a face nor a layer", self.shown(face)))),
        });
        match words.collect::<Result<Vec<_>>>()?[..] {
            [face] => {
                let Some(side) = FACES.iter().position(|own| *own == face) else {
                    return Err(self.refuse(&faces[0], format!("`{face}` is no face of the domain")).help(format!(
                        "faces are {}; between layers it is {name}({named}, LAYER, LAYER)",
                        FACES.join(", ")
                    )));
                };
                if name == "through" && side > 1 {
                    return Err(self
                        .refuse(node, format!("what has passed the {face} is not added up"))
                        .help(format!("top and bottom are; flux({named}, {face}) is what passes at the moment")));
                }
                if !own.boundary[side].as_ref().is_some_and(|on_face| on_face.condition.acts()) {
                    return Err(self
                        .refuse(node, format!("`{named}` has no condition at the {face}, so nothing passes there"))
                        .help(format!("give it one: boundary.{face} = {{ value = 0 }} under [field.{named}]")));
                }
            }
            _ => {
                for (layer, node) in faces.iter().filter_map(|face| match &face.form {
                    Form::Name(word) => Some((word, face)),
                    _ => None,
                }) {
                    self.known_layer(&Mention { name: layer.clone(), span: node.span.clone() })?;
                }
            }
        }
        self.need(node, Needs::WHOLE, scope, needs)?;
        let per_area = own.unit.dimension.times(self.physical(Dimension::LENGTH));
        let time = if name == "flux" { self.physical(Dimension::TIME) } else { Dimension::NONE };
        Ok(Measure::Of(per_area.over(time)))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call, taken apart once")]
    fn reduction(
        &self,
        node: &Node,
        name: &str,
        value: &Node,
        region: &Node,
        weight: &[Node],
        scope: ExpressionScope,
        needs: &mut Needs,
    ) -> Result<Measure> {
        let Form::Name(place) = &region.form else {
            return Err(self
                .refuse(region, "the second argument is the name of a region, a layer or a group of layers")
                .help("as in mean(T, all); parts of layers are named under [region]"));
        };
        self.known_region(place, region.span.clone())?;
        let surface = place == "surface";
        let body = scope.body(surface);
        let mut inside = Needs::NONE;
        let measure = self.number(value, body, &mut inside)?;
        if let [weight] = weight {
            self.number(weight, body, &mut inside)?;
        }
        let whole = surface || inside.0 & Needs::NEAR.0 != 0;
        self.need(node, if whole { Needs::WHOLE } else { Needs::COLUMN }, scope, needs)?;
        let dimension = measure.unwrap_or_default();
        Ok(match (name, measure) {
            (_, None) => Measure::Any,
            ("integral", _) if surface => {
                return Err(self
                    .refuse(node, "the surface has no depth to integrate over")
                    .help("use mean(…, surface)"));
            }
            ("integral", _) => Measure::Of(dimension.times(self.physical(Dimension::LENGTH))),
            _ => Measure::Of(dimension),
        })
    }
}

/// What a field of this kind needs.
fn need_of(kind: FieldKind) -> Needs {
    match kind {
        FieldKind::Volume => Needs::VOLUME,
        FieldKind::Surface => Needs::SURFACE,
        FieldKind::QuasiSteady => Needs::QUASI,
    }
}
