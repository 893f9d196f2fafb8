//! Why servers did not answer the last time they were greeted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often in a row each server failed, and why, by its address.
type ByAddress = BTreeMap<String, (u32, String)>;

/// What is known of servers that do not answer. Copies know the same.
#[derive(Debug, Clone, Default)]
pub struct Failures(Arc<Mutex<ByAddress>>);

impl Failures {
    /// A server failed once more.
    pub fn add(&self, address: String, why: String) {
        let mut failures = self.lock();
        let known = failures.entry(address).or_default();
        *known = (known.0 + 1, why);
    }

    /// A server answers.
    pub fn forget(&self, address: &str) {
        self.lock().remove(address);
    }

    /// Whether at least so many servers failed, each more than once: once may be bad luck.
    pub fn are_all(&self, servers: usize) -> bool {
        let failures = self.lock();
        failures.len() >= servers && failures.values().all(|(times, _)| *times > 1)
    }

    /// Why no server was found.
    pub fn why(&self) -> String {
        let failures = self.lock();
        let all: Vec<_> = failures.iter().map(|(address, (_, why))| (address, why.as_str())).collect();
        match all.as_slice() {
            [] => "no server answers that `replicaSet`, `directConnection` and `readPreference` allow".to_owned(),
            [(_, why)] => (*why).to_owned(),
            // Members of a replica set may know each other by names that nobody else knows.
            several => {
                let named: Vec<String> =
                    several.iter().take(3).map(|(address, why)| format!("{address}: {why}")).collect();
                named.join("; ")
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ByAddress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
