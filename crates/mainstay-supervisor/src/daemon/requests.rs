//! Answering requests: sections of the API that read or change what the actor owns.

use super::actor::{Actor, now, wall_clock};
use super::unit::{Unit, UnitId};
use super::waiting::{Answer, Batch, Waiter, Want};
use super::{Channel, Outcome, ProcessInfo, ReplyTo, Request, State};
use crate::process::{Command, Event, Output, Refusal};
use crate::rpc::{Code, Fault};

impl Actor {
    /// Does what is asked and answers, now or when it is done.
    pub(super) fn request(&mut self, request: Request) {
        if self.descent.is_some() && !request.is_always_answered() {
            return request.refuse(Fault::new(Code::ShutdownState));
        }
        match request {
            Request::Check { reply } => answer(reply, Ok(())),
            Request::Identifier { reply } => {
                answer(reply, Ok(self.config.supervisord.identifier.clone()));
            }
            Request::Shutdown { reply } => {
                answer(reply, Ok(()));
                self.begin_shutdown();
            }
            Request::Restart { reply } => {
                let result = self.begin_restart();
                answer(reply, result);
            }
            Request::Reread { reply } => {
                let result = self.reread();
                answer(reply, result);
            }
            Request::AddGroup { name, reply } => {
                let result = self.add_group(&name);
                answer(reply, result);
            }
            Request::RemoveGroup { name, reply } => {
                let result = self.remove_group(&name);
                answer(reply, result);
            }
            Request::Start { name, wait, reply } => match self.find(&name) {
                Ok(id) => self.start(id, name, wait, Answer::One(reply)),
                Err(fault) => answer(reply, Err(fault)),
            },
            Request::Stop { name, wait, reply } => match self.find(&name) {
                Ok(id) => self.stop(id, name, wait, Answer::One(reply)),
                Err(fault) => answer(reply, Err(fault)),
            },
            Request::Signal {
                name,
                signal,
                reply,
            } => {
                let result = self
                    .find(&name)
                    .and_then(|id| self.send_signal(id, &name, signal?));
                answer(reply, result);
            }
            Request::StartGroup { name, wait, reply } => {
                self.each_of_group(
                    &name,
                    reply,
                    |unit| !unit.machine.is_up(),
                    |actor, member| {
                        actor.start(member.id, member.namespec, wait, member.answer);
                    },
                );
            }
            Request::StartAll { wait, reply } => {
                self.each(
                    reply,
                    |unit| !unit.machine.is_up(),
                    |actor, member| {
                        actor.start(member.id, member.namespec, wait, member.answer);
                    },
                );
            }
            Request::StopGroup { name, wait, reply } => {
                self.each_of_group(
                    &name,
                    reply,
                    |unit| unit.machine.can_stop(),
                    |actor, member| {
                        actor.stop(member.id, member.namespec, wait, member.answer);
                    },
                );
            }
            Request::StopAll { wait, reply } => {
                self.each(
                    reply,
                    |unit| unit.machine.can_stop(),
                    |actor, member| {
                        actor.stop(member.id, member.namespec, wait, member.answer);
                    },
                );
            }
            Request::SignalGroup {
                name,
                signal,
                reply,
            } => {
                self.each_of_group(
                    &name,
                    reply,
                    |unit| unit.machine.can_signal(),
                    |actor, member| {
                        let signal = signal.clone();
                        let result = signal
                            .and_then(|it| actor.send_signal(member.id, &member.namespec, it));
                        member.answer.give(result);
                    },
                );
            }
            Request::SignalAll { signal, reply } => {
                self.each(
                    reply,
                    |unit| unit.machine.can_signal(),
                    |actor, member| {
                        let signal = signal.clone();
                        let result = signal
                            .and_then(|it| actor.send_signal(member.id, &member.namespec, it));
                        member.answer.give(result);
                    },
                );
            }
            Request::ClearAllLogs { reply } => {
                self.each(
                    reply,
                    |_| true,
                    |actor, member| {
                        let result = actor.clear_logs(member.id, &member.namespec);
                        member.answer.give(result);
                    },
                );
            }
            Request::Info { name, reply } => {
                let result = self
                    .unit(&name)
                    .map(|unit| unit.info(wall_clock(), now()).into_owned());
                answer(reply, result);
            }
            Request::InfoAll { reply } => {
                let infos = self.info_all().into_iter();
                answer(reply, Ok(infos.map(ProcessInfo::into_owned).collect()));
            }
            // Nobody waits for it any more.
            Request::TellAll { reply, .. } if reply.is_closed() => {}
            Request::TellAll { tell, reply } => answer(reply, Ok(tell.of(&self.info_all()))),
            Request::ConfigAll { reply } => answer(reply, Ok(self.config_all())),
            Request::MainLogPath { reply, .. } => answer(reply, Ok(self.log.path())),
            Request::LogPath {
                name,
                channel,
                reply,
                ..
            } => {
                let path = |unit: &Unit| unit.log(channel).map(ToOwned::to_owned);
                answer(reply, self.unit(&name).map(path));
            }
            Request::ClearMainLog { reply } => {
                let result = self.clear_main_log();
                answer(reply, result);
            }
            Request::ClearLogs { name, reply } => {
                let result = self.find(&name).and_then(|id| self.clear_logs(id, &name));
                answer(reply, result);
            }
            Request::RemoteEvent { kind, data, reply } => {
                self.announce_remote(&kind, &data);
                answer(reply, Ok(()));
            }
            Request::SendStdin { name, data, reply } => {
                answer(reply, self.send_stdin(&name, &data));
            }
        }
    }

    fn start(&mut self, id: UnitId, name: String, wait: bool, answer: Answer) {
        match self.try_start(id, &name) {
            Err(fault) => answer.give(Err(fault)),
            Ok(()) if wait => self.wait(
                id,
                Waiter {
                    want: Want::Up,
                    name,
                    answer,
                },
            ),
            Ok(()) => answer.give(Ok(())),
        }
    }

    fn try_start(&mut self, id: UnitId, name: &str) -> Result<(), Fault> {
        let bad_name = || Fault::with(Code::BadName, name);
        let unit = self.units.get(&id).ok_or_else(bad_name)?;
        // The file is checked first, even if the process runs: clients rely on it.
        let path = self.launcher.surroundings.path();
        Command::resolve(&unit.config, path).map_err(|unusable| {
            let code = if unusable.missing {
                Code::NoFile
            } else {
                Code::NotExecutable
            };
            Fault::with(code, unusable.to_string())
        })?;
        if unit.machine.is_up() {
            return Err(Fault::with(Code::AlreadyStarted, name));
        }
        if unit.machine.state() == State::Unknown {
            return Err(Fault::with(
                Code::Failed,
                format!("{name} is in an unknown process state"),
            ));
        }
        self.apply(id, Event::Start);
        match self.units.get(&id).map(|unit| unit.machine.state()) {
            Some(State::Backoff | State::Fatal) => Err(Fault::with(Code::SpawnError, name)),
            _ => Ok(()),
        }
    }

    fn stop(&mut self, id: UnitId, name: String, wait: bool, answer: Answer) {
        match self.try_stop(id, &name) {
            Err(fault) => answer.give(Err(fault)),
            Ok(()) if wait => self.wait(
                id,
                Waiter {
                    want: Want::Down,
                    name,
                    answer,
                },
            ),
            Ok(()) => answer.give(Ok(())),
        }
    }

    fn try_stop(&mut self, id: UnitId, name: &str) -> Result<(), Fault> {
        if !self
            .units
            .get(&id)
            .is_some_and(|unit| unit.machine.can_stop())
        {
            return Err(Fault::with(Code::NotRunning, name));
        }
        match self.apply(id, Event::Stop) {
            Some(errno) => Err(Fault::with(
                Code::Failed,
                format!("could not stop {name}: {errno}"),
            )),
            None => Ok(()),
        }
    }

    fn send_signal(&mut self, id: UnitId, name: &str, signal: i32) -> Result<(), Fault> {
        if !self
            .units
            .get(&id)
            .is_some_and(|unit| unit.machine.can_signal())
        {
            return Err(Fault::with(Code::NotRunning, name));
        }
        self.forward(id, signal)
            .map_err(|errno| Fault::with(Code::Failed, format!("could not signal {name}: {errno}")))
    }

    fn send_stdin(&self, name: &str, data: &[u8]) -> Result<(), Fault> {
        let unit = self.unit(name)?;
        // The standard input of a FastCGI program is its socket.
        let none = if unit.machine.pid().is_some() {
            Code::NoFile
        } else {
            Code::NotRunning
        };
        let input = unit.input.as_ref().ok_or_else(|| Fault::with(none, name))?;
        input.send(data).map_err(|refusal| match refusal {
            Refusal::Closed => Fault::with(Code::NoFile, name),
            Refusal::Full => Fault::with(
                Code::Failed,
                format!("{name} does not read its standard input, and the buffer is full"),
            ),
        })
    }

    fn clear_logs(&self, id: UnitId, name: &str) -> Result<(), Fault> {
        let Some(unit) = self.units.get(&id) else {
            return Ok(());
        };
        unit.outputs.iter().for_each(Output::clear_capture);
        for path in [Channel::Stdout, Channel::Stderr]
            .into_iter()
            .filter_map(|c| unit.log(c))
        {
            self.launcher.logs.clear(path).map_err(|error| {
                let path = path.display();
                self.log
                    .error(format_args!("could not clear {path}: {error}"));
                Fault::with(Code::Failed, name)
            })?;
        }
        Ok(())
    }

    fn clear_main_log(&self) -> Result<(), Fault> {
        if !self.log.path().is_some_and(|path| path.exists()) {
            return Err(Fault::new(Code::NoFile));
        }
        self.log
            .clear()
            .map_err(|error| Fault::with(Code::Failed, error.to_string()))?;
        self.log.info("reopening log file");
        Ok(())
    }

    fn info_all(&self) -> Vec<ProcessInfo<'_>> {
        let (wall, now) = (wall_clock(), now());
        let mut all: Vec<_> = self
            .units
            .values()
            .map(|unit| unit.info(wall, now))
            .collect();
        all.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
        all
    }

    /// Does something to each process of a group that a question is true of.
    fn each_of_group(
        &mut self,
        group: &str,
        reply: ReplyTo<Vec<Outcome>>,
        wanted: impl Fn(&Unit) -> bool,
        action: impl FnMut(&mut Self, Member),
    ) {
        if self.active(group).is_none() {
            return answer(reply, Err(Fault::with(Code::BadName, group)));
        }
        self.each(
            reply,
            |unit| unit.config.group == group && wanted(unit),
            action,
        );
    }

    /// Does something to each process that a question is true of, in order. All are begun before any
    /// is waited for.
    fn each(
        &mut self,
        reply: ReplyTo<Vec<Outcome>>,
        wanted: impl Fn(&Unit) -> bool,
        mut action: impl FnMut(&mut Self, Member),
    ) {
        let batch = Batch::new(reply);
        for id in self.in_order(|_, unit| wanted(unit)) {
            let Some(unit) = self.units.get(&id) else {
                continue;
            };
            let (name, group) = (unit.config.name.clone(), unit.config.group.clone());
            let namespec = if name == group {
                name.clone()
            } else {
                format!("{group}:{name}")
            };
            let answer = Answer::Member {
                batch: batch.clone(),
                name,
                group,
            };
            action(
                self,
                Member {
                    id,
                    namespec,
                    answer,
                },
            );
        }
    }

    /// The process that a name means: `process`, where group and process are called the same, or
    /// `group:process`.
    fn find(&self, name: &str) -> Result<UnitId, Fault> {
        let (group, process) = name.split_once(':').unwrap_or((name, name));
        self.active(group)
            .and_then(|index| {
                let mut ids = self.groups[index].units.iter().copied();
                ids.find(|id| {
                    self.units
                        .get(id)
                        .is_some_and(|unit| unit.config.name == process)
                })
            })
            .ok_or_else(|| Fault::with(Code::BadName, name))
    }

    fn unit(&self, name: &str) -> Result<&Unit, Fault> {
        let id = self.find(name)?;
        self.units
            .get(&id)
            .map(|unit| &**unit)
            .ok_or_else(|| Fault::with(Code::BadName, name))
    }
}

/// A process in a group operation.
struct Member {
    id: UnitId,
    /// As faults name it.
    namespec: String,
    answer: Answer,
}

/// A caller that has gone needs no answer.
fn answer<T>(reply: ReplyTo<T>, result: Result<T, Fault>) {
    drop(reply.send(result));
}
