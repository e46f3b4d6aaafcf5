//! Whether somebody left a verified PIN in a contact card.

use cie::emulator::contact::Model;
use cie::iso7816::command::{
    compute_digital_signature, decipher, manage_security_environment, restore_security_environment,
    select_application_information, select_identifier,
};
use cie::transport::Link;

use super::Desk;

/// Whether the card signs for whoever comes, as it would with a PIN that somebody left verified. The way to it
/// must not power it up anew.
pub fn signs_without_pin(desk: &Desk<'_>) -> bool {
    let mut link = (desk.connect)();
    let size = desk.model.key_bits() / 8;
    let mut block = vec![0xFF; size];
    (block[0], block[1], block[size - 5]) = (0, 1, 0);
    let signs = |link: &mut Link, environment, key| {
        [(0xB8, decipher(&block)), (0xB6, compute_digital_signature(&[7; 20]))].iter().any(
            |(template, operation)| {
                let _ = link.exchange(&restore_security_environment(environment)).unwrap();
                let set = manage_security_environment(0xF1, *template, &[0x83, 0x01, key]);
                link.exchange(&set).unwrap().status().is_success()
                    && link.exchange(operation).unwrap().status().is_success()
            },
        )
    };
    let (environment, key, path): (u8, u8, &[u16]) = match desk.model {
        Model::Cie1 => (0x30, 0x31, &[]),
        Model::Idemia => (0x03, 0x02, &[0x1400, 0x9002]),
        Model::Infocamere => (0x03, 0x21, &[0x2FFF]),
        _ => (0x03, 0x01, &[]),
    };
    // The PIN of a directory is forgotten outside of it: first from where the card was left.
    if signs(&mut link, environment, 0x10) {
        return true;
    }
    let root = match desk.model {
        Model::Ace => select_application_information(&hex::decode("A000000530000B104001021A").unwrap()),
        _ => select_identifier(0x3F00),
    };
    for command in std::iter::once(root).chain(path.iter().map(|identifier| select_identifier(*identifier))) {
        assert!(link.exchange(&command).unwrap().status().is_success(), "{command:?}");
    }
    signs(&mut link, environment, key)
}
