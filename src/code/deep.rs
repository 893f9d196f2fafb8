//! Threads with stacks for what recurses as deep as code is nested and calls go: reading
//! a file of code, walking through it.

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Stack of each thread in bytes; the system gives what is used of it. The highest tree that
/// `guard` lets through fits also without optimisation; see its tests.
const STACK: usize = 256 << 20;

static POOL: LazyLock<Result<ThreadPool, ThreadPoolBuildError>> =
    LazyLock::new(|| ThreadPoolBuilder::new().stack_size(STACK).build());

/// The system gives no further threads.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no thread could be started: {0}")]
pub struct NoThreads(&'static ThreadPoolBuildError);

/// Runs something on these threads; parallel iterators in it use all of them.
///
/// # Errors
///
/// The system gives no threads. A panic goes on in the caller.
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, NoThreads> {
    match &*POOL {
        Ok(pool) => Ok(pool.install(work)),
        Err(error) => Err(NoThreads(error)),
    }
}
