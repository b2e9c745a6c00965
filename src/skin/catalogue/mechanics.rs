//! The constants of needle mechanics that belong to no single device, tissue or operator.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_spanned::Spanned;

use super::number::table;
use super::stem;
use crate::base::error::{Result, Source, read_toml};
use crate::base::sourced::Sourced;

table! {
    /// Force at which a tip pierces: F = F₀ + σ π r² g(v), g falling from slow to fast.
    PunctureForce from WrittenPunctureForce {
        /// F₀, the force of an ideal tip [N].
        base_force: "N" NotNegative,
        /// σ, the pressure under a blunt tip when it pierces at 1 mm/s [Pa].
        strength: "MPa" Positive,
        /// g of a very slow tip.
        slow_factor: "1" Positive,
        /// g of a very fast tip.
        fast_factor: "1" Positive,
        /// Speed halfway between the two [m/s].
        transition_speed: "mm/s" Positive,
        /// How sharply g falls.
        exponent: "1" Positive,
    }
}

table! {
    /// Resistance of the skin to a needle that is already in.
    Resistance from WrittenResistance {
        /// Force per depth [N/m] for a needle of diameter `at_diameter`, with its spread.
        slope: "N/mm" Positive,
        /// The diameter for which `slope` holds [m]; the slope grows in proportion.
        at_diameter: "mm" Positive,
        /// Share of the resistance that is tearing, and so absent in an old hole.
        tearing_share: "1" NotNegative,
    }
}

table! {
    /// Stiffening of skin under a fast needle: k = k₀ (1 + β v/(v + v_s)).
    Speed from WrittenSpeed {
        /// β.
        stiffening: "1" NotNegative,
        /// v_s [m/s].
        scale: "m/s" Positive,
    }
}

table! {
    /// Doming of skin into the nose of a device that is pressed.
    Dome from WrittenDome {
        /// Force at which the dome has 1 − 1/e of its height [N].
        force: "N" Positive,
    }
}

table! {
    /// Needles that stand close together share the skin that holds them: k₀ (pitch/at_pitch)^exponent.
    Crowding from WrittenCrowding {
        /// Exponent; 0 ignores crowding.
        exponent: "1" NotNegative,
        /// Pitch for which k₀ holds [m].
        at_pitch: "mm" Positive,
    }
}

table! {
    /// A needle that lands near a hole slides into it.
    Merging from WrittenMerging {
        /// The distance within which it does [m].
        radius: "mm" Positive,
    }
}

table! {
    /// Sideways motion of needles in the skin.
    Drag from WrittenDrag {
        /// Share of a roller's rigid sweep that cuts; the skin follows the rest.
        roller_share: "1" NotNegative,
        /// Tear index up to which skin follows a needle and is not cut.
        give: "1" NotNegative,
        /// Share of the vessels across a cut that it parts.
        parting: "1" NotNegative,
        /// Tear index above which a hole is a slit.
        slit: "1" Positive,
    }
}

table! {
    /// Share of the variance of a thickness between persons that also lies between places of one site.
    Variation from WrittenVariation {
        /// Of the epidermis.
        epidermis: "1" NotNegative,
        /// Of the dermis.
        dermis: "1" NotNegative,
    }
}

table! {
    /// What kind of stuff a layer is, beside its stiffness.
    Material from WrittenMaterial {
        /// Poisson's ratio ν, below 0.5.
        poisson: "1" Positive,
        /// Stiffness of the fibres in the plane over Young's modulus; 0 is isotropic.
        fibres: "1" NotNegative,
        /// C₂/C₁ of W = C₁ s + C₂ s²; higher values stiffen more with strain.
        stiffening: "1" NotNegative,
        /// Stretch at which it tears.
        failure: "1" Positive,
        /// Exponent with which its stress fades in time, and its stiffness grows with the strain rate.
        rate_exponent: "1" NotNegative,
        /// Energy to cut it [J/m²].
        toughness: "J/m^2" NotNegative,
    }
}

table! {
    /// Times between which stress fades.
    Fading from WrittenFading {
        /// Nothing fades faster [s].
        shortest: "ms" Positive,
        /// Nothing fades slower [s].
        longest: "s" Positive,
        /// Time of loading at which the stiffness of the layers was measured [s].
        reference: "s" Positive,
    }
}

table! {
    /// How needle, skin and device touch.
    Touch from WrittenTouch {
        /// β of deep indentation, F = β E δ²; higher values hold the needle better.
        deep: "1" Positive,
        /// Friction between needle and skin.
        friction: "1" NotNegative,
        /// Gap between the needles and the nose of a pen [m].
        nose_gap: "mm" Positive,
        /// Breadth of the rim of the nose [m].
        nose_breadth: "mm" Positive,
        /// Time for which the nose rests on a place before the needles come [s].
        nose_time: "s" Positive,
    }
}

table! {
    /// What decides how much blood is shed.
    Shedding from WrittenShedding {
        /// Probability that a vessel which meets the needle ruptures.
        rupture: "1" Positive,
        /// Stretch at which a vessel beside the needle tears, with its spread between vessels.
        stretch: "1" Positive,
        /// Viscosity of blood in a small vessel [Pa s].
        viscosity: "cP" Positive,
        /// Time in which clotting lets the flow decay by a factor e [s].
        clotting: "s" Positive,
        /// Smallest volume on the surface that is seen as a bead [m³].
        bead: "nL" Positive,
        /// Blood of a session above which the model is not to be trusted [m³].
        gate: "mL" Positive,
    }
}

table! {
    /// How one class of vessels bleeds.
    BedConstants from WrittenBedConstants {
        /// Mean projection of a vessel on the plane of the skin: 1 if horizontal, π/4 if isotropic. Unused for loops.
        crossing: "1" Positive,
        /// Pressure that drives blood out of a cut vessel [Pa].
        pressure: "mmHg" Positive,
        /// Length of vessel that feeds the cut [m]; higher values bleed less.
        feeding: "mm" Positive,
        /// Share of the blood that stays in the tissue.
        retained: "1" NotNegative,
    }
}

table! {
    /// Pain relative to a 26G needle: P = P₀ (L/L₀)^a N^b.
    Pain from WrittenPain {
        /// P₀.
        reference: "1" Positive,
        /// L₀, also the shortest length that was tested [m].
        length: "mm" Positive,
        /// The longest length that was tested [m].
        longest: "mm" Positive,
        /// a.
        length_exponent: "1" Positive,
        /// b.
        number_exponent: "1" Positive,
    }
}

/// The constants of needle mechanics.
#[derive(Debug, Clone)]
pub struct Mechanics {
    /// Name of the file without its ending.
    pub name: String,
    /// What it is, in a sentence.
    pub what: String,
    /// Force at which a tip pierces.
    pub puncture: PunctureForce,
    /// Force at which a tip pierces where the tissue itself is computed.
    pub piercing: PunctureForce,
    /// Kinds of stuff, by name.
    pub material: IndexMap<String, Material>,
    /// How stress fades.
    pub fading: Fading,
    /// How needle, skin and device touch.
    pub touch: Touch,
    /// Resistance to a needle that is in, lumped.
    pub resistance: Resistance,
    /// Stiffening with speed.
    pub speed: Speed,
    /// Doming into the nose.
    pub dome: Dome,
    /// Needles close together.
    pub crowding: Crowding,
    /// Re-entry.
    pub merging: Merging,
    /// Sideways motion.
    pub drag: Drag,
    /// Variation between places.
    pub variation: Variation,
    /// Blood.
    pub shedding: Shedding,
    /// Bleeding of capillary loops, superficial plexus, mid dermis, deep plexus.
    pub bleeding: [BedConstants; 4],
    /// Pain.
    pub pain: Pain,
    /// The text it was read from.
    pub source: Arc<Source>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMechanics {
    what: String,
    puncture: WrittenPunctureForce,
    piercing: WrittenPunctureForce,
    material: Spanned<IndexMap<String, WrittenMaterial>>,
    fading: WrittenFading,
    touch: WrittenTouch,
    resistance: WrittenResistance,
    speed: WrittenSpeed,
    dome: WrittenDome,
    crowding: WrittenCrowding,
    merging: WrittenMerging,
    drag: WrittenDrag,
    variation: WrittenVariation,
    shedding: WrittenShedding,
    bleeding: WrittenBleeding,
    pain: WrittenPain,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBleeding {
    capillary_loops: WrittenBedConstants,
    superficial_plexus: WrittenBedConstants,
    mid_dermis: WrittenBedConstants,
    deep_plexus: WrittenBedConstants,
}

impl Mechanics {
    /// Names of the classes of vessels, in the order of all arrays of four.
    pub const CLASSES: [&'static str; 4] = ["capillary_loops", "superficial_plexus", "mid_dermis", "deep_plexus"];

    /// Groups of layers that are made of the material of their name unless they name one; all others are fat.
    pub const MATERIALS: [&'static str; 2] = ["epidermis", "dermis"];

    /// Reads a file of constants.
    ///
    /// # Errors
    /// The text is not TOML, a key is unknown or missing, a number lacks its source or has another unit or sign.
    pub fn read(source: &Arc<Source>) -> Result<Self> {
        let written: WrittenMechanics = read_toml(source)?;
        let known = written.material.get_ref();
        if let Some(missing) = Self::MATERIALS.iter().chain(&["fat"]).find(|name| !known.contains_key(**name)) {
            let message = format!("there is no material `{missing}`, of which layers are made that name none");
            return Err(source.refuse(written.material.span(), message));
        }
        let all = written.bleeding;
        let bleeding = [
            all.capillary_loops.check(source)?,
            all.superficial_plexus.check(source)?,
            all.mid_dermis.check(source)?,
            all.deep_plexus.check(source)?,
        ];
        let mechanics = Self {
            name: stem(source),
            what: written.what,
            puncture: written.puncture.check(source)?,
            piercing: written.piercing.check(source)?,
            material: (written.material.into_inner().into_iter())
                .map(|(name, material)| Ok((name, material.check(source)?)))
                .collect::<Result<IndexMap<_, _>>>()?,
            fading: written.fading.check(source)?,
            touch: written.touch.check(source)?,
            resistance: written.resistance.check(source)?,
            speed: written.speed.check(source)?,
            dome: written.dome.check(source)?,
            crowding: written.crowding.check(source)?,
            merging: written.merging.check(source)?,
            drag: written.drag.check(source)?,
            variation: written.variation.check(source)?,
            shedding: written.shedding.check(source)?,
            bleeding,
            pain: written.pain.check(source)?,
            source: source.clone(),
        };
        mechanics.fits()?;
        Ok(mechanics)
    }

    /// Whether shares are shares, and a fast tip does not need more force than a slow one.
    fn fits(&self) -> Result<()> {
        let none = crate::base::sourced::Traits::new();
        let refuse = |number: &Sourced, message: &str| Err(self.source.refuse(number.place.1.clone(), message));
        let shares = [
            &self.resistance.tearing_share,
            &self.drag.roller_share,
            &self.drag.parting,
            &self.variation.epidermis,
            &self.variation.dermis,
            &self.shedding.rupture,
        ];
        for share in shares.into_iter().chain(self.bleeding.iter().flat_map(|bed| [&bed.retained, &bed.crossing])) {
            if share.of(&none)? > 1.0 {
                return refuse(share, "a share cannot exceed 1");
            }
        }
        for law in [&self.puncture, &self.piercing] {
            if law.fast_factor.of(&none)? > law.slow_factor.of(&none)? {
                return refuse(&law.fast_factor, "the factor of a fast tip cannot exceed that of a slow one");
            }
        }
        for material in self.material.values() {
            if !(0.0..=0.4999).contains(&material.poisson.of(&none)?) {
                return refuse(&material.poisson, "Poisson's ratio is between 0 and 0.4999");
            }
            if !(1.01..=5.0).contains(&material.failure.of(&none)?) {
                return refuse(&material.failure, "skin tears at a stretch between 1.01 and 5");
            }
            if material.rate_exponent.of(&none)? > 0.9 {
                return refuse(&material.rate_exponent, "stress fades with an exponent of at most 0.9");
            }
        }
        if self.fading.longest.of(&none)? <= self.fading.shortest.of(&none)? {
            return refuse(&self.fading.longest, "the longest time must exceed the shortest");
        }
        if !(1e-5..=5e-3).contains(&self.merging.radius.of(&none)?) {
            return refuse(&self.merging.radius, "holes merge within 0.01 to 5 mm");
        }
        Ok(())
    }

    /// Every number of the file with its dotted name.
    pub fn numbers(&self) -> Vec<(String, &Sourced)> {
        let mut all = self.puncture.numbers("puncture");
        all.extend(self.piercing.numbers("piercing"));
        for (name, material) in &self.material {
            all.extend(material.numbers(&format!("material.{name}")));
        }
        all.extend(self.fading.numbers("fading"));
        all.extend(self.touch.numbers("touch"));
        all.extend(self.resistance.numbers("resistance"));
        all.extend(self.speed.numbers("speed"));
        all.extend(self.dome.numbers("dome"));
        all.extend(self.crowding.numbers("crowding"));
        all.extend(self.merging.numbers("merging"));
        all.extend(self.drag.numbers("drag"));
        all.extend(self.variation.numbers("variation"));
        all.extend(self.shedding.numbers("shedding"));
        for (bed, name) in self.bleeding.iter().zip(Self::CLASSES) {
            all.extend(bed.numbers(&format!("bleeding.{name}")));
        }
        all.extend(self.pain.numbers("pain"));
        all
    }
}
