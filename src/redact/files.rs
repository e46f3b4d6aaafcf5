//! Which files were read, as far as the selections and reads of a trace tell: their content, where it ends, and how
//! long the card says that they are.

use zeroize::Zeroizing;

use super::dialogue::{Exchange, Step};
use crate::cns::{Fci, FileType};
use crate::explain::is_directory;
use crate::ias::{CIE_AID, File, IAS_AID, RootFile};

/// Stands for the CIE's directory in paths: no card has a file with this identifier.
pub(super) const CIE: u16 = 0xFFFF;
/// Stands for whatever was read of a file that nobody is seen to select.
pub(super) const STRAY: u16 = 0xFFFE;
/// The longest file that is put together, in bytes.
const FILE_MAX: usize = 0x8000;
/// The most that is kept of what nobody knows the place of: more than can be redacted.
const STRAY_MAX: usize = 1 << 19;
/// The most files of one trace.
const FILES_MAX: usize = 64;

/// A file that was selected or read.
#[derive(Clone, Default)]
pub(super) struct Seen {
    /// Identifiers from the root down; [`CIE`] stands for the CIE's directory.
    pub(super) path: Vec<u16>,
    /// As much as was read from the beginning on, without a gap.
    pub(super) content: Zeroizing<Vec<u8>>,
    /// How long the card says that it is.
    pub(super) told: Option<usize>,
    /// Whether its end was met, so that there is no more than the content.
    pub(super) ended: bool,
}

impl Seen {
    /// How long it is, if that is known.
    pub(super) fn size(&self) -> Option<usize> {
        self.told.or_else(|| self.ended.then_some(self.content.len()))
    }

    /// Its path as people write it.
    pub(super) fn name(&self) -> String {
        let name = |identifier: &u16| match *identifier {
            CIE => "CIE".to_owned(),
            STRAY => "that was not seen to be selected".to_owned(),
            identifier => format!("{identifier:04X}"),
        };
        format!("EF {}", self.path.iter().map(name).collect::<Vec<_>>().join("/"))
    }
}

/// Follows a dialogue from file to file.
#[derive(Default)]
pub(super) struct Tracker {
    directory: Vec<u16>,
    current: Option<Vec<u16>>,
    pub(super) files: Vec<Seen>,
}

impl Tracker {
    /// All files of a dialogue.
    pub(super) fn all(steps: &[Step]) -> Vec<Seen> {
        let mut tracker = Self::default();
        for step in steps {
            tracker.step(step);
        }
        tracker.files
    }

    /// The file or directory that is current after a step.
    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Connected | Step::Reset => (self.directory, self.current) = (Vec::new(), None),
            Step::Exchange(exchange) if exchange.selects() => self.select(exchange),
            Step::Exchange(exchange) if exchange.reads() => self.read(exchange),
            Step::Exchange(_) => {}
        }
    }

    /// What is current: the file, or else the directory.
    pub(super) fn here(&self) -> &[u16] {
        self.current.as_deref().unwrap_or(&self.directory)
    }

    fn select(&mut self, exchange: &Exchange) {
        let identifiers: Vec<u16> = exchange
            .data
            .chunks_exact(2)
            .filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)))
            .collect();
        let below = |from: &[u16]| [from, &identifiers].concat();
        let path = match exchange.p1() {
            // On a chip that does not know the name its root is selected next.
            0x04 if exchange.selects_name(&IAS_AID) => return self.enter(Vec::new()),
            0x04 if exchange.selects_name(&CIE_AID) => vec![CIE],
            0x04 => return self.enter(Vec::new()),
            0x00 if matches!(identifiers.as_slice(), [] | [0x3F00]) => return self.enter(Vec::new()),
            0x08 => below(&[]),
            _ => below(&self.directory),
        };
        if !exchange.is_success() {
            return;
        }
        if path == [CIE] {
            return self.enter(path);
        }
        let fci = Fci::parse(&exchange.answer).unwrap_or_default();
        // Some cards say nothing about what was selected.
        if fci.file_type() == Some(FileType::Directory) || is_directory(&path) {
            return self.enter(path);
        }
        if let Some((_, above)) = path.split_last() {
            self.directory = above.to_vec();
        }
        self.current = Some(path);
        if let (Some(size), Some(seen)) = (fci.size(), self.seen()) {
            seen.told = Some(size);
        }
    }

    fn enter(&mut self, directory: Vec<u16>) {
        (self.directory, self.current) = (directory, None);
    }

    fn read(&mut self, exchange: &Exchange) {
        let (offset, short) = exchange.place();
        if let Some(short) = short {
            let found = identifier_of(self.directory == [CIE], short);
            self.current = found.map(|identifier| [self.directory.as_slice(), &[identifier]].concat());
        }
        let status = exchange.status.unwrap_or_default();
        let given = matches!(status, 0x9000 | 0x6282);
        let Some(seen) = self.seen().filter(|seen| offset <= seen.content.len() && offset <= FILE_MAX) else {
            if given {
                self.stray(&exchange.answer);
            }
            return;
        };
        if given {
            let fresh = seen.content.len().saturating_sub(offset);
            let new = exchange.answer.get(fresh..).unwrap_or_default();
            seen.content = Zeroizing::new([seen.content.as_slice(), new].concat());
        }
        let corrected = exchange.wire.iter().any(|word| word >> 8 == 0x6C);
        let at_end = offset >= seen.content.len() && !seen.content.is_empty();
        let ended = status == 0x6282 || corrected || (status == 0x6B00 && at_end);
        seen.ended |= ended && offset <= seen.content.len();
    }

    /// Bytes that nobody knows the place of: they may be the holder's all the same.
    fn stray(&mut self, bytes: &[u8]) {
        let path = vec![STRAY];
        match self.files.iter_mut().find(|seen| seen.path == path) {
            Some(seen) if seen.content.len() > STRAY_MAX => {}
            // In one place, so that what grows leaves no copy behind.
            Some(seen) => seen.content.extend_from_slice(bytes),
            None => {
                let mut content = Zeroizing::new(Vec::with_capacity(2 * STRAY_MAX));
                content.extend_from_slice(bytes);
                self.files.push(Seen { path, content, ..Seen::default() });
            }
        }
    }

    /// The current file among those seen.
    fn seen(&mut self) -> Option<&mut Seen> {
        let path = self.current.clone()?;
        if !self.files.iter().any(|seen| seen.path == path) {
            if self.files.len() == FILES_MAX {
                return None;
            }
            self.files.push(Seen { path: path.clone(), ..Seen::default() });
        }
        self.files.iter_mut().find(|seen| seen.path == path)
    }
}

/// The file with this short identifier on a CIE 3.
fn identifier_of(cie: bool, short: u8) -> Option<u16> {
    let references = match cie {
        true => File::ALL.map(File::reference).to_vec(),
        false => RootFile::ALL.map(RootFile::reference).to_vec(),
    };
    references.into_iter().find(|known| known.short_identifier == short).map(|known| known.identifier)
}
