//! A card that is open: what it is, what it tells, and where it stands.

use super::border::{BytesOut, ContextIn, HandleOut, NumberOut, SizeInOut, StatisticsOut};
use super::cie_handle;
use super::failure::Fault;
use super::handles::Object;
use super::record::Record;
use super::result::cie_result;
use super::standing::{OpenCard, Standing};
use super::trust::{self, CIE_ALLOW_LEGACY};
use crate::card::{Card, Kind, Session};
use crate::cns::Credential;
use crate::crypto::PresentedCertificate;
use crate::identity::{BindingError, HashPolicy, verify_personal_data};
use crate::transport;
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
/// PEM: text, with a zero byte at its end, which the size counts.
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

/// What kind of card it is.
///
/// `kind`: receives `CIE_KIND_CIE3` or one of its kin; others may be added. Nothing is sent, unless an earlier failure
/// left it open what lies there.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_kind(context: ContextIn, card: cie_handle, kind: NumberOut) -> cie_result {
    let out = kind.place();
    context.call(|context| {
        let out = out?;
        let kind = context.shared().handles.card(card)?.edit(|card| match card.standing() {
            Some(Standing::Unlocked(unlocked)) => Ok(unlocked.kind()),
            Some(Standing::Ready(session)) => Ok(session.kind()),
            _ => Ok(card.known()?.kind()),
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
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_information(
    context: ContextIn,
    card: cie_handle,
    information: HandleOut,
) -> cie_result {
    let out = information.place();
    context.call(|context| {
        let out = out?;
        let handles = &context.shared().handles;
        let information = handles.card(card)?.edit(|card| Ok(card.known()?.information()?))?;
        out.put(handles.open(Object::Record(Record::information(&information).into()))?);
        Ok(())
    })
}

/// How much was said to the card since it was opened, by whatever calls. `statistics`: receives it. Nothing is sent.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_statistics(
    context: ContextIn,
    card: cie_handle,
    statistics: StatisticsOut,
) -> cie_result {
    let out = statistics.place();
    context.call(|context| {
        let out = out?;
        let statistics = context.shared().handles.card(card)?.edit(|card| match card.standing() {
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
///
/// Threads: any, one call at a time for a card.
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
            _ => return Err(Fault::Argument("format: neither CIE_FORMAT_DER nor CIE_FORMAT_PEM")),
        };
        let write = |certificate: &PresentedCertificate| match is_pem {
            false => Ok(certificate.as_der().to_vec()),
            true => Ok((certificate.to_pem()? + "\0").into_bytes()),
        };
        let bytes = context.shared().handles.card(card)?.edit(|card| {
            // A CIE 3 is not asked for what it gives after its PIN only.
            let needs_pin = matches!(
                card.standing(),
                Some(
                    Standing::Unlocked(_)
                        | Standing::Known(Card::Cie3(_))
                        | Standing::Ready(Session::Cie3(_))
                )
            );
            if !needs_pin {
                if let Card::Contact(session) = card.known()? {
                    return write(session.certificate(Credential::Authentication)?);
                }
            }
            card.with_unlocked(|unlocked| write(unlocked.certificate()?))
        })?;
        room.fill(&bytes)
    })
}

/// The personal data of a contact card (CIE 1 and 2, CNS, health card), which must agree with its certificate:
/// `CIE_FILE_ALTERED` if they contradict it. `CIE_OTHER_CARD` for a CIE 3, whose certificate has its holder's name.
///
/// Whatever vouches for the data, it does not vouch for the card: data and certificate can be copied onto another one,
/// and no challenge is answered here. Let nobody in by this; a login does that.
///
/// `trust`: a trust store under which the certificate is verified, or 0 to take its word. `flags`: 0, or
/// `CIE_ALLOW_LEGACY` to take the keys of 1024 bits and the SHA-1 of older cards. Whether it was revoked is not asked.
/// `data`: receives a record (`cie_text`) with `CIE_FIELD_SURNAME` and its kin, `CIE_FIELD_BINDING` and
/// `CIE_FIELD_VOUCHED`, which the program closes. `CIE_UNLOCKED` after a PIN was verified.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_personal_data(
    context: ContextIn,
    card: cie_handle,
    trust: cie_handle,
    flags: u32,
    data: HandleOut,
) -> cie_result {
    let out = data.place();
    context.call(|context| {
        let out = out?;
        let handles = &context.shared().handles;
        trust::check_flags(flags, CIE_ALLOW_LEGACY)?;
        let trust = if trust == 0 { None } else { Some(trust::store(handles, trust)?) };
        let record = handles.card(card)?.edit(|card| {
            let Card::Contact(session) = card.known()? else { return Err(Fault::OtherCard) };
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

/// Ends the state after a PIN: resets the card, which forgets that it was verified; also if that is in doubt, as after
/// an answer that did not come. Nothing to do, and `CIE_OK`, if no PIN was verified.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_lock(context: ContextIn, card: cie_handle) -> cie_result {
    context.call(|context| context.shared().handles.card(card)?.edit(OpenCard::lock))
}
