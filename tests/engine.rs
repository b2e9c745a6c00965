//! The engine by itself: a host that is none, and one that is made up here.

use std::sync::Arc;

use dermasim::base::error::Source;
use dermasim::base::units::Dimension;
use dermasim::engine::grid::{Geometry, Grid, Layer};
use dermasim::engine::language::{Act, Host, LayerName, Model, Setting, Variable, When};
use dermasim::engine::medium::Medium;
use dermasim::engine::stepper::{Method, Stepper, Stepping};

/// A medium of one layer, a metre wide and deep.
fn medium(text: &str, host: &'static Host) -> Medium {
    let layer = Layer { name: "medium".into(), groups: vec![], top: 0.0, bottom: 1.0, spacing: [0.25, 0.25] };
    let model = Model::read(&Source::new("test.toml", text), host).unwrap_or_else(|error| panic!("{error}"));
    let setting =
        Setting { layers: vec![LayerName { name: layer.name.clone(), groups: vec![] }], traits: Default::default() };
    let compiled = Arc::new(model.compile(&setting).unwrap_or_else(|error| panic!("{error}")));
    let geometry = Geometry::Tile { width: [1.0, 1.0], cells: [8, 8], periodic: true };
    let grid = Grid::new(&geometry, &[layer], 1.0, None, &[], compiled.turns.each()).expect("a grid");
    Medium::new(Arc::new(grid), compiled, 1).unwrap_or_else(|error| panic!("{error}"))
}

fn content(medium: &Medium, field: usize) -> f64 {
    let weights = medium.grid.lateral_weights();
    let at = |z: usize| {
        let row = &medium.state[medium.layout.row(z, field)];
        row.iter().zip(&weights).map(|(u, w)| u * w).sum::<f64>() * medium.grid.z.width(z)
    };
    (0..medium.layout.nz).map(at).sum()
}

fn advance(medium: &mut Medium, until: f64) {
    let stepping = Stepping { method: Method::Implicit, tolerance: 1e-4, absolute: 1.0, longest: 1e9, fixed: None };
    let mut stepper = Stepper::new(medium, &stepping).expect("a stepper");
    stepper.advance(medium, until, &mut |_, _| true).expect("it runs");
}

/// Gray and Scott's reaction without feed and drain turns u into v, and together they stay what they were.
#[test]
fn a_system_of_nobody_runs_and_keeps_what_there_is() {
    const CLOSED: &str = "name = \"closed\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n\
        [field.u]\nrest = 0\ninitial = \"1 - 0.5 * random()\"\ndiffusivity = 2e-3\n[field.v]\nrest = 0\ninitial = \"0.5 * random()\"\n\
        diffusivity = 1e-3\n[process.turn]\nrate = \"u * v^2\"\ntakes = { u = 1 }\ngives = { v = 1 }\n";
    let mut medium = medium(CLOSED, &Host::NONE);
    let [u, v] = [content(&medium, 0), content(&medium, 1)];
    advance(&mut medium, 20.0);
    let [left, made] = [content(&medium, 0), content(&medium, 1)];
    assert!(made > 1.5 * v && left < 0.8 * u, "{u} {v} {left} {made}");
    assert!((left + made - u - v).abs() < 1e-12 * (u + v), "{}", left + made - u - v);
}

/// Rain: a host that wets everything by some depth, and is remembered.
static RAIN: Host = Host {
    acts: &[Act { table: "shower", words: ["a shower", "a shower nearby"] }],
    variables: &[
        Variable {
            name: "fallen",
            dimension: Dimension::NONE,
            when: When::Once(0),
            signed: false,
            untouched: 0.0,
            what: "water that fell",
        },
        Variable {
            name: "puddle",
            dimension: Dimension::LENGTH,
            when: When::Nearest(0),
            signed: false,
            untouched: 9.0,
            what: "way to the nearest puddle",
        },
    ],
    since: Some(("since_rain", "time since it rained")),
};

const GROUND: &str = "name = \"ground\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n[field.water]\nrest = 0\n\
    [shower]\nintermediate.soaked = \"2 * fallen\"\neffect.water = \"water + soaked\"\n\
    [observable.dry]\nvalue = \"mean(puddle, medium)\"\n[observable.since]\nvalue = \"since_rain\"\n";

#[test]
fn a_host_acts_by_the_numbers_that_it_hands_over() {
    let mut medium = medium(GROUND, &RAIN);
    let compiled = medium.compiled.clone();
    advance(&mut medium, 5.0);
    medium.apply(&compiled.acts[0], &[0.25, 0.0]);
    medium.last_act = medium.time;
    assert!((content(&medium, 0) - 0.5).abs() < 1e-15, "{}", content(&medium, 0));
    let mut observer = dermasim::engine::observe::Observer::default();
    assert_eq!(observer.look(&medium), [9.0, 0.0]);
    medium.nearest[1].fill(3.0);
    advance(&mut medium, 7.0);
    assert_eq!(observer.look(&medium), [3.0, 2.0]);
}

#[test]
fn what_a_host_says_is_known_where_it_holds_and_nowhere_else() {
    let refused = |text: &str, host: &'static Host| {
        Model::read(&Source::new("test.toml", text), host).expect_err("it is refused").to_string()
    };
    for (text, host, told) in [
        (GROUND.to_owned(), &Host::NONE, "unknown key `shower`"),
        (GROUND.replace("[shower]", "[showr]"), &RAIN, "did you mean `shower`"),
        (GROUND.replace("since_rain", "since_rian"), &RAIN, "did you mean `since_rain`"),
        (GROUND.replace("2 * fallen", "2 * falen"), &RAIN, "did you mean `fallen`"),
        (GROUND.replace("mean(puddle, medium)", "mean(fallen, medium)"), &RAIN, "needs a shower"),
        (GROUND.replace("field.water", "field.fallen"), &RAIN, "has a meaning of its own"),
    ] {
        let error = refused(&text, host);
        assert!(error.contains(told), "{told}: {error}");
    }
}
