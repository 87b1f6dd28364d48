//! The unit of work: what it promises when many come at once, one fails, one panics, and a caller hangs up.

use crate::{on_both, support::Clinic};
use afterglow::{
    error::Error,
    store::{Tx, audit},
};
use futures_util::FutureExt;
use sea_orm::{EntityTrait, PaginatorTrait};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Appends one audit row under a name.
async fn mark(tx: &Tx, name: &str) -> Result<(), Error> {
    audit::append(tx, audit::Entry::by_service(Uuid::nil(), name)).await
}

async fn marks(clinic: &Clinic, name: &str) -> u64 {
    use entities::audit::{Column, Entity};
    use sea_orm::{ColumnTrait, QueryFilter};
    Entity::find().filter(Column::Operation.eq(name)).count(clinic.app.db.read()).await.unwrap()
}

on_both! {
    async fn a_unit_that_fails_or_panics_leaves_its_neighbours_whole(clinic: Clinic) {
        let db = &clinic.app.db;
        let units = (0..90).map(|number| async move {
            db.write(Uuid::nil(), async move |tx: &Tx| {
                mark(tx, "mark").await?;
                match number % 3 {
                    0 => Ok(()),
                    1 => Err(Error::Forbidden),
                    _ => panic!("a unit of this test"),
                }
            })
            .await
        });
        let outcomes = futures_util::future::join_all(units).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 30);
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Forbidden))).count(), 30);
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Internal(_)))).count(), 30);
        assert_eq!(marks(&clinic, "mark").await, 30);
    }

    async fn a_failing_statement_undoes_its_own_unit_alone(clinic: Clinic) {
        let (db, patient) = (&clinic.app.db, clinic.patient.id);
        let bad = db.write(patient, async move |tx: &Tx| {
            mark(tx, "undone").await?;
            let twice = entities::patient::Entity::find_by_id(patient).one(tx.db()).await?.unwrap();
            let twice = sea_orm::IntoActiveModel::into_active_model(twice);
            entities::patient::Entity::insert(twice).exec_without_returning(tx.db()).await?;
            Ok(())
        });
        let good = db.write(patient, async |tx: &Tx| mark(tx, "done").await);
        let (bad, good) = tokio::join!(bad, good);
        assert!(matches!(bad, Err(Error::Exists)), "{bad:?}");
        good.unwrap();
        assert_eq!((marks(&clinic, "undone").await, marks(&clinic, "done").await), (0, 1));
    }

    async fn a_caller_that_hangs_up_changes_nothing(clinic: Clinic) {
        let db = clinic.app.db.clone();
        // The writer is busy until it is let go: nobody behind it is answered before they have hung up.
        let ((began, has_begun), (go, gone)) = (oneshot::channel(), oneshot::channel());
        let busy = db.clone();
        let busy = tokio::spawn(async move {
            let unit = async move |_: &Tx| {
                began.send(()).ok();
                gone.await.map_err(Error::internal)
            };
            busy.write(Uuid::nil(), unit).await
        });
        has_begun.await.unwrap();
        for _ in 0..50 {
            let unit = db.write(Uuid::nil(), async |tx: &Tx| mark(tx, "kept").await);
            // Polled once, so that it is queued, then dropped.
            assert!(unit.now_or_never().is_none());
        }
        go.send(()).unwrap();
        busy.await.unwrap().unwrap();
        db.write(Uuid::nil(), async |tx: &Tx| mark(tx, "last").await).await.unwrap();
        assert_eq!(marks(&clinic, "kept").await, 50);
    }

    async fn what_a_refused_unit_announced_is_never_told(clinic: Clinic) {
        use afterglow::events::{Event, Subject};
        let mut listener = clinic.app.events.subscribe();
        let event = |id| Event { patient_id: Uuid::nil(), subject: Subject::Record, id, private: false };
        let refused = clinic.app.db.write(Uuid::nil(), async move |tx: &Tx| {
            tx.announce(event(Uuid::from_u128(1)));
            Err::<(), _>(Error::Forbidden)
        });
        assert!(refused.await.is_err());
        let kept = clinic.app.db.write(Uuid::nil(), async move |tx: &Tx| {
            tx.announce(event(Uuid::from_u128(2)));
            Ok(())
        });
        kept.await.unwrap();
        assert_eq!(listener.recv().await.unwrap().id, Uuid::from_u128(2));
    }
}
