//! A browser as far as these tests need one: HTTP/1.1, cookies, and forms with their tokens.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Client {
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            cookies: BTreeMap::new(),
        }
    }

    /// The site has restarted elsewhere.
    pub(crate) fn moves_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("accept", "text/html")], "")
    }

    /// Posts a form as it is, and follows no redirect.
    pub(crate) fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Answer {
        let body: Vec<String> = fields
            .iter()
            .map(|(k, v)| format!("{k}={}", encode(v)))
            .collect();
        let mut all = vec![
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        all.extend(headers);
        self.send("POST", path, &all, &body.join("&"))
    }

    /// Fills in the form of a page and sends it.
    pub(crate) fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let (name, token) = self.get(page).token();
        let mut all = vec![(name.as_str(), token.as_str())];
        all.extend(fields);
        self.post(action, &[], &all)
    }

    #[track_caller]
    pub(crate) fn sign_up(&mut self, name: &str, password: &str) {
        let answer = self.submit(
            "/signup",
            "/signup/post",
            &[("name", name), ("password", password)],
        );
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/auth/login?welcome"))
        );
    }

    #[track_caller]
    pub(crate) fn log_in(&mut self, name: &str, password: &str) {
        let answer = self.try_log_in(name, password);
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/members"))
        );
    }

    pub(crate) fn try_log_in(&mut self, name: &str, password: &str) -> Answer {
        self.submit(
            "/auth/login",
            "/auth/login",
            &[("name", name), ("password", password)],
        )
    }

    /// Logs in as the page's script does.
    pub(crate) fn log_in_by_script(&mut self, name: &str, password: &str) -> Answer {
        let page = self.get("/auth/login");
        let token = page.meta_token();
        self.send(
            "POST",
            "/auth/login",
            &[
                ("accept", "application/json"),
                ("content-type", "application/json"),
                ("x-csrf-token", &token),
            ],
            &format!(r#"{{"name":"{name}","password":"{password}"}}"#),
        )
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self
                .cookies
                .iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect();
            request += &format!("cookie: {}\r\n", pairs.join("; "));
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        request += body;
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let answer = Answer::parse(&answer);
        self.keep_cookies(&answer);
        answer
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for (_, value) in answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            let mut parts = value.split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            if parts.any(|part| part == "Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let answer = Self {
            status,
            headers,
            body: body.to_owned(),
        };
        let length = answer
            .header("content-length")
            .expect("a length: pages are sent whole");
        assert_eq!(
            length,
            answer.body.len().to_string(),
            "a body as long as announced"
        );
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter().filter(|(n, _)| n == name);
        let found = all.next().map(|(_, value)| value.as_str());
        assert!(
            all.next().is_none() || name == "set-cookie",
            "two headers {name}"
        );
        found
    }

    /// Name and value of the hidden field that `token.field()` writes.
    #[track_caller]
    pub(crate) fn token(&self) -> (String, String) {
        let main = self.body.split("<main").nth(1).expect("a page");
        let field = main
            .split("<input")
            .find(|input| input.contains("type=\"hidden\""))
            .expect("a token field");
        (attribute(field, "name"), attribute(field, "value"))
    }

    #[track_caller]
    pub(crate) fn meta_token(&self) -> String {
        let meta = self
            .body
            .split("<meta")
            .find(|meta| meta.contains("name=\"csrf-token\""))
            .expect("a token");
        attribute(meta, "content")
    }

    /// The body without what differs in every answer: tokens and the request's id.
    pub(crate) fn stable_body(&self) -> String {
        let mut body = self.body.clone();
        if body.contains("type=\"hidden\"") {
            body = body.replace(&self.token().1, "TOKEN");
        }
        if body.contains("name=\"csrf-token\"") {
            body = body.replace(&self.meta_token(), "TOKEN");
        }
        body.replace(self.header("x-request-id").expect("an id"), "ID")
    }
}

#[track_caller]
fn attribute(tag: &str, name: &str) -> String {
    let (_, rest) = tag
        .split_once(&format!(" {name}=\""))
        .expect("the attribute");
    rest.split('"').next().unwrap().to_owned()
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
