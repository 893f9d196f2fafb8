//! The facts that rules can select, by noun. A rule names facts and narrows them;
//! how a fact is established is written once, in `audit`.

/// One kind of fact.
#[derive(Debug)]
pub struct FactKind {
    /// Its name in rule files.
    pub name: &'static str,
    /// What is the case, for authors of rules.
    pub means: &'static str,
}

/// A noun: a table of rule files, and the facts about it.
#[derive(Debug)]
pub struct Noun {
    /// The name of the table.
    pub table: &'static str,
    /// Its facts.
    pub facts: &'static [FactKind],
    /// What messages may mention in braces.
    pub placeholders: &'static [&'static str],
}

macro_rules! facts {
    ($($name:literal: $means:literal,)*) => { &[$(FactKind { name: $name, means: $means },)*] };
}

/// Entries of class-level permissions that do not do what they seem to do.
pub const GRANT: Noun = Noun {
    table: "grant",
    facts: facts! {
        "empty-role": "`role:` without a name",
        "not-a-list": "a list of columns that is not an array",
        "not-an-object": "an operation that is not an object",
        "not-true": "a role or user granted with something other than exactly `true`",
        "null-operation": "an operation that is `null`: open to everyone",
        "pointer-on-create": "`pointerFields` on `create`",
        "role-without-prefix": "the name of a role without `role:` in front, taken for a user id",
        "truthy-star": "`*` with a value that is not `true` but counts as true",
        "unknown-column": "a user column that the class does not have",
        "unknown-key": "a key that Parse Server does not know",
        "word-as-user-id": "a word such as `authenticated`, taken for a user id",
        "wrong-column-type": "a user column of a type that cannot hold users",
    },
    placeholders: &["class", "operation", "word"],
};

/// Groups of `protectedFields` and what they make of each other.
pub const PROTECTION: Noun = Noun {
    table: "protection",
    facts: facts! {
        "lists-other-fields": "a group lists fields that `*` does not, and shows what `*` hides",
        "shown-to-signed-in": "the group `authenticated` shows every signed-in user what `*` hides",
        "signed-out-sees-more": "fields are hidden from signed-in users and not from the public",
        "unknown-column": "a field that the class does not have",
        "user-fields-only": "only `userField:` groups, which hide nothing by themselves",
        "without-effect": "a group lists fields that a wider group, in which its callers are as well, does not hide",
    },
    placeholders: &["class", "fields", "group"],
};

/// What the ACLs of a class's rows have in common.
pub const ROWS: Noun = Noun {
    table: "rows",
    facts: facts! {
        "half-stored": "rows of which one side of the ACL is missing and therefore open",
        "legacy-only": "rows with the map `_acl` of old servers, which is never read",
        "missing-in-part": "rows without an ACL in a class whose other rows have one",
        "orphaned-user": "rows that grant something to users who do not exist",
        "public-write": "rows that every caller whom the class lets in may change",
        "written-by-others": "rows of `_User` that others than the user may change",
    },
    placeholders: &["class", "count", "total", "who"],
};

/// Roles.
pub const ROLE: Noun = Noun {
    table: "role",
    facts: facts! {
        "creatable": "clients may create roles",
        "cycle": "roles that inherit each other",
        "inverted": "a privileged role lists a broad role, whose users hold it too",
        "missing": "a role that permissions or ACLs name does not exist, and clients may create it",
        "unknown": "a role that permissions or ACLs name does not exist, and clients may not create it",
        "writable": "clients may change the row of a role, and so join it",
    },
    placeholders: &["role", "others", "who"],
};

/// What lies in system classes and exports.
pub const STORED: Noun = Noun {
    table: "stored",
    facts: facts! {
        "master-key": "an export with the master key in clear text",
        "password-hash": "an export with the hashes of passwords",
        "plain-http-webhook": "a webhook that is called over plain HTTP",
        "public-secret-parameter": "a parameter of the public configuration that looks like a key",
        "session-token": "an export with session tokens in clear text",
    },
    placeholders: &["count", "name", "host"],
};

/// What a running server lets somebody do who has nothing but the application id.
pub const PROBE: Noun = Noun {
    table: "probe",
    facts: facts! {
        "any-origin-with-cookies": "any web page may send requests with the cookies of whoever looks at it",
        "counts-more": "more rows of a class are counted than ACLs open",
        "lets-less": "something is refused that permissions allow",
        "lets-more": "something is allowed that permissions refuse",
        "open-dashboard": "Parse Dashboard hands out its configuration, keys among it, without signing in",
        "open-introspection": "the schema of GraphQL is told",
        "open-playground": "the playground of GraphQL is there",
        "plain-http": "the server answers without encryption as well",
    },
    placeholders: &["class", "operation", "count", "total"],
};

/// The server's options and version.
pub const SERVER: Noun = Noun {
    table: "server",
    facts: facts! {
        "anonymous-users": "anybody may get a session without a name, and permissions ask for no more",
        "changing-defaults": "defaults of the version that a later one changes, and that nothing sets",
        "class-creation": "clients may create classes",
        "ids-as-roles": "clients may choose ids, and the version accepts `role:…` as the id of a user",
        "join-table-write": "clients may create classes, and the version lets them write join tables",
        "live-query-personal": "live queries send everyone the changes of classes with data about people",
        "master-key-from-anywhere": "the master key counts from any address",
        "own-check-failed": "a check of its own security that the running server says it fails",
        "public-file-upload": "anybody may upload files",
        "public-users": "new users are readable by everyone",
        "read-only-key-from-anywhere": "the read-only master key counts from any address",
        "same-as-master-key": "another key has the value of the master key",
        "weak-defaults": "defaults of the version that rules of the table `[option]` are about, and that nothing sets",
    },
    placeholders: &["option", "value", "version", "classes", "count", "group"],
};

/// Files that deploy the app.
pub const DEPLOYMENT: Noun = Noun {
    table: "deployment",
    facts: facts! {
        "database-open": "a database is published to everyone and asks for no password",
        "database-published": "a database is published to everyone",
        "database-tool-published": "a page that works on a database is published to everyone",
        "development-mode": "a server is deployed in development mode",
        "image-without-version": "an image of Parse without a version",
        "key-in-command": "a key in a command line",
        "key-in-image": "a key in an image",
        "plain-http-address": "the address of the server is plain HTTP",
        "privileged": "a container that has its whole machine",
        "root-user": "a container whose user is set to root",
        "testing": "the switch for tests of the server is on",
        "tls-unchecked": "certificates are not checked",
    },
    placeholders: &["service", "what"],
};

/// The database of a running app.
pub const DATABASE: Noun = Noun {
    table: "database",
    facts: facts! {
        "endless-reset-tokens": "tokens for a new password that never end",
        "endless-sessions": "sessions that never end",
        "legacy-sessions": "sessions of users from before sessions were rows",
        "names-not-unique": "nothing in the database keeps names of users or roles apart",
        "not-encrypted": "what a database on the net sends is not encrypted",
        "not-maintained": "a version of a database that gets no fixes any more",
        "other-passwords": "passwords that are no hashes of bcrypt",
        "user-of-more": "the user of the database may use other databases, make users or change the server",
        "without-password": "a database that lets everyone read",
    },
    placeholders: &["class", "column", "count", "kind", "version", "what"],
};

/// Descriptions of classes.
pub const SCHEMA: Noun = Noun {
    table: "schema",
    facts: facts! {
        "sources-disagree": "two files describe a class differently",
    },
    placeholders: &["class", "file"],
};

/// Ignore comments.
pub const IGNORE: Noun = Noun {
    table: "ignore",
    facts: facts! {
        "expired": "an ignore whose date has passed",
        "malformed": "an ignore without a rule, a reason or a valid date",
        "unused": "an ignore that nothing was found for",
    },
    placeholders: &["name", "reason"],
};

/// Packages that are installed.
pub const PACKAGE: Noun = Noun {
    table: "package",
    facts: facts! {
        "affected": "a package with published advisories that apply to the app, or that say of nothing but versions",
        "committed": "installed packages are committed",
        "copied": "a copy of a library that the server runs, or that is too old to get fixes",
        "may-be-affected": "a package with published advisories of which it is not known whether they apply",
        "unpinned": "a package that comes from an address or a repository, and not as one certain version",
    },
    placeholders: &["package", "version", "advisories", "worst", "remedy", "source"],
};

/// Cloud code and the server around it.
pub const CODE: Noun = Noun {
    table: "code",
    facts: facts! {
        "account-takeover": "a password or e-mail address is changed for a user the client chose",
        "adapter-ignores-id": "an adapter for signing in never compares the id that the client sends with what it verified",
        "admin-work-without-role": "work of an administrator without a test of a role",
        "any-origin": "every web site may read answers",
        "body-limit-large": "bodies of requests may be huge",
        "class-from-client": "the client chooses the class",
        "client-amount": "the client chooses an amount",
        "columns-from-client": "the client chooses which columns are written",
        "dashboard-cookie-secret": "sessions of the dashboard are signed with something public",
        "dynamic-property": "the client chooses the property that is written",
        "error-detail": "raw errors are returned",
        "file-wide-master-key": "the master key is switched on for a whole file",
        "graphql-playground": "the GraphQL playground is served",
        "guard-does-not-stop": "a refusal that does not end the handler",
        "identity-from-client": "the client says who it is",
        "insecure-cookie": "a session cookie without protection",
        "job-callable": "what a job does is callable by clients",
        "jwt-misuse": "a token that is signed or checked wrongly",
        "log-of-secret": "a password or token is logged",
        "master-key-for-anyone": "a handler that anyone may call works with the master key",
        "no-attempt-limit": "a short code without a limit of attempts",
        "non-atomic-balance": "a balance is read, changed and saved",
        "object-of-others": "a value of the client selects a row that is read or changed with the master key, \
                             and nothing ties it to the caller",
        "open-clp-in-code": "code opens a class to everyone",
        "operator-from-client": "a secret is compared with a value that the client may make a condition",
        "own-column-decides": "a column that users may write themselves decides",
        "parameters-unchecked": "a function that uses parameters has no validator",
        "plain-http": "another machine is asked over plain HTTP and sent keys, or the server's own address is plain HTTP",
        "privilege-from-client": "the client chooses a role or a flag of privilege",
        "proxy-trusted": "clients choose the address that limits look at",
        "public-read-acl": "an ACL that lets everyone read rows with personal data",
        "public-write-acl": "an ACL that lets everyone write",
        "row-without-acl": "a new row with personal data gets no ACL",
        "rows-returned-whole": "rows read with the master key are returned whole",
        "served-source": "a folder is served in which the server's code lies",
        "session-token-returned": "a session token of somebody else is returned",
        "shared-state": "state of one request is kept for the next",
        "side-effect-for-anyone": "anyone may make the server send a message or spend money",
        "static-password": "a password that is written in code or derived from public data",
        "tls-unchecked": "certificates are not checked",
        "token-in-url": "a session token in an address",
        "token-of-any-app": "a token counts whichever app it was made for",
        "trigger-trusts-object": "a trigger works with the master key on what the client wrote",
        "unbounded-work": "the client chooses how much is read",
        "user-enumeration": "the answer tells whether a user exists",
        "weak-random": "a secret from a predictable generator",
        "webhook-unsigned": "a webhook that does not check who calls",
    },
    placeholders: &["handler", "who", "class", "source", "sink", "what", "column"],
};

/// What changed between two locks.
pub const DRIFT: Noun = Noun {
    table: "drift",
    facts: facts! {
        "class-exposed": "live queries or GraphQL offer a class",
        "class-new": "a class is new",
        "code-widened": "a handler of code reaches more with the master key, or more may call it",
        "composition": "several changes together let somebody reach what none of them does alone",
        "coverage-lost": "something is not read any more",
        "default-acl-widened": "new objects of a class are open to more",
        "field-exposed": "somebody sees columns that were hidden from them",
        "field-new": "a new column that somebody sees",
        "grant-narrowed": "somebody reaches less",
        "grant-widened": "somebody may do what they might not",
        "option-weakened": "an option of the server or a parameter lets more in",
        "pending-narrower": "the next start of the server closes what is open now",
        "pending-wider": "the next start of the server opens what is closed now",
        "permissions-lost": "a class has no permissions any more",
        "role-widened": "a role inherits more, is new, has another member or can be changed by more",
        "rows-opened": "more rows of a class are open",
        "undecided": "what code does cannot be told any more",
        "unique-index-dropped": "the database does not keep values of a column apart any more",
        "unique-index-new": "the database keeps values of a column apart",
        "version-changed": "another version of the server lets more in",
        "webhook-changed": "a webhook is new or sent elsewhere",
    },
    placeholders: &["class", "effect", "parts", "subject"],
};

/// All nouns.
pub const NOUNS: [&Noun; 14] = [
    &GRANT,
    &PROTECTION,
    &ROWS,
    &ROLE,
    &STORED,
    &PROBE,
    &SERVER,
    &DEPLOYMENT,
    &DATABASE,
    &SCHEMA,
    &IGNORE,
    &PACKAGE,
    &DRIFT,
    &CODE,
];

/// What messages of `[permission]` may mention in braces.
pub const PERMISSION_PLACEHOLDERS: &[&str] = &["class", "operations", "fields", "who"];

/// What messages of `[flow]` may mention in braces.
pub const FLOW_PLACEHOLDERS: &[&str] = &["handler", "who", "source", "sink"];

/// The noun of a table.
pub fn noun(table: &str) -> Option<&'static Noun> {
    NOUNS.into_iter().find(|noun| noun.table == table)
}
