//! Clients that misbehave. In each case the daemon goes on to answer others, and uses little.

use std::fmt::Write as _;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use mainstay_supervisor::rpc::{Value, xml};

use crate::web_client::{Answer, DEADLINE, Request, Server};

const SLEEPER: &str = "[program:web]\ncommand = /bin/sleep 1000\nstartsecs = 0\n";

/// That it still answers, over both sockets; and that nothing has panicked.
#[track_caller]
fn answers(server: &Server) {
    let call = xml::write_call("supervisor.getState", &[]);
    let request = Request::post("/RPC2", &call).header("Content-Type", "text/xml");
    assert_eq!(server.send(&request).status, 200);
    let request = request.header("Authorization", "Basic Y2hyaXM6MTIz");
    assert_eq!(server.send_tcp(&request).status, 200);
    let log = server.main_log();
    assert!(!log.contains("panicked"), "{log}");
}

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(("127.0.0.1", server.port)).unwrap()
}

#[test]
fn clients_that_never_read_their_answers_hold_nobody_up() {
    let server = Server::start(SLEEPER);
    std::fs::write(
        server.directory.path().join("main.log"),
        "x".repeat(4 << 20),
    )
    .unwrap();
    let call = xml::write_call("supervisor.readLog", &[Value::Int(0), Value::Int(4 << 20)]);
    let deaf: Vec<_> = (0..10)
        .map(|_| {
            let stream = UnixStream::connect(server.socket()).unwrap();
            let reader = Request::post("/RPC2", &call)
                .header("Content-Type", "text/xml")
                .begin(stream);
            answers(&server);
            reader
        })
        .collect();
    answers(&server);
    // Ten answers of four megabytes, and what it takes to make one.
    let memory = server.most_memory();
    assert!(memory < 100 << 10, "{memory} KiB");
    drop(deaf);
}

#[test]
fn a_flood_that_nobody_reads_costs_no_memory() {
    let mut server = Server::start(
        "[program:flood]\ncommand = sh -c 'sleep 0.2; head -c 50000000 /dev/zero; exec sleep 1000'\n\
         startsecs = 0\nstdout_logfile = %(here)s/flood.log\nstdout_logfile_maxbytes = 0\n",
    );
    let log = server.directory.path().join("flood.log");
    server.wait_until("the log is there", |_| log.exists());
    let stream = UnixStream::connect(server.socket()).unwrap();
    let deaf = Request::get("/logtail/flood").begin(stream);
    server.wait_until("all is written", |_| {
        std::fs::metadata(&log).is_ok_and(|it| it.len() == 50_000_000)
    });
    answers(&server);
    let memory = server.most_memory();
    assert!(memory < 40 << 10, "{memory} KiB");
    drop(deaf);
}

#[test]
fn clients_that_dribble_keep_nobody_out() {
    let server = Server::start(SLEEPER);
    // More than there are places, each in the middle of saying something.
    let beginnings = [
        "G",
        "GET / HTTP/1.1\r\nHost: x\r\n",
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic Y2hyaXM6MTIz\r\n\
         Content-Type: text/xml\r\nContent-Length: 500\r\n",
    ];
    let crowd: Vec<_> = (0..600)
        .map(|number| {
            let mut stream = connect(&server);
            let beginning = beginnings[number % beginnings.len()];
            // One that had to leave for another is gone, which is as it should be.
            let _ = stream.write_all(beginning.as_bytes());
            stream
        })
        .collect();
    answers(&server);
    assert!(server.descriptors() < 600, "{}", server.descriptors());
    drop(crowd);
}

#[test]
fn a_thousand_at_once_are_all_answered() {
    let server = Server::start(SLEEPER);
    let call = xml::write_call("supervisor.getAllProcessInfo", &[]);
    let request = Request::post("/RPC2", &call)
        .header("Content-Type", "text/xml")
        .header("Authorization", "Basic Y2hyaXM6MTIz");
    let answered = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    // All are open before the first asks.
                    let streams: Vec<_> = (0..50).map(|_| connect(&server)).collect();
                    let readers: Vec<_> = streams
                        .into_iter()
                        .map(|stream| request.begin(stream))
                        .collect();
                    readers
                        .into_iter()
                        .map(|mut reader| Answer::head_of(&mut reader).status)
                        .filter(|status| *status == 200)
                        .count()
                })
            })
            .collect();
        let unix: usize = (0..500)
            .map(|_| server.send(&request))
            .filter(|answer| answer.status == 200)
            .count();
        let tcp: usize = workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum();
        tcp + unix
    });
    assert_eq!(answered, 1000);
    answers(&server);
    let memory = server.most_memory();
    assert!(memory < 64 << 10, "{memory} KiB");
}

#[test]
fn where_few_descriptors_may_be_open_a_crowd_leaves_some_for_programs() {
    let limited = "minfds = 100\n";
    let mut server = Server::limited_to(
        100,
        &format!("{limited}[program:late]\ncommand = cat\nautostart = false\nstartsecs = 0\n"),
    );
    let crowd: Vec<_> = (0..300).map(|_| connect(&server)).collect();
    let readers: Vec<_> = (0..50)
        .map(|_| UnixStream::connect(server.socket()).unwrap())
        .collect();

    answers(&server);
    server
        .call("supervisor.startProcess", &[Value::from("late")])
        .unwrap();

    assert!(server.descriptors() <= 100);
    drop((crowd, readers));
    server.wait_for_state("late", "RUNNING");
}

#[test]
fn who_hangs_up_in_the_middle_leaves_nothing_behind() {
    let mut server = Server::start(
        "[program:slow]\ncommand = sh -c 'sleep 0.3; exec sleep 1000'\nstartsecs = 1\n\
         autostart = false\n",
    );
    answers(&server);
    let before = server.descriptors();
    let log = xml::write_call("supervisor.readLog", &[Value::Int(0), Value::Int(0)]);
    for round in 0..30 {
        let mut stream = UnixStream::connect(server.socket()).unwrap();
        match round % 5 {
            0 => {}
            1 => stream.write_all(b"POST /RPC2 HT").unwrap(),
            2 => stream
                .write_all(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<meth")
                .unwrap(),
            3 => drop(Request::get("/mainlogtail").begin(stream)),
            _ => drop(Request::post("/RPC2", &log).begin(stream)),
        }
    }
    // What was asked for is done, although nobody waits for the answer.
    let start = xml::write_call("supervisor.startProcess", &[Value::from("slow")]);
    drop(Request::post("/RPC2", &start).begin(UnixStream::connect(server.socket()).unwrap()));
    server.wait_for_state("slow", "RUNNING");
    server
        .call("supervisor.stopProcess", &[Value::from("slow")])
        .unwrap();
    server.wait_until("the connections are let go", |server| {
        server.descriptors() <= before
    });
    answers(&server);
}

#[test]
fn a_tail_loses_nothing_when_the_log_rotates_under_it() {
    let mut server = Server::start(
        "[program:count]\ncommand = sh -c 'read go; seq -f %%012.0f 1 200000; exec sleep 1000'\n\
         startsecs = 0\nstdout_logfile = %(here)s/count.log\nstdout_logfile_maxbytes = 100KB\n\
         stdout_logfile_backups = 100\n",
    );
    server.wait_for_state("count", "RUNNING");
    let stream = UnixStream::connect(server.socket()).unwrap();
    let mut tail = Request::get("/logtail/count").begin(stream);
    assert_eq!(Answer::head_of(&mut tail).status, 200);

    server
        .call(
            "supervisor.sendProcessStdin",
            &[Value::from("count"), Value::from("go\n")],
        )
        .unwrap();

    let mut text = Vec::new();
    while text.len() < 200_000 * 13 {
        let mut size = String::new();
        tail.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        tail.read_exact(&mut chunk).unwrap();
        text.extend_from_slice(&chunk[..size]);
    }
    let expected = (1..=200_000).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "{number:012}");
        text
    });
    assert!(text == expected.as_bytes(), "something is missing or twice");
    let backups = |number: u32| server.directory.path().join(format!("count.log.{number}"));
    assert!(backups(10).exists(), "it has not rotated");
}

#[test]
fn a_multicall_of_ten_thousand_is_answered_and_keeps_nobody_waiting() {
    let server = Server::start(SLEEPER);
    let call = |name: &str| {
        Value::record([
            ("methodName", Value::from(name)),
            ("params", Value::Array(Vec::new())),
        ])
    };
    let many = Value::Array(vec![call("supervisor.getState"); 10_000]);
    let document = xml::write_call("system.multicall", &[many]);
    let stream = UnixStream::connect(server.socket()).unwrap();
    let mut reader = Request::post("/RPC2", &document)
        .header("Content-Type", "text/xml")
        .begin(stream);
    for _ in 0..20 {
        answers(&server);
    }
    let head = Answer::head_of(&mut reader);
    assert_eq!(head.status, 200);
    let mut body = Vec::new();
    reader.read_to_end(&mut body).unwrap();
    let results = xml::parse_response(&body).unwrap().unwrap();
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 10_000);
    for result in results {
        assert_eq!(result.get("statecode"), Some(&Value::Int(1)));
    }
}

#[test]
fn documents_that_grow_or_nest_are_refused() {
    let server = Server::start(SLEEPER);
    let laughs = {
        let mut text = String::from("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a0 'lol'>");
        for number in 1..30 {
            let before = number - 1;
            write!(
                text,
                "<!ENTITY a{number} '{}'>",
                format!("&a{before};").repeat(10)
            )
            .unwrap();
        }
        text + "]><methodCall><methodName>&a29;</methodName></methodCall>"
    };
    let external = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><methodCall>\
                    <methodName>&a;</methodName></methodCall>";
    let nested = |open: &str, close: &str| {
        format!(
            "<methodCall><methodName>a.b</methodName><params><param>{}{}</param></params>\
             </methodCall>",
            open.repeat(100_000),
            close.repeat(100_000)
        )
    };
    for (document, status) in [
        (laughs, 400),
        (external.to_owned(), 400),
        (
            nested("<value><array><data>", "</data></array></value>"),
            400,
        ),
        (
            nested(
                "<value><struct><member><name>a</name>",
                "</member></struct></value>",
            ),
            400,
        ),
        (nested("<value><array><data>", ""), 400),
        // What nobody knows is passed over, however deep; then nobody knows the method.
        (nested("<x>", "</x>"), 200),
    ] {
        let request =
            Request::post("/RPC2", document.as_bytes()).header("Content-Type", "text/xml");
        let beginning = &document[..60];
        assert_eq!(server.send(&request).status, status, "{beginning}");
        answers(&server);
    }
    let memory = server.most_memory();
    assert!(memory < 100 << 10, "{memory} KiB");
}

#[test]
fn heads_without_end_are_refused() {
    let server = Server::start("");
    for (beginning, more) in [
        ("GET / HTTP/1.1\r\nHost: x\r\nX: ", "x"),
        ("GET / HTTP/1.1\r\nHost: x\r\n", "A: b\r\n"),
        ("GET /", "x"),
    ] {
        let mut stream = UnixStream::connect(server.socket()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(beginning.as_bytes()).unwrap();
        let more = more.repeat(10_000);
        // Until it is refused, which closes it. Twenty megabytes is more than anybody may say.
        let _ = (0..2_000).try_for_each(|_| stream.write_all(more.as_bytes()));
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("HTTP/1.1 4") || answer.is_empty(),
            "{answer}"
        );
        answers(&server);
    }
    let memory = server.most_memory();
    assert!(memory < 40 << 10, "{memory} KiB");
}
