//! `[inet_http_server]`, `[unix_http_server]` and `[rpcinterface:x]`.

use crate::config::model::{Address, Credentials, Server};
use crate::config::options::{Kind, Opt, inet_http_server, rpcinterface, unix_http_server};
use crate::config::read::Reader;

const MAIN_FACTORY: &str = "supervisor.rpcinterface:make_main_rpcinterface";

/// Reads a server's section; `None` after a mistake.
pub(in crate::config) fn servers(reader: &Reader<'_>, kind: Kind) -> Option<Server> {
    let address = match kind {
        Kind::InetHttpServer => inet(reader),
        _ => unix(reader),
    };
    let (username, password) = match kind {
        Kind::InetHttpServer => (&inet_http_server::USERNAME, &inet_http_server::PASSWORD),
        _ => (&unix_http_server::USERNAME, &unix_http_server::PASSWORD),
    };
    let credentials = credentials(reader, username, password);
    let by_get = match kind {
        Kind::InetHttpServer => &inet_http_server::ALLOW_ACTIONS_BY_GET,
        _ => &unix_http_server::ALLOW_ACTIONS_BY_GET,
    };
    let allow_actions_by_get = reader.get(by_get);
    Some(Server {
        section: reader.section.name.clone(),
        address: address?,
        credentials: credentials?,
        allow_actions_by_get,
    })
}

fn inet(reader: &Reader<'_>) -> Option<Address> {
    if !reader.has("port") {
        let text = format!("section [{}] has no port value", reader.section.name);
        reader.wrong(&inet_http_server::PORT, text);
        return None;
    }
    let (host, port) = reader.find(&inet_http_server::PORT)?;
    Some(Address::Inet { host, port })
}

fn unix(reader: &Reader<'_>) -> Option<Address> {
    if !reader.has("file") {
        let text = format!("section [{}] has no file value", reader.section.name);
        reader.wrong(&unix_http_server::FILE, text);
        return None;
    }
    let path = reader.find(&unix_http_server::FILE);
    // The two have one message for whatever is wrong with them.
    let owner = worded(reader, &unix_http_server::CHOWN, "sockchown");
    let mode = worded(reader, &unix_http_server::CHMOD, "chmod").unwrap_or(0o700);
    Some(Address::Unix {
        path: path?,
        mode,
        owner,
    })
}

fn worded<T>(reader: &Reader<'_>, option: &Opt<T>, word: &str) -> Option<T> {
    let text = reader.text(option.row.key, option.row.scope)?;
    match (option.kind.parse)(&text, reader.shared.context) {
        Ok(value) => Some(value),
        Err(invalid) => {
            let error = reader.error(format!("Invalid {word} value {text}"), option.row.key);
            reader.problem(error.expected(option.row.expected).hint(invalid.hint));
            None
        }
    }
}

/// The login; the outer `None` after a mistake. An empty name means no login.
#[expect(
    clippy::option_option,
    reason = "no login and no answer are different things"
)]
fn credentials(
    reader: &Reader<'_>,
    username: &Opt<String>,
    password: &Opt<String>,
) -> Option<Option<Credentials>> {
    let half = reader.has("username") != reader.has("password");
    let pair = (reader.find(username), reader.find(password));
    if half {
        let text = format!(
            "Section [{}] contains incomplete authentication: If a username or a password is \
             specified, both the username and password must be specified",
            reader.section.name
        );
        let present = if reader.has("username") {
            username
        } else {
            password
        };
        let missing = if reader.has("username") {
            password
        } else {
            username
        };
        let error = reader.error(text, present.row.key);
        reader.problem(error.expected(format!("`{}` as well", missing.row.key)));
        return None;
    }
    match pair {
        (Some(username), Some(password)) if !username.is_empty() => {
            Some(Some(Credentials { username, password }))
        }
        _ => Some(None),
    }
}

/// Whether this section switches the main interface on.
pub(in crate::config) fn rpc_interface(reader: &Reader<'_>) -> bool {
    let option = &rpcinterface::FACTORY;
    let section = &reader.section.name;
    if !reader.has(option.row.key) {
        let text = format!("section [{section}] does not specify a {}", option.row.key);
        reader.wrong(option, text);
        return false;
    }
    let Some(factory) = reader.find(option) else {
        return false;
    };
    let expected = format!("`{MAIN_FACTORY}` in [rpcinterface:supervisor]");
    if factory != MAIN_FACTORY {
        let text = format!(
            "{factory} cannot be resolved within [{section}]: extensions written in Python cannot \
             be loaded"
        );
        reader.problem(reader.error(text, option.row.key).expected(expected));
        return false;
    }
    // The factory is called with the other options, and takes none.
    if let Some(extra) = reader
        .section
        .entries()
        .find(|entry| entry.key != option.row.key)
    {
        let error = reader.error("Could not make supervisor rpc interface", &extra.key);
        reader.problem(error.hint(Some(format!("remove `{}`", extra.key))));
        return false;
    }
    if section != "rpcinterface:supervisor" {
        let text = format!(
            "{factory} cannot be resolved within [{section}]: the interface is served as \
             `supervisor` only"
        );
        reader.problem(reader.error(text, option.row.key).expected(expected));
        return false;
    }
    true
}
