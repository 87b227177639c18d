/* An error message that is built up layer by layer: "open store: log.db: disk I/O error".
 *
 * The function that fails sets the text, each caller that has something to add puts it in front.
 * Thread: a fault belongs to its holder. */
#ifndef QUORUMFS_BASE_FAULT_H
#define QUORUMFS_BASE_FAULT_H

enum { FAULT_TEXT_MAX = 512 }; /* bytes with the NUL; longer texts are cut */

struct fault {
    char text[FAULT_TEXT_MAX];
};

/* Both return `status`, so that a caller can write `return fault_set(f, -EIO, "...")`. */
int fault_set(struct fault *f, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int fault_wrap(struct fault *f, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
