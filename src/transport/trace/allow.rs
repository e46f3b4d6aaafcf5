//! What a diagnostic trace may tell: an allow-list, so that what nobody thought of stays hidden.
//!
//! Told are headers and lengths of known commands, what SELECT, MANAGE SECURITY ENVIRONMENT, READ BINARY and GET DATA
//! ask for, status words, and of a selected file its sizes and identifiers. Not told is all other data: files, keys,
//! numbers, signatures, whatever goes over secure messaging, and of a command that carries a PIN or PUK its length
//! as well. Bytes that are no command are not told at all: they could be anything, a PIN in the wrong line included.

use super::Told;
use crate::iso7816::Command;
use crate::iso7816::command::{
    self, INS_EXTERNAL_AUTHENTICATE, INS_GET_CHALLENGE, INS_GET_DATA_ODD, INS_GET_RESPONSE,
    INS_INTERNAL_AUTHENTICATE, INS_MANAGE_SECURITY_ENVIRONMENT, INS_PERFORM_SECURITY_OPERATION,
    INS_READ_BINARY, INS_READ_BINARY_ODD, INS_SELECT,
};
use crate::iso7816::tlv;

/// GENERAL AUTHENTICATE, in both forms.
const GENERAL_AUTHENTICATE: [u8; 2] = [0x86, 0x87];
/// READ RECORD.
const READ_RECORD: u8 = 0xB2;
/// GET DATA of the object that P1 and P2 name.
const GET_DATA: u8 = 0xCA;

/// CLA bits of secure messaging.
const PROTECTED: u8 = 0x0C;
/// The longest name or path that a SELECT has (ISO/IEC 7816-4 section 8.2.1.2: an application identifier).
const NAME_MAX: usize = 16;
/// The longest template that names objects, in bytes.
const TEMPLATE_MAX: usize = 32;

/// Goes through a dialogue and says of each command and answer what may be told. One for each connection.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    /// The command that the next answer belongs to, GET RESPONSE apart.
    header: Option<[u8; 4]>,
}

impl AllowList {
    /// At the beginning of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What may be told of the next command.
    #[must_use]
    pub fn command(&mut self, bytes: &[u8]) -> Told {
        let known = Command::parse(bytes).ok().filter(|command| is_known(command.cla(), command.ins()));
        let Some(command) = known else {
            self.header = None;
            return Told::hidden(bytes.len());
        };
        if command.ins() != INS_GET_RESPONSE {
            self.header = Some(command.header());
        }
        let told = Told::all(&command.header());
        let length = command.data().len();
        if command::carries_pin(command.ins()) && !is_protected(command.cla()) {
            // How long a PIN is is part of it.
            return if length == 0 {
                told.and(bytes.get(4..).unwrap_or_default())
            } else {
                told.and_uncounted()
            };
        }
        // The bytes of Lc are those that are neither header nor data nor Le.
        let extended = bytes.len() > 7 && bytes.get(4) == Some(&0);
        let lc = if length == 0 {
            0
        } else if extended {
            3
        } else {
            1
        };
        let le = bytes.get(4 + lc + length..).unwrap_or_default();
        told.and(bytes.get(4..4 + lc).unwrap_or_default()).and_told(command_data(&command)).and(le)
    }

    /// What may be told of its answer.
    #[must_use]
    pub fn response(&mut self, bytes: &[u8]) -> Told {
        let Some((data, status)) = bytes.split_last_chunk::<2>().filter(|(_, status)| is_status(**status))
        else {
            return Told::hidden(bytes.len());
        };
        let told = match self.header {
            Some([cla, ..]) if is_protected(cla) => {
                objects(data, &|tag, value| tag == 0x99 && value.len() == 2)
            }
            Some([_, INS_SELECT, ..]) => control_information(data),
            _ => Told::hidden(data.len()),
        };
        told.and(status)
    }
}

/// Interindustry and proprietary classes with any secure messaging, chaining and channel, and commands that are
/// known to mean something. No two printable characters are such a header.
fn is_known(cla: u8, ins: u8) -> bool {
    const KNOWN: [u8; 12] = [
        INS_SELECT,
        INS_MANAGE_SECURITY_ENVIRONMENT,
        INS_PERFORM_SECURITY_OPERATION,
        INS_EXTERNAL_AUTHENTICATE,
        INS_INTERNAL_AUTHENTICATE,
        INS_GET_CHALLENGE,
        INS_READ_BINARY,
        INS_READ_BINARY_ODD,
        READ_RECORD,
        INS_GET_RESPONSE,
        GET_DATA,
        INS_GET_DATA_ODD,
    ];
    let class = cla & 0xE0 == 0x00 || cla & 0xE0 == 0x80;
    class && (KNOWN.contains(&ins) || GENERAL_AUTHENTICATE.contains(&ins) || command::carries_pin(ins))
}

fn is_protected(cla: u8) -> bool {
    cla & PROTECTED == PROTECTED
}

/// 6xxx, 9xxx: anything else at the end is no status word, but data of an answer that lacks one.
fn is_status([first, second]: [u8; 2]) -> bool {
    matches!((first, second), (0x61..=0x6F, _) | (0x90, 0x00) | (0x91..=0x9F, _))
}

/// What may be told of the data of a known command that carries no PIN.
fn command_data(command: &Command) -> Told {
    let data = command.data();
    let all_if = |tell| if tell { Told::all(data) } else { Told::hidden(data.len()) };
    if is_protected(command.cla()) {
        return objects(data, &|tag, value| tag == 0x97 && value.len() <= 2);
    }
    match command.ins() {
        INS_SELECT => all_if(data.len() <= NAME_MAX),
        INS_READ_BINARY_ODD => objects(data, &|tag, value| tag == 0x54 && value.len() <= 3),
        // Algorithm and reference of a key; not the names and public keys that the same command can carry.
        INS_MANAGE_SECURITY_ENVIRONMENT => {
            objects(data, &|tag, value| matches!(tag, 0x80 | 0x83 | 0x84 | 0x95) && value.len() <= 2)
        }
        INS_GET_DATA_ODD => {
            let names_objects = tlv::parse(data).is_ok_and(|object| matches!(object.tag.0, 0x4D | 0x5C));
            all_if(names_objects && data.len() <= TEMPLATE_MAX)
        }
        _ => all_if(false),
    }
}

/// Tags and lengths of data objects, and the values of some; nothing if they are none.
fn objects(data: &[u8], tell: &dyn Fn(u32, &[u8]) -> bool) -> Told {
    let mut told = Told::default();
    for object in tlv::Reader::new(data) {
        let Ok(object) = object else { return Told::hidden(data.len()) };
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

/// File control information (ISO/IEC 7816-4 section 7.4.3): sizes, descriptor, identifiers, life cycle, name.
fn control_information(data: &[u8]) -> Told {
    let object = match tlv::parse(data) {
        Ok(object) if matches!(object.tag.0, 0x62 | 0x64 | 0x6F) => object,
        _ => return Told::hidden(data.len()),
    };
    let head = object.encoded.len() - object.value.len();
    let inside = objects(object.value, &|tag, value| match tag {
        0x80..=0x83 | 0x88 | 0x8A => value.len() <= 4,
        0x84 => value.len() <= NAME_MAX,
        _ => false,
    });
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
        let known: Vec<u8> = (0..=u8::MAX).filter(|ins| is_known(0, *ins) && !named.contains(ins)).collect();
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
            ("00200010053132333435", "00200010 [?]"),
            ("0024008110 3132333435363738 3132333435363738", "00240081 [?]"),
            ("002C008108 3132333435363738", "002C0081 [?]"),
            // An empty VERIFY has nothing in it.
            ("00200081", "00200081"),
            ("0088000008 0102030405060708 00", "0088000008 [8] 00"),
            ("002A8086 00 0101 01 02", "[9]"),
            ("102241A608 9106010203040506", "102241A6089106 [6]"),
            ("002281B60383015F", "002281B60383015F"),
            ("002281A40C 830A 30313233343536373839", "002281A40C830A [10]"),
            ("0088000000 0003 010203", "00880000000003 [3]"),
            ("0CB00000 0D 970100 8E080102030405060708 00", "0CB000000D9701008E08 [8] 00"),
            (
                "0C200081 1D 871101 00112233445566778899AABBCCDDEEFF 8E080102030405060708 00",
                "0C2000811D8711 [17] 8E08 [8] 00",
            ),
            ("00A4040011 0102030405060708090A0B0C0D0E0F1011", "00A4040011 [17]"),
            ("00CB3FFF 03 53 01 41", "00CB3FFF03 [3]"),
        ] {
            assert_eq!(command(given), told, "{given}");
        }
    }

    /// Whatever stands in the place of a command, in a log or by mistake: not even its first bytes are told.
    #[test]
    fn what_is_no_command_is_not_told_at_all() {
        for bytes in
            ["3132333435363738", "00", "0020", "00200081 09 31323334", "00D60000 02 4142", "A0200001", ""]
        {
            let length = bytes.replace(' ', "").len() / 2;
            let told = if length == 0 { String::new() } else { format!("[{length}]") };
            assert_eq!(command(bytes), told, "{bytes}");
        }
        for (first, second) in (b' '..=b'~').zip(b' '..=b'~') {
            assert!(
                !is_known(first, second) && !is_status([first, second]) || (0x61..=0x6F).contains(&first)
            );
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
    }

    #[test]
    fn of_a_file_sizes_and_identifiers_are_told() {
        let select = "00A40204021003";
        let answer = "62 13 8002 0600 8201 01 8302 1003 A503 9F6500 8801 18 9000";
        assert_eq!(response(select, answer), "62138002060082010183021003A503 [3] 8801189000");
        assert_eq!(response(select, "6F 05 8403 414243 9000"), "6F0584034142439000");
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
