//! What does the model language cost against the same kinetics written by hand? Updates are cells of the dermis.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dermasim::study::bench::{Kinetics, pool};

#[global_allocator]
static MEMORY: dermasim::base::memory::FromLines = dermasim::base::memory::FromLines;

fn dermis(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kinetics");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    let pool = pool(1).expect("a thread");
    let mut kinetics = pool.install(Kinetics::healing).expect("healing skin");
    group.throughput(Throughput::Elements(kinetics.cells() as u64));
    group.bench_function("language", |bencher| pool.install(|| bencher.iter(|| kinetics.by_language())));
    match kinetics.disagreement() {
        Ok(_) => {
            group.bench_function("by_hand", |bencher| pool.install(|| bencher.iter(|| kinetics.by_hand())));
        }
        Err(why) => println!("the kinetics by hand are not of this model any more: {why}"),
    }
    group.finish();
}

criterion_group!(benches, dermis);
criterion_main!(benches);
