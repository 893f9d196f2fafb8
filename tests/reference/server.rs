//! The checks of Parse Server 9.10.0 for one request, told again as its JavaScript tells them:
//! on raw JSON, one step after the other, ending in a query that rows are matched with.
//!
//! Slow and literal on purpose. It shares no code and no types with `src/permit`; names are
//! those of `SharedRest`, `RestQuery`, `RestWrite`, `SchemaController`, `DatabaseController`
//! and `Auth`, so that it can be read side by side with them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

const MASTER_ONLY: [&str; 8] = [
    "_JobStatus",
    "_PushStatus",
    "_Hooks",
    "_GlobalConfig",
    "_GraphQLConfig",
    "_JobSchedule",
    "_Audience",
    "_Idempotency",
];
/// Classes without a stored schema: their permissions are `{}`, so every operation is "not configured".
const VOLATILE: [&str; 8] = MASTER_ONLY;
const OPERATIONS: [&str; 7] = ["find", "get", "count", "create", "update", "delete", "addField"];

/// What the database holds.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// `{"fields": {…}, "classLevelPermissions": …}` by class.
    pub schemas: BTreeMap<String, Value>,
    /// Rows by class, with `_rperm` and `_wperm`.
    pub rows: BTreeMap<String, Vec<Value>>,
    /// Rows of `_Role`: id and name.
    pub roles: Vec<(String, String)>,
    /// `_Join:users:_Role`: owning role, user.
    pub join_users: Vec<(String, String)>,
    /// `_Join:roles:_Role`: owning role, role in its relation.
    pub join_roles: Vec<(String, String)>,
    /// The server option `protectedFields`.
    pub protected_fields: Value,
}

/// Who asks, as `Auth` keeps it.
#[derive(Debug, Clone, Default)]
pub struct Auth {
    pub user: Option<String>,
    /// `role:NAME`.
    pub user_roles: Vec<String>,
    pub is_master: bool,
    pub is_read_only: bool,
    pub is_maintenance: bool,
}

/// What the database is asked for once every check has passed.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// A save without a condition on rows.
    Anything,
    /// No row: the pointer permission finds no user.
    Nobody,
    /// The rows that match.
    Rows(Value),
}

/// A Parse error code.
pub type Code = u16;

impl Auth {
    /// `getUserAndRoleACL`.
    pub fn acl_group(&self) -> Vec<String> {
        let mut group = vec!["*".to_owned()];
        if let Some(user) = &self.user {
            group.extend(self.user_roles.iter().cloned());
            group.push(user.clone());
        }
        group
    }

    fn is_unauthenticated(&self) -> bool {
        !self.is_master && !self.is_maintenance && self.user.is_none()
    }
}

fn is_truthy(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && *value != json!(0) && *value != json!("")
}

pub fn pointer(user: &str) -> Value {
    json!({ "__type": "Pointer", "className": "_User", "objectId": user })
}

impl Database {
    /// A session of the user, with its roles loaded as `getRolesForUser` does.
    pub fn session(&self, user: &str) -> Auth {
        let mut ids: Vec<String> = Vec::new();
        for (role, member) in &self.join_users {
            if member == user && !ids.contains(role) {
                ids.push(role.clone());
            }
        }
        // _getAllRolesNamesForRoleIds: who has one of these in its relation, until nothing is new.
        let mut step = ids.clone();
        while !step.is_empty() {
            let mut next = Vec::new();
            for (owner, child) in &self.join_roles {
                if step.contains(child) && !ids.contains(owner) && !next.contains(owner) {
                    next.push(owner.clone());
                }
            }
            ids.extend(next.iter().cloned());
            step = next;
        }
        let named = ids.iter().filter_map(|id| self.roles.iter().find(|(role, _)| role == id));
        let user_roles = named.map(|(_, name)| format!("role:{name}")).collect();
        Auth { user: Some(user.to_owned()), user_roles, ..Auth::default() }
    }

    /// `getClassLevelPermissions`: the stored ones over their defaults, with the server's option.
    pub fn permissions(&self, class: &str) -> Value {
        if VOLATILE.contains(&class) {
            return json!({});
        }
        let stored = self.schemas.get(class).map_or(&Value::Null, |schema| &schema["classLevelPermissions"]);
        let mut perms = Map::new();
        if is_truthy(stored) {
            for op in OPERATIONS {
                perms.insert(op.to_owned(), json!({}));
            }
            perms.insert("protectedFields".to_owned(), json!({}));
            for (key, value) in stored.as_object().expect("an object") {
                perms.insert(key.clone(), value.clone());
            }
        } else {
            for op in OPERATIONS {
                perms.insert(op.to_owned(), json!({ "*": true }));
            }
            perms.insert("protectedFields".to_owned(), json!({ "*": [] }));
        }
        // injectDefaults, then SchemaData.
        let mut option = self.protected_fields.clone();
        unite(&mut option["_User"], "*", &json!(["email"]));
        for (group, columns) in option[class].as_object().into_iter().flatten() {
            unite(perms.get_mut("protectedFields").expect("set above"), group, columns);
        }
        Value::Object(perms)
    }

    /// Everything before the database is asked, and the query it is asked with.
    pub fn request(&self, auth: &Auth, class: &str, op: &str) -> Result<Asked, Code> {
        match op {
            "find" | "get" | "count" => self.query(auth, class, op),
            "delete" => self.del(auth, class),
            _ => self.save(auth, class, op),
        }
    }

    /// `RestQuery`.
    fn query(&self, auth: &Auth, class: &str, op: &str) -> Result<Asked, Code> {
        let method = if op == "get" { "get" } else { "find" };
        enforce_role_security(method, class, auth)?;
        let mut rest_where = json!({});
        let mut op = op;
        if !auth.is_master && class == "_Session" {
            let Some(user) = &auth.user else { return Err(209) };
            rest_where = json!({ "user": pointer(user) });
            // The condition is no longer one objectId alone.
            op = if op == "get" { "find" } else { op };
        }
        // runCount does not hand on who is asking.
        let maintained = auth.is_maintenance && op != "count";
        if auth.is_master || maintained {
            return Ok(Asked::Rows(rest_where));
        }
        let group = auth.acl_group();
        let perms = self.permissions(class);
        validate_permission(&perms, &group, op, "")?;
        let Some(query) = self.add_pointer_permissions(&perms, class, op, rest_where, &group)? else {
            return if op == "get" { Err(101) } else { Ok(Asked::Nobody) };
        };
        Ok(Asked::Rows(add_acl(query, "_rperm", &group)))
    }

    /// `RestWrite.execute`, as a create, as an update, or as far as an update adds a column.
    fn save(&self, auth: &Auth, class: &str, op: &str) -> Result<Asked, Code> {
        enforce_role_security(if op == "create" { "create" } else { "update" }, class, auth)?;
        let by_key = auth.is_master || auth.is_maintenance;
        let mut query = json!({});
        if class == "_Session" {
            // handleSession
            if auth.user.is_none() && !by_key {
                return Err(209);
            }
            if op != "create" && !auth.is_master {
                // The maintenance key has no user whose id could be read.
                let Some(user) = &auth.user else { return Err(1) };
                query = json!({ "user": pointer(user) });
            }
        }
        if by_key {
            return Ok(if op == "update" { Asked::Rows(query) } else { Asked::Anything });
        }
        let group = auth.acl_group();
        let perms = self.permissions(class);
        if op == "create" {
            validate_permission(&perms, &group, "create", "create")?;
            return Ok(Asked::Anything);
        }
        if op == "addField" {
            // validateSchema adds the column here; whether the row may be changed comes later.
            validate_permission(&perms, &group, "addField", "update")?;
            return Ok(Asked::Anything);
        }
        if class == "_User" && auth.is_unauthenticated() {
            return Err(206);
        }
        validate_permission(&perms, &group, "update", "")?;
        match self.add_pointer_permissions(&perms, class, "update", query, &group)? {
            Some(query) => Ok(Asked::Rows(add_acl(query, "_wperm", &group))),
            None => Err(101),
        }
    }

    /// `rest.del`.
    fn del(&self, auth: &Auth, class: &str) -> Result<Asked, Code> {
        if class == "_User" && auth.is_unauthenticated() {
            return Err(206);
        }
        enforce_role_security("delete", class, auth)?;
        let mut query = json!({});
        if class == "_Session" && !auth.is_master {
            // Sessions are read first, by their user.
            let Some(user) = &auth.user else { return Err(209) };
            query = json!({ "user": pointer(user) });
        }
        if auth.is_master || auth.is_maintenance {
            return Ok(Asked::Rows(query));
        }
        let group = auth.acl_group();
        let perms = self.permissions(class);
        validate_permission(&perms, &group, "delete", "")?;
        match self.add_pointer_permissions(&perms, class, "delete", query, &group)? {
            Some(query) => Ok(Asked::Rows(add_acl(query, "_wperm", &group))),
            None => Err(101),
        }
    }

    fn add_pointer_permissions(
        &self,
        perms: &Value,
        class: &str,
        op: &str,
        query: Value,
        group: &[String],
    ) -> Result<Option<Value>, Code> {
        if test_permissions(perms, group, op) {
            return Ok(Some(query));
        }
        let user_acl: Vec<&String> = group.iter().filter(|acl| !acl.starts_with("role:") && *acl != "*").collect();
        let mut fields: Vec<&str> = Vec::new();
        for list in [&perms[op]["pointerFields"], &perms[group_key(op)]] {
            for field in list.as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains(&field) {
                    fields.push(field);
                }
            }
        }
        if fields.is_empty() {
            return Ok(Some(query));
        }
        let [user] = user_acl.as_slice() else { return Ok(None) };
        let mut queries = Vec::new();
        for field in fields {
            let clause = match self.schemas[class]["fields"][field]["type"].as_str() {
                Some("Pointer" | "Object") => json!({ field: pointer(user) }),
                Some("Array") => json!({ field: { "$all": [pointer(user)] } }),
                _ => return Err(1),
            };
            queries.push(if query == json!({}) { clause } else { json!({ "$and": [clause, query] }) });
        }
        Ok(Some(json!({ "$or": queries })))
    }

    /// `addProtectedFields` for a query without an objectId.
    pub fn add_protected_fields(&self, auth: &Auth, class: &str) -> Vec<String> {
        let perms = self.permissions(class);
        let Some(protected) = perms["protectedFields"].as_object() else { return Vec::new() };
        let mut sets: Vec<&Value> = Vec::new();
        for (key, columns) in protected.iter().filter(|(key, _)| !key.starts_with("userField:")) {
            let applies = match key.as_str() {
                "*" => true,
                "authenticated" => auth.user.is_some(),
                key => auth.user.is_some() && auth.user_roles.iter().any(|role| role == key),
            };
            if applies {
                sets.push(columns);
            }
        }
        if let Some(columns) = auth.user.as_ref().and_then(|user| protected.get(user)) {
            sets.push(columns);
        }
        let mut keys: Vec<String> = sets.iter().flat_map(|set| strings(set)).collect();
        for set in sets {
            keys.retain(|key| strings(set).contains(key));
        }
        keys
    }

    /// `filterSensitiveData` after a find or a get: the columns that remain of a row.
    pub fn filter_sensitive_data(&self, auth: &Auth, class: &str, row: &Value) -> Vec<String> {
        let mut object = row.as_object().expect("a row").clone();
        // RestQuery.runFind
        object.retain(|key, _| !key.starts_with('_') && (class != "_User" || key != "password"));
        if auth.is_master || auth.is_maintenance {
            return object.keys().cloned().collect();
        }
        let mut protected = self.add_protected_fields(auth, class);
        let perms = self.permissions(class);
        let user = auth.user.clone().unwrap_or_default();
        let is_user = |value: &Value| value["objectId"].as_str().is_some_and(|id| !id.is_empty() && id == user);
        for (key, columns) in perms["protectedFields"].as_object().into_iter().flatten() {
            let Some(field) = key.strip_prefix("userField:") else { continue };
            let value = &row[field];
            if value.as_array().map_or_else(|| is_user(value), |users| users.iter().any(is_user)) {
                protected.retain(|column| strings(columns).contains(column));
            }
        }
        let own = class == "_User" && row["objectId"] == json!(user);
        if !own {
            object.retain(|key, _| !protected.contains(key) && (class != "_User" || key != "authData"));
        }
        object.keys().cloned().collect()
    }
}

fn unite(groups: &mut Value, group: &str, columns: &Value) {
    let mut all = strings(&groups[group]);
    for column in strings(columns) {
        if !all.contains(&column) {
            all.push(column);
        }
    }
    groups[group] = json!(all);
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn group_key(op: &str) -> &'static str {
    if ["get", "find", "count"].contains(&op) { "readUserFields" } else { "writeUserFields" }
}

fn enforce_role_security(method: &str, class: &str, auth: &Auth) -> Result<(), Code> {
    let client = !auth.is_master && !auth.is_maintenance;
    let closed_installation = class == "_Installation" && (method == "delete" || method == "find");
    if client && (closed_installation || MASTER_ONLY.contains(&class) || class.starts_with("_Join:")) {
        return Err(119);
    }
    if auth.is_read_only && ["create", "update", "delete"].contains(&method) {
        return Err(119);
    }
    Ok(())
}

fn test_permissions(perms: &Value, group: &[String], op: &str) -> bool {
    let entries = &perms[op];
    !is_truthy(entries) || is_truthy(&entries["*"]) || group.iter().any(|acl| entries[acl] == json!(true))
}

fn validate_permission(perms: &Value, group: &[String], op: &str, action: &str) -> Result<(), Code> {
    if test_permissions(perms, group, op) {
        return Ok(());
    }
    if is_truthy(&perms[op]["requiresAuthentication"]) {
        return if group == ["*"] { Err(101) } else { Ok(()) };
    }
    let filled = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    if op == "create" {
        return Err(119);
    }
    if filled(&perms[group_key(op)]) {
        return Ok(());
    }
    if filled(&perms[op]["pointerFields"]) && (op != "addField" || action == "update") {
        return Ok(());
    }
    Err(119)
}

/// `addReadACL` and `addWriteACL`.
fn add_acl(mut query: Value, side: &str, group: &[String]) -> Value {
    let mut admitted = vec![Value::Null];
    admitted.extend(group.iter().map(|acl| json!(acl)));
    query[side] = json!({ "$in": admitted });
    query
}

/// Whether a row matches a query, as MongoDB does it.
pub fn matches(row: &Value, query: &Value) -> bool {
    query.as_object().expect("a query").iter().all(|(key, condition)| match key.as_str() {
        "$and" => condition.as_array().expect("a list").iter().all(|part| matches(row, part)),
        "$or" => condition.as_array().expect("a list").iter().any(|part| matches(row, part)),
        key => match (condition.get("$in"), condition.get("$all")) {
            (Some(Value::Array(among)), _) => match &row[key] {
                Value::Array(values) => values.iter().any(|value| among.contains(value)),
                value => among.contains(value),
            },
            (_, Some(Value::Array(all))) => {
                all.iter().all(|one| row[key].as_array().is_some_and(|values| values.contains(one)))
            }
            _ => row[key] == *condition,
        },
    })
}
