//! Records: what became known, field by field.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::border::{BytesOut, ContextIn, NumberOut, SizeInOut, TextOut};
use super::cie_handle;
use super::failure::Fault;
use super::result::cie_result;
use crate::card::Information;
use crate::cns::{Field, PersonalData};
use crate::environment::moment;
use crate::genuine::GenuineChip;
use crate::identity::HashedRange;
use crate::kiosk::AuthenticNis;
use crate::login::{Citizen, SoftCitizen};
use crate::passive::AuthenticFiles;
use crate::trust::{CertifiedCard, Proof, ValidPath};

/// Information: "cie1", "cie2", "cie3" or "cns". A citizen: "cie3", "cns" or "first-generations".
pub const CIE_FIELD_KIND: i32 = 1;
/// Information: who made the chip, such as "nxp"; "unknown" if it cannot be told.
pub const CIE_FIELD_CHIP: i32 = 2;
/// Information: the answer to reset, in hexadecimal digits.
pub const CIE_FIELD_ATR: i32 = 3;
/// Information: what was found on the card, separated by commas: "ias-ecc", "cie", "travel-document", "cns".
pub const CIE_FIELD_APPLICATIONS: i32 = 4;
/// Information, personal data, a citizen: the number of the card; a CIE 3 tells anyone that of its chip, in hexadecimal
/// digits.
pub const CIE_FIELD_CARD_NUMBER: i32 = 5;
/// Information (the card's claim), a genuine card: the number for services, twelve digits.
pub const CIE_FIELD_NIS: i32 = 6;
/// Information: bits of the authentication key of a contact card.
pub const CIE_FIELD_KEY_BITS: i32 = 7;

/// Personal data: what the digest in the certificate covers, "whole-file" or another range; absent if nothing binds the
/// data to the certificate.
pub const CIE_FIELD_BINDING: i32 = 20;
/// Personal data: "trust" if the certificate was verified under a trust store, "card" if it is the card's word. Neither
/// says that the card is no copy.
pub const CIE_FIELD_VOUCHED: i32 = 21;

/// A citizen: "good" if the certificate was not revoked, "unknown" if nobody could say, "not-asked" under
/// `CIE_POLICY_OFFLINE`, whatever lists said: one that is on a list does not come so far.
pub const CIE_FIELD_STATUS: i32 = 30;
/// A citizen whose status is good: until when it is (RFC 3339).
pub const CIE_FIELD_STATUS_UNTIL: i32 = 31;
/// A citizen: the end of the certificate's validity (RFC 3339).
pub const CIE_FIELD_VALID_UNTIL: i32 = 32;
/// A genuine card, a genuine chip, a citizen: the moment of the check (RFC 3339).
pub const CIE_FIELD_CHECKED_AT: i32 = 33;
/// A genuine card, a genuine chip: common name of the document signer.
pub const CIE_FIELD_SIGNER: i32 = 34;

/// Personal data: who issued the card, as it is written.
pub const CIE_FIELD_ISSUER_CODE: i32 = 101;
/// Personal data: day of issue (ISO 8601 if it is a date, else as it is written).
pub const CIE_FIELD_ISSUE_DATE: i32 = 102;
/// Personal data: last day of validity.
pub const CIE_FIELD_EXPIRY_DATE: i32 = 103;
/// Personal data, a citizen: surname.
pub const CIE_FIELD_SURNAME: i32 = 104;
/// Personal data, a citizen: given names.
pub const CIE_FIELD_GIVEN_NAMES: i32 = 105;
/// Personal data: day of birth.
pub const CIE_FIELD_BIRTH_DATE: i32 = 106;
/// Personal data: sex, "F" or "M".
pub const CIE_FIELD_SEX: i32 = 107;
/// Personal data: stature in centimetres.
pub const CIE_FIELD_STATURE: i32 = 108;
/// Personal data, a citizen: fiscal code.
pub const CIE_FIELD_FISCAL_CODE: i32 = 109;
/// Personal data: citizenship, in a coding that is not published; a CNS leaves it out.
pub const CIE_FIELD_CITIZENSHIP: i32 = 110;
/// Personal data: municipality of birth: its code in the land register (Belfiore code), such as "L219" for Turin.
pub const CIE_FIELD_BIRTH_MUNICIPALITY: i32 = 111;
/// Personal data: state of birth, of those born abroad: the same kind of code, which begins with Z, or as it is
/// written.
pub const CIE_FIELD_BIRTH_STATE: i32 = 112;
/// Personal data: particulars of the birth act.
pub const CIE_FIELD_BIRTH_ACT: i32 = 113;
/// Personal data: municipality of residence: its code, as for `CIE_FIELD_BIRTH_MUNICIPALITY`.
pub const CIE_FIELD_RESIDENCE_MUNICIPALITY: i32 = 114;
/// Personal data: address of residence.
pub const CIE_FIELD_RESIDENCE_ADDRESS: i32 = 115;
/// Personal data: note about travel abroad.
pub const CIE_FIELD_TRAVEL_NOTE: i32 = 116;

/// What stands before the number of a field of the personal data.
const PERSONAL_DATA: i32 = 100;

/// What became known. Fields that were not told are not in it; all of it is cleared in the end.
pub(super) struct Record {
    what: What,
    fields: Vec<(i32, Zeroizing<String>)>,
    is_test: Option<bool>,
    is_legacy: Option<bool>,
}

/// What a record is about.
pub(super) enum What {
    /// Nothing but its fields.
    Fields,
    /// A citizen, with the certificate (DER).
    Citizen(Zeroizing<Vec<u8>>),
    /// A genuine chip.
    Chip(Arc<GenuineChip>),
}

impl Record {
    fn new(what: What, is_test: Option<bool>, is_legacy: Option<bool>) -> Self {
        Self { what, fields: Vec::new(), is_test, is_legacy }
    }

    pub(super) fn what(&self) -> &What {
        &self.what
    }

    fn with(mut self, field: i32, value: impl Into<String>) -> Self {
        self.fields.push((field, Zeroizing::new(value.into())));
        self
    }

    fn with_some(self, field: i32, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }

    pub(super) fn information(information: &Information) -> Self {
        let record = Self::new(What::Fields, None, None)
            .with(CIE_FIELD_KIND, information.kind().name())
            .with(CIE_FIELD_ATR, hex::encode_upper(information.atr()));
        match information {
            Information::Cie3(cie3) => {
                let applications: Vec<_> = cie3.applications.iter().map(|found| found.name()).collect();
                record
                    .with(CIE_FIELD_CHIP, cie3.chip.name())
                    .with(CIE_FIELD_APPLICATIONS, applications.join(","))
                    .with(CIE_FIELD_NIS, cie3.nis.digits())
                    .with_some(
                        CIE_FIELD_CARD_NUMBER,
                        cie3.card_number.as_ref().map(|number| hex::encode_upper(number.as_bytes())),
                    )
            }
            Information::Contact(contact) => {
                let chip = contact.hint.as_ref().and_then(|hint| hint.ic_name()).unwrap_or("unknown");
                let [authentication, _] = contact.key_bits;
                record
                    .with(CIE_FIELD_CHIP, chip)
                    .with(CIE_FIELD_APPLICATIONS, "cns")
                    .with_some(CIE_FIELD_CARD_NUMBER, contact.card_id.as_ref().map(|id| id.text()))
                    .with_some(CIE_FIELD_KEY_BITS, authentication.map(|bits| bits.to_string()))
            }
        }
    }

    pub(super) fn personal_data(
        data: &PersonalData,
        card_number: Option<String>,
        binding: Option<HashedRange>,
        path: Option<&ValidPath>,
        is_test: bool,
    ) -> Self {
        // Of the card's word only one thing is believed.
        let is_test = (path.is_some() || is_test).then_some(is_test);
        let record = Self::new(What::Fields, is_test, path.map(ValidPath::is_legacy))
            .with_some(CIE_FIELD_CARD_NUMBER, card_number)
            .with_some(CIE_FIELD_BINDING, binding.map(HashedRange::name))
            .with(CIE_FIELD_VOUCHED, if path.is_some() { "trust" } else { "card" });
        let number = |field: Field| PERSONAL_DATA + i32::from(field.number());
        Field::ALL
            .into_iter()
            .fold(record, |record, field| record.with_some(number(field), data.value(field)))
    }

    pub(super) fn nis(nis: &AuthenticNis) -> Self {
        Self::new(What::Fields, Some(nis.is_test()), None)
            .with(CIE_FIELD_NIS, nis.digits())
            .with(CIE_FIELD_CHECKED_AT, moment::format(nis.checked_at()))
            .signed(nis.files())
    }

    pub(super) fn chip(chip: Arc<GenuineChip>) -> Self {
        let (is_test, checked_at, files) = (chip.is_test(), chip.checked_at(), chip.files().clone());
        Self::new(What::Chip(chip), Some(is_test), None)
            .with(CIE_FIELD_CHECKED_AT, moment::format(checked_at))
            .signed(&files)
    }

    fn signed(mut self, files: &AuthenticFiles) -> Self {
        self.is_legacy = Some(files.is_legacy());
        self.with_some(CIE_FIELD_SIGNER, files.signer().subject().common_name.clone())
    }

    /// Under hard-fail.
    pub(super) fn verified(citizen: &Citizen) -> Self {
        Self::citizen(citizen)
            .with(CIE_FIELD_STATUS, "good")
            .with(CIE_FIELD_STATUS_UNTIL, moment::format(citizen.proof().good_until()))
    }

    /// Under soft-fail.
    pub(super) fn soft(citizen: &SoftCitizen) -> Self {
        match citizen {
            SoftCitizen::Verified(citizen) => Self::verified(citizen),
            SoftCitizen::StatusUnknown(citizen) => Self::citizen(citizen).with(CIE_FIELD_STATUS, "unknown"),
        }
    }

    /// Without asking anybody.
    pub(super) fn offline(citizen: &Citizen<ValidPath>) -> Self {
        Self::citizen(citizen).with(CIE_FIELD_STATUS, "not-asked")
    }

    fn citizen<P: Proof>(citizen: &Citizen<P>) -> Self {
        let path = citizen.proof().path();
        let certificate = What::Citizen(Zeroizing::new(citizen.certificate_der().to_vec()));
        Self::new(certificate, Some(citizen.is_test()), Some(citizen.is_legacy()))
            .with_some(CIE_FIELD_KIND, citizen.card().map(CertifiedCard::name))
            .with(CIE_FIELD_FISCAL_CODE, citizen.fiscal_code().as_str())
            .with_some(CIE_FIELD_SURNAME, citizen.surname())
            .with_some(CIE_FIELD_GIVEN_NAMES, citizen.given_names())
            .with_some(CIE_FIELD_CARD_NUMBER, citizen.card_number())
            .with(CIE_FIELD_VALID_UNTIL, moment::format(path.certificate().validity().1))
            .with(CIE_FIELD_CHECKED_AT, moment::format(path.checked_at()))
    }
}

/// A field of a record, as text.
///
/// `record`: what a card's information, its personal data, a genuine card or chip, or a citizen came as. `field`:
/// `CIE_FIELD_KIND` or one of its kin; each says in which records it is. `CIE_ABSENT` for one that is not in this
/// record.
/// `buffer`, `size`: see "Sizes" at the head; the text is UTF-8 with a zero byte at its end. A record does not change:
/// any number of threads may read it.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_text(
    context: ContextIn,
    record: cie_handle,
    field: i32,
    buffer: TextOut,
    size: SizeInOut,
) -> cie_result {
    context.call(|context| {
        let room = buffer.room(size)?;
        let record = context.shared().handles.record(record)?;
        let found = record.fields.iter().find(|(known, _)| *known == field);
        room.fill(&found.ok_or(Fault::Absent)?.1)
    })
}

/// Whether a record is about a software card or a recorded dialogue, and nobody at all: to be asked before anybody is
/// let in.
///
/// `is_test`: receives 1 or 0, and 1 on any failure. `CIE_ABSENT` for what proves nothing: a card's information, and
/// personal data that are the card's word, unless the card itself says that it is a software card.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_is_test(context: ContextIn, record: cie_handle, is_test: NumberOut) -> cie_result {
    flag(context, record, is_test, |record| record.is_test)
}

/// Whether old cryptography had to be let pass for a record: `CIE_ALLOW_SHA1`, `CIE_ALLOW_LEGACY`.
///
/// `is_legacy`: receives 1 or 0, and 1 on any failure. `CIE_ABSENT` where nothing was verified.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_is_legacy(context: ContextIn, record: cie_handle, is_legacy: NumberOut) -> cie_result {
    flag(context, record, is_legacy, |record| record.is_legacy)
}

fn flag(
    context: ContextIn,
    record: cie_handle,
    out: NumberOut,
    flag: impl FnOnce(&Record) -> Option<bool>,
) -> cie_result {
    // Whoever does not look at the result is not told that all is well, and be it for want of a context.
    let out = out.place().map(|place| place.put_first(1));
    context.call(|context| {
        let out = out?;
        let flag = flag(&*context.shared().handles.record(record)?);
        out.put(i32::from(flag.ok_or(Fault::Absent)?));
        Ok(())
    })
}

/// The certificate (DER) with which a citizen logged in: evidence of the login.
///
/// `citizen`: from `cie_login_finish`; `CIE_ABSENT` for other records. `buffer`, `size`: see "Sizes" at the head.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_citizen_certificate(
    context: ContextIn,
    citizen: cie_handle,
    buffer: BytesOut,
    size: SizeInOut,
) -> cie_result {
    context.call(|context| {
        let room = buffer.room(size)?;
        let record = context.shared().handles.record(citizen)?;
        let What::Citizen(certificate) = &record.what else { return Err(Fault::Absent) };
        room.fill(certificate)
    })
}
