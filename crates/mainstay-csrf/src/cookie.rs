use std::fmt;

use http::{
    HeaderMap, HeaderValue,
    header::{self, ValueIter},
};

/// The cookie's `SameSite` attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// Sent with links from other sites, not with their forms. The default: with `Strict`, a visitor
    /// who follows a link from elsewhere arrives without the cookie, gets a new one, and the forms
    /// in their other tabs fail.
    Lax,
    /// Sent with requests of the same site only.
    Strict,
    /// Sent always; needs `Secure`. For sites that live in other sites' frames.
    None,
    /// No attribute: the browser's own default.
    Unset,
}

/// How the cookie is written: everything but its value.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    pub(crate) name: String,
    pub(crate) path: Option<String>,
    pub(crate) domain: Option<String>,
    /// Seconds; without it the cookie ends with the browser.
    pub(crate) max_age: Option<u64>,
    pub(crate) http_only: bool,
    pub(crate) secure: bool,
    pub(crate) same_site: SameSite,
}

impl Attributes {
    /// The `Set-Cookie` header, attributes in the order in which Go writes them.
    pub(crate) fn set_cookie(&self, value: &str, now: u64) -> Option<HeaderValue> {
        use fmt::Write;

        let mut text = String::with_capacity(self.name.len() + value.len() + 160);
        // Writing to a string cannot fail.
        let _ = write!(text, "{}={value}", self.name);
        if let Some(path) = &self.path {
            let _ = write!(text, "; Path={path}");
        }
        if let Some(domain) = &self.domain {
            let _ = write!(text, "; Domain={}", domain.trim_start_matches('.'));
        }
        if let Some(age) = self.max_age {
            let expires = HttpDate(now.saturating_add(age));
            let _ = write!(text, "; Expires={expires}; Max-Age={age}");
        }
        if self.http_only {
            text.push_str("; HttpOnly");
        }
        if self.secure {
            text.push_str("; Secure");
        }
        text.push_str(match self.same_site {
            SameSite::Lax => "; SameSite=Lax",
            SameSite::Strict => "; SameSite=Strict",
            SameSite::None => "; SameSite=None",
            SameSite::Unset => "",
        });
        // Name and attributes were checked when the layer was built and values are base64.
        HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()
    }
}

/// The values of the cookies with exactly this name, in the order in which they came.
///
/// Pairs are split at `;` only, names end at the first `=`, and blanks around a pair are dropped:
/// what a browser stores and nothing more lenient, because a parser that sees cookies where the
/// browser saw none lets other cookies' values overwrite ours (CVE-2016-7401).
pub(crate) fn values<'h, 'n>(headers: &'h HeaderMap, name: &'n str) -> Values<'h, 'n> {
    let mut lines = headers.get_all(header::COOKIE).into_iter();
    let rest = lines.next().map(HeaderValue::as_bytes);
    Values { name, lines, rest }
}

/// See [`values`].
pub(crate) struct Values<'h, 'n> {
    name: &'n str,
    lines: ValueIter<'h, HeaderValue>,
    /// What is left of the line that is being read.
    rest: Option<&'h [u8]>,
}

impl<'h> Iterator for Values<'h, '_> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        loop {
            let line = self.rest?;
            let pair = match memchr::memchr(b';', line) {
                Some(end) => {
                    self.rest = Some(&line[end + 1..]);
                    &line[..end]
                }
                None => {
                    self.rest = self.lines.next().map(HeaderValue::as_bytes);
                    line
                }
            };
            let value = pair
                .trim_ascii()
                .strip_prefix(self.name.as_bytes())
                .and_then(|pair| pair.strip_prefix(b"="));
            if value.is_some() {
                return value;
            }
        }
    }
}

/// `Sun, 22 Nov 2026 21:51:27 GMT`
struct HttpDate(u64);

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Beyond the year 9999 the format has no room.
        let seconds = self.0.min(253_402_300_799);
        let (days, time) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        write!(
            f,
            "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
            WEEKDAYS[usize::try_from(days % 7).unwrap_or_default()],
            MONTHS[month],
            time / 3600,
            time / 60 % 60,
            time % 60,
        )
    }
}

/// Year, month (from 0) and day of a count of days since 1970. Years are counted from March, so that
/// the leap day is the last one, in eras of 400 years.
fn civil(days: u64) -> (u64, usize, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(from_march >= 10);
    (year, usize::try_from(month).unwrap_or_default(), day)
}

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_browsers_read_them() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_795_384_287, "Sun, 22 Nov 2026 21:51:27 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(HttpDate(seconds).to_string(), text);
        }
    }

    #[test]
    fn cookies_are_found_by_their_exact_name_only() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            "a=1; csrf=2;csrf=3;  CSRF=4; xcsrf=5".parse().unwrap(),
        );
        headers.append(
            header::COOKIE,
            "csrf=6=7; csrf; csrf =8; b=csrf=9".parse().unwrap(),
        );
        let found: Vec<_> = values(&headers, "csrf").collect();
        assert_eq!(found, [&b"2"[..], b"3", b"6=7"]);
    }
}
