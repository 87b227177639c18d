/* Commands: bytes that can be read can be written again, and then say the same. */
#include "fuzz.h"
#include "op_fields.h"

#include "command/command.h"

#include <errno.h>

static bool same_op(const struct op *a, const struct op *b)
{
#define FIELD_EQUAL(name, kind, bit, level) &&kind##_equal(a->name, b->name)
    return a->type == b->type OPERATION_FIELDS(FIELD_EQUAL);
#undef FIELD_EQUAL
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->node == b->node && a->incarnation == b->incarnation && a->sequence == b->sequence &&
           a->lowest == b->lowest && a->time == b->time;
}

static void check_same(struct command_view a, struct bytes written)
{
    struct command_view b;
    int status = command_read(written, &b);
    assert(status == 0);
    assert(a.count == b.count);
    assert(same_stamp(&a.stamp, &b.stamp));
    for (uint32_t i = 0; i < a.count; i++) {
        struct op one, other;
        command_next(&a, &one);
        status = command_next(&b, &other);
        assert(status == 0);
        assert(same_op(&one, &other));
    }
    assert(reader_left(&b.ops) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct command_view view = {0}, rest;
    struct command again = {0};
    int status = command_read(bytes_of(data, size), &view);
    assert(status == 0 || status == -EBADMSG || status == -EPROTONOSUPPORT);
    assert(status != -EPROTONOSUPPORT || data[0] > COMMAND_VERSION_MAX);
    rest = view;
    for (uint32_t i = 0; status == 0 && i < view.count; i++) {
        struct op op;
        status = command_next(&rest, &op);
        if (status == 0)
            status = command_add(&again, &op);
        assert(status == 0 || status == -EBADMSG ||
               (status == -EPROTONOSUPPORT && view.version > 1));
    }
    if (status == 0) {
        command_stamp(&again, &view.stamp);
        assert(again.bytes.len <= size); /* fields that are zero are left out */
        check_same(view, bytes_of(again.bytes.data, again.bytes.len));
    }
    command_free(&again);
    return 0;
}
