//! The table of all options: the one source for the parser, `--help`, the sample file and the
//! reference.

mod render;
mod sections;

pub use render::{reference, sample};
pub(crate) use sections::*;

use super::types::Type;

/// A kind of section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// `[unix_http_server]`
    UnixHttpServer,
    /// `[inet_http_server]`
    InetHttpServer,
    /// `[supervisord]`
    Supervisord,
    /// `[rpcinterface:x]`
    RpcInterface,
    /// `[supervisorctl]`
    Supervisorctl,
    /// `[program:x]`
    Program,
    /// `[fcgi-program:x]`
    FcgiProgram,
    /// `[eventlistener:x]`
    EventListener,
    /// `[group:x]`
    Group,
    /// `[include]`
    Include,
    /// `[ctlplugin:x]`
    CtlPlugin,
}

/// One option of one kind of section.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Row {
    /// Its name.
    pub key: &'static str,
    /// What to write, after "expected".
    pub expected: &'static str,
    /// What holds without it.
    pub default: Default,
    /// The names that can be expanded in it.
    pub scope: Scope,
    /// What it does, in Markdown.
    pub doc: &'static str,
    /// A value for the sample.
    pub example: &'static str,
    /// Whether it is ours alone: Supervisor passes over it without a word.
    pub extension: bool,
}

/// What holds without an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Default {
    /// The option must be given.
    Required,
    /// This value.
    Text(&'static str),
    /// What these words say.
    Other(&'static str),
}

/// Which names can be expanded in a value. `ENV_…` always can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// None besides.
    Env,
    /// `here`
    Here,
    /// `here`, `host_node_name`
    Host,
    /// `here`, `program_name`
    Socket,
    /// `here`, `program_name`, `host_node_name`, `group_name`
    Program,
    /// Those, `process_num` and `numprocs`.
    Process,
}

impl Scope {
    /// The names, without `ENV_…`.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Env => &[],
            Self::Here => &["here"],
            Self::Host => &["here", "host_node_name"],
            Self::Socket => &["here", "program_name"],
            Self::Program => &["here", "program_name", "host_node_name", "group_name"],
            Self::Process => &[
                "here",
                "program_name",
                "host_node_name",
                "group_name",
                "process_num",
                "numprocs",
            ],
        }
    }
}

/// A row together with the reader of its type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opt<T: 'static> {
    pub(crate) row: Row,
    pub(crate) kind: Type<T>,
}

impl Kind {
    /// All kinds, in the order in which files usually have them.
    pub const ALL: [Self; 11] = [
        Self::UnixHttpServer,
        Self::InetHttpServer,
        Self::Supervisord,
        Self::RpcInterface,
        Self::Supervisorctl,
        Self::Program,
        Self::FcgiProgram,
        Self::EventListener,
        Self::Group,
        Self::Include,
        Self::CtlPlugin,
    ];

    /// The kind of a section, by its name; `None` if Supervisor would ignore it.
    pub fn of(section: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| match kind {
            // Whatever follows the word makes another server.
            Self::UnixHttpServer | Self::InetHttpServer => section.starts_with(kind.word()),
            _ if kind.is_named() => section
                .strip_prefix(kind.word())
                .is_some_and(|rest| rest.starts_with(':')),
            _ => section == kind.word(),
        })
    }

    /// The word that a section of this kind begins with.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnixHttpServer => "unix_http_server",
            Self::InetHttpServer => "inet_http_server",
            Self::Supervisord => "supervisord",
            Self::RpcInterface => "rpcinterface",
            Self::Supervisorctl => "supervisorctl",
            Self::Program => "program",
            Self::FcgiProgram => "fcgi-program",
            Self::EventListener => "eventlistener",
            Self::Group => "group",
            Self::Include => "include",
            Self::CtlPlugin => "ctlplugin",
        }
    }

    /// Whether a colon and a name follow the word.
    pub const fn is_named(self) -> bool {
        matches!(
            self,
            Self::RpcInterface
                | Self::Program
                | Self::FcgiProgram
                | Self::EventListener
                | Self::Group
                | Self::CtlPlugin
        )
    }

    /// The section's header as documentation writes it.
    pub fn header(self) -> String {
        if self.is_named() {
            format!("[{}:x]", self.word())
        } else {
            format!("[{}]", self.word())
        }
    }

    /// The options that are this kind's own; those that it shares with [`Kind::Program`] not counted.
    pub const fn own_rows(self) -> &'static [Row] {
        match self {
            Self::UnixHttpServer => unix_http_server::ROWS,
            Self::InetHttpServer => inet_http_server::ROWS,
            Self::Supervisord => supervisord::ROWS,
            Self::RpcInterface => rpcinterface::ROWS,
            Self::Supervisorctl => supervisorctl::ROWS,
            Self::Program => program::ROWS,
            Self::FcgiProgram => fcgi_program::ROWS,
            Self::EventListener => eventlistener::ROWS,
            Self::Group => group::ROWS,
            Self::Include => include::ROWS,
            Self::CtlPlugin => ctlplugin::ROWS,
        }
    }

    /// All options of this kind.
    pub fn rows(self) -> impl Iterator<Item = &'static Row> {
        let shared: &[Row] = match self {
            Self::FcgiProgram | Self::EventListener => program::ROWS,
            _ => &[],
        };
        self.own_rows().iter().chain(shared)
    }

    /// Whether options that are not in the table are handed to a plug-in.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::CtlPlugin)
    }
}

/// One section's options. Each line: constant, Rust type, key, type, default, scope, example, and
/// `extension` if Supervisor does not have it; its comment is the documentation.
macro_rules! options {
    ($($(#[doc = $doc:literal])+ $name:ident: $t:ty = $key:literal, $type:ident, $default:expr,
        $scope:ident, $example:literal $(, $extension:ident)?;)*) => {
        $($(#[doc = $doc])+ pub(crate) const $name: Opt<$t> = Opt {
            row: Row {
                key: $key,
                expected: types::$type.expected,
                default: $default,
                scope: Scope::$scope,
                doc: concat!($($doc),+),
                example: $example,
                extension: !<[&str]>::is_empty(&[$(stringify!($extension))?]),
            },
            kind: types::$type,
        };)*
        pub(crate) const ROWS: &[Row] = &[$($name.row),*];
    };
}
use options;
