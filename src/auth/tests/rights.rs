//! What is left of a key's rights for whoever holds a token.

use super::*;
use crate::auth::{Glob, Globs};

fn globs(patterns: &[&str]) -> Globs {
    Globs::new(patterns.iter().map(|it| Glob::parse(it).unwrap()).collect())
}

/// What a key of these rights gives for a token with these claims.
fn given(rights: Rights, more: &str) -> Result<Grant, Why> {
    let ring = ring_with(Algorithm::HS256, None, Expected::default(), rights);
    examine(&ring, &signed("", more))
}

#[test]
fn a_token_without_rights_of_its_own_has_those_of_its_key() {
    let rights = Rights { subscribe: globs(&["acme.*"]), publish: globs(&[]), ..Rights::usual() };
    let grant = given(rights, "").unwrap();
    assert!(grant.may_connect() && grant.may_be_called("any") && !grant.may_manage());
    assert!(grant.may_subscribe("acme.a") && !grant.may_subscribe("other"));
    assert!(!grant.may_publish("acme.a") && grant.may_subscribe_to_some());
    assert!(grant.reach().is_some_and(|reach| reach.has("acme.a") && !reach.has("other")));
}

#[test]
fn what_is_not_in_the_object_is_not_given() {
    let grant = given(Rights::usual(), r#""tidegate":{}"#).unwrap();
    assert!(!grant.may_connect() && !grant.may_manage());
    assert!(!grant.may_subscribe("a") && !grant.may_publish("a") && !grant.may_subscribe_to_some());
    assert!(grant.may_be_called("any"), "a name is not given, only taken away");
    let grant =
        given(Rights::usual(), r#""tidegate":{"connect":true,"subscribe":["a*"]}"#).unwrap();
    assert!(grant.may_connect() && grant.may_subscribe("ab") && !grant.may_publish("ab"));
    assert!(!grant.may_subscribe("*"), "to read for everyone is to read all");
    let grant = given(Rights::usual(), r#""tidegate":{"subscribe":["*"]}"#).unwrap();
    assert!(grant.may_subscribe("*") && grant.reach().is_none());
}

#[test]
fn a_token_gives_no_more_than_its_key() {
    let rights = Rights {
        connect: false,
        subscribe: globs(&["acme.*", "pub"]),
        publish: globs(&["acme.*"]),
        manage: false,
        connection_id: globs(&["dev-*"]),
    };
    let all = r#""tidegate":{"connect":true,"manage":true,"subscribe":["*"],"publish":["*"],
        "connectionId":"*"}"#;
    let grant = given(rights.clone(), all).unwrap();
    assert!(!grant.may_connect() && !grant.may_manage());
    assert!(grant.may_subscribe("pub") && !grant.may_subscribe("other"));
    assert!(!grant.may_publish("pub") && grant.may_be_called("dev-1") && !grant.may_be_called("x"));
    let some = r#""tidegate":{"subscribe":["*.b","other"]}"#;
    let reach = given(rights, some).unwrap().reach().unwrap();
    assert!(reach.has("acme.b") && !reach.has("acme.a"));
    assert!(!reach.has("other") && !reach.has("pub") && !reach.has("*"));
    let manager = Rights { connect: false, manage: true, ..Rights::usual() };
    assert!(given(manager.clone(), "").unwrap().may_manage());
    assert!(given(manager.clone(), r#""tidegate":{"manage":true}"#).unwrap().may_manage());
    assert!(!given(manager, r#""tidegate":{"connect":true}"#).unwrap().may_manage());
}

#[test]
fn an_object_that_is_not_understood_makes_a_token_invalid() {
    for ours in [
        "null",
        "true",
        "[]",
        "\"connect\"",
        r#"{"conect":true}"#,
        r#"{"Connect":true}"#,
        r#"{"connect":1}"#,
        r#"{"connect":"true"}"#,
        r#"{"connect":null}"#,
        r#"{"manage":0}"#,
        r#"{"subscribe":"*"}"#,
        r#"{"subscribe":null}"#,
        r#"{"subscribe":[1]}"#,
        r#"{"subscribe":{"*":true}}"#,
        r#"{"subscribe":[""]}"#,
        r#"{"publish":["a\u0000"]}"#,
        r#"{"publish":["a\nb"]}"#,
        r#"{"connectionId":null}"#,
        r#"{"connectionId":1}"#,
        r#"{"connectionId":""}"#,
        r#"{"connectionId":["a",1]}"#,
        r#"{"connectionId":{}}"#,
        r#"{"":true}"#,
    ] {
        let verdict = given(Rights::usual(), &format!(r#""tidegate":{ours}"#));
        assert_eq!(verdict, Err(Why::Claims), "{ours}");
    }
    let long = format!(r#""tidegate":{{"subscribe":["{}"]}}"#, "a".repeat(256));
    assert_eq!(given(Rights::usual(), &long), Err(Why::Claims));
}

#[test]
fn a_token_has_a_hundred_patterns_at_most_all_lists_together() {
    let list = |count: usize| vec![r#""a""#; count].join(",");
    let of = |subscribe: usize, publish: usize, names: usize| {
        let [subscribe, publish, names] = [subscribe, publish, names].map(list);
        let ours = format!(
            r#""tidegate":{{"subscribe":[{subscribe}],"publish":[{publish}],"connectionId":[{names}]}}"#
        );
        given(Rights::usual(), &ours).map(|_| ())
    };
    for (subscribe, publish, names, verdict) in [
        (100, 0, 0, Ok(())),
        (101, 0, 0, Err(Why::Claims)),
        (0, 101, 0, Err(Why::Claims)),
        (0, 0, 101, Err(Why::Claims)),
        (40, 40, 20, Ok(())),
        (40, 40, 21, Err(Why::Claims)),
    ] {
        assert_eq!(of(subscribe, publish, names), verdict, "{subscribe} {publish} {names}");
    }
}

#[test]
fn the_place_of_the_subject_is_for_the_subject_itself() {
    let rights = || Rights {
        subscribe: globs(&["user.{sub}", "user.{sub}.*", "news"]),
        connection_id: globs(&["{sub}", "{sub}-*"]),
        ..Rights::usual()
    };
    let anna = given(rights(), r#""sub":"anna""#).unwrap();
    assert!(anna.may_subscribe("user.anna") && anna.may_subscribe("user.anna.x"));
    assert!(anna.may_subscribe("news") && !anna.may_subscribe("user.ben"));
    assert!(anna.may_be_called("anna") && anna.may_be_called("anna-2"));
    assert!(!anna.may_be_called("ben") && !anna.may_be_called("annab"));
    // Nothing in a subject is a pattern, nor a place.
    for sub in ["*", "a*", "{sub}", "**"] {
        let grant = given(rights(), &format!(r#""sub":"{sub}""#)).unwrap();
        assert!(grant.may_subscribe(&format!("user.{sub}")), "{sub}");
        assert!(!grant.may_subscribe("user.ab") && !grant.may_be_called("ab"), "{sub}");
        assert!(grant.may_be_called(sub) && !grant.may_be_called("anna-2"), "{sub}");
    }
    // Nobody in particular has no right that is somebody's.
    let nobody = given(rights(), "").unwrap();
    assert!(nobody.may_subscribe("news") && !nobody.may_subscribe("user."));
    assert!(!nobody.may_subscribe("user.{sub}") && !nobody.may_be_called("{sub}"));
    assert!(!nobody.may_be_called(""));
    // What a token writes is no place: who issues tokens knows the subject.
    let written = r#""sub":"anna","tidegate":{"subscribe":["user.{sub}"]}"#;
    let grant = given(Rights::usual(), written).unwrap();
    assert!(!grant.may_subscribe("user.anna") && grant.may_subscribe("user.{sub}"));
}

#[test]
fn whoever_may_be_called_one_thing_is_called_that() {
    let rights = |names: &[&str]| Rights { connection_id: globs(names), ..Rights::usual() };
    let own = |names: &[&str], more: &str| {
        given(rights(names), more).unwrap().own_name().map(str::to_owned)
    };
    let anna = r#""sub":"anna""#;
    assert_eq!(own(&["{sub}"], anna).as_deref(), Some("anna"));
    assert_eq!(own(&["{sub}"], r#""sub":"a*""#).as_deref(), Some("a*"));
    assert_eq!(own(&["{sub}"], ""), None, "nobody");
    assert_eq!(own(&["{sub}", "{sub}-*"], anna), None, "there are others");
    assert_eq!(own(&["*"], anna), None);
    let asked = |name: &str| format!(r#"{anna},"tidegate":{{"connectionId":"{name}"}}"#);
    assert_eq!(own(&["*"], &asked("dev-1")).as_deref(), Some("dev-1"));
    assert_eq!(own(&["dev-*"], &asked("dev-1")).as_deref(), Some("dev-1"));
    assert_eq!(own(&["x-*"], &asked("dev-1")), None, "it may be called nothing");
    assert_eq!(own(&["{sub}", "{sub}-*"], &asked("anna-2")).as_deref(), Some("anna-2"));
}

#[test]
fn a_grant_can_be_narrowed_and_never_widened() {
    let grant = given(Rights { subscribe: globs(&["a*"]), ..Rights::usual() }, "").unwrap();
    let narrow = grant.clone().narrowed_by(Rights { subscribe: globs(&["*b"]), ..Rights::usual() });
    assert!(narrow.may_subscribe("ab") && !narrow.may_subscribe("a") && !narrow.may_subscribe("b"));
    assert_eq!((narrow.key(), narrow.key_print()), (grant.key(), grant.key_print()));
    let none = narrow.narrowed_by(Rights::default());
    assert!(!none.may_connect() && !none.may_subscribe("ab"));
    let other = grant.clone().with_rights(Rights { connect: true, ..Rights::default() });
    assert!(other.may_connect() && !other.may_subscribe("a"));
    // It is the key's all the same.
    let prints = [&grant, &none, &other].map(Grant::key_print);
    assert_eq!(prints, [grant.key_print(); 3]);
}
