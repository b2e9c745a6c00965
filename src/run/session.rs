//! What a session did mechanically, as it is told: plain numbers, the distribution of depths, ruptures by depth.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::units::DAY;
use crate::skin::needling::Needling;

/// One millimetre [m].
pub(crate) const MILLIMETRE: f64 = 1e-3;

/// How the numbers of the needling model are told: name, words, unit, and what an SI value is divided by.
const SHOWN: [(&str, &str, &str, f64); 41] = [
    ("set_length", "set length of the needles", "mm", 1e-3),
    ("frequency", "strokes per second", "1/s", 1.0),
    ("glide", "speed over the skin", "cm/s", 1e-2),
    ("press", "force on the device", "N", 1.0),
    ("tip_speed", "speed of the tips at the skin", "m/s", 1.0),
    ("tip_radius", "radius of the tips", "µm", 1e-6),
    ("places_per_area", "distinct places struck", "1/cm2", 1e4),
    ("coverage_time", "time on the skin", "s/cm2", 1e4),
    ("passes", "passes over each place", "1", 1.0),
    ("strokes_per_area", "strokes", "1/cm2", 1e4),
    ("holes_per_area", "holes", "1/cm2", 1e4),
    ("dermal_holes_per_area", "holes that reach the dermis", "1/cm2", 1e4),
    ("treated_area", "treated area", "cm2", 1e-4),
    ("session_time", "time of the session", "min", 60.0),
    ("mean_depth", "depth of the holes, mean", "mm", 1e-3),
    ("sd_depth", "depth of the holes, standard deviation", "mm", 1e-3),
    ("depth_quantiles", "depth of the holes", "mm", 1e-3),
    ("first_stroke_depth", "depth after the first stroke, mean", "mm", 1e-3),
    ("reentered_share", "holes struck more than once", "%", 1e-2),
    ("pierced_share", "struck places that were pierced", "%", 1e-2),
    ("force_limited_share", "holes limited by the force of the hand", "%", 1e-2),
    ("reached", "holes that end in", "%", 1e-2),
    ("exit_share", "holes that leave the dermis below", "%", 1e-2),
    ("dermal_path", "channel in the dermis, mean length", "mm", 1e-3),
    ("deep_path", "channel below the dermis, mean length", "mm", 1e-3),
    ("depth_error", "depth of the holes, error of the table of strikes", "µm", 1e-6),
    ("support_stiffness", "stiffness of the skin under a needle", "N/mm", 1e3),
    ("surface_radius", "radius of the needle at the surface, mean", "µm", 1e-6),
    ("torn_radius", "radius of the torn opening at the surface, mean", "µm", 1e-6),
    ("drag", "sideways cut, mean", "µm", 1e-6),
    ("tear_index", "tear index, mean", "1", 1.0),
    ("cut_length", "cuts along the skin, mean length at the surface", "µm", 1e-6),
    ("cut_depth", "cuts along the skin, depth", "mm", 1e-3),
    ("torn_area", "area of the cuts per area of skin", "%", 1e-2),
    ("slit_share", "holes that are slits", "%", 1e-2),
    ("rupture_probability", "risk of rupture,", "%", 1e-2),
    ("ruptures_per_area", "ruptures of", "1/cm2", 1e4),
    ("visible_bleeding_probability", "punctures that bleed visibly", "%", 1e-2),
    ("visible_bleeds_per_area", "visible bleeds", "1/cm2", 1e4),
    ("pain", "pain, relative to a 26G needle", "1", 1.0),
    ("evenness", "evenness of the pattern (1: random)", "1", 1.0),
];

/// Volumes of blood, told in a unit that is not written as a factor of one.
const BLOOD: [(&str, &str, &str, f64); 3] = [
    ("blood_per_area", "blood shed", "µL/cm2", 1e-5),
    ("bruise_per_area", "blood that stays in the skin", "µL/cm2", 1e-5),
    ("session_blood", "blood shed in the session", "mL", 1e-6),
];

/// One session. In JSON the numbers of the needling model stand beside the day, in SI units.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// When it was [d since the start].
    pub day: f64,
    /// Ruptures by depth.
    pub rupture_by_depth: RupturesByDepth,
    /// Everything the needling model itself sums up, by name, in SI units.
    #[serde(flatten)]
    pub numbers: Map<String, Value>,
}

/// Where vessels rupture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RupturesByDepth {
    /// Edges of slices of depth [m], one more than slices.
    pub edges: Vec<f64>,
    /// Ruptures per puncture in each slice, by class of vessels.
    pub per_puncture: IndexMap<String, Vec<f64>>,
}

/// A histogram of hole depths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// Edges of the bins [mm], one more than bins.
    pub edges_mm: Vec<f64>,
    /// Share of holes in each bin; sums to 1.
    pub share: Vec<f64>,
}

/// A number of a session as people are told it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldNumber {
    /// As in `summary.json`; parts of a table behind a dot, as "reached.papillary_dermis".
    pub key: String,
    /// What it is.
    pub words: String,
    /// Its unit.
    pub unit: &'static str,
    /// Its value in that unit.
    pub value: f64,
}

impl Session {
    /// What is kept of a session that was at `time` [s].
    pub fn of(needling: &Needling, time: f64) -> Self {
        let summary = &needling.summary;
        let edges = summary.depth_edges.clone();
        let slices = needling.rupture_by_depth(&edges);
        let classes = summary.rupture_probability.keys().enumerate();
        let per_puncture =
            classes.map(|(class, name)| (name.clone(), slices.iter().map(|slice| slice[class]).collect())).collect();
        let numbers = match serde_json::to_value(summary) {
            Ok(Value::Object(numbers)) => numbers,
            _ => Map::new(),
        };
        Self { day: time / DAY, rupture_by_depth: RupturesByDepth { edges, per_puncture }, numbers }
    }

    /// A plain number in SI units.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.get(name)?.as_f64()
    }

    /// What a reader of the numbers should know, in sentences.
    pub fn notes(&self) -> Vec<&str> {
        self.numbers.get("notes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The distribution of depths.
    pub fn depths(&self) -> Histogram {
        let list = |name: &str| -> Vec<f64> {
            let values = self.numbers.get(name).and_then(Value::as_array);
            values.into_iter().flatten().filter_map(Value::as_f64).collect()
        };
        let edges_mm: Vec<f64> = list("depth_edges").into_iter().map(|edge| edge / MILLIMETRE).collect();
        let share = list("depth_share");
        if edges_mm.len() == share.len() + 1 { Histogram { edges_mm, share } } else { Histogram::default() }
    }

    /// All numbers as people are told them. One the tables here do not know keeps its name and its SI value.
    pub fn told(&self) -> Vec<ToldNumber> {
        let mut told = Vec::new();
        for (name, value) in &self.numbers {
            let known = SHOWN.iter().chain(&BLOOD).find(|(known, ..)| known == name);
            let (words, unit, scale) =
                known.map_or((name.as_str(), "SI", 1.0), |(_, words, unit, scale)| (*words, *unit, *scale));
            match value {
                Value::Number(number) => {
                    let value = number.as_f64().unwrap_or(f64::NAN) / scale;
                    told.push(ToldNumber { key: name.clone(), words: words.to_owned(), unit, value });
                }
                Value::Object(parts) => {
                    for (part, value) in parts.iter().filter_map(|(part, value)| Some((part, value.as_f64()? / scale)))
                    {
                        let words = format!("{words} {}", part.replace('_', " "));
                        told.push(ToldNumber { key: format!("{name}.{part}"), words, unit, value });
                    }
                }
                _ => {}
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skin::needling::Summary;

    #[test]
    fn every_number_of_the_needling_model_is_told_in_a_unit() {
        let one = IndexMap::from([("a_b".to_owned(), 1.0)]);
        let summary = Summary {
            reached: one.clone(),
            depth_quantiles: one.clone(),
            rupture_probability: one.clone(),
            ruptures_per_area: one,
            ..Summary::default()
        };
        let Ok(Value::Object(numbers)) = serde_json::to_value(&summary) else { panic!("a summary is a table") };
        let told = Session { numbers, ..Session::default() }.told();
        for ToldNumber { key, unit, .. } in &told {
            assert_ne!(*unit, "SI", "{key} has no unit and words here");
        }
        for (name, ..) in SHOWN.iter().chain(&BLOOD) {
            assert!(told.iter().any(|told| told.key.split('.').next() == Some(name)), "{name} is no longer a number");
        }
        assert!(told.iter().any(|told| told.words == "holes that end in a b"));
    }

    #[test]
    fn numbers_are_told_in_their_unit() {
        let numbers = serde_json::json!({ "mean_depth": 9e-4, "holes_per_area": 2.5e6, "session_blood": 2e-9 });
        let Value::Object(numbers) = numbers else { panic!("a table") };
        let told = Session { numbers, ..Session::default() }.told();
        let value = |key: &str| told.iter().find(|told| told.key == key).map(|told| (told.value, told.unit));
        assert_eq!(value("holes_per_area"), Some((250.0, "1/cm2")));
        assert!(value("mean_depth").is_some_and(|(value, unit)| (value - 0.9).abs() < 1e-12 && unit == "mm"));
        assert!(value("session_blood").is_some_and(|(value, unit)| (value - 0.002).abs() < 1e-12 && unit == "mL"));
    }
}
