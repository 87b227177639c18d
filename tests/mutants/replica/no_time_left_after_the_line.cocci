// A command whose turn comes late has only the rest of its time.
// killers: test_writes
@@
expression E;
@@
writes_propose_new(...)
{
<...
- w->deadline_ms = E;
...>
}
