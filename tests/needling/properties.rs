//! What must hold whatever the numbers.

use dermasim::skin::needling::depth::{LumpedGround, PunctureLaw};
use dermasim::skin::needling::{Puncture, drive, merge};
use dermasim::skin::protocol::Dose;
use proptest::prelude::*;

use super::setting::{Case, MM, PER_CM2, UM, law};

fn grounds() -> impl Strategy<Value = LumpedGround> {
    (10.0..1000.0, 10.0..300.0, 0.1..1.0, 0.0..0.1_f64).prop_map(|(stiffness, slope, open_share, force)| LumpedGround {
        stiffness,
        slope,
        open_share,
        force,
    })
}

proptest! {
    #[test]
    fn depth_never_exceeds_reach_and_never_shrinks(skin in grounds(), reach in 0.0..3e-3, again in 0.0..3e-3, limit in 0.0..0.5) {
        let first = skin.stroke(0.0, reach, Some(limit));
        prop_assert!((0.0..=reach).contains(&first));
        let second = skin.stroke(first, again, Some(limit));
        prop_assert!(second >= first && second <= reach.max(again));
    }

    #[test]
    fn deeper_with_length_support_and_force(skin in grounds(), reach in 0.0..3e-3_f64, hole in 0.0..1e-3_f64, limit in 0.0..0.5, more in 1.0..3.0_f64) {
        let hole = hole.min(reach);
        let base = skin.stroke(hole, reach, Some(limit));
        prop_assert!(skin.stroke(hole, reach * more, Some(limit)) >= base);
        prop_assert!(skin.stroke(hole, reach, Some(limit * more)) >= base);
        let firm = LumpedGround { stiffness: skin.stiffness * more, ..skin };
        prop_assert!(firm.stroke(hole, reach, Some(limit)) >= base * (1.0 - 1e-12));
    }

    #[test]
    fn never_deeper_with_blunter_tips_or_more_resistance(skin in grounds(), reach in 0.0..3e-3, limit in 0.0..0.5, radius in 1.0..30.0_f64, speed in 0.0..3.0_f64, more in 1.0..3.0_f64) {
        let blunt = |radius: f64| LumpedGround { force: law().force(radius * UM, speed), ..skin };
        prop_assert!(blunt(radius * more).stroke(0.0, reach, Some(limit)) <= blunt(radius).stroke(0.0, reach, Some(limit)));
        let tough = LumpedGround { slope: skin.slope * more, ..skin };
        prop_assert!(tough.stroke(0.0, reach, Some(limit)) <= skin.stroke(0.0, reach, Some(limit)));
    }

    #[test]
    fn strength_falls_with_speed_between_its_levels(slow in 1e-6..1.0, times in 1.0..1e3_f64) {
        let law: PunctureLaw = law();
        prop_assert!(law.factor(slow * times) <= law.factor(slow));
        prop_assert!((law.fast_factor..=law.slow_factor).contains(&law.factor(slow)));
    }

    #[test]
    fn drag_vanishes_with_glide(frequency in 10.0..300.0, length in 0.1..2.5_f64, glide in 0.0..0.2_f64) {
        let drag = |glide: f64| glide * drive::pen_contact(frequency, 3.0 * MM, length * MM);
        prop_assert!(drag(1e-3 * glide) <= 1.001e-3 * drag(glide) && drag(0.0) == 0.0);
    }

    #[test]
    fn never_more_holes_than_strokes(places in prop::collection::vec((0.0..5e-3, 0.0..5e-3), 1..400), radius in 0.02..0.5_f64) {
        let places: Vec<[f64; 2]> = places.into_iter().map(|(x, y)| [x, y]).collect();
        let (holes, numbers) = merge(&places, 5.0 * MM, radius * MM);
        prop_assert!(holes.len() <= places.len() && numbers.iter().all(|number| *number < holes.len()));
    }
}

proptest! {
    // Whole sessions: fewer, they place thousands of punctures each.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn sessions_keep_the_invariants(length in 0.2..2.5_f64, seed in any::<u64>(), density in 50.0..600.0_f64, site in 0..8_usize) {
        let sites = ["cheek", "forehead", "periorbital", "lip", "neck", "forearm", "abdomen", "thigh"];
        let mut case = Case::new(sites[site], "skinpen", length * MM).protocol(|one| one.dose = Dose::Density(density * PER_CM2));
        case.seed = seed;
        let run = case.run();
        let summary = &run.summary;
        prop_assert!(summary.holes_per_area <= summary.places_per_area && summary.places_per_area <= summary.strokes_per_area);
        prop_assert!((summary.places_per_area / (density * PER_CM2) - 1.0).abs() < 0.01);
        prop_assert!(run.punctures.iter().all(|one| one.depth > 0.0 && one.depth <= one.reach));
        prop_assert!(run.punctures.iter().all(|one| one.x < run.patch[0] && one.y < run.patch[1]));
        let weights: f64 = run.strata.iter().map(|(weight, _)| weight).sum();
        prop_assert!((weights - 1.0).abs() < 1e-12);
        let mean: f64 = run.strata.iter().map(|(weight, one)| weight * one.depth).sum();
        prop_assert!((mean / summary.mean_depth - 1.0).abs() < 1e-9);
        // Strata carry the mean ruptures; their profile over depth adds up to the same.
        let profile = run.rupture_by_depth(&[0.0, 0.3 * MM, 1.0 * MM, 10.0 * MM]);
        for class in 0..4 {
            let strata: f64 = run.strata.iter().map(|(weight, one)| weight * one.ruptures[class]).sum();
            let depth: f64 = profile.iter().map(|slice| slice[class]).sum();
            prop_assert!((strata - depth).abs() <= 1e-9 * (1.0 + strata));
        }
    }

    #[test]
    fn longer_needles_go_deeper_and_rupture_more(length in 0.2..1.2_f64, more in 1.1..2.0_f64) {
        let at = |length: f64| Case::new("cheek", "skinpen", length * MM).run().summary;
        let (short, long) = (at(length), at(length * more));
        prop_assert!(long.mean_depth > short.mean_depth);
        prop_assert!(long.visible_bleeding_probability >= short.visible_bleeding_probability);
        prop_assert!(long.pain > short.pain);
    }
}

#[test]
fn no_vessel_bleeds_above_the_dermis() {
    let run = Case::new("cheek", "derma_roller_home", 0.3 * MM).run();
    let thinnest = run.punctures.iter().filter(|one| one.depth < 0.03 * MM);
    assert!(thinnest.clone().count() > 0);
    assert!(thinnest.into_iter().all(|one: &Puncture| one.ruptures == [0.0; 4] && one.blood.is_empty()));
}

#[test]
fn the_same_seed_gives_the_same_holes_and_sessions_differ() {
    let run = Case::new("cheek", "skinpen", MM).run();
    assert_eq!(run.punctures, Case::new("cheek", "skinpen", MM).run().punctures);
    let mut other = Case::new("cheek", "skinpen", MM);
    other.seed = 2;
    assert_ne!(run.punctures, other.run().punctures);
    // Another length meets the same places: common random numbers.
    let longer = Case::new("cheek", "skinpen", 1.5 * MM).run();
    assert!(longer.punctures.iter().zip(&run.punctures).all(|(a, b)| (a.x, a.y) == (b.x, b.y)));
}

#[test]
fn doses_are_met_and_impossible_ones_refused() {
    let with = |dose| Case::new("cheek", "skinpen", MM).protocol(|one| one.dose = dose).try_run();
    let coverage = with(Dose::Coverage(0.5 * PER_CM2)).unwrap();
    assert!((coverage.summary.coverage_time / (0.5 * PER_CM2) - 1.0).abs() < 0.01);
    let passes = with(Dose::Passes(1.5)).unwrap();
    assert!((passes.summary.passes / 1.5 - 1.0).abs() < 0.03, "{}", passes.summary.passes);
    for dose in [
        Dose::Density(1e9),
        Dose::Density(0.0),
        Dose::Density(f64::NAN),
        Dose::Passes(-1.0),
        Dose::Passes(f64::INFINITY),
        Dose::Coverage(1e12),
    ] {
        assert_eq!(with(dose).unwrap_err().exit_code(), 2, "{dose:?}");
    }
}

#[test]
fn odd_protocols_are_refused_or_run_but_never_panic() {
    let strange = |change: fn(&mut dermasim::skin::protocol::Protocol)| {
        Case::new("cheek", "skinpen", MM).protocol(change).try_run()
    };
    assert!(strange(|one| one.length = 9.0 * MM).is_err());
    assert!(strange(|one| one.glide = Some(0.0)).is_err());
    assert!(strange(|one| one.glide = Some(f64::NAN)).is_err());
    assert!(strange(|one| one.frequency = Some(1e12)).is_err());
    assert!(strange(|one| one.press = Some(-1.0)).is_err());
    assert!(strange(|one| one.wear = Some(f64::NAN)).is_err());
    assert!(strange(|one| one.area = Some(0.0)).is_err());
    assert!(strange(|one| one.glide = Some(1e-5)).is_ok());
    assert!(strange(|one| one.glide = Some(10.0)).is_ok());
    let blunt = strange(|one| one.wear = Some(1e6)).unwrap();
    assert!(blunt.summary.mean_depth.is_finite());
    let uniform = Case { tissue: super::setting::tissue("uniform"), ..Case::new("cheek", "skinpen", MM) };
    assert!(uniform.try_run().unwrap_err().to_string().contains("cannot be needled"));
}
