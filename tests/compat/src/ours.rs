//! Where our own programs are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, ensure};

/// One of our programs, `mainstayd` or `mainstayctl`: the one that the environment variable of its
/// name (`MAINSTAYD`, `MAINSTAYCTL`) points at, else built now.
///
/// # Errors
///
/// When it cannot be built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    if let Some(file) = env::var_os(name.to_uppercase()) {
        return Ok(file.into());
    }
    static BUILT: OnceLock<bool> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        Command::new(env!("CARGO"))
            .args(["build", "--quiet", "-p", "mainstay-supervisor", "--bins"])
            .status()
            .is_ok_and(|status| status.success())
    });
    ensure!(*built, "cargo build -p mainstay-supervisor failed");
    Ok(target_dir()?.join("debug").join(name))
}

/// The folder that cargo builds into, which it marks: tests run from `target/debug/deps`, benches from
/// `target/release`.
pub(crate) fn target_dir() -> anyhow::Result<PathBuf> {
    env::current_exe()?
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .map(Path::to_owned)
        .context("this program is not in cargo's target folder")
}
