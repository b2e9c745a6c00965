//! Stepping in time: observed order, non-negativity from any state, the same bits for any number of threads, agreement with
//! the explicit reference, and a wave with a known speed.

mod common;

use common::*;
use dermasim::engine::grid::Geometry;
use dermasim::engine::stepper::{Method, Stepping};
use proptest::prelude::*;

const SCALE: &str = "[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n";

/// A stiff cascade with diffusion, a state-dependent diffusivity, following and an explicit time dependence, smooth in time.
fn coupled() -> String {
    let constant = |name: &str, value: f64| {
        format!("[constant.{name}]\nvalue = {value:?}\nevidence = \"assumed\"\nsource = \"test\"\n")
    };
    format!(
        "name = \"coupled\"\nwhat = \"a stiff cascade\"\n{SCALE}{}{}{}
        [field.a]\nwhat = \"source\"\nrest = 0\ninitial = \"1 + 0.5*cos(3.14159265*x)\"\ndiffusivity = \"D\"
        [field.b]\nwhat = \"fast signal\"\nrest = 0\ninitial = \"0.02\"\ndiffusivity = \"20*D*(1 + a)\"
        [field.c]\nwhat = \"follower\"\nrest = 0\ninitial = \"1\"\ndiffusivity = \"D\"
        chemotaxis = [{{ along = \"b\", sensitivity = \"chi\" }}]
        [process.decay]\nwhat = \"a decays\"\nrate = \"a\"\ntakes = {{ a = 1 }}
        [process.drive]\nwhat = \"a is driven\"\nrate = \"0.5*(1 + sin(time))\"\ngives = {{ a = 1 }}
        [process.release]\nwhat = \"a releases b\"\nrate = \"a*c\"\ngives = {{ b = 1 }}
        [process.fade]\nwhat = \"b fades fast\"\nrate = \"k*b\"\ntakes = {{ b = 1 }}
        [process.growth]\nwhat = \"c grows with b\"\nrate = \"c*hill(b, 0.02, 2)\"\ngives = {{ c = 1 }}
        [process.death]\nwhat = \"c dies\"\nrate = \"c^2\"\ntakes = {{ c = 1 }}\n",
        constant("D", 1e-3),
        constant("chi", 0.02),
        constant("k", 40.0)
    )
}

#[test]
fn a_coupled_stiff_system_converges_with_order_two_or_more() {
    let run = |step: f64| {
        let mut skin = skin(&coupled(), &section(12, false), &medium(1), 0);
        // Past the first transient, then fixed steps from a smooth state.
        advance(&mut skin, &adaptive(1e-9), 1.0);
        advance(&mut skin, &fixed(step), 2.0);
        skin
    };
    let fine = run(1.0 / 512.0);
    let errors: Vec<f64> = [1.0 / 32.0, 1.0 / 64.0, 1.0 / 128.0]
        .iter()
        .map(|step| {
            let skin = run(*step);
            skin.state.iter().zip(&fine.state).map(|(u, v)| (u - v).abs() / v.abs().max(1e-3)).fold(0.0, f64::max)
        })
        .collect();
    assert!(order(&errors) > 1.9 && order(&errors[..2]) > 1.9, "{errors:?}");
}

#[test]
fn a_manufactured_stiff_decay_converges_with_order_two_or_more() {
    // Prothero–Robinson: y' = −λ(y − cos t) − sin t with λ = 20, y = cos t.
    let model = format!(
        "name = \"prothero\"\nwhat = \"stiff\"\n{SCALE}
        [field.y]\nwhat = \"y\"\nsigned = true\nrest = 0\ninitial = \"1\"
        [process.pull]\nwhat = \"pull\"\nchanges = {{ y = \"-20*(y - cos(time)) - sin(time)\" }}\n"
    );
    let point = Geometry::Point { layer: "medium".into() };
    let errors: Vec<f64> = [16.0, 32.0, 64.0]
        .iter()
        .map(|steps| {
            let mut skin = skin(&model, &point, &medium(1), 0);
            advance(&mut skin, &fixed(2.0 / steps), 2.0);
            (skin.state[0] - 2.0_f64.cos()).abs()
        })
        .collect();
    assert!(order(&errors) > 1.9, "{errors:?}");
}

#[test]
fn the_explicit_reference_agrees() {
    for geometry in [section(16, true), Geometry::Tile { width: [1.0, 1.0], cells: [8, 6], periodic: false }] {
        let run = |stepping: &Stepping| {
            let mut skin = skin(&coupled(), &geometry, &medium(3), 0);
            advance(&mut skin, stepping, 1.0);
            skin
        };
        let implicit = run(&adaptive(1e-7));
        let explicit =
            run(&Stepping { method: Method::Explicit, tolerance: 1e-8, absolute: 1.0, longest: 2e-3, fixed: None });
        let worst = implicit
            .state
            .iter()
            .zip(&explicit.state)
            .map(|(u, v)| (u - v).abs() / v.abs().max(1e-2))
            .fold(0.0, f64::max);
        assert!(worst < 2e-5, "{worst}");
    }
}

#[test]
fn a_fisher_wave_runs_at_its_speed() {
    // u = (1 + e^((x − ct)/√6))⁻², c = 5/√6, in units of √(D/r) and 1/r.
    let model = format!(
        "name = \"fisher\"\nwhat = \"wave\"\n{SCALE}
        [field.u]\nwhat = \"density\"\nrest = 0\ninitial = \"(1 + exp((x - 20)/sqrt(6)))^(-2)\"\ndiffusivity = \"1\"
        [process.growth]\nwhat = \"growth\"\nchanges = {{ u = \"u*(1 - u)\" }}\n"
    );
    let geometry = Geometry::Section { width: 80.0, cells: 320, periodic: false };
    let mut skin = skin(&model, &geometry, &medium(1), 0);
    let front = |skin: &dermasim::engine::medium::Medium| {
        let row = &skin.state[skin.layout.row(0, 0)];
        let i = row.iter().position(|u| *u < 0.25).expect("the front is inside");
        let share = (row[i - 1] - 0.25) / (row[i - 1] - row[i]);
        skin.grid.x.centres[i - 1] + share * (skin.grid.x.centres[i] - skin.grid.x.centres[i - 1])
    };
    let mut places = vec![front(&skin)];
    for end in [8.0, 16.0] {
        advance(&mut skin, &adaptive(1e-4), end);
        places.push(front(&skin));
    }
    let speed = (places[2] - places[1]) / 8.0;
    assert!((speed / (5.0 / 6.0_f64.sqrt()) - 1.0).abs() < 0.01, "{speed}");
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let geometry = Geometry::Tile { width: [1.0, 1.0], cells: [40, 40], periodic: true };
            let mut skin = skin(&coupled(), &geometry, &medium(12), 0);
            advance(&mut skin, &adaptive(1e-3), 0.5);
            skin.state
        })
    };
    let (one, two) = (run(1), run(2));
    assert!(one.iter().zip(&two).all(|(a, b)| a.to_bits() == b.to_bits()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_accepted_step_holds_a_negative_value(
        values in prop::collection::vec(prop_oneof![Just(0.0), 0.0..3.0_f64, 1e-12..1e-9_f64], 3 * 3 * 10),
        tolerance in prop_oneof![Just(1e-1), Just(1e-2), Just(1e-4)],
    ) {
        let mut skin = skin(&coupled(), &section(10, false), &medium(3), 0);
        let layout = skin.layout;
        for (k, value) in values.iter().enumerate() {
            let (z, f, p) = (k / 30, k / 10 % 3, k % 10);
            skin.state[layout.row(z, f)][p] = *value;
        }
        let mut stepper = dermasim::engine::stepper::Stepper::new(&mut skin, &adaptive(tolerance)).expect("a stepper");
        for end in [1e-3, 0.1, 1.0, 10.0, 100.0] {
            stepper.advance(&mut skin, end, &mut |_, _| true).expect("a step");
            prop_assert!(skin.state.iter().all(|u| *u >= 0.0), "at {end}: {:?}", skin.state);
        }
    }
}
