//! What does a tighter tolerance cost? The first week after a session in one unit cell.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use dermasim::run;
use dermasim::scenario::Scenario;

#[global_allocator]
static MEMORY: dermasim::base::memory::FromLines = dermasim::base::memory::FromLines;

fn one_week(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tolerance");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for tolerance in ["1e-2", "1e-3", "1e-4"] {
        let text = format!(
            "tissue = \"cheek\"\n[needling]\nlength = \"1.5 mm\"\n[course]\nfollowed = \"7 d\"\n
            [grid]\nstrata = 1\nresolution = 0.7\n[stepping]\ntolerance = {tolerance}\n"
        );
        let plan = Arc::new(Scenario::from_text("bench", &text).plan().expect("a plan"));
        group.bench_function(tolerance, |bencher| {
            bencher.iter(|| black_box(run::run(&plan, &mut |_| true).expect("a run")));
        });
    }
    group.finish();
}

criterion_group!(benches, one_week);
criterion_main!(benches);
