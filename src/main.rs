//! The `dnis-gateway` command.

fn main() {}
