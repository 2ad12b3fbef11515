//! Named moments at which a test makes the program fail or die. Without the feature `faults`, which only `cargo test`
//! turns on, nothing of it is compiled in.
//!
//! `CHAPAR_FAULTS` names a file, read at each moment, so that a fault may come and go while the program runs. It holds
//! one line: a [`Point`]'s name, what happens (`kill`, `enospc`, `eio`, `erofs`), and at which time of its passing, from 1;
//! without that, every time.

use std::io;

/// A moment between two steps that must not come apart, or before a step that the file system may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point(&'static str);

macro_rules! points {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Point {
            $($(#[$doc])* pub const $name: Self = Self($text);)*

            /// Every moment there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

points! {
    /// Before a frame is written.
    FRAME_WRITE = "frame-write";
    /// Half of a frame's bytes are written.
    FRAME_TORN = "frame-torn";
    /// A frame is written, and not yet synced.
    FRAME_SYNC = "frame-sync";
    /// A frame is durable; sled has not heard of it.
    FRAME_DURABLE = "frame-durable";
    /// sled has heard of a commit, and has not flushed it.
    COMMIT_FLUSH = "commit-flush";
    /// A commit is durable; nobody has been told.
    COMMIT_DURABLE = "commit-durable";
    /// Torn bytes at the log's end are kept beside it, and still there.
    TORN_KEPT = "torn-kept";
    /// Torn bytes are cut off.
    TORN_CUT = "torn-cut";
    /// Before what can be kept of an old sled is copied.
    REBUILD_BEGUN = "rebuild-begun";
    /// What can be kept is durable in a new sled beside the old one.
    REBUILD_KEPT = "rebuild-kept";
    /// The old sled is set aside, and none is in its place.
    REBUILD_ASIDE = "rebuild-aside";
    /// The new sled is in its place, the log not yet entered.
    REBUILD_PLACED = "rebuild-placed";
    /// The log is entered into the new sled, and what was kept is where it belongs and still kept.
    REBUILD_TAKEN = "rebuild-taken";
    /// Entries were admitted; nothing is flushed.
    ADMITTED = "admitted";
    /// Before a sink gets the records of a frame.
    SINK_DELIVER = "sink-deliver";
    /// A sink has the records of a frame, its cursor has not moved.
    SINK_DELIVERED = "sink-delivered";
    /// A folder of the directory output is made, its name is not durable.
    DIRECTORY_FOLDER = "directory-folder";
    /// Half of the bytes for a file of the directory output are written.
    DIRECTORY_TORN = "directory-torn";

    /// The file with the store's format is written, and not yet renamed.
    FORMAT_WRITTEN = "format-written";

    /// A backup has linked the segments, no row is read yet.
    BACKUP_LINKED = "backup-linked";
    /// A backup has read all rows; nobody waits for it any more.
    BACKUP_ROWS = "backup-rows";
    /// A backup's tables are written.
    BACKUP_TABLES = "backup-tables";
    /// A backup's segments are there.
    BACKUP_LOG = "backup-log";
    /// A backup's manifest is durable, its folder not yet renamed.
    BACKUP_MANIFEST = "backup-manifest";
    /// A backup has its name, which is not yet durable.
    BACKUP_RENAMED = "backup-renamed";

    /// A restore has marked its target; nothing is copied.
    RESTORE_BEGUN = "restore-begun";
    /// All files of a backup are copied.
    RESTORE_COPIED = "restore-copied";
    /// A restored store is whole, beside its place.
    RESTORE_READY = "restore-ready";
    /// Its tables are in their place, its log not yet.
    RESTORE_TABLES = "restore-tables";
    /// All of it is in its place, and still marked as unfinished.
    RESTORE_MOVED = "restore-moved";
    /// Putting records back: the end of the log has moved into a file of its own.
    FILL_SEALED = "fill-sealed";
    /// Putting records back: half of a frame is written, beside the log.
    FILL_TORN = "fill-torn";
    /// Putting records back: a file with them is durable beside the log.
    FILL_WRITTEN = "fill-written";
    /// Putting records back: the key tables know the articles, the file is not in its place.
    FILL_ENTERED = "fill-entered";
    /// Putting records back: they are in the log; what is known of lost ones is as before.
    FILL_PLACED = "fill-placed";

    /// Retention: sled knows where the log begins; rows and file of what is before it are there.
    RETAIN_NAMED = "retain-named";
    /// Retention: some of the rows of the records that go are gone.
    RETAIN_ROWS = "retain-rows";
    /// Retention: all of their rows are gone for good, the file is there.
    RETAIN_FLUSHED = "retain-flushed";
    /// Retention: the file is removed, its folder is not synced.
    RETAIN_REMOVED = "retain-removed";
    /// Recompressing: the new file is half written.
    RECOMPRESS_TORN = "recompress-torn";
    /// Recompressing: the new file is written and not synced.
    RECOMPRESS_SYNC = "recompress-sync";
    /// Recompressing: the new file is durable beside the old one; sled does not know.
    RECOMPRESS_WRITTEN = "recompress-written";
    /// Recompressing: sled knows that places have to be read anew; the old file is in place.
    RECOMPRESS_MARKED = "recompress-marked";
    /// Recompressing: the new file is in place, its folder is not synced.
    RECOMPRESS_RENAMED = "recompress-renamed";
    /// Recompressing: some rows have the new places.
    RECOMPRESS_ROWS = "recompress-rows";
    /// Recompressing: all rows have the new places, and are not flushed.
    RECOMPRESS_FLUSH = "recompress-flush";
    /// The bytes for a file of the directory output are written, and not yet synced.
    DIRECTORY_SYNC = "directory-sync";
    /// A file of the directory output is durable; the next folder has not got its records.
    DIRECTORY_DURABLE = "directory-durable";
    /// Before a finished file of the directory output gets its name.
    DIRECTORY_FINISH = "directory-finish";
    /// A finished file of the directory output has its name, which is not durable.
    DIRECTORY_FINISHED = "directory-finished";
    /// Records that an output did not get are kept as its dead letters; its cursor has not passed them.
    UNDELIVERED_DURABLE = "undelivered-durable";
    /// Half of a feed's new file is written, beside the old one.
    FEED_TORN = "feed-torn";
    /// A feed's new file is durable, and not yet in the old one's place.
    FEED_RENAME = "feed-rename";
    /// A feed's new file is in place; its folder is not synced.
    FEED_RENAMED = "feed-renamed";

    /// A search index is begun; nothing is in it.
    INDEX_BEGUN = "index-begun";
    /// Lines are added to the search index, and not committed.
    INDEX_ADDED = "index-added";
    /// Lines are committed to the search index; nobody has been told.
    INDEX_COMMITTED = "index-committed";

    /// After a failure of the disk: a file of sled's is written again beside its place.
    UNSYNCED_COPIED = "unsynced-copied";
    /// After a failure of the disk: all of sled's files are written again, and still marked.
    UNSYNCED_WRITTEN = "unsynced-written";
    /// Compacting: some rows are in the copy.
    COMPACT_ROWS = "compact-rows";
    /// Compacting: all rows are in the copy, which has not been read back.
    COMPACT_CHECK = "compact-check";
    /// Compacting: the copy is right, and not synced.
    COMPACT_SYNC = "compact-sync";
    /// Compacting: the copy is durable beside sled.
    COMPACT_COPIED = "compact-copied";
    /// Compacting: sled is moved aside, nothing is in its place.
    COMPACT_MOVED = "compact-moved";
    /// Compacting: the copy is in sled's place, the old one beside it.
    COMPACT_RENAMED = "compact-renamed";
}

impl Point {
    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// Passes a moment.
///
/// # Errors
/// What the test asked for.
#[cfg(not(feature = "faults"))]
#[inline]
pub fn pass(_point: Point) -> io::Result<()> {
    Ok(())
}

/// Passes a moment.
///
/// # Errors
/// What the test asked for.
#[cfg(feature = "faults")]
pub fn pass(point: Point) -> io::Result<()> {
    use std::collections::HashMap;
    use std::path::PathBuf;
    use std::sync::{LazyLock, Mutex, PoisonError};

    static FILE: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("CHAPAR_FAULTS").map(PathBuf::from));
    static PASSED: LazyLock<Mutex<HashMap<&str, u64>>> = LazyLock::new(Mutex::default);
    let Some(file) = &*FILE else { return Ok(()) };
    let times = {
        let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
        let times = passed.entry(point.0).or_default();
        *times += 1;
        *times
    };
    let Ok(line) = std::fs::read_to_string(file) else { return Ok(()) };
    let mut words = line.split_whitespace();
    if words.next() != Some(point.0) {
        return Ok(());
    }
    let action = words.next().unwrap_or_default().to_owned();
    if words.next().is_some_and(|when| when.parse() != Ok(times)) {
        return Ok(());
    }
    let errno = match action.as_str() {
        // As SIGKILL does, it ends the process on the spot: no destructor runs, nothing is flushed.
        "kill" => std::process::abort(),
        "enospc" => libc::ENOSPC,
        "erofs" => libc::EROFS,
        "eio" => libc::EIO,
        other => return Err(io::Error::other(format!("{}: there is no fault {other:?}", file.display()))),
    };
    Err(io::Error::from_raw_os_error(errno))
}
