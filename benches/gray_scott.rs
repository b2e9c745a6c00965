//! How fast is explicit stepping, by the size of the block? Updates are cells, each with both fields, and steps.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dermasim::study::bench::{GrayScott, pool};

#[global_allocator]
static MEMORY: dermasim::base::memory::FromLines = dermasim::base::memory::FromLines;

fn explicit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gray_scott");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for side in [32, 64, 128] {
        for threads in [1, 2] {
            let pool = pool(threads).expect("threads");
            let mut block = pool.install(|| GrayScott::new([side; 3])).expect("a block");
            group.throughput(Throughput::Elements((side * side * side * block.steps()) as u64));
            group.bench_function(format!("{side}/{threads}"), |bencher| pool.install(|| bencher.iter(|| block.run())));
        }
    }
    group.finish();
}

criterion_group!(benches, explicit);
criterion_main!(benches);
