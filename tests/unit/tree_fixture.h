/* Shared by the tests of the key tree: a tree in a folder of its own, and commands in one line. */
#ifndef QUORUMFS_TESTS_TREE_FIXTURE_H
#define QUORUMFS_TESTS_TREE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"
#include "store/tree.h"

struct fixture {
    char path[SCRATCH_BYTES];
    struct folder *folder;
    struct tree *tree;
    uint32_t node;        /* the node that asks */
    uint64_t incarnation; /* of it */
    uint64_t sequence;    /* the next one */
    uint64_t time;        /* its clock */
};

void fixture_open(struct fixture *f);   /* a new folder */
void fixture_reopen(struct fixture *f); /* closes and opens the tree */
void fixture_close(struct fixture *f);  /* removes the folder */
/* Opens, and closes, the tree in a folder that exists. */
void fixture_attach(struct fixture *f);
void fixture_detach(struct fixture *f);

/* Encodes operations with the next sequence. The caller frees. */
struct buffer fixture_entry(struct fixture *f, const struct op *ops, uint32_t count);
/* Applies an entry; the caller frees the result. */
struct command_result fixture_apply(struct fixture *f, struct bytes entry, bool *repeated);
/* Applies operations as one command: the result's status, the last operation's result in `*out`. */
int fixture_run(struct fixture *f, const struct op *ops, uint32_t count, struct op_result *out);
int fixture_do(struct fixture *f, struct op op);
/* The same; it has to succeed. The attributes of what it changed. */
struct attr fixture_must(struct fixture *f, struct op op);

struct bytes text(const char *s);
struct attr fixture_resolve(struct fixture *f, const char *key); /* ino 0: there is none */
uint64_t fixture_digest(struct fixture *f);
void fixture_assert_contents(struct fixture *f, uint64_t ino, const char *contents);
/* Checks the invariants of tree_internal.h in the database itself. */
void fixture_check(struct fixture *f);
/* Runs SQL on tree.db while the tree is closed. */
void fixture_sql(struct fixture *f, const char *sql);

/* For tests that begin with an empty tree in `*state`, whose invariants are checked at the end. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

uint64_t fixture_make_file(struct fixture *f, uint64_t parent, const char *name);
uint64_t fixture_make_dir(struct fixture *f, uint64_t parent, const char *name);
struct attr fixture_getattr(struct fixture *f, uint64_t ino); /* it has to exist */
bool fixture_gone(struct fixture *f, uint64_t ino);

/* Operations in one line. */
struct op make_put(const char *key, const char *value);
struct op make_named(uint8_t type, uint64_t parent, const char *name); /* mode 0644 */
struct op make_write(uint64_t ino, uint64_t offset, const char *bytes);
struct op make_rename(uint64_t from, const char *name, uint64_t to, const char *name2,
                      uint32_t flags);

/* A random number below `n`, the same on every machine for the same seed. */
uint32_t random_below(uint64_t *state, uint32_t n);
/* TEST_SEED of the environment, or a new one, printed. */
uint64_t random_seed(void);

#endif
