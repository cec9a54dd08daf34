//! Keys that change while people come: each verdict is that of the old keys or of the new ones.

use crate::dice::Dice;
use crate::mint::{Signer, now};
use crate::refusal;
use crate::rig::secret;
use crate::support::http::request;
use crate::support::server::tidegate;
use crate::support::wire::Wire;
use crate::support::{Folder, Server, wait_until};
use rustix::process::Signal;
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

const CONFIG: &str = r#"
[[key]]
name = "device"
secret = { file = "device.key" }

[[key]]
name = "app"
algorithm = "HS256"
secret = { file = "app.key" }
"#;

const RELOADS: usize = 250;
const CALLERS: u64 = 6;

/// The secrets that hold from reload number `number` on.
fn device(number: usize) -> String {
    format!("device-secret-number-{number:05}")
}

fn app(number: usize) -> String {
    format!("hmac-secret-of-the-app-number-{number:05}-and-more")
}

/// A point in the order of all that happens.
#[derive(Debug, Default)]
struct Order(AtomicU64);

impl Order {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// When reload number n began, and when the log said that it was done.
#[derive(Clone, Copy, Debug)]
struct Swap {
    began: u64,
    done: u64,
}

/// A credential that was tried.
#[derive(Debug)]
struct Verdict {
    /// The reload that its key came with; `None`: no key's.
    number: Option<usize>,
    from: u64,
    to: u64,
    let_in: bool,
}

impl Verdict {
    /// Whether it must have been let in (`true`), must not (`false`), or may have been either way.
    fn must(&self, swaps: &[Swap]) -> Option<bool> {
        let Some(number) = self.number else { return Some(false) };
        let swap = swaps.get(number);
        let next = swaps.get(number + 1);
        if swap.is_none_or(|swap| self.to < swap.began) {
            return Some(false);
        }
        if next.is_some_and(|next| next.done < self.from) {
            return Some(false);
        }
        let whole = swap.is_some_and(|swap| swap.done < self.from)
            && next.is_none_or(|next| self.to < next.began);
        whole.then_some(true)
    }
}

struct Rig {
    folder: Folder,
    server: Server,
    order: Order,
    latest: AtomicUsize,
    is_over: AtomicBool,
    verdicts: Mutex<Vec<Verdict>>,
}

impl Rig {
    fn start(cores: &str) -> Rig {
        let folder = Folder::new();
        secret(&folder, "device.key", &device(0));
        secret(&folder, "app.key", &app(0));
        let file = folder.write("tidegate.toml", CONFIG);
        let mut command = tidegate();
        command.args(["--config", &file, "--cores", cores]);
        command.args(["--ws-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
        Rig {
            folder,
            server: Server::spawn(&mut command),
            order: Order::default(),
            latest: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            verdicts: Mutex::default(),
        }
    }

    /// Swaps both keys again and again; when each swap was.
    fn swap(&self) -> Vec<Swap> {
        let mut swaps = vec![Swap { began: 0, done: 0 }];
        for number in 1..=RELOADS {
            let seen = self.server.log_lines();
            let began = self.order.next();
            secret(&self.folder, "device.key", &device(number));
            secret(&self.folder, "app.key", &app(number));
            self.latest.store(number, Ordering::SeqCst);
            self.server.signal(Signal::HUP);
            self.server.wait_for_log_after(seen, "] loaded ");
            swaps.push(Swap { began, done: self.order.next() });
            // Everybody tries these keys, too, before they are others.
            let enough = self.tried() + 3 * CALLERS as usize;
            wait_until("everybody has come again", || self.tried() >= enough);
        }
        self.is_over.store(true, Ordering::SeqCst);
        swaps
    }

    fn tried(&self) -> usize {
        self.verdicts.lock().unwrap().len()
    }

    /// Comes with keys of now, of before, of later, and with none at all.
    fn come(&self, seed: u64) {
        let mut dice = Dice::new(seed);
        while !self.is_over.load(Ordering::SeqCst) {
            let number = (self.latest.load(Ordering::SeqCst) + dice.below(3)).checked_sub(1);
            let credential = match (number, dice.below(6)) {
                (Some(number), 0..=2) => device(number),
                (Some(number), 3..=4) => {
                    let claims = json!({"exp": now() + 600, "sub": "a"});
                    Signer::Hs256(app(number).into_bytes()).token(&claims)
                }
                _ => {
                    let neither = format!("device-secret-number-{}", dice.below(1000));
                    self.attempt(None, &neither);
                    continue;
                }
            };
            self.attempt(number, &credential);
        }
    }

    fn attempt(&self, number: Option<usize>, credential: &str) {
        let from = self.order.next();
        let mut wire = Wire::connect(self.server.http);
        let fields = format!("Authorization: Bearer {credential}\r\n");
        wire.write(request(self.server.http, "GET", "/events", &fields).as_bytes());
        let response = wire.read_head().expect("an answer");
        let to = self.order.next();
        let let_in = response.status == 200;
        if !let_in {
            let fault = refusal::fault(Some(response), &mut wire, false, credential);
            assert!(fault.is_none(), "{}", fault.unwrap_or_default());
        }
        self.verdicts.lock().unwrap().push(Verdict { number, from, to, let_in });
    }

    /// What came of all that.
    fn run(&self) -> (Vec<Swap>, Vec<Verdict>) {
        let swaps = thread::scope(|scope| {
            let callers: Vec<_> =
                (0..CALLERS).map(|seed| scope.spawn(move || self.come(seed))).collect();
            let swaps = self.swap();
            callers.into_iter().for_each(|caller| caller.join().unwrap());
            swaps
        });
        (swaps, std::mem::take(&mut self.verdicts.lock().unwrap()))
    }
}

#[test]
fn each_verdict_is_that_of_the_old_keys_or_of_the_new_ones() {
    let rig = Rig::start("2");
    let (swaps, verdicts) = rig.run();
    let mut counts = [0, 0];
    for verdict in &verdicts {
        let must = verdict.must(&swaps);
        assert!(must.is_none_or(|must| must == verdict.let_in), "{verdict:?} {swaps:?}");
        must.into_iter().for_each(|must| counts[usize::from(must)] += 1);
    }
    assert!(counts.iter().all(|count| *count > 200), "{counts:?} of {}", verdicts.len());
}

/// On one core there is one moment at which both keys change.
#[test]
fn no_old_key_is_good_once_a_new_one_was() {
    let rig = Rig::start("1");
    let (_, mut verdicts) = rig.run();
    verdicts.retain(|verdict| verdict.let_in);
    verdicts.sort_by_key(|verdict| verdict.to);
    let mut later: Vec<&Verdict> = verdicts.iter().collect();
    later.sort_by_key(|verdict| verdict.from);
    let (mut newest, mut ended) = (0, verdicts.iter().peekable());
    for verdict in later {
        // The newest key that somebody was let in with before this one came.
        while let Some(one) = ended.next_if(|one| one.to < verdict.from) {
            newest = newest.max(one.number.expect("a key"));
        }
        let number = verdict.number.expect("nobody comes in with neither");
        assert!(number >= newest, "{verdict:?}: {newest} had come in before");
    }
    assert!(newest > RELOADS / 2, "{newest}");
}
