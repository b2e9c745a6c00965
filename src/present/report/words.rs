//! The answer in plain words, from the numbers alone.

use crate::present::output::KeptRun;
use crate::present::output::ensemble::{Ensemble, EnsembleReading, Influences, OF_REST, Spread};
use crate::present::output::sweep::Sweep;
use crate::present::plot::style::{brief, day, plain, short, title, unit};
use crate::present::plot::{columns, is_part, main_ones};
use crate::present::report::document::Paragraph;
use crate::run::answer::Answer;

/// The parts of an answer as a report names them.
pub const GROUPS: [(&str, &str); 5] = [
    ("symptom", "Symptoms"),
    ("grade", "Symptoms by grade"),
    ("gain", "Gains"),
    ("risk", "Risks"),
    ("state", "State of the skin"),
];

/// Sentences about one group at most; the tables have all.
const SENTENCES: usize = 6;

fn line(lead: &str, text: impl Into<String>) -> Paragraph {
    Paragraph { lead: lead.into(), text: text.into() }
}

/// A value with its unit.
fn with(value: f64, of: &str) -> String {
    match unit(of) {
        none if none.is_empty() => brief(value),
        unit => format!("{} {unit}", brief(value)),
    }
}

/// A change from rest: in per cent for plain numbers that rest clearly above zero, else as it is.
fn change(deviation: f64, answer: &Answer) -> String {
    let sign = if deviation > 0.0 { "+" } else { "" };
    match answer.rest {
        Some(rest) if rest > 1e-3 * deviation.abs() && unit(&answer.unit).is_empty() => {
            format!("{sign}{} %", brief(100.0 * deviation / rest))
        }
        _ => format!("{sign}{}", with(deviation, &answer.unit)),
    }
}

/// Days as people count them: whole ones, halves where there are few.
fn whole(days: f64) -> String {
    if days >= 10.0 { format!("{days:.0}") } else { brief(days) }
}

/// When something was, told from the session before it: "5 h after session 2", "right after session 1", "on day 120".
fn when(kept: &KeptRun<'_>, at: Option<f64>) -> String {
    let Some(at) = at else { return String::new() };
    let before = kept.about.session_days.iter().rposition(|session| *session <= at + 1e-9);
    let Some(session) = before else { return format!(" on day {}", whole(at)) };
    let since = at - kept.about.session_days[session];
    let which = match kept.about.session_days.len() {
        1 => "the session".to_owned(),
        _ => format!("session {}", session + 1),
    };
    match since {
        now if now < 1e-3 => format!(" right after {which}"),
        hours if hours < 2.0 => format!(" {} h after {which}", whole(24.0 * hours)),
        days if days < 15.0 => format!(" {} days after {which}", whole(days)),
        _ => format!(" on day {}", whole(at)),
    }
}

fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The answer of a run.
pub fn of_run(kept: &KeptRun<'_>) -> Vec<Paragraph> {
    let mut lines = vec![line("What was done.", done(kept))];
    lines.extend(kept.about.warnings.iter().map(|warning| line("Warning.", format!("{warning}."))));
    lines.extend(kept.faults.iter().map(|fault| line("Not sound.", format!("{fault}."))));
    lines.extend(kept.doubts.iter().map(|doubt| line("Doubtful.", doubt.clone())));
    lines.extend(needles(kept));
    lines.extend(symptoms(kept));
    lines.extend(gains(kept));
    lines.extend(risks(kept));
    lines.extend(kept.practice.told().into_iter().map(|(lead, text)| Paragraph { lead, text }));
    lines
}

fn done(kept: &KeptRun<'_>) -> String {
    let about = &kept.about;
    // The age stands on its own.
    let traits = about.person.iter().filter(|(name, _)| name != "age");
    let person: Vec<String> = traits.map(|(name, value)| format!("{} {value}", plain(name))).collect();
    let person = if person.is_empty() { String::new() } else { format!(", {}", person.join(", ")) };
    let lesion = about.lesion.as_ref().map_or(String::new(), |lesion| format!(" with {}", plain(lesion)));
    let skin = format!("{} skin{lesion} (age {}{person})", plain(&about.tissue), short(about.age));
    let agents: Vec<String> = about.agents.iter().map(|agent| plain(agent)).collect();
    let agents = if agents.is_empty() { String::new() } else { format!("with {}, ", joined(&agents)) };
    let followed = format!("{agents}followed for {} days", whole(about.end_day));
    let Some(device) = &about.device else {
        return format!("{}, not needled, {followed}.", title(&skin));
    };
    let length = about.needle_length_mm.map_or(String::new(), |length| format!(" set to {} mm", short(length)));
    let operator = about.operator.as_ref().map_or(String::new(), |who| format!(" by a {}", plain(who)));
    let days: Vec<String> = about.session_days.iter().map(|at| day(*at)).collect();
    let sessions = match days.len() {
        1 => format!("in one session on day {}", days[0]),
        2..=8 => format!("in {} sessions on days {}", days.len(), joined(&days)),
        many => format!("in {many} sessions"),
    };
    format!("{}, needled with {}{length}{operator} {sessions}, {followed}.", title(&skin), plain(device))
}

fn needles(kept: &KeptRun<'_>) -> Option<Paragraph> {
    let session = kept.needling.first()?;
    let depths = session.depths();
    let middles = depths.edges_mm.windows(2).map(|edges| 0.5 * (edges[0] + edges[1]));
    let mean: f64 = middles.zip(&depths.share).map(|(middle, share)| middle * share).sum();
    let quantile = |wanted: f64| {
        let mut below = 0.0;
        let bin = depths.share.iter().position(|share| {
            below += share;
            below >= wanted
        });
        bin.map_or(0.0, |bin| depths.edges_mm[bin + 1])
    };
    let layer = kept.shape.layers.iter().find(|(_, top, bottom)| (*top..*bottom).contains(&(mean * 1e-3)));
    let layer = layer.map_or(String::new(), |(name, ..)| format!(", on average into the {}", plain(name)));
    let mut text = if depths.share.is_empty() {
        "The needles left no holes.".to_owned()
    } else {
        format!(
            "The holes are {} mm deep on average{layer}; nine in ten lie between {} and {} mm.",
            brief(mean),
            brief(quantile(0.05)),
            brief(quantile(0.95))
        )
    };
    let told = session.told();
    let value = |key: &str| told.iter().find(|told| told.key == key).map(|told| told.value);
    if let (Some(holes), Some(dermal)) = (value("holes_per_area"), value("dermal_holes_per_area")) {
        text +=
            &format!(" A session leaves {} holes per cm², {} of which reach the dermis.", short(holes), short(dermal));
    }
    let ruptures: Vec<String> = told
        .iter()
        .filter_map(|told| Some((told.key.strip_prefix("rupture_probability.")?, told.value)))
        .map(|(class, percent)| format!("{} in {} %", plain(class), brief(percent)))
        .collect();
    if !ruptures.is_empty() {
        text += &format!(" A puncture ruptures at least one vessel of these: {}.", ruptures.join(", "));
    }
    if let Some(percent) = value("visible_bleeding_probability") {
        text += &format!(" {} % of the punctures bleed visibly.", brief(percent));
    }
    Some(line("How deep.", text))
}

/// Names and answers of a group, those that changed most first.
fn changed<'a>(kept: &'a KeptRun<'_>, group: &'a str) -> impl Iterator<Item = (&'a str, &'a Answer, f64)> {
    let mine = main_ones(&kept.record, &columns(&kept.record, group));
    mine.into_iter().filter_map(|column| {
        let heading = &kept.record.headings[column];
        let answer = kept.answers.get(&heading.name)?;
        Some((heading.name.as_str(), answer, answer.peak.filter(|peak| *peak != 0.0)?))
    })
}

fn symptoms(kept: &KeptRun<'_>) -> Option<Paragraph> {
    let last = kept.about.session_days.last().copied();
    let said: Vec<String> = changed(kept, "symptom")
        .take(SENTENCES)
        .map(|(name, answer, peak)| {
            let when = when(kept, answer.peak_day);
            let over = match (answer.resolved_day, last) {
                (Some(over), Some(last)) if over > last => {
                    format!("is over {} days after the last session", brief(over - last))
                }
                (Some(_), _) => "is over by the last session".into(),
                (None, _) => "is not over at the end".into(),
            };
            format!("{} is strongest{when} ({}) and {over}.", title(name), change(peak, answer))
        })
        .collect();
    match (said.is_empty(), changed(kept, "symptom").count()) {
        (true, 0) => None,
        _ => Some(line("Symptoms.", said.join(" "))),
    }
}

fn gains(kept: &KeptRun<'_>) -> Option<Paragraph> {
    let said: Vec<String> = changed(kept, "gain")
        .take(SENTENCES)
        .filter_map(|(name, answer, peak)| {
            let end = answer.end.zip(answer.rest).map(|(end, rest)| end - rest)?;
            let best = format!(" ({} at most,{})", change(peak, answer), when(kept, answer.peak_day));
            Some(format!("{} {}{best}", plain(name), change(end, answer)))
        })
        .collect();
    let end = whole(kept.about.end_day);
    (!said.is_empty()).then(|| line(&format!("After {end} days."), format!("Compared with rest: {}.", said.join("; "))))
}

fn risks(kept: &KeptRun<'_>) -> Option<Paragraph> {
    let said: Vec<String> = changed(kept, "risk")
        .take(SENTENCES)
        .map(|(name, answer, peak)| {
            let when = when(kept, answer.peak_day);
            format!("{} changes by at most {},{when}", plain(name), change(peak, answer))
        })
        .collect();
    (!said.is_empty()).then(|| line("Risks.", format!("{}.", title(&said.join("; ")))))
}

/// The answer of a sweep: where each gain and risk is largest and smallest.
pub fn of_sweep(sweep: &Sweep) -> Vec<Paragraph> {
    let axes: Vec<String> = sweep.axes.iter().map(|key| plain(key)).collect();
    let mut lines =
        vec![line("What was done.", format!("{} runs that differ in {}.", sweep.points.len(), joined(&axes)))];
    for (group, name) in GROUPS.into_iter().filter(|(group, _)| *group != "state") {
        let mut said = Vec::new();
        let names = || sweep.headings.iter().filter(|(_, of, _)| of == group).map(|(name, ..)| name.as_str());
        for observable in names().filter(|name| !is_part(name, names())).take(SENTENCES) {
            let value = |answer: &Answer| match group {
                "gain" => answer.end.zip(answer.rest).map(|(end, rest)| end - rest),
                _ => answer.peak,
            };
            let found = sweep.points.iter().filter_map(|point| {
                let answer = point.answers.get(observable)?;
                Some((point, answer, value(answer)?))
            });
            let found: Vec<_> = found.collect();
            let most = found.iter().max_by(|a, b| a.2.total_cmp(&b.2));
            let least = found.iter().min_by(|a, b| a.2.total_cmp(&b.2));
            if let (Some(most), Some(least)) = (most, least)
                && most.2 != least.2
            {
                said.push(format!(
                    "{} from {} (at {}) to {} (at {})",
                    plain(observable),
                    change(least.2, least.1),
                    least.0.values.join(", "),
                    change(most.2, most.1),
                    most.0.values.join(", ")
                ));
            }
        }
        if !said.is_empty() {
            let what = if group == "gain" { "change from rest at the end" } else { "largest change from rest" };
            lines.push(line(&format!("{name}."), format!("As {what}: {}.", said.join("; "))));
        }
    }
    lines
}

/// The answer of an ensemble: medians with the spread of nine in ten samples, and what it depends on.
pub fn of_ensemble(ensemble: &Ensemble) -> Vec<Paragraph> {
    let (readings, count) = (ensemble.readings(), ensemble.samples.len());
    let failed = ensemble.failed.len();
    let persons = ensemble.drawn.iter().filter(|drawn| drawn.evidence.is_none()).count();
    let what = match (persons, ensemble.drawn.len() - persons) {
        (persons, 0) => format!("{count} persons who differ in {persons} traits and thicknesses."),
        (0, numbers) => format!("{count} runs in which {numbers} numbers were drawn within their ranges."),
        (persons, numbers) => {
            format!(
                "{count} persons who differ in {persons} traits and thicknesses, with {numbers} numbers drawn within their ranges."
            )
        }
    };
    let mut lines = vec![line("What was done.", what)];
    if failed > 0 {
        let text = format!(
            "{failed} of {} samples failed and are in no number here: they are not a draw without choice, so \
                            the spread may be too narrow. What they ended with is in a table below.",
            count + failed
        );
        lines.push(line("What failed.", text));
    }
    let names = || ensemble.headings.iter().map(|heading| heading.name.as_str());
    for (group, number, name) in
        [("gain", "end_change", "Gains at the end."), ("risk", "peak_change", "Risks, largest change.")]
    {
        let mine = readings.iter().filter(|reading| reading.group == group && reading.number == number);
        let said: Vec<String> = mine
            .filter(|reading| !is_part(&reading.observable, names()))
            .filter_map(|reading| {
                let [low, _, middle, _, high] = reading.spread().quantiles;
                let told = |value: f64| match reading.unit == OF_REST {
                    true => format!("{} %", brief(value)),
                    false => with(value, &reading.unit),
                };
                let plain = plain(&reading.observable);
                (low != high).then(|| format!("{plain} {} ({} to {})", told(middle), told(low), told(high)))
            })
            .take(SENTENCES)
            .collect();
        if !said.is_empty() {
            lines.push(line(
                name,
                format!("Median and nine in ten samples, each against its own rest: {}.", said.join("; ")),
            ));
        }
    }
    if let Some(recovery) = readings.iter().find(|reading| reading.observable == "recovery") {
        let Spread { quantiles: [low, _, middle, _, high], samples: known } = recovery.spread();
        let mut text = format!("The skin may be treated again after {middle:.0} days ({low:.0} to {high:.0}).");
        if known < count {
            text += &format!(" In {} of {count} samples something is not over at the end of the run.", count - known);
        }
        lines.push(line("Recovery.", text));
    }
    let matter = most_important(ensemble, &readings);
    if !matter.is_empty() {
        let told: Vec<String> = matter
            .iter()
            .take(SENTENCES)
            .map(|(dimension, observable, correlation)| {
                let drawn = &ensemble.drawn[*dimension];
                let on = drawn.evidence.map_or(String::new(), |on| format!(", {}", format!("{on:?}").to_lowercase()));
                format!("{} ({}{on}; {} with {})", drawn.key, drawn.what, brief(*correlation), plain(observable))
            })
            .collect();
        lines.push(line("What matters most.", format!("By rank correlation: {}.", told.join("; "))));
    } else if ensemble.influences.pairs > 0 {
        let text = "No number that was drawn goes with any answer more closely than chance allows. ".to_owned();
        lines.push(line("What matters most.", text + &chance(ensemble)));
    }
    lines
}

/// How large a rank correlation must be to be told, in a sentence.
pub fn chance(ensemble: &Ensemble) -> String {
    let Influences { chance, pairs, .. } = &ensemble.influences;
    match *chance < 1.0 {
        true => format!(
            "Only correlations beyond ±{chance:.2} are told: chance alone gives one of the {pairs} pairs of a number and a \
             reading a larger one in one ensemble of twenty."
        ),
        false => {
            format!("Of so few samples, chance explains any correlation among {pairs} pairs of a number and a reading.")
        }
    }
}

/// What was drawn, by its largest rank correlation with a gain or a risk (with any reading where there are none), beyond
/// chance.
pub fn most_important(ensemble: &Ensemble, readings: &[EnsembleReading]) -> Vec<(usize, String, f64)> {
    let judged = |own: &EnsembleReading| {
        [("gain", "end_change"), ("risk", "peak_change")].contains(&(own.group.as_str(), own.number))
    };
    let any = readings.iter().any(judged);
    let mut best: Vec<(usize, String, f64)> = Vec::new();
    // The largest come first.
    for own in &ensemble.influences.found {
        let reading = &readings[own.reading];
        if (!any || judged(reading)) && !best.iter().any(|(dimension, ..)| *dimension == own.dimension) {
            best.push((own.dimension, reading.observable.clone(), own.correlation));
        }
    }
    best
}

/// The answer of a comparison: how the other runs differ from the first.
pub fn of_compare(runs: &[(String, &KeptRun<'_>)]) -> Vec<Paragraph> {
    let Some(((base, first), others)) = runs.split_first() else { return Vec::new() };
    let mut lines = vec![line(&format!("{base}."), done(first))];
    for (name, run) in others {
        lines.push(line(&format!("{name}."), done(run)));
        for (group, heading) in GROUPS.into_iter().filter(|(group, _)| *group != "state") {
            let gain = group == "gain";
            let said: Vec<String> = changed(run, group)
                .take(SENTENCES)
                .filter_map(|(observable, answer, peak)| {
                    let other = first.answers.get(observable)?;
                    let of = |answer: &Answer, peak: f64| match gain {
                        true => answer.end.zip(answer.rest).map(|(end, rest)| end - rest),
                        false => Some(peak),
                    };
                    let (this, that) = (of(answer, peak)?, of(other, other.peak?)?);
                    Some(format!("{} {} against {}", plain(observable), change(this, answer), change(that, other)))
                })
                .collect();
            if !said.is_empty() {
                let what = if gain { "at the end" } else { "at most" };
                lines.push(line("", format!("{heading} {what}, {name} against {base}: {}.", said.join("; "))));
            }
        }
    }
    lines
}
