//! Finds Chromium and its driver, or gets them.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::bail;

const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// What a browser needs.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// The programs; `None` where there are none, which has then been said.
pub(crate) fn programs() -> anyhow::Result<Option<Programs>> {
    static FOUND: OnceLock<Option<Programs>> = OnceLock::new();
    let found = FOUND.get_or_init(|| find().or_else(|| install().and_then(|()| find())));
    if found.is_some() {
        return Ok(found.clone());
    }
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        bail!("no chromium and chromedriver here, and with CI=true nothing is skipped");
    }
    // Not eprintln!, which the test harness hides.
    let _ = writeln!(
        io::stderr(),
        "SKIPPED: a test in the browser, for want of chromium and chromedriver (Debian: {})",
        PACKAGES.join(", ")
    );
    Ok(None)
}

fn find() -> Option<Programs> {
    Some(Programs {
        chromium: in_path(&["chromium", "chromium-browser", "google-chrome"])?,
        chromedriver: in_path(&["chromedriver"])?,
    })
}

fn in_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// As root on Debian only.
fn install() -> Option<()> {
    let root = Command::new("id").arg("-u").output().ok()?.stdout == b"0\n";
    if !root || !Path::new("/etc/debian_version").exists() {
        return None;
    }
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("-qq")
            .args(args);
        command
            .status()
            .is_ok_and(|status| status.success())
            .then_some(())
    };
    apt(&["update"])?;
    apt(&[
        "install",
        "--yes",
        "--no-install-recommends",
        PACKAGES[0],
        PACKAGES[1],
    ])
}
