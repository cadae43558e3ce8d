//! The gorilla preset, from outside. The vectors of cookies and tokens alone are tested in
//! `src/gorilla.rs`.

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use mainstay_csrf::{Csrf, Key, KeyRing};
use serde_json::Value;

use crate::support::{App, Ask, Visit, ask, get, post};

fn cases(group: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../data/gorilla-csrf.json")).unwrap();
    let cases = all["cases"].as_array().unwrap();
    let found: Vec<_> = cases
        .iter()
        .filter(|case| case["group"] == *group)
        .cloned()
        .collect();
    assert!(!found.is_empty(), "no vectors of the group {group}");
    found
}

fn at(seconds: u64) -> impl Fn() -> SystemTime + Send + Sync + 'static {
    move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// As the vector's configuration says, with Go's cookie on every response.
fn configured(case: &Value) -> Csrf {
    let config = &case["config"];
    let text = |name: &str| config[name].as_str().unwrap().to_owned();
    let key: Key = text("key_hex").parse().unwrap();
    Csrf::gorilla(key)
        .cookie_name(text("cookie_name"))
        .header_name(text("request_header"))
        .field_name(text("field_name"))
        .cookie_max_age(Duration::from_secs(config["max_age"].as_u64().unwrap()))
        .cookie_path("")
        .eager_cookie(true)
        .clock(at(case["now"].as_u64().unwrap()))
}

#[tokio::test]
async fn the_vectors_of_whole_requests() {
    for case in cases("request") {
        let (input, expect) = (&case["in"], &case["expect"]);
        let method = Method::from_bytes(input["method"].as_str().unwrap().as_bytes()).unwrap();
        let mut request = ask(method, input["path"].as_str().unwrap());
        request = request.host(input["host"].as_str().unwrap());
        for header in input["headers"].as_array().unwrap() {
            let [name, value] = [0, 1].map(|at| header[at].as_str().unwrap());
            request = request.header(name, value);
        }
        let request = request.body(input["body"].as_str().unwrap_or_default().to_owned());
        let answer = App::behind(configured(&case).build().unwrap())
            .send(request)
            .await;

        let id = &case["id"];
        assert_eq!(
            u64::from(answer.status.as_u16()),
            expect["status"].as_u64().unwrap(),
            "{id}"
        );
        assert_eq!(
            !answer.set_cookies().is_empty(),
            expect["issues_cookie"] == true,
            "{id}"
        );
        if let Some(body) = expect["body"].as_str() {
            assert_eq!(answer.text(), body, "{id}");
            assert_eq!(
                answer.header("content-type"),
                Some("text/plain; charset=utf-8")
            );
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
        let vary: Vec<String> = serde_json::from_value(expect["vary"].clone()).unwrap();
        assert_eq!(answer.all("vary"), vary, "{id}");
    }
}

#[tokio::test]
async fn the_vectors_of_set_cookie() {
    for case in cases("set-cookie") {
        let answer = App::behind(configured(&case).build().unwrap())
            .send(get("/form"))
            .await;
        let set = answer.set_cookies().remove(0);
        let (pair, attributes) = set.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        assert_eq!(
            value.len() as u64,
            case["expect"]["value_length"].as_u64().unwrap()
        );
        let shown = format!("{name}=<value>;{attributes}");
        assert_eq!(
            shown,
            case["expect"]["set_cookie"].as_str().unwrap(),
            "{}",
            case["id"]
        );
    }
}

fn app_with(keys: KeyRing) -> App {
    App::behind(Csrf::gorilla(keys).build().unwrap())
}

fn app() -> App {
    app_with(KeyRing::generate())
}

#[tokio::test]
async fn the_cookie_has_gorillas_defaults_but_for_the_path() {
    let answer = app().send(get("/form")).await;
    let set = answer.set_cookies().remove(0);
    assert!(set.starts_with("_gorilla_csrf="), "{set}");
    let attributes = set.split_once("; ").unwrap().1;
    assert!(attributes.starts_with("Path=/; Expires="), "{set}");
    assert!(
        attributes.ends_with("GMT; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"),
        "{set}"
    );
    assert_eq!(answer.all("vary"), ["Cookie"]);
    let plain = Csrf::gorilla(Key::generate())
        .insecure_plain_http(true)
        .cookie_max_age(Duration::ZERO);
    let plain = App::behind(plain.build().unwrap())
        .send(get("/form"))
        .await
        .set_cookies()
        .remove(0);
    assert_eq!(
        plain.split_once("; ").unwrap().1,
        "Path=/; HttpOnly; SameSite=Lax"
    );
}

/// Where gorilla looks for the token, and where not.
#[tokio::test]
async fn the_table_of_places() {
    let app = app();
    let Visit { cookie, mut token } = app.visit().await;
    while !token.contains('+') {
        token = app.visit_with(get("/form").cookie(&cookie)).await.token;
    }
    let escaped = token
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let field = format!("a=1&gorilla.csrf.Token={escaped}");
    let multipart = format!(
        "--XX\r\nContent-Disposition: form-data; name=\"gorilla.csrf.Token\"\r\n\r\n{token}\r\n--XX--\r\n"
    );
    let file = multipart.replace("Token\"", "Token\"; filename=\"t\"");
    let ask_with = |method: Method| ask(method, "/do").cookie(&cookie);
    let post = || ask_with(Method::POST);
    let unescaped = format!("gorilla.csrf.Token={token}");
    for (what, ask, code) in [
        ("header", post().token(&token), "passed"),
        ("urlencoded", post().form(field.clone()), "passed"),
        ("PUT", ask_with(Method::PUT).form(field.clone()), "passed"),
        // Go reads no urlencoded body here; we do.
        (
            "DELETE",
            ask_with(Method::DELETE).form(field.clone()),
            "passed",
        ),
        (
            "multipart",
            post().multipart("XX", multipart.clone()),
            "passed",
        ),
        (
            "DELETE multipart",
            ask_with(Method::DELETE).multipart("XX", multipart),
            "passed",
        ),
        (
            "a file is no token",
            post().multipart("XX", file),
            "token_missing",
        ),
        (
            "parameters",
            post()
                .header(
                    "content-type",
                    "application/x-www-form-urlencoded; charset=utf-8",
                )
                .body(field.clone()),
            "passed",
        ),
        (
            "a wrong header wins",
            post().token("AAAA").form(field.clone()),
            "token_malformed",
        ),
        (
            "an empty header does not",
            post().token("").form(field.clone()),
            "passed",
        ),
        (
            "a semicolon is no separator",
            post().form(format!("a=1;gorilla.csrf.Token={escaped}")),
            "token_missing",
        ),
        ("unescaped", post().form(unescaped), "token_malformed"),
        (
            "query",
            ask(Method::POST, &format!("/do?{field}")).cookie(&cookie),
            "token_missing",
        ),
        (
            "json",
            post()
                .header("content-type", "application/json")
                .body(format!("{{\"gorilla.csrf.Token\":\"{token}\"}}")),
            "token_missing",
        ),
        ("no type", post().body(field.clone()), "token_missing"),
        ("TRACE", ask_with(Method::TRACE), "passed"),
        (
            "small letters",
            ask_with(Method::from_bytes(b"get").unwrap()),
            "token_missing",
        ),
    ] {
        let answer = app.send(ask).await;
        assert_eq!(answer.code(), code, "{what}");
    }
}

#[tokio::test]
async fn the_default_answer_has_gorillas_texts() {
    let app = app();
    let Visit { cookie, token } = app.visit().await;
    let other = app.visit().await;
    for (ask, text) in [
        (
            post("/do").cookie(&cookie),
            "CSRF token not found in request",
        ),
        (
            post("/do").cookie(&cookie).token(&other.token),
            "CSRF token invalid",
        ),
        (post("/do").token(&token), "CSRF token invalid"),
        (
            post("/do")
                .cookie(&cookie)
                .token(&token)
                .header("origin", "https://evil.test"),
            "origin invalid",
        ),
        (
            post("/do")
                .cookie(&cookie)
                .token(&token)
                .header("sec-fetch-site", "cross-site"),
            "origin invalid",
        ),
        (
            post("/do")
                .cookie(&cookie)
                .token(&token)
                .header("referer", "https://evil.test/"),
            "referer invalid",
        ),
    ] {
        let answer = app.send(ask.header("accept", "text/html")).await;
        assert_eq!(answer.text(), format!("Forbidden - {text}\n"));
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn the_first_cookie_that_authenticates_counts() {
    let app = app();
    let Visit { cookie, token } = app.visit().await;
    let stranger = app_with(KeyRing::generate()).visit().await;
    let both = |one: &str, two: &str| post("/do").cookie(&format!("{one}; {two}")).token(&token);
    app.send(both(&stranger.cookie, &cookie))
        .await
        .assert_passed();
    app.send(both("_gorilla_csrf=x", &cookie))
        .await
        .assert_passed();
    app.send(both(&cookie, &stranger.cookie))
        .await
        .assert_passed();
    app.send(post("/do").cookie(&stranger.cookie).token(&token))
        .await
        .assert_refused("cookie_forged");
    app.send(post("/do").cookie("_gorilla_csrf=x").token(&token))
        .await
        .assert_refused("cookie_malformed");
    app.send(post("/do").token(&token))
        .await
        .assert_refused("cookie_missing");
}

#[tokio::test]
async fn a_cookie_of_an_older_key_is_signed_again_and_open_forms_stay_good() {
    let (old, new) = (Key::generate(), Key::generate());
    let Visit { cookie, token } = app_with(old.clone().into()).visit().await;
    let app = app_with(KeyRing::new(new.clone()).unwrap().accept(old).unwrap());

    let answer = app.send(post("/do").cookie(&cookie).token(&token)).await;
    let resigned = answer.assert_passed().set_cookies().remove(0);
    let resigned = resigned.split(';').next().unwrap();

    // A Go peer that knows nothing but the new key takes it, with the token of the open form.
    let peer = app_with(new.into());
    peer.send(post("/do").cookie(resigned).token(&token))
        .await
        .assert_passed();
    peer.send(post("/do").cookie(&cookie).token(&token))
        .await
        .assert_refused("cookie_forged");
    let again = app.send(post("/do").cookie(resigned).token(&token)).await;
    assert!(again.assert_passed().set_cookies().is_empty());
}

#[tokio::test]
async fn a_cookie_expires_by_the_clock_and_can_be_renewed_before() {
    let keys = KeyRing::generate();
    let app = |now: u64, renew: bool| {
        App::behind(
            Csrf::gorilla(keys.clone())
                .clock(at(now))
                .renew_cookie(renew)
                .build()
                .unwrap(),
        )
    };
    let start = 1_000_000_000;
    let Visit { cookie, token } = app(start, false).visit().await;
    let ask = || -> Ask { post("/do").cookie(&cookie).token(&token) };
    app(start + 43_200, false).send(ask()).await.assert_passed();
    app(start + 43_201, false)
        .send(ask())
        .await
        .assert_refused("cookie_expired");

    let young = app(start + 21_600, true).send(ask()).await;
    assert!(young.assert_passed().set_cookies().is_empty());
    let renewed = app(start + 21_601, true).send(ask()).await;
    let renewed = renewed.assert_passed().set_cookies().remove(0);
    let renewed = renewed.split(';').next().unwrap();
    app(start + 60_000, false)
        .send(post("/do").cookie(renewed).token(&token))
        .await
        .assert_passed();
}

#[tokio::test]
async fn an_eager_cookie_comes_with_every_answer() {
    let app = App::behind(
        Csrf::gorilla(Key::generate())
            .eager_cookie(true)
            .build()
            .unwrap(),
    );
    for ask in [get("/plain"), post("/do")] {
        assert_eq!(app.send(ask).await.set_cookies().len(), 1);
    }
    let lazy = App::behind(Csrf::gorilla(Key::generate()).build().unwrap());
    for ask in [get("/plain"), post("/do")] {
        assert!(lazy.send(ask).await.set_cookies().is_empty());
    }
}

#[test]
fn short_keys_are_taken_here_and_nowhere_else() {
    let key = || Key::from_gorilla_bytes_of_any_length("keep-it-secret").unwrap();
    assert!(Csrf::gorilla(key()).build().is_ok());
    assert!(Csrf::new(key().into()).build().unwrap_err().is_key());
}
