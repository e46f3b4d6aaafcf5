/*
 * Two cards are checked at the same time with one memory of seen cards, and the second check ends last. The memory that
 * the first one had is still there afterwards: its card costs fewer commands than when it was new.
 */

#include <cie.h>

#include <pthread.h>
#include <stdio.h>

enum moment { NOTHING, FIRST_IS_IN_WORK, SECOND_IS_IN_WORK, FIRST_IS_DONE };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static enum moment moment;

static cie_context *context;
static cie_handle trust, seen;

static void come(enum moment to)
{
    pthread_mutex_lock(&lock);
    if (moment < to) moment = to;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static void wait_for(enum moment what)
{
    pthread_mutex_lock(&lock);
    while (moment < what) pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

struct card {
    const char *path;
    enum moment mine, awaited; /* at its first answer: what has come, and what it waits for */
    int is_armed;
    cie_result result;
    uint32_t commands;
};

static int32_t told(void *data, const cie_statistics *statistics)
{
    struct card *card = data;
    (void)statistics;
    if (!card->is_armed) return 0;
    card->is_armed = 0;
    come(card->mine);
    wait_for(card->awaited);
    return 0;
}

/* Opens a card and checks it; `is_armed` says whether it waits for the other in the middle of that. */
static void check(struct card *card, int is_armed)
{
    cie_open_options options = {sizeof options, 0, told, card};
    cie_statistics before = {0}, after = {0};
    cie_handle soft = 0, open = 0, nis = 0;

    card->result = cie_soft_open(context, card->path, &soft);
    if (card->result == CIE_OK) card->result = cie_soft_insert(context, soft, &options, &open);
    if (card->result == CIE_OK) card->result = cie_card_statistics(context, open, &before);
    card->is_armed = is_armed;
    if (card->result == CIE_OK) card->result = cie_card_verify_nis(context, open, trust, seen, 0, &nis);
    if (card->result == CIE_OK) card->result = cie_card_statistics(context, open, &after);
    card->commands = after.commands - before.commands;
    cie_close(context, nis);
    cie_close(context, open);
    cie_close(context, soft);
}

static void *check_second(void *data)
{
    struct card *second = data;
    wait_for(FIRST_IS_IN_WORK);
    check(second, 1);
    come(SECOND_IS_IN_WORK); /* also if it failed: nobody waits for ever */
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_t thread;
    struct card first = {arguments[2], FIRST_IS_IN_WORK, SECOND_IS_IN_WORK, 0, CIE_OK, 0};
    struct card second = {arguments[3], SECOND_IS_IN_WORK, FIRST_IS_DONE, 0, CIE_OK, 0};

    if (count != 4 || cie_context_new(&context) != CIE_OK) return 2;
    if (cie_trust_open(context, CIE_ALLOW_TEST_PKI, &trust) != CIE_OK) return 2;
    if (cie_trust_load(context, trust, arguments[1]) != CIE_OK) return 2;
    if (cie_seen_open(context, &seen) != CIE_OK) return 2;
    check(&first, 0);
    if (first.result != CIE_OK) return 3;
    uint32_t when_new = first.commands;
    if (pthread_create(&thread, NULL, check_second, &second) != 0) return 2;
    check(&first, 1);
    come(FIRST_IS_DONE);
    pthread_join(thread, NULL);
    if (first.result != CIE_OK || second.result != CIE_ISSUER_UNKNOWN) return 4;
    check(&first, 0);
    printf("%u when new, %u at the end\n", (unsigned)when_new, (unsigned)first.commands);
    if (first.result != CIE_OK || first.commands >= when_new) return 5;
    return cie_context_free(context) == CIE_OK ? 0 : 6;
}
