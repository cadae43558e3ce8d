use proptest::prelude::*;

use super::*;

fn scan(pieces: &[&[u8]]) -> Option<Vec<u8>> {
    let mut scanner = Scanner::new(b"XX", "csrf_token".into());
    for piece in pieces {
        match scanner.feed(piece) {
            Scan::More => {}
            Scan::Value(value) => return Some(value.as_bytes().to_vec()),
            Scan::TooLong => return Some(b"too long".to_vec()),
            Scan::Never => return None,
        }
    }
    match scanner.finish() {
        Scan::Value(value) => Some(value.as_bytes().to_vec()),
        Scan::TooLong => Some(b"too long".to_vec()),
        _ => None,
    }
}

const FIELD: &str = "Content-Disposition: form-data; name=\"csrf_token\"\r\n\r\nabc\r\n";

#[test]
fn the_first_field_of_the_name_is_found_wherever_the_body_is_cut() {
    let other = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
    let file = "--XX\r\nContent-Disposition: form-data; name=\"csrf_token\"; filename=\"x\"\r\n\
                Content-Type: text/plain\r\n\r\nnot this\r\n";
    let empty = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
    for (body, value) in [
        (format!("--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
        (format!("{other}--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
        (format!("{file}--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
        (format!("{empty}--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
        (format!("{file}--XX--\r\n"), None),
        (format!("{other}--XX--\r\n{FIELD}"), None),
        (format!("{other}--XX--\r\n--XX\r\n{FIELD}--XX--\r\n"), None),
        (format!("preamble\r\n--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
        (format!("preamble --XX\r\n{FIELD}--XX--\r\n"), None),
        (format!("--XX  \t\r\n{FIELD}--XX--\r\n"), Some("abc")),
        (format!("--XXL\r\n{FIELD}--XX--\r\n"), None),
        // Cut off after the field, or in it.
        (format!("--XX\r\n{FIELD}"), Some("abc\r\n")),
        (format!("--XX\r\n{FIELD}--XX"), Some("abc")),
        (
            "--XX\r\ncontent-disposition:form-data;NAME=csrf_token\r\n\r\nabc\r\n--XX--".to_owned(),
            Some("abc"),
        ),
        (
            "--XX\r\nX: y\r\nContent-Disposition: form-data; x=\"a;name=b\"; name=\"csrf_token\"\r\n\r\n\
             abc\r\n--XX--"
                .to_owned(),
            Some("abc"),
        ),
        (
            "--XX\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n\r\n--XX--".to_owned(),
            Some(""),
        ),
        (
            "--XX\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\na\r\nb-\r\n--X\r\n--XX--"
                .to_owned(),
            Some("a\r\nb-\r\n--X"),
        ),
        ("--XX\r\n\r\nno headers\r\n--XX--".to_owned(), None),
        (format!("--XX\r\n\r\n\r\n--XX\r\n{FIELD}--XX--"), Some("abc")),
        (String::new(), None),
    ] {
        let value = value.map(|value| value.as_bytes().to_vec());
        let body = body.as_bytes();
        assert_eq!(scan(&[body]), value, "{}", body.escape_ascii());
        for cut in 0..=body.len() {
            let (one, two) = body.split_at(cut);
            assert_eq!(scan(&[one, two]), value, "{} cut at {cut}", body.escape_ascii());
        }
        for size in [1, 2, 3, 5] {
            let pieces: Vec<_> = body.chunks(size).collect();
            assert_eq!(scan(&pieces), value, "{} by {size}", body.escape_ascii());
        }
    }
}

#[test]
fn limits_do_not_depend_on_the_cut() {
    let end = "--XX--";
    for pad in [
        PADDING_LIMIT - 3,
        PADDING_LIMIT - 2,
        PADDING_LIMIT - 1,
        PADDING_LIMIT,
    ] {
        same_for_every_cut(&format!("--XX{}\r\n{FIELD}{end}", " ".repeat(pad)));
    }
    let headers = FIELD.len() - 7;
    for more in HEADERS_LIMIT - headers - 12..HEADERS_LIMIT - headers + 4 {
        let body = format!("--XX\r\nX: {}\r\n{FIELD}{end}", "x".repeat(more));
        same_for_every_cut(&body);
    }
    for value in VALUE_LIMIT - 2..VALUE_LIMIT + 9 {
        let field = FIELD.replace("abc", &"x".repeat(value));
        same_for_every_cut(&format!("--XX\r\n{field}{end}"));
    }
    for blank in ["\u{c}", "\u{b}", "\n", "\r", "\t "] {
        same_for_every_cut(&format!("--XX{blank}\n{FIELD}{end}"));
    }
}

#[track_caller]
fn same_for_every_cut(body: &str) {
    let whole = scan(&[body.as_bytes()]);
    // In long bodies the cuts that matter are near the ends.
    let near = 160.min(body.len());
    for cut in (0..near).chain(body.len() - near..body.len()) {
        let (one, two) = body.as_bytes().split_at(cut);
        assert_eq!(
            scan(&[one, two]),
            whole,
            "{} cut at {cut}",
            body.escape_debug()
        );
    }
    let bytes: Vec<_> = body.as_bytes().chunks(1).collect();
    assert_eq!(scan(&bytes), whole, "{} in bytes", body.escape_debug());
}

#[test]
fn headers_and_values_are_bounded() {
    let long = "x".repeat(HEADERS_LIMIT + 1);
    assert_eq!(
        scan(&[format!("--XX\r\nX: {long}").as_bytes(), b"\r\n\r\n"]),
        None
    );
    let long = "x".repeat(VALUE_LIMIT + 100);
    let body = format!("--XX\r\n{}{long}\r\n--XX--", &FIELD[..FIELD.len() - 5]);
    for size in [1, 100, 10_000] {
        let pieces: Vec<_> = body.as_bytes().chunks(size).collect();
        assert_eq!(scan(&pieces).unwrap(), b"too long");
    }
}

/// What the parser that axum's `Multipart` is made of takes for the field: its first part of the
/// name that is not a file.
fn by_multer(body: &[u8]) -> Option<Vec<u8>> {
    let body = bytes::Bytes::copy_from_slice(body);
    let whole = futures_util::stream::once(async { Ok::<_, std::convert::Infallible>(body) });
    let mut parts = multer::Multipart::new(whole, "XX");
    // Everything is there: nothing waits.
    futures_util::FutureExt::now_or_never(async {
        while let Ok(Some(part)) = parts.next_field().await {
            if part.name() == Some("csrf_token") && part.file_name().is_none() {
                return part.bytes().await.ok().map(|value| value.to_vec());
            }
        }
        None
    })?
}

/// Parts as browsers and libraries write them, and contents that are nearly delimiters. Not among them
/// is what multer reads otherwise than RFC 7578 has it: parameters in capitals, and a `;` in quotes.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        2 => Just("name=\"csrf_token\""),
        1 => Just("name=csrf_token"),
        1 => Just("name=\"csrf_token\"; filename=\"a.txt\""),
        1 => Just("name=\"csrf_token2\""),
        1 => Just("name=\"a\""),
        1 => Just("name=\"\""),
        1 => Just("name=\"name=csrf_token\""),
    ];
    let other = prop_oneof![
        3 => Just(""),
        1 => Just("Content-Type: text/plain; name=\"csrf_token\"\r\n"),
        1 => Just("X-Note: form-data; name=\"csrf_token\"\r\n"),
    ];
    let piece = prop_oneof![
        Just("\r\n--X"),
        Just("--XX"),
        Just("\r\n--"),
        Just("\r\n"),
        Just("\r"),
        Just("\n"),
        Just("-"),
        Just("XX"),
        Just("abc"),
        Just("\u{e9}"),
    ];
    let content = prop::collection::vec(piece, 0..6)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("a delimiter of its own", |content| {
            !format!("\r\n{content}\r\n").contains("\r\n--XX")
        });
    let part = (name, other, any::<bool>(), content).prop_map(|(name, other, last, content)| {
        let disposition = format!("Content-Disposition: form-data; {name}\r\n");
        let headers = match last {
            true => format!("{other}{disposition}"),
            false => format!("{disposition}{other}"),
        };
        format!("--XX\r\n{headers}\r\n{content}\r\n")
    });
    (prop::collection::vec(part, 1..5), any::<bool>()).prop_map(|(parts, line_end)| {
        let end = if line_end { "\r\n" } else { "" };
        format!("{}--XX--{end}", parts.concat()).into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_field_is_what_the_handlers_parser_finds(body in body(), sizes in prop::collection::vec(1..20usize, 1..8)) {
        let expected = by_multer(&body);
        prop_assert_eq!(scan(&[&body]), expected.clone());
        let (mut rest, mut pieces) = (&body[..], Vec::new());
        for size in sizes {
            let (piece, more) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces.push(rest);
        prop_assert_eq!(scan(&pieces), expected);
    }
}
