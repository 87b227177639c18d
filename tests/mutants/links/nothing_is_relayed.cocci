// Frames to a peer whose link is cut are dropped, although another peer reaches it.
// killers: test_peer
@@
@@
way_to(...)
{
<...
- relay ? relay : direct
+ direct
...>
}
