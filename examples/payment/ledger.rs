//! The ledger: the one place where an order is settled, once.

use std::path::Path;
use std::time::{Duration, SystemTime};

use cie::environment::moment;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::database::{self, DatabaseError, Layout};
use crate::notice::{Creditor, NoticeNumber};
use crate::order::{self, TimeError};
use crate::signed::PayableOrder;

/// A notice is paid at most once, whatever the program does: the key of the table says so, not the program alone.
const LAYOUT: Layout = Layout {
    application: 0x4349_4550,
    version: 1,
    schema: "
        CREATE TABLE payment (
            receipt INTEGER PRIMARY KEY AUTOINCREMENT,
            order_id TEXT NOT NULL UNIQUE,
            order_digest BLOB NOT NULL UNIQUE CHECK (length(order_digest) = 32),
            payer TEXT NOT NULL,
            channel TEXT NOT NULL,
            total INTEGER NOT NULL CHECK (total > 0),
            settled_at INTEGER NOT NULL,
            is_test INTEGER NOT NULL CHECK (is_test IN (0, 1)),
            signed TEXT NOT NULL
        ) STRICT;
        CREATE TABLE notice (
            creditor TEXT NOT NULL,
            number TEXT NOT NULL,
            amount INTEGER NOT NULL CHECK (amount > 0),
            receipt INTEGER NOT NULL REFERENCES payment (receipt),
            PRIMARY KEY (creditor, number)
        ) STRICT, WITHOUT ROWID;
    ",
};

const COLUMNS: &str = "receipt, order_id, order_digest, channel, total, settled_at, is_test";

/// A payment as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) number: i64,
    pub(crate) order: String,
    pub(crate) channel: String,
    pub(crate) cents: i64,
    pub(crate) settled_at: SystemTime,
    pub(crate) is_test: bool,
    digest: Vec<u8>,
}

impl Receipt {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let seconds = u64::try_from(row.get::<_, i64>("settled_at")?).unwrap_or_default();
        Ok(Self {
            number: row.get("receipt")?,
            order: row.get("order_id")?,
            channel: row.get("channel")?,
            cents: row.get("total")?,
            settled_at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            is_test: row.get("is_test")?,
            digest: row.get("order_digest")?,
        })
    }
}

/// Why an order was not settled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The order itself was settled before: who asks again after a crash has what they want.
    #[error("this order was settled before: receipt {}", .0.number)]
    SameOrder(Box<Receipt>),
    #[error("another order with this identifier was settled before: receipt {}", .0.number)]
    OtherOrder(Box<Receipt>),
    #[error("notice {number} of {creditor} was settled before: receipt {}", .receipt.number)]
    Notice { number: NoticeNumber, creditor: Creditor, receipt: Box<Receipt> },
    #[error(transparent)]
    Time(#[from] TimeError),
    #[error("what is known of the payer's certificate is out of date")]
    Stale,
    /// Whether it was settled is not known, and asking again tells.
    #[error("the ledger: {0}")]
    Ledger(#[from] DatabaseError),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

/// An open ledger. Any number of processes may have the file open at once.
#[derive(Debug)]
pub(crate) struct Ledger(Connection);

impl Ledger {
    pub(crate) fn open(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self(database::open(path, &LAYOUT)?))
    }

    /// Settles all notices of an order, or none.
    pub(crate) fn settle(&mut self, payable: &PayableOrder, now: SystemTime) -> Result<Receipt, Refusal> {
        let pending = payable.pending();
        let (order, bytes) = (pending.order(), pending.signed().order_bytes());
        let digest = order::digest(bytes);
        let json = pending.signed().to_json().map_err(|error| DatabaseError::Damaged(error.to_string()))?;
        let transaction = database::write(&mut self.0)?;

        // What was settled is settled, also when its time is over by now.
        let find = |column: &str, value: &str| find(&transaction, column, value);
        match find("order_id", &order.id().to_string())? {
            Some(receipt) if receipt.digest == digest => return Err(Refusal::SameOrder(Box::new(receipt))),
            Some(receipt) => return Err(Refusal::OtherOrder(Box::new(receipt))),
            None => {}
        }
        order.check_time(now)?;
        if now > payable.good_until() {
            return Err(Refusal::Stale);
        }
        for notice in order.notices() {
            if let Some(receipt) = find_notice(&transaction, &notice.creditor, &notice.number)? {
                let (number, creditor) = (notice.number.clone(), notice.creditor.clone());
                return Err(Refusal::Notice { number, creditor, receipt: Box::new(receipt) });
            }
        }

        transaction.execute(
            "INSERT INTO payment (order_id, order_digest, payer, channel, total, settled_at, is_test, signed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                order.id().to_string(),
                digest,
                order.payer().as_str(),
                order.channel().word(),
                integer(order.total().get()),
                integer(seconds(now)),
                pending.is_test(),
                json,
            ],
        )?;
        let receipt = transaction.last_insert_rowid();
        for notice in order.notices() {
            transaction.execute(
                "INSERT INTO notice (creditor, number, amount, receipt) VALUES (?1, ?2, ?3, ?4)",
                params![
                    notice.creditor.as_str(),
                    notice.number.as_str(),
                    integer(notice.amount.get()),
                    receipt
                ],
            )?;
        }
        transaction.commit()?;
        Ok(Receipt {
            number: receipt,
            order: order.id().to_string(),
            channel: order.channel().word().to_owned(),
            cents: integer(order.total().get()),
            settled_at: moment::to_the_second(now),
            is_test: pending.is_test(),
            digest: digest.to_vec(),
        })
    }

    /// The receipt of an order that was settled, by the bytes that were signed.
    pub(crate) fn receipt_of(&self, order: &[u8]) -> Result<Option<Receipt>, DatabaseError> {
        let sql = format!("SELECT {COLUMNS} FROM payment WHERE order_digest = ?1");
        Ok(self.0.query_row(&sql, params![order::digest(order)], Receipt::read).optional()?)
    }

    /// All of them, in the order in which they were settled.
    pub(crate) fn receipts(&self) -> Result<Vec<Receipt>, DatabaseError> {
        let mut statement = self.0.prepare(&format!("SELECT {COLUMNS} FROM payment ORDER BY receipt"))?;
        let receipts = statement.query_map((), Receipt::read)?.collect::<Result<_, _>>();
        Ok(receipts?)
    }
}

fn find(connection: &Connection, column: &str, value: &str) -> Result<Option<Receipt>, DatabaseError> {
    let sql = format!("SELECT {COLUMNS} FROM payment WHERE {column} = ?1");
    Ok(connection.query_row(&sql, params![value], Receipt::read).optional()?)
}

fn find_notice(
    connection: &Connection,
    creditor: &Creditor,
    number: &NoticeNumber,
) -> Result<Option<Receipt>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM payment JOIN notice USING (receipt) WHERE creditor = ?1 AND number = ?2"
    );
    let found = connection.query_row(&sql, params![creditor.as_str(), number.as_str()], Receipt::read);
    Ok(found.optional()?)
}

/// Seconds of Unix time.
pub(crate) fn seconds(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Amounts and moments are far below what SQLite's integers hold.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
