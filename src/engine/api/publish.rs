//! Publishing by the API: an event of its own, and word of it when it is committed.
//!
//! Knows: rooms by name, receipts.
//! Must not know: HTTP beyond its problems, who waits for an answer.

use super::super::Engine;
use super::super::answer::Problem;
use super::super::batches::Said;
use super::super::desk::Desk;
use super::super::upgrade::ROOM_LIMIT;
use super::body::Message;
use super::calls::CallKey;
use super::done::Done;
use crate::hub::{Api, Who};

/// A message to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Publication {
    room: String,
    message: Message,
    except: Box<[Who]>,
}

impl Publication {
    pub(super) fn new(
        desk: &Desk,
        room: String,
        message: Message,
        except: &[String],
    ) -> Publication {
        let keys = desk.hub.who_keys();
        Publication { room, message, except: except.iter().map(|id| keys.who(id)).collect() }
    }
}

impl Desk {
    /// Publishes it with this turn's commit; its task is done then.
    pub(super) fn publish(
        &mut self,
        call: CallKey,
        task: u32,
        publication: &Publication,
    ) -> Result<(), Problem> {
        let Publication { room, message, except } = publication;
        let said = match std::str::from_utf8(&message.bytes) {
            Ok(text) if !message.binary => Said::Text(text),
            _ => Said::Binary(&message.bytes),
        };
        let ticket = self.calls.ticket(call, task);
        let api = Api { ticket, except: except.clone() };
        if !self.rooms.publish_api_in(room, said, api, &self.hub) {
            self.calls.redeem(ticket);
            return Err(ROOM_LIMIT);
        }
        let published = &self.counters().published;
        if message.binary {
            published.binary.add(1)
        } else {
            published.message.add(1)
        }
        Ok(())
    }
}

impl Engine {
    /// What the API published is committed: whoever waits for that is told.
    pub(in crate::engine) fn redeem_receipts(&mut self) {
        for number in 0..self.desk.turn.receipts.len() {
            let receipt = self.desk.turn.receipts[number];
            let Some((call, task)) = self.desk.calls.redeem(receipt.ticket) else { continue };
            let id = self.desk.hub.epoch().id(receipt.first);
            let id = String::from_utf8_lossy(&id).into_owned();
            let (subscribers, members) = (receipt.subscribers, receipt.members);
            self.desk.calls.set(call, task, Done::Published { id, subscribers, members });
            self.answer_if_done(call);
        }
    }
}
