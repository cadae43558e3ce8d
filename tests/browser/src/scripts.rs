//! The libraries that run in pages, as their users get them: none is kept in this repository.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The text of axios, from Debian's package. It is unpacked into `folder` and not installed, so that
/// nobody has to be root; `None` where it cannot be had, which has then been said.
///
/// # Errors
///
/// Instead of `None` with `CI=true`: there nothing is skipped.
pub fn axios(folder: &Path) -> anyhow::Result<Option<String>> {
    or_skip(debian(
        folder,
        "node-axios",
        "usr/share/nodejs/axios/dist/axios.min.js",
    ))
}

/// The text of htmx of this major version, from the package `django-htmx`; otherwise as [`axios`].
///
/// # Errors
///
/// As [`axios`].
pub fn htmx(folder: &Path, version: u8) -> anyhow::Result<Option<String>> {
    let Some(packages) = compat_tests::packages("htmx", &[], &["django-htmx==1.29.0"]) else {
        return Ok(None);
    };
    let wheel = packages.join("files/django_htmx-1.29.0-py3-none-any.whl");
    let file = format!("django_htmx/static/django_htmx/htmx-{version}.min.js");
    or_skip(unpacked(folder, &wheel, &file))
}

fn debian(folder: &Path, package: &str, file: &str) -> anyhow::Result<String> {
    let folder = folder.join(package);
    if let Ok(text) = fs::read_to_string(folder.join(file)) {
        return Ok(text);
    }
    fs::create_dir_all(&folder)?;
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get")
            .arg("-qq")
            .args(arguments)
            .current_dir(&folder))
    };
    // A machine that was just made has no lists yet.
    if apt(&["download", package]).is_err() {
        apt(&["update"])?;
        apt(&["download", package])?;
    }
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg-deb").arg("-x").arg(path).arg(&folder))?;
        }
    }
    fs::read_to_string(folder.join(file))
        .with_context(|| format!("looking for {file} in {package}"))
}

fn unpacked(folder: &Path, wheel: &Path, file: &str) -> anyhow::Result<String> {
    fs::create_dir_all(folder)?;
    let mut python = Command::new("python3");
    run(python.args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder))?;
    fs::read_to_string(folder.join(file)).with_context(|| format!("looking for {file}"))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let what = format!("{command:?}");
    let output = command
        .output()
        .with_context(|| format!("running {what}"))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{what}: {}", error.trim());
    Ok(())
}

fn or_skip(result: anyhow::Result<String>) -> anyhow::Result<Option<String>> {
    let error = match result {
        Ok(text) => return Ok(Some(text)),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => return Err(error),
        Err(error) => error,
    };
    // Not eprintln!, which the test harness hides.
    let _ = writeln!(
        io::stderr(),
        "SKIPPED: a test of a library in the browser: {error:#}"
    );
    Ok(None)
}
