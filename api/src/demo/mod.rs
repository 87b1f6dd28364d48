//! The demo: a believable clinic to look at, and the mails that it sends.

pub mod mail;
