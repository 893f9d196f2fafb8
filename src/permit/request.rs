//! One recorded or imagined request after the other, in the server's order of checks.
//!
//! Everything that needs the database (which rows satisfy a query) stays outside:
//! a read gives a [`RowFilter`], a write says which rows it may touch.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::acl::truthy;
use crate::model::clp::Clp;
use crate::model::{Acl, Class, ClassName, FieldName, Known, Operation, UserId};

use super::caller::{Caller, Client, User};
use super::class_level::{self, Action, Constraint};
use super::denial::Denial;
use super::fields::{self, Groups};
use super::object::{self, SaveRules, Side};
use super::system::{self, Extra};
use super::{Admits, Engine, Settings};

/// A query for objects of a class.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// `where`.
    pub filter: Map<String, Value>,
    /// `order`, with `-` in front of a descending key.
    pub order: Vec<String>,
    /// The address names one object (`GET /classes/C/ID`); `filter` then has its `objectId`.
    pub by_address: bool,
    /// `limit=0`.
    pub no_rows: bool,
}

/// Which rows of a class a caller reads, and which columns of them.
#[derive(Debug, Clone)]
pub struct RowFilter<'c> {
    class: &'c ClassName,
    caller: Caller,
    /// The operation that the server checked.
    pub op: Operation,
    constraint: Constraint,
    extra: Extra,
    groups: Groups,
    hidden: BTreeSet<FieldName>,
    owner_exempt: bool,
}

/// A row as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    /// The object's id.
    pub id: UserId,
    /// The stored ACL.
    pub acl: &'r Acl,
    /// The columns in REST form.
    pub columns: &'r Map<String, Value>,
}

/// What a save may do.
#[derive(Debug, Clone)]
pub struct Save {
    /// Whether the save adds a column. It does so even if the save itself is refused.
    pub adds_field: bool,
    /// The save itself.
    pub outcome: Result<(), Denial>,
}

impl Engine<'_> {
    /// Checks a find or a get.
    ///
    /// `None` is a read that checks nothing and returns nothing: `limit=0`.
    ///
    /// # Errors
    ///
    /// The refusal that the client sees.
    pub fn read<'c>(&self, caller: &Caller, class: &'c Class, query: &Query) -> Result<Option<RowFilter<'c>>, Denial> {
        let asked = if query.by_address { Operation::Get } else { Operation::Find };
        let extra = self.enter(caller, class, asked)?;
        let hidden = self.refuse_hidden(caller, class, query)?;
        if query.no_rows {
            return Ok(None);
        }
        let names_one = query.filter.len() == 1 && query.filter.get("objectId").is_some_and(Value::is_string);
        // The query for one's own sessions is wrapped, so it never looks like a get.
        let op = if names_one && extra == Extra::Nothing { Operation::Get } else { Operation::Find };
        let filter = self.admit(caller, class, op, extra, hidden)?;
        if op == Operation::Get && filter.constraint == Constraint::Nobody {
            return Err(Denial::NotFound);
        }
        if asks_for_acl(&query.filter) {
            return Err(Denial::InvalidQuery);
        }
        filter.unbroken().map(Some)
    }

    /// Checks a count. On a `Nobody` constraint the server answers an empty list instead of a number.
    ///
    /// # Errors
    ///
    /// The refusal that the client sees.
    pub fn count<'c>(&self, caller: &Caller, class: &'c Class, query: &Query) -> Result<RowFilter<'c>, Denial> {
        let extra = self.enter(caller, class, Operation::Count)?;
        let hidden = self.refuse_hidden(caller, class, query)?;
        // The server forgets who is asking, but for the master key.
        let forgets = *caller == Caller::Maintenance && self.settings.behaviour.maintenance_counts_as_public;
        let public = Caller::Client(Client::default());
        let caller = if forgets { &public } else { caller };
        let op = if self.settings.behaviour.has_count { Operation::Count } else { Operation::Find };
        self.admit(caller, class, op, extra, hidden)?.unbroken()
    }

    /// Checks a `get` that the server makes on behalf of the caller: for `include`,
    /// or to see whether the owner of a relation is readable.
    ///
    /// # Errors
    ///
    /// The refusal that the client sees.
    pub fn get_for<'c>(&self, caller: &Caller, class: &'c Class) -> Result<RowFilter<'c>, Denial> {
        let hidden = self.hidden(caller, class);
        self.admit(caller, class, Operation::Get, Extra::Nothing, hidden)?.unbroken()
    }

    /// Whether the caller may learn what a relation of an object leads to (`$relatedTo`).
    ///
    /// `owner_is_read` asks whether a filter admits the owning object.
    ///
    /// # Errors
    ///
    /// The relation's column is hidden from the caller.
    pub fn may_follow_relation(
        &self,
        caller: &Caller,
        owner: &Class,
        column: &str,
        owner_is_read: impl FnOnce(&RowFilter<'_>) -> bool,
    ) -> Result<bool, Denial> {
        if !self.settings.behaviour.authorises_related_to {
            return Ok(true);
        }
        let root = column.split_once('.').map_or(column, |(root, _)| root);
        let hidden = self.hidden(caller, owner);
        if hidden.contains(column) || hidden.contains(root) {
            return Err(Denial::Forbidden);
        }
        match self.get_for(caller, owner) {
            Ok(filter) => Ok(owner_is_read(&filter)),
            Err(Denial::Forbidden | Denial::NotFound) => Ok(false),
            Err(denial) => Err(denial),
        }
    }

    /// The columns left out of the answer to a save.
    pub fn hidden_in_save_response(&self, caller: &Caller, class: &Class) -> BTreeSet<FieldName> {
        if self.settings.save_response_exempt { BTreeSet::new() } else { self.hidden(caller, class) }
    }

    /// Checks the creation of an object with the columns of `body`.
    ///
    /// # Errors
    ///
    /// A refusal before a column could be added.
    pub fn create(&self, caller: &Caller, class: &Class, body: &Map<String, Value>) -> Result<Save, Denial> {
        self.may_write(caller)?;
        self.enter(caller, class, Operation::Create)?;
        if !self.settings.custom_ids && body.contains_key("objectId") {
            return Err(Denial::InvalidKey);
        }
        let Caller::Client(client) = caller else {
            return Ok(Save { adds_field: !self.new_columns(class, body).is_empty(), outcome: Ok(()) });
        };
        self.refuse_guarded(class, body)?;
        let clp = self.clp(class);
        let adds_field = self.may_add_fields(client, class, body, Action::Create)?;
        let outcome = class_level::gate(&clp, client, Operation::Create, Action::Create, &self.settings.behaviour);
        Ok(Save { adds_field, outcome: outcome.map(drop) })
    }

    /// Checks an update of a row; `row` is `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// A refusal before a column could be added.
    pub fn update(
        &self,
        caller: &Caller,
        class: &Class,
        row: Option<Row<'_>>,
        body: &Map<String, Value>,
    ) -> Result<Save, Denial> {
        self.may_write(caller)?;
        let extra = self.enter(caller, class, Operation::Update)?;
        let Caller::Client(client) = caller else {
            let outcome = row.map(drop).ok_or(Denial::NotFound);
            return Ok(Save { adds_field: !self.new_columns(class, body).is_empty(), outcome });
        };
        self.refuse_guarded(class, body)?;
        let as_user = |denial| missing_user(class, denial);
        let adds_field = self.may_add_fields(client, class, body, Action::Update).map_err(as_user)?;
        let outcome = self.touch(client, class, Operation::Update, extra, row, adds_field).map_err(as_user);
        Ok(Save { adds_field, outcome })
    }

    /// Checks the deletion of a row; `row` is `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// The refusal that the client sees.
    pub fn delete(&self, caller: &Caller, class: &Class, row: Option<Row<'_>>) -> Result<(), Denial> {
        if let Caller::Client(client) = caller
            && class.name == "_User"
            && !client.is_signed_in()
        {
            return Err(Denial::SessionMissing);
        }
        self.may_write(caller)?;
        let extra = self.enter(caller, class, Operation::Delete)?;
        match caller {
            Caller::Client(client) => {
                let outcome = self.touch(client, class, Operation::Delete, extra, row, false);
                outcome.map_err(|denial| missing_user(class, denial))
            }
            Caller::ReadOnlyMaster | Caller::Maintenance | Caller::Master => row.map(drop).ok_or(Denial::NotFound),
        }
    }

    /// The ACL a new object is stored with; see [`object::on_create`].
    pub fn acl_on_create(&self, caller: &Caller, class: &Class, sent: Option<&Value>, new_id: UserId) -> Acl {
        let creator = match caller {
            Caller::Client(Client { user: User::Is(user), .. }) => Some(*user),
            _ => None,
        };
        let rules = SaveRules { behaviour: &self.settings.behaviour, private_users: self.settings.private_users };
        let new_user = (class.name == "_User").then_some(new_id);
        object::on_create(sent, &class.name, &self.clp(class), creator, new_user, &rules)
    }

    /// The ACL an update leaves; see [`object::on_update`].
    pub fn acl_on_update(&self, caller: &Caller, class: &Class, row: Row<'_>, sent: Option<&Value>) -> Acl {
        let keeps = matches!(caller, Caller::Client(_)) && class.name == "_User";
        object::on_update(row.acl, sent, keeps.then_some(row.id))
    }

    /// Checks a request on a class that does not exist. If it passes, the class is treated as
    /// an open one without objects, which a save then creates.
    ///
    /// # Errors
    ///
    /// The refusal that the client sees.
    pub fn on_missing_class(&self, caller: &Caller, name: &ClassName, op: Operation) -> Result<(), Denial> {
        if op == Operation::Create {
            self.may_write(caller)?;
        }
        if let Caller::Client(client) = caller {
            self.refuse_route(name, op)?;
            system::enter(name, op, client, &self.settings.behaviour)?;
            if !self.settings.class_creation && !system::always_exists(name) {
                return Err(Denial::Forbidden);
            }
        }
        Ok(())
    }

    /// The columns of `body` that the class does not have yet.
    ///
    /// Source: Parse Server 9.10.0, `DatabaseController.canAddField`.
    pub fn new_columns<'b>(&self, class: &Class, body: &'b Map<String, Value>) -> Vec<&'b str> {
        let Known::Read(columns) = &class.fields else { return Vec::new() };
        let exists = |key: &str| {
            let root = key.split_once('.').map_or(key, |(root, _)| root);
            columns.contains_key(if self.settings.behaviour.dotted_key_may_exist { root } else { key })
        };
        let unset = |value: &Value| value.get("__op").and_then(Value::as_str) == Some("Delete");
        let named = body.iter().filter(|(key, value)| !unset(value) && !exists(key));
        named.map(|(key, _)| key.as_str()).collect()
    }

    fn enter(&self, caller: &Caller, class: &Class, op: Operation) -> Result<Extra, Denial> {
        match caller {
            Caller::Client(client) => {
                self.refuse_route(&class.name, op)?;
                system::enter(&class.name, op, client, &self.settings.behaviour)
            }
            Caller::Maintenance => system::enter_maintained(&class.name, op).map(|()| Extra::Nothing),
            Caller::ReadOnlyMaster | Caller::Master => Ok(Extra::Nothing),
        }
    }

    /// `routeAllowList`, for a request over REST.
    fn refuse_route(&self, class: &ClassName, op: Operation) -> Result<(), Denial> {
        let admits = self.routes.as_ref().map(|routes| routes.admit(class, op));
        if admits == Some(Admits::No) { Err(Denial::Forbidden) } else { Ok(()) }
    }

    fn may_write(&self, caller: &Caller) -> Result<(), Denial> {
        if *caller == Caller::ReadOnlyMaster { Err(Denial::Forbidden) } else { Ok(()) }
    }

    /// `emailVerified` and a user id that looks like a role are not for clients to set.
    fn refuse_guarded(&self, class: &Class, body: &Map<String, Value>) -> Result<(), Denial> {
        let Settings { behaviour, custom_ids, .. } = &self.settings;
        if class.name == "_User" && body.contains_key("emailVerified") {
            return Err(Denial::Forbidden);
        }
        let id = body.get("objectId").and_then(Value::as_str);
        let as_role = class.name == "_User" && id.is_some_and(|id| id.starts_with("role:"));
        if *custom_ids && as_role && behaviour.refuses_role_ids { Err(Denial::Forbidden) } else { Ok(()) }
    }

    fn may_add_fields(
        &self,
        client: &Client,
        class: &Class,
        body: &Map<String, Value>,
        action: Action,
    ) -> Result<bool, Denial> {
        if self.new_columns(class, body).is_empty() {
            return Ok(false);
        }
        class_level::gate(&self.clp(class), client, Operation::AddField, action, &self.settings.behaviour)?;
        Ok(true)
    }

    /// An update or a deletion of a row after the checks on columns.
    fn touch(
        &self,
        client: &Client,
        class: &Class,
        op: Operation,
        extra: Extra,
        row: Option<Row<'_>>,
        adds_field: bool,
    ) -> Result<(), Denial> {
        let behaviour = &self.settings.behaviour;
        if class.name == "_User" && !client.is_signed_in() {
            return Err(Denial::SessionMissing);
        }
        let clp = self.clp(class);
        class_level::gate(&clp, client, op, Action::Update, behaviour)?;
        let constraint = class_level::constraint(&clp, class, client, op, behaviour);
        let add_field = match adds_field {
            true => class_level::constraint(&clp, class, client, Operation::AddField, behaviour),
            false => Constraint::None,
        };
        match (&constraint, &add_field) {
            (Constraint::Broken(_), _) | (_, Constraint::Broken(_)) => return Err(Denial::Broken),
            // The server builds a broken query when either of the two finds nobody.
            (Constraint::Nobody, _) | (_, Constraint::Nobody) if adds_field => return Err(Denial::Broken),
            (Constraint::Nobody, _) => return Err(Denial::NotFound),
            _ => {}
        }
        let Some(row) = row else { return Err(Denial::NotFound) };
        let admitted = object::acl_admits(row.acl, Side::Write, client)
            && points(&constraint, client, row)
            && points(&add_field, client, row)
            && is_own(extra, client, row);
        if admitted { Ok(()) } else { Err(Denial::NotFound) }
    }

    /// The columns hidden from the caller before rows are known.
    pub fn hidden(&self, caller: &Caller, class: &Class) -> BTreeSet<FieldName> {
        match caller {
            Caller::Client(client) => fields::hidden(&self.groups(class), client, &self.settings.behaviour),
            Caller::ReadOnlyMaster | Caller::Maintenance | Caller::Master => BTreeSet::new(),
        }
    }

    fn refuse_hidden(&self, caller: &Caller, class: &Class, query: &Query) -> Result<BTreeSet<FieldName>, Denial> {
        let Caller::Client(client) = caller else { return Ok(BTreeSet::new()) };
        let own_id = query.filter.get("objectId").and_then(Value::as_str).map(UserId::of);
        if class.name == "_User" && self.settings.owner_exempt && own_id.is_some_and(|id| client.is(id)) {
            return Ok(BTreeSet::new());
        }
        let hidden = self.hidden(caller, class);
        match fields::refused_key(&hidden, &query.filter, &query.order, &self.settings.behaviour) {
            Some(_) => Err(Denial::Forbidden),
            None => Ok(hidden),
        }
    }

    fn admit<'c>(
        &self,
        caller: &Caller,
        class: &'c Class,
        op: Operation,
        extra: Extra,
        hidden: BTreeSet<FieldName>,
    ) -> Result<RowFilter<'c>, Denial> {
        let mut constraint = Constraint::None;
        if let Caller::Client(client) = caller {
            let clp = self.clp(class);
            class_level::gate(&clp, client, op, Action::Update, &self.settings.behaviour)?;
            constraint = class_level::constraint(&clp, class, client, op, &self.settings.behaviour);
        }
        Ok(RowFilter {
            class: &class.name,
            caller: caller.clone(),
            op,
            constraint,
            extra,
            groups: self.groups(class),
            hidden,
            owner_exempt: self.settings.owner_exempt,
        })
    }

    /// The permissions of a class; of one that was not read, the closed ones; of one that has
    /// no stored schema, the open ones.
    pub(super) fn clp<'c>(&self, class: &'c Class) -> std::borrow::Cow<'c, Clp> {
        match &class.clp {
            _ if system::is_volatile(&class.name) => std::borrow::Cow::Owned(Clp::open()),
            Known::Read(clp) => std::borrow::Cow::Borrowed(clp),
            Known::Unread(_) => std::borrow::Cow::Owned(Clp::closed()),
        }
    }
}

impl RowFilter<'_> {
    fn unbroken(self) -> Result<Self, Denial> {
        if let Constraint::Broken(_) = self.constraint { Err(Denial::Broken) } else { Ok(self) }
    }

    /// Whether no row can pass because user columns decide and the caller has no user.
    pub fn is_nobody(&self) -> bool {
        self.constraint == Constraint::Nobody
    }

    /// Whether the caller gets the row.
    pub fn admits(&self, row: Row<'_>) -> bool {
        let Caller::Client(client) = &self.caller else { return true };
        object::acl_admits(row.acl, Side::Read, client)
            && points(&self.constraint, client, row)
            && is_own(self.extra, client, row)
    }

    /// The columns hidden in the row.
    pub fn hidden_in(&self, row: Row<'_>, behaviour: &super::Behaviour) -> BTreeSet<FieldName> {
        let Caller::Client(client) = &self.caller else { return BTreeSet::new() };
        let own_row = *self.class == "_User" && client.is(row.id);
        let mut hidden = if own_row && self.owner_exempt {
            BTreeSet::new()
        } else if self.op == Operation::Count {
            self.hidden.clone()
        } else {
            let owned = |column: &FieldName| {
                fields::row_is_of(client, row.columns.get(column.as_str()), fields::refers_loosely)
            };
            fields::hidden_from_owner(&self.groups, &self.hidden, owned, behaviour)
        };
        if *self.class == "_User" && !own_row {
            hidden.insert("authData".into());
        }
        hidden
    }
}

/// A user who is not found is, to whoever writes, a user whose session is missing.
///
/// Source: Parse Server 9.10.0, `rest.js` (`handleSessionMissingError`).
fn missing_user(class: &Class, denial: Denial) -> Denial {
    match denial {
        Denial::NotFound if class.name == "_User" => Denial::SessionMissing,
        denial => denial,
    }
}

/// Whether a query has the key `ACL`, which no caller may ask about.
fn asks_for_acl(filter: &Map<String, Value>) -> bool {
    let mut todo = vec![filter];
    while let Some(filter) = todo.pop() {
        if filter.get("ACL").is_some_and(truthy) {
            return true;
        }
        for operator in ["$or", "$and", "$nor"] {
            let parts = filter.get(operator).and_then(Value::as_array).into_iter().flatten();
            todo.extend(parts.filter_map(Value::as_object));
        }
    }
    false
}

fn points(constraint: &Constraint, client: &Client, row: Row<'_>) -> bool {
    match constraint {
        Constraint::None => true,
        Constraint::Nobody | Constraint::Broken(_) => false,
        Constraint::PointsAtCaller(columns) => columns
            .iter()
            .any(|column| fields::row_is_of(client, row.columns.get(column.as_str()), fields::points_strictly)),
    }
}

fn is_own(extra: Extra, client: &Client, row: Row<'_>) -> bool {
    match extra {
        Extra::Nothing => true,
        Extra::OwnSessions => fields::row_is_of(client, row.columns.get("user"), fields::points_strictly),
    }
}
