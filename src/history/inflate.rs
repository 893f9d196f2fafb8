//! Unpacks what git deflated. The only file that knows with what.

use std::io::{self, Read};

use libdeflater::Decompressor;
use zeroize::Zeroizing;

/// Unpacks one object after the other.
pub struct Inflate {
    whole: Decompressor,
}

impl Default for Inflate {
    fn default() -> Self {
        Self { whole: Decompressor::new() }
    }
}

impl Inflate {
    /// Unpacks into a buffer whose length is that of the contents; whether they are intact.
    /// What follows them in `packed` is not looked at.
    pub fn fill(&mut self, packed: &[u8], buffer: &mut [u8]) -> bool {
        self.whole.zlib_decompress(packed, buffer).is_ok_and(|length| length == buffer.len())
    }
}

/// Unpacks what is not known to have any length, as far as `most` bytes.
pub fn all(packed: &[u8], most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(packed.len().saturating_mul(4)));
    flate2::read::ZlibDecoder::new(packed).take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
