/* How a node finds out what time it is, and what waits for that: its links are made of this. */
#include "replica_parts.h"

#include "base/trace.h"

#include <string.h>

enum { FIRST = 8, SECOND = 9 };

static struct {
    uint32_t level; /* that the peers speak; 0: they are not linked */
    uint32_t requests[SECOND + 1];
    uint64_t id; /* of the last request */
    struct frame answer;
} links;

bool peer_speaks(const struct peer *peer, uint32_t pid, struct peer_levels *levels)
{
    *levels = (struct peer_levels){1, links.level};
    return links.level > 0;
}

void peer_set_level(struct peer *peer, uint32_t level)
{
}

int peer_identify(struct peer *peer, const struct peer_identity *identity, struct fault *fault)
{
    return 0;
}

void peer_send(struct peer *peer, const struct frame *frame)
{
    if (frame->type == FRAME_CLOCK)
        links.answer = *frame;
    if (frame->type != FRAME_CLOCK_REQUEST)
        return;
    links.requests[frame->to]++;
    links.id = frame->id;
}

static uint64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#define SECOND_NS INT64_C(1000000000)
#define YEARS_NS (SECOND_NS * 315360000)

/* One of three nodes; its links do not stand yet. */
static int begin_at(void **state, uint32_t level)
{
    struct parts *p = parts_new();
    struct replica *r = &p->r;
    const uint32_t others[] = {FIRST, SECOND};
    memset(&links, 0, sizeof links);
    r->paxos = parts_core((struct paxos_ballot){0}, NULL, 0);
    r->cluster.count = 3;
    for (uint32_t i = 0; i < 3; i++)
        r->cluster.members[i].pid = PARTS_ME + i;
    clocks_init(&r->dates.clocks, others, 2);
    p->store.time = wall_ns();
    fixture_must(&p->store, (struct op){.type = OP_LEVEL, .size = level});
    *state = p;
    return 0;
}

static int begin(void **state)
{
    return begin_at(state, 3);
}

static int begin_former(void **state)
{
    return begin_at(state, 2);
}

static int end(void **state)
{
    struct parts *p = *state;
    writes_expire(&p->r, UINT64_MAX);
    paxos_free(p->r.paxos);
    p->r.paxos = NULL;
    parts_free(p);
    return 0;
}

static void answer_by(struct parts *p, uint32_t pid, int64_t ahead_ns)
{
    dates_told(&p->r, &(struct frame){.type = FRAME_CLOCK,
                                      .from = pid,
                                      .id = replica_now_us(),
                                      .time = wall_ns() + (uint64_t)ahead_ns});
}

static void on_written(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
}

static void submit(struct parts *p)
{
    struct command command = {0};
    struct op op = make_put("k", "v");
    assert_int_equal(command_add(&command, &op), 0);
    replica_submit(&p->r, &command, on_written, NULL);
    writes_propose(&p->r);
}

/* Proposes, with what waits for it, and gives the time of that ahead of this node's clock, in
 * seconds. */
static int64_t dated(struct parts *p)
{
    parts_forget(p);
    submit(p);
    assert_true(p->proposed_count > 0);
    return ((int64_t)parts_stamp(p, 0).time - (int64_t)wall_ns() + SECOND_NS / 2) / SECOND_NS;
}

static void a_command_waits_until_the_time_is_known(void **state)
{
    struct parts *p = *state;
    submit(p);
    assert_int_equal(p->proposed_count, 0);
    assert_false(writes_may_propose(&p->r));
    answer_by(p, FIRST, 0);
    assert_true(writes_may_propose(&p->r));
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 1);
    assert_true(wall_ns() - parts_stamp(p, 0).time < 60 * (uint64_t)SECOND_NS);
}

static void a_command_has_the_time_of_most_clocks(void **state)
{
    struct parts *p = *state;
    answer_by(p, FIRST, 100 * SECOND_NS);
    answer_by(p, SECOND, 100 * SECOND_NS);
    assert_int_equal(dated(p), 100);
    answer_by(p, SECOND, -YEARS_NS);
    assert_int_equal(dated(p), 0);
}

static void a_command_keeps_its_time(void **state)
{
    struct parts *p = *state;
    answer_by(p, FIRST, 0);
    submit(p);
    uint64_t time = parts_stamp(p, 0).time;
    answer_by(p, FIRST, 100 * SECOND_NS);
    answer_by(p, SECOND, 100 * SECOND_NS);
    writes_expire(&p->r, replica_now_ms() + WRITE_REPEAT_MS + 1);
    p->r.status.promise.n++;
    writes_propose(&p->r);
    assert_int_equal(p->proposed_count, 3);
    assert_int_equal(parts_stamp(p, 1).time, time);
    assert_int_equal(parts_stamp(p, 2).time, time);
}

/* The first two clocks after a start: the third will tell which is right. */
static void clocks_that_differ_wait_for_the_others(void **state)
{
    struct parts *p = *state;
    answer_by(p, FIRST, -YEARS_NS);
    submit(p);
    assert_int_equal(p->proposed_count, 0);
    answer_by(p, SECOND, 0);
    assert_int_equal(dated(p), 0);
}

static void the_others_are_waited_for_for_a_while(void **state)
{
    struct parts *p = *state;
    answer_by(p, FIRST, YEARS_NS);
    submit(p);
    assert_int_equal(p->proposed_count, 0);
    p->r.dates.known_ms -= 60000;
    assert_int_equal(dated(p), 0);
}

static void nobody_is_asked_who_may_not_know_the_question(void **state)
{
    struct parts *p = *state;
    for (uint32_t level = 0; level <= 2; level++) {
        links.level = level;
        dates_ask(&p->r);
        dates_housekeeping(&p->r, replica_now_ms());
        assert_int_equal(links.requests[FIRST], 0);
        answer_by(p, FIRST, 100 * SECOND_NS);
        answer_by(p, SECOND, 100 * SECOND_NS);
        assert_int_equal(dated(p), 0); /* by its own clock, as former nodes do */
    }
    links.level = 3; /* all of them */
    dates_housekeeping(&p->r, replica_now_ms());
    assert_int_equal(links.requests[FIRST], 1);
    assert_int_equal(links.requests[SECOND], 1);
    assert_int_equal(dated(p), 100);
    /* Who was asked knows that the cluster is so far, though its tree does not say so yet. */
    links.level = 0;
    assert_int_equal(dated(p), 0);
    dates_answer(&p->r, &(struct frame){.type = FRAME_CLOCK_REQUEST, .from = SECOND, .id = 77});
    assert_int_equal(dated(p), 100);
}

static void a_question_is_answered_with_the_clock(void **state)
{
    struct parts *p = *state;
    dates_answer(&p->r, &(struct frame){.type = FRAME_CLOCK_REQUEST, .from = SECOND, .id = 77});
    assert_int_equal(links.answer.to, SECOND);
    assert_int_equal(links.answer.id, 77);
    assert_true(wall_ns() - links.answer.time < 60 * (uint64_t)SECOND_NS);
}

static void the_others_are_asked_again_and_again(void **state)
{
    struct parts *p = *state;
    uint64_t now = replica_now_ms();
    dates_housekeeping(&p->r, now);
    assert_int_equal(links.requests[SECOND], 1);
    dates_housekeeping(&p->r, now + 100); /* soon, as long as nobody answers */
    assert_int_equal(links.requests[SECOND], 2);
    answer_by(p, FIRST, 0);
    dates_ask(&p->r);
    uint32_t asked = links.requests[SECOND];
    dates_housekeeping(&p->r, replica_now_ms() + 100);
    assert_int_equal(links.requests[SECOND], asked);
    dates_housekeeping(&p->r, replica_now_ms() + 1100);
    assert_int_equal(links.requests[SECOND], asked + 1);
}

static void describe(const struct parts *p, struct replica_status *s)
{
    *s = (struct replica_status){.peer_count = 2, .peers = {{.pid = FIRST}, {.pid = SECOND}}};
    dates_status(&p->r, s);
    dates_describe(&p->r, s->why);
}

static void house(struct parts *p, uint64_t ms)
{
    dates_housekeeping(&p->r, replica_now_ms() + ms);
}

static void a_clock_that_is_off_is_said(void **state)
{
    struct parts *p = *state;
    struct replica_status s;
    describe(p, &s);
    assert_false(s.time_known);
    assert_string_equal(s.why, "");
    answer_by(p, FIRST, -YEARS_NS);
    answer_by(p, SECOND, -YEARS_NS);
    house(p, 0);
    describe(p, &s);
    assert_string_equal(s.why, ""); /* it may be right in a moment */
    assert_true(s.time_known);
    assert_int_equal((s.clock_ahead_ms + 500) / 1000, YEARS_NS / SECOND_NS);
    assert_true(s.peers[0].clock_known);
    assert_in_range(s.peers[0].clock_ahead_ms + 500, 0, 1000);
    house(p, 3000);
    describe(p, &s);
    assert_non_null(strstr(s.why, "this node's clock is 3650 days ahead of the clocks of most"));
    answer_by(p, FIRST, 0);
    house(p, 4000);
    house(p, 7000);
    describe(p, &s);
    assert_string_equal(s.why, "");
    assert_int_equal((s.peers[1].clock_ahead_ms - 500) / 1000, -YEARS_NS / SECOND_NS);
}

static void that_no_majority_is_heard_is_said(void **state)
{
    struct parts *p = *state;
    struct replica_status s;
    p->r.status.has_quorum = false;
    house(p, 0);
    house(p, 3000);
    describe(p, &s);
    assert_string_equal(s.why, ""); /* it is no news */
    p->r.status.has_quorum = true;
    house(p, 4000);
    describe(p, &s);
    assert_non_null(strstr(s.why, "the clocks of a majority were not heard yet"));
    answer_by(p, FIRST, 0);
    house(p, 5000);
    house(p, 8000);
    describe(p, &s);
    assert_string_equal(s.why, "");
}

static void that_no_majority_agrees_is_said(void **state)
{
    struct parts *p = *state;
    struct replica_status s;
    answer_by(p, FIRST, 90 * SECOND_NS);
    answer_by(p, SECOND, -90 * SECOND_NS);
    house(p, 0);
    house(p, 3000);
    describe(p, &s);
    assert_non_null(strstr(s.why, "no majority agrees"));
    assert_non_null(strstr(s.why, "this node's is 0.0 s ahead, that of node 8 90.0 s ahead, that "
                                  "of node 9 90.0 s behind"));
}

/* So that it is not said again and again of a clock that is off by just so much. */
static void a_clock_is_right_again_when_it_is_well_so(void **state)
{
    struct parts *p = *state;
    answer_by(p, FIRST, 2 * SECOND_NS);
    answer_by(p, SECOND, 2 * SECOND_NS);
    house(p, 0);
    house(p, 3000);
    assert_int_equal(p->r.dates.said, CLOCK_WRONG);
    answer_by(p, FIRST, SECOND_NS * 8 / 10);
    answer_by(p, SECOND, SECOND_NS * 8 / 10);
    house(p, 4000);
    house(p, 7000);
    assert_int_equal(p->r.dates.said, CLOCK_WRONG);
    answer_by(p, FIRST, SECOND_NS / 5);
    answer_by(p, SECOND, SECOND_NS / 5);
    house(p, 8000);
    house(p, 11000);
    assert_int_equal(p->r.dates.said, CLOCK_RIGHT);
    answer_by(p, FIRST, SECOND_NS * 8 / 10);
    answer_by(p, SECOND, SECOND_NS * 8 / 10);
    house(p, 12000);
    house(p, 15000);
    assert_int_equal(p->r.dates.said, CLOCK_RIGHT);
}

#define DATES_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DATES_TEST(a_command_waits_until_the_time_is_known),
        DATES_TEST(a_command_has_the_time_of_most_clocks),
        DATES_TEST(a_command_keeps_its_time),
        DATES_TEST(clocks_that_differ_wait_for_the_others),
        DATES_TEST(the_others_are_waited_for_for_a_while),
        cmocka_unit_test_setup_teardown(nobody_is_asked_who_may_not_know_the_question, begin_former,
                                        end),
        DATES_TEST(a_question_is_answered_with_the_clock),
        DATES_TEST(the_others_are_asked_again_and_again),
        DATES_TEST(a_clock_that_is_off_is_said),
        DATES_TEST(that_no_majority_is_heard_is_said),
        DATES_TEST(that_no_majority_agrees_is_said),
        DATES_TEST(a_clock_is_right_again_when_it_is_well_so),
    };
    trace_level = TRACE_ERROR;
    return cmocka_run_group_tests_name("dates", tests, NULL, NULL);
}
