//! What every software card does with a command before and after it is carried out: fragments in, pieces out
//! (ISO/IEC 7816-4 sections 5.3.3 and 5.3.4).

use zeroize::Zeroizing;

use crate::iso7816::{Command, Response, StatusWord};

/// The class bit that says that more fragments of the same command follow.
pub(super) const CLA_CHAINING: u8 = 0x10;
/// The longest command that a chain may add up to, in bytes.
pub(super) const CHAIN_MAX: usize = 1024;

/// 6581: non-volatile memory could not be written.
pub(super) const MEMORY_FAILURE: StatusWord = StatusWord::new(0x6581);
/// 6883: the next fragment of a chain was expected.
pub(super) const CHAIN_BROKEN: StatusWord = StatusWord::new(0x6883);
/// 6884: this command cannot be chained.
pub(super) const CHAINING_NOT_SUPPORTED: StatusWord = StatusWord::new(0x6884);
/// 6F00: the card itself failed.
pub(super) const FAILURE: StatusWord = StatusWord::new(0x6F00);

/// What makes a card hostile: it sees every command in clear with the answer in clear, before the
/// answer is protected or split, and returns the answer to give instead.
///
/// It runs while the card is locked, so it must not call the card.
pub type Tamper = Box<dyn FnMut(&Command, Response) -> Response + Send>;

/// What a command comes to: data with 9000 or a warning, or a refusal.
pub(super) type Answer = Result<Response, StatusWord>;

/// An answer without data.
pub(super) fn done() -> Response {
    Response::from(StatusWord::SUCCESS)
}

/// An answer with data.
pub(super) fn data(bytes: Vec<u8>) -> Response {
    Response::new(bytes, StatusWord::SUCCESS)
}

/// A command of which not all fragments came yet.
#[derive(Clone)]
pub(super) struct Chain {
    protected: bool,
    ins: u8,
    p1: u8,
    p2: u8,
    data: Zeroizing<Vec<u8>>,
}

impl Chain {
    pub(super) fn start(command: &Command, protected: bool) -> Self {
        let [_, ins, p1, p2] = command.header();
        Self { protected, ins, p1, p2, data: Zeroizing::new(Vec::new()) }
    }

    /// Whether the command is a fragment of the same command, in clear or protected as those before.
    pub(super) fn continues(&self, command: &Command, protected: bool) -> bool {
        let [_, ins, p1, p2] = command.header();
        (self.protected, self.ins, self.p1, self.p2) == (protected, ins, p1, p2)
    }

    /// Whether the data still fits; if so it is appended.
    pub(super) fn append(&mut self, data: &[u8]) -> bool {
        let fits = self.data.len().saturating_add(data.len()) <= CHAIN_MAX;
        if fits {
            self.data.extend_from_slice(data);
        }
        fits
    }

    /// The whole command, once its last fragment is there.
    pub(super) fn whole(&self, last: &Command) -> Command {
        let whole = Command::new(0, self.ins, self.p1, self.p2).with_data(&self.data);
        match last.ne() {
            Some(ne) => whole.with_ne(ne),
            None => whole,
        }
    }
}

/// Puts fragments together: the whole command and `true`, or a fragment that is not the last and `false`.
pub(super) fn assemble(
    chain: &mut Option<Chain>,
    command: Command,
    protected: bool,
    is_chainable: impl Fn(u8) -> bool,
) -> Result<(Command, bool), (Command, StatusWord)> {
    let more = command.cla() & CLA_CHAINING != 0;
    let mut begun = match chain.take() {
        Some(chain) if chain.continues(&command, protected) => chain,
        Some(_) if more => return Err((command, CHAIN_BROKEN)),
        // A whole command of another kind: whatever began before it was given up.
        _ if !more => return Ok((command, true)),
        _ if !is_chainable(command.ins()) => return Err((command, CHAINING_NOT_SUPPORTED)),
        _ => Chain::start(&command, protected),
    };
    if !begun.append(command.data()) {
        return Err((command, StatusWord::WRONG_LENGTH));
    }
    if more {
        *chain = Some(begun);
        return Ok((command, false));
    }
    Ok((begun.whole(&command), true))
}

/// Carries out what [`assemble`] says is whole, acknowledges what is not; a test may tamper with the answer.
pub(super) fn answer(
    assembled: Result<(Command, bool), (Command, StatusWord)>,
    tamper: &mut Option<Tamper>,
    perform: impl FnOnce(&Command) -> Answer,
) -> Response {
    let (command, answer) = match assembled {
        Ok((command, true)) => {
            let answer = perform(&command);
            (command, answer)
        }
        Ok((fragment, false)) => (fragment, Ok(done())),
        Err((command, refusal)) => (command, Err(refusal)),
    };
    let answer = answer.unwrap_or_else(Response::from);
    match tamper {
        Some(tamper) => tamper(&command, answer),
        None => answer,
    }
}

/// The rest of an answer, for GET RESPONSE.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// The status word that ends it.
    pub(super) status: StatusWord,
}

/// Gives out up to `ne` bytes of an answer and keeps the rest for GET RESPONSE.
pub(super) fn deliver(
    waiting: &mut Option<Waiting>,
    mut bytes: Vec<u8>,
    status: StatusWord,
    ne: u32,
) -> Response {
    let ne = usize::try_from(ne).unwrap_or(usize::MAX);
    if bytes.len() <= ne {
        return Response::new(bytes, status);
    }
    let rest = Zeroizing::new(bytes.split_off(ne));
    // 00 stands for 256 or more.
    let announced = u8::try_from(rest.len()).unwrap_or(0);
    *waiting = Some(Waiting { bytes: rest, status });
    Response::new(bytes, StatusWord::from([0x61, announced]))
}

/// GET RESPONSE: the next piece of what waits.
pub(super) fn get_response(waiting: &mut Option<Waiting>, command: &Command) -> Answer {
    if (command.p1(), command.p2()) != (0, 0) {
        return Err(StatusWord::WRONG_P1_P2);
    }
    if !command.data().is_empty() {
        return Err(StatusWord::WRONG_LENGTH);
    }
    let rest = waiting.take().ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    let ne = command.ne().unwrap_or(crate::iso7816::apdu::SHORT_NE_MAX);
    Ok(deliver(waiting, rest.bytes.to_vec(), rest.status, ne))
}
