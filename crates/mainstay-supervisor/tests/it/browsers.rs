//! What browsers may do, and what pages of other sites cannot make them do, over real sockets.

use mainstay_supervisor::rpc::{Value, xml};

use crate::web_client::{Answer, Request, Server};

const SLEEPER: &str = "[program:web]\ncommand = /bin/sleep 1000\nstartsecs = 0\n\
     stdout_logfile = %(here)s/web.log\n";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const BY_GET: &str = "allow_actions_by_get = true\n";

/// Every action, whether it has a process, and what it says.
const ACTIONS: &[(&str, &str)] = &[
    ("stop&processname=web", "Process web stopped"),
    ("start&processname=web", "Process web started"),
    ("restart&processname=web", "Process web restarted"),
    ("clearlog&processname=web", "Log for web cleared"),
    ("stopall", "All stopped at "),
    ("startall", "All started at "),
    ("restartall", "All restarted at "),
];

fn pid(server: &Server) -> i32 {
    let info = server
        .call("supervisor.getProcessInfo", &[Value::from("web")])
        .unwrap();
    info.get("pid").and_then(Value::as_int).unwrap()
}

fn message(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let location = answer.header("location").unwrap();
    let encoded = location
        .strip_prefix("./?message=")
        .unwrap_or_else(|| panic!("{location} is not relative"));
    percent_encoding::percent_decode_str(encoded)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

#[test]
fn links_do_nothing_and_say_what_does() {
    let mut server = Server::start(SLEEPER);
    server.wait_for_state("web", "RUNNING");
    let before = pid(&server);
    std::fs::write(server.directory.path().join("web.log"), "precious").unwrap();
    for (action, _) in ACTIONS {
        for page in ["/", "/index.html", "//"] {
            let path = format!("{page}?action={action}");
            let answer = server.send(&Request::get(&path));
            assert_eq!(answer.status, 405, "{path}");
            assert_eq!(answer.header("allow"), Some("POST"));
            let text = answer.text();
            assert!(text.contains("Nothing was done"), "{text}");
            assert!(text.contains("allow_actions_by_get"), "{text}");
        }
    }
    assert_eq!(server.send(&Request::get("/?action=refresh")).status, 200);
    assert_eq!(pid(&server), before);
    let log = std::fs::read(server.directory.path().join("web.log")).unwrap();
    assert_eq!(log, b"precious");
}

#[test]
fn links_act_where_that_is_configured() {
    let mut server = Server::with_options(BY_GET, "", SLEEPER);
    server.wait_for_state("web", "RUNNING");
    for page in ["/", "/index.html"] {
        for (action, expected) in ACTIONS.iter().chain(&[("refresh", "Page refreshed at ")]) {
            let before = pid(&server);
            std::fs::write(server.directory.path().join("web.log"), "old").unwrap();
            let path = format!("{page}?action={action}");
            let said = message(&server.send(&Request::get(&path)));
            assert!(said.starts_with(expected), "{path}: {said}");
            let (after, word) = (pid(&server), action.split('&').next().unwrap());
            match word {
                "stop" | "stopall" => assert_eq!(after, 0, "{path}"),
                "start" | "startall" => assert!(before == 0 && after > 0, "{path}"),
                "restart" | "restartall" => assert!(after > 0 && after != before, "{path}"),
                _ => assert_eq!(after, before, "{path}"),
            }
            if word == "clearlog" {
                let log = std::fs::read(server.directory.path().join("web.log")).unwrap();
                assert_eq!(log, b"");
            }
        }
    }
    for (query, expected) in [
        (
            "action=start&processname=web",
            "ERROR: Process web: already started",
        ),
        ("action=stop&processname=nope", "No such process named nope"),
    ] {
        let path = format!("/?{query}");
        assert_eq!(message(&server.send(&Request::get(&path))), expected);
    }
    // One server's switch is not the other's.
    let path = "/?action=stop&processname=web";
    assert_eq!(server.send_tcp(&Request::get(path)).status, 405);
}

#[test]
fn links_on_pages_of_other_sites_do_nothing_even_so() {
    let mut server = Server::with_options(BY_GET, "", SLEEPER);
    server.wait_for_state("web", "RUNNING");
    let path = "/?action=stop&processname=web";
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Referer", "http://evil.example/page"),
        ("Referer", "http://localhost:8000/"),
        ("Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
    ] {
        let answer = server.send(&Request::get(path).header(name, value));
        assert_eq!(answer.status, 403, "{name}: {value}");
        assert!(
            answer.text().contains("Nothing was done"),
            "{name}: {value}"
        );
    }
    assert_eq!(server.send(&Request::get(path).method("HEAD")).status, 405);
    server.wait_for_state("web", "RUNNING");

    for (name, value) in [
        // A bookmark; the address typed in; a link on our own page; a script.
        ("Sec-Fetch-Site", "none"),
        ("User-Agent", FIREFOX),
        ("Sec-Fetch-Site", "same-origin"),
        ("Referer", "http://localhost/index.html"),
        ("User-Agent", "curl/8.14.1"),
    ] {
        let path = "/?action=restart&processname=web";
        let answer = server.send(&Request::get(path).header(name, value));
        assert_eq!(message(&answer), "Process web restarted", "{name}: {value}");
    }
}

#[test]
fn a_browser_gets_nothing_under_a_name_that_anybody_may_own() {
    let mut server = Server::with_options("", "", SLEEPER);
    server.wait_for_state("web", "RUNNING");
    let stop = xml::write_call("supervisor.stopProcess", &[Value::from("web")]);
    let evil = format!("evil.example:{}", server.port);
    let origin = format!("http://{evil}");
    let post = || {
        Request::post("/RPC2", &stop)
            .host(&evil)
            .header("Content-Type", "text/xml")
    };
    for request in [
        Request::get("/").host(&evil).header("User-Agent", FIREFOX),
        Request::get("/mainlogtail")
            .host(&evil)
            .header("Referer", &origin),
        Request::get("/logtail/web")
            .host(&evil)
            .header("Sec-Fetch-Site", "same-origin"),
        Request::get("/nope")
            .host(&evil)
            .header("User-Agent", FIREFOX),
        post().header("Origin", &origin),
        post().header("User-Agent", FIREFOX),
        post().header("Sec-Fetch-Mode", "cors"),
        Request::post("/", b"action=stopall")
            .form()
            .host(&evil)
            .header("Origin", &origin),
    ] {
        let answer = server.send_tcp(&request);
        assert_eq!(answer.status, 421, "{request:?}");
        let text = answer.text();
        assert!(text.contains("no password"), "{text}");
        assert!(text.contains("set username and password"), "{text}");
        assert!(!text.contains("web.log"), "{text}");
    }
    assert!(server.main_log().contains("under a name that is not ours"));
    server.wait_for_state("web", "RUNNING");

    // A foreign page, with our own name.
    for (name, value) in [
        ("Origin", "http://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let request = Request::post("/RPC2", &stop)
            .header("Content-Type", "text/xml")
            .header(name, value);
        assert_eq!(server.send_tcp(&request).status, 403, "{name}: {value}");
    }
    server.wait_for_state("web", "RUNNING");
}

#[test]
fn browsers_that_ask_for_us_and_programs_that_ask_for_anybody_are_answered() {
    let server = Server::with_options("", "", SLEEPER);
    let call = xml::write_call("supervisor.getPID", &[]);
    let machine = nix::unistd::gethostname().unwrap().into_string().unwrap();
    let port = server.port;
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("supervisor.localhost:{port}"),
        format!("[::1]:{port}"),
        format!("{machine}:{port}"),
        "10.1.2.3".to_owned(),
    ] {
        let page = Request::get("/").host(&host).header("User-Agent", FIREFOX);
        assert_eq!(server.send_tcp(&page).status, 200, "{host}");
        let call = Request::post("/RPC2", &call)
            .host(&host)
            .header("User-Agent", FIREFOX)
            .header("Origin", &format!("http://{host}"))
            .header("Sec-Fetch-Site", "same-origin")
            .header("Content-Type", "text/xml");
        assert_eq!(server.send_tcp(&call).status, 200, "{host}");
    }
    for agent in [
        "Python-xmlrpc/3.13",
        "curl/8.14.1",
        "Go-http-client/1.1",
        "Telegraf/1.30",
    ] {
        for (host, content_type) in [
            ("monitored.example:9001", "text/xml"),
            ("monitored.example", "application/x-www-form-urlencoded"),
        ] {
            let call = Request::post("/RPC2", &call)
                .host(host)
                .header("User-Agent", agent)
                .header("Content-Type", content_type);
            assert_eq!(server.send_tcp(&call).status, 200, "{agent}");
        }
    }
}

#[test]
fn with_a_password_or_a_file_any_name_will_do() {
    let server = Server::start(SLEEPER);
    let page = Request::get("/")
        .host("admin.example")
        .header("User-Agent", FIREFOX);
    assert_eq!(server.send(&page).status, 200);
    let page = page.header("Authorization", "Basic Y2hyaXM6MTIz");
    assert_eq!(server.send_tcp(&page).status, 200);
}

#[test]
fn a_page_that_is_open_works_after_a_reload() {
    let mut server = Server::start(SLEEPER);
    server.wait_for_state("web", "RUNNING");
    let page = server.send(&Request::get("/"));
    let before = pid(&server);

    server.call("supervisor.restart", &[]).unwrap();

    server.wait_until("the daemon is back", |server| {
        let lines = server.main_log();
        lines.matches("supervisord started with pid").count() == 2
            && std::os::unix::net::UnixStream::connect(server.socket()).is_ok()
    });
    server.wait_for_state("web", "RUNNING");
    assert_ne!(pid(&server), before);
    let form = format!("csrf_token={}&action=stop&processname=web", page.token());
    let press = Request::post("/", form.as_bytes())
        .form()
        .header("Cookie", page.cookie());
    assert_eq!(message(&server.send(&press)), "Process web stopped");
}
