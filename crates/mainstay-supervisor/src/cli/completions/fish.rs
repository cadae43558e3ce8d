//! The script for fish.

use std::fmt::Write as _;

use super::{Values, command_names, commands_with, identifier};
use crate::cli::getopt::Spec;
use crate::cli::manual::Program;
use crate::ctl::Completes;

/// The script.
pub(super) fn script(name: &str, program: &Program) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let function = identifier(name);
    let mut text = format!("# fish completion for {name}, made by `{name} --completions fish`\n\n");
    let mut unless_command = String::new();
    if !program.commands.is_empty() {
        text.push_str(&functions(name, &function, program));
        unless_command = format!(" -n 'not __{function}_command'");
    }
    let _ = writeln!(text, "complete -c {name} -f");
    for spec in &program.options {
        let mut line = format!("complete -c {name}{unless_command}");
        for letter in spec.short.iter().filter(|letter| **letter != '?') {
            let _ = write!(line, " -s {letter}");
        }
        for long in spec.long {
            let _ = write!(line, " -l {long}");
        }
        if let Some(value) = spec.value {
            line.push_str(&match Values::of(value) {
                Values::Files => " -r -F".to_owned(),
                Values::Directories => " -x -a '(__fish_complete_directories)'".to_owned(),
                Values::Users => " -x -a '(__fish_complete_users)'".to_owned(),
                Values::Words(words) => format!(" -x -a '{words}'"),
                Values::Anything => " -x".to_owned(),
            });
        }
        let _ = writeln!(text, "{line} -d {}", quote(spec.help));
    }
    if !program.commands.is_empty() {
        for command in program.commands {
            let _ = writeln!(
                text,
                "complete -c {name}{unless_command} -a {} -d {}",
                command.name,
                quote(command.summary())
            );
        }
        for (completes, found) in [
            (Completes::Processes, format!("all (__{function}_names)")),
            (Completes::Groups, format!("(__{function}_groups)")),
            (Completes::Commands, command_names(program)),
        ] {
            let _ = writeln!(
                text,
                "complete -c {name} -n '__{function}_command {}' -a {}",
                commands_with(program, completes, " "),
                quote(&found)
            );
        }
    }
    text
}

/// The functions that look at the line, and ask the daemon for names with the connection's options
/// that are there.
fn functions(name: &str, function: &str, program: &Program) -> String {
    let valued = program.options.iter().filter(|spec| spec.value.is_some());
    let valued: Vec<String> = valued.flat_map(Spec::spellings).collect();
    let (long, short): (Vec<&str>, Vec<&str>) = valued
        .iter()
        .map(String::as_str)
        .partition(|spelling| spelling.starts_with("--"));
    format!(
        r#"# The options with their values, a line each, then a line with the command.
function __{function}_line
    set -l words (commandline -opc)[2..]
    while set -q words[1]
        if contains -- $words[1] {valued}
            set -q words[2]; or return
            printf '%s\n' $words[1..2]
            set -e words[1..2]
        else if string match -qr -- '^(({short}).|({long})=)' $words[1]
            printf '%s\n' $words[1]
            set -e words[1]
        else if string match -q -- '-*' $words[1]
            set -e words[1]
        else
            printf '%s\n' "command $words[1]"
            return
        end
    end
end
# Whether there is a command, or whether it is one of these.
function __{function}_command
    set -l command (__{function}_line | string replace -rf '^command ' '')
    set -q command[1]; or return
    not set -q argv[1]; or contains -- $command[1] $argv
end
function __{function}_avail
    set -l connection (__{function}_line | string match -rv '^command ')
    set -l lines ({name} $connection avail 2>/dev/null)
    or return
    string replace -r '\s.*' '' -- $lines
end
function __{function}_names
    set -l names (__{function}_avail)
    printf '%s\n' $names (string match -r '.*:' -- $names)'*' | sort -u
end
function __{function}_groups
    __{function}_avail | string replace -r ':.*' '' | sort -u
end

"#,
        valued = valued.join(" "),
        short = short.join("|"),
        long = long.join("|"),
    )
}
