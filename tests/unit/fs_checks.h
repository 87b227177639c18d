/* The checks that test_fs.c runs on the mounts in a child process. */
#ifndef QUORUMFS_TESTS_FS_CHECKS_H
#define QUORUMFS_TESTS_FS_CHECKS_H

#include "fake_replica_fs.h"

enum { MOUNTS = 2, REQUEST_TIMEOUT_MS = 800 };

typedef void fs_check(void);

/* Goes into the first mount, runs the check and ends the process: status 0 if it held. */
void fs_check_run(fs_check *check, const char *const paths[MOUNTS], struct fake_control *control)
    __attribute__((noreturn));

fs_check check_basics, check_names, check_nodes, check_renames, check_exclusive, check_truncation,
    check_moment, check_half_done, check_gathered, check_no_quorum_closed, check_shell_commands,
    check_append, check_create_race, check_unlinked, check_directories, check_xattrs,
    check_attributes, check_privileges, check_changes_by_root, check_holes, check_locks,
    check_ephemeral, check_ephemeral_unknown, check_mapping, check_handles, check_special,
    check_no_quorum, check_programs, check_umount, check_make_file, check_write_stalled,
    check_slow_paths, check_slow_calls, check_slow_exec;

/* ---- For the checks ---- */

extern const char *const *mounts; /* their paths */
extern struct fake_control *control;

void check_failed(const char *file, int line, const char *what) __attribute__((noreturn));

/* Ends the process unless it holds; tells errno. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            check_failed(__FILE__, __LINE__, #condition);                                          \
    } while (0)
#define CHECK_ERROR(call, error)                                                                   \
    do {                                                                                           \
        errno = 0;                                                                                 \
        if ((call) != -1 || errno != (error))                                                      \
            check_failed(__FILE__, __LINE__, #call " fails with " #error);                         \
    } while (0)

/* A path of the other mount; valid until the next call. */
const char *other(const char *name);
/* Whether the file has exactly this text, read through a new descriptor. */
int holds(const char *path, const char *text);
void put_text(const char *path, const char *text);
/* The exit status of a command, with $M1 and $M2 set and M1 as the working directory. */
int shell(const char *with, const char *command);

#endif
