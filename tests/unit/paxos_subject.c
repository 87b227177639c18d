#include "paxos_subject.h"

#include <stdlib.h>

void forget(struct subject *s)
{
    for (size_t i = 0; i < s->sent_count; i++)
        paxos_message_clear(&s->sent[i]);
    s->sent_count = 0;
}

void collect(struct subject *s)
{
    struct paxos_output out;
    do {
        assert_int_equal(paxos_output(s->p, &out), 0);
        for (size_t i = 0; i < out.message_count; i++) {
            assert_true(s->sent_count < 256);
            s->sent[s->sent_count++] = out.messages[i];
            out.messages[i] = (struct paxos_message){0};
        }
        s->decided = out.decided;
        s->reads_ready = out.reads_ready;
        s->reads_index = out.reads_index;
        s->reads_confirmed = out.reads_confirmed;
        s->wake_at = out.wake_at;
        s->snapshot_needed = out.snapshot_needed;
        uint64_t ticket = out.write.ticket;
        if (ticket) {
            s->ticket = ticket;
            paxos_write_clear(&s->write);
            s->write = out.write;
            out.write = (struct paxos_write){0};
        }
        paxos_output_clear(&out);
        if (!ticket || s->slow_disk)
            return;
        struct paxos_event event = {.type = PAXOS_DURABLE, .ticket = ticket, .now = s->now};
        assert_int_equal(paxos_step(s->p, &event), 0);
    } while (true);
}

void step(struct subject *s, struct paxos_event event)
{
    event.now = s->now;
    assert_int_equal(paxos_step(s->p, &event), 0);
    collect(s);
}

void disk_done(struct subject *s)
{
    step(s, (struct paxos_event){.type = PAXOS_DURABLE, .ticket = s->ticket});
}

void tick(struct subject *s)
{
    step(s, (struct paxos_event){.type = PAXOS_TICK});
}

void pass(struct subject *s, uint64_t now)
{
    s->now = now;
    step(s, (struct paxos_event){.type = PAXOS_TIME});
}

/* `bytes` of each of `count` new entries; the message is consumed. */
void receive_entries(struct subject *s, struct paxos_message m, uint32_t count, uint32_t bytes)
{
    m.to = ME;
    uint8_t *content = calloc(1, bytes + 1);
    m.entries = count ? calloc(count, sizeof *m.entries) : NULL;
    m.entry_count = count;
    for (uint32_t i = 0; i < count; i++)
        m.entries[i] = paxos_entry_new(content, bytes);
    free(content);
    step(s, (struct paxos_event){.type = PAXOS_RECEIVE, .message = &m});
    paxos_message_clear(&m);
}

void receive(struct subject *s, struct paxos_message m)
{
    receive_entries(s, m, 0, 0);
}

void propose(struct subject *s, uint32_t count, uint32_t bytes)
{
    uint8_t *content = calloc(1, bytes + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct paxos_entry *e = paxos_entry_new(content, bytes);
        step(s, (struct paxos_event){.type = PAXOS_PROPOSE, .entries = &e, .entry_count = 1});
        paxos_entry_unref(e);
    }
    free(content);
}

size_t count_sent(const struct subject *s, uint8_t type, uint32_t to)
{
    size_t count = 0;
    for (size_t i = 0; i < s->sent_count; i++)
        count += s->sent[i].type == type && (to == 0 || s->sent[i].to == to);
    return count;
}

/* The last one of a type to a peer; there must be one. */
const struct paxos_message *sent(const struct subject *s, uint8_t type, uint32_t to)
{
    for (size_t i = s->sent_count; i > 0; i--)
        if (s->sent[i - 1].type == type && s->sent[i - 1].to == to)
            return &s->sent[i - 1];
    fail_msg("no message of type %u to %u", type, to);
    return NULL;
}

struct paxos_status status_of(const struct subject *s)
{
    struct paxos_status status;
    paxos_status(s->p, &status);
    return status;
}

struct paxos_ballot ballot(uint64_t n, uint32_t pid)
{
    return (struct paxos_ballot){n, 0, pid};
}

bool same(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b) == 0;
}

struct paxos_membership membership(enum paxos_standing standing, uint32_t life)
{
    const uint32_t pids[] = {ME, PEER, OTHER};
    struct paxos_membership m = paxos_membership_of(pids, 3, standing);
    assert_int_equal(m.members[1].pid, ME);
    m.members[1].life = life;
    return m;
}

struct subject *start_as(const struct paxos_config *config, const struct paxos_stored *stored)
{
    struct paxos_stored empty = {0};
    struct subject *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->p = paxos_new(config, stored ? stored : &empty);
    assert_non_null(s->p);
    collect(s);
    return s;
}

struct subject *start(uint32_t nodes, const struct paxos_stored *stored)
{
    struct paxos_config config = {.me = ME, .count = nodes, .pids = {ME, PEER, OTHER, 40, 50}};
    return start_as(&config, stored);
}

void end(struct subject *s)
{
    forget(s);
    paxos_write_clear(&s->write);
    paxos_free(s->p);
    free(s);
}

/* A start with `count` entries that were accepted in a round. */
struct subject *start_with(struct paxos_ballot promise, struct paxos_ballot acc_round,
                           uint64_t compacted, uint64_t decided, uint32_t count)
{
    struct paxos_entry *entries[64];
    for (uint32_t i = 0; i < count; i++)
        entries[i] = paxos_entry_new("stored", 6);
    struct paxos_stored stored = {.promise = promise,
                                  .acc_round = acc_round,
                                  .decided = decided,
                                  .compacted = compacted,
                                  .entry_count = count,
                                  .entries = entries};
    struct subject *s = start(3, &stored);
    for (uint32_t i = 0; i < count; i++)
        paxos_entry_unref(entries[i]);
    return s;
}

/* ---- as a follower of PEER ---- */

void prepare(struct subject *s, struct paxos_ballot n, uint64_t psid)
{
    receive(s, (struct paxos_message){.type = PAXOS_PREPARE, .from = n.pid, .n = n, .psid = psid});
}

struct paxos_message accept_sync(struct paxos_ballot n, uint64_t psid, uint64_t first,
                                 uint64_t accepted)
{
    return (struct paxos_message){.type = PAXOS_ACCEPT_SYNC,
                                  .from = n.pid,
                                  .n = n,
                                  .psid = psid,
                                  .session = psid,
                                  .counter = 1,
                                  .sync = PAXOS_SYNC_SUFFIX,
                                  .first = first,
                                  .accepted = accepted};
}

struct paxos_message in_session(uint8_t type, struct paxos_ballot n, uint64_t counter,
                                uint64_t first, uint64_t decided)
{
    return (struct paxos_message){.type = type,
                                  .from = n.pid,
                                  .n = n,
                                  .session = 1,
                                  .counter = counter,
                                  .first = first,
                                  .decided = decided};
}

/* In accept under (5, PEER), with `count` entries, all in session 1 of psid 1. */
struct subject *follower(uint32_t count)
{
    struct subject *s = start(3, NULL);
    prepare(s, ballot(5, PEER), 1);
    receive_entries(s, accept_sync(ballot(5, PEER), 1, 0, count), count, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    assert_int_equal(sent(s, PAXOS_ACCEPTED, PEER)->accepted, count);
    forget(s);
    return s;
}

/* ---- as the leader ---- */

void heartbeat_reply(struct subject *s, uint32_t from, uint64_t round, bool happy)
{
    receive(s, (struct paxos_message){.type = PAXOS_HEARTBEAT_REPLY,
                                      .from = from,
                                      .round = round,
                                      .n = ballot(0, from),
                                      .happy = happy});
}

/* Elected by an unhappy peer's reply; Prepare is sent, no peer has promised. */
void elect(struct subject *s)
{
    tick(s);
    heartbeat_reply(s, PEER, sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round, false);
    tick(s);
    assert_int_equal(status_of(s).role, PAXOS_LEADER);
}

struct paxos_message promise_to(const struct subject *s, uint32_t from)
{
    const struct paxos_message *m = sent(s, PAXOS_PREPARE, from);
    return (struct paxos_message){.type = PAXOS_PROMISE, .from = from, .n = m->n, .psid = m->psid};
}

void accepted(struct subject *s, uint32_t from, uint64_t index)
{
    receive(
        s, (struct paxos_message){
               .type = PAXOS_ACCEPTED, .from = from, .n = status_of(s).promise, .accepted = index});
}

struct subject *leader(void)
{
    struct subject *s = start(3, NULL);
    elect(s);
    receive(s, promise_to(s, PEER));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    return s;
}

void lead_all(struct subject *s)
{
    elect(s);
    receive(s, promise_to(s, PEER));
    receive(s, promise_to(s, OTHER));
    accepted(s, PEER, 0);
    accepted(s, OTHER, 0);
    forget(s);
}
