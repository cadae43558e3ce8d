//! What differs between two runs and says nothing: pids, times, folders, and Python's ways of
//! reporting its own errors.

use std::path::Path;

use crate::ctl::Said;

/// With the variable parts replaced, so that two runs can be compared byte for byte.
///
/// An unexpected error is `error: <class 'X'>, text: file: F line: N` in Python and `error: text`
/// here, or `error: text: URL; advice` where there is no connection; the text is what is compared.
pub fn normalise(said: &Said, folder: &Path) -> Said {
    let folder = folder.to_string_lossy();
    let text = |text: &str| {
        text.replace(&*folder, "FOLDER")
            .split_inclusive('\n')
            .map(line)
            .collect::<String>()
    };
    Said {
        status: said.status,
        stdout: text(&said.stdout),
        stderr: text(&said.stderr),
    }
}

fn line(line: &str) -> String {
    let mut line = line.to_owned();
    if line.starts_with("error: <class ")
        && let Some((_, rest)) = line.split_once(">, ")
    {
        let text = rest.rsplit_once(": file: ").map_or(rest, |(text, _)| text);
        line = format!("error: {text}\n");
    }
    // Behind that, ours says which server it is about and what may help.
    if line.starts_with("error: [Errno ")
        && let Some((text, _)) = line
            .split_once(": unix://")
            .or_else(|| line.split_once(": http://"))
    {
        line = format!("{text}\n");
    }
    line = replace_after(&line, "pid ", "P", |c| c.is_ascii_digit());
    line = replace_after(&line, "uptime ", "T", |c| c.is_ascii_digit() || c == ':');
    if is_stop_time(&line) {
        let column = line.trim_end().len() - STOP_TIME.len();
        line.replace_range(column..column + STOP_TIME.len(), STOP_TIME);
    }
    if !line.trim().is_empty() && line.trim().bytes().all(|b| b.is_ascii_digit()) {
        let zero = line.trim() == "0";
        line = if zero { "0\n" } else { "P\n" }.to_owned();
    }
    line
}

const STOP_TIME: &str = "Mon 00 00:00 XM";

/// Whether a status line ends in a time such as `Nov 22 09:42 AM`.
fn is_stop_time(line: &str) -> bool {
    let line = line.trim_end();
    let end = line
        .get(line.len().saturating_sub(STOP_TIME.len())..)
        .unwrap_or_default();
    end.len() == STOP_TIME.len()
        && end
            .bytes()
            .zip(STOP_TIME.bytes())
            .all(|(byte, pattern)| match pattern {
                b'0' => byte.is_ascii_digit(),
                b' ' | b':' => byte == pattern,
                _ => byte.is_ascii_alphabetic(),
            })
}

/// Replaces what follows every `marker`, as long as it consists of such characters.
fn replace_after(text: &str, marker: &str, with: &str, is_part: fn(char) -> bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(marker) {
        let tail = after.trim_start_matches(is_part);
        out.push_str(before);
        out.push_str(marker);
        out.push_str(if tail.len() < after.len() { with } else { "" });
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_varies_is_replaced() {
        for (given, expected) in [
            (
                "cat   RUNNING   pid 12, uptime 0:00:01\n",
                "cat   RUNNING   pid P, uptime T\n",
            ),
            (
                "off   STOPPED   Nov 23 07:11 AM\n",
                "off   STOPPED   Mon 00 00:00 XM\n",
            ),
            (
                "off   STOPPED   Not started\n",
                "off   STOPPED   Not started\n",
            ),
            ("123\n", "P\n"),
            ("0\n", "0\n"),
            ("\n", "\n"),
            ("pid <name>\tGet\n", "pid <name>\tGet\n"),
            (
                "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'X'>: file: /a/b.py line: 668\n",
                "error: <Fault 6: 'X'>\n",
            ),
            ("error: <Fault 6: 'X'>\n", "error: <Fault 6: 'X'>\n"),
            (
                "error: [Errno 2] No such file or directory: unix:///x; is the daemon running?\n",
                "error: [Errno 2] No such file or directory\n",
            ),
            (
                "error: <class 'OSError'>, [Errno 2] No such file: file: /a/b.py line: 6\n",
                "error: [Errno 2] No such file\n",
            ),
            ("/tmp/x/s no such file\n", "FOLDER/s no such file\n"),
        ] {
            let said = Said {
                status: Some(0),
                stdout: given.to_owned(),
                stderr: String::new(),
            };
            assert_eq!(
                normalise(&said, Path::new("/tmp/x")).stdout,
                expected,
                "{given:?}"
            );
        }
    }
}
