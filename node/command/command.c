#include "command/command.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STAMP_BYTES = 1 + 4 + 8 + 8 + 8 + 8 + 4 };

/* The fields of an operation in the order of their encoding; a field that is zero is left out. */
enum op_field {
    FIELD_FLAGS = 1 << 0,
    FIELD_INO = 1 << 1,
    FIELD_INO2 = 1 << 2,
    FIELD_HOLD = 1 << 3,
    FIELD_OFFSET = 1 << 4,
    FIELD_SIZE = 1 << 5,
    FIELD_REVISION = 1 << 6,
    FIELD_MTIME = 1 << 7,
    FIELD_MODE = 1 << 8,
    FIELD_UID = 1 << 9,
    FIELD_GID = 1 << 10,
    FIELD_RDEV = 1 << 11,
    FIELD_NAME = 1 << 12,
    FIELD_NAME2 = 1 << 13,
    FIELD_DATA = 1 << 14,
    FIELD_ATIME = 1 << 15,
};

void command_free(struct command *c)
{
    buffer_free(&c->bytes);
    c->count = 0;
}

static uint16_t fields_of(const struct op *op)
{
    int mask = 0;
    mask |= op->flags ? FIELD_FLAGS : 0;
    mask |= op->ino ? FIELD_INO : 0;
    mask |= op->ino2 ? FIELD_INO2 : 0;
    mask |= op->hold ? FIELD_HOLD : 0;
    mask |= op->offset ? FIELD_OFFSET : 0;
    mask |= op->size ? FIELD_SIZE : 0;
    mask |= op->revision ? FIELD_REVISION : 0;
    mask |= op->mtime ? FIELD_MTIME : 0;
    mask |= op->atime ? FIELD_ATIME : 0;
    mask |= op->mode ? FIELD_MODE : 0;
    mask |= op->uid ? FIELD_UID : 0;
    mask |= op->gid ? FIELD_GID : 0;
    mask |= op->rdev ? FIELD_RDEV : 0;
    mask |= op->name.len ? FIELD_NAME : 0;
    mask |= op->name2.len ? FIELD_NAME2 : 0;
    mask |= op->data.len ? FIELD_DATA : 0;
    return (uint16_t)mask;
}

static void put_fields(struct buffer *b, const struct op *op, uint16_t mask)
{
    const struct {
        int field;
        uint64_t value;
    } wide[] = {{FIELD_INO, op->ino},
                {FIELD_INO2, op->ino2},
                {FIELD_HOLD, op->hold},
                {FIELD_OFFSET, op->offset},
                {FIELD_SIZE, op->size},
                {FIELD_REVISION, op->revision},
                {FIELD_MTIME, (uint64_t)op->mtime},
                {FIELD_ATIME, (uint64_t)op->atime}};
    const struct {
        int field;
        uint32_t value;
    } narrow[] = {
        {FIELD_MODE, op->mode}, {FIELD_UID, op->uid}, {FIELD_GID, op->gid}, {FIELD_RDEV, op->rdev}};
    const struct {
        int field;
        struct bytes value;
    } long_ones[] = {{FIELD_NAME, op->name}, {FIELD_NAME2, op->name2}, {FIELD_DATA, op->data}};

    if (mask & FIELD_FLAGS)
        buffer_put_u32(b, op->flags);
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (mask & wide[i].field)
            buffer_put_u64(b, wide[i].value);
    for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
        if (mask & narrow[i].field)
            buffer_put_u32(b, narrow[i].value);
    for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++)
        if (mask & long_ones[i].field)
            buffer_put_bytes(b, long_ones[i].value);
}

int command_add(struct command *c, const struct op *op)
{
    assert(op->type > 0 && op->type < OP_TYPE_END);
    if (c->count == COMMAND_OPS_MAX)
        return -E2BIG;
    if (op->type == OP_PUT && op->data.len > VALUE_BYTES_MAX)
        return -EFBIG;
    if (c->count == 0) {
        static const uint8_t unstamped[STAMP_BYTES];
        c->bytes.len = 0;
        buffer_append(&c->bytes, unstamped, sizeof unstamped);
    }
    size_t before = c->bytes.len;
    uint16_t mask = fields_of(op);
    buffer_put_u8(&c->bytes, op->type);
    buffer_put_u16(&c->bytes, mask);
    put_fields(&c->bytes, op, mask);
    if (c->bytes.failed)
        return -ENOMEM;
    if (c->bytes.len > COMMAND_BYTES_MAX) {
        c->bytes.len = before;
        return -EFBIG;
    }
    c->count++;
    return 0;
}

void command_stamp(struct command *c, const struct stamp *stamp)
{
    assert(c->count > 0 && c->bytes.len > STAMP_BYTES);
    size_t len = c->bytes.len;
    c->bytes.len = 0; /* the room for the stamp is there: nothing below allocates */
    buffer_put_u8(&c->bytes, COMMAND_VERSION);
    buffer_put_u32(&c->bytes, stamp->node);
    buffer_put_u64(&c->bytes, stamp->incarnation);
    buffer_put_u64(&c->bytes, stamp->sequence);
    buffer_put_u64(&c->bytes, stamp->lowest);
    buffer_put_u64(&c->bytes, stamp->time);
    buffer_put_u32(&c->bytes, c->count);
    assert(c->bytes.len == STAMP_BYTES);
    c->bytes.len = len;
}

int command_read(struct bytes bytes, struct command_view *view)
{
    if (bytes.len > COMMAND_BYTES_MAX)
        return -EBADMSG;
    struct reader r = reader_of(bytes);
    if (reader_u8(&r) != COMMAND_VERSION)
        return -EBADMSG;
    view->stamp.node = reader_u32(&r);
    view->stamp.incarnation = reader_u64(&r);
    view->stamp.sequence = reader_u64(&r);
    view->stamp.lowest = reader_u64(&r);
    view->stamp.time = reader_u64(&r);
    view->count = reader_u32(&r);
    view->ops = r;
    if (r.bad || view->count == 0 || view->count > COMMAND_OPS_MAX)
        return -EBADMSG;
    return 0;
}

static uint64_t take_wide(struct reader *r, uint16_t mask, int field)
{
    return mask & field ? reader_u64(r) : 0;
}

static uint32_t take_narrow(struct reader *r, uint16_t mask, int field)
{
    return mask & field ? reader_u32(r) : 0;
}

static struct bytes take_bytes(struct reader *r, uint16_t mask, int field)
{
    return mask & field ? reader_bytes(r) : (struct bytes){0};
}

int command_next(struct command_view *view, struct op *op)
{
    struct reader *r = &view->ops;
    op->type = reader_u8(r);
    uint16_t mask = reader_u16(r);
    op->flags = take_narrow(r, mask, FIELD_FLAGS);
    op->ino = take_wide(r, mask, FIELD_INO);
    op->ino2 = take_wide(r, mask, FIELD_INO2);
    op->hold = take_wide(r, mask, FIELD_HOLD);
    op->offset = take_wide(r, mask, FIELD_OFFSET);
    op->size = take_wide(r, mask, FIELD_SIZE);
    op->revision = take_wide(r, mask, FIELD_REVISION);
    op->mtime = (int64_t)take_wide(r, mask, FIELD_MTIME);
    op->atime = (int64_t)take_wide(r, mask, FIELD_ATIME);
    op->mode = take_narrow(r, mask, FIELD_MODE);
    op->uid = take_narrow(r, mask, FIELD_UID);
    op->gid = take_narrow(r, mask, FIELD_GID);
    op->rdev = take_narrow(r, mask, FIELD_RDEV);
    op->name = take_bytes(r, mask, FIELD_NAME);
    op->name2 = take_bytes(r, mask, FIELD_NAME2);
    op->data = take_bytes(r, mask, FIELD_DATA);
    return r->bad || op->type == 0 || op->type >= OP_TYPE_END ? -EBADMSG : 0;
}

void command_result_free(struct command_result *r)
{
    free(r->ops);
    buffer_free(&r->old);
    *r = (struct command_result){0};
}

struct bytes command_result_old(const struct command_result *r, uint32_t i)
{
    assert(i < r->count && r->ops[i].old_present);
    return bytes_of(r->old.data + r->ops[i].old_at, r->ops[i].old_len);
}
