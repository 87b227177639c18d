/* Lines of the log about consensus. */
#include "replica/describe.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char said[4096];

static void on_line(void *arg, const char *subject, const char *text)
{
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%s: %s\n", subject, text);
}

static const struct paxos_ballot first = {1, 0, 3}, second = {2, 5, 1};

static struct describe at_node_1(const struct paxos_status *status)
{
    struct describe d;
    describe_begin(&d, 1, status, on_line, NULL);
    said[0] = '\0';
    return d;
}

static void assert_said(const char *lines)
{
    assert_string_equal(said, lines);
    said[0] = '\0';
}

static void receive(struct describe *d, struct paxos_message m)
{
    describe_event(d, &(struct paxos_event){.type = PAXOS_RECEIVE, .message = &m});
}

static void every_message_has_words(void **state)
{
    char text[DESCRIBE_TEXT_MAX], names[PAXOS_MESSAGE_TYPE_END][DESCRIBE_TEXT_MAX];
    for (uint8_t type = 1; type < PAXOS_MESSAGE_TYPE_END; type++) {
        struct paxos_message m = {.type = type};
        describe_message(&m, text);
        assert_int_equal(sscanf(text, "%s", names[type]), 1);
        assert_true(strlen(describe_subject(&m)) > 0);
        for (uint8_t other = 1; other < type; other++)
            assert_string_not_equal(names[other], names[type]);
    }
}

static void the_longest_message_fits(void **state)
{
    for (uint8_t type = 1; type < PAXOS_MESSAGE_TYPE_END; type++) {
        char text[DESCRIBE_TEXT_MAX];
        struct paxos_message m;
        memset(&m, 0xff, sizeof m);
        m.type = type;
        m.sync = PAXOS_SYNC_SUFFIX;
        m.happy = true;
        m.standing = PAXOS_MEMBER;
        describe_message(&m, text);
        assert_true(strlen(text) < DESCRIBE_TEXT_MAX - 32); /* "from 4294967295: " goes before it */
    }
}

static void messages_have_the_same_words_at_both_ends(void **state)
{
    struct paxos_status status = {.peer_count = 2};
    struct describe d = at_node_1(&status);
    struct paxos_message m = {.type = PAXOS_ACCEPT_DECIDE,
                              .from = 3,
                              .to = 1,
                              .n = first,
                              .first = 120,
                              .entry_count = 2,
                              .decided = 119};
    receive(&d, m);
    assert_said("accept: from 3: AcceptDecide 1.0.3 entries 120+2 decided 119\n");
    m.to = 2;
    describe_output(&d, &status, &(struct paxos_output){.messages = &m, .message_count = 1});
    assert_said("accept: to 2: AcceptDecide 1.0.3 entries 120+2 decided 119\n");
}

static void heartbeats_are_left_out(void **state)
{
    struct paxos_status status = {.peer_count = 2};
    struct describe d = at_node_1(&status);
    describe_event(&d, &(struct paxos_event){.type = PAXOS_TICK});
    receive(&d, (struct paxos_message){.type = PAXOS_HEARTBEAT_REQUEST, .from = 2});
    receive(&d, (struct paxos_message){.type = PAXOS_HEARTBEAT_REPLY, .from = 2});
    receive(&d, (struct paxos_message){.type = PAXOS_LEADER_BEAT, .from = 2});
    assert_said("");
}

static void accepted_is_told_when_it_is_news(void **state)
{
    struct paxos_status status = {.peer_count = 2};
    struct describe d = at_node_1(&status);
    struct paxos_message m = {.type = PAXOS_ACCEPTED, .from = 2, .n = first, .accepted = 7};
    receive(&d, m);
    receive(&d, m);
    assert_said("accept: from 2: Accepted 1.0.3 accepted 7 decided 0\n");
    m.from = 3;
    receive(&d, m);
    assert_said("accept: from 3: Accepted 1.0.3 accepted 7 decided 0\n");
    m.from = 2;
    m.decided = 7;
    receive(&d, m);
    assert_said("accept: from 2: Accepted 1.0.3 accepted 7 decided 7\n");
}

static void an_election_is_told(void **state)
{
    struct paxos_status status = {.leader = first, .promise = first, .happy = true};
    status.peer_count = 1;
    status.peers[0].pid = 3;
    status.peers[0].alive = true;
    struct describe d = at_node_1(&status);
    const struct paxos_output nothing = {0};
    describe_output(&d, &status, &nothing);
    assert_said("");
    status.happy = status.peers[0].alive = false;
    describe_output(&d, &status, &nothing);
    assert_said("election: is unhappy with 1.0.3\n"
                "election: node 3 no longer answers heartbeats\n");
    status.leader = status.promise = second;
    status.happy = true;
    status.role = PAXOS_LEADER;
    status.phase = PAXOS_PHASE_PREPARE;
    describe_output(&d, &status, &nothing);
    assert_said("election: raises its ballot to 2.5.1\n"
                "election: is happy with 2.5.1\n"
                "prepare: promises 2.5.1\n"
                "phase: leader of 2.5.1, prepare\n");
}

static void the_way_of_an_entry_is_told(void **state)
{
    struct paxos_status status = {.promise = first, .acc_round = first, .leader = first};
    struct describe d = at_node_1(&status);
    describe_event(&d, &(struct paxos_event){.type = PAXOS_PROPOSE, .entry_count = 1});
    assert_said("propose: count 1\n");
    struct paxos_output out = {.write = {.ticket = 5,
                                         .promise = first,
                                         .acc_round = first,
                                         .first = 7,
                                         .entry_count = 1,
                                         .decided = 7}};
    status.accepted = 8;
    describe_output(&d, &status, &out);
    assert_said("log: accepted 8, before 0\n"
                "disk: write 5: entries 7+1 promise 1.0.3 accepted in 1.0.3 decided 7\n");
    describe_event(&d, &(struct paxos_event){.type = PAXOS_DURABLE, .ticket = 5});
    status.decided = 8;
    describe_output(&d, &status, &(struct paxos_output){0});
    assert_said("disk: write 5 is durable\n"
                "log: decided 8, before 0\n");
}

static void a_line_tells_who_confirmed_a_read(void **state)
{
    struct paxos_status status = {.peer_count = 2};
    struct describe d = at_node_1(&status);
    describe_event(&d, &(struct paxos_event){.type = PAXOS_READ, .read = 0xa0, .lease = true});
    assert_said("read: asks up to a0, a lease is welcome\n");
    struct paxos_output out = {.reads_ready = 0xa0, .reads_index = 8, .reads_confirmed = 0xa0};
    describe_output(&d, &status, &out);
    assert_said("read: confirmed up to a0 at index 8, by the leader\n");
    describe_output(&d, &status, &out);
    assert_said("");
    out.reads_ready = 0xa1;
    describe_output(&d, &status, &out);
    assert_said("read: confirmed up to a1 at index 8, by a lease of this node\n");
}

static void a_wait_for_leases_is_told_once(void **state)
{
    struct paxos_status status = {.role = PAXOS_LEADER,
                                  .phase = PAXOS_PHASE_ACCEPT,
                                  .decided = 7,
                                  .accepted = 9,
                                  .durable = 9,
                                  .peer_count = 2};
    struct describe d = at_node_1(&status);
    const struct paxos_output waits = {.wake_at = 1000};
    status.peers[0].accepted = status.peers[1].accepted = 7;
    describe_output(&d, &status, &waits);
    assert_said(""); /* there is no majority for more yet */
    status.peers[1].accepted = 8;
    describe_output(&d, &status, &waits);
    describe_output(&d, &status, &waits);
    assert_said("lease: a majority has accepted 8, to decide waits for leases\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_has_words),
        cmocka_unit_test(the_longest_message_fits),
        cmocka_unit_test(messages_have_the_same_words_at_both_ends),
        cmocka_unit_test(heartbeats_are_left_out),
        cmocka_unit_test(accepted_is_told_when_it_is_news),
        cmocka_unit_test(an_election_is_told),
        cmocka_unit_test(the_way_of_an_entry_is_told),
        cmocka_unit_test(a_line_tells_who_confirmed_a_read),
        cmocka_unit_test(a_wait_for_leases_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
