/* Bits that flip in a database at rest: every one is noticed before anything is answered from the
 * page that it is in, or nothing is in that page. */
#include "log_wal.h"
#include "tree_fixture.h"
#include "tree_workload.h"

#include "store/log.h"
#include "store/log_db.h"
#include "store/seal.h"
#include "store/tree_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMANDS = 120, FLIPS_OF_A_PAGE = 4, HEADER_BITS = 8 * 100, WAL_FLIPS = 60, ENTRIES = 100 };

static const struct identity identity = {.cluster = 77, .node = 1};
static const struct paxos_membership members = {.count = 1, .members = {{.pid = 1}}};

/* ---- A file of the folder as bytes ---- */

struct image {
    uint8_t *bytes;
    size_t len;
};

static FILE *open_file(const struct fixture *f, const char *name, const char *mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

static struct image image_load(const struct fixture *f, const char *name)
{
    FILE *file = open_file(f, name, "r");
    struct image image = {0};
    fseek(file, 0, SEEK_END);
    image.len = (size_t)ftell(file);
    rewind(file);
    image.bytes = malloc(image.len);
    assert_int_equal(fread(image.bytes, 1, image.len, file), image.len);
    fclose(file);
    return image;
}

static void image_store(const struct fixture *f, const char *name, const struct image *image)
{
    FILE *file = open_file(f, name, "w");
    assert_int_equal(fwrite(image->bytes, 1, image->len, file), image->len);
    assert_int_equal(fclose(file), 0);
}

static void remove_beside(const struct fixture *f, const char *name)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    char path[128];
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(path, sizeof path, "%s/%s%s", f->path, name, suffixes[i]);
        unlink(path);
    }
    if (strcmp(name, "log.db") == 0)
        log_wal_restore(f->path);
}

/* ---- Reading it; 0 or the error, with its text in `said` ---- */

static char said[FAULT_TEXT_MAX];

typedef int read_whole(const struct fixture *f, uint64_t *digest);

static int read_tree(const struct fixture *f, uint64_t *digest)
{
    struct folder *folder;
    struct fault fault;
    assert_int_equal(folder_open(f->path, &folder, &fault), 0);
    struct tree *tree;
    int status = tree_open(folder, &identity, &tree, &fault);
    if (status == 0) {
        status = tree_digest(tree, digest);
        fault_set(&fault, status, "%s", tree_fault(tree));
        tree_close(tree);
    }
    folder_close(folder);
    assert_true(status == 0 || strstr(fault.text, "tree.db is damaged"));
    strcpy(said, fault.text);
    return status;
}

static int read_log(const struct fixture *f, uint64_t *digest)
{
    struct folder *folder;
    struct fault fault;
    assert_int_equal(folder_open(f->path, &folder, &fault), 0);
    struct log_db db;
    int status = log_db_open(&db, folder, &identity, &members, 0);
    struct paxos_stored stored;
    if (status == 0) {
        status = log_db_load(&db, 0, 0, &stored);
        log_db_close(&db);
    }
    folder_close(folder);
    if (status < 0) {
        assert_non_null(strstr(db.sql.fault.text, "log.db is damaged"));
        strcpy(said, db.sql.fault.text);
        return status;
    }
    *digest = stored.promise.n + stored.decided + stored.entry_count;
    for (uint64_t i = 0; i < stored.entry_count; i++)
        for (uint32_t j = 0; j < stored.entries[i]->len; j++)
            *digest = *digest * 31 + stored.entries[i]->bytes[j];
    log_stored_clear(&stored);
    return 0;
}

/* ---- Flips ---- */

struct subject {
    struct fixture f;
    const char *name;
    read_whole *read;
    struct image image;
    uint64_t digest;
    uint32_t noticed, harmless;
};

static void try_damaged(struct subject *s)
{
    uint64_t digest = 0;
    image_store(&s->f, s->name, &s->image);
    remove_beside(&s->f, s->name);
    int status = s->read(&s->f, &digest);
    if (status == 0)
        assert_int_equal(digest, s->digest);
    else
        assert_int_equal(status, -EUCLEAN);
    s->noticed += status < 0;
    s->harmless += status == 0;
}

static void flip(struct subject *s, uint64_t bit)
{
    s->image.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    try_damaged(s);
    s->image.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static void begin(struct subject *s, const char *name, read_whole *read)
{
    s->name = name;
    s->read = read;
    s->image = image_load(&s->f, name);
    assert_int_equal(s->image.len % SEAL_PAGE_BYTES, 0);
    assert_int_equal(read(&s->f, &s->digest), 0);
}

static void end(struct subject *s)
{
    printf("%s: %zu pages, %u damages noticed, %u where nothing is\n", s->name,
           s->image.len / SEAL_PAGE_BYTES, s->noticed, s->harmless);
    free(s->image.bytes);
    s->f.tree = NULL;
    fixture_close(&s->f);
}

static void flip_everywhere(struct subject *s, uint64_t *seed)
{
    for (uint64_t bit = 0; bit < HEADER_BITS; bit++)
        flip(s, bit);
    for (uint64_t at = 0; at < s->image.len; at += SEAL_PAGE_BYTES)
        for (int i = 0; i < FLIPS_OF_A_PAGE; i++)
            flip(s, at * 8 + random_below(seed, SEAL_PAGE_BYTES * 8));
    assert_true(s->noticed >= HEADER_BITS);
}

static void flips_in_a_tree_are_noticed(void **state)
{
    struct subject s = {0};
    uint64_t seed = random_seed();
    fixture_open(&s.f);
    for (int i = 0; i < COMMANDS; i++)
        fixture_do(&s.f, workload_op(&seed, 60));
    fixture_detach(&s.f);
    begin(&s, "tree.db", read_tree);
    flip_everywhere(&s, &seed);
    end(&s);
}

/* ---- In the WAL of a tree whose node was killed ---- */

/* After each command: the digest of the tree, which it has then, and never again. */
static uint64_t digests[COMMANDS + 1];

static int read_killed_tree(const struct fixture *f, uint64_t *same)
{
    struct folder *folder;
    struct fault fault;
    assert_int_equal(folder_open(f->path, &folder, &fault), 0);
    struct tree *tree;
    int status = tree_open(folder, &identity, &tree, &fault);
    uint64_t digest;
    if (status == 0) {
        assert_int_equal(tree_digest(tree, &digest), 0);
        assert_true(tree_applied(tree) <= COMMANDS);
        *same = digest == digests[tree_applied(tree)];
        tree_close(tree);
    }
    folder_close(folder);
    assert_true(status == 0 || strstr(fault.text, "its WAL ends before"));
    return status;
}

static void run_commands(struct fixture *f, uint64_t *seed, int count)
{
    for (int i = 0; i < count; i++) {
        fixture_do(f, workload_op(seed, 60));
        digests[tree_applied(f->tree)] = fixture_digest(f);
    }
}

static void write_back(struct fixture *f)
{
    assert_int_equal(
        sqlite3_wal_checkpoint_v2(f->tree->sql.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
        SQLITE_OK);
}

/* Changes that were not written back may be lost: the log has them. */
static void flip_in_the_wal(struct subject *s, uint64_t *seed)
{
    struct image file = image_load(&s->f, "tree.db");
    s->image = image_load(&s->f, s->name);
    fixture_detach(&s->f);
    for (int i = 0; i < WAL_FLIPS; i++) {
        remove_beside(&s->f, "tree.db");
        image_store(&s->f, "tree.db", &file);
        flip(s, random_below(seed, (uint32_t)s->image.len * 8));
    }
    free(file.bytes);
}

static void flips_in_a_written_back_wal_are_noticed_or_harmless(void **state)
{
    struct subject s = {.name = "tree.db-wal", .read = read_killed_tree, .digest = true};
    uint64_t seed = random_seed();
    fixture_open(&s.f);
    digests[0] = fixture_digest(&s.f);
    run_commands(&s.f, &seed, COMMANDS);
    write_back(&s.f);
    flip_in_the_wal(&s, &seed);
    assert_true(s.noticed > s.harmless); /* without its first frames all of it is left out */
    end(&s);
}

/* The reader keeps the WAL from being begun again. */
static void flips_in_a_partly_written_back_wal_are_noticed_or_harmless(void **state)
{
    struct subject s = {.name = "tree.db-wal", .read = read_killed_tree, .digest = true};
    uint64_t seed = random_seed(), index;
    fixture_open(&s.f);
    digests[0] = fixture_digest(&s.f);
    run_commands(&s.f, &seed, COMMANDS / 2);
    struct tree_reader *reader;
    assert_int_equal(tree_reader_open(s.f.tree, RECORD_FORMAT, &reader, &index), 0);
    write_back(&s.f);
    run_commands(&s.f, &seed, COMMANDS / 2);
    tree_reader_close(reader);
    flip_in_the_wal(&s, &seed);
    assert_true(s.noticed > 0 && s.harmless > 0);
    end(&s);
}

static void fill_log(const struct fixture *f)
{
    struct paxos_write write = {.promise = {3, 0, 1},
                                .acc_round = {3, 0, 1},
                                .decided = 40,
                                .entry_count = ENTRIES,
                                .membership = members};
    struct log_db db;
    assert_int_equal(log_db_open(&db, f->folder, &identity, &members, 0), 0);
    struct paxos_stored stored;
    assert_int_equal(log_db_load(&db, 0, 0, &stored), 0);
    write.entries = calloc(ENTRIES, sizeof *write.entries);
    for (int i = 0; i < ENTRIES; i++)
        write.entries[i] = paxos_entry_new("an entry of some length", 23);
    assert_int_equal(log_db_begin(&db), 0);
    assert_int_equal(log_db_put(&db, &write), 0);
    assert_int_equal(log_db_commit(&db), 0);
    assert_int_equal(sql_exec(&db.sql, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    paxos_write_clear(&write);
    log_db_close(&db);
    log_wal_restore(f->path);
}

static void flips_in_a_log_are_noticed(void **state)
{
    struct subject s = {0};
    uint64_t seed = random_seed();
    fixture_open(&s.f);
    fill_log(&s.f);
    fixture_detach(&s.f);
    begin(&s, "log.db", read_log);
    flip_everywhere(&s, &seed);
    assert_int_equal(s.harmless, 0);
    end(&s);
}

static void piece_read(void *arg, int status, struct bytes piece, bool last)
{
    *(int *)arg = status < 0 ? status : last;
}

/* Nor is it sent to another node. */
static void a_damaged_page_is_not_served(void **state)
{
    struct subject s = {0};
    uint8_t value[100000] = {0};
    int status = 0;
    fixture_open(&s.f);
    fixture_must(
        &s.f,
        (struct op){.type = OP_PUT, .name = text("large"), .data = bytes_of(value, sizeof value)});
    fixture_detach(&s.f);
    begin(&s, "tree.db", read_tree);
    s.image.bytes[s.image.len - SEAL_PAGE_BYTES / 2] ^= 1; /* of the value */
    image_store(&s.f, s.name, &s.image);
    fixture_attach(&s.f);
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    uint64_t index;
    struct tree_reader *reader;
    assert_int_equal(tree_reader_open(s.f.tree, RECORD_FORMAT, &reader, &index), 0);
    while (status == 0) {
        assert_int_equal(tree_reader_next(reader, &loop, 10000, piece_read, &status), 0);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    assert_int_equal(status, -EUCLEAN);
    assert_non_null(strstr(tree_fault(s.f.tree), "is not as it was written"));
    tree_reader_close(reader);
    assert_int_equal(uv_loop_close(&loop), 0);
    fixture_detach(&s.f);
    end(&s);
}

/* A whole page, as it was written, but in another place. */
static void a_page_in_the_place_of_another_is_found(void **state)
{
    struct subject s = {0};
    fixture_open(&s.f);
    fill_log(&s.f);
    fixture_detach(&s.f);
    begin(&s, "log.db", read_log);
    size_t last = s.image.len - SEAL_PAGE_BYTES;
    memcpy(s.image.bytes + last, s.image.bytes + last - SEAL_PAGE_BYTES, SEAL_PAGE_BYTES);
    try_damaged(&s);
    assert_int_equal(s.noticed, 1);
    assert_non_null(strstr(said, "is not as it was written")); /* not: makes no sense */
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flips_in_a_tree_are_noticed),
        cmocka_unit_test(flips_in_a_written_back_wal_are_noticed_or_harmless),
        cmocka_unit_test(flips_in_a_partly_written_back_wal_are_noticed_or_harmless),
        cmocka_unit_test(flips_in_a_log_are_noticed),
        cmocka_unit_test(a_page_in_the_place_of_another_is_found),
        cmocka_unit_test(a_damaged_page_is_not_served),
    };
    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
