/* Locks in the tree, beside those of the kernel and by their rules (store/tree_locks.c). */
#include "tree_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { BYTES = 12, OWNERS = 4, ROUNDS = 500 };

/* What became of the last command. */
static struct op_result result;

static int run(struct fixture *f, uint32_t node, struct op op)
{
    f->node = node;
    return fixture_run(f, &op, 1, &result);
}

static struct op make_lock(uint64_t ino, uint64_t owner, uint32_t flags)
{
    return (struct op){
        .type = OP_LOCK, .ino = ino, .owner = owner, .size = LOCK_LAST_MAX, .flags = flags};
}

/* Asks for a lock of the whole file, whose owner has the same number as its waiter. */
static int lock(struct fixture *f, uint32_t node, uint64_t ino, uint64_t owner, uint32_t flags)
{
    struct op op = make_lock(ino, owner, flags);
    op.waiter = owner;
    int status = run(f, node, op);
    return status < 0 ? status : (int)result.offset;
}

static int unlock(struct fixture *f, uint32_t node, uint64_t ino, uint64_t owner, uint32_t flags)
{
    struct op op = make_lock(ino, owner, flags);
    op.type = OP_UNLOCK;
    return run(f, node, op);
}

enum { EX = OP_LOCK_FLOCK, SH = OP_LOCK_FLOCK | OP_LOCK_SHARED, WAIT = OP_LOCK_WAIT };

/* The waiters that the last entry told of this kind, in their order, as text. */
static const char *told(struct fixture *f, enum tree_change_kind kind)
{
    static char text[256];
    const struct tree_changes *changes = tree_changes(f->tree);
    text[0] = '\0';
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct tree_change *change = &changes->list[i];
        size_t len = strlen(text);
        if (change->kind == kind && kind == CHANGE_SESSION_ENDED)
            snprintf(text + len, sizeof text - len, "%u ", change->node);
        else if (change->kind == kind)
            snprintf(text + len, sizeof text - len, "%u:%lu ", change->node,
                     (unsigned long)change->waiter);
    }
    return text;
}

#define assert_told(f, kind, text) assert_string_equal(told(f, kind), text)

static bool count_lock(void *arg, const struct tree_lock *found)
{
    ++*(uint64_t *)arg;
    return true;
}

static void assert_locks(struct fixture *f, uint64_t expected)
{
    uint64_t count = 0;
    assert_int_equal(tree_locks(f->tree, count_lock, &count), 0);
    assert_int_equal(count, expected);
    assert_int_equal(tree_locks_count(f->tree), expected);
}

/* ---- Beside the kernel ---- */

/* Owners of the tree's locks that are open files of the kernel's. */
struct beside {
    struct fixture *f;
    uint64_t ino;
    int files[OWNERS];
    char path[SCRATCH_BYTES + 16];
};

static void beside_open(struct beside *b, struct fixture *f)
{
    b->f = f;
    b->ino = fixture_make_file(f, INO_ROOT, "locked");
    snprintf(b->path, sizeof b->path, "%s/locked", f->path);
    for (int i = 0; i < OWNERS; i++) {
        b->files[i] = open(b->path, O_RDWR | O_CREAT, 0600);
        assert_true(b->files[i] >= 0);
    }
}

static void beside_close(struct beside *b)
{
    for (int i = 0; i < OWNERS; i++)
        close(b->files[i]);
    unlink(b->path);
}

/* Some of the owners are of one node, some of others. */
static uint32_t node_of(int owner)
{
    return 1 + (uint32_t)owner / 2;
}

struct seen {
    int owner, byte;
    short type;
};

static bool see_byte(void *arg, const struct tree_lock *found)
{
    struct seen *seen = arg;
    if (!found->flock && found->owner == (uint64_t)seen->owner &&
        found->node == node_of(seen->owner) && found->first <= (uint64_t)seen->byte &&
        found->last >= (uint64_t)seen->byte) {
        assert_int_equal(seen->type, F_UNLCK); /* of two of its own, only one has a byte */
        seen->type = found->shared ? F_RDLCK : F_WRLCK;
    }
    return true;
}

/* What the kernel lets another open file have tells of each byte whose it is. */
static void assert_same_bytes(struct beside *b, short model[OWNERS][BYTES + 1])
{
    for (int owner = 0; owner < OWNERS; owner++) {
        for (int byte = 0; byte <= BYTES; byte++) {
            struct seen seen = {owner, byte, F_UNLCK};
            assert_int_equal(tree_locks(b->f->tree, see_byte, &seen), 0);
            assert_int_equal(seen.type, model[owner][byte]);
        }
    }
}

static void locks_of_bytes_are_as_the_kernel_has_them(void **state)
{
    struct beside b;
    short model[OWNERS][BYTES + 1]; /* the last one is for all bytes behind */
    uint64_t seed = random_seed();
    beside_open(&b, *state);
    for (int owner = 0; owner < OWNERS; owner++)
        for (int byte = 0; byte <= BYTES; byte++)
            model[owner][byte] = F_UNLCK;
    for (int round = 0; round < ROUNDS; round++) {
        static const short types[] = {F_RDLCK, F_RDLCK, F_WRLCK, F_WRLCK, F_UNLCK};
        int owner = (int)random_below(&seed, OWNERS);
        short type = types[random_below(&seed, 5)];
        int first = (int)random_below(&seed, BYTES);
        bool to_end = random_below(&seed, 4) == 0;
        int last = to_end ? BYTES : first + (int)random_below(&seed, (uint32_t)(BYTES - first));
        struct flock kernel = {.l_type = type,
                               .l_whence = SEEK_SET,
                               .l_start = first,
                               .l_len = to_end ? 0 : last - first + 1};
        bool granted = fcntl(b.files[owner], F_OFD_SETLK, &kernel) == 0;
        struct op op = make_lock(b.ino, (uint64_t)owner, type == F_RDLCK ? OP_LOCK_SHARED : 0);
        op.offset = (uint64_t)first;
        op.size = to_end ? (uint64_t)LOCK_LAST_MAX : (uint64_t)last;
        op.type = type == F_UNLCK ? OP_UNLOCK : OP_LOCK;
        assert_int_equal(run(b.f, node_of(owner), op), 0);
        assert_int_equal(op.type == OP_UNLOCK || result.offset == LOCK_GRANTED, granted);
        for (int byte = first; granted && byte <= last; byte++)
            model[owner][byte] = type;
        assert_same_bytes(&b, model);
    }
    beside_close(&b);
}

static void locks_of_files_are_as_the_kernel_has_them(void **state)
{
    struct beside b;
    uint64_t seed = random_seed();
    beside_open(&b, *state);
    for (int round = 0; round < ROUNDS; round++) {
        static const int types[] = {LOCK_SH, LOCK_SH, LOCK_EX, LOCK_UN};
        int owner = (int)random_below(&seed, OWNERS), type = types[random_below(&seed, 4)];
        bool granted = flock(b.files[owner], type | LOCK_NB) == 0;
        int found;
        if (type == LOCK_UN)
            found = unlock(b.f, node_of(owner), b.ino, (uint64_t)owner, EX);
        else
            found = lock(b.f, node_of(owner), b.ino, (uint64_t)owner, type == LOCK_SH ? SH : EX);
        assert_int_equal(found, granted ? LOCK_GRANTED : LOCK_BUSY);
    }
    beside_close(&b);
}

/* ---- Waiting ---- */

static void waits_are_granted_in_their_order(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(lock(f, 1, ino, 1, EX), LOCK_GRANTED);
    assert_int_equal(lock(f, 2, ino, 2, SH | WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 2, ino, 3, SH | WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 3, ino, 4, EX | WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 1, ino, 5, SH | WAIT), LOCK_WAITS);
    assert_told(f, CHANGE_LOCK_GRANTED, "");
    assert_int_equal(unlock(f, 1, ino, 1, EX), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "2:2 2:3 ");
    assert_int_equal(lock(f, 1, ino, 6, SH | WAIT), LOCK_WAITS); /* not past the one that waits */
    assert_int_equal(unlock(f, 2, ino, 2, SH), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "");
    assert_int_equal(unlock(f, 2, ino, 3, SH), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "3:4 ");
    fixture_reopen(f);
    assert_int_equal(unlock(f, 3, ino, 4, EX), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "1:5 1:6 ");
    assert_locks(f, 2);
}

/* A request that does not wait takes nothing from one that does for longer than the lock is held.
 */
static void a_request_that_does_not_wait_looks_at_locks_alone(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(lock(f, 1, ino, 1, SH), LOCK_GRANTED);
    assert_int_equal(lock(f, 2, ino, 2, EX | WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 3, ino, 3, SH), LOCK_GRANTED);
    assert_int_equal(unlock(f, 1, ino, 1, SH), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "");
    assert_int_equal(unlock(f, 3, ino, 3, SH), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "2:2 ");
}

static void a_wait_is_taken_back(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(lock(f, 1, ino, 1, SH), LOCK_GRANTED);
    assert_int_equal(lock(f, 2, ino, 2, EX | WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 3, ino, 3, SH | WAIT), LOCK_WAITS);
    const struct op back = {.type = OP_UNWAIT, .ino = ino, .waiter = 2, .flags = OP_LOCK_FLOCK};
    assert_int_equal(run(f, 3, back), 0); /* of another node */
    assert_false(result.existed);
    assert_int_equal(run(f, 2, back), 0);
    assert_true(result.existed);
    assert_told(f, CHANGE_LOCK_GRANTED, "3:3 ");
    assert_int_equal(run(f, 2, back), 0);
    assert_false(result.existed);
    assert_locks(f, 2);
}

static void a_lock_becomes_another_one(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(lock(f, 1, ino, 1, EX), LOCK_GRANTED);
    assert_int_equal(lock(f, 2, ino, 2, SH | WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 1, ino, 1, SH), LOCK_GRANTED);
    assert_told(f, CHANGE_LOCK_GRANTED, "2:2 ");
    assert_int_equal(lock(f, 1, ino, 1, EX | WAIT), LOCK_WAITS); /* has given up its own */
    assert_locks(f, 2);
    assert_int_equal(lock(f, 3, ino, 3, EX), LOCK_BUSY);
    assert_int_equal(unlock(f, 2, ino, 2, SH), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "1:1 ");
    assert_int_equal(lock(f, 1, ino, 1, EX | WAIT), LOCK_GRANTED);
    assert_locks(f, 1);
}

/* Of bytes, it keeps what it has until it gets more. */
static void bytes_are_kept_while_their_owner_waits(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(lock(f, 1, ino, 1, OP_LOCK_SHARED), LOCK_GRANTED);
    assert_int_equal(lock(f, 2, ino, 2, OP_LOCK_SHARED), LOCK_GRANTED);
    assert_int_equal(lock(f, 1, ino, 1, WAIT), LOCK_WAITS);
    assert_locks(f, 3);
    assert_int_equal(lock(f, 2, ino, 2, WAIT), -EDEADLK);
    assert_int_equal(unlock(f, 2, ino, 2, 0), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "1:1 ");
    assert_locks(f, 1);
}

/* One that is granted may itself leave room for an older one. */
static void a_grant_can_lead_to_an_older_one(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct op op = make_lock(ino, 1, 0);
    op.size = 10;
    assert_int_equal(run(f, 1, op), 0); /* 1 has bytes 0 to 10 */
    op = make_lock(ino, 2, 0);
    op.offset = op.size = 20;
    assert_int_equal(run(f, 2, op), 0); /* 2 has byte 20 */
    op = make_lock(ino, 3, OP_LOCK_SHARED | WAIT);
    op.size = 5;
    op.waiter = 3;
    assert_int_equal(run(f, 3, op), 0); /* 3 waits to read bytes 0 to 5 */
    op = make_lock(ino, 1, OP_LOCK_SHARED | WAIT);
    op.size = 20;
    op.waiter = 1;
    assert_int_equal(run(f, 1, op), 0); /* 1 waits to read all of them */
    assert_int_equal(result.offset, LOCK_WAITS);
    assert_int_equal(unlock(f, 2, ino, 2, 0), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "1:1 3:3 ");
}

/* A wait that was passed over stays in the way of those behind it. */
static void a_grant_does_not_pass_older_waits(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    static const struct {
        uint64_t owner, first, last;
        uint32_t flags;
    } rows[] = {{1, 0, 10, 0}, {4, 30, 30, 0}, {2, 5, 20, WAIT}, {3, 15, 25, WAIT}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct op op = make_lock(ino, rows[i].owner, rows[i].flags);
        op.waiter = rows[i].owner;
        op.offset = rows[i].first;
        op.size = rows[i].last;
        assert_int_equal(run(f, 1, op), 0);
    }
    assert_int_equal(unlock(f, 1, ino, 4, 0), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "");
    assert_int_equal(unlock(f, 1, ino, 1, 0), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "1:2 ");
}

static void circles_are_found(void **state)
{
    struct fixture *f = *state;
    uint64_t inos[4];
    for (int i = 0; i < 4; i++) {
        inos[i] = fixture_make_file(f, INO_ROOT, (const char *[]){"a", "b", "c", "d"}[i]);
        assert_int_equal(lock(f, 1 + (uint32_t)i % 2, inos[i], (uint64_t)i, 0), LOCK_GRANTED);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(lock(f, 1 + (uint32_t)i % 2, inos[i + 1], (uint64_t)i, WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 2, inos[0], 3, WAIT), -EDEADLK);
    assert_int_equal(lock(f, 2, inos[1], 3, WAIT), -EDEADLK);
    assert_int_equal(lock(f, 2, inos[0], 3, 0), LOCK_BUSY);
    assert_int_equal(lock(f, 2, inos[0], 4, WAIT), LOCK_WAITS); /* another one may */
    assert_int_equal(unlock(f, 2, inos[3], 3, 0), 0);
    assert_told(f, CHANGE_LOCK_GRANTED, "1:2 ");
}

/* An older wait is waited for as well. */
static void circles_through_older_waits_are_found(void **state)
{
    struct fixture *f = *state;
    uint64_t a = fixture_make_file(f, INO_ROOT, "a"), b = fixture_make_file(f, INO_ROOT, "b");
    assert_int_equal(lock(f, 1, a, 1, OP_LOCK_SHARED), LOCK_GRANTED);
    assert_int_equal(lock(f, 2, a, 2, WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 3, b, 3, 0), LOCK_GRANTED);
    assert_int_equal(lock(f, 3, a, 3, OP_LOCK_SHARED | WAIT), LOCK_WAITS); /* behind 2 */
    assert_int_equal(lock(f, 1, b, 1, WAIT), -EDEADLK);
}

/* ---- Sessions ---- */

static uint64_t session_of(struct fixture *f, uint32_t node)
{
    return tree_lock_session(f->tree, node);
}

static int end_session(struct fixture *f, uint32_t node, uint64_t number)
{
    return run(f, 1, (struct op){.type = OP_END_SESSION, .size = node, .revision = number});
}

static int fenced_write(struct fixture *f, uint32_t node, uint64_t ino, uint64_t number)
{
    const struct op ops[] = {{.type = OP_FENCE, .revision = number}, make_write(ino, 0, "x")};
    f->node = node;
    return fixture_run(f, ops, 2, &result);
}

static void a_session_ends_with_its_locks(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a"), other = fixture_make_file(f, 1, "b");
    assert_int_equal(session_of(f, 2), 0);
    assert_int_equal(lock(f, 2, ino, 1, EX), LOCK_GRANTED);
    uint64_t number = session_of(f, 2);
    assert_int_equal(result.attr.size, number);
    assert_int_equal(result.attr.revision, tree_applied(f->tree));
    assert_int_equal(lock(f, 2, other, 1, 0), LOCK_GRANTED);
    assert_int_equal(session_of(f, 2), number);
    assert_int_equal(lock(f, 2, other, 2, WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 3, other, 3, WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 3, ino, 4, SH | WAIT), LOCK_WAITS);
    assert_int_equal(fenced_write(f, 2, ino, number), 0);

    assert_int_equal(end_session(f, 2, number + 1), 0); /* an older decision about it */
    assert_false(result.existed);
    assert_int_equal(end_session(f, 4, number), 0);
    assert_false(result.existed);
    assert_int_equal(end_session(f, 2, 0), 0);
    assert_false(result.existed);
    assert_locks(f, 5);

    assert_int_equal(end_session(f, 2, number), 0);
    assert_true(result.existed);
    assert_told(f, CHANGE_LOCK_GRANTED, "3:4 3:3 ");
    assert_told(f, CHANGE_SESSION_ENDED, "2 ");
    assert_locks(f, 2);
    assert_int_equal(session_of(f, 2), 0);
    assert_int_equal(fenced_write(f, 2, ino, number), -EOWNERDEAD);
    assert_int_equal(fenced_write(f, 2, ino, 0), -EOWNERDEAD);
    assert_int_equal(lock(f, 2, ino, 1, SH), LOCK_GRANTED);
    assert_true(session_of(f, 2) > number);
    assert_int_equal(fenced_write(f, 2, ino, number), -EOWNERDEAD);
    assert_int_equal(fenced_write(f, 3, ino, session_of(f, 2)), -EOWNERDEAD);
    fixture_assert_contents(f, ino, "x");
}

static void a_node_that_starts_again_has_lost_its_locks(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(lock(f, 2, ino, 1, EX), LOCK_GRANTED);
    assert_int_equal(lock(f, 3, ino, 2, EX | WAIT), LOCK_WAITS);
    f->node = 2;
    f->incarnation = 2;
    /* The command itself may fail: it is the start that ends the session. */
    assert_int_equal(fixture_do(f, make_named(OP_UNLINK, INO_ROOT, "missing")), -ENOENT);
    f->incarnation = 1;
    assert_told(f, CHANGE_LOCK_GRANTED, "3:2 ");
    assert_told(f, CHANGE_SESSION_ENDED, "2 ");
    assert_locks(f, 1);
}

/* ---- The rest ---- */

static void locks_go_with_their_file(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(lock(f, 1, ino, 1, EX), LOCK_GRANTED);
    assert_int_equal(lock(f, 2, ino, 2, EX | WAIT), LOCK_WAITS);
    assert_int_equal(lock(f, 2, ino, 3, 0), LOCK_GRANTED);
    assert_int_equal(lock(f, 3, ino, 4, WAIT), LOCK_WAITS);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "a"));
    assert_told(f, CHANGE_LOCK_GONE, "3:4 2:2 ");
    assert_locks(f, 0);
    assert_int_equal(lock(f, 1, ino, 1, EX), -ESTALE);
    assert_int_equal(unlock(f, 1, ino, 1, EX), 0);
    assert_false(result.existed);
}

static void a_list_that_is_undone_leaves_locks_as_they_were(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(lock(f, 1, ino, 1, EX), LOCK_GRANTED);
    assert_int_equal(lock(f, 2, ino, 2, EX | WAIT), LOCK_WAITS);
    struct op give_up = make_lock(ino, 1, EX);
    give_up.type = OP_UNLOCK;
    const struct op ops[] = {give_up, make_named(OP_UNLINK, INO_ROOT, "missing")};
    f->node = 1;
    assert_int_equal(fixture_run(f, ops, 2, &result), -ENOENT);
    assert_told(f, CHANGE_LOCK_GRANTED, "");
    assert_locks(f, 2);
    const struct op twice[] = {make_lock(ino, 7, EX | WAIT), make_lock(ino, 8, EX | WAIT)};
    assert_int_equal(fixture_run(f, twice, 2, &result), -EINVAL); /* one ticket for each command */
    assert_locks(f, 2);
}

static void what_is_no_lock_is_refused(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct op op = make_lock(ino, 1, 0);
    op.offset = 5;
    op.size = 4;
    assert_int_equal(run(f, 1, op), -EINVAL);
    op.size = (uint64_t)LOCK_LAST_MAX + 1;
    assert_int_equal(run(f, 1, op), -EINVAL);
    assert_int_equal(lock(f, 1, 4711, 1, EX), -ESTALE);
    assert_locks(f, 0);
    assert_int_equal(session_of(f, 1), 0);
}

static void there_is_a_limit(void **state)
{
    struct fixture *f = *state;
    static struct op ops[1024];
    uint64_t ino = 0;
    for (int i = 0; i < TREE_LOCKS_MAX / 1024; i++) { /* few enough of a file to be quick */
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        ino = fixture_make_file(f, INO_ROOT, name);
        uint32_t count = 0;
        for (; count < 1024 && (uint64_t)i * 1024 + count + 1 < TREE_LOCKS_MAX; count++) {
            ops[count] = make_lock(ino, 1, 0);
            ops[count].offset = ops[count].size = 2 * count;
        }
        assert_int_equal(fixture_run(f, ops, count, &result), 0);
    }
    assert_int_equal(lock(f, 1, ino, 2, EX), -ENOLCK);
    assert_int_equal(unlock(f, 1, ino, 1, 0), 0);
    assert_int_equal(lock(f, 1, ino, 2, EX), LOCK_GRANTED);
}

static void a_state_can_be_asked_for(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(lock(f, 1, ino, 1, EX), LOCK_GRANTED);
    assert_int_equal(lock(f, 2, ino, 2, SH | WAIT), LOCK_WAITS);
    struct tree_lock found, want = {.ino = ino, .flock = true, .last = LOCK_LAST_MAX};
    want.node = 1;
    want.owner = want.waiter = 1;
    assert_int_equal(tree_lock_state(f->tree, &want), LOCK_GRANTED);
    assert_true(tree_lock_any(f->tree, &want));
    want.shared = true; /* in another way */
    assert_int_equal(tree_lock_state(f->tree, &want), LOCK_BUSY);
    assert_true(tree_lock_any(f->tree, &want));
    want.shared = false;
    assert_int_equal(tree_lock_conflict(f->tree, &want, &found), 0);
    want.node = 2;
    want.owner = want.waiter = 2;
    assert_int_equal(tree_lock_state(f->tree, &want), LOCK_WAITS);
    assert_int_equal(tree_lock_conflict(f->tree, &want, &found), 1);
    assert_int_equal(found.node, 1);
    assert_int_equal(found.token, tree_applied(f->tree) - 1);
    want.waiter = 3;
    want.owner = 3;
    assert_int_equal(tree_lock_state(f->tree, &want), LOCK_BUSY);
    assert_false(tree_lock_any(f->tree, &want));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(locks_of_bytes_are_as_the_kernel_has_them),
        FIXTURE_TEST(locks_of_files_are_as_the_kernel_has_them),
        FIXTURE_TEST(waits_are_granted_in_their_order),
        FIXTURE_TEST(a_request_that_does_not_wait_looks_at_locks_alone),
        FIXTURE_TEST(a_wait_is_taken_back),
        FIXTURE_TEST(a_lock_becomes_another_one),
        FIXTURE_TEST(bytes_are_kept_while_their_owner_waits),
        FIXTURE_TEST(a_grant_can_lead_to_an_older_one),
        FIXTURE_TEST(a_grant_does_not_pass_older_waits),
        FIXTURE_TEST(circles_are_found),
        FIXTURE_TEST(circles_through_older_waits_are_found),
        FIXTURE_TEST(a_session_ends_with_its_locks),
        FIXTURE_TEST(a_node_that_starts_again_has_lost_its_locks),
        FIXTURE_TEST(locks_go_with_their_file),
        FIXTURE_TEST(a_list_that_is_undone_leaves_locks_as_they_were),
        FIXTURE_TEST(what_is_no_lock_is_refused),
        FIXTURE_TEST(there_is_a_limit),
        FIXTURE_TEST(a_state_can_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
