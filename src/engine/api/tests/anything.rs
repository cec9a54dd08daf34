//! Whatever happens, in whatever order: an answer is true at its moment.
//!
//! Knows: several cores and their letters.
//! Must not know: sockets.

use super::node::{Node, Peer, bare, post};
use proptest::prelude::*;
use std::collections::HashMap;

const NAMES: [&str; 3] = ["a", "b", "c"];
const CORES: usize = 3;

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Somebody connects under a name, which may have an owner.
    Come(usize, usize),
    /// Somebody leaves.
    Leave(usize),
    /// A message is sent to a name.
    Send(usize, usize),
    /// Whoever has a name is closed.
    Close(usize, usize),
    /// A letter arrives.
    Deliver(usize),
    /// Time goes by.
    Pass(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..CORES, 0..NAMES.len()).prop_map(|(core, name)| Step::Come(core, name)),
        2 => any::<usize>().prop_map(Step::Leave),
        4 => (0..CORES, 0..NAMES.len()).prop_map(|(core, name)| Step::Send(core, name)),
        1 => (0..CORES, 0..NAMES.len()).prop_map(|(core, name)| Step::Close(core, name)),
        12 => any::<usize>().prop_map(Step::Deliver),
        1 => (0..30usize).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 1..80)
}

/// A message that was sent, and whether anybody had the name when it was.
struct Sent {
    client: Peer,
    text: String,
    had_owner: bool,
}

#[derive(Default)]
struct Story {
    members: Vec<Peer>,
    sent: Vec<Sent>,
    closers: Vec<(Peer, bool)>,
}

impl Story {
    fn happen(&mut self, node: &mut Node, step: Step) {
        match step {
            Step::Come(core, name) => {
                let path = format!("/?connectionId={}", NAMES[name]);
                let head = crate::engine::tests::core::handshake(&path);
                self.members.push(node.connect(core, crate::engine::tests::core::WS, &head));
            }
            Step::Leave(which) if !self.members.is_empty() => {
                let peer = self.members[which % self.members.len()];
                node.leave(peer);
            }
            Step::Leave(_) => {}
            Step::Send(core, name) => {
                let text = format!("message {}", self.sent.len());
                let had_owner = self.has_owner(node, name);
                let target = format!("/api/connections/{}", NAMES[name]);
                let client =
                    node.ask(core, &post(&target, "", &format!("{{\"text\":\"{text}\"}}")));
                self.sent.push(Sent { client, text, had_owner });
            }
            Step::Close(core, name) => {
                let had_owner = self.has_owner(node, name);
                let target = format!("/api/connections/{}", NAMES[name]);
                self.closers.push((node.ask(core, &bare("DELETE", &target)), had_owner));
            }
            Step::Deliver(which) if !node.mail.is_empty() => {
                node.deliver(which % node.mail.len());
            }
            Step::Deliver(_) => {}
            Step::Pass(ticks) => node.pass(std::time::Duration::from_millis(ticks as u64 * 50)),
        }
    }

    fn has_owner(&self, node: &Node, name: usize) -> bool {
        node.owner(NAMES[name]).is_some()
    }

    /// Everything has come to its end: what was answered is what happened.
    fn check(&self, node: &mut Node) -> Result<(), TestCaseError> {
        let heard: HashMap<Peer, String> =
            self.members.iter().map(|peer| (*peer, node.take(*peer))).collect();
        for Sent { client, text, had_owner } in &self.sent {
            let (status, _) = node.answer(*client);
            let marked = format!("{}{text}", char::from(text.len() as u8));
            let times: usize = heard.values().map(|all| all.matches(&marked).count()).sum();
            match status {
                202 => prop_assert_eq!(times, 1, "{} was queued", text),
                404 => prop_assert!(times == 0 && !had_owner, "{}: nobody had the name", text),
                410 => prop_assert!(times == 0 && *had_owner, "{}: somebody had it", text),
                504 => prop_assert!(times <= 1 && *had_owner, "{}", text),
                status => prop_assert!(false, "{}: {}", text, status),
            }
        }
        for (client, had_owner) in &self.closers {
            let (status, _) = node.answer(*client);
            let fits = match status {
                204 | 410 | 504 => *had_owner,
                404 => !had_owner,
                _ => false,
            };
            prop_assert!(fits, "{} to a close", status);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_answer_is_true_at_its_moment(steps in steps()) {
        let mut node = Node::new(CORES);
        let mut story = Story::default();
        for step in steps {
            story.happen(&mut node, step);
        }
        node.settle();
        story.check(&mut node)?;
    }
}
