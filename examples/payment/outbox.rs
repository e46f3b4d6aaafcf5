//! What a channel promised: a confirmed order is in here, on the disk, before the citizen is told so, and stays.

use std::path::Path;
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use crate::database::{self, DatabaseError, Layout};
use crate::ledger::{Receipt, integer, seconds};
use crate::order::{self, Order, OrderId};
use crate::signed::{PendingOrder, SignedOrder};

/// A row is never deleted, and settled at most once.
const LAYOUT: Layout = Layout {
    application: 0x4349_454F,
    version: 1,
    schema: "
        CREATE TABLE confirmed (
            order_id TEXT PRIMARY KEY,
            order_digest BLOB NOT NULL CHECK (length(order_digest) = 32),
            signed TEXT NOT NULL,
            confirmed_at INTEGER NOT NULL,
            receipt INTEGER,
            refused TEXT,
            CHECK (receipt IS NULL OR refused IS NULL)
        ) STRICT;
    ",
};

/// What became of a confirmed order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Settled(i64),
    /// For a reason that the citizen has to be told.
    Refused(String),
}

/// An open outbox.
#[derive(Debug)]
pub(crate) struct Outbox(Connection);

impl Outbox {
    pub(crate) fn open(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self(database::open(path, &LAYOUT)?))
    }

    /// Whether this order was confirmed here before: then nobody is asked for a PIN again.
    pub(crate) fn state_of(&self, order: &Order) -> Result<Option<State>, DatabaseError> {
        let found = self.0.query_row(
            "SELECT order_digest, receipt, refused FROM confirmed WHERE order_id = ?1",
            params![order.id().to_string()],
            |row| Ok((row.get::<_, Vec<u8>>(0)?, state(row.get(1)?, row.get(2)?))),
        );
        match found.optional()? {
            None => Ok(None),
            Some((digest, state)) if digest == order::digest(&order.encode()) => Ok(Some(state)),
            Some(_) => Err(DatabaseError::Damaged("another order has this identifier".to_owned())),
        }
    }

    /// Keeps a confirmed order. When this returns, it is on the disk. The same order once more changes nothing.
    pub(crate) fn keep(&mut self, pending: &PendingOrder, now: SystemTime) -> Result<(), DatabaseError> {
        if self.state_of(pending.order())?.is_some() {
            return Ok(());
        }
        let signed = pending.signed();
        let json = signed.to_json().map_err(|error| DatabaseError::Damaged(error.to_string()))?;
        let transaction = database::write(&mut self.0)?;
        transaction.execute(
            "INSERT INTO confirmed (order_id, order_digest, signed, confirmed_at) VALUES (?1, ?2, ?3, ?4)",
            params![
                pending.order().id().to_string(),
                order::digest(signed.order_bytes()),
                json,
                integer(seconds(now))
            ],
        )?;
        Ok(transaction.commit()?)
    }

    /// The orders of which the ledger has not said yet what became of them, the oldest first.
    pub(crate) fn waiting(&self) -> Result<Vec<(OrderId, SignedOrder)>, DatabaseError> {
        let mut statement = self.0.prepare(
            "SELECT order_id, signed FROM confirmed WHERE receipt IS NULL AND refused IS NULL
             ORDER BY confirmed_at, order_id",
        )?;
        let rows = statement.query_map((), |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut waiting = Vec::new();
        for row in rows {
            let (id, json) = row?;
            let damaged = |reason: &dyn std::fmt::Display| DatabaseError::Damaged(reason.to_string());
            let id = OrderId::parse(&id).map_err(|error| damaged(&error))?;
            waiting.push((id, SignedOrder::parse(json.as_bytes()).map_err(|error| damaged(&error))?));
        }
        Ok(waiting)
    }

    /// A confirmed order with its signature, by the bytes that were signed.
    pub(crate) fn signed(&self, order: &[u8]) -> Result<Option<SignedOrder>, DatabaseError> {
        let sql = "SELECT signed FROM confirmed WHERE order_digest = ?1";
        let found = self.0.query_row(sql, params![order::digest(order)], |row| row.get::<_, String>(0));
        let parse = |json: String| SignedOrder::parse(json.as_bytes());
        found.optional()?.map(parse).transpose().map_err(|error| DatabaseError::Damaged(error.to_string()))
    }

    pub(crate) fn mark_settled(&mut self, id: OrderId, receipt: &Receipt) -> Result<(), DatabaseError> {
        self.mark(
            "UPDATE confirmed SET receipt = ?2 WHERE order_id = ?1 AND refused IS NULL",
            id,
            receipt.number,
        )
    }

    pub(crate) fn mark_refused(&mut self, id: OrderId, reason: &str) -> Result<(), DatabaseError> {
        self.mark("UPDATE confirmed SET refused = ?2 WHERE order_id = ?1 AND receipt IS NULL", id, reason)
    }

    fn mark(&mut self, sql: &str, id: OrderId, value: impl rusqlite::ToSql) -> Result<(), DatabaseError> {
        let transaction = database::write(&mut self.0)?;
        transaction.execute(sql, params![id.to_string(), value])?;
        Ok(transaction.commit()?)
    }

    /// All of them, the oldest first.
    pub(crate) fn all(&self) -> Result<Vec<(String, State)>, DatabaseError> {
        let mut statement = self
            .0
            .prepare("SELECT order_id, receipt, refused FROM confirmed ORDER BY confirmed_at, order_id")?;
        let rows = statement.query_map((), |row| Ok((row.get(0)?, state(row.get(1)?, row.get(2)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn state(receipt: Option<i64>, refused: Option<String>) -> State {
    match (receipt, refused) {
        (Some(receipt), _) => State::Settled(receipt),
        (None, Some(reason)) => State::Refused(reason),
        (None, None) => State::Waiting,
    }
}
