//! What the kernel tells of a process, and of this machine.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Resident memory of a process, in MiB.
pub(crate) fn resident(pid: u32) -> Result<f64> {
    Ok(status_field(&format!("/proc/{pid}/status"), "VmRSS:")? / 1024.0)
}

/// Processor time that all threads of a process have used.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let mut total = 0;
    for task in tasks(pid)? {
        let text = fs::read_to_string(task.join("schedstat")).context("reading schedstat")?;
        let spent = text
            .split_whitespace()
            .next()
            .and_then(|word| word.parse::<u64>().ok());
        total += spent.context("the form of schedstat")?;
    }
    Ok(Duration::from_nanos(total))
}

/// How often the threads of a process have gone to sleep, and so were woken.
pub(crate) fn wake_ups(pid: u32) -> Result<f64> {
    tasks(pid)?
        .iter()
        .map(|task| {
            status_field(
                &task.join("status").display().to_string(),
                "voluntary_ctxt_switches:",
            )
        })
        .sum()
}

fn tasks(pid: u32) -> Result<Vec<std::path::PathBuf>> {
    let folder = format!("/proc/{pid}/task");
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {folder}"))?;
    Ok(entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect())
}

fn status_field(file: &str, name: &str) -> Result<f64> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line[name.len()..].split_whitespace().next()?.parse().ok())
        .with_context(|| format!("{name} in {file}"))
}

/// One line about the machine.
pub(crate) fn describe() -> String {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_default()
            .to_owned();
        line.split(':')
            .next_back()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}, {cores} cores, {}, Linux {}",
        field("/proc/cpuinfo", "model name"),
        field("/proc/meminfo", "MemTotal"),
        kernel.trim()
    )
}

/// Size of a file, 0 while it is not there.
pub(crate) fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |meta| meta.len())
}
