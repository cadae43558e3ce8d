//! What `build` refuses.

use std::time::Duration;

use mainstay_csrf::{Csrf, Error, Key, KeyRing, SameSite, Tokens};

fn modern() -> Csrf {
    Csrf::new(KeyRing::generate())
}

#[test]
fn what_browsers_would_throw_away_is_refused() {
    for csrf in [
        modern().cookie_name("__Host-x").cookie_domain("app.test"),
        modern().cookie_name("__Host-x").cookie_path("/app"),
        modern().cookie_name("__Host-x").cookie_path(""),
        modern().cookie_name("__host-x").insecure_plain_http(true),
        modern().cookie_name("__Secure-x").insecure_plain_http(true),
        modern().same_site(SameSite::None).insecure_plain_http(true),
        modern().cookie_path("app"),
        modern().cookie_path("/a;b"),
        modern().cookie_domain(""),
        modern().cookie_domain("."),
        modern().cookie_to_header("__Host-csrf", "X-XSRF-TOKEN"),
        modern()
            .cookie_to_header("__Host-x", "x-y")
            .insecure_plain_http(true),
    ] {
        assert!(csrf.build().unwrap_err().is_cookie());
    }
    for csrf in [
        modern().cookie_name(""),
        modern().cookie_name("a b"),
        modern().cookie_name("a=b"),
        modern().cookie_name("a;b"),
        modern().header_name("a b"),
        modern().field_name(""),
        modern().cookie_to_header("XSRF-TOKEN", ""),
        modern().cookie_to_header("XSRF-TOKEN", "Authorization"),
        modern().header_name("Cookie"),
        modern().header_name("origin"),
    ] {
        assert!(
            csrf.build()
                .unwrap_err()
                .to_string()
                .contains("cannot be the name of a")
        );
    }
    assert!(
        modern().cookie_domain("app.test").build().is_ok(),
        "takes another prefix by itself"
    );
    assert!(
        modern()
            .same_site(SameSite::None)
            .cookie_max_age(Duration::from_secs(60))
            .build()
            .is_ok()
    );
}

#[test]
fn origins_that_no_browser_sends_are_refused() {
    for text in [
        "app.test",
        "https://*.app.test",
        "https://app.test/x",
        "null",
        "https://[2001:db8:0:0:0:0:0:1]",
        "https://[:::]",
        "https://[::FFFF:127.0.0.1]",
        "https://127.1",
        "https://127.0.0.01",
        "https://0x7f000001",
        "https://a..b",
        "https://.app.test",
    ] {
        assert!(
            modern().own_origin(text).build().unwrap_err().is_origin(),
            "{text}"
        );
        assert!(
            modern().trust_origin(text).build().unwrap_err().is_origin(),
            "{text}"
        );
    }
    assert!(
        modern()
            .own_origin("http://app.test")
            .build()
            .unwrap_err()
            .is_origin()
    );
    assert!(
        modern()
            .own_origin("http://app.test")
            .insecure_plain_http(true)
            .build()
            .is_ok()
    );
    assert!(modern().own_origin("http://localhost:8000").build().is_ok());
    assert!(
        Csrf::headers_only()
            .own_origin("http://app.test")
            .build()
            .is_ok()
    );
}

#[test]
fn settings_that_would_do_nothing_are_refused() {
    let unfit = |csrf: Csrf| {
        csrf.build()
            .map(drop)
            .map_err(|error: Error| error.to_string())
    };
    for (csrf, setting) in [
        (
            Csrf::gorilla(Key::generate()).session_cookie("sid"),
            "session",
        ),
        (
            Csrf::gorilla(Key::generate()).max_token_age(Duration::ZERO),
            "max_token_age",
        ),
        (Csrf::gorilla(Key::generate()).scope("a", "/a"), "scope"),
        (
            Csrf::gorilla(Key::generate()).demand_headers(true),
            "demand_headers",
        ),
        (Csrf::headers_only().session_cookie("sid"), "session"),
        (Csrf::headers_only().require_scope("/a"), "scope"),
        (
            Csrf::headers_only().cookie_to_header("a", "b"),
            "cookie_to_header",
        ),
        (
            Csrf::headers_only().token_in_response_header(true),
            "token_in_response_header",
        ),
        (modern().renew_cookie(true), "renew_cookie"),
        (modern().demand_headers(true), "demand_headers"),
    ] {
        let error = unfit(csrf).unwrap_err();
        assert!(
            error.starts_with(&format!("`{setting}` has no meaning")),
            "{error}"
        );
    }
}

#[test]
fn routes_are_written_as_the_router_has_them() {
    for csrf in [
        modern().exempt("hook"),
        modern().protect(""),
        modern().defer("upload"),
        modern().require_scope("x"),
        modern().scope("name", "x"),
        modern().scope("", "/x"),
        modern().public_prefix("app"),
    ] {
        assert!(csrf.build().unwrap_err().is_route());
    }
}

#[test]
fn debug_shows_settings_and_no_secrets() {
    let key = Key::from([0x41; 32]);
    let shown = format!(
        "{:?} {:?}",
        Csrf::new(key.clone().into()),
        Csrf::new(key.into()).build()
    );
    assert!(shown.contains("Modern") && !shown.contains("4141") && !shown.contains("65, 65"));
}

#[test]
fn a_setting_that_would_do_nothing_is_a_mistake() {
    let headers = Csrf::headers_only;
    for (csrf, setting) in [
        (headers().tokens(Tokens::UnlessSameOrigin), "tokens"),
        (headers().defer("/upload"), "defer"),
        (headers().eager_cookie(true), "eager_cookie"),
        (headers().cookie_name("x"), "cookie_name"),
        (headers().cookie_path("/x"), "cookie_path"),
        (headers().cookie_domain("app.test"), "cookie_domain"),
        (headers().same_site(SameSite::Strict), "same_site"),
        (headers().session_only(true), "session_only"),
        (modern().session_only(true), "session_only"),
        (
            modern()
                .session_cookie("sid")
                .session_only(true)
                .cookie_name("x"),
            "cookie_name",
        ),
        (modern().body_limit(0), "body_limit"),
    ] {
        let error = csrf.build().unwrap_err().to_string();
        assert!(
            error.contains(&format!("`{setting}`")),
            "{setting}: {error}"
        );
    }
}

#[test]
fn a_ring_in_use_takes_no_short_keys() {
    let short = || Key::from_gorilla_bytes_of_any_length("x").unwrap();
    let ring = KeyRing::generate();
    modern_with(&ring).build().unwrap();

    assert!(ring.rotate(short()).unwrap_err().is_key());
    assert!(ring.clone().accept(short()).unwrap_err().is_key());
    assert!(ring.replace(&KeyRing::from(short())).unwrap_err().is_key());
    modern_with(&ring).build().unwrap();

    // gorilla's own keys are as long as they are.
    let ring = KeyRing::from(short());
    Csrf::gorilla(ring.clone()).build().unwrap();
    ring.rotate(short()).unwrap();
}

fn modern_with(ring: &KeyRing) -> Csrf {
    Csrf::new(ring.clone())
}
