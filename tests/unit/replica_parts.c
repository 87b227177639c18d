#include "replica_parts.h"

#include <stdlib.h>

void replica_step(struct replica *r, const struct paxos_event *event)
{
    struct parts *p = r->end.failed_arg;
    switch (event->type) {
    case PAXOS_PROPOSE:
        for (uint32_t i = 0; i < event->entry_count; i++, p->proposed_count++)
            p->proposed[p->proposed_count % PARTS_TOLD_MAX] = event->entries[i];
        break;
    case PAXOS_READ:
        p->read_ids[p->read_count++ % PARTS_TOLD_MAX] = event->read;
        p->lease_wanted = event->lease;
        break;
    case PAXOS_TRIM:
        p->trimmed = true;
        p->trimmed_to = event->index;
        assert_int_equal(paxos_step(r->paxos, event), 0);
        break;
    case PAXOS_SNAPSHOT_INSTALLED: /* nothing waits for it */
        break;
    default:
        fail_msg("event %d", event->type);
    }
}

void replica_break(struct replica *r, const char *what, int status)
{
    fail_msg("%s (%d)", what, status);
}

struct parts *parts_new(void)
{
    struct parts *p = calloc(1, sizeof *p);
    assert_non_null(p);
    fixture_open(&p->store);
    p->config.request_timeout_ms = 5000;
    p->config.heartbeat_ms = 100;
    struct replica *r = &p->r;
    r->config = &p->config;
    r->cluster.me = PARTS_ME;
    r->end.failed_arg = p;
    r->folder = p->store.folder;
    r->tree = p->store.tree;
    r->start = PARTS_INCARNATION;
    r->rooms.own.bytes = UINT64_MAX;
    writes_begin(r);
    reads_begin(r);
    held_begin(r);
    r->reads.last_id = PARTS_INCARNATION;
    r->status.has_quorum = r->status.has_leader = true;
    r->status.promise = r->writes.proposed_to = (struct paxos_ballot){1, 0, PARTS_ME};
    return p;
}

void parts_free(struct parts *p)
{
    assert_int_equal(p->r.writes.count, 0);
    assert_int_equal(p->r.writes.bytes, 0);
    assert_int_equal(p->r.reads.count, 0);
    fixture_close(&p->store);
    free(p);
}

struct paxos *parts_core(struct paxos_ballot round, struct paxos_entry **entries, uint32_t count)
{
    const struct paxos_config config = {.me = PARTS_ME, .count = 1, .pids = {PARTS_ME}};
    const struct paxos_stored stored = {.promise = round,
                                        .acc_round = round,
                                        .entries = entries,
                                        .entry_count = count,
                                        .membership = {.standing = PAXOS_MEMBER}};
    struct paxos *core = paxos_new(&config, &stored);
    assert_non_null(core);
    return core;
}

void parts_forget(struct parts *p)
{
    p->proposed_count = p->read_count = 0;
    p->trimmed = false;
}

static struct bytes proposal(const struct parts *p, size_t n)
{
    assert_true(n < p->proposed_count && n < PARTS_TOLD_MAX);
    return bytes_of(p->proposed[n]->bytes, p->proposed[n]->len);
}

struct stamp parts_stamp(const struct parts *p, size_t n)
{
    struct command_view view;
    assert_int_equal(command_read(proposal(p, n), &view), 0);
    return view.stamp;
}

struct command_result parts_apply(struct parts *p, size_t n, bool *repeated)
{
    return fixture_apply(&p->store, proposal(p, n), repeated);
}
