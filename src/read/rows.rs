//! Rows of a class in the forms that exports have, down to the ACL and nothing else.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::bson::{Element, Elements, elements};
use crate::model::LeakKind;

use super::tally::{Side, Tally};

/// Counts a row written as JSON, in REST form, as a document of MongoDB or as a row of PostgreSQL.
///
/// A row that is no JSON object counts as unreadable.
pub fn count_json(document: &[u8], tally: &mut Tally<'_>) {
    if count_json_ahead(document, tally).is_none() {
        tally.unreadable();
    }
}

/// Counts the row that `bytes` begin with, if it is a JSON object and there whole.
/// Returns its length.
pub fn count_json_ahead(bytes: &[u8], tally: &mut Tally<'_>) -> Option<usize> {
    tally.begin();
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    parser.deserialize_map(RowVisitor { tally }).ok()?;
    tally.end();
    Some(parser.into_iter::<IgnoredAny>().byte_offset())
}

struct RowVisitor<'t, 'u> {
    tally: &'t mut Tally<'u>,
}

/// The names of columns that matter. Names are compared as they stand in the file.
#[derive(Deserialize)]
enum Column {
    #[serde(rename = "objectId", alias = "_id")]
    Id,
    #[serde(rename = "ACL")]
    Acl,
    #[serde(rename = "_rperm")]
    Readers,
    #[serde(rename = "_wperm")]
    Writers,
    #[serde(rename = "_acl")]
    Legacy,
    #[serde(rename = "sessionToken", alias = "_session_token")]
    SessionToken,
    #[serde(rename = "_hashed_password", alias = "bcryptPassword")]
    PasswordHash,
    #[serde(rename = "masterKey")]
    MasterKey,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for RowVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut row: M) -> Result<(), M::Error> {
        let tally = self.tally;
        // The ACL may stand in front of the id it is compared with.
        let mut late: Option<Acl<'de>> = None;
        let mut late_sides: [Option<Option<Vec<Cow<'de, str>>>>; 2] = [None, None];
        let [late_read, late_write] = &mut late_sides;
        while let Some(column) = row.next_key::<Column>()? {
            match column {
                Column::Id => match row.next_value::<Id<'de>>()? {
                    Id::Text(id) => tally.id(id.as_bytes()),
                    Id::Other => {}
                },
                Column::Acl => late = row.next_value::<Option<Acl<'de>>>()?,
                Column::Readers => *late_read = Some(row.next_value::<Option<Names<'de>>>()?.map(|names| names.0)),
                Column::Writers => *late_write = Some(row.next_value::<Option<Names<'de>>>()?.map(|names| names.0)),
                Column::Legacy => {
                    row.next_value::<IgnoredAny>()?;
                    tally.legacy();
                }
                Column::SessionToken => leak(tally, LeakKind::SessionToken, &row.next_value::<NonEmpty>()?),
                Column::PasswordHash => leak(tally, LeakKind::PasswordHash, &row.next_value::<NonEmpty>()?),
                Column::MasterKey => leak(tally, LeakKind::MasterKey, &row.next_value::<NonEmpty>()?),
                Column::Other => drop(row.next_value::<IgnoredAny>()?),
            }
        }
        for (side, names) in [(Side::Read, late_read.take()), (Side::Write, late_write.take())] {
            let Some(Some(names)) = names else { continue };
            tally.side(side);
            names.iter().for_each(|name| tally.entry(side, name.as_bytes()));
        }
        if let Some(Acl(entries)) = late {
            tally.side(Side::Read);
            tally.side(Side::Write);
            for (name, rights) in entries {
                if rights.read.0 {
                    tally.entry(Side::Read, name.as_bytes());
                }
                if rights.write.0 {
                    tally.entry(Side::Write, name.as_bytes());
                }
            }
        }
        Ok(())
    }
}

fn leak(tally: &mut Tally<'_>, kind: LeakKind, value: &NonEmpty) {
    if value.0 {
        tally.leak(kind);
    }
}

/// A text, borrowed from the row where it can be, or anything else.
///
/// MongoDB's own ids and numbers are no ids of Parse.
enum Id<'de> {
    Text(Cow<'de, str>),
    Other,
}

impl<'de: 'i, 'i> Deserialize<'de> for Id<'i> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Id<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Id::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Id::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Id::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Id::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Id::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Id::Other)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Id::Other)
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Id::Other)
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Id::Other)
            }
        }
        from.deserialize_any(Any)
    }
}

/// Whether a value is a text with something in it. The text itself is not kept.
struct NonEmpty(bool);

impl<'de> Deserialize<'de> for NonEmpty {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Id::deserialize(from)?;
        Ok(Self(matches!(value, Id::Text(text) if !text.is_empty())))
    }
}

/// Entries of an ACL in REST form.
struct Acl<'de>(Vec<(Cow<'de, str>, Rights)>);

#[derive(Deserialize, Default)]
struct Rights {
    #[serde(default)]
    read: Truthy,
    #[serde(default)]
    write: Truthy,
}

/// Whether JavaScript takes the value for true.
#[derive(Default)]
struct Truthy(bool);

impl<'de> Deserialize<'de> for Truthy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        Ok(Self(crate::model::acl::truthy(&value)))
    }
}

impl<'de> Deserialize<'de> for Acl<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Acl<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ACL")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<Id<'de>>()? {
                    let rights = map.next_value::<Option<Rights>>()?.unwrap_or_default();
                    if let Id::Text(name) = name {
                        entries.push((name, rights));
                    }
                }
                Ok(Acl(entries))
            }
        }
        from.deserialize_map(Entries)
    }
}

/// A list of texts; elements that are none are left out.
struct Names<'de>(Vec<Cow<'de, str>>);

impl<'de> Deserialize<'de> for Names<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Names<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of readers or writers")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element::<Id<'de>>()? {
                    if let Id::Text(name) = name {
                        names.push(name);
                    }
                }
                Ok(Names(names))
            }
        }
        from.deserialize_seq(List)
    }
}

/// The entries of an ACL in REST form: side and key. `None` if it is none.
pub fn acl_entries(json: &[u8]) -> Option<Vec<(Side, String)>> {
    let Acl(entries) = serde_json::from_slice(json).ok()?;
    let mut found = Vec::new();
    for (key, rights) in entries {
        for (side, may) in [(Side::Read, rights.read.0), (Side::Write, rights.write.0)] {
            if may {
                found.push((side, key.clone().into_owned()));
            }
        }
    }
    Some(found)
}

/// The object id of a row written as JSON.
pub fn id_of_json(document: &[u8]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Ids<'i> {
        #[serde(borrow, default, rename = "objectId", alias = "_id")]
        id: Option<Id<'i>>,
    }
    match serde_json::from_slice::<Ids<'_>>(document).ok()?.id? {
        Id::Text(id) => Some(id.into_owned().into_bytes()),
        Id::Other => None,
    }
}

/// The object id of a row written as a BSON document.
pub fn id_of_bson(document: &[u8]) -> Option<&[u8]> {
    let ids = elements(document)?.map_while(|element| element).find(|element| element.name == b"_id");
    Some(ids?.text()?.as_bytes())
}

/// Counts a row written as a BSON document.
pub fn count_bson(document: &[u8], tally: &mut Tally<'_>) {
    tally.begin();
    match elements(document).and_then(|row| walk(row, tally)) {
        Some(()) => tally.end(),
        None => tally.unreadable(),
    }
}

/// Counts the rows that have an ACL: `{ _id: { … }, n }`, see [`crate::live::Form`]. `None` if it is not told how many.
pub fn count_grouped(document: &[u8], tally: &mut Tally<'_>) -> Option<()> {
    let (mut acl, mut rows) = (None, None);
    for element in elements(document)? {
        let element = element?;
        match element.name {
            b"_id" => acl = element.elements(),
            b"n" => rows = element.whole_number(),
            _ => {}
        }
    }
    tally.begin();
    tally.times(rows?);
    match walk(acl?, tally) {
        Some(()) => tally.end(),
        None => tally.unreadable(),
    }
    Some(())
}

fn walk(row: Elements<'_>, tally: &mut Tally<'_>) -> Option<()> {
    let mut sides: [Option<Element<'_>>; 2] = [None, None];
    for element in row {
        let element = element?;
        let text_or = |tally: &mut Tally<'_>, kind| {
            if element.text().is_some_and(|text| !text.is_empty()) {
                tally.leak(kind);
            }
        };
        match element.name {
            b"_id" => tally.id(element.text_bytes().unwrap_or_default()),
            b"_rperm" => sides[0] = Some(element),
            b"_wperm" => sides[1] = Some(element),
            b"_acl" => tally.legacy(),
            b"_session_token" => text_or(tally, LeakKind::SessionToken),
            b"_hashed_password" => text_or(tally, LeakKind::PasswordHash),
            b"masterKey" => text_or(tally, LeakKind::MasterKey),
            _ => {}
        }
    }
    let [read, write] = sides;
    for (side, list) in [(Side::Read, read), (Side::Write, write)] {
        let Some(list) = list.filter(|list| !list.is_null()) else { continue };
        tally.side(side);
        for entry in list.elements()? {
            tally.entry(side, entry?.text_bytes()?);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Census;
    use crate::read::bson;
    use serde_json::json;

    fn count(rows: &[Value], how: fn(&[u8], &mut Tally<'_>), write: fn(&Value) -> Vec<u8>) -> Census {
        let mut tally = Tally::new(None);
        rows.iter().for_each(|row| how(&write(row), &mut tally));
        tally.finish().census
    }

    #[test]
    fn the_same_rows_in_three_forms_give_one_census() {
        let stored = [
            json!({ "_id": "a", "x": { "_rperm": ["*"] }, "_wperm": ["role:r", "u"], "_rperm": ["*", "u"] }),
            json!({ "_rperm": [], "_wperm": [], "_id": "b", "_acl": {} }),
            json!({ "_id": "c" }),
            json!({ "_rperm": ["d"], "_wperm": ["d"], "_id": "d" }),
        ];
        let rest = [
            json!({ "objectId": "a", "ACL": { "*": { "read": true }, "u": { "read": true, "write": true }, "role:r": { "write": true } } }),
            json!({ "ACL": {}, "objectId": "b" }),
            json!({ "objectId": "c", "ACL": null }),
            json!({ "ACL": { "d": { "read": true, "write": true } }, "objectId": "d" }),
        ];
        let text = |value: &Value| value.to_string().into_bytes();
        let expected = count(&stored, count_json, text);
        assert_eq!(expected.rows(), 4);
        assert_eq!(expected, count(&rest, count_json, text));
        assert_eq!(expected, count(&stored, count_bson, bson::write::document));
    }

    #[test]
    fn rows_that_were_put_together_are_counted_as_each_by_itself() {
        let acl = json!({ "_rperm": ["role:r", "u"], "_wperm": null, "_acl": {} });
        let own = json!({ "_id": "me", "_rperm": ["me"], "_wperm": ["me"] });
        let unreadable = json!({ "_rperm": "*" });
        let rows = [(&acl, 3), (&own, 1), (&unreadable, 2)];
        let (mut apart, mut together) = (Tally::new(None), Tally::new(None));
        for (row, times) in rows {
            (0..times).for_each(|_| count_bson(&bson::write::document(row), &mut apart));
            let grouped = bson::write::document(&json!({ "_id": row, "n": times }));
            assert_eq!(count_grouped(&grouped, &mut together), Some(()));
        }
        let (apart, together) = (apart.finish().census, together.finish().census);
        assert_eq!((apart.rows(), &apart), (6, &together));
        for broken in
            [json!({ "_id": acl }), json!({ "n": 1 }), json!({ "_id": acl, "n": -1 }), json!({ "n": 0.5, "_id": {} })]
        {
            assert_eq!(count_grouped(&bson::write::document(&broken), &mut Tally::new(None)), None, "{broken}");
        }
    }

    #[test]
    fn a_half_stored_acl_is_seen() {
        let rows = [
            json!({ "_id": "a", "_wperm": ["u"], "_rperm": null }),
            json!({ "_id": "b", "_acl": { "u": { "r": true } } }),
        ];
        for census in [
            count(&rows, count_json, |row| row.to_string().into_bytes()),
            count(&rows, count_bson, bson::write::document),
        ] {
            assert_eq!(census.count(crate::model::census::Shape::is_half_stored), 1);
            assert_eq!(census.count(|shape| shape.legacy), 1);
        }
    }

    #[test]
    fn rows_that_cannot_be_read_are_not_public() {
        let mut tally = Tally::new(None);
        for row in ["{\"a\"", "[1]", "1", "{\"_rperm\": \"*\"}", "{\"ACL\": [1]}"] {
            count_json(row.as_bytes(), &mut tally);
        }
        count_bson(b"\x09\0\0\0\x02_i", &mut tally);
        let census = tally.finish().census;
        assert_eq!((census.unreadable, census.shapes.len()), (6, 0));
    }

    #[test]
    fn credentials_are_counted_and_not_kept() {
        let mut tally = Tally::new(None);
        count_json(br#"{"_id":"a","_session_token":"r:1"}"#, &mut tally);
        count_json(br#"{"objectId":"a","sessionToken":""}"#, &mut tally);
        count_bson(&bson::write::document(&json!({ "_id": "a", "_hashed_password": "$2b" })), &mut tally);
        let leaks = tally.finish().leaks;
        assert_eq!(leaks, [(LeakKind::SessionToken, 1), (LeakKind::PasswordHash, 1), (LeakKind::MasterKey, 0)]);
    }
}
