//! What a configuration depends on besides its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nix::unistd;

/// The surroundings of a configuration, as values: the same files in the same context give the same
/// [`Config`](super::Config).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// `argv[0]`, which leads to the default files.
    pub program: PathBuf,
    /// Where the daemon was started; relative paths begin here.
    pub cwd: PathBuf,
    /// The environment, for `%(ENV_…)s` and `~`.
    pub environment: BTreeMap<String, String>,
    /// `%(host_node_name)s`
    pub host: String,
    /// The effective user.
    pub uid: u32,
    /// The file mode mask that we were started with, where the system tells.
    pub umask: Option<u32>,
    /// Users and groups.
    pub accounts: Accounts,
}

/// The databases of users and groups.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Accounts {
    /// Those of the system.
    System,
    /// These and no others.
    Fixed {
        /// Users.
        users: Vec<Account>,
        /// Groups: name and gid.
        groups: Vec<(String, u32)>,
    },
}

/// An entry of the password database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// uid
    pub uid: u32,
    /// Primary gid.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
}

impl Context {
    /// The context of this process.
    ///
    /// Variables whose name or value is not UTF-8 are left out: a file that uses one gets the error
    /// that it cannot be expanded, rather than a mutilated value.
    pub fn of_process() -> std::io::Result<Self> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Self {
            program: std::env::args_os().next().unwrap_or_default().into(),
            // The directory may be gone, which matters to relative paths only.
            cwd: std::env::current_dir().unwrap_or_else(|_| "/".into()),
            environment,
            host: unistd::gethostname()?.to_string_lossy().into_owned(),
            uid: unistd::geteuid().as_raw(),
            umask: umask(),
            accounts: Accounts::System,
        })
    }

    /// A context with nothing but a working directory, uid 1000 and these accounts: `root`,
    /// `www-data`, `nobody` and `app` (uid and gid 1000), with groups of the same names, and the group
    /// `nogroup`.
    pub fn bare(cwd: impl Into<PathBuf>) -> Self {
        let account = |name: &str, id, home: &str| Account {
            name: name.to_owned(),
            uid: id,
            gid: id,
            home: home.into(),
        };
        let users = vec![
            account("root", 0, "/root"),
            account("www-data", 33, "/var/www"),
            account("www-data", 33, "/var/www"),
            account("nobody", 65534, "/nonexistent"),
            account("app", 1000, "/home/app"),
        ];
        let mut groups: Vec<_> = users
            .iter()
            .map(|user| (user.name.clone(), user.gid))
            .collect();
        groups.push(("nogroup".to_owned(), 65534));
        Self {
            program: PathBuf::from("mainstayd"),
            cwd: cwd.into(),
            environment: BTreeMap::new(),
            host: "localhost".to_owned(),
            uid: 1000,
            umask: Some(0o022),
            accounts: Accounts::Fixed { users, groups },
        }
    }

    /// Where Python's `tempfile` puts its files.
    pub(crate) fn temp_dir(&self) -> PathBuf {
        ["TMPDIR", "TEMP", "TMP"]
            .iter()
            .filter_map(|name| self.environment.get(*name))
            .filter(|path| !path.is_empty())
            .map(|path| self.absolute(path))
            .chain(["/tmp", "/var/tmp", "/usr/tmp"].map(PathBuf::from))
            .find(|path| path.is_dir())
            .unwrap_or_else(|| self.cwd.clone())
    }

    /// `path` from the working directory, without `.`, `..` and repeated slashes.
    pub(crate) fn absolute(&self, path: impl AsRef<Path>) -> PathBuf {
        normalize(&self.cwd.join(path))
    }

    /// `~` and `~user` at the beginning replaced by the home directory; left alone if unknown.
    pub(crate) fn expand_user(&self, path: &str) -> String {
        let Some(rest) = path.strip_prefix('~') else {
            return path.to_owned();
        };
        let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let home = if user.is_empty() {
            let home = self.environment.get("HOME").map(PathBuf::from);
            home.or_else(|| self.accounts.by_uid(self.uid).map(|account| account.home))
        } else {
            self.accounts.by_name(user).map(|account| account.home)
        };
        match home {
            Some(home) => {
                let home = home.to_string_lossy();
                let joined = format!("{}{rest}", home.trim_end_matches('/'));
                if joined.is_empty() {
                    "/".to_owned()
                } else {
                    joined
                }
            }
            None => path.to_owned(),
        }
    }
}

impl Accounts {
    pub(crate) fn by_name(&self, name: &str) -> Option<Account> {
        match self {
            Self::System => unistd::User::from_name(name)
                .ok()
                .flatten()
                .map(Account::from),
            Self::Fixed { users, .. } => users.iter().find(|user| user.name == name).cloned(),
        }
    }

    pub(crate) fn by_uid(&self, uid: u32) -> Option<Account> {
        match self {
            Self::System => unistd::User::from_uid(uid.into())
                .ok()
                .flatten()
                .map(Account::from),
            Self::Fixed { users, .. } => users.iter().find(|user| user.uid == uid).cloned(),
        }
    }

    pub(crate) fn group_by_name(&self, name: &str) -> Option<u32> {
        match self {
            Self::System => unistd::Group::from_name(name)
                .ok()
                .flatten()
                .map(|group| group.gid.as_raw()),
            Self::Fixed { groups, .. } => groups
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, gid)| *gid),
        }
    }

    pub(crate) fn has_group(&self, gid: u32) -> bool {
        match self {
            Self::System => unistd::Group::from_gid(gid.into()).ok().flatten().is_some(),
            Self::Fixed { groups, .. } => groups.iter().any(|(_, known)| *known == gid),
        }
    }
}

impl From<unistd::User> for Account {
    fn from(user: unistd::User) -> Self {
        Self {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            home: user.dir,
        }
    }
}

/// Resolves `.`, `..` and repeated slashes in the text of an absolute path, without asking the file
/// system.
fn normalize(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            Component::RootDir | Component::Prefix(_) | Component::Normal(_) => out.push(component),
        }
    }
    out
}

/// The mask as the kernel tells it: asking the C library would mean to change it.
fn umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_absolute() {
        let context = Context::bare("/srv/app");
        for (path, expected) in [
            ("x.log", "/srv/app/x.log"),
            ("./a//b/../c", "/srv/app/a/c"),
            ("/x/./y/", "/x/y"),
            ("../../../x", "/x"),
            ("/", "/"),
        ] {
            assert_eq!(context.absolute(path), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn homes_are_found() {
        let mut context = Context::bare("/");
        for (path, expected) in [
            ("~/x", "/home/app/x"),
            ("~", "/home/app"),
            ("~root/x", "/root/x"),
            ("~stranger/x", "~stranger/x"),
            ("/a/~", "/a/~"),
        ] {
            assert_eq!(context.expand_user(path), expected);
        }
        context.environment.insert("HOME".into(), "/other/".into());
        assert_eq!(context.expand_user("~/x"), "/other/x");
        context.environment.insert("HOME".into(), "/".into());
        assert_eq!(context.expand_user("~"), "/");
    }
}
