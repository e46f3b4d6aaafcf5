/*
 * A login with an identity card, both sides of it in one program: a portal that draws a challenge and judges the
 * answer, and a citizen whose card answers it. Between two computers only the challenge and the token would travel.
 *
 * Build:  cmake -S examples/c -B build && cmake --build build
 *         (how to install the library, for --card with software cards: docs/c-api.md)
 *    or:  cc -std=c11 login.c $(pkg-config --cflags --libs cie) -o login
 * Run:    cie soft new card && build/login --trust card/trust --list card/lists/root.crl --list card/lists/sub-ca.crl \
 *             --allow-test-pki --card card/card.json              (PIN 12345678; with a real card: --reader NAME)
 * Check:  who logged in stands in card/citizen.json, too; the exit status is 0 if somebody did, 1 if not, 2 if it was
 *         called in the wrong way.
 */

#define PROGRAM "login"
#include "common.h"

#include <getopt.h>
#include <inttypes.h>

enum { LISTS_MAX = 16, SESSION_SIZE = 32 };

struct options {
    struct citizen citizen;
    const char *origin, *trust, *lists[LISTS_MAX];
    size_t list_count;
    uint32_t trust_flags;
};

static int usage(void)
{
    fputs("usage: login --trust DIR [--list FILE]... [--origin URL] [--allow-test-pki]\n"
          "             [--reader NAME | --card CARD.json] [--pin-file FILE|-] [--last-try]\n",
          stderr);
    return 2;
}

static bool read_options(int count, char **arguments, struct options *options)
{
    static const struct option known[] = {
        {"trust", required_argument, NULL, 't'},    {"list", required_argument, NULL, 'l'},
        {"origin", required_argument, NULL, 'o'},   {"allow-test-pki", no_argument, NULL, 'a'},
        {"reader", required_argument, NULL, 'r'},   {"card", required_argument, NULL, 'c'},
        {"pin-file", required_argument, NULL, 'p'}, {"last-try", no_argument, NULL, 'L'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 't': options->trust = optarg; break;
        case 'o': options->origin = optarg; break;
        case 'a': options->trust_flags = CIE_ALLOW_TEST_PKI; break;
        case 'r': options->citizen.reader = optarg; break;
        case 'c': options->citizen.soft = optarg; break;
        case 'p': options->citizen.pin_file = optarg; break;
        case 'L': options->citizen.last_try = CIE_LAST_TRY_SPEND; break;
        case 'l':
            if (options->list_count == LISTS_MAX) return refuse("--list", "too many");
            options->lists[options->list_count++] = optarg;
            break;
        default: return false;
        }
    }
    return optind == count && options->trust != NULL &&
           (options->citizen.reader == NULL || options->citizen.soft == NULL);
}

/* The portal when it starts: whom it trusts, and the revocation lists that it has. */
static bool open_portal(cie_context *context, const struct options *options, cie_handle *trust, cie_handle *party)
{
    cie_party_options choices = {.size = sizeof choices};

    /* Whoever has any Italian card may come in. With 0 for `accept` it would be the CIE 3 alone. */
    choices.accept = CIE_ACCEPT_CIE3 | CIE_ACCEPT_CNS | CIE_ACCEPT_FIRST_GENERATIONS;
    /* The oldest have keys of 1024 bits; cie_is_legacy says so of each citizen, and a portal may want more of them. */
    choices.flags = CIE_ALLOW_LEGACY;
    if (cie_trust_open(context, options->trust_flags, trust) != CIE_OK ||
        cie_trust_load(context, *trust, options->trust) != CIE_OK) {
        return complain(context, options->trust);
    }
    if (cie_party_open(context, options->origin, *trust, &choices, party) != CIE_OK) {
        return complain(context, options->origin);
    }
    for (size_t i = 0; i < options->list_count; i++) {
        size_t length;
        uint8_t *list = read_file(options->lists[i], "", &length);
        if (list == NULL) return false;
        cie_result result = cie_party_add_list(context, *party, list, length);
        free(list);
        if (result != CIE_OK) return complain(context, options->lists[i]);
    }
    return true;
}

/* What a portal keeps in a cookie: nobody can guess it. */
static bool draw_session(uint8_t *session, size_t size)
{
    FILE *random = fopen("/dev/urandom", "rb");
    bool done = random != NULL && fread(session, 1, size, random) == size;

    if (random != NULL) (void)fclose(random);
    return done || refuse("/dev/urandom", "it gives nothing");
}

/* The citizen: from a challenge to a token, for which the caller has CIE_TOKEN_SIZE bytes. */
static bool answer(cie_context *context, const struct options *options, cie_handle trust, const char *nonce, char *token,
                   size_t *size)
{
    cie_handle card, chip;

    if (!open_card(context, trust, &options->citizen, &card, &chip)) return false;
    if (!unlock(context, &options->citizen, card, chip)) return false;
    *size = CIE_TOKEN_SIZE;
    if (cie_card_login(context, card, options->origin, nonce, token, size) != CIE_OK) {
        return complain(context, "the answer");
    }
    /* Not at the end of the program: the card forgets its PIN as soon as it has done its part. */
    return cie_close(context, card) == CIE_OK || complain(context, "the card");
}

/* What a portal would fetch now, and hand in with cie_login_answer. This one has its lists already. */
static bool show_requests(cie_context *context, cie_handle login)
{
    cie_status_request request;
    cie_result result;

    for (uint32_t i = 0; (result = cie_login_request(context, login, i, &request)) == CIE_OK; i++) {
        for (uint32_t at = 0; at < request.locations; at++) {
            size_t size;
            if (cie_login_location(context, login, i, at, NULL, &size) != CIE_OK) {
                return complain(context, "a request");
            }
            char *location = malloc(size);
            if (location == NULL) return refuse("a request", "no memory");
            result = cie_login_location(context, login, i, at, location, &size);
            if (result == CIE_OK) {
                printf("to fetch: certificate %" PRIu32 ": %s %s\n", request.depth,
                       request.body_length > 0 ? "POST" : "GET", location);
            }
            free(location);
            if (result != CIE_OK) return complain(context, "a request");
        }
    }
    return result == CIE_ABSENT || complain(context, "a request");
}

/* A field if the record has it. */
static bool show(cie_context *context, cie_handle record, const char *name, int32_t number)
{
    size_t size;
    cie_result result = cie_text(context, record, number, NULL, &size);

    if (result == CIE_ABSENT) return true;
    if (result != CIE_OK) return complain(context, name);
    char *text = malloc(size);
    if (text == NULL) return refuse(name, "no memory");
    result = cie_text(context, record, number, text, &size);
    if (result == CIE_OK) printf("%s: %s\n", name, text);
    free(text);
    return result == CIE_OK || complain(context, name);
}

/* The portal when the answer comes: whose is it? */
static bool judge(cie_context *context, cie_handle party, const uint8_t *session, const char *token, size_t length)
{
    cie_handle login = 0, citizen = 0;
    int32_t is_test, is_legacy;

    if (cie_party_begin(context, party, session, SESSION_SIZE, (const uint8_t *)token, length, &login) != CIE_OK) {
        return complain(context, "the login");
    }
    bool done = show_requests(context, login);
    /* HARD: whose status is not known to be good does not come in. */
    if (done && cie_login_finish(context, login, CIE_POLICY_HARD, &citizen) != CIE_OK) {
        done = complain(context, "the login");
    }
    if (done && (cie_is_test(context, citizen, &is_test) != CIE_OK ||
                 cie_is_legacy(context, citizen, &is_legacy) != CIE_OK)) {
        done = complain(context, "the citizen");
    }
    if (done && is_test != 0) puts("TEST - NOT A REAL CARD: this is nobody, and must not come in anywhere");
    if (done && is_legacy != 0) puts("older cryptography had to be let pass");
    done = done && show(context, citizen, "fiscal code", CIE_FIELD_FISCAL_CODE) &&
           show(context, citizen, "surname", CIE_FIELD_SURNAME) &&
           show(context, citizen, "given names", CIE_FIELD_GIVEN_NAMES) &&
           show(context, citizen, "card", CIE_FIELD_KIND) && show(context, citizen, "status", CIE_FIELD_STATUS) &&
           show(context, citizen, "status until", CIE_FIELD_STATUS_UNTIL) &&
           show(context, citizen, "checked at", CIE_FIELD_CHECKED_AT);
    /* On every way out: a portal lives for years, and this is somebody's data. 0 is nothing. */
    (void)cie_close(context, citizen);
    (void)cie_close(context, login);
    return done;
}

static bool run(cie_context *context, const struct options *options)
{
    cie_handle trust, party;
    uint8_t session[SESSION_SIZE];
    char nonce[CIE_NONCE_SIZE];
    size_t size = sizeof nonce;

    if (!open_portal(context, options, &trust, &party)) return false;
    if (!draw_session(session, sizeof session)) return false;
    if (cie_party_challenge(context, party, session, sizeof session, nonce, &size) != CIE_OK) {
        return complain(context, "the challenge");
    }
    char *token = malloc(CIE_TOKEN_SIZE);
    if (token == NULL) return refuse("the token", "no memory");
    bool done = answer(context, options, trust, nonce, token, &size) && judge(context, party, session, token, size);
    free(token);
    return done;
}

int main(int count, char **arguments)
{
    struct options options = {.origin = "https://portal.example", .citizen = {.last_try = CIE_LAST_TRY_REFUSE}};
    cie_context *context;

    if (!read_options(count, arguments, &options)) return usage();
    if (cie_context_new(&context) != CIE_OK) return !refuse("the library", "it cannot be used");
    bool done = run(context, &options);
    /* Closes everything that is still open, on every way here; a card that knows its PIN is reset. */
    if (cie_context_free(context) != CIE_OK) done = refuse("the context", "it is still used");
    if (fflush(stdout) != 0) done = refuse("standard output", strerror(errno));
    return done ? 0 : 1;
}
