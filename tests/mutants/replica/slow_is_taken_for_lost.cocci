// What is not decided within a second is proposed again, although others before it are decided.
// killers: test_writes
@@
@@
may_be_lost(...)
{
<...
- now_ms >= r->writes.progress_ms + WRITE_REPEAT_MS
+ true
...>
}
