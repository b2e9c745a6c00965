//! The tables of reports.

use crate::present::output::KeptRun;
use crate::present::output::ensemble::{Ensemble, EnsembleReading, Spread};
use crate::present::output::sweep::Sweep;
use crate::present::plot::style::{day, short, title, with_unit};
use crate::present::report::document::Table;
use crate::present::report::words::{GROUPS, chance, most_important};
use crate::run::answer::Answer;
use crate::run::session::Session;

/// Failed samples that are named in a report.
const FAILED: usize = 50;

/// A number, or a dash.
fn told(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), short)
}

/// A number with its sign.
fn signed(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| if value > 0.0 { format!("+{}", short(value)) } else { short(value) })
}

fn days(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), day)
}

const ANSWER: [&str; 6] = ["", "at rest", "largest change", "on day", "at the end", "over on day"];

fn row(name: &str, answer: &Answer) -> Vec<String> {
    let Answer { unit, rest, peak, peak_day, end, resolved_day } = answer;
    // A trace of a trace is told as rest.
    let end = end.map(|end| match (rest, peak) {
        (Some(rest), Some(peak)) if (end - rest).abs() < 1e-6 * peak.abs() => *rest,
        _ => end,
    });
    let name = with_unit(&title(name), unit);
    vec![name, told(*rest), signed(*peak), days(*peak_day), told(end), days(*resolved_day)]
}

/// The answers of a run by group, and what the needles did.
pub fn of_run(kept: &KeptRun<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    for (group, name) in GROUPS {
        let mine = kept.record.headings.iter().filter(|heading| crate::present::plot::group_of(heading) == group);
        let rows: Vec<Vec<String>> =
            mine.filter_map(|heading| Some(row(&heading.name, kept.answers.get(&heading.name)?))).collect();
        if rows.is_empty() {
            continue;
        }
        let note = match group {
            "gain" => "A gain that lasts has no day on which it is over.",
            _ => {
                "Over: from this day on the deviation from rest stays within 5 % of its largest value; – if it does not within the run."
            }
        };
        let header = ANSWER.map(str::to_owned).to_vec();
        tables.push(Table { title: name.into(), header, rows, note: note.into() });
    }
    tables.extend(needling(&kept.needling));
    tables.extend(recovery(kept));
    tables
}

/// When each symptom lets the skin be treated again.
fn recovery(kept: &KeptRun<'_>) -> Option<Table> {
    let recovery = kept.practice.recovery.as_ref()?;
    let carried = |name: &str| {
        let own = kept.practice.carried_over.iter().filter(|own| own.observable == name).map(|own| own.share);
        own.reduce(f64::max).map(|share| 100.0 * share)
    };
    let row = |(name, day): &(String, Option<f64>)| vec![title(name), days(*day), told(carried(name))];
    let header = ["", "days after the last session", "left at the next session [%]"].map(str::to_owned).to_vec();
    Some(Table {
        title: "When the skin may be treated again".into(),
        header,
        rows: recovery.each.iter().map(row).collect(),
        note:
            "Symptoms and the barrier gate a new session, each from the day on which it stays within 5 % of its peak. \
               Left: the largest share of its peak that a session found of the one before."
                .into(),
    })
}

fn needling(sessions: &[Session]) -> Option<Table> {
    let first = sessions.first()?;
    let shown = &sessions[..sessions.len().min(6)];
    let mut header = vec![String::new()];
    header.extend(shown.iter().map(|session| format!("day {}", day(session.day))));
    let rows = first.told().into_iter().map(|told_first| {
        let value = |session: &Session| session.told().into_iter().find(|other| other.key == told_first.key);
        let cells = shown.iter().map(|session| told(value(session).map(|found| found.value)));
        std::iter::once(with_unit(&title(&told_first.words), told_first.unit)).chain(cells).collect()
    });
    let mut note = vec!["A column for each session. Depths and ruptures by depth are in needling.csv."];
    note.extend(first.notes());
    Some(Table { title: "What the needles did".into(), header, rows: rows.collect(), note: note.join(" ") })
}

/// Peaks and ends of a sweep: a row for each point, a table for each group.
pub fn of_sweep(sweep: &Sweep) -> Vec<Table> {
    let axes: Vec<_> = (0..sweep.axes.len()).map(|index| sweep.axis(index)).collect();
    let mut tables = Vec::new();
    for (group, name) in GROUPS.into_iter().filter(|(group, _)| *group != "state") {
        let shown: Vec<&str> =
            sweep.headings.iter().filter(|(_, of, _)| of == group).map(|(name, ..)| name.as_str()).collect();
        if shown.is_empty() {
            continue;
        }
        let mut header: Vec<String> = axes.iter().map(|axis| crate::present::plot::style::plain(&axis.key)).collect();
        let unit = |name: &str| {
            sweep.points.iter().find_map(|point| point.answers.get(name)).map(|answer| answer.unit.clone())
        };
        header.extend(shown.iter().map(|name| with_unit(&title(name), &unit(name).unwrap_or_default())));
        let rows = sweep.points.iter().map(|point| {
            let value = |name: &&str| {
                let answer = point.answers.get(*name);
                if group == "gain" {
                    told(answer.and_then(|answer| answer.end))
                } else {
                    signed(answer.and_then(|answer| answer.peak))
                }
            };
            point.values.iter().cloned().chain(shown.iter().map(value)).collect()
        });
        let what = if group == "gain" { "values at the end" } else { "largest change from rest" };
        tables.push(Table {
            title: format!("{name}: {what}"),
            header,
            rows: rows.collect(),
            note: "All numbers of all points are in sweep.csv.".into(),
        });
    }
    tables
}

/// Quantiles of the answers of an ensemble, and what they depend on.
pub fn of_ensemble(ensemble: &Ensemble) -> Vec<Table> {
    let readings = ensemble.readings();
    let mut tables = Vec::new();
    for (group, name) in GROUPS.into_iter().filter(|(group, _)| *group != "state") {
        let mine: Vec<&EnsembleReading> = (readings.iter())
            // The peak is told as a change; where an observable rests and ends is told of gains.
            .filter(|own| own.group == group && own.number != "peak")
            .filter(|own| group == "gain" || !["rest", "end"].contains(&own.number))
            .collect();
        if mine.is_empty() {
            continue;
        }
        let header = ["", "reading", "5 %", "25 %", "median", "75 %", "95 %", "samples"];
        let rows = mine.iter().map(|reading| {
            let Spread { quantiles, samples } = reading.spread();
            let numbers = quantiles.map(|value| told(Some(value).filter(|value| value.is_finite())));
            let what = match reading.number {
                "rest" => "at rest",
                "end" => "at the end",
                "end_change" => "change at the end",
                "peak_change" => "largest change",
                "resolved_day" => "over on day",
                _ => "days after the last session",
            };
            let first = vec![with_unit(&title(&reading.observable), &reading.unit), what.into()];
            [first, numbers.to_vec(), vec![samples.to_string()]].concat()
        });
        tables.push(Table {
            title: format!("{name} over the samples"),
            header: header.map(str::to_owned).to_vec(),
            rows: rows.collect(),
            note: format!(
                "Over {}. Changes count from each sample's own rest. Samples: how many have the reading. More in \
                 distribution.csv, answers.csv and bands.csv.",
                ensemble.count()
            ),
        });
    }
    let rows: Vec<Vec<String>> = most_important(ensemble, &readings)
        .into_iter()
        .take(25)
        .map(|(dimension, observable, correlation)| {
            let drawn = &ensemble.drawn[dimension];
            let evidence =
                drawn.evidence.map_or("differs between persons".into(), |on| format!("{on:?}").to_lowercase());
            vec![drawn.key.clone(), drawn.what.clone(), evidence, title(&observable), signed(Some(correlation))]
        })
        .collect();
    if !rows.is_empty() {
        let header = ["number", "what it is", "rests on", "matters most for", "rank correlation"];
        tables.push(Table {
            title: "What matters most".into(),
            header: header.map(str::to_owned).to_vec(),
            rows,
            note: format!("The largest rank correlation of each. {}", chance(ensemble)),
        });
    }
    if !ensemble.failed.is_empty() {
        let rows = ensemble.failed.iter().map(|own| vec![own.name.clone(), own.message.clone()]);
        tables.push(Table {
            title: "Samples that failed".into(),
            header: ["sample", "why"].map(str::to_owned).to_vec(),
            rows: rows.take(FAILED).collect(),
            note: "They are in no other number here. All are in failed.csv, what was drawn for them in samples.csv."
                .into(),
        });
    }
    tables
}

/// Runs side by side: a table for each group.
pub fn of_compare(runs: &[(String, &KeptRun<'_>)]) -> Vec<Table> {
    let Some((_, first)) = runs.first() else { return Vec::new() };
    let mut tables = Vec::new();
    for (group, name) in GROUPS {
        let gain = group == "gain";
        let mine = first.record.headings.iter().filter(|heading| crate::present::plot::group_of(heading) == group);
        let mut rows = Vec::new();
        for heading in mine {
            let mut row = vec![with_unit(&title(&heading.name), &heading.unit.to_string())];
            for (_, run) in runs {
                let answer = run.answers.get(&heading.name);
                row.push(if gain {
                    told(answer.and_then(|answer| answer.end))
                } else {
                    signed(answer.and_then(|answer| answer.peak))
                });
                row.push(days(answer.and_then(|answer| if gain { answer.peak_day } else { answer.resolved_day })));
            }
            rows.push(row);
        }
        if rows.is_empty() {
            continue;
        }
        let mut header = vec![String::new()];
        for (run, _) in runs {
            header.push(format!("{run}: {}", if gain { "at the end" } else { "largest change" }));
            header.push(if gain { "best on day".into() } else { "over on day".into() });
        }
        tables.push(Table { title: name.into(), header, rows, note: "All numbers are in compare.csv.".into() });
    }
    tables
}
