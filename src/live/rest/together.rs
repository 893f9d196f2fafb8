//! Several questions at the same time, few enough for a server that has other work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::http::CONNECTIONS;

use super::Missing;

/// Asks about each of `things`; the answers are in their order. Where the server turns out to be gone the rest is not asked.
pub fn together<T: Sync, A: Send>(
    things: &[T],
    ask: impl Fn(&T) -> Result<A, Missing> + Sync,
) -> Vec<Option<Result<A, Missing>>> {
    let next = AtomicUsize::new(0);
    let is_gone = AtomicBool::new(false);
    let answers: Vec<_> = things.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while !is_gone.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let (Some(thing), Some(place)) = (things.get(number), answers.get(number)) else { return };
            let answer = ask(thing);
            if matches!(answer, Err(Missing::Everything(_))) {
                is_gone.store(true, Ordering::Relaxed);
            }
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        }
    };
    thread::scope(|scope| {
        for _ in 1..CONNECTIONS.min(things.len()) {
            scope.spawn(work);
        }
        work();
    });
    answers.into_iter().map(|answer| answer.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}
