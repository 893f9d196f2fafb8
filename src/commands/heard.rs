//! Output whose reader may see enough of it and go. What a command found, and what else it writes, does not depend on
//! that.

use std::io::{self, StdoutLock, Write};

/// Writes for as long as somebody reads; what comes then is dropped.
pub struct Heard<W> {
    out: W,
    is_over: bool,
}

/// Standard output.
pub fn stdout() -> Heard<StdoutLock<'static>> {
    Heard::new(io::stdout().lock())
}

impl<W: Write> Heard<W> {
    /// Output that is read until now.
    pub fn new(out: W) -> Self {
        Self { out, is_over: false }
    }

    /// Does something with the output; `otherwise` is what comes of it if nobody reads any more.
    fn with<T>(&mut self, otherwise: T, what: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.is_over {
            return Ok(otherwise);
        }
        match what(&mut self.out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_over = true;
                Ok(otherwise)
            }
            done => done,
        }
    }
}

impl<W: Write> Write for Heard<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with((), W::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then nobody reads.
    struct Leaves(usize, io::ErrorKind);

    impl Write for Leaves {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.checked_sub(bytes.len()) {
                Some(left) => self.0 = left,
                None => return Err(self.1.into()),
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_nobody_reads_is_dropped_and_other_errors_are_told() {
        let mut out = Heard::new(Leaves(4, io::ErrorKind::BrokenPipe));
        out.write_all(b"abc").unwrap();
        assert!(!out.is_over);
        out.write_all(b"de").unwrap();
        assert!(out.is_over && out.flush().is_ok());
        out.write_all(b"f").unwrap();
        assert_eq!(out.out.0, 1, "nothing is written behind a gap");
        let mut out = Heard::new(Leaves(4, io::ErrorKind::StorageFull));
        assert_eq!(out.write_all(b"abcde").unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
