//! As much of an XML-RPC client as measuring needs: one kept-alive connection to a unix socket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

pub(crate) struct Connection {
    stream: BufReader<UnixStream>,
}

impl Connection {
    pub(crate) fn open(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Calls a method with strings as parameters; the answer is the document as it came.
    pub(crate) fn call(&mut self, method: &str, params: &[&str]) -> Result<String> {
        let params: String = params
            .iter()
            .map(|text| format!("<param><value><string>{text}</string></value></param>"))
            .collect();
        self.send(method, &params)
    }

    /// Calls a method many times at once, with strings as parameters.
    pub(crate) fn multicall(
        &mut self,
        count: usize,
        method: &str,
        params: &[&str],
    ) -> Result<String> {
        let params: String = params
            .iter()
            .map(|text| format!("<value><string>{text}</string></value>"))
            .collect();
        let one = format!(
            "<value><struct><member><name>methodName</name><value>{method}</value></member>\
             <member><name>params</name><value><array><data>{params}</data></array></value>\
             </member></struct></value>"
        );
        let calls = one.repeat(count);
        self.send(
            "system.multicall",
            &format!("<param><value><array><data>{calls}</data></array></value></param>"),
        )
    }

    fn send(&mut self, method: &str, params: &str) -> Result<String> {
        let body = format!(
            "<?xml version='1.0'?><methodCall><methodName>{method}</methodName>\
             <params>{params}</params></methodCall>"
        );
        let request = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;

        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        let mut length = None;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                bail!(
                    "{method}: the connection was closed after `{}`",
                    status.trim()
                );
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length.with_context(|| format!("{method}: {}", status.trim()))?];
        self.stream.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if !status.contains(" 200 ") || body.contains("<fault>") {
            bail!("{method}: {} {body}", status.trim());
        }
        Ok(body)
    }
}
