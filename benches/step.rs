//! What does a day of healing cost, by the number of threads? One session on the cheek, default model and grid.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use dermasim::run;
use dermasim::scenario::Scenario;

#[global_allocator]
static MEMORY: dermasim::base::memory::FromLines = dermasim::base::memory::FromLines;

fn one_day(criterion: &mut Criterion) {
    let text =
        "tissue = \"cheek\"\n[needling]\ndevice = \"skinpen\"\nlength = \"1.5 mm\"\n[course]\nfollowed = \"1 d\"\n";
    let plan = Arc::new(Scenario::from_text("bench", text).plan().expect("a plan"));
    let mut group = criterion.benchmark_group("one_day");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        group.bench_function(format!("{threads}_threads"), |bencher| {
            bencher.iter(|| pool.install(|| black_box(run::run(&plan, &mut |_| true).expect("a run"))));
        });
    }
    group.finish();
}

criterion_group!(benches, one_day);
criterion_main!(benches);
