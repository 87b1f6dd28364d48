//! The first schema: the clinic and its people, the records of a patient with their history, what rules found, what is
//! to be sent, who looked.
//!
//! Every key of a table that belongs to one patient begins with `patient_id`: one neighbourhood of the tree per patient,
//! and a distribution column when one PostgreSQL is too small. Instants are microseconds since 1970 on both databases:
//! half the size of a text, compared as numbers, the same value whoever reads it.

use super::dialect;
use sea_orm_migration::prelude::*;

/// See the module's text.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Cut off half-way, it has not begun.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::plan(manager, PLANS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}

const UP: &str = "
CREATE TABLE clinic (
  id uuid PRIMARY KEY,
  time_zone text NOT NULL,
  country text NOT NULL,
  business_hours text NOT NULL,
  on_call_member_id uuid,
  clinical_lead_member_id uuid,
  safeguarding_member_id uuid,
  version bigint NOT NULL,
  sealed bytes NOT NULL,
  created_at instant NOT NULL
) {narrow};

CREATE TABLE account (
  id uuid PRIMARY KEY,
  clinic_id uuid NOT NULL REFERENCES clinic (id),
  kind smallint NOT NULL,
  email_index bytes NOT NULL,
  password_hash text NOT NULL,
  demo boolean NOT NULL,
  failures integer NOT NULL,
  failed_at instant,
  totp_confirmed_at instant,
  totp_last_step bigint NOT NULL,
  version bigint NOT NULL,
  sealed bytes NOT NULL,
  created_at instant NOT NULL,
  disabled_at instant
) {narrow};
CREATE UNIQUE INDEX account_email ON account (email_index);

CREATE TABLE member (
  id uuid PRIMARY KEY,
  clinic_id uuid NOT NULL REFERENCES clinic (id),
  roles smallint NOT NULL,
  version bigint NOT NULL,
  sealed bytes NOT NULL,
  created_at instant NOT NULL,
  ended_at instant
) {narrow};
CREATE INDEX member_clinic ON member (clinic_id);

CREATE TABLE patient (
  id uuid PRIMARY KEY,
  clinic_id uuid NOT NULL REFERENCES clinic (id),
  seq bigint NOT NULL,
  state smallint NOT NULL,
  time_zone text NOT NULL,
  locale text NOT NULL,
  country text NOT NULL,
  language text,
  quiet_start smallint NOT NULL,
  quiet_end smallint NOT NULL,
  version bigint NOT NULL,
  sealed bytes NOT NULL,
  created_at instant NOT NULL,
  updated_at instant NOT NULL
) {narrow};
CREATE INDEX patient_clinic ON patient (clinic_id, id);

CREATE TABLE care_relation (
  patient_id uuid NOT NULL REFERENCES patient (id),
  id uuid NOT NULL,
  member_id uuid NOT NULL REFERENCES member (id),
  is_primary boolean NOT NULL,
  from_on date NOT NULL,
  until_on date,
  version bigint NOT NULL,
  created_at instant NOT NULL,
  PRIMARY KEY (patient_id, id)
) {narrow};
CREATE INDEX care_relation_member ON care_relation (member_id, patient_id);

CREATE TABLE invitation (
  id uuid PRIMARY KEY,
  clinic_id uuid NOT NULL REFERENCES clinic (id),
  kind smallint NOT NULL,
  roles smallint NOT NULL,
  patient_id uuid,
  code_hash bytes NOT NULL,
  email_index bytes NOT NULL,
  sealed bytes NOT NULL,
  created_by uuid,
  created_at instant NOT NULL,
  expires_at instant NOT NULL,
  accepted_at instant,
  mail_state smallint NOT NULL,
  mail_stage smallint NOT NULL,
  mail_attempts smallint NOT NULL,
  mail_not_before instant NOT NULL,
  mail_lease_until instant,
  mail_fence bigint NOT NULL,
  mail_answer smallint
) {narrow};
CREATE UNIQUE INDEX invitation_code ON invitation (code_hash);
CREATE INDEX invitation_address ON invitation (clinic_id, email_index);
CREATE INDEX invitation_mail ON invitation (mail_state, mail_not_before);

CREATE TABLE token (
  hash bytes PRIMARY KEY,
  family_id uuid NOT NULL,
  account_id uuid NOT NULL REFERENCES account (id),
  kind smallint NOT NULL,
  parent bytes,
  created_at instant NOT NULL,
  expires_at instant NOT NULL,
  ends_at instant NOT NULL,
  signed_in_at instant NOT NULL,
  first_used_at instant,
  spent_at instant
) {narrow};
CREATE INDEX token_family ON token (family_id);
CREATE INDEX token_account ON token (account_id);
CREATE INDEX token_over ON token (expires_at);

CREATE TABLE cookie (
  hash bytes PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES account (id),
  created_at instant NOT NULL,
  seen_at instant NOT NULL,
  ends_at instant NOT NULL
) {narrow};
CREATE INDEX cookie_account ON cookie (account_id);
CREATE INDEX cookie_over ON cookie (seen_at);

CREATE TABLE record (
  patient_id uuid NOT NULL REFERENCES patient (id),
  id uuid NOT NULL,
  kind smallint NOT NULL,
  version bigint NOT NULL,
  seq bigint NOT NULL,
  occurred_at instant NOT NULL,
  time_zone text NOT NULL,
  day date NOT NULL,
  created_at instant NOT NULL,
  updated_at instant NOT NULL,
  created_by uuid NOT NULL,
  written_by uuid NOT NULL,
  deleted boolean NOT NULL,
  visibility smallint NOT NULL,
  facts text NOT NULL,
  sealed bytes,
  PRIMARY KEY (patient_id, id)
) {narrow};
CREATE UNIQUE INDEX record_seq ON record (patient_id, seq);
CREATE INDEX record_time ON record (patient_id, occurred_at, id) WHERE NOT deleted;
CREATE INDEX record_kind ON record (patient_id, kind, occurred_at, id) WHERE NOT deleted;

CREATE TABLE record_version (
  patient_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  seq bigint NOT NULL,
  occurred_at instant NOT NULL,
  time_zone text NOT NULL,
  day date NOT NULL,
  visibility smallint NOT NULL,
  updated_at instant NOT NULL,
  written_by uuid NOT NULL,
  replaced_at instant NOT NULL,
  facts text NOT NULL,
  sealed bytes,
  PRIMARY KEY (patient_id, id, version)
) {narrow};

CREATE TABLE measurement (
  patient_id uuid NOT NULL,
  series smallint NOT NULL,
  occurred_at instant NOT NULL,
  record_id uuid NOT NULL,
  day date NOT NULL,
  status smallint NOT NULL,
  value double precision,
  answers bytes,
  anxiety double precision,
  energy double precision,
  hope double precision,
  irritability double precision,
  sleep double precision,
  PRIMARY KEY (patient_id, series, occurred_at, record_id)
) {narrow};

CREATE TABLE standing (
  patient_id uuid NOT NULL,
  instrument smallint NOT NULL,
  baseline double precision,
  baseline_at instant,
  late_baseline boolean NOT NULL,
  best double precision,
  best_at instant,
  latest double precision,
  latest_at instant,
  status smallint,
  PRIMARY KEY (patient_id, instrument)
) {narrow};

CREATE TABLE course (
  patient_id uuid PRIMARY KEY,
  moods text NOT NULL,
  last_mood smallint,
  last_mood_at instant,
  last_check_in_at instant,
  dosing text NOT NULL,
  has_begun boolean NOT NULL,
  item_9 smallint,
  item_9_at instant
) {narrow};

CREATE TABLE flag (
  patient_id uuid NOT NULL,
  id uuid NOT NULL,
  rule text NOT NULL,
  rule_version smallint NOT NULL,
  instrument smallint,
  severity smallint NOT NULL,
  state smallint NOT NULL,
  opened_at instant NOT NULL,
  waits_since instant NOT NULL,
  newest_at instant NOT NULL,
  acknowledge_by instant,
  acknowledged_at instant,
  acknowledged_by uuid,
  resolved_at instant,
  resolved_by uuid,
  outcome smallint,
  version bigint NOT NULL,
  sealed bytes,
  PRIMARY KEY (patient_id, id)
) {narrow};
CREATE INDEX flag_state ON flag (patient_id, state, severity);

CREATE TABLE flag_evidence (
  patient_id uuid NOT NULL,
  flag_id uuid NOT NULL,
  record_id uuid NOT NULL,
  version bigint NOT NULL,
  kind smallint NOT NULL,
  occurred_at instant NOT NULL,
  evaluated_at instant NOT NULL,
  severity smallint NOT NULL,
  counts boolean NOT NULL,
  facts text NOT NULL,
  PRIMARY KEY (patient_id, flag_id, record_id, version)
) {narrow};

CREATE TABLE reminder (
  patient_id uuid NOT NULL,
  id uuid NOT NULL,
  kind smallint NOT NULL,
  source smallint NOT NULL,
  active boolean NOT NULL,
  schedule text NOT NULL,
  planned_to date,
  version bigint NOT NULL,
  deleted boolean NOT NULL,
  created_at instant NOT NULL,
  updated_at instant NOT NULL,
  created_by uuid NOT NULL,
  sealed bytes,
  PRIMARY KEY (patient_id, id)
) {narrow};

CREATE TABLE notification (
  patient_id uuid NOT NULL,
  id uuid NOT NULL,
  kind smallint NOT NULL,
  reminder_id uuid,
  local_date date,
  slot text,
  flag_id uuid,
  recipient_id uuid,
  step smallint,
  told_with uuid,
  time_zone text NOT NULL,
  due_at instant NOT NULL,
  state smallint NOT NULL,
  computed_at instant NOT NULL,
  read_at instant,
  PRIMARY KEY (patient_id, id)
) {narrow};
CREATE UNIQUE INDEX notification_slot ON notification (patient_id, reminder_id, local_date, slot);
CREATE UNIQUE INDEX notification_step ON notification (patient_id, flag_id, recipient_id, step);
CREATE INDEX notification_due ON notification (state, due_at);

CREATE TABLE delivery (
  patient_id uuid NOT NULL,
  id uuid NOT NULL,
  notification_id uuid NOT NULL,
  channel smallint NOT NULL,
  state smallint NOT NULL,
  stage smallint NOT NULL,
  attempts smallint NOT NULL,
  not_before instant NOT NULL,
  lease_until instant,
  fence bigint NOT NULL,
  last_attempt_at instant,
  answer smallint,
  PRIMARY KEY (patient_id, id)
) {narrow};
CREATE UNIQUE INDEX delivery_channel ON delivery (patient_id, notification_id, channel);
CREATE INDEX delivery_due ON delivery (state, not_before);

CREATE TABLE idempotency (
  owner_id uuid NOT NULL,
  account_id uuid NOT NULL,
  key text NOT NULL,
  fingerprint bytes NOT NULL,
  status smallint NOT NULL,
  record_id uuid NOT NULL,
  version bigint NOT NULL,
  created_at instant NOT NULL,
  PRIMARY KEY (owner_id, account_id, key)
) {narrow};
CREATE INDEX idempotency_over ON idempotency (created_at);

CREATE TABLE audit (
  id {serial},
  at instant NOT NULL,
  clinic_id uuid NOT NULL,
  account_id uuid,
  operation text NOT NULL,
  patient_id uuid,
  record_id uuid,
  version bigint,
  request_id uuid
);
";

/// How many rows of a table there are, and how many of them share the first columns of an index: a patient has many messages,
/// few of them about one flag; many flags, few of them unresolved.
const PLANS: &[(&str, &str, &str)] = &[
    ("flag", "flag", "20000 50 1"),
    ("flag", "flag_state", "20000 50 2 1"),
    ("notification", "notification", "1000000 1000 1"),
    ("notification", "notification_slot", "1000000 1000 100 1 1"),
    ("notification", "notification_step", "1000000 1000 3 1 1"),
    ("notification", "notification_due", "1000000 200000 5"),
];

const DOWN: &str = "
DROP TABLE audit;
DROP TABLE idempotency;
DROP TABLE delivery;
DROP TABLE notification;
DROP TABLE reminder;
DROP TABLE flag_evidence;
DROP TABLE flag;
DROP TABLE course;
DROP TABLE standing;
DROP TABLE measurement;
DROP TABLE record_version;
DROP TABLE record;
DROP TABLE cookie;
DROP TABLE token;
DROP TABLE invitation;
DROP TABLE care_relation;
DROP TABLE patient;
DROP TABLE member;
DROP TABLE account;
DROP TABLE clinic;
";
