//! Whether a card is a software card: all that its PKI issues carries the [test mark](crate::test_mark), and some of
//! it can be read by anyone.

use super::{Card, Error, Refused, open};
use crate::cns::Credential;
use crate::ias::File;
use crate::passive::ClaimedSecurityObject;
use crate::transport::Link;
use crate::trust::Certificate;

/// Looks for the mark of a software card, on a CIE 3 in the document signer's certificate within EF.SOD, on a contact
/// card in the authentication certificate; [`Link::test_card`] says whether it was found. Nothing it sends carries a
/// PIN. The card is reset afterwards, whatever it is, so that a recording begins with a card that knows nothing;
/// another program that uses it loses its state.
///
/// What is found is the card's claim. A citizen's card makes no such claim; a card that was made to deceive has no
/// citizen's secrets in it, but would see a PIN that is typed, recorded or not.
///
/// # Errors
/// [`Refused`] with the link if the exchange fails.
pub fn find_mark(link: Link) -> Result<Link, Refused<Link>> {
    let (mut link, marked) = match open(link) {
        Ok(mut card) => {
            let marked = is_marked(&mut card);
            (card.into_link(), marked)
        }
        // Another card is not marked; a lost link is not a card.
        Err(Refused { back, error: Error::NotACie(_) | Error::Unsupported(_) }) => (*back, Ok(false)),
        Err(refused) => return Err(refused),
    };
    let outcome = link.reset().map_err(|error| Error::Failed(failed(error))).and(marked);
    match outcome {
        Ok(marked) => {
            if marked {
                link.mark();
            }
            Ok(link)
        }
        Err(error) => Err(Refused::new(link, error)),
    }
}

fn failed(error: crate::transport::Error) -> crate::ias::Error {
    crate::ias::Error { step: crate::ias::Step::SelectApplication, cause: error.into() }
}

fn is_marked(card: &mut Card) -> Result<bool, Error> {
    let certificates = match card {
        Card::Cie3(application) => match application.read(File::SecurityObject) {
            Ok(object) => match ClaimedSecurityObject::parse(&object) {
                Ok(object) => object.signed_data().certificates().to_vec(),
                Err(_) => Vec::new(),
            },
            Err(error) if error.is_transport() => return Err(error.into()),
            Err(_) => Vec::new(),
        },
        Card::Contact(session) => match session.certificate(Credential::Authentication) {
            Ok(certificate) => vec![certificate.as_der().to_vec()],
            Err(error) if error.is_transport() => return Err(error.into()),
            Err(_) => Vec::new(),
        },
    };
    let mut certificates = certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
    Ok(certificates.any(|certificate| certificate.is_test()))
}
