//! Harm: it never falls with length, dose, force, shorter gaps or slower strokes, nor with blunter tips but for what these spare by
//! going less deep; dragged needles wound; no index of balance is best at the harsh end of what is done, but for force where it
//! drives few needles through the skin. Longer versions over all sites, ages and types stand in `slow`.

mod common;

use common::harm::{self, Protocol};
use dermasim::skin::needling::tear::Cut;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// What coarse grids and steps may err by.
const SLACK: f64 = 0.05;

#[test]
fn a_needle_that_stays_within_the_give_of_skin_cuts_nothing() {
    assert_eq!(Cut::of(1e-4, 1.25e-4, 1e-3), Cut::default());
    assert_eq!(Cut::of(1e-3, 1.25e-4, 0.0), Cut::default());
    let cut = Cut::of(217e-6, 125e-6, 1.2e-3);
    assert!((cut.length - 92e-6).abs() < 1e-9 && (cut.depth - 0.802e-3).abs() < 1e-6, "{cut:?}");
    assert_eq!((cut.at(0.0), cut.at(cut.depth)), (cut.length, 0.0));
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..ProptestConfig::default() })]

    /// The wedge lies below the curve that it stands for, and a cut is never deeper than its hole.
    #[test]
    fn cuts_grow_with_the_way_and_the_depth(way in 1.0_f64..5000.0, more in 1.0_f64..3.0, give in 10.0_f64..500.0, depth in 50.0_f64..3000.0) {
        let um = 1e-6;
        let cut = |way: f64, depth: f64| Cut::of(way * um, give * um, depth * um);
        let (less, longer, deeper) = (cut(way, depth), cut(way * more, depth), cut(way, depth * more));
        prop_assert!(longer.length >= less.length && longer.depth >= less.depth && longer.area() >= less.area());
        prop_assert!(deeper.area() >= less.area() && less.depth <= depth * um);
        for tenth in 0..10 {
            let at = f64::from(tenth) / 10.0 * depth * um;
            let curve = (way * um * (1.0 - at / (depth * um)).sqrt() - give * um).max(0.0);
            prop_assert!(less.at(at) <= curve + 1e-12);
        }
    }

    /// A cut that stands for some is as long on average, and as large.
    #[test]
    fn the_mean_of_cuts_keeps_their_area(ways in prop::collection::vec(50.0_f64..2000.0, 1..9)) {
        let cuts: Vec<Cut> = ways.iter().map(|way| Cut::of(way * 1e-6, 125e-6, way * 1e-6)).collect();
        let mean = Cut::mean(cuts.iter().copied());
        let area = cuts.iter().map(Cut::area).sum::<f64>() / cuts.len() as f64;
        prop_assert!((mean.area() - area).abs() <= 1e-12 * area);
    }
}

#[test]
fn dragged_needles_wound() {
    let at = |frequency: f64| Protocol { sessions: 1, frequency, ..Protocol::usual("cheek") }.run(60.0, "");
    let (quick, slow, stopped) = (at(117.0), at(25.0), at(1.0));
    harm::no_less(&slow, &quick, SLACK, &["deep_holes", "deep_injury"], "25 against 117 Hz");
    harm::no_less(&stopped, &slow, SLACK, &["deep_holes", "deep_injury"], "1 against 25 Hz");
    // At one stroke a second a pen ploughs: it takes the epidermis off, and what it leaves is scar, not gain.
    assert!(harm::largest(&stopped, "wound_open") > 10.0 * harm::largest(&quick, "wound_open"));
    assert!(harm::end(&stopped, "scar_index") > 10.0 * harm::end(&quick, "scar_index"));
    assert!(harm::end(&stopped, "collagen_I") < harm::end(&quick, "collagen_I"));
    assert!(harm::end(&stopped, "balance") < 0.0 && harm::end(&stopped, "balance") < harm::end(&slow, "balance"));
}

#[test]
fn scars_of_disposed_skin_show_after_harsh_courses_only() {
    let harsh = Protocol { length: 2.5, dose: 1000.0, sessions: 6, gap: 7.0, ..Protocol::usual("cheek") };
    let person = "[person]\nkeloid_prone = \"yes\"\n";
    let usual = Protocol::usual("cheek").run(100.0, person);
    let harsh = harsh.run(100.0, person);
    assert!(harm::end(&usual, "scar_index") < 0.01 && harm::largest(&usual, "scar_loop") < 1.0);
    // The gain of the loop tells long before half a year has passed.
    assert!(harm::end(&harsh, "scar_index") > 0.5 && harm::end(&harsh, "scar_loop") > 1.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn harsher_courses_harm_no_less(
        tissue in prop::sample::select(vec!["cheek", "forehead", "neck", "thigh"]),
        length in 0.4_f64..1.8,
        press in 0.5_f64..3.0,
        gap in 6.0_f64..30.0,
        more in 1.3_f64..1.6,
    ) {
        let own = Protocol { length, press, gap, sessions: 2, ..Protocol::usual(tissue) };
        let mild = own.run(30.0, "");
        let harsher = [
            ("longer", Protocol { length: length * more, ..own }),
            ("harder", Protocol { press: press * 3.0 * more, ..own }),
            ("denser", Protocol { dose: own.dose * more, ..own }),
            ("one session more", Protocol { sessions: 3, ..own }),
            ("sooner", Protocol { gap: gap / (2.0 * more), ..own }),
            ("blunter", Protocol { wear: 3.0, ..own }),
        ];
        for (what, course) in harsher {
            // A blunt tip goes less deep, and two wounds at once heal in less time than one after the other.
            let spared: &[&str] = match what {
                "blunter" => &["deep_holes", "deep_injury", "blood_lost", "scar_index"],
                "sooner" => &["unhealed_time"],
                _ => &[],
            };
            harm::no_less(&course.run(30.0, ""), &mild, SLACK, spared, &format!("{what} than {own:?}"));
        }
    }
}

#[test]
fn no_balance_is_best_at_the_harsh_end_of_eyelid_and_cheek() {
    for (what, courses) in ["periorbital", "cheek"].into_iter().flat_map(|tissue| harm::axes(tissue, 3)) {
        harm::not_best_at_the_harsh_end(&courses, &what);
    }
}
