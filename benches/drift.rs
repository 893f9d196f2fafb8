//! How long it takes to tell what changed between two locks, and that it grows with the classes.

#![allow(clippy::expect_used, reason = "a bench may fail loudly")]

mod generate;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use parse_audit::drift::drift;

const ROLES: u64 = 40;

const CHANGES: u64 = 30;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("drift");
    for classes in [100, 200, 500] {
        let (from, to) = generate::locks::pair(classes, ROLES, CHANGES);
        let told = drift(&from, &to, &|_| false);
        assert!(told.changes.len() > 10, "most changes matter to somebody");
        group.throughput(Throughput::Elements(classes));
        group.bench_function(BenchmarkId::from_parameter(classes), |bench| {
            bench.iter(|| drift(black_box(&from), black_box(&to), &|_| false));
        });
    }
    group.finish();
    criterion.final_summary();
}
