/* Shared by the fuzzing programs.
 *
 * Each target is a file with one LLVMFuzzerTestOneInput, which asserts the properties that hold
 * for any input. It is built twice: with libFuzzer, which looks for inputs (tests/fuzz/run), and
 * with replay.c, which runs the corpus and some mutations of it (a default test).
 *
 *   decoders   frame pieces outbox route address handshake command key config json text uri
 *   doors      http client
 *   the store  apply snapshot rows log damage
 *   the core   core forged
 *   all of it  replica
 *
 *   source.c   inputs taken apart          guard.c   memory with nothing readable behind it
 *   folder.c   a folder for databases      replay.c  the main program without libFuzzer */
#ifndef QUORUMFS_TESTS_FUZZ_H
#define QUORUMFS_TESTS_FUZZ_H

#include "base/buffer.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- source.c: an input, read from its front; behind its end all is zero ---- */

struct source {
    struct bytes left;
};

static inline struct source source_of(const uint8_t *data, size_t size)
{
    return (struct source){bytes_of(data, size)};
}

uint8_t source_u8(struct source *s);
uint32_t source_u32(struct source *s);
uint64_t source_u64(struct source *s);
uint32_t source_below(struct source *s, uint32_t limit); /* 0..limit-1; takes a byte or two */
/* A number whose size is up to the input, and which often lies beside a power of two. */
uint64_t source_number(struct source *s);
struct bytes source_bytes(struct source *s, size_t len); /* fewer at the end */
struct bytes source_chunk(struct source *s); /* with its length before it, in one byte */

/* ---- guard.c: copies that end where a page without access begins ---- */

/* Both are valid until the next call. A read of one byte too many is noticed even in a library
 * that was built without sanitizers. */
struct bytes guard_bytes(struct bytes bytes);
char *guard_text(struct bytes bytes); /* with a NUL behind it */

/* ---- folder.c ---- */

/* A folder of this process, in memory where that is possible; removed when the process exits. */
const char *folder_of_process(void);

#endif
