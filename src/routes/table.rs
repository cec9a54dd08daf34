//! All routes: which one a path is for.
//!
//! Knows: patterns, which of two routes a path is for, the built-in routes.
//! Must not know: what a route does.

use super::pattern::{Pattern, Places};
use super::route::{Behaviour, Broadcast, Route};
use super::{NoRoute, is_room_name};
use crate::limits::Limits;
use std::borrow::Cow;
use std::sync::Arc;

/// As many paths as a person reads.
const PATHS_TOLD_MAX: usize = 16;

/// The routes of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// In the order in which they were written.
    routes: Vec<Arc<Route>>,
}

/// Two routes of a table for the same paths, by their places in the list it was to be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The one that came first.
    pub first: usize,
    /// The one that has no path left.
    pub second: usize,
}

/// What a path was found to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its route.
    pub route: Arc<Route>,
    /// The room that the path names, or the route; `None`: the route has none.
    pub room: Option<String>,
}

impl Table {
    /// A table of `routes`, or each pair of them that no path can tell apart.
    pub fn new(routes: Vec<Route>) -> Result<Table, Vec<Clash>> {
        let mut clashes = Vec::new();
        for (second, route) in routes.iter().enumerate() {
            let first = routes.iter().take(second).position(|one| one.path.ties_with(&route.path));
            clashes.extend(first.map(|first| Clash { first, second }));
        }
        if !clashes.is_empty() {
            return Err(clashes);
        }
        Ok(Table { routes: routes.into_iter().map(Arc::new).collect() })
    }

    /// What serves the main job without any configuration.
    pub fn built_in() -> Table {
        let broadcast = Behaviour::Broadcast(Broadcast::default());
        let routes = [
            ("/", Behaviour::Relay { wrap: false }),
            ("/ws/{room}", Behaviour::Relay { wrap: false }),
            ("/chat/{room}", broadcast),
            ("/echo", Behaviour::Echo),
        ];
        let route = |(path, behaviour)| {
            let path = Pattern::parse(path).ok()?;
            Some(Arc::new(Route::new(path, behaviour)))
        };
        Table { routes: routes.into_iter().filter_map(route).collect() }
    }

    /// The routes, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(AsRef::as_ref)
    }

    /// The route for the decoded `segments` of a path, and what stands where it has placeholders.
    pub fn matching<'p>(&self, segments: &'p [Cow<'_, str>]) -> Option<(&Arc<Route>, Places<'p>)> {
        let matching = self.routes.iter().filter_map(|route| {
            let places = route.path.matches(segments)?;
            Some((route, places))
        });
        // Of the most literal there is only one: two would have clashed.
        matching.min_by(|(one, _), (other, _)| one.path.kinds().cmp(other.path.kinds()))
    }

    /// Finds the route and the room for the decoded `segments` of a path.
    pub fn find(&self, segments: &[Cow<'_, str>], limits: &Limits) -> Result<Found, NoRoute> {
        let Some((route, places)) = self.matching(segments) else { return Err(NoRoute::Unknown) };
        let room = places.room.unwrap_or(&route.room);
        if places.room.is_some() && !is_room_name(room, limits) {
            return Err(NoRoute::BadRoom);
        }
        let room = route.has_room().then(|| room.to_owned());
        Ok(Found { route: Arc::clone(route), room })
    }

    /// The paths of the routes, for whoever looks for one: `/, /ws/{room} or /echo`. Not all if
    /// they are many.
    pub fn paths(&self) -> String {
        let paths = self.routes.iter().map(|route| route.path.to_string());
        let mut paths: Vec<_> = paths.take(PATHS_TOLD_MAX).collect();
        let left = self.routes.len().saturating_sub(paths.len());
        if left > 0 {
            paths.push(format!("{left} more"));
        }
        match paths.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "nowhere".to_owned(),
        }
    }
}

impl Default for Table {
    fn default() -> Table {
        Table::built_in()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Names;

    fn find(table: &Table, path: &str) -> Result<(String, Option<String>), NoRoute> {
        let segments: Vec<_> = path.split('/').skip(1).map(Cow::Borrowed).collect();
        let found = table.find(&segments, &Limits::default())?;
        Ok((found.route.path.to_string(), found.room))
    }

    #[test]
    fn built_in_paths_mean_what_the_protocol_says() {
        let table = Table::built_in();
        let route = |path: &str, room: Option<&str>| Ok((path.to_owned(), room.map(str::to_owned)));
        assert_eq!(find(&table, "/"), route("/", Some("main")));
        assert_eq!(find(&table, "/ws/a b"), route("/ws/{room}", Some("a b")));
        assert_eq!(find(&table, "/chat/a"), route("/chat/{room}", Some("a")));
        assert_eq!(find(&table, "/echo"), route("/echo", None));
        for path in ["/ws", "/ws/a/b", "/chat", "/echo/", "/nothing", "//"] {
            assert_eq!(find(&table, path), Err(NoRoute::Unknown), "{path}");
        }
        assert_eq!(find(&table, "/ws/"), Err(NoRoute::BadRoom));
        assert_eq!(find(&table, "/ws/a\n"), Err(NoRoute::BadRoom));
        assert_eq!(table.paths(), "/, /ws/{room}, /chat/{room} or /echo");
        let names: Vec<_> = table.iter().map(|route| route.names).collect();
        assert_eq!(names, [Names::Client, Names::Client, Names::Server, Names::Server]);
    }

    fn table(paths: &[&str]) -> Result<Table, Vec<Clash>> {
        let route = |path: &&str| Route::new(Pattern::parse(path).unwrap(), Behaviour::Echo);
        Table::new(paths.iter().map(route).collect())
    }

    #[test]
    fn literal_segments_win_from_the_left() {
        let table = table(&["/{room}/b", "/a/{room}", "/a/b", "/{token}/{room}"]).unwrap();
        let found = |path| find(&table, path).unwrap().0;
        assert_eq!(found("/a/b"), "/a/b");
        assert_eq!(found("/a/x"), "/a/{room}");
        assert_eq!(found("/x/b"), "/{room}/b");
        assert_eq!(found("/x/y"), "/{token}/{room}");
    }

    #[test]
    fn of_many_paths_some_are_told() {
        let paths: Vec<String> = (10..40).map(|n| format!("/{n}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let told = table(&paths).unwrap().paths();
        assert!(told.starts_with("/10, /11, ") && told.ends_with(", /25 or 14 more"), "{told}");
        assert_eq!(table(&[]).unwrap().paths(), "nowhere");
        assert_eq!(table(&["/a"]).unwrap().paths(), "/a");
    }

    #[test]
    fn routes_that_no_path_tells_apart_clash() {
        let clash = |first, second| Clash { first, second };
        assert_eq!(table(&["/a", "/b", "/a"]), Err(vec![clash(0, 2)]));
        assert_eq!(
            table(&["/x/{room}", "/x/{token}", "/x/{room}"]),
            Err(vec![clash(0, 1), clash(0, 2)])
        );
        assert!(table(&["/x/{room}", "/x/y", "/{room}/y"]).is_ok());
    }
}
