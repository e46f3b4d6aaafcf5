//! Chips and readers that take shorter protected commands than most.

use cie::emulator::{SoftCard, SoftTransport};
use cie::ias::{Cause, Session, Step};
use cie::iso7816::StatusWord;
use cie::secure_messaging::COMMAND_DATA_SMALL;
use cie::transport::{self, Link, Transport};

use crate::common::{CHIPS, card, link, pin};

/// The card refuses, over the channel, protected commands with more bytes in clear.
fn limit_to(card: &SoftCard, longest: usize) {
    let mut profile = card.profile();
    profile.longest_protected_data = longest;
    card.set_profile(profile);
}

#[test]
fn a_chip_that_takes_shorter_commands_only_is_served_with_those() {
    for chip in CHIPS {
        for limit in [230, COMMAND_DATA_SMALL] {
            let card = card(chip);
            limit_to(&card, 231);
            let before = Session::open(link(&card)).unwrap().statistics().commands;
            limit_to(&card, limit);
            let session = Session::open(link(&card)).unwrap();
            assert_eq!(session.statistics().commands, before + 1, "one fragment was refused, once");
            session.verify_pin(&pin()).unwrap().certificate().unwrap();
        }
        let card = card(chip);
        limit_to(&card, COMMAND_DATA_SMALL - 1);
        let refused = Session::open(link(&card)).unwrap_err();
        assert_eq!(refused.error.cause, Cause::Status(StatusWord::WRONG_LENGTH));
        assert_eq!(refused.error.step, Step::VerifyTerminalCertificate);
    }
}

/// A reader or chip that refuses commands of more than so many bytes by itself, in clear.
struct Narrow(SoftTransport, usize);

impl Transport for Narrow {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        let protected = command[0] & 0x0C != 0;
        if protected && command.len() > self.1 { Ok(vec![0x67, 0x00]) } else { self.0.transmit(command) }
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.0.reset()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

#[test]
fn a_length_refused_in_clear_costs_the_opening_once_more() {
    for chip in CHIPS {
        // As short as the small ones are on the wire, which is below the 230 that one chip family announces.
        let card = card(chip);
        let narrow = |size| Link::new(Narrow(card.transport(), size));
        let session = Session::open(narrow(228)).unwrap();
        session.verify_pin(&pin()).unwrap().certificate().unwrap();

        let refused = Session::open(narrow(227)).unwrap_err();
        assert_eq!(refused.error.step, Step::VerifyTerminalCertificate);
        assert!(refused.back.statistics().commands < 45, "twice, and no more");
        assert_eq!(card.verify_count(), 1);
    }
}
