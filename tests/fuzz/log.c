/* Rows of log.db of any kind: they are refused as damaged, or the core starts from them and goes
 * through some heartbeats. */
#include "fuzz.h"

#include "store/log.h"
#include "store/log_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 20, TICKS = 12 };

static struct log_db db;
static struct folder *folder; /* of db */

static void open_db(void)
{
    static const struct identity identity = {.cluster = 7, .node = 1};
    struct fault fault;
    int status = folder_open(folder_of_process(), &folder, &fault);
    assert(status == 0);
    struct paxos_membership members = paxos_membership_of((uint32_t[]){1, 2, 3}, 3, PAXOS_FRESH);
    status = log_db_open(&db, folder, &identity, &members, 0);
    assert(status == 0);
}

static void execute(const char *text)
{
    int status = sql_exec(&db.sql, text);
    assert(status == 0);
}

static void run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    assert(code == SQLITE_DONE || (code & 0xff) == SQLITE_CONSTRAINT); /* an index twice */
    sqlite3_finalize(statement);
}

static sqlite3_stmt *prepare(const char *text)
{
    sqlite3_stmt *statement;
    int status = sql_prepare(&db.sql, text, &statement);
    assert(status == 0);
    return statement;
}

static void put_state(struct source *s)
{
    sqlite3_stmt *insert = prepare("INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)");
    for (int i = 1; i <= 8; i++)
        sqlite3_bind_int64(insert, i, (int64_t)source_number(s));
    run(insert);
}

static void put_membership(struct source *s)
{
    uint8_t shape = source_u8(s);
    sqlite3_stmt *update = prepare("UPDATE state SET standing = ?, folder = ?");
    sqlite3_bind_int64(update, 1, shape % (PAXOS_STANDING_END + 1));
    sqlite3_bind_int64(update, 2, UINT8_MAX - shape);
    run(update);
    if (shape % 16 != 1)
        execute("INSERT INTO member VALUES (1, 0, 0), (2, 0, 0), (3, 0, 0)");
    for (uint32_t left = source_below(s, 3); left > 0; left--) {
        sqlite3_stmt *insert = prepare("REPLACE INTO member VALUES (?, ?, ?)");
        sqlite3_bind_int64(insert, 1, source_below(s, PAXOS_NODES_MAX + 1));
        sqlite3_bind_int64(insert, 2, (int64_t)source_number(s));
        sqlite3_bind_int64(insert, 3, (int64_t)source_number(s));
        run(insert);
    }
}

static void put_entry(uint64_t index, struct bytes bytes)
{
    sqlite3_stmt *insert = prepare("INSERT INTO entry VALUES (?, ?)");
    sqlite3_bind_int64(insert, 1, (int64_t)index);
    sql_bind_bytes(insert, 2, bytes);
    run(insert);
}

static void put_rows(struct source *s)
{
    execute("BEGIN; DELETE FROM state; DELETE FROM member; DELETE FROM entry");
    if (source_u8(s) % 16 != 1)
        put_state(s);
    uint64_t index = source_number(s);
    for (uint32_t left = source_below(s, ENTRIES_MAX); left > 0; left--) {
        uint8_t shape = source_u8(s);
        put_entry(shape == 255 ? source_number(s) : index++, source_bytes(s, shape % 16));
    }
}

/* A clock, and a disk that is quick. */
static void start_core(const struct paxos_stored *stored)
{
    struct paxos_config config = {.me = 1, .count = stored->membership.count};
    for (uint32_t i = 0; i < config.count; i++)
        config.pids[i] = stored->membership.members[i].pid;
    struct paxos *core = paxos_new(&config, stored);
    assert(core);
    uint64_t ticket = 0;
    for (int i = 0; i < TICKS; i++) {
        struct paxos_event event = {.type = i % 2 ? PAXOS_DURABLE : PAXOS_TICK, .ticket = ticket};
        struct paxos_output out;
        int status = paxos_step(core, &event);
        assert(status == 0);
        status = paxos_output(core, &out);
        assert(status == 0);
        ticket = out.write.ticket ? out.write.ticket : ticket;
        paxos_output_clear(&out);
    }
    paxos_free(core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = source_of(data, size);
    struct paxos_stored stored;
    if (!db.sql.db)
        open_db();
    put_rows(&s);
    uint64_t applied = source_number(&s), snapshot = source_number(&s);
    snapshot = snapshot < applied ? snapshot : applied; /* the tree was taken from it */
    put_membership(&s);
    execute("COMMIT");
    int status = log_db_checkpoint(&db);
    assert(status == 0);
    status = log_db_load(&db, applied, snapshot, &stored);
    assert(status == 0 || status == -EUCLEAN || status == -EINVAL);
    if (status < 0) {
        assert(db.sql.fault.text[0]);
        return 0;
    }
    assert(stored.compacted <= stored.decided);
    assert(stored.decided <= stored.compacted + stored.entry_count);
    assert(stored.decided >= applied && stored.compacted >= snapshot);
    start_core(&stored);
    log_stored_clear(&stored);
    return 0;
}
