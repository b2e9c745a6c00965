//! Sources that are set aside before anything is tuned, by a rule that nobody can bend.
//!
//! **The rule.** A source is known by one reference: its DOI in small letters, else `pmid:` or `pmc` and the number,
//! else `url:` and where it was read. It is set
//! aside if the first byte of the BLAKE3 hash of that reference is even, which is one source in two, whatever it says. All rows
//! of a source go the same way. Constants must not be chosen with such a row in view: it may not be named by a calibration, it
//! may not say that it was used in tuning, and `dermasim evidence` hides it unless asked with `--set-aside`.
//!
//! A source that constants were chosen with in view before the rule was written can no longer be set aside. Its rows say so
//! with `in_view = true`, and a test holds their list.

use serde::Serialize;

/// How far the numbers of an observation can have reached the constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Constants were chosen with it in view, by hand or by `dermasim calibrate`.
    Used,
    /// Nothing was chosen by it, but nothing kept it from being looked at.
    Seen,
    /// Set aside by the rule.
    SetAside,
}

impl Split {
    /// Its name in a table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Seen => "seen",
            Self::SetAside => "set aside",
        }
    }
}

/// Whether the rule sets a source aside.
pub fn set_aside(reference: &str) -> bool {
    blake3::hash(reference.as_bytes()).as_bytes()[0].is_multiple_of(2)
}

/// What is wrong with a reference, if it is not in the one form that the rule reads.
pub(super) fn malformed(reference: &str) -> Option<&'static str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let doi = |text: &str| text.split_once('/').is_some_and(|(maker, own)| maker.len() > 3 && !own.is_empty());
    if reference != reference.to_lowercase() || reference.contains(char::is_whitespace) {
        return Some("a reference is in small letters and has no spaces");
    }
    if let Some(place) = reference.strip_prefix("url:") {
        let known = place.contains('.') && place.contains('/') && !place.contains(':');
        return (!known).then_some("after `url:` stands a place without `https://`, as url:journal.org/article_1");
    }
    let other = reference.strip_prefix("pmid:").or_else(|| reference.strip_prefix("pmc"));
    let known =
        other.map_or_else(|| reference.strip_prefix("10.").is_some_and(|rest| doi(&format!("10.{rest}"))), digits);
    (!known).then_some("this is no DOI, and neither `pmid:` nor `pmc` with a number nor `url:`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_never_changes() {
        // Frozen when it was written; a change here would choose anew what is set aside.
        let sides = ["10.1/a", "10.1/b", "10.1/c", "10.1/d", "pmid:1", "pmid:2", "pmc1", "pmc2"].map(set_aside);
        assert_eq!(sides, SIDES);
        let aside = (0..2000).filter(|number| set_aside(&format!("pmid:{number}"))).count();
        assert!((900..1100).contains(&aside), "{aside} of 2000");
    }

    const SIDES: [bool; 8] = [true, false, false, true, false, false, true, true];

    #[test]
    fn references_have_one_form() {
        for good in ["10.1038/s41598-020-75246-8", "pmid:33656167", "pmc4119956", "url:iranjd.ir/article_98372.html"] {
            assert_eq!(malformed(good), None, "{good}");
        }
        for bad in [
            "10.1038/S41598",
            "PMC4119956",
            "pmid: 3",
            "https://doi.org/10.1/a",
            "sasaki 2019",
            "pmid:",
            "10.",
            "url:https://a.b/c",
        ] {
            assert!(malformed(bad).is_some(), "{bad}");
        }
    }
}
