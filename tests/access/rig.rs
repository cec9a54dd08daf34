//! A server with a key of each kind, and what its keys vouch for.

use crate::mint::{Signer, now};
use crate::support::http::request;
use crate::support::server::tidegate;
use crate::support::{Folder, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// The page that may connect.
pub(crate) const ORIGIN: &str = "https://app.example";
pub(crate) const ISSUER: &str = "https://id.example";

/// Static keys, and secrets, such as nothing else contains.
pub(crate) const DEVICE: &str = "dev1ce-3b9f0c6e2a7d4481.b5~x_Q";
pub(crate) const ADMIN: &str = "adm1n-77c1e0d94f2b4a3e8d.9~y_R";
const APP: &str = "hm4c-secret-of-the-app-51fd09c2e7b84a60";
const CHIEF: &str = "hm4c-secret-of-the-chief-0b7e4d21c9f35a86-and-more-of-it-as-HS512";
pub(crate) const PERSON: [&str; 2] = ["ida", "p4ssword-of-ida-e81c"];
pub(crate) const OPS: [&str; 2] = ["ops", "p4ssword-of-ops-5d7a"];

const CONFIG: &str = r#"
allow-origin = ["https://app.example"]

[auth]
header = ["X-WS-AUTH-KEY", "X-API-Key"]
cookie = "session"
query = "accessToken"

[[key]]
name = "devices"
secret = { file = "device.key" }

[[key]]
name = "admin"
secret = { file = "admin.key" }
manage = true

[[key]]
name = "app"
algorithm = "HS256"
secret = { file = "app.key" }
issuer = "https://id.example"

[[key]]
name = "chief"
algorithm = "HS512"
secret = { env = "CHIEF" }
manage = true

[[key]]
name = "idp"
algorithm = "EdDSA"
public-key = "idp.pem"

[[key]]
name = "old-idp"
algorithm = "RS256"
public-key = "old-idp.pem"

[[key]]
name = "ida"
user = "ida"
password = { file = "ida.password" }

[[key]]
name = "ops"
user = "ops"
password = { env = "OPS" }
manage = true

[[route]]
path = "/"
behaviour = "relay"

[[route]]
path = "/chat/{room}"
behaviour = "broadcast"

[[route]]
path = "/in/{token}"
behaviour = "relay"

[[route]]
path = "/strict"
behaviour = "echo"
[route.auth]
header = ["X-WS-AUTH-KEY", "X-API-Key"]
cookie = "session"
query = "accessToken"
refuse = 403

[[page]]
path = "/index.html"
file = "index.html"
"#;

/// The server, and whoever signs for it.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) folder: Folder,
    pub(crate) file: String,
    pub(crate) app: Signer,
    pub(crate) chief: Signer,
    pub(crate) idp: Signer,
    pub(crate) old_idp: Signer,
}

/// Puts a file there that only its owner reads.
pub(crate) fn secret(folder: &Folder, name: &str, text: &str) {
    let path = folder.write(name, text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Rig {
    pub(crate) fn start() -> Rig {
        Rig::start_with(|_| {})
    }

    /// Starts it with what `more` adds to its command line and environment.
    pub(crate) fn start_with(more: impl FnOnce(&mut Command)) -> Rig {
        let folder = Folder::new();
        let (idp, old_idp) = (Signer::ed25519(), Signer::rsa());
        folder.write("idp.pem", &idp.pem());
        folder.write("old-idp.pem", &old_idp.pem());
        folder.write("index.html", "<!doctype html><title>a page</title>");
        secret(&folder, "device.key", DEVICE);
        secret(&folder, "admin.key", &format!("{ADMIN}\n"));
        secret(&folder, "app.key", APP);
        secret(&folder, "ida.password", PERSON[1]);
        let file = folder.write("tidegate.toml", CONFIG);
        let mut command = Rig::command(&file);
        more(&mut command);
        let server = Server::start_with(&mut command);
        let (app, chief) = (Signer::Hs256(APP.into()), Signer::Hs512(CHIEF.into()));
        Rig { server, folder, file, app, chief, idp, old_idp }
    }

    /// The program with the environment that this configuration needs.
    pub(crate) fn command(file: &str) -> Command {
        let mut command = tidegate();
        command.args(["--config", file]).envs([("CHIEF", CHIEF), ("OPS", OPS[1])]);
        command
    }

    /// What must never be seen anywhere.
    pub(crate) fn secrets() -> [&'static str; 6] {
        [DEVICE, ADMIN, APP, CHIEF, PERSON[1], OPS[1]]
    }

    /// A token of each key that signs some, for `subject`; none of them may manage.
    pub(crate) fn tokens(&self, subject: &str) -> [String; 3] {
        let claims = claims(subject);
        [&self.app, &self.idp, &self.old_idp].map(|signer| signer.token(&claims))
    }

    /// A token of who may manage.
    pub(crate) fn chief_token(&self) -> String {
        self.chief.token(&claims("chief"))
    }

    /// A request of who may manage.
    pub(crate) fn manage(&self, method: &str, target: &str) -> String {
        request(self.server.http, method, target, &Rig::manager())
    }

    /// A header line with what may manage.
    pub(crate) fn manager() -> String {
        format!("Authorization: Bearer {ADMIN}\r\n")
    }
}

/// Claims that are good everywhere.
pub(crate) fn claims(subject: &str) -> Value {
    json!({"sub": subject, "exp": now() + 3600, "iat": now(), "iss": ISSUER, "jti": subject})
}

/// RFC 7617.
pub(crate) fn basic([user, password]: [&str; 2]) -> String {
    STANDARD.encode(format!("{user}:{password}"))
}
