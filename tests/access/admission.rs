//! Exactly the good credentials let in: twenty thousand that are good or nearly so, by each way, at
//! each place.

use crate::dice::Dice;
use crate::mutants::{Base, Breeder, garble};
use crate::refusal;
use crate::rig::{OPS, PERSON, Rig};
use crate::support::http::{Response, exchange, request};
use crate::support::websocket::handshake;
use crate::support::wire::Wire;
use crate::ways::{Asked, Site, Way};
use serde_json::Value;
use std::ops::AddAssign;
use std::thread;

const THREADS: usize = 12;
const ATTEMPTS: usize = 20_400;

/// What came of the attempts of one thread.
#[derive(Debug, Default)]
struct Tally {
    attempts: u64,
    /// Credentials that were good, by what should come of them: 101, 200.
    good: [u64; 2],
    /// Answers with these statuses.
    let_in: [u64; 2],
    /// Tickets that were asked for.
    tickets: u64,
    faults: Vec<String>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.attempts += other.attempts;
        for (sum, more) in [(&mut self.good, other.good), (&mut self.let_in, other.let_in)] {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        self.tickets += other.tickets;
        self.faults.extend(other.faults);
    }
}

/// One of those who try.
struct Caller<'r> {
    rig: &'r Rig,
    breeder: &'r Breeder<'r>,
    dice: Dice,
    tally: Tally,
}

#[test]
fn exactly_the_good_credentials_let_in() {
    let rig = Rig::start();
    let breeder = Breeder::new(&rig);
    let mut all = Tally::default();
    thread::scope(|scope| {
        let callers: Vec<_> = (0..THREADS as u64)
            .map(|seed| {
                let dice = Dice::new(seed);
                let mut caller =
                    Caller { rig: &rig, breeder: &breeder, dice, tally: Tally::default() };
                scope.spawn(move || {
                    (0..ATTEMPTS / THREADS).for_each(|_| caller.attempt());
                    caller.tally
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| all += caller.join().unwrap());
    });
    let Tally { attempts, good, let_in, tickets, faults } = all;
    let some: Vec<&String> = faults.iter().take(20).collect();
    assert!(faults.is_empty(), "{} of {attempts}: {some:#?}", faults.len());
    assert!(attempts >= 20_000, "{attempts}");
    assert_eq!(let_in, good);
    assert!(good.iter().all(|count| *count > 1000), "{good:?}");
    // The server, too, has counted each, and whoever asked for tickets, and who asks now.
    let metrics = exchange(rig.server.http, &rig.manage("GET", "/metrics"));
    let accepted = metrics.sample("tidegate_credentials_total{outcome=\"accepted\"}");
    assert_eq!(accepted, good[0] + good[1] + tickets + 1);
}

impl Caller<'_> {
    fn attempt(&mut self) {
        const SITES: [Site; 12] = [
            Site::Relay,
            Site::Relay,
            Site::Chat,
            Site::Strict,
            Site::Strict,
            Site::In,
            Site::In,
            Site::Events,
            Site::Events,
            Site::Api,
            Site::Metrics,
            Site::Page,
        ];
        let site = *self.dice.pick(&SITES);
        match self.dice.below(20) {
            0 if matches!(site, Site::Relay | Site::Chat | Site::Events) => self.with_ticket(site),
            1 | 2 if site != Site::In => self.with_password(site),
            _ => self.with_credential(site),
        }
    }

    fn with_credential(&mut self, site: Site) {
        let dice = &mut self.dice;
        let bases: &[Base] = if site.is_managed() { &Base::MANAGING } else { &Base::CONNECTING };
        let mutant = self.breeder.mutant(*dice.pick(bases), dice);
        let way = *dice.pick(Way::to(site));
        let mut asked = way.ask(site, &mutant.text, dice);
        let mut what = format!("{site:?} by {way:?}, {}", mutant.what);
        if dice.chance(4) {
            // A second one, good or not: it is nobody's guess which one counts.
            let another = self.breeder.plain(Base::Device, dice);
            let taken = asked.fields.contains("Authorization:");
            let name = if taken { "X-API-Key: " } else { "Authorization: Bearer " };
            asked.fields.push_str(&format!("{name}{another}\r\n"));
            // Where the first is in no place that counts, there is one alone.
            let is_alone = !asked.good || mutant.text.is_empty();
            if is_alone {
                return;
            }
            what.push_str(", and another");
            asked.good = false;
        }
        let good = mutant.good && asked.good;
        self.ask(site, &asked, &mutant.text, good, &what);
    }

    fn with_password(&mut self, site: Site) {
        let dice = &mut self.dice;
        let who = if site.is_managed() { OPS } else { PERSON };
        let plain = format!("{}:{}", who[0], who[1]);
        let is_plain = dice.chance(40);
        let text = if is_plain { plain } else { garble(plain, dice).text };
        let asked = Way::Basic.ask(site, &text, dice);
        let good = is_plain && asked.good;
        self.ask(site, &asked, who[1], good, &format!("{site:?} by Basic"));
    }

    /// A ticket that is not quite it is nobody's, and uses nothing up; it is good once.
    fn with_ticket(&mut self, site: Site) {
        let ticket = ticket(self.rig);
        self.tally.tickets += 1;
        let dice = &mut self.dice;
        let changed = garble(ticket.clone(), dice).text;
        for (text, good) in [(&changed, false), (&ticket, true), (&ticket, false)] {
            let asked = Way::Ticket.ask(site, text, &mut self.dice);
            self.ask(site, &asked, text, good, &format!("{site:?} by Ticket"));
        }
    }

    fn ask(&mut self, site: Site, asked: &Asked, secret: &str, good: bool, what: &str) {
        let is_websocket = site.is_websocket();
        let server = &self.rig.server;
        let addr = if is_websocket { server.ws } else { server.http };
        let mut wire = Wire::connect(addr);
        let mut head = match is_websocket {
            true => handshake(addr, &asked.target, &asked.fields),
            false => request(addr, "GET", &asked.target, &asked.fields),
        };
        if !good {
            // What is behind a request that is refused is never read.
            head.push_str(&request(addr, "GET", "/livez", ""));
        }
        wire.write(head.as_bytes());
        self.tally.attempts += 1;
        let kind = usize::from(!is_websocket);
        let response = wire.read_head();
        let status = response.as_ref().map_or(0, |response| response.status);
        let is_in = status == [101, 200][kind];
        self.tally.good[kind] += u64::from(good);
        self.tally.let_in[kind] += u64::from(is_in);
        let fault = match (good, is_in) {
            (true, true) => betrayal(&response.expect("it has a status"), secret),
            (false, false) => refusal::fault(response, &mut wire, site == Site::Strict, secret),
            (true, false) => Some(format!("not let in: {response:?}")),
            (false, true) => Some("let in".to_owned()),
        };
        if let Some(fault) = fault {
            self.tally.faults.push(format!("{what}: {fault}\n{head}"));
        }
    }
}

/// Whoever is let in is not told the credential: above all not as the subprotocol that is spoken.
fn betrayal(response: &Response, secret: &str) -> Option<String> {
    let head = format!("{:?}", response.headers);
    (!secret.is_empty() && head.contains(secret)).then_some(head)
}

/// A ticket that lets in to everything, once.
pub(crate) fn ticket(rig: &Rig) -> String {
    let fields = format!(
        "{}Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n",
        Rig::manager()
    );
    let head = request(rig.server.http, "POST", "/api/tickets", &fields);
    let response = exchange(rig.server.http, &format!("{head}{{}}"));
    assert_eq!(response.status, 201, "{response:?}");
    let body: Value = serde_json::from_str(&response.body).unwrap();
    body["ticket"].as_str().expect("a ticket").to_owned()
}
