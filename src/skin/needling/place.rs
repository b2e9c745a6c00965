//! Where the needles land: stamps of a device on a periodic patch of skin, and which strokes share a hole.
//!
//! A **stamp** is one moment at which the needles of a device meet the skin together; it leaves one **stroke** per needle.
//! Pens glide along neighbouring tracks, rollers print the lattice of their drum, a single needle is set at random. Each pass
//! has its own direction and offset. A stroke within the merging radius of a hole slides into it; other strokes make a hole
//! of their own.
//!
//! Where it fails: tracks do not bend, and directions other than along the sides do not close on themselves at the edges of
//! the patch (which only the distances between neighbours across an edge notice).

use std::f64::consts::{FRAC_PI_4, PI};

use super::random::{Purpose, RandomSource};
use crate::base::error::{Error, Result};

/// The most strokes that are placed on a patch.
pub(super) const MOST_STROKES: usize = 60_000;

/// Holes a patch should carry, so that means over it are good to a few percent.
const WANTED_HOLES: f64 = 2000.0;

/// Sides of a patch [m]: from 2 mm for very dense patterns to 40 mm for sparse ones.
const SIDES: [f64; 3] = [2e-3, 1e-2, 4e-2];

/// How a device prints.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Printer {
    /// Needles of a cartridge (places in it), advance per stroke [m], distance of tracks [m], wander of tracks [m].
    Gliding { needles: Vec<[f64; 2]>, advance: f64, track: f64, wander: f64 },
    /// Pitch of the lattice along and across the way [m].
    Rolling { pitch: [f64; 2] },
    /// One needle at random places.
    Single,
}

/// How many strokes a session makes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum StrokeAmount {
    /// Until there are so many holes per area [1/m²].
    Holes(f64),
    /// Passes over each place.
    Passes(f64),
}

/// One needle meeting the skin once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    /// Place on the patch, before the needle's own play [m].
    pub place: [f64; 2],
    /// Place of the needle in the device, in the directions of the patch [m].
    pub offset: [f64; 2],
    /// The stamp it belongs to.
    pub stamp: usize,
    /// Direction in which the device moves [rad].
    pub heading: f64,
    /// Its number among all strokes, for random numbers.
    pub index: usize,
}

/// All strokes of a session, gathered into holes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    /// Side of the patch [m].
    pub side: f64,
    /// Place of each hole.
    pub holes: Vec<[f64; 2]>,
    /// The strokes in their order, each with its hole.
    pub strokes: Vec<(usize, Stroke)>,
    /// Passes that were needed, if each place is passed evenly.
    pub passes: f64,
}

impl Printer {
    /// Strokes per area in one pass [1/m²].
    pub fn strokes_per_pass(&self) -> f64 {
        match self {
            Self::Gliding { needles, advance, track, .. } => needles.len() as f64 / (advance * track),
            Self::Rolling { pitch } => 1.0 / (pitch[0] * pitch[1]),
            Self::Single => 1e5,
        }
    }

    /// The same printer with only every n-th stamp of a slow glide, n ≥ `times`: a sparse dose leaves out most of them anyway.
    fn thinned(&self, times: f64) -> Self {
        let mut printer = self.clone();
        if let Self::Gliding { advance, .. } = &mut printer {
            *advance *= times.ceil().max(1.0);
        }
        printer
    }

    /// The strokes of pass number `pass` on a patch; `stamp` and `index` count on from pass to pass.
    fn pass(&self, source: &RandomSource, pass: usize, side: f64, stamp: &mut usize, strokes: &mut Vec<Stroke>) {
        let mut draws = source.of(Purpose::Pass, pass);
        // Along, across, and the two diagonals, as is taught.
        let heading = FRAC_PI_4 * [0.0, 2.0, 1.0, 3.0][pass % 4];
        let (sine, cosine) = heading.sin_cos();
        let turn = |[u, v]: [f64; 2]| [u * cosine - v * sine, u * sine + v * cosine];
        let mut land = |centre: [f64; 2], needle: [f64; 2], stamp: usize| {
            let offset = turn(needle);
            let middle = turn(centre);
            let place = [0, 1].map(|axis| 0.5 * side + middle[axis] + offset[axis]);
            if place.iter().all(|one| (0.0..side).contains(one)) {
                let index = strokes.len();
                strokes.push(Stroke { place, offset, stamp, heading, index });
            }
        };
        let reach = side * std::f64::consts::FRAC_1_SQRT_2;
        match self {
            Self::Gliding { needles, advance, track, wander } => {
                let radius = needles.iter().map(|[u, v]| u.hypot(*v)).fold(0.0, f64::max);
                let half = reach + radius;
                let phase = draws.uniform();
                let (tracks, steps) = ((half / track).ceil() as i64, (half / advance).ceil() as i64);
                for row in -tracks..=tracks {
                    let mut course = source.of(Purpose::Track, (pass << 12) + (row + tracks) as usize);
                    let across = (row as f64 + phase) * track + wander * course.normal();
                    let start = course.uniform();
                    // The handpiece is held at any angle, and anew on each track.
                    let (sine, cosine) = (2.0 * PI * course.uniform()).sin_cos();
                    let needles: Vec<[f64; 2]> =
                        needles.iter().map(|[u, v]| [u * cosine - v * sine, u * sine + v * cosine]).collect();
                    for step in -steps..=steps {
                        let centre = [(step as f64 + start) * advance, across];
                        // Most stamps of a diagonal pass lie beside the patch.
                        if turn(centre).iter().all(|one| one.abs() <= 0.5 * side + radius) {
                            for needle in &needles {
                                land(centre, *needle, *stamp);
                            }
                        }
                        *stamp += 1;
                    }
                }
            }
            Self::Rolling { pitch } => {
                let phase = [draws.uniform(), draws.uniform()];
                let counts = pitch.map(|one| (reach / one).ceil() as i64 + 1);
                for row in -counts[0]..=counts[0] {
                    for column in -counts[1]..=counts[1] {
                        let centre = [(row as f64 + phase[0]) * pitch[0], (column as f64 + phase[1]) * pitch[1]];
                        land(centre, [0.0, 0.0], *stamp);
                    }
                    *stamp += 1;
                }
            }
            Self::Single => {
                let count = (self.strokes_per_pass() * side * side).round().max(1.0) as usize;
                for number in 0..count {
                    let mut course = source.of(Purpose::Track, (pass << 20) + number);
                    let place = [course.uniform() * side, course.uniform() * side];
                    let index = strokes.len();
                    strokes.push(Stroke { place, offset: [0.0, 0.0], stamp: *stamp, heading: 0.0, index });
                    *stamp += 1;
                }
            }
        }
    }
}

/// Places the strokes of a session.
///
/// The strokes of a dose between whole passes are spread evenly over the next whole number of passes, by leaving out stamps
/// at random: an operator lifts the device, nobody knows when.
///
/// # Errors
/// The dose needs more strokes than can be placed, or the skin has no room for so many distinct holes.
pub(super) fn place(
    printer: &Printer,
    amount: StrokeAmount,
    merging: f64,
    wobble: f64,
    source: &RandomSource,
) -> Result<Pattern> {
    let per_pass = printer.strokes_per_pass();
    let (dense, wanted) = match amount {
        StrokeAmount::Holes(density) => (density, density),
        StrokeAmount::Passes(passes) => (passes * per_pass, passes * per_pass),
    };
    let side = (WANTED_HOLES / wanted).sqrt().clamp(SIDES[1], SIDES[2]);
    let side = side.min((0.5 * MOST_STROKES as f64 / dense).sqrt()).max(SIDES[0]);
    let area = side * side;
    let too_many = || {
        Err(Error::input("the dose asks for more punctures than fit on the skin")
            .help("ask for fewer holes per area, fewer passes or a shorter time"))
    };
    if !(dense * area).is_finite() || dense * area > MOST_STROKES as f64 {
        return too_many();
    }
    let mut passes = match amount {
        StrokeAmount::Holes(_) => 1,
        StrokeAmount::Passes(passes) => passes.ceil().max(1.0) as usize,
    };
    loop {
        let printer = printer.thinned(passes as f64 * per_pass * area / (10.0 * MOST_STROKES as f64));
        if passes > 4096 {
            return too_many();
        }
        let mut strokes = Vec::new();
        let mut stamp = 0;
        for pass in 0..passes {
            printer.pass(source, pass, side, &mut stamp, &mut strokes);
        }
        let full = strokes.len();
        let whole = matches!(amount, StrokeAmount::Passes(wanted) if (wanted - passes as f64).abs() < 1e-9);
        if !whole {
            let keys: Vec<f64> = (0..stamp).map(|stamp| source.of(Purpose::Order, stamp).uniform()).collect();
            strokes.sort_by(|a, b| keys[a.stamp].total_cmp(&keys[b.stamp]).then(a.index.cmp(&b.index)));
        }
        let most = match amount {
            StrokeAmount::Holes(_) => full,
            StrokeAmount::Passes(_) if whole => full,
            StrokeAmount::Passes(wanted) => (wanted * per_pass * area).round() as usize,
        };
        let target = match amount {
            StrokeAmount::Holes(density) => (density * area).round().max(1.0) as usize,
            StrokeAmount::Passes(_) => usize::MAX,
        };
        let mut holes = Holes::new(side, merging);
        let mut kept = Vec::with_capacity(most);
        for mut stroke in strokes.into_iter().take(most) {
            if holes.places.len() >= target {
                break;
            }
            let mut play = source.of(Purpose::Needle, stroke.index);
            for axis in &mut stroke.place {
                *axis = (*axis + wobble * play.normal()).rem_euclid(side);
            }
            kept.push((holes.land(stroke.place), stroke));
        }
        if kept.len() > MOST_STROKES {
            return too_many();
        }
        if matches!(amount, StrokeAmount::Passes(_)) || holes.places.len() >= target {
            // The count on a patch scatters about that of whole passes, whose number is known.
            let passes = if whole { passes as f64 } else { kept.len() as f64 / (per_pass * area) };
            return Ok(Pattern { side, holes: holes.places, strokes: kept, passes });
        }
        passes *= 2;
    }
}

/// Distinct holes left by strokes at these places on a periodic square patch, and for each stroke the number of its hole.
///
/// A stroke joins the nearest hole within `merging`; holes do not move.
pub fn merge(places: &[[f64; 2]], side: f64, merging: f64) -> (Vec<[f64; 2]>, Vec<usize>) {
    let mut holes = Holes::new(side, merging);
    let numbers = places.iter().map(|place| holes.land(*place)).collect();
    (holes.places, numbers)
}

/// Holes on a periodic patch, found by the square they lie in.
struct Holes {
    side: f64,
    merging: f64,
    squares: usize,
    in_square: Vec<Vec<u32>>,
    places: Vec<[f64; 2]>,
}

impl Holes {
    fn new(side: f64, merging: f64) -> Self {
        let squares = ((side / merging).floor() as usize).clamp(1, 1000);
        Self { side, merging, squares, in_square: vec![Vec::new(); squares * squares], places: Vec::new() }
    }

    /// The number of the hole a stroke ends up in.
    fn land(&mut self, place: [f64; 2]) -> usize {
        let n = self.squares as i64;
        let own = place.map(|one| ((one / self.side * n as f64) as i64).clamp(0, n - 1));
        let square = |i: i64, j: i64| (i.rem_euclid(n) * n + j.rem_euclid(n)) as usize;
        let mut nearest = None;
        let mut least = self.merging;
        for i in own[0] - 1..=own[0] + 1 {
            for j in own[1] - 1..=own[1] + 1 {
                for &hole in &self.in_square[square(i, j)] {
                    let away = distance(place, self.places[hole as usize], self.side);
                    if away < least {
                        (nearest, least) = (Some(hole as usize), away);
                    }
                }
            }
        }
        nearest.unwrap_or_else(|| {
            self.in_square[square(own[0], own[1])].push(self.places.len() as u32);
            self.places.push(place);
            self.places.len() - 1
        })
    }
}

/// Distance of two places on a periodic square.
pub(super) fn distance(a: [f64; 2], b: [f64; 2], side: f64) -> f64 {
    let [x, y] = [0, 1].map(|axis| {
        let apart = (a[axis] - b[axis]).abs();
        apart.min(side - apart)
    });
    x.hypot(y)
}

/// Mean distance to the nearest neighbour relative to that of a random pattern, 0.5/√n (Clark and Evans): above 1 even, below 1
/// clustered. `None` for fewer than two holes.
pub(super) fn evenness(holes: &[[f64; 2]], side: f64) -> Option<f64> {
    if holes.len() < 2 {
        return None;
    }
    let squares = ((holes.len() as f64).sqrt() as usize).clamp(1, 512);
    let n = squares as i64;
    let of = |place: [f64; 2]| place.map(|one| ((one / side * n as f64) as i64).clamp(0, n - 1));
    let mut in_square = vec![Vec::new(); squares * squares];
    for (number, hole) in holes.iter().enumerate() {
        let [i, j] = of(*hole);
        in_square[(i * n + j) as usize].push(number);
    }
    let total: f64 = holes
        .iter()
        .enumerate()
        .map(|(number, hole)| {
            let [ci, cj] = of(*hole);
            let mut least = f64::INFINITY;
            for ring in 0..=n / 2 + 1 {
                // Squares beyond a ring are at least `ring` squares away.
                if least <= (ring - 1).max(0) as f64 * side / n as f64 {
                    break;
                }
                for i in -ring..=ring {
                    for j in -ring..=ring {
                        if i.abs().max(j.abs()) == ring {
                            let square = (ci + i).rem_euclid(n) * n + (cj + j).rem_euclid(n);
                            for &other in &in_square[square as usize] {
                                if other != number {
                                    least = least.min(distance(*hole, holes[other], side));
                                }
                            }
                        }
                    }
                }
            }
            least
        })
        .sum();
    let mean = total / holes.len() as f64;
    Some(mean / (0.5 * side / (holes.len() as f64).sqrt()))
}

/// Places of needles in a cartridge of a width [m].
pub(super) fn cartridge(layout: crate::skin::catalogue::NeedleLayout, needles: usize, width: f64) -> Vec<[f64; 2]> {
    use crate::skin::catalogue::NeedleLayout;
    let radius = 0.5 * width;
    match layout {
        // A sunflower fills a disc evenly with any number.
        NeedleLayout::Disc => (0..needles)
            .map(|i| {
                let out = radius * ((i as f64 + 0.5) / needles as f64).sqrt();
                let angle = i as f64 * PI * (3.0 - 5.0_f64.sqrt());
                [out * angle.cos(), out * angle.sin()]
            })
            .collect(),
        NeedleLayout::Ring => (0..needles)
            .map(|i| 2.0 * PI * i as f64 / needles as f64)
            .map(|angle| [radius * angle.cos(), radius * angle.sin()])
            .collect(),
        NeedleLayout::Square => {
            let columns = (needles as f64).sqrt().ceil().max(1.0) as usize;
            let rows = needles.div_ceil(columns);
            let at = |i: usize, n: usize| if n > 1 { width * (i as f64 / (n - 1) as f64 - 0.5) } else { 0.0 };
            (0..needles).map(|i| [at(i / columns, rows), at(i % columns, columns)]).collect()
        }
    }
}
