/* Outbox and inbox: whatever is queued comes out whole, in the order of its lane, however the
 * messages are cut; and an inbox takes nothing that no outbox sends. */
#include "peer/pieces.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ROUNDS = 300, MESSAGE_MAX = 3000, BULK_MAX = 20000, DATA_MAX = 6000 };

static const struct frame_scope scope = {1, 2};
static uint64_t seed;
static uint8_t data[DATA_MAX];

static uint32_t random_below(uint32_t end)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % end;
}

struct arrival {
    uint64_t bulk, urgent; /* frames */
    uint64_t out_of_order;
};

static int on_frame(void *arg, struct bytes bytes)
{
    struct arrival *arrival = arg;
    struct frame frame;
    assert_int_equal(frame_decode(bytes, &scope, &frame), 0);
    uint64_t expected = frame.type == FRAME_PING ? arrival->urgent++ : arrival->bulk++;
    arrival->out_of_order += frame.id != expected;
    if (frame.type == FRAME_SNAPSHOT_PIECE)
        assert_memory_equal(frame.data.data, data, frame.data.len);
    frame_clear(&frame);
    return 0;
}

/* Hands a message over in parts that end where they end in memory. */
static int receive(struct inbox *in, struct bytes message, struct arrival *arrival)
{
    size_t at = 0;
    int status = 0;
    do {
        size_t len =
            random_below(2) ? message.len - at : random_below((uint32_t)(message.len - at) + 1);
        uint8_t *part = malloc(len ? len : 1);
        memcpy(part, message.data + at, len);
        at += len;
        status = inbox_receive(in, bytes_of(part, len), at == message.len, on_frame, arrival);
        free(part);
    } while (at < message.len && status == 0);
    return status;
}

static uint64_t compose_and_receive(struct outbox *out, struct inbox *in, struct arrival *arrival)
{
    struct buffer message = {0};
    size_t room = PIECE_HEADER_BYTES + FRAME_HEADER_BYTES + 8 + random_below(MESSAGE_MAX);
    buffer_reserve(&message, room);
    uint64_t left = outbox_compose(out, &message, room);
    assert_true(message.len <= room);
    assert_true(message.len > 0 || outbox_empty(out));
    if (message.len > 0)
        assert_int_equal(receive(in, bytes_of(message.data, message.len), arrival), 0);
    buffer_free(&message);
    return left;
}

static void everything_arrives_in_its_order(void **state)
{
    struct outbox out = {0};
    struct inbox in = {0};
    struct arrival arrival = {0};
    uint64_t bulk = 0, urgent = 0, left = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t i = random_below(6); i > 0; i--) {
            struct frame frame = {.type = FRAME_SNAPSHOT_PIECE, .id = bulk};
            frame.data = bytes_of(data, random_below(random_below(3) ? 200 : DATA_MAX));
            if (outbox_put(&out, &frame, &scope, BULK_MAX) == 0)
                bulk++;
        }
        for (uint32_t i = random_below(3); i > 0; i--) {
            struct frame ping = {.type = FRAME_PING, .id = urgent++};
            assert_int_equal(outbox_put(&out, &ping, &scope, BULK_MAX), 0);
        }
        assert_true(outbox_bytes(&out) <= BULK_MAX + OUTBOX_URGENT_BYTES_MAX);
        for (uint32_t i = random_below(8); i > 0; i--)
            left += compose_and_receive(&out, &in, &arrival);
    }
    while (!outbox_empty(&out))
        left += compose_and_receive(&out, &in, &arrival);
    assert_int_equal(arrival.bulk, bulk);
    assert_int_equal(arrival.urgent, urgent);
    assert_int_equal(arrival.out_of_order, 0);
    assert_int_equal(left, bulk + urgent);
    assert_int_equal(outbox_bytes(&out), 0);
    assert_int_equal(outbox_clear(&out), 0);
    inbox_clear(&in);
}

static void the_urgent_lane_forgets_the_old(void **state)
{
    struct outbox out = {0};
    struct frame ping = {.type = FRAME_PING};
    uint32_t queued = 0, dropped = 0;
    while (dropped == 0) {
        dropped = outbox_put(&out, &ping, &scope, BULK_MAX);
        assert_true(outbox_bytes(&out) <= OUTBOX_URGENT_BYTES_MAX + FRAME_HEADER_BYTES + 16);
        queued++;
    }
    assert_int_equal(dropped, queued - 1);
    assert_int_equal(outbox_clear(&out), 1);
}

static void a_relayed_frame_is_the_same_frame(void **state)
{
    struct outbox out = {0};
    struct inbox in = {0};
    struct arrival arrival = {0};
    struct buffer bytes = {0};
    frame_encode(&(struct frame){.type = FRAME_PING}, &scope, &bytes);
    assert_int_equal(outbox_put_bytes(&out, bytes_of(bytes.data, bytes.len), BULK_MAX), 0);
    assert_int_equal(outbox_put_bytes(&out, bytes_of(bytes.data, bytes.len), 1), 1);
    while (!outbox_empty(&out))
        compose_and_receive(&out, &in, &arrival);
    assert_int_equal(arrival.urgent, 1);
    buffer_free(&bytes);
    outbox_clear(&out);
    inbox_clear(&in);
}

struct piece {
    uint32_t total, offset, length;
};

static int receive_pieces(const struct piece *pieces, size_t count)
{
    struct inbox in = {0};
    struct arrival arrival = {0};
    struct buffer message = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_put_u32(&message, pieces[i].total);
        buffer_put_u32(&message, pieces[i].offset);
        buffer_put_bytes(&message, bytes_of(data, pieces[i].length));
    }
    int status = receive(&in, bytes_of(message.data, message.len), &arrival);
    buffer_free(&message);
    inbox_clear(&in);
    return status;
}

static void pieces_that_no_outbox_sends_are_refused(void **state)
{
    static const struct piece wrong[][2] = {
        {{0, 0, 0}, {0}},                   /* nothing */
        {{10, 0, 0}, {0}},                  /* no progress */
        {{10, 0, 11}, {0}},                 /* longer than the frame */
        {{10, 5, 5}, {0}},                  /* the beginning is missing */
        {{10, 11, 1}, {0}},                 /* beyond the frame */
        {{FRAME_BYTES_MAX + 1, 0, 5}, {0}}, /* too long a frame */
        {{10, 0, 5}, {11, 5, 5}},           /* another frame goes on */
        {{10, 0, 5}, {10, 6, 4}},           /* a gap */
        {{10, 0, 5}, {10, 0, 5}},           /* twice */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(receive_pieces(wrong[i], wrong[i][1].total ? 2 : 1), -EBADMSG);
    static const struct piece half[] = {{10, 0, 5}};
    assert_int_equal(receive_pieces(half, 1), 0);

    struct inbox in = {0};
    struct arrival arrival = {0};
    assert_int_equal(inbox_receive(&in, bytes_of("short", 5), true, on_frame, &arrival), -EBADMSG);
    int status = 0;
    for (int i = 0; i < 1000 && status == 0; i++) /* a message without an end */
        status = inbox_receive(&in, bytes_of(data, sizeof data), false, on_frame, &arrival);
    assert_int_equal(status, -EBADMSG);
    inbox_clear(&in);
}

int main(void)
{
    const char *given = getenv("SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("SEED=%llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives_in_its_order),
        cmocka_unit_test(the_urgent_lane_forgets_the_old),
        cmocka_unit_test(a_relayed_frame_is_the_same_frame),
        cmocka_unit_test(pieces_that_no_outbox_sends_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
