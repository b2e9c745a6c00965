//! What the program is meant to reach, beside what it does reach.

use crate::study::bench::report::{Report, Target};

/// Updates a second that are aimed at on one thread and on two, by kernel: four times the best published kernel of implicit
/// diffusion (PhysiCore, BSC Life Sciences), three times a Gray–Scott kernel compiled by numba on the same kind of machine,
/// and for the coupled step what the sweeps of its four stages would leave.
const SPEEDS: [(&str, &str, [Option<f64>; 2]); 3] = [
    ("diffusion_implicit", "implicit diffusion", [Some(1.0e9), Some(1.9e9)]),
    ("gray_scott_explicit", "explicit Gray–Scott", [Some(1.35e9), Some(2.0e9)]),
    ("step_default", "coupled step, fields and cells", [None, Some(250e6)]),
];

/// Kinetics by the language may take so many times those by hand, and those by hand so many times what divisions and memory
/// allow.
const KINETICS: f64 = 1.5;

/// The aims of the kernels, for the numbers of threads for which there are any.
pub fn targets(report: &Report) -> Vec<Target> {
    let mut all = Vec::new();
    for (name, work, wanted) in SPEEDS {
        for kernel in report.kernels.iter().filter(|kernel| kernel.name == name) {
            let Some(Some(wanted)) = kernel.threads.checked_sub(1).and_then(|at| wanted.get(at)) else { continue };
            all.push(Target {
                work: work.into(),
                threads: kernel.threads,
                unit: "M updates/s".into(),
                wanted: 1e-6 * wanted,
                reached: 1e-6 * kernel.updates_per_second,
                more: true,
            });
        }
    }
    for language in &report.language {
        let Some(hand) = language.by_hand else { continue };
        let mut ratio = |work: &str, reached: f64| {
            let (threads, unit) = (language.threads, "times".to_owned());
            all.push(Target { work: work.into(), threads, unit, wanted: KINETICS, reached, more: false });
        };
        ratio("kinetics by the language over those by hand", language.by_language / hand);
        ratio("kinetics by hand over the limits of the machine", hand / language.least);
    }
    all
}
