//! How fast events get through a listener, one after another as the protocol wants it.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::Peer;
use super::daemon::Stage;
use crate::figures::Figure;
use crate::machine::cpu;

/// How many there are in one measurement, and in one call that makes them.
const EVENTS: usize = 2000;
const AT_ONCE: usize = 500;

pub(super) fn events(peers: &[Peer], rounds: usize) -> Result<Vec<Figure>> {
    let mut rate = Figure::new("events per second, from the call to the last answer", false);
    let mut time = Figure::new("processor time of the daemon per event, µs", true);
    for _ in 0..rounds {
        for peer in peers {
            let stage = Stage::new()?;
            let programs = format!(
                "[eventlistener:ear]\ncommand={} {EVENTS}\nevents=REMOTE_COMMUNICATION\n\
                 buffer_size={EVENTS}\nstartsecs=0\nstderr_logfile=NONE\nstdout_logfile=NONE\n",
                stage.child("listen")?
            );
            let daemon = stage.start(peer, &programs)?;
            let mut api = daemon.all_running(1)?;
            // Once when it is ready, once when it has answered all.
            daemon.announced()?;
            let before = cpu(daemon.pid())?;
            let since = Instant::now();
            for _ in 0..EVENTS / AT_ONCE {
                let method = "supervisor.sendRemoteCommEvent";
                let answer =
                    api.multicall(AT_ONCE, method, &["bench", "a payload of some length"])?;
                ensure!(!answer.contains("faultCode"), "{answer}");
            }
            daemon.announced()?;
            rate.add(peer.name, EVENTS as f64 / since.elapsed().as_secs_f64());
            let spent = (cpu(daemon.pid())? - before).as_secs_f64();
            time.add(peer.name, spent * 1e6 / EVENTS as f64);
            daemon.end()?;
        }
    }
    Ok(vec![rate, time])
}
