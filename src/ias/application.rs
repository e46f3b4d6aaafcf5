//! The selected application, in clear: what anyone with a reader can ask of the card.

use std::sync::Arc;

use super::{CardCache, Cause, Error, File, PIN_REFERENCE, PUK_REFERENCE, Refused, RootFile, Session, Step};
use super::{ClaimedNis, Terminal, link_of};
use crate::file::{self, Extent, FileReference};
use crate::iso7816::{StatusWord, command};
use crate::pin::{self, Tries};
use crate::secure_messaging::{self, Channel};
use crate::transport::Link;

/// Application identifier of IAS ECC as this card has it.
pub const IAS_AID: [u8; 13] = hex_literal::hex!("A0000000308000000009816001");
/// Name of the CIE's directory under it.
pub const CIE_AID: [u8; 6] = hex_literal::hex!("A00000000039");

/// The IAS application with the CIE directory below it, spoken to in clear.
pub struct Application {
    channel: Channel,
    in_cie: bool,
}

impl Application {
    /// Selects the application, and with it ends whatever secure channel was open on the card.
    ///
    /// # Errors
    /// [`Refused`] with the error and the link: on a card without this application, the link serves to
    /// look for another one.
    pub fn select(link: Link) -> Result<Self, Refused<Link>> {
        Self::select_in(Channel::clear(link))
    }

    fn select_in(channel: Channel) -> Result<Self, Refused<Link>> {
        let mut application = Self { channel, in_cie: false };
        match application.select_root() {
            Ok(()) => Ok(application),
            Err(error) => Err(Refused::new(application.into_link(), error)),
        }
    }

    /// By application identifier; on chips where the application is the master file itself and has no
    /// name (6A82), as master file. Any other refusal can be the travel document's secure channel still
    /// standing: SELECT of the master file ends it, whatever it is answered, and then the name is tried
    /// once more.
    fn select_root(&mut self) -> Result<(), Error> {
        let step = Step::SelectApplication;
        self.in_cie = false;
        let mut status = |command| {
            self.channel.exchange(&command).map(|response| response.status()).map_err(|e| step.failed(e))
        };
        let by_name = || command::select_application(&IAS_AID);
        let mut answer = status(by_name())?;
        if answer != StatusWord::SUCCESS {
            let root = status(command::select_master_file())?;
            answer = if answer == StatusWord::FILE_NOT_FOUND { root } else { status(by_name())? };
        }
        if answer == StatusWord::SUCCESS { Ok(()) } else { Err(step.failed(answer)) }
    }

    fn select_cie(&mut self) -> Result<(), Error> {
        if !self.in_cie {
            let select = command::select_application(&CIE_AID);
            Step::SelectCie.expect_success(&mut self.channel, &select)?;
            self.in_cie = true;
        }
        Ok(())
    }

    /// Reads a file of the CIE directory in clear, without its padding. Nothing about it is verified.
    ///
    /// # Errors
    /// [`Error`]; files that need the PIN are refused by the card.
    pub fn read(&mut self, file: File) -> Result<Vec<u8>, Error> {
        self.select_cie()?;
        file::read(&mut self.channel, file.reference(), file.extent())
            .map_err(|e| Step::ReadFile(file).failed(e))
    }

    /// Reads a file of the root directory in clear. Nothing about it is verified.
    ///
    /// # Errors
    /// [`Error`].
    pub fn read_root(&mut self, file: RootFile) -> Result<Vec<u8>, Error> {
        if self.in_cie {
            self.select_root()?;
        }
        file::read(&mut self.channel, file.reference(), file.extent())
            .map_err(|e| Step::ReadRootFile(file).failed(e))
    }

    /// Reads EF.ID_Servizi in clear, which must hold the twelve digits of a NIS.
    ///
    /// # Errors
    /// [`Error`]; [`Cause::Malformed`] if it is something else.
    pub fn read_nis(&mut self) -> Result<ClaimedNis, Error> {
        let content = self.read(File::Nis)?;
        ClaimedNis::parse(&content).map_err(|cause| Step::ReadFile(File::Nis).failed(cause))
    }

    /// Whether the card gives a file of the CIE directory in clear. One byte of it is read.
    ///
    /// # Errors
    /// Only if the exchange itself fails.
    pub fn is_readable(&mut self, file: File) -> Result<bool, Error> {
        self.select_cie()?;
        self.gives(file.reference()).map_err(|e| Step::ReadFile(file).failed(e))
    }

    /// Whether the card gives a file of the root directory in clear. One byte of it is read.
    ///
    /// # Errors
    /// Only if the exchange itself fails.
    pub fn is_readable_root(&mut self, file: RootFile) -> Result<bool, Error> {
        if self.in_cie {
            self.select_root()?;
        }
        self.gives(file.reference()).map_err(|e| Step::ReadRootFile(file).failed(e))
    }

    fn gives(&mut self, file: FileReference) -> Result<bool, secure_messaging::Error> {
        match file::read(&mut self.channel, file, Extent::Bytes(1)) {
            Ok(_) => Ok(true),
            Err(file::Error::Channel(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// How many tries the PIN has left, as the card claims in clear. Spends none.
    ///
    /// # Errors
    /// Only if the exchange itself fails.
    pub fn pin_tries(&mut self) -> Result<Tries, Error> {
        self.select_cie()?;
        pin::read_tries(&mut self.channel, PIN_REFERENCE).map_err(|e| Step::ReadPinTries.failed(e))
    }

    /// How many tries the PUK has left, as the card claims in clear. Spends none.
    ///
    /// # Errors
    /// Only if the exchange itself fails.
    pub fn puk_tries(&mut self) -> Result<Tries, Error> {
        self.select_cie()?;
        pin::read_tries(&mut self.channel, PUK_REFERENCE).map_err(|e| Step::ReadPukTries.failed(e))
    }

    /// Whether the card has another application, by its identifier. That leaves this application, which is
    /// then selected anew, whatever the answer was.
    ///
    /// # Errors
    /// If the exchange fails, or this application cannot be selected any more.
    pub fn has_application(&mut self, aid: &[u8]) -> Result<bool, Error> {
        let probe = self.channel.exchange(&command::select_application(aid));
        let found = probe.map_err(|e| Step::ProbeApplication.failed(e))?.status().is_success();
        self.select_root()?;
        Ok(found)
    }

    /// The answer to reset of the card.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        self.channel.atr()
    }

    /// Key exchange and device authentication: all or nothing.
    ///
    /// A chip that refuses the length of a long protected command in clear has ended the channel by that;
    /// then all of it is done once more with smaller commands. No command of it carries a PIN.
    ///
    /// # Errors
    /// [`Refused`] with the error and the link.
    pub fn authenticate(
        mut self,
        terminal: &Arc<Terminal>,
        cache: &mut CardCache,
    ) -> Result<Session, Refused<Link>> {
        self.channel.link().hold();
        let mut outcome = self.authenticate_held(terminal, cache);
        link_of(&mut outcome).let_go();
        outcome
    }

    fn authenticate_held(
        self,
        terminal: &Arc<Terminal>,
        cache: &mut CardCache,
    ) -> Result<Session, Refused<Link>> {
        const TOO_LONG: Cause =
            Cause::Channel(secure_messaging::Error::Unprotected(StatusWord::WRONG_LENGTH));
        match self.authenticate_once(terminal, cache) {
            Err(Refused { back, error }) if error.cause == TOO_LONG => {
                let channel = Channel::clear(*back).with_small_commands();
                Self::select_in(channel)?.authenticate_once(terminal, cache)
            }
            result => result,
        }
    }

    fn authenticate_once(
        mut self,
        terminal: &Arc<Terminal>,
        cache: &mut CardCache,
    ) -> Result<Session, Refused<Link>> {
        match self.select_cie() {
            Ok(()) => Session::authenticate(self.channel, terminal, cache),
            Err(error) => Err(Refused::new(self.into_link(), error)),
        }
    }

    /// Gives the link back.
    #[must_use]
    pub fn into_link(self) -> Link {
        self.channel.into_link()
    }
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.in_cie { "Application(CIE)" } else { "Application(root)" })
    }
}
