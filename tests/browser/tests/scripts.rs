//! The guide's snippets for axios, htmx and Angular's rule, with the real libraries in a real browser.
//! Each page is tried without its snippet too, where it has to be refused.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use axum::{
    Router,
    http::header,
    response::Html,
    routing::{get, post},
};
use browser_tests::{Browser, scripts};
use mainstay_csrf::{Csrf, CsrfToken, KeyRing};
use tokio::{net::TcpListener, time::timeout};

const DEADLINE: Duration = Duration::from_secs(20);
const GUIDE: &str = include_str!("../../../docs/guide/csrf.md");
const META: &str = r#"const token = document.querySelector('meta[name="csrf-token"]').content;"#;
const AXIOS: &str = "axios.defaults.headers.common['X-CSRF-Token'] = token;";
const HTMX_2: &str = r#"hx-headers='{"X-CSRF-Token": "{{ token.value() }}"}'"#;
const HTMX_4: &str = r#"hx-headers:inherited='{"X-CSRF-Token": "{{ token.value() }}"}'"#;
const COOKIE: &str = r#".cookie_to_header("XSRF-TOKEN", "X-XSRF-TOKEN")"#;

/// What Angular's `HttpClient` does with every request that may change something.
const ANGULAR: &str = "const found = document.cookie.match(/(?:^|; )XSRF-TOKEN=([^;]*)/); \
    const send = () => fetch('/do', {method: 'POST', \
    headers: found ? {'X-XSRF-TOKEN': decodeURIComponent(found[1])} : {}});";

/// Serves one page, made for its token, beside the library that the page takes; returns what became
/// of the request that a click on its button makes: `done`, or why it was refused.
async fn click(
    browser: &Browser,
    configure: impl FnOnce(Csrf) -> Csrf,
    library: String,
    page: impl Fn(&CsrfToken) -> String + Clone + Send + Sync + 'static,
) -> Result<&'static str> {
    let done = Arc::new(AtomicBool::new(false));
    let refused = Arc::new(Mutex::new(None));
    let (mark, note) = (Arc::clone(&done), Arc::clone(&refused));
    let csrf = configure(Csrf::new(KeyRing::generate()))
        .observe(move |code| *note.lock().unwrap() = Some(code))
        .build()
        .unwrap();
    let app = Router::new()
        .route("/", get(async move |token: CsrfToken| Html(page(&token))))
        .route(
            "/do",
            post(async move || mark.store(true, Ordering::SeqCst)),
        )
        .route(
            "/library.js",
            get(async || ([(header::CONTENT_TYPE, "text/javascript")], library)),
        )
        .layer(csrf);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let server = tokio::spawn(async { axum::serve(listener, app).await.unwrap() });

    browser.goto(&format!("http://localhost:{port}/")).await?;
    browser.click("button").await?;
    let verdict = async {
        loop {
            if done.load(Ordering::SeqCst) {
                return "done";
            }
            if let Some(code) = *refused.lock().unwrap() {
                return code;
            }
            tokio::task::yield_now().await;
        }
    };
    let verdict = timeout(DEADLINE, verdict).await.expect("no request came");
    server.abort();
    Ok(verdict)
}

/// A page whose script makes `send`.
fn page(token: &CsrfToken, script: &str) -> String {
    let meta = token.meta();
    format!(
        "<!doctype html>{meta}<script src=/library.js></script><button>Do</button><script>{script} \
         document.querySelector('button').onclick = send;</script>"
    )
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn with_cookie(csrf: Csrf) -> Csrf {
    csrf.cookie_to_header("XSRF-TOKEN", "X-XSRF-TOKEN")
}

#[test]
fn these_are_the_guides_snippets() {
    for snippet in [META, AXIOS, HTMX_2, HTMX_4, COOKIE] {
        assert!(GUIDE.contains(snippet), "{snippet}");
    }
}

#[tokio::test]
async fn axios_sends_the_token_from_the_page() -> Result<()> {
    let Some(axios) = scripts::axios(folder())? else {
        return Ok(());
    };
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    for (snippet, verdict) in [(AXIOS, "done"), ("", "token_missing")] {
        let script = format!("{META} {snippet} const send = () => axios.post('/do');");
        let page = move |token: &CsrfToken| page(token, &script);
        assert_eq!(
            click(&browser, |csrf| csrf, axios.clone(), page).await?,
            verdict
        );
    }
    browser.quit().await
}

#[tokio::test]
async fn axios_sends_the_token_from_the_cookie_by_itself() -> Result<()> {
    let Some(axios) = scripts::axios(folder())? else {
        return Ok(());
    };
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let send = "const send = () => axios.post('/do');";
    let page = |token: &CsrfToken| page(token, send);
    // Without first: cookies know no ports, and one that is there would be sent.
    assert_eq!(
        click(&browser, |csrf| csrf, axios.clone(), page).await?,
        "token_missing"
    );
    assert_eq!(click(&browser, with_cookie, axios, page).await?, "done");
    browser.quit().await
}

#[tokio::test]
async fn angulars_rule_finds_the_cookie() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let page = |token: &CsrfToken| page(token, ANGULAR);
    assert_eq!(
        click(&browser, |csrf| csrf, String::new(), page).await?,
        "token_missing"
    );
    assert_eq!(
        click(&browser, with_cookie, String::new(), page).await?,
        "done"
    );
    browser.quit().await
}

#[tokio::test]
async fn htmx_sends_the_token_of_the_body_with_every_request() -> Result<()> {
    for (version, snippet) in [(2, HTMX_2), (4, HTMX_4)] {
        let Some(htmx) = scripts::htmx(folder(), version)? else {
            return Ok(());
        };
        let Some(browser) = Browser::start().await? else {
            return Ok(());
        };
        for (snippet, verdict) in [(snippet, "done"), ("", "token_missing")] {
            let page = move |token: &CsrfToken| {
                let attribute = snippet.replace("{{ token.value() }}", token.value());
                format!(
                    "<!doctype html><head><script src=/library.js></script></head>\
                     <body {attribute}><button hx-post=/do>Do</button></body>"
                )
            };
            let found = click(&browser, |csrf| csrf, htmx.clone(), page).await?;
            assert_eq!(found, verdict, "htmx {version}");
        }
        browser.quit().await?;
    }
    Ok(())
}
