/*
 * cie.h: the electronic identity cards of Italy, for C (C99), C++ (C++98) and whatever can call C.
 *
 * CIE 3 (contactless), the identity cards before it, citizen's services cards (CNS) and health cards. How to build and
 * link the library, and programs to begin with: docs/c-api.md, examples/c. Made from src/c_api by cbindgen.
 *
 *     cie_context *context;
 *     cie_handle card, chip;
 *     char pin[] = "12345678";
 *
 *     if (cie_context_new(&context) != CIE_OK) return 1;
 *     if (cie_card_open(context, reader, CIE_SHARING_SHARED, NULL, &card) != CIE_OK ||
 *         cie_card_verify_chip(context, card, trust, 0, &chip) != CIE_OK ||    // a CIE 3: genuine, before the PIN
 *         cie_card_verify_pin(context, card, pin, strlen(pin), CIE_LAST_TRY_REFUSE) != CIE_OK) {
 *         char text[CIE_MESSAGE_SIZE];
 *         size_t size = sizeof text;
 *         if (cie_error_message(context, CIE_ITALIAN, text, &size) == CIE_OK) puts(text);
 *     }
 *     cie_context_free(context);   // closes whatever is open, and resets a card that knows its PIN
 *
 * RESULTS. Every function that can fail returns CIE_OK (0) or the number of what went wrong. What the last failed call
 * with a context has to say is asked of that context: cie_error_message, cie_error_advice, cie_error_detail,
 * cie_error_facts. There is no global state. A check that fails, fails: no record comes out of it. CIE_ABSENT,
 * CIE_NO_ROOM and CIE_TIMED_OUT count as failures there: read what a failure has to say before the next call that can
 * fail. A call that succeeds leaves it as it is.
 *
 * HANDLES. What is open is known by a number. Close it with cie_close; twice, or with a number that was never given out,
 * is CIE_HANDLE and nothing worse. At most 65,536 are open at once. A context is a pointer, and must not be used after
 * cie_context_free.
 *
 * FAILURES leave 0 where a handle would be, and everything else as it was, but for what a function says otherwise.
 *
 * POINTERS. Text that is given is UTF-8 with a zero byte at its end. What is given is copied: nothing is kept after a call
 * returns but callbacks and their data, for as long as the card is open that they were given for. Where a function does
 * not say that a pointer may be null, null is CIE_NULL; bytes of which there are 0 may be null. Except for a callback's
 * arguments nothing that the library owns is ever handed out as a pointer, but for static text. What is longer than
 * this is CIE_ARGUMENT: paths 4096 bytes, names of readers 392, origins and challenges 1024, certificates 65,536.
 *
 * SIZES. A function that fills a buffer takes it and the address of its size. With null for the buffer it puts the size
 * that is needed there, and does nothing else; the size need not be set before. With a buffer, set the size to the room
 * in it: CIE_OK puts how much was filled, CIE_NO_ROOM how much is needed. Sizes of text count the zero byte.
 *
 * THREADS. Every function may be called by any thread, with the same context or another. What one call uses is CIE_BUSY
 * for a second one at the same time: a card, a monitor. Trust stores, portals, records and memories of cards serve any
 * number of calls. Threads that share a context would read each other's errors: cie_context_clone gives each its own.
 * The library has threads of its own for readers; none of them calls back. Nothing may be called from a signal handler:
 * block the signals before the first call, wait for them with sigwait in a thread, and let that call cie_monitor_cancel.
 * Nothing may be called in a child process after fork with what the parent opened.
 *
 * CALLBACKS run in the thread that made the call, and may call anything but cie_context_free, which is CIE_BUSY then.
 * They must return: no longjmp, no C++ exception may leave them. Closing a card or monitor does not end a call that uses
 * it: keep a callback's data until that call has returned. Which thread that is, is the program's choice at each
 * call: a callback that was given when a card was opened, and its data, must be fit for every thread that uses the
 * card, with a clone of the context too. Progress is told while the card is being opened as well, when there is no
 * handle yet.
 *
 * SECRETS. A PIN or PUK is cleared in the program's buffer before the function returns, so the buffer must not be a string
 * literal. No call repeats a command that carries one, and none spends the last try unless it is told to, as far as it is
 * known to be the last: a CIE 3 may tell, a contact card tells only after a wrong PIN. What was told is remembered by
 * the context for as long as the card is open, and for a quarter of an hour after. Nobody knows what other programs spent. The
 * PIN of a CIE 3 has eight digits, that of any other card five to eight. The call that would send it sees to that;
 * cie_check_new_pin does not, since it knows no card.
 */

#ifndef CIE_H
#define CIE_H

#include <stddef.h>
#include <stdint.h>

/**
 * The library was built with PC/SC readers.
 */
#define CIE_FEATURE_READERS 1

/**
 * The library was built with software cards. A kiosk in service should have one without.
 */
#define CIE_FEATURE_SOFT_CARDS 2

/**
 * How many bytes any text of `cie_error_message` and `cie_error_advice` takes at most, the zero byte included.
 */
#define CIE_MESSAGE_SIZE 512

/**
 * English, for `cie_error_message` and `cie_error_advice`.
 */
#define CIE_ENGLISH 0

/**
 * Italian.
 */
#define CIE_ITALIAN 1

/**
 * How many bytes the name of a reader takes at most, the zero byte included.
 */
#define CIE_READER_NAME_SIZE 392

/**
 * How many bytes an answer to reset takes at most.
 */
#define CIE_ATR_SIZE 36

/**
 * Waits without an end.
 */
#define CIE_FOREVER 4294967295u

/**
 * Nothing lies on the reader.
 */
#define CIE_READER_EMPTY 1

/**
 * A card that answers.
 */
#define CIE_READER_CARD 2

/**
 * A card that does not answer, or cannot be powered.
 */
#define CIE_READER_MUTE 3

/**
 * The reader is there but cannot be used.
 */
#define CIE_READER_UNAVAILABLE 4

/**
 * The reader service is gone, or was not there when the monitor began. The cards and readers that were there have been
 * told as gone.
 */
#define CIE_EVENT_SERVICE_LOST 1

/**
 * The reader service is back; its readers follow.
 */
#define CIE_EVENT_SERVICE_BACK 2

/**
 * A reader was plugged in, or was there when the monitor began.
 */
#define CIE_EVENT_READER_ADDED 3

/**
 * A reader is gone.
 */
#define CIE_EVENT_READER_REMOVED 4

/**
 * A card that answers was laid on.
 */
#define CIE_EVENT_CARD_INSERTED 5

/**
 * A card was laid on that does not answer.
 */
#define CIE_EVENT_CARD_MUTE 6

/**
 * The card, mute or not, is not there any more.
 */
#define CIE_EVENT_CARD_REMOVED 7

/**
 * Nobody else uses the card meanwhile: for cards whose verified PIN serves every program (CNS, health cards).
 */
#define CIE_SHARING_EXCLUSIVE 1

/**
 * Other programs may use it as well, but not in the middle of a call. Enough for a CIE 3; a contact card is kept
 * exclusively all the same from the PIN on.
 */
#define CIE_SHARING_SHARED 2

/**
 * An identity card of the first generation.
 */
#define CIE_KIND_CIE1 1

/**
 * An identity card of the second generation.
 */
#define CIE_KIND_CIE2 2

/**
 * An identity card of the third generation, without contacts: those issued since 2016.
 */
#define CIE_KIND_CIE3 3

/**
 * A citizen's services card (CNS), or a health card with its application (TS-CNS).
 */
#define CIE_KIND_CNS 4

/**
 * DER, as the card gives it.
 */
#define CIE_FORMAT_DER 1

/**
 * PEM: text, with a zero byte at its end, which the size counts.
 */
#define CIE_FORMAT_PEM 2

/**
 * With one try left nothing is sent: `CIE_PIN_LAST_TRY`, `CIE_PUK_LAST_TRY`.
 */
#define CIE_LAST_TRY_REFUSE 0

/**
 * The person was told that this is the last try and wants it.
 */
#define CIE_LAST_TRY_SPEND 1

/**
 * The card does not tell how many tries are left. It is not known to be the last.
 */
#define CIE_TRIES_UNKNOWN (-1)

/**
 * A document: `data` is what CMS, PAdES and their kin sign, the signed attributes (RFC 5652 section 5.4), or begins
 * with words that say what it is and that no other protocol signs. Never the document alone.
 */
#define CIE_PURPOSE_DOCUMENT 1

/**
 * Bytes of unknown meaning. Refused when they could be a login token of Web eID: 64, 96 or 128 bytes. Other logins are
 * not known by their length (client authentication of TLS and SSH sign this way, too): do not sign what a stranger
 * sends.
 */
#define CIE_PURPOSE_RAW 2

/**
 * Bytes of unknown meaning of which the program knows that they are no login token.
 */
#define CIE_PURPOSE_RAW_ACKNOWLEDGED 3

/**
 * SHA-1: for old verifiers only.
 */
#define CIE_HASH_SHA1 1

/**
 * SHA-256.
 */
#define CIE_HASH_SHA256 256

/**
 * SHA-384.
 */
#define CIE_HASH_SHA384 384

/**
 * SHA-512.
 */
#define CIE_HASH_SHA512 512

/**
 * The longest signature, in bytes: what a buffer for any card has room for.
 */
#define CIE_SIGNATURE_SIZE 512

/**
 * Information: "cie1", "cie2", "cie3" or "cns". A citizen: "cie3", "cns" or "first-generations".
 */
#define CIE_FIELD_KIND 1

/**
 * Information: who made the chip, such as "nxp"; "unknown" if it cannot be told.
 */
#define CIE_FIELD_CHIP 2

/**
 * Information: the answer to reset, in hexadecimal digits.
 */
#define CIE_FIELD_ATR 3

/**
 * Information: what was found on the card, separated by commas: "ias-ecc", "cie", "travel-document", "cns".
 */
#define CIE_FIELD_APPLICATIONS 4

/**
 * Information, personal data, a citizen: the number of the card; a CIE 3 tells anyone that of its chip, in hexadecimal
 * digits.
 */
#define CIE_FIELD_CARD_NUMBER 5

/**
 * Information (the card's claim), a genuine card: the number for services, twelve digits.
 */
#define CIE_FIELD_NIS 6

/**
 * Information: bits of the authentication key of a contact card.
 */
#define CIE_FIELD_KEY_BITS 7

/**
 * Personal data: what the digest in the certificate covers, "whole-file" or another range; absent if nothing binds the
 * data to the certificate.
 */
#define CIE_FIELD_BINDING 20

/**
 * Personal data: "trust" if the certificate was verified under a trust store, "card" if it is the card's word. Neither
 * says that the card is no copy.
 */
#define CIE_FIELD_VOUCHED 21

/**
 * A citizen: "good" if the certificate was not revoked, "unknown" if nobody could say, "not-asked" under
 * `CIE_POLICY_OFFLINE`, whatever lists said: one that is on a list does not come so far.
 */
#define CIE_FIELD_STATUS 30

/**
 * A citizen whose status is good: until when it is (RFC 3339).
 */
#define CIE_FIELD_STATUS_UNTIL 31

/**
 * A citizen: the end of the certificate's validity (RFC 3339).
 */
#define CIE_FIELD_VALID_UNTIL 32

/**
 * A genuine card, a genuine chip, a citizen: the moment of the check (RFC 3339).
 */
#define CIE_FIELD_CHECKED_AT 33

/**
 * A genuine card, a genuine chip: common name of the document signer.
 */
#define CIE_FIELD_SIGNER 34

/**
 * Personal data: who issued the card, as it is written.
 */
#define CIE_FIELD_ISSUER_CODE 101

/**
 * Personal data: day of issue (ISO 8601 if it is a date, else as it is written).
 */
#define CIE_FIELD_ISSUE_DATE 102

/**
 * Personal data: last day of validity.
 */
#define CIE_FIELD_EXPIRY_DATE 103

/**
 * Personal data, a citizen: surname.
 */
#define CIE_FIELD_SURNAME 104

/**
 * Personal data, a citizen: given names.
 */
#define CIE_FIELD_GIVEN_NAMES 105

/**
 * Personal data: day of birth.
 */
#define CIE_FIELD_BIRTH_DATE 106

/**
 * Personal data: sex, "F" or "M".
 */
#define CIE_FIELD_SEX 107

/**
 * Personal data: stature in centimetres.
 */
#define CIE_FIELD_STATURE 108

/**
 * Personal data, a citizen: fiscal code.
 */
#define CIE_FIELD_FISCAL_CODE 109

/**
 * Personal data: citizenship, in a coding that is not published; a CNS leaves it out.
 */
#define CIE_FIELD_CITIZENSHIP 110

/**
 * Personal data: municipality of birth: its code in the land register (Belfiore code), such as "L219" for Turin.
 */
#define CIE_FIELD_BIRTH_MUNICIPALITY 111

/**
 * Personal data: state of birth, of those born abroad: the same kind of code, which begins with Z, or as it is
 * written.
 */
#define CIE_FIELD_BIRTH_STATE 112

/**
 * Personal data: particulars of the birth act.
 */
#define CIE_FIELD_BIRTH_ACT 113

/**
 * Personal data: municipality of residence: its code, as for `CIE_FIELD_BIRTH_MUNICIPALITY`.
 */
#define CIE_FIELD_RESIDENCE_MUNICIPALITY 114

/**
 * Personal data: address of residence.
 */
#define CIE_FIELD_RESIDENCE_ADDRESS 115

/**
 * Personal data: note about travel abroad.
 */
#define CIE_FIELD_TRAVEL_NOTE 116

/**
 * For `cie_trust_open`: takes certificates of software cards, too. For tests; what is verified with one says so.
 */
#define CIE_ALLOW_TEST_PKI 1

/**
 * For checks of a card's files: takes EF.SODs signed with SHA-1, as some of the first cards may have.
 */
#define CIE_ALLOW_SHA1 2

/**
 * For certificates of older cards: takes keys of 1024 bits, and SHA-1.
 */
#define CIE_ALLOW_LEGACY 4

/**
 * Certificates of citizens in a CIE 3.
 */
#define CIE_ANCHOR_HOLDER 1

/**
 * Those in citizen's services cards and health cards.
 */
#define CIE_ANCHOR_CNS 2

/**
 * Those in identity cards of the first generations.
 */
#define CIE_ANCHOR_FIRST_GENERATIONS 3

/**
 * Document signers, whose signatures stand under a card's files: country signing certificates (CSCA).
 */
#define CIE_ANCHOR_CSCA 4

/**
 * OCSP responders that answer for any issuer, or their authorities.
 */
#define CIE_ANCHOR_RESPONDER 5

/**
 * A card kind of `cie_party_options`: the CIE 3.
 */
#define CIE_ACCEPT_CIE3 1

/**
 * Citizen's services cards and health cards.
 */
#define CIE_ACCEPT_CNS 2

/**
 * Identity cards of the first generations.
 */
#define CIE_ACCEPT_FIRST_GENERATIONS 4

/**
 * Where a certificate states an extended key usage, clientAuth stands in it: what RFC 5280 asks for.
 */
#define CIE_CLIENT_AUTHENTICATION_WHERE_STATED 0

/**
 * A certificate states one, and clientAuth stands in it.
 */
#define CIE_CLIENT_AUTHENTICATION_REQUIRED 1

/**
 * Nothing is asked of it.
 */
#define CIE_CLIENT_AUTHENTICATION_NOT_ASKED 2

/**
 * How many bytes a buffer for a challenge takes, the zero byte included.
 */
#define CIE_NONCE_SIZE 45

/**
 * How many bytes a buffer for a login token takes, the zero byte included.
 */
#define CIE_TOKEN_SIZE 10001

/**
 * Where a status comes from: a revocation list, fetched by GET.
 */
#define CIE_STATUS_LIST 1

/**
 * An OCSP responder, asked by POST.
 */
#define CIE_STATUS_RESPONDER 2

/**
 * Nobody comes in whose certificate's status is not known to be good.
 */
#define CIE_POLICY_HARD 1

/**
 * A status that cannot be had is let pass: `CIE_FIELD_STATUS` is "unknown" then. A responder that says that it does
 * not know the certificate has it refused all the same: `CIE_STATUS_UNAVAILABLE`.
 */
#define CIE_POLICY_SOFT 2

/**
 * Nobody is asked; only the lists that were given with `cie_party_add_list` are looked at, and need not be there.
 * Whoever has all lists takes `CIE_POLICY_HARD`, which asks for nothing that a list tells.
 */
#define CIE_POLICY_OFFLINE 3

/**
 * What is safe to send to whoever helps, with the time of each command: no PIN, and nothing that names anybody.
 */
#define CIE_TRACE_DIAGNOSTIC 1

/**
 * Everything, so that it can be played back: of software cards only (`CIE_NO_TEST_CARD`), as their PIN could be found
 * in it.
 */
#define CIE_TRACE_REPLAYABLE 2

/**
 * What a program works with: everything that it opens is kept here, and what its last failed call has to say.
 *
 * Threads: any number of threads may use the same context at the same time, but they would read each other's error
 * messages. Give each thread its own with `cie_context_clone`; handles are good in all clones of a context, and in no
 * other.
 */
typedef struct cie_context cie_context;

/**
 * What a function returns: `CIE_OK`, or the number of what went wrong. Numbers may be added; none changes its meaning.
 * Those from 100 on are the codes of the library's errors, by which the documentation and the command line call them.
 */
typedef int32_t cie_result;

/**
 * Something that the library keeps for a program: a card, a monitor, a trust store, a citizen. It is a number, given
 * out once and never again: after `cie_close`, or with a number that was never given out, every function answers
 * `CIE_HANDLE`. 0 is never a handle.
 */
typedef uint64_t cie_handle;

/**
 * Something that happened at the readers.
 */
typedef struct cie_event {
    /**
     * `CIE_EVENT_SERVICE_LOST` and its kin; others may be added.
     */
    int32_t kind;
    /**
     * How many bytes of `atr` are the card's answer to reset; 0 for other events than `CIE_EVENT_CARD_INSERTED`.
     */
    uint32_t atr_length;
    /**
     * The answer to reset.
     */
    uint8_t atr[CIE_ATR_SIZE];
    /**
     * The name of the reader, with a zero byte at its end; empty if it is about the service.
     */
    char reader[CIE_READER_NAME_SIZE];
} cie_event;

/**
 * Is told of an event. `event` is good until it returns; `data` is what was given with it. Returns 0 to go on,
 * anything else to stop. It runs in the thread that called `cie_monitor_run`, and must neither throw nor jump out of
 * the call.
 */
typedef int32_t (*cie_event_callback)(void *data, const struct cie_event *event);

/**
 * What a program may want to know of the last failure besides its number.
 */
typedef struct cie_error {
    /**
     * The number of the last failure, `CIE_OK` if there was none.
     */
    cie_result result;
    /**
     * How many tries the PIN or PUK has left, whichever the failure is about; -1 if it is about neither or the card
     * did not say.
     */
    int32_t tries_left;
    /**
     * 1 if a PIN or PUK went out and nobody knows what the card made of it: a try may be spent. Else 0.
     */
    int32_t is_doubtful;
} cie_error;

/**
 * A reader, and what lay on it when it was looked at.
 */
typedef struct cie_reader {
    /**
     * The name that the reader service gives it: UTF-8 with a zero byte at its end. It can have anything in it,
     * control characters too: whoever builds a reader chooses it.
     */
    char name[CIE_READER_NAME_SIZE];
    /**
     * `CIE_READER_EMPTY` and its kin; others may be added.
     */
    int32_t state;
    /**
     * How many bytes of `atr` are the card's answer to reset; 0 without a card that answers.
     */
    uint32_t atr_length;
    /**
     * The answer to reset.
     */
    uint8_t atr[CIE_ATR_SIZE];
    /**
     * 1 if a program is connected to the card, else 0.
     */
    int32_t in_use;
    /**
     * 1 if that program does not share it, else 0.
     */
    int32_t is_exclusive;
} cie_reader;

/**
 * How much was said to a card since it was opened.
 */
typedef struct cie_statistics {
    /**
     * Commands sent.
     */
    uint32_t commands;
    /**
     * GET RESPONSE commands sent besides.
     */
    uint32_t get_responses;
    /**
     * Bytes sent.
     */
    uint64_t bytes_sent;
    /**
     * Bytes received.
     */
    uint64_t bytes_received;
} cie_statistics;

/**
 * Is told after each answer of the card how much was said since it was opened. `statistics` is good until it returns.
 * Returns 0 to go on; anything else, and no further command goes out over this card: the call that needs one, and
 * every later one that does, is `CIE_CANCELLED` (after a PIN also `CIE_PIN_NEEDED`), but for `cie_card_lock` and
 * `cie_close`, which reset the card. What was sent already, a PIN included, is not taken back: a call that needed
 * nothing more is `CIE_OK`. It runs in the thread that uses the card, which waits for it; it may call any function
 * of this library, but this card is `CIE_BUSY` for it. It must neither throw nor jump out of the call.
 */
typedef int32_t (*cie_progress_callback)(void *data, const struct cie_statistics *statistics);

/**
 * What may be chosen when a card is opened. Set `size` to `sizeof(cie_open_options)` and everything else to 0 for the
 * defaults; or give null.
 */
typedef struct cie_open_options {
    /**
     * `sizeof(cie_open_options)`.
     */
    size_t size;
    /**
     * A recorder that writes down what is said to the card, or 0.
     */
    cie_handle recorder;
    /**
     * Is told of progress for as long as the card is open, or null.
     */
    cie_progress_callback progress;
    /**
     * Handed to `progress` as it is.
     */
    void *data;
} cie_open_options;

/**
 * What may be chosen for a portal. Set `size` to `sizeof(cie_party_options)` and everything else to 0 for the
 * defaults; or give null.
 */
typedef struct cie_party_options {
    /**
     * `sizeof(cie_party_options)`.
     */
    size_t size;
    /**
     * For how many seconds a challenge can be answered, 1 to 86,400; 0 is 300.
     */
    uint32_t lifetime_seconds;
    /**
     * Whose certificates are taken: a sum of `CIE_ACCEPT_CIE3` and its kin; 0 is the CIE 3.
     */
    uint32_t accept;
    /**
     * `CIE_ALLOW_LEGACY`, or 0.
     */
    uint32_t flags;
    /**
     * What is asked of extended key usage: `CIE_CLIENT_AUTHENTICATION_WHERE_STATED` and its kin.
     */
    uint32_t client_authentication;
} cie_party_options;

/**
 * Something to be fetched over HTTP, from any of its addresses, to find out whether a certificate was revoked.
 */
typedef struct cie_status_request {
    /**
     * `CIE_STATUS_LIST` or `CIE_STATUS_RESPONDER`.
     */
    int32_t source;
    /**
     * 1 if it need be fetched only if what stands before it for the same certificate gave nothing; else 0.
     */
    int32_t is_fallback;
    /**
     * The certificate's place in the path: 0 for the citizen's.
     */
    uint32_t depth;
    /**
     * How many addresses there are: `cie_login_location`.
     */
    uint32_t locations;
    /**
     * How many bytes are sent by POST as application/ocsp-request: `cie_login_body`. 0 is a GET.
     */
    size_t body_length;
    /**
     * The most bytes that are worth fetching.
     */
    size_t max_length;
} cie_status_request;

/**
 * Done.
 */
#define CIE_OK 0

/**
 * A pointer is null that must not be.
 */
#define CIE_NULL 1

/**
 * An argument is not one of those that the function takes: `cie_error_detail` says which and why.
 */
#define CIE_ARGUMENT 2

/**
 * The handle is closed, was never open, or stands for something else.
 */
#define CIE_HANDLE 3

/**
 * Another call uses it at this moment; in a callback, the call that the callback belongs to.
 */
#define CIE_BUSY 4

/**
 * The buffer is too small; the size that it needs was put where the size was. Nothing else was done.
 */
#define CIE_NO_ROOM 5

/**
 * There is no such field, or the card does not tell.
 */
#define CIE_ABSENT 6

/**
 * The library was built without this part: see `cie_features`.
 */
#define CIE_NOT_BUILT_IN 7

/**
 * This function is not for this kind of card.
 */
#define CIE_OTHER_CARD 8

/**
 * The PIN is verified; `cie_card_lock` must end that first.
 */
#define CIE_UNLOCKED 9

/**
 * A file cannot be read or written.
 */
#define CIE_FILE 10

/**
 * The card does not say that it is a software card, so not everything may be recorded.
 */
#define CIE_NO_TEST_CARD 11

/**
 * Too many handles are open.
 */
#define CIE_TOO_MANY_HANDLES 12

/**
 * The reader service lets this account use no readers or no cards.
 */
#define CIE_ACCESS_DENIED 100

/**
 * The waiting was cancelled.
 */
#define CIE_CANCELLED 101

/**
 * Another program uses the card.
 */
#define CIE_CARD_IN_USE 102

/**
 * The card's answers are not those of such a card.
 */
#define CIE_CARD_MALFORMED 103

/**
 * The card does not answer.
 */
#define CIE_CARD_MUTE 104

/**
 * The card refused.
 */
#define CIE_CARD_REFUSED 105

/**
 * The card was taken away.
 */
#define CIE_CARD_REMOVED 106

/**
 * Another program reset the card.
 */
#define CIE_CARD_RESET 107

/**
 * The reader cannot power the card.
 */
#define CIE_CARD_UNPOWERED 108

/**
 * A card of this kind that the library does not support.
 */
#define CIE_CARD_UNSUPPORTED 109

/**
 * A certificate was checked and is not good.
 */
#define CIE_CERTIFICATE_BAD 110

/**
 * A certificate has expired, or is not valid yet.
 */
#define CIE_CERTIFICATE_EXPIRED 111

/**
 * The certificate was revoked.
 */
#define CIE_CERTIFICATE_REVOKED 112

/**
 * The challenge was answered too late.
 */
#define CIE_CHALLENGE_EXPIRED 113

/**
 * There is no such challenge: answered already, or never drawn for this session.
 */
#define CIE_CHALLENGE_MISSING 114

/**
 * Challenges cannot be kept at the moment.
 */
#define CIE_CHALLENGE_STORE 115

/**
 * An answer over the protected channel was altered: the channel is closed.
 */
#define CIE_CHANNEL_BROKEN 116

/**
 * The protected channel to the card is gone.
 */
#define CIE_CHANNEL_LOST 117

/**
 * The chip did not prove that it is genuine.
 */
#define CIE_CHIP_NOT_AUTHENTIC 118

/**
 * A file of the card is not the one that was signed.
 */
#define CIE_FILE_ALTERED 119

/**
 * Not a fiscal code.
 */
#define CIE_FISCAL_CODE_MALFORMED 120

/**
 * The card takes terminal keys of another authority.
 */
#define CIE_FOREIGN_AUTHORITY 121

/**
 * The library or the computer could not do it.
 */
#define CIE_INTERNAL 122

/**
 * No path leads to a certificate that is trusted: nothing was checked.
 */
#define CIE_ISSUER_UNKNOWN 123

/**
 * No card lies on the reader.
 */
#define CIE_NO_CARD 124

/**
 * No such reader.
 */
#define CIE_NO_READER 125

/**
 * The reader service is not running.
 */
#define CIE_NO_SERVICE 126

/**
 * Not a challenge.
 */
#define CIE_NONCE_MALFORMED 127

/**
 * Not a card that the library knows.
 */
#define CIE_NOT_A_CIE 128

/**
 * The card has not been activated.
 */
#define CIE_NOT_ACTIVATED 129

/**
 * What happened is not what was recorded.
 */
#define CIE_NOT_AS_RECORDED 130

/**
 * Not the origin of a portal.
 */
#define CIE_ORIGIN_MALFORMED 131

/**
 * Nothing binds the personal data to the certificate.
 */
#define CIE_PERSONAL_DATA_UNBOUND 132

/**
 * The PIN is blocked.
 */
#define CIE_PIN_BLOCKED 133

/**
 * What the card made of the PIN is not known: a try may be spent.
 */
#define CIE_PIN_DOUBTFUL 134

/**
 * Only one try of the PIN is left; nothing was sent.
 */
#define CIE_PIN_LAST_TRY 135

/**
 * Not a PIN of this card; nothing was sent.
 */
#define CIE_PIN_MALFORMED 136

/**
 * The PIN must be verified first.
 */
#define CIE_PIN_NEEDED 137

/**
 * The card has forgotten that the PIN was verified.
 */
#define CIE_PIN_STATE_LOST 138

/**
 * The connection was lost while the PIN was changed or unblocked: it may be the new one.
 */
#define CIE_PIN_UNCERTAIN 139

/**
 * The new PIN is easily guessed; nothing was sent.
 */
#define CIE_PIN_WEAK 140

/**
 * The PIN is wrong; a try is spent.
 */
#define CIE_PIN_WRONG 141

/**
 * The PUK is blocked, for good.
 */
#define CIE_PUK_BLOCKED 142

/**
 * Only one try of the PUK is left; nothing was sent.
 */
#define CIE_PUK_LAST_TRY 143

/**
 * Not a PUK of this card; nothing was sent.
 */
#define CIE_PUK_MALFORMED 144

/**
 * The PUK is wrong; a try is spent.
 */
#define CIE_PUK_WRONG 145

/**
 * These bytes are not signed for this purpose: they could be a login.
 */
#define CIE_PURPOSE_REFUSED 146

/**
 * The reader or its service failed.
 */
#define CIE_READER_FAILED 147

/**
 * The reader does not come back from an earlier command.
 */
#define CIE_READER_STUCK 148

/**
 * Not from this library: a redaction would have told something of the holder.
 */
#define CIE_REDACTION_LEAKS 149

/**
 * EF.SOD is signed with SHA-1, which was not allowed.
 */
#define CIE_SIGNATURE_WEAK 150

/**
 * The software card cannot be used.
 */
#define CIE_SOFT_CARD 151

/**
 * Whether the certificate was revoked could not be found out.
 */
#define CIE_STATUS_UNAVAILABLE 152

/**
 * A software card's certificate, and these were not allowed.
 */
#define CIE_TEST_CERTIFICATE 153

/**
 * Nothing happened in the time given.
 */
#define CIE_TIMED_OUT 154

/**
 * Not a login token.
 */
#define CIE_TOKEN_MALFORMED 155

/**
 * Not from this library: a recording that cannot be redacted.
 */
#define CIE_TRACE_NOT_REDACTABLE 156

/**
 * Not a recorded dialogue that can be played back.
 */
#define CIE_TRACE_UNUSABLE 157

/**
 * A folder of certificates cannot be used as it is; nothing of it is trusted.
 */
#define CIE_TRUST_FOLDER 158

/**
 * The PUK was right, but the card did not unblock the PIN in this way.
 */
#define CIE_UNBLOCK_REFUSED 159

/**
 * A signature is wrong.
 */
#define CIE_WRONG_SIGNATURE 160

/**
 * A certificate says that it is from a card of a kind that the portal does not accept.
 */
#define CIE_CARD_NOT_ACCEPTED 161

/**
 * A key or digest is too weak, as on cards from before 2012 or so, which `CIE_ALLOW_LEGACY` lets pass.
 */
#define CIE_CERTIFICATE_WEAK 162

/**
 * What cannot become the PIN of this card; nothing was sent.
 */
#define CIE_NEW_PIN_MALFORMED 163

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a context. Reaches for no reader and no service.
 *
 * `context`: receives the context, which the program owns and gives back with `cie_context_free`; null on failure.
 *
 * Threads: any.
 */
cie_result cie_context_new(cie_context **context);

/**
 * Makes another context for another thread: the handles are the same, the last failure is its own. What is open stays
 * open until it is closed or the last clone is freed.
 *
 * `clone`: receives the new context, which the program gives back with `cie_context_free`; null on failure.
 *
 * Threads: any.
 */
cie_result cie_context_clone(cie_context *context,
                             cie_context **clone);

/**
 * Gives a context back. With the last clone everything is closed that is still open: cards are reset if they know a
 * PIN, recordings are ended.
 *
 * Null is nothing, and `CIE_OK`. `CIE_BUSY` within a callback; nothing is freed then. After `CIE_OK` the pointer must
 * not be used any more.
 *
 * Threads: any, when no other thread uses this context or will.
 */
cie_result cie_context_free(cie_context *context);

/**
 * Closes whatever a handle stands for. A card that knows a PIN is reset, which can take as long as the deadline of an
 * exchange; a monitor that somebody waits for stops waiting; what a call is using at this moment goes when that call
 * ends.
 *
 * 0 is nothing, and `CIE_OK`. `CIE_HANDLE` for what is closed already or was never open.
 *
 * Threads: any, and callbacks.
 */
cie_result cie_close(cie_context *context,
                     cie_handle handle);

/**
 * The version of the library, "major.minor.patch": static text, nobody frees it.
 *
 * Threads: any.
 */
const char *cie_version(void);

/**
 * What the library was built with: the sum of `CIE_FEATURE_READERS`, `CIE_FEATURE_SOFT_CARDS`. Every function is there
 * in any case; what needs a part that is not says `CIE_NOT_BUILT_IN`.
 *
 * Threads: any.
 */
uint32_t cie_features(void);

/**
 * The stable name of a number, such as "pin-wrong" for `CIE_PIN_WRONG`, and "unknown" for one that no function of this
 * version returns: static text, nobody frees it.
 *
 * Threads: any.
 */
const char *cie_result_name(cie_result result);

/**
 * What happened, in a sentence for the person who holds the card.
 *
 * The text is about the last call with this context that failed; "Nothing went wrong." if none did.
 * `language`: `CIE_ENGLISH` or `CIE_ITALIAN`. `buffer`, `size`: see "Sizes" at the head; the text is UTF-8 with a zero
 * byte at its end. It does not change what it tells about.
 *
 * Threads: any.
 */
cie_result cie_error_message(cie_context *context,
                             int32_t language,
                             char *buffer,
                             size_t *size);

/**
 * What somebody can do about it, in one or two sentences: empty if nothing went wrong. As `cie_error_message`.
 *
 * Texts are for a person at a computer, who can plug in a reader; a kiosk may have better words by the number.
 *
 * Threads: any.
 */
cie_result cie_error_advice(cie_context *context,
                            int32_t language,
                            char *buffer,
                            size_t *size);

/**
 * What exactly went wrong, and at which step of the dialogue: in English, for a log. It has no PIN in it and names
 * nobody. As `cie_error_message`.
 *
 * Threads: any.
 */
cie_result cie_error_detail(cie_context *context,
                            char *buffer,
                            size_t *size);

/**
 * The number of the last failure, and what it says of tries. `facts`: receives them. As `cie_error_message`.
 *
 * Threads: any.
 */
cie_result cie_error_facts(cie_context *context, cie_error *facts);

/**
 * All readers and what lies on them now.
 *
 * `readers`: a buffer for `*count` readers, or null to ask how many there are. `count`: on return, how many there are,
 * also with `CIE_NO_ROOM`; as readers come and go, be ready to ask again.
 *
 * Threads: any.
 */
cie_result cie_readers(cie_context *context,
                       cie_reader *readers,
                       size_t *count);

/**
 * Waits until a card that answers lies on a reader; the service may be stopped and started meanwhile.
 *
 * `reader`: its name, or null for any. `within_ms`: for how many milliseconds, or `CIE_FOREVER`; 0 looks once.
 * `found`: receives the reader. `CIE_TIMED_OUT`, or why there can be none: `CIE_NO_SERVICE`, `CIE_NO_READER`,
 * `CIE_CARD_UNPOWERED`, `CIE_ACCESS_DENIED`. A program that waits for months, or wants to be able to stop,
 * takes a monitor.
 *
 * Threads: any.
 */
cie_result cie_wait_for_card(cie_context *context,
                             const char *reader,
                             uint32_t within_ms,
                             cie_reader *found);

/**
 * Waits until nothing lies on a reader. As `cie_wait_for_card`; `reader` must not be null, and `CIE_NO_READER` says
 * that the reader itself is gone when the time is over.
 *
 * Threads: any.
 */
cie_result cie_wait_for_removal(cie_context *context,
                                const char *reader,
                                uint32_t within_ms);

/**
 * Begins to watch readers and cards, whether or not the service runs: if it does not, the first event is
 * `CIE_EVENT_SERVICE_LOST`.
 *
 * `monitor`: receives a handle, which the program closes.
 *
 * Threads: any.
 */
cie_result cie_monitor_open(cie_context *context, cie_handle *monitor);

/**
 * Waits for the next event. The first ones tell what is there already; what a reader or the service takes along when
 * it goes is told before. A thread that waits for events should do little else, so that none of them comes late.
 *
 * `within_ms`: as `cie_wait_for_card`. `event`: receives it. `CIE_TIMED_OUT` if nothing happened, `CIE_CANCELLED`
 * after `cie_monitor_cancel`, `CIE_READER_FAILED` if the service says something that has no meaning: none of them
 * ends the monitor, and the next call goes on. `CIE_BUSY` if another thread waits already.
 *
 * Threads: any, one that waits at a time for a monitor.
 */
cie_result cie_monitor_next(cie_context *context,
                            cie_handle monitor,
                            uint32_t within_ms,
                            cie_event *event);

/**
 * Calls back for each event until the callback returns something else than 0, which is `CIE_OK`.
 *
 * `within_ms`: how long to wait for each event. `callback`: not null; it may call any function of this library, but
 * this monitor is `CIE_BUSY` for it except to `cie_monitor_cancel` and `cie_close`. `data`: handed to the callback as
 * it is. Results as `cie_monitor_next`.
 *
 * Threads: any, one that waits at a time for a monitor.
 */
cie_result cie_monitor_run(cie_context *context,
                           cie_handle monitor,
                           uint32_t within_ms,
                           cie_event_callback callback,
                           void *data);

/**
 * Makes the call that waits on a monitor return `CIE_CANCELLED`, or the next one if nobody waits; events that have
 * happened already come first.
 *
 * Threads: any, also while another waits, and callbacks. Not a signal handler.
 */
cie_result cie_monitor_cancel(cie_context *context,
                              cie_handle monitor);

/**
 * Sets how long an exchange with a card may take, for cards that are opened from now on, by this context and its
 * clones.
 *
 * `milliseconds`: 10,000 unless this is called; at least 100. A reader that does not come back in time is
 * `CIE_READER_STUCK`.
 *
 * Threads: any.
 */
cie_result cie_context_set_deadline(cie_context *context,
                                    uint32_t milliseconds);

/**
 * Connects to the card on a reader and recognises it: a CIE 3, an identity card of the first generations, a CNS or
 * health card. Nothing that is sent carries a PIN.
 *
 * `reader`: its name, as `cie_readers` gives it. `sharing`: `CIE_SHARING_EXCLUSIVE` or `CIE_SHARING_SHARED`.
 * `options`: null for the defaults. `card`: receives a handle, which the program closes.
 * `CIE_NO_CARD`, `CIE_NOT_A_CIE` for other cards, `CIE_CARD_IN_USE`, `CIE_READER_STUCK` and others.
 *
 * Threads: any.
 */
cie_result cie_card_open(cie_context *context,
                         const char *reader,
                         int32_t sharing,
                         const cie_open_options *options,
                         cie_handle *card);

/**
 * Opens a recorded dialogue that can be played back (docs/traces.md): a card for tests, which answers what was
 * recorded and nothing else. Whatever it proves says that it is a test.
 *
 * `path`: the file, of `CIE_TRACE_REPLAYABLE` or `cie --trace-kind replayable`. `replay`: receives a handle, which the
 * program closes. `CIE_TRACE_UNUSABLE`, also for a recording of another kind.
 *
 * Threads: any.
 */
cie_result cie_replay_open(cie_context *context,
                           const char *path,
                           cie_handle *replay);

/**
 * Opens the card of the next recorded connection. As `cie_card_open`; `CIE_NOT_AS_RECORDED` if there is none, or if
 * what happens is not what was recorded.
 *
 * `replay`: from `cie_replay_open`. `options`: null for the defaults. `card`: receives a handle, which the program
 * closes.
 *
 * Threads: any.
 */
cie_result cie_replay_card(cie_context *context,
                           cie_handle replay,
                           const cie_open_options *options,
                           cie_handle *card);

/**
 * Whether all went as it was recorded, to the end: close the cards first. `CIE_NOT_AS_RECORDED` if not, and
 * `cie_error_detail` says at which line.
 *
 * `replay`: from `cie_replay_open`.
 *
 * Threads: any.
 */
cie_result cie_replay_check(cie_context *context, cie_handle replay);

/**
 * What kind of card it is.
 *
 * `kind`: receives `CIE_KIND_CIE3` or one of its kin; others may be added. Nothing is sent, unless an earlier failure
 * left it open what lies there.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_kind(cie_context *context,
                         cie_handle card,
                         int32_t *kind);

/**
 * What the card tells anyone about itself: about thirty commands, none of which costs a try. All of it is the card's
 * own claim.
 *
 * `information`: receives a record (`cie_text`) with `CIE_FIELD_KIND` and its kin, which the program closes.
 * `CIE_UNLOCKED` after a PIN was verified.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_information(cie_context *context,
                                cie_handle card,
                                cie_handle *information);

/**
 * How much was said to the card since it was opened, by whatever calls. `statistics`: receives it. Nothing is sent.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_statistics(cie_context *context,
                               cie_handle card,
                               cie_statistics *statistics);

/**
 * The holder's certificate. A contact card gives it to anyone, a CIE 3 after its PIN only: `CIE_PIN_NEEDED`. Nothing
 * about it was verified.
 *
 * `format`: `CIE_FORMAT_DER` or `CIE_FORMAT_PEM`. `buffer`, `size`: see "Sizes" at the head; the card is asked once,
 * whether for the size or for the bytes.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_certificate(cie_context *context,
                                cie_handle card,
                                int32_t format,
                                uint8_t *buffer,
                                size_t *size);

/**
 * The personal data of a contact card (CIE 1 and 2, CNS, health card), which must agree with its certificate:
 * `CIE_FILE_ALTERED` if they contradict it. `CIE_OTHER_CARD` for a CIE 3, whose certificate has its holder's name.
 *
 * Whatever vouches for the data, it does not vouch for the card: data and certificate can be copied onto another one,
 * and no challenge is answered here. Let nobody in by this; a login does that.
 *
 * `trust`: a trust store under which the certificate is verified, or 0 to take its word. `flags`: 0, or
 * `CIE_ALLOW_LEGACY` to take the keys of 1024 bits and the SHA-1 of older cards. Whether it was revoked is not asked.
 * `data`: receives a record (`cie_text`) with `CIE_FIELD_SURNAME` and its kin, `CIE_FIELD_BINDING` and
 * `CIE_FIELD_VOUCHED`, which the program closes. `CIE_UNLOCKED` after a PIN was verified.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_personal_data(cie_context *context,
                                  cie_handle card,
                                  cie_handle trust,
                                  uint32_t flags,
                                  cie_handle *data);

/**
 * Ends the state after a PIN: resets the card, which forgets that it was verified; also if that is in doubt, as after
 * an answer that did not come. Nothing to do, and `CIE_OK`, if no PIN was verified.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_lock(cie_context *context,
                         cie_handle card);

/**
 * How many tries the PIN has left, as far as the card tells without spending one.
 *
 * `tries`: receives the number, 0 if it is blocked, `CIE_TRIES_UNKNOWN` if the card does not tell. Of a CIE 3 that
 * does not, what is remembered is known after `cie_card_prepare`.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_pin_tries(cie_context *context,
                              cie_handle card,
                              int32_t *tries);

/**
 * How many tries the PUK has left. As `cie_card_pin_tries`; `CIE_UNLOCKED` after a PIN was verified.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_puk_tries(cie_context *context, cie_handle card, int32_t *tries);

/**
 * Makes the card ready for its PIN: a CIE 3 opens its protected channel, which takes a second or two. Functions that
 * need this do it themselves; a program that calls it while the person still types has the PIN verified sooner. A
 * contact card is kept from other programs from here on, until it refuses a PIN, or is locked or closed:
 * `CIE_CARD_IN_USE` if one is connected to it, so that nobody types a PIN in vain. `CIE_UNLOCKED` after a PIN was
 * verified.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_prepare(cie_context *context,
                            cie_handle card);

/**
 * Verifies the PIN: one VERIFY, never repeated, whatever happens. (A contact card that says it has no such PIN, and so
 * has compared nothing, is told the PIN by its other reference, once.) A wrong PIN costs a try. Afterwards the card
 * signs, and a CIE 3 gives its certificate, until `cie_card_lock` or `cie_close`, or until a call finds that the card
 * has forgotten it: `CIE_PIN_STATE_LOST`, `CIE_CARD_RESET` and other failures of the connection.
 *
 * After `cie_card_verify_chip` the PIN goes to that chip only, and to none if that failed: `CIE_CHIP_NOT_AUTHENTIC`.
 *
 * `pin`, `length`: the digits, in memory that may be written: an array, never a literal. All of them are zeros when
 * the function returns, whatever it returns, unless `length` is more than 4096. `last_try`: `CIE_LAST_TRY_REFUSE` or
 * `CIE_LAST_TRY_SPEND`; see SECRETS at the head for what is known of tries.
 * `CIE_PIN_WRONG` (`cie_error_facts` tells the tries that are left), `CIE_PIN_BLOCKED` (also for a wrong PIN that
 * spent the last try), `CIE_PIN_LAST_TRY`,
 * `CIE_PIN_MALFORMED`; in doubt whether a try was spent, `is_doubtful` of the facts is 1. `CIE_CARD_IN_USE` if another
 * program is connected to a contact card: nothing was sent. `CIE_UNLOCKED` if a PIN was verified already.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_verify_pin(cie_context *context,
                               cie_handle card,
                               char *pin,
                               size_t length,
                               int32_t last_try);

/**
 * Changes the PIN of a card whose PIN was verified: one command, never repeated. A wrong old PIN costs a try; the last
 * one is not spent by this. Whether the card counts the new PIN as verified is its own affair: if not, the next call
 * is `CIE_PIN_STATE_LOST`.
 *
 * `old_pin`, `old_length`, `new_pin`, `new_length`: the digits, cleared as by `cie_card_verify_pin`; two buffers.
 * `CIE_PIN_NEEDED` before `cie_card_verify_pin`; `CIE_PIN_WRONG`, `CIE_PIN_BLOCKED`, `CIE_PIN_LAST_TRY`,
 * `CIE_PIN_MALFORMED`, `CIE_NEW_PIN_MALFORMED`; `CIE_PIN_UNCERTAIN` if the connection was lost and the card may have
 * either PIN.
 * `cie_check_new_pin` says beforehand whether the new one is easily guessed.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_change_pin(cie_context *context,
                               cie_handle card,
                               char *old_pin,
                               size_t old_length,
                               char *new_pin,
                               size_t new_length);

/**
 * Gives the PIN its tries back with the PUK, which is shown once. The PIN is not verified by this. A CIE 3 knows the
 * PUK until `cie_card_lock` or `cie_close`.
 *
 * `puk`, `puk_length`: the digits. `new_pin`, `new_length`: a new PIN, or null and 0 to keep the one that the card
 * has; some cards know only one of the two ways. Both are cleared as by `cie_card_verify_pin`; two buffers.
 * `last_try`: about the PUK, which is gone for good after its last try.
 * `CIE_PUK_WRONG`, `CIE_PUK_BLOCKED`, `CIE_PUK_LAST_TRY`, `CIE_PUK_MALFORMED`, `CIE_NEW_PIN_MALFORMED`,
 * `CIE_UNBLOCK_REFUSED`,
 * `CIE_PIN_UNCERTAIN`, `CIE_CARD_IN_USE`, `CIE_CHIP_NOT_AUTHENTIC` as for `cie_card_verify_pin`; `CIE_UNLOCKED` after
 * a PIN was verified.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_unblock_pin(cie_context *context,
                                cie_handle card,
                                char *puk,
                                size_t puk_length,
                                char *new_pin,
                                size_t new_length,
                                int32_t last_try);

/**
 * Whether a new PIN is none of those that are tried first: `CIE_PIN_WEAK` if all its digits are the same or a
 * sequence, or if it is the old one. No card asks for this, and nothing is sent. Neither its length nor
 * that it is digits is looked at: that depends on the card.
 *
 * `new_pin`, `new_length`: the digits, which stay as they are. `old_pin`, `old_length`: the old PIN, or null and 0.
 *
 * Threads: any.
 */
cie_result cie_check_new_pin(cie_context *context,
                             const char *new_pin,
                             size_t new_length,
                             const char *old_pin,
                             size_t old_length);

/**
 * Signs with the holder's key (RSASSA-PKCS1-v1_5), after `cie_card_verify_pin`. What comes out was verified against
 * the certificate.
 *
 * A card has one key for logging in and for signing, and a signature over bytes that somebody else chose could be a
 * login somewhere. So `purpose` says what is signed (`CIE_PURPOSE_DOCUMENT`, `CIE_PURPOSE_RAW`,
 * `CIE_PURPOSE_RAW_ACKNOWLEDGED`), and what is said to be a document but has the length of a login token must be
 * signed attributes through and through: else `CIE_PURPOSE_REFUSED`. So what you sign yourself begins with words of
 * more than 128 bytes, and never has such a length. Logins are made by `cie_card_login`.
 *
 * `hash`: `CIE_HASH_SHA256` or one of its kin. `data`, `length`: what is signed, at most 64 MiB; it is hashed here.
 * `buffer`, `size`: see "Sizes" at the head. Room for `CIE_SIGNATURE_SIZE` bytes is asked for before anything is
 * signed, and no signature is made by asking for the size.
 * `CIE_PIN_NEEDED`; `CIE_PIN_STATE_LOST` or `CIE_CARD_RESET` if the card was reset meanwhile.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_sign(cie_context *context,
                         cie_handle card,
                         int32_t purpose,
                         int32_t hash,
                         const uint8_t *data,
                         size_t length,
                         uint8_t *buffer,
                         size_t *size);

/**
 * A field of a record, as text.
 *
 * `record`: what a card's information, its personal data, a genuine card or chip, or a citizen came as. `field`:
 * `CIE_FIELD_KIND` or one of its kin; each says in which records it is. `CIE_ABSENT` for one that is not in this
 * record.
 * `buffer`, `size`: see "Sizes" at the head; the text is UTF-8 with a zero byte at its end. A record does not change:
 * any number of threads may read it.
 *
 * Threads: any.
 */
cie_result cie_text(cie_context *context,
                    cie_handle record,
                    int32_t field,
                    char *buffer,
                    size_t *size);

/**
 * Whether a record is about a software card or a recorded dialogue, and nobody at all: to be asked before anybody is
 * let in.
 *
 * `is_test`: receives 1 or 0, and 1 on any failure. `CIE_ABSENT` for what proves nothing: a card's information, and
 * personal data that are the card's word, unless the card itself says that it is a software card.
 *
 * Threads: any.
 */
cie_result cie_is_test(cie_context *context,
                       cie_handle record,
                       int32_t *is_test);

/**
 * Whether old cryptography had to be let pass for a record: `CIE_ALLOW_SHA1`, `CIE_ALLOW_LEGACY`.
 *
 * `is_legacy`: receives 1 or 0, and 1 on any failure. `CIE_ABSENT` where nothing was verified.
 *
 * Threads: any.
 */
cie_result cie_is_legacy(cie_context *context, cie_handle record, int32_t *is_legacy);

/**
 * The certificate (DER) with which a citizen logged in: evidence of the login.
 *
 * `citizen`: from `cie_login_finish`; `CIE_ABSENT` for other records. `buffer`, `size`: see "Sizes" at the head.
 *
 * Threads: any.
 */
cie_result cie_citizen_certificate(cie_context *context,
                                   cie_handle citizen,
                                   uint8_t *buffer,
                                   size_t *size);

/**
 * Makes a trust store that trusts nobody yet.
 *
 * `flags`: 0, or `CIE_ALLOW_TEST_PKI`. `trust`: receives a handle, which the program closes. A store serves
 * any number of calls at once; it is copied by those that use it, so closing it takes nothing from them.
 *
 * Threads: any.
 */
cie_result cie_trust_open(cie_context *context, uint32_t flags, cie_handle *trust);

/**
 * Trusts what lies in a folder, for what the folder below it says: `holder`, `cns`, `first-generations`, `csca`,
 * `responder`, each with PEM or DER files, and certificates that may stand between in `…/intermediate`.
 *
 * `folder`: its path. `CIE_TRUST_FOLDER` if anything in it cannot be used or does not belong there; nothing of it is
 * trusted then.
 *
 * Threads: any.
 */
cie_result cie_trust_load(cie_context *context,
                          cie_handle trust,
                          const char *folder);

/**
 * Makes a trust store of a folder with Italy's certificates, each of which is trusted by its published fingerprint and
 * not for where it lies. What is not known is left out without a word if anything else is known; `cie_trust_anchors`
 * says whether what is needed is there, and the command `cie nis --italian-roots` names each file.
 *
 * `folder`: its path. `trust`: receives a handle, which the program closes. `CIE_TRUST_FOLDER` also if none of its
 * files is known.
 *
 * Threads: any.
 */
cie_result cie_trust_open_italian(cie_context *context,
                                  const char *folder,
                                  cie_handle *trust);

/**
 * Trusts one certificate for one thing.
 *
 * `purpose`: `CIE_ANCHOR_HOLDER` or one of its kin. `der`, `length`: the certificate, DER or PEM, at most 65,536
 * bytes.
 * `CIE_CERTIFICATE_BAD`, also for more than one; `CIE_TEST_CERTIFICATE`.
 *
 * Threads: any.
 */
cie_result cie_trust_add_anchor(cie_context *context,
                                cie_handle trust,
                                int32_t purpose,
                                const uint8_t *der,
                                size_t length);

/**
 * Knows a certificate that may stand between a citizen's and an anchor. It is not trusted by itself.
 *
 * `der`, `length`: as for `cie_trust_add_anchor`, with its results.
 *
 * Threads: any.
 */
cie_result cie_trust_add_intermediate(cie_context *context,
                                      cie_handle trust,
                                      const uint8_t *der,
                                      size_t length);

/**
 * How many certificates are trusted for one thing.
 *
 * `purpose`: `CIE_ANCHOR_HOLDER` or one of its kin. `count`: receives the number.
 *
 * Threads: any.
 */
cie_result cie_trust_anchors(cie_context *context, cie_handle trust, int32_t purpose, int32_t *count);

/**
 * Makes a memory of cards that were genuine, which saves half of the commands when one comes back. It vouches for
 * nothing: everything is verified anew each time. It is personal data. Any number of calls may use it at once.
 *
 * `seen`: receives a handle, which the program closes.
 *
 * Threads: any.
 */
cie_result cie_seen_open(cie_context *context,
                         cie_handle *seen);

/**
 * Checks that the card that lies there is a genuine CIE 3, and reads its number for services (NIS): a country signing
 * certificate vouches for the number and for a key, and the card answers a fresh challenge with that key, which cannot
 * be copied. No PIN is needed. That the card was not reported stolen and has not expired is not known.
 *
 * `trust`: a store with `CIE_ANCHOR_CSCA`. `seen`: a memory of `cie_seen_open`, or 0. `flags`: 0, or `CIE_ALLOW_SHA1`.
 * `nis`: receives a record (`cie_text`) with `CIE_FIELD_NIS`, which the program closes; ask `cie_is_test` before
 * anybody is let in. `CIE_CHIP_NOT_AUTHENTIC`, `CIE_ISSUER_UNKNOWN`, `CIE_FILE_ALTERED` and others: whichever it is,
 * nothing is known of whose card it is. `CIE_OTHER_CARD` for a contact card, `CIE_UNLOCKED` after a PIN was verified.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_verify_nis(cie_context *context,
                               cie_handle card,
                               cie_handle trust,
                               cie_handle seen,
                               uint32_t flags,
                               cie_handle *nis);

/**
 * Checks, before a person is asked for a PIN, that the chip at the other end of the protected channel is one that a
 * country vouches for. No PIN is needed. From here on this card shows a PIN or PUK to that chip only, also if its
 * channel has to be opened anew; if the check fails, to none until another one succeeds.
 *
 * `trust`, `flags`: as `cie_card_verify_nis`. `chip`: receives a record, which the program closes; `cie_chip_is_of`
 * and `cie_chip_check_certificate` ask it. `CIE_OTHER_CARD` for a contact card, `CIE_UNLOCKED` after a PIN was
 * verified.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_verify_chip(cie_context *context,
                                cie_handle card,
                                cie_handle trust,
                                uint32_t flags,
                                cie_handle *chip);

/**
 * Whether a card is the one whose chip was checked, and not the next person's. The card is asked for a file over its
 * channel: one that was taken away or reset is an error and not an answer.
 *
 * `is_of`: receives 1 or 0, and 0 on any failure. `CIE_HANDLE` unless `chip` came from `cie_card_verify_chip`;
 * `CIE_UNLOCKED` after a PIN was verified.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_chip_is_of(cie_context *context,
                          cie_handle chip,
                          cie_handle card,
                          int32_t *is_of);

/**
 * Checks that a certificate is the one that was issued with a chip: a chip of one card and a certificate of another do
 * not pass for one. `CIE_FILE_ALTERED` if it is another, `CIE_CERTIFICATE_BAD` if it is none.
 *
 * `chip`: from `cie_card_verify_chip`. `der`, `length`: what `cie_card_certificate` gave.
 *
 * Threads: any.
 */
cie_result cie_chip_check_certificate(cie_context *context,
                                      cie_handle chip,
                                      const uint8_t *der,
                                      size_t length);

/**
 * Answers a portal's challenge with the holder's key, after `cie_card_verify_pin`: a login token (Web eID, JSON). It
 * is a login at this portal and with this challenge only.
 *
 * `origin`: such as `https://portal.example`, as the browser or the program knows it and never as the other side
 * claims.
 * `nonce`: the challenge, as the portal gave it. `buffer`, `size`: see "Sizes" at the head. Room for `CIE_TOKEN_SIZE`
 * bytes is asked for before anything is signed, and nothing is signed by asking for the size.
 * `CIE_ORIGIN_MALFORMED`, `CIE_NONCE_MALFORMED`, `CIE_PIN_NEEDED`.
 *
 * Threads: any, one call at a time for a card.
 */
cie_result cie_card_login(cie_context *context,
                          cie_handle card,
                          const char *origin,
                          const char *nonce,
                          char *buffer,
                          size_t *size);

/**
 * Makes a portal, or one of several servers of it: it issues challenges, keeps them in memory, and judges the answers.
 *
 * `origin`: the portal's own, such as `https://portal.example`. `trust`: whom it trusts, as the store is now.
 * `options`: null for the defaults. `party`: receives a handle, which the program closes. One serves any number of
 * threads at once, each with its clone of the context.
 *
 * Threads: any.
 */
cie_result cie_party_open(cie_context *context,
                          const char *origin,
                          cie_handle trust,
                          const cie_party_options *options,
                          cie_handle *party);

/**
 * Gives a portal a revocation list that was got by other means. It is believed once its signature was checked with its
 * issuer's key.
 *
 * `list`, `length`: the list, DER or PEM, at most 64 MiB. `CIE_ARGUMENT` for what is no list, or one
 * that is not complete in itself (a delta, an indirect or a partial one): `cie_error_detail` says which.
 *
 * Threads: any.
 */
cie_result cie_party_add_list(cie_context *context,
                              cie_handle party,
                              const uint8_t *list,
                              size_t length);

/**
 * Draws a challenge for a session of the portal. An earlier one of the same session is forgotten.
 *
 * `session`, `length`: what tells this browser from others and cannot be guessed, such as the bytes of a session
 * cookie: 16 to 512. `nonce`, `size`: see "Sizes" at the head; a buffer of `CIE_NONCE_SIZE` bytes is needed before one
 * is drawn. With a million of them pending the oldest makes room.
 *
 * Threads: any.
 */
cie_result cie_party_challenge(cie_context *context,
                               cie_handle party,
                               const uint8_t *session,
                               size_t length,
                               char *nonce,
                               size_t *size);

/**
 * Judges the answer to a session's challenge, as far as nobody has to be asked: the challenge is used up, whatever
 * comes out; the certificate's path and the signature hold. What is left is the status: fetch what `cie_login_request`
 * names, hand it in with `cie_login_answer`, and call `cie_login_finish`. By that the login is used up: it is
 * `CIE_HANDLE` afterwards for everything but `cie_close`.
 *
 * `session`, `length`: as for the challenge. `token`, `token_length`: the token that came, JSON, at most 10,000 bytes;
 * a zero byte at its end, which text in C has, is no part of it.
 * A token for another origin or another challenge is `CIE_WRONG_SIGNATURE`, since both are only in what was signed:
 * before anything else compare the `origin` of `cie_card_login` with that of `cie_party_open`, and look whether the
 * challenge is this session's.
 * `login`: receives a handle, which the program closes; nobody is let in by it.
 * `CIE_CHALLENGE_MISSING`, `CIE_CHALLENGE_EXPIRED`, `CIE_TOKEN_MALFORMED`, `CIE_WRONG_SIGNATURE`,
 * `CIE_ISSUER_UNKNOWN`, `CIE_CERTIFICATE_BAD`, `CIE_CERTIFICATE_EXPIRED`, `CIE_CERTIFICATE_REVOKED`,
 * `CIE_TEST_CERTIFICATE`; `CIE_CARD_NOT_ACCEPTED` and `CIE_CERTIFICATE_WEAK` for what `accept` and `flags` of the
 * options do not let pass.
 *
 * Threads: any.
 */
cie_result cie_party_begin(cie_context *context,
                           cie_handle party,
                           const uint8_t *session,
                           size_t length,
                           const uint8_t *token,
                           size_t token_length,
                           cie_handle *login);

/**
 * The same for a challenge that the program drew and kept itself, as servers of several processes do. Nothing here
 * keeps a token from being accepted twice: take the challenge out of your own store, for this session, before you call
 * this, whatever comes out; draw 32 random bytes for each, in base64; let none live longer than some minutes.
 *
 * `nonce`: the challenge. `token`, `token_length`, `login`: as `cie_party_begin`.
 *
 * Threads: any.
 */
cie_result cie_danger_begin(cie_context *context,
                            cie_handle party,
                            const char *nonce,
                            const uint8_t *token,
                            size_t token_length,
                            cie_handle *login);

/**
 * What has to be fetched for a login.
 *
 * `index`: from 0 until it is `CIE_ABSENT`. `request`: receives it. If nothing is fetched, only what is known already
 * counts.
 *
 * Threads: any.
 */
cie_result cie_login_request(cie_context *context,
                             cie_handle login,
                             uint32_t index,
                             cie_status_request *request);

/**
 * An address of a request, `http` or `https`, as a certificate of the verified path names it.
 *
 * `location`: from 0 until it is `CIE_ABSENT`. `buffer`, `size`: see "Sizes" at the head.
 *
 * Threads: any.
 */
cie_result cie_login_location(cie_context *context,
                              cie_handle login,
                              uint32_t index,
                              uint32_t location,
                              char *buffer,
                              size_t *size);

/**
 * What is sent by POST; empty if it is a GET. `buffer`, `size`: see "Sizes" at the head.
 *
 * Threads: any.
 */
cie_result cie_login_body(cie_context *context,
                          cie_handle login,
                          uint32_t index,
                          uint8_t *buffer,
                          size_t *size);

/**
 * Hands in what a request brought: the body of an answer with status 200, as it came. A second one takes its place.
 *
 * `bytes`, `length`: the body; `CIE_ARGUMENT` if it is longer than the request's `max_length`.
 *
 * Threads: any.
 */
cie_result cie_login_answer(cie_context *context,
                            cie_handle login,
                            uint32_t index,
                            const uint8_t *bytes,
                            size_t length);

/**
 * Judges the status and says who the citizen is. The login is used up by it, whatever comes out but `CIE_ARGUMENT`;
 * close its handle.
 *
 * `policy`: `CIE_POLICY_HARD`, `CIE_POLICY_SOFT` or `CIE_POLICY_OFFLINE`. `citizen`: receives a record (`cie_text`)
 * with `CIE_FIELD_FISCAL_CODE` and its kin, which the program closes; ask `cie_is_test` before anybody is let in.
 * `CIE_STATUS_UNAVAILABLE`, `CIE_CERTIFICATE_REVOKED`, `CIE_CERTIFICATE_EXPIRED`; `CIE_ARGUMENT` under
 * `CIE_POLICY_OFFLINE` if an answer was handed in.
 *
 * Threads: any.
 */
cie_result cie_login_finish(cie_context *context,
                            cie_handle login,
                            int32_t policy,
                            cie_handle *citizen);

/**
 * Records the cards that are opened with it, one after the other, into a new file that only its owner reads.
 *
 * `path`: a file that does not exist. `kind`: `CIE_TRACE_DIAGNOSTIC` or `CIE_TRACE_REPLAYABLE`. `recorder`: receives a
 * handle, which the program closes. `CIE_FILE` if there is such a file; if it cannot be made, `cie_card_open` says so.
 *
 * Threads: any.
 */
cie_result cie_recorder_open(cie_context *context,
                             const char *path,
                             int32_t kind,
                             cie_handle *recorder);

/**
 * Writes the end of a recording, after the cards were closed, and says whether it is whole: `CIE_FILE` if not, also if
 * no card was opened with it, and `cie_error_detail` says why. `CIE_BUSY` as long as a card is open that is recorded.
 * After anything else no card can be opened with it. `cie_close` without this writes the end, too, and says nothing.
 *
 * `recorder`: from `cie_recorder_open`; close it all the same.
 *
 * Threads: any.
 */
cie_result cie_recorder_finish(cie_context *context,
                               cie_handle recorder);

/**
 * Makes a software card of an invented citizen, with a test PKI of its own: `card.json`, `trust/…` for
 * `cie_trust_load`, `lists/…` for `cie_party_add_list`, `citizen.json`. Its PIN is 12345678, its PUK 87654321. It
 * takes some seconds.
 *
 * `folder`: where; nothing that is there is overwritten. `kind`: "cie3", or a contact card: "cie1", "cie2", "cns-1.0",
 * "cns-1.1", "cns-athena", "cns-idemia", "cns-infocamere", "cns-ace". `CIE_SOFT_CARD`; `CIE_NOT_BUILT_IN` without
 * `CIE_FEATURE_SOFT_CARDS`, as for all that follow.
 *
 * Threads: any.
 */
cie_result cie_soft_new(cie_context *context,
                        const char *folder,
                        const char *kind);

/**
 * Opens a software card. The file is locked until it is closed, and the cards that were opened from it.
 *
 * `path`: its `card.json`. `soft`: receives a handle, which the program closes. `CIE_CARD_IN_USE`, `CIE_SOFT_CARD`.
 *
 * Threads: any.
 */
cie_result cie_soft_open(cie_context *context,
                         const char *path,
                         cie_handle *soft);

/**
 * Lays a software card on a reader of its own, and opens it as `cie_card_open` does. That reader is nobody else's:
 * neither `cie_readers` nor a monitor tells of it. The command `cie soft insert` lays one where they do (docs/cli.md).
 *
 * `soft`: from `cie_soft_open`. `options`: null for the defaults. `card`: receives a handle, which the program closes.
 *
 * Threads: any.
 */
cie_result cie_soft_insert(cie_context *context,
                           cie_handle soft,
                           const cie_open_options *options,
                           cie_handle *card);

/**
 * Takes a software card away, as a person would: whoever uses it gets `CIE_CARD_REMOVED`. Callbacks may call it.
 *
 * `soft`: from `cie_soft_open`.
 *
 * Threads: any.
 */
cie_result cie_soft_remove(cie_context *context,
                           cie_handle soft);

/**
 * Resets a software card, as another program would: whoever uses it gets `CIE_CARD_RESET`, or has its PIN state lost.
 * Callbacks may call it.
 *
 * `soft`: from `cie_soft_open`.
 *
 * Threads: any.
 */
cie_result cie_soft_reset(cie_context *context,
                          cie_handle soft);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CIE_H */
