//! One question, one answer, with the reasons in the server's order.

use std::collections::BTreeSet;

use crate::model::clp::{Grants, Permission};
use crate::model::{Class, ClassName, FieldName, Known, Operation, Principal, RoleName, Why};

use super::caller::{Caller, Client};
use super::class_level::{self, Action, Constraint, Granted, Passed};
use super::object::Side;
use super::system::{self, Extra};
use super::{Admits, Denial, Engine};

/// May a principal perform an operation on a class?
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub who: &'a Principal,
    /// What for.
    pub op: Operation,
    /// On which class.
    pub class: &'a ClassName,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, for every object.
    Allow,
    /// No; how the server refuses.
    Deny(Denial),
    /// For the objects that satisfy every condition.
    If(Vec<Condition>),
    /// A fact is missing.
    Unknown(Why),
}

/// What an object must satisfy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// One of the columns refers to the caller.
    PointsAtCaller(Vec<FieldName>),
    /// Its ACL admits the caller.
    Acl(Side),
    /// It is a session of the caller.
    OwnSession,
}

/// One step of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A key that no check applies to.
    Key,
    /// The read-only master key writes nothing.
    KeyReadsOnly,
    /// The description of the class was not read.
    ClassUnread(Why),
    /// No such class, and clients may not create one.
    NoSuchClass,
    /// `routeAllowList` leaves clients no route to it.
    RouteClosed,
    /// Whether `routeAllowList` leaves clients a route to it is not known.
    RouteUnknown,
    /// `routeAllowList` leaves clients no route to it, but GraphQL does not ask that list.
    RouteByGraphQl,
    /// The class has rules of its own, and they refuse.
    SystemClass(Denial),
    /// Only the caller's own sessions count.
    OwnSessions,
    /// Objects of `_User` are not written without a session.
    SessionMissing,
    /// The operation is granted.
    Granted(Operation, Granted),
    /// The operation asks for a session, and the caller has one.
    SignedIn(Operation),
    /// The operation asks for a session, and the caller has none.
    NotSignedIn(Operation),
    /// The operation is granted to others only, who are named here.
    GrantedToOthers(Operation, Vec<String>),
    /// The operation is granted to nobody.
    GrantedToNobody(Operation),
    /// The operation is left out of written permissions, and so closed.
    LeftOut(Operation),
    /// A new object has no owner, so columns cannot grant its creation.
    NoOwnerYet,
    /// Rows are filtered by columns that refer to the caller.
    UserColumns(Operation, Vec<FieldName>),
    /// Columns decide which rows may be saved, but a new column is there before any row is looked at.
    RowsComeLater(Operation),
    /// Columns decide, and the caller has no user.
    NoUser,
    /// A column that decides cannot hold users; the server fails on it.
    BrokenColumn(FieldName),
    /// The ACL of each object decides last.
    AclDecides(Side),
}

/// An answer with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// Why, in the server's order.
    pub because: Vec<Reason>,
}

/// Takes reasons, or throws them away where only the answer counts.
pub(super) trait Because {
    fn push(&mut self, reason: impl FnOnce() -> Reason);
}

impl Because for Vec<Reason> {
    fn push(&mut self, reason: impl FnOnce() -> Reason) {
        Self::push(self, reason());
    }
}

impl Because for () {
    fn push(&mut self, _: impl FnOnce() -> Reason) {}
}

impl Engine<'_> {
    /// Answers a request, with reasons.
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        let caller = self.caller(request.who);
        let mut because = Vec::new();
        let verdict = match self.app.classes.get(request.class) {
            Some(class) => self.verdict(&caller, class, request.op, &mut because),
            None => self.verdict_on_missing(&caller, request, &mut because),
        };
        Decision { verdict, because }
    }

    /// Answers without a description of the class.
    fn verdict_on_missing(&self, caller: &Caller, request: &Request<'_>, because: &mut Vec<Reason>) -> Verdict {
        let unread = |because: &mut Vec<Reason>| {
            because.push(Reason::ClassUnread(Why::NotAsked));
            Verdict::Unknown(Why::NotAsked)
        };
        let Caller::Client(client) = caller else {
            return self.verdict_of_key(caller, request.op, because);
        };
        if let Some(verdict) = self.verdict_of_routes(request.class, request.op, because) {
            return verdict;
        }
        if let Err(denial) = system::enter(request.class, request.op, client, &self.settings.behaviour) {
            because.push(Reason::SystemClass(denial));
            return Verdict::Deny(denial);
        }
        // Every server has it, or its description was not among the inputs.
        if system::always_exists(request.class) || self.app.classes.is_empty() {
            return unread(because);
        }
        if request.class.is_system() {
            because.push(Reason::NoSuchClass);
            return Verdict::Deny(Denial::Forbidden);
        }
        unread(because)
    }

    /// The answer where clients have no route to the class, or may have none.
    fn verdict_of_routes(&self, class: &ClassName, op: Operation, because: &mut impl Because) -> Option<Verdict> {
        let routes = self.routes.as_ref()?;
        match routes.admit(class, op) {
            Admits::Yes => None,
            Admits::No | Admits::Unknown if routes.has_graphql => {
                because.push(|| Reason::RouteByGraphQl);
                None
            }
            Admits::No => {
                because.push(|| Reason::RouteClosed);
                Some(Verdict::Deny(Denial::Forbidden))
            }
            Admits::Unknown => {
                because.push(|| Reason::RouteUnknown);
                Some(Verdict::Unknown(Why::Failed))
            }
        }
    }

    fn verdict_of_key(&self, caller: &Caller, op: Operation, because: &mut impl Because) -> Verdict {
        if *caller == Caller::ReadOnlyMaster && !op.is_read() {
            because.push(|| Reason::KeyReadsOnly);
            return Verdict::Deny(Denial::Forbidden);
        }
        because.push(|| Reason::Key);
        Verdict::Allow
    }

    /// Answers for a class that is described.
    pub(super) fn verdict(&self, caller: &Caller, class: &Class, op: Operation, because: &mut impl Because) -> Verdict {
        let behaviour = &self.settings.behaviour;
        if *caller == Caller::Maintenance
            && let Err(denial) = system::enter_maintained(&class.name, op)
        {
            because.push(|| Reason::SystemClass(denial));
            return Verdict::Deny(denial);
        }
        let public = Client::default();
        let client = match caller {
            Caller::Client(client) => client,
            // The server forgets the key when it counts.
            Caller::Maintenance if op == Operation::Count && behaviour.maintenance_counts_as_public => &public,
            Caller::ReadOnlyMaster | Caller::Maintenance | Caller::Master => {
                return self.verdict_of_key(caller, op, because);
            }
        };
        if let Caller::Client(_) = caller
            && let Some(verdict) = self.verdict_of_routes(&class.name, op, because)
        {
            return verdict;
        }
        let entered = match caller {
            Caller::Client(client) => system::enter(&class.name, op, client, behaviour),
            Caller::ReadOnlyMaster | Caller::Maintenance | Caller::Master => Ok(Extra::Nothing),
        };
        let extra = match entered {
            Ok(extra) => extra,
            Err(denial) => {
                because.push(|| Reason::SystemClass(denial));
                return Verdict::Deny(denial);
            }
        };
        if let Known::Unread(why) = &class.clp
            && !system::is_volatile(&class.name)
        {
            because.push(|| Reason::ClassUnread(*why));
            return Verdict::Unknown(*why);
        }
        let clp = self.clp(class);
        let clp = clp.as_ref();
        if class.name == "_User" && op.asks_rows() && !op.is_read() && !client.is_signed_in() {
            because.push(|| Reason::SessionMissing);
            return Verdict::Deny(Denial::SessionMissing);
        }
        let checked = match (op, extra) {
            (Operation::Count, _) if !behaviour.has_count => Operation::Find,
            // The query for one's own sessions is wrapped, so it never looks like a get.
            (Operation::Get, Extra::OwnSessions) => Operation::Find,
            (op, _) => op,
        };
        match class_level::gate(clp, client, checked, Action::Update, behaviour) {
            Ok(Passed::Granted(granted)) => because.push(|| Reason::Granted(checked, granted)),
            Ok(Passed::SignedIn) => because.push(|| Reason::SignedIn(checked)),
            // The server adds the column before it looks for the row, and keeps it if there is none.
            Ok(Passed::ByRow) if op == Operation::AddField => because.push(|| Reason::RowsComeLater(op)),
            Ok(Passed::ByRow) => {}
            Err(denial) => {
                because.push(|| why_not(clp.permission(checked), checked, denial));
                return Verdict::Deny(denial);
            }
        }
        // A new object and a new column have no row to be asked.
        if !op.asks_rows() {
            return Verdict::Allow;
        }
        let mut conditions = Vec::new();
        match class_level::constraint(clp, class, client, checked, behaviour) {
            Constraint::None => {}
            Constraint::Nobody => {
                because.push(|| Reason::NoUser);
                return Verdict::Deny(Denial::NotFound);
            }
            Constraint::Broken(column) => {
                because.push(|| Reason::BrokenColumn(column));
                return Verdict::Deny(Denial::Broken);
            }
            Constraint::PointsAtCaller(columns) => {
                because.push(|| Reason::UserColumns(checked, columns.clone()));
                conditions.push(Condition::PointsAtCaller(columns));
            }
        }
        if extra == Extra::OwnSessions {
            because.push(|| Reason::OwnSessions);
            conditions.push(Condition::OwnSession);
        }
        let side = if op.is_read() { Side::Read } else { Side::Write };
        because.push(|| Reason::AclDecides(side));
        conditions.push(Condition::Acl(side));
        Verdict::If(conditions)
    }
}

fn why_not(permission: &Permission, op: Operation, denial: Denial) -> Reason {
    if denial == Denial::NotFound {
        return Reason::NotSignedIn(op);
    }
    match permission {
        Permission::LeftOut | Permission::NotConfigured => Reason::LeftOut(op),
        Permission::Granted(grants)
            if op == Operation::Create && grants.pointer_fields.opens && !names_someone(grants) =>
        {
            Reason::NoOwnerYet
        }
        Permission::Granted(grants) => {
            let named = named(grants);
            if named.is_empty() { Reason::GrantedToNobody(op) } else { Reason::GrantedToOthers(op, named) }
        }
    }
}

fn names_someone(grants: &Grants) -> bool {
    !grants.roles.is_empty() || !grants.users.is_empty()
}

/// Who is named, as it is written in permissions.
fn named(grants: &Grants) -> Vec<String> {
    let roles = grants.roles.iter().map(|role: &RoleName| format!("role:{role}"));
    let users = grants.users.iter().map(ToString::to_string);
    let columns: BTreeSet<String> =
        grants.pointer_fields.fields.iter().map(|column| format!("the user in `{column}`")).collect();
    roles.chain(users).chain(columns).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{App, Clp, FileId, Place};

    fn decide(class: &str, clp: &Value, who: &Principal, op: Operation) -> Verdict {
        let mut described = Class::of_rows(class.into(), Place::File { file: FileId(0) });
        described.clp = Known::Read(Clp::from_stored(Some(clp)));
        let mut app = App::default();
        app.classes.insert(class.into(), described);
        Engine::new(&app).decide(&Request { who, op, class: &class.into() }).verdict
    }

    #[test]
    fn a_column_granted_to_owners_is_added_by_anybody() {
        let own = json!({ "addField": { "pointerFields": ["owner"] } });
        assert_eq!(decide("Thing", &own, &Principal::Public, Operation::AddField), Verdict::Allow);
        let of_class = json!({ "writeUserFields": ["owner"] });
        assert_eq!(decide("Thing", &of_class, &Principal::Public, Operation::AddField), Verdict::Allow);
    }

    #[test]
    fn a_count_with_the_maintenance_key_passes_the_door_and_is_then_public() {
        let open = json!({ "count": { "*": true } });
        let by_acl = Verdict::If(vec![Condition::Acl(Side::Read)]);
        for class in ["_Installation", "_Audience"] {
            assert_eq!(decide(class, &open, &Principal::Maintenance, Operation::Count), by_acl);
        }
        let closed = decide("_Installation", &json!({}), &Principal::Maintenance, Operation::Count);
        assert_eq!(closed, Verdict::Deny(Denial::Forbidden));
    }

    #[test]
    fn the_maintenance_key_neither_changes_nor_deletes_sessions() {
        let verdict = |op| decide("_Session", &Value::Null, &Principal::Maintenance, op);
        assert_eq!(verdict(Operation::Delete), Verdict::Deny(Denial::InvalidSession));
        assert_eq!(verdict(Operation::Update), Verdict::Deny(Denial::Broken));
    }

    #[test]
    fn a_route_that_is_not_listed_is_closed_to_clients_and_to_no_key() {
        use crate::model::options::{Options, Written};
        let mut described = Class::of_rows("Order".into(), Place::File { file: FileId(0) });
        described.clp = Known::Read(Clp::open());
        let mut app = App::default();
        app.classes.insert("Order".into(), described);
        let mut options = Options::default();
        options.tree.values.insert("routeAllowList".to_owned(), Written::Value(json!(["classes/Order"])));
        app.server.options = Known::Read(options);
        let decide = |app: &App, who, op| Engine::new(app).decide(&Request { who, op, class: &"Order".into() });
        let closed = decide(&app, &Principal::Public, Operation::Delete);
        assert_eq!((closed.verdict, closed.because), (Verdict::Deny(Denial::Forbidden), vec![Reason::RouteClosed]));
        assert_eq!(decide(&app, &Principal::Public, Operation::Create).verdict, Verdict::Allow);
        assert_eq!(decide(&app, &Principal::Master, Operation::Delete).verdict, Verdict::Allow);
        if let Known::Read(options) = &mut app.server.options {
            options.tree.values.insert("mountGraphQL".to_owned(), Written::Value(json!(true)));
        }
        let open = decide(&app, &Principal::Public, Operation::Delete);
        assert_eq!(open.because.first(), Some(&Reason::RouteByGraphQl));
        assert!(matches!(open.verdict, Verdict::If(_)), "{:?}", open.verdict);
    }

    #[test]
    fn a_new_session_is_always_the_callers() {
        assert_eq!(decide("_Session", &Value::Null, &Principal::AnyUser, Operation::Create), Verdict::Allow);
    }
}
