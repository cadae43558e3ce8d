//! Completions for shells, made from the tables of options and commands.

mod fish;

use std::fmt::Write as _;

use super::getopt::Spec;
use super::manual::Program;
use crate::ctl::Completes;

/// A shell that completions can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shell {
    /// bash 4 and later; needs nothing else.
    Bash,
    /// zsh
    Zsh,
    /// fish 3 and later
    Fish,
}

impl Shell {
    /// The shell of that name.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "bash" => Ok(Self::Bash),
            "zsh" => Ok(Self::Zsh),
            "fish" => Ok(Self::Fish),
            _ => Err("expected bash, zsh or fish".to_owned()),
        }
    }

    /// The completions of a program that is called as `name`, without its folder.
    pub(super) fn complete(self, name: &str, program: &Program) -> String {
        let name = name.rsplit('/').next().unwrap_or(name);
        match self {
            Self::Bash => bash(name, program),
            Self::Zsh => zsh(name, program),
            Self::Fish => fish::script(name, program),
        }
    }
}

/// What can stand for an option's value, by its placeholder in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Files,
    Directories,
    Users,
    Words(&'static str),
    Anything,
}

impl Values {
    fn of(placeholder: &str) -> Self {
        match placeholder {
            "FILE" => Self::Files,
            "DIRECTORY" => Self::Directories,
            "USER" => Self::Users,
            "SHELL" => Self::Words("bash zsh fish"),
            "LEVEL" => Self::Words("critical error warn info debug trace blather"),
            _ => Self::Anything,
        }
    }
}

/// The commands whose arguments are names of one kind, as alternatives of a shell pattern.
fn commands_with(program: &Program, completes: Completes, separator: &str) -> String {
    let names = program.commands.iter();
    let names = names.filter(|command| command.completes == completes);
    names
        .map(|command| command.name)
        .collect::<Vec<_>>()
        .join(separator)
}

fn command_names(program: &Program) -> String {
    let names = program.commands.iter().map(|command| command.name);
    names.collect::<Vec<_>>().join(" ")
}

fn identifier(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// The bash script compares words itself: `compgen -W` would expand what the daemon calls its
/// programs, `$(…)` included. It also reads the line itself, because bash splits words at colons.
fn bash(name: &str, program: &Program) -> String {
    let function = identifier(name);
    let mut values = String::new();
    for spec in program.options.iter().filter(|spec| spec.value.is_some()) {
        let found = match Values::of(spec.value.unwrap_or_default()) {
            Values::Files => {
                "mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); compopt -o filenames"
            }
            Values::Directories => {
                "mapfile -t COMPREPLY < <(compgen -d -- \"$current\"); compopt -o filenames"
            }
            Values::Users => "mapfile -t COMPREPLY < <(compgen -u -- \"$current\")",
            Values::Words(words) => &format!("candidates=({words})"),
            Values::Anything => ":",
        };
        // Infallible: it is a String.
        let _ = writeln!(
            values,
            "            {}) {found} ;;",
            spec.spellings().join("|")
        );
    }
    let valued: Vec<String> = program
        .options
        .iter()
        .filter(|spec| spec.value.is_some())
        .flat_map(Spec::spellings)
        .collect();
    // Glued to a letter, or behind an equals sign.
    let attached: Vec<String> = valued
        .iter()
        .map(|spelling| match spelling.starts_with("--") {
            true => format!("{spelling}=*"),
            false => format!("{spelling}?*"),
        })
        .collect();
    let options: Vec<String> = program.options.iter().flat_map(Spec::spellings).collect();
    let options: Vec<&str> = options
        .iter()
        .map(String::as_str)
        .filter(|o| *o != "-?")
        .collect();
    format!(
        r#"# bash completion for {name}, made by `{name} --completions bash`

_{function}() {{
    local line=${{COMP_LINE:0:COMP_POINT}} current option= command= i
    local -a words candidates=() connection=()
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    local -i last=$((${{#words[@]}} - 1))
    current=${{words[last]}}
    COMPREPLY=()

    for ((i = 1; i < last; i++)); do
        case ${{words[i]}} in
            {valued})
                if ((i + 1 == last)); then
                    option=${{words[i]}}
                else
                    connection+=("${{words[i]}}" "${{words[i + 1]}}")
                fi
                ((++i))
                ;;
            {attached}) connection+=("${{words[i]}}") ;;
            -*) ;;
            *)
                command=${{words[i]}}
                break
                ;;
        esac
    done

    if [[ -n $option ]]; then
        case $option in
{values}        esac
    elif [[ -n $command ]]; then
        case $command in
{arguments}            *) ;;
        esac
    elif [[ $current == -* ]]; then
        candidates=({options})
    else
        candidates=({commands})
    fi

    local candidate before=
    # What stands before the last colon is a word of its own to bash, and already on the line.
    [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && before=${{current%"${{current##*:}}"}}
    for candidate in "${{candidates[@]}}"; do
        [[ $candidate == "$current"* ]] && COMPREPLY+=("${{candidate#"$before"}}")
    done
    return 0
}}

complete -F _{function} {name}
"#,
        valued = valued.join("|"),
        attached = attached.join("|"),
        options = options.join(" "),
        commands = command_names(program),
        arguments = bash_arguments(program),
    )
}

/// What the daemon says is not taken for names if it failed: it says so where the names would be.
fn bash_arguments(program: &Program) -> String {
    let names = r#"names=$("${words[0]}" "${connection[@]}" avail 2>/dev/null) || names="#;
    let mut arms = String::new();
    for (completes, found) in [
        (
            Completes::Processes,
            format!(
                r#"{names}
                candidates=(all)
                while read -r name _; do
                    [[ $name == *:* ]] && candidates+=("${{name%%:*}}:*")
                    [[ -n $name ]] && candidates+=("$name")
                done <<< "$names""#
            ),
        ),
        (
            Completes::Groups,
            format!(
                r#"{names}
                while read -r name _; do
                    [[ -n $name ]] && candidates+=("${{name%%:*}}")
                done <<< "$names""#
            ),
        ),
        (
            Completes::Commands,
            format!("candidates=({})", command_names(program)),
        ),
    ] {
        let commands = commands_with(program, completes, "|");
        if !commands.is_empty() {
            let _ = write!(
                arms,
                "            {commands})\n                {found}\n                ;;\n"
            );
        }
    }
    arms
}

fn zsh(name: &str, program: &Program) -> String {
    let function = identifier(name);
    let mut options = String::new();
    for spec in &program.options {
        let value = spec.value.map_or_else(String::new, |value| {
            let action = match Values::of(value) {
                Values::Files => "_files".to_owned(),
                Values::Directories => "_files -/".to_owned(),
                Values::Users => "_users".to_owned(),
                Values::Words(words) => format!("({words})"),
                Values::Anything => " ".to_owned(),
            };
            format!(":{}:{action}", value.to_lowercase())
        });
        let help = spec.help.replace('\'', "'\\''");
        let help = help.replace('[', "\\[").replace(']', "\\]");
        let spellings = spec.spellings();
        let together = spellings.join(" ");
        for spelling in &spellings {
            let _ = writeln!(
                options,
                "        '({together})'{}'[{help}]{value}' \\",
                // A value may be glued to a letter, or follow a long option's `=`.
                match (spec.value, spelling.starts_with("--")) {
                    (None, _) => format!("'{spelling}'"),
                    (Some(_), true) => format!("'{spelling}='"),
                    (Some(_), false) => format!("'{spelling}+'"),
                }
            );
        }
    }
    if program.commands.is_empty() {
        return format!(
            "#compdef {name}\n# zsh completion for {name}, made by `{name} --completions zsh`\n\n\
             _{function}() {{\n    _arguments -s -S \\\n{options}        && return 0\n}}\n\n\
             _{function} \"$@\"\n"
        );
    }
    let mut commands = String::new();
    for command in program.commands {
        let _ = writeln!(
            commands,
            "        '{}:{}'",
            command.name,
            command.summary().replace('\'', "'\\''")
        );
    }
    format!(
        r#"#compdef {name}
# zsh completion for {name}, made by `{name} --completions zsh`

_{function}() {{
    local curcontext=$curcontext state line
    typeset -A opt_args
    local -a commands names connection
    commands=(
{commands}    )
    _arguments -C -s -S -A '-*' \
{options}        '1:command:->command' \
        '*::argument:->argument' && return 0

    case $state in
        command) _describe command commands ;;
        argument)
            local option
            for option in -c --configuration -s --serverurl -u --username -p --password; do
                (( ${{+opt_args[$option]}} )) && connection+=($option ${{(Q)opt_args[$option]}})
            done
            local lines
            lines=$(_call_program names {name} $connection avail 2>/dev/null) || lines=
            names=(${{${{(f)lines}}%%[[:space:]]*}})
            case $line[1] in
                {processes})
                    compadd -a names
                    compadd -- all ${{(u)${{(M)names:#*:*}}/:*/:\*}}
                    ;;
                {groups}) compadd -- ${{(u)names%%:*}} ;;
                {topics}) _describe command commands ;;
            esac
            ;;
    esac
}}

_{function} "$@"
"#,
        processes = commands_with(program, Completes::Processes, "|"),
        groups = commands_with(program, Completes::Groups, "|"),
        topics = commands_with(program, Completes::Commands, "|"),
    )
}
