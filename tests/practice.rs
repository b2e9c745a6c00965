//! Practice: laws of recovery, of what is carried over and carried off, of rules and prices; and monotonicities over random
//! protocols.

use std::sync::Arc;

use dermasim::run::{self, Outcome};
use dermasim::scenario::{Plan, Scenario};
use dermasim::skin::catalogue::{CatalogueKind, Rules, find, list};
use dermasim::skin::needling::{self, Needling};
use dermasim::study::practice::{Practice, advice, spread};
use proptest::prelude::*;

fn plan(text: &str) -> Plan {
    Scenario::from_text("practice", text).plan().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn injure(plan: &Plan) -> Needling {
    plan.needle(0, 1).unwrap_or_else(|error| panic!("{error}"))
}

fn run(text: &str) -> Outcome {
    run::run(&Arc::new(plan(text)), &mut |_| true).unwrap_or_else(|error| panic!("{error}"))
}

const COARSE: &str = "[grid]\nstrata = 1\nresolution = 0.6\n";

#[test]
fn less_is_carried_over_the_longer_the_spacing() {
    let left = |spacing: &str| {
        let text = format!(
            "tissue = \"cheek\"\n[needling]\nlength = \"1 mm\"\n[course]\nsessions = 2\nspacing = \"{spacing}\"\nfollowed = \"30 d\"\n\
             [observe]\nevery = \"6 h\"\n{COARSE}"
        );
        let practice = Practice::of(&run(&text)).unwrap();
        let own = |name: &str| practice.carried_over.iter().find(|own| own.observable == name).unwrap().share;
        [own("inflammation"), own("erythema"), own("peeling")]
    };
    let all = ["2 d", "5 d", "14 d"].map(left);
    for (index, name) in ["inflammation", "erythema", "peeling"].iter().enumerate() {
        let shares = all.map(|own| own[index]);
        assert!(shares[0] >= shares[1] && shares[1] >= shares[2], "{name}: {shares:?}");
        assert!((0.0..=1.0).contains(&shares[0]), "{name}: {shares:?}");
    }
    assert!(all[0][0] > all[2][0], "{all:?}");
}

#[test]
fn injured_volume_adds_up_over_sessions() {
    // Debris is what a puncture adds without a ceiling: an injury a second later adds as much again.
    let injured = |sessions: usize| {
        let text = format!(
            "tissue = \"cheek\"\n[needling]\nlength = \"1 mm\"\n[course]\nsessions = {sessions}\nspacing = \"1 s\"\nfollowed = \"20 s\"\n\
             [observe]\nat = [\"10 s\"]\n[probe.injured]\nvalue = \"integral(debris, all)\"\nunit = \"um\"\n{COARSE}"
        );
        let outcome = run(&text);
        let column = outcome.record.headings.iter().position(|heading| heading.name == "injured").unwrap();
        outcome.record.values.last().unwrap()[column]
    };
    let (one, three) = (injured(1), injured(3));
    // In 20 s debris decays by 1.8 / 86400 * 20 = 4e-4 of itself; seeds of later sessions differ, so their depths do.
    assert!((three / one - 3.0).abs() < 0.05, "{three} against {one}");
}

#[test]
fn the_gate_is_the_slowest_symptom() {
    let text = format!(
        "tissue = \"cheek\"\n[needling]\nlength = \"0.5 mm\"\n[course]\nfollowed = \"60 d\"\n[observe]\nevery = \"12 h\"\n{COARSE}"
    );
    let recovery = Practice::of(&run(&text)).unwrap().recovery.unwrap();
    let longest = recovery.each.iter().filter_map(|(_, day)| *day).fold(0.0, f64::max);
    match recovery.days {
        Some(days) => assert_eq!(days, longest),
        None => assert!(recovery.each.iter().any(|(_, day)| day.is_none())),
    }
    assert!(!recovery.slowest.is_empty());
}

fn carried(lesion: &str, device: &str, glide: &str) -> dermasim::study::practice::LesionSpread {
    let text = format!(
        "tissue = \"cheek\"\nlesion = \"{lesion}\"\n[needling]\ndevice = \"{device}\"\nlength = \"0.5 mm\"\nglide = \"{glide}\"\n[course]\nfollowed = \"2 d\"\n"
    );
    let plan = plan(&text);
    spread(&plan, plan.lesion.as_ref().unwrap(), &injure(&plan)).unwrap().unwrap()
}

#[test]
fn what_needles_carry_falls_along_their_way() {
    for lesion in ["wart", "herpes"] {
        let own = carried(lesion, "skinpen", "20 mm/s");
        assert!(own.deposit.windows(2).all(|pair| pair[1] <= pair[0]), "{lesion}");
        assert!(own.reach > 0.0 && own.area >= 0.0 && own.reach >= own.step);
        // The last hole that counts still gets the infective share, the next one does not.
        let (release, infective): (f64, f64) = if lesion == "wart" { (0.1, 0.01) } else { (0.2, 0.001) };
        let load = |hole: f64| release * (1.0 - release).powf(hole);
        assert!(load(own.holes) >= infective && load(own.holes + 1.0) < infective, "{lesion}");
    }
    let (slow, fast) = (carried("wart", "skinpen", "10 mm/s"), carried("wart", "skinpen", "40 mm/s"));
    assert!((fast.reach / slow.reach - 4.0).abs() < 1e-9, "a faster glide spreads the same holes further");
}

#[test]
fn every_rule_names_numbers_that_a_session_has() {
    let all = list(CatalogueKind::Rules);
    assert!(all.len() >= 3);
    for entry in all {
        let rules = Arc::new(Rules::read(&find(CatalogueKind::Rules, &entry.name, None).unwrap()).unwrap());
        for operator in ["dermatologist", "aesthetician", "home_user"] {
            for device in ["skinpen", "derma_roller_medical"] {
                let mut plan = plan(&format!(
                    "tissue = \"cheek\"\n[needling]\ndevice = \"{device}\"\noperator = \"{operator}\"\nlength = \"1.5 mm\"\n"
                ));
                plan.rules = vec![rules.clone()];
                advice(&plan, &[injure(&plan)], None).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
}

#[test]
fn rules_speak_when_they_should() {
    let speaks = |operator: &str, length: &str, age: u32, tissue: &str| -> Vec<String> {
        let plan = plan(&format!(
            "tissue = \"{tissue}\"\nrules = [\"california\", \"united_states\", \"home_use\"]\n[person]\nage = {age}\n[needling]\n\
             device = \"skinpen\"\noperator = \"{operator}\"\nlength = \"{length}\"\n"
        ));
        advice(&plan, &[injure(&plan)], None).unwrap().into_iter().map(|one| one.rule).collect()
    };
    let has = |all: &[String], rule: &str| all.iter().any(|own| own == rule);
    let nurse = speaks("nurse", "1 mm", 40, "cheek");
    assert!(!has(&nurse, "metal_needles") && !has(&nurse, "age") && !has(&nurse, "skinpen_length"), "{nurse:?}");
    assert!(has(&speaks("aesthetician", "0.25 mm", 40, "cheek"), "metal_needles"));
    assert!(has(&speaks("nurse", "1 mm", 20, "cheek"), "age"));
    assert!(has(&speaks("nurse", "2 mm", 40, "cheek"), "skinpen_length"));
    assert!(!has(&speaks("nurse", "1.5 mm", 40, "cheek"), "skinpen_length"), "at the limit is not beyond it");
    assert!(!has(&speaks("nurse", "2 mm", 40, "thigh"), "skinpen_length"));
    assert!(has(&speaks("home_user", "1 mm", 40, "cheek"), "length"));
}

#[test]
fn a_course_costs_its_sessions() {
    let text = |sessions: usize| {
        format!(
            "tissue = \"cheek\"\ncost = \"united_states\"\n[needling]\nlength = \"0.5 mm\"\n[course]\nsessions = {sessions}\nspacing = \"1 d\"\n\
             followed = \"5 d\"\n[observe]\nevery = \"1 d\"\n{COARSE}"
        )
    };
    let (one, three) =
        (Practice::of(&run(&text(1))).unwrap().price.unwrap(), Practice::of(&run(&text(3))).unwrap().price.unwrap());
    assert_eq!(one.session, three.session);
    assert!((three.course.median - 3.0 * one.course.median).abs() < 1e-9);
    assert!(
        one.course.p05 < one.course.median && one.course.median < one.course.mean && one.course.mean < one.course.p95
    );
}

/// The random numbers of a session are the same at every setting, so that monotonicities hold draw by draw.
fn needled(tissue: &str, device: &str, operator: &str, length: f64, dose: f64) -> Needling {
    injure(&plan(&format!(
        "tissue = \"{tissue}\"\n[needling]\ndevice = \"{device}\"\noperator = \"{operator}\"\nlength = \"{length} mm\"\ndose = \"{dose} 1/cm^2\"\n"
    )))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn longer_needles_go_deeper_hurt_more_and_rupture_more(
        tissue in prop::sample::select(vec!["cheek", "forehead", "neck", "forearm", "thigh"]),
        operator in prop::sample::select(vec!["dermatologist", "nurse", "home_user"]),
        length in 0.25_f64..1.9,
        more in 0.1_f64..0.5,
        dose in 50.0_f64..400.0,
    ) {
        let (short, long) = (needled(tissue, "skinpen", operator, length, dose), needled(tissue, "skinpen", operator, length + more, dose));
        let (short, long) = (&short.summary, &long.summary);
        prop_assert!(long.mean_depth >= short.mean_depth);
        prop_assert!(long.pain > short.pain);
        let ruptures = |summary: &needling::Summary| summary.ruptures_per_area.values().sum::<f64>();
        prop_assert!(ruptures(long) >= ruptures(short));
        prop_assert!(long.dermal_path >= 0.0);
    }

    #[test]
    fn more_needling_leaves_more_holes_and_takes_longer(
        tissue in prop::sample::select(vec!["cheek", "forearm", "abdomen"]),
        device in prop::sample::select(vec!["skinpen", "dermapen", "derma_roller_medical"]),
        dose in 30.0_f64..250.0,
        times in 1.3_f64..2.0,
    ) {
        let (less, more) = (needled(tissue, device, "nurse", 1.0, dose), needled(tissue, device, "nurse", 1.0, dose * times));
        let (less, more) = (&less.summary, &more.summary);
        prop_assert!(more.holes_per_area > less.holes_per_area);
        prop_assert!(more.session_time > less.session_time);
        prop_assert!(more.strokes_per_area > less.strokes_per_area);
        prop_assert!(less.evenness > 0.0 && more.evenness > 0.0);
    }

    #[test]
    fn unsteady_hands_scatter_more(
        tissue in prop::sample::select(vec!["cheek", "forehead", "forearm"]),
        length in 0.5_f64..2.0,
    ) {
        let sd = |operator| needled(tissue, "skinpen", operator, length, 250.0).summary.sd_depth;
        prop_assert!(sd("home_user") > sd("dermatologist"));
    }

    #[test]
    fn carrying_falls_with_what_each_hole_takes(release in 0.02_f64..0.5, part in 0.01_f64..0.9) {
        let text = "tissue = \"cheek\"\nlesion = \"wart\"\n[needling]\ndevice = \"home_pen\"\nlength = \"0.5 mm\"\n";
        let plan = plan(text);
        let needling = injure(&plan);
        let with = |release: f64| {
            let mut lesion = (**plan.lesion.as_ref().unwrap()).clone();
            let carriage = lesion.carriage.as_mut().unwrap();
            carriage.release.value = dermasim::base::sourced::Choice::One(dermasim::base::units::Quantity::number(release));
            carriage.infective.value = dermasim::base::sourced::Choice::One(dermasim::base::units::Quantity::number(1e-4));
            spread(&plan, &lesion, &needling).unwrap().unwrap()
        };
        let (little, much) = (with(release * part), with(release));
        // A needle that leaves less in each hole goes on infecting longer, as long as that is enough at all.
        if release * part > 1e-3 && (release * part).ln() / release.ln() < 1.8 {
            prop_assert!(little.holes >= 0.9 * much.holes - 1.0, "{} {}", little.holes, much.holes);
        }
        prop_assert!(much.area <= needling.summary.treated_area);
    }
}
