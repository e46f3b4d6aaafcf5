/*
 * Preloaded before the library, which then cannot do one thing: what an example says and how it ends.
 */

#include <cie.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Linked before the library's own, which is not called. */
#ifdef MONITOR
cie_result cie_monitor_run(cie_context *context, cie_handle monitor, uint32_t within_ms, cie_event_callback callback,
                           void *data)
{
    (void)context, (void)monitor, (void)within_ms, (void)callback, (void)data;
    return MONITOR;
}
#endif

#ifdef CONTEXT
cie_result cie_context_new(cie_context **context)
{
    *context = NULL;
    return CONTEXT;
}
#endif

#ifdef PREPARE
cie_result cie_card_prepare(cie_context *context, cie_handle card)
{
    (void)context, (void)card;
    return PREPARE;
}
#endif

#ifdef THREAD
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *data)
{
    (void)thread, (void)attributes, (void)begin, (void)data;
    return THREAD;
}
#endif
