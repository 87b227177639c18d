/* Pieces of a snapshot as bytes of any kind: they are refused, or they are a tree that serves. */
#include "experiment.h"

enum { INDEX = 10, PIECES_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = source_of(data, size);
    struct source commands = s;
    struct bytes pieces[PIECES_MAX];
    uint32_t count = 1 + source_below(&s, PIECES_MAX);
    for (uint32_t i = 0; i < count; i++)
        pieces[i] = source_bytes(&s, i + 1 < count ? source_number(&s) : s.left.len);
    lab_snapshot(); /* for the lab's way back */
    experiment_with_snapshot(lab_of_process(), INDEX, pieces, count, &commands);
    return 0;
}
