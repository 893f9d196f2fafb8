//! Whether a table is still as it was when parts of it were counted.
//!
//! A row that is written anew gets another place, and with it the number of a later transaction; a
//! table that is emptied or put in order gets another file. So where neither is newer, what was
//! counted page by page and what is counted now are different rows. Rows that were deleted meanwhile stay counted.
//!
//! Source: "System Columns", "Database File Layout" and "Transaction ID and Snapshot Information Functions"
//! in the manual of PostgreSQL.

use std::fmt;
use std::str::FromStr;

use super::wire::Session;

/// What a table was when parts of it were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The oldest transaction whose rows may not have been seen.
    transaction: u64,
    /// The file of the table.
    file: u64,
}

impl Moment {
    /// The oldest transaction whose rows a session may not see.
    pub fn now(session: &Session) -> Option<u64> {
        let told = session.texts("SELECT txid_snapshot_xmin(txid_current_snapshot())::text").ok()?;
        told.first()?.parse().ok()
    }

    /// The moment from which on parts of a table, quoted, can be counted together: one of `before`, if nothing
    /// was written since, or this.
    pub fn of<'p>(
        session: &Session,
        table: &str,
        now: u64,
        file: u64,
        before: impl Iterator<Item = &'p str>,
    ) -> Option<Self> {
        let of_file = before.filter_map(|part| part.parse().ok()).filter(|moment: &Self| moment.file == file);
        let newest = of_file.filter(|moment| moment.transaction <= now).max();
        let kept = newest.filter(|moment| moment.is_last_change(session, table) == Some(true));
        Some(kept.unwrap_or(Self { transaction: now, file }))
    }

    /// Whether no row is of a later transaction.
    fn is_last_change(self, session: &Session, table: &str) -> Option<bool> {
        // The system keeps the lower half of the number. Of the very first numbers, which mean something else, all rows are newer.
        let number = self.transaction & u64::from(u32::MAX);
        let newer = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE age(xmin) <= age('{number}'::xid))::text");
        Some(session.texts_of_much(&newer).ok()?.first()?.as_str() == "false")
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.file, self.transaction)
    }
}

impl FromStr for Moment {
    type Err = ();

    /// Reads what a part begins with.
    fn from_str(part: &str) -> Result<Self, ()> {
        let (file, transaction) = part.split(' ').next().and_then(|moment| moment.split_once('/')).ok_or(())?;
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { transaction: number(transaction)?, file: number(file)? })
    }
}
