/* The bytes of a file on the disk of these tests: pages that copies share until one is written, and
 * no page at all where there are only zeros. So a copy of a disk costs little.
 *
 * Errors: none; without memory the test ends. */
#ifndef QUORUMFS_TESTS_FAULTS_CONTENT_H
#define QUORUMFS_TESTS_FAULTS_CONTENT_H

#include <stddef.h>
#include <stdint.h>

struct content_page;

/* All zeros: an empty file. */
struct content {
    struct content_page **pages; /* NULL: zeros */
    size_t page_count;
    uint64_t size; /* bytes; pages hold nothing but zeros beyond */
};

void content_free(struct content *c);
struct content content_copy(const struct content *c);

/* `data` NULL: zeros. Writing behind the end leaves zeros between. */
void content_write(struct content *c, uint64_t offset, const uint8_t *data, size_t len);
void content_truncate(struct content *c, uint64_t size); /* shorter, or longer with zeros */
/* Zeros behind the end. Returns how many bytes were there. */
size_t content_read(const struct content *c, uint64_t offset, uint8_t *to, size_t len);

/* malloc that does not fail. Zeroed. */
void *must_alloc(size_t bytes);
/* An array with room for one more. */
void *must_grow(void *array, size_t count, size_t *cap, size_t item_bytes);

#endif
