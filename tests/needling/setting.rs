//! A session to look at: what of it a test does not choose is the default.

use std::sync::Arc;

use dermasim::base::error::Result;
use dermasim::base::sourced::{Choice, Sourced, Traits};
use dermasim::engine::grid::Layer;
use dermasim::skin::catalogue::{CatalogueKind, Device, Mechanics, Operator, Tissue, find};
use dermasim::skin::needling::depth::{LumpedGround, PunctureLaw, stiffness};
use dermasim::skin::needling::{Needling, Subject, treat};
use dermasim::skin::protocol::{Dose, Protocol, Solver};

/// Millimetres, micrometres, newtons per millimetre in SI units.
pub const MM: f64 = 1e-3;
pub const UM: f64 = 1e-6;
pub const PER_MM: f64 = 1e3;
pub const PER_CM2: f64 = 1e4;

pub fn mechanics() -> Mechanics {
    Mechanics::read(&find(CatalogueKind::Mechanics, "default", None).unwrap()).unwrap()
}

pub fn tissue(name: &str) -> Tissue {
    Tissue::read(&find(CatalogueKind::Tissue, name, None).unwrap()).unwrap()
}

pub fn device(name: &str) -> Device {
    Device::read(&find(CatalogueKind::Device, name, None).unwrap()).unwrap()
}

/// A number of a model file.
pub fn value(number: &Sourced) -> f64 {
    number.of(&Traits::new()).unwrap()
}

/// Puts another value [SI] into a number.
pub fn set(number: &mut Sourced, to: f64) {
    if let Choice::One(one) = &mut number.value {
        one.value = to;
    }
}

/// The default law of puncture.
pub fn law() -> PunctureLaw {
    let puncture = mechanics().puncture;
    PunctureLaw {
        base_force: value(&puncture.base_force),
        strength: value(&puncture.strength),
        slow_factor: value(&puncture.slow_factor),
        fast_factor: value(&puncture.fast_factor),
        transition_speed: value(&puncture.transition_speed),
        exponent: value(&puncture.exponent),
    }
}

/// Mean skin of relaxed stiffness k₀ [N/m] under a tip of this radius [m] at this speed [m/s], default constants.
pub fn ground(relaxed: f64, tip_radius: f64, speed: f64) -> LumpedGround {
    let mechanics = mechanics();
    LumpedGround {
        stiffness: stiffness(relaxed, value(&mechanics.speed.stiffening), value(&mechanics.speed.scale), speed),
        slope: value(&mechanics.resistance.slope),
        open_share: 1.0 - value(&mechanics.resistance.tearing_share),
        force: law().force(tip_radius, speed),
    }
}

pub struct Case {
    pub tissue: Tissue,
    pub traits: Traits,
    pub age: f64,
    pub seed: u64,
    pub protocol: Protocol,
}

impl Case {
    /// A dermatologist with this device at this length [m] on this tissue.
    pub fn new(site: &str, tool: &str, length: f64) -> Self {
        Self {
            tissue: tissue(site),
            traits: Traits::new(),
            age: 40.0,
            seed: 1,
            protocol: Protocol {
                device: Arc::new(device(tool)),
                operator: Arc::new(
                    Operator::read(&find(CatalogueKind::Operator, "dermatologist", None).unwrap()).unwrap(),
                ),
                mechanics: Arc::new(mechanics()),
                solver: Solver::Surrogate,
                length,
                frequency: None,
                glide: None,
                press: None,
                wear: None,
                area: None,
                dose: Dose::Device,
            },
        }
    }

    pub fn device(mut self, change: impl FnOnce(&mut Device)) -> Self {
        change(Arc::make_mut(&mut self.protocol.device));
        self
    }

    pub fn protocol(mut self, change: impl FnOnce(&mut Protocol)) -> Self {
        change(&mut self.protocol);
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.traits.insert(name.into(), value.into());
        self
    }

    pub fn layers(&self) -> Vec<Layer> {
        self.tissue.layers(&self.traits).unwrap()
    }

    pub fn try_run(&self) -> Result<Needling> {
        let layers = self.layers();
        let (tissue, traits) = (&self.tissue, &self.traits);
        treat(&self.protocol, &Subject { tissue, layers: &layers, traits, age: self.age, seed: self.seed }, 0, 8)
    }

    pub fn run(&self) -> Needling {
        self.try_run().unwrap()
    }
}
