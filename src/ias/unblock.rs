//! Unblocking the PIN with the PUK (ISO/IEC 7816-4 sections 11.6.6 and 11.6.10): VERIFY of the PUK, then
//! RESET RETRY COUNTER of the PIN.

use super::{Cause, Error, PIN_REFERENCE, PIN_TRIES_MOST, Refused, Session, Step};
use crate::dialogue::Step as _;
use crate::iso7816::command;
use crate::pin::{self, LastTry, Tries, Which};
use crate::secret::{Pin, Puk};

/// Reference of the PUK: local PIN 2.
pub(super) const PUK_REFERENCE: u8 = 0x82;
/// How many tries a PUK has after a right one.
const PUK_TRIES_MOST: Tries = Tries::Left(10);

/// What becomes of the PIN when it is unblocked: RESET RETRY COUNTER with P1 = 02 and a new one, or with
/// P1 = 03 and none.
pub type Unblock<'a> = pin::Unblock<'a, Pin>;

impl Session {
    /// Unblocks the PIN: one VERIFY of the PUK, then one RESET RETRY COUNTER; neither is repeated. With one
    /// try of the PUK or none known to be left nothing is sent, unless the caller says so: a blocked PUK
    /// ends the card's services for good.
    ///
    /// The PIN is not verified by this. The card knows the PUK as shown until this session is dropped,
    /// which resets the card.
    ///
    /// # Errors
    /// [`Refused`] with this session and the error: at [`Step::VerifyPuk`], [`Error::pin_error`] tells a
    /// wrong PUK from a blocked one. At [`Step::UnblockPin`] the PUK was right and no try was lost; after an
    /// error of the channel there it is not known which PIN the card has.
    pub fn unblock_pin(
        mut self,
        puk: &Puk,
        unblock: Unblock<'_>,
        last_try: LastTry,
    ) -> Result<Self, Refused<Self>> {
        self.channel.link().hold();
        let outcome = self.try_unblock(puk, unblock, last_try);
        self.channel.link().let_go();
        match outcome {
            Ok(()) => Ok(self),
            Err(error) => Err(Refused::new(self, error)),
        }
    }

    fn try_unblock(&mut self, puk: &Puk, unblock: Unblock<'_>, last_try: LastTry) -> Result<(), Error> {
        if last_try == LastTry::Refuse {
            self.puk_tries()?;
        }
        let mut attempt =
            self.tries.permit(Which::Puk, last_try, PUK_TRIES_MOST).map_err(|e| Step::VerifyPuk.failed(e))?;
        // From here on the card may have a verified PUK: whatever happens, it does not outlive us.
        self.channel.link().reset_when_dropped(true);
        let outcome =
            pin::present(&mut self.channel, &command::verify(PUK_REFERENCE, puk.expose()), &attempt);
        self.tries.learn(&mut attempt, &outcome);
        outcome.map_err(|e| Step::VerifyPuk.failed(e))?;

        let reset = match unblock {
            Unblock::NewPin(pin) => command::reset_retry_counter(PIN_REFERENCE, pin.expose()),
            Unblock::KeepPin => command::reset_retry_counter_only(PIN_REFERENCE),
        };
        let outcome = Step::UnblockPin.expect_success(&mut self.channel, &reset);
        if matches!(&outcome, Err(Error { cause: Cause::Channel(error), .. }) if !error.is_unsent()) {
            self.tries.doubt_block();
        }
        outcome?;
        self.tries.raise(&mut attempt, Which::Pin, PIN_TRIES_MOST);
        Ok(())
    }

    /// How many tries the PUK has left: what [`Application::puk_tries`](super::Application::puk_tries) was told in
    /// clear, if that was asked. Else the card is asked over the channel, once, and only if it told tries in clear: a
    /// refusal in clear would end the channel. What was heard since counts.
    ///
    /// # Errors
    /// Only if the exchange itself fails.
    pub fn puk_tries(&mut self) -> Result<Tries, Error> {
        if self.tells_tries && !self.told_puk_tries {
            let asked = self.tries.ask();
            let told = pin::read_tries(&mut self.channel, PUK_REFERENCE)
                .map_err(|e| Step::ReadPukTries.failed(e))?;
            self.tries.told(asked, Which::Puk, told);
            self.told_puk_tries = true;
        }
        Ok(self.tries.left(Which::Puk))
    }
}
