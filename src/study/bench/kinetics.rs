//! The kinetics of the default model in its largest layer: by the model language, and written by hand.
#![expect(unsafe_code, reason = "functions compiled for an instruction set may be called where the processor has it")]

use std::ops::Range;

use rayon::prelude::*;

use crate::base::error::Result;
use crate::base::processor::{Instructions, instructions};
use crate::engine::language::Rates;
use crate::engine::medium::{Medium, View};
use crate::engine::stepper::System;
use crate::run;
use crate::scenario::{Plan, Scenario};
use crate::study::bench::machine::MachineLimits;
use crate::study::bench::report::{KernelWork, Language};
use crate::study::bench::step::healing_skin;
use crate::study::bench::timing::Timing;

/// Places whose rates are computed at once.
const BLOCK: usize = 256;

/// Rates that differ by more are not those of the same model.
const AGREES: f64 = 1e-9;

/// The kinetics written by hand stand with the benches, since no equation of a model belongs in the program.
#[path = "../../../benches/by_hand.rs"]
#[allow(missing_docs)]
mod by_hand;

/// The rates of one layer of healing skin.
#[derive(Debug)]
pub struct Kinetics {
    skin: Medium,
    columns: Vec<f64>,
    depths: Range<usize>,
    /// One row of rates for each depth.
    out: Vec<Vec<f64>>,
    hand: Option<HandKinetics>,
}

/// What the kinetics by hand need.
#[derive(Debug)]
struct HandKinetics {
    constants: by_hand::Constants,
    /// Fields in its order.
    fields: [usize; 28],
    oxygen: usize,
    /// Flare, gaping and moist holes, unrest.
    surface: [usize; 4],
    occlusion: usize,
}

impl Kinetics {
    /// A tile an hour after a session.
    ///
    /// # Errors
    /// The simulation failed.
    pub fn healing() -> Result<Self> {
        let (plan, skin) = healing_skin()?;
        Ok(Self::of(&plan, skin))
    }

    /// A section of skin in which every field is away from rest; quickly made.
    ///
    /// # Errors
    /// The default model has a fault.
    pub fn uneven() -> Result<Self> {
        let text = "tissue = \"cheek\"\n[grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 256\n";
        let plan = Scenario::from_text("bench", text).plan()?;
        let mut skin = run::begin(&plan, None)?;
        System::new(&skin)?.settle(&mut skin)?;
        for (place, value) in skin.state.iter_mut().enumerate() {
            let wave = (place as f64).sin();
            *value = *value * (1.0 + 0.1 * wave) + 0.05 * (1.0 + wave);
        }
        Ok(Self::of(&plan, skin))
    }

    fn of(plan: &Plan, skin: Medium) -> Self {
        let grid = &skin.grid;
        let count = |layer: usize| grid.layer.iter().filter(|own| **own == layer).count();
        let largest = (0..grid.layers.len()).max_by_key(|layer| count(*layer)).unwrap_or(0);
        let first = grid.layer.iter().position(|layer| *layer == largest).unwrap_or(0);
        let depths = first..first + count(largest);
        let outputs = skin.compiled.layers[largest].rate.outputs;
        let out = vec![vec![0.0; outputs * skin.layout.plane]; depths.len()];
        // Columns do not reach the largest layer's rates; programs may still name them.
        let columns = vec![0.0; skin.compiled.columns.len() * skin.layout.stride];
        let hand = HandKinetics::new(plan, &skin);
        Self { columns, depths, out, hand, skin }
    }

    /// Cells of the layer.
    pub fn cells(&self) -> usize {
        self.depths.len() * self.skin.layout.plane
    }

    /// Fields with a rate there.
    pub fn fields(&self) -> usize {
        self.rates().fields.len()
    }

    /// What an update is: inputs are read and rates written; a program's instruction is one or two operations.
    pub fn work(&self) -> KernelWork {
        let rates = self.rates();
        let fields = rates.fields.len().max(1) as f64;
        KernelWork {
            name: "kinetics_default",
            update: "the rate of one field in one cell",
            bytes: 8.0 * (rates.rate.inputs.len() + rates.rate.outputs) as f64 / fields,
            operations: rates.rate.instructions() as f64 / fields,
        }
    }

    fn rates(&self) -> &Rates {
        &self.skin.compiled.layers[self.skin.grid.layer[self.depths.start]]
    }

    /// All rates once, by the language.
    pub fn by_language(&mut self) {
        let Self { skin, columns, depths, out, .. } = self;
        let rates = &skin.compiled.layers[skin.grid.layer[depths.start]];
        let view = View { columns, ..skin.view() };
        let (first, plane) = (depths.start, skin.layout.plane);
        out.par_iter_mut().enumerate().for_each_init(Vec::new, |registers, (z, out)| {
            for start in (0..plane).step_by(BLOCK) {
                let places = start..(start + BLOCK).min(plane);
                let out = &mut out[start * rates.rate.outputs..][..places.len() * rates.rate.outputs];
                view.run(&rates.rate, first + z, places, out, registers, &|_| None);
            }
        });
    }
}

impl Kinetics {
    /// The language against the hand, where they still agree.
    pub fn language(&mut self, seconds: f64, limits: &MachineLimits, language: &Timing) -> Language {
        let cells = self.cells() as f64;
        let compared = self.disagreement();
        let agrees = compared.as_ref().is_ok_and(|off| *off < AGREES);
        let hand = agrees.then(|| Timing::of(seconds, || self.by_hand()));
        let divisions = by_hand::DIVISIONS / limits.divisions;
        // 33 rows are read and 28 written.
        let memory = 8.0 * (33.0 + 28.0) / limits.in_place;
        Language {
            threads: limits.threads,
            by_language: 1e9 * language.seconds / cells,
            by_hand: hand.map(|hand| 1e9 * hand.seconds / cells),
            least: 1e9 * divisions.max(memory),
            agreement: match compared {
                Ok(off) if agrees => format!("agree to {off:.1e}"),
                Ok(off) => format!("not compared: they differ by {off:.1e}, so the model has changed"),
                Err(why) => format!("not compared: {why}"),
            },
        }
    }

    /// All rates once, written by hand. Does nothing where [`Kinetics::disagreement`] says why it cannot.
    pub fn by_hand(&mut self) {
        let Self { skin, depths, out, hand: Some(hand), .. } = self else { return };
        let first = depths.start;
        out.par_iter_mut().enumerate().for_each(|(z, out)| hand.row(skin, first + z, out));
    }

    /// How far the rates by hand are from those of the language, relative to the largest of each field; or why they cannot
    /// be compared.
    ///
    /// # Errors
    /// The model has changed since they were written.
    pub fn disagreement(&mut self) -> std::result::Result<f64, String> {
        let Some(hand) = &self.hand else { return Err("the default model has other fields or constants now".into()) };
        let names: Vec<usize> = self.rates().fields.clone();
        if names != hand.fields {
            return Err("other fields change in the largest layer now".into());
        }
        self.by_language();
        let language = self.out.clone();
        self.by_hand();
        let plane = self.skin.layout.plane;
        let mut worst = 0.0_f64;
        for (z, hand) in self.out.iter().enumerate() {
            let first = BLOCK.min(plane);
            for field in 0..names.len() {
                // The first block of each depth, in which both put the fields one after the other.
                let (by_language, by_hand) = (&language[z][field * first..][..first], &hand[field * first..][..first]);
                let size = by_language.iter().fold(0.0, |size: f64, value| size.max(value.abs()));
                for (one, other) in by_language.iter().zip(by_hand) {
                    worst = worst.max((one - other).abs() / size.max(1e-12));
                }
            }
        }
        Ok(worst)
    }
}

impl HandKinetics {
    fn new(plan: &Plan, skin: &Medium) -> Option<Self> {
        let compiled = &skin.compiled;
        let place = |name: &str| compiled.volume.iter().position(|field| field.name == name);
        let above = |name: &str| compiled.surface.iter().position(|field| field.name == name);
        let fields: Vec<usize> = by_hand::FIELDS.iter().map(|name| place(name)).collect::<Option<_>>()?;
        let mut known = true;
        let constants = by_hand::Constants::read(|name| {
            let number = plan.model.constants.get(name).and_then(|constant| constant.number());
            number.and_then(|number| number.of(&plan.traits).ok()).unwrap_or_else(|| {
                known = false;
                0.0
            })
        });
        Some(Self {
            constants,
            fields: fields.try_into().ok()?,
            oxygen: compiled.quasi.iter().position(|field| field.name == "oxygen")?,
            surface: [above("flare")?, above("gaping")?, above("moist")?, above("unrest")?],
            occlusion: compiled.signals.iter().position(|(name, _)| name == "occlusion")?,
        })
        .filter(|_| known)
    }

    fn row(&self, skin: &Medium, z: usize, out: &mut [f64]) {
        let (layout, plane) = (skin.layout, skin.layout.plane);
        for start in (0..plane).step_by(BLOCK) {
            let cells = (plane - start).min(BLOCK) / by_hand::LANES * by_hand::LANES;
            let quasi = (self.oxygen * layout.nz + z) * layout.stride + start;
            let [flare, gaping, moist, unrest] =
                self.surface.map(|field| &skin.state[layout.surface_row(field)][start..start + cells]);
            let around = by_hand::Surroundings {
                oxygen: &skin.quasi[quasi..quasi + cells],
                flare,
                gaping,
                moist,
                unrest,
                oxygen_at_rest: skin.quasi_rest[self.oxygen * layout.nz + z],
                depth: skin.grid.z.centres[z],
                occlusion: skin.signals[self.occlusion],
            };
            let rows: [&[f64]; 28] = self.fields.map(|field| &skin.state[layout.row(z, field)][start..start + cells]);
            compute(&self.constants, &around, &rows, cells, &mut out[start * self.fields.len()..]);
        }
    }
}

/// The rates by hand with the instructions in use.
fn compute(
    constants: &by_hand::Constants,
    around: &by_hand::Surroundings<'_>,
    rows: &[&[f64]; 28],
    cells: usize,
    out: &mut [f64],
) {
    macro_rules! compiled {
        ($name:ident, $fused:literal, $(#[$attribute:meta])*) => {
            $(#[$attribute])*
            fn $name(c: &by_hand::Constants, a: &by_hand::Surroundings<'_>, r: &[&[f64]; 28], n: usize, o: &mut [f64]) {
                by_hand::rates::<$fused>(c, a, r, n, o);
            }
        };
    }
    compiled!(plain, false, #[inline(never)]);
    #[cfg(target_arch = "x86_64")]
    compiled!(avx2, true, #[target_feature(enable = "avx2,fma")]);
    #[cfg(target_arch = "x86_64")]
    compiled!(avx512, true, #[target_feature(enable = "avx512f,avx2,fma")]);
    match instructions() {
        Instructions::Plain => plain(constants, around, rows, cells, out),
        // SAFETY: the processor has what is in use.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => unsafe { avx2(constants, around, rows, cells, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => unsafe { avx512(constants, around, rows, cells, out) },
    }
}
