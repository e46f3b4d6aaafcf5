//! Cards that answer other things than they are asked for: data objects and files with lying lengths, as data of
//! a success, in place of every answer.

use cie::cns::{Cause, Credential, File, Session};
use cie::emulator::contact::Model;
use cie::iso7816::{Command, Response, StatusWord, tlv};
use cie::transport::Link;

use super::flows::FLOWS;
use super::judge::Counts;
use super::{Recorded, record};
use crate::common::contact_flows::{card, link};
use crate::faults::{Fault, faulty_card, faulty_wire};
use crate::sweep::on_all_cores;

/// File control information with these data objects.
fn fci(objects: &[(u32, &[u8])]) -> Vec<u8> {
    let objects: Vec<u8> = objects.iter().flat_map(|(tag, value)| tlv::encode(*tag, value)).collect();
    tlv::encode(0x6F, &objects)
}

/// Personal data with this header and this text, as long as a file.
fn personal_data(text: &str) -> Vec<u8> {
    let mut file = text.as_bytes().to_vec();
    file.resize(256, 0);
    file
}

fn blobs() -> Vec<Vec<u8>> {
    let deep = |tag| (0..1_000).fold(Vec::new(), |inner, _| tlv::encode(tag, &inner));
    let mut blobs = vec![
        // Nesting, widths, lengths.
        deep(0x6F),
        deep(0x30),
        [0x6F, 0x00].repeat(2_000),
        vec![0x6F, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0x6F, 0x82, 0xFF, 0xFF, 0x80],
        vec![0x6F, 0x80, 0x00, 0x00],
        vec![0x6F, 0x02, 0x80, 0x7F],
        vec![0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x00],
        vec![0x62, 0x00],
        // Sizes of nothing, of more than there can be, said twice, of no length, in secure messaging, of a directory.
        fci(&[(0x80, &[0, 0]), (0x82, &[1, 0, 0])]),
        fci(&[(0x80, &[0xFF, 0xFF])]),
        fci(&[(0x80, &[0x7F, 0xFF])]),
        fci(&[(0x80, &[0xFF; 4])]),
        fci(&[(0x80, &[0xFF; 5])]),
        fci(&[(0x80, &[])]),
        fci(&[(0x80, &[1, 0x90]), (0x80, &[0, 1])]),
        fci(&[(0x80, &[0, 16]), (0xCB, &[0; 24])]),
        fci(&[(0x80, &[0, 16]), (0x86, &[0xFF; 9]), (0x8A, &[4])]),
        fci(&[(0x82, &[0x38, 0, 0]), (0x83, &[0x3F, 0x00]), (0x84, &[0xA0; 17])]),
        fci(&[(0x83, &[0x11])]),
        // Certificates.
        vec![0x30, 0x82, 0xFF, 0xFF],
        vec![0x30, 0x82, 0x7F, 0xFF],
        vec![0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0x30, 0x80, 0x00, 0x00],
        vec![0x30, 0x00],
        vec![0x30],
        vec![0x01, 0xFF, 0xFF, 0x00, 0x00, 0x30],
        [&[0x30, 0x82, 0x00, 0xFC][..], &[0x30; 252]].concat(),
        // Card numbers.
        vec![0xFF; 16],
        vec![0x00; 16],
        vec![b' '; 16],
        vec![0x1B; 16],
        b"6090000000000000".to_vec(),
        b"6120010000000018".to_vec(),
        vec![0xC3, 0x9F, 0xE2, 0x82, 0xAC, 0x80, 0xFE, 0x7F, 0, 1, 2, 3, 4, 5, 6, 7],
        (0x40..0x50).collect(),
        // Blocks of nothing.
        vec![],
        vec![0x00],
        vec![0x00; 256],
        vec![0xFF; 256],
        vec![0x7F; 255],
        vec![0x00; 128],
        vec![0xFF; 300],
    ];
    // Personal data.
    blobs.extend(["000000", "000001", "0000FF", "FFFFFF", "00000G", "-00001"].map(personal_data));
    for fields in ["FF", "0G", "10SHORT", "046090082512202508", "\u{80}"] {
        blobs.extend(["000006", "000100"].map(|header| personal_data(&format!("{header}{fields}"))));
    }
    blobs
}

#[test]
fn every_answer_replaced_by_hostile_objects() {
    let blobs: Vec<&'static [u8]> = blobs().into_iter().map(|blob| &*blob.leak()).collect();
    let models = if super::exhaustive() { &Model::ALL[..] } else { &[Model::Cns10, Model::Athena] };
    for model in models {
        let counts = Counts::default();
        for flow in FLOWS {
            let Recorded { course, recording } = record(flow, *model, &flow.card(*model));
            let all = |count: usize| {
                (0..count)
                    .flat_map(|at| blobs.iter().map(move |blob| (at, Fault::Replaced(blob))))
                    .collect::<Vec<_>>()
            };
            on_all_cores(all(recording.answers.len()), |(at, fault)| {
                let exchange = recording.exchange_of(at);
                let what = format!("{model}, {}, answer {at}, {fault:02X?}", flow.name);
                course.check(Some(exchange), faulty_card(&recording, at, fault), &what, &counts);
            });
            // Answers that are longer than what was asked for.
            on_all_cores(all(recording.exchanges.len()), |(at, fault)| {
                let what = format!("{model}, {}, exchange {at}, {fault:02X?}", flow.name);
                course.check(Some(at), faulty_wire(&recording, at, fault), &what, &counts);
            });
        }
        counts.report(&format!("{model}, hostile objects in every answer"));
    }
}

/// A session on a card whose answers are replaced once it is recognised.
fn session(answer: impl Fn(&Command, Response) -> Response + Send + 'static) -> Session {
    let card = card(Model::Cns10);
    let session = Session::open(link(&card)).unwrap();
    card.set_tamper(Some(Box::new(move |command, response| answer(command, response))));
    session
}

fn with_fci(objects: &'static [(u32, &'static [u8])]) -> Session {
    session(move |command, response| match command.ins() {
        0xA4 if response.status().is_success() => Response::new(fci(objects), StatusWord::SUCCESS),
        _ => response,
    })
}

/// What stands on the card decides, not what is said of it; a file of no bytes is empty, and asks for no command.
#[test]
fn sizes_that_are_not_true() {
    for size in [&[0xFF, 0xFF][..], &[0x7F, 0xFF], &[0xFF, 0xFF, 0xFF, 0xFF], &[1, 0x90]] {
        let objects: &'static [(u32, &'static [u8])] = vec![(0x80, &*size.to_vec().leak())].leak();
        let content = with_fci(objects).read(File::PersonalData).unwrap();
        assert_eq!(content.len(), 400, "{size:02X?}");
    }
    let mut session = with_fci(&[(0x80, &[0, 0])]);
    let before = session.statistics().commands;
    assert_eq!(session.read(File::PersonalData), Ok(Vec::new()));
    assert_eq!(session.statistics().commands, before + 1, "SELECT");
    let error = session.read_personal_data().unwrap_err();
    assert_eq!(error.cause, Cause::NotPersonalised);
    assert!(!error.is_transport());
}

/// A certificate's header that lies is the end of that certificate, and costs no more than the file.
#[test]
fn certificates_that_lie_about_their_length() {
    for head in [&[0x30, 0x82, 0xFF, 0xFF][..], &[0x30, 0x82, 0x7F, 0xFB], &[0x30, 0x84, 0x7F, 0, 0, 0]] {
        let mut session = session(move |command, response| match command.ins() {
            0xB0 if command.p1() == 0 && command.p2() == 0 => {
                Response::new([head, &response.data()[head.len()..]].concat(), response.status())
            }
            _ => response,
        });
        let before = session.statistics().commands;
        let error = session.certificate(Credential::Authentication).map(drop).unwrap_err();
        assert!(matches!(error.cause, Cause::File(_)), "{head:02X?}: {error}");
        assert!(session.statistics().commands - before <= 11, "{head:02X?}");
        assert!(!error.is_transport());
        let link: Link = session.into_link();
        drop(link);
    }
}
