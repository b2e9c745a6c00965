//! Rows that hold by construction: a pass says that the code computes what it says, nothing about skin.

use dermasim::skin::needling::depth::{crowded, dome, needle_force, worn};
use dermasim::skin::needling::{drive, merge, vessel};

use super::setting::{Case, MM, PER_CM2, PER_MM, UM, ground, law, mechanics, value};

fn near(got: f64, wanted: f64, within: f64) {
    assert!((got - wanted).abs() <= within * wanted.abs(), "{got} is not {wanted}");
}

#[test]
fn row_11_punctures_per_second_of_dermapens() {
    assert_eq!(drive::punctures_per_second(11.0, 90.0), 990.0);
    assert_eq!(drive::punctures_per_second(16.0, 120.0), 1920.0);
    near(drive::punctures_per_second(14.0, 7000.0 / 60.0), 1633.0, 1e-3);
}

#[test]
fn row_14_reentry_removes_the_share_of_tearing() {
    assert_eq!(value(&mechanics().resistance.tearing_share), 0.61);
    let mut skin = ground(0.17 * PER_MM, 5.0 * UM, 0.03);
    skin.force = 0.0;
    let settled = (0..60).fold(0.0, |hole, _| skin.stroke(hole, 1.5 * MM, None));
    near(settled, skin.stiffness * 1.5 * MM / (skin.stiffness + 0.39 * skin.slope), 1e-9);
}

#[test]
fn row_18_resting_flow_of_a_capillary() {
    near(vessel::resting_flow(0.65 * MM, 8.0 * UM), 33e-15, 0.02);
}

#[test]
fn row_21_whole_skin_is_as_thick_as_it_was_measured() {
    // Meng 2022 (face and neck, women and men) and Laurent 2007 (thigh, waist).
    for (site, women, men) in [
        ("cheek", 1.07, 1.33),
        ("forehead", 1.06, 1.39),
        ("periorbital", 0.75, 0.85),
        ("neck", 1.16, 1.17),
        ("thigh", 1.55, 1.55),
        ("abdomen", 1.91, 1.91),
    ] {
        for (sex, wanted) in [("female", women), ("male", men)] {
            let case = Case::new(site, "skinpen", MM).with("sex", sex);
            let layers = case.layers();
            let dermis = layers.iter().find(|layer| layer.name == "reticular_dermis").unwrap();
            near(dermis.bottom, wanted * MM, 1e-9);
            let epidermis = layers.iter().find(|layer| layer.name == "viable_epidermis").unwrap();
            assert!((0.05 * MM..=0.1 * MM).contains(&epidermis.bottom), "{site} {sex}");
        }
    }
}

/// The examples in the documentation of each formula.
#[test]
fn examples_of_the_formulas() {
    near(law().factor(0.5 * MM), 1.25, 0.01);
    near(law().factor(1.0 * MM), 1.00, 0.01);
    near(law().factor(1.0), 0.64, 0.01);
    near(law().force(5.0 * UM, MM), 0.018, 0.02);
    near(law().force(25.0 * UM, MM), 0.263, 0.03);
    near(ground(0.17 * PER_MM, 5.0 * UM, 1.0).stiffness, 0.43 * PER_MM, 0.01);
    assert_eq!(crowded(170.0, MM, 2.5 * MM, 0.0), 170.0);
    near(dome(0.5 * MM, 1.0, 3.0), 0.142 * MM, 0.01);
    near(worn(5.0 * UM, 17.0 * UM, 3.0, 3.0), 12.6 * UM, 0.01);
    let mut skin = ground(0.17 * PER_MM, 5.0 * UM, 0.0);
    near(skin.force / 0.17e3, 0.14 * MM, 0.05);
    (skin.stiffness, skin.force) = (0.378 * PER_MM, 0.0145);
    near(skin.stroke(0.0, 1.5 * MM, None), 1.156 * MM, 0.001);
    near(skin.stroke(1.156 * MM, 1.5 * MM, None), 1.303 * MM, 0.001);
    near((0..60).fold(0.0, |hole, _| skin.stroke(hole, 1.5 * MM, None)), 1.325 * MM, 0.001);
    near(needle_force(0.02, 100.0, 1.1 * MM), 0.13, 1e-9);
    near(drive::pen_speed(117.0, 3.0 * MM, 1.5 * MM), 1.10, 0.01);
    near(drive::pen_contact(117.0, 3.0 * MM, 1.5 * MM), 4.27e-3, 0.01);
    near(drive::roller_angle(10.0 * MM, 1.5 * MM).to_degrees(), 29.6, 0.01);
    near(drive::roller_speed(10.0 * MM, 1.5 * MM, 0.05), 0.0284, 0.01);
    near(drive::roller_engaged(8.0, 24.0, 10.0 * MM, 1.5 * MM), 31.6, 0.01);
    near(drive::roller_density(192.0, 10.0 * MM, 20.0 * MM), 15.3 * PER_CM2, 0.01);
    near(drive::pain(0.05, 1.5 / 0.48, 1.77, 1.0, 0.32), 0.38, 0.02);
    near(drive::pain(0.05, 1.5 / 0.48, 1.77, 14.0, 0.32), 0.88, 0.02);
    near(vessel::flow(25.0 * UM, 15.0 * 133.322, MM, 3.5e-3), 5.5e-12, 0.02);
    near(vessel::shed(5.5e-12, 6.0), 33e-12, 1e-9);
}

/// Sweeps of rollers by the length of their needles, and drag of a pen at 117 Hz by its glide speed.
#[test]
fn kinematics_of_drums_and_cams() {
    for (length, sweep, angle) in
        [(0.5, 0.21, 18.0), (1.0, 0.57, 25.0), (1.5, 1.03, 30.0), (2.0, 1.55, 34.0), (3.0, 2.75, 40.0)]
    {
        near(drive::roller_sweep(10.0 * MM, length * MM), sweep * MM, 0.03);
        near(drive::roller_angle(10.0 * MM, length * MM).to_degrees(), angle, 0.03);
    }
    for (glide, drag) in [(10.0, 43.0), (20.0, 85.0), (50.0, 214.0), (100.0, 427.0)] {
        near(glide * MM * drive::pen_contact(117.0, 3.0 * MM, 1.5 * MM), drag * UM, 0.01);
    }
}

/// Distinct holes of strokes placed at random: discs overlap, so the law for separate discs (717, 1,071, 1,373 …) is too low.
#[test]
fn distinct_holes_of_random_strokes() {
    for (strokes, wanted) in [(2000, 1151.0), (5000, 1778.0), (20_000, 2430.0)] {
        let (holes, numbers) = merge(&scattered(strokes), 10.0 * MM, 0.15 * MM);
        near(holes.len() as f64, wanted, 0.03);
        assert_eq!(numbers.len(), strokes);
    }
}

/// Places on a square of 10 mm by an additive recurrence, shuffled enough to be as random for distances.
fn scattered(count: usize) -> Vec<[f64; 2]> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 10.0 * MM
    };
    (0..count).map(|_| [next(), next()]).collect()
}
