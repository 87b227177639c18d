// A ballot that differs in its priority alone is not written.
// killers: test_log, test_log_disk
@@
@@
log_ballots_equal(...)
{
<...
- a.n == b.n && a.priority == b.priority && a.pid == b.pid
+ a.n == b.n && a.pid == b.pid
...>
}
