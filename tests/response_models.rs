//! Every shipped response model is read, compiles for skin and for one uniform layer, and rests where it says it rests.

use std::collections::BTreeMap;
use std::path::Path;

use dermasim::base::error::Source;
use dermasim::engine::language::{Compiled, Input, LayerName, Operand, Setting};

fn compile(name: &str, layers: &[(&str, &[&str])]) -> Compiled {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/response").join(name);
    let text = std::fs::read_to_string(&path).expect("the model file");
    let model = dermasim::skin::model(&Source::new(name, text)).unwrap_or_else(|error| panic!("{error}"));
    let layers = layers
        .iter()
        .map(|(name, groups)| LayerName {
            name: (*name).into(),
            groups: groups.iter().map(|group| (*group).into()).collect(),
        })
        .collect();
    let traits = BTreeMap::from([("sex".into(), "female".into()), ("fitzpatrick".into(), "III".into())]);
    model.compile(&Setting { layers, traits }).unwrap_or_else(|error| panic!("{error}"))
}

/// Largest rate of change at rest, relative to the scale of its field, per day.
fn unrest(compiled: &Compiled) -> f64 {
    let mut largest: f64 = 0.0;
    for (layer, rates) in compiled.layers.iter().enumerate() {
        let value = |input: &Input| match *input {
            Input::Volume(field) => compiled.volume[field].rest[layer],
            Input::Surface(field) => compiled.surface[field].rest,
            // Any oxygen will do, as long as it is its own rest.
            Input::Quasi(_) | Input::QuasiRest(_) => 0.5,
            Input::Signal(signal) => compiled.signals[signal].1,
            Input::SinceAct => 1e12,
            _ => 0.0,
        };
        let inputs: Vec<Operand> = rates.rate.inputs.iter().map(|input| Operand::Value(value(input))).collect();
        let mut out = vec![f64::NAN; rates.rate.outputs];
        rates.rate.run(&inputs, 1, &mut out, &mut Vec::new());
        for (field, rate) in rates.fields.iter().zip(out) {
            let field = &compiled.volume[*field];
            assert!(rate.is_finite(), "{} in layer {layer}", field.name);
            largest = largest.max((rate / field.scale.unwrap_or(field.unit.factor)).abs() * 86_400.0);
        }
    }
    largest
}

const SKIN: &[(&str, &[&str])] = &[
    ("stratum_corneum", &["epidermis"]),
    ("viable_epidermis", &["epidermis"]),
    ("papillary_dermis", &["dermis"]),
    ("reticular_dermis", &["dermis"]),
    ("hypodermis", &[]),
];
const UNIFORM: &[(&str, &[&str])] = &[("medium", &[])];

#[test]
fn the_default_model_rests_in_every_layer() {
    let compiled = compile("default.toml", SKIN);
    assert_eq!(compiled.surface.len(), 14);
    assert!(unrest(&compiled) < 1e-13, "{}", unrest(&compiled));
}

#[test]
fn the_uncorrected_model_rests() {
    let compiled = compile("uncorrected.toml", UNIFORM);
    assert_eq!(compiled.volume.len(), 22);
    assert!(unrest(&compiled) < 1e-12, "{}", unrest(&compiled));
}

#[test]
fn published_models_compile_in_a_uniform_layer() {
    for (name, resting) in [
        ("gray_scott.toml", true),
        ("fisher_kpp.toml", true),
        ("brusselator.toml", true),
        ("robertson.toml", true),
        ("van_der_pol.toml", true),
        ("fitzhugh_nagumo.toml", true),
        ("keller_segel.toml", true),
        ("koppenol.toml", true),
        // The cubic that calls monocytes never vanishes, and the injury of the circuit is part of its equations.
        ("waugh_sherratt.toml", false),
        ("adler_fibrosis.toml", false),
    ] {
        let compiled = compile(name, UNIFORM);
        if resting {
            assert!(unrest(&compiled) < 1e-9, "{name}: {}", unrest(&compiled));
        }
    }
}

#[test]
fn every_constant_has_a_unit_a_source_evidence_and_a_range() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/response");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // Reading checks value against range, units, and that source and evidence are there.
        let model = dermasim::skin::model(&Source::new(name.clone(), text)).unwrap_or_else(|error| panic!("{error}"));
        for (own, constant) in &model.constants {
            assert!(constant.source.len() >= 10, "{name}: {own}: the source says too little");
            let Some(number) = constant.number() else { continue };
            let [low, high] = number.range.unwrap_or_else(|| panic!("{name}: {own}: no range"));
            assert!(low <= high, "{name}: {own}");
            let recalled = number.source.contains("recalled");
            assert!(!recalled || !number.counts_as_measured(), "{name}: {own}: recalled, yet counted as measured");
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
}
