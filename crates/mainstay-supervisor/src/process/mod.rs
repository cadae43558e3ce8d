//! One supervised process: the pure state machine, and what carries its actions out.
