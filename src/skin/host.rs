//! What skin adds to the model language: a puncture and a session, and the numbers that each hands over.

use std::sync::Arc;

use crate::base::error::{Result, Source};
use crate::base::units::Dimension;
use crate::engine::language::{Act, Host, Model, Variable, When};

/// The act that is one hole, among [`HOST`]'s.
pub const PUNCTURE: usize = 0;
/// The act that is all of one day, after its holes.
pub const SESSION: usize = 1;

const ONE: Dimension = Dimension::NONE;
const METRE: Dimension = Dimension::LENGTH;
const AREA: Dimension = Dimension([2, 0, 0, 0, 0, 0]);
const PER_LENGTH: Dimension = Dimension([-1, 0, 0, 0, 0, 0]);
const PER_AREA: Dimension = Dimension([-2, 0, 0, 0, 0, 0]);

/// The variables, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeedlingVariable {
    /// Distance from the axis of the puncture; later, from the nearest one of the last session.
    Distance,
    /// Radius of the needle at this depth.
    NeedleRadius,
    /// Hoop stretch left around the channel, at the depth and distance of the cell.
    ResidualStretch,
    /// Depth of the needle's tip; later, of that of the nearest puncture of the last session.
    TipDepth,
    /// Volume of shed blood that stays in the tissue, per length of channel, at this depth.
    Blood,
    /// Tilt of the puncture against the normal of the skin \[rad\].
    Tilt,
    /// Length of the cut along the skin beside the channel.
    CutLength,
    /// Radius of the tip that made the puncture.
    TipRadius,
    /// Distinct holes per area.
    HoleDensity,
    /// Distinct holes per area that reach the dermis.
    DermalHoleDensity,
    /// Mean depth of the holes.
    MeanDepth,
    /// Mean tear index.
    TearIndex,
    /// Distinct holes per area that leave the dermis.
    DeepHoleDensity,
    /// Length of channel below the dermis, per area.
    DeepPath,
    /// Area of the cuts along the skin, per area.
    TornArea,
    /// Blood shed, per area.
    BloodLoss,
    /// Pain relative to a 26G needle.
    Pain,
}

impl NeedlingVariable {
    /// All of them, in order.
    pub const ALL: [Self; 17] = [
        Self::Distance,
        Self::NeedleRadius,
        Self::ResidualStretch,
        Self::TipDepth,
        Self::Blood,
        Self::Tilt,
        Self::CutLength,
        Self::TipRadius,
        Self::HoleDensity,
        Self::DermalHoleDensity,
        Self::MeanDepth,
        Self::TearIndex,
        Self::DeepHoleDensity,
        Self::DeepPath,
        Self::TornArea,
        Self::BloodLoss,
        Self::Pain,
    ];
}

const fn near(name: &'static str, dimension: Dimension, untouched: f64, what: &'static str) -> Variable {
    Variable { name, dimension, when: When::Nearest(PUNCTURE), signed: false, untouched, what }
}

const fn around(name: &'static str, dimension: Dimension, what: &'static str) -> Variable {
    Variable { name, dimension, when: When::Around(PUNCTURE), signed: false, untouched: 0.0, what }
}

const fn once(name: &'static str, dimension: Dimension, what: &'static str) -> Variable {
    Variable { name, dimension, when: When::Once(SESSION), signed: false, untouched: 0.0, what }
}

/// Farther than any cell is from a hole [m].
const FAR: f64 = 1e3;

/// As [`NeedlingVariable`].
const VARIABLES: [Variable; NeedlingVariable::ALL.len()] = [
    near("distance", METRE, FAR, "distance from the axis of the puncture"),
    around("needle_radius", METRE, "radius of the needle at this depth"),
    Variable {
        untouched: 1.0,
        ..around("residual_stretch", ONE, "hoop stretch of the tissue left around the channel, 1 far from it")
    },
    near("tip_depth", METRE, 0.0, "depth of the needle's tip"),
    around("blood", AREA, "volume of shed blood per length of channel at this depth"),
    Variable { signed: true, ..around("tilt", ONE, "tilt of the puncture against the normal of the skin") },
    around("cut_length", METRE, "length of the cut along the skin that a needle dragged sideways left at this depth"),
    around("tip_radius", METRE, "radius of the needle's tip, worn as it is"),
    once("hole_density", PER_AREA, "distinct punctures of the session per area"),
    once("dermal_hole_density", PER_AREA, "distinct punctures of the session per area that reach the dermis"),
    once("mean_depth", METRE, "mean depth of the session's punctures"),
    once("tear_index", ONE, "mean tear index of the session"),
    once("deep_hole_density", PER_AREA, "distinct punctures of the session per area that leave the dermis"),
    once("deep_path", PER_LENGTH, "length of channel below the dermis that the session made, per area"),
    once("torn_area", ONE, "area of the cuts along the skin that the session tore, per area of skin"),
    once("blood_loss", METRE, "blood that the session shed, per area"),
    once("pain", ONE, "pain of the session, relative to a 26G needle"),
];

/// What skin is to the engine.
pub static HOST: Host = Host {
    acts: &[
        Act { table: "puncture", words: ["a puncture", "a puncture nearby"] },
        Act { table: "session", words: ["a session", "a session nearby"] },
    ],
    variables: &VARIABLES,
    since: Some((
        "since_session",
        "time since the last session; 1e12 s and more, longer than any memory of it, before the first",
    )),
};

/// Reads a response model.
///
/// # Errors
/// As of [`Model::read`].
pub fn model(source: &Arc<Source>) -> Result<Model> {
    Model::read(source, &HOST)
}

/// What a session tells the response model as a whole [SI].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SessionNumbers {
    /// Distinct holes per area [1/m²].
    pub hole_density: f64,
    /// Distinct holes per area that reach the dermis [1/m²].
    pub dermal_hole_density: f64,
    /// Mean depth of the holes [m].
    pub mean_depth: f64,
    /// Mean tear index.
    pub tear_index: f64,
    /// Distinct holes per area that leave the dermis [1/m²].
    pub deep_hole_density: f64,
    /// Length of channel below the dermis, per area [1/m].
    pub deep_path: f64,
    /// Area of the cuts along the skin, per area.
    pub torn_area: f64,
    /// Blood shed, per area [m].
    pub blood_loss: f64,
    /// Pain relative to a 26G needle.
    pub pain: f64,
}

impl SessionNumbers {
    /// The values of the variables, in their order.
    pub fn values(&self) -> [f64; NeedlingVariable::ALL.len()] {
        NeedlingVariable::ALL.map(|given| match given {
            NeedlingVariable::HoleDensity => self.hole_density,
            NeedlingVariable::DermalHoleDensity => self.dermal_hole_density,
            NeedlingVariable::MeanDepth => self.mean_depth,
            NeedlingVariable::TearIndex => self.tear_index,
            NeedlingVariable::DeepHoleDensity => self.deep_hole_density,
            NeedlingVariable::DeepPath => self.deep_path,
            NeedlingVariable::TornArea => self.torn_area,
            NeedlingVariable::BloodLoss => self.blood_loss,
            NeedlingVariable::Pain => self.pain,
            given => VARIABLES[given as usize].untouched,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_stand_in_their_order() {
        for (index, given) in NeedlingVariable::ALL.into_iter().enumerate() {
            let spoken = VARIABLES[index].name.replace('_', "");
            assert_eq!((given as usize, format!("{given:?}").to_lowercase()), (index, spoken));
        }
    }
}
