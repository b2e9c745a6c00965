//! How a model is drawn: a seed, a model.
//!
//! Rates, diffusivities and sizes are such that within a run something happens and nothing is so fast that an explicit method could
//! not follow it.

use super::model::{Change, Condition, Course, Diffusivity, Field, Law, Model, Part, Plane, Reaction, Target, Wave};

/// Numbers that look random (SplitMix64), the same everywhere.
struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count - 1)
    }

    fn chance(&mut self, part: f64) -> bool {
        self.unit() < part
    }

    /// Evenly between, as it is written.
    fn even(&mut self, low: f64, high: f64) -> f64 {
        written(low + (high - low) * self.unit())
    }

    /// Evenly in the logarithm.
    fn log(&mut self, low: f64, high: f64) -> f64 {
        written(low * (high / low).powf(self.unit()))
    }

    fn among<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// A number of three digits, so that what is written is what is meant.
fn written(value: f64) -> f64 {
    format!("{value:.2e}").parse().expect("a number")
}

/// The model of a seed.
pub fn model(seed: u64) -> Model {
    let mut draw = Draw(seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(11));
    let draw = &mut draw;
    let tolerance = draw.among(&[1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5]);
    let end = draw.among(&[2.0, 4.0, 8.0]);
    let count = 1 + draw.below(10);
    let plane = match draw.below(10) {
        0..3 => Plane::Point,
        3..6 => Plane::Column,
        6..9 => Plane::Section { width: draw.among(&[0.5, 1.0]), cells: 3 + draw.below(4), periodic: draw.chance(0.4) },
        _ => {
            let cells = [3 + draw.below(2), 3 + draw.below(2)];
            Plane::Tile { width: [draw.among(&[0.5, 0.8]), 0.6], cells, periodic: draw.chance(0.4) }
        }
    };
    let depths = if plane == Plane::Point { 1 } else { 1 + draw.below(4) };
    let layers: Vec<(f64, usize)> = (0..depths)
        .map(|_| {
            let cells = if plane == Plane::Point { 1 } else { 1 + draw.below(if depths > 2 { 3 } else { 6 }) };
            (draw.even(0.1, 0.2) * cells as f64, cells)
        })
        .map(|(thickness, cells)| (written(thickness), cells))
        .collect();
    let fields = (0..count).map(|_| field(draw, &plane, layers.len())).collect();
    let mut model =
        Model { tolerance, end, plane, layers, fields, films: Vec::new(), signals: Vec::new(), parts: Vec::new() };
    if draw.chance(0.3) {
        let value = draw.even(0.2, 2.0);
        let from = draw.even(0.05, 0.5) * end;
        let until = from + draw.even(0.05, 0.4) * end;
        model.signals.push((draw.among(&[0.0, 0.5]), value, written(from), written(until)));
    }
    if model.plane != Plane::Point {
        (0..count).for_each(|f| transport(draw, &mut model, f));
    }
    // Drawn apart, so that the rest of a seed stays what it was.
    carried(&mut Draw(seed.wrapping_mul(0x9E6C_63D0_876A_3F1B).wrapping_add(5)), &mut model);
    let reactions = 1 + draw.below(2 * count + 1);
    for _ in 0..reactions {
        if let Some(reaction) = reaction(draw, &model) {
            model.parts.push(Part::React(reaction));
        }
    }
    for film in 0..model.films.len() {
        if draw.chance(0.4) {
            model.parts.push(Part::Fade(film, draw.log(0.05, 1.0)));
        }
    }
    for _ in 0..if draw.chance(0.3) { 1 + draw.below(2) } else { 0 } {
        let target = match model.films.len() {
            films if films > 0 && draw.chance(0.3) => Target::Film(draw.below(films)),
            _ => Target::Field(draw.below(count)),
        };
        let change = match (draw.below(4), target) {
            (0, _) => Change::Times(draw.among(&[0.1, 0.5, 2.0])),
            (1, Target::Field(_)) => Change::Plus(draw.below(count), draw.even(0.1, 1.0)),
            (2, _) => Change::To(draw.among(&[0.0, 0.3, 1.0])),
            _ => Change::Add(draw.even(0.1, 1.0)),
        };
        model.parts.push(Part::Happen { at: written(end * draw.even(0.05, 0.95)), target, change });
    }
    model
}

fn field(draw: &mut Draw, plane: &Plane, layers: usize) -> Field {
    let mut lives = vec![true; layers];
    if layers > 1 && draw.chance(0.3) {
        // A run of layers.
        let first = draw.below(layers);
        let last = first + draw.below(layers - first);
        lives.iter_mut().enumerate().for_each(|(layer, lives)| *lives = (first..=last).contains(&layer));
    }
    let mean = if draw.chance(0.25) { 0.0 } else { draw.log(0.05, 2.0) };
    let axes = match plane {
        Plane::Point => [false; 3],
        Plane::Column => [false, false, true],
        Plane::Section { .. } => [true, false, true],
        Plane::Tile { .. } => [true; 3],
    };
    let waves = axes.map(|has| {
        (has && mean > 0.0 && draw.chance(0.5)).then(|| Wave { height: draw.even(0.1, 0.9), turn: draw.even(1.0, 8.0) })
    });
    let density = (0..layers).map(|_| if draw.chance(0.3) { draw.log(0.3, 3.0) } else { 1.0 }).collect();
    Field { lives, mean, waves, density, gone: false }
}

fn course(draw: &mut Draw, model: &Model) -> Course {
    let end = model.end;
    match draw.below(12) {
        0 => {
            let from = draw.even(0.02, 0.8) * end;
            Course::Pulse(written(from), written(from + draw.log(0.02, 0.2) * end))
        }
        1 => Course::Swing { turn: draw.log(0.5, 10.0), ahead: draw.even(0.0, 6.0) },
        2 => Course::Bump { at: written(draw.even(0.1, 0.9) * end), width: written(draw.log(0.02, 0.2) * end) },
        3 if !model.signals.is_empty() => Course::Signal(0),
        _ => Course::Steady,
    }
}

/// How a field moves: diffusion, what it follows, its faces.
fn transport(draw: &mut Draw, model: &mut Model, f: usize) {
    let lives = model.fields[f].lives.clone();
    let follows = draw.chance(0.2);
    if follows {
        let along = draw.below(model.fields.len());
        let both = |layer: usize| lives[layer] && model.fields[along].lives[layer];
        if along != f && (0..lives.len()).any(both) {
            let sensitivity = (0..lives.len()).map(|layer| both(layer).then(|| draw.log(0.005, 0.1))).collect();
            let fills = draw.chance(0.3).then(|| draw.even(0.5, 2.0));
            // Fields that follow each other are an ill-posed problem: on cells of width h small differences grow at a rate of
            // χ√(uv)/h², by e⁴⁰ in a run, and no method that knows its steps to 1e-3 knows the result.
            if !model.follows(along, f) {
                model.parts.push(Part::Follow { field: f, along, sensitivity, fills });
            }
        }
    }
    if !draw.chance(0.7) {
        return;
    }
    let base = draw.log(0.002, 0.2);
    let diffusivity = match draw.below(8) {
        0 | 1 => Diffusivity::One(base),
        2 => Diffusivity::OfField { base, slope: draw.log(0.01, 0.1), by: draw.below(model.fields.len()) },
        3 => Diffusivity::OfDepth { base, slope: draw.even(0.1, 2.0) },
        4 => Diffusivity::OfTime { base, turn: draw.log(0.5, 6.0) },
        _ => {
            let mut values: Vec<Option<f64>> = lives.iter().map(|lives| lives.then(|| draw.log(0.002, 0.2))).collect();
            if draw.chance(0.15) {
                let layer = draw.below(values.len());
                if values.iter().flatten().count() > usize::from(values[layer].is_some()) {
                    values[layer] = None;
                }
            }
            Diffusivity::Layers(values)
        }
    };
    let moves: Vec<bool> = (0..lives.len()).map(|layer| lives[layer] && diffusivity.is_in(layer)).collect();
    model.parts.push(Part::Spread(f, diffusivity));
    let sides = match model.plane {
        Plane::Point => 0,
        Plane::Column | Plane::Section { periodic: true, .. } | Plane::Tile { periodic: true, .. } => 2,
        Plane::Section { .. } => 4,
        Plane::Tile { .. } => 6,
    };
    for side in 0..sides {
        let reached = match side {
            0 => moves[0],
            1 => moves[moves.len() - 1],
            _ => true,
        };
        if !reached || !draw.chance(if side < 2 { 0.35 } else { 0.15 }) {
            continue;
        }
        let condition = match draw.below(5) {
            0 => Condition::Value(draw.even(0.1, 2.0), course(draw, model)),
            1 => Condition::Exchange(draw.log(0.05, 2.0), draw.among(&[0.0, 0.5, 1.5]), course(draw, model)),
            2 => Condition::Flux(draw.log(0.02, 0.5), course(draw, model)),
            3 => Condition::Out(draw.log(0.05, 1.0)),
            _ if side < 2 => {
                model.films.push(draw.among(&[0.0, 1.0, 3.0]));
                Condition::Film {
                    film: model.films.len() - 1,
                    thickness: draw.log(0.05, 0.5),
                    partition: draw.log(0.3, 3.0),
                    exchange: draw.chance(0.5).then(|| draw.log(0.1, 2.0)),
                }
            }
            _ => continue,
        };
        model.parts.push(Part::Face { field: f, side, condition });
    }
}

/// Drift, and spreading by axis.
fn carried(draw: &mut Draw, model: &mut Model) {
    let axes = match model.plane {
        Plane::Point => return,
        Plane::Column => [false, false, true],
        Plane::Section { .. } => [true, false, true],
        Plane::Tile { .. } => [true; 3],
    };
    for f in 0..model.fields.len() {
        let spreads = model.parts.iter().any(|part| matches!(part, Part::Spread(own, _) if *own == f));
        if spreads && draw.chance(0.2) {
            let (x, y) = (draw.log(0.2, 5.0), draw.log(0.2, 5.0));
            model.parts.push(Part::Across(f, if draw.chance(0.5) { [x, x] } else { [x, y] }));
        }
        if draw.chance(if spreads { 0.25 } else { 0.1 }) {
            let layers = model.layers.len();
            let speeds = axes.map(|has| {
                (has && draw.chance(0.6)).then(|| {
                    let way = draw.among(&[1.0, -1.0]);
                    let first = way * draw.log(0.01, 0.3);
                    let alike = draw.chance(0.6);
                    (0..layers).map(|_| if alike { first } else { way * draw.log(0.01, 0.3) }).collect()
                })
            });
            if speeds.iter().any(Option::is_some) {
                model.parts.push(Part::Drift(f, speeds));
            }
        }
    }
}

fn reaction(draw: &mut Draw, model: &Model) -> Option<Reaction> {
    let count = model.fields.len();
    let [a, b, c] = [(); 3].map(|()| draw.below(count));
    let share = draw.among(&[1.0, 1.0, 0.5, 2.0]);
    let half = draw.log(0.05, 2.0);
    let power = draw.among(&[1.0, 2.0, 4.0]);
    let apart = a != b && b != c && a != c;
    let (law, takes, gives) = match draw.below(14) {
        0 | 1 => (Law::Mass(vec![a]), vec![(a, 1.0)], vec![]),
        2 if a != b => (Law::Mass(vec![a]), vec![(a, 1.0)], vec![(b, share)]),
        3 | 4 if apart => (Law::Mass(vec![a, b]), vec![(a, 1.0), (b, 1.0)], vec![(c, share)]),
        5 if a != b => (Law::Mass(vec![a, a]), vec![(a, 2.0)], vec![(b, 1.0)]),
        6 if a != b => (Law::Mass(vec![a, b]), vec![(a, 1.0)], vec![(b, 0.5)]),
        7 if a != b => (Law::Hill(a, half, power), vec![(a, 1.0)], vec![(b, share)]),
        8 if a != b => (Law::Hill(a, half, power), vec![], vec![(b, share)]),
        9 if a != b => (Law::Inhibited(a, half, power), vec![], vec![(b, share)]),
        10 if apart => (Law::Enhanced(a, b, half, power), vec![(a, 1.0)], vec![(c, share)]),
        11 => (Law::Logistic(a, draw.log(0.3, 3.0)), vec![], vec![]),
        12 => (Law::Source, vec![], vec![(a, share)]),
        13 if draw.chance(0.4) && apart => {
            (Law::Switch { of: a, by: b, at: half, low: draw.even(0.0, 0.5) }, vec![(a, 1.0)], vec![(c, 1.0)])
        }
        _ => (Law::Mass(vec![a]), vec![(a, 1.0)], vec![]),
    };
    let fast = draw.chance(0.15);
    let strength = |draw: &mut Draw| if fast { draw.log(2.0, 20.0) } else { draw.log(0.05, 2.0) };
    let layers = model.layers.len();
    let mut needed = law.fields();
    needed.extend(takes.iter().chain(&gives).map(|(field, _)| *field));
    let mut acts: Vec<bool> =
        (0..layers).map(|layer| needed.iter().all(|field| model.fields[*field].lives[layer])).collect();
    if !acts.contains(&true) {
        return None;
    }
    if layers > 1 && draw.chance(0.15) {
        let only: Vec<usize> = (0..layers).filter(|layer| acts[*layer]).collect();
        let only = draw.among(&only);
        acts.iter_mut().enumerate().for_each(|(layer, acts)| *acts = layer == only);
    }
    let uniform = layers == 1 || draw.chance(0.7);
    let first = strength(draw);
    let rates = (0..layers).map(|_| if uniform { first } else { strength(draw) }).collect();
    Some(Reaction { law, rates, course: course(draw, model), takes, gives, acts })
}
