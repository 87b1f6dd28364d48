//! A clinic of one's own for every test, on either database, with a clock that stands until it is moved.

mod clinic;
mod documented;
mod mail_host;
mod place;
mod post;
mod wire;

pub use clinic::{Answer, Call, Clinic, Person};
pub use mail_host::MailHost;
pub use place::Place;
pub use post::{Mood, Post};
pub use wire::Wire;

/// Runs a story on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_both {
    ($(async fn $name:ident($clinic:ident: Clinic) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, clippy::allow_attributes, reason = "a story needs some of what its file needs")]
            use super::*;

            async fn story($clinic: $crate::support::Clinic) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                story($crate::support::Clinic::on_sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                story($crate::support::Clinic::on_postgres().await).await;
            }
        }
    )*};
}
