#include "experiment.h"

#include <errno.h>
#include <string.h>

enum {
    LEASES = 3, /* that inputs name */
    OPS_MAX = 5,
    DATA_BYTES_MAX = 70000,
    DATA_BYTES_TOTAL = 400000, /* of one experiment */
    NODES = 3,
    ACTIONS_OF_SNAPSHOT = 30,
};

struct experiment {
    struct source *input;
    struct tree *tree;
    uint64_t sequences[NODES + 1];
    size_t bytes_left;
};

/* ---- Operations out of the input ---- */

static struct bytes name_of(struct source *s)
{
    static const char *const names[] = {"a", "b", "d", "l", "p", "h", "e", "f", "g", ".quorumfs"};
    uint32_t which = source_below(s, 16);
    return which < sizeof names / sizeof *names ? bytes_of_text(names[which]) : source_chunk(s);
}

static struct bytes key_of(struct source *s)
{
    static const char *const keys[] = {"a", "b", "d/h", "d/e/f", "d/e/g/h", "n/e/w", "l/x", "d"};
    uint32_t which = source_below(s, 12);
    return which < sizeof keys / sizeof *keys ? bytes_of_text(keys[which]) : source_chunk(s);
}

static struct bytes data_of(struct experiment *e)
{
    static uint8_t pool[DATA_BYTES_MAX];
    size_t len = (size_t)(source_number(e->input) % DATA_BYTES_MAX);
    if (pool[0] == 0)
        memset(pool, 'y', sizeof pool);
    if (len > e->bytes_left)
        len = e->bytes_left;
    e->bytes_left -= len;
    return bytes_of(pool, len);
}

#define OPERATION_TYPE(name, number, function, level) OP_##name,
static const uint8_t op_types[] = {OPERATIONS(OPERATION_TYPE)};
#undef OPERATION_TYPE

/* Fields that most operations ignore are left out now and then, to keep inputs short. */
static struct op op_of(struct experiment *e)
{
    struct source *s = e->input;
    struct op op = {.type = op_types[source_below(s, sizeof op_types)]};
    uint8_t fields = source_u8(s);
    if (op.type == OP_LEASE || op.type == OP_LEASE_RENEW || op.type == OP_LEASE_END)
        op.lease = 1 + source_below(s, LEASES);
    bool by_key = op.type == OP_PUT || op.type == OP_DELETE || op.type == OP_IF;
    op.name = by_key ? key_of(s) : name_of(s);
    op.ino = by_key ? 0 : source_number(s);
    if (fields & 1)
        op.flags = 1u << source_below(s, 32) | 1u << source_below(s, 32);
    if (fields & 2)
        op.ino2 = source_number(s);
    if (fields & 2)
        op.name2 = name_of(s);
    if (fields & 4)
        op.hold = fields & 8 ? op.ino : source_number(s);
    if (fields & 16)
        op.offset = source_number(s);
    if (fields & 32)
        op.size = source_number(s);
    if (fields & 64)
        op.data = op.type == OP_SETXATTR || op.type == OP_SYMLINK || op.type >= OP_AS
                      ? source_chunk(s)
                      : data_of(e);
    if (fields & 128) {
        op.revision = source_number(s);
        op.mtime = (int64_t)source_number(s);
        op.atime = ~op.mtime;
        op.mode = source_u32(s);
        op.uid = op.gid = op.rdev = (uint32_t)source_number(s);
        op.ttl = op.uid % 3 == 1 ? TTL_MS_MIN + op.uid : 0;
        if (op.type == OP_PUT && op.uid % 3 == 2)
            op.lease = 1 + op.uid % LEASES;
    }
    return op;
}

static struct stamp stamp_of(struct experiment *e)
{
    struct source *s = e->input;
    struct stamp stamp = {.node = 1 + source_below(s, NODES), .incarnation = 2, .time = 2000};
    uint8_t shape = source_u8(s);
    stamp.sequence = ++e->sequences[stamp.node];
    stamp.lowest = shape & 1 ? stamp.sequence : 1;
    if (shape & 2)
        stamp.sequence = source_number(s);
    if (shape & 4)
        stamp.lowest = source_number(s);
    if (shape & 8)
        stamp.incarnation = source_number(s);
    if (shape & 16)
        stamp.time = source_number(s);
    if (shape & 32)
        stamp.node = (uint32_t)source_number(s);
    return stamp;
}

/* ---- Actions ---- */

static void check_result(const struct command_result *result)
{
    assert(result->status <= 0);
    assert(result->status < 0 || result->count > 0);
    assert((result->count == 0) == !result->ops);
    for (uint32_t i = 0; i < result->count; i++)
        if (result->ops[i].old_present)
            assert(result->ops[i].old_at + result->ops[i].old_len <= result->old.len);
}

static void experiment_apply(struct experiment *e, struct bytes entry)
{
    struct command_result result;
    bool repeated;
    uint64_t applied = tree_applied(e->tree);
    int status = tree_apply(e->tree, entry, source_u8(e->input) & 1, &result, &repeated);
    assert(status == 0 || status == -EPROTONOSUPPORT); /* which a later version may have written */
    assert(tree_applied(e->tree) == applied + (status == 0));
    if (status < 0)
        return;
    check_result(&result);
    command_result_free(&result);
}

static void apply_command(struct experiment *e)
{
    struct command command = {0};
    uint32_t shape = source_u8(e->input);
    struct stamp stamp = stamp_of(e);
    for (uint32_t ops = shape < 200 ? 1 : 1 + shape % OPS_MAX; ops > 0; ops--) {
        struct op op = op_of(e);
        int status = command_add(&command, &op);
        assert(status == 0);
    }
    command_stamp(&command, &stamp);
    struct bytes entry = bytes_of(command.bytes.data, command.bytes.len);
    experiment_apply(e, entry);
    if (shape % 4 == 0) /* again: it must not take effect again */
        experiment_apply(e, entry);
    command_free(&command);
}

static bool experiment_on_entry(void *arg, struct bytes name, const struct attr *attr)
{
    assert(name.len > 0 && attr->ino > 0);
    return (*(uint32_t *)arg)-- > 1;
}

static void list_keys(struct experiment *e)
{
    bool more;
    uint32_t entries = 1 + source_below(e->input, 20);
    struct buffer resume = {0};
    struct bytes prefix = key_of(e->input), after = key_of(e->input);
    uint32_t visits = 1 + source_below(e->input, 100);
    int status = tree_keys(e->tree, NULL, prefix, after, visits, experiment_on_entry, &entries,
                           &more, &resume);
    assert(status == 0);
    assert(!more || resume.len > 0);
    buffer_free(&resume);
}

/* Reads that take anything; the unit tests check their answers. */
static void read_inode(struct experiment *e)
{
    struct source *s = e->input;
    struct buffer out = {0};
    struct attr attr;
    uint64_t ino = source_number(s), offset = source_number(s), found;
    uint32_t entries = 1 + source_below(s, 20);
    tree_read(e->tree, ino, offset, source_below(s, 60000), &out);
    tree_seek(e->tree, ino, offset, source_u8(s) & 1, &found);
    tree_readlink(e->tree, ino, &out);
    tree_getxattr(e->tree, ino, name_of(s), &out);
    tree_listxattr(e->tree, ino, &out);
    tree_lookup(e->tree, ino, name_of(s), &attr);
    tree_list(e->tree, ino, name_of(s), 50, experiment_on_entry, &entries);
    tree_resolve(e->tree, key_of(s), &attr);
    buffer_free(&out);
}

static void let_go(struct experiment *e)
{
    int status = tree_let_go(e->tree, source_number(e->input));
    assert(status == 0);
}

static void recall(struct experiment *e)
{
    struct command_result result = {0};
    uint32_t node = source_below(e->input, NODES + 1);
    uint64_t sequence = source_number(e->input);
    if (tree_recall(e->tree, node, 1 + source_below(e->input, 3), sequence, &result) == 0)
        assert(result.status <= 0);
    command_result_free(&result);
}

static void experiment_act(struct experiment *e)
{
    switch (source_below(e->input, 12)) {
    case 0:
        experiment_apply(e, source_chunk(e->input));
        break;
    case 1:
        read_inode(e);
        break;
    case 2:
        list_keys(e);
        break;
    case 3:
        recall(e);
        break;
    case 4:
        let_go(e);
        break;
    default:
        apply_command(e);
    }
    assert(e->tree->broken == 0);
}

void experiment(struct tree *tree, struct source *input, uint32_t actions)
{
    struct experiment e = {input, tree, {0}, DATA_BYTES_TOTAL};
    while (actions-- > 0 && input->left.len > 0)
        experiment_act(&e);
}

static int take_pieces(struct tree_writer *writer, const struct bytes *pieces, uint32_t count)
{
    int status = 0;
    for (uint32_t i = 0; i < count && status == 0; i++)
        status = lab_add(writer, guard_bytes(pieces[i]));
    if (status == 0)
        return lab_install(writer);
    tree_writer_abort(writer);
    return status;
}

void experiment_with_snapshot(struct lab *lab, uint64_t index, const struct bytes *pieces,
                              uint32_t count, struct source *input)
{
    struct tree_writer *writer;
    uint64_t digest;
    int status = tree_writer_open(lab->tree, index, &writer);
    assert(status == 0);
    status = take_pieces(writer, pieces, count);
    assert(status == 0 || status == -EBADMSG);
    if (status < 0)
        return;
    status = tree_digest(lab->tree, &digest);
    assert(status == 0);
    experiment(lab->tree, input, ACTIONS_OF_SNAPSHOT);
    lab_renew(lab);
}
