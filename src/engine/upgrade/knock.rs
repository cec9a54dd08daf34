//! Whether whoever asks for a WebSocket is let in.
//!
//! Knows: which door a route has.
//! Must not know: what is asked for behind it.

use crate::engine::admission::{Admitted, Entrance, Need};
use crate::engine::answer::Problem;
use crate::engine::conn::Conn;
use crate::engine::desk::Desk;
use crate::engine::health::STOPPING;
use crate::http::Request;
use std::borrow::Cow;
use std::sync::Arc;

/// Who asks, at the door of the route that is asked for.
pub(super) fn knock(
    conn: &Conn,
    desk: &mut Desk,
    request: &Request<'_>,
) -> Result<Admitted, Problem> {
    if desk.is_draining() {
        return Err(STOPPING);
    }
    let policy = Arc::clone(&desk.policy);
    let (routes, access) = (&policy.routes, &policy.access);
    let segments: Vec<Cow<'_, str>> = request.segments().collect();
    let (route, places) = routes.matching(&segments).unzip();
    let listed = route.and_then(|route| route.allow_origins.as_deref());
    desk.admits(conn.listener, request, listed)?;
    let door = route.and_then(|route| route.door.as_ref()).unwrap_or(&access.door);
    desk.let_in(&Entrance {
        request,
        door,
        need: Need::Connect,
        token: places.and_then(|places| places.token),
        listed: listed.unwrap_or(&policy.allow_origins),
        filters_max: 0,
        peer: conn.peer(),
        vetting: conn.vetting(),
    })
}
