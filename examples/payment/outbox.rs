//! What a channel promised: a confirmed order is in here, on the disk, before the citizen is told so, and stays.

use std::path::Path;
use std::time::SystemTime;

use rusqlite::{OptionalExtension, Row, ToSql, params};

use crate::database::{self, Database, DatabaseError, Layout};
use crate::ledger::{Receipt, integer, seconds};
use crate::order::{self, Order};
use crate::signed::{PendingOrder, SignedOrder};
use crate::text::shown;

/// A row is never deleted, and settled at most once.
const LAYOUT: Layout = Layout {
    application: 0x4349_454F,
    version: 2,
    schema: "
        CREATE TABLE confirmed (
            order_digest BLOB PRIMARY KEY NOT NULL CHECK (length(order_digest) = 32),
            order_id TEXT NOT NULL,
            payer TEXT NOT NULL,
            is_test INTEGER NOT NULL CHECK (is_test IN (0, 1)),
            signed TEXT NOT NULL,
            confirmed_at INTEGER NOT NULL,
            receipt INTEGER,
            refused TEXT,
            UNIQUE (payer, order_id),
            CHECK (receipt IS NULL OR refused IS NULL)
        ) STRICT;
    ",
};

const COLUMNS: &str = "order_digest, order_id, is_test, signed, receipt, refused";

/// What became of a confirmed order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Settled(i64),
    /// For a reason that the citizen has to be told.
    Refused(String),
}

/// A confirmed order as the outbox has it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Fit to be shown; if the row is damaged it may be anything else.
    pub(crate) id: String,
    pub(crate) is_test: bool,
    pub(crate) state: State,
    /// Or what is wrong with this row.
    pub(crate) signed: Result<SignedOrder, DatabaseError>,
}

impl Kept {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (id, json): (String, String) = (row.get("order_id")?, row.get("signed")?);
        let state = match (row.get("receipt")?, row.get::<_, Option<String>>("refused")?) {
            (Some(receipt), _) => State::Settled(receipt),
            (None, Some(reason)) => State::Refused(shown(&reason)),
            (None, None) => State::Waiting,
        };
        let signed = check(&row.get::<_, Vec<u8>>("order_digest")?, &id, &json);
        Ok(Self { id: shown(&id), is_test: row.get("is_test")?, state, signed })
    }
}

/// A receipt is noted by digest and identifier: if the order is another one, somebody is told that it was paid.
fn check(digest: &[u8], id: &str, json: &str) -> Result<SignedOrder, DatabaseError> {
    let damaged = |reason: String| DatabaseError::Damaged(reason);
    let signed = SignedOrder::parse(json.as_bytes()).map_err(|error| damaged(error.to_string()))?;
    let order = Order::parse(signed.order_bytes()).map_err(|error| damaged(error.to_string()))?;
    if order::digest(signed.order_bytes()) == digest && order.id().to_string() == id {
        return Ok(signed);
    }
    Err(damaged("the signed order of a row is not the one that the row names".to_owned()))
}

/// An open outbox.
#[derive(Debug)]
pub(crate) struct Outbox(Database);

impl Outbox {
    /// To keep orders in it; made if it does not exist.
    pub(crate) fn open(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self(Database::open(path, &LAYOUT)?))
    }

    /// To present what waits in it. A new one would be empty: its name was mistyped.
    pub(crate) fn open_existing(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self(Database::open_existing(path, &LAYOUT)?))
    }

    /// To look into it.
    pub(crate) fn open_to_read(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self(Database::open_to_read(path, &LAYOUT)?))
    }

    /// This order, if it was confirmed here before: then nobody is asked for a PIN again.
    pub(crate) fn find(&self, order: &Order) -> Result<Option<Kept>, DatabaseError> {
        if let Some(kept) = self.kept(&order.encode())? {
            // What is damaged was promised all the same, but nobody can say what became of it.
            return match kept.signed {
                Ok(_) => Ok(Some(kept)),
                Err(error) => Err(self.0.named(error)),
            };
        }
        let sql = "SELECT 1 FROM confirmed WHERE payer = ?1 AND order_id = ?2";
        let values = params![order.payer().as_str(), order.id().to_string()];
        let taken = self.0.connection.query_row(sql, values, |_| Ok(())).optional();
        match taken.map_err(|error| self.0.named(error))? {
            Some(()) => Err(self.0.named(DatabaseError::Taken)),
            None => Ok(None),
        }
    }

    /// Keeps a confirmed order. When this returns, it is on the disk. The same order once more changes nothing.
    pub(crate) fn keep(&mut self, pending: &PendingOrder, now: SystemTime) -> Result<(), DatabaseError> {
        if self.find(pending.order())?.is_some() {
            return Ok(());
        }
        let signed = pending.signed();
        let json = signed.to_json().map_err(|error| DatabaseError::Damaged(error.to_string()))?;
        let order = pending.order();
        self.change(
            "INSERT INTO confirmed (order_digest, order_id, payer, is_test, signed, confirmed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                order::digest(signed.order_bytes()),
                order.id().to_string(),
                order.payer().as_str(),
                pending.is_test(),
                json,
                integer(seconds(now))
            ],
        )
    }

    /// The orders of which the ledger has not said yet that they are settled, the oldest first. Those as well that it
    /// refused: somebody may have had them settled since.
    pub(crate) fn unsettled(&self) -> Result<Vec<Kept>, DatabaseError> {
        self.rows("WHERE receipt IS NULL")
    }

    /// All of them, the oldest first.
    pub(crate) fn all(&self) -> Result<Vec<Kept>, DatabaseError> {
        self.rows("")
    }

    /// A confirmed order with its signature, by the bytes that were signed.
    pub(crate) fn signed(&self, order: &[u8]) -> Result<Option<SignedOrder>, DatabaseError> {
        let signed = self.kept(order)?.map(|kept| kept.signed).transpose();
        signed.map_err(|error| self.0.named(error))
    }

    /// Notes a receipt, which is worth more than a refusal.
    pub(crate) fn mark_settled(&mut self, order: &[u8], receipt: &Receipt) -> Result<(), DatabaseError> {
        let digest = order::digest(order);
        if receipt.digest != digest {
            return Err(self.0.named(DatabaseError::Damaged("the receipt is of another order".to_owned())));
        }
        self.change(
            "UPDATE confirmed SET receipt = ?3, refused = NULL
             WHERE order_digest = ?1 AND order_id = ?2 AND (receipt IS NULL OR receipt = ?3)",
            params![digest, receipt.order.to_string(), receipt.number],
        )
    }

    pub(crate) fn mark_refused(&mut self, order: &[u8], reason: &str) -> Result<(), DatabaseError> {
        self.change(
            "UPDATE confirmed SET refused = ?2 WHERE order_digest = ?1 AND receipt IS NULL",
            params![order::digest(order), reason],
        )
    }

    /// Changes one row. That there was none to change is not what the program thinks of the file.
    fn change(&mut self, sql: &str, values: &[&dyn ToSql]) -> Result<(), DatabaseError> {
        let mut changed = || {
            let transaction = database::write(&mut self.0.connection)?;
            if transaction.execute(sql, values)? != 1 {
                return Err(DatabaseError::Damaged("no such row, or it has another receipt".to_owned()));
            }
            Ok(transaction.commit()?)
        };
        changed().map_err(|error: DatabaseError| self.0.named(error))
    }

    fn kept(&self, order: &[u8]) -> Result<Option<Kept>, DatabaseError> {
        let sql = format!("SELECT {COLUMNS} FROM confirmed WHERE order_digest = ?1");
        let found = self.0.connection.query_row(&sql, params![order::digest(order)], Kept::read);
        found.optional().map_err(|error| self.0.named(error))
    }

    fn rows(&self, condition: &str) -> Result<Vec<Kept>, DatabaseError> {
        let sql = format!("SELECT {COLUMNS} FROM confirmed {condition} ORDER BY confirmed_at, order_id");
        let read = || {
            let mut statement = self.0.connection.prepare(&sql)?;
            statement.query_map((), Kept::read)?.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.0.named(error))
    }
}
