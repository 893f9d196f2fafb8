//! Decisions in words, for `explain`, `who-can` and `can`.

use crate::audit::fact::in_words;
use crate::model::populations::Population;
use crate::model::{App, Class, Known, Operation, Place, Principal};
use crate::permit::class_level::Granted;
use crate::permit::object::Side;
use crate::permit::{Cell, Denial, Reach, Reason, Verdict};

/// A verdict in one word or two.
pub fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "ALLOWED",
        Verdict::Deny(_) => "DENIED",
        Verdict::If(_) => "ALLOWED for some rows",
        Verdict::Unknown(_) => "UNKNOWN",
    }
}

/// How far a cell reaches, in words and counts.
pub fn reach(cell: &Cell, op: Operation) -> String {
    match (&cell.reach, cell.rows) {
        (Known::Unread(_), _) => "unknown".to_owned(),
        (Known::Read(Reach::None), Known::Read(rows)) if cell.dormant => format!("none of {} rows", rows.total),
        (Known::Read(Reach::None), _) => "nothing".to_owned(),
        (Known::Read(_), _) if !op.asks_rows() => "yes".to_owned(),
        (Known::Read(Reach::OwnRows), _) => "own rows".to_owned(),
        (Known::Read(_), Known::Read(rows)) if rows.total == 0 => "all rows (there are none)".to_owned(),
        (Known::Read(Reach::AllRows), Known::Read(rows)) => format!("all {} rows", rows.total),
        (Known::Read(Reach::SomeRows), Known::Read(rows)) => match rows.share {
            Some(share) => format!("{} of {} rows ({share})", rows.reached, rows.of()),
            None => format!("{} of {} rows ({} %)", rows.reached, rows.total, rows.percent()),
        },
        (Known::Read(reach), Known::Unread(_)) => format!("up to {}", reach.words()),
    }
}

/// How many users hold a role.
pub fn holders(population: Population) -> String {
    let Population { direct, all } = population;
    match (all, all - direct) {
        (0, _) => "nobody holds it".to_owned(),
        (1, 0) => "1 user holds it".to_owned(),
        (1, _) => "1 user holds it by inheritance".to_owned(),
        (all, 0) => format!("{all} users hold it"),
        (all, inherited) => format!("{all} users hold it, {inherited} of them by inheritance alone"),
    }
}

/// What a reason is about, for the first column.
pub fn topic(reason: &Reason) -> &'static str {
    match reason {
        Reason::Key | Reason::KeyReadsOnly => "key",
        Reason::RouteClosed | Reason::RouteUnknown | Reason::RouteByGraphQl => "route",
        Reason::ClassUnread(_) | Reason::NoSuchClass | Reason::SystemClass(_) | Reason::SessionMissing => "class",
        Reason::OwnSessions => "rows",
        Reason::Granted(..)
        | Reason::SignedIn(_)
        | Reason::NotSignedIn(_)
        | Reason::GrantedToOthers(..)
        | Reason::GrantedToNobody(_)
        | Reason::LeftOut(_)
        | Reason::RowsComeLater(_)
        | Reason::NoOwnerYet => "class",
        Reason::UserColumns(..) | Reason::NoUser | Reason::BrokenColumn(_) | Reason::AclDecides(_) => "rows",
    }
}

/// A reason as a sentence without a full stop.
pub fn reason(reason: &Reason, who: &Principal, class: &Class) -> String {
    let name = &class.name;
    match reason {
        Reason::Key => "permissions, ACLs and protected fields do not apply to this key".to_owned(),
        Reason::KeyReadsOnly => "the read-only master key writes nothing".to_owned(),
        Reason::ClassUnread(why) => format!("the schema of {name} is {why}"),
        Reason::NoSuchClass => format!("there is no class {name}, and clients may not create one with such a name"),
        Reason::RouteClosed => format!("routeAllowList leaves clients no route to this in {name}"),
        Reason::RouteUnknown => "routeAllowList has a pattern that is not understood here".to_owned(),
        Reason::RouteByGraphQl => {
            "routeAllowList has no route to this that is known, but GraphQL does not ask that list".to_owned()
        }
        Reason::SystemClass(Denial::InvalidSession) => format!("{name} is refused without a session"),
        Reason::SystemClass(_) => format!("{name} is closed to clients, whatever its permissions say"),
        Reason::OwnSessions => "only the caller's own sessions are seen".to_owned(),
        Reason::SessionMissing => "users are not written without a session".to_owned(),
        Reason::Granted(op, granted) => match granted {
            Granted::NeverWritten => format!("{name} was never given permissions, so {op} is open to everyone"),
            Granted::NotConfigured => format!("{op} is not configured, which leaves it open to everyone"),
            Granted::Anyone => format!("{op} is granted to `*`, everyone"),
            Granted::Role(role) if matches!(who, Principal::Role(own) if own != role) => {
                format!("{op} is granted to role:{role}, which {who} holds by inheritance")
            }
            Granted::Role(role) => format!("{op} is granted to role:{role}"),
            Granted::User(user) => format!("{op} is granted to {user}"),
        },
        Reason::SignedIn(op) => format!("{op} asks for a session (requiresAuthentication), and {who} has one"),
        Reason::NotSignedIn(op) => format!("{op} asks for a session (requiresAuthentication), and {who} has none"),
        Reason::GrantedToOthers(op, others) => format!("{op} is granted to {} only", in_words(others)),
        Reason::GrantedToNobody(op) => format!("{op} is granted to nobody"),
        Reason::LeftOut(op) => format!("{op} is left out of the permissions, which closes it"),
        Reason::NoOwnerYet => "an object that does not exist has no owner, so pointerFields grant no create".to_owned(),
        Reason::UserColumns(op, columns) => {
            format!(
                "{op} reaches rows in which {} refers to the caller",
                in_words(columns.iter().map(|column| format!("`{column}`")))
            )
        }
        Reason::RowsComeLater(op) => {
            format!("{op} is granted to users in columns, but the column is added before any row is looked at")
        }
        Reason::NoUser => "columns of each row decide, and a caller without a session is in none".to_owned(),
        Reason::BrokenColumn(column) => {
            format!("`{column}` decides but cannot hold users; the server fails with an internal error")
        }
        Reason::AclDecides(side) => acl(*side, class),
    }
}

fn acl(side: Side, class: &Class) -> String {
    let verb = match side {
        Side::Read => "read",
        Side::Write => "change",
    };
    match &class.rows {
        Known::Unread(_) => format!("the ACL of each row decides who may {verb} it; the rows were not read"),
        Known::Read(census) if census.rows() == 0 => "there are no rows yet".to_owned(),
        Known::Read(census) => {
            let missing = census.count(|shape| match side {
                Side::Read => shape.read.is_none(),
                Side::Write => shape.write.is_none(),
            });
            let (rows, none) = (census.rows(), missing);
            match none {
                0 => format!("the ACL of each of its {rows} rows decides who may {verb} it"),
                all if all == rows => {
                    format!("none of its {rows} rows has an ACL, so whoever the class lets in may {verb} them")
                }
                some => format!(
                    "{some} of its {rows} rows have no ACL and are open to whoever the class lets in; the others name who may {verb} them"
                ),
            }
        }
    }
}

/// Where the reason stands in the description of the class.
pub fn place(reason: &Reason, class: &Class, app: &App) -> Option<Place> {
    match reason {
        Reason::RouteClosed | Reason::RouteUnknown | Reason::RouteByGraphQl => {
            app.server.options.read().and_then(|options| options.tree.place("routeAllowList")).cloned()
        }
        Reason::Granted(_, Granted::NeverWritten) => Some(class.name_place()),
        Reason::Granted(op, _)
        | Reason::SignedIn(op)
        | Reason::NotSignedIn(op)
        | Reason::GrantedToOthers(op, _)
        | Reason::GrantedToNobody(op)
        | Reason::UserColumns(op, _) => Some(class.clp_place(&format!("/{op}"))),
        Reason::RowsComeLater(op) => Some(class.grant_place(*op)),
        Reason::LeftOut(_) => Some(class.clp_place("")),
        Reason::NoOwnerYet => Some(class.clp_place("/create")),
        Reason::AclDecides(_) => class.rows_at.clone(),
        _ => None,
    }
}
