//! Pages of connections while some come and go.
//!
//! Knows: several cores and their letters.
//! Must not know: sockets.

use super::node::{Node, Peer, bare};
use crate::limits::{LISTED_SLOTS_MAX, Limits, PAGE_BYTES_MAX, PAGE_MAX};
use serde_json::Value;
use std::collections::BTreeMap;

/// One page; its names, and the token of the next.
fn page(node: &mut Node, query: &str) -> (Vec<String>, Option<String>) {
    let client = node.ask(0, &bare("GET", &format!("/api/connections{query}")));
    node.settle();
    let (status, body) = node.answer(client);
    assert_eq!(status, 200, "{query}: {body}");
    node.end(client);
    let page: Value = serde_json::from_str(&body).unwrap();
    let names = page["connections"].as_array().unwrap().iter();
    let names = names.map(|one| one["connectionId"].as_str().unwrap().to_owned());
    (names.collect(), page["next"].as_str().map(str::to_owned))
}

fn pages(
    node: &mut Node,
    query: &str,
    mut between: impl FnMut(&mut Node, usize),
) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), None);
    loop {
        let after = next.map_or(String::new(), |next: String| format!("&after={next}"));
        let (names, token) = page(node, &format!("?{query}{after}"));
        pages.push(names);
        next = Some(match token {
            Some(token) => token,
            None => return pages,
        });
        between(node, pages.len());
        assert!(pages.len() < 10_000, "it comes to no end");
    }
}

#[test]
fn whoever_is_there_throughout_is_listed_once_whoever_comes_and_goes() {
    for limit in [1, 2, 7, 50] {
        let mut node = Node::new(3);
        let mut others: Vec<Peer> = Vec::new();
        for n in 0..60 {
            let path = format!("/ws/r{}?connectionId=stays{n}", n % 4);
            node.websocket(n % 3, &path);
            others.push(node.websocket(n * 7 % 3, &format!("/?connectionId=goes{n}")));
        }
        let all = pages(&mut node, &format!("limit={limit}"), |node, number| {
            // One goes, and somebody else has its slot.
            if let Some(peer) = others.pop() {
                node.leave(peer);
            }
            node.websocket(number % 3, &format!("/?connectionId=new{number}"));
        });
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for name in all.iter().flatten() {
            *times.entry(name).or_default() += 1;
        }
        for n in 0..60 {
            assert_eq!(times.get(&*format!("stays{n}")), Some(&1), "limit {limit}");
        }
        assert!(all.iter().all(|names| names.len() <= limit), "limit {limit}");
        let in_room = pages(&mut node, &format!("room=r2&limit={limit}"), |_, _| {});
        assert_eq!(in_room.concat().len(), 15);
        let named = pages(&mut node, &format!("prefix=stays1&limit={limit}"), |_, _| {});
        assert_eq!(named.concat().len(), 11, "stays1 and stays10 to stays19");
    }
}

#[test]
fn connections_without_a_name_are_not_listed() {
    let mut node = Node::new(2);
    node.websocket(0, "/");
    node.websocket(0, "/chat/a");
    let waiting = node.websocket(1, "/");
    let (names, next) = page(&mut node, "");
    assert_eq!((names.len(), next), (1, None), "the chat has a UUID");
    node.say(waiting, r#"{"connectionId":"now it has"}"#);
    assert_eq!(page(&mut node, "").0.len(), 2);
}

/// A letter looks at so many slots and no more, so a page takes as many letters as it needs.
#[test]
fn a_letter_takes_its_share_of_a_turn_and_no_more() {
    let slots = LISTED_SLOTS_MAX as usize;
    for (others, letters) in [(slots - 2, 1), (slots - 1, 2), (slots, 2)] {
        let mut node = Node::with(1, Limits::default());
        // The client has the first slot of all, and those without a name take theirs.
        let client = node.ask(0, "");
        (0..others).for_each(|_| _ = node.websocket(0, "/"));
        node.websocket(0, "/?connectionId=last");
        node.receive(client, bare("GET", "/api/connections?prefix=last").as_bytes());
        let mut asked = 0;
        let is_ask = |mail: &[(usize, crate::engine::Letter)]| {
            matches!(mail, [(0, crate::engine::Letter::Ask(_)), ..])
        };
        let mut found_in = 0;
        while !node.mail.is_empty() {
            asked += usize::from(is_ask(&node.mail));
            node.deliver(0);
            if found_in == 0 && format!("{:?}", node.mail).contains("108, 97, 115, 116") {
                found_in = asked;
            }
        }
        assert_eq!(found_in, letters, "{others} others");
        let (status, body) = node.answer(client);
        assert!(status == 200 && body.contains("\"last\""), "{body}");
    }
}

#[test]
fn a_page_ends_when_it_is_large_enough() {
    let mut node = Node::with(1, Limits { connection_id_bytes_max: 255, ..Limits::default() });
    // Two bytes that JSON writes with six each.
    for n in 0..PAGE_MAX {
        let name = format!("{n:04}{}", "%22".repeat(251));
        node.websocket(0, &format!("/ws/r?connectionId={name}"));
    }
    let client = node.ask(0, &bare("GET", "/api/connections?limit=1000"));
    node.settle();
    let (_, body) = node.answer(client);
    let most = PAGE_BYTES_MAX + 1024;
    assert!((PAGE_BYTES_MAX..most).contains(&body.len()), "{} bytes", body.len());
    let all = pages(&mut node, "limit=1000", |_, _| {});
    assert_eq!((all.concat().len(), all.len()), (PAGE_MAX, 2));
}
