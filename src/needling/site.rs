//! A place of the skin as the mechanics of needles see it: layers with their stuff, what lies behind, what a device adds.

use crate::catalogue::{Layer, Mechanics, Tissue};
use crate::error::{Error, Result, suggestion};
use crate::mechanics::cavity::Law;
use crate::mechanics::channel::{Channel, Needle, Wall};
use crate::mechanics::puncture::PunctureLaw;
use crate::mechanics::strike::Motion;
use crate::mechanics::support::{Ground, Medium, Ply, Surroundings, Times};
use crate::mechanics::surrogate::Site;
use crate::sourced::Traits;

/// Cells of the grid relative to the usual one, for tables and for the grid itself.
pub const TABLE: f64 = 0.7;
/// As [`TABLE`].
pub const GRID: f64 = 1.2;

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
    fn medium(&self, name: &str, young: f64) -> Result<(Medium, f64)> {
        let known = &self.mechanics.material;
        let material = known.get(name).ok_or_else(|| {
            Error::input(format!("`{}` knows no material `{name}`", self.mechanics.name))
                .help(suggestion(name, known.keys().map(String::as_str)))
        })?;
        let of = |number: &crate::sourced::Sourced| number.of(self.traits);
        let medium = Medium {
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
        let mut plies = Vec::new();
        for layer in self.layers {
            let own = self.tissue.layer.get(&layer.name).ok_or_else(|| {
                Error::input(format!("the tissue `{}` has no layer `{}`", self.tissue.name, layer.name))
            })?;
            let in_group = |group: &str| layer.groups.iter().any(|name| name == group);
            let usual = ["epidermis", "dermis"].into_iter().find(|group| in_group(group)).unwrap_or("fat");
            let name = own.material.as_ref().map_or(usual, |given| given.get_ref());
            let (medium, toughness) =
                self.medium(name, own.mesh.stiffness.of(self.traits)?).map_err(|error| match &own.material {
                    Some(given) => error.at(&self.tissue.source, given.span()),
                    None => error,
                })?;
            plies.push((Ply { thickness: layer.bottom - layer.top, medium }, toughness));
        }
        for backing in self.tissue.backing.values() {
            let (medium, toughness) = self
                .medium(backing.material.get_ref(), backing.mesh.stiffness.of(self.traits)?)
                .map_err(|error| error.at(&self.tissue.source, backing.material.span()))?;
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

    /// When a tip pierces here.
    ///
    /// # Errors
    /// A number is not known for this person.
    pub fn law(&self) -> Result<PunctureLaw> {
        let law = &self.mechanics.piercing;
        let of = |number: &crate::sourced::Sourced| number.of(self.traits);
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
    pub fn site(&self, ground: &Ground, needle: Needle, motion: Motion, reach: f64) -> Result<Site> {
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
                let law = Law { first, second: medium.stiffening * first };
                Wall { bottom, toughness, pressure: law.pressure(medium.failure), failure: medium.failure }
            })
            .collect();
        let friction = self.mechanics.touch.friction.of(self.traits)?;
        let channel = Channel::new(needle, &walls, friction, ground.deepest.max(reach));
        Ok(Site { support, channel, law: self.law()?, needle, motion })
    }
}
