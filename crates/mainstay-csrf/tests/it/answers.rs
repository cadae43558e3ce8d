//! Refusals: their form, what may replace them, and what is said about them.

use std::{
    borrow::Cow,
    io::Write,
    sync::{Arc, Mutex},
};

use axum::{Router, response::Html, routing::any};
use http::{StatusCode, Uri, request::Parts};
use mainstay_csrf::{Binding, Csrf, CsrfToken, Failure, KeyRing, SessionUnavailable};

use crate::support::{App, Visit, get, post, send};

fn modern() -> Csrf {
    Csrf::new(KeyRing::generate())
}

#[tokio::test]
async fn the_default_answer_is_what_the_client_reads() {
    let app = App::behind(modern().build().unwrap());
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (accept, media, begins) in [
        (
            "*/*",
            "text/plain; charset=utf-8",
            "Forbidden - the cookie that goes",
        ),
        (browser, "text/html; charset=utf-8", "<!doctype html>"),
        (
            "application/json",
            "application/problem+json",
            "{\"type\":\"about:blank\"",
        ),
    ] {
        let answer = app.send(post("/do").header("accept", accept)).await;
        answer.assert_refused("cookie_missing");
        assert_eq!(answer.header("content-type"), Some(media));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.text().starts_with(begins), "{}", answer.text());
    }
    let json = app
        .send(post("/do").header("accept", "application/json"))
        .await;
    let json: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(
        (json["status"].as_u64(), json["code"].as_str()),
        (Some(403), Some("cookie_missing"))
    );
}

/// A binding whose name for what is missing would break out of every format.
struct Nasty;

const NASTY: &str = "a \"<script>\" & 'b\\'";

impl Binding for Nasty {
    fn current<'a>(&self, _: &'a Parts) -> Result<Option<Cow<'a, [u8]>>, SessionUnavailable> {
        Err(SessionUnavailable::new(NASTY))
    }
}

#[tokio::test]
async fn what_is_not_ours_is_escaped_in_every_format() {
    let keys = KeyRing::generate();
    let good = App::behind(Csrf::new(keys.clone()).build().unwrap());
    let Visit { cookie, token } = good.visit().await;
    let app = App::behind(Csrf::new(keys).session_binding(Nasty).build().unwrap());
    let ask = |accept: &str| {
        let ask = post("/do").cookie(&cookie).token(&token);
        ask.header("accept", accept)
    };
    let page = app.send(ask("text/html")).await;
    page.assert_refused("session_unavailable");
    let escaped = "a &quot;&lt;script&gt;&quot; &amp; &#39;b\\&#39; is missing";
    assert!(page.text().contains(escaped), "{}", page.text());
    assert!(!page.text().contains("<script>"), "{}", page.text());

    let json = app.send(ask("application/json")).await;
    let json: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    let detail = json["detail"].as_str().unwrap();
    assert!(
        detail.starts_with(&format!("{NASTY} is missing")),
        "{detail}"
    );
}

#[tokio::test]
async fn an_origin_is_shown_only_if_it_is_one() {
    let app = App::behind(modern().build().unwrap());
    let ask = |name: &str, origin: &str| {
        let ask = post("/do").header("accept", "text/html");
        ask.header(name, origin)
    };
    let shown = app.send(ask("referer", "https://x-y_z.test/")).await;
    assert!(shown.text().contains("x-y_z.test"));
    for host in ["a'b\"<script>", "a<script>.test", "a&amp;.test"] {
        for (name, code) in [
            ("origin", "origin_malformed"),
            ("referer", "origin_malformed"),
        ] {
            let answer = app.send(ask(name, &format!("https://{host}"))).await;
            answer.assert_refused(code);
            assert!(!answer.text().contains(host), "{}", answer.text());
        }
    }
}

#[cfg(feature = "handler")]
#[tokio::test]
async fn with_an_error_layer_its_pages_are_used() {
    let router: Router = Router::new()
        .fallback(any(|| async {}))
        .layer(modern().build().unwrap())
        .layer(mainstay_handler::ErrorLayer::new());
    let ask = |accept: &str| post("/do").header("accept", accept);
    let json = send(&router, ask("application/json")).await;
    json.assert_refused("cookie_missing");
    let body: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(body["status"], 403);
    assert_eq!(body["code"], "cookie_missing");
    assert!(body["detail"].as_str().unwrap().contains("reload the page"));
    let page = send(&router, ask("text/html")).await;
    page.assert_refused("cookie_missing");
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(page.text().contains("reload the page"), "{}", page.text());
    assert!(!page.text().contains("<small>cookie_missing"), "ours");
}

#[tokio::test]
async fn a_closure_answers_with_the_request_at_hand() {
    let csrf = modern().on_reject(|failure, parts| {
        (
            StatusCode::IM_A_TEAPOT,
            format!("{} {}", failure.code(), parts.uri.path()),
        )
    });
    let answer = App::behind(csrf.build().unwrap()).send(post("/do?x")).await;
    answer.assert_refused("cookie_missing");
    assert_eq!(
        (answer.status.as_u16(), answer.text().as_str()),
        (418, "cookie_missing /do")
    );
}

#[tokio::test]
async fn an_axum_handler_answers_and_can_hand_out_a_new_token() {
    async fn again(failure: Failure, uri: Uri, token: CsrfToken) -> Html<String> {
        Html(format!(
            "{}\n{}\n{}",
            failure.code(),
            uri.path(),
            token.value()
        ))
    }
    let app = App::behind(modern().on_reject_handler(again).build().unwrap());
    let answer = app.send(post("/do")).await;
    answer.assert_refused("cookie_missing");
    assert_eq!(
        answer.status, 403,
        "a handler that forgets the status does not make it a success"
    );
    let text = answer.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["cookie_missing", "/do"]);
    assert_eq!(answer.all("vary"), ["Cookie"]);

    let set = answer.set_cookies();
    let cookie = set[0].split(';').next().unwrap();
    app.send(post("/do").cookie(cookie).token(lines[2]))
        .await
        .assert_passed();

    // Where the cookie is good, the new token goes with it.
    let answer = app.send(post("/do").cookie(cookie).token("x")).await;
    assert!(
        answer
            .assert_refused("token_malformed")
            .set_cookies()
            .is_empty()
    );
    let token = answer.text().lines().last().unwrap().to_owned();
    app.send(post("/do").cookie(cookie).token(&token))
        .await
        .assert_passed();
}

#[tokio::test]
async fn report_only_lets_everything_pass_and_says_so() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let counted = Arc::clone(&seen);
    let csrf = modern()
        .report_only(true)
        .observe(move |code| counted.lock().unwrap().push(code));
    let router: Router = Router::new()
        .fallback(any(|failure: Option<Failure>| async move {
            failure.map_or("none", |failure| failure.code())
        }))
        .layer(csrf.build().unwrap());
    for (ask, code) in [
        (post("/do"), "cookie_missing"),
        (
            post("/do").header("origin", "https://evil.test"),
            "origin_mismatch",
        ),
        (
            post("/do")
                .cookie(&format!("__Host-csrf={}", "A".repeat(43)))
                .form("a=1"),
            "token_missing",
        ),
    ] {
        let answer = send(&router, ask).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.text(), code, "the handler can know");
        assert_eq!(answer.code(), code, "and so can the layers around");
    }
    assert_eq!(
        *seen.lock().unwrap(),
        ["cookie_missing", "origin_mismatch", "token_missing"]
    );
    let answer = send(&router, get("/")).await;
    assert_eq!((answer.text().as_str(), answer.code()), ("none", "passed"));
}

#[tokio::test]
async fn every_refusal_is_counted_by_its_code() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let counted = Arc::clone(&seen);
    let app = App::behind(
        modern()
            .observe(move |code| counted.lock().unwrap().push(code))
            .build()
            .unwrap(),
    );
    let visit = app.visit().await;
    app.send(post("/do").cookie(&visit.cookie).token(&visit.token))
        .await
        .assert_passed();
    app.send(post("/do")).await;
    app.send(post("/do").cookie(&visit.cookie).form("a=1"))
        .await;
    assert_eq!(*seen.lock().unwrap(), ["cookie_missing", "token_missing"]);
}

/// A log that a test can read.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .filter(|line| line.contains(" mainstay_csrf: "))
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_event_per_refusal_at_the_right_level_and_without_secrets() {
    let app = App::behind(modern().build().unwrap());
    let visit = app.visit().await;
    let log = Log::default();
    let guard = log.listen();
    let full = || {
        post("/do?secret=1")
            .cookie(&visit.cookie)
            .token(&visit.token)
    };
    for (ask, level, parts) in [
        (
            full(),
            "DEBUG",
            vec!["passed", "method=POST", "path=\"/do\""],
        ),
        (
            post("/do"),
            "INFO",
            vec!["code=\"cookie_missing\"", "report_only=false"],
        ),
        (
            full().header("origin", "https://evil.test"),
            "WARN",
            vec!["code=\"origin_mismatch\"", "origin=\"https://evil.test\""],
        ),
        (
            full().header("sec-fetch-site", "cross-site"),
            "WARN",
            vec!["code=\"cross_site\"", "sec_fetch_site=\"cross-site\""],
        ),
    ] {
        log.0.lock().unwrap().clear();
        app.send(ask).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(level), "{lines:?}");
        for part in parts {
            assert!(lines[0].contains(part), "{part} in {lines:?}");
        }
        let cookie = visit.cookie.split('=').nth(1).unwrap();
        for secret in ["secret", &*visit.token, cookie] {
            assert!(!lines[0].contains(secret), "{secret} in {lines:?}");
        }
    }
    drop(guard);
}

#[tokio::test]
async fn a_page_with_a_token_for_shared_caches_is_warned_about_once_per_path() {
    let page = |_: CsrfToken| async { ([("cache-control", "max-age=60, s-maxage=600")], "page") };
    let private = |_: CsrfToken| async { ([("cache-control", "private")], "page") };
    let plain = || async { ([("cache-control", "public")], "page") };
    let router: Router = Router::new()
        .route("/a", any(page))
        .route("/b", any(page))
        .route("/private", any(private))
        .route("/plain", any(plain))
        .layer(modern().build().unwrap());
    let log = Log::default();
    let guard = log.listen();
    for path in ["/a", "/a", "/b", "/private", "/plain", "/a"] {
        send(&router, get(path)).await;
    }
    let warned: Vec<_> = log
        .lines()
        .into_iter()
        .filter(|line| line.contains("WARN"))
        .collect();
    assert_eq!(warned.len(), 2, "{warned:?}");
    drop(guard);
}
