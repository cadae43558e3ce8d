//! Logs: the main log, rotation by size, and reading the ends of files.
