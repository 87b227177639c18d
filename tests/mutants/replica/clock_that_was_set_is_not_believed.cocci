// A member's clock that was set is taken for what it was.
// killers: test_clocks
@@
@@
clocks_told(...)
{
<...
- !member->heard || was_set || told.margin_ns <= margin_ns
+ !member->heard || told.margin_ns <= margin_ns
...>
}
