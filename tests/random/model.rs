//! A model as it was drawn, and as a user would write it. Lengths are in millimetres, times in hours.

use std::fmt::Write;

/// What a drawn model is.
#[derive(Debug, Clone)]
pub struct Model {
    pub tolerance: f64,
    pub end: f64,
    pub plane: Plane,
    /// Thickness and number of cells.
    pub layers: Vec<(f64, usize)>,
    pub fields: Vec<Field>,
    /// Fields of the surface that are films, with their initial values.
    pub films: Vec<f64>,
    /// Default, value, from, until.
    pub signals: Vec<(f64, f64, f64, f64)>,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Plane {
    Point,
    Column,
    Section { width: f64, cells: usize, periodic: bool },
    Tile { width: [f64; 2], cells: [usize; 2], periodic: bool },
}

/// A factor 1 + height·cos(turn·coordinate).
#[derive(Debug, Clone, Copy)]
pub struct Wave {
    pub height: f64,
    pub turn: f64,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub lives: Vec<bool>,
    pub mean: f64,
    /// Along x, y and depth.
    pub waves: [Option<Wave>; 3],
    pub density: Vec<f64>,
    /// Nothing speaks of it, and it is not written.
    pub gone: bool,
}

/// A factor that depends on time.
#[derive(Debug, Clone, Copy)]
pub enum Course {
    Steady,
    /// One between two times, else nothing.
    Pulse(f64, f64),
    /// 1 + sin(turn·time + ahead)
    Swing {
        turn: f64,
        ahead: f64,
    },
    /// exp(−((time − at)/width)²)
    Bump {
        at: f64,
        width: f64,
    },
    Signal(usize),
}

#[derive(Debug, Clone)]
pub enum Law {
    Source,
    /// The product of fields.
    Mass(Vec<usize>),
    /// hill(field, half, power)
    Hill(usize, f64, f64),
    /// 1/(1 + (field/half)^power)
    Inhibited(usize, f64, f64),
    /// field·hill(other, half, power)
    Enhanced(usize, usize, f64, f64),
    /// The net rate field·(1 − field/capacity).
    Logistic(usize, f64),
    /// `of`, but only `low` of it where `by` is below `at`.
    Switch {
        of: usize,
        by: usize,
        at: f64,
        low: f64,
    },
}

#[derive(Debug, Clone)]
pub struct Reaction {
    pub law: Law,
    /// By layer.
    pub rates: Vec<f64>,
    pub course: Course,
    pub takes: Vec<(usize, f64)>,
    pub gives: Vec<(usize, f64)>,
    /// In which layers.
    pub acts: Vec<bool>,
}

#[derive(Debug, Clone)]
pub enum Diffusivity {
    One(f64),
    Layers(Vec<Option<f64>>),
    /// base + slope·field
    OfField {
        base: f64,
        slope: f64,
        by: usize,
    },
    /// base·(1 + slope·depth)
    OfDepth {
        base: f64,
        slope: f64,
    },
    /// base·(1 + 0.5 sin(turn·time))
    OfTime {
        base: f64,
        turn: f64,
    },
}

#[derive(Debug, Clone)]
pub enum Condition {
    Value(f64, Course),
    /// Speed, value outside.
    Exchange(f64, f64, Course),
    Flux(f64, Course),
    /// So much times the field goes out.
    Out(f64),
    Film {
        film: usize,
        thickness: f64,
        partition: f64,
        exchange: Option<f64>,
    },
}

#[derive(Debug, Clone, Copy)]
pub enum Target {
    Field(usize),
    Film(usize),
}

#[derive(Debug, Clone, Copy)]
pub enum Change {
    Times(f64),
    Add(f64),
    To(f64),
    /// So much of another field is added.
    Plus(usize, f64),
}

/// What can be left out while looking for the part that matters.
#[derive(Debug, Clone)]
pub enum Part {
    React(Reaction),
    Spread(usize, Diffusivity),
    /// It spreads so many times as fast along x and along y.
    Across(usize, [f64; 2]),
    /// Speeds by layer along x, y and depth.
    Drift(usize, [Option<Vec<f64>>; 3]),
    /// A sensitivity by layer; with `fills` m it is χ/(1 + m·field).
    Follow {
        field: usize,
        along: usize,
        sensitivity: Vec<Option<f64>>,
        fills: Option<f64>,
    },
    /// Top, bottom, left, right, front, back.
    Face {
        field: usize,
        side: usize,
        condition: Condition,
    },
    /// A film loses so much of itself.
    Fade(usize, f64),
    Happen {
        at: f64,
        target: Target,
        change: Change,
    },
}

pub const FACES: [&str; 6] = ["top", "bottom", "left", "right", "front", "back"];

impl Course {
    /// As a factor after others.
    fn text(&self) -> String {
        match self {
            Self::Steady => String::new(),
            Self::Pulse(from, until) => format!("*if(time > {from:?} and time < {until:?}, 1, 0)"),
            Self::Swing { turn, ahead } => format!("*(1 + sin({turn:?}*time + {ahead:?}))"),
            Self::Bump { at, width } => format!("*exp(-((time - {at:?})/{width:?})^2)"),
            Self::Signal(s) => format!("*s{s}"),
        }
    }

    /// Its value at a time within a stretch of time that has `middle` inside and no jump.
    pub fn value(&self, time: f64, middle: f64, signals: &[(f64, f64, f64, f64)]) -> f64 {
        match *self {
            Self::Steady => 1.0,
            Self::Pulse(from, until) => f64::from(middle > from && middle < until),
            Self::Swing { turn, ahead } => 1.0 + (turn * time + ahead).sin(),
            Self::Bump { at, width } => (-((time - at) / width).powi(2)).exp(),
            Self::Signal(s) => {
                let (default, value, from, until) = signals[s];
                if middle > from && middle < until { value } else { default }
            }
        }
    }
}

impl Law {
    /// The fields on which it depends.
    pub fn fields(&self) -> Vec<usize> {
        match self {
            Self::Source => vec![],
            Self::Mass(fields) => fields.clone(),
            Self::Hill(field, ..) | Self::Inhibited(field, ..) | Self::Logistic(field, _) => vec![*field],
            Self::Enhanced(field, other, ..) => vec![*field, *other],
            Self::Switch { of, by, .. } => vec![*of, *by],
        }
    }

    /// As a factor after others.
    fn text(&self) -> String {
        match self {
            Self::Source => String::new(),
            Self::Mass(fields) => fields.iter().map(|f| format!("*u{f}")).collect(),
            Self::Hill(f, half, power) if *power == 1.0 => format!("*hill(u{f}, {half:?})"),
            Self::Hill(f, half, power) => format!("*hill(u{f}, {half:?}, {power})"),
            Self::Inhibited(f, half, power) => format!("/(1 + (u{f}/{half:?})^{power})"),
            Self::Enhanced(f, by, half, power) => format!("*u{f}*hill(u{by}, {half:?}, {power})"),
            Self::Logistic(f, capacity) => format!("*u{f}*(1 - u{f}/{capacity:?})"),
            Self::Switch { of, by, at, low } => format!("*u{of}*if(u{by} < {at:?}, {low:?}, 1)"),
        }
    }

    /// Its value where fields have these values.
    pub fn value(&self, u: impl Fn(usize) -> f64) -> f64 {
        let hill =
            |x: f64, half: f64, power: f64| x.powi(power as i32) / (half.powi(power as i32) + x.powi(power as i32));
        match self {
            Self::Source => 1.0,
            Self::Mass(fields) => fields.iter().map(|f| u(*f)).product(),
            Self::Hill(f, half, power) => hill(u(*f), *half, *power),
            Self::Inhibited(f, half, power) => 1.0 / (1.0 + (u(*f) / half).powi(*power as i32)),
            Self::Enhanced(f, by, half, power) => u(*f) * hill(u(*by), *half, *power),
            Self::Logistic(f, capacity) => u(*f) * (1.0 - u(*f) / capacity),
            Self::Switch { of, by, at, low } => u(*of) * if u(*by) < *at { *low } else { 1.0 },
        }
    }
}

impl Field {
    /// Whether a scale is written.
    pub fn has_scale(&self) -> bool {
        self.density.iter().any(|density| *density != 1.0)
    }
}

impl Diffusivity {
    /// Whether a layer has one.
    pub fn is_in(&self, layer: usize) -> bool {
        if let Self::Layers(values) = self { values[layer].is_some() } else { true }
    }
}

impl Model {
    /// Times at which something jumps.
    pub fn breaks(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.signals.iter().flat_map(|(_, _, from, until)| [*from, *until]).collect();
        for part in &self.parts {
            match part {
                Part::React(Reaction { course: Course::Pulse(from, until), .. })
                | Part::Face {
                    condition:
                        Condition::Value(_, Course::Pulse(from, until))
                        | Condition::Exchange(_, _, Course::Pulse(from, until))
                        | Condition::Flux(_, Course::Pulse(from, until)),
                    ..
                } => all.extend([*from, *until]),
                Part::Happen { at, .. } => all.push(*at),
                _ => {}
            }
        }
        all
    }

    /// Whether a field follows another, or what follows it.
    pub fn follows(&self, field: usize, other: usize) -> bool {
        self.parts.iter().any(|part| {
            matches!(part, Part::Follow { field: own, along, .. }
                if *own == field && (*along == other || self.follows(*along, other)))
        })
    }

    /// Marks fields of which nothing speaks.
    pub fn forget(&mut self) {
        let mut spoken = vec![false; self.fields.len()];
        for part in &self.parts {
            let fields = match part {
                Part::React(own) => {
                    let named = own.takes.iter().chain(&own.gives).map(|(field, _)| *field);
                    own.law.fields().into_iter().chain(named).collect()
                }
                Part::Spread(field, Diffusivity::OfField { by, .. }) => vec![*field, *by],
                Part::Spread(field, _) | Part::Across(field, _) | Part::Drift(field, _) | Part::Face { field, .. } => {
                    vec![*field]
                }
                Part::Follow { field, along, .. } => vec![*field, *along],
                Part::Happen { target: Target::Field(field), change: Change::Plus(other, _), .. } => {
                    vec![*field, *other]
                }
                Part::Happen { target: Target::Field(field), .. } => vec![*field],
                Part::Happen { .. } | Part::Fade(..) => vec![],
            };
            fields.into_iter().for_each(|field| spoken[field] = true);
        }
        for (field, spoken) in self.fields.iter_mut().zip(spoken) {
            field.gone = !spoken;
        }
    }

    fn layered(&self, values: impl Iterator<Item = Option<f64>>) -> String {
        let all = values.enumerate().filter_map(|(layer, value)| Some(format!("l{layer} = {:?}", value?)));
        format!("{{ {} }}", all.collect::<Vec<_>>().join(", "))
    }

    fn named(&self, layers: &[bool]) -> String {
        let all = (0..layers.len()).filter(|layer| layers[*layer]).map(|layer| format!("\"l{layer}\""));
        format!("[{}]", all.collect::<Vec<_>>().join(", "))
    }

    /// The tissue.
    pub fn tissue(&self) -> String {
        let mut text = "what = \"drawn\"\n".to_owned();
        for (n, (thickness, cells)) in self.layers.iter().enumerate() {
            let spacing = thickness / *cells as f64;
            write!(
                text,
                "[layer.l{n}]\nspacing = [\"{spacing:?} mm\", \"{spacing:?} mm\"]\n\
                 thickness = {{ value = \"{thickness:?} mm\", evidence = \"assumed\", source = \"test\" }}\n\
                 stiffness = {{ value = \"1 kPa\", evidence = \"assumed\", source = \"test\" }}\n"
            )
            .unwrap();
        }
        text
    }

    /// The scenario, with snapshots at half of the time and at the end.
    pub fn scenario(&self) -> String {
        let grid = match &self.plane {
            Plane::Point => "geometry = \"point\"\nlayer = \"l0\"".to_owned(),
            Plane::Column => "geometry = \"section\"\nwidth = \"1 mm\"\ncells = 1\nperiodic = false".to_owned(),
            Plane::Section { width, cells, periodic } => {
                format!("geometry = \"section\"\nwidth = \"{width:?} mm\"\ncells = {cells}\nperiodic = {periodic}")
            }
            Plane::Tile { width: [x, y], cells: [nx, ny], periodic } => format!(
                "geometry = \"tile\"\nwidth = [\"{x:?} mm\", \"{y:?} mm\"]\ncells = [{nx}, {ny}]\nperiodic = {periodic}"
            ),
        };
        let (end, half, tolerance) = (self.end, 0.5 * self.end, self.tolerance);
        let mut text = format!(
            "question = \"q\"\ntissue = \"tissue.toml\"\nresponse = \"model.toml\"\n[course]\nfollowed = \"{end:?} h\"\n\
             [grid]\n{grid}\n[observe]\nevery = \"{half:?} h\"\n[snapshots]\nat = [\"{half:?} h\", \"{end:?} h\"]\n\
             [stepping]\ntolerance = {tolerance:?}\nmost_steps = 20000\n"
        );
        if !self.signals.is_empty() {
            text += "[signals]\n";
        }
        for (s, (_, value, from, until)) in self.signals.iter().enumerate() {
            writeln!(text, "s{s} = [{{ value = {value:?}, from = \"{from:?} h\", until = \"{until:?} h\" }}]").unwrap();
        }
        text
    }

    /// The response model.
    pub fn text(&self) -> String {
        let mut text = "name = \"drawn\"\nwhat = \"drawn\"\n[scale]\nlength = \"1 mm\"\ntime = \"1 h\"\n".to_owned();
        for (s, (default, ..)) in self.signals.iter().enumerate() {
            writeln!(text, "[signal.s{s}]\ndefault = {default:?}\nrange = [0, 10]").unwrap();
        }
        for (f, initial) in self.films.iter().enumerate() {
            writeln!(text, "[field.g{f}]\nkind = \"surface\"\ninitial = {initial:?}").unwrap();
        }
        for (f, field) in self.fields.iter().enumerate().filter(|(_, field)| !field.gone) {
            self.field(&mut text, f, field);
        }
        for (n, part) in self.parts.iter().enumerate() {
            match part {
                Part::React(own) => self.process(&mut text, n, own),
                Part::Fade(film, k) => {
                    writeln!(text, "[process.p{n}]\nrate = \"{k:?}*g{film}\"\ntakes = {{ g{film} = 1 }}").unwrap();
                }
                Part::Happen { at, target, change } => {
                    let name = match target {
                        Target::Field(f) => format!("u{f}"),
                        Target::Film(f) => format!("g{f}"),
                    };
                    let value = match change {
                        Change::Times(factor) => format!("{factor:?}*{name}"),
                        Change::Add(more) => format!("{name} + {more:?}"),
                        Change::To(value) => format!("{value:?}"),
                        Change::Plus(other, share) => format!("{name} + {share:?}*u{other}"),
                    };
                    writeln!(text, "[event.e{n}]\nat = \"{at:?} h\"\nset = {{ {name} = \"{value}\" }}").unwrap();
                }
                _ => {}
            }
        }
        text
    }

    fn field(&self, text: &mut String, f: usize, field: &Field) {
        let mut initial = format!("{:?}", field.mean);
        for (wave, name) in field.waves.iter().zip(["x", "y", "z"]) {
            if let Some(Wave { height, turn }) = wave {
                write!(initial, "*(1 + {height:?}*cos({turn:?}*{name}))").unwrap();
            }
        }
        writeln!(text, "[field.u{f}]\ninitial = \"{initial}\"").unwrap();
        if field.lives.contains(&false) {
            writeln!(text, "lives_in = {}", self.named(&field.lives)).unwrap();
        }
        let living = |values: &[f64]| {
            self.layered(values.iter().zip(&field.lives).map(|(value, lives)| lives.then_some(*value)))
        };
        if field.has_scale() {
            writeln!(text, "scale = 1\nreference_density = {}", living(&field.density)).unwrap();
        }
        for part in &self.parts {
            match part {
                Part::Spread(own, diffusivity) if *own == f => {
                    let value = self.diffusivity(diffusivity, 1.0);
                    let across = self.parts.iter().find_map(|part| match part {
                        Part::Across(own, across) if *own == f => Some(across),
                        _ => None,
                    });
                    if let Some([x, y]) = across {
                        let [x, y] = [x, y].map(|factor| self.diffusivity(diffusivity, *factor));
                        let all = if x == y { format!("lateral = {x}") } else { format!("x = {x}, y = {y}") };
                        writeln!(text, "diffusivity = {{ depth = {value}, {all} }}").unwrap();
                    } else {
                        writeln!(text, "diffusivity = {value}").unwrap();
                    }
                }
                Part::Drift(own, speeds) if *own == f => {
                    let along = speeds.iter().zip(["x", "y", "depth"]).filter_map(|(speeds, axis)| {
                        let values = speeds.as_ref()?;
                        let living = values.iter().zip(&field.lives);
                        Some(format!("{axis} = {}", self.layered(living.map(|(own, lives)| lives.then_some(*own)))))
                    });
                    writeln!(text, "drift = {{ {} }}", along.collect::<Vec<_>>().join(", ")).unwrap();
                }
                Part::Follow { field, along, sensitivity, fills } if *field == f => {
                    let values = sensitivity.iter().enumerate().filter_map(|(layer, value)| {
                        let value = value.as_ref()?;
                        Some(match fills {
                            None => format!("l{layer} = {value:?}"),
                            Some(by) => format!("l{layer} = \"{value:?}/(1 + {by:?}*u{f})\""),
                        })
                    });
                    let values = values.collect::<Vec<_>>().join(", ");
                    writeln!(text, "chemotaxis = [{{ along = \"u{along}\", sensitivity = {{ {values} }} }}]").unwrap();
                }
                Part::Face { field, side, condition } if *field == f => {
                    let value = match condition {
                        Condition::Value(value, course) => format!("value = \"{value:?}{}\"", course.text()),
                        Condition::Exchange(speed, outside, course) => {
                            format!("exchange = {speed:?}, outside = \"{outside:?}{}\"", course.text())
                        }
                        Condition::Flux(flux, course) => format!("flux = \"{flux:?}{}\"", course.text()),
                        Condition::Out(speed) => format!("flux = \"-{speed:?}*u{f}\""),
                        Condition::Film { film, thickness, partition, exchange } => {
                            let exchange = exchange.map(|own| format!(", exchange = {own:?}")).unwrap_or_default();
                            format!(
                                "reservoir = \"g{film}\", thickness = {thickness:?}, partition = {partition:?}{exchange}"
                            )
                        }
                    };
                    writeln!(text, "boundary.{} = {{ {value} }}", FACES[*side]).unwrap();
                }
                _ => {}
            }
        }
    }

    /// A diffusivity, so many times as large.
    fn diffusivity(&self, own: &Diffusivity, factor: f64) -> String {
        let times = if factor == 1.0 { String::new() } else { format!("{factor:?}*") };
        match own {
            Diffusivity::One(value) => format!("\"{times}{value:?}\""),
            Diffusivity::Layers(values) => self.layered(values.iter().map(|value| value.map(|value| factor * value))),
            Diffusivity::OfField { base, slope, by } => format!("\"{times}({base:?} + {slope:?}*u{by})\""),
            Diffusivity::OfDepth { base, slope } => format!("\"{times}{base:?}*(1 + {slope:?}*z)\""),
            Diffusivity::OfTime { base, turn } => format!("\"{times}{base:?}*(1 + 0.5*sin({turn:?}*time))\""),
        }
    }

    fn process(&self, text: &mut String, n: usize, own: &Reaction) {
        let first = own.rates[0];
        let constant = if own.rates.iter().all(|rate| *rate == first) {
            format!("{first:?}")
        } else {
            let values = self.layered(own.rates.iter().map(|rate| Some(*rate)));
            let about = "by = \"layer\"\nevidence = \"assumed\"\nsource = \"test\"";
            writeln!(text, "[constant.k{n}]\nvalue = {values}\n{about}").unwrap();
            format!("k{n}")
        };
        writeln!(text, "[process.p{n}]").unwrap();
        let rate = format!("{constant}{}{}", own.course.text(), own.law.text());
        if let Law::Logistic(field, _) = own.law {
            writeln!(text, "changes = {{ u{field} = \"{rate}\" }}").unwrap();
        } else {
            writeln!(text, "rate = \"{rate}\"").unwrap();
            for (name, list) in [("takes", &own.takes), ("gives", &own.gives)] {
                let list: Vec<_> = list.iter().map(|(field, share)| format!("u{field} = {share:?}")).collect();
                if !list.is_empty() {
                    writeln!(text, "{name} = {{ {} }}", list.join(", ")).unwrap();
                }
            }
        }
        if own.acts.contains(&false) {
            writeln!(text, "layers = {}", self.named(&own.acts)).unwrap();
        }
    }
}
