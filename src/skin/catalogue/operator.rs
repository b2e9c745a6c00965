//! Operators: how hard, how fast and how evenly somebody needles.

use std::sync::Arc;

use serde::Deserialize;

use super::number::table;
use super::stem;
use crate::base::error::{Result, Source, read_toml};
use crate::base::sourced::Sourced;

/// Who holds the device.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Name of the file without its ending.
    pub name: String,
    /// Who this is, in a sentence.
    pub what: String,
    /// Force on the device.
    pub press: Press,
    /// Speed over the skin.
    pub glide: Glide,
    /// Steadiness.
    pub hands: Hands,
    /// The text it was read from.
    pub source: Arc<Source>,
}

table! {
    /// Force on the device [N] by its kind; higher values let needles in deeper.
    Press from WrittenPress {
        /// On a pen [N].
        pen: "N" NotNegative,
        /// On a roller [N].
        roller: "N" NotNegative,
        /// On a single needle [N].
        hand: "N" NotNegative,
    }
}

table! {
    /// Speed over the skin [m/s] by the kind of device.
    Glide from WrittenGlide {
        /// Of a pen [m/s].
        pen: "mm/s" Positive,
        /// Of a roller [m/s].
        roller: "mm/s" Positive,
    }
}

table! {
    /// Steadiness of the hand.
    Hands from WrittenHands {
        /// Standard deviation of the tilt about each axis [rad].
        tilt: "deg" NotNegative,
        /// Variation of the force: standard deviation of its logarithm.
        force_variation: "1" NotNegative,
        /// Share of the time in which the running device touches the skin.
        contact: "1" Positive,
        /// Share of its width by which neighbouring tracks overlap.
        overlap: "1" NotNegative,
        /// Standard deviation of the sideways place of a track [m].
        wander: "mm" NotNegative,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOperator {
    what: String,
    press: WrittenPress,
    glide: WrittenGlide,
    hands: WrittenHands,
}

impl Operator {
    /// Reads an operator file.
    ///
    /// # Errors
    /// The text is not TOML, a key is unknown or missing, a number lacks its source or has another unit or sign.
    pub fn read(source: &Arc<Source>) -> Result<Self> {
        let written: WrittenOperator = read_toml(source)?;
        let hands = written.hands.check(source)?;
        let none = crate::base::sourced::Traits::new();
        for (number, most) in
            [(&hands.contact, 1.0), (&hands.overlap, 0.95), (&hands.tilt, 1.0), (&hands.force_variation, 2.0)]
        {
            if number.of(&none)? > most {
                return Err(source.refuse(number.place.1.clone(), format!("this cannot exceed {most}")));
            }
        }
        Ok(Self {
            name: stem(source),
            what: written.what,
            press: written.press.check(source)?,
            glide: written.glide.check(source)?,
            hands,
            source: source.clone(),
        })
    }

    /// Every number of the file with its dotted name.
    pub fn numbers(&self) -> Vec<(String, &Sourced)> {
        let mut all = self.press.numbers("press");
        all.extend(self.glide.numbers("glide"));
        all.extend(self.hands.numbers("hands"));
        all
    }
}
