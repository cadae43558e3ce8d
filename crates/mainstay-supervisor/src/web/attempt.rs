//! Opening servers for a trial, while those of before are in service.

use super::OpenError;
use super::auth::Login;
use super::connection::Listener;
use super::listen;
use crate::config::{Address, Server};

/// Whether all of `new` could be opened once those of `old` are closed. Nothing stays open.
///
/// What is in the way of a new server and belongs to an old one says nothing, so there the address
/// is not tried.
///
/// # Errors
///
/// What opening them would report.
pub(crate) fn try_to_open(new: &[Server], old: &[Server]) -> Result<(), OpenError> {
    // All at once, as they are to be: two of them may want the same address.
    let mut opened = Vec::new();
    for server in new {
        if let Some(credentials) = &server.credentials
            && !credentials.username.is_empty()
        {
            Login::new(credentials)
                .map_err(|error| OpenError::password(&server.section, &error))?;
        }
        if old.iter().any(|old| collide(&old.address, &server.address)) {
            continue;
        }
        opened.push(match &server.address {
            Address::Inet { host, port } => (Listener::Tcp(listen::tcp(host, *port)?), None),
            Address::Unix { path, mode, owner } => {
                let (listener, file, _) = listen::unix(path, *mode, *owner)?;
                (Listener::Unix(listener), Some(file))
            }
        });
    }
    Ok(())
}

/// Whether the one may keep the other from being opened.
fn collide(a: &Address, b: &Address) -> bool {
    match (a, b) {
        // A name may be any address, and all interfaces are every one.
        (Address::Inet { port: a, .. }, Address::Inet { port: b, .. }) => a == b,
        (Address::Unix { path: a, .. }, Address::Unix { path: b, .. }) => a == b,
        _ => false,
    }
}
