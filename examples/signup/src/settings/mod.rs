//! What an operator decides: the TOML file that `APP_SETTINGS` names, over defaults for development.

mod reader;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, anyhow};
use mainstay::csrf::Key;
use mainstay::scrypt::{Limits, Params};

use self::reader::Reader;

/// All settings, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where they are from, if not from this program.
    file: Option<PathBuf>,
    /// Where the site answers, unless a socket was handed over.
    pub(crate) listen: SocketAddr,
    /// How the world writes the site's address, when that is not `http://` and the socket's own.
    pub(crate) origin: Option<String>,
    /// The folder for database and key.
    pub(crate) data: PathBuf,
    /// `DATABASE_URL`, when that is set.
    pub(crate) database_url: Option<String>,
    /// Whether there are pages that fail on purpose.
    pub(crate) demo: bool,
    /// Where the attacker's page answers, in a demo.
    pub(crate) attacker: Option<SocketAddr>,
    /// The key that signs form tokens; without it one is made and kept in `data`.
    pub(crate) csrf_key: Option<Key>,
    /// What new passwords have to be, and what they cost.
    pub(crate) passwords: Passwords,
}

/// `[passwords]`
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    pub(crate) min_length: usize,
    pub(crate) params: Params,
    /// Takes parameters that are too cheap for anything but tests.
    pub(crate) weak_hashes_for_tests: bool,
}

impl Settings {
    /// The settings that the environment asks for.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        let mut settings = match env::var_os("APP_SETTINGS") {
            Some(file) => Self::read(Path::new(&file)).context("APP_SETTINGS")?,
            None => Self::parse("", Path::new(""))?,
        };
        settings.database_url = match env::var("DATABASE_URL") {
            Ok(url) => Some(url),
            Err(env::VarError::NotPresent) => None,
            Err(error) => return Err(error).context("DATABASE_URL"),
        };
        Ok(settings)
    }

    /// The origin of the site when it answers on `address`.
    pub(crate) fn origin_at(&self, address: SocketAddr) -> anyhow::Result<String> {
        match (&self.origin, &self.file) {
            (Some(origin), _) => Ok(origin.clone()),
            (None, _) if address.ip().is_loopback() => Ok(format!("http://{address}")),
            (None, file) => {
                let error = anyhow!("`origin`: expected {ORIGIN}, since {address} is not loopback");
                Err(match file {
                    Some(file) => error.context(format!("reading {}", file.display())),
                    None => error,
                })
            }
        }
    }

    fn read(file: &Path) -> anyhow::Result<Self> {
        let file = std::path::absolute(file)?;
        let say = || format!("reading {}", file.display());
        let text = fs::read_to_string(&file).with_context(say)?;
        let settings =
            Self::parse(&text, file.parent().unwrap_or(Path::new("/"))).with_context(say)?;
        Ok(Self {
            file: Some(file),
            ..settings
        })
    }

    /// Takes the text of a file; relative paths in it start from `folder`.
    fn parse(text: &str, folder: &Path) -> anyhow::Result<Self> {
        let mut file = Reader::new(text)?;
        let listen = file
            .parsed("listen", ADDRESS)?
            .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)));
        let origin = file.string("origin", ORIGIN)?;
        if let Some(origin) = &origin {
            check_origin(origin)?;
        }
        let data = file.string("data", "a folder")?;
        let demo = file.boolean("demo")?.unwrap_or(false);
        let attacker = file.parsed("attacker", ADDRESS)?;
        anyhow::ensure!(
            demo || attacker.is_none(),
            "`attacker`: expected only together with `demo = true`"
        );

        let mut csrf = file.section("csrf")?;
        let csrf_key = csrf
            .string("key", KEY)?
            .map(|text| parse_key(&text))
            .transpose()?;
        csrf.finish()?;

        let mut section = file.section("passwords")?;
        let passwords = Passwords::take(&mut section)?;
        section.finish()?;
        file.finish()?;

        Ok(Self {
            file: None,
            listen,
            origin,
            data: folder.join(data.as_deref().unwrap_or("var/signup")),
            database_url: None,
            demo,
            attacker,
            csrf_key,
            passwords,
        })
    }
}

impl Passwords {
    fn take(section: &mut Reader) -> anyhow::Result<Self> {
        let min_length = section.integer("min_length", 8..=128)?.unwrap_or(10);
        let usual = Params::OWASP;
        let log_n = section.integer("log_n", 10..=24)?.unwrap_or(usual.log_n());
        let r = section.integer("r", 1..=64)?.unwrap_or(usual.r());
        let p = section.integer("p", 1..=64)?.unwrap_or(usual.p());
        let together = format!("`passwords.log_n`, `r` and `p`: {log_n}, {r} and {p}");
        let params = Params::new(log_n, r, p)
            .and_then(|params| Limits::default().check(params).map(|()| params))
            .with_context(|| format!("{together} do not go together"))?;
        let weak_hashes_for_tests = section.boolean("weak_hashes_for_tests")?.unwrap_or(false);
        anyhow::ensure!(
            weak_hashes_for_tests || !params.is_weak(),
            "{together} make hashes that are guessed too quickly; the least are 14, 8 and 5"
        );
        Ok(Self {
            min_length,
            params,
            weak_hashes_for_tests,
        })
    }
}

/// Reads a key as `mainstay key` prints it.
pub(crate) fn parse_key(text: &str) -> anyhow::Result<Key> {
    text.trim()
        .parse()
        .map_err(|_| anyhow!("`csrf.key`: expected {KEY}"))
}

/// Cookies are marked Secure, so that they need https, but on the developer's own machine.
fn check_origin(origin: &str) -> anyhow::Result<()> {
    let uri: http::Uri = origin
        .parse()
        .with_context(|| format!("`origin`: expected {ORIGIN}, found {origin:?}"))?;
    let host = uri.host().unwrap_or_default();
    let fits = match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback(host),
        _ => false,
    };
    let bare = uri.path_and_query().is_none_or(|path| path == "/") && !origin.ends_with('/');
    anyhow::ensure!(
        fits && bare,
        "`origin`: expected {ORIGIN}, found {origin:?}"
    );
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

const ADDRESS: &str = "an address and a port, such as \"127.0.0.1:8000\"";
const ORIGIN: &str = "\"https://\" and a host, without a path (\"http://\" is for loopback only, as cookies are Secure)";
const KEY: &str = "a key as `mainstay key` prints one (32 bytes or more)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_for_development() {
        let settings = Settings::parse("", Path::new("/srv")).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(settings.data, Path::new("/srv/var/signup"));
        assert_eq!(settings.passwords.min_length, 10);
        assert!(!settings.demo && settings.attacker.is_none() && settings.csrf_key.is_none());
    }

    #[test]
    fn the_file_of_the_demo_is_read() {
        let text = include_str!("../../deploy/settings.toml");
        let settings = Settings::parse(text, Path::new("/srv")).unwrap();
        assert!(settings.demo);
        assert_eq!(settings.data, Path::new("/srv/signup"));
    }

    #[test]
    fn mistakes_are_told_with_key_and_expectation() {
        for (text, part) in [
            (
                "listen = 8000",
                "`listen`: expected an address and a port, such as \"127.0.0.1:8000\", found 8000",
            ),
            (
                "listen = \"8000\"",
                "`listen`: expected an address and a port",
            ),
            (
                "lisen = \"127.0.0.1:1\"",
                "unknown key `lisen`; known here: listen, origin, data, demo, attacker, csrf, passwords",
            ),
            (
                "demo = \"yes\"",
                "`demo`: expected true or false, found \"yes\"",
            ),
            (
                "attacker = \"127.0.0.1:1\"",
                "`attacker`: expected only together with `demo = true`",
            ),
            (
                "origin = \"http://example.com\"",
                "`origin`: expected \"https://\" and a host",
            ),
            (
                "origin = \"https://example.com/\"",
                "found \"https://example.com/\"",
            ),
            ("origin = \"https://example.com/a\"", "`origin`: expected"),
            ("csrf = 1", "`csrf`: expected a table, found 1"),
            (
                "[csrf]\nkey = \"short\"",
                "`csrf.key`: expected a key as `mainstay key` prints one",
            ),
            (
                "[csrf]\nkee = \"\"",
                "unknown key `csrf.kee`; known here: key",
            ),
            (
                "[passwords]\nmin_length = 4",
                "`passwords.min_length`: expected a number from 8 to 128, found 4",
            ),
            (
                "[passwords]\nlog_n = -1",
                "`passwords.log_n`: expected a number from 10 to 24, found -1",
            ),
            (
                "[passwords]\nlog_n = 13",
                "`passwords.log_n`, `r` and `p`: 13, 8 and 1 make hashes that",
            ),
            (
                "[passwords]\nlog_n = 24",
                "`r` and `p`: 24, 8 and 1 do not go together",
            ),
            ("demo = true\ndemo = false", "line 2"),
            ("= 1", "line 1"),
        ] {
            let error = Settings::parse(text, Path::new("/"))
                .map(|_| ())
                .unwrap_err();
            let error = format!("{error:#}");
            assert!(
                error.contains(part),
                "{text}\nwanted {part}\ngot    {error}"
            );
        }
    }

    #[test]
    fn loopback_may_be_http() {
        for origin in [
            "http://127.0.0.1:8000",
            "http://localhost",
            "http://[::1]:80",
            "https://a.example",
        ] {
            check_origin(origin).unwrap();
        }
    }
}
