//! Finding and reading the files.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::error::Error;
use super::ini::{self, Ini};
use super::model::Level;
use super::options;
use super::read::{Names, Reader, Shared, Sink, directory_of};

/// Where a configuration is looked for when none is named, in this order.
pub fn default_paths(program: &Path) -> Vec<PathBuf> {
    let up = program
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new(""));
    vec![
        up.join("etc/supervisord.conf"),
        up.join("supervisord.conf"),
        "supervisord.conf".into(),
        "etc/supervisord.conf".into(),
        "/etc/supervisord.conf".into(),
        "/etc/supervisor/supervisord.conf".into(),
    ]
}

/// The file that `-c` names, else the first of the default ones that exists.
pub fn locate(named: Option<&Path>, context: &Context) -> Result<PathBuf, Error> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let paths = default_paths(&context.program);
    match paths.iter().find(|path| context.cwd.join(path).exists()) {
        Some(path) => Ok(path.clone()),
        None => {
            let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
            Err(Error::missing_file(format!(
                "No config file found at default paths ({}); use the -c option to specify a \
                 config file at a different path",
                paths.join(", ")
            )))
        }
    }
}

/// The main file and everything it includes.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) ini: Ini,
    /// Absolute.
    pub(super) main: PathBuf,
    /// The main file's directory.
    pub(super) here: String,
    /// The directory of each file that was read, by the name it has in messages.
    pub(super) directories: BTreeMap<String, String>,
}

/// Reads the main file alone. Errors are those that end the reading.
pub(super) fn read_main(path: &Path, context: &Context, sink: &Sink) -> Result<Files, Error> {
    let name = path.to_string_lossy().into_owned();
    let main = context.absolute(path);
    if !main.exists() {
        return Err(Error::missing_file(format!(
            "could not find config file {name}"
        )));
    }
    let text = fs::read(&main).map_err(|error| {
        Error::missing_file(format!("could not read config file {name}"))
            .hint(Some(error.to_string()))
    })?;
    let here = directory_of(&main);
    let mut directories = BTreeMap::new();
    directories.insert(name.clone(), here.clone());
    let mut ini = Ini::default();
    if let Err(errors) = read_text(&mut ini, &text, &name) {
        report(errors, sink);
    }
    Ok(Files {
        ini,
        main,
        here,
        directories,
    })
}

/// Reads what `[include]` names.
pub(super) fn read_included(files: &mut Files, context: &Context, sink: &Sink, names: &Names) {
    let Some(section) = files.ini.section("include") else {
        return;
    };
    let shared = Shared {
        context,
        sink,
        directories: &files.directories,
    };
    let reader = Reader::new(shared, &section, names);
    if !reader.has("files") {
        let text = ".ini file has [include] section, but no files setting";
        reader.wrong(&options::include::FILES, text);
        return;
    }
    let Some(patterns) = reader.find(&options::include::FILES) else {
        return;
    };
    for pattern in patterns.split_whitespace() {
        let pattern = if pattern.starts_with('/') {
            pattern.to_owned()
        } else {
            format!("{}/{pattern}", files.here.trim_end_matches('/'))
        };
        let matches = glob(&pattern);
        if matches.is_empty() {
            sink.warn(format!("No file matches via include \"{pattern}\""));
        }
        for path in matches {
            include(files, Path::new(&path), context, sink);
        }
    }
}

fn include(files: &mut Files, path: &Path, context: &Context, sink: &Sink) {
    let name = path.to_string_lossy().into_owned();
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) => {
            sink.warn(format!("Could not read extra file \"{name}\": {error}"));
            return;
        }
    };
    sink.note(
        Level::Info,
        format!("Included extra file \"{name}\" during parsing"),
    );
    let here = directory_of(&context.absolute(path));
    files.directories.insert(name.clone(), here);
    if let Err(errors) = read_text(&mut files.ini, &text, &name) {
        report(errors, sink);
    }
}

fn read_text(ini: &mut Ini, bytes: &[u8], name: &str) -> Result<(), Vec<Error>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => ini.read(text, name),
        Err(error) => {
            let line = bytes[..error.valid_up_to()]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1;
            let file = name.into();
            let text = format!("{name} is not UTF-8 text");
            Err(vec![
                Error::new(text).at(&super::error::Origin { file, line }),
            ])
        }
    }
}

fn report(errors: Vec<Error>, sink: &Sink) {
    for error in errors {
        sink.problem(error);
    }
}

/// Supervisor's single message for all bad lines of the first file that has any.
pub(super) fn first_error(problems: Vec<Error>) -> Option<Error> {
    let mut problems = problems.into_iter().peekable();
    let first = problems.next()?;
    if !first.text().starts_with("Source contains parsing errors: ") {
        return Some(first);
    }
    let file = first.origin().map(|origin| origin.file.clone());
    let mut lines = vec![first];
    while let Some(next) = problems.next_if(|next| {
        next.text().starts_with("Source contains parsing errors: ")
            && next.origin().map(|origin| origin.file.clone()) == file
    }) {
        lines.push(next);
    }
    ini::join(lines)
}

/// The paths that match a pattern of the shell, sorted; `*`, `?` and `[…]` do not cross slashes, and
/// do not match a leading dot.
///
/// They are as Python's `glob` writes them: what stands in the pattern stays, but for repeated slashes
/// before a part that was looked up. Links that lead nowhere are among them.
fn glob(pattern: &str) -> Vec<OsString> {
    let mut found = matches(pattern);
    found.sort();
    found
}

fn matches(pattern: &str) -> Vec<OsString> {
    let there = |path: &OsString| fs::symlink_metadata(path).is_ok();
    if !has_magic(pattern) {
        return vec![OsString::from(pattern)]
            .into_iter()
            .filter(there)
            .collect();
    }
    let (directory, name) = split(pattern);
    let directories = if has_magic(directory) {
        matches(directory)
    } else {
        vec![directory.into()]
    };
    let inside = |directory: &OsString| {
        if has_magic(name) {
            entries(directory, name)
        } else {
            vec![join(directory, OsStr::new(name))]
        }
    };
    let found = directories.iter().flat_map(inside);
    found.filter(there).collect()
}

fn has_magic(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// Python's `os.path.split`, of an absolute path.
fn split(path: &str) -> (&str, &str) {
    let (directory, name) = path.split_at(path.rfind('/').map_or(0, |at| at + 1));
    let bare = directory.trim_end_matches('/');
    (if bare.is_empty() { directory } else { bare }, name)
}

/// Python's `os.path.join`.
fn join(directory: &OsStr, name: &OsStr) -> OsString {
    let mut path = directory.to_owned();
    if !directory.as_encoded_bytes().ends_with(b"/") {
        path.push("/");
    }
    path.push(name);
    path
}

fn entries(directory: &OsStr, pattern: &str) -> Vec<OsString> {
    let pattern: Vec<char> = pattern.chars().collect();
    // A directory that cannot be listed matches nothing, and that is warned of.
    let Ok(list) = fs::read_dir(directory) else {
        return Vec::new();
    };
    list.flatten()
        .map(|entry| entry.file_name())
        .filter(|name| {
            let name: Vec<char> = name.to_string_lossy().chars().collect();
            (name.first() != Some(&'.') || pattern.first() == Some(&'.')) && fits(&pattern, &name)
        })
        .map(|name| join(directory, &name))
        .collect()
}

/// Whether a name fits a pattern.
fn fits(pattern: &[char], name: &[char]) -> bool {
    // Where to go on when a `*` has to take one more character: backtracking to the last star alone
    // suffices, so this is linear for each star.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => match class(&pattern[p..]) {
                Some((class, length)) => class.contains(name[n]).then_some(p + length),
                None => (name[n] == '[').then_some(p + 1),
            },
            Some(c) => (*c == name[n]).then_some(p + 1),
            None => None,
        };
        match (step, &mut star) {
            (Some(next), _) => (p, n) = (next, n + 1),
            (None, Some((after, from))) => {
                *from += 1;
                (p, n) = (*after, *from);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

struct Class<'a> {
    negated: bool,
    body: &'a [char],
}

impl Class<'_> {
    fn contains(&self, c: char) -> bool {
        let mut rest = self.body;
        let mut hit = false;
        while let Some(&first) = rest.first() {
            if let [from, '-', to, ..] = rest {
                hit |= (*from..=*to).contains(&c);
                rest = &rest[3..];
            } else {
                hit |= first == c;
                rest = &rest[1..];
            }
        }
        hit != self.negated
    }
}

/// A class at the beginning of a pattern and its length; `None` if it is not closed.
fn class(pattern: &[char]) -> Option<(Class<'_>, usize)> {
    let negated = pattern.get(1) == Some(&'!');
    let start = if negated { 2 } else { 1 };
    // A bracket that comes first belongs to the class.
    let end = pattern.iter().skip(start + 1).position(|c| *c == ']')? + start + 1;
    Some((
        Class {
            negated,
            body: &pattern[start..end],
        },
        end + 1,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_the_shell() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[ab]x", "bx", true),
            ("[!ab]x", "bx", false),
            ("[0-9][0-9]-*", "10-web", true),
            ("[a-c-]x", "-x", true),
            ("[]x]y", "]y", true),
            ("[x", "[x", true),
            ("*a*b*c", "xxaxxbxxbxc", true),
            ("*a*b*c", "xxaxxcxx", false),
        ] {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(
                fits(&chars(pattern), &chars(name)),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn globs_come_sorted_and_skip_hidden_files() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.conf", "a.conf", ".hidden.conf", "c.txt", "B.conf"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            glob(&format!("{}/{pattern}", dir.path().display()))
                .iter()
                .map(|path| split(path.to_str().unwrap()).1.to_owned())
                .collect()
        };
        assert_eq!(names("*.conf"), ["B.conf", "a.conf", "b.conf"]);
        assert_eq!(names(".*.conf"), [".hidden.conf"]);
        assert_eq!(names("c.txt"), ["c.txt"]);
        assert_eq!(names("none"), Vec::<String>::new());
        assert_eq!(names("none/*.conf"), Vec::<String>::new());
    }

    #[test]
    fn default_files_are_near_the_program_then_here_then_in_etc() {
        let paths = default_paths(Path::new("/opt/x/bin/mainstayd"));
        let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
        assert_eq!(
            paths,
            [
                "/opt/x/etc/supervisord.conf",
                "/opt/x/supervisord.conf",
                "supervisord.conf",
                "etc/supervisord.conf",
                "/etc/supervisord.conf",
                "/etc/supervisor/supervisord.conf",
            ]
        );
        assert_eq!(
            default_paths(Path::new("mainstayd"))[0],
            Path::new("etc/supervisord.conf")
        );
    }
}
