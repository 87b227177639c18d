#include "search.h"

#include "visited.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024, SLOTS = 1 << 25 };

/* A state on the way to where the walk stands, and the moves that it has. */
struct frame {
    struct cluster *cluster;
    struct move moves[MOVES_MAX];
    uint32_t count, next;
};

static struct frame path[DEPTH_MAX];
static uint32_t depth; /* frames in use */

struct totals { /* of all processes */
    _Atomic uint64_t moves;
    _Atomic uint32_t depth;
};

/* ---- failures ---- */

static void print_path(void)
{
    for (uint32_t i = 0; i < depth; i++)
        cluster_print_move(path[i].cluster, path[i].moves[path[i].next - 1]);
}

static void fail(void *arg, const char *text)
{
    print_path();
    fprintf(stderr, "FAILED after %u moves: %s\n", depth, text);
    exit(1);
}

/* An assertion of the core, which has said what it is. */
static void aborted(int signal)
{
    print_path();
    fprintf(stderr, "FAILED after %u moves: an assertion\n", depth);
    _exit(1);
}

/* ---- the walk ---- */

static void enter(struct cluster *c)
{
    assert(depth < DEPTH_MAX);
    struct frame *f = &path[depth++];
    f->cluster = c;
    f->count = cluster_moves(c, f->moves);
    f->next = 0;
}

/* The odd processes begin with the last move, the others with the first, so that they meet
 * somewhere in the middle. */
static void reverse(struct frame *f)
{
    for (uint32_t i = 0; i < f->count / 2; i++) {
        struct move m = f->moves[i];
        f->moves[i] = f->moves[f->count - 1 - i];
        f->moves[f->count - 1 - i] = m;
    }
}

static void walk(const struct scope *scope, struct visited *visited, bool backwards,
                 struct totals *totals)
{
    uint64_t moves = 0;
    uint32_t deepest = 0;
    depth = 0;
    enter(cluster_begin(scope, fail));
    while (depth > 0) {
        struct frame *f = &path[depth - 1];
        if (backwards && f->next == 0)
            reverse(f);
        if (f->next == f->count) {
            cluster_free(f->cluster);
            depth--;
            continue;
        }
        struct cluster *next = cluster_after(f->cluster, f->moves[f->next++]);
        moves++;
        deepest = depth > deepest ? depth : deepest;
        if (visited_add(visited, cluster_fingerprint(next)))
            enter(next);
        else
            cluster_free(next);
    }
    totals->moves += moves;
    for (uint32_t seen = totals->depth; seen < deepest;)
        if (atomic_compare_exchange_weak(&totals->depth, &seen, deepest))
            break;
}

/* ---- processes ---- */

static bool wait_for_all(pid_t *pids, uint32_t count)
{
    bool good = true;
    for (uint32_t left = count; left > 0; left--) {
        int status;
        pid_t pid = wait(&status);
        assert(pid > 0);
        if (good && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
            good = false;
            for (uint32_t i = 0; i < count; i++)
                if (pids[i] != pid)
                    kill(pids[i], SIGKILL);
        }
    }
    return good;
}

bool search(const struct scope *scope, uint32_t processes, struct search_result *result)
{
    struct visited *visited = visited_new(SLOTS);
    struct totals *totals =
        mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert(totals != MAP_FAILED);
    pid_t pids[processes];
    fflush(stdout);
    for (uint32_t i = 0; i < processes; i++) {
        pids[i] = fork();
        assert(pids[i] >= 0);
        if (pids[i] == 0) {
            signal(SIGABRT, aborted);
            walk(scope, visited, i % 2 == 1, totals);
            exit(0);
        }
    }
    bool good = wait_for_all(pids, processes);
    *result = (struct search_result){visited_count(visited), totals->moves, totals->depth};
    visited_free(visited);
    munmap(totals, sizeof *totals);
    return good;
}
