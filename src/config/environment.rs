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
pub(super) struct Environment(Arc<Find>);

impl Environment {
    /// That of which `find` knows the variables.
    pub(super) fn new(
        find: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Environment {
        Environment(Arc::new(find))
    }

    /// A variable that is set to something.
    pub(super) fn find(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
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
