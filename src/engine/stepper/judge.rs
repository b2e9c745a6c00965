//! How large the error of a step is, compared with what is allowed.
//!
//! For each field, with ‖·‖ the root mean square by volume where it lives, a the absolute part and S the largest ‖u − rest‖
//! since the last restart:
//!
//! * **as a whole**: ‖e‖ / (tol · max(min(‖u‖, S), a S)), so that a field whose content falls far below what it was is still
//!   known as well as before;
//! * **place by place**: ‖e / w‖ / tol with w = max(min(|u|, max(S, |u − rest|)), a S), so that troughs and the tips of fronts,
//!   from which later growth starts, are controlled down to a S.
//!
//! A field that is at rest and has no `scale` has no S yet. Two trial steps that are not taken, over the whole way to the next event
//! and a sixteenth of it, tell what it may become; a millionth of the smaller of both is as good as nothing.
//!
//! The larger of both counts. A signed field passes through zero without meaning anything by it, so it is judged as a whole
//! against S alone, and so is every field where a = 1. Below 10⁻⁷ of a field's own `scale`, where it has one, deviations do not
//! matter, nor do errors below 4 ε |u| anywhere: rates that balance up to rounding leave no more open, and no step is short enough to
//! know that to a part of itself. These are the weights of SUNDIALS (relative part of |u|, absolute part for each field), but that the absolute part is
//! relative to the size the field has had: nobody knows the right one beforehand.

use std::ops::Range;

use crate::engine::language::Face;
use crate::engine::medium::Medium;
use crate::engine::stepper::positive::{self, Repair};
use crate::engine::stepper::system::System;

/// What a task adds up over its values, by volume.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Squares of the error.
    pub error: f64,
    /// Squares of the deviation from rest.
    pub deviation: f64,
    /// Squares of the value.
    pub size: f64,
    /// Squares of the error over its weight, place by place.
    pub places: f64,
    /// Whether a value of a field that may not be negative is.
    pub negative: bool,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.error += other.error;
        self.deviation += other.deviation;
        self.size += other.size;
        self.places += other.places;
        self.negative |= other.negative;
    }
}

/// What is known of a field.
#[derive(Debug, Clone, Copy, Default)]
struct JudgedField {
    /// Volume where it lives, per area \[m\]; 1 on the surface.
    volume: f64,
    /// Whether it is judged place by place, too.
    by_place: bool,
    /// Largest deviation since the last restart.
    largest: f64,
    /// Deviation of the present state.
    deviation: f64,
    /// Deviations below this do not matter: by its scale, and by what it is expected to become.
    negligible: f64,
    expected: f64,
    /// Error of the last step relative to what is allowed.
    error: f64,
    /// Amount that repairs moved in accepted steps, and in the step at hand, by volume.
    repaired: f64,
    moved: f64,
    /// Largest content it has had.
    content: f64,
    /// Root mean square of its values at the last restart.
    size: f64,
}

/// A film shares the content of the field with which it exchanges.
#[derive(Debug, Clone, Copy)]
struct JudgedFilm {
    field: usize,
    thickness: f64,
    basin: Option<usize>,
}

/// A row of a field, as the judge sees it.
#[derive(Debug, Clone, Copy)]
pub struct JudgedRow<'a> {
    /// The field, volume fields first.
    pub field: usize,
    /// Value at rest.
    pub rest: f64,
    /// Measure per lateral area.
    pub measure: f64,
    /// Lateral measure of its places.
    pub weights: &'a [f64],
}

/// Errors of steps against what is allowed.
#[derive(Debug)]
pub struct Judge {
    absolute: f64,
    /// Part of a value that the arithmetic of a step leaves open, over the error that is allowed.
    rounding: f64,
    fields: Vec<JudgedField>,
    sums: Vec<Sums>,
    /// For each volume field and depth, where what it holds can go: depths that join each other. None where nothing moves.
    basins: Vec<Vec<Option<usize>>>,
    /// The films among the surface fields.
    films: Vec<Option<JudgedFilm>>,
    /// Measure of each place, sum 1.
    pub lateral: Vec<f64>,
}

/// Part of a field's scale below which deviations do not matter.
const NEGLIGIBLE: f64 = 1e-7;
/// Part of what a field that begins at rest is expected to become, below which deviations do not matter.
const EXPECTED: f64 = 1e-6;
/// Part of a value that the arithmetic of a step leaves open: a rounding in each of four stages. Rates that balance up to rounding move a
/// field at rest by no more, and no step is short enough to know such a move to a part of itself.
const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// An error this large is as bad as any larger one. Only a value that is not finite has an infinite one.
const HUGE: f64 = 1e100;
/// A field that grows by more than this part in one of the shortest steps is beginning.
const BEGINNING: f64 = 1e-3;

impl Judge {
    /// A judge with this absolute part.
    pub fn new(medium: &Medium, system: &System, absolute: f64) -> Self {
        let layout = medium.layout;
        let count = layout.fields + layout.surface;
        let mut fields = vec![JudgedField::default(); count];
        for (f, _, row, measure) in rows(medium) {
            fields[f].volume += if row.is_empty() { 0.0 } else { measure };
        }
        for (f, known) in fields.iter_mut().enumerate() {
            let (signed, scale) = match f.checked_sub(layout.fields) {
                Some(surface) => (medium.compiled.surface[surface].signed, medium.compiled.surface[surface].scale),
                None => (medium.compiled.volume[f].signed, medium.compiled.volume[f].scale),
            };
            known.by_place = !signed && absolute < 1.0;
            known.negligible = NEGLIGIBLE * scale.unwrap_or(0.0);
        }
        let basins: Vec<Vec<Option<usize>>> = (0..layout.fields)
            .map(|f| {
                let (mut count, mut before) = (0, false);
                (0..layout.nz)
                    .map(|z| {
                        let moves = system.moves(f, z);
                        count += usize::from(moves && !before);
                        before = moves;
                        moves.then(|| count - 1)
                    })
                    .collect()
            })
            .collect();
        let mut films = vec![None; count];
        for (f, field) in medium.compiled.volume.iter().enumerate() {
            for (face, z) in [(&field.boundary.top, 0), (&field.boundary.bottom, layout.nz - 1)] {
                if let Face::Reservoir { of, thickness, .. } = face {
                    films[layout.fields + of] =
                        Some(JudgedFilm { field: f, thickness: *thickness, basin: basins[f][z] });
                }
            }
        }
        let lateral = medium.grid.lateral_weights();
        let mut own =
            Self { absolute, rounding: ROUNDING, sums: vec![Sums::default(); count], fields, basins, films, lateral };
        own.restart(medium);
        own
    }

    /// Forgets how large deviations were.
    pub fn restart(&mut self, medium: &Medium) {
        let mut seen = vec![[0.0; 3]; self.fields.len()];
        for (f, _, row, measure) in rows(medium) {
            let rest = rest_of(medium, f, row.start);
            for (value, weight) in medium.state[row].iter().zip(&self.lateral) {
                seen[f][0] += weight * (value - rest).powi(2) * measure;
                seen[f][1] += weight * value * measure;
                seen[f][2] += weight * value * value * measure;
            }
        }
        for (known, [squares, content, values]) in self.fields.iter_mut().zip(seen) {
            let mean = |squares: f64| if known.volume > 0.0 { (squares / known.volume).sqrt() } else { 0.0 };
            (known.largest, known.size) = (mean(squares), mean(values));
            known.deviation = known.largest;
            known.content = known.content.max(content);
            known.expected = 0.0;
        }
    }

    /// Whether the size of a field is not known at all: it is at rest, and no scale is written.
    pub fn is_blind(&self) -> bool {
        self.fields.iter().any(|known| known.volume > 0.0 && known.largest == 0.0 && known.negligible == 0.0)
    }

    /// Fields at rest without a scale are expected to become as large as they were in trial steps, the least of them. What comes
    /// from nothing is wrong by as much as it is however short the step, so an error relative to itself says nothing.
    pub fn expect(&mut self, trials: &[Vec<f64>]) {
        for (f, known) in self.fields.iter_mut().enumerate().filter(|(_, known)| known.largest == 0.0) {
            let found = trials.iter().map(|trial| trial[f]).filter(|size| *size > 0.0 && size.is_finite());
            let least = found.fold(f64::INFINITY, f64::min);
            known.expected = if least.is_finite() { EXPECTED * least } else { 0.0 };
            known.deviation = 0.0;
        }
    }

    /// Of the next step an error is allowed that is this part of what it is weighed by.
    pub fn allow(&mut self, allowed: f64) {
        self.rounding = ROUNDING / allowed;
    }

    /// The deviation of each field in the step that was judged last.
    pub fn deviations(&self) -> Vec<f64> {
        self.fields.iter().map(|known| known.deviation).collect()
    }

    /// Whether a field is judged place by place.
    pub fn by_place(&self, field: usize) -> bool {
        self.fields[field].by_place
    }

    /// Adds what a row of new values with such errors has to say place by place.
    pub fn places(&self, sums: &mut Sums, row: JudgedRow<'_>, values: &[f64], error: impl Fn(usize) -> f64) {
        let known = &self.fields[row.field];
        // A field that has been at rest so far is as large as the step at hand, or the one tried before it, makes it.
        let size = known.largest.max(known.deviation);
        let floor = (self.absolute * size).max(known.negligible).max(known.expected).max(f64::MIN_POSITIVE);
        let (mut size, mut places) = (0.0, 0.0);
        for (i, (value, weight)) in values.iter().zip(row.weights).enumerate() {
            let slack = value.abs().min(known.largest.max((value - row.rest).abs())).max(floor);
            let slack = slack.max(self.rounding * value.abs());
            size += weight * value * value;
            places += weight * (error(i) / slack).powi(2);
        }
        sums.size += size * row.measure;
        sums.places += places * row.measure;
    }

    /// Adds all there is to say of a row.
    pub fn row(&self, sums: &mut Sums, row: JudgedRow<'_>, values: &[f64], error: impl Fn(usize) -> f64, signed: bool) {
        let (mut squares, mut deviation) = (0.0, 0.0);
        for (i, (value, weight)) in values.iter().zip(row.weights).enumerate() {
            squares += weight * error(i).powi(2);
            deviation += weight * (value - row.rest).powi(2);
            sums.negative |= !signed && *value < 0.0;
        }
        sums.error += squares * row.measure;
        sums.deviation += deviation * row.measure;
        if self.by_place(row.field) {
            self.places(sums, row, values, error);
        }
    }

    /// Adds up what tasks found, each for one field.
    pub fn gather<'a>(&mut self, found: impl Iterator<Item = (usize, &'a Sums)>) {
        self.sums.fill(Sums::default());
        for (f, sums) in found {
            self.sums[f].add(sums);
        }
    }

    /// Takes back what fell below zero, and counts it as error. A field and its films have one content.
    pub fn repair(&mut self, medium: &Medium, after: &mut [f64]) {
        for f in 0..self.films.len() {
            if let (Some(film), true) = (self.films[f], self.sums[f].negative) {
                self.sums[film.field].negative = true;
            }
        }
        let (films, basins, layout) = (&self.films, &self.basins, medium.layout);
        for f in 0..self.fields.len() {
            self.fields[f].moved = 0.0;
            if self.sums[f].negative && films[f].is_none() {
                let together = rows(medium).filter_map(|(own, _, row, measure)| match films[own] {
                    Some(film) => (film.field == f).then_some((film.basin, row, film.thickness)),
                    None if own != f => None,
                    None => Some((basins.get(own).and_then(|of| of[row.start / layout.slab()]), row, measure)),
                });
                let Repair { squares, amount, content } =
                    positive::repair(&medium.state, after, &self.lateral, together);
                self.sums[f].error += squares;
                self.fields[f].moved = amount;
                self.fields[f].content = self.fields[f].content.max(content);
            }
        }
    }

    /// The largest error of a field relative to what is allowed; infinite if a value is not finite.
    pub fn worst(&mut self, allowed: f64) -> f64 {
        let mut worst = 0.0_f64;
        self.fields.iter_mut().for_each(|known| known.error = 0.0);
        for (known, sums) in self.fields.iter_mut().zip(&self.sums).filter(|(known, _)| known.volume > 0.0) {
            if !(sums.error.is_finite() && sums.deviation.is_finite()) {
                known.error = f64::INFINITY;
                return f64::INFINITY;
            }
            let mean = |squares: f64| (squares / known.volume).sqrt();
            known.deviation = mean(sums.deviation);
            let most = known.largest.max(known.deviation);
            let size = match known.by_place {
                false => most,
                true => mean(sums.size).min(most).max(self.absolute * most),
            };
            let floor = known.negligible.max(known.expected).max(self.rounding * known.size).max(f64::MIN_POSITIVE);
            let whole = mean(sums.error) / size.max(floor);
            let places = if known.by_place { mean(sums.places) } else { 0.0 };
            known.error = (whole.max(places) / allowed).min(HUGE);
            worst = worst.max(known.error);
        }
        worst
    }

    /// The largest error of a field in the last step, relative to what was allowed.
    pub fn error(&self) -> f64 {
        self.fields.iter().map(|known| known.error).fold(0.0, f64::max)
    }

    /// Whether every field that errs by more than allowed is still beginning. What grows as tᵖ from nothing grows by a part p/n in the
    /// n-th step of one length and errs by a part of the size of n⁻³: hundreds of such steps pass before it is known to 1e-8.
    pub fn only_beginnings(&self) -> bool {
        self.fields.iter().all(|known| known.error <= 1.0 || known.largest < (1.0 - BEGINNING) * known.deviation)
    }

    /// The step that was judged last is taken.
    pub fn accept(&mut self) {
        for known in &mut self.fields {
            known.largest = known.largest.max(known.deviation);
            known.repaired += known.moved;
        }
    }

    /// The field that last limited the step, as its number.
    pub fn limiting(&self) -> usize {
        let error = |f: usize| self.fields[f].error;
        (0..self.fields.len()).max_by(|&a, &b| error(a).total_cmp(&error(b))).unwrap_or(0)
    }

    /// What repairs moved of each field, as a part of the largest content it had.
    pub fn repaired(&self) -> impl Iterator<Item = f64> + '_ {
        self.fields.iter().map(|known| if known.repaired > 0.0 { known.repaired / known.content } else { 0.0 })
    }
}

/// The rows of each field where it lives: (field, whether unsigned, range of the state, measure per lateral area).
pub fn rows(medium: &Medium) -> impl Iterator<Item = (usize, bool, Range<usize>, f64)> + Clone + '_ {
    let layout = medium.layout;
    let volume = (0..layout.fields).flat_map(move |f| {
        let field = &medium.compiled.volume[f];
        (0..layout.nz).filter_map(move |z| {
            let layer = medium.grid.layer[z];
            let measure = field.density[layer] * medium.grid.z.width(z);
            field.lives[layer].then(|| (f, !field.signed, layout.row(z, f), measure))
        })
    });
    let surface = (0..layout.surface).map(move |f| {
        let field = &medium.compiled.surface[f];
        (layout.fields + f, !field.signed, layout.surface_row(f), 1.0)
    });
    volume.chain(surface)
}

/// The name of field `f` (volume, then surface).
pub fn name_of(medium: &Medium, f: usize) -> &str {
    match f.checked_sub(medium.layout.fields) {
        Some(surface) => &medium.compiled.surface[surface].name,
        None => &medium.compiled.volume[f].name,
    }
}

/// Value at rest of field `f` (volume, then surface) in the row that starts at `start`.
pub fn rest_of(medium: &Medium, f: usize, start: usize) -> f64 {
    let layout = medium.layout;
    match f.checked_sub(layout.fields) {
        Some(surface) => medium.compiled.surface[surface].rest,
        None => medium.compiled.volume[f].rest[medium.grid.layer[start / layout.slab()]],
    }
}
