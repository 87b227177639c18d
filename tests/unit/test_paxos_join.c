/* A node whose folder is empty: its questions, the answers that it waits for, and that it does not
 * vote before. ME is 2 of 1, 2, 3: its rank is 1. */
#include "paxos_subject.h"

#include "paxos/state.h"

#include <string.h>

enum { RANK_PEER, RANK_ME, RANK_OTHER };

static const uint64_t my_folder = 77, peers_folder = 11, others_folder = 33;

static struct subject *start_fresh(uint32_t nodes)
{
    return start(nodes,
                 &(struct paxos_stored){.membership.standing = PAXOS_FRESH, .folder = my_folder});
}

static uint64_t round_of(const struct subject *s)
{
    return sent(s, PAXOS_JOIN_REQUEST, PEER)->round;
}

/* To what was asked last. */
static struct paxos_message reply_of(const struct subject *s, uint32_t from,
                                     enum paxos_standing standing)
{
    struct paxos_message m = {.type = PAXOS_JOIN_REPLY,
                              .from = from,
                              .standing = (uint8_t)standing,
                              .folder = my_folder,
                              .round = round_of(s)};
    m.folders[from == PEER ? RANK_PEER : RANK_OTHER] = from == PEER ? peers_folder : others_folder;
    return m;
}

static void answer(struct subject *s, uint32_t from, enum paxos_standing standing)
{
    receive(s, reply_of(s, from, standing));
}

/* As a member that has made the life in the question durable. */
static void answer_as_member(struct subject *s, uint32_t from, struct paxos_ballot promise)
{
    struct paxos_message m = reply_of(s, from, PAXOS_MEMBER);
    m.n = promise;
    m.lives[RANK_ME] = sent(s, PAXOS_JOIN_REQUEST, from)->life;
    receive(s, m);
}

/* Let in, in life 1; the floor is (5, PEER). */
static struct subject *start_joining(void)
{
    struct subject *s = start_fresh(3);
    for (int round = 0; round < 2; round++) {
        answer_as_member(s, PEER, ballot(5, PEER));
        answer_as_member(s, OTHER, ballot(4, OTHER));
    }
    assert_int_equal(status_of(s).standing, PAXOS_JOINING);
    return s;
}

/* ---- Founding ---- */

static void a_node_alone_founds_its_cluster(void **state)
{
    struct subject *s = start_fresh(1);
    assert_int_equal(status_of(s).standing, PAXOS_MEMBER);
    assert_int_equal(s->write.membership.standing, PAXOS_MEMBER);
    end(s);
}

static void fresh_nodes_found_a_cluster(void **state)
{
    struct subject *s = start_fresh(3);
    uint64_t first = round_of(s);
    answer(s, PEER, PAXOS_FRESH);
    /* It may have become a member meanwhile: so it is asked again. */
    assert_int_equal(status_of(s).standing, PAXOS_FRESH);
    assert_true(round_of(s) > first);
    answer(s, PEER, PAXOS_FRESH);
    /* The other one may have something to say. */
    assert_int_equal(status_of(s).standing, PAXOS_FRESH);
    for (int i = 0; i < 5; i++)
        tick(s);
    answer(s, PEER, PAXOS_FRESH);
    assert_int_equal(status_of(s).standing, PAXOS_MEMBER);
    assert_int_equal(status_of(s).life, 0);
    assert_int_equal(s->write.membership.members[RANK_ME].folder, my_folder);
    assert_int_equal(s->write.membership.members[RANK_PEER].folder, peers_folder);
    assert_int_equal(s->write.membership.members[RANK_OTHER].folder, 0);
    end(s);
}

static void if_all_are_fresh_none_need_wait(void **state)
{
    struct subject *s = start_fresh(3);
    answer(s, PEER, PAXOS_FRESH);
    for (int round = 0; round < 2; round++) {
        answer(s, OTHER, PAXOS_FRESH);
        answer(s, PEER, PAXOS_FRESH);
    }
    assert_int_equal(status_of(s).standing, PAXOS_MEMBER);
    end(s);
}

/* It heard of its cluster from a member: that member, which is silent now, knows more. */
static void a_node_that_was_told_founds_nothing(void **state)
{
    struct subject *s = start_as(
        &(struct paxos_config){
            .me = ME, .count = 3, .pids = {PEER, ME, OTHER}, .told_by_member = true},
        &(struct paxos_stored){.membership.standing = PAXOS_FRESH, .folder = my_folder});
    for (int round = 0; round < 3; round++) {
        answer(s, OTHER, PAXOS_FRESH);
        answer(s, PEER, PAXOS_FRESH);
        for (int i = 0; i < 5; i++)
            tick(s);
    }
    assert_int_equal(status_of(s).standing, PAXOS_FRESH);
    end(s);
}

/* Another one in each round: two were never fresh at the same moment. */
static void fresh_nodes_of_two_rounds_found_nothing(void **state)
{
    struct subject *s = start_fresh(3);
    for (int i = 0; i < 5; i++)
        tick(s);
    answer(s, PEER, PAXOS_FRESH);
    answer(s, OTHER, PAXOS_FRESH);
    assert_int_equal(status_of(s).standing, PAXOS_FRESH);
    end(s);
}

/* Two of three have lost their folders: that the third has data must not be passed over. */
static void fresh_nodes_found_nothing_beside_a_member(void **state)
{
    struct subject *s = start_fresh(3);
    answer(s, OTHER, PAXOS_MEMBER); /* once is enough */
    for (int i = 0; i < 8; i++) {
        answer(s, PEER, PAXOS_FRESH);
        tick(s);
    }
    assert_int_equal(status_of(s).standing, PAXOS_FRESH);
    end(s);
}

static void an_emptied_folder_is_another_one(void **state)
{
    struct subject *s = start_fresh(3);
    for (int i = 0; i < 5; i++)
        tick(s);
    answer(s, PEER, PAXOS_FRESH);
    struct paxos_message again = reply_of(s, PEER, PAXOS_FRESH);
    again.folders[RANK_PEER] = 12;
    receive(s, again);
    assert_int_equal(status_of(s).standing, PAXOS_FRESH);
    end(s);
}

static void a_node_that_a_founder_counted_is_a_founder(void **state)
{
    struct subject *s = start_fresh(3);
    struct paxos_message m = reply_of(s, PEER, PAXOS_MEMBER);
    m.folders[RANK_ME] = my_folder - 1; /* the one before it was emptied */
    receive(s, m);
    assert_int_equal(status_of(s).standing, PAXOS_FRESH);
    m.folders[RANK_ME] = my_folder;
    receive(s, m);
    assert_int_equal(status_of(s).standing, PAXOS_MEMBER);
    assert_int_equal(s->write.membership.members[RANK_PEER].folder, peers_folder);
    end(s);
}

/* ---- Being let in ---- */

static void enough_members_let_it_in(void **state)
{
    struct subject *s = start_fresh(3);
    struct paxos_message known = reply_of(s, PEER, PAXOS_MEMBER);
    known.lives[RANK_ME] = 3;
    receive(s, known);
    assert_int_equal(sent(s, PAXOS_JOIN_REQUEST, PEER)->life, 0); /* one is not enough */
    answer(s, OTHER, PAXOS_MEMBER);
    assert_int_equal(sent(s, PAXOS_JOIN_REQUEST, PEER)->life, 4);
    answer_as_member(s, PEER, ballot(5, PEER));
    assert_int_equal(status_of(s).standing, PAXOS_FRESH);
    answer_as_member(s, OTHER, ballot(7, OTHER));
    assert_int_equal(status_of(s).standing, PAXOS_JOINING);
    assert_int_equal(status_of(s).life, 4);
    assert_true(same(status_of(s).promise, ballot(7, OTHER)));
    assert_true(same(s->write.promise, ballot(7, OTHER)));
    assert_int_equal(s->write.membership.members[RANK_ME].life, 4);
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, 0), 2);
    end(s);
}

/* A higher one than was known in the first round. */
static void a_life_is_never_taken_twice(void **state)
{
    struct subject *s = start_fresh(3);
    answer_as_member(s, PEER, ballot(5, PEER));
    answer_as_member(s, OTHER, ballot(5, PEER));
    answer_as_member(s, PEER, ballot(5, PEER));
    struct paxos_message m = reply_of(s, OTHER, PAXOS_MEMBER);
    m.lives[RANK_ME] = 9;
    receive(s, m);
    assert_int_equal(status_of(s).standing, PAXOS_FRESH);
    assert_int_equal(sent(s, PAXOS_JOIN_REQUEST, PEER)->life, 10);
    end(s);
}

static void a_life_is_durable_before_it_is_asked_for(void **state)
{
    struct subject *s = start_fresh(3);
    s->slow_disk = true;
    answer_as_member(s, PEER, ballot(5, PEER));
    forget(s);
    struct paxos_message m = {.type = PAXOS_JOIN_REPLY,
                              .from = OTHER,
                              .folder = my_folder,
                              .round = 1,
                              .folders = {[RANK_OTHER] = others_folder}};
    receive(s, m);
    assert_int_equal(s->write.membership.members[RANK_ME].life, 1);
    assert_int_equal(count_sent(s, PAXOS_JOIN_REQUEST, 0), 0);
    disk_done(s);
    assert_int_equal(sent(s, PAXOS_JOIN_REQUEST, OTHER)->life, 1);
    end(s);
}

static void an_answer_to_an_earlier_start_is_none(void **state)
{
    struct paxos_config config = {.me = ME, .count = 3, .pids = {ME, PEER, OTHER}, .start = 700};
    struct subject *s = start_as(
        &config, &(struct paxos_stored){.membership.standing = PAXOS_FRESH, .folder = my_folder});
    assert_int_equal(round_of(s), 701);
    end(s);
}

static void answers_to_others_are_not_mine(void **state)
{
    struct subject *s = start_fresh(3);
    for (int i = 0; i < 4; i++) {
        struct paxos_message m = reply_of(s, i % 2 ? PEER : OTHER, PAXOS_MEMBER);
        if (i < 2)
            m.folder++;
        else
            m.round++;
        receive(s, m);
    }
    assert_int_equal(round_of(s), 1);
    end(s);
}

/* OTHER knows that PEER has forgotten its answer. */
static void an_answer_of_an_earlier_life_lets_nobody_in(void **state)
{
    struct subject *s = start_fresh(3);
    answer_as_member(s, PEER, ballot(5, PEER));
    struct paxos_message m = reply_of(s, OTHER, PAXOS_MEMBER);
    m.lives[RANK_PEER] = 1;
    receive(s, m);
    assert_int_equal(round_of(s), 1);
    end(s);
}

static void a_joining_node_lets_no_other_in(void **state)
{
    struct subject *s = start_fresh(3);
    answer(s, PEER, PAXOS_MEMBER);
    answer(s, OTHER, PAXOS_JOINING);
    assert_int_equal(round_of(s), 1);
    end(s);
}

/* ---- Before it votes ---- */

static void a_fresh_node_answers_no_leader(void **state)
{
    struct subject *s = start_fresh(3);
    forget(s);
    prepare(s, ballot(5, PEER), 1);
    assert_int_equal(s->sent_count, 0);
    end(s);
}

static void a_joining_node_tells_that_it_does_not_vote(void **state)
{
    struct subject *s = start_joining();
    prepare(s, ballot(6, PEER), 1);
    const struct paxos_message *m = sent(s, PAXOS_PROMISE, PEER);
    assert_int_equal(m->standing, PAXOS_JOINING);
    assert_int_equal(m->lives[RANK_ME], 1);
    receive(s, (struct paxos_message){.type = PAXOS_HEARTBEAT_REQUEST, .from = PEER, .round = 1});
    assert_int_equal(sent(s, PAXOS_HEARTBEAT_REPLY, PEER)->standing, PAXOS_JOINING);
    receive(s, (struct paxos_message){
                   .type = PAXOS_READ_PROBE, .from = PEER, .n = ballot(6, PEER), .read = 1});
    assert_int_equal(count_sent(s, PAXOS_READ_ACK, 0), 0);
    assert_false(status_of(s).has_quorum);
    end(s);
}

static void a_joining_node_raises_no_ballot(void **state)
{
    struct subject *s = start_joining();
    for (int i = 0; i < 20; i++) {
        tick(s);
        uint64_t round = sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round;
        heartbeat_reply(s, PEER, round, false);
        heartbeat_reply(s, OTHER, round, false);
    }
    assert_int_equal(status_of(s).role, PAXOS_FOLLOWER);
    assert_false(status_of(s).has_quorum);
    assert_true(same(status_of(s).promise, ballot(5, PEER)));
    end(s);
}

static void a_joining_node_follows_no_ballot_below_the_floor(void **state)
{
    struct subject *s = start_joining();
    prepare(s, ballot(4, OTHER), 1);
    assert_true(same(sent(s, PAXOS_NOT_ACCEPTED, OTHER)->n, ballot(5, PEER)));
    end(s);
}

/* ---- Becoming a member ---- */

static struct paxos_message sync_in_life(uint32_t life, enum paxos_standing standing)
{
    struct paxos_message m = accept_sync(ballot(6, PEER), 1, 0, 3);
    m.life = life;
    m.standing = (uint8_t)standing;
    return m;
}

static void the_whole_log_makes_it_a_member(void **state)
{
    struct subject *s = start_joining();
    prepare(s, ballot(6, PEER), 1);
    receive_entries(s, sync_in_life(1, PAXOS_JOINING), 2, 8);
    assert_int_equal(status_of(s).standing, PAXOS_JOINING); /* the rest it pulls */
    struct paxos_message rest = {
        .type = PAXOS_SUFFIX, .from = PEER, .n = ballot(6, PEER), .psid = 1, .first = 2};
    receive_entries(s, rest, 1, 8);
    assert_int_equal(status_of(s).standing, PAXOS_MEMBER);
    /* In one write. */
    assert_int_equal(s->write.membership.standing, PAXOS_MEMBER);
    assert_int_equal(s->write.entry_count, 3);
    assert_true(same(s->write.acc_round, ballot(6, PEER)));
    assert_int_equal(sent(s, PAXOS_ACCEPTED, PEER)->accepted, 3);
    end(s);
}

/* By the time that it says so, its leader hears of it as well. */
static void it_has_a_quorum_once_it_is_a_member_on_disk(void **state)
{
    struct subject *s = start_joining();
    tick(s);
    heartbeat_reply(s, PEER, sent(s, PAXOS_HEARTBEAT_REQUEST, PEER)->round, true);
    prepare(s, ballot(6, PEER), 1);
    s->slow_disk = true;
    receive_entries(s, sync_in_life(1, PAXOS_JOINING), 3, 8);
    assert_int_equal(status_of(s).standing, PAXOS_MEMBER);
    assert_false(status_of(s).has_quorum);
    assert_int_equal(count_sent(s, PAXOS_ACCEPTED, PEER), 0);
    disk_done(s);
    assert_true(status_of(s).has_quorum);
    assert_int_equal(count_sent(s, PAXOS_ACCEPTED, PEER), 1);
    end(s);
}

/* As its leader, which reaches no other node. */
static void accepting_shows_that_it_is_a_member(void **state)
{
    struct subject *s = start(3, NULL);
    lead_all(s);
    for (int i = 0; i < PAXOS_ALIVE_TICKS; i++)
        tick(s);
    receive(s, (struct paxos_message){.type = PAXOS_HEARTBEAT_REPLY,
                                      .from = OTHER,
                                      .round = sent(s, PAXOS_HEARTBEAT_REQUEST, OTHER)->round,
                                      .n = ballot(0, OTHER),
                                      .standing = PAXOS_JOINING});
    receive(s, (struct paxos_message){
                   .type = PAXOS_PREPARE_REQ, .from = OTHER, .n = status_of(s).promise});
    accepted(s, OTHER, 0); /* of its earlier life: it was sent no AcceptSync since */
    assert_false(status_of(s).has_quorum);
    struct paxos_message promise = promise_to(s, OTHER);
    promise.standing = PAXOS_JOINING;
    promise.lives[RANK_OTHER] = 1;
    receive(s, promise);
    assert_int_equal(sent(s, PAXOS_ACCEPT_SYNC, OTHER)->life, 1);
    assert_false(status_of(s).has_quorum);
    accepted(s, OTHER, 0);
    assert_true(status_of(s).has_quorum);
    end(s);
}

static void a_sync_for_an_earlier_life_is_none(void **state)
{
    struct subject *s = start_joining();
    prepare(s, ballot(6, PEER), 1);
    receive_entries(s, sync_in_life(0, PAXOS_JOINING), 3, 8);
    receive_entries(s, sync_in_life(1, PAXOS_MEMBER), 3, 8);
    assert_int_equal(status_of(s).phase, PAXOS_PHASE_PREPARE);
    assert_int_equal(count_sent(s, PAXOS_ACCEPTED, 0), 0);
    end(s);
}

static void a_node_that_was_let_in_goes_on_after_a_restart(void **state)
{
    struct paxos_stored stored = {.promise = ballot(5, PEER),
                                  .membership = membership(PAXOS_JOINING, 2),
                                  .folder = my_folder};
    struct subject *s = start(3, &stored);
    assert_int_equal(count_sent(s, PAXOS_JOIN_REQUEST, 0), 0);
    assert_int_equal(count_sent(s, PAXOS_PREPARE_REQ, 0), 2);
    assert_int_equal(status_of(s).life, 2);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_alone_founds_its_cluster),
        cmocka_unit_test(fresh_nodes_found_a_cluster),
        cmocka_unit_test(if_all_are_fresh_none_need_wait),
        cmocka_unit_test(a_node_that_was_told_founds_nothing),
        cmocka_unit_test(fresh_nodes_of_two_rounds_found_nothing),
        cmocka_unit_test(fresh_nodes_found_nothing_beside_a_member),
        cmocka_unit_test(an_emptied_folder_is_another_one),
        cmocka_unit_test(a_node_that_a_founder_counted_is_a_founder),
        cmocka_unit_test(enough_members_let_it_in),
        cmocka_unit_test(a_life_is_never_taken_twice),
        cmocka_unit_test(a_life_is_durable_before_it_is_asked_for),
        cmocka_unit_test(an_answer_to_an_earlier_start_is_none),
        cmocka_unit_test(answers_to_others_are_not_mine),
        cmocka_unit_test(an_answer_of_an_earlier_life_lets_nobody_in),
        cmocka_unit_test(a_joining_node_lets_no_other_in),
        cmocka_unit_test(a_fresh_node_answers_no_leader),
        cmocka_unit_test(a_joining_node_tells_that_it_does_not_vote),
        cmocka_unit_test(a_joining_node_raises_no_ballot),
        cmocka_unit_test(a_joining_node_follows_no_ballot_below_the_floor),
        cmocka_unit_test(the_whole_log_makes_it_a_member),
        cmocka_unit_test(it_has_a_quorum_once_it_is_a_member_on_disk),
        cmocka_unit_test(accepting_shows_that_it_is_a_member),
        cmocka_unit_test(a_sync_for_an_earlier_life_is_none),
        cmocka_unit_test(a_node_that_was_let_in_goes_on_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
