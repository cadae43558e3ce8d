//! What an `[fcgi-program:x]` has besides its processes: a socket.

use std::sync::Arc;

use crate::config::model::{FcgiSocket, User};
use crate::config::options::{Scope, fcgi_program as option, program};
use crate::config::read::Reader;
use crate::config::types;

const ADDRESS: &str = "`tcp://host:port` or `unix:///absolute/path`";

/// Reads the socket; `None` after a mistake.
pub(super) fn socket(reader: &Reader<'_>, program_name: &str) -> Option<Arc<FcgiSocket>> {
    let mut reader = reader.clone();
    program_name.clone_into(&mut reader.names.program);
    let section = &reader.section.name;
    let user = reader.find_in(&program::USER, Scope::Here);
    let backlog = match reader.find(&option::SOCKET_BACKLOG) {
        Some(number @ 1..=65535) => u32::try_from(number).ok(),
        Some(number) => {
            let text = format!("Invalid socket_backlog value {number}");
            let error = reader.error(text, "socket_backlog");
            reader.problem(error.expected("a whole number from 1 to 65535"));
            None
        }
        None => None,
    };
    let url = if reader.has("socket") {
        reader.find(&option::SOCKET)?
    } else {
        String::new()
    };
    if url.is_empty() {
        let text = format!("[{section}] section requires a \"socket\" line");
        reader.problem(reader.error(text, "socket").expected(ADDRESS));
        return None;
    }
    let Some(path) = url.strip_prefix("unix://") else {
        return tcp(&reader, &url, backlog);
    };
    if !path.starts_with('/') {
        let text = format!("Unix socket path {path} is not an absolute path in [{section}] socket");
        let error = reader.error(text, "socket");
        reader.problem(error.expected("`unix:///absolute/path`"));
        return None;
    }
    let path = reader.shared.context.absolute(path);
    Some(Arc::new(FcgiSocket {
        url: format!("unix://{}", path.display()),
        backlog,
        owner: owner(&reader, user.as_ref()),
        mode: mode(&reader),
    }))
}

fn tcp(reader: &Reader<'_>, url: &str, backlog: Option<u32>) -> Option<Arc<FcgiSocket>> {
    let section = &reader.section.name;
    let address = url
        .strip_prefix("tcp://")
        .and_then(|address| address.split_once(':'));
    let address = match address {
        Some((host, port))
            if !host.is_empty()
                && !host.contains(char::is_whitespace)
                && !port.is_empty()
                && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            types::port_number(port)
                .map(|port| (host.to_lowercase(), port))
                .map_err(|invalid| invalid.reason)
        }
        _ => Err(format!("Bad socket format {url}")),
    };
    let (host, port) = match address {
        Ok(address) => address,
        Err(reason) => {
            let error = reader.error(format!("{reason} in [{section}] socket"), "socket");
            reader.problem(error.expected(ADDRESS));
            return None;
        }
    };
    for key in ["socket_owner", "socket_mode"] {
        if reader.has(key) {
            let text = format!(
                "socket_owner and socket_mode params should only be used with a Unix domain socket \
                 in [{section}] socket"
            );
            reader.problem(
                reader
                    .error(text, key)
                    .hint(Some(format!("remove `{key}`"))),
            );
            return None;
        }
    }
    Some(Arc::new(FcgiSocket {
        url: format!("tcp://{host}:{port}"),
        backlog,
        owner: None,
        mode: None,
    }))
}

/// The owner that is named, whose group is the daemon's if it is not named, too; else the program's
/// user with its group, if it is not the daemon's.
fn owner(reader: &Reader<'_>, user: Option<&User>) -> Option<(u32, Option<u32>)> {
    if let Some(text) = reader.text("socket_owner", Scope::Here) {
        return match (option::SOCKET_OWNER.kind.parse)(&text, reader.shared.context) {
            Ok(owner) => Some(owner),
            Err(_) => {
                reader.wrong(
                    &option::SOCKET_OWNER,
                    format!("Invalid socket_owner value {text}"),
                );
                None
            }
        };
    }
    user.filter(|user| user.uid != reader.shared.context.uid)
        .map(|user| (user.uid, Some(user.gid)))
}

fn mode(reader: &Reader<'_>) -> Option<u32> {
    let Some(text) = reader.text("socket_mode", Scope::Here) else {
        return Some(0o700);
    };
    let mode = (option::SOCKET_MODE.kind.parse)(&text, reader.shared.context).ok();
    if mode.is_none() {
        reader.wrong(
            &option::SOCKET_MODE,
            format!("Invalid socket_mode value {text}"),
        );
    }
    mode
}
