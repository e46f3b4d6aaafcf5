//! Every stand-in for a pointer, made here as a C program would make it. Without files and without OpenSSL, so that
//! Miri can watch: `cargo +nightly miri test --lib --no-default-features --features c-api c_api::border`.

use std::cell::Cell;

use super::super::result::{CIE_ARGUMENT, CIE_BUSY, CIE_HANDLE, CIE_NO_ROOM, CIE_NULL, CIE_OK, cie_result};
use super::super::{
    CIE_READER_NAME_SIZE, cie_close, cie_context_clone, cie_context_free, cie_context_new, cie_error_facts,
    cie_seen_open,
};
use super::*;

/// What a refusal is.
#[track_caller]
fn refused<T>(outcome: Result<T, Fault>) -> cie_result {
    outcome.err().expect("a refusal").number()
}

/// One byte beyond where it should be.
fn misaligned<T>(value: &mut T) -> *mut T {
    std::ptr::from_mut(value).wrapping_byte_add(1)
}

#[test]
fn text_ends_at_its_zero_byte_and_not_behind_its_limit() {
    let text = |bytes: &[u8]| Text(bytes.as_ptr().cast());
    assert_eq!(text(b"abc\0def").required(10).unwrap(), "abc");
    assert_eq!(text(b"abc\0").optional(3).unwrap().unwrap(), "abc");
    assert_eq!(text(b"\0").required(0).unwrap(), "");
    // Nothing lies behind these: four bytes are looked at, and no fifth one.
    assert_eq!(refused(text(b"abcd").required(3)), CIE_ARGUMENT);
    assert_eq!(refused(text(b"a\xC3\x28\0").required(10)), CIE_ARGUMENT);
    assert_eq!(refused(Text(std::ptr::null()).required(10)), CIE_NULL);
    assert!(Text(std::ptr::null()).optional(10).unwrap().is_none());
}

#[test]
fn bytes_are_as_many_as_is_said() {
    let bytes = || Bytes(b"abc".as_ptr());
    assert_eq!(bytes().required(3, 3).unwrap(), b"abc");
    assert_eq!(bytes().required(2, 3).unwrap(), b"ab");
    assert!(bytes().required(0, 3).unwrap().is_empty());
    assert_eq!(refused(bytes().required(3, 2)), CIE_ARGUMENT);
    assert_eq!(refused(bytes().required(usize::MAX, 3)), CIE_ARGUMENT);
    assert!(Bytes(std::ptr::null()).required(0, 3).unwrap().is_empty());
    assert_eq!(refused(Bytes(std::ptr::null()).required(1, 3)), CIE_NULL);
}

#[test]
fn secrets_are_taken_and_others_stay() {
    for (typed, expected) in [(&b"12345678"[..], "12345678"), (b"1234567\xFF", ""), (b"\xC3\x28345678", "")] {
        let mut memory = [b'7'; 10];
        memory[..8].copy_from_slice(typed);
        let place = memory.as_mut_ptr();
        let look = SecretIn(place.cast()).look(8).unwrap().unwrap();
        assert_eq!(look.expose(), expected);
        assert_eq!(&memory[..8], typed);
        let place = memory.as_mut_ptr();
        let taken = Secret(place.cast()).take(8).unwrap();
        assert_eq!(taken.expose(), expected);
        assert_eq!(memory, [0, 0, 0, 0, 0, 0, 0, 0, b'7', b'7'], "cleared, and nothing beside it");
    }
    let mut memory = [b'7'; SECRET_MAX + 1];
    let place = memory.as_mut_ptr();
    assert_eq!(refused(Secret(place.cast()).take(SECRET_MAX + 1)), CIE_ARGUMENT);
    assert_eq!(refused(SecretIn(place.cast()).look(usize::MAX)), CIE_ARGUMENT);
    assert!(memory.iter().all(|byte| *byte == b'7'));
    let place = memory.as_mut_ptr();
    assert_eq!(Secret(place.cast()).take(SECRET_MAX).unwrap().expose().len(), SECRET_MAX);
    assert_eq!((memory[SECRET_MAX - 1], memory[SECRET_MAX]), (0, b'7'));
    assert_eq!(Secret(memory.as_mut_ptr().cast()).take(0).unwrap().expose(), "");
    assert_eq!(refused(Secret(std::ptr::null_mut()).take(4)), CIE_NULL);
    // Left out, and a buffer that could not be had.
    assert!(Secret(std::ptr::null_mut()).take_optional(0).unwrap().is_none());
    assert!(SecretIn(std::ptr::null()).look(0).unwrap().is_none());
    assert_eq!(refused(Secret(std::ptr::null_mut()).take_optional(4)), CIE_NULL);
    assert_eq!(refused(SecretIn(std::ptr::null()).look(4)), CIE_NULL);
}

#[test]
fn a_value_is_put_where_there_is_a_place_for_it() {
    // Zeros are a value of each of these types, as C would have them.
    macro_rules! place {
        ($out:ident, $value:expr, $same:expr) => {
            let mut values = [$value, $value];
            let [place, _] = &mut values;
            assert_eq!(refused($out(std::ptr::null_mut()).place()), CIE_NULL);
            assert_eq!(refused($out(misaligned(place)).place()), CIE_ARGUMENT);
            $out(std::ptr::from_mut(place)).place().unwrap().put($value);
            let same: fn(&_) -> bool = $same;
            assert!(values.iter().all(same));
        };
    }
    place!(NumberOut, 7_i32, |value| *value == 7);
    place!(HandleOut, 7_u64, |value| *value == 7);
    place!(ReaderOut, reader(1), |value: &cie_reader| value.state == 1);
    place!(
        EventOut,
        cie_event { kind: 3, atr_length: 0, atr: [0; 36], reader: [0; CIE_READER_NAME_SIZE] },
        |value: &cie_event| value.kind == 3
    );
    place!(
        StatisticsOut,
        cie_statistics { commands: 5, get_responses: 0, bytes_sent: 0, bytes_received: 0 },
        |value: &cie_statistics| value.commands == 5
    );
    place!(FactsOut, cie_error { result: 9, tries_left: -1, is_doubtful: 0 }, |value: &cie_error| value
        .result
        == 9);
    place!(
        RequestOut,
        cie_status_request {
            source: 2,
            is_fallback: 0,
            depth: 0,
            locations: 0,
            body_length: 0,
            max_length: 0
        },
        |value: &cie_status_request| value.source == 2
    );
    // A handle is 0 until there is one.
    let mut handle = 7;
    let _ = HandleOut(&raw mut handle).place().unwrap();
    assert_eq!(handle, 0);
}

fn reader(state: i32) -> cie_reader {
    let (name, atr) = ([0; CIE_READER_NAME_SIZE], [0; 36]);
    cie_reader { name, state, atr_length: 0, atr, in_use: 0, is_exclusive: 0 }
}

#[test]
fn buffers_are_filled_as_far_as_there_is_room() {
    let values = [1_u8, 2, 3];
    // Asked, too short, exact, more than enough.
    for (room, number, filled) in
        [(None, CIE_OK, 0), (Some(2), CIE_NO_ROOM, 0), (Some(3), CIE_OK, 3), (Some(9), CIE_OK, 3)]
    {
        let (mut memory, mut size) = ([7_u8; 4], room.unwrap_or(99));
        let buffer = if room.is_some() { memory.as_mut_ptr() } else { std::ptr::null_mut() };
        let outcome = BytesOut(buffer).room(SizeInOut(&raw mut size)).unwrap().fill(&values);
        assert_eq!(outcome.map_or_else(|fault| fault.number(), |()| CIE_OK), number);
        assert_eq!(size, 3);
        assert_eq!((&memory[..filled], &memory[filled..]), (&values[..filled], &[7; 4][filled..]));
    }
    // What must not be done in vain is offered the most that it can take.
    for (room, number) in [(None, CIE_OK), (Some(4), CIE_NO_ROOM), (Some(5), CIE_OK)] {
        let (mut memory, mut size) = ([7_u8; 5], room.unwrap_or(99));
        let buffer = if room.is_some() { memory.as_mut_ptr() } else { std::ptr::null_mut() };
        let outcome = BytesOut(buffer).room(SizeInOut(&raw mut size)).unwrap().offers(5);
        let goes_on = outcome.as_ref().is_ok_and(Option::is_some);
        assert_eq!(goes_on, room == Some(5));
        match outcome {
            Ok(Some(room)) => room.fill(&values).unwrap(),
            outcome => assert_eq!(outcome.map_or_else(|fault| fault.number(), |_| CIE_OK), number),
        }
        assert_eq!(size, if goes_on { 3 } else { 5 });
    }
    let mut readers = [reader(0), reader(0), reader(0)];
    let mut count = 3;
    let room = ReadersOut(readers.as_mut_ptr()).room(SizeInOut(&raw mut count)).unwrap();
    room.fill(&[reader(1), reader(2)]).unwrap();
    assert_eq!((readers.map(|reader| reader.state), count), ([1, 2, 0], 2));

    let mut size = 3_usize;
    let [first, _] = &mut [reader(0), reader(0)];
    let null = SizeInOut(std::ptr::null_mut());
    assert_eq!(refused(BytesOut(std::ptr::null_mut()).room(null)), CIE_NULL);
    assert_eq!(refused(BytesOut(std::ptr::null_mut()).room(SizeInOut(misaligned(&mut size)))), CIE_ARGUMENT);
    assert_eq!(refused(ReadersOut(misaligned(first)).room(SizeInOut(&raw mut size))), CIE_ARGUMENT);
    assert_eq!(size, 3);
}

#[test]
fn text_with_a_zero_byte_in_it_does_not_end_early() {
    for (text, expected) in [("", &b"\0"[..]), ("a\0b", b"a\xEF\xBF\xBDb\0"), ("\0", b"\xEF\xBF\xBD\0")] {
        let (mut buffer, mut size) = ([7_u8; 16], 16_usize);
        let room = TextOut(buffer.as_mut_ptr().cast()).room(SizeInOut(&raw mut size)).unwrap();
        room.fill(text).unwrap();
        assert_eq!((&buffer[..size], buffer[size]), (expected, 7));
    }
    // Its size counts the zero byte, also where it is only offered.
    let mut size = 3_usize;
    let mut room = || TextOut(std::ptr::dangling_mut()).room(SizeInOut(&raw mut size)).unwrap();
    assert_eq!(refused(room().fill("abc")), CIE_NO_ROOM);
    assert_eq!(refused(room().offers(4)), CIE_NO_ROOM);
    assert_eq!(size, 5);
}

#[test]
fn options_have_the_size_that_they_say() {
    let good = cie_party_options { lifetime_seconds: 60, ..cie_party_options::default() };
    let read = |options: &cie_party_options| PartyOptionsIn(std::ptr::from_ref(options)).read();
    assert_eq!(read(&good).unwrap().lifetime_seconds, 60);
    let default = PartyOptionsIn(std::ptr::null()).read().unwrap();
    assert_eq!(default.size, size_of::<cie_party_options>());
    for size in [0, PartyOptionsIn::FIRST - 1, size_of::<cie_party_options>() + 1, usize::MAX] {
        assert_eq!(refused(read(&cie_party_options { size, ..good })), CIE_ARGUMENT);
    }
    let mut two = [good, good];
    assert_eq!(refused(PartyOptionsIn(misaligned(&mut two[0])).read()), CIE_ARGUMENT);

    // A program of the first version: there is nothing behind its last field.
    assert_eq!(OpenOptionsIn::FIRST, size_of::<cie_open_options>());
    let mut old = vec![0_usize; OpenOptionsIn::FIRST / size_of::<usize>()];
    old[0] = OpenOptionsIn::FIRST;
    let options = OpenOptionsIn(old.as_ptr().cast()).read().unwrap();
    assert!(options.size == OpenOptionsIn::FIRST && options.recorder == 0 && options.progress.is_none());
    // Who says less has less: the size alone is looked at.
    let less = 1_usize;
    assert_eq!(refused(OpenOptionsIn((&raw const less).cast()).read()), CIE_ARGUMENT);
}

#[test]
fn what_is_handed_to_a_callback_comes_back_as_it_was() {
    let mut value = 7_u32;
    let data = UserData::new((&raw mut value).cast());
    let pointer = std::thread::scope(|scope| {
        let moved = scope.spawn(move || data.pointer() as usize);
        moved.join().unwrap()
    });
    assert_eq!(pointer, &raw mut value as usize);
    assert!(UserData::new(std::ptr::null_mut()).pointer().is_null());
}

fn new_context() -> *mut cie_context {
    let mut context = std::ptr::dangling_mut();
    assert_eq!(cie_context_new(ContextOut(&raw mut context)), CIE_OK);
    context
}

#[test]
fn a_context_lives_from_new_to_free() {
    let context = new_context();
    let mut handle = 0;
    assert_eq!(cie_seen_open(ContextIn(context), HandleOut(&raw mut handle)), CIE_OK);
    let mut clone = std::ptr::null_mut();
    assert_eq!(cie_context_clone(ContextIn(context), ContextOut(&raw mut clone)), CIE_OK);
    // With what is open in it; the other one still has it, and then nobody.
    assert_eq!(cie_context_free(ContextIn(context)), CIE_OK);
    assert_eq!(cie_close(ContextIn(clone), handle), CIE_OK);
    assert_eq!(cie_seen_open(ContextIn(clone), HandleOut(&raw mut handle)), CIE_OK);
    assert_eq!(cie_context_free(ContextIn(clone)), CIE_OK);

    assert_eq!(cie_context_free(ContextIn(std::ptr::null_mut())), CIE_OK);
    assert_eq!(cie_context_new(ContextOut(std::ptr::null_mut())), CIE_NULL);
    let mut places = [std::ptr::null_mut::<cie_context>(); 2];
    assert_eq!(cie_context_new(ContextOut(misaligned(&mut places[0]))), CIE_ARGUMENT);
}

#[test]
fn what_is_no_context_is_not_taken_for_one() {
    // Nothing but as long a head as the mark has: no more than that is looked at.
    let mut foreign = [MARK ^ 1, 0];
    let head = foreign.as_mut_ptr();
    let mut clone = std::ptr::dangling_mut();
    for (pointer, expected) in [
        (head.wrapping_add(1), CIE_HANDLE),
        (head, CIE_HANDLE),
        (head.wrapping_byte_add(1), CIE_ARGUMENT),
        (std::ptr::null_mut(), CIE_NULL),
    ] {
        let context = || ContextIn(pointer.cast());
        assert_eq!(cie_close(context(), 0), expected);
        assert_eq!(cie_context_clone(context(), ContextOut(&raw mut clone)), expected);
        assert!(clone.is_null());
        assert_eq!(cie_context_free(context()), if pointer.is_null() { CIE_OK } else { expected });
    }
    assert_eq!(foreign, [MARK ^ 1, 0]);
}

#[test]
fn a_context_in_use_is_not_freed() {
    let context = new_context();
    let asked = Cell::new(CIE_OK);
    let outcome = ContextIn(context).with(|_| {
        asked.set(cie_context_free(ContextIn(context)));
        Err::<(), _>(Fault::Absent)
    });
    assert!(matches!(outcome, Err(Fault::Absent)));
    assert_eq!(asked.get(), CIE_BUSY);
    // A panic ends a use as well.
    let body = || ContextIn(context).with::<()>(|_| std::panic::panic_any("this is part of the test"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err());
    assert_eq!(cie_context_free(ContextIn(context)), CIE_OK);
}

#[test]
fn threads_share_a_context() {
    /// As C hands it from one thread to the other.
    struct Pointer(*mut cie_context);
    // SAFETY: what it points to serves any thread (see `serves_any_thread`).
    unsafe impl Sync for Pointer {}
    let shared = Pointer(new_context());
    let shared = &shared;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut facts = cie_error { result: -1, tries_left: 0, is_doubtful: 0 };
                assert_eq!(cie_close(ContextIn(shared.0), 1), CIE_HANDLE);
                assert_eq!(cie_error_facts(ContextIn(shared.0), FactsOut(&raw mut facts)), CIE_OK);
                assert_eq!(facts.result, CIE_HANDLE);
            });
        }
    });
    assert_eq!(cie_context_free(ContextIn(shared.0)), CIE_OK);
}
