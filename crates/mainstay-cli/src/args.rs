//! What can be said on the command line.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use mainstay_scrypt::{Error, Format, Params};

/// Make keys, hash and verify passwords
#[derive(Debug, Parser)]
#[command(name = "mainstay", version, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  mainstay key                                 a new key for signing CSRF tokens
  mainstay password hash                       ask for a password, print its hash
  mainstay password verify '16384$8$1$…$…'     ask for a password, compare")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a new key for signing CSRF tokens
    #[command(after_help = "\
The key is 32 random bytes in hexadecimal digits, on a line of its own and nothing else. Whoever
knows it can forge tokens: keep it where the other secrets of the service are.

Examples:
  mainstay key > csrf.key
  CSRF_KEY=$(mainstay key)")]
    Key,
    /// Hash and verify passwords
    #[command(subcommand, arg_required_else_help = true)]
    Password(PasswordCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PasswordCommand {
    /// Print the hash of a password
    #[command(after_help = "\
Asks twice for the password on the terminal, without showing it.

Examples:
  mainstay password hash
  mainstay password hash --preset owasp-16-mib --format simple-scrypt
  printf %s \"$PASSWORD\" | mainstay password hash --stdin")]
    Hash(HashArgs),
    /// Compare a password with a hash: exit status 0 on a match, 1 on a mismatch, 2 otherwise
    #[command(after_help = "\
Asks for the password on the terminal, without showing it. Put the hash in single quotes: in double
quotes, or in none, the shell replaces the dollar signs and what follows them.

Exit status:
  0  the password matches
  1  it does not
  2  the hash cannot be read, or something else went wrong

Examples:
  mainstay password verify '$scrypt$ln=17,r=8,p=1$…$…'
  printf %s \"$PASSWORD\" | mainstay password verify --stdin \"$HASH\"")]
    Verify(VerifyArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct HashArgs {
    /// Every byte of standard input is the password, a newline at its end too
    #[arg(long)]
    pub(crate) stdin: bool,
    /// The form of the hash
    #[arg(long, value_enum, default_value_t = FormatName::Phc)]
    pub(crate) format: FormatName,
    /// The cost, by name
    #[arg(long, value_enum, default_value_t = Preset::Owasp)]
    preset: Preset,
    /// The cost, by number: log2 of N, the number of rows in the table
    #[arg(long, value_name = "LOG_N", conflicts_with = "preset")]
    log_n: Option<u8>,
    /// With --log-n: the block size
    #[arg(short, value_name = "R", default_value_t = 8, requires = "log_n")]
    r: u32,
    /// With --log-n: the number of lanes
    #[arg(short, value_name = "P", default_value_t = 1, requires = "log_n")]
    p: u32,
    /// Make the hash even if its cost is under the floor for new ones
    #[arg(long)]
    pub(crate) allow_weak: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct VerifyArgs {
    /// Every byte of standard input is the password, a newline at its end too
    #[arg(long)]
    pub(crate) stdin: bool,
    /// The hash, in single quotes
    pub(crate) hash: String,
}

impl HashArgs {
    pub(crate) fn params(&self) -> Result<Params, Error> {
        match self.log_n {
            Some(log_n) => Params::new(log_n, self.r, self.p),
            None => Ok(self.preset.params()),
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FormatName {
    /// `$scrypt$ln=17,r=8,p=1$…$…`
    Phc,
    /// `131072$8$1$…$…`, as Go's simple-scrypt writes it
    SimpleScrypt,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Phc => Self::Phc,
            FormatName::SimpleScrypt => Self::SimpleScrypt,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Preset {
    /// N = 2^17, r = 8, p = 1: 128 MiB
    Owasp,
    /// N = 2^16, r = 8, p = 2
    #[value(name = "owasp-64-mib")]
    Owasp64,
    /// N = 2^15, r = 8, p = 3
    #[value(name = "owasp-32-mib")]
    Owasp32,
    /// N = 2^14, r = 8, p = 5
    #[value(name = "owasp-16-mib")]
    Owasp16,
    /// N = 2^13, r = 8, p = 10
    #[value(name = "owasp-8-mib")]
    Owasp8,
    /// N = 2^14, r = 8, p = 1: weak by today's advice
    SimpleScrypt,
}

impl Preset {
    fn params(self) -> Params {
        match self {
            Self::Owasp => Params::OWASP,
            Self::Owasp64 => Params::OWASP_64_MIB,
            Self::Owasp32 => Params::OWASP_32_MIB,
            Self::Owasp16 => Params::OWASP_16_MIB,
            Self::Owasp8 => Params::OWASP_8_MIB,
            Self::SimpleScrypt => Params::SIMPLE_SCRYPT,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        super::Args::command().debug_assert();
    }
}
