/*
 * Every entry point, called wrongly in every way that the header allows for: one argument at a time is what it must
 * not be, and the result, the program's buffers and what is said of the failure are what the header says.
 *
 * A function that is in the header and not in this table fails tests/c_api.rs.
 */
#include "hostile.h"

enum { MOST = 9, BEFORE = 64, ROOM = 16384 };

/* The arguments of a call, each in a place for any. */
typedef cie_result (*thunk)(const uint64_t *a);

#define P(at) ((void *)(uintptr_t)a[at])
#define I(at) ((int32_t)(uint32_t)a[at])
#define U(at) ((uint32_t)a[at])
#define Z(at) ((size_t)a[at])
#define THUNK(name, ...) \
    static cie_result call_##name(const uint64_t *a) { (void)a; return name(__VA_ARGS__); }

THUNK(cie_context_new, P(0))
THUNK(cie_context_clone, P(0), P(1))
THUNK(cie_context_free, P(0))
THUNK(cie_close, P(0), a[1])
static cie_result call_cie_version(const uint64_t *a) { (void)a; return strlen(cie_version()) >= 5 ? CIE_OK : -1; }
static cie_result call_cie_features(const uint64_t *a) { (void)a; return cie_features() == 3 ? CIE_OK : -1; }
static cie_result call_cie_result_name(const uint64_t *a) { return *cie_result_name(I(0)) != 0 ? CIE_OK : -1; }
THUNK(cie_error_message, P(0), I(1), P(2), P(3))
THUNK(cie_error_advice, P(0), I(1), P(2), P(3))
THUNK(cie_error_detail, P(0), P(1), P(2))
THUNK(cie_error_facts, P(0), P(1))
THUNK(cie_readers, P(0), P(1), P(2))
THUNK(cie_wait_for_card, P(0), P(1), U(2), P(3))
THUNK(cie_wait_for_removal, P(0), P(1), U(2))
THUNK(cie_monitor_open, P(0), P(1))
THUNK(cie_monitor_next, P(0), a[1], U(2), P(3))
static int32_t told(void *data, const cie_event *event) { (void)data; (void)event; return 1; }
static cie_result call_cie_monitor_run(const uint64_t *a) {
    return cie_monitor_run(P(0), a[1], U(2), a[3] ? told : NULL, P(4));
}
THUNK(cie_monitor_cancel, P(0), a[1])
THUNK(cie_context_set_deadline, P(0), U(1))
THUNK(cie_card_open, P(0), P(1), I(2), P(3), P(4))
THUNK(cie_replay_open, P(0), P(1), P(2))
THUNK(cie_replay_card, P(0), a[1], P(2), P(3))
THUNK(cie_replay_check, P(0), a[1])
THUNK(cie_card_kind, P(0), a[1], P(2))
THUNK(cie_card_information, P(0), a[1], P(2))
THUNK(cie_card_statistics, P(0), a[1], P(2))
THUNK(cie_card_certificate, P(0), a[1], I(2), P(3), P(4))
THUNK(cie_card_personal_data, P(0), a[1], a[2], U(3), P(4))
THUNK(cie_card_lock, P(0), a[1])
THUNK(cie_card_pin_tries, P(0), a[1], P(2))
THUNK(cie_card_puk_tries, P(0), a[1], P(2))
THUNK(cie_card_prepare, P(0), a[1])
THUNK(cie_card_verify_pin, P(0), a[1], P(2), Z(3), I(4))
THUNK(cie_card_change_pin, P(0), a[1], P(2), Z(3), P(4), Z(5))
THUNK(cie_card_unblock_pin, P(0), a[1], P(2), Z(3), P(4), Z(5), I(6))
THUNK(cie_check_new_pin, P(0), P(1), Z(2), P(3), Z(4))
THUNK(cie_card_sign, P(0), a[1], I(2), I(3), P(4), Z(5), P(6), P(7))
THUNK(cie_text, P(0), a[1], I(2), P(3), P(4))
THUNK(cie_is_test, P(0), a[1], P(2))
THUNK(cie_is_legacy, P(0), a[1], P(2))
THUNK(cie_citizen_certificate, P(0), a[1], P(2), P(3))
THUNK(cie_trust_open, P(0), U(1), P(2))
THUNK(cie_trust_load, P(0), a[1], P(2))
THUNK(cie_trust_open_italian, P(0), P(1), P(2))
THUNK(cie_trust_add_anchor, P(0), a[1], I(2), P(3), Z(4))
THUNK(cie_trust_add_intermediate, P(0), a[1], P(2), Z(3))
THUNK(cie_trust_anchors, P(0), a[1], I(2), P(3))
THUNK(cie_seen_open, P(0), P(1))
THUNK(cie_card_verify_nis, P(0), a[1], a[2], a[3], U(4), P(5))
THUNK(cie_card_verify_chip, P(0), a[1], a[2], U(3), P(4))
THUNK(cie_chip_is_of, P(0), a[1], a[2], P(3))
THUNK(cie_chip_check_certificate, P(0), a[1], P(2), Z(3))
THUNK(cie_card_login, P(0), a[1], P(2), P(3), P(4), P(5))
THUNK(cie_party_open, P(0), P(1), a[2], P(3), P(4))
THUNK(cie_party_add_list, P(0), a[1], P(2), Z(3))
THUNK(cie_party_challenge, P(0), a[1], P(2), Z(3), P(4), P(5))
THUNK(cie_party_begin, P(0), a[1], P(2), Z(3), P(4), Z(5), P(6))
THUNK(cie_danger_begin, P(0), a[1], P(2), P(3), Z(4), P(5))
THUNK(cie_login_request, P(0), a[1], U(2), P(3))
THUNK(cie_login_location, P(0), a[1], U(2), U(3), P(4), P(5))
THUNK(cie_login_body, P(0), a[1], U(2), P(3), P(4))
THUNK(cie_login_answer, P(0), a[1], U(2), P(3), Z(4))
THUNK(cie_login_finish, P(0), a[1], I(2), P(3))
THUNK(cie_recorder_open, P(0), P(1), I(2), P(3))
THUNK(cie_recorder_finish, P(0), a[1])
THUNK(cie_soft_new, P(0), P(1), P(2))
THUNK(cie_soft_open, P(0), P(1), P(2))
THUNK(cie_soft_insert, P(0), a[1], P(2), P(3))
THUNK(cie_soft_remove, P(0), a[1])
THUNK(cie_soft_reset, P(0), a[1])

/*
 * What each argument is:
 *   c context    x new context   C card   T trust store   t the same, or 0   S memory   s the same, or 0
 *   P portal   L login   Z citizen   K chip   R recorder   Y replay   F software card   M monitor   A any handle or 0
 *   i one of a few numbers   j any number   f flags   u any unsigned number   d deadline   n index
 *   r reader, required   q reader or null   o origin   N nonce   p path   k kind of software card
 *   b bytes, w the same for a session; l their length      $ secret, ? the same or null, ! one that stays,
 *   ~ the same or null; l its length
 *   B buffer for bytes, X buffer for text, V buffer for readers; z its size
 *   H place of a handle, D of a number, E of an event, r.. of others: @ reader  % statistics  ^ facts  & request
 *   O options of a card, Q options of a portal   G callback   v data
 */
static const struct entry {
    const char *name, *arguments;
    thunk call;
    /* What a call with nothing wrong returns here; DIRTY if it must not be tried, as it would change what others need. */
    cie_result good;
} TABLE[] = {
#define ENTRY(name, arguments, good) {#name, arguments, call_##name, good}
#define DIRTY (-100)
    ENTRY(cie_context_new, "x", DIRTY),
    ENTRY(cie_context_clone, "cx", DIRTY),
    ENTRY(cie_context_free, "c", DIRTY),
    ENTRY(cie_close, "cA", DIRTY),
    ENTRY(cie_version, "", CIE_OK),
    ENTRY(cie_features, "", CIE_OK),
    ENTRY(cie_result_name, "j", CIE_OK),
    ENTRY(cie_error_message, "ciXz", CIE_OK),
    ENTRY(cie_error_advice, "ciXz", CIE_OK),
    ENTRY(cie_error_detail, "cXz", CIE_OK),
    ENTRY(cie_error_facts, "c^", CIE_OK),
    ENTRY(cie_readers, "cVz", CIE_NO_SERVICE),
    ENTRY(cie_wait_for_card, "cqu@", CIE_NO_SERVICE),
    ENTRY(cie_wait_for_removal, "cru", CIE_NO_SERVICE),
    ENTRY(cie_monitor_open, "cH", CIE_OK),
    ENTRY(cie_monitor_next, "cMuE", DIRTY),
    ENTRY(cie_monitor_run, "cMuGv", DIRTY),
    ENTRY(cie_monitor_cancel, "cM", CIE_OK),
    ENTRY(cie_context_set_deadline, "cd", CIE_OK),
    ENTRY(cie_card_open, "criOH", CIE_NO_SERVICE),
    ENTRY(cie_replay_open, "cpH", DIRTY),
    ENTRY(cie_replay_card, "cYOH", DIRTY),
    ENTRY(cie_replay_check, "cY", CIE_NOT_AS_RECORDED),
    ENTRY(cie_card_kind, "cCD", CIE_OK),
    ENTRY(cie_card_information, "cCH", CIE_UNLOCKED),
    ENTRY(cie_card_statistics, "cC%", CIE_OK),
    ENTRY(cie_card_certificate, "cCiBz", CIE_OK),
    ENTRY(cie_card_personal_data, "cCtfH", CIE_UNLOCKED),
    ENTRY(cie_card_lock, "cC", DIRTY),
    ENTRY(cie_card_pin_tries, "cCD", CIE_OK),
    ENTRY(cie_card_puk_tries, "cCD", CIE_UNLOCKED),
    ENTRY(cie_card_prepare, "cC", CIE_UNLOCKED),
    ENTRY(cie_card_verify_pin, "cC$li", CIE_UNLOCKED),
    ENTRY(cie_card_change_pin, "cC$l$l", CIE_PIN_MALFORMED),
    ENTRY(cie_card_unblock_pin, "cC$l?li", CIE_UNLOCKED),
    ENTRY(cie_check_new_pin, "c!l~l", CIE_OK),
    ENTRY(cie_card_sign, "cCiiblBz", CIE_OK),
    ENTRY(cie_text, "cZjXz", CIE_OK),
    ENTRY(cie_is_test, "cZD", CIE_OK),
    ENTRY(cie_is_legacy, "cZD", CIE_OK),
    ENTRY(cie_citizen_certificate, "cZBz", CIE_OK),
    ENTRY(cie_trust_open, "cfH", CIE_OK),
    ENTRY(cie_trust_load, "cTp", CIE_TRUST_FOLDER),
    ENTRY(cie_trust_open_italian, "cpH", CIE_TRUST_FOLDER),
    ENTRY(cie_trust_add_anchor, "cTibl", CIE_CERTIFICATE_BAD),
    ENTRY(cie_trust_add_intermediate, "cTbl", CIE_CERTIFICATE_BAD),
    ENTRY(cie_trust_anchors, "cTiD", CIE_OK),
    ENTRY(cie_seen_open, "cH", CIE_OK),
    ENTRY(cie_card_verify_nis, "cCTsfH", CIE_UNLOCKED),
    ENTRY(cie_card_verify_chip, "cCTfH", CIE_UNLOCKED),
    ENTRY(cie_chip_is_of, "cKCD", CIE_UNLOCKED),
    ENTRY(cie_chip_check_certificate, "cKbl", CIE_CERTIFICATE_BAD),
    ENTRY(cie_card_login, "cCoNXz", CIE_OK),
    ENTRY(cie_party_open, "coTQH", CIE_OK),
    ENTRY(cie_party_add_list, "cPbl", CIE_ARGUMENT),
    ENTRY(cie_party_challenge, "cPwlXz", CIE_OK),
    ENTRY(cie_party_begin, "cPwlblH", CIE_TOKEN_MALFORMED),
    ENTRY(cie_danger_begin, "cPNblH", CIE_TOKEN_MALFORMED),
    ENTRY(cie_login_request, "cLn&", CIE_OK),
    ENTRY(cie_login_location, "cLnnXz", CIE_OK),
    ENTRY(cie_login_body, "cLnBz", CIE_OK),
    ENTRY(cie_login_answer, "cLnbl", CIE_OK),
    ENTRY(cie_login_finish, "cLiH", DIRTY),
    ENTRY(cie_recorder_open, "cpiH", CIE_FILE),
    ENTRY(cie_recorder_finish, "cR", CIE_FILE),
    ENTRY(cie_soft_new, "cpk", CIE_SOFT_CARD),
    ENTRY(cie_soft_open, "cpH", CIE_SOFT_CARD),
    ENTRY(cie_soft_insert, "cFOH", DIRTY),
    ENTRY(cie_soft_remove, "cF", DIRTY),
    ENTRY(cie_soft_reset, "cF", DIRTY),
};

/* The program's memory for one call, with canaries on both sides of what the library may write to. */
static struct {
    uint64_t a[MOST];
    /* One buffer for each argument, and what was in it before the call. */
    unsigned char memory[MOST][BEFORE + ROOM + BEFORE], before[MOST][BEFORE + ROOM + BEFORE];
    cie_open_options open_options;
    cie_party_options party_options;
} call;

static unsigned char *room(int at) { return call.memory[at] + BEFORE; }

/* Whether nothing but the first bytes of a buffer was written to. */
static int is_untouched(int at, size_t from) {
    size_t rest = BEFORE + from;
    return memcmp(call.memory[at], call.before[at], BEFORE) == 0 &&
           memcmp(call.memory[at] + rest, call.before[at] + rest, sizeof call.memory[at] - rest) == 0;
}

/* Whether a function says that its number is put there whatever happens. */
static int has_number_on_failure(const char *name) {
    return strncmp(name, "cie_is_", 7) == 0 || strcmp(name, "cie_chip_is_of") == 0;
}

/* How many bytes at the beginning of a buffer may be others after the call: of what a call would have put there, none
 * unless it was carried out, but for a handle and a context that are not there. */
static size_t changed(const struct entry *entry, int at, cie_result result) {
    size_t done = result == CIE_OK;
    switch (entry->arguments[at]) {
        case '$': case '?': return call.a[at + 1] <= 4096 ? (size_t)call.a[at + 1] : 0;
        case 'H': return sizeof(cie_handle);
        case 'x': return sizeof(void *);
        case 'z': return done || result == CIE_NO_ROOM ? sizeof(size_t) : 0;
        case 'D': return done || has_number_on_failure(entry->name) ? sizeof(int32_t) : 0;
        case 'E': return done * sizeof(cie_event);
        case '@': return done * sizeof(cie_reader);
        case '%': return done * sizeof(cie_statistics);
        case '^': return done * sizeof(cie_error);
        case '&': return done * sizeof(cie_status_request);
        case 'B': case 'X': return done * *(size_t *)room(at + 1);
        case 'V': return done * *(size_t *)room(at + 1) * sizeof(cie_reader);
        default: return 0;
    }
}

static int is_secret(char letter) { return letter == '$' || letter == '?'; }

static cie_handle handle_of(const world *w, char letter) {
    switch (letter) {
        case 'C': return w->card;
        case 'T': case 't': return w->trust;
        case 'S': case 's': return w->seen;
        case 'P': return w->party;
        case 'L': return w->login;
        case 'Z': return w->citizen;
        case 'K': return w->chip;
        case 'R': return w->recorder;
        case 'Y': return w->replay;
        case 'F': return w->soft;
        case 'M': return w->monitor;
        case 'A': return w->closed;
        default: return 0;
    }
}

/* Arguments with nothing wrong. */
static void prepare(const world *w, const struct entry *entry) {
    int at;
    memset(&call.a, 0, sizeof call.a);
    memset(call.memory, 0xA5, sizeof call.memory);
    memset(&call.open_options, 0, sizeof call.open_options);
    memset(&call.party_options, 0, sizeof call.party_options);
    call.open_options.size = sizeof call.open_options;
    call.party_options.size = sizeof call.party_options;
    for (at = 0; entry->arguments[at] != 0; at++) {
        char letter = entry->arguments[at];
        const char *text = NULL;
        call.a[at] = handle_of(w, letter);
        switch (letter) {
            case 'c': call.a[at] = (uintptr_t)w->context; break;
            case 'i': call.a[at] = 1; break;
            case 'j': call.a[at] = CIE_FIELD_FISCAL_CODE; break;
            case 'd': call.a[at] = 10000; break;
            case 'f': case 'u': case 'n': case 'v': break;
            case 'r': case 'q': text = "no such reader"; break;
            case 'o': text = ORIGIN; break;
            case 'N': text = "0123456789012345678901234567890123456789abcd"; break;
            case 'p': text = w->folder; break;
            case 'k': text = "cie3"; break;
            case 'b': text = "bytes that mean nothing"; break;
            case 'w': text = "another session of sixteen bytes"; break;
            /* No PIN of any card, so that none is ever sent. */
            case '$': case '?': text = "1234"; break;
            case '!': case '~': text = letter == '!' ? "31415926" : "12345678"; break;
            case 'l': call.a[at] = strlen((const char *)room(at - 1)); break;
            case 'z': call.a[at] = (uintptr_t)room(at); *(size_t *)room(at) = ROOM; break;
            case 'O': call.a[at] = (uintptr_t)&call.open_options; break;
            case 'Q': call.a[at] = (uintptr_t)&call.party_options; break;
            case 'G': call.a[at] = 1; break;
            case 'x': case 'B': case 'X': case 'V': case 'H': case 'D': case 'E': case '@': case '%': case '^': case '&':
                call.a[at] = (uintptr_t)room(at);
                break;
            default: break;
        }
        if (text != NULL) {
            strcpy((char *)room(at), text);
            call.a[at] = (uintptr_t)room(at);
        }
    }
    if (strcmp(entry->name, "cie_card_sign") == 0) call.a[3] = CIE_HASH_SHA256;
    if (strcmp(entry->name, "cie_party_begin") == 0) {
        /* Whatever is shown uses the challenge up. */
        char nonce[CIE_NONCE_SIZE];
        size_t size = sizeof nonce;
        EXPECT(w->context, CIE_OK, cie_party_challenge(w->context, w->party, room(2), (size_t)call.a[3], nonce, &size));
    }
}

/* Makes the call, and looks at everything that the header says of buffers. */
static void make(const world *w, const struct entry *entry, int wrong, const char *how, cie_result expected) {
    char why[200];
    cie_result result;
    cie_error facts;
    int at, is_context = call.a[0] == (uintptr_t)w->context;
    int is_about_errors = strncmp(entry->name, "cie_error_", 10) == 0;
    memcpy(call.before, call.memory, sizeof call.before);
    result = entry->call(call.a);
    snprintf(why, sizeof why, "argument %d, %s: %s, not %s", wrong, how, cie_result_name(result),
             cie_result_name(expected));
    if (result != expected) fail_at(__FILE__, __LINE__, entry->name, why);
    for (at = 0; entry->arguments[at] != 0; at++) {
        char letter = entry->arguments[at];
        const unsigned char *given = (const unsigned char *)(uintptr_t)call.a[at];
        size_t i;
        if (!is_untouched(at, given == room(at) ? changed(entry, at, result) : 0)) {
            strcat(why, ": wrote where it must not");
            fail_at(__FILE__, __LINE__, entry->name, why);
        }
        if (given != room(at)) continue;
        if (is_secret(letter)) {
            for (i = 0; i < changed(entry, at, result); i++)
                if (given[i] != 0) fail_at(__FILE__, __LINE__, entry->name, "leaves a secret");
        }
        /* A failure leaves no handle behind, and nobody who ignores it thinks that all is well. */
        if (letter == 'H' && result != CIE_OK && *(uint64_t *)room(at) != 0)
            fail_at(__FILE__, __LINE__, entry->name, why);
        if (letter == 'H' && result == CIE_OK && strcmp(entry->name, "cie_close") != 0)
            EXPECT(w->context, CIE_OK, cie_close(w->context, *(uint64_t *)room(at)));
        if (letter == 'D' && result != CIE_OK && has_number_on_failure(entry->name) &&
            *(int32_t *)room(at) != (strncmp(entry->name, "cie_is_", 7) == 0))
            fail_at(__FILE__, __LINE__, entry->name, why);
        if (letter == 'x' && result != CIE_OK) CHECK(*(cie_context **)room(at) == NULL);
        if (letter == 'x' && result == CIE_OK) CHECK(cie_context_free(*(cie_context **)room(at)) == CIE_OK);
    }
    /* What is said is about this call. */
    if (is_context && result != CIE_OK && !is_about_errors) {
        char text[600];
        size_t size = sizeof text;
        CHECK(cie_error_facts(w->context, &facts) == CIE_OK && facts.result == result);
        CHECK(cie_error_message(w->context, CIE_ITALIAN, text, &size) == CIE_OK && size > 1 && text[size - 1] == 0);
    }
}

#define WRONG_WITH(value, how, expected) \
    do { \
        prepare(w, entry); \
        call.a[at] = (uint64_t)(value); \
        make(w, entry, at, how, expected); \
    } while (0)

/* Buffers that are too small, just large enough, and said to be larger than anything. */
static void buffers(const world *w, const struct entry *entry, int at, cie_result good) {
    int size = at + 1;
    size_t needed;
    WRONG_WITH(0, "asks for the size", good);
    if (good != CIE_OK) return;
    needed = *(size_t *)room(size);
    CHECK(needed > 0 || strcmp(entry->name, "cie_login_body") == 0);
    for (int step = 0; step < 4 && needed > 0; step++) {
        size_t rooms[] = {0, needed - 1, needed, SIZE_MAX};
        prepare(w, entry);
        *(size_t *)room(size) = rooms[step];
        make(w, entry, at, "has this room", rooms[step] < needed ? CIE_NO_ROOM : CIE_OK);
        /* What is at most needed for a token or a signature, and what it takes in the end. */
        if (rooms[step] < needed || strstr("cie_card_login cie_card_sign", entry->name) == NULL)
            CHECK(*(size_t *)room(size) == needed);
        CHECK(*(size_t *)room(size) <= needed);
        if (rooms[step] >= needed && entry->arguments[at] == 'X')
            CHECK(strlen((char *)room(at)) + 1 == *(size_t *)room(size));
    }
}

static void lengths(const world *w, const struct entry *entry, int at) {
    /* More than anything is: refused before it is looked at. */
    const size_t huge[] = {SIZE_MAX, SIZE_MAX / 2, (size_t)PTRDIFF_MAX + 1, ((size_t)64 << 20) + 1};
    int pointer = at - 1, i;
    char letter = entry->arguments[pointer];
    /* The card is unlocked, which is said first; only what is to become a PIN is looked at without a card. What has one
     * digit only, or none, is easily guessed. */
    cie_result no_pin = letter == '!' ? CIE_PIN_WEAK : entry->good;
    int is_token =
        (strcmp(entry->name, "cie_party_begin") == 0 && at == 5) || strcmp(entry->name, "cie_danger_begin") == 0;
    for (i = 0; i < 4; i++) WRONG_WITH(huge[i], "is huge", is_token ? CIE_TOKEN_MALFORMED : CIE_ARGUMENT);
    if (strchr("$?!~", letter) != NULL) {
        prepare(w, entry);
        memset(room(pointer), '7', ROOM);
        call.a[at] = 4097;
        make(w, entry, at, "is more than is looked at", CIE_ARGUMENT);
        for (i = 0; i < 4097; i++) CHECK(room(pointer)[i] == '7');
        prepare(w, entry);
        memset(room(pointer), '7', ROOM);
        call.a[at] = 4096;
        make(w, entry, at, "is a long one", no_pin);
        CHECK(room(pointer)[4096] == '7');
        prepare(w, entry);
        memset(room(pointer), 0xFF, 8);
        call.a[at] = 8;
        make(w, entry, at, "is no text", no_pin);
        WRONG_WITH(0, "is empty", no_pin);
        return;
    }
    /* No bytes are bytes that mean nothing, too; but a session is somebody's. */
    WRONG_WITH(0, "is empty", letter == 'w' ? CIE_ARGUMENT : entry->good);
    prepare(w, entry);
    call.a[pointer] = 0;
    call.a[at] = 0;
    make(w, entry, at, "is null and empty", letter == 'w' ? CIE_ARGUMENT : entry->good);
}

/* What becomes of a text without anything in it. */
static cie_result of_empty_text(const struct entry *entry, char letter) {
    switch (letter) {
        case 'o': return CIE_ORIGIN_MALFORMED;
        case 'N': return CIE_NONCE_MALFORMED;
        case 'p': break;
        default: return strcmp(entry->name, "cie_soft_new") == 0 ? CIE_ARGUMENT : entry->good;
    }
    /* An empty path is no folder, least of all the one that the program runs in. */
    if (strcmp(entry->name, "cie_soft_new") == 0) return CIE_ARGUMENT;
    if (strcmp(entry->name, "cie_replay_open") == 0) return CIE_TRACE_UNUSABLE;
    /* There is no such file, and that it cannot be made is said when a card is opened. */
    if (strcmp(entry->name, "cie_recorder_open") == 0) return CIE_OK;
    return entry->good;
}

static void texts(const world *w, const struct entry *entry, int at) {
    static char long_text[(1 << 20) + 1];
    memset(long_text, 'a', sizeof long_text - 1);
    if (entry->arguments[at] != 'q') WRONG_WITH(0, "is null", CIE_NULL);
    WRONG_WITH((uintptr_t)long_text, "is very long", CIE_ARGUMENT);
    prepare(w, entry);
    strcpy((char *)room(at), "\xC3\x28");
    make(w, entry, at, "is no UTF-8", CIE_ARGUMENT);
    prepare(w, entry);
    strcpy((char *)room(at), "");
    make(w, entry, at, "is empty", of_empty_text(entry, entry->arguments[at]));
}

static void options(const world *w, const struct entry *entry, int at) {
    /* Options of the callback and the recorder are for the other tests. */
    size_t *size = entry->arguments[at] == 'O' ? &call.open_options.size : &call.party_options.size;
    size_t sizes[] = {0, 1, *size - 1, *size + 1, SIZE_MAX};
    WRONG_WITH(call.a[at] + 1, "is misaligned", CIE_ARGUMENT);
    for (int i = 0; i < 5; i++) {
        prepare(w, entry);
        *size = sizes[i];
        make(w, entry, at, "has another size", CIE_ARGUMENT);
    }
    if (entry->arguments[at] == 'Q') {
        uint32_t *fields[] = {&call.party_options.accept, &call.party_options.flags,
                              &call.party_options.client_authentication, &call.party_options.lifetime_seconds};
        for (int i = 0; i < 4; i++) {
            prepare(w, entry);
            *fields[i] = UINT32_MAX;
            make(w, entry, at, "asks for what is not there", CIE_ARGUMENT);
        }
        prepare(w, entry);
        call.party_options.lifetime_seconds = 86401;
        make(w, entry, at, "lives too long", CIE_ARGUMENT);
        call.party_options.lifetime_seconds = 86400;
    }
}

static void wrong_handles(const world *w, const struct entry *entry, int at) {
    char letter = entry->arguments[at];
    cie_handle other = letter == 'Z' || letter == 'K' ? w->trust : w->citizen;
    cie_handle wrong[] = {UINT64_MAX, 1, w->closed, w->foreign, other, w->card + 1000000};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        /* Any handle that is open can be closed. */
        if (letter != 'A' || wrong[i] != other) WRONG_WITH(wrong[i], "is not it", CIE_HANDLE);
    }
    if (strchr("tsA", letter) == NULL) WRONG_WITH(0, "is 0", CIE_HANDLE);
}

static void argument(const world *w, const struct entry *entry, int at) {
    static _Alignas(16) unsigned char zeros[4096];
    char letter = entry->arguments[at];
    uint64_t good;
    prepare(w, entry);
    good = call.a[at];
    switch (letter) {
        case 'c': {
            cie_result none = strcmp(entry->name, "cie_context_free") == 0 ? CIE_OK : CIE_NULL;
            WRONG_WITH(0, "is null", none);
            WRONG_WITH((uintptr_t)w->context + 1, "is misaligned", CIE_ARGUMENT);
            WRONG_WITH((uintptr_t)zeros, "is no context", CIE_HANDLE);
            return;
        }
        case 'x': case 'H': case 'D': case 'E': case '@': case '%': case '^': case '&': case 'z':
            WRONG_WITH(0, "is null", CIE_NULL);
            WRONG_WITH(good + 1, "is misaligned", CIE_ARGUMENT);
            return;
        case 'B': case 'X': buffers(w, entry, at, entry->good); return;
        case 'V':
            WRONG_WITH(0, "asks for the size", entry->good);
            WRONG_WITH(good + 1, "is misaligned", CIE_ARGUMENT);
            return;
        case 'l': lengths(w, entry, at); return;
        case 'b': case 'w': case '$': case '!': WRONG_WITH(0, "is null", CIE_NULL); return;
        case '?': case '~': WRONG_WITH(0, "is null, though it has a length", CIE_NULL); return;
        case 'r': case 'q': case 'o': case 'N': case 'p': case 'k': texts(w, entry, at); return;
        case 'O': case 'Q': options(w, entry, at); return;
        case 'G': WRONG_WITH(0, "is null", CIE_NULL); return;
        case 'i':
            WRONG_WITH((uint32_t)INT32_MIN, "is no such number", CIE_ARGUMENT);
            WRONG_WITH(UINT32_MAX, "is no such number", CIE_ARGUMENT);
            WRONG_WITH(9999, "is no such number", CIE_ARGUMENT);
            return;
        case 'j':
            /* A number without a name is "unknown". */
            WRONG_WITH((uint32_t)INT32_MIN, "is no such number", entry->arguments[0] == 'j' ? CIE_OK : CIE_ABSENT);
            WRONG_WITH(UINT32_MAX, "is no such number", entry->arguments[0] == 'j' ? CIE_OK : CIE_ABSENT);
            return;
        case 'f':
            WRONG_WITH(UINT32_MAX, "is all flags", CIE_ARGUMENT);
            WRONG_WITH(1U << 31, "is no flag", CIE_ARGUMENT);
            return;
        case 'd':
            WRONG_WITH(99, "is too short", CIE_ARGUMENT);
            WRONG_WITH(0, "is too short", CIE_ARGUMENT);
            WRONG_WITH(UINT32_MAX, "is very long", CIE_OK);
            return;
        case 'n': WRONG_WITH(UINT32_MAX, "is beyond the end", CIE_ABSENT); return;
        case 'u': case 'v': return;
        default: wrong_handles(w, entry, at);
    }
}

void every_entry_point(const char *folder, const char *trace) {
    world world, *w = &world;
    int32_t before, after;
    open_world(w, folder, trace);
    EXPECT(w->context, CIE_OK, cie_card_pin_tries(w->context, w->card, &before));
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++) {
        const struct entry *entry = &TABLE[i];
        printf("entry %s\n", entry->name);
        if (entry->good != DIRTY) {
            prepare(w, entry);
            make(w, entry, -1, "nothing is wrong", entry->good);
        }
        for (int at = 0; entry->arguments[at] != 0; at++) argument(w, entry, at);
    }
    /* All that was wrong did no harm: the card still knows its PIN and signs, and no try is spent. */
    EXPECT(w->context, CIE_OK, cie_card_pin_tries(w->context, w->card, &after));
    CHECK(before == 3 && after == 3);
    EXPECT(w->context, CIE_OK, cie_close(w->context, log_in(w->context, w->card, w->party, "a session of sixteen bytes")));
    close_world(w);
}
