//! What the process itself uses.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

use super::label::Labels;
use super::observation::Observations;
use super::vocabulary::{PROCESS_CPU, PROCESS_MEMORY};

/// Reads the process's memory and CPU time, as far as the system tells.
pub(super) fn observe(observations: &mut Observations) {
    if let Some(memory) = resident() {
        observations.whole(&PROCESS_MEMORY, Labels::default(), memory);
    }
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return };
    for (mode, time) in [("user", usage.user_time()), ("system", usage.system_time())] {
        observations.real(&PROCESS_CPU, Labels::default().cpu_mode(mode), duration(time).as_secs_f64());
    }
}

fn duration(time: TimeVal) -> Duration {
    Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or_default())
}

/// The resident set, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Only Linux tells without `unsafe` code.
#[cfg(not(target_os = "linux"))]
fn resident() -> Option<u64> {
    None
}
