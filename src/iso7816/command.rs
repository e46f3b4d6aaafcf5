//! One constructor per command (ISO/IEC 7816-4 section 11, ISO/IEC 7816-8).
//!
//! A constructor fixes header, data and whether the command may be repeated; only reads are, and a SELECT
//! that reads the file control information.

use super::Command;

/// INS of VERIFY.
pub const INS_VERIFY: u8 = 0x20;
/// INS of MANAGE SECURITY ENVIRONMENT.
pub const INS_MANAGE_SECURITY_ENVIRONMENT: u8 = 0x22;
/// INS of CHANGE REFERENCE DATA.
pub const INS_CHANGE_REFERENCE_DATA: u8 = 0x24;
/// INS of PERFORM SECURITY OPERATION.
pub const INS_PERFORM_SECURITY_OPERATION: u8 = 0x2A;
/// INS of RESET RETRY COUNTER.
pub const INS_RESET_RETRY_COUNTER: u8 = 0x2C;
/// INS of EXTERNAL AUTHENTICATE.
pub const INS_EXTERNAL_AUTHENTICATE: u8 = 0x82;
/// INS of GET CHALLENGE.
pub const INS_GET_CHALLENGE: u8 = 0x84;
/// INS of INTERNAL AUTHENTICATE.
pub const INS_INTERNAL_AUTHENTICATE: u8 = 0x88;
/// INS of SELECT.
pub const INS_SELECT: u8 = 0xA4;
/// INS of READ BINARY.
pub const INS_READ_BINARY: u8 = 0xB0;
/// INS of READ BINARY with a BER-TLV data field.
pub const INS_READ_BINARY_ODD: u8 = 0xB1;
/// INS of GET RESPONSE.
pub const INS_GET_RESPONSE: u8 = 0xC0;
/// INS of GET DATA with a BER-TLV data field.
pub const INS_GET_DATA_ODD: u8 = 0xCB;

/// Whether a command with this INS carries a PIN or PUK: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER,
/// in any form, with BER-TLV data as well (odd INS).
#[must_use]
pub fn carries_pin(ins: u8) -> bool {
    matches!(ins & 0xFE, INS_VERIFY | INS_CHANGE_REFERENCE_DATA | INS_RESET_RETRY_COUNTER)
}

/// SELECT by DF name (application identifier), no data back.
#[must_use]
pub fn select_application(aid: &[u8]) -> Command {
    Command::new(0x00, INS_SELECT, 0x04, 0x0C).with_data(aid)
}

/// SELECT the master file: P1-P2 0000 and no data.
#[must_use]
pub fn select_master_file() -> Command {
    Command::new(0x00, INS_SELECT, 0x00, 0x00)
}

/// SELECT by DF name, asking for the file control information.
#[must_use]
pub fn select_application_information(aid: &[u8]) -> Command {
    Command::new(0x00, INS_SELECT, 0x04, 0x00).with_data(aid).with_ne(256).repeatable()
}

/// SELECT by file identifier, wherever the card finds it from the current DF, asking for the file control
/// information.
#[must_use]
pub fn select_identifier(file_identifier: u16) -> Command {
    Command::new(0x00, INS_SELECT, 0x00, 0x00)
        .with_data(&file_identifier.to_be_bytes())
        .with_ne(256)
        .repeatable()
}

/// SELECT by path from the master file, which is not part of the path, asking for the file control
/// information.
#[must_use]
pub fn select_path(path: &[u16]) -> Command {
    select_along(0x08, path)
}

/// SELECT by path from the current DF, which is not part of the path, asking for the file control
/// information.
#[must_use]
pub fn select_path_from_here(path: &[u16]) -> Command {
    select_along(0x09, path)
}

fn select_along(p1: u8, path: &[u16]) -> Command {
    let path: Vec<u8> = path.iter().flat_map(|identifier| identifier.to_be_bytes()).collect();
    Command::new(0x00, INS_SELECT, p1, 0x00).with_data(&path).with_ne(256).repeatable()
}

/// SELECT an elementary file under the current DF by file identifier, asking for the FCP template
/// (the one form that every reader of this card is known to use).
#[must_use]
pub fn select_file(file_identifier: u16) -> Command {
    Command::new(0x00, INS_SELECT, 0x02, 0x04).with_data(&file_identifier.to_be_bytes())
}

/// READ BINARY of up to `ne` bytes of the current file; `offset` has 15 bits.
#[must_use]
pub fn read_binary(offset: u16, ne: u32) -> Command {
    let [high, low] = (offset & 0x7FFF).to_be_bytes();
    Command::new(0x00, INS_READ_BINARY, high, low).with_ne(ne).repeatable()
}

/// READ BINARY of up to `ne` bytes from the start of the file with this short identifier (5 bits),
/// which becomes the current file.
#[must_use]
pub fn read_binary_by_short_identifier(short_identifier: u8, ne: u32) -> Command {
    Command::new(0x00, INS_READ_BINARY, 0x80 | (short_identifier & 0x1F), 0x00).with_ne(ne).repeatable()
}

/// GET DATA of the objects that `template` names, in the current DF. Without Le, as every terminal of
/// this card sends it: long answers come through 61xx.
#[must_use]
pub fn get_data(template: &[u8]) -> Command {
    Command::new(0x00, INS_GET_DATA_ODD, 0x3F, 0xFF).with_data(template).repeatable()
}

/// MANAGE SECURITY ENVIRONMENT, SET: `p1` says what for, `p2` which template (A4, A6, B6), `data` its
/// control reference data objects.
#[must_use]
pub fn manage_security_environment(p1: u8, p2: u8, data: &[u8]) -> Command {
    Command::new(0x00, INS_MANAGE_SECURITY_ENVIRONMENT, p1, p2).with_data(data)
}

/// MANAGE SECURITY ENVIRONMENT, RESTORE. The specification of contact cards wants a length byte of zero, which
/// stands on the wire as an Le does.
#[must_use]
pub fn restore_security_environment(number: u8) -> Command {
    Command::new(0x00, INS_MANAGE_SECURITY_ENVIRONMENT, 0xF3, number).with_ne(256)
}

/// The same as ISO/IEC 7816-4 has it: the header alone.
#[must_use]
pub fn restore_security_environment_bare(number: u8) -> Command {
    Command::new(0x00, INS_MANAGE_SECURITY_ENVIRONMENT, 0xF3, number)
}

/// PERFORM SECURITY OPERATION: DECIPHER (ISO/IEC 7816-8 section 11.11). The padding indicator 00 goes before
/// the block.
#[must_use]
pub fn decipher(block: &[u8]) -> Command {
    Command::new(0x00, INS_PERFORM_SECURITY_OPERATION, 0x80, 0x86)
        .with_data(&[&[0x00], block].concat())
        .with_ne(256)
}

/// PERFORM SECURITY OPERATION: COMPUTE DIGITAL SIGNATURE (ISO/IEC 7816-8 section 11.4).
#[must_use]
pub fn compute_digital_signature(data: &[u8]) -> Command {
    Command::new(0x00, INS_PERFORM_SECURITY_OPERATION, 0x9E, 0x9A).with_data(data).with_ne(256)
}

/// PERFORM SECURITY OPERATION: VERIFY CERTIFICATE (ISO/IEC 7816-8 section 5.7).
#[must_use]
pub fn verify_certificate(certificate: &[u8]) -> Command {
    Command::new(0x00, INS_PERFORM_SECURITY_OPERATION, 0x00, 0xAE).with_data(certificate)
}

/// GET CHALLENGE of `ne` bytes. Not repeatable: every challenge replaces the one before.
#[must_use]
pub fn get_challenge(ne: u32) -> Command {
    Command::new(0x00, INS_GET_CHALLENGE, 0x00, 0x00).with_ne(ne)
}

/// EXTERNAL AUTHENTICATE with the keys that the security environment names.
#[must_use]
pub fn external_authenticate(data: &[u8]) -> Command {
    Command::new(0x00, INS_EXTERNAL_AUTHENTICATE, 0x00, 0x00).with_data(data)
}

/// INTERNAL AUTHENTICATE with the key that the security environment names.
#[must_use]
pub fn internal_authenticate(data: &[u8]) -> Command {
    Command::new(0x00, INS_INTERNAL_AUTHENTICATE, 0x00, 0x00).with_data(data)
}

/// VERIFY. Costs a try when the data is wrong; never repeatable.
#[must_use]
pub fn verify(reference: u8, data: &[u8]) -> Command {
    Command::new(0x00, INS_VERIFY, 0x00, reference).with_data(data)
}

/// CHANGE REFERENCE DATA: old value, then new. Costs a try when the old one is wrong; never repeatable.
#[must_use]
pub fn change_reference_data(reference: u8, old_then_new: &[u8]) -> Command {
    Command::new(0x00, INS_CHANGE_REFERENCE_DATA, 0x00, reference).with_data(old_then_new)
}

/// RESET RETRY COUNTER with a new value (P1 = 02). Never repeatable.
#[must_use]
pub fn reset_retry_counter(reference: u8, new_value: &[u8]) -> Command {
    Command::new(0x00, INS_RESET_RETRY_COUNTER, 0x02, reference).with_data(new_value)
}

/// RESET RETRY COUNTER that keeps the value (P1 = 03, no data). With Le, as the programs send it that are
/// known to work; nothing comes back. Never repeatable.
#[must_use]
pub fn reset_retry_counter_only(reference: u8) -> Command {
    Command::new(0x00, INS_RESET_RETRY_COUNTER, 0x03, reference).with_ne(256)
}

/// RESET RETRY COUNTER with the PUK in the same command, then a new value (P1 = 00). Costs a try of the PUK
/// when that is wrong; never repeatable.
#[must_use]
pub fn reset_retry_counter_with_puk(reference: u8, puk_then_new: &[u8]) -> Command {
    Command::new(0x00, INS_RESET_RETRY_COUNTER, 0x00, reference).with_data(puk_then_new)
}

/// RESET RETRY COUNTER with the PUK in the same command, keeping the value (P1 = 01). Costs a try of the PUK
/// when that is wrong; never repeatable.
#[must_use]
pub fn reset_retry_counter_with_puk_only(reference: u8, puk: &[u8]) -> Command {
    Command::new(0x00, INS_RESET_RETRY_COUNTER, 0x01, reference).with_data(puk)
}

/// GET RESPONSE of `ne` bytes that a 61xx announced. Repeatable after 6Cxx: nothing was given then.
#[must_use]
pub fn get_response(ne: u16) -> Command {
    Command::new(0x00, INS_GET_RESPONSE, 0x00, 0x00).with_ne(u32::from(ne)).repeatable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::bytes;

    fn check(command: &Command, pointer: &str) {
        assert_eq!(command.encode().unwrap().as_slice(), bytes(pointer), "{pointer}");
    }

    #[test]
    fn the_anonymous_flow_is_byte_exact() {
        let aid = hex_literal::hex!("A0000000308000000009816001");
        check(&select_application(&aid), "/nis_flow/apdus/0/cmd");
        check(&select_application(&[0xA0, 0, 0, 0, 0, 0x39]), "/nis_flow/apdus/1/cmd");
        check(&read_binary_by_short_identifier(1, 12), "/nis_flow/apdus/2/cmd");
        let set = manage_security_environment(0x41, 0xA4, &[0x80, 1, 2, 0x84, 1, 0x83]);
        check(&set, "/nis_flow/apdus/3/cmd");
        let challenge = internal_authenticate(&bytes("/nis_flow/challenge")).with_ne(256);
        check(&challenge, "/nis_flow/apdus/4/cmd");
    }

    #[test]
    fn get_data_is_byte_exact() {
        for (command, template) in [("g", 0x97), ("p", 0x98), ("q", 0x99)] {
            let template = [&bytes("/dh_apdus/get_data_g_cmd")[5..15], &[template, 0]].concat();
            check(&get_data(&template), &format!("/dh_apdus/get_data_{command}_cmd"));
        }
    }

    #[test]
    fn only_reads_may_be_repeated() {
        for command in [
            read_binary(0, 256),
            read_binary_by_short_identifier(1, 12),
            get_data(&[0x4D, 0]),
            select_path(&[0x1100, 0x1102]),
            select_path_from_here(&[0x1100, 0x1102]),
            select_identifier(0x3F00),
        ] {
            assert!(command.is_repeatable(), "{command:?}");
        }
        for command in [
            select_file(0x1003),
            get_challenge(8),
            internal_authenticate(&[1]),
            external_authenticate(&[1]),
            verify(0x81, b"12345678"),
            change_reference_data(0x81, b"1234567887654321"),
            reset_retry_counter(0x81, b"12345678"),
            reset_retry_counter_only(0x81),
            reset_retry_counter_with_puk(0x10, b"8765432112345678"),
            reset_retry_counter_with_puk_only(0x10, b"87654321"),
            manage_security_environment(0x41, 0xA4, &[1]),
            restore_security_environment(3),
            decipher(&[1; 128]),
            compute_digital_signature(&[1; 35]),
        ] {
            assert!(!command.is_repeatable(), "{command:?}");
        }
    }
}
