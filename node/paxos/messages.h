/* The messages between nodes: the one list of their types, and the one list of their fields.
 *
 * enum paxos_message_type, the names in traces and the codec of frames (peer/frame.c) follow from
 * these lists. Numbers and orders are on the wire: a node of the former release takes part in the
 * cluster while it is upgraded. */
#ifndef QUORUMFS_PAXOS_MESSAGES_H
#define QUORUMFS_PAXOS_MESSAGES_H

/* X(NAME, type, member): the field, how it is encoded, and the member of struct paxos_message that
 * holds it. The order is that of the encoding. `sync` says what it brings with it: a suffix FIRST
 * and ENTRIES, a snapshot FIRST. ENTRIES come last, and are not in this list: they are no single
 * member. */
#define PAXOS_FIELDS(X)                                                                            \
    X(N, ballot, n)                                                                                \
    X(ACC_ROUND, ballot, acc_round)                                                                \
    X(LEADER, ballot, leader)                                                                      \
    X(DECIDED, u64, decided)                                                                       \
    X(ACCEPTED, u64, accepted)                                                                     \
    X(PSID, u64, psid)                                                                             \
    X(SESSION, u64, session)                                                                       \
    X(COUNTER, u64, counter)                                                                       \
    X(ROUND, u64, round)                                                                           \
    X(READ, u64, read)                                                                             \
    X(LEASE, u32, lease)                                                                           \
    X(HAPPY, bool, happy)                                                                          \
    X(STANDING, standing, standing)                                                                \
    X(LIFE, u32, life)                                                                             \
    X(FOLDER, u64, folder)                                                                         \
    X(LIVES, lives, lives)                                                                         \
    X(FOLDERS, folders, folders)                                                                   \
    X(SYNC, sync, sync)                                                                            \
    X(FIRST, u64, first)

/* X(NAME, number, name, fields): PAXOS_NAME, what a trace calls it, and which fields it has: all
 * others are zero. */
#define PAXOS_MESSAGES(X)                                                                          \
    /* n: the sender's promise */                                                                  \
    X(PREPARE_REQ, 1, "PrepareReq", FIELD_N)                                                       \
    X(PREPARE, 2, "Prepare",                                                                       \
      FIELD_N | FIELD_DECIDED | FIELD_ACC_ROUND | FIELD_ACCEPTED | FIELD_PSID)                     \
    /* lease: what may still be left of those that the sender vouched for */                       \
    X(PROMISE, 3, "Promise",                                                                       \
      FIELD_N | FIELD_ACC_ROUND | FIELD_DECIDED | FIELD_ACCEPTED | FIELD_PSID | FIELD_LEASE |      \
          FIELD_SYNC | FIELD_STANDING | FIELD_LIVES)                                               \
    /* a node whose sync is too long for one message pulls the rest */                             \
    X(SUFFIX_REQ, 4, "SuffixReq", FIELD_N | FIELD_PSID | FIELD_FIRST)                              \
    X(SUFFIX, 5, "Suffix", FIELD_N | FIELD_PSID | FIELD_FIRST | FIELD_ENTRIES)                     \
    /* accepted: the end of the leader's log; life: the receiver's, as it promised */              \
    X(ACCEPT_SYNC, 6, "AcceptSync",                                                                \
      FIELD_N | FIELD_PSID | FIELD_SESSION | FIELD_COUNTER | FIELD_DECIDED | FIELD_ACCEPTED |      \
          FIELD_SYNC | FIELD_STANDING | FIELD_LIFE)                                                \
    X(ACCEPT_DECIDE, 7, "AcceptDecide",                                                            \
      FIELD_N | FIELD_SESSION | FIELD_COUNTER | FIELD_DECIDED | FIELD_FIRST | FIELD_ENTRIES)       \
    X(ACCEPTED, 8, "Accepted", FIELD_N | FIELD_ACCEPTED | FIELD_DECIDED)                           \
    X(DECIDE, 9, "Decide", FIELD_N | FIELD_SESSION | FIELD_COUNTER | FIELD_DECIDED)                \
    /* n: the sender's promise */                                                                  \
    X(NOT_ACCEPTED, 10, "NotAccepted", FIELD_N)                                                    \
    X(PROPOSAL_FORWARD, 11, "ProposalForward", FIELD_ENTRIES)                                      \
    X(HEARTBEAT_REQUEST, 12, "HeartbeatRequest", FIELD_ROUND)                                      \
    /* n: the sender's ballot */                                                                   \
    X(HEARTBEAT_REPLY, 13, "HeartbeatReply",                                                       \
      FIELD_ROUND | FIELD_N | FIELD_LEADER | FIELD_HAPPY | FIELD_STANDING)                         \
    X(LEADER_BEAT, 14, "LeaderBeat", FIELD_N | FIELD_SESSION | FIELD_COUNTER | FIELD_DECIDED)      \
    /* n: the sender's promise; read: answer when every read up to this id may go on; lease:       \
     * wanted */                                                                                   \
    X(READ_REQUEST, 15, "ReadRequest", FIELD_N | FIELD_READ | FIELD_LEASE)                         \
    /* read: the leader's probe number; lease: to vouch for */                                     \
    X(READ_PROBE, 16, "ReadProbe", FIELD_N | FIELD_READ | FIELD_LEASE)                             \
    /* lease: vouched for */                                                                       \
    X(READ_ACK, 17, "ReadAck", FIELD_N | FIELD_READ | FIELD_LEASE)                                 \
    /* decided: the index to wait for; lease: granted */                                           \
    X(READ_INDEX, 18, "ReadIndex", FIELD_N | FIELD_READ | FIELD_DECIDED | FIELD_LEASE)             \
    /* asks what the receiver knows of the sender */                                               \
    X(JOIN_REQUEST, 19, "JoinRequest", FIELD_ROUND | FIELD_LIFE | FIELD_FOLDER)                    \
    /* round: the request's; n: the sender's promise */                                            \
    X(JOIN_REPLY, 20, "JoinReply",                                                                 \
      FIELD_N | FIELD_ROUND | FIELD_STANDING | FIELD_FOLDER | FIELD_LIVES | FIELD_FOLDERS)         \
    /* since feature level 3. n: the ballot in which the sender leads, and is about to stop */     \
    X(HAND_OVER, 21, "HandOver", FIELD_N)

#endif
