//! Following a dialogue: a small machine over headers and whatever else is told, that says of each command which step
//! it belongs to. What is protected is told by what came before it.

use super::Step;
use super::apdu::Apdu;
use super::names::{self, Application};
use super::place::{Place, Target};
use super::text::{Pair, Text};
use crate::iso7816::StatusWord;
use crate::iso7816::command::{
    INS_CHANGE_REFERENCE_DATA, INS_EXTERNAL_AUTHENTICATE, INS_GET_CHALLENGE, INS_GET_DATA_ODD,
    INS_INTERNAL_AUTHENTICATE, INS_MANAGE_SECURITY_ENVIRONMENT, INS_PERFORM_SECURITY_OPERATION,
    INS_READ_BINARY, INS_READ_BINARY_ODD, INS_RESET_RETRY_COUNTER, INS_SELECT, INS_VERIFY,
};
use crate::iso7816::tlv;

/// What a command is about.
#[derive(Debug, Default)]
pub(super) struct About {
    /// The step; none if the next command says it.
    pub(super) step: Option<Step>,
    pub(super) detail: Option<Text>,
    pub(super) is_protected: bool,
    /// Whether it collects what another command is answered.
    pub(super) is_get_response: bool,
}

/// What changes when the card carries the command out.
#[derive(Debug, Clone, Default)]
enum Effect {
    #[default]
    None,
    Go(Place),
    Shown,
}

/// What is known of the card. One for each connection.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) place: Place,
    /// In a plain trace, whether commands go out under secure messaging.
    protected: bool,
    pin_shown: bool,
    /// What INTERNAL AUTHENTICATE uses.
    key: Option<(Option<Text>, Step)>,
    /// Of the command before, GET RESPONSE apart.
    step: Option<Step>,
    effect: Effect,
}

impl Walk {
    /// `event protected`.
    pub(super) fn protect(&mut self) {
        self.protected = true;
    }

    /// `event clear`.
    pub(super) fn unprotect(&mut self) {
        self.protected = false;
    }

    /// The next command.
    pub(super) fn command(&mut self, apdu: Option<&Apdu<'_>>) -> About {
        let Some(apdu) = apdu else {
            (self.step, self.effect) = (Some(Step::Other), Effect::None);
            return About { step: Some(Step::Other), ..About::default() };
        };
        if apdu.is_get_response() {
            return About { step: self.step, is_get_response: true, ..About::default() };
        }
        let is_protected = self.protected || apdu.is_protected();
        let target = self.place.after(apdu);
        let (step, detail) = self.about(apdu, is_protected, target.as_ref());
        self.effect = match target {
            Some(target) => Effect::Go(target.place),
            None if apdu.ins() == INS_VERIFY && step == Some(Step::Pin) => Effect::Shown,
            None => Effect::None,
        };
        self.step = step;
        About { step, detail, is_protected, is_get_response: false }
    }

    /// What the card made of it, the protected status word if there is one.
    pub(super) fn answer(&mut self, status: StatusWord) {
        let taken = status.is_success() || matches!(status.to_bytes(), [0x62, _]);
        let waits = status.bytes_waiting().is_some();
        match &self.effect {
            Effect::Go(place) if taken || waits => self.place = place.clone(),
            Effect::Shown if status.is_success() => self.pin_shown = true,
            // The status word that counts may come with GET RESPONSE.
            Effect::Shown if waits => return,
            _ => {}
        }
        self.effect = Effect::None;
    }

    fn about(
        &mut self,
        apdu: &Apdu<'_>,
        is_protected: bool,
        target: Option<&Target>,
    ) -> (Option<Step>, Option<Text>) {
        let name = target.and_then(|target| target.name.clone());
        let detail = |text: Pair| Some(Text::from(text));
        let travels = self.place.application == Application::TravelDocument;
        match (apdu.ins(), apdu.p1_p2()) {
            (INS_SELECT, _) => (self.select(apdu, is_protected, target), name),
            _ if travels => (Some(Step::TravelDocument), name),
            (INS_READ_BINARY | INS_READ_BINARY_ODD, _) => {
                let known = target.and_then(|target| target.place.file).map(|file| file.step);
                (Some(known.unwrap_or_else(|| self.reading(is_protected))), name)
            }
            (INS_GET_DATA_ODD, _) => self.get_data(apdu, is_protected),
            (INS_MANAGE_SECURITY_ENVIRONMENT, p1_p2) => self.environment(apdu, p1_p2, is_protected),
            (INS_PERFORM_SECURITY_OPERATION, p1_p2) => match p1_p2 {
                [0x00, 0xAE | 0xBE] => {
                    (Some(Step::DeviceAuthentication), Some(Text::same("VERIFY CERTIFICATE")))
                }
                [0x80, 0x86] => (Some(Step::Signature), Some(Text::same("DECIPHER"))),
                [0x9E, 0x9A] => (Some(Step::Signature), Some(Text::same("COMPUTE DIGITAL SIGNATURE"))),
                _ => (Some(Step::Signature), None),
            },
            // A contact card is asked for randomness, too.
            (INS_GET_CHALLENGE, _) if self.place.application == Application::Contact => {
                (Some(Step::Other), None)
            }
            (INS_EXTERNAL_AUTHENTICATE | INS_GET_CHALLENGE, _) => (Some(Step::DeviceAuthentication), None),
            (INS_INTERNAL_AUTHENTICATE, _) => match &self.key {
                Some((name, step)) => (Some(*step), name.clone()),
                None => (Some(self.authenticating(is_protected)), None),
            },
            (ins, [_, reference]) if ins & 0xFE == INS_VERIFY => {
                let (name, is_puk) = names::pin(reference);
                let step = match apdu.nc {
                    // Without data it asks for the tries.
                    Some(0) => Step::PinTries,
                    _ if is_puk => Step::Unblocking,
                    _ => Step::Pin,
                };
                (Some(step), Some(name))
            }
            (ins, [_, reference]) if ins & 0xFE == INS_CHANGE_REFERENCE_DATA => {
                (Some(Step::PinChange), Some(names::pin(reference).0))
            }
            (ins, [p1, reference]) if ins & 0xFE == INS_RESET_RETRY_COUNTER => {
                let how = match p1 & 0x07 {
                    0x00 => detail(("with the PUK, new PIN", "con il PUK, nuovo PIN")),
                    0x01 => detail(("with the PUK, PIN kept", "con il PUK, PIN mantenuto")),
                    0x02 => detail(("new PIN", "nuovo PIN")),
                    0x03 => detail(("PIN kept", "PIN mantenuto")),
                    _ => None,
                };
                let name = names::pin(reference).0;
                (Some(Step::Unblocking), Some(how.map_or(name.clone(), |how| name.and(how))))
            }
            _ => (Some(Step::Other), name),
        }
    }

    fn select(&self, apdu: &Apdu<'_>, is_protected: bool, target: Option<&Target>) -> Option<Step> {
        let Some(target) = target else { return Some(Step::Recognition) };
        if let Some(file) = target.place.file {
            return Some(file.step);
        }
        let is_travel = target.place.application == Application::TravelDocument;
        (!target.leads_on).then(|| match (is_travel, is_protected) {
            (true, _) => Step::TravelDocument,
            // By name, or the master file without a word: an application. The rest are files.
            (_, false) if is_application(apdu) => Step::Recognition,
            _ => self.reading(is_protected),
        })
    }

    /// A file that is not told.
    fn reading(&self, is_protected: bool) -> Step {
        if is_protected && self.pin_shown { Step::Certificate } else { Step::PublicFiles }
    }

    /// Proofs whose key is not told.
    fn authenticating(&self, is_protected: bool) -> Step {
        match (is_protected, self.pin_shown) {
            (true, true) => Step::Signature,
            (true, false) => Step::DeviceAuthentication,
            (false, _) => Step::ServicesKey,
        }
    }

    fn get_data(&self, apdu: &Apdu<'_>, is_protected: bool) -> (Option<Step>, Option<Text>) {
        let told = apdu.data.whole().filter(|_| !apdu.is_protected());
        let Some((name, step)) = told.and_then(asked_for) else {
            // Over the channel only the tries of the PUK are asked for.
            return (Some(if is_protected { Step::PinTries } else { Step::PublicFiles }), None);
        };
        (Some(step), Some(name))
    }

    fn environment(
        &mut self,
        apdu: &Apdu<'_>,
        [p1, p2]: [u8; 2],
        is_protected: bool,
    ) -> (Option<Step>, Option<Text>) {
        if p1 == 0xF3 {
            return (Some(Step::Signature), Some(Text::same(format!("RESTORE {p2:02X}"))));
        }
        let told = apdu.data.whole().filter(|_| !apdu.is_protected());
        let reference = told.and_then(|data| {
            let private = tlv::find(data, 0x84).or_else(|_| tlv::find(data, 0x83)).ok()?;
            <[u8; 1]>::try_from(private).ok()
        });
        let key = reference.and_then(|[reference]| names::key(reference));
        let template = match p2 {
            0xA4 => "AT",
            0xA6 => "KAT",
            0xAA => "HT",
            0xB4 => "CCT",
            0xB6 => "DST",
            0xB8 => "CT",
            _ => "",
        };
        let verb = match p1 & 0x0F {
            0x01 => "SET",
            0x02 => "STORE",
            0x03 => "RESTORE",
            0x04 => "ERASE",
            _ => "",
        };
        let what = Text::same(format!("{verb} {template}").trim());
        let step = match (p1, p2) {
            (_, 0xA6) => Step::KeyExchange,
            (0x41, 0xA4) => {
                let step = key.as_ref().map_or_else(|| self.authenticating(is_protected), |(_, step)| *step);
                self.key = Some((key.as_ref().map(|(name, _)| name.clone()), step));
                step
            }
            (0x81, 0xA4 | 0xB6) => Step::DeviceAuthentication,
            (_, 0xB6 | 0xB8) => Step::Signature,
            _ => Step::Other,
        };
        let key = key.filter(|_| p2 != 0xA6);
        (Some(step), Some(key.map_or(what.clone(), |(name, _)| what.and(name))))
    }
}

/// Whether a SELECT is one of an application.
fn is_application(apdu: &Apdu<'_>) -> bool {
    matches!((apdu.p1_p2(), apdu.nc), ([0x04, _], _) | ([0x00, _], Some(0)))
}

/// Which objects a GET DATA asks for.
fn asked_for(data: &[u8]) -> Option<(Text, Step)> {
    let list = tlv::find(data, 0x4D).ok()?;
    if let Ok(agreement) = tlv::find(list, 0xA6) {
        let is_public = tlv::find(agreement, 0x91).is_ok();
        return is_public.then(|| {
            (("K.ICC, the chip's public value", "K.ICC, valore pubblico del chip").into(), Step::KeyExchange)
        });
    }
    let object = tlv::Reader::new(tlv::find(list, 0x70).ok()?).next()?.ok()?;
    let (name, step) = names::object(object.tag.0)?;
    let parameter = tlv::find(object.value, 0xA3).ok().and_then(|values| match values {
        [0x97, _] => Some("g"),
        [0x98, _] => Some("p"),
        [0x99, _] => Some("q"),
        _ => None,
    });
    Some((parameter.map_or(name.clone(), |parameter| name.and(Text::same(parameter))), step))
}
