//! Anything at all is answered with a status word.

use super::bench::{VERIFY_RIGHT, authenticated, draws, hex, personalisation, sample, vectors};
use cie::crypto::signature::RsaPublicKey;
use cie::emulator::entropy::Seeded;
use cie::emulator::personalisation::ReadAccess;
use cie::emulator::{Chip, SoftCard};
use cie::transport::Transport;

/// What every stretch of seven bytes of the holder's files has in it.
const MARK: [u8; 4] = [0xC3, 0x9A, 0x5E, 0x71];

/// Fails if an answer in clear form, status word included, has the holder's data in it, or a signature
/// of the holder's key.
fn assert_harmless(answer: &[u8], holder: &RsaPublicKey, command: &[u8]) {
    let command = || super::bench::upper(command);
    assert!(!answer.windows(MARK.len()).any(|window| window == MARK), "the holder's data: {}", command());
    let block = answer.split_last_chunk::<2>().and_then(|(signature, _)| holder.recover(signature).ok());
    let signed = block.is_some_and(|block| block.starts_with(&[0x00, 0x01, 0xFF]));
    assert!(!signed, "a signature of the holder: {}", command());
}

/// Bytes that are no command, commands with wild parameters, and commands of the worked session with
/// bytes changed: all are answered, none with the holder's data or signature.
#[test]
fn garbage_is_answered_with_a_status_word() {
    let v = vectors();
    let mut personalisation = personalisation(&v);
    for file in personalisation.files.iter_mut().filter(|file| file.access == ReadAccess::Holder) {
        file.content = MARK.repeat(32);
    }
    let modulus = &personalisation.holder_key.modulus;
    let holder = RsaPublicKey::new(modulus, &personalisation.holder_key.public_exponent).unwrap();
    let fresh = SoftCard::new(personalisation.clone(), Chip::Gemalto, Seeded::new(3)).unwrap();
    let mut session = SoftCard::new(personalisation, Chip::Gemalto, draws(&v)).unwrap();
    let (mut transport, mut channel) = authenticated(&v, &session);
    let start_ssc = channel.ssc;
    let apdus: Vec<Vec<u8>> = ["nis_flow", "session_transcript"]
        .iter()
        .flat_map(|part| {
            let (list, name) = if *part == "nis_flow" { ("apdus", "cmd") } else { ("steps", "apdu") };
            v[*part][list].as_array().unwrap().iter().map(move |step| hex(&step[name]))
        })
        .chain(
            v["dh_apdus"]
                .as_object()
                .unwrap()
                .iter()
                .filter(|(k, _)| k.ends_with("cmd"))
                .map(|(_, c)| hex(c)),
        )
        .collect();
    let instructions = [0x20, 0x22, 0x24, 0x2A, 0x2C, 0x82, 0x84, 0x88, 0xA4, 0xB0, 0xB1, 0xC0, 0xCB];
    let mut clear = fresh.transport();
    let start = session.snapshot();
    for index in 0..4_000 {
        if index % 50 == 0 {
            // Back to the CIE directory, in case a command led out of it.
            session = start.snapshot();
            (transport, channel) = (session.transport(), super::bench::Channel::new(&v, start_ssc));
        }
        let noise = sample(1, index);
        let mut command = match index % 3 {
            0 => noise[..usize::from(noise[31] & 0x1F)].to_vec(),
            1 => {
                let mut command = apdus[usize::from(noise[0]) % apdus.len()].clone();
                let at = usize::from(noise[1]) % command.len();
                command[at] ^= noise[2];
                command.truncate(command.len() - usize::from(noise[3] & 0x03));
                command
            }
            _ => {
                let data = &noise[8..8 + usize::from(noise[7] % 20)];
                let ins = instructions[usize::from(noise[0]) % instructions.len()];
                let length = u8::try_from(data.len()).unwrap();
                let cla = [0x00, 0x10, 0x0C, 0x1C][usize::from(noise[4] & 3)];
                [&[cla, ins, noise[1] & noise[5], noise[2] & noise[6]], &[length][..], data].concat()
            }
        };
        let mut answer = clear.transmit(&command).unwrap();
        // With all that waits behind it.
        while let [.., 0x61, more] = answer[..] {
            answer.truncate(answer.len() - 2);
            answer.extend(clear.transmit(&[0x00, 0xC0, 0x00, 0x00, more]).unwrap());
        }
        assert!(answer.len() >= 2);
        assert_harmless(&answer, &holder, &command);
        // The same over the channel, correctly protected, so that it reaches the commands themselves.
        if let Ok(inner) = cie::iso7816::Command::parse(&command).map(|c| c.data().len()) {
            command[0] &= 0x10;
            if inner < 200 && command.len() < 220 && command[1] != 0xC0 {
                let answer = channel.send(&mut transport, &super::bench::upper(&command));
                assert!(answer.len() >= 4);
                assert_harmless(&hex::decode(answer).unwrap(), &holder, &command);
            }
        }
        assert_eq!(session.verify_count(), 0, "no right PIN in {}", super::bench::upper(&command));
        assert_eq!(fresh.verify_count(), 0);
    }
    // What was looked for is what the holder gets.
    let session = start.snapshot();
    (transport, channel) = (session.transport(), super::bench::Channel::new(&v, start_ssc));
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "9000");
    assert_eq!(channel.send(&mut transport, "002241A406800102840181"), "9000");
    for command in ["00B0820007", "00B0830007", "00B0831907", "0088000003414243"] {
        let answer = hex::decode(channel.send(&mut transport, command)).unwrap();
        let found = std::panic::catch_unwind(|| assert_harmless(&answer, &holder, &[])).is_err();
        assert!(found, "{command}");
    }
}
