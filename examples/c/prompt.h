/*
 * A PIN that is typed: at a terminal without echo, which gets it back however that ends, and with no signal that comes
 * too early or too late. For common.h.
 */

#ifndef EXAMPLE_PROMPT_H
#define EXAMPLE_PROMPT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

/* The first line that comes, without its end, byte by byte: so nothing of a PIN is left in a buffer of stdio. */
static inline bool read_line(int file, const sigset_t *while_waiting, bool is_typed, char *line, size_t room,
                             size_t *length)
{
    for (*length = 0; *length < room;) {
        /* Signals are let in while it waits and at no other moment: none falls between a look and the wait. */
        struct pollfd wait = {.fd = file, .events = POLLIN, .revents = 0};
        if (ppoll(&wait, 1, NULL, while_waiting) < 0) return false;
        ssize_t got = read(file, line + *length, 1);
        if (got < 0) return false;
        if (got == 0 && is_typed) { /* a terminal that is closed, or ^D, is no Enter */
            errno = ECANCELED;
            return false;
        }
        if (got == 0 || line[*length] == '\n') {
            if (*length > 0 && line[*length - 1] == '\r') *length -= 1; /* a file from Windows */
            return true;
        }
        *length += 1;
    }
    errno = EMSGSIZE;
    return false;
}

/* It only has to end the wait. */
static inline void interrupt_prompt(int number)
{
    (void)number;
}

/* Asks at the terminal, which gets its echo back however that ends. */
static inline bool ask_pin(char *pin, size_t room, size_t *length)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    enum { ENDING = sizeof ending / sizeof ending[0] };
    static const char prompt[] = "PIN: ";
    struct sigaction interrupt = {.sa_handler = interrupt_prompt}, before[ENDING];
    struct termios loud, quiet;
    sigset_t blocked, mask;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool done = false;

    if (terminal < 0) return false;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTSTP); /* a program that is stopped here would leave the terminal without echo */
    for (size_t i = 0; i < ENDING; i++) sigaddset(&blocked, ending[i]);
    if (tcgetattr(terminal, &loud) == 0 && sigprocmask(SIG_BLOCK, &blocked, &mask) == 0) {
        for (size_t i = 0; i < ENDING; i++) (void)sigaction(ending[i], &interrupt, &before[i]);
        sigset_t while_waiting = mask;
        sigaddset(&while_waiting, SIGTSTP);
        quiet = loud;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        /* FLUSH forgets what was typed before the question. */
        if (tcsetattr(terminal, TCSAFLUSH, &quiet) == 0) {
            done = write(terminal, prompt, sizeof prompt - 1) >= 0 &&
                   read_line(terminal, &while_waiting, true, pin, room, length);
            int why = errno;
            (void)tcsetattr(terminal, TCSAFLUSH, &loud);
            (void)!write(terminal, "\n", 1);
            errno = why;
        }
        for (size_t i = 0; i < ENDING; i++) (void)sigaction(ending[i], &before[i], NULL);
        (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    }
    (void)close(terminal);
    return done;
}

/* The first line of a file; signals are as they were. */
static inline bool read_first_line(int file, char *line, size_t room, size_t *length)
{
    sigset_t mask;

    return sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && read_line(file, &mask, false, line, room, length);
}

#endif
