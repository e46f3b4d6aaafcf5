/*
 * What login.c and sign.c have in common: the citizen's side. A card is opened, its chip is checked, and only then is
 * the PIN asked for and shown to that chip. And what small programs need besides: complaints, files. How a PIN is typed
 * without echo stands in prompt.h.
 *
 * C11, not C++. Include it first, after PROGRAM: it says which functions of the system are wanted.
 */

#ifndef EXAMPLE_COMMON_H
#define EXAMPLE_COMMON_H

#define _GNU_SOURCE /* explicit_bzero, ppoll, getopt_long */

#include <cie.h>

#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PIN_ROOM = 64,                /* more than any PIN has, so that one that is too long is seen to be */
    WAIT_FOR_CARD_MS = 60 * 1000, /* how long somebody may look for their card */
    FILE_MAX = 32 << 20
};

/* Which card, and how its PIN comes here. */
struct citizen {
    const char *reader;   /* or null: the first card on any */
    const char *soft;     /* card.json of a software card instead, or null */
    const char *pin_file; /* "-" is standard input; or null: the terminal */
    int32_t last_try;     /* CIE_LAST_TRY_REFUSE or CIE_LAST_TRY_SPEND */
};

/* What the last failed call has to say: for the person, and in one more line for whoever they call. */
static inline bool complain(cie_context *context, const char *what)
{
    cie_error facts = {CIE_INTERNAL, -1, 0};
    char message[CIE_MESSAGE_SIZE], *text = NULL;
    size_t size = sizeof message;

    if (cie_error_message(context, CIE_ENGLISH, message, &size) == CIE_OK) {
        fprintf(stderr, "%s: %s: %s\n", PROGRAM, what, message);
    }
    (void)cie_error_facts(context, &facts); /* if it fails, what stands there is not wrong */
    if (cie_error_detail(context, NULL, &size) == CIE_OK && (text = malloc(size)) != NULL &&
        cie_error_detail(context, text, &size) == CIE_OK) {
        fprintf(stderr, "%s: (%s) %s\n", PROGRAM, cie_result_name(facts.result), text);
    }
    free(text);
    if (facts.tries_left >= 0) fprintf(stderr, "%s: tries left: %d\n", PROGRAM, (int)facts.tries_left);
    if (facts.is_doubtful != 0) fprintf(stderr, "%s: nobody knows whether a try was spent\n", PROGRAM);
    return false;
}

/* A complaint that is not the library's. */
static inline bool refuse(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", PROGRAM, what, why);
    return false;
}

/* A whole file, with `before` in front of it. The caller frees it. */
static inline uint8_t *read_file(const char *path, const char *before, size_t *length)
{
    size_t filled = strlen(before), room = filled + 4096;
    uint8_t *bytes = malloc(room);
    FILE *file = fopen(path, "rb");
    const char *why = file == NULL ? strerror(errno) : bytes == NULL ? "no memory" : NULL;

    if (why == NULL) memcpy(bytes, before, filled);
    while (why == NULL && !feof(file)) {
        if (filled == room) {
            uint8_t *more = room < FILE_MAX ? realloc(bytes, room * 2) : NULL;
            if (more == NULL) {
                why = room < FILE_MAX ? "no memory" : "too large";
                break;
            }
            bytes = more;
            room *= 2;
        }
        filled += fread(bytes + filled, 1, room - filled, file);
        if (ferror(file)) why = strerror(errno);
    }
    if (file != NULL) (void)fclose(file); /* it was only read */
    if (why == NULL) {
        *length = filled;
        return bytes;
    }
    refuse(path, why);
    free(bytes);
    return NULL;
}

/* The PIN from where it comes. Whoever calls wipes the buffer, whatever this returns. */
static inline bool get_pin(const char *pin_file, char *pin, size_t room, size_t *length)
{
    bool done;

    if (pin_file == NULL) {
        done = ask_pin(pin, room, length);
        return done || refuse("the PIN was not typed", strerror(errno));
    }
    int file = strcmp(pin_file, "-") == 0 ? dup(STDIN_FILENO) : open(pin_file, O_RDONLY | O_CLOEXEC);
    done = file >= 0 && read_first_line(file, pin, room, length);
    if (!done) refuse(pin_file, errno == EMSGSIZE ? "its first line is no PIN" : strerror(errno));
    if (done && *length == 0) done = refuse(pin_file, "its first line is empty");
    if (file >= 0) (void)close(file);
    return done;
}

/* Opens the card, and has it prove that it is genuine if it is of a kind that can. */
static inline bool open_card(cie_context *context, cie_handle trust, const struct citizen *citizen, cie_handle *card,
                             cie_handle *chip)
{
    cie_handle soft;
    cie_reader found;
    int32_t kind, is_test;

    if (citizen->soft != NULL) {
        if (cie_soft_open(context, citizen->soft, &soft) != CIE_OK) return complain(context, "the software card");
        if (cie_soft_insert(context, soft, NULL, card) != CIE_OK) return complain(context, "the software card");
    } else {
        if (cie_wait_for_card(context, citizen->reader, WAIT_FOR_CARD_MS, &found) != CIE_OK ||
            cie_card_open(context, found.name, CIE_SHARING_SHARED, NULL, card) != CIE_OK) {
            return complain(context, "the card");
        }
    }
    if (cie_card_kind(context, *card, &kind) != CIE_OK) return complain(context, "the card");
    *chip = 0;
    if (kind != CIE_KIND_CIE3) {
        fprintf(stderr, "%s: a card of this kind cannot prove itself before its PIN\n", PROGRAM);
        return true;
    }
    if (cie_card_verify_chip(context, *card, trust, 0, chip) != CIE_OK) return complain(context, "the chip");
    if (cie_is_test(context, *chip, &is_test) != CIE_OK) return complain(context, "the chip");
    fprintf(stderr, "%s: the chip is genuine%s\n", PROGRAM, is_test != 0 ? ": TEST - NOT A REAL CARD" : "");
    return true;
}

/* Asks for the PIN, and shows it to the chip that was checked and to no other. */
static inline bool unlock(cie_context *context, const struct citizen *citizen, cie_handle card, cie_handle chip)
{
    char pin[PIN_ROOM];
    size_t length = 0, size;
    int32_t tries, is_same = 1;
    uint8_t *certificate;
    bool done;

    /* Before the person types, so that they learn at once that it would be in vain: because another program uses a
     * contact card, or for want of tries, of which some cards are known only when they are ready. */
    if (cie_card_prepare(context, card) != CIE_OK) return complain(context, "the card");
    if (cie_card_pin_tries(context, card, &tries) != CIE_OK) return complain(context, "the PIN");
    if (tries == 0) return refuse("the PIN", "it is blocked (pin-blocked)");
    if (tries == 1 && citizen->last_try == CIE_LAST_TRY_REFUSE) {
        return refuse("the PIN", "this would be the last try: --last-try (pin-last-try)");
    }
    if (tries == CIE_TRIES_UNKNOWN) {
        fprintf(stderr, "%s: the card does not tell how many tries are left\n", PROGRAM);
    } else {
        fprintf(stderr, "%s: tries left: %d\n", PROGRAM, (int)tries);
    }

    done = get_pin(citizen->pin_file, pin, sizeof pin, &length);
    if (done && chip != 0) {
        /* Somebody had time to lay another card there. */
        done = cie_chip_is_of(context, chip, card, &is_same) == CIE_OK || complain(context, "the chip");
        if (done && is_same == 0) done = refuse("the chip", "it is another card now");
    }
    if (done && cie_card_verify_pin(context, card, pin, length, citizen->last_try) != CIE_OK) {
        done = complain(context, "the PIN");
    }
    explicit_bzero(pin, sizeof pin); /* the library has done so, unless it was not called */
    if (!done || chip == 0) return done;

    /* The chip is genuine, and the certificate will be checked by somebody: this says that they belong together. */
    if (cie_card_certificate(context, card, CIE_FORMAT_DER, NULL, &size) != CIE_OK) {
        return complain(context, "the certificate");
    }
    if ((certificate = malloc(size)) == NULL) return refuse("the certificate", "no memory");
    done = (cie_card_certificate(context, card, CIE_FORMAT_DER, certificate, &size) == CIE_OK &&
            cie_chip_check_certificate(context, chip, certificate, size) == CIE_OK) ||
           complain(context, "the certificate");
    free(certificate);
    return done;
}

#endif
