//! Values as SQLite keeps them: what a statement binds, and what a row holds, by the type that its column was declared with
//! (`migration/dialect.rs`).

use chrono::NaiveDate;
use rusqlite::{
    CachedStatement, Error, Result, ToSql,
    types::{ToSqlOutput, Type, Value as Owned, ValueRef},
};
use sea_orm::{ProxyRow, Statement, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Binds a statement's values, in their order or by their numbers: `?`, or `$1` as PostgreSQL has it.
pub(super) fn bind(prepared: &mut CachedStatement<'_>, statement: &Statement) -> Result<()> {
    let values = statement.values.as_ref().map(|values| values.0.as_slice()).unwrap_or_default();
    for place in 1..=prepared.parameter_count() {
        let number = prepared.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse().ok());
        let value = values.get(number.unwrap_or(place) - 1).ok_or(Error::InvalidParameterCount(place, values.len()))?;
        prepared.raw_bind_parameter(place, Cell(value))?;
    }
    Ok(())
}

struct Cell<'a>(&'a Value);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let whole = |number: Option<i64>| Ok(ToSqlOutput::Owned(number.map_or(Owned::Null, Owned::Integer)));
        let bytes = |bytes| Ok(ToSqlOutput::Borrowed(Option::map_or(bytes, ValueRef::Null, ValueRef::Blob)));
        match self.0 {
            Value::Bool(value) => whole(value.map(i64::from)),
            Value::SmallInt(value) => whole(value.map(i64::from)),
            Value::Int(value) => whole(value.map(i64::from)),
            Value::BigInt(value) => whole(*value),
            // A LIMIT: none that fits is any smaller.
            Value::BigUnsigned(value) => whole(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX))),
            Value::Double(value) => value.to_sql(),
            Value::String(value) => value.to_sql(),
            Value::Bytes(value) => bytes(value.as_deref()),
            Value::Uuid(value) => bytes(value.as_ref().map(|id| id.as_bytes().as_slice())),
            Value::ChronoDate(value) => {
                Ok(ToSqlOutput::Owned(value.map_or(Owned::Null, |day| Owned::Text(day.to_string()))))
            }
            _ => Err(Error::ToSqlConversionFailure("a type that no column has".into())),
        }
    }
}

/// All rows of a bound statement.
pub(super) fn rows(prepared: &mut CachedStatement<'_>) -> Result<Vec<ProxyRow>> {
    let mut columns: Vec<(String, usize, Kind)> = prepared.columns().iter().enumerate().map(column).collect();
    // In the order that a row keeps them in.
    columns.sort_unstable();
    let (mut rows, mut found) = (prepared.raw_query(), Vec::new());
    while let Some(row) = rows.next()? {
        let cells = columns.iter().map(|(name, at, kind)| Ok((name.clone(), kind.value(*at, row.get_ref(*at)?)?)));
        found.push(ProxyRow::new(cells.collect::<Result<BTreeMap<_, _>>>()?));
    }
    Ok(found)
}

fn column((at, column): (usize, &rusqlite::Column<'_>)) -> (String, usize, Kind) {
    (column.name().to_owned(), at, Kind::declared(column.decl_type().unwrap_or_default()))
}

/// What a column holds. SQLite has fewer types than the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Boolean,
    SmallInt,
    Int,
    BigInt,
    Double,
    Text,
    Bytes,
    Uuid,
    Date,
    /// Of an expression: whole numbers are `i64`.
    AsStored,
    /// Of no type that a row of ours has: nothing is read from it.
    Unknown,
}

impl Kind {
    fn declared(name: &str) -> Self {
        // SQLite writes the names that it knows in capitals.
        match name {
            "boolean" => Self::Boolean,
            "smallint" => Self::SmallInt,
            "INT" => Self::Int,
            "bigint" | "INTEGER" => Self::BigInt,
            "double precision" => Self::Double,
            "TEXT" | "varchar" => Self::Text,
            "BLOB" => Self::Bytes,
            "uuid" => Self::Uuid,
            "date" => Self::Date,
            "" => Self::AsStored,
            _ => Self::Unknown,
        }
    }

    fn value(self, at: usize, cell: ValueRef<'_>) -> Result<Value> {
        let whole = |number| Error::IntegralValueOutOfRange(at, number);
        let unreadable = |kind, what: &str| Error::FromSqlConversionFailure(at, kind, what.into());
        Ok(match (self, cell) {
            // A NULL of any type is none.
            (_, ValueRef::Null) => Value::BigInt(None),
            (Self::Boolean, ValueRef::Integer(number)) => Value::Bool(Some(number != 0)),
            (Self::SmallInt, ValueRef::Integer(number)) => {
                Value::SmallInt(Some(number.try_into().map_err(|_| whole(number))?))
            }
            (Self::Int, ValueRef::Integer(number)) => Value::Int(Some(number.try_into().map_err(|_| whole(number))?)),
            (Self::BigInt | Self::AsStored, ValueRef::Integer(number)) => Value::BigInt(Some(number)),
            (Self::Double | Self::AsStored, ValueRef::Real(number)) => Value::Double(Some(number)),
            (Self::Text | Self::AsStored, ValueRef::Text(_)) => Value::String(Some(cell.as_str()?.to_owned())),
            (Self::Bytes | Self::AsStored, ValueRef::Blob(bytes)) => Value::Bytes(Some(bytes.to_vec())),
            (Self::Uuid, ValueRef::Blob(bytes)) => {
                Value::Uuid(Some(Uuid::from_slice(bytes).map_err(|_| unreadable(Type::Blob, "no UUID"))?))
            }
            (Self::Date, ValueRef::Text(_)) => {
                let day: NaiveDate = cell.as_str()?.parse().map_err(|_| unreadable(Type::Text, "no date"))?;
                Value::ChronoDate(Some(day))
            }
            (_, cell) => return Err(unreadable(cell.data_type(), "not of the column's type")),
        })
    }
}
