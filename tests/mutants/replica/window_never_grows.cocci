// After a slow moment a node is slow for ever.
// killers: test_writes
@@
expression E;
@@
window_follow(...)
{
<...
- now - w->proposed_ms <= E
+ false
...>
}
