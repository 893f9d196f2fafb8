//! The index of a pack: which objects are in it, and where.
//!
//! Source: git's `Documentation/gitformat-pack.adoc`, *pack-\*.idx files*.

/// What begins an index of the second version; the first one has no mark.
const SECOND: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];

/// Bytes of the table of first bytes.
const FAN: usize = 256 * 4;

/// Hands on the id and the offset of each object; `None` if the index is broken.
pub fn each(index: &[u8], id_length: usize, mut found: impl FnMut(&[u8], u64)) -> Option<()> {
    let Some(rest) = index.strip_prefix(&SECOND) else {
        return first_version(index, id_length, found);
    };
    let count = be32(rest, FAN - 4)? as usize;
    let rest = rest.get(FAN..)?;
    let (ids, rest) = rest.split_at_checked(count.checked_mul(id_length)?)?;
    let rest = rest.get(count.checked_mul(4)?..)?;
    let (offsets, large) = rest.split_at_checked(count.checked_mul(4)?)?;
    // Two checksums stand at the end.
    let large = large.get(..large.len().checked_sub(2 * id_length)?)?;
    for (id, offset) in ids.chunks_exact(id_length).zip(offsets.chunks_exact(4)) {
        let offset = be32(offset, 0)?;
        let offset = match offset & 0x8000_0000 {
            0 => u64::from(offset),
            _ => {
                let at = (offset & 0x7fff_ffff) as usize * 8;
                u64::from(be32(large, at)?) << 32 | u64::from(be32(large, at + 4)?)
            }
        };
        found(id, offset);
    }
    Some(())
}

fn first_version(index: &[u8], id_length: usize, mut found: impl FnMut(&[u8], u64)) -> Option<()> {
    let count = be32(index, FAN - 4)? as usize;
    let rows = index.get(FAN..FAN.checked_add(count.checked_mul(4 + id_length)?)?)?;
    if index.len() < FAN + rows.len() + 2 * id_length {
        return None;
    }
    for row in rows.chunks_exact(4 + id_length) {
        found(row.get(4..)?, u64::from(be32(row, 0)?));
    }
    Some(())
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
