//! Which folders were made for hosts, so that they can go when they are empty again. They are noted beside the scripts,
//! for all hosts together: the last one to go may empty a folder that the first one needed.

use std::fs;
use std::path::{Path, PathBuf};

use super::changes::{Changes, Failed, missing};
use super::places::Places;
use super::wrapper;

/// The name of the note.
const NOTE: &str = "web-eid-folders.json";

/// The folders that this command once made and that are there.
fn noted(places: &Places) -> Vec<PathBuf> {
    let note = fs::read(places.data.join(NOTE)).unwrap_or_default();
    let folders: Vec<PathBuf> = serde_json::from_slice(&note).unwrap_or_default();
    // Whatever else the note says: no other folder can be ours.
    let ours = |folder: &Path| {
        let below = places.user.iter().map(|place| &place.folder).chain([&places.data]);
        folder.is_dir() && below.into_iter().any(|below| below.starts_with(folder))
    };
    folders.into_iter().filter(|folder| ours(folder)).collect()
}

/// Makes the folders that are needed, and notes those that were not there. The note is first: it is right also if the
/// command is killed after it.
pub(super) fn make(needed: &[&Path], places: &Places, changes: &mut Changes) -> Result<(), Failed> {
    let mut made = noted(places);
    for folder in needed.iter().copied().chain([&*places.data]) {
        for folder in missing(folder)?.into_iter().rev() {
            if !made.contains(&folder) {
                made.push(folder);
            }
        }
    }
    changes.folder(&places.data)?;
    if !made.is_empty() {
        changes.write(&places.data.join(NOTE), &note(&made), 0o644)?;
    }
    needed.iter().try_for_each(|folder| changes.folder(folder))
}

/// Removes those folders that are empty and were made by this command, after what was in them.
pub(super) fn remove(places: &Places, changes: &mut Changes) -> Result<(), Failed> {
    let mut made = noted(places);
    let path = places.data.join(NOTE);
    let others = fs::read_dir(&places.data).into_iter().flatten().flatten();
    let last =
        !others.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(wrapper::PREFIX));
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    if last {
        changes.remove(&path)?;
    }
    // Those within others first.
    made.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    // One that is not empty is now somebody else's; nothing that was registered is in it.
    made.retain(|folder| fs::remove_dir(folder).is_err());
    if !last {
        // What is noted of folders that are gone is passed over, so this may fail.
        let _ = changes.write(&path, &note(&made), 0o644);
    }
    Ok(())
}

fn note(folders: &[PathBuf]) -> Vec<u8> {
    let mut folders: Vec<_> = folders.iter().filter_map(|folder| folder.to_str()).collect();
    folders.sort_unstable();
    format!("{}\n", serde_json::json!(folders)).into_bytes()
}
