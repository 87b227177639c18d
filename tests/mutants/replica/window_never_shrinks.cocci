// Slow writes stay on their way, however many: those of the other nodes wait behind them.
// killers: test_writes
@@
expression E;
@@
window_follow(...)
{
<...
- now - w->proposed_ms <= E
+ true
...>
}
