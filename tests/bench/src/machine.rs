//! What the kernel says of processes and of the machine (proc(5)), and the limit on open files.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Length of the ticks that the kernel counts processor time in: USER_HZ is 100 on every architecture we run on.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of the whole machine, in ticks.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    busy: u64,
    all: u64,
}

/// Watches how much of the machine went to programs that are none of the benchmark's.
#[derive(Debug)]
pub(crate) struct Strangers {
    processes: Vec<u32>,
    machine: Ticks,
    ours: Duration,
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Processor time that a process has used so far, in user space and in the kernel.
pub(crate) fn processor_time(process: u32) -> Result<Duration> {
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    // The second field, the program's name, may hold anything; utime and stime are the 14th and the 15th.
    let fields = text
        .rsplit_once(')')
        .map_or("", |(_, fields)| fields)
        .split_whitespace();
    let ticks: Vec<u32> = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    anyhow::ensure!(ticks.len() == 2, "{path} has no processor times");
    Ok(TICK * ticks.iter().sum())
}

/// Memory that a process holds, in bytes.
pub(crate) fn resident_memory(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kibibytes.with_context(|| format!("{path} has no VmRSS"))? * 1024)
}

/// Raises the limit on open files to what the system allows, for this process and those it starts. Returns it.
pub(crate) fn raise_open_files() -> Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    #[expect(unsafe_code, reason = "the two calls read and write nothing but `limit`")]
    let done = unsafe {
        let read = libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        read == 0 && libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0
    };
    anyhow::ensure!(
        done,
        "cannot raise the limit on open files: {}",
        std::io::Error::last_os_error()
    );
    Ok(limit.rlim_cur)
}

// === impl Ticks ===

impl Ticks {
    fn now() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
        let line = text.lines().next().unwrap_or_default();
        let fields: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .take(8)
            .filter_map(|f| f.parse().ok())
            .collect();
        let [user, nice, system, idle, waiting, irq, softirq, steal] = fields[..] else {
            anyhow::bail!("/proc/stat is not in the form expected");
        };
        let busy = user + nice + system + irq + softirq + steal;
        Ok(Self {
            busy,
            all: busy + idle + waiting,
        })
    }
}

// === impl Strangers ===

impl Strangers {
    /// Begins to watch. `processes`: the benchmark's own.
    pub(crate) fn watch(processes: Vec<u32>) -> Result<Self> {
        let ours = total(&processes)?;
        Ok(Self {
            processes,
            machine: Ticks::now()?,
            ours,
        })
    }

    /// Their share of all processor time since then, 0 to 1.
    pub(crate) fn share(&self) -> Result<f64> {
        let now = Ticks::now()?;
        let ours = total(&self.processes)?.saturating_sub(self.ours).as_secs_f64() / TICK.as_secs_f64();
        let busy = now.busy.saturating_sub(self.machine.busy) as f64;
        let all = now.all.saturating_sub(self.machine.all).max(1) as f64;
        Ok(((busy - ours) / all).max(0.0))
    }
}

fn total(processes: &[u32]) -> Result<Duration> {
    processes.iter().map(|process| processor_time(*process)).sum()
}
