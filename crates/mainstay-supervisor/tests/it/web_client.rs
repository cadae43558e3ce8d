//! A daemon to ask, and a client that says exactly what it is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mainstay_supervisor::rpc::{Value, xml};

/// A running daemon with an open unix socket, and a TCP port behind the login `chris:123`.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl Server {
    /// Starts a daemon with these programs.
    #[track_caller]
    pub(crate) fn start(programs: &str) -> Self {
        Self::with_password("123", programs)
    }

    #[track_caller]
    pub(crate) fn with_password(password: &str, programs: &str) -> Self {
        Self::with_options(
            "",
            &format!("username = chris\npassword = {password}\n"),
            programs,
        )
    }

    /// Starts a daemon with these lines in the sections of its two servers.
    #[track_caller]
    pub(crate) fn with_options(unix: &str, inet: &str, programs: &str) -> Self {
        Self::run(unix, inet, programs, None)
    }

    /// Starts a daemon that may open so many descriptors.
    #[track_caller]
    pub(crate) fn limited_to(descriptors: u32, rest: &str) -> Self {
        let login = "username = chris\npassword = 123\n";
        Self::run("", login, rest, Some(descriptors))
    }

    #[track_caller]
    fn run(unix: &str, inet: &str, rest: &str, descriptors: Option<u32>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let file = directory.path().join("supervisord.conf");
        let (settings, programs) = rest.split_at(rest.find('[').unwrap_or(rest.len()));
        std::fs::write(
            &file,
            format!(
                "[unix_http_server]\nfile = %(here)s/s.sock\nchmod = 0710\n{unix}\
                 [inet_http_server]\nport = 127.0.0.1:{port}\n{inet}\
                 [supervisord]\nlogfile = %(here)s/main.log\npidfile = %(here)s/pid\n\
                 childlogdir = %(here)s\n{settings}\
                 [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = \
                 supervisor.rpcinterface:make_main_rpcinterface\n{programs}"
            ),
        )
        .unwrap();
        let program = env!("CARGO_BIN_EXE_mainstayd");
        let mut command = match descriptors {
            None => Command::new(program),
            Some(number) => {
                let mut limited = Command::new("prlimit");
                limited
                    .arg(format!("--nofile={number}:{number}"))
                    .arg(program);
                limited
            }
        };
        let child = command
            .arg("-n")
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut server = Self {
            directory,
            port,
            child,
        };
        server.wait_until("the socket answers", |server| {
            let exited = server.child.try_wait().unwrap();
            assert!(exited.is_none(), "the daemon exited: {exited:?}");
            UnixStream::connect(server.socket()).is_ok()
        });
        server
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("s.sock")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has ever used, in KiB.
    pub(crate) fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.unwrap().parse().unwrap()
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .unwrap()
            .count()
    }

    pub(crate) fn main_log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("main.log")).unwrap_or_default()
    }

    /// Waits for something, and fails with the main log if it does not come.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is_so(self) {
            assert!(
                Instant::now() < deadline,
                "{what}: not in time\n{}",
                self.main_log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    pub(crate) fn wait_for_state(&mut self, name: &str, state: &str) {
        self.wait_until(&format!("{name} is {state}"), |server| {
            let info = server
                .call("supervisor.getProcessInfo", &[Value::from(name)])
                .unwrap();
            info.get("statename").and_then(Value::as_str) == Some(state)
        });
    }

    /// Sends a request over the unix socket and reads the answer to its end.
    #[track_caller]
    pub(crate) fn send(&self, request: &Request<'_>) -> Answer {
        request.send(UnixStream::connect(self.socket()).unwrap())
    }

    /// Sends a request over TCP.
    #[track_caller]
    pub(crate) fn send_tcp(&self, request: &Request<'_>) -> Answer {
        request.send(TcpStream::connect(("127.0.0.1", self.port)).unwrap())
    }

    /// Calls a method of the API.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, params: &[Value]) -> Result<Value, (i32, String)> {
        let call = xml::write_call(method, params);
        let answer = self.send(&Request::post("/RPC2", &call).header("Content-Type", "text/xml"));
        assert_eq!(answer.status, 200, "{method}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/xml"));
        xml::parse_response(&answer.body).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request, to the byte.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    method: &'a str,
    path: &'a str,
    host: &'a str,
    headers: String,
    body: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self {
            method: "GET",
            path,
            host: "localhost",
            headers: String::new(),
            body: None,
        }
    }

    pub(crate) fn post(path: &'a str, body: &'a [u8]) -> Self {
        Self {
            method: "POST",
            path,
            host: "localhost",
            headers: String::new(),
            body: Some(body),
        }
    }

    pub(crate) fn method(mut self, method: &'a str) -> Self {
        self.method = method;
        self
    }

    /// The server's name, as the client knows it.
    pub(crate) fn host(mut self, host: &'a str) -> Self {
        self.host = host;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.headers, "{name}: {value}\r\n").unwrap();
        self
    }

    pub(crate) fn form(self) -> Self {
        self.header("Content-Type", "application/x-www-form-urlencoded")
    }

    fn head(&self) -> String {
        let Self {
            method,
            path,
            host,
            headers,
            body,
        } = self;
        let length = body.map(|body| format!("Content-Length: {}\r\n", body.len()));
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}{}\r\n",
            length.unwrap_or_default()
        )
    }

    #[track_caller]
    pub(crate) fn send(&self, stream: impl Stream) -> Answer {
        let mut reader = self.begin(stream);
        let mut body = Vec::new();
        let mut answer = Answer::head_of(&mut reader);
        reader.read_to_end(&mut body).unwrap();
        answer.body = match answer.header("transfer-encoding") {
            Some("chunked") => dechunked(&body),
            _ => body,
        };
        answer
    }

    /// Sends it; the answer is still to be read.
    #[track_caller]
    pub(crate) fn begin<S: Stream>(&self, mut stream: S) -> BufReader<S> {
        stream.limit(DEADLINE);
        stream.write_all(self.head().as_bytes()).unwrap();
        stream.write_all(self.body.unwrap_or_default()).unwrap();
        BufReader::new(stream)
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn head_of<S: Stream>(reader: &mut BufReader<S>) -> Self {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            assert!(line.ends_with('\n'), "cut off after {lines:?} {line:?}");
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The value of a form's hidden field.
    #[track_caller]
    pub(crate) fn token(&self) -> String {
        let page = self.text();
        let from = page
            .split_once("name=\"csrf_token\" value=\"")
            .expect("no token")
            .1;
        from.split_once('"').unwrap().0.to_owned()
    }

    pub(crate) fn cookie(&self) -> &str {
        self.header("set-cookie")
            .and_then(|it| it.split(';').next())
            .expect("no cookie")
    }
}

pub(crate) trait Stream: std::io::Read + std::io::Write {
    fn limit(&self, deadline: Duration);
}

impl Stream for UnixStream {
    fn limit(&self, deadline: Duration) {
        self.set_read_timeout(Some(deadline)).unwrap();
    }
}

impl Stream for TcpStream {
    fn limit(&self, deadline: Duration) {
        self.set_read_timeout(Some(deadline)).unwrap();
    }
}

fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(at) = body.windows(2).position(|it| it == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..at]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&body[at + 2..at + 2 + size]);
        body = &body[at + 4 + size..];
    }
    whole
}

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
