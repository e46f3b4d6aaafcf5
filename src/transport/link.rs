//! A link turns single APDUs into whole commands: chaining, GET RESPONSE, wrong Le (ISO/IEC 7816-4 section 5.3 and
//! ISO/IEC 7816-3 section 12).

use super::{ANSWER_MAX, Company, Error, Statistics, Transport, trace};
use crate::crypto::SystemEntropy;
use crate::environment::{Clock, Entropy, EntropyError, SystemClock};
use crate::iso7816::apdu::SHORT_DATA_MAX;
use crate::iso7816::{Command, Response, command};

/// How many pieces of an answer may be small, and what is not small, in bytes.
const SMALL_PIECES_MAX: usize = 8;
const PIECE_MIN: usize = 64;

/// A connection to a card, with the randomness and the clock of its dialogue.
pub struct Link {
    transport: Box<dyn Transport>,
    entropy: Box<dyn Entropy>,
    clock: Box<dyn Clock>,
    statistics: Statistics,
    reset_when_dropped: bool,
    /// How many operations want the card for themselves, one inside the other.
    holders: u32,
    /// Whether a transaction was begun for them.
    in_transaction: bool,
    interruptions: u64,
    /// Where a plain trace of this dialogue is written.
    tap: Option<trace::Tap>,
    /// Whether everything may be recorded of the card.
    test_card: Option<trace::TestCard>,
    /// Whether no card lies there, but a recorded dialogue is played back.
    replayed: bool,
    /// Who is told of each answer.
    watcher: Option<Watcher>,
    /// Whether the watcher wants no more commands sent.
    stopped: bool,
}

/// Is told how much was said so far.
type Watcher = Box<dyn FnMut(Statistics) -> bool + Send>;

/// Where there was a transport that went somewhere else.
struct Nowhere;

impl Transport for Nowhere {
    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Err(Error::Removed)
    }

    fn reset(&mut self) -> Result<(), Error> {
        Err(Error::Removed)
    }

    fn atr(&self) -> &[u8] {
        &[]
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        None
    }
}

impl Link {
    /// A link over this transport, with the system's randomness and clock.
    #[must_use]
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self::assemble(Box::new(transport), Box::new(SystemEntropy), Box::new(SystemClock))
    }

    pub(super) fn assemble(
        transport: Box<dyn Transport>,
        entropy: Box<dyn Entropy>,
        clock: Box<dyn Clock>,
    ) -> Self {
        Self {
            transport,
            entropy,
            clock,
            statistics: Statistics::default(),
            reset_when_dropped: false,
            holders: 0,
            in_transaction: false,
            interruptions: 0,
            tap: None,
            test_card: None,
            replayed: false,
            watcher: None,
            stopped: false,
        }
    }

    /// The same link, with `watcher` told after each answer of the card how much was said so far: for a program that
    /// shows that something goes on. It runs in the thread that uses the card, which waits for it. Once it returned
    /// `false` no further command goes out: each is [`Error::Stopped`]. A command that is under way comes to its end,
    /// pieces of its answer included.
    #[must_use]
    pub fn watched(mut self, watcher: impl FnMut(Statistics) -> bool + Send + 'static) -> Self {
        self.watcher = Some(Box::new(watcher));
        self
    }

    /// What the card is, if it showed the mark of a software card ([`card::find_mark`](crate::card::find_mark)) or is a
    /// recorded one.
    #[must_use]
    pub fn test_card(&self) -> Option<trace::TestCard> {
        self.test_card
    }

    /// Whether a recorded dialogue is played back: whatever it proves, it proved then, and nothing lies there now.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.replayed
    }

    /// This is a recorded dialogue.
    pub(super) fn set_replayed(&mut self) {
        self.replayed = true;
    }

    /// The card showed the mark.
    pub(crate) fn mark(&mut self) {
        self.test_card = Some(trace::TestCard::marked());
    }

    /// The same link, with everything recorded that the protocols say over it from here on. What was said before is not
    /// in the trace, so this is for a link fresh from its reader. A card without the mark is not recorded whole: the
    /// recorder says so when it is finished. A plain trace has what goes through a
    /// [`Channel`](crate::secure_messaging::Channel). [`Link::statistics`] begin anew.
    #[must_use]
    pub fn recorded(mut self, recorder: &trace::Recorder) -> Self {
        if let trace::What::Replayable(card) = recorder.what() {
            // The mark of one card is no licence for another.
            if card.origin() == trace::Origin::Emulator && self.test_card.is_none() {
                recorder.refuse("the card did not show the mark of a software card");
                return self;
            }
        }
        self.end_transaction();
        let transport = std::mem::replace(&mut self.transport, Box::new(Nowhere));
        let entropy = std::mem::replace(&mut self.entropy, Box::new(SystemEntropy));
        let clock = std::mem::replace(&mut self.clock, Box::new(SystemClock));
        let recorded = trace::record(recorder, transport, entropy, clock);
        (self.transport, self.entropy, self.clock) = (recorded.transport, recorded.entropy, recorded.clock);
        // Two recorders may listen, one on the wire and one above it.
        self.tap = recorded.tap.or(self.tap.take());
        self.statistics = Statistics::default();
        self
    }

    /// Where a plain trace listens, if one is written.
    pub(crate) fn tap(&mut self) -> Option<&mut trace::Tap> {
        self.tap.as_mut()
    }

    /// A link with another source of randomness and time, for tests and recorded dialogues.
    #[cfg(feature = "emulator")]
    #[must_use]
    pub fn with_sources(
        transport: impl Transport + 'static,
        entropy: impl Entropy + 'static,
        clock: impl Clock + 'static,
    ) -> Self {
        Self::assemble(Box::new(transport), Box::new(entropy), Box::new(clock))
    }

    /// The answer to reset.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        self.transport.atr()
    }

    /// What was said so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// The time of this dialogue.
    #[must_use]
    pub fn now(&self) -> std::time::SystemTime {
        self.clock.now()
    }

    /// Draws randomness for this dialogue.
    ///
    /// # Errors
    /// [`EntropyError`].
    pub fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
        self.entropy.draw(label, out)
    }

    /// The source of randomness of this dialogue.
    pub fn entropy(&mut self) -> &mut dyn Entropy {
        self.entropy.as_mut()
    }

    /// Resets the card.
    ///
    /// # Errors
    /// If the card is gone.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.transport.reset()
    }

    /// Whether the card is reset when this link goes: for a card that knows a verified PIN.
    pub fn reset_when_dropped(&mut self, reset: bool) {
        self.reset_when_dropped = reset;
        if let Some(company) = self.transport.company() {
            company.reset_when_dropped(reset);
        }
    }

    /// Whether the card may know a PIN.
    #[cfg(feature = "c-api")]
    pub(crate) fn is_reset_when_dropped(&self) -> bool {
        self.reset_when_dropped
    }

    /// From the next command on no other program gets at the card, until [`Link::let_go`] is called as
    /// often as this.
    pub fn hold(&mut self) {
        self.holders += 1;
    }

    /// Ends what [`Link::hold`] began.
    pub fn let_go(&mut self) {
        self.holders = self.holders.saturating_sub(1);
        if self.holders == 0 {
            self.end_transaction();
        }
    }

    fn end_transaction(&mut self) {
        if let Some(company) = self.transport.company().filter(|_| self.in_transaction) {
            company.end();
            self.interruptions += u64::from(company.is_shared());
        }
        self.in_transaction = false;
    }

    /// From now on no other program gets at the card, not even between two operations: for a card whose
    /// verified PIN would serve them too. Ends a transaction that is open, so that another program may have
    /// been there in between ([`Link::interruptions`]).
    ///
    /// # Errors
    /// [`Error::InUse`] if another program is connected to the card; then everything is as it was.
    pub fn keep_exclusive(&mut self) -> Result<(), Error> {
        self.set_exclusive(true)
    }

    /// Ends what [`Link::keep_exclusive`] began.
    ///
    /// # Errors
    /// If the connection to the card is gone.
    pub fn share_again(&mut self) -> Result<(), Error> {
        self.set_exclusive(false)
    }

    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), Error> {
        self.end_transaction();
        let Some(company) = self.transport.company() else { return Ok(()) };
        let before = company.is_shared();
        let outcome = company.set_exclusive(exclusive);
        self.interruptions += u64::from(before || company.is_shared());
        outcome
    }

    /// How often another program may have got at the card so far. What was selected before may not be any
    /// more when this has changed.
    #[must_use]
    pub fn interruptions(&self) -> u64 {
        self.interruptions
    }

    /// Carries out one command: splits long data into a chain, collects 61xx, and issues a command
    /// again with the right Le after 6Cxx if the command says that it may be repeated, once. No other
    /// program gets at the card in between.
    ///
    /// A fragment of a chain that is not answered 9000 ends the chain; its answer is returned.
    ///
    /// # Errors
    /// [`Error`]; the status word, whatever it is, is in the response and not an error here.
    pub fn exchange(&mut self, command: &Command) -> Result<Response, Error> {
        self.hold();
        let outcome = self.exchange_held(command);
        self.let_go();
        outcome
    }

    fn exchange_held(&mut self, command: &Command) -> Result<Response, Error> {
        if self.stopped {
            return Err(Error::Stopped);
        }
        if !self.in_transaction {
            if let Some(company) = self.transport.company() {
                company.begin()?;
            }
            self.in_transaction = true;
        }
        if self.transport.company().is_some_and(|company| company.is_overdue()) {
            return Err(Error::Overdue);
        }
        let mut fragments = command.chain(SHORT_DATA_MAX);
        let last = fragments.pop();
        for fragment in &fragments {
            let response = self.transmit(fragment)?;
            if !response.status().is_success() {
                return Ok(response);
            }
        }
        let last = last.as_ref().unwrap_or(command);
        let response = self.transmit_right(last)?;
        self.collect(response)
    }

    /// GET RESPONSE while the card says 61xx.
    fn collect(&mut self, first: Response) -> Result<Response, Error> {
        let mut status = first.status();
        let mut data = first.into_data();
        for pieces in 1.. {
            let Some(waiting) = status.bytes_waiting() else {
                return Ok(Response::new(data, status));
            };
            let piece = self.transmit_right(&command::get_response(waiting))?;
            status = piece.status();
            data.extend_from_slice(piece.data());
            // A card that announces more and gives little would go on for hours.
            if data.len() > ANSWER_MAX || pieces > SMALL_PIECES_MAX + data.len() / PIECE_MIN {
                break;
            }
        }
        Err(Error::EndlessAnswer)
    }

    /// Transmits, and after 6Cxx once more with the right Le if the command may be repeated.
    fn transmit_right(&mut self, command: &Command) -> Result<Response, Error> {
        let response = self.transmit(command)?;
        match command.with_right_length(response.status()) {
            Some(again) => self.transmit(&again),
            None => Ok(response),
        }
    }

    fn transmit(&mut self, command: &Command) -> Result<Response, Error> {
        let encoded = command.encode()?;
        match command.ins() {
            command::INS_GET_RESPONSE => self.statistics.get_responses += 1,
            _ => self.statistics.commands += 1,
        }
        self.statistics.bytes_sent += encoded.len() as u64;
        let answer = self.transport.transmit(&encoded)?;
        self.statistics.bytes_received += answer.len() as u64;
        if let Some(watcher) = &mut self.watcher {
            self.stopped |= !watcher(self.statistics);
        }
        Ok(Response::parse(&answer)?)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.reset_when_dropped {
            // If this fails nobody is left to tell. A card that was taken away has lost its state; one that
            // the reader still powers has lost its secure channel with our keys.
            let _ = self.transport.reset();
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({:?})", self.statistics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso7816::StatusWord;
    use crate::iso7816::apdu;
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    /// Answers from a list, in order; remembers what was asked.
    struct Script {
        answers: VecDeque<Vec<u8>>,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl Transport for Script {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
            self.asked.lock().unwrap().push(hex::encode_upper(command));
            self.answers.pop_front().ok_or(Error::Removed)
        }

        fn reset(&mut self) -> Result<(), Error> {
            Ok(())
        }

        fn atr(&self) -> &[u8] {
            &[0x3B, 0x80]
        }

        fn company(&mut self) -> Option<&mut dyn crate::transport::Company> {
            None
        }
    }

    fn exchange(command: &Command, answers: &[&str]) -> (Result<Response, Error>, Vec<String>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = answers.iter().map(|hex| hex::decode(hex).unwrap()).collect();
        let mut link = Link::new(Script { answers, asked: asked.clone() });
        let result = link.exchange(command);
        let asked = asked.lock().unwrap().clone();
        (result, asked)
    }

    #[test]
    fn a_watcher_is_told_of_each_answer() {
        let answers =
            ["6102", "01029000", "6102", "01029000", "9000"].map(|hex| hex::decode(hex).unwrap()).into();
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = told.clone();
        let mut link = Link::new(Script { answers, asked: Arc::default() }).watched(move |statistics| {
            let mut list = list.lock().unwrap();
            list.push((statistics.commands, statistics.get_responses, statistics.bytes_received));
            list.len() != 3
        });
        link.exchange(&Command::new(0, 0x88, 0, 0)).unwrap();
        assert_eq!(*told.lock().unwrap(), [(1, 0, 2), (1, 1, 6)]);
        // It is enough now: this command comes to its end, the next does not go out.
        link.exchange(&Command::new(0, 0x88, 0, 0)).unwrap();
        assert_eq!(link.exchange(&Command::new(0, 0x88, 0, 0)), Err(Error::Stopped));
        assert_eq!((told.lock().unwrap().len(), link.statistics().commands), (4, 2));
    }

    #[test]
    fn pieces_are_collected() {
        let (result, asked) = exchange(&Command::new(0, 0x88, 0, 0), &["6102", "01026101", "039000"]);
        assert_eq!(result.unwrap(), Response::new(vec![1, 2, 3], StatusWord::SUCCESS));
        assert_eq!(asked, ["00880000", "00C0000002", "00C0000001"]);
    }

    #[test]
    fn an_endless_answer_is_an_error() {
        let endless = vec!["016100"; 300];
        let (result, asked) = exchange(&Command::new(0, 0x88, 0, 0), &endless);
        assert_eq!(result.unwrap_err(), Error::EndlessAnswer);
        assert_eq!(asked.len(), 1 + SMALL_PIECES_MAX + 1);
        let (result, asked) = exchange(&Command::new(0, 0x88, 0, 0), &vec!["6100"; 300]);
        assert_eq!((result.unwrap_err(), asked.len()), (Error::EndlessAnswer, 1 + SMALL_PIECES_MAX + 1));
        let piece = "00".repeat(256) + "6100";
        let (result, asked) = exchange(&Command::new(0, 0x88, 0, 0), &vec![piece.as_str(); 300]);
        assert_eq!((result.unwrap_err(), asked.len()), (Error::EndlessAnswer, 257));
    }

    #[test]
    fn only_a_repeatable_command_is_issued_again() {
        let read = command::read_binary(0, 256);
        let (result, asked) = exchange(&read, &["6C03", "0102039000"]);
        assert_eq!(result.unwrap().data(), [1, 2, 3]);
        assert_eq!(asked, ["00B0000000", "00B0000003"]);
        let (result, _) = exchange(&read, &["6C03", "6C03", "0102039000"]);
        assert_eq!(result.unwrap().status().value(), 0x6C03, "once only");

        let verify = command::verify(0x81, b"12345678");
        let (result, asked) = exchange(&verify, &["6C08", "9000"]);
        assert_eq!(result.unwrap().status().value(), 0x6C08);
        assert_eq!(asked.len(), 1);
    }

    #[test]
    fn a_piece_of_another_length_is_asked_for_again() {
        let (result, asked) = exchange(&Command::new(0, 0x88, 0, 0), &["6100", "6C02", "01029000"]);
        assert_eq!(result.unwrap().data(), [1, 2]);
        assert_eq!(asked, ["00880000", "00C0000000", "00C0000002"]);
    }

    #[test]
    fn a_chain_stops_at_the_first_refusal() {
        let command = Command::new(0, 0x22, 0x41, 0xA6).with_data(&[5; 266]);
        let (result, asked) = exchange(&command, &["9000", "9000"]);
        assert!(result.unwrap().status().is_success());
        assert_eq!((&asked[0][..10], &asked[1][..10]), ("102241A6FF", "002241A60B"));
        let (result, asked) = exchange(&command, &["6883", "9000"]);
        assert_eq!((result.unwrap().status().value(), asked.len()), (0x6883, 1));
    }

    #[test]
    fn an_answer_under_two_bytes_is_an_error() {
        let (result, _) = exchange(&Command::new(0, 0x84, 0, 0).with_ne(8), &["90"]);
        assert_eq!(result.unwrap_err(), Error::Apdu(apdu::Error::TooShort(1)));
    }

    #[test]
    fn every_byte_is_counted() {
        let answers = ["6102", "01026101", "039000"].map(|answer| hex::decode(answer).unwrap());
        let script = || Script { answers: answers.clone().into(), asked: Arc::default() };
        let mut link = Link::new(script());
        link.exchange(&Command::new(0, 0x88, 0, 0)).unwrap();
        let said = Statistics { commands: 1, get_responses: 2, bytes_sent: 14, bytes_received: 9 };
        assert_eq!(link.statistics(), said);
        let twice = Statistics { commands: 2, get_responses: 4, bytes_sent: 28, bytes_received: 18 };
        assert_eq!((said + said, twice - said), (twice, said));
        assert_eq!(said - twice, Statistics::default());
    }

    #[test]
    fn a_link_hands_on_what_lies_below_it() {
        let mut link = Link::new(Script { answers: VecDeque::new(), asked: Arc::default() });
        assert_eq!(link.atr(), [0x3B, 0x80]);
        let mut drawn = [0; 32];
        link.draw("RND.IFD", &mut drawn).unwrap();
        assert_ne!(drawn, [0; 32]);
        assert!(link.now() > std::time::SystemTime::UNIX_EPOCH);
        assert!(format!("{link:?}").starts_with("Link(Statistics { commands: 0"));
    }

    /// A card in company that notes what is asked of it.
    struct Shared {
        asked: Arc<Mutex<Vec<String>>>,
        shared: bool,
        refuses: bool,
        overdue: Arc<AtomicBool>,
    }

    impl Shared {
        fn note(&self, what: &str) {
            self.asked.lock().unwrap().push(what.to_owned());
        }
    }

    impl Transport for Shared {
        fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, Error> {
            self.note("transmit");
            Ok(vec![0x90, 0x00])
        }

        fn reset(&mut self) -> Result<(), Error> {
            self.note("reset");
            Ok(())
        }

        fn atr(&self) -> &[u8] {
            &[]
        }

        fn company(&mut self) -> Option<&mut dyn Company> {
            Some(self)
        }
    }

    impl Company for Shared {
        fn begin(&mut self) -> Result<(), Error> {
            self.note("begin");
            if self.refuses { Err(Error::InUse) } else { Ok(()) }
        }

        fn end(&mut self) {
            self.note("end");
        }

        fn is_overdue(&self) -> bool {
            self.overdue.load(Ordering::Relaxed)
        }

        fn is_shared(&self) -> bool {
            self.shared
        }

        fn set_exclusive(&mut self, exclusive: bool) -> Result<(), Error> {
            self.note(if exclusive { "alone" } else { "shared" });
            self.shared = !exclusive;
            Ok(())
        }

        fn reset_when_dropped(&mut self, reset: bool) {
            self.note(if reset { "reset at the end" } else { "no reset at the end" });
        }
    }

    fn shared(refuses: bool) -> (Link, impl Fn() -> Vec<String>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let link = Link::new(Shared { asked: asked.clone(), shared: true, refuses, overdue: Arc::default() });
        (link, move || std::mem::take(&mut *asked.lock().unwrap()))
    }

    #[test]
    fn what_is_overdue_is_not_sent() {
        let (asked, overdue) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let mut link = Link::new(Shared {
            asked: asked.clone(),
            shared: true,
            refuses: false,
            overdue: overdue.clone(),
        });
        link.hold();
        link.exchange(&command::get_challenge(8)).unwrap();
        overdue.store(true, Ordering::Relaxed);
        let error = link.exchange(&command::verify(0x81, b"12345678")).unwrap_err();
        link.let_go();
        assert_eq!(error, Error::Overdue);
        assert!(crate::secure_messaging::Error::from(error).is_unsent());
        assert_eq!(*asked.lock().unwrap(), ["begin", "transmit", "end"]);
    }

    #[test]
    fn who_is_let_in_may_have_selected_something_else() {
        let (mut link, asked) = shared(false);
        let command = command::select_identifier(0x3F00);
        link.exchange(&command).unwrap();
        assert_eq!(
            (link.interruptions(), asked()),
            (1, vec!["begin".into(), "transmit".into(), "end".into()])
        );
        // A transaction that is open ends before others are kept off, so that there is a moment in between.
        link.hold();
        link.exchange(&command).unwrap();
        assert_eq!(link.interruptions(), 1);
        link.keep_exclusive().unwrap();
        assert_eq!(asked(), ["begin", "transmit", "end", "alone"]);
        let alone = link.interruptions();
        assert!(alone > 1);
        link.let_go();
        link.exchange(&command).unwrap();
        link.keep_exclusive().unwrap();
        assert_eq!(link.interruptions(), alone, "there was nobody");
        link.share_again().unwrap();
        assert!(link.interruptions() > alone);
        // From one exclusive moment on there need not have been a transaction.
        let (mut link, _) = shared(false);
        link.keep_exclusive().unwrap();
        assert_eq!(link.interruptions(), 1);
    }

    #[test]
    fn nothing_is_sent_without_its_transaction() {
        let (mut link, asked) = shared(true);
        let outcome = link.exchange(&command::select_identifier(0x3F00));
        assert_eq!((outcome.unwrap_err(), asked()), (Error::InUse, vec!["begin".to_owned()]));
    }

    #[test]
    fn the_reset_at_the_end_is_told_to_what_lies_below() {
        for reset in [true, false] {
            let (mut link, asked) = shared(false);
            link.reset_when_dropped(reset);
            assert_eq!(asked(), [if reset { "reset at the end" } else { "no reset at the end" }]);
            drop(link);
            assert_eq!(asked().len(), usize::from(reset));
        }
    }
}
