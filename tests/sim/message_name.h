/* What the types of messages are called where a failure is printed. */
#ifndef QUORUMFS_TESTS_SIM_MESSAGE_NAME_H
#define QUORUMFS_TESTS_SIM_MESSAGE_NAME_H

#include <stdint.h>

const char *message_name(uint8_t type);

#endif
