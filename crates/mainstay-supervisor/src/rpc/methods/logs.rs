//! The methods that read logs.
//!
//! A range that is none is only told once the log is there: what the original would have said about
//! the name or the file comes first.

use std::io;
use std::path::{Path, PathBuf};

use super::{Api, Budget};
use crate::daemon::Channel;
use crate::rpc::window::{self, Excerpt, Window};
use crate::rpc::{Code, Fault, Value};

impl Api {
    pub(super) async fn read_main_log(
        &self,
        range: Result<(i64, i64), Fault>,
        budget: &mut Budget,
    ) -> Result<Value, Fault> {
        let path = self.handle.main_log_path().await?;
        read(path, range, budget).await
    }

    pub(super) async fn read_log(
        &self,
        name: String,
        channel: Channel,
        range: Result<(i64, i64), Fault>,
        budget: &mut Budget,
    ) -> Result<Value, Fault> {
        let path = self.handle.log_path(name, channel).await?;
        read(path, range, budget).await
    }

    pub(super) async fn tail_log(
        &self,
        name: String,
        channel: Channel,
        range: Result<(i64, i64), Fault>,
        budget: &mut Budget,
    ) -> Result<Value, Fault> {
        let path = self.handle.log_path(name, channel).await?;
        // Without a log there is no tail; a log that cannot be read has none either.
        let found = match path {
            Some(path) => blocking(move || window::open(&path))
                .await
                .unwrap_or_default(),
            None => None,
        };
        let Some((file, size)) = found else {
            return Ok(Value::Array(vec![
                Value::from(""),
                Value::Int(0),
                Value::Bool(false),
            ]));
        };
        let (offset, length) = range?;
        let (window, overflow) = Window::of_tail(size, offset, length);
        budget.spend(window.length)?;
        let text = blocking(move || Ok(Excerpt::read(&file, window)?.text())).await;
        Ok(Value::Array(vec![
            Value::String(text.map_err(|error| failed(&error))?),
            Value::capped(i64::try_from(size).unwrap_or(i64::MAX)),
            Value::Bool(overflow),
        ]))
    }
}

async fn read(
    path: Option<PathBuf>,
    range: Result<(i64, i64), Fault>,
    budget: &mut Budget,
) -> Result<Value, Fault> {
    let path = path.ok_or_else(|| Fault::new(Code::NoFile))?;
    let shown = path.clone();
    let (file, size) = blocking(move || window::open(&path))
        .await
        .map_err(|error| failed(&error))?
        .ok_or_else(|| no_file(&shown))?;
    let (offset, length) = range?;
    let window =
        Window::of_read(size, offset, length).ok_or_else(|| Fault::new(Code::BadArguments))?;
    budget.spend(window.length)?;
    let text = blocking(move || Ok(Excerpt::read(&file, window)?.text())).await;
    Ok(Value::String(text.map_err(|error| failed(&error))?))
}

/// Runs what may wait for a disk beside the one thread that everything else runs on.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn no_file(path: &Path) -> Fault {
    Fault::with(Code::NoFile, path.to_string_lossy())
}

fn failed(error: &io::Error) -> Fault {
    Fault::with(Code::Failed, error.to_string())
}
