//! What a tally makes of rows.

use super::*;

fn row(tally: &mut Tally<'_>, id: &str, read: &[&str], write: &[&str]) {
    tally.begin();
    tally.id(id.as_bytes());
    tally.side(Side::Read);
    tally.side(Side::Write);
    read.iter().for_each(|entry| tally.entry(Side::Read, entry.as_bytes()));
    write.iter().for_each(|entry| tally.entry(Side::Write, entry.as_bytes()));
    tally.end();
}

#[test]
fn rows_of_one_shape_are_one_count() {
    let mut users = UserIds::default();
    users.insert(b"aaaaaaaaaa");
    users.insert(b"a custom id");
    let mut tally = Tally::new(Some(&users));
    row(&mut tally, "1", &["aaaaaaaaaa"], &["aaaaaaaaaa"]);
    row(&mut tally, "2", &["a custom id"], &["a custom id"]);
    row(&mut tally, "3", &["bbbbbbbbbb"], &["bbbbbbbbbb"]);
    row(&mut tally, "4", &["role:b", "*", "role:a"], &["role:a", "role:a"]);
    row(&mut tally, "5", &["role:a", "role:b", "*"], &["role:a"]);
    tally.begin();
    tally.legacy();
    tally.end();
    let census = tally.finish().census;
    assert_eq!(census.rows(), 6);
    assert_eq!(census.shapes.len(), 4);
    assert_eq!(census.count(|shape| shape.owner_only), 3);
    assert_eq!(census.count(|shape| shape.read.as_ref().is_some_and(|entries| entries.orphan)), 1);
    assert_eq!(census.count(|shape| shape.legacy && shape.is_missing()), 1);
    let roles: Vec<String> = census.roles().iter().map(ToString::to_string).collect();
    assert_eq!(roles, ["a", "b"]);
}

#[test]
fn a_user_who_owns_its_own_row_is_told_from_others() {
    let mut tally = Tally::new(None);
    row(&mut tally, "me", &["me"], &["me"]);
    row(&mut tally, "me", &["me"], &["me", "you"]);
    let census = tally.finish().census;
    assert_eq!(census.count(|shape| shape.owner_only), 1);
    let others = |shape: &Shape| shape.write.as_ref().is_some_and(|entries| entries.users == Users::One);
    assert_eq!(census.count(others), 1);
}

#[test]
fn a_side_with_far_more_roles_than_anybody_gives_is_not_read() {
    let roles: Vec<String> = (0..300_000).map(|number| format!("role:{number}")).collect();
    let all: Vec<&str> = roles.iter().map(String::as_str).collect();
    let mut tally = Tally::new(None);
    row(&mut tally, "1", &all, &["*"]);
    row(&mut tally, "2", &[&["*"], &all[..=MOST_ROLES]].concat(), &[]);
    row(&mut tally, "3", &[&all[..MOST_ROLES], &all[..MOST_ROLES]].concat(), &all[..MOST_ROLES]);
    row(&mut tally, "4", &["role:1"], &["*"]);
    let census = tally.finish().census;
    assert_eq!((census.rows(), census.unreadable, census.shapes.len()), (4, 2, 2));
    assert_eq!(census.roles().len(), MOST_ROLES);
}

#[test]
fn users_who_are_gone_are_told_however_many_are_looked_up_together() {
    let known: Vec<String> = (0..2000).map(|number| format!("user{number:06}")).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut users = UserIds::default();
    known.iter().for_each(|id| users.insert(id.as_bytes()));
    let mut tally = Tally::new(Some(&users));
    for (number, &user) in known.iter().enumerate() {
        let write = if number % 3 == 0 { "gone000000" } else { user };
        row(&mut tally, "1", &[user], &[write]);
    }
    let orphans = |side: fn(&Shape) -> &Option<Entries>| {
        move |shape: &Shape| side(shape).as_ref().is_some_and(|entries| entries.orphan)
    };
    row(&mut tally, "2", &[&known[..], &["gone000000"]].concat(), &known);
    row(&mut tally, "3", &["role:a", "gone000000", "role:b"], &[known[0]]);
    row(&mut tally, "4", &["gone000000"], &["*"]);
    // What was said of a row that did not end is not said of the next one.
    tally.begin();
    tally.entry(Side::Write, b"gone000000");
    row(&mut tally, "5", &[], &[known[0]]);
    let census = tally.finish().census;
    assert_eq!((census.rows(), census.unreadable), (2004, 0));
    assert_eq!(census.count(orphans(|shape| &shape.read)), 3);
    assert_eq!(census.count(orphans(|shape| &shape.write)), 667);
    assert_eq!(census.count(|shape| shape.owner_only), 1333);
}
