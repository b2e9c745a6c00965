//! The model language from outside: published models compile and compute what their equations say; wrong files are refused
//! at the line that is wrong.

use std::collections::BTreeMap;

use dermasim::base::error::Source;
use dermasim::base::units::DAY;
use dermasim::engine::language::{Compiled, Diffusion, Input, LayerName, Model, Operand, Program, Region, Setting};
use dermasim::skin::host::{PUNCTURE, SESSION};

fn model(text: &str) -> Model {
    dermasim::skin::model(&Source::new("model.toml", text)).unwrap_or_else(|error| panic!("{error}"))
}

fn skin() -> Setting {
    let layer = |name: &str, groups: &[&str]| LayerName {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
    };
    Setting {
        layers: vec![
            layer("viable_epidermis", &["epidermis"]),
            layer("papillary_dermis", &["dermis"]),
            layer("reticular_dermis", &["dermis"]),
        ],
        traits: BTreeMap::from([("sex".into(), "female".into())]),
    }
}

fn compiled(text: &str) -> Compiled {
    model(text).compile(&skin()).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a program for one cell.
fn run(program: &Program, value: impl Fn(Input) -> f64) -> Vec<f64> {
    let inputs: Vec<Operand> = program.inputs.iter().map(|&input| Operand::Value(value(input))).collect();
    let mut out = vec![f64::NAN; program.outputs];
    program.run(&inputs, 1, &mut out, &mut Vec::new());
    out
}

/// Rates of all volume fields in a layer.
fn rates(compiled: &Compiled, layer: usize, state: &[f64]) -> Vec<f64> {
    let rates = &compiled.layers[layer];
    let out = run(&rates.rate, |input| match input {
        Input::Volume(index) => state[index],
        other => panic!("{other:?} is not given"),
    });
    let mut all = vec![0.0; state.len()];
    for (field, rate) in rates.fields.iter().zip(out) {
        all[*field] = rate;
    }
    all
}

/// The Jacobian of a layer answers to central differences.
fn jacobian_is_right(compiled: &Compiled, state: &[f64]) {
    let layer = &compiled.layers[0];
    let entries = run(&layer.jacobian, |input| match input {
        Input::Volume(index) => state[index],
        other => panic!("{other:?} is not given"),
    });
    let mut full = vec![vec![0.0; state.len()]; state.len()];
    for (&(row, column), entry) in layer.pattern.iter().zip(&entries) {
        full[row][column] = *entry;
    }
    for column in 0..state.len() {
        let step = 1e-6 * state[column].abs().max(1e-3);
        let moved = |by: f64| {
            let mut state = state.to_vec();
            state[column] += by;
            rates(compiled, 0, &state)
        };
        let (above, below) = (moved(step), moved(-step));
        for row in 0..state.len() {
            let slope = (above[row] - below[row]) / (2.0 * step);
            let size = full[row][column].abs().max((above[row].abs() + below[row].abs()) * 1e-4).max(1e-12);
            assert!(
                (slope - full[row][column]).abs() <= 1e-5 * size,
                "d{row}/d{column}: {slope}, {}",
                full[row][column]
            );
        }
    }
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1e-12), "{found:?} is not {expected:?}");
    }
}

const ASSUMED: &str = "evidence = \"assumed\"\nsource = \"test\"\n";

const VAN_DER_POL: &str = r#"
name = "van der Pol"
[scale]
length = "1 mm"
time = "1 d"
[constant.mu]
value = 5
evidence = "assumed"
source = "van der Pol 1926"
[field.x]
signed = true
rest = 2
[field.y]
signed = true
[process.oscillate]
changes = { x = "y", y = "mu*(1 - x^2)*y - x" }
"#;

#[test]
fn van_der_pol_is_signed_and_scaled() {
    let compiled = compiled(VAN_DER_POL);
    let (x, y) = (1.3, -0.4);
    close(&rates(&compiled, 0, &[x, y]), &[y / DAY, (5.0 * (1.0 - x * x) * y - x) / DAY]);
    jacobian_is_right(&compiled, &[x, y]);
    assert_eq!(compiled.layers[0].pattern, [(0, 1), (1, 0), (1, 1)]);
    assert_eq!(compiled.volume[0].rest, [2.0; 3]);
}

#[test]
fn fitzhugh_nagumo_diffuses_in_model_units() {
    let compiled = compiled(
        r#"
name = "FitzHugh-Nagumo"
[scale]
length = "2 mm"
time = "1 s"
[constant.epsilon]
value = 0.08
evidence = "assumed"
source = "FitzHugh 1961"
[field.v]
signed = true
diffusivity = 1
initial = "if(x < 5 and not y < 0, 1, 0)"
[field.w]
signed = true
[process.kinetics]
changes = { v = "v - v^3/3 - w + 0.5", w = "epsilon*(v + 0.7 - 0.8*w)" }
[observable.front]
value = "integral(v, all)"
"#,
    );
    let (v, w) = (-1.1, 0.3);
    close(&rates(&compiled, 0, &[v, w]), &[v - v * v * v / 3.0 - w + 0.5, 0.08 * (v + 0.7 - 0.8 * w)]);
    jacobian_is_right(&compiled, &[v, w]);
    match &compiled.volume[0].diffusion {
        Some(Diffusion::Layered(values)) => close(values, &[4e-6; 3]),
        other => panic!("{other:?}"),
    }
    let initial = compiled.volume[0].initial.as_ref().and_then(|list| list[0].as_ref()).expect("an initial value");
    let at = |x: f64| run(initial, |input| if input == Input::X { x } else { 0.0 })[0];
    assert_eq!((at(9.9e-3), at(10.1e-3)), (1.0, 0.0));
    // One metre of v = 1 is 500 length units of the model.
    close(&run(&compiled.observables[0].value, |_| 1.0), &[500.0]);
}

#[test]
fn robertson_is_stiff_and_positive() {
    let compiled = compiled(
        r#"
name = "Robertson"
[field.a]
rest = 1
[field.b]
scale = 1e-4
[field.c]
[process.first]
rate = "[0.04 1/s] * a"
takes = { a = 1 }
gives = { b = 1 }
[process.second]
rate = "[3e7 1/s] * b^2"
takes = { b = 1 }
gives = { c = 1 }
[process.third]
rate = "[1e4 1/s] * b * c"
takes = { b = 1 }
gives = { a = 1 }
"#,
    );
    let (a, b, c) = (0.7, 3e-5, 0.3);
    let (first, second, third) = (0.04 * a, 3e7 * b * b, 1e4 * b * c);
    let found = rates(&compiled, 0, &[a, b, c]);
    close(&found, &[third - first, first - second - third, second]);
    assert!(found.iter().sum::<f64>().abs() < 1e-16);
    jacobian_is_right(&compiled, &[a, b, c]);
}

#[test]
fn gray_scott_needs_no_signed_fields() {
    let compiled = compiled(
        r#"
name = "Gray-Scott"
[scale]
length = "1 mm"
time = "1 s"
[constant]
F = { value = 0.04, evidence = "assumed", source = "Pearson 1993", range = [0.0, 0.1] }
k = { value = 0.06, evidence = "assumed", source = "Pearson 1993" }
[field.u]
rest = 1
diffusivity = 2e-5
initial = "1 - 0.5*random()"
[field.v]
diffusivity = 1e-5
boundary = { left = "periodic", top = { value = 0 } }
[process.reaction]
rate = "u*v^2"
takes = { u = 1 }
gives = { v = 1 }
[process.feed]
changes = { u = "F*(1 - u)" }
[process.kill]
rate = "(F + k)*v"
takes = { v = 1 }
"#,
    );
    let (u, v) = (0.4, 0.3);
    close(&rates(&compiled, 0, &[u, v]), &[-u * v * v + 0.04 * (1.0 - u), u * v * v - 0.1 * v]);
    assert_eq!(rates(&compiled, 1, &[1.0, 0.0]), [0.0, 0.0]);
    jacobian_is_right(&compiled, &[u, v]);
}

#[test]
fn keller_segel_follows_a_field() {
    let compiled = compiled(
        r#"
name = "Keller-Segel"
[constant]
D_n = { value = "1e-3 mm^2/d", evidence = "assumed", source = "test" }
D_c = { value = "0.1 mm^2/d", evidence = "assumed", source = "test" }
chi = { value = "5e-3 mm^2/(d nM)", evidence = "assumed", source = "test" }
c_half = { value = "2 nM", evidence = "assumed", source = "test" }
s = { value = "3 nM/d", evidence = "assumed", source = "test" }
decay = { value = "1 1/d", evidence = "assumed", source = "test" }
[field.n]
rest = 1
diffusivity = "D_n"
chemotaxis = [{ along = "c", sensitivity = "chi/(1 + c/c_half)^2" }]
[field.c]
unit = "nM"
rest = "s/decay"
diffusivity = { epidermis = "D_c", papillary_dermis = "D_c*(1 + 0*n)" }
[process.secretion]
rate = "s*n"
gives = { c = 1 }
[process.decay]
rate = "decay*c"
takes = { c = 1 }
"#,
    );
    close(&compiled.volume[1].rest, &[3e-6; 3]);
    assert!(rates(&compiled, 0, &[1.0, compiled.volume[1].rest[0]])[1].abs() < 1e-26);
    let chemotaxis = &compiled.volume[0].chemotaxis[0];
    let chi = chemotaxis.sensitivity[0].as_ref().expect("it moves");
    close(&run(chi, |_| 2e-6), &[5e-9 / DAY / 1e-6 / 4.0]);
    match &compiled.volume[1].diffusion {
        Some(Diffusion::Layered(values)) => close(values, &[1e-7 / DAY, 1e-7 / DAY, 0.0]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn layers_surface_and_columns_meet() {
    let text = r#"
name = "skin"
layers = ["epidermis", "dermis", "papillary_dermis", "hypodermis"]
[constant.k]
value = { epidermis = "1 1/d", dermis = "2 1/d" }
by = "layer"
evidence = "assumed"
source = "test"
[constant.r]
value = { female = "1 1/h", male = "2 1/h" }
by = "sex"
evidence = "assumed"
source = "test"
[constant.tie]
expression = "r*0.5"
evidence = "derived"
source = "rest"
[signal.occlusion]
range = [0, 1]
[field.K]
lives_in = ["epidermis"]
rest = 1
[field.T]
lives_in = ["epidermis", "dermis", "hypodermis"]
diffusivity = "[1 mm^2/d] * (1 + K)"
[field.B]
kind = "surface"
rest = 1
[field.O]
kind = "quasi_steady"
rest = "solve"
diffusivity = "[2000 um^2/s]"
boundary = { top = { value = "occlusion" } }
[intermediate]
top = "mean(K, epidermis)"
S = { value = "hill(T, 0.1, 2)", what = "signal" }
[process.grow]
rate = "k*K*(1 - K)"
gives = { K = 1 }
[process.decay]
rate = "k*T"
takes = { T = 1 }
[process.flow]
rate = "r*(1 - O/rest(O))*B*(1 - occlusion)"
gives = { Z = "0.5" }
[process.repair]
rate = "tie*2*top*(1 - B)"
gives = { B = 1 }
[process.supply]
rate = "[1 1/s]*(1 - O)"
gives = { O = 1 }
[process.burn]
rate = "[1 1/s]*O/(0.1 + O)"
takes = { O = 1 }
[field.Z]
signed = true
lives_in = ["dermis"]
[puncture.intermediate]
w = "1/(1 + exp((distance - needle_radius)/[5 um]))"
[puncture.effect]
K = "K*(1 - w)"
T = "T + (1 - T)*w*hill(depth, [1 mm])"
[session.effect]
B = "B*exp(-hole_density*[1e-5 cm^2])"
[region.upper]
layers = ["dermis"]
from = "0 mm"
to = "0.5 mm"
[observable.loss]
value = "1 - mean(B, surface)/mean(K, epidermis, k) + maximum(T, upper)*0"
"#;
    let compiled = compiled(text);
    assert_eq!(compiled.volume.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["K", "T", "Z"]);
    assert_eq!(compiled.volume[0].lives, [true, false, false]);
    assert_eq!(compiled.layers[1].fields, [1, 2]);
    assert_eq!(compiled.columns.len(), 1);
    assert_eq!(compiled.surface_rates.rate.inputs, [Input::Surface(0), Input::Column(0)]);
    let column = |input| if input == Input::Column(0) { 2.0 } else { 0.25 };
    close(&run(&compiled.surface_rates.rate, column), &[1.5 / 3600.0]);
    close(&run(&compiled.surface_rates.jacobian, |_| 2.0), &[-2.0 / 3600.0]);
    let Some(Diffusion::Dependent(programs)) = &compiled.volume[1].diffusion else { panic!("depends on K") };
    close(&run(programs[0].as_ref().expect("moves"), |_| 1.0), &[2e-6 / DAY]);
    close(&run(programs[2].as_ref().expect("moves"), |_| 1.0), &[1e-6 / DAY]);
    let balance = compiled.quasi[0].balance[0].as_ref().expect("lives");
    close(&run(balance, |_| 0.4), &[0.6 - 0.4 / 0.5, -1.0 - 0.1 / 0.25]);
    assert_eq!(compiled.acts[PUNCTURE].layers[0].0, [0, 1]);
    assert_eq!(compiled.acts[SESSION].surface.0, [0]);
    assert_eq!(compiled.reductions[0].region, Region::Surface);
    assert_eq!(compiled.signals, [("occlusion".to_owned(), 0.0)]);
}

const SMALL: &str = r#"name = "small"
[constant.k]
value = "1 1/d"
evidence = "assumed"
source = "test"
[constant.D]
value = "1 mm^2/d"
evidence = "assumed"
source = "test"
[field.u]
rest = 0
[field.v]
rest = 1
diffusivity = "D"
[intermediate]
a = "u*v"
b = "a + 1"
[process.one]
rate = "k*u"
takes = { u = 1 }
gives = { v = 1 }
[observable.mean]
value = "mean(u, all)"
"#;

/// A small valid file, in which one line is replaced: the message and the line it points at.
fn refused(wrong: &str, line: &str) -> (String, Option<usize>) {
    let mut done = false;
    let text: String = SMALL
        .lines()
        .map(|old| {
            let replace = !done && old.starts_with(line);
            done |= replace;
            format!("{}\n", if replace { wrong } else { old })
        })
        .collect();
    assert!(done, "no line begins with {line}");
    match dermasim::skin::model(&Source::new("small.toml", text)).and_then(|model| model.compile(&skin())) {
        Ok(_) => panic!("{wrong} was accepted"),
        Err(error) => (error.to_string(), error.line()),
    }
}

#[test]
fn wrong_lines_are_named() {
    for (line, wrong, number, message) in [
        ("rate", "rate = \"k*w\"", 19, "unknown name `w`"),
        ("rate", "rate = \"k*U\"", 19, "did you mean `u`?"),
        ("rate", "rate = \"hil(u, 1)*k\"", 19, "did you mean `hill`?"),
        ("rate", "rate = \"hill(u)*k\"", 19, "does not take 1 argument"),
        ("rate", "rate = \"k*u + u\"", 19, "they cannot be added"),
        ("rate", "rate = \"u\"", 19, "the rate of this process"),
        ("rate", "rate = \"k*u^D\"", 19, "an exponent is a plain number"),
        ("rate", "rate = \"exp(k)*u\"", 19, "exp()"),
        ("rate", "rate = \"k*v\"", 19, "must vanish where `u` is zero"),
        ("rate", "rate = \"k*(u - v - 1)\"", 19, "signed = true"),
        ("rate", "rate = \"k*(u > 0)\"", 19, "is a condition"),
        ("rate", "rate = \"k*if(u, 1, 0)\"", 19, "a condition is needed here"),
        ("rate", "rate = \"k*u*distance/[1 m]\"", 19, "a puncture nearby"),
        ("rate", "rate = \"k*u*random()\"", 19, "a random number"),
        ("rate", "rate = \"k*u*(\"", 19, "is expected here"),
        ("rate", "rate = \"k*u*mean(mean(u, all), all)\"", 19, "a reduction"),
        ("rate", "rate = \"k*u/0\"", 19, "division by zero"),
        ("rate", "rat = \"k*u\"", 19, "did you mean `rate`?"),
        ("takes", "takes = { w = 1 }", 20, "unknown field `w`"),
        ("takes", "takes = { u = \"u\" }", 20, "needs a field"),
        ("gives", "gives = { v = -1 }", 19, "may be negative"),
        ("a =", "a = \"b*2\"", 16, "`a` → `b` → `a`"),
        ("a =", "k = \"1\"", 16, "the name `k` is taken"),
        ("a =", "exp = \"1\"", 16, "a meaning of its own"),
        ("a =", "a-b = \"1\"", 16, "cannot be written"),
        ("value = \"1 1/d\"", "expression = \"k*2\"", 3, "`k` → `k`"),
        ("value = \"1 1/d\"", "value = \"1 1/dd\"", 3, "not a unit"),
        ("value = \"1 1/d\"", "value = nan", 3, "finite"),
        ("diffusivity", "diffusivity = \"k\"", 14, "a diffusivity is in m^2/s"),
        ("diffusivity", "diffusivity = \"D*(1 - v)\"", 14, "may be negative"),
        ("diffusivity", "diffusivity = { dermsi = \"D\" }", 14, "no layer `dermsi`"),
        ("rest = 1", "rest = -1", 13, "not declared signed"),
        ("rest = 1", "rest = \"1 mm\"", 13, "the field is in 1"),
        ("rest = 1", "rest = \"solve\"", 13, "quasi-steady"),
        ("rest = 1", "kind = \"volum\"", 13, "did you mean `volume`?"),
        ("value = \"mean", "value = \"u\"", 23, "mean(u, REGION)"),
        ("value = \"mean", "value = \"mean(u, skin)\"", 23, "unknown region `skin`"),
        ("value = \"mean", "value = \"mean(u, 3)\"", 23, "the name of a region"),
        ("value = \"mean", "value = \"mean(k*u, all)\"", 23, "the observable `mean`"),
    ] {
        let (shown, found) = refused(wrong, line);
        assert!(shown.contains(message), "{wrong}: {shown}");
        assert_eq!(found, Some(number), "{wrong}: {shown}");
    }
    let text = "name = \"x\"\n[constant.a]\nvalue = 1\nevidence = \"assumed\"\n";
    let error = dermasim::skin::model(&Source::new("x.toml", text)).unwrap_err().to_string();
    assert!(error.contains("`source` is missing here"), "{error}");
}

#[test]
fn losses_that_vanish_are_accepted() {
    for rate in [
        "k*positive(u - 1)",
        "k*hill(u, 2)",
        "k*u*v",
        "k*u/(1 + v)*max(v, 1)",
        "k*(sqrt(u) + u^0.5)",
        "k*(exp(u) - 1)",
        "k*if(u > 1, v*u, 0)",
        "k*tanh(u)*exp(-v)",
    ] {
        model(&format!(
            "name = \"t\"\n[constant.k]\nvalue = \"1 1/d\"\n{ASSUMED}[field.u]\n[field.v]\n[process.p]\nrate = \"{rate}\"\ntakes = {{ u = 1 }}\n"
        ));
    }
}

#[test]
fn every_shipped_model_is_read() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/models/response")).expect("models") {
        let path = entry.expect("entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        if let Err(error) = dermasim::skin::model(&Source::new(name, text)) {
            panic!("{error}");
        }
    }
}

#[test]
fn names_are_explained() {
    let model = model(SMALL);
    let text = model.explain("u").expect("known");
    for part in
        ["field in the cells", "du/dt =", "- k*u    (one)", "k = 1 1/d", "assumed; test", "used in intermediate a"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(model.explain("k").expect("known").contains("used in process one"));
    assert!(model.explain("hill").is_some() && model.explain("depth").is_some());
    assert!(model.explain("nobody").is_none());
    for name in model.names() {
        assert!(model.explain(name).is_some(), "{name}");
    }
    let formula = model.latex("v").expect("known");
    assert_eq!(formula, "\\frac{\\partial v}{\\partial t} = \\nabla\\cdot\\left(D\\,\\nabla v\\right) + k\\,u");
}

mod damaged {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// A file with a piece cut out, doubled or replaced is read or refused, and nothing panics.
        #[test]
        fn files_never_panic(whole: bool, start in 0.0..1.0, length in 0_usize..40, piece in "[-+*/^()\\[\\]{}=<>,.\"'a-z0-9 \n_é]{0,12}") {
            let text = if whole { SMALL } else { VAN_DER_POL };
            let boundary = |at: usize| (at..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
            let start = boundary((start * text.len() as f64) as usize);
            let end = boundary((start + length).min(text.len()));
            let text = format!("{}{piece}{}", &text[..start], &text[end..]);
            match dermasim::skin::model(&Source::new("damaged.toml", text)).and_then(|model| model.compile(&skin())) {
                Ok(_) => {}
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }

        /// The same for expressions alone.
        #[test]
        fn expressions_never_panic(rate in "[-+*/^(),.<>uvk0-9 ]{0,30}|[a-z(), 0-9]{0,30}") {
            let text = SMALL.replace("rate = \"k*u\"", &format!("rate = \"{rate}\""));
            let _ignored = dermasim::skin::model(&Source::new("x.toml", text)).and_then(|model| model.compile(&skin()));
        }
    }
}
