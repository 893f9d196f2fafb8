//! How fast code is lowered and analysed, and that both grow with the app.

#![allow(clippy::expect_used, reason = "a bench may fail loudly")]

mod generate;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use parse_audit::code::analysis::analyse;
use parse_audit::code::lower::{Source, lower_all};
use parse_audit::code::risk::{FlowRule, Sinks};
use parse_audit::model::FileId;
use parse_audit::read::{Input, Reading, Settings, Silent, read};
use parse_audit::rules::loader::built_in;
use parse_audit::rules::program::Program;
use parse_audit::rules::words::Words;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let rules = built_in().expect("the built-in rules");
    let program = Program::new(rules, Words::new(Vec::new()).expect("the built-in words"));
    let sinks = Sinks::new(program.flows().map(|(id, matcher)| FlowRule { id: id.as_str(), matcher }));
    for times in [1, 4, 16] {
        let files = generate::code::app(times);
        let bytes = files.values().map(String::len).sum::<usize>() as u64;
        let sources: Vec<Source<'_>> =
            files.iter().zip(0..).map(|((path, text), file)| Source { file: FileId(file), path, text }).collect();
        let mut lowering = criterion.benchmark_group("lowering");
        lowering.throughput(Throughput::Bytes(bytes));
        lowering.bench_function(BenchmarkId::from_parameter(times), |bench| {
            bench.iter(|| lower_all(black_box(&sources)));
        });
        lowering.finish();

        let reading = reading(times);
        let mut analysis = criterion.benchmark_group("analysis");
        analysis.throughput(Throughput::Bytes(bytes));
        analysis.bench_function(BenchmarkId::from_parameter(times), |bench| {
            bench.iter(|| analyse(black_box(&reading.snapshot.app), &sinks));
        });
        analysis.finish();
    }
    criterion.final_summary();
}

fn reading(times: u64) -> Reading {
    let reading = read(&Input::Memory(generate::code::app(times)), &Settings::default(), &Silent);
    assert_eq!(reading.problems, [], "the app is well-formed");
    let analysis = analyse(&reading.snapshot.app, &Sinks::default());
    assert_eq!(analysis.handlers.len() as u64, times * generate::code::HANDLERS, "all handlers are seen");
    assert_eq!((analysis.unloaded, analysis.cut), (Vec::new(), Vec::new()), "and followed to the end");
    reading
}
