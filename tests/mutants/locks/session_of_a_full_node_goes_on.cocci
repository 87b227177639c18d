// Whatever a node says keeps its session, although it takes no part as its disk is full.
// killers: nodes_scenarios
@@
@@
on_frame(...)
{
<...
+ sessions_heard(r, frame->from);
rooms_frame(r, frame);
...>
}
