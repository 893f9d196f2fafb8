//! The part of a stream that is looked at, for readers that know how long things are before they come.

use std::io::{self, Read};

/// Bytes that are taken from the stream at once.
const CHUNK: usize = 256 << 10;

/// Bytes of a stream that were read and not stepped over.
#[derive(Debug)]
pub struct Window<R> {
    from: R,
    buffer: Vec<u8>,
    at: usize,
    /// What is behind it in the buffer was not read yet.
    end: usize,
    before: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    /// The beginning of a stream.
    pub fn new(from: R) -> Self {
        Self { from, buffer: Vec::new(), at: 0, end: 0, before: 0, ended: false }
    }

    /// Bytes of the stream that were stepped over.
    pub fn position(&self) -> u64 {
        self.before + self.at as u64
    }

    /// What was read.
    #[inline]
    pub fn ahead(&self) -> &[u8] {
        self.buffer.get(self.at..self.end).unwrap_or_default()
    }

    /// Steps over so many bytes of what was read, and gives them.
    #[inline]
    pub fn step(&mut self, bytes: usize) -> &[u8] {
        let start = self.at;
        self.at = self.end.min(start.saturating_add(bytes));
        self.buffer.get(start..self.at).unwrap_or_default()
    }

    /// Whether so many bytes are ahead, reading more if need be. Room is made for what comes, not for what is
    /// promised.
    ///
    /// # Errors
    ///
    /// The stream cannot be read; then it ends here.
    #[inline]
    pub fn has(&mut self, bytes: usize) -> io::Result<bool> {
        if self.end - self.at >= bytes {
            return Ok(true);
        }
        self.fill(bytes)
    }

    fn fill(&mut self, bytes: usize) -> io::Result<bool> {
        while self.end - self.at < bytes && !self.ended {
            self.buffer.copy_within(self.at..self.end, 0);
            self.before += self.at as u64;
            self.end -= self.at;
            self.at = 0;
            let wanted = self.end + CHUNK.max(bytes.min(self.end));
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted, 0);
            }
            match self.from.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(read) => {
                    self.end += read;
                    self.ended = read == 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
        Ok(self.end - self.at >= bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, then fails.
    struct Slow(u8);

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match (into.first_mut(), self.0) {
                (_, 2) => Err(io::ErrorKind::Interrupted.into()),
                (Some(byte), 0..9) => {
                    *byte = self.0;
                    Ok(1)
                }
                _ => Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }

    #[test]
    fn what_comes_in_pieces_is_put_together_and_no_room_is_made_for_what_is_only_promised() {
        let mut window = Window::new(Slow(0));
        assert!(window.has(3).unwrap());
        assert_eq!((window.step(2).to_vec(), window.ahead(), window.position()), (vec![1, 3], [4].as_slice(), 2));
        assert!(window.has(5).unwrap());
        assert_eq!(window.step(99), [4, 5, 6, 7, 8]);
        assert!(window.has(1).is_err());
        assert!(!window.has(1).unwrap());

        let mut window = Window::new([7; 100].as_slice());
        assert!(!window.has(1 << 40).unwrap());
        assert!(window.buffer.len() < 4 * CHUNK && window.ahead() == [7; 100]);
    }
}
