//! How much waits to leave the house, for whoever watches it.

use crate::{
    domain::notifications::{Class, DeliveryState, NotificationState},
    error::Error,
};
use chrono::{DateTime, Utc};
use entities::{Micros, delivery, invitation, notification};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QuerySelect,
    sea_query::{Expr, Query},
};

/// Mails of a class whose time has come and that are not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How much they matter.
    pub class: Class,
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

/// Counts those of each class. A mail that is tried again counts from when it was due first.
pub async fn backlog(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<[Backlog; 2], Error> {
    let routine = messages(db, now.into(), false).await?;
    let (told, invitations) = (messages(db, now.into(), true).await?, invitations(db).await?);
    let oldest = [told.oldest, invitations.oldest].into_iter().flatten().min();
    let matters = Counted { due: told.due + invitations.due, oldest };
    Ok([(Class::Routine, routine), (Class::Matters, matters)].map(|(class, Counted { due, oldest })| {
        let oldest = oldest.map(|at| Micros(at).into());
        Backlog { class, due, oldest }
    }))
}

/// Messages to members, or the patients' own.
async fn messages(db: &impl ConnectionTrait, now: Micros, to_members: bool) -> Result<Counted, Error> {
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
        .filter(if to_members { N::RecipientId.is_not_null() } else { N::RecipientId.is_null() })
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
