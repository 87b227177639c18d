#include "codecs.h"

#include "alloc.h"
#include "command/command.h"
#include "http/json_in.h"
#include "peer/pieces.h"
#include "report.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 3, ROOM = 700 };

static const struct frame_scope scope = {7, 1};
static const char large[3000] = "large"; /* several pieces */

/* ---- Commands ---- */

static int add_all(struct command *command, const struct op *ops, size_t count)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = command_add(command, &ops[i]);
    return status;
}

static void check_command(const struct command *command, const struct op *ops)
{
    struct command_view view;
    int status = command_read(bytes_of(command->bytes.data, command->bytes.len), &view);
    assert(status == 0);
    struct op op;
    for (uint32_t i = 0; i < view.count; i++) {
        status = command_next(&view, &op);
        report_unless(status == 0 && op.type == ops[i].type && bytes_equal(op.data, ops[i].data),
                      "an operation is not the one that was added");
    }
}

static bool run_command(void)
{
    const struct op ops[] = {
        {.type = OP_PUT, .name = bytes_of_text("a/b"), .data = bytes_of(large, sizeof large)},
        {.type = OP_WRITE, .ino = 3, .offset = 9, .data = bytes_of_text("x")},
        {.type = OP_RENAME, .ino = 3, .name = bytes_of_text("a"), .name2 = bytes_of_text("b")},
    };
    struct command command = {0};
    alloc_begin();
    int status = add_all(&command, ops, sizeof ops / sizeof *ops);
    if (status == 0) {
        command_stamp(&command, &(struct stamp){.node = 1, .sequence = 1});
        if (command.bytes.failed)
            status = -ENOMEM;
    }
    alloc_end();
    report_unless(status == 0 || status == -ENOMEM, "command_add gives %d", status);
    if (status == 0)
        check_command(&command, ops);
    command_free(&command);
    return status == 0;
}

/* ---- Frames ---- */

/* A message with entries; its arrays are the caller's. */
static struct frame frame_with(struct paxos_entry **entries)
{
    struct frame frame = {.type = FRAME_PAXOS, .from = 1, .to = 2};
    for (uint32_t i = 0; i < ENTRIES; i++) {
        entries[i] = paxos_entry_new(large, 1000 * (i + 1));
        assert(entries[i]);
    }
    frame.paxos = (struct paxos_message){.type = PAXOS_ACCEPT_DECIDE,
                                         .from = 1,
                                         .to = 2,
                                         .n = {4, 0, 1},
                                         .session = 1,
                                         .counter = 2,
                                         .entry_count = ENTRIES,
                                         .entries = entries};
    return frame;
}

static void free_entries(struct paxos_entry **entries)
{
    for (uint32_t i = 0; i < ENTRIES; i++)
        paxos_entry_unref(entries[i]);
}

static void check_frame(const struct frame *frame)
{
    report_unless(frame->paxos.entry_count == ENTRIES &&
                      memcmp(frame->paxos.entries[1]->bytes, large, 2000) == 0,
                  "a frame is not the one that was encoded");
}

static bool run_frame(void)
{
    struct paxos_entry *entries[ENTRIES];
    struct frame frame = frame_with(entries), decoded;
    struct buffer bytes = {0};
    int status = -ENOMEM;
    alloc_begin();
    frame_encode(&frame, &scope, &bytes);
    if (!bytes.failed)
        status = frame_decode(bytes_of(bytes.data, bytes.len), &scope, &decoded);
    alloc_end();
    report_unless(status == 0 || status == -ENOMEM, "frame_decode gives %d", status);
    if (status == 0) {
        check_frame(&decoded);
        frame_clear(&decoded);
    }
    buffer_free(&bytes);
    free_entries(entries);
    return status == 0;
}

/* ---- Pieces ---- */

static int take_frame(void *arg, struct bytes bytes)
{
    struct frame frame;
    int status = frame_decode(bytes, &scope, &frame);
    if (status < 0)
        return status;
    check_frame(&frame);
    frame_clear(&frame);
    *(int *)arg += 1;
    return 0;
}

/* Until the outbox is empty, or an error. */
static int carry(struct outbox *out, struct inbox *in, int *taken)
{
    int status = 0;
    while (status == 0 && !outbox_empty(out)) {
        struct buffer message = {0};
        if (!buffer_reserve(&message, ROOM))
            return -ENOMEM;
        outbox_compose(out, &message, ROOM);
        /* In two parts, as a socket may give it. */
        status = inbox_receive(in, bytes_of(message.data, 20), false, take_frame, taken);
        if (status == 0)
            status = inbox_receive(in, bytes_of(message.data + 20, message.len - 20), true,
                                   take_frame, taken);
        buffer_free(&message);
    }
    return status;
}

static bool run_pieces(void)
{
    struct paxos_entry *entries[ENTRIES];
    struct frame frame = frame_with(entries);
    struct outbox out = {0};
    struct inbox in = {0};
    int taken = 0;
    alloc_begin();
    uint32_t dropped = outbox_put(&out, &frame, &scope, 1 << 20);
    dropped += outbox_put(&out, &frame, &scope, 1 << 20);
    int status = carry(&out, &in, &taken);
    outbox_clear(&out);
    inbox_clear(&in);
    alloc_end();
    report_unless(status == 0 || status == -ENOMEM, "inbox_receive gives %d", status);
    report_unless(status < 0 || taken + (int)dropped == 2, "a frame is lost in silence");
    free_entries(entries);
    return status == 0 && dropped == 0;
}

/* ---- JSON ---- */

static bool run_json(void)
{
    static const char text[] = "[{\"key\":\"a\",\"value\":\"x\"},"
                               "{\"key\":\"b\",\"value_base64\":\"eHl6\"},"
                               "{\"key\":\"c\\u00e9\",\"value\":\"\\n\"}]";
    struct http_items items = {0};
    struct fault fault = {{0}};
    cJSON_InitHooks(&(cJSON_Hooks){alloc_malloc, free});
    alloc_begin();
    int status = http_items_pairs(bytes_of_text(text), &items, &fault);
    alloc_end();
    if (status == 0)
        report_unless(items.count == 3 && bytes_equal(items.list[1].value, bytes_of_text("xyz")),
                      "JSON is read wrongly");
    http_items_free(&items); /* also after an error */
    cJSON_InitHooks(NULL);
    return status == 0;
}

const struct codec codecs[] = {
    {"commands", run_command}, {"frames", run_frame}, {"pieces", run_pieces},
    {"JSON", run_json},        {NULL, NULL},
};
