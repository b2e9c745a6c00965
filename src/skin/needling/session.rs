//! The numbers of one session: what the plan says of device, hand and skin, decided and in SI units.

use std::sync::Arc;

use super::beds::beds;
use super::depth::{self, LumpedGround, PunctureLaw};
use super::drive;
use super::driven::{Driven, Pace, above_zero, driven};
use super::place::{Printer, StrokeAmount};
use super::site::{GRID, Seated, Skin, TABLE};
use super::vessel::{Bed, CLASSES, SkinDepths, Strength};
use crate::base::error::{Error, Result};
use crate::skin::catalogue::{DefaultDose, Mechanics};
use crate::skin::mechanics::channel::NeedleShape;
use crate::skin::mechanics::ground;
use crate::skin::mechanics::surrogate::{PlaceVariation, Site, Surrogate};
use crate::skin::protocol::{Dose, Protocol, Solver};

use super::Subject;
use crate::base::sourced::{Sourced, Traits};

/// The numbers of one session. SI units.
#[derive(Debug, Clone)]
pub(super) struct SessionSetup {
    pub length: f64,
    pub tolerance: f64,
    pub wobble: f64,
    pub needle: NeedleShape,
    pub tip_variation: f64,
    /// How a stroke deepens a hole.
    pub way: Deepening,
    /// Coefficients of variation between places of what holds the skin and of what resists the needle.
    pub place_variation: [f64; 2],
    pub speed: f64,
    pub frequency: f64,
    pub glide: f64,
    pub press: f64,
    pub force_variation: f64,
    pub tilt: f64,
    pub dome: Doming,
    /// Whether the force is shared by the needles engaged, as with hand-driven tools; a motor is not limited.
    pub limited: bool,
    /// Needles that share the force of the hand, as deep as the deepest.
    pub bearing: f64,
    /// Whether a tilt lifts one side of the device.
    pub lifts: bool,
    /// Cut along the way of the device in each stroke.
    pub drag: f64,
    pub slit: f64,
    /// How far skin follows a needle sideways before it is cut [m].
    pub give: f64,
    pub printer: Printer,
    pub amount: StrokeAmount,
    /// Share of the time in contact.
    pub contact: f64,
    /// Strokes per second while in contact; for rollers, treated area per second.
    pub pace: Pace,
    pub merging: f64,
    pub skin: SkinDepths,
    /// Coefficients of variation of epidermis and dermis between places.
    pub skin_variation: [f64; 2],
    pub beds: [Bed; CLASSES],
    pub rupture: f64,
    pub strength: Strength,
    /// Stretch of the tissue at the wall of a channel.
    pub wall_stretch: f64,
    pub bead: f64,
    pub gate: f64,
    pub area: f64,
    pub pain: f64,
    pub notes: Vec<String>,
}

/// How a stroke deepens a hole.
#[derive(Debug, Clone)]
pub(super) enum Deepening {
    /// By a spring and a cutting needle: the mean ground, and the law of puncture.
    Lumped(LumpedGround, PunctureLaw),
    /// By a table of strikes.
    Table(Arc<Surrogate>),
    /// By strikes integrated in time.
    Grid(Box<Site>, Box<ground::Ground>),
}

/// How high skin domes into the nose of a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Doming {
    /// By its greatest height and the force that makes it, assumed.
    Assumed([f64; 2]),
    /// Computed: height [m] at a force [N], and the power of the force by which it grows.
    Computed { height: f64, force: f64, power: f64 },
}

impl Doming {
    /// Height [m] under a force [N].
    pub fn height(&self, press: f64) -> f64 {
        match *self {
            Self::Assumed([highest, scale]) => depth::dome(highest, press, scale),
            Self::Computed { height, force, power } if force > 0.0 => height * (press / force).powf(power),
            Self::Computed { .. } => 0.0,
        }
    }
}

impl Deepening {
    /// Depth [m] of a hole after a stroke.
    pub fn stroke(&self, place: PlaceVariation, hole: f64, reach: f64, speed: f64) -> f64 {
        match self {
            Self::Lumped(mean, law) => {
                let ground = LumpedGround {
                    stiffness: mean.stiffness * place.firmness,
                    slope: mean.slope * place.resistance,
                    force: law.force(place.tip_radius, speed),
                    ..*mean
                };
                ground.stroke(hole, reach, place.limit)
            }
            Self::Table(table) => table.depth(place, reach, hole),
            Self::Grid(site, _) => site.strike(place, reach, hole, false).depth,
        }
    }

    /// How far depths from a table may lie from strikes integrated in time on the finer grid [m].
    pub fn error(&self) -> f64 {
        if let Self::Table(table) = self { table.error } else { 0.0 }
    }

    /// Secant stiffness of the mean support at a tenth of a millimetre, pushed in slowly, over a second [N/m].
    pub fn stiffness(&self) -> f64 {
        match self {
            Self::Lumped(mean, _) => mean.stiffness,
            Self::Table(table) => table.site().support.stiffness(1e-4, 1.0),
            Self::Grid(site, _) => site.support.stiffness(1e-4, 1.0),
        }
    }
}

/// The spread of a number relative to its value.
fn variation(number: &Sourced, traits: &Traits) -> Result<f64> {
    let value = number.of(traits)?;
    Ok(if value > 0.0 { number.sd.unwrap_or(0.0) / value } else { 0.0 })
}

/// The dose as an amount of strokes.
fn amount(protocol: &Protocol, driven: &Driven, traits: &Traits) -> Result<StrokeAmount> {
    let from_passes = |passes: f64| StrokeAmount::Passes(passes * driven.contact);
    let dose = match protocol.dose {
        Dose::Device => match &protocol.device.dose {
            DefaultDose::Density(density) => Dose::Density(density.of(traits)?),
            DefaultDose::Passes(passes) => Dose::Passes(passes.of(traits)?),
        },
        given => given,
    };
    Ok(match dose {
        Dose::Density(density) => StrokeAmount::Holes(above_zero(density, "density of holes")?),
        Dose::Passes(passes) => from_passes(above_zero(passes, "number of passes")?),
        Dose::Coverage(time) => {
            let time = above_zero(time, "time per area")?;
            match driven.pace {
                Pace::Area(pace) => StrokeAmount::Passes(time * pace),
                Pace::Strokes(pace) => {
                    StrokeAmount::Passes(time * pace * driven.contact / driven.printer.strokes_per_pass())
                }
            }
        }
        Dose::Device => return Err(Error::input("the device states no dose")),
    })
}

/// Stretch of the dermis at the wall of a channel: that at which it tears.
fn wall_stretch(mechanics: &Mechanics, traits: &Traits) -> Result<f64> {
    let dermis = mechanics.material.get("dermis");
    dermis.map_or(Err(Error::input(format!("`{}` knows no material `dermis`", mechanics.name))), |dermis| {
        dermis.failure.of(traits)
    })
}

/// How strokes deepen holes, how skin domes into the device, and how many needles share the force of the hand.
fn way(
    subject: &Subject<'_>,
    protocol: &Protocol,
    traits: &Traits,
    driven: &Driven,
    needle: NeedleShape,
) -> Result<(Deepening, Doming, f64)> {
    let of = |number: &Sourced| number.of(traits);
    let mechanics = &protocol.mechanics;
    if protocol.solver == Solver::Lumped {
        let (puncture, crowding, resistance) = (&mechanics.puncture, &mechanics.crowding, &mechanics.resistance);
        let law = PunctureLaw {
            base_force: of(&puncture.base_force)?,
            strength: of(&puncture.strength)?,
            slow_factor: of(&puncture.slow_factor)?,
            fast_factor: of(&puncture.fast_factor)?,
            transition_speed: of(&puncture.transition_speed)?,
            exponent: of(&puncture.exponent)?,
        };
        let relaxed = subject.tissue.support.as_ref().map_or(Ok(0.0), |support| of(&support.stiffness))?;
        let crowded = depth::crowded(relaxed, driven.pitch, of(&crowding.at_pitch)?, of(&crowding.exponent)?);
        let (stiffening, scale) = (of(&mechanics.speed.stiffening)?, of(&mechanics.speed.scale)?);
        let ground = LumpedGround {
            stiffness: depth::stiffness(crowded, stiffening, scale, driven.speed),
            slope: of(&resistance.slope)? * 2.0 * needle.shank_radius / of(&resistance.at_diameter)?,
            open_share: 1.0 - of(&resistance.tearing_share)?,
            force: 0.0,
        };
        let dome = Doming::Assumed([driven.dome, of(&mechanics.dome.force)?]);
        return Ok((Deepening::Lumped(ground, law), dome, driven.engaged));
    }
    let skin = Skin { tissue: subject.tissue, layers: subject.layers, traits, mechanics };
    let fine = if protocol.solver == Solver::Grid { GRID } else { TABLE };
    // The longest reach: the needle, a dome, and what tolerance, tilt and press add at most.
    let longest = protocol.length + ROOM + 4.0 * of(&protocol.device.length.tolerance)?;
    let Seated { ground, site, bearing } = match driven.held {
        Some(held) => skin.seated(held, needle, driven.motion, protocol.length, longest, fine)?,
        None => {
            let ground = skin.ground(driven.surroundings.clone(), longest, fine)?;
            let site = skin.site(&ground, needle, driven.motion, longest)?;
            Seated { ground, site, bearing: driven.engaged }
        }
    };
    let dome = match driven.surroundings.nose {
        None => Doming::Computed { height: 0.0, force: 0.0, power: 1.0 },
        Some(nose) => {
            let [height, lower] = site.support.dome;
            let power = if lower > 0.0 && height > lower { (height / lower).log2().clamp(0.1, 2.0) } else { 1.0 };
            Doming::Computed { height, force: nose.force, power }
        }
    };
    let way = match protocol.solver {
        Solver::Grid => Deepening::Grid(Box::new(site), Box::new(ground)),
        _ => {
            let coarser = skin.coarser(&ground, &site, longest)?;
            Deepening::Table(Surrogate::of(site, Some(coarser), longest))
        }
    };
    Ok((way, dome, bearing))
}

/// Room for domes and tilts in tables of reach [m].
const ROOM: f64 = 0.8e-3;

impl SessionSetup {
    /// The numbers of a session by this protocol.
    ///
    /// # Errors
    /// The device does not allow the length, the tissue cannot be needled, or a number is out of range.
    pub fn of(subject: &Subject<'_>, protocol: &Protocol) -> Result<Self> {
        protocol.device.allows(protocol.length)?;
        let traits = subject.tissue.traits(subject.traits);
        let of = |number: &Sourced| number.of(&traits);
        let support = subject.tissue.support.as_ref().ok_or_else(|| {
            Error::input(format!("the tissue `{}` cannot be needled: it has no [support]", subject.tissue.name))
        })?;
        let (mechanics, needle) = (&protocol.mechanics, &protocol.device.needle);
        let mut notes = Vec::new();
        let driven = driven(protocol, &traits, &mut notes)?;
        let amount = amount(protocol, &driven, &traits)?;
        let diameter = of(&needle.diameter)?;
        let treatments = protocol.wear.map_or_else(|| of(&needle.earlier_treatments), Ok)?;
        if !(treatments.is_finite() && treatments >= 0.0) {
            return Err(Error::input("the number of earlier treatments cannot be negative"));
        }
        let tip_radius =
            depth::worn(of(&needle.tip_radius)?, of(&needle.worn_radius)?, treatments, of(&needle.wear_treatments)?);
        let half_angle = of(&needle.half_angle)?;
        let tip = NeedleShape { tip: protocol.device.tip, tip_radius, half_angle, shank_radius: 0.5 * diameter };
        let (way, dome, bearing) = way(subject, protocol, &traits, &driven, tip)?;
        let bottom = |group: &str| {
            let inside = subject.layers.iter().filter(|layer| layer.groups.iter().any(|own| own == group));
            inside.map(|layer| layer.bottom).fold(0.0, f64::max)
        };
        let epidermis = bottom("epidermis");
        let skin = SkinDepths { epidermis, dermis: bottom("dermis").max(epidermis) };
        let share = |group: &str, share: &Sourced| -> Result<f64> {
            Ok(of(share)?.sqrt() * subject.tissue.spread(group, subject.traits)?)
        };
        let pain = &mechanics.pain;
        let (tested, longest) = (of(&pain.length)?, of(&pain.longest)?);
        if !(tested..=longest).contains(&protocol.length) {
            notes.push("pain was measured between 0.48 and 1.45 mm; this length extrapolates".into());
        }
        let area = above_zero(protocol.area.map_or_else(|| of(&support.area), Ok)?, "treated area")?;
        Ok(Self {
            length: protocol.length,
            tolerance: of(&protocol.device.length.tolerance)?,
            wobble: driven.wobble,
            needle: tip,
            tip_variation: variation(&needle.tip_radius, &traits)?,
            way,
            place_variation: [
                variation(&support.stiffness, &traits)?,
                variation(&mechanics.resistance.slope, &traits)?,
            ],
            speed: driven.speed,
            frequency: driven.frequency,
            glide: driven.glide,
            press: driven.press,
            force_variation: of(&protocol.operator.hands.force_variation)?,
            tilt: of(&protocol.operator.hands.tilt)?,
            dome,
            limited: driven.limited,
            bearing,
            lifts: matches!(driven.printer, Printer::Gliding { .. }),
            drag: driven.drag,
            slit: of(&mechanics.drag.slit)?,
            give: of(&mechanics.drag.give)? * diameter,
            amount,
            contact: driven.contact,
            pace: driven.pace,
            merging: of(&mechanics.merging.radius)?,
            skin,
            skin_variation: [
                share("epidermis", &mechanics.variation.epidermis)?,
                share("dermis", &mechanics.variation.dermis)?,
            ],
            beds: beds(subject, protocol, &traits)?,
            rupture: of(&mechanics.shedding.rupture)?,
            strength: Strength {
                stretch: of(&mechanics.shedding.stretch)?,
                spread: mechanics.shedding.stretch.sd.unwrap_or(0.0),
                parting: of(&mechanics.drag.parting)?,
            },
            wall_stretch: wall_stretch(mechanics, &traits)?,
            bead: of(&mechanics.shedding.bead)?,
            gate: of(&mechanics.shedding.gate)?,
            area,
            pain: drive::pain(
                of(&pain.reference)?,
                protocol.length / tested,
                of(&pain.length_exponent)?,
                driven.engaged,
                of(&pain.number_exponent)?,
            ),
            printer: driven.printer,
            notes,
        })
    }
}
