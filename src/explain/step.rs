//! The steps of the protocols, by which an explanation is grouped.

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Which card it is: SELECT of its applications, EF 1001 of a CIE 3, EF_IDCarta of a contact card.
    Recognition,
    /// Asking how many tries a PIN or PUK has left.
    PinTries,
    /// Files that anyone may read.
    PublicFiles,
    /// Domain parameters, the terminal's public value, the chip's; from there on commands are protected.
    KeyExchange,
    /// The terminal's certificate and proof, and the chip's proof.
    DeviceAuthentication,
    /// The PIN is shown.
    Pin,
    /// The certificate, and on a CIE 3 whatever else is read once the PIN is shown.
    Certificate,
    /// EF_DatiPersonali of a contact card.
    PersonalData,
    /// Choosing the holder's key and using it.
    Signature,
    /// The PIN is changed.
    PinChange,
    /// The PUK is shown, or the PIN unblocked with it.
    Unblocking,
    /// A challenge is signed with the services key: no PIN, and nobody is named.
    ServicesKey,
    /// The other application of a CIE 3 (ICAO 9303).
    TravelDocument,
    /// Nothing of the above, or nothing that is told says so.
    Other,
}

impl Step {
    /// All of them, in the order of a dialogue.
    pub const ALL: [Self; 14] = [
        Self::Recognition,
        Self::PinTries,
        Self::PublicFiles,
        Self::KeyExchange,
        Self::DeviceAuthentication,
        Self::Pin,
        Self::Certificate,
        Self::PersonalData,
        Self::Signature,
        Self::PinChange,
        Self::Unblocking,
        Self::ServicesKey,
        Self::TravelDocument,
        Self::Other,
    ];

    const fn words(self) -> [&'static str; 3] {
        match self {
            Self::Recognition => ["recognition", "recognition and selection", "riconoscimento e selezione"],
            Self::PublicFiles => ["public-files", "public files", "file pubblici"],
            Self::PinTries => ["pin-tries", "tries left", "tentativi rimasti"],
            Self::KeyExchange => ["key-exchange", "key exchange", "scambio di chiavi"],
            Self::DeviceAuthentication => {
                ["device-authentication", "device authentication", "autenticazione dei dispositivi"]
            }
            Self::Pin => ["pin", "PIN", "PIN"],
            Self::Certificate => {
                ["certificate", "certificate and files of the holder", "certificato e file del titolare"]
            }
            Self::PersonalData => ["personal-data", "personal data", "dati personali"],
            Self::Signature => ["signature", "signature", "firma"],
            Self::PinChange => ["pin-change", "change of the PIN", "cambio del PIN"],
            Self::Unblocking => ["unblocking", "unblocking with the PUK", "sblocco con il PUK"],
            Self::ServicesKey => {
                ["services-key", "services key, without a PIN", "chiave dei servizi, senza PIN"]
            }
            Self::TravelDocument => ["travel-document", "travel document", "documento di viaggio"],
            Self::Other => ["other", "something else", "altro"],
        }
    }

    /// The stable name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        let [name, _, _] = self.words();
        name
    }

    /// What it is called in English.
    #[must_use]
    pub const fn english(self) -> &'static str {
        let [_, english, _] = self.words();
        english
    }

    /// What it is called in Italian.
    #[must_use]
    pub const fn italian(self) -> &'static str {
        let [_, _, italian] = self.words();
        italian
    }
}
