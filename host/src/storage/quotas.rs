//! What is used of quotas: rows and back.

use std::sync::Arc;

use rusqlite::{Connection, Row, Transaction, params};

use super::rows::{key, model_of, signed, unsigned};
use super::{KeyName, QuotaRecord};

/// Its step in [`super::schema::STEPS`]. An empty `model` is the account as a whole.
pub(super) const STEP: &str = "
    CREATE TABLE quotas (
        vendor TEXT NOT NULL,
        account TEXT NOT NULL,
        model TEXT NOT NULL,
        day INTEGER NOT NULL,
        day_tokens INTEGER NOT NULL,
        day_cost REAL NOT NULL,
        month INTEGER NOT NULL,
        month_tokens INTEGER NOT NULL,
        month_cost REAL NOT NULL,
        PRIMARY KEY (vendor, account, model)
    ) STRICT, WITHOUT ROWID;
";
const ALL: &str = "
    SELECT vendor, account, model, day, day_tokens, day_cost, month, month_tokens, month_cost
    FROM quotas ORDER BY vendor, account, model";
const PUT: &str = "
    INSERT OR REPLACE INTO quotas
    (vendor, account, model, day, day_tokens, day_cost, month, month_tokens, month_cost)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const FORGET: &str = "DELETE FROM quotas WHERE vendor = ?1 AND account = ?2 AND ?3 IN ('', model)";

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<QuotaRecord>> {
    connection.prepare_cached(ALL)?.query_map([], record)?.collect()
}

pub(super) fn put(transaction: &Transaction<'_>, record: &QuotaRecord) -> rusqlite::Result<usize> {
    transaction.prepare_cached(PUT)?.execute(params![
        record.key.vendor,
        record.key.account,
        model_of(&record.key),
        signed(record.day),
        signed(record.day_tokens),
        record.day_cost,
        signed(record.month),
        signed(record.month_tokens),
        record.month_cost,
    ])
}

pub(super) fn forget(transaction: &Transaction<'_>, key: &KeyName) -> rusqlite::Result<usize> {
    let parameters = params![key.vendor, key.account, model_of(key)];
    transaction.prepare_cached(FORGET)?.execute(parameters)
}

fn record(row: &Row<'_>) -> rusqlite::Result<QuotaRecord> {
    Ok(QuotaRecord {
        key: Arc::new(key(row)?),
        day: unsigned(row.get(3)?),
        day_tokens: unsigned(row.get(4)?),
        day_cost: row.get(5)?,
        month: unsigned(row.get(6)?),
        month_tokens: unsigned(row.get(7)?),
        month_cost: row.get(8)?,
    })
}
