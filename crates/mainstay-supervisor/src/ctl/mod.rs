//! `mainstayctl`: the client, its commands and its interactive shell.
