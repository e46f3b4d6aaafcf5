/*
 * Two cards are checked at the same time with one memory of seen cards, and the second check begins and ends in the
 * middle of the first. Both are known afterwards: each costs fewer commands than when it was new.
 */

#include <cie.h>

#include <pthread.h>
#include <stdio.h>

enum moment { NOTHING, FIRST_IS_IN_WORK, SECOND_IS_DONE };

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
    int is_armed; /* whether it waits for the other one at its next answer */
    cie_result result;
    uint32_t commands;
};

static int32_t told(void *data, const cie_statistics *statistics)
{
    struct card *card = data;
    (void)statistics;
    if (!card->is_armed) return 0;
    card->is_armed = 0;
    come(FIRST_IS_IN_WORK);
    wait_for(SECOND_IS_DONE);
    return 0;
}

/* Opens a card and checks it, in one go or with the other one in the middle. */
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
    check(second, 0);
    come(SECOND_IS_DONE); /* also if it failed: nobody waits for ever */
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_t thread;

    if (count != 5 || cie_context_new(&context) != CIE_OK) return 2;
    struct card first = {arguments[3], 0, CIE_OK, 0}, second = {arguments[4], 0, CIE_OK, 0};
    if (cie_trust_open(context, CIE_ALLOW_TEST_PKI, &trust) != CIE_OK) return 2;
    if (cie_trust_load(context, trust, arguments[1]) != CIE_OK) return 2;
    if (cie_trust_load(context, trust, arguments[2]) != CIE_OK) return 2;
    if (cie_seen_open(context, &seen) != CIE_OK) return 2;
    if (pthread_create(&thread, NULL, check_second, &second) != 0) return 2;
    check(&first, 1);
    come(FIRST_IS_IN_WORK); /* also if it never came to that */
    pthread_join(thread, NULL);
    if (first.result != CIE_OK || second.result != CIE_OK) return 3;
    uint32_t when_new[] = {first.commands, second.commands};
    check(&first, 0);
    check(&second, 0);
    printf("%u and %u when new, %u and %u at the end\n", (unsigned)when_new[0], (unsigned)when_new[1],
           (unsigned)first.commands, (unsigned)second.commands);
    if (first.result != CIE_OK || first.commands >= when_new[0]) return 4;
    if (second.result != CIE_OK || second.commands >= when_new[1]) return 5;
    return cie_context_free(context) == CIE_OK ? 0 : 6;
}
