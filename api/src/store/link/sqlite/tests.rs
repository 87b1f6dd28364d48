use super::*;
use crate::store::link::{Link, Way};
use sea_orm::ConnectionTrait;

/// A file of a test's own, gone with it.
struct Place(PathBuf);

impl Place {
    #[expect(clippy::disallowed_methods, reason = "a name that no other test has")]
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("afterglow-link-{}.db", uuid::Uuid::new_v4())))
    }

    /// The file with one empty table.
    fn file(&self) -> Arc<File> {
        let file = File::open(&self.0).unwrap();
        file.batch("CREATE TABLE mark (name text NOT NULL)").unwrap();
        file
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(end);
            std::fs::remove_file(path).ok();
        }
    }
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Sqlite, sql)
}

fn mark(on: &impl Statements, name: &str) -> Result<(), DbErr> {
    on.execute(&statement(&format!("INSERT INTO mark VALUES ('{name}')"))).map(drop)
}

fn marks(on: &impl Statements) -> Vec<String> {
    let rows = on.query(&statement("SELECT name FROM mark ORDER BY name")).unwrap();
    rows.map(|row| row.try_get("", "name").unwrap()).collect()
}

#[test]
fn a_savepoint_is_kept_with_what_it_stands_in_and_undone_alone() {
    let place = Place::new();
    let file = place.file();
    let outer = Transaction::begin(&file).unwrap();
    mark(&outer, "outer").unwrap();
    let kept = outer.savepoint().unwrap();
    mark(&kept, "kept").unwrap();
    let within = kept.savepoint().unwrap();
    mark(&within, "undone within").unwrap();
    within.rollback().unwrap();
    kept.commit().unwrap();
    let undone = outer.savepoint().unwrap();
    mark(&undone, "undone").unwrap();
    undone.rollback().unwrap();
    // One that is let go without an end is undone too.
    let dropped = outer.savepoint().unwrap();
    mark(&dropped, "dropped").unwrap();
    drop(dropped);
    let after = outer.savepoint().unwrap();
    mark(&after, "after").unwrap();
    after.commit().unwrap();
    assert_eq!(marks(&outer), ["after", "kept", "outer"]);
    assert_eq!(marks(&*File::readers(&place.0)), [""; 0], "nobody else sees it before the COMMIT");
    outer.commit().unwrap();
    assert_eq!(marks(&*File::readers(&place.0)), ["after", "kept", "outer"]);
}

#[test]
fn a_transaction_that_is_undone_takes_its_savepoints_with_it() {
    let place = Place::new();
    let file = place.file();
    let outer = Transaction::begin(&file).unwrap();
    let kept = outer.savepoint().unwrap();
    mark(&kept, "kept").unwrap();
    kept.commit().unwrap();
    outer.rollback().unwrap();
    assert_eq!(marks(&*file), [""; 0]);
}

#[test]
fn a_transaction_that_is_dropped_is_undone_and_the_next_one_begins_cleanly() {
    let place = Place::new();
    let file = place.file();
    for _ in 0..3 {
        let dropped = Transaction::begin(&file).unwrap();
        mark(&dropped, "dropped").unwrap();
        drop(dropped);
        // Dropped before what stands within it, it is undone when that goes.
        let outer = Transaction::begin(&file).unwrap();
        let within = outer.savepoint().unwrap();
        mark(&within, "dropped").unwrap();
        drop(outer);
        drop(within);
    }
    let next = Transaction::begin(&file).unwrap();
    mark(&next, "next").unwrap();
    next.commit().unwrap();
    assert_eq!(marks(&*file), ["next"]);
}

#[test]
fn a_transaction_keeps_every_other_writer_out_from_its_beginning() {
    let place = Place::new();
    let file = place.file();
    let first = Transaction::begin(&file).unwrap();
    let second = file.connect().unwrap();
    second.busy_timeout(Duration::ZERO).unwrap();
    let refused = batch(&second, "BEGIN IMMEDIATE").unwrap_err();
    assert!(matches!(Error::from(refused), Error::Unavailable(_)), "it has written nothing yet, and holds the file");
    first.rollback().unwrap();
    batch(&second, "BEGIN IMMEDIATE").unwrap();
}

#[test]
fn a_statement_that_reads_for_too_long_is_ended_and_the_connection_goes_on() {
    // Many times what is granted, and yet it ends: whoever does not end it fails here, and does not hang.
    const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000000)
                        SELECT count(*) AS i FROM n";
    let place = Place::new();
    mark(&*place.file(), "mark").unwrap();
    let readers = File::readers(&place.0);
    assert_eq!(readers.reads, Some(STATEMENT), "as long as a server grants it");
    let hasty = File { reads: Some(Duration::from_millis(20)), path: place.0.clone(), idle: Mutex::default() };
    for _ in 0..2 {
        let ended = hasty.query(&statement(LONG)).map(Iterator::count).unwrap_err();
        assert!(matches!(Error::from(ended), Error::Unavailable(_)));
        // Each statement has its own time, and one that has it is not ended.
        assert_eq!(marks(&hasty), ["mark"]);
        assert_eq!(locked(&hasty.idle).len(), 1);
    }
}

/// On one thread: a write that held it up would never see the lock go.
#[tokio::test]
async fn what_is_committed_by_itself_keeps_nobody_else_waiting() {
    let place = Place::new();
    let file = place.file();
    let (held, link) = (Transaction::begin(&file).unwrap(), Link(Way::File(file.clone())));
    let write = link.execute_raw(statement("INSERT INTO mark VALUES ('written')"));
    let (written, freed) = tokio::join!(write, async { held.rollback() });
    freed.unwrap();
    assert_eq!(written.unwrap().rows_affected(), 1);
    assert_eq!(marks(&*file), ["written"]);
}
