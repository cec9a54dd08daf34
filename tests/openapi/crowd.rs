//! WebSockets that are there to be listed, sent to and closed. Who is closed comes again, under another
//! name: that somebody is gone must show.

use super::support::{Message, WebSocket};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Who they are: the names of the description's examples, others, and such as the server names.
const PLACES: &[&str] = &[
    "/ws/lab?connectionId=sensor-7",
    "/ws/lab?connectionId=sensor-8",
    "/ws/r%C3%BCm%2F1?connectionId=%C3%BC%20%26%20/%25",
    "/?connectionId=a",
    "/",
    "/chat/lab",
    "/chat/lab?echo=true",
    "/chat/lab",
    "/echo",
    "/echo",
];

/// What they were sent, all together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) texts: usize,
    pub(crate) binaries: usize,
    pub(crate) closes: usize,
}

/// All of them, each in a thread of its own.
pub(crate) struct Crowd {
    gate: Arc<Mutex<bool>>,
    members: Vec<JoinHandle<Heard>>,
}

impl Crowd {
    /// Connects all; when this returns they are there.
    pub(crate) fn gather(addr: SocketAddr) -> Crowd {
        let gate = Arc::new(Mutex::new(true));
        let members = PLACES.iter().map(|target| {
            let websocket = WebSocket::connect(addr, target);
            let gate = Arc::clone(&gate);
            thread::spawn(move || stay(addr, target, websocket, &gate))
        });
        let members = members.collect();
        Crowd { gate, members }
    }

    /// Nobody comes again, `end` ends those who are there; what they heard.
    pub(crate) fn disperse(mut self, end: impl FnOnce()) -> Heard {
        self.shut();
        end();
        let members = std::mem::take(&mut self.members);
        members.into_iter().map(|member| member.join().unwrap()).fold(
            Heard::default(),
            |all, one| Heard {
                texts: all.texts + one.texts,
                binaries: all.binaries + one.binaries,
                closes: all.closes + one.closes,
            },
        )
    }

    fn shut(&self) {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Drop for Crowd {
    /// A test that failed ends the server behind our back.
    fn drop(&mut self) {
        self.shut();
    }
}

fn stay(addr: SocketAddr, target: &str, mut websocket: WebSocket, gate: &Mutex<bool>) -> Heard {
    let mut heard = Heard::default();
    let mut target = target.to_owned();
    loop {
        match websocket.next() {
            Some(Message::Text(_)) => heard.texts += 1,
            Some(Message::Binary(_)) => heard.binaries += 1,
            Some(Message::Ping(payload)) => websocket.pong(&payload),
            Some(Message::Pong(_)) => {}
            Some(Message::Close(code, _)) => {
                heard.closes += 1;
                websocket.say_close(code.unwrap_or(1000), "");
            }
            None => {
                // Held while we connect: the server does not end meanwhile.
                let is_open = gate.lock().unwrap();
                if !*is_open {
                    return heard;
                }
                if target.contains("connectionId=") {
                    target.push('+');
                }
                websocket = WebSocket::connect(addr, &target);
            }
        }
    }
}
