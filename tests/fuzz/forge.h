/* Lies: messages with a field changed, and frames made of any bytes. All of them go through the
 * frame decoder, so that what arrives is what can arrive. */
#ifndef QUORUMFS_TESTS_FUZZ_FORGE_H
#define QUORUMFS_TESTS_FUZZ_FORGE_H

#include "cluster.h"

/* A message that an honest core has sent, with some fields changed, arrives. */
void forge_message(struct cluster *c, struct source *s);
/* A frame with a right header and any body arrives. */
void forge_frame(struct cluster *c, struct source *s);

#endif
