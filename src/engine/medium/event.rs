//! Fields that change at a moment, everywhere at once.

use crate::base::error::Result;
use crate::engine::language::Effects;
use crate::engine::medium::{Handed, Medium, View};

impl Medium {
    /// Lets an event of the model happen.
    ///
    /// # Errors
    /// A field is no longer finite.
    pub fn happen(&mut self, event: usize) -> Result<()> {
        let compiled = self.compiled.clone();
        self.apply(&compiled.events[event], &[]);
        self.check()
    }

    /// Gives fields their new values everywhere; `values` are those that the host hands over.
    pub fn apply(&mut self, effects: &Effects, values: &[f64]) {
        let plane = self.layout.plane;
        let before = self.clone();
        let own = before.view();
        let view = View { handed: Handed { values, ..own.handed }, ..own };
        let mut scratch = Vec::new();
        for z in 0..self.layout.nz {
            let (fields, program) = &effects.layers[self.grid.layer[z]];
            let mut out = vec![0.0; fields.len() * plane];
            view.run(program, z, 0..plane, &mut out, &mut scratch, &|_| None);
            for (field, values) in fields.iter().zip(out.chunks(plane)) {
                self.state[self.layout.row(z, *field)].copy_from_slice(values);
            }
        }
        let (fields, program) = &effects.surface;
        let mut out = vec![0.0; fields.len() * plane];
        view.run(program, 0, 0..plane, &mut out, &mut scratch, &|_| None);
        for (field, values) in fields.iter().zip(out.chunks(plane)) {
            self.state[self.layout.surface_row(*field)].copy_from_slice(values);
        }
    }

    /// Replaces every row by its lateral mean.
    pub fn homogenise(&mut self) {
        let weights = self.grid.lateral_weights();
        let layout = self.layout;
        let mean = |row: &mut [f64]| {
            let first = row[0];
            if row.iter().any(|value| *value != first) {
                let mean = row.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
                row.fill(mean);
            }
        };
        for row in self.state.chunks_mut(layout.stride) {
            mean(&mut row[..layout.plane]);
        }
        for row in self.quasi.chunks_mut(layout.stride) {
            mean(&mut row[..layout.plane]);
        }
    }
}
