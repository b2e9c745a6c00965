//! Laws of one needle, with the constants of the run's mechanics, for observations of forces.
//!
//! | function | meaning |
//! |---|---|
//! | `puncture_force(tip radius, speed)` | force at which a tip pierces the tissue of the run |
//!
//! Depths are read of sessions, which meet the whole device: `needling(mean_depth)`.

use crate::base::error::{Error, Result};
use crate::base::units::{Quantity, Unit};
use crate::scenario::Plan;
use crate::skin::mechanics::puncture::PunctureLaw;
use crate::skin::needling::site::Skin;

/// The names of the laws.
pub(super) const LAWS: [&str; 1] = ["puncture_force"];

/// A law with the constants of a plan.
pub(super) struct NamedLaw(PunctureLaw);

/// The law of this name, if there is one.
pub(super) fn law(name: &str, plan: &Plan) -> Option<Result<NamedLaw>> {
    LAWS.contains(&name).then(|| {
        let (tissue, layers, traits) = (&*plan.tissue, &*plan.layers, &plan.traits);
        let mechanics = &plan.needled()?.mechanics;
        Skin { tissue, layers, traits, mechanics }.law().map(NamedLaw)
    })
}

impl NamedLaw {
    /// Its value for these arguments.
    pub fn of(&self, arguments: &[Quantity]) -> Result<Quantity> {
        let [tip, speed] = arguments else {
            return Err(Error::input("`puncture_force` takes 2 arguments: [um], [m/s]"));
        };
        let value = self.0.local(tip.expect("um")?, speed.expect("m/s")?);
        let unit: Unit = "N".parse()?;
        Ok(Quantity { value, dimension: unit.dimension })
    }
}
