/* Reading log.db at the start. A log whose parts contradict one another, or the tree, is refused.
 */
#include "store/log.h"
#include "store/log_db.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct paxos_ballot log_column_ballot(sqlite3_stmt *row, int column)
{
    return (struct paxos_ballot){(uint64_t)sqlite3_column_int64(row, column),
                                 (uint32_t)sqlite3_column_int64(row, column + 1),
                                 (uint32_t)sqlite3_column_int64(row, column + 2)};
}

/* Reads the row of `state`, and checks whether its numbers can be true together. */
static int log_read_state(struct log_db *db)
{
    sqlite3_stmt *get = db->statements[LOG_GET_STATE];
    struct log_state *state = &db->state;
    int status = sql_step(&db->sql, get);
    if (status == 0)
        return sql_damaged(&db->sql, "it has no state");
    if (status < 0)
        return status;
    state->promise = log_column_ballot(get, 0);
    state->acc_round = log_column_ballot(get, 3);
    state->decided = (uint64_t)sqlite3_column_int64(get, 6);
    state->compacted = (uint64_t)sqlite3_column_int64(get, 7);
    state->incarnation = (uint64_t)sqlite3_column_int64(get, 8);
    state->membership.standing = (uint32_t)sqlite3_column_int64(get, 9);
    state->folder = (uint64_t)sqlite3_column_int64(get, 10);
    sqlite3_reset(get);
    if (paxos_ballot_compare(state->acc_round, state->promise) > 0)
        return sql_damaged(&db->sql, "its accepted round is above its promise");
    if (state->compacted > state->decided)
        return sql_damaged(&db->sql, "it is compacted beyond what is decided");
    if (state->incarnation > INT64_MAX - LOG_INCARNATION_STEP)
        return sql_damaged(&db->sql, "its incarnation is beyond all that can be");
    if (state->membership.standing >= PAXOS_STANDING_END || state->folder == 0)
        return sql_damaged(&db->sql, "it does not say whether the node is a member");
    if (state->membership.standing != PAXOS_MEMBER && state->acc_round.n != 0)
        return sql_damaged(&db->sql, "it has accepted entries without being a member");
    return 0;
}

/* Reads the members, one row after another in the order of pids. This node must be one of them. */
static int log_read_members(struct log_db *db)
{
    struct paxos_membership *membership = &db->state.membership;
    bool here = false; /* whether this node is one of them */
    *membership = (struct paxos_membership){.standing = membership->standing};
    sqlite3_stmt *list = db->statements[LOG_LIST_MEMBERS];
    int status;
    while ((status = sql_step(&db->sql, list)) > 0) {
        int64_t pid = sqlite3_column_int64(list, 0), life = sqlite3_column_int64(list, 1);
        bool possible = pid > 0 && pid <= UINT32_MAX && life >= 0 && life < PAXOS_LIFE_MAX;
        if (!possible || membership->count == PAXOS_NODES_MAX) {
            here = false;
            break;
        }
        here |= pid == db->node;
        membership->members[membership->count++] = (struct paxos_member){
            (uint32_t)pid, (uint32_t)life, (uint64_t)sqlite3_column_int64(list, 2)};
    }
    sqlite3_reset(list);
    return status < 0 || here ? status : sql_damaged(&db->sql, "its list of members is wrong");
}

/* Copies one entry to the end of the array, which has room for `*room`. */
static int log_add_entry(struct paxos_stored *stored, uint64_t *room, struct bytes bytes)
{
    assert(stored->entry_count <= *room);
    if (stored->entry_count == *room) {
        uint64_t more = *room == 0 ? 1024 : *room * 2;
        struct paxos_entry **entries =
            realloc(stored->entries, more * sizeof(struct paxos_entry *));
        if (!entries)
            return -ENOMEM;
        stored->entries = entries;
        *room = more;
    }
    struct paxos_entry *entry = paxos_entry_new(bytes.data, (uint32_t)bytes.len);
    if (!entry)
        return -ENOMEM;
    stored->entries[stored->entry_count++] = entry;
    return 0;
}

/* Reads the entries from `compacted` on; no index may be missing up to what is decided. */
static int log_read_entries(struct log_db *db, struct paxos_stored *stored)
{
    sqlite3_stmt *list = db->statements[LOG_LIST];
    uint64_t room = 0;
    sqlite3_bind_int64(list, 1, (int64_t)db->state.compacted);
    int status;
    while ((status = sql_step(&db->sql, list)) > 0) {
        uint64_t index = (uint64_t)sqlite3_column_int64(list, 0);
        if (index != db->state.compacted + stored->entry_count)
            status = sql_damaged(&db->sql, "an entry is missing");
        else if (log_add_entry(stored, &room, sql_column_bytes(list, 1)) < 0)
            status = fault_set(&db->sql.fault, -ENOMEM, "log.db: read the log: out of memory");
        if (status < 0)
            break;
    }
    sqlite3_reset(list);
    if (status == 0 && db->state.decided > db->state.compacted + stored->entry_count)
        return sql_damaged(&db->sql, "decided entries are missing");
    return status;
}

/* A snapshot beyond the end of the log took the tree's place, and then the node died: everything in
 * the log is void. */
static int log_cut_to(struct log_db *db, uint64_t applied, struct paxos_stored *stored)
{
    assert(applied > db->state.compacted + stored->entry_count);
    struct paxos_write write = {.promise = db->state.promise,
                                .acc_round = db->state.acc_round,
                                .decided = applied,
                                .compacted = applied,
                                .truncate = true,
                                .first = 0,
                                .membership = db->state.membership};
    int status = log_db_begin(db);
    if (status == 0)
        status = log_db_put(db, &write);
    if (status == 0)
        status = log_db_commit(db);
    log_stored_clear(stored);
    return status;
}

/* A snapshot took the tree's place, and then the node died before the log was told. Entries below
 * the snapshot may never have been decided; those beyond it were accepted, and stay. */
static int log_cut_below(struct log_db *db, uint64_t snapshot, struct paxos_stored *stored)
{
    assert(snapshot > db->state.compacted);
    uint64_t end = db->state.compacted + stored->entry_count;
    uint64_t void_ones = snapshot - db->state.compacted;
    assert(void_ones <= stored->entry_count);
    struct paxos_write write = {.promise = db->state.promise,
                                .acc_round = db->state.acc_round,
                                .decided = db->state.decided,
                                .compacted = snapshot,
                                .first = end,
                                .membership = db->state.membership};
    int status = log_db_begin(db);
    if (status == 0)
        status = log_db_put(db, &write);
    if (status == 0)
        status = log_db_commit(db);
    for (uint64_t i = 0; i < void_ones; i++)
        paxos_entry_unref(stored->entries[i]);
    stored->entry_count -= void_ones;
    memmove(stored->entries, stored->entries + void_ones,
            stored->entry_count * sizeof *stored->entries);
    return status;
}

/* The log and the tree are in two databases, so a crash can leave either ahead of the other. */
static int log_fit_to_tree(struct log_db *db, uint64_t applied, uint64_t snapshot,
                           struct paxos_stored *stored)
{
    struct log_state *state = &db->state;
    if (applied < state->compacted)
        return fault_set(&db->sql.fault, -EINVAL,
                         "tree.db holds %" PRIu64 " entries, but the log begins only after %" PRIu64
                         ": tree.db was lost or replaced by an older one; " FOLDER_REMEDY,
                         applied, state->compacted);
    if (applied > state->compacted + stored->entry_count && applied != snapshot)
        return sql_damaged(&db->sql, "it ends before what the tree has applied");
    if (applied > state->compacted + stored->entry_count)
        return log_cut_to(db, applied, stored);
    if (applied > state->decided)
        state->decided = applied;
    return snapshot > state->compacted ? log_cut_below(db, snapshot, stored) : 0;
}

int log_db_load(struct log_db *db, uint64_t applied, uint64_t snapshot, struct paxos_stored *stored)
{
    memset(stored, 0, sizeof *stored);
    int status = log_read_state(db);
    if (status == 0)
        status = log_read_members(db);
    if (status == 0)
        status = log_read_entries(db, stored);
    if (status == 0)
        status = log_fit_to_tree(db, applied, snapshot, stored);
    if (status < 0) {
        log_stored_clear(stored);
        return status;
    }
    assert(db->state.compacted <= db->state.decided);
    assert(db->state.decided <= db->state.compacted + stored->entry_count);
    stored->promise = db->state.promise;
    stored->acc_round = db->state.acc_round;
    stored->decided = db->state.decided;
    stored->compacted = db->state.compacted;
    stored->membership = db->state.membership;
    stored->folder = db->state.folder;
    return 0;
}

void log_stored_clear(struct paxos_stored *stored)
{
    for (uint64_t i = 0; i < stored->entry_count; i++)
        paxos_entry_unref(stored->entries[i]);
    free(stored->entries);
    memset(stored, 0, sizeof *stored);
}

int log_db_next_incarnation(struct log_db *db, uint64_t *incarnation)
{
    sqlite3_stmt *set = db->statements[LOG_SET_INCARNATION];
    uint64_t next = db->state.incarnation + LOG_INCARNATION_STEP;
    assert(next > db->state.incarnation);
    sqlite3_bind_int64(set, 1, (int64_t)next);
    int status = sql_run(&db->sql, set);
    if (status < 0)
        return status;
    db->state.incarnation = next;
    *incarnation = next;
    return 0;
}
