/* The judge of histories, judged: small histories made by hand, good and bad. */
#include "linear.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { KEY = 0, OTHER = 1, NEVER = 0 };

/* A register that was never written. */
static const struct machine_register nothing;

static struct machine_register there(uint64_t value, uint64_t revision)
{
    return (struct machine_register){true, value, revision};
}

static struct machine_register deleted(uint64_t value, uint64_t revision)
{
    return (struct machine_register){false, value, revision};
}

static struct linear_operation operation(enum machine_kind kind, uint64_t value, uint64_t invoked,
                                         uint64_t returned, uint64_t revision,
                                         struct machine_register seen)
{
    return (struct linear_operation){.asked = {.kind = kind, .key = KEY, .value = value},
                                     .invoked = invoked,
                                     .returned = returned,
                                     .result = {revision, true, seen}};
}

static struct linear_operation put(uint64_t value, uint64_t invoked, uint64_t returned,
                                   uint64_t revision, struct machine_register seen)
{
    return operation(MACHINE_PUT, value, invoked, returned, revision, seen);
}

static struct linear_operation get(uint64_t invoked, uint64_t returned, uint64_t revision,
                                   struct machine_register seen)
{
    return operation(MACHINE_GET, 0, invoked, returned, revision, seen);
}

static struct linear_operation cas(uint64_t value, uint64_t expected, bool done, uint64_t invoked,
                                   uint64_t returned, uint64_t revision,
                                   struct machine_register seen)
{
    struct linear_operation o = operation(MACHINE_CAS, value, invoked, returned, revision, seen);
    o.asked.expected = expected;
    o.result.done = done;
    return o;
}

#define good(...) assert_null(judge((struct linear_operation[]){__VA_ARGS__}, COUNT(__VA_ARGS__)))
#define bad(...)                                                                                   \
    assert_non_null(judge((struct linear_operation[]){__VA_ARGS__}, COUNT(__VA_ARGS__)))
#define COUNT(...)                                                                                 \
    (sizeof((struct linear_operation[]){__VA_ARGS__}) / sizeof(struct linear_operation))

static const char *judge(const struct linear_operation *history, size_t count)
{
    return linear_fault(history, count);
}

static void reads_see_what_was_written(void **state)
{
    good(get(1, 2, 0, nothing));
    good(put(1, 1, 2, 1, nothing), get(3, 4, 1, there(1, 1)));
    bad(put(1, 1, 2, 1, nothing), get(3, 4, 1, nothing));
    bad(put(1, 1, 2, 1, nothing), get(3, 4, 1, there(7, 1)));
    bad(get(1, 2, 5, there(2, 5)), put(2, 3, 4, 5, nothing));
}

static void stale_reads_are_found(void **state)
{
    /* At an earlier revision than a client had seen before it began; but not if they overlap. */
    bad(put(1, 1, 2, 1, nothing), put(2, 3, 4, 2, there(1, 1)), get(5, 6, 1, there(1, 1)));
    good(put(1, 1, 2, 1, nothing), put(2, 3, 6, 2, there(1, 1)), get(4, 5, 1, there(1, 1)));
    bad(put(1, 1, 2, 1, nothing), put(2, 3, 8, 2, there(1, 1)), get(4, 5, 2, there(2, 2)),
        get(6, 7, 1, there(1, 1)));
    /* Of another key, too. */
    struct linear_operation other = get(3, 4, 0, nothing);
    other.asked.key = OTHER;
    bad(put(1, 1, 2, 1, nothing), other);
}

static void changes_follow_real_time(void **state)
{
    good(put(1, 1, 4, 2, there(2, 1)), put(2, 2, 3, 1, nothing));
    bad(put(1, 1, 2, 2, there(2, 1)), put(2, 3, 4, 1, nothing));
    bad(put(1, 1, 2, 1, nothing), put(2, 3, 4, 1, nothing));
}

static void lost_updates_are_found(void **state)
{
    bad(put(1, 1, 2, 1, nothing), put(2, 3, 4, 2, nothing));
    bad(put(1, 1, 2, 1, nothing), put(2, 3, 4, 2, there(1, 1)), get(5, 6, 2, there(1, 1)));
}

static void compare_and_set_is_judged(void **state)
{
    good(put(1, 1, 2, 1, nothing), cas(2, 1, true, 3, 4, 2, there(1, 1)),
         get(5, 6, 2, there(2, 2)));
    good(put(1, 1, 2, 1, nothing), cas(2, 9, false, 3, 4, 2, there(1, 1)),
         get(5, 6, 2, there(1, 1)));
    bad(put(1, 1, 2, 1, nothing), cas(2, 9, true, 3, 4, 2, there(1, 1)));
    bad(put(1, 1, 2, 1, nothing), cas(2, 1, false, 3, 4, 2, there(1, 1)));
    /* Two that expected the same and both found it. */
    bad(put(1, 1, 2, 1, nothing), cas(2, 1, true, 3, 6, 2, there(1, 1)),
        cas(3, 1, true, 4, 5, 3, there(1, 1)));
    /* One that failed has written nothing. */
    bad(put(1, 1, 2, 1, nothing), cas(2, 9, false, 3, 4, 2, there(1, 1)),
        get(5, 6, 2, there(2, 2)));
}

static void deletions_are_judged(void **state)
{
    good(put(1, 1, 2, 1, nothing), operation(MACHINE_DELETE, 2, 3, 4, 2, there(1, 1)),
         get(5, 6, 2, deleted(2, 2)));
    bad(put(1, 1, 2, 1, nothing), operation(MACHINE_DELETE, 2, 3, 4, 2, there(1, 1)),
        get(5, 6, 2, there(1, 1)));
    bad(put(1, 1, 2, 1, nothing), operation(MACHINE_DELETE, 2, 3, 4, 2, there(1, 1)),
        get(5, 6, 2, there(2, 2)));
}

static void a_change_without_an_answer_may_have_happened(void **state)
{
    good(put(1, 1, NEVER, 0, nothing), get(2, 3, 0, nothing));
    good(put(1, 1, NEVER, 0, nothing), get(2, 3, 4, there(1, 4)));
    good(put(1, 1, NEVER, 0, nothing), get(2, 3, 0, nothing), get(4, 5, 4, there(1, 4)));
    bad(put(1, 1, NEVER, 0, nothing), get(2, 3, 4, there(1, 4)), get(4, 5, 5, nothing));
    /* Before it was asked for. */
    bad(put(1, 1, 2, 7, nothing), put(2, 3, NEVER, 0, nothing), get(4, 5, 8, there(2, 6)));
    bad(get(1, 2, 1, there(2, 1)), put(2, 3, NEVER, 0, nothing));
    /* Unanswered, but seen: then it found what it expected. */
    good(put(1, 1, 2, 1, nothing), cas(2, 1, false, 3, NEVER, 0, nothing),
         get(4, 5, 2, there(2, 2)));
    bad(put(1, 1, 2, 1, nothing), cas(2, 9, false, 3, NEVER, 0, nothing),
        get(4, 5, 2, there(2, 2)));
}

static void a_change_that_happens_twice_is_found(void **state)
{
    /* A repeated command that took effect again, after another change. */
    bad(put(1, 1, 2, 1, nothing), put(2, 3, 4, 2, there(1, 1)), get(5, 6, 3, there(1, 3)));
    bad(put(1, 1, NEVER, 0, nothing), put(2, 2, 3, 2, there(1, 1)), get(4, 5, 3, there(1, 3)));
    bad(put(1, 1, NEVER, 0, nothing), get(2, 3, 1, there(1, 1)), get(4, 5, 3, there(1, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_see_what_was_written),
        cmocka_unit_test(stale_reads_are_found),
        cmocka_unit_test(changes_follow_real_time),
        cmocka_unit_test(lost_updates_are_found),
        cmocka_unit_test(compare_and_set_is_judged),
        cmocka_unit_test(deletions_are_judged),
        cmocka_unit_test(a_change_without_an_answer_may_have_happened),
        cmocka_unit_test(a_change_that_happens_twice_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
