/* test_memory
 *
 * No memory at any one allocation of the core, in a long exchange (exchange.h), and of the codecs
 * (codecs.h): an error, never a crash, a leak (with ASan) or a wrong word. */
#include "alloc.h"
#include "codecs.h"
#include "exchange.h"
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
enum { STRIDE = 12 }; /* allocations; sanitizers are slow */
#else
enum { STRIDE = 1 };
#endif

static uint64_t core(void)
{
    uint64_t allocations, points = 0;
    report_where(0, "the core");
    alloc_fail(0, false);
    struct exchange_counts counts = exchange_run();
    allocations = alloc_count();
    printf("the exchange: %" PRIu64 " messages, %" PRIu64 " writes, %" PRIu64 " decided, %" PRIu64
           " snapshots, %" PRIu64 " reads; %" PRIu64 " allocations\n",
           counts.messages, counts.writes, counts.decided, counts.snapshots, counts.reads,
           allocations);
    report_unless(counts.snapshots > 0 && counts.reads > 0,
                  "the exchange is not what it should be");
    for (uint64_t at = 1; at <= allocations; at += STRIDE) {
        report_where(1, "allocation %" PRIu64 " of %" PRIu64, at, allocations);
        alloc_fail(at, at % 2);
        report_unless(exchange_run().failures > 0, "no core noticed");
        points++;
    }
    return points;
}

static uint64_t codec(const struct codec *c)
{
    uint64_t at = 1;
    report_where(0, "%s", c->name);
    for (bool whole = false; !whole; at++) {
        report_where(1, "allocation %" PRIu64, at);
        alloc_fail(at, false);
        whole = c->run();
        report_unless(whole == !alloc_failed(), "it %s", whole ? "hides it" : "fails by itself");
    }
    return at - 1;
}

int main(void)
{
    uint64_t points = core();
    for (size_t i = 0; codecs[i].name; i++)
        points += codec(&codecs[i]);
    printf("%" PRIu64 " allocation points\n", points);
    return 0;
}
