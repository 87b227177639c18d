/* One core at a time: when leaders and followers are content, and when a node raises its ballot. */
#include "paxos/state.h"
#include "paxos_subject.h"

/* `reply` comes from each of `pids` to what was asked last, and the round ends. */
static void round_with(struct subject *s, struct paxos_message reply, const uint32_t *pids,
                       size_t count)
{
    reply.type = PAXOS_HEARTBEAT_REPLY;
    reply.round = sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round;
    for (size_t i = 0; i < count; i++) {
        reply.from = pids[i];
        reply.n.pid = pids[i];
        receive(s, reply);
    }
    forget(s);
    tick(s);
}

static const uint32_t both[] = {PEER, OTHER};

/* A node that hears from a quorum whose nodes, itself included, are all unhappy raises its
 * ballot. */
static void a_leader_needs_followers_of_its_own(void **state)
{
    struct subject *s = leader();
    uint64_t before = status_of(s).promise.n;
    struct paxos_message follows = {.leader = status_of(s).promise};
    round_with(s, follows, both, 1);
    assert_true(status_of(s).happy);
    assert_int_equal(status_of(s).promise.n, before);
    struct paxos_message strays = {.leader = ballot(9, OTHER)};
    round_with(s, strays, both, 1);
    assert_int_equal(status_of(s).promise.n, 10); /* which PEER can follow */
    end(s);
}

/* Both would raise their ballots in turn otherwise: the chained case. */
static void a_leader_gives_way_to_one_that_serves_a_peer(void **state)
{
    struct subject *s = leader();
    uint64_t before = status_of(s).leader.n;
    struct paxos_message served = {.leader = ballot(9, OTHER), .happy = true};
    round_with(s, served, both, 1);
    assert_true(status_of(s).happy);
    assert_int_equal(status_of(s).leader.n, before);
    end(s);
}

/* A leader in accept needs W nodes, to become one R. */
static void a_leader_is_content_with_the_write_quorum(void **state)
{
    const struct paxos_config config = {.me = ME,
                                        .count = 5,
                                        .pids = {ME, PEER, OTHER, 40, 50},
                                        .read_quorum = 4,
                                        .write_quorum = 2};
    const uint32_t three[] = {PEER, OTHER, 40};
    struct subject *s = start_as(&config, NULL);
    tick(s);
    round_with(s, (struct paxos_message){0}, three, 2);
    assert_int_equal(status_of(s).role, PAXOS_FOLLOWER);
    round_with(s, (struct paxos_message){0}, three, 3);
    assert_int_equal(status_of(s).role, PAXOS_LEADER);
    struct paxos_message promises[3];
    for (size_t i = 0; i < 3; i++)
        promises[i] = promise_to(s, three[i]);
    struct paxos_message follows = {.leader = status_of(s).promise, .happy = true};
    round_with(s, follows, three, 2);
    assert_false(status_of(s).happy);
    for (size_t i = 0; i < 3; i++)
        receive(s, promises[i]);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_ACCEPT);
    round_with(s, follows, three, 1);
    assert_true(status_of(s).happy);
    round_with(s, follows, three, 0);
    assert_false(status_of(s).happy);
    end(s);
}

/* Only the word of the leader itself counts, and only a good one. */
static void a_follower_is_content_with_a_content_leader(void **state)
{
    struct subject *s = follower(1);
    tick(s);
    struct paxos_message leads = {.n = ballot(5, PEER), .leader = ballot(5, PEER), .happy = true};
    round_with(s, leads, both, 1);
    assert_true(status_of(s).happy);
    leads.happy = false;
    round_with(s, leads, both, 1);
    assert_int_equal(status_of(s).promise.n, 6);
    end(s);

    s = follower(1);
    tick(s);
    struct paxos_message follows = {.leader = ballot(5, PEER), .happy = true};
    round_with(s, follows, both + 1, 1);
    assert_false(status_of(s).happy);
    assert_int_equal(status_of(s).role, PAXOS_FOLLOWER); /* another peer is content */
    end(s);
}

/* Above every ballot that was seen, and never alone. */
static void a_ballot_is_raised_above_the_highest(void **state)
{
    struct subject *s = follower(1);
    tick(s);
    struct paxos_message unhappy = {.n = ballot(7, OTHER), .leader = ballot(7, OTHER)};
    round_with(s, unhappy, both + 1, 1);
    assert_int_equal(status_of(s).leader.n, 8);
    assert_int_equal(status_of(s).promise.n, 8);
    assert_int_equal(status_of(s).role, PAXOS_LEADER);
    end(s);

    s = follower(1);
    tick(s);
    for (int i = 0; i < 20; i++)
        round_with(s, unhappy, both, 0);
    assert_int_equal(status_of(s).promise.n, 5);
    end(s);
}

/* Proposals make sense while any message of the leader is heard. */
static void a_leader_is_there_while_it_is_heard(void **state)
{
    struct subject *s = start(3, NULL);
    assert_false(status_of(s).has_leader);
    for (int i = 0; i < 5; i++)
        tick(s);
    prepare(s, ballot(5, PEER), 1);
    receive(s, accept_sync(ballot(5, PEER), 1, 0, 0));
    assert_true(status_of(s).has_leader);
    assert_int_equal(status_of(s).leader_changes, 1);
    for (int i = 0; i < 5; i++) {
        tick(s);
        receive(s, in_session(PAXOS_LEADER_BEAT, ballot(5, PEER), 1, 0, 0));
        assert_true(status_of(s).has_leader);
    }
    for (int i = 0; i < 5; i++)
        tick(s);
    assert_false(status_of(s).has_leader);
    assert_int_equal(status_of(s).leader_changes, 1);
    end(s);
}

/* The link of the peer, which answers what it is asked then. */
static void comes_back(struct subject *s, uint32_t pid)
{
    forget(s);
    step(s, (struct paxos_event){.type = PAXOS_LINK_UP, .pid = pid});
    collect(s);
    heartbeat_reply(s, pid, sent(s, PAXOS_HEARTBEAT_REQUEST, pid)->round, false);
}

static uint64_t round_of(struct subject *s)
{
    uint64_t round = sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round;
    forget(s);
    return round;
}

/* A request to this node in the meantime finds that there is a quorum. */
static void a_peer_is_alive_a_round_trip_after_its_link_came_up(void **state)
{
    struct subject *s = start_with(ballot(1, PEER), ballot(1, PEER), 0, 0, 0);
    tick(s);
    comes_back(s, OTHER);
    assert_true(status_of(s).has_quorum);
    end(s);
}

/* A node restarts faster than a heartbeat takes. */
static void a_peer_that_comes_back_in_the_same_round_is_alive(void **state)
{
    struct subject *s = start_with(ballot(1, PEER), ballot(1, PEER), 0, 0, 0);
    tick(s);
    comes_back(s, OTHER);
    step(s, (struct paxos_event){.type = PAXOS_LINK_DOWN, .pid = OTHER});
    assert_false(status_of(s).has_quorum);
    comes_back(s, OTHER);
    assert_true(status_of(s).has_quorum);
    end(s);
}

/* A way there and back may be longer than a round: then every reply is late, and as each may be
 * later than the one before, it counts for two rounds. */
static void a_late_reply_counts(void **state)
{
    struct subject *s = leader();
    struct paxos_message reply = {.type = PAXOS_HEARTBEAT_REPLY,
                                  .from = PEER,
                                  .n.pid = PEER,
                                  .leader = status_of(s).promise,
                                  .round = round_of(s)};
    tick(s);
    assert_false(status_of(s).happy);
    receive(s, reply);
    for (int round = 0; round < 2; round++) {
        tick(s);
        assert_true(status_of(s).happy);
    }
    receive(s, reply); /* again: no news */
    tick(s);
    assert_false(status_of(s).happy);

    forget(s);
    tick(s);
    reply.round = round_of(s);
    for (int round = 0; round <= PAXOS_LATE_ROUNDS; round++)
        tick(s);
    receive(s, reply);
    tick(s);
    assert_false(status_of(s).happy);
    end(s);
}

/* The replies of PEER to `late` questions come together, and those to `timely` more each in its
 * round. */
static void answers_late(struct subject *s, int late, int timely)
{
    forget(s);
    tick(s);
    struct paxos_message reply = {.type = PAXOS_HEARTBEAT_REPLY,
                                  .from = PEER,
                                  .n.pid = PEER,
                                  .leader = status_of(s).promise,
                                  .round = round_of(s)};
    for (int i = 0; i < late; i++)
        tick(s);
    for (int i = 0; i < late; i++, reply.round++)
        receive(s, reply);
    for (int i = 0; i < timely; i++, reply.round++) {
        receive(s, reply);
        tick(s);
        forget(s);
    }
}

/* Rounds in which this leader goes on although PEER, of which it needs to hear, is silent. */
static int patience(struct subject *s)
{
    int rounds = 0;
    for (tick(s); status_of(s).happy; tick(s))
        rounds++;
    forget(s);
    return rounds;
}

/* It is busy: the next leader would be as well. */
static void a_peer_is_missed_after_more_rounds_than_it_was_late(void **state)
{
    struct subject *s = leader();
    answers_late(s, 0, 2);
    assert_int_equal(patience(s), 0);
    answers_late(s, 4, 1);
    assert_int_equal(patience(s), 4);
    answers_late(s, 2, 3); /* less late than before */
    assert_int_equal(patience(s), 4);
    answers_late(s, PAXOS_LATE_ROUNDS, 1);
    assert_int_equal(patience(s), PAXOS_LATE_ROUNDS);
    answers_late(s, 0, PAXOS_TIMELY_ROUNDS);
    assert_int_equal(patience(s), PAXOS_LATE_ROUNDS - 1);
    answers_late(s, 0, PAXOS_LATE_ROUNDS * PAXOS_TIMELY_ROUNDS);
    assert_int_equal(patience(s), 0);
    end(s);
}

/* So requests do not meet "no quorum" because nodes are busy. */
static void a_quorum_is_missed_after_more_ticks_if_peers_were_late(void **state)
{
    for (int late = 0; late <= PAXOS_LATE_ROUNDS; late += PAXOS_LATE_ROUNDS) {
        struct subject *s = leader();
        int ticks = 1;
        answers_late(s, late, 1);
        for (tick(s); status_of(s).has_quorum; tick(s))
            ticks++;
        assert_int_equal(ticks, PAXOS_ALIVE_TICKS + late - 1);
        end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_needs_followers_of_its_own),
        cmocka_unit_test(a_leader_gives_way_to_one_that_serves_a_peer),
        cmocka_unit_test(a_leader_is_content_with_the_write_quorum),
        cmocka_unit_test(a_follower_is_content_with_a_content_leader),
        cmocka_unit_test(a_ballot_is_raised_above_the_highest),
        cmocka_unit_test(a_leader_is_there_while_it_is_heard),
        cmocka_unit_test(a_peer_is_alive_a_round_trip_after_its_link_came_up),
        cmocka_unit_test(a_peer_that_comes_back_in_the_same_round_is_alive),
        cmocka_unit_test(a_late_reply_counts),
        cmocka_unit_test(a_peer_is_missed_after_more_rounds_than_it_was_late),
        cmocka_unit_test(a_quorum_is_missed_after_more_ticks_if_peers_were_late),
    };
    return cmocka_run_group_tests_name("paxos_election", tests, NULL, NULL);
}
