//! The methods: a fixed table, and what each of them does.
//!
//! The original found methods by walking attributes of objects, which let clients run any function
//! (CVE-2017-11610). Here a name is in the table or it is unknown.

mod args;
mod logs;
mod run;
mod table;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;

use self::table::Operation;
use super::xml::{self, Call};
use super::{Code, Fault, Value, describe};
use crate::daemon::Handle;
use crate::zone;

pub use self::table::{METHODS, Method, Param, Type};

/// The API: the methods of `supervisor.*` and `system.*`.
#[derive(Clone, Debug)]
pub struct Api {
    handle: Handle,
    supervisor: bool,
    zone: TimeZone,
    /// In bytes.
    largest_answer: u64,
}

impl Api {
    /// An API that acts through `handle`; without `supervisor`, only `system.*` is there.
    pub fn new(handle: Handle, supervisor: bool) -> Self {
        Self {
            handle,
            supervisor,
            zone: zone::local(),
            largest_answer: LARGEST_ANSWER,
        }
    }

    /// Answers a call.
    ///
    /// Cancel safety: dropping the future does not cancel what the daemon was told to do.
    pub async fn call(&self, call: Call) -> Result<Value, Fault> {
        let mut budget = Budget::new(self.largest_answer);
        let method = self
            .find(&call.method)
            .ok_or_else(|| Fault::new(Code::UnknownMethod))?;
        match method.operation() {
            Operation::Multicall => {
                let mut args = method.bind(call.params)?;
                self.multicall(args.array()?, &mut budget).await
            }
            _ => self.single(method, call.params, &mut budget).await,
        }
    }

    /// Answers a call with the whole document.
    ///
    /// Cancel safety: as [`call`](Self::call).
    pub async fn answer(&self, call: Call) -> Vec<u8> {
        let operation = self.find(&call.method).map(Method::operation);
        // What monitoring asks for every few seconds, and the largest answer that there usually is.
        if matches!(operation, Some(Operation::InfoAll)) && call.params.is_empty() {
            let zone = self.zone.clone();
            let told = self.handle.tell_all(move |infos| {
                xml::write_records(infos, |info, to: &mut xml::Record<'_>| {
                    describe::tell(info, &zone, to);
                })
            });
            return told.await.unwrap_or_else(|fault| xml::write_fault(&fault));
        }
        match self.call(call).await {
            Ok(value) => xml::write_response(&value),
            Err(fault) => xml::write_fault(&fault),
        }
    }

    /// One call after the other, each waiting for the one before. A result is bare, not wrapped in
    /// an array as elsewhere: Supervisor's clients rely on it.
    async fn multicall(&self, calls: Vec<Value>, budget: &mut Budget) -> Result<Value, Fault> {
        let mut results = Vec::with_capacity(calls.len());
        let mut room = Budget::new(self.largest_answer);
        for call in calls {
            let result = self.member(call, budget, &room).await.and_then(|value| {
                let weight = value.weight();
                // What was done is told in any case: that takes next to nothing.
                if weight > ALWAYS_TOLD {
                    room.spend(weight).inspect_err(|_| room.left = 0)?;
                }
                Ok(value)
            });
            results.push(result.unwrap_or_else(|fault| fault.to_value()));
        }
        Ok(Value::Array(results))
    }

    async fn member(
        &self,
        call: Value,
        budget: &mut Budget,
        room: &Budget,
    ) -> Result<Value, Fault> {
        let name = call.get("methodName").and_then(Value::as_str);
        let name = name.ok_or_else(|| Fault::with(Code::IncorrectParameters, "No methodName"))?;
        let method = self
            .find(name)
            .ok_or_else(|| Fault::new(Code::UnknownMethod))?;
        if matches!(method.operation(), Operation::Multicall) {
            let why = "Recursive system.multicall forbidden";
            return Err(Fault::with(Code::IncorrectParameters, why));
        }
        let params = match call.get("params") {
            None => Vec::new(),
            Some(Value::Array(params)) => params.clone(),
            Some(_) => {
                return Err(Fault::with(
                    Code::IncorrectParameters,
                    "params must be an array",
                ));
            }
        };
        if room.left == 0
            && matches!(
                method.operation(),
                Operation::InfoAll | Operation::ConfigAll
            )
        {
            // Not even to be thrown away.
            return Err(room.exceeded());
        }
        self.single(method, params, budget).await
    }

    fn find(&self, name: &str) -> Option<&'static Method> {
        self.methods()
            .find(|method| method.names().any(|known| known == name))
    }

    fn methods(&self) -> impl Iterator<Item = &'static Method> {
        let supervisor = self.supervisor;
        METHODS
            .iter()
            .filter(move |method| supervisor || !method.name().starts_with("supervisor."))
    }
}

/// How much one answer may still carry.
///
/// The original reads whatever it is asked for into memory. A log without a limit can be larger
/// than the machine, and a multicall can ask for it, or for all processes, a thousand times.
#[derive(Debug)]
struct Budget {
    left: u64,
    whole: u64,
}

impl Budget {
    const fn new(bytes: u64) -> Self {
        Self {
            left: bytes,
            whole: bytes,
        }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Fault> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or_else(|| self.exceeded())?;
        Ok(())
    }

    fn exceeded(&self) -> Fault {
        let text = format!("the answer would hold more than {} bytes", self.whole);
        Fault::with(Code::Failed, text)
    }
}

const LARGEST_ANSWER: u64 = 64 << 20;
const ALWAYS_TOLD: u64 = 64;
