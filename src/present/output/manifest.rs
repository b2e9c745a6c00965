//! How an answer was made: version, seed, hashes of every file that was read, what it cost.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::processor;
use crate::base::units::DAY;
use crate::engine::grid::Geometry;
use crate::run::RunCost;
use crate::scenario::Plan;

/// What a run was about, in plain words and numbers; the part of the manifest that reports and comparisons read back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Name of the run.
    pub name: String,
    /// The question in the user's words; may be empty.
    pub question: String,
    /// The tissue.
    pub tissue: String,
    /// The response model.
    pub model: String,
    /// The person: traits by name.
    pub person: Vec<(String, String)>,
    /// Age in years.
    pub age: f64,
    /// What is wrong with the skin, if anything.
    #[serde(default)]
    pub lesion: Option<String>,
    /// What is put on it.
    #[serde(default)]
    pub agents: Vec<String>,
    /// The device, if the skin was needled.
    pub device: Option<String>,
    /// Who held it.
    pub operator: Option<String>,
    /// Set length of the needles [mm].
    pub needle_length_mm: Option<f64>,
    /// The kind of grid.
    pub geometry: String,
    /// Days of the sessions since the start.
    pub session_days: Vec<f64>,
    /// Last day of the run.
    pub end_day: f64,
    /// Seed of all random numbers.
    pub seed: u64,
    /// What is allowed and perhaps was not meant, in sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl About {
    /// What a plan is about.
    pub fn of(plan: &Plan) -> Self {
        let protocol = plan.protocol.as_ref();
        Self {
            name: plan.name.clone(),
            question: plan.question.clone(),
            tissue: plan.tissue.name.clone(),
            model: plan.model.name.clone(),
            person: plan.traits.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            age: plan.age,
            lesion: plan.lesion.as_ref().map(|lesion| lesion.name.clone()),
            agents: plan.agents.iter().map(|agent| agent.name.clone()).collect(),
            device: protocol.map(|protocol| protocol.device.name.clone()),
            operator: protocol.map(|protocol| protocol.operator.name.clone()),
            needle_length_mm: protocol.map(|protocol| protocol.length * 1e3),
            geometry: match &plan.geometry {
                Geometry::Point { .. } => "a single cell",
                Geometry::Cells { .. } => "axisymmetric unit cells",
                Geometry::Section { .. } => "a planar section",
                Geometry::Tile { .. } => "a three-dimensional tile",
            }
            .into(),
            session_days: plan.sessions.iter().map(|time| time / DAY).collect(),
            end_day: plan.end / DAY,
            seed: plan.seed,
            warnings: plan.origin.warnings.clone(),
        }
    }
}

/// The manifest of a run. `models` are the files that were read: (kind and name, text).
pub fn manifest(about: &About, cost: &RunCost, scenario: &str, models: &[(String, String)]) -> Value {
    let RunCost { steps, rejected, beyond, repaired, threads, cells, fields, seconds } = cost;
    let total: f64 = seconds.iter().map(|(_, seconds)| seconds).sum();
    let stepping = seconds.iter().find(|(phase, _)| phase == "stepping").map_or(total, |(_, seconds)| *seconds);
    let work = *cells as f64 * (*steps + *rejected) as f64;
    let hash = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    let hashes: serde_json::Map<String, Value> =
        models.iter().map(|(name, text)| (name.clone(), hash(text).into())).collect();
    let repaired: serde_json::Map<String, Value> =
        repaired.iter().map(|(name, part)| (name.clone(), (*part).into())).collect();
    let seconds: serde_json::Map<String, Value> =
        seconds.iter().map(|(phase, seconds)| (phase.clone(), (*seconds).into())).collect();
    json!({
        "program": "dermasim",
        "version": env!("CARGO_PKG_VERSION"),
        "run": about,
        "scenario_blake3": hash(scenario),
        "models_blake3": hashes,
        "threads": threads,
        "instruction_set": processor::description(),
        "cells": cells,
        "fields": fields,
        "steps": steps,
        "rejected_steps": rejected,
        "steps_beyond_tolerance": beyond,
        "repaired_part": repaired,
        "wall_seconds": seconds,
        "ns_per_cell_step": if work > 0.0 { Some(stepping * 1e9 / work) } else { None },
        "peak_memory_bytes": peak_memory(),
    })
}

/// The most memory the process held, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
