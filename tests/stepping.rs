//! How far steps may be trusted: small populations, troughs, decays through many orders, switches of state, sources that begin
//! at nothing, invariants, and the order in time.

mod common;

use common::*;
use dermasim::engine::grid::Geometry;
use dermasim::engine::stepper::{Method, Stepping};

const SCALE: &str = "[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n";

fn model(body: &str) -> String {
    format!("name = \"m\"\nwhat = \"a test\"\n{SCALE}{body}")
}

fn field(name: &str, initial: f64) -> String {
    format!("[field.{name}]\nwhat = \"{name}\"\nrest = 0\ninitial = \"{initial:e}\"\n")
}

fn process(name: &str, does: &str) -> String {
    format!("[process.{name}]\nwhat = \"{name}\"\n{does}\n")
}

fn point() -> Geometry {
    Geometry::Point { layer: "medium".into() }
}

fn at(tolerance: f64) -> Stepping {
    Stepping { method: Method::Implicit, tolerance, absolute: 1e-6, longest: 1e9, fixed: None }
}

/// The values of the fields of a point at `end`.
fn solved(text: &str, stepping: &Stepping, end: f64) -> Vec<f64> {
    let mut skin = skin(text, &point(), &medium(1), 0);
    advance(&mut skin, stepping, end);
    (0..skin.layout.fields).map(|f| skin.state[skin.layout.row(0, f)][0]).collect()
}

fn close(got: f64, right: f64, relative: f64, what: &str) {
    assert!((got - right).abs() <= relative * right.abs(), "{what}: {got:e}, right is {right:e}");
}

/// Lotka–Volterra with all rates 1. `rates` of prey and predator for the plain reference.
fn lotka_volterra(prey: f64, predator: f64) -> String {
    model(
        &[
            field("u", prey),
            field("v", predator),
            process("birth", "rate = \"u\"\ngives = { u = 1 }"),
            process("eaten", "rate = \"u*v\"\ntakes = { u = 1 }\ngives = { v = 1 }"),
            process("death", "rate = \"v\"\ntakes = { v = 1 }"),
        ]
        .concat(),
    )
}

/// Runge–Kutta of order four with so small steps that only rounding is left, in the logarithms, which know no troughs.
fn lotka_volterra_exactly(prey: f64, predator: f64, end: f64) -> [f64; 2] {
    let rate = |[p, q]: [f64; 2]| [1.0 - q.exp(), p.exp() - 1.0];
    let steps = 400_000;
    let h = end / steps as f64;
    let mut y = [prey.ln(), predator.ln()];
    for _ in 0..steps {
        let add = |k: [f64; 2], part: f64| [y[0] + part * h * k[0], y[1] + part * h * k[1]];
        let k1 = rate(y);
        let k2 = rate(add(k1, 0.5));
        let k3 = rate(add(k2, 0.5));
        let k4 = rate(add(k3, 1.0));
        y = std::array::from_fn(|i| y[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]));
    }
    y.map(f64::exp)
}

#[test]
fn populations_come_back_from_troughs() {
    // From (12, 0.1) both populations fall below 1e-5; a predator cut to zero would stay extinct and prey reach 1e27.
    let right = lotka_volterra_exactly(12.0, 0.1, 100.0);
    close(right[0], 0.028, 0.02, "the reference, prey");
    let got = solved(&lotka_volterra(12.0, 0.1), &at(1e-6), 100.0);
    for (got, right) in got.iter().zip(right) {
        close(*got, right, 0.01, "after fifteen turns at 1e-6");
    }
    let right = lotka_volterra_exactly(12.0, 0.1, 20.0);
    let got = solved(&lotka_volterra(12.0, 0.1), &at(1e-4), 20.0);
    for (got, right) in got.iter().zip(right) {
        close(*got, right, 0.01, "after the first troughs at 1e-4");
    }
}

#[test]
fn the_unit_of_a_population_does_not_matter() {
    // Logistic growth from a millionth of the capacity, with a capacity of 1e-9 and of 1e9 of the unit.
    for size in [1e-9, 1.0, 1e9] {
        let text = model(
            &[field("u", 1e-6 * size), process("growth", &format!("changes = {{ u = \"u*(1 - u/{size:e})\" }}"))]
                .concat(),
        );
        for end in [5.0, 14.0, 30.0_f64] {
            let right = size / (1.0 + (1e6 - 1.0) * (-end).exp());
            close(solved(&text, &at(1e-4), end)[0], right, 3e-3, &format!("size {size:e} at {end}"));
        }
    }
}

#[test]
fn a_decay_is_known_through_many_orders() {
    // To 1e-6 of what it was the relative error is bounded: steps times the tolerance.
    let text = model(&[field("u", 1.0), process("decay", "rate = \"u\"\ntakes = { u = 1 }")].concat());
    for (end, bound) in [(5.0_f64, 5e-3), (13.0, 2e-2)] {
        close(solved(&text, &at(1e-3), end)[0], (-end).exp(), bound, &format!("at {end}"));
    }
    // Far below it is known against what it was, and is never negative.
    let far = solved(&text, &at(1e-3), 100.0)[0];
    assert!((0.0..1e-8).contains(&far), "{far:e}");
}

#[test]
fn a_switch_of_state_and_a_source_that_begins_at_nothing_run_at_every_tolerance() {
    // u = t until 0.5, then grows at a tenth; w begins when u passes 0.5, at t = 0.5.
    let text = model(
        &[
            field("u", 0.0),
            field("v", 0.0),
            field("w", 0.0),
            process("rise", "changes = { u = \"if(u < 0.5, 1, 0.1)\" }"),
            process("cascade", "rate = \"u\"\ngives = { v = 1 }"),
            process("begin", "changes = { w = \"if(u > 0.5, 1, 0)\" }"),
        ]
        .concat(),
    );
    for tolerance in [1e-2, 1e-4, 1e-6, 1e-8] {
        let got = solved(&text, &at(tolerance), 1.5);
        let bound = 20.0 * tolerance;
        close(got[0], 0.6, bound, &format!("u at {tolerance}"));
        close(got[1], 0.125 + 0.5 + 0.05, bound, &format!("v at {tolerance}"));
        close(got[2], 1.0, bound, &format!("w at {tolerance}"));
    }
}

/// 0.1 · 3 is not 0.3: at rest the rate is a rounding, and what it does is known to no part of itself however short the step.
#[test]
fn a_rest_that_balances_up_to_rounding_stays_at_every_tolerance() {
    let text = model(
        &[
            "[field.u]\nrest = 0.3\n".to_owned(),
            "[field.v]\nrest = 0.7\n".to_owned(),
            process("turn_over", "changes = { u = \"0.1 * 3 - u\", v = \"0.07 * 10 * (1 + 1e-16) - v + (u - 0.3)\" }"),
        ]
        .concat(),
    );
    for tolerance in [1e-2, 1e-4, 1e-6, 1e-8] {
        let got = solved(&text, &at(tolerance), 100.0);
        close(got[0], 0.3, 1e-15, &format!("u at {tolerance}"));
        close(got[1], 0.7, 1e-15, &format!("v at {tolerance}"));
        let got = solved(&text, &explicitly(tolerance), 100.0);
        close(got[0], 0.3, 1e-15, &format!("u at {tolerance}, explicitly"));
    }
}

#[test]
fn what_grows_from_nothing_as_a_high_power_of_time_runs_at_every_tolerance() {
    // u = t, v = t³/3, w = t⁷/63: however short the first step, w errs in it by as much as it is.
    let text = model(
        &[
            field("u", 0.0),
            field("v", 0.0),
            field("w", 0.0),
            process("rise", "changes = { u = \"1\" }"),
            process("second", "rate = \"u^2\"\ngives = { v = 1 }"),
            process("third", "rate = \"v^2\"\ngives = { w = 1 }"),
        ]
        .concat(),
    );
    for tolerance in [1e-2, 1e-4, 1e-6, 1e-8] {
        let got = solved(&text, &at(tolerance), 1.5);
        close(got[1], 1.5_f64.powi(3) / 3.0, 20.0 * tolerance, &format!("v at {tolerance}"));
        close(got[2], 1.5_f64.powi(7) / 63.0, 50.0 * tolerance, &format!("w at {tolerance}"));
    }
}

#[test]
fn what_is_used_up_in_one_layer_stays_in_another() {
    // No cell has anything to do with another: where nothing acts, not a bit may change, in no look and at no tolerance.
    let text = model(
        &[
            field("u", 0.239),
            field("w", 0.0),
            process("use", "rate = \"18*u\"\ntakes = { u = 1 }\ngives = { w = 1 }\nlayers = [\"a\", \"c\"]"),
        ]
        .concat(),
    );
    let layers = [layer("a", 0.0, 0.5, 3), layer("b", 0.5, 0.8, 2), layer("c", 0.8, 1.0, 2)];
    for stepping in [at(1e-1), at(1e-3), at(1e-6), explicitly(1e-3)] {
        let mut skin = skin(&text, &section(2, false), &layers, 0);
        let mut stepper = dermasim::engine::stepper::Stepper::new(&mut skin, &stepping).expect("a stepper");
        for look in 1..=20 {
            stepper.advance(&mut skin, 0.1 * f64::from(look), &mut |_, _| true).expect("a step");
            for z in 3..5 {
                assert!(skin.state[skin.layout.row(z, 0)].iter().all(|u| *u == 0.239), "{stepping:?} {look}");
                assert!(skin.state[skin.layout.row(z, 1)].iter().all(|w| *w == 0.0), "{stepping:?} {look}");
            }
        }
    }
}

#[test]
fn the_order_in_time_is_three() {
    let text = lotka_volterra(1.5, 0.8);
    let right = lotka_volterra_exactly(1.5, 0.8, 4.0);
    let errors: Vec<f64> = [20.0, 40.0, 80.0, 160.0]
        .iter()
        .map(|steps| {
            let got = solved(&text, &fixed(4.0 / steps), 4.0);
            (got[0] - right[0]).abs().max((got[1] - right[1]).abs())
        })
        .collect();
    assert!(order(&errors) > 2.8 && order(&errors[..3]) > 2.7, "{errors:?}");
}

#[test]
fn what_one_field_loses_another_gets() {
    // u turns into w, w into v and back, spreading at different speeds in two layers of cells.
    let text = model(
        &[
            field("u", 1.0) + "diffusivity = \"0.01\"\n",
            field("w", 0.5),
            field("v", 0.0) + "diffusivity = \"1\"\n",
            process("first", "rate = \"3*u*w\"\ntakes = { u = 1 }\ngives = { w = 1 }"),
            process("second", "rate = \"20*w\"\ntakes = { w = 1 }\ngives = { v = 1 }"),
            process("back", "rate = \"5*v\"\ntakes = { v = 1 }\ngives = { u = 1 }"),
        ]
        .concat(),
    );
    for tolerance in [1e-2, 1e-3, 1e-5] {
        let mut skin = skin(&text, &section(12, false), &medium(5), 0);
        let layout = skin.layout;
        for z in 0..layout.nz {
            let row = layout.row(z, 0);
            skin.state[row].iter_mut().enumerate().for_each(|(i, u)| *u += ((i + z) % 3) as f64);
        }
        let total = |skin: &dermasim::engine::medium::Medium| (0..3).map(|f| content(skin, f)).sum::<f64>();
        let before = total(&skin);
        advance(&mut skin, &at(tolerance), 10.0);
        close(total(&skin), before, 1e-6, &format!("the sum of all at {tolerance}"));
    }
}

/// The values of the fields of a point at each of some moments, which are looked at.
fn seen(text: &str, stepping: &Stepping, looks: &[f64]) -> Vec<Vec<f64>> {
    let mut skin = skin(text, &point(), &medium(1), 0);
    let mut stepper = dermasim::engine::stepper::Stepper::new(&mut skin, stepping).expect("a stepper");
    stepper.looks(&skin, looks).expect("nothing is too fast");
    looks
        .iter()
        .map(|look| {
            stepper.advance(&mut skin, *look, &mut |_, _| true).unwrap_or_else(|error| panic!("{error}"));
            (0..skin.layout.fields).map(|f| skin.state[skin.layout.row(0, f)][0]).collect()
        })
        .collect()
}

/// A field that is driven by a function of time alone, and what it holds in the end.
fn driven(by: &str, tolerance: f64, end: f64, looks: usize) -> f64 {
    let text = model(&[field("u", 0.0), process("drive", &format!("changes = {{ u = \"{by}\" }}"))].concat());
    let looks: Vec<f64> = (0..=looks).map(|k| end * k as f64 / looks as f64).collect();
    seen(&text, &at(tolerance), &looks).last().expect("there is a look")[0]
}

#[test]
fn no_pulse_in_time_is_stepped_over() {
    let narrow = 20.0 / 20.0 / 100.0;
    for (by, right, within) in [
        ("if(time > 10 and time < 10.1, 10, 0)".to_owned(), 1.0, 1e-9),
        ("if(time > 10.3, if(time > 10.31, 0, 100), 0)".into(), 1.0, 1e-9),
        ("if(abs(time - 10.3) < 0.005, 100, 0)".into(), 1.0, 1e-9),
        ("10*max(0, min(1, 1000*(time - 7)))*max(0, min(1, 1000*(7.1 - time)))".into(), 0.99, 2e-2),
        (format!("exp(-((time - 13.3)/{narrow})^2)/{narrow}"), std::f64::consts::PI.sqrt(), 1e-2),
        ("if(sin(6.283185307179586*time) > 0.99, 1, 0)".into(), 20.0 * (0.99_f64.acos() / std::f64::consts::PI), 1e-6),
        ("max(0, sin(6.283185307179586*time))".into(), 20.0 / std::f64::consts::PI, 1e-2),
        ("if(not(time <= 3) and (time < 4 or time > 19), 1, 0)".into(), 2.0, 1e-9),
    ] {
        for tolerance in [1e-2, 1e-3, 1e-5] {
            close(driven(&by, tolerance, 20.0, 20), right, within, &format!("{by} at {tolerance}"));
        }
    }
}

#[test]
fn a_jump_in_time_runs_at_every_tolerance() {
    for tolerance in [1e-2, 1e-5, 1e-8] {
        close(driven("if(time > 3.3, 1, 0)", tolerance, 20.0, 20), 16.7, 1e-9, "a jump at 3.3");
        let text = model(
            &[
                field("u", 0.0),
                process("dose", "rate = \"10*if(time > 5, 1, 0)\"\ngives = { u = 1 }"),
                process("loss", "rate = \"0.1*u\"\ntakes = { u = 1 }"),
            ]
            .concat(),
        );
        close(solved(&text, &at(tolerance), 10.0)[0], 100.0 * (1.0 - (-0.5_f64).exp()), 10.0 * tolerance, "an onset");
    }
}

#[test]
fn what_is_too_fast_for_any_step_is_refused_by_name() {
    let text = model(
        &[field("u", 0.0) + "signed = true\n", process("drive", "changes = { u = \"1000*sin(1e6*time)\" }")].concat(),
    );
    let mut skin = skin(&text, &point(), &medium(1), 0);
    let mut stepper = dermasim::engine::stepper::Stepper::new(&mut skin, &at(1e-3)).expect("a stepper");
    let looks: Vec<f64> = (0..=20).map(f64::from).collect();
    let message = stepper.looks(&skin, &looks).expect_err("no step follows it").to_string();
    assert!(message.contains("`u` is driven"), "{message}");
    // A fast transient is followed where it is, and left alone afterwards.
    close(driven("1000*exp(-1000*time)", 1e-4, 20.0, 20), 1.0, 1e-2, "a transient of a thousandth");
}

fn explicitly(tolerance: f64) -> Stepping {
    Stepping { method: Method::Explicit, ..at(tolerance) }
}

#[test]
fn the_explicit_method_knows_how_stiff_kinetics_are() {
    // Decay a hundred times faster than a step of diffusion alone would be: explicit steps by diffusion blow up.
    let text = model(
        &[field("u", 1.0) + "diffusivity = \"1e-4\"\n", process("decay", "rate = \"28*u\"\ntakes = { u = 1 }")]
            .concat(),
    );
    let mut decayed = skin(&text, &section(8, false), &medium(4), 0);
    advance(&mut decayed, &explicitly(1e-3), 1.0);
    let right = (-28.0_f64).exp();
    assert!(decayed.state.iter().all(|u| (0.0..1e-6).contains(u)), "right is {right:e}");
    // Logistic growth with diffusion and a stiff partner against the implicit method.
    let text = model(
        &[
            field("u", 0.01) + "diffusivity = \"0.01\"\n",
            field("v", 0.0) + "diffusivity = \"1\"\n",
            process("growth", "changes = { u = \"3*u*(1 - u)\" }"),
            process("release", "rate = \"300*u\"\ngives = { v = 1 }"),
            process("fade", "rate = \"300*v\"\ntakes = { v = 1 }"),
        ]
        .concat(),
    );
    let run = |stepping: &Stepping| {
        let mut skin = skin(&text, &section(12, false), &medium(6), 0);
        let row = skin.layout.row(0, 0);
        skin.state[row][0] = 0.5;
        advance(&mut skin, stepping, 2.0);
        skin.state
    };
    let (implicit, explicit) = (run(&at(1e-6)), run(&explicitly(1e-6)));
    let far = implicit.iter().zip(&explicit).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(far < 1e-4, "{far:e}");
}

#[test]
fn the_explicit_method_says_when_it_is_hopeless() {
    let text = model(
        &[field("u", 1.0), process("decay", "rate = \"1e12*(u - 0.5)\"\ntakes = { u = 1 }")]
            .concat()
            .replace("rest = 0", "rest = 0\nsigned = true"),
    );
    let mut skin = skin(&text, &point(), &medium(1), 0);
    let mut stepper = dermasim::engine::stepper::Stepper::new(&mut skin, &explicitly(1e-3)).expect("a stepper");
    let message = stepper.advance(&mut skin, 1e3, &mut |_, _| true).expect_err("no end").to_string();
    assert!(message.contains("explicit method would need"), "{message}");
}

#[test]
fn what_cannot_be_solved_ends_with_the_name_of_the_field() {
    // u' = u² reaches infinity at t = 1.
    let text = model(&[field("u", 1.0), process("burst", "changes = { u = \"u^2\" }")].concat());
    let mut skin = skin(&text, &point(), &medium(1), 0);
    let mut stepper = dermasim::engine::stepper::Stepper::new(&mut skin, &at(1e-3)).expect("a stepper");
    let message = stepper.advance(&mut skin, 2.0, &mut |_, _| true).expect_err("no end").to_string();
    assert!(message.contains("`u`"), "{message}");
}
