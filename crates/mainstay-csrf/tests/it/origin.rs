//! The origin layer: the tables of Fetch Metadata, `Origin` and `Referer`, each with a good cookie
//! and token, so that nothing else can be what refuses.

use mainstay_csrf::{Csrf, KeyRing};

use crate::support::{App, Ask, post};

struct Case(
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

async fn check(csrf: Csrf, host: &str, cases: &[Case]) {
    let app = App::behind(csrf.build().unwrap());
    let visit = app.visit().await;
    let mut passes = 0;
    for Case(what, headers, code) in cases {
        let ask = post("/do")
            .host(host)
            .cookie(&visit.cookie)
            .token(&visit.token);
        let ask = headers
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value));
        let answer = app.send(ask).await;
        assert_eq!(answer.code(), *code, "{host}: {what}: {}", answer.text());
        passes += usize::from(*code == "passed");
        assert_eq!(app.calls(), passes, "{what}");
    }
}

fn modern() -> Csrf {
    Csrf::new(KeyRing::generate())
}

#[tokio::test]
async fn by_default_the_own_origin_is_the_host_over_https() {
    check(
        modern(),
        "app.test",
        &[
            Case("nothing", &[], "passed"),
            Case(
                "own metadata",
                &[("sec-fetch-site", "same-origin")],
                "passed",
            ),
            Case("typed", &[("sec-fetch-site", "none")], "passed"),
            Case(
                "a word from the future",
                &[("sec-fetch-site", "same-party")],
                "passed",
            ),
            Case(
                "capitals are no word",
                &[("sec-fetch-site", "Cross-Site")],
                "passed",
            ),
            Case(
                "cross-site",
                &[("sec-fetch-site", "cross-site")],
                "cross_site",
            ),
            Case(
                "cross-site wins over a good origin",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://app.test"),
                ],
                "cross_site",
            ),
            Case("same-site", &[("sec-fetch-site", "same-site")], "same_site"),
            Case(
                "same-origin wins over null",
                &[("sec-fetch-site", "same-origin"), ("origin", "null")],
                "passed",
            ),
            Case("own", &[("origin", "https://app.test")], "passed"),
            Case(
                "own in capitals",
                &[("origin", "HTTPS://App.Test")],
                "passed",
            ),
            Case(
                "own with its default port",
                &[("origin", "https://app.test:443")],
                "passed",
            ),
            Case(
                "own without TLS",
                &[("origin", "http://app.test")],
                "insecure_origin",
            ),
            Case(
                "own host, other port",
                &[("origin", "https://app.test:8443")],
                "origin_mismatch",
            ),
            Case(
                "own host, http's port",
                &[("origin", "https://app.test:80")],
                "origin_mismatch",
            ),
            Case(
                "sibling",
                &[("origin", "https://evil.app.test")],
                "origin_mismatch",
            ),
            Case(
                "suffix",
                &[("origin", "https://app.test.evil")],
                "origin_mismatch",
            ),
            Case(
                "prefix",
                &[("origin", "https://evilapp.test")],
                "origin_mismatch",
            ),
            Case(
                "other scheme",
                &[("origin", "ftp://app.test")],
                "origin_mismatch",
            ),
            Case("null is no answer", &[("origin", "null")], "passed"),
            Case("empty", &[("origin", "")], "origin_malformed"),
            Case(
                "with a path",
                &[("origin", "https://app.test/")],
                "origin_malformed",
            ),
            Case(
                "with a user",
                &[("origin", "https://a@app.test")],
                "origin_malformed",
            ),
            Case(
                "two in one",
                &[("origin", "https://app.test https://app.test")],
                "origin_malformed",
            ),
            Case("rubbish", &[("origin", "app.test")], "origin_malformed"),
            Case(
                "two",
                &[
                    ("origin", "https://app.test"),
                    ("origin", "https://app.test"),
                ],
                "origin_malformed",
            ),
            Case(
                "two metadata",
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-site", "same-origin"),
                ],
                "origin_malformed",
            ),
            Case(
                "two hosts",
                &[("origin", "https://app.test"), ("host", "app.test")],
                "origin_malformed",
            ),
            Case(
                "referer",
                &[("referer", "https://app.test/form?a=b")],
                "passed",
            ),
            Case(
                "referer of another",
                &[("referer", "https://evil.test/form")],
                "referer_mismatch",
            ),
            Case(
                "referer hides it",
                &[("referer", "https://evil.test/https://app.test")],
                "referer_mismatch",
            ),
            Case(
                "referer without TLS",
                &[("referer", "http://app.test/form")],
                "insecure_origin",
            ),
            Case("opaque referer", &[("referer", "about:blank")], "passed"),
            Case("relative referer", &[("referer", "/form")], "passed"),
            Case(
                "unreadable referer",
                &[("referer", "https://a@app.test/form")],
                "origin_malformed",
            ),
            Case(
                "two referers",
                &[
                    ("referer", "https://app.test/"),
                    ("referer", "https://app.test/"),
                ],
                "origin_malformed",
            ),
            Case(
                "a good origin ends the matter",
                &[
                    ("origin", "https://app.test"),
                    ("referer", "https://evil.test/"),
                ],
                "passed",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn loopback_works_without_tls_and_only_loopback_does() {
    for host in ["localhost", "a.localhost", "127.0.0.1", "[::1]"] {
        let app = App::behind(modern().build().unwrap());
        let visit = app.visit().await;
        for (origin, code) in [
            (format!("http://{host}:3000"), "passed"),
            (format!("https://{host}:3000"), "passed"),
            (format!("http://{host}:3001"), "origin_mismatch"),
            (format!("http://{host}"), "origin_mismatch"),
            ("http://evil.test:3000".to_owned(), "origin_mismatch"),
        ] {
            let ask = post("/do")
                .host(&format!("{host}:3000"))
                .header("origin", &origin);
            let answer = app
                .send(ask.cookie(&visit.cookie).token(&visit.token))
                .await;
            assert_eq!(answer.code(), code, "{host} {origin}");
        }
    }
    let plain = [Case(
        "plain",
        &[("origin", "http://10.0.0.1:3000")],
        "insecure_origin",
    )];
    check(modern(), "10.0.0.1:3000", &plain).await;
}

#[tokio::test]
async fn plain_http_is_an_option_with_a_long_name() {
    check(
        modern().insecure_plain_http(true),
        "10.0.0.1:3000",
        &[
            Case("own", &[("origin", "http://10.0.0.1:3000")], "passed"),
            Case(
                "own with TLS",
                &[("origin", "https://10.0.0.1:3000")],
                "passed",
            ),
            Case(
                "other port",
                &[("origin", "http://10.0.0.1:3001")],
                "origin_mismatch",
            ),
            Case(
                "other",
                &[("origin", "http://10.0.0.2:3000")],
                "origin_mismatch",
            ),
        ],
    )
    .await;
    let app = App::behind(modern().insecure_plain_http(true).build().unwrap());
    assert!(app.visit().await.cookie.starts_with("csrf="));
}

#[tokio::test]
async fn a_configured_origin_is_the_only_one() {
    check(
        modern()
            .own_origin("https://www.test")
            .own_origin("https://apex.test:8443"),
        "internal:8080",
        &[
            Case("one", &[("origin", "https://www.test")], "passed"),
            Case(
                "the other",
                &[("origin", "https://apex.test:8443")],
                "passed",
            ),
            Case(
                "the host",
                &[("origin", "https://internal:8080")],
                "origin_mismatch",
            ),
            Case(
                "without TLS",
                &[("origin", "http://www.test")],
                "insecure_origin",
            ),
            Case("referer", &[("referer", "https://www.test/x")], "passed"),
            Case(
                "referer of the host",
                &[("referer", "https://internal:8080/x")],
                "referer_mismatch",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn trusted_origins_are_whole_ones() {
    check(
        modern()
            .trust_origin("https://ui.test")
            .trust_origin("app://desktop"),
        "app.test",
        &[
            Case("trusted", &[("origin", "https://ui.test")], "passed"),
            Case("custom scheme", &[("origin", "app://desktop")], "passed"),
            // CVE-2025-47909: gorilla looks at the host alone.
            Case(
                "without TLS",
                &[("origin", "http://ui.test")],
                "origin_mismatch",
            ),
            Case(
                "other scheme",
                &[("origin", "ftp://ui.test")],
                "origin_mismatch",
            ),
            Case(
                "other port",
                &[("origin", "https://ui.test:8443")],
                "origin_mismatch",
            ),
            Case(
                "below it",
                &[("origin", "https://x.ui.test")],
                "origin_mismatch",
            ),
            Case(
                "cross-site",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://ui.test"),
                ],
                "passed",
            ),
            Case(
                "same-site",
                &[
                    ("sec-fetch-site", "same-site"),
                    ("origin", "https://ui.test"),
                ],
                "passed",
            ),
            Case(
                "cross-site from elsewhere",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://evil.test"),
                ],
                "cross_site",
            ),
            Case(
                "cross-site from nowhere",
                &[("sec-fetch-site", "cross-site")],
                "cross_site",
            ),
            Case(
                "cross-site from null",
                &[("sec-fetch-site", "cross-site"), ("origin", "null")],
                "cross_site",
            ),
            Case("referer", &[("referer", "https://ui.test/page")], "passed"),
        ],
    )
    .await;
}

#[tokio::test]
async fn siblings_can_be_trusted_together() {
    check(
        modern().trust_same_site(true),
        "app.test",
        &[
            Case("same-site", &[("sec-fetch-site", "same-site")], "passed"),
            Case(
                "cross-site",
                &[("sec-fetch-site", "cross-site")],
                "cross_site",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_proxys_headers_count_only_when_they_are_trusted() {
    let forwarded = &[
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "app.test"),
        ("origin", "https://app.test"),
    ];
    check(
        modern(),
        "internal",
        &[Case("not trusted", forwarded, "origin_mismatch")],
    )
    .await;
    check(
        modern().trust_proxy_headers(true),
        "internal",
        &[
            Case("trusted", forwarded, "passed"),
            Case("no headers", &[("origin", "https://internal")], "passed"),
            Case(
                "standard",
                &[
                    (
                        "forwarded",
                        "for=1.2.3.4;proto=https;host=\"app.test:8443\"",
                    ),
                    ("origin", "https://app.test:8443"),
                ],
                "passed",
            ),
            Case(
                "plain to the proxy",
                &[
                    ("x-forwarded-proto", "http"),
                    ("x-forwarded-host", "app.test"),
                    ("origin", "http://app.test"),
                ],
                "passed",
            ),
            Case(
                "TLS lost on the way",
                &[
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "app.test"),
                    ("origin", "http://app.test"),
                ],
                "insecure_origin",
            ),
            Case(
                "the last proxy has the last word",
                &[
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "evil.test, app.test"),
                    ("origin", "https://evil.test"),
                ],
                "origin_mismatch",
            ),
            Case(
                "host kept",
                &[
                    ("x-forwarded-proto", "https"),
                    ("origin", "https://internal"),
                ],
                "passed",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_text_says_what_to_set() {
    let app = App::behind(modern().build().unwrap());
    let answer = app
        .send(
            post("/do")
                .host("internal:8080")
                .header("origin", "https://app.test"),
        )
        .await;
    answer.assert_refused("origin_mismatch");
    for part in [
        "`https://app.test`",
        "`https://internal:8080`",
        "own_origin",
    ] {
        assert!(answer.text().contains(part), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_request_without_any_host_has_no_own_origin() {
    let request = |origin: &str| {
        let builder = http::Request::builder()
            .method("POST")
            .uri("/do")
            .header("origin", origin);
        builder.body(axum::body::Body::empty()).unwrap()
    };
    let app = App::behind(modern().build().unwrap());
    app.send(request("https://app.test"))
        .await
        .assert_refused("origin_mismatch");
}

#[tokio::test]
async fn the_request_targets_authority_comes_before_host() {
    let app = App::behind(modern().build().unwrap());
    let visit = app.visit().await;
    let ask = |origin: &str| -> Ask {
        post("https://real.test/do")
            .header("origin", origin)
            .cookie(&visit.cookie)
            .token(&visit.token)
    };
    app.send(ask("https://real.test")).await.assert_passed();
    app.send(ask("https://app.test"))
        .await
        .assert_refused("origin_mismatch");
}

#[tokio::test]
async fn tokens_can_be_left_to_those_who_need_them() {
    let csrf = modern()
        .tokens(mainstay_csrf::Tokens::UnlessSameOrigin)
        .trust_origin("https://ui.test");
    let app = App::behind(csrf.build().unwrap());
    let visit = app.visit().await;
    for (header, value, without, with) in [
        ("sec-fetch-site", "same-origin", "passed", "passed"),
        ("origin", "https://app.test", "passed", "passed"),
        ("referer", "https://app.test/x", "passed", "passed"),
        ("sec-fetch-site", "none", "token_missing", "passed"),
        ("origin", "null", "token_missing", "passed"),
        ("origin", "https://ui.test", "token_missing", "passed"),
        (
            "origin",
            "https://evil.test",
            "origin_mismatch",
            "origin_mismatch",
        ),
        ("x-nothing", "", "token_missing", "passed"),
    ] {
        let ask = || post("/do").header(header, value).cookie(&visit.cookie);
        assert_eq!(app.send(ask()).await.code(), without, "{header}: {value}");
        assert_eq!(
            app.send(ask().token(&visit.token)).await.code(),
            with,
            "{header}: {value}"
        );
    }
}
