/* What a program does that was written in haste: out of order, from many threads, and from inside a callback. */
#define _DEFAULT_SOURCE
#include "hostile.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 150 };

static int is_either(cie_result result, cie_result one, cie_result other) { return result == one || result == other; }

static int32_t pin_tries(cie_context *context, cie_handle card) {
    int32_t tries;
    EXPECT(context, CIE_OK, cie_card_pin_tries(context, card, &tries));
    return tries;
}

/* ---- After cie_close. ---- */

static void closed(const char *folder, const char *trace) {
    world world, *w = &world;
    uint8_t bytes[64] = "bytes";
    char text[64], pin[9] = PIN, puk[9] = PUK;
    size_t size = sizeof text;
    cie_handle handle, *handles[] = {&w->soft, &w->card, &w->trust, &w->seen, &w->party, &w->login,
                                     &w->citizen, &w->chip, &w->recorder, &w->monitor, &w->replay};
    cie_statistics statistics;
    cie_status_request request;
    cie_event event;
    int32_t number;
    open_world(w, folder, trace);
    cie_context *c = w->context;
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        EXPECT(c, CIE_OK, cie_close(c, *handles[i]));
        EXPECT(c, CIE_HANDLE, cie_close(c, *handles[i]));
    }
    EXPECT(c, CIE_HANDLE, cie_soft_insert(c, w->soft, NULL, &handle));
    EXPECT(c, CIE_HANDLE, cie_soft_remove(c, w->soft));
    EXPECT(c, CIE_HANDLE, cie_card_kind(c, w->card, &number));
    EXPECT(c, CIE_HANDLE, cie_card_information(c, w->card, &handle));
    EXPECT(c, CIE_HANDLE, cie_card_statistics(c, w->card, &statistics));
    EXPECT(c, CIE_HANDLE, cie_card_certificate(c, w->card, CIE_FORMAT_DER, bytes, &size));
    EXPECT(c, CIE_HANDLE, cie_card_personal_data(c, w->card, 0, 0, &handle));
    EXPECT(c, CIE_HANDLE, cie_card_lock(c, w->card));
    EXPECT(c, CIE_HANDLE, cie_card_pin_tries(c, w->card, &number));
    EXPECT(c, CIE_HANDLE, cie_card_puk_tries(c, w->card, &number));
    EXPECT(c, CIE_HANDLE, cie_card_prepare(c, w->card));
    EXPECT(c, CIE_HANDLE, cie_card_verify_pin(c, w->card, pin, 8, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_HANDLE, cie_card_unblock_pin(c, w->card, puk, 8, NULL, 0, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_HANDLE, cie_card_change_pin(c, w->card, pin, 8, puk, 8));
    EXPECT(c, CIE_HANDLE, cie_card_verify_nis(c, w->card, open_trust(c, folder), 0, 0, &handle));
    EXPECT(c, CIE_HANDLE, cie_trust_load(c, w->trust, folder));
    EXPECT(c, CIE_HANDLE, cie_trust_anchors(c, w->trust, CIE_ANCHOR_CSCA, &number));
    EXPECT(c, CIE_HANDLE, cie_party_open(c, ORIGIN, w->trust, NULL, &handle));
    EXPECT(c, CIE_HANDLE, cie_party_add_list(c, w->party, bytes, 5));
    EXPECT(c, CIE_HANDLE, cie_party_challenge(c, w->party, bytes, 16, text, &size));
    EXPECT(c, CIE_HANDLE, cie_login_request(c, w->login, 0, &request));
    EXPECT(c, CIE_HANDLE, cie_login_answer(c, w->login, 0, bytes, 5));
    EXPECT(c, CIE_HANDLE, cie_login_finish(c, w->login, CIE_POLICY_OFFLINE, &handle));
    EXPECT(c, CIE_HANDLE, cie_text(c, w->citizen, CIE_FIELD_SURNAME, text, &size));
    EXPECT(c, CIE_HANDLE, cie_chip_check_certificate(c, w->chip, bytes, 5));
    EXPECT(c, CIE_HANDLE, cie_recorder_finish(c, w->recorder));
    EXPECT(c, CIE_HANDLE, cie_monitor_next(c, w->monitor, 0, &event));
    EXPECT(c, CIE_HANDLE, cie_monitor_cancel(c, w->monitor));
    EXPECT(c, CIE_HANDLE, cie_replay_check(c, w->replay));
    CHECK(pin[0] == 0 && puk[0] == 0);
    /* The file is free again, and the try counter is whole. */
    w->soft = open_soft(c, folder);
    w->card = insert(c, w->soft, NULL, NULL);
    CHECK(pin_tries(c, w->card) == 3);
    close_world(w);
}

/* ---- From inside the progress of a card. ---- */

typedef struct inside {
    cie_context *context, *clone;
    cie_handle soft, card, trust;
    int depth, told, closes_card, removes_card, stops;
    /* After how many answers. */
    int after;
} inside;

static int32_t progress(void *data, const cie_statistics *statistics) {
    inside *in = data;
    cie_context *c = in->context;
    char text[256], pin[9] = PIN;
    size_t size = sizeof text;
    uint8_t signature[CIE_SIGNATURE_SIZE];
    cie_statistics said;
    cie_handle handle;
    int32_t number;
    CHECK(statistics->commands > 0);
    in->told++;
    EXPECT(c, CIE_BUSY, cie_context_free(c));
    if (in->clone != NULL) {
        cie_context *other;
        EXPECT(c, CIE_OK, cie_context_clone(in->clone, &other));
        EXPECT(c, CIE_OK, cie_context_free(other));
    }
    if (in->told < in->after) return 0;
    if (in->stops) return 1;
    if (in->removes_card) EXPECT(c, CIE_OK, cie_soft_remove(c, in->soft));
    if (in->card == 0 || in->depth > 0) return 0;
    EXPECT(c, CIE_BUSY, cie_card_kind(c, in->card, &number));
    EXPECT(c, CIE_BUSY, cie_card_statistics(c, in->card, &said));
    EXPECT(c, CIE_BUSY, cie_card_information(c, in->card, &handle));
    EXPECT(c, CIE_BUSY, cie_card_pin_tries(c, in->card, &number));
    EXPECT(c, CIE_BUSY, cie_card_prepare(c, in->card));
    EXPECT(c, CIE_BUSY, cie_card_lock(c, in->card));
    EXPECT(c, CIE_BUSY, cie_card_verify_pin(c, in->card, pin, 8, CIE_LAST_TRY_SPEND));
    CHECK(pin[0] == 0);
    EXPECT(c, CIE_BUSY, cie_card_verify_nis(c, in->card, in->trust, 0, 0, &handle));
    EXPECT(c, CIE_BUSY,
           cie_card_sign(c, in->card, CIE_PURPOSE_RAW, CIE_HASH_SHA256, (const uint8_t *)"x", 1, signature,
                         (size = sizeof signature, &size)));
    size = sizeof text;
    EXPECT(c, CIE_OK, cie_error_detail(c, text, &size));
    EXPECT(c, CIE_OK, cie_trust_anchors(c, in->trust, CIE_ANCHOR_CSCA, &number));
    EXPECT(c, CIE_OK, cie_seen_open(c, &handle));
    EXPECT(c, CIE_OK, cie_close(c, handle));
    if (in->closes_card) {
        EXPECT(c, CIE_OK, cie_close(c, in->card));
        EXPECT(c, CIE_HANDLE, cie_close(c, in->card));
        in->closes_card = 0;
        in->card = 0;
    }
    return 0;
}

static void callbacks(const char *folder, const char *trace) {
    inside in = {0};
    cie_handle handle, other;
    (void)trace;
    CHECK(cie_context_new(&in.context) == CIE_OK && cie_context_clone(in.context, &in.clone) == CIE_OK);
    cie_context *c = in.context;
    in.trust = open_trust(c, folder);
    in.soft = open_soft(c, folder);
    in.card = insert(c, in.soft, progress, &in);
    CHECK(in.told > 0);
    EXPECT(c, CIE_OK, cie_card_verify_nis(c, in.card, in.trust, 0, 0, &handle));
    EXPECT(c, CIE_OK, cie_card_prepare(c, in.card));
    EXPECT(c, CIE_OK, verify(c, in.card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_OK, cie_card_lock(c, in.card));
    EXPECT(c, CIE_OK, cie_close(c, in.card));

    /* A card that is closed while it verifies its PIN is reset when that is done. */
    in.card = 0;
    in.card = other = insert(c, in.soft, progress, &in);
    EXPECT(c, CIE_OK, cie_card_prepare(c, in.card));
    in.closes_card = 1;
    EXPECT(c, CIE_OK, verify(c, in.card, PIN, CIE_LAST_TRY_REFUSE));
    CHECK(in.card == 0);
    EXPECT(c, CIE_HANDLE, cie_card_lock(c, other));
    in.told = 0;
    other = insert(c, in.soft, NULL, NULL);
    CHECK(pin_tries(c, other) == 3 && in.told == 0);

    /* A call that is stopped, at each of its answers in turn: no PIN is lost by it, and none is in doubt. */
    EXPECT(c, CIE_OK, cie_close(c, other));
    for (int after = 1;; after++) {
        cie_result result;
        cie_error facts;
        in.card = 0;
        in.stops = 0;
        other = insert(c, in.soft, progress, &in);
        in.told = 0;
        in.after = after;
        in.stops = 1;
        result = verify(c, other, PIN, CIE_LAST_TRY_REFUSE);
        CHECK(is_either(result, CIE_OK, CIE_CANCELLED));
        in.stops = 0;
        if (result == CIE_OK) break;
        EXPECT(c, CIE_OK, cie_error_facts(c, &facts));
        CHECK(facts.result == CIE_CANCELLED && facts.is_doubtful == 0);
        EXPECT(c, CIE_CANCELLED, cie_card_information(c, other, &handle));
        EXPECT(c, CIE_OK, cie_card_lock(c, other));
        EXPECT(c, CIE_OK, cie_close(c, other));
        CHECK(after < 100);
    }
    EXPECT(c, CIE_OK, cie_close(c, other));
    in.after = 0;
    other = insert(c, in.soft, NULL, NULL);
    CHECK(pin_tries(c, other) == 3);

    /* The soft card's handle can be closed under a card. */
    EXPECT(c, CIE_OK, cie_close(c, in.soft));
    EXPECT(c, CIE_OK, verify(c, other, PIN, CIE_LAST_TRY_REFUSE));
    /* What is open stays open until the last clone is freed. */
    CHECK(cie_context_free(c) == CIE_OK);
    CHECK(pin_tries(in.clone, other) == 3);
    CHECK(cie_context_free(in.clone) == CIE_OK);
}

/* ---- A card that goes away, or is reset by somebody else. ---- */

static void removal(const char *folder, const char *trace) {
    inside in = {0};
    cie_error facts;
    cie_handle other, handle;
    int32_t tries;
    (void)trace;
    CHECK(cie_context_new(&in.context) == CIE_OK);
    cie_context *c = in.context;
    in.trust = open_trust(c, folder);
    in.soft = open_soft(c, folder);
    /* Taken away right behind the last answer before VERIFY, and behind VERIFY itself: the answer did come. */
    in.card = insert(c, in.soft, progress, &in);
    EXPECT(c, CIE_OK, cie_card_prepare(c, in.card));
    EXPECT(c, CIE_OK, cie_soft_remove(c, in.soft));
    EXPECT(c, CIE_CARD_REMOVED, verify(c, in.card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_OK, cie_error_facts(c, &facts));
    /* Nobody who sent a PIN and got no answer knows what became of it. */
    CHECK(facts.result == CIE_CARD_REMOVED && facts.is_doubtful == 1 && facts.tries_left == -1);
    EXPECT(c, CIE_CARD_REMOVED, verify(c, in.card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_CARD_REMOVED, cie_card_information(c, in.card, &handle));
    EXPECT(c, CIE_OK, cie_close(c, in.card));
    in.card = 0;
    in.card = insert(c, in.soft, progress, &in);
    CHECK(pin_tries(c, in.card) == 3);

    /* In the middle of each call in turn, at each of its answers until it comes through. */
    for (int after = 1;; after++) {
        cie_result result;
        in.depth = 1;
        EXPECT(c, CIE_OK, cie_close(c, in.card));
        in.removes_card = 0;
        in.card = insert(c, in.soft, progress, &in);
        in.told = 0;
        in.after = after;
        in.removes_card = 1;
        result = verify(c, in.card, PIN, CIE_LAST_TRY_REFUSE);
        CHECK(is_either(result, CIE_OK, CIE_CARD_REMOVED));
        in.removes_card = 0;
        if (result == CIE_OK) break;
        EXPECT(c, CIE_OK, cie_error_facts(c, &facts));
        CHECK(facts.result == CIE_CARD_REMOVED && after < 100);
    }
    EXPECT(c, CIE_OK, cie_close(c, in.card));
    in.card = insert(c, in.soft, NULL, NULL);
    CHECK(pin_tries(c, in.card) == 3);

    /* Another connection resets the card under an open channel: said once, and then it goes on. */
    EXPECT(c, CIE_OK, cie_card_prepare(c, in.card));
    other = insert(c, in.soft, NULL, NULL);
    EXPECT(c, CIE_CARD_RESET, verify(c, in.card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_OK, cie_card_prepare(c, in.card));
    EXPECT(c, CIE_OK, verify(c, in.card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_OK, cie_card_lock(c, in.card));
    EXPECT(c, CIE_OK, cie_close(c, other));
    other = insert(c, in.soft, NULL, NULL);
    EXPECT(c, CIE_CARD_RESET, cie_card_puk_tries(c, in.card, &tries));
    EXPECT(c, CIE_OK, cie_card_puk_tries(c, in.card, &tries));
    EXPECT(c, CIE_OK, cie_card_prepare(c, in.card));
    other = insert(c, in.soft, NULL, NULL);
    EXPECT(c, CIE_CARD_RESET, cie_card_verify_chip(c, in.card, in.trust, 0, &handle));
    EXPECT(c, CIE_OK, cie_card_lock(c, in.card));
    EXPECT(c, CIE_OK, cie_card_verify_chip(c, in.card, in.trust, 0, &handle));
    CHECK(cie_context_free(c) == CIE_OK);
}

/* ---- PIN tries, and what is said of failures. ---- */

static void facts_are(cie_context *c, cie_result result, int32_t tries_left) {
    cie_error facts;
    EXPECT(c, CIE_OK, cie_error_facts(c, &facts));
    CHECK(facts.result == result && facts.tries_left == tries_left && facts.is_doubtful == 0);
}

/* Every text about the last failure, filled as exactly as its size was told; not the same in two languages. */
static void texts_are_whole(cie_context *c) {
    char text[5][1000];
    size_t asked[5], filled[5];
    for (int i = 0; i < 2; i++) EXPECT(c, CIE_OK, cie_error_message(c, i, NULL, &asked[i]));
    for (int i = 0; i < 2; i++) EXPECT(c, CIE_OK, cie_error_advice(c, i, NULL, &asked[i + 2]));
    EXPECT(c, CIE_OK, cie_error_detail(c, NULL, &asked[4]));
    memcpy(filled, asked, sizeof filled);
    for (int i = 0; i < 2; i++) EXPECT(c, CIE_OK, cie_error_message(c, i, text[i], &filled[i]));
    for (int i = 0; i < 2; i++) EXPECT(c, CIE_OK, cie_error_advice(c, i, text[i + 2], &filled[i + 2]));
    EXPECT(c, CIE_OK, cie_error_detail(c, text[4], &filled[4]));
    for (int i = 0; i < 5; i++) CHECK(asked[i] == filled[i] && strlen(text[i]) + 1 == filled[i] && filled[i] > 1);
    CHECK(strcmp(text[0], text[1]) != 0 && strcmp(text[2], text[3]) != 0);
    CHECK(strstr(text[4], PIN) == NULL && strstr(text[4], PUK) == NULL && strstr(text[4], WRONG) == NULL);
}

static void tries(const char *folder, const char *trace) {
    cie_context *c;
    cie_handle soft, card;
    int32_t number;
    char a[9], b[9];
    (void)trace;
    CHECK(cie_context_new(&c) == CIE_OK);
    facts_are(c, CIE_OK, -1);
    soft = open_soft(c, folder);
    card = insert(c, soft, NULL, NULL);
    EXPECT(c, CIE_PIN_NEEDED, cie_card_change_pin(c, card, strcpy(a, PIN), 8, strcpy(b, "31415926"), 8));
    CHECK(a[0] == 0 && b[7] == 0);
    texts_are_whole(c);
    EXPECT(c, CIE_PIN_MALFORMED, verify(c, card, "123", CIE_LAST_TRY_SPEND));
    EXPECT(c, CIE_PIN_MALFORMED, verify(c, card, "1234567\xff", CIE_LAST_TRY_SPEND));
    texts_are_whole(c);
    CHECK(pin_tries(c, card) == 3);
    EXPECT(c, CIE_PIN_WRONG, verify(c, card, WRONG, CIE_LAST_TRY_REFUSE));
    facts_are(c, CIE_PIN_WRONG, 2);
    texts_are_whole(c);
    EXPECT(c, CIE_OK, cie_card_lock(c, card));
    CHECK(pin_tries(c, card) == 2);
    EXPECT(c, CIE_PIN_WRONG, verify(c, card, WRONG, CIE_LAST_TRY_REFUSE));
    facts_are(c, CIE_PIN_WRONG, 1);
    EXPECT(c, CIE_PIN_LAST_TRY, verify(c, card, WRONG, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_PIN_LAST_TRY, verify(c, card, PIN, CIE_LAST_TRY_REFUSE));
    facts_are(c, CIE_PIN_LAST_TRY, 1);
    texts_are_whole(c);
    CHECK(pin_tries(c, card) == 1);
    EXPECT(c, CIE_PIN_BLOCKED, verify(c, card, WRONG, CIE_LAST_TRY_SPEND));
    facts_are(c, CIE_PIN_BLOCKED, 0);
    EXPECT(c, CIE_PIN_BLOCKED, verify(c, card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_PIN_BLOCKED, verify(c, card, PIN, CIE_LAST_TRY_SPEND));
    texts_are_whole(c);
    CHECK(pin_tries(c, card) == 0);
    EXPECT(c, CIE_PUK_MALFORMED, cie_card_unblock_pin(c, card, strcpy(a, "1"), 1, NULL, 0, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_NEW_PIN_MALFORMED, cie_card_unblock_pin(c, card, strcpy(a, PUK), 8, strcpy(b, "1"), 1, CIE_LAST_TRY_REFUSE));
    CHECK(a[0] == 0 && b[0] == 0);
    EXPECT(c, CIE_PUK_WRONG, cie_card_unblock_pin(c, card, strcpy(a, WRONG), 8, NULL, 0, CIE_LAST_TRY_REFUSE));
    facts_are(c, CIE_PUK_WRONG, 9);
    texts_are_whole(c);
    EXPECT(c, CIE_OK, cie_card_puk_tries(c, card, &number));
    CHECK(number == 9);
    EXPECT(c, CIE_OK, cie_card_unblock_pin(c, card, strcpy(a, PUK), 8, strcpy(b, "31415926"), 8, CIE_LAST_TRY_REFUSE));
    CHECK(pin_tries(c, card) == 3 && a[0] == 0 && b[0] == 0);
    EXPECT(c, CIE_OK, verify(c, card, "31415926", CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_UNLOCKED, verify(c, card, "31415926", CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_UNLOCKED, cie_card_unblock_pin(c, card, strcpy(a, PUK), 8, NULL, 0, CIE_LAST_TRY_REFUSE));
    CHECK(a[0] == 0);
    /* One buffer for both is a mistake that costs nothing. */
    EXPECT(c, CIE_NEW_PIN_MALFORMED, cie_card_change_pin(c, card, strcpy(a, "31415926"), 8, a, 8));
    EXPECT(c, CIE_PIN_WRONG, cie_card_change_pin(c, card, strcpy(a, WRONG), 8, strcpy(b, PIN), 8));
    EXPECT(c, CIE_PIN_WRONG, cie_card_change_pin(c, card, strcpy(a, WRONG), 8, strcpy(b, PIN), 8));
    /* The last one is not spent by this. */
    EXPECT(c, CIE_PIN_LAST_TRY, cie_card_change_pin(c, card, strcpy(a, WRONG), 8, strcpy(b, PIN), 8));
    EXPECT(c, CIE_OK, cie_card_lock(c, card));
    EXPECT(c, CIE_PIN_LAST_TRY, verify(c, card, "31415926", CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_OK, verify(c, card, "31415926", CIE_LAST_TRY_SPEND));
    EXPECT(c, CIE_OK, cie_card_change_pin(c, card, strcpy(a, "31415926"), 8, strcpy(b, PIN), 8));
    EXPECT(c, CIE_OK, cie_card_lock(c, card));
    EXPECT(c, CIE_OK, verify(c, card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_PIN_WEAK, cie_check_new_pin(c, "11111111", 8, NULL, 0));
    texts_are_whole(c);
    EXPECT(c, CIE_PURPOSE_REFUSED,
           cie_card_sign(c, card, CIE_PURPOSE_RAW, CIE_HASH_SHA256,
                         (const uint8_t *)"0123456789012345678901234567890123456789012345678901234567890123", 64, NULL,
                         (size_t[]){0}));
    texts_are_whole(c);
    CHECK(cie_context_free(c) == CIE_OK);
}

/* ---- Many threads. ---- */

typedef struct worker {
    world *world;
    cie_context *context;
    int number, done, busy;
} worker;

static void *work(void *data) {
    worker *me = data;
    const world *w = me->world;
    cie_context *c = me->context;
    char session[40], text[400], nonce[CIE_NONCE_SIZE], pin[9];
    uint8_t bytes[4096];
    cie_statistics statistics;
    cie_error facts;
    cie_handle handle, other;
    cie_context *clone;
    int32_t number;
    size_t size;
    snprintf(session, sizeof session, "a session of thread number %d", me->number);
    for (int round = 0; round < ROUNDS; round++) {
        cie_result result;
        switch ((round + me->number) % 6) {
            case 0: result = cie_card_kind(c, w->card, &number); break;
            case 1: result = cie_card_statistics(c, w->card, &statistics); break;
            case 2: result = cie_card_pin_tries(c, w->card, &number); break;
            case 3: size = sizeof bytes, result = cie_card_certificate(c, w->card, CIE_FORMAT_DER, bytes, &size); break;
            case 4:
                /* The PIN is verified already, so nothing is sent. */
                result = cie_card_verify_pin(c, w->card, strcpy(pin, WRONG), 8, CIE_LAST_TRY_SPEND);
                CHECK(pin[0] == 0);
                if (result == CIE_UNLOCKED) result = CIE_OK;
                break;
            default:
                size = sizeof bytes;
                result = cie_card_sign(c, w->card, CIE_PURPOSE_RAW, CIE_HASH_SHA256, (const uint8_t *)"data", 4, bytes,
                                       &size);
        }
        if (result == CIE_BUSY) me->busy++;
        else me->done++;
        CHECK(is_either(result, CIE_OK, CIE_BUSY));
        /* Never in the way of each other. */
        EXPECT(c, CIE_OK, cie_trust_anchors(c, w->trust, CIE_ANCHOR_CSCA, &number));
        size = sizeof text;
        EXPECT(c, CIE_OK, cie_text(c, w->citizen, CIE_FIELD_SURNAME, text, &size));
        size = sizeof nonce;
        EXPECT(c, CIE_OK, cie_party_challenge(c, w->party, (const uint8_t *)session, strlen(session), nonce, &size));
        EXPECT(c, CIE_TOKEN_MALFORMED, cie_party_begin(c, w->party, (const uint8_t *)session, strlen(session),
                                                       (const uint8_t *)"{}", 2, &handle));
        /* What failed here is said here, whatever fails elsewhere. */
        if (me->number % 2 == 0) EXPECT(c, CIE_NULL, cie_card_kind(c, w->card, NULL));
        else EXPECT(c, CIE_ABSENT, cie_text(c, w->citizen, 9999, text, (size = sizeof text, &size)));
        EXPECT(c, CIE_OK, cie_error_facts(c, &facts));
        CHECK(facts.result == (me->number % 2 == 0 ? CIE_NULL : CIE_ABSENT));
        EXPECT(c, CIE_OK, cie_context_clone(c, &clone));
        EXPECT(c, CIE_OK, cie_seen_open(c, &handle));
        EXPECT(c, CIE_OK, cie_trust_open(clone, 0, &other));
        EXPECT(c, CIE_OK, cie_close(clone, handle));
        EXPECT(c, CIE_OK, cie_context_free(clone));
        EXPECT(c, CIE_OK, cie_close(c, other));
    }
    CHECK(cie_context_free(c) == CIE_OK);
    return NULL;
}

static void threads(const char *folder, const char *trace) {
    world world;
    worker workers[THREADS] = {0};
    pthread_t ids[THREADS];
    int done = 0;
    open_world(&world, folder, trace);
    for (int i = 0; i < THREADS; i++) {
        workers[i].world = &world;
        workers[i].number = i;
        EXPECT(world.context, CIE_OK, cie_context_clone(world.context, &workers[i].context));
        CHECK(pthread_create(&ids[i], NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(ids[i], NULL) == 0);
        CHECK(workers[i].done + workers[i].busy == ROUNDS);
        done += workers[i].done;
    }
    printf("%d calls had the card, %d found it busy\n", done, THREADS * ROUNDS - done);
    CHECK(done > 0);
    CHECK(pin_tries(world.context, world.card) == 3);
    EXPECT(world.context, CIE_OK,
           cie_close(world.context, log_in(world.context, world.card, world.party, "a session of sixteen bytes")));
    close_world(&world);
}

/* One thread opens and closes what others use. */
static void *use(void *data) {
    worker *me = data;
    for (int round = 0; round < ROUNDS; round++) {
        int32_t number;
        cie_statistics statistics;
        cie_handle card = __atomic_load_n(&me->world->card, __ATOMIC_ACQUIRE);
        cie_result result = round % 2 == 0 ? cie_card_kind(me->context, card, &number)
                                           : cie_card_statistics(me->context, card, &statistics);
        CHECK(result == CIE_OK || is_either(result, CIE_BUSY, CIE_HANDLE) || is_either(result, CIE_CARD_RESET, CIE_CARD_REMOVED));
    }
    CHECK(cie_context_free(me->context) == CIE_OK);
    return NULL;
}

static void closing(const char *folder, const char *trace) {
    world world;
    worker workers[THREADS] = {0};
    pthread_t ids[THREADS];
    open_world(&world, folder, trace);
    for (int i = 0; i < THREADS; i++) {
        workers[i].world = &world;
        EXPECT(world.context, CIE_OK, cie_context_clone(world.context, &workers[i].context));
        CHECK(pthread_create(&ids[i], NULL, use, &workers[i]) == 0);
    }
    for (int round = 0; round < 20; round++) {
        EXPECT(world.context, CIE_OK, cie_close(world.context, world.card));
        __atomic_store_n(&world.card, insert(world.context, world.soft, NULL, NULL), __ATOMIC_RELEASE);
    }
    /* The clones of others keep open what is open. */
    close_world(&world);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(ids[i], NULL) == 0);
}

/* What would keep a call for ever is refused at once, and what is loaded twice is there once. */
static void loading(const char *folder, const char *trace) {
    cie_context *c;
    cie_handle trust, replay;
    int32_t before, now;
    (void)trace;
    CHECK(cie_context_new(&c) == CIE_OK);
    trust = open_trust(c, folder);
    EXPECT(c, CIE_OK, cie_trust_anchors(c, trust, CIE_ANCHOR_CSCA, &before));
    CHECK(before > 0);
    EXPECT(c, CIE_OK, cie_trust_load(c, trust, below(folder, "trust")));
    CHECK(mkdir(below(folder, "slow"), 0700) == 0 && mkdir(below(folder, "slow/csca"), 0700) == 0);
    CHECK(mkfifo(below(folder, "slow/csca/anchor.pem"), 0600) == 0);
    EXPECT(c, CIE_TRUST_FOLDER, cie_trust_load(c, trust, below(folder, "slow")));
    EXPECT(c, CIE_TRACE_UNUSABLE, cie_replay_open(c, below(folder, "slow/csca/anchor.pem"), &replay));
    EXPECT(c, CIE_OK, cie_trust_anchors(c, trust, CIE_ANCHOR_CSCA, &now));
    CHECK(now == before);
    CHECK(cie_context_free(c) == CIE_OK);
}

/* ---- A monitor, where no reader service runs. ---- */

typedef struct watch {
    cie_context *context;
    cie_handle monitor;
    int told;
    /* What the callback does: 'c'ancels, close's', stops with 'r'eturning 1. */
    char does;
} watch;

static int32_t on_event(void *data, const cie_event *event) {
    watch *me = data;
    cie_event another;
    me->told++;
    CHECK(event->kind == CIE_EVENT_SERVICE_LOST && event->reader[0] == 0 && event->atr_length == 0);
    EXPECT(me->context, CIE_BUSY, cie_monitor_next(me->context, me->monitor, 0, &another));
    EXPECT(me->context, CIE_BUSY, cie_monitor_run(me->context, me->monitor, 0, on_event, me));
    EXPECT(me->context, CIE_BUSY, cie_context_free(me->context));
    if (me->does == 'c') EXPECT(me->context, CIE_OK, cie_monitor_cancel(me->context, me->monitor));
    if (me->does == 's') EXPECT(me->context, CIE_OK, cie_close(me->context, me->monitor));
    return me->does == 'r';
}

static void *wait_forever(void *data) {
    watch *me = data;
    cie_event event;
    cie_context *clone;
    cie_result result;
    CHECK(cie_context_clone(me->context, &clone) == CIE_OK);
    EXPECT(clone, CIE_OK, cie_monitor_next(clone, me->monitor, CIE_FOREVER, &event));
    CHECK(event.kind == CIE_EVENT_SERVICE_LOST);
    __atomic_store_n(&me->told, 1, __ATOMIC_RELEASE);
    result = cie_monitor_next(clone, me->monitor, CIE_FOREVER, &event);
    CHECK(result == CIE_CANCELLED);
    CHECK(cie_context_free(clone) == CIE_OK);
    return NULL;
}

static void monitors(const char *folder, const char *trace) {
    watch watch = {0};
    cie_event event;
    pthread_t waiting;
    (void)folder, (void)trace;
    CHECK(cie_context_new(&watch.context) == CIE_OK);
    cie_context *c = watch.context;
    for (const char *does = "rcs"; *does != 0; does++) {
        cie_result expected = *does == 'r' ? CIE_OK : CIE_CANCELLED;
        watch.does = *does;
        watch.told = 0;
        EXPECT(c, CIE_OK, cie_monitor_open(c, &watch.monitor));
        EXPECT(c, expected, cie_monitor_run(c, watch.monitor, CIE_FOREVER, on_event, &watch));
        CHECK(watch.told == 1);
        EXPECT(c, *does == 's' ? CIE_HANDLE : CIE_OK, cie_close(c, watch.monitor));
    }
    EXPECT(c, CIE_OK, cie_monitor_open(c, &watch.monitor));
    EXPECT(c, CIE_OK, cie_monitor_next(c, watch.monitor, 1000, &event));
    EXPECT(c, CIE_TIMED_OUT, cie_monitor_next(c, watch.monitor, 10, &event));
    EXPECT(c, CIE_OK, cie_monitor_cancel(c, watch.monitor));
    EXPECT(c, CIE_CANCELLED, cie_monitor_next(c, watch.monitor, CIE_FOREVER, &event));
    EXPECT(c, CIE_TIMED_OUT, cie_monitor_next(c, watch.monitor, 0, &event));
    for (int closes = 0; closes < 2; closes++) {
        EXPECT(c, CIE_OK, cie_monitor_open(c, &watch.monitor));
        watch.told = 0;
        CHECK(pthread_create(&waiting, NULL, wait_forever, &watch) == 0);
        while (!__atomic_load_n(&watch.told, __ATOMIC_ACQUIRE)) usleep(1000);
        usleep(20000);
        EXPECT(c, CIE_BUSY, cie_monitor_next(c, watch.monitor, 0, &event));
        EXPECT(c, CIE_OK, closes ? cie_close(c, watch.monitor) : cie_monitor_cancel(c, watch.monitor));
        CHECK(pthread_join(waiting, NULL) == 0);
    }
    CHECK(cie_context_free(c) == CIE_OK);
}

/* ---- Handles that nobody closes. ---- */

static void too_many(const char *folder, const char *trace) {
    enum { MOST = 65536 };
    static cie_handle handles[MOST];
    cie_context *c;
    cie_handle one = 7, card, soft;
    (void)trace;
    CHECK(cie_context_new(&c) == CIE_OK);
    soft = open_soft(c, folder);
    for (int i = 1; i < MOST; i++) EXPECT(c, CIE_OK, cie_seen_open(c, &handles[i]));
    EXPECT(c, CIE_TOO_MANY_HANDLES, cie_seen_open(c, &one));
    CHECK(one == 0);
    EXPECT(c, CIE_TOO_MANY_HANDLES, cie_soft_insert(c, soft, NULL, &card));
    CHECK(card == 0);
    facts_are(c, CIE_TOO_MANY_HANDLES, -1);
    EXPECT(c, CIE_OK, cie_close(c, handles[9]));
    card = insert(c, soft, NULL, NULL);
    CHECK(card != handles[9] && pin_tries(c, card) == 3);
    EXPECT(c, CIE_HANDLE, cie_close(c, handles[9]));
    CHECK(cie_context_free(c) == CIE_OK);
}

/* ---- Recordings. ---- */

static void recordings(const char *folder, const char *trace) {
    cie_context *c;
    cie_open_options options = {0};
    cie_handle soft, card, other, recorder, replay;
    char path[2000];
    (void)trace;
    snprintf(path, sizeof path, "%s/recorded.trace", folder);
    CHECK(cie_context_new(&c) == CIE_OK);
    soft = open_soft(c, folder);
    options.size = sizeof options;
    EXPECT(c, CIE_OK, cie_recorder_open(c, path, CIE_TRACE_REPLAYABLE, &recorder));
    options.recorder = recorder;
    EXPECT(c, CIE_OK, cie_soft_insert(c, soft, &options, &card));
    /* Its end would be that of a card that is still spoken to. */
    EXPECT(c, CIE_BUSY, cie_recorder_finish(c, recorder));
    EXPECT(c, CIE_OK, verify(c, card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_OK, cie_close(c, card));
    EXPECT(c, CIE_OK, cie_recorder_finish(c, recorder));
    EXPECT(c, CIE_OK, cie_recorder_finish(c, recorder));
    EXPECT(c, CIE_ARGUMENT, cie_soft_insert(c, soft, &options, &card));
    EXPECT(c, CIE_FILE, cie_recorder_open(c, path, CIE_TRACE_REPLAYABLE, &other));
    /* It plays as it was, and not otherwise. */
    EXPECT(c, CIE_OK, cie_replay_open(c, path, &replay));
    EXPECT(c, CIE_OK, cie_replay_card(c, replay, NULL, &card));
    EXPECT(c, CIE_OK, verify(c, card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_NOT_AS_RECORDED, cie_replay_check(c, replay));
    texts_are_whole(c);
    EXPECT(c, CIE_OK, cie_close(c, card));
    EXPECT(c, CIE_OK, cie_replay_check(c, replay));
    EXPECT(c, CIE_NOT_AS_RECORDED, cie_replay_card(c, replay, NULL, &card));
    /* Two at once are no recording, and it says so. */
    EXPECT(c, CIE_OK, cie_recorder_open(c, below(folder, "two.trace"), CIE_TRACE_DIAGNOSTIC, &options.recorder));
    EXPECT(c, CIE_OK, cie_soft_insert(c, soft, &options, &card));
    EXPECT(c, CIE_OK, cie_soft_insert(c, soft, &options, &other));
    EXPECT(c, CIE_OK, cie_close(c, card));
    EXPECT(c, CIE_OK, cie_close(c, other));
    EXPECT(c, CIE_FILE, cie_recorder_finish(c, options.recorder));
    EXPECT(c, CIE_FILE, cie_recorder_finish(c, options.recorder));
    EXPECT(c, CIE_ARGUMENT, cie_soft_insert(c, soft, &options, &card));
    /* One without any card is no recording either, and does not become one afterwards. */
    EXPECT(c, CIE_OK, cie_recorder_open(c, below(folder, "none.trace"), CIE_TRACE_DIAGNOSTIC, &options.recorder));
    EXPECT(c, CIE_FILE, cie_recorder_finish(c, options.recorder));
    EXPECT(c, CIE_ARGUMENT, cie_soft_insert(c, soft, &options, &card));
    EXPECT(c, CIE_FILE, cie_recorder_finish(c, options.recorder));
    CHECK(access(below(folder, "none.trace"), F_OK) != 0);
    CHECK(cie_context_free(c) == CIE_OK);
}

/* ---- A contact card. ---- */

static void contact(const char *folder, const char *trace) {
    cie_context *c;
    cie_handle soft, card, trust, record;
    char text[200];
    uint8_t der[8192];
    size_t size = sizeof der;
    int32_t flag = 7;
    (void)trace;
    CHECK(cie_context_new(&c) == CIE_OK);
    trust = open_trust(c, folder);
    soft = open_soft(c, folder);
    card = insert(c, soft, NULL, NULL);
    EXPECT(c, CIE_OTHER_CARD, cie_card_verify_nis(c, card, trust, 0, 0, &record));
    EXPECT(c, CIE_OTHER_CARD, cie_card_verify_chip(c, card, trust, 0, &record));
    texts_are_whole(c);
    EXPECT(c, CIE_OK, cie_card_certificate(c, card, CIE_FORMAT_DER, der, &size));
    EXPECT(c, CIE_OK, cie_card_personal_data(c, card, trust, CIE_ALLOW_LEGACY, &record));
    size = sizeof text;
    EXPECT(c, CIE_OK, cie_text(c, record, CIE_FIELD_VOUCHED, text, &size));
    CHECK(strcmp(text, "trust") == 0);
    EXPECT(c, CIE_OK, cie_is_test(c, record, &flag));
    CHECK(flag == 1);
    EXPECT(c, CIE_OK, cie_card_information(c, card, &record));
    flag = 0;
    EXPECT(c, CIE_ABSENT, cie_is_test(c, record, &flag));
    CHECK(flag == 1);
    EXPECT(c, CIE_HANDLE, cie_chip_is_of(c, record, card, &flag));
    CHECK(flag == 0);
    EXPECT(c, CIE_ABSENT, cie_citizen_certificate(c, record, der, (size = sizeof der, &size)));
    EXPECT(c, CIE_PIN_MALFORMED, verify(c, card, "1234", CIE_LAST_TRY_SPEND));
    EXPECT(c, CIE_PIN_WRONG, verify(c, card, WRONG, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_OK, verify(c, card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_UNLOCKED, cie_card_personal_data(c, card, 0, 0, &record));
    EXPECT(c, CIE_OK, cie_card_lock(c, card));
    /* A buffer that could not be had is no PIN that is left out: nothing is sent. */
    memcpy(text, PUK, 9);
    EXPECT(c, CIE_NULL, cie_card_unblock_pin(c, card, text, 8, NULL, 8, CIE_LAST_TRY_REFUSE));
    CHECK(text[0] == 0);
    memcpy(text, PUK, 9);
    EXPECT(c, CIE_OK, cie_card_unblock_pin(c, card, text, 8, NULL, 0, CIE_LAST_TRY_REFUSE));
    EXPECT(c, CIE_OK, cie_card_lock(c, card));
    EXPECT(c, CIE_OK, cie_soft_remove(c, soft));
    EXPECT(c, CIE_CARD_REMOVED, verify(c, card, PIN, CIE_LAST_TRY_REFUSE));
    CHECK(cie_context_free(c) == CIE_OK);
}

/* ---- What is left in memory of a PIN. ---- */

static int copies_in_memory(void) {
    /* Not the digits themselves, which would be found. */
    static const unsigned char masked[8] = {'1' ^ 85, '2' ^ 85, '3' ^ 85, '4' ^ 85, '5' ^ 85, '6' ^ 85, '7' ^ 85, '8' ^ 85};
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[600];
    int found = 0;
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char rights[5];
        CHECK(sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3);
        /* What the program can write to: constants of the program and of software cards are elsewhere. */
        if (rights[0] != 'r' || rights[1] != 'w' || strstr(line, "[v") != NULL) continue;
        for (const volatile unsigned char *at = (const volatile unsigned char *)from; (unsigned long)at + 8 <= to; at++) {
            int i = 0;
            while (i < 8 && (at[i] ^ 85) == masked[i]) i++;
            if (i == 8) {
                fprintf(stderr, "digits at %p, in %s", (const void *)at, line);
                found++;
            }
        }
    }
    fclose(maps);
    return found;
}

static void secrets(const char *folder, const char *trace) {
    cie_context *c;
    cie_handle replay, card;
    char pin[8];
    (void)folder;
    CHECK(cie_context_new(&c) == CIE_OK);
    /* Played back, as a software card in this process would know its PIN for good. */
    EXPECT(c, CIE_OK, cie_replay_open(c, trace, &replay));
    EXPECT(c, CIE_OK, cie_replay_card(c, replay, NULL, &card));
    for (int i = 0; i < 8; i++) pin[i] = (char)('1' + i);
    CHECK(copies_in_memory() == 1);
    EXPECT(c, CIE_OK, cie_card_verify_pin(c, card, pin, sizeof pin, CIE_LAST_TRY_REFUSE));
    CHECK(copies_in_memory() == 0);
    EXPECT(c, CIE_OK, cie_close(c, card));
    CHECK(copies_in_memory() == 0);
    CHECK(cie_context_free(c) == CIE_OK);
}

/* ---- A library without readers and software cards. ---- */

static void lean(const char *folder, const char *trace) {
    cie_context *c;
    cie_handle handle, card, trust, party;
    cie_reader reader;
    char nonce[100];
    size_t count = 0, size = sizeof nonce;
    static const char session[] = "a session of sixteen bytes";
    CHECK(cie_features() == 0);
    CHECK(cie_context_new(&c) == CIE_OK);
    EXPECT(c, CIE_NOT_BUILT_IN, cie_readers(c, NULL, &count));
    EXPECT(c, CIE_NOT_BUILT_IN, cie_wait_for_card(c, NULL, 0, &reader));
    EXPECT(c, CIE_NOT_BUILT_IN, cie_wait_for_removal(c, "a reader", 0));
    EXPECT(c, CIE_NOT_BUILT_IN, cie_monitor_open(c, &handle));
    EXPECT(c, CIE_NOT_BUILT_IN, cie_card_open(c, "a reader", CIE_SHARING_SHARED, NULL, &handle));
    EXPECT(c, CIE_NOT_BUILT_IN, cie_soft_new(c, below(folder, "other"), "cie3"));
    EXPECT(c, CIE_NOT_BUILT_IN, cie_soft_open(c, below(folder, "card.json"), &handle));
    texts_are_whole(c);
    /* A server needs neither of them; nor does what was recorded. */
    trust = open_trust(c, folder);
    EXPECT(c, CIE_OK, cie_party_open(c, ORIGIN, trust, NULL, &party));
    EXPECT(c, CIE_OK, cie_party_challenge(c, party, (const uint8_t *)session, strlen(session), nonce, &size));
    CHECK(strlen(nonce) == 44);
    EXPECT(c, CIE_OK, cie_replay_open(c, trace, &handle));
    EXPECT(c, CIE_OK, cie_replay_card(c, handle, NULL, &card));
    EXPECT(c, CIE_OK, verify(c, card, PIN, CIE_LAST_TRY_REFUSE));
    CHECK(cie_context_free(c) == CIE_OK);
}

int run_scene(const char *name, const char *folder, const char *trace) {
    static const struct {
        const char *name;
        void (*run)(const char *folder, const char *trace);
    } SCENES[] = {
        {"closed", closed},     {"callbacks", callbacks}, {"removal", removal},       {"tries", tries},
        {"threads", threads},   {"closing", closing},     {"monitors", monitors},     {"too-many", too_many},
        {"recordings", recordings}, {"contact", contact}, {"secrets", secrets},
        {"loading", loading}, {"lean", lean},
    };
    for (size_t i = 0; i < sizeof SCENES / sizeof *SCENES; i++) {
        if (strcmp(SCENES[i].name, name) == 0) {
            SCENES[i].run(folder, trace);
            return 1;
        }
    }
    return 0;
}
