//! What differs between versions of Parse Server, as one table of answers.
//!
//! Fixes are found in two lines of releases (8.x and 9.x); pre-releases count as
//! what they are, so plain SemVer precedence decides.

use semver::Version;

/// How a version of Parse Server decides. Sources are tags, changelogs and
/// recorded answers; `fixtures/server/` replays 4.10, 5.6, 6.5, 7.5, 8.6 and 9.10.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// 2.2.8: `readUserFields` and `writeUserFields`.
    pub has_class_user_fields: bool,
    /// 2.3.0: `requiresAuthentication`.
    pub has_requires_authentication: bool,
    /// 2.4.0: `count` is an operation of its own; before, it is checked as `find`.
    pub has_count: bool,
    /// Until 3.9.0 a written CLP that leaves `count` out leaves it open.
    pub count_left_out_is_open: bool,
    /// Until 4.0.0 `count` takes its user columns from `writeUserFields`.
    pub count_uses_write_fields: bool,
    /// 4.0.0: `pointerFields` of an operation, arrays of users.
    pub has_operation_pointer_fields: bool,
    /// 4.3.0: a pointer permission on a column of another type is an internal error.
    pub breaks_on_other_types: bool,
    /// How the groups of `protectedFields` combine.
    pub protected_fields: ProtectedFieldsRule,
    /// Which uses of a hidden column in a query are refused.
    pub hidden_in_query: HiddenInQuery,
    /// 8.1.0: the key `ACL` of class-level permissions.
    pub has_default_acl: bool,
    /// 8.6.20: clients may not touch join tables.
    pub closes_join_tables: bool,
    /// 8.6.25: `_GraphQLConfig` and `_Audience` need the master key.
    pub closes_audience: bool,
    /// 8.6.80: `$relatedTo` needs the right to read the owning object.
    pub authorises_related_to: bool,
    /// 6.0.0: there is a maintenance key; before, whoever sends one is the public.
    pub has_maintenance_key: bool,
    /// Until 8.6.93 a count with the maintenance key has the rights of the public.
    pub maintenance_counts_as_public: bool,
    /// 8.0.0: `GET /users/me` is checked as `get`.
    pub users_me_needs_get: bool,
    /// 5.1.0: `meta.a` adds a column only if `meta` is none; before, always.
    pub dotted_key_may_exist: bool,
    /// 6.5.9, 7.3.0: a user may not choose an id that begins with `role:`.
    pub refuses_role_ids: bool,
    /// 9.0.0: `protectedFieldsOwnerExempt` and `protectedFieldsSaveResponseExempt`.
    pub has_exempt_options: bool,
    /// 9.8.0: `routeAllowList`.
    pub has_route_allow_list: bool,
    /// Until 9.9.1 `batch` leads past it (GHSA-p84r-h6rx-f2xr).
    pub batch_passes_route_allow_list: bool,
    /// Default of `allowClientClassCreation` (false since 7.0.0).
    pub class_creation_default: bool,
    /// Default of `enforcePrivateUsers` (true since 6.0.0).
    pub private_users_default: bool,
    /// Default of `masterKeyIps` (any address until 6.0.0).
    pub master_key_from_anywhere: bool,
}

/// How the groups of `protectedFields` that apply to a caller combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtectedFieldsRule {
    /// Before 3.2.0 there is no `protectedFields`.
    Ignored,
    /// 3.2.0: what any group lists is hidden.
    Union,
    /// 3.8.0: as before, but a `userField:` group that matches replaces the rest.
    UnionUnlessOwner,
    /// 4.0.0: only what every group lists is hidden.
    Intersection,
}

/// Which uses of a hidden column in a query are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HiddenInQuery {
    /// None: values can be guessed by asking.
    Allowed,
    /// 4.10.14, 5.2.5: as a key of the query itself, with a truthy condition.
    TopLevel,
    /// 8.6.19: also inside `$or`, `$and` and `$nor`, with any condition.
    Nested,
    /// 8.6.32: also in sort keys and through dotted paths.
    Everywhere,
}

impl Behaviour {
    /// How this version decides.
    pub fn of(version: &Version) -> Self {
        let since = |major: u64, minor: u64, patch: u64| *version >= Version::new(major, minor, patch);
        // A fix of 2026 came in a release of the 8.x line and in one of the 9.x line.
        let fixed = |old: Version, new: &str| {
            let in_nine = Version::parse("9.0.0-0").is_ok_and(|nine| *version >= nine);
            if in_nine { Version::parse(new).is_ok_and(|new| *version >= new) } else { *version >= old }
        };
        Self {
            has_class_user_fields: since(2, 2, 8),
            has_requires_authentication: since(2, 3, 0),
            has_count: since(2, 4, 0),
            count_left_out_is_open: !since(3, 9, 0),
            count_uses_write_fields: !since(4, 0, 0),
            has_operation_pointer_fields: since(4, 0, 0),
            breaks_on_other_types: since(4, 3, 0),
            protected_fields: match () {
                () if since(4, 0, 0) => ProtectedFieldsRule::Intersection,
                () if since(3, 8, 0) => ProtectedFieldsRule::UnionUnlessOwner,
                () if since(3, 2, 0) => ProtectedFieldsRule::Union,
                () => ProtectedFieldsRule::Ignored,
            },
            hidden_in_query: match () {
                () if fixed(Version::new(8, 6, 32), "9.6.0-alpha.6") => HiddenInQuery::Everywhere,
                () if fixed(Version::new(8, 6, 19), "9.5.2-alpha.6") => HiddenInQuery::Nested,
                () if since(5, 2, 5) => HiddenInQuery::TopLevel,
                () if since(4, 10, 14) && !since(5, 0, 0) => HiddenInQuery::TopLevel,
                () => HiddenInQuery::Allowed,
            },
            has_default_acl: since(8, 1, 0),
            closes_join_tables: fixed(Version::new(8, 6, 20), "9.5.2-alpha.7"),
            closes_audience: fixed(Version::new(8, 6, 25), "9.5.2-alpha.12"),
            authorises_related_to: fixed(Version::new(8, 6, 80), "9.9.1-alpha.6"),
            has_maintenance_key: since(6, 0, 0),
            maintenance_counts_as_public: !fixed(Version::new(8, 6, 93), "9.10.1-alpha.13"),
            users_me_needs_get: since(8, 0, 0),
            dotted_key_may_exist: since(5, 1, 0),
            refuses_role_ids: since(7, 3, 0) || (since(6, 5, 9) && !since(7, 0, 0)),
            has_exempt_options: since(9, 0, 0),
            has_route_allow_list: since(9, 8, 0),
            batch_passes_route_allow_list: !fixed(Version::new(9, 9, 1), "9.9.1-alpha.3"),
            class_creation_default: !since(7, 0, 0),
            private_users_default: since(6, 0, 0),
            master_key_from_anywhere: !since(6, 0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: &str) -> Behaviour {
        Behaviour::of(&Version::parse(version).expect("a version"))
    }

    #[test]
    fn a_fix_counts_in_its_own_line_of_releases() {
        assert!(!of("8.6.19").closes_join_tables && of("8.6.20").closes_join_tables);
        assert!(!of("9.0.0").closes_join_tables && !of("9.5.2-alpha.6").closes_join_tables);
        assert!(of("9.5.2-alpha.7").closes_join_tables && of("9.10.0").closes_join_tables);
        assert!(!of("9.0.0-alpha.3").closes_join_tables);
        assert!(!of("6.5.8").refuses_role_ids && of("6.5.9").refuses_role_ids);
        assert!(!of("7.2.0").refuses_role_ids && of("7.3.0").refuses_role_ids);
    }

    #[test]
    fn old_versions_differ_step_by_step() {
        let steps = ["3.1.0", "3.2.0", "3.8.0", "4.0.0"].map(|version| of(version).protected_fields);
        assert!(steps.is_sorted_by(|a, b| a < b));
        assert_eq!(of("4.10.13").hidden_in_query, HiddenInQuery::Allowed);
        assert_eq!(of("4.10.14").hidden_in_query, HiddenInQuery::TopLevel);
        assert_eq!(of("5.2.4").hidden_in_query, HiddenInQuery::Allowed);
        assert_eq!(of("8.6.31").hidden_in_query, HiddenInQuery::Nested);
        assert!(of("3.8.0").count_left_out_is_open && !of("3.9.0").count_left_out_is_open);
    }
}
