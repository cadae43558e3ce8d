//! As much of a browser as a person without one needs: cookies, forms, hidden fields.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

pub(crate) struct Client {
    port: u16,
    cookies: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            port,
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        self.send("POST", path, Some(&pairs.join("&")))
    }

    #[track_caller]
    pub(crate) fn sign_up(&mut self, name: &str, password: &str) {
        self.fill("/signup", "/signup/post", name, password);
    }

    #[track_caller]
    pub(crate) fn log_in(&mut self, name: &str, password: &str) {
        self.fill("/auth/login", "/auth/login", name, password);
    }

    /// Fetches a page and posts its form with every hidden field as the page has it.
    #[track_caller]
    fn fill(&mut self, page: &str, action: &str, name: &str, password: &str) {
        let form = self.get(page);
        assert_eq!(form.status, 200, "{}", form.body);
        let hidden = hidden_fields(&form.body);
        assert!(!hidden.is_empty(), "no token in the form: {}", form.body);
        let mut fields: Vec<(&str, &str)> = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        fields.extend([
            ("name", name),
            ("password", password),
            ("email", "grace@example.com"),
        ]);
        let answer = self.post(action, &fields);
        assert!(
            matches!(answer.status, 200 | 302 | 303),
            "{} {}",
            answer.status,
            answer.body
        );
    }

    fn send(&mut self, method: &str, path: &str, form: Option<&str>) -> Answer {
        let mut request = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{}\r\n",
            self.port
        );
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let _ = write!(request, "Cookie: {}\r\n", pairs.join("; "));
        }
        if let Some(form) = form {
            let _ = write!(
                request,
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                form.len()
            );
        }
        request.push_str("\r\n");
        request.push_str(form.unwrap_or_default());

        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a server");
        stream.write_all(request.as_bytes()).expect("sending");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        for line in head.lines() {
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("set-cookie")
                && let Some((name, value)) = value.split(';').next().and_then(|v| v.split_once('='))
            {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .expect("a status");
        Answer {
            status,
            body: body.to_owned(),
        }
    }
}

/// Names and values of the hidden inputs of a page.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    page.split("<input ")
        .skip(1)
        .filter_map(|input| {
            let tag = input.split('>').next()?;
            let attribute = |name: &str| {
                let rest = tag.split(&format!("{name}=\"")).nth(1)?;
                Some(rest.split('"').next()?.to_owned())
            };
            (attribute("type")? == "hidden").then_some(())?;
            Some((attribute("name")?, attribute("value")?))
        })
        .collect()
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
