//! The command line as users see it: each `tests/cmd/*.trycmd` is a session.
//!
//! `TRYCMD=overwrite cargo test --test cmd` writes what is printed anew.

#[test]
fn the_command_line_behaves_as_written() {
    let cases = trycmd::TestCases::new();
    for (name, value) in
        [("SOURCE_DATE_EPOCH", "1793491200"), ("LANG", "en_US.UTF-8"), ("LC_ALL", ""), ("COLUMNS", "80")]
    {
        cases.env(name, value);
    }
    cases.env("GITHUB_WORKSPACE", "").env("GITHUB_ACTIONS", "").case("tests/cmd/*.trycmd");
}
