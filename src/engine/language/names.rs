//! What a name means in an expression, and where it may be used.

use std::collections::HashMap;

use crate::base::units::Dimension;
use crate::engine::language::Input;
use crate::engine::language::host::{Host, When};

/// What an expression measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Zero: fits everything.
    Any,
    Of(Dimension),
    /// A condition.
    Truth,
}

/// What a name stands for; numbers are positions in the tables of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Meaning {
    Constant(usize),
    Signal(usize),
    Field(usize),
    /// Position in [`Names::definitions`].
    Intermediate(usize),
    Variable(Input),
    Pi,
}

/// An act of the host, whose effects have names of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LocalAct(pub usize);

/// An intermediate, of the model or of an act.
#[derive(Debug, Clone)]
pub(super) struct IntermediateEntry {
    pub local: Option<LocalAct>,
    /// Position in its table.
    pub index: usize,
    pub measure: Measure,
    pub needs: Needs,
    /// Other definitions it mentions.
    pub uses: Vec<usize>,
}

/// The names of a model, and what was found out about them.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub host: &'static Host,
    pub declared: HashMap<String, Meaning>,
    pub locals: HashMap<(LocalAct, String), usize>,
    pub constants: Vec<Measure>,
    /// Constants, each after those it is computed from.
    pub constant_order: Vec<usize>,
    pub definitions: Vec<IntermediateEntry>,
    /// The place of each definition in an order in which each stands after those it uses.
    pub definition_rank: Vec<usize>,
}

impl Names {
    /// No names yet, beside those of a host.
    pub(super) fn of(host: &'static Host) -> Self {
        Self {
            host,
            declared: HashMap::new(),
            locals: HashMap::new(),
            constants: Vec::new(),
            constant_order: Vec::new(),
            definitions: Vec::new(),
            definition_rank: Vec::new(),
        }
    }

    pub(super) fn meaning(&self, name: &str, local: Option<LocalAct>) -> Option<Meaning> {
        if let Some(local) = local
            && let Some(&index) = self.locals.get(&(local, name.to_owned()))
        {
            return Some(Meaning::Intermediate(index));
        }
        self.declared.get(name).copied().or_else(|| match name {
            "pi" => Some(Meaning::Pi),
            _ => input(self.host, name).map(Meaning::Variable),
        })
    }
}

/// What a variable reads.
fn input(host: &Host, name: &str) -> Option<Input> {
    let own = VARIABLES.iter().find(|variable| variable.0 == name).map(|variable| variable.1);
    let since = || host.since.filter(|(since, _)| *since == name).map(|_| Input::SinceAct);
    own.or_else(since).or_else(|| host.variable(name).map(|(own, _)| Input::Own(own)))
}

/// A variable of every model or of the host's: its dimension, what it needs and what it is. `None` if there is no such thing.
pub(super) fn variable(host: &Host, name: &str) -> Option<(Dimension, Needs, &'static str)> {
    let own = VARIABLES.iter().find(|variable| variable.0 == name).map(|(_, _, of, needs, what)| (*of, *needs, *what));
    let since = || host.since.filter(|(since, _)| *since == name).map(|(_, what)| (Dimension::TIME, Needs::TIME, what));
    own.or_else(since).or_else(|| {
        let (_, variable) = host.variable(name)?;
        let needs = match variable.when {
            When::Nearest(_) => Needs::NEAR,
            When::Once(act) | When::Around(act) => Needs::act(act),
        };
        Some((variable.dimension, needs, variable.what))
    })
}

/// What an input measures.
pub(super) fn dimension(host: &Host, input: Input) -> Dimension {
    match input {
        Input::Own(own) => host.variables[own.index].dimension,
        Input::SinceAct => Dimension::TIME,
        input => VARIABLES.iter().find(|variable| variable.1 == input).map_or(Dimension::NONE, |variable| variable.2),
    }
}

/// The names of all variables.
pub(super) fn variables(host: &'static Host) -> impl Iterator<Item = &'static str> + use<> {
    let since = host.since.map(|(name, _)| name);
    VARIABLES.iter().map(|own| own.0).chain(since).chain(host.variables.iter().map(|own| own.name))
}

/// A set of things an expression needs to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Needs(pub u32);

impl Needs {
    pub const NONE: Self = Self(0);
    pub const VOLUME: Self = Self(1);
    pub const SURFACE: Self = Self(1 << 1);
    pub const QUASI: Self = Self(1 << 2);
    pub const SIGNAL: Self = Self(1 << 3);
    pub const TIME: Self = Self(1 << 4);
    pub const LATERAL: Self = Self(1 << 5);
    pub const DEPTH: Self = Self(1 << 6);
    pub const RANDOM: Self = Self(1 << 7);
    /// A place nearby at which the host has acted.
    pub const NEAR: Self = Self(1 << 8);
    /// A reduction over a column of cells.
    pub const COLUMN: Self = Self(1 << 11);
    /// A reduction that exists over the whole domain only.
    pub const WHOLE: Self = Self(1 << 12);

    /// An act of the host, at work.
    pub(super) const fn act(act: usize) -> Self {
        Self(1 << (16 + act))
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether everything is among `given`.
    pub(super) fn among(self, given: Self) -> bool {
        self.0 & !given.0 == 0
    }

    /// What is needed here but not among `given`, in words.
    pub(super) fn missing(self, given: Self, host: &'static Host) -> Option<&'static str> {
        const WORDS: [(Needs, &str); 10] = [
            (Needs::VOLUME, "a field of the cells"),
            (Needs::SURFACE, "a field of the surface"),
            (Needs::QUASI, "a quasi-steady field"),
            (Needs::SIGNAL, "a signal"),
            (Needs::TIME, "time"),
            (Needs::LATERAL, "a lateral position"),
            (Needs::DEPTH, "a depth"),
            (Needs::RANDOM, "a random number"),
            (Needs::COLUMN, "a reduction"),
            (Needs::WHOLE, "a reduction over the whole domain"),
        ];
        let near = host.acts.iter().map(|act| (Needs::NEAR, act.words[1])).take(1);
        let acts = host.acts.iter().enumerate().map(|(act, own)| (Needs::act(act), own.words[0]));
        let mut all = WORDS.into_iter().take(8).chain(near).chain(acts).chain(WORDS.into_iter().skip(8));
        all.find(|(need, _)| self.0 & need.0 & !given.0 != 0).map(|(_, words)| words)
    }
}

const METRE: Dimension = Dimension::LENGTH;

/// Variables that every model knows: name, input, dimension, what they need, meaning.
pub(super) const VARIABLES: &[(&str, Input, Dimension, Needs, &str)] = &[
    ("time", Input::Time, Dimension::TIME, Needs::TIME, "time since the start of the run"),
    ("x", Input::X, METRE, Needs::LATERAL, "first lateral coordinate, the radius in an axisymmetric cell"),
    ("y", Input::Y, METRE, Needs::LATERAL, "second lateral coordinate"),
    ("z", Input::Depth, METRE, Needs::DEPTH, "depth below the surface"),
    ("depth", Input::Depth, METRE, Needs::DEPTH, "depth below the surface"),
];

/// Functions that every model knows: name, fewest and most arguments, meaning.
pub(super) const FUNCTIONS: &[(&str, usize, usize, &str)] = &[
    ("hill", 2, 3, "hill(x, K) = x/(K + x); hill(x, K, n) = x^n/(K^n + x^n)"),
    ("positive", 1, 1, "positive(x) = max(x, 0)"),
    ("min", 2, 16, "the smallest"),
    ("max", 2, 16, "the largest"),
    ("exp", 1, 1, "e to the power of x"),
    ("log", 1, 1, "natural logarithm"),
    ("sqrt", 1, 1, "square root"),
    ("pow", 2, 2, "pow(x, n) = x^n"),
    ("tanh", 1, 1, "hyperbolic tangent"),
    ("sin", 1, 1, "sine"),
    ("cos", 1, 1, "cosine"),
    ("abs", 1, 1, "absolute value"),
    ("sigmoid", 1, 1, "sigmoid(x) = 1/(1 + exp(-x))"),
    ("if", 3, 3, "if(condition, a, b)"),
    ("rest", 1, 1, "the value of a field at rest"),
    ("random", 0, 0, "a number drawn evenly from 0 to 1 for each cell, another one wherever it is written"),
    ("mean", 2, 3, "mean(value, region) or mean(value, region, weight)"),
    ("integral", 2, 2, "integral(value, region): over depth, mean over the lateral directions"),
    ("maximum", 2, 2, "maximum(value, region)"),
    ("minimum", 2, 2, "minimum(value, region)"),
    (
        "flux",
        2,
        3,
        "flux(F, FACE): what leaves through the top, bottom, left, right, front or back, per area and time; flux(F, A, B): from layer A into layer B",
    ),
    ("through", 2, 3, "through(F, FACE) and through(F, A, B): the flux added up since the start, per area"),
];

/// The functions of a field and faces.
pub(super) const PASSAGES: [&str; 2] = ["flux", "through"];

/// Whether a model must not give this name to something of its own. Coordinates and pi may be taken: published models
/// call their variables x, y and z, and their fluxes flux.
pub(super) fn reserved(host: &Host, name: &str) -> bool {
    let coordinate = matches!(name, "x" | "y" | "z");
    matches!(name, "and" | "or" | "not" | "all" | "surface")
        || (!coordinate && input(host, name).is_some())
        || FUNCTIONS.iter().any(|function| function.0 == name && !PASSAGES.contains(&name))
}

/// Whether a name can be written in an expression.
pub(super) fn writable(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
        && name.len() <= 100
}

/// Puts things into an order in which each stands after those it depends on.
///
/// # Errors
/// A cycle: the things on it, in order.
pub(super) fn order(dependencies: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut order = Vec::with_capacity(dependencies.len());
    // 0 unseen, 1 on the path, 2 done.
    let mut state = vec![0_u8; dependencies.len()];
    for start in 0..dependencies.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((item, next)) = path.last_mut() {
            let item = *item;
            if state[item] == 2 {
                path.pop();
                continue;
            }
            state[item] = 1;
            match dependencies[item].get(*next) {
                None => {
                    state[item] = 2;
                    order.push(item);
                    path.pop();
                }
                Some(&below) => {
                    *next += 1;
                    match state[below] {
                        0 => path.push((below, 0)),
                        1 => {
                            let begin = path.iter().position(|(on, _)| *on == below).unwrap_or(0);
                            return Err(path[begin..].iter().map(|(on, _)| *on).collect());
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    Ok(order)
}
