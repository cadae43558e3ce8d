//! Whom the daemon runs as, and how much it may use.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

use crate::config::{Level, Note, Supervisord};
use crate::log::MainLog;
use crate::process::identity;

/// Becomes the configured user. Returns what there is to say about it to the main log.
///
/// # Errors
///
/// The message for the one who started us.
pub(super) fn drop_privileges(config: &Supervisord) -> Result<Option<Note>, String> {
    let Some(user) = &config.user else {
        return Ok(geteuid().is_root().then(|| Note {
            level: Level::Critical,
            message: "Supervisor is running as root.  Privileges were not dropped because no user \
                      is specified in the config file.  If you intend to run as root, you can set \
                      user=root in the config file to avoid this message."
                .to_owned(),
        }));
    };
    if let Some(identity) = identity(user) {
        let groups: Vec<_> = identity.groups?.into_iter().map(Gid::from_raw).collect();
        setgroups(&groups).map_err(|_| "Could not set groups of effective user".to_owned())?;
        setgid(Gid::from_raw(identity.gid))
            .map_err(|_| "Could not set group id of effective user".to_owned())?;
        setuid(Uid::from_raw(identity.uid)).map_err(|errno| errno.to_string())?;
    }
    Ok(Some(Note {
        level: Level::Info,
        message: format!("Set uid to user {} succeeded", user.uid),
    }))
}

/// Whether the configured user can be become, as far as that can be told without doing it.
pub(super) fn check_user(config: &Supervisord) -> Result<(), String> {
    match config.user.as_ref().and_then(identity) {
        Some(identity) => identity.groups.map(drop),
        None => Ok(()),
    }
}

/// Sees to it that there are enough descriptors and processes. Returns the soft limit of descriptors
/// that children get.
///
/// The daemon itself takes all that it may have, since every program costs it a few; programs that
/// use `select` would break by that, so they get what the original would give them.
///
/// # Errors
///
/// The message for the one who started us.
pub(super) fn raise_limits(config: &Supervisord, log: &MainLog) -> Result<Option<u64>, String> {
    let (soft, hard) = raise(Resource::RLIMIT_NOFILE, "RLIMIT_NOFILE", config.minfds, log)
        .map_err(|hard| {
            format!(
                "The minimum number of file descriptors required to run this process is {} as per \
                 the \"minfds\" command-line argument or config file setting. The current \
                 environment will only allow you to open {hard} file descriptors.  Raise the limit, \
                 or lower minfds.",
                config.minfds
            )
        })?;
    raise(Resource::RLIMIT_NPROC, "RLIMIT_NPROC", config.minprocs, log).map_err(|hard| {
        format!(
            "The minimum number of available processes required to run this program is {} as per \
             the \"minprocs\" command-line argument or config file setting. The current environment \
             will only allow you to open {hard} processes.  Raise the limit, or lower minprocs.",
            config.minprocs
        )
    })?;
    if hard > soft && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
        return Ok(Some(soft));
    }
    Ok(None)
}

/// The limits afterwards; the error is the hard limit that could not be raised.
fn raise(resource: Resource, name: &str, wanted: u64, log: &MainLog) -> Result<(u64, u64), u64> {
    let (soft, hard) = getrlimit(resource).map_err(|_| 0_u64)?;
    if soft >= wanted {
        return Ok((soft, hard));
    }
    let raised = hard.max(wanted);
    setrlimit(resource, wanted, raised).map_err(|_| hard)?;
    log.info(format_args!("Increased {name} limit to {wanted}"));
    Ok((wanted, raised))
}
