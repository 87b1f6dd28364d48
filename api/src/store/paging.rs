//! Lists a page at a time: newest first, each page behind the last item of the one before. Never an offset, so that what
//! is written meanwhile moves nothing.

use crate::error::Error;
use chrono::{DateTime, Utc};
use entities::Micros;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::Expr,
};
use uuid::Uuid;

/// Bytes of text that a page of records has room for. An answer lies in memory until its client has taken it, however slowly:
/// with nothing but a number of records, one page could be 16 MB.
const ROOM: usize = 1024 * 1024;

/// Which part of a list a page is of: `from` included, `to` excluded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// Behind the last item of the page before.
    pub after: Option<After>,
    /// How many at most.
    pub limit: u64,
}

/// The last item of a page: the next page begins behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}

/// One page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins, if there is one.
    pub next: Option<After>,
}

impl<T> Page<T> {
    /// The page of `limit` items of which one more was read, to know whether more follow.
    pub(super) fn cut(mut items: Vec<T>, limit: u64, place: impl Fn(&T) -> After) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(place);
        Self { items, next }
    }

    /// The same, ending early where the items, by the bytes of each, leave no more room.
    pub(super) fn fit(items: Vec<T>, limit: u64, bytes: impl Fn(&T) -> usize, place: impl Fn(&T) -> After) -> Self {
        let limit = fitting(items.iter().map(bytes), limit);
        Self::cut(items, limit, place)
    }

    /// The same page of other things.
    pub(super) fn of<U>(self, items: Vec<U>) -> Page<U> {
        Page { items, next: self.next }
    }
}

/// How many of some items a page has room for, by the bytes of each: one at least, and `limit` at most.
pub(super) fn fitting(bytes: impl Iterator<Item = usize>, limit: u64) -> u64 {
    let sums = bytes.scan(0_usize, |sum, bytes| {
        *sum = sum.saturating_add(bytes);
        Some(*sum)
    });
    let fitting = sums.take_while(|sum| *sum <= ROOM).count() as u64;
    Ord::min(Ord::max(fitting, 1), limit)
}

impl Window {
    /// Reads the page of some rows, newest first by an instant and an id.
    pub(super) async fn page<E: EntityTrait>(
        &self,
        db: &impl ConnectionTrait,
        rows: Select<E>,
        order: (E::Column, E::Column),
        place: impl Fn(&E::Model) -> After,
    ) -> Result<Page<E::Model>, Error> {
        Ok(Page::cut(self.narrow(rows, order).all(db).await?, self.limit, place))
    }

    /// The rows of the page, and one more, newest first by an instant and an id.
    pub(super) fn narrow<E: EntityTrait>(&self, rows: Select<E>, (at, id): (E::Column, E::Column)) -> Select<E> {
        let behind = self.after.map(|after| {
            Expr::tuple([Expr::col(at), Expr::col(id)])
                .lt(Expr::tuple([Expr::val(Micros::from(after.at).0), Expr::val(after.id)]))
        });
        let wanted = Condition::all()
            .add_option(self.from.map(|from| at.gte(Micros::from(from))))
            .add_option(self.to.map(|to| at.lt(Micros::from(to))))
            .add_option(behind);
        rows.filter(wanted).order_by_desc(at).order_by_desc(id).limit(self.limit + 1)
    }
}
