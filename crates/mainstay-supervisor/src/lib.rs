//! `mainstayd` and `mainstayctl`: Supervisor without Python.
