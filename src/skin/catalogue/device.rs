//! Devices: needles, how they are driven, and the dose a session usually gives.

use std::sync::Arc;

use serde::Deserialize;
use serde_spanned::Spanned;

use super::number::table;
use super::stem;
use crate::base::error::{Result, Source, read_toml};
use crate::base::sourced::{Sourced, WrittenNumber};

/// A tool with needles.
#[derive(Debug, Clone)]
pub struct Device {
    /// Name of the file without its ending.
    pub name: String,
    /// What it is, in a sentence.
    pub what: String,
    /// Lengths that can be set.
    pub length: Lengths,
    /// How its needles are pointed.
    pub tip: Tip,
    /// One needle.
    pub needle: Needle,
    /// How the needles are moved.
    pub drive: Drive,
    /// The dose of a session unless the scenario says otherwise.
    pub dose: DefaultDose,
    /// The text it was read from.
    pub source: Arc<Source>,
}

table! {
    /// Lengths that can be set.
    Lengths from WrittenLengths {
        /// Shortest [m].
        shortest: "mm" NotNegative,
        /// Longest [m].
        longest: "mm" Positive,
        /// Standard deviation between the set and the true protrusion [m].
        tolerance: "mm" NotNegative,
    }
}

table! {
    /// One needle: a tip, a cone behind it, a shank.
    Needle from WrittenNeedle {
        /// Radius of a new tip [m], with its spread between needles; higher values need more force to pierce.
        tip_radius: "um" Positive,
        /// Radius of a worn tip [m].
        worn_radius: "um" Positive,
        /// Treatments after which a tip is worn by 1 − 1/e of the way.
        wear_treatments: "1" Positive,
        /// Treatments the needles have usually seen before.
        earlier_treatments: "1" NotNegative,
        /// Half angle of the cone behind the tip, or angle between bevel and axis [rad].
        half_angle: "deg" Positive,
        /// Diameter of the shank [m].
        diameter: "mm" Positive,
    }
}

table! {
    /// A motor that drives a cartridge of needles up and down.
    Pen from WrittenPen {
        /// Needles in the cartridge.
        needles: "1" Positive,
        /// Strokes per second [1/s].
        frequency: "Hz" Positive,
        /// Stroke of the cam [m]; it must exceed the longest length by `clearance`.
        stroke: "mm" Positive,
        /// Distance by which the needles withdraw behind the nose at the longest length, at least [m].
        clearance: "mm" NotNegative,
        /// Width of the cartridge [m].
        width: "mm" Positive,
        /// Standard deviation of the sideways play of a needle [m].
        wobble: "mm" NotNegative,
        /// How far skin domes into the nose when it is pressed hard, for the lumped model [m]; else it is computed.
        dome: "mm" NotNegative,
    }
}

table! {
    /// A drum with needles that is rolled over the skin.
    Roller from WrittenRoller {
        /// Rows of needles side by side.
        rows: "1" Positive,
        /// Needles around the drum in a row.
        columns: "1" Positive,
        /// Radius of the drum without needles [m].
        radius: "mm" Positive,
        /// Width of the drum [m].
        width: "mm" Positive,
        /// Standard deviation of the sideways play of a needle [m].
        wobble: "mm" NotNegative,
        /// How far skin bulges between the needles when the drum is pressed hard, for the lumped model [m].
        dome: "mm" NotNegative,
    }
}

table! {
    /// A single needle in a hand.
    Hand from WrittenHand {
        /// Punctures per second [1/s].
        frequency: "Hz" Positive,
        /// Speed of the needle when it meets the skin [m/s].
        speed: "mm/s" Positive,
        /// Standard deviation of the sideways play of the needle [m].
        wobble: "mm" NotNegative,
    }
}

table! {
    /// A plate with needles that a hand or a spring presses on the skin.
    Plate from WrittenPlate {
        /// Needles on it.
        needles: "1" Positive,
        /// Its area [m²].
        area: "cm^2" Positive,
        /// Times per second it is pressed on [1/s].
        frequency: "Hz" Positive,
        /// Speed of the needles when they meet the skin [m/s].
        speed: "mm/s" Positive,
        /// Standard deviation of the sideways play of a needle [m].
        wobble: "mm" NotNegative,
    }
}

/// How the needles are moved.
#[derive(Debug, Clone)]
pub enum Drive {
    /// By a motor, many at once, while the pen glides.
    Pen(Box<Pen>, NeedleLayout),
    /// By rolling a drum.
    Roller(Box<Roller>),
    /// By hand, one at a time.
    Hand(Box<Hand>),
    /// On a plate, all at once.
    Plate(Box<Plate>),
}

/// How a needle is pointed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tip {
    /// A cone, as of solid pins.
    #[default]
    Cone,
    /// Cut by one plane, as hypodermic needles and lancets are.
    Bevel,
}

/// How needles stand in a cartridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedleLayout {
    /// Evenly over a disc.
    Disc,
    /// On a ring.
    Ring,
    /// On a square lattice.
    Square,
}

/// The dose of a session unless the scenario says otherwise.
#[derive(Debug, Clone)]
pub enum DefaultDose {
    /// Distinct holes per area [1/m²].
    Density(Sourced),
    /// Passes over each place.
    Passes(Sourced),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDevice {
    what: String,
    length: WrittenLengths,
    needle: WrittenNeedle,
    #[serde(default)]
    tip: Tip,
    layout: Option<Spanned<NeedleLayout>>,
    pen: Option<Spanned<WrittenPen>>,
    roller: Option<Spanned<WrittenRoller>>,
    hand: Option<Spanned<WrittenHand>>,
    plate: Option<Spanned<WrittenPlate>>,
    dose: Spanned<WrittenDose>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDose {
    density: Option<WrittenNumber>,
    passes: Option<WrittenNumber>,
}

impl Device {
    /// Reads a device file.
    ///
    /// # Errors
    /// The text is not TOML, a key is unknown or missing, a number lacks its source or has another unit or sign, the device
    /// has no drive or several, or its parts do not fit together.
    pub fn read(source: &Arc<Source>) -> Result<Self> {
        let written: WrittenDevice = read_toml(source)?;
        let length = written.length.check(source)?;
        let needle = written.needle.check(source)?;
        let drive = match (written.pen, written.roller, written.hand, written.plate) {
            (Some(pen), None, None, None) => {
                let layout = written.layout.map_or(NeedleLayout::Disc, Spanned::into_inner);
                Drive::Pen(Box::new(pen.into_inner().check(source)?), layout)
            }
            (None, Some(roller), None, None) => Drive::Roller(Box::new(roller.into_inner().check(source)?)),
            (None, None, Some(hand), None) => Drive::Hand(Box::new(hand.into_inner().check(source)?)),
            (None, None, None, Some(plate)) => Drive::Plate(Box::new(plate.into_inner().check(source)?)),
            (pen, roller, hand, plate) => {
                let places = [
                    pen.map(|one| one.span()),
                    roller.map(|one| one.span()),
                    hand.map(|one| one.span()),
                    plate.map(|one| one.span()),
                ];
                let at = places.into_iter().flatten().nth(1).unwrap_or(0..0);
                return Err(source
                    .refuse(at, "a device has exactly one drive")
                    .help("give one of the tables [pen], [roller], [hand] and [plate]"));
            }
        };
        let at = written.dose.span();
        let dose = match written.dose.into_inner() {
            WrittenDose { density: Some(one), passes: None } => {
                use super::number::{Sign, checked};
                DefaultDose::Density(checked(one, source, "1/cm^2", Sign::Positive)?)
            }
            WrittenDose { density: None, passes: Some(one) } => {
                use super::number::{Sign, checked};
                DefaultDose::Passes(checked(one, source, "1", Sign::Positive)?)
            }
            _ => return Err(source.refuse(at, "a dose is either [dose.density] or [dose.passes]")),
        };
        let device = Self {
            name: stem(source),
            what: written.what,
            length,
            tip: written.tip,
            needle,
            drive,
            dose,
            source: source.clone(),
        };
        device.fits()?;
        Ok(device)
    }

    /// Whether the parts fit together.
    fn fits(&self) -> Result<()> {
        let refuse = |number: &Sourced, message: String| Err(self.source.refuse(number.place.1.clone(), message));
        let none = crate::base::sourced::Traits::new();
        let (shortest, longest) = (self.length.shortest.of(&none)?, self.length.longest.of(&none)?);
        if shortest > longest {
            return refuse(&self.length.shortest, "the shortest length exceeds the longest".into());
        }
        if longest > 0.02 {
            return refuse(&self.length.longest, "needles longer than 20 mm are not for skin".into());
        }
        let (new, worn) = (self.needle.tip_radius.of(&none)?, self.needle.worn_radius.of(&none)?);
        if worn < new {
            return refuse(&self.needle.worn_radius, "a worn tip is not sharper than a new one".into());
        }
        if self.needle.diameter.of(&none)? < 2.0 * new {
            return refuse(&self.needle.diameter, "the shank is thinner than the tip".into());
        }
        if !(1e-3..1.5).contains(&self.needle.half_angle.of(&none)?) {
            return refuse(&self.needle.half_angle, "a half angle lies between 0.1 and 85 degrees".into());
        }
        let count = |number: &Sourced, most: f64| {
            let value = number.of(&none)?;
            if value.fract() == 0.0 && (1.0..=most).contains(&value) {
                return Ok(());
            }
            refuse(number, format!("this is a whole number between 1 and {most}"))
        };
        match &self.drive {
            Drive::Pen(pen, _) => {
                count(&pen.needles, 200.0)?;
                // With a stroke no longer than the length the needles would never leave the skin.
                if pen.stroke.of(&none)? < longest + pen.clearance.of(&none)? {
                    return refuse(&pen.stroke, "the stroke must exceed the longest length by the clearance".into());
                }
                Ok(())
            }
            Drive::Roller(roller) => {
                count(&roller.rows, 200.0)?;
                count(&roller.columns, 200.0)
            }
            Drive::Plate(plate) => count(&plate.needles, 1e5),
            Drive::Hand(_) => Ok(()),
        }
    }

    /// Whether needles of this length [m] can be set.
    ///
    /// # Errors
    /// The length lies outside what the device allows.
    pub fn allows(&self, length: f64) -> Result<()> {
        let none = crate::base::sourced::Traits::new();
        let (shortest, longest) = (self.length.shortest.of(&none)?, self.length.longest.of(&none)?);
        // Lengths come from decimal texts: a millionth of a millimetre is the same length.
        if length.is_finite() && length >= shortest - 1e-9 && length <= longest + 1e-9 {
            return Ok(());
        }
        let message = format!("needles of {} mm cannot be set on the {}", (length * 1e6).round() / 1e3, self.name);
        Err(crate::base::error::Error::input(message).help(format!(
            "it allows {} to {} mm",
            (shortest * 1e6).round() / 1e3,
            (longest * 1e6).round() / 1e3
        )))
    }

    /// Every number of the file with its dotted name.
    pub fn numbers(&self) -> Vec<(String, &Sourced)> {
        let mut all = self.length.numbers("length");
        all.extend(self.needle.numbers("needle"));
        all.extend(match &self.drive {
            Drive::Pen(pen, _) => pen.numbers("pen"),
            Drive::Roller(roller) => roller.numbers("roller"),
            Drive::Hand(hand) => hand.numbers("hand"),
            Drive::Plate(plate) => plate.numbers("plate"),
        });
        all.push(match &self.dose {
            DefaultDose::Density(density) => ("dose.density".into(), density),
            DefaultDose::Passes(passes) => ("dose.passes".into(), passes),
        });
        all
    }
}
