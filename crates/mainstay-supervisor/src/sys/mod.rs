//! The system calls that need `unsafe`, and nothing else. The only unsafe code of the workspace.
