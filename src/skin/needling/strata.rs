//! Classes of depth for unit cells, and the blood that stays around a hole.

use super::session::SessionSetup;
use super::tear::Cut;
use super::vessel::{CLASSES, Ruptures};
use super::{Hole, Puncture, empty};
use crate::skin::mechanics::channel::NeedleShape;

/// Blood that stays in the tissue when so many vessels of each class rupture.
pub(super) fn blood(numbers: &SessionSetup, ruptures: &Ruptures, counts: [f64; CLASSES]) -> Vec<[f64; 3]> {
    let retained = |class: usize| counts[class] * numbers.beds[class].shed * numbers.beds[class].retained;
    (0..CLASSES)
        .filter(|class| retained(*class) > 0.0)
        // A drop has a size: blood of a vessel at one depth still spreads along the channel.
        .map(|class| [ruptures.centre[class], ruptures.spread[class].max(2e-5), retained(class)])
        .collect()
}

/// Equally frequent classes of depth.
pub(super) fn classes(numbers: &SessionSetup, holes: &[Hole], strata: usize) -> Vec<(f64, Puncture)> {
    let mut order: Vec<&Hole> = holes.iter().collect();
    order.sort_by(|a, b| a.puncture.depth.total_cmp(&b.puncture.depth));
    let strata = strata.clamp(1, 1000).min(order.len());
    (0..strata)
        .map(|class| {
            let members = &order[class * order.len() / strata..(class + 1) * order.len() / strata];
            let count = members.len() as f64;
            let mean = |of: &dyn Fn(&Hole) -> f64| members.iter().map(|hole| of(hole)).sum::<f64>() / count;
            let mut all = Ruptures::default();
            for bed in 0..CLASSES {
                let sum = mean(&|hole| hole.ruptures.mean[bed]);
                all.mean[bed] = sum;
                if sum > 0.0 {
                    let centre = mean(&|hole| hole.ruptures.mean[bed] * hole.ruptures.centre[bed]) / sum;
                    let away =
                        |hole: &Hole| hole.ruptures.spread[bed].powi(2) + (hole.ruptures.centre[bed] - centre).powi(2);
                    all.centre[bed] = centre;
                    all.spread[bed] = (mean(&|hole| hole.ruptures.mean[bed] * away(hole)) / sum).sqrt();
                }
            }
            let puncture = Puncture {
                depth: mean(&|hole| hole.puncture.depth),
                needle: NeedleShape { tip_radius: mean(&|hole| hole.puncture.needle.tip_radius), ..numbers.needle },
                wall_stretch: numbers.wall_stretch,
                drag: mean(&|hole| hole.puncture.drag),
                cut: Cut::mean(members.iter().map(|hole| hole.puncture.cut)),
                blood: blood(numbers, &all, all.mean),
                ruptures: all.mean,
                strokes: mean(&|hole| f64::from(hole.puncture.strokes)).round() as u32,
                reach: mean(&|hole| hole.puncture.reach),
                ..empty()
            };
            (count / order.len() as f64, puncture)
        })
        .collect()
}
