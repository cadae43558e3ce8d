//! As much of an XML-RPC client as measuring needs: one kept-alive connection to a unix socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// It takes next to nothing itself: client and daemon share the processors.
pub(crate) struct Connection {
    stream: UnixStream,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(socket: &Path) -> Result<Self> {
        Ok(Self {
            stream: UnixStream::connect(socket)?,
            answer: vec![0; 1 << 16],
        })
    }

    /// Calls a method with strings as parameters; the answer is the document as it came.
    pub(crate) fn call(&mut self, method: &str, params: &[&str]) -> Result<&str> {
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
    ) -> Result<&str> {
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

    fn send(&mut self, method: &str, params: &str) -> Result<&str> {
        let body = format!(
            "<?xml version='1.0'?><methodCall><methodName>{method}</methodName>\
             <params>{params}</params></methodCall>"
        );
        let request = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;

        let mut got = 0;
        let head = loop {
            if self.receive(&mut got)? == 0 {
                bail!("{method}: the connection was closed before an answer");
            }
            let answer = &self.answer[..got];
            if let Some(at) = answer.windows(4).position(|end| end == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let (status, length) = read_head(&self.answer[..head])?;
        let ok = status.contains(" 200 ");
        let status = status.to_owned();
        let whole = head + length.with_context(|| format!("{method}: {status}"))?;
        while got < whole {
            if self.receive(&mut got)? == 0 {
                bail!("{method}: the connection was closed in the middle of an answer");
            }
        }
        let body = std::str::from_utf8(&self.answer[head..whole])?;
        let fault = body.get(..100).unwrap_or(body).contains("<fault>");
        if !ok || fault {
            bail!("{method}: {status} {body}");
        }
        Ok(body)
    }

    fn receive(&mut self, got: &mut usize) -> Result<usize> {
        if *got == self.answer.len() {
            self.answer.resize(2 * *got, 0);
        }
        let more = self.stream.read(&mut self.answer[*got..])?;
        *got += more;
        Ok(more)
    }
}

/// The line of the status, and the length of the body.
fn read_head(head: &[u8]) -> Result<(&str, Option<usize>)> {
    let mut lines = std::str::from_utf8(head)?.lines();
    let status = lines.next().unwrap_or_default();
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok());
    Ok((status, length))
}
