//! The error that `refine` states, on problems whose solutions are known: kinetics, columns, sections, tiles and discs; layers,
//! films, pulses, fronts, stiff and not. It covers the true error in nearly all, and is not many times larger.
//!
//! `cargo test --test refine -- --nocapture` prints the list.

mod common;

use std::f64::consts::PI;
use std::sync::Arc;

use dermasim::engine::observe::Record;
use dermasim::run;
use dermasim::scenario::{Plan, Scenario};
use dermasim::study::{Levels, RefinementVerdict};

use common::series::{bessel, erf, grown, grown_slope, mean_of, zeros};

/// A problem with one observable `o`, whose course is known.
struct Case {
    name: &'static str,
    /// Fields and processes; lengths in mm, times in h.
    model: String,
    /// `[slab]`, `[grid]` and what else a scenario may hold.
    setting: String,
    /// Moments [h].
    times: Vec<f64>,
    exact: Box<dyn Fn(f64) -> f64>,
}

fn case(
    name: &'static str,
    model: impl Into<String>,
    setting: impl Into<String>,
    times: &[f64],
    exact: impl Fn(f64) -> f64 + 'static,
) -> Case {
    Case { name, model: model.into(), setting: setting.into(), times: times.to_vec(), exact: Box::new(exact) }
}

/// A field that may be negative.
fn field(name: &str, initial: &str, more: &str) -> String {
    format!("[field.{name}]\nwhat = \"f\"\nsigned = true\nrest = 0\ninitial = \"{initial}\"\n{more}\n")
}

fn rate(of: &str, rate: &str) -> String {
    format!("[process.{of}_changes]\nwhat = \"p\"\nchanges = {{ {of} = \"{rate}\" }}\n")
}

fn observed(value: &str) -> String {
    format!("[observable.o]\nwhat = \"o\"\nvalue = \"{value}\"\n")
}

fn point() -> String {
    "[slab]\n[grid]\ngeometry = \"point\"\n".into()
}

fn column(thickness: f64, cells: usize) -> String {
    format!(
        "[slab]\nthickness = \"{thickness} mm\"\ncells = {cells}\n[grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 1\n"
    )
}

fn across(cells: usize, deep: usize, periodic: bool) -> String {
    format!(
        "[slab]\nthickness = \"1 mm\"\ncells = {deep}\n[grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = {cells}\nperiodic = {periodic}\n"
    )
}

fn disc(deep: usize) -> String {
    format!(
        "[slab]\nthickness = \"1 mm\"\ncells = {deep}\n[grid]\ngeometry = \"cells\"\nradius = \"1 mm\"\nspacing = \"20 um\"\n"
    )
}

const MEAN: &str = "mean(u, all)";
const SQUARE: &str = "mean(u^2, all)";

fn kinetics() -> Vec<Case> {
    let t = [0.5, 1.0, 2.0, 4.0, 8.0];
    let one = |initial: &str, change: &str| field("u", initial, "") + &rate("u", change) + &observed(MEAN);
    vec![
        case("decay", one("1", "-u"), point(), &t, |t| (-t).exp()),
        case("logistic growth", one("0.1", "u*(1-u)"), point(), &t, |t| 0.1 * t.exp() / (0.9 + 0.1 * t.exp())),
        case("second order", one("1", "-u^2"), point(), &t, |t| 1.0 / (1.0 + t)),
        case("saturated", one("1", "-u/(1+u)"), point(), &t, |t| {
            // u + ln u = 1 − t.
            let (mut low, mut high) = (1e-12_f64, 1.0_f64);
            for _ in 0..200 {
                let middle = 0.5 * (low + high);
                if middle + middle.ln() > 1.0 - t { high = middle } else { low = middle }
            }
            low
        }),
        case("stiff, driven", one("1", "-1e4*(u - cos(time)) - sin(time)"), point(), &t, f64::cos),
        case("pulse", one("0", "exp(-((time-5)/0.5)^2)"), point(), &t, |t| {
            0.25 * PI.sqrt() * (erf((t - 5.0) / 0.5) + erf(10.0))
        }),
        case("pulse and decay", one("0", "-u + 10*exp(-((time-3)/0.2)^2)"), point(), &[2.0, 3.0, 3.2, 4.0, 6.0], |t| {
            2.0 * (3.01 - t).exp() * 0.5 * PI.sqrt() * (erf((t - 3.0) / 0.2 - 0.1) + erf(15.1))
        }),
        case(
            "chain",
            field("u", "1", "")
                + &field("v", "0", "")
                + &rate("u", "-u")
                + &rate("v", "u - 2*v")
                + &observed("mean(v, all)"),
            point(),
            &t,
            |t| (-t).exp() - (-2.0 * t).exp(),
        ),
        case(
            "oscillation",
            field("u", "1", "") + &field("v", "0", "") + &rate("u", "v") + &rate("v", "-u") + &observed(MEAN),
            point(),
            &t,
            f64::cos,
        ),
        // Robertson (1966), at 40 of its units of time.
        case(
            "Robertson",
            field("u", "1", "")
                + &field("v", "0", "")
                + &field("w", "0", "")
                + &rate("u", "-0.04*u + 1e4*v*w")
                + &rate("v", "0.04*u - 1e4*v*w - 3e7*v^2")
                + &rate("w", "3e7*v^2")
                + &observed(MEAN),
            point(),
            &[40.0],
            |t| if t == 0.0 { 1.0 } else { 0.715_827_068_719_41 },
        ),
    ]
}

/// Uptake of a slab through its fixed top.
fn slab_fixed(t: f64) -> f64 {
    let term = |n: i32| {
        let odd = PI * f64::from(2 * n + 1);
        8.0 / (odd * odd) * (-0.25 * odd * odd * t).exp()
    };
    1.0 - (0..4000).map(term).sum::<f64>()
}

fn columns() -> Vec<Case> {
    let early = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
    let late = [1.0, 20.0];
    let spreading = |initial: &str, more: &str, value: &str| {
        field("u", initial, &format!("diffusivity = 1\n{more}")) + &observed(value)
    };
    let top = "boundary.top = { value = 1 }\n";
    let both = "boundary.top = { value = 1 }\nboundary.bottom = { value = 0 }\n";
    let resists = zeros(|x| x * x.sin() - 2.0 * x.cos());
    vec![
        case("slab, fixed top", spreading("0", top, MEAN), column(1.0, 20), &early, slab_fixed),
        case(
            "slab, resistance",
            spreading("0", "boundary.top = { exchange = 2, outside = 1 }", MEAN),
            column(1.0, 20),
            &early,
            move |t| 1.0 - resists.iter().map(|a| 8.0 / (a * a * (a * a + 6.0)) * (-a * a * t).exp()).sum::<f64>(),
        ),
        case("slab, closed", spreading("1 + cos(3.141592653589793*depth)", "", SQUARE), column(1.0, 20), &early, |t| {
            1.0 + 0.5 * (-2.0 * PI * PI * t).exp()
        }),
        case("membrane", spreading("0", both, MEAN), column(1.0, 20), &early, |t| {
            let term = |n: i32| {
                let odd = PI * f64::from(2 * n + 1);
                4.0 / (odd * odd) * (-odd * odd * t).exp()
            };
            0.5 - (0..4000).map(term).sum::<f64>()
        }),
        case(
            "diffusion and decay, steady",
            spreading("0", top, MEAN) + &rate("u", "-9*u"),
            column(1.0, 20),
            &[20.0],
            |t| if t == 0.0 { 0.0 } else { 3.0_f64.tanh() / 3.0 },
        ),
        case(
            "source between sinks, highest",
            spreading("0", "boundary.top = { value = 0 }\nboundary.bottom = { value = 0 }", "maximum(u, all)")
                + &rate("u", "8"),
            column(1.0, 15),
            &late,
            |t| if t == 0.0 { 0.0 } else { 1.0 },
        ),
        case(
            "diffusivity of depth, steady",
            field("u", "0", &format!("diffusivity = \"1 + depth\"\n{both}")) + &observed(MEAN),
            column(1.0, 20),
            &[20.0],
            |t| if t == 0.0 { 0.0 } else { 1.0 / 2.0_f64.ln() - 1.0 },
        ),
        case(
            "narrow peak, highest",
            spreading("exp(-((depth-0.5)/0.05)^2)", "", "maximum(u, all)"),
            column(1.0, 41),
            &[0.001, 0.002, 0.004],
            |t| 0.05 / (0.0025 + 4.0 * t).sqrt(),
        ),
        case(
            "film",
            spreading("if(depth < 0.03, 1, 0)", "", SQUARE),
            column(1.0, 20),
            &[0.002, 0.005, 0.01, 0.02],
            |t| {
                if t == 0.0 {
                    return 0.03;
                }
                let wide = (4.0 * t).sqrt();
                mean_of(0.0, 1.0, |z| (0.5 * (erf((0.03 - z) / wide) + erf((0.03 + z) / wide))).powi(2))
            },
        ),
        case(
            "two that spread, one to the other",
            field("u", "1 + cos(3.141592653589793*depth)", "diffusivity = 1")
                + &field("v", "0", "diffusivity = 0.3")
                + &rate("u", "-2*u")
                + &rate("v", "2*u")
                + &observed("mean(v^2, all)"),
            column(1.0, 20),
            &early,
            |t| {
                let (fast, slow) = (PI * PI + 2.0, 0.3 * PI * PI);
                let part = 2.0 * ((-slow * t).exp() - (-fast * t).exp()) / (fast - slow);
                (1.0 - (-2.0 * t).exp()).powi(2) + 0.5 * part * part
            },
        ),
        case(
            "front of growth",
            field(
                "u",
                "(1 + exp((depth-10)/sqrt(6)))^(-2)",
                "diffusivity = 1\nboundary.top = { value = \"(1 + exp((-10 - 5*time/sqrt(6))/sqrt(6)))^(-2)\" }\n
                boundary.bottom = { value = \"(1 + exp((30 - 5*time/sqrt(6))/sqrt(6)))^(-2)\" }",
            ) + &rate("u", "u*(1-u)")
                + &observed(MEAN),
            column(40.0, 120),
            &[1.0, 3.0, 6.0],
            |t| mean_of(0.0, 40.0, |z| (1.0 + ((z - 10.0 - 5.0 * t / 6.0_f64.sqrt()) / 6.0_f64.sqrt()).exp()).powi(-2)),
        ),
        case(
            "front between two states",
            field(
                "u",
                "1/(1 + exp((depth-8)/sqrt(2)))",
                "diffusivity = 1\nboundary.top = { value = \"1/(1 + exp((-8 - 0.5*time/sqrt(2))/sqrt(2)))\" }\n
                boundary.bottom = { value = \"1/(1 + exp((12 - 0.5*time/sqrt(2))/sqrt(2)))\" }",
            ) + &rate("u", "u*(1-u)*(u-0.25)")
                + &observed(MEAN),
            column(20.0, 60),
            &[1.0, 4.0, 8.0],
            |t| mean_of(0.0, 20.0, |z| 1.0 / (1.0 + ((z - 8.0 - 0.5 * t / 2.0_f64.sqrt()) / 2.0_f64.sqrt()).exp())),
        ),
        case(
            "spreading by its own density",
            field("u", "max(0, 0.5 - depth^2/6)", "diffusivity = \"max(u, 0)\"") + &observed(SQUARE),
            column(4.0, 60),
            &[1.0, 3.0, 7.0],
            |t| {
                let own = t + 1.0;
                mean_of(0.0, 4.0, |z| {
                    (own.powf(-1.0 / 3.0) * (0.5 - z * z / (6.0 * own.powf(2.0 / 3.0))).max(0.0)).powi(2)
                })
            },
        ),
        case(
            "waves from the surface",
            field("u", "-exp(-2*depth)*sin(2*depth)", "diffusivity = 1\nboundary.top = { value = \"sin(8*time)\" }")
                + &observed(MEAN),
            column(5.0, 60),
            &[0.1, 0.3, 0.5, 1.0],
            |t| mean_of(0.0, 5.0, |z| (-2.0 * z).exp() * (8.0 * t - 2.0 * z).sin()),
        ),
    ]
}

/// e^(−t) (1 + aᵢ cos πz) in two halves: mean square.
fn halves(t: f64, a: [f64; 2]) -> f64 {
    (-2.0 * t).exp() * (1.0 + 0.25 * (a[0] * a[0] + a[1] * a[1]) + 2.0 * (a[0] - a[1]) / PI)
}

fn layers() -> Vec<Case> {
    let two = "tissue = \"two.toml\"\n@\n[grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 1\n";
    let early = [0.1, 0.3, 1.0];
    let source = |flux: &str, a: [f64; 2]| {
        let at = |a: f64, flux: &str| {
            format!(
                "-exp(-time)*(1 + {a:?}*cos(3.141592653589793*depth)) + {flux}*3.141592653589793*cos(3.141592653589793*depth)*exp(-time)"
            )
        };
        let fluxes: Vec<&str> = flux.split(',').collect();
        rate("u", &format!("if(depth < 0.5, {}, {})", at(a[0], fluxes[0]), at(a[1], fluxes[1])))
    };
    let manufactured = |more: &str, flux: &str, a: [f64; 2]| {
        let initial = format!(
            "if(depth < 0.5, 1 + {:?}*cos(3.141592653589793*depth), 1 + {:?}*cos(3.141592653589793*depth))",
            a[0], a[1]
        );
        field("u", &initial, more) + &source(flux, a) + &observed(SQUARE)
    };
    let jump = [1.0 / (PI * 0.1), 1.0 / (PI * 0.7)];
    let partition = [1.0 / (PI * 0.3), 1.0 / (PI * 4.0 * 0.3)];
    vec![
        case(
            "layers of two diffusivities",
            manufactured("diffusivity = { skin_a = 0.1, skin_b = 0.7 }", "1,1", jump),
            two,
            &early,
            move |t| halves(t, jump),
        ),
        case(
            "layers with a partition",
            manufactured("diffusivity = 0.3\nreference_density = { skin_a = 1, skin_b = 4 }", "1,0.25", partition),
            two,
            &early,
            move |t| halves(t, partition),
        ),
        case(
            "a jump inside a layer",
            manufactured("diffusivity = \"if(depth < 0.5, 0.1, 0.7)\"", "1,1", jump),
            column(1.0, 15),
            &early,
            move |t| halves(t, jump),
        ),
    ]
}

fn planes() -> Vec<Case> {
    let early = [0.01, 0.02, 0.05, 0.1];
    let spreading = |initial: &str, more: &str, value: &str| {
        field("u", initial, &format!("diffusivity = 1\n{more}")) + &observed(value)
    };
    let p = "3.141592653589793";
    vec![
        case(
            "section, sides meet",
            spreading(&format!("1 + cos(2*{p}*x)"), "", SQUARE),
            across(20, 1, true),
            &early,
            |t| 1.0 + 0.5 * (-8.0 * PI * PI * t).exp(),
        ),
        case(
            "section, both ways",
            spreading(&format!("cos({p}*x)*cos({p}*depth)"), "", SQUARE),
            across(16, 16, false),
            &early,
            |t| 0.25 * (-4.0 * PI * PI * t).exp(),
        ),
        case(
            "section, fixed side",
            spreading("0", "boundary.left = { value = 1 }", MEAN),
            across(20, 1, false),
            &[0.02, 0.1, 0.5],
            slab_fixed,
        ),
        case(
            "tile",
            spreading(&format!("cos({p}*x)*cos({p}*y)*cos({p}*depth)"), "", SQUARE),
            "[slab]\nthickness = \"1 mm\"\ncells = 8\n[grid]\ngeometry = \"tile\"\nwidth = \"1 mm\"\ncells = 8\nperiodic = false\n",
            &early,
            |t| 0.125 * (-6.0 * PI * PI * t).exp(),
        ),
    ]
}

fn discs() -> Vec<Case> {
    let early = [0.02, 0.05, 0.1, 0.3];
    let spreading = |initial: &str, more: &str, value: &str| {
        field("u", initial, &format!("diffusivity = 1\n{more}")) + &observed(value)
    };
    let fixed = |alpha: &[f64], t: f64| alpha.iter().map(|a| 4.0 / (a * a) * (-a * a * t).exp()).sum::<f64>();
    let [first, second] = [(); 2].map(|()| zeros(|x| bessel(0.0, x)));
    let biot = 2.0;
    let resists = zeros(|x| x * bessel(1.0, x) - biot * bessel(0.0, x));
    let peak = |r: f64| (-(r / 0.4).powi(2)).exp();
    let parts: Vec<(f64, f64)> = zeros(|x| bessel(1.0, x))
        .into_iter()
        .take(12)
        .map(|b| (b, mean_of(0.0, 1.0, |r| 2.0 * r * peak(r) * bessel(0.0, b * r)) / bessel(0.0, b)))
        .collect();
    let mean = mean_of(0.0, 1.0, |r| 2.0 * r * peak(r));
    let rim = "boundary.right = { value = 1 }";
    vec![
        case("disc, fixed rim", spreading("0", rim, MEAN), disc(1), &early, move |t| {
            if t == 0.0 { 0.0 } else { 1.0 - fixed(&first, t) }
        }),
        case(
            "disc, resistance",
            spreading("0", "boundary.right = { exchange = 2, outside = 1 }", MEAN),
            disc(1),
            &early,
            move |t| {
                let term = |a: &f64| 4.0 * biot * biot / (a * a * (a * a + biot * biot)) * (-a * a * t).exp();
                if t == 0.0 { 0.0 } else { 1.0 - resists.iter().map(term).sum::<f64>() }
            },
        ),
        case("disc, closed", spreading("exp(-(x/0.4)^2)", "", SQUARE), disc(1), &early, move |t| {
            mean * mean + parts.iter().map(|(b, c)| c * c * (-2.0 * b * b * t).exp()).sum::<f64>()
        }),
        case("disc, decay, steady", spreading("0", rim, MEAN) + &rate("u", "-9*u"), disc(1), &[20.0], |t| {
            if t == 0.0 { 0.0 } else { 2.0 * grown_slope(3.0) / (3.0 * grown(3.0)) }
        }),
        case(
            "disc, fixed rim and top",
            spreading("0", &format!("{rim}\nboundary.top = {{ value = 1 }}"), MEAN),
            disc(20),
            &early,
            move |t| if t == 0.0 { 0.0 } else { 1.0 - fixed(&second, t) * (1.0 - slab_fixed(t)) },
        ),
        case(
            "disc, narrow peak, highest",
            spreading("exp(-(x/0.1)^2)", "", "maximum(u, all)"),
            disc(1),
            &[0.002, 0.005, 0.01],
            |t| 0.01 / (0.01 + 4.0 * t),
        ),
    ]
}

const TWO: &str = "what = \"two layers\"
[layer.skin_a]\nspacing = [\"40 um\", \"40 um\"]
thickness = { value = \"0.5 mm\", evidence = \"assumed\", source = \"t\" }
stiffness = { value = \"1 kPa\", evidence = \"assumed\", source = \"t\" }
[layer.skin_b]\nspacing = [\"40 um\", \"40 um\"]
thickness = { value = \"0.5 mm\", evidence = \"assumed\", source = \"t\" }
stiffness = { value = \"1 kPa\", evidence = \"assumed\", source = \"t\" }\n";

/// The verdict on a scenario, and the run as it is.
fn judged(folder: &std::path::Path, model: &str, setting: &str, times: &[f64]) -> (RefinementVerdict, Record) {
    let model = format!("name = \"m\"\nwhat = \"m\"\n[constant]\n[scale]\nlength = \"1 mm\"\ntime = \"1 h\"\n{model}");
    let end = times[times.len() - 1];
    let at: Vec<String> = times.iter().map(|time| format!("\"{time:?} h\"")).collect();
    // What stands before the first table, then the tables.
    let (head, tables) = setting.split_once("@\n").unwrap_or(("", setting));
    let scenario = format!(
        "question = \"q\"\nresponse = \"m.toml\"\n{head}{tables}[course]\nfollowed = \"{end:?} h\"\n[observe]\nat = [{}]\n",
        at.join(", ")
    );
    for (name, text) in [("m.toml", &*model), ("two.toml", TWO), ("s.toml", &*scenario)] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    let mut first = None;
    let mut run = |what: &str, plan: &Arc<Plan>| {
        let record = run::run(plan, &mut |_| true)?.record;
        if what == "as it is" {
            first = Some(record.clone());
        }
        Ok(record)
    };
    let scenario = Scenario::read(&folder.join("s.toml")).unwrap_or_else(|error| panic!("{error}\n{scenario}"));
    let verdict = Levels::of(&scenario, std::f64::consts::SQRT_2).and_then(|levels| levels.judge(&mut run));
    let verdict = verdict.unwrap_or_else(|error| panic!("{error}\n{model}"));
    (verdict, first.expect("a first run"))
}

#[test]
fn the_stated_error_covers_the_true_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases: Vec<Case> = [kinetics(), columns(), layers(), planes(), discs()].into_iter().flatten().collect();
    assert!(cases.len() >= 30);
    let (mut over, mut missed) = (Vec::new(), Vec::new());
    println!("{:<36} {:>10} {:>10} {:>8} {:>6} {:>6}", "problem", "true", "stated", "ratio", "grid", "time");
    for Case { name, model, setting, times, exact } in &cases {
        let (verdict, first) = judged(folder.path(), model, setting, times);
        let column = first.headings.iter().position(|heading| heading.name == "o").expect("an observable");
        let away = |(time, row): (&f64, &Vec<f64>)| (row[column] - exact(time / 3600.0)).abs();
        let is = first.times.iter().zip(&first.values).map(away).fold(0.0, f64::max);
        let [errors] = &verdict.moving[..] else { panic!("{name}: {verdict:?}") };
        let stated: f64 = [errors.grid, errors.time].into_iter().flatten().map(|part| part.error).sum();
        let order = |part: Option<dermasim::study::Refinement>| match part.and_then(|part| part.order) {
            Some(order) => format!("{order:.2}"),
            None => "–".into(),
        };
        println!(
            "{name:<36} {is:>10.2e} {stated:>10.2e} {:>8.2} {:>6} {:>6}{}",
            stated / is,
            order(errors.grid),
            order(errors.time),
            if is <= stated { "" } else { "  not covered" }
        );
        if is > stated {
            missed.push(*name);
        }
        // Rounding says nothing of the estimate.
        if is > 1e-11 {
            over.push(stated / is);
        }
    }
    over.sort_by(f64::total_cmp);
    let median = over[over.len() / 2];
    println!("{} of {} covered; median {median:.2}", cases.len() - missed.len(), cases.len());
    // 28 of 30.
    assert!(15 * missed.len() <= cases.len(), "{missed:?}");
    assert!(median <= 10.0, "{median}");
}

#[test]
fn what_the_coarse_grid_misses_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    // A source between two centres of the coarse grid that no face bounds, for it moves.
    let model = field("u", "0", "")
        + &rate("u", "if(depth > 0.02 + 0.001*time and depth < 0.03 + 0.001*time, 1, 0)")
        + &field("v", "0", "")
        + &rate("v", "0*v")
        + &field("w", "0", "")
        + &rate("w", "1")
        + "[observable.u]\nwhat = \"o\"\nvalue = \"mean(u, all)\"\n[observable.v]\nwhat = \"o\"\nvalue = \"mean(v, all)\"\n"
        + "[observable.w]\nwhat = \"o\"\nvalue = \"log(mean(w, all))\"\n";
    let (verdict, _) = judged(folder.path(), &model, &column(1.0, 9), &[1.0]);
    let [u] = &verdict.moving[..] else { panic!("{verdict:?}") };
    assert!(u.name == "u" && u.missed && u.share() >= 1.0, "{u:?}");
    assert_eq!(verdict.still, ["v"]);
    assert_eq!(verdict.not_finite, ["w"]);
}
