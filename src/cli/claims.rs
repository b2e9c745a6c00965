//! `dermasim claims`: what people say about needling, answered by runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::Map;

use super::common::Common;
use super::evidence::EvidenceWatcher;
use super::keep;
use super::terminal::{say, short, table, tell, wrapped};
use crate::base::error::{Error, Result};
use crate::base::folder::{self, Draft, Identity, hash};
use crate::present::output::{self, Provenance};
use crate::present::plot::{self, Figure};
use crate::present::report;
use crate::run::session::Session;
use crate::scenario::{Change, Plan, shown_duration};
use crate::study::Store;
use crate::study::claims::{self, Claim, ClaimAnswer, ClaimFindings, FollowedRun, Keep};
use crate::study::evidence::{self, Run, Runner};

/// The file of an answer.
const ANSWER: &str = "answer.json";
/// The file of all answers.
const MARK: &str = "claims.json";

#[derive(Args)]
pub struct ClaimsArguments {
    /// Claims, as C15; all if none is named
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Where the page and the runs go
    #[arg(long, value_name = "FOLDER", default_value = "output/claims")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// An answer and its figures, as they are kept.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct KeptAnswer {
    #[serde(flatten)]
    answer: ClaimAnswer,
    figures: Vec<String>,
}

pub fn command(arguments: &ClaimsArguments) -> Result<()> {
    let common = &arguments.common;
    let (changes, threads, begun) = (common.changes()?, common.threads()?, Instant::now());
    let asked = claims::chosen(&arguments.ids, &changes)?;
    let shown: Vec<String> = changes.iter().map(Change::shown).collect();
    let identity = Identity::of("claims", "", shown.iter().map(String::as_str));
    let draft = Draft::begin(&arguments.out, identity, common.force, true)?;
    let answered = answered(&draft, &asked, common.force)?;
    let mut ids: Vec<String> = asked.iter().flat_map(|claim| claim.observations.clone()).collect();
    ids.sort();
    ids.dedup();
    let board = EvidenceWatcher::new(common.quiet);
    let store = Store::in_folder(draft.workshop()?);
    let runner = Runner { threads, board: &board, store: &store };
    let rows = if ids.is_empty() {
        Vec::new()
    } else {
        let observations = evidence::chosen(&ids, &changes)?;
        let found = evidence::run_all(&observations, runner)?;
        observations.iter().zip(&found).map(|(one, found)| evidence::judge(one, found)).collect::<Result<Vec<_>>>()?
    };
    let findings = claims::run_all(&asked, runner, &Keeper(draft.folder()?))?;
    board.finish();
    let fresh = draft.folder()?;
    for (claim, found) in asked.iter().zip(&findings) {
        let counts = Provenance::of(&claim.runs[0].plan).counts();
        let answer = claims::judge(claim, found, &rows, counts)?;
        write(&fresh.join(&claim.id), claim, found, answer)?;
    }
    let known = claims::ids()?;
    let all = gather(&fresh, &known)?;
    page(&fresh, &all)?;
    let about = serde_json::json!({ "claims": answered });
    keep::finish(draft, about.as_object().cloned().unwrap_or_default())?;
    if common.quiet {
        return Ok(());
    }
    let own: Vec<&ClaimAnswer> =
        all.iter().map(|kept| &kept.answer).filter(|answer| asked.iter().any(|claim| claim.id == answer.id)).collect();
    if arguments.ids.is_empty() {
        say(overview(&own));
    } else {
        own.iter().for_each(|answer| say(told(answer)));
    }
    let seconds = begun.elapsed().as_secs_f64();
    say(format!("\n{} in {}", short(&arguments.out.join("index.html")), shown_duration(seconds)));
    say("Research software: nothing it computes is medical advice.");
    for answer in own {
        for sample in answer.samples.iter().filter(|sample| !sample.failed.is_empty()) {
            tell(format!("{}, {}: {}", answer.id, sample.name, sample.failed));
        }
    }
    Ok(())
}

/// The settings of each claim that the new page answers. Answers to claims that are not asked for now are taken over.
fn answered(draft: &Draft, asked: &[Claim], force: bool) -> Result<BTreeMap<String, String>> {
    let mut all: BTreeMap<String, String> = asked.iter().map(|claim| (claim.id.clone(), settings(claim))).collect();
    let Some(old) = draft.old() else { return Ok(all) };
    let shown = short(draft.target());
    let before: BTreeMap<String, String> = serde_json::from_value(old.about()["claims"].clone()).unwrap_or_default();
    for claim in asked {
        let other = before.get(&claim.id).is_some_and(|own| *own != all[&claim.id]);
        if other && !force {
            return Err(Error::input(format!("`{shown}` holds an answer to {} as it was written before", claim.id))
                .help("choose another place with --out, or replace it with --force"));
        }
    }
    // Answers that were computed with other changes do not belong on one page with these.
    if !draft.is_of_old() {
        return Ok(all);
    }
    let known = claims::ids()?;
    for (id, own) in before {
        if all.contains_key(&id) || !known.contains(&id) {
            continue;
        }
        if draft.take_over(&id)? {
            all.insert(id, own);
        } else {
            tell(format!(
                "note: the answer to {id} was changed by hand, and is not taken for computed; ask for it again"
            ));
        }
    }
    Ok(all)
}

/// Hash of all that decides the answer to a claim.
fn settings(claim: &Claim) -> String {
    let text = claim.runs.first().map_or("", |run| run.scenario.source.text.as_str());
    let runs: Vec<String> = claim.runs.iter().map(|run| keep::settings(&run.plan)).collect();
    hash(std::iter::once(text).chain(runs.iter().map(String::as_str)))
}

/// One answer for the terminal.
fn told(answer: &ClaimAnswer) -> String {
    format!(
        "{}: {}\n{}; evidence {} ({}); holds in {} of {} samples{}\n\n{}",
        answer.id,
        answer.statement,
        answer.verdict.word().to_uppercase(),
        answer.grade_letter(),
        answer.grade_why.join("; "),
        answer.held,
        answer.of,
        if answer.aside > 0 { format!(", {} set aside", answer.aside) } else { String::new() },
        wrapped(&answer.answer)
    )
}

/// A line for each answer.
fn overview(answers: &[&ClaimAnswer]) -> String {
    let lines: Vec<Vec<String>> = answers
        .iter()
        .map(|answer| {
            vec![
                answer.id.clone(),
                answer.verdict.word().to_owned(),
                answer.grade_letter(),
                format!("{} of {}", answer.held, answer.of),
                claims::first_sentence(&answer.answer).to_owned(),
            ]
        })
        .collect();
    table(&["id", "verdict", "evidence", "holds in", "answer"], &lines)
}

/// Keeps a run as written: its tables and model files.
struct Keeper(PathBuf);

impl Keeper {
    fn folder(&self, claim: &Claim, run: &Run) -> PathBuf {
        self.0.join(&claim.id).join("runs").join(report::run_folder(&run.name))
    }
}

impl Keep for Keeper {
    fn has(&self, claim: &Claim, run: &Run) -> bool {
        folder::AnswerFolder::open(&self.folder(claim, run)).is_some_and(|own| own.is_whole())
    }

    fn keep(&self, claim: &Claim, run: &Run, followed: FollowedRun<'_>) -> Result<()> {
        keep_run(&self.folder(claim, run), run, followed)
    }
}

fn keep_run(folder: &Path, run: &Run, followed: FollowedRun<'_>) -> Result<()> {
    folder::write_part(folder, &keep::identity("run", &run.plan), |fresh| match followed {
        FollowedRun::Response(outcome) => {
            let about = keep::tables(outcome, fresh)?;
            models(&outcome.plan, fresh)?;
            Ok(about)
        }
        FollowedRun::Needles(plan, needling) => {
            let session = Session::of(needling, plan.sessions.first().copied().unwrap_or(0.0));
            output::file::write(&fresh.join("scenario.toml"), &plan.origin.scenario)?;
            output::needling::write(&fresh.join("needling.csv"), std::slice::from_ref(&session))?;
            Provenance::of(plan).write(&fresh.join("provenance.csv"))?;
            models(plan, fresh)?;
            Ok(Map::new())
        }
    })
}

/// The model files beside a decided scenario, so that it can be run again from there.
fn models(plan: &Plan, folder: &Path) -> Result<()> {
    plan.origin.files.iter().try_for_each(|file| output::file::write(&folder.join(file.path()), &file.original.text))
}

/// Writes everything of an answer but its runs.
fn write(folder: &Path, claim: &Claim, found: &ClaimFindings, answer: ClaimAnswer) -> Result<()> {
    let figures = plot::draw_claim(claim, found, &answer, &folder.join("figures"))?;
    if let Some(run) = claim.runs.first() {
        output::file::write(&folder.join("claim.toml"), &run.scenario.source.text)?;
    }
    let header: Vec<String> = ["sample", "holds"].map(str::to_owned).into_iter().chain(headings(&answer)).collect();
    let rows = answer.samples.iter().map(|sample| {
        let without = sample.aside.as_ref().map_or("failed".to_owned(), |id| format!("set aside, misses {id}"));
        let holds = sample.holds.map_or(without, |holds| holds.to_string());
        let values = sample.values.iter().map(|value| output::table::optional(*value));
        [sample.name.clone(), holds].into_iter().chain(values).collect()
    });
    output::table::write_csv(&folder.join("samples.csv"), &header, rows)?;
    let drawn = found.samples.iter().flat_map(|sample| {
        let row = |[run, key, value]: &[String; 3]| {
            let split = output::sweep::number_and_unit(value);
            let (value, unit) = split
                .map_or((value.clone(), String::new()), |(number, unit)| (output::table::number(number), unit.text));
            vec![sample.name.clone(), run.clone(), key.clone(), unit, value]
        };
        sample.drawn.iter().map(row).collect::<Vec<_>>()
    });
    output::table::write_csv(&folder.join("drawn.csv"), &["sample", "run", "key", "unit", "value"], drawn)?;
    let figures = figures.into_iter().map(|Figure { caption, .. }| caption).collect();
    let json = serde_json::json!(KeptAnswer { answer, figures });
    output::file::write(&folder.join(ANSWER), format!("{json:#}\n"))
}

/// Names of the readings with their units.
fn headings(answer: &ClaimAnswer) -> Vec<String> {
    let unit = |unit: &str| if unit == "1" { String::new() } else { format!(" [{unit}]") };
    answer.readings.iter().map(|reading| format!("{}{}", reading.name, unit(&reading.unit))).collect()
}

/// The answers in a folder, in the order of the ids.
fn gather(out: &Path, ids: &[String]) -> Result<Vec<KeptAnswer>> {
    let mut all = Vec::new();
    for id in ids {
        let path = out.join(id).join(ANSWER);
        if path.is_file() {
            let text = output::file::read(&path)?;
            // An answer of another version is left out until it is computed again.
            all.extend(serde_json::from_str::<KeptAnswer>(&text).ok());
        }
    }
    all.sort_by(|a, b| a.answer.id.cmp(&b.answer.id));
    Ok(all)
}

/// Writes the page and the tables of all answers.
fn page(out: &Path, all: &[KeptAnswer]) -> Result<()> {
    let shown: Vec<report::IllustratedAnswer<'_>> = all
        .iter()
        .map(|kept| {
            let figure = |caption: &String| Figure {
                stem: "claim".into(),
                title: kept.answer.statement.clone(),
                caption: caption.clone(),
            };
            (&kept.answer, kept.figures.iter().map(figure).collect())
        })
        .collect();
    report::write_claims(out, &shown)?;
    let answers: Vec<&ClaimAnswer> = all.iter().map(|kept| &kept.answer).collect();
    let json = serde_json::json!(answers);
    output::file::write(&out.join(MARK), format!("{json:#}\n"))?;
    let header = [
        "id",
        "statement",
        "verdict",
        "evidence",
        "held",
        "samples",
        "answer",
        "reading",
        "unit",
        "value",
        "p10",
        "p50",
        "p90",
    ];
    let rows = answers.iter().flat_map(|answer| {
        answer.readings.iter().map(|reading| {
            let head = [
                answer.id.clone(),
                answer.statement.clone(),
                answer.verdict.word().to_owned(),
                answer.grade_letter(),
                answer.held.to_string(),
                answer.of.to_string(),
                answer.answer.clone(),
                reading.name.clone(),
                reading.unit.clone(),
            ];
            let numbers = [reading.value, reading.low, reading.middle, reading.high];
            let numbers = numbers.map(|value| output::table::optional(Some(value).filter(|value| value.is_finite())));
            [head.to_vec(), numbers.to_vec()].concat()
        })
    });
    output::table::write_csv(&out.join("claims.csv"), &header, rows)
}
