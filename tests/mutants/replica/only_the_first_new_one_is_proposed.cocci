// Of several new commands only the oldest is proposed.
// killers: test_writes
@@
@@
writes_propose_new(...)
{
<...
- while
+ if
  (...) {
  ...
  }
...>
}
