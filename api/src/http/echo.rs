//! `POST /v1/bench/echo`: a body in, the same body out, for whoever is signed in. It reads nothing but the caller's
//! sign-in: what a request costs before it does anything. Built with the feature `bench` alone, and in no document.

use super::permit::SignedIn;
use crate::domain::mood_scores::MoodScore;
use poem_openapi::{OpenApi, payload::Json};

pub(super) struct Echo;

#[OpenApi]
impl Echo {
    #[oai(path = "/echo", method = "post", hidden)]
    async fn echo(&self, _caller: SignedIn, body: Json<MoodScore>) -> Json<MoodScore> {
        body
    }
}
