//! Numbers of a session for tables and reports.

use indexmap::IndexMap;
use serde::Serialize;

use super::driven::Pace;
use super::session::SessionSetup;
use super::tear::Cut;
use super::vessel::CLASSES;
use super::{Hole, Subject, place};
use crate::skin::catalogue::Mechanics;

/// Width of a bar of the histogram of depths [m].
const BAR: f64 = 5e-5;

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
    /// Mean length of channel below the dermis [m].
    pub deep_path: f64,
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
    /// Mean length of the cuts along the skin, at the surface [m].
    pub cut_length: f64,
    /// Depth of the cut that stands for them all: as long on average, and as large [m].
    pub cut_depth: f64,
    /// Area of the cuts per area of skin.
    pub torn_area: f64,
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
fn moments(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let count = values.clone().count();
    if count == 0 {
        return [0.0, 0.0];
    }
    let mean = values.clone().sum::<f64>() / count as f64;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64;
    [mean, variance.sqrt()]
}

/// Edges and shares of the histogram of some depths.
fn histogram(depths: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let deepest = depths.iter().copied().fold(0.0, f64::max);
    let bars = ((deepest / BAR).floor() as usize) + 1;
    let mut shares = vec![0.0; bars];
    for depth in depths {
        shares[((depth / BAR) as usize).min(bars - 1)] += 1.0 / depths.len() as f64;
    }
    ((0..=bars).map(|edge| edge as f64 * BAR).collect(), shares)
}

/// Numbers by class of vessels, under their names.
fn by_class(values: [f64; CLASSES]) -> IndexMap<String, f64> {
    Mechanics::CLASSES.iter().map(|name| (*name).to_owned()).zip(values).collect()
}

/// The numbers of a session for tables and reports.
pub(super) fn summarise(
    subject: &Subject<'_>,
    numbers: &SessionSetup,
    pattern: &place::Pattern,
    holes: &[Hole],
) -> Summary {
    let area = pattern.side * pattern.side;
    let count = holes.len().max(1) as f64;
    let share = |test: &dyn Fn(&Hole) -> bool| holes.iter().filter(|hole| test(hole)).count() as f64 / count;
    let mean = |of: &dyn Fn(&Hole) -> f64| holes.iter().map(of).sum::<f64>() / count;
    let mut depths: Vec<f64> = holes.iter().map(|hole| hole.puncture.depth).collect();
    depths.sort_by(f64::total_cmp);
    let [mean_depth, sd_depth] = moments(depths.iter().copied());
    let (depth_edges, depth_share) = histogram(&depths);
    let density = holes.len() as f64 / area;
    let strokes_per_area = pattern.strokes.len() as f64 / area;
    let passes = pattern.passes / numbers.contact;
    let coverage_time = match numbers.pace {
        Pace::Strokes(pace) => passes * numbers.printer.strokes_per_pass() / pace,
        Pace::Area(pace) => passes / pace,
    };
    let visible = |class: usize| numbers.beds[class].shed * (1.0 - numbers.beds[class].retained) >= numbers.bead;
    let bleeding = mean(&|hole| {
        let beads: f64 = (0..CLASSES).filter(|class| visible(*class)).map(|class| hole.ruptures.mean[class]).sum();
        1.0 - (-beads).exp()
    });
    let ruptures: [f64; CLASSES] = std::array::from_fn(|class| mean(&|hole| hole.ruptures.mean[class]));
    let shed: f64 = (0..CLASSES).map(|class| ruptures[class] * numbers.beds[class].shed).sum();
    let kept: f64 =
        (0..CLASSES).map(|class| ruptures[class] * numbers.beds[class].shed * numbers.beds[class].retained).sum();
    let session_blood = density * shed * numbers.area;
    let mut notes = numbers.notes.clone();
    let blood_gate_exceeded = session_blood > numbers.gate;
    if blood_gate_exceeded {
        let millilitres = session_blood * 1e6;
        notes.push(format!(
            "{millilitres:.1} mL of blood in a session is more than is seen: the bleeding is overestimated"
        ));
    }
    let exit_share = share(&|hole| hole.puncture.depth > hole.skin.dermis);
    if exit_share > 0.5 {
        notes.push(
            "most holes leave the dermis; by histology the skin of the face is thicker than by ultrasound".into(),
        );
    }
    if holes.is_empty() {
        notes.push("no needle pierced the skin".into());
    }
    let reached = subject
        .layers
        .iter()
        .map(|layer| (layer.name.clone(), share(&|hole| (layer.top..layer.bottom).contains(&hole.puncture.depth))))
        .collect();
    let tear = |hole: &Hole| hole.puncture.drag / (2.0 * numbers.needle.shank_radius);
    let cut = Cut::mean(holes.iter().map(|hole| hole.puncture.cut));
    let quantiles = [("p05", 0.05), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95)];
    Summary {
        set_length: numbers.length,
        frequency: numbers.frequency,
        glide: numbers.glide,
        press: numbers.press,
        tip_speed: numbers.speed,
        tip_radius: numbers.needle.tip_radius,
        places_per_area: pattern.holes.len() as f64 / area,
        coverage_time,
        passes,
        strokes_per_area,
        holes_per_area: density,
        dermal_holes_per_area: density * share(&|hole| hole.puncture.depth > hole.skin.epidermis),
        treated_area: numbers.area,
        session_time: coverage_time * numbers.area,
        mean_depth,
        sd_depth,
        depth_quantiles: quantiles.iter().map(|(name, at)| ((*name).to_owned(), quantile(&depths, *at))).collect(),
        first_stroke_depth: mean(&|hole| hole.first),
        depth_edges,
        depth_share,
        reentered_share: share(&|hole| hole.puncture.strokes > 1),
        pierced_share: holes.len() as f64 / pattern.holes.len().max(1) as f64,
        force_limited_share: share(&|hole| hole.limited),
        reached,
        exit_share,
        dermal_path: mean(&|hole| (hole.puncture.depth.min(hole.skin.dermis) - hole.skin.epidermis).max(0.0)),
        deep_path: mean(&|hole| (hole.puncture.depth - hole.skin.dermis).max(0.0)),
        depth_error: numbers.way.error(),
        support_stiffness: numbers.way.stiffness(),
        surface_radius: mean(&|hole| hole.puncture.radius_at(0.0)),
        torn_radius: mean(&|hole| hole.puncture.radius_at(0.0)) / numbers.wall_stretch,
        drag: mean(&|hole| hole.puncture.drag),
        tear_index: mean(&tear),
        cut_length: cut.length,
        cut_depth: cut.depth,
        torn_area: density * cut.area(),
        slit_share: share(&|hole| tear(hole) > numbers.slit),
        rupture_probability: by_class(std::array::from_fn(|class| {
            mean(&|hole| 1.0 - (-hole.ruptures.mean[class]).exp())
        })),
        ruptures_per_area: by_class(ruptures.map(|one| one * density)),
        visible_bleeding_probability: bleeding,
        visible_bleeds_per_area: bleeding * density,
        blood_per_area: density * shed,
        bruise_per_area: density * kept,
        session_blood,
        blood_gate_exceeded,
        pain: numbers.pain,
        evenness: place::evenness(&pattern.holes, pattern.side).unwrap_or(0.0),
        notes,
    }
}
