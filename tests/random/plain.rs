//! A drawn model solved plainly: its rates term by term on the same cells, by Dormand and Prince's pair of orders 5 and 4.
//!
//! What passes between two cells per area is (u₂ − u₁)/(l₁/ρ₁D₁ + l₂/ρ₂D₂) with l the ways from the centres to the face, or the
//! arithmetic mean of D inside a layer where D depends on fields; through a face of the domain (outside − u)/(l/ρD + 1/h). What
//! follows s moves with v = χ̄ Δs/(l₁ + l₂) and the value from upwind with a slope 2lr/(l + r).
//!
//! What drifts has on each of these ways the flux J that solves ρ(vu − Du′) = J between its ends, and besides κ (l₁ + l₂) times the
//! limited mean of ΔJ/Δx on both sides (`stepper::drift`).

use super::model::{Change, Condition, Diffusivity, Field, Law, Model, Part, Plane, Target};

/// Relative error of a step.
const TOLERANCE: f64 = 1e-9;
/// Values so much smaller than a field's largest are known less well.
const SMALL: f64 = 1e-3;
/// More evaluations than this are too many.
const MOST: usize = 150_000;

/// A line of cells: where the faces are, and whether the ends meet.
struct Line {
    faces: Vec<f64>,
    wraps: bool,
}

impl Line {
    fn even(width: f64, cells: usize, wraps: bool) -> Self {
        Self { faces: (0..=cells).map(|i| width * i as f64 / cells as f64).collect(), wraps: wraps && cells > 1 }
    }

    fn len(&self) -> usize {
        self.faces.len() - 1
    }

    fn width(&self, i: usize) -> f64 {
        self.faces[i + 1] - self.faces[i]
    }

    fn centre(&self, i: usize) -> f64 {
        0.5 * (self.faces[i] + self.faces[i + 1])
    }

    /// Pairs of neighbours.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let n = self.len();
        (1..n).map(|i| (i - 1, i)).chain(self.wraps.then_some((n - 1, 0)))
    }

    /// Mean over cell `i` of 1 + height·cos(turn·coordinate).
    fn mean(&self, i: usize, height: f64, turn: f64) -> f64 {
        1.0 + height * ((turn * self.faces[i + 1]).sin() - (turn * self.faces[i]).sin()) / (turn * self.width(i))
    }
}

pub struct Plain<'a> {
    model: &'a Model,
    x: Line,
    y: Line,
    z: Line,
    layer: Vec<usize>,
    /// The diffusivity of each field, how many times as large it is along x and y, and its drift.
    spreads: Vec<Option<&'a Diffusivity>>,
    across: Vec<[f64; 2]>,
    drifts: Vec<Option<&'a [Option<Vec<f64>>; 3]>>,
}

/// The state at the moments looked at, and how large each field (then each film) has been by then.
pub struct Seen {
    pub state: Vec<f64>,
    pub sizes: Vec<f64>,
}

impl<'a> Plain<'a> {
    pub fn new(model: &'a Model) -> Self {
        let one = || Line::even(1.0, 1, false);
        let (x, y) = match &model.plane {
            Plane::Point | Plane::Column => (one(), one()),
            Plane::Section { width, cells, periodic } => (Line::even(*width, *cells, *periodic), one()),
            Plane::Tile { width, cells, periodic } => {
                (Line::even(width[0], cells[0], *periodic), Line::even(width[1], cells[1], *periodic))
            }
        };
        let (mut faces, mut layer, mut top) = (vec![0.0], Vec::new(), 0.0);
        for (n, (thickness, cells)) in model.layers.iter().enumerate() {
            faces.extend((1..=*cells).map(|i| top + thickness * i as f64 / *cells as f64));
            layer.extend(std::iter::repeat_n(n, *cells));
            top += thickness;
        }
        let count = model.fields.len();
        let (mut spreads, mut across, mut drifts) = (vec![None; count], vec![[1.0; 2]; count], vec![None; count]);
        for part in &model.parts {
            match part {
                Part::Spread(field, diffusivity) => spreads[*field] = Some(diffusivity),
                Part::Across(field, factors) => across[*field] = *factors,
                Part::Drift(field, speeds) => drifts[*field] = Some(speeds),
                _ => {}
            }
        }
        Self { model, x, y, z: Line { faces, wraps: false }, layer, spreads, across, drifts }
    }

    fn plane(&self) -> usize {
        self.x.len() * self.y.len()
    }

    /// Where the value of a field in a cell stands.
    pub fn at(&self, field: usize, z: usize, p: usize) -> usize {
        (field * self.z.len() + z) * self.plane() + p
    }

    /// Where that of a film does.
    pub fn film(&self, film: usize, p: usize) -> usize {
        (self.model.fields.len() * self.z.len() + film) * self.plane() + p
    }

    /// Cells as (z, p) where a field lives, with their measure.
    fn cells(&self, field: &'a Field) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        let living = (0..self.z.len()).filter(|z| field.lives[self.layer[*z]]);
        living.flat_map(move |z| (0..self.plane()).map(move |p| (z, p, field.density[self.layer[z]] * self.z.width(z))))
    }

    /// Root mean square by volume of something that is known in every cell, for each field, then for each film.
    pub fn sizes(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        let fields = self.model.fields.iter().enumerate().map(|(f, field)| {
            let (mut sum, mut all) = (0.0, 0.0);
            for (z, p, measure) in self.cells(field) {
                sum += measure * value(self.at(f, z, p)).powi(2);
                all += measure;
            }
            (sum / all).sqrt()
        });
        let films = (0..self.model.films.len()).map(|film| {
            let squares = (0..self.plane()).map(|p| value(self.film(film, p)).powi(2)).sum::<f64>();
            (squares / self.plane() as f64).sqrt()
        });
        fields.chain(films).collect()
    }

    fn start(&self) -> Vec<f64> {
        let mut state = vec![0.0; self.film(self.model.films.len(), 0)];
        let nx = self.x.len();
        for (f, field) in self.model.fields.iter().enumerate() {
            for (z, p, _) in self.cells(field) {
                let places = [(&self.x, p % nx), (&self.y, p / nx), (&self.z, z)];
                let waves = field.waves.iter().zip(places);
                let factors =
                    waves.map(|(wave, (line, i))| wave.map_or(1.0, |wave| line.mean(i, wave.height, wave.turn)));
                state[self.at(f, z, p)] = field.mean * factors.product::<f64>();
            }
        }
        for (film, initial) in self.model.films.iter().enumerate() {
            (0..self.plane()).for_each(|p| state[self.film(film, p)] = *initial);
        }
        state
    }

    /// Along x, y or depth.
    fn along(&self, axis: usize, field: usize, (z, p): (usize, usize), u: &[f64], time: f64) -> f64 {
        self.across[field].get(axis).unwrap_or(&1.0) * self.diffusivity(field, z, p, u, time)
    }

    /// Speed along x, y or depth.
    fn speed(&self, axis: usize, field: usize, z: usize) -> f64 {
        let speeds = self.drifts[field].and_then(|drift| drift[axis].as_ref());
        let lives = self.model.fields[field].lives[self.layer[z]];
        speeds.filter(|_| lives).map_or(0.0, |speeds| speeds[self.layer[z]])
    }

    /// Whether a field moves at a depth.
    fn moves(&self, field: usize, z: usize, p: usize, u: &[f64], time: f64) -> bool {
        self.diffusivity(field, z, p, u, time) > 0.0 || (0..3).any(|axis| self.speed(axis, field, z) != 0.0)
    }

    fn diffusivity(&self, field: usize, z: usize, p: usize, u: &[f64], time: f64) -> f64 {
        match self.spreads[field] {
            _ if !self.model.fields[field].lives[self.layer[z]] => 0.0,
            None => 0.0,
            Some(Diffusivity::One(value)) => *value,
            Some(Diffusivity::Layers(values)) => values[self.layer[z]].unwrap_or(0.0),
            Some(Diffusivity::OfField { base, slope, by }) => base + slope * u[self.at(*by, z, p)],
            Some(Diffusivity::OfDepth { base, slope }) => base * (1.0 + slope * self.z.centre(z)),
            Some(Diffusivity::OfTime { base, turn }) => base * (1.0 + 0.5 * (turn * time).sin()),
        }
    }

    /// The lines of cells along an axis: for each the line, and the cells as (z, p).
    fn lines(&self, axis: usize) -> Vec<Vec<(usize, usize)>> {
        let (nx, ny, nz) = (self.x.len(), self.y.len(), self.z.len());
        let cell = |z: usize, j: usize, i: usize| (z, j * nx + i);
        match axis {
            0 => (0..nz * ny).map(|n| (0..nx).map(|i| cell(n / ny, n % ny, i)).collect()).collect(),
            1 => (0..nz * nx).map(|n| (0..ny).map(|j| cell(n / nx, j, n % nx)).collect()).collect(),
            _ => (0..ny * nx).map(|n| (0..nz).map(|z| cell(z, n / nx, n % nx)).collect()).collect(),
        }
    }

    fn density(&self, field: usize, z: usize) -> f64 {
        self.model.fields[field].density[self.layer[z]]
    }

    fn rates(&self, time: f64, middle: f64, u: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let signals = &self.model.signals;
        for part in &self.model.parts {
            match part {
                Part::React(own) => {
                    let factor = own.course.value(time, middle, signals);
                    for z in (0..self.z.len()).filter(|z| own.acts[self.layer[*z]]) {
                        for p in 0..self.plane() {
                            let rate = own.rates[self.layer[z]] * factor * own.law.value(|f| u[self.at(f, z, p)]);
                            own.takes.iter().for_each(|(f, share)| out[self.at(*f, z, p)] -= share * rate);
                            own.gives.iter().for_each(|(f, share)| out[self.at(*f, z, p)] += share * rate);
                            if let Law::Logistic(f, _) = own.law {
                                out[self.at(f, z, p)] += rate;
                            }
                        }
                    }
                }
                Part::Spread(field, diffusivity) if self.drifts[*field].is_none() => {
                    self.spread(*field, diffusivity, time, u, out);
                }
                Part::Spread(..) | Part::Across(..) => {}
                Part::Drift(field, _) => self.carry(*field, (time, middle), u, out),
                Part::Follow { field, along, sensitivity, fills } => {
                    let own = |z: usize, p: usize| u[self.at(*field, z, p)];
                    let chi = |z: usize, p: usize| {
                        sensitivity[self.layer[z]].map(|chi| chi / (1.0 + fills.unwrap_or(0.0) * own(z, p)))
                    };
                    self.follow(*field, *along, &chi, u, out);
                }
                Part::Face { field, side, condition } => {
                    self.face(*field, *side, condition, (time, middle), u, out);
                }
                Part::Fade(film, k) => {
                    (0..self.plane()).for_each(|p| out[self.film(*film, p)] -= k * u[self.film(*film, p)]);
                }
                Part::Happen { .. } => {}
            }
        }
    }

    fn spread(&self, field: usize, diffusivity: &Diffusivity, time: f64, u: &[f64], out: &mut [f64]) {
        let of_fields = matches!(diffusivity, Diffusivity::OfField { .. });
        for (axis, line) in [&self.x, &self.y, &self.z].into_iter().enumerate() {
            for cells in self.lines(axis) {
                for (i, j) in line.pairs() {
                    let [first, second] = [cells[i], cells[j]];
                    let [d, e] = [first, second].map(|cell| self.along(axis, field, cell, u, time));
                    if d <= 0.0 || e <= 0.0 {
                        continue;
                    }
                    let [a, b] = [first, second].map(|(z, _)| self.density(field, z));
                    let [l, m] = [0.5 * line.width(i), 0.5 * line.width(j)];
                    let one_layer = self.layer[first.0] == self.layer[second.0];
                    let g = if of_fields && one_layer {
                        0.5 * (a * d + b * e) / (l + m)
                    } else {
                        1.0 / (l / (a * d) + m / (b * e))
                    };
                    let [p, q] = [first, second].map(|(z, p)| self.at(field, z, p));
                    let flux = g * (u[q] - u[p]);
                    out[p] += flux / (a * line.width(i));
                    out[q] -= flux / (b * line.width(j));
                }
            }
        }
    }

    fn follow(
        &self,
        field: usize,
        along: usize,
        chi: &dyn Fn(usize, usize) -> Option<f64>,
        u: &[f64],
        out: &mut [f64],
    ) {
        for (axis, line) in [&self.x, &self.y, &self.z].into_iter().enumerate() {
            let n = line.len();
            let distance = |i: usize, j: usize| 0.5 * (line.width(i) + line.width(j));
            for cells in self.lines(axis) {
                let own = |i: usize| u[self.at(field, cells[i].0, cells[i].1)];
                let moves = |i: usize| chi(cells[i].0, cells[i].1).is_some();
                let slope = |i: usize| {
                    let (before, after) = match (i, line.wraps) {
                        (_, true) => ((i + n - 1) % n, (i + 1) % n),
                        (0, _) => return 0.0,
                        _ if i + 1 == n => return 0.0,
                        _ => (i - 1, i + 1),
                    };
                    if !moves(before) || !moves(after) {
                        return 0.0;
                    }
                    let l = (own(i) - own(before)) / distance(before, i);
                    let r = (own(after) - own(i)) / distance(i, after);
                    if l * r > 0.0 { 2.0 * l * r / (l + r) } else { 0.0 }
                };
                for (i, j) in line.pairs() {
                    let (Some(c), Some(d)) = (chi(cells[i].0, cells[i].1), chi(cells[j].0, cells[j].1)) else {
                        continue;
                    };
                    let [p, q] = [cells[i], cells[j]].map(|(z, p)| self.at(along, z, p));
                    let v = 0.5 * (c + d) * (u[q] - u[p]) / distance(i, j);
                    let value = if v > 0.0 {
                        own(i) + 0.5 * line.width(i) * slope(i)
                    } else {
                        own(j) - 0.5 * line.width(j) * slope(j)
                    };
                    let [a, b] = [cells[i], cells[j]].map(|(z, _)| self.density(field, z));
                    let flux = 0.5 * (a + b) * v * value;
                    out[self.at(field, cells[i].0, cells[i].1)] -= flux / (a * line.width(i));
                    out[self.at(field, cells[j].0, cells[j].1)] += flux / (b * line.width(j));
                }
            }
        }
    }

    fn face(
        &self,
        field: usize,
        side: usize,
        condition: &Condition,
        (time, middle): (f64, f64),
        u: &[f64],
        out: &mut [f64],
    ) {
        let (axis, line) = [(2, &self.z), (0, &self.x), (1, &self.y)][side / 2];
        for cells in self.lines(axis) {
            let i = if side.is_multiple_of(2) { 0 } else { line.len() - 1 };
            let (z, p) = cells[i];
            let flux = self.inwards(field, side, condition, cells[i], (time, middle), u);
            if let Condition::Film { film, thickness, .. } = condition {
                out[self.film(*film, p)] -= flux / thickness;
            }
            out[self.at(field, z, p)] += flux / (self.density(field, z) * line.width(i));
        }
    }

    /// What comes in at a face beside a cell.
    fn inwards(
        &self,
        field: usize,
        side: usize,
        condition: &Condition,
        (z, p): (usize, usize),
        (time, middle): (f64, f64),
        u: &[f64],
    ) -> f64 {
        let (axis, line) = [(2, &self.z), (0, &self.x), (1, &self.y)][side / 2];
        let signals = &self.model.signals;
        if !self.moves(field, z, p, u, time) {
            return 0.0;
        }
        let i = if side.is_multiple_of(2) { 0 } else { line.len() - 1 };
        let speed = self.speed(axis, field, z) * if side.is_multiple_of(2) { 1.0 } else { -1.0 };
        let d = self.along(axis, field, (z, p), u, time);
        let own = u[self.at(field, z, p)];
        let [a, b] = half(0.5 * line.width(i), self.density(field, z), d, speed);
        let through = |value: f64, exchange: Option<f64>| match exchange {
            _ if a == 0.0 && b == 0.0 => 0.0,
            None => a * value - b * own,
            Some(speed) => (a * value - b * own) / (1.0 + a / speed),
        };
        match condition {
            Condition::Value(value, course) => through(value * course.value(time, middle, signals), None),
            Condition::Exchange(speed, outside, course) => {
                through(outside * course.value(time, middle, signals), Some(*speed))
            }
            Condition::Flux(flux, course) => flux * course.value(time, middle, signals),
            Condition::Out(speed) => -speed * own,
            Condition::Film { film, partition, exchange, .. } => through(partition * u[self.film(*film, p)], *exchange),
        }
    }

    /// Spreading and drift of a field that drifts; what passes the faces of the domain is counted elsewhere.
    fn carry(&self, field: usize, (time, middle): (f64, f64), u: &[f64], out: &mut [f64]) {
        let of_fields = matches!(self.spreads[field], Some(Diffusivity::OfField { .. }));
        for (axis, line) in [&self.x, &self.y, &self.z].into_iter().enumerate() {
            let n = line.len();
            if n == 1 {
                continue;
            }
            for cells in self.lines(axis) {
                let d = |i: usize| self.along(axis, field, cells[i], u, time);
                let (rho, v) =
                    (|i: usize| self.density(field, cells[i].0), |i: usize| self.speed(axis, field, cells[i].0));
                let value = |i: usize| u[self.at(field, cells[i].0, cells[i].1)];
                let joined =
                    |i: usize, j: usize| [i, j].iter().all(|i| self.moves(field, cells[*i].0, cells[*i].1, u, time));
                // a and b of the lower face of each cell, and what passes it.
                let pair = |j: usize| {
                    let i = (j + n - 1) % n;
                    if !joined(i, j) || j == 0 && !line.wraps {
                        return [0.0; 2];
                    }
                    let [l, m] = [0.5 * line.width(i), 0.5 * line.width(j)];
                    if of_fields && self.layer[cells[i].0] == self.layer[cells[j].0] {
                        return half(l + m, rho(i), 0.5 * (d(i) + d(j)), v(i));
                    }
                    let ([a, b], [c, e]) = (half(l, rho(i), d(i), v(i)), half(m, rho(j), d(j), v(j)));
                    if b + c > 0.0 { [a * c / (b + c), b * e / (b + c)] } else { [0.0; 2] }
                };
                let end = |high: usize| {
                    let side = [2, 4, 0][axis] + high;
                    let on = self.model.parts.iter().filter_map(|part| match part {
                        Part::Face { field: own, side: at, condition } if *own == field && *at == side => {
                            Some(condition)
                        }
                        _ => None,
                    });
                    let cell = cells[high * (n - 1)];
                    on.map(|condition| self.inwards(field, side, condition, cell, (time, middle), u)).sum::<f64>()
                };
                let mut flux: Vec<f64> = (0..n)
                    .map(|j| {
                        let [a, b] = pair(j);
                        a * value((j + n - 1) % n) - b * value(j)
                    })
                    .collect();
                flux.push(flux[0]);
                if !line.wraps {
                    (flux[0], flux[n]) = (end(0), -end(1));
                }
                let more = |i: usize| flux[i + 1] - flux[i];
                for (i, j) in line.pairs() {
                    let [a, b] = pair(j);
                    let p = (a / b).ln();
                    let kappa = match (a > 0.0, b > 0.0) {
                        (true, true) if p.abs() < 1e-3 => p / 12.0,
                        (true, true) => 0.5 / (0.5 * p).tanh() - 1.0 / p,
                        (a, b) => 0.5 * f64::from(i8::from(a) - i8::from(b)),
                    };
                    let (l, r) = (more(i) / line.width(i), more(j) / line.width(j));
                    let slope = if l * r > 0.0 { 2.0 * l * r / (l + r) } else { 0.0 };
                    let most = more(i).abs().min(more(j).abs());
                    let more = (kappa * 0.5 * (line.width(i) + line.width(j)) * slope).clamp(-most, most);
                    let all = flux[j] + more;
                    out[self.at(field, cells[i].0, cells[i].1)] -= all / (rho(i) * line.width(i));
                    out[self.at(field, cells[j].0, cells[j].1)] += all / (rho(j) * line.width(j));
                }
            }
        }
    }

    fn happen(&self, time: f64, u: &mut [f64]) {
        for part in &self.model.parts {
            let Part::Happen { at, target, change } = part else { continue };
            if *at != time {
                continue;
            }
            let change = |u: &mut [f64], own: usize, other: Option<usize>| {
                u[own] = match change {
                    Change::Times(factor) => factor * u[own],
                    Change::Add(more) => u[own] + more,
                    Change::To(value) => *value,
                    Change::Plus(_, share) => u[own] + share * other.map_or(0.0, |other| u[other]),
                };
            };
            match target {
                Target::Film(film) => (0..self.plane()).for_each(|p| change(u, self.film(*film, p), None)),
                Target::Field(field) => {
                    for (z, p, _) in self.cells(&self.model.fields[*field]) {
                        let other = if let Part::Happen { change: Change::Plus(other, _), .. } = part {
                            Some(self.at(*other, z, p))
                        } else {
                            None
                        };
                        change(u, self.at(*field, z, p), other);
                    }
                }
            }
        }
    }

    /// What is seen at some times; nothing if it would take too long.
    pub fn solve(&self, looks: &[f64]) -> Option<Vec<Seen>> {
        const A: [&[f64]; 6] = [
            &[1.0 / 5.0],
            &[3.0 / 40.0, 9.0 / 40.0],
            &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
            &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
            &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
            &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
        ];
        const C: [f64; 6] = [0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0];
        const E: [f64; 7] =
            [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339_200.0, 22.0 / 525.0, -1.0 / 40.0];
        let mut stops: Vec<f64> = self.model.breaks().into_iter().chain(looks.iter().copied()).collect();
        stops.retain(|stop| *stop > 0.0 && *stop <= self.model.end);
        stops.sort_by(f64::total_cmp);
        stops.dedup();
        let mut u = self.start();
        let n = u.len();
        let mut largest: Vec<f64> = u.iter().map(|value| value.abs()).collect();
        let mut sizes = self.sizes(|i| u[i]);
        let mut k = vec![vec![0.0; n]; 7];
        let mut next = vec![0.0; n];
        let (mut time, mut evaluations) = (0.0, 0);
        let mut seen = Vec::new();
        for stop in stops {
            let middle = 0.5 * (time + stop);
            let mut h = (1e-4 * self.model.end).min(stop - time);
            self.rates(time, middle, &u, &mut k[0]);
            while time < stop {
                let last = time + h >= stop * (1.0 - 1e-14);
                if last {
                    h = stop - time;
                }
                for s in 0..6 {
                    for i in 0..n {
                        next[i] = u[i] + h * A[s].iter().zip(&k).map(|(a, k)| a * k[i]).sum::<f64>();
                    }
                    let (_, after) = k.split_at_mut(s + 1);
                    self.rates(time + C[s] * h, middle, &next, &mut after[0]);
                }
                evaluations += 6;
                if evaluations > MOST {
                    return None;
                }
                let most = self.most(&largest);
                let mut worst = 0.0_f64;
                for i in 0..n {
                    let error = h * E.iter().zip(&k).map(|(e, k)| e * k[i]).sum::<f64>();
                    let size = u[i].abs().max(next[i].abs()).max(SMALL * most[i / self.plane()]).max(1e-30);
                    worst = worst.max((error / (TOLERANCE * size)).abs());
                }
                if !worst.is_finite() {
                    return None;
                }
                if worst <= 1.0 {
                    time = if last { stop } else { time + h };
                    u.copy_from_slice(&next);
                    let (first, rest) = k.split_at_mut(6);
                    first[0].copy_from_slice(&rest[0]);
                    self.remember(&u, &mut largest, &mut sizes);
                }
                h *= (0.9 * worst.max(1e-10).powf(-0.2)).clamp(0.2, 4.0);
                if h < 1e-14 * self.model.end {
                    return None;
                }
            }
            self.happen(time, &mut u);
            self.remember(&u, &mut largest, &mut sizes);
            if looks.contains(&time) {
                seen.push(Seen { state: u.clone(), sizes: sizes.clone() });
            }
        }
        Some(seen)
    }

    /// The largest value there has been in each plane's field.
    fn most(&self, largest: &[f64]) -> Vec<f64> {
        let (plane, nz, fields) = (self.plane(), self.z.len(), self.model.fields.len());
        let rows: Vec<f64> = largest.chunks(plane).map(|row| row.iter().copied().fold(0.0, f64::max)).collect();
        let of = |row: usize| if row < fields * nz { row / nz * nz..row / nz * nz + nz } else { row..row + 1 };
        (0..rows.len()).map(|row| rows[of(row)].iter().copied().fold(0.0, f64::max)).collect()
    }

    fn remember(&self, u: &[f64], largest: &mut [f64], sizes: &mut [f64]) {
        largest.iter_mut().zip(u).for_each(|(largest, value)| *largest = largest.max(value.abs()));
        sizes.iter_mut().zip(self.sizes(|i| u[i])).for_each(|(size, now)| *size = size.max(now));
    }

    /// Cells across, along y and in depth.
    pub fn shape(&self) -> [usize; 3] {
        [self.x.len(), self.y.len(), self.z.len()]
    }
}

/// a and b of the flux a u₁ − b u₂ over a way.
fn half(way: f64, density: f64, d: f64, speed: f64) -> [f64; 2] {
    let p = speed * way / d;
    if d <= 0.0 || p.abs() > 500.0 {
        [density * speed.max(0.0), density * (-speed).max(0.0)]
    } else if p.abs() < 1e-8 {
        [density * d / way; 2]
    } else {
        [density * speed / (1.0 - (-p).exp()), density * speed / (p.exp() - 1.0)]
    }
}
