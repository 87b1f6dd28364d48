//! A database of one's own for every test.

use afterglow::store;
use std::path::PathBuf;
use uuid::Uuid;

/// Where a test's rows lie; gone with the test.
pub struct Place {
    pub place: store::Place,
    folder: Option<PathBuf>,
}

impl Place {
    pub fn folder() -> Self {
        let folder = std::env::temp_dir().join(format!("afterglow-test-{}", random()));
        std::fs::create_dir(&folder).unwrap();
        Self { place: store::Place::Folder(folder.clone()), folder: Some(folder) }
    }

    /// A new database on the server that the runner started.
    pub async fn postgres() -> Self {
        use sea_orm::{ConnectionTrait, Database};
        let server = server();
        let name = format!("afterglow_{}", random().simple());
        let admin = Database::connect(&server).await.unwrap();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        admin.close().await.unwrap();
        let base = server.rsplit_once('/').unwrap().0;
        Self { place: store::Place::Url(format!("{base}/{name}")), folder: None }
    }

    /// Rows that somebody else looks after.
    pub fn elsewhere(place: &store::Place) -> Self {
        Self { place: place.clone(), folder: None }
    }

    /// The same rows, reached in another way.
    pub fn with(mut self, place: store::Place) -> Self {
        self.place = place;
        self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            std::fs::remove_dir_all(folder).ok();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the runner says where it started PostgreSQL")]
fn server() -> String {
    std::env::var("AFTERGLOW_TEST_DATABASE_URL")
        .expect("AFTERGLOW_TEST_DATABASE_URL; ./tests/run starts a server and sets it")
}

#[expect(clippy::disallowed_methods, reason = "a name that no other test has")]
fn random() -> Uuid {
    Uuid::new_v4()
}
