//! What each method does.

use super::args::Args;
use super::table::Operation as Op;
use super::{Api, Budget, Method};
use crate::daemon::{Channel, Outcome, SUPERVISOR_COMPAT_VERSION};
use crate::rpc::{API_VERSION, Code, Fault, Value, describe};

impl Api {
    /// Any method but `system.multicall`.
    pub(super) async fn single(
        &self,
        method: &'static Method,
        params: Vec<Value>,
        budget: &mut Budget,
    ) -> Result<Value, Fault> {
        let args = method.bind(params)?;
        match self.perform(method, args, budget).await {
            // A daemon on its way down says so, whatever else is wrong with the call.
            Err(fault) if fault.code() == Code::IncorrectParameters && method.needs_running() => {
                self.handle.check().await.and(Err(fault))
            }
            result => result,
        }
    }

    async fn perform(
        &self,
        method: &'static Method,
        mut args: Args,
        budget: &mut Budget,
    ) -> Result<Value, Fault> {
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

            Op::Start => self.start(args.text()?, args.flag()).await,
            Op::StartGroup => handle
                .start_group(args.text()?, args.flag())
                .await
                .map(|it| outcomes(&it)),
            Op::StartAll => handle.start_all(args.flag()).await.map(|it| outcomes(&it)),
            Op::Stop => self.stop(args.text()?, args.flag()).await,
            Op::StopGroup => handle
                .stop_group(args.text()?, args.flag())
                .await
                .map(|it| outcomes(&it)),
            Op::StopAll => handle.stop_all(args.flag()).await.map(|it| outcomes(&it)),
            Op::Signal => self.signal(args.text()?, args.signal()?).await,
            Op::SignalGroup => handle
                .signal_group(args.text()?, args.signal()?)
                .await
                .map(|it| outcomes(&it)),
            Op::SignalAll => handle
                .signal_all(args.signal()?)
                .await
                .map(|it| outcomes(&it)),
            Op::SendStdin => handle
                .send_stdin(args.text()?, args.input()?)
                .await
                .map(yes),

            Op::RemoteEvent => {
                let kind = String::from_utf8_lossy(&args.shown()).into_owned();
                handle.remote_event(kind, args.shown()).await.map(yes)
            }

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

            Op::ReadMainLog => self.read_main_log(args.range(), budget).await,
            Op::ClearMainLog => handle.clear_main_log().await.map(yes),
            op @ (Op::ReadStdout | Op::ReadStderr) => {
                let name = args.text()?;
                let channel = channel(op == Op::ReadStderr);
                self.read_log(name, channel, args.range(), budget).await
            }
            op @ (Op::TailStdout | Op::TailStderr) => {
                let name = args.text()?;
                let channel = channel(op == Op::TailStderr);
                self.tail_log(name, channel, args.range(), budget).await
            }
            Op::ClearLogs => handle.clear_logs(args.text()?).await.map(yes),
            Op::ClearAllLogs => handle.clear_all_logs().await.map(|it| outcomes(&it)),

            Op::ListMethods => {
                let mut names: Vec<_> = self.methods().flat_map(Method::names).collect();
                names.sort_unstable();
                Ok(Value::Array(names.into_iter().map(Value::from).collect()))
            }
            Op::MethodHelp => self.asked_about(&mut args).map(|it| Value::from(it.help())),
            Op::MethodSignature => self.asked_about(&mut args).map(Method::signature),
            // Only reached from inside itself, which `member` has refused.
            Op::Multicall => Err(Fault::new(Code::IncorrectParameters)),
        }
    }

    async fn while_running(&self, value: Value) -> Result<Value, Fault> {
        self.handle.check().await.map(|()| value)
    }

    async fn start(&self, name: String, wait: bool) -> Result<Value, Fault> {
        match group_of(&name) {
            Some(group) => whole(&name, self.handle.start_group(group, wait).await),
            None => self.handle.start(name, wait).await.map(yes),
        }
    }

    async fn stop(&self, name: String, wait: bool) -> Result<Value, Fault> {
        match group_of(&name) {
            Some(group) => whole(&name, self.handle.stop_group(group, wait).await),
            None => self.handle.stop(name, wait).await.map(yes),
        }
    }

    async fn signal(&self, name: String, signal: Result<i32, Fault>) -> Result<Value, Fault> {
        match group_of(&name) {
            Some(group) => whole(&name, self.handle.signal_group(group, signal).await),
            None => self.handle.signal(name, signal).await.map(yes),
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

    /// The method that an argument names. What is no text names none.
    fn asked_about(&self, args: &mut Args) -> Result<&'static Method, Fault> {
        let name = args.text().ok();
        name.and_then(|name| self.find(&name))
            .ok_or_else(|| Fault::new(Code::SignatureUnsupported))
    }
}

/// The group that `group:*` and `group:` mean.
fn group_of(name: &str) -> Option<&str> {
    name.strip_suffix(":*")
        .or_else(|| name.strip_suffix(':'))
        .filter(|group| !group.contains(':'))
}

/// What became of the group that `name` means. Where there is none, the fault has the name as it was
/// given.
fn whole(name: &str, result: Result<Vec<Outcome>, Fault>) -> Result<Value, Fault> {
    match result {
        Ok(it) => Ok(outcomes(&it)),
        Err(fault) if fault.code() == Code::BadName => Err(Fault::with(Code::BadName, name)),
        Err(fault) => Err(fault),
    }
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
