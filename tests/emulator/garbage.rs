//! Anything at all is answered with a status word.

use super::bench::{authenticated, card, hex, personalisation, sample, vectors};
use cie::emulator::entropy::Seeded;
use cie::emulator::{Chip, SoftCard};
use cie::transport::Transport;

/// Bytes that are no command, commands with wild parameters, and commands of the worked session with
/// bytes changed: all are answered, and none opens what it should not.
#[test]
fn garbage_is_answered_with_a_status_word() {
    let v = vectors();
    let fresh = SoftCard::new(personalisation(&v), Chip::Gemalto, Seeded::new(3)).unwrap();
    let mut session = card(&v, Chip::Gemalto);
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
        assert!(clear.transmit(&command).unwrap().len() >= 2);
        // The same over the channel, correctly protected, so that it reaches the commands themselves.
        if let Ok(inner) = cie::iso7816::Command::parse(&command).map(|c| c.data().len()) {
            command[0] &= 0x10;
            if inner < 200 && command.len() < 220 && command[1] != 0xC0 {
                let answer = channel.send(&mut transport, &super::bench::upper(&command));
                assert!(answer.len() >= 4);
            }
        }
        assert_eq!(session.verify_count(), 0, "no right PIN in {}", super::bench::upper(&command));
        assert_eq!(fresh.verify_count(), 0);
    }
}
