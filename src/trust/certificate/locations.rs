//! Addresses in a certificate: where lists and responders are said to be.

use x509_parser::extensions::GeneralName;

/// The most addresses of one kind that are taken from a certificate, and the longest, in bytes.
const LOCATIONS_MAX: usize = 8;
const LOCATION_LENGTH_MAX: usize = 2048;

/// The addresses among names, as far as one can be asked for: printable ASCII of a sensible length.
pub(super) fn of<'a>(names: impl Iterator<Item = &'a GeneralName<'a>>) -> Vec<String> {
    let addresses = names.filter_map(|name| match name {
        GeneralName::URI(address) => Some(*address),
        _ => None,
    });
    let good = |address: &&str| {
        address.len() <= LOCATION_LENGTH_MAX && address.bytes().all(|b| b.is_ascii_graphic())
    };
    addresses.filter(good).take(LOCATIONS_MAX).map(str::to_owned).collect()
}
