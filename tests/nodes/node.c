/* A node: its start, its turns, and its ends. */
#include "nodes.h"

#include "store/tree.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TURN_US_MAX = 400, AGAIN_US = 20, ASLEEP_MS_MAX = 1000 };
static const uint64_t CLUSTER = 77;

struct node *node_of(struct world *w, uint32_t pid)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (w->nodes[i].pid == pid)
            return &w->nodes[i];
    world_fail(w, "there is no node %u", pid);
}

bool node_serves(const struct node *n)
{
    return n->up && n->stopped_until <= n->world->now;
}

struct node *world_leader(struct world *w)
{
    struct node *leader = NULL;
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        struct node *n = &w->nodes[i];
        if (!node_serves(n) || n->replica->status.role != PAXOS_LEADER)
            continue;
        if (!leader ||
            paxos_ballot_compare(leader->replica->status.promise, n->replica->status.promise) < 0)
            leader = n;
    }
    return leader;
}

uint64_t world_us_at_least(uint64_t us)
{
    return us * 1000 / (1000 + NODES_SPEED_MAX);
}

uint64_t world_us_at_most(uint64_t us)
{
    return us * 1000 / (1000 - NODES_SPEED_MAX) + 1;
}

/* ---- Folders ---- */

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    ssize_t len;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(in >= 0 && out >= 0);
    while ((len = read(in, bytes, sizeof bytes)) > 0) {
        ssize_t put = write(out, bytes, (size_t)len);
        assert(put == len);
    }
    close(in);
    close(out);
}

/* What a killed process leaves: all files as they are. The memory that SQLite's connections share
 * is made anew by the first of them. */
static void copy_folder(const char *from, const char *to)
{
    char source[2 * NODES_PATH_MAX], target[2 * NODES_PATH_MAX];
    DIR *all = opendir(from);
    assert(all);
    int status = mkdir(to, 0700);
    assert(status == 0);
    for (const struct dirent *entry; (entry = readdir(all));) {
        struct stat st;
        snprintf(source, sizeof source, "%s/%.64s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%.64s", to, entry->d_name);
        bool shared = strstr(entry->d_name, "-shm");
        if (!shared && stat(source, &st) == 0 && S_ISREG(st.st_mode))
            copy_file(source, target);
    }
    closedir(all);
}

static void remove_folder(const char *path)
{
    char name[2 * NODES_PATH_MAX];
    DIR *all = opendir(path);
    assert(all);
    for (const struct dirent *entry; (entry = readdir(all));) {
        snprintf(name, sizeof name, "%s/%.64s", path, entry->d_name);
        unlink(name);
    }
    closedir(all);
    rmdir(path);
}

static void name_folder(struct node *n, uint32_t life)
{
    snprintf(n->config.dir, sizeof n->config.dir, "%s/%u-%u", n->world->folder, n->pid, life);
}

/* The folder of a node that knows its cluster, and nothing else. */
static void make_folder(struct node *n)
{
    const struct identity identity = {.cluster = CLUSTER, .node = n->pid};
    struct folder *folder;
    struct tree *tree;
    struct fault fault;
    int status = folder_open(n->config.dir, &folder, &fault);
    if (status == 0)
        status = tree_open(folder, &identity, &tree, &fault);
    world_check(n->world, status == 0, "node %u: %s", n->pid, fault.text);
    tree_close(tree);
    folder_close(folder);
}

/* ---- Turns ---- */

static void node_turn(struct world *w, struct node *n, void *arg)
{
    if (n->turn_at != w->now)
        return; /* an earlier one came in between */
    n->turn_at = 0;
    uv_run(&n->loop, UV_RUN_NOWAIT);
    mount_look(n);
    int ms = uv_backend_timeout(&n->loop);
    uint64_t us = ms == 0
                      ? AGAIN_US
                      : (uint64_t)(ms < 0 ? ASLEEP_MS_MAX : ms) * NODES_MS * 1000 / n->speed + 1;
    if (n->turn_at == 0 || n->turn_at > w->now + us) {
        n->turn_at = w->now + us;
        world_at(w, n, us, node_turn, NULL);
    }
}

void node_turn_soon(struct node *n)
{
    struct world *w = n->world;
    if (n->turn_at != 0 && n->turn_at <= w->now + TURN_US_MAX)
        return;
    uint64_t us = 1 + sim_below(&w->random, TURN_US_MAX);
    n->turn_at = w->now + us;
    world_at(w, n, us, node_turn, NULL);
}

void node_trim(struct node *n)
{
    struct replica *r = n->replica;
    if (r->checkpoint.durable <= r->status.compacted || r->fetching.installing)
        return;
    host_enter(n);
    replica_step(r, &(struct paxos_event){.type = PAXOS_TRIM, .index = r->checkpoint.durable});
    host_leave(n);
    n->world->trims++;
    world_note(n->world, "node %u trims its log to %lu", n->pid, r->checkpoint.durable);
    node_turn_soon(n);
}

/* ---- Start and end ---- */

static void node_failed(void *arg, int status, const char *text)
{
    const struct node *n = arg;
    world_fail(n->world, "node %u stops: %s (%d)", n->pid, text, status);
}

void node_begin(struct world *w, uint32_t index)
{
    struct node *n = &w->nodes[index];
    n->world = w;
    n->index = index;
    n->pid = index + 1;
    n->epoch_us = 1000000 + sim_below(&w->random, 1000000000);
    n->speed = 1000;
    if (w->options.clocks_differ)
        n->speed =
            sim_chance(&w->random, 500)
                ? 1000 - NODES_SPEED_MAX + 2 * NODES_SPEED_MAX * (uint32_t)sim_below(&w->random, 2)
                : 1000 - NODES_SPEED_MAX + (uint32_t)sim_below(&w->random, 2 * NODES_SPEED_MAX + 1);
    uint32_t times = w->options.sessions_differ ? 1 + (uint32_t)sim_below(&w->random, 2) : 1;
    n->config = (struct config){.heartbeat_ms = w->options.heartbeat_ms,
                                .request_timeout_ms = 5000,
                                .session_time_ms = times * w->options.session_ms,
                                .lease_time_ms = w->options.lease_ms,
                                .peer_count = w->options.nodes - 1};
    for (uint32_t i = 0, next = 0; i < w->options.nodes; i++) {
        struct config_member *m = i == index ? &n->config.me : &n->config.peers[next++];
        snprintf(m->addr, sizeof m->addr, "node%u:1", i + 1);
        memcpy(m->peer_addr, m->addr, sizeof m->peer_addr);
    }
    name_folder(n, 1);
}

void node_start(struct node *n)
{
    struct world *w = n->world;
    struct fault fault;
    assert(!n->up);
    n->life++;
    bool first = n->life == 1;
    n->up = true;
    n->started_at = w->now;
    n->turn_at = 0;
    n->session = n->held = 0;
    memset(n->linked, 0, sizeof n->linked);
    uv_loop_init(&n->loop);
    host_enter(n);
    if (first) {
        make_folder(n);
        disk_begin(n);
    }
    int status =
        replica_start(&n->loop, NULL, NULL, &n->config, node_failed, n, &n->replica, &fault);
    world_check(w, status == 0, "node %u does not start: %s", n->pid, fault.text);
    mount_begin(n);
    host_leave(n);
    if (!first)
        world_met(w, MET_NODE_RESTARTS);
    world_note(w, "node %u starts, with %lu applied", n->pid, tree_applied(n->replica->tree));
    links_changed(w);
    node_turn_soon(n);
}

/* Its memory is left as it is; its files are what the next life begins with. */
void node_kill(struct node *n)
{
    char left[CONFIG_PATH_MAX];
    assert(n->up);
    world_note(n->world, "node %u is killed, with %lu applied", n->pid,
               tree_applied(n->replica->tree));
    world_met(n->world, MET_NODE_KILLED);
    strcpy(left, n->config.dir);
    name_folder(n, n->life + 1);
    copy_folder(left, n->config.dir);
    remove_folder(left);
    disk_crash(n);
    n->up = false;
    n->stopped_until = 0;
    n->replica = NULL;
    programs_lost(n);
    links_changed(n->world);
}

void node_stop(struct node *n, uint64_t us)
{
    world_note(n->world, "node %u stands still for %lu ms", n->pid, us / NODES_MS);
    n->stopped_until = n->world->now + us;
    if (us > (uint64_t)n->world->options.session_ms * NODES_MS)
        world_met(n->world, MET_NODE_STOPPED_LONG);
}
