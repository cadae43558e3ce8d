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
    FOUND.get_or_init(|| or_skip(provide())).clone()
}

/// More from PyPI, in a folder of its own: what is `installed`, with what it depends on, is importable
/// from `site` in it; what is `downloaded` lies in `files` as the archive that it comes in. `None` as
/// for [`venv`].
///
/// # Panics
///
/// As [`venv`].
pub fn packages(name: &str, installed: &[&str], downloaded: &[&str]) -> Option<PathBuf> {
    let venv = venv()?;
    or_skip(provide_packages(&venv, name, installed, downloaded))
}

fn provide_packages(
    venv: &Path,
    name: &str,
    installed: &[&str],
    downloaded: &[&str],
) -> anyhow::Result<PathBuf> {
    let folder = target_dir()?.join(format!("compat-{name}"));
    once(&folder, &[installed, downloaded].concat(), || {
        if !installed.is_empty() {
            let site = folder.join("site");
            run(pip(venv, "install")
                .arg("--target")
                .arg(site)
                .args(installed))?;
        }
        if !downloaded.is_empty() {
            let files = folder.join("files");
            let mut download = pip(venv, "download");
            run(download
                .arg("--no-deps")
                .arg("--dest")
                .arg(files)
                .args(downloaded))?;
        }
        Ok(())
    })?;
    Ok(folder)
}

fn or_skip(result: anyhow::Result<PathBuf>) -> Option<PathBuf> {
    match result {
        Ok(folder) => Some(folder),
        Err(error) => {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "with CI=true nothing is skipped: {error:#}");
            complain(&error);
            None
        }
    }
}

fn complain(error: &anyhow::Error) {
    // Not eprintln!, which the test harness hides. A closed standard error cannot be told of.
    let _ = writeln!(
        io::stderr(),
        "SKIPPED: tests of compatibility, for want of what they compare with: {error:#}\n\
         hint: install python3 with its venv module (Debian: python3-venv), and let pip reach its index"
    );
}

fn provide() -> anyhow::Result<PathBuf> {
    let folder = target_dir()?.join("compat-venv");
    once(&folder, PACKAGES, || {
        if create(&folder).is_err() {
            install_python()?;
            create(&folder)?;
        }
        run(pip(&folder, "install").args(PACKAGES))
    })?;
    Ok(folder)
}

/// Fills a folder with what is wanted, if it has not been. Test binaries may run side by side, and
/// only one of them should install.
fn once(
    folder: &Path,
    wanted: &[&str],
    fill: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let lock = fs::File::create(folder.join("lock"))?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive)
        .map_err(|(_, errno)| errno)
        .with_context(|| format!("locking {}", folder.display()))?;

    let complete = folder.join("complete");
    let wanted = wanted.join("\n");
    if fs::read_to_string(&complete).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    fill()?;
    fs::write(complete, wanted)?;
    Ok(())
}

fn pip(venv: &Path, command: &str) -> Command {
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", command])
        .args(["--quiet", "--disable-pip-version-check"]);
    pip
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
