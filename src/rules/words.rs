//! What names of fields mean: personal, sensitive, secret, privilege.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::model::{Class, ClassName, Field, FieldKind, FieldName};

/// What a field holds, as far as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    /// Data about a person: names, addresses, dates of birth.
    Personal,
    /// Data whose loss hurts: health, belief, account numbers.
    Sensitive,
    /// What proves who one is: passwords, tokens, keys.
    Secret,
    /// What gives rights or value: flags such as `isAdmin`, balances.
    Privilege,
}

impl Tag {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Personal, Self::Sensitive, Self::Secret, Self::Privilege];
}

/// The words that give names their meaning.
#[derive(Debug, Clone)]
pub struct Words {
    meanings: Vec<Meaning>,
    named: Vec<Named>,
}

#[derive(Debug, Clone)]
struct Meaning {
    tag: Tag,
    types: BTreeSet<String>,
    phrases: Vec<Vec<String>>,
    unless: BTreeSet<String>,
    unless_class: BTreeSet<String>,
}

/// A field that the app's configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The class; `None` is any class.
    pub class: Option<ClassName>,
    /// The field.
    pub field: FieldName,
    /// What it holds; `None` is nothing special.
    pub tag: Option<Tag>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    meaning: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    tag: Tag,
    #[expect(dead_code, reason = "for readers of the file")]
    about: String,
    types: Vec<String>,
    phrases: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    unless_class: Vec<String>,
}

/// The words that come with the program.
const BUILT_IN: &str = include_str!("../../rules/data/fields.toml");

impl Words {
    /// The built-in words, corrected by fields the app's configuration names.
    ///
    /// # Errors
    ///
    /// The built-in file has a mistake; a test makes sure that it has none.
    pub fn new(named: Vec<Named>) -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(BUILT_IN)?;
        let meanings = file.meaning.into_iter().map(|entry| Meaning {
            tag: entry.tag,
            types: entry.types.into_iter().collect(),
            phrases: entry.phrases.iter().map(|phrase| phrase.split(' ').map(str::to_owned).collect()).collect(),
            unless: entry.unless.into_iter().collect(),
            unless_class: entry.unless_class.into_iter().collect(),
        });
        Ok(Self { meanings: meanings.collect(), named })
    }

    /// What a field of a class holds.
    pub fn tags(&self, class: &ClassName, name: &FieldName, field: &Field) -> BTreeSet<Tag> {
        let given: Vec<Option<Tag>> =
            self.named.iter().filter(|named| named.is(class, name)).map(|named| named.tag).collect();
        if !given.is_empty() {
            return given.into_iter().flatten().collect();
        }
        if is_built_in(class, name) {
            return BTreeSet::new();
        }
        let words = split(name.as_str());
        let class_words = split(class.as_str());
        let means = |meaning: &&Meaning| {
            meaning.types.contains(kind_name(&field.kind))
                && meaning.phrases.iter().any(|phrase| contains(&words, phrase))
                && !words.iter().any(|word| meaning.unless.contains(word))
                && !class_words
                    .iter()
                    .any(|word| meaning.unless_class.contains(singular(word)) || meaning.unless_class.contains(word))
        };
        self.meanings.iter().filter(means).map(|meaning| meaning.tag).collect()
    }

    /// The fields of a class that hold something of some kind, and of which.
    pub fn tagged<'c>(&self, class: &'c Class) -> BTreeMap<&'c FieldName, BTreeSet<Tag>> {
        let fields = class.fields.read().into_iter().flatten();
        let tagged = fields.map(|(name, field)| (name, self.tags(&class.name, name, field)));
        tagged.filter(|(_, tags)| !tags.is_empty()).collect()
    }

    /// The fields of a class that hold something of one of these kinds.
    pub fn fields<'c>(&self, class: &'c Class, tags: &[Tag]) -> BTreeSet<&'c FieldName> {
        let tagged = self.tagged(class).into_iter().filter(|(_, own)| tags.iter().any(|tag| own.contains(tag)));
        tagged.map(|(name, _)| name).collect()
    }
}

impl Named {
    fn is(&self, class: &ClassName, field: &FieldName) -> bool {
        self.field == *field && self.class.as_ref().is_none_or(|own| own == class)
    }
}

/// Columns that the server itself gives every class, or guards by rules of its own.
fn is_built_in(class: &ClassName, field: &FieldName) -> bool {
    match field.as_str() {
        "objectId" | "createdAt" | "updatedAt" | "ACL" => true,
        // `email` of users is personal; the rest the server never shows or sets itself.
        "password" | "authData" | "emailVerified" => *class == "_User",
        "sessionToken" => *class == "_Session",
        "deviceToken" => *class == "_Installation",
        "roles" | "users" => *class == "_Role",
        _ => false,
    }
}

fn kind_name(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::String => "String",
        FieldKind::Number => "Number",
        FieldKind::Boolean => "Boolean",
        FieldKind::Date => "Date",
        FieldKind::Object => "Object",
        FieldKind::Array => "Array",
        FieldKind::GeoPoint => "GeoPoint",
        FieldKind::File => "File",
        FieldKind::Bytes | FieldKind::Polygon | FieldKind::Acl | FieldKind::Other(_) => "",
        FieldKind::Pointer(_) | FieldKind::Relation(_) => "",
    }
}

/// The words of a name in lower case: `custEmail2` is `cust email`, `IBANNumber` is `iban number`.
pub fn split(name: &str) -> Vec<String> {
    let characters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (at, &character) in characters.iter().enumerate() {
        let previous = at.checked_sub(1).and_then(|at| characters.get(at)).copied();
        let next = characters.get(at + 1).copied();
        let after_lower = previous.is_some_and(|previous| previous.is_lowercase() || previous.is_ascii_digit());
        let ends_acronym = previous.is_some_and(char::is_uppercase) && next.is_some_and(char::is_lowercase);
        let breaks = !character.is_alphabetic() || (character.is_uppercase() && (after_lower || ends_acronym));
        if breaks && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphabetic() {
            word.extend(character.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether the words of a phrase stand in a name one after the other, in the plural or not.
fn contains(words: &[String], phrase: &[String]) -> bool {
    words
        .windows(phrase.len())
        .any(|part| part.iter().zip(phrase).all(|(word, wanted)| word == wanted || singular(word) == wanted))
}

fn singular(word: &str) -> &str {
    let stem = word.strip_suffix("es").filter(|stem| stem.ends_with("ss") || stem.ends_with('x'));
    stem.or_else(|| word.strip_suffix('s').filter(|stem| !stem.ends_with('s'))).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(class: &str, name: &str, kind: FieldKind) -> Vec<Tag> {
        let words = Words::new(Vec::new()).expect("the built-in words");
        words.tags(&class.into(), &name.into(), &Field::of(kind)).into_iter().collect()
    }

    #[test]
    fn names_are_split_at_capitals_digits_and_signs() {
        for (name, words) in [
            ("cAddress", &["c", "address"][..]),
            ("custEmail2", &["cust", "email"]),
            ("user_phone", &["user", "phone"]),
            ("IBANNumber", &["iban", "number"]),
            ("DOB", &["dob"]),
            ("userID", &["user", "id"]),
            ("_x--y", &["x", "y"]),
            ("", &[]),
        ] {
            assert_eq!(split(name), words, "{name}");
        }
    }

    #[test]
    fn personal_fields_are_found_by_their_words() {
        for name in [
            "cAddress",
            "cFirstName",
            "cLastName",
            "custEmail2",
            "user_phone",
            "homeAddresses",
            "dateOfBirth",
            "phoneNumber",
        ] {
            let kind = if name == "dateOfBirth" { FieldKind::Date } else { FieldKind::String };
            assert_eq!(tags("Order", name, kind), [Tag::Personal], "{name}");
        }
        assert_eq!(tags("Patient", "bloodType", FieldKind::String), [Tag::Sensitive]);
        assert_eq!(tags("Integration", "apiKey", FieldKind::String), [Tag::Secret]);
        assert_eq!(tags("_User", "isAdmin", FieldKind::Boolean), [Tag::Privilege]);
    }

    #[test]
    fn names_that_look_alike_are_ordinary() {
        for (class, name, kind) in [
            ("Product", "name", FieldKind::String),
            ("Product", "description", FieldKind::String),
            ("Store", "phone", FieldKind::String),
            ("Restaurants", "address", FieldKind::String),
            ("Device", "macAddress", FieldKind::String),
            ("Order", "isEmailSent", FieldKind::Boolean),
            ("Order", "address", FieldKind::Pointer("Address".into())),
            ("Coin", "tokenSymbol", FieldKind::String),
            ("Post", "emailCount", FieldKind::Number),
            ("Post", "addressable", FieldKind::String),
            ("Campaign", "emailTemplate", FieldKind::String),
            ("Page", "secretSantaDay", FieldKind::String),
        ] {
            assert_eq!(tags(class, name, kind.clone()), [], "{class}.{name}");
        }
    }

    #[test]
    fn the_configuration_has_the_last_word() {
        let named =
            |class: Option<&str>, field: &str, tag| Named { class: class.map(Into::into), field: field.into(), tag };
        let words = Words::new(vec![named(Some("Store"), "phone", Some(Tag::Personal)), named(None, "email", None)])
            .expect("the words");
        let field = Field::of(FieldKind::String);
        assert_eq!(words.tags(&"Store".into(), &"phone".into(), &field), BTreeSet::from([Tag::Personal]));
        assert_eq!(words.tags(&"Order".into(), &"email".into(), &field), BTreeSet::new());
    }
}
