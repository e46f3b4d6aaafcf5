//! A card that is open: what it is, what it tells, and where it stands.

use super::border::{BytesOut, ContextIn, HandleOut, NumberOut, SizeInOut, StatisticsOut};
use super::cie_handle;
use super::failure::Fault;
use super::handles::Object;
use super::record::Record;
use super::result::cie_result;
use super::trust::{self, CIE_ALLOW_LEGACY};
use crate::card::{self, Card, Kind, Session, Unlocked};
use crate::cns::Credential;
use crate::crypto::PresentedCertificate;
use crate::dialogue::Step as _;
use crate::ias;
use crate::identity::{BindingError, HashPolicy, verify_personal_data};
use crate::transport::{self, Link};
use crate::trust::{Certificate, CertifiedCard, HolderPolicy};

/// An identity card of the first generation.
pub const CIE_KIND_CIE1: i32 = 1;
/// An identity card of the second generation.
pub const CIE_KIND_CIE2: i32 = 2;
/// An identity card of the third generation, without contacts: those issued since 2016.
pub const CIE_KIND_CIE3: i32 = 3;
/// A citizen's services card (CNS), or a health card with its application (TS-CNS).
pub const CIE_KIND_CNS: i32 = 4;

/// DER, as the card gives it.
pub const CIE_FORMAT_DER: i32 = 1;
/// PEM: text, without a zero byte at its end.
pub const CIE_FORMAT_PEM: i32 = 2;

/// How much was said to a card since it was opened.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct cie_statistics {
    /// Commands sent.
    pub commands: u32,
    /// GET RESPONSE commands sent besides.
    pub get_responses: u32,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
}

impl From<transport::Statistics> for cie_statistics {
    fn from(statistics: transport::Statistics) -> Self {
        let transport::Statistics { commands, get_responses, bytes_sent, bytes_received } = statistics;
        Self { commands, get_responses, bytes_sent, bytes_received }
    }
}

/// Where a card stands. Calls that need another standing change it, except that nothing but a call for it shows a PIN
/// or ends the state after a PIN.
pub(super) enum Standing {
    /// What lies there has to be recognised anew, after a failure.
    Link(Link),
    /// Recognised; in clear.
    Known(Card),
    /// Ready for a PIN; the channel of a CIE 3 is open.
    Ready(Session),
    /// The PIN was verified.
    Unlocked(Unlocked),
}

/// The place of a card's standing; empty for as long as a step is under way, and for good if that panics.
type Place = Option<Standing>;

/// Puts back what a refusal gave, and passes the error on.
fn give_back<T: std::fmt::Debug, E: std::error::Error + Into<crate::Error>>(
    place: &mut Place,
    refused: crate::dialogue::Refused<T, E>,
    standing: impl FnOnce(T) -> Standing,
) -> Fault {
    *place = Some(standing(*refused.back));
    refused.error.into().into()
}

/// The card in clear.
pub(super) fn known(place: &mut Place) -> Result<&mut Card, Fault> {
    let link = match place.take().ok_or(Fault::Handle)? {
        standing @ Standing::Unlocked(_) => {
            *place = Some(standing);
            return Err(Fault::Unlocked);
        }
        Standing::Known(card) => return stay(place, card),
        Standing::Ready(Session::Contact(session)) => return stay(place, Card::Contact(session)),
        // A card in a protected channel is made to forget it.
        Standing::Ready(session) => forgetting(place, session.into_link())?,
        // So is one of which it is not known whether it forgot its PIN.
        Standing::Link(link) if link.is_reset_when_dropped() => forgetting(place, link)?,
        Standing::Link(link) => link,
    };
    match card::open(link) {
        Ok(card) => stay(place, card),
        Err(refused) => Err(give_back(place, refused, Standing::Link)),
    }
}

/// The link to a card that was reset, and so knows of no channel and no PIN.
fn forgetting(place: &mut Place, mut link: Link) -> Result<Link, Fault> {
    let outcome = link.reset().and_then(|()| {
        link.reset_when_dropped(false);
        link.share_again()
    });
    match outcome {
        Ok(()) => Ok(link),
        Err(error) => {
            *place = Some(Standing::Link(link));
            Err(error.into())
        }
    }
}

fn stay(place: &mut Place, card: Card) -> Result<&mut Card, Fault> {
    match place.insert(Standing::Known(card)) {
        Standing::Known(card) => Ok(card),
        _ => Err(Fault::Handle),
    }
}

/// The card ready for its PIN, taken out of its place.
pub(super) fn take_ready(place: &mut Place) -> Result<Session, Fault> {
    // A channel that a failure closed is opened anew; nothing that was sent over the old one is sent again.
    if !matches!(place, Some(Standing::Ready(session)) if !session.is_closed()) {
        known(place)?;
    }
    match place.take() {
        Some(Standing::Ready(session)) => Ok(session),
        Some(Standing::Known(card)) => {
            card.open_session().map_err(|refused| give_back(place, refused, Standing::Link))
        }
        other => {
            *place = other;
            Err(Fault::Handle)
        }
    }
}

/// What a call makes of a card that is ready for its PIN, which stays so.
pub(super) fn with_ready<T>(
    place: &mut Place,
    body: impl FnOnce(&mut Session) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut session = take_ready(place)?;
    let outcome = body(&mut session);
    *place = Some(Standing::Ready(session));
    outcome
}

/// What a call makes of a card whose PIN was verified.
pub(super) fn with_unlocked<T>(
    place: &mut Place,
    body: impl FnOnce(&mut Unlocked) -> Result<T, Fault>,
) -> Result<T, Fault> {
    match place.take().ok_or(Fault::Handle)? {
        Standing::Unlocked(mut unlocked) => {
            let outcome = body(&mut unlocked);
            *place = Some(Standing::Unlocked(unlocked));
            outcome
        }
        other => {
            *place = Some(other);
            Err(ias::Error::from(ias::Step::VerifyPin.failed(ias::Cause::PinNeeded)).into())
        }
    }
}

/// What kind of card it is.
///
/// `kind`: receives `CIE_KIND_CIE3` or one of its kin; others may be added. Nothing is sent, unless an earlier failure
/// left it open what lies there. Any thread, one call at a time, as for every function of a card: `CIE_BUSY` for a second
/// one.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_kind(context: ContextIn, card: cie_handle, kind: NumberOut) -> cie_result {
    context.call(|context| {
        let out = kind.place()?;
        let kind = context.shared().handles.card(card)?.with(|place| match place.as_ref() {
            Some(Standing::Unlocked(unlocked)) => Ok(unlocked.kind()),
            Some(Standing::Ready(session)) => Ok(session.kind()),
            _ => Ok(known(place)?.kind()),
        })?;
        out.put(match kind {
            Kind::Cie1 => CIE_KIND_CIE1,
            Kind::Cie2 => CIE_KIND_CIE2,
            Kind::Cie3 => CIE_KIND_CIE3,
            Kind::Cns => CIE_KIND_CNS,
        });
        Ok(())
    })
}

/// What the card tells anyone about itself: about thirty commands, none of which costs a try. All of it is the card's
/// own claim.
///
/// `information`: receives a record (`cie_text`) with `CIE_FIELD_KIND` and its kin, which the program closes.
/// `CIE_UNLOCKED` after a PIN was verified.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_information(
    context: ContextIn,
    card: cie_handle,
    information: HandleOut,
) -> cie_result {
    context.call(|context| {
        let out = information.place()?;
        let handles = &context.shared().handles;
        let information = handles.card(card)?.with(|place| Ok(known(place)?.information()?))?;
        out.put(handles.open(Object::Record(Record::information(&information).into()))?);
        Ok(())
    })
}

/// How much was said to the card since it was opened, by whatever calls. `statistics`: receives it. Nothing is sent.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_statistics(
    context: ContextIn,
    card: cie_handle,
    statistics: StatisticsOut,
) -> cie_result {
    context.call(|context| {
        let out = statistics.place()?;
        let statistics = context.shared().handles.card(card)?.with(|place| match place.as_mut() {
            Some(Standing::Link(link)) => Ok(link.statistics()),
            Some(Standing::Known(Card::Cie3(application))) => Ok(application.link().statistics()),
            Some(Standing::Known(Card::Contact(session))) => Ok(session.statistics()),
            Some(Standing::Ready(session)) => Ok(session.statistics()),
            Some(Standing::Unlocked(unlocked)) => Ok(unlocked.statistics()),
            None => Err(Fault::Handle),
        })?;
        out.put(statistics.into());
        Ok(())
    })
}

/// The holder's certificate. A contact card gives it to anyone, a CIE 3 after its PIN only: `CIE_PIN_NEEDED`. Nothing
/// about it was verified.
///
/// `format`: `CIE_FORMAT_DER` or `CIE_FORMAT_PEM`. `buffer`, `size`: see "Sizes" at the head; the card is asked once,
/// whether for the size or for the bytes.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_certificate(
    context: ContextIn,
    card: cie_handle,
    format: i32,
    buffer: BytesOut,
    size: SizeInOut,
) -> cie_result {
    context.call(|context| {
        let room = buffer.room(size)?;
        let is_pem = match format {
            CIE_FORMAT_DER => false,
            CIE_FORMAT_PEM => true,
            _ => return Err(Fault::Argument("neither DER nor PEM")),
        };
        let write = |certificate: &PresentedCertificate| match is_pem {
            false => Ok(certificate.as_der().to_vec()),
            true => Ok(certificate.to_pem()?.into_bytes()),
        };
        let bytes = context.shared().handles.card(card)?.with(|place| {
            if !matches!(place, Some(Standing::Unlocked(_))) {
                // A let chain would be too young for the oldest Rust that builds this.
                if let Card::Contact(session) = known(place)? {
                    return write(session.certificate(Credential::Authentication)?);
                }
            }
            with_unlocked(place, |unlocked| write(unlocked.certificate()?))
        })?;
        room.fill(&bytes)
    })
}

/// The personal data of a contact card (CIE 1 and 2, CNS, health card), which must agree with its certificate:
/// `CIE_FILE_ALTERED` if they contradict it. `CIE_OTHER_CARD` for a CIE 3, whose certificate has its holder's name.
///
/// `trust`: a trust store under which the certificate is verified, or 0 to take its word. `flags`: 0, or
/// `CIE_ALLOW_LEGACY` to take the keys of 1024 bits and the SHA-1 of older cards. Whether it was revoked is not asked.
/// `data`: receives a record (`cie_text`) with `CIE_FIELD_SURNAME` and its kin, `CIE_FIELD_BINDING` and
/// `CIE_FIELD_VOUCHED`, which the program closes.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_personal_data(
    context: ContextIn,
    card: cie_handle,
    trust: cie_handle,
    flags: u32,
    data: HandleOut,
) -> cie_result {
    context.call(|context| {
        let out = data.place()?;
        let handles = &context.shared().handles;
        trust::check_flags(flags, CIE_ALLOW_LEGACY)?;
        let trust = if trust == 0 { None } else { Some(trust::store(handles, trust)?) };
        let record = handles.card(card)?.with(|place| {
            let Card::Contact(session) = known(place)? else { return Err(Fault::OtherCard) };
            let data = session.read_personal_data()?;
            let certificate = session.certificate(Credential::Authentication)?.as_der().to_vec();
            let certificate = PresentedCertificate::from_der(&certificate)?;
            let (now, is_replayed) = (session.link().now(), session.link().is_replayed());
            let card_id = session.card_id();
            let number = card_id.map(|id| id.text().to_owned());
            let bound = verify_personal_data(&certificate, card_id, &data, HashPolicy::Tolerant);
            let (range, path) = match (bound, trust) {
                (Ok(bound), Some(trust)) => {
                    let policy = HolderPolicy::of(CertifiedCard::Cns).and(CertifiedCard::FirstGenerations);
                    let policy = if flags & CIE_ALLOW_LEGACY == 0 {
                        policy
                    } else {
                        policy.allow_legacy_cryptography()
                    };
                    let path = trust.verify_holder_with(&certificate, now, &policy)?;
                    let range = bound.under(&path)?.bound().range();
                    (Some(range), Some(path))
                }
                (Ok(bound), None) => (Some(bound.range()), None),
                // Nothing to bind it with, and nobody asked for more than the card's word.
                (Err(BindingError::CommonName(error)), None) if error.is_other_form() => (None, None),
                (Err(error), _) => return Err(error.into()),
            };
            let is_test = Certificate::from_der(certificate.as_der())?.is_test() || is_replayed;
            Ok(Record::personal_data(&data, number, range, path.as_ref(), is_test))
        })?;
        out.put(handles.open(Object::Record(record.into()))?);
        Ok(())
    })
}

/// Ends the state after a PIN: resets the card, which forgets that it was verified; also if that is in doubt, as after an
/// answer that did not come. Nothing to do, and `CIE_OK`, if no PIN was verified.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_lock(context: ContextIn, card: cie_handle) -> cie_result {
    context.call(|context| context.shared().handles.card(card)?.with(lock))
}

fn lock(place: &mut Place) -> Result<(), Fault> {
    let mut standing = place.take().ok_or(Fault::Handle)?;
    let in_doubt = match &mut standing {
        Standing::Link(link) => link.is_reset_when_dropped(),
        Standing::Known(Card::Contact(session)) | Standing::Ready(Session::Contact(session)) => {
            session.link().is_reset_when_dropped()
        }
        // What a CIE 3 knows of a PIN it knows within a channel of ours.
        Standing::Ready(Session::Cie3(session)) => session.is_closed(),
        Standing::Known(Card::Cie3(_)) | Standing::Unlocked(_) => false,
    };
    let link = match standing {
        Standing::Unlocked(unlocked) => {
            return match unlocked.lock() {
                Ok(session) => {
                    *place = Some(Standing::Ready(session));
                    Ok(())
                }
                Err(refused) => Err(give_back(place, refused, Standing::Link)),
            };
        }
        Standing::Link(link) if in_doubt => link,
        Standing::Known(card) if in_doubt => card.into_link(),
        Standing::Ready(session) if in_doubt => session.into_link(),
        other => {
            *place = Some(other);
            return Ok(());
        }
    };
    let link = forgetting(place, link)?;
    *place = Some(Standing::Link(link));
    Ok(())
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::emulator::contact::{IssueOptions, Model, issue};
    use crate::emulator::entropy::Seeded;
    use crate::emulator::issue::demo_card;
    use crate::emulator::{SoftCard, SoftTransport};
    use crate::pin::LastTry;
    use crate::secret::Typed;
    use crate::transport::{Company, Error, Transport};

    /// Loses the answer to VERIFY, and counts resets.
    struct Deaf(SoftTransport, Arc<AtomicU32>);

    impl Transport for Deaf {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
            let answer = self.0.transmit(command)?;
            // An empty VERIFY only asks.
            let verifies = command.get(1) == Some(&0x20) && command.len() > 5;
            if verifies { Err(Error::NoAnswer) } else { Ok(answer) }
        }

        fn reset(&mut self) -> Result<(), Error> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.reset()
        }

        fn atr(&self) -> &[u8] {
            self.0.atr()
        }

        fn company(&mut self) -> Option<&mut dyn Company> {
            None
        }
    }

    #[test]
    fn a_card_that_may_know_its_pin_is_locked_by_a_reset() {
        let now = std::time::SystemTime::now();
        let (pki, citizen, _) = demo_card(&mut Seeded::new(1), now).unwrap();
        let options = IssueOptions::default();
        let issued = issue(&pki, &citizen, Model::Cie2, &options, &mut Seeded::new(2), now).unwrap();
        let card = SoftCard::new_contact(issued.personalisation, Model::Cie2, Seeded::new(3)).unwrap();
        let resets = Arc::new(AtomicU32::new(0));
        let link = Link::new(Deaf(card.transport(), resets.clone()));
        let mut place = Some(Standing::Known(card::open(link).unwrap()));
        lock(&mut place).unwrap();
        assert_eq!(resets.load(Ordering::Relaxed), 0, "no PIN was shown");
        let pin = Typed::new("12345678".to_owned());
        let refused = take_ready(&mut place).unwrap().verify_pin(&pin, LastTry::Refuse).unwrap_err();
        assert!(crate::Error::from(refused.error).is_doubtful());
        place = Some(Standing::Ready(*refused.back));
        let before = resets.load(Ordering::Relaxed);
        lock(&mut place).unwrap();
        assert_eq!(resets.load(Ordering::Relaxed), before + 1);
        lock(&mut place).unwrap();
        assert_eq!(resets.load(Ordering::Relaxed), before + 1, "it has forgotten it");
        assert_eq!(known(&mut place).unwrap().kind(), Kind::Cie2);
    }
}
