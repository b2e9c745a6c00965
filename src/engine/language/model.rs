//! A response model as it was read: names, meanings, numbers with their sources, expressions. Nothing here depends on a
//! medium or a person.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::error::Source;
use crate::base::sourced::{Evidence, Sourced};
use crate::base::units::Unit;
use crate::engine::language::names::{LocalAct, Names};
use crate::engine::language::syntax::Expression;

/// A parsed and checked response model.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// What it describes, in a sentence.
    pub what: String,
    /// Where it is from.
    pub origin: String,
    /// The file it was read from.
    pub source: Arc<Source>,
    /// The layers and groups the file speaks of, if it lists them; a medium may lack some.
    pub layers: Option<Vec<String>>,
    /// The units of a dimensionless model.
    pub scale: Option<Scale>,
    /// How exactly it is solved, unless a scenario says otherwise.
    pub stepping: Accuracy,
    /// Constants.
    pub constants: IndexMap<String, Constant>,
    /// Signals the scenario may set.
    pub signals: IndexMap<String, Signal>,
    /// Fields of all kinds, in the order of declaration.
    pub fields: IndexMap<String, Field>,
    /// Named expressions.
    pub intermediates: IndexMap<String, Intermediate>,
    /// Processes.
    pub processes: IndexMap<String, Process>,
    /// What each act of the host does.
    pub acts: Vec<Event>,
    /// What happens at times of its own.
    pub events: IndexMap<String, Timed>,
    /// Named regions.
    pub regions: IndexMap<String, RegionOf>,
    /// What is reported.
    pub observables: IndexMap<String, Reported>,
    pub(super) symbols: Names,
}

/// How exactly a model is solved: the error of a step may be `tolerance` times the value, or times `absolute` times the size the
/// field has had (see `stepper::judge`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    /// Relative part.
    pub tolerance: f64,
    /// Absolute part, relative to the size of a field.
    pub absolute: f64,
}

impl Default for Accuracy {
    fn default() -> Self {
        Self { tolerance: 1e-3, absolute: 1e-6 }
    }
}

/// The units of a dimensionless model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// One length unit of the model \[m\].
    pub length: f64,
    /// One time unit of the model \[s\].
    pub time: f64,
}

/// A number of the model.
#[derive(Debug, Clone)]
pub struct Constant {
    /// What it is, in words; may be empty.
    pub what: String,
    /// Its value.
    pub definition: Definition,
    /// What it rests on.
    pub evidence: Evidence,
    /// Where it is from.
    pub source: String,
    /// Whether the source was read for this number, not recalled.
    pub checked: bool,
}

/// How a constant gets its value.
#[derive(Debug, Clone)]
pub enum Definition {
    /// A number, or one for each alternative of a trait.
    Number(Box<Sourced>),
    /// An expression of other constants.
    Expression(Expression),
}

impl Constant {
    /// The number with its source, unless it is computed from others.
    pub fn number(&self) -> Option<&Sourced> {
        match &self.definition {
            Definition::Number(number) => Some(number),
            Definition::Expression(_) => None,
        }
    }
}

/// Something the scenario sets in time.
#[derive(Debug, Clone)]
pub struct Signal {
    /// What it is, in words.
    pub what: String,
    /// Its unit.
    pub unit: Unit,
    /// Its value where the scenario says nothing \[SI\].
    pub default: f64,
    /// The smallest and largest value it may be set to \[SI\]; not negative if the file says nothing.
    pub range: [f64; 2],
}

/// Where a field exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// In the cells.
    Volume,
    /// On the surface.
    Surface,
    /// In the cells, in balance at every moment.
    QuasiSteady,
}

/// A name in the file, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Range<usize>,
}

/// One expression for everywhere, or one for each of some layers and groups of layers.
#[derive(Debug, Clone)]
pub enum Layered {
    /// The same everywhere.
    One(Expression),
    /// By layer or group.
    Table(Vec<(Mention, Expression)>),
}

impl Layered {
    /// All its expressions.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let (one, table) = match self {
            Self::One(one) => (Some(one), None),
            Self::Table(table) => (None, Some(table)),
        };
        one.into_iter().chain(table.into_iter().flatten().map(|(_, expression)| expression))
    }
}

/// The axes along which a field may drift.
pub const DRIFTS: [&str; 3] = ["x", "y", "depth"];

/// The axes along which a field may spread.
pub const SPREADS: [&str; 4] = ["depth", "lateral", "x", "y"];

/// What holds along one axis.
#[derive(Debug, Clone)]
pub struct Along {
    /// The axis, as the file calls it.
    pub axis: Mention,
    /// What holds.
    pub value: Layered,
}

/// A field.
#[derive(Debug, Clone)]
pub struct Field {
    /// What it is, in words.
    pub what: String,
    /// Where its rules are from.
    pub source: String,
    /// Its symbol in formulas (LaTeX).
    pub symbol: Option<String>,
    /// Where it exists.
    pub kind: FieldKind,
    /// Its number among the fields of its kind.
    pub index: usize,
    /// Its unit.
    pub unit: Unit,
    /// The layers and groups it lives in; everywhere, if not given.
    pub lives_in: Option<Vec<Mention>>,
    /// Its value at rest; zero if not given. Quasi-steady fields have none, it is computed.
    pub rest: Option<Layered>,
    /// Its value at the start, if not at rest.
    pub initial: Option<Layered>,
    /// Whether it may be negative.
    pub signed: bool,
    /// Its typical size \[SI\].
    pub scale: Option<f64>,
    /// How it spreads: along depth, and along all axes where nothing else is said.
    pub diffusivity: Option<Layered>,
    /// How it spreads along x and y, or along both as `lateral`, if not as along depth.
    pub across: Vec<Along>,
    /// How fast it drifts along each of some of [`DRIFTS`].
    pub drift: Vec<Along>,
    /// Reference density by layer; 1 if not given.
    pub reference_density: Option<Layered>,
    /// What it follows, with the sensitivity.
    pub chemotaxis: Vec<(Mention, Layered)>,
    /// Conditions on the [`FACES`] of the domain. `None` follows the grid.
    pub boundary: [Option<FaceCondition>; 6],
    /// Where it is declared.
    pub span: Range<usize>,
}

/// The faces of the domain, as a model file calls them.
pub const FACES: [&str; 6] = ["top", "bottom", "left", "right", "front", "back"];

/// The condition on one face of the domain, and where it is written.
#[derive(Debug, Clone)]
pub struct FaceCondition {
    /// What holds there.
    pub condition: Condition,
    /// Where it is written.
    pub span: Range<usize>,
}

/// What holds on a face of the domain.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Nothing passes.
    NoFlux,
    /// The face meets the opposite one.
    Periodic,
    /// The field has this value.
    Value(Expression),
    /// Exchange with the outside.
    Exchange {
        /// Speed of exchange.
        exchange: Expression,
        /// Value outside.
        outside: Expression,
    },
    /// So much comes in, per area and time.
    Flux(Expression),
    /// Exchange with a field on the surface, a well-mixed film.
    Reservoir(Box<Reservoir>),
}

/// A film at the top or the bottom that holds a field of the surface and exchanges it with the cells.
#[derive(Debug, Clone)]
pub struct Reservoir {
    /// The field of the surface.
    pub of: Mention,
    /// Its thickness.
    pub thickness: Expression,
    /// Value in the cells over the value in the film, in equilibrium; 1 if not given.
    pub partition: Option<Expression>,
    /// Speed of exchange, by values in the cells; without limit if not given.
    pub exchange: Option<Expression>,
}

impl Condition {
    /// Whether something passes the face because of it.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::NoFlux | Self::Periodic)
    }

    /// All its expressions.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let list = match self {
            Self::NoFlux | Self::Periodic => [None; 3],
            Self::Value(value) | Self::Flux(value) => [Some(value), None, None],
            Self::Exchange { exchange, outside } => [Some(exchange), Some(outside), None],
            Self::Reservoir(film) => [Some(&film.thickness), film.partition.as_ref(), film.exchange.as_ref()],
        };
        list.into_iter().flatten()
    }
}

/// A named expression.
#[derive(Debug, Clone)]
pub struct Intermediate {
    /// What it is, in words.
    pub what: String,
    /// Where it is from.
    pub source: String,
    /// Its value.
    pub value: Expression,
}

/// A process: something that changes fields.
#[derive(Debug, Clone)]
pub struct Process {
    /// What happens, in words.
    pub what: String,
    /// Where it is from.
    pub source: String,
    /// Its rate; absent if there are only `changes`.
    pub rate: Option<Expression>,
    /// Fields it takes from, with coefficients.
    pub takes: Vec<(Mention, Expression)>,
    /// Fields it gives to, with coefficients.
    pub gives: Vec<(Mention, Expression)>,
    /// Plain rates of change.
    pub changes: Vec<(Mention, Expression)>,
    /// The layers and groups it is restricted to.
    pub layers: Option<Vec<Mention>>,
    /// Where it is declared.
    pub span: Range<usize>,
}

/// What an act of the host does, or an event of the model.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// In words.
    pub what: String,
    /// Where it is from.
    pub source: String,
    /// Expressions named for the effects only.
    pub intermediates: IndexMap<String, Intermediate>,
    /// New values of fields.
    pub effects: Vec<(Mention, Expression)>,
}

/// Something that changes fields at times that the model states.
#[derive(Debug, Clone)]
pub struct Timed {
    /// What it does.
    pub event: Event,
    /// At these times \[s].
    pub at: Vec<f64>,
    /// And again and again after so long \[s] …
    pub every: Option<f64>,
    /// … from this time \[s] …
    pub from: f64,
    /// … to this one \[s]; may be infinite.
    pub until: f64,
    /// Where it is declared.
    pub span: Range<usize>,
}

impl Timed {
    /// How often it happens before a time \[s].
    pub fn count(&self, end: f64) -> f64 {
        let regular =
            self.every.map_or(0.0, |every| ((self.until.min(end) - self.from) / every + 1.0).floor().max(0.0));
        regular + self.at.len() as f64
    }

    /// The times at which it happens before `end` \[s], in no order; one may be there twice.
    pub fn moments(&self, end: f64) -> Vec<f64> {
        // A last time that is missed by rounding counts.
        let last = self.until * (1.0 + 1e-12);
        let regular = self.every.into_iter().flat_map(|every| {
            (0..).map(move |i| self.from + f64::from(i) * every).take_while(|time| *time <= last && *time < end)
        });
        self.at.iter().copied().filter(|time| *time < end).chain(regular).collect()
    }
}

/// A named part of the domain.
#[derive(Debug, Clone)]
pub struct RegionOf {
    /// In words.
    pub what: String,
    /// Its layers and groups; all, if not given.
    pub layers: Option<Vec<Mention>>,
    /// From this depth \[m\] …
    pub from: f64,
    /// … to this one \[m\]; may be infinite.
    pub to: f64,
    /// Where it is declared.
    pub span: Range<usize>,
}

/// Something that is reported.
#[derive(Debug, Clone)]
pub struct Reported {
    /// What it means.
    pub what: String,
    /// Its value.
    pub value: Expression,
    /// The unit it is shown in.
    pub unit: Unit,
    /// The part of the answer it belongs to: "gain", "symptom", "grade", "risk" or "state".
    pub group: String,
    /// What it rests on, if stated.
    pub evidence: Option<Evidence>,
    /// Where it is from.
    pub source: String,
}

impl Model {
    /// An intermediate of the model or of an act of the host.
    pub(super) fn named(&self, name: &str) -> Option<(&str, &Expression)> {
        let found = self.tables().find_map(|(_, table)| table.get(name))?;
        Some((&found.what, &found.value))
    }

    /// The tables of intermediates: that of the model, then one for each act of the host.
    pub(super) fn tables(&self) -> impl Iterator<Item = (Option<LocalAct>, &IndexMap<String, Intermediate>)> + Clone {
        let acts = self.acts.iter().enumerate().map(|(act, event)| (Some(LocalAct(act)), &event.intermediates));
        std::iter::once((None, &self.intermediates)).chain(acts)
    }

    /// The table of one of them.
    pub(super) fn table(&self, local: Option<LocalAct>) -> &IndexMap<String, Intermediate> {
        local.map_or(&self.intermediates, |LocalAct(act)| &self.acts[act].intermediates)
    }
}
