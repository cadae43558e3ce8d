//! What the fuzz targets of `fuzz/` run, and their corpora replayed.
//!
//! Each function takes any bytes and panics when a promise is broken. It is the same code in both
//! places, so an input that a fuzzer finds becomes a test by being put into its folder.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mainstay_supervisor::cli::{CtlOptions, DaemonOptions};
use mainstay_supervisor::config::{self, Context, ini::Ini};
use mainstay_supervisor::daemon::Handle;
use mainstay_supervisor::event::Protocol;
use mainstay_supervisor::rpc::xml;
use mainstay_supervisor::web;

/// The dialect of configuration files: nothing panics, and what was read can be asked for.
pub(crate) fn ini(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut ini = Ini::default();
    let read = ini.read(&text, "fuzz.conf");
    if let Err(errors) = &read {
        assert!(!errors.is_empty(), "refused without a reason");
    }
    for section in ini.sections() {
        for entry in section.entries() {
            assert!(section.get(&entry.key).is_some(), "{} is lost", entry.key);
        }
    }
}

/// `%` formatting: nothing panics, and text without a percent sign stays as it is.
pub(crate) fn expansion(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lookup = |name: &str| match name {
        "process_num" => Some(config::percent::Value::Int(7)),
        "program_name" => Some(config::percent::Value::Str("web".to_owned())),
        _ => None,
    };
    let outcome = config::percent::format(&text, lookup);
    if !text.contains('%') {
        assert_eq!(outcome.as_deref().ok(), Some(&*text));
    }
}

/// `environment=`: nothing panics, keys are named, and quoting what was read reads the same again.
pub(crate) fn environment(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(pairs) = config::environment::parse(&text) else {
        return;
    };
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if pairs
        .iter()
        .any(|(key, value)| !plain(key) || key.is_empty() || value.contains(['"', '\\']))
    {
        return;
    }
    let again: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key}=\"{value}\""))
        .collect();
    assert_eq!(
        config::environment::parse(&again.join(",")).ok(),
        Some(pairs)
    );
}

/// The words of a command: nothing panics, and quoting them splits into the same words.
pub(crate) fn words(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(words) = config::words::split(&text) else {
        return;
    };
    let quoted: Vec<String> = words
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', "'\"'\"'")))
        .collect();
    assert_eq!(config::words::split(&quoted.join(" ")).ok(), Some(words));
}

/// Byte sizes and the other typed values of a whole file: nothing panics, and refusing says why.
pub(crate) fn values(data: &[u8]) {
    let text = String::from_utf8_lossy(data).replace(['\n', '\r'], " ");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz.conf");
    let keys = [
        "logfile_maxbytes",
        "logfile_backups",
        "umask",
        "loglevel",
        "nodaemon",
        "minfds",
    ];
    for key in keys {
        std::fs::write(&path, format!("[supervisord]\n{key}={text}\n")).unwrap();
        let context = Context::bare(folder.path());
        let options = DaemonOptions::default();
        let report = config::check(&path, &options, &context);
        let loaded = config::load(&path, &options, &context);
        assert_eq!(report.is_ok(), loaded.is_ok(), "{key}={text}");
        if let Err(error) = loaded {
            assert!(!error.to_string().is_empty());
        }
    }
}

/// XML-RPC, both directions: nothing panics, and what was written reads as what is written again.
/// (Not as what was read before: characters that XML cannot carry are replaced on the way out.)
pub(crate) fn xml(data: &[u8]) {
    if let Ok(call) = xml::parse_call(data) {
        let written = xml::write_call(&call.method, &call.params);
        let again = xml::parse_call(&written).unwrap();
        assert_eq!(xml::write_call(&again.method, &again.params), written);
    }
    if let Ok(Ok(value)) = xml::parse_response(data) {
        let written = xml::write_response(&value);
        let again = xml::parse_response(&written).unwrap().unwrap();
        assert_eq!(xml::write_response(&again), written);
    }
}

/// What a listener writes: nothing panics, and how it is cut changes nothing.
pub(crate) fn listener(data: &[u8]) {
    let Some((cut, bytes)) = data.split_first() else {
        return;
    };
    let mut whole = Protocol::default();
    let mut pieces = Protocol::default();
    let at = usize::from(*cut).min(bytes.len());
    let expected = whole.feed(bytes);
    let mut steps = pieces.feed(&bytes[..at]);
    steps.extend(pieces.feed(&bytes[at..]));
    assert_eq!(steps, expected);
    assert_eq!(pieces.state(), whole.state());
}

/// Command lines of both programs: nothing panics, and a refusal says something.
pub(crate) fn arguments(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    if let Err(error) = DaemonOptions::parse(&words, &Context::bare("/")) {
        assert!(!error.to_string().is_empty());
    }
    if let Err(error) = CtlOptions::parse(&words) {
        assert!(!error.to_string().is_empty());
    }
}

/// What is sent to a server: nothing panics, whatever is answered is HTTP, and nobody comes in without
/// the password. The first byte chooses the server: one with a login, or one without.
pub(crate) fn http(data: &[u8]) {
    static SITE: OnceLock<Site> = OnceLock::new();

    let Some((choice, request)) = data.split_first() else {
        return;
    };
    let site = SITE.get_or_init(Site::open);
    let has_login = choice % 2 == 0;
    let answer = site.send(if has_login { "login.sock" } else { "open.sock" }, request);
    assert!(!PANICKED.load(Ordering::SeqCst), "it panicked");
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1."),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
    let knows_password = request.windows(12).any(|it| it == b"Y2hyaXM6MTIz");
    if has_login && !knows_password && !answer.is_empty() {
        let status = answer.get(9..12).unwrap_or_default();
        assert!(
            matches!(
                status,
                b"400" | b"401" | b"413" | b"414" | b"431" | b"501" | b"505"
            ),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
}

/// Two servers of a daemon that refuses everything.
struct Site {
    folder: tempfile::TempDir,
}

static PANICKED: AtomicBool = AtomicBool::new(false);

impl Site {
    fn open() -> Self {
        const THREAD: &str = "fuzzed-http";

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fuzz.conf");
        let text = "[supervisord]\n[unix_http_server:open]\nfile=%(here)s/open.sock\n\
             allow_actions_by_get=true\n[unix_http_server:login]\nfile=%(here)s/login.sock\n\
             username=chris\npassword=123\n";
        std::fs::write(&path, text).unwrap();
        let context = Context::bare(folder.path());
        let config = config::load(&path, &DaemonOptions::default(), &context).unwrap();
        let (handle, mut requests) = Handle::channel(8);
        std::thread::spawn(move || while requests.blocking_recv().is_some() {});
        let context = web::Context::new(handle, "fuzz", true, &web::Keys::generate());
        let mut servers = web::Servers::open(&config.servers, context).unwrap();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() == Some(THREAD) {
                PANICKED.store(true, Ordering::SeqCst);
            }
            before(info);
        }));
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                servers.serve().unwrap();
                std::future::pending::<()>().await;
            });
        };
        let thread = std::thread::Builder::new().name(THREAD.to_owned());
        thread.spawn(serve).unwrap();
        Self { folder }
    }

    /// Sends all of it, and reads until the server hangs up.
    fn send(&self, socket: &str, request: &[u8]) -> Vec<u8> {
        let mut stream = UnixStream::connect(self.folder.path().join(socket)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        // A server that has heard enough closes, and takes no more.
        let _ = stream.write_all(request);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                panic!("it neither answers nor hangs up")
            }
            _ => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use test_support::corpus::replay;

    #[test]
    fn the_corpus_of_files() {
        replay("supervisor_ini", super::ini);
    }

    #[test]
    fn the_corpus_of_expansions() {
        replay("supervisor_expansion", super::expansion);
    }

    #[test]
    fn the_corpus_of_environments() {
        replay("supervisor_environment", super::environment);
    }

    #[test]
    fn the_corpus_of_commands() {
        replay("supervisor_words", super::words);
    }

    #[test]
    fn the_corpus_of_values() {
        replay("supervisor_values", super::values);
    }

    #[test]
    fn the_corpus_of_documents() {
        replay("supervisor_xml", super::xml);
    }

    #[test]
    fn the_corpus_of_listeners() {
        replay("supervisor_listener", super::listener);
    }

    #[test]
    fn the_corpus_of_command_lines() {
        replay("supervisor_arguments", super::arguments);
    }

    #[test]
    fn the_corpus_of_requests() {
        replay("supervisor_http", super::http);
    }
}
