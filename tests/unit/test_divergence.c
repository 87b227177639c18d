/* Nodes that differ: which of them are wrong, which are in doubt, and when that ends. */
#include "replica/divergence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { APPLIED = 100 };

/* The digest of the history that is right, and of one that has become another at `from`. */
static uint64_t right(uint64_t index)
{
    return index * UINT64_C(0x9e3779b97f4a7c15);
}

static struct claim equal(uint64_t index)
{
    return (struct claim){index, right(index)};
}

static struct claim different(uint64_t index)
{
    return (struct claim){index, right(index) + 1};
}

static void apply_up_to(struct divergence *d, uint64_t index)
{
    while (d->newest < index)
        divergence_applied(d, equal(d->newest + 1));
}

/* A node with peers 2, 3, ..., that has applied APPLIED entries. */
static struct divergence *node_of(uint32_t nodes)
{
    struct divergence *d = malloc(sizeof *d);
    uint32_t pids[PAXOS_NODES_MAX];
    assert_non_null(d);
    for (uint32_t i = 0; i + 1 < nodes; i++)
        pids[i] = i + 2;
    divergence_init(d, pids, nodes - 1);
    divergence_begin(d, equal(0));
    apply_up_to(d, APPLIED);
    return d;
}

static void assert_verdict_after_a_while(struct divergence *d, enum divergence_verdict verdict)
{
    for (int i = 0; i < DIVERGENCE_DOUBT_BEATS; i++)
        divergence_judge(d);
    assert_int_equal(divergence_judge(d), verdict);
}

static void equal_nodes_go_on(void **state)
{
    struct divergence *d = node_of(3);
    assert_verdict_after_a_while(d, DIVERGENCE_NONE); /* no node has said anything */
    divergence_told(d, 2, equal(APPLIED));
    divergence_told(d, 3, equal(1));
    assert_verdict_after_a_while(d, DIVERGENCE_NONE);
    free(d);
}

static void the_minority_is_wrong(void **state)
{
    struct divergence *d = node_of(3);
    divergence_told(d, 2, different(50));
    divergence_told(d, 3, equal(50));
    assert_verdict_after_a_while(d, DIVERGENCE_NONE); /* node 2 is */
    free(d);

    d = node_of(3);
    divergence_told(d, 2, different(50));
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    divergence_told(d, 3, different(40));
    assert_int_equal(divergence_judge(d), DIVERGENCE_WRONG);
    free(d);
}

static void without_a_majority_all_nodes_are_wrong(void **state)
{
    struct divergence *d = node_of(2);
    divergence_told(d, 2, different(50));
    assert_int_equal(divergence_judge(d), DIVERGENCE_WRONG);
    free(d);

    d = node_of(4);
    divergence_told(d, 2, equal(50));
    divergence_told(d, 3, different(50));
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    divergence_told(d, 4, different(50));
    assert_int_equal(divergence_judge(d), DIVERGENCE_WRONG);
    free(d);
}

static void a_node_is_in_doubt_until_another_tells(void **state)
{
    struct divergence *d = node_of(3);
    divergence_told(d, 2, different(50));
    for (int i = 0; i < DIVERGENCE_DOUBT_BEATS; i++)
        assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    assert_int_equal(divergence_judge(d), DIVERGENCE_DOUBT);
    divergence_told(d, 3, equal(49)); /* may differ since */
    assert_int_equal(divergence_judge(d), DIVERGENCE_DOUBT);
    divergence_told(d, 3, equal(50));
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    /* and the next doubt has its time again */
    divergence_told(d, 3, different(60));
    assert_int_equal(divergence_judge(d), DIVERGENCE_WRONG);
    free(d);
}

static void a_claim_waits_until_it_is_reached(void **state)
{
    struct divergence *d = node_of(2);
    divergence_told(d, 2, different(APPLIED + 10));
    divergence_told(d, 2, equal(APPLIED + 20)); /* too late: it would never be reached */
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    apply_up_to(d, APPLIED + 9);
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    apply_up_to(d, APPLIED + 10);
    assert_int_equal(divergence_judge(d), DIVERGENCE_WRONG);
    free(d);
}

static void a_claim_that_is_never_reached_is_told(void **state)
{
    struct divergence *d = node_of(3);
    uint64_t index = 0;
    divergence_told(d, 2, equal(APPLIED + 10));
    for (int i = 0; i < 2 * DIVERGENCE_UNREACHED_BEATS; i++)
        divergence_beat(d, false); /* it catches up */
    assert_false(divergence_unreached(d, 2, &index));
    for (int i = 0; i < DIVERGENCE_UNREACHED_BEATS; i++) {
        assert_false(divergence_unreached(d, 2, &index));
        divergence_beat(d, true);
    }
    assert_true(divergence_unreached(d, 2, &index));
    assert_int_equal(index, APPLIED + 10);
    assert_false(divergence_unreached(d, 3, &index));
    apply_up_to(d, APPLIED + 10);
    divergence_judge(d);
    divergence_beat(d, true);
    assert_false(divergence_unreached(d, 2, &index));
    free(d);
}

/* Its folder was emptied, or brought to what the others have. */
static void a_claim_is_taken_back_with_a_lower_one(void **state)
{
    struct divergence *d = node_of(2);
    uint64_t index;
    divergence_told(d, 2, different(APPLIED + 10));
    for (int i = 0; i < DIVERGENCE_UNREACHED_BEATS; i++)
        divergence_beat(d, true);
    divergence_told(d, 2, equal(APPLIED));
    assert_false(divergence_unreached(d, 2, &index));
    apply_up_to(d, APPLIED + 10);
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    free(d);
}

static void only_recent_digests_are_known(void **state)
{
    struct divergence *d = node_of(2);
    apply_up_to(d, DIVERGENCE_RECENT + 5);
    divergence_told(d, 2, different(5));
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    divergence_told(d, 2, equal(6));
    divergence_told(d, 2, equal(DIVERGENCE_RECENT + 5));
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    divergence_told(d, 2, different(6));
    assert_int_equal(divergence_judge(d), DIVERGENCE_WRONG);
    free(d);
}

/* A snapshot: the digests in between are not known. */
static void a_new_tree_begins_anew(void **state)
{
    struct divergence *d = node_of(2);
    divergence_told(d, 2, different(APPLIED + 10));
    divergence_begin(d, equal(APPLIED + 50));
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    divergence_told(d, 2, different(APPLIED + 49));
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    divergence_told(d, 2, different(APPLIED + 50));
    assert_int_equal(divergence_judge(d), DIVERGENCE_WRONG);
    free(d);
}

static void an_emptied_node_is_forgiven(void **state)
{
    struct divergence *d = node_of(3);
    apply_up_to(d, 2 * DIVERGENCE_RECENT);
    uint64_t now = d->newest;
    divergence_told(d, 2, different(now - 2));
    divergence_told(d, 2, different(now - 1));
    assert_verdict_after_a_while(d, DIVERGENCE_DOUBT);
    divergence_told(d, 2, different(1)); /* less than it had: it catches up */
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    divergence_told(d, 2, different(now - 1));
    assert_verdict_after_a_while(d, DIVERGENCE_DOUBT);
    divergence_told(d, 2, equal(now)); /* it has caught up */
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    divergence_told(d, 3, different(now));
    assert_verdict_after_a_while(d, DIVERGENCE_NONE); /* and is one of a majority again */
    free(d);
}

static void strangers_are_not_heard(void **state)
{
    struct divergence *d = node_of(2);
    divergence_told(d, 9, different(50));
    assert_int_equal(divergence_judge(d), DIVERGENCE_NONE);
    free(d);
}

static void the_difference_is_described(void **state)
{
    char text[FAULT_TEXT_MAX];
    struct divergence *d = node_of(PAXOS_NODES_MAX);
    for (uint32_t pid = 2; pid <= PAXOS_NODES_MAX; pid++)
        divergence_told(d, pid, different(50));
    divergence_describe(d, text);
    assert_non_null(
        strstr(text, "than node 2, node 3, node 4, node 5, node 6, node 7, node 8, node 9:"));
    assert_non_null(strstr(text, "after 50 entries"));
    char digest[20];
    snprintf(digest, sizeof digest, "%016lx", (unsigned long)right(50));
    assert_non_null(strstr(text, digest));
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_nodes_go_on),
        cmocka_unit_test(the_minority_is_wrong),
        cmocka_unit_test(without_a_majority_all_nodes_are_wrong),
        cmocka_unit_test(a_node_is_in_doubt_until_another_tells),
        cmocka_unit_test(a_claim_waits_until_it_is_reached),
        cmocka_unit_test(a_claim_that_is_never_reached_is_told),
        cmocka_unit_test(a_claim_is_taken_back_with_a_lower_one),
        cmocka_unit_test(only_recent_digests_are_known),
        cmocka_unit_test(a_new_tree_begins_anew),
        cmocka_unit_test(an_emptied_node_is_forgiven),
        cmocka_unit_test(strangers_are_not_heard),
        cmocka_unit_test(the_difference_is_described),
    };
    return cmocka_run_group_tests_name("divergence", tests, NULL, NULL);
}
