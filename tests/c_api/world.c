/* Checks, and a software card with all that goes with it. */
#include "hostile.h"

void fail_at(const char *file, int line, const char *what, const char *why) {
    fprintf(stderr, "%s:%d: %s %s\n", file, line, what, why);
    exit(1);
}

void expect(const char *file, int line, const char *what, cie_context *context, cie_result expected, cie_result result) {
    char detail[600] = "", why[800];
    size_t size = sizeof detail;
    if (result == expected) return;
    if (context != NULL) cie_error_detail(context, detail, &size);
    snprintf(why, sizeof why, "is %s, not %s: %s", cie_result_name(result), cie_result_name(expected), detail);
    fail_at(file, line, what, why);
}

const char *below(const char *folder, const char *name) {
    static _Thread_local char path[4][2000];
    static _Thread_local int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

cie_handle open_soft(cie_context *context, const char *folder) {
    cie_handle soft;
    EXPECT(context, CIE_OK, cie_soft_open(context, below(folder, "card.json"), &soft));
    return soft;
}

cie_handle insert(cie_context *context, cie_handle soft, cie_progress_callback progress, void *data) {
    cie_open_options options = {0};
    cie_handle card;
    options.size = sizeof options;
    options.progress = progress;
    options.data = data;
    EXPECT(context, CIE_OK, cie_soft_insert(context, soft, &options, &card));
    return card;
}

cie_handle open_trust(cie_context *context, const char *folder) {
    cie_handle trust;
    EXPECT(context, CIE_OK, cie_trust_open(context, CIE_ALLOW_TEST_PKI, &trust));
    EXPECT(context, CIE_OK, cie_trust_load(context, trust, below(folder, "trust")));
    return trust;
}

cie_result verify(cie_context *context, cie_handle card, const char *pin, int32_t last_try) {
    char copy[5000];
    size_t length = strlen(pin), at;
    cie_result result;
    memcpy(copy, pin, length + 1);
    result = cie_card_verify_pin(context, card, copy, length, last_try);
    for (at = 0; at < length; at++) CHECK(copy[at] == 0);
    return result;
}

cie_handle log_in(cie_context *context, cie_handle card, cie_handle party, const char *session) {
    char nonce[CIE_NONCE_SIZE], *token = malloc(CIE_TOKEN_SIZE);
    size_t nonce_size = sizeof nonce, token_size = CIE_TOKEN_SIZE;
    cie_handle login;
    const uint8_t *bytes = (const uint8_t *)session;
    EXPECT(context, CIE_OK, cie_party_challenge(context, party, bytes, strlen(session), nonce, &nonce_size));
    EXPECT(context, CIE_OK, cie_card_login(context, card, ORIGIN, nonce, token, &token_size));
    EXPECT(context, CIE_OK,
           cie_party_begin(context, party, bytes, strlen(session), (const uint8_t *)token, token_size - 1, &login));
    free(token);
    return login;
}

void open_world(world *w, const char *folder, const char *trace) {
    cie_handle used;
    memset(w, 0, sizeof *w);
    w->folder = folder;
    CHECK(cie_context_new(&w->context) == CIE_OK && cie_context_new(&w->stranger) == CIE_OK);
    w->soft = open_soft(w->context, folder);
    w->card = insert(w->context, w->soft, NULL, NULL);
    w->trust = open_trust(w->context, folder);
    EXPECT(w->context, CIE_OK, cie_seen_open(w->context, &w->seen));
    EXPECT(w->context, CIE_OK, cie_card_verify_chip(w->context, w->card, w->trust, 0, &w->chip));
    EXPECT(w->context, CIE_OK, verify(w->context, w->card, PIN, CIE_LAST_TRY_REFUSE));
    EXPECT(w->context, CIE_OK, cie_party_open(w->context, ORIGIN, w->trust, NULL, &w->party));
    used = log_in(w->context, w->card, w->party, "a session of sixteen bytes");
    EXPECT(w->context, CIE_OK, cie_login_finish(w->context, used, CIE_POLICY_OFFLINE, &w->citizen));
    EXPECT(w->context, CIE_OK, cie_close(w->context, used));
    w->login = log_in(w->context, w->card, w->party, "a session of sixteen bytes");
    EXPECT(w->context, CIE_OK,
           cie_recorder_open(w->context, below(folder, "never.trace"), CIE_TRACE_DIAGNOSTIC, &w->recorder));
    EXPECT(w->context, CIE_OK, cie_replay_open(w->context, trace, &w->replay));
    EXPECT(w->context, CIE_OK, cie_monitor_open(w->context, &w->monitor));
    EXPECT(w->stranger, CIE_OK, cie_trust_open(w->stranger, 0, &w->foreign));
    EXPECT(w->context, CIE_OK, cie_trust_open(w->context, 0, &w->closed));
    EXPECT(w->context, CIE_OK, cie_close(w->context, w->closed));
}

void close_world(world *w) {
    CHECK(cie_context_free(w->context) == CIE_OK && cie_context_free(w->stranger) == CIE_OK);
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    /* What is said is about the test that said it, whichever way it ends. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(arguments[1], "every-entry-point") == 0) {
        every_entry_point(arguments[2], arguments[3]);
    } else if (!run_scene(arguments[1], arguments[2], arguments[3])) {
        return 2;
    }
    puts("done");
    return 0;
}
