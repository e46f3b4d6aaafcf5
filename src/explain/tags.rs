//! What data objects are called and what their values say, by where they stand (ISO/IEC 7816-4 sections 7.4, 10.2 and
//! 10.3; IAS ECC 1.0.1).

use super::names::{self, Application};
use super::status;
use super::text::{Pair, Text};
use crate::iso7816::StatusWord;

/// Where data objects stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// Under secure messaging.
    Protected,
    /// File control information.
    Control,
    /// A control reference template.
    Template,
    /// The template of a key agreement, whose reference is one of domain parameters.
    Agreement,
    /// Security data objects, asked for or given.
    DataObjects,
    /// A card-verifiable certificate.
    Certificate,
    /// READ BINARY with data objects.
    Read,
}

const DOMAIN_PARAMETERS: u32 = 0xA3;
const PUBLIC_KEY: u32 = 0x7F49;

/// What an object is called.
pub(super) fn name(context: Context, parent: u32, tag: u32) -> Option<Text> {
    let name: Pair = match context {
        Context::Protected => match tag {
            0x81 => ("data in clear", "dati in chiaro"),
            0x85 | 0x87 => ("cryptogram", "crittogramma"),
            0x8E => ("checksum", "codice di autenticazione"),
            0x97 => ("Le", "Le"),
            0x99 => ("status word", "stato"),
            _ => return None,
        },
        Context::Control => match tag {
            0x62 => ("file control parameters (FCP)", "parametri di controllo del file (FCP)"),
            0x64 => ("file management data (FMD)", "dati di gestione del file (FMD)"),
            0x6F => ("file control information (FCI)", "informazioni di controllo del file (FCI)"),
            0x80 => ("size of the content", "dimensione del contenuto"),
            0x81 => ("size in all", "dimensione totale"),
            0x82 => ("file descriptor", "descrittore del file"),
            0x83 => ("file identifier", "identificatore del file"),
            0x84 => ("name of the directory", "nome della directory"),
            0x85 | 0xA5 => ("maker's own", "del produttore"),
            0x86 | 0x8C | 0x9C | 0xA1 => ("access conditions", "condizioni di accesso"),
            0x88 => ("short identifier", "identificatore breve"),
            0x8A => ("life cycle", "ciclo di vita"),
            0xCB => ("secure messaging conditions", "condizioni del secure messaging"),
            _ => return None,
        },
        Context::Template | Context::Agreement => match tag {
            0x80 => ("algorithm", "algoritmo"),
            0x83 if context == Context::Agreement => ("domain parameters", "parametri di dominio"),
            0x83 => ("reference of the key", "riferimento della chiave"),
            0x84 => ("reference of the private key", "riferimento della chiave privata"),
            0x91 if context == Context::Agreement => {
                ("terminal's public value", "valore pubblico del terminale")
            }
            0x91 => ("random number", "numero casuale"),
            0x94 => ("challenge", "challenge"),
            0x95 => ("usage", "uso"),
            _ => return None,
        },
        Context::DataObjects => match (parent, tag) {
            (_, 0x4D) => ("objects asked for", "oggetti richiesti"),
            (_, 0x5C) => ("tags asked for", "tag richiesti"),
            (_, 0x70) => ("security data objects", "oggetti di sicurezza"),
            (_, PUBLIC_KEY) => ("public key", "chiave pubblica"),
            (PUBLIC_KEY, 0x81) => ("modulus", "modulo"),
            (PUBLIC_KEY, 0x82) => ("exponent", "esponente"),
            (PUBLIC_KEY, 0x5F20) => ("holder reference (CHR)", "riferimento del titolare (CHR)"),
            (PUBLIC_KEY, 0x5F4C) => ("holder authorisation (CHA)", "autorizzazione del titolare (CHA)"),
            (_, DOMAIN_PARAMETERS) => ("domain parameters", "parametri di dominio"),
            (DOMAIN_PARAMETERS, 0x97) => ("generator g", "generatore g"),
            (DOMAIN_PARAMETERS, 0x98) => ("modulus p", "modulo p"),
            (DOMAIN_PARAMETERS, 0x99) => ("order q", "ordine q"),
            (_, 0xA6) => ("key agreement", "scambio di chiavi"),
            (0xA6, 0x91) => ("chip's public value (K.ICC)", "valore pubblico del chip (K.ICC)"),
            (_, 0xA0) => ("attributes", "attributi"),
            (0xA0, 0x80) => ("size", "dimensione"),
            (0xA0, 0x84) => ("name", "nome"),
            (0xA0, 0x9A) => ("tries at most", "tentativi massimi"),
            (0xA0, 0x9B) => ("tries left", "tentativi rimasti"),
            (0xA0, 0x9C) => ("uses at most", "usi massimi"),
            (0xA0, 0x9D) => ("uses left", "usi rimasti"),
            (_, 0xA1) => ("access conditions", "condizioni di accesso"),
            (0xA1, 0x8C) => ("access conditions, contact", "condizioni di accesso, con contatti"),
            (0xA1, 0x9C) => ("access conditions, contactless", "condizioni di accesso, senza contatti"),
            _ => return names::object(tag).map(|(name, _)| name),
        },
        Context::Certificate => match tag {
            0x7F21 => ("card-verifiable certificate", "certificato verificabile dalla carta"),
            0x5F37 => ("signature", "firma"),
            0x5F38 => ("what the signature does not carry", "resto del contenuto"),
            0x42 => ("authority reference (CAR)", "riferimento dell'autorità (CAR)"),
            _ => return None,
        },
        Context::Read => match tag {
            0x53 | 0x73 => ("data", "dati"),
            0x54 => ("offset", "posizione"),
            _ => return None,
        },
    };
    Some(name.into())
}

/// What a whole value says.
pub(super) fn meaning(
    context: Context,
    parent: u32,
    tag: u32,
    value: &[u8],
    application: Application,
) -> Option<Text> {
    match (context, tag) {
        (Context::Protected, 0x99) => {
            <[u8; 2]>::try_from(value).ok().map(|word| status::meaning(StatusWord::from(word)))
        }
        (Context::Protected, 0x97) => {
            let most = number(value).map(|ne| if ne > 0 { ne } else { 1 << (8 * value.len()) })?;
            Some(Text::filled(("up to {} bytes", "fino a {} byte"), most))
        }
        (Context::Control, 0x80 | 0x81) | (Context::Read, 0x54) => {
            number(value).map(|size| Text::filled(("{} bytes", "{} byte"), size))
        }
        (Context::Control, 0x82) => Some(
            match value.first()? {
                0x38 => ("directory", "directory"),
                0x01 | 0x41 => ("transparent", "trasparente"),
                0x02..=0x07 => ("records", "record"),
                _ => return None,
            }
            .into(),
        ),
        (Context::Control, 0x83) => {
            let identifier = u16::try_from(number(value).filter(|_| value.len() == 2)?).ok()?;
            names::file_of(application, &[identifier]).map(names::File::text)
        }
        (Context::Control, 0x84) => names::application(value).map(|(_, name)| name),
        (Context::Control, 0x88) => {
            number(value).filter(|_| value.len() == 1).map(|short| Text::same(format!("{:02X}", short >> 3)))
        }
        (Context::Control, 0x8A) => Some(
            match value {
                [0x04 | 0x06] => ("deactivated", "disattivato"),
                [0x05 | 0x07] => ("activated", "attivo"),
                [0x0C..=0x0F] => ("terminated", "terminato"),
                _ => return None,
            }
            .into(),
        ),
        (Context::Template | Context::Agreement, 0x80) => Some(
            match value {
                [0x02] => ("PKCS #1 v1.5, padding by the card", "PKCS #1 v1.5, riempimento della carta"),
                [0x41] => ("ISO 9796-2, SHA-256", "ISO 9796-2, SHA-256"),
                [0x9B] => {
                    ("device authentication with privacy, SHA-256", "autenticazione con privacy, SHA-256")
                }
                _ => return None,
            }
            .into(),
        ),
        (Context::Template, 0x83 | 0x84) => match value {
            [reference] => names::key(*reference).map(|(name, _)| name),
            _ => None,
        },
        (Context::DataObjects, 0x9A | 0x9B) if parent == 0xA0 => {
            number(value).filter(|_| value.len() == 1).map(Text::same)
        }
        _ => None,
    }
}

/// A number of up to three bytes.
fn number(value: &[u8]) -> Option<u32> {
    let fits = (1..=3).contains(&value.len());
    fits.then(|| value.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}
