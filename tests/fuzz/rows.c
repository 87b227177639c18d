/* A snapshot that parses and whose rows are wrong: the lab's own, with some of them changed, left
 * out or doubled, and right counts at its end. It is refused, or it is a tree that serves. */
#include "experiment.h"

#include "store/tree_records.h"

#include <string.h>

enum { ROWS_MAX = 200, EDITS_MAX = 12 };

struct value {
    bool number;
    uint64_t n;
    struct bytes bytes;
};

struct row {
    uint8_t table;
    uint32_t columns;
    struct value values[COLUMNS_MAX];
};

struct rows {
    struct row row[ROWS_MAX];
    uint32_t count;
};

/* ---- The lab's snapshot, taken apart ---- */

static struct value read_value(struct reader *r)
{
    struct value value = {.number = reader_u8(r) == RECORD_NUMBER};
    if (value.number)
        value.n = reader_u64(r);
    else
        value.bytes = reader_bytes(r);
    return value;
}

static void take_apart(struct bytes snapshot, struct rows *rows)
{
    struct reader r = reader_of(snapshot);
    uint8_t tag = reader_u8(&r);
    assert(tag == RECORD_HEADER);
    uint32_t format = reader_u32(&r);
    assert(format == RECORD_FORMAT);
    reader_u64(&r);
    rows->count = 0;
    while ((tag = reader_u8(&r)) != RECORD_END) {
        assert(tag < tables_count(format) && rows->count < ROWS_MAX);
        struct row *row = &rows->row[rows->count++];
        *row = (struct row){.table = tag, .columns = columns_count(&tree_tables[tag], format)};
        for (uint32_t i = 0; i < row->columns; i++)
            row->values[i] = read_value(&r);
    }
    assert(!r.bad);
}

/* ---- Changes ---- */

static struct value any_value(struct source *s, const struct value *old)
{
    struct value value = *old;
    uint32_t kind = source_below(s, 8);
    if (kind < 3)
        value.n = source_number(s);
    else if (kind < 5)
        value.n += (uint64_t)source_below(s, 7) - 3;
    else if (kind == 5)
        value.bytes = source_chunk(s);
    else if (kind == 6)
        value.bytes.len = value.bytes.len > 0 ? source_number(s) % value.bytes.len : 0;
    else
        value.number = !value.number;
    return value;
}

static void change(struct source *s, struct rows *rows)
{
    uint32_t at = source_below(s, rows->count), from = source_below(s, rows->count);
    struct row *row = &rows->row[at];
    uint32_t column = source_below(s, row->columns);
    switch (source_below(s, 6)) {
    case 0: /* left out */
        for (; at + 1 < rows->count; at++)
            rows->row[at] = rows->row[at + 1];
        rows->count -= rows->count > 1;
        break;
    case 1: /* doubled, to be changed later */
        if (rows->count < ROWS_MAX)
            rows->row[rows->count++] = rows->row[from];
        break;
    case 2: /* another row's value */
        row->values[column] = rows->row[from].values[column];
        break;
    default:
        row->values[column] = any_value(s, &row->values[column]);
    }
}

/* ---- Put together again ---- */

static void put_value(struct buffer *out, const struct value *value)
{
    buffer_put_u8(out, value->number ? RECORD_NUMBER : RECORD_BYTES);
    if (value->number)
        buffer_put_u64(out, value->n);
    else
        buffer_put_bytes(out, value->bytes);
}

static struct buffer put_together(const struct rows *rows, uint64_t index)
{
    struct buffer out = {0};
    uint64_t counts[TABLES_MAX] = {0};
    record_put_header(&out, RECORD_FORMAT, index);
    for (uint32_t i = 0; i < rows->count; i++) {
        buffer_put_u8(&out, rows->row[i].table);
        for (uint32_t j = 0; j < rows->row[i].columns; j++)
            put_value(&out, &rows->row[i].values[j]);
        counts[rows->row[i].table]++;
    }
    record_put_end(&out, RECORD_FORMAT, counts);
    assert(!out.failed);
    return out;
}

static bool is_of(const struct row *row, const char *table)
{
    return strcmp(tree_tables[row->table].name, table) == 0;
}

static struct value *value_of(struct row *row, const char *column)
{
    const struct column *columns = tree_tables[row->table].columns;
    uint32_t i = 0;
    while (strcmp(columns[i].name, column) != 0)
        i++;
    return &row->values[i];
}

/* Numbers that are easily checked are made right, so that the others get checked. */
static void count_again(struct rows *rows)
{
    struct row *meta = NULL;
    uint64_t inodes = 0, used = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        struct row *row = &rows->row[i];
        if (is_of(row, "meta"))
            meta = row;
        if (!is_of(row, "inode"))
            continue;
        inodes++;
        used += value_of(row, "used")->n;
    }
    if (!meta)
        return;
    value_of(meta, "inodes")->n = inodes;
    value_of(meta, "bytes")->n = used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rows rows;
    struct lab *lab = lab_of_process();
    struct source s = source_of(data, size);
    take_apart(lab_snapshot(), &rows);
    for (uint32_t edits = source_below(&s, EDITS_MAX); edits > 0; edits--)
        change(&s, &rows);
    if (source_u8(&s) % 4 != 0)
        count_again(&rows);
    struct buffer snapshot = put_together(&rows, lab->counters.applied);
    struct bytes piece = bytes_of(snapshot.data, snapshot.len);
    experiment_with_snapshot(lab, lab->counters.applied, &piece, 1, &s);
    buffer_free(&snapshot);
    return 0;
}
