//! The HTTP side of a real daemon, over real sockets.

use std::io::{BufRead as _, Read as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use mainstay_supervisor::rpc::Value;

use crate::web_client::{Answer, Request, Server};

const SLEEPER: &str = "[program:web]\ncommand = /bin/sleep 1000\nstartsecs = 0\n";

#[test]
fn errors_have_the_originals_page_and_every_answer_its_name() {
    let server = Server::start("");
    let call = b"<methodCall><methodName>supervisor.getState</methodName></methodCall>";
    for (request, status) in [
        (Request::get("/nope"), 404),
        (Request::get("/RPC2foo"), 404),
        (Request::get("/RPC2"), 400),
        (Request::get("/RPC2").method("PUT"), 400),
        (Request::get("/RPC2").method("POST"), 411),
        (Request::post("/RPC2", b"not xml"), 400),
        (Request::post("/RPC2", b"<methodCall/>"), 400),
        (
            Request::post("/RPC2", b"<!DOCTYPE x [<!ENTITY a 'b'>]><methodCall/>"),
            400,
        ),
        (
            Request::post("/RPC2", call).header("Origin", "http://evil.example"),
            403,
        ),
        (
            Request::post("/RPC2", call).header("Sec-Fetch-Site", "cross-site"),
            403,
        ),
        (
            Request::post("/RPC2", call)
                .header("Cookie", "a=b")
                .header("Content-Type", "text/plain"),
            415,
        ),
        (Request::get("/logtail"), 404),
        (Request::get("/logtail/"), 404),
        (Request::get("/logtail/nope"), 404),
        (Request::get("/logtail/a:*"), 404),
        (Request::get("/logtail/%FF"), 404),
        (Request::post("/mainlogtail", b""), 400),
        (Request::get("/../../etc/passwd"), 404),
    ] {
        let answer = server.send(&request);
        assert_eq!(answer.status, status, "{request:?}");
        assert_eq!(answer.header("server"), Some("Medusa/1.12"), "{request:?}");
        if !matches!(answer.status, 400) {
            assert!(
                answer
                    .text()
                    .contains(&format!("<p>Error code {status}.\r\n<p>Message: ")),
                "{request:?}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(server.send(&Request::post("/RPC2", call)).status, 200);
    assert_eq!(server.send(&Request::post("/RPC2/", call)).status, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let server = Server::start("");
    let request = Request::post("/RPC2", b"").method("POST");
    // Announced, and never sent.
    let stream = UnixStream::connect(server.socket()).unwrap();
    let mut reader = Request::get("/RPC2")
        .method("POST")
        .header("Content-Length", "1000000000")
        .begin(stream);
    assert_eq!(Answer::head_of(&mut reader).status, 413);
    assert_eq!(server.send(&request).status, 400);
}

#[test]
fn the_tcp_server_wants_its_login() {
    let sha = "{SHA}40bd001563085fc35165329ea1ff5c5ecbdbbeef";
    let params = mainstay_scrypt::Params::new(4, 8, 1).unwrap();
    let hasher = mainstay_scrypt::Hasher::builder()
        .params(params)
        .allow_weak()
        .build()
        .unwrap();
    let scrypt = hasher.hash("123").unwrap();
    for password in ["123", sha, &scrypt] {
        let server = Server::with_password(password, SLEEPER);
        for path in [
            "/",
            "/RPC2",
            "/logtail/web",
            "/mainlogtail",
            "/assets/mainstay.css",
            "/nope",
        ] {
            for credentials in [
                None,
                Some("Basic Y2hyaXM6MTI0"),
                Some("Basic ?"),
                Some("Digest x"),
            ] {
                let mut request = Request::get(path);
                if let Some(credentials) = credentials {
                    request = request.header("Authorization", credentials);
                }
                let answer = server.send_tcp(&request);
                assert_eq!(answer.status, 401, "{password} {path} {credentials:?}");
                assert_eq!(
                    answer.header("www-authenticate"),
                    Some("Basic realm=\"default\"")
                );
                assert_eq!(answer.header("connection"), Some("close"));
            }
        }
        for _ in 0..3 {
            let request = Request::get("/").header("Authorization", "Basic Y2hyaXM6MTIz");
            assert_eq!(server.send_tcp(&request).status, 200, "{password}");
        }
        let log = server.main_log();
        let line = log
            .lines()
            .find(|line| line.contains("a login with wrong credentials"))
            .unwrap_or_else(|| panic!("nothing of it in the log:\n{log}"));
        // Whom to look for, and where.
        assert!(line.contains("peer=127.0.0.1:"), "{line}");
        assert!(line.contains("section=inet_http_server"), "{line}");
    }
}

#[test]
fn a_log_is_followed_to_the_end_by_who_comes_while_the_daemon_stops() {
    let mut server = Server::start(
        "[program:slow]\ncommand = /bin/sh -c 'trap \"echo stopping; until test -e go; do sleep \
         0.02; done; echo gone; exit\" TERM; echo up; while :; do sleep 0.02; done'\n\
         directory = %(here)s\nstartsecs = 0\nstopwaitsecs = 60\n\
         stdout_logfile = %(here)s/slow.log\nstderr_logfile = NONE\n",
    );
    let log = server.directory.path().join("slow.log");
    let says = |text: &str| std::fs::read_to_string(&log).is_ok_and(|it| it.contains(text));
    server.wait_until("it runs", |_| says("up"));
    server.call("supervisor.shutdown", &[]).unwrap();
    server.wait_until("it stops", |_| says("stopping"));

    let follow = |path| {
        let mut reader = Request::get(path).begin(UnixStream::connect(server.socket()).unwrap());
        assert_eq!(Answer::head_of(&mut reader).status, 200, "{path}");
        reader
    };
    let mut streams = [follow("/logtail/slow"), follow("/mainlogtail")];
    std::fs::write(server.directory.path().join("go"), "").unwrap();
    let [own, main] = streams.each_mut().map(|reader| {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    assert!(own.contains("stopping") && own.contains("gone"), "{own}");
    assert!(main.contains("stopped: slow"), "{main}");
}

#[test]
fn a_log_is_followed_as_it_grows() {
    let mut server = Server::start(
        "[program:count]\ncommand = /bin/sh -c 'echo one; read line; echo two; read line'\n\
         startsecs = 0\nstdout_logfile = %(here)s/count.log\nstderr_logfile = NONE\n",
    );
    server.wait_until("the first line is there", |server| {
        std::fs::read(server.directory.path().join("count.log")).is_ok_and(|it| it == b"one\n")
    });
    let stream = UnixStream::connect(server.socket()).unwrap();
    let mut reader = Request::get("/logtail/count").begin(stream);
    let head = Answer::head_of(&mut reader);
    assert_eq!(head.status, 200);
    assert_eq!(
        head.header("content-type"),
        Some("text/plain;charset=utf-8")
    );
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    assert!(
        head.header("last-modified")
            .is_some_and(|date| date.ends_with(" GMT"))
    );
    let mut expect = |text: &str| {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        assert_eq!(usize::from_str_radix(size.trim(), 16).unwrap(), text.len());
        let mut chunk = vec![0; text.len() + 2];
        reader.read_exact(&mut chunk).unwrap();
        assert_eq!(String::from_utf8_lossy(&chunk), format!("{text}\r\n"));
    };
    expect("one\n");
    server
        .call(
            "supervisor.sendProcessStdin",
            &[Value::from("count"), Value::from("\n")],
        )
        .unwrap();
    expect("two\n");

    for path in [
        "/logtail/count/stdout",
        "/logtail/count%2Fstdout",
        "/mainlogtail",
    ] {
        let stream = UnixStream::connect(server.socket()).unwrap();
        let mut reader = Request::get(path).begin(stream);
        assert_eq!(Answer::head_of(&mut reader).status, 200, "{path}");
    }
    for path in [
        "/logtail/count/stderr",
        "/logtail/count/nope",
        "/logtail/count/",
        "/logtail/count:x",
    ] {
        assert_eq!(server.send(&Request::get(path)).status, 404, "{path}");
    }
}

#[test]
fn the_page_lists_the_processes() {
    let mut server = Server::start(&format!(
        "{SLEEPER}[program:a&b]\ncommand = /nope/nope\nautostart = false\n\
         [group:site]\nprograms = one,two\n[program:one]\ncommand = /bin/sleep 1000\n\
         [program:two]\ncommand = /bin/sleep 1000\nautostart = false\n"
    ));
    server.wait_for_state("web", "RUNNING");
    server.wait_for_state("site:one", "RUNNING");

    let answer = server.send(&Request::get("/"));

    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("pragma", "no-cache"),
        ("cache-control", "no-cache"),
        ("expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("content-type", "text/html;charset=utf-8"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    let page = answer.text();
    for part in [
        "<title>Supervisor Status</title>",
        "<span class=\"statusrunning\"><i class=\"shape\"></i>running</span>",
        "href=\"tail.html?processname=site:one\"",
        "href=\"logtail/a%26b/stderr\"",
        ">a&#38;b</a>",
        "<span>site</span> <small>1 of 2 running</small>",
        "Not started",
        "<b>2</b> running",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    let pid = server
        .call("supervisor.getProcessInfo", &[Value::from("web")])
        .unwrap();
    let pid = pid.get("pid").and_then(Value::as_int).unwrap();
    assert!(page.contains(&format!("<td class=\"number pid\">{pid}</td>")));
    assert_eq!(server.send(&Request::get("/ok.html")).text(), "OK");
    assert_eq!(
        server
            .send(&Request::get("/index.html").method("HEAD"))
            .status,
        200
    );
}

#[test]
fn slashes_before_a_page_are_one_and_pages_that_only_show_take_a_post() {
    let server = Server::start("");
    for (path, part) in [
        ("//", "<title>Supervisor Status</title>"),
        ("///index.html", "<title>Supervisor Status</title>"),
        ("//index.html?message=hello", "hello"),
        ("//ok.html", "OK"),
        ("//tail.html?processname=nope", "BAD_NAME: nope"),
    ] {
        let answer = server.send(&Request::get(path));
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains(part), "{path}");
    }
    for path in [
        "//nope",
        "//RPC2",
        "//mainlogtail",
        "/index.html/",
        "//%2Fok.html",
    ] {
        assert_eq!(server.send(&Request::get(path)).status, 404, "{path}");
    }
    let call = b"<methodCall><methodName>supervisor.getState</methodName></methodCall>";
    assert_eq!(server.send(&Request::post("//RPC2", call)).status, 404);
    let posted = server.send(&Request::post("/ok.html", b"a=b").form());
    assert_eq!((posted.status, posted.text().as_str()), (200, "OK"));
    let posted = server.send(&Request::post("/tail.html", b"processname=nope").form());
    assert_eq!(posted.status, 200);
    assert!(posted.text().contains("BAD_NAME: nope"));
}

#[test]
fn no_programs_are_a_page_too() {
    let server = Server::start("");
    assert!(
        server
            .send(&Request::get("/"))
            .text()
            .contains("No programs to manage")
    );
}

#[test]
fn a_message_is_text() {
    let server = Server::start("");
    let page = server
        .send(&Request::get("/?message=%3Cscript%3Ealert(1)%3C/script%3E"))
        .text();
    assert!(page.contains("class=\"status_msg\""));
    assert!(!page.contains("<script>alert"));
}

#[test]
fn buttons_act_and_say_so() {
    let mut server = Server::start(&format!(
        "{SLEEPER}stdout_logfile = %(here)s/web.log\n\
         [program:bad]\ncommand = /nope/nope\nautostart = false\n"
    ));
    server.wait_for_state("web", "RUNNING");
    let page = server.send(&Request::get("/"));
    let body = format!("csrf_token={}", page.token());
    let press = |query: &str| {
        let path = format!("/index.html?{query}");
        let request = Request::post(&path, body.as_bytes())
            .form()
            .header("Cookie", page.cookie());
        server.send(&request)
    };
    for (query, message) in [
        ("action=stop&processname=web", "Process%20web%20stopped"),
        (
            "action=stop&processname=web",
            "unexpected%20rpc%20fault%20%5B70%5D%20NOT%5FRUNNING%3A%20web",
        ),
        ("action=start&processname=web", "Process%20web%20started"),
        (
            "action=start&processname=web",
            "ERROR%3A%20Process%20web%3A%20already%20started",
        ),
        (
            "action=restart&processname=web",
            "Process%20web%20restarted",
        ),
        (
            "action=clearlog&processname=web",
            "Log%20for%20web%20cleared",
        ),
        (
            "action=start&processname=bad",
            "ERROR%3A%20Process%20bad%3A%20no%20such%20file",
        ),
        (
            "action=start&processname=nope",
            "No%20such%20process%20named%20nope",
        ),
        (
            "action=start&processname=web:*",
            "No%20such%20process%20named%20web%3A%2A",
        ),
        ("action=refresh", "Page%20refreshed%20at%20"),
        ("action=stopall", "All%20stopped%20at%20"),
        ("action=restartall", "All%20restarted%20at%20"),
        ("action=startall", "All%20started%20at%20"),
        ("", ""),
    ] {
        let answer = press(query);
        let location = answer.header("location").unwrap_or_default();
        assert_eq!(answer.status, 303, "{query}: {}", answer.text());
        let expected = if message.is_empty() {
            "./".to_owned()
        } else {
            format!("./?message={message}")
        };
        assert!(location.starts_with(&expected), "{query}: {location}");
    }
    for query in ["action=nope", "action=start", "action=start&processname="] {
        assert_eq!(press(query).status, 400, "{query}");
    }
}

#[test]
fn nothing_is_done_for_others() {
    let mut server = Server::start(SLEEPER);
    server.wait_for_state("web", "RUNNING");
    let page = server.send(&Request::get("/"));
    let (token, cookie) = (page.token(), page.cookie());
    let good = format!("csrf_token={token}&action=stop&processname=web");
    let bare = b"action=stop&processname=web";
    let path = "/?action=stop&processname=web";

    let link = server.send(&Request::get(path));
    assert_eq!((link.status, link.header("allow")), (405, Some("POST")));
    for request in [
        Request::post(path, b"").form(),
        Request::post("/", bare).form(),
        Request::post("/", bare).form().header("Cookie", cookie),
        Request::post("/", good.as_bytes()).form(),
        Request::post("/", good.as_bytes())
            .form()
            .header("Cookie", "csrf=x"),
        Request::post("/", good.as_bytes())
            .form()
            .header("Cookie", cookie)
            .header("Origin", "http://evil.example"),
        Request::post("/", good.as_bytes())
            .form()
            .header("Cookie", cookie)
            .header("Sec-Fetch-Site", "cross-site"),
    ] {
        let answer = server.send(&request);
        assert_eq!(answer.status, 403, "{request:?}");
        assert!(answer.text().contains("Nothing was done"), "{request:?}");
    }
    server.wait_for_state("web", "RUNNING");

    // The same with everything in its place.
    let request = Request::post("/", good.as_bytes())
        .form()
        .header("Cookie", cookie);
    assert_eq!(server.send(&request).status, 303);
    server.wait_for_state("web", "STOPPED");
}

#[test]
fn the_tail_page_shows_the_end_of_a_log() {
    let mut server = Server::start(
        "[program:talk]\ncommand = /bin/sh -c 'printf \"\\033[1m<b>\\303\\033[0m\\nend\\n\"; sleep 1000'\n\
         startsecs = 0\nstdout_logfile = %(here)s/talk.log\nstderr_logfile = NONE\n",
    );
    server.wait_until("the log is there", |server| {
        std::fs::read(server.directory.path().join("talk.log"))
            .is_ok_and(|it| it.ends_with(b"end\n"))
    });
    for (query, part) in [
        (
            "?processname=talk",
            "<title>Supervisor tail of process talk</title>",
        ),
        ("?processname=talk", "\n&#60;b&#62;\u{FFFD}\nend\n</pre>"),
        ("?processname=talk&limit=16384", "limit=16384#end\">Refresh"),
        ("?processname=talk&limit=1", "limit=1024#end\">Refresh"),
        ("", "No process name found"),
        ("?processname=talk&channel=stderr", "No file for talk"),
        (
            "?processname=nope",
            "ERROR: unexpected rpc fault [10] BAD_NAME: nope",
        ),
        ("?processname=%3Cb%3E", "BAD_NAME: &#60;b&#62;"),
    ] {
        let page = server
            .send(&Request::get(&format!("/tail.html{query}")))
            .text();
        assert!(page.contains(part), "{query}: {part} is not in\n{page}");
    }
}

#[test]
fn what_the_pages_refer_to_is_there() {
    let server = Server::start("");
    let page = server.send(&Request::get("/")).text();
    let parts: Vec<_> = page
        .split('"')
        .filter(|part| part.starts_with("assets/"))
        .collect();
    assert_eq!(parts.len(), 3);
    for (part, kind) in parts
        .iter()
        .zip(["image/svg+xml", "text/css", "text/javascript"])
    {
        let answer = server.send(&Request::get(&format!("/{part}")));
        assert_eq!(answer.status, 200, "{part}");
        assert!(
            answer.header("content-type").unwrap().starts_with(kind),
            "{part}"
        );
    }
}

#[test]
fn the_socket_has_its_mode_and_one_daemon_at_a_time() {
    let server = Server::start("");
    let mode = std::fs::metadata(server.socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o710);

    let second = std::process::Command::new(env!("CARGO_BIN_EXE_mainstayd"))
        .arg("-n")
        .arg("-c")
        .arg(server.directory.path().join("supervisord.conf"))
        .output()
        .unwrap();

    assert_eq!(second.status.code(), Some(2));
    let text = String::from_utf8_lossy(&second.stderr);
    assert!(
        text.contains("Another program is already listening on a port"),
        "{text}"
    );
    assert_eq!(server.send(&Request::get("/ok.html")).status, 200);
    let socket = server.socket();
    assert!(socket.exists());
}

#[test]
fn a_silent_crowd_keeps_nobody_out() {
    let server = Server::start("");
    // More than there are places.
    let crowd: Vec<_> = (0..600)
        .map(|_| TcpStream::connect(("127.0.0.1", server.port)).unwrap())
        .collect();

    assert_eq!(server.send(&Request::get("/ok.html")).status, 200);
    let request = Request::get("/ok.html").header("Authorization", "Basic Y2hyaXM6MTIz");
    assert_eq!(server.send_tcp(&request).status, 200);
    drop(crowd);
}

#[test]
fn requests_share_a_connection() {
    let server = Server::start("");
    let stream = UnixStream::connect(server.socket()).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut reader = std::io::BufReader::new(stream);
    // Both at once; the answers come in order.
    let request = "GET /ok.html HTTP/1.1\r\nHost: x\r\n\r\n";
    std::io::Write::write_all(&mut writer, request.repeat(2).as_bytes()).unwrap();
    for _ in 0..2 {
        assert_eq!(Answer::head_of(&mut reader).status, 200);
        let mut body = [0; 2];
        reader.read_exact(&mut body).unwrap();
        assert_eq!(&body, b"OK");
    }
}

#[test]
fn a_shutdown_is_answered_and_ends_the_streams() {
    let mut server = Server::start(SLEEPER);
    server.wait_for_state("web", "RUNNING");
    let stream = UnixStream::connect(server.socket()).unwrap();
    let mut tail = Request::get("/mainlogtail").begin(stream);
    assert_eq!(Answer::head_of(&mut tail).status, 200);

    assert_eq!(
        server.call("supervisor.shutdown", &[]),
        Ok(Value::Bool(true))
    );

    let mut rest = Vec::new();
    tail.read_to_end(&mut rest).unwrap();
    let socket = server.socket();
    server.wait_until("the socket is gone", |_| !socket.exists());
}
