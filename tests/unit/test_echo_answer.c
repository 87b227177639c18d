/* What the helper of inotify is answered: what was so right before the change that it repeats, and
 * "done" to the one call that was ordered. None of it changes anything (fs/echo.h). */
#include "fake_replica_fs.h"
#include "fs/session.h"
#include "fs/special.h"

#include <errno.h>
#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { HELPER = 4321 };

struct world {
    uv_loop_t loop;
    struct fake_control control;
    struct config config;
    char folder[64];
    struct fs *fs;
    uint64_t dir, file, gone;
    uint64_t revision;
};

static struct world w;

static uint64_t change(struct op op)
{
    struct command command = {0};
    struct command_result result;
    bool repeated;
    struct tree *tree = replica_tree(w.fs->replica);
    static uint64_t sequence = 1;
    assert_int_equal(command_add(&command, &op), 0);
    command_stamp(
        &command,
        &(struct stamp){.node = 1, .incarnation = 1, .sequence = ++sequence, .lowest = sequence});
    command_date(command.bytes.data, sequence);
    int status = tree_apply(tree, bytes_of(command.bytes.data, command.bytes.len), false, &result,
                            &repeated);
    assert_int_equal(status, 0);
    assert_int_equal(result.status, 0);
    uint64_t ino = result.ops[0].attr.ino;
    command_result_free(&result);
    command_free(&command);
    return ino;
}

static uint64_t make_name(uint8_t type, uint64_t parent, const char *name)
{
    return change((struct op){
        .type = type, .ino = parent, .name = bytes_of_text(name), .mode = S_IFREG | 0640});
}

static int set_up(void **state)
{
    memset(&w, 0, sizeof w);
    strcpy(w.folder, "/tmp/test_echo.XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    uv_loop_init(&w.loop);
    w.fs = calloc(1, sizeof *w.fs);
    char data[128];
    snprintf(data, sizeof data, "%s/data", w.folder);
    w.fs->config = &w.config;
    w.fs->replica = fake_replica_start(&w.loop, &w.config, data, &w.control);
    w.fs->echo.helper.pid = HELPER;
    strcpy(w.fs->echo.proof, "0123456789abcdef0123456789abcdef");
    fs_echo_queue_init(&w.fs->echo.queue);
    w.dir = make_name(OP_MKDIR, INO_ROOT, "dir");
    w.file = make_name(OP_MKNOD, w.dir, "file");
    w.gone = make_name(OP_MKNOD, w.dir, "gone");
    change((struct op){.type = OP_UNLINK, .ino = w.dir, .name = bytes_of_text("gone")});
    return 0;
}

static int tear_down(void **state)
{
    fs_echo_queue_clear(&w.fs->echo.queue);
    fake_replica_stop(w.fs->replica);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w.loop), 0);
    free(w.fs);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", w.folder);
    return system(command);
}

/* ---- Asking ---- */

struct answer {
    size_t len;
    struct fuse_out_header header;
    union {
        struct fuse_entry_out entry;
        struct fuse_attr_out attr;
    };
};

/* A request with some bytes, and then names. */
static struct answer ask_as(uint32_t pid, uint32_t opcode, uint64_t ino, const void *in,
                            size_t in_len, const char *name, const char *name2)
{
    struct fuse_in_header header = {.opcode = opcode, .unique = 7, .nodeid = ino, .pid = pid};
    struct buffer message = {0};
    uint8_t out[FS_ECHO_ANSWER_BYTES_MAX];
    struct answer answer = {0};
    buffer_append(&message, &header, sizeof header);
    buffer_append(&message, in, in_len);
    buffer_append(&message, name, name ? strlen(name) + 1 : 0);
    buffer_append(&message, name2, name2 ? strlen(name2) + 1 : 0);
    answer.len = fs_echo_answer(w.fs, message.data, message.len, out);
    memcpy(&answer.header, out, answer.len > 0 ? sizeof answer.header : 0);
    if (answer.len > sizeof answer.header)
        memcpy(&answer.entry, out + sizeof answer.header, answer.len - sizeof answer.header);
    buffer_free(&message);
    return answer;
}

static struct answer ask(uint32_t opcode, uint64_t ino, const char *name)
{
    const char nothing[64] = {0};
    size_t len = opcode == FUSE_MKNOD   ? sizeof(struct fuse_mknod_in)
                 : opcode == FUSE_MKDIR ? sizeof(struct fuse_mkdir_in)
                 : opcode == FUSE_LINK  ? sizeof(struct fuse_link_in)
                                        : 0;
    return ask_as(HELPER, opcode, ino, nothing, len, name, NULL);
}

static int error_of(struct answer answer)
{
    assert_true(answer.len >= sizeof answer.header);
    assert_int_equal(answer.header.unique, 7);
    assert_int_equal(answer.header.len, answer.len);
    return -answer.header.error;
}

static void order(struct tree_change one)
{
    const struct tree_changes changes = {.revision = ++w.revision, .count = 1, .list = &one};
    assert_true(fs_echo_queue_add(&w.fs->echo.queue, &changes, 0));
    if (!w.fs->echo.item)
        w.fs->echo.item = TAILQ_FIRST(&w.fs->echo.queue.all);
}

static struct tree_change of(enum tree_change_kind kind, uint64_t ino, const char *name)
{
    return (struct tree_change){.kind = kind,
                                .mode = S_IFREG | 0640,
                                .ino = ino,
                                .parent = w.dir,
                                .name = bytes_of_text(name),
                                .links = 1};
}

/* ---- Tests ---- */

static void others_are_not_answered(void **state)
{
    assert_int_equal(ask_as(HELPER + 1, FUSE_UNLINK, w.dir, NULL, 0, "file", NULL).len, 0);
    assert_int_equal(ask_as(0, FUSE_UNLINK, w.dir, NULL, 0, "file", NULL).len, 0);
    w.fs->echo.helper.pid = 0; /* there is none */
    assert_int_equal(ask_as(0, FUSE_UNLINK, w.dir, NULL, 0, "file", NULL).len, 0);
}

static void pages_that_are_written_on_the_way_are_not_the_helpers(void **state)
{
    assert_int_equal(ask(FUSE_WRITE, w.file, NULL).len, 0);
    assert_int_equal(ask(FUSE_RELEASE, w.file, NULL).len, 0);
    assert_int_equal(ask(FUSE_FORGET, w.file, NULL).len, 0);
}

static void nothing_is_done_without_an_order(void **state)
{
    const uint32_t calls[] = {FUSE_MKNOD,  FUSE_MKDIR,   FUSE_SYMLINK,     FUSE_LINK,
                              FUSE_UNLINK, FUSE_RMDIR,   FUSE_RENAME,      FUSE_RENAME2,
                              FUSE_CREATE, FUSE_SETATTR, FUSE_REMOVEXATTR, FUSE_SETXATTR,
                              FUSE_OPEN,   FUSE_STATFS,  FUSE_READLINK,    FUSE_OPENDIR};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        assert_int_equal(error_of(ask(calls[i], w.dir, "file")), EIO);
}

static void the_proof_is_for_the_helper(void **state)
{
    assert_int_equal(error_of(ask(FUSE_LOOKUP, INO_ROOT, w.fs->echo.proof)), FS_ECHO_PROOF_ERROR);
    assert_int_equal(error_of(ask(FUSE_LOOKUP, w.dir, w.fs->echo.proof)), ENOENT);
}

static void names_are_those_of_the_tree(void **state)
{
    struct answer found = ask(FUSE_LOOKUP, w.dir, "file");
    assert_int_equal(error_of(found), 0);
    assert_int_equal(found.entry.nodeid, w.file);
    assert_int_equal(found.entry.entry_valid, 0);
    assert_int_equal(found.entry.attr_valid, 0);
    assert_int_equal(found.entry.attr.mode, S_IFREG | 0640);
    assert_int_equal(found.entry.attr.nlink, 1);
    assert_int_equal(error_of(ask(FUSE_LOOKUP, w.dir, "gone")), ENOENT);
    assert_int_equal(error_of(ask(FUSE_GETATTR, w.gone, NULL)), ESTALE);
}

static void a_name_is_made_once_more(void **state)
{
    order(of(CHANGE_CREATED, w.file, "file"));
    assert_int_equal(error_of(ask(FUSE_LOOKUP, w.dir, "file")), ENOENT);
    struct answer made = ask(FUSE_MKNOD, w.dir, "file");
    assert_int_equal(error_of(made), 0);
    assert_int_equal(made.entry.nodeid, w.file);
    assert_int_equal(error_of(ask(FUSE_MKNOD, w.dir, "other")), EIO);
    assert_int_equal(error_of(ask(FUSE_MKNOD, INO_ROOT, "file")), EIO);
    assert_int_equal(error_of(ask(FUSE_UNLINK, w.dir, "file")), EIO);
    struct attr attr;
    assert_int_equal(tree_lookup(replica_tree(w.fs->replica), w.dir, bytes_of_text("file"), &attr),
                     0);
}

static void a_name_is_removed_once_more(void **state)
{
    order(of(CHANGE_DELETED, w.gone, "gone"));
    struct answer found = ask(FUSE_LOOKUP, w.dir, "gone");
    assert_int_equal(error_of(found), 0);
    assert_int_equal(found.entry.nodeid, w.gone);
    assert_int_equal(found.entry.attr.nlink, 1);
    assert_int_equal(error_of(ask(FUSE_UNLINK, w.dir, "gone")), 0);
    assert_int_equal(error_of(ask(FUSE_UNLINK, w.dir, "file")), EIO);
    assert_int_equal(error_of(ask(FUSE_MKNOD, w.dir, "gone")), EIO);
}

static void one_of_two_names_is_removed_once_more(void **state)
{
    struct tree_change second = of(CHANGE_DELETED, w.file, "second");
    second.links = 2;
    order(second);
    assert_int_equal(ask(FUSE_LOOKUP, w.dir, "second").entry.attr.nlink, 2);
    assert_int_equal(ask(FUSE_LOOKUP, w.dir, "file").entry.attr.nlink, 1);
}

static void a_name_that_a_program_uses_meanwhile_is_left_alone(void **state)
{
    order(of(CHANGE_DELETED, w.gone, "file"));
    order(of(CHANGE_CREATED, w.file, "file"));
    fs_echo_queue_told(&w.fs->echo.queue, w.revision);
    struct answer found = ask(FUSE_LOOKUP, w.dir, "file");
    assert_int_equal(found.entry.nodeid, w.file);
    assert_int_equal(error_of(ask(FUSE_UNLINK, w.dir, "file")), EIO);
}

static void only_the_ordered_rename_is_done(void **state)
{
    const struct tree_change list[] = {{.kind = CHANGE_MOVED_FROM,
                                        .ino = w.file,
                                        .mode = S_IFREG,
                                        .parent = w.dir,
                                        .name = bytes_of_text("old"),
                                        .parent2 = INO_ROOT,
                                        .name2 = bytes_of_text("new")},
                                       {.kind = CHANGE_MOVED_TO, .ino = w.file}};
    const struct tree_changes changes = {.revision = 1, .count = 2, .list = list};
    assert_true(fs_echo_queue_add(&w.fs->echo.queue, &changes, 0));
    w.fs->echo.item = TAILQ_FIRST(&w.fs->echo.queue.all);
    struct fuse_rename_in in = {.newdir = INO_ROOT}, wrong = {.newdir = w.dir};
    struct fuse_rename2_in in2 = {.newdir = INO_ROOT};
    assert_int_equal(ask(FUSE_LOOKUP, w.dir, "old").entry.nodeid, w.file);
    assert_int_equal(error_of(ask(FUSE_LOOKUP, INO_ROOT, "new")), ENOENT);
    assert_int_equal(
        error_of(ask_as(HELPER, FUSE_RENAME, w.dir, &wrong, sizeof wrong, "old", "new")), EIO);
    assert_int_equal(error_of(ask_as(HELPER, FUSE_RENAME, w.dir, &in, sizeof in, "new", "old")),
                     EIO);
    assert_int_equal(error_of(ask_as(HELPER, FUSE_RENAME, w.dir, &in, sizeof in, "old", "new")), 0);
    assert_int_equal(error_of(ask_as(HELPER, FUSE_RENAME2, w.dir, &in2, sizeof in2, "old", "new")),
                     0);
    assert_int_equal(error_of(ask_as(HELPER, FUSE_RENAME, w.dir, &in, sizeof in, "old", NULL)),
                     EIO);
    assert_int_equal(error_of(ask_as(HELPER, FUSE_RENAME, w.dir, &in, 4, NULL, NULL)), EIO);
}

static int set_attr(uint64_t ino, uint32_t valid)
{
    struct fuse_setattr_in in = {.valid = valid, .size = 5};
    return error_of(ask_as(HELPER, FUSE_SETATTR, ino, &in, sizeof in, NULL, NULL));
}

static void only_times_are_set_and_not_really(void **state)
{
    struct tree_change written = of(CHANGE_WRITTEN, w.file, "");
    order(written);
    assert_int_equal(set_attr(w.file, FATTR_MTIME), 0);
    assert_int_equal(set_attr(w.file, FATTR_MTIME | FATTR_ATIME), 0);
    assert_int_equal(set_attr(w.file, FATTR_MTIME | FATTR_SIZE), EIO);
    assert_int_equal(set_attr(w.file, FATTR_MODE), EIO);
    assert_int_equal(set_attr(w.dir, FATTR_MTIME), EIO);
}

/* The kernel would forget what a program has written and the tree does not have yet. */
static void a_file_with_gathered_writes_is_left_alone(void **state)
{
    order(of(CHANGE_WRITTEN, w.file, ""));
    struct fs_handle *handle = fs_handle_open(&w.fs->files, w.file);
    const struct op op = {.type = OP_WRITE, .ino = w.file, .data = bytes_of_text("x")};
    assert_int_equal(fs_pending_gather(&handle->file->pending, &op), 0);
    assert_int_equal(set_attr(w.file, FATTR_MTIME), EIO);
    assert_int_equal(error_of(ask(FUSE_LOOKUP, w.dir, "file")), EIO);
    fs_pending_clear(&handle->file->pending);
    assert_int_equal(set_attr(w.file, FATTR_MTIME), 0);
    fs_files_clear(&w.fs->files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(others_are_not_answered),
        T(pages_that_are_written_on_the_way_are_not_the_helpers),
        T(nothing_is_done_without_an_order),
        T(the_proof_is_for_the_helper),
        T(names_are_those_of_the_tree),
        T(a_name_is_made_once_more),
        T(a_name_is_removed_once_more),
        T(one_of_two_names_is_removed_once_more),
        T(a_name_that_a_program_uses_meanwhile_is_left_alone),
        T(only_the_ordered_rename_is_done),
        T(only_times_are_set_and_not_really),
        T(a_file_with_gathered_writes_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
