//! The search in the body: the same verdict and the same bytes, however the body is framed.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{Router, body::Body, routing::any as on_any};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{
    BodyExt, Full,
    combinators::{BoxBody, UnsyncBoxBody},
};
use mainstay_csrf::{Csrf, CsrfLayer, KeyRing, MaybeReplay};
use proptest::{collection::vec, prelude::*, sample::Index};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::support::{App, Visit, post, send};

fn layer() -> CsrfLayer {
    Csrf::new(KeyRing::generate())
        .body_limit(4096)
        .build()
        .unwrap()
}

/// Frames as they are told, then trailers or an error.
pub(crate) struct Frames {
    frames: std::vec::IntoIter<Result<Frame<Bytes>, String>>,
    polled: Arc<AtomicUsize>,
    /// Says `Pending` before every frame, as a socket does.
    pending: bool,
    ready: bool,
}

impl Frames {
    pub(crate) fn new(frames: Vec<Result<Frame<Bytes>, String>>) -> Self {
        Self {
            frames: frames.into_iter(),
            polled: Arc::default(),
            pending: false,
            ready: false,
        }
    }

    fn cut(body: &[u8], cuts: &[Index]) -> Self {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces = cuts
            .windows(2)
            .map(|cut| Bytes::copy_from_slice(&body[cut[0]..cut[1]]));
        Self::new(pieces.map(|piece| Ok(Frame::data(piece))).collect())
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = String;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, String>>> {
        if self.pending && !std::mem::replace(&mut self.ready, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ready = false;
        self.polled.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(self.frames.next())
    }

    fn is_end_stream(&self) -> bool {
        self.frames.as_slice().is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self
            .frames
            .as_slice()
            .iter()
            .filter_map(|frame| frame.as_ref().ok()?.data_ref());
        SizeHint::with_exact(left.map(|data| data.len() as u64).sum())
    }
}

/// What the handler saw of the body.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    size_hint: Option<u64>,
    bytes: Vec<u8>,
    trailers: Option<HeaderMap>,
    error: Option<String>,
}

async fn see(mut body: Body) -> Seen {
    let mut seen = Seen {
        size_hint: body.size_hint().exact(),
        bytes: Vec::new(),
        trailers: None,
        error: None,
    };
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) if frame.is_data() => seen.bytes.extend(frame.into_data().unwrap()),
            Ok(frame) => seen.trailers = frame.into_trailers().ok(),
            Err(error) => seen.error = Some(error.to_string()),
        }
    }
    assert!(body.is_end_stream() || seen.error.is_some());
    seen
}

/// The verdict on a body, and what the handler saw of it.
async fn judge(
    layer: &CsrfLayer,
    visit: &Visit,
    media: &str,
    body: Body,
) -> (&'static str, Option<Seen>) {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = Arc::new(std::sync::Mutex::new(Some(sender)));
    let handler = on_any(move |body: Body| async move {
        let seen = see(body).await;
        let sender = sender.lock().unwrap().take().unwrap();
        sender.send(seen).unwrap();
    });
    let router: Router = Router::new().fallback(handler).layer(layer.clone());
    let request = post("/do")
        .cookie(&visit.cookie)
        .header("content-type", media)
        .body(body);
    let answer = send(&router, request).await;
    // Without the router there is no sender any more, if the handler did not run.
    drop(router);
    (answer.code(), receiver.await.ok())
}

async fn visit(layer: &CsrfLayer) -> Visit {
    App::behind(layer.clone()).visit().await
}

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=\"X-Y\"";

/// Bodies that look like forms, and do not quite, with `TOKEN` where the token goes.
fn bodies() -> impl Strategy<Value = (&'static str, String)> {
    let pair = prop_oneof![
        Just("csrf_token=TOKEN".to_owned()),
        Just("csrf%5ftoken=TOKEN".to_owned()),
        Just("csrf_token=wrong".to_owned()),
        Just("csrf_token".to_owned()),
        Just("csrf_token=".to_owned()),
        "[a-z%+=0-9]{0,80}",
    ];
    let urlencoded = vec(pair, 0..8).prop_map(|pairs| (FORM, pairs.join("&")));
    let part = prop_oneof![
        Just("Content-Disposition: form-data; name=\"csrf_token\"\r\n\r\nTOKEN".to_owned()),
        Just("content-disposition: form-data; name=csrf_token\r\n\r\nTOKEN".to_owned()),
        Just(
            "Content-Disposition: form-data; name=\"csrf_token\"; filename=\"x\"\r\n\r\nTOKEN"
                .to_owned()
        ),
        Just("Content-Disposition: form-data; name=\"csrf_token\"\r\n\r\nwrong".to_owned()),
        Just(
            "Content-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--X-\r\n-X-Y\r--X-Y".to_owned()
        ),
        "[-XY\r\na:; ]{0,120}",
    ];
    let multipart =
        (vec(part, 0..6), "[-XY\r\n]{0,20}", any::<bool>()).prop_map(|(parts, preamble, end)| {
            let mut body = preamble;
            for part in parts {
                body.push_str("\r\n--X-Y\r\n");
                body.push_str(&part);
            }
            if end {
                body.push_str("\r\n--X-Y--\r\n");
            }
            (MULTIPART, body)
        });
    prop_oneof![
        urlencoded,
        multipart,
        vec(Just("filler=1&"), 300..700)
            .prop_map(|fill| (FORM, fill.concat() + "csrf_token=TOKEN"))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_frames_give_the_same_verdict_and_the_same_bytes(
        (media, template) in bodies(),
        cuts in vec(any::<Index>(), 0..12),
        pending in any::<bool>(),
        trailers in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let layer = layer();
            let visit = visit(&layer).await;
            let body = template.replace("TOKEN", &visit.token);

            let (whole, _) = judge(&layer, &visit, media, Body::from(body.clone())).await;

            let mut frames = Frames::cut(body.as_bytes(), &cuts);
            frames.pending = pending;
            let mut sent = HeaderMap::new();
            sent.insert("x-sum", HeaderValue::from_static("7"));
            if trailers {
                let mut all: Vec<_> = frames.frames.collect();
                all.push(Ok(Frame::trailers(sent.clone())));
                frames = Frames { pending, ..Frames::new(all) };
            }
            let (framed, seen) = judge(&layer, &visit, media, Body::new(frames)).await;

            assert_eq!(framed, whole);
            assert_eq!(seen.is_some(), framed == "passed");
            if let Some(seen) = seen {
                assert_eq!(seen.bytes, body.as_bytes());
                assert_eq!(seen.size_hint, Some(body.len() as u64));
                assert_eq!(seen.trailers, trailers.then_some(sent));
                assert_eq!(seen.error, None);
            }
        });
    }
}

#[tokio::test]
async fn errors_behind_the_field_reach_the_handler() {
    let layer = layer();
    let visit = visit(&layer).await;
    let field = format!("csrf_token={}&", visit.token);
    let frames = Frames::new(vec![
        Ok(Frame::data(Bytes::from(field.clone()))),
        Ok(Frame::data(Bytes::from_static(b"a=1"))),
        Err("the line broke".to_owned()),
    ]);
    let (code, seen) = judge(&layer, &visit, FORM, Body::new(frames)).await;
    let seen = seen.unwrap();
    assert_eq!(
        (code, seen.bytes),
        ("passed", format!("{field}a=1").into_bytes())
    );
    assert_eq!(seen.error.as_deref(), Some("the line broke"));
}

#[tokio::test]
async fn errors_before_the_field_refuse_and_in_report_only_reach_the_handler() {
    let frames = || {
        let broken = Err("the line broke".to_owned());
        Body::new(Frames::new(vec![
            Ok(Frame::data(Bytes::from_static(b"a=1&"))),
            broken,
        ]))
    };
    let strict = layer();
    let (code, seen) = judge(&strict, &visit(&strict).await, FORM, frames()).await;
    assert_eq!((code, seen), ("body_unreadable", None));

    let lenient = Csrf::new(KeyRing::generate())
        .report_only(true)
        .build()
        .unwrap();
    let (code, seen) = judge(&lenient, &visit(&lenient).await, FORM, frames()).await;
    let seen = seen.unwrap();
    assert_eq!((code, &*seen.bytes), ("body_unreadable", &b"a=1&"[..]));
    assert_eq!(seen.error.as_deref(), Some("the line broke"));
}

#[tokio::test]
async fn the_limit_is_exact_and_nothing_is_read_beyond_it() {
    let layer = layer();
    let visit = visit(&layer).await;
    let tail = format!("csrf_token={}", visit.token);
    for (length, code) in [(4096, "passed"), (4097, "token_beyond_limit")] {
        let body = format!("{}&{tail}", "a".repeat(length - tail.len() - 1));
        assert_eq!(body.len(), length);
        for piece in [1, 100, 4096, 10_000] {
            let frames = body.as_bytes().chunks(piece).map(Bytes::copy_from_slice);
            let frames = Frames::new(frames.map(|piece| Ok(Frame::data(piece))).collect());
            let (found, _) = judge(&layer, &visit, FORM, Body::new(frames)).await;
            assert_eq!(found, code, "{length} by {piece}");
        }
    }
    let frames = Frames::new(
        (0..1000)
            .map(|_| Ok(Frame::data(Bytes::from(vec![b'a'; 1000]))))
            .collect(),
    );
    let polled = Arc::clone(&frames.polled);
    let (code, _) = judge(&layer, &visit, FORM, Body::new(frames)).await;
    assert_eq!(
        (code, polled.load(Ordering::SeqCst)),
        ("token_beyond_limit", 5)
    );
}

#[tokio::test]
async fn a_body_is_not_touched_before_it_has_to_be() {
    let layer = layer();
    let visit = visit(&layer).await;
    let app = App::behind(layer);
    for (ask, code) in [
        (
            post("/do").header("sec-fetch-site", "cross-site"),
            "cross_site",
        ),
        (post("/do"), "cookie_missing"),
        (
            post("/do").cookie(&visit.cookie).token("x"),
            "token_malformed",
        ),
        (
            post("/do")
                .cookie(&visit.cookie)
                .header("content-encoding", "br"),
            "body_encoded",
        ),
    ] {
        let frames = Frames::new(vec![Ok(Frame::data(Bytes::from_static(b"a=1")))]);
        let polled = Arc::clone(&frames.polled);
        app.send(ask.form(Body::new(frames)))
            .await
            .assert_refused(code);
        assert_eq!(polled.load(Ordering::SeqCst), 0, "{code}");
    }
}

/// An upload that is made as it is read.
struct Upload {
    head: Option<Bytes>,
    left: u64,
    piece: Bytes,
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(Frame::data(head))));
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= self.piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

#[tokio::test]
async fn a_gibibyte_streams_through_when_the_field_comes_first() {
    let layer = layer();
    let visit = visit(&layer).await;
    let head = format!(
        "--X-Y\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{}\r\n--X-Y\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n",
        visit.token
    );
    let total = 1 << 30;
    let piece = Bytes::from(vec![0; 1 << 16]);
    let expected = (head.len() as u64) + total;
    let same = piece.clone();
    let handler = on_any(move |mut body: Body| {
        let same = same.clone();
        async move {
            let mut length = 0;
            while let Some(frame) = body.frame().await {
                let data = frame.unwrap().into_data().unwrap();
                // Not a copy: the very memory that the body made.
                assert!(length == 0 || data.as_ptr() == same.as_ptr());
                length += data.len() as u64;
            }
            length.to_string()
        }
    });
    let router: Router = Router::new().fallback(handler).layer(layer);
    let body = Body::new(Upload {
        head: Some(head.into()),
        left: total,
        piece,
    });
    let request = post("/do").cookie(&visit.cookie).multipart("X-Y", body);
    let answer = send(&router, request).await;
    assert_eq!(answer.assert_passed().text(), expected.to_string());
}

#[tokio::test]
async fn plain_tower_services_with_boxed_bodies_work() {
    type Boxed = BoxBody<Bytes, Infallible>;
    type Unsync = UnsyncBoxBody<Bytes, Infallible>;

    let layer = layer();
    let visit = visit(&layer).await;
    let form = format!("csrf_token={}&a=1", visit.token);

    let echo = service_fn(|request: Request<Boxed>| async {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let service = ServiceBuilder::new().layer(layer.clone()).service(echo);
    let request: Request<Body> = post("/do").cookie(&visit.cookie).form("").into();
    let (parts, _) = request.into_parts();
    let boxed = Full::new(Bytes::from(form.clone())).boxed();
    let response = service
        .clone()
        .oneshot(Request::from_parts(parts.clone(), boxed))
        .await
        .unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        form
    );
    let refused = service
        .oneshot(Request::from_parts(parts.clone(), Full::default().boxed()))
        .await;
    assert_eq!(refused.unwrap().status(), 403);

    let echo = service_fn(|request: Request<Unsync>| async {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let service = ServiceBuilder::new().layer(layer).service(echo);
    let unsync = Full::new(Bytes::from(form.clone())).boxed_unsync();
    let response = service
        .oneshot(Request::from_parts(parts, unsync))
        .await
        .unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        form
    );
}

#[tokio::test]
async fn a_service_of_any_body_takes_maybe_replay() {
    let layer = layer();
    let visit = visit(&layer).await;
    let form = format!("csrf_token={}&a=1", visit.token);
    let collect = service_fn(|request: Request<MaybeReplay<Full<Bytes>>>| async {
        assert!(!request.body().is_end_stream());
        let hint = request.body().size_hint().exact();
        let bytes = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(hint, Some(bytes.len() as u64));
        Ok::<_, Infallible>(Response::new(Full::new(bytes)))
    });
    let service = ServiceBuilder::new()
        .layer(layer.for_any_body())
        .service(collect);
    for token in [None, Some(visit.token.as_str())] {
        let mut ask = post("/do").cookie(&visit.cookie).form("");
        if let Some(token) = token {
            ask = ask.token(token);
        }
        let request: Request<Body> = ask.into();
        let request = request.map(|_| Full::new(Bytes::from(form.clone())));
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            form
        );
    }
}

#[tokio::test]
async fn a_stream_without_an_end_of_empty_frames_fills_no_memory() {
    let layer = layer();
    let visit = visit(&layer).await;
    let empty = (0..100_000).map(|_| Ok(Frame::data(Bytes::new())));
    let last = Ok(Frame::data(Bytes::from(format!(
        "csrf_token={}",
        visit.token
    ))));
    let frames = Frames::new(empty.chain([last]).collect());
    let (code, seen) = judge(&layer, &visit, FORM, Body::new(frames)).await;
    assert_eq!(
        (code, seen.unwrap().size_hint),
        ("passed", Some(visit.token.len() as u64 + 11))
    );
}

/// Ends once, and must not be asked again, like a stream that is not fused.
struct Once(Frames, bool);

impl http_body::Body for Once {
    type Data = Bytes;
    type Error = String;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, String>>> {
        assert!(!self.1, "asked again after its end");
        let frame = Pin::new(&mut self.0).poll_frame(cx);
        self.1 = matches!(frame, Poll::Ready(None | Some(Err(_))));
        frame
    }
}

#[tokio::test]
async fn a_body_that_has_ended_is_not_asked_again() {
    let layer = layer();
    let app = App::behind(layer.clone());
    let visit = app.visit().await;
    let form = format!("a=1&csrf_token={}", visit.token);
    let whole = vec![Ok(Frame::data(Bytes::from(form.clone())))];
    let body = Once(Frames::new(whole), false);
    let (code, seen) = judge(&layer, &visit, FORM, Body::new(body)).await;
    assert_eq!(code, "passed");
    let seen = seen.unwrap();
    assert_eq!(seen.bytes, form.as_bytes());
    assert_eq!(seen.size_hint, Some(form.len() as u64));

    // Under report-only, a body that broke off goes on to its handler as well, error and all.
    let lenient = Csrf::new(KeyRing::generate()).report_only(true).build();
    let broken = vec![Ok(Frame::data(Bytes::from("a=1"))), Err("gone".to_owned())];
    let body = Once(Frames::new(broken), false);
    let (_, seen) = judge(&lenient.unwrap(), &visit, FORM, Body::new(body)).await;
    assert_eq!(seen.unwrap().error.as_deref(), Some("gone"));
}

#[tokio::test]
async fn a_body_in_single_bytes_is_put_together_again() {
    let layer = layer();
    let visit = App::behind(layer.clone()).visit().await;
    let form = format!("a={}&csrf_token={}&b=2", "x".repeat(2000), visit.token);
    let bytes = form.as_bytes().chunks(1);
    let mut frames: Vec<_> = bytes
        .map(|byte| Ok(Frame::data(Bytes::copy_from_slice(byte))))
        .collect();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("7"));
    frames.push(Ok(Frame::trailers(trailers.clone())));
    let (code, seen) = judge(&layer, &visit, FORM, Body::new(Frames::new(frames))).await;
    assert_eq!(code, "passed");
    let seen = seen.unwrap();
    assert_eq!(seen.bytes, form.as_bytes());
    assert_eq!(seen.trailers, Some(trailers));
}

#[tokio::test]
async fn single_bytes_are_not_kept_in_a_frame_each() {
    let layer = layer();
    let visit = App::behind(layer.clone()).visit().await;
    let form = format!("a={}&csrf_token={}", "x".repeat(2000), visit.token);
    let bytes = form.as_bytes().chunks(1);
    let frames = bytes
        .map(|byte| Ok(Frame::data(Bytes::copy_from_slice(byte))))
        .collect();
    let count = |mut body: Body| async move {
        let mut frames = 0;
        while let Some(frame) = body.frame().await {
            frames += usize::from(frame.unwrap().is_data());
        }
        frames.to_string()
    };
    let router: Router = Router::new().fallback(on_any(count)).layer(layer);
    let request = post("/do")
        .cookie(&visit.cookie)
        .form(Body::new(Frames::new(frames)));
    let answer = send(&router, request).await;
    answer.assert_passed();
    let frames: usize = answer.text().parse().unwrap();
    assert!(frames <= 66, "{frames} frames");
}

/// Never says more than it has been told to.
struct Stalled(Option<Bytes>);

impl http_body::Body for Stalled {
    type Data = Bytes;
    type Error = String;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, String>>> {
        match self.0.take() {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            None => Poll::Pending,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_takes_no_longer_than_it_may() {
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(10);
    let csrf = Csrf::new(KeyRing::generate()).body_time_limit(|| tokio::time::sleep(LIMIT));
    let layer = csrf.build().unwrap();
    let visit = App::behind(layer.clone()).visit().await;
    let router = Router::new().fallback(on_any(|| async {})).layer(layer);
    let ask = |text: String| {
        let body = Body::new(Stalled(Some(Bytes::from(text))));
        post("/do").cookie(&visit.cookie).form(body)
    };
    let start = tokio::time::Instant::now();
    let answer = send(&router, ask("a=1&b=".to_owned())).await;
    answer.assert_refused("body_too_slow");
    assert_eq!(answer.status.as_u16(), 408);
    assert_eq!(start.elapsed(), LIMIT);

    // Once the field was found, the rest may take its time.
    let found = ask(format!("csrf_token={}&b=", visit.token));
    send(&router, found).await.assert_passed();
    assert_eq!(start.elapsed(), LIMIT);
}
