//! Code as permission: which handlers are a way to rows of a class, beside what its
//! permissions say. Pure; joins what `code` saw with what `permit` decides.
//!
//! With the master key no permission, ACL or protected field counts, so such a way is
//! as open as its handler. With the rights of a session it opens nothing that the caller
//! could not do alone. A trigger is open to whoever may do what sets it off.

use std::collections::BTreeMap;

use crate::code::analysis::{Analysis, place};
use crate::code::entry::EntryKind;
use crate::code::event::Does;
use crate::code::shape::Rights;
use crate::code::uses::{Columns, Handler, Use};
use crate::code::value::Pos;
use crate::model::{App, Callers, Class, FieldKind, FieldName, Known, Operation, Place, Principal};
use crate::permit::{Admits, Engine, Reach};

/// A handler that does something with rows, and who can make it do so.
#[derive(Debug, Clone, PartialEq)]
pub struct Way<'a> {
    /// The handler.
    pub handler: &'a Handler,
    /// What it does.
    pub used: &'a Use,
    /// Who sets it off.
    pub by: By,
}

/// Who sets off a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Whoever may call it; only those who pass its tests get to the rows.
    Callers(Callers),
    /// Whoever may do something with a class; of them those who pass the tests of the trigger.
    Doers {
        /// Any of these.
        ops: &'static [Operation],
        /// The class.
        class: String,
        /// The clients that the permissions of the class let in, without those that a weaker one
        /// stands for; unread if the permissions are.
        clients: Known<Vec<Principal>>,
        /// Who passes the tests.
        callers: Callers,
    },
}

impl Way<'_> {
    /// Whether permissions do not count on this way.
    pub fn is_master(&self) -> bool {
        self.used.rights == Rights::Master
    }

    /// Whether a principal can go this way for all that is known.
    ///
    /// Of handlers that ask for a role it is not known which; they count for every role.
    pub fn is_open_to(&self, who: &Principal) -> bool {
        match &self.by {
            By::Callers(callers) => passes(*callers, who),
            By::Doers { clients, callers, .. } => {
                let admitted = |clients: &Vec<Principal>| clients.iter().any(|client| stands_for(client, who));
                passes(*callers, who) && (!who.is_client() || clients.read().is_some_and(admitted))
            }
        }
    }

    /// Whether some client can go this way.
    pub fn is_open_to_clients(&self) -> bool {
        match &self.by {
            By::Callers(callers) => *callers < Callers::Master,
            By::Doers { clients, callers, .. } => {
                *callers < Callers::Master && clients.read().is_none_or(|clients| !clients.is_empty())
            }
        }
    }

    /// Where the rows are read or written.
    pub fn at(&self, app: &App) -> Option<Place> {
        located(app, self.used.at)
    }

    /// Where the handler is registered, then the calls that lead to the rows, the outermost first.
    pub fn hops(&self, app: &App) -> Vec<Place> {
        let all = [self.handler.at].into_iter().chain(self.used.through.iter().copied());
        all.filter_map(|pos| located(app, pos)).collect()
    }

    /// How open it is, from most; equally open ones by what they tell.
    fn rank(&self) -> (bool, Callers, bool, bool) {
        let callers = match &self.by {
            By::Callers(callers) | By::Doers { callers, .. } => *callers,
        };
        let tells = self.used.does.writes() || self.used.gives_back();
        (!self.is_open_to_clients(), callers, self.used.own_rows, !tells)
    }
}

/// Whether a caller gets past tests that let these in.
fn passes(callers: Callers, who: &Principal) -> bool {
    let may_have_role = matches!(who, Principal::Role(_) | Principal::User(_) | Principal::Owner(_));
    match callers {
        Callers::Anyone => true,
        Callers::SignedIn => *who != Principal::Public,
        Callers::Role => may_have_role || *who == Principal::Master,
        Callers::Master => *who == Principal::Master,
        Callers::Server => false,
    }
}

/// Whether what is open to one client is open to another.
fn stands_for(client: &Principal, who: &Principal) -> bool {
    match client {
        Principal::Public => true,
        Principal::AnyUser => *who != Principal::Public,
        client => client == who,
    }
}

/// The ways to an operation on a class, and to a column of it; of each handler the most
/// open one, the most open handlers first.
pub fn ways<'a>(
    engine: &Engine<'_>,
    analysis: &'a Analysis,
    class: &Class,
    op: Operation,
    field: Option<&FieldName>,
) -> Vec<Way<'a>> {
    let mut best: BTreeMap<&EntryKind, Way<'a>> = BTreeMap::new();
    for handler in &analysis.handlers {
        for used in &handler.uses {
            let of_class = used.any_class || class_of(engine.app, used) == Some(class.name.as_str());
            let concerns = field.is_none_or(|field| used.may_concern(field.as_str()));
            if !of_class || !concerns || !does(used, op) {
                continue;
            }
            let way = Way { handler, used, by: by(engine, handler, used) };
            match best.get_mut(&handler.kind) {
                Some(known) if known.rank() <= way.rank() => {}
                Some(known) => *known = way,
                None => drop(best.insert(&handler.kind, way)),
            }
        }
    }
    let mut ways: Vec<Way<'a>> = best.into_values().collect();
    ways.sort_by_key(Way::rank);
    ways
}

/// All that handlers do with the master key, in the order of the handlers.
pub fn with_master_key<'a>(engine: &Engine<'_>, analysis: &'a Analysis) -> Vec<Way<'a>> {
    let uses = analysis.handlers.iter().flat_map(|handler| handler.uses.iter().map(move |used| (handler, used)));
    let by_master = uses.filter(|(_, used)| used.rights == Rights::Master);
    by_master.map(|(handler, used)| Way { handler, used, by: by(engine, handler, used) }).collect()
}

/// The triggers that run when an operation is done to a class.
pub fn triggers<'a>(analysis: &'a Analysis, class: &Class, op: Operation) -> Vec<&'a Handler> {
    let runs = |handler: &&Handler| match &handler.kind {
        EntryKind::Trigger(trigger, of) => is_class(of, class) && set_off_by(trigger).contains(&op),
        EntryKind::Function(_) | EntryKind::Job(_) | EntryKind::Route(..) => false,
    };
    analysis.handlers.iter().filter(runs).collect()
}

/// Somewhere in code as a place.
pub fn located(app: &App, pos: Pos) -> Option<Place> {
    place(app.code.read().map_or(&[][..], Vec::as_slice), pos)
}

/// The class of the rows, which a pointer in the schema may tell where the code does not.
pub fn class_of<'u>(app: &'u App, used: &'u Use) -> Option<&'u str> {
    if let Some(class) = &used.class {
        return Some(class);
    }
    let (class, column) = used.pointer.as_ref()?;
    match &app.classes.values().find(|known| is_class(class, known))?.field(column)?.kind {
        FieldKind::Pointer(target) => Some(target.as_str()),
        _ => None,
    }
}

/// Whether doing this with rows is what an operation would do.
pub fn does(used: &Use, op: Operation) -> bool {
    match op {
        Operation::Find | Operation::Get => used.does == Does::Read,
        Operation::Count => matches!(used.does, Does::Read | Does::Count),
        Operation::Create => used.does == Does::Create,
        Operation::Update => used.does == Does::Update,
        Operation::Delete => used.does == Does::Delete,
        // A save adds the columns that the class lacks; only who names columns can make use of it.
        Operation::AddField => matches!(used.does, Does::Create | Does::Update) && used.columns == Columns::All,
    }
}

fn by(engine: &Engine<'_>, handler: &Handler, used: &Use) -> By {
    let EntryKind::Trigger(trigger, class) = &handler.kind else {
        return By::Callers(callers_by_route(engine, &handler.kind, used.callers));
    };
    let ops = set_off_by(trigger);
    if ops.is_empty() || class.is_empty() {
        return By::Callers(used.callers);
    }
    let described = engine.app.classes.values().find(|known| is_class(class, known));
    let clients = match described {
        Some(known) => doers(engine, known, ops),
        None => Known::default(),
    };
    let class = described.map_or_else(|| class.clone(), |known| known.name.to_string());
    By::Doers { ops, class, clients, callers: used.callers }
}

/// Who may call a function whose route `routeAllowList` may have closed to clients.
fn callers_by_route(engine: &Engine<'_>, kind: &EntryKind, callers: Callers) -> Callers {
    let (Some(routes), EntryKind::Function(name)) = (&engine.routes, kind) else { return callers };
    let is_closed = !routes.has_graphql && routes.admits(&format!("functions/{name}")) == Admits::No;
    if is_closed { callers.max(Callers::Master) } else { callers }
}

/// Whether a trigger names this class; `User` is how the SDK calls `_User`.
fn is_class(named: &str, class: &Class) -> bool {
    let name = class.name.as_str();
    name == named || name.strip_prefix('_').is_some_and(|name| name == named && class.name.is_system())
}

/// The operations that set off a trigger. A login and what concerns files is open to all.
fn set_off_by(trigger: &str) -> &'static [Operation] {
    match trigger {
        "beforeSave" | "afterSave" => &[Operation::Create, Operation::Update],
        "beforeDelete" | "afterDelete" => &[Operation::Delete],
        "beforeFind" | "afterFind" => &[Operation::Find, Operation::Get],
        "beforeSubscribe" | "afterLiveQueryEvent" => &[Operation::Find],
        _ => &[],
    }
}

/// The clients that may do one of the operations.
fn doers(engine: &Engine<'_>, class: &Class, ops: &[Operation]) -> Known<Vec<Principal>> {
    if let Known::Unread(why) = class.clp {
        return Known::Unread(why);
    }
    let may = |who: &Principal| {
        let caller = engine.caller(who);
        let reach = |op: &Operation| engine.cell(&caller, class, *op).known();
        ops.iter().any(|op| reach(op).is_none_or(|reach| reach > Reach::None))
    };
    let mut clients: Vec<Principal> = Vec::new();
    for who in engine.principals().into_iter().filter(Principal::is_client) {
        let is_named = clients.iter().any(|client| stands_for(client, &who));
        if who != Principal::AnonymousUser && !is_named && may(&who) {
            clients.push(who);
        }
    }
    Known::Read(clients)
}

#[cfg(test)]
mod tests;
