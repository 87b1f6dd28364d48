//! The command line of Afterglow.
fn main() {}
