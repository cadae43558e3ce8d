//! Starting, stopping, and being told what is wrong with the settings.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::site::{CHEAP, Site, command};

#[test]
fn a_socket_that_is_handed_over_is_used() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = Arc::new(tempfile::tempdir().unwrap());
    // Settings name another address, which must not be needed.
    let site = command(
        &folder,
        &format!("listen = \"192.0.2.1:1\"\ndata = \".\"\n{CHEAP}"),
    );
    let mut shell = Command::new("/bin/sh");
    shell
        .args([
            "-c",
            "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" 3<&0 </dev/null",
        ])
        .arg(site.get_program())
        .envs(
            site.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::from(OwnedFd::from(listener)));

    let site = Site::spawn(shell, folder, String::new());

    assert_eq!(site.address, address);
    assert_eq!(site.client().get("/").status, 200);
}

#[test]
fn a_running_request_is_finished_before_the_site_stops() {
    let mut site = Site::start();
    let mut stream = TcpStream::connect(site.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let head = format!(
        "POST /auth/login HTTP/1.1\r\nhost: {}\r\ncontent-length: 4\r\nconnection: close\r\n",
        site.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .write_all(b"content-type: application/x-www-form-urlencoded\r\n\r\nab")
        .unwrap();
    // Another request goes through behind the first one's bytes, so the site has these in hand.
    assert_eq!(site.client().get("/").status, 200);

    site.terminate();
    site.wait_for_line("SIGTERM");
    stream.write_all(b"=c").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();

    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(site.wait().success());
    site.wait_for_line("finished");
}

#[test]
fn the_key_is_made_once_and_only_its_owner_reads_it_and_the_database() {
    let site = Site::start();
    site.wait_for_line("made a key for form tokens");
    let file = site.folder.path().join("csrf.key");
    let key = fs::read_to_string(&file).unwrap();
    for name in ["csrf.key", "signup.db", "signup.db-wal"] {
        let data = fs::metadata(site.folder.path().join(name)).unwrap();
        assert_eq!(data.permissions().mode() & 0o777, 0o600, "{name}");
    }

    let site = Site::in_folder(site.stop(), CHEAP, None);
    assert_eq!(
        fs::read_to_string(site.folder.path().join("csrf.key")).unwrap(),
        key
    );
}

#[test]
fn the_attackers_page_is_another_origin() {
    let site = Site::with(&format!("demo = true\nattacker = \"127.0.0.1:0\"\n{CHEAP}"));
    let line = site.wait_for_line("the attacker's page is at http://localhost:");
    let url = line.rsplit(' ').next().unwrap();
    assert!(
        site.client().get("/demo").body.contains(url),
        "the demo links to {url}"
    );
    let port: u16 = url
        .trim_end_matches('/')
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert_ne!(port, site.address.port());
    let page = Client::new(([127, 0, 0, 1], port).into()).get("/");
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains(&format!("action=\"http://{}/signup/post\"", site.address)),
        "{}",
        page.body
    );
}

#[test]
fn mistakes_in_the_settings_are_told_with_file_and_key() {
    let folder = tempfile::tempdir().unwrap();
    for (settings, part) in [
        (
            "lisen = \"127.0.0.1:0\"",
            "settings.toml: unknown key `lisen`",
        ),
        (
            "listen = \"here\"",
            "settings.toml: `listen`: expected an address and a port",
        ),
        (
            "[csrf]\nkey = \"abc\"",
            "settings.toml: `csrf.key`: expected a key as `mainstay key` prints one",
        ),
        ("listen = ", "settings.toml: line 1"),
        (
            "listen = \"0.0.0.0:0\"",
            "settings.toml: `origin`: expected",
        ),
    ] {
        let output = command(&folder, settings).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let last = text.lines().last().unwrap_or_default();
        assert!(!output.status.success(), "{settings}");
        assert!(
            last.starts_with("signup: ") && last.contains(part),
            "{settings}\nwanted {part}\ngot    {text}"
        );
    }
    let output = command(&folder, "")
        .env("APP_SETTINGS", "/nonexistent/a.toml")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("reading /nonexistent/a.toml: No such file"),
        "{text}"
    );
}

#[test]
fn flags() {
    let folder = tempfile::tempdir().unwrap();
    for (flag, settings, success, part) in [
        ("--check", "", true, "the settings are good"),
        ("--check", "a = 1", false, ""),
        (
            "--version",
            "",
            true,
            concat!("signup ", env!("CARGO_PKG_VERSION")),
        ),
        ("--help", "", true, "APP_SETTINGS"),
        ("--bogus", "", false, ""),
    ] {
        let output = command(&folder, settings).arg(flag).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.success(), success, "{flag}");
        assert!(text.contains(part), "{flag}: {text}");
    }
    assert!(!folder.path().join("var").exists(), "a flag writes nothing");
}
