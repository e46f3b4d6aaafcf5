//! One file that survives: SQLite, opened so that what is committed is on the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::text::shown;

/// How long one process waits for another to finish with the file.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// SQLite's words may repeat what stands in the file.
    #[error("{}", shown(&.0.to_string()))]
    Sqlite(#[from] rusqlite::Error),
    #[error("the file cannot be made or read: {0}")]
    File(#[from] io::Error),
    #[error("not a file")]
    NotAFile,
    #[error("the file is empty: somebody emptied it, and what was in it is lost")]
    Empty,
    #[error("the file is of another program or version, or was changed by one")]
    Other,
    #[error("other people may read or write the file: chmod 600 first")]
    NotPrivate,
    #[error("the file cannot be written")]
    ReadOnly,
    #[error("the file's journal is kept another way")]
    Journal,
    #[error("there is a journal, but not the file that it belongs to")]
    LoneJournal,
    #[error("SQLite has opened another file")]
    Elsewhere,
    #[error("the file is damaged: {0}")]
    Damaged(String),
    #[error("another order of this payer has the same identifier")]
    Taken,
    #[error("{name}: {error}")]
    In { name: String, error: Box<Self> },
}

/// What a file of one kind is told from others by, and what it has in it.
pub(crate) struct Layout {
    /// SQLite's application id.
    pub(crate) application: i32,
    pub(crate) version: i32,
    /// The tables.
    pub(crate) schema: &'static str,
}

/// An open file, and what it is called in messages.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) connection: Connection,
    name: String,
}

impl Database {
    /// Opens the file to write in it, and makes it if it does not exist.
    pub(crate) fn open(path: &Path, layout: &Layout) -> Result<Self, DatabaseError> {
        Self::at(path, |path| {
            if is_missing(path)? {
                make(path, layout)?;
            }
            to_write(path, layout)
        })
    }

    /// Opens a file that exists to write in it, and refuses any that has not this layout.
    ///
    /// The rollback journal leaves nothing beside the file that could be forgotten when it is copied, and EXTRA also
    /// forces to disk that the journal is gone, which is what commits.
    pub(crate) fn open_existing(path: &Path, layout: &Layout) -> Result<Self, DatabaseError> {
        Self::at(path, |path| to_write(path, layout))
    }

    /// Opens the file to look into it: nothing is made, and the disk may be one that cannot be written.
    pub(crate) fn open_to_read(path: &Path, layout: &Layout) -> Result<Self, DatabaseError> {
        Self::at(path, |path| {
            // Not as read-only: after a crash there is a journal, and whoever can has to roll it back.
            let connection = connect(path)?;
            connection.pragma_update(None, "query_only", true)?;
            set_up(&connection)?;
            check_layout(&connection, layout)?;
            check_journal(&connection)?;
            Ok(connection)
        })
    }

    /// An absolute path is all that SQLite gets: it takes `:memory:` and `file:…?mode=memory` for memory, in which
    /// nothing survives.
    fn at(
        path: &Path,
        open: impl FnOnce(&Path) -> Result<Connection, DatabaseError>,
    ) -> Result<Self, DatabaseError> {
        let name = shown(&path.display().to_string());
        let opened = std::path::absolute(path).map_err(DatabaseError::from).and_then(|path| open(&path));
        match opened {
            Ok(connection) => Ok(Self { connection, name }),
            Err(error) => Err(DatabaseError::In { name, error: Box::new(error) }),
        }
    }

    /// The error with the name of the file.
    pub(crate) fn named(&self, error: impl Into<DatabaseError>) -> DatabaseError {
        match error.into() {
            named @ DatabaseError::In { .. } => named,
            error => DatabaseError::In { name: self.name.clone(), error: Box::new(error) },
        }
    }
}

/// A transaction that nobody else writes during: what it reads stays so until it commits.
pub(crate) fn write(connection: &mut Connection) -> Result<Transaction<'_>, DatabaseError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

fn is_missing(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// The file says who paid what.
#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), DatabaseError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(DatabaseError::NotPrivate) }
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), DatabaseError> {
    Ok(())
}

/// Opens a file that exists. It is not opened beside SQLite: closing a second descriptor would take away the locks
/// that this process holds by the first.
fn connect(path: &Path) -> Result<Connection, DatabaseError> {
    if !fs::metadata(path)?.is_file() {
        return Err(DatabaseError::NotAFile);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let opened = connection.path().map(Path::new).ok_or(DatabaseError::Elsewhere)?;
    if fs::canonicalize(opened).ok() != Some(fs::canonicalize(path)?) {
        return Err(DatabaseError::Elsewhere);
    }
    Ok(connection)
}

fn to_write(path: &Path, layout: &Layout) -> Result<Connection, DatabaseError> {
    check_private(path)?;
    let connection = connect(path)?;
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        return Err(DatabaseError::ReadOnly);
    }
    set_up(&connection)?;
    check_layout(&connection, layout)?;
    let mode = |_: &rusqlite::Row<'_>| Ok(());
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", mode)?;
    check_journal(&connection)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<(), DatabaseError> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "EXTRA")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection.pragma_update(None, "trusted_schema", false)?)
}

/// The keys that keep a notice from being paid twice are the file's own: so they have to be in it, and nothing that
/// works against them, such as a trigger.
fn check_layout(connection: &Connection, layout: &Layout) -> Result<(), DatabaseError> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let objects = objects(connection)?;
    match (number("application_id")?, number("user_version")?) {
        (0, 0) if objects.is_empty() => return Err(DatabaseError::Empty),
        (application, version) if (application, version) == (layout.application, layout.version) => {}
        _ => return Err(DatabaseError::Other),
    }
    let model = Connection::open_in_memory()?;
    model.execute_batch(layout.schema)?;
    if objects == self::objects(&model)? { Ok(()) } else { Err(DatabaseError::Other) }
}

/// Everything that a file has: kind, name, table and definition.
fn objects(connection: &Connection) -> rusqlite::Result<Vec<[Option<String>; 4]>> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map((), |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    rows.collect()
}

fn check_journal(connection: &Connection) -> Result<(), DatabaseError> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode == "delete" { Ok(()) } else { Err(DatabaseError::Journal) }
}

/// Makes the file under another name, and gives it its own when it is whole: nobody ever finds it half made, and an
/// empty one is not a new one. If somebody else was quicker, theirs stands.
fn make(path: &Path, layout: &Layout) -> Result<(), DatabaseError> {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    // SQLite would roll it back into the new file.
    if PathBuf::from(journal).symlink_metadata().is_ok() {
        return Err(DatabaseError::LoneJournal);
    }
    let folder = path.parent().ok_or(DatabaseError::NotAFile)?;
    // Only its owner may read it, and SQLite gives its journal the rights that the file has.
    let draft = tempfile::Builder::new().prefix(".payment-").tempfile_in(folder)?.into_temp_path();
    let mut connection = connect(&draft)?;
    set_up(&connection)?;
    let made = write(&mut connection)?;
    made.execute_batch(layout.schema)?;
    made.pragma_update(None, "application_id", layout.application)?;
    made.pragma_update(None, "user_version", layout.version)?;
    made.commit()?;
    drop(connection);
    match draft.persist_noclobber(path) {
        Ok(()) => Ok(sync_folder(folder)?),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error.into()),
    }
}

/// The new name is on the disk as well.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
