/* How fast the key tree applies entries, commits and checkpoints included, as the replica does it.
 *
 *   bench_tree put|checked|write|append KEYS ENTRIES [VALUE_BYTES [FOLDER]]
 *
 * put: random keys of KEYS, dir/NNNNNNN; checked: likewise, with the rights of a user; write: the
 * same files by inode; append: all to one file.
 */
#include "command/level.h"
#include "store/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FILL_LIST = 100, SEQUENCES_WAITING = 256 };

struct bench {
    struct folder *folder;
    struct tree *tree;
    uv_loop_t loop;
    const char *what;
    uint32_t keys;
    struct bytes value;
    uint64_t sequence;
    bool checkpointing;
    uint64_t commits, commit_ns, commit_ns_max;
    uint64_t pauses, pause_ns, pause_ns_max, checkpoints;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void must(int status, const char *what)
{
    if (status == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(-status));
    exit(1);
}

static uint32_t random_key(struct bench *b)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state % b->keys);
}

static void checkpointed(void *arg, int status, uint64_t index)
{
    struct bench *b = arg;
    must(status, "checkpoint");
    b->checkpointing = false;
    b->checkpoints++;
}

static void start_checkpoint(struct bench *b)
{
    b->checkpointing = true;
    must(tree_checkpoint(b->tree, &b->loop, checkpointed, b), "checkpoint");
}

static void pause_if_needed(struct bench *b)
{
    uint64_t start = now_ns();
    if (!tree_must_pause(b->tree))
        return;
    while (tree_must_pause(b->tree)) {
        if (!b->checkpointing)
            start_checkpoint(b);
        uv_run(&b->loop, UV_RUN_ONCE);
    }
    uint64_t taken = now_ns() - start;
    b->pauses++;
    b->pause_ns += taken;
    b->pause_ns_max = taken > b->pause_ns_max ? taken : b->pause_ns_max;
}

static void commit_if_needed(struct bench *b)
{
    uint64_t start = now_ns();
    if (!tree_wants_commit(b->tree))
        return;
    must(tree_commit(b->tree), "commit");
    uint64_t taken = now_ns() - start;
    b->commits++;
    b->commit_ns += taken;
    b->commit_ns_max = taken > b->commit_ns_max ? taken : b->commit_ns_max;
    if (!b->checkpointing && tree_wants_checkpoint(b->tree))
        start_checkpoint(b);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    pause_if_needed(b);
}

static void apply(struct bench *b, struct command *command)
{
    struct stamp stamp = {.node = 1, .incarnation = 1, .sequence = ++b->sequence, .time = 1};
    stamp.lowest = stamp.sequence > SEQUENCES_WAITING ? stamp.sequence - SEQUENCES_WAITING : 1;
    command_stamp(command, &stamp);
    bool repeated;
    struct command_result result;
    must(tree_apply(b->tree, bytes_of(command->bytes.data, command->bytes.len), true, &result,
                    &repeated),
         "apply");
    must(result.status, "operation");
    command_result_free(&result);
    command->count = 0;
    commit_if_needed(b);
}

static bool is_checked(const struct bench *b)
{
    return strcmp(b->what, "checked") == 0;
}

static void add_put(struct bench *b, struct command *command, uint32_t key)
{
    static const struct caller user = {
        .uid = 1000, .gid = 1000, .group_count = 3, .groups = {4, 24, 27}};
    if (is_checked(b) && command->count == 0)
        must(command_as(command, &user), "add");
    struct op op = {.type = OP_PUT, .data = b->value};
    char name[32];
    snprintf(name, sizeof name, "dir/%07u", key);
    op.name = bytes_of_text(name);
    must(command_add(command, &op), "add");
}

/* A cluster is at the highest level a moment after its founding. */
static void raise_level(struct bench *b)
{
    struct command command = {0};
    must(command_add(&command, &(struct op){.type = OP_LEVEL, .size = LEVEL_MAX}), "add");
    apply(b, &command);
    command_free(&command);
}

static void fill(struct bench *b)
{
    struct command command = {0};
    raise_level(b);
    for (uint32_t key = 0; key < b->keys; key++) {
        add_put(b, &command, key);
        if (command.count >= FILL_LIST || key + 1 == b->keys)
            apply(b, &command);
    }
    command_free(&command);
}

static void run(struct bench *b, uint64_t entries)
{
    struct command command = {0};
    bool append = strcmp(b->what, "append") == 0;
    for (uint64_t i = 0; i < entries; i++) {
        /* the files were made in the order of their keys, behind the root and the directory */
        struct op op = {.type = append ? OP_APPEND : OP_WRITE,
                        .ino = append ? 3 : 3 + random_key(b),
                        .data = b->value};
        if (strcmp(b->what, "put") == 0 || is_checked(b))
            add_put(b, &command, random_key(b));
        else
            must(command_add(&command, &op), "add");
        apply(b, &command);
    }
    must(tree_commit(b->tree), "commit");
    command_free(&command);
}

static void report(const struct bench *b, uint64_t entries, uint64_t wall, uint64_t cpu)
{
    printf("%s, %u keys, %zu bytes: %.0f entries/s, %.1f us wall, %.1f us CPU each\n", b->what,
           b->keys, b->value.len, (double)entries * 1e9 / (double)wall,
           (double)wall / 1e3 / (double)entries, (double)cpu / 1e3 / (double)entries);
    printf("  %lu commits, %.2f ms each, %.2f ms at most\n", b->commits,
           (double)b->commit_ns / 1e6 / (double)(b->commits ? b->commits : 1),
           (double)b->commit_ns_max / 1e6);
    printf("  %lu checkpoints, %lu pauses, %.1f ms each, %.1f ms at most\n", b->checkpoints,
           b->pauses, (double)b->pause_ns / 1e6 / (double)(b->pauses ? b->pauses : 1),
           (double)b->pause_ns_max / 1e6);
}

static void clear_figures(struct bench *b)
{
    b->commits = b->commit_ns = b->commit_ns_max = 0;
    b->pauses = b->pause_ns = b->pause_ns_max = b->checkpoints = 0;
}

int main(int argc, char **argv)
{
    struct bench b = {.sequence = 0};
    struct identity identity = {.cluster = 1, .node = 1};
    char made[] = "/tmp/bench-tree-XXXXXX";
    if (argc < 4) {
        fprintf(stderr,
                "bench_tree put|checked|write|append KEYS ENTRIES [VALUE_BYTES [FOLDER]]\n");
        return 2;
    }
    b.what = argv[1];
    b.keys = (uint32_t)strtoul(argv[2], NULL, 10);
    b.value.len = argc > 4 ? strtoul(argv[4], NULL, 10) : 128;
    b.value.data = calloc(1, b.value.len);
    const char *path = argc > 5 ? argv[5] : mkdtemp(made);
    uint64_t entries = strtoull(argv[3], NULL, 10);
    uv_loop_init(&b.loop);
    struct fault fault;
    if (folder_open(path, &b.folder, &fault) < 0 ||
        tree_open(b.folder, &identity, &b.tree, &fault) < 0) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    uint64_t start = now_ns();
    fill(&b);
    printf("filled in %.1f s\n", (double)(now_ns() - start) / 1e9);
    clear_figures(&b);
    start = now_ns();
    uint64_t cpu = cpu_ns();
    run(&b, entries);
    report(&b, entries, now_ns() - start, cpu_ns() - cpu);
    while (tree_busy(b.tree))
        uv_run(&b.loop, UV_RUN_ONCE);
    tree_close(b.tree);
    folder_close(b.folder);
    printf("  the folder: %s\n", path);
    return 0;
}
