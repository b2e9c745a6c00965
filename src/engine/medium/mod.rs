//! A medium in layers: all fields of one run, always consistent when somebody else can see them.
//!
//! The **state** is one array: volume fields as `[z][field][place]`, so that what a layer of cells needs lies together, then
//! surface fields as `[field][place]`. A *place* is a cell of the lateral plane, y-major. Rows are padded so that their
//! strides are no powers of two, which would make them collide in the caches.

mod begin;
mod event;
mod reduce;
mod view;

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array3, ArrayView3, ShapeBuilder};

use crate::base::error::{Error, Result};
use crate::base::memory;
use crate::base::units::Unit;
use crate::engine::grid::Grid;
use crate::engine::language::{Compiled, Variable, When};

pub use reduce::{ReductionScratch, columns, over_domain};
pub use view::View;

/// Where each field's values stand in the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Volume fields.
    pub fields: usize,
    /// Surface fields.
    pub surface: usize,
    /// Cells in depth.
    pub nz: usize,
    /// Places of a plane.
    pub plane: usize,
    /// Distance between rows; at least `plane`.
    pub stride: usize,
}

impl Layout {
    /// The layout of a grid and a model.
    pub fn new(grid: &Grid, compiled: &Compiled) -> Self {
        let plane = grid.plane();
        let padded = plane.next_multiple_of(8);
        let apart = if padded >= 4096 { 64 } else { 8 };
        let stride = if padded >= 256 && padded.is_power_of_two() { padded + apart } else { padded };
        Self {
            fields: compiled.volume.len(),
            surface: compiled.surface.len(),
            nz: grid.z.len(),
            plane,
            stride: if plane == 1 { 1 } else { stride },
        }
    }

    /// Length of the state.
    pub fn len(&self) -> usize {
        self.volume() + self.surface * self.stride
    }

    /// Whether there is nothing to compute.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of the volume part.
    pub fn volume(&self) -> usize {
        self.nz * self.slab()
    }

    /// Length of one depth: all volume fields of a plane.
    pub fn slab(&self) -> usize {
        self.fields * self.stride
    }

    /// The row of a volume field at one depth.
    pub fn row(&self, z: usize, field: usize) -> Range<usize> {
        let start = z * self.slab() + field * self.stride;
        start..start + self.plane
    }

    /// The row of a surface field.
    pub fn surface_row(&self, field: usize) -> Range<usize> {
        let start = self.volume() + field * self.stride;
        start..start + self.plane
    }
}

/// What the host hands over to programs.
#[derive(Debug, Clone, Copy)]
pub struct Handed<'a> {
    /// A number for each of its variables, in their order. Shorter where nothing is at work.
    pub values: &'a [f64],
    /// For those variables of which observables ask the nearest, values at each place, `[place]`; empty for others.
    pub nearest: &'a [Vec<f64>],
}

/// All fields of one run.
#[derive(Debug, Clone)]
pub struct Medium {
    /// The cells.
    pub grid: Arc<Grid>,
    /// The model.
    pub compiled: Arc<Compiled>,
    /// Where values stand.
    pub layout: Layout,
    /// Volume and surface fields.
    pub state: Vec<f64>,
    /// Quasi-steady fields, `[field][z][stride]`.
    pub quasi: Vec<f64>,
    /// Quasi-steady fields at rest, `[field][z]`.
    pub quasi_rest: Vec<f64>,
    /// What passes the faces of [`Compiled::fluxes`], now and at rest, per area and time; means over the face.
    pub fluxes: [Vec<f64>; 2],
    /// Signals of the scenario, now.
    pub signals: Vec<f64>,
    /// Time since the start [s].
    pub time: f64,
    /// When the host last acted [s]; far in the past before it ever did.
    pub last_act: f64,
    /// What the host hands over at each place for good: of each of its variables, values `[place]` if observables may ask the
    /// nearest, else nothing.
    pub nearest: Vec<Vec<f64>>,
    /// Where the host acted: lateral place and depth [m], for drawing.
    pub marks: Vec<[f64; 3]>,
    /// Lateral coordinates of each place [m].
    places: [Vec<f64>; 2],
}

/// How long ago the host last acted before it ever did: longer than any memory of it [s].
const LONG_AGO: f64 = 1e12;

/// A variable at each place where nothing was done; nothing unless observables may ask for the nearest.
fn untouched(variable: &Variable, layout: Layout) -> Vec<f64> {
    match variable.when {
        When::Nearest(_) => vec![variable.untouched; layout.stride],
        When::Once(_) | When::Around(_) => Vec::new(),
    }
}

impl Medium {
    /// A medium at rest, or at the initial values where the model gives them. `seed` draws the random part of those.
    ///
    /// # Errors
    /// An initial value is not finite, or negative in a field that cannot be.
    pub fn new(grid: Arc<Grid>, compiled: Arc<Compiled>, seed: u64) -> Result<Self> {
        let layout = Layout::new(&grid, &compiled);
        let nx = grid.x.len();
        let place = |pick: fn(&Grid, usize, usize) -> f64| {
            // Padded like the rows of fields.
            let inside = |p: usize| p.min(layout.plane - 1);
            (0..layout.stride).map(|p| pick(&grid, inside(p) % nx, inside(p) / nx)).collect::<Vec<f64>>()
        };
        let places = [place(|grid, i, _| grid.x.centres[i]), place(|grid, _, j| grid.y.centres[j])];
        let mut quasi = Vec::with_capacity(compiled.quasi.len() * layout.nz * layout.stride);
        for field in &compiled.quasi {
            for z in 0..layout.nz {
                let guess = if field.lives[grid.layer[z]] { field.scale.unwrap_or(field.unit.factor) } else { 0.0 };
                quasi.extend(std::iter::repeat_n(guess, layout.stride));
            }
        }
        let mut medium = Self {
            state: memory::zeros(layout.len()),
            quasi,
            quasi_rest: vec![0.0; compiled.quasi.len() * layout.nz],
            fluxes: [(); 2].map(|()| vec![0.0; compiled.fluxes.len()]),
            signals: compiled.signals.iter().map(|(_, value)| *value).collect(),
            time: 0.0,
            last_act: -LONG_AGO,
            nearest: compiled.host.variables.iter().map(|variable| untouched(variable, layout)).collect(),
            marks: Vec::new(),
            places,
            layout,
            grid,
            compiled,
        };
        medium.rest();
        medium.begin(seed)?;
        Ok(medium)
    }

    /// The same medium with every field at rest.
    pub fn at_rest(&self) -> Self {
        let mut rested = self.clone();
        rested.rest();
        for (row, rest) in rested.quasi.chunks_mut(self.layout.stride).zip(&self.quasi_rest) {
            row.fill(*rest);
        }
        rested.fluxes[0].clone_from(&self.fluxes[1]);
        rested
    }

    /// Puts every field to its value at rest.
    fn rest(&mut self) {
        let layout = self.layout;
        for z in 0..layout.nz {
            let layer = self.grid.layer[z];
            for (f, field) in self.compiled.volume.iter().enumerate() {
                self.state[layout.row(z, f)].fill(field.rest[layer]);
            }
        }
        for (f, field) in self.compiled.surface.iter().enumerate() {
            self.state[layout.surface_row(f)].fill(field.rest);
        }
    }

    /// The fields as programs see them.
    pub fn view(&self) -> View<'_> {
        View {
            grid: &self.grid,
            layout: self.layout,
            state: &self.state,
            quasi: &self.quasi,
            quasi_rest: &self.quasi_rest,
            columns: &[],
            reductions: &[],
            fluxes: &self.fluxes[0],
            signals: &self.signals,
            time: self.time,
            since_act: self.time - self.last_act,
            places: &self.places,
            handed: Handed { values: &[], nearest: &self.nearest },
        }
    }

    /// The lateral coordinates of each place [m].
    pub fn places(&self) -> &[Vec<f64>; 2] {
        &self.places
    }

    /// A volume field as `[z][y][x]`.
    pub fn volume_field(&self, field: usize) -> ArrayView3<'_, f64> {
        let layout = self.layout;
        let shape = (layout.nz, self.grid.y.len(), self.grid.x.len());
        let strides = (layout.slab(), self.grid.x.len(), 1);
        let start = field * layout.stride;
        let end = layout.row(layout.nz - 1, field).end;
        ArrayView3::from_shape(shape.strides(strides), &self.state[start..end]).expect("the layout describes the state")
    }

    /// Every field by name, with its unit, as `[z][y][x]` in that unit; surface fields have one z.
    pub fn fields(&self) -> Vec<(String, Unit, Array3<f64>)> {
        let (nx, ny) = (self.grid.x.len(), self.grid.y.len());
        let layout = self.layout;
        let mut out = Vec::new();
        for (f, field) in self.compiled.volume.iter().enumerate() {
            let values = self.volume_field(f).mapv(|value| field.unit.of(value));
            out.push((field.name.clone(), field.unit.clone(), values));
        }
        for (q, field) in self.compiled.quasi.iter().enumerate() {
            let values = Array3::from_shape_fn((layout.nz, ny, nx), |(z, y, x)| {
                field.unit.of(self.quasi[(q * layout.nz + z) * layout.stride + y * nx + x])
            });
            out.push((field.name.clone(), field.unit.clone(), values));
        }
        for (f, field) in self.compiled.surface.iter().enumerate().filter(|(_, field)| field.adds_up.is_none()) {
            let row = &self.state[layout.surface_row(f)];
            let values = Array3::from_shape_fn((1, ny, nx), |(_, y, x)| field.unit.of(row[y * nx + x]));
            out.push((field.name.clone(), field.unit.clone(), values));
        }
        out
    }

    /// Fields that cannot be negative and are, a sentence each.
    pub fn negative(&self) -> Vec<String> {
        let layout = self.layout;
        let sentence = |name: &str, unit: &Unit, signed: bool, values: &mut dyn Iterator<Item = f64>| {
            let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
            let day = (self.time / crate::base::units::DAY * 1e4).round() / 1e4;
            // Rounding of the largest value is none of the smallest's.
            (!signed && low < -1e-9 * high).then(|| {
                format!(
                    "`{name}` is not declared signed, and is {:.3e} {unit} at its lowest on day {day}",
                    unit.of(low)
                )
            })
        };
        let volume = self.compiled.volume.iter().enumerate().filter_map(|(f, field)| {
            let mut values = (0..layout.nz).flat_map(|z| self.state[layout.row(z, f)].iter().copied());
            sentence(&field.name, &field.unit, field.signed, &mut values)
        });
        let surface = self.compiled.surface.iter().enumerate().filter_map(|(f, field)| {
            let mut values = self.state[layout.surface_row(f)].iter().copied();
            sentence(&field.name, &field.unit, field.signed, &mut values)
        });
        volume.chain(surface).collect()
    }

    /// Fails if a value is not finite, naming field, depth and time.
    ///
    /// # Errors
    /// The first such value found.
    pub fn check(&self) -> Result<()> {
        let Some(place) = self.not_finite(&self.state) else { return Ok(()) };
        Err(Error::simulation(format!("{place} is not finite on day {:.4}", self.time / crate::base::units::DAY)))
    }

    /// The first of some values, arranged like the state, that is not finite, as "`u` at depth 0.1 mm".
    pub fn not_finite(&self, values: &[f64]) -> Option<String> {
        let layout = self.layout;
        let is_cell = |at: &usize| (*at % layout.slab().max(1)) % layout.stride < layout.plane;
        let in_volume = (0..layout.volume()).filter(is_cell).find(|at| !values[*at].is_finite());
        if let Some(at) = in_volume {
            let (z, f) = (at / layout.slab(), at % layout.slab() / layout.stride);
            let depth = self.grid.z.centres[z] * 1e3;
            return Some(format!("`{}` at depth {depth:.3} mm", self.compiled.volume[f].name));
        }
        let f = (0..layout.surface).find(|f| values[layout.surface_row(*f)].iter().any(|value| !value.is_finite()))?;
        Some(format!("`{}` on the surface", self.compiled.surface[f].name))
    }
}
