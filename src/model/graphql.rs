//! Which classes GraphQL shows at most. It is no permission: over REST they are reached all the same.

use std::collections::BTreeSet;

use super::{ClassName, Place};

/// What the one row of `_GraphQLConfig` says. What GraphQL leaves out of the classes that it shows is not kept, and whether
/// it is mounted at all is said elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GraphQl {
    /// No classes but these; `None` where all are shown.
    pub enabled: Option<BTreeSet<ClassName>>,
    /// None of these.
    pub disabled: BTreeSet<ClassName>,
    /// Where it says so; `None` if there is no such row.
    pub at: Option<Place>,
}
