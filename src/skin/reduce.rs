//! One number out of many cells: means, integrals and extremes over a region, for the whole tissue or for each column.
//!
//! Sums run in a fixed order, so the result does not depend on the number of threads.

use crate::language::{Kind, Reduction, Region};
use crate::skin::View;

/// Running result of one column or of the tissue.
#[derive(Debug, Clone, Copy)]
struct Sum {
    value: f64,
    weight: f64,
}

impl Sum {
    fn start(kind: Kind) -> Self {
        let value = match kind {
            Kind::Mean | Kind::Integral => 0.0,
            Kind::Maximum => f64::NEG_INFINITY,
            Kind::Minimum => f64::INFINITY,
        };
        Self { value, weight: 0.0 }
    }

    fn add(&mut self, kind: Kind, value: f64, weight: f64, measure: f64) {
        match kind {
            Kind::Mean => {
                self.value += value * weight * measure;
                self.weight += weight * measure;
            }
            Kind::Integral => self.value += value * measure,
            Kind::Maximum if weight > 0.0 => self.value = self.value.max(value),
            Kind::Minimum if weight > 0.0 => self.value = self.value.min(value),
            Kind::Maximum | Kind::Minimum => {}
        }
    }

    /// The result; an empty region gives zero.
    fn finish(self, kind: Kind) -> f64 {
        match kind {
            Kind::Mean if self.weight > 0.0 => self.value / self.weight,
            Kind::Integral => self.value,
            Kind::Maximum | Kind::Minimum if self.value.is_finite() => self.value,
            _ => 0.0,
        }
    }
}

/// Calls `visit(place, value, weight, length)` for each cell of the region, in a fixed order.
fn visit(
    reduction: &Reduction,
    view: &View<'_>,
    out: &mut Vec<f64>,
    registers: &mut Vec<f64>,
    mut visit: impl FnMut(usize, f64, f64, f64),
) {
    let (plane, stride) = (view.layout.plane, view.layout.stride);
    out.resize(2 * stride, 0.0);
    let mut slab = |program, z, length: f64| {
        // Rows are padded, so vectors may run over their end.
        view.run(program, z, 0..stride, out, registers, &|_| None);
        for place in 0..plane {
            visit(place, out[place], out[stride + place], length);
        }
    };
    match &reduction.region {
        Region::Surface => {
            if let Some(program) = reduction.programs.first().and_then(Option::as_ref) {
                slab(program, 0, 1.0);
            }
        }
        Region::Depth { layers, from, to } => {
            for z in 0..view.layout.nz {
                let layer = view.grid.layer[z];
                let overlap = view.grid.z.faces[z + 1].min(*to) - view.grid.z.faces[z].max(*from);
                if !layers[layer] || overlap <= 0.0 {
                    continue;
                }
                if let Some(program) = &reduction.programs[layer] {
                    slab(program, z, overlap);
                }
            }
        }
    }
}

/// One number for the whole tissue; lateral cells count by their area, unit cells by the weight of their class.
pub fn over_tissue(reduction: &Reduction, view: &View<'_>, lateral: &[f64], scratch: &mut Scratch) -> f64 {
    let kind = reduction.kind;
    let mut sum = Sum::start(kind);
    visit(reduction, view, &mut scratch.out, &mut scratch.registers, |place, value, weight, length| {
        sum.add(kind, value, weight, length * lateral[place]);
    });
    sum.finish(kind)
}

/// One number for each column of cells, into `out[reduction * stride + place]`.
pub fn columns(reductions: &[Reduction], view: &View<'_>, out: &mut [f64], scratch: &mut Scratch) {
    let Scratch { out: values, sums, registers } = scratch;
    for (reduction, row) in reductions.iter().zip(out.chunks_mut(view.layout.stride.max(1))) {
        let kind = reduction.kind;
        sums.clear();
        sums.resize(view.layout.plane, Sum::start(kind));
        visit(reduction, view, values, registers, |place, value, weight, length| {
            sums[place].add(kind, value, weight, length);
        });
        for (value, sum) in row.iter_mut().zip(&*sums) {
            *value = sum.finish(kind);
        }
    }
}

/// Buffers of reductions.
#[derive(Debug, Default)]
pub struct Scratch {
    out: Vec<f64>,
    sums: Vec<Sum>,
    /// For programs.
    pub registers: Vec<f64>,
}
