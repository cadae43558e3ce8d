//! A daemon that is none: a socket whose answers the test decides, and that remembers the questions.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use mainstay_supervisor::rpc::{Fault, Value, xml};
use tempfile::TempDir;

/// What the server does with a call.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Answers it.
    Value(Value),
    /// Refuses it.
    Fault(Fault),
    /// Answers it, then closes the connection without having said so.
    ThenClose(Value),
    /// Wants a login, or another one.
    Unauthorized,
    /// Never answers.
    Silence,
}

/// A request as it came in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// Which connection, counted from 0.
    pub(crate) connection: usize,
    /// The `Authorization` header.
    pub(crate) authorization: Option<String>,
    /// The method, or the path of a GET.
    pub(crate) what: String,
    /// Its parameters.
    pub(crate) params: Vec<Value>,
}

/// The server, on a socket in a directory of its own.
#[derive(Debug)]
pub(crate) struct Server {
    dir: TempDir,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers calls by `answer`, `getVersion` apart, and every GET by `stream`, without end.
    pub(crate) fn start(
        answer: impl Fn(&str, &[Value]) -> Reply + Send + Sync + 'static,
        stream: &'static [u8],
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let listener = UnixListener::bind(dir.path().join("s")).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), seen.clone());
        thread::spawn(move || {
            for (number, connection) in listener.incoming().enumerate() {
                let (answer, log) = (answer.clone(), log.clone());
                thread::spawn(move || {
                    converse(connection.unwrap(), number, &*answer, stream, &log);
                });
            }
        });
        Self { dir, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.path("s").display())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// All requests so far, the connection check apart.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.what != "supervisor.getVersion")
            .cloned()
            .collect()
    }

    /// The calls so far as text: the method's last word and its string parameters.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.seen()
            .iter()
            .map(|seen| {
                let strings = seen.params.iter().filter_map(Value::as_str);
                let method = seen.what.trim_start_matches("supervisor.");
                [method]
                    .into_iter()
                    .chain(strings)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }
}

fn converse(
    connection: UnixStream,
    number: usize,
    answer: &(dyn Fn(&str, &[Value]) -> Reply + Send + Sync),
    stream: &[u8],
    log: &Mutex<Vec<Seen>>,
) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut writer = connection;
    while let Some((head, body)) = request(&mut reader) {
        let authorization = header(&head, "authorization");
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let is_call = head.starts_with("POST ");
        let (what, params) = if is_call {
            let call = xml::parse_call(&body).unwrap();
            (call.method, call.params)
        } else {
            (path, Vec::new())
        };
        let reply = match what.as_str() {
            "supervisor.getVersion" => Reply::Value("3.0".into()),
            what => answer(what, &params),
        };
        log.lock().unwrap().push(Seen {
            connection: number,
            authorization,
            what,
            params,
        });

        if !is_call {
            let size = stream.len();
            write!(
                writer,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n"
            )
            .unwrap();
            writer.write_all(stream).unwrap();
            writer.write_all(b"\r\n").unwrap();
            continue;
        }
        let document = match &reply {
            Reply::Value(value) | Reply::ThenClose(value) => xml::write_response(value),
            Reply::Fault(fault) => xml::write_fault(fault),
            Reply::Unauthorized => {
                let head = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
                writer.write_all(head.as_bytes()).unwrap();
                continue;
            }
            Reply::Silence => continue,
        };
        let size = document.len();
        write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").unwrap();
        writer.write_all(&document).unwrap();
        if matches!(reply, Reply::ThenClose(_)) {
            return;
        }
    }
}

/// The next request's head and body; `None` when the client has gone.
fn request(reader: &mut BufReader<UnixStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = header(&head, "content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
}
