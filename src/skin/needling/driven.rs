//! What a device and a hand decide: how needles move, where they stand, what force is on them.

use std::f64::consts::PI;

use super::drive;
use super::place::{Printer, cartridge};
use super::site::Held;
use crate::base::error::{Error, Result};
use crate::base::sourced::{Sourced, Traits};
use crate::skin::catalogue::Drive;
use crate::skin::mechanics::ground::{Nose, Surroundings};
use crate::skin::mechanics::strike::Motion;
use crate::skin::protocol::Protocol;

/// What the time of a session goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pace {
    /// Strokes per second.
    Strokes(f64),
    /// Area passed per second [m²/s].
    Area(f64),
}

/// What the drive decides.
pub(super) struct Driven {
    pub speed: f64,
    pub frequency: f64,
    pub glide: f64,
    pub press: f64,
    pub wobble: f64,
    pub dome: f64,
    pub limited: bool,
    pub engaged: f64,
    pub pitch: f64,
    pub drag: f64,
    pub contact: f64,
    pub pace: Pace,
    pub printer: Printer,
    pub motion: Motion,
    pub surroundings: Surroundings,
    /// A drum, if there is one.
    pub held: Option<Held>,
}

/// A number of the scenario that must be above zero and finite.
pub(super) fn above_zero(value: f64, what: &str) -> Result<f64> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(Error::input(format!("the {what} must be above zero")))
}

/// Distances between needles [m], each with the needles that stand there, on average over all.
fn apart(needles: &[[f64; 2]]) -> Vec<(f64, f64)> {
    let share = 1.0 / needles.len() as f64;
    let pairs = needles.iter().enumerate().flat_map(|(i, a)| needles[i + 1..].iter().map(move |b| (a, b)));
    pairs.map(|(a, b)| ((a[0] - b[0]).hypot(a[1] - b[1]), 2.0 * share)).collect()
}

pub(super) fn driven(protocol: &Protocol, traits: &Traits, notes: &mut Vec<String>) -> Result<Driven> {
    let of = |number: &Sourced| number.of(traits);
    let (operator, length) = (&protocol.operator, protocol.length);
    let press = |own: &Sourced| match protocol.press {
        Some(press) if press.is_finite() && press >= 0.0 => Ok(press),
        Some(_) => Err(Error::input("the press force cannot be negative")),
        None => own.of(traits),
    };
    let frequency = |own: &Sourced, notes: &mut Vec<String>| {
        let Some(given) = protocol.frequency else { return own.of(traits) };
        let given = above_zero(given, "frequency")?;
        if given > 1e4 {
            return Err(Error::input("no device strokes more than 10 kHz"));
        }
        if let Some([low, high]) = own.range
            && !(low..=high).contains(&given)
        {
            notes.push(format!("{given:.0} Hz is outside the {low:.0} to {high:.0} Hz known of this device"));
        }
        Ok(given)
    };
    let glide = |own: &Sourced| above_zero(protocol.glide.map_or_else(|| own.of(traits), Ok)?, "glide speed");
    match &protocol.device.drive {
        Drive::Pen(pen, layout) => {
            let (frequency, glide) = (frequency(&pen.frequency, notes)?, glide(&operator.glide.pen)?);
            let (stroke, width, needles) = (of(&pen.stroke)?, of(&pen.width)?, of(&pen.needles)?);
            let contact = of(&operator.hands.contact)?;
            let track = width * (1.0 - of(&operator.hands.overlap)?);
            let wander = of(&operator.hands.wander)?;
            let needles_at = cartridge(*layout, needles as usize, width);
            let touch = &protocol.mechanics.touch;
            let opening = 0.5 * width + of(&touch.nose_gap)?;
            let force = press(&operator.press.pen)?;
            let (breadth, time) = (of(&touch.nose_breadth)?, of(&touch.nose_time)?);
            let nose = (force > 0.0).then_some(Nose { radius: opening, breadth, force, time });
            let surroundings =
                Surroundings { neighbours: apart(&needles_at), held: Some(opening), nose, ..Surroundings::default() };
            Ok(Driven {
                motion: Motion::Cam { frequency, stroke },
                surroundings,
                held: None,
                speed: drive::pen_speed(frequency, stroke, length),
                frequency,
                glide,
                press: force,
                wobble: of(&pen.wobble)?,
                dome: of(&pen.dome)?,
                limited: false,
                engaged: needles,
                pitch: 0.5 * width * (PI / needles).sqrt(),
                drag: glide * drive::pen_contact(frequency, stroke, length),
                contact,
                pace: Pace::Strokes(drive::punctures_per_second(needles, frequency)),
                printer: Printer::Gliding { needles: needles_at, advance: glide / frequency, track, wander },
            })
        }
        Drive::Roller(roller) => {
            if protocol.frequency.is_some() {
                return Err(Error::input("a roller has no frequency").help("its speed is `glide`"));
            }
            let glide = glide(&operator.glide.roller)?;
            let (radius, width) = (of(&roller.radius)?, of(&roller.width)?);
            let (rows, columns) = (of(&roller.rows)?, of(&roller.columns)?);
            let pitch = [2.0 * PI * radius / columns, width / rows];
            let share = of(&protocol.mechanics.drag.roller_share)?;
            let press = press(&operator.press.roller)?;
            Ok(Driven {
                motion: Motion::Arc { radius, glide },
                surroundings: Surroundings::default(),
                held: Some(Held::drum(radius, width, rows * columns, press)),
                speed: drive::roller_speed(radius, length, glide),
                frequency: glide / pitch[0],
                glide,
                press,
                wobble: of(&roller.wobble)?,
                dome: of(&roller.dome)?,
                limited: true,
                engaged: drive::roller_engaged(rows, columns, radius, length),
                pitch: (pitch[0] * pitch[1]).sqrt(),
                drag: share * drive::roller_sweep(radius, length),
                contact: 1.0,
                pace: Pace::Area(glide * width),
                printer: Printer::Rolling { pitch },
            })
        }
        Drive::Plate(plate) => {
            let frequency = frequency(&plate.frequency, notes)?;
            let (needles, area) = (of(&plate.needles)?, of(&plate.area)?);
            let press = press(&operator.press.hand)?;
            let pitch = (area / needles).sqrt();
            Ok(Driven {
                motion: Motion::Push { speed: of(&plate.speed)? },
                surroundings: Surroundings::default(),
                held: Some(Held::plate(area, needles, press)),
                speed: of(&plate.speed)?,
                frequency,
                glide: 0.0,
                press,
                wobble: of(&plate.wobble)?,
                dome: 0.0,
                limited: true,
                engaged: needles,
                pitch,
                drag: 0.0,
                contact: 1.0,
                pace: Pace::Area(frequency * area),
                printer: Printer::Rolling { pitch: [pitch; 2] },
            })
        }
        Drive::Hand(hand) => {
            let frequency = frequency(&hand.frequency, notes)?;
            Ok(Driven {
                motion: Motion::Push { speed: of(&hand.speed)? },
                surroundings: Surroundings::default(),
                held: None,
                speed: of(&hand.speed)?,
                frequency,
                glide: 0.0,
                press: press(&operator.press.hand)?,
                wobble: of(&hand.wobble)?,
                dome: 0.0,
                limited: true,
                engaged: 1.0,
                pitch: of(&protocol.mechanics.crowding.at_pitch)?,
                drag: 0.0,
                contact: 1.0,
                pace: Pace::Strokes(frequency),
                printer: Printer::Single,
            })
        }
    }
}
