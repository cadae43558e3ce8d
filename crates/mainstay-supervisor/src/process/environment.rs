//! The environment of a child.

use std::collections::HashMap;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use crate::config::{self, Address};

/// What every child of this daemon is given.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The daemon's own environment.
    pub inherited: Vec<(OsString, OsString)>,
    /// `SUPERVISOR_SERVER_URL` for programs that do not set their own.
    pub server_url: Option<String>,
    /// The soft limit of descriptors to go back to, where the daemon has raised its own.
    pub descriptors: Option<u64>,
}

impl Surroundings {
    /// The daemon's own `PATH`.
    pub fn path(&self) -> Option<&OsStr> {
        self.inherited
            .iter()
            .find(|(key, _)| key == "PATH")
            .map(|(_, value)| value.as_os_str())
    }

    /// `KEY=value` strings for one process: the inherited ones, those that tell it who it is, and
    /// what the configuration says, the later over the earlier.
    pub fn environment(&self, process: &config::Process) -> Vec<CString> {
        let mut variables = self.inherited.clone();
        let mut places: HashMap<OsString, usize> = HashMap::new();
        for (at, (key, _)) in variables.iter().enumerate() {
            places.entry(key.clone()).or_insert(at);
        }
        let mut set = |key: &str, value: &str| {
            let value = OsString::from(value);
            if let Some(at) = places.get(OsStr::new(key)) {
                variables[*at].1 = value;
                return;
            }
            places.insert(key.into(), variables.len());
            variables.push((key.into(), value));
        };
        set("SUPERVISOR_ENABLED", "1");
        if let Some(url) = process.serverurl.as_ref().or(self.server_url.as_ref()) {
            set("SUPERVISOR_SERVER_URL", url);
        }
        set("SUPERVISOR_PROCESS_NAME", &process.name);
        set("SUPERVISOR_GROUP_NAME", &process.group);
        for (key, value) in &process.environment {
            set(key, value);
        }
        variables
            .into_iter()
            .filter_map(|(key, value)| assignment(key, &value))
            .collect()
    }
}

/// Where children find the daemon: the first unix server, else the first inet server.
pub fn server_url(servers: &[config::Server]) -> Option<String> {
    let unix = servers.iter().find_map(|server| match &server.address {
        Address::Unix { path, .. } => Some(format!("unix://{}", path.display())),
        Address::Inet { .. } => None,
    });
    unix.or_else(|| {
        servers.iter().find_map(|server| match &server.address {
            Address::Inet { host, port } if host.is_empty() => {
                Some(format!("http://localhost:{port}"))
            }
            Address::Inet { host, port } => Some(format!("http://{host}:{port}")),
            Address::Unix { .. } => None,
        })
    })
}

/// `None` for what cannot be passed on: a zero byte would end the string early.
fn assignment(key: OsString, value: &OsStr) -> Option<CString> {
    let mut bytes = key.into_vec();
    bytes.push(b'=');
    bytes.extend_from_slice(value.as_bytes());
    CString::new(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::program;

    #[test]
    fn the_later_wins() {
        let surroundings = Surroundings {
            inherited: vec![
                ("A".into(), "inherited".into()),
                ("B".into(), "inherited".into()),
            ],
            server_url: Some("unix:///run/s.sock".to_owned()),
            descriptors: None,
        };
        let mut process = program("cat");
        process.group = "pets".to_owned();
        for (key, value) in [("B", "own"), ("SUPERVISOR_ENABLED", "0"), ("C", "a=b")] {
            process.environment.push((key.to_owned(), value.to_owned()));
        }

        let environment = surroundings.environment(&process);

        let environment: Vec<_> = environment.iter().map(|e| e.to_str().unwrap()).collect();
        assert_eq!(
            environment,
            [
                "A=inherited",
                "B=own",
                "SUPERVISOR_ENABLED=0",
                "SUPERVISOR_SERVER_URL=unix:///run/s.sock",
                "SUPERVISOR_PROCESS_NAME=cat",
                "SUPERVISOR_GROUP_NAME=pets",
                "C=a=b",
            ]
        );
    }

    #[test]
    fn a_program_may_be_sent_elsewhere() {
        let mut process = program("cat");
        process.serverurl = Some("http://elsewhere:1".to_owned());
        let surroundings = Surroundings {
            server_url: Some("http://localhost:1".to_owned()),
            ..Surroundings::default()
        };

        let environment = surroundings.environment(&process);

        assert!(
            environment
                .iter()
                .any(|e| e.to_bytes() == b"SUPERVISOR_SERVER_URL=http://elsewhere:1")
        );
    }

    #[test]
    fn the_first_unix_server_is_preferred() {
        let inet = |host: &str| config::Server {
            section: "inet_http_server".to_owned(),
            address: Address::Inet {
                host: host.to_owned(),
                port: 9001,
            },
            credentials: None,
            allow_actions_by_get: false,
        };
        let unix = config::Server {
            section: "unix_http_server".to_owned(),
            address: Address::Unix {
                path: "/run/s.sock".into(),
                mode: 0o700,
                owner: None,
            },
            credentials: None,
            allow_actions_by_get: false,
        };
        assert_eq!(server_url(&[]), None);
        assert_eq!(server_url(&[inet("")]).unwrap(), "http://localhost:9001");
        assert_eq!(
            server_url(&[inet("10.0.0.1")]).unwrap(),
            "http://10.0.0.1:9001"
        );
        assert_eq!(server_url(&[inet(""), unix]).unwrap(), "unix:///run/s.sock");
    }
}
