//! The path of a request: middleware that lets some paths pass untested says nothing about
//! routes with other paths.

use crate::code::taint::From;
use crate::code::value::Value;

use super::Run;

impl Run<'_> {
    /// Whether a value is the path of the request, and the route that is walked through never has
    /// the path `text`, or one that begins so.
    pub fn is_other_path(&self, value: &Value, text: &str, begins: bool) -> bool {
        let is_path = value.taint.as_ref().is_some_and(|taint| {
            taint.from == From::Headers && matches!(&*taint.name, "path" | "originalUrl" | "url" | "baseUrl")
        });
        is_path && self.route.as_ref().is_some_and(|route| !may_be(route, text, begins))
    }
}

/// Whether a request for a route may have a path. A router sees its own part of it only.
fn may_be(route: &str, text: &str, begins: bool) -> bool {
    if !route.starts_with('/') || !text.starts_with('/') || route.contains(['*', '(', '{', '\u{fffc}']) {
        return true;
    }
    let (own, wanted) = (segments(route), segments(text));
    // What begins with a text without a slash at its end may go on in the same segment.
    let is_open = begins && !text.ends_with('/');
    let fits = |number: usize, own: &str, wanted_here: &str| {
        let goes_on = is_open && number + 1 == wanted.len() && own.starts_with(wanted_here);
        own.starts_with(':') || own == wanted_here || goes_on
    };
    (0..own.len()).filter_map(|from| own.get(from..)).any(|rest| {
        let is_long_enough = rest.len() == wanted.len() || (begins && rest.len() > wanted.len());
        is_long_enough && rest.iter().zip(&wanted).enumerate().all(|(number, (own, wanted))| fits(number, own, wanted))
    })
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::may_be;

    #[test]
    fn a_route_has_its_own_path_and_the_ends_of_it() {
        for (route, text, begins, is) in [
            ("/admin/users", "/login", false, false),
            ("/admin/users", "/users", false, true),
            ("/admin/users", "/admin/users", false, true),
            ("/admin/users", "/admin", false, false),
            ("/admin/users", "/admin", true, true),
            ("/admin/users", "/auth/", true, false),
            ("/admin/users", "/us", true, true),
            ("/users/:name", "/users/login", false, true),
            ("/:page", "/login", false, true),
            ("*", "/login", false, true),
        ] {
            assert_eq!(may_be(route, text, begins), is, "{route} {text} {begins}");
        }
    }
}
