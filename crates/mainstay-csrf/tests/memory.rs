//! What the layer takes from the allocator. A binary of its own, since the counters are the
//! process's.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    alloc::System,
    convert::Infallible,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body as _, Frame};
use mainstay_csrf::{Csrf, CsrfToken, KeyRing};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tower::{Layer, Service, service_fn};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;
/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const KIB: usize = 1024;
const FRAME: usize = 16 * KIB;

/// A preset's layer with what it takes to post through it, and the same handler without a layer.
struct Site {
    csrf: Box<dyn FnMut(Request<Body>) -> usize>,
    plain: Box<dyn FnMut(Request<Body>) -> usize>,
    cookie: String,
    token: String,
    field: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Media {
    Urlencoded,
    Multipart,
}

fn sites() -> Vec<(&'static str, Site)> {
    let keys = KeyRing::generate;
    vec![
        ("modern", Site::new(Csrf::new(keys()), "csrf_token")),
        (
            "gorilla",
            Site::new(Csrf::gorilla(keys()), "gorilla.csrf.Token"),
        ),
    ]
}

impl Site {
    fn new(csrf: Csrf, field: &'static str) -> Self {
        let layer = csrf.build().unwrap();
        let mut visit = layer.layer(service_fn(async |request: Request<Body>| {
            let token = CsrfToken::of(&request).unwrap().value().to_owned();
            Ok::<_, Infallible>(
                Response::builder()
                    .header("x-token", token)
                    .body(Body::empty())
                    .unwrap(),
            )
        }));
        let page = poll(visit.call(Request::new(Body::empty())));
        let header = |name| page.headers()[name].to_str().unwrap().to_owned();
        let cookie = header("set-cookie");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let (mut csrf, mut plain) = (layer.layer(service_fn(handler)), service_fn(handler));
        Self {
            csrf: Box::new(move |request| length(&poll(csrf.call(request)))),
            plain: Box::new(move |request| length(&poll(plain.call(request)))),
            cookie,
            token: header("x-token"),
            field,
        }
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "app.test")
            .header("sec-fetch-site", "same-origin")
            .header("cookie", &self.cookie)
            // Routers and servers put something into the extensions, so that there are some.
            .extension(())
    }

    /// A form whose token comes first, and behind it so many bytes of something else.
    fn form(&self, media: Media, more: usize) -> Request<Body> {
        let (media, first) = match media {
            Media::Urlencoded => {
                let token = self
                    .token
                    .replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D");
                let first = format!("{}={token}&text=", self.field);
                ("application/x-www-form-urlencoded", first)
            }
            Media::Multipart => {
                let disposition = "Content-Disposition: form-data; name=";
                let first = format!(
                    "--X\r\n{disposition}\"{}\"\r\n\r\n{}\r\n--X\r\n{disposition}\"f\"; filename=\"f\"\r\n\r\n",
                    self.field, self.token
                );
                ("multipart/form-data; boundary=X", first)
            }
        };
        let frames = Frames {
            first: Some(first.into()),
            frame: Bytes::from_static(&[b'a'; FRAME]),
            left: more,
        };
        self.request("POST", "/do")
            .header("origin", "https://app.test")
            .header("content-type", media)
            .body(Body::new(frames))
            .unwrap()
    }

    /// What the layer takes beyond what the handler takes without it.
    fn cost(&mut self, make: impl Fn(&Self) -> Request<Body>) -> (isize, isize) {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let (one, other) = (make(self), make(self));
            with.push(taken(|| (self.csrf)(one)).1);
            without.push(taken(|| (self.plain)(other)).1);
        }
        // The test's own runner may allocate meanwhile, and never gives anything back to us.
        let least =
            |all: &[Stats], count: fn(&Stats) -> isize| all.iter().map(count).min().unwrap();
        (
            least(&with, count) - least(&without, count),
            least(&with, bytes) - least(&without, bytes),
        )
    }
}

fn taken(work: impl FnOnce() -> usize) -> (usize, Stats) {
    let region = Region::new(ALLOCATOR);
    let read = work();
    (read, region.change())
}

fn count(stats: &Stats) -> isize {
    (stats.allocations + stats.reallocations).cast_signed()
}

fn bytes(stats: &Stats) -> isize {
    stats.bytes_allocated.cast_signed() + stats.bytes_reallocated.max(0)
}

/// Asks for a token where the path says so, and reads the body to its end.
async fn handler(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/page" && CsrfToken::of(&request).is_ok() {
        return Ok(answer(0));
    }
    let mut body = request.into_body();
    let mut read = 0;
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        read += frame.unwrap().into_data().map_or(0, |data| data.len());
    }
    Ok(answer(read))
}

/// How much was read, in the one place of a response that takes no memory.
fn answer(read: usize) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert("content-length", read.into());
    response
}

fn length(response: &Response<Body>) -> usize {
    assert_eq!(response.status(), StatusCode::OK);
    let length = response.headers()["content-length"].to_str().unwrap();
    length.parse().unwrap()
}

/// A body that takes nothing from the allocator, however long it is.
struct Frames {
    first: Option<Bytes>,
    frame: Bytes,
    left: usize,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.first.take().unwrap_or_else(|| {
            let length = self.frame.len().min(self.left);
            self.left -= length;
            self.frame.slice(..length)
        });
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }
}

/// Nothing here ever waits.
fn poll<T>(future: impl Future<Output = Result<T, Infallible>>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(value)) => value,
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("the body is always ready"),
    }
}

#[test]
fn a_request_takes_six_allocations_at_most_and_a_multipart_form_ten() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (preset, mut site) in sites() {
        let mut check = |what: &str, most, make: &dyn Fn(&Site) -> Request<Body>| {
            let (count, _) = site.cost(make);
            println!("{preset}: {what}: {count}");
            // What asks for a handle on the request cannot take none: then the layer was not there.
            assert!((1..=most).contains(&count), "{preset}: {what}: {count}");
        };
        let empty = Body::empty;
        check("safe", 6, &|site| {
            site.request("GET", "/do").body(empty()).unwrap()
        });
        check("page", 6, &|site| {
            site.request("GET", "/page").body(empty()).unwrap()
        });
        check("header", 6, &|site| {
            let request = site
                .request("POST", "/do")
                .header("x-csrf-token", &site.token);
            request.body(empty()).unwrap()
        });
        check("form", 6, &|site| site.form(Media::Urlencoded, 20));
        check("multipart", 10, &|site| site.form(Media::Multipart, 20));
    }
}

#[test]
fn nothing_that_is_allocated_grows_with_the_body() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (preset, mut site) in sites() {
        for media in [Media::Urlencoded, Media::Multipart] {
            let small = site.cost(|site| site.form(media, KIB));
            for more in [64 * KIB, KIB * KIB] {
                let large = site.cost(|site| site.form(media, more));
                assert_eq!(large, small, "{preset}: {media:?} of {more} bytes");
            }
        }
    }
}

#[test]
fn an_upload_of_a_gibibyte_streams_through_in_constant_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    const GIB: usize = 1 << 30;
    for (preset, mut site) in sites() {
        for media in [Media::Urlencoded, Media::Multipart] {
            let request = site.form(media, GIB);
            let (read, taken) = taken(|| (site.csrf)(request));
            assert!(
                read > GIB,
                "{preset}: {media:?}: the handler saw {read} bytes"
            );
            // Not only at its peak: all that was ever allocated while a gibibyte went through.
            let bytes = bytes(&taken);
            assert!(bytes < 64 * 1024, "{preset}: {media:?}: {bytes} bytes");
        }
    }
}
