//! The environment that the process was started in.
//!
//! Knows: that it is asked like a function: nothing here depends on the process.
//! Must not know: which variables there are.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

type Find = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// See the module. It is kept, as a file that is read again may name other variables.
#[derive(Clone)]
pub(super) struct Environment {
    find: Arc<Find>,
    /// What is set, as far as that is known.
    names: Arc<[String]>,
}

impl Environment {
    /// That of which `find` knows the variables.
    pub(super) fn new(
        find: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Environment {
        Environment { find: Arc::new(find), names: Arc::default() }
    }

    /// The same, in which these names are set.
    pub(super) fn with_names(self, names: impl IntoIterator<Item = OsString>) -> Environment {
        let names = names.into_iter().filter_map(|name| name.into_string().ok());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Environment { names: names.into(), ..self }
    }

    /// All that is set, as far as that is known, and a text.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// A variable that is set to something.
    pub(super) fn find(&self, name: &str) -> Option<OsString> {
        (self.find)(name).filter(|value| !value.is_empty())
    }
}

impl Default for Environment {
    /// One without variables.
    fn default() -> Environment {
        Environment::new(|_| None)
    }
}

/// Secrets may be in it.
impl fmt::Debug for Environment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Environment(***)")
    }
}
