// A command that was proposed is refused with "nothing has happened" when the quorum is lost.
// killers: test_writes
@@
@@
writes_refuse_unproposed(...)
{
<...
- if (!w->proposed)
-         writes_finish(r, w, outcome, NULL);
+ writes_finish(r, w, outcome, NULL);
...>
}
