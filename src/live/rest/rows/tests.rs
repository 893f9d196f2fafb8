//! Numbers of made-up rows, against rows that are looked at one by one.

use proptest::prelude::*;

use super::*;
use crate::model::census::{Entries, Shape, Users};

/// One side of a row; `None` is missing.
type Column = Option<Vec<&'static str>>;

/// Rows of both sides, and how often they were asked about.
struct Rows(Vec<[Column; 2]>, usize);

impl Count for Rows {
    type Error = std::convert::Infallible;

    fn count(&mut self, filter: &Value) -> Result<u64, Self::Error> {
        self.1 += 1;
        Ok(self.0.iter().filter(|row| holds(filter, row)).count() as u64)
    }
}

fn holds(filter: &Value, row: &[Column; 2]) -> bool {
    filter.as_object().unwrap().iter().all(|(key, condition)| {
        let side = &row[usize::from(key == "_wperm")];
        match (key.as_str(), condition.as_object().and_then(|condition| condition.iter().next())) {
            ("$and", _) => condition.as_array().unwrap().iter().all(|filter| holds(filter, row)),
            ("objectId", _) => true,
            (_, Some((operator, list))) if operator == "$eq" => {
                side.as_ref().is_some_and(|side| serde_json::json!(side) == *list)
            }
            (_, Some((operator, list))) if operator == "$in" => {
                let list = list.as_array().unwrap();
                side.as_ref().is_some_and(|side| list.iter().any(|entry| side.contains(&entry.as_str().unwrap())))
            }
            (_, Some((operator, is))) if operator == "$exists" => side.is_some() == is.as_bool().unwrap(),
            other => panic!("{other:?}"),
        }
    })
}

fn roles(count: usize) -> BTreeSet<RoleName> {
    (0..count).map(|number| RoleName::from(format!("r{number:02}"))).collect()
}

/// What must come out.
fn looked_at(rows: &[[Column; 2]]) -> Census {
    let entries = |side: &Column| {
        let side = side.as_ref()?;
        let named = side.iter().filter(|entry| **entry != "u").count();
        let roles = side.iter().filter_map(|entry| entry.strip_prefix("role:")).map(RoleName::from).collect();
        let users = match (side.len(), named) {
            (0, _) => Users::None,
            (_, 0) => Users::Some,
            _ => Users::Untold,
        };
        Some(Entries { anyone: side.contains(&"*"), roles, users, ..Entries::default() })
    };
    let mut census = Census::default();
    for [read, write] in rows {
        census.add(Shape { read: entries(read), write: entries(write), ..Shape::default() }, 1);
    }
    census
}

/// The numbers, and how many questions they took.
fn ask<'r>(rows: &[[Column; 2]], roles: &'r BTreeSet<RoleName>, habits: &Mutex<Habits<'r>>) -> (Counted, usize) {
    let mut server = Rows(rows.to_vec(), 0);
    (census(&mut server, roles, habits).unwrap(), server.1)
}

#[test]
fn exact_numbers_follow_from_numbers_of_at_least() {
    let rows = vec![
        [None, None],
        [None, None],
        [None, Some(vec![])],
        [Some(vec!["*", "role:r01"]), Some(vec!["role:r01", "role:r02"])],
        [Some(vec!["*", "u"]), Some(vec!["u"])],
        [Some(vec!["u"]), Some(vec!["u"])],
        [Some(vec![]), Some(vec![])],
    ];
    let (counted, questions) = ask(&rows, &roles(60), &Mutex::default());
    assert_eq!(counted, Counted::Census(looked_at(&rows)));
    assert!(questions < 50, "{questions} questions");
}

#[test]
fn what_is_common_in_an_app_is_asked_first() {
    let rows = vec![
        [None, None],
        [Some(vec![]), Some(vec![])],
        [Some(vec!["*"]), Some(vec![])],
        [Some(vec!["role:r01"]), Some(vec!["role:r01"])],
    ];
    let (roles, habits) = (roles(5), Mutex::default());
    let (first, questions) = ask(&rows, &roles, &habits);
    assert_eq!(first, Counted::Census(looked_at(&rows)));
    assert!(questions <= 20, "{questions} questions");
    let (second, questions) = ask(&rows, &roles, &habits);
    assert_eq!((second, questions), (first, 5));
    // ACLs of single users cannot be guessed: their class is asked as it was, and soon nothing is guessed any more.
    let of_users = vec![[Some(vec!["*", "u"]), Some(vec!["u"])], [Some(vec!["u"]), Some(vec!["u"])]];
    let numbers: Vec<usize> = (0..4).map(|_| ask(&of_users, &roles, &habits).1).collect();
    assert!(numbers.last() < numbers.first() && numbers.last() <= Some(&10), "{numbers:?} questions");
}

#[test]
fn an_empty_class_is_one_question_and_a_large_one_two() {
    let (counted, questions) = ask(&[], &roles(60), &Mutex::default());
    assert_eq!((counted, questions), (Counted::Census(Census::default()), 1));
    struct Large;
    impl Count for Large {
        type Error = ();
        fn count(&mut self, _: &Value) -> Result<u64, ()> {
            Ok(MOST_ROWS + 1)
        }
    }
    assert_eq!(census(&mut Large, &roles(1), &Mutex::default()).unwrap(), Counted::TooMany(MOST_ROWS + 1));
}

#[test]
fn rows_that_come_and_go_give_no_numbers() {
    struct Restless(u64);
    impl Count for Restless {
        type Error = ();
        fn count(&mut self, _: &Value) -> Result<u64, ()> {
            self.0 += 1;
            Ok(self.0 % 7 + 1)
        }
    }
    assert_eq!(census(&mut Restless(0), &roles(1), &Mutex::default()).unwrap(), Counted::Unclear);
}

#[test]
fn many_roles_are_asked_for_in_parts_that_fit_into_an_address() {
    let rows = vec![[Some(vec!["role:r17", "role:r42"]), Some(vec!["role:r17"])], [Some(vec!["*"]), Some(vec![])]];
    let many: BTreeSet<RoleName> =
        roles(60).into_iter().chain((0..600).map(|number| format!("{number} é{}", "x".repeat(60)).into())).collect();
    struct Short(Rows);
    impl Count for Short {
        type Error = std::convert::Infallible;
        fn count(&mut self, filter: &Value) -> Result<u64, Self::Error> {
            assert!(utf8_percent_encode(&filter.to_string(), NON_ALPHANUMERIC).to_string().len() < 6000);
            self.0.count(filter)
        }
    }
    let counted = census(&mut Short(Rows(rows.clone(), 0)), &many, &Mutex::default()).unwrap();
    assert_eq!(counted, Counted::Census(looked_at(&rows)));
}

fn column() -> impl Strategy<Value = Column> {
    let entries = ["*", "role:r00", "role:r01", "role:r02", "role:r03", "u"];
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(Vec::new())),
        5 => prop::sample::subsequence(entries.to_vec(), 1..=4).prop_shuffle().prop_map(Some),
        2 => prop::sample::select(entries.to_vec()).prop_map(|entry| Some(vec![entry])),
    ]
}

proptest! {
    #[test]
    fn numbers_are_those_of_the_rows(
        classes in prop::collection::vec(prop::collection::vec([column(), column()], 0..12), 1..5),
        number in 1..7usize,
    ) {
        let (roles, habits) = (roles(number.max(4)), Mutex::default());
        for rows in classes {
            let (counted, _) = ask(&rows, &roles, &habits);
            prop_assert_eq!(counted, Counted::Census(looked_at(&rows)));
        }
    }
}
