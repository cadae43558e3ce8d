//! From `command=` to a file that can be executed.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use nix::unistd::{AccessFlags, access};

use crate::config::{self, repr, words};

/// A command line whose file has been found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The file to execute.
    pub path: CString,
    /// The words, the first as it was written.
    pub argv: Vec<CString>,
}

impl Command {
    /// Splits a process's command and finds its file.
    ///
    /// `path` is the daemon's own `PATH`, which the process's environment may overrule. A relative
    /// name with a slash is looked for where it will be executed: below `directory`.
    ///
    /// # Errors
    ///
    /// What is wrong, in the words for `spawnerr`.
    pub fn resolve(process: &config::Process, path: Option<&OsStr>) -> Result<Self, Unusable> {
        let words = words::split(&process.command).map_err(|error| {
            Unusable::unfit(format!(
                "can't parse command {}: {error}",
                repr(&process.command)
            ))
        })?;
        let Some(first) = words.first() else {
            return Err(Unusable::unfit("command is empty".to_owned()));
        };
        let file = find(first, process, path)?;
        let argv = words.iter().map(c_string).collect::<Result<_, _>>()?;
        let path = c_string(file.as_os_str())?;
        Ok(Self { path, argv })
    }
}

/// Why a command cannot be executed; `Display` is the text for `spawnerr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Whether it is missing, as opposed to being there and not executable.
    pub missing: bool,
    text: String,
}

impl Unusable {
    fn missing(name: &str) -> Self {
        Self {
            missing: true,
            text: format!("can't find command {}", repr(name)),
        }
    }

    fn unfit(text: String) -> Self {
        Self {
            missing: false,
            text,
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn find(name: &str, process: &config::Process, path: Option<&OsStr>) -> Result<PathBuf, Unusable> {
    if name.contains('/') {
        let here = process.directory.as_deref().unwrap_or(Path::new(""));
        // Executed as written, after the change of directory; only the check has to join.
        return check(name, &here.join(name)).map(|()| PathBuf::from(name));
    }
    let own = process
        .environment
        .iter()
        .rev()
        .find(|(key, _)| key == "PATH");
    let path = match own {
        Some((_, value)) => OsStr::new(value),
        None => path.unwrap_or(OsStr::new("/bin:/usr/bin:/usr/local/bin")),
    };
    let mut verdict = Unusable::missing(name);
    for directory in path.as_bytes().split(|byte| *byte == b':') {
        let directory = if directory.is_empty() {
            b"."
        } else {
            directory
        };
        let candidate = Path::new(OsStr::from_bytes(directory)).join(name);
        match check(name, &candidate) {
            Ok(()) => return Ok(candidate),
            // The first hit explains best, should no later entry serve.
            Err(reason) if verdict.missing && !reason.missing => verdict = reason,
            Err(_) => {}
        }
    }
    Err(verdict)
}

/// Whether one file can be executed by us.
fn check(name: &str, file: &Path) -> Result<(), Unusable> {
    let Ok(about) = fs::metadata(file) else {
        return Err(Unusable::missing(name));
    };
    let shown = repr(&file.to_string_lossy());
    if about.is_dir() {
        return Err(Unusable::unfit(format!(
            "command at {shown} is a directory"
        )));
    }
    if about.permissions().mode() & 0o111 == 0 {
        return Err(Unusable::unfit(format!(
            "command at {shown} is not executable"
        )));
    }
    if access(file, AccessFlags::X_OK).is_err() {
        return Err(Unusable::unfit(format!(
            "no permission to run command {shown}"
        )));
    }
    Ok(())
}

fn c_string(text: impl AsRef<OsStr>) -> Result<CString, Unusable> {
    CString::new(text.as_ref().as_bytes())
        .map_err(|_| Unusable::unfit("command contains a zero byte".to_owned()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::process::tests::program;

    fn place(directory: &Path, name: &str, mode: u32) {
        let file = directory.join(name);
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_the_original() {
        let dir = TempDir::new().unwrap();
        place(dir.path(), "plain", 0o644);
        let at = dir.path().display();
        for (command, expected) in [
            (
                "sh -c 'oops",
                r#"can't parse command "sh -c 'oops": No closing quotation"#.to_owned(),
            ),
            (
                r"sh \",
                r"can't parse command 'sh \\': No escaped character".to_owned(),
            ),
            ("  ", "command is empty".to_owned()),
            (
                "no-such-command-here x",
                "can't find command 'no-such-command-here'".to_owned(),
            ),
            (
                "/no/such/file",
                "can't find command '/no/such/file'".to_owned(),
            ),
            ("/usr", "command at '/usr' is a directory".to_owned()),
            (
                &format!("{at}/plain"),
                format!("command at '{at}/plain' is not executable"),
            ),
        ] {
            let error = Command::resolve(&program(command), None).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn the_first_executable_entry_of_the_path_wins() {
        let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        place(one.path(), "tool", 0o644);
        place(two.path(), "tool", 0o755);
        let mut process = program("tool --flag 'a b'");
        let path = format!("{}:{}", one.path().display(), two.path().display());
        process.environment.push(("PATH".to_owned(), path));

        let command = Command::resolve(&process, Some(OsStr::new("/bin"))).unwrap();

        assert_eq!(
            command.path.to_bytes(),
            two.path().join("tool").as_os_str().as_bytes()
        );
        let words: Vec<_> = command
            .argv
            .iter()
            .map(|word| word.to_str().unwrap())
            .collect();
        assert_eq!(words, ["tool", "--flag", "a b"]);
    }

    #[test]
    fn a_relative_file_is_checked_where_it_will_run() {
        let dir = TempDir::new().unwrap();
        place(dir.path(), "run", 0o755);
        let mut process = program("./run");
        assert!(Command::resolve(&process, None).unwrap_err().missing);

        process.directory = Some(dir.path().to_owned());

        assert_eq!(
            Command::resolve(&process, None).unwrap().path.to_bytes(),
            b"./run"
        );
    }
}
