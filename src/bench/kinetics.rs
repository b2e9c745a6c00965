//! The kinetics of the default model in its largest layer, by the model language.

use std::ops::Range;

use rayon::prelude::*;

use crate::bench::report::Work;
use crate::bench::step::healing_skin;
use crate::error::Result;
use crate::language::Rates;
use crate::skin::{Skin, View};

/// Places whose rates are computed at once.
const BLOCK: usize = 256;

/// The rates of one layer of healing skin.
#[derive(Debug)]
pub struct Kinetics {
    skin: Skin,
    columns: Vec<f64>,
    depths: Range<usize>,
    /// One row of rates for each depth.
    out: Vec<Vec<f64>>,
}

impl Kinetics {
    /// A tile an hour after a session.
    ///
    /// # Errors
    /// The simulation failed.
    pub fn new() -> Result<Self> {
        let skin = healing_skin()?;
        let grid = &skin.grid;
        let count = |layer: usize| grid.layer.iter().filter(|own| **own == layer).count();
        let largest = (0..grid.layers.len()).max_by_key(|layer| count(*layer)).unwrap_or(0);
        let first = grid.layer.iter().position(|layer| *layer == largest).unwrap_or(0);
        let depths = first..first + count(largest);
        let outputs = skin.compiled.layers[largest].rate.outputs;
        let out = vec![vec![0.0; outputs * skin.layout.plane]; depths.len()];
        // Columns do not reach the largest layer's rates; programs may still name them.
        let columns = vec![0.0; skin.compiled.columns.len() * skin.layout.stride];
        Ok(Self { columns, depths, out, skin })
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
    pub fn work(&self) -> Work {
        let rates = self.rates();
        let fields = rates.fields.len().max(1) as f64;
        Work {
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
        let Self { skin, columns, depths, out } = self;
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
