//! Goes through the objects of a pack, each made from the one before it.
//!
//! Depth first, so that few objects are unpacked at once. Buffers are used again and are
//! wiped in the end. What is held is bounded: beyond it the objects nearest to the root
//! are given up, and made again when they are needed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use zeroize::Zeroizing;

use crate::secrets::ranges::Copied;

use super::delta;
use super::ids::{NONE, Object};
use super::inflate::Inflate;
use super::pack::{Entry, Kind, Pack};

/// Larger objects are not unpacked.
pub const LARGEST: u64 = 64 << 20;

/// Bytes of objects that are held at once for each thread, beside the one at work and its base.
const HELD: usize = 48 << 20;

type Buffer = Zeroizing<Vec<u8>>;

/// Is shown objects.
pub trait Visit: Sync {
    /// What is kept of an object for those that were made from it.
    type State;
    /// What comes out, for each thread.
    type Out: Default + Send;

    /// Whether an object is to be shown.
    fn wants(&self, object: Object, kind: Kind) -> bool;

    /// An object, and if one that was shown lies before it, what was kept of that one and
    /// which bytes are the same.
    fn visit(
        &self,
        object: Object,
        kind: Kind,
        bytes: &[u8],
        before: Option<(&Self::State, &[Copied])>,
        out: &mut Self::Out,
    ) -> Self::State;
}

/// What came out of a pack.
pub struct Resolved<O> {
    /// What each thread made.
    pub out: Vec<O>,
    /// Objects that are too large.
    pub large: u64,
    /// Objects that could not be read.
    pub unreadable: u64,
}

/// Shows all objects of a pack that are wanted.
pub fn resolve<V: Visit>(pack: &Pack, visitor: &V) -> Resolved<V::Out> {
    let (needed, wanted) = needed(pack, visitor);
    let roots = roots(pack, &needed);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads().min(roots.len()) {
            scope.spawn(|_| {
                let mut walk = Walk::new(pack, visitor, &needed);
                while let Some(root) = roots.get(next.fetch_add(1, Ordering::Relaxed)) {
                    walk.family(*root);
                }
                if let Ok(mut done) = done.lock() {
                    done.push((walk.out, walk.seen, walk.large));
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_default();
    let seen: u64 = done.iter().map(|(_, seen, _)| seen).sum();
    let large: u64 = done.iter().map(|(_, _, large)| large).sum();
    let unreadable = wanted.saturating_sub(seen + large);
    Resolved { out: done.into_iter().map(|(out, _, _)| out).collect(), large, unreadable }
}

/// Which entries are wanted, or lead to one that is, and how many are wanted.
fn needed<V: Visit>(pack: &Pack, visitor: &V) -> (Vec<bool>, u64) {
    let mut needed = vec![false; pack.entries.len()];
    let mut wanted = 0;
    for (number, entry) in pack.entries.iter().enumerate() {
        if !visitor.wants(entry.object, entry.kind) {
            continue;
        }
        wanted += 1;
        let mut at = number;
        while let Some(is_needed) = needed.get_mut(at).filter(|is_needed| !**is_needed) {
            *is_needed = true;
            at = pack.entries.get(at).map_or(usize::MAX, |entry| entry.base as usize);
        }
    }
    (needed, wanted)
}

/// Objects that were made from nothing, those of large families first.
fn roots(pack: &Pack, needed: &[bool]) -> Vec<u32> {
    let mut roots: Vec<(u64, u32)> = Vec::new();
    let mut open = Vec::new();
    for (number, entry) in (0u32..).zip(&pack.entries) {
        if entry.is_delta || !needed.get(number as usize).is_some_and(|needed| *needed) {
            continue;
        }
        let (mut family, mut seen) = (0u64, 0u64);
        open.push(entry.child);
        while let Some(member) = open.pop() {
            if let Some(member) = pack.entries.get(member as usize) {
                seen += 1;
                family = family.saturating_add(member.size);
                open.extend([member.next, member.child]);
            }
        }
        roots.push((family.saturating_add(entry.size.saturating_mul(1 + seen)), number));
    }
    roots.sort_unstable_by(|a, b| b.cmp(a));
    roots.into_iter().map(|(_, number)| number).collect()
}

/// An object on the way from the root to the one at work.
struct Frame<S> {
    entry: u32,
    /// `None` if it was given up.
    bytes: Option<Buffer>,
    state: Option<S>,
    next_child: u32,
}

struct Walk<'a, V: Visit> {
    pack: &'a Pack,
    visitor: &'a V,
    needed: &'a [bool],
    inflate: Inflate,
    free: Vec<Buffer>,
    delta: Buffer,
    copied: Vec<Copied>,
    held: usize,
    out: V::Out,
    seen: u64,
    large: u64,
}

impl<'a, V: Visit> Walk<'a, V> {
    fn new(pack: &'a Pack, visitor: &'a V, needed: &'a [bool]) -> Self {
        Self {
            pack,
            visitor,
            needed,
            inflate: Inflate::default(),
            free: Vec::new(),
            delta: Buffer::default(),
            copied: Vec::new(),
            held: 0,
            out: V::Out::default(),
            seen: 0,
            large: 0,
        }
    }

    fn family(&mut self, root: u32) {
        let Some(entry) = self.pack.entries.get(root as usize) else { return };
        if entry.size > LARGEST {
            return self.give_up_large(root);
        }
        let Some(bytes) = self.whole(entry) else { return };
        let state = self.show(entry, &bytes, None);
        let mut way = vec![self.frame(root, bytes, state)];
        while let Some(top) = way.last_mut() {
            let Some(child) = self.pack.entries.get(top.next_child as usize) else {
                if let Some(bytes) = way.pop().and_then(|frame| frame.bytes) {
                    self.held = self.held.saturating_sub(bytes.len());
                    self.recycle(bytes);
                }
                continue;
            };
            let number = std::mem::replace(&mut top.next_child, child.next);
            if !self.needed.get(number as usize).is_some_and(|needed| *needed) {
                continue;
            }
            if top.bytes.is_none() {
                let entry = top.entry;
                let Some(bytes) = self.again(entry, &way) else { continue };
                self.held += bytes.len();
                if let Some(top) = way.last_mut() {
                    top.bytes = Some(bytes);
                }
            }
            let Some(Frame { bytes: Some(base), state, .. }) = way.last() else { continue };
            let made = match self.made(child, base) {
                Made::Bytes(bytes) => bytes,
                Made::Large => {
                    self.give_up_large(number);
                    continue;
                }
                Made::Broken => continue,
            };
            let copied = std::mem::take(&mut self.copied);
            let state = self.show(child, &made, state.as_ref().map(|state| (state, copied.as_slice())));
            self.copied = copied;
            if child.child == NONE {
                self.recycle(made);
            } else {
                let frame = self.frame(number, made, state);
                way.push(frame);
                self.give_up_held(&mut way);
            }
        }
    }

    fn frame(&mut self, entry: u32, bytes: Buffer, state: Option<V::State>) -> Frame<V::State> {
        self.held += bytes.len();
        let next_child = self.pack.entries.get(entry as usize).map_or(NONE, |entry| entry.child);
        Frame { entry, bytes: Some(bytes), state, next_child }
    }

    fn show(&mut self, entry: &Entry, bytes: &[u8], before: Option<(&V::State, &[Copied])>) -> Option<V::State> {
        if !self.visitor.wants(entry.object, entry.kind) {
            return None;
        }
        self.seen += 1;
        Some(self.visitor.visit(entry.object, entry.kind, bytes, before, &mut self.out))
    }

    fn whole(&mut self, entry: &Entry) -> Option<Buffer> {
        let mut bytes = self.buffer(entry.size as usize);
        bytes.resize(entry.size as usize, 0);
        self.inflate.fill(self.pack.packed(entry), &mut bytes).then_some(bytes)
    }

    fn made(&mut self, entry: &Entry, base: &[u8]) -> Made {
        if entry.size > LARGEST {
            return Made::Large;
        }
        let mut delta = std::mem::take(&mut self.delta);
        grow(&mut delta, entry.size as usize);
        delta.resize(entry.size as usize, 0);
        let made = if self.inflate.fill(self.pack.packed(entry), &mut delta) {
            match delta::lengths(&delta) {
                Some((_, length)) if length > LARGEST => Made::Large,
                Some((_, length)) => {
                    let mut made = self.buffer(length as usize);
                    match delta::apply(base, &delta, &mut made, &mut self.copied) {
                        Some(()) => Made::Bytes(made),
                        None => Made::Broken,
                    }
                }
                None => Made::Broken,
            }
        } else {
            Made::Broken
        };
        self.delta = delta;
        made
    }

    /// Makes an object again that was given up.
    fn again(&mut self, entry: u32, way: &[Frame<V::State>]) -> Option<Buffer> {
        let held = way.iter().rposition(|frame| frame.bytes.is_some());
        let after = held.map_or(0, |held| held + 1);
        let mut bytes: Option<Buffer> = None;
        for frame in way.get(after..)? {
            let of_frame = self.pack.entries.get(frame.entry as usize)?;
            let base = bytes.as_ref().or_else(|| way.get(held?)?.bytes.as_ref());
            let made = match base {
                None => self.whole(of_frame)?,
                Some(base) => match self.made(of_frame, base) {
                    Made::Bytes(made) => made,
                    Made::Large | Made::Broken => return None,
                },
            };
            if let Some(old) = bytes.replace(made) {
                self.recycle(old);
            }
            if frame.entry == entry {
                break;
            }
        }
        bytes
    }

    /// Gives up what lies nearest to the root, when too much is held.
    fn give_up_held(&mut self, way: &mut [Frame<V::State>]) {
        let spare = way.len().saturating_sub(1);
        for frame in way.iter_mut().take(spare) {
            if self.held <= HELD {
                return;
            }
            if let Some(bytes) = frame.bytes.take() {
                self.held = self.held.saturating_sub(bytes.len());
            }
        }
    }

    /// Counts an object that is too large, and those made from it.
    fn give_up_large(&mut self, number: u32) {
        let mut open = vec![number];
        while let Some(number) = open.pop() {
            let Some(entry) = self.pack.entries.get(number as usize) else { continue };
            self.large += u64::from(self.visitor.wants(entry.object, entry.kind));
            let mut child = entry.child;
            while let Some(next) = self.pack.entries.get(child as usize) {
                open.push(child);
                child = next.next;
            }
        }
    }

    /// An empty buffer with room for so many bytes.
    fn buffer(&mut self, length: usize) -> Buffer {
        let fits = self.free.iter().rposition(|buffer| buffer.capacity() >= length);
        let mut buffer = match fits {
            Some(number) => self.free.swap_remove(number),
            None => Zeroizing::new(Vec::with_capacity(length)),
        };
        buffer.clear();
        buffer
    }

    fn recycle(&mut self, buffer: Buffer) {
        const KEPT: usize = 16;
        const OF_BYTES: usize = 4 << 20;
        if buffer.capacity() <= OF_BYTES && self.free.len() < KEPT {
            self.free.push(buffer);
        }
    }
}

enum Made {
    Bytes(Buffer),
    Large,
    Broken,
}

/// Makes room without leaving a copy behind.
fn grow(buffer: &mut Buffer, length: usize) {
    buffer.clear();
    if buffer.capacity() < length {
        *buffer = Zeroizing::new(Vec::with_capacity(length.next_power_of_two()));
    }
}
