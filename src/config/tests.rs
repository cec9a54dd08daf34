//! The command line and the environment: what people type, and what they are told.

use super::*;

/// A command line of words, and variables as pairs.
fn read(line: &str, variables: &[(&str, &str)]) -> Result<Config, Refusal> {
    let args = std::iter::once("tidegate").chain(line.split_whitespace()).map(OsString::from);
    let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let variables: Vec<_> = variables.collect();
    let env = move |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value))
    };
    match Config::from_args(args, env)? {
        Command::Serve(loaded, _) => Ok(loaded.config),
        other => panic!("{other:?}"),
    }
}

fn mistakes(line: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match read(line, variables) {
        Err(Refusal::Mistakes(mistakes)) => {
            mistakes.to_string().lines().map(str::to_string).collect()
        }
        other => panic!("{line}: {other:?}"),
    }
}

fn told(line: &str) -> String {
    match read(line, &[]) {
        Err(Refusal::Told(told)) => told.to_string(),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn nothing_said_means_the_defaults() {
    let config = read("", &[]).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config, read("serve", &[]).unwrap());
    assert_eq!(config.limits, Limits::default());
    let ws: Vec<_> = config.ws_addrs.iter().map(SocketAddr::to_string).collect();
    assert_eq!(ws, ["127.0.0.1:8080", "[::1]:8080"]);
    let http: Vec<_> = config.http_addrs.iter().map(SocketAddr::to_string).collect();
    assert_eq!(http, ["127.0.0.1:8082", "[::1]:8082"]);
    assert!((1..=CORES_MAX).contains(&config.cores));
}

#[test]
fn options_stand_alone_or_under_serve() {
    for line in ["--cores 3 --insecure", "serve --cores 3 --insecure", "serve --cores=3 --insecure"]
    {
        let config = read(line, &[]).unwrap();
        assert_eq!((config.cores, config.insecure), (3, true), "{line}");
    }
    assert!(told("--cores 3 serve").contains("cannot be used with"));
}

#[test]
fn the_environment_is_used_where_the_line_is_silent() {
    let variables = [
        ("TIDEGATE_CORES", "5"),
        ("TIDEGATE_MAX_MESSAGE", "128KiB"),
        ("TIDEGATE_WS_ADDR", "127.0.0.1:1, [::1]:2"),
        ("TIDEGATE_INSECURE", "no"),
        ("TIDEGATE_DRAIN", ""),
    ];
    let config = read("--cores 7", &variables).unwrap();
    assert_eq!(config.cores, 7);
    assert_eq!(config.limits.message_bytes_max, 128 * 1024);
    assert_eq!(config.ws_addrs.len(), 2);
    assert_eq!(config.ws_addrs[1].to_string(), "[::1]:2");
    assert!(!config.insecure);
    assert_eq!(config.limits.drain, Limits::default().drain);
}

#[test]
fn a_wrong_variable_is_not_looked_at_when_the_line_has_the_option() {
    assert_eq!(read("--cores 2", &[("TIDEGATE_CORES", "many")]).unwrap().cores, 2);
}

#[test]
fn addresses_add_up_and_stay_unique() {
    let config = read("--ws-addr :9000 --ws-addr localhost:9000 --ws-addr 127.0.0.1:1", &[]);
    let ws: Vec<_> = config.unwrap().ws_addrs.iter().map(SocketAddr::to_string).collect();
    assert_eq!(ws, ["127.0.0.1:9000", "[::1]:9000", "127.0.0.1:1"]);
}

#[test]
fn both_listeners_may_have_one_address() {
    let config = read("--ws-addr 127.0.0.1:8080 --http-addr 127.0.0.1:8080", &[]).unwrap();
    assert_eq!(config.ws_addrs, config.http_addrs);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let line = "--max-message 64KB --cores 0 --ws-addr 127.0.0.1 --allow-origin example.org";
    let variables = [("TIDEGATE_PING_INTERVAL", "25"), ("TIDEGATE_INSECURE", "perhaps")];
    assert_eq!(
        mistakes(line, &variables),
        [
            "--ws-addr: \"127.0.0.1\" has no port; write it like 127.0.0.1:8080",
            "TIDEGATE_INSECURE: \"perhaps\" is neither true nor false; \
             write 1, true, yes or on; or 0, false, no or off",
            "--allow-origin: \"example.org\" has no scheme; write it like https://example.org",
            "--max-message: \"64KB\" is not a size; write KiB, like 64KiB (1KiB to 64MiB)",
            "TIDEGATE_PING_INTERVAL: \"25\" has no unit; \
             write it like 25s or 25ms (10ms to 24h)",
            "--cores: \"0\" is too small (1 to 128)",
        ]
    );
}

#[test]
fn each_wrong_entry_of_a_list_is_told() {
    let told = mistakes("--http-addr 127.0.0.1,8082,example.org:80", &[]);
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn an_empty_value_on_the_line_is_a_mistake() {
    for line in ["--cores=", "--ws-addr=", "--allow-origin=", "--allow-host=", "--drain="] {
        let told = mistakes(line, &[]);
        assert!(told.len() == 1 && told[0].contains(": \"\" is "), "{line}: {told:?}");
    }
}

#[test]
fn an_open_listener_must_be_meant() {
    let line = "--ws-addr 0.0.0.0:8080 --http-addr [::]:8082";
    assert_eq!(
        mistakes(line, &[]),
        [
            "--ws-addr: \"0.0.0.0:8080\" is not a loopback address: everyone who can reach it \
             could connect and read; a [[key]] in the file of --config has them asked \
             who they are, or --insecure accepts this",
            "--http-addr: \"[::]:8082\" is not a loopback address: everyone who can reach it \
             could connect and read; a [[key]] in the file of --config has them asked \
             who they are, or --insecure accepts this",
        ]
    );
    assert!(read(&format!("{line} --insecure"), &[]).is_ok());
    assert!(read(line, &[("TIDEGATE_INSECURE", "1")]).is_ok());
    assert!(read("--ws-addr [::ffff:127.0.0.1]:8080", &[]).is_ok());
}

#[test]
fn unknown_options_are_told_with_the_nearest() {
    assert!(told("--max-mesage 1KiB").contains("--max-message"));
    assert!(told("serv").contains("serve"));
}

#[test]
fn a_secret_is_nothing_for_a_command_line() {
    for line in ["--secret c4n4ry", "--token=c4n4ry", "serve --password c4n4ry", "--api-key"] {
        let told = told(line);
        assert!(told.contains("[[key]]") && !told.contains("c4n4ry"), "{told}");
    }
    assert!(!flags::command().render_help().to_string().contains("--secret"));
}

#[test]
fn negative_numbers_are_values() {
    assert_eq!(mistakes("--cores -1", &[]), ["--cores: \"-1\" is not a whole number (1 to 128)"]);
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_a_mistake() {
    use std::os::unix::ffi::OsStringExt;
    let args = ["tidegate".into(), "--cores".into(), OsString::from_vec(vec![b'1', 0xff])];
    let refusal = Config::from_args(args.into_iter(), |_| None).unwrap_err();
    assert_eq!(refusal.to_string(), "--cores: \"1\u{fffd}\" is not UTF-8 text");
}

#[test]
fn pages_are_where_only_this_machine_sees_them_unless_somebody_says_so() {
    for (line, variable, serves) in [
        ("", "", true),
        ("--demo false", "", false),
        ("--demo=no", "", false),
        ("", "off", false),
        ("--demo", "off", true),
        ("--ws-addr 0.0.0.0:80 --insecure", "", true),
        ("--http-addr 0.0.0.0:80 --insecure", "", false),
        ("--http-addr localhost:1,0.0.0.0:80 --insecure", "", false),
        ("--http-addr 0.0.0.0:80 --insecure --demo", "", true),
        ("--http-addr 0.0.0.0:80 --insecure --demo true", "", true),
    ] {
        let config = read(line, &[("TIDEGATE_DEMO", variable)]).unwrap();
        assert_eq!(config.serves_demo(), serves, "{line} {variable}");
    }
    let mistakes = mistakes("--demo maybe", &[]);
    assert!(mistakes[0].starts_with("--demo: \"maybe\" is "), "{mistakes:?}");
}
