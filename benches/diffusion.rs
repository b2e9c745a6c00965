//! How fast are the implicit sweeps, whole and by part, in a cache and out of it? Updates are fields of cells.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dermasim::study::bench::{DiffusionKernel, pool};

#[global_allocator]
static MEMORY: dermasim::base::memory::FromLines = dermasim::base::memory::FromLines;

fn sweeps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("diffusion");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for (name, cells, fields) in [("32x32x32x8", [32, 32, 32], 8), ("96x96x96x8", [96, 96, 96], 8)] {
        group.throughput(Throughput::Elements((cells.iter().product::<usize>() * fields) as u64));
        for threads in [1, 2] {
            let pool = pool(threads).expect("threads");
            let mut diffusion = pool.install(|| DiffusionKernel::new(cells, fields)).expect("a block");
            for part in ["whole", "lateral", "depth"] {
                let run = match part {
                    "lateral" => DiffusionKernel::lateral,
                    "depth" => DiffusionKernel::depth,
                    _ => DiffusionKernel::run,
                };
                group.bench_function(format!("{name}/{part}/{threads}"), |bencher| {
                    pool.install(|| bencher.iter(|| run(&mut diffusion)));
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, sweeps);
criterion_main!(benches);
