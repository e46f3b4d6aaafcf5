//! `cie web-eid install` in a home of its own: what it writes, what it refuses, and that nothing of it stays.
#![cfg(feature = "system-tests")]
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const CIE: &str = env!("CARGO_BIN_EXE_cie");
const OWN: &str = "it.cie_card.web_eid";
const FIREFOX: &str = ".mozilla/native-messaging-hosts";
const CHROME: &str = ".config/google-chrome/NativeMessagingHosts";
const CHROMIUM: &str = ".config/chromium/NativeMessagingHosts";
const EDGE: &str = ".config/microsoft-edge/NativeMessagingHosts";
const FOLDERS: [&str; 4] = [FIREFOX, CHROME, CHROMIUM, EDGE];
const DATA: &str = ".local/share/cie";
const SCRIPT: &str = ".local/share/cie/web-eid-host";

/// A home of somebody who has some files already.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.0.path()).env("LANG", "en_US.UTF-8");
        command.env("PATH", std::env::var_os("PATH").unwrap()).current_dir(self.0.path());
        command
    }

    fn cie(&self, words: &str) -> Output {
        self.command(CIE).args(words.split(' ')).output().unwrap()
    }

    fn installed(&self, words: &str) -> Value {
        let output = self.cie(format!("--json web-eid install {words}").trim_end());
        assert!(output.status.success(), "{words}: {}", said(&output));
        assert!(output.stderr.is_empty(), "{}", said(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["web_eid"].take()
    }

    /// A refusal that leaves everything as it was; gives the message.
    fn refused(&self, words: &str, code: &str) -> String {
        let before = self.tree();
        let output = self.cie(format!("--json web-eid install {words}").trim_end());
        assert_eq!(output.status.code(), Some(2), "{words}: {}", said(&output));
        assert!(output.stdout.is_empty(), "{}", said(&output));
        let error = serde_json::from_slice::<Value>(&output.stderr).unwrap()["error"].take();
        assert_eq!(error["code"], code, "{words}: {error}");
        assert_eq!(self.tree(), before, "{words}");
        error["message"].as_str().unwrap().to_owned()
    }

    fn manifest(&self, folder: &str, name: &str) -> Value {
        let file = self.path(folder).join(format!("{name}.json"));
        let python = self.command("python3").args(["-m", "json.tool"]).arg(&file).output().unwrap();
        assert!(python.status.success(), "{}", said(&python));
        let ours: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&python.stdout).unwrap(), ours);
        ours
    }

    /// Everything below, byte for byte: the rights, and the content or where a link leads.
    fn tree(&self) -> BTreeMap<PathBuf, (u32, String)> {
        fn collect(folder: &Path, tree: &mut BTreeMap<PathBuf, (u32, String)>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let data = path.symlink_metadata().unwrap();
                let content = match data.file_type() {
                    kind if kind.is_symlink() => {
                        path.read_link().unwrap().into_os_string().into_encoded_bytes()
                    }
                    kind if kind.is_dir() => Vec::new(),
                    _ => fs::read(&path).unwrap(),
                };
                // A program is too long to be shown.
                let content = content.get(..100_000).unwrap_or(&content).escape_ascii().to_string();
                tree.insert(path.clone(), (data.mode(), content));
                if data.is_dir() {
                    collect(&path, tree);
                }
            }
        }
        let mut tree = BTreeMap::new();
        collect(self.0.path(), &mut tree);
        tree
    }
}

/// Copies a program by another process: a file that this one has open for writing, or a child of it that another test
/// is just starting, cannot be run.
fn copy_program(from: impl AsRef<Path>, to: &Path) {
    assert!(Command::new("cp").arg(from.as_ref()).arg(to).status().unwrap().success());
}

fn said(output: &Output) -> String {
    String::from_utf8([&*output.stdout, &*output.stderr].concat()).unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

/// A product that is installed for everybody would be in the way of its own name.
fn is_free(name: &str) -> bool {
    let folders = ["/etc/chromium", "/etc/opt/chrome", "/etc/opt/edge", "/usr/lib/mozilla"];
    folders
        .iter()
        .all(|folder| !Path::new(folder).join(format!("native-messaging-hosts/{name}.json")).exists())
}

#[test]
fn four_browsers_get_what_each_reads() {
    let home = Home::new();
    let told = home.installed("");
    let script = home.path(SCRIPT);
    assert_eq!((&told["name"], &told["host"]), (&json!(OWN), &json!(script)));
    let file = |folder| home.path(folder).join(format!("{OWN}.json"));
    let expected = ["firefox", "chrome", "chromium", "edge"].into_iter().zip(FOLDERS);
    let expected: Vec<_> =
        expected.map(|(browser, folder)| json!({ "browser": browser, "file": file(folder) })).collect();
    assert_eq!(told["manifests"], json!(expected));
    let id = told["extensions"]["chromium"][0].as_str().unwrap();
    assert_eq!(told["extensions"], json!({ "chromium": [id], "firefox": ["cie-card@example.it"] }));
    for folder in FOLDERS {
        let mut manifest = home.manifest(folder, OWN);
        let description = manifest.as_object_mut().unwrap().remove("description").unwrap();
        assert!(description.as_str().is_some_and(|text| !text.is_empty()));
        let mut expected = json!({ "name": OWN, "path": script, "type": "stdio" });
        match folder {
            FIREFOX => expected["allowed_extensions"] = json!(["cie-card@example.it"]),
            _ => expected["allowed_origins"] = json!([format!("chrome-extension://{id}/")]),
        }
        assert_eq!(manifest, expected, "{folder}");
        assert_eq!(mode(&file(folder)), 0o644);
        assert_eq!(mode(&home.path(folder)), 0o700);
    }
    assert_eq!(mode(&script), 0o755);
    assert!(home.command("sh").arg("-n").arg(&script).status().unwrap().success());
    let files = home.tree().into_values().filter(|(mode, _)| mode & 0o170_000 == 0o100_000).count();
    assert_eq!(files, 6, "four manifests, the script, the note of folders");
}

/// The rights do not depend on what the shell gives new files.
#[test]
fn rights_are_the_same_under_any_mask() {
    for mask in ["000", "077"] {
        let home = Home::new();
        let script = format!("umask {mask}; exec {CIE} web-eid install");
        assert!(home.command("sh").args(["-c", &script]).output().unwrap().status.success());
        assert_eq!(mode(&home.path(SCRIPT)), 0o755);
        assert_eq!(mode(&home.path(&format!("{CHROME}/{OWN}.json"))), 0o644);
        assert_eq!(mode(&home.path(CHROME)), 0o700);
        assert_eq!(mode(&home.path(DATA)), 0o700);
    }
}

#[test]
fn the_folders_for_configuration_and_data_may_be_elsewhere() {
    let home = Home::new();
    let install = |config: &str, words: &[&str]| {
        let mut command = home.command(CIE);
        command.env("XDG_CONFIG_HOME", config).env("XDG_DATA_HOME", home.path("data"));
        let output = command.args(["--json", "web-eid", "install"]).args(words).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    };
    let config = home.path("my settings");
    install(config.to_str().unwrap(), &[]);
    assert_eq!(
        home.manifest("my settings/chromium/NativeMessagingHosts", OWN)["path"],
        json!(home.path("data/cie/web-eid-host"))
    );
    assert!(home.path(FIREFOX).exists() && !home.path(".config").exists() && !home.path(".local").exists());
    install(config.to_str().unwrap(), &["--remove"]);
    assert!(home.tree().is_empty());
    // A relative one counts as none.
    install("relative", &[]);
    assert!(home.path(CHROMIUM).exists() && !home.path("relative").exists());
    install("", &["--remove"]);
    assert!(home.tree().is_empty());
}

/// The script starts this program wherever it stands, with the options that were given to `install`.
#[test]
fn the_script_starts_the_program_with_its_options() {
    let home = Home::new();
    let folder = home.path("l'altra cartella \"ü\" $HOME");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("cie");
    copy_program(CIE, &program);
    let pinentry = folder.join("pin entry");
    fs::write(&pinentry, "").unwrap();
    fs::set_permissions(&pinentry, Permissions::from_mode(0o755)).unwrap();
    let mut install = home.command(&program);
    install.args(["--reader", "soft:la mia/l'altra.json", "--sharing", "exclusive", "--lang", "it"]);
    install.args(["web-eid", "install", "--pinentry"]).arg(&pinentry);
    let output = install.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let run = |words: &[&str]| {
        let mut command = home.command("sh");
        command.arg(home.path(SCRIPT)).args(words).current_dir("/").stdin(std::process::Stdio::null());
        command.output().unwrap()
    };
    // What it says is what the program says.
    let reader = format!("--reader=soft:{}", home.path("la mia/l'altra.json").display());
    let pinentry = format!("--pinentry={}", pinentry.display());
    let words = [&*reader, "--sharing=exclusive", "--lang=it", "web-eid", "host", &pinentry, "--help"];
    let direct = home.command(&program).args(words).output().unwrap();
    let through = run(&["--help"]);
    assert_eq!((through.status, said(&through)), (direct.status, said(&direct)));
    // Another program in its place sees every word as it was given.
    let shows = "#!/bin/sh\nfor word in \"$0\" \"$@\"; do printf '%s\\n' \"$word\"; done\n";
    fs::remove_file(&program).unwrap();
    home.put("shows", shows);
    copy_program(home.path("shows"), &program);
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let output = run(&["chrome-extension://abc/", "a b"]);
    let expected = [&*program.to_string_lossy()]
        .into_iter()
        .chain(words[..6].iter().copied())
        .chain(["chrome-extension://abc/", "a b"])
        .map(|word| format!("{word}\n"))
        .collect::<String>();
    assert_eq!(said(&output), expected);
    // And it is a program by itself, as browsers start it.
    assert_eq!(said(&home.command(home.path(SCRIPT)).output().unwrap()).lines().count(), 7);
}

#[test]
fn whatever_is_another_products_is_refused_and_left() {
    let foreign = json!({ "name": OWN, "path": "/opt/other/host", "type": "stdio" }).to_string();
    let huge = format!("{{\"path\":\"/\"}}{}", " ".repeat(100_000));
    for folder in FOLDERS {
        let file = format!("{folder}/{OWN}.json");
        for (text, reason) in
            [(&*foreign, "/opt/other/host"), ("garbage", "manifest"), ("", "manifest"), (&huge, "too long")]
        {
            let home = Home::new();
            home.put(&file, text);
            let message = home.refused("", "host-taken");
            assert!(message.contains(&file) && message.contains(reason), "{message}");
        }
        let home = Home::new();
        fs::create_dir_all(home.path(&file)).unwrap();
        assert!(home.refused("", "host-taken").contains("no regular file"));

        // One of ours, but by a link: what it leads to may be anybody's.
        let home = Home::new();
        home.installed("");
        fs::rename(home.path(&file), home.path("moved.json")).unwrap();
        symlink(home.path("moved.json"), home.path(&file)).unwrap();
        assert!(home.refused("", "host-taken").contains("a symbolic link"));
        // A link that leads nowhere is one, too.
        fs::remove_file(home.path("moved.json")).unwrap();
        assert!(home.refused("", "host-taken").contains("a symbolic link"));
    }
    for (text, reason) in [("#!/bin/sh\nexec other\n", "not written by this command"), ("", "not written")] {
        let home = Home::new();
        home.put(SCRIPT, text);
        assert!(home.refused("", "host-taken").contains(reason));
    }
}

/// Where nothing can be written is seen before anything is, or it is taken back.
#[test]
fn all_or_nothing() {
    // A file in the place of a folder, a link that leads nowhere.
    for file in [".mozilla", FIREFOX, ".config", CHROME, CHROMIUM, EDGE, ".local/share", DATA] {
        let home = Home::new();
        home.put(file, "");
        assert!(home.refused("", "not-installed").contains(file));
        let home = Home::new();
        fs::create_dir_all(home.path(file).parent().unwrap()).unwrap();
        symlink("nowhere", home.path(file)).unwrap();
        assert!(home.refused("", "not-installed").contains(file));
    }
    // A folder that takes no file, whoever asks: it is found out when it is written to.
    for folder in [FIREFOX, CHROME, CHROMIUM, EDGE, DATA] {
        let home = Home::new();
        fs::create_dir_all(home.path(folder).parent().unwrap()).unwrap();
        symlink("/proc/self", home.path(folder)).unwrap();
        assert!(home.refused("", "not-installed").contains(folder));
        // The same when something was there to be changed.
        let home = Home::new();
        home.installed("");
        if folder != DATA {
            fs::remove_dir_all(home.path(folder)).unwrap();
            symlink("/proc/self", home.path(folder)).unwrap();
            let other = format!("--extension {}", "p".repeat(32));
            home.refused(&format!("--extension a@b {other}"), "not-installed");
        }
    }
}

/// The same as somebody who may not write there; the superuser always may.
#[test]
fn a_folder_without_the_right_to_write() {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    let program = tempfile::tempdir().unwrap();
    copy_program(CIE, &program.path().join("cie"));
    fs::set_permissions(program.path(), Permissions::from_mode(0o755)).unwrap();
    for folder in [CHROMIUM, ".config/chromium", "."] {
        let home = Home::new();
        fs::create_dir_all(home.path(folder)).unwrap();
        let superuser = home.0.path().metadata().unwrap().uid() == 0;
        if superuser {
            let owned = |path: &Path| std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            home.tree().keys().for_each(|path| owned(path));
            owned(home.0.path());
        }
        let install = |words: &[&str]| {
            let mut command = home.command(program.path().join("cie"));
            if superuser {
                command.uid(NOBODY).gid(NOBODY);
            }
            let output = command.args(["web-eid", "install"]).args(words).output().unwrap();
            (output.status.code(), said(&output))
        };
        let rights = |mode| fs::set_permissions(home.path(folder), Permissions::from_mode(mode)).unwrap();
        let refused = |words: &[&str], code: &str| {
            let before = home.tree();
            let (status, told) = install(words);
            assert_eq!(status, Some(2), "{told}");
            assert!(told.contains("Permission denied") && told.ends_with(&format!("({code})\n")), "{told}");
            assert_eq!(home.tree(), before, "{folder}");
        };
        rights(0o555);
        refused(&[], "not-installed");
        rights(0o755);
        assert_eq!(install(&[]).0, Some(0));
        if folder == CHROMIUM {
            rights(0o555);
            refused(&["--remove"], "not-removed");
            rights(0o755);
        }
        assert_eq!(install(&["--remove"]).0, Some(0));
    }
}

/// Killed before the first file, all that is there are folders and the note of them.
#[test]
fn what_a_killed_install_left_is_removed() {
    let home = Home::new();
    home.installed("");
    for file in FOLDERS.map(|folder| format!("{folder}/{OWN}.json")).into_iter().chain([SCRIPT.to_owned()]) {
        fs::remove_file(home.path(&file)).unwrap();
    }
    fs::remove_dir(home.path(EDGE)).unwrap();
    assert_eq!(home.installed("--remove")["removed"], json!([]));
    assert!(home.tree().is_empty(), "{:?}", home.tree().keys());
}

#[test]
fn again_is_the_same() {
    let home = Home::new();
    let first = home.cie("web-eid install");
    let (tree, inode) = (home.tree(), home.path(SCRIPT).metadata().unwrap().ino());
    let second = home.cie("web-eid install");
    assert_eq!((first.status.code(), said(&first)), (Some(0), said(&second)));
    assert_eq!((home.tree(), home.path(SCRIPT).metadata().unwrap().ino()), (tree.clone(), inode));
    // Other options, other rights: as if for the first time.
    home.installed("--extension a@b --lang it");
    assert!(fs::read_to_string(home.path(SCRIPT)).unwrap().contains("'--lang=it'"));
    assert_eq!(home.manifest(FIREFOX, OWN)["allowed_extensions"][1], "a@b");
    fs::set_permissions(home.path(SCRIPT), Permissions::from_mode(0o600)).unwrap();
    home.installed("");
    assert_eq!(home.tree(), tree);
}

/// Afterwards everything is as before: folder for folder, byte for byte.
#[test]
fn remove_restores() {
    let empty: &[&str] = &[];
    for (folders, files) in [
        (empty, empty),
        (&[FIREFOX, ".config/chromium", ".local/share"], &["letter.txt"]),
        (&FOLDERS, &[".config/chromium/Local State"]),
        (&[".config/google-chrome"], &[".mozilla/firefox/profiles.ini", ".local/share/cie/notes"]),
    ] {
        let home = Home::new();
        folders.iter().for_each(|folder| fs::create_dir_all(home.path(folder)).unwrap());
        files.iter().for_each(|file| home.put(file, file));
        home.put(&format!("{EDGE}/other.product.json"), "{}");
        let before = home.tree();
        for twice in [false, true] {
            home.installed("");
            assert_ne!(home.tree(), before);
            if twice {
                home.installed("--sharing shared");
            }
            let told = home.installed("--remove");
            assert_eq!(told["removed"].as_array().unwrap().len(), 5);
            assert_eq!(told["left"], json!([]));
            assert_eq!(home.tree(), before, "{folders:?} {files:?}");
        }
        assert_eq!(home.installed("--remove"), json!({ "name": OWN, "removed": [], "left": [] }));
        assert_eq!(home.tree(), before);
    }
}

/// Two names beside each other, gone in either order.
#[test]
fn two_names_do_not_disturb_each_other() {
    let (one, other) =
        ("--as a.one --extension a@b", "--as b.two --extension ponmlkjihgfedcbaponmlkjihgfedcba");
    for order in [["a.one", "b.two"], ["b.two", "a.one"]] {
        let home = Home::new();
        home.installed(other);
        let alone = home.tree();
        assert!(!home.path(FIREFOX).exists(), "no extension of Firefox was named");
        home.installed(one);
        assert!(
            !home.path(CHROME).join("a.one.json").exists() && home.path(FIREFOX).join("a.one.json").exists()
        );
        assert!(home.path(DATA).join("web-eid-host-a.one").exists());
        assert_eq!(home.manifest(CHROME, "b.two")["path"], json!(home.path(DATA).join("web-eid-host-b.two")));
        home.installed(&format!("--as {} --remove", order[0]));
        assert!(home.path(DATA).join(format!("web-eid-host-{}", order[1])).exists());
        if order[0] == "a.one" {
            assert_eq!(home.tree(), alone);
        }
        home.installed(&format!("--as {} --remove", order[1]));
        assert!(home.tree().is_empty(), "{:?}", home.tree().keys());
    }
    // A browser whose extensions are no longer named has no manifest any more.
    let home = Home::new();
    home.installed("--as a.one --extension a@b --extension ponmlkjihgfedcbaponmlkjihgfedcba");
    home.installed(one);
    assert!(!home.path(CHROME).join("a.one.json").exists() && home.path(FIREFOX).join("a.one.json").exists());
    home.installed("--as a.one --remove");
    assert!(home.tree().is_empty(), "{:?}", home.tree().keys());
}

#[test]
fn remove_leaves_what_is_another_products() {
    let home = Home::new();
    home.installed("");
    let foreign = json!({ "name": OWN, "path": "/opt/other/host" }).to_string();
    home.put(&format!("{CHROMIUM}/{OWN}.json"), &foreign);
    let output = home.cie("web-eid install --remove");
    assert_eq!(output.status.code(), Some(0));
    assert!(
        said(&output).contains("Left as it is") && said(&output).contains("/opt/other/host"),
        "{}",
        said(&output)
    );
    let left: Vec<_> = home.tree().into_keys().collect();
    let file = home.path(CHROMIUM).join(format!("{OWN}.json"));
    assert_eq!(left, file.ancestors().take(4).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>());
    assert_eq!(fs::read_to_string(&file).unwrap(), foreign);
    let told = home.installed("--remove");
    assert_eq!(told, json!({ "name": OWN, "removed": [], "left": [file] }));
    // A link is left as well, and so is a script that somebody else wrote.
    let home = Home::new();
    home.put(SCRIPT, "#!/bin/sh\n");
    fs::create_dir_all(home.path(EDGE)).unwrap();
    symlink("x", home.path(EDGE).join(format!("{OWN}.json"))).unwrap();
    let before = home.tree();
    assert_eq!(home.installed("--remove")["left"].as_array().unwrap().len(), 2);
    assert_eq!(home.tree(), before);
}

/// Whoever changes the note of folders gets no other folder removed.
#[test]
fn only_folders_of_hosts_are_removed() {
    let home = Home::new();
    home.installed("");
    fs::create_dir(home.path("empty")).unwrap();
    let note = home.path(DATA).join("web-eid-folders.json");
    for text in
        [json!([home.path("empty"), home.0.path(), "relative", "/"]).to_string(), "garbage".to_owned()]
    {
        home.put(note.to_str().unwrap(), &text);
        home.installed("--remove");
        assert!(home.path("empty").is_dir() && home.path(CHROME).is_dir());
        home.installed("");
    }
}

#[test]
fn the_published_extension_finds_its_name() {
    let name = "eu.webeid";
    if !is_free(name) {
        return;
    }
    let home = Home::new();
    let told = home.installed("--as eu.webeid --extension me@example.it");
    assert_eq!(told["host"], json!(home.path(&format!("{SCRIPT}-{name}"))));
    let origins = ["ncibgoaomkmdpilpocfeponihegamlic", "gnmckgbandlkacikdndelhfghdejfido"];
    let origins = origins.map(|id| format!("chrome-extension://{id}/"));
    for folder in [CHROME, CHROMIUM, EDGE] {
        assert_eq!(home.manifest(folder, name)["allowed_origins"], json!(origins));
    }
    let ids = ["{e68418bc-f2b0-4459-a9ea-3e72b6751b07}", "me@example.it"];
    assert_eq!(home.manifest(FIREFOX, name)["allowed_extensions"], json!(ids));
    // The product itself, installed for this account, is not replaced.
    let product = Home::new();
    let file = format!("{CHROME}/{name}.json");
    product.put(&file, &json!({ "name": name, "path": "/usr/bin/web-eid" }).to_string());
    let message = product.refused("--as eu.webeid", "host-taken");
    assert!(message.contains(&file) && message.contains("/usr/bin/web-eid"), "{message}");
    product.installed("");
    home.installed("--as eu.webeid --remove");
    assert!(home.tree().is_empty());
}

/// A newer Firefox takes `~/.mozilla` for the place of its profiles as soon as it exists.
#[test]
fn firefox_keeps_its_profiles() {
    let home = Home::new();
    home.put(".config/mozilla/firefox/profiles.ini", "");
    let before = home.tree();
    let output = home.cie("web-eid install");
    assert!(output.status.success() && !home.path(".mozilla").exists());
    let note = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(note.contains(".config/mozilla") && note.contains("/.mozilla"), "{note}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("Firefox:"));
    assert_eq!(home.installed("")["manifests"].as_array().unwrap().len(), 3);
    home.installed("--remove");
    assert_eq!(home.tree(), before);
    fs::create_dir(home.path(".mozilla")).unwrap();
    assert_eq!(home.installed("")["manifests"].as_array().unwrap().len(), 4);
}

#[test]
fn a_home_that_is_none_is_refused() {
    let home = Home::new();
    home.put("file", "");
    let paths = ["", "relative", "/nonexistent/home", "file"].map(str::to_owned);
    let absolute = home.path("file").to_str().unwrap().to_owned();
    for path in paths.into_iter().chain([absolute]) {
        for words in [&["web-eid", "install"][..], &["web-eid", "install", "--remove"]] {
            let output = home.command(CIE).env("HOME", &path).args(words).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{path}");
            assert!(said(&output).ends_with("(no-home)\n"), "{}", said(&output));
        }
    }
    let output = home.command(CIE).env_remove("HOME").args(["web-eid", "install"]).output().unwrap();
    assert!(said(&output).ends_with("(no-home)\n"), "{}", said(&output));
}

/// Paths that are no text cannot stand in a manifest.
#[test]
fn paths_are_text() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new();
    let odd = home.0.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::create_dir(&odd).unwrap();
    let program = odd.join("cie");
    copy_program(CIE, &program);
    let before = home.tree();
    for output in [
        home.command(&program).args(["web-eid", "install"]).output().unwrap(),
        home.command(CIE).env("HOME", &odd).args(["web-eid", "install"]).output().unwrap(),
        home.command(CIE).env("XDG_CONFIG_HOME", &odd).args(["web-eid", "install"]).output().unwrap(),
    ] {
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).ends_with("(no-text-path)\n"), "{}", said(&output));
    }
    assert_eq!(home.tree(), before);
}

#[test]
fn wrong_words_are_refused() {
    let home = Home::new();
    for words in [
        "--as Upper",
        "--as ../../x",
        "--as .x",
        "--extension abc",
        "--extension *",
        "--remove --extension a@b",
        "--remove --pinentry sh",
        "--pinentry ./sh",
        "x",
    ] {
        home.refused(words, "usage");
    }
    home.refused("--as some.other", "no-extension");
    home.refused("--pinentry there-is-no-such-program", "no-pinentry");
    home.refused("--pinentry /", "no-pinentry");
    home.refused("--trace t", "no-dialogue");
    home.refused("--remove --trace t", "no-dialogue");
    home.installed("--pinentry sh");
    assert!(fs::read_to_string(home.path(SCRIPT)).unwrap().contains(" host '--pinentry=sh' \"$@\""));
}

/// Whoever can put another program in our place would be given the PIN.
#[test]
fn a_program_that_anybody_can_replace_is_told_of() {
    let home = Home::new();
    let folder = home.path("open");
    fs::create_dir(&folder).unwrap();
    copy_program(CIE, &folder.join("cie"));
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    let output = home.command(folder.join("cie")).args(["web-eid", "install"]).output().unwrap();
    let note = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && note.contains("open/cie") && note.contains("PIN"), "{note}");
}
