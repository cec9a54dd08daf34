//! Where secrets are, and whether anybody else may read them there.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

const KEY: &str = "[[key]]\nname = 'a'\nsecret = { file = 'a.key' }";
const GOOD: &str = "0123456789abcdef";

impl Scratch {
    pub(super) fn secret(&self, name: &str, text: &str) {
        self.write(name, text);
        self.allow(name, 0o600);
    }

    fn allow(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn lets_in(&self, text: &str, credential: &str) -> bool {
        let config = self.load(text).unwrap_or_else(|told| panic!("{told:?}"));
        let access = config.access;
        access.keyring.verify(Presented::Bearer(credential), &access.door, 0).is_ok()
    }
}

#[test]
fn a_secret_is_a_file_beside_the_configuration() {
    let scratch = Scratch::new();
    for (text, secret) in [
        (GOOD.to_owned(), GOOD.to_owned()),
        (format!("{GOOD}\n"), GOOD.to_owned()),
        (format!("{GOOD}\r\n"), GOOD.to_owned()),
        ("x".repeat(4096), "x".repeat(4096)),
    ] {
        scratch.secret("a.key", &text);
        assert!(scratch.lets_in(KEY, &secret), "{text:?}");
    }
    scratch.secret("sub/a.key", GOOD);
    assert!(scratch.lets_in(&KEY.replace("a.key", "sub/a.key"), GOOD));
    let absolute = scratch.path().join("sub/a.key").display().to_string();
    assert!(scratch.lets_in(&KEY.replace("a.key", &absolute), GOOD));
    // As a cluster mounts what it configures.
    symlink("sub/a.key", scratch.path().join("b.key")).unwrap();
    assert!(scratch.lets_in(&KEY.replace("a.key", "b.key"), GOOD));
}

#[test]
fn a_secret_file_is_only_for_few() {
    let scratch = Scratch::new();
    scratch.secret("a.key", GOOD);
    for mode in [0o400, 0o600, 0o640, 0o660, 0o700] {
        scratch.allow("a.key", mode);
        assert!(scratch.lets_in(KEY, GOOD), "{mode:o}");
    }
    let path = scratch.path().join("a.key").display().to_string();
    for mode in [0o604, 0o644, 0o602, 0o601, 0o666, 0o777] {
        scratch.allow("a.key", mode);
        let told = scratch.load(KEY).unwrap_err();
        let name = path.rsplit('/').next().unwrap();
        let expected = format!(
            "tidegate.toml:3:19: file: is open to others (mode {mode:o}); chmod 600 {name}"
        );
        assert_eq!(told, [expected]);
    }
    // Who may read the link is not who may read the file.
    symlink("a.key", scratch.path().join("b.key")).unwrap();
    assert!(scratch.load(&KEY.replace("a.key", "b.key")).is_err());
}

#[test]
fn a_file_that_holds_no_secret_is_told() {
    let scratch = Scratch::new();
    let lost = "is not there: . has no such file; make one: tidegate token key FILE";
    let folder = scratch.path().display().to_string();
    let told = |scratch: &Scratch, expected: &str| {
        let told = scratch.load(KEY).unwrap_err();
        let lines: Vec<_> = told.iter().map(|line| line.replace(&folder, ".")).collect();
        assert_eq!(lines, [format!("tidegate.toml:3:{expected}")]);
    };
    told(&scratch, &format!("19: file: {lost}"));
    for (text, expected) in [
        ("".to_owned(), "19: file: is empty; make one: tidegate token key FILE"),
        ("\n".to_owned(), "19: file: is empty; make one: tidegate token key FILE"),
        (
            "c4n4ry-89abcdef ".to_owned(),
            "10: secret: has other characters than visible ones of ASCII, which no request could \
             bring; make one: tidegate token key FILE",
        ),
        (
            format!("{GOOD}\n\n"),
            "10: secret: has other characters than visible ones of ASCII, which no request could \
             bring; make one: tidegate token key FILE",
        ),
        (
            "c4n4ry-89abcde".to_owned(),
            "10: secret: has less than 16 bytes; make one: tidegate token key FILE",
        ),
        (
            "x".repeat(4097),
            "10: secret: is longer than max-token (4KiB): no request could bring it",
        ),
        ("x".repeat(65_537), "19: file: is longer than 64 KiB"),
    ] {
        scratch.secret("a.key", &text);
        told(&scratch, expected);
    }
    fs::remove_file(scratch.path().join("a.key")).unwrap();
    fs::create_dir(scratch.path().join("a.key")).unwrap();
    told(&scratch, "19: file: is no file, but something else: a.key");
    let text = KEY.replace("a.key", "/dev/null");
    let lines = scratch.load(&text).unwrap_err();
    assert_eq!(lines, ["tidegate.toml:3:19: file: is no file, but something else: /dev/null"]);
    let text = KEY.replace("a.key", "tidegate.toml/c4n4ry");
    let lines = scratch.load(&text).unwrap_err();
    assert_eq!(lines, ["tidegate.toml:3:19: file: cannot be read: Not a directory (os error 20)"]);
}

/// Who may read everything, as tests often may, is refused nothing.
#[test]
fn a_file_that_may_not_be_read_is_told() {
    let scratch = Scratch::new();
    scratch.secret("a.key", GOOD);
    scratch.allow("a.key", 0o000);
    match scratch.load(KEY) {
        Ok(_) => assert!(fs::read(scratch.path().join("a.key")).is_ok()),
        Err(told) => {
            let expected =
                "tidegate.toml:3:19: file: cannot be read: Permission denied (os error 13)";
            assert_eq!(told, [expected]);
        }
    }
}

#[test]
fn a_secret_may_be_in_the_environment() {
    let key = |name: &str| format!("[[key]]\nname = 'a'\nsecret = {{ env = '{name}' }}");
    let scratch = Scratch::new();
    assert!(scratch.lets_in(&key("DEVICES_KEY"), GOOD));
    // Set as `$(cat FILE)` would not have it.
    assert!(scratch.lets_in(&key("ENDED"), "0123456789abcdeF"));
    for (name, expected) in [
        (
            "C4N4RY",
            "3:18: env: names no variable that is set, and none that is with _FILE behind its name",
        ),
        ("c4n4ry-1", "3:18: env: is no name of a variable: letters, digits and _, no digit first"),
        ("1A", "3:18: env: is no name of a variable: letters, digits and _, no digit first"),
        ("SHORT", "3:10: secret: has less than 16 bytes; make one: tidegate token key FILE"),
        (
            "SPACED",
            "3:10: secret: has other characters than visible ones of ASCII, which no request could \
             bring; make one: tidegate token key FILE",
        ),
    ] {
        assert_eq!(mistakes(&key(name)), [expected], "{name}");
    }
}

/// What is in no process's environment: a file that another variable names, a folder of them.
#[test]
fn a_variable_may_name_a_file_or_the_folder_of_credentials() {
    let scratch = Scratch::new();
    scratch.secret("b.key", GOOD);
    let folder = scratch.path().to_owned();
    let source = |variables: Vec<(&'static str, PathBuf)>| {
        Source::bare(Environment::new(move |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone().into_os_string())
        }))
    };
    let load = |source: &Source, place: &str| {
        let text = format!("[[key]]\nname = 'a'\nsecret = {{ {place} }}");
        let mut mistakes = Mistakes::default();
        let text = Text::new("tidegate.toml", text.into_bytes(), &mut mistakes);
        let loaded = source.understand(text.as_ref(), None, mistakes);
        loaded.map_err(|mistakes| lines(&mistakes))
    };
    let by_file = source(vec![("A_FILE", folder.join("b.key"))]);
    assert!(load(&by_file, "env = 'A'").is_ok());
    let both = source(vec![("A", "short".into()), ("A_FILE", folder.join("b.key"))]);
    assert!(load(&both, "env = 'A'").is_err(), "the first counts");
    let service = source(vec![("CREDENTIALS_DIRECTORY", folder.clone())]);
    let loaded = load(&service, "credential = 'b.key'").unwrap();
    assert!(loaded.to_toml().contains("secret = { credential = \"b.key\" }"));
    let name = "3:25: credential: is no name of a credential: it has no slash";
    for bad in ["../b.key", "", "..", "/b.key"] {
        assert_eq!(load(&service, &format!("credential = '{bad}'")).unwrap_err(), [name], "{bad}");
    }
    assert_eq!(
        load(&service, "credential = 'c4n4ry'").unwrap_err(),
        ["3:25: credential: is no credential that this service was handed out; \
          its unit does: LoadCredential=NAME:FILE"]
    );
    assert_eq!(
        load(&source(vec![]), "credential = 'b.key'").unwrap_err(),
        ["3:25: credential: cannot be read, as no CREDENTIALS_DIRECTORY is set; \
          a service manager does: LoadCredential=NAME:FILE"]
    );
    scratch.allow("b.key", 0o644);
    for (source, place) in [(&by_file, "env = 'A'"), (&service, "credential = 'b.key'")] {
        let told = load(source, place).unwrap_err();
        assert!(told[0].contains("is open to others (mode 644); chmod 600 "), "{told:?}");
    }
    // Only there is a file named without one.
    assert_eq!(
        load(&service, "file = 'b.key'").unwrap_err(),
        ["3:19: file: cannot be read, as this configuration is in no file itself"]
    );
}

#[test]
fn tokens_take_longer_secrets_and_what_is_public_may_be_read() {
    let scratch = Scratch::new();
    let app = "[[key]]\nname = 'a'\nalgorithm = 'HS256'\nsecret = { file = 'a.key' }";
    scratch.secret("a.key", &"x".repeat(31));
    assert_eq!(
        scratch.load(app).unwrap_err(),
        ["tidegate.toml:4:10: secret: is shorter than 32 bytes; make one: tidegate token key FILE"]
    );
    scratch.secret("a.key", &"x".repeat(32));
    assert!(scratch.load(app).is_ok());
    // A set with a secret in it is a secret.
    let set = "[[key]]\nname = 'a'\njwks = 'set.json'";
    let secret = "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\
                  \"k\":\"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg\"}]}";
    scratch.secret("set.json", secret);
    assert!(scratch.load(set).is_ok());
    scratch.allow("set.json", 0o644);
    assert_eq!(
        scratch.load(set).unwrap_err(),
        ["tidegate.toml:3:8: jwks: is open to others (mode 644); chmod 600 set.json"]
    );
    // However that is spelt.
    scratch.write("set.json", &secret.replace("oct", "\\u006fct"));
    scratch.allow("set.json", 0o644);
    assert!(scratch.load(set).unwrap_err()[0].contains("is open to others"));
    let public = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\
                  \"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
    scratch.write("set.json", public);
    assert!(scratch.load(set).is_ok());
    scratch.write("set.json", "c4n4ry");
    let told = scratch.load(set).unwrap_err();
    assert!(told[0].contains("is no JWK set") && !told[0].contains("c4n4ry"), "{told:?}");
}

#[test]
fn a_password_is_text_of_some_length() {
    let scratch = Scratch::new();
    let ops = "[[key]]\nname = 'a'\nuser = 'ops'\npassword = { file = 'a.key' }";
    for (bytes, fault) in [
        (&b"1234567"[..], Some("has less than 8 characters; make one: tidegate token key FILE")),
        ("1234567ä".as_bytes(), None),
        (b"1234567\xff", Some("is not UTF-8 text, or has control characters")),
        (b"1234\t5678", Some("is not UTF-8 text, or has control characters")),
    ] {
        scratch.secret("a.key", "");
        fs::write(scratch.path().join("a.key"), bytes).unwrap();
        let told = scratch.load(ops).map(|_| ()).map_err(|told| told.join("\n"));
        let expected = fault.map(|fault| format!("tidegate.toml:4:12: password: {fault}"));
        assert_eq!(told.err(), expected, "{bytes:?}");
    }
}

#[test]
fn secrets_are_read_again_and_those_of_the_environment_stay() {
    let scratch = Scratch::new();
    scratch.secret("a.key", GOOD);
    scratch.write("tidegate.toml", KEY);
    let Ok(Command::Serve(first, source)) = scratch.command("serve") else { panic!("no server") };
    assert_eq!(source.reload().unwrap().config.access, first.config.access);
    scratch.secret("a.key", "fedcba9876543210");
    let second = source.reload().unwrap().config.access;
    assert!(second.keyring.verify(Presented::Bearer(GOOD), &second.door, 0).is_err());
    let new = Presented::Bearer("fedcba9876543210");
    assert!(second.keyring.verify(new, &second.door, 0).is_ok());
    fs::remove_file(scratch.path().join("a.key")).unwrap();
    assert!(source.reload().unwrap_err().to_string().contains("is not there"));
    // A file that names a variable of the start finds it.
    scratch.write("tidegate.toml", &KEYS.replace("devices", "others"));
    assert_eq!(source.reload().unwrap().config.access.keyring.iter().count(), 2);
}
