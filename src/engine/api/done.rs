//! What came of a task, and how that is told.
//!
//! Knows: the answers of the API (PROTOCOL.md, "The API").
//! Must not know: how a task is done.

use super::super::answer::Problem;
use super::aws;
use crate::auth::Grant;
use crate::http::Status;
use crate::json;
use std::sync::Arc;

/// What came of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Done {
    /// It is an event now: its id, and how many readers it went to.
    Published { id: String, subscribers: u64, members: u64 },
    /// It waits to be written to its connection.
    Queued,
    /// The connection is being closed.
    Closed,
    /// So many connections are being closed.
    Ended(u64),
    /// What the connection is.
    Described(Box<Description>),
    /// It was not done, or not answered.
    Failed(Problem),
}

/// A connection with a name, as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Description {
    pub(in crate::engine) id: String,
    pub(in crate::engine) session: u64,
    pub(in crate::engine) route: String,
    /// Its home room.
    pub(in crate::engine) room: Option<String>,
    /// All that it is in.
    pub(in crate::engine) rooms: Vec<String>,
    pub(in crate::engine) connected_ms: u64,
    pub(in crate::engine) seen_ms: u64,
    /// What it was let in with, if it was asked for anything.
    pub(in crate::engine) grant: Option<Arc<Grant>>,
}

impl Description {
    pub(super) fn push_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"connectionId\":");
        push_string(out, &self.id);
        out.extend_from_slice(format!(",\"session\":{},\"route\":", self.session).as_bytes());
        push_string(out, &self.route);
        out.extend_from_slice(b",\"room\":");
        match &self.room {
            Some(room) => push_string(out, room),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"rooms\":[");
        for (number, room) in self.rooms.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            push_string(out, room);
        }
        let (connected, seen) = (self.connected_ms, self.seen_ms);
        let times = format!("],\"connectedAt\":{connected},\"lastSeenAt\":{seen}");
        out.extend_from_slice(times.as_bytes());
        if let Some(grant) = &self.grant {
            push_grant(out, grant);
        }
        out.push(b'}');
    }
}

/// Who it is, which key says so, and until when.
fn push_grant(out: &mut Vec<u8>, grant: &Grant) {
    if let Some(subject) = grant.subject() {
        out.extend_from_slice(b",\"subject\":");
        push_string(out, subject);
    }
    out.extend_from_slice(b",\"key\":");
    push_string(out, grant.key());
    if let Some(expires) = grant.expires_ms() {
        out.extend_from_slice(format!(",\"expiresAt\":{expires}").as_bytes());
    }
}

/// How the answer to a call looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// That of the one task that there is.
    Single,
    /// Those of all tasks, in their order.
    Batch,
    /// What all cores did together.
    Revocation,
    /// As API Gateway of AWS answers.
    Aws,
}

/// An answer, ready to be written.
#[derive(Debug)]
pub(super) enum Said {
    /// It was done; the body may be empty.
    Well(Status, Vec<u8>),
    Problem(Problem, &'static [(&'static str, &'static str)]),
}

impl Said {
    /// The answer to a call of these tasks.
    pub(super) fn of(shape: Shape, done: &[Done]) -> Said {
        match (shape, done) {
            (Shape::Batch, done) => Said::Well(Status::Ok, results(done)),
            (Shape::Revocation, done) => ended(done),
            (Shape::Aws, [done]) => aws::said(done),
            (Shape::Single | Shape::Aws, done) => single(done),
        }
    }
}

fn single(done: &[Done]) -> Said {
    let Some(done) = done.first() else { return Said::Well(Status::NoContent, Vec::new()) };
    let body = |fill: &dyn Fn(&mut Vec<u8>)| {
        let mut body = b"{".to_vec();
        fill(&mut body);
        body.push(b'}');
        body
    };
    match done {
        Done::Published { .. } | Done::Queued | Done::Ended(_) => {
            Said::Well(done.status(), body(&|out| done.push_members(out)))
        }
        Done::Closed => Said::Well(Status::NoContent, Vec::new()),
        Done::Described(description) => {
            let mut body = Vec::new();
            description.push_json(&mut body);
            Said::Well(Status::Ok, body)
        }
        Done::Failed(problem) => Said::Problem(problem.clone(), &[]),
    }
}

/// How many connections ended, on all cores together.
fn ended(done: &[Done]) -> Said {
    let mut closed = 0;
    for done in done {
        match done {
            Done::Ended(own) => closed += own,
            done => return single(std::slice::from_ref(done)),
        }
    }
    single(&[Done::Ended(closed)])
}

fn results(done: &[Done]) -> Vec<u8> {
    let mut body = b"{\"results\":[".to_vec();
    for (number, done) in done.iter().enumerate() {
        let comma = if number > 0 { "," } else { "" };
        let status = done.status().code();
        body.extend_from_slice(format!("{comma}{{\"status\":{status},").as_bytes());
        done.push_members(&mut body);
        body.push(b'}');
    }
    body.extend_from_slice(b"]}");
    body
}

impl Done {
    fn status(&self) -> Status {
        match self {
            Done::Published { .. } | Done::Described(_) | Done::Ended(_) => Status::Ok,
            Done::Queued => Status::Accepted,
            Done::Closed => Status::NoContent,
            Done::Failed(problem) => problem.status,
        }
    }

    /// The members of its object, for what a batch can hold.
    fn push_members(&self, out: &mut Vec<u8>) {
        match self {
            Done::Published { id, subscribers, members } => {
                let text =
                    format!("\"id\":\"{id}\",\"subscribers\":{subscribers},\"members\":{members}");
                out.extend_from_slice(text.as_bytes());
            }
            Done::Queued | Done::Closed | Done::Described(_) => {
                out.extend_from_slice(b"\"queued\":1");
            }
            Done::Ended(closed) => out.extend_from_slice(format!("\"closed\":{closed}").as_bytes()),
            Done::Failed(problem) => {
                out.extend_from_slice(
                    format!("\"code\":\"{}\",\"detail\":", problem.code).as_bytes(),
                );
                push_string(out, &problem.detail);
            }
        }
    }
}

pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    json::escape_into(out, text);
    out.push(b'"');
}
