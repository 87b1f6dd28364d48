//! Carries recurring reminders on, two days ahead of the clock. Idempotent: a message is unique by reminder, day and
//! slot, so planners may run side by side. A crash leaves a part of the work, and the next tick the rest. One that cannot be
//! carried on holds nobody else up.

use crate::{app::App, error::Error, store::reminders};
use futures_util::{StreamExt, stream};
use uuid::Uuid;

/// Reminders read at once.
const PAGE: u64 = 500;
/// Units under way at once: as many as one COMMIT serves.
const UNITS: usize = 64;

/// Plans everything that is behind.
pub(super) async fn tick(app: &App) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = reminders::behind(app.db.read(), app.clock.now(), after, PAGE).await?;
        let Some(last) = page.last().copied() else { return Ok(()) };
        stream::iter(page).for_each_concurrent(UNITS, |(patient, id)| carry_on(app, patient, id)).await;
        after = Some(last);
    }
}

async fn carry_on(app: &App, patient: Uuid, id: Uuid) {
    let planned = app.db.write(patient, async move |tx| reminders::catch_up(tx, patient, id).await).await;
    if let Err(error) = planned {
        tracing::error!(%error, %patient, reminder = %id, "a reminder waits for its next turn");
    }
}
