/* What a replica proposes when the time of files and leases is up. The test moves deadlines into
 * the past instead of waiting. */
#include "replica_parts.h"

#include <stdlib.h>

enum { LEASE = 7 };

static struct parts *leading(void)
{
    struct parts *p = parts_new();
    p->r.status.role = PAXOS_LEADER;
    mortals_begin(&p->r);
    mortals_housekeeping(&p->r);
    return p;
}

static void end(struct parts *p)
{
    mortals_end(&p->r);
    parts_free(p);
}

static void apply(struct parts *p, struct op op)
{
    fixture_must(&p->store, op);
    mortals_applied(&p->r);
}

static void put(struct parts *p, const char *key, uint64_t ttl, uint64_t lease)
{
    struct op op = make_put(key, "value");
    op.ttl = ttl;
    op.lease = lease;
    apply(p, op);
}

static void all_is_due(struct parts *p)
{
    p->r.mortals.expiry.clock_ms += 3600 * 1000;
}

/* The n-th proposal is decided: applies it, and answers. */
static struct command_result decide(struct parts *p, size_t n)
{
    bool repeated;
    uint64_t sequence = parts_stamp(p, n).sequence;
    struct command_result result = parts_apply(p, n, &repeated);
    mortals_applied(&p->r);
    writes_complete(&p->r, sequence, &result);
    return result;
}

static void decide_all(struct parts *p)
{
    for (size_t n = 0; n < p->proposed_count; n++) {
        struct command_result result = decide(p, n);
        assert_int_equal(result.status, 0);
        command_result_free(&result);
        writes_propose(&p->r);
    }
}

static void housekeeping(struct parts *p)
{
    mortals_housekeeping(&p->r);
    writes_propose(&p->r);
}

static void only_a_leader_with_a_quorum_proposes(void **state)
{
    struct parts *p = leading();
    put(p, "k", 1000, 0);
    all_is_due(p);
    p->r.status.role = PAXOS_FOLLOWER;
    housekeeping(p);
    assert_int_equal(p->r.writes.count, 0);
    p->r.status.role = PAXOS_LEADER;
    p->r.status.has_quorum = false;
    housekeeping(p);
    assert_int_equal(p->r.writes.count, 0);
    p->r.status.has_quorum = true;
    p->r.end.stopping = true;
    housekeeping(p);
    assert_int_equal(p->r.writes.count, 0);
    p->r.end.stopping = false;
    housekeeping(p);
    assert_int_equal(p->r.writes.count, 1);
    housekeeping(p); /* not again */
    assert_int_equal(p->r.writes.count, 1);
    decide_all(p);
    assert_int_equal(fixture_resolve(&p->store, "k").ino, 0);
    end(p);
}

/* 300 files: 64 in an entry, and the next one is proposed when that is decided. */
static void many_go_in_entries_of_bounded_size(void **state)
{
    struct parts *p = leading();
    char key[16];
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(p, key, 1000, 0);
    }
    all_is_due(p);
    housekeeping(p);
    housekeeping(p);
    for (size_t n = 0; n < 5; n++) {
        assert_int_equal(p->r.writes.count, 1);
        assert_int_equal(p->proposed_count, n + 1);
        struct command_result result = decide(p, n);
        assert_int_equal(result.count, n < 4 ? 64 : 300 - 4 * 64);
        command_result_free(&result);
        writes_propose(&p->r);
    }
    assert_int_equal(p->proposed_count, 5);
    assert_int_equal(fixture_getattr(&p->store, INO_ROOT).size, 0);
    assert_false(p->r.mortals.asked);
    assert_int_equal(p->r.mortals.expiry.deadlines.count, 0);
    end(p);
}

static void a_lease_has_an_entry_of_its_own(void **state)
{
    struct parts *p = leading();
    put(p, "a", 1000, 0);
    apply(p, (struct op){.type = OP_LEASE, .lease = LEASE, .size = 2000});
    put(p, "b", 3000, 0);
    put(p, "leased", 0, LEASE);
    all_is_due(p);
    housekeeping(p);
    decide_all(p);
    assert_int_equal(p->proposed_count, 3);
    assert_int_equal(fixture_getattr(&p->store, INO_ROOT).size, 0);
    end(p);
}

static void what_could_not_be_proposed_comes_later(void **state)
{
    struct parts *p = leading();
    put(p, "k", 1000, 0);
    all_is_due(p);
    /* as if too much were waiting */
    p->r.writes.bytes = REPLICA_PENDING_BYTES_MAX;
    mortals_housekeeping(&p->r);
    assert_int_equal(p->r.writes.count, 0);
    assert_false(p->r.mortals.asked);
    p->r.writes.bytes = 0;
    housekeeping(p);
    assert_int_equal(p->r.writes.count, 0);
    p->r.mortals.expiry.clock_ms += EXPIRY_AGAIN_MS;
    housekeeping(p);
    assert_int_equal(p->r.writes.count, 1);
    decide_all(p);
    assert_int_equal(fixture_resolve(&p->store, "k").ino, 0);
    end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_leader_with_a_quorum_proposes),
        cmocka_unit_test(many_go_in_entries_of_bounded_size),
        cmocka_unit_test(a_lease_has_an_entry_of_its_own),
        cmocka_unit_test(what_could_not_be_proposed_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
