//! Tissues: layers with their thickness and stiffness, what supports the skin, and its vessels.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_spanned::Spanned;

use super::number::table;
use super::{Mechanics, stem};
use crate::base::error::{Error, Result, Source, read_toml};
use crate::base::sourced::{Sourced, Traits};
use crate::base::units::{DAY, Quantity};
use crate::engine::grid::Layer;

/// The deepest skin that is computed [m].
const DEEPEST: f64 = 0.05;

/// A place of the skin: its layers, what it rests on, its vessels.
#[derive(Debug, Clone)]
pub struct Tissue {
    /// Name of the file without its ending.
    pub name: String,
    /// What it is, in a sentence.
    pub what: String,
    /// Traits that hold unless the scenario says otherwise, as `sex`, `thickness_by`, `plexus`.
    pub traits: Traits,
    /// The layers by name, from the surface down.
    pub layer: IndexMap<String, TissueLayer>,
    /// What lies below the layers, down to what does not move, by name.
    pub backing: IndexMap<String, Backing>,
    /// What holds the skin against a needle; absent in tissues that are not needled.
    pub support: Option<Support>,
    /// Change with age; absent: none.
    pub ageing: Option<Ageing>,
    /// Vessels; absent: none.
    pub vessels: Option<Vessels>,
    /// The text it was read from.
    pub source: Arc<Source>,
}

/// A layer as the file describes it.
#[derive(Debug, Clone)]
pub struct TissueLayer {
    /// Groups it belongs to.
    pub groups: Vec<String>,
    /// Wanted spacing of the grid at its top and bottom [m].
    pub spacing: [f64; 2],
    /// The stuff it is made of, a material of the mechanics, with its place in the file; `None` follows from its groups.
    pub material: Option<Spanned<String>>,
    /// Its numbers.
    pub mesh: LayerMechanics,
}

impl TissueLayer {
    /// The stuff it is made of: the material it names, else that of its group, else fat.
    pub fn stuff(&self) -> &str {
        let in_group = |group: &&str| self.groups.iter().any(|own| own == group);
        let usual = Mechanics::MATERIALS.iter().find(|group| in_group(group)).unwrap_or(&"fat");
        self.material.as_ref().map_or(usual, |given| given.get_ref())
    }
}

/// What lies below the layers that are computed.
#[derive(Debug, Clone)]
pub struct Backing {
    /// The stuff it is made of, a material of the mechanics, with its place in the file.
    pub material: Spanned<String>,
    /// Its thickness and stiffness.
    pub mesh: LayerMechanics,
}

table! {
    /// Thickness and stiffness of a layer.
    LayerMechanics from WrittenLayerMechanics {
        /// Thickness [m], with its spread between persons.
        thickness: "mm" Positive,
        /// Young's modulus at small strain [Pa]; higher values resist the needle more.
        stiffness: "kPa" Positive,
    }
}

table! {
    /// What holds the skin against a needle.
    Support from WrittenSupport {
        /// Stiffness of the relaxed skin under one needle, before the tip cuts [N/m], with its spread; higher values let the
        /// needle in deeper. The lumped model takes all of it, the others only its spread from place to place.
        stiffness: "N/mm" Positive,
        /// Area that a session usually treats here [m²].
        area: "cm^2" Positive,
    }
}

table! {
    /// Change with age, as a share per ten years.
    Ageing from WrittenAgeing {
        /// Age at which the thicknesses of the file hold [s].
        thickness_age: "y" Positive,
        /// Change of the epidermis per decade.
        epidermis: "1" Either,
        /// Change of the dermis per decade.
        dermis: "1" Either,
        /// Age at which the vessels of the file hold [s].
        vessel_age: "y" Positive,
        /// Change of the number of capillary loops per decade.
        loops: "1" Either,
        /// Change of the length of vessels of the superficial plexus per decade.
        plexus: "1" Either,
    }
}

table! {
    /// Capillary loops of the papillae.
    Loops from WrittenLoops {
        /// Loops per area of skin [1/m²].
        density: "1/mm^2" NotNegative,
        /// Width of a loop [m].
        width: "um" Positive,
        /// Depth over which the tips of the loops lie below the epidermis [m].
        height: "mm" Positive,
        /// Bore of the capillary [m].
        diameter: "um" Positive,
    }
}

table! {
    /// A bed of vessels whose length per volume is spread about a depth.
    Plexus from WrittenPlexus {
        /// Depth of its centre [m]: below the surface for the superficial plexus, below the dermis for the deep one.
        depth: "mm" Either,
        /// Standard deviation in depth [m].
        spread: "mm" Positive,
        /// Length of vessels per volume at the centre [1/m²].
        density: "mm/mm^3" NotNegative,
        /// Bore of the vessels [m].
        diameter: "um" Positive,
    }
}

table! {
    /// Vessels that connect the plexuses, anywhere between the loops and the bottom of the dermis.
    Connecting from WrittenConnecting {
        /// Length of vessels per volume [1/m²].
        density: "mm/mm^3" NotNegative,
        /// Bore of the vessels [m].
        diameter: "um" Positive,
    }
}

/// The vessels of a tissue by class.
#[derive(Debug, Clone)]
pub struct Vessels {
    /// Capillary loops of the papillae.
    pub capillary_loops: Loops,
    /// The horizontal plexus below the papillae.
    pub superficial_plexus: Plexus,
    /// Connecting vessels of the dermis.
    pub mid_dermis: Connecting,
    /// The plexus at the border to the subcutis.
    pub deep_plexus: Plexus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTissue {
    what: String,
    #[serde(default)]
    traits: Traits,
    layer: Spanned<IndexMap<String, WrittenLayer>>,
    #[serde(default)]
    backing: IndexMap<String, WrittenBacking>,
    support: Option<WrittenSupport>,
    ageing: Option<WrittenAgeing>,
    vessel: Option<WrittenVessels>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLayer {
    #[serde(default)]
    groups: Vec<String>,
    spacing: Spanned<[String; 2]>,
    material: Option<Spanned<String>>,
    thickness: crate::base::sourced::WrittenNumber,
    stiffness: crate::base::sourced::WrittenNumber,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBacking {
    material: Spanned<String>,
    thickness: crate::base::sourced::WrittenNumber,
    stiffness: crate::base::sourced::WrittenNumber,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVessels {
    capillary_loops: WrittenLoops,
    superficial_plexus: WrittenPlexus,
    mid_dermis: WrittenConnecting,
    deep_plexus: WrittenPlexus,
}

impl WrittenLayer {
    fn check(self, source: &Arc<Source>) -> Result<TissueLayer> {
        let at = self.spacing.span();
        let [top, bottom] = self.spacing.into_inner().map(|text| text.parse::<Quantity>().and_then(|q| q.expect("um")));
        let spacing = [top, bottom].into_iter().collect::<Result<Vec<f64>>>().map_err(|e| e.at(source, at.clone()))?;
        if spacing.iter().any(|step| *step < 1e-7) {
            return Err(source.refuse(at, "the grid cannot be finer than 0.1 um"));
        }
        let mesh = WrittenLayerMechanics { thickness: self.thickness, stiffness: self.stiffness }.check(source)?;
        Ok(TissueLayer { groups: self.groups, spacing: [spacing[0], spacing[1]], material: self.material, mesh })
    }
}

impl Tissue {
    /// Reads a tissue file.
    ///
    /// # Errors
    /// The text is not TOML, a key is unknown or missing, a number lacks its source or has another unit or sign.
    pub fn read(source: &Arc<Source>) -> Result<Self> {
        let written: WrittenTissue = read_toml(source)?;
        let at = written.layer.span();
        let layer = written
            .layer
            .into_inner()
            .into_iter()
            .map(|(name, layer)| Ok((name, layer.check(source)?)))
            .collect::<Result<IndexMap<_, _>>>()?;
        if layer.is_empty() {
            return Err(source.refuse(at, "a tissue needs at least one layer"));
        }
        if let Some(name) = layer.keys().find(|name| layer.values().any(|other| other.groups.contains(name))) {
            return Err(source.refuse(at, format!("`{name}` is the name of a layer and of a group")));
        }
        let vessels = match written.vessel {
            None => None,
            Some(vessel) => Some(Vessels {
                capillary_loops: vessel.capillary_loops.check(source)?,
                superficial_plexus: vessel.superficial_plexus.check(source)?,
                mid_dermis: vessel.mid_dermis.check(source)?,
                deep_plexus: vessel.deep_plexus.check(source)?,
            }),
        };
        Ok(Self {
            name: stem(source),
            what: written.what,
            traits: written.traits,
            layer,
            backing: (written.backing.into_iter())
                .map(|(name, backing)| {
                    let mesh = WrittenLayerMechanics { thickness: backing.thickness, stiffness: backing.stiffness };
                    Ok((name, Backing { material: backing.material, mesh: mesh.check(source)? }))
                })
                .collect::<Result<IndexMap<_, _>>>()?,
            support: written.support.map(|support| support.check(source)).transpose()?,
            ageing: written.ageing.map(|ageing| ageing.check(source)).transpose()?,
            vessels,
            source: source.clone(),
        })
    }

    /// The traits of a person here: those given, and the tissue's own for the rest.
    pub fn traits(&self, given: &Traits) -> Traits {
        let mut traits = self.traits.clone();
        traits.extend(given.clone());
        traits
    }

    /// The layers from the surface down for a person. A trait `age` in years thins or thickens them as `ageing` says.
    ///
    /// # Errors
    /// A number is not known for this person, or the skin is deeper than can be computed.
    pub fn layers(&self, given: &Traits) -> Result<Vec<Layer>> {
        let traits = self.traits(given);
        let mut top = 0.0;
        let mut layers = Vec::with_capacity(self.layer.len());
        for (name, layer) in &self.layer {
            let bottom = top + layer.mesh.thickness.of(&traits)? * self.thinning(layer, &traits)?;
            let (groups, spacing) = (layer.groups.clone(), layer.spacing);
            layers.push(Layer { name: name.clone(), groups, top, bottom, spacing });
            top = bottom;
        }
        if top > DEEPEST {
            let message =
                format!("the layers reach {:.0} mm deep; at most {:.0} mm are computed", top * 1e3, DEEPEST * 1e3);
            return Err(self.source.refuse(0..0, message));
        }
        Ok(layers)
    }

    /// Spread of the thickness of a group of layers between persons, as a share of its mean.
    ///
    /// # Errors
    /// A thickness is not known for this person.
    pub fn spread(&self, group: &str, given: &Traits) -> Result<f64> {
        let traits = self.traits(given);
        let (mut mean, mut variance) = (0.0, 0.0);
        for layer in self.layer.values().filter(|layer| layer.groups.iter().any(|own| own == group)) {
            mean += layer.mesh.thickness.of(&traits)?;
            variance += layer.mesh.thickness.sd.unwrap_or(0.0).powi(2);
        }
        Ok(if mean > 0.0 { variance.sqrt() / mean } else { 0.0 })
    }

    /// Thickness of a layer at the person's age, relative to that of the file.
    fn thinning(&self, layer: &TissueLayer, traits: &Traits) -> Result<f64> {
        let (Some(ageing), Some(age)) = (&self.ageing, traits.get("age")) else { return Ok(1.0) };
        let age = age.trim().parse::<f64>().ok().filter(|age| (0.0..=130.0).contains(age));
        let age = age.ok_or_else(|| Error::input("an age is a number of years between 0 and 130"))?;
        let belongs = |group: &str| layer.groups.iter().any(|own| own == group);
        let change = match (belongs("epidermis"), belongs("dermis")) {
            (true, _) => &ageing.epidermis,
            (_, true) => &ageing.dermis,
            _ => return Ok(1.0),
        };
        Ok(aged(change.of(traits)?, age, ageing.thickness_age.of(traits)?))
    }

    /// Whether the mechanics know every material that layers and backing are made of.
    ///
    /// # Errors
    /// One is unknown.
    pub fn suits(&self, mechanics: &Mechanics) -> Result<()> {
        let named = self.layer.values().filter_map(|layer| layer.material.as_ref());
        for material in named.chain(self.backing.values().map(|backing| &backing.material)) {
            let known = || mechanics.material.keys().map(String::as_str);
            if !known().any(|name| name == material.get_ref()) {
                let message = format!("the mechanics `{}` know no material `{}`", mechanics.name, material.get_ref());
                return Err(self
                    .source
                    .refuse(material.span(), message)
                    .help(crate::base::error::suggestion(material.get_ref(), known())));
            }
        }
        Ok(())
    }

    /// Every number of the file with its dotted name.
    pub fn numbers(&self) -> Vec<(String, &Sourced)> {
        let mut all = Vec::new();
        for (name, layer) in &self.layer {
            all.extend(layer.mesh.numbers(&format!("layer.{name}")));
        }
        for (name, backing) in &self.backing {
            all.extend(backing.mesh.numbers(&format!("backing.{name}")));
        }
        all.extend(self.support.iter().flat_map(|support| support.numbers("support")));
        all.extend(self.ageing.iter().flat_map(|ageing| ageing.numbers("ageing")));
        if let Some(vessels) = &self.vessels {
            all.extend(vessels.capillary_loops.numbers("vessel.capillary_loops"));
            all.extend(vessels.superficial_plexus.numbers("vessel.superficial_plexus"));
            all.extend(vessels.mid_dermis.numbers("vessel.mid_dermis"));
            all.extend(vessels.deep_plexus.numbers("vessel.deep_plexus"));
        }
        all
    }
}

/// Relative size at `age` [years] of what changes by the share `per_decade` every ten years from `reference` [s] on.
/// Never below a tenth: a straight line is no law for the very old.
///
/// Example: −0.11 per decade from 25 years leaves 0.45 at 75.
pub fn aged(per_decade: f64, age: f64, reference: f64) -> f64 {
    let decades = (age - reference / (365.25 * DAY)) / 10.0;
    (1.0 + per_decade * decades).max(0.1)
}
