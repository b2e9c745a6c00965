//! The mechanics computed from the tissue: rows of the validation with one set of constants, and the parts of the model against
//! each other.

use dermasim::base::sourced::Traits;
use dermasim::skin::catalogue::Tissue;
use dermasim::skin::mechanics::channel::{NeedleShape, Tip};
use dermasim::skin::mechanics::ground::{Drum, Surroundings};
use dermasim::skin::mechanics::strike::Motion;
use dermasim::skin::mechanics::surrogate::{PlaceVariation, Site, Surrogate};
use dermasim::skin::needling::network;
use dermasim::skin::needling::site::{GRID, Held, Seated, Skin, TABLE};
use dermasim::skin::needling::vessel::{Bed, SkinDepths, Strength, VesselPlace};
use dermasim::skin::needling::{Puncture, drive};
use dermasim::skin::protocol::Solver;

use super::setting::{Case, MM, PER_MM, UM, mechanics, set, tissue};
use crate::common::figures::{self, number};

/// Needle of the calibration: 0.25 mm, 6 degrees, 5 µm.
const NEEDLE: NeedleShape =
    NeedleShape { tip: Tip::Cone, tip_radius: 5.0 * UM, half_angle: 0.104_72, shank_radius: 125.0 * UM };

/// A site under a needle, on the usual grid.
fn site(tissue: &Tissue, surroundings: Surroundings, needle: NeedleShape, motion: Motion, reach: f64) -> Site {
    let traits = tissue.traits(&Traits::new());
    let layers = tissue.layers(&traits).unwrap();
    let mechanics = mechanics();
    let skin = Skin { tissue, layers: &layers, traits: &traits, mechanics: &mechanics };
    let ground = skin.ground(surroundings, 1.1 * reach, 1.0).unwrap();
    skin.site(&ground, needle, motion, reach).unwrap()
}

/// Depth of a first stroke at the mean of a site.
fn depth(tissue: &Tissue, surroundings: Surroundings, needle: NeedleShape, motion: Motion, reach: f64) -> f64 {
    let site = site(tissue, surroundings, needle, motion, reach);
    site.strike(site.mean(), reach, 0.0, false).depth
}

/// A drum of 192 needles (10 mm, 20 mm wide) rolled at 50 mm/s with a press [N], or a plate: the mean place.
fn seated(tissue: &Tissue, held: Held, needle: NeedleShape, motion: Motion, length: f64) -> Seated {
    let traits = tissue.traits(&Traits::new());
    let layers = tissue.layers(&traits).unwrap();
    let mechanics = mechanics();
    let skin = Skin { tissue, layers: &layers, traits: &traits, mechanics: &mechanics };
    skin.seated(held, needle, motion, length, 1.1 * length, 1.0).unwrap()
}

const ROLLED: Motion = Motion::Arc { radius: 10.0 * MM, glide: 0.05 };

fn rolled(tissue: &Tissue, needle: NeedleShape, length: f64, press: f64) -> f64 {
    let seated = seated(tissue, Held::drum(10.0 * MM, 20.0 * MM, 192.0, press), needle, ROLLED, length);
    let place = PlaceVariation { limit: Some(press / seated.bearing), ..seated.site.mean() };
    seated.site.strike(place, length, 0.0, false).depth
}

/// The needle of Kalluri 2011: 0.77 mm, 140 µm at its base, tip 4 µm.
fn kalluri() -> NeedleShape {
    NeedleShape { tip: Tip::Cone, tip_radius: 4.0 * UM, half_angle: (66.0_f64 / 770.0).atan(), shank_radius: 70.0 * UM }
}

#[test]
fn rows_01_to_04_force_by_tip_and_speed() {
    let law = site(&tissue("forearm"), Surroundings::default(), NEEDLE, Motion::Push { speed: MM }, 0.3 * MM).law;
    for radius in [4.5, 5.0] {
        for (speed, measured) in [(0.5, 0.030), (1.0, 0.0216)] {
            let force = law.local(radius * UM, speed * MM);
            assert!((force / measured - 1.0_f64).abs() <= 0.4, "{radius} um, {speed} mm/s: {force}");
        }
    }
    assert!(law.local(0.1 * UM, MM) < 0.010);
    for radius in [30.0, 40.0, 60.0, 80.0] {
        let force = law.local(radius * UM, MM);
        assert!((0.1..=3.0).contains(&force), "{radius} um: {force}");
    }
    // 28 % was measured; the fast level and the exponent were chosen on it.
    let fall = 1.0 - law.local(5.0 * UM, MM) / law.local(5.0 * UM, 0.5 * MM);
    assert!((0.25..0.35).contains(&fall), "{fall}");
}

/// Row 5, of a roller of 3 mm in a pig, is missed: `misses` says by how much.
pub fn row_05() -> f64 {
    rolled(&tissue("pig"), NEEDLE, 3.0 * MM, 6.0)
}

/// 0.46 mm with needles left in place, on a plate that a hand presses with 10 N.
#[test]
fn row_08_needles_of_0_6_mm_left_in_place() {
    let needle = NeedleShape { half_angle: (145.0_f64 / 600.0).atan(), shank_radius: 150.0 * UM, ..NEEDLE };
    let held = Held::plate(50.0 * MM * MM, 50.0, 10.0);
    let seated = seated(&tissue("forearm"), held, needle, Motion::Push { speed: MM }, 0.6 * MM);
    let depth = seated.site.strike(seated.site.mean(), 0.6 * MM, 0.0, false).depth;
    assert!((depth / (0.46 * MM) - 1.0).abs() <= 0.25, "{depth}");
}

/// With tips of 5 µm, and with blunter ones.
#[test]
fn row_09_impact_pierces_where_pressing_does_not() {
    let arm = tissue("forearm");
    for radius in [5.0, 10.0] {
        let needle = NeedleShape { tip_radius: radius * UM, ..NEEDLE };
        let at = |speed: f64, length: f64| depth(&arm, Surroundings::default(), needle, Motion::Push { speed }, length);
        for length in [0.245 * MM, 0.300 * MM] {
            assert!(at(MM, length) == 0.0, "{radius} µm by hand");
            if radius == 5.0 {
                assert!(at(1.0, length) > 0.0 && at(3.0, length) >= at(1.0, length), "{radius} µm by impact");
            }
        }
    }
}

/// Row 7, in rat skin, is missed: `misses` says by how much.
pub fn row_07() -> f64 {
    rolled(&tissue("rat"), kalluri(), 0.77 * MM, 8.0)
}

/// The hole seen with row 7 was 70.7 ± 9.9 µm wide: what is torn, at rest.
#[test]
fn row_28_hole_of_a_roller_in_rat() {
    let width = 2.0 * kalluri().radius(row_07()) / 1.4;
    assert!((width - 70.7 * UM).abs() < 2.0 * 9.9 * UM, "{width}");
}

/// A drum with a light hand is stopped by its needles; with more force they are in, and then its barrel leaves them less skin to
/// dent, so that every newton goes deeper, the less the more there are. Needles share the force of the hand as they pass.
#[test]
fn row_23_a_drum_pressed_harder_goes_deeper() {
    let cheek = tissue("cheek");
    let presses = [0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0];
    let depths: Vec<f64> = presses.map(|press| rolled(&cheek, NEEDLE, 1.5 * MM, press)).to_vec();
    assert!(depths.windows(2).all(|pair| pair[1] > pair[0]), "{depths:?}");
    assert!(depths[7] - depths[6] < depths[3] - depths[2], "{depths:?}");
    let bearing = seated(&cheek, Held::drum(10.0 * MM, 20.0 * MM, 192.0, 6.0), NEEDLE, ROLLED, 1.5 * MM).bearing;
    // Those on their way out hold on by friction only.
    assert!((5.0..0.6 * drive::roller_engaged(8.0, 24.0, 10.0 * MM, 1.5 * MM)).contains(&bearing), "{bearing}");
}

/// Sites and the rows of the README with their stiffness.
const SITES: [(&str, &str); 8] = [
    ("cheek", "| cheek | 0.15 | {} | {} |"),
    ("forehead", "| forehead | 0.35 | {} | {} |"),
    ("periorbital", "| periorbital | 0.12 | {} | {} |"),
    ("lip", "| lip | 0.10 | {} | {} |"),
    ("neck", "| neck | 0.12 | {} | {} |"),
    ("forearm", "| forearm | 0.17 | {} | {} |"),
    ("abdomen", "| abdomen | 0.10 | {} | {} |"),
    ("thigh", "| thigh | 0.12 | {} | {} |"),
];

/// Stiffness under a single needle at 0.1 mm [N/mm], slowly (1 s) and at the speed of a pen (1 m/s), of each site.
#[test]
fn support_follows_layers_and_backing() {
    let stiffness = |name: &str, time: f64| {
        let site = site(&tissue(name), Surroundings::default(), NEEDLE, Motion::Push { speed: 1.0 }, MM);
        site.support.stiffness(0.1 * MM, time)
    };
    let mut rows = Vec::new();
    for (name, start) in SITES {
        let (slow, fast) = (stiffness(name, 1.0), stiffness(name, 1e-4));
        assert!(fast > 4.0 * slow, "{name}");
        rows.push((start, vec![number(slow / PER_MM, 3), number(fast / PER_MM, 3)]));
    }
    figures::hold(&rows);
    // Bone behind makes the forehead firmer than the cheek, thin skin the eyelid softer.
    assert!(stiffness("forehead", 1.0) > stiffness("cheek", 1.0));
    assert!(stiffness("periorbital", 1.0) < stiffness("cheek", 1.0));
}

/// Firmer layers and thinner soft ones hold better; a plate holds best; neighbours give way together.
#[test]
fn support_grows_with_what_holds() {
    let force = |tissue: &Tissue, surroundings: Surroundings| {
        site(tissue, surroundings, NEEDLE, Motion::Push { speed: 1.0 }, 0.6 * MM).support.elastic(0.4 * MM)
    };
    let cheek = tissue("cheek");
    let own = force(&cheek, Surroundings::default());
    let mut firm = cheek.clone();
    set(&mut firm.layer["reticular_dermis"].mesh.stiffness, 100e3);
    assert!(force(&firm, Surroundings::default()) > own);
    let mut thin = cheek.clone();
    set(&mut thin.layer["hypodermis"].mesh.thickness, 0.3 * MM);
    assert!(force(&thin, Surroundings::default()) > own);
    assert!(force(&cheek, Surroundings { held: Some(0.5 * MM), ..Surroundings::default() }) > own);
    let beside = Surroundings { neighbours: vec![(1.2 * MM, 6.0)], ..Surroundings::default() };
    assert!(force(&cheek, beside) < own);
    // A drum lets the skin go where a dent pulls it off, the less the harder it presses.
    let drum = |press: f64, share: f64| {
        let (radius, width, cell) = (10.0 * MM, 20.0 * MM, 1.44 * MM);
        let drum = Drum { radius, width, reach: 11.3 * MM, force: press, share, time: 0.1, cell, base: 125.0 * UM };
        force(&cheek, Surroundings { drum: Some(drum), ..Surroundings::default() })
    };
    assert!(drum(1.0, 0.0) > own && drum(1.0, 0.5) > drum(1.0, 0.0));
    assert!(drum(4.0, 0.5) > drum(1.0, 0.5) && drum(4.0, 1.0) > drum(4.0, 0.5));
}

/// What the table says lies within its own error bar of strikes integrated in time, also at re-entry, and its grid within a tenth
/// of the finer one.
#[test]
fn the_table_agrees_with_the_grid() {
    let cheek = tissue("cheek");
    let motion = Motion::Cam { frequency: 117.0, stroke: 3.0 * MM };
    let coarse = site(&cheek, Surroundings::default(), NEEDLE, motion, 2.0 * MM);
    let table = Surrogate::of(coarse, None, 2.0 * MM);
    assert!(table.error < 0.08 * MM && table.scatter < 0.02 * MM, "{} {}", table.error, table.scatter);
    let site = table.site();
    let mean = site.mean();
    for (step, reach) in [0.4, 0.9, 1.3, 1.9].into_iter().enumerate() {
        let place = PlaceVariation { firmness: 0.6 + 0.3 * step as f64, ..mean };
        let reach = reach * MM;
        let first = site.strike(place, reach, 0.0, false).depth;
        assert!((table.depth(place, reach, 0.0) - first).abs() <= table.error.max(5.0 * UM), "{reach}");
        // A second stroke like the first cuts hardly deeper.
        let again = site.strike(place, reach, first, false).depth;
        assert!((again - first).abs() < 0.03 * reach, "{reach}: {first} {again}");
    }
    let traits = cheek.traits(&Traits::new());
    let layers = cheek.layers(&traits).unwrap();
    let mechanics = mechanics();
    let skin = Skin { tissue: &cheek, layers: &layers, traits: &traits, mechanics: &mechanics };
    let [table, grid] = [TABLE, GRID]
        .map(|resolution| skin.ground(Surroundings::default(), MM, resolution).unwrap().support().unwrap());
    for deflection in [0.1, 0.3, 0.8] {
        let ratio = table.elastic(deflection * MM) / grid.elastic(deflection * MM);
        assert!((ratio - 1.0).abs() < 0.1, "{deflection}: {ratio}");
    }
}

/// Whole sessions by table and by grid.
#[test]
fn sessions_by_table_and_by_grid_are_alike() {
    let at = |solver| Case::new("cheek", "skinpen", 1.0 * MM).protocol(|one| one.solver = solver).run().summary;
    let (table, grid) = (at(Solver::Surrogate), at(Solver::Grid));
    let difference = table.mean_depth - grid.mean_depth;
    assert!(difference.abs() < 0.03 * MM, "{difference}");
    assert!(table.depth_error > 0.0 && grid.depth_error == 0.0);
    assert!((drive::pen_speed(117.0, 3.0 * MM, MM) / table.tip_speed - 1.0).abs() < 0.01);
}

/// Five needles in vessels drawn one by one: the mean field agrees within the error of Monte Carlo.
#[test]
fn mean_field_and_network_agree_on_five_cases() {
    let beds = [
        Bed { place: VesselPlace::Loops(25e6, 21e-6, 0.13e-3), diameter: 8e-6, shed: 0.0, retained: 0.0 },
        Bed { place: VesselPlace::Around(30e6, 0.38e-3, 0.13e-3), diameter: 25e-6, shed: 0.0, retained: 0.0 },
        Bed {
            place: VesselPlace::Through(4e6, 0.13e-3, std::f64::consts::FRAC_PI_4),
            diameter: 30e-6,
            shed: 0.0,
            retained: 0.0,
        },
        Bed { place: VesselPlace::Below(8e6, 0.0, 0.15e-3), diameter: 80e-6, shed: 0.0, retained: 0.0 },
    ];
    let skin = SkinDepths { epidermis: 75e-6, dermis: 1.07e-3 };
    // A weaker vessel makes the part beside the needle count.
    for (case, (depth, rupture, stretch)) in
        [(0.25, 0.2, 1.6), (0.5, 0.2, 1.6), (1.0, 0.5, 1.3), (1.4, 0.2, 1.25), (2.0, 1.0, 1.6)].into_iter().enumerate()
    {
        let strength = Strength { stretch, spread: 0.1, parting: 0.0 };
        let puncture = Puncture { depth: depth * MM, ..upright() };
        let counted = network::count(&beds, skin, rupture, strength, &puncture, (60, 150), 7 + 100 * case as u64);
        let expected = network::expected(&beds, skin, rupture, strength, &puncture);
        for class in 0..4 {
            let apart = (counted.mean[class] - expected[class]).abs();
            // Four standard errors, and one count over all needles where none was seen.
            let allowed = 4.0 * counted.error[class] + 1.0 / 9000.0;
            assert!(apart <= allowed, "case {case}, class {class}: {counted:?} {expected:?}");
        }
    }
}

fn upright() -> Puncture {
    Puncture {
        x: 0.0,
        y: 0.0,
        depth: 1.0 * MM,
        tilt: 0.0,
        azimuth: 0.0,
        needle: NEEDLE,
        wall_stretch: 1.4,
        drag: 0.0,
        cut: Default::default(),
        blood: Vec::new(),
        ruptures: [0.0; 4],
        strokes: 1,
        reach: 1.5 * MM,
    }
}

#[test]
fn stretch_left_around_a_channel() {
    let puncture = upright();
    let at = |distance: f64, depth: f64| puncture.residual_stretch(distance * UM, depth * MM);
    assert_eq!(at(10.0, 0.2), 1.4);
    assert_eq!(at(50.0, 1.2), 1.0);
    assert!(at(100.0, 0.2) > at(200.0, 0.2) && at(200.0, 0.2) > 1.0);
    let opening = puncture.radius_at(0.2 * MM) / 1.4;
    let wanted = 4.0 / 15f64.sqrt();
    assert!((puncture.residual_stretch(4.0 * opening, 0.2 * MM) - wanted).abs() < 1e-12);
}
