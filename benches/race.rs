//! Which integrator reaches an accuracy at the least cost? The race by which the default was chosen; it draws the figure of
//! the README and writes its numbers beside it.
//!
//! * **ROS34PW2** — the default: unsplit right-hand side, factorised solve, order 3.
//! * **Strang** — half a step of kinetics, one of transport, half of kinetics; order 2. Each part is solved by one step of
//!   ROS34PW2 that sees nothing else; the error is estimated by step doubling.
//! * **SDIRK** — Kværnø 3(2) (BIT 44, 2004), stiffly accurate: every stage by Newton's method and GMRES, preconditioned by the
//!   very factorised solve that ROS34PW2 uses.
//! * **RK4** — explicit, at the longest stable step and below, where that is affordable.
//! * **BDF, Radau** — SciPy on a smaller system of the same kind, for scale (`scipy.csv`).
//!
//! All land on the same dozen moments. Errors are those of the observables there, relative to the largest deviation of each, against ROS34PW2 at a tight tolerance. Cost is
//! processor time of one thread for each field and cell. `cargo bench --bench race`; `-- quick` takes a part of the tolerances.

use std::sync::Arc;
use std::time::Instant;

use dermasim::base::error::Result;
use dermasim::engine::language::{FieldKind, Model};
use dermasim::engine::medium::Medium;
use dermasim::engine::observe::Observer;
use dermasim::engine::stepper::{Method, Stepping};
use dermasim::engine::stepper::{Stepper, System};
use dermasim::present::plot;
use dermasim::run;
use dermasim::scenario::{Plan, Scenario};
use dermasim::skin::injury;
use dermasim::study::bench::pool;

#[global_allocator]
static MEMORY: dermasim::base::memory::FromLines = dermasim::base::memory::FromLines;

const REFERENCE: f64 = 1e-7;

/// Something to integrate: how the skin begins, until when, and when it is looked at.
struct Course {
    name: &'static str,
    plan: Plan,
    begin: fn(&Plan) -> Result<Medium>,
    looks: Vec<f64>,
}

/// What it took.
struct Run {
    seconds: f64,
    steps: usize,
    values: Vec<Vec<f64>>,
}

fn healing() -> Result<Course> {
    let text = "tissue = \"cheek\"\n[needling]\ndevice = \"skinpen\"\nlength = \"1.5 mm\"\n[course]\nfollowed = \"28 d\"\n\
                [grid]\nstrata = 2\nresolution = 0.5\n";
    let plan = Scenario::from_text("race", text).plan()?;
    let begin = |plan: &Plan| {
        let needling = plan.needle(0, 2)?;
        let mut skin = run::begin(plan, Some(&needling))?;
        System::new(&skin)?.settle(&mut skin)?;
        injury::receive(&mut skin, &needling)?;
        Ok(skin)
    };
    let looks = spread(3600.0, 28.0 * 86_400.0, 12);
    Ok(Course { name: "default model", plan, begin, looks })
}

fn gray_scott() -> Result<Course> {
    let text = "response = \"gray_scott\"\n[slab]\nthickness = \"2.5 mm\"\ncells = 64\n[course]\nfollowed = \"2 d\"\n[grid]\n\
                geometry = \"section\"\nwidth = \"2.5 mm\"\ncells = 64\nperiodic = false\n";
    let plan = Scenario::from_text("race", text).plan()?;
    let looks = spread(7200.0, 2.0 * 86_400.0, 6);
    Ok(Course { name: "Gray–Scott", plan, begin: |plan| run::begin(plan, None), looks })
}

fn spread(from: f64, to: f64, count: usize) -> Vec<f64> {
    (0..count).map(|i| from * (to / from).powf(i as f64 / (count - 1) as f64)).collect()
}

/// Follows a course with steps of one kind; `step` advances the skin and returns whether the step was accepted.
fn follow(course: &Course, plan: &Plan, mut step: impl FnMut(&mut Medium, f64) -> Result<(bool, f64)>) -> Result<Run> {
    let mut skin = (course.begin)(plan)?;
    let mut viewer = System::new(&skin)?;
    let (mut next, mut steps, mut seconds, mut values) = (1.0_f64, 0, 0.0, Vec::new());
    for &look in &course.looks {
        while skin.time < look * (1.0 - 1e-12) {
            let left = look - skin.time;
            // Two even steps rather than a full one and a sliver.
            let own = if next >= left {
                left
            } else if next > 0.5 * left {
                0.5 * left
            } else {
                next
            };
            let begun = Instant::now();
            let (accepted, wanted) = step(&mut skin, own)?;
            seconds += begun.elapsed().as_secs_f64();
            steps += 1;
            assert!(steps < 200_000, "{}: no end of steps", course.name);
            next = if accepted && own < next { wanted.max(next) } else { wanted };
        }
        viewer.refresh(&mut skin)?;
        values.push(Observer::default().look(&skin));
    }
    Ok(Run { seconds, steps, values })
}

/// The default method, as every run uses it, or an explicit one.
fn plain(course: &Course, method: Method, tolerance: f64, fixed: Option<f64>) -> Result<Run> {
    let mut skin = (course.begin)(&course.plan)?;
    let stepping = Stepping { method, tolerance, fixed, ..course.plan.stepping.clone() };
    let mut stepper = Stepper::new(&mut skin, &stepping)?;
    let (mut seconds, mut values) = (0.0, Vec::new());
    for &look in &course.looks {
        let begun = Instant::now();
        stepper.advance(&mut skin, look, &mut |_, _| true)?;
        seconds += begun.elapsed().as_secs_f64();
        values.push(Observer::default().look(&skin));
    }
    let steps = (stepper.count.accepted + stepper.count.rejected) as usize;
    Ok(Run { seconds, steps, values })
}

/// The largest error of a field, as the default method's step control sees it.
struct Norm {
    largest: Vec<f64>,
    lateral: Vec<f64>,
    rest: Vec<f64>,
}

impl Norm {
    fn new(skin: &Medium) -> Self {
        let fields = skin.layout.fields + skin.layout.surface;
        Self { largest: vec![0.0; fields], lateral: skin.grid.lateral_weights(), rest: skin.at_rest().state }
    }

    /// The root mean square of a difference for each field, by volume.
    fn sizes(&self, skin: &Medium, a: &[f64], b: &[f64]) -> Vec<f64> {
        let layout = skin.layout;
        let row = |range: std::ops::Range<usize>| -> f64 {
            let pairs = a[range.clone()].iter().zip(&b[range]).zip(&self.lateral);
            pairs.map(|((a, b), weight)| weight * (a - b).powi(2)).sum()
        };
        let volume = (0..layout.fields)
            .map(|f| (0..layout.nz).map(|z| row(layout.row(z, f)) * skin.grid.z.width(z)).sum::<f64>().sqrt());
        volume.chain((0..layout.surface).map(|f| row(layout.surface_row(f)).sqrt())).collect()
    }

    /// What a typical deviation of each field is allowed to be wrong by.
    fn allowed(&mut self, skin: &Medium, state: &[f64]) -> Vec<f64> {
        let now = self.sizes(skin, state, &self.rest);
        let depth = skin.grid.z.faces[skin.grid.z.len()].sqrt();
        for (f, (largest, now)) in self.largest.iter_mut().zip(now).enumerate() {
            let scale = match f.checked_sub(skin.layout.fields) {
                Some(surface) => skin.compiled.surface[surface].scale.unwrap_or(0.0),
                None => skin.compiled.volume[f].scale.unwrap_or(0.0) * depth,
            };
            *largest = largest.max(now).max(1e-7 * scale);
        }
        self.largest.clone()
    }

    fn error(&mut self, skin: &Medium, a: &[f64], b: &[f64]) -> f64 {
        let allowed = self.allowed(skin, a);
        let errors = self.sizes(skin, a, b);
        errors
            .iter()
            .zip(allowed)
            .map(|(error, allowed)| error / allowed)
            .fold(0.0, |worst: f64, error| if error.is_finite() { worst.max(error) } else { f64::INFINITY })
    }
}

/// The model without transport, or with nothing else. Quasi-steady fields keep their balance in both.
fn part(model: &Model, transport: bool) -> Model {
    let mut model = model.clone();
    let quasi: Vec<String> = model
        .fields
        .iter()
        .filter(|(_, field)| field.kind == FieldKind::QuasiSteady)
        .map(|(name, _)| name.clone())
        .collect();
    if transport {
        for process in model.processes.values_mut() {
            for changed in [&mut process.takes, &mut process.gives, &mut process.changes] {
                changed.retain(|(field, _)| quasi.contains(&field.name));
            }
        }
        model
            .processes
            .retain(|_, process| !(process.takes.is_empty() && process.gives.is_empty() && process.changes.is_empty()));
    } else {
        for field in model.fields.values_mut().filter(|field| field.kind == FieldKind::Volume) {
            field.diffusivity = None;
            field.chemotaxis.clear();
            field.boundary = Default::default();
        }
    }
    model
}

/// Strang splitting with step doubling.
fn strang(course: &Course, tolerance: f64) -> Result<Run> {
    let mut flows = Vec::new();
    for transport in [false, true] {
        let model = Arc::new(part(&course.plan.model, transport));
        let plan = Plan { model, ..course.plan.clone() };
        let mut skin = (course.begin)(&plan)?;
        let stepping = Stepping { tolerance: 1.0, fixed: Some(1.0), ..plan.stepping.clone() };
        let stepper = Stepper::new(&mut skin, &stepping)?;
        flows.push((skin, stepper));
    }
    let mut norm = Norm::new(&(course.begin)(&course.plan)?);
    let mut flow = |which: usize, state: &mut [f64], time: f64, step: f64| -> Result<()> {
        let (skin, stepper) = &mut flows[which];
        skin.state.copy_from_slice(state);
        skin.time = time;
        stepper.restart(skin)?;
        stepper.force(skin, step)?;
        state.copy_from_slice(&skin.state);
        Ok(())
    };
    let mut split = |state: &mut [f64], time: f64, step: f64| -> Result<()> {
        flow(0, state, time, 0.5 * step)?;
        flow(1, state, time, step)?;
        flow(0, state, time + 0.5 * step, 0.5 * step)
    };
    follow(course, &course.plan, |skin, step| {
        let (mut once, mut twice) = (skin.state.clone(), skin.state.clone());
        let tried = split(&mut once, skin.time, step)
            .and_then(|()| split(&mut twice, skin.time, 0.5 * step))
            .and_then(|()| split(&mut twice, skin.time + 0.5 * step, 0.5 * step));
        let error = if tried.is_ok() { norm.error(skin, &twice, &once) / (3.0 * tolerance) } else { f64::INFINITY };
        let growth = if error.is_finite() { (0.85 * error.max(1e-12).cbrt().recip()).clamp(0.15, 4.0) } else { 0.15 };
        if error <= 1.0 {
            skin.state = twice;
            skin.time += step;
        }
        Ok((error <= 1.0, growth * step))
    })
}

/// Kværnø 3(2): nodes, stages; the last stage is the result, the one before it the embedded result.
const GAMMA: f64 = 0.435_866_521_508_459;

fn tableau() -> [[f64; 4]; 4] {
    let g = GAMMA;
    [
        [0.0; 4],
        [g, g, 0.0, 0.0],
        [(-4.0 * g * g + 6.0 * g - 1.0) / (4.0 * g), (-2.0 * g + 1.0) / (4.0 * g), g, 0.0],
        [
            (6.0 * g - 1.0) / (12.0 * g),
            -1.0 / ((24.0 * g - 12.0) * g),
            (-6.0 * g * g + 6.0 * g - 1.0) / (6.0 * g - 3.0),
            g,
        ],
    ]
}

/// The order conditions, so that no digit above is taken on trust.
fn check_tableau() {
    let a = tableau();
    let c: [f64; 4] = std::array::from_fn(|i| a[i].iter().sum());
    let sum = |i: usize, f: &dyn Fn(usize) -> f64| -> f64 { (0..4).map(|j| a[i][j] * f(j)).sum() };
    let close = |left: f64, right: f64| assert!((left - right).abs() < 1e-12, "{left} {right}");
    for i in [2, 3] {
        close(sum(i, &|_| 1.0), 1.0);
        close(sum(i, &|j| c[j]), 0.5);
    }
    close(sum(3, &|j| c[j] * c[j]), 1.0 / 3.0);
    close(sum(3, &|j| sum(j, &|k| c[k])), 1.0 / 6.0);
}

/// An inner product in which each field counts by what is allowed to be wrong of it.
struct Inner(Vec<f64>);

impl Inner {
    fn new(skin: &Medium, allowed: &[f64], lateral: &[f64]) -> Self {
        let layout = skin.layout;
        let mut weights = vec![0.0; skin.state.len()];
        let mut put = |range: std::ops::Range<usize>, measure: f64, allowed: f64| {
            for (own, lateral) in weights[range].iter_mut().zip(lateral) {
                *own = lateral * measure / (allowed * allowed);
            }
        };
        for f in 0..layout.fields {
            (0..layout.nz).for_each(|z| put(layout.row(z, f), skin.grid.z.width(z), allowed[f]));
        }
        (0..layout.surface).for_each(|f| put(layout.surface_row(f), 1.0, allowed[layout.fields + f]));
        Self(weights)
    }

    fn dot(&self, a: &[f64], b: &[f64]) -> f64 {
        self.0.iter().zip(a).zip(b).map(|((weight, a), b)| weight * a * b).sum()
    }

    fn norm(&self, a: &[f64]) -> f64 {
        self.dot(a, a).sqrt()
    }
}

/// A linear map, from one vector into another.
type Map<'a> = &'a mut dyn FnMut(&[f64], &mut [f64]) -> Result<()>;

/// GMRES without restarts: y with ‖r − A y‖ at most `part` of ‖r‖, or the best of thirty directions.
fn gmres(inner: &Inner, right: &[f64], part: f64, apply: Map<'_>) -> Result<Vec<f64>> {
    const MOST: usize = 30;
    let size = inner.norm(right);
    if size == 0.0 {
        return Ok(vec![0.0; right.len()]);
    }
    let mut basis = vec![right.iter().map(|r| r / size).collect::<Vec<f64>>()];
    let (mut upper, mut turns, mut left) = (Vec::<Vec<f64>>::new(), Vec::<(f64, f64)>::new(), vec![size]);
    while upper.len() < MOST {
        let mut next = vec![0.0; right.len()];
        apply(&basis[upper.len()], &mut next)?;
        let mut column = Vec::with_capacity(basis.len() + 1);
        for own in &basis {
            let share = inner.dot(own, &next);
            next.iter_mut().zip(own).for_each(|(next, own)| *next -= share * own);
            column.push(share);
        }
        let rest = inner.norm(&next);
        for (j, (cosine, sine)) in turns.iter().enumerate() {
            let (a, b) = (column[j], column[j + 1]);
            (column[j], column[j + 1]) = (cosine * a + sine * b, cosine * b - sine * a);
        }
        let last = column.len() - 1;
        let length = column[last].hypot(rest);
        let (cosine, sine) = (column[last] / length, rest / length);
        column[last] = length;
        let own = left[last];
        left[last] = cosine * own;
        left.push(-sine * own);
        turns.push((cosine, sine));
        upper.push(column);
        if (sine * own).abs() <= part * size || rest <= 1e-14 * size {
            break;
        }
        basis.push(next.iter().map(|value| value / rest).collect());
    }
    let mut weights = vec![0.0; upper.len()];
    for i in (0..upper.len()).rev() {
        let known: f64 = (i + 1..upper.len()).map(|j| upper[j][i] * weights[j]).sum();
        weights[i] = (left[i] - known) / upper[i][i];
    }
    let mut sum = vec![0.0; right.len()];
    for (weight, own) in weights.iter().zip(&basis) {
        sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += weight * own);
    }
    Ok(sum)
}

/// The right-hand side at any state.
struct Rates {
    system: System,
    probe: Medium,
}

impl Rates {
    fn at(&mut self, state: &[f64], time: f64, out: &mut [f64]) -> Result<()> {
        self.probe.state.copy_from_slice(state);
        self.probe.time = time;
        self.system.refresh(&mut self.probe)?;
        self.system.rates(&self.probe, out);
        Ok(())
    }

    /// Factors of the preconditioner for θ = γ·step at a state.
    fn factorise(&mut self, state: &[f64], time: f64, step: f64, spare: &mut [f64]) -> Result<()> {
        self.at(state, time, spare)?;
        self.system.prepare(GAMMA * step);
        self.system.stage_of(&self.probe, true, GAMMA, step, spare);
        Ok(())
    }

    /// Newton's method for u = known + θ F(u); `state` holds the first guess. Whether it converged.
    fn newton(
        &mut self,
        inner: &Inner,
        known: &[f64],
        [theta, time, enough]: [f64; 3],
        state: &mut [f64],
    ) -> Result<bool> {
        let n = state.len();
        let (mut rate, mut moved) = (vec![0.0; n], vec![0.0; n]);
        let mut last = f64::INFINITY;
        for _ in 0..8 {
            self.at(state, time, &mut rate)?;
            let residual: Vec<f64> = (0..n).map(|p| known[p] + theta * rate[p] - state[p]).collect();
            // Right preconditioning: (I − θF′) P⁻¹ y = r, then P⁻¹ y is the change.
            let mut change = gmres(inner, &residual, 0.1, &mut |direction, out| {
                let mut solved = direction.to_vec();
                self.system.solve(&mut solved);
                let little = 1e-4 / inner.norm(&solved).max(1e-300);
                (0..n).for_each(|p| moved[p] = state[p] + little * solved[p]);
                self.at(&moved, time, out)?;
                (0..n).for_each(|p| out[p] = solved[p] - theta * (out[p] - rate[p]) / little);
                Ok(())
            })?;
            self.system.solve(&mut change);
            state.iter_mut().zip(&change).for_each(|(state, change)| *state += change);
            let size = inner.norm(&change);
            if !size.is_finite() || size > 2.0 * last {
                return Ok(false);
            }
            last = size;
            if size <= enough {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// SDIRK with Newton's method and GMRES.
fn sdirk(course: &Course, tolerance: f64) -> Result<Run> {
    let mut probe = (course.begin)(&course.plan)?;
    let mut system = System::new(&probe)?;
    system.settle(&mut probe)?;
    system.ask(1e-3 * tolerance);
    let mut norm = Norm::new(&probe);
    let n = probe.state.len();
    let mut rates = Rates { system, probe };
    let a = tableau();
    follow(course, &course.plan, |skin, step| {
        let allowed = norm.allowed(skin, &skin.state);
        let inner = Inner::new(skin, &allowed, &norm.lateral);
        let mut k: [Vec<f64>; 4] = std::array::from_fn(|_| vec![0.0; n]);
        let mut state = skin.state.clone();
        let mut stages = || -> Result<bool> {
            rates.factorise(&skin.state, skin.time, step, &mut k[0])?;
            rates.at(&skin.state, skin.time, &mut k[0])?;
            for i in 1..4 {
                let sum = |p: usize| (0..i).map(|j| a[i][j] * k[j][p]).sum::<f64>();
                let known: Vec<f64> = (0..n).map(|p| skin.state[p] + step * sum(p)).collect();
                let time = skin.time + a[i].iter().sum::<f64>() * step;
                if !rates.newton(&inner, &known, [GAMMA * step, time, 0.1 * tolerance], &mut state)? {
                    return Ok(false);
                }
                (0..n).for_each(|p| k[i][p] = (state[p] - known[p]) / (GAMMA * step));
            }
            Ok(true)
        };
        let error = if stages().unwrap_or(false) {
            let sum = |p: usize| (0..4).map(|j| a[2][j] * k[j][p]).sum::<f64>();
            let embedded: Vec<f64> = (0..n).map(|p| skin.state[p] + step * sum(p)).collect();
            norm.error(skin, &state, &embedded) / tolerance
        } else {
            f64::INFINITY
        };
        let growth = if error.is_finite() { (0.85 * error.max(1e-12).cbrt().recip()).clamp(0.15, 4.0) } else { 0.25 };
        if error <= 1.0 {
            skin.state.copy_from_slice(&state);
            skin.time += step;
        }
        Ok((error <= 1.0, growth * step))
    })
}

/// The largest error of an observable, relative to its largest deviation.
fn error(reference: &Run, run: &Run) -> (f64, usize) {
    let observables = reference.values[0].len();
    let of = |o: usize| {
        let first = reference.values[0][o];
        let peak = reference.values.iter().map(|row| (row[o] - first).abs()).fold(0.0, f64::max);
        let off = reference.values.iter().zip(&run.values).map(|(a, b)| (a[o] - b[o]).abs()).fold(0.0, f64::max);
        if peak > 0.0 { off / peak } else { 0.0 }
    };
    (0..observables).map(|o| (of(o), o)).fold((0.0, 0), |worst, own| if own.0 > worst.0 { own } else { worst })
}

fn main() -> Result<()> {
    check_tableau();
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "quick");
    let ladder: &[f64] = if quick { &[1e-2, 1e-3] } else { &[1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5] };
    pool(1)?.install(|| race(ladder))
}

fn race(ladder: &[f64]) -> Result<()> {
    let mut points = Vec::new();
    for course in [healing()?, gray_scott()?] {
        let size = {
            let skin = (course.begin)(&course.plan)?;
            (skin.grid.cells() * (skin.layout.fields + skin.layout.surface)) as f64
        };
        let reference = plain(&course, Method::Implicit, REFERENCE, None)?;
        println!("{}: {size} fields and cells; reference {} steps", course.name, reference.steps);
        println!(
            "{:<10} {:>9} {:>7} {:>9} {:>12}  error",
            "method", "tolerance", "steps", "seconds", "us/(field cell)"
        );
        let mut tell = |method: &str, tolerance: f64, run: Result<Run>| match run {
            Err(problem) => println!("{method:<10} {tolerance:>9.0e}  {problem}"),
            Ok(run) => {
                let (error, worst) = error(&reference, &run);
                let cost = 1e6 * run.seconds / size;
                let name = course.plan.model.observables.keys().nth(worst).map_or("", String::as_str);
                println!(
                    "{method:<10} {tolerance:>9.0e} {:>7} {:>9.3} {cost:>12.3}  {error:.2e} {name}",
                    run.steps, run.seconds
                );
                points.push(plot::Precision {
                    problem: course.name.into(),
                    method: method.into(),
                    tolerance,
                    steps: run.steps,
                    cost,
                    error,
                });
            }
        };
        for &tolerance in ladder {
            tell("ROS34PW2", tolerance, plain(&course, Method::Implicit, tolerance, None));
            tell("SDIRK", tolerance, sdirk(&course, tolerance));
            // Tighter ones take minutes, far above the others already.
            if tolerance >= 3e-3 {
                tell("Strang", tolerance, strang(&course, tolerance));
            }
        }
        if course.name == "Gray–Scott" {
            // The longest stable step of diffusion, 1140 s, is far too long for the kinetics.
            for step in [600.0, 300.0, 120.0, 60.0, 30.0] {
                tell("RK4", 0.0, plain(&course, Method::Explicit, 1e-3, Some(step)));
            }
        }
    }
    let scale = include_str!("scipy.csv").lines().filter(|line| !line.starts_with('#')).skip(1);
    for line in scale {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse::<f64>().expect("a number");
        points.push(plot::Precision {
            problem: "default model".into(),
            method: format!("SciPy {}", cells[0]),
            tolerance: number(1),
            steps: 0,
            cost: 1e6 * number(4) / (22.0 * 48.0),
            error: number(5),
        });
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/race");
    for figure in plot::draw_precision(&points, &folder)? {
        println!("{} in {}", figure.stem, folder.display());
    }
    Ok(())
}
