//! The selected application, in clear: what anyone with a reader can ask of the card.

use std::sync::Arc;

use super::{CardCache, Cause, Error, File, PIN_REFERENCE, PUK_REFERENCE, Refused, RootFile, Session, Step};
use super::{ClaimedNis, Terminal, link_of};
use crate::dialogue::Step as _;
use crate::file::{self, Extent, FileReference};
use crate::iso7816::{StatusWord, command};
use crate::pin::{self, KnownTries, Tries, Which};
use crate::secure_messaging::{self, Channel};
use crate::transport::Link;

/// Application identifier of IAS ECC as this card has it.
pub const IAS_AID: [u8; 13] = hex_literal::hex!("A0000000308000000009816001");
/// Name of the CIE's directory under it.
pub const CIE_AID: [u8; 6] = hex_literal::hex!("A00000000039");

/// Reference of key 83, with the algorithm that signs what it is given.
const SERVICES_KEY: [u8; 6] = hex_literal::hex!("800102 840183");

/// Bytes of a challenge to it: as many as nobody guesses, and fewer than cards are known to answer (51).
const CHALLENGE_LENGTH: usize = 32;

/// What the key for services was asked, and the block that came.
pub(crate) struct Answered {
    pub(crate) challenge: [u8; CHALLENGE_LENGTH],
    pub(crate) answer: Vec<u8>,
}

/// What is selected on the card, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Current {
    Nothing,
    Root,
    Cie,
}

/// The IAS application with the CIE directory below it, spoken to in clear.
///
/// Where the card is shared, another program may select something else between two operations: each then
/// begins by selecting anew what it needs.
pub struct Application {
    channel: Channel,
    current: Current,
    /// [`Link::interruptions`] when that was selected.
    seen: u64,
    tries: KnownTries,
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
        let mut application =
            Self { channel, current: Current::Nothing, seen: 0, tries: KnownTries::default() };
        match application.operation(Self::select_root) {
            Ok(()) => Ok(application),
            Err(error) => Err(Refused::new(application.into_link(), error)),
        }
    }

    /// Several commands with nobody in between. After a lost link nothing is selected any more, as far as
    /// anyone knows.
    fn operation<T>(&mut self, operation: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.link().hold();
        let interruptions = self.link().interruptions();
        if std::mem::replace(&mut self.seen, interruptions) != interruptions {
            self.current = Current::Nothing;
        }
        let outcome = operation(self);
        if outcome.as_ref().is_err_and(Error::is_transport) {
            self.current = Current::Nothing;
        }
        self.link().let_go();
        outcome
    }

    /// By application identifier; on chips where the application is the master file itself and has no
    /// name (6A82), as master file. Any other refusal can be the travel document's secure channel still
    /// standing: SELECT of the master file ends it, whatever it is answered, and then it begins anew.
    fn select_root(&mut self) -> Result<(), Error> {
        let step = Step::SelectApplication;
        self.current = Current::Nothing;
        let mut status = |command| {
            self.channel.exchange(&command).map(|response| response.status()).map_err(|e| step.failed(e))
        };
        let mut answer = StatusWord::FILE_NOT_FOUND;
        for _ in 0..2 {
            answer = status(command::select_application(&IAS_AID))?;
            if answer == StatusWord::SUCCESS {
                break;
            }
            let root = status(command::select_master_file())?;
            if answer == StatusWord::FILE_NOT_FOUND {
                answer = root;
                break;
            }
        }
        if answer != StatusWord::SUCCESS {
            return Err(step.failed(answer));
        }
        self.current = Current::Root;
        Ok(())
    }

    fn enter_root(&mut self) -> Result<(), Error> {
        if self.current == Current::Root { Ok(()) } else { self.select_root() }
    }

    fn enter_cie(&mut self) -> Result<(), Error> {
        if self.current == Current::Cie {
            return Ok(());
        }
        self.enter_root()?;
        let select = command::select_application(&CIE_AID);
        Step::SelectCie.expect_success(&mut self.channel, &select)?;
        self.current = Current::Cie;
        Ok(())
    }

    /// Reads a file of the CIE directory in clear, without its padding. Nothing about it is verified.
    ///
    /// # Errors
    /// [`Error`]; files that need the PIN are refused by the card.
    pub fn read(&mut self, file: File) -> Result<Vec<u8>, Error> {
        self.operation(|this| {
            this.enter_cie()?;
            file::read(&mut this.channel, file.reference(), file.extent())
                .map_err(|e| Step::ReadFile(file).failed(e))
        })
    }

    /// Reads a file of the root directory in clear. Nothing about it is verified.
    ///
    /// # Errors
    /// [`Error`].
    pub fn read_root(&mut self, file: RootFile) -> Result<Vec<u8>, Error> {
        self.operation(|this| {
            this.enter_root()?;
            file::read(&mut this.channel, file.reference(), file.extent())
                .map_err(|e| Step::ReadRootFile(file).failed(e))
        })
    }

    /// Reads EF.ID_Servizi in clear, which must hold the twelve digits of a NIS.
    ///
    /// # Errors
    /// [`Error`]; [`Cause::Malformed`] if it is something else.
    pub fn read_nis(&mut self) -> Result<ClaimedNis, Error> {
        let content = self.read(File::Nis)?;
        ClaimedNis::parse(&content).map_err(|cause| Step::ReadFile(File::Nis).failed(cause))
    }

    /// Draws a challenge and has the card answer it with its key for services (key 83), which needs no PIN. What comes
    /// is the RSA block, of which nothing is checked here: it is worth something only for a key that EF.SOD vouches
    /// for.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn challenge_services_key(&mut self) -> Result<Answered, Error> {
        let step = Step::AnswerChallenge;
        self.operation(|this| {
            this.enter_cie()?;
            let mut challenge = [0; CHALLENGE_LENGTH];
            this.channel.link().draw("RND.IFD", &mut challenge).map_err(|e| step.failed(e))?;
            let set = command::manage_security_environment(0x41, 0xA4, &SERVICES_KEY);
            step.expect_success(&mut this.channel, &set)?;
            let authenticate = command::internal_authenticate(&challenge).with_ne(256);
            let answer = step.expect_success(&mut this.channel, &authenticate)?;
            Ok(Answered { challenge, answer })
        })
    }

    /// Whether the card gives a file of the CIE directory in clear. One byte of it is read.
    ///
    /// # Errors
    /// Only if the exchange itself fails, or the directory cannot be selected.
    pub fn is_readable(&mut self, file: File) -> Result<bool, Error> {
        self.operation(|this| {
            this.enter_cie()?;
            this.gives(file.reference()).map_err(|e| Step::ReadFile(file).failed(e))
        })
    }

    /// Whether the card gives a file of the root directory in clear. One byte of it is read.
    ///
    /// # Errors
    /// Only if the exchange itself fails, or the directory cannot be selected.
    pub fn is_readable_root(&mut self, file: RootFile) -> Result<bool, Error> {
        self.operation(|this| {
            this.enter_root()?;
            this.gives(file.reference()).map_err(|e| Step::ReadRootFile(file).failed(e))
        })
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
    /// Only if the exchange itself fails, or the directory cannot be selected.
    pub fn pin_tries(&mut self) -> Result<Tries, Error> {
        self.ask_for_tries(Which::Pin, PIN_REFERENCE, Step::ReadPinTries)
    }

    /// How many tries the PUK has left, as the card claims in clear. Spends none. The session that this
    /// becomes knows it from then on.
    ///
    /// # Errors
    /// Only if the exchange itself fails, or the directory cannot be selected.
    pub fn puk_tries(&mut self) -> Result<Tries, Error> {
        self.ask_for_tries(Which::Puk, PUK_REFERENCE, Step::ReadPukTries)
    }

    fn ask_for_tries(&mut self, which: Which, reference: u8, step: Step) -> Result<Tries, Error> {
        let (asked, told) = self.operation(|this| {
            this.enter_cie()?;
            let asked = this.tries.ask();
            let told = pin::read_tries(&mut this.channel, reference).map_err(|e| step.failed(e))?;
            Ok((asked, told))
        })?;
        self.tries.told(asked, which, told);
        Ok(told)
    }

    /// Whether the card has another application, by its identifier. That leaves this application, which is
    /// then selected anew, whatever the answer was.
    ///
    /// # Errors
    /// If the exchange fails, or this application cannot be selected any more.
    pub fn has_application(&mut self, aid: &[u8]) -> Result<bool, Error> {
        self.operation(|this| {
            this.current = Current::Nothing;
            let probe = this.channel.exchange(&command::select_application(aid));
            let found = probe.map_err(|e| Step::ProbeApplication.failed(e))?.status().is_success();
            this.select_root()?;
            Ok(found)
        })
    }

    /// The link below, for operations of several steps.
    pub(crate) fn link(&mut self) -> &mut Link {
        self.channel.link()
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
        let tries = self.tries.clone();
        match self.authenticate_once(terminal, cache) {
            Err(Refused { back, error }) if error.cause == TOO_LONG => {
                let mut again = Self::select_in(Channel::clear(*back).with_small_commands())?;
                again.tries = tries;
                again.authenticate_once(terminal, cache)
            }
            result => result,
        }
    }

    fn authenticate_once(
        mut self,
        terminal: &Arc<Terminal>,
        cache: &mut CardCache,
    ) -> Result<Session, Refused<Link>> {
        match self.operation(Self::enter_cie) {
            Ok(()) => Session::authenticate(self.channel, terminal, cache, self.tries),
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
        write!(f, "Application({:?})", self.current)
    }
}
