//! What a key is, what it may give, and what does not go together.

use super::*;

/// Every kind of key, and every entry of each.
const WHOLE: &str = r#"
max-token = "2KiB"
[[key]]
name = "devices"
secret = { env = "DEVICES_KEY" }
[[key]]
name = "app"
algorithm = "HS384"
secret = { env = "APP_KEY" }
id = "2026-11"
issuer = "https://id.example"
audience = "tidegate"
connect = true
subscribe = ["lab.*", "{sub}"]
publish = "lab.1"
connection-id = ["{sub}", "{sub}-*"]
[[key]]
name = "idp"
algorithm = "ES256"
public-key = "idp.pem"
[[key]]
name = "idp-set"
jwks = "jwks.json"
issuer = "https://id.example"
[[key]]
name = "ops"
user = "ops"
password = { env = "OPS_PASSWORD" }
manage = true
"#;

const PEM: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9qehLsGaaKtJ4RFCKQsH2m6muVl8
eVHruobUTy+WGEir09ZZ79lTaLMniD4BQZ3wFjRCeYu6FaCOe/NZeJfa7A==
-----END PUBLIC KEY-----
";

/// The example of RFC 8037, appendix A.2.
const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"a",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn rig() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("idp.pem", PEM);
    scratch.write("jwks.json", SET);
    scratch
}

#[test]
fn keys_of_a_set_may_leave_their_algorithm_to_the_configuration() {
    let scratch = Scratch::new();
    let secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
    scratch.secret("set.json", &format!(r#"{{"keys":[{{"kty":"oct","k":"{secret}"}}]}}"#));
    let set = "[[key]]\nname = 'a'\njwks = 'set.json'\n";
    let told = |text: &str| scratch.load(text).unwrap_err().join("\n");
    assert!(told(set).contains("jwks: has a key that does not say its \"alg\""), "{}", told(set));
    let config = scratch.load(&format!("{set}algorithm = 'HS256'")).unwrap();
    assert_eq!(config.access.keyring.iter().count(), 1);
    let other = told(&format!("{set}algorithm = 'RS256'"));
    assert!(other.contains("jwks: has a key of another kind; RS256 takes an RSA key"), "{other}");
    let none = told(&format!("{set}algorithm = 'none'"));
    assert!(none.contains("algorithm: \"none\" is none of"), "{none}");
    let fetched = told("[[key]]\nname = 'a'\njwks = 'https://id.example/set?canary'");
    assert!(fetched.contains("is a file; nothing is fetched: save what is there"), "{fetched}");
    assert!(!fetched.contains("canary"), "{fetched}");
}

#[test]
fn every_kind_of_key_is_understood() {
    let config = rig().load(WHOLE).unwrap();
    let keys: Vec<_> = config.access.keyring.iter().collect();
    let names: Vec<_> = keys.iter().map(|key| &*key.name).collect();
    assert_eq!(names, ["devices", "app", "idp", "idp-set", "ops"]);
    assert!(config.access.is_on());
    let rights = Rights {
        connect: true,
        subscribe: globs(&["lab.*", "{sub}"]),
        publish: globs(&["lab.1"]),
        manage: false,
        connection_id: globs(&["{sub}", "{sub}-*"]),
    };
    assert_eq!(*keys[1].rights, rights);
    assert_eq!(*keys[0].rights, Rights::usual());
    let door = &config.access.door;
    let grant = |presented| config.access.keyring.verify(presented, door, 0);
    let devices = grant(Presented::Bearer("0123456789abcdef")).expect("it is the key");
    assert!(devices.may_connect() && !devices.may_manage());
    let ops = grant(Presented::Basic { user: "ops", password: "cörrect horse" });
    assert!(ops.expect("it is the password").may_manage());
    assert!(grant(Presented::Bearer("0123456789abcdeg")).is_err());
    assert!(grant(Presented::Basic { user: "ops", password: "correct horse" }).is_err());
}

#[test]
fn without_a_key_nobody_is_asked() {
    for text in ["", "key = []", "[[page]]\npath = '/'\ntext = ''\nopen = true"] {
        let access = loaded(text).config.access;
        assert!(!access.is_on() && *access.door == Door::default(), "{text}");
    }
}

/// What is not said is given, but for what makes a key to manage.
#[test]
fn a_key_gives_all_but_to_manage_unless_it_says_less() {
    let rights = |keys: &str| {
        let text = format!("[[key]]\nname = 'a'\nsecret = {{ env = 'DEVICES_KEY' }}\n{keys}");
        (**keyring(&text).iter().next().map(|key| &key.rights).unwrap()).clone()
    };
    let usual = Rights::usual();
    let manages =
        Rights { manage: true, connect: false, publish: Globs::default(), ..usual.clone() };
    for (keys, expected) in [
        ("", usual.clone()),
        ("manage = false", usual.clone()),
        ("connect = false", Rights { connect: false, ..usual.clone() }),
        ("subscribe = 'a.*'", Rights { subscribe: globs(&["a.*"]), ..usual.clone() }),
        ("publish = []", Rights { publish: Globs::default(), ..usual.clone() }),
        ("connection-id = ['a']", Rights { connection_id: globs(&["a"]), ..usual }),
        ("manage = true", manages.clone()),
        ("manage = true\nconnect = false", manages.clone()),
        (
            "manage = true\nsubscribe = ['a']",
            Rights { subscribe: globs(&["a"]), ..manages.clone() },
        ),
        ("manage = true\npublish = ['a']", Rights { publish: globs(&["a"]), ..manages }),
    ] {
        assert_eq!(rights(keys), expected, "{keys}");
    }
}

#[test]
fn the_subject_of_a_static_key_is_its_name() {
    let text = "[[key]]\nname = 'a*b'\nsecret = { env = 'DEVICES_KEY' }\nsubscribe = ['in.{sub}']";
    let grant = keyring(text).verify(Presented::Bearer("0123456789abcdef"), &Door::default(), 0);
    let grant = grant.expect("it is the key");
    assert!(grant.may_subscribe("in.a*b") && !grant.may_subscribe("in.axb"));
}

/// What is printed is a file that means the same, and names no more than where secrets are.
#[test]
fn keys_are_printed_with_the_places_of_their_secrets() {
    let scratch = rig();
    let printed = scratch.print("config", WHOLE);
    for line in [
        "secret = { env = \"DEVICES_KEY\" }",
        "password = { env = \"OPS_PASSWORD\" }",
        "algorithm = \"HS384\"",
        "audience = \"tidegate\"",
        &format!("public-key = \"{}/idp.pem\"", scratch.path().display()),
        "connection-id = [\"{sub}\", \"{sub}-*\"]",
        "manage = true",
        "[auth]",
        "header = [\"x-api-key\"]",
    ] {
        assert!(printed.lines().any(|one| one == line), "{line}\n{printed}");
    }
    let config = scratch.load(WHOLE).unwrap();
    assert_eq!(Scratch::new().load(&printed).unwrap(), config, "{printed}");
}

#[test]
fn keys_say_what_is_wrong_with_them() {
    for (keys, expected) in [
        (
            "secret = { env = 'DEVICES_KEY' }",
            "1:1: key: has no name; write one, like name = \"app\"",
        ),
        (
            "name = ' a'\nsecret = { env = 'DEVICES_KEY' }",
            "2:8: name: is no name: 1 to 64 bytes, no control characters, no spaces at its ends",
        ),
        (
            "name = 'a'",
            "1:1: key: vouches for nothing; it takes a secret, a public-key, jwks, \
             or a user and a password",
        ),
        ("name = 'a'\nuser = 'a'", "1:1: key: has no password"),
        ("name = 'a'\npassword = { env = 'OPS_PASSWORD' }", "1:1: key: has no user"),
        (
            "name = 'a'\nuser = 'a:b'\npassword = { env = 'OPS_PASSWORD' }",
            "3:8: user: is no user: 1 to 255 bytes, no colon, no control characters",
        ),
        (
            "name = 'a'\nsecret = { env = 'DEVICES_KEY' }\njwks = 'x'",
            "4:8: jwks: is beside secret; leave out one of them",
        ),
        (
            "name = 'a'\nsecret = { env = 'DEVICES_KEY' }\nuser = 'x'",
            "4:8: user: is beside secret; leave out one of them",
        ),
        (
            "name = 'a'\nsecret = { env = 'DEVICES_KEY' }\nissuer = 'x'",
            "4:10: issuer: is of a key for tokens, and that has an algorithm",
        ),
        (
            "name = 'a'\nuser = 'a'\npassword = { env = 'OPS_PASSWORD' }\nid = 'x'",
            "5:6: id: is of a key for tokens, and not of one for a user",
        ),
        (
            "name = 'a'\nsecret = { env = 'APP_KEY' }\nalgorithm = 'none'",
            "4:13: algorithm: \"none\" is none of HS256, HS384, HS512, RS256, RS384, RS512, \
             PS256, PS384, PS512, ES256, ES384, EdDSA",
        ),
        (
            "name = 'a'\nsecret = { env = 'APP_KEY' }\nalgorithm = 'HS256'\naudience = ''",
            "5:12: audience: is empty; leave it out, and nothing is asked for",
        ),
        (
            "name = 'a'\nsecret = { env = 'DEVICES_KEY' }\nmanage = true\nconnect = true",
            "5:11: connect: is beside manage = true: management has keys of its own; \
             leave out one of them",
        ),
        (
            "name = 'a'\nsecret = { env = 'DEVICES_KEY' }\nsubscribe = ['a', '', 1]",
            "4:19: subscribe: is empty, as no name is; * means every name",
        ),
        (
            "name = 'a'\nsecret = { env = 'DEVICES_KEY' }\npublish = \"a\\u0007\"",
            "4:11: publish: has control characters, as no name has",
        ),
        (
            "name = 'a'\nsecret = { env = 'DEVICES_KEY' }\nmanage = 'yes'",
            "4:10: manage: is a text; write true or false",
        ),
    ] {
        let told = mistakes(&format!("[[key]]\n{keys}"));
        assert_eq!(told[0], expected, "{keys}");
        assert_eq!(told.len(), 1 + usize::from(keys.contains(", 1]")), "{keys}: {told:?}");
    }
}

#[test]
fn two_keys_are_told_apart() {
    let two =
        |a: &str, b: &str| mistakes(&format!("[[key]]\nname = 'a'\n{a}\n[[key]]\nname = 'b'\n{b}"));
    let (one, same) = ("secret = { env = 'DEVICES_KEY' }", "secret = { env = 'SAME_KEY' }");
    let twice = mistakes(&format!("[[key]]\nname = 'a'\n{one}\n[[key]]\nname = 'a'\n{one}"));
    assert_eq!(twice, ["5:8: name: is taken by what stands in line 2; choose another"]);
    assert_eq!(
        two(one, same),
        ["6:10: secret: has the same secret as key \"a\"; make another: tidegate token key FILE"]
    );
    let user = "user = 'a'\npassword = { env = 'OPS_PASSWORD' }";
    assert_eq!(two(user, user), ["8:12: password: has the same user as key \"a\""]);
    let app = "algorithm = 'HS256'\nsecret = { env = 'APP_KEY' }";
    let idp = "algorithm = 'HS256'\nsecret = { env = 'IDP_KEY' }";
    let told = two(app, idp);
    assert!(told.len() == 1 && told[0].starts_with("8:10: secret: "), "{told:?}");
    assert!(told[0].contains("key \"a\""), "{told:?}");
    let text =
        |b: &str| format!("[[key]]\nname = 'a'\n{app}\nissuer = 'x'\n[[key]]\nname = 'b'\n{b}");
    assert!(load(&text(&format!("{idp}\nissuer = 'y'"))).is_ok());
    assert!(load(&text(&format!("{idp}\nissuer = 'x'\nid = '1'"))).is_ok());
}

#[test]
fn what_beginners_write_is_told_with_what_to_write() {
    let key = "[[key]]\nname = 'a'\n";
    let place = "write { file = \"app.key\" }; or { env = \"NAME\" }, or { credential = \"name\" }";
    for (text, expected) in [
        (
            "[key]\nname = 'a'".to_owned(),
            "1:1: key: is not in double brackets; write [[key]], even for one".to_owned(),
        ),
        (
            "[[keys]]\nname = 'a'".to_owned(),
            "1:3: keys: is no table of the file; did you mean [[key]]?".to_owned(),
        ),
        (
            "[auht]\n".to_owned(),
            "1:2: auht: is no table of the file; did you mean [auth]?".to_owned(),
        ),
        ("[[auth]]".to_owned(), "1:1: auth: is a list; write a table".to_owned()),
        (
            format!("{key}secret = 'abc'"),
            format!(
                "3:10: secret: is written out, where others may read it; put it into a file that \
                 they cannot read (chmod 600), and {place}"
            ),
        ),
        (
            format!("{key}token = 'abc'"),
            "3:1: token: is no key of key; did you mean secret?".to_owned(),
        ),
        (
            format!("{key}algorithms = ['HS256']\nsecret = {{ env = 'APP_KEY' }}"),
            "3:1: algorithms: is no key of key; did you mean algorithm?".to_owned(),
        ),
        (
            format!("{key}secret = {{}}"),
            "3:10: secret: names no place; write { file = \"app.key\" }, or { env = \"NAME\" }, \
             or { credential = \"name\" }"
                .to_owned(),
        ),
        (
            format!("{key}secret = {{ path = 'a' }}"),
            "3:12: path: is no key of secret; did you mean file?".to_owned(),
        ),
        (
            format!("{key}secret = {{ env = 'DEVICES_KEY', file = 'a' }}"),
            "3:18: env: is beside file; leave out one of them".to_owned(),
        ),
        (
            "token = 'abc'".to_owned(),
            "1:1: token: is no option; who may come in is said by a [[key]], \
             as with name = \"app\" and secret = { file = \"app.key\" }"
                .to_owned(),
        ),
        (
            format!("{key}algorithm = 'ES256'\npublic-key = '-----BEGIN PUBLIC KEY-----'"),
            "4:14: public-key: is written out; name the file that it is in".to_owned(),
        ),
        (
            "[[route]]\npath = '/ws/{token}'\nbehaviour = 'echo'".to_owned(),
            "2:8: path: has a {token}, which takes a [[key]] that vouches for it; write one, \
             or open = true to let everybody in"
                .to_owned(),
        ),
    ] {
        assert_eq!(mistakes(&text), [expected], "{text}");
    }
}
