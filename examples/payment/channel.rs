//! Where a citizen pays.

use std::fmt;

/// The six channels. The order names the one that made it, signed with the rest. Any channel may bring it to the ledger:
/// it pays the same notices for the same payer, wherever it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Channel {
    Counter,
    Kiosk,
    Tobacconist,
    Bank,
    Supermarket,
    Web,
}

impl Channel {
    pub(crate) const ALL: [Self; 6] =
        [Self::Counter, Self::Kiosk, Self::Tobacconist, Self::Bank, Self::Supermarket, Self::Web];

    /// As the order and the command line write it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Kiosk => "kiosk",
            Self::Tobacconist => "tobacconist",
            Self::Bank => "bank",
            Self::Supermarket => "supermarket",
            Self::Web => "web",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }

    pub(crate) const fn italian(self) -> &'static str {
        match self {
            Self::Counter => "sportello comunale",
            Self::Kiosk => "chiosco",
            Self::Tobacconist => "tabaccheria",
            Self::Bank => "sportello bancario",
            Self::Supermarket => "cassa del supermercato",
            Self::Web => "web",
        }
    }

    pub(crate) const fn english(self) -> &'static str {
        match self {
            Self::Counter => "municipal counter",
            Self::Kiosk => "kiosk",
            Self::Tobacconist => "tobacconist",
            Self::Bank => "bank branch",
            Self::Supermarket => "supermarket till",
            Self::Web => "web",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
