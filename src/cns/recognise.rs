//! Which card it is, by its files.

use super::layout::Layout;
use super::{AtrHint, Cause, ClaimedCardId, Error, Family, File, PersonalData, Step};
use crate::dialogue::Step as _;
use crate::file::{self, Extent};
use crate::secure_messaging::Channel;

/// Length of EF_IDCarta in bytes.
const CARD_ID_LENGTH: usize = 16;

/// What a card was recognised as.
pub(super) struct Recognised {
    pub(super) layout: Layout,
    pub(super) family: Family,
    pub(super) card_id: Option<ClaimedCardId>,
}

/// Looks at the files that tell. The answer to reset is what tells the family; without one, its number does.
pub(super) fn recognise(channel: &mut Channel, hint: Option<&AtrHint>) -> Result<Recognised, Error> {
    let (layout, card_id) = find(channel)?;
    // Over the air, or in a reader that invents answers to reset, the number is all there is to go by; what is
    // no number of a CNS must have a CIE's personal data beside it.
    let family = match (hint, &card_id) {
        (Some(hint), _) => hint.family,
        (None, Some(id)) if !id.is_cns_number() => Family::Cie2,
        (None, _) => Family::Cns,
    };
    if hint.is_none() && family == Family::Cie2 {
        has_personal_data(channel, layout)?.map_err(|cause| Step::Recognise.failed(cause))?;
    }
    Ok(Recognised { layout, family, card_id })
}

/// The way to the card's files, and its number: by the first of the ways that leads to either.
fn find(channel: &mut Channel) -> Result<(Layout, Option<ClaimedCardId>), Error> {
    let step = Step::Recognise;
    let mut first: Option<Cause> = None;
    for layout in Layout::ALL {
        let failed = match look(channel, layout)? {
            Ok(card_id) => return Ok((layout, card_id)),
            Err(cause) => cause,
        };
        first.get_or_insert(failed);
    }
    Err(step.failed(first.unwrap_or(Cause::NoCertificate)))
}

/// Whether the card's number is where this way leads.
fn look(channel: &mut Channel, layout: Layout) -> Result<Result<Option<ClaimedCardId>, Cause>, Error> {
    match read_beginning(channel, layout, File::CardId, CARD_ID_LENGTH)? {
        Ok(content) => {
            let id = ClaimedCardId::parse(&content).map_err(|_| Cause::Malformed("card number"));
            Ok(id.map(Some))
        }
        // Such cards keep a number elsewhere: here the application's name and the form of the file tell.
        Err(cause) if layout == Layout::Application => {
            Ok(has_personal_data(channel, layout)?.map(|()| None).map_err(|_| cause))
        }
        Err(cause) => Ok(Err(cause)),
    }
}

/// Whether EF_DatiPersonali begins as it must.
fn has_personal_data(channel: &mut Channel, layout: Layout) -> Result<Result<(), Cause>, Error> {
    let header = read_beginning(channel, layout, File::PersonalData, PersonalData::HEADER_LENGTH)?;
    Ok(header.and_then(|header| {
        let is_header =
            header.len() == PersonalData::HEADER_LENGTH && header.iter().all(u8::is_ascii_hexdigit);
        if is_header { Ok(()) } else { Err(Cause::Malformed("header of the personal data")) }
    }))
}

/// The first bytes of a file, or why the card does not give them.
fn read_beginning(
    channel: &mut Channel,
    layout: Layout,
    file: File,
    length: usize,
) -> Result<Result<Vec<u8>, Cause>, Error> {
    let step = Step::Recognise;
    if let Err(status) = layout.select(channel, file.path()).map_err(|e| step.failed(e))? {
        return Ok(Err(status.into()));
    }
    match file::read_current(channel, Extent::AtMost(length)) {
        Err(file::Error::Channel(error)) => Err(step.failed(error)),
        Err(error) => Ok(Err(error.into())),
        Ok(content) => Ok(Ok(content)),
    }
}
