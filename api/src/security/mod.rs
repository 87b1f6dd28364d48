//! Who somebody is, what they may do, and what nobody else may read.

pub mod access;
pub mod guessing;
pub mod passwords;
pub mod seal;
pub mod secret;
pub mod stop_links;
pub mod tokens;
pub mod totp;
