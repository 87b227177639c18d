/* Durations as people write them: "500ms", "5s", "10m", "1h", "2d". Thread: any. */
#ifndef QUORUMFS_BASE_DURATION_H
#define QUORUMFS_BASE_DURATION_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { DURATION_TEXT_MAX = 24 }; /* bytes with the NUL */

/* False: it is no duration, or too long to be held. */
bool duration_read(struct bytes text, uint64_t *ms);
/* In the largest unit that says it exactly. */
void duration_print(uint64_t ms, char text[DURATION_TEXT_MAX]);

#endif
