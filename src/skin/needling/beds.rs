//! The vessels of a tissue for one person, as needles meet them.

use super::Subject;
use super::vessel::{self, Bed, CLASSES, VesselPlace};
use crate::base::error::Result;
use crate::base::sourced::{Sourced, Traits};
use crate::skin::catalogue::aged;
use crate::skin::protocol::Protocol;

/// The vessels for one person.
pub(super) fn beds(subject: &Subject<'_>, protocol: &Protocol, traits: &Traits) -> Result<[Bed; CLASSES]> {
    let of = |number: &Sourced| number.of(traits);
    let shedding = &protocol.mechanics.shedding;
    let (viscosity, clotting) = (of(&shedding.viscosity)?, of(&shedding.clotting)?);
    let constants = &protocol.mechanics.bleeding;
    let Some(vessels) = &subject.tissue.vessels else {
        let none = Bed { place: VesselPlace::Through(0.0, 0.0, 1.0), diameter: 0.0, shed: 0.0, retained: 0.0 };
        return Ok([none; CLASSES]);
    };
    let (loops_by_age, plexus_by_age) = match &subject.tissue.ageing {
        None => (1.0, 1.0),
        Some(ageing) => {
            let from = of(&ageing.vessel_age)?;
            (aged(of(&ageing.loops)?, subject.age, from), aged(of(&ageing.plexus)?, subject.age, from))
        }
    };
    let bed = |class: usize, place: VesselPlace, diameter: f64| -> Result<Bed> {
        let own = &constants[class];
        let flow = vessel::flow(diameter, of(&own.pressure)?, of(&own.feeding)?, viscosity);
        Ok(Bed { place, diameter, shed: vessel::shed(flow, clotting), retained: of(&own.retained)? })
    };
    let loops = &vessels.capillary_loops;
    let (width, height) = (of(&loops.width)?, of(&loops.height)?);
    let shallow = &vessels.superficial_plexus;
    let (middle, deep) = (&vessels.mid_dermis, &vessels.deep_plexus);
    let crossing = |class: usize| of(&constants[class].crossing);
    Ok([
        bed(0, VesselPlace::Loops(of(&loops.density)? * loops_by_age, width, height), of(&loops.diameter)?)?,
        bed(
            1,
            VesselPlace::Around(
                crossing(1)? * of(&shallow.density)? * plexus_by_age,
                of(&shallow.depth)?,
                of(&shallow.spread)?,
            ),
            of(&shallow.diameter)?,
        )?,
        bed(2, VesselPlace::Through(of(&middle.density)?, height, crossing(2)?), of(&middle.diameter)?)?,
        bed(
            3,
            VesselPlace::Below(crossing(3)? * of(&deep.density)?, of(&deep.depth)?, of(&deep.spread)?),
            of(&deep.diameter)?,
        )?,
    ])
}
