//! One strike of a plan's device at the mean of the site, with what it does around itself: for a close look.

use serde::Serialize;

use super::session::{Deepening, SessionSetup};
use super::vessel::{CLASSES, STEP, ruptures};
use super::{Puncture, Subject};
use crate::base::error::{Error, Result};
use crate::skin::mechanics::cavity::stretch_at;
use crate::skin::mechanics::strike::StrikeMoment;
use crate::skin::protocol::{Protocol, Solver};

/// One strike. SI units.
#[derive(Debug, Clone, Serialize)]
pub struct Single {
    /// Set length of the needle.
    pub length: f64,
    /// Height of the dome of skin in the nose.
    pub dome: f64,
    /// How far the needle reaches beyond the undeformed surface.
    pub reach: f64,
    /// The largest force on the needle; `None` for a motor.
    pub limit: Option<f64>,
    /// Whether that force was met.
    pub limited: bool,
    /// Depth of the hole.
    pub depth: f64,
    /// Radius of the hole at the surface while the needle is in, and of its torn opening at rest.
    pub radius: [f64; 2],
    /// The moment at which the tip pierced; `None` if it did not.
    pub pierced: Option<StrikeMoment>,
    /// Largest force on the needle.
    pub peak_force: f64,
    /// Largest pull on the needle on its way out.
    pub peak_pull: f64,
    /// Tearing, spreading and friction at the deepest, where the needle still cuts.
    pub parts: [f64; 3],
    /// From touching to leaving.
    pub moments: Vec<StrikeMoment>,
    /// Layer by layer.
    pub layers: Vec<PassedLayer>,
    /// Maps around the channel.
    pub maps: Vec<Map>,
}

/// A layer as the strike passed it.
#[derive(Debug, Clone, Serialize)]
pub struct PassedLayer {
    /// Its name.
    pub name: String,
    /// Depth of its upper boundary.
    pub top: f64,
    /// Depth of its lower boundary.
    pub bottom: f64,
    /// Length of channel in it.
    pub path: f64,
    /// Radius of the needle in its middle at the deepest.
    pub radius: f64,
    /// Largest strain in it just before the tip pierces, 0.1 mm and more from the axis.
    pub strain: f64,
    /// Ruptures expected in it, by class of vessels.
    pub ruptures: [f64; CLASSES],
}

/// A quantity by radius and depth.
#[derive(Debug, Clone, Serialize)]
pub struct Map {
    /// What it is.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Faces along the radius.
    pub radii: Vec<f64>,
    /// Faces in depth.
    pub depths: Vec<f64>,
    /// Values, `[depth][radius]`; not a number inside the needle.
    pub values: Vec<Vec<f64>>,
}

/// Width of the maps [m], and their finest cell.
const WIDTH: f64 = 0.6e-3;
const CELL: f64 = 1e-5;

/// A strike of the protocol's device on new skin, the needle, the hand and the place all at their means, on the grid.
///
/// # Errors
/// The protocol asks for the lumped model, which knows no strike; else as [`treat`](super::treat).
pub fn single(asked: &Protocol, subject: &Subject<'_>) -> Result<Single> {
    if asked.solver == Solver::Lumped {
        return Err(Error::input("the lumped model knows no course of a strike")
            .help("leave `needling.mechanics` out, or set it to \"grid\""));
    }
    let protocol = Protocol { solver: Solver::Grid, ..asked.clone() };
    let numbers = SessionSetup::of(subject, &protocol)?;
    let Deepening::Grid(site, ground) = &numbers.way else {
        return Err(Error::simulation("a strike needs the grid"));
    };
    let dome = numbers.dome.height(numbers.press);
    let reach = numbers.length + dome;
    let limit = numbers.limited.then_some(numbers.press / numbers.bearing);
    let place = crate::skin::mechanics::surrogate::PlaceVariation { limit, ..site.mean() };
    let strike = site.strike(place, reach, 0.0, true);
    let puncture = Puncture {
        depth: strike.depth,
        needle: numbers.needle,
        wall_stretch: numbers.wall_stretch,
        reach,
        ..super::empty()
    };

    // The dent just before the tip pierces, or at the turning point if it never does.
    let pressed = ground.pressed()?;
    let dented = strike.pierced.unwrap_or(
        strike
            .moments
            .iter()
            .copied()
            .fold(StrikeMoment::default(), |most, one| if one.deflection > most.deflection { one } else { most }),
    );
    let dent = ground.dent(dented.deflection.max(1e-5), dented.time.max(1e-6), pressed.as_ref(), false)?;
    let body = &dent.elastic.body;
    let strain = |i: usize, k: usize| dent.elastic.strain(&dent.moved, i, k).largest();

    let mut profile = Vec::new();
    ruptures(&numbers.beds, numbers.rupture, numbers.strength, &puncture, numbers.skin, &mut profile);
    let layers = subject
        .layers
        .iter()
        .map(|layer| {
            let rows = (0..body.rows()).filter(|k| (layer.top..layer.bottom).contains(&body.depth(*k)));
            let cells = rows.flat_map(|k| (0..body.rings()).map(move |i| (i, k)));
            let outside = cells.filter(|(i, _)| body.middle(*i) > 1e-4);
            let within = |depth: f64| (layer.top..layer.bottom).contains(&depth);
            let slices = profile.iter().enumerate().filter(|(slice, _)| within((*slice as f64 + 0.5) * STEP));
            let mut expected = [0.0; CLASSES];
            for (_, slice) in slices {
                for (sum, own) in expected.iter_mut().zip(slice) {
                    *sum += own;
                }
            }
            PassedLayer {
                name: layer.name.clone(),
                top: layer.top,
                bottom: layer.bottom,
                path: (strike.depth.min(layer.bottom) - layer.top).max(0.0),
                radius: puncture.radius_at(0.5 * (layer.top + layer.bottom)),
                strain: outside.map(|(i, k)| strain(i, k)).fold(0.0, f64::max),
                ruptures: expected,
            }
        })
        .collect();

    // Maps: the dent on its own grid, what surrounds the needle on an even one.
    let deepest = (1.25 * strike.depth).max(0.4e-3);
    let rings = body.radii.iter().position(|face| *face >= WIDTH).unwrap_or(body.rings());
    let rows = body.depths.iter().position(|face| *face >= deepest).unwrap_or(body.rows());
    let dent_map = Map {
        name: "largest strain just before it pierces".into(),
        unit: "1".into(),
        radii: body.radii[..=rings].to_vec(),
        depths: body.depths[..=rows].to_vec(),
        values: (0..rows).map(|k| (0..rings).map(|i| strain(i, k)).collect()).collect(),
    };
    let even = |size: f64| (0..=(size / CELL).round() as usize).map(|i| i as f64 * CELL).collect::<Vec<f64>>();
    let on_even = |name: &str, unit: &str, value: &dyn Fn(f64, f64) -> f64| {
        let (radii, depths) = (even(WIDTH), even(deepest));
        let middles = |faces: &[f64]| faces.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect::<Vec<f64>>();
        let (across, down) = (middles(&radii), middles(&depths));
        let values = down.iter().map(|z| across.iter().map(|r| value(*r, *z)).collect()).collect();
        Map { name: name.into(), unit: unit.into(), radii, depths, values }
    };
    let stretch = |r: f64, z: f64| {
        let needle = puncture.radius_at(z);
        if needle <= 0.0 { 1.0 } else { stretch_at(needle, needle / puncture.wall_stretch, r.max(needle)) }
    };
    let maps = vec![
        dent_map,
        on_even("hoop strain when it stands deepest", "1", &|r, z| {
            if r < puncture.radius_at(z) { f64::NAN } else { stretch(r, z) - 1.0 }
        }),
        on_even("ruptures expected", "1/mm^3", &|r, z| {
            let needle = puncture.radius_at(z);
            if needle <= 0.0 || z < numbers.skin.epidermis {
                return 0.0;
            }
            let sum: f64 = (numbers.beds.iter())
                .map(|bed| {
                    let wide = needle + 0.5 * bed.diameter;
                    if r < wide {
                        // Spread over what the needle and half a vessel cover.
                        let met = bed.met(z, 2.0 * needle, numbers.skin);
                        return numbers.rupture * met / (std::f64::consts::PI * wide * wide);
                    }
                    let near = r - 0.5 * bed.diameter;
                    bed.crowd(z, near, numbers.skin) * numbers.strength.tears(stretch(near, z))
                })
                .sum();
            sum * 1e-9
        }),
    ];
    let forces = || strike.moments.iter().map(|moment| moment.force);
    Ok(Single {
        length: numbers.length,
        dome,
        reach,
        limit,
        limited: strike.limited,
        depth: strike.depth,
        radius: [puncture.radius_at(0.0), puncture.radius_at(0.0) / puncture.wall_stretch],
        pierced: strike.pierced,
        peak_force: forces().fold(0.0, f64::max),
        peak_pull: forces().fold(0.0, f64::min).abs(),
        parts: site.channel.parts(strike.depth),
        moments: strike.moments,
        layers,
        maps,
    })
}
