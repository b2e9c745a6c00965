//! The order in which a hole heals, whatever the constants are: what passes a pore stops before the pore is gone, and horn comes last;
//! where tissue is gone, epidermis comes before horn, and no horn without it.

use dermasim::run::{self, Outcome};
use dermasim::scenario::Scenario;
use std::sync::Arc;

fn run(text: &str) -> Outcome {
    let plan = Scenario::from_text("order", text).plan().unwrap_or_else(|error| panic!("{error}"));
    run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}"))
}

/// Time in days and value of an observable.
fn course(outcome: &Outcome, name: &str) -> Vec<(f64, f64)> {
    let record = &outcome.record;
    let column = record.headings.iter().position(|heading| heading.name == name);
    let column = column.unwrap_or_else(|| panic!("no `{name}`"));
    record.times.iter().zip(&record.values).map(|(time, row)| (time / 86400.0, row[column])).collect()
}

/// The first day after its largest value on which a course is below a share of that value.
fn falls_to(course: &[(f64, f64)], share: f64) -> f64 {
    let largest = course.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let after = course.iter().skip_while(|(_, value)| *value < largest);
    after.into_iter().find(|(_, value)| *value <= share * largest).map_or(f64::INFINITY, |(day, _)| *day)
}

const COARSE: &str = "[grid]\nstrata = 1\nresolution = 0.4\n[stepping]\ntolerance = 3e-2\n";

#[test]
fn what_passes_stops_before_the_pore_is_gone_and_horn_comes_last() {
    for occlusion in [0, 1] {
        let outcome = run(&format!(
            "tissue = \"forearm\"\n[needling]\nlength = \"0.75 mm\"\n[course]\nfollowed = \"30 d\"\n[observe]\nevery = \"3 h\"\n\
             [signals]\nocclusion = {occlusion}\n{COARSE}"
        ));
        let passes = falls_to(&course(&outcome, "channel_conductance"), 0.1);
        let seen = falls_to(&course(&outcome, "channel_open"), 0.1);
        let lost: Vec<_> = course(&outcome, "horny_layer").iter().map(|(day, whole)| (*day, 1.0 - whole)).collect();
        let horn = falls_to(&lost, 0.1);
        assert!(passes < seen && seen < horn && horn < 30.0, "occlusion {occlusion}: {passes}, {seen}, {horn}");
    }
}

/// Three millimetres and more: covered before horned at every moment, closed within the weeks that wounds take, and still
/// growing when the cytokines of the first days are gone.
#[test]
fn epidermis_comes_before_horn_in_wounds_of_millimetres() {
    for (kind, width, closes) in
        [("punch", "3 mm", 8.0..20.0), ("suction_blister", "7 mm", 5.0..20.0), ("abrasion", "10 mm", 5.0..20.0)]
    {
        let outcome = run(&format!(
            "tissue = \"forearm\"\n[wound]\nkind = \"{kind}\"\nwidth = \"{width}\"\n[course]\nfollowed = \"40 d\"\n\
             [observe]\nevery = \"12 h\"\n[grid]\nspacing = \"40 um\"\nresolution = 0.4\n[stepping]\ntolerance = 3e-2\n"
        ));
        let (covered, horned) = (course(&outcome, "wound_closed"), course(&outcome, "wound_horn"));
        for ((day, epidermis), (_, horn)) in covered.iter().zip(&horned) {
            assert!(*horn <= *epidermis + 1e-3, "{kind}, day {day}: horn on {horn}, epidermis on {epidermis}");
        }
        let reaches = |course: &[(f64, f64)], share: f64| {
            course.iter().find(|(_, value)| *value >= share).map_or(f64::INFINITY, |(day, _)| *day)
        };
        let whole = reaches(&covered, 0.9);
        assert!(closes.contains(&whole), "{kind}: nine tenths covered on day {whole}");
        assert!(reaches(&horned, 0.9) > whole + 2.0, "{kind}: {whole}, {}", reaches(&horned, 0.9));
        let water = course(&outcome, "wound_water");
        let end = water.last().map_or(f64::NAN, |(_, loss)| *loss);
        assert!(water[0].1 > 100.0 && end < 20.0, "{kind}: water loss {} at first, {end} at last", water[0].1);
    }
}

/// Only its edge grows, after a lag that no width changes: each millimetre more of radius takes days, not weeks and not hours.
#[test]
fn a_wider_punch_closes_later() {
    let closes = |width: &str| {
        let outcome = run(&format!(
            "tissue = \"forearm\"\n[wound]\nkind = \"punch\"\nwidth = \"{width}\"\n[course]\nfollowed = \"40 d\"\n\
             [observe]\nevery = \"12 h\"\n[grid]\nspacing = \"40 um\"\nresolution = 0.4\n[stepping]\ntolerance = 3e-2\n"
        ));
        let covered = course(&outcome, "wound_closed");
        covered.iter().find(|(_, value)| *value >= 0.9).map_or(f64::INFINITY, |(day, _)| *day)
    };
    let (two, four) = (closes("2 mm"), closes("4 mm"));
    assert!((1.0..6.0).contains(&(four - two)), "{two} and {four} days");
}

#[test]
fn wrong_wounds_are_refused_at_their_line() {
    for (wound, message) in [
        ("kind = \"punsh\"", "punch"),
        ("kind = \"punch\"\nwidth = \"3 kg\"", "mm"),
        ("kind = \"punch\"\nwidht = \"3 mm\"", "width"),
        ("width = \"3 mm\"", "kind"),
    ] {
        let text = format!("tissue = \"forearm\"\n[wound]\n{wound}\n[course]\nfollowed = \"1 d\"\n");
        let error = Scenario::from_text("wound", &text).plan().expect_err(message);
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert_eq!(error.exit_code(), 2);
    }
}
