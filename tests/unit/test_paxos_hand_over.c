/* A leader that is about to stop asks the best of its followers to lead, which does so at once. */
#include "paxos/state.h"
#include "paxos_subject.h"

static void alive(struct subject *s, uint32_t from, enum paxos_standing standing)
{
    struct paxos_message reply = {.type = PAXOS_HEARTBEAT_REPLY,
                                  .from = from,
                                  .n = {.pid = from},
                                  .round = s->p->election.round,
                                  .leader = status_of(s).promise,
                                  .happy = true,
                                  .standing = (uint8_t)standing};
    receive(s, reply);
}

/* Both follow, with as much of three entries on their disks. */
static struct subject *leads(uint64_t of_peer, uint64_t of_other)
{
    struct subject *s = leader();
    lead_all(s);
    tick(s);
    propose(s, 3, 10);
    uint64_t before = status_of(s).accepted - 3;
    accepted(s, PEER, before + of_peer);
    accepted(s, OTHER, before + of_other);
    alive(s, PEER, PAXOS_MEMBER);
    alive(s, OTHER, PAXOS_MEMBER);
    forget(s);
    return s;
}

static void about_to_stop(struct subject *s)
{
    step(s, (struct paxos_event){.type = PAXOS_STOPPING});
}

static void the_follower_that_lacks_the_least_is_asked(void **state)
{
    struct subject *s = leads(1, 3);
    about_to_stop(s);
    assert_int_equal(count_sent(s, PAXOS_HAND_OVER, 0), 1);
    assert_true(same(sent(s, PAXOS_HAND_OVER, OTHER)->n, status_of(s).promise));
    assert_int_equal(status_of(s).role, PAXOS_LEADER); /* until it is prepared */
    end(s);
    s = leads(3, 1);
    about_to_stop(s);
    assert_int_equal(count_sent(s, PAXOS_HAND_OVER, PEER), 1);
    end(s);
}

static void one_that_could_not_lead_is_not_asked(void **state)
{
    struct subject *s = leads(1, 3);
    step(s, (struct paxos_event){.type = PAXOS_LINK_DOWN, .pid = OTHER});
    about_to_stop(s);
    assert_int_equal(count_sent(s, PAXOS_HAND_OVER, PEER), 1);
    assert_int_equal(count_sent(s, PAXOS_HAND_OVER, OTHER), 0);
    end(s);
    s = leads(1, 3);
    tick(s);
    alive(s, PEER, PAXOS_MEMBER);
    alive(s, OTHER, PAXOS_JOINING);
    about_to_stop(s);
    assert_int_equal(count_sent(s, PAXOS_HAND_OVER, PEER), 1);
    end(s);
    s = leads(1, 3); /* OTHER lost its session, and has not answered the new Prepare */
    receive(s, (struct paxos_message){
                   .type = PAXOS_PREPARE_REQ, .from = OTHER, .n = status_of(s).promise});
    about_to_stop(s);
    assert_int_equal(count_sent(s, PAXOS_HAND_OVER, PEER), 1);
    assert_int_equal(count_sent(s, PAXOS_HAND_OVER, OTHER), 0);
    end(s);
}

static void only_a_leader_hands_over(void **state)
{
    struct subject *s = follower(2);
    about_to_stop(s);
    assert_int_equal(count_sent(s, PAXOS_HAND_OVER, 0), 0);
    end(s);
    s = start(3, NULL);
    elect(s); /* no peer has promised */
    about_to_stop(s);
    assert_int_equal(count_sent(s, PAXOS_HAND_OVER, 0), 0);
    end(s);
}

static void hand_over_to(struct subject *s, struct paxos_ballot n, uint32_t from)
{
    forget(s);
    receive(s, (struct paxos_message){.type = PAXOS_HAND_OVER, .from = from, .n = n});
}

static void a_follower_that_is_asked_prepares_the_others_at_once(void **state)
{
    struct subject *s = follower(2);
    hand_over_to(s, ballot(5, PEER), PEER);
    struct paxos_status now = status_of(s);
    assert_int_equal(now.role, PAXOS_LEADER);
    assert_int_equal(now.promise.pid, ME);
    assert_int_equal(now.promise.n, 6);
    assert_true(same(now.leader, now.promise));
    assert_true(same(sent(s, PAXOS_PREPARE, PEER)->n, now.promise));
    assert_true(same(sent(s, PAXOS_PREPARE, OTHER)->n, now.promise));
    end(s);
}

/* As with any other ballot: it must be on disk, so that it is not used twice. */
static void it_sends_nothing_before_its_ballot_is_durable(void **state)
{
    struct subject *s = follower(2);
    s->slow_disk = true;
    hand_over_to(s, ballot(5, PEER), PEER);
    assert_int_equal(count_sent(s, PAXOS_PREPARE, 0), 0);
    disk_done(s);
    assert_int_equal(count_sent(s, PAXOS_PREPARE, 0), 2);
    end(s);
}

static void only_the_leader_that_is_followed_is_obeyed(void **state)
{
    const struct paxos_ballot others[] = {ballot(4, PEER), ballot(5, OTHER), ballot(6, OTHER)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct subject *s = follower(2);
        hand_over_to(s, others[i], others[i].pid);
        assert_int_equal(status_of(s).role, PAXOS_FOLLOWER);
        assert_true(same(status_of(s).promise, ballot(5, PEER)));
        end(s);
    }
    struct subject *s = follower(2);
    hand_over_to(s, ballot(5, PEER), OTHER); /* whose ballot it is not */
    assert_int_equal(status_of(s).role, PAXOS_FOLLOWER);
    end(s);
}

/* Its log is not in line yet: it would only undo the leader's work. */
static void a_node_that_is_being_prepared_does_not_lead(void **state)
{
    struct subject *s = follower(2);
    prepare(s, ballot(7, PEER), 1);
    hand_over_to(s, ballot(7, PEER), PEER);
    assert_int_equal(status_of(s).role, PAXOS_FOLLOWER);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_follower_that_lacks_the_least_is_asked),
        cmocka_unit_test(one_that_could_not_lead_is_not_asked),
        cmocka_unit_test(only_a_leader_hands_over),
        cmocka_unit_test(a_follower_that_is_asked_prepares_the_others_at_once),
        cmocka_unit_test(it_sends_nothing_before_its_ballot_is_durable),
        cmocka_unit_test(only_the_leader_that_is_followed_is_obeyed),
        cmocka_unit_test(a_node_that_is_being_prepared_does_not_lead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
