//! Where browsers look for hosts, for this account and for all of them, and where this program keeps its own part.

use std::env;
use std::path::{Path, PathBuf};

use crate::failure::{self, Failure};

/// How a browser names extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Chromium,
    Firefox,
}

/// A browser, and where it looks for this account.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) browser: &'static str,
    pub(super) family: Family,
    pub(super) folder: PathBuf,
}

/// Everywhere that matters.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) home: PathBuf,
    /// Of this account. A manifest there hides one of the same name for everybody.
    pub(super) user: Vec<Place>,
    /// Of every account: only other products write there.
    pub(super) system: Vec<PathBuf>,
    /// This program's own folder.
    pub(super) data: PathBuf,
    /// Where Firefox has its profiles if there is no `~/.mozilla`.
    profiles: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum System {
    Linux,
    MacOs,
}

const SYSTEM: System = if cfg!(target_os = "macos") { System::MacOs } else { System::Linux };

/// Below the folder of the account's configuration.
const LINUX: [(&str, &str); 3] = [
    ("Chrome", "google-chrome/NativeMessagingHosts"),
    ("Chromium", "chromium/NativeMessagingHosts"),
    ("Edge", "microsoft-edge/NativeMessagingHosts"),
];
const LINUX_EVERYBODY: &[&str] = &[
    "/etc/chromium/native-messaging-hosts",
    "/etc/opt/chrome/native-messaging-hosts",
    "/etc/opt/edge/native-messaging-hosts",
    "/usr/lib/mozilla/native-messaging-hosts",
    "/usr/lib64/mozilla/native-messaging-hosts",
    "/usr/share/mozilla/native-messaging-hosts",
];
/// Below `~/Library/Application Support`.
const MACOS: [(&str, &str); 3] = [
    ("Chrome", "Google/Chrome/NativeMessagingHosts"),
    ("Chromium", "Chromium/NativeMessagingHosts"),
    ("Edge", "Microsoft Edge/NativeMessagingHosts"),
];
const MACOS_EVERYBODY: &[&str] = &[
    "/Library/Application Support/Mozilla/NativeMessagingHosts",
    "/Library/Google/Chrome/NativeMessagingHosts",
    "/Library/Application Support/Chromium/NativeMessagingHosts",
    "/Library/Microsoft/Edge/NativeMessagingHosts",
];

impl Places {
    /// Those of whoever runs this.
    pub(super) fn here() -> Result<Self, Failure> {
        if !cfg!(unix) {
            return Err(Failure::Own(failure::NO_REGISTRY, String::new()));
        }
        let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
        if !home.is_absolute() || !home.is_dir() {
            return Err(Failure::Own(failure::NO_HOME, home.display().to_string()));
        }
        // A relative one counts as none (XDG Base Directory Specification).
        let named = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let places = Self::of(home, named("XDG_CONFIG_HOME"), named("XDG_DATA_HOME"), SYSTEM);
        // Manifests are JSON, and so is what is kept of folders.
        let folders = places.user.iter().map(|place| &place.folder).chain([&places.data]);
        for folder in folders {
            super::text_path(folder)?;
        }
        Ok(places)
    }

    fn of(home: PathBuf, config: Option<PathBuf>, data: Option<PathBuf>, system: System) -> Self {
        let place = |browser, family, folder| Place { browser, family, folder };
        let chromium = |above: &Path, folders: [(&'static str, &str); 3]| {
            folders.map(|(browser, folder)| place(browser, Family::Chromium, above.join(folder)))
        };
        let firefox = |folder| place("Firefox", Family::Firefox, folder);
        let everybody = |folders: &[&str]| folders.iter().map(PathBuf::from).collect();
        if system == System::MacOs {
            let support = home.join("Library/Application Support");
            let mut user = vec![firefox(support.join("Mozilla/NativeMessagingHosts"))];
            user.extend(chromium(&support, MACOS));
            let system = everybody(MACOS_EVERYBODY);
            return Self { home, user, system, data: support.join("cie"), profiles: None };
        }
        let config = config.unwrap_or_else(|| home.join(".config"));
        let data = data.unwrap_or_else(|| home.join(".local/share")).join("cie");
        let mut user = vec![firefox(home.join(".mozilla/native-messaging-hosts"))];
        user.extend(chromium(&config, LINUX));
        Self { home, user, system: everybody(LINUX_EVERYBODY), data, profiles: Some(config.join("mozilla")) }
    }

    /// Those of a home that is no home, for tests; whatever is for every account stands below it, too.
    #[cfg(test)]
    pub(super) fn below(home: &Path) -> Self {
        let places = Self::of(home.to_owned(), None, None, System::Linux);
        Self { system: vec![home.join("etc/one"), home.join("etc/two")], ..places }
    }

    /// A Firefox that would lose its profiles: newer ones have them in the folder for configuration, but look for hosts
    /// below `~/.mozilla` only, and take that for the place of their profiles as soon as it exists (Mozilla's bugs
    /// 259356 and 2005167).
    pub(super) fn profiles_to_hide(&self) -> Option<(&Path, PathBuf)> {
        let old = self.home.join(".mozilla");
        let profiles = self.profiles.as_deref()?;
        (profiles.join("firefox").is_dir() && old.symlink_metadata().is_err()).then_some((profiles, old))
    }
}

/// Whether whoever has an account on this computer may put something else in the place of this file.
#[cfg(unix)]
pub(super) fn is_anybodys(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.ancestors().enumerate().any(|(above, path)| {
        let mode = path.metadata().map(|data| data.permissions().mode()).unwrap_or_default();
        // In a folder such as /tmp nobody replaces what is another's.
        mode & 0o002 != 0 && (above == 0 || mode & 0o1000 == 0)
    })
}

#[cfg(not(unix))]
pub(super) fn is_anybodys(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(config: Option<&str>, data: Option<&str>, system: System) -> Vec<String> {
        let places = Places::of("/h".into(), config.map(Into::into), data.map(Into::into), system);
        let folders = places.user.iter().map(|place| &place.folder).chain([&places.data]);
        folders.map(|folder| folder.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_system_has_its_places() {
        let linux = [
            "/h/.mozilla/native-messaging-hosts",
            "/h/.config/google-chrome/NativeMessagingHosts",
            "/h/.config/chromium/NativeMessagingHosts",
            "/h/.config/microsoft-edge/NativeMessagingHosts",
            "/h/.local/share/cie",
        ];
        assert_eq!(folders(None, None, System::Linux), linux);
        let moved = folders(Some("/c"), Some("/d"), System::Linux);
        assert_eq!(moved[0], linux[0], "Firefox looks nowhere else");
        assert_eq!(moved[2], "/c/chromium/NativeMessagingHosts");
        assert_eq!(moved[4], "/d/cie");
        let macos = [
            "/h/Library/Application Support/Mozilla/NativeMessagingHosts",
            "/h/Library/Application Support/Google/Chrome/NativeMessagingHosts",
            "/h/Library/Application Support/Chromium/NativeMessagingHosts",
            "/h/Library/Application Support/Microsoft Edge/NativeMessagingHosts",
            "/h/Library/Application Support/cie",
        ];
        assert_eq!(folders(Some("/c"), Some("/d"), System::MacOs), macos);
        for system in [System::Linux, System::MacOs] {
            let places = Places::of("/h".into(), None, None, system);
            assert!(places.system.len() >= 4 && places.system.iter().all(|folder| folder.is_absolute()));
        }
    }

    #[test]
    fn profiles_are_hidden_only_where_they_are() {
        let home = tempfile::tempdir().unwrap();
        let places = Places::of(home.path().into(), None, None, System::Linux);
        assert!(places.profiles_to_hide().is_none());
        std::fs::create_dir_all(home.path().join(".config/mozilla/firefox")).unwrap();
        assert!(places.profiles_to_hide().is_some());
        std::fs::create_dir(home.path().join(".mozilla")).unwrap();
        assert!(places.profiles_to_hide().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_open_to_anybody_is_seen() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (open, file) = (folder.path().join("open"), folder.path().join("open/program"));
        std::fs::create_dir(&open).unwrap();
        std::fs::write(&file, "").unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for (folder, program, anybodys) in
            [(0o755, 0o755, false), (0o777, 0o755, true), (0o1777, 0o755, false), (0o755, 0o757, true)]
        {
            mode(&open, folder);
            mode(&file, program);
            assert_eq!(is_anybodys(&file), anybodys, "{folder:o} {program:o}");
        }
    }
}
