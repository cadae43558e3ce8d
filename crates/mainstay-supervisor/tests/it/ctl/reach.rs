//! Servers that cannot be reached, or are none: the line says which server, and what may help.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::thread;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::{bare, run};

/// Commands that do not look first whether there is a server.
const COMMANDS: [&str; 6] = ["avail", "reread", "update", "add x", "remove x", "reload"];

#[track_caller]
fn says(url: &str, expected: &str) {
    for line in COMMANDS {
        let (text, status) = run(bare().args(["-s", url, line]));
        assert_eq!((text.as_str(), status), (expected, Some(1)), "{line}");
    }
    let (document, status) = run(bare().args(["-s", url, "--json", "reread"]));
    let document: Json = serde_json::from_str(&document).unwrap();
    let message = expected.strip_prefix("error: ").unwrap().trim_end();
    assert_eq!(document, json!({ "error": { "message": message } }));
    assert_eq!(status, Some(1));
}

/// Answers every connection with these bytes and ends it. The address it listens on.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection: TcpStream = connection.unwrap();
            // The head of the request is enough; what is unread would reset the connection.
            let mut request = [0; 65536];
            let mut length = 0;
            while !request[..length].ends_with(b"</methodCall>\n") {
                match connection.read(&mut request[length..]).unwrap() {
                    0 => break,
                    count => length += count,
                }
            }
            connection.write_all(answer).unwrap();
        }
    });
    url
}

#[test]
fn no_daemon_at_the_address() {
    let hint = "is the daemon running? -s names another server";
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("s").display().to_string();
    let url = format!("unix://{path}");
    says(
        &url,
        &format!("error: [Errno 2] No such file or directory: {url}; {hint}\n"),
    );

    drop(UnixListener::bind(&path).unwrap());
    says(
        &url,
        &format!("error: [Errno 111] Connection refused: {url}; {hint}\n"),
    );
}

#[test]
fn something_else_at_the_address() {
    let url = server(b"SSH-2.0-x\r\n");
    let (text, status) = run(bare().args(["-s", &url, "reread"]));
    assert!(
        text.starts_with("error: the answer is not HTTP ("),
        "{text}"
    );
    let end = format!("): {url}; does another program listen there?\n");
    assert!(text.ends_with(&end), "{text}");
    assert_eq!(status, Some(1));

    for cut in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<?xml",
    ] {
        let url = server(cut);
        says(
            &url,
            &format!(
                "error: the server closed the connection before its answer was complete: {url}; \
                 the daemon's log may say why\n"
            ),
        );
    }
}

#[test]
fn the_words_of_a_server_are_shown() {
    let url = server(b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n");
    says(
        &url,
        "error: <ProtocolError for 127.0.0.1/RPC2: 301 Moved>\n",
    );
}

#[test]
fn urls_that_name_no_server() {
    for (url, reason) in [
        ("http://:9001", "names no host"),
        ("http://x:y", "has a port that is not a number up to 65535"),
    ] {
        says(url, &format!("error: serverurl {url} {reason}\n"));
    }
    says(
        "https://x",
        "error: Unknown protocol for serverurl https://x\n",
    );
    let (text, status) = run(bare().args(["open http://"]));
    assert_eq!(text, "error: serverurl http:// names no host\n");
    assert_eq!(status, Some(1));
}
