//! What a response model becomes for one medium and one person: programs over blocks of cells.
//!
//! Field indices: a **volume** field lives in the cells of some layers, a **surface** field on the surface, a
//! **quasi-steady** field in the cells but without a rate of change of its own. Each kind is numbered from zero in the order
//! of declaration. Everything is in SI units.

use crate::base::units::Unit;
use crate::engine::language::{Clock, Host, Own, Program, Turns};

/// A value a program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// A volume field, by index.
    Volume(usize),
    /// A surface field, by index; in the cells, its value on the surface above.
    Surface(usize),
    /// A quasi-steady field, by index.
    Quasi(usize),
    /// The value at rest of a quasi-steady field: `rest(O)`.
    QuasiRest(usize),
    /// A signal of the scenario, by index.
    Signal(usize),
    /// A reduction over the column of cells under a place of the surface, by index into [`Compiled::columns`].
    Column(usize),
    /// A reduction over the whole domain, by index into [`Compiled::reductions`]; only in observables.
    Reduction(usize),
    /// What passes a face now, by index into [`Compiled::fluxes`]; only in observables.
    Flux(usize),
    /// Time since the start of the run.
    Time,
    /// Time since the host last acted (very large before it ever did).
    SinceAct,
    /// First lateral coordinate: x, or the radius in an axisymmetric cell.
    X,
    /// Second lateral coordinate.
    Y,
    /// Depth below the surface.
    Depth,
    /// A number drawn evenly from 0 to 1 for each cell, by the number of the `random()` in the model; only in initial values.
    Random(usize),
    /// What the host hands over.
    Own(Own),
}

/// A response model made ready for one medium and one person.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Volume fields.
    pub volume: Vec<VolumeField>,
    /// Surface fields.
    pub surface: Vec<SurfaceField>,
    /// Quasi-steady fields.
    pub quasi: Vec<QuasiField>,
    /// Kinetics, a layer each, in the order of the medium's layers.
    pub layers: Vec<Rates>,
    /// Kinetics of the surface fields. Row and column indices are those of surface fields.
    pub surface_rates: Rates,
    /// Column reductions that kinetics refer to.
    pub columns: Vec<Reduction>,
    /// Who acts between steps.
    pub host: &'static Host,
    /// What each act of the host does to each field.
    pub acts: Vec<Effects>,
    /// What each event of the model does to each field everywhere.
    pub events: Vec<Effects>,
    /// What is reported.
    pub observables: Vec<Observable>,
    /// Reductions over the whole domain that observables combine.
    pub reductions: Vec<Reduction>,
    /// The same, as they are computed: each is a member of one bundle.
    pub bundles: Vec<Bundle>,
    /// What passes faces, as far as observables ask for it.
    pub fluxes: Vec<Passage>,
    /// Signals with their value where the scenario does not set them.
    pub signals: Vec<(String, f64)>,
    /// What depends on time alone.
    pub clock: Clock,
    /// Where any of the programs above changes its law.
    pub turns: Turns,
}

/// A volume field and a face that it passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passage {
    /// The volume field.
    pub field: usize,
    /// The face, and which way counts.
    pub way: Crossing,
}

/// A face, and the direction in which what passes it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crossing {
    /// Out of the domain, through the face at this position of [`crate::engine::language::FACES`].
    Out(usize),
    /// From the layer of this index down into the next one.
    Down(usize),
    /// Up into the layer of this index from the next one.
    Up(usize),
    /// Between layers of which the medium lacks one.
    Nowhere,
}

impl Compiled {
    /// Every program that is run at places.
    fn programs(&self) -> impl Iterator<Item = &Program> {
        let volume = self.volume.iter().flat_map(|field| {
            let spread = field.spreads().flat_map(Diffusion::programs);
            let followed = field.chemotaxis.iter().flat_map(|one| &one.sensitivity);
            let fluxes = field.boundary.fluxes().flat_map(|(_, programs)| programs);
            spread.chain(followed).chain(fluxes).chain(field.initial.iter().flatten()).flatten()
        });
        let surface = self.surface.iter().filter_map(|field| field.initial.as_ref());
        let balances = self.quasi.iter().flat_map(|field| &field.balance).flatten();
        let rates = self.layers.iter().chain([&self.surface_rates]).map(|rates| &rates.rate);
        let reductions = self.columns.iter().chain(&self.reductions).flat_map(|one| &one.programs).flatten();
        let events = self.acts.iter().chain(&self.events);
        let effects = events.flat_map(|one| one.layers.iter().chain([&one.surface])).map(|(_, own)| own);
        volume.chain(surface).chain(balances).chain(rates).chain(reductions).chain(effects)
    }

    /// The same, with its turns.
    pub(super) fn with_turns(mut self) -> Self {
        let mut turns = Turns::default();
        turns.join(self.programs().map(|program| &program.turns));
        self.turns = turns;
        self
    }

    /// Whether nothing in the model tells one place of a plane from another, as long as the host does not act.
    pub fn is_even(&self) -> bool {
        let places = |program: &Program| {
            program.inputs.iter().any(|input| matches!(input, Input::X | Input::Y | Input::Random(_)))
        };
        let spread = |field: &VolumeField| -> bool {
            let dependent = field.spreads().flat_map(Diffusion::programs);
            let followed = field.chemotaxis.iter().flat_map(|one| &one.sensitivity);
            let fluxes = field.boundary.fluxes().flat_map(|(_, programs)| programs);
            dependent.chain(followed).chain(fluxes).chain(field.initial.iter().flatten()).flatten().any(places)
        };
        let rates = self.layers.iter().chain([&self.surface_rates]).any(|rates| places(&rates.rate));
        let columns = self.columns.iter().flat_map(|column| &column.programs);
        let balances = self.quasi.iter().flat_map(|field| &field.balance);
        // What drifts along x or y gathers at a side that is closed.
        let drifts = |field: &VolumeField| {
            let across = field.drift.iter().flat_map(|drift| &drift[..2]);
            across.flatten().any(|speed| *speed != 0.0)
        };
        let lateral = self
            .volume
            .iter()
            .any(|field| field.boundary.sides.iter().any(Option::is_some) || spread(field) || drifts(field));
        let surface = self.surface.iter().any(|field| field.initial.as_ref().is_some_and(places));
        let events = self.events.iter().flat_map(|event| event.layers.iter().chain([&event.surface]));
        let surface = surface || events.map(|(_, program)| program).any(places);
        !(rates || lateral || surface || columns.chain(balances).flatten().any(places))
    }
}

/// A field in the cells.
#[derive(Debug, Clone)]
pub struct VolumeField {
    /// As in the model file.
    pub name: String,
    /// Its unit, for output.
    pub unit: Unit,
    /// Whether it exists in each layer; elsewhere it is zero and does not move.
    pub lives: Vec<bool>,
    /// Whether it may be negative.
    pub signed: bool,
    /// Typical size, for tolerances.
    pub scale: Option<f64>,
    /// How it spreads; `None` stays where it is.
    pub diffusion: Option<Diffusion>,
    /// How it spreads along x and y, where that is not as along depth.
    pub across: Option<[Diffusion; 2]>,
    /// How fast it drifts in each layer along x, y and depth \[m/s].
    pub drift: Option<[Vec<f64>; 3]>,
    /// What it follows.
    pub chemotaxis: Vec<Chemotaxis>,
    /// Reference density of each layer, by which stores and fluxes are weighted: ∂(ρu)/∂t = ∇·(ρD∇u).
    pub density: Vec<f64>,
    /// Conditions on the faces of the domain.
    pub boundary: Boundary,
    /// Value at rest in each layer.
    pub rest: Vec<f64>,
    /// Value at the start in each layer, if not at rest. One output.
    pub initial: Option<Vec<Option<Program>>>,
}

impl VolumeField {
    /// How it spreads along depth, and along other axes.
    pub fn spreads(&self) -> impl Iterator<Item = &Diffusion> {
        self.diffusion.iter().chain(self.across.iter().flatten())
    }
}

/// A field on the surface.
#[derive(Debug, Clone)]
pub struct SurfaceField {
    /// As in the model file.
    pub name: String,
    /// Its unit, for output.
    pub unit: Unit,
    /// Whether it may be negative.
    pub signed: bool,
    /// Typical size, for tolerances.
    pub scale: Option<f64>,
    /// Value at rest.
    pub rest: f64,
    /// Value at the start, if not at rest. One output.
    pub initial: Option<Program>,
    /// The flux that it adds up, if it is no field of the model but a sum that an observable asks for: `through(F, FACE)`.
    pub adds_up: Option<Passage>,
}

/// A field in balance at every moment: 0 = ∇·(D∇u) + R(u, …).
#[derive(Debug, Clone)]
pub struct QuasiField {
    /// As in the model file.
    pub name: String,
    /// Its unit, for output.
    pub unit: Unit,
    /// Whether it exists in each layer.
    pub lives: Vec<bool>,
    /// Typical size, also the first guess of the solver.
    pub scale: Option<f64>,
    /// Diffusivity of each layer.
    pub diffusivity: Vec<f64>,
    /// In each layer where it lives, a program with two outputs: R and ∂R/∂u. ∂R/∂u ≤ 0 is required for a unique balance.
    pub balance: Vec<Option<Program>>,
    /// Conditions on the faces of the domain.
    pub boundary: Boundary,
}

/// How a field spreads.
#[derive(Debug, Clone)]
pub enum Diffusion {
    /// A diffusivity for each layer.
    Layered(Vec<f64>),
    /// A diffusivity that depends on fields, a program with one output for each layer where the field moves.
    Dependent(Vec<Option<Program>>),
}

impl Diffusion {
    /// The programs of layers, where it depends on fields or places.
    fn programs(&self) -> &[Option<Program>] {
        match self {
            Self::Layered(_) => &[],
            Self::Dependent(programs) => programs,
        }
    }

    /// In which layers something spreads.
    pub(super) fn passes(&self) -> Vec<bool> {
        match self {
            Self::Layered(values) => values.iter().map(|value| *value > 0.0).collect(),
            Self::Dependent(programs) => programs.iter().map(Option::is_some).collect(),
        }
    }
}

/// Movement up the gradient of a signal: flux = χ u ∇s.
#[derive(Debug, Clone)]
pub struct Chemotaxis {
    /// The field that is followed.
    pub along: FollowedField,
    /// χ, a program with one output for each layer where the field moves; may depend on fields.
    pub sensitivity: Vec<Option<Program>>,
}

/// A field that another follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowedField {
    /// A volume field.
    Volume(usize),
    /// A quasi-steady field.
    Quasi(usize),
}

/// The conditions on the six faces of the domain.
#[derive(Debug, Clone)]
pub struct Boundary {
    /// Medium surface.
    pub top: Face,
    /// Deep end.
    pub bottom: Face,
    /// Lateral faces in the order x low, x high, y low, y high; `None` follows the grid (periodic or no flux). Quasi-steady
    /// fields have none.
    pub sides: [Option<Face>; 4],
}

impl Boundary {
    /// All faces, in the order of [`crate::engine::language::FACES`].
    pub fn faces(&self) -> [Option<&Face>; 6] {
        let [left, right, front, back] = &self.sides;
        [Some(&self.top), Some(&self.bottom), left.as_ref(), right.as_ref(), front.as_ref(), back.as_ref()]
    }

    /// The prescribed fluxes, with the position of their face.
    pub fn fluxes(&self) -> impl Iterator<Item = (usize, &Vec<Option<Program>>)> {
        self.faces().into_iter().enumerate().filter_map(|(side, face)| match face {
            Some(Face::Flux(programs)) => Some((side, programs)),
            _ => None,
        })
    }
}

/// The condition on a face of the domain. But for fluxes, programs depend on signals and time only; they have one output.
#[derive(Debug, Clone)]
pub enum Face {
    /// Nothing passes.
    NoFlux,
    /// The field has this value on the face.
    Value(Program),
    /// flux inwards = exchange · (outside − u) [exchange in m/s].
    Exchange {
        /// Speed of exchange.
        exchange: Program,
        /// The value outside.
        outside: Box<Program>,
    },
    /// flux inwards, a program with one output for each layer at the face; it may depend on fields.
    Flux(Vec<Option<Program>>),
    /// flux inwards = exchange · (partition · film − u).
    Reservoir {
        /// The field of the surface that is the value in the film.
        of: usize,
        /// Thickness of the film \[m].
        thickness: f64,
        /// u over the value in the film, in equilibrium.
        partition: f64,
        /// Speed of exchange; without limit if there is none.
        exchange: Option<Program>,
    },
}

/// Rates of change and their derivatives in one layer.
#[derive(Debug, Clone)]
pub struct Rates {
    /// Fields with a rate here, in the order of the outputs of `rate`.
    pub fields: Vec<usize>,
    /// Net rate of change of each of `fields`, per second.
    pub rate: Program,
    /// The entries (row, column) of ∂rate/∂field that are not zero, in the order of the outputs of `jacobian`. Rows and
    /// columns are field indices. Columns are fields of the same kind only.
    pub pattern: Vec<(usize, usize)>,
    /// Values of those entries.
    pub jacobian: Program,
}

/// New values of fields as functions of the old ones.
#[derive(Debug, Clone)]
pub struct Effects {
    /// In each layer: the fields that change and a program with their new values.
    pub layers: Vec<(Vec<usize>, Program)>,
    /// The same for surface fields.
    pub surface: (Vec<usize>, Program),
}

/// How many values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReductionKind {
    /// Weighted mean.
    Mean,
    /// Integral over depth, mean over the lateral directions.
    Integral,
    /// Largest.
    Maximum,
    /// Smallest.
    Minimum,
}

/// Where a reduction looks.
#[derive(Debug, Clone, PartialEq)]
pub enum Region {
    /// The surface fields.
    Surface,
    /// The cells of some layers between two depths.
    Depth {
        /// Whether each layer belongs to it.
        layers: Vec<bool>,
        /// From this depth \[m\] …
        from: f64,
        /// … to this one \[m\]; may be infinite.
        to: f64,
    },
}

/// One number out of many cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduction {
    /// How.
    pub kind: ReductionKind,
    /// Where.
    pub region: Region,
    /// In each layer of the region (one entry for the surface): a program with two outputs, the value and its weight.
    pub programs: Vec<Option<Program>>,
}

/// Reductions over one region that are computed together.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Where.
    pub region: Region,
    /// How, and which of [`Compiled::reductions`] it is.
    pub members: Vec<(ReductionKind, usize)>,
    /// As those of a [`Reduction`], with two outputs for each member, its value and its weight.
    pub programs: Vec<Option<Program>>,
}

/// Something that is reported.
#[derive(Debug, Clone)]
pub struct Observable {
    /// As in the model file.
    pub name: String,
    /// The unit it is shown in.
    pub unit: Unit,
    /// A program with one output over reductions, signals and times.
    pub value: Program,
}
