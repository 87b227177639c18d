// Frames are sent into a link on which nothing is heard, until it has been silent for long.
// killers: test_peer
@@
@@
route_heard(...)
{
<...
- link->up && link->in_pulses < PEER_QUIET_PULSES
+ link->up
...>
}
