//! This program as a browser is to start it: its path, and the options that were given now and are to hold then.

use std::path::{self, Path, PathBuf};

use crate::arguments::web_eid::Install;
use crate::arguments::{Common, Lang, Sharing};
use crate::failure::{self, Failure};

/// The path of this program.
pub(super) fn this() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe().and_then(|path| path.canonicalize());
    path.map_err(|error| Failure::input(Path::new("cie"), &error))
}

/// Options of every command that a host has a use for.
pub(super) fn common_options(common: &Common) -> Result<Vec<String>, Failure> {
    let mut options = Vec::new();
    if let Some(reader) = &common.reader {
        options.push(format!("--reader={}", absolute(reader)?));
    }
    match common.sharing {
        Some(Sharing::Shared) => options.push("--sharing=shared".to_owned()),
        Some(Sharing::Exclusive) => options.push("--sharing=exclusive".to_owned()),
        None => {}
    }
    match common.lang {
        Some(Lang::It) => options.push("--lang=it".to_owned()),
        Some(Lang::En) => options.push("--lang=en".to_owned()),
        None => {}
    }
    Ok(options)
}

/// The program that asks for the PIN. That it is missing would be seen at the first login only.
pub(super) fn pinentry(command: &Install) -> Result<Vec<String>, Failure> {
    let Some(program) = &command.pinentry else { return Ok(Vec::new()) };
    let found = match Path::new(program).is_absolute() {
        true => is_program(Path::new(program)),
        false => {
            let folders = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)))
        }
    };
    if !found {
        return Err(Failure::Own(failure::NO_PINENTRY, program.clone()));
    }
    Ok(vec![format!("--pinentry={program}")])
}

/// A reader by a name that means the same in every folder.
fn absolute(reader: &str) -> Result<String, Failure> {
    for kind in ["soft:", "trace:"] {
        let Some(file) = reader.strip_prefix(kind) else { continue };
        let path = path::absolute(file).map_err(|error| Failure::input(Path::new(file), &error))?;
        return Ok(format!("{kind}{}", super::text_path(&path)?));
    }
    Ok(reader.to_owned())
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_readers_mean_the_same_everywhere() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute("soft:a/b.json").unwrap(), format!("soft:{}/a/b.json", here.display()));
        assert_eq!(absolute("trace:/t").unwrap(), "trace:/t");
        assert_eq!(absolute("ACS ACR1252 00 00").unwrap(), "ACS ACR1252 00 00");
        assert!(absolute("soft:").is_err());
    }
}
