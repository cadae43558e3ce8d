//! `mainstayctl`: arguments → settings → the session → exit status.

use std::env;
use std::process::ExitCode;

use mainstay_supervisor::cli::{CtlCommand, CtlOptions};
use mainstay_supervisor::config::{self, Context, Ctl};
use mainstay_supervisor::ctl;

fn main() -> ExitCode {
    let mut words = env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_else(|| "mainstayctl".to_owned());

    let options = match CtlOptions::parse(&words.collect::<Vec<_>>()) {
        Ok(CtlCommand::Run(options)) => options,
        Ok(_) => {
            let mut out = ctl::Output::stdout();
            out.prompt(CtlOptions::help(&program));
            return finish(out.finish().map(|()| 0));
        }
        Err(error) => return refuse(&program, &error),
    };
    match settings(&options) {
        Ok(settings) => finish(ctl::run(&settings, &options.action, options.interactive)),
        Err(error) => refuse(&program, &error),
    }
}

/// The configuration file's settings, with the command line's over them.
fn settings(options: &CtlOptions) -> Result<Ctl, anyhow::Error> {
    let mut settings = config::load_ctl(options.configuration.as_deref(), &Context::of_process()?)?;
    let CtlOptions {
        serverurl,
        username,
        password,
        history_file,
        ..
    } = options.clone();
    settings.serverurl = serverurl.unwrap_or(settings.serverurl);
    settings.username = username.or(settings.username);
    settings.password = password.or(settings.password);
    settings.history_file = history_file.or(settings.history_file);
    Ok(settings)
}

fn finish(result: std::io::Result<u8>) -> ExitCode {
    match result {
        Ok(status) => status.into(),
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A mistake in the command line or in the configuration.
fn refuse(program: &str, error: &impl std::fmt::Display) -> ExitCode {
    const USAGE: u8 = 2;
    eprintln!("Error: {error}\nFor help, use {program} -h");
    USAGE.into()
}
