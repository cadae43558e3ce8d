//! `mainstayctl`: arguments → settings → the session → exit status.

use std::env;
use std::process::ExitCode;

use mainstay_supervisor::cli::{CtlCommand, CtlOptions, applets};
use mainstay_supervisor::config::{self, Context, Ctl};
use mainstay_supervisor::ctl;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().collect();
    if let Some(status) = applets::run(&arguments) {
        return status;
    }
    let mut words = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_else(|| "mainstayctl".to_owned());

    let words: Vec<String> = words.collect();
    let text = match CtlOptions::parse(&words) {
        Ok(CtlCommand::Run(options)) => {
            return match settings(&options) {
                Ok(settings) => finish(ctl::run(&settings, &options.action, options.mode)),
                Err(error) => refuse(&program, &words, &error),
            };
        }
        Ok(CtlCommand::Completions(shell)) => CtlOptions::completions(&program, shell),
        Ok(CtlCommand::Manual) => CtlOptions::manual(),
        Ok(_) => CtlOptions::help(&program),
        Err(error) => return refuse(&program, &words, &error),
    };
    let mut out = ctl::Output::stdout();
    out.prompt(text);
    finish(out.finish().map(|()| 0))
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
fn refuse(program: &str, words: &[String], error: &impl std::fmt::Display) -> ExitCode {
    const USAGE: u8 = 2;
    // The command line may be what cannot be read, so this looks for the word alone.
    if words.iter().any(|word| word == "--json") {
        let mut out = ctl::Output::stdout();
        out.line(ctl::refusal(&error.to_string()));
        return finish(out.finish().map(|()| USAGE));
    }
    eprintln!("Error: {error}\nFor help, use {program} -h");
    USAGE.into()
}
