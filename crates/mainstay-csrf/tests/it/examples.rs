//! The examples do what they say.

use axum::body::Body;
use http::{Method, StatusCode};
use mainstay_csrf::{Csrf, KeyRing};

use crate::support::{Answer, ask, get, post, send};

#[path = "../../examples/fetch.rs"]
#[expect(dead_code, reason = "its main is not run here")]
mod fetch;
#[path = "../../examples/form.rs"]
#[expect(dead_code, reason = "its main is not run here")]
mod form;
#[path = "../../examples/rotate.rs"]
#[expect(dead_code, reason = "its main is not run here")]
mod rotate;
#[path = "../../examples/spa.rs"]
#[expect(dead_code, reason = "its main is not run here")]
mod spa;
#[path = "../../examples/upload.rs"]
#[expect(dead_code, reason = "its main is not run here")]
mod upload;

fn cookies(answer: &Answer) -> String {
    let set = answer.set_cookies();
    let pairs: Vec<_> = set
        .iter()
        .map(|set| set.split(';').next().unwrap())
        .collect();
    pairs.join("; ")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {text}"))
        .1
        .split(end)
        .next()
        .unwrap()
}

fn percent(token: &str) -> String {
    token
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}

#[tokio::test]
async fn form_takes_every_preset() {
    let key = "ab".repeat(32);
    for (preset, name) in [("modern", "csrf_token"), ("gorilla", "gorilla.csrf.Token")] {
        let options = ["--preset", preset, "--key", &key].map(str::to_owned);
        let app = form::app(form::Options::parse(options).unwrap().layer().unwrap());
        let page = send(&app, get("/form")).await;
        let (cookie, text) = (cookies(&page), page.text());
        let token = between(&text, &format!("name=\"{name}\" value=\""), "\"");

        let urlencoded = format!("{name}={}&name=Ann", percent(token));
        let multipart = format!(
            "--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{token}\r\n--B--\r\n"
        );
        for ask in [
            post("/form").form(urlencoded),
            post("/form").multipart("B", multipart),
            post("/form").token(token),
        ] {
            assert_eq!(
                send(&app, ask.cookie(&cookie)).await.assert_passed().text(),
                "ok\n"
            );
        }
        send(&app, post("/form").cookie(&cookie).form("name=Ann"))
            .await
            .assert_refused("token_missing");
    }
    let options = ["--preset", "headers-only"].map(str::to_owned);
    let app = form::app(form::Options::parse(options).unwrap().layer().unwrap());
    assert!(!send(&app, get("/form")).await.text().contains("hidden"));
    send(&app, post("/form").header("sec-fetch-site", "same-origin"))
        .await
        .assert_passed();
    send(&app, post("/form").header("sec-fetch-site", "cross-site"))
        .await
        .assert_refused("cross_site");
}

#[test]
fn form_explains_its_options() {
    let error = |args: &[&str]| {
        let options = form::Options::parse(args.iter().map(ToString::to_string));
        options
            .and_then(|options| options.layer().map(drop))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(error(&["--preset"]), "`--preset` needs a value");
    assert_eq!(error(&["--preset", "x"]), "`x` is not a preset");
    assert_eq!(error(&["--prest", "x"]), "`--prest` is not an option");
    assert!(error(&["--key", "x"]).contains("64 hexadecimal digits"));
}

#[tokio::test]
async fn fetch_sends_json_with_the_token_of_the_page() {
    let app = fetch::app(Csrf::new(KeyRing::generate()).build().unwrap());
    let page = send(&app, get("/")).await;
    let text = page.text();
    let token = between(&text, "<meta name=\"csrf-token\" content=\"", "\"");
    let ask = || {
        post("/api/greet")
            .cookie(&cookies(&page))
            .header("content-type", "application/json")
    };
    let body = r#"{"name":"Ann"}"#;
    let answer = send(&app, ask().token(token).body(body)).await;
    assert_eq!(
        answer.assert_passed().text(),
        r#"{"greeting":"Hello, Ann!"}"#
    );
    send(&app, ask().body(body))
        .await
        .assert_refused("token_missing");
}

#[tokio::test]
async fn upload_streams_when_the_token_comes_first() {
    let app = upload::app(Csrf::new(KeyRing::generate()).build().unwrap());
    let page = send(&app, get("/")).await;
    let text = page.text();
    let token = between(&text, "value=\"", "\"");
    let field =
        format!("--B\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{token}\r\n");
    let file = format!(
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{}\r\n",
        "x".repeat(5_000_000)
    );
    let ask = |body: String| {
        post("/")
            .cookie(&cookies(&page))
            .multipart("B", Body::from(body + "--B--\r\n"))
    };
    let answer = send(&app, ask(field.clone() + &file)).await;
    assert_eq!(answer.assert_passed().text(), "5000000 bytes\n");
    send(&app, ask(file + &field))
        .await
        .assert_refused("token_beyond_limit");
}

#[tokio::test]
async fn spa_gets_its_token_from_the_endpoint_or_the_cookie() {
    let app = spa::app(spa::layer(KeyRing::generate()).unwrap());
    let page = send(&app, get("/")).await;
    let cookie = cookies(&page);
    let xsrf = between(&cookie, "XSRF-TOKEN=", ";");
    let like = || post("/api/like").cookie(&cookie);
    send(&app, like().header("x-xsrf-token", xsrf))
        .await
        .assert_passed();

    let json = send(&app, get("/csrf").cookie(&cookie)).await;
    let json: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    let header = json["header"].as_str().unwrap();
    send(&app, like().header(header, json["token"].as_str().unwrap()))
        .await
        .assert_passed();
    send(&app, like()).await.assert_refused("token_missing");
}

#[tokio::test]
async fn rotate_keeps_open_forms_good_until_it_does_not() {
    let app = rotate::app(KeyRing::generate()).unwrap();
    let page = send(&app, get("/")).await;
    let (cookie, text) = (cookies(&page), page.text());
    let token = between(&text, "value=\"", "\"");
    let click = |path: &str| post(path).cookie(&cookie).token(token);

    assert_eq!(
        send(&app, click("/new-key")).await.assert_passed().text(),
        "signing with a new key\n"
    );
    let login = send(&app, click("/login")).await;
    login.assert_passed();
    let (rotated, text) = (cookies(&login), login.text());
    let fresh = between(&text, "value=\"", "\"");
    let with_new = |token: &str| post("/retire").cookie(&rotated).token(token);
    send(&app, with_new(token))
        .await
        .assert_refused("token_mismatch");
    send(&app, with_new(fresh)).await.assert_passed();
    send(&app, click("/login"))
        .await
        .assert_refused("token_key_unknown");

    let options = ask(Method::OPTIONS, "/login").cookie(&cookie);
    assert_eq!(
        send(&app, options).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
