//! Keys that are kept to ask a server about them, and for nothing else: the only way
//! on which one leaves the scanner. They are wiped with the scanner.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

/// Keys by their digests.
#[derive(Default)]
pub struct Kept(Mutex<BTreeMap<String, Zeroizing<String>>>);

impl Kept {
    /// Keeps a key. One that is no text cannot be sent, and is not kept.
    pub fn add(&self, digest: &str, key: &[u8]) {
        if let Ok(key) = std::str::from_utf8(key) {
            let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            keys.entry(digest.to_owned()).or_insert_with(|| Zeroizing::new(key.to_owned()));
        }
    }

    /// The keys in the order of their digests.
    pub fn all(&self) -> Vec<(String, Zeroizing<String>)> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|(digest, key)| (digest.clone(), key.clone())).collect()
    }
}
