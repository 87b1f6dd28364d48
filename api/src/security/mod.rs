//! Sign-in, access, keys.

pub mod seal;
