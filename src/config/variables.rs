//! Variables of the environment that look like ours, and are none.
//!
//! Knows: which there are, what service managers set for a service of our name.
//! Must not know: what any of them says, but for the beginning of an address.

use std::ffi::OsStr;

use super::environment::Environment;
use super::file::{KeySource, Vouches, nearest};
use super::habits;
use super::secrets::From;
use super::settings;

const PREFIX: &str = "TIDEGATE_";

/// Those that are no options.
const OTHERS: [&str; 2] = ["TIDEGATE_LOG", "TIDEGATE_LOG_FORMAT"];

/// Nobody reads more.
const WARNINGS_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 64;

/// A warning for each that does nothing; `keys` are in some that their file names.
pub(super) fn unknown(environment: &Environment, keys: &[KeySource]) -> Vec<String> {
    let known: Vec<String> = settings::all().map(|setting| setting.variable()).collect();
    let named: Vec<&str> = keys.iter().filter_map(variable_of).collect();
    let is_known = |name: &str| {
        let bare = name.strip_suffix("_FILE").unwrap_or(name);
        known.iter().any(|own| own == name)
            || OTHERS.contains(&name)
            || named.iter().any(|own| *own == name || *own == bare)
    };
    let names = environment.names().iter().filter(|name| name.starts_with(PREFIX));
    let strange = names.filter(|name| {
        !is_known(name) && !is_of_a_service(name, environment.find(name).as_deref())
    });
    strange.take(WARNINGS_MAX).map(|name| warning(name, &known)).collect()
}

fn variable_of(key: &KeySource) -> Option<&str> {
    match &key.vouches {
        Vouches::Static(From::Variable(name))
        | Vouches::Shared { secret: From::Variable(name), .. }
        | Vouches::Password { password: From::Variable(name), .. } => Some(name),
        _ => None,
    }
}

fn warning(name: &str, known: &[String]) -> String {
    let shown: String = name.chars().take(NAME_BYTES_MAX).flat_map(char::escape_debug).collect();
    let flag = name.strip_prefix(PREFIX).unwrap_or(name);
    let flags = settings::all().map(|setting| setting.flag);
    let meant = match habits::of_option(flag) {
        Some(said) => in_variables(said),
        None => match nearest(flag, flags).and_then(settings::named) {
            Some(setting) => format!("did you mean {}?", setting.variable()),
            None => "tidegate --help lists all options".to_owned(),
        },
    };
    debug_assert!(!known.iter().any(|own| own == name));
    format!("{shown}: is the variable of no option, and does nothing; {meant}")
}

/// What is `said` of options, of their variables.
fn in_variables(said: &str) -> String {
    let mut settings: Vec<_> = settings::all().collect();
    // One may be the beginning of another.
    settings.sort_by_key(|setting| std::cmp::Reverse(setting.flag.len()));
    let said = said.replace("write ", "set ");
    settings.iter().fold(said, |said, setting| {
        said.replace(&format!("--{}", setting.flag), &setting.variable())
    })
}

/// Kubernetes and Docker tell each container where the services are: for one that is called
/// `tidegate`, or `tidegate-…`, by names like ours.
fn is_of_a_service(name: &str, value: Option<&OsStr>) -> bool {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    if name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
    {
        return true;
    }
    // `TIDEGATE_PORT=tcp://10.0.0.1:80`, and `TIDEGATE_PORT_80_TCP` with what stands behind it.
    if name.ends_with("_PORT") && !PROTOCOLS.iter().any(|one| name.contains(&format!("_{one}_"))) {
        let value = value.and_then(OsStr::to_str).unwrap_or_default();
        return ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    }
    let Some((_, behind)) = name.split_once("_PORT_") else { return false };
    let mut parts = behind.split('_');
    let is_port = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.next().is_some_and(is_port) && parts.next().is_some_and(|one| PROTOCOLS.contains(&one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn warnings(variables: &[(&str, &str)]) -> Vec<String> {
        let own: Vec<(String, String)> =
            variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let names = own.iter().map(|(name, _)| OsString::from(name)).collect::<Vec<_>>();
        let find = move |name: &str| {
            own.iter().find(|(own, _)| own == name).map(|(_, value)| OsString::from(value))
        };
        unknown(&Environment::new(find).with_names(names), &[])
    }

    #[test]
    fn a_variable_that_does_nothing_is_told() {
        for (name, part) in [
            ("TIDEGATE_MAX_MESAGE", "did you mean TIDEGATE_MAX_MESSAGE?"),
            ("TIDEGATE_PORT", "set TIDEGATE_WS_ADDR for WebSockets and TIDEGATE_HTTP_ADDR for"),
            ("TIDEGATE_WHOLLY_DIFFERENT", "tidegate --help"),
        ] {
            let warnings = warnings(&[(name, "5ecre7")]);
            assert!(warnings[0].starts_with(&format!("{name}: ")), "{warnings:?}");
            assert!(warnings[0].contains(part), "{warnings:?}");
            assert!(!warnings[0].contains("5ecre7"), "{warnings:?}");
        }
        let known = ["TIDEGATE_CORES", "TIDEGATE_LOG", "TIDEGATE_LOG_FORMAT", "PORT", "tidegate_x"];
        assert!(warnings(&known.map(|name| (name, "1"))).is_empty());
    }

    #[test]
    fn what_kubernetes_sets_is_let_go() {
        let set = [
            ("TIDEGATE_SERVICE_HOST", "10.0.0.1"),
            ("TIDEGATE_SERVICE_PORT", "8080"),
            ("TIDEGATE_SERVICE_PORT_WS", "8080"),
            ("TIDEGATE_PORT", "tcp://10.0.0.1:8080"),
            ("TIDEGATE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("TIDEGATE_PORT_8080_TCP_PROTO", "tcp"),
            ("TIDEGATE_PORT_8080_TCP_PORT", "8080"),
            ("TIDEGATE_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("TIDEGATE_EVENTS_SERVICE_HOST", "10.0.0.1"),
            ("TIDEGATE_EVENTS_PORT", "tcp://10.0.0.1:8082"),
            ("TIDEGATE_EVENTS_PORT_8082_TCP_PORT", "8082"),
        ];
        assert_eq!(warnings(&set), Vec::<String>::new());
        for name in ["TIDEGATE_PORT_80", "TIDEGATE_PORT_X_TCP", "TIDEGATE_EVENTS_PORT"] {
            assert_eq!(warnings(&[(name, "8082")]).len(), 1, "{name}");
        }
    }

    #[test]
    fn so_many_are_told_that_somebody_reads_them() {
        let names: Vec<String> =
            (0..100).map(|number| format!("TIDEGATE_Q\u{1b}{number}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let warnings = warnings(&many);
        assert_eq!(warnings.len(), WARNINGS_MAX);
        assert!(warnings.iter().all(|warning| !warning.contains('\u{1b}')), "{warnings:?}");
    }
}
