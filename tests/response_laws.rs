//! What must hold whatever the constants: more dose scars no less, darker skin and harsher needling darken no less, and an
//! infection needs germs. Scenarios are drawn at random from a fixed seed and run on a coarse grid.

use std::sync::Arc;

use dermasim::run;
use dermasim::scenario::Scenario;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The values of an observable over a run: largest deviation from rest, and the last value.
fn run(text: &str, observable: &str, resolution: f64) -> [f64; 2] {
    let grid = format!("[grid]\nstrata = 1\nresolution = {resolution}\n[stepping]\ntolerance = 3e-2\n");
    let plan = Scenario::from_text("law", &format!("{text}\n{grid}")).plan().unwrap_or_else(|error| panic!("{error}"));
    let record = run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}")).record;
    let column = record.headings.iter().position(|heading| heading.name == observable).expect("the observable");
    let rest = record.headings[column].rest;
    let mut values = record.values.iter().map(|row| row[column] - rest);
    let peak = values.clone().fold(0.0, |best: f64, own| if own.abs() > best.abs() { own } else { best });
    [peak, values.next_back().expect("a value") + rest]
}

/// Relative slack for the error of the stepping and of the coarse grid.
const SLACK: f64 = 0.02;

#[test]
fn pigment_rises_with_skin_type_and_with_intensity() {
    let mut draws = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..2 {
        let length = draws.random_range(0.5..1.5);
        let dose = draws.random_range(100.0..600.0);
        let of = |kind: &str, length: f64, dose: f64| {
            let text = format!(
                "tissue = \"cheek\"\n[person]\nfitzpatrick = \"{kind}\"\n[needling]\nlength = \"{length:.3} mm\"\n\
                 dose = \"{dose:.0} 1/cm^2\"\n[course]\nfollowed = \"40 d\"\n"
            );
            run(&text, "melanin", 0.25)[0]
        };
        let by_type: Vec<f64> = ["I", "III", "V", "VI"].iter().map(|kind| of(kind, length, dose)).collect();
        assert!(by_type.windows(2).all(|pair| pair[1] > pair[0]), "{length} mm, {dose}/cm²: {by_type:?}");
        let harsher = [of("IV", length, dose), of("IV", 1.4 * length, dose), of("IV", 1.4 * length, 2.0 * dose)];
        assert!(
            harsher.windows(2).all(|pair| pair[1] > (1.0 - SLACK) * pair[0]),
            "{length} mm, {dose}/cm²: {harsher:?}"
        );
    }
}

/// Near the fold of the loop a strong injury once scarred less than a weak one, because it used the fibroblasts up.
#[test]
fn scarring_rises_with_dose_at_every_strength_of_the_loop() {
    let mut draws = ChaCha8Rng::seed_from_u64(9);
    for low in [0.6, 1.5, 2.4] {
        let strength = draws.random_range(low..low + 0.6);
        let scars: Vec<f64> = [150.0, 600.0, 2400.0]
            .iter()
            .map(|dose| {
                let text = format!(
                    "tissue = \"cheek\"\n[needling]\nlength = \"2 mm\"\ndose = \"{dose} 1/cm^2\"\n[course]\nsessions = 3\n\
                     spacing = \"7 d\"\nfollowed = \"120 d\"\n[set]\n\"response.p_Tm\" = \"{strength:.3} 1/d\"\n"
                );
                run(&text, "scar_index", 0.25)[1]
            })
            .collect();
        assert!(
            scars.windows(2).all(|pair| pair[1] >= (1.0 - SLACK) * pair[0] - 1e-6),
            "strength {strength}: {scars:?}"
        );
    }
}

#[test]
fn an_infection_needs_germs_and_a_dressing_helps_them() {
    let load = |germs: f64, occlusion: f64| {
        let text = format!(
            "tissue = \"forearm\"\n[needling]\nlength = \"1 mm\"\n[course]\nfollowed = \"5 d\"\n[signals]\n\
             occlusion = {occlusion}\n[set]\n\"response.X_0\" = {germs}\n"
        );
        // A coarse grid dilutes what a needle leaves in the wall of a narrow hole, and so clears it.
        run(&text, "infection_load", 0.5)[1]
    };
    // Clean needles: gone, dressing or not. Filthy ones grow under a dressing. What lies between is near the threshold, which
    // the widest holes decide: there only the order is asked for.
    assert!(load(1e-7, 0.0) < 1.0 && load(1e-7, 1.0) < 1.0);
    assert!(load(1e-2, 1.0) > 1e6);
    assert!(load(1e-3, 0.0) < 1e5 && load(1e-3, 1.0) > load(1e-3, 0.0));
}
