//! Which version to go to, told as it is: a fix may be in a pre-release alone, or in another major.

use std::fmt;

use semver::Version;

use super::Advisories;

/// What helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// This release of the same major has no known advisory.
    Update(Version),
    /// The own major has no release without a known advisory; another one has.
    Elsewhere {
        /// That release.
        nearest: Version,
        /// The pre-release of the own major that has none, if there is one.
        preview: Option<Version>,
    },
    /// Only a pre-release has no known advisory.
    Preview(Version),
    /// No version is known without one.
    None,
}

/// The nearest version of a package that no advisory is about. Versions that are known are those that fixed
/// something, so a later one may be as good.
pub fn remedy(advisories: &Advisories, package: &str, version: &Version) -> Remedy {
    let known = advisories.releases(package).into_iter();
    let safe: Vec<&Version> = known.filter(|known| advisories.about(package, known).next().is_none()).collect();
    let later = |fixed: &&&Version| **fixed > version;
    let releases = || safe.iter().filter(|fixed| fixed.pre.is_empty());
    if let Some(update) = releases().filter(later).find(|fixed| fixed.major == version.major) {
        return Remedy::Update((*update).clone());
    }
    let preview = safe.iter().filter(later).find(|fixed| !fixed.pre.is_empty() && fixed.major == version.major);
    let distance = |fixed: &&&Version| fixed.major.abs_diff(version.major);
    let nearest = releases().filter(later).min_by_key(distance).or_else(|| releases().min_by_key(distance));
    match (nearest, preview) {
        (Some(nearest), preview) => {
            Remedy::Elsewhere { nearest: (*nearest).clone(), preview: preview.map(|preview| (*preview).clone()) }
        }
        (None, Some(preview)) => Remedy::Preview((*preview).clone()),
        (None, None) => Remedy::None,
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update(version) => write!(f, "update to {version}"),
            Self::Elsewhere { nearest, preview: None } => {
                write!(f, "no fix in your major; {nearest} is the nearest release without a known advisory")
            }
            Self::Elsewhere { nearest, preview: Some(preview) } => write!(
                f,
                "in your major fixed only in a pre-release, {preview}; {nearest} is the nearest release without a known advisory"
            ),
            Self::Preview(version) => write!(f, "fixed only in a pre-release, {version}"),
            Self::None => f.write_str("no version without a known advisory is known"),
        }
    }
}
