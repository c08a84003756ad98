//! From plain data to rows and back: every statement there is.

use std::collections::HashSet;

use rusqlite::{Connection, Row, Transaction, params};

use super::queue::Batch;
use super::{KeyEvent, KeyName, KeyRecord, quotas};

/// Events that are kept of each key.
pub(super) const MOST_HISTORY: i64 = 1_000;

const KEYS: &str = "
    SELECT vendor, account, model, state, class, attempts, until, since, first_error, last_error, message, credential
    FROM keys ORDER BY vendor, account, model";
const HISTORY: &str = "
    SELECT vendor, account, model, at, \"from\", \"to\", class, message, vendor_code, until
    FROM history WHERE vendor = ?1 AND account = ?2 ORDER BY number DESC LIMIT ?3";
const PUT: &str = "
    INSERT OR REPLACE INTO keys
    (vendor, account, model, state, class, attempts, until, since, first_error, last_error, message, credential)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const ADD: &str = "
    INSERT INTO history (vendor, account, model, at, \"from\", \"to\", class, message, vendor_code, until)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const TRIM: &str = "
    DELETE FROM history WHERE vendor = ?1 AND account = ?2 AND model = ?3 AND number <= (
        SELECT number FROM history WHERE vendor = ?1 AND account = ?2 AND model = ?3
        ORDER BY number DESC LIMIT 1 OFFSET ?4)";
const FORGET_KEY: &str = "DELETE FROM keys WHERE vendor = ?1 AND account = ?2 AND ?3 IN ('', model)";
const FORGET_HISTORY: &str = "DELETE FROM history WHERE vendor = ?1 AND account = ?2 AND ?3 IN ('', model)";

pub(super) fn keys(connection: &Connection) -> rusqlite::Result<Vec<KeyRecord>> {
    connection.prepare_cached(KEYS)?.query_map([], record)?.collect()
}

pub(super) fn history(
    connection: &Connection,
    vendor: &str,
    account: &str,
    most: usize,
) -> rusqlite::Result<Vec<KeyEvent>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(HISTORY)?;
    statement
        .query_map(params![vendor, account, most], event)?
        .collect()
}

pub(super) fn write(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    for key in &batch.forgotten {
        for statement in [FORGET_KEY, FORGET_HISTORY] {
            let parameters = params![key.vendor, key.account, model_of(key)];
            transaction.prepare_cached(statement)?.execute(parameters)?;
        }
        quotas::forget(transaction, key)?;
    }
    for record in batch.records.values() {
        put(transaction, record)?;
    }
    for record in batch.quotas.values() {
        quotas::put(transaction, record)?;
    }
    for event in &batch.events {
        add(transaction, event)?;
    }
    let touched: HashSet<&KeyName> = batch.events.iter().map(|event| &event.key).collect();
    for key in touched {
        let parameters = params![key.vendor, key.account, model_of(key), MOST_HISTORY];
        transaction.prepare_cached(TRIM)?.execute(parameters)?;
    }
    Ok(())
}

fn put(transaction: &Transaction<'_>, record: &KeyRecord) -> rusqlite::Result<usize> {
    transaction.prepare_cached(PUT)?.execute(params![
        record.key.vendor,
        record.key.account,
        model_of(&record.key),
        record.state,
        record.class,
        record.attempts,
        record.until.map(signed),
        signed(record.since),
        record.first_error.map(signed),
        record.last_error.map(signed),
        record.message,
        record.credential,
    ])
}

fn add(transaction: &Transaction<'_>, event: &KeyEvent) -> rusqlite::Result<usize> {
    transaction.prepare_cached(ADD)?.execute(params![
        event.key.vendor,
        event.key.account,
        model_of(&event.key),
        signed(event.at),
        event.from,
        event.to,
        event.class,
        event.message,
        event.vendor_code,
        event.until.map(signed),
    ])
}

fn record(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    Ok(KeyRecord {
        key: key(row)?,
        state: row.get(3)?,
        class: row.get(4)?,
        attempts: row.get(5)?,
        until: row.get::<_, Option<i64>>(6)?.map(unsigned),
        since: unsigned(row.get(7)?),
        first_error: row.get::<_, Option<i64>>(8)?.map(unsigned),
        last_error: row.get::<_, Option<i64>>(9)?.map(unsigned),
        message: row.get(10)?,
        credential: row.get(11)?,
    })
}

pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<KeyEvent> {
    Ok(KeyEvent {
        key: key(row)?,
        at: unsigned(row.get(3)?),
        from: row.get(4)?,
        to: row.get(5)?,
        class: row.get(6)?,
        message: row.get(7)?,
        vendor_code: row.get(8)?,
        until: row.get::<_, Option<i64>>(9)?.map(unsigned),
    })
}

pub(super) fn key(row: &Row<'_>) -> rusqlite::Result<KeyName> {
    let model: String = row.get(2)?;
    Ok(KeyName {
        vendor: row.get(0)?,
        account: row.get(1)?,
        model: Some(model).filter(|model| !model.is_empty()),
    })
}

pub(super) fn model_of(key: &KeyName) -> &str {
    key.model.as_deref().unwrap_or_default()
}

/// SQLite's numbers are signed; no time and no count comes near the end of them.
pub(super) fn signed(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(time: i64) -> u64 {
    u64::try_from(time).unwrap_or(0)
}
