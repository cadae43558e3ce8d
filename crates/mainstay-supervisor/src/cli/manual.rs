//! Manual pages, made from the tables of options and commands.

use std::fmt::Write as _;

use super::getopt::Spec;
use crate::ctl::Command;

/// What the generated texts (completions and manual pages) say about a program.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    /// The manual's section.
    pub(super) section: u8,
    /// What it does, in half a line.
    pub(super) summary: &'static str,
    /// The usage, without the name.
    pub(super) usage: &'static str,
    pub(super) options: Vec<Spec<()>>,
    pub(super) commands: &'static [Command],
    /// What comes before the options.
    pub(super) description: &'static str,
    /// What comes after the options and commands: headings and their paragraphs.
    pub(super) sections: &'static [(&'static str, &'static str)],
}

impl Program {
    /// The page, in the macros of man(7).
    pub(super) fn page(&self) -> String {
        let Self { name, section, .. } = self;
        let title = name.to_uppercase();
        // No date and no version: the page is kept in the repository, and a release that changes
        // nothing else should not change it.
        let mut page = format!(
            ".\\\" Made by `{name} --man`; do not edit.\n\
             .TH {title} {section} \"\" \"Mainstay\" \"Mainstay manual\"\n\
             .SH NAME\n{name} \\- {}\n.SH SYNOPSIS\n.B {name}\n{}\n.SH DESCRIPTION\n{}",
            roff(self.summary),
            roff(self.usage),
            paragraphs(self.description),
        );
        page.push_str(".SH OPTIONS\n");
        for spec in &self.options {
            let spellings: Vec<String> = spec
                .spellings()
                .iter()
                .map(|spelling| format!("\\fB{}\\fR", roff(spelling)))
                .collect();
            let value = spec
                .value
                .map_or_else(String::new, |value| format!(" \\fI{value}\\fR"));
            // Infallible, as all of these: it is a String.
            let _ = write!(
                page,
                ".TP\n{}{value}\n{}\n",
                spellings.join(", "),
                roff(spec.help)
            );
        }
        if !self.commands.is_empty() {
            page.push_str(".SH COMMANDS\n");
        }
        for command in self.commands {
            let _ = write!(page, ".SS {}\n.nf\n", command.name);
            for line in command.help.trim_end().lines() {
                let _ = writeln!(page, "{}", roff(&columns(line)));
            }
            page.push_str(".fi\n");
        }
        for (heading, text) in self.sections {
            let _ = write!(page, ".SH {heading}\n{}", paragraphs(text));
        }
        page
    }
}

/// A line with its tabs spelt out, as a terminal shows it: those of roff stand elsewhere.
fn columns(line: &str) -> String {
    let mut parts = line.split('\t');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let width = out.chars().count();
        out.push_str(&" ".repeat(8 - width % 8));
        out.push_str(part);
    }
    out
}

/// Paragraphs are parted by empty lines; those of one line with a tab are a term and its meaning.
fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text.split("\n\n") {
        for line in paragraph.lines() {
            match line.split_once('\t') {
                Some((term, meaning)) => {
                    let _ = write!(out, ".TP\n.B {}\n{}\n", roff(term), roff(meaning));
                }
                None => {
                    let _ = writeln!(out, "{}", roff(line));
                }
            }
        }
        out.push_str(".PP\n");
    }
    out.truncate(out.len() - ".PP\n".len());
    out
}

/// Text as roff takes it: hyphens that can be copied, and nothing that it reads as a request.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}

pub(super) const CTL_DESCRIPTION: &str = "\
Carries out an action, or starts a shell that reads actions where none is given. The words of an \
action are joined by blanks and read again as one line.

Options stand before the action; what follows it is the action's.";

pub(super) const CTL_SECTIONS: &[(&str, &str)] = &[
    (
        "JSON",
        "\
With --json, standard output is one JSON object on one line, whatever happens; the exit status is \
the same as without.
results\tAn array with an object for every line that is printed otherwise. For status: name, group, \
process, state, statecode, pid, description, started_at, stopped_at, exitstatus, spawnerr, \
stdout_logfile, stderr_logfile. For avail: name, group, process, in_use, autostart, \
group_priority, priority. For pid: name and pid, or pid alone for the daemon. For start, stop, \
restart, signal, clear, reread, add, remove and update: name and result. For tail and maintail: \
name and log. For version: version. For reload and shutdown: result. For help: name and help. \
What is unknown or not there yet is null. One that failed has name and error instead.
error\tWhy the command could not be carried out: message and, where the daemon answered with a \
fault, its code as fault. Then results may be missing.

What has no end (fg, tail -f, maintail -f) has no JSON, and exits with 2; so does the shell.",
    ),
    (
        "EXIT STATUS",
        "\
0\tEverything went well, or nothing had to be done: a program that is already started, or already \
stopped, is no failure.
1\tSomething failed.
2\tThe command line or the configuration makes no sense; start was given no name or an unknown \
group.
3\tstatus: at least one program is stopped, has exited, or failed.
4\tNobody listens at the address; status: there is no such program, or the daemon could not be \
asked.
5\tThe daemon speaks another version of the interface.
7\tThe socket file is missing; a program does not run, or did not start.",
    ),
    (
        "FILES",
        "\
Without -c, the configuration is looked for in etc/supervisord.conf and supervisord.conf of the \
directory above the program's, then of the current directory, then in /etc/supervisord.conf and \
/etc/supervisor/supervisord.conf. Of it, the section [supervisorctl] counts.",
    ),
    (
        "ENVIRONMENT",
        "NO_COLOR\tWithout colour, even on a terminal, if it is not empty.",
    ),
    ("SEE ALSO", "mainstayd(8)"),
];

pub(super) const DAEMON_DESCRIPTION: &str = "\
Reads Supervisor's configuration, starts the programs that it names, keeps them running and keeps \
what they print, and answers mainstayctl(1), Supervisor's own clients and browsers. Without -n it \
goes into the background.

Options win over the configuration, whenever that is read.";

pub(super) const DAEMON_SECTIONS: &[(&str, &str)] = &[
    (
        "SIGNALS",
        "\
TERM, INT, QUIT\tPrograms are stopped in descending priority, then the daemon exits; a second one \
kills what is left.
HUP\tThe configuration is checked; if it is good, everything stops and starts again under it.
USR2\tAll logs are closed and opened again.
USR1\tNothing but a line in the log.",
    ),
    (
        "EXIT STATUS",
        "\
0\tIt ran and was asked to end; --check: no mistakes.
1\tIt could not run, or not go on.
2\tThe command line or the configuration makes no sense.",
    ),
    (
        "FILES",
        "\
Without -c, the configuration is looked for in etc/supervisord.conf and supervisord.conf of the \
directory above the program's, then of the current directory, then in /etc/supervisord.conf and \
/etc/supervisor/supervisord.conf.",
    ),
    ("SEE ALSO", "mainstayctl(1)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_for_a_request() {
        assert_eq!(roff("-c\\d"), "\\-c\\ed");
        assert_eq!(roff(".x"), "\\&.x");
        assert_eq!(roff("'x"), "\\&'x");
    }

    #[test]
    fn tabs_go_to_every_eighth_column() {
        for (line, expected) in [
            ("pid\t\tx", "pid             x"),
            ("1234567\tx", "1234567 x"),
            ("12345678\tx", "12345678        x"),
        ] {
            assert_eq!(columns(line), expected);
        }
    }

    #[test]
    fn a_line_with_a_tab_is_a_term() {
        assert_eq!(
            paragraphs("one\n\n0\tgood\nlast"),
            "one\n.PP\n.TP\n.B 0\ngood\nlast\n"
        );
    }
}
