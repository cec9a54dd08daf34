//! What somebody may not have meant who makes a token, or wonders why one is no good.
//!
//! Knows: the rights of keys, the members that a claim of rights may have.
//! Must not know: how tokens are signed, files, streams.

use crate::auth::{Asked, Glob, Globs, Key};
use crate::cli::escape::escape;
use serde_json::Value;

/// What a claim `tidegate` may have.
const MEMBERS: [&str; 5] = ["connect", "subscribe", "publish", "manage", "connectionId"];

/// What a token asks for in vain, as its key does not give it: an option each.
pub(super) fn in_vain(asked: &Asked, key: &Key) -> Vec<String> {
    let rights = &key.rights;
    let mut vain = Vec::new();
    for (option, is_asked, is_given) in
        [("--connect", asked.connect, rights.connect), ("--manage", asked.manage, rights.manage)]
    {
        if is_asked && !is_given {
            vain.push(option.to_owned());
        }
    }
    for (option, patterns, given) in [
        ("--subscribe", &asked.subscribe, &rights.subscribe),
        ("--publish", &asked.publish, &rights.publish),
        ("--connection-id", &asked.connection_id, &rights.connection_id),
    ] {
        let vain_ones = patterns.iter().filter(|pattern| !gives(given, pattern));
        vain.extend(vain_ones.map(|pattern| format!("{option} \"{}\"", escape(pattern))));
    }
    let name = escape(&key.name);
    let told = vain.into_iter();
    told.map(|what| format!("{what} is in vain: key \"{name}\" does not give it")).collect()
}

/// Whether some of what `pattern` means is given; of two patterns nobody says that it is not.
fn gives(given: &Globs, pattern: &str) -> bool {
    let name = Glob::parse(pattern).ok().and_then(|glob| glob.name().map(str::to_owned));
    let is_plain = !given.have_subject();
    match name {
        Some(name) if is_plain => given.matches(&name),
        _ => !given.is_none(),
    }
}

/// Members of the claim of rights that nobody knows.
pub(super) fn strange_members(claims: &[u8]) -> Option<String> {
    let claims: Value = serde_json::from_slice(claims).ok()?;
    let rights = claims.get("tidegate")?;
    let Some(rights) = rights.as_object() else {
        return Some("its \"tidegate\" is no object".to_owned());
    };
    let strange = rights.keys().filter(|name| !MEMBERS.contains(&name.as_str()));
    let strange: Vec<_> = strange.map(|name| format!("\"{}\"", escape(name))).collect();
    let said =
        format!("its \"tidegate\" has {}; there are {}", strange.join(", "), MEMBERS.join(", "));
    (!strange.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Keyring, Rights, Secret};

    #[test]
    fn what_a_key_does_not_give_is_in_vain() {
        let globs = |text| Globs::new(vec![Glob::parse(text).unwrap()]);
        let mut ring = Keyring::default();
        let rights =
            Rights { subscribe: globs("lab.*"), publish: Globs::default(), ..Rights::usual() };
        ring.add_static("app", &Secret::new(b"0123456789abcdef".to_vec()), rights);
        let key = ring.iter().next().unwrap();
        let asked = Asked {
            connect: true,
            manage: true,
            subscribe: ["lab.1", "lab", "*"].map(str::to_owned).to_vec(),
            publish: vec!["*".to_owned()],
            connection_id: vec!["anna".to_owned()],
        };
        let told = in_vain(&asked, key);
        let begins = ["--manage is", "--subscribe \"lab\" is", "--publish \"*\" is"];
        assert_eq!(told.len(), begins.len(), "{told:?}");
        assert!(told.iter().zip(begins).all(|(one, begin)| one.starts_with(begin)), "{told:?}");
    }

    #[test]
    fn a_member_that_nobody_knows_is_named() {
        let told = |claims: &str| strange_members(claims.as_bytes());
        let said = told(r#"{"tidegate":{"connect":true,"rooms":[],"a\u001b":1}}"#).unwrap();
        assert!(said.contains("\"rooms\"") && !said.contains('\u{1b}'), "{said}");
        assert_eq!(told(r#"{"tidegate":{"connect":true}}"#), None);
        assert_eq!(told(r#"{"rooms":1}"#), None);
        assert!(told(r#"{"tidegate":"all"}"#).is_some());
    }
}
