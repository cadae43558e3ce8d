//! Requests that somebody else made up are refused, and change nothing.

use crate::site::Site;

const PASSWORD: &str = "correct horse battery";

#[test]
fn a_forged_signup_gets_403_and_adds_nobody() {
    let site = Site::start();
    let mut browser = site.client();
    let (field, token) = browser.get("/signup").token();
    let (_, foreign) = site.client().get("/signup").token();
    let last = if token.ends_with('A') { "B" } else { "A" };
    let altered = format!("{}{last}", &token[..token.len() - 1]);
    let (field, token) = (field.as_str(), token.as_str());

    for (what, headers, sent) in [
        ("no token", &[][..], None),
        ("an empty token", &[], Some("")),
        ("an altered token", &[], Some(altered.as_str())),
        ("another browser's token", &[], Some(foreign.as_str())),
        (
            "a foreign origin",
            &[("origin", "http://evil.example")],
            Some(token),
        ),
        (
            "an opaque, cross-site origin",
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
            Some(token),
        ),
        (
            "a cross-site page",
            &[("sec-fetch-site", "cross-site")],
            Some(token),
        ),
        (
            "another port of this host",
            &[("sec-fetch-site", "same-site")],
            Some(token),
        ),
    ] {
        let mut fields = vec![("name", "Mallory"), ("password", PASSWORD)];
        fields.extend(sent.map(|token| (field, token)));
        let answer = browser.post("/signup/post", headers, &fields);
        assert_eq!(answer.status, 403, "{what}: {answer:?}");
        assert_eq!(site.count("members"), 0, "{what}");
    }

    let mut stranger = site.client();
    let answer = stranger.post(
        "/signup/post",
        &[],
        &[("name", "Mallory"), ("password", PASSWORD), (field, token)],
    );
    assert_eq!(
        (answer.status, site.count("members")),
        (403, 0),
        "a token without its cookie"
    );

    // None of the above was refused for another reason than the one it names.
    let answer = browser.post(
        "/signup/post",
        &[("sec-fetch-site", "same-origin")],
        &[("name", "Ada"), ("password", PASSWORD), (field, token)],
    );
    assert_eq!(
        (answer.status, site.count("members")),
        (303, 1),
        "{answer:?}"
    );
}

#[test]
fn a_forged_login_or_logout_changes_no_session() {
    let site = Site::start();
    let mut browser = site.client();
    browser.sign_up("Ada", PASSWORD);
    let old = browser.get("/auth/login").token();

    let login = [("name", "Ada"), ("password", PASSWORD)];
    assert_eq!(browser.post("/auth/login", &[], &login).status, 403);
    assert_eq!(site.count("sessions"), 0);

    browser.log_in("Ada", PASSWORD);
    assert_eq!(browser.post("/auth/logout", &[], &[]).status, 403);
    // What was handed out before the login does not count after it.
    assert_eq!(
        browser
            .post("/auth/logout", &[], &[(&old.0, &old.1)])
            .status,
        403
    );
    assert_eq!(site.count("sessions"), 1);
    assert_eq!(browser.get("/members").status, 200);
}

#[test]
fn the_refusal_is_a_page_of_the_site() {
    let site = Site::start();
    let answer = site.client().post("/signup/post", &[], &[]);
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("This request was turned away."),
        "{}",
        answer.body
    );
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}
