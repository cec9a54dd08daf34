//! What a request wants to have done, known from its head, and how that is begun.
//!
//! Knows: what each path takes, `Idempotency-Key`.
//! Must not know: how anything is done, sockets.

use super::super::answer::{Manner, Problem};
use super::super::chronicle::Asked;
use super::super::conn::Conn;
use super::super::desk::Desk;
use super::super::health::STOPPING;
use super::ask::{Ask, One, Question, Wish};
use super::body::{self, Message, ROOM_RULE, To};
use super::calls::{Call, CallKey, Work};
use super::done::{Done, Said, Shape};
use super::list::Listing;
use super::paths::{Found, Resource};
use super::publish::Publication;
use super::query::{self, Close};
use super::repeat::{Claim, Repeatable};
use super::sweep::Sweep;
use super::tickets;
use crate::auth::Grant;
use crate::bytes::ConnKey;
use crate::http::{Method, Request, Status};
use crate::hub::EVERYONE;
use crate::routes::{self, MAIN_ROOM};
use std::sync::Arc;

const UNSUPPORTED: Problem = Problem::new(
    Status::UnsupportedMediaType,
    "unsupported-media-type",
    "The body must be JSON and say so: Content-Type: application/json (curl --json '…' does both).",
);
const BAD_ROOM: Problem = Problem::new(Status::BadRequest, "bad-room", ROOM_RULE);

/// A request that is carried out when its body is there.
#[derive(Debug)]
pub(in crate::engine) struct Order {
    manner: Manner,
    errand: Errand,
    repeatable: Option<Box<Repeatable>>,
}

/// What is to be done.
#[derive(Debug)]
enum Errand {
    List(Box<Listing>),
    Describe(Shape, String),
    Close(Shape, String, Close),
    /// The body says what.
    Send(String),
    /// The body is what.
    SendAws(String),
    /// To this room.
    Publish(String),
    /// To the main room, or to everyone.
    PublishToAny,
    Batch,
    /// A ticket, for whoever was let in with this.
    Ticket(Option<Arc<Grant>>),
    Revoke,
}

/// One thing to do.
#[derive(Debug)]
pub(super) enum Task {
    Ask(One),
    Publish(Publication),
    /// Of the connections of this core.
    Sweep(u16, Sweep),
}

/// What came of an order.
#[derive(Debug)]
pub(in crate::engine) enum Outcome {
    /// It is answered.
    Answered {
        /// More requests may follow.
        stays: bool,
    },
    /// Its answer is made under this key.
    Waits(CallKey),
}

impl Order {
    /// What `request` wants, which was `found` and has a method that is there. It is answered in
    /// this `manner`.
    pub(super) fn of(
        found: Found<'_>,
        desk: &Desk,
        request: &Request<'_>,
        manner: &Manner,
        grant: Option<Arc<Grant>>,
    ) -> Result<Order, Problem> {
        let errand = Errand::of(found, desk, request, grant)?;
        // Who waits for our leave to send a body that is wanted gets it, and may stay behind it.
        let manner = match errand.wants_body() {
            true => Manner::of(desk, request, request.terms()),
            false => manner.clone(),
        };
        let manner = manner.later(desk.asked(request, found.resource.pattern()));
        let repeatable = match request.method() {
            Method::Post if found.resource == Resource::Tickets => tickets::unrepeatable(request)?,
            Method::Post if found.resource != Resource::AwsConnection => Repeatable::of(request)?,
            _ => None,
        };
        Ok(Order { manner, errand, repeatable })
    }

    /// What was asked for.
    pub(in crate::engine) fn asked(&self) -> Option<&Asked> {
        self.manner.asked()
    }

    /// Whether its body says anything.
    pub(in crate::engine) fn wants_body(&self) -> bool {
        self.errand.wants_body()
    }
}

impl Errand {
    fn of(
        found: Found<'_>,
        desk: &Desk,
        request: &Request<'_>,
        grant: Option<Arc<Grant>>,
    ) -> Result<Errand, Problem> {
        let (method, name) = (request.method(), found.name.to_owned());
        if found.resource == Resource::AwsConnection {
            return Ok(match method {
                Method::Post => Errand::SendAws(name),
                Method::Delete => Errand::Close(Shape::Aws, name, Close::NORMAL),
                _ => Errand::Describe(Shape::Aws, name),
            });
        }
        if method == Method::Delete {
            return Ok(Errand::Close(Shape::Single, name, query::close(request)?));
        }
        if found.resource == Resource::Connections {
            if desk.is_draining() {
                return Err(STOPPING);
            }
            let listing = Listing::new(query::page(request, true)?, desk.cores())?;
            return Ok(Errand::List(Box::new(listing)));
        }
        query::none(request)?;
        if method != Method::Post {
            return Ok(Errand::Describe(Shape::Single, name));
        }
        if !is_json(request) {
            return Err(UNSUPPORTED);
        }
        Ok(match found.resource {
            Resource::RoomMessages if !routes::is_room_name(&name, &desk.limits) => {
                return Err(BAD_ROOM);
            }
            Resource::RoomMessages => Errand::Publish(name),
            Resource::Messages => Errand::PublishToAny,
            Resource::Batch => Errand::Batch,
            Resource::Tickets => Errand::Ticket(grant),
            Resource::Revocations => Errand::Revoke,
            _ => Errand::Send(name),
        })
    }

    /// Whether the body says anything.
    fn wants_body(&self) -> bool {
        match self {
            Errand::List(_) | Errand::Describe(..) | Errand::Close(..) => false,
            Errand::Send(_)
            | Errand::SendAws(_)
            | Errand::Publish(_)
            | Errand::PublishToAny
            | Errand::Batch
            | Errand::Ticket(_)
            | Errand::Revoke => true,
        }
    }

    /// What it comes to, with the body of its request.
    fn tasks(self, desk: &Desk, body: &[u8]) -> Result<(Shape, Vec<Task>), Problem> {
        let limits = &desk.limits;
        let ask = |name: &str, session, wish| {
            let who = desk.hub.who_keys().who(name);
            Task::Ask(One { who, session, key: None, wish })
        };
        let publish = |room: String, message, except: Vec<String>| {
            Task::Publish(Publication::new(desk, room, message, &except))
        };
        Ok(match self {
            Errand::List(_) | Errand::Ticket(_) => (Shape::Single, Vec::new()),
            Errand::Revoke => {
                let sweep = Sweep::of(body::revocation(body, limits)?, desk)?;
                let tasks = (0..desk.cores()).map(|core| Task::Sweep(core, sweep.clone()));
                (Shape::Revocation, tasks.collect())
            }
            Errand::Describe(shape, name) => (shape, vec![ask(&name, None, Wish::Describe)]),
            Errand::Close(shape, name, close) => {
                (shape, vec![ask(&name, close.session, Wish::Close(close))])
            }
            Errand::Send(name) => {
                let (message, session) = body::one(body, limits)?;
                (Shape::Single, vec![ask(&name, session, Wish::Send(message))])
            }
            Errand::SendAws(name) => {
                let message = Message::raw(body, limits)?;
                (Shape::Aws, vec![ask(&name, None, Wish::Send(message))])
            }
            Errand::Publish(room) => {
                let (message, except) = body::published(body, limits)?;
                (Shape::Single, vec![publish(room, message, except)])
            }
            Errand::PublishToAny => {
                let (all, message, except) = body::to_all(body, limits)?;
                let room = if all { EVERYONE } else { MAIN_ROOM };
                (Shape::Single, vec![publish(room.to_owned(), message, except)])
            }
            Errand::Batch => {
                let tasks = body::batch(body, limits)?.into_iter().map(|(to, message)| match to {
                    To::Connection(id, session) => ask(&id, session, Wish::Send(message)),
                    To::Room(room, except) => publish(room, message, except),
                    To::All(except) => publish(EVERYONE.to_owned(), message, except),
                });
                (Shape::Batch, tasks.collect())
            }
        })
    }
}

/// RFC 9110 §8.3.1: types are compared without case, and parameters say nothing here.
fn is_json(request: &Request<'_>) -> bool {
    let mime = request.header("content-type").unwrap_or_default();
    let mime = mime.split(';').next().unwrap_or_default().trim();
    mime.eq_ignore_ascii_case("application/json")
}

/// Carries out the order of a connection: answers it, or begins a call for it.
pub(in crate::engine) fn carry_out(
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    order: Order,
    body: &[u8],
) -> Outcome {
    let stays = order.manner.stays(desk);
    let manner = order.manner.clone();
    match begin(desk, key, order, body) {
        Ok(Begun::Waits(call)) => return Outcome::Waits(call),
        Ok(Begun::Said(said)) => said.write(&manner, conn, desk),
        Ok(Begun::Again(kept)) => kept.write(&manner, conn, desk),
        Err(problem) => manner.problem(conn, desk, &problem),
    }
    Outcome::Answered { stays }
}

/// What came of an order so far.
enum Begun {
    Said(Said),
    /// It was answered before.
    Again(super::repeat::Again),
    Waits(CallKey),
}

fn begin(desk: &mut Desk, asker: ConnKey, order: Order, body: &[u8]) -> Result<Begun, Problem> {
    let Order { manner, errand, repeatable } = order;
    let until = desk.tick.after(desk.limits.api_time);
    let errand = match errand {
        Errand::List(listing) => {
            let work = Work::Listing(*listing);
            let call = desk.calls.begin(Call { asker, manner, claimed: None, work }, until);
            desk.walk_on(call);
            return Ok(Begun::Waits(call));
        }
        Errand::Ticket(grant) => return tickets::mint(desk, grant, body).map(Begun::Said),
        errand => errand,
    };
    let (shape, tasks) = errand.tasks(desk, body)?;
    let claimed = match repeatable.map(|repeatable| repeatable.claim(desk, body)) {
        None => None,
        Some(Claim::First(claimed)) => Some(claimed),
        Some(Claim::Again(again)) => return Ok(Begun::Again(again)),
        Some(Claim::Refused(problem)) => return Err(problem),
    };
    let (done, left) = (vec![None; tasks.len()], tasks.len());
    let work = Work::Tasks { shape, done, left };
    let call = desk.calls.begin(Call { asker, manner, claimed, work }, until);
    for (task, number) in tasks.into_iter().zip(0..) {
        if let Err(problem) = desk.begin_task(call, number, task) {
            desk.calls.set(call, number, Done::Failed(problem));
        }
    }
    let Some(call) = desk.calls.take_done(call) else { return Ok(Begun::Waits(call)) };
    let said = call.said();
    desk.settle_key(call.claimed, &said);
    Ok(Begun::Said(said))
}

impl Desk {
    fn begin_task(&mut self, call: CallKey, task: u32, what: Task) -> Result<(), Problem> {
        match what {
            Task::Publish(publication) => self.publish(call, task, &publication),
            Task::Sweep(core, sweep) => self.send_sweep(core, (call, task), sweep),
            Task::Ask(one) => {
                let question = Question::One(one);
                self.seek(Box::new(Ask { from: (self.core, call), task, question }))
            }
        }
    }
}
