/* What is searched. A scope bounds
 * what may go wrong, so that it ends; unbounded are the order of events and, without `ordered`, the
 * order and the loss of messages. */
#include "search.h"

/* About a minute on two cores, most of it the first four. */
const struct scope search_scopes[] = {
    {.name = "two leaders, two proposals",
     .ordered = true,
     .budget = {.elections = 2, .proposals = 2}},
    {.name = "two leaders, any order", .budget = {.elections = 2, .proposals = 1}},
    {.name = "duplicates, any order", .budget = {.elections = 1, .proposals = 1, .duplicates = 1}},
    {.name = "a crash, slow disks",
     .ordered = true,
     .slow_disks = true,
     .budget = {.elections = 1, .proposals = 1, .crashes = 1}},
    {.name = "two leaders, slow disks",
     .ordered = true,
     .slow_disks = true,
     .budget = {.elections = 2, .proposals = 1}},
    {.name = "trimming, a broken link",
     .ordered = true,
     .settled = true,
     .budget = {.elections = 1, .proposals = 1, .breaks = 1, .trims = 1}},
    {.name = "trimming, a crash",
     .ordered = true,
     .settled = true,
     .budget = {.elections = 1, .crashes = 1, .trims = 1}},
    {.name = "a read, two leaders",
     .ordered = true,
     .settled = true,
     .budget = {.elections = 2, .reads = 1}},
    {0},
};

/* A few seconds, for builds that are checked and slow. */
const struct scope search_small_scopes[] = {
    {.name = "three leaders", .ordered = true, .budget = {.elections = 3}},
    {.name = "a crash, any order", .budget = {.elections = 1, .proposals = 1, .crashes = 1}},
    {.name = "a tick, any order", .budget = {.elections = 1, .proposals = 1, .ticks = 1}},
    {.name = "broken links",
     .ordered = true,
     .budget = {.elections = 1, .proposals = 2, .breaks = 1}},
    {.name = "large entries",
     .ordered = true,
     .large = true,
     .budget = {.elections = 1, .proposals = 2}},
    {0},
};

/* Some minutes each. */
const struct scope search_large_scopes[] = {
    {.name = "three leaders, a proposal",
     .ordered = true,
     .budget = {.elections = 3, .proposals = 1}},
    {.name = "two leaders, a broken link",
     .ordered = true,
     .budget = {.elections = 2, .proposals = 1, .breaks = 1}},
    {.name = "a crash, a broken link",
     .ordered = true,
     .budget = {.elections = 1, .proposals = 1, .crashes = 1, .breaks = 1}},
    {.name = "a crash, two proposals",
     .ordered = true,
     .budget = {.elections = 1, .proposals = 2, .crashes = 1}},
    {.name = "a crash after a decision",
     .ordered = true,
     .settled = true,
     .budget = {.elections = 1, .proposals = 1, .crashes = 1}},
    {.name = "a read, a crash",
     .ordered = true,
     .settled = true,
     .budget = {.elections = 1, .crashes = 1, .reads = 1}},
    {0},
};
