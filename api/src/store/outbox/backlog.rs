//! How much waits to leave the house, for whoever watches it.

use crate::{
    domain::notifications::{DeliveryState, NotificationState},
    error::Error,
};
use chrono::{DateTime, Utc};
use entities::{Micros, delivery, invitation, notification};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QuerySelect,
    sea_query::{Expr, Query},
};

/// Mails whose time has come and that are not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many.
    pub due: i64,
    /// Since when the oldest has been due.
    pub oldest: Option<DateTime<Utc>>,
}

#[derive(Default, FromQueryResult)]
struct Counted {
    due: i64,
    oldest: Option<i64>,
}

/// Counts them. A mail that is tried again counts from when it was due first.
pub async fn backlog(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Backlog, Error> {
    let (messages, invitations) = (messages(db, now.into()).await?, invitations(db).await?);
    let oldest = [messages.oldest, invitations.oldest].into_iter().flatten().min();
    Ok(Backlog { due: messages.due + invitations.due, oldest: oldest.map(|at| Micros(at).into()) })
}

async fn messages(db: &impl ConnectionTrait, now: Micros) -> Result<Counted, Error> {
    use delivery::Column as D;
    use notification::{Column as N, Entity as Messages};
    let message = |column| Expr::col((Messages, column));
    let delivery = Query::select()
        .expr(Expr::val(1))
        .from(delivery::Entity)
        .and_where(Expr::col((delivery::Entity, D::PatientId)).eq(message(N::PatientId)))
        .and_where(Expr::col((delivery::Entity, D::NotificationId)).eq(message(N::Id)))
        .and_where(Expr::col((delivery::Entity, D::State)).eq(DeliveryState::Queued.code()))
        .to_owned();
    let waiting = [NotificationState::Scheduled, NotificationState::Sending].map(NotificationState::code);
    let found = Messages::find()
        .select_only()
        .column_as(N::Id.count(), "due")
        .column_as(N::DueAt.min(), "oldest")
        .filter(N::State.is_in(waiting))
        .filter(N::DueAt.lte(now))
        .filter(Expr::exists(delivery));
    Ok(found.into_model::<Counted>().one(db).await?.unwrap_or_default())
}

/// Each waits from when it was made: the time of the next attempt moves on with every one that failed.
async fn invitations(db: &impl ConnectionTrait) -> Result<Counted, Error> {
    use invitation::Column as I;
    let found = invitation::Entity::find()
        .select_only()
        .column_as(I::Id.count(), "due")
        .column_as(I::CreatedAt.min(), "oldest")
        .filter(I::MailState.eq(DeliveryState::Queued.code()));
    Ok(found.into_model::<Counted>().one(db).await?.unwrap_or_default())
}
