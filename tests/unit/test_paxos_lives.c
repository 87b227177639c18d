/* How nodes treat one whose folder was emptied: they remember its life, and count no message of an
 * earlier one. ME is 2 of 1, 2, 3. */
#include "paxos_subject.h"

enum { RANK_PEER, RANK_ME, RANK_OTHER };

/* ---- Questions of a joining node ---- */

static void ask(struct subject *s, uint32_t life)
{
    receive(s,
            (struct paxos_message){
                .type = PAXOS_JOIN_REQUEST, .from = OTHER, .folder = 33, .round = 4, .life = life});
}

static void a_life_is_durable_before_it_is_answered(void **state)
{
    struct subject *s = follower(2);
    s->slow_disk = true;
    ask(s, 1);
    assert_int_equal(count_sent(s, PAXOS_JOIN_REPLY, 0), 0);
    assert_int_equal(s->write.membership.members[RANK_OTHER].life, 1);
    disk_done(s);
    const struct paxos_message *m = sent(s, PAXOS_JOIN_REPLY, OTHER);
    assert_int_equal(m->folder, 33);
    assert_int_equal(m->round, 4);
    assert_int_equal(m->standing, PAXOS_MEMBER);
    assert_int_equal(m->lives[RANK_OTHER], 1);
    assert_true(same(m->n, ballot(5, PEER)));
    end(s);
}

static void a_promise_tells_of_lives(void **state)
{
    struct subject *s = follower(2);
    ask(s, 3);
    prepare(s, ballot(6, PEER), 2);
    assert_int_equal(sent(s, PAXOS_PROMISE, PEER)->lives[RANK_OTHER], 3);
    end(s);
}

/* ---- A candidate ---- */

static void a_joining_node_is_not_counted(void **state)
{
    struct subject *s = start(3, NULL);
    elect(s);
    struct paxos_message m = promise_to(s, PEER);
    m.standing = PAXOS_JOINING;
    receive(s, m);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    receive(s, promise_to(s, OTHER));
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    /* But it is brought in line as well, for what it is. */
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, PEER)->standing, PAXOS_JOINING);
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, OTHER)->standing, PAXOS_MEMBER);
    end(s);
}

/* Without it there is never a leader: and the other one has all that was chosen. */
static void of_two_nodes_it_is_counted(void **state)
{
    struct subject *s = start(2, NULL);
    tick(s);
    receive(s, (struct paxos_message){.type = PAXOS_HEARTBEAT_REPLY,
                                      .from = PEER,
                                      .round = sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round,
                                      .n = ballot(0, PEER),
                                      .standing = PAXOS_JOINING});
    tick(s);
    struct paxos_message m = promise_to(s, PEER);
    m.standing = PAXOS_JOINING;
    receive(s, m);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    end(s);
}

/* Of five, without any promise yet. */
static struct subject *candidate(void)
{
    struct subject *s = start(5, NULL);
    tick(s);
    uint64_t round = sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round;
    heartbeat_reply(s, PEER, round, false);
    heartbeat_reply(s, OTHER, round, false);
    tick(s);
    return s;
}

/* PEER promised before it lost its folder, which OTHER knows. */
static void a_promise_of_an_earlier_life_is_not_counted(void **state)
{
    for (int late = 0; late < 2; late++) {
        struct subject *s = candidate();
        struct paxos_message of_peer = promise_to(s, PEER), of_other = promise_to(s, OTHER);
        of_other.lives[RANK_PEER] = 1;
        receive(s, late ? of_other : of_peer);
        receive(s, late ? of_peer : of_other);
        assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
        receive(s, promise_to(s, 40));
        assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
        end(s);
    }
}

/* PEER's log was the best: the entries to bring a node in line with it need not be anywhere
 * else. */
static void the_best_promise_of_an_earlier_life_is_given_up(void **state)
{
    for (int late = 0; late < 2; late++) {
        struct subject *s = candidate();
        struct paxos_message of_peer = promise_to(s, PEER), of_other = promise_to(s, OTHER);
        of_peer.acc_round = ballot(0, OTHER);
        of_peer.decided = of_peer.accepted = of_peer.first = 5;
        of_peer.sync = PAXOS_SYNC_SNAPSHOT;
        of_other.lives[RANK_PEER] = 1;
        receive(s, late ? of_other : of_peer);
        receive(s, late ? of_peer : of_other);
        receive(s, promise_to(s, OTHER));
        receive(s, promise_to(s, 40));
        assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
        end(s);
    }
}

/* Its promise would not count either. */
static void a_joining_node_helps_no_candidate(void **state)
{
    struct subject *s = start(3, NULL);
    for (int i = 0; i < 4; i++) {
        tick(s);
        receive(s, (struct paxos_message){.type = PAXOS_HEARTBEAT_REPLY,
                                          .from = PEER,
                                          .round = sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round,
                                          .n = ballot(0, PEER),
                                          .standing = PAXOS_JOINING});
    }
    assert_int_equal(status_of(s).role, PAXOS_FOLLOWER);
    assert_true(status_of(s).peers[0].alive);
    assert_false(status_of(s).has_quorum);
    end(s);
}

static void a_joining_node_gets_the_whole_log(void **state)
{
    struct subject *s = leader();
    propose(s, 4, 100000);
    struct paxos_message m = promise_to(s, OTHER);
    forget(s);
    m.standing = PAXOS_JOINING;
    m.lives[RANK_OTHER] = 2;
    receive(s, m);
    const struct paxos_message *sync = sent(s, PAXOS_ACCEPT_SYNC, OTHER);
    assert_int_equal(sync->life, 2);
    assert_int_equal(sync->entry_count, 2);
    assert_int_equal(sync->accepted, status_of(s).accepted);
    end(s);
}

/* In this ballot it had acknowledged all of it before, which holds no more. */
static void a_joining_node_gets_nothing_new_before_it_has_the_log(void **state)
{
    struct subject *s = leader();
    receive(s, promise_to(s, OTHER));
    propose(s, 4, 100000);
    accepted(s, OTHER, 4);
    receive(s, (struct paxos_message){.type = PAXOS_PREPARE_REQ, .from = OTHER});
    struct paxos_message m = promise_to(s, OTHER);
    m.standing = PAXOS_JOINING;
    m.lives[RANK_OTHER] = 1;
    receive(s, m);
    forget(s);
    propose(s, 1, 8);
    assert_int_equal(count_sent(s, PAXOS_ACCEPT_DECIDE, OTHER), 0);
    accepted(s, OTHER, 4);
    assert_int_equal(sent(s, PAXOS_ACCEPT_DECIDE, OTHER)->first, 4);
    end(s);
}

/* A ballot that it raised in an earlier life may come again. */
static void prepares_of_two_lives_differ(void **state)
{
    struct subject *s = start(3, &(struct paxos_stored){.membership = membership(PAXOS_MEMBER, 2)});
    elect(s);
    assert_true(sent(s, PAXOS_PREPARE, PEER)->psid > (uint64_t)2 << 32);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_is_durable_before_it_is_answered),
        cmocka_unit_test(a_promise_tells_of_lives),
        cmocka_unit_test(a_joining_node_is_not_counted),
        cmocka_unit_test(of_two_nodes_it_is_counted),
        cmocka_unit_test(a_promise_of_an_earlier_life_is_not_counted),
        cmocka_unit_test(the_best_promise_of_an_earlier_life_is_given_up),
        cmocka_unit_test(a_joining_node_helps_no_candidate),
        cmocka_unit_test(a_joining_node_gets_the_whole_log),
        cmocka_unit_test(a_joining_node_gets_nothing_new_before_it_has_the_log),
        cmocka_unit_test(prepares_of_two_lives_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
