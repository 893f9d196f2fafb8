//! How many bytes of rows one core counts in a second, by the form they are written in.

#![allow(clippy::expect_used, reason = "a bench may fail loudly")]

mod generate;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use generate::Form;
use parse_audit::model::{ClassName, FileId};
use parse_audit::read::Silent;
use parse_audit::read::count::count;
use parse_audit::read::parts::{RowForm, Rows};
use parse_audit::read::source::{Bytes, Candidate};

const BYTES: usize = 64 << 20;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("census");
    let class = ClassName::from("Post");
    for (name, made, form) in [
        ("rest", Form::Rest, RowForm::Json),
        ("lines", Form::Lines, RowForm::Json),
        ("bson", Form::Bson, RowForm::Bson),
    ] {
        let bytes = generate::rows(made, BYTES);
        let size = bytes.len() as u64;
        let candidate = Candidate {
            file: FileId(0),
            path: name.to_owned(),
            name: name.to_owned(),
            bytes: Bytes::Memory(Arc::from(bytes)),
            size,
            asked: true,
        };
        let rows = Rows { class: None, form };
        let (counted, problem) = count(&candidate, &rows, Some(&class), None, &Silent);
        assert!(problem.is_none(), "the rows are well-formed");
        let census = counted.first().and_then(|counted| counted.census.as_ref()).expect("a census");
        assert!(census.rows() > 100_000 && census.unreadable == 0, "every row is counted");
        group.throughput(Throughput::Bytes(size));
        group.bench_function(name, |bench| {
            bench.iter(|| count(black_box(&candidate), &rows, Some(&class), None, &Silent));
        });
    }
    group.finish();
    criterion.final_summary();
}
