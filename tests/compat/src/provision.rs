//! Supervisor itself, from PyPI.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, bail, ensure};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;

use crate::ours::target_dir;

const PACKAGES: &[&str] = &["supervisor==4.3.0", "superlance==2.0.0"];

/// A virtual environment that holds Supervisor and superlance; `None` where none can be made, which
/// has then been said.
///
/// # Panics
///
/// Instead of `None` where `CI=true`: there nothing is skipped.
pub fn venv() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| match provide() {
        Ok(folder) => Some(folder),
        Err(error) => {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "with CI=true nothing is skipped: {error:#}");
            complain(&error);
            None
        }
    });
    found.clone()
}

fn complain(error: &anyhow::Error) {
    // Not eprintln!, which the test harness hides. A closed standard error cannot be told of.
    let _ = writeln!(
        io::stderr(),
        "SKIPPED: tests of compatibility, for want of Supervisor in Python: {error:#}\n\
         hint: install python3 with its venv module (Debian: python3-venv), and let pip reach its index"
    );
}

fn provide() -> anyhow::Result<PathBuf> {
    let folder = target_dir()?.join("compat-venv");
    fs::create_dir_all(&folder)?;
    // Test binaries may run side by side, and only one of them should install.
    let lock = fs::File::create(folder.join("lock"))?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive)
        .map_err(|(_, errno)| errno)
        .context("locking the virtual environment")?;

    let complete = folder.join("complete");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&complete).is_ok_and(|had| had == wanted) {
        return Ok(folder);
    }
    if create(&folder).is_err() {
        install_python()?;
        create(&folder)?;
    }
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(PACKAGES);
    run(&mut pip)?;
    fs::write(complete, wanted)?;
    Ok(folder)
}

fn create(folder: &Path) -> anyhow::Result<()> {
    run(Command::new("python3").args(["-m", "venv"]).arg(folder))
}

/// As root on Debian only.
fn install_python() -> anyhow::Result<()> {
    if !Uid::effective().is_root() || !Path::new("/etc/debian_version").exists() {
        bail!("no python3 with its venv module, and not root on Debian to install it");
    }
    run(apt().arg("update"))?;
    run(apt().args([
        "install",
        "--yes",
        "--no-install-recommends",
        "python3-venv",
    ]))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
    command
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        command.get_program().display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
