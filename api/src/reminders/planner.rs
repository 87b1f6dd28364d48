//! Carries recurring reminders on, two days ahead of the clock. Idempotent: a message is unique by reminder, day and
//! slot, so planners may run side by side. A crash leaves a part of the work, and the next tick the rest.

use crate::{app::App, error::Error, store::reminders};
use futures_util::{StreamExt, TryStreamExt, stream};

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
        let units = page
            .into_iter()
            .map(|(patient, id)| app.db.write(patient, async move |tx| reminders::catch_up(tx, patient, id).await));
        stream::iter(units).map(Ok).try_for_each_concurrent(UNITS, |unit| unit).await?;
        after = Some(last);
    }
}
