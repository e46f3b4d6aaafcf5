//! `web-eid install`: registers this program with the browsers of an account, all of them or none.

mod changes;
mod extensions;
mod folders;
mod manifest;
mod places;
mod program;
mod remove;
mod wrapper;

use std::path::{Path, PathBuf};

use serde_json::json;

use self::changes::{Changes, Failed, missing};
use self::extensions::{Extensions, WEB_EID};
use self::manifest::Found;
use self::places::{Place, Places};
use crate::arguments::Common;
use crate::arguments::web_eid::{Install, OWN_HOST};
use crate::failure::{self, Failure, Problem};
use crate::language;
use crate::output::{self, Output};

pub(super) fn run(command: &Install, common: &Common, output: Output) -> Result<(), Failure> {
    let places = Places::here()?;
    if command.remove {
        return remove::run(command.name(), &places, output);
    }
    let plan = Plan::new(command, common, places)?;
    plan.check(output)?;
    plan.carry_out()?;
    plan.tell(output)
}

/// Where this program keeps what is its own, if it has a home.
pub(super) fn data_folder() -> Option<PathBuf> {
    Places::here().ok().map(|places| places.data)
}

/// What is to be written.
struct Plan {
    name: String,
    places: Places,
    extensions: Extensions,
    /// The script that starts the host, and its path.
    script: String,
    host: PathBuf,
    /// The program that the script starts.
    program: PathBuf,
}

impl Plan {
    fn new(command: &Install, common: &Common, places: Places) -> Result<Self, Failure> {
        let name = command.name().to_owned();
        let extensions = Extensions::new(&name, &command.extension);
        if extensions.is_empty() {
            return Err(Failure::Own(failure::NO_EXTENSION, name));
        }
        let program = program::this()?;
        let options = program::common_options(common)?;
        let pinentry = program::pinentry(command)?;
        let script = wrapper::text(text_path(&program)?, &options, &pinentry);
        let host = places.data.join(wrapper::file_name(&name));
        text_path(&host)?;
        Ok(Self { name, places, extensions, script, host, program })
    }

    fn file(&self, place: &Place) -> PathBuf {
        file_of(&place.folder, &self.name)
    }

    /// Firefox, if it must be left out.
    fn is_left_out(&self, place: &Place) -> bool {
        place.family == places::Family::Firefox && self.places.profiles_to_hide().is_some()
    }

    /// Where a manifest is to stand.
    fn wanted(&self) -> impl Iterator<Item = &Place> {
        let called =
            |place: &&Place| !self.extensions.of(place.family).is_empty() && !self.is_left_out(place);
        self.places.user.iter().filter(called)
    }

    /// Refuses everything that can be refused before anything is written.
    fn check(&self, output: Output) -> Result<(), Failure> {
        let host = text_path(&self.host)?;
        let folders = self.places.user.iter().map(|place| &place.folder).chain(&self.places.system);
        let manifests = folders.map(|folder| file_of(folder, &self.name));
        let found = manifests.map(|file| (manifest::look(&file, host), file));
        let script = (manifest::look_at_script(&self.host), self.host.clone());
        for (found, file) in found.chain([script]) {
            if let Found::Foreign(foreign) = found {
                return Err(Failure::Own(failure::HOST_TAKEN, foreign.told(&file, output.language)));
            }
        }
        for folder in self.wanted().map(|place| &place.folder).chain([&self.places.data]) {
            missing(folder).map_err(|failed| Failure::Own(failure::NOT_INSTALLED, failed.told()))?;
        }
        Ok(())
    }

    /// Writes it all: the manifests last, so that no browser finds one that starts nothing.
    fn carry_out(&self) -> Result<(), Failure> {
        let mut changes = Changes::default();
        let mut written = || -> Result<(), Failed> {
            let folders: Vec<&Path> = self.wanted().map(|place| &*place.folder).collect();
            folders::make(&folders, &self.places, &mut changes)?;
            changes.write(&self.host, self.script.as_bytes(), 0o755)?;
            let host = self.host.to_str().unwrap_or_default();
            for place in self.wanted() {
                let ids = self.extensions.of(place.family);
                let manifest = manifest::text(&self.name, host, place.family, ids);
                changes.write(&self.file(place), manifest.as_bytes(), 0o644)?;
            }
            // One from before, when extensions of that browser were named.
            let uncalled = |place: &&Place| self.extensions.of(place.family).is_empty();
            for file in self.places.user.iter().filter(uncalled).map(|place| self.file(place)) {
                if matches!(manifest::look(&file, host), Found::Ours) {
                    changes.remove(&file)?;
                }
            }
            Ok(())
        };
        written().map_err(|failed| taken_back(failure::NOT_INSTALLED, changes, &failed))
    }

    fn tell(&self, output: Output) -> Result<(), Failure> {
        let language = output.language;
        let mut text = language::WEB_EID_INSTALLED.with(language, &[&self.name, &self.host.display()]) + "\n";
        let mut manifests = Vec::new();
        for place in self.wanted() {
            let file = self.file(place);
            text += &format!("  {}: {}\n", place.browser, file.display());
            manifests.push(json!({ "browser": place.browser.to_lowercase(), "file": output::path(&file) }));
        }
        let Extensions { chromium, firefox } = &self.extensions;
        let ids: Vec<&str> = chromium.iter().chain(firefox).map(String::as_str).collect();
        text += &language::WEB_EID_EXTENSIONS.with(language, &[&ids.join(", ")]);
        let next = if self.name == WEB_EID { language::WEB_EID_STORE } else { language::WEB_EID_NEXT };
        let under = if self.name == OWN_HOST { String::new() } else { format!(" --as {}", self.name) };
        text += &format!("\n{}\n", next.with(language, &[&under]));
        if let Some((profiles, old)) = self.places.profiles_to_hide() {
            let told = language::WEB_EID_PROFILES.with(language, &[&profiles.display(), &old.display()]);
            output.note(&told);
        }
        for file in [&self.program, &self.host].into_iter().filter(|file| places::is_anybodys(file)) {
            output.note(&language::WEB_EID_ANYBODYS.with(language, &[&file.display()]));
        }
        let object = json!({ "web_eid": {
            "name": self.name,
            "host": output::path(&self.host),
            "manifests": manifests,
            "extensions": { "chromium": chromium, "firefox": firefox },
        }});
        output.result(&object, &text)
    }
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

/// A path that can stand in a manifest.
fn text_path(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| Failure::Own(failure::NO_TEXT_PATH, path.display().to_string()))
}

/// A change that failed: the others are taken back, and if one cannot be, that is told as well.
fn taken_back(problem: &'static Problem, changes: Changes, failed: &Failed) -> Failure {
    let told: Vec<String> =
        [failed.told()].into_iter().chain(changes.take_back().iter().map(Failed::told)).collect();
    Failure::Own(problem, told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cie::Language;

    /// A manifest for this account would hide one for every account.
    #[test]
    fn a_host_of_every_account_is_not_hidden() {
        let home = tempfile::tempdir().unwrap();
        let places = Places::below(home.path());
        let system = places.system[1].clone();
        let host = places.data.join("web-eid-host");
        let plan = Plan {
            name: OWN_HOST.to_owned(),
            places,
            extensions: Extensions::new(OWN_HOST, &[]),
            script: wrapper::text("/cie", &[], &[]),
            host,
            program: "/cie".into(),
        };
        let output = Output { language: Language::English, json: true };
        assert!(plan.check(output).is_ok());
        std::fs::create_dir_all(&system).unwrap();
        let file = file_of(&system, OWN_HOST);
        std::fs::write(&file, "{\"path\":\"/usr/bin/other\"}").unwrap();
        let failure = plan.check(output).unwrap_err();
        assert_eq!(failure.code(), "host-taken");
        let told = format!("{}, which starts /usr/bin/other", file.display());
        assert!(failure.to_text(Language::English).contains(&told));
        // Whoever manages the computer may have registered the script itself; then it stays.
        let ours = manifest::text(OWN_HOST, plan.host.to_str().unwrap(), places::Family::Chromium, &[]);
        std::fs::write(&file, ours).unwrap();
        assert!(plan.check(output).is_ok() && plan.carry_out().is_ok());
        remove::carry_out(OWN_HOST, &plan.places, Language::English).unwrap();
        assert!(plan.host.exists() && file.exists());
        assert!(plan.wanted().count() == 4 && plan.wanted().all(|place| !plan.file(place).exists()));
    }
}
