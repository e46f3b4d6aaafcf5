//! What the card forgets at a reset (IAS ECC 1.0.1: security status, security environment, buffers).

use std::sync::Arc;

use super::channel::Channel;
use crate::crypto::signature::RsaPublicKey;
use crate::emulator::exchange::{Chain, Waiting};
use crate::emulator::personalisation::Directory;
use crate::emulator::profile::Profile;

/// The public values of a key agreement: both sides of device authentication sign them.
#[derive(Clone)]
pub(super) struct Agreement {
    pub(super) y_ifd: Vec<u8>,
    pub(super) y_icc: Vec<u8>,
}

/// A terminal's key that came in a certificate, under the holder reference that it had there.
#[derive(Clone)]
pub(super) struct TerminalKey {
    pub(super) holder_reference: [u8; 12],
    pub(super) key: Arc<RsaPublicKey>,
}

/// What INTERNAL AUTHENTICATE is set to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum InternalKey {
    /// Key 81, PKCS #1 block: needs the PIN.
    Holder,
    /// Key 82, device authentication with privacy.
    Device,
    /// Key 83, PKCS #1 block: free for everybody.
    Services,
}

/// The security environment: what MANAGE SECURITY ENVIRONMENT chose.
#[derive(Clone, Default)]
pub(super) struct Environment {
    /// The key that verifies certificates is chosen.
    pub(super) certification: bool,
    /// The terminal's key that EXTERNAL AUTHENTICATE uses, by its holder reference.
    pub(super) terminal: Option<[u8; 12]>,
    /// What INTERNAL AUTHENTICATE uses.
    pub(super) internal: Option<InternalKey>,
}

/// How far device authentication got. Each step needs the one before.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Authentication {
    #[default]
    None,
    /// The terminal proved its key over this challenge.
    Terminal([u8; 8]),
    /// The card proved its own.
    Mutual,
}

/// All of it. The default is the state after a reset, but for the current directory.
#[derive(Clone, Default)]
pub(super) struct Volatile {
    pub(super) directory: Option<Directory>,
    /// The current file, as an index into the card's files.
    pub(super) file: Option<usize>,
    pub(super) environment: Environment,
    pub(super) agreement: Option<Agreement>,
    pub(super) channel: Option<Channel>,
    /// The send sequence counter that applies from the next command.
    pub(super) next_ssc: Option<u64>,
    pub(super) terminal_key: Option<TerminalKey>,
    pub(super) challenge: Option<[u8; 8]>,
    pub(super) authentication: Authentication,
    pub(super) pin_verified: bool,
    pub(super) puk_verified: bool,
    pub(super) chain: Option<Chain>,
    pub(super) waiting: Option<Waiting>,
}

impl Volatile {
    pub(super) fn new(profile: &Profile) -> Self {
        Self { directory: profile.root_at_reset.then_some(Directory::Root), ..Self::default() }
    }

    /// Ends secure messaging, with everything that was proved over it.
    pub(super) fn close_channel(&mut self) {
        self.channel = None;
        self.agreement = None;
        self.next_ssc = None;
        self.terminal_key = None;
        self.challenge = None;
        self.authentication = Authentication::None;
        self.chain = None;
        self.environment = Environment::default();
        self.forget_holder();
    }

    /// The holder has to show PIN and PUK again.
    pub(super) fn forget_holder(&mut self) {
        self.pin_verified = false;
        self.puk_verified = false;
    }

    /// Whether a command that came `protected` came over a channel between authenticated devices.
    pub(super) fn is_authenticated(&self, protected: bool) -> bool {
        protected && self.authentication == Authentication::Mutual
    }

    /// Whether, in addition, the holder showed the PIN.
    pub(super) fn is_holder(&self, protected: bool) -> bool {
        self.is_authenticated(protected) && self.pin_verified
    }
}
