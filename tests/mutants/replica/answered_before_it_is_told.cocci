// A command is answered before its changes are told.
// killers: test_replica
@@
@@
apply_next(...)
{
<...
- observers_applied(r);
+ if (mine) writes_complete(r, view.stamp.sequence, &result); observers_applied(r);
...>
}
