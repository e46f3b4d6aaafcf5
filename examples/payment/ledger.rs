//! The ledger: the one place where an order is settled, once.

use std::path::Path;
use std::time::{Duration, SystemTime};

use cie::environment::moment;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use crate::channel::Channel;
use crate::confirm::mark;
use crate::database::{self, Database, DatabaseError, Layout};
use crate::notice::{Creditor, NoticeNumber};
use crate::order::{self, OrderError, OrderId, TimeError};
use crate::signed::PayableOrder;

/// A notice is paid at most once, whatever the program does: the key of the table says so, not the program alone. An
/// identifier is its payer's own: nobody else can use it up.
const LAYOUT: Layout = Layout {
    application: 0x4349_4550,
    version: 2,
    schema: "
        CREATE TABLE payment (
            receipt INTEGER PRIMARY KEY AUTOINCREMENT,
            order_id TEXT NOT NULL,
            order_digest BLOB NOT NULL UNIQUE CHECK (length(order_digest) = 32),
            payer TEXT NOT NULL,
            channel TEXT NOT NULL,
            total INTEGER NOT NULL CHECK (total > 0),
            settled_at INTEGER NOT NULL,
            is_test INTEGER NOT NULL CHECK (is_test IN (0, 1)),
            signed TEXT NOT NULL,
            UNIQUE (payer, order_id)
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
    pub(crate) order: OrderId,
    pub(crate) channel: Channel,
    pub(crate) cents: i64,
    pub(crate) settled_at: SystemTime,
    pub(crate) is_test: bool,
    pub(crate) digest: Vec<u8>,
}

impl Receipt {
    /// What stands in the file is shown to people, so nothing is taken for a word that is none.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let bad =
            |error: OrderError| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error));
        let seconds = u64::try_from(row.get::<_, i64>("settled_at")?).unwrap_or_default();
        Ok(Self {
            number: row.get("receipt")?,
            order: OrderId::parse(&row.get::<_, String>("order_id")?).map_err(bad)?,
            channel: Channel::parse(&row.get::<_, String>("channel")?)
                .ok_or(OrderError::Channel)
                .map_err(bad)?,
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
    #[error("ordine già regolato / this order was settled before: receipt {}{}", .0.number, mark(.0.is_test))]
    SameOrder(Box<Receipt>),
    #[error(
        "identificativo già usato dal pagatore / another order of this payer with this identifier was settled before: \
         ricevuta / receipt {}",
        .0.number
    )]
    OtherOrder(Box<Receipt>),
    #[error(
        "avviso già regolato / notice {number} of {creditor} was settled before: ricevuta / receipt {}",
        .receipt.number
    )]
    Notice { number: NoticeNumber, creditor: Creditor, receipt: Box<Receipt> },
    #[error(transparent)]
    Time(#[from] TimeError),
    #[error("stato del certificato non aggiornato / what is known of the payer's certificate is out of date")]
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
pub(crate) struct Ledger(Database);

impl Ledger {
    /// To settle in it; made if it does not exist.
    pub(crate) fn open(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self(Database::open(path, &LAYOUT)?))
    }

    /// To look into it.
    pub(crate) fn open_to_read(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self(Database::open_to_read(path, &LAYOUT)?))
    }

    /// Settles all notices of an order, or none.
    pub(crate) fn settle(&mut self, payable: &PayableOrder, now: SystemTime) -> Result<Receipt, Refusal> {
        settle(&mut self.0.connection, payable, now).map_err(|refusal| match refusal {
            Refusal::Ledger(error) => Refusal::Ledger(self.0.named(error)),
            refusal => refusal,
        })
    }

    /// The receipt of an order that was settled, by the bytes that were signed.
    pub(crate) fn receipt_of(&self, order: &[u8]) -> Result<Option<Receipt>, DatabaseError> {
        let digest = order::digest(order);
        find(&self.0.connection, "order_digest = ?1", params![digest]).map_err(|error| self.0.named(error))
    }

    /// All of them, in the order in which they were settled.
    pub(crate) fn receipts(&self) -> Result<Vec<Receipt>, DatabaseError> {
        let read = || {
            let sql = format!("SELECT {COLUMNS} FROM payment ORDER BY receipt");
            let mut statement = self.0.connection.prepare(&sql)?;
            statement.query_map((), Receipt::read)?.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.0.named(error))
    }
}

fn settle(connection: &mut Connection, payable: &PayableOrder, now: SystemTime) -> Result<Receipt, Refusal> {
    let pending = payable.pending();
    let (order, bytes) = (pending.order(), pending.signed().order_bytes());
    let digest = order::digest(bytes);
    let json = pending.signed().to_json().map_err(|error| DatabaseError::Damaged(error.to_string()))?;
    let transaction = database::write(connection)?;

    // What was settled is settled, also when its time is over by now.
    if let Some(receipt) = find(&transaction, "order_digest = ?1", params![digest])? {
        return Err(Refusal::SameOrder(Box::new(receipt)));
    }
    let (payer, id) = (order.payer().as_str(), order.id().to_string());
    if let Some(receipt) = find(&transaction, "payer = ?1 AND order_id = ?2", params![payer, id])? {
        return Err(Refusal::OtherOrder(Box::new(receipt)));
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
            id,
            digest,
            payer,
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
            params![notice.creditor.as_str(), notice.number.as_str(), integer(notice.amount.get()), receipt],
        )?;
    }
    transaction.commit()?;
    Ok(Receipt {
        number: receipt,
        order: order.id(),
        channel: order.channel(),
        cents: integer(order.total().get()),
        settled_at: moment::to_the_second(now),
        is_test: pending.is_test(),
        digest: digest.to_vec(),
    })
}

/// The one payment of which this holds.
fn find(
    connection: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
) -> Result<Option<Receipt>, DatabaseError> {
    let sql = format!("SELECT {COLUMNS} FROM payment WHERE {condition}");
    Ok(connection.query_row(&sql, values, Receipt::read).optional()?)
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
