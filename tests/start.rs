//! Starting: what is made is for its owner alone, and every setting or folder that cannot be trusted is a refusal that
//! names it. The real program, from outside.

use crate::support::Place;
use afterglow::store;
use base64::{Engine, engine::general_purpose::STANDARD};
use sea_orm::{ConnectionTrait, Database};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// How long a command may take that ends by itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// A place of one's own on the disk.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a name that no other test has")]
        let folder = std::env::temp_dir().join(format!("afterglow-start-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Runs one command of the program on this data, with some settings besides.
    fn run(&self, command: &[&str], settings: &[(&str, &str)]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_afterglow"));
        program.args(command).env_clear().env("AFTERGLOW_DATA", self.data()).env("AFTERGLOW_LISTEN", "127.0.0.1:0");
        program.envs(settings.iter().map(|(name, value)| (format!("AFTERGLOW_{name}"), value)));
        let mut running = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let began = Instant::now();
        while running.try_wait().unwrap().is_none() {
            if began.elapsed() > PATIENCE {
                running.kill().unwrap();
                panic!("{command:?} with {settings:?} goes on");
            }
            std::thread::yield_now();
        }
        running.wait_with_output().unwrap()
    }

    fn migrate(&self) {
        let done = self.run(&["migrate"], &[]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The one command does not start, and says why in these words.
    #[track_caller]
    fn refuses(&self, command: &[&str], settings: &[(&str, &str)], words: &[&str]) {
        let done = self.run(command, settings);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(!done.status.success());
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn key() -> String {
    STANDARD.encode([7; 32])
}

#[test]
fn whatever_is_made_is_for_its_owner_alone() {
    let folder = Folder::new();
    // Somebody has made the folder beforehand, as people do.
    fs::create_dir(folder.data()).unwrap();
    set_mode(&folder.data(), 0o755);
    let mut program = Command::new(env!("CARGO_BIN_EXE_afterglow"));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings =
        [("AFTERGLOW_LISTEN", format!("127.0.0.1:{port}")), ("AFTERGLOW_SMTP_URL", "smtp://127.0.0.1:1".into())];
    let served = program.arg("serve").env_clear().env("AFTERGLOW_DATA", folder.data()).envs(settings);
    let mut served = served.stderr(Stdio::null()).spawn().unwrap();
    // While it runs, its logs lie beside the databases.
    let names = ["master.key", "afterglow.db", "afterglow.db-wal", "afterglow.db-shm", "keys.db", "keys.db-wal"];
    while !names.iter().all(|name| folder.data().join(name).exists()) {
        assert!(served.try_wait().unwrap().is_none(), "it ended");
        std::thread::yield_now();
    }
    let files: Vec<_> = fs::read_dir(folder.data()).unwrap().map(|file| file.unwrap().path()).collect();
    served.kill().unwrap();
    served.wait().unwrap();
    assert!(files.len() >= names.len());
    for file in files.iter().filter(|file| file.exists()) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    assert_eq!(mode(&folder.data()), 0o700);
}

#[test]
fn a_folder_that_others_can_look_into_is_refused_once_something_lies_in_it() {
    let folder = Folder::new();
    folder.migrate();
    for open in [0o750, 0o701, 0o777] {
        set_mode(&folder.data(), open);
        folder.refuses(&["migrate"], &[], &["AFTERGLOW_DATA", "chmod 700"]);
    }
    set_mode(&folder.data(), 0o700);
    folder.migrate();
}

#[test]
fn a_second_process_is_kept_out() {
    let folder = Folder::new();
    folder.migrate();
    let held = fs::File::open(folder.data().join("afterglow.lock")).unwrap();
    held.lock().unwrap();
    folder.refuses(&["migrate"], &[], &["AFTERGLOW_DATA", "in use"]);
}

#[test]
fn a_master_key_that_is_gone_wrong_or_no_key_is_refused_and_none_is_made_in_its_place() {
    let folder = Folder::new();
    folder.migrate();
    let path = folder.data().join("master.key");
    let own = fs::read_to_string(&path).unwrap();
    for wrong in [key(), "no base64!".into(), STANDARD.encode([1; 31]), String::new()] {
        fs::write(&path, wrong).unwrap();
        folder.refuses(&["migrate"], &[], &["key"]);
    }
    fs::remove_file(&path).unwrap();
    folder.refuses(&["migrate"], &[], &["AFTERGLOW_DATA", "master.key"]);
    assert!(!path.exists());
    folder.refuses(&["migrate"], &[("MASTER_KEY", &key())], &["master key"]);
    let file = folder.0.join("elsewhere.key");
    folder.refuses(&["migrate"], &[("MASTER_KEY_FILE", file.to_str().unwrap())], &["AFTERGLOW_MASTER_KEY_FILE"]);
    fs::write(&file, own.clone()).unwrap();
    let both = [("MASTER_KEY_FILE", file.to_str().unwrap()), ("MASTER_KEY", &key())];
    folder.refuses(&["migrate"], &both, &["MASTER_KEY"]);
    assert!(folder.run(&["migrate"], &both[..1]).status.success());
    fs::write(&path, own).unwrap();
    folder.migrate();
}

#[test]
fn settings_that_nobody_should_run_with_are_refused_by_name() {
    let folder = Folder::new();
    let smtp = ("SMTP_URL", "smtp://127.0.0.1:1");
    folder.refuses(&["serve"], &[], &["AFTERGLOW_SMTP_URL"]);
    let open = [smtp, ("LISTEN", "0.0.0.0:0"), ("PUBLIC_URL", "http://clinic.example")];
    folder.refuses(&["serve"], &open, &["AFTERGLOW_PUBLIC_URL"]);
    for (name, value) in [
        ("LISTEN", "somewhere"),
        ("SMTP_URL", "smtp://mail.example:25"),
        ("DATABASE_URL", "mysql://127.0.0.1/afterglow"),
        ("MASTER_KEY", "short"),
        ("MAIL_FROM", "nobody"),
        ("NO_SUCH_THING", "1"),
        ("METRICS_LISTEN", "nowhere"),
    ] {
        let settings = if name == "SMTP_URL" { vec![(name, value)] } else { vec![smtp, (name, value)] };
        folder.refuses(&["serve"], &settings, &[&format!("AFTERGLOW_{name}")]);
    }
    for (listen, metrics) in [("127.0.0.1:9464", "127.0.0.1:9464"), ("127.0.0.1:9464", "0.0.0.0:9464")] {
        let both = [smtp, ("LISTEN", listen), ("METRICS_LISTEN", metrics)];
        folder.refuses(
            &["serve"],
            &both,
            &["AFTERGLOW_METRICS_LISTEN: it must be another port than that of AFTERGLOW_LISTEN"],
        );
    }
    assert!(!folder.data().exists(), "nothing is made before all settings are right");
}

#[test]
fn a_clinic_of_invented_people_is_not_served_as_a_real_one() {
    let folder = Folder::new();
    folder.migrate();
    let db = rusqlite::Connection::open(folder.data().join("afterglow.db")).unwrap();
    let account = "INSERT INTO account (id, clinic_id, kind, email_index, password_hash, demo, failures, totp_last_step,
                   version, sealed, created_at) VALUES (zeroblob(16), zeroblob(16), 1, x'03', '', 1, 0, 0, 1, x'04', 0)";
    db.execute_batch(&format!("PRAGMA foreign_keys = OFF; {account}")).unwrap();
    folder.refuses(&["serve"], &[("SMTP_URL", "smtp://127.0.0.1:1")], &["demo"]);
}

#[test]
fn a_database_from_a_later_version_is_left_alone() {
    let folder = Folder::new();
    folder.migrate();
    let db = rusqlite::Connection::open(folder.data().join("afterglow.db")).unwrap();
    db.execute("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_later', 0)", []).unwrap();
    drop(db);
    folder.refuses(&["migrate"], &[], &["schema"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_needs_a_key_of_its_own_and_must_keep_what_it_acknowledges() {
    let folder = Folder::new();
    let place = Place::postgres().await;
    let store::Place::Url(url) = &place.place else { panic!("a URL") };
    let (own, other) = (key(), STANDARD.encode([9; 32]));
    let (with_url, with_key) = (("DATABASE_URL", url.as_str()), ("MASTER_KEY", own.as_str()));
    folder.refuses(&["migrate"], &[with_url], &["AFTERGLOW_MASTER_KEY_FILE"]);
    folder.refuses(
        &["migrate"],
        &[("DATABASE_URL", "postgres://127.0.0.1:1/x"), with_key],
        &["AFTERGLOW_DATABASE_URL"],
    );
    let name = url.rsplit_once('/').unwrap().1;
    let admin = Database::connect(url).await.unwrap();
    let set = |value: &str| format!("ALTER DATABASE {name} SET synchronous_commit = {value}");
    admin.execute_unprepared(&set("off")).await.unwrap();
    folder.refuses(&["migrate"], &[with_url, with_key], &["AFTERGLOW_DATABASE_URL", "synchronous_commit=off"]);
    admin.execute_unprepared(&set("on")).await.unwrap();
    // What its server has to remark about a schema that is there already is no news to anybody.
    for command in [&["migrate"][..], &["invite-admin", "--email", "ada@example.org", "--clinic", "Harbour"]] {
        let done = folder.run(command, &[with_url, with_key]);
        assert!(done.status.success());
        assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{command:?}");
    }
    folder.refuses(&["migrate"], &[with_url, ("MASTER_KEY", other.as_str())], &["master key"]);
    assert!(!folder.data().exists());
}
