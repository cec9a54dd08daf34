//! A proxy with the configuration of `examples/proxies`, changed in nothing but addresses and files.
//!
//! Knows: how nginx and Caddy are started, told to read their configuration again, and ended.
//! Must not know: what goes through them.

use crate::support::foreign::{installed, node, root};
use crate::support::server::tidegate;
use crate::support::{Folder, Foreign, Server, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

/// The name by which the examples are reached.
pub(crate) const HOST: &str = "tide.example.com";

/// Which proxy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
}

/// One that runs, and what it works with.
pub(crate) struct Proxy {
    kind: Kind,
    port: u16,
    child: Child,
    folder: Folder,
}

impl Kind {
    /// Where it stands.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Kind::Nginx => "examples/proxies/nginx.conf",
            Kind::Caddy => "examples/proxies/Caddyfile",
        }
    }

    /// What its file says, and what README quotes.
    pub(crate) fn text(self) -> String {
        fs::read_to_string(root().join(self.file())).unwrap()
    }

    /// The options that the file's head asks Tidegate to be started with.
    pub(crate) fn options(self) -> Vec<String> {
        let text = self.text();
        let line = text.lines().find_map(|line| line.strip_prefix("#     tidegate "));
        line.expect("a line to start Tidegate with").split(' ').map(str::to_owned).collect()
    }

    /// A Tidegate as the file asks for, with more options.
    pub(crate) fn server(self, more: &[&str]) -> Server {
        Server::start_with(tidegate().args(self.options()).args(more))
    }

    /// The same where another one was.
    pub(crate) fn server_at(self, [ws, http]: [SocketAddr; 2], more: &[&str]) -> Server {
        let addresses = ["--ws-addr", &ws.to_string(), "--http-addr", &http.to_string()];
        Server::spawn(tidegate().args(addresses).args(self.options()).args(more))
    }

    /// Starts it before these listeners; it answers when this returns.
    pub(crate) fn start(self, ws: SocketAddr, http: SocketAddr) -> Proxy {
        let folder = Folder::new();
        cut_certificate(&folder);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let ports = [port, ws.port(), http.port()];
        let main = match self {
            Kind::Nginx => write_nginx(&folder, &self.text(), ports),
            Kind::Caddy => write_caddy(&folder, &self.text(), ports),
        };
        let mut command = match self {
            Kind::Nginx => nginx(&folder, &main),
            Kind::Caddy => caddy("run", &main),
        };
        let said = fs::File::create(folder.path("said")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        let child = command.spawn().unwrap();
        let mut proxy = Proxy { kind: self, port, child, folder };
        wait_until("the proxy listens", || {
            assert!(proxy.child.try_wait().unwrap().is_none(), "{}", proxy.said());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        proxy
    }
}

/// A certificate that signs itself.
fn cut_certificate(folder: &Folder) {
    let mut openssl = Command::new(installed("openssl"));
    openssl.args("req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256".split(' '));
    openssl.args(["-subj", &format!("/CN={HOST}"), "-addext"]);
    openssl.arg(format!("subjectAltName=DNS:{HOST}"));
    openssl.args(["-keyout", &folder.path("host.key"), "-out", &folder.path("host.pem")]);
    let output = openssl.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// `text` with each of the `changes`, of which none may be in vain.
fn change(text: &str, changes: &[(&str, String)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in the example any more");
        text.replace(from, to)
    })
}

fn write_nginx(folder: &Folder, example: &str, [port, ws, http]: [u16; 3]) -> String {
    let site = change(
        example,
        &[
            ("~*websocket  8080;", format!("~*websocket {ws};")),
            ("default      8082;", format!("default {http};")),
            // A machine may have no IPv6.
            ("    listen [::]:443 ssl http2;\n", String::new()),
            ("listen 443 ", format!("listen 127.0.0.1:{port} ")),
            ("/etc/ssl/tide.example.com.pem", folder.path("host.pem")),
            ("/etc/ssl/tide.example.com.key", folder.path("host.key")),
            ("/var/log/nginx/tidegate.log", folder.path("access.log")),
        ],
    );
    let site = folder.write("site.conf", &site);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {};", folder.path(name)));
    let main = format!(
        "daemon off; pid {}; error_log stderr;\nevents {{}}\nhttp {{\n{}\ninclude {site};\n}}\n",
        folder.path("pid"),
        temporary.join("\n"),
    );
    folder.write("nginx.conf", &main)
}

fn write_caddy(folder: &Folder, example: &str, [port, ws, http]: [u16; 3]) -> String {
    let tls = format!("\ttls {} {}", folder.path("host.pem"), folder.path("host.key"));
    let site = change(
        example,
        &[
            ("127.0.0.1:8080", format!("127.0.0.1:{ws}")),
            ("127.0.0.1:8082", format!("127.0.0.1:{http}")),
            // Else it would ask an authority of the internet for a certificate.
            ("\ntide.example.com {\n", format!("\nhttps://{HOST}:{port} {{\n{tls}\n")),
        ],
    );
    let admin = folder.path("admin");
    let global = format!("{{\n\tadmin unix/{admin}\n\tauto_https disable_redirects\n}}\n");
    folder.write("Caddyfile", &(global + &site))
}

fn nginx(folder: &Folder, main: &str) -> Command {
    let mut command = Command::new(installed("nginx"));
    // What it says before it has read where to.
    command.args(["-e", "stderr", "-p", &folder.path(""), "-c", main]);
    command
}

fn caddy(command: &str, main: &str) -> Command {
    let mut caddy = Command::new(installed("caddy"));
    caddy.args([command, "--config", main, "--adapter", "caddyfile"]);
    // It keeps things there, of which nothing shall outlive the test.
    let home = Path::new(main).parent().unwrap();
    caddy.env("HOME", home).env("XDG_DATA_HOME", home).env("XDG_CONFIG_HOME", home);
    caddy
}

impl Proxy {
    /// Where a path is, by the scheme `https` or `wss`.
    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{HOST}:{}{path}", self.port)
    }

    /// curl, about to ask for something behind the proxy.
    pub(crate) fn curl(&self, path: &str, options: &[&str]) -> Command {
        let mut command = Command::new("curl");
        let resolve = format!("{HOST}:{}:127.0.0.1", self.port);
        command.args(["-sS", "-N", "--noproxy", "*", "--path-as-is", "--resolve", &resolve]);
        command.args(["--cacert", &self.folder.path("host.pem"), "--max-time", "60"]);
        command.args(options).arg(self.url("https", path));
        command
    }

    /// What curl is told: its own status, and what it prints.
    pub(crate) fn ask(&self, path: &str, options: &[&str]) -> (ExitStatus, String) {
        let output = self.curl(path, options).output().unwrap();
        (output.status, String::from_utf8(output.stdout).unwrap())
    }

    /// A script for Node that takes a URL, with all that it needs to reach the proxy.
    pub(crate) fn node(&self, script: &str, packages: &[&str], url: &str) -> Command {
        let mut command = node(&root().join(script), packages);
        let resolve = root().join("tests/proxies/resolve.js");
        command.env("NODE_OPTIONS", format!("--require {}", resolve.display()));
        command.env("NODE_EXTRA_CA_CERTS", self.folder.path("host.pem")).arg(url);
        command
    }

    /// npm's `eventsource`, once it is connected.
    pub(crate) fn event_source(&self, path: &str) -> Foreign {
        let url = self.url("https", path);
        let script = "tests/foreign/node/events.js";
        let source = Foreign::start(&mut self.node(script, &["eventsource"], &url));
        assert_eq!(source.line(), "open");
        source
    }

    /// Has it read its configuration again, as its service does.
    pub(crate) fn reload(&self) {
        let mut command = match self.kind {
            Kind::Nginx => nginx(&self.folder, &self.folder.path("nginx.conf")),
            Kind::Caddy => caddy("reload", &self.folder.path("Caddyfile")),
        };
        match self.kind {
            Kind::Nginx => command.args(["-s", "reload"]),
            Kind::Caddy => {
                command.args(["--force", "--address"]);
                command.arg(format!("unix/{}", self.folder.path("admin")))
            }
        };
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What nginx wrote of the requests that it has dealt with.
    pub(crate) fn access_log(&self) -> String {
        let mut log = String::new();
        wait_until("a request is in the log", || {
            log = fs::read_to_string(self.folder.path("access.log")).unwrap();
            !log.is_empty()
        });
        log
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path("said")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if self.kind == Kind::Nginx {
            // There are others below the process that was started, which only it can end.
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        } else {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("{:?} said:\n{}", self.kind, self.said());
        }
    }
}
