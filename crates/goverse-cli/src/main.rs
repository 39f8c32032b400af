//! The goverse command.

fn main() {}
