//! What a course means in practice, in sentences for the terminal and the report.

use super::Practice;
use super::price::PriceSpread;

impl Practice {
    /// Sentences, each with what it is about.
    pub fn told(&self) -> Vec<(String, String)> {
        let parts = [self.again(), self.left_over(), self.hurts(), self.carried_off(), self.costs()];
        let mut told: Vec<(String, String)> = parts.into_iter().flatten().collect();
        for advice in &self.advice {
            let recalled = if advice.checked { "" } else { ", recalled" };
            let text = format!("{} ({}; {}{recalled}). Advice only.", advice.says, advice.authority, advice.source);
            told.push(("Rules.".into(), text));
        }
        told
    }

    fn again(&self) -> Option<(String, String)> {
        let recovery = self.recovery.as_ref()?;
        let slowest: Vec<String> = recovery.slowest.iter().map(|name| name.replace('_', " ")).collect();
        let text = match recovery.days {
            Some(days) => format!(
                "Every symptom and the barrier are back at rest {} days after the last session; slowest: {}.",
                plain(days),
                slowest.join(", ")
            ),
            None => format!("Not every symptom is over at the end of the run: {}.", slowest.join(", ")),
        };
        Some(("Recovery.".into(), text))
    }

    fn left_over(&self) -> Option<(String, String)> {
        let mut worst: Vec<(&str, f64)> = Vec::new();
        for own in self.carried_over.iter().filter(|own| own.share > 0.005) {
            match worst.iter_mut().find(|(name, _)| *name == own.observable) {
                Some((_, share)) => *share = share.max(own.share),
                None => worst.push((&own.observable, own.share)),
            }
        }
        worst.sort_by(|a, b| b.1.total_cmp(&a.1));
        let told: Vec<String> = worst
            .iter()
            .take(5)
            .map(|(name, share)| format!("{} {:.0} %", name.replace('_', " "), 100.0 * share))
            .collect();
        if self.carried_over.is_empty() {
            return None;
        }
        let text = match told.is_empty() {
            true => "Nothing of one session is left at the next.".to_owned(),
            false => format!("Left of the peak when the next session begins: {}.", told.join(", ")),
        };
        Some(("Carried over.".into(), text))
    }

    fn hurts(&self) -> Option<(String, String)> {
        let first = self.pain.first()?;
        let mut text = format!("A stamp hurts as much as {:.0} % of a 26G needle", 100.0 * first.plain);
        if first.taken_away > 0.0 {
            text += &format!(
                "; the anaesthetic takes away {:.0} % of that, {:.0} % are felt",
                100.0 * first.taken_away,
                100.0 * first.felt
            );
        }
        Some(("Pain.".into(), text + "."))
    }

    fn carried_off(&self) -> Option<(String, String)> {
        let spread = self.spread.as_ref()?;
        let text = format!(
            "Needles carry the {} up to {:.0} mm along their way, {:.0} holes after the lesion: about {} cm² are inoculated \
             by each session. The infective share is assumed.",
            spread.lesion,
            spread.reach * 1e3,
            spread.holes,
            plain(spread.area * 1e4)
        );
        Some(("Carried off.".into(), text))
    }

    fn costs(&self) -> Option<(String, String)> {
        let price = self.price.as_ref()?;
        let told = |course: &PriceSpread| {
            let rounded = |value: f64| (value / 10.0).round() * 10.0;
            format!("{:.0} ({:.0} to {:.0})", rounded(course.median), rounded(course.p05), rounded(course.p95))
        };
        let text = format!(
            "A session costs {} {}, the course {} (nine in ten).",
            told(&price.session),
            price.currency,
            told(&price.course)
        );
        Some(("Cost.".into(), text))
    }
}

/// A number of two digits.
fn plain(value: f64) -> String {
    let digits = if value.abs() >= 10.0 { 0 } else { 1 };
    format!("{value:.digits$}")
}
