#include "message_name.h"

#include "paxos/paxos.h"

#include <assert.h>

const char *message_name(uint8_t type)
{
    static const char *const names[PAXOS_MESSAGE_TYPE_END] = {
        [PAXOS_PREPARE_REQ] = "PrepareReq",
        [PAXOS_PREPARE] = "Prepare",
        [PAXOS_PROMISE] = "Promise",
        [PAXOS_SUFFIX_REQ] = "SuffixReq",
        [PAXOS_SUFFIX] = "Suffix",
        [PAXOS_ACCEPT_SYNC] = "AcceptSync",
        [PAXOS_ACCEPT_DECIDE] = "AcceptDecide",
        [PAXOS_ACCEPTED] = "Accepted",
        [PAXOS_DECIDE] = "Decide",
        [PAXOS_NOT_ACCEPTED] = "NotAccepted",
        [PAXOS_PROPOSAL_FORWARD] = "ProposalForward",
        [PAXOS_HEARTBEAT_REQUEST] = "HeartbeatRequest",
        [PAXOS_HEARTBEAT_REPLY] = "HeartbeatReply",
        [PAXOS_LEADER_BEAT] = "LeaderBeat",
        [PAXOS_READ_REQUEST] = "ReadRequest",
        [PAXOS_READ_PROBE] = "ReadProbe",
        [PAXOS_READ_ACK] = "ReadAck",
        [PAXOS_READ_INDEX] = "ReadIndex",
        [PAXOS_JOIN_REQUEST] = "JoinRequest",
        [PAXOS_JOIN_REPLY] = "JoinReply",
    };
    assert(type < PAXOS_MESSAGE_TYPE_END && names[type]);
    return names[type];
}
