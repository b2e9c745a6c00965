//! A place of the skin as the mechanics of needles see it: layers with their stuff, what lies behind, what a device adds.

use std::f64::consts::PI;

use crate::base::error::{Error, Result, suggestion};
use crate::base::sourced::Traits;
use crate::engine::grid::Layer;
use crate::skin::catalogue::{Mechanics, Tissue};
use crate::skin::mechanics::cavity::HyperelasticLaw;
use crate::skin::mechanics::channel::{Channel, NeedleShape, Wall};
use crate::skin::mechanics::ground::{Drum, Ground, Ply, PlyMaterial, Surroundings, Times};
use crate::skin::mechanics::puncture::PunctureLaw;
use crate::skin::mechanics::strike::{Motion, Strike};
use crate::skin::mechanics::surrogate::{Coarser, Site};

/// Cells of the grid relative to the usual one, for tables and for the grid itself.
pub const TABLE: f64 = 0.7;
/// As [`TABLE`].
pub const GRID: f64 = 1.2;
/// As [`TABLE`], for the error of tables.
const COARSE: f64 = 0.5;

/// What is needled, and with which constants.
#[derive(Debug, Clone, Copy)]
pub struct Skin<'a> {
    /// The tissue.
    pub tissue: &'a Tissue,
    /// Its layers for a person.
    pub layers: &'a [Layer],
    /// The person, with the traits of the tissue.
    pub traits: &'a Traits,
    /// The constants.
    pub mechanics: &'a Mechanics,
}

/// Needles on a drum or a plate that a hand presses on the skin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// Radius of the drum [m]; infinite for a plate.
    pub radius: f64,
    /// Width of the drum [m]; unused for a plate.
    pub width: f64,
    /// Radius of a disc as large as the largest patch of skin that it can touch [m].
    pub reach: f64,
    /// All of its needles.
    pub needles: f64,
    /// Surface of drum or plate that belongs to one needle [m²].
    pub share: f64,
    /// Force of the hand [N].
    pub press: f64,
}

impl Held {
    /// A drum of a radius and width [m] with rows of needles around it, pressed with a force [N].
    pub fn drum(radius: f64, width: f64, needles: f64, press: f64) -> Self {
        // It touches no further than half its radius up.
        let reach = (2.0 * width * radius / PI).sqrt();
        Self { radius, width, reach, needles, share: 2.0 * PI * radius * width / needles, press }
    }

    /// A plate of an area [m²] with needles on it, pressed with a force [N].
    pub fn plate(area: f64, needles: f64, press: f64) -> Self {
        Self { radius: f64::INFINITY, width: 1.0, reach: (area / PI).sqrt(), needles, share: area / needles, press }
    }

    /// How many needles as deep as the deepest carry what all carry at one moment, by the course of one of them.
    ///
    /// The needles of a drum are at every stage of their way in and out at once: their sum is N/2π ∫ F dφ.
    fn bearing(&self, motion: Motion, strike: &Strike) -> f64 {
        let Motion::Arc { radius, glide } = motion else { return self.needles };
        let course = strike.moments.windows(2);
        let sum: f64 = course.map(|pair| 0.5 * (pair[0].force + pair[1].force) * (pair[1].time - pair[0].time)).sum();
        let peak = strike.moments.iter().map(|moment| moment.force).fold(0.0, f64::max);
        if peak > 0.0 { (self.needles * glide / (2.0 * PI * radius) * sum / peak).max(1.0) } else { 1.0 }
    }
}

/// Needles on a drum or plate in skin.
#[derive(Debug, Clone)]
pub struct Seated {
    /// What was asked of the grid.
    pub ground: Ground,
    /// The mean place.
    pub site: Site,
    /// Needles as deep as the deepest that share the force of the hand, with all in to their base.
    pub bearing: f64,
}

impl Skin<'_> {
    fn times(&self) -> Result<Times> {
        let fading = &self.mechanics.fading;
        Ok(Times {
            shortest: fading.shortest.of(self.traits)?,
            longest: fading.longest.of(self.traits)?,
            reference: fading.reference.of(self.traits)?,
        })
    }

    /// The stuff of a material of this Young's modulus [Pa], and its toughness [J/m²].
    fn medium(&self, name: &str, young: f64) -> Result<(PlyMaterial, f64)> {
        let known = &self.mechanics.material;
        let material = known.get(name).ok_or_else(|| {
            Error::input(format!("`{}` knows no material `{name}`", self.mechanics.name))
                .help(suggestion(name, known.keys().map(String::as_str)))
        })?;
        let of = |number: &crate::base::sourced::Sourced| number.of(self.traits);
        let medium = PlyMaterial {
            young,
            poisson: of(&material.poisson)?,
            fibres: of(&material.fibres)? * young,
            stiffening: of(&material.stiffening)?,
            failure: of(&material.failure)?,
            exponent: of(&material.rate_exponent)?,
        };
        Ok((medium, of(&material.toughness)?))
    }

    /// Layers and backing from the surface down, each with its toughness [J/m²].
    ///
    /// # Errors
    /// A material is not known, or a number is not known for this person.
    pub fn plies(&self) -> Result<Vec<(Ply, f64)>> {
        self.tissue.suits(self.mechanics)?;
        let mut plies = Vec::new();
        for layer in self.layers {
            let own = self.tissue.layer.get(&layer.name).ok_or_else(|| {
                Error::input(format!("the tissue `{}` has no layer `{}`", self.tissue.name, layer.name))
            })?;
            let (medium, toughness) = self.medium(own.stuff(), own.mesh.stiffness.of(self.traits)?)?;
            plies.push((Ply { thickness: layer.bottom - layer.top, medium }, toughness));
        }
        for backing in self.tissue.backing.values() {
            let (medium, toughness) =
                self.medium(backing.material.get_ref(), backing.mesh.stiffness.of(self.traits)?)?;
            plies.push((Ply { thickness: backing.mesh.thickness.of(self.traits)?, medium }, toughness));
        }
        Ok(plies)
    }

    /// The question to the grid: how this skin holds against a needle.
    ///
    /// # Errors
    /// As [`Skin::plies`].
    pub fn ground(&self, surroundings: Surroundings, deepest: f64, resolution: f64) -> Result<Ground> {
        let plies = self.plies()?.into_iter().map(|(ply, _)| ply).collect();
        let deep = self.mechanics.touch.deep.of(self.traits)?;
        Ok(Ground { plies, times: self.times()?, deep, surroundings, deepest, resolution })
    }

    /// Needles of a length [m] on a drum or plate, in tables that reach so deep [m].
    ///
    /// The tool follows the skin down until needles and barrel carry the force on it. As long as the needles can, the force on each
    /// limits its depth; what they cannot carry once they are in to their base, the barrel does, and holds the skin between them.
    ///
    /// # Errors
    /// As [`Skin::site`].
    pub fn seated(
        &self,
        held: Held,
        needle: NeedleShape,
        motion: Motion,
        length: f64,
        deepest: f64,
        resolution: f64,
    ) -> Result<Seated> {
        let drum = Drum {
            radius: held.radius,
            width: held.width,
            reach: held.reach,
            force: held.press,
            share: 0.0,
            time: motion.rise(length),
            cell: (held.share / PI).sqrt(),
            base: needle.shank_radius,
        };
        let surroundings = |share| Surroundings { drum: Some(Drum { share, ..drum }), ..Surroundings::default() };
        // In to the base while the barrel only just touches.
        let ground = self.ground(surroundings(0.0), deepest, resolution)?;
        let site = self.site(&ground, needle, motion, deepest)?;
        let strike = site.strike(site.mean(), length, 0.0, true);
        let bearing = held.bearing(motion, &strike);
        let left = held.press - bearing * strike.peak();
        if left <= 0.0 {
            return Ok(Seated { ground, site, bearing });
        }
        let ground = self.ground(surroundings(left / held.press), deepest, resolution)?;
        let site = self.site(&ground, needle, motion, deepest)?;
        Ok(Seated { ground, site, bearing })
    }

    /// A site of a table once more on a coarser support, which tells how far a finer one would lie.
    ///
    /// # Errors
    /// As [`Skin::site`].
    pub fn coarser(&self, ground: &Ground, site: &Site, reach: f64) -> Result<Coarser> {
        let coarse = Ground { resolution: COARSE, ..ground.clone() };
        let finer = Ground { resolution: GRID, deepest: 0.0, ..ground.clone() };
        let (own, finer) = rayon::join(|| self.site(&coarse, site.needle, site.motion, reach), || finer.dome());
        let (own, finer) = (own?, finer?);
        let square = |resolution: f64| resolution.powi(-2);
        let ratio = (square(TABLE) - square(GRID)) / (square(COARSE) - square(TABLE));
        let dome = (finer - site.support.dome[0]).abs();
        Ok(Coarser { dome, site: own, ratio })
    }

    /// When a tip pierces here.
    ///
    /// # Errors
    /// A number is not known for this person.
    pub fn law(&self) -> Result<PunctureLaw> {
        let law = &self.mechanics.piercing;
        let of = |number: &crate::base::sourced::Sourced| number.of(self.traits);
        Ok(PunctureLaw {
            base_force: of(&law.base_force)?,
            strength: of(&law.strength)?,
            slow_factor: of(&law.slow_factor)?,
            fast_factor: of(&law.fast_factor)?,
            transition_speed: of(&law.transition_speed)?,
            exponent: of(&law.exponent)?,
        })
    }

    /// Skin, needle and drive at the mean of this place, for strikes that reach so far [m].
    ///
    /// # Errors
    /// As [`Skin::plies`], or the grid finds no answer.
    pub fn site(&self, ground: &Ground, needle: NeedleShape, motion: Motion, reach: f64) -> Result<Site> {
        let support = ground.support()?;
        let rise = motion.rise(reach);
        let times = ground.times;
        let mut bottom = 0.0;
        let walls: Vec<Wall> = self
            .plies()?
            .into_iter()
            .map(|(ply, toughness)| {
                bottom += ply.thickness;
                let medium = ply.medium;
                let firmer = (times.shortest / times.reference).powf(-medium.exponent) * support.relaxation.ramp(rise);
                let first = firmer * medium.young / 6.0;
                let law = HyperelasticLaw { first, second: medium.stiffening * first };
                Wall { bottom, toughness, pressure: law.pressure(medium.failure), failure: medium.failure }
            })
            .collect();
        let friction = self.mechanics.touch.friction.of(self.traits)?;
        let channel = Channel::new(needle, &walls, friction, ground.deepest.max(reach));
        Ok(Site { support, channel, law: self.law()?, needle, motion })
    }
}
