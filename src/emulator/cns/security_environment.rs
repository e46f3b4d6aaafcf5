//! MANAGE SECURITY ENVIRONMENT: RESTORE and SET (ISO/IEC 7816-4 section 11.5.11).

use super::volatile::{Environment, Operation};
use super::{Answer, Card, done, tree};
use crate::iso7816::{Command, StatusWord};

/// P1: restore the environment in P2.
const RESTORE: u8 = 0xF3;
/// P1: set a template of the restored environment.
const SET: u8 = 0xF1;

impl Card {
    pub(super) fn manage_security_environment(&mut self, command: &Command) -> Answer {
        match (command.p1(), command.p2()) {
            // A fifth byte of 00 is an Le to some and an Lc to others: all the same, and so is none.
            (RESTORE, number) => {
                if !command.data().is_empty() {
                    return Err(StatusWord::WRONG_LENGTH);
                }
                if number != self.profile.security_environment {
                    return Err(StatusWord::REFERENCE_NOT_FOUND);
                }
                self.volatile.environment = Environment { restored: true, key: None };
                Ok(done())
            }
            (SET, 0xB8) => self.choose_key(Operation::Decipher, command.data()),
            (SET, 0xB6) => self.choose_key(Operation::Sign, command.data()),
            _ => Err(StatusWord::WRONG_P1_P2),
        }
    }

    /// The key in the current directory or above it, whether bit 8 is there or not: programs in use leave
    /// it out for keys of the signature directory.
    fn choose_key(&mut self, operation: Operation, template: &[u8]) -> Answer {
        let &[0x83, 0x01, reference] = template else { return Err(StatusWord::WRONG_DATA) };
        if !self.volatile.environment.restored {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let identifier = reference & 0x7F;
        let known = &self.persistent.personalisation.keys;
        let found = tree::above(&self.volatile.root, &self.volatile.directory).find_map(|directory| {
            known.iter().position(|key| key.directory == directory && key.identifier == identifier)
        });
        let index = found.ok_or(StatusWord::REFERENCE_NOT_FOUND)?;
        self.volatile.environment.key = Some((operation, index));
        Ok(done())
    }
}
