//! `tidegate token`: what is made can be read again, and by nobody else's key.

use crate::client::Client;
use crate::scripted::Scripted;
use crate::support::Folder;
use crate::support::server::tidegate;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Output, Stdio};

const SECRET: &str = "0123456789abcdef0123456789abcdef-canary";

fn run(args: &[&str], input: &str) -> Output {
    let mut command = tidegate();
    command.arg("token").args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have refused its arguments without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What it prints, which is all it says.
fn done(args: &[&str], input: &str) -> String {
    let output = run(args, input);
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*err), (Some(0), ""), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// With which status it fails, and what it complains of.
fn failed(args: &[&str], input: &str) -> (i32, String) {
    let output = run(args, input);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// A file with the secret, and its path.
fn secret_file(folder: &Folder) -> String {
    folder.write("app.key", &format!("{SECRET}\n"));
    folder.path("app.key")
}

#[test]
fn a_key_is_fresh_random_text() {
    let (one, other) = (done(&["key"], ""), done(&["key"], ""));
    assert_ne!(one, other);
    assert_eq!((one.trim_end().len(), one.lines().count()), (43, 1));
    assert!(
        one.trim_end().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    assert_eq!(done(&["key", "--bytes", "64"], "").trim_end().len(), 86);
}

/// The claims that `token verify` prints, and what it says of them.
fn claims_and_verdict(said: &str) -> (serde_json::Value, &str) {
    let (claims, verdict) = said.split_at(said.find("\ngood: ").unwrap() + 1);
    (serde_json::from_str(claims).unwrap(), verdict)
}

/// What a key without a word of rights gives.
const RIGHTS_OF_DEVICES: &str = r#"good: key "devices", subject "devices"
  connect: yes
  manage: no
  subscribe: *
  publish: *
  connectionId: *
"#;

#[test]
fn what_is_minted_is_good_and_says_what_it_was_told_to() {
    let folder = Folder::new();
    let file = secret_file(&folder);
    let mint = ["mint", "--secret-file", &file, "--subject", "anna", "--token-id", "t1"];
    let rights = ["--connect", "--subscribe", "acme.*", "--subscribe", "pub"];
    let token = done(&[&mint[..], &rights].concat(), "");
    assert_eq!(token.trim_end().split('.').count(), 3);
    let said = done(&["verify", "--secret-file", &file, "-"], &token);
    let (claims, verdict) = claims_and_verdict(&said);
    let ours = serde_json::json!({"connect": true, "subscribe": ["acme.*", "pub"]});
    assert_eq!((&claims["sub"], &claims["jti"]), (&"anna".into(), &"t1".into()));
    assert_eq!(claims["tidegate"], ours);
    let second = |name: &str| claims[name].as_u64().unwrap();
    assert_eq!(second("exp") - second("iat"), 3600);
    assert!(verdict.starts_with("good: key \"key\", subject \"anna\", for "), "{verdict}");
    let rights = ["connect: yes", "manage: no", "subscribe: acme.*, pub", "publish: nothing"];
    let rights = [&rights[..], &["connectionId: *"]].concat().join("\n  ");
    assert!(verdict.ends_with(&format!("\n  {rights}\n")), "{verdict}");
    let (status, why) = failed(&["verify", "--secret-file", &file], &format!("Bearer {token}"));
    assert!(status == 2 && why.contains("leave that word out"), "{why}");
    assert!(!why.contains(token.trim_end()), "{why}");
    // Without a word of rights: all that the key gives, and a name of its own.
    let plain = done(&["mint", "--secret-file", &file, "--expires-in", "2m"], "");
    let said = done(&["verify", "--secret-file", &file], &plain);
    let (claims, _) = claims_and_verdict(&said);
    let names: Vec<_> = claims.as_object().unwrap().keys().map(|key| &**key).collect();
    assert_eq!(names, ["exp", "iat", "jti"]);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 22);
}

/// A configuration with a key of tokens that has an id, an issuer and an audience, and another key.
fn configuration(folder: &Folder) -> String {
    for file in [secret_file(folder), folder.write("devices.key", "a-static-key-canary")] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let text = r#"
[[key]]
name = "app"
algorithm = "HS256"
secret = { file = "app.key" }
id = "2026-11"
issuer = "https://id.example"
audience = "tidegate"
connection-id = ["{sub}"]

[[key]]
name = "devices"
secret = { file = "devices.key" }
"#;
    folder.write("tidegate.toml", text)
}

#[test]
fn a_key_of_a_configuration_signs_as_that_wants_it() {
    let folder = Folder::new();
    let config = configuration(&folder);
    let mint = ["mint", "--config", &config, "--key", "app", "--subject", "anna"];
    let token = done(&mint, "");
    let said = done(&["verify", "--config", &config], &token);
    let (claims, verdict) = claims_and_verdict(&said);
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&"https://id.example".into(), &"tidegate".into())
    );
    assert!(verdict.starts_with("good: key \"app\", subject \"anna\""), "{verdict}");
    // A static key, too, is good for something.
    let said = done(&["verify", "--config", &config], "a-static-key-canary\n");
    assert_eq!(said, RIGHTS_OF_DEVICES);
    let other = done(&[&mint[..], &["--issuer", "somebody"]].concat(), "");
    let (status, why) = failed(&["verify", "--config", &config], &other);
    assert!(status == 1 && why.contains("\"iss\" is not the key's issuer"), "{why}");
    let other = done(&[&mint[..], &["--id", "2026-12"]].concat(), "");
    let (status, why) = failed(&["verify", "--config", &config], &other);
    assert!(status == 1 && why.contains("no key has its \"alg\""), "{why}");
    for (key, part) in [("devices", "is sent as it is"), ("x", "it has app, devices")] {
        let (status, why) = failed(&["mint", "--config", &config, "--key", key], "");
        assert!(status == 2 && why.contains(part) && !why.contains("canary"), "{why}");
    }
    fs::set_permissions(folder.path("app.key"), fs::Permissions::from_mode(0o604)).unwrap();
    let (status, why) = failed(&mint, "");
    assert!(status == 2 && why.contains("chmod 600"), "{why}");
}

#[test]
fn what_is_not_good_is_told_exactly_and_by_the_status() {
    let folder = Folder::new();
    let file = secret_file(&folder);
    folder.write("other.key", "another secret that is long enough, too");
    let other = folder.path("other.key");
    let token = done(&["mint", "--secret-file", &file], "");
    let verify = |file: &str, token: &str| failed(&["verify", "--secret-file", file], token);
    let (status, why) = verify(&other, &token);
    assert_eq!((status, &*why), (1, "tidegate: not good: its signature is not the key's\n"));
    let (status, why) = verify(&file, "nonsense");
    assert!(status == 1 && why.contains("neither a token"), "{why}");
    let (status, why) = verify(&file, "");
    assert_eq!((status, &*why), (2, "tidegate: standard input has no token\n"));
    let hs512 = ["mint", "--secret-file", &file, "--algorithm", "HS512"];
    let (status, why) = verify(&file, &done(&hs512, ""));
    assert!(status == 1 && why.contains("no key has its \"alg\""), "{why}");
}

#[test]
fn a_file_that_is_no_key_is_named_and_not_shown() {
    let folder = Folder::new();
    let file = secret_file(&folder);
    folder.write("short.key", "5hort-canary");
    folder.write("large.key", &"x".repeat(64 * 1024 + 1));
    let [short, large, none] = ["short.key", "large.key", "none.key"].map(|it| folder.path(it));
    for (args, part) in [
        (["mint", "--secret-file", &short].to_vec(), "shorter than 32 bytes"),
        (["mint", "--secret-file", &large].to_vec(), "larger than any key"),
        (["mint", "--secret-file", &none].to_vec(), "No such file"),
        (["mint", "--private-key", &file, "--algorithm", "RS256"].to_vec(), "is no PEM file"),
        (["verify", "--jwks", &file].to_vec(), "is no JWK set"),
        (["mint", "--secret-file", &file, "--subscribe", ""].to_vec(), "no pattern"),
    ] {
        let (status, why) = failed(&args, "");
        assert!(status == 2 && why.contains(part), "{args:?}: {why}");
        assert!(!why.contains("canary"), "{why}");
    }
}

#[test]
fn a_client_sends_the_credential_of_a_file() {
    let (folder, server) = (Folder::new(), Scripted::start());
    folder.write("token", "abc.def.ghi\n");
    let file = folder.path("token");
    let client = Client::start(&["--token-file", &file, &server.url()]);
    let asked = server.accept();
    assert_eq!(asked.field("Authorization"), Some("Bearer abc.def.ghi"));
    drop((asked, client));
    folder.write("two", "abc\r\ndef\n");
    for (args, part) in [
        (["--token-file", &folder.path("two"), "ws://127.0.0.1:1/"].to_vec(), "no credential"),
        (["--token-file", &folder.path("none"), "ws://127.0.0.1:1/"].to_vec(), "No such file"),
        (
            ["--token-file", &file, "--header", "authorization: x", "ws://127.0.0.1:1/"].to_vec(),
            "which one counts",
        ),
    ] {
        let mut client = tidegate();
        let output = client.arg("connect").args(&args).stdin(Stdio::null()).output().unwrap();
        let why = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && why.contains(part), "{args:?}: {why}");
    }
}

#[test]
fn a_key_is_made_in_a_file_of_its_own_and_never_over_another() {
    let folder = Folder::new();
    let path = folder.path("app.key");
    let make = || tidegate().args(["token", "key", &path]).output().unwrap();
    let made = make();
    assert!(made.status.success() && made.stdout.is_empty() && made.stderr.is_empty());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    let secret = fs::read_to_string(&path).unwrap();
    assert_eq!((secret.len(), secret.trim_end().len()), (44, 43), "32 bytes in base64url");
    let again = make();
    assert_eq!(again.status.code(), Some(2));
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("is there already: nothing is written over it"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), secret);
}

#[test]
fn rights_that_come_to_nothing_are_told_and_the_token_is_made() {
    let folder = Folder::new();
    let file = secret_file(&folder);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let config = folder.write(
        "signing.toml",
        "[[key]]\nname = \"app\"\nsecret = { file = \"app.key\" }\nalgorithm = \"HS256\"\n\
         subscribe = [\"lab.*\"]\n",
    );
    let mint = ["mint", "--config", &config, "--key", "app", "--subscribe", "lab.1"];
    done(&mint, "");
    let output = run(&[&mint[..], &["--manage", "--subscribe", "shop"]].concat(), "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end().split('.').count(), 3);
    let warnings = "tidegate: warning: --manage is in vain: key \"app\" does not give it\n\
                    tidegate: warning: --subscribe \"shop\" is in vain: key \"app\" does not give \
                    it\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), warnings);
}
