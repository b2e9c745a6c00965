//! Laws of one needle, with the constants of the run's mechanics, for observations of forces and of single needles.
//!
//! | function | meaning |
//! |---|---|
//! | `puncture_force(tip radius, speed)` | force at which a tip pierces |
//! | `shortest(support, tip radius, speed)` | shortest needle that pierces skin of this relaxed support |
//! | `depth_of(length, support, tip radius, speed)` | depth after one stroke |

use crate::error::{Error, Result};
use crate::needling::depth::{Ground, PunctureLaw, stiffness};
use crate::scenario::Plan;
use crate::sourced::Sourced;
use crate::units::{Quantity, Unit};

/// The names of the laws.
pub(super) const LAWS: [&str; 3] = ["puncture_force", "shortest", "depth_of"];

/// A law with the constants of a plan.
pub(super) struct Law {
    name: &'static str,
    needs: &'static [&'static str],
    gives: &'static str,
    puncture: PunctureLaw,
    slope: f64,
    open_share: f64,
    stiffening: f64,
    scale: f64,
}

/// The law of this name, if there is one.
pub(super) fn law(name: &str, plan: &Plan) -> Option<Result<Law>> {
    let (name, needs, gives): (_, &[&str], _) = match name {
        "puncture_force" => ("puncture_force", &["um", "m/s"], "N"),
        "shortest" => ("shortest", &["N/mm", "um", "m/s"], "mm"),
        "depth_of" => ("depth_of", &["mm", "N/mm", "um", "m/s"], "mm"),
        _ => return None,
    };
    Some(constants(plan).map(|law| Law { name, needs, gives, ..law }))
}

fn constants(plan: &Plan) -> Result<Law> {
    let protocol = plan.protocol.as_ref().ok_or_else(|| Error::input("nothing is needled in this run"))?;
    let mechanics = &protocol.mechanics;
    let of = |number: &Sourced| number.of(&plan.traits);
    let force = &mechanics.puncture;
    let puncture = PunctureLaw {
        base_force: of(&force.base_force)?,
        strength: of(&force.strength)?,
        slow_factor: of(&force.slow_factor)?,
        fast_factor: of(&force.fast_factor)?,
        transition_speed: of(&force.transition_speed)?,
        exponent: of(&force.exponent)?,
    };
    Ok(Law {
        name: "",
        needs: &[],
        gives: "1",
        puncture,
        slope: of(&mechanics.resistance.slope)?,
        open_share: 1.0 - of(&mechanics.resistance.tearing_share)?,
        stiffening: of(&mechanics.speed.stiffening)?,
        scale: of(&mechanics.speed.scale)?,
    })
}

impl Law {
    /// Its value for these arguments.
    pub fn of(&self, arguments: &[Quantity]) -> Result<Quantity> {
        if arguments.len() != self.needs.len() {
            let needs = self.needs.iter().map(|unit| format!("[{unit}]")).collect::<Vec<_>>().join(", ");
            return Err(Error::input(format!("`{}` takes {} arguments: {needs}", self.name, self.needs.len())));
        }
        let values =
            arguments.iter().zip(self.needs).map(|(own, unit)| own.expect(unit)).collect::<Result<Vec<_>>>()?;
        let ground = |support: f64, tip: f64, speed: f64| Ground {
            stiffness: stiffness(support, self.stiffening, self.scale, speed),
            slope: self.slope,
            open_share: self.open_share,
            force: self.puncture.force(tip, speed),
        };
        let value = match values[..] {
            [tip, speed] => self.puncture.force(tip, speed),
            [support, tip, speed] => ground(support, tip, speed).shortest(),
            [length, support, tip, speed] => ground(support, tip, speed).stroke(0.0, length, None),
            _ => f64::NAN,
        };
        let unit: Unit = self.gives.parse()?;
        Ok(Quantity { value, dimension: unit.dimension })
    }
}
