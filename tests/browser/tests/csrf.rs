//! CSRF in a real browser: honest visitors get through, and each attack is refused by the layer that
//! is meant for it. Every attack is made twice: with that layer, and with nothing but it switched off,
//! where it has to succeed, or the first half would prove nothing.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use axum::{
    Form, Router,
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{Html, IntoResponse},
    routing::{get, post},
};
use browser_tests::Browser;
use mainstay_csrf::{Csrf, CsrfToken, Failure, KeyRing, SameSite};
use serde::Deserialize;
use tokio::{net::TcpListener, time::timeout};

const DEADLINE: Duration = Duration::from_secs(20);

/// The site that is attacked. `/form` shows a form, `/do` counts what got through.
struct Victim {
    address: SocketAddr,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    done: AtomicUsize,
    codes: Mutex<Vec<&'static str>>,
    /// Tokens that the site gave out, newest last, as somebody would know who saw the page.
    tokens: Mutex<Vec<String>>,
}

/// What happened to the one request that a test is about.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Done,
    Refused(&'static str),
}

impl Victim {
    async fn start(configure: impl FnOnce(Csrf) -> Csrf) -> Self {
        Self::with(configure, false).await
    }

    /// As an old browser would be seen, or one behind a proxy that strips what it does not know.
    async fn without_metadata(configure: impl FnOnce(Csrf) -> Csrf) -> Self {
        Self::with(configure, true).await
    }

    async fn with(configure: impl FnOnce(Csrf) -> Csrf, strip: bool) -> Self {
        let log = Arc::new(Log::default());
        let counter = Arc::clone(&log);
        let csrf = configure(Csrf::new(KeyRing::generate()))
            .observe(move |code| counter.codes.lock().unwrap().push(code))
            .on_reject_handler(refused)
            .build()
            .unwrap();
        let stripped = move |mut request: Request, next: Next| async move {
            if strip {
                request.headers_mut().remove("sec-fetch-site");
            }
            next.run(request).await
        };
        let app = Router::new()
            .route("/form", get(form))
            .route("/script", get(script))
            .route("/do", post(done))
            .route("/login", post(login))
            .with_state(Arc::clone(&log))
            .layer(csrf)
            .layer(axum::middleware::from_fn(stripped));
        Self {
            address: serve(app).await,
            log,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://a.site.localhost:{}{path}", self.address.port())
    }

    fn last_token(&self) -> String {
        self.log.tokens.lock().unwrap().last().unwrap().clone()
    }

    /// Waits until a request was decided, and forgets it.
    async fn verdict(&self) -> Verdict {
        let decided = async {
            loop {
                if self.log.done.swap(0, Ordering::SeqCst) > 0 {
                    return Verdict::Done;
                }
                if let Some(code) = self.log.codes.lock().unwrap().pop() {
                    return Verdict::Refused(code);
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, decided).await.expect("no request came")
    }
}

async fn form(State(log): State<Arc<Log>>, token: CsrfToken) -> Html<String> {
    log.tokens.lock().unwrap().push(token.value().to_owned());
    let field = token.field();
    Html(format!(
        "<!doctype html><title>Form</title>\
         <form id=do method=post action=/do>{field}<button>Do</button></form>\
         <form id=login method=post action=/login>{field}<button>Sign in</button></form>"
    ))
}

async fn script(token: CsrfToken) -> Html<String> {
    Html(format!(
        "<!doctype html>{}<button>Do</button><p id=said></p><script>\
         document.querySelector('button').onclick = async () => {{\
         const token = document.querySelector('meta[name=csrf-token]').content;\
         const answer = await fetch('/do', {{method: 'POST', headers: {{'X-CSRF-Token': token}}}});\
         const said = document.querySelector('#said');\
         said.textContent = answer.status; said.className = 'there'; }}</script>",
        token.meta()
    ))
}

async fn done(State(log): State<Arc<Log>>) -> Html<&'static str> {
    log.done.fetch_add(1, Ordering::SeqCst);
    Html("<!doctype html><p id=done>done</p>")
}

async fn login() -> impl IntoResponse {
    let session = "sid=ann; Path=/; HttpOnly; SameSite=Lax";
    (
        [(header::SET_COOKIE, session)],
        Html("<!doctype html><p id=in>signed in</p>"),
    )
}

async fn refused(failure: Failure) -> Html<String> {
    Html(format!("<!doctype html><p id=code>{}</p>", failure.code()))
}

/// A site that shows the page it was told to, and sets the cookie it was told to.
struct Attacker {
    address: SocketAddr,
    page: Arc<Mutex<(String, Option<String>)>>,
}

impl Attacker {
    async fn start() -> Self {
        let page = Arc::new(Mutex::new((String::new(), None)));
        let shown = Arc::clone(&page);
        let show = move || async move {
            let (page, cookie): (String, Option<String>) = shown.lock().unwrap().clone();
            let mut headers = HeaderMap::new();
            if let Some(cookie) = cookie {
                headers.insert(header::SET_COOKIE, cookie.parse().unwrap());
            }
            (headers, Html(page))
        };
        Self {
            address: serve(Router::new().fallback(get(show))).await,
            page,
        }
    }

    /// Shows a page that does something as soon as it is loaded.
    fn show(&self, body: &str, cookie: Option<String>) {
        *self.page.lock().unwrap() = (format!("<!doctype html><meta charset=utf-8>{body}"), cookie);
    }

    /// Another site than the victim's.
    fn foreign(&self) -> String {
        format!("http://127.0.0.1:{}/", self.address.port())
    }

    /// The victim's sibling: same site, other origin.
    fn sibling(&self) -> String {
        format!("http://b.site.localhost:{}/", self.address.port())
    }
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A form that sends itself.
fn self_sending(action: &str, token: &str) -> String {
    format!(
        "<form method=post action='{action}'><input name=csrf_token value='{token}'></form>\
         <script>document.forms[0].submit()</script>"
    )
}

/// Cookies that browsers send to the victim from anywhere, so that only our own layers are left.
fn sent_everywhere(csrf: Csrf) -> Csrf {
    csrf.same_site(SameSite::None)
}

#[tokio::test]
async fn a_form_a_script_and_two_tabs_of_the_sites_own_get_through() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let victim = Victim::start(|csrf| csrf).await;
    browser.goto(&victim.url("/form")).await?;
    let first = browser.client().window().await?;

    // Another tab loads the form as well; both stay good.
    let second = browser.client().new_window(true).await?.handle;
    browser.client().switch_to_window(second).await?;
    browser.goto(&victim.url("/form")).await?;
    browser.click("#do button").await?;
    browser.see("#done").await?;
    assert_eq!(victim.verdict().await, Verdict::Done);
    browser.client().switch_to_window(first).await?;
    browser.click("#do button").await?;
    browser.see("#done").await?;
    assert_eq!(victim.verdict().await, Verdict::Done);

    browser.goto(&victim.url("/script")).await?;
    browser.click("button").await?;
    browser.see("#said.there").await?;
    assert_eq!(browser.text("#said").await?, "200");
    assert_eq!(victim.verdict().await, Verdict::Done);
    browser.quit().await
}

#[tokio::test]
async fn a_page_from_before_the_login_is_told_so_and_works_after_a_reload() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let victim = Victim::start(|csrf| csrf.session_cookie("sid")).await;
    browser.goto(&victim.url("/form")).await?;
    let before = browser.client().window().await?;
    let other = browser.client().new_window(true).await?.handle;
    browser.client().switch_to_window(other).await?;
    browser.goto(&victim.url("/form")).await?;
    browser.click("#login button").await?;
    browser.see("#in").await?;

    // The back button shows the form of before, and so does the other tab.
    browser.client().back().await?;
    browser.click("#do button").await?;
    assert_eq!(browser.text("#code").await?, "stale_session");
    assert_eq!(victim.verdict().await, Verdict::Refused("stale_session"));
    browser.client().switch_to_window(before).await?;
    browser.click("#do button").await?;
    assert_eq!(browser.text("#code").await?, "stale_session");
    assert_eq!(victim.verdict().await, Verdict::Refused("stale_session"));

    browser.goto(&victim.url("/form")).await?;
    browser.click("#do button").await?;
    browser.see("#done").await?;
    assert_eq!(victim.verdict().await, Verdict::Done);
    browser.quit().await
}

#[tokio::test]
async fn a_form_on_another_site_is_stopped_by_the_origin_even_with_a_good_token() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let attacker = Attacker::start().await;
    let trusting =
        |csrf| sent_everywhere(csrf).trust_origin(attacker.foreign().trim_end_matches('/'));
    for (victim, verdict) in [
        (
            Victim::start(sent_everywhere).await,
            Verdict::Refused("cross_site"),
        ),
        (
            Victim::without_metadata(sent_everywhere).await,
            Verdict::Refused("origin_mismatch"),
        ),
        (Victim::start(trusting).await, Verdict::Done),
    ] {
        browser.goto(&victim.url("/form")).await?;
        attacker.show(
            &self_sending(&victim.url("/do"), &victim.last_token()),
            None,
        );
        browser.goto(&attacker.foreign()).await?;
        assert_eq!(victim.verdict().await, verdict);
    }
    browser.quit().await
}

/// From a sibling, because browsers send no cookies with a `fetch` from another site any more.
#[tokio::test]
async fn a_fetch_from_another_origin_is_stopped_by_the_origin_even_with_a_good_token() -> Result<()>
{
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let attacker = Attacker::start().await;
    let trusting =
        |csrf| sent_everywhere(csrf).trust_origin(attacker.sibling().trim_end_matches('/'));
    for (victim, verdict) in [
        (
            Victim::start(sent_everywhere).await,
            Verdict::Refused("same_site"),
        ),
        (
            Victim::without_metadata(sent_everywhere).await,
            Verdict::Refused("origin_mismatch"),
        ),
        (Victim::start(trusting).await, Verdict::Done),
    ] {
        browser.goto(&victim.url("/form")).await?;
        let (to, token) = (victim.url("/do"), victim.last_token());
        attacker.show(
            &format!(
                "<script>fetch('{to}', {{method: 'POST', mode: 'no-cors', credentials: 'include', \
                 body: new URLSearchParams({{csrf_token: '{token}'}})}})</script>"
            ),
            None,
        );
        browser.goto(&attacker.sibling()).await?;
        assert_eq!(victim.verdict().await, verdict);
    }
    browser.quit().await
}

/// In a sibling's page, for the same reason; to the browser the frame is of no site at all.
#[tokio::test]
async fn a_frame_without_an_origin_is_stopped_by_metadata_and_without_it_by_the_token() -> Result<()>
{
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let attacker = Attacker::start().await;
    let open = |csrf: Csrf| sent_everywhere(csrf).exempt("/do");
    for (victim, guess, verdict) in [
        (
            Victim::start(sent_everywhere).await,
            true,
            Verdict::Refused("cross_site"),
        ),
        (
            Victim::without_metadata(sent_everywhere).await,
            false,
            Verdict::Refused("token_mismatch"),
        ),
        // The token was what stopped it: with a good one the frame gets through.
        (
            Victim::without_metadata(sent_everywhere).await,
            true,
            Verdict::Done,
        ),
        (Victim::start(open).await, false, Verdict::Done),
    ] {
        browser.goto(&victim.url("/form")).await?;
        let own = victim.last_token();
        // A token of the attacker's own browser, or the visitor's.
        let token = if guess {
            own
        } else {
            tokens_of_another(&victim).await.1
        };
        let form = self_sending(&victim.url("/do"), &token).replace('"', "&quot;");
        attacker.show(
            &format!("<iframe sandbox='allow-scripts allow-forms' srcdoc=\"{form}\"></iframe>"),
            None,
        );
        browser.goto(&attacker.sibling()).await?;
        assert_eq!(victim.verdict().await, verdict);
    }
    browser.quit().await
}

#[tokio::test]
async fn a_siblings_form_is_stopped_by_the_origin_even_with_a_good_token() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let attacker = Attacker::start().await;
    for (victim, verdict) in [
        (
            Victim::start(|csrf| csrf).await,
            Verdict::Refused("same_site"),
        ),
        (
            Victim::start(|csrf| csrf.trust_same_site(true)).await,
            Verdict::Done,
        ),
    ] {
        browser.goto(&victim.url("/form")).await?;
        attacker.show(
            &self_sending(&victim.url("/do"), &victim.last_token()),
            None,
        );
        browser.goto(&attacker.sibling()).await?;
        assert_eq!(victim.verdict().await, verdict);
    }
    browser.quit().await
}

/// The sibling has a cookie and a token of its own, which go together, and plants the cookie.
#[tokio::test]
async fn a_siblings_planted_cookie_is_stopped_by_the_host_prefix_and_by_the_session() -> Result<()>
{
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let attacker = Attacker::start().await;
    // With the origin layer out of the way.
    let prefixed = |csrf: Csrf| csrf.trust_same_site(true);
    let plain = |csrf: Csrf| csrf.trust_same_site(true).cookie_name("csrf");
    let bound = |csrf: Csrf| {
        csrf.trust_same_site(true)
            .cookie_name("csrf")
            .session_cookie("sid")
    };
    for (what, victim, verdict) in [
        (
            "prefix",
            Victim::start(prefixed).await,
            Verdict::Refused("cookie_missing"),
        ),
        ("nothing", Victim::start(plain).await, Verdict::Done),
        (
            "session",
            Victim::start(bound).await,
            Verdict::Refused("stale_session"),
        ),
    ] {
        browser.client().delete_all_cookies().await?;
        // The visitor is signed in, which is what the session is about.
        browser.goto(&victim.url("/form")).await?;
        browser.click("#login button").await?;
        browser.see("#in").await?;
        browser
            .client()
            .delete_cookie(if what == "prefix" {
                "__Host-csrf"
            } else {
                "csrf"
            })
            .await?;

        let (cookie, token) = tokens_of_another(&victim).await;
        let planted = format!("{cookie}; Domain=site.localhost; Path=/; Secure");
        attacker.show(&self_sending(&victim.url("/do"), &token), Some(planted));
        browser.goto(&attacker.sibling()).await?;
        assert_eq!(victim.verdict().await, verdict, "{what}");
    }
    browser.quit().await
}

/// Cookie and token as anyone can get them, without a browser.
async fn tokens_of_another(victim: &Victim) -> (String, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut stream = tokio::net::TcpStream::connect(victim.address)
        .await
        .unwrap();
    let ask = "GET /form HTTP/1.1\r\nHost: a.site.localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut page = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut page))
        .await
        .unwrap()
        .unwrap();
    let cookie = page
        .split("set-cookie: ")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    (cookie, victim.last_token())
}

/// The same attack against a site that has no layer at all, for the record: it works.
#[tokio::test]
async fn without_any_layer_the_plain_attack_works() -> Result<()> {
    #[derive(Deserialize)]
    struct Sent {
        csrf_token: String,
    }

    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let attacker = Attacker::start().await;
    let done = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&done);
    let app = Router::new().route(
        "/do",
        post(move |Form(sent): Form<Sent>| async move {
            count.fetch_add(1, Ordering::SeqCst);
            Html(format!("<!doctype html><p id=done>{}</p>", sent.csrf_token))
        }),
    );
    let address = serve(app).await;
    attacker.show(
        &self_sending(
            &format!("http://a.site.localhost:{}/do", address.port()),
            "none",
        ),
        None,
    );
    browser.goto(&attacker.foreign()).await?;
    browser.see("#done").await?;
    assert_eq!(done.load(Ordering::SeqCst), 1);
    browser.quit().await
}
