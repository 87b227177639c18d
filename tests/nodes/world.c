/* The world: what happens, in its order; and the end of a history that found something. */
#include "nodes.h"

#include "judge.h"

#include "base/trace.h"
#include "hash.h"

#include <assert.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct world *world;

/* ---- What happened ---- */

void world_note(struct world *w, const char *format, ...)
{
    char text[sizeof w->trace[0].text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (const char *c = text; *c; c++)
        w->hash = hash_add(w->hash, (uint8_t)*c);
    w->hash = hash_add(w->hash, w->now);
    uint64_t place = w->traced++ % NODES_TRACE_MAX;
    w->trace[place].at = w->now;
    snprintf(w->trace[place].text, sizeof w->trace[place].text, "%s", text);
    if (getenv("NODES_TRACE"))
        fprintf(stderr, "%10.3f %s\n", (double)w->now / 1000, text);
}

void world_met(struct world *w, enum situation situation)
{
    w->situations[situation]++;
}

static void print_failure(const struct world *w)
{
    uint64_t from = w->traced > NODES_TRACE_MAX ? w->traced - NODES_TRACE_MAX : 0;
    for (; from < w->traced; from++)
        fprintf(stderr, "%10.3f %s\n", (double)w->trace[from % NODES_TRACE_MAX].at / 1000,
                w->trace[from % NODES_TRACE_MAX].text);
    bool history = w->name[0] == 'h' && w->name[1] == 'i';
    fprintf(stderr, "FAILED %s seed %lu at %.3f ms, replayed by: test_nodes %s%s %lu\n", w->name,
            w->seed, (double)w->now / 1000, history ? "" : "scenario ", history ? "" : w->name,
            w->seed);
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(name);
}

static void remove_world(const struct world *w)
{
    nftw(w->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

_Noreturn void world_fail(struct world *w, const char *format, ...)
{
    va_list args;
    print_failure(w);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    remove_world(w);
    _exit(1);
}

/* An assertion of the node has said why. */
static void aborted(int number)
{
    print_failure(world);
    remove_world(world);
    _exit(1);
}

/* ---- Events ---- */

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void events_push(struct world *w, const struct event *event)
{
    if (w->event_count == w->event_max) {
        w->event_max = w->event_max ? 2 * w->event_max : 1024;
        w->events = realloc(w->events, w->event_max * sizeof *w->events);
        assert(w->events);
    }
    uint32_t at = w->event_count++;
    for (; at > 0 && earlier(event, &w->events[(at - 1) / 2]); at = (at - 1) / 2)
        w->events[at] = w->events[(at - 1) / 2];
    w->events[at] = *event;
}

static bool events_take(struct world *w, uint64_t end, struct event *first)
{
    if (w->event_count == 0 || w->events[0].at > end)
        return false;
    *first = w->events[0];
    const struct event last = w->events[--w->event_count];
    uint32_t at = 0;
    for (uint32_t next; (next = 2 * at + 1) < w->event_count; at = next) {
        next += next + 1 < w->event_count && earlier(&w->events[next + 1], &w->events[next]);
        if (!earlier(&w->events[next], &last))
            break;
        w->events[at] = w->events[next];
    }
    w->events[at] = last;
    return true;
}

void world_at(struct world *w, struct node *n, uint64_t delay,
              void (*happens)(struct world *w, struct node *n, void *arg), void *arg)
{
    events_push(w, &(struct event){.at = w->now + delay,
                                   .order = w->order++,
                                   .node = n,
                                   .life = n ? n->life : 0,
                                   .happens = happens,
                                   .arg = arg});
}

static void happen(struct world *w, struct event *event)
{
    struct node *n = event->node;
    if (!n) {
        event->happens(w, NULL, event->arg);
        return;
    }
    if (!n->up || n->life != event->life)
        return;
    if (n->stopped_until > w->now) {
        if (n->turn_at == event->at) /* a turn is recognised by its time */
            n->turn_at = n->stopped_until;
        event->at = n->stopped_until;
        events_push(w, event);
        return;
    }
    host_enter(n);
    event->happens(w, n, event->arg);
    host_leave(n);
    node_turn_soon(n);
}

void world_run(struct world *w, uint64_t us)
{
    uint64_t end = w->now + us;
    struct event event;
    while (events_take(w, end, &event)) {
        w->now = event.at;
        happen(w, &event);
    }
    w->now = end;
}

/* ---- The world ---- */

static void world_make_folder(struct world *w)
{
    const char *in = getenv("UNIT_TMP");
    if (!in)
        in = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(w->folder, sizeof w->folder, "%s/quorumfs-nodes-XXXXXX", in);
    const char *made = mkdtemp(w->folder);
    assert(made);
}

/* Each killed node leaves some descriptors. */
static void raise_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

struct world *world_new(const char *name, uint64_t seed, const struct options *options)
{
    struct world *w = calloc(1, sizeof *w);
    assert(w && !world);
    w->name = name;
    w->seed = seed;
    w->random.state = hash_add(seed, 2);
    w->options = *options;
    world_make_folder(w);
    raise_limit();
    world = w;
    signal(SIGABRT, aborted);
    signal(SIGSEGV, aborted);
    trace_level = getenv("NODES_TRACE") ? TRACE_INFO : TRACE_ERROR;
    w->judge = judge_new(w);
    w->programs = programs_new(w);
    for (uint32_t i = 0; i < options->nodes; i++)
        node_begin(w, i);
    for (uint32_t i = 0; i < options->nodes; i++)
        node_start(&w->nodes[i]);
    return w;
}

void world_end(struct world *w)
{
    judge_end(w);
    remove_world(w);
}
