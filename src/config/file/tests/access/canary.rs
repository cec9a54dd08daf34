//! No secret is in anything that is said, wherever it was put.

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;

/// In every secret of these tests.
const CANARY: &str = "c4n4ry";

/// Secrets that are good, and that are not, for this and that.
const SECRETS: [&[u8]; 9] = [
    b"c4n4ry-0123456789-0123456789-0123456789",
    b"c4n4ry-01234567890123456789",
    b"c4n4ry-0",
    b"c4n4ry",
    b"",
    b"c4n4ry with spaces\n\n",
    b"c4n4ry\xff\0",
    b"-----BEGIN PUBLIC KEY-----\nc4n4ry\n-----END PUBLIC KEY-----\n",
    b"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"c4n4ry\",\"c4n4ry\":\"c4n4ry\"}]}",
];

/// Where somebody may write a secret, or where it is, in the right place and in wrong ones. In
/// those with @ stands a secret itself.
const LINES: [&str; 42] = [
    "secret = { file = 'a.key' }",
    "secret = { env = 'A_KEY' }",
    "secret = { env = 'B_KEY' }",
    "secret = { credential = 'a.key' }",
    "secret = { file = '@' }",
    "secret = { env = '@' }",
    "secret = { credential = '@' }",
    "secret = { credential = '/@' }",
    "secret = '@'",
    "secret = ['@']",
    "secret = { file = ['@'] }",
    "secret = { file = 'a.key', env = '@' }",
    "secret = \"@",
    "secret = @",
    "password = { file = 'a.key' }",
    "password = '@'",
    "password = { env = 'A_KEY' }",
    "user = 'ops'",
    "user = 'ops:@'",
    "token = '@'",
    "tokens = ['@']",
    "api-key = '@'",
    "value = '@'",
    "key = '@'",
    "keys = ['@']",
    "keys = '@'",
    "header = 'X-API-Key: @'",
    "header = ['X-API-Key: @']",
    "cookie = 'session=@'",
    "query = 'accessToken=@'",
    "forward = { url = 'http://ops:@@localhost/' }",
    "public-key = 'a.key'",
    "public-key = '-----BEGIN @'",
    "jwks = 'a.key'",
    "jwks = '{\"keys\":\"@\"}'",
    "algorithm = 'HS256'",
    "algorithm = 'ES256'",
    "id = 'a'",
    "manage = true",
    "[auth]",
    "[[route]]\npath = '/x'\nbehaviour = 'echo'\n[route.auth]",
    "[[key]]\nname = 'b'",
];

fn files() -> impl Strategy<Value = String> {
    let line = prop::sample::select(LINES.to_vec());
    let lines = prop::collection::vec(line, 1..7);
    (lines, any::<bool>()).prop_map(|(lines, is_key)| {
        let head = if is_key { "[[key]]\nname = 'a'\n" } else { "" };
        format!("{head}{}", lines.join("\n"))
            .replace('@', "c4n4ry-0123456789-0123456789-0123456789")
    })
}

/// All that is said of `text` by every command.
fn said(scratch: &Scratch, secret: &'static [u8], text: &str) -> String {
    let folder = scratch.path().to_owned();
    let env = move |name: &str| match name {
        "A_KEY" => Some(OsString::from(String::from_utf8_lossy(secret).into_owned())),
        "B_KEY_FILE" => Some(folder.join("a.key").into_os_string()),
        "CREDENTIALS_DIRECTORY" => Some(folder.clone().into_os_string()),
        _ => None,
    };
    let mut mistakes = Mistakes::default();
    let text = Text::new("tidegate.toml", text.as_bytes().to_vec(), &mut mistakes);
    let source = Source::bare(Environment::new(env));
    match source.understand(text.as_ref(), Some(scratch.path()), mistakes) {
        Err(mistakes) => format!("{mistakes}\n{mistakes:?}"),
        Ok(loaded) => {
            let hints = loaded.config.hints(1, 2).join("\n");
            let said = [loaded.report(), loaded.to_toml(), loaded.summary(), hints];
            format!("{}\n{:?}\n{:?}\n{source:?}", said.join("\n"), loaded, loaded.config)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_is_in_anything_that_is_said(
        text in files(),
        secret in prop::sample::select(SECRETS.to_vec()),
        mode in prop::sample::select(vec![0o600, 0o644]),
    ) {
        let scratch = Scratch::new();
        let file = scratch.path().join("a.key");
        fs::write(&file, secret).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let said = said(&scratch, secret, &text);
        prop_assert!(!said.contains(CANARY), "{}\n{}", text, said);
    }
}

/// That each of these lines can be loaded, alone, is what makes the above worth anything.
#[test]
fn good_secrets_are_taken_and_not_shown() {
    for line in [
        "secret = { file = 'a.key' }",
        "secret = { env = 'A_KEY' }",
        "secret = { env = 'B_KEY' }",
        "secret = { credential = 'a.key' }",
        "user = 'ops'\npassword = { file = 'a.key' }",
        "algorithm = 'HS256'\nsecret = { env = 'A_KEY' }",
    ] {
        let scratch = Scratch::new();
        let file = scratch.path().join("a.key");
        fs::write(&file, SECRETS[0]).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let said = said(&scratch, SECRETS[0], &format!("[[key]]\nname = 'a'\n{line}"));
        assert!(said.contains("ok: 1 key; may manage: none") && !said.contains(CANARY), "{said}");
    }
}
