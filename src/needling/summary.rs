//! Numbers of a session for tables and reports.

use indexmap::IndexMap;
use serde::Serialize;

/// Width of a bar of the histogram of depths [m].
pub(super) const BAR: f64 = 5e-5;

/// What a session does, in numbers. SI units; shares and probabilities between 0 and 1.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Set length of the needles [m].
    pub set_length: f64,
    /// Strokes per second [1/s]; for rollers the rows of needles that pass.
    pub frequency: f64,
    /// Speed over the skin [m/s].
    pub glide: f64,
    /// Force on the device [N].
    pub press: f64,
    /// Speed of the tips when they meet the skin [m/s].
    pub tip_speed: f64,
    /// Radius of the tips at this session, worn as they are [m].
    pub tip_radius: f64,
    /// Dose: distinct places struck, per area [1/m²].
    pub places_per_area: f64,
    /// Dose: time on the skin per area, pauses included [s/m²].
    pub coverage_time: f64,
    /// Passes over each place that the dose amounts to at this glide speed.
    pub passes: f64,
    /// Strokes per area [1/m²].
    pub strokes_per_area: f64,
    /// Holes per area [1/m²]: distinct places that were pierced.
    pub holes_per_area: f64,
    /// Holes per area that reach the dermis [1/m²].
    pub dermal_holes_per_area: f64,
    /// Treated area [m²].
    pub treated_area: f64,
    /// Time of the session [s].
    pub session_time: f64,
    /// Mean depth of the final holes [m].
    pub mean_depth: f64,
    /// Standard deviation of that depth [m].
    pub sd_depth: f64,
    /// Quantiles of that depth [m]: "p05", "p25", "p50", "p75", "p95".
    pub depth_quantiles: IndexMap<String, f64>,
    /// Mean depth after the first stroke into each hole [m].
    pub first_stroke_depth: f64,
    /// Edges of the histogram of depth [m].
    pub depth_edges: Vec<f64>,
    /// Share of the holes in each bar of the histogram.
    pub depth_share: Vec<f64>,
    /// Share of the holes that were struck more than once.
    pub reentered_share: f64,
    /// Share of the struck places that were pierced.
    pub pierced_share: f64,
    /// Share of the holes whose depth the force of the hand limited.
    pub force_limited_share: f64,
    /// Share of the holes that end in each layer.
    pub reached: IndexMap<String, f64>,
    /// Share of the holes that leave the dermis below.
    pub exit_share: f64,
    /// Mean length of channel in the dermis [m].
    pub dermal_path: f64,
    /// How far depths from the table of strikes may lie from strikes integrated in time [m]; 0 without a table.
    pub depth_error: f64,
    /// Secant stiffness of the skin under one needle of the device at 0.1 mm, pushed in over a second; the lumped one at the speed
    /// of the needle [N/m].
    pub support_stiffness: f64,
    /// Mean radius of the needle at the surface [m].
    pub surface_radius: f64,
    /// Mean radius of the torn opening at the surface, at rest [m].
    pub torn_radius: f64,
    /// Mean sideways cut [m].
    pub drag: f64,
    /// Mean tear index: sideways cut over the diameter of the needle.
    pub tear_index: f64,
    /// Share of the holes that are slits.
    pub slit_share: f64,
    /// Probability that a puncture ruptures at least one vessel, by class.
    pub rupture_probability: IndexMap<String, f64>,
    /// Ruptured vessels per area, by class [1/m²].
    pub ruptures_per_area: IndexMap<String, f64>,
    /// Probability that a puncture bleeds visibly.
    pub visible_bleeding_probability: f64,
    /// Visibly bleeding punctures per area [1/m²].
    pub visible_bleeds_per_area: f64,
    /// Blood shed per area [m³/m²].
    pub blood_per_area: f64,
    /// Blood that stays in the tissue per area [m³/m²].
    pub bruise_per_area: f64,
    /// Blood shed in the session [m³].
    pub session_blood: f64,
    /// Whether that is more than the model can be trusted with.
    pub blood_gate_exceeded: bool,
    /// Pain relative to a 26G needle; may exceed 1.
    pub pain: f64,
    /// Distance to the nearest neighbour relative to a random pattern: above 1 even, below 1 clustered.
    pub evenness: f64,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// The quantile `share` of ascending values, interpolated; 0 if there are none.
pub fn quantile(ascending: &[f64], share: f64) -> f64 {
    let Some(last) = ascending.len().checked_sub(1) else { return 0.0 };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    ascending[below] + (place - below as f64) * (ascending[above] - ascending[below])
}

/// Mean and standard deviation; zeros if there are no values.
pub(super) fn moments(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let count = values.clone().count();
    if count == 0 {
        return [0.0, 0.0];
    }
    let mean = values.clone().sum::<f64>() / count as f64;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64;
    [mean, variance.sqrt()]
}

/// Edges and shares of the histogram of some depths.
pub(super) fn histogram(depths: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let deepest = depths.iter().copied().fold(0.0, f64::max);
    let bars = ((deepest / BAR).floor() as usize) + 1;
    let mut shares = vec![0.0; bars];
    for depth in depths {
        shares[((depth / BAR) as usize).min(bars - 1)] += 1.0 / depths.len() as f64;
    }
    ((0..=bars).map(|edge| edge as f64 * BAR).collect(), shares)
}
