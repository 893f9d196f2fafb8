//! What stands beside code and says how it fits together: manifests of npm, and
//! the configuration of TypeScript as far as it renames modules.

use std::collections::BTreeMap;

use super::place::FileId;

/// A `package.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// The file.
    pub file: FileId,
    /// Its folder from the audited one, with `/`; empty for the audited folder itself.
    pub folder: String,
    /// The name of the package.
    pub name: Option<String>,
    /// The file that stands for the package.
    pub main: Option<String>,
    /// Commands by name.
    pub scripts: BTreeMap<String, String>,
    /// Versions, as written, of packages that it needs.
    pub dependencies: BTreeMap<String, String>,
    /// Versions, as written, of packages that only its developers need.
    pub dev_dependencies: BTreeMap<String, String>,
    /// Patterns of folders whose packages belong to it.
    pub workspaces: Vec<String>,
}

/// What a `tsconfig.json` or `jsconfig.json` says about names of modules, with what it takes over from others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aliases {
    /// The folder it counts for, with those below; from the audited one, with `/`.
    pub folder: String,
    /// The folder that names without `./` are looked for in; from the audited one, with `/`.
    pub base: Option<String>,
    /// Patterns of names with at most one `*`, and the paths they stand for in their order;
    /// from the audited folder, with `/`.
    pub paths: Vec<(String, Vec<String>)>,
}

impl Manifest {
    /// The version of a package that it depends on, as written.
    pub fn version_of(&self, package: &str) -> Option<&str> {
        self.dependencies.get(package).or_else(|| self.dev_dependencies.get(package)).map(String::as_str)
    }
}
