//! What each method does.

use super::table::Operation as Op;
use super::{Api, Budget, Method};
use crate::config::signal as signals;
use crate::daemon::{Channel, Outcome, SUPERVISOR_COMPAT_VERSION, State};
use crate::rpc::{API_VERSION, Code, Fault, Value, describe};

impl Api {
    /// Any method but `system.multicall`.
    pub(super) async fn single(
        &self,
        method: &'static Method,
        params: Vec<Value>,
        budget: &mut Budget,
    ) -> Result<Value, Fault> {
        let mut args = method.bind(params)?;
        let handle = &self.handle;
        match method.operation() {
            Op::ApiVersion => self.while_running(Value::from(API_VERSION)).await,
            Op::SupervisorVersion => {
                self.while_running(Value::from(SUPERVISOR_COMPAT_VERSION))
                    .await
            }
            Op::Identification => handle.identifier().await.map(Value::String),
            Op::State => {
                let state = [
                    ("statecode", Value::Int(1)),
                    ("statename", Value::from("RUNNING")),
                ];
                self.while_running(Value::record(state)).await
            }
            Op::Pid => {
                self.while_running(Value::capped(std::process::id().into()))
                    .await
            }
            Op::Shutdown => handle.shutdown().await.map(yes),
            Op::Restart => handle.restart().await.map(yes),
            Op::Reload => {
                let diff = handle.reread().await?;
                let lists = [diff.added, diff.changed, diff.removed];
                Ok(Value::Array(vec![Value::Array(
                    lists.into_iter().map(names).collect(),
                )]))
            }
            Op::AddGroup => handle.add_group(args.text()?).await.map(yes),
            Op::RemoveGroup => handle.remove_group(args.text()?).await.map(yes),

            Op::Start => self.start(args.text()?, args.flag()?).await,
            Op::StartGroup => handle
                .start_group(args.text()?, args.flag()?)
                .await
                .map(|it| outcomes(&it)),
            Op::StartAll => handle.start_all(args.flag()?).await.map(|it| outcomes(&it)),
            Op::Stop => self.stop(args.text()?, args.flag()?).await,
            Op::StopGroup => handle
                .stop_group(args.text()?, args.flag()?)
                .await
                .map(|it| outcomes(&it)),
            Op::StopAll => handle.stop_all(args.flag()?).await.map(|it| outcomes(&it)),
            Op::Signal => self.signal(args.text()?, &args.signal()?).await,
            Op::SignalGroup => self.signal_group(args.text()?, &args.signal()?).await,
            Op::SignalAll => self.signal_all(&args.signal()?).await,
            Op::SendStdin => handle
                .send_stdin(args.text()?, args.bytes()?)
                .await
                .map(yes),

            Op::RemoteEvent => handle
                .remote_event(args.text()?, args.bytes()?)
                .await
                .map(yes),

            Op::Info => {
                let info = handle.info(args.text()?).await?;
                Ok(describe::process(&info, &self.zone))
            }
            Op::InfoAll => {
                let infos = handle.info_all().await?;
                Ok(infos
                    .iter()
                    .map(|info| describe::process(info, &self.zone))
                    .collect::<Vec<_>>()
                    .into())
            }
            Op::ConfigAll => self.config_all().await,

            Op::ReadMainLog => {
                self.read_main_log((args.number()?, args.number()?), budget)
                    .await
            }
            Op::ClearMainLog => handle.clear_main_log().await.map(yes),
            op @ (Op::ReadStdout | Op::ReadStderr) => {
                let name = args.text()?;
                let range = (args.number()?, args.number()?);
                self.read_log(name, channel(op == Op::ReadStderr), range, budget)
                    .await
            }
            op @ (Op::TailStdout | Op::TailStderr) => {
                let name = args.text()?;
                let range = (args.number()?, args.number()?);
                self.tail_log(name, channel(op == Op::TailStderr), range, budget)
                    .await
            }
            Op::ClearLogs => handle.clear_logs(args.text()?).await.map(yes),
            Op::ClearAllLogs => handle.clear_all_logs().await.map(|it| outcomes(&it)),

            Op::ListMethods => {
                let mut names: Vec<_> = self.methods().flat_map(Method::names).collect();
                names.sort_unstable();
                Ok(Value::Array(names.into_iter().map(Value::from).collect()))
            }
            Op::MethodHelp => self
                .asked_about(&args.text()?)
                .map(|it| Value::from(it.help())),
            Op::MethodSignature => self.asked_about(&args.text()?).map(Method::signature),
            // Only reached from inside itself, which `member` has refused.
            Op::Multicall => Err(Fault::new(Code::IncorrectParameters)),
        }
    }

    async fn while_running(&self, value: Value) -> Result<Value, Fault> {
        self.handle.check().await.map(|()| value)
    }

    async fn start(&self, name: String, wait: bool) -> Result<Value, Fault> {
        match group_of(&name) {
            Some(group) => {
                let outcome = self.handle.start_group(group, wait).await;
                outcome.map(|it| outcomes(&it)).map_err(as_asked(&name))
            }
            None => self.handle.start(name, wait).await.map(yes),
        }
    }

    async fn stop(&self, name: String, wait: bool) -> Result<Value, Fault> {
        match group_of(&name) {
            Some(group) => {
                let outcome = self.handle.stop_group(group, wait).await;
                outcome.map(|it| outcomes(&it)).map_err(as_asked(&name))
            }
            None => self.handle.stop(name, wait).await.map(yes),
        }
    }

    async fn signal(&self, name: String, signal: &str) -> Result<Value, Fault> {
        if let Some(group) = group_of(&name) {
            let outcome = self.signal_group(group.to_owned(), signal).await;
            return outcome.map_err(as_asked(&name));
        }
        match signals::parse(signal) {
            Ok(number) => self.handle.signal(name, number).await.map(yes),
            Err(_) => {
                // An unknown name is told before a bad signal.
                self.handle.info(name).await?;
                Err(bad_signal(signal))
            }
        }
    }

    async fn signal_group(&self, group: String, signal: &str) -> Result<Value, Fault> {
        if let Ok(number) = signals::parse(signal) {
            return self
                .handle
                .signal_group(group, number)
                .await
                .map(|it| outcomes(&it));
        }
        let infos = self.handle.info_all().await?;
        if !infos.iter().any(|info| info.group == group) {
            return Err(Fault::with(Code::BadName, group));
        }
        Ok(refused(
            infos.into_iter().filter(|info| info.group == group),
            signal,
        ))
    }

    async fn signal_all(&self, signal: &str) -> Result<Value, Fault> {
        match signals::parse(signal) {
            Ok(number) => self.handle.signal_all(number).await.map(|it| outcomes(&it)),
            Err(_) => Ok(refused(self.handle.info_all().await?.into_iter(), signal)),
        }
    }

    async fn config_all(&self) -> Result<Value, Fault> {
        let configs = self.handle.config_all().await?;
        let live = self.handle.info_all().await?;
        let of = |name: &str, group: &str| {
            live.iter()
                .find(|info| info.name == name && info.group == group)
        };
        Ok(Value::Array(
            configs
                .iter()
                .map(|it| describe::config(it, of(&it.process.name, &it.process.group)))
                .collect(),
        ))
    }

    fn asked_about(&self, name: &str) -> Result<&'static Method, Fault> {
        self.find(name)
            .ok_or_else(|| Fault::new(Code::SignatureUnsupported))
    }
}

/// The group that `group:*` and `group:` mean.
fn group_of(name: &str) -> Option<&str> {
    name.strip_suffix(":*")
        .or_else(|| name.strip_suffix(':'))
        .filter(|group| !group.contains(':'))
}

/// Faults about a group's name show what was asked for, `:*` and all.
fn as_asked(name: &str) -> impl FnOnce(Fault) -> Fault {
    move |fault| match fault.code() {
        Code::BadName => Fault::with(Code::BadName, name),
        _ => fault,
    }
}

/// A signal that does not exist fails for each process that could have had it.
fn refused(infos: impl Iterator<Item = crate::daemon::ProcessInfo>, signal: &str) -> Value {
    let outcomes = infos
        .filter(|info| {
            matches!(
                info.state,
                State::Starting | State::Running | State::Stopping
            )
        })
        .map(|info| {
            let result = Err(bad_signal(signal));
            describe::outcome(&Outcome {
                name: info.name,
                group: info.group,
                result,
            })
        });
    Value::Array(outcomes.collect())
}

fn bad_signal(signal: &str) -> Fault {
    Fault::with(Code::BadSignal, signal)
}

fn outcomes(outcomes: &[Outcome]) -> Value {
    Value::Array(outcomes.iter().map(describe::outcome).collect())
}

fn names(names: Vec<String>) -> Value {
    Value::Array(names.into_iter().map(Value::String).collect())
}

fn channel(stderr: bool) -> Channel {
    if stderr {
        Channel::Stderr
    } else {
        Channel::Stdout
    }
}

fn yes((): ()) -> Value {
    Value::Bool(true)
}
