//! What breaks shows a whole page that tells nothing, and one line in the log that tells all.

use crate::client::Answer;
use crate::site::Site;

#[test]
fn a_template_that_fails_half_way_yields_a_whole_error_page() {
    let site = Site::start();
    let answer = site.client().get("/demo/half-page");
    assert_eq!(answer.status, 500);
    assert_tells_nothing(&answer, &["A row of the report", "ledger"]);
    let line = site.wait_for_line(answer.header("x-request-id").unwrap());
    assert!(
        line.contains("rendering the report") && line.contains("the ledger ends"),
        "{line}"
    );
}

#[test]
fn a_failing_database_shows_nothing_and_logs_one_line() {
    let site = Site::start();
    let mut browser = site.client();
    browser.sign_up("Ada", "correct horse battery");
    browser.log_in("Ada", "correct horse battery");
    site.execute("DROP TABLE members");

    let answer = browser.get("/members");
    assert_eq!(answer.status, 500);
    assert_tells_nothing(
        &answer,
        &["no such table", "sqlx", "sqlite", "SELECT", "database"],
    );

    let id = answer.header("x-request-id").unwrap();
    let log = site.log();
    let about: Vec<&String> = log
        .iter()
        .filter(|line| line.contains("no such table"))
        .collect();
    assert_eq!(about.len(), 1, "{about:#?}");
    for part in [
        "ERROR",
        "HTTP 500",
        "looking up the member of a session: ",
        "no such table: members",
        "GET",
        "/members",
        id,
    ] {
        assert!(about[0].contains(part), "{part} is missing in {}", about[0]);
    }
    assert_eq!(
        log.iter().filter(|line| line.contains("ERROR")).count(),
        1,
        "{log:#?}"
    );
}

#[test]
fn failing_sessions_are_logged_once_as_well() {
    let site = Site::start();
    let mut member = site.client();
    member.sign_up("Ada", "correct horse battery");
    member.log_in("Ada", "correct horse battery");
    let mut visitor = site.client();
    let (field, token) = visitor.get("/auth/login").token();
    site.execute("DROP TABLE sessions");

    let fields = [
        ("name", "Ada"),
        ("password", "correct horse battery"),
        (field.as_str(), token.as_str()),
    ];
    for (answer, doing) in [
        (
            member.get("/members"),
            "who is this visitor: loading the session: ",
        ),
        (
            visitor.post("/auth/login", &[], &fields),
            "starting a session: ",
        ),
    ] {
        assert_eq!(answer.status, 500);
        assert_tells_nothing(&answer, &["no such table", "sqlx", "database"]);
        let id = answer.header("x-request-id").unwrap();
        let about: Vec<String> = site
            .log()
            .into_iter()
            .filter(|line| line.contains(id))
            .collect();
        assert_eq!(about.len(), 1, "{about:#?}");
        assert!(
            about[0].contains(doing) && about[0].contains("no such table"),
            "{}",
            about[0]
        );
    }
    let causes = site
        .log()
        .iter()
        .filter(|line| line.contains("no such table"))
        .count();
    assert_eq!(causes, 2, "one line for each request");
}

#[test]
fn nothing_there_is_a_page_too() {
    let site = Site::start();
    let answer = site.client().get("/nowhere");
    assert_eq!(answer.status, 404);
    assert!(
        answer.body.contains("There is nothing at this address."),
        "{}",
        answer.body
    );
    assert!(answer.header("content-security-policy").is_some());
    let answer = site
        .client()
        .send("PUT", "/signup", &[("accept", "text/html")], "");
    assert!(matches!(answer.status, 403 | 405), "{answer:?}");
}

#[test]
fn ids_of_requests_are_the_sites_own() {
    let site = Site::start();
    let answer = site
        .client()
        .send("GET", "/", &[("x-request-id", "mine")], "");
    let id = answer.header("x-request-id").unwrap();
    assert!(id.len() >= 16 && id != "mine", "{id}");
}

#[track_caller]
fn assert_tells_nothing(answer: &Answer, private: &[&str]) {
    assert!(
        answer.body.trim_end().ends_with("</html>"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains(answer.header("x-request-id").unwrap()));
    for text in private {
        assert!(
            !answer.body.contains(text),
            "{text} shows in {}",
            answer.body
        );
    }
}
