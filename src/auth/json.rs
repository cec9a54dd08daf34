//! JSON that others sign: objects in which no member stands twice.
//!
//! Knows: that two readers of one text must not read two things out of it.
//! Must not know: what the members mean.

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// Any value; in none of its objects, however deep, stands a member twice.
pub(super) struct Anything;

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Anything, D::Error> {
        deserializer.deserialize_any(Unique)
    }
}

struct Unique;

impl<'de> Visitor<'de> for Unique {
    type Value = Anything;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_str<E>(self, _: &str) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Anything, A::Error> {
        while items.next_element::<Anything>()?.is_some() {}
        Ok(Anything)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Anything, A::Error> {
        let mut names = Names::default();
        while let Some(name) = members.next_key::<String>()? {
            names.add(&name)?;
            members.next_value::<Anything>()?;
        }
        Ok(Anything)
    }
}

/// The names that an object has so far.
#[derive(Default)]
pub(super) struct Names(BTreeSet<Box<str>>);

impl Names {
    /// Another one: not one of those before.
    pub(super) fn add<E: Error>(&mut self, name: &str) -> Result<(), E> {
        match self.0.insert(Box::from(name)) {
            true => Ok(()),
            // Its name is somebody's, and no sentence repeats it.
            false => Err(E::custom("a member stands twice")),
        }
    }
}

/// An object of which something is known: `member` takes the value of each name that it knows, and
/// says of others that it does not.
pub(super) trait Object<'de>: Default {
    /// Takes the member `name`. `false`: its value was left where it is.
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error>;
}

/// Reads an [`Object`].
pub(super) struct Read<T>(pub(super) T);

impl<'de, T: Object<'de>> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Read<T>, D::Error> {
        deserializer.deserialize_map(Members(T::default())).map(Read)
    }
}

struct Members<T>(T);

impl<'de, T: Object<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<T, A::Error> {
        let mut names = Names::default();
        while let Some(name) = members.next_key::<String>()? {
            names.add(&name)?;
            if !self.0.member(&name, &mut members)? {
                members.next_value::<Anything>()?;
            }
        }
        Ok(self.0)
    }
}
