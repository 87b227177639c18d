/* Commands applied to a real tree: whatever they are, it stays one. */
#include "experiment.h"

enum { ACTIONS_MAX = 60, STRETCH = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lab *lab = lab_of_process();
    struct source s = source_of(data, size);
    bool thorough = source_u8(&s) % 8 == 0; /* the check takes most of the time */
    for (uint32_t actions = 0; actions < ACTIONS_MAX && s.left.len > 0;) {
        uint32_t stretch = 1 + source_below(&s, STRETCH);
        experiment(lab->tree, &s, stretch);
        lab_settle(lab);
        actions += stretch;
    }
    if (thorough)
        lab_check(lab);
    lab_undo(lab);
    return 0;
}
