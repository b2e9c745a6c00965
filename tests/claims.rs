//! Claims: all are there and sound, answers follow the numbers, and samples cannot hang.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use dermasim::base::error::Result;
use dermasim::base::error::Source;
use dermasim::base::sourced::Counts;
use dermasim::run;
use dermasim::scenario::{Change, Scenario};
use dermasim::study::Store;
use dermasim::study::claims::{self, Claim, ClaimAnswer, FollowedRun, Keep, Verdict};
use dermasim::study::evidence::{self, ObservationBoard, Run, Runner};

struct Quiet;

impl ObservationBoard for Quiet {
    fn ended(&self, _: &str, _: usize, _: usize) {}
    fn stop(&self) -> bool {
        false
    }
}

struct Nowhere;

impl Keep for Nowhere {
    fn has(&self, _: &Claim, _: &Run) -> bool {
        true
    }

    fn keep(&self, _: &Claim, _: &Run, _: FollowedRun<'_>) -> Result<()> {
        Ok(())
    }
}

fn changes(texts: &[&str]) -> Vec<Change> {
    texts.iter().map(|text| Change::parse(text).unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// The answer to a claim, with few samples on a coarse grid.
fn answered(id: &str, changed: &[&str]) -> ClaimAnswer {
    let coarse = ["population.number=4", "grid.resolution=0.3", "stepping.tolerance=5e-2"];
    let changes = changes(&[&coarse[..], changed].concat());
    let claim = claims::chosen(&[id.to_owned()], &changes).unwrap_or_else(|error| panic!("{error}"));
    let findings = claims::run_all(&claim, Runner { threads: 2, board: &Quiet, store: &Store::none() }, &Nowhere)
        .unwrap_or_else(|error| panic!("{error}"));
    claims::judge(&claim[0], &findings[0], &[], Counts::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn part(answer: &ClaimAnswer, name: &str) -> bool {
    answer.parts.iter().find(|part| part.name == name).unwrap_or_else(|| panic!("no part {name}")).holds
}

#[test]
fn all_claims_are_there_and_sound() {
    let all = claims::all(&[]).unwrap_or_else(|error| panic!("{error}"));
    let ids: Vec<String> = all.iter().map(|claim| claim.id.clone()).collect();
    let wanted: Vec<String> = (1..=25).map(|number| format!("C{number:02}")).collect();
    assert_eq!(ids, wanted);
    let observations: BTreeSet<String> = evidence::ids().unwrap().into_iter().collect();
    for claim in &all {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(claim.path()).is_file(), "{}", claim.id);
        assert!(claim.parts.iter().any(|part| part.holds.is_ok()), "{}: nothing decides it", claim.id);
        assert!(claim.answer.contains("{% if"), "{}: its words do not follow the numbers", claim.id);
        assert!(!claim.limits.is_empty() && !claim.panels.is_empty() && !claim.statement.is_empty(), "{}", claim.id);
        assert!(claim.observations.iter().all(|id| observations.contains(id)), "{}", claim.id);
    }
}

#[test]
fn equal_hands_leave_no_skill() {
    let (usual, equal) = (
        answered("C23", &[]),
        answered(
            "C23",
            &[
                "operator.hands.tilt=3 deg",
                "operator.hands.force_variation=0.2",
                "operator.hands.wander=0.5 mm",
                "operator.hands.overlap=0.1",
                "operator.hands.contact=0.6",
                "operator.glide.pen=20 mm/s",
                "operator.press.pen=1 N",
            ],
        ),
    );
    assert!(part(&usual, "skill") && !part(&equal, "skill"));
    assert!(usual.holds && usual.held > equal.held);
    assert_eq!((equal.held, equal.verdict), (0, Verdict::Contested));
    assert!(usual.answer.contains("skill helps") && equal.answer.contains("skill changes little"), "{}", equal.answer);
}

#[test]
fn skin_whose_speed_does_not_stiffen_it_is_pierced_alike_by_all_pens() {
    let usual = answered("C10", &[]);
    let slack = answered(
        "C10",
        &[
            "mechanics.puncture.slow_factor=1",
            "mechanics.puncture.fast_factor=1",
            "needling.mechanics=lumped",
            "mechanics.speed.stiffening=0",
        ],
    );
    assert!(part(&usual, "deeper"), "{}", usual.answer);
    assert!(!part(&slack, "deeper") && slack.answer.contains("hardly deeper"), "{}", slack.answer);
    assert_ne!(usual.answer, slack.answer);
}

#[test]
fn cytokines_that_linger_keep_the_skin_red() {
    let usual = answered("C15", &[]);
    assert!(part(&usual, "redness") && !usual.answer.contains("still there"), "{}", usual.answer);
    let lingering = answered("C15", &["response.d_I=0.1 1/d"]);
    assert!(!part(&lingering, "redness") && !lingering.holds, "{}", lingering.answer);
    assert!(lingering.answer.contains("still there"), "{}", lingering.answer);
    assert_ne!(lingering.verdict, Verdict::Supported);
}

#[test]
fn a_template_can_only_say_what_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/claims/C23-skill.toml");
    let text = std::fs::read_to_string(path).unwrap();
    for (from, to, message) in [
        ("{{ scatter_nurse.told }}", "{{ scater_nurse.told }}", "did you mean `scatter_nurse`?"),
        ("{{ scatter_nurse.told }}", "{{ scatter_nurse.tld }}", "did you mean `told`?"),
        ("{{ scatter_nurse.told }}", "{{ scatter_nurse }}", "without saying which number of it"),
        ("{{ scatter_nurse.told }}", "{{ scatter_nurse.told", "the answer is no template"),
        ("part.skill.holds", "part.skil.holds", "did you mean `skill`?"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Claim::read(&Source::new("x.toml", text.replacen(from, to, 1)), &[]).expect_err(message);
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert_eq!(error.exit_code(), 2);
    }
}

const SHORT: &str = r#"
tissue = "cheek"
[needling]
length = "1 mm"
[course]
followed = "2 d"
[grid]
strata = 1
resolution = 0.3
[uncertainty]
samples = 2
"#;

#[test]
fn samples_have_a_budget_of_steps() {
    let scenario = Scenario::from_text("short", SHORT);
    let plan = scenario.plan().unwrap();
    assert_eq!(plan.most_steps, None);
    let (_, points) = scenario.samples(&plan).unwrap();
    for point in points {
        let own = point.scenario.plan().unwrap().most_steps.expect("a budget");
        assert!(own as f64 > plan.origin.estimate.steps, "{own}");
    }
    let tight = scenario.with(changes(&["stepping.most_steps=5"])).plan().unwrap();
    let error = run::run(&Arc::new(tight), &mut |_| true).expect_err("five steps do not suffice");
    assert!(error.to_string().contains("given up after 5 steps"), "{error}");
    assert_eq!(error.exit_code(), 1);
}
