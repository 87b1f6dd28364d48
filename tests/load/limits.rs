//! The bare limits that the figures of the server are held against, on a copy of its own database:
//!
//! * `limits unit DATA SECONDS GROUP`: the statements of one check-in's unit of work, through rusqlite, GROUP to a COMMIT;
//! * `limits page DATA|URL SECONDS PATIENT [MASTER_KEY]`: reading and opening one patient's newest 50 records, through
//!   rusqlite, or on PostgreSQL through sqlx.
//!
//! Prints one JSON object: how many a second, how many in all, and CPU microseconds of this process for each.
#![expect(clippy::print_stdout, reason = "a program of the load suite answers on its output")]
#![expect(clippy::disallowed_methods, reason = "the ids of a measurement need no clock")]

use afterglow::{
    domain::record::Visibility,
    security::{
        seal::{Class, OwnerKeys, Spot},
        secret::Secret,
    },
    store::{Keys, Place},
};
use base64::Engine;
use rusqlite::{Connection, types::Value};
use sea_orm::sqlx::{self, Row};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// As the service allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["unit", data, seconds, group] => units(Path::new(data), seconds.parse()?, group.parse()?),
        ["page", data, seconds, patient, ref key @ ..] => {
            pages(data, seconds.parse()?, patient.parse()?, key.first().copied()).await
        }
        _ => Err("limits unit DATA SECONDS GROUP, or limits page DATA|URL SECONDS PATIENT [MASTER_KEY]".into()),
    }
}

/// Counts until the time is over, then says what each of them cost.
struct Meter {
    began: Instant,
    cpu: f64,
    until: Duration,
    count: u32,
}

impl Meter {
    fn start(seconds: f64) -> Result<Self, Failure> {
        Ok(Self { began: Instant::now(), cpu: cpu_seconds()?, until: Duration::from_secs_f64(seconds), count: 0 })
    }

    fn goes_on(&self) -> bool {
        self.began.elapsed() < self.until
    }

    fn report(&self) -> Result<(), Failure> {
        let count = f64::from(self.count);
        let (rate, cpu) = (count / self.began.elapsed().as_secs_f64(), (cpu_seconds()? - self.cpu) * 1e6 / count);
        println!("{{\"rate\": {rate:.1}, \"cpu_us\": {cpu:.1}, \"count\": {}}}", self.count);
        Ok(())
    }
}

/// User and system time of this process, as the kernel counts it: in hundredths.
fn cpu_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

fn open(data: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open(data.join("afterglow.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// A row of a table that a real write left, to be written again under other ids.
struct Template {
    insert: String,
    columns: Vec<String>,
    values: Vec<Value>,
}

impl Template {
    fn newest(connection: &Connection, table: &str, clause: &str) -> Result<Self, Failure> {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table} {clause}"))?;
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let values = statement.query_row([], |row| (0..columns.len()).map(|at| row.get(at)).collect())?;
        let places = vec!["?"; columns.len()].join(", ");
        Ok(Self { insert: format!("INSERT INTO {table} VALUES ({places})"), columns, values })
    }

    fn set(&mut self, column: &str, value: impl Into<Value>) {
        if let Some(at) = self.columns.iter().position(|name| name == column) {
            self.values[at] = value.into();
        }
    }

    fn write(&self, connection: &Connection) -> Result<(), Failure> {
        connection.prepare_cached(&self.insert)?.execute(rusqlite::params_from_iter(&self.values))?;
        Ok(())
    }
}

/// The unit of work of a new check-in, statement for statement.
fn units(data: &Path, seconds: f64, group: u32) -> Result<(), Failure> {
    let connection = open(data)?;
    let newest = "WHERE operation = 'mood_scores_create' ORDER BY id DESC LIMIT 1";
    let mut audit = Template::newest(&connection, "audit", newest)?;
    let of_it = format!("WHERE record_id = (SELECT record_id FROM audit {newest}) LIMIT 1");
    let mut idempotency = Template::newest(&connection, "idempotency", &of_it)?;
    let mut measurement = Template::newest(&connection, "measurement", &of_it)?;
    let mut record = Template::newest(&connection, "record", &of_it.replace("WHERE record_id", "WHERE id"))?;
    let patients: Vec<Vec<u8>> = connection
        .prepare("SELECT DISTINCT owner_id FROM idempotency WHERE owner_id IN (SELECT id FROM patient)")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    audit.set("id", Value::Null);
    let mut turn = 0_usize;
    let mut meter = Meter::start(seconds)?;
    while meter.goes_on() {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..group {
            turn += 1;
            let (patient, id) = (&patients[turn % patients.len()], Uuid::now_v7());
            let key = id.to_string();
            connection.execute_batch("SAVEPOINT unit")?;
            let zone = "SELECT time_zone FROM patient WHERE id = ?1";
            let _: String = connection.prepare_cached(zone)?.query_row([patient], |row| row.get(0))?;
            let repeated = "SELECT fingerprint FROM idempotency WHERE owner_id = ?1 AND account_id = ?1 AND key = ?2";
            connection.prepare_cached(repeated)?.exists(rusqlite::params![patient, key])?;
            let count = "UPDATE patient SET seq = seq + 1 WHERE id = ?1 RETURNING seq";
            let seq: i64 = connection.prepare_cached(count)?.query_row([patient], |row| row.get(0))?;
            let at = 1_000_000 * (1_000_000_000 + i64::from(meter.count) * 7919 % 700_000_000);
            for template in [&mut record, &mut measurement] {
                template.set("patient_id", patient.clone());
                template.set("occurred_at", at);
            }
            record.set("id", id.as_bytes().to_vec());
            record.set("seq", seq);
            record.write(&connection)?;
            measurement.set("record_id", id.as_bytes().to_vec());
            measurement.write(&connection)?;
            let window = "SELECT occurred_at, record_id, day, value FROM measurement
                WHERE patient_id = ?1 AND series = 0 AND occurred_at BETWEEN ?2 AND ?3";
            let days = 17 * 86_400_000_000_i64;
            let mut statement = connection.prepare_cached(window)?;
            let mut rows = statement.query(rusqlite::params![patient, at - days, at + days])?;
            while rows.next()?.is_some() {}
            idempotency.set("owner_id", patient.clone());
            idempotency.set("key", key);
            idempotency.set("record_id", id.as_bytes().to_vec());
            idempotency.write(&connection)?;
            audit.set("patient_id", patient.clone());
            audit.set("record_id", id.as_bytes().to_vec());
            audit.write(&connection)?;
            connection.execute_batch("RELEASE unit")?;
            meter.count += 1;
        }
        connection.execute_batch("COMMIT")?;
    }
    meter.report()
}

const PAGE: &str = "SELECT r.id, r.version, r.visibility, r.sealed, r.facts, p.clinic_id
    FROM record r JOIN patient p ON p.id = r.patient_id
    WHERE r.patient_id = $1 AND NOT r.deleted ORDER BY r.occurred_at DESC, r.id DESC LIMIT 50";

/// One row of a page, whatever driver read it.
struct Line {
    id: Uuid,
    version: i64,
    visibility: i16,
    sealed: Option<Vec<u8>>,
    facts: String,
    clinic: Uuid,
}

impl Line {
    /// Opens what is sealed; the length of all, so that nothing is optimised away.
    fn open(&self, keys: &OwnerKeys) -> Result<usize, Failure> {
        let class = if self.visibility == Visibility::Shared.code() { Class::Shared } else { Class::Private };
        let (clinic, row, revision) = (self.clinic, self.id, self.version);
        let spot = Spot { table: "record", column: "sealed", clinic, row, revision, class };
        let words = self.sealed.as_ref().map(|sealed| keys.open(&spot, sealed)).transpose()?;
        Ok(self.facts.len() + words.map_or(0, |words| words.len()))
    }
}

async fn pages(data: &str, seconds: f64, patient: Uuid, key: Option<&str>) -> Result<(), Failure> {
    let text = match key {
        Some(key) => key.to_owned(),
        None => std::fs::read_to_string(Path::new(data).join("master.key"))?,
    };
    let master = base64::engine::general_purpose::STANDARD.decode(text.trim())?;
    let master = Secret::from_bytes(&master).ok_or("a master key has 32 bytes")?;
    let on_server = data.starts_with("postgres://");
    let place = if on_server { Place::Url(data.into()) } else { Place::Folder(data.into()) };
    let keys = Keys::open(&place, master).await?.of_patient(patient).await?;
    let mut meter = Meter::start(seconds)?;
    let mut size = 0;
    if on_server {
        let pool = sqlx::PgPool::connect(data).await?;
        let mut connection = pool.acquire().await?;
        while meter.goes_on() {
            for row in sqlx::query(PAGE).bind(patient).fetch_all(&mut *connection).await? {
                let (id, version, visibility) = (row.get(0), row.get(1), row.get(2));
                let (sealed, facts, clinic) = (row.get(3), row.get(4), row.get(5));
                size += Line { id, version, visibility, sealed, facts, clinic }.open(&keys)?;
            }
            meter.count += 1;
        }
    } else {
        let connection = open(Path::new(data))?;
        let mut statement = connection.prepare(PAGE)?;
        let uuid = |bytes: Vec<u8>| Uuid::from_slice(&bytes).unwrap_or_default();
        while meter.goes_on() {
            let mut rows = statement.query([patient.as_bytes().to_vec()])?;
            while let Some(row) = rows.next()? {
                let (id, clinic) = (uuid(row.get(0)?), uuid(row.get(5)?));
                let (version, visibility) = (row.get(1)?, row.get(2)?);
                size +=
                    Line { id, version, visibility, sealed: row.get(3)?, facts: row.get(4)?, clinic }.open(&keys)?;
            }
            meter.count += 1;
        }
    }
    if size == 0 {
        return Err("the page is empty".into());
    }
    meter.report()
}
