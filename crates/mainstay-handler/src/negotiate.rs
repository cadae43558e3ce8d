use http::HeaderValue;

/// The forms in which an error can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// A page for people: `text/html`.
    Html,
    /// A problem document (RFC 9457): `application/problem+json`.
    Problem,
    /// A few lines: `text/plain`.
    Text,
}

impl Format {
    pub(crate) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Problem => "application/problem+json",
            Self::Text => "text/plain; charset=utf-8",
        })
    }
}

/// The format that a client with this `Accept` wants most.
///
/// Among equals the one it named most exactly wins (`application/json, */*` wants JSON), then the
/// default, then the one it named first. Without a usable `Accept`, and if nothing is acceptable,
/// it is the default: an error about an error helps no one.
pub(crate) fn negotiate(accept: Option<&[u8]>, default: Format) -> Format {
    let ranges: Vec<Range<'_>> = accept
        .and_then(|accept| std::str::from_utf8(accept).ok())
        .map(|accept| {
            split_outside_quotes(accept, b',')
                .filter_map(Range::parse)
                .collect()
        })
        .unwrap_or_default();
    if ranges.is_empty() {
        return default;
    }
    FORMATS
        .into_iter()
        .filter_map(|format| wanted(format, &ranges).map(|wanted| (format, wanted)))
        // `max_by_key` takes the last of equals, so the formats stand in reverse.
        .max_by_key(|(format, wanted)| {
            (
                wanted.quality,
                wanted.match_,
                *format == default,
                wanted.place,
            )
        })
        .map_or(default, |(format, _)| format)
}

/// In reverse of what is preferred when a client leaves it open.
const FORMATS: [Format; 3] = [Format::Text, Format::Problem, Format::Html];

/// How much, how exactly and how early a format was asked for.
struct Wanted {
    quality: u16,
    match_: Match,
    place: std::cmp::Reverse<usize>,
}

/// The most exact range decides, whatever the others say.
fn wanted(format: Format, ranges: &[Range<'_>]) -> Option<Wanted> {
    ranges
        .iter()
        .enumerate()
        .filter_map(|(place, range)| {
            let place = std::cmp::Reverse(place);
            Some(Wanted {
                quality: range.quality,
                match_: range.matches(format)?,
                place,
            })
        })
        .max_by_key(|wanted| (wanted.match_, wanted.quality, wanted.place))
        .filter(|wanted| wanted.quality > 0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    Anything,
    Kind,
    Exact,
}

/// One element of `Accept`.
#[derive(Debug)]
struct Range<'a> {
    kind: &'a str,
    subkind: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    /// Parameters other than `q` are passed over: no format has variants.
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = split_outside_quotes(element, b';').map(str::trim);
        let (kind, subkind) = parts.next()?.split_once('/')?;
        if !is_token(kind) || !is_token(subkind) || (kind == "*" && subkind != "*") {
            return None;
        }
        let mut quality = 1000;
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name.trim().eq_ignore_ascii_case("q") {
                quality = thousandths(value.trim())?;
            }
        }
        Some(Self {
            kind,
            subkind,
            quality,
        })
    }

    fn matches(&self, format: Format) -> Option<Match> {
        let (kind, subkinds): (_, &[_]) = match format {
            Format::Html => ("text", &["html"]),
            Format::Problem => ("application", &["problem+json", "json"]),
            Format::Text => ("text", &["plain"]),
        };
        if self.kind == "*" {
            return Some(Match::Anything);
        }
        if !self.kind.eq_ignore_ascii_case(kind) {
            return None;
        }
        if self.subkind == "*" {
            return Some(Match::Kind);
        }
        let named = subkinds
            .iter()
            .any(|it| self.subkind.eq_ignore_ascii_case(it));
        named.then_some(Match::Exact)
    }
}

fn is_token(text: &str) -> bool {
    let in_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(in_token)
}

/// `0`, `1`, `0.5`, `1.000`: at most three digits behind the point, and nothing above one.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

fn split_outside_quotes(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|b| {
            let at_end = !quoted && b == separator;
            let opens_or_closes = b == b'"' && !escaped;
            escaped = quoted && b == b'\\' && !escaped;
            quoted ^= opens_or_closes;
            at_end
        });
        // The separator is ASCII, so both sides of it are whole characters.
        rest = end.map(|end| &text[end + 1..]);
        Some(end.map_or(text, |end| &text[..end]))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Format::*, *};

    #[test]
    fn what_clients_send() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let cases: &[(Option<&str>, Format, Format)] = &[
            // header, default, answer
            (Some(browser), Problem, Html),
            (Some("application/json"), Html, Problem),
            (Some("application/problem+json"), Html, Problem),
            (Some("application/*"), Html, Problem),
            (Some("*/*"), Problem, Problem),
            (Some("*/*"), Html, Html),
            (None, Problem, Problem),
            (None, Text, Text),
            (Some("text/plain"), Problem, Text),
            (Some("TEXT/Plain ; Q=0.3"), Problem, Text),
            (Some("text/html;q=0, */*"), Problem, Problem),
            (Some("text/html;q=0, */*"), Html, Problem),
            (Some("image/png"), Problem, Problem),
            (Some("image/png"), Html, Html),
            (
                Some("image/avif,image/webp,image/*,*/*;q=0.8"),
                Problem,
                Problem,
            ),
            // What axios sends, to a site whose default is a page.
            (Some("application/json, text/plain, */*"), Html, Problem),
            (Some("text/plain, application/json"), Html, Text),
            (Some("text/*"), Problem, Html),
            (Some("text/*, text/html;q=0"), Problem, Text),
            (
                Some("text/html;q=0.2, application/json;q=0.3"),
                Html,
                Problem,
            ),
            (Some("text/html;q=0.2, text/*;q=0.9"), Problem, Text),
            (
                Some("application/json;q=0, application/problem+json"),
                Html,
                Problem,
            ),
            (
                Some("text/html;level=\"a,b;q=0\";q=0.5, text/plain;q=0.4"),
                Problem,
                Html,
            ),
            (Some("*/*;q=0"), Problem, Problem),
            // Malformed elements are passed over; if none is left, there was no header.
            (Some(""), Html, Html),
            (Some(","), Html, Html),
            (Some("garbage, text/plain"), Html, Text),
            (Some("application/json;q=2"), Html, Html),
            (Some("application/json;q=0.1234"), Html, Html),
            (Some("application/json;q=-1"), Html, Html),
            (Some("*/json"), Html, Html),
            (Some("te xt/plain"), Html, Html),
        ];
        for (accept, default, answer) in cases {
            let found = negotiate(accept.map(str::as_bytes), *default);
            assert_eq!(found, *answer, "{accept:?} with default {default:?}");
        }
        assert_eq!(
            negotiate(Some(b"text/plain\xff"), Html),
            Html,
            "not text at all"
        );
    }

    #[test]
    fn qualities() {
        let cases = [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("0.", Some(0)),
            ("0.5", Some(500)),
            ("0.05", Some(50)),
            ("0.999", Some(999)),
            ("1.000", Some(1000)),
            ("1.001", None),
            ("0.0001", None),
            (".5", None),
            ("", None),
            ("0.+5", None),
        ];
        for (text, quality) in cases {
            assert_eq!(thousandths(text), quality, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_get_a_format(accept: Vec<u8>) {
            negotiate(Some(&accept), Html);
        }

        #[test]
        fn anything_like_a_header_gets_a_format(
            accept in r#"([a-z*]{1,5}/[a-z*+]{1,9}|")(;q=[0-9.]{0,5}|[;,="\\ ]){0,4}(, ?text/plain)?"#,
        ) {
            negotiate(Some(accept.as_bytes()), Problem);
        }

        #[test]
        fn an_excluded_format_is_never_chosen(rest in "[a-z]{1,4}/[*],|text/[*],|[*]/[*];q=0[.][0-9],") {
            let accept = format!("{rest}text/html;q=0,application/json;q=0.1");
            prop_assert_ne!(negotiate(Some(accept.as_bytes()), Html), Html);
        }
    }
}
