//! What must rise or fall whatever the numbers, over scenarios drawn at random from fixed seeds.
//!
//! Needles are followed on the grid's table, as runs do. Pigment by skin type and harshness, and scarring by dose, stand in
//! `response_laws`; more of needles in `practice` and `needling`.

use std::sync::Arc;

use dermasim::run::{self, Outcome};
use dermasim::scenario::Scenario;
use dermasim::skin::needling::Summary;
use dermasim::study::practice::Practice;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const TISSUES: [&str; 6] = ["cheek", "forehead", "neck", "forearm", "abdomen", "thigh"];

fn drawn(cases: u32, seed: u64) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..ProptestConfig::default() }
}

/// What a session does; its random numbers are the same at every setting, so that laws hold draw by draw.
fn needled(tissue: &str, device: &str, length: f64, more: &str) -> Summary {
    let text = format!(
        "tissue = \"{tissue}\"\n[needling]\ndevice = \"{device}\"\nlength = \"{length:.4} mm\"\npasses = 1\nwear = 0\n{more}"
    );
    let plan = Scenario::from_text("monotone", &text).plan().unwrap_or_else(|error| panic!("{error}\n{text}"));
    plan.needle(0, 1).unwrap_or_else(|error| panic!("{error}\n{text}")).summary
}

/// Mean depth over all places struck [m]: those that are not pierced count as zero, and those that are more force pierces too.
fn depth(summary: &Summary) -> f64 {
    summary.mean_depth * summary.holes_per_area / summary.places_per_area
}

/// Each stroke is tabulated, with an error that the table tells.
fn no_less(more: &Summary, less: &Summary) -> bool {
    depth(more) >= depth(less) - 0.02 * more.depth_error
}

/// A run on a coarse grid.
fn run(text: &str) -> Outcome {
    let text = format!("{text}\n[grid]\nstrata = 1\nresolution = 0.5\n");
    let plan = Scenario::from_text("monotone", &text).plan().unwrap_or_else(|error| panic!("{error}\n{text}"));
    run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn end(outcome: &Outcome, name: &str) -> f64 {
    let column = outcome.record.headings.iter().position(|heading| heading.name == name);
    outcome.record.values.last().unwrap()[column.unwrap_or_else(|| panic!("no `{name}`"))]
}

proptest! {
    #![proptest_config(drawn(8, 1))]

    /// Longer needles go deeper, hurt more and rupture more, on every kind of tool.
    #[test]
    fn with_length(
        tissue in prop::sample::select(TISSUES.to_vec()),
        (device, shortest, longest) in prop::sample::select(vec![
            ("skinpen", 0.2, 1.9), ("derma_roller_medical", 1.0, 2.4), ("hypodermic", 0.3, 1.9), ("needle_array", 0.3, 0.6),
        ]),
        part in 0.0_f64..1.0,
        more in 1.05_f64..1.4,
    ) {
        let length = shortest + part * (longest - shortest);
        let (short, long) = (needled(tissue, device, length, ""), needled(tissue, device, length * more, ""));
        prop_assert!(depth(&long) > depth(&short), "{} {}", depth(&long), depth(&short));
        prop_assert!(long.pain > short.pain);
        let ruptures = |summary: &Summary| summary.ruptures_per_area.values().sum::<f64>();
        prop_assert!(ruptures(&long) >= ruptures(&short));
    }

    /// A harder press never goes less deep, whether it limits the needles, seats the barrel or domes the skin.
    #[test]
    fn with_force(
        tissue in prop::sample::select(TISSUES.to_vec()),
        (device, length) in prop::sample::select(vec![
            ("skinpen", 1.0), ("derma_roller_medical", 1.5), ("derma_roller_home", 0.5), ("needle_array", 0.6), ("hypodermic", 1.2),
        ]),
        press in 0.2_f64..6.0,
        more in 1.2_f64..4.0,
    ) {
        let at = |press: f64| needled(tissue, device, length, &format!("press = \"{press:.3} N\"\n"));
        let (light, hard) = (at(press), at(press * more));
        prop_assert!(no_less(&hard, &light), "{device} {press} N: {} {}", depth(&hard), depth(&light));
    }

    /// Firmer ground below the dermis holds the skin better: tools without a nose, into which firmer skin would dome less.
    #[test]
    fn with_support(
        tissue in prop::sample::select(TISSUES.to_vec()),
        (device, length) in prop::sample::select(vec![("derma_roller_medical", 1.2), ("hypodermic", 0.9), ("needle_array", 0.6)]),
        soft in 1.0_f64..6.0,
        more in 1.3_f64..3.0,
    ) {
        let at = |stiffness: f64| {
            needled(tissue, device, length, &format!("[set]\n\"tissue.layer.hypodermis.stiffness\" = \"{stiffness:.3} kPa\"\n"))
        };
        let (soft, firm) = (at(soft), at(soft * more));
        prop_assert!(no_less(&firm, &soft), "{device}: {} {}", depth(&firm), depth(&soft));
    }

    /// Pain grows with the number of needles at once.
    #[test]
    fn pain_with_number(tissue in prop::sample::select(TISSUES.to_vec()), needles in 6_u32..20, more in 1_u32..12) {
        let at = |needles: u32| needled(tissue, "skinpen", 1.0, &format!("[set]\n\"device.pen.needles\" = {needles}\n")).pain;
        prop_assert!(at(needles + more) > at(needles));
    }
}

proptest! {
    #![proptest_config(drawn(3, 2))]

    /// Debris is what a puncture adds without a ceiling: sessions a second apart add up, whatever they are.
    #[test]
    fn injured_volume_adds_up(length in 0.4_f64..1.8, dose in 100.0_f64..400.0, sessions in 2_usize..5) {
        let injured = |sessions: usize| {
            let text = format!(
                "tissue = \"cheek\"\n[needling]\nlength = \"{length:.3} mm\"\ndose = \"{dose:.0} 1/cm^2\"\n[course]\n\
                 sessions = {sessions}\nspacing = \"1 s\"\nfollowed = \"20 s\"\n[observe]\nat = [\"10 s\"]\n\
                 [probe.injured]\nvalue = \"integral(debris, all)\"\nunit = \"um\"\n"
            );
            end(&run(&text), "injured")
        };
        let (one, all) = (injured(1), injured(sessions));
        // Seeds of later sessions differ, so their depths do.
        prop_assert!((all / one / sessions as f64 - 1.0).abs() < 0.03, "{all} against {sessions} times {one}");
    }

    /// Less of a heavier hyaluronan gets below the epidermis.
    #[test]
    fn hyaluronan_by_molar_mass(mass in 8.0_f64..300.0, times in 2.0_f64..5.0, length in 0.25_f64..0.8) {
        let reached = |mass: f64| {
            let outcome = run(&format!(
                "tissue = \"cheek\"\nagents = [\"hyaluronan\"]\n[needling]\nlength = \"{length:.3} mm\"\n[course]\nfirst = \"2 h\"\n\
                 followed = \"20 h\"\n[observe]\nevery = \"6 h\"\n[agent.hyaluronan]\nmass = \"{mass:.1} kDa\"\n"
            ));
            ["dermis", "cleared", "fat"].iter().map(|part| end(&outcome, &format!("hyaluronan_{part}"))).sum::<f64>()
        };
        let (light, heavy) = (reached(mass), reached(mass * times));
        prop_assert!(heavy < light && heavy >= 0.0, "{mass} kDa: {light}, {times} times: {heavy}");
    }

    /// The longer the spacing, the less of a session is left for the next.
    #[test]
    fn carry_over_by_spacing(length in 0.5_f64..1.5, spacing in 1.0_f64..6.0, times in 1.5_f64..3.0) {
        let left = |days: f64| {
            let outcome = run(&format!(
                "tissue = \"cheek\"\n[needling]\nlength = \"{length:.3} mm\"\n[course]\nsessions = 2\nspacing = \"{days:.2} d\"\n\
                 followed = \"20 d\"\n[observe]\nevery = \"6 h\"\n"
            ));
            let practice = Practice::of(&outcome).unwrap();
            ["inflammation", "erythema", "peeling"]
                .map(|name| practice.carried_over.iter().find(|own| own.observable == name).unwrap().share)
        };
        let (soon, late) = (left(spacing), left(spacing * times));
        prop_assert!(soon.iter().zip(&late).all(|(soon, late)| late <= soon), "{spacing} d: {soon:?}, {times} times: {late:?}");
        prop_assert!(late[0] < soon[0]);
    }
}
