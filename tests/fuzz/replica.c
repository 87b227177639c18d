/* A whole replica between two honest cores and a liar that uses their names: forged messages,
 * frames of snapshots, and commands that bear its own stamp. The node never stops, and each
 * request is answered once, with a result that a door can use. */
#include "forge.h"
#include "host.h"
#include "work.h"

#include "store/tree_records.h"

enum { STEPS_MAX = 200, OPS_MAX = 4 };

static uint32_t asked, answered; /* commands and reads */

/* ---- Requests ---- */

static void on_written(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    uint32_t ops = (uint32_t)(uintptr_t)arg;
    answered++;
    assert((outcome != REPLICA_DONE) == !result);
    if (!result || result->status != 0)
        return;
    assert(result->count == ops); /* a door looks at each */
    assert(result->ops);
}

static void submit(struct source *s)
{
    struct command command = {0};
    uint32_t ops = 1 + source_below(s, OPS_MAX);
    for (uint32_t i = 0; i < ops; i++) {
        struct op op = {.type = OP_PUT, .name = bytes_of_text("duck"), .data = source_chunk(s)};
        int status = command_add(&command, &op);
        assert(status == 0);
    }
    asked++;
    replica_submit(host.replica, &command, on_written, (void *)(uintptr_t)ops);
}

static void on_read(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct attr attr;
    answered++;
    if (outcome == REPLICA_DONE)
        tree_resolve(replica_tree(host.replica), bytes_of_text("duck"), &attr);
}

static void ask(struct source *s)
{
    asked++;
    replica_read(host.replica, (enum replica_consistency)source_below(s, REPLICA_LOCAL + 1),
                 on_read, NULL);
}

/* ---- A liar's means beside forged messages ---- */

/* A command with the stamp of this node, which it has not sent. */
static void propose_in_its_name(struct source *s)
{
    struct command command = {0};
    uint64_t sequence = host.replica->writes.next_sequence + source_below(s, 8) - 4;
    struct stamp stamp = {HOST_PID, replica_incarnation(host.replica), sequence, source_u8(s) & 1,
                          1};
    for (uint32_t ops = 1 + source_below(s, OPS_MAX); ops > 0; ops--) {
        struct op op = {.type = OP_PUT, .name = bytes_of_text("goose")};
        int status = command_add(&command, &op);
        assert(status == 0);
    }
    command_stamp(&command, &stamp);
    uint32_t cut = source_below(s, 4) == 0 ? source_u8(s) : 0;
    uint32_t len = (uint32_t)command.bytes.len;
    struct paxos_entry *entry = paxos_entry_new(command.bytes.data, len - (cut < len ? cut : len));
    assert(entry);
    cluster_step(&host.cluster, &host.cluster.nodes[source_below(s, 2)],
                 &(struct paxos_event){.type = PAXOS_PROPOSE, .entries = &entry, .entry_count = 1});
    paxos_entry_unref(entry);
    command_free(&command);
}

static void put_row(struct buffer *out, uint8_t table, const uint64_t *numbers, uint32_t count)
{
    buffer_put_u8(out, table);
    for (uint32_t i = 0; i < count; i++) {
        buffer_put_u8(out, RECORD_NUMBER);
        buffer_put_u64(out, numbers[i]);
    }
}

/* A sound snapshot of a tree with nothing in it. */
static struct buffer empty_tree(uint64_t index)
{
    struct buffer out = {0};
    const uint64_t meta[] = {index, 2, 1, 1, 1, 0, 0};
    const uint64_t root[] = {1, 0040777, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    const uint64_t counts[TABLES_MAX] = {[0] = 1, [3] = 1};
    record_put_header(&out, RECORD_FORMAT_OLDEST, index);
    put_row(&out, 0, meta, sizeof meta / sizeof *meta);
    put_row(&out, 3, root, sizeof root / sizeof *root);
    buffer_put_u8(&out, RECORD_BYTES);
    buffer_put_bytes(&out, (struct bytes){0});
    record_put_end(&out, RECORD_FORMAT_OLDEST, counts);
    assert(!out.failed);
    return out;
}

/* An answer to the node's last request, or something like it. */
static void send_piece(struct source *s)
{
    uint8_t shape = source_u8(s);
    struct frame frame = host.request;
    frame.type = FRAME_SNAPSHOT_PIECE;
    frame.from = shape & 1 ? 1 + source_below(s, 2) : host.request.to;
    frame.to = HOST_PID;
    frame.index += shape & 2 ? source_number(s) : 1;
    frame.piece += shape & 4 ? source_number(s) : 0;
    frame.id += shape & 8 ? source_number(s) : 0;
    frame.last = !(shape & 16);
    struct buffer tree = empty_tree(frame.index);
    frame.data = shape & 32 ? source_chunk(s) : bytes_of(tree.data, tree.len);
    host_frame(&frame);
    buffer_free(&tree);
}

static void send_other(struct source *s)
{
    static const uint8_t types[] = {FRAME_SNAPSHOT_REQUEST, FRAME_PING, FRAME_PONG,
                                    FRAME_CLOCK_REQUEST, FRAME_CLOCK};
    struct frame frame = {.type = types[source_below(s, 5)], .from = 1 + source_below(s, 2)};
    frame.to = HOST_PID;
    frame.id = source_number(s);
    frame.index = source_number(s);
    frame.piece = source_number(s);
    frame.time = source_number(s);
    host_frame(&frame);
}

/* ---- Actions ---- */

static void link_event(struct source *s)
{
    uint32_t pid = 1 + source_below(s, 2);
    host.linked[pid] = source_u8(s) & 1;
    host.links.link(host.links.arg, pid, host.linked[pid]);
}

static void step(struct source *s)
{
    static const uint64_t times_ms[] = {1, 50, 1100, 6000};
    switch (source_below(s, 16)) {
    case 0:
    case 1:
        submit(s);
        break;
    case 2:
        ask(s);
        break;
    case 3:
        propose_in_its_name(s);
        break;
    case 4:
    case 5:
        send_piece(s);
        break;
    case 6:
        send_other(s);
        break;
    case 7:
        host_pass_time(times_ms[source_below(s, 4)]);
        break;
    case 8:
        link_event(s);
        break;
    case 9:
        host_settle(1 + source_below(s, 4));
        break;
    case 10:
        host_disks();
        break;
    case 11:
        host_heartbeat();
        break;
    case 12:
        forge_frame(&host.cluster, s);
        break;
    case 13:
        work_all();
        break;
    case 14:
        forge_message(&host.cluster, s);
        break;
    default:
        mail_deliver(&host.cluster, source_u8(s), false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = source_of(data, size);
    asked = answered = 0;
    host_start();
    for (int i = 0; i < STEPS_MAX && s.left.len > 0; i++) {
        step(&s);
        host_turn();
    }
    host_stop();
    assert(answered == asked);
    return 0;
}
