//! Cookies and tokens between `mainstay-csrf` and a real gorilla/csrf, both ways, over sockets.
//!
//! Needs Go and gorilla/csrf, from Debian's `golang-go` and `golang-github-gorilla-csrf-dev`, which
//! are installed when the test runs as root there. Elsewhere it is skipped, and says so; with
//! `CI=true` that is a failure.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::env;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nix::unistd::Uid;

const KEY: &str = "31a4363be30de0d370b66b6c90c429041f73516749db5cb144443b50f52567d0";
const NEW_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn cookies_and_tokens_are_understood_on_both_sides() {
    let Some(peers) = Peers::build() else { return };
    let (go, rust) = (peers.go(KEY), peers.rust(KEY, None));
    for (issuer, taker) in [(&go, &rust), (&rust, &go), (&go, &go), (&rust, &rust)] {
        let visit = issuer.visit(None);
        assert_eq!(visit.cookie.len(), "_gorilla_csrf=".len() + 144);
        assert_eq!(visit.token.len(), 88);
        for way in [Way::Header, Way::Urlencoded, Way::Multipart] {
            let (status, body) = taker.post(&visit, way);
            assert_eq!(
                (status, body.as_str()),
                (200, "ok\n"),
                "{way:?}: {} to {}",
                issuer.name,
                taker.name
            );
        }
    }
}

#[test]
fn a_cookie_stays_while_a_browser_goes_from_one_side_to_the_other() {
    let Some(peers) = Peers::build() else { return };
    let (go, rust) = (peers.go(KEY), peers.rust(KEY, None));
    for (first, second) in [(&go, &rust), (&rust, &go)] {
        let visit = first.visit(None);
        let next = second.visit(Some(&visit.cookie));
        assert_eq!(
            next.cookie, "",
            "{} has set a cookie of its own",
            second.name
        );
        // A token of the one page with a cookie of the other, and on either side.
        let mixed = Visit {
            cookie: visit.cookie.clone(),
            token: next.token,
        };
        assert_eq!(first.post(&mixed, Way::Header).0, 200);
        assert_eq!(second.post(&mixed, Way::Header).0, 200);
    }
}

#[test]
fn what_one_side_refuses_the_other_refuses_in_the_same_words() {
    let Some(peers) = Peers::build() else { return };
    let (go, rust) = (peers.go(KEY), peers.rust(KEY, None));
    let stranger = peers.rust(NEW_KEY, None).visit(None);
    let one = go.visit(None);
    let two = rust.visit(None);
    let damaged = one.cookie.replacen(&one.cookie[100..104], "AAAA", 1);
    for (what, cookie, token) in [
        (
            "another key's cookie and token",
            &stranger.cookie,
            &stranger.token,
        ),
        ("another visitor's token", &one.cookie, &two.token),
        ("a damaged cookie", &damaged, &one.token),
        ("a token that is none", &one.cookie, &"AAAA".to_owned()),
        ("no token", &one.cookie, &String::new()),
    ] {
        let visit = Visit {
            cookie: cookie.clone(),
            token: token.clone(),
        };
        for way in [Way::Header, Way::Urlencoded, Way::Multipart] {
            let (theirs, ours) = (go.post(&visit, way), rust.post(&visit, way));
            assert_eq!(theirs.0, 403, "{what} {way:?}");
            assert_eq!(ours, theirs, "{what} {way:?}");
        }
    }
}

#[test]
fn refusals_read_alike_without_a_cookie_and_by_referer() {
    let Some(peers) = Peers::build() else { return };
    let (go, rust) = (peers.go(KEY), peers.rust(KEY, None));
    let visit = go.visit(None);
    let none = Visit {
        cookie: String::new(),
        token: String::new(),
    };
    let no_cookie = Visit {
        cookie: String::new(),
        token: visit.token.clone(),
    };
    let bad = "_gorilla_csrf=x".to_owned();
    let bad_cookie = Visit {
        cookie: bad.clone(),
        token: visit.token.clone(),
    };
    let bad_and_none = Visit {
        cookie: bad,
        token: String::new(),
    };
    for visit in [&none, &no_cookie, &bad_cookie, &bad_and_none] {
        for way in [Way::Header, Way::Urlencoded, Way::Multipart] {
            let (theirs, ours) = (go.post(visit, way), rust.post(visit, way));
            assert_eq!(theirs.0, 403, "{visit:?} {way:?}");
            assert_eq!(ours, theirs, "{visit:?} {way:?}");
        }
    }
    // Of a name that is not loopback, and as a proxy would be asked: that way even the versions
    // before 1.7.3, of which Debian's is one, know about TLS and look at the Referer. None of those
    // looks at the Origin.
    for referer in [
        "http://app.test/",
        "https://evil.test/",
        "https://app.test:x/",
    ] {
        let [theirs, ours] = [&go, &rust].map(|side| side.post_from(referer, &visit));
        assert_eq!(theirs.0, 403, "{referer}: {}", theirs.1);
        assert_eq!(ours, theirs, "{referer}");
    }
    for side in [&go, &rust] {
        let good = side.post_from("https://app.test/", &visit);
        assert_eq!(good, (200, "ok\n".to_owned()), "{}", side.name);
    }
}

#[test]
fn a_compressed_form_holds_no_token_on_either_side() {
    let Some(peers) = Peers::build() else { return };
    let (go, rust) = (peers.go(KEY), peers.rust(KEY, None));
    let Visit { cookie, .. } = go.visit(None);
    let head = format!(
        "Cookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Encoding: gzip\r\n"
    );
    let [theirs, ours] = [&go, &rust].map(|side| {
        let (status, _, body) = side.exchange("POST", &head, "\u{1f}compressed");
        (status, body)
    });
    assert_eq!(theirs.0, 403);
    assert_eq!(ours, theirs);
}

#[test]
fn a_cookie_that_was_signed_again_is_good_for_a_go_with_the_new_key() {
    let Some(peers) = Peers::build() else { return };
    let old = peers.go(KEY).visit(None);
    let (go, rust) = (peers.go(NEW_KEY), peers.rust(NEW_KEY, Some(KEY)));
    assert_eq!(go.post(&old, Way::Header).0, 403, "Go knows one key only");

    let resigned = rust.visit(Some(&old.cookie));
    assert_ne!(resigned.cookie, "");
    // The token of the form that was open all the time.
    let moved = Visit {
        cookie: resigned.cookie,
        token: old.token,
    };
    assert_eq!(go.post(&moved, Way::Urlencoded).0, 200);
    assert_eq!(rust.post(&moved, Way::Urlencoded).0, 200);
}

/// Both programs, built.
struct Peers {
    go: PathBuf,
    rust: PathBuf,
}

impl Peers {
    /// Built once, for all tests; `None` where they cannot be, which has then been said.
    fn build() -> Option<&'static Self> {
        static BUILT: OnceLock<Option<Peers>> = OnceLock::new();
        let built = BUILT.get_or_init(|| match Self::try_build() {
            Ok(peers) => Some(peers),
            Err(error) => {
                let ci = env::var("CI").is_ok_and(|ci| ci == "true");
                assert!(!ci, "with CI=true nothing is skipped: {error:#}");
                // Not eprintln!, which the test harness hides.
                let _ = writeln!(
                    io::stderr(),
                    "SKIPPED: the exchange with gorilla/csrf: {error:#}\n\
                     hint: install Go and gorilla/csrf (Debian: golang-go \
                     golang-github-gorilla-csrf-dev)"
                );
                None
            }
        });
        built.as_ref()
    }

    fn try_build() -> anyhow::Result<Self> {
        // A test runs from target/debug/deps.
        let this = env::current_exe()?;
        let debug = this
            .ancestors()
            .nth(2)
            .context("a test is in target/debug/deps")?;
        let go = debug.join("gorilla_server");
        if build_go(&go).is_err() {
            install_go()?;
            build_go(&go)?;
        }
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "-p",
                "mainstay-csrf",
                "--example",
                "form",
            ])
            .status()?;
        ensure!(
            built.success(),
            "cargo build -p mainstay-csrf --example form failed"
        );
        Ok(Self {
            go,
            rust: debug.join("examples/form"),
        })
    }

    fn go(&self, key: &str) -> Server {
        Server::start("go", Command::new(&self.go).arg(key))
    }

    fn rust(&self, key: &str, old: Option<&str>) -> Server {
        let mut command = Command::new(&self.rust);
        command.args(["--preset", "gorilla", "--key", key]);
        if let Some(old) = old {
            command.args(["--accept", old]);
        }
        Server::start("rust", &mut command)
    }
}

fn build_go(program: &Path) -> anyhow::Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("go/gorilla_server.go");
    let mut go = Command::new("go");
    go.arg("build").arg("-o").arg(program).arg(source);
    // Debian's packages are laid out for the time before modules.
    go.envs([
        ("GO111MODULE", "off"),
        ("GOPATH", "/usr/share/gocode"),
        ("GOFLAGS", ""),
    ]);
    go.stderr(Stdio::piped());
    let output = go.output().context("running `go build`")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

fn install_go() -> anyhow::Result<()> {
    ensure!(
        Uid::effective().is_root(),
        "there is no Go, and only root can install it"
    );
    ensure!(
        Path::new("/etc/debian_version").exists(),
        "there is no Go, and this is not Debian"
    );
    let packages = ["golang-go", "golang-github-gorilla-csrf-dev"];
    for (step, words) in [("update", &[][..]), ("install", &packages[..])] {
        let mut apt = Command::new("apt-get");
        apt.args(["-qq", "--yes", "--no-install-recommends", step])
            .args(words);
        apt.env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null());
        let status = apt
            .status()
            .with_context(|| format!("running `apt-get {step}`"))?;
        ensure!(status.success(), "`apt-get {step}` failed: {status}");
    }
    Ok(())
}

/// A service on a port of its own, which ends with this value.
struct Server {
    name: &'static str,
    child: Child,
    address: String,
}

/// What a browser holds after it has loaded a form; no cookie if none was set.
#[derive(Debug)]
struct Visit {
    cookie: String,
    token: String,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Header,
    Urlencoded,
    Multipart,
}

impl Server {
    fn start(name: &'static str, command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("http://")
            .and_then(|url| url.strip_suffix("/form"));
        let address = address
            .unwrap_or_else(|| panic!("{name} said {line:?}"))
            .to_owned();
        Self {
            name,
            child,
            address,
        }
    }

    fn visit(&self, cookie: Option<&str>) -> Visit {
        let cookie = cookie
            .map(|cookie| format!("Cookie: {cookie}\r\n"))
            .unwrap_or_default();
        let (status, head, body) = self.exchange("GET", &cookie, "");
        assert_eq!(status, 200, "{body}");
        let set = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| value.split(';').next().unwrap())
        });
        let field = body
            .split("name=\"gorilla.csrf.Token\" value=\"")
            .nth(1)
            .unwrap();
        let token = field.split('"').next().unwrap().to_owned();
        Visit {
            cookie: set.unwrap_or_default().to_owned(),
            token,
        }
    }

    fn post(&self, visit: &Visit, way: Way) -> (u16, String) {
        let Visit { cookie, token } = visit;
        let escaped = token
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D");
        let (media, header, body) = match way {
            Way::Header => (
                "text/plain",
                format!("X-CSRF-Token: {token}\r\n"),
                String::new(),
            ),
            Way::Urlencoded => (
                "application/x-www-form-urlencoded",
                String::new(),
                format!("name=Ann&gorilla.csrf.Token={escaped}"),
            ),
            Way::Multipart => (
                "multipart/form-data; boundary=B",
                String::new(),
                format!(
                    "--B\r\nContent-Disposition: form-data; name=\"gorilla.csrf.Token\"\r\n\r\n\
                     {token}\r\n--B--\r\n"
                ),
            ),
        };
        let head = format!("Cookie: {cookie}\r\nContent-Type: {media}\r\n{header}");
        let (status, _, body) = self.exchange("POST", &head, &body);
        (status, body)
    }

    /// With a token in the header, over what is said to be TLS, and without an Origin.
    fn post_from(&self, referer: &str, visit: &Visit) -> (u16, String) {
        let Visit { cookie, token } = visit;
        let head = format!(
            "Host: app.test\r\nReferer: {referer}\r\nCookie: {cookie}\r\nX-CSRF-Token: {token}\r\n"
        );
        let (status, _, body) = self.send("POST https://app.test/form", &head, "");
        (status, body)
    }

    fn exchange(&self, method: &str, head: &str, body: &str) -> (u16, String, String) {
        let address = &self.address;
        let head = format!("Host: {address}\r\nOrigin: http://{address}\r\n{head}");
        self.send(&format!("{method} /form"), &head, body)
    }

    fn send(&self, start: &str, head: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let length = body.len();
        let request = format!(
            "{start} HTTP/1.1\r\n{head}\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
