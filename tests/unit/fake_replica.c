#include "fake_replica.h"
#include "fake_watches.h"

#include "command/command.h"
#include "replica/status.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

struct fake_settings fake;

/* ---- The keys, sorted ---- */

struct entry {
    struct bytes key, value; /* both allocated */
    struct attr attr;
    uint64_t ttl, lease;
};

enum { FAKE_LEASES_MAX = 8, FAKE_TOKENS_MAX = 4 };

struct tree {
    struct tree_token tokens[FAKE_TOKENS_MAX]; /* no name: none */
    struct tree_lease leases[FAKE_LEASES_MAX]; /* id 0: none */
    struct entry *entries;
    size_t count, cap;
    uint64_t revision, next_ino;
};

static struct bytes copy(struct bytes from)
{
    uint8_t *data = malloc(from.len + 1);
    assert(data);
    if (from.len > 0)
        memcpy(data, from.data, from.len);
    return bytes_of(data, from.len);
}

static int compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The first entry that is not below `key`. */
static size_t lower_bound(const struct tree *tree, struct bytes key)
{
    size_t low = 0, high = tree->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(tree->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct entry *fake_find(const struct tree *tree, struct bytes key)
{
    size_t at = lower_bound(tree, key);
    bool there = at < tree->count && compare(tree->entries[at].key, key) == 0;
    return there ? &tree->entries[at] : NULL;
}

static bool has_prefix(struct bytes key, struct bytes prefix)
{
    return key.len >= prefix.len && bytes_equal(bytes_of(key.data, prefix.len), prefix);
}

static bool is_directory(const struct tree *tree, struct bytes key)
{
    struct buffer below = {0};
    buffer_append(&below, key.data, key.len);
    buffer_append(&below, "/", 1);
    size_t at = lower_bound(tree, bytes_of(below.data, below.len));
    bool found =
        at < tree->count && has_prefix(tree->entries[at].key, bytes_of(below.data, below.len));
    buffer_free(&below);
    return found;
}

static bool has_file_parent(const struct tree *tree, struct bytes key)
{
    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] == '/' && fake_find(tree, bytes_of(key.data, i)))
            return true;
    return false;
}

static void insert(struct tree *tree, struct bytes key, struct bytes value, uint32_t mode)
{
    struct entry *entry = fake_find(tree, key);
    if (!entry) {
        size_t at = lower_bound(tree, key);
        if (tree->count == tree->cap) {
            tree->cap = tree->cap ? 2 * tree->cap : 64;
            tree->entries = realloc(tree->entries, tree->cap * sizeof *tree->entries);
            assert(tree->entries);
        }
        memmove(&tree->entries[at + 1], &tree->entries[at],
                (tree->count - at) * sizeof *tree->entries);
        tree->count++;
        entry = &tree->entries[at];
        *entry = (struct entry){.key = copy(key), .attr.ino = ++tree->next_ino};
    } else {
        free((void *)entry->value.data);
    }
    entry->value = copy(value);
    entry->attr.mode = mode;
    entry->attr.size = value.len;
    entry->attr.revision = tree->revision;
    entry->attr.mtime = entry->attr.ctime = (int64_t)tree->revision * 1000000000; /* a clock */
}

static void erase(struct tree *tree, struct entry *entry)
{
    free((void *)entry->key.data);
    free((void *)entry->value.data);
    size_t at = (size_t)(entry - tree->entries);
    memmove(entry, entry + 1, (tree->count - at - 1) * sizeof *entry);
    tree->count--;
}

int tree_resolve(struct tree *tree, struct bytes key, struct attr *attr)
{
    const struct entry *entry = fake_find(tree, key);
    if (entry) {
        *attr = entry->attr;
        return 0;
    }
    if (is_directory(tree, key)) {
        *attr = (struct attr){.mode = S_IFDIR | 0755};
        return 0;
    }
    return has_file_parent(tree, key) ? -ENOTDIR : -ENOENT;
}

static const struct entry *by_ino(const struct tree *tree, uint64_t ino)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->entries[i].attr.ino == ino)
            return &tree->entries[i];
    return NULL;
}

int tree_getattr(struct tree *tree, uint64_t ino, struct attr *attr)
{
    const struct entry *entry = by_ino(tree, ino);
    if (!entry)
        return -ENOENT;
    *attr = entry->attr;
    return 0;
}

int tree_read(struct tree *tree, uint64_t ino, uint64_t offset, size_t len, struct buffer *out)
{
    const struct entry *entry = by_ino(tree, ino);
    if (!entry)
        return -ENOENT;
    if (offset >= entry->value.len)
        return 0;
    size_t left = entry->value.len - (size_t)offset;
    buffer_append(out, entry->value.data + offset, len < left ? len : left);
    return 0;
}

int tree_keys(struct tree *tree, const struct caller *caller, struct bytes prefix,
              struct bytes after, uint32_t visits_max, tree_key_cb *each, void *arg, bool *more,
              struct buffer *resume)
{
    fake.keys_turns++;
    *more = false;
    size_t at = lower_bound(tree, compare(prefix, after) > 0 ? prefix : after);
    for (uint32_t visits = 0; at < tree->count; at++, visits++) {
        const struct entry *entry = &tree->entries[at];
        if (compare(entry->key, after) <= 0)
            continue;
        if (!has_prefix(entry->key, prefix))
            return 0;
        if (visits == visits_max) {
            *more = true;
            buffer_append(resume, tree->entries[at - 1].key.data, tree->entries[at - 1].key.len);
            return 0;
        }
        if (!each(arg, entry->key, &entry->attr))
            return 0;
    }
    return 0;
}

/* One lock, and one that waits for it. */
int tree_lock_lines(struct tree *tree, tree_lock_line_cb *each, void *arg, uint64_t *more)
{
    struct tree_lock lock = {.flock = true,
                             .node = 1,
                             .pid = 42,
                             .last = LOCK_LAST_MAX,
                             .since = FAKE_TIME + 5000000,
                             .token = 17};
    each(arg, &(struct tree_lock_line){.lock = &lock, .paths = bytes_of("a\0b\xff", 5)});
    lock = (struct tree_lock){.shared = true, .node = 2, .first = 3, .last = 4, .since = FAKE_TIME};
    each(arg, &(struct tree_lock_line){.lock = &lock, .place = 1});
    *more = 2;
    return 0;
}

uint64_t tree_applied(const struct tree *tree)
{
    return tree->revision;
}

/* ---- Callers ---- */

int tree_may(struct tree *tree, const struct caller *caller, struct bytes key, uint32_t want)
{
    return caller_is_root(caller) ? 0 : fake.may_status;
}

int tree_may_see(struct tree *tree, const struct caller *caller, struct bytes path)
{
    return caller_is_root(caller) ? 0 : fake.may_status;
}

bool tree_lease_may(const struct caller *caller, const struct tree_lease *lease)
{
    return caller_is_root(caller) || fake.may_status == 0;
}

static int fake_token_order(const void *a, const void *b)
{
    const struct tree_token *x = a, *y = b;
    return compare(bytes_of(x->name, x->name_len), bytes_of(y->name, y->name_len));
}

int tree_token_find(struct tree *tree, const uint8_t hash[TOKEN_HASH_BYTES],
                    struct tree_token *token)
{
    if (fake.tokens_late > 0 && fake.tokens_late-- > 0)
        return -ENOENT;
    for (int i = 0; i < FAKE_TOKENS_MAX; i++) {
        *token = tree->tokens[i];
        if (fake.tokens_expired)
            token->expires = (int64_t)FAKE_TIME;
        if (token->name_len > 0 && memcmp(token->hash, hash, TOKEN_HASH_BYTES) == 0)
            return 0;
    }
    return -ENOENT;
}

int tree_token_next(struct tree *tree, struct bytes after, struct tree_token *token)
{
    qsort(tree->tokens, FAKE_TOKENS_MAX, sizeof *tree->tokens, fake_token_order);
    for (int i = 0; i < FAKE_TOKENS_MAX; i++) {
        *token = tree->tokens[i];
        if (compare(bytes_of(token->name, token->name_len), after) > 0)
            return 0;
    }
    return -ENOENT;
}

static bool is_of_tokens(const struct op *op)
{
    return op->type == OP_TOKEN_ADD || op->type == OP_TOKEN_REMOVE;
}

static struct tree_token *fake_token(struct tree *tree, struct bytes name)
{
    for (int i = 0; i < FAKE_TOKENS_MAX; i++)
        if (bytes_equal(bytes_of(tree->tokens[i].name, tree->tokens[i].name_len), name))
            return &tree->tokens[i];
    return NULL;
}

static int fake_token_check(struct tree *tree, const struct op *op)
{
    bool there = fake_token(tree, op->name);
    if (op->type == OP_TOKEN_REMOVE)
        return there ? 0 : -ENOENT;
    return there ? -EEXIST : fake_token(tree, (struct bytes){0}) ? 0 : -EDQUOT;
}

static void apply_token(struct tree *tree, const struct op *op)
{
    bool add = op->type == OP_TOKEN_ADD;
    struct tree_token *token = fake_token(tree, add ? (struct bytes){0} : op->name);
    *token = (struct tree_token){.name_len = 0};
    if (!add)
        return;
    token->caller.uid = op->uid;
    token->caller.gid = op->gid;
    token->caller.token = tree->revision;
    token->made = (int64_t)FAKE_TIME;
    token->expires = op->mtime;
    token->read_only = op->flags & OP_READ_ONLY;
    memcpy(token->hash, op->data.data, TOKEN_HASH_BYTES);
    caller_take_groups(bytes_of(op->data.data + TOKEN_HASH_BYTES, op->data.len - TOKEN_HASH_BYTES),
                       &token->caller);
    memcpy(token->name, op->name.data, token->name_len = op->name.len);
    if (op->name2.len > 0)
        memcpy(token->path, op->name2.data, token->path_len = op->name2.len);
}

/* ---- What goes away by itself ---- */

int tree_ttl(struct tree *tree, const struct attr *attr, uint64_t *ms, uint64_t *lease)
{
    const struct entry *entry = by_ino(tree, attr->ino);
    *ms = entry ? entry->ttl : 0;
    *lease = entry ? entry->lease : 0;
    return 0;
}

uint64_t replica_left_ms(const struct replica *replica, uint64_t key)
{
    return 12345;
}

static struct tree_lease *fake_lease(struct tree *tree, uint64_t id)
{
    for (int i = 0; i < FAKE_LEASES_MAX; i++)
        if (tree->leases[i].id == id)
            return &tree->leases[i];
    return NULL;
}

int tree_lease_get(struct tree *tree, uint64_t id, struct tree_lease *lease)
{
    const struct tree_lease *found = fake_lease(tree, id);
    if (found)
        *lease = *found;
    return found ? 0 : -ENOENT;
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct tree_lease *)a)->id, y = ((const struct tree_lease *)b)->id;
    return (x > y) - (x < y);
}

int tree_leases(struct tree *tree, uint64_t after, uint32_t max, struct tree_lease *list,
                uint32_t *count)
{
    *count = 0;
    qsort(tree->leases, FAKE_LEASES_MAX, sizeof *tree->leases, by_id);
    for (int i = 0; i < FAKE_LEASES_MAX && *count < max; i++)
        if (tree->leases[i].id > after)
            list[(*count)++] = tree->leases[i];
    return 0;
}

int tree_lease_files(struct tree *tree, uint64_t id, uint64_t list[], uint32_t *count)
{
    *count = 0;
    for (size_t i = 0; i < tree->count; i++)
        if (tree->entries[i].lease == id)
            list[(*count)++] = tree->entries[i].attr.ino;
    return 0;
}

int tree_paths(struct tree *tree, uint64_t ino, tree_path_cb *each, void *arg)
{
    each(arg, by_ino(tree, ino)->key);
    return 0;
}

static bool is_of_leases(const struct op *op)
{
    return op->type == OP_LEASE || op->type == OP_LEASE_RENEW || op->type == OP_LEASE_END;
}

static void apply_lease(struct tree *tree, const struct op *op, struct op_result *out)
{
    struct tree_lease *lease = fake_lease(tree, op->type == OP_LEASE ? 0 : op->lease);
    assert(lease);
    out->offset = lease->ms;
    if (op->type == OP_LEASE)
        *lease = (struct tree_lease){.id = op->lease, .ms = op->size};
    if (op->type != OP_LEASE_END)
        return;
    out->offset = 0;
    for (size_t i = tree->count; i-- > 0;) {
        if (tree->entries[i].lease != op->lease)
            continue;
        erase(tree, &tree->entries[i]);
        out->offset++;
    }
    *lease = (struct tree_lease){.id = 0};
}

static void fake_bind(struct tree *tree, struct entry *entry, const struct op *op)
{
    struct tree_lease *old = entry->lease ? fake_lease(tree, entry->lease) : NULL;
    if (old)
        old->files--;
    entry->ttl = op->lease || op->ttl == TTL_NONE ? 0 : op->ttl ? op->ttl : entry->ttl;
    entry->lease = op->lease;
    if (op->lease)
        fake_lease(tree, op->lease)->files++;
}

/* ---- Views: copies ---- */

struct tree_view {
    LIST_ENTRY(tree_view) entry;
    bool ended;
    bool former; /* of an earlier test: revisions have begun again since */
    struct tree tree;
};
static LIST_HEAD(, tree_view) views = LIST_HEAD_INITIALIZER(views);

int tree_view_open(struct tree *tree, struct tree_view **out)
{
    if (fake.views_refused)
        return -EBUSY;
    struct tree_view *view = calloc(1, sizeof *view);
    assert(view);
    for (size_t i = 0; i < tree->count; i++) {
        const struct entry *entry = &tree->entries[i];
        insert(&view->tree, entry->key, entry->value, entry->attr.mode);
        fake_find(&view->tree, entry->key)->attr = entry->attr;
    }
    view->tree.revision = tree->revision;
    LIST_INSERT_HEAD(&views, view, entry);
    fake.views++;
    fake.views_opened++;
    *out = view;
    return 0;
}

struct tree *tree_view_tree(struct tree_view *view)
{
    if (!view->ended && fake.views_ending > 0 && fake.views_looks-- <= 0) {
        fake.views_ending--;
        view->ended = true;
    }
    return view->ended ? NULL : &view->tree;
}

void tree_view_close(struct tree_view *view)
{
    while (view->tree.count > 0)
        erase(&view->tree, &view->tree.entries[view->tree.count - 1]);
    LIST_REMOVE(view, entry);
    fake.views -= !view->former;
    free(view->tree.entries);
    free(view);
}

/* ---- Commands ---- */

static bool fake_holds(const struct tree *tree, const struct op *op)
{
    const struct entry *entry = fake_find(tree, op->name);
    return !((op->flags & OP_IF_ABSENT) && entry) && !((op->flags & OP_IF_EXISTS) && !entry) &&
           !((op->flags & OP_IF_REVISION) && (!entry || entry->attr.revision != op->revision));
}

static int fake_check(const struct tree *tree, const struct op *op)
{
    bool needs = op->lease && op->type != OP_LEASE;
    if (needs && !fake_lease((struct tree *)tree, op->lease))
        return -EKEYEXPIRED;
    if (is_of_tokens(op))
        return fake_token_check((struct tree *)tree, op);
    if (is_of_leases(op))
        return op->type == OP_LEASE && !fake_lease((struct tree *)tree, 0) ? -EDQUOT : 0;
    if (is_directory(tree, op->name))
        return -EISDIR;
    if (has_file_parent(tree, op->name))
        return -ENOTDIR;
    return fake_holds(tree, op) ? 0 : -ECANCELED;
}

/* Whether the operation changes keys. IF and ELSE decide that for those behind them. */
static bool is_change(const struct tree *tree, const struct op *op, bool *skipping, bool *existed)
{
    if (op->type == OP_ELSE)
        *skipping = !*skipping;
    if (op->type == OP_AS || op->type == OP_ELSE || *skipping)
        return false;
    if (op->type == OP_IF) {
        *existed = fake_holds(tree, op);
        *skipping = !*existed;
    }
    return op->type != OP_IF;
}

static void apply_op(struct tree *tree, const struct op *op, struct command_result *result,
                     struct op_result *out)
{
    struct entry *entry = fake_find(tree, op->name);
    if (is_of_tokens(op)) {
        apply_token(tree, op);
        return;
    }
    if (is_of_leases(op)) {
        apply_lease(tree, op, out);
        return;
    }
    out->existed = entry;
    if (entry && (op->flags & OP_WANT_OLD) && !fake.old_forgotten) {
        out->old_present = true;
        out->old_at = result->old.len;
        out->old_len = entry->value.len;
        buffer_append(&result->old, entry->value.data, entry->value.len);
    }
    if (op->type == OP_PUT) {
        insert(tree, op->name, op->data, S_IFREG | 0644);
        fake_bind(tree, fake_find(tree, op->name), op);
        out->attr = fake_find(tree, op->name)->attr;
    } else if (entry) {
        erase(tree, entry);
    }
    if (op->type == OP_PUT)
        fake_changed(tree->revision, out->existed ? CHANGE_WRITTEN : CHANGE_CREATED, op->name,
                     false);
    else if (out->existed)
        fake_changed(tree->revision, CHANGE_DELETED, op->name, false);
}

static void fake_apply(struct tree *tree, struct bytes bytes, struct command_result *result)
{
    struct command_view view;
    struct op op;
    assert(command_read(bytes, &view) == 0);
    struct command_view again = view;
    bool skipping = false, existed;
    for (uint32_t i = 0; i < view.count && result->status == 0; i++) {
        assert(command_next(&again, &op) == 0);
        if (op.type == OP_AS) {
            assert(i == 0);
            fake.commands_as++;
            fake.as_uid = (int)op.uid;
            fake.as_token = (int)op.revision;
        }
        if (!is_change(tree, &op, &skipping, &existed))
            continue;
        result->status = fake.write_status ? fake.write_status : fake_check(tree, &op);
        result->failed_op = i;
    }
    if (result->status != 0)
        return;
    result->revision = ++tree->revision;
    result->count = view.count;
    result->old_forgotten = fake.old_forgotten;
    result->ops = calloc(view.count, sizeof *result->ops);
    assert(result->ops);
    skipping = false;
    for (uint32_t i = 0; i < view.count; i++) {
        assert(command_next(&view, &op) == 0);
        if (is_change(tree, &op, &skipping, &result->ops[i].existed))
            apply_op(tree, &op, result, &result->ops[i]);
    }
}

/* ---- The replica ---- */

struct call {
    TAILQ_ENTRY(call) queue;
    replica_written_cb *written;
    replica_read_cb *read;
    void (*pinged)(void *arg, bool reached);
    void (*awaited)(void *arg);
    void *arg;
    struct command command;
};

struct replica {
    struct tree tree;
    uv_timer_t timer;
    uv_check_t churn;
    TAILQ_HEAD(, call) waiting;
};

bool replica_refuses_writes(const struct replica *replica)
{
    return fake.read_outcome == REPLICA_NO_QUORUM;
}

void replica_unsupported(const struct replica *replica, char text[REPLICA_TEXT_MAX])
{
    snprintf(text, REPLICA_TEXT_MAX, "node 3 runs an earlier version");
}

void replica_no_room(const struct replica *replica, char text[REPLICA_TEXT_MAX])
{
    snprintf(text, REPLICA_TEXT_MAX, "delete something");
}

const char *replica_outcome_text(enum replica_outcome outcome)
{
    static const char *const texts[] = {"done",
                                        "no quorum",
                                        "too much is waiting here",
                                        "the node is going down",
                                        "not every node supports it",
                                        "there is no room",
                                        "no answer in time"};
    return texts[outcome];
}

static void answer_write(struct replica *replica, struct call *call)
{
    struct command_result result = {0};
    enum replica_outcome outcome = (enum replica_outcome)(int)fake.write_outcome;
    if (outcome == REPLICA_DONE)
        fake_apply(&replica->tree, bytes_of(call->command.bytes.data, call->command.bytes.len),
                   &result);
    call->written(call->arg, outcome, outcome == REPLICA_DONE ? &result : NULL);
    command_result_free(&result);
    command_free(&call->command);
}

static void fake_answer(struct replica *replica, struct call *call)
{
    struct replica_freshness freshness = {fake.stale, fake.stale ? 7500 : 0};
    if (call->written)
        answer_write(replica, call);
    else if (call->read)
        call->read(call->arg, (enum replica_outcome)(int)fake.read_outcome, freshness);
    else if (call->awaited)
        call->awaited(call->arg);
    else
        call->pinged(call->arg, !fake.peer_unreachable);
}

static void fake_keep(struct replica *replica, struct call call)
{
    struct call *kept = malloc(sizeof *kept);
    assert(kept);
    *kept = call;
    TAILQ_INSERT_TAIL(&replica->waiting, kept, queue);
    fake.held++;
}

static void fake_take(struct replica *replica, struct call call)
{
    if (fake.answers == FAKE_AT_ONCE && !(call.written && fake.writes_held))
        fake_answer(replica, &call);
    else
        fake_keep(replica, call);
}

static void fake_on_timer(uv_timer_t *timer)
{
    struct replica *replica = timer->data;
    struct call *call;
    while (fake.answers != FAKE_HELD && (call = TAILQ_FIRST(&replica->waiting)) &&
           !(call->written && fake.writes_held)) {
        TAILQ_REMOVE(&replica->waiting, call, queue);
        fake.held--;
        fake_answer(replica, call);
        free(call);
    }
}

void replica_submit(struct replica *replica, struct command *command, replica_written_cb *done,
                    void *arg)
{
    static struct stamp stamp = {.node = 1, .incarnation = 1};
    stamp.sequence++;
    command_stamp(command, &stamp);
    assert(!command->bytes.failed);
    struct command taken = *command;
    *command = (struct command){0};
    fake_take(replica, (struct call){.written = done, .arg = arg, .command = taken});
}

void replica_read(struct replica *replica, enum replica_consistency consistency,
                  replica_read_cb *done, void *arg)
{
    fake.reads_confirmed += consistency == REPLICA_LINEARIZABLE;
    if (consistency == REPLICA_LOCAL)
        done(arg, REPLICA_DONE, (struct replica_freshness){0});
    else
        fake_take(replica, (struct call){.read = done, .arg = arg});
}

bool replica_await_contents(struct replica *replica, uint64_t ino, void (*done)(void *arg),
                            void *arg)
{
    if (!fake.emptied)
        return false;
    fake.emptied--;
    fake_keep(replica, (struct call){.awaited = done, .arg = arg});
    return true;
}

void replica_ping(struct replica *replica, uint32_t pid, void (*done)(void *arg, bool reached),
                  void *arg)
{
    fake_take(replica, (struct call){.pinged = done, .arg = arg});
}

struct tree *replica_tree(struct replica *replica)
{
    return &replica->tree;
}

uint64_t replica_time(const struct replica *replica)
{
    return FAKE_TIME;
}

void replica_status(struct replica *replica, struct replica_status *status)
{
    *status = (struct replica_status){.me = 1, .peer_count = 2};
    status->peers[0].pid = 2;
    status->peers[1].pid = 3;
    status->paxos.has_quorum = !fake.not_ready;
    status->serves = !fake.not_ready;
    if (fake.not_ready)
        snprintf(status->why, sizeof status->why, "2 of 3 nodes cannot be reached");
}

void status_json(struct replica *replica, struct buffer *out)
{
    buffer_printf(out, "{\"node\":1}");
}

void status_metrics(struct replica *replica, struct buffer *out)
{
    buffer_printf(out, "quorumfs_applied %llu\n", (unsigned long long)replica->tree.revision);
}

bool config_allows_client(const struct config *config, const struct sockaddr *address)
{
    assert(address->sa_family == AF_INET);
    return !fake.clients_forbidden;
}

/* In each turn of the loop: changes every value, and with it the revision. */
static void fake_on_check(uv_check_t *check)
{
    struct tree *tree = &((struct replica *)check->data)->tree;
    if (!fake.churning)
        return;
    tree->revision++;
    for (size_t i = 0; i < tree->count; i++) {
        struct entry *entry = &tree->entries[i];
        memset((void *)entry->value.data, '0' + (int)(tree->revision % 10), entry->value.len);
        entry->attr.revision = tree->revision;
    }
}

struct replica *fake_replica_new(uv_loop_t *loop)
{
    struct replica *replica = calloc(1, sizeof *replica);
    assert(replica);
    TAILQ_INIT(&replica->waiting);
    uv_timer_init(loop, &replica->timer);
    replica->timer.data = replica;
    uv_timer_start(&replica->timer, fake_on_timer, 1, 1);
    uv_check_init(loop, &replica->churn);
    replica->churn.data = replica;
    uv_check_start(&replica->churn, fake_on_check);
    return replica;
}

void fake_put(struct replica *replica, struct bytes key, struct bytes value, uint32_t mode)
{
    replica->tree.revision++;
    insert(&replica->tree, key, value, mode);
}

void fake_token_add(struct replica *replica, const struct op *op)
{
    replica->tree.revision++;
    apply_token(&replica->tree, op);
}

void fake_clear(struct replica *replica)
{
    while (replica->tree.count > 0)
        erase(&replica->tree, &replica->tree.entries[replica->tree.count - 1]);
    memset(&fake, 0, sizeof fake);
    memset(replica->tree.leases, 0, sizeof replica->tree.leases);
    memset(replica->tree.tokens, 0, sizeof replica->tree.tokens);
    replica->tree.revision = 0;
    fake_watches_clear();
    struct tree_view *view;
    LIST_FOREACH(view, &views, entry)
    {
        view->ended = view->former = true;
    }
}

void fake_replica_close(struct replica *replica)
{
    assert(TAILQ_EMPTY(&replica->waiting));
    uv_close((uv_handle_t *)&replica->timer, NULL);
    uv_close((uv_handle_t *)&replica->churn, NULL);
}

void fake_replica_free(struct replica *replica)
{
    fake_clear(replica);
    free(replica->tree.entries);
    free(replica);
}
