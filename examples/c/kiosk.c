/*
 * A kiosk's firmware: tells of each card that is laid on a reader whether it is genuine, and of whom by the number for
 * services (NIS). It asks for no PIN, and goes on for months, whatever becomes of readers and their service.
 *
 * The screen is standard output, the log standard error. Three threads: one waits for events and writes a line at most,
 * so that none comes late; one works with cards, which takes seconds; one waits for the signals that end it all.
 *
 * Build:  cmake -S examples/c -B build && cmake --build build
 *         (how to install the library, for --card with software cards: docs/c-api.md)
 *    or:  cc -std=c11 -pthread kiosk.c $(pkg-config --cflags --libs cie) -o kiosk
 * Run:    build/kiosk --italian-roots DIR                           (what lies in DIR: docs/kiosk.md)
 *         cie soft new card && build/kiosk --trust card/trust --allow-test-pki --card card/card.json
 * Check:  the last digits are those of "nis" in card/citizen.json; the exit status is 0 after a signal, and with --once
 *         or --card if the card was genuine.
 */

#define _GNU_SOURCE /* getopt_long, explicit_bzero */

#include <cie.h>

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_MS = 5000, SHOW_FOR_SECONDS = 8 };

/* What the screen says, in the order of CIE_ENGLISH and CIE_ITALIAN. */
typedef const char *words[2];
static const words WELCOME = {"Lay your identity card on the reader. No PIN is needed.",
                              "Appoggi la carta d'identità sul lettore. Il PIN non serve."};
static const words CHECKING = {"Please wait, and leave the card there.", "Attenda, e lasci la carta sul lettore."};
static const words GENUINE = {"The card is genuine", "La carta è autentica"};
static const words TOO_EARLY = {"Too early: lay the card on again, and wait.",
                                "Troppo presto: riappoggi la carta e attenda."};
static const words MISPLACED = {"Lay the card on the middle of the reader.", "Appoggi la carta al centro del lettore."};
static const words OTHER_CARD = {"An electronic identity card is needed here.",
                                 "Qui serve la carta d'identità elettronica."};
static const words UNCHECKED = {"This counter cannot check this card: ask the staff.",
                                "Questo sportello non può verificare la carta: si rivolga al personale."};
static const words REFUSED = {"Card refused: ask the staff.", "Carta rifiutata: si rivolga al personale."};
static const words TAKE_IT = {"Please take your card.", "Riprenda la carta."};
static const words NO_SERVICE = {"Out of order. This counter keeps trying.",
                                 "Fuori servizio. Lo sportello riprova da solo."};

/* This program's own words for a failure: the library's are for somebody at a computer. Null if those will do. */
static const char *const *words_of(cie_result result)
{
    switch (result) {
    case CIE_CARD_REMOVED:
    case CIE_CARD_RESET:
    case CIE_NO_CARD: return TOO_EARLY;
    case CIE_CARD_MUTE:
    case CIE_CARD_UNPOWERED: return MISPLACED;
    case CIE_NOT_A_CIE:
    case CIE_OTHER_CARD: return OTHER_CARD;
    case CIE_INTERNAL: /* of this program's making, too: the context may know nothing of it */
    case CIE_ISSUER_UNKNOWN: return UNCHECKED;
    case CIE_CERTIFICATE_BAD:
    case CIE_CHIP_NOT_AUTHENTIC:
    case CIE_FILE_ALTERED:
    case CIE_TEST_CERTIFICATE:
    case CIE_WRONG_SIGNATURE: return REFUSED;
    case CIE_NO_SERVICE: return NO_SERVICE;
    default: return NULL;
    }
}

struct kiosk {
    cie_context *context, *worker, *ender; /* one for each thread, so that none reads another's errors */
    cie_handle trust, seen, monitor;
    const char *trust_folder, *italian_roots, *soft;
    uint32_t trust_flags;
    int32_t language;
    bool once;
    sigset_t ending;      /* the signals */
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t change;
    /* The card that was laid on last, on whichever reader. */
    char reader[CIE_READER_NAME_SIZE];
    unsigned long turn; /* the next card has the next number */
    enum { NO_CARD, WAITING, IN_WORK, TOLD, LEFT_THERE } state;
    unsigned readers;
    bool is_ending, was_genuine;
};

/* A line in the log about something that is not the library's. */
static bool complain(const char *what)
{
    fprintf(stderr, "start: %s\n", what);
    return false;
}

static void say(const struct kiosk *kiosk, const char *const *both)
{
    puts(both[kiosk->language]);
}

/* A failure: on the screen what somebody can do about it, in the log what exactly it was. No NIS is in either. */
static void say_failure(const struct kiosk *kiosk, cie_context *context, cie_result result, const char *what)
{
    cie_error facts;
    /* A failure of this program's own is not the last one of the context, which would tell of an earlier one. */
    bool is_told = cie_error_facts(context, &facts) == CIE_OK && facts.result == result;
    char *text = NULL;
    size_t size;

    if (is_told && cie_error_detail(context, NULL, &size) == CIE_OK && (text = malloc(size)) != NULL &&
        cie_error_detail(context, text, &size) == CIE_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, cie_result_name(result), text);
    } else {
        fprintf(stderr, "%s: %s\n", what, cie_result_name(result));
    }
    free(text);
    if (words_of(result) != NULL) {
        say(kiosk, words_of(result));
        return;
    }
    text = NULL;
    if (is_told && cie_error_message(context, kiosk->language, NULL, &size) == CIE_OK &&
        (text = malloc(size)) != NULL && cie_error_message(context, kiosk->language, text, &size) == CIE_OK) {
        puts(text);
    } else {
        say(kiosk, UNCHECKED);
    }
    free(text);
}

/* Whether the card is genuine. `nis` is then its number, which the caller frees; `card` is closed in any case. */
static cie_result check(const struct kiosk *kiosk, cie_context *context, cie_handle card, char **nis, int32_t *is_test)
{
    cie_handle record = 0;
    size_t size = 0;
    cie_result result = cie_card_verify_nis(context, card, kiosk->trust, kiosk->seen, 0, &record);

    *nis = NULL;
    *is_test = 1;
    if (result == CIE_OK) result = cie_is_test(context, record, is_test);
    if (result == CIE_OK) result = cie_text(context, record, CIE_FIELD_NIS, NULL, &size);
    if (result == CIE_OK && (*nis = malloc(size)) == NULL) result = CIE_INTERNAL;
    if (result == CIE_OK) result = cie_text(context, record, CIE_FIELD_NIS, *nis, &size);
    if (result != CIE_OK) {
        free(*nis);
        *nis = NULL;
    }
    /* Neither can fail, and neither changes what the last failure has to say. */
    (void)cie_close(context, record);
    (void)cie_close(context, card);
    return result;
}

/* The number is personal data. */
static void forget(char *nis)
{
    if (nis != NULL) explicit_bzero(nis, strlen(nis));
    free(nis);
}

/* What comes of a card. A kiosk with a list of who may pass looks the number up here; only its end is shown. */
static void show(struct kiosk *kiosk, cie_context *context, cie_result result, const char *nis, int32_t is_test)
{
    kiosk->was_genuine = result == CIE_OK;
    if (result != CIE_OK) {
        say_failure(kiosk, context, result, "checked");
        return;
    }
    fputs("checked: genuine\n", stderr);
    if (is_test != 0) puts("*** TEST - NOT A REAL CARD - CARTA DI PROVA ***");
    size_t length = strlen(nis);
    printf("%s: NIS ...%s\n", GENUINE[kiosk->language], nis + (length > 3 ? length - 3 : 0));
}

/* A reader's name is what whoever built it chose: in a log it stays on its line. */
static void log_reader(const char *what, const char *reader)
{
    fprintf(stderr, "%s: ", what);
    for (; *reader != '\0'; reader++) fputc((unsigned char)*reader < ' ' || *reader == 0x7F ? '?' : *reader, stderr);
    fputc('\n', stderr);
}

/* Something happened at the readers: it is written down, and nothing is done here that takes time. */
static int32_t happened(void *data, const cie_event *event)
{
    struct kiosk *kiosk = data;

    pthread_mutex_lock(&kiosk->lock);
    switch (event->kind) {
    case CIE_EVENT_SERVICE_LOST:
        /* Its cards and readers were told as gone before, and the screen says so. */
        fputs("service lost\n", stderr);
        break;
    case CIE_EVENT_SERVICE_BACK: fputs("service back\n", stderr); break;
    case CIE_EVENT_READER_ADDED:
        log_reader("reader added", event->reader);
        kiosk->readers += 1;
        say(kiosk, WELCOME);
        break;
    case CIE_EVENT_READER_REMOVED:
        log_reader("reader removed", event->reader);
        if (kiosk->readers > 0) kiosk->readers -= 1;
        if (kiosk->readers == 0) say(kiosk, NO_SERVICE);
        break;
    case CIE_EVENT_CARD_INSERTED:
        memcpy(kiosk->reader, event->reader, sizeof kiosk->reader);
        kiosk->turn += 1;
        kiosk->state = WAITING;
        say(kiosk, CHECKING);
        pthread_cond_signal(&kiosk->change);
        break;
    case CIE_EVENT_CARD_MUTE:
        fputs("card mute\n", stderr);
        say(kiosk, MISPLACED);
        break;
    case CIE_EVENT_CARD_REMOVED:
        if (kiosk->state != NO_CARD && strcmp(kiosk->reader, event->reader) != 0) break;
        say(kiosk, kiosk->state == WAITING || kiosk->state == IN_WORK ? TOO_EARLY : WELCOME);
        kiosk->state = NO_CARD;
        break;
    default: break; /* an event of a later version of the library */
    }
    pthread_mutex_unlock(&kiosk->lock);
    return 0;
}

/* The thread that works with cards. */
static void *work(void *data)
{
    struct kiosk *kiosk = data;
    char reader[CIE_READER_NAME_SIZE];
    struct timespec shown_until = {0};

    pthread_mutex_lock(&kiosk->lock);
    while (!kiosk->is_ending) {
        if (kiosk->state == TOLD) {
            /* What was said of one person does not stay for the next, though the card may. */
            int waited = pthread_cond_timedwait(&kiosk->change, &kiosk->lock, &shown_until);
            if (waited == ETIMEDOUT && kiosk->state == TOLD) {
                say(kiosk, TAKE_IT);
                kiosk->state = LEFT_THERE;
            }
            continue;
        }
        if (kiosk->state != WAITING) {
            pthread_cond_wait(&kiosk->change, &kiosk->lock);
            continue;
        }
        kiosk->state = IN_WORK;
        memcpy(reader, kiosk->reader, sizeof reader);
        unsigned long turn = kiosk->turn;
        pthread_mutex_unlock(&kiosk->lock);

        cie_handle card;
        char *nis = NULL;
        int32_t is_test = 1;
        cie_result result = cie_card_open(kiosk->worker, reader, CIE_SHARING_SHARED, NULL, &card);
        if (result == CIE_OK) result = check(kiosk, kiosk->worker, card, &nis, &is_test);

        pthread_mutex_lock(&kiosk->lock);
        /* What comes out goes with its card: the next person must not see it. */
        if (kiosk->state == IN_WORK && kiosk->turn == turn) {
            kiosk->state = TOLD;
            show(kiosk, kiosk->worker, result, nis, is_test);
            clock_gettime(CLOCK_MONOTONIC, &shown_until);
            shown_until.tv_sec += SHOW_FOR_SECONDS;
        } else {
            fprintf(stderr, "checked: %s, but the card is gone\n", cie_result_name(result));
        }
        forget(nis);
        if (kiosk->once && cie_monitor_cancel(kiosk->worker, kiosk->monitor) == CIE_OK) break;
    }
    pthread_mutex_unlock(&kiosk->lock);
    return NULL;
}

/* The thread that waits for signals: within a handler nothing of the library may be called. */
static void *wait_for_signals(void *data)
{
    struct kiosk *kiosk = data;
    int number;

    if (sigwait(&kiosk->ending, &number) != 0) fputs("the signals cannot be waited for\n", stderr);
    if (cie_monitor_cancel(kiosk->ender, kiosk->monitor) != CIE_OK) fputs("it cannot be ended\n", stderr);
    return NULL;
}

/* What waits for this waits as long as it should, also when somebody sets the clock meanwhile. */
static bool watch_the_time(pthread_cond_t *change)
{
    pthread_condattr_t by;
    bool done = pthread_condattr_init(&by) == 0;

    done = done && pthread_condattr_setclock(&by, CLOCK_MONOTONIC) == 0 && pthread_cond_init(change, &by) == 0;
    return done && pthread_condattr_destroy(&by) == 0;
}

/* Serves whoever comes, until a signal. */
static bool serve(struct kiosk *kiosk)
{
    pthread_t worker, ender;
    cie_result result;
    bool is_broken = false;

    if (cie_context_clone(kiosk->context, &kiosk->worker) != CIE_OK ||
        cie_context_clone(kiosk->context, &kiosk->ender) != CIE_OK ||
        cie_monitor_open(kiosk->context, &kiosk->monitor) != CIE_OK) {
        say_failure(kiosk, kiosk->context, CIE_INTERNAL, "start");
        return false;
    }
    if (pthread_create(&ender, NULL, wait_for_signals, kiosk) != 0) return complain("no thread can be begun");
    bool works = pthread_create(&worker, NULL, work, kiosk) == 0 || complain("no thread can be begun");
    say(kiosk, NO_SERVICE); /* until a reader is told, which is at once if there is one */
    while (works) {
        result = cie_monitor_run(kiosk->context, kiosk->monitor, CIE_FOREVER, happened, kiosk);
        if (result == CIE_CANCELLED) break;
        /* It does not come to this; but a kiosk does not end because of it, nor spin. */
        say_failure(kiosk, kiosk->context, result, "monitor");
        if (result == CIE_HANDLE || result == CIE_INTERNAL) {
            /* This monitor is closed for good, and no card would be seen any more: whoever supervises this program (a
             * unit of systemd with Restart=) begins it anew. */
            is_broken = true;
            break;
        }
        sleep(1);
    }
    pthread_mutex_lock(&kiosk->lock);
    kiosk->is_ending = true;
    pthread_cond_signal(&kiosk->change);
    pthread_mutex_unlock(&kiosk->lock);
    if (works) pthread_join(worker, NULL);
    pthread_kill(ender, SIGTERM); /* if it was not a signal that ended it */
    pthread_join(ender, NULL);
    return works && !is_broken && (!kiosk->once || kiosk->was_genuine);
}

/* The same once, with a software card: for those who have no reader. */
static bool serve_soft(struct kiosk *kiosk)
{
    cie_handle soft, card;
    char *nis = NULL;
    int32_t is_test = 1;
    cie_result result = cie_soft_open(kiosk->context, kiosk->soft, &soft);

    if (result == CIE_OK) result = cie_soft_insert(kiosk->context, soft, NULL, &card);
    if (result == CIE_OK) result = check(kiosk, kiosk->context, card, &nis, &is_test);
    show(kiosk, kiosk->context, result, nis, is_test);
    forget(nis);
    return kiosk->was_genuine;
}

/* Whom it trusts. A kiosk that can trust nobody does not start: that is better found out now than at the counter. */
static bool open_trust(struct kiosk *kiosk)
{
    int32_t anchors = 0;
    cie_result result;

    if (kiosk->italian_roots != NULL) {
        result = cie_trust_open_italian(kiosk->context, kiosk->italian_roots, &kiosk->trust);
    } else {
        result = cie_trust_open(kiosk->context, kiosk->trust_flags, &kiosk->trust);
        if (result == CIE_OK) result = cie_trust_load(kiosk->context, kiosk->trust, kiosk->trust_folder);
    }
    if (result == CIE_OK) result = cie_trust_anchors(kiosk->context, kiosk->trust, CIE_ANCHOR_CSCA, &anchors);
    /* With it a card that comes back is checked with half of the commands, and nothing is checked less. */
    if (result == CIE_OK) result = cie_seen_open(kiosk->context, &kiosk->seen);
    if (result == CIE_OK) result = cie_context_set_deadline(kiosk->context, DEADLINE_MS);
    if (result != CIE_OK) {
        say_failure(kiosk, kiosk->context, result, "start");
    } else if (anchors == 0) {
        fputs("start: no country signing certificate is trusted\n", stderr);
    }
    return result == CIE_OK && anchors > 0;
}

static bool read_options(int count, char **arguments, struct kiosk *kiosk)
{
    static const struct option known[] = {
        {"trust", required_argument, NULL, 't'},   {"italian-roots", required_argument, NULL, 'i'},
        {"allow-test-pki", no_argument, NULL, 'a'}, {"card", required_argument, NULL, 'c'},
        {"lang", required_argument, NULL, 'l'},    {"once", no_argument, NULL, '1'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 't': kiosk->trust_folder = optarg; break;
        case 'i': kiosk->italian_roots = optarg; break;
        case 'a': kiosk->trust_flags = CIE_ALLOW_TEST_PKI; break;
        case 'c': kiosk->soft = optarg; break;
        case '1': kiosk->once = true; break;
        case 'l':
            if (strcmp(optarg, "it") != 0 && strcmp(optarg, "en") != 0) return false;
            kiosk->language = strcmp(optarg, "it") == 0 ? CIE_ITALIAN : CIE_ENGLISH;
            break;
        default: return false;
        }
    }
    return optind == count && (kiosk->trust_folder != NULL) != (kiosk->italian_roots != NULL) &&
           (kiosk->trust_flags == 0 || kiosk->trust_folder != NULL);
}

int main(int count, char **arguments)
{
    static struct kiosk kiosk = {
        .language = CIE_ITALIAN, .lock = PTHREAD_MUTEX_INITIALIZER};

    if (!read_options(count, arguments, &kiosk)) {
        fputs("usage: kiosk (--trust DIR [--allow-test-pki] | --italian-roots DIR) [--card CARD.json] [--once]\n"
              "             [--lang it|en]\n",
              stderr);
        return 2;
    }
    /* Before any thread begins, so that no other than the one that waits for them gets them. */
    sigemptyset(&kiosk.ending);
    sigaddset(&kiosk.ending, SIGINT);
    sigaddset(&kiosk.ending, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &kiosk.ending, NULL) != 0) return !complain("signals cannot be blocked");
    /* A screen that is gone is an exit status, at the end. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return !complain("a signal cannot be ignored");
    /* A line of the screen is there when it is said, in a pipe as well. */
    if (setvbuf(stdout, NULL, _IOLBF, BUFSIZ) != 0) return !complain("the screen has no buffer");
    if (!watch_the_time(&kiosk.change)) return !complain("there is no clock that nobody sets");
    if (cie_context_new(&kiosk.context) != CIE_OK) return !complain("the library cannot be used");
    bool done = open_trust(&kiosk) && (kiosk.soft != NULL ? serve_soft(&kiosk) : serve(&kiosk));
    /* With the last one everything goes that is still open; null is nothing. */
    bool freed = cie_context_free(kiosk.worker) == CIE_OK;
    freed = cie_context_free(kiosk.ender) == CIE_OK && freed;
    freed = cie_context_free(kiosk.context) == CIE_OK && freed;
    return done && freed && fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
