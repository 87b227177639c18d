// What the log refuses of a node is proposed again with each housekeeping.
// killers: test_levels
@@
@@
levels_pause(...)
{
<...
- levels->next_ms = replica_now_ms() + levels->pause_ms;
+ ;
...>
}
