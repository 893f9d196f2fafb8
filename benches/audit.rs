//! How long the rules and the access matrix take, and that both grow with the classes.

#![allow(clippy::expect_used, reason = "a bench may fail loudly")]

mod generate;

use std::hint::black_box;
use std::io;

use criterion::{BenchmarkId, Criterion, Throughput};
use parse_audit::audit::audit;
use parse_audit::read::{Input, Reading, Settings, Silent, read};
use parse_audit::report::csv::CsvReporter;
use parse_audit::report::{Report, Reporter};
use parse_audit::rules::loader::built_in;
use parse_audit::rules::program::Program;
use parse_audit::rules::words::Words;

const ROLES: u64 = 300;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let rules = built_in().expect("the built-in rules");
    let program = Program::new(rules, Words::new(Vec::new()).expect("the built-in words"));
    let today = jiff::civil::date(2026, 1, 1);
    for classes in [100, 300, 1000] {
        let reading = reading(classes);
        let mut rules = criterion.benchmark_group("rules");
        rules.throughput(Throughput::Elements(classes));
        rules.bench_function(BenchmarkId::from_parameter(classes), |bench| {
            bench.iter(|| audit(black_box(&reading.snapshot), &program, Vec::new(), today));
        });
        rules.finish();

        let outcome = audit(&reading.snapshot, &program, Vec::new(), today);
        let report = Report::new(&reading.snapshot, &outcome, &program, &reading.problems);
        let mut matrix = criterion.benchmark_group("matrix");
        matrix.throughput(Throughput::Elements(classes));
        matrix.bench_function(BenchmarkId::from_parameter(classes), |bench| {
            bench.iter(|| CsvReporter.write(black_box(&report), &mut io::sink()).expect("nothing can fail"));
        });
        matrix.finish();
    }
    criterion.final_summary();
}

fn reading(classes: u64) -> Reading {
    let reading = read(&Input::Memory(generate::app(classes, ROLES)), &Settings::default(), &Silent);
    assert_eq!(reading.problems, [], "the app is well-formed");
    assert_eq!(reading.snapshot.app.classes.len() as u64, classes + 1, "and `_Role`");
    assert_eq!(reading.snapshot.app.role_names().len() as u64, ROLES);
    reading
}
