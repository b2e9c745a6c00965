//! One number out of many cells: means, integrals and extremes over a region, for the whole domain or for each column.
//!
//! Sums run in a fixed order, so the result does not depend on the number of threads.

use rayon::prelude::*;

use crate::engine::language::{Bundle, Operands, Program, Reduction, ReductionKind, Region};
use crate::engine::medium::View;

/// Places computed at once, a multiple of a vector.
const BLOCK: usize = 128;

/// Running result of one column or of the domain.
#[derive(Debug, Clone, Copy)]
struct Sum {
    value: f64,
    weight: f64,
}

impl Sum {
    fn start(kind: ReductionKind) -> Self {
        let value = match kind {
            ReductionKind::Mean | ReductionKind::Integral => 0.0,
            ReductionKind::Maximum => f64::NEG_INFINITY,
            ReductionKind::Minimum => f64::INFINITY,
        };
        Self { value, weight: 0.0 }
    }

    fn add(&mut self, kind: ReductionKind, value: f64, weight: f64, measure: f64) {
        self.join(kind, Self::of(kind, value, weight, measure));
    }

    /// What one cell contributes.
    #[inline(always)]
    fn of(kind: ReductionKind, value: f64, weight: f64, measure: f64) -> Self {
        match kind {
            ReductionKind::Mean => Self { value: value * weight * measure, weight: weight * measure },
            ReductionKind::Integral => Self { value: value * measure, weight: measure },
            ReductionKind::Maximum | ReductionKind::Minimum if weight > 0.0 => Self { value, weight: measure },
            ReductionKind::Maximum | ReductionKind::Minimum => Self::start(kind),
        }
    }

    #[inline(always)]
    fn join(&mut self, kind: ReductionKind, other: Self) {
        match kind {
            ReductionKind::Mean | ReductionKind::Integral => self.value += other.value,
            // What is not a number stays that, which `f64::max` would drop.
            ReductionKind::Maximum if other.value > self.value || other.value.is_nan() => self.value = other.value,
            ReductionKind::Minimum if other.value < self.value || other.value.is_nan() => self.value = other.value,
            ReductionKind::Maximum | ReductionKind::Minimum => {}
        }
        self.weight += other.weight;
    }

    /// Adds a row of cells, lane by lane: compiled for each kind, so that lanes are vectors.
    fn add_row(&mut self, kind: ReductionKind, values: &[f64], weights: &[f64], measures: &[f64], length: f64) {
        match kind {
            ReductionKind::Mean => self.add_lanes(|| ReductionKind::Mean, values, weights, measures, length),
            ReductionKind::Integral => self.add_lanes(|| ReductionKind::Integral, values, weights, measures, length),
            ReductionKind::Maximum => self.add_lanes(|| ReductionKind::Maximum, values, weights, measures, length),
            ReductionKind::Minimum => self.add_lanes(|| ReductionKind::Minimum, values, weights, measures, length),
        }
    }

    #[inline(always)]
    fn add_lanes(
        &mut self,
        kind: impl Fn() -> ReductionKind,
        values: &[f64],
        weights: &[f64],
        measures: &[f64],
        length: f64,
    ) {
        const LANES: usize = 8;
        let mut lanes = [Self::start(kind()); LANES];
        let (values, values_left) = values.as_chunks::<LANES>();
        let (weights, weights_left) = weights.as_chunks::<LANES>();
        let (measures, measures_left) = measures.as_chunks::<LANES>();
        for ((value, weight), measure) in values.iter().zip(weights).zip(measures) {
            for lane in 0..LANES {
                lanes[lane].join(kind(), Self::of(kind(), value[lane], weight[lane], length * measure[lane]));
            }
        }
        for ((value, weight), measure) in values_left.iter().zip(weights_left).zip(measures_left) {
            lanes[0].join(kind(), Self::of(kind(), *value, *weight, length * measure));
        }
        lanes.into_iter().for_each(|lane| self.join(kind(), lane));
    }

    /// The result. A region without cells gives zero: the medium lacks the layer. A mean without weight is not a number.
    fn finish(self, kind: ReductionKind, cells: bool) -> f64 {
        match kind {
            _ if !cells => 0.0,
            ReductionKind::Mean => self.value / self.weight,
            ReductionKind::Integral => self.value,
            ReductionKind::Maximum | ReductionKind::Minimum if self.weight > 0.0 => self.value,
            ReductionKind::Maximum | ReductionKind::Minimum => f64::NAN,
        }
    }
}

/// Calls `visit(values, weights, length)` for each depth of the region, in a fixed order.
fn visit(
    reduction: &Reduction,
    view: &View<'_>,
    out: &mut Vec<f64>,
    registers: &mut Vec<f64>,
    mut visit: impl FnMut(&[f64], &[f64], f64),
) {
    let (plane, stride) = (view.layout.plane, view.layout.stride);
    out.resize(2 * stride, 0.0);
    let mut slab = |program, z, length: f64| {
        // Rows are padded, so vectors may run over their end.
        view.run(program, z, 0..stride, out, registers, &|_| None);
        visit(&out[..plane], &out[stride..][..plane], length);
    };
    for z in 0..view.layout.nz {
        if let Some((program, length)) = at(&reduction.region, &reduction.programs, view, z) {
            slab(program, z, length);
        }
    }
}

/// The program of a region at a depth, and the length over which its values count there [m]; 1 on the surface.
fn at<'a>(region: &Region, programs: &'a [Option<Program>], view: &View<'_>, z: usize) -> Option<(&'a Program, f64)> {
    match region {
        Region::Surface => Some((programs.first()?.as_ref().filter(|_| z == 0)?, 1.0)),
        Region::Depth { layers, from, to } => {
            let layer = view.grid.layer[z];
            let overlap = view.grid.z.faces[z + 1].min(*to) - view.grid.z.faces[z].max(*from);
            let program = programs[layer].as_ref().filter(|_| layers[layer] && overlap > 0.0)?;
            Some((program, overlap))
        }
    }
}

/// All reductions over the domain, in SI units and in their order, `count` of them. Lateral cells count by their area, unit cells by
/// the weight of their class: `lateral` has a value for each place, which together make 1.
/// Depths are shared out; what they contribute is added in their order.
pub fn over_domain(bundles: &[Bundle], count: usize, view: &View<'_>, lateral: &[f64]) -> Vec<f64> {
    let start = || {
        let mut sums = vec![Sum::start(ReductionKind::Mean); count];
        bundles.iter().flat_map(|bundle| &bundle.members).for_each(|&(kind, index)| sums[index] = Sum::start(kind));
        sums
    };
    let at_depth = |ReductionScratch { out, registers, .. }: &mut ReductionScratch, z: usize| {
        let mut sums = start();
        for bundle in bundles {
            let Some((program, length)) = at(&bundle.region, &bundle.programs, view, z) else { continue };
            let mut operands = Operands::default();
            let mut bound = view.bind(program, z, 0..view.layout.stride, &mut operands, registers, &|_| None);
            out.resize(program.outputs * BLOCK, 0.0);
            for from in (0..view.layout.plane).step_by(BLOCK) {
                // Rows are padded, so vectors may run over their end.
                bound.run(from..(from + BLOCK).min(view.layout.stride), out, BLOCK);
                let cells = from..(from + BLOCK).min(view.layout.plane);
                for (&(kind, index), out) in bundle.members.iter().zip(out.chunks_exact(2 * BLOCK)) {
                    let (values, weights) = out.split_at(BLOCK);
                    let (values, weights) = (&values[..cells.len()], &weights[..cells.len()]);
                    sums[index].add_row(kind, values, weights, &lateral[cells.clone()], length);
                }
            }
        }
        sums
    };
    let depths: Vec<Vec<Sum>> = (0..view.layout.nz)
        .into_par_iter()
        .map_init(ReductionScratch::default, |scratch, z| at_depth(scratch, z))
        .collect();
    let mut sums = start();
    let mut values = vec![0.0; count];
    for bundle in bundles {
        let cells = (0..view.layout.nz).any(|z| at(&bundle.region, &bundle.programs, view, z).is_some());
        for &(kind, index) in &bundle.members {
            depths.iter().for_each(|depth| sums[index].join(kind, depth[index]));
            values[index] = sums[index].finish(kind, cells);
        }
    }
    values
}

/// One number for each column of cells, into `out[reduction * stride + place]`.
pub fn columns(reductions: &[Reduction], view: &View<'_>, out: &mut [f64], scratch: &mut ReductionScratch) {
    let ReductionScratch { out: buffer, sums, registers } = scratch;
    for (reduction, row) in reductions.iter().zip(out.chunks_mut(view.layout.stride.max(1))) {
        let kind = reduction.kind;
        sums.clear();
        sums.resize(view.layout.plane, Sum::start(kind));
        let mut cells = false;
        visit(reduction, view, buffer, registers, |values, weights, length| {
            cells = true;
            for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
                sum.add(kind, *value, *weight, length);
            }
        });
        for (value, sum) in row.iter_mut().zip(&*sums) {
            *value = sum.finish(kind, cells);
        }
    }
}

/// Buffers of reductions.
#[derive(Debug, Default)]
pub struct ReductionScratch {
    out: Vec<f64>,
    sums: Vec<Sum>,
    /// For programs.
    pub registers: Vec<f64>,
}
