//! The most memory that this process has used.

/// The peak of the resident set, in bytes; `None` where the system does not tell.
///
/// `getrusage` would tell the same, but on Linux counts what the process was before `exec`, too.
#[cfg(target_os = "linux")]
pub(super) fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The peak of the resident set, in bytes; `None` where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn peak() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};

    // Apple counts bytes, everybody else kibibytes.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    u64::try_from(usage.max_rss()).ok().map(|peak| peak * unit)
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_more_than_a_megabyte_and_less_than_the_machine() {
        let peak = super::peak().expect("the systems that we test on tell");

        assert!((1 << 20..1 << 40).contains(&peak), "{peak}");
    }
}
