//! What a diagnostic trace may tell: an allow-list, so that what nobody thought of stays hidden.
//!
//! Told are headers and lengths of known commands, what SELECT, MANAGE SECURITY ENVIRONMENT, READ BINARY and GET DATA
//! ask for, status words, and of a selected file its sizes and identifiers. Not told is all other data: files, keys,
//! numbers, signatures, whatever goes over secure messaging, and of a command that carries a PIN or PUK anything behind
//! its header. Bytes that are no such command are not told at all, not even how many: in a log they could be anything,
//! a PIN in the wrong line included.

use super::{Event, Told};
use crate::iso7816::command::{
    self, INS_EXTERNAL_AUTHENTICATE, INS_GET_CHALLENGE, INS_GET_DATA_ODD, INS_GET_RESPONSE,
    INS_INTERNAL_AUTHENTICATE, INS_MANAGE_SECURITY_ENVIRONMENT, INS_PERFORM_SECURITY_OPERATION,
    INS_READ_BINARY, INS_READ_BINARY_ODD, INS_SELECT,
};
use crate::iso7816::{Command, StatusWord, tlv};

/// READ RECORD.
const READ_RECORD: u8 = 0xB2;
/// GET DATA of the object that P1 and P2 name.
const GET_DATA: u8 = 0xCA;

/// CLA bits of secure messaging with an authenticated header.
const PROTECTED: u8 = 0x0C;
/// The longest name that a SELECT has (ISO/IEC 7816-4 section 8.2.1.2: an application identifier), and the longest
/// path.
const NAME_MAX: usize = 16;
const PATH_MAX: usize = 8;
/// The first byte of application identifiers: registered ones (A, D), ISO's own (E), proprietary ones (F). No
/// letter and no digit begins like that.
const NAME_FIRST: std::ops::RangeInclusive<u8> = 0xA0..=0xFF;
/// The longest template that names objects, in bytes.
const TEMPLATE_MAX: usize = 32;

/// Data objects of secure messaging (ISO/IEC 7816-4 section 10.2).
const OF_SECURE_MESSAGING: [u32; 7] = [0x80, 0x81, 0x85, 0x87, 0x8E, 0x97, 0x99];
/// Those of a control reference template (ISO/IEC 7816-4 section 10.3.1).
const OF_A_TEMPLATE: [u32; 6] = [0x80, 0x83, 0x84, 0x91, 0x94, 0x95];

/// Goes through one connection's dialogue, command by answer, and says of each what may be told.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    /// The command that the next answer belongs to, GET RESPONSE apart.
    header: Option<[u8; 4]>,
    /// Whether some of its answer came already: what follows does not begin with an object.
    collected: bool,
    /// Whether an answer may lack its status word, as a line of somebody's log may.
    strict: bool,
}

impl AllowList {
    /// At the beginning of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for bytes of which nobody has said where an answer ends: its last two are told only if they are a
    /// documented status word.
    #[must_use]
    pub fn of_uncounted_bytes() -> Self {
        Self { strict: true, ..Self::default() }
    }

    /// What may be told of the next event of a recorded connection. What was left out already stays so.
    #[must_use]
    pub fn event(&mut self, event: &Event) -> Event {
        match event {
            Event::Connected { .. } => {
                *self = Self { strict: self.strict, ..Self::default() };
                event.clone()
            }
            Event::Command(told) => Event::Command(match (told.whole(), told.header()) {
                (Some(bytes), _) => self.command(bytes),
                (None, Some(header)) => self.command(&header).and_uncounted(),
                (None, None) => {
                    let _ = self.command(&[]);
                    Told::default().and_uncounted()
                }
            }),
            Event::Response { answer, time } => {
                let answer = match answer.whole() {
                    Some(bytes) => self.response(bytes),
                    None => Told::hidden(answer.len()),
                };
                Event::Response { answer, time: *time }
            }
            other => other.clone(),
        }
    }

    /// What may be told of the next command.
    #[must_use]
    pub fn command(&mut self, bytes: &[u8]) -> Told {
        let known = Command::parse(bytes).ok().filter(|command| is_known(command.header()));
        let Some(command) = known else {
            (self.header, self.collected) = (None, false);
            return if bytes.is_empty() { Told::default() } else { Told::default().and_uncounted() };
        };
        if command.ins() != INS_GET_RESPONSE {
            (self.header, self.collected) = (Some(command.header()), false);
        }
        let told = Told::all(&command.header());
        let length = command.data().len();
        if command::carries_pin(command.ins()) {
            // How long a PIN is is part of it, also where only its length byte is left.
            return if bytes.len() == 4 { told } else { told.and_uncounted() };
        }
        // The bytes of Lc are those that are neither header nor data nor Le.
        let extended = bytes.len() > 7 && bytes.get(4) == Some(&0);
        let lc = match (length, extended) {
            (0, _) => 0,
            (_, false) => 1,
            (_, true) => 3,
        };
        let le = bytes.get(4 + lc + length..).unwrap_or_default();
        told.and(bytes.get(4..4 + lc).unwrap_or_default()).and_told(command_data(&command)).and(le)
    }

    /// What may be told of its answer.
    #[must_use]
    pub fn response(&mut self, bytes: &[u8]) -> Told {
        let split = bytes.split_last_chunk::<2>();
        let Some((data, status)) = split.filter(|(_, status)| is_status(**status, self.strict)) else {
            self.collected = true;
            return Told::hidden(bytes.len());
        };
        let told = match self.header {
            _ if self.collected => Told::hidden(data.len()),
            Some([cla, ..]) if is_protected(cla) => {
                objects(data, &OF_SECURE_MESSAGING, &|tag, value| tag == 0x99 && value.len() == 2)
            }
            Some([_, INS_SELECT, ..]) => control_information(data),
            _ => Told::hidden(data.len()),
        };
        self.collected |= !data.is_empty();
        told.and(status)
    }
}

/// Commands that are known to mean something, with parameters that they have: on the basic channel, in clear or
/// protected, chained or not. Eight digits of a PIN, written as bytes, are one of these in one case of a hundred
/// thousand.
fn is_known([cla, ins, p1, p2]: [u8; 4]) -> bool {
    let class = matches!(cla & 0xF0, 0x00 | 0x10 | 0x80 | 0x90) && matches!(cla & 0x0F, 0x00 | PROTECTED);
    let reference = p2 & 0x60 == 0;
    let parameters = match ins & 0xFE {
        command::INS_VERIFY => p1 == 0 && reference,
        command::INS_CHANGE_REFERENCE_DATA => p1 <= 1 && reference,
        command::INS_RESET_RETRY_COUNTER => p1 <= 3 && reference,
        _ => match ins {
            INS_SELECT => matches!(p1, 0x00..=0x04 | 0x08 | 0x09) && p2 <= 0x0F,
            INS_MANAGE_SECURITY_ENVIRONMENT => match p1 & 0x0F {
                0x01 => matches!(p2, 0xA4 | 0xA6 | 0xAA | 0xB4 | 0xB6 | 0xB8),
                0x02..=0x04 => p1 & 0xF0 == 0xF0,
                _ => false,
            },
            INS_GET_CHALLENGE | INS_INTERNAL_AUTHENTICATE | INS_EXTERNAL_AUTHENTICATE | 0x86 | 0x87 => {
                [p1, p2] == [0, 0]
            }
            INS_PERFORM_SECURITY_OPERATION
            | INS_READ_BINARY
            | INS_READ_BINARY_ODD
            | READ_RECORD
            | INS_GET_RESPONSE
            | GET_DATA
            | INS_GET_DATA_ODD => true,
            _ => false,
        },
    };
    class && parameters
}

fn is_protected(cla: u8) -> bool {
    cla & PROTECTED == PROTECTED
}

/// 6xxx, 9xxx: anything else at the end is no status word, but data of an answer that lacks one.
fn is_status(status: [u8; 2], strict: bool) -> bool {
    match (strict, status) {
        (true, _) => StatusWord::from(status).is_documented(),
        (false, [first, second]) => matches!((first, second), (0x61..=0x6F | 0x91..=0x9F, _) | (0x90, 0x00)),
    }
}

/// What may be told of the data of a known command that carries no PIN.
fn command_data(command: &Command) -> Told {
    let data = command.data();
    let all_if = |tell| if tell { Told::all(data) } else { Told::hidden(data.len()) };
    if is_protected(command.cla()) {
        return objects(data, &OF_SECURE_MESSAGING, &|tag, value| tag == 0x97 && value.len() <= 2);
    }
    match command.ins() {
        INS_SELECT if command.p1() == 0x04 => {
            all_if(data.len() <= NAME_MAX && data.first().is_some_and(|first| NAME_FIRST.contains(first)))
        }
        INS_SELECT => all_if(data.len() <= PATH_MAX && data.len() % 2 == 0),
        INS_READ_BINARY_ODD => objects(data, &[0x54], &|_, value| value.len() <= 3),
        // Algorithm and reference of a key; not the names and public keys that the same command can carry.
        INS_MANAGE_SECURITY_ENVIRONMENT => objects(data, &OF_A_TEMPLATE, &|tag, value| {
            matches!(tag, 0x80 | 0x83 | 0x84 | 0x95) && value.len() <= 2
        }),
        INS_GET_DATA_ODD => {
            let names_objects = tlv::parse(data).is_ok_and(|object| matches!(object.tag.0, 0x4D | 0x5C));
            all_if(names_objects && data.len() <= TEMPLATE_MAX)
        }
        _ => all_if(false),
    }
}

/// Tags and lengths of data objects, and the values of some; nothing if there are others than these, or none: in an
/// object of no length tag and length are all there is, and could be anything.
fn objects(data: &[u8], known: &[u32], tell: &dyn Fn(u32, &[u8]) -> bool) -> Told {
    told_objects(data, &|object| known.contains(&object.tag.0), tell)
}

fn told_objects(
    data: &[u8],
    known: &dyn Fn(&tlv::Tlv<'_>) -> bool,
    tell: &dyn Fn(u32, &[u8]) -> bool,
) -> Told {
    let mut told = Told::default();
    for object in tlv::Reader::new(data) {
        let Some(object) = object.ok().filter(known) else { return Told::hidden(data.len()) };
        let head = object.encoded.len() - object.value.len();
        told = told.and(object.encoded.get(..head).unwrap_or_default());
        told = if tell(object.tag.0, object.value) {
            told.and(object.value)
        } else {
            told.and_hidden(object.value.len())
        };
    }
    told
}

/// File control information (ISO/IEC 7816-4 section 7.4.3): sizes, descriptor, identifiers, life cycle, name; of
/// other objects of its classes tag and length.
fn control_information(data: &[u8]) -> Told {
    let object = match tlv::parse(data) {
        Ok(object) if matches!(object.tag.0, 0x62 | 0x64 | 0x6F) => object,
        _ => return Told::hidden(data.len()),
    };
    let known = |object: &tlv::Tlv<'_>| {
        matches!(object.tag.0, 0x80..=0x8F | 0xA0..=0xAF | 0xC0..=0xCF) && !object.value.is_empty()
    };
    let inside = told_objects(object.value, &known, &|tag, value| match tag {
        0x80..=0x83 | 0x88 | 0x8A => value.len() <= 4,
        0x84 => value.len() <= NAME_MAX && value.first().is_some_and(|first| NAME_FIRST.contains(first)),
        _ => false,
    });
    let head = object.encoded.len() - object.value.len();
    Told::all(object.encoded.get(..head).unwrap_or_default()).and_told(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Commands that carry what is given to them: every known INS but those whose data name files and objects, in
    /// clear and protected, short and extended, and bytes that are no command.
    fn carriers(secret: &[u8]) -> impl Strategy<Value = Vec<u8>> {
        let named = [INS_SELECT, INS_GET_DATA_ODD];
        let known: Vec<u8> =
            (0..=u8::MAX).filter(|ins| is_known([0, *ins, 0, 0]) && !named.contains(ins)).collect();
        let data =
            (prop::collection::vec(any::<u8>(), 0..300), Just(secret.to_vec()), any::<prop::sample::Index>())
                .prop_map(|(mut data, secret, at)| {
                    let at = at.index(data.len() + 1);
                    data.splice(at..at, secret);
                    data
                });
        let object = (prop::sample::select(vec![0x81, 0x87, 0x91, 0x99, 0x97, 0x53, 0x8E]), data.clone())
            .prop_map(|(tag, data)| tlv::encode(tag, &data));
        let cla = prop::sample::select(vec![0x00, 0x0C, 0x10, 0x1C, 0x80, 0x03]);
        let ne = prop::option::of(1_u32..70_000);
        let body = prop_oneof![data.clone(), object];
        prop_oneof![
            9 => (cla, prop::sample::select(known), any::<(u8, u8)>(), body, ne).prop_map(
                |(cla, ins, (p1, p2), data, ne)| {
                    let command = Command::new(cla, ins, p1, p2).with_data(&data);
                    let command = if let Some(ne) = ne { command.with_ne(ne.min(65_536)) } else { command };
                    command.encode().unwrap().to_vec()
                }
            ),
            1 => data,
        ]
    }

    proptest! {
        /// Eight digits in the data of a command or an answer are never told, wherever they stand.
        #[test]
        fn what_is_in_the_data_is_not_told(
            command in carriers(b"27182818"),
            answer in prop::collection::vec(any::<u8>(), 0..300),
            at in any::<prop::sample::Index>(),
            status in prop::sample::select(vec![0x9000_u16, 0x6282, 0x61FF, 0x3132, 0x6F00]),
        ) {
            let mut list = AllowList::new();
            let told = list.command(&command).to_string();
            prop_assert!(!told.contains("3237313832383138"), "{told}");
            let mut answer = answer;
            let at = at.index(answer.len() + 1);
            answer.splice(at..at, *b"27182818");
            answer.extend(status.to_be_bytes());
            let told = list.response(&answer).to_string();
            prop_assert!(!told.contains("3237313832383138"), "{told}");
        }
    }

    fn command(hex: &str) -> String {
        AllowList::new().command(&hex::decode(hex.replace(' ', "")).unwrap()).to_string()
    }

    /// What is told of an answer to the command before it.
    fn response(command: &str, response: &str) -> String {
        let bytes = |hex: &str| hex::decode(hex.replace(' ', "")).unwrap();
        let mut list = AllowList::new();
        let _ = list.command(&bytes(command));
        list.response(&bytes(response)).to_string()
    }

    #[test]
    fn what_is_asked_for_is_told() {
        for told in [
            "00A4040C0DA0000000308000000009816001",
            "00A40000",
            "00A4020402100304",
            "00B0810000",
            "00B0000100",
            "00C000000D",
            "00CB3FFF0C4D0A7008BFA101A303970000",
            "002241A406800102840183",
            "0084000008",
            "00B1000604540200E4E7",
        ] {
            assert_eq!(command(told), told.to_uppercase());
        }
    }

    #[test]
    fn what_is_given_is_not() {
        for (given, told) in [
            ("0020008108 3132333435363738", "00200081 [?]"),
            // What is left of one that somebody shortened by hand.
            ("0020008108", "00200081 [?]"),
            ("00200081000008", "00200081 [?]"),
            ("00200010053132333435", "00200010 [?]"),
            ("0024008110 3132333435363738 3132333435363738", "00240081 [?]"),
            ("002C008108 3132333435363738", "002C0081 [?]"),
            // An empty VERIFY has nothing in it.
            ("00200081", "00200081"),
            ("0088000008 0102030405060708 00", "0088000008 [8] 00"),
            ("002A8086 00 0101 01 02", "[?]"),
            ("102241A608 9106010203040506", "102241A6089106 [6]"),
            ("002281B60383015F", "002281B60383015F"),
            ("002281A40C 830A 30313233343536373839", "002281A40C830A [10]"),
            ("0088000000 0003 010203", "00880000000003 [3]"),
            ("0CB00000 0D 970100 8E080102030405060708 00", "0CB000000D9701008E08 [8] 00"),
            ("0C200081 1D 871101 00112233445566778899AABBCCDDEEFF 8E080102030405060708 00", "0C200081 [?]"),
            ("00A4040011 A102030405060708090A0B0C0D0E0F1011", "00A4040011 [17]"),
            // A name of letters is somebody's.
            ("00A4040010 434C4C46545A38354C363448353031 58", "00A4040010 [16]"),
            ("00A4080006 4D4152494F4F", "00A40800064D4152494F4F"),
            ("00A408000A 4D4152494F4F4D415249", "00A408000A [10]"),
            // Objects of no length, or that nobody knows: tag and length can be a PIN or a name.
            ("0CB00000080100020003000400", "0CB0000008 [8]"),
            ("0CB000000A4D004100520049004F00", "0CB000000A [10]"),
            ("00CB3FFF 03 53 01 41", "00CB3FFF03 [3]"),
        ] {
            assert_eq!(command(given), told, "{given}");
        }
    }

    /// Whatever stands in the place of a command, in a log or by mistake: not even its first bytes are told.
    #[test]
    fn what_is_no_command_is_not_told_at_all() {
        for bytes in [
            "3132333435363738",
            "00",
            "0020",
            "00200081 09 31323334",
            "00D60000 02 4142",
            "A0200001",
            "40200081 05 3132333435",
            "08A40204 02 1003",
            "04B00000 00",
            "10203040",
            "1020304050",
            "108430400112",
            "00200100 08 3132333435363738",
            "00840001 08",
        ] {
            assert_eq!(command(bytes), "[?]", "{bytes}");
        }
        assert_eq!(command(""), "");
    }

    /// Every PIN of eight digits, taken for bytes: a hundred million of them. Those of which anything is told are as
    /// good as none, and begin as a VERIFY or the like does.
    #[test]
    fn a_pin_that_looks_like_a_command_is_rare() {
        let digits = || (0..100_u8).map(|value| 16 * (value / 10) + value % 10);
        let mut told = 0;
        for cla in digits() {
            for ins in digits() {
                for p1 in digits().filter(|p1| digits().any(|p2| is_known([cla, ins, *p1, p2]))) {
                    told += digits().filter(|p2| is_known([cla, ins, p1, *p2])).count();
                }
            }
        }
        assert!(told < 1_100, "{told} of 100,000,000");
        for first in b'0'..=b'9' {
            assert!((0..=u8::MAX).all(|second| !is_known([first, second, b'0', b'0'])), "nor as letters");
        }
    }

    #[test]
    fn of_an_answer_the_status_is_told() {
        let read = "00B0810000";
        for (given, told) in [
            ("9000", "9000"),
            ("414243 9000", "[3] 9000"),
            ("63C2", "63C2"),
            ("6C1A", "6C1A"),
            ("61FF", "61FF"),
            ("6F05", "6F05"),
            ("90", "[1]"),
            ("434C4C46", "[4]"),
            ("9030", "[2]"),
        ] {
            assert_eq!(response(read, given), told, "{given}");
        }
        let protected = "0CB000000D 970100 8E080102030405060708 00";
        let answer = "8709 01 0011223344556677 9902 9000 8E08 0011223344556677 9000";
        assert_eq!(response(protected, answer), "8709 [9] 990290008E08 [8] 9000");
        assert_eq!(response(protected, "8709 01 00 9000"), "[4] 9000");
        // Collected in pieces: only the first begins with an object.
        let mut list = AllowList::new();
        let _ = list.command(&hex_literal::hex!("0CB000000D9701008E08010203040506070800"));
        let _ = list.response(&hex_literal::hex!("8709010011223344556677 610A"));
        let _ = list.command(&hex_literal::hex!("00C000000A"));
        let piece = list.response(&hex_literal::hex!("8E004100520049004F00 9000"));
        assert_eq!(piece.to_string(), "[10] 9000");
    }

    /// Where nobody has said where an answer ends, its last letters are no status word.
    #[test]
    fn of_a_log_only_documented_status_words_are_told() {
        for (given, told) in [
            ("414243 9000", "[3] 9000"),
            ("63C2", "63C2"),
            ("6A82", "6A82"),
            ("4D6172696F 696C", "[7]"),
            ("6F05", "[2]"),
            ("6F6E", "[2]"),
        ] {
            let mut list = AllowList::of_uncounted_bytes();
            let _ = list.command(&hex_literal::hex!("00B0000000"));
            let bytes = hex::decode(given.replace(' ', "")).unwrap();
            assert_eq!(list.response(&bytes).to_string(), told, "{given}");
        }
    }

    #[test]
    fn of_a_file_sizes_and_identifiers_are_told() {
        let select = "00A40204021003";
        let answer = "62 13 8002 0600 8201 01 8302 1003 A503 9F6500 8801 18 9000";
        assert_eq!(response(select, answer), "62138002060082010183021003A503 [3] 8801189000");
        assert_eq!(response(select, "6F 05 8403 A14243 9000"), "6F058403A142439000");
        assert_eq!(response(select, "6F 05 8403 414243 9000"), "6F058403 [3] 9000");
        assert_eq!(response(select, "6F 08 4D00 4100 5200 4900 9000"), "6F08 [8] 9000");
        assert_eq!(response(select, "53 03 414243 9000"), "[5] 9000");
        // The same after GET RESPONSE; of another command's answer nothing.
        let mut list = AllowList::new();
        let _ = list.command(&hex_literal::hex!("00A40204021003"));
        let _ = list.response(&hex_literal::hex!("6105"));
        let _ = list.command(&hex_literal::hex!("00C0000005"));
        assert_eq!(list.response(&hex_literal::hex!("6F03800105 9000")).to_string(), "6F038001059000");
        assert_eq!(response("00CB3FFF034D0142", "6F 03 8001 05 9000"), "[5] 9000");
    }
}
