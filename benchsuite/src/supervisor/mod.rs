//! `mainstayd` against `supervisord`.

mod daemon;
mod events;
mod rpc;
mod scenarios;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::Options;
use crate::figures::Report;
use crate::machine;

pub(crate) use scenarios::SCENARIOS;

/// A supervisor under measurement: its daemon and its command-line client.
pub(crate) struct Peer {
    name: &'static str,
    daemon: PathBuf,
    ctl: PathBuf,
}

const OURS: &str = "mainstayd";

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(unknown) = options
        .only
        .iter()
        .find(|name| SCENARIOS.iter().all(|scenario| scenario.name != **name))
    {
        bail!("there is no scenario `{unknown}`; `--list` names them");
    }
    let peers = peers()?;
    let mut report = Report::default();
    report.say(&format!("# {}", machine::describe()));
    for peer in &peers {
        report.say(&format!("# {} {}", peer.name, version(&peer.daemon)?));
    }
    report.say(&format!(
        "# rounds: {}; median (least to most)",
        options.rounds
    ));
    for scenario in SCENARIOS {
        if !options.only.is_empty() && !options.only.iter().any(|name| name == scenario.name) {
            continue;
        }
        report.say(&format!("\n{}: {}", scenario.name, scenario.what));
        let figures = (scenario.run)(&peers, options.rounds)
            .with_context(|| format!("scenario `{}`", scenario.name))?;
        for figure in &figures {
            report.show(figure, OURS);
        }
    }
    if options.save {
        save(&report)?;
    }
    Ok(())
}

fn peers() -> Result<Vec<Peer>> {
    let ours = |variable: &str| {
        let path = env::var_os(variable).with_context(|| {
            format!("{variable} is not set; use `cargo xtask bench supervisor`")
        })?;
        anyhow::Ok(PathBuf::from(path))
    };
    let mut peers = vec![Peer {
        name: OURS,
        daemon: ours("MAINSTAYD")?,
        ctl: ours("MAINSTAYCTL")?,
    }];
    match compat_tests::venv() {
        Some(venv) => peers.push(Peer {
            name: "supervisord",
            daemon: venv.join("bin/supervisord"),
            ctl: venv.join("bin/supervisorctl"),
        }),
        None => eprintln!("note: without Supervisor itself there is nothing to compare with"),
    }
    Ok(peers)
}

fn version(daemon: &Path) -> Result<String> {
    let done = Command::new(daemon)
        .arg("-v")
        .output()
        .with_context(|| format!("running {}", daemon.display()))?;
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

fn save(report: &Report) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs");
    fs::create_dir_all(&folder)?;
    let done = Command::new("date")
        .args(["-u", "+%Y-%m-%dT%H%MZ"])
        .output()?;
    let stamp = String::from_utf8_lossy(&done.stdout).trim().to_owned();
    let file = folder.join(format!("supervisor-{stamp}.txt"));
    let command: Vec<String> = env::args().skip(1).collect();
    fs::write(
        &file,
        format!("$ cargo xtask bench {}\n{}", command.join(" "), report.0),
    )?;
    println!("\nwritten to {}", file.display());
    Ok(())
}
