/* What the hostile programs share: checks that say where they failed, and a software card with all that goes with it. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "cie.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "https://portal.example"
#define PIN "12345678"
#define PUK "87654321"
#define WRONG "99999999"

/* Everything that is opened for a test. */
typedef struct world {
    cie_context *context;
    /* Nothing that is open here is open in the others. */
    cie_context *stranger;
    cie_handle soft, card, trust, seen, party, login, citizen, chip, recorder, monitor, replay;
    /* A handle of the stranger, and one that was closed. */
    cie_handle foreign, closed;
    const char *folder;
} world;

void fail_at(const char *file, int line, const char *what, const char *why);

#define CHECK(what) \
    do { \
        if (!(what)) fail_at(__FILE__, __LINE__, #what, ""); \
    } while (0)

/* A call whose result is known; what it says of itself is shown if it is another. */
#define EXPECT(context, expected, call) expect(__FILE__, __LINE__, #call, (context), (expected), (call))

void expect(const char *file, int line, const char *what, cie_context *context, cie_result expected, cie_result result);

const char *below(const char *folder, const char *name);
cie_handle open_soft(cie_context *context, const char *folder);
cie_handle insert(cie_context *context, cie_handle soft, cie_progress_callback progress, void *data);
cie_handle open_trust(cie_context *context, const char *folder);
cie_result verify(cie_context *context, cie_handle card, const char *pin, int32_t last_try);
cie_handle log_in(cie_context *context, cie_handle card, cie_handle party, const char *session);
void open_world(world *w, const char *folder, const char *trace);
void close_world(world *w);

void every_entry_point(const char *folder, const char *trace);
/* Runs one of the other tests, and says whether there is one of this name. */
int run_scene(const char *name, const char *folder, const char *trace);

#endif
