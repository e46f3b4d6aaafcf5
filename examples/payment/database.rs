//! One file that survives: SQLite, opened so that what is committed is on the disk.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

/// How long one process waits for another to finish with the file.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the file cannot be made: {0}")]
    File(#[from] std::io::Error),
    #[error("the file is of another program or version")]
    Other,
    #[error("the file is damaged: {0}")]
    Damaged(String),
}

/// What a file of one kind is told from others by, and what it has in it.
pub(crate) struct Layout {
    /// SQLite's application id.
    pub(crate) application: i32,
    pub(crate) version: i32,
    /// The tables.
    pub(crate) schema: &'static str,
}

/// Opens the file, makes it if it does not exist, and refuses any that has not this layout.
///
/// The rollback journal leaves nothing beside the file that could be forgotten when it is copied, and EXTRA also
/// forces to disk that the journal is gone, which is what commits.
pub(crate) fn open(path: &Path, layout: &Layout) -> Result<Connection, DatabaseError> {
    make_for_owner_only(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "EXTRA")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Two processes may find the file empty at once: the second waits here, and finds it made.
    let made = write(&mut connection)?;
    let number = |pragma: &str| made.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let objects: i64 = made.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    match (number("application_id")?, number("user_version")?, objects) {
        (0, 0, 0) => {
            made.execute_batch(layout.schema)?;
            made.pragma_update(None, "application_id", layout.application)?;
            made.pragma_update(None, "user_version", layout.version)?;
        }
        (application, version, _) if (application, version) == (layout.application, layout.version) => {}
        _ => return Err(DatabaseError::Other),
    }
    made.commit()?;
    Ok(connection)
}

/// A transaction that nobody else writes during: what it reads stays so until it commits.
pub(crate) fn write(connection: &mut Connection) -> Result<Transaction<'_>, DatabaseError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// The file says who paid what. SQLite gives its journal the rights that the file has.
fn make_for_owner_only(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
