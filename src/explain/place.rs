//! What is selected on the card, as far as the commands tell.

use super::apdu::Apdu;
use super::names::{self, Application, File};
use super::objects::VALUE_MAX;
use super::text::Text;
use crate::iso7816::command::{INS_READ_BINARY, INS_READ_BINARY_ODD, INS_SELECT};

/// The longest path that is followed.
const PATH_MAX: usize = 4;
/// The identifier of the master file.
const MASTER_FILE: u16 = 0x3F00;

/// Application, directory and file that are current.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) application: Application,
    directory: Vec<u16>,
    pub(super) file: Option<&'static File>,
}

/// Where a command leads, if the card carries it out, and what that is called.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    pub(super) place: Place,
    pub(super) name: Option<Text>,
    /// Whether it is only a step on the way to something else.
    pub(super) leads_on: bool,
}

impl Place {
    /// Where a SELECT or READ BINARY leads from here.
    pub(super) fn after(&self, apdu: &Apdu<'_>) -> Option<Target> {
        match apdu.ins() {
            INS_SELECT => Some(self.select(apdu)),
            INS_READ_BINARY => {
                let [p1, p2] = apdu.p1_p2();
                let (short, offset) = match p1 & 0x80 {
                    0 => (0, u16::from_be_bytes([p1, p2])),
                    _ => (p1 & 0x1F, u16::from(p2)),
                };
                Some(self.read(short, Some(offset)))
            }
            INS_READ_BINARY_ODD => {
                let [_, short] = apdu.p1_p2();
                Some(self.read(short & 0x1F, None))
            }
            _ => None,
        }
    }

    fn read(&self, short: u8, offset: Option<u16>) -> Target {
        let mut place = self.clone();
        if short > 0 {
            place.file = names::file_of_short(self.application, short);
        }
        let named = place.file.map(File::text);
        let name = named.or_else(|| {
            let unknown = ("short identifier {}", "identificatore breve {}");
            (short > 0).then(|| Text::filled(unknown, format!("{short:02X}")))
        });
        let from =
            offset.filter(|offset| *offset > 0).map(|offset| Text::filled(("from {}", "da {}"), offset));
        let name = match (name, from) {
            (Some(name), Some(from)) => Some(name.and(from)),
            (name, from) => name.or(from),
        };
        Target { place, name, leads_on: false }
    }

    fn select(&self, apdu: &Apdu<'_>) -> Target {
        let [p1, _] = apdu.p1_p2();
        // Under secure messaging the data is not what is selected.
        let told = apdu.data.whole().filter(|_| !apdu.is_protected());
        if p1 == 0x04 {
            return told.map_or_else(Target::default, by_name);
        }
        let Some(data) = told else { return Target { place: self.outside(), ..Target::default() } };
        let path: Vec<u16> = data
            .chunks_exact(2)
            .take(PATH_MAX)
            .map(|id| id.iter().fold(0, |id, byte| id << 8 | u16::from(*byte)))
            .collect();
        match (p1, path.as_slice()) {
            (0x00, [] | [MASTER_FILE]) => self.master_file(path.is_empty()),
            (0x00, [identifier]) => self.by_identifier(*identifier),
            (0x02, [identifier]) => self.in_directory(*identifier),
            (0x08, path) => named(Application::Contact, path),
            (0x09, path) => {
                let path: Vec<u16> = self.directory.iter().chain(path).copied().take(PATH_MAX).collect();
                named(Application::Contact, &path)
            }
            _ => Target { place: self.outside(), name: Some(beginning(data)), leads_on: false },
        }
    }

    /// The same directory with a file that is not known.
    fn outside(&self) -> Self {
        Self { file: None, ..self.clone() }
    }

    fn master_file(&self, bare: bool) -> Target {
        let application = match self.application {
            Application::Contact => Application::Contact,
            _ => Application::Root,
        };
        let place = Self { application, ..Self::default() };
        // By its identifier it is the beginning of a way to a file or a PIN; bare it stands for the application.
        Target { place, name: Some(("master file", "master file").into()), leads_on: !bare }
    }

    /// A file or directory from here, or from a directory above.
    fn by_identifier(&self, identifier: u16) -> Target {
        for above in (0..=self.directory.len()).rev() {
            let directory = self.directory.iter().take(above).copied();
            let path: Vec<u16> = directory.chain([identifier]).take(PATH_MAX).collect();
            if names::is_directory(&path) {
                return named(Application::Contact, &path);
            }
            if let Some(file) = names::file_of(self.application, &path) {
                return Target { name: Some(file.text()), ..self.with(file) };
            }
        }
        self.unknown(identifier)
    }

    fn in_directory(&self, identifier: u16) -> Target {
        let here = names::file_of(self.application, &[identifier]);
        // Only a CIE 3 is known to be spoken to in this way.
        match here.or_else(|| names::file_of(Application::Cie, &[identifier])) {
            Some(file) => Target { name: Some(file.text()), ..self.with(file) },
            None => self.by_identifier(identifier),
        }
    }

    fn with(&self, file: &'static File) -> Target {
        Target { place: Self { file: Some(file), ..self.clone() }, ..Target::default() }
    }

    fn unknown(&self, identifier: u16) -> Target {
        let name = Some(Text::same(format!("EF {identifier:04X}")));
        Target { place: self.outside(), name, leads_on: false }
    }
}

/// No name is longer; what is, is cut.
fn beginning(name: &[u8]) -> Text {
    Text::same(hex::encode_upper(name.get(..VALUE_MAX).unwrap_or(name)))
}

fn by_name(name: &[u8]) -> Target {
    let (application, text) = match names::application(name) {
        Some((application, text)) => (application, text),
        None => (Application::Unknown, beginning(name)),
    };
    let place = Place { application, ..Place::default() };
    Target { place, name: Some(text), leads_on: application == Application::Contact }
}

/// A file or directory of a contact card.
fn named(application: Application, path: &[u16]) -> Target {
    let file = names::file_of(application, path);
    let directory = names::directory(path);
    let leads_on = file.is_none() && directory.is_some();
    let text = file.map(File::text).or(directory).unwrap_or_else(|| Text::same(names::path_text(path)));
    let directory = match (file, path.split_last()) {
        (Some(_), Some((_, above))) => above.to_vec(),
        _ => path.to_vec(),
    };
    Target { place: Place { application, directory, file }, name: Some(text), leads_on }
}
