//! Spreading: the finite-volume flux balance.
//!
//! For a field u with diffusivity D and reference density ρ,
//!
//! (A u)ᵢ = 1/(ρᵢVᵢ) Σ_faces g (u_neighbour − uᵢ), g = area·ρD/distance.
//!
//! What is known of D without the fields, as where it jumps at layers or is a function of the place, is in series between two
//! centres: g takes the harmonic mean, which is exact for a steady flux through two layers. Where D depends on fields the mean
//! inside a layer is arithmetic, else a field that opens its own way (D → 0 ahead of a front) would be pinned. At a face with a condition, g joins the cell's centre to the value outside, in series with the exchange there.
//! Where a field drifts, what leaves a cell and what comes from its neighbour have coefficients of their own (`drift`).

use std::ops::Range;

use crate::engine::grid::{Axis, Ends, Grid};
use crate::engine::language::{Boundary, Diffusion, FACES, Face, Input, Program, VolumeField};
use crate::engine::stepper::drift::{Drift, fitted, series};
use crate::engine::stepper::multiply_add;

/// The condition on a face now: speed of exchange [m/s] (infinite where the value is given) and value outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outside {
    exchange: f64,
    value: f64,
    /// The film outside, where there is one; then its value is `value` times that of the surface field.
    film: Option<Film>,
}

/// A film on a face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Film {
    /// The field of the surface.
    pub of: usize,
    /// Thickness [m].
    pub thickness: f64,
    /// Value in the cells over the value in the film, in equilibrium.
    pub partition: f64,
}

impl Film {
    /// What a film that loses this much per area and step of θ to a cell with conductance `g` answers with: θ times the rate of
    /// its own value, b = g·partition/thickness.
    ///
    /// `g` is the coefficient of the value outside.
    pub(super) fn damping(&self, theta: f64, g: f64) -> f64 {
        theta * g * self.partition / self.thickness
    }
}

/// Conditions on the faces top, bottom, x low, x high, y low, y high.
pub type Outsides = [Option<Outside>; 6];

/// Evaluates the conditions of a field; `number` runs a program of signals and time.
///
/// # Errors
/// A speed of exchange is negative or not a number, or a value is not finite: the face, and what it is.
pub fn outsides(boundary: &Boundary, mut number: impl FnMut(&Program) -> f64) -> Result<Outsides, String> {
    let mut all = Outsides::default();
    for ((slot, face), name) in all.iter_mut().zip(boundary.faces()).zip(FACES) {
        *slot = face
            .map_or(Ok(None), |face| Outside::new(face, &mut number))
            .map_err(|what| format!("{what} at the {name}"))?;
    }
    Ok(all)
}

impl Outside {
    /// The condition of a face, if something passes it.
    ///
    /// # Errors
    /// As of [`outsides`], without the face.
    pub fn new(face: &Face, number: &mut impl FnMut(&Program) -> f64) -> Result<Option<Self>, String> {
        let (exchange, value, film) = match face {
            Face::NoFlux | Face::Flux(_) => return Ok(None),
            Face::Value(value) => (f64::INFINITY, number(value), None),
            Face::Exchange { exchange, outside } => (number(exchange), number(outside), None),
            Face::Reservoir { of, thickness, partition, exchange } => {
                let film = Film { of: *of, thickness: *thickness, partition: *partition };
                (exchange.as_ref().map_or(f64::INFINITY, number), *partition, Some(film))
            }
        };
        match (exchange >= 0.0, value.is_finite()) {
            (true, true) => Ok(Some(Self { exchange, value, film })),
            (false, _) => Err(format!("a speed of exchange of {exchange} m/s")),
            (true, false) => Err(format!("a value of {value}")),
        }
    }

    /// The value outside.
    pub(super) fn value(&self) -> f64 {
        self.value
    }

    /// Coefficients inside and outside while a step of θ is solved for: a film changes, too, and takes part of the answer.
    pub(super) fn held(&self, theta: f64, pair: [f64; 2]) -> [f64; 2] {
        self.film.map_or(pair, |film| pair.map(|own| own / (1.0 + film.damping(theta, pair[1]))))
    }

    /// The same as coefficients of the value in the cell and of that outside, for a field that moves inwards at `speed`, with the
    /// density and for this area: what comes in is the second times the value outside less the first times that inside.
    pub(super) fn pair(&self, inner: f64, speed: f64, area: f64) -> [f64; 2] {
        if speed == 0.0 {
            return [self.conductance(inner, area); 2];
        }
        let [enters, leaves] = fitted(inner, speed);
        if self.exchange.is_infinite() {
            [leaves, enters]
        } else if self.exchange > 0.0 {
            let slower = 1.0 + enters / (self.exchange * area);
            [leaves / slower, enters / slower]
        } else {
            [0.0; 2]
        }
    }

    /// Conductance from a cell centre to the outside; `inner` is the conductance from the centre to the face.
    pub(super) fn conductance(&self, inner: f64, area: f64) -> f64 {
        if self.exchange.is_infinite() {
            inner
        } else if inner > 0.0 && self.exchange > 0.0 {
            1.0 / (1.0 / inner + 1.0 / (self.exchange * area))
        } else {
            0.0
        }
    }
}

/// How one field spreads on one grid.
#[derive(Debug, Clone)]
pub struct Mover {
    /// The volume field.
    pub field: usize,
    /// Diffusivity at each depth; where it depends on fields, zero. Along all axes, if there is no other across.
    pub diffusivity: Vec<f64>,
    /// Index into the arrays of state-dependent diffusivities; if there are others across, theirs follow.
    pub dependent: Option<usize>,
    /// Diffusivity along x and y at each depth, if not as along depth.
    pub across: Option<Box<[Vec<f64>; 2]>>,
    /// How it drifts, if it does.
    pub drift: Option<Box<Drift>>,
    /// Whether the diffusivity follows from place and time alone.
    pub placed: bool,
    /// Reference density at each depth.
    pub density: Vec<f64>,
    /// Whether the field moves at each depth.
    pub moves: Vec<bool>,
    /// Depth indices between which it moves.
    pub range: Range<usize>,
    /// Conductance per area between depth k − 1 and k, for diffusivities by layer.
    pub depth: Vec<f64>,
    /// Layer of each depth.
    pub layer: Vec<usize>,
}

impl Mover {
    /// A mover for volume field `field`, if it spreads.
    pub fn new(grid: &Grid, field: usize, of: &VolumeField, dependent: &mut usize) -> Option<Self> {
        let nz = grid.z.len();
        let by_depth = |values: &[f64]| -> Vec<f64> {
            grid.layer.iter().map(|&layer| if of.lives[layer] { values[layer] } else { 0.0 }).collect()
        };
        let (diffusivity, index, mut moves): (Vec<f64>, _, Vec<bool>) = match of.diffusion.as_ref()? {
            Diffusion::Layered(values) => {
                let at = by_depth(values);
                let moves = at.iter().map(|d| *d > 0.0).collect();
                (at, None, moves)
            }
            Diffusion::Dependent(programs) => {
                let moves = grid.layer.iter().map(|&layer| of.lives[layer] && programs[layer].is_some()).collect();
                *dependent += of.spreads().count();
                (vec![0.0; nz], Some(*dependent - of.spreads().count()), moves)
            }
        };
        let placed = of.spreads().all(|spread| match spread {
            Diffusion::Layered(_) => true,
            Diffusion::Dependent(programs) => {
                programs.iter().flatten().flat_map(|program| &program.inputs).all(of_place)
            }
        });
        let across = of.across.as_ref().map(|both| {
            Box::new(both.each_ref().map(|own| match own {
                Diffusion::Layered(values) => by_depth(values),
                Diffusion::Dependent(_) => vec![0.0; nz],
            }))
        });
        let speed = of.drift.as_ref().map(|drift| drift.each_ref().map(|speeds| by_depth(speeds)));
        for spread in of.spreads() {
            if let Diffusion::Dependent(programs) = spread {
                let here = |layer: usize| of.lives[layer] && programs[layer].is_some();
                moves.iter_mut().zip(&grid.layer).for_each(|(moves, layer)| *moves |= here(*layer));
            }
        }
        for values in across.iter().flat_map(|both| both.iter()).chain(speed.iter().flatten()) {
            moves.iter_mut().zip(values).for_each(|(moves, value)| *moves |= *value != 0.0);
        }
        let first = moves.iter().position(|moves| *moves)?;
        let last = moves.iter().rposition(|moves| *moves)? + 1;
        let density: Vec<f64> = grid.layer.iter().map(|&layer| of.density[layer]).collect();
        let mut depth = vec![0.0; nz + 1];
        for k in 1..nz {
            let resistance = |k: usize| 0.5 * grid.z.width(k) / (density[k] * diffusivity[k]);
            if diffusivity[k - 1] > 0.0 && diffusivity[k] > 0.0 {
                depth[k] = 1.0 / (resistance(k - 1) + resistance(k));
            }
        }
        let layer = grid.layer.clone();
        let range = first..last;
        let mut own = Self {
            field,
            diffusivity,
            dependent: index,
            across,
            drift: None,
            placed,
            density,
            moves,
            range,
            depth,
            layer,
        };
        own.drift = speed.map(|speed| Box::new(own.drifting(grid, speed)));
        Some(own)
    }

    /// How it drifts at these speeds, once its other parts are known.
    fn drifting(&self, grid: &Grid, speed: [Vec<f64>; 3]) -> Drift {
        let nz = grid.z.len();
        let mut own = Drift { speed, depth: vec![[0.0; 2]; nz + 1], across: Default::default() };
        if self.dependent.is_some() {
            return own;
        }
        for k in (1..nz).filter(|k| self.joined(*k)) {
            let half = |k: usize| own.half(grid, k, self.density[k], self.along(2, k));
            own.depth[k] = series(half(k - 1), half(k));
        }
        own.across = [(0, &grid.x), (1, &grid.y)].map(|(axis, line)| {
            let at = |k: usize, i: usize| own.face(line, i, self.along(axis, k), axis, k);
            (0..nz).map(|k| (0..line.len()).map(|i| at(k, i)).collect()).collect()
        });
        own
    }

    /// Coefficients a, b of face `k` in depth between joined cells of these diffusivities: the flux down is a u − b u below.
    pub(super) fn pair(&self, grid: &Grid, k: usize, diffusivity: impl Fn(usize) -> f64) -> [f64; 2] {
        match (&self.drift, self.dependent) {
            (None, None) => [self.depth[k]; 2],
            (None, Some(_)) => [self.face(grid, k, diffusivity(k - 1), diffusivity(k)); 2],
            (Some(drift), None) => drift.depth[k],
            (Some(drift), Some(_)) if self.layer[k - 1] == self.layer[k] && !self.placed => {
                let speed = 0.5 * (self.density[k - 1] * drift.speed[2][k - 1] + self.density[k] * drift.speed[2][k]);
                fitted(self.face(grid, k, diffusivity(k - 1), diffusivity(k)), speed)
            }
            (Some(drift), Some(_)) => {
                let half = |k: usize| drift.half(grid, k, self.density[k], diffusivity(k));
                series(half(k - 1), half(k))
            }
        }
    }

    /// Coefficients of lower face `i` of a lateral axis at depth `k`, over the density; `d` is the diffusivity on the face.
    pub(super) fn pair_across(&self, grid: &Grid, axis: usize, k: usize, i: usize, d: f64) -> [f64; 2] {
        let line = if axis == 0 { &grid.x } else { &grid.y };
        match &self.drift {
            Some(drift) if self.dependent.is_none() => drift.across[axis][k][i % line.len()],
            Some(drift) => drift.face(line, i % line.len(), d, axis, k),
            None => [line.conductance[i] * d; 2],
        }
    }

    /// Speed along an axis at depth `k`, upwards along it, and with the density.
    pub(super) fn speed(&self, axis: usize, k: usize) -> f64 {
        self.drift.as_ref().map_or(0.0, |drift| self.density[k] * drift.speed[axis][k])
    }

    /// Diffusivity along x, y or depth at depth `k`; zero where it depends on fields.
    pub(super) fn along(&self, axis: usize, k: usize) -> f64 {
        match &self.across {
            Some(across) if axis < 2 => across[axis][k],
            _ => self.diffusivity[k],
        }
    }

    /// Index of the array of state-dependent diffusivities along x, y or depth.
    pub(super) fn index(&self, axis: usize) -> usize {
        let across = self.across.is_some() && axis < 2;
        self.dependent.unwrap_or(0) + if across { 1 + axis } else { 0 }
    }

    /// Whether neighbours in depth k − 1 and k exchange.
    pub(super) fn joined(&self, k: usize) -> bool {
        k > 0 && k < self.moves.len() && self.moves[k - 1] && self.moves[k]
    }

    /// Conductance per area of face k between cells of these diffusivities, where they depend on fields.
    pub(super) fn face(&self, grid: &Grid, k: usize, above: f64, below: f64) -> f64 {
        let (upper, lower) = (self.density[k - 1] * above, self.density[k] * below);
        let (h, l) = (0.5 * grid.z.width(k - 1), 0.5 * grid.z.width(k));
        if self.layer[k - 1] == self.layer[k] && !self.placed {
            0.5 * (upper + lower) / (h + l)
        } else if upper > 0.0 && lower > 0.0 {
            1.0 / (h / upper + l / lower)
        } else {
            0.0
        }
    }

    /// The diffusivity between two cells of a lateral axis, of these widths and diffusivities, where it is not the same in both.
    pub(super) fn between(&self, [first, second]: [f64; 2], [a, b]: [f64; 2]) -> f64 {
        if !self.placed {
            0.5 * (a + b)
        } else if a > 0.0 && b > 0.0 {
            (first + second) / (first / a + second / b)
        } else {
            0.0
        }
    }

    /// Rates of exchange \[1/s\] of a cell at depth `k` with a neighbour along x, along y, above and below, for diffusivities
    /// by layer and even lateral axes, without drift; zero above the first cell and below the last.
    pub fn exchange_rates(&self, grid: &Grid, k: usize) -> [f64; 4] {
        let lateral = |number: usize, axis: &crate::engine::grid::Axis| {
            if axis.len() > 1 { self.along(number, k) * axis.conductance[1] / axis.volume[0] } else { 0.0 }
        };
        let depth = |face: usize| {
            if self.joined(face) { self.depth[face] / (self.density[k] * grid.z.width(k)) } else { 0.0 }
        };
        [lateral(0, &grid.x), lateral(1, &grid.y), depth(k), depth(k + 1)]
    }

    /// Adds the flux balance of depth `k` to `out`. `rows(k)` is the field's row at a depth, `spread(axis, k)` that of its
    /// diffusivity along an axis where it depends on fields.
    pub fn balance<'a>(
        &self,
        grid: &Grid,
        k: usize,
        rows: &dyn Fn(usize) -> &'a [f64],
        spread: &dyn Fn(usize, usize) -> &'a [f64],
        outsides: &Outsides,
        out: &mut [f64],
    ) {
        if !self.moves[k] {
            return;
        }
        let own = rows(k);
        let measure = self.density[k] * grid.z.width(k);
        for (face, other) in [(k, k.wrapping_sub(1)), (k + 1, k + 1)] {
            if !self.joined(face) {
                continue;
            }
            let neighbour = rows(other);
            if self.drift.is_some() {
                let (above, below) = (rows(face - 1), rows(face));
                let weight = if face == k { 1.0 / measure } else { -1.0 / measure };
                for (p, out) in out.iter_mut().enumerate() {
                    let [a, b] = self.pair(grid, face, |k| spread(2, k)[p]);
                    *out += weight * (a * above[p] - b * below[p]);
                }
            } else if self.dependent.is_some() {
                let (above, below) = (spread(2, face - 1), spread(2, face));
                for (p, out) in out.iter_mut().enumerate() {
                    *out += self.face(grid, face, above[p], below[p]) / measure * (neighbour[p] - own[p]);
                }
            } else {
                let rate = self.depth[face] / measure;
                for ((out, neighbour), own) in out.iter_mut().zip(neighbour).zip(own) {
                    *out += rate * (neighbour - own);
                }
            }
        }
        let half = 0.5 * grid.z.width(k);
        for (side, at) in [(0, 0), (1, self.moves.len() - 1)] {
            // What comes from a film is added where the film loses it.
            let Some(outside) = outsides[side].filter(|outside| k == at && outside.film.is_none()) else { continue };
            let speed = if side == 0 { self.speed(2, k) } else { -self.speed(2, k) };
            for (p, (out, own)) in out.iter_mut().zip(own).enumerate() {
                let diffusivity = self.at(2, k, p, spread);
                let [leaves, enters] = outside.pair(self.density[k] * diffusivity / half, speed, 1.0);
                *out += if speed == 0.0 {
                    leaves / measure * (outside.value - own)
                } else {
                    (enters * outside.value - leaves * own) / measure
                };
            }
        }
        self.lateral(grid, k, own, spread, outsides, out);
    }

    fn at<'a>(&self, axis: usize, k: usize, p: usize, spread: &dyn Fn(usize, usize) -> &'a [f64]) -> f64 {
        if self.dependent.is_some() { spread(axis, k)[p] } else { self.along(axis, k) }
    }

    fn lateral<'a>(
        &self,
        grid: &Grid,
        k: usize,
        own: &[f64],
        spread: &dyn Fn(usize, usize) -> &'a [f64],
        outsides: &Outsides,
        out: &mut [f64],
    ) {
        let (nx, ny) = (grid.x.len(), grid.y.len());
        let d = [self.along(0, k), self.along(1, k)];
        let spread = self.dependent.map(|_| [spread(0, k), spread(1, k)]);
        let axes = [&grid.x, &grid.y];
        let between = |axis: usize, [i, j]: [usize; 2], [p, q]: [usize; 2]| {
            let widths = [axes[axis].width(i), axes[axis].width(j)];
            spread.map_or(d[axis], |values| self.between(widths, [values[axis][p], values[axis][q]]))
        };
        // What the first of two neighbours gains from the second, through the lower face of the latter.
        let flux = |axis: usize, [i, j]: [usize; 2], [p, q]: [usize; 2], conductance: f64| {
            if self.drift.is_none() {
                return conductance * between(axis, [i, j], [p, q]) * (own[q] - own[p]);
            }
            let [a, b] = self.pair_across(grid, axis, k, j, between(axis, [i, j], [p, q]));
            b * own[q] - a * own[p]
        };
        if nx > 1 {
            let volume = &grid.x.volume;
            for j in 0..ny {
                let row = j * nx;
                for i in 0..nx - 1 {
                    let (p, q) = (row + i, row + i + 1);
                    let flux = flux(0, [i, i + 1], [p, q], grid.x.conductance[i + 1]);
                    out[p] += flux / volume[i];
                    out[q] -= flux / volume[i + 1];
                }
                if grid.x.ends == Ends::Periodic {
                    let (p, q) = (row + nx - 1, row);
                    let flux = flux(0, [nx - 1, 0], [p, q], grid.x.conductance[0]);
                    out[p] += flux / volume[nx - 1];
                    out[q] -= flux / volume[0];
                }
            }
        }
        if let Some(exchange) = &grid.exchange {
            let ring = |j: usize| j * nx + nx - 1;
            let over = |values: &dyn Fn(usize) -> f64| -> f64 {
                exchange.weights.iter().enumerate().map(|(j, weight)| weight * values(ring(j))).sum()
            };
            let mean = over(&|p| own[p]);
            let rate = exchange.rate * spread.map_or(d[0], |values| over(&|p| values[0][p]));
            for j in 0..ny {
                out[ring(j)] += rate * (mean - own[ring(j)]);
            }
        } else if ny > 1 {
            let volume = &grid.y.volume;
            let mut pass = |j: usize, next: usize, conductance: f64| {
                for i in 0..nx {
                    let (p, q) = (j * nx + i, next * nx + i);
                    let flux = flux(1, [j, next], [p, q], conductance);
                    out[p] += flux / volume[j];
                    out[q] -= flux / volume[next];
                }
            };
            for j in 0..ny - 1 {
                pass(j, j + 1, grid.y.conductance[j + 1]);
            }
            if grid.y.ends == Ends::Periodic {
                pass(ny - 1, 0, grid.y.conductance[0]);
            }
        }
        self.sides(grid, k, own, &|axis, p| spread.map_or(d[axis], |values| values[axis][p]), outsides, out);
    }

    /// Adds what passes the lateral faces of the domain at depth `k`; `diffusivity(axis, p)` is that of a place.
    fn sides(
        &self,
        grid: &Grid,
        k: usize,
        own: &[f64],
        diffusivity: &dyn Fn(usize, usize) -> f64,
        outsides: &Outsides,
        out: &mut [f64],
    ) {
        let (nx, ny) = (grid.x.len(), grid.y.len());
        for (side, outside) in outsides[2..].iter().enumerate() {
            let Some(outside) = outside else { continue };
            let (axis, n) = if side < 2 { (&grid.x, nx) } else { (&grid.y, ny) };
            let at = if side % 2 == 0 { 0 } else { n - 1 };
            for other in 0..nx * ny / n {
                let p = if side < 2 { other * nx + at } else { at * nx + other };
                let [leaves, enters] = self.side(grid, side, outside, k, diffusivity(side / 2, p));
                out[p] += if leaves == enters {
                    leaves / axis.volume[at] * (outside.value - own[p])
                } else {
                    (enters * outside.value - leaves * own[p]) / axis.volume[at]
                };
            }
        }
    }

    /// Writes the flux balance of depth `k` to `out`, for diffusivities by layer without drift: what [`Mover::balance`] adds, as
    /// one pass.
    pub fn spread<'a>(
        &self,
        grid: &Grid,
        exchange: &Lateral,
        k: usize,
        rows: &dyn Fn(usize) -> &'a [f64],
        outsides: &Outsides,
        out: &mut [f64],
    ) {
        let (own, d) = (rows(k), [self.along(0, k), self.along(1, k)]);
        let measure = self.density[k] * grid.z.width(k);
        // A neighbour that is not there is the cell itself, with weight zero.
        let (above, up) = if self.joined(k) { (rows(k - 1), self.depth[k] / measure) } else { (own, 0.0) };
        let (below, down) = if self.joined(k + 1) { (rows(k + 1), self.depth[k + 1] / measure) } else { (own, 0.0) };
        exchange.spread(out, [own, above, below], [up, down], d);
        let half = 0.5 * grid.z.width(k);
        for (side, at) in [(0, 0), (1, self.moves.len() - 1)] {
            let Some(outside) = outsides[side].filter(|outside| k == at && outside.film.is_none()) else { continue };
            let g = outside.conductance(self.density[k] * self.diffusivity[k] / half, 1.0) / measure;
            out.iter_mut().zip(own).for_each(|(out, own)| *out += g * (outside.value - own));
        }
        if let Some(exchange) = &grid.exchange {
            let (nx, ny) = (grid.x.len(), grid.y.len());
            let ring = |j: usize| j * nx + nx - 1;
            let mean: f64 = exchange.weights.iter().enumerate().map(|(j, weight)| weight * own[ring(j)]).sum();
            (0..ny).for_each(|j| out[ring(j)] += exchange.rate * d[0] * (mean - own[ring(j)]));
        }
        self.sides(grid, k, own, &|axis, _| d[axis], outsides, out);
    }

    /// Coefficients per area of the value in the cell at the top (0) or the bottom (1) and of that outside, at a place: what comes
    /// in is the second times the latter less the first times the former.
    pub(super) fn end<'a>(
        &self,
        grid: &Grid,
        side: usize,
        outside: &Outside,
        p: usize,
        spread: &dyn Fn(usize, usize) -> &'a [f64],
    ) -> [f64; 2] {
        let (at, inwards) = if side == 0 { (0, 1.0) } else { (self.moves.len() - 1, -1.0) };
        let inner = self.density[at] * self.at(2, at, p, spread) / (0.5 * grid.z.width(at));
        outside.pair(inner, inwards * self.speed(2, at), 1.0)
    }

    /// Adds `factor` times the flux through face `k` in depth, downwards, to `out`: amount per area and time. A value given
    /// outside counts `beyond` times: 0 leaves what the flux gains with the fields. `film` is the row of a surface field.
    pub(super) fn through<'a>(
        &self,
        grid: &Grid,
        k: usize,
        rows: &dyn Fn(usize) -> &'a [f64],
        spread: &dyn Fn(usize, usize) -> &'a [f64],
        film: &dyn Fn(usize) -> &'a [f64],
        outsides: &Outsides,
        [factor, beyond]: [f64; 2],
        out: &mut [f64],
    ) {
        let nz = self.moves.len();
        if self.joined(k) {
            let (above, below) = (rows(k - 1), rows(k));
            for (p, out) in out.iter_mut().enumerate() {
                let [a, b] = self.pair(grid, k, |k| spread(2, k)[p]);
                *out +=
                    factor * if self.drift.is_none() { a * (above[p] - below[p]) } else { a * above[p] - b * below[p] };
            }
            return;
        }
        for (side, face, at) in [(0, 0, 0), (1, nz, nz - 1)] {
            let Some(outside) = outsides[side].filter(|_| k == face && self.moves[at]) else { continue };
            let own = rows(at);
            let film = outside.film.map(|of| film(of.of));
            let inwards = if side == 0 { factor } else { -factor };
            for (p, out) in out.iter_mut().enumerate() {
                let value = film.map_or(beyond * outside.value, |film| outside.value * film[p]);
                let [leaves, enters] = self.end(grid, side, &outside, p, spread);
                *out += inwards
                    * if leaves == enters { leaves * (value - own[p]) } else { enters * value - leaves * own[p] };
            }
        }
    }

    /// Mean flux outwards through a lateral face of the domain: left, right, front, back.
    pub(super) fn outwards<'a>(
        &self,
        grid: &Grid,
        side: usize,
        rows: &dyn Fn(usize) -> &'a [f64],
        spread: &dyn Fn(usize, usize) -> &'a [f64],
        outsides: &Outsides,
    ) -> f64 {
        let Some(outside) = &outsides[2 + side] else { return 0.0 };
        let (axis, across) = if side < 2 { (&grid.x, &grid.y) } else { (&grid.y, &grid.x) };
        let (nx, end) = (grid.x.len(), side % 2);
        let at = if end == 0 { 0 } else { axis.len() - 1 };
        let area = axis.end_conductance[end] * 0.5 * axis.width(at);
        let mut sum = 0.0;
        for k in (0..self.moves.len()).filter(|k| self.moves[*k]) {
            let own = rows(k);
            for other in 0..across.len() {
                let p = if side < 2 { other * nx + at } else { at * nx + other };
                let pair = self.side(grid, side, outside, k, self.at(side / 2, k, p, spread));
                let [leaves, enters] = pair.map(|own| own / area);
                let weight = across.volume[other] * grid.z.width(k) * self.density[k];
                sum += if leaves == enters {
                    weight * leaves * (own[p] - outside.value)
                } else {
                    weight * (leaves * own[p] - enters * outside.value)
                };
            }
        }
        sum / (across.total() * grid.z.total())
    }

    /// Coefficients as of [`Mover::end`] of a lateral face of the domain at depth `k`, left, right, front or back, over the reference
    /// density there.
    pub(super) fn side(&self, grid: &Grid, side: usize, outside: &Outside, k: usize, diffusivity: f64) -> [f64; 2] {
        let (axis, end) = (if side < 2 { &grid.x } else { &grid.y }, side % 2);
        let half = 0.5 * axis.width(if end == 0 { 0 } else { axis.len() - 1 });
        // What is exchanged is an amount, of which a larger density makes less of a change.
        let area = axis.end_conductance[end] * half / self.density[k];
        let inwards = if end == 0 { area } else { -area };
        outside.pair(axis.end_conductance[end] * diffusivity, inwards * self.speed(side / 2, k), area)
    }
}

/// Whether an input is known without the fields.
fn of_place(input: &Input) -> bool {
    use Input::{Depth, Signal, SinceAct, Time, X, Y};
    matches!(input, X | Y | Depth | Time | SinceAct | Signal(_))
}

/// Rates of exchange of each cell with its lower and its upper neighbour along x and y, for unit diffusivity [1/m²]. Rows that
/// do not touch each other, as those of unit cells, are one row with gaps.
#[derive(Debug, Clone)]
pub struct Lateral {
    x: [Vec<f64>; 2],
    y: [Vec<f64>; 2],
}

impl Lateral {
    /// The rates of a grid.
    pub fn new(grid: &Grid) -> Self {
        let rates = |axis: &Axis, shift: usize| -> Vec<f64> {
            (0..axis.len()).map(|i| axis.conductance[i + shift] / axis.volume[i]).collect()
        };
        let mut x = [rates(&grid.x, 0), rates(&grid.x, 1)];
        if grid.x.len() == 1 {
            x.iter_mut().for_each(|rates| rates.fill(0.0));
        }
        let y = if grid.exchange.is_some() || grid.y.len() == 1 {
            x = x.map(|rates| rates.repeat(grid.y.len()));
            [vec![0.0], vec![0.0]]
        } else {
            [rates(&grid.y, 0), rates(&grid.y, 1)]
        };
        Self { x, y }
    }

    /// Writes what a depth gains from its neighbours to `out`: across, with diffusivities along x and y, and from the planes above and
    /// below at the rates `up` and `down`.
    pub(super) fn spread(&self, out: &mut [f64], planes: [&[f64]; 3], [up, down]: [f64; 2], [d, e]: [f64; 2]) {
        let (nx, ny) = (self.x[0].len(), self.y[0].len());
        for j in 0..ny {
            let [own, above, below] = planes;
            let (south, north) = ((j + ny - 1) % ny, (j + 1) % ny);
            let near =
                [&above[j * nx..][..nx], &below[j * nx..][..nx], &own[south * nx..][..nx], &own[north * nx..][..nx]];
            let weights = [up, down, e * self.y[0][j], e * self.y[1][j]];
            spread_row(&mut out[j * nx..][..nx], &own[j * nx..][..nx], near, weights, &self.x, d);
        }
    }
}

/// One row: exchange with the rows above, below, south and north at `weights`, and along the row at d times `x`.
#[inline(always)]
fn spread_row_body<const LEVEL: u8>(
    out: &mut [f64],
    own: &[f64],
    near: [&[f64]; 4],
    weights: [f64; 4],
    x: &[Vec<f64>; 2],
    d: f64,
) {
    let n = own.len();
    let (low, high) = (&x[0][..n], &x[1][..n]);
    let near = near.map(|row| &row[..n]);
    let across = |i: usize, u: f64| -> f64 {
        let mut sum = weights[0] * (near[0][i] - u);
        for side in 1..4 {
            sum = multiply_add::<LEVEL>(weights[side], near[side][i] - u, sum);
        }
        sum
    };
    let out = &mut out[..n];
    for i in 1..n.max(1) - 1 {
        let u = own[i];
        let along = multiply_add::<LEVEL>(high[i], own[i + 1] - u, low[i] * (own[i - 1] - u));
        out[i] = multiply_add::<LEVEL>(d, along, across(i, u));
    }
    // Ends meet, or their rates are zero.
    for i in [0, n - 1] {
        let u = own[i];
        let along = multiply_add::<LEVEL>(high[i], own[(i + 1) % n] - u, low[i] * (own[(i + n - 1) % n] - u));
        out[i] = multiply_add::<LEVEL>(d, along, across(i, u));
    }
}

crate::base::processor::wide! {
    fn spread_row(out: &mut [f64], own: &[f64], near: [&[f64]; 4], weights: [f64; 4], x: &[Vec<f64>; 2], d: f64) = spread_row_body;
}
