//! What the system gives a process, and what it keeps back.
//!
//! Knows: /proc/sys, control groups, the machine's memory.
//! Must not know: what a server needs of it.

use std::fs;
use std::path::{Path, PathBuf};

const KIB: u64 = 1024;

/// A setting of the kernel, a number, by the name that sysctl(8) has for it.
pub(super) fn sysctl(name: &str) -> Option<u64> {
    let path = Path::new("/proc/sys").join(name.replace('.', "/"));
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The memory that this process may have, in bytes: the machine's, or less if a control group that
/// it is in has less.
pub(super) fn memory() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| of_machine(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limits_of(&groups).into_iter();
    let groups = limits.filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    machine.into_iter().chain(groups).min()
}

/// proc(5): `MemTotal:       16384256 kB`.
fn of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * KIB)
}

/// The files that may limit the memory of a process with these lines in /proc/self/cgroup: of its
/// own group, and of all that this is in. Which file there is says which version is in use.
fn limits_of(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|one| one == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let own = Path::new(root).join(path.trim_start_matches('/'));
        let all = own.ancestors().take_while(|group| group.starts_with(root));
        files.extend(all.map(|group| group.join(file)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_its_settings_by_name() {
        // There in every network namespace of every Linux since 2.4.
        assert!(sysctl("net.core.somaxconn").is_some_and(|n| n > 0));
        assert_eq!(sysctl("net.core.no_such_setting"), None);
    }

    #[test]
    fn some_memory_is_there() {
        assert!(memory().is_some_and(|bytes| bytes > 1 << 20));
        assert_eq!(
            of_machine("MemTotal:       16384256 kB\nMemFree: 1 kB\n"),
            Some(16_777_478_144)
        );
        assert_eq!(of_machine("MemTotal: much\n"), None);
    }

    #[test]
    fn the_limits_of_all_groups_around_count() {
        let files = |groups: &str| -> Vec<String> {
            limits_of(groups).iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(
            files("0::/system.slice/tidegate.service\n"),
            [
                "/sys/fs/cgroup/system.slice/tidegate.service/memory.max",
                "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max"
            ]
        );
        assert_eq!(
            files("12:cpu,cpuacct:/a\n5:memory:/docker\n"),
            [
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes"
            ]
        );
        assert!(files("nonsense\n1:name=systemd:/\n").is_empty());
    }
}
