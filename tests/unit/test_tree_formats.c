/* Snapshots in the formats that nodes of several versions exchange: the oldest byte for byte as the
 * version that made it wrote it, and one that this version does not know yet. */
#include "tree_fixture.h"

#include "store/tree_internal.h"
#include "store/tree_records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tables of the product, and a newer format: one more counter, one more column of a table, and
 * two more tables. The library's tree_tables.c is then not linked. */
