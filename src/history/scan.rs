//! Looks for keys in the contents of files, each once, and in those that were made from
//! another one only in what is new.

use std::path::{self, PathBuf};

use rustc_hash::FxHashMap;
use zeroize::Zeroizing;

use crate::secrets::ranges::{self, Copied, Rules, Searched};
use crate::secrets::{Hit, Scanner, encoding};

use super::Search;
use super::first::{Firsts, Path, Place};
use super::ids::Object;
use super::pack::Kind;
use super::places::Places;
use super::resolve::Visit;

/// Searches blobs.
pub struct Scan<'a> {
    /// What knows keys.
    pub scanner: &'a Scanner,
    /// What the paths of blobs are.
    pub firsts: &'a Firsts<'a>,
    /// At which of them each is searched.
    pub places: &'a Places<'a>,
    /// Which objects are searched, by number.
    pub wanted: &'a [bool],
    /// How those are searched that were made from others.
    pub search: Search,
}

/// What was found in blobs.
#[derive(Debug, Default)]
pub struct Found {
    /// Blobs with keys, and where each stood.
    pub hits: Vec<(Object, Place, Vec<Hit>)>,
    /// Blobs that stand for a file kept elsewhere, and the name of that file.
    pub pointers: Vec<(Object, String)>,
    /// Which rules are about which path.
    rules: FxHashMap<Path, Rules>,
    /// How many blobs were looked at.
    pub blobs: u64,
    /// How many bytes they are.
    pub bytes: u64,
}

/// What is kept of a blob for those that were made from it.
pub enum Kept {
    /// A text, whether it is all ASCII, and what was found.
    Text {
        /// Whether every byte is a character.
        is_ascii: bool,
        /// What is known of it.
        searched: Searched,
    },
    /// Something else, or a text that had to be decoded.
    Other,
}

impl Visit for Scan<'_> {
    type State = Kept;
    type Out = Found;

    fn wants(&self, object: Object, kind: Kind) -> bool {
        kind == Kind::Blob && self.wanted.get(object as usize).is_some_and(|wanted| *wanted)
    }

    fn visit(
        &self,
        object: Object,
        _: Kind,
        bytes: &[u8],
        before: Option<(&Kept, &[Copied])>,
        out: &mut Found,
    ) -> Kept {
        out.blobs += 1;
        out.bytes += bytes.len() as u64;
        if let Some(name) = pointer(bytes) {
            out.pointers.push((object, name));
        }
        let places = self.as_whole(object, bytes, out);
        if places.is_empty() {
            return Kept::Other;
        }
        let Some(is_ascii) = plain(bytes, before) else {
            self.decoded(object, &places, bytes, out);
            return Kept::Other;
        };
        let rules: Vec<Rules> = places.iter().map(|(place, path)| out.rules(*place, path, self.scanner)).collect();
        let all = ranges::all(&rules);
        let searched = match before {
            Some((Kept::Text { searched, .. }, copied)) if self.search == Search::Parts => {
                self.scanner.search_rest(bytes, &all, searched, copied)
            }
            _ => self.scanner.search(bytes, &all),
        };
        if !searched.is_empty() {
            for ((place, path), rules) in places.iter().zip(&rules) {
                let hits = match places.len() {
                    1 => self.scanner.hits(path, bytes, &searched),
                    _ => self.scanner.hits(path, bytes, &searched.only(rules)),
                };
                out.add_hits(object, *place, hits);
            }
        }
        Kept::Text { is_ascii, searched }
    }
}

impl Scan<'_> {
    /// Asks whether a blob is a key as a whole; the places at which it is none, with their paths.
    fn as_whole(&self, object: Object, bytes: &[u8], out: &mut Found) -> Vec<(Place, String)> {
        let mut others = Vec::new();
        for place in self.places.of(object) {
            let path = self.firsts.path(place.path).unwrap_or_default();
            match self.scanner.in_file(&path, bytes) {
                Some(hit) => out.add_hits(object, place, vec![hit]),
                None => others.push((place, path)),
            }
        }
        others
    }

    /// Looks for keys in bytes that may have to be decoded.
    fn decoded(&self, object: Object, places: &[(Place, String)], bytes: &[u8], out: &mut Found) {
        let Some(decoded) = encoding::decode(Zeroizing::new(bytes.to_vec())) else { return };
        for (place, path) in places {
            out.add_hits(object, *place, self.scanner.in_text(path, decoded.text.as_bytes()));
        }
    }

    /// Looks for keys in a file that is kept elsewhere, for which a blob stands.
    pub fn kept_elsewhere(&self, object: Object, bytes: &[u8], out: &mut Found) {
        let places = self.as_whole(object, bytes, out);
        self.decoded(object, &places, bytes, out);
    }
}

impl Found {
    /// Puts keys of a blob to what was found. What is told of it at an earlier place is not told again.
    fn add_hits(&mut self, object: Object, place: Place, mut hits: Vec<Hit>) {
        let earlier = self.hits.iter().rev().take_while(|(known, _, _)| *known == object);
        let earlier: Vec<&Hit> = earlier.flat_map(|(_, _, hits)| hits).collect();
        let is_told = |hit: &Hit, known: &&Hit| {
            known.rule == hit.rule && known.digest == hit.digest && known.written == hit.written
        };
        hits.retain(|hit| !earlier.iter().any(|known| is_told(hit, known)));
        if !hits.is_empty() {
            self.hits.push((object, place, hits));
        }
    }

    fn rules(&mut self, place: Place, path: &str, scanner: &Scanner) -> Rules {
        Rules::clone(self.rules.entry(place.path).or_insert_with(|| scanner.rules_for(path)))
    }
}

/// Whether bytes are all ASCII; `None` if they are no text, or one that has to be decoded.
fn plain(bytes: &[u8], before: Option<(&Kept, &[Copied])>) -> Option<bool> {
    if !encoding::is_text(bytes)
        || [&[0xff, 0xfe][..], &[0xfe, 0xff], &[0xef, 0xbb, 0xbf]].iter().any(|mark| bytes.starts_with(mark))
    {
        return None;
    }
    let is_ascii = match before {
        Some((Kept::Text { is_ascii: true, .. }, copied)) => new_parts(bytes, copied).all(<[u8]>::is_ascii),
        _ => bytes.is_ascii(),
    };
    (is_ascii || std::str::from_utf8(bytes).is_ok()).then_some(is_ascii)
}

fn new_parts<'b>(bytes: &'b [u8], copied: &'b [Copied]) -> impl Iterator<Item = &'b [u8]> {
    let ends = copied.iter().map(|part| part.at as usize + part.length as usize);
    let begins = copied.iter().map(|part| part.at as usize).chain([bytes.len()]);
    std::iter::once(0).chain(ends).zip(begins).map(|(end, begin)| bytes.get(end..begin).unwrap_or_default())
}

/// The name of the file that a pointer of Git LFS stands for.
///
/// Source: git-lfs, `docs/spec.md`.
pub fn pointer(bytes: &[u8]) -> Option<String> {
    const BEGINS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
    if bytes.len() > 1024 || !bytes.starts_with(BEGINS) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("oid sha256:"))?.trim();
    (name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| name.to_owned())
}

/// Where Git LFS keeps a file of this name; `common` is the folder of the repository.
pub fn kept_by_lfs(common: &path::Path, name: &str) -> Option<PathBuf> {
    Some(common.join("lfs/objects").join(name.get(..2)?).join(name.get(2..4)?).join(name))
}
