/* The cluster's time from the clocks of its members: which of them count, and what is said of this
 * node's own. */
#include "replica/clocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S(n) ((int64_t)1000000000 * (n))
#define NOW S(1800000000)
#define YEARS S(315360000) /* ten of them */
#define UP_US UINT64_C(5000000000)
#define NEVER INT64_MIN

/* Moments are so long after this one: by both of this node's clocks, if the wall clock was not set.
 */
static struct clock_reading at(int64_t ahead_ns, uint64_t later_us)
{
    return (struct clock_reading){.steady_us = UP_US + later_us,
                                  .wall_ns = (uint64_t)(NOW + ahead_ns) + later_us * 1000};
}

static void tell(struct clocks *c, uint32_t pid, int64_t ahead_ns, uint64_t later_us,
                 uint64_t trip_us)
{
    struct clock_reading middle = at(ahead_ns, later_us + trip_us / 2);
    clocks_told(c, pid, UP_US + later_us, UP_US + later_us + trip_us, middle.wall_ns);
}

/* The other members' clocks are so far ahead, all of them heard at once, or NEVER. */
static struct clocks heard(const int64_t *ahead_ns, uint32_t count)
{
    struct clocks c;
    uint32_t pids[PAXOS_NODES_MAX] = {0};
    for (uint32_t i = 0; i < count; i++)
        pids[i] = i + 2;
    clocks_init(&c, pids, count);
    for (uint32_t i = 0; i < count; i++) {
        if (ahead_ns[i] != NEVER)
            tell(&c, i + 2, ahead_ns[i], 0, 0);
    }
    return c;
}

/* By how much the cluster's time is ahead of NOW, when this node's own clock is `own` ahead. */
static int64_t ahead_of(const struct clocks *c, int64_t own, int64_t last)
{
    uint64_t time_ns;
    assert_true(clocks_time(c, at(own, 0), (uint64_t)(NOW + last), &time_ns));
    return (int64_t)time_ns - NOW;
}

#define HEARD(...)                                                                                 \
    heard((const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void a_node_alone_believes_its_clock(void **state)
{
    struct clocks c;
    clocks_init(&c, NULL, 0);
    assert_int_equal(ahead_of(&c, 0, 0), 0);
    assert_int_equal(ahead_of(&c, 5, 0), 5);
    assert_int_equal(ahead_of(&c, YEARS, 0), YEARS);
    assert_int_equal(ahead_of(&c, -YEARS, YEARS), -YEARS); /* its clock was set back */
    assert_int_equal(clocks_judge(&c, at(YEARS, 0), 0, CLOCK_OFF_MS), CLOCK_RIGHT);
}

static void the_clock_in_the_middle_counts(void **state)
{
    struct clocks c = HEARD(7, 2);
    assert_int_equal(ahead_of(&c, 5, 0), 5);
    assert_int_equal(ahead_of(&c, 0, 0), 2);
    assert_int_equal(ahead_of(&c, 9, 0), 7);
    c = HEARD(1, 3, 2, 4);
    assert_int_equal(ahead_of(&c, 0, 0), 2);
    c = HEARD(8, 1, 7, 2, 6, 3, 5, 4);
    assert_int_equal(ahead_of(&c, 9, 0), 5);
}

static void one_wrong_clock_of_three_moves_nothing(void **state)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        struct clocks c = HEARD(0, sign * YEARS);
        assert_int_equal(ahead_of(&c, 0, 0), 0);
        assert_int_equal(ahead_of(&c, 0, YEARS), 0); /* whatever the tree says */
        assert_int_equal(ahead_of(&c, 0, -YEARS), 0);
        c = HEARD(0, 3);
        assert_in_range(ahead_of(&c, sign * YEARS, 0), 0, 3);
    }
}

/* Of four, two are in the middle, of which one may be wrong only if two are. */
static void one_wrong_clock_of_four_moves_nothing(void **state)
{
    struct clocks c = HEARD(0, 1, YEARS);
    assert_int_equal(ahead_of(&c, 2, 0), 1);
    c = HEARD(0, 1, -YEARS);
    assert_int_equal(ahead_of(&c, 2, 0), 0);
    c = HEARD(0, 1, 2);
    assert_int_equal(ahead_of(&c, YEARS, 0), 1);
    assert_int_equal(ahead_of(&c, -YEARS, 0), 0);
}

static void without_a_majority_the_time_is_not_known(void **state)
{
    uint64_t time_ns;
    struct clocks c = HEARD(NEVER, NEVER);
    assert_false(clocks_time(&c, at(0, 0), 0, &time_ns));
    assert_int_equal(clocks_judge(&c, at(0, 0), 0, CLOCK_OFF_MS), CLOCK_UNHEARD);
    c = HEARD(NEVER);
    assert_false(clocks_time(&c, at(0, 0), 0, &time_ns));
    c = HEARD(0, NEVER, NEVER, NEVER);
    assert_false(clocks_time(&c, at(0, 0), 0, &time_ns));
    c = HEARD(0, NEVER, 0, NEVER);
    assert_true(clocks_time(&c, at(0, 0), 0, &time_ns));
    assert_false(clocks_all_heard(&c));
    c = HEARD(0, NEVER);
    assert_true(clocks_time(&c, at(0, 0), 0, &time_ns));
    c = HEARD(0, 0);
    assert_true(clocks_all_heard(&c));
}

/* Two nodes: nobody can say which is right. */
static void of_two_clocks_the_earlier_counts(void **state)
{
    struct clocks c = HEARD(0);
    assert_int_equal(ahead_of(&c, 4, 0), 0);
    assert_int_equal(ahead_of(&c, -4, 0), -4);
    assert_int_equal(ahead_of(&c, YEARS, -S(1)), 0);
    assert_int_equal(ahead_of(&c, YEARS, -YEARS), 0);
    /* The last change is a little later than the clock that is right: the wrong one gains nothing.
     */
    assert_int_equal(ahead_of(&c, YEARS, 1), 0);
    assert_int_equal(ahead_of(&c, YEARS, S(20)), 0);
}

static void of_two_clocks_the_one_counts_that_time_has_reached(void **state)
{
    struct clocks c = HEARD(0);
    assert_int_equal(ahead_of(&c, -YEARS, -S(5)), 0);
    assert_int_equal(ahead_of(&c, -YEARS, S(20)), 0);
    assert_int_equal(ahead_of(&c, -YEARS, 2 * YEARS), -YEARS); /* neither of them did */
    assert_int_equal(ahead_of(&c, YEARS, YEARS), YEARS);
}

static void a_clock_goes_on_when_its_node_is_gone(void **state)
{
    const uint64_t day_us = UINT64_C(86400) * 1000000;
    uint64_t time_ns;
    struct clocks c = HEARD(0, 3);
    assert_true(clocks_time(&c, at(YEARS, day_us), 0, &time_ns));
    assert_int_equal(time_ns, at(3, day_us).wall_ns);
    assert_true(clocks_of(&c, 2, at(0, day_us), &time_ns));
    assert_int_equal(time_ns, at(0, day_us).wall_ns);
    c = HEARD(NEVER, 3);
    assert_false(clocks_of(&c, 2, at(0, 0), &time_ns));
    assert_false(clocks_of(&c, 7, at(0, 0), &time_ns));
}

static int64_t clock_of_2(const struct clocks *c)
{
    uint64_t wall_ns;
    assert_true(clocks_of(c, 2, at(0, 0), &wall_ns));
    return (int64_t)wall_ns - NOW;
}

/* It was shown when half of the time had passed that the answer took, or somewhat earlier or later:
 * the quickest answer tells most. */
static void the_quickest_answer_counts(void **state)
{
    struct clocks c = HEARD(NEVER);
    tell(&c, 2, 100, 0, 80000);
    assert_int_equal(clock_of_2(&c), 100);
    tell(&c, 2, 200, 100000, 1000);
    assert_int_equal(clock_of_2(&c), 200);
    tell(&c, 2, 1000000, 200000, 80000);
    assert_int_equal(clock_of_2(&c), 200);
    tell(&c, 2, 300, 300000, 1000);
    assert_int_equal(clock_of_2(&c), 300);
    /* Steady clocks drift: after a while a slow answer is better than an old one. */
    tell(&c, 2, 400, 300000 + 40000 * CLOCK_DRIFT, 80000);
    assert_int_equal(clock_of_2(&c), 400);
}

/* The difference is more than slow answers and drift explain. */
static void a_clock_that_was_set_is_believed_at_once(void **state)
{
    struct clocks c = HEARD(0);
    tell(&c, 2, S(1), 1000000, 500000);
    assert_int_equal(clock_of_2(&c), S(1));
    tell(&c, 2, -YEARS, 2000000, 900000);
    assert_int_equal(clock_of_2(&c), -YEARS);
}

static void answers_that_say_nothing_are_ignored(void **state)
{
    struct clocks c = HEARD(5);
    clocks_told(&c, 2, UP_US, UP_US + CLOCK_ANSWER_MS * 1000 + 1, NOW + YEARS);
    assert_int_equal(clock_of_2(&c), 5);
    clocks_told(&c, 2, UP_US + 1, UP_US, NOW + YEARS); /* to a question of another life */
    assert_int_equal(clock_of_2(&c), 5);
    clocks_told(&c, 9, UP_US, UP_US, NOW + YEARS); /* of no member */
    clocks_told(&c, 2, UP_US, UP_US, UINT64_MAX);
    assert_int_equal(clock_of_2(&c), (int64_t)CLOCK_NS_MAX - NOW);
    uint64_t time_ns;
    assert_true(clocks_time(&c, (struct clock_reading){UP_US, UINT64_MAX}, UINT64_MAX, &time_ns));
    assert_int_equal(time_ns, CLOCK_NS_MAX);
}

static enum clock_verdict verdict(struct clocks c, int64_t own)
{
    return clocks_judge(&c, at(own, 0), (uint64_t)NOW, CLOCK_OFF_MS);
}

static void a_node_is_wrong_if_a_majority_agrees_without_it(void **state)
{
    assert_int_equal(verdict(HEARD(0, 0), S(1)), CLOCK_RIGHT);
    assert_int_equal(verdict(HEARD(0, 0), S(1) + 2000), CLOCK_WRONG);
    assert_int_equal(verdict(HEARD(0, 0), -YEARS), CLOCK_WRONG);
    assert_int_equal(verdict(HEARD(0, YEARS), 0), CLOCK_RIGHT); /* another one is */
    assert_int_equal(verdict(HEARD(0, NEVER), 0), CLOCK_RIGHT);
    assert_int_equal(verdict(HEARD(0, 0, YEARS, YEARS), S(3)), CLOCK_UNSURE);
    assert_int_equal(verdict(HEARD(0, 0, 0, YEARS), S(3)), CLOCK_WRONG);
    assert_int_equal(verdict(HEARD(-S(1), S(1)), 0), CLOCK_RIGHT);
}

static void where_no_majority_agrees_nobody_is_right(void **state)
{
    assert_int_equal(verdict(HEARD(0), YEARS), CLOCK_UNSURE);
    assert_int_equal(verdict(HEARD(YEARS), 0), CLOCK_UNSURE);
    assert_int_equal(verdict(HEARD(0, NEVER), YEARS), CLOCK_UNSURE);
    assert_int_equal(verdict(HEARD(S(5), S(10)), 0), CLOCK_UNSURE);
    assert_int_equal(verdict(HEARD(S(5), S(5), 0), 0), CLOCK_UNSURE); /* two against two */
    assert_int_equal(verdict(HEARD(0), 0), CLOCK_RIGHT);
}

/* A slow answer does not show that a clock is wrong. */
static void what_may_be_the_way_is_no_difference(void **state)
{
    struct clocks c = HEARD(NEVER, NEVER);
    tell(&c, 2, S(2), 0, 3000000);
    tell(&c, 3, S(2), 0, 3000000);
    assert_int_equal(verdict(c, 0), CLOCK_RIGHT);
    assert_int_equal(verdict(c, -S(1)), CLOCK_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_alone_believes_its_clock),
        cmocka_unit_test(the_clock_in_the_middle_counts),
        cmocka_unit_test(one_wrong_clock_of_three_moves_nothing),
        cmocka_unit_test(one_wrong_clock_of_four_moves_nothing),
        cmocka_unit_test(without_a_majority_the_time_is_not_known),
        cmocka_unit_test(of_two_clocks_the_earlier_counts),
        cmocka_unit_test(of_two_clocks_the_one_counts_that_time_has_reached),
        cmocka_unit_test(a_clock_goes_on_when_its_node_is_gone),
        cmocka_unit_test(the_quickest_answer_counts),
        cmocka_unit_test(a_clock_that_was_set_is_believed_at_once),
        cmocka_unit_test(answers_that_say_nothing_are_ignored),
        cmocka_unit_test(a_node_is_wrong_if_a_majority_agrees_without_it),
        cmocka_unit_test(where_no_majority_agrees_nobody_is_right),
        cmocka_unit_test(what_may_be_the_way_is_no_difference),
    };
    return cmocka_run_group_tests_name("clocks", tests, NULL, NULL);
}
