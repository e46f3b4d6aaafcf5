//! Unfolding BER-TLV data objects of which some bytes are not told. Bounded in depth and number, linear, and nothing
//! recurses.

use super::names::Application;
use super::parts::Parts;
use super::tags::{self, Context};
use super::text::Text;
use crate::iso7816::StatusWord;
use crate::transport::trace::Told;

/// How deep templates are unfolded.
const DEPTH_MAX: usize = 8;
/// The most objects of one command or answer.
pub(super) const OBJECTS_MAX: usize = 64;
/// The template of a request that has objects in it, although its tag does not say so.
const HEADER_LIST: u32 = 0x4D;
/// How many bytes of a value are kept.
pub(super) const VALUE_MAX: usize = 16;

/// A data object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Object {
    /// In how many templates it lies.
    pub depth: usize,
    /// The tag as it stands on the wire.
    pub tag: u32,
    /// What it is called, if that is known here.
    pub name: Option<Text>,
    /// The length that is written; 0 where a request asks for everything.
    pub length: usize,
    /// The beginning of the value as far as it is told, 16 bytes at most; nothing for a template, whose objects
    /// follow.
    pub value: Told,
    /// What the value says.
    pub meaning: Option<Text>,
    /// Whether the value is all there; if not, the answer goes on after GET RESPONSE.
    pub whole: bool,
}

/// Data, unfolded or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Data {
    /// How many bytes, at least.
    pub length: usize,
    /// The first of them as far as they are told, 16 at most; nothing if they were unfolded, or if they carry a PIN.
    pub beginning: Told,
    /// The data objects, each template before what is in it.
    pub objects: Vec<Object>,
    /// Bytes behind the objects that were not unfolded.
    pub rest: usize,
}

impl Data {
    /// Nothing but how much there is.
    pub(super) fn counted(parts: &Parts<'_>) -> Self {
        Self { length: parts.len(), ..Self::default() }
    }

    /// Not unfolded.
    pub(super) fn plain(parts: &Parts<'_>) -> Self {
        Self { beginning: parts.beginning(VALUE_MAX), ..Self::counted(parts) }
    }

    /// The status word under secure messaging.
    pub(super) fn protected_status(&self) -> Option<StatusWord> {
        let object = self.objects.iter().find(|object| object.depth == 0 && object.tag == 0x99)?;
        object.value.whole().and_then(|value| <[u8; 2]>::try_from(value).ok()).map(StatusWord::from)
    }

    /// Unfolded if it begins with a data object.
    pub(super) fn unfolded(parts: Parts<'_>, how: &Unfolding<'_>) -> Self {
        let plain = Self::plain(&parts);
        let (objects, rest) = unfold(parts, how);
        if objects.is_empty() {
            plain
        } else {
            Self { length: plain.length, objects, rest, ..Self::default() }
        }
    }
}

/// How data are unfolded.
pub(super) struct Unfolding<'a> {
    pub(super) context: Context,
    pub(super) application: Application,
    /// The most objects.
    pub(super) most: usize,
    /// Which values may be kept, by tag and length.
    pub(super) tell: &'a dyn Fn(u32, usize) -> bool,
}

/// A template that is gone through.
struct Level<'a> {
    inside: Parts<'a>,
    tag: u32,
    /// Whether it names objects rather than having them: lengths may then be `80`, for everything.
    is_request: bool,
}

fn unfold(parts: Parts<'_>, how: &Unfolding<'_>) -> (Vec<Object>, usize) {
    let Unfolding { context, application, most, tell } = *how;
    let (mut objects, mut rest) = (Vec::new(), 0_usize);
    let mut levels = vec![Level { inside: parts, tag: 0, is_request: false }];
    while let Some(level) = levels.last_mut() {
        let head = if objects.len() < most { head(&mut level.inside, level.is_request) } else { None };
        let Some((first, tag, length)) = head else {
            rest = rest.saturating_add(level.inside.len());
            levels.pop();
            continue;
        };
        let (parent, is_request) = (level.tag, level.is_request || tag == HEADER_LIST);
        let value = level.inside.take(length);
        let depth = levels.len() - 1;
        let is_template = first & 0x20 != 0 || tag == HEADER_LIST && context == Context::DataObjects;
        let opens = is_template && depth + 1 < DEPTH_MAX && !value.is_empty();
        let told = !opens && tell(tag, length);
        let meaning = value.whole().filter(|value| told && value.len() == length);
        objects.push(Object {
            depth,
            tag,
            name: tags::name(context, parent, tag),
            length,
            value: if told { value.beginning(VALUE_MAX) } else { Told::default() },
            meaning: meaning.and_then(|value| tags::meaning(context, parent, tag, value, application)),
            whole: value.len() == length,
        });
        if opens {
            levels.push(Level { inside: value, tag, is_request });
        }
    }
    (objects, rest)
}

/// First byte of the tag, tag and length. Nothing is taken of what is none.
fn head(parts: &mut Parts<'_>, is_request: bool) -> Option<(u8, u32, usize)> {
    let mut ahead = parts.ahead();
    let first = ahead.byte().filter(|first| !matches!(first, 0x00 | 0xFF))?;
    let mut tag = u32::from(first);
    if first & 0x1F == 0x1F {
        for more in 0.. {
            let byte = ahead.byte().filter(|_| more < 2)?;
            tag = tag << 8 | u32::from(byte);
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    let length = match ahead.byte()? {
        short @ 0..=0x7F => usize::from(short),
        0x80 if is_request => 0,
        long @ 0x81..=0x84 => {
            let mut length = 0_usize;
            for _ in 0..long & 0x7F {
                length = length << 8 | usize::from(ahead.byte()?);
            }
            length
        }
        _ => return None,
    };
    parts.skip_to(&ahead);
    Some((first, tag, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfolded(told: &Told, context: Context) -> (Vec<String>, usize) {
        let (application, most) = (Application::Cie, OBJECTS_MAX);
        let how = Unfolding { context, application, most, tell: &|_, _| true };
        let data = Data::unfolded(Parts::of(told), &how);
        let line = |object: &Object| {
            let name = object.name.as_ref().map_or("?", |name| &name.english);
            let (indent, whole) = ("  ".repeat(object.depth), if object.whole { "" } else { " …" });
            format!("{indent}{:02X} {} {name}: {}{whole}", object.tag, object.length, object.value)
        };
        (data.objects.iter().map(line).collect(), data.rest)
    }

    fn bytes(hex: &str) -> Told {
        Told::all(&hex::decode(hex.replace(' ', "")).unwrap())
    }

    #[test]
    fn holes_and_templates_are_gone_through() {
        let answer = bytes("8709").and_hidden(9).and(&[0x99, 2, 0x90, 0, 0x8E, 8]).and_hidden(8);
        let said = ["87 9 cryptogram: [9]", "99 2 status word: 9000", "8E 8 checksum: [8]"];
        assert_eq!(unfolded(&answer, Context::Protected), (said.map(str::to_owned).to_vec(), 0));
        let request = bytes("4D0A7008BFA10104A3029700");
        let (said, rest) = unfolded(&request, Context::DataObjects);
        assert_eq!(rest, 0);
        assert!(said[0].starts_with("4D 10 ") && said[2].starts_with("    BFA101 4 "), "{said:?}");
        assert_eq!(said.last().unwrap(), "        97 0 generator g: ");
        let (said, rest) = unfolded(&bytes("4D097007BFA004037F4980"), Context::DataObjects);
        assert_eq!((said.len(), rest), (4, 0), "{said:?}");
        // An answer that goes on, and one with padding.
        let (said, rest) = unfolded(&bytes("7082010A BFA101 820103 A381FF 97"), Context::DataObjects);
        assert!(said.iter().all(|line| line.ends_with('…')) && said.len() == 3 && rest == 1, "{said:?}");
        assert_eq!(unfolded(&bytes("800102 0000"), Context::Template).1, 2);
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = (0..40).fold(Vec::new(), |inside, _| crate::iso7816::tlv::encode(0x70, &inside));
        let (said, _) = unfolded(&Told::all(&nested), Context::DataObjects);
        assert_eq!(said.len(), DEPTH_MAX);
        let many = [0x80, 0x00].repeat(30_000);
        let (said, rest) = unfolded(&Told::all(&many), Context::Template);
        assert_eq!((said.len(), rest), (OBJECTS_MAX, 60_000 - 2 * OBJECTS_MAX));
    }
}
