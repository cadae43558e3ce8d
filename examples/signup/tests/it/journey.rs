//! Signing up, logging in, being on the list, logging out; on SQLite and on PostgreSQL.

use std::io::Write as _;
use std::sync::Arc;

use crate::site::{CHEAP, Site};

const PASSWORD: &str = "correct horse battery";

#[test]
fn from_signup_to_logout_on_sqlite() {
    journey(&Site::start());
}

/// Needs a database: `TEST_POSTGRES_URL=postgres://user@host/name`. Works in a schema of its own.
#[test]
fn from_signup_to_logout_on_postgresql() {
    let url = ["TEST_POSTGRES_URL", "DATABASE_URL"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let Some(url) = url.filter(|url| url.starts_with("postgres")) else {
        // Not eprintln!, which the test harness hides.
        let hint = "set TEST_POSTGRES_URL=postgres://… to run it";
        writeln!(
            std::io::stderr(),
            "SKIPPED: the journey on PostgreSQL; {hint}"
        )
        .unwrap();
        return;
    };
    let schema = format!("signup_test_{}", std::process::id());
    let mark = if url.contains('?') { '&' } else { '?' };
    let own = format!("{url}{mark}options=-csearch_path%3D{schema}");
    on_postgres(&url, &format!("CREATE SCHEMA {schema}"));
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let site = Site::in_folder(folder, &format!("demo = true\n{CHEAP}"), Some(&own));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| journey(&site)));
    drop(site);
    on_postgres(&url, &format!("DROP SCHEMA {schema} CASCADE"));
    outcome.unwrap();
}

fn journey(site: &Site) {
    let mut browser = site.client();
    assert_eq!(browser.get("/").status, 200);
    let answer = browser.get("/members");
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/auth/login"))
    );

    browser.sign_up(" Ada  Lovelace ", PASSWORD);
    site.client()
        .sign_up("<b>Böse".trim_start_matches("<b>"), PASSWORD);
    assert_eq!(site.count("members"), 2);

    assert!(
        browser
            .get("/auth/login?welcome")
            .body
            .contains("Your account is ready.")
    );
    let answer = browser.log_in_by_script("ada lovelace", PASSWORD);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"{"next":"/members"}"#)
    );

    let page = browser.get("/members");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("2 of us"), "{}", page.body);
    let own = page
        .body
        .split("<li")
        .find(|row| row.contains("aria-current"))
        .expect("oneself");
    assert!(own.contains("Ada Lovelace") && own.contains("you"), "{own}");
    assert!(page.body.contains("Böse"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(
        browser.get("/auth/login").header("location"),
        Some("/members")
    );

    let (field, token) = logout_token(&page.body);
    let answer = browser.post("/auth/logout", &[], &[(&field, &token)]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert_eq!(site.count("sessions"), 0);
    assert_eq!(browser.get("/members").status, 303);

    // And by the plain form, in the same browser.
    browser.log_in("ADA LOVELACE", PASSWORD);
    assert!(
        browser
            .get("/")
            .body
            .contains("Good to see you, Ada Lovelace.")
    );
}

#[test]
fn a_form_with_mistakes_is_shown_again_with_what_was_typed() {
    let site = Site::start();
    let mut browser = site.client();
    browser.sign_up("Ada", PASSWORD);
    for (name, password, message) in [
        ("", PASSWORD, "A name has 2 to 40 letters."),
        (
            "<script>alert(1)</script>",
            PASSWORD,
            "A name is made of letters",
        ),
        (
            "Grace",
            "short-one",
            "A password has at least 10 characters.",
        ),
        ("ＡＤＡ", PASSWORD, "Somebody has that name already."),
        (
            "Grace Hopper",
            "grace hopper",
            "Your name is the first thing",
        ),
    ] {
        let answer = browser.submit(
            "/signup",
            "/signup/post",
            &[("name", name), ("password", password)],
        );
        assert_eq!(answer.status, 422, "{name}");
        assert!(answer.body.contains(message), "{name}: {}", answer.body);
        assert!(
            !answer.body.contains(password),
            "the password shows: {}",
            answer.body
        );
        assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
        if name == "Grace" {
            assert!(answer.body.contains(r#"value="Grace""#), "{}", answer.body);
        }
    }
    assert_eq!(site.count("members"), 1);
}

#[test]
fn strangers_get_no_cookie_without_a_form() {
    let site = Site::start();
    for path in [
        "/",
        "/assets/site.css",
        "/assets/login.js",
        "/assets/mark.svg",
        "/demo",
    ] {
        let answer = site.client().get(path);
        assert_eq!(
            (answer.status, answer.header("set-cookie")),
            (200, None),
            "{path}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}

#[test]
fn nobody_is_logged_out_by_a_restart() {
    let site = Site::start();
    let mut browser = site.client();
    browser.sign_up("Ada", PASSWORD);
    browser.log_in("Ada", PASSWORD);
    let page = browser.get("/members").body;

    let site = Site::in_folder(site.stop(), CHEAP, None);
    browser.moves_to(site.address);
    assert_eq!(browser.get("/members").status, 200);
    // Nor does the form of an open tab go stale: the key was kept.
    let (field, token) = logout_token(&page);
    assert_eq!(
        browser
            .post("/auth/logout", &[], &[(&field, &token)])
            .status,
        303
    );
}

/// The token of the button in the bar, which is above `<main>`.
fn logout_token(page: &str) -> (String, String) {
    let input = page.split("<input").nth(1).expect("a token field");
    let part = |name: &str| {
        input
            .split(&format!(" {name}=\""))
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned()
    };
    (part("name"), part("value"))
}

fn on_postgres(url: &str, sql: &str) {
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let pool = sqlx::AnyPool::connect(url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
    });
}
