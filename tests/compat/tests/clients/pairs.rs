//! The same lines to two pairs, and what they say side by side.

use std::path::Path;
use std::thread;

use compat_tests::{Ctl, Daemon, PROGRAMS, Said, normalise, until, venv};

use crate::scripts::{CONTROL, GROUPS, LOGS, LOOKING};

/// Who talks to whom; the original pair is what both are compared with.
#[derive(Clone, Copy, Debug)]
enum Pair {
    /// `supervisorctl` and `supervisord`
    Original,
    /// `mainstayctl` and `supervisord`
    OurClient,
    /// `supervisorctl` and `mainstayd`
    OurDaemon,
}

struct Conversation {
    ctl: Ctl,
    daemon: Daemon,
}

impl Conversation {
    fn start(pair: Pair, venv: &Path) -> anyhow::Result<Self> {
        let daemon = match pair {
            Pair::OurDaemon => Daemon::ours(PROGRAMS)?,
            Pair::Original | Pair::OurClient => Daemon::python(venv, PROGRAMS)?,
        };
        let ctl = match pair {
            Pair::OurClient => Ctl::ours(daemon.config())?,
            Pair::Original | Pair::OurDaemon => Ctl::python(venv, daemon.config()),
        };
        // The first output of a program may come later than the first answer of the daemon.
        until("the programs to speak", || {
            let spoken = ["stdout", "stderr"].map(|channel| {
                ctl.run(&format!("tail web:web_01 {channel}"))
                    .is_ok_and(|said| {
                        said.stdout.trim().contains(' ') || said.stdout.contains("grumble")
                    })
            });
            Ok(spoken == [true, true])
        })?;
        Ok(Self { ctl, daemon })
    }

    fn say(&self, line: &str) -> anyhow::Result<Said> {
        let mut said = normalise(&self.ctl.run(line)?, self.daemon.folder());
        if is_unordered(line) {
            let mut lines: Vec<&str> = said.stdout.split_inclusive('\n').collect();
            lines.sort_unstable();
            said.stdout = lines.concat();
            // The last failure to come in decides about the exit status.
            said.status = said.status.map(|status| status.min(1));
        }
        Ok(said)
    }
}

/// Whether results come as processes get done, in no particular order.
fn is_unordered(line: &str) -> bool {
    let verb = line.split(' ').next().unwrap_or_default();
    matches!(verb, "start" | "stop" | "restart" | "signal" | "clear")
        && (line.contains("all") || line.contains('*'))
}

/// Says the script to every pair, side by side in time, and compares with the original one.
#[track_caller]
fn compare(script: &[&str]) {
    let Some(venv) = venv() else { return };
    let transcript = |pair| {
        let conversation = Conversation::start(pair, &venv)?;
        let said = script.iter().map(|line| conversation.say(line));
        anyhow::Ok((
            said.collect::<anyhow::Result<Vec<_>>>()?,
            conversation.daemon.log(),
        ))
    };
    let (original, others) = thread::scope(|scope| {
        let original = scope.spawn(|| transcript(Pair::Original));
        let others = [Pair::OurClient, Pair::OurDaemon]
            .map(|pair| (pair, scope.spawn(move || transcript(pair))));
        let others = others.map(|(pair, other)| (pair, other.join().unwrap().unwrap()));
        (original.join().unwrap().unwrap().0, others)
    });

    for (pair, (other, log)) in others {
        let differences: Vec<String> = script
            .iter()
            .zip(original.iter().zip(&other))
            .filter(|(_, (expected, actual))| expected != actual)
            .map(|(line, (expected, actual))| {
                format!("{line:?}\n  expected {expected:?}\n  but got  {actual:?}")
            })
            .collect();
        assert!(
            differences.is_empty(),
            "{} of {} lines differ for {pair:?}:\n{}\nlog of the daemon:\n{log}",
            differences.len(),
            script.len(),
            differences.join("\n"),
        );
    }
}

#[test]
fn looking() {
    compare(LOOKING);
}

#[test]
fn control() {
    compare(CONTROL);
}

#[test]
fn groups() {
    compare(GROUPS);
}

#[test]
fn logs() {
    compare(LOGS);
}

/// New, changed and removed programs, then the end: the way of a deployment.
fn deploy(ctl: &Ctl, daemon: &mut Daemon) -> anyhow::Result<()> {
    let say = |line: &str| ctl.run(line).map(|said| (said.stdout, said.status));
    let said = |text: &str| (text.to_owned(), Some(0));

    daemon.include("new.conf", "[program:new]\ncommand = cat\nstartsecs = 0\n")?;
    assert_eq!(say("reread")?, said("new: available\n"));
    assert_eq!(say("update")?, said("new: added process group\n"));
    assert_eq!(say("status new")?.1, Some(0));

    daemon.include(
        "new.conf",
        "[program:new]\ncommand = cat -u\nstartsecs = 0\n",
    )?;
    assert_eq!(say("reread")?, said("new: changed\n"));
    assert_eq!(
        say("update")?,
        said("new: stopped\nnew: updated process group\n")
    );

    daemon.include("new.conf", "")?;
    assert_eq!(say("reread")?, said("new: disappeared\n"));
    assert_eq!(
        say("update all")?,
        said("new: stopped\nnew: removed process group\n")
    );
    assert_eq!(
        say("status new")?,
        ("new: ERROR (no such process)\n".to_owned(), Some(4))
    );
    assert_eq!(say("update")?, said(""));

    daemon.include("new.conf", "[program:new]\ncommand = %(nonsense)s\n")?;
    let (text, status) = say("reread")?;
    assert!(text.starts_with("ERROR: CANT_REREAD: "), "{text}");
    assert_eq!(status, Some(1));
    daemon.include("new.conf", "")?;

    let pid = say("pid")?.0;
    assert_eq!(say("reload")?, said("Restarted supervisord\n"));
    until("the programs to run again", || {
        Ok(say("status cat")?.0.contains("RUNNING"))
    })?;
    assert_eq!(say("pid")?.0, pid, "the daemon keeps its pid");

    assert_eq!(say("shutdown")?, said("Shut down\n"));
    assert!(daemon.ended()?, "an orderly end");
    Ok(())
}

#[test]
fn mainstayctl_deploys_to_supervisord() {
    let Some(venv) = venv() else { return };
    let mut daemon = Daemon::python(&venv, PROGRAMS).unwrap();
    let ctl = Ctl::ours(daemon.config()).unwrap();

    deploy(&ctl, &mut daemon).unwrap();
}

#[test]
fn supervisorctl_deploys_to_mainstayd() {
    let Some(venv) = venv() else { return };
    let mut daemon = Daemon::ours(PROGRAMS).unwrap();
    let ctl = Ctl::python(&venv, daemon.config());

    deploy(&ctl, &mut daemon).unwrap();
}

#[test]
fn mainstayctl_deploys_to_mainstayd() {
    let mut daemon = Daemon::ours(PROGRAMS).unwrap();
    let ctl = Ctl::ours(daemon.config()).unwrap();

    deploy(&ctl, &mut daemon).unwrap();
}
