//! `personal-data`: who the holder of a contact card is, by EF_DatiPersonali, and whether that is what the card's
//! certificate says. What contradicts the certificate is not shown.

use std::fmt::Write;

use cie::cns::{Credential, Field, PersonalData};
use cie::crypto::PresentedCertificate;
use cie::identity::{
    AgreementReport, BindingError, FiscalCode, HashPolicy, HashedRange, verify_personal_data,
};
use serde_json::{Map, Value, json};

use crate::arguments::Common;
use crate::failure::{self, Failure};
use crate::language::{self, Text};
use crate::output::Output;
use crate::progress::Progress;
use crate::reader;

/// What was read, and what it agrees with.
struct Found {
    data: PersonalData,
    card_number: Option<String>,
    /// What the digest in the certificate covers; nothing if the certificate has none.
    range: Option<HashedRange>,
    /// Where the fiscal code says something else.
    differing: Vec<Field>,
}

pub(super) fn run(common: &Common, output: Output) -> Result<(), Failure> {
    let card = reader::card(common, output)?;
    let mut session = card.into_cns().map_err(|_| Failure::Own(failure::OTHER_CARD, String::new()))?;
    let progress = Progress::start(output, language::READING_DATA);
    let data = session.read_personal_data()?;
    let der = session.certificate(Credential::Authentication)?.as_der().to_vec();
    drop(progress);
    let certificate = PresentedCertificate::from_der(&der)?;
    let range = match verify_personal_data(&certificate, session.card_id(), &data, HashPolicy::Tolerant) {
        Ok(bound) => Some(bound.range()),
        Err(BindingError::CommonName(error)) if error.is_other_form() => None,
        Err(error) => return Err(error.into()),
    };
    let code = data.fiscal_code().and_then(|code| FiscalCode::parse(code).ok());
    let differing =
        code.map(|code| AgreementReport::of(&code, &data).differing().collect()).unwrap_or_default();
    let card_number = session.card_id().map(|id| id.text().to_owned());
    let found = Found { data, card_number, range, differing };
    output.result(&to_json(&found), &to_text(&found, output))
}

fn to_json(found: &Found) -> Value {
    let mut fields = Map::new();
    for field in Field::ALL {
        fields.insert(field.name().to_owned(), json!(found.data.value(field)));
    }
    json!({
        "personal_data": fields,
        "card_number": found.card_number,
        "binding": found.range.map(|range| json!({ "range": range.name() })),
        "differing": found.differing.iter().map(|field| field.name()).collect::<Vec<_>>(),
    })
}

fn to_text(found: &Found, output: Output) -> String {
    let language = output.language;
    let mut text = String::new();
    let mut line = |label: Text, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", label.with(language, &[&value]));
    };
    for field in Field::ALL {
        if let Some(value) = found.data.value(field) {
            line(label(field), &value);
        }
    }
    if let Some(number) = &found.card_number {
        line(language::DATA_CARD_NUMBER, number);
    }
    match found.range {
        Some(HashedRange::WholeFile) => line(language::DATA_BOUND, ""),
        Some(range) => line(language::DATA_BOUND_BY_PART, range.name()),
        None => line(language::DATA_UNBOUND, ""),
    }
    if !found.differing.is_empty() {
        let name = |field: &Field| label(*field).of(language).trim_end_matches(": {}");
        let names: Vec<_> = found.differing.iter().map(name).collect();
        line(language::DATA_DIFFERING, &names.join(", "));
    }
    text
}

/// What a person calls it.
fn label(field: Field) -> Text {
    match field {
        Field::IssuerCode => language::DATA_ISSUER_CODE,
        Field::IssueDate => language::DATA_ISSUE_DATE,
        Field::ExpiryDate => language::DATA_EXPIRY_DATE,
        Field::Surname => language::DATA_SURNAME,
        Field::GivenNames => language::DATA_GIVEN_NAMES,
        Field::BirthDate => language::DATA_BIRTH_DATE,
        Field::Sex => language::DATA_SEX,
        Field::Stature => language::DATA_STATURE,
        Field::FiscalCode => language::DATA_FISCAL_CODE,
        Field::Citizenship => language::DATA_CITIZENSHIP,
        Field::BirthMunicipality => language::DATA_BIRTH_MUNICIPALITY,
        Field::BirthState => language::DATA_BIRTH_STATE,
        Field::BirthAct => language::DATA_BIRTH_ACT,
        Field::ResidenceMunicipality => language::DATA_RESIDENCE_MUNICIPALITY,
        Field::ResidenceAddress => language::DATA_RESIDENCE_ADDRESS,
        Field::TravelNote => language::DATA_TRAVEL_NOTE,
        _ => language::READER_UNKNOWN,
    }
}
