#include "base/buffer.h"
#include "base/duration.h"
#include "base/fault.h"
#include "base/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void bytes_are_read_back_as_they_were_put(void **state)
{
    struct buffer b = {0};
    buffer_put_u8(&b, 0xfe);
    buffer_put_u16(&b, 0xfedc);
    buffer_put_u32(&b, 0xfedcba98);
    buffer_put_u64(&b, UINT64_C(0xfedcba9876543210));
    buffer_put_bytes(&b, bytes_of_text("name"));
    buffer_put_bytes(&b, (struct bytes){0});
    assert_false(b.failed);

    struct reader r = reader_of(bytes_of(b.data, b.len));
    assert_int_equal(reader_u8(&r), 0xfe);
    assert_int_equal(reader_u16(&r), 0xfedc);
    assert_int_equal(reader_u32(&r), 0xfedcba98);
    assert_true(reader_u64(&r) == UINT64_C(0xfedcba9876543210));
    assert_true(bytes_equal(reader_bytes(&r), bytes_of_text("name")));
    assert_int_equal(reader_bytes(&r).len, 0);
    assert_int_equal(reader_left(&r), 0);
    assert_false(r.bad);
    buffer_free(&b);
}

static void reading_past_the_end_is_remembered(void **state)
{
    struct reader r = reader_of(bytes_of("abc", 3));
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(reader_u8(&r), 0);

    /* A length that promises more than there is. */
    struct reader s = reader_of(bytes_of("\xff\xff\xff\xff", 4));
    assert_int_equal(reader_bytes(&s).len, 0);
    assert_true(s.bad);
}

static void an_impossible_size_fails_and_stays_failed(void **state)
{
    struct buffer b = {0};
    buffer_append(&b, "x", 1);
    assert_null(buffer_reserve(&b, SIZE_MAX - 16));
    assert_true(b.failed);
    buffer_append(&b, "y", 1);
    assert_int_equal(b.len, 1);
    buffer_free(&b);
    assert_false(b.failed);
}

static void text_grows_the_buffer(void **state)
{
    struct buffer b = {0};
    for (int i = 0; i < 100; i++)
        buffer_printf(&b, "%03d,", i);
    assert_int_equal(b.len, 400);
    assert_memory_equal(b.data + 396, "099,", 4);
    buffer_free(&b);
}

static void a_fault_is_built_layer_by_layer(void **state)
{
    struct fault f;
    assert_int_equal(fault_set(&f, -EIO, "log.db: %s", "disk I/O error"), -EIO);
    assert_int_equal(fault_wrap(&f, -EIO, "open store"), -EIO);
    assert_string_equal(f.text, "open store: log.db: disk I/O error");

    char layer[FAULT_TEXT_MAX * 2];
    memset(layer, 'x', sizeof layer);
    layer[sizeof layer - 1] = 0;
    fault_wrap(&f, -EIO, "%s", layer);
    assert_int_equal(strlen(f.text), FAULT_TEXT_MAX - 1);
}

static void durations_are_read_and_printed(void **state)
{
    static const struct {
        const char *text, *printed;
        uint64_t ms;
    } rows[] = {
        {"500ms", "500ms", 500}, {"1000ms", "1s", 1000},
        {"90s", "90s", 90000},   {"120s", "2m", 120000},
        {"0h", "0s", 0},         {"48h", "2d", 172800000},
        {"010m", "10m", 600000}, {"99999999999d", "99999999999d", 99999999999 * 86400000},
    };
    static const char *const wrong[] = {"",   "s",   "5",    "-5s",          "5 s",
                                        "5S", "5s ", "1.5s", "100000000000d"};
    char printed[DURATION_TEXT_MAX];
    uint64_t ms;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(duration_read(bytes_of_text(rows[i].text), &ms));
        assert_true(ms == rows[i].ms);
        duration_print(ms, printed);
        assert_string_equal(printed, rows[i].printed);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(duration_read(bytes_of_text(wrong[i]), &ms));
}

static void lines_of_a_level_that_is_off_cost_nothing(void **state)
{
    int evaluated = 0;
    assert_int_equal(trace_level, TRACE_WARN);
    trace_debug("test", "%d", ++evaluated);
    trace_info("test", "%d", ++evaluated);
    assert_int_equal(evaluated, 0);
    assert_false(trace_is_on(TRACE_DEBUG));
    assert_true(trace_is_on(TRACE_WARN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_read_back_as_they_were_put),
        cmocka_unit_test(reading_past_the_end_is_remembered),
        cmocka_unit_test(an_impossible_size_fails_and_stays_failed),
        cmocka_unit_test(text_grows_the_buffer),
        cmocka_unit_test(durations_are_read_and_printed),
        cmocka_unit_test(a_fault_is_built_layer_by_layer),
        cmocka_unit_test(lines_of_a_level_that_is_off_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
