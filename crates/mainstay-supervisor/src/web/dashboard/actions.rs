//! What the buttons do, and what is said about it.

use http::StatusCode;
use jiff::Timestamp;
use mainstay_handler::{Error, Result};

use super::Dashboard;
use super::params::Params;
use crate::rpc::{Code, Fault};

/// What a button does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Refresh,
    StartAll,
    StopAll,
    RestartAll,
    Start(String),
    Stop(String),
    Restart(String),
    ClearLog(String),
}

impl Action {
    /// The action that was asked for, if any.
    pub(super) fn read(params: Params) -> Result<Option<Self>> {
        let Some(action) = params.action.filter(|action| !action.is_empty()) else {
            return Ok(None);
        };
        let of_a_process = |action: fn(String) -> Self| match params.processname {
            Some(name) if !name.is_empty() => Ok(action(name)),
            _ => Err(Error::from_status(StatusCode::BAD_REQUEST)
                .with_message("The action needs the name of a process.")),
        };
        Ok(Some(match action.as_str() {
            "refresh" => Self::Refresh,
            "startall" => Self::StartAll,
            "stopall" => Self::StopAll,
            "restartall" => Self::RestartAll,
            "start" => of_a_process(Self::Start)?,
            "stop" => of_a_process(Self::Stop)?,
            "restart" => of_a_process(Self::Restart)?,
            "clearlog" => of_a_process(Self::ClearLog)?,
            _ => {
                return Err(Error::from_status(StatusCode::BAD_REQUEST)
                    .with_message("There is no such action."));
            }
        }))
    }
}

impl Dashboard {
    /// Does what the button says, to its end, and tells what came of it.
    pub(super) async fn perform(&self, action: Action) -> Result<String> {
        self.handle.check().await?;
        let handle = &self.handle;
        Ok(match action {
            Action::Refresh => format!("Page refreshed at {}", self.now()),
            Action::StartAll => {
                handle.start_all(true).await?;
                format!("All started at {}", self.now())
            }
            Action::StopAll => {
                handle.stop_all(true).await?;
                format!("All stopped at {}", self.now())
            }
            Action::RestartAll => {
                handle.stop_all(true).await?;
                handle.start_all(true).await?;
                format!("All restarted at {}", self.now())
            }
            Action::Start(name) => match self.start(&name).await {
                Ok(()) => format!("Process {name} started"),
                Err(text) => text,
            },
            Action::Stop(name) => match self.known(&name).await {
                Ok(()) => match handle.stop(name.as_str(), true).await {
                    Ok(()) => format!("Process {name} stopped"),
                    Err(fault) => unexpected(&fault),
                },
                Err(text) => text,
            },
            Action::Restart(name) => match self.restart(&name).await {
                Ok(()) => format!("Process {name} restarted"),
                Err(text) => text,
            },
            Action::ClearLog(name) => match self.known(&name).await {
                Ok(()) => match handle.clear_logs(name.as_str()).await {
                    Ok(()) => format!("Log for {name} cleared"),
                    Err(fault) => unexpected(&fault),
                },
                Err(text) => text,
            },
        })
    }

    /// Stops it if it runs, and starts it. The original says "restarted" even when it is not.
    async fn restart(&self, name: &str) -> Result<(), String> {
        self.known(name).await?;
        match self.handle.stop(name, true).await {
            Err(fault) if fault.code() != Code::NotRunning => Err(unexpected(&fault)),
            _ => self.start(name).await,
        }
    }

    async fn start(&self, name: &str) -> Result<(), String> {
        self.known(name).await?;
        self.handle.start(name, true).await.map_err(|fault| {
            let reason = match fault.code() {
                Code::NoFile => "no such file",
                Code::NotExecutable => "file not executable",
                Code::AlreadyStarted => "already started",
                Code::SpawnError => "spawn error",
                Code::AbnormalTermination => "abnormal termination",
                _ => &unexpected(&fault),
            };
            format!("ERROR: Process {name}: {reason}")
        })
    }

    async fn known(&self, name: &str) -> Result<(), String> {
        match self.handle.info(name).await {
            Ok(_) => Ok(()),
            Err(fault) if fault.code() == Code::BadName => {
                Err(format!("No such process named {name}"))
            }
            Err(fault) => Err(unexpected(&fault)),
        }
    }

    /// The time as C prints it.
    fn now(&self) -> String {
        let now = Timestamp::now().to_zoned(self.zone.clone());
        now.strftime("%a %b %e %H:%M:%S %Y").to_string()
    }
}

/// Whether a message tells of a failure; they come back in the address, so this is all there is.
pub(super) fn is_failure(message: &str) -> bool {
    ["ERROR", "unexpected rpc fault", "No such process"]
        .iter()
        .any(|it| message.starts_with(it))
}

pub(super) fn unexpected(fault: &Fault) -> String {
    format!("unexpected rpc fault [{}] {fault}", fault.code().number())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Option<Action>> {
        Action::read(Params::read(query, b""))
    }

    #[test]
    fn actions_are_named_as_in_the_original() {
        let web = || "site:web".to_owned();
        for (query, expected) in [
            ("", None),
            ("action=", None),
            ("action=refresh", Some(Action::Refresh)),
            ("action=stopall", Some(Action::StopAll)),
            ("action=restartall", Some(Action::RestartAll)),
            ("action=startall", Some(Action::StartAll)),
            (
                "action=start&processname=site:web",
                Some(Action::Start(web())),
            ),
            (
                "action=stop&processname=site:web",
                Some(Action::Stop(web())),
            ),
            (
                "action=restart&processname=site%3Aweb",
                Some(Action::Restart(web())),
            ),
            (
                "action=clearlog&processname=site%3Aweb",
                Some(Action::ClearLog(web())),
            ),
        ] {
            assert_eq!(read(query).unwrap(), expected, "{query}");
        }
        for query in ["action=nope", "action=start", "action=stop&processname="] {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
