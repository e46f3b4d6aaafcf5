//! Which certificates of citizens a relying party takes: of which cards, and how old their cryptography may be.
//!
//! The profiles are those of the CIE 3 and of the CNS (authentication certificate profile 1.1). What the identity
//! cards of the first generations say is not known.

use std::sync::Arc;

use super::{AnchorPurpose, Certificate, Error};
use crate::crypto::SignatureScheme;

/// The policy of holder certificates on a CIE 3.
const CIE3: &str = "1.3.76.47.4";
/// Those of a CNS: the national one, and two of Lombardy's cards.
const CNS: [&str; 3] = ["1.3.76.16.2.1", "1.3.159.6.1.3.2.10", "1.3.76.12.1.1.10.2.2.10"];

/// The least bits of a modulus under [`HolderPolicy::allow_legacy_cryptography`]: of the citizen's key, and of the
/// authorities above.
const LEGACY_HOLDER_BITS: usize = 1024;
const LEGACY_AUTHORITY_BITS: usize = 2048;

/// The kind of card that a certificate says it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertifiedCard {
    /// An identity card of the third generation.
    Cie3,
    /// A citizen's services card, or a health card with its application.
    Cns,
    /// An identity card of the first generations. Which policy they name, if any, is not known, so their issuers
    /// are all that decides: a path ends at an anchor for [`AnchorPurpose::FirstGenerations`], which should be
    /// authorities that issued nothing else.
    FirstGenerations,
}

impl CertifiedCard {
    /// A stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cie3 => "cie3",
            Self::Cns => "cns",
            Self::FirstGenerations => "first-generations",
        }
    }

    /// The anchors that a path for such a card may end at.
    pub(super) fn anchors(self) -> AnchorPurpose {
        match self {
            Self::Cie3 => AnchorPurpose::Holder,
            Self::Cns => AnchorPurpose::Cns,
            Self::FirstGenerations => AnchorPurpose::FirstGenerations,
        }
    }
}

/// What is asked of extKeyUsage. What real cards' certificates say there is not known to us, so the strictness is
/// somebody's choice. keyUsage must say digitalSignature in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// Where there is an extKeyUsage, clientAuth stands in it: what RFC 5280 asks for.
    #[default]
    WhereStated,
    /// There is one, and clientAuth stands in it.
    Required,
    /// Nothing: the policy of the certificate says what it is for.
    NotAsked,
}

/// Which certificates are taken. Nothing is let pass that is not named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderPolicy {
    cards: Vec<CertifiedCard>,
    client_authentication: ClientAuthentication,
    legacy: bool,
}

impl HolderPolicy {
    /// Certificates of one kind of card.
    #[must_use]
    pub fn of(card: CertifiedCard) -> Self {
        Self { cards: vec![card], client_authentication: ClientAuthentication::default(), legacy: false }
    }

    /// Certificates of any of these; of the default kind if there are none.
    #[must_use]
    pub fn of_any(cards: impl IntoIterator<Item = CertifiedCard>) -> Self {
        let mut cards = cards.into_iter();
        let first = cards.next().map_or_else(Self::default, Self::of);
        cards.fold(first, Self::and)
    }

    /// And those of another.
    #[must_use]
    pub fn and(mut self, card: CertifiedCard) -> Self {
        self.cards.push(card);
        self
    }

    /// With another strictness about extKeyUsage.
    #[must_use]
    pub fn client_authentication(mut self, asked: ClientAuthentication) -> Self {
        self.client_authentication = asked;
        self
    }

    pub(super) fn asks_for_client_authentication(&self) -> bool {
        self.client_authentication != ClientAuthentication::NotAsked
    }

    /// Takes citizens' keys of 1024 bits and more, and SHA-1 in the signatures of the path, as cards of before 2012
    /// or so have them. Such keys and digests can be forged by who spends enough on it: this is for services that
    /// know what is at stake, and [`ValidPath::is_legacy`](super::ValidPath::is_legacy) says when it was needed.
    /// Authorities' keys keep their 2048 bits.
    #[must_use]
    pub fn allow_legacy_cryptography(mut self) -> Self {
        self.legacy = true;
        self
    }

    pub(super) fn allows_legacy(&self) -> bool {
        self.legacy
    }

    /// The kind of card that the certificate is from, if that is one of those asked for.
    pub(super) fn check_profile(&self, holder: &Certificate) -> Result<CertifiedCard, Error> {
        let names = |policies: &[&str]| holder.policies().iter().any(|policy| policies.contains(&&**policy));
        let binds = holder.allows_content_commitment() == Some(true);
        let (cie3, cns) = (names(&[CIE3]), names(&CNS));
        let matches = |card: &CertifiedCard| match card {
            CertifiedCard::Cie3 => cie3,
            CertifiedCard::Cns => cns && !cie3 && !binds,
            // What says that it is from another card is from that.
            CertifiedCard::FirstGenerations => !cie3 && !cns && !binds,
        };
        let client = match (self.client_authentication, holder.allows_client_authentication()) {
            (ClientAuthentication::NotAsked, _) | (_, Some(true)) => true,
            (ClientAuthentication::WhereStated, stated) => stated.is_none(),
            (ClientAuthentication::Required, _) => false,
        };
        let rules = [
            (!holder.is_authority(), "an authority's certificate"),
            (holder.allows_digital_signature() == Some(true), "keyUsage without digitalSignature"),
            (client, "extKeyUsage without client authentication"),
        ];
        if let Some((_, broken)) = rules.iter().find(|(holds, _)| !holds) {
            return Err(Error::WrongPurpose(broken));
        }
        let found = self.cards.iter().find(|card| matches(card)).copied();
        // Only a policy that is known says which card it is: what names none of them may be anybody's.
        let other = || [CertifiedCard::Cie3, CertifiedCard::Cns].into_iter().find(matches);
        found.ok_or_else(|| {
            other().map_or(
                Error::WrongPurpose("not the policy of a card that is taken here"),
                Error::CardNotTaken,
            )
        })
    }
}

impl Default for HolderPolicy {
    /// A CIE 3, and nothing older.
    fn default() -> Self {
        Self::of(CertifiedCard::Cie3)
    }
}

/// What is asked of a path when older cryptography is let pass: keys of a size that was usual, signatures with RSA
/// and no digest older than SHA-1. The last one is the anchor, whose own signature nobody judges.
pub(super) fn check_legacy(path: &[Arc<Certificate>]) -> Result<(), Error> {
    let last = path.len().saturating_sub(1);
    for (index, certificate) in path.iter().enumerate() {
        let least = if index == 0 { LEGACY_HOLDER_BITS } else { LEGACY_AUTHORITY_BITS };
        let long_enough = certificate.rsa_bits().is_some_and(|bits| bits >= least);
        let with_rsa = matches!(certificate.scheme(), Some(SignatureScheme::RsaPkcs1(_)));
        if !long_enough || index != last && !with_rsa {
            return Err(Error::TooWeak);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn an_authority_is_nobodys_card() {
        let authority = vectors::hex_of(&vectors::contact("/certificates/ca"));
        let authority = Certificate::from_der(&authority).unwrap();
        for card in [CertifiedCard::Cie3, CertifiedCard::Cns, CertifiedCard::FirstGenerations] {
            let outcome = HolderPolicy::of(card).check_profile(&authority);
            assert_eq!(outcome, Err(Error::WrongPurpose("an authority's certificate")));
        }
    }
}
