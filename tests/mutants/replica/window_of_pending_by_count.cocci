// The window counts the commands that wait, not the span of their sequences.
// killers: test_writes
@@
@@
refusal(...)
{
<...
- oldest ? r->next_sequence - oldest->sequence : 0
+ r->write_count
...>
}
