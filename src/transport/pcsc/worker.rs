//! The side of a connection that makes the calls, in a thread of its own.

use std::ffi::CString;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, Sender};
use std::time::Duration;

use pcsc::{Card, Context, Disposition, MAX_BUFFER_SIZE_EXTENDED, Protocols, ReaderState, Scope, ShareMode};
use pcsc::{State, Transaction};
use zeroize::Zeroize;

use super::connection::{Reply, Request};
use super::token::Token;
use super::{Sharing, let_in, once_let_in};

/// How many resets by others a connection bears while it is made.
const RESETS_AT_FIRST: usize = 5;

pub(super) struct Worker {
    sharing: Sharing,
    inbox: Receiver<Request>,
    outbox: Sender<Reply>,
    token: Arc<Token>,
    /// Room for the longest answer: one that did not fit would be lost, though the card had acted.
    buffer: Vec<u8>,
    /// Whether the card was reset since the last command.
    clean: bool,
}

/// The place where a card lies, as it was when we connected to it.
struct Place {
    context: Context,
    reader: CString,
    /// How often cards had come and gone there, and what this one said when it was powered. Some services
    /// do not count: then the second must do.
    identity: (u32, Vec<u8>),
}

impl Place {
    fn new(context: Context, reader: &CString) -> Result<Self, pcsc::Error> {
        let mut place = Self { context, reader: reader.clone(), identity: (0, Vec::new()) };
        place.identity = place.look()?;
        Ok(place)
    }

    fn look(&self) -> Result<(u32, Vec<u8>), pcsc::Error> {
        let mut state = [ReaderState::new(self.reader.clone(), State::UNAWARE)];
        match self.context.get_status_change(Duration::ZERO, &mut state) {
            Ok(()) | Err(pcsc::Error::Timeout) => {}
            Err(error) => return Err(error),
        }
        let [state] = &state;
        Ok((state.event_count(), state.atr().to_vec()))
    }

    /// Whether the same card still lies there. The service lets an old connection pass to a card that was
    /// laid on since, once that one was reset.
    fn check(&self) -> Result<(), pcsc::Error> {
        if self.look()? == self.identity { Ok(()) } else { Err(pcsc::Error::RemovedCard) }
    }
}

/// Why no more is served over a connection.
enum End {
    /// Nobody can ask anything more.
    Over,
    /// Another connection is wanted, for other company.
    Share(Sharing),
}

/// How a transaction ended.
enum After {
    /// As asked for.
    Ended,
    /// By a reset that was not ours.
    Reset,
    /// With the connection.
    Over,
}

impl Worker {
    pub(super) fn new(
        sharing: Sharing,
        inbox: Receiver<Request>,
        outbox: Sender<Reply>,
        token: Arc<Token>,
    ) -> Self {
        let buffer = vec![0; MAX_BUFFER_SIZE_EXTENDED];
        Self { sharing, inbox, outbox, token, buffer, clean: true }
    }

    /// Connects, does what is asked until nobody can ask any more, and takes its leave.
    pub(super) fn run(mut self, reader: &CString) {
        match self.connect(reader) {
            Ok((mut card, place, atr)) => {
                let mut flow = self.answer(Ok(atr));
                loop {
                    flow = match flow {
                        ControlFlow::Continue(()) => self.serve(&mut card, &place),
                        ControlFlow::Break(End::Over) => return self.leave(card, &place),
                        ControlFlow::Break(End::Share(sharing)) => {
                            let (again, reply) = self.share(card, &place, sharing);
                            let Some(again) = again else {
                                let _ = self.answer(reply);
                                return;
                            };
                            card = again;
                            self.answer(reply)
                        }
                    }
                }
            }
            Err(error) => {
                // Whoever asked may have given up.
                let _ = self.outbox.send(Err(error.into()));
            }
        }
    }

    fn connect(&self, reader: &CString) -> Result<(Card, Place, Vec<u8>), pcsc::Error> {
        let (context, mut card) = let_in(|| {
            let context = Context::establish(Scope::User)?;
            let card = context.connect(reader, self.mode(), Protocols::ANY)?;
            Ok((context, card))
        })?;
        let place = Place::new(context, reader);
        let mut status = card.status2_owned();
        // Another program may reset the card at any moment; to a connection that is new it means nothing.
        for _ in 0..RESETS_AT_FIRST {
            if status.as_ref().err() != Some(&pcsc::Error::ResetCard) {
                break;
            }
            let again = card.reconnect(self.mode(), Protocols::ANY, Disposition::LeaveCard);
            status = again.and_then(|()| card.status2_owned());
        }
        match (place, status) {
            (Ok(place), Ok(status)) => Ok((card, place, status.atr().to_vec())),
            (Err(error), _) | (_, Err(error)) => {
                disconnect(card, Disposition::LeaveCard);
                Err(error)
            }
        }
    }

    /// Connects anew for other company; if that is not to be had, for the same as before. The service has a call
    /// for this, but it waits for the others without end.
    fn share(
        &mut self,
        card: Card,
        place: &Place,
        sharing: Sharing,
    ) -> (Option<Card>, Result<Vec<u8>, pcsc::Error>) {
        // Where the service does not count what comes and goes, the old connection knows best.
        if let Err(gone @ (pcsc::Error::RemovedCard | pcsc::Error::NoSmartcard)) = card.status2_owned() {
            disconnect(card, Disposition::LeaveCard);
            return (None, Err(gone));
        }
        let before = std::mem::replace(&mut self.sharing, sharing);
        disconnect(card, Disposition::LeaveCard);
        let connect = |mode| place.context.connect(&place.reader, mode, Protocols::ANY);
        let (card, reply) = match connect(self.mode()) {
            Ok(card) => (card, Ok(Vec::new())),
            Err(error) => {
                self.sharing = before;
                match connect(self.mode()) {
                    Ok(card) => (card, Err(error)),
                    // It lay there before.
                    Err(pcsc::Error::NoSmartcard) => return (None, Err(pcsc::Error::RemovedCard)),
                    Err(gone) => return (None, Err(gone)),
                }
            }
        };
        match place.check() {
            Ok(()) => (Some(card), reply),
            Err(swapped) => {
                disconnect(card, Disposition::LeaveCard);
                (None, Err(swapped))
            }
        }
    }

    fn mode(&self) -> ShareMode {
        match self.sharing {
            Sharing::Exclusive => ShareMode::Exclusive,
            Sharing::Shared => ShareMode::Shared,
        }
    }

    /// Ends the connection. The card is reset if it must not keep what it was told, and if it is still the
    /// one that was told.
    fn leave(&self, card: Card, place: &Place) {
        let reset = self.token.is_reset_at_the_end() && !self.clean && place.check().is_ok();
        disconnect(card, if reset { Disposition::ResetCard } else { Disposition::LeaveCard });
    }

    /// What is asked next. Only who asks again has had the answer to what was at the card before.
    fn next(&self) -> Result<Request, RecvError> {
        let request = self.inbox.recv();
        self.token.come_back();
        request
    }

    /// Does what is asked next, outside a transaction.
    fn serve(&mut self, card: &mut Card, place: &Place) -> ControlFlow<End> {
        let shared = self.sharing == Sharing::Shared;
        let reply = match self.next() {
            // A command by itself waits for other programs like an operation does, and is not sent if
            // nobody waits for it any more.
            Ok(Request::Transmit(command)) if shared => {
                card.transaction().and_then(|transaction| self.transmit(&transaction, &command))
            }
            Ok(Request::Transmit(command)) => self.transmit(card, &command),
            Ok(Request::Reset) => {
                let mode = self.mode();
                self.reset(place, || card.reconnect(mode, Protocols::ANY, Disposition::ResetCard))
            }
            Ok(Request::Begin) if shared => {
                let begun = card.transaction();
                match begun.map(|transaction| self.serve_transaction(transaction, place)) {
                    Ok(After::Ended) => return ControlFlow::Continue(()),
                    Ok(After::Over) => return ControlFlow::Break(End::Over),
                    Ok(After::Reset) => {
                        // It was told inside; a card that was swapped is found out by the next call.
                        let _ = self.reconnect(card, place);
                        return ControlFlow::Continue(());
                    }
                    Err(error) => Err(error),
                }
            }
            Ok(Request::Begin | Request::End) => Ok(Vec::new()),
            Ok(Request::Share(sharing)) => return ControlFlow::Break(End::Share(sharing)),
            Err(_) => return ControlFlow::Break(End::Over),
        };
        let reply = match reply {
            // Said once; from then on the card can be spoken to anew, if it is the same.
            Err(pcsc::Error::ResetCard) => match self.reconnect(card, place) {
                Err(swapped @ pcsc::Error::RemovedCard) => Err(swapped),
                _ => Err(pcsc::Error::ResetCard),
            },
            reply => reply,
        };
        self.answer(reply)
    }

    /// Does what is asked until the transaction ends.
    fn serve_transaction(&mut self, mut transaction: Transaction<'_>, place: &Place) -> After {
        let mut reply = Ok(Vec::new());
        let mut after = After::Ended;
        loop {
            if self.answer(reply).is_break() {
                return After::Over;
            }
            reply = match self.next() {
                Ok(Request::Transmit(command)) => self.transmit(&transaction, &command),
                Ok(Request::Reset) => {
                    let mode = self.mode();
                    self.reset(place, || transaction.reconnect(mode, Protocols::ANY, Disposition::ResetCard))
                }
                Ok(Request::Begin) => Ok(Vec::new()),
                // The other side ends the transaction first.
                Ok(Request::Share(_)) => Err(pcsc::Error::SharingViolation),
                Ok(Request::End) => {
                    let ended = transaction.end(Disposition::LeaveCard).map_err(|(_, error)| error);
                    return match self.answer(ended.map(|()| Vec::new())) {
                        ControlFlow::Continue(()) => after,
                        ControlFlow::Break(_) => After::Over,
                    };
                }
                Err(_) => return After::Over,
            };
            if let Err(pcsc::Error::ResetCard) = reply {
                after = After::Reset;
            }
        }
    }

    /// Takes up the connection again after a reset by somebody else.
    fn reconnect(&self, card: &mut Card, place: &Place) -> Result<(), pcsc::Error> {
        place.check()?;
        card.reconnect(self.mode(), Protocols::ANY, Disposition::LeaveCard)
    }

    /// Resets the card, if it is still the one that we connected to.
    fn reset(
        &mut self,
        place: &Place,
        reset: impl FnOnce() -> Result<(), pcsc::Error>,
    ) -> Result<Vec<u8>, pcsc::Error> {
        place.check()?;
        reset()?;
        self.clean = true;
        Ok(Vec::new())
    }

    /// One exchange.
    fn transmit(&mut self, card: &Card, command: &[u8]) -> Result<Vec<u8>, pcsc::Error> {
        if !self.token.go_to_the_card() {
            return Err(pcsc::Error::Cancelled);
        }
        self.clean = false;
        let answer = card.transmit(command, &mut self.buffer).map(<[u8]>::to_vec);
        if let Some(used) = answer.as_ref().ok().and_then(|answer| self.buffer.get_mut(..answer.len())) {
            used.zeroize();
        }
        answer
    }

    /// Breaks off if nobody waits for the answer any more.
    fn answer(&self, reply: Result<Vec<u8>, pcsc::Error>) -> ControlFlow<End> {
        let sent = self.outbox.send(reply.map_err(once_let_in));
        if sent.is_ok() && !self.token.is_given_up() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(End::Over)
        }
    }
}

/// Ends a connection to a card.
fn disconnect(card: Card, disposition: Disposition) {
    if let Err((card, _)) = card.disconnect(disposition) {
        // The service or the reader is gone, and the card's state with it: what the library tries once more
        // when this is dropped can do no harm.
        drop(card);
    }
}
