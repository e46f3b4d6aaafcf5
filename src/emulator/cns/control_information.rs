//! The control information that SELECT gives (ISO/IEC 7816-4 section 7.4), in these cards' objects.

use crate::emulator::contact::{ControlInformation, ElementaryFile, ReadAccess};
use crate::iso7816::tlv;

/// Access condition *never*.
const NEVER: u8 = 0xFF;

/// Of a directory: free memory in the place of a size, and nothing that anyone may do with it.
pub(super) fn of_directory(style: ControlInformation, identifier: u16, name: &[u8]) -> Vec<u8> {
    let size = tlv::encode(0x81, &[0x40, 0x00]);
    let name = if name.is_empty() { Vec::new() } else { tlv::encode(0x84, name) };
    let names = [tlv::encode(0x83, &identifier.to_be_bytes()), name].concat();
    template(style, size, 0x38, names, NEVER)
}

/// Of a transparent file.
pub(super) fn of_file(style: ControlInformation, file: &ElementaryFile) -> Vec<u8> {
    let size = u16::try_from(file.content.len()).unwrap_or(u16::MAX);
    let name = tlv::encode(0x83, &file.path.identifier().to_be_bytes());
    let read = match file.access {
        ReadAccess::Always => 0x00,
        ReadAccess::Never => NEVER,
        ReadAccess::After(identifier) => identifier,
    };
    template(style, tlv::encode(0x80, &size.to_be_bytes()), 0x01, name, read)
}

/// Size, descriptor, identifier, proprietary attributes, nine access conditions, life cycle, and the
/// conditions of secure messaging: none.
fn template(style: ControlInformation, size: Vec<u8>, descriptor: u8, names: Vec<u8>, first: u8) -> Vec<u8> {
    let size = if style == ControlInformation::WithoutSize { Vec::new() } else { size };
    let objects = [
        size,
        tlv::encode(0x82, &[descriptor, 0x00, 0x00]),
        names,
        tlv::encode(0x85, &[0x01]),
        tlv::encode(0x86, &[first, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER]),
        tlv::encode(0x8A, &[0x05]),
        tlv::encode(0xCB, &[0xFF; 24]),
    ];
    match style {
        ControlInformation::None => Vec::new(),
        ControlInformation::Parameters => tlv::encode(0x62, &objects.concat()),
        _ => tlv::encode(0x6F, &objects.concat()),
    }
}
