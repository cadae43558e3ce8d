//! Command lines: the option dialect that both programs share, and each program's options.
