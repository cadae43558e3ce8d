//! Tests of the whole way, from files to values. What belongs to one module is tested there.

mod check;
mod corpus;
mod diff;
mod expansion;
mod groups;
mod include;
mod ini;
mod large;
mod mistakes;
mod percent;
mod program;
mod property;
mod servers;
mod supervisord;
mod table;
mod types;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Config, Context, Ctl, Error, Level, Process, Report, check, load, load_ctl};
use crate::cli::DaemonOptions;

/// A directory with configuration files, and what is around them.
struct Site {
    dir: TempDir,
    context: Context,
}

impl Site {
    /// A site with this main file.
    fn with(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let context = Context::bare(dir.path());
        let site = Self { dir, context };
        site.and("main.conf", text)
    }

    /// A main file with an empty `[supervisord]` and this after it.
    fn running(text: &str) -> Self {
        Self::with(&format!("[supervisord]\n{text}"))
    }

    /// One more file.
    fn and(self, name: &str, text: &str) -> Self {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// One more variable.
    fn env(mut self, name: &str, value: &str) -> Self {
        self.context
            .environment
            .insert(name.to_owned(), value.to_owned());
        self
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("main.conf")
    }

    fn here(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    fn load(&self) -> Result<Config, Error> {
        load(&self.path(), &DaemonOptions::default(), &self.context)
    }

    #[track_caller]
    fn config(&self) -> Config {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The only process.
    #[track_caller]
    fn process(&self) -> Process {
        let config = self.config();
        let mut all = config.groups.iter().flat_map(|group| &group.processes);
        let first = all.next().expect("a process");
        assert!(all.next().is_none(), "more than one process");
        (**first).clone()
    }

    #[track_caller]
    fn error(&self) -> Error {
        self.load().expect_err("a mistake")
    }

    fn check(&self) -> Report {
        check(&self.path(), &DaemonOptions::default(), &self.context)
    }

    fn ctl(&self) -> Result<Ctl, Error> {
        load_ctl(Some(&self.path()), &self.context)
    }

    /// All warnings, with the site's directory as `HERE`.
    #[track_caller]
    fn warnings(&self) -> Vec<String> {
        let notes = self.config().notes;
        notes
            .into_iter()
            .filter(|note| note.level == Level::Warn)
            .map(|note| note.message.replace(self.here(), "HERE"))
            .collect()
    }
}

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/config")
        .join(path)
}
